//! What a cheating bidder or host can write, with the code and the fault that each must get.

mod common;

use common::{Stage, World, assemble, base, body_of, cases, forge, open_all, world};
use mifeng_crypto::{GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Time, jcs};
use mifeng_envelope::body::{PREFIX, SEALED_CHUNK};
use mifeng_envelope::*;
use mifeng_lock::{Policy, sharing, tdh2};
use mifeng_pki::SoftwareDecrypter;
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
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

/// Every byte that is not inside a chunk, and one of each chunk at a place of its own.
#[test]
fn a_changed_byte_anywhere() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let policy = base.policy.resolve(w.cert.fingerprint(suite.hash()));
        let shares = sharing::deal(&policy, &common::SIGMA, &base.c, suite);
        assert!(open_all(&w, &base.policy, &base.file, &shares).is_ok());
        let body = 20 + base.record.header().len();
        let (first, end) = (body + PREFIX, body + body_of(&base.file).len());
        let in_chunks = (first..end)
            .step_by(SEALED_CHUNK)
            .enumerate()
            .map(|(nth, at)| (at + nth * 251 % SEALED_CHUNK).min(end - 1));
        let mut bent = base.file.clone();
        for at in (0..first).chain(in_chunks).chain(end..base.file.len()) {
            for bit in [1, 0x80] {
                bent[at] ^= bit;
                let (stage, error) =
                    open_all(&w, &base.policy, &bent, &shares).expect_err("changed");
                assert_ne!(error.fault(), Some(Fault::Bidder), "byte {at}: {error}");
                let inside = (body..end).contains(&at);
                assert_eq!(stage == Stage::Open, inside, "byte {at}: {error}");
                bent[at] ^= bit;
            }
        }
    }
}

#[test]
fn a_part_beyond_its_limit_is_refused_by_its_length_alone() {
    let w = world(&INTL);
    let base = base(&w, Policy::bidder());
    let (h, t) = (base.record.header(), base.record.trailer());
    let body = 20 + base.record.header().len();
    let trailer_at = body + body_of(&base.file).len();
    let places = [
        (8, 0, 32_768),
        (trailer_at, 4 + h.len(), 4_096),
        (trailer_at + 4 + t.len(), 8 + h.len() + t.len(), 16_384),
    ];
    let record = base.record.to_bytes();
    for (in_file, in_record, limit) in places {
        for (len, code) in [
            (0_u32, "envelope.malformed"),
            (limit + 1, "envelope.limit"),
            (u32::MAX, "envelope.limit"),
        ] {
            // Longer than the limit, so that its end is not what is missed.
            let mut bent = base.file.clone();
            bent[in_file..in_file + 4].copy_from_slice(&len.to_be_bytes());
            bent.resize(bent.len() + 40_000, 0);
            let read = SealedFile::read(&mut Cursor::new(&bent)).map(|_| ());
            assert_eq!(read.map_err(|e| e.code()), Err(code), "{in_file} {len}");
            let mut bent = record.clone();
            bent[in_record..in_record + 4].copy_from_slice(&len.to_be_bytes());
            bent.resize(bent.len() + 40_000, 0);
            let read = SealRecord::parse(&bent).map(|_| ());
            assert_eq!(read.map_err(|e| e.code()), Err(code), "{in_record} {len}");
        }
    }
    let part = |len: u32| vec![b'x'; len as usize];
    let [header, trailer, cms] = places.map(|(_, _, limit)| limit);
    let made = |h, t, s| {
        let made = SealRecord::new(part(h), part(t), part(s));
        made.map(|_| ()).map_err(|e| e.code())
    };
    assert_eq!(made(header, trailer, cms), Ok(()));
    for (h, t, s) in [
        (header + 1, trailer, cms),
        (header, trailer + 1, cms),
        (header, trailer, cms + 1),
    ] {
        assert_eq!(made(h, t, s), Err("envelope.limit"));
    }
}

/// The record of a seal whose header was edited, signed again by the bidder.
fn with_header(w: &World, base: &common::Base, edit: impl FnOnce(&mut Header)) -> SealRecord {
    let mut header = header_of(base);
    edit(&mut header);
    let header = jcs::to_vec(&header).expect("encodes");
    forge(w, &header, body_of(&base.file), |_| ())
}

#[test]
fn one_leaf_in_two_places() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let twice = with_header(&w, &base, |header| {
            header.leaves[1].ct = header.leaves[0].ct.clone();
        });
        let file = assemble(&twice, body_of(&base.file));
        let (stage, error) = open_all(&w, &base.policy, &file, &[]).expect_err("twice");
        assert_eq!(stage, Stage::Record);
        let what = "leaves: one ciphertext twice";
        assert_eq!(error, Error::Malformed { what });
        let more = with_header(&w, &base, |header| {
            header.leaves.push(header.leaves[0].clone());
        });
        let file = assemble(&more, body_of(&base.file));
        let (stage, error) = open_all(&w, &base.policy, &file, &[]).expect_err("one more");
        assert_eq!((stage, error.code()), (Stage::Record, "envelope.malformed"));
    }
}

