//! After the notice: its deadline moved, the tender document clarified or changed (澄清或者修改). Lots, rules and policy stay.

use crate::evaluation::check_plain;
use crate::events::*;
use crate::notice::{Document, Notice};
use crate::refusal::{self, Refusal};
use crate::state::{Act, Stage, State};
use mifeng_crypto::{Digest, Time};
use std::collections::BTreeSet;

/// Files of the tender document that one tender may come to, those that were replaced too: each is kept in the dossier. Large
/// construction tenders have some hundreds.
pub const DOCUMENTS_MAX: usize = 1_000;

/// A deadline that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postponement {
    /// Commitment of the record that moved it: `tender.postpone`, or `tender.amend`.
    pub record: Digest,
    /// The deadline before.
    pub from: Time,
    /// The deadline after.
    pub to: Time,
    /// Why, as the agency says.
    pub reason: String,
}

/// A clarification of the tender document, or a change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// Commitment of the record.
    pub record: Digest,
    /// The record's own time.
    pub at: Time,
    /// Whether it may affect how bids are made, as the agency says.
    pub affects: bool,
    /// The deadline that it set, if it moved it.
    pub deadline: Option<Time>,
    /// Files that it added, or put in the place of others.
    pub documents: Vec<Document>,
    /// Files that were listed before and are not any more: others have their names.
    pub replaced: Vec<Document>,
    /// Why, as the agency says.
    pub reason: String,
    /// What is clarified or changed.
    pub text: String,
}

impl State {
    /// Whether a record of this type is an entry of its own also while bids are received, so that everybody sees it:
    /// all others wait for their beat, whose records are shown after the close.
    pub fn is_logged_at_once(kind: &str) -> bool {
        Self::changes_notice(kind) || kind == "submission.close"
    }

    /// Whether a record of this type changes what the notice says. It comes before the deadline.
    pub fn changes_notice(kind: &str) -> bool {
        matches!(kind, "tender.postpone" | "tender.amend")
    }

    /// The refusal of a record that changes the notice and comes too late.
    pub fn changed_late(kind: &str, detail: String) -> Refusal {
        match kind {
            "tender.amend" => Refusal::new(&refusal::AMEND_LATE, detail),
            _ => Refusal::new(&refusal::POSTPONED_LATE, detail),
        }
    }

    /// How the deadline was moved, in order.
    pub fn postponements(&self) -> &[Postponement] {
        &self.postponed
    }

    /// How the tender document was clarified or changed, in order.
    pub fn amendments(&self) -> &[Amendment] {
        &self.amended
    }

    /// Every file of the tender document that was ever listed: those that count now first, then those that were replaced.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        let now = self.notice.iter().flat_map(|(_, n)| n.documents.iter());
        now.chain(self.amended.iter().flat_map(|one| one.replaced.iter()))
    }

    /// `tender.postpone`.
    pub(crate) fn postpone(&mut self, data: &Postpone, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_agency(act.record)?;
        let changed = self.moved(data.deadline, act)?;
        self.move_to(changed, &data.reason, act);
        Ok(())
    }

    /// `tender.amend`: what it may change of the notice are deadline and files.
    pub(crate) fn amend(&mut self, data: &Amend, act: &Act<'_>) -> Result<(), Refusal> {
        self.require_agency(act.record)?;
        let from = self.require(Stage::Open)?.deadline;
        if act.at >= from {
            let detail = format!("deadline {from}, amended at {}", act.at);
            return Err(Refusal::new(&refusal::AMEND_LATE, detail));
        }
        check_plain("reason", &data.reason)?;
        check_plain("text", &data.text)?;
        self.check_documents(&data.documents)?;
        let mut changed = match data.deadline {
            Some(to) => self.moved(to, act)?,
            None => self.require(Stage::Open)?.clone(),
        };
        let fault = changed.correction_fault(act.at);
        if let Some(fault) = fault.filter(|_| data.affects) {
            return Err(Refusal::new(&refusal::AMEND_LATE, fault));
        }
        let names: BTreeSet<&str> = data.documents.iter().map(|one| &*one.name).collect();
        let replaced = changed
            .documents
            .extract_if(.., |one| names.contains(&*one.name));
        let replaced = replaced.collect();
        changed.documents.extend(data.documents.iter().cloned());
        self.amended.push(Amendment {
            record: act.record.commitment(),
            at: act.record.time(),
            affects: data.affects,
            deadline: data.deadline,
            documents: data.documents.clone(),
            replaced,
            reason: data.reason.clone(),
            text: data.text.clone(),
        });
        self.move_to(changed, &data.reason, act);
        Ok(())
    }

    /// Files of one amendment have names, each its own; and all that were ever listed are not too many.
    fn check_documents(&self, documents: &[Document]) -> Result<(), Refusal> {
        let malformed = |detail: String| Refusal::new(&refusal::MALFORMED, detail);
        let mut names = BTreeSet::new();
        for one in documents {
            check_plain("document", &one.name)?;
            if one.name.contains('\n') || !names.insert(&*one.name) {
                let detail = format!("document {:?} has no name, or stands twice", one.name);
                return Err(malformed(detail));
            }
        }
        let all = self.documents().count() + documents.len();
        if all > DOCUMENTS_MAX && !documents.is_empty() {
            let detail = format!("{all} documents with those before, {DOCUMENTS_MAX} are allowed");
            return Err(malformed(detail));
        }
        Ok(())
    }

    /// The notice with a later deadline: the beats go on as they are up to the old one, then at the standard pace to the
    /// new one, so that no beat moves which may be in the log. That none at or after the old deadline is, whoever keeps
    /// the log's beats checks ([`State::changes_notice`]).
    fn moved(&self, to: Time, act: &Act<'_>) -> Result<Notice, Refusal> {
        let notice = self.require(Stage::Open)?;
        let from = notice.deadline;
        if act.at >= from || to <= from {
            return Err(Refusal::new(
                &refusal::POSTPONED_LATE,
                format!("deadline {from}, postponed at {} to {to}", act.at),
            ));
        }
        let unlawful = |fault: String| Refusal::new(&refusal::BAD_NOTICE, fault);
        let beats = notice.beats.postponed(from, to);
        let beats = beats.map_err(|e| unlawful(e.to_string()))?;
        let changed = Notice {
            deadline: to,
            beats,
            ..notice.clone()
        };
        match changed.fault() {
            Some(fault) => Err(unlawful(fault)),
            None => Ok(changed),
        }
    }

    /// Puts the changed notice in the place of the one before; a postponement, if its deadline is another.
    fn move_to(&mut self, changed: Notice, reason: &str, act: &Act<'_>) {
        let Some((_, notice)) = &mut self.notice else {
            return;
        };
        let (from, to) = (notice.deadline, changed.deadline);
        *notice = changed;
        if from != to {
            self.postponed.push(Postponement {
                record: act.record.commitment(),
                from,
                to,
                reason: reason.to_owned(),
            });
        }
    }
}
