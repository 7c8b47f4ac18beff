//! SQLite: one file, one machine.

use super::{Database, Row, Statements, Value, Work};
use crate::disk::Lock;
use crate::fault::Fault;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Writers of other tenders in the same file are short; who waits longer than this waits for something
/// that is stuck.
const BUSY: Duration = Duration::from_secs(10);

/// A connection, and the lock of the writer of one tender.
pub(crate) struct Sqlite {
    connection: Connection,
    /// Reads happen in one transaction that was begun at the start.
    frozen: bool,
    _lock: Option<Lock>,
}

impl Sqlite {
    /// Opens the file, making it if it is not there; `tender` is the one to be written to.
    pub(crate) fn open(path: &Path, tender: Option<&str>) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let lock = tender.map(|tender| lock(path, tender)).transpose()?;
        let connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        // FULL: with NORMAL, a commit is answered before it is synced. Foreign keys are off by default.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )
            .map_err(failed)?;
        let sqlite = Sqlite {
            connection,
            frozen: false,
            _lock: lock,
        };
        sqlite.require("journal_mode", "wal")?;
        sqlite.require("synchronous", "2")?;
        // The file's own name, once it is new.
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(sqlite)
    }

    fn require(&self, what: &str, wanted: &str) -> io::Result<()> {
        let found = self
            .connection
            .pragma_query_value(None, what, |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    _ => String::new(),
                })
            })
            .map_err(failed)?;
        if found == wanted {
            return Ok(());
        }
        Err(Fault::NotDurable(format!("{what}: expected {wanted}, found {found}")).into())
    }

    fn within(&self, begin: &str, work: Work<'_>) -> io::Result<()> {
        self.connection.execute_batch(begin).map_err(failed)?;
        let done = work(&mut Open(&self.connection))
            .and_then(|()| self.connection.execute_batch("COMMIT").map_err(failed));
        if done.is_err() && !self.connection.is_autocommit() {
            // The error that counts is the first one.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }
}

fn lock(path: &Path, tender: &str) -> io::Result<Lock> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{tender}.lock"));
    let held = || Fault::Held {
        tender: tender.to_owned(),
        holder: "another process of this machine".to_owned(),
        left_ms: 0,
    };
    Lock::take(Path::new(&name))?.ok_or_else(|| held().into())
}

fn failed(error: rusqlite::Error) -> io::Error {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => io::ErrorKind::TimedOut,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => io::ErrorKind::InvalidData,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    Fault::Unavailable {
        what: "SQLite",
        detail: error.to_string(),
    }
    .kind(kind)
}

struct Open<'a>(&'a Connection);

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Value::Int(value) => value.to_sql(),
            Value::Text(value) => value.to_sql(),
            Value::Bytes(value) => value.to_sql(),
        }
    }
}

impl Statements for Open<'_> {
    fn run(&mut self, sql: &str, params: &[Value]) -> io::Result<u64> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let changed = statement
            .execute(params_from_iter(params))
            .map_err(failed)?;
        Ok(changed as u64)
    }

    fn rows(&mut self, sql: &str, params: &[Value]) -> io::Result<Vec<Row>> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let width = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let mut values = Vec::with_capacity(width);
            for column in 0..width {
                values.push(match row.get_ref(column).map_err(failed)? {
                    ValueRef::Integer(value) => Value::Int(value),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                    ValueRef::Null | ValueRef::Real(_) => break,
                });
            }
            found.push(Row(values.into_iter()));
        }
        Ok(found)
    }

    fn script(&mut self, sql: &str) -> io::Result<()> {
        self.0.execute_batch(sql).map_err(failed)
    }
}

impl Database for Sqlite {
    fn bytes_type(&self) -> &'static str {
        "BLOB"
    }

    fn name_type(&self) -> &'static str {
        "TEXT"
    }

    fn now_ms(&self) -> &'static str {
        "0"
    }

    fn lease_ms(&self) -> i64 {
        0
    }

    fn transact(&self, work: Work<'_>) -> io::Result<()> {
        self.within("BEGIN IMMEDIATE", work)
    }

    fn snapshot(&self, work: Work<'_>) -> io::Result<()> {
        match self.frozen {
            true => work(&mut Open(&self.connection)),
            false => self.within("BEGIN", work),
        }
    }

    fn freeze(&mut self) -> io::Result<()> {
        // The state is that of the first statement that reads.
        self.connection
            .execute_batch("BEGIN; SELECT count(*) FROM mifeng_tender")
            .map_err(failed)?;
        self.frozen = true;
        Ok(())
    }

    fn keep(&mut self, _: &str, _: i64) {}
}
