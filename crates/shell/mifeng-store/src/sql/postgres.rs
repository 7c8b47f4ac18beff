//! PostgreSQL: one server for several replicas.

use super::tls::Tls;
use super::{Database, Row, Statements, Value, Work};
use crate::fault::Fault;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Connection, NoTls};

/// A writer that is silent for so long may be replaced. It renews three times within that, so that one
/// slow answer costs nothing.
const LEASE_MS: i64 = 15_000;
const RENEW_EVERY: Duration = Duration::from_millis(LEASE_MS.unsigned_abs() / 3);
/// How long a server may take to accept a connection, or to acknowledge a packet.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(20);
/// How long an answer may take: a little longer than the server lets a statement run, for one that keeps its
/// connection and never answers.
const ANSWER: Duration = Duration::from_secs(30);
/// Milliseconds that one statement may take, and may wait for another writer's row. The largest is a batch of a
/// few megabytes; transactions of many statements are bounded by none.
const SESSION: &str =
    "SET synchronous_commit = on; SET statement_timeout = 20000; SET lock_timeout = 10000;
    SET client_min_messages = warning";
/// The same for one transaction: behind a pooler the next one may have another session. Who comes second sees what the first
/// one did, whatever the server's default.
const LOCAL: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = 20000;
    SET LOCAL lock_timeout = 10000";
/// One state of the database, for reading.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const NOW_MS: &str = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// Where a database is: a URL of libpq's form, without a password in it.
#[derive(Clone)]
pub(crate) struct PostgresPlace {
    pub(crate) config: Config,
    pub(crate) root: Option<PathBuf>,
}

impl PostgresPlace {
    /// TLS unless the server is on this machine or the operator says `sslmode=disable`.
    async fn connect(&self) -> io::Result<Client> {
        let mut config = self.config.clone();
        config
            .application_name("mifeng")
            .connect_timeout(CONNECT)
            .keepalives(true)
            .keepalives_idle(SILENCE)
            .tcp_user_timeout(SILENCE);
        let here = |host: &Host| match host {
            Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
            Host::Unix(_) => true,
        };
        let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
        let all_here = !(hosts.is_empty() && addresses.is_empty())
            && hosts.iter().all(here)
            && addresses.iter().all(std::net::IpAddr::is_loopback);
        match config.get_ssl_mode() {
            SslMode::Prefer if all_here => {
                config.ssl_mode(SslMode::Disable);
            }
            SslMode::Prefer => {
                config.ssl_mode(SslMode::Require);
            }
            _ => {}
        }
        if config.get_ssl_mode() == SslMode::Disable {
            return driven(config.connect(NoTls)).await;
        }
        driven(config.connect(Tls::new(self.root.as_deref())?)).await
    }
}

/// A connection with its other half running beside it: what that ends with, the next question is told.
async fn driven<S, T, F>(connecting: F) -> io::Result<Client>
where
    F: Future<Output = Result<(Client, Connection<S, T>), tokio_postgres::Error>>,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connected = tokio::time::timeout(ANSWER, connecting).await;
    let (client, connection) = connected
        .map_err(|_| io::ErrorKind::TimedOut)?
        .map_err(failed)?;
    tokio::spawn(connection);
    Ok(client)
}

/// A connection that one writer or reader uses, and the thread that keeps the writer's place.
pub(crate) struct Postgres {
    line: Arc<Mutex<Line>>,
    keeper: Option<Keeper>,
    /// Reads happen in one transaction that was begun at the start.
    frozen: bool,
}

struct Keeper {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

/// A connection and what drives it, which runs only while somebody waits for an answer.
struct Line {
    runtime: Runtime,
    client: Client,
    /// An answer did not come in time: one that comes later would be taken for that of another question.
    silent: bool,
}

impl Line {
    fn new(place: &PostgresPlace) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(place.connect())?;
        Ok(Line {
            runtime,
            client,
            silent: false,
        })
    }

    /// Asks the server and waits for its answer, but not for ever.
    fn ask<'a, T, F>(&'a mut self, question: impl FnOnce(&'a Client) -> F) -> io::Result<T>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>> + 'a,
    {
        let silence = || {
            let text = format!("no answer in {} s", ANSWER.as_secs());
            Fault::Unavailable {
                what: "PostgreSQL",
                detail: text,
            }
            .kind(io::ErrorKind::TimedOut)
        };
        if self.silent {
            return Err(silence());
        }
        let question = question(&self.client);
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(ANSWER, question).await });
        match answer {
            Ok(answer) => answer.map_err(failed),
            Err(_) => {
                self.silent = true;
                Err(silence())
            }
        }
    }

    fn script(&mut self, sql: &str) -> io::Result<()> {
        self.ask(|client| client.batch_execute(sql))
    }

    /// Runs the work between two scripts; an error of the work undoes it.
    fn within(&mut self, begin: &str, work: Work<'_>) -> io::Result<()> {
        self.script(begin)?;
        let done = work(&mut Open(self)).and_then(|()| self.script("COMMIT"));
        if done.is_err() {
            // The error that counts is the first one. A connection that is gone has nothing to undo.
            let _ = self.script("ROLLBACK");
        }
        done
    }
}

