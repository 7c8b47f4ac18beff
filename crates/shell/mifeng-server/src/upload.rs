//! Sealed bids on their way in: block by block, in any order, again after an interruption.
//!
//! An upload is named by the commitment of the record that brings the bid, which is salted: nobody who does
//! not hold the record can ask for it. Its file has its full size from the start; a journal beside it names
//! the blocks that came. Nothing here is believed: the whole file is read when it is handed in, and the engine holds what
//! was found against the seal. From then on the store may have the same file under a name of its own, so nobody may write to
//! a file that is whole.

use crate::limits::{BID_LEN_MAX, BLOCK_LEN, UPLOADS_BESIDE_LOTS, UPLOADS_LEN_MAX};
use crate::problem::{Fail, Problem};
use crate::reading::{Arrivals, Reader};
use crate::words::Fault;
use crate::writer::Admitted;
use mifeng::crypto::{Digest, Suite};
use mifeng::envelope::{SealRecord, Trailer};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BidReplace, BidSubmit, OfferSubmit};
use mifeng::{Error, MeasuredBid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Bytes of a sealed file beside its parts: magics, lengths (spec/envelope.md).
const FRAME_LEN: u64 = 44;
/// Missing blocks that one answer names: the others are asked for when these have come.
pub(crate) const MISSING_SHOWN: usize = 1_024;

/// The seal that a record brings, if it is one that brings a bid.
fn seal_of(record: &Record) -> Result<String, Error> {
    Ok(match record.kind() {
        "bid.submit" => record.data::<BidSubmit>()?.seal,
        "bid.replace" => record.data::<BidReplace>()?.seal,
        "offer.submit" => record.data::<OfferSubmit>()?.seal,
        _ => return Err(malformed("record", "it brings no sealed bid")),
    })
}

fn malformed(what: &'static str, detail: &str) -> Error {
    Error::Malformed {
        what,
        detail: detail.to_owned(),
    }
}

/// Bytes of the whole sealed file that a record speaks of.
pub(crate) fn sealed_size(signed: &SignedRecord, suite: &'static Suite) -> Result<u64, Error> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let record = Record::verify(signed.clone(), suite)?;
    let bytes = BASE64_STANDARD
        .decode(seal_of(&record)?)
        .map_err(|_| malformed("seal record", "not base64"))?;
    let seal = SealRecord::parse(&bytes)?;
    // A record is `4 + h + 4 + t + 4 + s`; the file has the same parts and its own frame.
    let parts = bytes.len() as u64 - 12;
    let trailer: Trailer = mifeng::crypto::jcs::from_slice(seal.trailer(), BLOCK_LEN as usize)?;
    let size = trailer
        .body_len
        .checked_add(parts + FRAME_LEN)
        .filter(|size| *size <= BID_LEN_MAX);
    size.ok_or_else(|| {
        malformed(
            "seal record",
            "the sealed bid is larger than this host takes",
        )
    })
}

struct Upload {
    actor: Digest,
    size: u64,
    record: Vec<u8>,
    missing: BTreeSet<u64>,
    /// Held while a block is written: nobody writes one twice, so nobody writes to a file that is whole.
    writing: Arc<Mutex<()>>,
    /// What was found in the file, once it is whole and was read.
    read: Arc<tokio::sync::Mutex<Option<Arc<MeasuredBid>>>>,
    /// When something of it came.
    touched: Instant,
}

/// An upload that is whole, on its way to the writer. While this lives nobody else hands it in, so that no file goes, after
/// a refusal, that another order in the writer's queue is about.
pub(crate) struct Whole {
    pub(crate) record: SignedRecord,
    pub(crate) size: u64,
    path: PathBuf,
    read: OwnedMutexGuard<Option<Arc<MeasuredBid>>>,
}

impl Whole {
    /// Reads the file, unless that was done; `reader` is the place for it.
    pub(crate) fn measure(
        &mut self,
        suite: &Suite,
        reader: &Reader,
    ) -> Result<Arc<MeasuredBid>, Fail> {
        if let Some(bid) = &*self.read {
            return Ok(Arc::clone(bid));
        }
        let bid = Arc::new(MeasuredBid::read(&self.path, suite, reader.workers)?);
        *self.read = Some(Arc::clone(&bid));
        Ok(bid)
    }
}

/// What is known of an upload.
pub(crate) struct Progress {
    pub(crate) size: u64,
    pub(crate) missing: Vec<u64>,
}

/// The unfinished uploads of one tender.
pub(crate) struct Uploads {
    folder: PathBuf,
    known: Mutex<BTreeMap<Digest, Upload>>,
    pub(crate) arrivals: Arc<Arrivals>,
}

impl Uploads {
    /// Takes up what the last run left.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut known = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str());
            let id: Option<Digest> = id.and_then(|id| id.parse().ok());
            let is_record = path.extension().is_some_and(|end| end == "rec");
            if let (Some(id), true) = (id, is_record) {
                match Upload::again(&path) {
                    Ok(upload) => {
                        known.insert(id, upload);
                    }
                    // One that was cut off in its making is begun anew by its sender.
                    Err(_) => forget(&path),
                }
            }
        }
        Ok(Uploads {
            folder: folder.to_owned(),
            known: Mutex::new(known),
            arrivals: Arc::default(),
        })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Digest, Upload>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &Digest, end: &str) -> PathBuf {
        self.folder.join(format!("{id}.{end}"))
    }

    /// Begins an upload, or says how far it is.
    pub(crate) fn begin(&self, admitted: &Admitted, record: &[u8]) -> Result<Progress, Fail> {
        let mut known = self.known();
        let id = admitted.commitment;
        if let Some(upload) = known.get(&id) {
            return Ok(upload.progress());
        }
        // Nothing of others' uploads counts here, else the answer would tell of them.
        let own = known.values().filter(|one| one.actor == admitted.actor);
        let taken: u64 = own.clone().map(|one| one.size).sum();
        if own.count() >= admitted.lots + UPLOADS_BESIDE_LOTS
            || taken.saturating_add(admitted.size) > UPLOADS_LEN_MAX
        {
            return Err(Fault::UploadsFull.into());
        }
        let upload = Upload::make(&self.path(&id, "rec"), admitted, record)
            .map_err(|e| Problem::io("upload", &e))?;
        let progress = upload.progress();
        known.insert(id, upload);
        Ok(progress)
    }

    /// How far an upload is.
    pub(crate) fn progress(&self, id: &Digest) -> Result<Progress, Fail> {
        let known = self.known();
        let upload = known.get(id).ok_or(Fault::NoUpload)?;
        Ok(upload.progress())
    }

    /// Takes one block; the same one again changes nothing.
    pub(crate) fn put(&self, id: &Digest, number: u64, block: &[u8]) -> Result<(), Fail> {
        let wrong = |e: std::io::Error| Problem::io("upload", &e);
        let writing = {
            let known = self.known();
            let upload = known.get(id).ok_or(Fault::NoUpload)?;
            let expected = upload.block_len(number).ok_or(Fault::NoBlock)?;
            if block.len() as u64 != expected {
                return Err(Fault::BlockLength.into());
            }
            Arc::clone(&upload.writing)
        };
        let _writing = writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at under the lock: whoever sent the same block first has written it by now.
        {
            let known = self.known();
            let upload = known.get(id).ok_or(Fault::NoUpload)?;
            if !Arc::ptr_eq(&upload.writing, &writing) {
                // Forgotten and begun anew meanwhile.
                return Err(Fault::NoUpload.into());
            }
            if !upload.missing.contains(&number) {
                return Ok(());
            }
        }
        // Opened for each block: thousands of uploads hold no descriptor while nothing comes.
        let file = File::options().write(true).open(self.path(id, "bid"));
        let file = file.map_err(wrong)?;
        file.write_all_at(block, number * BLOCK_LEN)
            .map_err(wrong)?;
        let mut known = self.known();
        let upload = known.get_mut(id).ok_or(Fault::NoUpload)?;
        let mut journal = File::options()
            .append(true)
            .open(self.path(id, "blocks"))
            .map_err(wrong)?;
        journal
            .write_all(format!("{number}\n").as_bytes())
            .map_err(wrong)?;
        upload.missing.remove(&number);
        upload.touched = Instant::now();
        Ok(())
    }

    /// An upload that is whole, for one who hands it in at a time.
    pub(crate) fn whole(&self, id: &Digest) -> Result<Whole, Fail> {
        let known = self.known();
        let upload = known.get(id).ok_or(Fault::NoUpload)?;
        if !upload.missing.is_empty() {
            return Err(Fault::BlocksMissing.into());
        }
        // Whoever asks again while it is read takes no place and no thread.
        let read = Arc::clone(&upload.read).try_lock_owned();
        let (record, size) = (upload.record.clone(), upload.size);
        drop(known);
        Ok(Whole {
            record: SignedRecord::from_file(&record).map_err(Error::from)?,
            size,
            path: self.path(id, "bid"),
            read: read.map_err(|_| Fault::BeingRead)?,
        })
    }

    /// Forgets uploads of which nothing came for so long. One that is whole may have been handed in, and stays.
    pub(crate) fn expire(&self, idle: Duration) {
        let known = self.known();
        let is_idle = |one: &Upload| !one.missing.is_empty() && one.touched.elapsed() >= idle;
        let old: Vec<Digest> = known
            .iter()
            .filter(|(_, upload)| is_idle(upload))
            .map(|(id, _)| *id)
            .collect();
        drop(known);
        old.iter().for_each(|id| self.forget(id));
    }

    /// Forgets an upload: its record was refused, or is in the log.
    pub(crate) fn forget(&self, id: &Digest) {
        self.known().remove(id);
        forget(&self.path(id, "rec"));
    }
}

