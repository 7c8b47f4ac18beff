//! After the close: leaves and shares released, bids opened, the opening record.

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, BidLife, Outcome, Stage, State};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{GroupLeaf, Sigma, VerifiedSeal};
use mifeng_lock::tdh2::CheckedShare;
use mifeng_lock::tlock::Beacon;
use mifeng_lock::{Board, Leaf, Share, tdh2};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Shares whose proofs are checked side by side: each is two sums, and eight sums of a kind fill the lanes.
const SHARES_TOGETHER: usize = 16;

fn bad_share(index: u8, row: &BoardShare, e: &mifeng_lock::Error) -> Refusal {
    let detail = format!("trustee {index}, seal {}: {e}", row.seal);
    Refusal::new(&refusal::BAD_SHARE, detail)
}

/// Everything that trustees and bidders released for one bid, verified.
#[derive(Debug)]
pub struct Released(Vec<(String, zeroize::Zeroizing<[u8; 32]>)>);

/// A share that holds, and the leaf that it is for: the bid and the path in its policy.
type NamedShare = ((Digest, String), CheckedShare);

impl State {
    pub(crate) fn bidder_share(
        &mut self,
        data: &BidderShare,
        record: &Record,
    ) -> Result<(), Refusal> {
        let in_round = self.in_round_window(&data.seal);
        if !in_round {
            self.require(Stage::Window)?;
        }
        self.require_not_halted()?;
        let bid = self.live(&data.seal)?;
        self.require_actor(record, Some(bid.context().bidder_cert), "bidder")?;
        if bid.bidder_leaf_path().as_deref() != Some(data.path.as_str()) {
            return Err(Refusal::new(
                &refusal::BAD_SHARE,
                format!("{} is not the bidder's leaf", data.path),
            ));
        }
        let key = (data.seal, data.path.clone());
        if self.bidder_shares.contains_key(&key) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("leaf of seal {}", data.seal),
            ));
        }
        self.bidder_shares.insert(key, *data.share.as_bytes());
        Ok(())
    }

    pub(crate) fn window_close(
        &mut self,
        data: &WindowClose,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let deadline = self.require(Stage::Window)?.deadline;
        self.require_host(act.record)?;
        if let Some(end) = self.bodies_end().filter(|end| act.at < *end) {
            let detail = format!("bodies of bids may come until {end}, closed at {}", act.at);
            return Err(Refusal::new(&refusal::EARLY, detail));
        }
        self.require_no_body(&data.no_body)?;
        let missing = self.missing_without(&data.no_body);
        // With every leaf in hand nobody is waited for.
        if !missing.is_empty() && act.at < self.window_end(deadline) {
            return Err(Refusal::new(
                &refusal::EARLY,
                format!(
                    "{} bidders may still release until the window ends",
                    missing.len()
                ),
            ));
        }
        if missing != data.missing {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!(
                    "{} bidders released nothing, the record names {}",
                    missing.len(),
                    data.missing.len()
                ),
            ));
        }
        for id in &data.no_body {
            self.end_life(id, BidLife::NoBody);
        }
        self.stage = Stage::Opening;
        self.bodies_ended = self.bodies_end();
        self.window_closed = Some(act.taken);
        Ok(())
    }

    /// When the time for releasing own leaves is over that began at a deadline: a suspension in it
    /// gives bidders the whole of it again.
    pub fn window_end(&self, deadline: Time) -> Time {
        let window = self.notice.as_ref().map_or(0, |(_, n)| n.window_ms);
        self.after(deadline, window)
    }

    /// The end of a time that began at a deadline, or anew at the last resumption after it.
    pub(crate) fn after(&self, deadline: Time, millis: u64) -> Time {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        let start = self.resumed.map_or(deadline, |at| at.max(deadline));
        start.plus_millis(millis)
    }

    /// Bids to be opened whose policy needs the bidder's leaf and whose bidder has not released it.
    pub fn missing_leaves(&self) -> Vec<Digest> {
        self.missing_of(&self.to_open())
    }

    /// Those of these bids whose bidder's leaf is needed and was not released.
    pub fn missing_of(&self, due: &[Digest]) -> Vec<Digest> {
        let silent = due.iter().filter(|id| self.is_silent(id));
        silent.copied().collect()
    }

    /// Whether a bid can be opened without what its bidder did not release: always if it did, otherwise if the
    /// policy has a remedy (补救方案).
    pub fn can_open(&self, seal: &Digest) -> bool {
        let Some(bid) = self.bids.get(seal) else {
            return false;
        };
        let silent = self.is_silent(seal);
        let own = bid.seal.bidder_leaf_path().filter(|_| silent);
        let leaves = bid.seal.policy().leaves().into_iter();
        let paths: Vec<String> = leaves
            .map(|(path, _)| path)
            .filter(|path| own.as_ref() != Some(path))
            .collect();
        bid.seal.policy().is_satisfied_by(&paths)
    }

    /// The leaves of a bid that a board releases shares for: none of a bid that cannot be opened, and those of the
    /// fallback board only where there is something to remedy.
    pub fn leaves_due<'a>(&'a self, seal: &Digest, board: &Digest) -> Vec<&'a GroupLeaf> {
        let remedy = self.fallback().is_some_and(|known| known.key() == *board);
        if !self.can_open(seal) || (remedy && !self.is_silent(seal)) {
            return Vec::new();
        }
        let leaves = self.bids.get(seal).into_iter();
        leaves
            .flat_map(|bid| bid.seal.group_leaves())
            .filter(|leaf| leaf.key == *board)
            .collect()
    }

    /// Whether a bid needs its bidder's leaf and the bidder has not released it.
    pub fn is_silent(&self, seal: &Digest) -> bool {
        let path = self
            .bids
            .get(seal)
            .and_then(|bid| bid.seal.bidder_leaf_path());
        path.is_some_and(|path| !self.bidder_shares.contains_key(&(*seal, path)))
    }

    pub(crate) fn board_shares(
        &mut self,
        data: &BoardShares,
        record: &Record,
        at: Time,
    ) -> Result<(), Refusal> {
        if self.stage < Stage::Opening {
            let deadline = self.notice.as_ref().map(|(_, n)| n.deadline);
            let rule = if deadline.is_some_and(|deadline| at < deadline) {
                &refusal::EARLY
            } else {
                &refusal::SHARE_EARLY
            };
            return Err(Refusal::new(
                rule,
                "the log holds no close of submission and window",
            ));
        }
        if self.offers_due().is_empty() {
            self.require(Stage::Opening)?;
        }
        self.require_not_halted()?;
        let board = self.board_of(record, data.index)?;
        if data.shares.is_empty() {
            return Err(Refusal::new(&refusal::MALFORMED, "no shares"));
        }
        let due: BTreeSet<Digest> = self.due_now().into_iter().collect();
        // Arithmetic without an order; the first row that is wrong in theirs is named.
        let groups: Vec<&[BoardShare]> = data.shares.chunks(SHARES_TOGETHER).collect();
        let checked = mifeng_crypto::cores::map(&groups, |rows| {
            self.check_shares(board, data.index, rows, &due)
        });
        let checked = checked.into_iter().flatten();
        let mut accepted = checked.collect::<Result<Vec<_>, _>>()?;
        // What was found of a bid without these shares stands: they count for the others alone.
        accepted.retain(|((seal, _), _)| !self.outcomes.contains_key(seal));
        if accepted.is_empty() {
            return Err(Refusal::new(
                &refusal::DECIDED,
                format!("shares of trustee {}", data.index),
            ));
        }
        // All or nothing: a refused record leaves no share behind.
        let mut seen = BTreeSet::new();
        let twice = accepted.iter().any(|(key, _)| {
            let before = self.board_shares.get(key);
            before.is_some_and(|shares| shares.contains_key(&data.index))
                || !seen.insert(key.clone())
        });
        if twice {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("shares of trustee {}", data.index),
            ));
        }
        for (key, share) in accepted {
            self.board_shares
                .entry(key)
                .or_default()
                .insert(data.index, share);
        }
        Ok(())
    }

    /// Parses and verifies released shares, their proofs side by side.
    fn check_shares(
        &self,
        board: &Board,
        index: u8,
        rows: &[BoardShare],
        due: &BTreeSet<Digest>,
    ) -> Vec<Result<NamedShare, Refusal>> {
        let read = |row| self.read_share(board, index, row, due);
        let read: Vec<Result<_, Refusal>> = rows.iter().map(read).collect();
        let mut good = Vec::new();
        let read = read
            .into_iter()
            .map(|read| read.map(|share| good.push(share)));
        let read: Vec<Result<(), Refusal>> = read.collect();
        let mut checked = tdh2::check_shares(board, good).into_iter();
        let each = rows.iter().zip(read);
        each.map(|(row, read)| {
            read?;
            let named = |e| bad_share(index, row, &e);
            let share = checked
                .next()
                .unwrap_or(Err(mifeng_lock::Error::OtherBoard));
            Ok(((row.seal, row.path.clone()), share.map_err(named)?))
        })
        .collect()
    }

    /// Parses a released share, and finds the leaf that it is for.
    fn read_share(
        &self,
        board: &Board,
        index: u8,
        row: &BoardShare,
        due: &BTreeSet<Digest>,
    ) -> Result<(&tdh2::Ciphertext, Share), Refusal> {
        let bad = |detail: String| Refusal::new(&refusal::BAD_SHARE, detail);
        if !due.contains(&row.seal) {
            return Err(Refusal::new(
                &refusal::SHARE_EARLY,
                format!("seal {} is not to be opened", row.seal),
            ));
        }
        let leaf = self.bids[&row.seal]
            .seal
            .group_leaf(&row.path)
            .filter(|leaf| leaf.key == board.key())
            .ok_or_else(|| bad(format!("{} is no leaf of the board", row.path)))?;
        let mut due = self.leaves_due(&row.seal, &board.key()).into_iter();
        if !due.any(|known| known.path == row.path) {
            let detail = if self.is_silent(&row.seal) {
                "its bidder released nothing, and no remedy is provided for"
            } else {
                "its bidder released its leaf: there is nothing to remedy"
            };
            return Err(Refusal::new(
                &refusal::SHARE_EARLY,
                format!("seal {}: {detail}", row.seal),
            ));
        }
        let share = Share::from_record(self.suite.curve(), &row.share);
        let share = share.map_err(|e| bad_share(index, row, &e))?;
        if share.index != index {
            return Err(bad(format!(
                "trustee {index} sent a share of trustee {}",
                share.index
            )));
        }
        Ok((&leaf.ciphertext, share))
    }

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

    pub(crate) fn bid_open(&mut self, data: &BidOpen, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_opening(&data.seal)?;
        self.require_not_halted()?;
        self.require_host(act.record)?;
        self.require_undecided(&data.seal)?;
        let sigma = self.sigma_of(&data.seal, act.ahead)?;
        let opening = &data.opening;
        let withheld = opening.price.is_empty() && opening.price_cn.is_empty();
        if self.withholds_price(&data.seal) && !(withheld && data.detail.is_empty()) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "first prices are not published under this procedure",
            ));
        }
        self.sigmas.insert(data.seal, sigma);
        self.outcomes
            .insert(data.seal, Outcome::Opened(Box::new(data.clone())));
        Ok(())
    }

    /// First bids are opened in the opening, final offers when their round is over.
    pub(crate) fn require_opening(&self, seal: &Digest) -> Result<(), Refusal> {
        if self.offers_due().contains(seal) {
            self.require(Stage::Evaluation)?;
        } else {
            self.require(Stage::Opening)?;
        }
        Ok(())
    }

    /// Whether the price of a bid stays out of the log: of first bids, where suppliers will be asked
    /// for final offers (74 art. 32; 214 art. 20: nothing of one is told to the others).
    pub fn withholds_price(&self, seal: &Digest) -> bool {
        let first = self
            .bids
            .get(seal)
            .is_some_and(|bid| bid.offer_for.is_none());
        first && self.profile().final_offers
    }

    pub(crate) fn require_undecided(&self, seal: &Digest) -> Result<(), Refusal> {
        if !self.is_due_now(seal) {
            return Err(Refusal::new(
                &refusal::UNKNOWN_SEAL,
                format!("seal {seal} is not to be opened"),
            ));
        }
        if self.outcomes.contains_key(seal) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("seal {seal} has its outcome"),
            ));
        }
        Ok(())
    }

    /// The opening record that the records give, once every bid has its outcome.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while an outcome is missing.
    pub fn expected_minutes(&self) -> Result<Minutes, Refusal> {
        let notice = self.require(Stage::Opening)?;
        let profile = self.profile();
        let mut rows = self
            .bids
            .iter()
            .filter(|(_, bid)| bid.offer_for.is_none())
            .map(|(id, bid)| {
                let (status, price) = match (bid.life, self.outcomes.get(id)) {
                    (BidLife::Withdrawn, _) => (BidStatus::WithdrawnBeforeDeadline, None),
                    (BidLife::Replaced, _) => (BidStatus::Replaced, None),
                    (BidLife::NoBody, _) => (BidStatus::RefusedUnsealed, None),
                    (BidLife::Live, Some(Outcome::Opened(open))) => {
                        let price = open.opening.price.clone();
                        let status = if self.is_remedied(id) {
                            BidStatus::Remedied
                        } else {
                            BidStatus::Opened
                        };
                        (status, Some(price).filter(|_| profile.read_out))
                    }
                    (BidLife::Live, Some(Outcome::Failed(fail))) => (fail.status, None),
                    (BidLife::Live, None) if self.is_to_open(id) => {
                        return Err(Refusal::new(
                            &refusal::WRONG_STAGE,
                            format!("seal {id} has no outcome yet"),
                        ));
                    }
                    (BidLife::Live, None) => (BidStatus::NotOpened, None),
                };
                let context = bid.seal.context();
                Ok(MinutesRow {
                    lot: context.lot.clone(),
                    seal: *id,
                    bidder: context.bidder.clone(),
                    name: bid.name.clone(),
                    status,
                    price,
                })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        rows.extend(self.refused.values().cloned());
        rows.sort_by(|a, b| (&a.lot, &a.seal).cmp(&(&b.lot, &b.seal)));
        Ok(Minutes {
            deadline: notice.deadline,
            rows,
        })
    }

    pub(crate) fn record_minutes(
        &mut self,
        data: &Minutes,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.expected_minutes()? != *data {
            return Err(Refusal::new(&refusal::NOT_RECOMPUTED, "the opening record"));
        }
        self.minutes = Some((record.commitment(), data.clone()));
        self.stage = Stage::Evaluation;
        Ok(())
    }

    pub(crate) fn sign_minutes(
        &mut self,
        data: &MinutesSign,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let minutes = self.minutes.as_ref().map(|(id, _)| *id);
        if minutes != Some(data.minutes) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "another opening record",
            ));
        }
        let actor = act.record.actor();
        let notice = self.require(Stage::Evaluation)?;
        let by_name =
            actor == notice.buyer.cert || self.main.seats(&actor) || self.second.seats(&actor);
        // A bidder is its organisation, whichever of its certificates signs.
        let of = |code: &&String| {
            let mut bids = self.bids.values();
            bids.any(|bid| bid.seal.context().bidder == **code)
        };
        let bidder = act.code.as_ref().filter(of).cloned();
        let first = match (by_name, &bidder) {
            (true, _) => !self.minutes_signed.contains(&actor),
            (false, Some(code)) => !self.minutes_signed_for.contains(code),
            (false, None) => false,
        };
        if !first {
            return Err(Refusal::new(
                &refusal::NOT_AUTHORISED,
                "buyer, trustees and bidders sign the opening record, once each",
            ));
        }
        if !by_name {
            self.minutes_signed_for.extend(bidder);
        }
        self.minutes_signed.push(actor);
        Ok(())
    }

    fn live(&self, seal: &Digest) -> Result<&VerifiedSeal, Refusal> {
        match self.bids.get(seal) {
            Some(bid) if bid.life == BidLife::Live => Ok(&bid.seal),
            _ => Err(Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}"))),
        }
    }
}
