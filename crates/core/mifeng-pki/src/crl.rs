//! Complete certificate revocation lists, version 2 (RFC 5280 section 5).

use crate::asn1::{Reader, tag};
use crate::certificate::{extension, key_id};
use crate::{Certificate, Error, oid};
use mifeng_crypto::{SignatureAlg, Time};

/// Bytes of the largest list read: about 400,000 entries.
const CRL_LEN_MAX: usize = 16 * 1024 * 1024 - 1;
/// reasonCode keyCompromise.
const KEY_COMPROMISE: u8 = 1;
const WHAT: &str = "revocation list";

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    serial: Vec<u8>,
    /// When the CA revoked it.
    pub revoked: Time,
    /// CRLReason, 0 if not given.
    pub reason: u8,
    /// Since when the key is thought to have been bad.
    pub invalid_since: Option<Time>,
}

impl Revoked {
    /// The instant from which signatures by this certificate do not count.
    pub fn from(&self) -> Time {
        match self.invalid_since {
            Some(earlier) if self.reason == KEY_COMPROMISE => earlier.min(self.revoked),
            _ => self.revoked,
        }
    }
}

/// A parsed, not yet verified, list.
#[derive(Clone, Debug)]
pub struct RevocationList {
    der: Vec<u8>,
    tbs: (usize, usize),
    alg: Option<SignatureAlg>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    this_update: Time,
    next_update: Option<Time>,
    authority_key_id: Option<Vec<u8>>,
    /// Sorted by serial number.
    entries: Vec<Revoked>,
}

impl RevocationList {
    /// Reads one complete DER CRL. Delta and partial lists carry critical extensions and are
    /// refused with every other unknown critical extension.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::CriticalExtension`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > CRL_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: der.len(),
                max: CRL_LEN_MAX,
            });
        }
        let mut top = Reader::new(der, WHAT);
        let mut outer = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let start = der.len() - outer.rest().len();
        let tbs = outer.whole(tag::SEQUENCE)?;
        let outer_alg = outer.whole(tag::SEQUENCE)?;
        let signature = outer.bits()?.to_vec();
        outer.finish()?;
        let mut input = Reader::new(tbs, WHAT).enter(tag::SEQUENCE)?;
        if input.small()? != 1 || input.whole(tag::SEQUENCE)? != outer_alg {
            return Err(input.wrong());
        }
        let alg = oid::signature_alg(&oid::algorithm(&mut Reader::new(outer_alg, WHAT))?);
        let issuer = input.whole(tag::SEQUENCE)?.to_vec();
        let this_update = input.time()?;
        let next_update = match input.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(input.time()?),
            _ => None,
        };
        let entries = match input.optional(tag::SEQUENCE)? {
            Some(list) => entries(list)?,
            None => Vec::new(),
        };
        let mut authority_key_id = None;
        if let Some(mut explicit) = input.optional(tag::context(0))? {
            let mut list = explicit.enter(tag::SEQUENCE)?;
            explicit.finish()?;
            while !list.is_empty() {
                match extension(&mut list)? {
                    (oid::AUTHORITY_KEY_ID, _, value) => authority_key_id = key_id(value),
                    (oid::CRL_NUMBER, _, _) | (_, false, _) => {}
                    (other, true, _) => return Err(critical(other)),
                }
            }
        }
        input.finish()?;
        Ok(RevocationList {
            tbs: (start, start + tbs.len()),
            der: der.to_vec(),
            alg,
            signature,
            issuer,
            this_update,
            next_update,
            authority_key_id,
            entries,
        })
    }

    /// The bytes as they were read.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// The DER of the issuer's name.
    pub fn issuer_raw(&self) -> &[u8] {
        &self.issuer
    }
    /// When the list was made.
    pub fn this_update(&self) -> Time {
        self.this_update
    }
    /// When the next one is due.
    pub fn next_update(&self) -> Option<Time> {
        self.next_update
    }
    /// How many certificates are listed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// The entry of this serial number (content octets of the INTEGER).
    pub fn find(&self, serial: &[u8]) -> Option<&Revoked> {
        let at = self
            .entries
            .binary_search_by(|e| e.serial.as_slice().cmp(serial));
        at.ok().map(|at| &self.entries[at])
    }

    /// Whether `issuer` could have signed this list: its name, and key identifiers if both exist.
    pub(crate) fn names(&self, issuer: &Certificate) -> bool {
        let ids = (self.authority_key_id.as_deref(), issuer.subject_key_id());
        self.issuer == issuer.subject_raw() && !matches!(ids, (Some(a), Some(b)) if a != b)
    }

    pub(crate) fn signature_alg(&self) -> Option<SignatureAlg> {
        self.alg
    }

    /// # Errors
    /// [`Error::CaRule`] without cRLSign, [`Error::BadSignature`].
    pub(crate) fn verify(&self, issuer: &Certificate) -> Result<(), Error> {
        if issuer
            .key_usage()
            .is_some_and(|usage| !usage.signs_revocations())
        {
            return Err(Error::CaRule {
                subject: issuer.subject_name(),
                rule: "cRLSign",
            });
        }
        let alg = self.alg.ok_or(Error::Malformed { what: WHAT })?;
        let tbs = &self.der[self.tbs.0..self.tbs.1];
        let verified = issuer.public_key().verify(alg, tbs, &self.signature);
        verified.map_err(|_| Error::BadSignature { what: WHAT })
    }
}

fn critical(id: oid::Oid) -> Error {
    Error::CriticalExtension {
        oid: id.to_string(),
    }
}

fn entries(mut list: Reader<'_>) -> Result<Vec<Revoked>, Error> {
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut one = list.enter(tag::SEQUENCE)?;
        let serial = one.integer()?.to_vec();
        let revoked = one.time()?;
        let (mut reason, mut invalid_since) = (0, None);
        if let Some(mut extensions) = one.optional(tag::SEQUENCE)? {
            while !extensions.is_empty() {
                match extension(&mut extensions)? {
                    (oid::CRL_REASON, _, value) => match value {
                        [tag::ENUMERATED, 1, code] => reason = *code,
                        _ => return Err(one.wrong()),
                    },
                    (oid::INVALIDITY_DATE, _, value) => {
                        invalid_since = Some(Reader::new(value, WHAT).time()?);
                    }
                    (_, false, _) => {}
                    (other, true, _) => return Err(critical(other)),
                }
            }
        }
        one.finish()?;
        out.push(Revoked {
            serial,
            revoked,
            reason,
            invalid_since,
        });
    }
    out.sort_by(|a, b| a.serial.cmp(&b.serial));
    if out.windows(2).any(|pair| pair[0].serial == pair[1].serial) {
        return Err(list.wrong());
    }
    Ok(out)
}
