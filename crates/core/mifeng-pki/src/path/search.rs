//! The search for a path: depth first from the leaf, under a budget.

use super::rules::{Place, check_issuer, check_one, check_suite};
use super::{Material, Policy, Standing, VerifiedPath};
use super::{RevocationRule, chain};
use crate::name::Canonical;
use crate::{Certificate, Error, Evidence, EvidenceKind};
use mifeng_crypto::Time;
use std::collections::BTreeMap;

/// Certificates in a path, leaf and anchor included; real hierarchies have three.
pub(super) const DEPTH_MAX: usize = 8;
/// Signature checks one judgement may cost, revocation included: hostile intermediates can name
/// each other at will.
const SIGNATURES_MAX: usize = 96;
/// Issuers one search may look at.
const STEPS_MAX: usize = 4_096;
/// Certificates one search may be given to build from.
const MATERIAL_MAX: usize = 1_024;

/// What one judgement has left to spend, and what it has learnt.
pub(super) struct Ledger {
    signatures: usize,
    steps: usize,
    links: BTreeMap<(usize, usize), Result<(), Error>>,
}

impl Ledger {
    /// # Errors
    /// [`Error::Budget`].
    pub(super) fn spend_signature(&mut self) -> Result<(), Error> {
        self.signatures = self.signatures.checked_sub(1).ok_or(Error::Budget {
            what: "signature checks",
            max: SIGNATURES_MAX,
        })?;
        Ok(())
    }
    fn spend_step(&mut self) -> Result<(), Error> {
        self.steps = self.steps.checked_sub(1).ok_or(Error::Budget {
            what: "steps",
            max: STEPS_MAX,
        })?;
        Ok(())
    }
    /// Whether `signer` signed the document `id`, checked once.
    pub(super) fn once(
        &mut self,
        id: usize,
        signer: &Certificate,
        check: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(known) = self.links.get(&(id, signer.id())) {
            return known.clone();
        }
        self.spend_signature()?;
        let found = check();
        self.links.insert((id, signer.id()), found.clone());
        found
    }
}

pub(super) struct Search<'a> {
    pub(super) material: &'a Material<'a>,
    pub(super) anchors: &'a [Certificate],
    pub(super) policy: &'a Policy,
    pub(super) ledger: Ledger,
    /// How far each name is from an anchor.
    distances: BTreeMap<Canonical, usize>,
}

/// A found path with what was learnt about it.
pub(super) struct Found {
    pub(super) path: Vec<Certificate>,
    pub(super) standings: Vec<Standing>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) policies: Vec<String>,
}

/// What is being looked for: at which instant, under which policy, to which anchors, and whose
/// revocation is being judged further up (so that nobody vouches for itself).
pub(super) struct Quest<'q> {
    pub(super) at: Time,
    pub(super) policy: &'q Policy,
    pub(super) anchors: &'q [Certificate],
    pub(super) busy: &'q [usize],
    reason: Option<Error>,
}

impl<'q> Quest<'q> {
    pub(super) fn new(
        at: Time,
        policy: &'q Policy,
        anchors: &'q [Certificate],
        busy: &'q [usize],
    ) -> Self {
        Quest {
            at,
            policy,
            anchors,
            busy,
            reason: None,
        }
    }
}

impl<'a> Search<'a> {
    /// # Errors
    /// [`Error::TooLarge`] for more material than is looked at.
    pub(super) fn new(
        material: &'a Material<'a>,
        anchors: &'a [Certificate],
        policy: &'a Policy,
    ) -> Result<Self, Error> {
        let counts = [
            ("intermediate certificates", material.intermediates.len()),
            ("revocation lists", material.crls.len()),
            ("OCSP responses", material.ocsp.len()),
            ("OCSP answers", material.answers.len()),
        ];
        if let Some((what, found)) = counts.into_iter().find(|(_, count)| *count > MATERIAL_MAX) {
            return Err(Error::TooLarge {
                what,
                found,
                max: MATERIAL_MAX,
            });
        }
        Ok(Search {
            distances: distances(anchors, material.intermediates),
            material,
            anchors,
            policy,
            ledger: Ledger {
                signatures: SIGNATURES_MAX,
                steps: STEPS_MAX,
                links: BTreeMap::new(),
            },
        })
    }

    pub(super) fn run(mut self, leaf: &Certificate, at: Time) -> Result<VerifiedPath, Error> {
        let (policy, anchors) = (self.policy, self.anchors);
        let found = self.find(leaf, &mut Quest::new(at, policy, anchors, &[]))?;
        let mut evidence: Vec<Evidence> = found.path.iter().map(certificate_evidence).collect();
        for one in found.evidence {
            if !evidence.contains(&one) {
                evidence.push(one);
            }
        }
        Ok(VerifiedPath {
            certificates: found.path,
            standings: found.standings,
            evidence,
            policies: found.policies,
        })
    }

