//! What every run starts from, made once: a published tender, its people, and their sealed bids.

use crate::world::{Cast, Kind, Sealed, Tender};
use mifeng::Replay;
use mifeng::bidder::{self, LeafKey};
use mifeng::crypto::{Digest, Suite};
use mifeng::lock::SecretShare;
use mifeng::tender::BidderShare;
use std::collections::BTreeMap;

/// Bids that each bidder has ready: a first one, and one to replace it with.
const BIDS_EACH: usize = 2;

pub(super) struct Fixture {
    pub(super) cast: Cast,
    /// The host's folder after the notice.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// By bidder, then in the order of use.
    pub(super) bids: Vec<Vec<Sealed>>,
    /// What each bidder releases of each bid.
    pub(super) leaves: BTreeMap<Digest, BidderShare>,
    pub(super) secrets: Vec<SecretShare>,
    /// The tender as a bidder knows it from its bundle.
    pub(super) published: Replay,
}

impl Fixture {
    pub(super) fn new(suite: &'static Suite) -> Self {
        let cast = Cast::new(suite, "simulation");
        let (files, bids, leaves, secrets, published) = {
            let mut tender = Tender::new(&cast, "host.example/t/simulation", Kind::Joint);
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
        Fixture {
            cast,
            files,
            bids,
            leaves,
            secrets,
            published,
        }
    }
}
