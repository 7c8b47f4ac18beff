//! Sealing, checking and opening, and what is refused.

use mifeng_crypto::{
    Digest, Entropy, GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time,
};
use mifeng_envelope::*;
use mifeng_lock::{Board, Policy, dkg, tdh2};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Certificate, SoftwareDecrypter, SoftwareSigner};
use std::io::Cursor;
use zeroize::Zeroizing;

const USCC: &str = "91350100M000100Y43";

struct World {
    suite: &'static Suite,
    board: Board,
    shares: Vec<mifeng_lock::SecretShare>,
    cert: Certificate,
    signer: SoftwareSigner,
    decrypter: SoftwareDecrypter,
    entropy: SeededEntropy,
}

fn world(suite: &'static Suite) -> World {
    let mut entropy = SeededEntropy::new(b"envelope tests");
    let keys: Vec<_> = (0..3)
        .map(|_| dkg::StaticKey::generate(suite, &mut entropy).expect("key"))
        .collect();
    let publics = keys.iter().map(|k| k.public()).collect();
    let setup = dkg::Setup::new(suite, 2, publics, b"tender").expect("setup");
    let messages: Vec<_> = keys
        .iter()
        .map(|k| dkg::round1(&setup, k, &mut entropy).expect("round 1"))
        .collect();
    let transcript = dkg::Transcript::build(&setup, &messages).expect("transcript");
    let shares = keys
        .iter()
        .map(|k| transcript.share(k).expect("share"))
        .collect();
    let alg = if suite == &GM {
        KeyAlg::Sm2
    } else {
        KeyAlg::P256
    };
    let time = |text| Time::parse_rfc3339(text).expect("time");
    let validity = Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2030-01-01T00:00:00Z"),
    };
    let root = PrivateKey::generate(alg, &mut entropy).expect("key");
    let ca = CertificateAuthority::new_root(root, &Subject::named("Root"), validity, &[1])
        .expect("root");
    let key = PrivateKey::generate(alg, &mut entropy).expect("key");
    let subject = Subject {
        uscc: Some(USCC.to_owned()),
        ..Subject::named("Bidder")
    };
    let public = key.public_key().expect("public");
    let cert = ca
        .issue(&subject, &public, Profile::Single, validity, &[2])
        .expect("certificate");
    let again = PrivateKey::from_pkcs8_der(&key.to_pkcs8_der().expect("pkcs8")).expect("key");
    World {
        suite,
        board: transcript.board().clone(),
        shares,
        signer: SoftwareSigner::new(key, cert.clone(), Vec::new()).expect("pair"),
        decrypter: SoftwareDecrypter::new(again, cert.clone()).expect("pair"),
        cert,
        entropy,
    }
}

fn content() -> Vec<(String, Vec<u8>)> {
    let long = format!("技术/{}.pdf", "图".repeat(50));
    vec![
        (long, (0..300_000u32).map(|i| (i % 251) as u8).collect()),
        ("a/empty".to_owned(), Vec::new()),
        ("b.txt".to_owned(), b"hello".to_vec()),
        ("full.bin".to_owned(), vec![7; 1024]),
    ]
}

fn make(w: &mut World, policy: &Policy) -> (Vec<u8>, Sealed) {
    make_of(w, policy, content())
}

fn make_of(w: &mut World, policy: &Policy, content: Vec<(String, Vec<u8>)>) -> (Vec<u8>, Sealed) {
    let fingerprint = w.cert.fingerprint(w.suite.hash());
    let context = Context::new(
        w.suite,
        Digest::from_bytes([5; 32]),
        ("1", "all"),
        (USCC, fingerprint),
        &mut w.entropy,
    )
    .expect("context");
    let inputs = Inputs {
        suite: w.suite,
        context,
        policy: policy.resolve(fingerprint),
        boards: &[&w.board],
        chains: &[],
        encryption: &w.cert,
        signer: &w.signer,
        signing_time: Time::parse_rfc3339("2026-11-21T00:00:00Z").expect("time"),
        files: content
            .into_iter()
            .map(|(path, content)| Box::new(MemoryFile { path, content }) as Box<dyn FileSource>)
            .collect(),
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: "980000.00".to_owned(),
            price_cn: "玖拾捌万元整".to_owned(),
        },
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: 2,
    };
    let mut out = Vec::new();
    let sealed = seal(&inputs, &mut w.entropy, &mut out, &mut |_| ()).expect("seals");
    (out, sealed)
}

#[derive(Default)]
struct Keep(Vec<(String, Vec<u8>)>, bool);

impl PlainSink for Keep {
    fn begin_file(&mut self, path: &str, _: u64) -> std::io::Result<()> {
        self.0.push((path.to_owned(), Vec::new()));
        Ok(())
    }
    fn write(&mut self, data: &[u8]) -> std::io::Result<()> {
        self.0.last_mut().expect("begun").1.extend_from_slice(data);
        Ok(())
    }
    fn end_file(&mut self) -> std::io::Result<()> {
        Ok(())
    }
    fn finish(&mut self, _: &Manifest) -> std::io::Result<()> {
        self.1 = true;
        Ok(())
    }
}

