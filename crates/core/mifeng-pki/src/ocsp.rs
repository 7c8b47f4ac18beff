//! OCSP (RFC 6960): what a responder said about certificates, and the request to ask it.

use crate::asn1::{Reader, tag, write};
use crate::certificate::extension;
use crate::name::{self, Canonical};
use crate::oid::{self, Oid};
use crate::{Certificate, Error, Evidence, EvidenceKind, Revoked};
use mifeng_crypto::{HashAlg, SignatureAlg, Time};
use std::sync::Arc;

/// Bytes of the largest response read: four certificates and a few answers.
pub const OCSP_LEN_MAX: usize = 65_536;
/// Answers of one response.
const ANSWERS_MAX: usize = 256;
/// Certificates of one response: the responder's and a few above it.
const CERTIFICATES_MAX: usize = 8;
/// Extensions of one list.
const EXTENSIONS_MAX: usize = 32;
const WHAT: &str = "OCSP response";

/// What a responder says about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked(Revoked),
    /// The responder does not know the certificate.
    Unknown,
}

/// One answer of a response.
#[derive(Clone, Debug)]
pub struct OcspAnswer {
    hash: Oid,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    serial: Vec<u8>,
    /// What is said.
    pub status: OcspStatus,
    /// When it was known to be right.
    pub this_update: Time,
    /// When newer knowledge is due; absent if it is always there.
    pub next_update: Option<Time>,
    /// Since when expired certificates are still answered for (archiveCutoff).
    pub archive_cutoff: Option<Time>,
}

impl OcspAnswer {
    /// Whether the answer is about `certificate`, issued by `issuer`: CertID with SHA-1, SHA-256,
    /// SHA-384, SHA-512 or SM3.
    pub fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let digest = |data: &[u8]| oid::digest_by_oid(self.hash, data);
        self.serial == certificate.serial_raw()
            && digest(certificate.issuer_raw()).is_some_and(|name| name == self.issuer_name)
            && digest(issuer.public_key().raw()).is_some_and(|key| key == self.issuer_key)
    }
    /// Whether it is about a certificate issued by `issuer`.
    pub fn is_of(&self, issuer: &Certificate) -> bool {
        let digest = |data: &[u8]| oid::digest_by_oid(self.hash, data);
        digest(issuer.subject_raw()).is_some_and(|name| name == self.issuer_name)
            && digest(issuer.public_key().raw()).is_some_and(|key| key == self.issuer_key)
    }
    /// Until when it speaks: without nextUpdate for what was before it was made.
    pub(crate) fn ends(&self) -> Time {
        self.next_update.unwrap_or(self.this_update)
    }
    /// Whether it speaks for the instant; nextUpdate names a whole second.
    pub(crate) fn speaks_at(&self, at: Time) -> bool {
        at.as_unix_seconds() <= self.ends().as_unix_seconds()
    }
    /// CertID, which names the certificate.
    pub(crate) fn certificate_id(&self) -> Vec<u8> {
        write::seq(&[
            &oid::algorithm_der(self.hash, false),
            &write::octets(&self.issuer_name),
            &write::octets(&self.issuer_key),
            &write::tlv(tag::INTEGER, &[&self.serial]),
        ])
    }
    /// Content octets of the serial number it is about.
    pub fn serial_raw(&self) -> &[u8] {
        &self.serial
    }
}

enum Responder {
    Name(Canonical),
    Key(Vec<u8>),
}

/// A parsed, not yet verified, successful response. Cheap to clone.
#[derive(Clone)]
pub struct OcspResponse(Arc<Fields>);

struct Fields {
    der: Arc<[u8]>,
    tbs: (usize, usize),
    alg: Option<SignatureAlg>,
    signature: Vec<u8>,
    responder: Responder,
    produced_at: Time,
    answers: Vec<OcspAnswer>,
    nonce: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    unknown_critical: Option<Oid>,
}

