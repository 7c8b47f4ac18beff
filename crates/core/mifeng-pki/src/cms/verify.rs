//! Signatures of a message against content and keys. Paths are the next step.

use super::algorithm::{self, DigestAlg};
use super::attributes::Attributes;
use super::deviation::{Deviation, note};
use super::memo::{Forgetful, Memo};
use super::read::SignedData;
use super::signer_info::{SignerId, SignerInfo};
use super::unsigned::{self, Unsigned};
use super::{Profile, Strictness, rule};
use crate::asn1::{tag, write};
use crate::oid;
use crate::{Certificate, Error};
use mifeng_crypto::{Digest, HashAlg, SignatureAlg, Suite, Time};
use std::borrow::Cow;

/// What a verified message says.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The signer's certificate. Its path is still to be verified.
    pub certificate: Certificate,
    /// The other certificates in the message.
    pub chain: Vec<Certificate>,
    /// When the signer says it signed: a claim.
    pub signing_time: Option<Time>,
    /// Which identifiers the message uses.
    pub profile: Profile,
    /// The signature algorithm.
    pub algorithm: SignatureAlg,
    /// The signature's octets: what a signature time stamp stamps.
    pub signature: Vec<u8>,
    /// Whether a signed attribute names the signer's certificate.
    pub binds_certificate: bool,
    /// What stands beside the signature, unsigned.
    pub unsigned: Unsigned,
    /// What departs from the standard in structure and signature.
    pub deviations: Vec<Deviation>,
}

/// What the signature is to be over.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    /// The octets.
    Bytes(&'a [u8]),
    /// The octets, and their digest by one algorithm.
    Hashed(&'a [u8], HashAlg, &'a [u8; 32]),
    /// Only their digest is at hand.
    Digest(HashAlg, &'a Digest),
}

impl Content<'_> {
    /// Whether these octets are the content.
    fn is(self, inside: &[u8]) -> bool {
        match self {
            Content::Bytes(bytes) | Content::Hashed(bytes, ..) => bytes == inside,
            Content::Digest(of, digest) => of.digest(inside) == *digest,
        }
    }

    fn digest(self, alg: DigestAlg) -> Option<Vec<u8>> {
        match self {
            Content::Bytes(bytes) => Some(alg.digest(bytes)),
            Content::Hashed(_, of, digest) if DigestAlg::from(of) == alg => Some(digest.to_vec()),
            Content::Hashed(bytes, ..) => Some(alg.digest(bytes)),
            Content::Digest(of, digest) => {
                (DigestAlg::from(of) == alg).then(|| digest.as_bytes().to_vec())
            }
        }
    }
}

