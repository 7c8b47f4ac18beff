//! Two roots, an SM2 and a P-256 one, signers under both, and somebody under neither.

use super::base;
use super::{Made, SIGNED};
use mifeng_crypto::{HashAlg, KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::cms::{self, SignedData, Strictness};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::tsp::{Imprint, Request as StampRequest, TimeStampAuthority};
use mifeng_pki::{Signer as _, SoftwareSigner, pem};
use mifeng_stamp::ofd::{Mm, Rect};
use mifeng_stamp::pdf::{Format, Level, RESERVE, Request, Shown, prepare};
use mifeng_stamp::{Picture, Seal, SealDraft, SealKind, SignatureDraft, Signers, Version};

pub(crate) struct World {
    pub(crate) sm2: CertificateAuthority,
    pub(crate) p256: CertificateAuthority,
    pub(crate) maker: SoftwareSigner,
    pub(crate) buyer: SoftwareSigner,
    pub(crate) supplier: SoftwareSigner,
    pub(crate) stranger: SoftwareSigner,
    sm2_tsa: SoftwareSigner,
    p256_tsa: SoftwareSigner,
}

/// How a document is signed.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) format: Format,
    pub(crate) stamped: bool,
    pub(crate) certify: Option<Level>,
    pub(crate) shown: bool,
}

pub(crate) const PADES: How = How {
    format: Format::Pades,
    stamped: false,
    certify: None,
    shown: true,
};

/// At the lower right of the page.
const PLACE: Rect = Rect {
    x: Mm::new(140),
    y: Mm::new(220),
    width: Mm::new(42),
    height: Mm::new(42),
};

impl World {
    pub(crate) fn new() -> Made<Self> {
        let mut entropy = SeededEntropy::new(b"vectors of PDF");
        let validity = Validity {
            not_before: "2026-01-01T00:00:00Z".parse()?,
            not_after: "2036-01-01T00:00:00Z".parse()?,
        };
        let mut root = |name: &str, alg| -> Made<CertificateAuthority> {
            let key = PrivateKey::generate(alg, &mut entropy)?;
            Ok(CertificateAuthority::new_root(
                key,
                &Subject::named(name),
                validity,
                &[1],
            )?)
        };
        let sm2 = root("PDF Vector Root SM2", KeyAlg::Sm2)?;
        let p256 = root("PDF Vector Root P-256", KeyAlg::P256)?;
        let foreign = root("Nobody's Root", KeyAlg::P256)?;
        let mut person = |ca: &CertificateAuthority, alg, name: &str, profile, serial| {
            let own = PrivateKey::generate(alg, &mut entropy)?;
            let public = own.public_key()?;
            let leaf = ca.issue(&Subject::named(name), &public, profile, validity, &[serial])?;
            Ok::<_, Box<dyn std::error::Error>>(SoftwareSigner::new(own, leaf, Vec::new())?)
        };
        Ok(World {
            maker: person(&sm2, KeyAlg::Sm2, "制章中心", Profile::BidderSign, 2)?,
            buyer: person(&sm2, KeyAlg::Sm2, "采购人", Profile::BidderSign, 3)?,
            sm2_tsa: person(&sm2, KeyAlg::Sm2, "时间戳", Profile::TimeStamping, 4)?,
            supplier: person(&p256, KeyAlg::P256, "供应商", Profile::BidderSign, 5)?,
            p256_tsa: person(&p256, KeyAlg::P256, "Time stamps", Profile::TimeStamping, 6)?,
            stranger: person(&foreign, KeyAlg::P256, "采购人", Profile::BidderSign, 7)?,
            sm2,
            p256,
        })
    }

    pub(crate) fn roots(&self) -> Vec<u8> {
        let all =
            [&self.sm2, &self.p256].map(|ca| pem::encode("CERTIFICATE", ca.certificate().der()));
        all.concat().into_bytes()
    }

