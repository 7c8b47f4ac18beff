//! A statement signs in once, here, in time, and as it was given.

use mifeng_access::{CHALLENGE_MILLIS, Challenge, Challenger, SIGN_IN, SignInError};
use mifeng_crypto::{GM, INTL, SeededEntropy, Suite, Time};
use mifeng_pki::Signer;
use mifeng_record::{Draft, Facts, Record};
use mifeng_testkit::world::Cast;

const ORIGIN: &str = "host.example/t/1";

struct World {
    suite: &'static Suite,
    cast: Cast,
    rng: SeededEntropy,
    challenger: Challenger,
}

fn world(suite: &'static Suite) -> World {
    let mut rng = SeededEntropy::new(b"sign in");
    World {
        suite,
        cast: Cast::new(suite, "sign in"),
        challenger: Challenger::new(suite, ORIGIN, &mut rng).expect("a key"),
        rng,
    }
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
        let challenge = self
            .challenger
            .challenge("host.example", at(0), &mut self.rng);
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
        self.challenger.judge(&record, &is_own, at(millis))
    }
}

#[test]
fn once_in_time_and_unchanged() {
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
        assert_eq!(world.judge(&given, 1_001), Err(SignInError::Used));
        let second = world.challenge();
        assert_ne!(second.nonce, given.nonce);
        let late = world.judge(&second, CHALLENGE_MILLIS);
        assert_eq!(late, Err(SignInError::Used));
        assert_eq!(world.judge(&second, CHALLENGE_MILLIS - 1), Ok(()));
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
        let judged = world.challenger.judge(&record, &is_own, at(1_000));
        assert_eq!(judged, Err(SignInError::Statement), "{kind} {origin}");
    }
    // Another host's, or this one's from before a restart.
    let mut again = Challenger::new(&INTL, ORIGIN, &mut world.rng).expect("a key");
    let record = world.signed(SIGN_IN, ORIGIN, &given);
    let judged = again.judge(&record, &is_own, at(1_000));
    assert_eq!(judged, Err(SignInError::Challenge));
}

#[test]
fn a_challenge_for_another_name_signs_nobody_in() {
    let mut world = world(&INTL);
    let relayed = world
        .challenger
        .challenge("evil.example", at(0), &mut world.rng)
        .expect("a challenge");
    assert_eq!(world.judge(&relayed, 1_000), Err(SignInError::Host));
}
