//! From the files of a bundle to the state they amount to: the same `apply` that the host ran.

mod beats;
pub(crate) mod parts;

use crate::bundle::Files;
use crate::dossier::{Withheld, withheld};
use crate::{Error, layout};
use mifeng_crypto::{Digest, Suite, Time};
use mifeng_log::{Entry, LogTree, NoteVerifier, SignedCheckpoint};
use mifeng_pki::trust::SignedTrustList;
use mifeng_pki::{Certificate, OCSP_LEN_MAX, RevocationList};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{Ahead, CrlTake, Event, Keeping, OcspTake, Refusal, State, Trust, rules};
use parts::{Listed, certificates, checkpoint, crls, entries, first_facts, read_beats};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an empty beat takes of `log/beats.json`, with its comma.
pub(crate) const BEAT_LEN: usize = 90;
/// `log/beats.json` is one of the files read whole: room for all beats that a notice may have, and 30,000 records, the most
/// that a host accepts.
pub(crate) const BEATS_LEN_MAX: usize = 16 << 20;
/// A record whose clock is further ahead of the host's is refused: five minutes.
pub(crate) const CLOCK_AHEAD_MAX_MS: i64 = 300_000;
/// A record that starts a period is refused by the host if it is older: five minutes, enough to
/// carry a file over, and little of the shortest period, half an hour.
pub(crate) const PERIOD_START_AGE_MAX_MS: i64 = 300_000;

/// What the host reveals of one beat after the close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beat {
    /// Seed of filler and places.
    pub(crate) seed: Digest,
    /// The records, in the order they were put in.
    pub(crate) records: Vec<BeatRecord>,
}

/// One record of a beat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeatRecord {
    /// Hash of its body.
    pub(crate) body: Digest,
    /// The instant at which its last byte had arrived, by the host's clock.
    pub(crate) received: Time,
    /// Hash of its signature.
    pub(crate) sig: Digest,
}

impl Beat {
    /// What stands for the records in the batch.
    pub(crate) fn commitments(&self, suite: &Suite) -> Vec<Digest> {
        self.records
            .iter()
            .map(|record| mifeng_log::commitment(suite, &record.body, &record.sig))
            .collect()
    }
}

/// One record of the log, in the order it was applied.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Index of its log entry.
    pub index: u64,
    /// Whether it came in a beat.
    pub in_beat: bool,
    /// Event type.
    pub kind: String,
    /// The lot that its data names, if it names one.
    pub lot: Option<String>,
    /// The bid that its data names, if it names one.
    pub seal: Option<Digest>,
    /// Who signed it; the fingerprint where the signature is withheld.
    pub signer: String,
    /// Whether the signature is here: a public export withholds those of experts.
    pub signed: bool,
    /// Whether the actor had a seat on the committee.
    pub seated: bool,
    /// The fingerprint of the signer's certificate.
    pub actor: Digest,
    /// The signer's clock.
    pub time: Time,
    /// The time at which it was applied.
    pub at: Time,
    /// Hash of the body.
    pub body: Digest,
    /// Hash of the signature.
    pub signature: Digest,
    /// What stands for it in a batch.
    pub commitment: Digest,
}

/// A cosigned head of the log.
#[derive(Clone, Debug)]
pub struct Head {
    /// Entries under it.
    pub size: u64,
    /// Witnesses of the board that cosigned it, and when.
    pub cosigned: Vec<(String, Time)>,
    /// The note.
    pub note: mifeng_log::Note,
}

/// A bundle, replayed.
pub struct Replay {
    /// What the records amount to.
    pub state: State,
    /// The records, in the order they were applied.
    pub records: Vec<Logged>,
    /// Log entries.
    pub entries: Vec<Vec<u8>>,
    /// The trees over them.
    pub tree: LogTree,
    /// Number of beats in the log.
    pub beats: u64,
    /// Entries before the first beat, once there is one.
    pub before_beats: Option<u64>,
    /// Beats whose records were not revealed yet.
    pub hidden_beats: u64,
    /// Heads with the board's cosignatures.
    pub heads: Vec<Head>,
    /// Candidate roots that the bundle carries.
    pub roots: Vec<Certificate>,
    /// Revocation lists that the bundle carries; those that a record took in, from that record on.
    pub crls: Vec<RevocationList>,
    /// Lists whose records have not come yet, by the hash of their DER.
    crls_due: BTreeMap<Digest, RevocationList>,
    /// OCSP responses whose records come next, DER, by its hash.
    responses_due: BTreeMap<Digest, Vec<u8>>,
    /// What a public export leaves out.
    pub(crate) withheld: Withheld,
    /// The head of the authoritative tree, as signed by the host.
    pub(crate) checkpoint: Option<SignedCheckpoint>,
}

