//! Versions of one list, each vouched for by the one before.

use super::list::{broken, digest_of};
use super::recognise::Presented;
use super::{SignedTrustList, TrustList, Usage};
use crate::{Certificate, Error, RevocationList, VerifiedAnswer, cms};
use mifeng_crypto::{Digest, Suite, Time};

/// Versions that one tender or one verifier follows; a list that changes every week does so for
/// nineteen years.
const VERSIONS_MAX: usize = 1_000;

/// A version whose signature and place in the chain have been checked.
#[derive(Clone, Debug)]
pub struct TrustVersion {
    pub(super) list: TrustList,
    pub(super) roots: Vec<(usize, Certificate)>,
    pub(super) suite: &'static Suite,
    digest: Digest,
    operator: Certificate,
    since: Time,
}

impl TrustVersion {
    /// What it says.
    pub fn list(&self) -> &TrustList {
        &self.list
    }
    /// The digest that names it.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// Who signed it.
    pub fn operator(&self) -> &Certificate {
        &self.operator
    }
    /// From when on it counts here: its effective date, or when it became known, if that is later
    /// and [`TrustChain::count_last_from`] said so.
    pub fn since(&self) -> Time {
        self.since
    }
    /// Every root on it.
    pub fn roots(&self) -> impl Iterator<Item = &Certificate> {
        self.roots.iter().map(|(_, root)| root)
    }
}

/// Consecutive versions of one list, oldest first.
///
/// The first one is believed because somebody pinned its digest (a notice, a person); each later
/// one because an operator named by its predecessor signed it.
#[derive(Clone, Debug)]
pub struct TrustChain {
    suite: &'static Suite,
    versions: Vec<TrustVersion>,
}

impl TrustChain {
    /// Takes up a list with the first version at hand, which need not be version 1.
    ///
    /// Its signer must be one of its own operators, with a certificate that the list itself
    /// recognises for signing trust lists at `at`.
    ///
    /// # Errors
    /// [`Error::TrustList`], [`Error::WrongSuite`], and those of signature and path.
    pub fn start(
        signed: &SignedTrustList,
        suite: &'static Suite,
        at: Time,
        crls: &[RevocationList],
    ) -> Result<Self, Error> {
        let version = read(signed, suite)?;
        check_operator(&version, &version, signed, at, (crls, &[]))?;
        Ok(TrustChain {
            suite,
            versions: vec![version],
        })
    }

    /// Takes the next version, as it was known at `at`; on an error nothing changes.
    ///
    /// # Errors
    /// [`Error::TrustList`] with the rule of succession it breaks, and those of signature and path.
    pub fn add(
        &mut self,
        signed: &SignedTrustList,
        at: Time,
        crls: &[RevocationList],
    ) -> Result<&TrustVersion, Error> {
        self.add_with(signed, at, crls, &[])
    }

    /// The same, with OCSP answers that were verified before `at`.
    ///
    /// # Errors
    /// As [`TrustChain::add`].
    pub fn add_with(
        &mut self,
        signed: &SignedTrustList,
        at: Time,
        crls: &[RevocationList],
        answers: &[VerifiedAnswer],
    ) -> Result<&TrustVersion, Error> {
        let version = read(signed, self.suite)?;
        let last = self.last();
        let (new, old) = (&version.list, &last.list);
        if new.name != old.name {
            return Err(broken("another list than the one in use"));
        }
        if Some(new.version) != old.version.checked_add(1) || new.previous != Some(last.digest) {
            return Err(broken(
                "does not follow the last version by number and digest",
            ));
        }
        if new.effective < old.effective {
            return Err(broken("in force before the version it follows"));
        }
        if self.versions.len() >= VERSIONS_MAX {
            return Err(broken("more than 1,000 versions"));
        }
        check_operator(&version, last, signed, at, (crls, answers))?;
        self.versions.push(version);
        Ok(self.last())
    }

    /// Says that the newest version became known at `at`: it counts from its effective date or from
    /// then, whichever is later, so that no version changes what was right before it was there.
    pub fn count_last_from(&mut self, at: Time) {
        if let Some(last) = self.versions.last_mut() {
            last.since = last.since.max(at);
        }
    }

    /// The versions, oldest first; never empty.
    pub fn versions(&self) -> &[TrustVersion] {
        &self.versions
    }

    /// The newest version.
    pub fn last(&self) -> &TrustVersion {
        &self.versions[self.versions.len() - 1]
    }

    /// The version in force at this instant: the newest that counted ([`TrustVersion::since`]).
    pub fn in_force(&self, at: Time) -> Option<&TrustVersion> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.since <= at)
    }

    /// The version with this digest.
    pub fn find(&self, digest: &Digest) -> Option<&TrustVersion> {
        self.versions.iter().find(|v| v.digest == *digest)
    }

    /// Forgets the versions before the one with this digest: it is the one that is pinned.
    ///
    /// # Errors
    /// [`Error::TrustList`] if there is no such version.
    pub fn pin(&mut self, digest: &Digest) -> Result<(), Error> {
        let at = self.versions.iter().position(|v| v.digest == *digest);
        let at = at.ok_or(broken("no version with the pinned digest"))?;
        self.versions.drain(..at);
        Ok(())
    }
}

/// Reads a version and verifies its signature; whether the signer counts comes next.
fn read(signed: &SignedTrustList, suite: &'static Suite) -> Result<TrustVersion, Error> {
    let list = signed.list()?;
    if list.suite != suite.id() {
        return Err(Error::WrongSuite {
            what: "trust list",
            suite: suite.id(),
        });
    }
    let by = cms::verify_detached(&signed.signature, &signed.body, suite)?;
    Ok(TrustVersion {
        roots: list.roots()?,
        digest: digest_of(suite, &signed.body),
        operator: by.certificate,
        since: list.effective,
        list,
        suite,
    })
}

/// The signer of `version` must be one whom `judge` names, and hold a certificate that `judge`
/// recognises for this.
fn check_operator(
    version: &TrustVersion,
    judge: &TrustVersion,
    signed: &SignedTrustList,
    at: Time,
    (crls, answers): (&[RevocationList], &[VerifiedAnswer]),
) -> Result<(), Error> {
    let fingerprint = version.operator.fingerprint(version.suite.hash());
    if !judge.list.operators.contains(&fingerprint) {
        return Err(broken(
            "signed by somebody who is not an operator of the list",
        ));
    }
    let message = cms::SignedData::parse(&signed.signature)?;
    let presented = Presented {
        leaf: &version.operator,
        intermediates: message.certificates(),
        crls,
        ocsp: &[],
        answers,
        at,
    };
    // A first version may be signed before the day from which its CAs count.
    let on = at.max(judge.list.effective);
    judge
        .recognise(&presented, Usage::TrustList, on)
        .map(|_| ())
}
