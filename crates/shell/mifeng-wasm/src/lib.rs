//! `mifeng verify` inside a browser: a page takes a dossier that somebody drops on it and shows
//! V1 to V14, and nothing leaves the machine. And `mifeng bid seal` for the bidder's desk of a host: a bid is sealed and
//! its record signed where the files and the key are ([`look`], [`seal`]), and so is the statement that signs in ([`sign_in`]);
//! a receipt is checked there too ([`receipt()`]), and a bid that was handed in before is looked at and withdrawn ([`earlier()`],
//! [`withdraw`]). Those present at an opening look at its record, sign it, ask and answer in the hall ([`present()`], [`say`]).
//!
//! *What is it?* [`audit()`] does what the command does: trusted roots, an earlier bundle and a
//! receipt may be given as well (for a sealed OFD or PDF document: roots, certificates and revocation
//! lists), and [`Answer::json`] is byte for byte what `mifeng verify --json`
//! prints. Files are read in slices through [`ReadAt`], so that a dossier of any size needs little
//! memory. *What does it not do?* It decides nothing itself: the checks are those of the crate
//! `mifeng`. The functions that the pages call are in `abi`, the only module with `unsafe` code;
//! it exists on wasm32 alone.
//!
//! ```
//! use mifeng_wasm::{Given, ReadAt, Request, audit};
//! use std::sync::Arc;
//!
//! struct Nothing;
//! impl ReadAt for Nothing {
//!     fn read_at(&self, _: &Given, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
//!         Ok(0)
//!     }
//! }
//! let dossier = Given { id: 0, name: "dossier.tar".into(), size: 0 };
//! let answer = audit(&Request::of(dossier), &(Arc::new(Nothing) as Arc<dyn ReadAt>));
//! assert!(!answer.valid);
//! ```
#![deny(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod abi;
mod audit;
mod desk;
mod document;
mod earlier;
mod number;
mod policy;
mod present;
mod price;
mod receipt;
mod sign_in;
mod slices;
mod wallet;

pub use audit::{Answer, Held, Problem, Request, Text, audit};
pub use desk::{
    Done, Kept, LookRequest, Looked, LotShown, Named, RoundShown, SealRequest, Shown, Tender, look,
    seal,
};
pub use document::{Document, StepShown};
pub use earlier::{
    Earlier, EarlierRequest, EarlierTold, OldBid, WithdrawRequest, Withdrawal, Withdrawn, earlier,
    withdraw,
};
pub use present::{
    Act, Present, PresentRequest, PresentTold, RowShown, Said, SayRequest, present, say,
};
pub use price::{PriceRequest, PriceTold, price};
pub use receipt::{Proved, ReceiptChecked, ReceiptRequest, receipt};
pub use sign_in::{SignInRequest, SignedIn, sign_in};
pub use slices::{Given, ReadAt};
