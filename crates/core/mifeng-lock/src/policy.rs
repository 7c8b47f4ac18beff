//! The opening policy: who, together, may open a bid.
//!
//! ```text
//! node = {"k":1..n,"of":[node…]} | {"leaf":"cert","cert":H} | {"leaf":"group","key":H}
//!      | {"leaf":"reveal","key":H} | {"leaf":"tlock","chain":H,"round":N}
//! ```
//!
//! The policy stands in the notice with `"cert":"bidder"` where the bidder's own key is meant; every bid's
//! policy is that text with `bidder` resolved ([`Policy::resolve`]). Normative text: `spec/policy.md`.

mod lint;

pub use lint::{Finding, Note};

use std::collections::BTreeSet;

use mifeng_crypto::{Digest, jcs};
use serde::de::{self, Deserializer};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Gates and leaves on the longest way down; four levels say everything the named policies need.
pub const MAX_DEPTH: usize = 4;
/// Leaves of one policy; each costs up to a few hundred bytes in every seal, so a header stays below 32 KiB.
pub const MAX_LEAVES: usize = 32;
/// Children of one gate; the share index is one byte and larger quorums belong into a board.
pub const MAX_FANOUT: usize = 16;
/// Bytes of a policy in canonical form: 32 leaves of at most 120 bytes plus gates.
pub const MAX_BYTES: usize = 8192;
/// Largest round number: JSON integers stay exact up to 2^53 - 1 (RFC 7493).
pub const MAX_ROUND: u64 = (1 << 53) - 1;

/// One condition that somebody, or time, can fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// The holder of the certificate with this digest.
    Cert(Digest),
    /// The bidder, whoever it will be: only in a notice, never in a bid.
    Bidder,
    /// A quorum of the board with this key digest ([`crate::Board::key`]).
    Group(Digest),
    /// The whole key of the board with this digest, which its members reveal: a key of one use.
    Reveal(Digest),
    /// A drand beacon chain reaching a round.
    Tlock {
        /// Chain hash.
        chain: Digest,
        /// Round number.
        round: u64,
    },
}

/// A gate or a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// `k` of the children must be satisfied.
    Gate {
        /// How many, `1..=of.len()`.
        k: u8,
        /// The children, in order; child `i` (from 1) is the Shamir point `x = i`.
        of: Vec<Node>,
    },
    /// A condition.
    Leaf(Leaf),
}

impl Node {
    /// All of these.
    pub fn all(of: Vec<Node>) -> Self {
        // A count above 255 is refused by `Policy::new` through the fan-out limit.
        let k = u8::try_from(of.len()).unwrap_or(u8::MAX);
        Self::Gate { k, of }
    }

    /// Any one of these.
    pub fn any(of: Vec<Node>) -> Self {
        Self::Gate { k: 1, of }
    }
}

/// A policy within the limits of the grammar.
///
/// ```
/// use mifeng_crypto::Digest;
/// use mifeng_lock::Policy;
/// let board = Digest::from_bytes([7; 32]);
/// let policy = Policy::joint(board);
/// assert!(policy.lint().is_empty());
/// assert!(policy.has_bidder_placeholder());
/// let resolved = policy.resolve(Digest::from_bytes([9; 32]));
/// assert_eq!(resolved.leaves().len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    root: Node,
}

impl Policy {
    /// Checks the limits of the grammar.
    ///
    /// # Errors
    /// [`Error::PolicySyntax`] or [`Error::Limit`].
    pub fn new(root: Node) -> Result<Self> {
        let mut leaves = 0;
        check(&root, 1, &mut leaves)?;
        Ok(Self { root })
    }

    /// `board`: the trustees alone.
    pub fn board(key: Digest) -> Self {
        Self {
            root: Node::Leaf(Leaf::Group(key)),
        }
    }

    /// `joint`: the bidder and the board.
    pub fn joint(key: Digest) -> Self {
        Self {
            root: Node::all(vec![Node::Leaf(Leaf::Bidder), Node::Leaf(Leaf::Group(key))]),
        }
    }

    /// `joint-with-remedy`: the bidder or, under the remedy plan, a fallback board (n-of-n); and the board.
    pub fn joint_with_remedy(key: Digest, fallback: Digest) -> Self {
        let first = Node::any(vec![
            Node::Leaf(Leaf::Bidder),
            Node::Leaf(Leaf::Group(fallback)),
        ]);
        Self {
            root: Node::all(vec![first, Node::Leaf(Leaf::Group(key))]),
        }
    }

    /// `bidder`: the bidder alone; the host only keeps the window.
    pub fn bidder() -> Self {
        Self {
            root: Node::Leaf(Leaf::Bidder),
        }
    }

