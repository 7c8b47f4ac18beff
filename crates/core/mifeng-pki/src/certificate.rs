//! One X.509 certificate, read strictly where it matters and leniently where real CAs are lax.

use crate::asn1::{Reader, tag};
use crate::{Error, oid, uscc};
use core::fmt;
use mifeng_crypto::{Digest, HashAlg, PublicKey, SignatureAlg, Time};
use oid::Oid;
use std::sync::Arc;

/// Bytes of the largest certificate read: RSA-8192 with long policies stays below.
pub const CERTIFICATE_LEN_MAX: usize = 16_384;
/// Extensions of one certificate; real ones have fewer than twenty.
const EXTENSIONS_MAX: usize = 64;
/// Attributes of one name.
const ATTRIBUTES_MAX: usize = 64;
const WHAT: &str = "certificate";

/// The keyUsage bits of RFC 5280 section 4.2.1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature or nonRepudiation.
    pub fn signs(self) -> bool {
        self.0 & 0b11 != 0
    }
    /// keyEncipherment or dataEncipherment or keyAgreement.
    pub fn encrypts(self) -> bool {
        self.0 & 0b1_1100 != 0
    }
    /// keyCertSign.
    pub fn signs_certificates(self) -> bool {
        self.0 & 0b10_0000 != 0
    }
    /// cRLSign.
    pub fn signs_revocations(self) -> bool {
        self.0 & 0b100_0000 != 0
    }
}

/// A parsed certificate. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Fields>);

struct Fields {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature_alg: Option<SignatureAlg>,
    signature: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    attributes: Vec<(Oid, Vec<u8>)>,
    not_before: Time,
    not_after: Time,
    key: PublicKey,
    basic: Option<(bool, Option<u64>)>,
    usage: Option<KeyUsage>,
    extended: Option<(bool, Vec<Oid>)>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    organisation_code: Option<Vec<u8>>,
    unknown_critical: Option<Oid>,
}

