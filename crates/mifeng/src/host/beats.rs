//! Beats, receipts and the two closes.

use super::{BEATS, Host, Pending};
use crate::receipt::Said;
use crate::replay::{Beat, BeatRecord};
use crate::store::Store;
use crate::{Error, Receipt, layout};
use mifeng_crypto::{Digest, Entropy, Time, jcs};
use mifeng_lock::tlock::Beacon;
use mifeng_log::{Batch, BatchPlace, Entry, ReceiptProof, Schedule};
use mifeng_record::SignedRecord;
use mifeng_tender::{Close, Refusal, RoundClose, RoundWindow, WindowClose, rules};

impl<S: Store> Host<S> {
    /// Commits every beat that is due at `now`, filler or not, and returns the receipts.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the store fails: no receipt was given then.
    pub fn beat(&mut self, now: Time, entropy: &mut dyn Entropy) -> Result<Vec<Receipt>, Error> {
        self.require_sound()?;
        let mut receipts = Vec::new();
        while let Some((schedule, number)) = self.due(now)? {
            // While those that wait for this beat are among them that wait.
            self.keep_bodies()?;
            let mut seed = [0; 32];
            entropy.fill(&mut seed)?;
            // A record goes into the first beat after it came in, never into an older one.
            let time = schedule.beat_time(number)?;
            let (taken, waiting) = std::mem::take(&mut self.pending)
                .into_iter()
                .partition(|pending| pending.received <= time);
            self.pending = waiting;
            self.pending_len = self.pending.iter().map(Pending::len).sum();
            self.failed = true;
            receipts.extend(self.commit_beat(number, &schedule, seed, taken, now)?);
            self.failed = false;
        }
        Ok(receipts)
    }

    /// The next beat, if its time has come.
    fn due(&self, now: Time) -> Result<Option<(Schedule, u64)>, Error> {
        let (Some(next), Some((_, notice))) = (self.next_beat(), self.replay.state.notice()) else {
            return Ok(None);
        };
        Ok((next <= now).then(|| (notice.beats.clone(), self.replay.beats)))
    }

    /// The time of the next beat: beats go on up to the first at or after the deadline.
    pub fn next_beat(&self) -> Option<Time> {
        let (_, notice) = self.replay.state.notice()?;
        let over = match self.replay.beats.checked_sub(1) {
            Some(last) => notice.beats.beat_time(last).ok()? >= notice.deadline,
            None => false,
        };
        if over || self.replay.state.closed().is_some() {
            return None;
        }
        notice.beats.beat_time(self.replay.beats).ok()
    }

    fn commit_beat(
        &mut self,
        number: u64,
        schedule: &Schedule,
        seed: [u8; 32],
        taken: Vec<Pending>,
        now: Time,
    ) -> Result<Vec<Receipt>, Error> {
        let suite = self.suite();
        let alg = suite.hash();
        let commitments: Vec<Digest> = taken.iter().map(|p| p.record.commitment(suite)).collect();
        let batch = Batch::build(suite, schedule.depth(), &seed, &commitments)?;
        let beat = Beat {
            seed: Digest::from_bytes(seed),
            records: taken
                .iter()
                .map(|pending| BeatRecord {
                    body: pending.record.body_digest(alg),
                    received: pending.received,
                    sig: pending.record.signature_digest(alg),
                })
                .collect(),
        };
        let disclosed = jcs::to_vec(&beat)?;
        self.beat_records_len += beat.records.len() * super::door::BEAT_RECORD_LEN;
        self.beats.push(beat);
        self.replay.beats += 1;
        let index = self.replay.tree.size();
        self.replay.before_beats.get_or_insert(index);
        let records = taken.iter().map(|p| layout::record(&p.record, alg));
        let mut files: Vec<(String, &[u8])> = records.flatten().collect();
        files.push((format!("{BEATS}{number:08}.json"), &disclosed));
        let awaited = commitments.iter().filter_map(|record| {
            let seal = self.awaited.get(record)?;
            Some((layout::awaited(record), seal.to_string()))
        });
        let awaited: Vec<(String, String)> = awaited.collect();
        files.extend(
            awaited
                .iter()
                .map(|(name, seal)| (name.clone(), seal.as_bytes())),
        );
        self.commit(&files, &batch.entry())?;
        taken
            .iter()
            .zip(batch.positions())
            .map(|(pending, position)| {
                let place = BatchPlace {
                    path: batch.path(*position)?,
                    position: *position,
                };
                self.receipt(
                    &pending.record,
                    batch.entry(),
                    index,
                    Some(place),
                    pending.received,
                    now,
                )
            })
            .collect()
    }

    fn receipt(
        &self,
        record: &SignedRecord,
        entry: Entry,
        index: u64,
        batch: Option<BatchPlace>,
        received: Time,
        now: Time,
    ) -> Result<Receipt, Error> {
        let size = self.replay.tree.size();
        let proof = ReceiptProof {
            entry,
            index,
            batch,
            proof: self.replay.tree.tree().inclusion_proof(index, size)?,
            checkpoint: self.replay.checkpoint()?.note().clone(),
        };
        let whole = self.taken_before(record);
        let whole = whole.is_some_and(|commitment| !self.awaits_body(&commitment));
        let said = Said { received, whole };
        Receipt::issue(
            &self.replay.state,
            record,
            &proof,
            said,
            &*self.keys.signer,
            now,
        )
    }

