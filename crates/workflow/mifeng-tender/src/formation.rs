//! The boards: key generation by their members' records, before the notice.
//!
//! A log has one board, which also witnesses and draws, and may have a second one: the fallback of a remedy plan
//! (补救方案), all of whose members together stand in for a bidder that released nothing, or a one-time key.

use crate::events::*;
use crate::given_up::people;
use crate::notice::Notice;
use crate::refusal::{self, Refusal};
use crate::reshare::Handed;
use crate::state::{State, board_origin};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, HashAlg, Point, Suite};
use mifeng_lock::{Board, MAX_MEMBERS, dkg};
use mifeng_log::{CosignVerifier, Quorum, SignatureType};
use mifeng_record::Record;
use std::collections::BTreeMap;

pub(crate) fn formation(detail: impl core::fmt::Display) -> Refusal {
    Refusal::new(&refusal::BAD_BOARD, detail.to_string())
}

/// Bytes of a record in lower-case hex, the only spelling that there is.
pub(crate) fn unhex(text: &str, what: &str) -> Result<Vec<u8>, Refusal> {
    let upper = text.bytes().any(|b| b.is_ascii_uppercase());
    match hex::decode(text) {
        Ok(bytes) if !upper => Ok(bytes),
        _ => Err(formation(format!("{what} is not hex in lower case"))),
    }
}

/// `1 ≤ t ≤ n ≤ 15`.
pub(crate) fn check_sizes(t: u8, n: u8) -> Result<(), Refusal> {
    match 1 <= t && t <= n && n <= MAX_MEMBERS {
        true => Ok(()),
        false => Err(formation(format!(
            "{t} of {n}: expected 1 to n, of at most {MAX_MEMBERS}"
        ))),
    }
}

/// A static public key of a record.
pub(crate) fn static_key(suite: &Suite, text: &str) -> Result<Point, Refusal> {
    let bytes = unhex(text, "static key")?;
    Point::from_bytes(suite.curve(), &bytes).map_err(|e| formation(format!("static key: {e}")))
}

/// One board and how it came about.
#[derive(Default)]
pub(crate) struct Formation {
    /// Index to certificate fingerprint and endorsement.
    pub(crate) members: BTreeMap<u8, (Digest, BoardCert)>,
    dkg1: BTreeMap<u8, Vec<u8>>,
    dkg2: BTreeMap<u8, BoardDkg2>,
    /// Once its keys are made.
    pub(crate) board: Option<Board>,
    /// What became of its key since.
    pub(crate) handed: Handed,
}

impl Formation {
    /// The origin of its own records, once somebody has joined.
    pub(crate) fn origin(&self) -> Option<String> {
        let (_, first) = self.members.values().next()?;
        Some(board_origin(&first.session))
    }

    pub(crate) fn seats(&self, actor: &Digest) -> bool {
        self.members.values().any(|(cert, _)| cert == actor)
    }

