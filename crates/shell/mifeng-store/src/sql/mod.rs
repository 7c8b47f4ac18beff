//! A store in a database, with large files beside it.
//!
//! Every write is one transaction that first shows that its writer still has its place. SQLite and
//! PostgreSQL run the same statements; what differs is in [`Database`].

mod examine;
mod holder;
mod lists;
#[cfg(feature = "postgres")]
mod postgres;
mod records;
mod schema;
mod sqlite;
mod statements;
#[cfg(feature = "postgres")]
mod tls;

pub(crate) use lists::SharedLists;
#[cfg(feature = "postgres")]
pub(crate) use postgres::{Postgres, PostgresPlace};
pub use records::{INLINE_MAX, Records};
pub(crate) use sqlite::Sqlite;

use crate::fault::Fault;
use std::io;

/// What goes into a statement and comes out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(value.to_vec())
    }
}

/// One row of an answer, read from left to right.
pub(crate) struct Row(pub(crate) std::vec::IntoIter<Value>);

impl Row {
    pub(crate) fn int(&mut self) -> io::Result<i64> {
        match self.0.next() {
            Some(Value::Int(value)) => Ok(value),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    pub(crate) fn text(&mut self) -> io::Result<String> {
        match self.0.next() {
            Some(Value::Text(value)) => Ok(value),
            other => Err(unexpected("text", other.as_ref())),
        }
    }

    pub(crate) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        match self.0.next() {
            Some(Value::Bytes(value)) => Ok(value),
            other => Err(unexpected("bytes", other.as_ref())),
        }
    }
}

fn unexpected(what: &str, found: Option<&Value>) -> io::Error {
    let found = match found {
        Some(Value::Int(_)) => "a number",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
        None => "nothing",
    };
    Fault::Damaged {
        name: "a row".to_owned(),
        expected: what.to_owned(),
        found: found.to_owned(),
    }
    .into()
}

/// What runs inside a transaction. Parameters are `$1`, `$2`, … in the order of their first use.
pub(crate) trait Statements {
    /// Runs a statement and says how many rows it changed.
    fn run(&mut self, sql: &str, params: &[Value]) -> io::Result<u64>;

    /// The rows of an answer.
    fn rows(&mut self, sql: &str, params: &[Value]) -> io::Result<Vec<Row>>;

    /// Several statements without parameters.
    fn script(&mut self, sql: &str) -> io::Result<()>;
}

/// Work inside a transaction.
pub(crate) type Work<'a> = &'a mut dyn FnMut(&mut dyn Statements) -> io::Result<()>;

/// What SQLite and PostgreSQL do differently.
pub(crate) trait Database: Send {
    /// What the statements of the schema say for bytes.
    fn bytes_type(&self) -> &'static str;

    /// What they say for names that sort by their bytes.
    fn name_type(&self) -> &'static str;

    /// An expression for the database's clock, in milliseconds since 1970.
    fn now_ms(&self) -> &'static str;

    /// For how long a writer has its place without renewing it; zero where the system's lock of a file
    /// says who writes.
    fn lease_ms(&self) -> i64;

    /// Runs the work in one transaction and makes it durable; an error of the work undoes it.
    fn transact(&self, work: Work<'_>) -> io::Result<()>;

    /// Runs the work on one unchanging state of the database.
    fn snapshot(&self, work: Work<'_>) -> io::Result<()>;

    /// From now on every [`Database::snapshot`] is of one and the same state, until this is dropped.
    fn freeze(&mut self) -> io::Result<()>;

    /// Keeps the place of this writer from now on, and gives it back at the end.
    fn keep(&mut self, tender: &str, epoch: i64);
}
