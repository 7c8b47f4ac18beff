//! Paths to a trust anchor (RFC 5280 section 6), judged at one instant under a policy.

mod answer;
mod chain;
mod policy;
mod revocation;
mod rules;
mod search;

pub use answer::{ANSWER_CHAIN_MAX, VerifiedAnswer};
pub use policy::{Conformance, Policy, Purpose, RevocationRule, Singles};

use crate::{Certificate, Error, Evidence, OcspResponse, RevocationList};
use mifeng_crypto::{Suite, Time};
use search::{Quest, Search};

/// The CAs a verifier trusts.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<Certificate>);

impl Anchors {
    /// Trusts these certificates, each within its own validity and constraints.
    pub fn new(certificates: Vec<Certificate>) -> Self {
        Anchors(certificates)
    }
    /// The trusted certificates.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }
}

/// What a path may be built from and judged by. None of it is trusted, but for answers that were verified before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Material<'a> {
    /// Certificates that may stand between leaf and anchor, or sign revocation lists.
    pub intermediates: &'a [Certificate],
    /// Revocation lists: complete, delta, indirect.
    pub crls: &'a [RevocationList],
    /// OCSP responses.
    pub ocsp: &'a [OcspResponse],
    /// OCSP answers that were verified before, which alone are believed as they are.
    pub answers: &'a [VerifiedAnswer],
}

/// What is known about the revocation of one certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// The anchor: trusted by configuration, not by lists.
    Anchor,
    /// A list or response that speaks for the instant asked about does not name it.
    Good,
    /// Revoked, but only after the instant asked about.
    RevokedLater {
        /// When.
        revoked: Time,
        /// CRLReason.
        reason: u8,
    },
    /// Nothing at hand speaks for it at the instant asked about.
    Unknown,
}

/// A path that holds: leaf first, anchor last.
#[derive(Clone, Debug)]
pub struct VerifiedPath {
    certificates: Vec<Certificate>,
    standings: Vec<Standing>,
    evidence: Vec<Evidence>,
    policies: Vec<String>,
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
    /// What is known about the revocation of each of [`Self::certificates`].
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }
    /// Whether for every certificate below the anchor something at hand spoke about revocation.
    pub fn revocation_known(&self) -> bool {
        !self.standings.contains(&Standing::Unknown)
    }
    /// Everything the judgement rests on: the path's certificates, and each list and response that
    /// was used with the certificates of who signed it. No document twice.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }
    /// The certificate policies of the leaf that hold along the path, dotted.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}

/// Finds a path from `leaf` to an anchor that holds at the instant `at` under `policy`.
///
/// Revocation is judged at `at`: revoked before is refused; revoked later is fine
/// ([`Standing::RevokedLater`]) unless the key was compromised before.
///
/// # Errors
/// The most telling reason found: see [`Error`] for each code.
pub fn judge_path(
    leaf: &Certificate,
    material: &Material<'_>,
    anchors: &Anchors,
    at: Time,
    policy: &Policy,
) -> Result<VerifiedPath, Error> {
    Search::new(material, &anchors.0, policy)?.run(leaf, at)
}

/// What one OCSP response says about `certificate`, issued by `issuer`, at the instant `at`, with nothing else at hand:
/// the responder is the issuer, or its certificate is in the response. [`Standing::Unknown`] if it says nothing.
///
/// # Errors
/// [`Error::Revoked`] if revoked by then, [`Error::StaleRevocation`] if it ended before, and what is wrong with it.
pub fn judge_response(
    response: &OcspResponse,
    (certificate, issuer): (&Certificate, &Certificate),
    at: Time,
    suite: &'static Suite,
) -> Result<Standing, Error> {
    let policy = Policy::new(Purpose::Any, suite);
    let material = Material {
        ocsp: core::slice::from_ref(response),
        ..Material::default()
    };
    let path = [certificate.clone(), issuer.clone()];
    let anchors = &path[1..];
    let mut search = Search::new(&material, anchors, &policy)?;
    let quest = Quest::new(at, &policy, anchors, &[]);
    search.standing(&path, 0, &quest, &mut Vec::new())
}

/// [`judge_path`] with the usual policy of a purpose ([`Policy::new`]) and revocation lists only:
/// an issuer without any list among `crls` leaves [`VerifiedPath::revocation_known`] false; lists
/// that all ended before `at` are an error.
///
/// # Errors
/// As [`judge_path`].
pub fn verify_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &Anchors,
    crls: &[RevocationList],
    at: Time,
    purpose: Purpose,
    suite: &'static Suite,
) -> Result<VerifiedPath, Error> {
    let material = Material {
        intermediates,
        crls,
        ..Material::default()
    };
    judge_path(leaf, &material, anchors, at, &Policy::new(purpose, suite))
}
