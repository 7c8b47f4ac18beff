//! Time stamps: asked, answered, refused, put beside signatures.

mod common;

use common::der::Node;
use common::{SUITES, World, code, now, time};
use core::cmp::Ordering;
use mifeng_crypto::{GM, HashAlg, INTL};
use mifeng_pki::cms::{self, DigestAlg, Profile as Form, SignedData};
use mifeng_pki::issue::Profile;
use mifeng_pki::tsp::{
    self, Accuracy, ClockPolicy, Failure, Imprint, Request, Response, TimeStamp,
    TimeStampAuthority, TokenCheck, check_token,
};

const POLICY: &str = "1.3.6.1.4.1.32473.1";

fn imprint(alg: HashAlg) -> Imprint {
    Imprint::new(alg.digest(b"stamped"), alg)
}

fn answered(der: &[u8]) -> Result<Vec<u8>, Option<Failure>> {
    let response = Response::parse(der).expect("an answer");
    assert_eq!(response.is_granted(), response.token().is_some());
    let failure = response.failure();
    response.into_token().map_err(|_| failure)
}

#[test]
fn an_authority_answers_every_request() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let signer = world.signer(Profile::TimeStamping, 10);
        let authority = TimeStampAuthority::new(&signer, POLICY)
            .expect("authority")
            .with_accuracy(Accuracy::from_micros(1_002_003))
            .with_ordering();
        let ask = Request::for_imprint(imprint(suite.hash()))
            .with_nonce(&[0xff; 20])
            .and_then(|r| r.with_policy(POLICY))
            .expect("request");
        let der = ask.to_der();
        assert_eq!(Request::parse(&der), Ok(ask.clone()));
        let answer = authority.answer(&der, 7, now());
        assert_eq!(answer.outcome, Ok(ask.clone()));
        let token = answered(&answer.der).expect("granted");
        let (anchors, of) = (world.anchors(), imprint(suite.hash()));
        let mut check = TokenCheck::new(&of, &anchors, suite);
        check.nonce = ask.nonce();
        check.policies = &[POLICY];
        check.now = Some(now());
        let stamp = check_token(&token, &check).expect("holds");
        assert_eq!(stamp.gen_time, now());
        assert_eq!(stamp.accuracy, Some(Accuracy::from_micros(1_002_003)));
        assert!(stamp.ordering && stamp.deviations.is_empty());
        assert_eq!((&stamp.serial[..], &stamp.policy[..]), ("07", POLICY));
        let refused = |change: &dyn Fn(&mut TokenCheck<'_>)| {
            let mut other = check.clone();
            change(&mut other);
            code(check_token(&token, &other))
        };
        let rule = Err("pki.time-stamp");
        assert_eq!(refused(&|c| c.nonce = Some(&[1])), rule);
        assert_eq!(refused(&|c| c.policies = &["1.2.3"]), rule);
        assert_eq!(
            refused(&|c| c.now = Some(time("2026-06-01T07:00:00Z"))),
            rule
        );
        let strict = ClockPolicy {
            accuracy_max: Some(Accuracy::from_millis(1_002)),
            ..ClockPolicy::default()
        };
        assert_eq!(refused(&|c| c.clock = strict), rule);
        // Without its certificate the token needs it from elsewhere.
        let bare = authority.stamp(&ask.clone().without_certificate(), 8, now());
        let bare = bare.expect("stamps");
        assert_eq!(code(check_token(&bare, &check)), Err("pki.message"));
        let people = [
            mifeng_pki::Signer::certificate(&signer).clone(),
            world.sub.certificate().clone(),
        ];
        let mut with = check.clone();
        with.material.intermediates = &people;
        assert!(check_token(&bare, &with).is_ok());
    }
}

