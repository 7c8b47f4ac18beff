//! What a policy must not be published with, and what a notice should say about it.

use std::collections::BTreeSet;

use mifeng_crypto::Digest;

use super::{Leaf, Node, Policy, ROOT_PATH, child_path, satisfied};

/// Distinct leaves up to which the linter looks for idle ones: at most 4096 combinations.
const IDLE_LEAVES_MAX: usize = 12;

impl Policy {
    /// What a notice with this policy must be refused for; empty when it may be published.
    ///
    /// The thresholds of the boards are unknown here; see [`Policy::lint_with`].
    pub fn lint(&self) -> Vec<Finding> {
        self.lint_with(None, &[])
    }

    /// As [`Policy::lint`], for a resolved policy (`bidder`) and with the boards' `(key, t)` known: a board that
    /// one member can answer for is one party.
    pub fn lint_with(&self, bidder: Option<Digest>, boards: &[(Digest, u8)]) -> Vec<Finding> {
        let mut findings = Vec::new();
        lint_clocks(&self.root, ROOT_PATH, false, &mut findings);
        let is_bidder = |leaf: Leaf| match leaf {
            Leaf::Bidder => true,
            Leaf::Cert(cert) => Some(cert) == bidder,
            _ => false,
        };
        let clock = |leaf: Leaf| matches!(leaf, Leaf::Tlock { .. });
        if satisfied(&self.root, ROOT_PATH, &|_, leaf| clock(leaf)) {
            findings.push(Finding::ClockAlone);
        }
        lint_siblings(&self.root, ROOT_PATH, &mut findings);
        findings.extend(self.idle_leaves().into_iter().map(Finding::IdleLeaf));
        for (_, leaf) in self.leaves() {
            if let Leaf::Group(key) | Leaf::Reveal(key) = leaf
                && !boards.is_empty()
                && boards.iter().all(|(board, _)| *board != key)
            {
                findings.push(Finding::UnknownBoard(key));
            }
        }
        let leaves: BTreeSet<Leaf> = self.leaves().into_iter().map(|(_, leaf)| leaf).collect();
        for leaf in &leaves {
            if let Leaf::Reveal(key) = leaf
                && leaves.contains(&Leaf::Group(*key))
            {
                findings.push(Finding::KeyInTwoWays(*key));
            }
        }
        let others: BTreeSet<Leaf> = self
            .leaves()
            .into_iter()
            .map(|(_, leaf)| leaf)
            .filter(|leaf| !is_bidder(*leaf) && !clock(*leaf))
            .collect();
        for party in others {
            let single = match party {
                Leaf::Group(key) | Leaf::Reveal(key) => {
                    boards.iter().any(|(board, t)| *board == key && *t <= 1)
                }
                _ => true,
            };
            if single
                && satisfied(&self.root, ROOT_PATH, &|_, leaf| {
                    leaf == party || clock(leaf)
                })
            {
                findings.push(Finding::OneParty(party));
            }
            if matches!(party, Leaf::Cert(_))
                && !satisfied(&self.root, ROOT_PATH, &|_, leaf| leaf != party)
            {
                findings.push(Finding::OtherCertRequired(party));
            }
        }
        findings
    }
}

impl Policy {
    /// What a notice with this policy should say plainly; it refuses nothing.
    pub fn notes(&self) -> Vec<Note> {
        let reveals = |leaf: &Leaf| matches!(leaf, Leaf::Reveal(_));
        let leaves = self.leaves();
        let one_time = leaves.iter().any(|(_, leaf)| reveals(leaf));
        one_time.then_some(Note::OneTimeKey).into_iter().collect()
    }

    /// Distinct leaves that change nothing in any combination of the others. Not looked for among more than
    /// [`IDLE_LEAVES_MAX`] distinct leaves.
    fn idle_leaves(&self) -> Vec<Leaf> {
        let distinct: BTreeSet<Leaf> = self.leaves().into_iter().map(|(_, leaf)| leaf).collect();
        let distinct: Vec<Leaf> = distinct.into_iter().collect();
        if distinct.len() > IDLE_LEAVES_MAX {
            return Vec::new();
        }
        let opens = |set: u32| {
            satisfied(&self.root, ROOT_PATH, &|_, leaf| {
                let at = distinct.iter().position(|known| *known == leaf);
                at.is_some_and(|at| set >> at & 1 == 1)
            })
        };
        let decides =
            |at: usize| (0..1u32 << distinct.len()).any(|set| opens(set) != opens(set ^ (1 << at)));
        let idle = (0..distinct.len()).filter(|at| !decides(*at));
        idle.map(|at| distinct[at]).collect()
    }
}

