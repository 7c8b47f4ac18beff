//! Notes, checkpoints, witnesses and receipts: what is accepted, and that nothing else is.

use mifeng_crypto::{Digest, GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_log::{
    Batch, BatchPlace, Checkpoint, CosignVerifier, Entry, LogTree, Note, NoteSigner, NoteVerifier,
    Quorum, ReceiptProof, SignedCheckpoint, TlogProof, VerifierKey, Witness, WitnessState,
    commitment, merkle, seen_note, verify_seen,
};

const ORIGIN: &str = "bids.example.com/t/42";

fn key(alg: KeyAlg, seed: &str) -> PrivateKey {
    PrivateKey::generate(alg, &mut SeededEntropy::new(seed.as_bytes())).expect("a key")
}

fn at(seconds: i64) -> Time {
    Time::from_unix_seconds(1_768_900_000 + seconds)
}

/// Log and witness keys of each kind that a suite uses.
fn kinds() -> [(&'static Suite, KeyAlg, KeyAlg); 3] {
    [
        (&GM, KeyAlg::Sm2, KeyAlg::Sm2),
        (&INTL, KeyAlg::P256, KeyAlg::Ed25519),
        (&INTL, KeyAlg::Ed25519, KeyAlg::Ed25519),
    ]
}

/// A receipt with everything that verifies it.
struct World {
    suite: &'static Suite,
    log: NoteVerifier,
    quorum: Quorum,
    commitment: Digest,
    receipt: ReceiptProof,
}

impl World {
    fn new(
        (suite, log_alg, witness_alg): (&'static Suite, KeyAlg, KeyAlg),
        batched: bool,
    ) -> World {
        let (body, sig) = (suite.hash().digest(b"body"), suite.hash().digest(b"sig"));
        let record = commitment(suite, &body, &sig);
        let batch = Batch::build(suite, 3, &[9; 32], &[Digest::default(), record]).expect("fits");
        let position = batch.positions()[1];
        let place = BatchPlace {
            path: batch.path(position).expect("in range"),
            position,
        };
        let entry = if batched {
            batch.entry()
        } else {
            Entry::record(body, sig)
        };
        let mut tree = LogTree::new(suite, ORIGIN).expect("an origin");
        for n in 0..5u8 {
            tree.append(&Entry::record(Digest::from_bytes([n; 32]), body).to_bytes())
                .expect("small");
        }
        let index = tree.append(&entry.to_bytes()).expect("small");
        tree.append(b"later").expect("small");
        let log_key = key(log_alg, "log");
        let origin = LogTree::authoritative_origin(suite, ORIGIN);
        let signer = NoteSigner::new(&origin, &log_key).expect("a name");
        let mut note = tree.checkpoint().sign(&signer).expect("signed");
        let mut verifiers = Vec::new();
        for name in ["w1.example", "w2.example"] {
            let witness_key = key(witness_alg, name);
            let witness = Witness::new(name, &witness_key).expect("a name");
            let state = WitnessState::new(&origin, suite.hash());
            let text = note.to_text();
            let (line, _) = witness
                .cosign(
                    &state,
                    suite.hash(),
                    signer.verifier(),
                    text.as_bytes(),
                    &[],
                    at(0),
                )
                .expect("cosigned");
            note.add(line).expect("new");
            verifiers.push(witness.verifier().clone());
        }
        World {
            suite,
            log: signer.verifier().clone(),
            quorum: Quorum::new(verifiers, 2).expect("two"),
            commitment: record,
            receipt: ReceiptProof {
                entry,
                index,
                batch: batched.then_some(place),
                proof: tree
                    .tree()
                    .inclusion_proof(index, tree.size())
                    .expect("in range"),
                checkpoint: note,
            },
        }
    }

    fn accepts(&self, bytes: &[u8]) -> bool {
        ReceiptProof::parse(bytes)
            .and_then(|r| r.verify(self.suite, &self.log, &self.quorum, &self.commitment))
            .is_ok()
    }
}

#[test]
fn receipts_verify_and_no_byte_of_them_may_change() {
    for kind in kinds() {
        for batched in [true, false] {
            let world = World::new(kind, batched);
            let bytes = world.receipt.to_bytes().expect("small numbers");
            assert_eq!(ReceiptProof::parse(&bytes).as_ref(), Ok(&world.receipt));
            let proven = world
                .receipt
                .verify(world.suite, &world.log, &world.quorum, &world.commitment)
                .expect("proven");
            assert_eq!(
                (proven.index(), proven.size(), proven.cosigned().len()),
                (5, 7, 2)
            );
            assert!(proven.cosigned().iter().all(|(_, time)| *time == at(0)));
            for n in 0..bytes.len() {
                let mut other = bytes.clone();
                other[n] ^= 1 << (n % 7);
                assert!(!world.accepts(&other), "byte {n}");
            }
            for n in (0..bytes.len()).step_by(11) {
                assert!(!world.accepts(&bytes[..n]));
            }
            assert!(!world.accepts(&[&bytes[..], b"\n"].concat()));
        }
    }
}

#[test]
fn receipts_are_for_one_record_one_log_one_suite() {
    let world = World::new(kinds()[0], true);
    let code = |log: &NoteVerifier, quorum: &Quorum, record: &Digest| {
        let verified = world.receipt.verify(world.suite, log, quorum, record);
        verified.map_err(|e| e.code()).err()
    };
    let other_key = key(KeyAlg::Sm2, "other");
    let other_log = NoteSigner::new(world.log.name(), &other_key).expect("a name");
    let other_record = Digest::default();
    assert_eq!(code(&world.log, &world.quorum, &world.commitment), None);
    assert_eq!(
        code(&world.log, &world.quorum, &other_record),
        Some("log.not-proven")
    );
    assert_eq!(
        code(other_log.verifier(), &world.quorum, &world.commitment),
        Some("log.unsigned")
    );
    let more = [
        world.quorum.witnesses(),
        &[
            CosignVerifier::new("w3.example", other_key.public_key().expect("a key"))
                .expect("a name"),
        ],
    ]
    .concat();
    let two_of_three = Quorum::new(more.clone(), 2).expect("enough");
    assert_eq!(code(&world.log, &two_of_three, &world.commitment), None);
    let all_three = Quorum::new(more, 3).expect("enough");
    assert_eq!(
        code(&world.log, &all_three, &world.commitment),
        Some("log.quorum")
    );
    let intl = world
        .receipt
        .verify(&INTL, &world.log, &world.quorum, &world.commitment);
    assert!(intl.is_err());
    let single = World::new(kinds()[0], false);
    let mut mixed = single.receipt.clone();
    mixed.batch = world.receipt.batch.clone();
    let verified = mixed.verify(&GM, &single.log, &single.quorum, &single.commitment);
    assert_eq!(verified.map_err(|e| e.code()).err(), Some("log.entry-form"));
    let verified = single
        .receipt
        .verify(&GM, &single.log, &single.quorum, &other_record);
    assert_eq!(
        verified.map_err(|e| e.code()).err(),
        Some("log.wrong-record")
    );
}

#[test]
fn tlog_proofs_have_one_form() {
    let world = World::new(kinds()[2], true);
    let proof = world.receipt.to_tlog_proof().expect("small numbers");
    let text = proof.to_text();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    let entry = world.receipt.entry.to_bytes();
    let accepts = |bytes: &[u8]| {
        TlogProof::parse(bytes).is_ok_and(|p| {
            p.verify(HashAlg::Sha256, &world.log, &world.quorum, &entry)
                .is_ok()
        })
    };
    assert_eq!(TlogProof::parse(text.as_bytes()), Ok(proof.clone()));
    let without_extra = TlogProof {
        extra: None,
        ..proof
    };
    let text = without_extra.to_text();
    assert!(accepts(text.as_bytes()));
    for n in 0..text.len() {
        let mut other = text.clone().into_bytes();
        other[n] ^= 1 << (n % 7);
        assert!(!accepts(&other), "byte {n}");
    }
    assert!(!accepts(text.replace("index 5", "index 05").as_bytes()));
    assert!(!accepts(
        text.replace("@v1\n", "@v1\nextra \nextra \n").as_bytes()
    ));
}

#[test]
fn no_byte_of_a_checkpoint_may_change() {
    for (suite, log_alg, _) in kinds() {
        let log_key = key(log_alg, "log");
        let signer = NoteSigner::new(ORIGIN, &log_key).expect("a name");
        let root = merkle::empty_root(suite.hash());
        let head = Checkpoint::new(ORIGIN, 0, root).expect("an origin");
        let text = head.sign(&signer).expect("signed").to_text();
        let accepts = |bytes: &[u8]| SignedCheckpoint::verify(bytes, signer.verifier()).is_ok();
        assert!(accepts(text.as_bytes()));
        for n in 0..text.len() {
            for bit in 0..8 {
                let mut other = text.clone().into_bytes();
                other[n] ^= 1 << bit;
                assert!(!accepts(&other), "byte {n} bit {bit}");
            }
        }
        assert!(!accepts(format!("{text}\n").as_bytes()));
        let other = NoteSigner::new("other.example", &log_key).expect("a name");
        assert_eq!(head.sign(&other).map_err(|e| e.code()), Err("log.origin"));
        let mut note = head.to_note();
        other.sign(&mut note).expect("signed");
        let verified = SignedCheckpoint::verify(note.to_text().as_bytes(), other.verifier());
        assert_eq!(verified.map_err(|e| e.code()), Err("log.origin"));
    }
}

#[test]
fn checkpoint_texts_are_strict() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    assert!(Checkpoint::parse(&format!("a.example/x\n7\n{root}\n")).is_ok());
    for bad in [
        format!("a.example/x\n07\n{root}\n"),
        format!("a.example/x\n+7\n{root}\n"),
        format!("a.example/x\n7 \n{root}\n"),
        format!("a.example/x\n18446744073709551616\n{root}\n"),
        format!("a.example/x\n7\n{root}"),
        format!("a.example/x\n7\n{root}\n\n"),
        format!("a.example/x\n7\n{root}\nextension\n"),
        format!("\n7\n{root}\n"),
        format!("a example\n7\n{root}\n"),
        format!("a.example/x\n7\n{}\n", &root[..43]),
        format!("a.example/x\n7\n{}J=\n", &root[..42]),
        format!("a.example/x\n7\n{}\n", &root[..40]),
        "a.example/x\n7\n".to_owned(),
        String::new(),
    ] {
        assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn notes_are_strict() {
    let line = "— x.example AAAAAQI=\n";
    assert!(Note::parse(format!("text\n\n{line}").as_bytes()).is_ok());
    let in_text = Note::parse(format!("a\n\nb\n\n{line}").as_bytes()).expect("a note");
    assert_eq!(in_text.text(), "a\n\nb\n");
    for bad in [
        format!("text\n{line}"),
        "text\n\n".to_owned(),
        "text\n\n\n".to_owned(),
        format!("text\n\n{line}{line}"),
        format!("text\r\n\n{line}"),
        format!("text\n\n{line}\n"),
        format!("text\n\n{}", line.trim_end()),
        "text\n\n- x.example AAAAAQI=\n".to_owned(),
        "text\n\n—  AAAAAQI=\n".to_owned(),
        "text\n\n— x+y AAAAAQI=\n".to_owned(),
        "text\n\n— x\u{2003}y AAAAAQI=\n".to_owned(),
        "text\n\n— x.example AAAAAQJ=\n".to_owned(),
        "text\n\n— x.example AAAAAQI\n".to_owned(),
        "text\n\n— x.example AAAAAQ==\n".to_owned(),
        "text\n\n— x.example  AAAAAQI=\n".to_owned(),
        "text\n\n— x.example\n".to_owned(),
    ] {
        assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert!(Note::parse(b"\xff\n\n").is_err());
    assert!(Note::parse(&vec![b'a'; 200_000]).is_err());
    let lines = |count: usize| {
        (0..count).fold("text\n\n".to_owned(), |text, n| {
            text + &format!("— w{n}.example AAAAAQI=\n")
        })
    };
    assert!(Note::parse(lines(32).as_bytes()).is_ok());
    assert!(Note::parse(lines(33).as_bytes()).is_err());
}

#[test]
fn vkeys_have_one_form() {
    for alg in [KeyAlg::Sm2, KeyAlg::P256, KeyAlg::Ed25519] {
        let key = key(alg, "vkey").public_key().expect("a key");
        let log = NoteVerifier::new("x.example", key.clone()).expect("a name");
        let mut texts = vec![log.key().to_string()];
        assert_eq!(NoteVerifier::parse(&texts[0]).as_ref(), Ok(&log));
        assert!(CosignVerifier::parse(&texts[0]).is_err());
        match CosignVerifier::new("x.example", key) {
            Ok(witness) => {
                assert_ne!(witness.key().id(), log.key().id());
                texts.push(witness.key().to_string());
                assert_eq!(CosignVerifier::parse(&texts[1]).as_ref(), Ok(&witness));
                assert!(NoteVerifier::parse(&texts[1]).is_err());
            }
            Err(e) => assert_eq!((alg, e.code()), (KeyAlg::P256, "log.key-type")),
        }
        for text in texts {
            let known: VerifierKey = text.parse().expect("a vkey");
            for n in 0..text.len() {
                let mut other = text.clone().into_bytes();
                other[n] ^= 1;
                let other = String::from_utf8_lossy(&other).into_owned();
                // An ECDSA key id does not depend on the name, which may be any other name.
                if let Ok(read) = other.parse::<VerifierKey>() {
                    assert!(
                        alg == KeyAlg::P256 && read.name() != known.name(),
                        "{other}"
                    );
                }
            }
        }
    }
    for bad in [
        "",
        "x",
        "x+y",
        "x+00000000+",
        "x+00000000+AQ==",
        "+00000000+AQ==",
        "x+0+!",
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
}

#[test]
fn tokens_attach_signatures_made_elsewhere() {
    let log_key = key(KeyAlg::Sm2, "log");
    let log = NoteVerifier::new(ORIGIN, log_key.public_key().expect("a key")).expect("a name");
    let mut note = Checkpoint::new(ORIGIN, 1, Digest::default())
        .expect("an origin")
        .to_note();
    let signature = log_key.sign(note.text().as_bytes()).expect("signed");
    assert!(log.attach(&mut note, &signature[1..]).is_err());
    log.attach(&mut note, &signature).expect("verifies");
    assert!(log.attach(&mut note, &signature).is_err(), "signed already");
    assert!(log.verify(&note).is_ok());
    let witness =
        CosignVerifier::new("w.example", log_key.public_key().expect("a key")).expect("a name");
    let message = CosignVerifier::message(note.text(), at(7)).expect("after 1970");
    let signature = log_key.sign(&message).expect("signed");
    assert!(
        witness.attach(&note, at(8), &signature).is_err(),
        "another time"
    );
    note.add(witness.attach(&note, at(7), &signature).expect("verifies"))
        .expect("new");
    assert_eq!(witness.verify(&note), Ok(at(7)));
    assert!(CosignVerifier::message("x\n", Time::from_unix_seconds(-1)).is_err());
}

#[test]
fn witnesses_refuse_forks_rollbacks_and_bad_proofs() {
    for (suite, log_alg, witness_alg) in kinds() {
        let alg = suite.hash();
        let log_key = key(log_alg, "log");
        let signer = NoteSigner::new(ORIGIN, &log_key).expect("a name");
        let witness_key = key(witness_alg, "witness");
        let witness = Witness::new("w.example", &witness_key).expect("a name");
        let leaves: Vec<_> = (0..8u8).map(|n| merkle::leaf_hash(alg, &[n])).collect();
        let tree = merkle::Tree::from_leaves(alg, &leaves);
        let fork =
            merkle::Tree::from_leaves(alg, &leaves.iter().rev().copied().collect::<Vec<_>>());
        let head = |tree: &merkle::Tree, size| {
            let root = tree.root_at(size).expect("in range");
            Checkpoint::new(ORIGIN, size, root)
                .expect("an origin")
                .sign(&signer)
                .expect("signed")
                .to_text()
        };
        let cosign = |state: &WitnessState, note: &str, proof: &[Digest], now| {
            witness.cosign(state, alg, signer.verifier(), note.as_bytes(), proof, now)
        };
        let code = |state: &WitnessState, note: &str, proof: &[Digest], now| {
            cosign(state, note, proof, now).map_err(|e| e.code()).err()
        };
        let new = WitnessState::new(ORIGIN, alg);
        let (_, three) = cosign(&new, &head(&tree, 3), &[], at(0)).expect("first sight");
        assert_eq!((three.size(), three.time()), (3, at(0)));
        let proof = tree.consistency_proof(3, 8).expect("in range");
        let (line, eight) = cosign(&three, &head(&tree, 8), &proof, at(1)).expect("extends");
        assert_eq!(eight.root(), tree.root());
        let mut note = Note::parse(head(&tree, 8).as_bytes()).expect("a note");
        note.add(line).expect("new");
        assert_eq!(witness.verifier().verify(&note), Ok(at(1)));
        // The same head again, later, is fine; anything else is not.
        assert_eq!(code(&eight, &head(&tree, 8), &[], at(2)), None);
        assert_eq!(
            code(&eight, &head(&tree, 3), &[], at(2)),
            Some("log.rollback")
        );
        assert_eq!(code(&eight, &head(&fork, 8), &[], at(2)), Some("log.fork"));
        assert_eq!(
            code(&eight, &head(&tree, 8), &[], at(0)),
            Some("log.clock-back")
        );
        assert_eq!(
            code(&three, &head(&fork, 8), &proof, at(1)),
            Some("log.not-proven")
        );
        let fork_proof = fork.consistency_proof(3, 8).expect("in range");
        assert_eq!(
            code(&three, &head(&fork, 8), &fork_proof, at(1)),
            Some("log.not-proven")
        );
        assert!(code(&three, &head(&tree, 8), &[], at(1)).is_some());
        assert_eq!(
            code(&new, &head(&tree, 8), &proof, at(1)),
            Some("log.proof-length")
        );
        let other = WitnessState::new("other.example", alg);
        assert_eq!(
            code(&other, &head(&tree, 8), &[], at(1)),
            Some("log.origin")
        );
        let unsigned = head(&tree, 8).replacen(ORIGIN, "bids.example.com/t/43", 1);
        assert_eq!(code(&new, &unsigned, &[], at(1)), Some("log.bad-signature"));
        let json = serde_json::to_string(&eight).expect("JSON");
        assert_eq!(
            serde_json::from_str::<WitnessState>(&json).ok(),
            Some(eight)
        );
    }
}

#[test]
fn quorums_count_each_witness_once() {
    let (a, b) = (key(KeyAlg::Sm2, "a"), key(KeyAlg::Sm2, "b"));
    let named = |name, key: &PrivateKey| {
        CosignVerifier::new(name, key.public_key().expect("a key")).expect("a name")
    };
    assert!(Quorum::new(vec![named("a", &a), named("b", &b)], 2).is_ok());
    assert!(Quorum::new(vec![named("a", &a), named("a", &b)], 1).is_err());
    assert!(Quorum::new(vec![named("a", &a), named("b", &a)], 1).is_err());
    assert!(Quorum::new(vec![named("a", &a)], 2).is_err());
    assert_eq!(Quorum::none().needed(), 0);
    let p384 = NoteSigner::new("with space", &a).err().map(|e| e.code());
    assert_eq!(p384, Some("log.malformed"));
}

#[test]
fn seen_at_is_for_one_record_of_one_log_by_one_witness() {
    for (suite, _, alg) in kinds() {
        let (own, other) = (key(alg, "witness"), key(alg, "other witness"));
        let witness = Witness::new("witness.example.org", &own).expect("a witness");
        let stranger = Witness::new("witness.example.org", &other).expect("a witness");
        let record = suite.hash().digest(b"record");
        let note = witness.see(ORIGIN, &record, at(7)).expect("said");
        let text = note.to_text();
        let check = |text: &str, origin: &str, record: &Digest, by: &Witness<'_>| {
            verify_seen(text.as_bytes(), origin, record, by.verifier())
        };
        assert_eq!(
            check(&text, ORIGIN, &record, &witness).expect("holds"),
            at(7)
        );
        let codes = [
            check(&text, "bids.example.com/t/43", &record, &witness),
            check(&text, ORIGIN, &suite.hash().digest(b"another"), &witness),
            check(&text, ORIGIN, &record, &stranger),
        ]
        .map(|outcome| outcome.map_or_else(|e| e.code(), |_| "holds"));
        assert_eq!(codes, ["log.not-proven", "log.not-proven", "log.unsigned"]);
        // A byte anywhere, or another time: nothing holds.
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let by = witness.verifier();
            assert!(
                verify_seen(&bytes, ORIGIN, &record, by).is_err(),
                "byte {at}"
            );
        }
        // It can never pass for a head, nor a head for it.
        assert!(Checkpoint::parse(note.text()).is_err());
        assert!(seen_note("two\nlines", &record).is_err());
        assert!(seen_note("", &record).is_err());
    }
}
