//! What a verifier has to know of every sealed bid, found in one reading of each, on all cores: its hash for the list of
//! `archive.close`, whether its body is the signed one, and what it opens to.
//!
//! What is found does not depend on the number of cores, nor on who comes first: every bid is looked at by itself, and
//! the checks take the results in their own order.

use crate::Error;
use crate::bundle::Files;
use crate::dossier::Withheld;
use crate::layout;
use crate::opening::{Opened, open_bid_on, open_many};
use crate::replay::Replay;
use crate::store::ReadSeek;
use mifeng_crypto::{Digest, HashAlg, Hasher, cores};
use mifeng_envelope::{Memory, NoSink, SealedFile, WORKERS};
use mifeng_tender::{BidOutcome, rules};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Mutex;

/// Bids are read whole, and hashed side by side, in groups of so many bytes: sixteen of the least size, whose content is a
/// MiB. A larger one is streamed by itself. Each thread holds a group and what opening a bid takes (30 MiB).
const GROUP_LEN_MAX: u64 = 17 << 20;
/// Bids of a group: the widest lanes of the hashes.
const GROUP_MAX: usize = 16;

/// What was found of one sealed bid.
pub(super) struct Audited {
    /// The hash of its file.
    pub(super) hash: Digest,
    /// Why it is not the file that the seal in the log is of.
    pub(super) fault: Option<Error>,
    /// What it opens to, if the log says that it opened, or that it cannot be opened.
    pub(super) opened: Option<Result<Opened, Error>>,
}

/// Looks at every bid that has an outcome and is there.
///
/// # Errors
/// [`Error::Unavailable`] if one cannot be read.
pub(super) fn audit(
    files: &(dyn Files + Sync),
    replay: &Replay,
    withheld: &Withheld,
) -> Result<BTreeMap<Digest, Audited>, Error> {
    let outcomes = replay.state.outcomes().keys();
    let there = outcomes.filter_map(|id| {
        let name = layout::seal(id);
        let size = *files.index().get(&name)?;
        (!withheld.contains_key(&name)).then_some((*id, name, size))
    });
    let groups = Mutex::new(grouped(there).into_iter());
    let found = Mutex::new(BTreeMap::new());
    let work = || -> Result<(), Error> {
        let mut scratch = Scratch::default();
        // A lock that somebody died with ends the work of all, and the panic goes on where it can be seen.
        while let Some(group) = groups.lock().ok().and_then(|mut groups| groups.next()) {
            let audited = audit_group(files, replay, &group, &mut scratch)?;
            if let Ok(mut found) = found.lock() {
                found.extend(audited);
            }
        }
        Ok(())
    };
    cores::run(cores::count(), work)
        .into_iter()
        .collect::<Result<(), Error>>()?;
    Ok(found.into_inner().unwrap_or_default())
}

struct Bid {
    id: Digest,
    name: String,
    size: u64,
}

fn grouped(bids: impl Iterator<Item = (Digest, String, u64)>) -> Vec<Vec<Bid>> {
    let mut groups: Vec<Vec<Bid>> = Vec::new();
    let mut filled = GROUP_LEN_MAX;
    for (id, name, size) in bids {
        let fits = filled.saturating_add(size) <= GROUP_LEN_MAX;
        match groups.last_mut().filter(|g| fits && g.len() < GROUP_MAX) {
            Some(group) => {
                filled += size;
                group.push(Bid { id, name, size });
            }
            None => {
                filled = size;
                groups.push(vec![Bid { id, name, size }]);
            }
        }
    }
    groups
}

/// Memory that one thread uses for group after group: fresh pages cost as much as reading what is put there.
#[derive(Default)]
struct Scratch {
    /// The bids of a group, one behind the other, unless they are in memory anyway.
    contents: Vec<u8>,
    opened: Memory,
}