    /// `one-time-key`: a key made for one tender, which its members reveal (PROTOCOL 1.2, option A′).
    pub fn one_time_key(key: Digest) -> Self {
        Self {
            root: Node::Leaf(Leaf::Reveal(key)),
        }
    }

    /// `joint-one-time-key`: the bidder and a key made for one tender.
    pub fn joint_one_time_key(key: Digest) -> Self {
        Self {
            root: Node::all(vec![
                Node::Leaf(Leaf::Bidder),
                Node::Leaf(Leaf::Reveal(key)),
            ]),
        }
    }

    /// The name of PROTOCOL section 2.1 this policy has, if it is one of the named ones.
    pub fn name(&self) -> Option<&'static str> {
        let key = |node: &Node| matches!(node, Node::Leaf(Leaf::Group(_)));
        let person = |node: &Node| matches!(node, Node::Leaf(Leaf::Bidder | Leaf::Cert(_)));
        let one_time = |node: &Node| matches!(node, Node::Leaf(Leaf::Reveal(_)));
        match &self.root {
            root if key(root) => Some("board"),
            root if person(root) => Some("bidder"),
            root if one_time(root) => Some("one-time-key"),
            Node::Gate { k: 2, of } if of.len() == 2 && person(&of[0]) && one_time(&of[1]) => {
                Some("joint-one-time-key")
            }
            Node::Gate { k: 2, of } if of.len() == 2 && key(&of[1]) => match &of[0] {
                first if person(first) => Some("joint"),
                Node::Gate { k: 1, of } if of.len() == 2 && person(&of[0]) && key(&of[1]) => {
                    Some("joint-with-remedy")
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The top of the tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Parses canonical JSON.
    ///
    /// # Errors
    /// When the bytes are not canonical, not in the grammar, or above a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(jcs::from_slice(bytes, MAX_BYTES)?)
    }

    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// Never for a policy that exists; the signature follows the serialiser.
    pub fn to_jcs(&self) -> Result<Vec<u8>> {
        Ok(jcs::to_vec(self)?)
    }

    /// Whether the bidder stands in it by role, as in a notice.
    pub fn has_bidder_placeholder(&self) -> bool {
        self.leaves().iter().any(|(_, leaf)| *leaf == Leaf::Bidder)
    }

    /// The same policy with the bidder's certificate filled in.
    pub fn resolve(&self, bidder_cert: Digest) -> Self {
        fn fill(node: &Node, cert: Digest) -> Node {
            match node {
                Node::Leaf(Leaf::Bidder) => Node::Leaf(Leaf::Cert(cert)),
                Node::Leaf(leaf) => Node::Leaf(*leaf),
                Node::Gate { k, of } => Node::Gate {
                    k: *k,
                    of: of.iter().map(|child| fill(child, cert)).collect(),
                },
            }
        }
        Self {
            root: fill(&self.root, bidder_cert),
        }
    }

    /// The leaves in order, with their paths `r`, `r.1`, `r.1.2` ….
    pub fn leaves(&self) -> Vec<(String, Leaf)> {
        fn walk(node: &Node, path: &str, out: &mut Vec<(String, Leaf)>) {
            match node {
                Node::Leaf(leaf) => out.push((path.to_owned(), *leaf)),
                Node::Gate { of, .. } => {
                    for (i, child) in of.iter().enumerate() {
                        walk(child, &child_path(path, i), out);
                    }
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.root, ROOT_PATH, &mut out);
        out
    }

    /// Whether the leaves at these paths are enough to open.
    pub fn is_satisfied_by<S: AsRef<str>>(&self, paths: &[S]) -> bool {
        let paths: BTreeSet<&str> = paths.iter().map(AsRef::as_ref).collect();
        satisfied(&self.root, ROOT_PATH, &|path, _| paths.contains(path))
    }
}

pub(crate) const ROOT_PATH: &str = "r";

pub(crate) fn child_path(path: &str, position: usize) -> String {
    format!("{path}.{}", position + 1)
}

fn check(node: &Node, depth: usize, leaves: &mut usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::Limit {
            what: "policy depth",
            limit: MAX_DEPTH,
            found: depth,
        });
    }
    match node {
        Node::Leaf(leaf) => {
            *leaves += 1;
            if *leaves > MAX_LEAVES {
                return Err(Error::Limit {
                    what: "policy leaves",
                    limit: MAX_LEAVES,
                    found: *leaves,
                });
            }
            match leaf {
                Leaf::Tlock { round, .. } if *round == 0 || *round > MAX_ROUND => {
                    Err(Error::PolicySyntax {
                        what: "round must be 1..=2^53-1",
                    })
                }
                _ => Ok(()),
            }
        }
        Node::Gate { k, of } => {
            if of.len() > MAX_FANOUT {
                return Err(Error::Limit {
                    what: "policy fan-out",
                    limit: MAX_FANOUT,
                    found: of.len(),
                });
            }
            if of.is_empty() || *k == 0 || usize::from(*k) > of.len() {
                return Err(Error::PolicySyntax {
                    what: "k must be 1..=number of children",
                });
            }
            of.iter()
                .try_for_each(|child| check(child, depth + 1, leaves))
        }
    }
}

fn satisfied(node: &Node, path: &str, has: &dyn Fn(&str, Leaf) -> bool) -> bool {
    match node {
        Node::Leaf(leaf) => has(path, *leaf),
        Node::Gate { k, of } => {
            let met = of
                .iter()
                .enumerate()
                .filter(|(i, child)| satisfied(child, &child_path(path, *i), has))
                .count();
            met >= usize::from(*k)
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Gate { k, of } => {
                map.serialize_entry("k", k)?;
                map.serialize_entry("of", of)?;
            }
            Self::Leaf(Leaf::Cert(cert)) => {
                map.serialize_entry("cert", cert)?;
                map.serialize_entry("leaf", "cert")?;
            }
            Self::Leaf(Leaf::Bidder) => {
                map.serialize_entry("cert", BIDDER)?;
                map.serialize_entry("leaf", "cert")?;
            }
            Self::Leaf(Leaf::Group(key)) => {
                map.serialize_entry("key", key)?;
                map.serialize_entry("leaf", "group")?;
            }
            Self::Leaf(Leaf::Reveal(key)) => {
                map.serialize_entry("key", key)?;
                map.serialize_entry("leaf", "reveal")?;
            }
            Self::Leaf(Leaf::Tlock { chain, round }) => {
                map.serialize_entry("chain", chain)?;
                map.serialize_entry("leaf", "tlock")?;
                map.serialize_entry("round", round)?;
            }
        }
        map.end()
    }
}

const BIDDER: &str = "bidder";

// Every key the grammar knows; which of them may stand together is decided in `to_node`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    #[serde(default, deserialize_with = "present")]
    k: Option<u8>,
    #[serde(default, deserialize_with = "present")]
    of: Option<Vec<RawNode>>,
    #[serde(default, deserialize_with = "present")]
    leaf: Option<String>,
    #[serde(default, deserialize_with = "present")]
    cert: Option<String>,
    #[serde(default, deserialize_with = "present")]
    key: Option<String>,
    #[serde(default, deserialize_with = "present")]
    chain: Option<String>,
    #[serde(default, deserialize_with = "present")]
    round: Option<u64>,
}

// `null` is not an absent key.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    d: D,
) -> core::result::Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

