//! The journal of a directory (`spec/store.md`): power cuts at every operation, every byte flipped, every length,
//! every sector lost, and content that looks like a journal.

use mifeng::{Store, Write};
use mifeng_store::Directory;
use mifeng_testkit::sim::{Fault, SimDisk};
use std::collections::BTreeMap;
use std::io;

type Files = BTreeMap<String, Vec<u8>>;
/// Length of the entries before, name and content of the record, entry.
type Batch = (u64, String, Vec<u8>, Vec<u8>);

const JOURNAL: &str = ".journal";
const BLOCK: usize = 4096;
const SECTOR: usize = 512;

/// Batches as a host makes them: new files, an entry, the head; one with content that looks like a journal.
fn batches() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let look_alike = {
        let folder = SimDisk::holding(&Files::new(), 9);
        let mut store = Directory::on(folder.clone()).expect("opens");
        store
            .batch(&writes(&(0, "x".to_owned(), b"x".to_vec(), b"x".to_vec())))
            .expect("done");
        // From the place of this content in a frame to the next block, and then a journal of somebody else.
        let gap = BLOCK - 96 - 1 - 2 - "body/1".len() - 8;
        [vec![0; gap], folder.files()[JOURNAL].clone()].concat()
    };
    vec![
        ("body/0".to_owned(), b"{}".to_vec(), b"first".to_vec()),
        ("body/1".to_owned(), look_alike, b"second".to_vec()),
        ("body/2".to_owned(), vec![7; 5_000], b"third".to_vec()),
    ]
}

fn writes((at, name, content, entry): &Batch) -> [Write<'_>; 3] {
    [
        Write::Put { name, content },
        Write::Append {
            name: "entries",
            at: *at,
            content: entry,
        },
        Write::Put {
            name: "head",
            content: entry,
        },
    ]
}

/// Each batch with the length of the entries before it, and what is there after the first `n` of them.
fn story() -> (Vec<Batch>, Vec<Files>) {
    let (mut at, mut files) = (0, Files::new());
    let (mut story, mut states) = (Vec::new(), vec![files.clone()]);
    for (name, content, entry) in batches() {
        files.insert(name.clone(), content.clone());
        files
            .entry("entries".to_owned())
            .or_default()
            .extend(&entry);
        files.insert("head".to_owned(), entry.clone());
        states.push(files.clone());
        let len = entry.len() as u64;
        story.push((at, name, content, entry));
        at += len;
    }
    (story, states)
}

/// What a reader of the store sees.
fn seen<D: mifeng_store::Disk>(store: &Directory<D>) -> Files {
    let names = store.list("").expect("listed").into_iter();
    names
        .map(|(name, _)| {
            let content = store.read(&name).expect("readable").expect("there");
            (name, content)
        })
        .collect()
}

/// A journal with all batches, whose files are lost as if they had never been written.
fn journal() -> (Vec<u8>, Vec<Files>) {
    let disk = SimDisk::holding(&Files::new(), 1);
    let mut store = Directory::on(disk.clone()).expect("opens");
    let (story, states) = story();
    for batch in &story {
        store.batch(&writes(batch)).expect("done");
    }
    (disk.files()[JOURNAL].clone(), states)
}

fn opened(journal: Vec<u8>) -> (io::Result<Files>, Files) {
    let disk = SimDisk::holding(&Files::from([(JOURNAL.to_owned(), journal)]), 2);
    let seen = Directory::on(disk.clone()).map(|store| seen(&store));
    (seen, disk.files())
}

/// Where the frames begin, and where their content ends.
fn frames(journal: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut found) = (BLOCK, Vec::new());
    while at < journal.len() {
        let len = u64::from_be_bytes(journal[at + 24..at + 32].try_into().expect("eight bytes"));
        let end = at + 96 + usize::try_from(len).expect("small");
        found.push((at, end));
        at = end.next_multiple_of(BLOCK);
    }
    found
}

#[test]
fn a_journal_gives_back_all_that_was_promised() {
    let (journal, states) = journal();
    assert_eq!(frames(&journal).len(), 3);
    let (seen, files) = opened(journal);
    assert_eq!(seen.expect("opens"), states[3]);
    // And is begun afresh, with another key.
    assert_eq!(files[JOURNAL].len(), BLOCK);
}

