//! Sealed bids on their way in: block by block, in any order, again after an interruption.
//!
//! An upload is named by the commitment of the record that brings the bid, which is salted: nobody who does
//! not hold the record can ask for it, until the close makes the commitments public (`uploads_api`). Its file has its full size from the start; a journal beside it names
//! the blocks that came. Nothing here is believed: the whole file is read, while it comes or when it is handed in, and the
//! engine holds what was found against the seal. From then on the store may have the same file under a name of its own, so
//! nobody may write to a file that is whole, nor to one that has another name, whatever the journal says after a power cut.

use crate::clock::Clock;
use crate::direct;
use crate::limits::{BLOCK_LEN, UPLOADS_BESIDE_LOTS, UPLOADS_LEN_MAX};
use crate::problem::{Fail, Problem};
use crate::reading::{Ahead, Reader};
use crate::words::Fault;
use crate::writer::Admitted;
use mifeng::crypto::{Digest, Suite, Time};
use mifeng::record::SignedRecord;
use mifeng::{ArrivingBid, Error, MeasuredBid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Bytes of an upload that are read ahead at once, at least: many blocks side by side are hashed faster, and as many are
/// read in a moment when the last block has come.
const AHEAD_LEN: u64 = 16 << 20;
/// The same, at most: whoever hands the bid in waits for the turn.
const AHEAD_LEN_MAX: u64 = 64 << 20;
/// Missing blocks that one answer names: the others are asked for when these have come.
pub(crate) const MISSING_SHOWN: usize = 1_024;

struct Upload {
    actor: Digest,
    size: u64,
    record: Vec<u8>,
    missing: BTreeSet<u64>,
    /// Held while a block is written: nobody writes one twice, so nobody writes to a file that is whole.
    writing: Arc<Mutex<()>>,
    /// What was read of the file while it came.
    arriving: Arc<tokio::sync::Mutex<Option<ArrivingBid>>>,
    /// What was found in the file, once it is whole and was read.
    read: Arc<tokio::sync::Mutex<Option<Arc<MeasuredBid>>>>,
    /// When something of it came.
    touched: Instant,
    /// When its last block had come, if that was in this process.
    completed: Option<Instant>,
}

/// When somebody asked: the time by the host's clock, and where that is on the machine's.
#[derive(Clone, Copy)]
pub(crate) struct Arrival(Time, Instant);

impl Arrival {
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        // The machine's clock first: what came between the two did not come before the time.
        let at = Instant::now();
        Arrival(clock.now(), at)
    }
}

fn arriving_bid(path: &Path, suite: &Suite) -> ArrivingBid {
    ArrivingBid::new(path, suite).read_by(direct::open)
}

/// An upload that is whole, on its way to the writer. While this lives nobody else hands it in, so that no file goes, after
/// a refusal, that another order in the writer's queue is about.
pub(crate) struct Whole {
    pub(crate) record: SignedRecord,
    /// Whoever signed it.
    pub(crate) actor: Digest,
    pub(crate) size: u64,
    /// When it was handed in, whole.
    pub(crate) received: Time,
    path: PathBuf,
    arriving: Arc<tokio::sync::Mutex<Option<ArrivingBid>>>,
    read: OwnedMutexGuard<Option<Arc<MeasuredBid>>>,
}

impl Whole {
    /// Reads the file, unless that was done; `reader` is the place for it.
    pub(crate) fn measure(
        &mut self,
        suite: &Suite,
        reader: &Reader,
    ) -> Result<Arc<MeasuredBid>, Error> {
        if let Some(bid) = &*self.read {
            return Ok(Arc::clone(bid));
        }
        // Whoever reads ahead has it for a turn.
        let mut arriving = self.arriving.blocking_lock();
        let arriving = arriving.get_or_insert_with(|| arriving_bid(&self.path, suite));
        let bid = Arc::new(arriving.finish(reader.workers)?);
        *self.read = Some(Arc::clone(&bid));
        Ok(bid)
    }

