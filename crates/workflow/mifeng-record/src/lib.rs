//! The signed record and the small validators that records need.
//!
//! Everything that happens in a tender is a [`Record`]: a canonical JSON body that a person could
//! read aloud, and a detached CMS signature by whoever acts. See `spec/record.md`.
#![forbid(unsafe_code)]

pub mod amount;
pub mod calendar;
mod error;
mod record;
pub mod region;
pub mod uscc;

pub use error::Error;
pub use record::{
    BODY_LEN_MAX, Draft, FILE_LEN_MAX, Facts, Record, SIGNATURE_LEN_MAX, SignedRecord,
};
