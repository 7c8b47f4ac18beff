//! Certificate revocation lists, version 2 (RFC 5280 section 5): complete, delta and indirect.

mod entries;

use crate::asn1::{Reader, tag};
use crate::certificate::{distribution_point_name, extension, flag, key_id, reason_flags};
use crate::name::{self, Canonical, GeneralName};
use crate::{Certificate, Error, Evidence, EvidenceKind, oid};
use entries::Entries;
use mifeng_crypto::{SignatureAlg, Time};
use std::sync::{Arc, OnceLock};

/// Bytes of the largest list read: a million entries with reasons stay below.
pub const CRL_LEN_MAX: usize = 64 << 20;
/// Extensions of one list or entry.
const EXTENSIONS_MAX: usize = 64;
/// Octets of the longest list number (RFC 5280 section 5.2.3), and a sign octet.
const NUMBER_LEN_MAX: usize = 21;
/// reasonCode keyCompromise.
const KEY_COMPROMISE: u8 = 1;
/// reasonCode certificateHold.
const HOLD: u8 = 6;
/// reasonCode removeFromCRL.
const REMOVED: u8 = 8;
const WHAT: &str = "revocation list";

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
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
    pub(crate) fn is_hold(&self) -> bool {
        self.reason == HOLD
    }
    pub(crate) fn is_removal(&self) -> bool {
        self.reason == REMOVED
    }
}

/// What an issuingDistributionPoint says the list is about (RFC 5280 section 5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) names: Option<Vec<GeneralName>>,
    pub(crate) only_users: bool,
    pub(crate) only_cas: bool,
    pub(crate) only_attributes: bool,
    pub(crate) reasons: Option<u16>,
    pub(crate) indirect: bool,
}

/// A parsed, not yet verified, list. Cheap to clone.
#[derive(Clone)]
pub struct RevocationList {
    fields: Arc<Fields>,
    counts_from: Time,
}

struct Fields {
    der: Arc<[u8]>,
    tbs: (usize, usize),
    alg: Option<SignatureAlg>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    issuer_canonical: Canonical,
    this_update: Time,
    next_update: Option<Time>,
    extensions: Extensions,
    entries: Entries,
    /// The key (SubjectPublicKeyInfo) that was found to have made the signature.
    made_by: OnceLock<Box<[u8]>>,
}

#[derive(Default)]
struct Extensions {
    authority_key_id: Option<Vec<u8>>,
    number: Option<Vec<u8>>,
    base: Option<Vec<u8>>,
    scope: Option<Scope>,
    expired_since: Option<Time>,
    unknown_critical: Option<oid::Oid>,
}

