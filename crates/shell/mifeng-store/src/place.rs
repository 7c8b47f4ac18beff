//! Where a tender is kept, said in one line each for records and for large bodies.

use crate::Directory;
#[cfg(feature = "sqlite")]
use crate::bodies::{Bodies, Folder};
#[cfg(feature = "s3")]
use crate::bodies::{S3, S3Place};
use crate::examined::Examined;
use crate::fault::Fault;
#[cfg(feature = "sqlite")]
use crate::sql::{Database, Records};
#[cfg(feature = "postgres")]
use crate::sql::{Postgres, PostgresPlace};
use mifeng::Store;
use std::io;
use std::path::PathBuf;
#[cfg(feature = "s3")]
use std::time::Duration;
#[cfg(any(feature = "s3", feature = "postgres"))]
use url::Url;

/// The file that every tender has, and that comes last when one is restored (spec/store.md).
const HEAD: &str = "head.json";
/// A sealed bid on its way in: it is nothing yet, and may be gone while a copy is looked at.
#[cfg(feature = "sqlite")]
pub(crate) const INCOMING: &str = "incoming.bid";
/// How long a request to an object store may take, of 8 MiB at most: 1.1 Mbit/s.
#[cfg(feature = "s3")]
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To write, unless somebody else does.
    Write,
    /// To write in any case: whoever did before is locked out from now on.
    TakeOver,
    /// To read, whoever writes; a folder is read by nobody but its writer.
    Read,
    /// To read the state of now, whatever is written meanwhile: for copies and checks.
    Snapshot,
}

/// Where the tenders of a host are kept.
///
/// | records | form | large bodies |
/// |---|---|---|
/// | a folder, one below it for each tender | `PATH` | in it |
/// | SQLite | `sqlite:PATH` | a folder, `PATH.bodies` unless named, or `s3://` |
/// | PostgreSQL | `postgres://USER@HOST:PORT/DATABASE` | a folder that all replicas share, or `s3://` |
///
/// `postgres://` takes libpq's parameters and `password-file=FILE` and `sslrootcert=FILE`; a password in
/// the URL itself is refused. `s3://BUCKET/PREFIX` takes `endpoint=URL`, `region=NAME`,
/// `credentials=FILE` (the form of the usual tools, profile `default`), `style=path|host`,
/// `timeout=SECONDS` and `cacert=FILE`. Secrets stand in files, never in a URL or the environment.
#[derive(Clone)]
pub struct Place {
    records: Where,
    /// Who writes through this place, if it may come back before its lease has ended.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "a folder is locked by the system")
    )]
    holder: Option<String>,
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "a folder keeps its own")
    )]
    bodies: Beside,
}

#[derive(Clone)]
enum Where {
    Folder(PathBuf),
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresPlace>),
}

#[derive(Clone)]
enum Beside {
    None,
    #[cfg(feature = "sqlite")]
    Folder(PathBuf),
    #[cfg(feature = "s3")]
    S3(Box<S3Place>),
}

fn bad(text: impl Into<String>) -> io::Error {
    Fault::Place(text.into()).into()
}

impl Place {
    /// Reads both lines.
    ///
    /// # Errors
    /// `InvalidInput` with what was expected; what the system says of a file that is named there.
    pub fn parse(db: &str, blobs: Option<&str>) -> io::Result<Self> {
        let records = match db.split_once(':') {
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) if !path.is_empty() => {
                Where::Sqlite(path.strip_prefix("//").unwrap_or(path).into())
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => Where::Postgres(Box::new(postgres_place(db)?)),
            Some((scheme, rest)) if rest.starts_with("//") || scheme == "sqlite" => {
                let text = format!("{scheme}: expected a folder, sqlite:PATH or postgres://…");
                return Err(bad(text));
            }
            _ => Where::Folder(db.into()),
        };
        let bodies = match blobs {
            None => Beside::None,
            #[cfg(feature = "s3")]
            Some(url) if url.starts_with("s3:") => Beside::S3(Box::new(s3_place(url)?)),
            Some(url) if url.contains("://") => {
                return Err(bad(format!("{url}: expected a folder or s3://…")));
            }
            #[cfg(feature = "sqlite")]
            Some(path) => Beside::Folder(path.into()),
            #[cfg(not(feature = "sqlite"))]
            Some(_) => return Err(bad("built without databases")),
        };
        let bodies = match (&records, bodies) {
            (Where::Folder(_), Beside::None) => Beside::None,
            #[cfg(feature = "sqlite")]
            (Where::Folder(_), _) => {
                return Err(bad(
                    "a folder keeps its own bodies: expected a database beside them",
                ));
            }
            #[cfg(feature = "sqlite")]
            (Where::Sqlite(path), Beside::None) => {
                let mut name = path.clone().into_os_string();
                name.push(".bodies");
                Beside::Folder(name.into())
            }
            #[cfg(feature = "postgres")]
            (Where::Postgres(_), Beside::None) => {
                return Err(bad(
                    "a database of several replicas needs a place for large bodies",
                ));
            }
            #[cfg(feature = "sqlite")]
            (_, bodies) => bodies,
        };
        Ok(Place {
            records,
            holder: None,
            bodies,
        })
    }

