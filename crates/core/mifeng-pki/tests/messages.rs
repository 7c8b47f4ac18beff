//! Signature messages: written, read, extended and bent.

mod common;

use common::der::Node;
use common::{SUITES, World, code, now, time};
use mifeng_crypto::{GM, INTL, Suite};
use mifeng_pki::cms::{
    self, Deviation, Draft, LongTermValues, Place, Profile as Form, SignedData, Strictness,
};
use mifeng_pki::issue::Profile;
use mifeng_pki::{Signer as _, SoftwareSigner};
use std::slice::from_ref;

const FORMS: [Form; 2] = [Form::Rfc5652, Form::Gbt35275];

/// Places inside a message: SignedData, the only SignerInfo, its signed attributes.
const SIGNED_DATA: [usize; 2] = [1, 0];
/// Of a detached message: version, digests, content, certificates, signers.
const INFO: [usize; 4] = [1, 0, 4, 0];

fn forms(suite: &Suite) -> &'static [Form] {
    match suite.id() {
        "gm-1" => &FORMS,
        _ => &FORMS[..1],
    }
}

fn signed(suite: &'static Suite, form: Form) -> (SoftwareSigner, Vec<u8>) {
    let signer = World::new(suite).signer(Profile::BidderSign, 10);
    let message = cms::sign_detached(&signer, b"content", now(), form).expect("signs");
    (signer, message)
}