#[test]
fn each_flipped_byte_is_named_or_tears_the_last_frame() {
    let (journal, states) = journal();
    let frames = frames(&journal);
    let (last, end) = frames[2];
    for at in 0..journal.len() {
        let mut broken = journal.clone();
        broken[at] ^= 1 << (at % 8);
        let (seen, files) = opened(broken.clone());
        let padding = at >= BLOCK && !frames.iter().any(|(from, to)| (*from..*to).contains(&at));
        match seen {
            Ok(seen) if padding => assert_eq!(seen, states[3], "byte {at}"),
            Ok(seen) => {
                assert!((last..end).contains(&at), "byte {at} is cut off");
                assert_eq!(seen, states[2], "byte {at}");
            }
            Err(e) => {
                assert!(at < last && !padding, "byte {at}: {e}");
                assert_eq!(e.kind(), io::ErrorKind::InvalidData);
                // Nothing is changed: whoever repairs it has all that there is.
                assert_eq!(files, Files::from([(JOURNAL.to_owned(), broken)]));
            }
        }
    }
}

/// What a process leaves that stops without a power cut: the files of every batch are there.
#[test]
fn a_damaged_last_frame_undoes_no_file() {
    let disk = SimDisk::holding(&Files::new(), 1);
    let mut store = Directory::on(disk.clone()).expect("opens");
    let (story, states) = story();
    for batch in &story {
        store.batch(&writes(batch)).expect("done");
    }
    drop(store);
    let whole = disk.files();
    let frames = frames(&whole[JOURNAL]);
    let (last, end) = frames[2];
    let mut cut = whole.clone();
    cut.get_mut(JOURNAL).expect("there").truncate(last);
    let mut broken = vec![cut];
    for at in last..end {
        let mut files = whole.clone();
        files.get_mut(JOURNAL).expect("there")[at] ^= 1;
        broken.push(files);
    }
    for files in broken {
        let disk = SimDisk::holding(&files, 2);
        let opened = Directory::on(disk.clone()).map(drop).map_err(|e| e.kind());
        assert_eq!(opened, Err(io::ErrorKind::InvalidData));
        assert_eq!(disk.files(), files, "nothing is changed");
    }
    let disk = SimDisk::holding(&whole, 3);
    let again = Directory::on(disk).expect("opens");
    assert_eq!(seen(&again), states[3]);
}

#[test]
fn each_length_is_a_torn_end() {
    let (journal, states) = journal();
    let frames = frames(&journal);
    for len in 0..journal.len() {
        let (seen, _) = opened(journal[..len].to_vec());
        if len < BLOCK {
            assert_eq!(seen.map_err(|e| e.kind()), Err(io::ErrorKind::InvalidData));
            continue;
        }
        let whole = frames.iter().filter(|(_, end)| *end <= len).count();
        assert_eq!(seen.expect("opens"), states[whole], "{len} bytes");
    }
}

#[test]
fn lost_sectors_of_the_last_frame_tear_it_and_of_others_are_damage() {
    let (journal, states) = journal();
    let frames = frames(&journal);
    for at in (BLOCK..journal.len()).step_by(SECTOR) {
        let mut lost = journal.clone();
        lost[at..(at + SECTOR).min(journal.len())].fill(0);
        let (seen, _) = opened(lost.clone());
        if lost == journal {
            assert_eq!(seen.expect("opens"), states[3]);
        } else if at >= frames[2].0 {
            assert_eq!(seen.expect("opens"), states[2], "sector {}", at / SECTOR);
        } else {
            let kind = seen.map_err(|e| e.kind());
            assert_eq!(
                kind,
                Err(io::ErrorKind::InvalidData),
                "sector {}",
                at / SECTOR
            );
        }
    }
}