    /// The receipt of a record that is in the log: the same promise again, after a lost answer.
    ///
    /// # Errors
    /// [`Error::Refused`] if the record is not in the log; [`Error::Unavailable`] after a write that
    /// failed.
    pub fn receipt_again(&self, record: &SignedRecord, now: Time) -> Result<Receipt, Error> {
        self.require_sound()?;
        let suite = self.suite();
        let alg = suite.hash();
        let names = (record.body_digest(alg), record.signature_digest(alg));
        let mut number = 0;
        for (index, bytes) in (0_u64..).zip(&self.replay.entries) {
            match Entry::parse(bytes)? {
                entry @ Entry::Batch { depth, .. } => {
                    let beat = &self.beats[number];
                    number += 1;
                    let found = |r: &BeatRecord| (r.body, r.sig) == names;
                    let Some(nth) = beat.records.iter().position(found) else {
                        continue;
                    };
                    let seed = beat.seed.as_bytes();
                    let batch = Batch::build(suite, depth, seed, &beat.commitments(suite))?;
                    let position = batch.positions()[nth];
                    let place = BatchPlace {
                        path: batch.path(position)?,
                        position,
                    };
                    let received = beat.records[nth].received;
                    return self.receipt(record, entry, index, Some(place), received, now);
                }
                entry @ Entry::Record { body, sig } if (body, sig) == names => {
                    return self.receipt(record, entry, index, None, now, now);
                }
                Entry::Record { .. } => {}
            }
        }
        Err(Refusal::by(&rules::UNKNOWN_SEAL, "the record is not in the log").into())
    }

    /// Closes submission: every due beat, then `submission.close`.
    ///
    /// # Errors
    /// [`Error::Refused`] before the deadline.
    pub fn close(&mut self, now: Time, entropy: &mut dyn Entropy) -> Result<Vec<Receipt>, Error> {
        let deadline = self
            .replay
            .state
            .notice()
            .map(|(_, notice)| notice.deadline)
            .ok_or_else(|| Refusal::by(&rules::WRONG_STAGE, "there is no notice yet"))?;
        if now < deadline {
            return Err(
                Refusal::by(&rules::EARLY, format!("deadline {deadline}, now {now}")).into(),
            );
        }
        let receipts = self.beat(now, entropy)?;
        if let Some(next) = self.next_beat() {
            return Err(
                Refusal::by(&rules::EARLY, format!("the last beat falls at {next}")).into(),
            );
        }
        let data = Close {
            deadline,
            beats: self.replay.beats,
            revealed: self.suite().hash().digest(&jcs::to_vec(&self.beats)?),
        };
        let record = self.draft("submission.close", &data, now, entropy)?;
        self.submit(record, None, now)?;
        Ok(receipts)
    }

    /// Logs a beacon that the policy's clock leaves wait for; anyone may have carried it in.
    ///
    /// # Errors
    /// [`Error::Refused`] if no leaf waits for it or its signature is not the chain's.
    pub fn add_beacon(
        &mut self,
        beacon: &Beacon,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        let record = self.draft("beacon", beacon, now, entropy)?;
        self.submit(record, None, now)
    }

    /// Closes the bidders' window; bids whose body never came end with it.
    ///
    /// # Errors
    /// [`Error::Refused`] while bidders may still release, or send bodies.
    pub fn close_window(&mut self, now: Time, entropy: &mut dyn Entropy) -> Result<(), Error> {
        let no_body = self.without_body(now);
        let data = WindowClose {
            missing: self.replay.state.missing_without(&no_body),
            no_body,
        };
        let record = self.draft("bidder-window.close", &data, now, entropy)?;
        self.submit(record, None, now)
    }

    /// Closes a lot's round of final offers.
    ///
    /// # Errors
    /// [`Error::Refused`] before its deadline.
    pub fn close_round(
        &mut self,
        lot: &str,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        let round =
            self.replay.state.round(lot).ok_or_else(|| {
                Refusal::by(&rules::WRONG_STAGE, "no final offers were called for")
            })?;
        let data = RoundClose {
            lot: lot.to_owned(),
            deadline: round.deadline,
        };
        if now < data.deadline {
            let detail = format!("deadline {}, now {now}", data.deadline);
            return Err(Refusal::by(&rules::EARLY, detail).into());
        }
        let record = self.draft("round.close", &data, now, entropy)?;
        self.submit(record, None, now)
    }

    /// Ends the time in which suppliers release the own leaves of their final offers.
    ///
    /// # Errors
    /// [`Error::Refused`] while suppliers may still release.
    pub fn close_round_window(
        &mut self,
        lot: &str,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        let state = &self.replay.state;
        let data = RoundWindow {
            lot: lot.to_owned(),
            missing: state.missing_of(&state.offers_to_open(lot)),
        };
        let record = self.draft("round-window.close", &data, now, entropy)?;
        self.submit(record, None, now)
    }
}