fn field(der: &[u8], suite: &'static Suite) -> Result<Vec<Deviation>, &'static str> {
    let read = |der: &[u8]| {
        let message = SignedData::parse_field(der)?;
        message.verify_content(b"content", suite, Strictness::Field)
    };
    read(der).map(|s| s.deviations).map_err(|e| e.code())
}

/// Bends the message and says what our own reader and the field reader make of it.
fn bent(
    message: &[u8],
    suite: &'static Suite,
    bend: impl FnOnce(&mut Node),
) -> (
    Result<(), &'static str>,
    Result<Vec<Deviation>, &'static str>,
) {
    let mut tree = Node::parse(message);
    bend(&mut tree);
    let der = tree.der();
    (
        code(cms::verify_detached(&der, b"content", suite)),
        field(&der, suite),
    )
}

#[test]
fn the_content_inside_or_beside() {
    for suite in SUITES {
        let signer = World::new(suite).signer(Profile::BidderSign, 10);
        for form in forms(suite) {
            let message = cms::sign_attached(&signer, b"content", now(), *form).expect("signs");
            let read = SignedData::parse(&message).expect("reads");
            assert_eq!(read.content(), Some(&b"content"[..]));
            let signed = read.verify_attached(suite, Strictness::Own).expect("holds");
            assert_eq!(signed.signing_time, Some(now()));
            assert!(signed.binds_certificate && signed.deviations.is_empty());
            // Where detached content is asked for, content inside is refused.
            let refused = code(cms::verify_detached(&message, b"content", suite));
            assert_eq!(refused, Err("pki.message"));
            let other = read.verify_content(b"other", suite, Strictness::Own);
            assert_eq!(code(other), Err("pki.digest-mismatch"));
        }
    }
    let signer = World::new(&INTL).signer(Profile::BidderSign, 10);
    let refused = cms::sign_detached(&signer, b"x", now(), Form::Gbt35275);
    assert_eq!(code(refused), Err("pki.message"), "GB/T 35275 is SM2's");
}

/// Who reads the message and who checks it see the same content.
#[test]
fn content_inside_is_the_content_that_was_signed() {
    for suite in SUITES {
        let signer = World::new(suite).signer(Profile::BidderSign, 10);
        let message = cms::sign_attached(&signer, b"content", now(), Form::of(suite));
        let mut tree = Node::parse(&message.expect("signs"));
        let hash = |bytes: &[u8]| suite.hash().digest(bytes);
        let read = |tree: &Node| SignedData::parse(&tree.der()).expect("reads");
        let same = read(&tree);
        for strictness in [Strictness::Own, Strictness::Field] {
            let found = same.verify_content(b"content", suite, strictness);
            assert_eq!(code(found), Ok(()));
            let found = same.verify(&hash(b"content"), suite, strictness);
            assert_eq!(code(found), Ok(()));
        }
        *tree.at(&[1, 0, 2, 1, 0]) = Node::bytes(4, b"CONTENT");
        let other = read(&tree);
        assert_eq!(other.content(), Some(&b"CONTENT"[..]));
        let mismatch = Err("pki.digest-mismatch");
        for strictness in [Strictness::Own, Strictness::Field] {
            let found = other.verify_content(b"content", suite, strictness);
            assert_eq!(code(found), mismatch);
            let found = other.verify(&hash(b"content"), suite, strictness);
            assert_eq!(code(found), mismatch);
            let each = other.verify_each(Some(b"content"), suite, strictness);
            for found in each.expect("one result") {
                assert_eq!(code(found), mismatch);
            }
        }
    }
}

/// The signing-certificate attribute of the first version, and other hashes than the suite's, are
/// for messages of other products.
#[test]
fn own_messages_bind_by_the_hash_of_the_suite() {
    let sha1 = Node::nodes(0x30, vec![Node::bytes(6, &[0x2b, 14, 3, 2, 26])]);
    let sha256 = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let sha256 = Node::nodes(0x30, vec![Node::bytes(6, &sha256)]);
    for suite in SUITES {
        let (signer, message) = signed(suite, Form::of(suite));
        let chain = Node::parse(&message).at(&[1, 0, 3]).children().clone();
        let bind = |attribute: u8, alg: Option<&Node>, hash: &'static ring::digest::Algorithm| {
            let ids = chain.iter().map(|certificate| {
                let digest = ring::digest::digest(hash, &certificate.der());
                let digest = Node::bytes(4, digest.as_ref());
                Node::nodes(0x30, alg.into_iter().cloned().chain([digest]).collect())
            });
            let value = Node::nodes(0x30, vec![Node::nodes(0x30, ids.collect())]);
            let id = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2];
            let mut tree = Node::parse(&message);
            let set = tree.at(&[&INFO[..], &[3]].concat());
            let all = set.children();
            let own = all.iter().position(|a| a.value()[2..].starts_with(&id));
            let v2 = [&id[..], &[attribute]].concat();
            all[own.expect("v2")] = Node::nodes(
                0x30,
                vec![Node::bytes(6, &v2), Node::nodes(0x31, vec![value])],
            );
            all.sort_by_key(Node::der);
            let to_sign = Node::nodes(0x31, all.clone()).der();
            let signature = signer.sign(&to_sign).expect("signs");
            *tree.at(&[&INFO[..], &[5]].concat()) = Node::bytes(4, &signature);
            let der = tree.der();
            (
                code(cms::verify_detached(&der, b"content", suite)),
                field(&der, suite),
            )
        };
        let legacy = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let refused = (Err("pki.message"), Ok(vec![]));
        assert_eq!(bind(12, None, legacy), refused);
        assert_eq!(bind(47, Some(&sha1), legacy), refused);
        let by_sha256 = bind(47, Some(&sha256), &ring::digest::SHA256);
        match suite.id() {
            "gm-1" => assert_eq!(by_sha256, refused),
            _ => assert_eq!(by_sha256, (Ok(()), Ok(vec![]))),
        }
    }
}

