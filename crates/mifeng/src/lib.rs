//! The paved path of Mifeng 密封: sealed-bid electronic tendering.
//!
//! *What is it?* One crate over all rooms: a [`Host`] takes signed records into a transparency log
//! and gives receipts, bidders seal ([`bidder::seal`]), trustees release ([`trustee::release`]), and
//! anyone verifies the dossier offline ([`verify()`]). *What does it not do?* It opens no socket and
//! reads no clock: time is an argument, and a [`Store`] keeps the bytes.
#![forbid(unsafe_code)]

mod anchor;
mod backup;
pub mod bidder;
mod bundle;
mod dossier;
mod error;
mod host;
mod journal;
mod layout;
mod opening;
mod receipt;
pub mod registry;
mod replay;
mod report;
mod store;
pub mod trustee;
mod ustar;
mod verify;
mod whole;
pub mod words;

pub use anchor::{
    AnchorFiles, AnchorLog, AnchorMemory, AnchorWitnessed, AnchorWitnesses, Anchors, anchor_key,
};
pub use backup::{Backup, Copied, PutLists, back_up, back_up_with};
pub use bundle::{FILES_MAX, Files, SMALL_FILE_MAX, Source, Tar};
pub use dossier::{
    LeftOut, PERSONAL, Personal, RenewalMaterial, Renewed, public_export, renew, renewal_statement,
    renewals,
};
pub use error::Error;
pub use host::{
    ArrivingBid, CloseShown, Export, Host, HostKeys, MeasuredBid, NO_TENDER, OpenFile,
    STAMPS_PER_HEAD_MAX, Snapshot, StoreCheck, check_store, sign_numbered, sign_record,
};
pub use opening::{Opened, open_bid};
pub use receipt::{Receipt, Received, TenderKeys, Witnessed};
pub use replay::{Head, Logged, Replay};
pub use report::{Check, NotChecked, Report, Trusted, Verdict, not_checked};
pub use store::{ReadSeek, Store, Write};
pub use verify::{unreadable, verify};
pub use whole::{Copying, WholeFile};

// The rooms below, for those who need their parts.
pub use mifeng_crypto as crypto;
pub use mifeng_envelope as envelope;
pub use mifeng_lock as lock;
pub use mifeng_log as log;
pub use mifeng_pki as pki;
pub use mifeng_record as record;
pub use mifeng_registry as seals;
pub use mifeng_score as score;
pub use mifeng_stamp as stamp;
pub use mifeng_tender as tender;

use base64::prelude::{BASE64_STANDARD, Engine as _};

pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub(crate) fn decode_base64(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| Error::malformed(what, "not base64"))
}