    /// The same place for one writer that comes back: what it opens through this or a clone of it takes the place
    /// of what it opened before at once, without waiting for a lease. Whoever else writes is left alone.
    ///
    /// # Errors
    /// If the system has no randomness.
    #[cfg(feature = "sqlite")]
    pub fn for_one_writer(mut self) -> io::Result<Self> {
        use mifeng::crypto::{Entropy, SystemEntropy};
        let mut number = [0; 8];
        SystemEntropy::new()
            .fill(&mut number)
            .map_err(io::Error::other)?;
        self.holder = Some(hex::encode(number));
        Ok(self)
    }

    /// Opens one tender for its only writer.
    ///
    /// # Errors
    /// `WouldBlock` while another writer has it; else what the system says.
    pub fn open(&self, tender: &str) -> io::Result<Box<dyn Store>> {
        self.open_as(tender, Access::Write)
    }

    /// The same, for writing, reading, or taking over from a writer that does not answer.
    ///
    /// # Errors
    /// As [`Place::open`].
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(unused_variables, reason = "a folder is locked by the system")
    )]
    pub fn open_as(&self, tender: &str, access: Access) -> io::Result<Box<dyn Store>> {
        if tender.contains('/') {
            return Err(bad(format!("{tender}: a tender's name has no slash")));
        }
        crate::directory::checked(tender)?;
        match &self.records {
            Where::Folder(root) => Ok(Box::new(Directory::open(&root.join(tender))?)),
            #[cfg(feature = "sqlite")]
            _ => Ok(Box::new(self.records(tender, access)?)),
        }
    }

    /// Reads everything that is kept of a tender and holds it against its digests, while its writer works
    /// on. A folder keeps none: there every file is read, and no more is said.
    ///
    /// # Errors
    /// As [`Place::open`]; damage is no error but a finding.
    pub fn examine(&self, tender: &str) -> io::Result<Examined> {
        #[cfg(feature = "sqlite")]
        if !matches!(self.records, Where::Folder(_)) {
            return self.records(tender, Access::Snapshot)?.examine();
        }
        let store = self.open_as(tender, Access::Snapshot)?;
        let mut found = Examined::default();
        for (name, len) in store.list("")? {
            let read = io::copy(&mut store.open(&name)?, &mut io::sink());
            found.note(&name, len, read.map(|_| ()))?;
        }
        Ok(found)
    }

    /// The tenders that are kept here, sorted.
    ///
    /// # Errors
    /// As [`Place::open`].
    // Without a database there is one kind of place.
    #[cfg_attr(not(feature = "sqlite"), allow(irrefutable_let_patterns))]
    pub fn tenders(&self) -> io::Result<Vec<String>> {
        let root = match &self.records {
            Where::Folder(root) => root,
            #[cfg(feature = "sqlite")]
            _ => return Records::tenders(&*self.database(None)?, HEAD),
        };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && entry.path().join(HEAD).is_file()
            {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The folder that the tenders lie below, if they are kept in folders.
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.records {
            Where::Folder(root) => Some(root),
            #[cfg(feature = "sqlite")]
            _ => None,
        }
    }

    /// The lists beside the tenders of a database, which all replicas share. Call them from no asynchronous task.
    ///
    /// # Errors
    /// As [`Place::open`]; `InvalidInput` for a folder, which has none.
    #[cfg(feature = "sqlite")]
    pub fn lists(&self) -> io::Result<std::sync::Arc<dyn crate::Lists>> {
        Ok(std::sync::Arc::new(crate::sql::SharedLists::open(self)?))
    }

    /// A connection; `tender` is the one to be written to.
    #[cfg(feature = "sqlite")]
    pub(crate) fn database(&self, tender: Option<&str>) -> io::Result<Box<dyn Database>> {
        Ok(match &self.records {
            Where::Sqlite(path) => Box::new(crate::sql::Sqlite::open(path, tender)?),
            #[cfg(feature = "postgres")]
            Where::Postgres(place) => Box::new(Postgres::open(place)?),
            Where::Folder(_) => return Err(bad("a folder is not a database")),
        })
    }

    #[cfg(feature = "sqlite")]
    fn records(&self, tender: &str, access: Access) -> io::Result<Records> {
        let writes = matches!(access, Access::Write | Access::TakeOver);
        let database = self.database(writes.then_some(tender))?;
        let bodies: Box<dyn Bodies> = match &self.bodies {
            Beside::Folder(path) => Box::new(Folder::open(path)?),
            #[cfg(feature = "s3")]
            Beside::S3(place) => Box::new(S3::open(place)?),
            Beside::None => return Err(bad("a place for large bodies is missing")),
        };
        Records::open(database, bodies, tender, access, self.holder.as_deref())
    }
}

/// Opens one tender for its only writer: [`Place::parse`] and [`Place::open`].
///
/// # Errors
/// As theirs.
pub fn open(db: &str, blobs: Option<&str>, tender: &str) -> io::Result<Box<dyn Store>> {
    Place::parse(db, blobs)?.open(tender)
}

