//! Official documents of a tender, set in type: the same pages as PDF/A-2u and as OFD.
//!
//! *What is it?* [`Paper`] says what a document holds: titles, paragraphs, tables, a place for a
//! seal. [`set()`] makes pages of it by the rules of Chinese typesetting; [`Sheets::pdf`] and
//! [`Sheets::ofd`] write them with the used glyphs embedded. [`forms`] has the papers of a tender.
//! *What does it not do?* It reads no font files and no clock: both are arguments, and the same
//! arguments give the same bytes. It does not sign: [`Sheets::places`] says where seals belong, and
//! `mifeng-stamp` puts them there.
#![forbid(unsafe_code)]

mod draw;
mod error;
mod face;
pub mod forms;
mod paper;
mod set;
mod write;

pub use draw::{SealLook, seal_picture};
pub use error::Error;
pub use face::{Face, Faces};
pub use paper::{Align, Block, Cell, Closing, Code, Paper, Table};
pub use set::{SealSpot, Sheets, set};
