//! Whole tenders from log to dossier, in both suites and both usual policies, and what happens to
//! a dossier that somebody touches.

#![allow(clippy::panic)] // A failed expectation, with what was expected.

mod common;

use common::*;
use mifeng::crypto::{Entropy, GM, INTL, SeededEntropy, Suite};
use mifeng::{Error, Export, Report, Trusted, Verdict, trustee, verify};
use mifeng_log::WitnessState;
use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};

const BLOCK: usize = 512;

fn dossier_of(cast: &Cast, kind: Kind) -> Vec<u8> {
    let mut tender = Tender::new(cast, "host.example/t/whole", kind);
    tender.receive(3);
    tender.finish(kind)
}

fn dossier(suite: &'static Suite, kind: Kind) -> Vec<u8> {
    dossier_of(&Cast::new(suite, "whole"), kind)
}

fn report(tar: &[u8], trusted: &Trusted) -> Report {
    verify(&Parts::of_tar(tar), trusted).expect("nothing is unavailable")
}

/// The failed check; a valid dossier fails the test.
fn failed(report: &Report, what: &str) -> &'static str {
    assert!(!report.is_valid(), "{what} went unseen");
    report.failure().expect("a failed check").id
}

fn seeded(seed: &str) -> impl FnMut(usize) -> usize {
    let mut rng = SeededEntropy::new(seed.as_bytes());
    move |below| {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes).expect("seeded");
        (u64::from_le_bytes(bytes) % below as u64) as usize
    }
}

/// A dossier in a file, of which single bytes are changed and put back.
struct Victim {
    bytes: Vec<u8>,
    file: Temporary,
}

impl Victim {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        Victim {
            file: Temporary::new(name, &bytes),
            bytes,
        }
    }

    fn poke(&self, at: usize, byte: u8) {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .open(self.file.path())
            .expect("our file");
        file.seek(SeekFrom::Start(at as u64)).expect("a place");
        file.write_all(&[byte]).expect("written");
    }

    /// Flips bits of one byte and asks for a verdict.
    fn flip(&self, at: usize, mask: u8) {
        self.poke(at, self.bytes[at] ^ mask);
        match self.file.open() {
            Err(Error::Malformed { .. }) => {}
            Err(e) => panic!("byte {at}: {e}"),
            Ok(tar) => {
                let report = verify(&tar, &Trusted::default())
                    .unwrap_or_else(|e| panic!("byte {at}: no report: {e}"));
                failed(&report, &format!("byte {at} ^ {mask:02x}"));
            }
        }
        self.poke(at, self.bytes[at]);
    }
}

/// The whole course and a verdict on the dossier, then random flips.
fn whole(suite: &'static Suite, kind: Kind) {
    let name = format!("whole-{}-{kind:?}", suite.id());
    let victim = Victim::new(&name, dossier(suite, kind));
    let tar = victim.file.open().expect("a bundle");
    let report = verify(&tar, &Trusted::default()).expect("readable");
    assert_eq!(report.checks.len(), 14);
    for check in &report.checks {
        assert_eq!(check.verdict, Verdict::Pass, "{check:?}");
    }
    assert!(report.is_valid());
    let mut random = seeded(&name);
    // Nearly every byte is one of a sealed bid: every second flip goes to a file of any size.
    let parts = pieces(&victim.bytes);
    for round in 0..50 {
        let at = match round % 2 {
            0 => random(victim.bytes.len()),
            _ => {
                let (start, end) = parts[random(parts.len())].1;
                start + random(end - start)
            }
        };
        victim.flip(at, 1 << random(8));
    }
}

/// The files of a tar: name, and where header, content and padding stand.
fn pieces(tar: &[u8]) -> Vec<(String, (usize, usize))> {
    let (mut found, mut at) = (Vec::new(), 0);
    while tar[at] != 0 {
        let name: Vec<u8> = tar[at..].iter().take_while(|b| **b != 0).copied().collect();
        let size = std::str::from_utf8(&tar[at + 124..at + 135]).expect("octal");
        let size = usize::from_str_radix(size, 8).expect("octal");
        let end = at + BLOCK + size.next_multiple_of(BLOCK);
        found.push((String::from_utf8(name).expect("text"), (at, end)));
        at = end;
    }
    found
}

/// A tar of these pieces, in this order.
fn joined<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut tar: Vec<u8> = pieces.into_iter().flatten().copied().collect();
    tar.extend([0; 2 * BLOCK]);
    tar
}