#[test]
fn refusals_say_why() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let signer = world.signer(Profile::TimeStamping, 10);
        let authority = TimeStampAuthority::new(&signer, POLICY).expect("authority");
        let refused = |der: &[u8]| {
            let answer = authority.answer(der, 1, now());
            assert!(answer.outcome.is_err());
            assert_eq!(
                code(tsp::unwrap_response(&answer.der)),
                Err("pki.time-stamp")
            );
            answered(&answer.der).expect_err("refused")
        };
        let ask = Request::for_imprint(imprint(suite.hash()));
        let other = match suite.hash() {
            HashAlg::Sm3 => HashAlg::Sha256,
            HashAlg::Sha256 => HashAlg::Sm3,
        };
        let foreign = Request::for_imprint(imprint(other)).to_der();
        assert_eq!(refused(&foreign), Some(Failure::BadAlgorithm));
        let policy = ask.clone().with_policy("1.2.3").expect("policy").to_der();
        assert_eq!(refused(&policy), Some(Failure::UnacceptedPolicy));
        let der = ask.to_der();
        for n in 0..der.len() {
            assert_eq!(
                refused(&der[..n]),
                Some(Failure::BadDataFormat),
                "{n} bytes"
            );
        }
        let longer = [&der[..], &[0]].concat();
        assert_eq!(refused(&longer), Some(Failure::BadDataFormat));
        let bent = |bend: &dyn Fn(&mut Vec<Node>)| {
            let mut tree = Node::parse(&der);
            bend(tree.children());
            refused(&tree.der())
        };
        let extension = Node::nodes(0xa0, vec![Node::nodes(0x30, vec![])]);
        let found = bent(&|fields| fields.push(extension.clone()));
        assert_eq!(found, Some(Failure::UnacceptedExtension));
        let found = bent(&|fields| fields[0] = Node::bytes(2, &[2]));
        assert_eq!(found, Some(Failure::BadRequest));
        // SHA-1, and a hash of the wrong length.
        let sha1 = Node::bytes(6, &[0x2b, 0x0e, 3, 2, 0x1a]);
        let found = bent(&|fields| fields[1].children()[0].children()[0] = sha1.clone());
        assert_eq!(found, Some(Failure::BadAlgorithm));
        let found = bent(&|fields| fields[1].children()[1] = Node::bytes(4, &[0; 31]));
        assert_eq!(found, Some(Failure::BadDataFormat));
        let large = vec![0x30; 100_000];
        assert_eq!(refused(&large), Some(Failure::BadDataFormat));
    }
    let nonce = Request::for_imprint(imprint(HashAlg::Sm3)).with_nonce(&[1; 33]);
    assert_eq!(code(nonce), Err("pki.too-large"));
}

#[test]
fn only_time_stamping_certificates_make_an_authority() {
    let mut world = World::new(&GM);
    for profile in [Profile::BidderSign, Profile::Single] {
        let signer = world.signer(profile, 10);
        let refused = TimeStampAuthority::new(&signer, POLICY);
        assert_eq!(code(refused), Err("pki.key-usage"));
    }
    let signer = world.signer(Profile::TimeStamping, 10);
    let refused = TimeStampAuthority::new(&signer, "not a policy");
    assert_eq!(code(refused), Err("pki.malformed"));
}

/// A token by a certificate for signing, with everything else right.
#[test]
fn tokens_of_other_certificates_are_refused() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let (anchors, of) = (world.anchors(), imprint(suite.hash()));
        let check = TokenCheck::new(&of, &anchors, suite);
        let tsa = world.signer(Profile::TimeStamping, 10);
        let bidder = world.signer(Profile::BidderSign, 11);
        let request = Request::for_imprint(of.clone());
        let token = tsp::respond(&tsa, POLICY, 1, now(), &request).expect("stamps");
        let info = SignedData::parse_field(&token).expect("reads");
        let info = info.content().expect("inside").to_vec();
        // The same TSTInfo signed as data, and detached.
        for place in [cms::Place::Attached, cms::Place::Detached] {
            let message = cms::sign_all(&[&bidder], &info, place, now(), Form::Rfc5652);
            let found = check_token(&message.expect("signs"), &check);
            assert_eq!(code(found), Err("pki.time-stamp"));
        }
        // The signer's certificate replaced: the attribute names another.
        let mut tree = Node::parse(&token);
        let other = Node::parse(mifeng_pki::Signer::certificate(&bidder).der());
        tree.at(&[1, 0, 3]).children().push(other);
        let injected = check_token(&tree.der(), &check).expect("unused certificates harm nobody");
        assert_eq!(injected.authority, *mifeng_pki::Signer::certificate(&tsa));
        for n in 0..token.len() {
            assert!(check_token(&token[..n], &check).is_err(), "{n} bytes");
        }
        for at in 0..token.len() {
            let mut bad = token.clone();
            bad[at] ^= 0x20;
            if let Ok(stamp) = check_token(&bad, &check) {
                // Only what nobody signs may differ: the set of certificates beside the signer's,
                // and identifiers that mean the same in either standard.
                assert_eq!(stamp.gen_time, now(), "byte {at}");
                assert_eq!(stamp.authority, *mifeng_pki::Signer::certificate(&tsa));
            }
        }
    }
}