impl OcspResponse {
    /// Reads one DER OCSPResponse of status successful and type basic.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::Ocsp`] if the responder did not answer.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > OCSP_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: der.len(),
                max: OCSP_LEN_MAX,
            });
        }
        let mut top = Reader::new(der, WHAT);
        let mut outer = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        answered(outer.value(tag::ENUMERATED)?)?;
        let mut explicit = outer.enter(tag::context(0))?;
        outer.finish()?;
        let mut typed = explicit.enter(tag::SEQUENCE)?;
        explicit.finish()?;
        if typed.oid()? != oid::OCSP_BASIC {
            return Err(rule("the type of the response is not basic"));
        }
        let basic = typed.value(tag::OCTET_STRING)?;
        typed.finish()?;
        let mut whole = Reader::new(basic, WHAT);
        let mut input = whole.enter(tag::SEQUENCE)?;
        whole.finish()?;
        let start = input.rest().as_ptr().addr() - der.as_ptr().addr();
        let tbs = input.whole(tag::SEQUENCE)?;
        let alg = oid::signature_alg(&oid::algorithm(&mut input)?);
        let signature = input.bits()?.to_vec();
        let certificates = match input.optional(tag::context(0))? {
            Some(mut explicit) => {
                let list = explicit.enter(tag::SEQUENCE)?;
                explicit.finish()?;
                certificates(list)?
            }
            None => Vec::new(),
        };
        input.finish()?;
        let mut fields = Fields {
            der: der.into(),
            tbs: (start, start + tbs.len()),
            alg,
            signature,
            responder: Responder::Key(Vec::new()),
            produced_at: Time::from_unix_seconds(0),
            answers: Vec::new(),
            nonce: None,
            certificates,
            unknown_critical: None,
        };
        fields.read_data(Reader::new(tbs, WHAT).enter(tag::SEQUENCE)?)?;
        Ok(OcspResponse(Arc::new(fields)))
    }

    /// The bytes as they were read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
    /// When the response was signed, by the responder's clock.
    pub fn produced_at(&self) -> Time {
        self.0.produced_at
    }
    /// Every answer in it.
    pub fn answers(&self) -> &[OcspAnswer] {
        &self.0.answers
    }
    /// The nonce of the request, if the responder repeated it: the content of its OCTET STRING.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.0.nonce.as_deref()
    }
    /// The certificates that came with it.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0.certificates
    }

    pub(crate) fn unknown_critical(&self) -> Option<Oid> {
        self.0.unknown_critical
    }
    pub(crate) fn signature_alg(&self) -> Option<SignatureAlg> {
        self.0.alg
    }
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
    /// Whether the responder calls itself by this certificate's name or key.
    pub(crate) fn names(&self, responder: &Certificate) -> bool {
        match &self.0.responder {
            Responder::Name(name) => name == responder.subject(),
            // SHA-1 (RFC 6960 section 4.2.1); SM3 is what some GM responders write.
            Responder::Key(hash) => [oid::SHA1, oid::SM3].into_iter().any(|alg| {
                oid::digest_by_oid(alg, responder.public_key().raw()).as_ref() == Some(hash)
            }),
        }
    }
    /// # Errors
    /// [`Error::BadSignature`].
    pub(crate) fn verify(&self, responder: &Certificate) -> Result<(), Error> {
        let alg = self.0.alg.ok_or(Error::Malformed { what: WHAT })?;
        let tbs = &self.0.der[self.0.tbs.0..self.0.tbs.1];
        responder.verifies(alg, tbs, &self.0.signature, WHAT)
    }
    pub(crate) fn evidence(&self) -> Evidence {
        Evidence::new(EvidenceKind::OcspResponse, self.0.der.clone())
    }
}

impl PartialEq for OcspResponse {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}
impl Eq for OcspResponse {}

impl core::fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (made, answers) = (self.produced_at(), self.0.answers.len());
        write!(f, "OcspResponse({made}, {answers} answers)")
    }
}