    pub(crate) fn list(&self, ca: &CertificateAuthority) -> Made<Vec<u8>> {
        let (from, until) = (
            "2026-06-01T00:00:00Z".parse()?,
            "2030-01-01T00:00:00Z".parse()?,
        );
        Ok(ca.revocation_list(&[], from, until, 1)?)
    }

    pub(crate) fn picture() -> Made<Picture> {
        Ok(Picture::new(png(), 42, 42)?)
    }

    pub(crate) fn seal(&self) -> Made<Seal> {
        let draft = SealDraft {
            version: Version::V4,
            vendor: "MIFENG".to_owned(),
            id: "33010000000001".to_owned(),
            kind: SealKind::PROCUREMENT,
            name: "测试采购人采购专用章".to_owned(),
            signers: Signers::certificates(core::slice::from_ref(self.buyer.certificate())),
            created: "2026-02-01T00:00:00Z".parse()?,
            valid_from: "2026-02-01T00:00:00Z".parse()?,
            valid_until: "2028-12-31T23:59:59Z".parse()?,
            picture: Self::picture()?,
            extensions: Vec::new(),
        };
        Ok(draft.sign(&self.maker)?)
    }

    /// A token over a value, by the authority of the signer's suite.
    pub(crate) fn token(&self, value: &[u8], gm: bool, at: &str) -> Made<Vec<u8>> {
        let (tsa, hash) = match gm {
            true => (&self.sm2_tsa, HashAlg::Sm3),
            false => (&self.p256_tsa, HashAlg::Sha256),
        };
        let request = StampRequest::for_imprint(Imprint::of(value, hash.into()));
        let authority = TimeStampAuthority::new(tsa, "1.3.6.1.4.1.32473.1")?;
        Ok(authority.stamp(&request, 7, at.parse()?)?)
    }

    /// The letter, signed by the supplier.
    pub(crate) fn letter(&self, how: How) -> Made<Vec<u8>> {
        let plain = base::file(&base::letter("Price: 1 000 000"));
        self.sign(&plain, &self.supplier, how)
    }

    /// Signs a document.
    pub(crate) fn sign(&self, bytes: &[u8], signer: &SoftwareSigner, how: How) -> Made<Vec<u8>> {
        let at: Time = SIGNED.parse()?;
        let picture = Self::picture()?;
        let request = Request {
            format: how.format,
            at,
            name: "供应商",
            reason: "tender",
            location: "",
            shown: how.shown.then_some(Shown {
                page: 1,
                place: PLACE,
                clip: None,
                picture: &picture,
            }),
            strips: &[],
            certify: how.certify,
            reserve: 4_096,
        };
        let prepared = prepare(bytes, &request)?;
        let content = prepared.content();
        let gm = signer.certificate().public_key().key_alg() == KeyAlg::Sm2;
        let value = match how.format {
            Format::Pades => cms::sign_without_time(signer, &content)?,
            Format::TimeStamp => self.token(&content, gm, SIGNED)?,
            Format::Seal => {
                let seal = self.seal()?;
                let property = prepared.property();
                let draft = SignatureDraft {
                    seal: &seal,
                    at,
                    data_hash: HashAlg::Sm3.digest(&content),
                    property: &property,
                    extensions: &[],
                };
                let signature = draft.sign(signer)?;
                let token =
                    self.token(signature.signature_value(), true, "2026-06-01T08:00:01Z")?;
                match how.stamped {
                    true => signature.with_time_stamp(&token)?.der().to_vec(),
                    false => signature.der().to_vec(),
                }
            }
            Format::Message => cms::sign_detached(signer, &content, at, cms::Profile::Rfc5652)?,
        };
        let value = match how.stamped && matches!(how.format, Format::Pades | Format::Message) {
            true => self.stamped(&value, &content, gm)?,
            false => value,
        };
        Ok(prepared.finish(&value)?)
    }