fn to_node(raw: RawNode, depth: usize) -> Result<Node> {
    if depth > MAX_DEPTH {
        return Err(Error::Limit {
            what: "policy depth",
            limit: MAX_DEPTH,
            found: depth,
        });
    }
    let digest = |text: &str| {
        text.parse::<Digest>().map_err(|_| Error::PolicySyntax {
            what: "digest must be 64 lower-case hex digits",
        })
    };
    match raw {
        RawNode {
            k: Some(k),
            of: Some(of),
            leaf: None,
            cert: None,
            key: None,
            chain: None,
            round: None,
        } => {
            let of = of
                .into_iter()
                .map(|child| to_node(child, depth + 1))
                .collect::<Result<_>>()?;
            Ok(Node::Gate { k, of })
        }
        RawNode {
            k: None,
            of: None,
            leaf: Some(leaf),
            cert,
            key,
            chain,
            round,
        } => match (leaf.as_str(), cert, key, chain, round) {
            ("cert", Some(cert), None, None, None) if cert == BIDDER => {
                Ok(Node::Leaf(Leaf::Bidder))
            }
            ("cert", Some(cert), None, None, None) => Ok(Node::Leaf(Leaf::Cert(digest(&cert)?))),
            ("group", None, Some(key), None, None) => Ok(Node::Leaf(Leaf::Group(digest(&key)?))),
            ("reveal", None, Some(key), None, None) => Ok(Node::Leaf(Leaf::Reveal(digest(&key)?))),
            ("tlock", None, None, Some(chain), Some(round)) => Ok(Node::Leaf(Leaf::Tlock {
                chain: digest(&chain)?,
                round,
            })),
            _ => Err(Error::PolicySyntax {
                what: "leaf with missing, extra or unknown members",
            }),
        },
        _ => Err(Error::PolicySyntax {
            what: "node must be a gate {k, of} or a leaf",
        }),
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        let raw = RawNode::deserialize(deserializer)?;
        to_node(raw, 1)
            .and_then(Policy::new)
            .map_err(de::Error::custom)
    }
}
