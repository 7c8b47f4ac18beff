//! Properties of trees, proofs, tiles, beats and batches over many sizes, in both hashes.

use mifeng_crypto::{Digest, Entropy, GM, HashAlg, INTL, SeededEntropy, Suite, Time};
use mifeng_log::{
    Batch, Entry, Error, LogTree, Pace, Schedule, account, merkle, places, tiles, verify_batch_path,
};
use std::collections::{BTreeMap, BTreeSet};

const BOTH: [HashAlg; 2] = [HashAlg::Sha256, HashAlg::Sm3];
const SUITES: [&Suite; 2] = [&GM, &INTL];

fn leaves(alg: HashAlg, count: u64) -> Vec<Digest> {
    (0..count)
        .map(|n| merkle::leaf_hash(alg, &n.to_be_bytes()))
        .collect()
}

/// The definition of RFC 6962 section 2.1, word for word.
fn mth(alg: HashAlg, leaves: &[Digest]) -> Digest {
    match leaves {
        [] => alg.digest(b""),
        [one] => *one,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            let (left, right) = leaves.split_at(k);
            merkle::node_hash(alg, &mth(alg, left), &mth(alg, right))
        }
    }
}

#[test]
fn roots_follow_the_definition() {
    for alg in BOTH {
        let all = leaves(alg, 140);
        let tree = merkle::Tree::from_leaves(alg, &all);
        let mut frontier = merkle::Frontier::new(alg);
        for n in 0..=all.len() {
            let expected = mth(alg, &all[..n]);
            assert_eq!(merkle::root(alg, &all[..n]), expected);
            assert_eq!(tree.root_at(n as u64), Ok(expected));
            assert_eq!((frontier.size(), frontier.root()), (n as u64, expected));
            if let Some(leaf) = all.get(n) {
                frontier.append(*leaf);
            }
        }
        assert!(tree.root_at(141).is_err());
    }
}

#[test]
fn inclusion_of_every_leaf_of_every_size() {
    for alg in BOTH {
        let all = leaves(alg, 70);
        let tree = merkle::Tree::from_leaves(alg, &all);
        for size in 1..=70 {
            let root = tree.root_at(size).expect("in range");
            for index in 0..size {
                let leaf = all[index as usize];
                let proof = tree.inclusion_proof(index, size).expect("in range");
                merkle::verify_inclusion(alg, leaf, index, size, &proof, root).expect("proven");
                // The same proof for any other leaf, index, root or with a hash less or more.
                let refused = |leaf, index, proof: &[Digest], root| {
                    assert!(merkle::verify_inclusion(alg, leaf, index, size, proof, root).is_err());
                };
                refused(root_of_nothing(alg), index, &proof, root);
                refused(leaf, index, &proof, root_of_nothing(alg));
                refused(leaf, size, &proof, root);
                refused(leaf, u64::MAX, &proof, root);
                if size > 1 {
                    refused(leaf, (index + 1) % size, &proof, root);
                    refused(leaf, index, &proof[1..], root);
                }
                refused(leaf, index, &[&proof[..], &[leaf]].concat(), root);
            }
            assert!(tree.inclusion_proof(size, size).is_err());
        }
    }
}

fn root_of_nothing(alg: HashAlg) -> Digest {
    merkle::empty_root(alg)
}

#[test]
fn consistency_of_every_pair_of_sizes() {
    for alg in BOTH {
        let all = leaves(alg, 70);
        let tree = merkle::Tree::from_leaves(alg, &all);
        let root = |n| tree.root_at(n).expect("in range");
        for size in 0..=70 {
            for old in 0..=size {
                let proof = tree.consistency_proof(old, size).expect("in range");
                let check = |old_root, new_root, proof: &[Digest]| {
                    merkle::verify_consistency(alg, old, old_root, size, new_root, proof)
                };
                check(root(old), root(size), &proof).expect("a prefix");
                let other = merkle::leaf_hash(alg, b"other");
                assert!(check(other, root(size), &proof).is_err());
                if old > 0 {
                    assert!(check(root(old), other, &proof).is_err());
                }
                assert!(check(root(old), root(size), &[&proof[..], &[other]].concat()).is_err());
                if !proof.is_empty() {
                    assert!(check(root(old), root(size), &proof[1..]).is_err());
                }
            }
            assert!(tree.consistency_proof(size + 1, size).is_err());
        }
    }
}

