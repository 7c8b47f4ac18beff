//! A one-time key: the members of the second board reveal their shares of it (PROTOCOL 1.2, option A′).

use crate::events::KeyReveal;
use crate::notice::Notice;
use crate::refusal::{self, Refusal};
use crate::state::{Stage, State, board_origin};
use mifeng_crypto::{Digest, Scalar};
use mifeng_lock::{Board, Leaf};
use mifeng_record::Record;

impl State {
    /// The board whose key is to be revealed: the second one, if the policy names it so.
    pub fn one_time_board(&self) -> Option<&Board> {
        let (_, notice) = self.notice.as_ref()?;
        let named = |key: Digest| names(notice, Leaf::Reveal(key));
        self.second
            .board
            .as_ref()
            .filter(|board| named(board.key()))
    }

    pub(crate) fn key_reveal(&mut self, data: &KeyReveal, record: &Record) -> Result<(), Refusal> {
        self.require(Stage::Opening)?;
        let Some(board) = self.one_time_board() else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "the policy has no key that is to be revealed",
            ));
        };
        self.require_member(record, data.index)?;
        if self.revealed.contains_key(&data.index) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("member {} revealed its share before", data.index),
            ));
        }
        let share = board
            .revealed(data.index, data.share.as_bytes())
            .map_err(|e| {
                let detail = format!("member {}: {e}", data.index);
                Refusal::new(&refusal::BAD_SHARE, detail)
            })?;
        if !self.is_any_undecided() {
            return Err(Refusal::new(
                &refusal::DECIDED,
                format!("key share of member {}", data.index),
            ));
        }
        self.revealed.insert(data.index, share);
        Ok(())
    }

    /// Signed by the member of that index of the second board.
    pub(crate) fn require_member(&self, record: &Record, index: u8) -> Result<(), Refusal> {
        let member = self.second.members.get(&index).map(|(cert, _)| *cert);
        self.require_actor(record, member, "member of that index")
    }

    /// The whole one-time key, once enough members have revealed their shares.
    pub(crate) fn one_time_key(&self) -> Option<(Digest, Scalar)> {
        let board = self.one_time_board()?;
        let shares: Vec<(u8, Scalar)> = self
            .revealed
            .iter()
            .map(|(index, share)| (*index, share.clone()))
            .collect();
        // Every share was checked when it was accepted, so only their number can be wrong.
        let key = board.whole_key(&shares).ok()?;
        Some((board.key(), key))
    }

    /// How many members have revealed their shares of the one-time key.
    pub fn revealed_count(&self) -> usize {
        self.revealed.len()
    }

    /// What is wrong with a notice whose policy has a key that is to be revealed, or a second board.
    pub(crate) fn second_board_fault(&self, notice: &Notice) -> Option<String> {
        let reveals = |leaf: &Leaf| matches!(leaf, Leaf::Reveal(_));
        if names(notice, Leaf::Reveal(notice.board)) {
            let fault =
                "the first board's key witnesses and draws: it is never revealed (PROTOCOL 1.2)";
            return Some(fault.to_owned());
        }
        let leaves = notice.policy.leaves();
        if notice.procedure.profile().final_offers && leaves.iter().any(|(_, l)| reveals(l)) {
            return Some("final offers would lie open to whoever has the revealed key".to_owned());
        }
        let board = self.second.board.as_ref()?;
        if names(notice, Leaf::Reveal(board.key())) {
            // What was revealed for one tender would open another one's bids before their time.
            let own = board_origin(&self.origin);
            let made = self.second.origin().unwrap_or_default();
            return (made != own).then(|| {
                format!("a key that is to be revealed is made in a session with the name of this log: expected {own}, found {made}")
            });
        }
        if board.threshold() != board.members() {
            let fault = "every member of the fallback board must be needed (PROTOCOL 2.1)";
            return Some(fault.to_owned());
        }
        if !names(notice, Leaf::Group(board.key())) {
            return Some("the policy does not name the second board of this log".to_owned());
        }
        // Who sat on both could answer in two roles that must not meet.
        let mut members = self.second.members.values();
        if members.any(|(cert, _)| self.main.seats(cert)) {
            return Some("a member of the board sits on the fallback board".to_owned());
        }
        None
    }
}

fn names(notice: &Notice, leaf: Leaf) -> bool {
    let leaves = notice.policy.leaves();
    leaves.iter().any(|(_, found)| *found == leaf)
}
