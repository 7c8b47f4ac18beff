//! Makings and handings on of a key that were given up, and whoever sat on a board before.

use crate::events::*;
use crate::formation::{Formation, formation, unhex};
use crate::refusal::Refusal;
use crate::state::State;
use mifeng_crypto::Digest;
use mifeng_lock::dkg::{Complaint, Transcript};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// A making or a handing on of a key that was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Name of the board's session.
    pub session: String,
    /// Which handing on; 0 for the making of the key.
    pub round: u32,
    /// The trustee who ended it.
    pub by: u8,
    /// The trustee who was proven wrong, if one was.
    pub culprit: Option<u8>,
    /// What was proven, or the reason that was given.
    pub why: String,
}

/// What boards were before.
#[derive(Default)]
pub(crate) struct Past {
    given_up: Vec<GivenUp>,
    /// They held a key that others hold now.
    holders: BTreeSet<Digest>,
    /// They took part in what was given up.
    others: BTreeSet<Digest>,
    witnesses: BTreeSet<String>,
}

impl Past {
    /// Remembers people who have handed their key on.
    pub(crate) fn handed_on(&mut self, members: &BTreeMap<u8, (Digest, BoardCert)>) {
        for (cert, witness) in people(members) {
            self.holders.insert(*cert);
            self.witnesses.insert(witness.clone());
        }
    }

    fn give_up<'a>(
        &mut self,
        members: impl Iterator<Item = (&'a Digest, &'a String)>,
        what: GivenUp,
    ) {
        for (cert, witness) in members {
            self.others.insert(*cert);
            self.witnesses.insert(witness.clone());
        }
        self.given_up.push(what);
    }

    /// Verifier keys of the witnesses of all who left a board.
    pub(crate) fn witnesses(&self) -> impl Iterator<Item = &str> {
        self.witnesses.iter().map(String::as_str)
    }

    /// A session makes one key: what was said in one that was given up must serve no other.
    pub(crate) fn require_new(&self, session: &str) -> Result<(), Refusal> {
        let mut used = self.given_up.iter().filter(|past| past.round == 0);
        match used.any(|past| past.session == session) {
            true => Err(formation(format!(
                "session {session} was given up: a new one is needed"
            ))),
            false => Ok(()),
        }
    }
}

/// Members of a board in the making, or before it changes hands.
pub(crate) fn people(
    members: &BTreeMap<u8, (Digest, BoardCert)>,
) -> impl Iterator<Item = (&Digest, &String)> {
    members.values().map(|(cert, data)| (cert, &data.witness))
}

impl State {
    pub(crate) fn complain(
        &mut self,
        data: &BoardComplain,
        record: &Record,
    ) -> Result<(), Refusal> {
        let transcript = self.unfinished(data.round, data.index, record)?;
        let bytes = unhex(&data.complaint, "complaint")?;
        let complaint = Complaint::from_bytes(self.suite, &bytes).map_err(formation)?;
        if (complaint.accuser(), complaint.accused()) != (data.index, data.accused) {
            return Err(formation("the complaint names other trustees"));
        }
        let fault = complaint.judge(&transcript).map_err(formation)?;
        self.give_up(
            data.round,
            data.index,
            record,
            fault.culprit(),
            fault.to_string(),
        );
        Ok(())
    }

    pub(crate) fn abandon(&mut self, data: &BoardAbandon, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        if data.reason.trim().is_empty() {
            return Err(formation("no reason is given"));
        }
        if data.round == 0 {
            self.require_unmade(record, data.index)?;
        } else {
            self.require_round(data.round, record)?;
            self.require_trustee(record, data.index)?;
            if self.main.handed.open.is_none() {
                return Err(formation("nobody has joined a handing on"));
            }
        }
        self.give_up(data.round, data.index, record, None, data.reason.clone());
        Ok(())
    }

    /// What the trustees were sent in a making or a handing on that is not finished, if the signer sits there.
    fn unfinished(
        &mut self,
        round: u32,
        index: u8,
        record: &Record,
    ) -> Result<Transcript, Refusal> {
        self.require_setup()?;
        if round == 0 {
            let suite = self.suite;
            return self.require_unmade(record, index)?.transcript(suite);
        }
        self.require_round(round, record)?;
        let joined = self.reshare_joined().1;
        let member = joined.get(&index).map(|(cert, _)| *cert);
        self.require_actor(record, member, "new member of that index")?;
        self.reshare_transcript()
    }

    /// The board in the making on which the signer sits.
    fn require_unmade(&mut self, record: &Record, index: u8) -> Result<&mut Formation, Refusal> {
        let forming = self.forming(record, index)?;
        match forming.board {
            Some(_) => Err(formation("the key is made")),
            None => Ok(forming),
        }
    }

    fn give_up(&mut self, round: u32, by: u8, record: &Record, culprit: Option<u8>, why: String) {
        let origin = record.origin();
        let session = origin.strip_prefix("board/").unwrap_or(origin).to_owned();
        let what = GivenUp {
            session,
            round,
            by,
            culprit,
            why,
        };
        if round > 0 {
            let handed = &mut self.main.handed;
            handed.rounds = round;
            let open = handed.open.take().unwrap_or_default();
            self.past.give_up(open.people(), what);
        } else {
            let formation = match self.is_fallback_record(record) {
                true => core::mem::take(&mut self.second),
                false => core::mem::take(&mut self.main),
            };
            self.past.give_up(people(&formation.members), what);
        }
    }

    /// Makings and handings on of a key that were given up, in order.
    pub fn given_up(&self) -> &[GivenUp] {
        &self.past.given_up
    }

    /// Verifier keys of witnesses whose trustees sit on a board no more: they may have cosigned heads of that time.
    pub fn past_witnesses(&self) -> impl Iterator<Item = &str> {
        let now = |key: &&String| {
            let mut present = self.main.members.values();
            !present.any(|(_, member)| member.witness == **key)
        };
        self.past.witnesses.iter().filter(now).map(String::as_str)
    }

    /// When the signer of a board's record must be recognised, once the notice says who is.
    pub(crate) fn part_in_boards(&self, cert: &Digest) -> Part {
        if self.main.seats(cert) || self.second.seats(cert) {
            Part::Present
        } else if self.past.holders.contains(cert) {
            Part::Past
        } else if self.past.others.contains(cert) {
            Part::None
        } else {
            Part::Present
        }
    }
}

/// What somebody has to do with the boards of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Sits on one: must be recognised when it signed and now.
    Present,
    /// Held the key, and has handed it on: must have been recognised when it signed.
    Past,
    /// Took part in what was given up: nothing came of it.
    None,
}
