//! Messages of our own making.

use super::algorithm::{self, DigestAlg};
use super::{Profile, rule};
use crate::asn1::{tag, write};
use crate::oid::{self, Oid};
use crate::{Certificate, Error, Signer};
use mifeng_crypto::{Digest, HashAlg, SignatureAlg, Time};

/// Signs `content`, which is not put into the message.
///
/// # Errors
/// What the signer says; [`Error::Message`] for a key without a writer.
pub fn sign_detached(
    signer: &dyn Signer,
    content: &[u8],
    signing_time: Time,
    profile: Profile,
) -> Result<Vec<u8>, Error> {
    sign_all(&[signer], content, Place::Detached, signing_time, profile)
}

/// Signs `content` and puts it into the message.
///
/// # Errors
/// As [`sign_detached`].
pub fn sign_attached(
    signer: &dyn Signer,
    content: &[u8],
    signing_time: Time,
    profile: Profile,
) -> Result<Vec<u8>, Error> {
    sign_all(&[signer], content, Place::Attached, signing_time, profile)
}

/// As [`sign_detached`] when only the digest of the content is known, by the hash of the signer's
/// suite: SM3 for SM2 keys, SHA-256 for others.
///
/// # Errors
/// As [`sign_detached`]; [`Error::Message`] for a P-384 key, whose hash is another.
pub fn sign_detached_digest(
    signer: &dyn Signer,
    digest: &Digest,
    signing_time: Time,
    profile: Profile,
) -> Result<Vec<u8>, Error> {
    let alg = algorithm::digest_of(algorithm::of_signer(signer)?)?;
    if alg.digest_len() != digest.as_bytes().len() {
        return Err(rule("this key needs another digest of the content"));
    }
    let (of, digest) = (profile.data(), digest.as_bytes());
    let draft = Draft::over(signer, profile, of, None, digest, Some(signing_time))?;
    let part = draft.part(&signer.sign(&draft.to_sign)?)?;
    assemble(profile, of, None, vec![part])
}

/// As [`sign_detached`] without the signingTime attribute: PAdES keeps the time in the document and
/// forbids it in the message (ETSI EN 319 142-1 section 6.3).
///
/// # Errors
/// As [`sign_detached`].
pub fn sign_without_time(signer: &dyn Signer, content: &[u8]) -> Result<Vec<u8>, Error> {
    let profile = Profile::Rfc5652;
    let alg = algorithm::digest_of(algorithm::of_signer(signer)?)?;
    let digest = alg.digest(content);
    let draft = Draft::over(signer, profile, profile.data(), None, &digest, None)?;
    let part = draft.part(&signer.sign(&draft.to_sign)?)?;
    assemble(profile, profile.data(), None, vec![part])
}

/// Whether the content goes into the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The content travels beside the message.
    Detached,
    /// The content is inside.
    Attached,
}

/// Signs `content` by every one of `signers`, side by side, into one message. Nobody signs what
/// another has signed: counter-signatures are not written.
///
/// # Errors
/// As [`sign_detached`]; [`Error::Message`] without a signer or with one twice.
pub fn sign_all(
    signers: &[&dyn Signer],
    content: &[u8],
    place: Place,
    signing_time: Time,
    profile: Profile,
) -> Result<Vec<u8>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    for signer in signers {
        let draft = Draft::new(*signer, content, Place::Detached, signing_time, profile)?;
        let part = draft.part(&signer.sign(&draft.to_sign)?)?;
        if parts
            .iter()
            .any(|other| other.certificates[0] == part.certificates[0])
        {
            return Err(rule("a signer stands twice"));
        }
        parts.push(part);
    }
    let inside = (place == Place::Attached).then_some(content);
    assemble(profile, profile.data(), inside, parts)
}

/// A message without its signature: for keys that sign elsewhere and later (a token behind a
/// network, a person at another desk).
///
/// The holder of the key signs [`Draft::to_sign`] as a message (for SM2: with ZA of the default
/// id), and [`Draft::complete`] puts the signature in, after verifying it.
#[derive(Clone, Debug)]
pub struct Draft {
    profile: Profile,
    content_type: Oid,
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    algorithm: SignatureAlg,
    digest_alg: DigestAlg,
    to_sign: Vec<u8>,
}

impl Draft {
    /// Prepares a message by the certificate, chain and algorithm that `signer` tells. Its key is
    /// not used.
    ///
    /// # Errors
    /// [`Error::Message`] for a key without a writer.
    pub fn new(
        signer: &dyn Signer,
        content: &[u8],
        place: Place,
        signing_time: Time,
        profile: Profile,
    ) -> Result<Self, Error> {
        let alg = algorithm::digest_of(algorithm::of_signer(signer)?)?;
        let inside = (place == Place::Attached).then_some(content);
        Self::over(
            signer,
            profile,
            profile.data(),
            inside,
            &alg.digest(content),
            Some(signing_time),
        )
    }

