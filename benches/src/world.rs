//! A root, an issuing CA, a bidder and a board of trustees, from a fixed seed.

use mifeng_crypto::{GM, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_lock::dkg::{self, Setup, StaticKey, Transcript};
use mifeng_lock::{Board, SecretShare};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Certificate, SoftwareDecrypter, SoftwareSigner};

/// The bidder's id.
pub const USCC: &str = "91350100M000100Y43";

/// The kind of key that people of a suite hold.
pub fn key_alg(suite: &Suite) -> KeyAlg {
    if *suite == GM {
        KeyAlg::Sm2
    } else {
        KeyAlg::P256
    }
}

/// The instant everything happens at.
pub fn now() -> Time {
    Time::parse_rfc3339("2026-06-01T08:00:00Z").expect("a time")
}

/// The bidder and those who vouch for it.
pub struct People {
    /// The trust anchor.
    pub root: Certificate,
    /// The CA between.
    pub sub: Certificate,
    /// The bidder's certificate, for signing and encryption.
    pub cert: Certificate,
    /// The bidder's key in PKCS #8, for the bare peers.
    pub pkcs8: Vec<u8>,
    /// Signs with it.
    pub signer: SoftwareSigner,
    /// Decrypts with it.
    pub decrypter: SoftwareDecrypter,
}

impl People {
    /// The same people every time.
    pub fn new(suite: &'static Suite) -> Self {
        let mut entropy = SeededEntropy::new(b"bench people");
        let mut key = || PrivateKey::generate(key_alg(suite), &mut entropy).expect("key");
        let day = |text| Time::parse_rfc3339(text).expect("a time");
        let validity = Validity {
            not_before: day("2026-01-01T00:00:00Z"),
            not_after: day("2030-01-01T00:00:00Z"),
        };
        let root = CertificateAuthority::new_root(key(), &Subject::named("Root"), validity, &[1])
            .expect("root");
        let sub_key = key();
        let public = sub_key.public_key().expect("public");
        let sub = root
            .issue_ca(&Subject::named("CA"), &public, Some(0), validity, &[2])
            .expect("CA");
        let ca = CertificateAuthority::from_parts(sub_key, sub.clone()).expect("pair");
        let own = key();
        let subject = Subject {
            uscc: Some(USCC.to_owned()),
            ..Subject::named("Bidder")
        };
        let public = own.public_key().expect("public");
        let cert = ca
            .issue(&subject, &public, Profile::Single, validity, &[3])
            .expect("certificate");
        let pkcs8 = own.to_pkcs8_der().expect("pkcs8").to_vec();
        let again = PrivateKey::from_pkcs8_der(&pkcs8).expect("key");
        People {
            root: root.certificate().clone(),
            signer: SoftwareSigner::new(own, cert.clone(), vec![sub.clone()]).expect("pair"),
            decrypter: SoftwareDecrypter::new(again, cert.clone()).expect("pair"),
            sub,
            cert,
            pkcs8,
        }
    }

    /// The bidder's bare key.
    pub fn key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8_der(&self.pkcs8).expect("key")
    }
}

/// A board of 3 of 5.
pub struct Trustees {
    /// Their static keys.
    pub keys: Vec<StaticKey>,
    /// What they agreed on.
    pub setup: Setup,
    /// What they sent.
    pub messages: Vec<Vec<u8>>,
    /// What came of it.
    pub board: Board,
    /// Their secret shares.
    pub shares: Vec<SecretShare>,
}

impl Trustees {
    /// The same trustees every time.
    pub fn new(suite: &'static Suite) -> Self {
        let mut entropy = SeededEntropy::new(b"bench trustees");
        let keys: Vec<_> = (0..5)
            .map(|_| StaticKey::generate(suite, &mut entropy).expect("key"))
            .collect();
        let members = keys.iter().map(StaticKey::public).collect();
        let setup = Setup::new(suite, 3, members, b"bench").expect("setup");
        let messages: Vec<_> = keys
            .iter()
            .map(|key| dkg::round1(&setup, key, &mut entropy).expect("round 1"))
            .collect();
        let transcript = Transcript::build(&setup, &messages).expect("transcript");
        let share = |key| transcript.share(key).expect("share");
        Trustees {
            shares: keys.iter().map(share).collect(),
            board: transcript.board().clone(),
            keys,
            setup,
            messages,
        }
    }
}
