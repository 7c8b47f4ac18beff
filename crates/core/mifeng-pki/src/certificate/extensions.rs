//! The extensions of a certificate (RFC 5280 section 4.2).
//!
//! Real CAs write values that are not DER. What matters to a path and cannot be read is noted, so
//! that a path through the certificate is refused; the rest is taken as not there.

use super::{KeyUsage, WHAT};
use crate::Error;
use crate::asn1::{Reader, tag};
use crate::constraints::NameConstraints;
use crate::name::{self, Canonical, GeneralName};
use crate::oid::{self, Oid};
use crate::policies::{Constraints, POLICIES_MAX};

/// Extensions of one certificate; real ones have fewer than twenty.
const EXTENSIONS_MAX: usize = 64;
/// Extended key usages of one certificate; real ones have fewer than ten.
const USAGES_MAX: usize = 128;
/// Distribution points of one certificate; real ones have fewer than ten.
const POINTS_MAX: usize = 64;

/// One DistributionPoint (RFC 5280 section 4.2.1.13).
#[derive(Clone, Debug)]
pub(crate) struct DistributionPoint {
    /// Its full names; a name relative to the issuer is already put together.
    pub(crate) names: Option<Vec<GeneralName>>,
    /// The reasons it covers; all if absent.
    pub(crate) reasons: Option<u16>,
    /// Who issues the list, if not the certificate's issuer.
    pub(crate) issuers: Vec<Canonical>,
}

/// What the extensions of a certificate say.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(super) seen: Vec<(Oid, bool)>,
    pub(super) basic: Option<(bool, Option<u64>)>,
    pub(super) usage: Option<KeyUsage>,
    pub(super) extended: Option<Vec<Oid>>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id_is_long: bool,
    pub(super) organisation_code: Option<Vec<u8>>,
    pub(super) alternative_names: Option<Vec<GeneralName>>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) policies: Vec<Oid>,
    pub(super) mappings: Vec<(Oid, Oid)>,
    pub(super) policy_constraints: Constraints,
    pub(super) inhibit_any: Option<u64>,
    pub(super) distribution_points: Option<Vec<DistributionPoint>>,
    pub(super) ocsp: Vec<GeneralName>,
    pub(super) unknown_critical: Option<Oid>,
    pub(super) broken: Option<Oid>,
    pub(super) odd: Option<Oid>,
}

impl Extensions {
    /// # Errors
    /// [`Error::Malformed`] if the list is no list of extensions or names one twice.
    pub(super) fn read(&mut self, mut list: Reader<'_>, issuer: &Canonical) -> Result<(), Error> {
        // RFC 5280 section 4.1.2.9: at least one.
        if list.is_empty() {
            return Err(list.wrong());
        }
        while !list.is_empty() {
            let (id, critical, value) = extension(&mut list)?;
            if self.seen.iter().any(|(seen, _)| *seen == id) || self.seen.len() >= EXTENSIONS_MAX {
                return Err(list.wrong());
            }
            self.seen.push((id, critical));
            if self.read_one(id, critical, value, issuer).is_err() {
                let matters = critical || !NICETIES.contains(&id);
                let note = if matters {
                    &mut self.broken
                } else {
                    &mut self.odd
                };
                note.get_or_insert(id);
            }
        }
        Ok(())
    }

    fn read_one(
        &mut self,
        id: Oid,
        critical: bool,
        value: &[u8],
        issuer: &Canonical,
    ) -> Result<(), Error> {
        let input = Reader::new(value, WHAT);
        match id {
            oid::BASIC_CONSTRAINTS => self.basic = Some(basic_constraints(input)?),
            oid::KEY_USAGE => self.usage = Some(key_usage(input)?),
            oid::EXT_KEY_USAGE => self.extended = Some(oids(input, USAGES_MAX)?),
            oid::SUBJECT_KEY_ID => self.subject_key_id = Some(octets(input)?),
            oid::AUTHORITY_KEY_ID => {
                (self.authority_key_id, self.authority_key_id_is_long) = authority_key_id(input)?;
            }
            oid::ORGANISATION_CODE => {
                // PrintableString, UTF8String, or the bare characters.
                let mut input = input;
                let inner = input.any().ok().filter(|_| input.is_empty());
                self.organisation_code = Some(inner.map_or(value, |(_, _, v)| v).to_vec());
            }
            oid::SUBJECT_ALT_NAME => {
                let names = name::general_names(entered(input)?)?;
                self.alternative_names = Some(names);
            }
            oid::NAME_CONSTRAINTS => self.name_constraints = Some(NameConstraints::read(value)?),
            oid::CERTIFICATE_POLICIES => self.policies = policies(input)?,
            oid::POLICY_MAPPINGS => self.mappings = mappings(input)?,
            oid::POLICY_CONSTRAINTS => self.policy_constraints = policy_constraints(input)?,
            oid::INHIBIT_ANY_POLICY => {
                let mut input = input;
                self.inhibit_any = Some(input.small()?);
                input.finish()?;
            }
            oid::CRL_DISTRIBUTION_POINTS => {
                self.distribution_points = Some(points(input, issuer)?);
            }
            // Says where deltas are; which ones belong to a list is told by the deltas themselves.
            oid::FRESHEST_CRL => drop(points(input, issuer)?),
            oid::AUTHORITY_INFO_ACCESS if !critical => self.ocsp = access(input)?,
            oid::OCSP_NOCHECK => {}
            _ if critical => self.unknown_critical = Some(id),
            _ => {}
        }
        Ok(())
    }
}