impl RevocationList {
    /// Reads one DER CRL. A critical extension that is not understood is noted, and the list then
    /// speaks for no certificate.
    ///
    /// The entries stay where they are; an index of eight bytes each finds one in logarithmic time.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`].
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
        let issuer_canonical = name::canonical(&issuer)?;
        let this_update = input.time()?;
        let next_update = match input.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(input.time()?),
            _ => None,
        };
        let list = input.optional(tag::SEQUENCE)?;
        let mut extensions = Extensions::default();
        if let Some(mut explicit) = input.optional(tag::context(0))? {
            extensions.read(explicit.enter(tag::SEQUENCE)?, &issuer_canonical)?;
            explicit.finish()?;
        }
        input.finish()?;
        let indirect = extensions
            .scope
            .as_ref()
            .is_some_and(|scope| scope.indirect);
        let entries = match list {
            Some(list) => Entries::read(der, list, &issuer_canonical, indirect)?,
            None => Entries::default(),
        };
        let fields = Arc::new(Fields {
            tbs: (start, start + tbs.len()),
            der: der.into(),
            alg,
            signature,
            issuer,
            issuer_canonical,
            this_update,
            next_update,
            extensions,
            entries,
            made_by: OnceLock::new(),
        });
        Ok(RevocationList {
            fields,
            counts_from: this_update,
        })
    }

    /// The bytes as they were read.
    pub fn der(&self) -> &[u8] {
        &self.fields.der
    }
    /// The DER of the issuer's name.
    pub fn issuer_raw(&self) -> &[u8] {
        &self.fields.issuer
    }
    /// When the list was made.
    pub fn this_update(&self) -> Time {
        self.fields.this_update
    }
    /// From when on it is consulted: when it was made, or the later instant of [`RevocationList::counting_from`].
    pub fn counts_from(&self) -> Time {
        self.counts_from
    }
    /// The same list, consulted only from `at` on, as by somebody who got it that late. It says what it says.
    #[must_use]
    pub fn counting_from(mut self, at: Time) -> Self {
        self.counts_from = self.this_update().max(at);
        self
    }
    /// When the next one is due.
    pub fn next_update(&self) -> Option<Time> {
        self.fields.next_update
    }
    /// The list's number, big-endian.
    pub fn number(&self) -> Option<&[u8]> {
        self.fields.extensions.number.as_deref()
    }
    /// Whether the list says only what changed since a complete one.
    pub fn is_delta(&self) -> bool {
        self.fields.extensions.base.is_some()
    }
    /// Whether the list may speak for certificates of other issuers.
    pub fn is_indirect(&self) -> bool {
        self.fields
            .extensions
            .scope
            .as_ref()
            .is_some_and(|scope| scope.indirect)
    }
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.fields.entries.len()
    }
    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The entry of this serial number (content octets of the INTEGER) among the certificates of
    /// the list's own issuer. Of several, the one that counts earliest.
    pub fn find(&self, serial: &[u8]) -> Option<Revoked> {
        self.entry(serial, &self.fields.issuer_canonical)
    }

    pub(crate) fn entry(&self, serial: &[u8], issuer: &Canonical) -> Option<Revoked> {
        self.fields.entries.find(&self.fields.der, serial, issuer)
    }
    pub(crate) fn issuer(&self) -> &Canonical {
        &self.fields.issuer_canonical
    }
    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.fields.extensions.scope.as_ref()
    }
    pub(crate) fn signature_alg(&self) -> Option<SignatureAlg> {
        self.fields.alg
    }
    /// Since when expired certificates stay listed (expiredCertsOnCRL), if the list says.
    pub(crate) fn expired_since(&self) -> Option<Time> {
        self.fields.extensions.expired_since
    }
    /// The first critical extension, of the list or an entry, that is not understood.
    pub(crate) fn unknown_critical(&self) -> Option<oid::Oid> {
        self.fields
            .extensions
            .unknown_critical
            .or(self.fields.entries.unknown_critical())
    }
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.fields).addr()
    }

    /// Whether this delta brings `complete` up to date (RFC 5280 section 5.2.4): same issuer, same
    /// scope, same key identifier, made from this list or an older one, and newer than it.
    pub(crate) fn extends(&self, complete: &RevocationList) -> bool {
        let (own, other) = (&self.fields.extensions, &complete.fields.extensions);
        let (Some(base), Some(number), Some(complete_number)) =
            (&own.base, &own.number, &other.number)
        else {
            return false;
        };
        let order = |n: &[u8]| (n.len(), n.to_vec());
        !complete.is_delta()
            && self.issuer() == complete.issuer()
            && own.scope == other.scope
            && own.authority_key_id == other.authority_key_id
            && order(base) <= order(complete_number)
            && order(complete_number) < order(number)
    }

    /// The order in which an issuer's lists were made: by number, and so that equal numbers, which
    /// no issuer should give twice, have an order of their own.
    pub(crate) fn order(&self) -> impl Ord {
        let number = self.number().unwrap_or_default();
        (number.len(), number, self.this_update(), self.der())
    }

    /// Whether `issuer` could have signed this list: its name, and key identifiers if both exist.
    pub(crate) fn names(&self, issuer: &Certificate) -> bool {
        let own = self.fields.extensions.authority_key_id.as_deref();
        let ids = (own, issuer.subject_key_id());
        self.issuer() == issuer.subject() && !matches!(ids, (Some(a), Some(b)) if a != b)
    }

    /// Whether `issuer` may sign lists and signed this one. What was found of a key is not computed again.
    ///
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
        let alg = self.fields.alg.ok_or(Error::Malformed { what: WHAT })?;
        let key = issuer.public_key().spki_der();
        let maker = self.fields.made_by.get();
        if maker.is_some_and(|maker| **maker == *key) {
            return Ok(());
        }
        let tbs = &self.fields.der[self.fields.tbs.0..self.fields.tbs.1];
        issuer.verifies(alg, tbs, &self.fields.signature, WHAT)?;
        // Another key may have come first (it verifies the same signature); then it stays.
        let _ = self.fields.made_by.set(Box::from(key));
        Ok(())
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let kind = if self.is_delta() {
            EvidenceKind::DeltaRevocationList
        } else {
            EvidenceKind::RevocationList
        };
        Evidence::new(kind, self.fields.der.clone())
    }
}

