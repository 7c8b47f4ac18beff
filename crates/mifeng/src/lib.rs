//! The paved path: seal, receipt, open, dossier, verify.
#![forbid(unsafe_code)]