    /// The first path from `leaf` that holds.
    pub(super) fn find(
        &mut self,
        leaf: &Certificate,
        quest: &mut Quest<'_>,
    ) -> Result<Found, Error> {
        let policy = quest.policy;
        let place = if policy.purpose.is_of_an_end() {
            Place::End
        } else {
            Place::Between
        };
        check_one(leaf, quest.at, place, policy)?;
        policy.check_leaf(leaf)?;
        // Trusting a certificate means trusting it directly, too.
        if quest.anchors.contains(leaf) {
            return Ok(Found {
                path: vec![leaf.clone()],
                standings: vec![Standing::Anchor],
                evidence: Vec::new(),
                policies: Vec::new(),
            });
        }
        let mut path = vec![leaf.clone()];
        if let Some(found) = self.extend(&mut path, quest)? {
            return Ok(found);
        }
        Err(quest.reason.take().unwrap_or_else(|| Error::UnlistedCa {
            subject: leaf.subject_name(),
            issuer: leaf.issuer_name(),
        }))
    }

    /// Tries every issuer of the last certificate.
    fn extend(
        &mut self,
        path: &mut Vec<Certificate>,
        quest: &mut Quest<'_>,
    ) -> Result<Option<Found>, Error> {
        let child = path[path.len() - 1].clone();
        // Whatever the issuer is, at least so many certificates are still missing.
        let missing = self
            .distances
            .get(child.issuer())
            .map(|distance| distance + 1);
        if missing.is_none_or(|missing| path.len() + missing > DEPTH_MAX) {
            return Ok(None);
        }
        let trusted = quest.anchors.iter().map(|c| (c, true));
        let others = self.material.intermediates.iter().map(|c| (c, false));
        for (issuer, is_anchor) in trusted.chain(others) {
            if issuer.subject() != child.issuer() || repeats(path, issuer) {
                continue;
            }
            self.ledger.spend_step()?;
            let place = if is_anchor {
                Place::Anchor
            } else {
                Place::Between
            };
            match self.link(&child, issuer, place, quest) {
                Ok(()) => {}
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(reason) => {
                    quest.reason.get_or_insert(reason);
                    continue;
                }
            }
            path.push(issuer.clone());
            if is_anchor {
                match self.conclude(path, quest) {
                    Ok(found) => return Ok(Some(found)),
                    Err(stop @ Error::Budget { .. }) => return Err(stop),
                    // What breaks a whole path tells more than what breaks a link.
                    Err(reason) => quest.reason = Some(reason),
                }
            } else if let Some(found) = self.extend(path, quest)? {
                return Ok(Some(found));
            }
            path.pop();
        }
        Ok(None)
    }

    /// Checks that `issuer` made `child` and may do so.
    pub(super) fn link(
        &mut self,
        child: &Certificate,
        issuer: &Certificate,
        place: Place,
        quest: &Quest<'_>,
    ) -> Result<(), Error> {
        check_one(issuer, quest.at, place, quest.policy)?;
        check_issuer(issuer, child)?;
        let what = "certificate signature";
        let alg = check_suite(child.signature_alg(), quest.policy, what)?;
        self.ledger
            .once(child.id(), issuer, || issuer.made(child, alg))
    }

    /// Judges a path that reached an anchor.
    fn conclude(&mut self, path: &[Certificate], quest: &Quest<'_>) -> Result<Found, Error> {
        let policies = chain::check_chain(path, quest.policy)?;
        let mut found = Found {
            path: path.to_vec(),
            standings: Vec::new(),
            evidence: Vec::new(),
            policies,
        };
        if quest.policy.revocation == RevocationRule::Ignored {
            found.standings = vec![Standing::Unknown; path.len() - 1];
        } else {
            // From the anchor down: who is revoked revokes nobody.
            for at in (0..path.len() - 1).rev() {
                let standing = self.standing(path, at, quest, &mut found.evidence)?;
                found.standings.push(standing);
            }
            found.standings.reverse();
        }
        found.standings.push(Standing::Anchor);
        Ok(found)
    }
}

pub(super) fn certificate_evidence(certificate: &Certificate) -> Evidence {
    Evidence::new(EvidenceKind::Certificate, certificate.der().into())
}

/// The same name with the same key adds nothing to a path but length.
fn repeats(path: &[Certificate], issuer: &Certificate) -> bool {
    // The leaf may be a CA certificate that its own root renewed.
    path.contains(issuer)
        || path.iter().skip(1).any(|one| {
            one.subject() == issuer.subject() && one.public_key().raw() == issuer.public_key().raw()
        })
}

/// For every name from which certificates lead to an anchor, how many certificates with it as
/// issuer need above them besides the one of that name.
fn distances(anchors: &[Certificate], between: &[Certificate]) -> BTreeMap<Canonical, usize> {
    let own = anchors.iter().map(|anchor| (anchor.subject().clone(), 0));
    let mut known: BTreeMap<Canonical, usize> = own.collect();
    for distance in 1..DEPTH_MAX {
        let next: Vec<Canonical> = between
            .iter()
            .filter(|one| known.get(one.issuer()) == Some(&(distance - 1)))
            .map(|one| one.subject().clone())
            .collect();
        for name in next {
            known.entry(name).or_insert(distance);
        }
    }
    known
}
