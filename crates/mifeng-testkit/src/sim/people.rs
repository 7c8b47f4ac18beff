//! Everybody but the host: bidders that send again until they hold a receipt, witnesses and trustees
//! with clocks of their own.

use super::Twin;
use super::run::{Event, Lie, Run, SECOND};
use crate::world::{Cast, DEADLINE, Parts, Person, START, WINDOW_END, secs};
use mifeng::crypto::Digest;
use mifeng::log::WitnessState;
use mifeng::pki::{Signer, tsp};
use mifeng::record::{Draft, Facts, SignedRecord};
use mifeng::tender::{BidReplace, BidWithdraw, BoardShares, Stage};
use mifeng::{Export, Replay, sign_record, trustee};
use mifeng_crypto::Entropy;
use serde::Serialize;

/// A record on its way, with the sealed bid that goes with it.
pub(super) struct Letter {
    pub(super) record: SignedRecord,
    pub(super) commitment: Digest,
    pub(super) body: Option<(usize, usize)>,
    /// A bid, its replacement or its withdrawal: before the deadline only.
    pub(super) of_bid: bool,
    pub(super) answered: bool,
}

/// What a bidder does after its first bid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Stay,
    Replace,
    Withdraw,
}

pub(super) struct Bidder {
    letters: Vec<usize>,
    /// It sends its records first.
    records_first: bool,
    /// The bodies of these, with the records once more.
    bodies: Vec<usize>,
    live: Option<usize>,
    plan: Plan,
    /// Does not come to the opening.
    silent: bool,
    released: bool,
}

pub(super) struct Witness {
    state: Option<WitnessState>,
    skew: i64,
    /// Heads that it cosigned.
    pub(super) signed: Vec<(u64, Digest)>,
}

#[derive(Default)]
pub(super) struct Trustee {
    letters: Vec<usize>,
    /// It decided to release.
    pub(super) released: bool,
}