/// Why a policy must not be published.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A clock leaf at this path that does not stand under `all` beside something that can be withheld.
    ClockNotUnderAll(String),
    /// Time alone opens.
    ClockAlone,
    /// One party other than the bidder opens alone.
    OneParty(Leaf),
    /// Someone other than the bidder is required on every path by certificate; its faults cannot be proven.
    OtherCertRequired(Leaf),
    /// The leaf at this path stands beside itself: whoever satisfies one satisfies both, so their gate promises more
    /// than it asks for.
    RepeatedLeaf(String),
    /// A leaf that never decides: the others alone open whatever it says.
    IdleLeaf(Leaf),
    /// A board that nobody knows: its paths can never be satisfied.
    UnknownBoard(Digest),
    /// A board whose key is to be revealed and is to select bid by bid: once revealed it selects nothing.
    KeyInTwoWays(Digest),
}

impl Finding {
    /// A short stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ClockNotUnderAll(_) => "lock.lint-clock-not-under-all",
            Self::ClockAlone => "lock.lint-clock-alone",
            Self::OneParty(_) => "lock.lint-one-party",
            Self::OtherCertRequired(_) => "lock.lint-other-cert-required",
            Self::RepeatedLeaf(_) => "lock.lint-repeated-leaf",
            Self::IdleLeaf(_) => "lock.lint-idle-leaf",
            Self::UnknownBoard(_) => "lock.lint-unknown-board",
            Self::KeyInTwoWays(_) => "lock.lint-key-in-two-ways",
        }
    }
}

/// What a policy costs and a reader of the notice might not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A key that is revealed opens everything that was ever sealed to it.
    OneTimeKey,
}

impl Note {
    /// A short stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::OneTimeKey => "lock.note-one-time-key",
        }
    }

    /// In Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::OneTimeKey => {
                "一次性密钥：开标时公开私钥份额。公开之后，凡用该密钥密封的文件均可打开，已撤回、已替换、不应开启的投标也不例外；该密钥只用于本项目，不得再用"
            }
        }
    }

    /// In English.
    pub fn en(self) -> &'static str {
        match self {
            Self::OneTimeKey => {
                "one-time key: its shares are revealed at the opening. From then on everything that was sealed to it opens, also bids that were withdrawn, replaced or are not to be opened; the key serves this tender alone"
            }
        }
    }
}

fn lint_siblings(node: &Node, path: &str, findings: &mut Vec<Finding>) {
    let Node::Gate { of, .. } = node else { return };
    for (i, child) in of.iter().enumerate() {
        let path = child_path(path, i);
        if of[..i].contains(child) {
            findings.push(Finding::RepeatedLeaf(path.clone()));
        }
        lint_siblings(child, &path, findings);
    }
}

// A clock is safe only under an n-of-n gate with a sibling that time alone does not satisfy.
fn lint_clocks(node: &Node, path: &str, guarded: bool, findings: &mut Vec<Finding>) {
    match node {
        Node::Leaf(Leaf::Tlock { .. }) if !guarded => {
            findings.push(Finding::ClockNotUnderAll(path.to_owned()))
        }
        Node::Leaf(_) => {}
        Node::Gate { k, of } => {
            let by_time =
                |child: &Node| satisfied(child, "", &|_, leaf| matches!(leaf, Leaf::Tlock { .. }));
            let all = usize::from(*k) == of.len();
            for (i, child) in of.iter().enumerate() {
                let beside = of
                    .iter()
                    .enumerate()
                    .any(|(j, other)| j != i && !by_time(other));
                lint_clocks(
                    child,
                    &child_path(path, i),
                    guarded || (all && beside),
                    findings,
                );
            }
        }
    }
}
