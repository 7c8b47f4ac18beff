//! Paths to a trust anchor (RFC 5280 section 6), judged at one instant.

use crate::{Certificate, Error, RevocationList, oid};
use mifeng_crypto::{HashAlg, KeyAlg, Suite, Time};

/// Certificates in a path, leaf and anchor included; real hierarchies have three.
const DEPTH_MAX: usize = 6;
/// Signature checks one search may cost: hostile intermediates can name each other at will.
const BUDGET: usize = 64;
/// Bits of the smallest RSA key of a leaf in intl-1; CAs may have 2,048 (old roots do).
const RSA_LEAF_BITS_MIN: usize = 3_072;
const RSA_CA_BITS_MIN: usize = 2_048;

/// The CAs a verifier trusts.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<Certificate>);

impl Anchors {
    /// Trusts these certificates, each within its own validity.
    pub fn new(certificates: Vec<Certificate>) -> Self {
        Anchors(certificates)
    }
    /// The trusted certificates.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing records, bids and receipts.
    Signing,
    /// Receiving a bidder's share of a seal.
    BidEncryption,
    /// Stamping time.
    TimeStamping,
    /// Issuing certificates.
    CertificateAuthority,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Signing => "signing",
            Purpose::BidEncryption => "encryption",
            Purpose::TimeStamping => "time stamping",
            Purpose::CertificateAuthority => "issuing certificates",
        }
    }

    /// Dual certificates: each key for its own use only. A certificate without keyUsage is
    /// refused, since then nobody has said what it is for.
    fn allows(self, leaf: &Certificate) -> bool {
        let Some(usage) = leaf.key_usage() else {
            return false;
        };
        let extended = leaf.extended();
        let special = |id: &oid::Oid| [oid::TIME_STAMPING, oid::OCSP_SIGNING].contains(id);
        match self {
            Purpose::Signing => {
                usage.signs()
                    && !leaf.is_ca()
                    && (extended.is_empty() || !extended.iter().all(special))
            }
            Purpose::BidEncryption => usage.encrypts() && !leaf.is_ca(),
            // RFC 3161 section 2.3: this usage alone, and critical.
            Purpose::TimeStamping => {
                usage.signs() && extended == [oid::TIME_STAMPING] && leaf.extended_is_critical()
            }
            Purpose::CertificateAuthority => usage.signs_certificates() && leaf.is_ca(),
        }
    }
}

/// A path that holds: leaf first, anchor last.
#[derive(Clone, Debug)]
pub struct VerifiedPath {
    certificates: Vec<Certificate>,
    revocation_known: bool,
}

impl VerifiedPath {
    /// The certificate the path was asked for.
    pub fn leaf(&self) -> &Certificate {
        &self.certificates[0]
    }
    /// The trusted certificate it ends at.
    pub fn anchor(&self) -> &Certificate {
        &self.certificates[self.certificates.len() - 1]
    }
    /// Leaf first, anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
    /// Whether a revocation list of its issuer was at hand for every certificate below the anchor.
    pub fn revocation_known(&self) -> bool {
        self.revocation_known
    }
}

/// Finds a path from `leaf` to an anchor that holds at the instant `at` for `purpose`, with
/// algorithms of `suite` only.
///
/// Revocation is judged at `at`: revoked before is refused; revoked later is fine unless the key
/// was compromised before. An issuer without any list among `crls` leaves
/// [`VerifiedPath::revocation_known`] false; lists that all ended before `at` are an error.
///
/// # Errors
/// The most telling reason found: see [`Error`] for each code.
pub fn verify_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &Anchors,
    crls: &[RevocationList],
    at: Time,
    purpose: Purpose,
    suite: &'static Suite,
) -> Result<VerifiedPath, Error> {
    let mut search = Search {
        intermediates,
        anchors,
        crls,
        at,
        suite,
        budget: BUDGET,
        reason: None,
    };
    search.check_one(leaf, purpose != Purpose::CertificateAuthority)?;
    if !purpose.allows(leaf) {
        return Err(Error::KeyUsage {
            subject: leaf.subject_name(),
            purpose: purpose.name(),
        });
    }
    let mut path = vec![leaf.clone()];
    let mut known = true;
    // Trusting a certificate means trusting it directly, too.
    if anchors.0.contains(leaf) || search.extend(&mut path, &mut known)? {
        return Ok(VerifiedPath {
            certificates: path,
            revocation_known: known,
        });
    }
    Err(search.reason.unwrap_or_else(|| Error::UnlistedCa {
        subject: leaf.subject_name(),
        issuer: leaf.issuer_name(),
    }))
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    anchors: &'a Anchors,
    crls: &'a [RevocationList],
    at: Time,
    suite: &'static Suite,
    budget: usize,
    reason: Option<Error>,
}

