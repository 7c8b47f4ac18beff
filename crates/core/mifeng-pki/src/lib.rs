//! Whose key is this, at that time, under this policy; CMS signatures; time stamps.
//!
//! *What is it?* X.509 certificates and paths judged at a given instant ([`verify_path`]),
//! CMS signatures ([`cms`]), RFC 3161 time stamps ([`tsp`]), passphrase-protected key
//! files ([`keyfile`]) and a small development CA ([`issue`]). *When do I want it?* When an
//! artefact has to name a person or an organisation; applications use the facade crate `mifeng`.
//!
//! No clock and no network: the instant, the anchors and the revocation lists are arguments.
#![forbid(unsafe_code)]

pub mod asn1;
mod certificate;
pub mod cms;
mod constraints;
mod crl;
pub mod enveloped;
mod error;
mod evidence;
pub mod issue;
pub mod keyfile;
mod name;
pub mod ocsp;
mod oid;
mod path;
pub mod pem;
mod policies;
mod signer;
pub mod trust;
pub mod tsp;
pub mod two_step;
mod uscc;

pub use certificate::{CERTIFICATE_LEN_MAX, Certificate, KeyUsage};
pub use crl::{CRL_LEN_MAX, RevocationList, Revoked};
pub use error::Error;
pub use evidence::{Evidence, EvidenceKind};
pub use ocsp::{OCSP_LEN_MAX, OcspAnswer, OcspResponse, OcspStatus};
pub use path::{
    ANSWER_CHAIN_MAX, Anchors, Conformance, Material, Policy, Purpose, RevocationRule, Singles,
    Standing, VerifiedAnswer, VerifiedPath, judge_path, judge_response, verify_path,
};
pub use policies::PolicyInputs;
pub use signer::{Decrypter, Signer, SoftwareDecrypter, SoftwareSigner};
pub use uscc::is_uscc;
