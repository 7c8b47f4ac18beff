//! A small development CA: certificates, revocation lists and OCSP responses for tests and trials.
//!
//! Real tenders use licensed CAs. What is written here is read back by other people's parser
//! before it is handed out, so that our writer does not vouch for our reader.

mod revocation;

use crate::asn1::{tag, write};
use crate::oid::{self, Oid};
use crate::{Certificate, Error};
use mifeng_crypto::{HashAlg, PrivateKey, PublicKey, Time};
pub use revocation::{OcspEntry, Revocation, delegated_ocsp_response};

/// Bytes of a serial number: RFC 5280 allows 20.
const SERIAL_LEN_MAX: usize = 20;

/// Who a certificate names.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Common name: the person or the organisation.
    pub common_name: String,
    /// Organisation.
    pub organisation: Option<String>,
    /// Unified social credit code; written as extension 1.2.156.10260.4.1.4 and as
    /// organizationIdentifier.
    pub uscc: Option<String>,
    /// Two letters.
    pub country: Option<String>,
}

impl Subject {
    /// A name with a common name only.
    pub fn named(common_name: &str) -> Self {
        Subject {
            common_name: common_name.to_owned(),
            ..Subject::default()
        }
    }

    fn name(&self) -> Vec<u8> {
        let mut rdns = Vec::new();
        let mut add = |id: Oid, kind: u8, text: &Option<String>| {
            if let Some(text) = text {
                let pair = write::seq(&[&write::oid(id), &write::tlv(kind, &[text.as_bytes()])]);
                rdns.push(write::tlv(tag::SET, &[&pair]));
            }
        };
        add(oid::COUNTRY, tag::PRINTABLE_STRING, &self.country);
        add(oid::ORGANISATION, tag::UTF8_STRING, &self.organisation);
        add(oid::ORGANISATION_ID, tag::UTF8_STRING, &self.uscc);
        add(
            oid::COMMON_NAME,
            tag::UTF8_STRING,
            &Some(self.common_name.clone()),
        );
        let refs: Vec<&[u8]> = rdns.iter().map(Vec::as_slice).collect();
        write::seq(&refs)
    }
}

/// What a certificate is issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// An organisation's signing certificate of a dual pair.
    BidderSign,
    /// Its encryption certificate.
    BidderEncrypt,
    /// One certificate for both uses.
    Single,
    /// A time-stamping authority.
    TimeStamping,
    /// A natural person: signs.
    Person,
    /// A delegated OCSP responder (RFC 6960 section 4.2.2.2), itself not to be checked.
    OcspResponder,
}

/// From when to when a certificate holds; both ends included, whole seconds.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// First instant.
    pub not_before: Time,
    /// Last second.
    pub not_after: Time,
}

/// Where a CA publishes what it says about revocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// URLs of its revocation list, written as cRLDistributionPoints.
    pub revocation_lists: Vec<String>,
    /// URLs of its OCSP responder, written as authorityInfoAccess.
    pub ocsp: Vec<String>,
}

/// A CA: its key and its certificate.
pub struct CertificateAuthority {
    key: PrivateKey,
    certificate: Certificate,
    places: Places,
}

struct Tbs<'a> {
    serial: &'a [u8],
    issuer: &'a [u8],
    subject: &'a Subject,
    validity: Validity,
    key: &'a PublicKey,
    extensions: Vec<Vec<u8>>,
}

impl CertificateAuthority {
    /// Takes up an existing CA.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`]; [`Error::KeyUsage`] if the certificate is not a CA's.
    pub fn from_parts(key: PrivateKey, certificate: Certificate) -> Result<Self, Error> {
        let public = key.public_key()?;
        if public.raw() != certificate.public_key().raw() {
            return Err(Error::KeyMismatch);
        }
        if !certificate.is_ca() {
            return Err(Error::KeyUsage {
                subject: certificate.subject_name(),
                purpose: "issuing certificates",
            });
        }
        Ok(CertificateAuthority {
            key,
            certificate,
            places: Places::default(),
        })
    }

