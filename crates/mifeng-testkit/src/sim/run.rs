//! One run: the clock, the network, and the host's process.

use super::disk::{Fault, SimDisk};
use super::fixture::Fixture;
use super::people::{Bidder, Letter, Trustee, Witness};
use super::{Seen, Twin};
use crate::random::Noise;
use crate::world::{DEADLINE, Parts, START, WINDOW_END, keys, plus_nanos, secs};
use mifeng::crypto::{Digest, SeededEntropy, Time};
use mifeng::envelope::NoSink;
use mifeng::record::SignedRecord;
use mifeng::tender::{MinutesSign, Stage};
use mifeng::{Error, Export, Host, Receipt, Replay, sign_record, trustee};
use mifeng_store::Directory;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

pub(super) type SimHost = Host<Directory<SimDisk>>;

/// Milliseconds in a second.
pub(super) const SECOND: i64 = 1_000;
/// The run starts this long after the log did.
const BEGIN: i64 = 6 * SECOND;
/// By then everything must be over, whatever failed on the way.
const END: i64 = 900 * SECOND;
/// Faults of one run: after them the world is quiet, so that every run comes to an end.
const FAULTS: usize = 6;
/// An honest host waits this long after the deadline before it closes: longer than clocks differ.
const PATIENCE: i64 = 5 * SECOND;
/// Clocks are wrong by up to this much.
const SKEW: usize = 2_000;
/// A clock that lies is fast by this much.
const LIE_AHEAD: i64 = 30 * SECOND;

/// What a lying host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// It acknowledges, and goes on from an older copy of its folder.
    Forget,
    /// It closes before the deadline.
    CloseEarly,
    /// It changes a byte of the dossier.
    Tamper,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Tick,
    Start,
    ToHost(usize),
    ToBidder(usize),
    Bidder(usize),
    Witness(usize),
    Trustee(usize),
    Jump,
    Copy,
    Lie,
}

pub(super) struct Run<'f> {
    pub(super) world: &'f Fixture,
    pub(super) seed: u64,
    pub(super) twin: Option<Twin>,
    pub(super) lie: Option<Lie>,
    pub(super) noise: Noise,
    pub(super) rng: SeededEntropy,
    pub(super) now: i64,
    queue: BTreeMap<(i64, u64), Event>,
    queued: u64,
    pub(super) disk: SimDisk,
    pub(super) host: Option<SimHost>,
    skew: i64,
    faults: usize,
    /// Every record that anybody sent, by number.
    pub(super) letters: Vec<Letter>,
    waiting: Vec<usize>,
    /// What the host answered, by letter.
    pub(super) promised: Vec<(usize, Option<Receipt>)>,
    pub(super) bidders: Vec<Bidder>,
    pub(super) witnesses: Vec<Witness>,
    pub(super) trustees: Vec<Trustee>,
    copy: Option<(BTreeMap<String, Vec<u8>>, usize)>,
    /// The lie was told, to somebody who holds something against it.
    pub(super) lied: bool,
    /// Something that was promised is not in the older copy.
    pub(super) forgot: bool,
    pub(super) convicted: bool,
    /// A witness cosigned the close before the deadline by its own clock: the only mark that an early close leaves.
    pub(super) seen_early: bool,
    pub(super) violation: Option<String>,
    pub(super) seen: Seen,
    opened: BTreeSet<Digest>,
    /// The amendment that the host took.
    pub(super) amended: Option<Digest>,
    over: bool,
}

