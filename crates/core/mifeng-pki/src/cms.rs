//! Detached signatures: CMS SignedData (RFC 5652) and its GB/T 35275 twin.

use crate::asn1::{Reader, tag, write};
use crate::oid::{self, Oid};
use crate::{Certificate, Error, Signer};
use mifeng_crypto::{Digest, HashAlg, SignatureAlg, Suite, Time};

/// Bytes of the largest message read; the sealed-bid format allows 16,384.
pub const MESSAGE_LEN_MAX: usize = 65_536;
/// Certificates in one message.
const CERTIFICATES_MAX: usize = 8;
/// Signed attributes of one signature.
const ATTRIBUTES_MAX: usize = 16;
const WHAT: &str = "signature message";

/// Which standard's identifiers the message is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 5652: what general tools read.
    Rfc5652,
    /// GB/T 35275: what Chinese products read.
    Gbt35275,
}

impl Profile {
    /// GB/T 35275 for gm-1, RFC 5652 for intl-1.
    pub fn of(suite: &Suite) -> Self {
        match suite.hash() {
            HashAlg::Sm3 => Profile::Gbt35275,
            HashAlg::Sha256 => Profile::Rfc5652,
        }
    }
    fn signed_data(self) -> Oid {
        match self {
            Profile::Rfc5652 => oid::SIGNED_DATA,
            Profile::Gbt35275 => oid::GM_SIGNED_DATA,
        }
    }
    fn data(self) -> Oid {
        match self {
            Profile::Rfc5652 => oid::DATA,
            Profile::Gbt35275 => oid::GM_DATA,
        }
    }
}

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
    let digest = hash_of(signer)?.digest(content);
    sign_detached_digest(signer, &digest, signing_time, profile)
}

/// As [`sign_detached`] when only the digest of the content is known, by the hash of the signer's
/// suite: SM3 for SM2 keys, SHA-256 for others.
///
/// # Errors
/// As [`sign_detached`].
pub fn sign_detached_digest(
    signer: &dyn Signer,
    digest: &Digest,
    signing_time: Time,
    profile: Profile,
) -> Result<Vec<u8>, Error> {
    build(signer, profile, profile.data(), None, digest, signing_time)
}

fn hash_of(signer: &dyn Signer) -> Result<HashAlg, Error> {
    use mifeng_crypto::KeyAlg;
    match signer.certificate().public_key().key_alg() {
        KeyAlg::Sm2 => Ok(HashAlg::Sm3),
        KeyAlg::P256 | KeyAlg::Rsa { .. } => Ok(HashAlg::Sha256),
        _ => Err(Error::Message {
            rule: "no writer for this signature algorithm",
        }),
    }
}

fn attribute(id: Oid, value: &[u8]) -> Vec<u8> {
    write::seq(&[&write::oid(id), &write::tlv(tag::SET, &[value])])
}

/// SigningCertificateV2 (RFC 5035) that binds the signer and every certificate sent along.
fn signing_certificate(hash: HashAlg, all: &[&Certificate]) -> Vec<u8> {
    let ids: Vec<Vec<u8>> = all
        .iter()
        .map(|certificate| {
            let digest = write::octets(certificate.fingerprint(hash).as_bytes());
            // SHA-256 is the DEFAULT, so DER leaves it out.
            let alg = match hash {
                HashAlg::Sha256 => Vec::new(),
                HashAlg::Sm3 => oid::algorithm_der(oid::SM3, false),
            };
            write::seq(&[&alg, &digest])
        })
        .collect();
    let refs: Vec<&[u8]> = ids.iter().map(Vec::as_slice).collect();
    write::seq(&[&write::seq(&refs)])
}

