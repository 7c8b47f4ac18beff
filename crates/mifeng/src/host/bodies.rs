//! Sealed bids on their way into the store.

use super::Host;
use crate::store::{Store, WholeFile};
use crate::{Error, layout};
use mifeng_crypto::{Digest, Suite};
use mifeng_envelope::{Measured, Measuring, SealRecord, SealedFile, VerifiedSeal};
use mifeng_record::Record;
use mifeng_tender::{BidReplace, BidSubmit, OfferSubmit, Refusal, rules};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A sealed bid in a file of its own that was read whole before it is handed in, by whoever had time for that: the host
/// reads no byte of it again. What its record and seal say of it is judged when it is handed in.
///
/// From here on nobody may write to the file.
#[derive(Clone, Debug)]
pub struct MeasuredBid {
    path: PathBuf,
    /// Or why it is no sealed bid at all.
    found: Result<Measured, String>,
    spoiled: Arc<AtomicBool>,
}

impl MeasuredBid {
    /// Reads the file with up to `workers` threads, and makes what it holds durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read. What is no sealed bid is an answer too: handed in, it is refused.
    pub fn read(path: &Path, suite: &Suite, workers: usize) -> Result<Self, Error> {
        ArrivingBid::new(path, suite).finish(workers)
    }

    /// Whether a disk failed to keep it: then nobody can tell what it has, also if a later try says that all is well
    /// (spec/store.md), and only the same bytes written anew count. It is not taken in then.
    pub fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn whole(&self) -> Option<WholeFile> {
        let found = self.found.as_ref().ok()?;
        Some(WholeFile::of(&self.path, found.len(), *found.sha256()))
    }
}

/// A sealed bid that is read, and made durable, while it comes: what was read is not read again.
pub struct ArrivingBid {
    path: PathBuf,
    measuring: Measuring,
    /// Its first bytes are not those of a sealed bid.
    is_none: bool,
    spoiled: bool,
}

impl ArrivingBid {
    /// Nothing of the file was read yet.
    pub fn new(path: &Path, suite: &Suite) -> Self {
        ArrivingBid {
            path: path.to_owned(),
            measuring: Measuring::new(suite.hash()),
            is_none: false,
            spoiled: false,
        }
    }

    /// Bytes from the start that were read; `None` if there is nothing to read ahead, as it is no sealed bid:
    /// [`ArrivingBid::finish`] tells why.
    pub fn at(&self) -> Option<u64> {
        (!self.is_none).then(|| self.measuring.at())
    }

    /// Reads on in the first `there` bytes, which nobody writes to any more. The file has its full length already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read.
    pub fn advance(&mut self, there: u64, workers: usize) -> Result<(), Error> {
        let mut file = self.open()?;
        match self.measuring.advance(&mut file, there, workers) {
            Err(e @ mifeng_envelope::Error::Io { .. }) => return Err(unavailable(&e)),
            Err(_) => self.is_none = true,
            Ok(()) => self.sync(&file),
        }
        Ok(())
    }

    /// Reads the rest, with up to `workers` threads, and makes all of it durable.
    ///
    /// # Errors
    /// As [`MeasuredBid::read`].
    pub fn finish(&mut self, workers: usize) -> Result<MeasuredBid, Error> {
        let mut file = self.open()?;
        self.sync(&file);
        let found = match self.measuring.finish(&mut file, workers) {
            Err(e @ mifeng_envelope::Error::Io { .. }) => return Err(unavailable(&e)),
            found => found.map_err(|e| e.to_string()),
        };
        Ok(MeasuredBid {
            path: self.path.clone(),
            found,
            spoiled: Arc::new(AtomicBool::new(self.spoiled)),
        })
    }

    fn open(&self) -> Result<File, Error> {
        File::open(&self.path).map_err(|e| Error::io("sealed bid", &e))
    }

    /// After a failed sync no later one says anything about these bytes (spec/store.md).
    fn sync(&mut self, file: &File) {
        self.spoiled |= file.sync_data().is_err();
    }
}

fn unavailable(e: &mifeng_envelope::Error) -> Error {
    Error::Unavailable {
        what: "sealed bid".to_owned(),
        detail: e.to_string(),
    }
}

