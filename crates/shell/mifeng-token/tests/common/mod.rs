//! What the tests of both kinds of token share: a CA, a board, and a bid's leaf sealed and opened.
#![allow(
    clippy::expect_used,
    dead_code,
    reason = "not every test uses all of it"
)]

use mifeng_crypto::{PrivateKey, PublicKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Certificate, Decrypter, Signer};
use std::path::PathBuf;

pub(crate) const USCC: &str = "91350100M000100Y43";
pub(crate) const TIME: &str = "2026-11-01T08:00:00Z";

pub(crate) fn time() -> Time {
    Time::parse_rfc3339(TIME).expect("a time")
}

/// A folder of this test, empty.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn validity() -> Validity {
    Validity {
        not_before: Time::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time"),
        not_after: Time::parse_rfc3339("2030-01-01T00:00:00Z").expect("a time"),
    }
}

pub(crate) fn key(suite: &Suite, seed: &str) -> PrivateKey {
    let alg = match suite.id() {
        "gm-1" => mifeng_crypto::KeyAlg::Sm2,
        _ => mifeng_crypto::KeyAlg::P256,
    };
    PrivateKey::generate(alg, &mut SeededEntropy::new(seed.as_bytes())).expect("a key")
}

pub(crate) struct Ca(CertificateAuthority);

impl Ca {
    pub(crate) fn new(suite: &Suite) -> Self {
        let root = CertificateAuthority::new_root(
            key(suite, "root"),
            &Subject::named("Root"),
            validity(),
            &[1; 16],
        );
        Ca(root.expect("a root"))
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    pub(crate) fn issue(&self, public: &PublicKey, profile: Profile, serial: u8) -> Certificate {
        let subject = Subject {
            common_name: "bidder".to_owned(),
            uscc: Some(USCC.to_owned()),
            ..Subject::default()
        };
        let issued = self
            .0
            .issue(&subject, public, profile, validity(), &[serial; 16]);
        issued.expect("a certificate")
    }
}

/// Seals a small bid with `signer` and opens its leaf with `decrypter`.
pub(crate) fn leaf_round_trip(
    signer: &dyn Signer,
    decrypter: &dyn Decrypter,
) -> Result<(), mifeng_envelope::Error> {
    let entropy = &mut SeededEntropy::new(b"leaf");
    mifeng_token::trial::seal(signer, decrypter.certificate(), time(), entropy)?.open(decrypter)
}