impl Certificate {
    /// Reads one DER certificate: no trailing bytes, minimal lengths, the inner and outer
    /// algorithm identifiers byte-equal, no extension twice.
    ///
    /// Two parsers have to agree that it is one (`x509-parser` and ours). Extensions that are not
    /// understood are kept out; if they are critical, a path through the certificate is refused.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::Crypto`] for an unusable public key.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > CERTIFICATE_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: der.len(),
                max: CERTIFICATE_LEN_MAX,
            });
        }
        let mut top = Reader::new(der, WHAT);
        let mut outer = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let tbs = outer.whole(tag::SEQUENCE)?;
        let outer_alg = outer.whole(tag::SEQUENCE)?;
        let signature = outer.bits()?.to_vec();
        outer.finish()?;
        let fields = Self::read_tbs(der, tbs, outer_alg, signature)?;
        second_opinion(der)?;
        Ok(Certificate(Arc::new(fields)))
    }

    fn read_tbs(
        der: &[u8],
        tbs: &[u8],
        outer_alg: &[u8],
        signature: Vec<u8>,
    ) -> Result<Fields, Error> {
        let mut input = Reader::new(tbs, WHAT).enter(tag::SEQUENCE)?;
        let wrong = input.wrong();
        let mut version = input.enter(tag::context(0))?;
        if version.small()? != 2 {
            return Err(wrong);
        }
        version.finish()?;
        let serial = input.integer()?;
        // RFC 5280 section 4.1.2.2: positive, at most 20 octets (21 with the sign octet).
        if serial[0] & 0x80 != 0 || serial.len() > 21 {
            return Err(wrong);
        }
        let inner_alg = input.whole(tag::SEQUENCE)?;
        if inner_alg != outer_alg {
            return Err(wrong);
        }
        let signature_alg = oid::signature_alg(&oid::algorithm(&mut Reader::new(inner_alg, WHAT))?);
        let issuer = input.whole(tag::SEQUENCE)?.to_vec();
        let mut validity = input.enter(tag::SEQUENCE)?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        validity.finish()?;
        let subject = input.whole(tag::SEQUENCE)?.to_vec();
        let key = PublicKey::from_spki_der(input.whole(tag::SEQUENCE)?)?;
        // issuerUniqueID and subjectUniqueID: read over.
        for unique in [0x81, 0x82] {
            if input.peek() == Some(unique) {
                input.any()?;
            }
        }
        let mut fields = Fields {
            der: der.to_vec(),
            tbs: tbs.to_vec(),
            signature_alg,
            signature,
            serial: serial.to_vec(),
            attributes: attributes(&subject)?,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            basic: None,
            usage: None,
            extended: None,
            subject_key_id: None,
            authority_key_id: None,
            organisation_code: None,
            unknown_critical: None,
        };
        if let Some(mut explicit) = input.optional(tag::context(3))? {
            fields.read_extensions(explicit.enter(tag::SEQUENCE)?)?;
            explicit.finish()?;
        }
        input.finish()?;
        Ok(fields)
    }

    /// The bytes as they were read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
    /// The signed part.
    pub fn tbs_der(&self) -> &[u8] {
        &self.0.tbs
    }
    /// The hash of the whole certificate.
    pub fn fingerprint(&self, alg: HashAlg) -> Digest {
        alg.digest(&self.0.der)
    }
    /// The DER of the subject name.
    pub fn subject_raw(&self) -> &[u8] {
        &self.0.subject
    }
    /// The DER of the issuer name.
    pub fn issuer_raw(&self) -> &[u8] {
        &self.0.issuer
    }
    /// The common name, or the organisation, or the serial number: for display only.
    pub fn subject_name(&self) -> String {
        let name = self.attribute(oid::COMMON_NAME);
        name.or_else(|| self.organisation())
            .unwrap_or_else(|| self.serial_hex())
    }
    /// The organisation named in the subject.
    pub fn organisation(&self) -> Option<String> {
        self.attribute(oid::ORGANISATION)
    }
    /// The issuer's common name or organisation: for display only.
    pub fn issuer_name(&self) -> String {
        let list = attributes(&self.0.issuer).unwrap_or_default();
        let by = |wanted| list.iter().find(|(oid, _)| *oid == wanted).map(text_of);
        by(oid::COMMON_NAME)
            .or_else(|| by(oid::ORGANISATION))
            .unwrap_or_else(|| "an unnamed issuer".to_owned())
    }
    /// The unified social credit code, from the places CAs put it: extension
    /// 1.2.156.10260.4.1.4, then organizationIdentifier, serialNumber, OU, O and CN; taken only if
    /// its check character is right.
    pub fn uscc(&self) -> Option<String> {
        let extension = self.0.organisation_code.as_deref().and_then(uscc::find);
        let places = [
            oid::ORGANISATION_ID,
            oid::SERIAL_NUMBER,
            oid::UNIT,
            oid::ORGANISATION,
            oid::COMMON_NAME,
        ];
        extension.or_else(|| {
            places.iter().find_map(|place| {
                let mut of_type = self.0.attributes.iter().filter(|(oid, _)| oid == place);
                of_type.find_map(|(_, value)| uscc::find(value))
            })
        })
    }
    /// The serial number in lower-case hex.
    pub fn serial_hex(&self) -> String {
        hex::encode(&self.0.serial)
    }
    /// The content octets of the serial number.
    pub fn serial_raw(&self) -> &[u8] {
        &self.0.serial
    }
    /// The subject's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.key
    }
    /// The first instant of validity.
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }
    /// The last second of validity, which is included.
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }
    /// Whether basicConstraints says this is a CA.
    pub fn is_ca(&self) -> bool {
        matches!(self.0.basic, Some((true, _)))
    }
    /// The keyUsage bits, if the extension is there.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.usage
    }
    /// The extended key usages as dotted text.
    pub fn extended_key_usages(&self) -> Vec<String> {
        self.extended().iter().map(Oid::to_string).collect()
    }
    /// The algorithm of the issuer's signature, if it is one this crate knows.
    pub fn signature_alg(&self) -> Option<SignatureAlg> {
        self.0.signature_alg
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.0.signature
    }
    pub(crate) fn path_len(&self) -> Option<u64> {
        self.0.basic.and_then(|(_, len)| len)
    }
    pub(crate) fn extended(&self) -> &[Oid] {
        self.0.extended.as_ref().map_or(&[], |(_, list)| list)
    }
    pub(crate) fn extended_is_critical(&self) -> bool {
        matches!(self.0.extended, Some((true, _)))
    }
    pub(crate) fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.subject_key_id.as_deref()
    }
    pub(crate) fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.authority_key_id.as_deref()
    }
    pub(crate) fn unknown_critical(&self) -> Option<Oid> {
        self.0.unknown_critical
    }
    fn attribute(&self, wanted: Oid) -> Option<String> {
        let found = self.0.attributes.iter().find(|(oid, _)| *oid == wanted);
        found.map(text_of)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}
impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Certificate({}, {})",
            self.subject_name(),
            self.serial_hex()
        )
    }
}