fn leaf_shares(w: &mut World, seal: &VerifiedSeal) -> Vec<(String, Zeroizing<[u8; 32]>)> {
    let mut out = Vec::new();
    if let Some(path) = seal.bidder_leaf_path() {
        out.push((
            path,
            seal.bidder_leaf_share(&w.decrypter).expect("own leaf"),
        ));
    }
    for leaf in seal.group_leaves() {
        let shares: Vec<_> = w.shares[1..]
            .iter()
            .map(|s| tdh2::release(&w.board, s, &leaf.ciphertext, &mut w.entropy).expect("share"))
            .collect();
        let share = tdh2::combine(&w.board, &leaf.ciphertext, &shares).expect("quorum");
        out.push((leaf.path.clone(), share));
    }
    out
}

fn tender<'a>(w: &World, policy: &'a Policy, boards: &'a [&'a Board]) -> Tender<'a> {
    Tender {
        suite: w.suite,
        event: Digest::from_bytes([5; 32]),
        lots: &["1", "2"],
        policy,
        boards,
    }
}

#[test]
fn round_trips_in_both_suites_under_all_policies() {
    for suite in [&GM, &INTL] {
        let mut w = world(suite);
        let key = w.board.key();
        for policy in [Policy::board(key), Policy::joint(key), Policy::bidder()] {
            let (file, sealed) = make(&mut w, &policy);
            let board = w.board.clone();
            let facts = tender(&w, &policy, &[]);
            let boards = [&board];
            let facts = Tender {
                boards: &boards,
                ..facts
            };
            let read = SealedFile::read(&mut Cursor::new(&file)).expect("sizes");
            assert_eq!(
                SealRecord::parse(&sealed.record.to_bytes()),
                Ok(read.record().clone())
            );
            let seal = read.record().verify(&facts).expect("verifies");
            assert_eq!(seal.id(), sealed.id);
            check_body(&mut Cursor::new(&file), &seal).expect("root");
            let measured = measured(&file, &seal).expect("the file of its seal");
            assert_eq!(measured.len(), file.len() as u64);
            assert_eq!(*measured.sha256(), HashAlg::Sha256.digest(&file));
            let shares = leaf_shares(&mut w, &seal);
            let sigma = seal.recover(&shares, &boards).expect("sigma");
            let mut keep = Keep::default();
            let (manifest, _) =
                open_body(&mut Cursor::new(&file), &seal, &sigma, &mut keep).expect("opens");
            assert_eq!(manifest.opening.price, "980000.00");
            let mut expected = content();
            expected.sort();
            assert!(keep.1 && keep.0 == expected);
            let mut wrong = shares.clone();
            wrong[0].1[0] ^= 1;
            let fault = seal.recover(&wrong, &boards).err().expect("refused");
            assert!(fault.is_bidder_fault());
        }
    }
}

/// A file read before anybody knows its seal, held against the seal afterwards.
fn measured(file: &[u8], seal: &VerifiedSeal) -> Result<Measured> {
    let suite = Suite::by_id(&seal.context().suite).expect("known");
    let measured = Measured::read(&mut Cursor::new(file), suite.hash(), 2)?;
    measured.check(seal).map(|()| measured)
}

/// Read while it comes, a few bytes at a time: the rest is not there yet, and what comes is what counts.
#[test]
fn a_file_is_measured_while_it_comes() {
    for suite in [&INTL, &GM] {
        let mut w = world(suite);
        let policy = Policy::joint(w.board.key());
        let large = vec![("large".to_owned(), vec![7; 19 << 20])];
        let (file, sealed) = make_of(&mut w, &policy, large);
        let whole = Measured::read(&mut Cursor::new(&file), suite.hash(), 2).expect("read");
        assert_eq!(*whole.record(), sealed.record);
        assert_eq!(*whole.sha256(), HashAlg::Sha256.digest(&file));
        for step in [700_001, 1 << 20, 9_000_000, file.len()] {
            let mut measuring = Measuring::new(suite.hash());
            let mut there = vec![0; file.len()];
            for at in (0..file.len()).step_by(step) {
                let end = file.len().min(at + step);
                there[at..end].copy_from_slice(&file[at..end]);
                let mut reader = Cursor::new(&there);
                measuring.advance(&mut reader, end as u64, 2).expect("read");
                assert!(measuring.at() <= end as u64);
            }
            // All but the last, shorter block of the body, and what follows it.
            let at = measuring.at() as usize;
            assert!(at + (1 << 20) + 60_000 > file.len(), "{step}");
            let finish = |file: &[u8]| measuring.finish(&mut Cursor::new(file), 1);
            assert_eq!(finish(&there), Ok(whole.clone()));
            // What was read is not read again.
            there[at - 1] ^= 1;
            assert_eq!(finish(&there), Ok(whole.clone()));
            there[at] ^= 1;
            let changed = finish(&there).expect("read");
            assert_ne!(changed.sha256(), whole.sha256());
        }
    }
}