impl Fields {
    /// ResponseData (RFC 6960 section 4.2.1).
    fn read_data(&mut self, mut input: Reader<'_>) -> Result<(), Error> {
        if let Some(mut version) = input.optional(tag::context(0))? {
            if version.small()? != 0 {
                return Err(input.wrong());
            }
            version.finish()?;
        }
        let (kind, _, value) = input.any()?;
        let mut inner = Reader::new(value, WHAT);
        self.responder = match kind {
            0xa1 => {
                let whole = inner.whole(tag::SEQUENCE)?;
                Responder::Name(name::canonical(whole)?)
            }
            0xa2 => Responder::Key(inner.value(tag::OCTET_STRING)?.to_vec()),
            _ => return Err(input.wrong()),
        };
        inner.finish()?;
        self.produced_at = generalized(&mut input)?;
        let mut list = input.enter(tag::SEQUENCE)?;
        while !list.is_empty() {
            let (answer, critical) = answer(list.enter(tag::SEQUENCE)?)?;
            self.unknown_critical = self.unknown_critical.or(critical);
            self.answers.push(answer);
            if self.answers.len() > ANSWERS_MAX {
                return Err(Error::TooLarge {
                    what: "answers",
                    found: self.answers.len(),
                    max: ANSWERS_MAX,
                });
            }
        }
        let nonce = &mut self.nonce;
        let critical = extensions(&mut input, &mut |id, value| {
            if id == oid::OCSP_NONCE {
                // RFC 8954 wraps it in an OCTET STRING; older responders do not.
                let mut inner = Reader::new(value, WHAT);
                let wrapped = inner
                    .value(tag::OCTET_STRING)
                    .ok()
                    .filter(|_| inner.is_empty());
                *nonce = Some(wrapped.unwrap_or(value).to_vec());
                return Ok(true);
            }
            Ok(false)
        })?;
        self.unknown_critical = self.unknown_critical.or(critical);
        input.finish()
    }
}

fn rule(rule: &'static str) -> Error {
    Error::Ocsp { rule }
}

fn answered(status: &[u8]) -> Result<(), Error> {
    Err(rule(match status {
        [0] => return Ok(()),
        [1] => "the responder calls the request malformed",
        [2] => "the responder has an internal error",
        [3] => "the responder asks to try later",
        [5] => "the responder asks for a signed request",
        [6] => "the responder does not answer this client",
        _ => return Err(Error::Malformed { what: WHAT }),
    }))
}

fn certificates(mut list: Reader<'_>) -> Result<Vec<Certificate>, Error> {
    let mut out = Vec::new();
    while !list.is_empty() {
        let whole = list.whole(tag::SEQUENCE)?;
        if out.len() >= CERTIFICATES_MAX {
            return Err(list.wrong());
        }
        // One that cannot be read cannot be the responder's either.
        out.extend(Certificate::parse(whole));
    }
    Ok(out)
}

fn generalized(input: &mut Reader<'_>) -> Result<Time, Error> {
    if input.peek() != Some(tag::GENERALIZED_TIME) {
        return Err(input.wrong());
    }
    input.time()
}

/// A SingleResponse, and its first critical extension that is not understood.
fn answer(mut one: Reader<'_>) -> Result<(OcspAnswer, Option<Oid>), Error> {
    let mut id = one.enter(tag::SEQUENCE)?;
    let hash = oid::algorithm(&mut id)?;
    if !hash.parameters.is_empty() {
        return Err(one.wrong());
    }
    let (issuer_name, issuer_key) = (id.value(tag::OCTET_STRING)?, id.value(tag::OCTET_STRING)?);
    let serial = id.integer()?.to_vec();
    id.finish()?;
    let mut status = status(&mut one)?;
    let this_update = generalized(&mut one)?;
    let next_update = match one.optional(tag::context(0))? {
        Some(mut explicit) => {
            let time = generalized(&mut explicit)?;
            explicit.finish()?;
            Some(time)
        }
        None => None,
    };
    let mut archive_cutoff = None;
    let critical = extensions(&mut one, &mut |id, value| {
        let mut inner = Reader::new(value, WHAT);
        match (id, &mut status) {
            (oid::OCSP_ARCHIVE_CUTOFF, _) => archive_cutoff = Some(generalized(&mut inner)?),
            // CRL entry extensions are allowed here (RFC 6960 section 4.4.5).
            (oid::INVALIDITY_DATE, OcspStatus::Revoked(entry)) => {
                entry.invalid_since = Some(generalized(&mut inner)?);
            }
            _ => return Ok(false),
        }
        inner.finish()?;
        Ok(true)
    })?;
    one.finish()?;
    let answer = OcspAnswer {
        hash: hash.oid,
        issuer_name: issuer_name.to_vec(),
        issuer_key: issuer_key.to_vec(),
        serial,
        status,
        this_update,
        next_update,
        archive_cutoff,
    };
    Ok((answer, critical))
}

