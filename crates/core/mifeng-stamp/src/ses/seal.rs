//! `SESeal`: a seal, read.

use super::field::{self, Extension, SealKind, Signers};
use super::{Version, verify_value};
use crate::deviation::{Deviation, note};
use crate::error::{limit, malformed};
use crate::{Error, Picture};
use mifeng_crypto::Time;
use mifeng_pki::Certificate;
use mifeng_pki::asn1::{Oid, Reader, tag, write};

/// Bytes of the largest seal: a picture of 1 MiB, some hundred certificates, a time stamp.
pub const SEAL_LEN_MAX: usize = 2 << 20;
const WHAT: &str = "seal";

/// A seal as read: every field, its bytes, and what departs from the standard in its form.
/// Nothing of it is believed yet: [`crate::check_seal`] is the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub(super) der: Vec<u8>,
    pub(super) version: Version,
    pub(super) number: u64,
    pub(super) vendor: String,
    pub(super) id: String,
    pub(super) kind: SealKind,
    pub(super) name: String,
    pub(super) signers: Signers,
    pub(super) created: Time,
    pub(super) valid_from: Time,
    pub(super) valid_until: Time,
    pub(super) picture: Picture,
    pub(super) extensions: Vec<Extension>,
    pub(super) maker: Vec<u8>,
    pub(super) algorithm: Oid,
    pub(super) octets: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) time_stamp: Option<Vec<u8>>,
    pub(super) deviations: Vec<Deviation>,
}