#[test]
fn clocks() {
    let mut world = World::new(&INTL);
    let signer = world.signer(Profile::TimeStamping, 10);
    let (anchors, of) = (world.anchors(), imprint(HashAlg::Sha256));
    let stamp = |ordering: bool, millis: Option<u32>, at: i64| -> TimeStamp {
        let mut authority = TimeStampAuthority::new(&signer, POLICY).expect("authority");
        if let Some(millis) = millis {
            authority = authority.with_accuracy(Accuracy::from_millis(millis));
        }
        if ordering {
            authority = authority.with_ordering();
        }
        let request = Request::for_imprint(of.clone());
        let token = authority.stamp(&request, 1, now().plus_millis(at));
        let check = TokenCheck::new(&of, &anchors, &INTL);
        check_token(&token.expect("stamps"), &check).expect("holds")
    };
    let clock = ClockPolicy::default();
    // No accuracy stated: a second to either side.
    let (a, b, c) = (
        stamp(false, None, 0),
        stamp(false, None, 2_000),
        stamp(false, None, 2_001),
    );
    assert_eq!(clock.order(&a, &b), None);
    assert_eq!(clock.order(&a, &c), Some(Ordering::Less));
    assert_eq!(clock.order(&c, &a), Some(Ordering::Greater));
    let (a, b) = (stamp(true, Some(500), 0), stamp(true, Some(500), 1));
    assert_eq!(clock.order(&a, &b), Some(Ordering::Less));
    assert_eq!(clock.order(&a, &a), None);
    let ordered = ClockPolicy {
        ordering_required: true,
        ..clock
    };
    assert!(ordered.check(&a, None).is_ok());
    assert_eq!(code(ordered.check(&c, None)), Err("pki.time-stamp"));
    // Ahead of the verifier: skew and accuracy are both granted, and not a nanosecond more.
    let edge = now().plus_millis(-300_000 - 500);
    assert!(clock.check(&a, Some(edge)).is_ok());
    let beyond = mifeng_crypto::Time::from_unix_nanos(edge.as_unix_nanos() - 1);
    assert_eq!(code(clock.check(&a, Some(beyond))), Err("pki.time-stamp"));
}

#[test]
fn stamps_beside_signatures() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let tsa = world.signer(Profile::TimeStamping, 10);
        let signer = world.signer(Profile::BidderSign, 11);
        let message = cms::sign_detached(&signer, b"content", now(), Form::of(suite));
        let message = message.expect("signs");
        let signed = cms::verify_detached(&message, b"content", suite).expect("holds");
        let over = |bytes: &[u8], at| {
            let imprint = Imprint::of(bytes, DigestAlg::from(suite.hash()));
            tsp::respond(&tsa, POLICY, 1, at, &Request::for_imprint(imprint)).expect("stamps")
        };
        let later = now().plus_millis(60_000);
        let with = cms::add_time_stamp(&message, 0, &over(&signed.signature, later));
        let both = cms::add_time_stamp(&with.expect("adds"), 0, &over(&signed.signature, now()));
        let both = both.expect("adds");
        let signed = cms::verify_detached(&both, b"content", suite).expect("still holds");
        assert_eq!(signed.unsigned.time_stamps.len(), 2);
        let (anchors, of) = (world.anchors(), imprint(suite.hash()));
        let check = TokenCheck::new(&of, &anchors, suite);
        let stamps = tsp::signature_stamps(&signed, &check).expect("hold");
        let times: Vec<_> = stamps.iter().map(|stamp| stamp.gen_time).collect();
        assert_eq!(times, [now(), later], "earliest first");
        // A stamp over the content is no stamp over the signature.
        let wrong = over(b"content", now());
        let refused = cms::add_time_stamp(&message, 0, &wrong);
        assert_eq!(code(refused), Err("pki.digest-mismatch"));
        let mut bad = signed.clone();
        bad.unsigned.time_stamps.push(wrong);
        let refused = tsp::signature_stamps(&bad, &check);
        assert_eq!(code(refused), Err("pki.digest-mismatch"));
        let refused = cms::add_time_stamp(&message, 1, &over(&signed.signature, now()));
        assert_eq!(code(refused), Err("pki.message"));
    }
}

#[test]
fn answers_are_one_thing_or_the_other() {
    // Granted without a token, refused with one, a status nobody knows, garbage.
    let status = |n: u8| Node::nodes(0x30, vec![Node::bytes(2, &[n])]);
    let token = Node::nodes(0x30, vec![]);
    for (fields, expected) in [
        (vec![status(0)], "pki.time-stamp"),
        (vec![status(2), token.clone()], "pki.time-stamp"),
        (vec![status(6), token.clone()], "pki.time-stamp"),
        (vec![], "pki.malformed"),
        (vec![status(0), Node::bytes(4, &[])], "pki.malformed"),
    ] {
        let der = Node::nodes(0x30, fields).der();
        assert_eq!(code(Response::parse(&der)), Err(expected));
    }
    for failure in [
        Failure::BadAlgorithm,
        Failure::BadRequest,
        Failure::BadDataFormat,
        Failure::TimeNotAvailable,
        Failure::UnacceptedPolicy,
        Failure::UnacceptedExtension,
        Failure::AddInfoNotAvailable,
        Failure::SystemFailure,
    ] {
        let response = Response::refused(failure);
        assert_eq!(Response::parse(&response.to_der()), Ok(response.clone()));
        assert_eq!(response.failure(), Some(failure));
    }
}