/// What came with a record.
pub(super) enum Brought<'a> {
    Nothing,
    Stream(&'a mut dyn Read),
    Measured(&'a MeasuredBid),
}

/// What is there of it before the record is judged.
pub(super) enum Staged<'a> {
    Nothing,
    /// In the store, under a name that means nothing yet.
    Incoming(&'static str),
    Measured(&'a MeasuredBid),
}

fn bad(detail: &str) -> Error {
    Refusal::by(&rules::BAD_SEAL, detail).into()
}

impl<S: Store> Host<S> {
    /// Streams the sealed bid into the store; the record decides if it stays.
    pub(super) fn stage_body<'a>(&mut self, brought: Brought<'a>) -> Result<Staged<'a>, Error> {
        Ok(match brought {
            Brought::Nothing => Staged::Nothing,
            Brought::Stream(body) => {
                let name = layout::INCOMING;
                self.store
                    .write(name, body)
                    .map_err(|e| Error::io("sealed bid", &e))?;
                Staged::Incoming(name)
            }
            Brought::Measured(bid) => Staged::Measured(bid),
        })
    }

    /// The sealed bid must be the one that the record's seal names, whole (root and length).
    pub(super) fn check_body(
        &self,
        record: &Record,
        staged: &Staged<'_>,
    ) -> Result<Option<Digest>, Error> {
        let (seal, lot) = match record.kind() {
            "bid.submit" => (record.data::<BidSubmit>()?.seal, None),
            "bid.replace" => (record.data::<BidReplace>()?.seal, None),
            "offer.submit" => {
                let offer = record.data::<OfferSubmit>()?;
                (offer.seal, Some(offer.lot))
            }
            _ => return Ok(None),
        };
        let may_come_later = lot.is_none() && self.replay.state.bodies_end().is_some();
        if matches!(staged, Staged::Nothing) && !may_come_later {
            return Err(bad("the sealed bid file is missing"));
        }
        let seal = crate::decode_base64("seal record", &seal)?;
        let seal = SealRecord::parse(&seal).map_err(|e| bad(&e.to_string()))?;
        let verified = match lot {
            None => self.replay.state.verify_seal(&seal)?,
            Some(lot) => self.replay.state.verify_offer(&lot, &seal)?,
        };
        match staged {
            Staged::Nothing => {}
            Staged::Incoming(name) => self.check_staged(name, &seal, &verified)?,
            Staged::Measured(bid) => {
                let found = bid.found.as_ref().map_err(|detail| bad(detail))?;
                if *found.record() != seal {
                    return Err(other_seal());
                }
                found.check(&verified).map_err(|e| bad(&e.to_string()))?;
            }
        }
        Ok(Some(verified.id()))
    }

    fn check_staged(
        &self,
        name: &str,
        seal: &SealRecord,
        verified: &VerifiedSeal,
    ) -> Result<(), Error> {
        let mut file = self.store.open(name).map_err(|e| Error::io(name, &e))?;
        let sealed = SealedFile::read(&mut *file).map_err(|e| bad(&e.to_string()))?;
        if sealed.record() != seal {
            return Err(other_seal());
        }
        mifeng_envelope::check_body(&mut *file, verified).map_err(|e| bad(&e.to_string()))
    }

    /// What was checked, and no copy of it where the store can help it: gigabytes are written once.
    pub(super) fn keep_body(&mut self, staged: &Staged<'_>, id: &Digest) -> Result<(), Error> {
        let name = layout::seal(id);
        let kept = match staged {
            Staged::Nothing => return Ok(()),
            Staged::Incoming(incoming) => self.store.rename(incoming, &name),
            Staged::Measured(bid) => match bid.whole() {
                Some(file) => {
                    let kept = self.store.adopt(&name, &file);
                    kept.inspect_err(|e| {
                        if is_of_the_disk(e) {
                            bid.spoiled.store(true, Ordering::Release);
                        }
                    })
                }
                // It was not accepted then.
                None => return Ok(()),
            },
        };
        kept.map_err(|e| Error::io("sealed bid", &e))
    }
}

/// Whether an error can be that of a failed sync; what a database or a lost connection says is not.
fn is_of_the_disk(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    // No kind of its own in Rust: EIO, 5 on every Unix.
    e.raw_os_error() == Some(5) || matches!(e.kind(), StorageFull | QuotaExceeded)
}

fn other_seal() -> Error {
    bad("the file holds another seal than the record")
}