impl Seal {
    /// Reads a seal of any version; nothing may follow it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::Version`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        limit(WHAT, der.len(), SEAL_LEN_MAX)?;
        let mut top = Reader::new(der, WHAT);
        let mut parts = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let info_der = parts.whole(tag::SEQUENCE)?;
        // Versions are told apart by shape: version 1 has two fields, the second a SEQUENCE.
        if parts.peek() == Some(tag::SEQUENCE) {
            return Self::read_v1(der, info_der, parts);
        }
        let (maker, _) = octets(&mut parts)?;
        let algorithm = parts.oid()?;
        let value = parts.bits()?.to_vec();
        let mut deviations = Vec::new();
        let time_stamp = field::time_stamp(&mut parts, &mut deviations)?;
        parts.finish()?;
        let mut seal = Self::read_info(info_der, None, deviations)?;
        if time_stamp.is_some() && seal.version != Version::V5 {
            return Err(malformed(WHAT, "version 4 has no time stamp in a seal"));
        }
        seal.der = der.to_vec();
        seal.octets = info_der.to_vec();
        seal.maker = maker;
        seal.algorithm = algorithm;
        seal.value = value;
        seal.time_stamp = time_stamp;
        Ok(seal)
    }

    fn read_v1(der: &[u8], info_der: &[u8], mut parts: Reader<'_>) -> Result<Self, Error> {
        let mut sign = parts.enter(tag::SEQUENCE)?;
        parts.finish()?;
        let (maker, maker_der) = octets(&mut sign)?;
        let algorithm_der = sign.whole(tag::OID)?;
        let algorithm = Reader::new(algorithm_der, WHAT).oid()?;
        let value = sign.bits()?.to_vec();
        sign.finish()?;
        let mut seal = Self::read_info(info_der, Some(Version::V1), Vec::new())?;
        seal.der = der.to_vec();
        // What is signed is put together: information, certificate, algorithm.
        seal.octets = write::seq(&[info_der, maker_der, algorithm_der]);
        seal.maker = maker;
        seal.algorithm = algorithm;
        seal.value = value;
        Ok(seal)
    }

    /// `SES_SealInfo`; `shape` is given where the shape around it tells the version.
    fn read_info(
        der: &[u8],
        shape: Option<Version>,
        mut deviations: Vec<Deviation>,
    ) -> Result<Self, Error> {
        let notes = &mut deviations;
        let mut info = Reader::new(der, WHAT).enter(tag::SEQUENCE)?;
        let mut header = info.enter(tag::SEQUENCE)?;
        if field::ia5_text(&mut header, notes)? != "ES" {
            return Err(malformed(WHAT, "the header does not begin with ES"));
        }
        let number = header.small()?;
        let vendor = field::ia5_text(&mut header, notes)?;
        header.finish()?;
        let version = version_of(shape, number, notes)?;
        let id = field::ia5_text(&mut info, notes)?;

        let mut property = info.enter(tag::SEQUENCE)?;
        let kind = SealKind(property.small()?);
        let name = field::text(&mut property, tag::UTF8_STRING, notes)?;
        let signers = match version {
            Version::V1 => Signers::read_certificates(property.enter(tag::SEQUENCE)?)?,
            _ => match property.small()? {
                1 => Signers::read_certificates(property.enter(tag::SEQUENCE)?)?,
                2 => Signers::read_digests(property.enter(tag::SEQUENCE)?, notes)?,
                found => {
                    return Err(Error::Version {
                        what: "certificate list of the seal (certListType)",
                        found,
                        expected: "1 or 2",
                    });
                }
            },
        };
        let created = field::time(&mut property, version, notes)?;
        let valid_from = field::time(&mut property, version, notes)?;
        let valid_until = field::time(&mut property, version, notes)?;
        property.finish()?;

        let picture = read_picture(&mut info, notes)?;
        let extensions = read_extensions(&mut info, notes)?;
        info.finish()?;
        Ok(Seal {
            der: Vec::new(),
            version,
            number,
            vendor,
            id,
            kind,
            name,
            signers,
            created,
            valid_from,
            valid_until,
            picture,
            extensions,
            maker: Vec::new(),
            algorithm: super::SIGNED_BY_SM2,
            octets: Vec::new(),
            value: Vec::new(),
            time_stamp: None,
            deviations,
        })
    }

    /// The seal's bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The edition, by shape and number.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }
    /// The number in the header.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
    /// The maker of the software (Vid).
    #[must_use]
    pub fn vendor(&self) -> &str {
        &self.vendor
    }
    /// The seal's own number (esID).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
    /// The kind of seal.
    #[must_use]
    pub fn kind(&self) -> SealKind {
        self.kind
    }
    /// The name on it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Who may sign with it.
    #[must_use]
    pub fn signers(&self) -> &Signers {
        &self.signers
    }
    /// When it was made, by the maker's word.
    #[must_use]
    pub fn created(&self) -> Time {
        self.created
    }
    /// From when it is in force.
    #[must_use]
    pub fn valid_from(&self) -> Time {
        self.valid_from
    }
    /// The last second in which it is.
    #[must_use]
    pub fn valid_until(&self) -> Time {
        self.valid_until
    }
    /// The picture.
    #[must_use]
    pub fn picture(&self) -> &Picture {
        &self.picture
    }
    /// What the maker added.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }
    /// The maker's certificate, DER as carried.
    #[must_use]
    pub fn maker_der(&self) -> &[u8] {
        &self.maker
    }
    /// The octets of the maker's signature: what a time stamp stamps.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.value
    }
    /// The time stamp token over [`Self::signature_value`] (version 5).
    #[must_use]
    pub fn time_stamp(&self) -> Option<&[u8]> {
        self.time_stamp.as_deref()
    }
    /// What departs from the standard in its form.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The maker's certificate.
    ///
    /// # Errors
    /// Those of [`Certificate::parse`].
    pub fn maker(&self) -> Result<Certificate, Error> {
        Ok(Certificate::parse(&self.maker)?)
    }

    /// Verifies the maker's signature with the certificate carried; not whose it is.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::Algorithm`], and those of [`Certificate::parse`].
    pub fn verify(&self, deviations: &mut Vec<Deviation>) -> Result<(), Error> {
        let by = (self.version, self.algorithm);
        verify_value(
            WHAT,
            &self.maker()?,
            by,
            &self.octets,
            &self.value,
            deviations,
        )
    }

    /// Checks that no unknown extension is critical.
    ///
    /// # Errors
    /// [`Error::CriticalExtension`].
    pub fn check_extensions(&self) -> Result<(), Error> {
        check_critical(&self.extensions, "seal")
    }

    /// Checks that the seal is in force at this instant.
    ///
    /// # Errors
    /// [`Error::NotInForce`].
    pub fn check_in_force(&self, at: Time) -> Result<(), Error> {
        // The last second counts to its end.
        if at < self.valid_from || at.as_unix_seconds() > self.valid_until.as_unix_seconds() {
            return Err(Error::NotInForce {
                from: self.valid_from,
                until: self.valid_until,
                at,
            });
        }
        Ok(())
    }

    /// The same seal with a time stamp over its signature value.
    ///
    /// # Errors
    /// [`Error::Version`] for a seal that is not of version 5; [`Error::Field`] for one that has a
    /// stamp; those of reading the token, and [`Error::Order`] if it is earlier than the making.
    pub fn with_time_stamp(&self, token: &[u8]) -> Result<Self, Error> {
        if self.version != Version::V5 {
            return Err(Error::Version {
                what: WHAT,
                found: self.number,
                expected: "5, the first with a time stamp in the seal",
            });
        }
        if self.time_stamp.is_some() {
            return Err(Error::Field {
                field: "timeStamp",
                rule: "the seal has one",
            });
        }
        check_token_over(token, &self.value, "making of the seal", self.created)?;
        let inside = Reader::new(&self.der, WHAT).enter(tag::SEQUENCE)?.rest();
        Self::parse(&write::seq(&[inside, &field::time_stamp_der(token)]))
    }
}

