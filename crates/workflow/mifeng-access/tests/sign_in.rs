//! A statement signs in here, in time, and as it was given; a token is one that the host made.

use mifeng_access::{CHALLENGE_MILLIS, Challenge, Key, Mint, SIGN_IN, SignInError};
use mifeng_crypto::{GM, INTL, SeededEntropy, Suite, Time};
use mifeng_pki::Signer;
use mifeng_record::{Draft, Facts, Record};
use mifeng_testkit::world::Cast;

const ORIGIN: &str = "host.example/t/1";

struct World {
    suite: &'static Suite,
    cast: Cast,
    rng: SeededEntropy,
    mint: Mint,
}

fn world(suite: &'static Suite) -> World {
    World {
        suite,
        cast: Cast::new(suite, "sign in"),
        mint: mint(suite, ORIGIN, b"key"),
        rng: SeededEntropy::new(b"sign in"),
    }
}

/// With the key that this seed gives.
fn mint(suite: &'static Suite, origin: &str, seed: &[u8]) -> Mint {
    let key = Key::random(&mut SeededEntropy::new(seed));
    Mint::new(suite, origin, key.expect("a key"))
}

/// The host has two names.
fn is_own(host: &str) -> bool {
    matches!(host, "host.example" | "other.example")
}

fn at(millis: i64) -> Time {
    Time::from_unix_seconds(1_800_000_000).plus_millis(millis)
}

impl World {
    fn challenge(&mut self) -> Challenge {
        let challenge = self.mint.challenge("host.example", at(0), &mut self.rng);
        challenge.expect("a challenge")
    }

    fn signed(&self, kind: &str, origin: &str, data: &Challenge) -> Record {
        let signer = &self.cast.bidders[0].signer;
        let certificate = signer.certificate();
        let facts = Facts {
            kind,
            origin,
            seq: 0,
            time: at(1_000),
            salt: [7; 32],
            data,
        };
        let draft = Draft::new(&facts, certificate, self.suite).expect("a draft");
        let signed = draft.sign(signer, self.suite).expect("signed");
        Record::verify(signed, self.suite).expect("it holds")
    }

    fn judge(&mut self, data: &Challenge, millis: i64) -> Result<(), SignInError> {
        let record = self.signed(SIGN_IN, ORIGIN, data);
        let judged = self.mint.judge(&record, &is_own, at(millis));
        judged.map(|said| assert_eq!(said, *data))
    }
}

#[test]
fn in_time_and_unchanged() {
    for suite in [&INTL, &GM] {
        let mut world = world(suite);
        let given = world.challenge();
        for (change, expected) in [
            (0, SignInError::Host),
            (1, SignInError::Challenge),
            (2, SignInError::Challenge),
            (3, SignInError::Challenge),
            (4, SignInError::Challenge),
        ] {
            let mut other = given.clone();
            match change {
                0 => other.host = "evil.example".to_owned(),
                4 => other.host = "other.example".to_owned(),
                1 => other.nonce = world.suite.hash().digest(b"another"),
                2 => other.expires = other.expires.plus_millis(1),
                _ => other.proof = world.suite.hash().digest(b"another"),
            }
            assert_eq!(world.judge(&other, 1_000), Err(expected), "change {change}");
        }
        assert_eq!(world.judge(&given, 1_000), Ok(()));
        let second = world.challenge();
        assert_ne!(second.nonce, given.nonce);
        let late = world.judge(&second, CHALLENGE_MILLIS);
        assert_eq!(late, Err(SignInError::Used));
        assert_eq!(world.judge(&second, CHALLENGE_MILLIS - 1), Ok(()));
        // Made by somebody who read the key, to last: no host makes such a one now.
        let ahead = world
            .mint
            .challenge("host.example", at(61_000), &mut world.rng);
        let ahead = ahead.expect("a challenge");
        assert_eq!(world.judge(&ahead, 1_000), Ok(()));
        assert_eq!(world.judge(&ahead, 999), Err(SignInError::Challenge));
    }
}

#[test]
fn nothing_else_signs_in() {
    let mut world = world(&INTL);
    let given = world.challenge();
    for (kind, origin) in [
        ("bid.submit", ORIGIN),
        ("access.delegate", ORIGIN),
        (SIGN_IN, "host.example/t/2"),
    ] {
        let record = world.signed(kind, origin, &given);
        let judged = world.mint.judge(&record, &is_own, at(1_000));
        assert_eq!(judged, Err(SignInError::Statement), "{kind} {origin}");
    }
    // Another host's; another replica of this one has the same key.
    let record = world.signed(SIGN_IN, ORIGIN, &given);
    let other = mint(&INTL, ORIGIN, b"another key");
    let judged = other.judge(&record, &is_own, at(1_000));
    assert_eq!(judged, Err(SignInError::Challenge));
    let replica = mint(&INTL, ORIGIN, b"key");
    let judged = replica.judge(&record, &is_own, at(1_000));
    assert_eq!(judged, Ok(given));
}

#[test]
fn a_challenge_for_another_name_signs_nobody_in() {
    let mut world = world(&INTL);
    let relayed = world
        .mint
        .challenge("evil.example", at(0), &mut world.rng)
        .expect("a challenge");
    assert_eq!(world.judge(&relayed, 1_000), Err(SignInError::Host));
}

#[test]
fn a_token_is_known_by_every_replica_and_nobody_makes_one() {
    for suite in [&INTL, &GM] {
        let mut world = world(suite);
        let token = world.mint.token(&mut world.rng).expect("a token");
        let (text, id) = (token.reveal(), token.id());
        assert_eq!(text.len(), 128);
        let second = world.mint.token(&mut world.rng).expect("a token");
        assert_ne!(second.id(), id);
        for (origin, seed, known) in [
            (ORIGIN, &b"key"[..], Some(id)),
            (ORIGIN, b"another key", None),
            ("host.example/t/2", b"key", None),
        ] {
            assert_eq!(mint(suite, origin, seed).session(&text), known, "{origin}");
        }
        for at in 0..text.len() {
            let digit = match text.as_bytes()[at] {
                b'0' => "1",
                _ => "0",
            };
            let mut other = text.clone();
            other.replace_range(at..=at, digit);
            assert_eq!(world.mint.session(&other), None, "digit {at}");
        }
        // One's secret with another's mark, and what is no token at all.
        let mixed = format!("{}{}", &text[..64], &second.reveal()[64..]);
        let longer = format!("{text}0");
        for wrong in [
            &*mixed,
            &longer,
            &text[1..],
            &text[..64],
            "",
            &"密".repeat(64),
        ] {
            assert_eq!(world.mint.session(wrong), None, "{wrong}");
        }
        assert_eq!(world.mint.session(&text.to_uppercase()), None);
    }
}
