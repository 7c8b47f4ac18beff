//! Flips every byte of a dossier, one at a time, and asks the verifier each time: whatever it does
//! not notice is a free byte.

use mifeng::crypto::cores;
use mifeng::{Tar, Trusted};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Flips of one turn of a worker.
const TURN: usize = 64;

/// What the verifier said of all flips.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Flips {
    /// Bytes flipped.
    pub flipped: usize,
    /// How many flips failed which check with which code.
    pub failed: BTreeMap<(String, String), usize>,
    /// Offsets of flips after which the dossier still was valid, or the verifier broke down.
    pub undetected: Vec<usize>,
}

impl Flips {
    fn add(&mut self, at: usize, found: Option<(String, String)>) {
        self.flipped += 1;
        match found {
            Some(check) => *self.failed.entry(check).or_default() += 1,
            None => self.undetected.push(at),
        }
    }

    fn join(&mut self, other: Flips) {
        self.flipped += other.flipped;
        for (check, count) in other.failed {
            *self.failed.entry(check).or_default() += count;
        }
        self.undetected.extend(other.undetected);
        self.undetected.sort_unstable();
    }
}

/// The check that fails, and its code; `None` if all pass.
///
/// # Panics
/// If the verifier says *unavailable*, which a dossier in memory never is.
pub fn failed_check(tar: impl Into<Arc<[u8]>>) -> Option<(String, String)> {
    let files = match Tar::of_bytes(tar) {
        Ok(files) => files,
        Err(e) => return Some(("V1".to_owned(), e.code().to_owned())),
    };
    let report = mifeng::verify(&files, &Trusted::default()).expect("in memory");
    let failure = report.failure()?;
    let code = failure.code.clone().unwrap_or_default();
    Some((failure.id.to_owned(), code))
}

/// Flips all bits of every `step`th byte, on all cores.
///
/// # Panics
/// If the dossier is not valid as it is.
pub fn flip_every_byte(dossier: &[u8], step: usize) -> Flips {
    let before = failed_check(dossier);
    assert!(before.is_none(), "not valid as it is: {before:?}");
    let step = step.max(1);
    let next = AtomicUsize::new(0);
    let mut all = Flips::default();
    for found in cores::run(cores::count(), || worker(dossier, step, &next)) {
        all.join(found);
    }
    all
}

fn worker(dossier: &[u8], step: usize, next: &AtomicUsize) -> Flips {
    let mut own = Flips::default();
    loop {
        let turn = next.fetch_add(TURN, Ordering::Relaxed);
        let places = (turn..turn + TURN).map(|n| n * step);
        let places: Vec<usize> = places.take_while(|at| *at < dossier.len()).collect();
        if places.is_empty() {
            return own;
        }
        for at in places {
            let mut bytes = dossier.to_vec();
            bytes[at] ^= 0xff;
            let found = catch_unwind(AssertUnwindSafe(|| failed_check(bytes)));
            own.add(at, found.unwrap_or(None));
        }
    }
}

/// The name of the file in which a byte of a tar stands, for the report.
pub fn place(dossier: &[u8], at: usize) -> String {
    let mut start = 0;
    while let Some(header) = dossier.get(start..start + 512) {
        let text = |part: &[u8]| {
            let part = part.split(|b| *b == 0).next().unwrap_or_default();
            String::from_utf8_lossy(part).into_owned()
        };
        let size = usize::from_str_radix(&text(&header[124..136]), 8).unwrap_or(0);
        let end = start + 512 + size.next_multiple_of(512);
        if at < end && header[0] != 0 {
            return match at - start {
                inside @ 0..512 => format!("{}: header byte {inside}", text(&header[..100])),
                inside => format!("{}: byte {}", text(&header[..100]), inside - 512),
            };
        }
        if header[0] == 0 {
            break;
        }
        start = end;
    }
    format!("byte {at}")
}