    /// Makes a self-signed root. `serial` is big-endian, not zero, at most 20 bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a serial number out of range; what the key says.
    pub fn new_root(
        key: PrivateKey,
        subject: &Subject,
        validity: Validity,
        serial: &[u8],
    ) -> Result<Self, Error> {
        let public = key.public_key()?;
        let certificate = sign_certificate(
            &key,
            &Tbs {
                serial,
                issuer: &subject.name(),
                subject,
                validity,
                key: &public,
                extensions: ca_extensions(&public, &public, None),
            },
        )?;
        Ok(CertificateAuthority {
            key,
            certificate,
            places: Places::default(),
        })
    }

    /// Issues a subordinate CA; `path_len` bounds the CAs below it.
    ///
    /// # Errors
    /// As [`CertificateAuthority::new_root`].
    pub fn issue_ca(
        &self,
        subject: &Subject,
        key: &PublicKey,
        path_len: Option<u8>,
        validity: Validity,
        serial: &[u8],
    ) -> Result<Certificate, Error> {
        sign_certificate(
            &self.key,
            &Tbs {
                serial,
                issuer: self.certificate.subject_raw(),
                subject,
                validity,
                key,
                extensions: ca_extensions(key, self.certificate.public_key(), path_len),
            },
        )
    }

    /// Issues an end certificate.
    ///
    /// # Errors
    /// As [`CertificateAuthority::new_root`].
    pub fn issue(
        &self,
        subject: &Subject,
        key: &PublicKey,
        profile: Profile,
        validity: Validity,
        serial: &[u8],
    ) -> Result<Certificate, Error> {
        let basic = extension(oid::BASIC_CONSTRAINTS, true, &write::seq(&[]));
        let mut extensions = vec![basic, usage(profile)];
        extensions.extend(extended_usage(profile));
        extensions.extend(self.places.extensions());
        extensions.extend(key_ids(key, self.certificate.public_key()));
        if let Some(uscc) = &subject.uscc {
            let code = write::tlv(tag::PRINTABLE_STRING, &[uscc.as_bytes()]);
            extensions.push(extension(oid::ORGANISATION_CODE, false, &code));
        }
        sign_certificate(
            &self.key,
            &Tbs {
                serial,
                issuer: self.certificate.subject_raw(),
                subject,
                validity,
                key,
                extensions,
            },
        )
    }

