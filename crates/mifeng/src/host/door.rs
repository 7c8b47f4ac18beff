//! What is asked of a record at the door, beside what the log's rules say: times by the host's clock, room, what must be here first.

use super::{Host, Pending};
use crate::replay::{BEAT_LEN, BEATS_LEN_MAX};
use crate::store::Store;
use crate::{Error, layout};
use mifeng_crypto::Time;
use mifeng_record::Record;
use mifeng_tender::{BEATS_MAX, ContractStamp, Refusal, State, rules};

/// Records that wait for a beat, in bytes: they are held in memory, and are one batch of the store.
const PENDING_LEN_MAX: usize = 128 << 20;

/// What one record takes of `log/beats.json` at most, with its comma: two hashes and a time with nine digits after the point.
pub(super) const BEAT_RECORD_LEN: usize = 196;
/// What all records may take of it: the rest is for beats, as many as a notice may have. So no answer about beats to come
/// tells how many records there are.
const BEAT_RECORDS_LEN_MAX: usize = BEATS_LEN_MAX - BEATS_MAX as usize * BEAT_LEN;

impl<S: Store> Host<S> {
    /// Answers and final offers have an end of their own. In the log their own times count; at the
    /// door the host holds the end against its clock as well, so that nobody is late by an old date.
    pub(super) fn check_due(&self, record: &Record, received: Time) -> Result<(), Error> {
        let rule = match record.kind() {
            "clarify.answer" => &rules::ANSWER_LATE,
            _ => &rules::OFFER_LATE,
        };
        match self.replay.state.due_before(record) {
            Some(due) if received >= due => {
                Err(Refusal::by(rule, format!("until {due}, received at {received}")).into())
            }
            _ => Ok(()),
        }
    }

    /// A postponement or amendment is held against the host's clock as well. Its entry comes before the next beat, so it is judged without
    /// what waits for that beat: a record of its signer, and lists by which its signer counts. Bids are no hindrance, else
    /// the agency would learn of them.
    pub(super) fn check_at_once(&self, record: &Record, received: Time) -> Result<(), Error> {
        let Some((_, notice)) = self.replay.state.notice() else {
            return Ok(());
        };
        if !State::changes_notice(record.kind()) {
            return Ok(());
        }
        if received >= notice.deadline {
            let detail = format!("deadline {}, received at {received}", notice.deadline);
            return Err(State::changed_late(record.kind(), detail).into());
        }
        let waits = |pending: &Pending| pending.trust || pending.actor == record.actor();
        if self.pending.iter().any(waits) {
            return Err(Error::Unavailable {
                what: "beat".to_owned(),
                detail: "a record of the same signer, a trust list or a revocation list waits for it: try again after it"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Whoever was asked has until the end of its time by the host's clock too: nobody decides
    /// before it by a later date in a record.
    pub(super) fn check_heard(&self, record: &Record, received: Time) -> Result<(), Error> {
        let rule = match record.kind() {
            "check" => &rules::REVIEW_OPEN,
            _ => &rules::PRICE_UNCONFIRMED,
        };
        match self.replay.state.not_before(record) {
            Some(until) if received < until => {
                Err(Refusal::by(rule, format!("until {until}, received at {received}")).into())
            }
            _ => Ok(()),
        }
    }

    /// A contract is kept before anybody's seal on it counts: `docs/` has its text.
    pub(super) fn check_contract(&self, record: &Record) -> Result<(), Error> {
        if record.kind() != "contract.stamp" {
            return Ok(());
        }
        let ContractStamp { contract, .. } = record.data()?;
        let name = layout::document(&contract);
        let found = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
        match found {
            Some(text) if self.suite().hash().digest(&text) == contract => Ok(()),
            _ => Err(Error::Unavailable {
                what: name,
                detail: "hand in the contract with its record".to_owned(),
            }),
        }
    }

    /// From when on a record counts that was received at `received` and is handed in now: never
    /// before a record accepted earlier nor in a beat that is over, so that a replay sees the order
    /// in which records were accepted. After the last beat that is after the deadline.
    pub(super) fn counted_from(&self, received: Time) -> Result<Time, Error> {
        let over = match (self.replay.state.notice(), self.replay.beats.checked_sub(1)) {
            (Some((_, notice)), Some(last)) => {
                let beat = notice.beats.beat_time(last)?;
                Time::from_unix_nanos(beat.as_unix_nanos() + 1)
            }
            _ => received,
        };
        let last = self.pending.last().map_or(received, |last| last.received);
        Ok(received.max(over).max(last))
    }

    /// After the last beat nothing waits for one. Bids are late by then, and are told so.
    pub(super) fn check_beat(&self, record: &Record) -> Result<(), Error> {
        if self.next_beat().is_some() || record.kind().starts_with("bid.") {
            return Ok(());
        }
        Err(Error::Unavailable {
            what: "beat".to_owned(),
            detail: "the last one is over: close the submission first".to_owned(),
        })
    }

    /// A beat has room for 2^depth records, and what is revealed of all beats for [`BEAT_RECORDS_LEN_MAX`] bytes of them; what
    /// does not fit is not accepted, so that nothing accepted could be left over after the last beat, or be read by nobody.
    pub(super) fn check_room(&self, len: usize) -> Result<(), Error> {
        let room = self
            .replay
            .state
            .notice()
            .map_or(0, |(_, n)| 1_usize << n.beats.depth());
        if self.pending.len() >= room || self.pending_len + len > PENDING_LEN_MAX {
            return Err(full("beat"));
        }
        let records = (self.pending.len() + 1).saturating_mul(BEAT_RECORD_LEN);
        if self.beat_records_len.saturating_add(records) > BEAT_RECORDS_LEN_MAX {
            return Err(full("log/beats.json"));
        }
        Ok(())
    }
}

/// Who is told this learns nothing of how much is there.
fn full(what: &str) -> Error {
    Error::Unavailable {
        what: what.to_owned(),
        detail: "no room for another record: try again after the next beat".to_owned(),
    }
}