impl Postgres {
    pub(crate) fn open(place: &PostgresPlace) -> io::Result<Self> {
        let mut line = Line::new(place)?;
        line.script(SESSION)?;
        let rows = line.ask(|client| client.query_typed("SHOW fsync", &[]))?;
        let fsync = rows.first().map(|row| row.try_get::<_, String>(0));
        let fsync = fsync.transpose().map_err(failed)?.unwrap_or_default();
        if fsync != "on" {
            let text = format!("fsync: expected on, found {fsync}");
            return Err(Fault::NotDurable(text).into());
        }
        Ok(Postgres {
            line: Arc::new(Mutex::new(line)),
            keeper: None,
            frozen: false,
        })
    }

    fn line(&self) -> io::Result<MutexGuard<'_, Line>> {
        self.line.lock().map_err(|_| Fault::Broken.into())
    }
}

fn failed(error: tokio_postgres::Error) -> io::Error {
    let kind = match error.code() {
        Some(&SqlState::DISK_FULL) => io::ErrorKind::StorageFull,
        Some(&SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE) => io::ErrorKind::TimedOut,
        Some(
            &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW,
        ) => io::ErrorKind::ConnectionAborted,
        Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => io::ErrorKind::InvalidData,
        Some(_) => io::ErrorKind::Other,
        None if error.is_closed() => io::ErrorKind::ConnectionAborted,
        None => io::ErrorKind::NotConnected,
    };
    let detail = match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => {
            let cause = std::error::Error::source(&error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    };
    Fault::Unavailable {
        what: "PostgreSQL",
        detail,
    }
    .kind(kind)
}

struct Open<'a>(&'a mut Line);

/// Parameters with their types, so that nothing has to be prepared: it works through poolers too.
fn typed(params: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    let typed = params.iter().map(|param| match param {
        Value::Int(value) => (value as &(dyn ToSql + Sync), Type::INT8),
        Value::Text(value) => (value as &(dyn ToSql + Sync), Type::TEXT),
        Value::Bytes(value) => (value as &(dyn ToSql + Sync), Type::BYTEA),
    });
    typed.collect()
}

impl Statements for Open<'_> {
    fn run(&mut self, sql: &str, params: &[Value]) -> io::Result<u64> {
        let params = typed(params);
        self.0
            .ask(|client| async move { client.execute_typed(sql, &params).await })
    }

    fn rows(&mut self, sql: &str, params: &[Value]) -> io::Result<Vec<Row>> {
        let mut found = Vec::new();
        let params = typed(params);
        let rows = self
            .0
            .ask(|client| async move { client.query_typed(sql, &params).await })?;
        for row in rows {
            let mut values = Vec::with_capacity(row.len());
            for (at, column) in row.columns().iter().enumerate() {
                values.push(match *column.type_() {
                    Type::INT8 => Value::Int(row.try_get(at).map_err(failed)?),
                    Type::TEXT => Value::Text(row.try_get(at).map_err(failed)?),
                    Type::BYTEA => Value::Bytes(row.try_get(at).map_err(failed)?),
                    _ => break,
                });
            }
            found.push(Row(values.into_iter()));
        }
        Ok(found)
    }

    fn script(&mut self, sql: &str) -> io::Result<()> {
        self.0.script(sql)
    }
}

impl Database for Postgres {
    fn bytes_type(&self) -> &'static str {
        "BYTEA"
    }

    fn name_type(&self) -> &'static str {
        "TEXT COLLATE \"C\""
    }

    fn now_ms(&self) -> &'static str {
        NOW_MS
    }

    fn lease_ms(&self) -> i64 {
        LEASE_MS
    }

    fn transact(&self, work: Work<'_>) -> io::Result<()> {
        self.line()?.within(LOCAL, work)
    }

    fn snapshot(&self, work: Work<'_>) -> io::Result<()> {
        let mut line = self.line()?;
        match self.frozen {
            true => work(&mut Open(&mut line)),
            false => line.within(SNAPSHOT, work),
        }
    }

    fn freeze(&mut self) -> io::Result<()> {
        // The state is that of the first statement that reads.
        let sql = format!("{SNAPSHOT}; SELECT count(*) FROM mifeng_tender");
        self.line()?.script(&sql)?;
        self.frozen = true;
        Ok(())
    }

    fn keep(&mut self, tender: &str, epoch: i64) {
        let (stop, stopped) = channel::<()>();
        let line = Arc::clone(&self.line);
        let tender = tender.to_owned();
        let say = move |lease: i64| {
            let sql = format!(
                "UPDATE mifeng_tender SET lease_ms = {NOW_MS} + $1 WHERE tender = $2 AND epoch = $3"
            );
            let params = [lease.into(), tender.as_str().into(), epoch.into()];
            // Whether it worked is seen by the next write: a writer without its place writes nothing.
            if let Ok(mut line) = line.lock() {
                let (sql, params) = (&sql, typed(&params));
                let _ = line.ask(|client| async move { client.execute_typed(sql, &params).await });
            }
        };
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(RENEW_EVERY) {
                say(LEASE_MS);
            }
            say(0);
        });
        self.keeper = Some(Keeper {
            stop,
            thread: Some(thread),
        });
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
