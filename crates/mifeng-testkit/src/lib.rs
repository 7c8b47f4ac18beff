//! Documents and runners for tests and demonstrations.
//!
//! *What is it?* [`pdf`] and [`bids`] make the folders of documents that a bidder would seal;
//! [`world`] holds whole tenders of a few people; [`vectors`] runs published test vectors against this
//! implementation; [`seals`] makes and opens what other people's tools are to open and make. *When do I want it?* In
//! tests, in the demonstration, and when another implementation's vectors are at hand. It is no part
//! of the product: nothing below depends on it.
//!
//! ```
//! let made = mifeng_testkit::pdf::tender_pdf(1, "Technical proposal", "Example Ltd.", 50_000);
//! assert!(made.starts_with(b"%PDF-1.7"));
//! ```
#![forbid(unsafe_code)]

pub mod bids;
pub mod crash;
pub mod dossier;
pub mod flip;
pub mod pdf;
mod random;
pub mod registry;
pub mod rush;
pub mod seals;
pub mod servers;
pub mod sim;
pub mod vectors;
pub mod world;
