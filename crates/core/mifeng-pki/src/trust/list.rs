//! The list itself: canonical JSON with rules.

use super::CodePlace;
use crate::{Certificate, Error, oid};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg, KeyAlg, Suite, Time, jcs};
use serde::{Deserialize, Serialize};

/// Bytes of the largest list: 256 CAs with two roots of 1.5 KB each stay below.
pub const LIST_LEN_MAX: usize = 2 << 20;
/// CAs of one list; China licenses some sixty.
const CAS_MAX: usize = 256;
/// Roots of one CA: old and new, for each kind of certificate.
const ROOTS_MAX: usize = 8;
/// Certificates that may sign the next version.
const OPERATORS_MAX: usize = 8;
/// Places in which one CA writes the credit code.
const PLACES_MAX: usize = 8;
/// Bytes of a name.
const NAME_LEN_MAX: usize = 300;

/// What a certificate may be used for under a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// Receiving a bidder's share of a seal.
    BidEncryption,
    /// Signing bids and what bidders say about them.
    BidSigning,
    /// Signing the host's records, receipts and heads.
    Host,
    /// Signing the records of agency, buyer, expert and others.
    RecordSigning,
    /// Making electronic seals.
    SealMaking,
    /// Putting electronic seals on documents.
    SealUse,
    /// Stamping time.
    TimeStamping,
    /// Signing trust lists.
    TrustList,
    /// Acting as a trustee of an opening board.
    Trustee,
}

impl Usage {
    /// Every usage, in the order in which a list names them.
    pub const ALL: [Usage; 9] = [
        Usage::BidEncryption,
        Usage::BidSigning,
        Usage::Host,
        Usage::RecordSigning,
        Usage::SealMaking,
        Usage::SealUse,
        Usage::TimeStamping,
        Usage::TrustList,
        Usage::Trustee,
    ];

    /// The name in a list.
    pub fn name(self) -> &'static str {
        match self {
            Usage::BidEncryption => "bid-encryption",
            Usage::BidSigning => "bid-signing",
            Usage::Host => "host",
            Usage::RecordSigning => "record-signing",
            Usage::SealMaking => "seal-making",
            Usage::SealUse => "seal-use",
            Usage::TimeStamping => "time-stamping",
            Usage::TrustList => "trust-list",
            Usage::Trustee => "trustee",
        }
    }
}

/// Which half of the dual-certificate system a certificate is, by its keyUsage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Encrypts only.
    Encryption,
    /// Signs only.
    Signing,
    /// One certificate that signs and encrypts.
    Single,
}

impl CertificateKind {
    /// The kind of a certificate; `None` if its keyUsage allows neither.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let usage = certificate.key_usage()?;
        match (usage.signs(), usage.encrypts()) {
            (true, true) => Some(CertificateKind::Single),
            (true, false) => Some(CertificateKind::Signing),
            (false, true) => Some(CertificateKind::Encryption),
            (false, false) => None,
        }
    }

    /// The name in a list.
    pub fn name(self) -> &'static str {
        match self {
            CertificateKind::Encryption => "encryption",
            CertificateKind::Signing => "signing",
            CertificateKind::Single => "single",
        }
    }
}

/// One recognised CA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaProfile {
    /// Name as licensed.
    pub name: String,
    /// Its root certificates, DER in base64.
    pub roots: Vec<String>,
    /// Recognised from this instant.
    pub from: Time,
    /// And before this one; `None`: until a later version says otherwise.
    pub until: Option<Time>,
    /// Kinds of certificates it issues that count, sorted.
    pub kinds: Vec<CertificateKind>,
    /// What they count for, sorted.
    pub usages: Vec<Usage>,
    /// Where it writes the credit code; the first place that has one counts.
    pub code: Vec<CodePlace>,
}

/// A version of a trust list (spec/trust.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustList {
    /// Version of the format: 1.
    pub v: u64,
    /// Name of the list, the same in every version.
    pub name: String,
    /// The suite of its roots and of its signature.
    pub suite: String,
    /// From 1, by one.
    pub version: u64,
    /// Digest of the version before; `None` in version 1.
    pub previous: Option<Digest>,
    /// In force from this instant.
    pub effective: Time,
    /// Fingerprints of the certificates that may sign the next version, sorted.
    pub operators: Vec<Digest>,
    /// The recognised CAs, sorted by name.
    pub cas: Vec<CaProfile>,
}

fn increasing<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

