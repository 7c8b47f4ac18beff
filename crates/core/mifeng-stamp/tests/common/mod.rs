//! A small world: a root, a maker of seals, signers, a time-stamping authority.

#![allow(dead_code, unreachable_pub)]

use mifeng_crypto::{GM, HashAlg, KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::tsp::{Imprint, Request, TimeStampAuthority};
use mifeng_pki::{Anchors, Certificate, Material, RevocationRule, Signer, SoftwareSigner};
use mifeng_stamp::{
    Picture, Seal, SealDraft, SealKind, SealSignature, SignatureDraft, Signers, Trust, Version,
};

pub const DATA: &[u8] = "中标通知书".as_bytes();

pub fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

/// When things are signed.
pub fn signed() -> Time {
    time("2026-06-01T08:00:00Z")
}

/// When they are checked.
pub fn now() -> Time {
    time("2026-07-01T08:00:00Z")
}

pub struct World {
    pub entropy: SeededEntropy,
    pub root: CertificateAuthority,
    pub anchors: Anchors,
    pub maker: SoftwareSigner,
    pub buyer: SoftwareSigner,
    pub other: SoftwareSigner,
    pub tsa: SoftwareSigner,
}

impl World {
    pub fn new() -> Self {
        let mut entropy = SeededEntropy::new(b"stamps");
        let key = PrivateKey::generate(KeyAlg::Sm2, &mut entropy).expect("a key");
        let name = Subject::named("Stamp Root");
        let validity = validity("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
        let root = CertificateAuthority::new_root(key, &name, validity, &[1]).expect("a root");
        let anchors = Anchors::new(vec![root.certificate().clone()]);
        let year = validity_2026();
        let mut person =
            |name: &str, profile, serial| issue(&root, &mut entropy, name, profile, (year, serial));
        World {
            maker: person("制章中心", Profile::BidderSign, 2),
            buyer: person("采购人", Profile::BidderSign, 3),
            other: person("他人", Profile::BidderSign, 4),
            tsa: person("时间戳", Profile::TimeStamping, 5),
            entropy,
            anchors,
            root,
        }
    }

    /// No list is at hand in these tests, and none is asked for.
    pub fn trust(&self, at: Time) -> Trust<'_> {
        let mut trust = Trust::new(&self.anchors, Material::default(), at);
        trust.revocation = RevocationRule::Ignored;
        trust
    }

    pub fn draft(&self, version: Version) -> SealDraft {
        SealDraft {
            version,
            vendor: "MIFENG".to_owned(),
            id: "33010000000001".to_owned(),
            kind: SealKind::PROCUREMENT,
            name: "测试采购人采购专用章".to_owned(),
            signers: Signers::certificates(&[self.buyer.certificate().clone()]),
            created: time("2026-02-01T00:00:00Z"),
            valid_from: time("2026-02-01T00:00:00Z"),
            valid_until: time("2026-12-01T00:00:00Z"),
            picture: Picture::new(png(), 40, 40).expect("a picture"),
            extensions: Vec::new(),
        }
    }

    pub fn seal(&self, version: Version) -> Seal {
        self.draft(version).sign(&self.maker).expect("a seal")
    }

    pub fn sign(&self, seal: &Seal) -> SealSignature {
        self.sign_at(seal, signed())
    }

    pub fn sign_at(&self, seal: &Seal, at: Time) -> SealSignature {
        let draft = SignatureDraft {
            seal,
            at,
            data_hash: HashAlg::Sm3.digest(DATA),
            property: "/Doc_0/Signs/Sign_0/Signature.xml",
            extensions: &[],
        };
        draft.sign(&self.buyer).expect("a signature")
    }

    pub fn stamp(&self, value: &[u8], at: Time) -> Vec<u8> {
        let imprint = Imprint::of(value, HashAlg::Sm3.into());
        let authority = TimeStampAuthority::new(&self.tsa, "1.2.3.4").expect("an authority");
        let request = Request::for_imprint(imprint);
        authority.stamp(&request, 7, at).expect("a stamp")
    }
}

pub fn issue(
    root: &CertificateAuthority,
    entropy: &mut SeededEntropy,
    name: &str,
    profile: Profile,
    (validity, serial): (Validity, u8),
) -> SoftwareSigner {
    let key = PrivateKey::generate(KeyAlg::Sm2, entropy).expect("a key");
    let public = key.public_key().expect("a public key");
    let leaf = root.issue(&Subject::named(name), &public, profile, validity, &[serial]);
    let chain: Vec<Certificate> = Vec::new();
    SoftwareSigner::new(key, leaf.expect("a leaf"), chain).expect("a pair")
}

pub fn validity(from: &str, until: &str) -> Validity {
    Validity {
        not_before: time(from),
        not_after: time(until),
    }
}

pub fn validity_2026() -> Validity {
    validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
}

/// One red pixel with an alpha channel; checksums of chunks are not looked at.
pub fn png() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0];
    let data = [
        0x78, 0x01, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff,
    ];
    for (name, body) in [(b"IHDR", &header[..]), (b"IDAT", &data), (b"IEND", &[])] {
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(body);
        out.extend_from_slice(&[0; 4]);
    }
    out
}

pub fn suite() -> &'static mifeng_crypto::Suite {
    &GM
}
