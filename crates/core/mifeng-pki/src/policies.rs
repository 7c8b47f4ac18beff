//! Certificate policies along a path (RFC 5280 section 6.1).
//!
//! The tree of RFC 5280 grows exponentially with mappings. As RFC 9618 explains, one node for each
//! policy and depth is enough; of the nodes above, only what they pass on is kept. So the work of
//! one certificate is bounded by the product of its policies and those of the one above it.

use crate::oid::{self, Oid};
use crate::{Certificate, Error};
use std::collections::BTreeMap;

/// Policies or mappings of one certificate; real ones have fewer than twenty.
pub(crate) const POLICIES_MAX: usize = 256;

/// The policy inputs of RFC 5280 section 6.1.1 (c) to (g).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyInputs {
    /// The dotted policies of which one must hold along the path; empty for any.
    pub acceptable: Vec<String>,
    /// A policy must hold even if no certificate asks for one.
    pub explicit: bool,
    /// Mappings of policies are not followed.
    pub inhibit_mapping: bool,
    /// anyPolicy in a certificate does not stand for others.
    pub inhibit_any: bool,
}

/// What policyConstraints says: after how many certificates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Constraints {
    pub(crate) require_explicit: Option<u64>,
    pub(crate) inhibit_mapping: Option<u64>,
}

/// A policy that is valid at the depth reached.
struct Node {
    /// What the certificate below may name instead (its own policy unless mapped).
    expected: Vec<Oid>,
    /// Whether it goes back to a policy the verifier accepts.
    acceptable: bool,
}

type Level = BTreeMap<Oid, Node>;

/// The state variables of RFC 5280 section 6.1.2 that concern policies.
pub(crate) struct State {
    level: Level,
    accepted: Option<Vec<Oid>>,
    explicit: u64,
    mapping: u64,
    any: u64,
}

impl State {
    /// The state before the first of `length` certificates.
    ///
    /// # Errors
    /// [`Error::Malformed`] if an input is no object identifier.
    pub(crate) fn new(inputs: &PolicyInputs, length: usize) -> Result<Self, Error> {
        let parse = |text: &String| {
            Oid::new(text).map_err(|_| Error::Malformed {
                what: "policy identifier",
            })
        };
        let wanted: Vec<Oid> = inputs
            .acceptable
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()?;
        let accepted = (!wanted.is_empty() && !wanted.contains(&oid::ANY_POLICY)).then_some(wanted);
        let start = Node {
            expected: vec![oid::ANY_POLICY],
            acceptable: true,
        };
        let later = length as u64 + 1;
        let from = |now: bool| if now { 0 } else { later };
        Ok(State {
            level: Level::from([(oid::ANY_POLICY, start)]),
            accepted,
            explicit: from(inputs.explicit),
            mapping: from(inputs.inhibit_mapping),
            any: from(inputs.inhibit_any),
        })
    }

    fn accepts(&self, policy: Oid) -> bool {
        self.accepted
            .as_ref()
            .is_none_or(|list| list.contains(&policy))
    }

    /// Takes the next certificate of the path (sections 6.1.3 to 6.1.5); `last` for the leaf.
    ///
    /// # Errors
    /// [`Error::Policy`].
    pub(crate) fn step(&mut self, certificate: &Certificate, last: bool) -> Result<(), Error> {
        let self_issued = certificate.is_self_issued();
        self.descend(certificate, self_issued && !last);
        if self.explicit == 0 && self.level.is_empty() {
            return Err(Error::Policy {
                subject: certificate.subject_name(),
                rule: "no policy holds along the path",
            });
        }
        let constraints = certificate.policy_constraints();
        if last {
            self.explicit = self.explicit.saturating_sub(1);
            if constraints.require_explicit == Some(0) {
                self.explicit = 0;
            }
            return self.conclude(certificate);
        }
        self.map(certificate)?;
        if !self_issued {
            for left in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *left = left.saturating_sub(1);
            }
        }
        for (left, new) in [
            (&mut self.explicit, constraints.require_explicit),
            (&mut self.mapping, constraints.inhibit_mapping),
            (&mut self.any, certificate.inhibit_any()),
        ] {
            *left = (*left).min(new.unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Section 6.1.3 (d) and (e).
    fn descend(&mut self, certificate: &Certificate, exempt: bool) {
        let above = core::mem::take(&mut self.level);
        let named = certificate.policies();
        let any_above = above.get(&oid::ANY_POLICY).map(|node| node.acceptable);
        for policy in named.iter().filter(|policy| **policy != oid::ANY_POLICY) {
            let mut parents = above
                .iter()
                .filter(|(_, node)| node.expected.contains(policy))
                .peekable();
            let acceptable = if parents.peek().is_some() {
                parents.any(|(_, node)| node.acceptable)
            } else if let Some(acceptable) = any_above {
                acceptable && self.accepts(*policy)
            } else {
                continue;
            };
            self.put(*policy, acceptable);
        }
        if named.contains(&oid::ANY_POLICY) && (self.any > 0 || exempt) {
            for node in above.values() {
                for policy in &node.expected {
                    // Policies named by themselves already have their node.
                    if *policy == oid::ANY_POLICY || !named.contains(policy) {
                        self.put(*policy, node.acceptable);
                    }
                }
            }
        }
    }

    fn put(&mut self, policy: Oid, acceptable: bool) {
        let node = self.level.entry(policy).or_insert(Node {
            expected: vec![policy],
            acceptable: false,
        });
        node.acceptable |= acceptable;
    }

    /// Section 6.1.4 (a) and (b).
    fn map(&mut self, certificate: &Certificate) -> Result<(), Error> {
        let mut groups: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
        for (issuer, subject) in certificate.policy_mappings() {
            if [*issuer, *subject].contains(&oid::ANY_POLICY) {
                return Err(Error::Policy {
                    subject: certificate.subject_name(),
                    rule: "anyPolicy is mapped",
                });
            }
            groups.entry(*issuer).or_default().push(*subject);
        }
        for (policy, expected) in groups {
            if self.mapping == 0 {
                self.level.remove(&policy);
                continue;
            }
            let any = self.level.get(&oid::ANY_POLICY).map(|node| node.acceptable);
            match (self.level.get_mut(&policy), any) {
                (Some(node), _) => node.expected = expected,
                (None, Some(acceptable)) => {
                    let acceptable = acceptable && self.accepts(policy);
                    self.level.insert(
                        policy,
                        Node {
                            expected,
                            acceptable,
                        },
                    );
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Section 6.1.5 (g): something is left of what the verifier accepts, if anything must be.
    fn conclude(&mut self, certificate: &Certificate) -> Result<(), Error> {
        self.level.retain(|_, node| node.acceptable);
        if self.explicit == 0 && self.level.is_empty() {
            return Err(Error::Policy {
                subject: certificate.subject_name(),
                rule: "none of the policies asked for holds",
            });
        }
        Ok(())
    }

    /// The leaf's policies that hold, dotted; anyPolicy is among them as itself.
    pub(crate) fn valid(&self) -> Vec<String> {
        self.level.keys().map(Oid::to_string).collect()
    }
}