#[test]
fn several_signers_side_by_side() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let people: Vec<_> = (10..13)
            .map(|n| world.signer(Profile::BidderSign, n))
            .collect();
        let all: Vec<&dyn mifeng_pki::Signer> = people.iter().map(|p| p as _).collect();
        let form = Form::of(suite);
        let message = cms::sign_all(&all, b"content", Place::Detached, now(), form).expect("signs");
        let read = SignedData::parse_field(&message).expect("reads");
        assert_eq!((read.signer_count(), read.certificates().len()), (3, 4));
        // Nobody binds the certificates of the others, as our own messages of one signer do.
        let each = read.verify_each(Some(b"content"), suite, Strictness::Field);
        let mut found: Vec<_> = each
            .expect("three results")
            .into_iter()
            .map(|signed| signed.expect("holds").certificate.serial_hex())
            .collect();
        found.sort();
        assert_eq!(found, ["0a", "0b", "0c"]);
        // Where one signature is asked for, three are none.
        assert_eq!(code(SignedData::parse(&message)), Err("pki.message"));
        let one = read.verify_content(b"content", suite, Strictness::Field);
        assert_eq!(code(one), Err("pki.message"));
        let each = read.verify_each(Some(b"other"), suite, Strictness::Field);
        for signed in each.expect("three results") {
            assert_eq!(code(signed), Err("pki.digest-mismatch"));
        }
        let twice = [all[0], all[0]];
        let refused = cms::sign_all(&twice, b"x", Place::Detached, now(), form);
        assert_eq!(code(refused), Err("pki.message"));
        let nobody = cms::sign_all(&[], b"x", Place::Detached, now(), form);
        assert_eq!(code(nobody), Err("pki.message"));
    }
}

#[test]
fn a_draft_is_signed_elsewhere() {
    for suite in SUITES {
        let (signer, message) = signed(suite, Form::of(suite));
        let draft = || {
            Draft::new(&signer, b"content", Place::Detached, now(), Form::of(suite)).expect("draft")
        };
        let signature = signer.sign(draft().to_sign()).expect("signs");
        // The same bytes as in one step.
        assert_eq!(draft().complete(&signature), Ok(message));
        let other = signer.sign(b"something else").expect("signs");
        assert_eq!(code(draft().complete(&other)), Err("pki.bad-signature"));
        assert_eq!(code(draft().complete(&[])), Err("pki.bad-signature"));
    }
}

#[test]
fn variants_of_the_field_are_taken_and_reported() {
    let (_, message) = signed(&GM, Form::Gbt35275);
    let info = |more: &[usize]| [&INFO[..], more].concat();
    let wrong = Err("pki.wrong-suite");
    // SM2-with-SM3 in GB/T 35275.
    let with_sm3 = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
    let found = bent(&message, &GM, |m| {
        *m.at(&info(&[4, 0])) = Node::bytes(6, &with_sm3);
    });
    assert_eq!(found, (wrong, Ok(vec![Deviation::SignatureIdentifier])));
    // The signature as r and s.
    let found = bent(&message, &GM, |m| {
        let signature = m.at(&info(&[5]));
        let mut rs = Node::parse(&signature.value());
        let mut raw = Vec::new();
        for n in rs.children() {
            let number = n.value();
            let digits = &number[number.len().saturating_sub(32)..];
            raw.extend(vec![0; 32 - digits.len()]);
            raw.extend(digits);
        }
        *signature = Node::bytes(4, &raw);
    });
    let own = Err("pki.bad-signature");
    assert_eq!(found, (own, Ok(vec![Deviation::RawSignature])));
    // NULL parameters of both kinds of algorithm.
    let found = bent(&message, &GM, |m| {
        for at in [&[1, 0, 1, 0][..], &info(&[2]), &info(&[4])] {
            m.at(at).children().push(Node::bytes(5, &[]));
        }
    });
    assert_eq!(found, (Ok(()), Ok(vec![Deviation::NullParameters])));
    // The data identifier of RFC 5652 inside, that of GB/T 35275 in the attribute.
    let data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let found = bent(&message, &GM, |m| {
        *m.at(&[1, 0, 2, 0]) = Node::bytes(6, &data);
    });
    let own = Err("pki.message");
    assert_eq!(found, (own, Ok(vec![Deviation::MixedDataTypes])));
    // BER of indefinite length is not for our own messages.
    let ber = Node::parse(&message).ber();
    assert_eq!(code(SignedData::parse(&ber)), Err("pki.malformed"));
    assert_eq!(field(&ber, &GM), Ok(vec![Deviation::Ber]));
    // A signer named by key identifier.
    let found = bent(&message, &GM, |m| {
        let (signer, _) = signed(&GM, Form::Gbt35275);
        let id = mifeng_crypto::HashAlg::Sha256;
        let id = id.digest(signer.certificate().public_key().raw());
        *m.at(&info(&[0])) = Node::bytes(2, &[3]);
        *m.at(&info(&[1])) = Node::bytes(0x80, &id.as_bytes()[..20]);
    });
    assert_eq!(found, (Err("pki.message"), Ok(vec![])));
}

