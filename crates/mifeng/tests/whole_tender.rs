//! Whole tenders from log to dossier, in both suites and both usual policies, and what happens to
//! a dossier that somebody touches.

mod common;

use common::*;
use mifeng::crypto::{Entropy, GM, INTL, SeededEntropy, Suite};
use mifeng::{Error, Export, Report, Trusted, Verdict, verify};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};

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
    let start = std::time::Instant::now();
    for _ in 0..200 {
        let at = random(victim.bytes.len());
        victim.flip(at, 1 << random(8));
    }
    eprintln!("{name} {:?}", start.elapsed());
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

#[test]
fn every_byte_at_both_ends() {
    let victim = Victim::new("ends", dossier(&INTL, Kind::Board));
    let len = victim.bytes.len();
    let start = std::time::Instant::now();
    for at in (0..4_096).chain(len - 2_048..len) {
        victim.flip(at, 1);
    }
    eprintln!("ends {:?}", start.elapsed());
}