    fn cert(
        &mut self,
        suite: &'static Suite,
        data: &BoardCert,
        record: &Record,
    ) -> Result<(), Refusal> {
        check_sizes(data.t, data.n)?;
        let named = data.session.len();
        if named == 0 || named > dkg::MAX_SESSION_BYTES {
            let most = dkg::MAX_SESSION_BYTES;
            return Err(formation(format!(
                "session of {named} bytes, expected 1 to {most}"
            )));
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
        static_key(suite, &data.static_key)?;
        self.members
            .insert(data.index, (record.actor(), data.clone()));
        Ok(())
    }

    /// A wrong message is not taken, so that its sender can send another; of two alike the later one is not.
    fn dkg1(&mut self, suite: &'static Suite, data: &BoardDkg1) -> Result<(), Refusal> {
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
        let earlier: Vec<(u8, &Vec<u8>)> = self.dkg1.iter().map(|(i, m)| (*i, m)).collect();
        let setup = self.setup(suite)?;
        dkg::check_round1(&setup, data.index, &message, &earlier).map_err(formation)?;
        self.dkg1.insert(data.index, message);
        Ok(())
    }

    fn dkg2(&mut self, suite: &'static Suite, data: &BoardDkg2) -> Result<(), Refusal> {
        if self.dkg1.len() != self.members.len() || self.dkg2.contains_key(&data.index) {
            return Err(formation(
                "second messages come after all first ones, one each",
            ));
        }
        let transcript = self.transcript(suite)?;
        if transcript.hash() != data.transcript {
            return Err(formation(format!(
                "trustee {} checked another transcript",
                data.index
            )));
        }
        let decode = |data: &BoardDkg2| unhex(&data.signature, "signature");
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

    pub(crate) fn transcript(&self, suite: &'static Suite) -> Result<dkg::Transcript, Refusal> {
        if let Some(transcript) = &self.handed.transcript {
            return Ok(transcript.clone());
        }
        let setup = self.setup(suite)?;
        let messages: Vec<&[u8]> = self.dkg1.values().map(Vec::as_slice).collect();
        dkg::Transcript::build(&setup, &messages).map_err(formation)
    }

    fn setup(&self, suite: &'static Suite) -> Result<dkg::Setup, Refusal> {
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
            .map(|member| static_key(suite, &member.static_key))
            .collect::<Result<Vec<_>, _>>()?;
        dkg::Setup::new(suite, first.t, keys, first.session.as_bytes()).map_err(formation)
    }
}

impl State {
    pub(crate) fn board_cert(&mut self, data: &BoardCert, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        if record.origin() != board_origin(&data.session) {
            return Err(Refusal::new(
                &refusal::WRONG_ORIGIN,
                "of the board's session",
            ));
        }
        self.past.require_new(&data.session)?;
        let others = [&self.main, &self.second].into_iter();
        let others = others.flat_map(|f| people(&f.members)).map(|(_, key)| key);
        self.check_witness(&data.witness, others)?;
        let suite = self.suite;
        if self.is_fallback_record(record) {
            return self.second.cert(suite, data, record);
        }
        self.main.cert(suite, data, record)
    }

    /// The trustee's witness has a key that this suite's cosignatures take, and a name and a key of its own.
    pub(crate) fn check_witness<'a>(
        &self,
        witness: &str,
        others: impl Iterator<Item = &'a String>,
    ) -> Result<(), Refusal> {
        let read = |text: &str| {
            CosignVerifier::parse(text).map_err(|e| formation(format!("witness key: {e}")))
        };
        let own = read(witness)?;
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
        // Lines of cosignatures are told apart by name and short key id, also those of who was a witness before.
        let known = [&self.main, &self.second].into_iter();
        let known = known
            .flat_map(|f| people(&f.members))
            .map(|(_, key)| key.as_str());
        for other in known.chain(self.past.witnesses()) {
            let (a, b) = (own.key(), &read(other)?);
            let alike = (a.name(), a.id()) == (b.key().name(), b.key().id());
            if alike && other != witness {
                return Err(formation("two witnesses alike: name and key id of another"));
            }
        }
        let mut witnesses = vec![own];
        for other in others {
            witnesses.push(read(other)?);
        }
        Quorum::new(witnesses, 0)
            .map(drop)
            .map_err(|e| formation(format!("two witnesses alike: {e}")))
    }

    pub(crate) fn board_dkg1(&mut self, data: &BoardDkg1, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        let suite = self.suite;
        self.forming(record, data.index)?.dkg1(suite, data)
    }

    pub(crate) fn board_dkg2(&mut self, data: &BoardDkg2, record: &Record) -> Result<(), Refusal> {
        self.require_setup()?;
        let suite = self.suite;
        self.forming(record, data.index)?.dkg2(suite, data)
    }

    /// The board that a record of key generation belongs to, if its signer sits there at `index`.
    pub(crate) fn forming(
        &mut self,
        record: &Record,
        index: u8,
    ) -> Result<&mut Formation, Refusal> {
        let fallback = self.is_fallback_record(record);
        let of = if fallback { &self.second } else { &self.main };
        let cert = of.members.get(&index).map(|(cert, _)| *cert);
        self.require_actor(record, cert, "trustee of that index")?;
        Ok(if fallback {
            &mut self.second
        } else {
            &mut self.main
        })
    }

    /// Whether a record under a board's own origin is of the second board: not the first one's, whose key is made.
    pub(crate) fn is_fallback_record(&self, record: &Record) -> bool {
        let other = self.main.origin().is_some_and(|own| own != record.origin());
        other && self.main.board.is_some()
    }

    /// Board records are made once for many tenders, under the board's own origin.
    pub(crate) fn check_origin(&self, record: &Record) -> Result<(), Refusal> {
        let of_board = record.kind().starts_with("board.") && record.kind() != "board.share";
        let expected = if !of_board {
            Some(self.origin.clone())
        } else if self.is_fallback_record(record) {
            self.second.origin()
        } else {
            self.main.origin()
        };
        match expected {
            Some(expected) if expected != record.origin() => Err(Refusal::new(
                &refusal::WRONG_ORIGIN,
                format!("expected {expected}, found {}", record.origin()),
            )),
            _ => Ok(()),
        }
    }

    /// What is wrong with the boards that a notice and its policy name.
    pub(crate) fn boards_fault(&self, notice: &Notice) -> Option<String> {
        if self.board().is_none_or(|board| board.key() != notice.board) {
            return Some("the board key is not that of this log's board".to_owned());
        }
        let boards: Vec<_> = self
            .boards()
            .iter()
            .map(|board| (board.key(), board.threshold()))
            .collect();
        if let Some(finding) = notice.policy.lint_with(None, &boards).first() {
            return Some(format!("opening policy: {}", finding.code()));
        }
        self.second_board_fault(notice)
    }

    /// The board, once its keys are made.
    pub fn board(&self) -> Option<&Board> {
        self.main.board.as_ref()
    }

    /// The fallback board of a remedy plan, once its keys are made.
    pub fn fallback(&self) -> Option<&Board> {
        self.second.board.as_ref()
    }

    /// Both boards, as far as there are.
    pub fn boards(&self) -> Vec<&Board> {
        self.board().into_iter().chain(self.fallback()).collect()
    }

    /// The board's members: index to certificate fingerprint and endorsement.
    pub fn members(&self) -> &BTreeMap<u8, (Digest, BoardCert)> {
        &self.main.members
    }

    /// The fallback board's members.
    pub fn fallback_members(&self) -> &BTreeMap<u8, (Digest, BoardCert)> {
        &self.second.members
    }

    /// The public side of key generation, from the members and their first messages; of a key that was handed on,
    /// the transcript by which the present trustees got their shares.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while one is missing, or naming the member whose message is wrong.
    pub fn board_transcript(&self) -> Result<dkg::Transcript, Refusal> {
        self.main.transcript(self.suite)
    }

    /// The same for the fallback board.
    ///
    /// # Errors
    /// As [`State::board_transcript`].
    pub fn fallback_transcript(&self) -> Result<dkg::Transcript, Refusal> {
        self.second.transcript(self.suite)
    }

    /// What the board's members agree on before their first messages.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while a member is missing or if they do not fit together.
    pub fn board_setup(&self) -> Result<dkg::Setup, Refusal> {
        self.main.setup(self.suite)
    }

    /// Somebody's part in the making of a key: of the second board's while that is being made and they sit on it, else
    /// of the first one's, also when that is made. None for who sits on neither.
    pub fn making_of(&self, cert: &Digest) -> Option<Making<'_>> {
        let second = self.second.board.is_none().then_some(&self.second);
        let both = second.into_iter().chain([&self.main]);
        let (formation, (index, (_, member))) = both
            .filter_map(|f| Some((f, f.members.iter().find(|(_, (own, _))| own == cert)?)))
            .next()?;
        Some(Making {
            index: *index,
            member,
            signed: self.board_records(&board_origin(&member.session), cert),
            formation,
            suite: self.suite,
        })
    }