fn audit_group(
    files: &dyn Files,
    replay: &Replay,
    group: &[Bid],
    scratch: &mut Scratch,
) -> Result<Vec<(Digest, Audited)>, Error> {
    let alg = replay.suite().hash();
    if let [large] = group
        && large.size > GROUP_LEN_MAX
    {
        let mut file = Hashed::of(files.open(&large.name)?, alg);
        let (fault, opened) = look_at(replay, large, &mut file, WORKERS);
        let hash = file.finish().map_err(|e| Error::io(&*large.name, &e))?;
        let audited = Audited {
            hash,
            fault,
            opened,
        };
        return Ok(vec![(large.id, audited)]);
    }
    let inputs = contents(files, group, &mut scratch.contents)?;
    let hashes = alg.digest_many(&[], &inputs);
    let bids = group.iter().map(|bid| &bid.id);
    let bids = bids.zip(inputs);
    let opened = open_many(&replay.state, bids.collect(), &mut scratch.opened);
    let mut opened: BTreeMap<_, _> = opened.into_iter().collect();
    let audited = group.iter().zip(hashes).map(|(bid, hash)| {
        let Some(opened) = opened.remove(&bid.id) else {
            // Whatever is the matter with it, it is read once more.
            return audit_alone(files, replay, bid, 1);
        };
        let audited = Audited {
            hash,
            fault: None,
            opened: Some(Ok(opened)),
        };
        Ok((bid.id, audited))
    });
    audited.collect()
}

fn audit_alone(
    files: &dyn Files,
    replay: &Replay,
    bid: &Bid,
    workers: usize,
) -> Result<(Digest, Audited), Error> {
    let mut file = Hashed::of(files.open(&bid.name)?, replay.suite().hash());
    let (fault, opened) = look_at(replay, bid, &mut file, workers);
    let hash = file.finish().map_err(|e| Error::io(&*bid.name, &e))?;
    let audited = Audited {
        hash,
        fault,
        opened,
    };
    Ok((bid.id, audited))
}

/// The bytes of each bid of a group.
fn contents<'a>(
    files: &'a dyn Files,
    group: &[Bid],
    memory: &'a mut Vec<u8>,
) -> Result<Vec<&'a [u8]>, Error> {
    let there: Option<_> = group.iter().map(|bid| files.in_memory(&bid.name)).collect();
    if let Some(there) = there {
        return Ok(there);
    }
    memory.resize(GROUP_LEN_MAX as usize, 0);
    let mut rest = memory.as_mut_slice();
    let mut contents = Vec::with_capacity(group.len());
    for bid in group {
        // The bids of a group fit into its memory.
        let (room, more) = rest.split_at_mut(bid.size as usize);
        contents.push(read_whole(files, bid, room)?);
        rest = more;
    }
    Ok(contents)
}

/// The bytes of a file, at most as many as there is room for.
fn read_whole<'a>(files: &dyn Files, bid: &Bid, room: &'a mut [u8]) -> Result<&'a [u8], Error> {
    let (mut file, mut filled) = (files.open(&bid.name)?, 0);
    while filled < room.len() {
        match file.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(&*bid.name, &e)),
        }
    }
    Ok(&room[..filled])
}

type Looked = (Option<Error>, Option<Result<Opened, Error>>);

/// Opening a bid checks its body on the way. Where it does not open, the body is judged by itself: a fault of the
/// storage is none of the bidder's.
fn look_at<R: Read + Seek>(replay: &Replay, bid: &Bid, file: &mut R, workers: usize) -> Looked {
    if let Err(e) = is_of_seal(replay, bid, file) {
        return (Some(e), None);
    }
    let opened = is_opened(replay, &bid.id)
        .then(|| open_bid_on(&replay.state, &bid.id, file, &mut NoSink, workers));
    if let Some(Ok(Opened::Bid(_))) = opened {
        return (None, opened);
    }
    let seal = &replay.state.bids()[&bid.id].seal;
    let fault = mifeng_envelope::check_body_with(file, seal, workers).err();
    (fault.map(|e| failed(bid, &e)), opened)
}