impl SignedData {
    /// Verifies a message that carries its content, by exactly one signer.
    ///
    /// # Errors
    /// As [`super::verify_detached`].
    pub fn verify_attached(
        &self,
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Signed, Error> {
        let content = self.content().ok_or(rule("content is missing"))?;
        self.verify_content(content, suite, strictness)
    }

    /// Verifies the one signature over `content`; content inside the message must be the same.
    ///
    /// # Errors
    /// As [`super::verify_detached`]; [`Error::Message`] for no or several signers.
    pub fn verify_content(
        &self,
        content: &[u8],
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Signed, Error> {
        self.verify_one(Content::Bytes(content), suite, strictness, &mut Forgetful)
    }

    /// Verifies the one signature over content with this digest by the suite's hash; content
    /// inside the message must have it, too.
    ///
    /// # Errors
    /// As [`SignedData::verify_content`].
    pub fn verify(
        &self,
        digest: &Digest,
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Signed, Error> {
        let content = Content::Digest(suite.hash(), digest);
        self.verify_one(content, suite, strictness, &mut Forgetful)
    }

    /// Verifies every signature over `content`, which content inside must equal, or over the content
    /// inside if none is given: one result a signer, in the order of the message. Signers of another suite get
    /// [`Error::WrongSuite`].
    ///
    /// # Errors
    /// [`Error::Message`] if there is no content or no signer.
    pub fn verify_each(
        &self,
        content: Option<&[u8]>,
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Vec<Result<Signed, Error>>, Error> {
        let content = content.or(self.content());
        let content = Content::Bytes(content.ok_or(rule("content is missing"))?);
        if self.signers.is_empty() {
            return Err(rule("no signer"));
        }
        let one = |info| self.verify_signer(info, content, suite, strictness, &mut Forgetful);
        Ok(self.signers.iter().map(one).collect())
    }

    pub(crate) fn verify_one(
        &self,
        content: Content<'_>,
        suite: &'static Suite,
        strictness: Strictness,
        memo: &mut dyn Memo,
    ) -> Result<Signed, Error> {
        match &self.signers[..] {
            [] => Err(rule("no signer")),
            [info] => self.verify_signer(info, content, suite, strictness, memo),
            _ => Err(rule("more than one signer")),
        }
    }

    fn verify_signer(
        &self,
        info: &SignerInfo,
        content: Content<'_>,
        suite: &'static Suite,
        strictness: Strictness,
        memo: &mut dyn Memo,
    ) -> Result<Signed, Error> {
        let foreign = |what| Error::WrongSuite {
            what,
            suite: suite.id(),
        };
        let digest_alg = DigestAlg::by_oid(info.digest_alg);
        let digest_alg = digest_alg.filter(|alg| alg.belongs(suite));
        let digest_alg = digest_alg.ok_or(foreign("digest algorithm"))?;
        if strictness == Strictness::Own && !matches!(info.id, SignerId::IssuerAndSerial { .. }) {
            return Err(rule("signer is not named by issuer and serial number"));
        }
        let found = self.certificates.iter().find(|c| info.id.names(c));
        let certificate = found.ok_or(rule("the signer's certificate is missing"))?;
        let key = certificate.public_key();
        let alg =
            algorithm::read_signature(key.key_alg(), &info.algorithm(), digest_alg, self.profile);
        let alg = alg.filter(|(alg, deviation)| {
            let own = strictness == Strictness::Own;
            oid::belongs(*alg, suite) && !(own && deviation.is_some())
        });
        let (alg, deviation) = alg.ok_or(foreign("signature algorithm"))?;
        // Else one message would say one thing to who reads it and another to who checks it.
        let inside = self.content();
        if inside.is_some_and(|inside| !content.is(inside)) {
            return Err(Error::DigestMismatch { what: "content" });
        }
        let digest = content
            .digest(digest_alg)
            .ok_or(foreign("digest algorithm"))?;
        let mut deviations = self.deviations.clone();
        deviation.into_iter().for_each(|d| note(&mut deviations, d));
        let signature = der_signature(info, alg, strictness, &mut deviations);
        let unsigned = unsigned::sort(&info.unsigned)?;
        let (mut signing_time, mut binds_certificate) = (None, false);
        match &info.attributes {
            Some(set) => {
                let facts = Attributes::read(set)?;
                facts.check(self, info, &digest, strictness)?;
                facts.check_bound(self, certificate, suite, strictness)?;
                memo.signature(certificate, alg, set, &signature)?;
                if facts.mixes(self.content_type) {
                    note(&mut deviations, Deviation::MixedDataTypes);
                }
                (signing_time, binds_certificate) = (facts.signing_time, facts.binds_signer());
            }
            None => {
                let plain = self.plain_content(content, digest_alg, &digest, strictness)?;
                memo.signature(certificate, alg, plain, &signature)?;
            }
        }
        let others = self.certificates.iter().filter(|c| *c != certificate);
        Ok(Signed {
            certificate: certificate.clone(),
            chain: others.cloned().collect(),
            signing_time,
            profile: self.profile,
            algorithm: alg,
            signature: info.signature.clone(),
            binds_certificate,
            unsigned,
            deviations,
        })
    }

    /// The octets that a signature without attributes covers, which only other products make.
    fn plain_content<'a>(
        &'a self,
        content: Content<'a>,
        alg: DigestAlg,
        digest: &[u8],
        strictness: Strictness,
    ) -> Result<&'a [u8], Error> {
        let missing = rule("signed attributes are missing");
        let bytes = match (content, self.content()) {
            (Content::Bytes(bytes) | Content::Hashed(bytes, ..), _)
            | (Content::Digest(..), Some(bytes)) => bytes,
            (Content::Digest(..), None) => return Err(missing),
        };
        // RFC 5652 section 5.3: mandatory unless the content is plain data.
        let data = [oid::DATA, oid::GM_DATA].contains(&self.content_type);
        // A SET as content could be another message's signed attributes (RFC 5652 section 5.4).
        if strictness == Strictness::Own || !data || bytes.first() == Some(&tag::SET) {
            return Err(missing);
        }
        if alg.digest(bytes) != digest {
            return Err(Error::DigestMismatch { what: "content" });
        }
        Ok(bytes)
    }
}

/// The signature in DER; r‖s of some products is rewritten, on request.
fn der_signature<'a>(
    info: &'a SignerInfo,
    alg: SignatureAlg,
    strictness: Strictness,
    deviations: &mut Vec<Deviation>,
) -> Cow<'a, [u8]> {
    let bytes = &info.signature;
    let raw = alg == SignatureAlg::Sm2Sm3
        && strictness == Strictness::Field
        && bytes.len() == 64
        // DER of 64 bytes begins with its length, which r does in one of 65,536 cases; then it is
        // read as DER and refused.
        && !bytes.starts_with(&[tag::SEQUENCE, 62]);
    if !raw {
        return Cow::Borrowed(bytes);
    }
    note(deviations, Deviation::RawSignature);
    let (r, s) = bytes.split_at(32);
    Cow::Owned(write::seq(&[&write::integer(r), &write::integer(s)]))
}
