//! Shares of boards: each is checked before it counts.

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Stage, State};
use mifeng_crypto::{Digest, Time};
use mifeng_lock::tdh2::CheckedShare;
use mifeng_lock::{Board, Share, tdh2};
use mifeng_record::Record;
use std::collections::BTreeSet;

/// Shares whose proofs are checked side by side: each is two sums, and eight sums of a kind fill the lanes.
const SHARES_TOGETHER: usize = 16;

fn bad_share(index: u8, row: &BoardShare, e: &mifeng_lock::Error) -> Refusal {
    let detail = format!("trustee {index}, seal {}: {e}", row.seal);
    Refusal::new(&refusal::BAD_SHARE, detail)
}

/// A share that holds, and the leaf that it is for: the bid and the path in its policy.
type NamedShare = ((Digest, String), CheckedShare);

impl State {
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
}