/// Builds a message around `digest`, with the content inside if given.
pub(crate) fn build(
    signer: &dyn Signer,
    profile: Profile,
    content_type: Oid,
    content: Option<&[u8]>,
    digest: &Digest,
    signing_time: Time,
) -> Result<Vec<u8>, Error> {
    let hash = hash_of(signer)?;
    let certificate = signer.certificate();
    let mut all = vec![certificate];
    all.extend(signer.chain().iter().filter(|c| *c != certificate));
    let attributes = vec![
        attribute(oid::CONTENT_TYPE, &write::oid(content_type)),
        attribute(oid::MESSAGE_DIGEST, &write::octets(digest.as_bytes())),
        attribute(oid::SIGNING_TIME, &write::time(signing_time)),
        attribute(
            oid::SIGNING_CERTIFICATE_V2,
            &signing_certificate(hash, &all),
        ),
    ];
    let signed = write::set_of(tag::SET, attributes);
    let signature = signer.sign(&signed)?;
    let mut stored = signed;
    stored[0] = tag::context(0);
    let key_alg = certificate.public_key().key_alg();
    let signature_alg = match (hash, profile, key_alg) {
        (HashAlg::Sm3, Profile::Gbt35275, _) => oid::algorithm_der(oid::SM2_SIGN, false),
        (HashAlg::Sm3, Profile::Rfc5652, _) => oid::signature_alg_der(SignatureAlg::Sm2Sm3)?,
        (_, _, mifeng_crypto::KeyAlg::P256) => {
            oid::signature_alg_der(SignatureAlg::EcdsaP256Sha256)?
        }
        // RFC 3370 section 3.2: rsaEncryption, parameters NULL.
        _ => oid::algorithm_der(oid::RSA, true),
    };
    let digest_alg = oid::algorithm_der(oid::hash_oid(hash), false);
    let serial = write::tlv(tag::INTEGER, &[certificate.serial_raw()]);
    let signer_info = write::seq(&[
        &write::small(1),
        &write::seq(&[certificate.issuer_raw(), &serial]),
        &digest_alg,
        &stored,
        &signature_alg,
        &write::octets(&signature),
    ]);
    let inner = content.map(|c| write::tlv(tag::context(0), &[&write::octets(c)]));
    let encapsulated = write::seq(&[&write::oid(content_type), &inner.unwrap_or_default()]);
    let certificates = all.iter().map(|c| c.der().to_vec()).collect();
    // RFC 5652 section 5.1: version 3 for content other than id-data.
    let version = if content_type == profile.data() { 1 } else { 3 };
    let signed_data = write::seq(&[
        &write::small(version),
        &write::tlv(tag::SET, &[&digest_alg]),
        &encapsulated,
        &write::set_of(tag::context(0), certificates),
        &write::tlv(tag::SET, &[&signer_info]),
    ]);
    Ok(write::seq(&[
        &write::oid(profile.signed_data()),
        &write::tlv(tag::context(0), &[&signed_data]),
    ]))
}

/// A message that was read but not verified.
#[derive(Clone, Debug)]
pub struct SignedData {
    profile: Profile,
    content_type: Oid,
    content: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    digest_alg: Oid,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    /// The signed attributes as the SET OF that is signed.
    attributes: Option<Vec<u8>>,
    signature_alg: Oid,
    signature: Vec<u8>,
}

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
}

/// How much of the field's variety is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// What this library writes: attributes and signing-certificate-v2 are required.
    Own,
    /// Messages of other products: neither is required.
    Field,
}

/// Reads and verifies a detached message over `content`, with algorithms of `suite` only. The
/// path of the signer's certificate is the next step: [`crate::verify_path`].
///
/// # Errors
/// [`Error::Malformed`], [`Error::Message`], [`Error::WrongSuite`], [`Error::DigestMismatch`],
/// [`Error::BadSignature`].
pub fn verify_detached(der: &[u8], content: &[u8], suite: &'static Suite) -> Result<Signed, Error> {
    verify_detached_digest(der, &suite.hash().digest(content), suite)
}

/// As [`verify_detached`] when only the content's digest by the suite's hash is at hand.
///
/// # Errors
/// As [`verify_detached`].
pub fn verify_detached_digest(
    der: &[u8],
    digest: &Digest,
    suite: &'static Suite,
) -> Result<Signed, Error> {
    let message = SignedData::parse(der)?;
    let types = [oid::DATA, oid::GM_DATA];
    if message.content.is_some() || !types.contains(&message.content_type) {
        return Err(rule("content must be detached data"));
    }
    message.verify(digest, suite, Strictness::Own)
}

fn rule(rule: &'static str) -> Error {
    Error::Message { rule }
}