fn failed(check: &'static str, code: &'static str, detail: impl Into<String>) -> Error {
    Error::Failed {
        check,
        code,
        detail: detail.into(),
    }
}

/// A log shows no clock but those of its records: a period does not begin before the records that
/// precede its first one, less what the host allows both clocks.
fn check_not_backdated(record: &Record, latest: Option<Time>) -> Result<(), Refusal> {
    let slack = CLOCK_AHEAD_MAX_MS + PERIOD_START_AGE_MAX_MS;
    match latest {
        Some(latest)
            if record.time() < latest.plus_millis(-slack) && State::starts_period(record) =>
        {
            Err(Refusal::by(
                &rules::BACKDATED,
                format!("signed {}, after a record of {latest}", record.time()),
            ))
        }
        _ => Ok(()),
    }
}

/// Which numbered check of the verifier a refusal in the replay belongs to.
fn check_of(refusal: &Refusal, record: &Record) -> &'static str {
    let kind = record.kind();
    if refusal.code().starts_with("cert.")
        || ["trust.list", "crl.take", "ocsp.take"].contains(&kind)
    {
        return "V3";
    }
    if matches!(Event::read(record), Ok(None)) {
        return "V4";
    }
    match kind {
        k if k.starts_with("board.") && k != "board.share" => "V5",
        k if k.starts_with("tender.") => "V6",
        "bid.submit" | "bid.replace" | "bid.withdraw" | "bid.refuse" | "submission.close" => "V7",
        "round.close" | "offer.submit" | "offer.exit" => "V7",
        "bidder.share" | "bidder-window.close" | "round-window.close" => "V8",
        "board.share" | "beacon" | "share.false" | "key.reveal" => "V9",
        "bid.open" => "V10",
        "bid.fail" => "V11",
        "opening.minutes" | "opening.sign" | "opening.ask" | "opening.answer" | "round.minutes" => {
            "V12"
        }
        "expert.pool" | "draw.share" | "draw.result" | "lot.pool" | "lot.drawn" => "V13",
        "rank" | "award" | "check" | "letter" | "lot.fail" | "framework.list" | "round.open" => {
            "V14"
        }
        k if k.starts_with("contract.") => "V14",
        k if ["session.", "seat.", "clarify.", "price.", "score", "report"]
            .iter()
            .any(|family| k.starts_with(family)) =>
        {
            "V14"
        }
        _ => "V4",
    }
}

impl Replay {
    /// Reads a bundle: recomputes the log, checks every signature and applies every record.
    ///
    /// # Errors
    /// [`Error::Failed`] with the numbered check that the bundle fails, or [`Error::Unavailable`].
    pub fn of(files: &dyn Files) -> Result<Self, Error> {
        let entries = entries(files)?;
        let (suite, origin) = first_facts(files, &entries)?;
        let tree = LogTree::from_entries(suite, &origin, &entries)
            .map_err(|e| failed("V2", e.code(), e.to_string()))?;
        let mut replay = Replay {
            state: State::new(suite, &origin),
            records: Vec::new(),
            tree,
            beats: 0,
            before_beats: None,
            hidden_beats: 0,
            heads: Vec::new(),
            roots: certificates(files, suite)?,
            crls: crls(files, suite, layout::CRLS)?.into_values().collect(),
            crls_due: crls(files, suite, layout::CRLS_TAKEN)?,
            responses_due: BTreeMap::new(),
            withheld: withheld(files)?,
            checkpoint: Some(checkpoint(files, suite, &origin, &entries)?),
            entries,
        };
        let head = replay.checkpoint()?;
        parts::check_roots(files, &replay.tree, head, &replay.entries)?;
        replay.run(files)?;
        replay.read_heads(files)?;
        Ok(replay)
    }

