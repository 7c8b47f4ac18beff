//! What a cheating bidder or host can write, with the code and the fault that each must get.

mod common;

use common::{Stage, World, assemble, base, body_of, cases, open_all, world};
use mifeng_crypto::{GM, INTL, SeededEntropy, Time};
use mifeng_envelope::*;
use mifeng_lock::{Policy, tdh2};
use std::io::{Cursor, Read};

#[test]
fn one_fault_each() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let all = cases::all(&w, &base);
        assert!(open_all(&w, &base.policy, &base.file, &all[0].shares).is_ok());
        for case in all {
            let found = open_all(&w, &base.policy, &case.file, &case.shares);
            let (stage, error) = found.expect_err(case.name);
            assert_eq!(
                (stage, error.code(), error.fault()),
                (case.stage, case.code, case.fault),
                "{}: {error}",
                case.name
            );
        }
    }
}

#[test]
fn equivocation_is_charged_to_the_bidder_whichever_quorum_opens() {
    let w = world(&INTL);
    let base = base(&w, Policy::joint(w.board.key()));
    let case = cases::all(&w, &base)
        .into_iter()
        .find(|case| case.name == "leaf-of-another-secret")
        .expect("a case");
    let boards = [&w.board];
    let tender = Tender {
        suite: w.suite,
        event: common::context(&w).tender_event,
        lots: &["1"],
        policy: &base.policy,
        boards: &boards,
    };
    let read = SealedFile::read(&mut Cursor::new(&case.file)).expect("sizes");
    let seal = read.record().verify(&tender).expect("nothing shows yet");
    let mut entropy = SeededEntropy::new(b"equivocation");
    let leaf = &seal.group_leaves()[0];
    for quorum in [&w.shares[..2], &w.shares[1..]] {
        let released: Vec<_> = quorum
            .iter()
            .map(|s| tdh2::release(&w.board, s, &leaf.ciphertext, &mut entropy).expect("share"))
            .collect();
        let share = tdh2::combine(&w.board, &leaf.ciphertext, &released).expect("quorum");
        let own = seal.bidder_leaf_share(&w.decrypter).expect("own leaf");
        let shares = [("r.1".to_owned(), own), (leaf.path.clone(), share)];
        let error = seal.recover(&shares, &boards).err().map(|e| e.fault());
        assert_eq!(error, Some(Some(Fault::Bidder)));
        let error = seal.recover(&shares[..1], &boards).err().map(|e| e.code());
        assert_eq!(error, Some("envelope.not-satisfied"));
    }
}

#[test]
fn cuts_at_every_boundary() {
    let w = world(&INTL);
    let base = base(&w, Policy::board(w.board.key()));
    let (h, b) = (base.record.header().len(), body_of(&base.file).len());
    let (t, s) = (base.record.trailer().len(), base.record.cms().len());
    let mut at = 0;
    for part in [
        8,
        4,
        h,
        8,
        24,
        32,
        16_400,
        b - 56 - 16_400,
        4,
        t,
        4,
        s,
        8,
        8,
    ] {
        for len in [at, at + 1, at + part - 1] {
            let (stage, error) =
                open_all(&w, &base.policy, &base.file[..len], &[]).expect_err("cut");
            assert_eq!(
                (stage, error.code()),
                (Stage::File, "envelope.length"),
                "{len}"
            );
            assert_eq!(error.fault(), None);
        }
        at += part;
    }
    assert_eq!(at, base.file.len());
    let bytes = base.record.to_bytes();
    for len in [
        0,
        3,
        4,
        4 + h,
        8 + h,
        8 + h + t,
        12 + h + t,
        bytes.len() - 1,
    ] {
        let error = SealRecord::parse(&bytes[..len]).expect_err("cut");
        assert_eq!(error.code(), "envelope.malformed", "{len}");
    }
}

#[test]
fn another_bidders_body_under_this_record() {
    let w = world(&INTL);
    let base = base(&w, Policy::bidder());
    let other = Context {
        nonce: mifeng_crypto::Digest::from_bytes([1; 32]),
        ..common::context(&w)
    };
    let (copy, _) = common::seal_for(&w, &base.policy, other, &[9; 32]);
    let file = assemble(&base.record, body_of(&copy));
    let shares = [("r".to_owned(), zeroize::Zeroizing::new(common::SIGMA))];
    let (stage, error) = open_all(&w, &base.policy, &file, &shares).expect_err("swapped");
    assert_eq!((stage, error.fault()), (Stage::Open, Some(Fault::Host)));
}

/// A file that has another size than it says.
struct Restless(&'static [u8]);

impl FileSource for Restless {
    fn path(&self) -> &str {
        "a.txt"
    }
    fn size(&self) -> u64 {
        3
    }
    fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0))
    }
}

fn seal_restless(w: &World, found: &'static [u8]) -> core::result::Result<Sealed, Error> {
    let context = common::context(w);
    let inputs = Inputs {
        suite: w.suite,
        policy: Policy::bidder().resolve(context.bidder_cert),
        context,
        boards: &[],
        chains: &[],
        encryption: &w.cert,
        signer: &w.signer,
        signing_time: Time::parse_rfc3339(common::SIGNING_TIME)?,
        files: vec![Box::new(Restless(found))],
        opening: Opening::default(),
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: 1,
    };
    seal_with_sigma(&inputs, &common::SIGMA, &mut Vec::new(), &mut |_| ())
}

#[test]
fn a_file_that_changes_while_it_is_sealed() {
    let w = world(&INTL);
    assert!(seal_restless(&w, b"one").is_ok());
    for found in [&b"on"[..], b"ones", b""] {
        let error = seal_restless(&w, found).err().expect("changed");
        assert_eq!(error, Error::FileChanged { index: 0 });
    }
}
