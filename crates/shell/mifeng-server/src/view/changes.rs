//! What the agency said after the notice and before the deadline: corrections and later deadlines (87 art. 27).

use super::{Words, words};
use mifeng::Logged;
use mifeng::crypto::{Digest, Time};
use mifeng::tender::State;
use serde::Serialize;
use utoipa::ToSchema;

/// One clarification, correction or postponement.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Change {
    /// Commitment of its record.
    #[schema(value_type = String)]
    pub record: Digest,
    /// What it is, in words.
    pub words: Words,
    /// When it was signed.
    #[schema(value_type = String)]
    pub time: Time,
    /// What is clarified or changed; empty for a postponement alone.
    pub text: String,
    /// Why.
    pub reason: String,
    /// Whether it may affect how bids are made.
    pub affects: bool,
    /// The later deadline, if it moves.
    #[schema(value_type = Option<String>)]
    pub deadline: Option<Time>,
    /// Names of the files that it adds or replaces.
    pub documents: Vec<String>,
}

/// In the order of the log.
pub(super) fn changes(state: &State, records: &[Logged]) -> Vec<Change> {
    let changes = records
        .iter()
        .filter(|one| State::changes_notice(&one.kind));
    changes.filter_map(|one| change(state, one)).collect()
}

fn change(state: &State, logged: &Logged) -> Option<Change> {
    let mut amended = state.amendments().iter();
    if let Some(one) = amended.find(|one| one.record == logged.commitment) {
        return Some(Change {
            record: one.record,
            words: words("澄清或更正", "clarification or correction"),
            time: one.at,
            text: one.text.clone(),
            reason: one.reason.clone(),
            affects: one.affects,
            deadline: one.deadline,
            documents: one.documents.iter().map(|file| file.name.clone()).collect(),
        });
    }
    let mut postponed = state.postponements().iter();
    let one = postponed.find(|one| one.record == logged.commitment)?;
    Some(Change {
        record: one.record,
        words: words("延期", "postponement"),
        time: logged.time,
        text: String::new(),
        reason: one.reason.clone(),
        affects: false,
        deadline: Some(one.to),
        documents: Vec::new(),
    })
}
