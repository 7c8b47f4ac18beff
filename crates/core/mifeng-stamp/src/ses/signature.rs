//! `SES_Signature`: a seal signature, read.

use super::field::{self, Extension};
use super::seal::{check_critical, check_token_over};
use super::{Seal, Version, verify_value};
use crate::Error;
use crate::deviation::{Deviation, note};
use crate::error::{limit, malformed};
use mifeng_crypto::{Digest, Time};
use mifeng_pki::Certificate;
use mifeng_pki::asn1::{Oid, Reader, tag, write};

/// Bytes of the largest seal signature: the seal, a certificate and a time stamp.
pub const SIGNATURE_LEN_MAX: usize = super::SEAL_LEN_MAX + (1 << 20);
const WHAT: &str = "seal signature";

/// When the signer says it signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedTime {
    /// The signer's own clock.
    Claimed(Time),
    /// A time stamp token in the place of the time (version 1).
    Token(Vec<u8>),
    /// Bytes that are no time.
    Unreadable,
}

/// A seal signature as read. Nothing of it is believed yet: [`crate::check_signature`] is the
/// next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealSignature {
    pub(super) der: Vec<u8>,
    pub(super) seal: Seal,
    pub(super) number: u64,
    pub(super) time: SignedTime,
    pub(super) data_hash: Digest,
    pub(super) property: String,
    pub(super) extensions: Vec<Extension>,
    pub(super) signer: Vec<u8>,
    pub(super) algorithm: Oid,
    pub(super) octets: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) time_stamp: Option<Vec<u8>>,
    pub(super) deviations: Vec<Deviation>,
}

impl SealSignature {
    /// Reads a seal signature of any version; nothing may follow it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::Version`] where the number of the
    /// signature is not that of the seal.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        limit(WHAT, der.len(), SIGNATURE_LEN_MAX)?;
        let mut top = Reader::new(der, WHAT);
        let mut parts = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let octets = parts.whole(tag::SEQUENCE)?;
        // Version 1 has two fields, the second a BIT STRING.
        if parts.peek() == Some(tag::BIT_STRING) {
            let value = parts.bits()?.to_vec();
            parts.finish()?;
            return Self::read_v1(der, octets, value);
        }
        let mut deviations = Vec::new();
        let signer = parts.value(tag::OCTET_STRING)?.to_vec();
        let algorithm = parts.oid()?;
        let value = parts.bits()?.to_vec();
        let time_stamp = field::time_stamp(&mut parts, &mut deviations)?;
        parts.finish()?;