/// A file of a tar in the one allowed form (spec/dossier.md).
fn piece(name: &str, content: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    let size = format!("{:011o}\0", content.len());
    for (at, text) in [
        (0, name),
        (100, "0000644\0"),
        (108, "0000000\0"),
        (116, "0000000\0"),
        (124, size.as_str()),
        (136, "00000000000\0"),
        (148, "        "),
        (156, "0"),
        (257, "ustar\x0000"),
        (329, "0000000\0"),
        (337, "0000000\0"),
    ] {
        block[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut piece = [&block, content].concat();
    piece.resize(piece.len().next_multiple_of(BLOCK), 0);
    piece
}

/// The check that fails, or `tar` if it is no bundle at all.
fn verdict(name: &str, tar: &[u8], what: &str) -> &'static str {
    let file = Temporary::new(name, tar);
    match file.open() {
        Err(Error::Malformed { .. }) => "tar",
        Err(e) => panic!("{what}: {e}"),
        Ok(opened) => match verify(&opened, &Trusted::default()) {
            Ok(report) => failed(&report, what),
            Err(e) => panic!("{what}: no report: {e}"),
        },
    }
}

#[test]
fn gm_board() {
    whole(&GM, Kind::Board);
}

#[test]
fn gm_joint() {
    whole(&GM, Kind::Joint);
}

#[test]
fn intl_board() {
    whole(&INTL, Kind::Board);
}

#[test]
fn intl_joint() {
    whole(&INTL, Kind::Joint);
}

fn flip_ends(name: &str, step: usize) {
    let victim = Victim::new(name, dossier(&INTL, Kind::Board));
    let len = victim.bytes.len();
    for at in (0..4_096).chain(len - 2_048..len).step_by(step) {
        victim.flip(at, 1);
    }
}

#[test]
fn bytes_at_both_ends() {
    flip_ends("some-ends", 13);
}

#[test]
#[ignore = "takes minutes: cargo test -p mifeng --test whole_tender -- --ignored"]
fn every_byte_at_both_ends() {
    flip_ends("ends", 1);
}

#[test]
fn truncated() {
    let bytes = dossier(&INTL, Kind::Board);
    let blocks = bytes.len() / BLOCK;
    assert_eq!(bytes.len() % BLOCK, 0);
    let near_end = (blocks - 64..blocks).map(|block| block * BLOCK);
    for len in near_end.chain([0, BLOCK, 2 * BLOCK, bytes.len() - 1]) {
        assert_eq!(
            verdict("cut", &bytes[..len], &format!("cut at {len}")),
            "tar"
        );
    }
    // A whole number of files and a proper end.
    let parts = pieces(&bytes);
    for count in (0..parts.len()).step_by(9).chain([parts.len() - 2]) {
        assert!(!parts[count].0.starts_with("tsr/"));
        let end = parts[..count].last().map_or(0, |(_, (_, end))| *end);
        let cut = joined([&bytes[..end]]);
        let found = verdict("cut", &cut, &format!("{count} files left"));
        assert_ne!(found, "tar");
    }
    assert_eq!(verdict("cut", &joined([]), "nothing in it"), "V1");
    let longer = [&bytes[..], &[0; BLOCK]].concat();
    assert_eq!(verdict("cut", &longer, "a block more"), "tar");
}

#[test]
fn files_removed() {
    let bytes = dossier(&GM, Kind::Board);
    let parts = pieces(&bytes);
    // A missing stamp shows less, and nothing that is left is untrue (spec/verify.md).
    for (gone, _) in parts.iter().filter(|(name, _)| !name.starts_with("tsr/")) {
        let kept = parts.iter().filter(|(name, _)| name != gone);
        let tar = joined(kept.map(|(_, (start, end))| &bytes[*start..*end]));
        let found = verdict("removed", &tar, &format!("{gone} removed"));
        assert_ne!(found, "tar", "{gone}");
    }
}

#[test]
fn files_added() {
    let bytes = dossier(&INTL, Kind::Board);
    let parts = pieces(&bytes);
    let of = |name: &str| {
        let (_, (start, end)) = parts.iter().find(|(n, _)| n == name).expect("there");
        &bytes[*start..*end]
    };
    let zeros = "0".repeat(64);
    let names = [
        "a.txt".to_owned(),
        format!("body/{zeros}.json"),
        format!("certs/{zeros}.cer"),
        format!("crl/{zeros}.crl"),
        format!("docs/{zeros}"),
        "log/heads/0000000001.note".to_owned(),
        "log/sm3/checkpoint".to_owned(),
        "log/tile/0/001".to_owned(),
        "log/tile/1/000".to_owned(),
        "log/tile/entries/000".to_owned(),
        "log/x".to_owned(),
        format!("seal/{zeros}.bid"),
        format!("sig/{zeros}.p7s"),
        format!("tsr/{zeros}.tsr"),
        "z".to_owned(),
    ];
    for name in names {
        let mut all: BTreeMap<String, Vec<u8>> = parts
            .iter()
            .map(|(n, _)| (n.clone(), of(n).to_vec()))
            .collect();
        assert!(all.insert(name.clone(), piece(&name, b"added")).is_none());
        let tar = joined(all.values().map(Vec::as_slice));
        let found = verdict("added", &tar, &format!("{name} added"));
        assert_ne!(found, "tar", "{name}");
    }
    // Names that the one form does not allow.
    for name in ["../x", "/x", "a//b", ".x", "a b"] {
        let mut all = vec![(name.to_owned(), piece(name, b"added"))];
        all.extend(parts.iter().map(|(n, _)| (n.clone(), of(n).to_vec())));
        all.sort();
        let tar = joined(all.iter().map(|(_, bytes)| bytes.as_slice()));
        assert_eq!(verdict("added", &tar, name), "tar");
    }
}

#[test]
fn files_twice_or_out_of_order() {
    let bytes = dossier(&INTL, Kind::Board);
    let parts = pieces(&bytes);
    let slices: Vec<&[u8]> = parts
        .iter()
        .map(|(_, (start, end))| &bytes[*start..*end])
        .collect();
    assert!(joined(slices.iter().copied()) == bytes);
    for at in 0..slices.len() {
        let mut twice = slices.clone();
        twice.insert(at, slices[at]);
        assert_eq!(verdict("twice", &joined(twice), &parts[at].0), "tar");
        if at > 0 {
            let mut swapped = slices.clone();
            swapped.swap(at - 1, at);
            assert_eq!(verdict("twice", &joined(swapped), &parts[at].0), "tar");
        }
    }
}

#[test]
fn contents_swapped() {
    let bytes = dossier(&INTL, Kind::Joint);
    let all = Parts::of_tar(&bytes).parts;
    let names: Vec<&String> = all.keys().collect();
    for pair in names.windows(2) {
        if all[pair[0]] == all[pair[1]] {
            continue;
        }
        let mut swapped = all.clone();
        swapped.insert(pair[0].clone(), all[pair[1]].clone());
        swapped.insert(pair[1].clone(), all[pair[0]].clone());
        let made: Vec<Vec<u8>> = swapped.iter().map(|(n, c)| piece(n, c)).collect();
        let tar = joined(made.iter().map(Vec::as_slice));
        let what = format!("{} and {} swapped", pair[0], pair[1]);
        assert_ne!(verdict("swapped", &tar, &what), "tar", "{what}");
    }
}

#[test]
fn against_an_earlier_bundle() {
    let cast = Cast::new(&INTL, "whole");
    let mut tender = Tender::new(&cast, "host.example/t/whole", Kind::Board);
    let published = tender.tar(Export::Records);
    tender.receive(3);
    let received = tender.tar(Export::Records);
    let dossier = tender.finish(Kind::Board);
    let against = |earlier: &[u8]| {
        let trusted = Trusted {
            earlier: Some(Box::new(Parts::of_tar(earlier))),
            ..Trusted::default()
        };
        report(&dossier, &trusted)
    };
    for earlier in [&published, &received, &dossier] {
        assert!(against(earlier).is_valid());
    }
    // The same people, the same name, another history.
    let mut forked = Tender::unpublished(&cast, "host.example/t/whole");
    let mut other = notice(&cast, forked.host.state(), Kind::Board);
    other.tender = "TEST-2".to_owned();
    forked.publish(&other).expect("lawful");
    let report = against(&forked.tar(Export::Records));
    assert_eq!(failed(&report, "a fork"), "V2");
    assert_eq!(
        report.failure().and_then(|f| f.code.as_deref()),
        Some("log.fork")
    );
    let elsewhere = Tender::new(&cast, "host.example/t/other", Kind::Board);
    let report = against(&elsewhere.tar(Export::Records));
    assert_eq!(failed(&report, "another tender"), "V2");
}

#[test]
fn a_trustee_answers_one_history_only() {
    let cast = Cast::new(&INTL, "whole");
    let replay = |tar: &[u8]| mifeng::Replay::of(&Parts::of_tar(tar)).expect("replays");
    let mut tender = Tender::new(&cast, "host.example/t/whole", Kind::Board);
    let first = replay(&tender.tar(Export::Records));
    tender.receive(3);
    let later = replay(&tender.tar(Export::Records));
    let mut forked = Tender::unpublished(&cast, "host.example/t/whole");
    let mut other = notice(&cast, forked.host.state(), Kind::Board);
    other.tender = "TEST-2".to_owned();
    forked.publish(&other).expect("lawful");
    forked.receive(3);
    let forked = replay(&forked.tar(Export::Records));

    let alg = first.suite().hash();
    let code = |found: Result<_, Error>| found.map_err(|e| e.code()).err();
    let nothing = WitnessState::new("host.example/t/whole", alg);
    let seen = trustee::extends(&first, &nothing, secs(50)).expect("the first that it is shown");
    let again = trustee::extends(&first, &seen, secs(50)).expect("the same head");
    let grown = trustee::extends(&later, &again, secs(60)).expect("a head that extends it");
    assert_eq!(grown.size(), later.tree.tree().size());
    assert_eq!(
        code(trustee::extends(&first, &grown, secs(60))),
        Some("log.rollback")
    );
    for seen in [&seen, &grown] {
        let refused = code(trustee::extends(&forked, seen, secs(60)));
        assert!(
            matches!(refused, Some("log.fork" | "log.not-proven")),
            "{refused:?}"
        );
    }
    let elsewhere = WitnessState::new("host.example/t/other", alg);
    assert_eq!(
        code(trustee::extends(&first, &elsewhere, secs(60))),
        Some("log.origin")
    );
}

#[test]
fn against_the_roots_of_the_auditor() {
    let cast = Cast::new(&GM, "whole");
    let dossier = dossier_of(&cast, Kind::Board);
    let with = |root| {
        let trusted = Trusted {
            roots: vec![root],
            ..Trusted::default()
        };
        report(&dossier, &trusted)
    };
    assert!(with(cast.root.fingerprint(GM.hash())).is_valid());
    let other = Cast::new(&GM, "other").root.fingerprint(GM.hash());
    let report = with(other);
    assert_eq!(failed(&report, "another root"), "V3");
}

#[test]
fn not_before_the_end() {
    let cast = Cast::new(&INTL, "whole");
    let mut tender = Tender::new(&cast, "host.example/t/whole", Kind::Board);
    let unfinished = |tender: &Tender<'_>, what: &str| {
        for export in [Export::Records, Export::Dossier] {
            failed(&report(&tender.tar(export), &Trusted::default()), what);
        }
    };
    unfinished(&tender, "published");
    tender.receive(3);
    unfinished(&tender, "bids");
    tender.close_and_release(Kind::Board);
    unfinished(&tender, "released");
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    unfinished(&tender, "awarded");
    let whole = tender.archive(103);
    assert!(report(&whole, &Trusted::default()).is_valid());
    // The records alone, without the sealed bids, are no dossier.
    unfinished_records(&tender);
}

