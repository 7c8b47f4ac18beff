//! Handing the board's key on before a notice: a trustee is replaced, or all get new shares; the key stays.

use crate::events::*;
use crate::formation::{check_sizes, static_key, unhex};
use crate::given_up::people;
use crate::refusal::{self, Refusal};
use crate::state::{Stage, State, board_origin};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::Digest;
use mifeng_lock::{MAX_MEMBERS, dkg};
use mifeng_record::Record;
use std::collections::BTreeMap;

fn wrong(detail: impl core::fmt::Display) -> Refusal {
    Refusal::new(&refusal::BAD_BOARD, detail.to_string())
}

/// A handing on that is not finished.
#[derive(Default)]
pub(crate) struct HandingOn {
    joined: BTreeMap<u8, (Digest, BoardReshare)>,
    messages: BTreeMap<u8, Vec<u8>>,
    signed: BTreeMap<u8, Vec<u8>>,
}

/// What became of the key since it was made.
#[derive(Default)]
pub(crate) struct Handed {
    /// Times that it was begun and is over, finished or given up.
    pub(crate) rounds: u32,
    /// The transcript by which the present trustees got their shares.
    pub(crate) transcript: Option<dkg::Transcript>,
    pub(crate) open: Option<HandingOn>,
}

impl HandingOn {
    /// Who has joined.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&Digest, &String)> {
        let joined = self.joined.values();
        joined.map(|(cert, data)| (cert, &data.witness))
    }
}