fn status(one: &mut Reader<'_>) -> Result<OcspStatus, Error> {
    let (kind, _, value) = one.any()?;
    match (kind, value) {
        (0x80, []) => Ok(OcspStatus::Good),
        (0x82, []) => Ok(OcspStatus::Unknown),
        (0xa1, value) => {
            let mut inner = Reader::new(value, WHAT);
            let mut entry = Revoked {
                revoked: generalized(&mut inner)?,
                reason: 0,
                invalid_since: None,
            };
            if let Some(mut explicit) = inner.optional(tag::context(0))? {
                match explicit.value(tag::ENUMERATED)? {
                    [reason] => entry.reason = *reason,
                    _ => return Err(one.wrong()),
                }
                explicit.finish()?;
            }
            inner.finish()?;
            Ok(OcspStatus::Revoked(entry))
        }
        _ => Err(one.wrong()),
    }
}

/// Takes one extension; false if it is not understood.
type Each<'f> = dyn FnMut(Oid, &[u8]) -> Result<bool, Error> + 'f;

/// Extensions under `[1]`, if they are there, none twice; the first critical one that `each` does not take.
fn extensions(input: &mut Reader<'_>, each: &mut Each<'_>) -> Result<Option<Oid>, Error> {
    let (mut unknown, mut seen) = (None, Vec::new());
    if let Some(mut explicit) = input.optional(tag::context(1))? {
        let mut list = explicit.enter(tag::SEQUENCE)?;
        explicit.finish()?;
        while !list.is_empty() {
            let (id, critical, value) = extension(&mut list)?;
            if seen.contains(&id) || seen.len() >= EXTENSIONS_MAX {
                return Err(list.wrong());
            }
            seen.push(id);
            if !each(id, value)? && critical {
                unknown = unknown.or(Some(id));
            }
        }
    }
    Ok(unknown)
}

/// The CertID of `certificate`, issued by `issuer`, with this hash.
pub(crate) fn certificate_id(serial: &[u8], issuer: &Certificate, hash: HashAlg) -> Vec<u8> {
    let digest = |data: &[u8]| write::octets(hash.digest(data).as_bytes());
    write::seq(&[
        &oid::algorithm_der(oid::hash_oid(hash), false),
        &digest(issuer.subject_raw()),
        &digest(issuer.public_key().raw()),
        &write::tlv(tag::INTEGER, &[serial]),
    ])
}

/// An unsigned OCSPRequest about `certificate`, issued by `issuer`, for
/// `application/ocsp-request`. `nonce`, if given, has 1 to 32 random bytes.
pub fn request(
    certificate: &Certificate,
    issuer: &Certificate,
    hash: HashAlg,
    nonce: Option<&[u8]>,
) -> Vec<u8> {
    let one = write::seq(&[&certificate_id(certificate.serial_raw(), issuer, hash)]);
    let extensions = nonce.map(nonce_extension).unwrap_or_default();
    let extensions = if extensions.is_empty() {
        extensions
    } else {
        write::tlv(tag::context(2), &[&write::seq(&[&extensions])])
    };
    write::seq(&[&write::seq(&[&write::seq(&[&one]), &extensions])])
}

/// The nonce extension (RFC 8954).
pub(crate) fn nonce_extension(nonce: &[u8]) -> Vec<u8> {
    write::seq(&[
        &write::oid(oid::OCSP_NONCE),
        &write::octets(&write::octets(nonce)),
    ])
}
