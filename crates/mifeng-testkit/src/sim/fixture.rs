//! What every run starts from, made once: a published tender, its people, and their sealed bids.

use crate::world::{Cast, Kind, Sealed, Tender, notice};
use mifeng::bidder::{self, LeafKey};
use mifeng::crypto::{Digest, Suite};
use mifeng::lock::SecretShare;
use mifeng::tender::BidderShare;
use mifeng::{MeasuredBid, Replay};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bids that each bidder has ready: a first one, and one to replace it with.
const BIDS_EACH: usize = 2;

pub(super) struct Fixture {
    pub(super) cast: Cast,
    /// The host's folder after the notice.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// By bidder, then in the order of use.
    pub(super) bids: Vec<Vec<Sealed>>,
    /// The same in files of their own, read before they are handed in.
    pub(super) measured: Vec<Vec<MeasuredBid>>,
    folder: PathBuf,
    /// What each bidder releases of each bid.
    pub(super) leaves: BTreeMap<Digest, BidderShare>,
    pub(super) secrets: Vec<SecretShare>,
    /// The tender as a bidder knows it from its bundle.
    pub(super) published: Replay,
}

impl Fixture {
    /// With `grace` the body of a bid may come so many milliseconds after the close.
    pub(super) fn new(suite: &'static Suite, grace: u64) -> Self {
        let cast = Cast::new(suite, "simulation");
        let (files, bids, leaves, secrets, published) = {
            let mut tender = Tender::unpublished(&cast, "host.example/t/simulation");
            let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
            notice.body_grace_ms = grace;
            tender.publish(&notice).expect("a lawful notice");
            let files = tender.store.files().clone();
            let bids: Vec<Vec<Sealed>> = (0..cast.bidders.len())
                .map(|number| {
                    let price = |n: usize| 900_000 - 20_000 * number as u64 - 1_000 * n as u64;
                    (0..BIDS_EACH)
                        .map(|n| tender.seal(number, price(n), 5))
                        .collect()
                })
                .collect();
            let mut leaves = BTreeMap::new();
            for (person, own) in cast.bidders.iter().zip(&bids) {
                let key = person.enc.as_ref().expect("a bidder");
                for bid in own {
                    let seal = tender.verified(&bid.file);
                    let leaf = bidder::release(&seal, LeafKey::Key(key)).expect("own leaf");
                    leaves.insert(bid.id, leaf);
                }
            }
            let secrets = (0..cast.trustees.len()).map(|n| tender.secret(n)).collect();
            (files, bids, leaves, secrets, tender.bundle().replay)
        };
        let folder = folder();
        let measured = (0_usize..).zip(&bids).map(|(bidder, own)| {
            let of = |(n, bid)| measured(&folder.join(format!("{bidder}-{n}")), bid, suite);
            (0_usize..).zip(own).map(of).collect()
        });
        let measured = measured.collect();
        Fixture {
            cast,
            files,
            measured,
            folder,
            bids,
            leaves,
            secrets,
            published,
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // What stays is in the system's folder for such files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder that no other world has.
fn folder() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("mifeng-simulation-{}-{number}", std::process::id());
    std::env::temp_dir().join(name)
}

fn measured(path: &Path, bid: &Sealed, suite: &'static Suite) -> MeasuredBid {
    let folder = path.parent().expect("a folder");
    std::fs::create_dir_all(folder).expect("a folder for files");
    std::fs::write(path, &bid.file).expect("a file");
    MeasuredBid::read(path, suite, 1).expect("the file")
}