/// The first line of a file that holds a secret.
#[cfg(any(feature = "s3", feature = "postgres"))]
fn read(path: &str) -> io::Result<String> {
    std::fs::read_to_string(path).map_err(|e| io::Error::new(e.kind(), format!("{path}: {e}")))
}

#[cfg(feature = "postgres")]
const OPEN_PASSWORD: &str =
    "a password in a URL is shown to everybody on this machine: expected password-file=FILE";

#[cfg(feature = "postgres")]
fn postgres_place(text: &str) -> io::Result<PostgresPlace> {
    let mut url = Url::parse(text).map_err(|e| bad(format!("database: {e}")))?;
    if url.password().is_some() {
        return Err(bad(OPEN_PASSWORD));
    }
    let (mut root, mut password, mut rest) = (None, None, Vec::new());
    // In libpq's URLs a plus is a plus, not a space.
    let query = url.query().unwrap_or_default().replace('+', "%2B");
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "sslrootcert" => root = Some(PathBuf::from(&*value)),
            "password-file" => password = Some(read(&value)?),
            "password" => return Err(bad(OPEN_PASSWORD)),
            _ => rest.push((key.into_owned(), value.into_owned())),
        }
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(rest).finish().replace('+', "%20");
    url.set_query((!query.is_empty()).then_some(&query));
    let mut config: tokio_postgres::Config = url
        .as_str()
        .parse()
        .map_err(|e: tokio_postgres::Error| bad(format!("database: {e}")))?;
    if let Some(password) = password {
        config.password(password.lines().next().unwrap_or_default());
    }
    Ok(PostgresPlace { config, root })
}

#[cfg(feature = "s3")]
fn s3_place(text: &str) -> io::Result<S3Place> {
    let url = Url::parse(text).map_err(|e| bad(format!("object store: {e}")))?;
    let bucket = url.host_str().unwrap_or_default();
    if bucket.is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad(
            "expected s3://BUCKET/PREFIX?…, with credentials in a file",
        ));
    }
    let prefix = url.path().trim_matches('/');
    if !prefix.is_empty() {
        prefix
            .split('/')
            .try_for_each(|part| crate::directory::checked(part).map(|_| ()))?;
    }
    let (mut endpoint, mut region, mut style) = (None, "us-east-1".to_owned(), None);
    let (mut credentials, mut timeout, mut root) = (None, TIMEOUT, None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "endpoint" => endpoint = Some(value.into_owned()),
            "region" => region = value.into_owned(),
            "style" => style = Some(value.into_owned()),
            "credentials" => credentials = Some(credentials_of(&read(&value)?)?),
            "timeout" => {
                let seconds = value
                    .parse()
                    .ok()
                    .filter(|seconds| (1..=3_600).contains(seconds));
                timeout = Duration::from_secs(
                    seconds.ok_or_else(|| bad("timeout: expected 1 to 3600 seconds"))?,
                );
            }
            "cacert" => root = Some(PathBuf::from(&*value)),
            other => return Err(bad(format!("object store: unknown parameter {other}"))),
        }
    }
    // A store of one's own answers under one name; the large ones have a name for each bucket.
    let style = match style.as_deref() {
        Some("path") => rusty_s3::UrlStyle::Path,
        None if endpoint.is_some() => rusty_s3::UrlStyle::Path,
        Some("host") | None => rusty_s3::UrlStyle::VirtualHost,
        Some(_) => return Err(bad("style: expected path or host")),
    };
    let endpoint = endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let endpoint = Url::parse(&endpoint).map_err(|e| bad(format!("endpoint: {e}")))?;
    let credentials = credentials.ok_or_else(|| bad("object store: expected credentials=FILE"))?;
    Ok(S3Place {
        bucket: rusty_s3::Bucket::new(endpoint, style, bucket.to_owned(), region)
            .map_err(|e| bad(format!("object store: {e}")))?,
        prefix: match prefix {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        },
        credentials,
        timeout,
        root,
    })
}

/// The profile `default` of a credentials file.
#[cfg(feature = "s3")]
fn credentials_of(text: &str) -> io::Result<rusty_s3::Credentials> {
    let mut here = true;
    let (mut key, mut secret, mut token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        if let Some(profile) = line.strip_prefix('[') {
            here = profile.trim_end_matches(']').trim() == "default";
        }
        let Some((name, value)) = line.split_once('=').filter(|_| here) else {
            continue;
        };
        let value = Some(value.trim().to_owned());
        match name.trim() {
            "aws_access_key_id" => key = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" => token = value,
            _ => {}
        }
    }
    match (key, secret, token) {
        (Some(key), Some(secret), None) => Ok(rusty_s3::Credentials::new(key, secret)),
        (Some(key), Some(secret), Some(token)) => {
            Ok(rusty_s3::Credentials::new_with_token(key, secret, token))
        }
        _ => Err(bad(
            "credentials: expected aws_access_key_id and aws_secret_access_key under [default]",
        )),
    }
}