impl Run<'_> {
    /// Who takes part, and when they come first.
    pub(super) fn people(&mut self) {
        let bidders = if self.chance(20) {
            1
        } else {
            self.world.bids.len()
        };
        for n in 0..self.world.bids.len() {
            let plan = match self.noise.below(6) {
                0 => Plan::Withdraw,
                1 => Plan::Replace,
                _ => Plan::Stay,
            };
            let may_come_later = self.world.published.state.bodies_end().is_some();
            let records_first = may_come_later && self.chance(60);
            self.bidders.push(Bidder {
                letters: Vec::new(),
                records_first,
                bodies: Vec::new(),
                live: None,
                plan,
                silent: self.noise.below(8) == 0,
                released: false,
            });
            // Most come early, some at the last moment, some too late.
            let last = if self.chance(25) { 64 } else { 45 };
            let first = 10 * SECOND + self.below((last - 10) * SECOND);
            if n < bidders || self.chance(60) {
                self.at(first, Event::Bidder(n));
            }
        }
        for n in 0..self.world.cast.trustees.len() {
            let skew = self.wrong();
            self.witnesses.push(Witness {
                state: None,
                skew,
                signed: Vec::new(),
            });
            self.trustees.push(Trustee::default());
            let first = 8 * SECOND + self.below(10 * SECOND);
            self.at(first, Event::Witness(n));
            self.at(first + DEADLINE * SECOND, Event::Trustee(n));
        }
    }

    fn letter(
        &mut self,
        record: SignedRecord,
        body: Option<(usize, usize)>,
        of_bid: bool,
    ) -> usize {
        self.letters.push(Letter {
            commitment: record.commitment(self.world.cast.suite),
            record,
            body,
            of_bid,
            answered: false,
        });
        self.letters.len() - 1
    }

    /// A record of a person who counts its own records.
    fn signed<T: Serialize>(
        &mut self,
        person: &Person,
        kind: &str,
        seq: u64,
        data: &T,
    ) -> SignedRecord {
        let mut salt = [0; 32];
        self.rng.fill(&mut salt).expect("seeded");
        let suite = self.world.cast.suite;
        let facts = Facts {
            kind,
            origin: self.world.published.state.origin(),
            seq,
            time: START.plus_millis(self.now),
            salt,
            data,
        };
        Draft::new(&facts, person.signer.certificate(), suite)
            .and_then(|draft| draft.sign(&person.signer, suite))
            .expect("signed")
    }

    /// Sends the letter that has no answer yet, or writes the next one.
    pub(super) fn bidder(&mut self, n: usize) {
        let again = self.now + 2 * SECOND + self.below(6 * SECOND);
        let last = self.bidders[n].letters.last().copied();
        // Bodies are slow: most come when their record is in the log, some after the close, some never.
        for body in self.bidders[n].bodies.clone() {
            if !self.letters[body].answered && self.chance(25) {
                self.send(Event::ToHost(body));
            }
        }
        match last {
            Some(letter) if !self.letters[letter].answered => self.send(Event::ToHost(letter)),
            _ if !self.write(n) => {}
            _ => return self.bidder(n),
        }
        if again < (WINDOW_END + 30) * SECOND {
            self.at(again, Event::Bidder(n));
        }
    }

    /// A bid; where its record goes first, its body has a letter of its own.
    fn bid(&mut self, record: SignedRecord, (n, number): (usize, usize)) -> usize {
        if !self.bidders[n].records_first {
            return self.letter(record, Some((n, number)), true);
        }
        let body = self.letter(record.clone(), Some((n, number)), false);
        self.bidders[n].bodies.push(body);
        self.letter(record, None, true)
    }

    fn write(&mut self, n: usize) -> bool {
        let world = self.world;
        let person = &world.cast.bidders[n];
        let (written, plan) = (self.bidders[n].letters.len(), self.bidders[n].plan);
        let before_end = self.now < DEADLINE * SECOND;
        let seq = written as u64;
        let letter = match (written, plan, self.bidders[n].live) {
            (0, _, _) => {
                self.bidders[n].live = Some(0);
                self.bid(world.bids[n][0].record.clone(), (n, 0))
            }
            (1, Plan::Withdraw, _) if before_end => {
                self.bidders[n].live = None;
                let seal = world.bids[n][0].id;
                let record = self.signed(person, "bid.withdraw", seq, &BidWithdraw { seal });
                self.letter(record, None, true)
            }
            (1, Plan::Replace, _) if before_end => {
                self.bidders[n].live = Some(1);
                let submit: serde_json::Value =
                    serde_json::from_slice(&world.bids[n][1].record.body).expect("a record");
                let seal = submit["data"]["seal"].as_str().expect("a seal").to_owned();
                let old = world.bids[n][0].id;
                let record = self.signed(person, "bid.replace", seq, &BidReplace { old, seal });
                self.bid(record, (n, 1))
            }
            (_, _, Some(bid)) if !self.bidders[n].released && !self.bidders[n].silent => {
                // Not before everybody's clock is past the close.
                if self.now < (DEADLINE + 8) * SECOND || self.now > (WINDOW_END - 3) * SECOND {
                    return false;
                }
                self.bidders[n].released = true;
                let leaf = &world.leaves[&world.bids[n][bid].id];
                let record = self.signed(person, "bidder.share", seq, leaf);
                self.letter(record, None, false)
            }
            _ => return false,
        };
        self.bidders[n].letters.push(letter);
        true
    }

    /// Fetches the head, and cosigns it if it extends what it saw.
    pub(super) fn witness(&mut self, n: usize) {
        let next = self.now + 6 * SECOND + self.below(9 * SECOND);
        self.at(next, Event::Witness(n));
        if self.chance(10) {
            self.witnesses[n].skew = self.wrong();
        }
        let Some(host) = &self.host else { return };
        let (replay, now) = (host.replay(), self.clock(self.witnesses[n].skew));
        let suite = self.world.cast.suite;
        let head = replay.checkpoint().expect("a head").checkpoint().clone();
        let fresh = WitnessState::new(head.origin(), suite.hash());
        let forgets = self.twin == Some(Twin::ForgetfulWitness);
        let seen = match &self.witnesses[n].state {
            Some(state) if !forgets => state.clone(),
            _ => fresh,
        };
        let name = Cast::witness_name(n as u8 + 1);
        let key = &self.world.cast.trustees[n].witness;
        let cosigned = trustee::cosign(replay, &name, key, &seen, now).map_err(|e| e.code());
        let (note, state) = match cosigned {
            Ok(made) => made,
            Err("log.clock-back") => return,
            Err(_) if self.lied && self.lie == Some(Lie::Forget) => {
                self.convicted = true;
                return;
            }
            Err(code) => return self.broken(format!("a witness refuses an honest host: {code}")),
        };
        // Stored before the line leaves; it may go down before, and after.
        if self.chance(8) {
            return;
        }
        self.witnesses[n].state = Some(state);
        self.witnesses[n].signed.push((head.size(), head.root()));
        if self.chance(8) {
            return;
        }
        let text = note.to_text();
        match self.with_host(|host, _| host.add_cosignature(text.as_bytes())) {
            Some(Err(e)) => self.broken(format!("a good cosignature is refused: {e}")),
            Some(Ok(_)) => {
                let closed = self.host.as_ref().map(|h| h.state().closed().is_some());
                self.seen_early |= closed == Some(true) && now < secs(DEADLINE);
                self.stamp(text.len());
            }
            None => {}
        }
    }

    /// The authority's stamp on a head after the close.
    fn stamp(&mut self, serial: usize) {
        if self.chance(50) {
            return;
        }
        let Some(host) = &self.host else { return };
        if host.state().closed().is_none() {
            return;
        }
        let suite = self.world.cast.suite;
        let imprint = trustee::stamp_imprint(host.replay()).expect("a head");
        let request = tsp::Request::new(imprint, suite.hash(), None);
        let signer = &self.world.cast.tsa.signer;
        let time = START.plus_millis(self.now);
        let token = tsp::respond(signer, "1.3.6.1.4.1.32473.1", serial as u64, time, &request)
            .expect("stamped");
        let _ = self.with_host(|host, _| host.add_stamp(&token));
    }

    /// Fetches the bundle, judges by its own clock, and answers once.
    pub(super) fn trustee(&mut self, n: usize) {
        let next = self.now + 4 * SECOND + self.below(6 * SECOND);
        self.at(next, Event::Trustee(n));
        for letter in self.trustees[n].letters.clone() {
            if !self.letters[letter].answered {
                self.send(Event::ToHost(letter));
            }
        }
        let at_work = self
            .host
            .as_ref()
            .is_some_and(|h| h.state().stage() == Stage::Opening);
        if self.trustees[n].released || !at_work {
            return;
        }
        let mut tar = Vec::new();
        if !matches!(
            self.with_host(|host, _| host.export(Export::Records, &mut tar)),
            Some(Ok(()))
        ) {
            return;
        }
        let files = Parts::of_tar(&tar);
        let replay = match Replay::of(&files) {
            Ok(replay) => replay,
            Err(e) => return self.broken(format!("a bundle does not replay: {e}")),
        };
        let now = self.clock(self.witnesses[n].skew);
        let answers: Vec<usize> = match (self.twin, n) {
            (Some(Twin::StolenKey), 0) => vec![0, 1],
            (Some(Twin::StolenKey), _) => Vec::new(),
            _ => vec![n],
        };
        for who in answers {
            let secret = &self.world.secrets[who];
            let data = match trustee::release(&replay, &files, secret, now, &mut self.rng) {
                Ok(data) => data,
                // A condition is not met yet, or never with a host that lies.
                Err(_) => return,
            };
            self.trustees[n].released = true;
            self.answer_by(who, n, &replay, &data);
        }
    }

    fn answer_by(&mut self, who: usize, sender: usize, replay: &Replay, data: &BoardShares) {
        let person = &self.world.cast.trustees[who].person;
        let now = self.clock(0);
        let record = sign_record(
            &replay.state,
            "board.share",
            data,
            &person.signer,
            now,
            &mut self.rng,
        )
        .expect("signed");
        let letter = self.letter(record, None, false);
        self.trustees[sender].letters.push(letter);
        self.send(Event::ToHost(letter));
    }
}
