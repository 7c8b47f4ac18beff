//! What was released for a bid, put together: the bidder's own leaf, boards' shares, keys, clocks.

use crate::refusal::{self, Refusal};
use crate::state::State;
use mifeng_crypto::Digest;
use mifeng_envelope::Sigma;
use mifeng_lock::tdh2::CheckedShare;
use mifeng_lock::tlock::Beacon;
use mifeng_lock::{Leaf, tdh2};
use mifeng_record::Record;
use std::collections::BTreeMap;

/// Everything that trustees and bidders released for one bid, verified.
#[derive(Debug)]
pub struct Released(Vec<(String, zeroize::Zeroizing<[u8; 32]>)>);

impl State {
    /// A beacon of a chain that the policy names: it opens clock leaves, for everybody, whoever brings it.
    pub(crate) fn beacon(&mut self, data: &Beacon, record: &Record) -> Result<(), Refusal> {
        self.require_host(record)?;
        let bad = |detail: String| Refusal::new(&refusal::BAD_SHARE, detail);
        let Some((_, notice)) = &self.notice else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "there is no notice yet",
            ));
        };
        let wanted = notice.policy.leaves().into_iter().any(|(_, leaf)| {
            leaf == Leaf::Tlock {
                chain: data.chain,
                round: data.round,
            }
        });
        let chains = notice.clock_chains().map_err(bad)?;
        let chain = chains.iter().find(|chain| chain.hash() == data.chain);
        let (true, Some(chain)) = (wanted, chain) else {
            return Err(bad(format!(
                "round {} of chain {}: no leaf of the policy is closed to it",
                data.round, data.chain
            )));
        };
        let verified = data.verify(chain).map_err(|e| bad(e.to_string()))?;
        if !self.opens_more() {
            return Err(Refusal::new(
                &refusal::DECIDED,
                format!("beacon of round {}", data.round),
            ));
        }
        let key = (data.chain, data.round);
        if self.beacons.insert(key, verified).is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("beacon of round {}", data.round),
            ));
        }
        Ok(())
    }

    /// The clock leaves of the policy whose beacon is not in the log.
    pub fn missing_beacons(&self) -> Vec<(Digest, u64)> {
        let leaves = self
            .notice
            .iter()
            .flat_map(|(_, notice)| notice.policy.leaves());
        leaves
            .filter_map(|(_, leaf)| match leaf {
                Leaf::Tlock { chain, round } => Some((chain, round)),
                _ => None,
            })
            .filter(|key| !self.beacons.contains_key(key))
            .collect()
    }

    /// What was released for a bid, combined per leaf: enough for its policy.
    ///
    /// # Errors
    /// [`refusal::QUORUM`] if it is not enough.
    pub fn released(&self, seal: &Digest) -> Result<Released, Refusal> {
        let bid = self.live(seal)?;
        let boards = self.boards();
        let mut shares = Vec::new();
        for ((_, path), share) in self.range_of(seal, &self.bidder_shares) {
            shares.push((path.clone(), zeroize::Zeroizing::new(*share)));
        }
        for leaf in bid.group_leaves() {
            let board = boards.iter().find(|board| board.key() == leaf.key);
            let from = self.board_shares.get(&(*seal, leaf.path.clone()));
            let (Some(board), Some(from)) = (board, from) else {
                continue;
            };
            let given: Vec<CheckedShare> = from.values().cloned().collect();
            if let Ok(share) = tdh2::combine_checked(board, &leaf.ciphertext, &given) {
                shares.push((leaf.path.clone(), share));
            }
        }
        if let Some((board, key)) = self.one_time_key() {
            for path in bid.key_leaves(&board) {
                let share = bid.key_share(&path, &key).map_err(|e| {
                    // The key was checked, so only who sealed the leaf can be at fault.
                    Refusal::new(&refusal::BAD_SEAL, format!("leaf {path}: {e}"))
                })?;
                shares.push((path, share));
            }
        }
        for (path, chain, round) in bid.clock_leaves() {
            let Some(beacon) = self.beacons.get(&(chain, round)) else {
                continue;
            };
            let share = bid.clock_share(&path, beacon).map_err(|e| {
                // The beacon was verified when it came, so only who sealed the leaf can be at fault.
                Refusal::new(&refusal::BAD_SEAL, format!("clock leaf {path}: {e}"))
            })?;
            shares.push((path, share));
        }
        let paths: Vec<&str> = shares.iter().map(|(path, _)| path.as_str()).collect();
        if !bid.policy().is_satisfied_by(&paths) {
            return Err(Refusal::new(
                &refusal::QUORUM,
                format!("seal {seal}: released leaves {paths:?} do not satisfy the policy"),
            ));
        }
        Ok(Released(shares))
    }

    fn range_of<'a, V>(
        &self,
        seal: &Digest,
        map: &'a BTreeMap<(Digest, String), V>,
    ) -> impl Iterator<Item = (&'a (Digest, String), &'a V)> + use<'a, V> {
        let seal = *seal;
        map.range((seal, String::new())..)
            .take_while(move |((id, _), _)| *id == seal)
    }

    /// The secret of a bid, rebuilt and checked against its header (PROTOCOL 2.2).
    ///
    /// # Errors
    /// [`refusal::QUORUM`] if too little was released; [`refusal::BAD_SEAL`] if the header does not
    /// rebuild: the bidder's fault.
    pub fn sigma(&self, seal: &Digest) -> Result<Sigma, Refusal> {
        let released = self.released(seal)?;
        let bid = self.live(seal)?;
        bid.recover(&released.0, &self.boards())
            .map_err(|e| Refusal::new(&refusal::BAD_SEAL, e.to_string()))
    }

    /// The secret of a bid whose opening is logged.
    pub fn opened_with(&self, seal: &Digest) -> Option<&Sigma> {
        self.sigmas.get(seal).map(|sigma| &**sigma)
    }
}