/// Extensions that are taken as not there if they cannot be read and are not critical.
const NICETIES: [Oid; 6] = [
    oid::SUBJECT_KEY_ID,
    oid::AUTHORITY_KEY_ID,
    oid::ORGANISATION_CODE,
    oid::FRESHEST_CRL,
    oid::AUTHORITY_INFO_ACCESS,
    oid::OCSP_NOCHECK,
];

/// The content of the SEQUENCE that is all of `input`.
fn entered(mut input: Reader<'_>) -> Result<Reader<'_>, Error> {
    let inner = input.enter(tag::SEQUENCE)?;
    input.finish()?;
    Ok(inner)
}

fn octets(mut input: Reader<'_>) -> Result<Vec<u8>, Error> {
    let value = input.value(tag::OCTET_STRING)?.to_vec();
    input.finish()?;
    Ok(value)
}

fn basic_constraints(input: Reader<'_>) -> Result<(bool, Option<u64>), Error> {
    let mut inner = entered(input)?;
    let ca = boolean(&mut inner)?;
    let len = if inner.is_empty() {
        None
    } else {
        Some(inner.small()?)
    };
    inner.finish()?;
    Ok((ca, len))
}

fn oids(input: Reader<'_>, max: usize) -> Result<Vec<Oid>, Error> {
    let (mut inner, mut list) = (entered(input)?, Vec::new());
    while !inner.is_empty() && list.len() < max {
        list.push(inner.oid()?);
    }
    inner.finish()?;
    if list.is_empty() {
        return Err(inner.wrong());
    }
    Ok(list)
}

/// keyIdentifier, and whether issuer and serial number are there, too.
fn authority_key_id(input: Reader<'_>) -> Result<(Option<Vec<u8>>, bool), Error> {
    let mut inner = entered(input)?;
    let mut id = None;
    if inner.peek() == Some(0x80) {
        id = Some(inner.any()?.2.to_vec());
    }
    let long = !inner.is_empty();
    for part in [0xa1, 0x82] {
        if inner.peek() == Some(part) {
            inner.any()?;
        }
    }
    inner.finish()?;
    Ok((id, long))
}

fn policies(input: Reader<'_>) -> Result<Vec<Oid>, Error> {
    let (mut inner, mut list) = (entered(input)?, Vec::new());
    while !inner.is_empty() {
        let mut one = inner.enter(tag::SEQUENCE)?;
        let id = one.oid()?;
        // Qualifiers are for people.
        if !one.is_empty() {
            one.enter(tag::SEQUENCE)?;
        }
        one.finish()?;
        if list.contains(&id) || list.len() >= POLICIES_MAX {
            return Err(inner.wrong());
        }
        list.push(id);
    }
    if list.is_empty() {
        return Err(inner.wrong());
    }
    Ok(list)
}

fn mappings(input: Reader<'_>) -> Result<Vec<(Oid, Oid)>, Error> {
    let (mut inner, mut list) = (entered(input)?, Vec::new());
    while !inner.is_empty() {
        let mut one = inner.enter(tag::SEQUENCE)?;
        list.push((one.oid()?, one.oid()?));
        one.finish()?;
        if list.len() > POLICIES_MAX {
            return Err(inner.wrong());
        }
    }
    Ok(list)
}

fn policy_constraints(input: Reader<'_>) -> Result<Constraints, Error> {
    let mut inner = entered(input)?;
    if inner.is_empty() {
        return Err(inner.wrong());
    }
    let mut number = |tag: u8| -> Result<Option<u64>, Error> {
        if inner.peek() != Some(tag) {
            return Ok(None);
        }
        let value = inner.any()?.2;
        // A non-negative minimal INTEGER under an implicit tag.
        let minimal = matches!(value, [0..=0x7f] | [1..=0x7f, ..])
            || matches!(value, [0, next, ..] if *next >= 0x80);
        if !minimal || value.len() > 8 {
            return Err(Error::Malformed { what: WHAT });
        }
        Ok(Some(value.iter().fold(0, |n, b| n << 8 | u64::from(*b))))
    };
    let out = Constraints {
        require_explicit: number(0x80)?,
        inhibit_mapping: number(0x81)?,
    };
    inner.finish()?;
    Ok(out)
}

/// The OCSP addresses of an AuthorityInfoAccess.
fn access(input: Reader<'_>) -> Result<Vec<GeneralName>, Error> {
    let (mut inner, mut list) = (entered(input)?, Vec::new());
    if inner.is_empty() {
        return Err(inner.wrong());
    }
    while !inner.is_empty() && list.len() < POINTS_MAX {
        let mut one = inner.enter(tag::SEQUENCE)?;
        let (method, place) = (one.oid()?, name::general_name(&mut one)?);
        one.finish()?;
        if method == oid::AD_OCSP {
            list.push(place);
        }
    }
    inner.finish()?;
    Ok(list)
}

fn points(input: Reader<'_>, issuer: &Canonical) -> Result<Vec<DistributionPoint>, Error> {
    let (mut inner, mut list) = (entered(input)?, Vec::new());
    if inner.is_empty() {
        return Err(inner.wrong());
    }
    while !inner.is_empty() {
        list.push(point(inner.enter(tag::SEQUENCE)?, issuer)?);
        if list.len() > POINTS_MAX {
            return Err(inner.wrong());
        }
    }
    Ok(list)
}

fn point(mut one: Reader<'_>, issuer: &Canonical) -> Result<DistributionPoint, Error> {
    let place = one.optional(tag::context(0))?;
    let reasons = reason_flags(&mut one, 0x81)?;
    let mut issuers = Vec::new();
    if let Some(list) = one.optional(tag::context(2))? {
        for name in name::general_names(list)? {
            if let GeneralName::Directory(name) = name {
                issuers.push(name);
            }
        }
    }
    one.finish()?;
    if place.is_none() && issuers.is_empty() {
        return Err(one.wrong());
    }
    let names = match place {
        Some(place) => Some(distribution_point_name(
            place,
            issuers.first().unwrap_or(issuer),
        )?),
        None => None,
    };
    Ok(DistributionPoint {
        names,
        reasons,
        issuers,
    })
}

/// DistributionPointName: full names, or one RDN below `issuer`.
pub(crate) fn distribution_point_name(
    mut place: Reader<'_>,
    issuer: &Canonical,
) -> Result<Vec<GeneralName>, Error> {
    let wrong = place.wrong();
    let names = if let Some(full) = place.optional(tag::context(0))? {
        name::general_names(full)?
    } else {
        let rdn = place.enter(tag::context(1))?;
        vec![GeneralName::Directory(issuer.with_rdn(rdn)?)]
    };
    if !place.is_empty() {
        return Err(wrong);
    }
    Ok(names)
}

/// ReasonFlags under this tag: bit n of the result is bit n of the BIT STRING.
pub(crate) fn reason_flags(input: &mut Reader<'_>, tag: u8) -> Result<Option<u16>, Error> {
    if input.peek() != Some(tag) {
        return Ok(None);
    }
    bits(input.any()?.2, input).map(Some)
}

/// `BOOLEAN DEFAULT FALSE` under an implicit tag.
pub(crate) fn flag(input: &mut Reader<'_>, tag: u8) -> Result<bool, Error> {
    if input.peek() != Some(tag) {
        return Ok(false);
    }
    match input.any()?.2 {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(input.wrong()),
    }
}

/// keyIdentifier of an AuthorityKeyIdentifier.
pub(crate) fn key_id(value: &[u8]) -> Option<Vec<u8>> {
    authority_key_id(Reader::new(value, WHAT)).ok()?.0
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
    flag(input, tag::BOOLEAN)
}

fn key_usage(mut input: Reader<'_>) -> Result<KeyUsage, Error> {
    let value = input.value(tag::BIT_STRING)?;
    input.finish()?;
    match bits(value, &input)? {
        // RFC 5280 section 4.2.1.3: at least one bit is set.
        0 => Err(input.wrong()),
        usage => Ok(KeyUsage(usage)),
    }
}

/// At most nine named bits; the first is bit 0 of the result.
fn bits(value: &[u8], input: &Reader<'_>) -> Result<u16, Error> {
    let ([unused @ 0..=7, bits @ ..], true) = (value, matches!(value.len(), 2..=3)) else {
        return Err(input.wrong());
    };
    let spare = (1u8 << unused) - 1;
    if bits.last().is_some_and(|last| last & spare != 0) {
        return Err(input.wrong());
    }
    let low = u16::from(bits[0].reverse_bits());
    let high = bits.get(1).map_or(0, |b| u16::from(b.reverse_bits()));
    Ok(low | high << 8)
}
