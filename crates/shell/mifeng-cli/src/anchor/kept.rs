//! Where a host's anchor log lies: in its identity folder, or in another place, as a database that its replicas share.
//! The identity folder says where, and the place has a note that the log has begun there: neither a command nor a replica
//! begins a second one with the same key, nor one in an empty place where the first one was.

use crate::host::Kept;
use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{PrivateKey, Suite};
use mifeng::{AnchorLog, AnchorMemory, Error, Store, anchor_key};
use mifeng_server::AnchorOpening;
use mifeng_store::{Access, Directory, Place};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Begins the name of an anchor log in such a place; no tender has a name with a dot.
const ELSEWHERE: &str = "anchor.";

pub(super) fn part(id: &Path, suite: &Suite, end: &str) -> PathBuf {
    id.join(format!("anchor-{}{end}", suite.id()))
}

/// Whether a name in a place of tenders is that of an anchor log.
pub(crate) fn is_anchor_log(name: &str) -> bool {
    name.starts_with(ELSEWHERE)
}

/// The place of an anchor log, as `anchor-SUITE.place` of the identity folder has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    db: String,
    blobs: Option<String>,
}

/// What is on this machine is named so that every working directory finds it.
fn absolute(line: &str) -> Result<String, Failure> {
    let (scheme, path) = match line.strip_prefix("sqlite:") {
        Some(path) => ("sqlite:", path.strip_prefix("//").unwrap_or(path)),
        None if line.contains("://") => return Ok(line.to_owned()),
        None => ("", line),
    };
    let path = std::path::absolute(path).map_err(|e| Failure::io(Path::new(path), &e))?;
    Ok(format!("{scheme}{}", path.display()))
}

/// Notes that the log of this suite lies elsewhere.
pub(super) fn put_into(id: &Path, suite: &Suite, kept: &Kept) -> Outcome {
    let noted_at = part(id, suite, ".place");
    let Some((db, blobs)) = kept.lines() else {
        // That of one that was not begun after all.
        return match std::fs::remove_file(&noted_at) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Failure::io(&noted_at, &e)),
            _ => Ok(()),
        };
    };
    // What is no place is told before anything is written.
    let _ = kept.place()?;
    let noted = serde_json::to_vec(&Noted {
        db: absolute(&db)?,
        blobs: blobs.as_deref().map(absolute).transpose()?,
    });
    let noted = noted.map_err(|e| Failure::malformed(e.to_string()))?;
    ui::write(&noted_at, &noted)
}

#[derive(Clone)]
enum At {
    Folder(PathBuf),
    Place {
        place: Place,
        name: String,
        shared: bool,
    },
}

/// What is needed to open the log, again and again: the key is decrypted once.
#[derive(Clone)]
pub(crate) struct KeptLog {
    pub(crate) suite: &'static Suite,
    origin: String,
    key: Arc<PrivateKey>,
    at: At,
}

impl KeptLog {
    /// That of this identity in this suite, if it has one.
    pub(crate) fn of(ui: &Ui, id: &Path, suite: &'static Suite) -> Result<Option<Self>, Failure> {
        let key = part(id, suite, ".key");
        if !key.exists() {
            return Ok(None);
        }
        KeptLog::with_key(id, suite, identity::load_key(ui, &key)?).map(Some)
    }

    /// The one that the identity folder says, with this key.
    pub(super) fn with_key(
        id: &Path,
        suite: &'static Suite,
        key: PrivateKey,
    ) -> Result<Self, Failure> {
        let origin = ui::read_text(&part(id, suite, ".origin"))?;
        let noted = part(id, suite, ".place");
        let at = match noted.exists() {
            false => At::Folder(part(id, suite, "")),
            true => {
                let text = ui::read(&noted)?;
                let Noted { db, blobs } = serde_json::from_slice(&text)
                    .map_err(|e| Failure::malformed(format!("{}: {e}", noted.display())))?;
                let place = Place::parse(&db, blobs.as_deref());
                let place = place.map_err(|e| Failure::store(&noted.display().to_string(), &e))?;
                At::Place {
                    place,
                    name: format!("{ELSEWHERE}{}", suite.id()),
                    shared: db.starts_with("postgres"),
                }
            }
        };
        Ok(KeptLog {
            suite,
            origin: origin.trim_end().to_owned(),
            key: Arc::new(key),
            at,
        })
    }

    /// Its verifier key.
    pub(crate) fn vkey(&self) -> Result<String, Failure> {
        Ok(anchor_key(self.suite, &self.origin, &self.key)?)
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether hosts on other machines find the same log.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.at, At::Place { shared: true, .. })
    }

    pub(super) fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Its store; none while another process has it.
    fn store(&self, access: Access) -> Result<Option<Box<dyn Store>>, Failure> {
        let opened = match &self.at {
            At::Folder(folder) => Directory::open(folder).map(|store| Box::new(store) as _),
            At::Place { place, name, .. } => place.open_as(name, access),
        };
        match opened {
            Ok(store) => Ok(Some(store)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(Failure::store(&self.origin, &e)),
        }
    }

    /// Begins the log in its place, where no other may be.
    pub(super) fn begin(&self) -> Outcome {
        let store = self.store(Access::Write)?.ok_or_else(|| {
            let what = self.origin.clone();
            let detail = "another process has its place".to_owned();
            Failure::from(Error::Unavailable { what, detail })
        })?;
        AnchorLog::begin(store, self.suite, &self.origin, Arc::clone(&self.key))?;
        Ok(())
    }

    /// Opens the log; none while another process has it.
    pub(super) fn open(
        &self,
        access: Access,
    ) -> Result<Option<AnchorLog<Box<dyn Store>>>, Failure> {
        self.open_again(access, &mut None)
    }

    /// The same for whoever opened it before.
    fn open_again(
        &self,
        access: Access,
        before: &mut Option<AnchorMemory>,
    ) -> Result<Option<AnchorLog<Box<dyn Store>>>, Failure> {
        let Some(store) = self.store(access)? else {
            return Ok(None);
        };
        let own = (self.suite, &*self.origin);
        let log = AnchorLog::open_again(store, own, Arc::clone(&self.key), before.take());
        Ok(Some(log?))
    }

    /// As the keeper of a running host opens it.
    pub(crate) fn opening(mut self) -> Result<AnchorOpening, Failure> {
        if let At::Place { place, .. } = &mut self.at {
            let one = place.clone().for_one_writer();
            *place = one.map_err(|e| Failure::store(&self.origin, &e))?;
        }
        Ok(Box::new(move |access, before| {
            self.open_again(access, before)
                .map_err(|failure| Error::Unavailable {
                    what: self.origin.clone(),
                    detail: format!("[{}] {}", failure.code, failure.text),
                })
        }))
    }
}