/// Reads a token before it is put in: over these bytes, and not earlier than the claim.
pub(super) fn check_token_over(
    token: &[u8],
    value: &[u8],
    what: &'static str,
    claimed: Time,
) -> Result<(), Error> {
    let stamped = mifeng_pki::tsp::Stamped::read(token)?;
    stamped.check_over(value)?;
    if stamped.gen_time() < claimed {
        return Err(Error::Order {
            earlier_what: what,
            earlier: claimed,
            later_what: "its time stamp",
            later: stamped.gen_time(),
        });
    }
    Ok(())
}

pub(super) fn check_critical(all: &[Extension], place: &'static str) -> Result<(), Error> {
    match all.iter().find(|one| one.critical) {
        Some(one) => Err(Error::CriticalExtension {
            oid: one.id.clone(),
            place,
        }),
        None => Ok(()),
    }
}

/// An OCTET STRING: its value and its whole TLV.
fn octets<'a>(input: &mut Reader<'a>) -> Result<(Vec<u8>, &'a [u8]), Error> {
    let whole = input.whole(tag::OCTET_STRING)?;
    let value = Reader::new(whole, WHAT).value(tag::OCTET_STRING)?;
    Ok((value.to_vec(), whole))
}

fn version_of(
    shape: Option<Version>,
    number: u64,
    deviations: &mut Vec<Deviation>,
) -> Result<Version, Error> {
    match (shape, number) {
        (Some(Version::V1), 1) => Ok(Version::V1),
        // Numbers met in the shape of version 1.
        (Some(Version::V1), 2 | 11) => {
            note(deviations, Deviation::VersionNumber);
            Ok(Version::V1)
        }
        (Some(Version::V1), found) => Err(Error::Version {
            what: WHAT,
            found,
            expected: "1 in a seal of two fields",
        }),
        (_, 4) => Ok(Version::V4),
        (_, 5) => Ok(Version::V5),
        (_, found) => Err(Error::Version {
            what: WHAT,
            found,
            expected: "4 or 5 in a seal of four or five fields",
        }),
    }
}

fn read_picture(info: &mut Reader<'_>, deviations: &mut Vec<Deviation>) -> Result<Picture, Error> {
    let mut picture = info.enter(tag::SEQUENCE)?;
    let kind = field::ia5_text(&mut picture, deviations)?;
    let data = picture.value(tag::OCTET_STRING)?.to_vec();
    let (width_mm, height_mm) = (picture.small()?, picture.small()?);
    picture.finish()?;
    Ok(Picture {
        kind,
        data,
        width_mm,
        height_mm,
    })
}

/// extDatas of a seal: a plain SEQUENCE; a context tag around it is a deviation.
fn read_extensions(
    info: &mut Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Extension>, Error> {
    if let Some(list) = info.optional(tag::SEQUENCE)? {
        return field::read_extensions(list, deviations);
    }
    if let Some(mut tagged) = info.optional(tag::context(0))? {
        note(deviations, Deviation::ExtensionTag);
        let list = tagged.enter(tag::SEQUENCE)?;
        tagged.finish()?;
        return field::read_extensions(list, deviations);
    }
    Ok(Vec::new())
}
