//! Whole dossiers of the made world, for whoever wants one to look at, to verify or to break.

mod amended;
mod anchored;
mod answered;
mod asked;
mod broken;
mod commit_first;
mod forge;
mod later;
mod locks;
mod lots;
mod misread;
mod postponed;
mod taken;
mod vectors;

pub(crate) use broken::tar;
pub use broken::{Broken, all as broken};
pub use locks::{Lock, locked};
pub use misread::misread;
pub use vectors::{Case, Manifest, ReceiptCase, Splice, write_vectors};
pub(crate) use vectors::{spliced, splices};

use crate::world::{Cast, DEADLINE, Kind, LOT, Tender};
use mifeng::crypto::Suite;
use mifeng::tender::BidWithdraw;
use std::path::Path;

/// What a made tender goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// One bid comes and is withdrawn, nothing is opened, the lot fails: no sealed bid is in the
    /// dossier, so it is as small as one can be (a sealed bid has a megabyte at least).
    Failed,
    /// Three bids are opened, drawn experts score them, one wins.
    Awarded,
}

/// The dossier of a story, the same bytes every time.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub fn make(suite: &'static Suite, story: Story) -> Vec<u8> {
    let cast = Cast::new(suite, "dossier");
    tell(&mut tender(&cast), story)
}

fn tender(cast: &Cast) -> Tender<'_> {
    Tender::new(cast, "host.example/t/dossier", Kind::Joint)
}

fn tell(tender: &mut Tender<'_>, story: Story) -> Vec<u8> {
    match story {
        Story::Awarded => {
            tender.receive(3);
            tender.finish(Kind::Joint)
        }
        Story::Failed => failed(tender),
    }
}

fn failed(tender: &mut Tender<'_>) -> Vec<u8> {
    tender.receive(1);
    let bidder = &tender.cast.bidders[0];
    let data = BidWithdraw {
        seal: tender.bids[0].id,
    };
    let said = tender.say(bidder, "bid.withdraw", &data, DEADLINE - 20);
    said.expect("withdrawn in time");
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    tender.open_all(100);
    let failure = tender.host.state().expected_failure(LOT);
    let failure = failure.expect("too few bids");
    let said = tender.say(&tender.cast.agency, "lot.fail", &failure, 101);
    said.expect("failed");
    tender.archive(103)
}

/// Makes a dossier and writes it to a file; returns its size in bytes.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, suite: &'static Suite, story: Story) -> std::io::Result<usize> {
    let bytes = make(suite, story);
    std::fs::write(path, &bytes)?;
    Ok(bytes.len())
}