    /// Whether the disk may hold something else than was read: then only the same blocks sent anew count.
    pub(crate) fn is_spoiled(&self) -> bool {
        self.read.as_ref().is_some_and(|bid| bid.is_spoiled())
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
                    Err(e) if is_cut_off(&e) => forget(&path),
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(Uploads {
            folder: folder.to_owned(),
            known: Mutex::new(known),
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
        // Opened for each block: thousands of uploads hold no descriptor while nothing comes.
        let file = File::options().write(true).open(self.path(id, "bid"));
        let file = file.map_err(wrong)?;
        // Looked at under the lock, with the file at hand: whoever sent the same block first has written it by now.
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
        // With another name it may be a bid in the store.
        if file.metadata().map_err(wrong)?.nlink() != 1 {
            self.forget(id);
            return Err(Fault::NoUpload.into());
        }
        direct::write_all_at(&file, block, number * BLOCK_LEN).map_err(wrong)?;
        let mut known = self.known();
        let upload = known.get_mut(id).ok_or(Fault::NoUpload)?;
        if !Arc::ptr_eq(&upload.writing, &writing) {
            return Err(Fault::NoUpload.into());
        }
        let mut journal = File::options()
            .append(true)
            .open(self.path(id, "blocks"))
            .map_err(wrong)?;
        journal
            .write_all(format!("{number}\n").as_bytes())
            .map_err(wrong)?;
        upload.missing.remove(&number);
        upload.touched = Instant::now();
        upload.completed = upload.missing.is_empty().then_some(upload.touched);
        Ok(())
    }

    /// What came of an upload and was not read, if that is worth a turn and nobody is at it.
    pub(crate) fn ahead(&self, id: &Digest, suite: &Suite) -> Option<Ahead> {
        let known = self.known();
        let upload = known.get(id)?;
        // What is whole is read when it is handed in.
        let there = upload.missing.first()? * BLOCK_LEN;
        let mut bid = Arc::clone(&upload.arriving).try_lock_owned().ok()?;
        let at = bid
            .get_or_insert_with(|| arriving_bid(&self.path(id, "bid"), suite))
            .at()?;
        let there = there.min(at + AHEAD_LEN_MAX);
        (there >= at + AHEAD_LEN).then_some(Ahead { bid, there })
    }

    /// Bytes of the record of an upload.
    pub(crate) fn record_len(&self, id: &Digest) -> Result<usize, Fail> {
        let known = self.known();
        Ok(known.get(id).ok_or(Fault::NoUpload)?.record.len())
    }

    /// An upload that is whole, for one who hands it in at a time. It came when that was asked for, however long the host took
    /// to get here; but not before its last block had come.
    pub(crate) fn whole(
        &self,
        id: &Digest,
        arrival: Arrival,
        clock: &dyn Clock,
    ) -> Result<Whole, Fail> {
        let mut known = self.known();
        let upload = known.get_mut(id).ok_or(Fault::NoUpload)?;
        if !upload.missing.is_empty() {
            return Err(Fault::BlocksMissing.into());
        }
        let received = upload.received(arrival, clock);
        upload.touched = Instant::now();
        // Whoever asks again while it is read takes no place and no thread.
        let read = Arc::clone(&upload.read).try_lock_owned();
        let arriving = Arc::clone(&upload.arriving);
        let (record, actor, size) = (upload.record.clone(), upload.actor, upload.size);
        drop(known);
        Ok(Whole {
            record: SignedRecord::from_file(&record).map_err(Error::from)?,
            actor,
            size,
            received,
            path: self.path(id, "bid"),
            arriving,
            read: read.map_err(|_| Fault::BeingRead)?,
        })
    }

    /// Forgets uploads of which nothing came for so long, but one that is being handed in, or `waits` for its beat.
    pub(crate) fn expire(&self, idle: Duration, waits: impl Fn(&Digest) -> bool) {
        let is_idle = |id: &Digest, one: &Upload| {
            one.touched.elapsed() >= idle && one.read.try_lock().is_ok() && !waits(id)
        };
        // Under one lock: what comes meanwhile makes no upload idle that is not.
        self.known().retain(|id, upload| {
            let stays = !is_idle(id, upload);
            if !stays {
                forget(&self.path(id, "rec"));
            }
            stays
        });
    }

    /// Forgets an upload: its record was refused, or is in the log.
    pub(crate) fn forget(&self, id: &Digest) {
        // Under one lock: nobody begins it anew between the two.
        let mut known = self.known();
        known.remove(id);
        forget(&self.path(id, "rec"));
    }
}

fn is_cut_off(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    matches!(e.kind(), InvalidData | NotFound | UnexpectedEof)
}

/// What Linux calls this run of the machine, from its start to its end.
fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.ok().map(|id| id.trim().to_owned())
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
            "actor": admitted.actor, "boot": boot(), "record": String::from_utf8_lossy(record), "size": admitted.size,
        });
        std::fs::write(path, about.to_string())?;
        Ok(Upload {
            actor: admitted.actor,
            size: admitted.size,
            record: record.to_vec(),
            touched: Instant::now(),
            completed: None,
            writing: Arc::default(),
            arriving: Arc::default(),
            read: Arc::default(),
            missing: (0..admitted.size.div_ceil(BLOCK_LEN)).collect(),
        })
    }

    fn again(path: &Path) -> std::io::Result<Self> {
        #[derive(serde::Deserialize)]
        struct About {
            actor: Digest,
            boot: Option<String>,
            record: String,
            size: u64,
        }
        let about: About = serde_json::from_slice(&std::fs::read(path)?)?;
        let file = std::fs::metadata(path.with_extension("bid"))?;
        // Neither blocks nor their journal are synced: after a power cut one may tell of the other what is not so.
        let is_of_this_run = about.boot.is_some() && about.boot == boot();
        if file.len() != about.size || !is_of_this_run {
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
        // With another name it may be a bid in the store: then nobody writes to it any more.
        if file.nlink() != 1 && !missing.is_empty() {
            return Err(std::io::ErrorKind::InvalidData.into());
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
            completed: None,
            writing: Arc::default(),
            arriving: Arc::default(),
            read: Arc::default(),
            missing,
        })
    }

    /// When it came, for one who hands it in.
    fn received(&self, Arrival(asked, at): Arrival, clock: &dyn Clock) -> Time {
        match self.completed.is_none_or(|completed| completed <= at) {
            true => asked,
            false => clock.now(),
        }
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
    use crate::clock::ManualClock;
    use crate::reading::Readers;
    use mifeng::crypto::GM;

    fn folder(name: &str) -> PathBuf {
        let name = format!("mifeng-uploads-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn id(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn begin(uploads: &Uploads, number: u8) -> bool {
        uploads
            .begin(&admitted(number, BLOCK_LEN + 3), b"a record")
            .is_ok()
    }

    fn admitted(number: u8, size: u64) -> Admitted {
        Admitted {
            commitment: id(number),
            actor: Digest::from_bytes([9; 32]),
            size,
            lots: 2,
        }
    }

    fn put(uploads: &Uploads, number: u8, block: u64, len: usize) -> bool {
        uploads.put(&id(number), block, &vec![7; len]).is_ok()
    }

    #[test]
    fn what_is_idle_goes_but_not_while_it_is_handed_in_or_waits() -> std::io::Result<()> {
        let folder = folder("idle");
        let uploads = Uploads::open(&folder)?;
        for number in [1, 2, 3, 4] {
            assert!(begin(&uploads, number));
        }
        assert!(put(&uploads, 1, 1, 3));
        for number in [2, 3, 4] {
            assert!(put(&uploads, number, 0, 1 << 20) && put(&uploads, number, 1, 3));
        }
        uploads.expire(Duration::from_secs(60), |_| false);
        assert_eq!(uploads.known().len(), 4);
        let read = uploads.known().get(&id(3)).map(|one| Arc::clone(&one.read));
        let handing_in = read.and_then(|read| read.try_lock_owned().ok());
        uploads.expire(Duration::ZERO, |waits| *waits == id(2));
        let left: Vec<Digest> = uploads.known().keys().copied().collect();
        assert_eq!(left, [id(2), id(3)]);
        // Three files of each that stays, none of the others.
        assert_eq!(std::fs::read_dir(&folder)?.count(), 6);
        drop(handing_in);
        assert!(begin(&uploads, 1) && put(&uploads, 1, 0, 1 << 20));
        std::fs::remove_dir_all(&folder)
    }

    #[test]
    fn it_came_when_it_was_handed_in_but_not_before_its_last_block() -> std::io::Result<()> {
        let folder = folder("arrival");
        let uploads = Uploads::open(&folder)?;
        let clock = ManualClock::new(Time::from_unix_seconds(1));
        let received = |arrival: Arrival| {
            let known = uploads.known();
            known.get(&id(1)).map(|one| one.received(arrival, &clock))
        };
        assert!(begin(&uploads, 1) && put(&uploads, 1, 0, 1 << 20));
        let early = Arrival::now(&clock);
        clock.set(Time::from_unix_seconds(2));
        assert!(put(&uploads, 1, 1, 3));
        let in_time = Arrival::now(&clock);
        clock.set(Time::from_unix_seconds(3));
        assert_eq!(received(in_time), Some(Time::from_unix_seconds(2)));
        assert_eq!(received(early), Some(Time::from_unix_seconds(3)));
        std::fs::remove_dir_all(&folder)
    }

    #[test]
    fn what_came_without_a_gap_is_read_ahead_by_one() -> std::io::Result<()> {
        let folder = folder("ahead");
        let uploads = Uploads::open(&folder)?;
        let size = 40 * BLOCK_LEN;
        let admitted = admitted(1, size);
        assert!(uploads.begin(&admitted, b"a record").is_ok());
        let ahead = || uploads.ahead(&id(1), &GM);
        for number in (0..40).filter(|number| ![15, 39].contains(number)) {
            assert!(put(&uploads, 1, number, 1 << 20) && ahead().is_none());
        }
        assert!(put(&uploads, 1, 15, 1 << 20));
        let found = ahead();
        assert!(
            found
                .as_ref()
                .is_some_and(|found| found.there == 39 * BLOCK_LEN)
        );
        assert!(ahead().is_none());
        drop(found);
        let found = ahead();
        assert!(found.is_some());
        // It is no sealed bid: nobody reads it again before it is handed in.
        let readers = Readers::new();
        if let (Some(found), Some(reader)) = (found, readers.spare()) {
            found.read(&reader);
        }
        assert!(ahead().is_none());
        std::fs::remove_dir_all(&folder)
    }

    #[test]
    fn nobody_writes_to_a_file_that_the_store_has() -> std::io::Result<()> {
        let folder = folder("adopted");
        let uploads = Uploads::open(&folder)?;
        assert!(begin(&uploads, 1) && put(&uploads, 1, 0, 1 << 20) && put(&uploads, 1, 1, 3));
        let (file, kept) = (uploads.path(&id(1), "bid"), folder.join("kept"));
        std::fs::hard_link(file, &kept)?;
        // What is whole may be handed in again.
        assert!(Uploads::open(&folder)?.record_len(&id(1)).is_ok());
        // The last line of the journal did not reach the disk.
        std::fs::write(uploads.path(&id(1), "blocks"), "0\n")?;
        assert!(Uploads::open(&folder)?.record_len(&id(1)).is_err());
        assert!(begin(&uploads, 2));
        std::fs::hard_link(uploads.path(&id(2), "bid"), folder.join("other"))?;
        assert!(!put(&uploads, 2, 1, 3) && uploads.record_len(&id(2)).is_err());
        assert_eq!(std::fs::read(&kept)?, vec![7; (1 << 20) + 3]);
        std::fs::remove_dir_all(&folder)
    }

    #[test]
    fn what_was_not_synced_before_the_machine_went_down_is_sent_again() -> std::io::Result<()> {
        let folder = folder("boot");
        let uploads = Uploads::open(&folder)?;
        assert!(begin(&uploads, 1) && put(&uploads, 1, 0, 1 << 20) && put(&uploads, 1, 1, 3));
        assert!(Uploads::open(&folder)?.record_len(&id(1)).is_ok());
        let about = uploads.path(&id(1), "rec");
        let boot = boot().ok_or(std::io::ErrorKind::Unsupported)?;
        let text = std::fs::read_to_string(&about)?;
        std::fs::write(&about, text.replace(&boot, "another"))?;
        assert!(Uploads::open(&folder)?.record_len(&id(1)).is_err());
        assert_eq!(std::fs::read_dir(&folder)?.count(), 0);
        std::fs::remove_dir_all(&folder)
    }
}
