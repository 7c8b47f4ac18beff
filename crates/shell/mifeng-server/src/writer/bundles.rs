//! Bundles of what the log holds, for download and for the operator.

use super::{Answer, Reply, Writer, later, unavailable};
use mifeng::{Error, Export, Snapshot, Store};
use std::path::{Path, PathBuf};
use tokio::sync::OwnedSemaphorePermit;

impl<S: Store + 'static> Writer<S> {
    pub(super) fn bundle(&self, what: Export, out: &Path) -> Result<(), Error> {
        write_bundle(&self.host.snapshot(what)?, &self.office.seat(), out)
    }

    /// A thread of its own writes it: who asks for bundles holds up no beat. One is made at a time.
    pub(super) fn bundle_elsewhere(
        &self,
        what: Export,
        (out, place): (PathBuf, OwnedSemaphorePermit),
        answer: Answer<()>,
    ) -> Reply {
        let snapshot = match self.host.snapshot(what) {
            Ok(snapshot) => snapshot,
            Err(e) => return later(answer, Err(e)),
        };
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
