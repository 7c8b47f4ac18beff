//! PostgreSQL: one server for several replicas.

use super::tls::Tls;
use super::{Database, Row, Statements, Value, Work};
use crate::fault::Fault;
use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Config, IsolationLevel, NoTls, Transaction};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// A writer that is silent for so long may be replaced. It renews three times within that, so that one
/// slow answer costs nothing.
const LEASE_MS: i64 = 15_000;
const RENEW_EVERY: Duration = Duration::from_millis(LEASE_MS.unsigned_abs() / 3);
/// How long a server may take to accept a connection, or to acknowledge a packet.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(20);
/// Milliseconds that one statement may take, and may wait for another writer's row.
const SESSION: &str =
    "SET synchronous_commit = on; SET statement_timeout = 60000; SET lock_timeout = 10000;
    SET client_min_messages = warning";
/// The same for one transaction: behind a pooler the next one may have another session.
const LOCAL: &str = "SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = 60000;
    SET LOCAL lock_timeout = 10000";
const NOW_MS: &str = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// Where a database is: a URL of libpq's form, without a password in it.
#[derive(Clone)]
pub(crate) struct PostgresPlace {
    pub(crate) config: Config,
    pub(crate) root: Option<PathBuf>,
}

impl PostgresPlace {
    /// TLS unless the server is on this machine or the operator says `sslmode=disable`.
    fn connect(&self) -> Result<Client, io::Error> {
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
            return config.connect(NoTls).map_err(failed);
        }
        config
            .connect(Tls::new(self.root.as_deref())?)
            .map_err(failed)
    }
}

/// A connection that one writer or reader uses, and the thread that keeps the writer's place.
pub(crate) struct Postgres {
    client: Arc<Mutex<Client>>,
    keeper: Option<Keeper>,
}

struct Keeper {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Postgres {
    pub(crate) fn open(place: &PostgresPlace) -> io::Result<Self> {
        let mut client = place.connect()?;
        client.batch_execute(SESSION).map_err(failed)?;
        let fsync: String = client
            .query_one("SHOW fsync", &[])
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        if fsync != "on" {
            let text = format!("fsync: expected on, found {fsync}");
            return Err(Fault::NotDurable(text).into());
        }
        Ok(Postgres {
            client: Arc::new(Mutex::new(client)),
            keeper: None,
        })
    }

    fn client(&self) -> io::Result<MutexGuard<'_, Client>> {
        self.client.lock().map_err(|_| Fault::Broken.into())
    }
}

fn failed(error: postgres::Error) -> io::Error {
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

struct Open<'a, 'c>(&'a mut Transaction<'c>);

/// Parameters with their types, so that nothing has to be prepared: it works through poolers too.
fn typed(params: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    let typed = params.iter().map(|param| match param {
        Value::Int(value) => (value as &(dyn ToSql + Sync), Type::INT8),
        Value::Text(value) => (value as &(dyn ToSql + Sync), Type::TEXT),
        Value::Bytes(value) => (value as &(dyn ToSql + Sync), Type::BYTEA),
    });
    typed.collect()
}

impl Statements for Open<'_, '_> {
    fn run(&mut self, sql: &str, params: &[Value]) -> io::Result<u64> {
        self.0.execute_typed(sql, &typed(params)).map_err(failed)
    }

    fn rows(&mut self, sql: &str, params: &[Value]) -> io::Result<Vec<Row>> {
        let mut found = Vec::new();
        for row in self.0.query_typed(sql, &typed(params)).map_err(failed)? {
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
        self.0.batch_execute(sql).map_err(failed)
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
        let mut client = self.client()?;
        let mut tx = client.transaction().map_err(failed)?;
        tx.batch_execute(LOCAL).map_err(failed)?;
        work(&mut Open(&mut tx))?;
        tx.commit().map_err(failed)
    }

    fn snapshot(&self, work: Work<'_>) -> io::Result<()> {
        let mut client = self.client()?;
        let mut tx = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .map_err(failed)?;
        work(&mut Open(&mut tx))?;
        tx.commit().map_err(failed)
    }

    fn keep(&mut self, tender: &str, epoch: i64) {
        let (stop, stopped) = channel::<()>();
        let client = Arc::clone(&self.client);
        let tender = tender.to_owned();
        let say = move |lease: i64| {
            let sql = format!(
                "UPDATE mifeng_tender SET lease_ms = {NOW_MS} + $1 WHERE tender = $2 AND epoch = $3"
            );
            let params = [lease.into(), tender.as_str().into(), epoch.into()];
            // Whether it worked is seen by the next write: a writer without its place writes nothing.
            if let Ok(mut client) = client.lock() {
                let _ = client.execute_typed(&sql, &typed(&params));
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