impl SignedData {
    /// Reads one message with exactly one signer: strict DER, nothing after it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::Message`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MESSAGE_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: der.len(),
                max: MESSAGE_LEN_MAX,
            });
        }
        let mut top = Reader::new(der, WHAT);
        let mut info = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let profile = match info.oid()? {
            oid::SIGNED_DATA => Profile::Rfc5652,
            oid::GM_SIGNED_DATA => Profile::Gbt35275,
            _ => return Err(rule("content type is not signed data")),
        };
        let mut explicit = info.enter(tag::context(0))?;
        info.finish()?;
        let mut input = explicit.enter(tag::SEQUENCE)?;
        explicit.finish()?;
        let version = input.small()?;
        let mut digests = input.enter(tag::SET)?;
        let announced = hash_id(&mut digests)?;
        digests.finish()?;
        let (content_type, content) = encapsulated(input.enter(tag::SEQUENCE)?)?;
        let expected = match content_type {
            oid::DATA | oid::GM_DATA => 1,
            _ => 3,
        };
        if version != expected && version != 1 {
            return Err(rule("version does not fit the content type"));
        }
        let certificates = match input.optional(tag::context(0))? {
            Some(list) => certificates(list)?,
            None => return Err(rule("the signer's certificate is missing")),
        };
        // Revocation lists inside a message are evidence for others; ours come as arguments.
        input.optional(tag::context(1))?;
        let mut signers = input.enter(tag::SET)?;
        input.finish()?;
        let mut signer = signers.enter(tag::SEQUENCE)?;
        if !signers.is_empty() {
            return Err(rule("more than one signer"));
        }
        if signer.small()? != 1 {
            return Err(rule("signer is not named by issuer and serial number"));
        }
        let mut name = signer.enter(tag::SEQUENCE)?;
        let issuer = name.whole(tag::SEQUENCE)?.to_vec();
        let serial = name.integer()?.to_vec();
        name.finish()?;
        let digest_alg = hash_id(&mut signer)?;
        if digest_alg != announced {
            return Err(rule("digest algorithms disagree"));
        }
        let attributes = match signer.peek() {
            Some(0xa0) => {
                let mut set = signer.whole(0xa0)?.to_vec();
                set[0] = tag::SET;
                Some(set)
            }
            _ => None,
        };
        let alg = oid::algorithm(&mut signer)?;
        if !alg.parameters.is_empty() {
            return Err(rule("unknown signature parameters"));
        }
        let signature = signer.value(tag::OCTET_STRING)?.to_vec();
        // Unsigned attributes prove nothing and are read over.
        signer.optional(tag::context(1))?;
        signer.finish()?;
        Ok(SignedData {
            profile,
            content_type,
            content,
            certificates,
            digest_alg,
            issuer,
            serial,
            attributes,
            signature_alg: alg.oid,
            signature,
        })
    }

    /// The content, if the message carries it.
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }
    /// The certificates the message carries.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
    /// Which identifiers the message uses.
    pub fn profile(&self) -> Profile {
        self.profile
    }
    pub(crate) fn content_type(&self) -> Oid {
        self.content_type
    }

    /// Whether a signed attribute names the signer's certificate.
    pub(crate) fn binds_signer(&self) -> bool {
        let read = self.attributes.as_deref().map(Attributes::read);
        matches!(read, Some(Ok(Attributes { bound: Some(_), .. })))
    }

    /// Verifies a message that carries its content.
    ///
    /// # Errors
    /// As [`verify_detached`].
    pub fn verify_attached(
        &self,
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Signed, Error> {
        let content = self.content.as_deref().ok_or(rule("content is missing"))?;
        self.verify(&suite.hash().digest(content), suite, strictness)
    }

    /// Verifies the signature over content with this digest.
    ///
    /// # Errors
    /// As [`verify_detached`].
    pub fn verify(
        &self,
        digest: &Digest,
        suite: &'static Suite,
        strictness: Strictness,
    ) -> Result<Signed, Error> {
        let foreign = |what| Error::WrongSuite {
            what,
            suite: suite.id(),
        };
        if self.digest_alg != oid::hash_oid(suite.hash()) {
            return Err(foreign("digest algorithm"));
        }
        let is_signer =
            |c: &&Certificate| c.issuer_raw() == self.issuer && c.serial_raw() == self.serial;
        let found = self.certificates.iter().find(is_signer);
        let certificate = found.ok_or(rule("the signer's certificate is missing"))?;
        let alg = self.algorithm(certificate, strictness);
        let alg = alg.filter(|alg| oid::belongs(*alg, suite));
        let alg = alg.ok_or(foreign("signature algorithm"))?;
        let signing_time = match &self.attributes {
            Some(set) => {
                let facts = Attributes::read(set)?;
                facts.check(self, certificate, digest, strictness)?;
                let verified = certificate.public_key().verify(alg, set, &self.signature);
                verified.map_err(|_| Error::BadSignature { what: WHAT })?;
                facts.signing_time
            }
            None => {
                self.verify_plain(certificate, alg, digest, suite, strictness)?;
                None
            }
        };
        let others = self.certificates.iter().filter(|c| *c != certificate);
        Ok(Signed {
            certificate: certificate.clone(),
            chain: others.cloned().collect(),
            signing_time,
            profile: self.profile,
        })
    }

    /// A signature directly over attached content, which other products make.
    fn verify_plain(
        &self,
        certificate: &Certificate,
        alg: SignatureAlg,
        digest: &Digest,
        suite: &Suite,
        strictness: Strictness,
    ) -> Result<(), Error> {
        let content = self.content.as_deref();
        let content = content.ok_or(rule("signed attributes are missing"))?;
        // A SET as content could be another message's signed attributes (RFC 5652 section 5.4).
        if strictness == Strictness::Own || content.first() == Some(&tag::SET) {
            return Err(rule("signed attributes are missing"));
        }
        if suite.hash().digest(content) != *digest {
            return Err(Error::DigestMismatch { what: "content" });
        }
        let verified = certificate
            .public_key()
            .verify(alg, content, &self.signature);
        verified.map_err(|_| Error::BadSignature { what: WHAT })
    }

    fn algorithm(&self, signer: &Certificate, strictness: Strictness) -> Option<SignatureAlg> {
        use mifeng_crypto::KeyAlg;
        let gbt = self.profile == Profile::Gbt35275;
        let field = strictness == Strictness::Field;
        match (signer.public_key().key_alg(), self.signature_alg) {
            (KeyAlg::Sm2, oid::SM2_SIGN) if gbt || field => Some(SignatureAlg::Sm2Sm3),
            (KeyAlg::Sm2, oid::SM2_SM3) if !gbt || field => Some(SignatureAlg::Sm2Sm3),
            (KeyAlg::P256, oid::ECDSA_SHA256) => Some(SignatureAlg::EcdsaP256Sha256),
            (KeyAlg::Rsa { .. }, oid::RSA | oid::RSA_SHA256) => Some(SignatureAlg::RsaPkcs1Sha256),
            _ => None,
        }
    }
}

