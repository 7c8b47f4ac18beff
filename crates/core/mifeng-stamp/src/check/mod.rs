//! Checks in the order of the standards: GB/T 38540 and GM/T 0031, seal before its use.
//!
//! All steps that can be made are made, and all failures reported, not only the first.

mod path;
mod register;
mod seal;
mod signature;

pub(crate) use signature::signing_time;

pub use register::{Register, Revoked};
pub use seal::{CheckedSeal, check_seal};
pub use signature::{CheckedSignature, Protected, check_before_signing, check_signature};

use mifeng_crypto::Time;
use mifeng_pki::{Anchors, Material, RevocationRule};

/// Whom a checker trusts, with what at hand, and at which instant it asks.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The CAs trusted for makers of seals.
    pub makers: &'a Anchors,
    /// The CAs trusted for signers.
    pub signers: &'a Anchors,
    /// The CAs trusted for time stamps.
    pub stamps: &'a Anchors,
    /// Certificates in between, revocation lists, OCSP responses.
    pub material: Material<'a>,
    /// What must be known about revocation.
    pub revocation: RevocationRule,
    /// The instant asked about: the checker's clock, or an earlier one.
    pub at: Time,
    /// By how many seconds a time stamp may be earlier than the signer's clock says. 0: the signer
    /// that asks for a stamp after signing has a clock that goes wrong otherwise.
    pub allowance_seconds: u32,
    /// Registers of makers that are at hand. With none, no seal is looked up.
    pub registers: &'a [Register],
}

impl<'a> Trust<'a> {
    /// One set of CAs for all, what is known about revocation counts, no allowance.
    #[must_use]
    pub fn new(anchors: &'a Anchors, material: Material<'a>, at: Time) -> Self {
        Trust {
            makers: anchors,
            signers: anchors,
            stamps: anchors,
            material,
            revocation: RevocationRule::IfKnown,
            at,
            allowance_seconds: 0,
            registers: &[],
        }
    }
}
