//! Sealed bids on their way into the store.

use super::Host;
use super::commit_first::CAME;
use crate::store::{ReadSeek, Store, Write};
use crate::whole::{Spoiled, WholeFile};
use crate::{Error, layout};
use mifeng_crypto::{Digest, Suite};
use mifeng_envelope::{Measured, Measuring, SealRecord, SealedFile, VerifiedSeal};
use mifeng_record::Record;
use mifeng_tender::{BidReplace, BidSubmit, OfferSubmit, Refusal, rules};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A sealed bid in a file of its own that was read whole before it is handed in, by whoever had time for that: the host
/// reads no byte of it again. What its record and seal say of it is judged when it is handed in.
///
/// From here on nobody may write to the file.
#[derive(Clone, Debug)]
pub struct MeasuredBid {
    path: PathBuf,
    /// Or why it is no sealed bid at all.
    found: Result<Measured, String>,
    spoiled: Spoiled,
}

impl MeasuredBid {
    /// Reads the file with up to `workers` threads, and makes what it holds durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read. What is no sealed bid is an answer too: handed in, it is refused.
    pub fn read(path: &Path, suite: &Suite, workers: usize) -> Result<Self, Error> {
        ArrivingBid::new(path, suite).finish(workers)
    }

    /// Whether a disk failed to keep it, or it is not what was read any more: then nobody can tell what it has, also if a
    /// later try says that all is well (spec/store.md), and only the same bytes written anew count. It is not taken in then.
    pub fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn whole(&self) -> Option<WholeFile> {
        let found = self.found.as_ref().ok()?;
        let what = (found.len(), *found.sha256());
        Some(WholeFile::of(&self.path, what, &self.spoiled))
    }
}

/// Opens a file for reading.
pub type OpenFile = fn(&Path) -> io::Result<Box<dyn ReadSeek>>;

/// A sealed bid that is read, and made durable, while it comes: what was read is not read again.
pub struct ArrivingBid {
    path: PathBuf,
    open: OpenFile,
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
            open: |path| Ok(Box::new(File::open(path)?)),
            measuring: Measuring::new(suite.hash()),
            is_none: false,
            spoiled: false,
        }
    }

    /// The same, read in a way of the caller's own: past the system's memory of files, say.
    pub fn read_by(self, open: OpenFile) -> Self {
        ArrivingBid { open, ..self }
    }

    /// Bytes from the start that were read; `None` if there is nothing to read ahead, as it is no sealed bid:
    /// [`ArrivingBid::finish`] tells why.
    pub fn at(&self) -> Option<u64> {
        (!self.is_none).then(|| self.measuring.at())
    }

    /// Whether a disk failed to keep some of it ([`MeasuredBid::is_spoiled`]).
    pub fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// Reads on in the first `there` bytes, which nobody writes to any more. The file has its full length already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it cannot be read.
    pub fn advance(&mut self, there: u64, workers: usize) -> Result<(), Error> {
        let mut file = self.open()?;
        match self.measuring.advance(&mut *file, there, workers) {
            Err(e @ mifeng_envelope::Error::Io { .. }) => Err(unavailable(&e)),
            Err(_) => {
                self.is_none = true;
                Ok(())
            }
            Ok(()) => self.sync(),
        }
    }

    /// Reads the rest, with up to `workers` threads, and makes all of it durable.
    ///
    /// # Errors
    /// As [`MeasuredBid::read`].
    pub fn finish(&mut self, workers: usize) -> Result<MeasuredBid, Error> {
        self.sync()?;
        let mut file = self.open()?;
        let found = match self.measuring.finish(&mut *file, workers) {
            Err(e @ mifeng_envelope::Error::Io { .. }) => return Err(unavailable(&e)),
            found => found.map_err(|e| e.to_string()),
        };
        Ok(MeasuredBid {
            path: self.path.clone(),
            found,
            spoiled: Spoiled::new(self.spoiled.into()),
        })
    }

    fn open(&self) -> Result<Box<dyn ReadSeek>, Error> {
        (self.open)(&self.path).map_err(|e| Error::io("sealed bid", &e))
    }

    /// After a failed sync no later one says anything about these bytes (spec/store.md).
    fn sync(&mut self) -> Result<(), Error> {
        let file = File::open(&self.path).map_err(|e| Error::io("sealed bid", &e))?;
        self.spoiled |= file.sync_data().is_err();
        Ok(())
    }
}