fn hash_id(input: &mut Reader<'_>) -> Result<Oid, Error> {
    let id = oid::algorithm(input)?;
    if id.parameters.is_empty() {
        return Ok(id.oid);
    }
    Err(input.wrong())
}

fn encapsulated(mut input: Reader<'_>) -> Result<(Oid, Option<Vec<u8>>), Error> {
    let content_type = input.oid()?;
    let content = match input.optional(tag::context(0))? {
        Some(mut inner) => {
            let value = inner.value(tag::OCTET_STRING)?.to_vec();
            inner.finish()?;
            Some(value)
        }
        None => None,
    };
    input.finish()?;
    Ok((content_type, content))
}

fn certificates(mut list: Reader<'_>) -> Result<Vec<Certificate>, Error> {
    let mut out: Vec<Certificate> = Vec::new();
    while !list.is_empty() {
        if out.len() >= CERTIFICATES_MAX {
            return Err(Error::TooLarge {
                what: "certificate set",
                found: out.len() + 1,
                max: CERTIFICATES_MAX,
            });
        }
        let certificate = Certificate::parse(list.whole(tag::SEQUENCE)?)?;
        if out.contains(&certificate) {
            return Err(rule("a certificate stands twice"));
        }
        out.push(certificate);
    }
    Ok(out)
}

