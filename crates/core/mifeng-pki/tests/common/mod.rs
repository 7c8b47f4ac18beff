//! A small world: a root, a CA below it, and people.

#![allow(dead_code, clippy::panic, unreachable_pub)]

pub mod der;

use mifeng_crypto::{GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Anchors, Certificate, Error, SoftwareSigner};

pub const SUITES: [&Suite; 2] = [&GM, &INTL];

pub fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

pub fn now() -> Time {
    time("2026-06-01T08:00:00Z")
}

pub fn code<T>(result: Result<T, Error>) -> Result<(), &'static str> {
    result.map(drop).map_err(|e| e.code())
}

pub fn validity() -> Validity {
    Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    }
}

fn long() -> Validity {
    Validity {
        not_before: time("2020-01-01T00:00:00Z"),
        not_after: time("2060-01-01T00:00:00Z"),
    }
}

pub struct World {
    pub suite: &'static Suite,
    pub entropy: SeededEntropy,
    pub root: CertificateAuthority,
    pub sub: CertificateAuthority,
}

impl World {
    pub fn new(suite: &'static Suite) -> Self {
        let mut entropy = SeededEntropy::new(suite.id().as_bytes());
        let key = PrivateKey::generate(alg(suite), &mut entropy).expect("key");
        let subject = Subject::named("Trial Root");
        let root = CertificateAuthority::new_root(key, &subject, long(), &[1]).expect("root");
        let key = PrivateKey::generate(alg(suite), &mut entropy).expect("key");
        let public = key.public_key().expect("public");
        let subject = Subject::named("Trial CA");
        let certificate = root.issue_ca(&subject, &public, Some(0), long(), &[2]);
        let sub = CertificateAuthority::from_parts(key, certificate.expect("CA")).expect("pair");
        World {
            suite,
            entropy,
            root,
            sub,
        }
    }

    pub fn key(&mut self) -> PrivateKey {
        PrivateKey::generate(alg(self.suite), &mut self.entropy).expect("key")
    }

    pub fn certificate(&self, key: &PrivateKey, profile: Profile, serial: u8) -> Certificate {
        let public = key.public_key().expect("public");
        let subject = Subject::named(&format!("投标人 {serial}"));
        self.sub
            .issue(&subject, &public, profile, validity(), &[serial])
            .expect("leaf")
    }

    pub fn signer(&mut self, profile: Profile, serial: u8) -> SoftwareSigner {
        let key = self.key();
        let leaf = self.certificate(&key, profile, serial);
        let chain = vec![self.sub.certificate().clone()];
        SoftwareSigner::new(key, leaf, chain).expect("pair")
    }

    pub fn anchors(&self) -> Anchors {
        Anchors::new(vec![self.root.certificate().clone()])
    }
}

pub fn alg(suite: &Suite) -> KeyAlg {
    match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    }
}