/// Where too little was released when it ended, the replay found the cause at that record: what became known for other
/// bids after it does not change it.
fn is_opened(replay: &Replay, id: &Digest) -> bool {
    match &replay.state.outcomes()[id] {
        BidOutcome::Opened(_) => true,
        BidOutcome::Failed(logged) => logged.cause == rules::BAD_SEAL.code,
    }
}

fn is_of_seal<R: Read + Seek>(replay: &Replay, bid: &Bid, file: &mut R) -> Result<(), Error> {
    let sealed = SealedFile::read(file).map_err(|e| failed(bid, &e))?;
    if sealed.record().is_of(&replay.state.bids()[&bid.id].seal) {
        return Ok(());
    }
    Err(Error::Failed {
        check: "V7",
        code: "bid.other-seal",
        detail: format!("{} holds another seal than the log", bid.name),
    })
}

fn failed(bid: &Bid, e: &mifeng_envelope::Error) -> Error {
    Error::Failed {
        check: "V7",
        code: e.code(),
        detail: format!("{}: {e}", bid.name),
    }
}

/// A file that is hashed while it is read: what comes in order, as it comes; the rest at the end.
struct Hashed<'a> {
    file: Box<dyn ReadSeek + 'a>,
    hasher: Hasher,
    /// So much is hashed.
    done: u64,
    at: u64,
}

impl<'a> Hashed<'a> {
    fn of(file: Box<dyn ReadSeek + 'a>, alg: HashAlg) -> Self {
        Hashed {
            file,
            hasher: alg.hasher(),
            done: 0,
            at: 0,
        }
    }

    fn finish(mut self) -> io::Result<Digest> {
        let mut buffer = vec![0; 1 << 20];
        self.seek(SeekFrom::Start(self.done))?;
        while self.read(&mut buffer)? != 0 {}
        Ok(self.hasher.finish())
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(out)?;
        let end = self.at + len as u64;
        if self.at <= self.done && end > self.done {
            // Less than what was read.
            let known = (self.done - self.at) as usize;
            self.hasher.update(&out[known..len]);
            self.done = end;
        }
        self.at = end;
        Ok(len)
    }
}

impl Seek for Hashed<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_file_is_hashed_in_whatever_order_it_is_read() -> io::Result<()> {
        let bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let file = || Box::new(Cursor::new(bytes.clone()));
        let steps: [&[(u64, usize)]; 4] = [
            &[],
            &[(0, 100), (4_000, 1_000), (100, 50), (150, 3_000)],
            &[(0, 10), (5, 10), (4, 2), (15, 1)],
            &[(1, 4_999)],
        ];
        for steps in steps {
            let mut hashed = Hashed::of(file(), HashAlg::Sm3);
            for (at, len) in steps {
                hashed.seek(SeekFrom::Start(*at))?;
                hashed.read_exact(&mut vec![0; *len])?;
            }
            assert_eq!(hashed.finish()?, HashAlg::Sm3.digest(&bytes));
        }
        Ok(())
    }

    #[test]
    fn groups_are_bounded_and_lose_nothing() {
        let sizes = [
            1,
            GROUP_LEN_MAX,
            5,
            GROUP_LEN_MAX - 5,
            GROUP_LEN_MAX + 1,
            u64::MAX,
            3,
        ];
        let bids = sizes
            .iter()
            .map(|size| (Digest::default(), String::new(), *size));
        let groups = grouped(bids);
        let found: Vec<Vec<u64>> = groups
            .iter()
            .map(|group| group.iter().map(|bid| bid.size).collect())
            .collect();
        let whole = [
            vec![1],
            vec![GROUP_LEN_MAX],
            vec![5, GROUP_LEN_MAX - 5],
            vec![GROUP_LEN_MAX + 1],
            vec![u64::MAX],
            vec![3],
        ];
        assert_eq!(found, whole);
        let many = (0..40).map(|_| (Digest::default(), String::new(), 1));
        let lens: Vec<usize> = grouped(many).iter().map(Vec::len).collect();
        assert_eq!(lens, [16, 16, 8]);
    }
}