    fn over(
        signer: &dyn Signer,
        profile: Profile,
        content_type: Oid,
        content: Option<&[u8]>,
        digest: &[u8],
        signing_time: Option<Time>,
    ) -> Result<Self, Error> {
        let algorithm = algorithm::of_signer(signer)?;
        // Refuses what cannot be written before anything is signed.
        algorithm::signature_der(algorithm, profile)?;
        let certificate = signer.certificate();
        let mut certificates = vec![certificate.clone()];
        let above = signer.chain().iter().filter(|c| *c != certificate);
        certificates.extend(above.cloned());
        let digest_alg = algorithm::digest_of(algorithm)?;
        let mut attributes = vec![
            attribute(oid::CONTENT_TYPE, &write::oid(content_type)),
            attribute(oid::MESSAGE_DIGEST, &write::octets(digest)),
            attribute(
                oid::SIGNING_CERTIFICATE_V2,
                &signing_certificate(digest_alg, &certificates),
            ),
        ];
        let time = signing_time.map(|at| attribute(oid::SIGNING_TIME, &write::time(at)));
        attributes.extend(time);
        Ok(Draft {
            profile,
            content_type,
            content: content.map(<[u8]>::to_vec),
            certificates,
            algorithm,
            digest_alg,
            to_sign: write::set_of(tag::SET, attributes),
        })
    }

    /// The bytes to be signed: the signed attributes as a SET OF.
    pub fn to_sign(&self) -> &[u8] {
        &self.to_sign
    }

    /// The algorithm to sign them with.
    pub fn algorithm(&self) -> SignatureAlg {
        self.algorithm
    }

    /// The message with its signature.
    ///
    /// # Errors
    /// [`Error::BadSignature`] if the signature is not one over [`Draft::to_sign`] by the
    /// certificate's key.
    pub fn complete(self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.certificates[0].public_key();
        let verified = key.verify(self.algorithm, &self.to_sign, signature);
        verified.map_err(|_| Error::BadSignature { what: super::WHAT })?;
        let part = self.part(signature)?;
        let content = self.content.as_deref();
        assemble(self.profile, self.content_type, content, vec![part])
    }

    fn part(&self, signature: &[u8]) -> Result<Part, Error> {
        let mut stored = self.to_sign.clone();
        stored[0] = tag::context(0);
        let certificate = &self.certificates[0];
        let serial = write::tlv(tag::INTEGER, &[certificate.serial_raw()]);
        let digest_alg = self.digest_alg.der();
        let info = write::seq(&[
            &write::small(1),
            &write::seq(&[certificate.issuer_raw(), &serial]),
            &digest_alg,
            &stored,
            &algorithm::signature_der(self.algorithm, self.profile)?,
            &write::octets(signature),
        ]);
        Ok(Part {
            digest_alg,
            certificates: self.certificates.clone(),
            info,
        })
    }
}

/// One signer's share of a message.
struct Part {
    digest_alg: Vec<u8>,
    certificates: Vec<Certificate>,
    info: Vec<u8>,
}

/// Builds a message with other content than data inside, with or without certificates.
pub(crate) fn build(
    signer: &dyn Signer,
    profile: Profile,
    content_type: Oid,
    content: &[u8],
    signing_time: Time,
    with_certificates: bool,
) -> Result<Vec<u8>, Error> {
    let alg = algorithm::digest_of(algorithm::of_signer(signer)?)?;
    let digest = alg.digest(content);
    let inside = Some(content);
    let time = Some(signing_time);
    let draft = Draft::over(signer, profile, content_type, inside, &digest, time)?;
    let mut part = draft.part(&signer.sign(&draft.to_sign)?)?;
    if !with_certificates {
        part.certificates.clear();
    }
    assemble(profile, content_type, inside, vec![part])
}

fn assemble(
    profile: Profile,
    content_type: Oid,
    content: Option<&[u8]>,
    parts: Vec<Part>,
) -> Result<Vec<u8>, Error> {
    if parts.is_empty() {
        return Err(rule("no signer"));
    }
    let (mut digests, mut certificates, mut infos) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        digests.push(part.digest_alg);
        certificates.extend(part.certificates.iter().map(|c| c.der().to_vec()));
        infos.push(part.info);
    }
    for list in [&mut digests, &mut certificates] {
        list.sort();
        list.dedup();
    }
    let inner = content.map(|c| write::tlv(tag::context(0), &[&write::octets(c)]));
    let encapsulated = write::seq(&[&write::oid(content_type), &inner.unwrap_or_default()]);
    // RFC 5652 section 5.1: version 3 for content other than id-data.
    let version = if content_type == profile.data() { 1 } else { 3 };
    let signed_data = write::seq(&[
        &write::small(version),
        &write::set_of(tag::SET, digests),
        &encapsulated,
        &match certificates.is_empty() {
            true => Vec::new(),
            false => write::set_of(tag::context(0), certificates),
        },
        &write::set_of(tag::SET, infos),
    ]);
    Ok(write::seq(&[
        &write::oid(profile.signed_data()),
        &write::tlv(tag::context(0), &[&signed_data]),
    ]))
}

fn attribute(id: Oid, value: &[u8]) -> Vec<u8> {
    write::seq(&[&write::oid(id), &write::tlv(tag::SET, &[value])])
}

/// SigningCertificateV2 (RFC 5035) that binds the signer and every certificate sent along.
fn signing_certificate(alg: DigestAlg, all: &[Certificate]) -> Vec<u8> {
    // P-384 signatures name their certificates by SHA-256 like the others of the suite.
    let hash = match alg {
        DigestAlg::Sm3 => HashAlg::Sm3,
        _ => HashAlg::Sha256,
    };
    let ids = all.iter().map(|certificate| {
        let digest = write::octets(certificate.fingerprint(hash).as_bytes());
        // SHA-256 is the DEFAULT, so DER leaves it out.
        let alg = match hash {
            HashAlg::Sha256 => Vec::new(),
            HashAlg::Sm3 => oid::algorithm_der(oid::SM3, false),
        };
        write::seq(&[&alg, &digest])
    });
    let ids: Vec<Vec<u8>> = ids.collect();
    let refs: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
    write::seq(&[&write::seq(&refs)])
}
