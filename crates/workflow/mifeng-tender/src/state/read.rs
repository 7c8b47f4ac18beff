//! What the records so far amount to, for whoever reads it.

use super::{Bid, DrawState, Outcome, Stage, State};
use crate::events::*;
use crate::notice::Notice;
use mifeng_crypto::{Digest, Suite, Time};
use mifeng_lock::tdh2::CheckedShare;
use mifeng_pki::cms;
use mifeng_score::{Outcome as RankOutcome, Sheet};
use std::collections::{BTreeMap, BTreeSet};

impl State {
    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The certificates that records and seals brought, so that none is read twice.
    pub fn seen(&self) -> &cms::Seen {
        &self.seen
    }

    /// The origin of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where the tender stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the agency gave the tender up.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Whether the tender is suspended or cancelled.
    pub fn is_halted(&self) -> bool {
        self.halted || self.cancelled
    }

    /// The notice and the event that published it; deadline, beats and files are as the last
    /// postponement or amendment left them.
    pub fn notice(&self) -> Option<(&Digest, &Notice)> {
        self.notice.as_ref().map(|(event, notice)| (event, notice))
    }

    /// The host's certificate and log keys.
    pub fn host(&self) -> Option<(&Digest, &LogConfig)> {
        self.host.as_ref().map(|(cert, config)| (cert, config))
    }

    /// Every bid that was ever received, by seal id.
    pub fn bids(&self) -> &BTreeMap<Digest, Bid> {
        &self.bids
    }

    /// The close, if submission is closed.
    pub fn closed(&self) -> Option<&Close> {
        self.closed.as_ref()
    }

    /// How openings ended, by seal id.
    pub fn outcomes(&self) -> &BTreeMap<Digest, Outcome> {
        &self.outcomes
    }

    /// The opening record and its commitment.
    pub fn minutes(&self) -> Option<(&Digest, &Minutes)> {
        self.minutes.as_ref().map(|(id, minutes)| (id, minutes))
    }

    /// Who has signed the opening record.
    pub fn minutes_signed(&self) -> &[Digest] {
        &self.minutes_signed
    }

    /// Texts of contracts that were ever stamped, those that another one took the place of too.
    pub fn contract_texts(&self) -> &BTreeSet<Digest> {
        &self.contract_texts
    }

    /// The draw of the committee.
    pub fn draw(&self) -> Option<&DrawState> {
        self.draw.as_ref()
    }

    /// Sheets by lot and expert.
    pub fn sheets(&self) -> &BTreeMap<String, BTreeMap<Digest, Sheet>> {
        &self.sheets
    }

    /// Results by lot.
    pub fn ranks(&self) -> &BTreeMap<String, RankOutcome> {
        &self.ranks
    }

    /// Awards by lot.
    pub fn awards(&self) -> &BTreeMap<String, Award> {
        &self.awards
    }

    /// The latest instant that the records so far prove: whatever comes next came later.
    pub fn latest(&self) -> Option<Time> {
        self.latest
    }

    /// Signers (certificate fingerprints) of whose revocation no list and no answer said anything at one of
    /// their records.
    pub fn revocation_unknown(&self) -> &BTreeSet<Digest> {
        &self.unknown
    }

    /// The number that the next record of `actor` must carry.
    pub fn next_seq(&self, actor: &Digest) -> u64 {
        self.seqs.get(actor).copied().unwrap_or(0)
    }

    /// The verified board shares, by seal and path, then trustee.
    pub fn shares(&self) -> &BTreeMap<(Digest, String), BTreeMap<u8, CheckedShare>> {
        &self.board_shares
    }

    /// The bidders' released leaf shares, by seal and path.
    pub fn released_leaves(&self) -> &BTreeMap<(Digest, String), [u8; 32]> {
        &self.bidder_shares
    }
}
