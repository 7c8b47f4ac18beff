//! This program run as a child: seals files so that its own time and memory can be measured.

use benches::world::{People, USCC, now};
use mifeng_crypto::{Digest, GM, INTL, SeededEntropy, Suite};
use mifeng_envelope::{Context, Declarations, FileSource, Inputs, Opening, seal_with_sigma};
use mifeng_lock::Policy;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

/// The word before a child's arguments: suite, threads, where to, files.
pub(crate) const FLAG: &str = "--child-seals";
const SIGMA: [u8; 32] = *b"sigma: thirty-two bytes, no more";

struct Disk {
    disk: PathBuf,
    path: String,
    size: u64,
}

impl FileSource for Disk {
    fn path(&self) -> &str {
        &self.path
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.disk)?))
    }
}

/// A command that seals `files` into `out`.
pub(crate) fn command(suite: &Suite, threads: usize, out: &str, files: &[PathBuf]) -> Command {
    let own = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(own);
    command.args([FLAG, suite.id(), &threads.to_string(), out]);
    command.args(files);
    command
}

/// What the child does.
pub(crate) fn seal(words: &[String]) {
    let (own, files) = words.split_at(words.len().min(3));
    let [suite, threads, out] = <&[String; 3]>::try_from(own).expect("suite, threads, where to");
    let suite = if *suite == GM.id() { &GM } else { &INTL };
    let people = People::new(suite);
    let own = people.cert.fingerprint(suite.hash());
    let mut entropy = SeededEntropy::new(b"bench child");
    let event = Digest::from_bytes([5; 32]);
    let context = Context::new(suite, event, ("1", "whole"), (USCC, own), &mut entropy);
    let source = |(at, disk): (usize, &String)| {
        let size = std::fs::metadata(disk).expect("a file").len();
        Box::new(Disk {
            disk: disk.into(),
            path: format!("{at:04}.bin"),
            size,
        }) as Box<dyn FileSource>
    };
    let inputs = Inputs {
        suite,
        context: context.expect("context"),
        policy: Policy::bidder().resolve(own),
        boards: &[],
        chains: &[],
        encryption: &people.cert,
        signer: &people.signer,
        signing_time: now(),
        files: files.iter().enumerate().map(source).collect(),
        opening: Opening::default(),
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: threads.parse().expect("a number"),
    };
    let mut out = File::create(out).expect("a file to write");
    seal_with_sigma(&inputs, &SIGMA, &mut out, &mut |_| ()).expect("seals");
}