fn text_of((_, value): &(Oid, Vec<u8>)) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// The attributes of a Name with the bytes of their values, whatever their string type.
fn attributes(name: &[u8]) -> Result<Vec<(Oid, Vec<u8>)>, Error> {
    let mut out = Vec::new();
    let mut rdns = Reader::new(name, WHAT).enter(tag::SEQUENCE)?;
    while !rdns.is_empty() {
        let mut set = rdns.enter(tag::SET)?;
        while !set.is_empty() {
            let mut pair = set.enter(tag::SEQUENCE)?;
            let (oid, (kind, _, value)) = (pair.oid()?, pair.any()?);
            pair.finish()?;
            // BMPString is UTF-16, the only type here that is not read as UTF-8.
            let value = if kind == 30 {
                let units = value
                    .chunks(2)
                    .map(|c| c.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
                String::from_utf16_lossy(&units.collect::<Vec<u16>>()).into_bytes()
            } else {
                value.to_vec()
            };
            out.push((oid, value));
            if out.len() > ATTRIBUTES_MAX {
                return Err(Error::TooLarge {
                    what: "name",
                    found: out.len(),
                    max: ATTRIBUTES_MAX,
                });
            }
        }
    }
    Ok(out)
}

impl Fields {
    fn read_extensions(&mut self, mut list: Reader<'_>) -> Result<(), Error> {
        let mut seen = Vec::new();
        while !list.is_empty() {
            let (id, critical, value) = extension(&mut list)?;
            if seen.contains(&id) || seen.len() >= EXTENSIONS_MAX {
                return Err(list.wrong());
            }
            seen.push(id);
            self.read_extension(id, critical, value)?;
        }
        Ok(())
    }

    fn read_extension(&mut self, id: Oid, critical: bool, value: &[u8]) -> Result<(), Error> {
        let mut input = Reader::new(value, WHAT);
        match id {
            oid::BASIC_CONSTRAINTS => {
                let mut inner = input.enter(tag::SEQUENCE)?;
                let ca = boolean(&mut inner)?;
                let len = if inner.is_empty() {
                    None
                } else {
                    Some(inner.small()?)
                };
                inner.finish()?;
                input.finish()?;
                self.basic = Some((ca, len));
            }
            oid::KEY_USAGE => self.usage = Some(key_usage(&mut input)?),
            oid::EXT_KEY_USAGE => {
                let (mut inner, mut list) = (input.enter(tag::SEQUENCE)?, Vec::new());
                while !inner.is_empty() {
                    list.push(inner.oid()?);
                }
                input.finish()?;
                self.extended = Some((critical, list));
            }
            // Not DER in some real certificates: then simply not there.
            oid::SUBJECT_KEY_ID => {
                self.subject_key_id = input.value(tag::OCTET_STRING).ok().map(<[u8]>::to_vec);
            }
            oid::AUTHORITY_KEY_ID => self.authority_key_id = key_id(value),
            oid::ORGANISATION_CODE => {
                // PrintableString, UTF8String, or the bare characters.
                let inner = input.any().ok().filter(|_| input.is_empty());
                self.organisation_code = Some(inner.map_or(value, |(_, _, v)| v).to_vec());
            }
            oid::SUBJECT_ALT_NAME | oid::CERTIFICATE_POLICIES => {}
            _ if critical => self.unknown_critical = Some(id),
            _ => {}
        }
        Ok(())
    }
}

/// keyIdentifier of an AuthorityKeyIdentifier.
pub(crate) fn key_id(value: &[u8]) -> Option<Vec<u8>> {
    let mut inner = Reader::new(value, WHAT).enter(tag::SEQUENCE).ok()?;
    match inner.any().ok()? {
        (0x80, _, id) => Some(id.to_vec()),
        _ => None,
    }
}

/// One Extension: identifier, critical, value.
pub(crate) fn extension<'a>(list: &mut Reader<'a>) -> Result<(Oid, bool, &'a [u8]), Error> {
    let mut one = list.enter(tag::SEQUENCE)?;
    let id = one.oid()?;
    let critical = boolean(&mut one)?;
    let value = one.value(tag::OCTET_STRING)?;
    one.finish()?;
    Ok((id, critical, value))
}

/// `BOOLEAN DEFAULT FALSE`; an explicit FALSE is not DER but is met, and taken.
fn boolean(input: &mut Reader<'_>) -> Result<bool, Error> {
    if input.peek() != Some(tag::BOOLEAN) {
        return Ok(false);
    }
    match input.value(tag::BOOLEAN)? {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(input.wrong()),
    }
}

fn key_usage(input: &mut Reader<'_>) -> Result<KeyUsage, Error> {
    let value = input.value(tag::BIT_STRING)?;
    input.finish()?;
    let ([unused @ 0..=7, bits @ ..], true) = (value, matches!(value.len(), 2..=3)) else {
        return Err(input.wrong());
    };
    if bits
        .last()
        .is_some_and(|last| last & ((1u8 << unused) - 1) != 0)
    {
        return Err(input.wrong());
    }
    // Bit 0 is the top bit of the first byte.
    let low = u16::from(bits[0].reverse_bits());
    let high = bits.get(1).map_or(0, |b| u16::from(b.reverse_bits()));
    Ok(KeyUsage(low | high << 8))
}

/// Other people's parser has to see one certificate in the same bytes.
fn second_opinion(der: &[u8]) -> Result<(), Error> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    match X509Certificate::from_der(der) {
        Ok(([], _)) => Ok(()),
        _ => Err(Error::Malformed { what: WHAT }),
    }
}