#[test]
fn confusion_is_refused() {
    let message = |suite| signed(suite, Form::of(suite)).1;
    let (gm, intl) = (message(&GM), message(&INTL));
    assert_eq!(field(&gm, &INTL), Err("pki.wrong-suite"));
    assert_eq!(field(&intl, &GM), Err("pki.wrong-suite"));
    let oid = |m: &mut Node, at: &[usize], bytes: &[u8]| *m.at(at) = Node::bytes(6, bytes);
    let both =
        |found: (Result<(), &'static str>, Result<_, &'static str>)| (found.0.err(), found.1.err());
    let same = |code| (Some(code), Some(code));
    // A P-256 message under the identifier of GB/T 35275.
    let gm_signed = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 6, 1, 4, 2, 2];
    let found = bent(&intl, &INTL, |m| oid(m, &[0], &gm_signed));
    assert_eq!(both(found), same("pki.wrong-suite"));
    // Enveloped data, a time stamp's content, an unknown content.
    let enveloped = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 6, 1, 4, 2, 3];
    let found = bent(&gm, &GM, |m| oid(m, &[0], &enveloped));
    assert_eq!(both(found), same("pki.message"));
    let stamp = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
    let found = bent(&gm, &GM, |m| oid(m, &[1, 0, 2, 0], &stamp));
    assert_eq!(both(found), same("pki.message"));
    // SHA-256 and SHA-384 announced in place of what was used.
    let sha = |n| [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, n];
    for suite in SUITES {
        let of = message(suite);
        let found = bent(&of, suite, |m| oid(m, &[1, 0, 1, 0, 0], &sha(2)));
        assert_eq!(both(found), same("pki.message"), "announced only");
        let found = bent(&of, suite, |m| {
            oid(m, &[1, 0, 1, 0, 0], &sha(2));
            oid(m, &[1, 0, 4, 0, 2, 0], &sha(2));
        });
        assert_eq!(both(found), same("pki.wrong-suite"), "announced and used");
    }
    // ECDSA with SHA-384 on a P-256 key, RSA on it.
    for alg in [
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3][..],
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
    ] {
        let found = bent(&intl, &INTL, |m| oid(m, &[1, 0, 4, 0, 4, 0], alg));
        assert_eq!(both(found), same("pki.wrong-suite"));
    }
}

#[test]
fn attributes_missing_repeated_or_out_of_order() {
    for suite in SUITES {
        let (_, message) = signed(suite, Form::of(suite));
        let attributes = [&INFO[..], &[3]].concat();
        let count = Node::parse(&message).at(&attributes).children().len();
        assert_eq!(count, 4);
        let refused = |bend: &dyn Fn(&mut Vec<Node>)| {
            let found = bent(&message, suite, |m| bend(m.at(&attributes).children()));
            (found.0.err(), found.1.err())
        };
        for place in 0..count {
            // What was signed has changed with each; the rules are asked first.
            let (own, other) = refused(&|list| drop(list.remove(place)));
            assert!(own.is_some() && other.is_some(), "without {place}");
            let (own, _) = refused(&|list| list.insert(place, list[place].clone()));
            assert_eq!(own, Some("pki.message"), "twice {place}");
        }
        let (own, other) = refused(&|list| list.reverse());
        assert_eq!((own, other), (Some("pki.malformed"), Some("pki.malformed")));
        let none = bent(&message, suite, |m| {
            m.at(&INFO).children().remove(3);
        });
        assert_eq!(none.0, Err("pki.message"));
        assert_eq!(none.1.err(), Some("pki.bad-signature"));
        // Hundreds of them.
        let (own, _) = refused(&|list| {
            let first = list[0].clone();
            list.extend(vec![first; 500]);
        });
        assert!(own.is_some());
    }
}