#[test]
fn frames_of_another_journal_are_no_frames() {
    let (own, states) = journal();
    let (other, _) = journal();
    let frames = frames(&own);
    // The first frame is torn, and behind it stand whole frames under another key, and old ones out of place.
    let mut mixed = own[..frames[0].0].to_vec();
    mixed.extend(&other[frames[0].0..]);
    assert_eq!(opened(mixed).0.expect("opens"), states[0]);
    let moved = [&own[..frames[1].0], &own[frames[0].0..]].concat();
    assert_eq!(opened(moved).0.expect("opens"), states[1]);
}

/// The power goes at every operation, and what was not synced is kept or lost in many ways.
#[test]
fn a_power_cut_at_any_operation_leaves_whole_batches() {
    let (story, states) = story();
    let mut cuts = 0;
    for fault in [Fault::PowerCut, Fault::Kill, Fault::Io, Fault::Full] {
        for seed in 0..12 {
            for after in 0.. {
                let disk = SimDisk::holding(&Files::new(), seed);
                disk.plan(after, fault);
                let mut promised = 0;
                let outcome = Directory::on(disk.clone()).and_then(|mut store| {
                    for batch in &story {
                        store.batch(&writes(batch))?;
                        promised += 1;
                    }
                    Ok(())
                });
                let done = outcome.is_ok();
                disk.restart();
                // It falls again while it comes up, and then no more.
                for again in [seed % 7, seed % 23] {
                    disk.plan(again, Fault::PowerCut);
                    let _ = Directory::on(disk.clone());
                    disk.restart();
                }
                disk.plan(u64::MAX / 2, Fault::Io);
                let store = Directory::on(disk.clone()).expect("opens at last");
                let seen = seen(&store);
                let there = states.iter().rposition(|state| *state == seen);
                assert!(
                    there.is_some_and(|there| there >= promised && there <= promised + 1),
                    "{fault:?} after {after}, seed {seed}: promised {promised}, found {there:?}"
                );
                cuts += 1;
                if done {
                    break;
                }
            }
        }
    }
    assert!(cuts > 1_000, "{cuts}");
}

#[test]
fn what_is_written_alone_is_not_undone_by_the_journal() {
    let disk = SimDisk::holding(&Files::new(), 3);
    let mut store = Directory::on(disk.clone()).expect("opens");
    let put = |content| {
        [Write::Put {
            name: "a/head",
            content,
        }]
    };
    store.batch(&put(b"old")).expect("done");
    store.write("a/head", &mut &b"new"[..]).expect("done");
    drop(store);
    let mut store = Directory::on(disk.clone()).expect("opens");
    assert_eq!(
        store.read("a/head").expect("read").as_deref(),
        Some(&b"new"[..])
    );
    store.batch(&put(b"newer")).expect("done");
    drop(store);
    let store = Directory::on(disk).expect("opens");
    assert_eq!(
        store.read("a/head").expect("read").as_deref(),
        Some(&b"newer"[..])
    );
}

#[test]
fn a_batch_that_cannot_be_done_is_not_begun() {
    let disk = SimDisk::holding(&Files::new(), 4);
    let mut store = Directory::on(disk.clone()).expect("opens");
    let first = Write::Put {
        name: "a",
        content: b"a",
    };
    let gap = Write::Append {
        name: "log",
        at: 1,
        content: b"x",
    };
    let outside = Write::Put {
        name: "../a",
        content: b"a",
    };
    for bad in [gap, outside] {
        assert!(store.batch(&[first, bad]).is_err());
        assert_eq!(store.read("a").expect("read"), None);
        assert_eq!(disk.files()[JOURNAL].len(), BLOCK);
    }
    // Two appends in one batch, the second behind the first.
    let two = [(0, b"one"), (3, b"two")];
    let two = two.map(|(at, content)| Write::Append {
        name: "log",
        at,
        content,
    });
    store.batch(&two).expect("done");
    assert_eq!(
        store.read("log").expect("read").as_deref(),
        Some(&b"onetwo"[..])
    );
}

#[test]
fn one_sync_for_a_batch() {
    let disk = SimDisk::holding(&Files::new(), 5);
    let mut store = Directory::on(disk.clone()).expect("opens");
    let (story, _) = story();
    store.batch(&writes(&story[0])).expect("done");
    let before = disk.syncs();
    store.batch(&writes(&story[1])).expect("done");
    assert_eq!(disk.syncs() - before, 1);
}