#[test]
fn every_bit_of_a_proof_counts() {
    let alg = HashAlg::Sm3;
    let all = leaves(alg, 13);
    let tree = merkle::Tree::from_leaves(alg, &all);
    let inclusion = tree.inclusion_proof(5, 13).expect("in range");
    let consistency = tree.consistency_proof(6, 13).expect("in range");
    let (old, root) = (tree.root_at(6).expect("in range"), tree.root());
    for bit in 0..256 {
        let flip = |proof: &[Digest], n: usize| {
            let mut bytes = *proof[n].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut proof = proof.to_vec();
            proof[n] = Digest::from_bytes(bytes);
            proof
        };
        for n in 0..inclusion.len() {
            let bad = flip(&inclusion, n);
            assert!(merkle::verify_inclusion(alg, all[5], 5, 13, &bad, root).is_err());
        }
        for n in 0..consistency.len() {
            let bad = flip(&consistency, n);
            assert!(merkle::verify_consistency(alg, 6, old, 13, root, &bad).is_err());
        }
    }
}

#[test]
fn gm_logs_have_two_trees() {
    let entries: Vec<_> = (0..9u8).map(|n| vec![n; 40]).collect();
    let gm = LogTree::from_entries(&GM, "example.com/t/1", &entries).expect("a log");
    let intl = LogTree::from_entries(&INTL, "example.com/t/1", &entries).expect("a log");
    assert_eq!(gm.sha256_checkpoint(), intl.checkpoint());
    assert_eq!(intl.sha256_checkpoint(), intl.checkpoint());
    assert_eq!(gm.checkpoint().origin(), "example.com/t/1/sm3");
    assert_ne!(gm.root(), intl.root());
    let hashes: Vec<_> = entries
        .iter()
        .map(|e| merkle::leaf_hash(HashAlg::Sm3, e))
        .collect();
    assert_eq!(gm.root(), mth(HashAlg::Sm3, &hashes));
    assert!(gm.clone().append(&[0; 257]).is_err());
    assert!(LogTree::new(&GM, "with space").is_err());
}

#[test]
fn tiles_are_exactly_what_the_entries_give() {
    let alg = HashAlg::Sm3;
    for size in [0u64, 1, 2, 255, 256, 257, 511, 512, 600] {
        let entries: Vec<_> = (0..size).map(|n| n.to_be_bytes().to_vec()).collect();
        let files: BTreeMap<_, _> = tiles::tiles(alg, &entries)
            .expect("small entries")
            .into_iter()
            .collect();
        assert_eq!(tiles::read(alg, size, &files).as_ref(), Ok(&entries));
        let code = |files: &BTreeMap<String, Vec<u8>>, size| {
            tiles::read(alg, size, files).map_err(|e| e.code())
        };
        assert!(code(&files, size + 1).is_err());
        let mut more = files.clone();
        more.insert("tile/0/999".to_owned(), vec![0; 8192]);
        assert_eq!(code(&more, size), Err("log.file-unexpected"));
        for (path, bytes) in &files {
            let mut less = files.clone();
            less.remove(path);
            assert_eq!(code(&less, size), Err("log.file-missing"), "{path}");
            for at in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut other = files.clone();
                other.get_mut(path).expect("there")[at] ^= 1;
                assert!(code(&other, size).is_err(), "{path} byte {at}");
            }
        }
    }
    assert!(tiles::read(alg, u64::MAX, &BTreeMap::new()).is_err());
    assert!(tiles::entry_bundles(&[vec![0; 65_536]]).is_err());
}

#[test]
fn tile_paths_of_the_specification() {
    // tlog-tiles: a tree of 70,000 entries; index 1234067 is covered by the same function.
    let all = vec![Digest::default(); 70_000];
    let tree = merkle::Tree::from_leaves(HashAlg::Sha256, &all);
    let paths: BTreeSet<_> = tiles::hash_tiles(&tree).into_iter().map(|f| f.0).collect();
    assert_eq!(paths.len(), 273 + 1 + 1 + 1 + 1);
    for path in [
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ] {
        assert!(paths.contains(path), "{path}");
    }
    assert_eq!(
        tiles::tile_path("0", 1_234_067, 256),
        "tile/0/x001/x234/067"
    );
}

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("a time")
}