    /// Writes these places into every end certificate issued from now on.
    pub fn set_places(&mut self, places: Places) {
        self.places = places;
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    /// The CA's key, to be kept in a key file.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

fn sign_certificate(key: &PrivateKey, tbs: &Tbs<'_>) -> Result<Certificate, Error> {
    let serial_ok = tbs.serial.iter().any(|b| *b != 0) && tbs.serial.len() <= SERIAL_LEN_MAX;
    if !serial_ok {
        return Err(Error::Malformed {
            what: "serial number",
        });
    }
    let alg = oid::signature_alg_der(key.signature_alg())?;
    let refs: Vec<&[u8]> = tbs.extensions.iter().map(Vec::as_slice).collect();
    let validity = write::seq(&[
        &write::time(tbs.validity.not_before),
        &write::time(tbs.validity.not_after),
    ]);
    let body = write::seq(&[
        &write::tlv(tag::context(0), &[&write::small(2)]),
        &write::integer(tbs.serial),
        &alg,
        tbs.issuer,
        &validity,
        &tbs.subject.name(),
        tbs.key.spki_der(),
        &write::tlv(tag::context(3), &[&write::seq(&refs)]),
    ]);
    let signature = key.sign(&body)?;
    Certificate::parse(&write::seq(&[&body, &alg, &write::bits(&signature)]))
}

fn extension(id: Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical {
        &[tag::BOOLEAN, 1, 0xff]
    } else {
        &[]
    };
    write::seq(&[&write::oid(id), flag, &write::octets(value)])
}

fn ca_extensions(key: &PublicKey, issuer: &PublicKey, path_len: Option<u8>) -> Vec<Vec<u8>> {
    let len = path_len
        .map(|n| write::small(u64::from(n)))
        .unwrap_or_default();
    let basic = write::seq(&[&[tag::BOOLEAN, 1, 0xff], &len]);
    // keyCertSign and cRLSign.
    let usage = [tag::BIT_STRING, 2, 1, 0x06];
    let mut out = vec![
        extension(oid::BASIC_CONSTRAINTS, true, &basic),
        extension(oid::KEY_USAGE, true, &usage),
    ];
    out.extend(key_ids(key, issuer));
    out
}

impl Places {
    fn extensions(&self) -> Vec<Vec<u8>> {
        let name = |url: &String| write::tlv(0x86, &[url.as_bytes()]);
        let mut out = Vec::new();
        let lists: Vec<Vec<u8>> = self.revocation_lists.iter().map(name).collect();
        if !lists.is_empty() {
            let full = write::tlv(tag::context(0), &[&lists.concat()]);
            let point = write::seq(&[&write::tlv(tag::context(0), &[&full])]);
            let value = write::seq(&[&point]);
            out.push(extension(oid::CRL_DISTRIBUTION_POINTS, false, &value));
        }
        let responders = self.ocsp.iter().map(name);
        let access: Vec<Vec<u8>> = responders
            .map(|place| write::seq(&[&write::oid(oid::AD_OCSP), &place]))
            .collect();
        if !access.is_empty() {
            let value = write::seq(&[&access.concat()]);
            out.push(extension(oid::AUTHORITY_INFO_ACCESS, false, &value));
        }
        out
    }
}

fn extended_usage(profile: Profile) -> Vec<Vec<u8>> {
    let purposes = |id| write::seq(&[&write::oid(id)]);
    match profile {
        // RFC 3161 section 2.3 asks for critical.
        Profile::TimeStamping => {
            let value = purposes(oid::TIME_STAMPING);
            vec![extension(oid::EXT_KEY_USAGE, true, &value)]
        }
        Profile::OcspResponder => vec![
            extension(oid::EXT_KEY_USAGE, false, &purposes(oid::OCSP_SIGNING)),
            extension(oid::OCSP_NOCHECK, false, &[5, 0]),
        ],
        _ => Vec::new(),
    }
}

/// The keyUsage values of the dual-certificate system (GB/T 20518).
fn usage(profile: Profile) -> Vec<u8> {
    let bits: [u8; 2] = match profile {
        Profile::BidderSign | Profile::TimeStamping | Profile::Person | Profile::OcspResponder => {
            [6, 0xc0]
        }
        Profile::BidderEncrypt => [3, 0x38],
        Profile::Single => [4, 0xf0],
    };
    let value = [tag::BIT_STRING, 2, bits[0], bits[1]];
    extension(oid::KEY_USAGE, true, &value)
}

/// RFC 7093 section 2, method 1: the leftmost 160 bits of a hash of the key.
fn key_id_of(key: &PublicKey) -> Vec<u8> {
    HashAlg::Sha256.digest(key.raw()).as_bytes()[..20].to_vec()
}

fn authority_key_id(issuer: &PublicKey) -> Vec<u8> {
    write::seq(&[&write::tlv(0x80, &[&key_id_of(issuer)])])
}

fn key_ids(key: &PublicKey, issuer: &PublicKey) -> [Vec<u8>; 2] {
    let own = write::octets(&key_id_of(key));
    [
        extension(oid::SUBJECT_KEY_ID, false, &own),
        extension(oid::AUTHORITY_KEY_ID, false, &authority_key_id(issuer)),
    ]
}
