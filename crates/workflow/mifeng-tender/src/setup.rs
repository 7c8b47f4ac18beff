//! Before the bids: log, board, notice; suspension and cancellation.

use crate::events::*;
use crate::notice::Notice;
use crate::recognition::{Recognition, usages_of};
use crate::refusal::{self, Refusal};
use crate::state::{Act, Stage, State, board_origin};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg};
use mifeng_lock::dkg;
use mifeng_log::{CosignVerifier, Quorum, SignatureType};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

fn formation(detail: impl core::fmt::Display) -> Refusal {
    Refusal::new(&refusal::BAD_BOARD, detail.to_string())
}

impl State {
    fn require_setup(&self) -> Result<(), Refusal> {
        if self.stage != Stage::Setup {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "the notice is out already",
            ));
        }
        Ok(())
    }

    pub(crate) fn log_config(&mut self, data: &LogConfig, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        if self.host.is_some() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "the log has its configuration",
            ));
        }
        if data.suite != self.suite.id() {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                format!("suite {}, expected {}", data.suite, self.suite.id()),
            ));
        }
        self.host = Some((record.actor(), data.clone()));
        Ok(())
    }

    pub(crate) fn board_cert(&mut self, data: &BoardCert, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        if record.origin() != board_origin(&data.session) {
            return Err(Refusal::new(
                &refusal::WRONG_ORIGIN,
                "of the board's session",
            ));
        }
        let same = |other: &BoardCert| (other.t, other.n) == (data.t, data.n);
        if self.members.values().any(|(_, other)| !same(other)) {
            return Err(formation("members disagree on quorum or number"));
        }
        if data.index == 0 || data.index > data.n || self.members.contains_key(&data.index) {
            return Err(formation(format!(
                "index {} is taken or out of range",
                data.index
            )));
        }
        let taken = |(cert, other): &(_, BoardCert)| {
            *cert == record.actor() || other.static_key == data.static_key
        };
        if self.members.values().any(taken) {
            return Err(formation("two members with one key or certificate"));
        }
        self.check_witness(data)?;
        self.members
            .insert(data.index, (record.actor(), data.clone()));
        Ok(())
    }

    /// The trustee's witness has a key that this suite's cosignatures take, a name and a key of its own.
    fn check_witness(&self, data: &BoardCert) -> Result<(), Refusal> {
        let read = |text: &str| {
            CosignVerifier::parse(text).map_err(|e| formation(format!("witness key: {e}")))
        };
        let own = read(&data.witness)?;
        let expected = match self.suite.hash() {
            HashAlg::Sm3 => SignatureType::CosignatureSm2,
            HashAlg::Sha256 => SignatureType::CosignatureEd25519,
        };
        let found = own.key().signature_type();
        if found != expected {
            return Err(formation(format!(
                "witness key: {found:?} found, {expected:?} expected"
            )));
        }
        let mut witnesses = vec![own];
        for (_, other) in self.members.values() {
            witnesses.push(read(&other.witness)?);
        }
        Quorum::new(witnesses, 0)
            .map(drop)
            .map_err(|e| formation(format!("two witnesses alike: {e}")))
    }

    pub(crate) fn board_dkg1(&mut self, data: &BoardDkg1, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        self.require_trustee(record, data.index)?;
        let complete = self
            .members
            .values()
            .next()
            .is_some_and(|(_, first)| usize::from(first.n) == self.members.len());
        if !complete || self.dkg1.contains_key(&data.index) {
            return Err(formation("first messages come after all members, one each"));
        }
        let message = BASE64_STANDARD
            .decode(&data.message)
            .map_err(|_| formation("message is not base64"))?;
        self.dkg1.insert(data.index, message);
        Ok(())
    }

    pub(crate) fn board_dkg2(&mut self, data: &BoardDkg2, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        self.require_trustee(record, data.index)?;
        if self.dkg1.len() != self.members.len() || self.dkg2.contains_key(&data.index) {
            return Err(formation(
                "second messages come after all first ones, one each",
            ));
        }
        let transcript = self.board_transcript()?;
        if transcript.hash() != data.transcript {
            return Err(formation("the trustee checked another transcript"));
        }
        let decode = |data: &BoardDkg2| {
            hex::decode(&data.signature).map_err(|_| formation("signature is not hex"))
        };
        let mut signatures = BTreeMap::from([(data.index, decode(data)?)]);
        for (index, other) in &self.dkg2 {
            signatures.insert(*index, decode(other)?);
        }
        if signatures.len() == self.members.len() {
            let signatures: Vec<Vec<u8>> = signatures.into_values().collect();
            self.board = Some(transcript.finish(&signatures).map_err(formation)?);
        }
        self.dkg2.insert(data.index, data.clone());
        Ok(())
    }

    /// The public side of key generation, from the members and their first messages; of a key that was handed on,
    /// the transcript by which the present trustees got their shares.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while one is missing, or naming the member whose message is wrong.
    pub fn board_transcript(&self) -> Result<dkg::Transcript, Refusal> {
        if let Some(transcript) = &self.handed.transcript {
            return Ok(transcript.clone());
        }
        let setup = self.board_setup()?;
        let messages: Vec<&[u8]> = self.dkg1.values().map(Vec::as_slice).collect();
        dkg::Transcript::build(&setup, &messages).map_err(formation)
    }

    /// What the board's members agree on before their first messages.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while a member is missing or if they do not fit together.
    pub fn board_setup(&self) -> Result<dkg::Setup, Refusal> {
        let members: Vec<&BoardCert> = self.members.values().map(|(_, cert)| cert).collect();
        let first = members.first().ok_or_else(|| formation("no members"))?;
        if members.len() != usize::from(first.n) {
            return Err(formation(format!(
                "{} members of {}",
                members.len(),
                first.n
            )));
        }
        let keys = members
            .iter()
            .map(|member| {
                let bytes = hex::decode(&member.static_key)
                    .map_err(|_| formation("static key is not hex"))?;
                mifeng_crypto::Point::from_bytes(self.suite.curve(), &bytes).map_err(formation)
            })
            .collect::<Result<Vec<_>, _>>()?;
        dkg::Setup::new(self.suite, first.t, keys, first.session.as_bytes()).map_err(formation)
    }

    pub(crate) fn publish(&mut self, data: &Notice, act: &Act<'_>) -> Result<(), Refusal> {
        let (record, at) = (act.record, act.at);
        self.require_setup()?;
        let unlawful = |detail: String| Refusal::new(&refusal::BAD_NOTICE, detail);
        if self.host.is_none() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "the log has no configuration",
            ));
        }
        self.require_actor(
            record,
            Some(data.agency.cert),
            "agency that the notice names",
        )?;
        if data.suite != self.suite.id() {
            return Err(unlawful(format!(
                "suite {}, the log is {}",
                data.suite,
                self.suite.id()
            )));
        }
        if let Some(fault) = data.fault() {
            return Err(unlawful(fault));
        }
        if let Some(fault) = data.pack_fault(at).or_else(|| data.period_fault(at)) {
            return Err(unlawful(fault));
        }
        if at >= data.deadline {
            return Err(unlawful(format!("deadline {} has passed", data.deadline)));
        }
        match &self.board {
            Some(board) if board.key() == data.board => {
                let boards = [(board.key(), board.threshold())];
                if let Some(finding) = data.policy.lint_with(None, &boards).first() {
                    return Err(unlawful(format!("opening policy: {}", finding.code())));
                }
            }
            _ => {
                return Err(unlawful(
                    "the board key is not that of this log's board".to_owned(),
                ));
            }
        }
        self.check_pinned(data, at)?;
        let unknown = self.judge_early(data, act)?;
        if let (Some(pinned), Some(lists)) = (&data.trust_list, &mut self.lists) {
            lists.pin(pinned).map_err(|e| unlawful(e.to_string()))?;
        }
        self.unknown = unknown;
        self.notice = Some((record.commitment(), data.clone()));
        self.stage = Stage::Open;
        self.signers.clear();
        Ok(())
    }

    /// Judges the agency, and whoever signed before the notice: at the time of the record and, so
    /// that an early date is of no use, now. Returns the signers whose revocation is unknown.
    fn judge_early(&self, notice: &Notice, act: &Act<'_>) -> Result<BTreeSet<Digest>, Refusal> {
        let recognition = Recognition::new(notice, self.lists.as_ref(), self.suite, act.trust);
        let (record, at, taken) = (act.record, act.at, act.taken);
        let agency = (record.signer(), record.chain());
        let usages = usages_of(record.kind(), false);
        let judged = recognition.judge_taken(agency, usages, (at, taken), None)?;
        let mut unknown = BTreeSet::new();
        if !judged.revocation_known {
            unknown.insert(record.actor());
        }
        for early in &self.signers {
            let signer = (&early.certificate, early.chain.as_slice());
            recognition.judge(signer, early.usages, early.time, at)?;
            let judged = recognition.judge(signer, early.usages, taken, taken)?;
            if !judged.revocation_known {
                unknown.insert(early.certificate.fingerprint(self.suite.hash()));
            }
        }
        Ok(unknown)
    }

    pub(crate) fn halt(&mut self, act: &Act<'_>, halted: bool) -> Result<(), Refusal> {
        self.require_agency(act.record)?;
        if self.stage == Stage::Archived || self.cancelled || self.halted == halted {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "nothing to suspend or resume",
            ));
        }
        self.halted = halted;
        if !halted {
            self.resumed = Some(act.taken);
        }
        Ok(())
    }

    pub(crate) fn cancel(&mut self, record: &Record) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.stage == Stage::Archived || self.cancelled {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "nothing to cancel"));
        }
        self.cancelled = true;
        Ok(())
    }

    pub(crate) fn archive(&mut self, record: &Record) -> Result<(), Refusal> {
        self.require_host(record)?;
        // Every leaf of every beat is accounted for only after the close.
        if self.stage == Stage::Archived || self.closed.is_none() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "submission is not closed, or the archive is",
            ));
        }
        if let Some(open) = self.without_end() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("the tender has no end yet: {open}"),
            ));
        }
        self.stage = Stage::Archived;
        Ok(())
    }

    /// What is still open: a lot with neither award, list nor failure. A cancelled tender is at its end.
    fn without_end(&self) -> Option<String> {
        if self.cancelled {
            return None;
        }
        if self.minutes.is_none() {
            return Some("no opening record".to_owned());
        }
        let (_, notice) = self.notice.as_ref()?;
        let ended = |lot: &str| {
            self.awards.contains_key(lot)
                || self.listed(lot).is_some()
                || self.failed(lot).is_some()
        };
        let open = notice.lots.iter().find(|lot| !ended(&lot.id))?;
        Some(format!("lot {} is neither awarded nor failed", open.id))
    }
}
