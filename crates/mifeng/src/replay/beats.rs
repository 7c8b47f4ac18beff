//! Beats in a replay: what each holds, and that there are as many as there must be.

use super::parts::{Listed, together};
use super::{Beat, BeatRecord, Replay, check_not_backdated, failed};
use crate::bundle::Files;
use crate::{Error, layout};
use mifeng_crypto::{Digest, cores};
use mifeng_record::Record;
use mifeng_tender::{Ahead, Refusal, Stage, State, rules};
use std::collections::VecDeque;

/// Records that change nothing for the bids that are opened after them.
fn is_opening(record: &Record) -> bool {
    ["bid.open", "bid.fail"].contains(&record.kind())
}

impl Replay {
    /// The close fixes what is revealed of the beats, byte for byte.
    pub(super) fn check_revealed(&self, files: &dyn Files) -> Result<(), Error> {
        let Some(close) = self.state.closed() else {
            return Ok(());
        };
        let bytes = files.read(layout::BEATS)?;
        if self.suite().hash().digest(&bytes) == close.revealed {
            return Ok(());
        }
        Err(failed(
            "V2",
            "log.beats",
            "log/beats.json is not what the close fixed",
        ))
    }

    pub(super) fn check_close(&self) -> Result<(), Error> {
        if let Some(close) = self.state.closed()
            && close.beats != self.beats
        {
            return Err(failed(
                "V7",
                "log.beats",
                format!(
                    "{} beats in the log, {} at the close",
                    self.beats, close.beats
                ),
            ));
        }
        self.check_last_beat()
    }

    /// The log grew up to the first beat at or after the deadline, and was closed after its last one.
    fn check_last_beat(&self) -> Result<(), Error> {
        let close = self.records.iter().find(|r| r.kind == "submission.close");
        let (Some((_, notice)), Some(close)) = (self.state.notice(), close) else {
            return Ok(());
        };
        let due = notice.beats.beats_before(notice.deadline).saturating_add(1);
        let last = notice.beats.beat_time(self.beats.saturating_sub(1))?;
        if self.beats >= due && last <= close.at {
            return Ok(());
        }
        let detail = format!("{} beats, the last at {last}; {due} were due", self.beats);
        Err(failed("V7", "log.beats", detail))
    }

    pub(super) fn run_beat(
        &mut self,
        files: &dyn Files,
        index: u64,
        root: Digest,
        depth: u8,
        beats: Option<&[Beat]>,
    ) -> Result<(), Error> {
        let schedule = match self.state.notice() {
            Some((_, notice)) if self.state.closed().is_none() => notice.beats.clone(),
            _ => {
                return Err(failed(
                    "V2",
                    "log.beats",
                    "a beat before the notice or after the close",
                ));
            }
        };
        if depth != schedule.depth() {
            return Err(failed("V2", "log.beats", format!("batch of depth {depth}")));
        }
        let number = self.beats;
        self.beats += 1;
        self.before_beats.get_or_insert(index);
        let Some(beat) = beats.and_then(|beats| beats.get(usize::try_from(number).ok()?)) else {
            self.hidden_beats += 1;
            return Ok(());
        };
        let suite = self.suite();
        let disclosed = beat.commitments(suite);
        let places = mifeng_log::places(suite, depth, beat.seed.as_bytes(), disclosed.len())?;
        let disclosed: Vec<(u64, Digest)> = places.into_iter().zip(disclosed).collect();
        mifeng_log::account(suite, depth, beat.seed.as_bytes(), root, &disclosed)
            .map_err(|e| failed("V2", e.code(), format!("beat {number}: {e}")))?;
        // A record goes into the first beat at or after its arrival: the schedule bounds the host's
        // word from both sides.
        let latest = schedule.beat_time(number)?;
        let before = number
            .checked_sub(1)
            .map(|n| schedule.beat_time(n))
            .transpose()?;
        let ordered = beat.records.is_sorted_by_key(|entry| entry.received);
        let in_time = |entry: &&BeatRecord| {
            let early = before.is_some_and(|before| entry.received <= before);
            ordered && !early && entry.received <= latest
        };
        let listed = beat.records.iter().take_while(in_time);
        let listed: Vec<Listed> = listed
            .map(|entry| (entry.body, entry.sig, Some(entry.received)))
            .collect();
        self.run_records(files, index, &listed)?;
        match beat.records.get(listed.len()) {
            None => Ok(()),
            Some(entry) => Err(failed(
                "V2",
                "log.received",
                format!(
                    "beat {number} at {latest} holds a record received {}",
                    entry.received
                ),
            )),
        }
    }

    /// Records of one beat, or each an entry of its own from `index` on.
    pub(super) fn run_records(
        &mut self,
        files: &dyn Files,
        mut index: u64,
        records: &[Listed],
    ) -> Result<(), Error> {
        let mut rest = records;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(together(files, rest));
            let mut loaded = VecDeque::from(self.load_all(files, now));
            let mut opening = true;
            for (_, _, received) in now {
                if !opening {
                    self.open_ahead(loaded.make_contiguous());
                }
                let Some((record, ahead)) = loaded.pop_front().transpose()? else {
                    break;
                };
                let at = received.unwrap_or(record.time());
                self.read_response(files, &record)?;
                self.apply(index, &record, (at, received.is_some()), &ahead)?;
                opening = is_opening(&record);
                index += u64::from(received.is_none());
            }
            rest = later;
        }
        Ok(())
    }

    /// Bids that are opened next, on all cores: what they open with came with the record before.
    fn open_ahead(&self, records: &mut [Result<(Record, Ahead), Error>]) {
        let next = records.iter_mut().map_while(|one| one.as_mut().ok());
        let next = next.take_while(|(record, _)| is_opening(record));
        let mut next: Vec<&mut (Record, Ahead)> = next.collect();
        if next.len() < 2 || cores::count() < 2 {
            return;
        }
        let found = cores::map(&next, |(record, _)| self.state.open_ahead(record));
        for ((_, ahead), found) in next.iter_mut().zip(found) {
            *ahead = found;
        }
    }

    /// While bids are received a record stands in a beat, but for those that everybody sees at once; and a postponement
    /// or amendment lies before the first beat at or after the deadline.
    pub(super) fn check_place(&self, record: &Record, in_beat: bool) -> Result<(), Refusal> {
        let Some((_, notice)) = self.state.notice() else {
            return Ok(());
        };
        let open = self.state.stage() == Stage::Open;
        if in_beat != (open && !State::is_logged_at_once(record.kind())) {
            let detail = match in_beat {
                true => "in a beat, expected as an entry of its own",
                false => "an entry of its own, expected in a beat",
            };
            return Err(Refusal::by(&rules::WRONG_STAGE, detail));
        }
        if !(open && State::changes_notice(record.kind())) {
            return Ok(());
        }
        let last = notice.beats.beats_before(notice.deadline);
        if self.beats > last {
            let detail = format!("the beat at the deadline {} is in the log", notice.deadline);
            return Err(State::changed_late(record.kind(), detail));
        }
        // A beat is in the log once its time has come: what stands behind it was not taken before.
        let over = self.beats.checked_sub(1);
        let over = over.and_then(|beat| notice.beats.beat_time(beat).ok());
        check_not_backdated(record, over)
    }
}