impl<'f> Run<'f> {
    pub(super) fn new(world: &'f Fixture, seed: u64, twin: Option<Twin>) -> Self {
        let mut noise = Noise::new(seed ^ 0x6d69_6665_6e67);
        let disk = SimDisk::holding(&world.files, noise.next());
        disk.inner().sync_lies = twin == Some(Twin::SyncLies);
        let lie = match (twin, noise.below(8)) {
            (Some(Twin::ForgetfulWitness | Twin::BlindAuditor), _) | (None, 0) => Some(Lie::Forget),
            (None, 1) => Some(Lie::CloseEarly),
            (None, 2) => Some(Lie::Tamper),
            _ => None,
        };
        let mut run = Run {
            world,
            seed,
            twin,
            lie,
            rng: SeededEntropy::new(&seed.to_be_bytes()),
            now: BEGIN,
            queue: BTreeMap::new(),
            queued: 0,
            disk,
            host: None,
            skew: 0,
            faults: FAULTS,
            letters: Vec::new(),
            waiting: Vec::new(),
            promised: Vec::new(),
            bidders: Vec::new(),
            witnesses: Vec::new(),
            trustees: Vec::new(),
            copy: None,
            lied: false,
            forgot: false,
            convicted: false,
            seen_early: false,
            violation: None,
            seen: Seen::default(),
            opened: BTreeSet::new(),
            amended: None,
            over: false,
            noise,
        };
        run.people();
        run.at(BEGIN, Event::Start);
        let tick = BEGIN + run.below(SECOND);
        run.at(tick, Event::Tick);
        run.at(BEGIN + 3 * SECOND, Event::Jump);
        if run.lie.is_some() {
            let copy = 12 * SECOND + run.below(20 * SECOND);
            run.at(copy, Event::Copy);
            let lie = copy + 5 * SECOND + run.below(20 * SECOND);
            run.at(lie, Event::Lie);
        }
        // The first fault sweeps over every operation as seeds go up.
        let first = seed / 2 % 350;
        run.plan_fault(first);
        run
    }

