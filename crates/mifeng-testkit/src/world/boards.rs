//! Boards whose members' records go into a tender's own log, one by one.

use super::{Cast, START, Tender, Trustee, secs};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::Error;
use mifeng::crypto::{Digest, Entropy, PrivateKey, SeededEntropy};
use mifeng::lock::dkg::{self, StaticKey, Transcript};
use mifeng::log::CosignVerifier;
use mifeng::pki::Signer;
use mifeng::pki::issue::{Profile, Subject};
use mifeng::record::{Draft, Facts, SignedRecord};
use mifeng::tender::{
    BoardCert, BoardComplain, BoardDkg1, BoardDkg2, BoardReshare, BoardReshareDeal,
    BoardReshareSign,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// People who make a key, and what each has said in a session.
pub struct Formation {
    pub session: String,
    pub t: u8,
    pub n: u8,
    seqs: BTreeMap<Digest, u64>,
}

impl Formation {
    pub fn new(session: &str, t: u8, n: u8) -> Self {
        Formation {
            session: session.to_owned(),
            t,
            n,
            seqs: BTreeMap::new(),
        }
    }

    /// The same session, in which each of these has said so much already.
    pub fn going_on(
        session: &str,
        (t, n): (u8, u8),
        said: &[(&Trustee, u64)],
        cast: &Cast,
    ) -> Self {
        let seqs = said.iter();
        let seqs = seqs.map(|(seat, n)| (seat.person.fingerprint(cast.suite), *n));
        Formation {
            seqs: seqs.collect(),
            ..Formation::new(session, t, n)
        }
    }

    /// Hands in a board's record, signed by `seat`.
    pub fn say<T: Serialize>(
        &mut self,
        tender: &mut Tender<'_>,
        seat: &Trustee,
        kind: &str,
        data: &T,
    ) -> Result<(), Error> {
        let own = seat.person.fingerprint(tender.cast.suite);
        let seq = self.seqs.get(&own).copied().unwrap_or(0);
        let record = self.signed(tender, seat, seq, kind, data);
        tender.take(record, 0)?;
        self.seqs.insert(own, seq + 1);
        Ok(())
    }

    fn signed<T: Serialize>(
        &self,
        tender: &mut Tender<'_>,
        seat: &Trustee,
        seq: u64,
        kind: &str,
        data: &T,
    ) -> SignedRecord {
        let (suite, signer) = (tender.cast.suite, &seat.person.signer);
        let mut salt = [0; 32];
        tender.rng.fill(&mut salt).expect("seeded");
        let facts = Facts {
            kind,
            origin: &format!("board/{}", self.session),
            seq,
            time: START,
            salt,
            data,
        };
        Draft::new(&facts, signer.certificate(), suite)
            .and_then(|draft| draft.sign(signer, suite))
            .expect("signed")
    }

    /// `board.cert` of the member at `index`.
    pub fn cert(&self, index: u8, seat: &Trustee) -> BoardCert {
        BoardCert {
            session: self.session.clone(),
            index,
            t: self.t,
            n: self.n,
            static_key: hex::encode(seat.static_key.public().to_bytes()),
            witness: witness_of(&seat.witness, &self.session, index),
        }
    }

    /// `board.dkg1` of the member at `index`, as it should be.
    pub fn first(&self, tender: &mut Tender<'_>, index: u8, seats: &[Trustee]) -> Vec<u8> {
        let seat = &seats[usize::from(index) - 1];
        dkg::round1(
            &self.setup(tender, seats),
            &seat.static_key,
            &mut tender.rng,
        )
        .expect("made")
    }

    fn setup(&self, tender: &Tender<'_>, seats: &[Trustee]) -> dkg::Setup {
        let keys = seats.iter().map(|seat| seat.static_key.public()).collect();
        dkg::Setup::new(tender.cast.suite, self.t, keys, self.session.as_bytes()).expect("fits")
    }

    /// All join.
    pub fn join(&mut self, tender: &mut Tender<'_>, seats: &[Trustee]) {
        for (index, seat) in (1..).zip(seats) {
            let data = self.cert(index, seat);
            self.say(tender, seat, "board.cert", &data).expect("joins");
        }
    }

    /// Hands in a first message.
    pub fn send(
        &mut self,
        tender: &mut Tender<'_>,
        index: u8,
        seat: &Trustee,
        message: &[u8],
    ) -> Result<(), Error> {
        let message = BASE64_STANDARD.encode(message);
        self.say(tender, seat, "board.dkg1", &BoardDkg1 { index, message })
    }

    /// All sign what these messages come to.
    pub fn finish(&mut self, tender: &mut Tender<'_>, seats: &[Trustee], messages: &[Vec<u8>]) {
        let transcript = Transcript::build(&self.setup(tender, seats), messages).expect("holds");
        for (index, seat) in (1..).zip(seats) {
            let share = transcript.share(&seat.static_key).expect("own share");
            let signature = transcript.sign(&seat.static_key, &share).expect("signed");
            let data = BoardDkg2 {
                index,
                transcript: transcript.hash(),
                signature: hex::encode(signature),
            };
            self.say(tender, seat, "board.dkg2", &data).expect("signs");
        }
    }

    /// A key, with nothing in its way.
    pub fn make(&mut self, tender: &mut Tender<'_>, seats: &[Trustee]) {
        self.join(tender, seats);
        let messages: Vec<Vec<u8>> = (1..=self.n)
            .map(|index| {
                let message = self.first(tender, index, seats);
                let seat = &seats[usize::from(index) - 1];
                self.send(tender, index, seat, &message).expect("sends");
                message
            })
            .collect();
        self.finish(tender, seats, &messages);
    }

    /// What the member at `index` says of the share from `accused`, when these were the messages.
    pub fn complaint(
        &self,
        tender: &mut Tender<'_>,
        (index, accused): (u8, u8),
        seats: &[Trustee],
        messages: &[Vec<u8>],
    ) -> Result<BoardComplain, mifeng::lock::Error> {
        let transcript = Transcript::build(&self.setup(tender, seats), messages)?;
        let key = &seats[usize::from(index) - 1].static_key;
        let complaint = transcript.complain(key, accused, &mut tender.rng)?;
        Ok(BoardComplain {
            index,
            accused,
            round: 0,
            complaint: hex::encode(complaint.to_bytes()),
        })
    }

    /// `board.reshare` of the new member at `index`.
    pub fn takes(
        &self,
        round: u32,
        index: u8,
        dealers: &[u8],
        key: &StaticKey,
        witness: &str,
    ) -> BoardReshare {
        BoardReshare {
            session: self.session.clone(),
            round,
            index,
            t: self.t,
            n: self.n,
            dealers: dealers.to_vec(),
            static_key: hex::encode(key.public().to_bytes()),
            witness: witness.to_owned(),
        }
    }

    /// A dealer's true message to those who have joined.
    pub fn dealt(&self, tender: &mut Tender<'_>, seat: &Trustee) -> Vec<u8> {
        let state = tender.host.state();
        let share = state
            .board_transcript()
            .expect("made")
            .share(&seat.static_key);
        let (reshare, _) = state.reshare_setup().expect("joined");
        let share = share.expect("own share");
        reshare
            .deal(&seat.static_key, &share, &mut tender.rng)
            .expect("dealt")
    }

    /// `board.reshare1` with this message.
    pub fn deal(
        &mut self,
        tender: &mut Tender<'_>,
        (round, dealer): (u32, u8),
        seat: &Trustee,
        message: &[u8],
    ) -> Result<(), Error> {
        let message = BASE64_STANDARD.encode(message);
        let data = BoardReshareDeal {
            round,
            dealer,
            message,
        };
        self.say(tender, seat, "board.reshare1", &data)
    }

    /// All new members sign.
    pub fn take_over(
        &mut self,
        tender: &mut Tender<'_>,
        round: u32,
        seats: &[(&Trustee, &StaticKey)],
    ) {
        let transcript = tender.host.state().reshare_transcript().expect("holds");
        for (index, (seat, key)) in (1..).zip(seats) {
            let share = transcript.share(key).expect("new share");
            let data = BoardReshareSign {
                round,
                index,
                transcript: transcript.hash(),
                signature: hex::encode(transcript.sign(key, &share).expect("signed")),
            };
            self.say(tender, seat, "board.reshare2", &data)
                .expect("signs");
        }
    }
}

/// A witness's verifier key.
pub fn witness_of(key: &PrivateKey, session: &str, index: u8) -> String {
    let name = format!("{session}/witness/{index}");
    let public = key.public_key().expect("its public half");
    let verifier = CosignVerifier::new(&name, public).expect("a witness");
    verifier.key().to_string()
}

impl Cast {
    /// People who could be trustees, beside those who are.
    pub fn more_trustees(&self, names: &[&str]) -> Vec<Trustee> {
        let rng = &mut SeededEntropy::new(names.concat().as_bytes());
        let one = |name: &&str| {
            let subject = Subject::named(name);
            let profile = Profile::Person;
            Trustee {
                person: super::cast::issue(self.suite, &self.ca, &subject, profile, secs(0), rng),
                static_key: StaticKey::generate(self.suite, rng).expect("a key"),
                witness: super::cast::witness_key(self.suite, rng),
            }
        };
        names.iter().map(one).collect()
    }
}
