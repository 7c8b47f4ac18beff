//! How fast sealing, checking and opening are, in both suites:
//! `cargo run --release -p mifeng-envelope --example throughput -- [MB] [workers]`.
//!
//! Everything stays in memory, so this measures hashing and encryption, not disks.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{SIGMA, SIGNING_TIME, context, world};
use mifeng_crypto::{GM, INTL, Time};
use mifeng_envelope::*;
use mifeng_lock::Policy;
use std::io::Cursor;
use std::time::Instant;

fn main() {
    let mut args = std::env::args().skip(1);
    let mut number = |default| {
        args.next()
            .map_or(default, |a| a.parse().expect("a number"))
    };
    let (megabytes, workers) = (number(100), number(2));
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let boards = [&w.board];
        let notice = Policy::board(w.board.key());
        let content = vec![0x5a; megabytes * 1_000_000];
        let inputs = Inputs {
            suite,
            context: context(&w),
            policy: notice.clone(),
            boards: &boards,
            chains: &[],
            encryption: &w.cert,
            signer: &w.signer,
            signing_time: Time::parse_rfc3339(SIGNING_TIME).expect("time"),
            files: vec![Box::new(MemoryFile {
                path: "bid.pdf".to_owned(),
                content,
            })],
            opening: Opening::default(),
            declarations: Declarations::default(),
            detail: Vec::new(),
            workers,
        };
        let report = |what: &str, start: Instant| {
            let micros = start.elapsed().as_micros().max(1);
            let rate = megabytes as u128 * 1_000_000 / micros;
            println!("{} {what}: {rate} MB/s with {workers} workers", suite.id());
        };
        let mut file = Vec::with_capacity(megabytes * 1_130_000 + (2 << 20));
        let start = Instant::now();
        let sealed = seal_with_sigma(&inputs, &SIGMA, &mut file, &mut |_| ()).expect("seals");
        report("seal", start);
        let tender = Tender {
            suite,
            event: inputs.context.tender_event,
            lots: &["1"],
            policy: &notice,
            boards: &boards,
        };
        let seal = sealed.record.verify(&tender).expect("verifies");
        let start = Instant::now();
        check_body_with(&mut Cursor::new(&file), &seal, workers).expect("root");
        report("check", start);
        let sigma = seal.rebuild(SIGMA, &boards).expect("sigma");
        let start = Instant::now();
        open_body_with(&mut Cursor::new(&file), &seal, &sigma, &mut NoSink, workers)
            .expect("opens");
        report("open", start);
    }
}
