//! Mutual recognition of CAs (CA互认): a signed, versioned list of the CAs that count.
//!
//! *What is it?* A [`TrustList`] says which roots are recognised, from when to when, for which
//! [`Usage`] and [`CertificateKind`], and where each CA writes the 统一社会信用代码. An operator
//! signs it ([`SignedTrustList`]); versions follow one another by digest ([`TrustChain`]), and a
//! tender pins the one in force. Format: spec/trust.md.

mod chain;
mod code;
mod list;
mod recognise;
mod signed;

pub use chain::{TrustChain, TrustVersion};
pub use code::{CodePart, CodePlace};
pub use list::{CaProfile, CertificateKind, LIST_LEN_MAX, TrustList, Usage};
pub use recognise::{Presented, Recognised};
pub use signed::SignedTrustList;
