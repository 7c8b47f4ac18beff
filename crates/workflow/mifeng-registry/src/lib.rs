//! The life of electronic seals (电子印章), as signed records in the log of their maker.
//!
//! *What is it?* A unit applies for a seal with the information form ([`Apply`], [`Form`]); the maker
//! makes it ([`Make`]) or says no ([`Decline`]); every use is entered with who, why and the digest of
//! the document ([`Use`]), under dual control with a second person's consent ([`Approve`]); the maker or
//! the unit revokes it ([`Revoke`]). [`State::apply`] takes the records in, for the maker to accept them
//! and for anyone to read the log again. [`State::register`] is what a checker of documents needs.
//! *What does it not do?* It keeps no files and reads no clock: the log is the facade's
//! (`mifeng::registry`). Normative text: `spec/registry.md`.
#![forbid(unsafe_code)]

mod error;
mod events;
mod expiry;
mod form;
mod state;

pub use error::Error;
pub use events::{
    Apply, Approve, Config, Decline, Event, KeyChoice, Make, PictureFile, Reason, Revoke, Use,
};
pub use expiry::{Alert, Expiring};
pub use form::{Form, Person, TEXT_LEN_MAX, Unit};
pub use state::{Application, Entered, Fate, Made, Number, RECORDS_MAX, SLACK_MS, State, Trust};