impl PartialEq for RevocationList {
    fn eq(&self, other: &Self) -> bool {
        self.fields.der == other.fields.der
    }
}
impl Eq for RevocationList {}

impl core::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (made, entries) = (self.this_update(), self.len());
        write!(f, "RevocationList({made}, {entries} entries)")
    }
}

impl Extensions {
    fn read(&mut self, mut list: Reader<'_>, issuer: &Canonical) -> Result<(), Error> {
        let mut seen = Vec::new();
        while !list.is_empty() {
            let (id, critical, value) = extension(&mut list)?;
            if seen.contains(&id) || seen.len() >= EXTENSIONS_MAX {
                return Err(list.wrong());
            }
            seen.push(id);
            match id {
                oid::AUTHORITY_KEY_ID => self.authority_key_id = key_id(value),
                oid::CRL_NUMBER if !critical => self.number = Some(number(value)?),
                oid::DELTA_CRL_INDICATOR => self.base = Some(number(value)?),
                oid::ISSUING_DISTRIBUTION_POINT => self.scope = Some(scope(value, issuer)?),
                oid::EXPIRED_CERTS_ON_CRL => {
                    self.expired_since = Some(time_alone(value)?);
                }
                _ if critical => {
                    self.unknown_critical.get_or_insert(id);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A time and nothing behind it.
fn time_alone(value: &[u8]) -> Result<Time, Error> {
    let mut input = Reader::new(value, WHAT);
    let time = input.time()?;
    input.finish()?;
    Ok(time)
}

fn number(value: &[u8]) -> Result<Vec<u8>, Error> {
    let mut input = Reader::new(value, WHAT);
    let digits = input.integer()?;
    input.finish()?;
    if digits.len() > NUMBER_LEN_MAX || digits[0] & 0x80 != 0 {
        return Err(input.wrong());
    }
    Ok(digits.iter().copied().skip_while(|b| *b == 0).collect())
}

fn scope(value: &[u8], issuer: &Canonical) -> Result<Scope, Error> {
    let mut top = Reader::new(value, WHAT);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let names = match input.optional(tag::context(0))? {
        Some(place) => Some(distribution_point_name(place, issuer)?),
        None => None,
    };
    let scope = Scope {
        names,
        only_users: flag(&mut input, 0x81)?,
        only_cas: flag(&mut input, 0x82)?,
        reasons: reason_flags(&mut input, 0x83)?,
        indirect: flag(&mut input, 0x84)?,
        only_attributes: flag(&mut input, 0x85)?,
    };
    input.finish()?;
    // RFC 5280 section 5.2.5: at most one of them.
    let only = [scope.only_users, scope.only_cas, scope.only_attributes];
    if only.iter().filter(|flag| **flag).count() > 1 {
        return Err(input.wrong());
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue::{CertificateAuthority, Subject, Validity};
    use mifeng_crypto::{KeyAlg, PrivateKey, SeededEntropy};

    /// What is remembered of one key says nothing of another one, nor the other way round.
    #[test]
    fn who_made_a_list_is_remembered_by_key() -> Result<(), Error> {
        let at = |seconds: i64| Time::from_unix_seconds(1_780_000_000 + seconds);
        let validity = Validity {
            not_before: at(0),
            not_after: at(1_000_000),
        };
        for alg in [KeyAlg::Sm2, KeyAlg::P256] {
            let mut entropy = SeededEntropy::new(b"lists");
            let mut root = || {
                let key = PrivateKey::generate(alg, &mut entropy)?;
                CertificateAuthority::new_root(key, &Subject::named("Root"), validity, &[1])
            };
            let (own, other) = (root()?, root()?);
            let der = own.revocation_list(&[], at(10), at(20), 1)?;
            let refused = Err(Error::BadSignature { what: WHAT });
            for own_first in [false, true] {
                let list = RevocationList::parse(&der)?;
                if own_first {
                    assert_eq!(list.verify(own.certificate()), Ok(()));
                }
                for _ in 0..2 {
                    assert_eq!(list.clone().verify(other.certificate()), refused);
                    assert_eq!(list.verify(own.certificate()), Ok(()));
                }
            }
            // The last byte of the signature.
            let mut bent = der;
            *bent.last_mut().ok_or(Error::Malformed { what: WHAT })? ^= 1;
            assert_eq!(
                RevocationList::parse(&bent)?.verify(own.certificate()),
                refused
            );
        }
        Ok(())
    }
}