    fn stamped(&self, message: &[u8], content: &[u8], gm: bool) -> Made<Vec<u8>> {
        let suite = match gm {
            true => &mifeng_crypto::GM,
            false => &mifeng_crypto::INTL,
        };
        let read = SignedData::parse_field(message)?;
        let signed = read.verify_content(content, suite, Strictness::Field)?;
        let token = self.token(&signed.signature, gm, "2026-06-01T08:00:01Z")?;
        Ok(cms::add_time_stamp(message, 0, &token)?)
    }

    /// The letter with something changed between its preparation and its signing.
    pub(crate) fn signed_as(&self, bend: impl Fn(&[u8]) -> Vec<u8>) -> Made<Vec<u8>> {
        let plain = base::file(&base::letter("Price: 1 000 000"));
        self.by_hand(&plain, None, false, bend)
    }

    /// A visible signature on a certified document, which our own signer refuses to make.
    pub(crate) fn sealed_late(&self, certified: &[u8]) -> Made<Vec<u8>> {
        let hidden = base::overwrite(certified, "/DocMDP/Transform", "/DocXXX/Transform");
        self.by_hand(&hidden, None, true, |bytes| {
            [certified, &bytes[certified.len()..]].concat()
        })
    }

    /// A certification by a second signature: asked of a document that hides its first.
    pub(crate) fn certified_late(&self, signed: &[u8], level: Level) -> Made<Vec<u8>> {
        let hidden = base::overwrite(signed, "/FT /Sig", "/FT /Tx ");
        let hidden = base::overwrite(&hidden, "/ByteRange", "/ByteRangf");
        self.by_hand(&hidden, Some(level), false, |bytes| {
            [signed, &bytes[signed.len()..]].concat()
        })
    }

    fn by_hand(
        &self,
        plain: &[u8],
        certify: Option<Level>,
        shown: bool,
        bend: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Made<Vec<u8>> {
        let picture = Self::picture()?;
        let request = Request {
            format: Format::Pades,
            at: SIGNED.parse()?,
            name: "",
            reason: "",
            location: "",
            shown: shown.then_some(Shown {
                page: 1,
                place: PLACE,
                clip: None,
                picture: &picture,
            }),
            strips: &[],
            certify,
            reserve: RESERVE,
        };
        let empty = prepare(plain, &request)?.finish(&[])?;
        let mut bytes = bend(&empty);
        let from = base::last(&bytes, "/Contents <") + "/Contents ".len();
        let to = from + 2 * RESERVE + 2;
        let content = [&bytes[..from], &bytes[to..]].concat();
        let value = hex::encode(cms::sign_without_time(&self.supplier, &content)?);
        bytes[from + 1..from + 1 + value.len()].copy_from_slice(value.as_bytes());
        Ok(bytes)
    }
}

/// A red ring of 24 by 24 pixels with an alpha channel.
fn png() -> Vec<u8> {
    let side = 24i32;
    let mut rows = Vec::new();
    for y in 0..side {
        rows.push(0);
        for x in 0..side {
            let (dx, dy) = (2 * x - side + 1, 2 * y - side + 1);
            let far = dx * dx + dy * dy;
            let inside = (18 * 18..23 * 23).contains(&far) || far < 36;
            rows.extend_from_slice(&[0xd0, 0x10, 0x10, if inside { 255 } else { 0 }]);
        }
    }
    let data = miniz_oxide::deflate::compress_to_vec_zlib(&rows, 6);
    let mut header = Vec::new();
    header.extend_from_slice(&(side as u32).to_be_bytes());
    header.extend_from_slice(&(side as u32).to_be_bytes());
    header.extend_from_slice(&[8, 6, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in [(b"IHDR", &header[..]), (b"IDAT", &data), (b"IEND", &[])] {
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        let checked = [&name[..], body].concat();
        out.extend_from_slice(&checked);
        out.extend_from_slice(&crc32fast::hash(&checked).to_be_bytes());
    }
    out
}