impl TrustList {
    /// Reads a canonical list and checks its rules.
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of this form, [`Error::TrustList`] with the
    /// rule it breaks.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let list: TrustList = jcs::from_slice(body, LIST_LEN_MAX)?;
        list.check()?;
        Ok(list)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`Error::TrustList`] with the rule the list breaks.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        Ok(jcs::to_vec(self)?)
    }

    /// What names this version: `H_tag("trust-list", canonical bytes)`.
    ///
    /// # Errors
    /// As [`TrustList::to_bytes`].
    pub fn digest(&self) -> Result<Digest, Error> {
        Ok(digest_of(self.suite()?, &self.to_bytes()?))
    }

    /// The suite.
    ///
    /// # Errors
    /// [`Error::Crypto`] if the id is none of the two.
    pub fn suite(&self) -> Result<&'static Suite, Error> {
        Ok(Suite::by_id(&self.suite)?)
    }

    /// Every root with the CA it belongs to, as an index into `cas`.
    ///
    /// # Errors
    /// [`Error::TrustList`], [`Error::Malformed`] for what is not a certificate.
    pub fn roots(&self) -> Result<Vec<(usize, Certificate)>, Error> {
        let mut found = Vec::new();
        for (index, ca) in self.cas.iter().enumerate() {
            for root in &ca.roots {
                let der = BASE64_STANDARD
                    .decode(root)
                    .map_err(|_| broken("a root is not base64"))?;
                found.push((index, Certificate::parse(&der)?));
            }
        }
        Ok(found)
    }

    /// The next version, as a draft to be changed and signed: same name, suite, operators and CAs.
    ///
    /// # Errors
    /// As [`TrustList::digest`].
    pub fn successor(&self, effective: Time) -> Result<Self, Error> {
        Ok(TrustList {
            version: self.version + 1,
            previous: Some(self.digest()?),
            effective,
            ..self.clone()
        })
    }

    /// Every rule of spec/trust.md that a list can break by itself.
    fn check(&self) -> Result<(), Error> {
        if self.v != 1 {
            return Err(broken("format version is not 1"));
        }
        let suite = self.suite()?;
        check_name(&self.name)?;
        if self.version == 0 || (self.version == 1) != self.previous.is_none() {
            return Err(broken("version 1 has no previous one, every other has"));
        }
        if self.operators.is_empty() || self.operators.len() > OPERATORS_MAX {
            return Err(broken("1 to 8 operators"));
        }
        if !increasing(&self.operators) {
            return Err(broken("operators are not sorted, or one stands twice"));
        }
        if self.cas.is_empty() || self.cas.len() > CAS_MAX {
            return Err(broken("1 to 256 CAs"));
        }
        if !self.cas.windows(2).all(|pair| pair[0].name < pair[1].name) {
            return Err(broken("CAs are not sorted by name, or one stands twice"));
        }
        for ca in &self.cas {
            ca.check()?;
        }
        self.check_roots(suite)
    }

    fn check_roots(&self, suite: &'static Suite) -> Result<(), Error> {
        let mut seen = Vec::new();
        for (_, root) in self.roots()? {
            let fingerprint = root.fingerprint(suite.hash());
            if seen.contains(&fingerprint) {
                return Err(broken("a root stands twice"));
            }
            seen.push(fingerprint);
            if !root.is_ca() {
                return Err(broken("a root is not a CA certificate"));
            }
            let gm = suite.hash() == HashAlg::Sm3;
            let fits = (root.public_key().key_alg() == KeyAlg::Sm2) == gm
                && root
                    .signature_alg()
                    .is_some_and(|alg| oid::belongs(alg, suite));
            if !fits {
                return Err(Error::WrongSuite {
                    what: "root of the trust list",
                    suite: suite.id(),
                });
            }
        }
        Ok(())
    }
}

impl CaProfile {
    fn check(&self) -> Result<(), Error> {
        check_name(&self.name)?;
        if self.roots.is_empty() || self.roots.len() > ROOTS_MAX {
            return Err(broken("1 to 8 roots for a CA"));
        }
        if self.until.is_some_and(|until| until <= self.from) {
            return Err(broken(
                "a CA is recognised until before it is recognised from",
            ));
        }
        if self.kinds.is_empty() || !increasing(&self.kinds) {
            return Err(broken("kinds are missing, not sorted, or one stands twice"));
        }
        if self.usages.is_empty() || !increasing(&self.usages) {
            return Err(broken(
                "usages are missing, not sorted, or one stands twice",
            ));
        }
        if self.code.len() > PLACES_MAX {
            return Err(broken("at most 8 places for the credit code"));
        }
        let of_bidders = [Usage::BidSigning, Usage::BidEncryption];
        if self.code.is_empty() && self.usages.iter().any(|usage| of_bidders.contains(usage)) {
            return Err(broken("a CA of bidders needs a place for the credit code"));
        }
        self.code.iter().try_for_each(CodePlace::check)
    }

    /// Whether the CA is recognised at this instant.
    pub fn holds_at(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > NAME_LEN_MAX || name.chars().any(char::is_control) {
        return Err(broken(
            "a name has 1 to 300 bytes and no control characters",
        ));
    }
    Ok(())
}

pub(super) fn broken(rule: &'static str) -> Error {
    Error::TrustList { rule }
}

pub(super) fn digest_of(suite: &Suite, body: &[u8]) -> Digest {
    suite.h_tag("trust-list", &[body])
}