#[test]
fn a_seal_for_another_lot_suite_or_policy() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let boards = [&w.board];
        let right = Tender {
            suite,
            event: common::context(&w).tender_event,
            lots: &["1"],
            policy: &base.policy,
            boards: &boards,
        };
        assert!(base.record.verify(&right).is_ok());
        let (other, alone) = (if suite == &GM { &INTL } else { &GM }, Policy::bidder());
        for wrong in [
            Tender {
                lots: &["2"],
                ..right
            },
            Tender {
                suite: other,
                ..right
            },
            Tender {
                policy: &alone,
                ..right
            },
        ] {
            let error = base.record.verify(&wrong).expect_err("of another tender");
            assert!(error.is_bound_elsewhere(), "{error}");
            assert_eq!(error.code(), "envelope.mismatch");
        }
    }
}

/// Whoever is not the recipient, and whatever was done to the leaf, the answer is one and the same.
#[test]
fn a_leaf_that_is_not_ours_does_not_say_why() {
    for (suite, alg) in [(&GM, KeyAlg::Sm2), (&INTL, KeyAlg::P256)] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let boards = [&w.board];
        let tender = Tender {
            suite,
            event: common::context(&w).tender_event,
            lots: &["1"],
            policy: &base.policy,
            boards: &boards,
        };
        let mut entropy = SeededEntropy::new(b"stranger");
        let mut generate = || PrivateKey::generate(alg, &mut entropy).expect("key");
        let time = |text| Time::parse_rfc3339(text).expect("time");
        let validity = Validity {
            not_before: time("2026-01-01T00:00:00Z"),
            not_after: time("2030-01-01T00:00:00Z"),
        };
        let root = Subject::named("Root");
        let ca = CertificateAuthority::new_root(generate(), &root, validity, &[1]).expect("root");
        let key = generate();
        let public = key.public_key().expect("public");
        let cert = ca
            .issue(
                &Subject::named("Stranger"),
                &public,
                Profile::Single,
                validity,
                &[2],
            )
            .expect("certificate");
        let stranger = SoftwareDecrypter::new(key, cert).expect("pair");
        let seal = base.record.verify(&tender).expect("verifies");
        let own = seal.bidder_leaf_share(&w.decrypter).expect("own leaf");
        let found = seal.bidder_leaf_share(&stranger).map(|_| ());
        assert_eq!(found, Err(Error::NotOurLeaf));
        // The last 32 bytes are the share under a one-time pad: they open to another share, and the
        // rebuilt header tells.
        let len = hex::decode(&header_of(&base).leaves[0].ct)
            .expect("hex")
            .len();
        for at in (0..len).step_by(3).chain(len - 40..len) {
            let bent = with_header(&w, &base, |header| {
                let mut ct = hex::decode(&header.leaves[0].ct).expect("hex");
                ct[at] ^= 1;
                header.leaves[0].ct = hex::encode(ct);
            });
            let seal = bent.verify(&tender).expect("shows to the recipient only");
            match seal.bidder_leaf_share(&w.decrypter) {
                Err(error) => assert_eq!(error, Error::NotOurLeaf, "byte {at}"),
                Ok(share) => assert!(share[..] != own[..] && at + 32 >= len, "byte {at}"),
            }
        }
    }
}

fn header_of(base: &common::Base) -> Header {
    serde_json::from_slice(base.record.header()).expect("JSON")
}

/// Honest seals and all that cheat, side by side: each is judged as if it were alone.
#[test]
fn many_are_judged_as_one_alone() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let base = base(&w, Policy::joint(w.board.key()));
        let boards = [&w.board];
        let tender = Tender {
            suite: w.suite,
            event: common::context(&w).tender_event,
            lots: &["1"],
            policy: &base.policy,
            boards: &boards,
        };
        let mut records = Vec::new();
        for case in cases::all(&w, &base) {
            for file in [&base.file, &case.file] {
                let read = SealedFile::read(&mut Cursor::new(file));
                records.extend(read.ok().map(|read| read.record().clone()));
            }
        }
        let all: Vec<&SealRecord> = records.iter().collect();
        let seen = mifeng_pki::cms::Seen::default();
        let found = SealRecord::verify_each(&all, &tender, &[], &seen);
        assert_eq!(found.len(), all.len());
        let (mut good, mut bad) = (0, 0);
        for (found, record) in found.iter().zip(&all) {
            match (found, record.verify(&tender)) {
                (Ok(found), Ok(alone)) => {
                    assert_eq!(found.id(), alone.id());
                    assert_eq!(found.group_leaves(), alone.group_leaves());
                    good += 1;
                }
                (Err(found), Err(alone)) => {
                    assert_eq!(found.to_string(), alone.to_string());
                    bad += 1;
                }
                (found, alone) => unreachable!("{:?}, alone {:?}", found.is_ok(), alone.is_ok()),
            }
        }
        assert!(good > 8 && bad > 3, "{good} hold, {bad} do not");
    }
}
