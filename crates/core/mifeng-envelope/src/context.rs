//! What one seal is for: the context that every key of it is bound to.

use crate::{Error, Result};
use mifeng_crypto::{Digest, Entropy, Suite, jcs};
use mifeng_lock::{Node, Policy};
use serde::{Deserialize, Serialize};

/// Bytes of the longest lot, envelope or bidder id: they are labels, not prose.
pub const ID_LEN_MAX: usize = 64;

/// Which tender, lot, envelope and bidder a seal belongs to (PROTOCOL 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The bidder's unified social credit code (统一社会信用代码) or other registered id.
    pub bidder: String,
    /// Fingerprint (suite hash over the DER) of the bidder's signing certificate.
    pub bidder_cert: Digest,
    /// Which of the bid's envelopes (技术, 商务, 报价), as the notice calls it.
    pub envelope: String,
    /// Which lot (标段, 包), as the notice calls it.
    pub lot: String,
    /// 32 random bytes: two seals never share a context.
    pub nonce: Digest,
    /// The suite's id.
    pub suite: String,
    /// Leaf hash of the publish or amend event that was sealed against.
    pub tender_event: Digest,
}

impl Context {
    /// A context with a new nonce.
    ///
    /// # Errors
    /// Those of the entropy source, and [`Context::check`].
    pub fn new(
        suite: &Suite,
        tender_event: Digest,
        (lot, envelope): (&str, &str),
        (bidder, bidder_cert): (&str, Digest),
        entropy: &mut dyn Entropy,
    ) -> Result<Self> {
        let mut nonce = [0; 32];
        entropy.fill(&mut nonce)?;
        let context = Context {
            bidder: bidder.to_owned(),
            bidder_cert,
            envelope: envelope.to_owned(),
            lot: lot.to_owned(),
            nonce: Digest::from_bytes(nonce),
            suite: suite.id().to_owned(),
            tender_event,
        };
        context.check()?;
        Ok(context)
    }

    /// Checks that the ids are 1 to [`ID_LEN_MAX`] bytes without control characters.
    ///
    /// # Errors
    /// [`Error::Malformed`] names the id.
    pub fn check(&self) -> Result<()> {
        for (what, id) in [
            ("bidder id", &self.bidder),
            ("envelope id", &self.envelope),
            ("lot id", &self.lot),
        ] {
            if id.is_empty() || id.len() > ID_LEN_MAX || id.chars().any(char::is_control) {
                return Err(Error::Malformed { what });
            }
        }
        Ok(())
    }
}

/// `C = H_tag("context", jcs(ctx), jcs(policy))` (PROTOCOL 2.2).
///
/// # Errors
/// [`Error::Mismatch`] if the context names another suite.
pub fn context_digest(suite: &Suite, context: &Context, policy: &Policy) -> Result<Digest> {
    if context.suite != suite.id() {
        return Err(Error::Mismatch { what: "suite" });
    }
    let context = jcs::to_vec(context)?;
    Ok(suite.h_tag("context", &[&context, &policy.to_jcs()?]))
}

/// `L = "leaf" ‖ 00 ‖ C ‖ p ‖ 00 ‖ jcs(node)`: what a leaf's ciphertext is bound to.
///
/// # Errors
/// Never for a leaf that exists; the signature follows the serialiser.
pub fn leaf_label(c: &Digest, path: &str, leaf: mifeng_lock::Leaf) -> Result<Vec<u8>> {
    let node = jcs::to_vec(&Node::Leaf(leaf))?;
    Ok([
        b"leaf\0",
        &c.as_bytes()[..],
        path.as_bytes(),
        &[0],
        &node[..],
    ]
    .concat())
}