impl State {
    /// The next handing on of the first board's key, if it is this one and its time is before the notice.
    pub(crate) fn require_round(&self, round: u32, record: &Record) -> Result<(), Refusal> {
        let origin = self.main.origin();
        if origin.as_deref() != Some(record.origin()) {
            return Err(Refusal::new(
                &refusal::WRONG_ORIGIN,
                format!(
                    "expected {}, found {}",
                    origin.unwrap_or_default(),
                    record.origin()
                ),
            ));
        }
        if self.stage != Stage::Setup || self.main.board.is_none() {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "a key is handed on after it was made and before the notice",
            ));
        }
        let expected = self.main.handed.rounds + 1;
        if round != expected {
            return Err(wrong(format!(
                "handing on number {round}, expected {expected}"
            )));
        }
        Ok(())
    }

    pub(crate) fn reshare(&mut self, data: &BoardReshare, record: &Record) -> Result<(), Refusal> {
        self.require_round(data.round, record)?;
        check_sizes(data.t, data.n)?;
        if board_origin(&data.session) != record.origin() {
            return Err(wrong(format!("{} is another session", data.session)));
        }
        static_key(self.suite, &data.static_key)?;
        let open = self.main.handed.open.iter();
        let joined = open.flat_map(HandingOn::people);
        let others = joined.chain(people(&self.second.members));
        self.check_witness(&data.witness, others.map(|(_, key)| key))?;
        let mut open = self.main.handed.open.take().unwrap_or_default();
        let outcome = join(&mut open, data, record.actor());
        self.main.handed.open = Some(open);
        outcome
    }

    pub(crate) fn reshare_deal(
        &mut self,
        data: &BoardReshareDeal,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_round(data.round, record)?;
        self.require_trustee(record, data.dealer)?;
        let setup = self.reshare_setup()?;
        let message = BASE64_STANDARD
            .decode(&data.message)
            .map_err(|_| wrong("message is not base64"))?;
        let (reshare, dealers) = setup;
        let Some(open) = &mut self.main.handed.open else {
            return Err(wrong("nobody has joined"));
        };
        if !dealers.contains(&data.dealer) || open.messages.contains_key(&data.dealer) {
            return Err(wrong(format!(
                "trustee {} does not deal, or did",
                data.dealer
            )));
        }
        let earlier: Vec<(u8, &Vec<u8>)> = open.messages.iter().map(|(i, m)| (*i, m)).collect();
        let checked = reshare.check(data.dealer, &message, &earlier);
        checked.map_err(wrong)?;
        open.messages.insert(data.dealer, message);
        Ok(())
    }

    pub(crate) fn reshare_sign(
        &mut self,
        data: &BoardReshareSign,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require_round(data.round, record)?;
        let transcript = self.reshare_transcript()?;
        let Some(open) = &mut self.main.handed.open else {
            return Err(wrong("nobody has joined"));
        };
        let member = open.joined.get(&data.index).map(|(cert, _)| *cert);
        if member != Some(record.actor()) || open.signed.contains_key(&data.index) {
            return Err(wrong(format!(
                "new member {} is another, or signed",
                data.index
            )));
        }
        if transcript.hash() != data.transcript {
            return Err(wrong("the new member checked another transcript"));
        }
        let signature = unhex(&data.signature, "signature")?;
        let mut signed = open.signed.clone();
        signed.insert(data.index, signature);
        if signed.len() < open.joined.len() {
            open.signed = signed;
            return Ok(());
        }
        let signatures: Vec<&Vec<u8>> = signed.values().collect();
        let board = transcript.finish(&signatures).map_err(wrong)?;
        let joined = core::mem::take(&mut open.joined);
        self.past.handed_on(&self.main.members);
        self.main.members = joined
            .into_iter()
            .map(|(index, (cert, data))| (index, (cert, data.member())))
            .collect();
        self.main.board = Some(board);
        self.main.handed = Handed {
            rounds: data.round,
            transcript: Some(transcript),
            open: None,
        };
        Ok(())
    }

    /// What the present handing on has agreed on, and who deals: known once all new members have joined.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while one is missing or if they do not fit together.
    pub fn reshare_setup(&self) -> Result<(dkg::Reshare, Vec<u8>), Refusal> {
        let open = self
            .main
            .handed
            .open
            .as_ref()
            .ok_or_else(|| wrong("nobody has joined"))?;
        let board = self.main.board.as_ref().ok_or_else(|| wrong("no board"))?;
        let Some((_, first)) = open.joined.values().next() else {
            return Err(wrong("nobody has joined"));
        };
        if open.joined.len() != usize::from(first.n) {
            return Err(wrong(format!(
                "{} new members of {}",
                open.joined.len(),
                first.n
            )));
        }
        let point = |text: &str| static_key(self.suite, text);
        let dealers = first
            .dealers
            .iter()
            .map(|index| {
                let member = self.main.members.get(index);
                let (_, cert) = member.ok_or_else(|| wrong(format!("no trustee {index}")))?;
                Ok((*index, point(&cert.static_key)?))
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        let members = open
            .joined
            .values()
            .map(|(_, data)| point(&data.static_key))
            .collect::<Result<Vec<_>, Refusal>>()?;
        let session = format!("{}/{}", first.session, first.round);
        let reshare = dkg::Reshare::new(board, &dealers, first.t, members, session.as_bytes());
        Ok((reshare.map_err(wrong)?, first.dealers.clone()))
    }

    /// The dealers' messages, checked.
    ///
    /// # Errors
    /// [`refusal::BAD_BOARD`] while one is missing, or naming the dealer whose message is wrong.
    pub fn reshare_transcript(&self) -> Result<dkg::Transcript, Refusal> {
        let (reshare, dealers) = self.reshare_setup()?;
        let messages = self
            .main
            .handed
            .open
            .iter()
            .flat_map(|open| open.messages.values());
        let messages: Vec<&Vec<u8>> = messages.collect();
        if messages.len() != dealers.len() {
            return Err(wrong(format!(
                "{} messages of {}",
                messages.len(),
                dealers.len()
            )));
        }
        reshare.transcript(&messages).map_err(wrong)
    }

    /// The number of the next handing on, and who has joined it.
    pub fn reshare_joined(&self) -> (u32, BTreeMap<u8, (Digest, BoardReshare)>) {
        let open = self.main.handed.open.as_ref();
        let joined = open.map(|open| open.joined.clone()).unwrap_or_default();
        (self.main.handed.rounds + 1, joined)
    }
}

fn join(open: &mut HandingOn, data: &BoardReshare, actor: Digest) -> Result<(), Refusal> {
    let fits = |other: &BoardReshare| {
        (&other.session, other.t, other.n, &other.dealers)
            == (&data.session, data.t, data.n, &data.dealers)
    };
    if open.joined.values().any(|(_, other)| !fits(other)) {
        return Err(wrong("new members disagree on quorum, number or dealers"));
    }
    let sorted = data.dealers.windows(2).all(|pair| pair[0] < pair[1]);
    let known = data.dealers.iter().all(|n| (1..=MAX_MEMBERS).contains(n));
    if !sorted
        || !known
        || data.index == 0
        || data.index > data.n
        || open.joined.contains_key(&data.index)
    {
        return Err(wrong(format!(
            "index {} is taken or out of range",
            data.index
        )));
    }
    let taken = |(cert, other): &(Digest, BoardReshare)| {
        *cert == actor || other.static_key == data.static_key
    };
    if open.joined.values().any(taken) {
        return Err(wrong("two members with one key or certificate"));
    }
    open.joined.insert(data.index, (actor, data.clone()));
    Ok(())
}

impl BoardReshare {
    fn member(self) -> BoardCert {
        BoardCert {
            session: self.session,
            index: self.index,
            t: self.t,
            n: self.n,
            static_key: self.static_key,
            witness: self.witness,
        }
    }
}
