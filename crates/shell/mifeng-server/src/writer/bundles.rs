//! Bundles of what the log holds, for download and for the operator.

use super::{Answer, Reply, Writer, later, unavailable};
use crate::seat::Seat;
use mifeng::log::AnchorProof;
use mifeng::{Error, Export, Snapshot, Store, Tar};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedSemaphorePermit;

/// Name of the file of a bundle, by the snapshot that it is of.
pub(crate) fn bundle_name(what: Export, version: u64) -> String {
    match what {
        Export::Records => format!("bundle-{version}.tar"),
        Export::Dossier => format!("dossier-{version}.tar"),
    }
}

/// The whole dossier in the working folder of its tender.
const DOSSIER: &str = "dossier.tar";

/// What is said to whoever wants the dossier before its proof is there.
fn no_proof_yet() -> Error {
    Error::Unavailable {
        what: "anchor log".to_owned(),
        detail: "the log is closed; the proof that its last head is anchored is not there yet: try again".to_owned(),
    }
}

/// A dossier of the operator's that is to be written. One is written at a time, and none over one of a later log.
struct Work<T> {
    snapshot: Snapshot,
    out: PathBuf,
    store: T,
    number: u64,
    /// Number of the last one that was written.
    written: Arc<Mutex<u64>>,
}

impl<T: Store> Work<T> {
    fn write(&self) -> Result<(), Error> {
        let written = self.written.lock();
        let mut written = written.unwrap_or_else(PoisonError::into_inner);
        if *written < self.number {
            write_bundle(&self.snapshot, &self.store, &self.out)?;
            *written = self.number;
        }
        Ok(())
    }
}

impl<S: Store + 'static> Writer<S> {
    /// A dossier without the proof of the anchor log that its tender names is no valid one: nobody gets it.
    fn require_proof(&self) -> Result<(), Error> {
        match self.host.owes_anchor()? {
            true => Err(no_proof_yet()),
            false => Ok(()),
        }
    }

    /// Takes the proof in, and has the operator's dossier written with it; unless that has one with as many lines, as at a
    /// start. Whoever gave it is answered once it is written: lines that come meanwhile are of one turn then.
    pub(super) fn keep_proof(&mut self, proof: &AnchorProof, answer: Answer<()>) -> Reply {
        let work = match self.take_proof(proof) {
            Ok(Some(work)) => work,
            Ok(None) => return later(answer, Ok(())),
            Err(e) => return later(answer, Err(e)),
        };
        let work = move || {
            let _ = answer.send(work.write());
        };
        let thread = std::thread::Builder::new().name("dossier".to_owned());
        // Without a thread the answer goes with the work, and the proof is given again.
        let _ = thread.spawn(work);
        Box::new(|| {})
    }

    fn take_proof(&mut self, proof: &AnchorProof) -> Result<Option<Work<Seat<S>>>, Error> {
        let lines = |proof: &AnchorProof| proof.checkpoint.signatures().len();
        let known = Tar::open(&self.opened.with_file_name(DOSSIER)).ok();
        let known = known.and_then(|files| self.host.proof_in(&files).ok()?);
        if known.is_some_and(|known| known.entry == proof.entry && lines(&known) >= lines(proof)) {
            return Ok(None);
        }
        self.host.add_anchor(proof)?;
        self.changed = true;
        self.dossier_of_now().map(Some)
    }

    /// The whole dossier is the operator's; what is offered for download is its public export. It waits for its proof.
    pub(super) fn keep_dossier(&mut self) -> Result<(), Error> {
        if self.host.owes_anchor()? {
            return Ok(());
        }
        self.dossier_of_now()?.write()
    }

    fn dossier_of_now(&mut self) -> Result<Work<Seat<S>>, Error> {
        self.dossiers += 1;
        Ok(Work {
            snapshot: self.host.snapshot(Export::Dossier)?,
            out: self.opened.with_file_name(DOSSIER),
            store: self.office.seat(),
            number: self.dossiers,
            written: Arc::clone(&self.dossier),
        })
    }

    /// A thread of its own writes it: who asks for bundles holds up no beat. One is made at a time.
    pub(super) fn bundle_elsewhere(
        &self,
        what: Export,
        (out, place): (PathBuf, OwnedSemaphorePermit),
        answer: Answer<()>,
    ) -> Reply {
        let ready = match what {
            Export::Records => Ok(()),
            Export::Dossier => self.require_proof(),
        };
        let snapshot = match ready.and_then(|()| self.host.snapshot(what)) {
            Ok(snapshot) => snapshot,
            Err(e) => return later(answer, Err(e)),
        };
        if out.exists() {
            // A file under this name never changes; one of an older log is not given any more.
            let is_newest = !self.changed && out.ends_with(bundle_name(what, self.version));
            let made = is_newest.then_some(()).ok_or_else(|| Error::Unavailable {
                what: "bundle".to_owned(),
                detail: "the log has grown: ask again".to_owned(),
            });
            return later(answer, made);
        }
        let seat = self.office.seat();
        let work = move || {
            let done = write_bundle(&snapshot, &seat, &out);
            drop(place);
            // Whoever asked may have gone: then the next one finds it.
            let _ = answer.send(done);
        };
        let thread = std::thread::Builder::new().name("bundle".to_owned());
        // Without a thread the answer goes with the work, and its asker is told that nobody answered.
        let _ = thread.spawn(work);
        Box::new(|| {})
    }
}

fn write_bundle(snapshot: &Snapshot, store: &dyn Store, out: &Path) -> Result<(), Error> {
    let wrong = |e: std::io::Error| unavailable("bundle", &e);
    let part = out.with_extension("part");
    let file = std::fs::File::create(&part).map_err(wrong)?;
    let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
    // A head that was cosigned meanwhile is longer: the next snapshot has it.
    snapshot.write(store, &mut file).map_err(|e| match e {
        Error::Malformed { detail, .. } => Error::Unavailable {
            what: "bundle".to_owned(),
            detail,
        },
        e => e,
    })?;
    std::io::Write::flush(&mut file).map_err(wrong)?;
    std::fs::rename(&part, out).map_err(wrong)
}
