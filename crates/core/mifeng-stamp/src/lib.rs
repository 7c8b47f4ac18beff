//! Electronic seals (电子印章), seal signatures (电子签章) and the OFD documents that carry them.
//!
//! *What is it?* Seals and seal signatures of GB/T 38540-2020 and GM/T 0031, made
//! ([`SealDraft`], [`SignatureDraft`]) and checked in the standards' order of steps
//! ([`check_seal`], [`check_signature`]); OFD packages (GB/T 33190) read against hostile input,
//! signed and checked for digests, seals and coverage ([`ofd`]); PDF signed by updates and checked
//! revision by revision ([`pdf`]). *What does it not do?* It reads no
//! clock and no file; whom to trust and at which instant are arguments ([`Trust`]).
#![forbid(unsafe_code)]

mod check;
mod deviation;
mod error;
pub mod ofd;
pub mod pdf;
mod picture;
mod report;
mod ses;

pub use check::{
    CheckedSeal, CheckedSignature, Protected, Register, Revoked, Trust, check_before_signing,
    check_seal, check_signature,
};
pub use deviation::Deviation;
pub use error::Error;
pub use picture::{PICTURE_LEN_MAX, PIXELS_MAX, Picture, PictureFacts, PictureKind};
pub use report::{Finding, Outcome, Report, Step, StepId, Verdict};
pub use ses::{
    CertificateDigest, Extension, SEAL_LEN_MAX, SIGNATURE_LEN_MAX, Seal, SealDraft, SealKind,
    SealSignature, SignatureDraft, SignedTime, Signers, Version,
};