    /// The suite of a bundle, as its first record says, which nothing vouches for yet: enough to
    /// know by which hash fingerprints are taken.
    ///
    /// # Errors
    /// As [`Replay::of`].
    pub fn suite_of(files: &dyn Files) -> Result<&'static Suite, Error> {
        Ok(first_facts(files, &entries(files)?)?.0)
    }

    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.state.suite()
    }

    /// The head of the authoritative tree, as signed by the host.
    ///
    /// # Errors
    /// [`Error::Failed`] for a log that has no entry yet.
    pub fn checkpoint(&self) -> Result<&SignedCheckpoint, Error> {
        self.checkpoint
            .as_ref()
            .ok_or_else(|| failed("V2", "log.empty", "the log has no entry yet"))
    }

    fn run(&mut self, files: &dyn Files) -> Result<(), Error> {
        let beats = read_beats(files)?;
        let entries = std::mem::take(&mut self.entries);
        let ran = self.run_entries(files, &entries, beats.as_deref());
        self.entries = entries;
        ran?;
        self.check_revealed(files)?;
        let revealed = beats.map_or(0, |beats| beats.len() as u64);
        if revealed != 0 && revealed != self.beats {
            return Err(failed(
                "V2",
                "log.beats",
                format!("{} beats in the log, {revealed} revealed", self.beats),
            ));
        }
        self.check_close()
    }

    fn run_entries(
        &mut self,
        files: &dyn Files,
        entries: &[Vec<u8>],
        beats: Option<&[Beat]>,
    ) -> Result<(), Error> {
        // Records that are entries of their own are worked on together, up to the next beat.
        let mut waiting: Vec<Listed> = Vec::new();
        for (index, bytes) in (0_u64..).zip(entries) {
            let first = index - waiting.len() as u64;
            let entry = Entry::parse(bytes).map_err(|e| failed("V2", e.code(), e.to_string()));
            if let Ok(Entry::Record { body, sig }) = entry {
                waiting.push((body, sig, None));
                continue;
            }
            self.run_records(files, first, &std::mem::take(&mut waiting))?;
            if let Entry::Batch { root, depth } = entry? {
                self.run_beat(files, index, root, depth, beats)?;
            }
        }
        let first = entries.len() as u64 - waiting.len() as u64;
        self.run_records(files, first, &waiting)
    }

    fn apply(
        &mut self,
        index: u64,
        record: &Record,
        (at, in_beat): (Time, bool),
        ahead: &Ahead,
    ) -> Result<(), Error> {
        self.apply_ahead(index, record, (at, in_beat), ahead)
            .map_err(|e| match e {
                Error::Refused(refusal) => failed(
                    check_of(&refusal, record),
                    refusal.code(),
                    format!("entry {index}, {}: {refusal}", record.kind()),
                ),
                other => other,
            })
    }

    /// Applies one record to the state and remembers it; on refusal nothing changes.
    pub(crate) fn apply_record(
        &mut self,
        index: u64,
        record: &Record,
        at: Time,
        in_beat: bool,
    ) -> Result<(), Error> {
        self.apply_ahead(index, record, (at, in_beat), &Ahead::default())
    }

    fn apply_ahead(
        &mut self,
        index: u64,
        record: &Record,
        (at, in_beat): (Time, bool),
        ahead: &Ahead,
    ) -> Result<(), Error> {
        let trust = Trust {
            roots: &self.roots,
            crls: &self.crls,
            responses: Some(&self.responses_due),
        };
        check_not_backdated(record, self.state.latest())?;
        self.check_place(record, in_beat)?;
        let seats = self.state.seats();
        let seated = seats.iter().any(|seat| seat.cert == record.actor());
        if record.signer().is_none() && !seated {
            let detail = format!("the signature of {}, who is no expert", record.actor());
            return Err(failed("V1", "file.withheld", detail));
        }
        let list = self.list_of(record)?;
        let response = self.response_of(record)?;
        self.state.apply_ahead(record, at, &trust, ahead)?;
        self.take_list(list);
        // The state has read it.
        if let Some(response) = response {
            self.responses_due.remove(&response);
        }
        self.records.push(Logged {
            index,
            in_beat,
            kind: record.kind().to_owned(),
            lot: record.text_member("lot").map(str::to_owned),
            seal: record.text_member("seal").and_then(|id| id.parse().ok()),
            signer: record.signer_name(),
            signed: record.signer().is_some(),
            seated,
            actor: record.actor(),
            time: record.time(),
            at,
            body: record.body_digest(),
            signature: record.signature_digest(),
            commitment: record.commitment(),
        });
        Ok(())
    }

    /// The list that a `crl.take` takes in, which must be at hand.
    fn list_of(&self, record: &Record) -> Result<Option<Digest>, Error> {
        if record.kind() != "crl.take" {
            return Ok(None);
        }
        let CrlTake { list } = record.data()?;
        let known = self.state.crls_taken().contains_key(&list);
        if !known && !self.crls_due.contains_key(&list) {
            return Err(failed("V1", "file.missing", layout::crl_taken(&list)));
        }
        Ok(Some(list))
    }

    fn take_list(&mut self, list: Option<Digest>) {
        let taken = list.and_then(|list| {
            let from = self.state.crls_taken().get(&list)?;
            Some(self.crls_due.remove(&list)?.counting_from(*from))
        });
        self.crls.extend(taken);
    }

    /// The response that an `ocsp.take` takes in, which must be at hand.
    fn response_of(&self, record: &Record) -> Result<Option<Digest>, Error> {
        if record.kind() != "ocsp.take" {
            return Ok(None);
        }
        // Data of another form is the state's to refuse.
        let Ok(OcspTake { response, .. }) = record.data() else {
            return Ok(None);
        };
        let known = self.state.answers_taken().contains_key(&response);
        if !known && !self.responses_due.contains_key(&response) {
            return Err(failed(
                "V1",
                "file.missing",
                layout::answer_taken(&response),
            ));
        }
        Ok(Some(response))
    }

    /// Reads the response that a record is about to take in: no other file of that folder is looked at.
    fn read_response(&mut self, files: &dyn Files, record: &Record) -> Result<(), Error> {
        if record.kind() != "ocsp.take" {
            return Ok(());
        }
        let Ok(OcspTake { response, .. }) = record.data() else {
            return Ok(());
        };
        let name = layout::answer_taken(&response);
        let Some(size) = files.index().get(&name).copied() else {
            return Ok(());
        };
        // Not read: the state refuses whatever is longer than it may be.
        if size > OCSP_LEN_MAX as u64 {
            self.responses_due
                .insert(response, vec![0; OCSP_LEN_MAX + 1]);
            return Ok(());
        }
        let der = files.read(&name)?;
        if self.suite().hash().digest(&der) != response {
            let detail = format!("{name} does not have the hash in its name");
            return Err(failed("V1", "file.hash", detail));
        }
        self.responses_due.insert(response, der);
        Ok(())
    }

    /// Has a response at hand whose record is about to come, or no more.
    pub(crate) fn expect_response(&mut self, hash: Digest, der: Option<&[u8]>) {
        match der {
            Some(der) => drop(self.responses_due.insert(hash, der.to_vec())),
            None => drop(self.responses_due.remove(&hash)),
        }
    }

    /// Has a list at hand whose record is about to come.
    pub(crate) fn expect_list(&mut self, hash: Digest, list: RevocationList) {
        self.crls_due.insert(hash, list);
    }

    /// What the law wants kept of this procurement, as far as its log tells, and for how long;
    /// `withheld`: the sealed bids are left out. None before the notice.
    pub fn keeping(&self, withheld: bool) -> Option<Keeping> {
        let issued = self.records.iter().find(|r| r.kind == "tender.publish")?;
        let ended = self.records.last()?;
        let records = self.records.iter();
        let lines = records.map(|r| (r.kind.as_str(), r.lot.as_deref()));
        Keeping::of(&self.state, lines, (issued.at, ended.at), withheld)
    }

    /// The certificates and revocation lists that records are judged with.
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            roots: &self.roots,
            crls: &self.crls,
            responses: None,
        }
    }

    /// Whether the log, ending here, would take this record at this time: by the rules that its host goes by. Its holder learns it
    /// before handing the record in; a record that would be taken counts in this replay from then on.
    ///
    /// # Errors
    /// [`Error::Refused`] with the rule that says no; [`Error::Record`] if its signature does not hold.
    pub fn would_take(&mut self, record: &SignedRecord, at: Time) -> Result<(), Error> {
        let trust = Trust {
            roots: &self.roots,
            crls: &self.crls,
            responses: None,
        };
        let record = Record::verify(record.clone(), self.state.suite())?;
        Ok(self.state.apply(&record, at, &trust)?)
    }

    /// The same with the responses whose records come next.
    pub(crate) fn trust_with_due(&self) -> Trust<'_> {
        Trust {
            responses: Some(&self.responses_due),
            ..self.trust()
        }
    }

    /// Takes note of a newer version of the trust list, which its operator publishes: the log may
    /// hold it in a beat that is not revealed yet. It decides what a bidder foresees, nothing else.
    ///
    /// # Errors
    /// [`Error::Refused`] if it does not follow the versions that are known.
    pub fn foresee(&mut self, signed: &SignedTrustList) -> Result<(), Error> {
        Ok(self.state.foresee_list(signed)?)
    }

    /// The replay of a log that has no entry yet.
    pub(crate) fn empty(
        suite: &'static Suite,
        origin: &str,
        roots: Vec<Certificate>,
        crls: Vec<RevocationList>,
    ) -> Result<Self, Error> {
        Ok(Replay {
            state: State::new(suite, origin),
            records: Vec::new(),
            entries: Vec::new(),
            tree: LogTree::new(suite, origin)?,
            beats: 0,
            before_beats: None,
            hidden_beats: 0,
            heads: Vec::new(),
            roots,
            crls,
            crls_due: BTreeMap::new(),
            responses_due: BTreeMap::new(),
            withheld: Withheld::new(),
            checkpoint: None,
        })
    }

    /// The board's witnesses, `needed` of whom must have cosigned.
    ///
    /// # Errors
    /// [`Error::Log`] if the board's records name no proper keys.
    pub fn quorum(&self, needed: usize) -> Result<mifeng_log::Quorum, Error> {
        let witnesses = self
            .state
            .members()
            .values()
            .map(|(_, member)| mifeng_log::CosignVerifier::parse(&member.witness))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(mifeng_log::Quorum::new(witnesses, needed)?)
    }

    /// How many witnesses of trustees who sit on the board no more cosigned a head: they count for no quorum.
    fn past_cosignatures(&self, note: &mifeng_log::Note) -> Result<usize, mifeng_log::Error> {
        let mut found = 0;
        for key in self.state.past_witnesses() {
            match mifeng_log::CosignVerifier::parse(key)?.verify(note) {
                Ok(_) => found += 1,
                Err(mifeng_log::Error::Unsigned { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(found)
    }

    /// What verifies the host's signature on heads of the authoritative tree.
    ///
    /// # Errors
    /// [`Error::Failed`] if the log has no configuration.
    pub fn log_verifier(&self) -> Result<NoteVerifier, Error> {
        let (_, config) = self
            .state
            .host()
            .ok_or_else(|| failed("V2", "log.config", "no log.config record"))?;
        let key = config.key_sm3.as_ref().unwrap_or(&config.key);
        Ok(NoteVerifier::parse(key)?)
    }

    fn read_heads(&mut self, files: &dyn Files) -> Result<(), Error> {
        let verifier = self.log_verifier()?;
        let quorum = self.quorum(0)?;
        for (name, bytes) in files.read_all(layout::HEADS)? {
            let broken =
                |code, detail: String| failed("V2", code, format!("head {name}: {detail}"));
            let signed = SignedCheckpoint::verify(&bytes, &verifier)
                .map_err(|e| broken(e.code(), e.to_string()))?;
            let head = signed.checkpoint();
            if layout::head(head.size()) != format!("{}{name}", layout::HEADS) {
                return Err(broken(
                    "log.head-name",
                    "named after another size".to_owned(),
                ));
            }
            let root = self.tree.tree().root_at(head.size()).ok();
            if root != Some(head.root()) {
                return Err(broken("log.fork", "not a head of this log".to_owned()));
            }
            let cosigned = quorum
                .verify(signed.note())
                .map_err(|e| broken(e.code(), e.to_string()))?;
            // Every line must be the host's or a board witness's, of then or now: no byte of a bundle is free.
            let past = self
                .past_cosignatures(signed.note())
                .map_err(|e| broken(e.code(), e.to_string()))?;
            if signed.note().signatures().len() != cosigned.len() + past + 1
                || signed.note().to_text().as_bytes() != bytes
            {
                return Err(broken(
                    "log.signatures",
                    "a line of nobody's known key".to_owned(),
                ));
            }
            self.heads.push(Head {
                size: head.size(),
                cosigned,
                note: signed.note().clone(),
            });
        }
        Ok(())
    }
}