impl Search<'_> {
    /// Tries every issuer of the last certificate; true if the path reached an anchor.
    fn extend(&mut self, path: &mut Vec<Certificate>, known: &mut bool) -> Result<bool, Error> {
        if path.len() >= DEPTH_MAX {
            return Ok(false);
        }
        let child = path[path.len() - 1].clone();
        let (anchors, intermediates) = (self.anchors, self.intermediates);
        let trusted = anchors.0.iter().map(|c| (c, true));
        for (issuer, is_anchor) in trusted.chain(intermediates.iter().map(|c| (c, false))) {
            if issuer.subject_raw() != child.issuer_raw() || path.contains(issuer) {
                continue;
            }
            let before = *known;
            match self.link(&child, issuer, path) {
                Ok(listed) => *known &= listed,
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(reason) => {
                    self.reason.get_or_insert(reason);
                    continue;
                }
            }
            path.push(issuer.clone());
            if is_anchor || self.extend(path, known)? {
                return Ok(true);
            }
            path.pop();
            *known = before;
        }
        Ok(false)
    }

    /// Checks that `issuer` made `child`, may do so, and has not revoked it.
    fn link(
        &mut self,
        child: &Certificate,
        issuer: &Certificate,
        below: &[Certificate],
    ) -> Result<bool, Error> {
        let broken = |rule| Error::CaRule {
            subject: issuer.subject_name(),
            rule,
        };
        self.check_one(issuer, false)?;
        if !issuer.is_ca() {
            return Err(broken("basicConstraints"));
        }
        if issuer
            .key_usage()
            .is_some_and(|usage| !usage.signs_certificates())
        {
            return Err(broken("keyCertSign"));
        }
        // Self-issued certificates do not count, nor does the leaf (RFC 5280 section 4.2.1.9).
        let cas = below
            .iter()
            .skip(1)
            .filter(|c| c.subject_raw() != c.issuer_raw());
        if issuer
            .path_len()
            .is_some_and(|max| cas.count() as u64 > max)
        {
            return Err(broken("pathLenConstraint"));
        }
        if let (Some(a), Some(b)) = (child.authority_key_id(), issuer.subject_key_id())
            && a != b
        {
            return Err(broken("key identifiers"));
        }
        self.spend()?;
        let alg = child
            .signature_alg()
            .ok_or(self.foreign("certificate signature"))?;
        let verified = issuer
            .public_key()
            .verify(alg, child.tbs_der(), child.signature());
        verified.map_err(|_| Error::BadSignature {
            what: "certificate",
        })?;
        self.check_revocation(child, issuer)
    }

    fn spend(&mut self) -> Result<(), Error> {
        self.budget = self
            .budget
            .checked_sub(1)
            .ok_or(Error::Budget { max: BUDGET })?;
        Ok(())
    }

    fn foreign(&self, what: &'static str) -> Error {
        Error::WrongSuite {
            what,
            suite: self.suite.id(),
        }
    }

    /// What a certificate must satisfy wherever it stands.
    fn check_one(&self, certificate: &Certificate, leaf: bool) -> Result<(), Error> {
        let gm = self.suite.hash() == HashAlg::Sm3;
        let rsa_min = if leaf {
            RSA_LEAF_BITS_MIN
        } else {
            RSA_CA_BITS_MIN
        };
        let key_fits = match certificate.public_key().key_alg() {
            KeyAlg::Sm2 => gm,
            KeyAlg::P256 | KeyAlg::P384 => !gm,
            KeyAlg::Rsa { bits } => !gm && bits >= rsa_min,
            _ => false,
        };
        if !key_fits {
            return Err(self.foreign("public key"));
        }
        let fits = |alg| oid::belongs(alg, self.suite);
        if !certificate.signature_alg().is_some_and(fits) {
            return Err(self.foreign("certificate signature"));
        }
        if let Some(id) = certificate.unknown_critical() {
            return Err(Error::CriticalExtension {
                oid: id.to_string(),
            });
        }
        let subject = || certificate.subject_name();
        if self.at < certificate.not_before() {
            return Err(Error::NotYetValid {
                subject: subject(),
                not_before: certificate.not_before(),
                at: self.at,
            });
        }
        // notAfter names a whole second, all of which is included.
        if self.at.as_unix_seconds() > certificate.not_after().as_unix_seconds() {
            return Err(Error::Expired {
                subject: subject(),
                not_after: certificate.not_after(),
                at: self.at,
            });
        }
        Ok(())
    }

    /// True if a list of the issuer spoke about `child` at the instant asked about.
    fn check_revocation(
        &mut self,
        child: &Certificate,
        issuer: &Certificate,
    ) -> Result<bool, Error> {
        let (mut fresh, mut stale) = (false, None);
        let crls = self.crls;
        for list in crls.iter().filter(|list| list.names(issuer)) {
            if !list
                .signature_alg()
                .is_some_and(|alg| oid::belongs(alg, self.suite))
            {
                return Err(self.foreign("revocation list signature"));
            }
            self.spend()?;
            list.verify(issuer)?;
            if let Some(entry) = list.find(child.serial_raw())
                && entry.from() <= self.at
            {
                return Err(Error::Revoked {
                    subject: child.subject_name(),
                    revoked: entry.from(),
                    at: self.at,
                });
            }
            match list.next_update() {
                Some(end) if end < self.at => stale = stale.max(Some(end)),
                _ => fresh = true,
            }
        }
        match stale {
            Some(next_update) if !fresh => Err(Error::StaleRevocation {
                issuer: issuer.subject_name(),
                next_update,
                at: self.at,
            }),
            _ => Ok(fresh),
        }
    }
}
