//! The reference host over HTTP: tenders of one folder each, an interface of versioned paths, and pages.
//!
//! *What is it?* [`House`] opens every tender below a folder and starts one writer for each: the only
//! thread that touches its engine ([`mifeng::Host`]). Everything else reads snapshots that the writers
//! publish. [`start`] listens, and serves the interface and the pages over a house. *What does it not
//! do?* It decides no rule of a tender: records are signed by those who act, and the engine says yes or
//! no. Before the close no answer depends on who bids or how many.
#![forbid(unsafe_code)]

mod access;
mod access_api;
mod anchor;
mod anchor_api;
mod api;
mod at_lists;
mod beside;
mod bodies;
mod clock;
mod desks;
mod details;
mod direct;
mod documents;
mod download;
mod feed;
mod guard;
mod house;
mod known;
mod limits;
mod lines;
mod lists;
mod log;
mod names;
mod office;
mod openapi;
mod orders;
mod pages;
mod parties;
mod patience;
mod places;
mod problem;
mod rates;
mod reading;
mod receipts;
mod routes;
mod sealed;
mod seat;
mod serve;
mod sink;
mod tls;
mod told;
mod upload;
mod uploads_api;
mod view;
mod watch;
mod words;
mod writer;

pub use access::RunningGrant;
pub use anchor::AnchorOpening;
pub use beside::{Beside, BesideCheck, PutBack};
pub use clock::{Clock, ManualClock, SystemClock};
pub use details::{error_in_chinese, words_in_chinese};
pub use house::{House, Tender, is_name};
pub use limits::*;
pub use log::{Event, Form, Level, Log, is_unseen};
pub use openapi::document;
pub use pages::STYLE;
pub use problem::Problem;
pub use seat::{Opened, Opening};
pub use serve::{Running, start, wait_for_signal};
pub use sink::FolderSink;
pub use tls::Tls;
pub use view::{
    Answer, Change, Ended, Hall, Life, Lot, Particular, Placed, Question, Release, Row, Signer,
    Standing, View,
};
pub use words::Lang;
pub use writer::{HostOrder, ORDER};