#[test]
fn flips_cuts_and_other_tenders_are_refused() {
    let mut w = world(&INTL);
    let policy = Policy::joint(w.board.key());
    let (file, sealed) = make(&mut w, &policy);
    let board = w.board.clone();
    let boards = [&board];
    let facts = tender(&w, &policy, &boards);
    let seal = sealed.record.verify(&facts).expect("verifies");
    let bytes = sealed.record.to_bytes();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        let found = SealRecord::parse(&bad).and_then(|r| r.verify(&facts).map(|_| ()));
        assert!(found.is_err(), "record byte {at}");
    }
    let shares = leaf_shares(&mut w, &seal);
    let sigma = seal.recover(&shares, &boards).expect("sigma");
    for at in (0..file.len())
        .step_by(9_973)
        .chain(file.len() - 300..file.len())
    {
        let mut bad = file.clone();
        bad[at] ^= 1;
        let no = check_body(&mut Cursor::new(&bad), &seal).err();
        assert!(no.is_some(), "byte {at}");
        assert_eq!(measured(&bad, &seal).err(), no, "byte {at}");
        let mut keep = Keep::default();
        let found = open_body(&mut Cursor::new(&bad), &seal, &sigma, &mut keep);
        assert!(
            found.is_err_and(|e| !e.is_bidder_fault()) && !keep.1,
            "byte {at}"
        );
    }
    // Every boundary of the form, and one byte to both sides of it.
    let (h, t, s) = (
        sealed.record.header().len(),
        sealed.record.trailer().len(),
        sealed.record.cms().len(),
    );
    let body = seal.body_len() as usize;
    let parts = [8, 4, h, 8, 24, 32, 16_400, body - 16_456, 4, t, 4, s, 8, 8];
    let mut end = 0;
    for part in parts {
        end += part;
        for len in [end - 1, end, end + 1] {
            if len < file.len() {
                let cut = SealedFile::read(&mut Cursor::new(&file[..len]));
                assert!(cut.is_err(), "cut to {len}");
                let mut moved = file[..len].to_vec();
                moved.resize(file.len(), 0);
                let zeros = moved == file;
                let found = check_body(&mut Cursor::new(&moved), &seal);
                assert!(zeros || found.is_err(), "zeros from {len}");
            }
        }
    }
    assert_eq!(end, file.len());
    let longer = [&file[..], &[0]].concat();
    assert!(SealedFile::read(&mut Cursor::new(&longer)).is_err());
    for other in [
        Tender {
            suite: &GM,
            ..facts
        },
        Tender {
            event: Digest::from_bytes([6; 32]),
            ..facts
        },
        Tender {
            lots: &["2"],
            ..facts
        },
        Tender {
            policy: &Policy::bidder(),
            ..facts
        },
    ] {
        let error = sealed.record.verify(&other).expect_err("refused");
        assert!(error.is_bound_elsewhere(), "{error}");
    }
    let mut random = [0; 32];
    w.entropy.fill(&mut random).expect("entropy");
    assert!(
        seal.rebuild(random, &boards)
            .err()
            .is_some_and(|e| e.is_bidder_fault())
    );
}

/// Side by side as one by one: what opens, to what, and what does not.
#[test]
fn many_in_memory_are_each_what_they_are_alone() {
    for suite in [&GM, &INTL] {
        let mut w = world(suite);
        let policy = Policy::board(w.board.key());
        let board = w.board.clone();
        let boards = [&board];
        let mut bids = Vec::new();
        for _ in 0..3 {
            let (file, sealed) = make(&mut w, &policy);
            let seal = sealed.record.verify(&tender(&w, &policy, &boards));
            let seal = seal.expect("verifies");
            let shares = leaf_shares(&mut w, &seal);
            let sigma = seal.recover(&shares, &boards).expect("sigma");
            bids.push((file, seal, sigma));
        }
        let body = bids[1].0.len() / 2;
        let flipped = |at: usize| {
            let mut file = bids[1].0.clone();
            file[at] ^= 1;
            file
        };
        // The file, the seal and the secret: of one bid, damaged, and of different bids.
        let cases = [
            (bids[0].0.clone(), 0, 0),
            (flipped(body), 1, 1),
            (flipped(9), 1, 1),
            (bids[1].0.clone(), 1, 1),
            (bids[0].0.clone(), 2, 2),
            (bids[2].0.clone(), 2, 0),
            (bids[2].0[..body].to_vec(), 2, 2),
            (Vec::new(), 2, 2),
            (bids[2].0.clone(), 2, 2),
        ];
        let alone: Vec<_> = cases
            .iter()
            .map(|(file, seal, sigma)| {
                let (seal, sigma) = (&bids[*seal].1, &bids[*sigma].2);
                open_body(&mut Cursor::new(file), seal, sigma, &mut NoSink)
            })
            .collect();
        assert_eq!(alone.iter().filter(|found| found.is_ok()).count(), 3);
        let mut memory = Memory::default();
        // Twice: the second time in memory that held other bids.
        for _ in 0..2 {
            let each = cases.iter().map(|(file, seal, sigma)| InMemory {
                file,
                seal: &bids[*seal].1,
                sigma: &bids[*sigma].2,
            });
            let together = check_many(suite.hash(), each.collect(), &mut memory);
            assert_eq!(together, alone);
        }
    }
}
