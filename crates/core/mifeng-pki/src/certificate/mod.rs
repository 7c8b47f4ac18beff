//! One X.509 certificate, read strictly where it matters and leniently where real CAs are lax.

mod extensions;

use crate::asn1::{Reader, tag};
use crate::constraints::NameConstraints;
use crate::name::{self, Canonical, GeneralName};
use crate::policies::Constraints;
use crate::{Error, oid, uscc};
use core::fmt;
pub(crate) use extensions::{
    DistributionPoint, Extensions, distribution_point_name, extension, flag, key_id, reason_flags,
};
use mifeng_crypto::{Digest, HashAlg, PublicKey, SignatureAlg, Signed, Time, verify_many};
use oid::Oid;
use std::sync::{Arc, OnceLock};

/// Bytes of the largest certificate read: RSA-8192 with long policies stays below.
pub const CERTIFICATE_LEN_MAX: usize = 16_384;
/// Octets of the longest serial number: RFC 5280 section 4.1.2.2 allows 20, and a sign octet.
const SERIAL_LEN_MAX: usize = 21;
const WHAT: &str = "certificate";

/// The keyUsage bits of RFC 5280 section 4.2.1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature or nonRepudiation.
    pub fn signs(self) -> bool {
        self.0 & 0b11 != 0
    }
    /// digitalSignature itself.
    pub fn signs_digitally(self) -> bool {
        self.0 & 1 != 0
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
    issuer_canonical: Canonical,
    subject_canonical: Canonical,
    attributes: Vec<(Oid, Vec<u8>)>,
    not_before: Time,
    not_after: Time,
    key: PublicKey,
    extensions: Extensions,
    /// The key (SubjectPublicKeyInfo) that was found to have made the signature.
    made_by: OnceLock<Box<[u8]>>,
    /// The hashes of the whole, by SM3 and by SHA-256.
    fingerprints: [OnceLock<Digest>; 2],
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
        if serial[0] & 0x80 != 0 || serial.len() > SERIAL_LEN_MAX {
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
        let issuer_canonical = name::canonical(&issuer)?;
        let mut extensions = Extensions::default();
        if let Some(mut explicit) = input.optional(tag::context(3))? {
            extensions.read(explicit.enter(tag::SEQUENCE)?, &issuer_canonical)?;
            explicit.finish()?;
        }
        input.finish()?;
        let (attributes, subject_canonical) = name::read(&subject)?;
        Ok(Fields {
            der: der.to_vec(),
            tbs: tbs.to_vec(),
            signature_alg,
            signature,
            serial: serial.to_vec(),
            issuer_canonical,
            subject_canonical,
            attributes,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            extensions,
            made_by: OnceLock::new(),
            fingerprints: Default::default(),
        })
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
        let place = match alg {
            HashAlg::Sm3 => 0,
            HashAlg::Sha256 => 1,
        };
        *self.0.fingerprints[place].get_or_init(|| alg.digest(&self.0.der))
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
        let (list, _) = name::read(&self.0.issuer).unwrap_or_default();
        let by = |wanted| list.iter().find(|(oid, _)| *oid == wanted).map(text_of);
        by(oid::COMMON_NAME)
            .or_else(|| by(oid::ORGANISATION))
            .unwrap_or_else(|| "an unnamed issuer".to_owned())
    }
    /// The unified social credit code, from the places CAs put it: extension
    /// 1.2.156.10260.4.1.4, then organizationIdentifier, serialNumber, OU, O and CN; taken only if
    /// its check character is right.
    pub fn uscc(&self) -> Option<String> {
        let extension = self
            .0
            .extensions
            .organisation_code
            .as_deref()
            .and_then(uscc::find);
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
    /// Whether this credit code stands anywhere in the subject or the extensions.
    pub fn names(&self, code: &str) -> bool {
        let tbs = &self.0.tbs;
        // Subject and extensions come after the issuer, which says nothing about the holder.
        let from = tbs
            .windows(self.0.issuer.len())
            .position(|window| window == self.0.issuer)
            .map_or(tbs.len(), |at| at + self.0.issuer.len());
        let wanted = code.as_bytes();
        uscc::is_uscc(code)
            && (self.uscc().as_deref() == Some(code)
                || tbs[from..].windows(wanted.len()).any(|w| w == wanted))
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
        matches!(self.0.extensions.basic, Some((true, _)))
    }
    /// The keyUsage bits, if the extension is there.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.extensions.usage
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
    /// Where the CA says its revocation lists are (cRLDistributionPoints), as written.
    pub fn revocation_list_urls(&self) -> Vec<String> {
        let points = self.0.extensions.distribution_points.iter().flatten();
        let names = points.flat_map(|point| point.names.iter().flatten());
        names.filter_map(url_of).collect()
    }
    /// Where the CA says its OCSP responder is (authorityInfoAccess), as written.
    pub fn ocsp_urls(&self) -> Vec<String> {
        self.0.extensions.ocsp.iter().filter_map(url_of).collect()
    }
    /// Whether issuer and subject are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.0.issuer_canonical == self.0.subject_canonical
    }

    pub(crate) fn path_len(&self) -> Option<u64> {
        self.0.extensions.basic.and_then(|(_, len)| len)
    }
    pub(crate) fn extended(&self) -> &[Oid] {
        self.0.extensions.extended.as_deref().unwrap_or_default()
    }
    pub(crate) fn extended_is_critical(&self) -> bool {
        self.extension_criticality(oid::EXT_KEY_USAGE) == Some(true)
    }
    pub(crate) fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }
    pub(crate) fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }
    /// Whether the authority key identifier names issuer and serial number, too.
    pub(crate) fn authority_key_id_is_long(&self) -> bool {
        self.0.extensions.authority_key_id_is_long
    }
    pub(crate) fn unknown_critical(&self) -> Option<Oid> {
        self.0.extensions.unknown_critical
    }
    /// An extension that matters and cannot be read.
    pub(crate) fn broken_extension(&self) -> Option<Oid> {
        self.0.extensions.broken
    }
    /// An extension that does not matter to a path and cannot be read.
    pub(crate) fn odd_extension(&self) -> Option<Oid> {
        self.0.extensions.odd
    }
    /// Whether an extension is there, and critical.
    pub(crate) fn extension_criticality(&self, id: Oid) -> Option<bool> {
        let seen = &self.0.extensions.seen;
        seen.iter()
            .find(|(seen, _)| *seen == id)
            .map(|(_, critical)| *critical)
    }
    pub(crate) fn subject(&self) -> &Canonical {
        &self.0.subject_canonical
    }
    pub(crate) fn issuer(&self) -> &Canonical {
        &self.0.issuer_canonical
    }
    pub(crate) fn alternative_names(&self) -> &[GeneralName] {
        self.0
            .extensions
            .alternative_names
            .as_deref()
            .unwrap_or_default()
    }
    pub(crate) fn name_constraints(&self) -> Option<&NameConstraints> {
        self.0.extensions.name_constraints.as_ref()
    }
    pub(crate) fn policies(&self) -> &[Oid] {
        &self.0.extensions.policies
    }
    pub(crate) fn policy_mappings(&self) -> &[(Oid, Oid)] {
        &self.0.extensions.mappings
    }
    pub(crate) fn policy_constraints(&self) -> Constraints {
        self.0.extensions.policy_constraints
    }
    pub(crate) fn inhibit_any(&self) -> Option<u64> {
        self.0.extensions.inhibit_any
    }
    pub(crate) fn distribution_points(&self) -> Option<&[DistributionPoint]> {
        self.0.extensions.distribution_points.as_deref()
    }
    pub(crate) fn attribute_values(&self, wanted: Oid) -> impl Iterator<Item = &[u8]> {
        let of_type = self
            .0
            .attributes
            .iter()
            .filter(move |(oid, _)| *oid == wanted);
        of_type.map(|(_, value)| value.as_slice())
    }
    /// The same for every clone of one parsed certificate, and for no other.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
    /// Whether this key made `signature` over `message`.
    pub(crate) fn verifies(
        &self,
        alg: SignatureAlg,
        message: &[u8],
        signature: &[u8],
        what: &'static str,
    ) -> Result<(), Error> {
        let verified = self.public_key().verify(alg, message, signature);
        verified.map_err(|_| Error::BadSignature { what })
    }
    /// Whether this key signed `child` by this algorithm, which is the child's own. What was found to be so is
    /// not computed again.
    pub(crate) fn made(&self, child: &Certificate, alg: SignatureAlg) -> Result<(), Error> {
        let key = self.public_key().spki_der();
        if child.0.made_by.get().is_some_and(|maker| **maker == *key) {
            return Ok(());
        }
        self.verifies(alg, child.tbs_der(), child.signature(), WHAT)?;
        // Another key may have come first (it verifies the same signature); then it stays.
        let _ = child.0.made_by.set(Box::from(key));
        Ok(())
    }
    /// Finds out side by side whether issuers made certificates, which `Certificate::made` then knows: of pairs of a
    /// child and an issuer. What is not found here is found, and said, when it is asked.
    pub fn find_makers(pairs: &[(&Certificate, &Certificate)]) {
        let unknown = |(child, _): &&(&Certificate, &Certificate)| child.0.made_by.get().is_none();
        let (mut children, mut all) = (Vec::new(), Vec::new());
        for (child, issuer) in pairs.iter().filter(unknown) {
            if let Some(alg) = child.signature_alg() {
                children.push((child, issuer));
                all.push(Signed {
                    key: issuer.public_key(),
                    alg,
                    message: child.tbs_der(),
                    signature: child.signature(),
                });
            }
        }
        for ((child, issuer), verified) in children.iter().zip(verify_many(&all)) {
            if verified.is_ok() {
                let _ = child
                    .0
                    .made_by
                    .set(Box::from(issuer.public_key().spki_der()));
            }
        }
    }
    fn attribute(&self, wanted: Oid) -> Option<String> {
        let found = self.0.attributes.iter().find(|(oid, _)| *oid == wanted);
        found.map(text_of)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.der == other.0.der
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

fn url_of(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Uri(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// Other people's parser has to see one certificate in the same bytes.
fn second_opinion(der: &[u8]) -> Result<(), Error> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    match X509Certificate::from_der(der) {
        Ok(([], _)) => Ok(()),
        _ => Err(Error::Malformed { what: WHAT }),
    }
}