        let mut tbs = Reader::new(octets, WHAT).enter(tag::SEQUENCE)?;
        let number = tbs.small()?;
        let seal = Seal::parse(tbs.whole(tag::SEQUENCE)?)?;
        if seal.version == Version::V1 {
            return Err(malformed(
                WHAT,
                "a version 1 seal in a version 4 or 5 signature",
            ));
        }
        let time = SignedTime::Claimed(field::time(&mut tbs, seal.version, &mut deviations)?);
        let data_hash = read_hash(&mut tbs)?;
        let property = field::ia5_text(&mut tbs, &mut deviations)?;
        let extensions = read_extensions(&mut tbs, &mut deviations)?;
        tbs.finish()?;
        let signature = SealSignature {
            der: der.to_vec(),
            seal,
            number,
            time,
            data_hash,
            property,
            extensions,
            signer,
            algorithm,
            octets: octets.to_vec(),
            value,
            time_stamp,
            deviations,
        };
        Ok(signature.with_notes_of_the_seal())
    }

    fn read_v1(der: &[u8], octets: &[u8], value: Vec<u8>) -> Result<Self, Error> {
        let mut deviations = Vec::new();
        let mut tbs = Reader::new(octets, WHAT).enter(tag::SEQUENCE)?;
        let number = tbs.small()?;
        let seal = Seal::parse(tbs.whole(tag::SEQUENCE)?)?;
        if seal.version != Version::V1 {
            return Err(malformed(WHAT, "a later seal in a version 1 signature"));
        }
        let time = read_v1_time(tbs.bits()?, &mut deviations);
        let data_hash = read_hash(&mut tbs)?;
        let property = field::ia5_text(&mut tbs, &mut deviations)?;
        let signer = tbs.value(tag::OCTET_STRING)?.to_vec();
        let algorithm = tbs.oid()?;
        tbs.finish()?;
        let signature = SealSignature {
            der: der.to_vec(),
            seal,
            number,
            time,
            data_hash,
            property,
            extensions: Vec::new(),
            signer,
            algorithm,
            octets: octets.to_vec(),
            value,
            time_stamp: None,
            deviations,
        };
        Ok(signature.with_notes_of_the_seal())
    }

    fn with_notes_of_the_seal(mut self) -> Self {
        for found in self.seal.deviations.clone() {
            note(&mut self.deviations, found);
        }
        self
    }

    /// The signature's bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The whole seal inside.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }
    /// The version number of the signature.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
    /// When the signer says it signed.
    #[must_use]
    pub fn time(&self) -> &SignedTime {
        &self.time
    }
    /// The digest of the protected data.
    #[must_use]
    pub fn data_hash(&self) -> &Digest {
        &self.data_hash
    }
    /// What is protected; in OFD the absolute path of Signature.xml.
    #[must_use]
    pub fn property(&self) -> &str {
        &self.property
    }
    /// What the signer added.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }
    /// The signer's certificate, DER as carried.
    #[must_use]
    pub fn signer_der(&self) -> &[u8] {
        &self.signer
    }
    /// The octets of the signature value: what a time stamp stamps.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.value
    }
    /// The identifier of the signature algorithm, dotted.
    #[must_use]
    pub fn algorithm(&self) -> String {
        self.algorithm.to_string()
    }
    /// The time stamp token over [`Self::signature_value`].
    #[must_use]
    pub fn time_stamp(&self) -> Option<&[u8]> {
        self.time_stamp.as_deref()
    }
    /// What departs from the standard in its form, the seal's included.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The signer's certificate.
    ///
    /// # Errors
    /// Those of [`Certificate::parse`].
    pub fn signer(&self) -> Result<Certificate, Error> {
        Ok(Certificate::parse(&self.signer)?)
    }

    /// Verifies the signature value with the certificate carried; not whose it is.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::Algorithm`], and those of [`Certificate::parse`].
    pub fn verify(&self, deviations: &mut Vec<Deviation>) -> Result<(), Error> {
        let by = (self.seal.version, self.algorithm);
        verify_value(
            WHAT,
            &self.signer()?,
            by,
            &self.octets,
            &self.value,
            deviations,
        )
    }

    /// Checks that signature and seal are of one version: a newer seal in an older signature, or
    /// the reverse, is neither standard's.
    ///
    /// # Errors
    /// [`Error::Version`].
    pub fn check_version(&self) -> Result<(), Error> {
        let fits = match self.seal.version {
            // Products of 2014 number seal and signature each in their own way.
            Version::V1 => matches!(self.number, 1 | 2 | 11),
            _ => self.number == self.seal.number,
        };
        if fits {
            return Ok(());
        }
        Err(Error::Version {
            what: WHAT,
            found: self.number,
            expected: "that of the seal inside",
        })
    }

    /// Checks that no unknown extension of the signature is critical; the seal's are its own.
    ///
    /// # Errors
    /// [`Error::CriticalExtension`].
    pub fn check_extensions(&self) -> Result<(), Error> {
        check_critical(&self.extensions, "seal signature")
    }

    /// Checks that the seal allows the signer's certificate.
    ///
    /// # Errors
    /// [`Error::NotListed`].
    pub fn check_listed(&self) -> Result<(), Error> {
        if self.seal.signers.allows(&self.signer) {
            return Ok(());
        }
        Err(Error::NotListed {
            subject: self
                .signer()
                .map_or_else(|_| "?".to_owned(), |c| c.subject_name()),
        })
    }

    /// The same signature with a time stamp over its value.
    ///
    /// # Errors
    /// [`Error::Field`] if it has one or is of version 1; those of reading the token, and
    /// [`Error::Order`] if it is earlier than the signing.
    pub fn with_time_stamp(&self, token: &[u8]) -> Result<Self, Error> {
        let refused = |rule| {
            Err(Error::Field {
                field: "timeStamp",
                rule,
            })
        };
        if self.time_stamp.is_some() {
            return refused("the signature has one");
        }
        let SignedTime::Claimed(claimed) = self.time else {
            return refused("version 1 carries its time inside");
        };
        if self.seal.version == Version::V1 {
            return refused("version 1 carries its time inside");
        }
        check_token_over(token, &self.value, "signing", claimed)?;
        let inside = Reader::new(&self.der, WHAT).enter(tag::SEQUENCE)?.rest();
        Self::parse(&write::seq(&[inside, &field::time_stamp_der(token)]))
    }
}

/// dataHash: SM3 has 32 bytes, and so has SHA-256 of version 1.
fn read_hash(tbs: &mut Reader<'_>) -> Result<Digest, Error> {
    let bytes = tbs.bits()?;
    let wrong = malformed(WHAT, "dataHash has not 32 bytes");
    Ok(Digest::from_bytes(bytes.try_into().map_err(|_| wrong)?))
}

/// extDatas of a signature: `[0] EXPLICIT`; a bare SEQUENCE is a deviation.
fn read_extensions(
    tbs: &mut Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Extension>, Error> {
    if let Some(mut tagged) = tbs.optional(tag::context(0))? {
        let list = tagged.enter(tag::SEQUENCE)?;
        tagged.finish()?;
        return field::read_extensions(list, deviations);
    }
    if let Some(list) = tbs.optional(tag::SEQUENCE)? {
        note(deviations, Deviation::ExtensionTag);
        return field::read_extensions(list, deviations);
    }
    Ok(Vec::new())
}

/// timeInfo of version 1: the text of a UTCTime, other text, or a time stamp token.
fn read_v1_time(bytes: &[u8], deviations: &mut Vec<Deviation>) -> SignedTime {
    // Text first: the tag of a token is also the digit 0.
    let text = core::str::from_utf8(bytes).unwrap_or_default();
    let as_der = |tag| write::tlv(tag, &[text.as_bytes()]);
    if let Ok(time) = Reader::new(&as_der(tag::UTC_TIME), WHAT).time() {
        return SignedTime::Claimed(time);
    }
    let general = Reader::new(&as_der(tag::GENERALIZED_TIME), WHAT).time();
    if let Some(time) = general.ok().or_else(|| Time::parse_rfc3339(text).ok()) {
        note(deviations, Deviation::TimeText);
        return SignedTime::Claimed(time);
    }
    match bytes.first() {
        Some(&tag::SEQUENCE) => SignedTime::Token(bytes.to_vec()),
        _ => SignedTime::Unreadable,
    }
}