#[test]
fn beats_of_the_standard_schedule() {
    let (start, deadline) = (time("2026-01-20T09:00:00Z"), time("2026-01-20T12:00:00Z"));
    let schedule = Schedule::standard(start, deadline, 6).expect("a schedule");
    assert_eq!(schedule.beat_time(0), Ok(start));
    assert_eq!(schedule.beat_time(239), Ok(time("2026-01-20T10:59:30Z")));
    assert_eq!(schedule.beat_time(240), Ok(time("2026-01-20T11:00:00Z")));
    assert_eq!(schedule.beat_time(241), Ok(time("2026-01-20T11:00:01Z")));
    assert_eq!(schedule.beats_before(deadline), 240 + 3600);
    assert_eq!(schedule.beats_before(start), 0);
    assert_eq!(schedule.beats_before(time("2020-01-01T00:00:00Z")), 0);
    assert!(schedule.beat_time(u64::MAX).is_err());
    for index in (0..5000).step_by(7) {
        let at = schedule.beat_time(index).expect("in the calendar");
        assert_eq!(schedule.beats_before(at), index);
        let after = Time::from_unix_nanos(at.as_unix_nanos() + 1);
        assert_eq!(schedule.beats_before(after), index + 1);
    }
    let json = serde_json::to_string(&schedule).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Schedule>(&json).ok().as_ref(),
        Some(&schedule)
    );
    assert!(serde_json::from_str::<Schedule>(&json.replace("30000", "0")).is_err());
    assert!(
        serde_json::from_str::<Schedule>(&json.replace("\"depth\":6", "\"depth\":17")).is_err()
    );
}

#[test]
fn postponing_keeps_past_beats() {
    let (start, deadline) = (time("2026-01-20T09:00:00Z"), time("2026-01-20T12:00:00Z"));
    let schedule = Schedule::standard(start, deadline, 6).expect("a schedule");
    let at = time("2026-01-20T11:30:00.5Z");
    let later = schedule
        .postponed(at, time("2026-01-21T12:00:00Z"))
        .expect("a schedule");
    let before = schedule.beats_before(at);
    for index in 0..before {
        assert_eq!(later.beat_time(index), schedule.beat_time(index));
    }
    assert_eq!(later.beat_time(before), Ok(at));
    assert_eq!(later.beat_time(before + 1), Ok(at.plus_millis(30_000)));
    assert!(schedule.postponed(start, deadline).is_err());
    assert!(schedule.postponed(deadline, deadline).is_err());
    let pace = |from: &str, period_ms| Pace {
        from: time(from),
        period_ms,
    };
    let same = pace("2026-01-20T09:00:00Z", 1000);
    assert!(Schedule::new(6, vec![]).is_err());
    assert!(Schedule::new(6, vec![same, same]).is_err());
    assert!(Schedule::new(17, vec![same]).is_err());
    assert!(Schedule::new(6, vec![pace("2026-01-20T09:00:00Z", 99)]).is_err());
    assert_eq!(
        Schedule::standard(deadline, start, 6).map_err(|e| e.code()),
        Err("log.malformed")
    );
}

#[test]
fn batches_account_for_every_leaf() {
    let mut entropy = SeededEntropy::new(b"batches");
    for suite in SUITES {
        for depth in [0u8, 1, 4, 6] {
            for count in [0usize, 1, 2, 16, 64] {
                let mut seed = [0; 32];
                entropy.fill(&mut seed).expect("seeded");
                let records: Vec<_> = (0..count)
                    .map(|n| suite.hash().digest(&n.to_be_bytes()))
                    .collect();
                let batch = Batch::build(suite, depth, &seed, &records);
                if count > 1 << depth {
                    assert_eq!(
                        batch.map(|_| ()).map_err(|e| e.code()),
                        Err("log.too-large")
                    );
                    continue;
                }
                check_batch(suite, &seed, &records, &batch.expect("they fit"));
            }
        }
    }
}