fn forget(record: &Path) {
    for end in ["bid", "blocks", "rec"] {
        // What stays is found again at the next start.
        let _ = std::fs::remove_file(record.with_extension(end));
    }
}

impl Upload {
    /// `path` is that of the record; it is written last.
    fn make(path: &Path, admitted: &Admitted, record: &[u8]) -> std::io::Result<Self> {
        let body = path.with_extension("bid");
        // Never a file that something else may have a name for.
        let _ = std::fs::remove_file(&body);
        let file = File::create_new(&body)?;
        file.set_len(admitted.size)?;
        File::create(path.with_extension("blocks"))?;
        let about = serde_json::json!({
            "actor": admitted.actor, "record": String::from_utf8_lossy(record), "size": admitted.size,
        });
        std::fs::write(path, about.to_string())?;
        Ok(Upload {
            actor: admitted.actor,
            size: admitted.size,
            record: record.to_vec(),
            touched: Instant::now(),
            writing: Arc::default(),
            read: Arc::default(),
            missing: (0..admitted.size.div_ceil(BLOCK_LEN)).collect(),
        })
    }

    fn again(path: &Path) -> std::io::Result<Self> {
        #[derive(serde::Deserialize)]
        struct About {
            actor: Digest,
            record: String,
            size: u64,
        }
        let about: About = serde_json::from_slice(&std::fs::read(path)?)?;
        if std::fs::metadata(path.with_extension("bid"))?.len() != about.size {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut missing: BTreeSet<u64> = (0..about.size.div_ceil(BLOCK_LEN)).collect();
        let lines = std::fs::read_to_string(path.with_extension("blocks"))?;
        // A line that was torn off names no block, or a shorter number: only whole lines count.
        let whole = lines.rfind('\n').map_or(0, |end| end + 1);
        for line in lines[..whole].lines() {
            if let Ok(number) = line.parse::<u64>() {
                missing.remove(&number);
            }
        }
        let journal = OpenOptions::new()
            .append(true)
            .open(path.with_extension("blocks"))?;
        journal.set_len(whole as u64)?;
        Ok(Upload {
            actor: about.actor,
            size: about.size,
            record: about.record.into_bytes(),
            touched: Instant::now(),
            writing: Arc::default(),
            read: Arc::default(),
            missing,
        })
    }

    fn block_len(&self, number: u64) -> Option<u64> {
        let at = number.checked_mul(BLOCK_LEN)?;
        let left = self.size.checked_sub(at).filter(|left| *left > 0)?;
        Some(left.min(BLOCK_LEN))
    }

    fn progress(&self) -> Progress {
        Progress {
            size: self.size,
            missing: self.missing.iter().take(MISSING_SHOWN).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_idle_goes_and_what_is_whole_stays() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("mifeng-idle-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let uploads = Uploads::open(&folder)?;
        let admitted = |number: u8| Admitted {
            commitment: Digest::from_bytes([number; 32]),
            actor: Digest::from_bytes([9; 32]),
            size: BLOCK_LEN + 3,
            lots: 2,
        };
        let begin = |number| uploads.begin(&admitted(number), b"a record");
        let put = |number: u8, block: u64, len: usize| {
            let id = Digest::from_bytes([number; 32]);
            uploads.put(&id, block, &vec![7; len]).is_ok()
        };
        assert!(begin(1).is_ok() && begin(2).is_ok());
        assert!(put(1, 1, 3) && put(2, 0, 1 << 20) && put(2, 1, 3));
        uploads.expire(Duration::from_secs(60));
        assert_eq!(uploads.known().len(), 2);
        uploads.expire(Duration::ZERO);
        let left: Vec<Digest> = uploads.known().keys().copied().collect();
        assert_eq!(left, [Digest::from_bytes([2; 32])]);
        // Three files of the one that stays, none of the other.
        assert_eq!(std::fs::read_dir(&folder)?.count(), 3);
        assert!(begin(1).is_ok() && put(1, 0, 1 << 20));
        std::fs::remove_dir_all(&folder)
    }
}