/// A message whose signed attributes are presented as content has no second meaning.
#[test]
fn signed_attributes_are_no_content() {
    for suite in SUITES {
        let (_, message) = signed(suite, Form::of(suite));
        let mut tree = Node::parse(&message);
        let mut set = tree.at(&[&INFO[..], &[3]].concat()).clone();
        set.tag = 0x31;
        tree.at(&INFO).children().remove(3);
        let read = SignedData::parse_field(&tree.der()).expect("reads");
        let found = read.verify_content(&set.der(), suite, Strictness::Field);
        assert_eq!(code(found), Err("pki.message"));
    }
}

#[test]
fn what_comes_later_leaves_the_signature_as_it_was() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let signer = world.signer(Profile::BidderSign, 10);
        let (from, to) = (now(), time("2026-07-01T00:00:00Z"));
        let list = world.sub.revocation_list(&[], from, to, 7).expect("list");
        for form in forms(suite) {
            let message = cms::sign_detached(&signer, b"content", now(), *form).expect("signs");
            let with = cms::add_revocations(&message, from_ref(&list), &[]).expect("adds");
            // Twice is once.
            assert_eq!(
                cms::add_revocations(&with, from_ref(&list), &[]),
                Ok(with.clone())
            );
            assert!(cms::verify_detached(&with, b"content", suite).is_ok());
            let read = SignedData::parse_field(&with).expect("reads");
            assert_eq!(read.revocation_lists(), from_ref(&list));
            let basic = Node::nodes(0x30, vec![Node::nodes(0x30, vec![])]).der();
            let oid = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
            let typed = vec![Node::bytes(6, &oid), Node::bytes(4, &basic)];
            let response = Node::nodes(
                0x30,
                vec![
                    Node::bytes(10, &[0]),
                    Node::nodes(0xa0, vec![Node::nodes(0x30, typed)]),
                ],
            );
            let response = response.der();
            let both = cms::add_revocations(&with, &[], from_ref(&response));
            if *form == Form::Gbt35275 {
                assert_eq!(code(both), Err("pki.message"));
            } else {
                let both = both.expect("adds");
                let read = SignedData::parse_field(&both).expect("reads");
                assert_eq!(read.ocsp_responses(), from_ref(&response));
                assert_eq!(read.revocation_lists(), from_ref(&list));
                assert_eq!(Node::parse(&both).at(&[1, 0, 0]).value(), [5]);
                assert!(cms::verify_detached(&both, b"content", suite).is_ok());
            }
            let root = [world.root.certificate().clone()];
            let values = LongTermValues {
                certificates: &root,
                revocation_lists: from_ref(&list),
                ocsp_responses: from_ref(&response),
            };
            let long = cms::add_long_term_values(&message, 0, &values).expect("adds");
            let signed = cms::verify_detached(&long, b"content", suite).expect("holds");
            assert_eq!(signed.unsigned.certificates, [root[0].der().to_vec()]);
            assert_eq!(signed.unsigned.revocation_lists, from_ref(&list));
            assert_eq!(signed.unsigned.ocsp_responses, from_ref(&response));
            let again = cms::add_long_term_values(&long, 0, &values);
            assert_eq!(code(again), Err("pki.message"));
            let nobody = cms::add_long_term_values(&message, 1, &values);
            assert_eq!(code(nobody), Err("pki.message"));
            let no_list = cms::add_revocations(&message, &[vec![0x30, 0]], &[]);
            assert_eq!(code(no_list), Err("pki.malformed"));
        }
    }
}

