//! What a verifier asks of a path.

use crate::oid::{self, Oid};
use crate::policies::PolicyInputs;
use crate::{Certificate, Error};
use mifeng_crypto::Suite;

/// Bits of the smallest RSA key of a leaf in intl-1; CAs may have 2,048 (old roots do).
const RSA_LEAF_BITS_MIN: usize = 3_072;

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing records, bids and receipts.
    Signing,
    /// Receiving a bidder's share of a seal.
    BidEncryption,
    /// Signing electronic seals as their maker (GB/T 38540).
    SealMaking,
    /// Signing documents with an electronic seal.
    SealUse,
    /// Stamping time.
    TimeStamping,
    /// Signing as the host of a log.
    Host,
    /// Signing as a trustee.
    Trustee,
    /// Signing OCSP responses for an issuer.
    OcspSigning,
    /// Signing revocation lists.
    RevocationListSigning,
    /// Issuing certificates.
    CertificateAuthority,
    /// Anything: the path is judged, the leaf's usages are not.
    Any,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Purpose::Signing => "signing",
            Purpose::BidEncryption => "encryption",
            Purpose::SealMaking => "making seals",
            Purpose::SealUse => "sealing documents",
            Purpose::TimeStamping => "time stamping",
            Purpose::Host => "hosting",
            Purpose::Trustee => "acting as a trustee",
            Purpose::OcspSigning => "OCSP signing",
            Purpose::RevocationListSigning => "signing revocation lists",
            Purpose::CertificateAuthority => "issuing certificates",
            Purpose::Any => "anything",
        }
    }

    /// Whether an RSA key of the leaf is held to the size for leaves.
    pub(super) fn is_of_an_end(self) -> bool {
        !matches!(
            self,
            Purpose::CertificateAuthority | Purpose::RevocationListSigning
        )
    }

    /// The extended usage that this purpose has by a standard.
    pub(super) fn extended(self) -> Option<Oid> {
        match self {
            Purpose::TimeStamping => Some(oid::TIME_STAMPING),
            Purpose::OcspSigning => Some(oid::OCSP_SIGNING),
            _ => None,
        }
    }

    /// Dual certificates: each key for its own use only. A certificate without keyUsage is
    /// refused, since then nobody has said what it is for.
    fn allows(self, leaf: &Certificate) -> bool {
        if self == Purpose::Any {
            return true;
        }
        let Some(usage) = leaf.key_usage() else {
            return false;
        };
        let extended = leaf.extended();
        let ordinary = !leaf.is_ca() && !only_special(extended);
        match self {
            Purpose::Signing | Purpose::SealUse | Purpose::SealMaking => usage.signs() && ordinary,
            // These sign in the name of a machine: digitalSignature itself.
            Purpose::Host | Purpose::Trustee => usage.signs_digitally() && ordinary,
            Purpose::BidEncryption => usage.encrypts() && ordinary,
            // RFC 3161 section 2.3: this usage alone, and critical.
            Purpose::TimeStamping => {
                usage.signs() && extended == [oid::TIME_STAMPING] && leaf.extended_is_critical()
            }
            // RFC 6960 section 4.2.2.2.
            Purpose::OcspSigning => usage.signs() && extended.contains(&oid::OCSP_SIGNING),
            Purpose::RevocationListSigning => usage.signs_revocations(),
            Purpose::CertificateAuthority => usage.signs_certificates() && leaf.is_ca(),
            Purpose::Any => true,
        }
    }
}

/// Whether all of these usages, and at least one, are of time stamping and OCSP.
pub(super) fn only_special(extended: &[Oid]) -> bool {
    let special = |id: &Oid| [oid::TIME_STAMPING, oid::OCSP_SIGNING].contains(id);
    !extended.is_empty() && extended.iter().all(special)
}

/// What must be known about revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationRule {
    /// What is at hand counts: an issuer about which nothing is at hand leaves
    /// [`super::Standing::Unknown`]; lists that are bad or stale, with no good one, are an error.
    IfKnown,
    /// For every certificate below the anchor something at hand must speak.
    Required,
    /// Nothing is looked at.
    Ignored,
}

/// How much of the field's variety is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conformance {
    /// What RFC 5280 asks of CAs is asked of every certificate.
    Strict,
    /// CAs may leave out key identifiers, mark basicConstraints, nameConstraints and
    /// policyConstraints as not critical, use serial number zero and leave out the number of a
    /// list. Nothing of this changes whose key it is.
    Field,
}

/// Certificates that may both sign and receive ("single", in place of a dual pair).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Singles {
    /// Taken from every issuer, each bit for its own purpose.
    Accepted,
    /// Taken from issuers with these names only (DER, [`Certificate::subject_raw`]).
    From(Vec<Vec<u8>>),
    /// Refused: signing and encryption need certificates of their own.
    Refused,
}

/// What a verifier asks of a path. Start with [`Policy::new`] and change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// What the leaf is to be used for.
    pub purpose: Purpose,
    /// The algorithms that may occur, in certificates, lists and responses.
    pub suite: &'static Suite,
    /// What must be known about revocation.
    pub revocation: RevocationRule,
    /// How much of the field's variety is taken.
    pub conformance: Conformance,
    /// Whether one certificate may be for signing and for encryption.
    pub singles: Singles,
    /// A dotted extended key usage that leaf and CAs must not exclude, beside the one that the
    /// purpose has by a standard.
    pub extended_usage: Option<String>,
    /// The inputs for certificate policies.
    pub policies: PolicyInputs,
    /// How many intermediate certificates that are not self-issued a path may have.
    pub intermediates_max: Option<u64>,
    /// Bits of the smallest RSA modulus of a leaf; CAs need 2,048.
    pub rsa_leaf_bits_min: usize,
}

impl Policy {
    /// The usual policy: what is known about revocation counts, the field's variety is taken,
    /// single certificates are accepted, any certificate policy will do.
    pub fn new(purpose: Purpose, suite: &'static Suite) -> Self {
        Policy {
            purpose,
            suite,
            revocation: RevocationRule::IfKnown,
            conformance: Conformance::Field,
            singles: Singles::Accepted,
            extended_usage: None,
            policies: PolicyInputs::default(),
            intermediates_max: None,
            rsa_leaf_bits_min: RSA_LEAF_BITS_MIN,
        }
    }

    /// Checks that the leaf may be used for the purpose.
    pub(super) fn check_leaf(&self, leaf: &Certificate) -> Result<(), Error> {
        let refused = |purpose| Error::KeyUsage {
            subject: leaf.subject_name(),
            purpose,
        };
        if !self.purpose.allows(leaf) {
            return Err(refused(self.purpose.name()));
        }
        let dual = leaf.key_usage().is_some_and(|u| u.signs() && u.encrypts());
        let taken = match &self.singles {
            Singles::Accepted => true,
            Singles::From(issuers) => issuers.iter().any(|name| name == leaf.issuer_raw()),
            Singles::Refused => false,
        };
        if dual && !leaf.is_ca() && self.purpose != Purpose::Any && !taken {
            return Err(refused("signing and encryption both"));
        }
        Ok(())
    }

    /// The extended usages that nothing in the path may exclude.
    pub(super) fn extended_usages(&self) -> Result<Vec<Oid>, Error> {
        let mut out: Vec<Oid> = self.purpose.extended().into_iter().collect();
        if let Some(text) = &self.extended_usage {
            out.push(Oid::new(text).map_err(|_| Error::Malformed {
                what: "extended key usage",
            })?);
        }
        Ok(out)
    }
}
