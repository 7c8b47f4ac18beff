//! Before the bids: log, board, notice; suspension and cancellation.

use crate::events::*;
use crate::given_up::Part;
use crate::notice::Notice;
use crate::recognition::{Recognition, usages_of};
use crate::refusal::{self, Refusal};
use crate::state::{Act, Stage, State};
use mifeng_crypto::Digest;
use mifeng_record::Record;
use std::collections::BTreeSet;

impl State {
    pub(crate) fn require_setup(&self) -> Result<(), Refusal> {
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
        // Records of boards are told from the log's own by their origin.
        if self.origin.starts_with("board/") {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                format!("log name {}: begins like a board's", self.origin),
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
        if let Some(fault) = self.boards_fault(data) {
            return Err(unlawful(fault));
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
    /// that an early date is of no use, now; the latter not of those who have no part in a board any more ([`Part`]).
    /// Returns the signers whose revocation is unknown.
    fn judge_early(&self, notice: &Notice, act: &Act<'_>) -> Result<BTreeSet<Digest>, Refusal> {
        let lists = self.lists.as_ref();
        let recognition = Recognition::new(notice, lists, self.suite, &self.answers, act.trust);
        let (record, at, taken) = (act.record, act.at, act.taken);
        let signer = record.signer().ok_or_else(|| {
            Refusal::new(&refusal::NOT_AUTHORISED, "a notice without its signature")
        })?;
        let agency = (signer, record.chain());
        let usages = usages_of(record.kind(), false);
        let judged = recognition.judge_taken(agency, usages, (at, taken), None)?;
        let mut unknown = BTreeSet::new();
        if !judged.revocation_known {
            unknown.insert(record.actor());
        }
        for early in &self.signers {
            let signer = (&early.certificate, early.chain.as_slice());
            let own = early.certificate.fingerprint(self.suite.hash());
            let part = match early.of_board {
                true => self.part_in_boards(&own),
                false => Part::Present,
            };
            if part == Part::None {
                continue;
            }
            let mut judged = recognition.judge(signer, early.usages, early.time, at)?;
            if part == Part::Present {
                judged = recognition.judge(signer, early.usages, taken, taken)?;
            }
            if !judged.revocation_known {
                unknown.insert(own);
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