#[test]
fn counter_signatures_are_counted_and_ignored() {
    let (_, message) = signed(&INTL, Form::Rfc5652);
    let mut tree = Node::parse(&message);
    let info = tree.at(&INFO).clone();
    let oid = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6];
    let other = Node::nodes(
        0x30,
        vec![Node::bytes(6, &[42, 3, 4]), Node::nodes(0x31, vec![])],
    );
    let counter = vec![
        Node::bytes(6, &oid),
        Node::nodes(0x31, vec![info.clone(), info]),
    ];
    let unsigned = Node::nodes(0xa1, vec![Node::nodes(0x30, counter), other]);
    tree.at(&INFO).children().push(unsigned);
    let signed = cms::verify_detached(&tree.der(), b"content", &INTL).expect("holds");
    assert_eq!(signed.unsigned.counter_signatures, 2);
    assert_eq!(signed.unsigned.ignored, ["1.2.3.4"]);
}

#[test]
fn hostile_sizes_end_early() {
    let (_, message) = signed(&INTL, Form::Rfc5652);
    let mut tree = Node::parse(&message);
    let signers = tree.at(&[1, 0, 4]).children();
    let one = signers[0].clone();
    signers.extend(vec![one; 9_999]);
    let many = tree.der();
    assert_eq!(code(SignedData::parse(&many)), Err("pki.too-large"));
    assert_eq!(code(SignedData::parse_field(&many)), Err("pki.too-large"));
    let mut tree = Node::parse(&message);
    let tiny = Node::nodes(0x30, vec![]);
    *tree.at(&[1, 0, 4]) = Node::nodes(0x31, vec![tiny; 100_000]);
    assert_eq!(
        code(SignedData::parse_field(&tree.der())),
        Err("pki.malformed")
    );
    let mut tree = Node::parse(&message);
    let certificates = tree.at(&[1, 0, 3]).children();
    let one = certificates[0].clone();
    certificates.extend(vec![one; 100]);
    assert_eq!(
        code(SignedData::parse_field(&tree.der())),
        Err("pki.too-large")
    );
    let deep = [[0x30, 0x80].repeat(50_000), vec![0; 100_000]].concat();
    assert_eq!(code(SignedData::parse_field(&deep)), Err("pki.malformed"));
    let large = vec![0x30; cms::FIELD_MESSAGE_LEN_MAX + 1];
    assert_eq!(code(SignedData::parse_field(&large)), Err("pki.too-large"));
    for n in 0..message.len() {
        assert!(SignedData::parse_field(&message[..n]).is_err(), "{n} bytes");
    }
    let longer = [&message[..], &[0]].concat();
    assert_eq!(code(SignedData::parse_field(&longer)), Err("pki.malformed"));
}

#[test]
fn signatures_have_one_encoding() {
    for suite in SUITES {
        let (_, message) = signed(suite, Form::of(suite));
        let place = [&INFO[..], &[5]].concat();
        let signature = Node::parse(&message).at(&place).value();
        let mut numbers = Node::parse(&signature);
        let padded = {
            let r = numbers.children();
            let value = [&[0][..], &r[0].value()].concat();
            r[0] = Node::bytes(2, &value);
            numbers.der()
        };
        let long_length = [&[0x30, 0x81][..], &signature[1..]].concat();
        let longer = [&signature[..], &[0]].concat();
        for bad in [
            padded,
            long_length,
            longer,
            Vec::new(),
            vec![0; 64],
            vec![0; 70],
        ] {
            let found = bent(&message, suite, |m| *m.at(&place) = Node::bytes(4, &bad));
            assert_eq!(found.0, Err("pki.bad-signature"), "{bad:02x?}");
            assert_eq!(found.1.err(), Some("pki.bad-signature"), "{bad:02x?}");
        }
    }
}

#[test]
fn places_are_what_the_tests_take_them_for() {
    let (signer, message) = signed(&GM, Form::Gbt35275);
    let mut tree = Node::parse(&message);
    assert_eq!(tree.der(), message);
    assert_eq!(tree.at(&SIGNED_DATA).children().len(), 5);
    assert_eq!(tree.at(&INFO).children().len(), 6);
    let serial = tree.at(&[&INFO[..], &[1, 1]].concat()).value();
    assert_eq!(serial, signer.certificate().serial_raw());
}