fn unavailable(e: &mifeng_envelope::Error) -> Error {
    Error::Unavailable {
        what: "sealed bid".to_owned(),
        detail: e.to_string(),
    }
}

/// What was taken and is not durable yet.
#[derive(Default)]
pub(super) struct Unkept {
    /// Sealed bids, and their names in the store.
    pub(super) files: Vec<(String, WholeFile)>,
    /// Records that came before their bodies, which came now: by their commitments.
    pub(super) came: BTreeSet<Digest>,
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

/// The seal that a record names, as it came and verified.
pub(super) struct NamedSeal {
    seal: SealRecord,
    verified: VerifiedSeal,
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

    /// The seal of a record that brings a sealed bid. Its file must be there, unless it may come later.
    pub(super) fn check_seal(
        &self,
        record: &Record,
        staged: &Staged<'_>,
    ) -> Result<Option<NamedSeal>, Error> {
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
        Ok(Some(NamedSeal { seal, verified }))
    }

    /// The sealed bid, if it is there, must be the one that the record's seal names, whole (root and length). Its id.
    pub(super) fn check_file(
        &self,
        staged: &Staged<'_>,
        NamedSeal { seal, verified }: &NamedSeal,
    ) -> Result<Digest, Error> {
        match staged {
            Staged::Nothing => {}
            Staged::Incoming(name) => self.check_staged(name, seal, verified)?,
            Staged::Measured(bid) => {
                let found = bid.found.as_ref().map_err(|detail| bad(detail))?;
                if found.record() != seal {
                    return Err(other_seal());
                }
                found.check(verified).map_err(|e| bad(&e.to_string()))?;
            }
        }
        Ok(verified.id())
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

    /// What was checked. A file that was read before is only noted: [`Host::keep_bodies`] makes it durable.
    pub(super) fn keep_body(&mut self, staged: &Staged<'_>, id: &Digest) -> Result<(), Error> {
        let name = layout::seal(id);
        match staged {
            Staged::Nothing => {}
            Staged::Incoming(incoming) => {
                let kept = self.store.rename(incoming, &name);
                kept.map_err(|e| Error::io("sealed bid", &e))?;
            }
            // Without a content it was not accepted.
            Staged::Measured(bid) => self
                .unkept
                .files
                .extend(bid.whole().map(|file| (name, file))),
        }
        Ok(())
    }

    /// Bodies that were taken as files and are not durable yet.
    pub fn unkept_bodies(&self) -> usize {
        self.unkept.files.len()
    }

    /// Makes the bodies durable that were taken as files, with no copy of them where the store can help it. They are kept
    /// before anything is logged, at the latest; together they cost little more than one.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the host must be opened anew. [`MeasuredBid::is_spoiled`] tells which file it was, if it was one.
    pub fn keep_bodies(&mut self) -> Result<(), Error> {
        self.require_sound()?;
        self.failed = true;
        self.store_bodies()?;
        self.failed = false;
        Ok(())
    }

    pub(super) fn store_bodies(&mut self) -> Result<(), Error> {
        let Unkept { files, came } = std::mem::take(&mut self.unkept);
        if !files.is_empty() {
            let files: Vec<(&str, &WholeFile)> =
                files.iter().map(|(name, file)| (&**name, file)).collect();
            let kept = self.store.adopt(&files);
            kept.map_err(|e| Error::io("sealed bid", &e))?;
        }
        self.note_came(&came)
    }

    /// Bodies of records that came before them are there.
    fn note_came(&mut self, came: &BTreeSet<Digest>) -> Result<(), Error> {
        // One whose record waits for its beat has no file yet that says it is awaited, and will have none.
        let suite = self.replay.suite();
        let pending = self.pending.iter();
        let waiting: BTreeSet<Digest> = match came.is_empty() {
            true => BTreeSet::new(),
            false => pending.map(|one| one.record.commitment(suite)).collect(),
        };
        let logged = came.difference(&waiting);
        let names: Vec<String> = logged.map(layout::awaited).collect();
        let put = |name| Write::Put {
            name,
            content: CAME,
        };
        let writes: Vec<Write<'_>> = names.iter().map(|name| put(&**name)).collect();
        if !writes.is_empty() {
            // A batch, since one wrote the files before (spec/store.md).
            let noted = self.store.batch(&writes);
            noted.map_err(|e| Error::io(layout::AWAITED, &e))?;
        }
        self.awaited.retain(|record, _| !came.contains(record));
        Ok(())
    }
}

fn other_seal() -> Error {
    bad("the file holds another seal than the record")
}