fn unfinished_records(tender: &Tender<'_>) {
    let records = tender.tar(Export::Records);
    assert_eq!(
        failed(&report(&records, &Trusted::default()), "no bids"),
        "V1"
    );
}

/// Two controls that random flips seldom reach: an arrival time moved inside its beat, and a close
/// that the board's witnesses did not cosign.
#[test]
fn arrival_times_and_witnesses() {
    let bytes = dossier(&INTL, Kind::Board);
    let all = Parts::of_tar(&bytes).parts;
    let made = |parts: &std::collections::BTreeMap<String, Vec<u8>>| {
        let made: Vec<Vec<u8>> = parts.iter().map(|(n, c)| piece(n, c)).collect();
        joined(made.iter().map(Vec::as_slice))
    };
    let mut moved = all.clone();
    let beats = String::from_utf8(all["log/beats.json"].clone()).expect("JSON");
    let at = beats.find("Z\",\"sig\"").expect("an arrival time");
    let later = format!("{}.001{}", &beats[..at], &beats[at..]);
    moved.insert("log/beats.json".to_owned(), later.into_bytes());
    assert_eq!(
        verdict("moved", &made(&moved), "an arrival time moved"),
        "V2"
    );
    let mut alone = all;
    alone.retain(|name, _| !name.starts_with("log/heads/") && !name.starts_with("tsr/"));
    assert_eq!(verdict("alone", &made(&alone), "no witness"), "V6");
}