    /// Runs to the end; what broke, or what was seen.
    pub(super) fn finish(mut self) -> Result<Seen, String> {
        while let Some(((now, _), event)) = self.queue.pop_first() {
            self.now = now;
            self.seen.steps += 1;
            self.handle(event);
            self.check();
            if self.violation.is_some() || self.over || now > END {
                break;
            }
        }
        if self.violation.is_none() {
            self.end(self.over);
        }
        self.seen.operations = self.disk.inner().operations;
        self.violation.map_or(Ok(self.seen), Err)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick => self.tick(),
            Event::Start => self.start(),
            Event::ToHost(letter) => self.receive(letter),
            Event::ToBidder(letter) => self.letters[letter].answered = true,
            Event::Bidder(n) => self.bidder(n),
            Event::Witness(n) => self.witness(n),
            Event::Trustee(n) => self.trustee(n),
            Event::Jump => {
                self.seen.jumps += 1;
                let lie = if self.lied && self.lie == Some(Lie::CloseEarly) {
                    LIE_AHEAD
                } else {
                    0
                };
                self.skew = lie + self.wrong();
                let next = self.now + SECOND + self.below(20 * SECOND);
                self.at(next, Event::Jump);
            }
            Event::Copy => self.copy = Some((self.disk.files(), self.promised.len())),
            Event::Lie => self.tell_lie(),
        }
    }

    pub(super) fn at(&mut self, time: i64, event: Event) {
        self.queued += 1;
        self.queue.insert((time, self.queued), event);
    }

    pub(super) fn below(&mut self, bound: i64) -> i64 {
        let bound = usize::try_from(bound).expect("positive");
        i64::try_from(self.noise.below(bound)).expect("small")
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.noise.below(100) < percent
    }

    /// A clock's error: up to two seconds either way.
    pub(super) fn wrong(&mut self) -> i64 {
        self.below(2 * SKEW as i64 + 1) - SKEW as i64
    }

    /// What a clock shows that is wrong by `skew` milliseconds.
    pub(super) fn clock(&self, skew: i64) -> Time {
        START.plus_millis(self.now + skew)
    }

    pub(super) fn host_clock(&self) -> Time {
        self.clock(self.skew)
    }

    pub(super) fn broken(&mut self, what: impl Into<String>) {
        let what = format!("at {} ms: {}", self.now, what.into());
        self.violation.get_or_insert(what);
    }

    /// Sends something over the network: it may come late, twice, or never.
    pub(super) fn send(&mut self, event: Event) {
        if self.chance(15) {
            self.seen.dropped += 1;
            return;
        }
        let copies = if self.chance(10) { 2 } else { 1 };
        self.seen.repeated += copies - 1;
        for _ in 0..copies {
            let slow = if self.chance(10) { 15 } else { 2 };
            let time = self.now + 20 + self.below(slow * SECOND);
            self.at(time, event);
        }
    }

    fn plan_fault(&mut self, after: u64) {
        if self.faults == 0 {
            return;
        }
        self.faults -= 1;
        let fault = match self.noise.below(6) {
            0 | 1 => Fault::Kill,
            2 | 3 => Fault::PowerCut,
            4 => Fault::Io,
            _ => Fault::Full,
        };
        self.disk.plan(after, fault);
    }

    /// The process is gone, or must go because a write failed; it is started again later.
    pub(super) fn fall(&mut self) {
        match self.disk.stopped() {
            Some(Fault::PowerCut) => self.seen.power_cuts += 1,
            Some(_) => self.seen.kills += 1,
            None => {
                self.seen.disk_errors += 1;
                // A service that does not go down at once must not get anything wrong by it.
                if self.chance(50) {
                    let later = self.now + 100 + self.below(5 * SECOND);
                    self.at(later, Event::Start);
                    return;
                }
            }
        }
        self.host = None;
        self.waiting.clear();
        let later = self.now + 100 + self.below(8 * SECOND);
        self.at(later, Event::Start);
    }

    /// The normal way up is the recovery.
    fn start(&mut self) {
        self.host = None;
        self.waiting.clear();
        self.disk.restart();
        let next = 1 + self.noise.next() % 120;
        self.plan_fault(next);
        let opened = Directory::on(self.disk.clone())
            .map_err(|e| Error::Unavailable {
                what: "disk".to_owned(),
                detail: e.to_string(),
            })
            .and_then(|store| Host::open(store, keys(&self.world.cast)));
        match opened {
            Ok(host) => {
                self.host = Some(host);
                self.check_replays();
            }
            Err(Error::Unavailable { .. }) => self.fall_again(),
            Err(e) => self.broken(format!("the host does not open after a crash: {e}")),
        }
    }

    fn fall_again(&mut self) {
        let later = self.now + 100 + self.below(3 * SECOND);
        self.at(later, Event::Start);
    }

    /// Does something with the host; a store that fails takes the process down.
    pub(super) fn with_host<T>(
        &mut self,
        act: impl FnOnce(&mut SimHost, &mut SeededEntropy) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let host = self.host.as_mut()?;
        let outcome = act(host, &mut self.rng);
        if matches!(outcome, Err(Error::Unavailable { .. })) {
            self.fall();
            return None;
        }
        Some(outcome)
    }

    fn receive(&mut self, letter: usize) {
        let (now, world) = (self.host_clock(), self.world);
        let record = self.letters[letter].record.clone();
        let (of_bid, body) = (self.letters[letter].of_bid, self.letters[letter].body);
        let commitment = self.letters[letter].commitment;
        let awaited = self.host.as_ref().map(|h| h.awaits_body(&commitment));
        // Where bodies may come later, the same bid once more is no news.
        let known = self.host.as_ref().is_some_and(|host| {
            let mut bids = host.state().bids().values();
            bids.any(|bid| bid.record == commitment)
        });
        let brings_body = awaited == Some(true) && body.is_some();
        let again = self.with_host(|host, _| host.receipt_again(&record, now));
        let logged = matches!(again, Some(Ok(_)));
        match again {
            None => return,
            Some(Ok(receipt)) if !brings_body => return self.promise(letter, Some(receipt)),
            Some(_) => {}
        }
        let late = now >= secs(DEADLINE);
        let received = match self.twin {
            Some(Twin::LateClock) if late => plus_nanos(secs(DEADLINE), -1),
            _ => now,
        };
        let body =
            body.map(|(bidder, n)| (&world.bids[bidder][n].file, &world.measured[bidder][n]));
        let open = self.host.as_ref().map(|host| host.state().stage()) == Some(Stage::Open);
        let outcome = self.with_host(|host, _| {
            // Both ways in.
            if let Some((_, bid)) = body.filter(|_| letter.is_multiple_of(2)) {
                host.submit_measured(record, bid, received)?;
                // With others at the next commit, unless somebody is told that it is there.
                return match brings_body && logged {
                    true => host.keep_bodies(),
                    false => Ok(()),
                };
            }
            let mut body = body.map(|(file, _)| Cursor::new(file));
            let body = body.as_mut().map(|body| body as &mut dyn std::io::Read);
            host.submit(record, body, received)
        });
        match outcome {
            None => {}
            Some(Err(_)) => self.seen.refused += 1,
            Some(Ok(())) if of_bid && late && !known => {
                self.broken("a bid was taken after the deadline")
            }
            Some(Ok(())) if brings_body && logged => {
                self.seen.bodies += 1;
                self.answer(letter);
            }
            Some(Ok(())) if open => {
                self.seen.bodies += u64::from(brings_body);
                self.waiting.push(letter);
                if self.twin == Some(Twin::EarlyAnswer) {
                    self.promise(letter, None);
                }
            }
            Some(Ok(())) => self.answer(letter),
        }
    }

    fn answer(&mut self, letter: usize) {
        let (now, record) = (self.host_clock(), self.letters[letter].record.clone());
        match self.with_host(|host, _| host.receipt_again(&record, now)) {
            Some(Ok(receipt)) => self.promise(letter, Some(receipt)),
            Some(Err(e)) => self.broken(format!("no receipt for what was taken: {e}")),
            None => {}
        }
    }

    /// From here on the record is acknowledged, whether the answer arrives or not.
    fn promise(&mut self, letter: usize, receipt: Option<Receipt>) {
        self.seen.acknowledged += 1;
        self.promised.push((letter, receipt));
        self.send(Event::ToBidder(letter));
    }

    fn tick(&mut self) {
        let next = self.now + 200 + self.below(2 * SECOND);
        self.at(next, Event::Tick);
        let Some(host) = &self.host else { return };
        let now = self.host_clock();
        let closed = host.state().closed().is_some();
        let stage = host.state().stage();
        if matches!(stage, Stage::Window | Stage::Evaluation) && self.at_the_opening(now) {
            return;
        }
        match stage {
            Stage::Open if !closed => {
                self.amend(now);
                self.beat(now);
            }
            Stage::Window => self.close_window(now),
            Stage::Opening => self.open_one(now),
            Stage::Evaluation => self.sign_minutes(now),
            _ => {}
        }
    }

    fn beat(&mut self, now: Time) {
        let receipts = match self.with_host(|host, rng| host.beat(now, rng)) {
            Some(Ok(receipts)) => receipts,
            Some(Err(e)) => return self.broken(format!("no beat: {e}")),
            None => return,
        };
        let suite = self.world.cast.suite;
        for receipt in receipts {
            let named = receipt.names(suite).ok();
            let of = |n: &usize| Some(self.letters[*n].record.commitment(suite)) == named;
            let Some(place) = self.waiting.iter().position(of) else {
                return self.broken("a receipt for nobody");
            };
            let letter = self.waiting.remove(place);
            self.promise(letter, Some(receipt));
        }
        let over = self.host.as_ref().is_some_and(|h| h.next_beat().is_none());
        if over && now >= secs(DEADLINE).plus_millis(PATIENCE) {
            match self.with_host(|host, rng| host.close(now, rng)) {
                Some(Ok(_)) | None => {}
                Some(Err(e)) => self.broken(format!("no close: {e}")),
            }
        }
    }

    fn close_window(&mut self, now: Time) {
        if now < secs(WINDOW_END).plus_millis(PATIENCE) {
            return;
        }
        if let Some(Err(e)) = self.with_host(|host, rng| host.close_window(now, rng)) {
            self.broken(format!("the window does not close: {e}"));
        }
    }

    /// One step of the opening at a time, so that crashes fall between them.
    fn open_one(&mut self, now: Time) {
        let Some(host) = &self.host else { return };
        let state = host.state();
        let due = state.to_open();
        let logged = |kind: &str| {
            host.replay()
                .records
                .iter()
                .filter(|r| r.kind == kind)
                .count()
        };
        let needed = !due.iter().all(|id| state.is_silent(id));
        if needed && logged("board.share") < 2 {
            return;
        }
        if let Some(seal) = due.iter().find(|id| !state.outcomes().contains_key(id)) {
            let seal = *seal;
            let opened = self.with_host(|host, rng| host.open_bid(&seal, &mut NoSink, now, rng));
            match opened {
                Some(Ok(mifeng::Opened::Bid(_))) if self.opened.insert(seal) => {
                    self.seen.opened += 1;
                }
                Some(Err(e)) => self.broken(format!("a bid does not open: {e}")),
                _ => {}
            }
            return;
        }
        let agency = &self.world.cast.agency.signer;
        let record = state
            .expected_minutes()
            .map_err(Error::from)
            .and_then(|data| {
                sign_record(state, "opening.minutes", &data, agency, now, &mut self.rng)
            });
        self.log(record, now);
    }

    fn sign_minutes(&mut self, now: Time) {
        let Some(host) = &self.host else { return };
        let state = host.state();
        let signed = state.minutes_signed().len();
        let people = [&self.world.cast.buyer, &self.world.cast.trustees[0].person];
        let (Some((id, _)), Some(person)) = (state.minutes(), people.get(signed)) else {
            self.over = self.close_is_witnessed(now);
            return;
        };
        let data = MinutesSign { minutes: *id };
        let rng = &mut self.rng;
        let record = sign_record(state, "opening.sign", &data, &person.signer, now, rng);
        self.log(record, now);
    }

    /// A host does not archive before enough witnesses saw its close.
    fn close_is_witnessed(&mut self, now: Time) -> bool {
        let mut tar = Vec::new();
        let exported = self.with_host(|host, _| host.export(Export::Records, &mut tar));
        let Some(Ok(())) = exported else { return false };
        let files = Parts::of_tar(&tar);
        let judged =
            Replay::of(&files).and_then(|replay| trustee::release_conditions(&replay, &files, now));
        match judged {
            Ok(conditions) => conditions[0].met,
            Err(e) => {
                self.broken(format!("a bundle does not replay: {e}"));
                false
            }
        }
    }

    /// Logs a record that must be right.
    pub(super) fn log(&mut self, record: Result<SignedRecord, Error>, now: Time) {
        let outcome = match record {
            Ok(record) => self.with_host(|host, _| host.submit(record, None, now)),
            Err(e) => Some(Err(e)),
        };
        if let Some(Err(e)) = outcome {
            self.broken(format!("refused: {e}"));
        }
    }

    /// Whether something that was promised after the first `promised` is not in a copy: what was committed just before the
    /// copy was made, and promised after it, is. The copy is read on a disk without faults; one that nobody can read
    /// has forgotten everything.
    fn is_forgotten(&self, copy: &BTreeMap<String, Vec<u8>>, promised: usize) -> bool {
        let store = Directory::on(SimDisk::holding(copy, 0));
        let host = store.map(|store| Host::open(store, keys(&self.world.cast)));
        let Ok(Ok(host)) = host else { return true };
        let mut later = self.promised.iter().skip(promised);
        later.any(|(letter, _)| {
            let record = &self.letters[*letter].record;
            host.receipt_again(record, self.host_clock()).is_err()
        })
    }

    fn tell_lie(&mut self) {
        match self.lie {
            Some(Lie::Forget) => {
                let Some((files, promised)) = &self.copy else {
                    return;
                };
                // Without a receipt over what it forgets nobody was lied to.
                if self.promised.len() == *promised {
                    return;
                }
                self.forgot = self.is_forgotten(files, *promised);
                let seed = self.noise.next();
                self.disk = SimDisk::holding(files, seed);
                self.lied = true;
                self.start();
            }
            Some(Lie::CloseEarly) => {
                self.lied = true;
                self.skew += LIE_AHEAD;
            }
            _ => self.lied = true,
        }
    }
}