/// The signed attributes that matter.
#[derive(Default)]
struct Attributes {
    content_type: Option<Oid>,
    message_digest: Option<Vec<u8>>,
    signing_time: Option<Time>,
    /// Hash algorithm and digest of each certificate that is bound.
    bound: Option<Vec<(Oid, Vec<u8>)>>,
}

impl Attributes {
    fn read(set: &[u8]) -> Result<Self, Error> {
        let mut list = Reader::new(set, WHAT).enter(tag::SET)?;
        let mut out = Attributes::default();
        let (mut last, mut seen): (&[u8], Vec<Oid>) = (&[], Vec::new());
        while !list.is_empty() {
            let whole = list.whole(tag::SEQUENCE)?;
            // DER order, which is what was signed (X.690 section 11.6).
            if whole < last || seen.len() >= ATTRIBUTES_MAX {
                return Err(list.wrong());
            }
            last = whole;
            let mut pair = Reader::new(whole, WHAT).enter(tag::SEQUENCE)?;
            let id = pair.oid()?;
            if seen.contains(&id) {
                return Err(rule("a signed attribute stands twice"));
            }
            seen.push(id);
            let mut values = pair.enter(tag::SET)?;
            pair.finish()?;
            match id {
                oid::CONTENT_TYPE => out.content_type = Some(values.oid()?),
                oid::MESSAGE_DIGEST => {
                    out.message_digest = Some(values.value(tag::OCTET_STRING)?.to_vec());
                }
                oid::SIGNING_TIME => out.signing_time = Some(values.time()?),
                oid::SIGNING_CERTIFICATE_V2 => out.bound = Some(bound(&mut values, oid::SHA256)?),
                oid::SIGNING_CERTIFICATE if out.bound.is_none() => {
                    out.bound = Some(bound(&mut values, oid::SHA1)?);
                }
                _ => continue,
            }
            values.finish()?;
        }
        Ok(out)
    }

    fn check(
        &self,
        message: &SignedData,
        signer: &Certificate,
        digest: &Digest,
        strictness: Strictness,
    ) -> Result<(), Error> {
        let data = [Some(oid::DATA), Some(oid::GM_DATA)];
        let same = self.content_type == Some(message.content_type)
            || (strictness == Strictness::Field
                && data.contains(&self.content_type)
                && data.contains(&Some(message.content_type)));
        if !same {
            return Err(rule("contentType attribute disagrees or is missing"));
        }
        let claimed = self.message_digest.as_deref();
        if claimed.ok_or(rule("messageDigest is missing"))? != digest.as_bytes() {
            return Err(Error::DigestMismatch { what: "content" });
        }
        let Some(bound) = &self.bound else {
            return match strictness {
                Strictness::Own => Err(rule("signing-certificate-v2 is missing")),
                Strictness::Field => Ok(()),
            };
        };
        let matches = |(alg, hash): &(Oid, Vec<u8>), certificate: &Certificate| {
            oid::digest_by_oid(*alg, certificate.der()).as_deref() == Some(hash)
        };
        if !bound.first().is_some_and(|first| matches(first, signer)) {
            return Err(rule("signing-certificate-v2 names another certificate"));
        }
        // Own messages bind every certificate they carry.
        let all = |c: &Certificate| bound.iter().any(|id| matches(id, c));
        if strictness == Strictness::Own && !message.certificates.iter().all(all) {
            return Err(rule("a certificate is not bound by signing-certificate-v2"));
        }
        Ok(())
    }
}

/// The certificate hashes of SigningCertificate (RFC 2634) or SigningCertificateV2 (RFC 5035).
fn bound(values: &mut Reader<'_>, default: Oid) -> Result<Vec<(Oid, Vec<u8>)>, Error> {
    let mut outer = values.enter(tag::SEQUENCE)?;
    let mut list = outer.enter(tag::SEQUENCE)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        if out.len() >= CERTIFICATES_MAX {
            return Err(list.wrong());
        }
        let mut id = list.enter(tag::SEQUENCE)?;
        let alg = match id.peek() {
            Some(tag::SEQUENCE) => hash_id(&mut id)?,
            _ => default,
        };
        out.push((alg, id.value(tag::OCTET_STRING)?.to_vec()));
    }
    Ok(out)
}