fn check_batch(suite: &'static Suite, seed: &[u8; 32], records: &[Digest], batch: &Batch) {
    let (depth, root) = (batch.depth(), batch.root());
    let shown: Vec<_> = batch
        .positions()
        .iter()
        .copied()
        .zip(records.iter().copied())
        .collect();
    assert_eq!(
        batch.positions().iter().collect::<BTreeSet<_>>().len(),
        records.len()
    );
    account(suite, depth, seed, root, &shown).expect("accounted for");
    for (position, record) in &shown {
        let path = batch.path(*position).expect("in range");
        assert_eq!(path.len(), usize::from(depth));
        verify_batch_path(suite, record, *position, depth, &path, root).expect("in the batch");
        let wrong = suite.hash().digest(b"other record");
        assert!(verify_batch_path(suite, &wrong, *position, depth, &path, root).is_err());
        assert!(verify_batch_path(suite, record, *position, depth + 1, &path, root).is_err());
        assert!(verify_batch_path(suite, record, position + 1, depth, &path, root).is_err());
    }
    let code = |seed: &[u8; 32], shown: &[(u64, Digest)]| {
        account(suite, depth, seed, root, shown).map_err(|e| e.code())
    };
    if let Some((_, rest)) = shown.split_last() {
        assert_eq!(
            code(seed, rest),
            Err("log.unaccounted"),
            "a record was hidden"
        );
        let mut moved = shown.clone();
        moved[0].0 += 1;
        assert_eq!(code(seed, &moved), Err("log.place"));
    }
    if shown.len() < 1 << depth {
        let mut other = *seed;
        other[31] ^= 1;
        assert!(code(&other, &shown).is_err());
    }
}

#[test]
fn places_are_a_permutation_and_spread() {
    let all = places(&INTL, 8, &[7; 32], 256).expect("they fit");
    assert_eq!(
        all.iter().copied().collect::<BTreeSet<_>>(),
        (0..256).collect()
    );
    assert_eq!(places(&INTL, 8, &[7; 32], 9).expect("they fit"), all[..9]);
    assert_ne!(places(&GM, 8, &[7; 32], 9), places(&INTL, 8, &[7; 32], 9));
    // The first place over many seeds: 4 cells, 400 draws, far from lopsided.
    let mut cells = [0u32; 4];
    for n in 0..400u32 {
        let seed = *HashAlg::Sha256.digest(&n.to_be_bytes()).as_bytes();
        cells[places(&GM, 2, &seed, 1).expect("fits")[0] as usize] += 1;
    }
    assert!(
        cells.iter().all(|cell| (60..=140).contains(cell)),
        "{cells:?}"
    );
    let twice = [Digest::default(); 2];
    let built = Batch::build(&GM, 3, &[0; 32], &twice).map(|_| ());
    assert_eq!(built, Err(Error::Duplicate { nth: 1 }));
}

#[test]
fn entries_have_one_form() {
    let digest = HashAlg::Sm3.digest(b"x");
    let batch = Entry::batch(digest, 8).expect("a depth");
    let record = Entry::record(digest, Digest::default());
    assert_eq!(
        String::from_utf8(batch.to_bytes()).expect("UTF-8"),
        format!(r#"{{"batch":"{digest}","depth":8,"v":1}}"#)
    );
    for entry in [batch, record] {
        let bytes = entry.to_bytes();
        assert_eq!(Entry::parse(&bytes), Ok(entry));
        for at in 0..bytes.len() {
            assert_ne!(Entry::parse(&bytes[..at]), Ok(entry));
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                // Another entry is possible (another digit), this one is not.
                if let Ok(read) = Entry::parse(&other) {
                    assert_ne!(read, entry);
                    assert_eq!(read.to_bytes(), other);
                }
            }
        }
    }
    for bad in [
        r#"{"batch":"D","depth":17,"v":1}"#,
        r#"{"batch":"D","depth":8,"v":2}"#,
        r#"{"batch":"D","v":1}"#,
        r#"{"batch":"D","body":null,"depth":8,"v":1}"#,
        r#"{"batch":"D","body":"D","depth":8,"sig":"D","v":1}"#,
        r#"{"batch":"D","depth":8,"v":1,"x":0}"#,
        r#"{"batch":"D","depth":8,"v":1} "#,
        r#"{"depth":8,"batch":"D","v":1}"#,
    ] {
        let text = bad.replace('D', &digest.to_string());
        assert!(Entry::parse(text.as_bytes()).is_err(), "{bad}");
    }
}