    /// The board on which the signer of a record sits at `index`.
    pub(crate) fn board_of(&self, record: &Record, index: u8) -> Result<&Board, Refusal> {
        let actor = record.actor();
        let here = |formation: &&Formation| {
            let member = formation.members.get(&index);
            member.is_some_and(|(cert, _)| *cert == actor)
        };
        let found = [&self.main, &self.second].into_iter().find(here);
        let board = found.and_then(|formation| formation.board.as_ref());
        board.ok_or_else(|| {
            Refusal::new(
                &refusal::NOT_AUTHORISED,
                format!(
                    "{} must be signed by the trustee of that index",
                    record.kind()
                ),
            )
        })
    }
}

/// A member's part in the making of a key.
pub struct Making<'s> {
    /// Index of the member, from 1.
    pub index: u8,
    /// What the member joined with.
    pub member: &'s BoardCert,
    /// How many records the member has signed there: the number of the next one.
    pub signed: u64,
    formation: &'s Formation,
    suite: &'static Suite,
}

impl Making<'_> {
    /// What the members agree on before their first messages.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while a member is missing or if they do not fit together.
    pub fn setup(&self) -> Result<dkg::Setup, Refusal> {
        self.formation.setup(self.suite)
    }

    /// The public side, from the members and their first messages.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while one is missing, or naming the member whose message is wrong.
    pub fn transcript(&self) -> Result<dkg::Transcript, Refusal> {
        self.formation.transcript(self.suite)
    }
}
