//! A small world: a development CA, a board of 2 of 3, four bidders (most tests use three), seven
//! candidate experts, one lot. Time and randomness are arguments; nothing sleeps.
#![allow(missing_docs)] // Made for tests: the names say what things are.

mod boards;
mod cast;
mod large;
mod many;
mod memory;
mod panel;
mod witnesses;

pub use boards::{Formation, witness_of};
pub use cast::{Cast, Making, Person, SESSION, Trustee, bidder_subject, form, issue};
pub use large::large;
pub use many::{first_bid, one_of_many};
pub use memory::{FullDisk, Memory, Parts};
pub use panel::{
    ROUND_END, assert_valid, call, drawn, drawn_with, lawful, lowest, opened, opened_of, published,
    salt,
};

use mifeng::bidder::{self, Content, LeafKey};
use mifeng::crypto::{Digest, SeededEntropy, Time};
use mifeng::envelope::{
    Declarations, DetailLine, MemoryFile, NoSink, Opening, SealRecord, SealedFile, VerifiedSeal,
};
use mifeng::lock::{Policy, SecretShare};
use mifeng::log::{Pace, Schedule, WitnessState};
use mifeng::pki::Decrypter;
use mifeng::record::SignedRecord;
use mifeng::tender::*;
use mifeng::{Error, Export, Host, HostKeys, Opened, Receipt, Replay, Tar, sign_record, trustee};
use serde::Serialize;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// When the log begins.
pub const START: Time = Time::from_unix_seconds(1_790_000_000);
/// Seconds after [`START`]: first beat, time between beats, deadline, end of the bidders' window.
pub const FIRST_BEAT: i64 = 10;
pub const PERIOD: i64 = 10;
pub const DEADLINE: i64 = 60;
pub const WINDOW_END: i64 = 90;
/// Seats of the committee.
pub const SEATS: usize = 5;
/// The lot.
pub const LOT: &str = "1";

/// Seconds after the start.
pub fn secs(seconds: i64) -> Time {
    Time::from_unix_seconds(START.as_unix_seconds() + seconds)
}

pub fn plus_nanos(time: Time, nanos: i128) -> Time {
    Time::from_unix_nanos(time.as_unix_nanos() + nanos)
}

/// Who can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Board,
    Joint,
}

/// A sealed bid and the record that brings it.
#[derive(Clone)]
pub struct Sealed {
    pub file: Vec<u8>,
    pub record: SignedRecord,
    pub id: Digest,
}

/// Files and replay of an exported bundle.
pub struct Bundle {
    pub files: Parts,
    pub replay: Replay,
}

/// One tender on its host.
pub struct Tender<'c> {
    pub cast: &'c Cast,
    pub host: Host<Memory>,
    pub store: Memory,
    pub rng: SeededEntropy,
    pub bids: Vec<Sealed>,
    /// Brand that the next bids declare.
    pub brand: Option<String>,
    /// Lot of the next bids, findings and sheets.
    pub lot: &'static str,
    /// The drawn order: blind id, salt, number of the expert.
    pub order: Vec<(String, Digest, usize)>,
    seen: Vec<Option<WitnessState>>,
}

pub fn keys(cast: &Cast) -> HostKeys {
    HostKeys {
        signer: Box::new(cast.platform.signer_again()),
        log_key: cast.log_key(),
        anchor: cast.anchor(),
    }
}

/// The code of the refusal; a call that went through fails the test.
pub fn code<T>(outcome: Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "accepted",
        Err(e) => e.code(),
    }
}

fn text(zh: &str) -> Text {
    Text {
        zh: zh.to_owned(),
        en: "test".to_owned(),
    }
}

fn lot() -> Lot {
    let item = |id: &str, max: &str, kind: &str| serde_json::json!({"id": id, "name": {"zh": id, "en": id}, "max": max, "kind": kind});
    let rules = serde_json::json!({
        "method": "composite",
        "object": "goods",
        "price_weight": "30",
        "ceiling": "1000000.00",
        "sme_rate": "0.15",
        "domestic_rate": "0.20",
        "items": [item("spec", "50", "subjective"), item("record", "20", "objective")],
    });
    Lot {
        id: LOT.to_owned(),
        title: text("一包"),
        rules: serde_json::from_value(rules).expect("rules"),
    }
}

/// The notice of a test, which tests may change before it is signed.
pub fn notice(cast: &Cast, state: &State, kind: Kind) -> Notice {
    let board = state.board().expect("a board").key();
    let party = |person: &Person, name: &str| Party {
        name: name.to_owned(),
        cert: person.fingerprint(cast.suite),
    };
    let pace = Pace {
        from: secs(FIRST_BEAT),
        period_ms: PERIOD as u64 * 1_000,
    };
    Notice {
        tender: "TEST-1".to_owned(),
        title: text("测试项目"),
        procedure: Procedure::Open,
        rehearsal: true,
        ground: String::new(),
        below_threshold: false,
        region: "000000".to_owned(),
        suite: cast.suite.id().to_owned(),
        buyer: party(&cast.buyer, "采购人"),
        agency: party(&cast.agency, "代理机构"),
        board,
        policy: match kind {
            Kind::Board => Policy::board(board),
            Kind::Joint => Policy::joint(board),
        },
        deadline: secs(DEADLINE),
        window_ms: (WINDOW_END - DEADLINE) as u64 * 1_000,
        body_grace_ms: 0,
        beats: Schedule::new(3, vec![pace]).expect("a schedule"),
        trust: vec![cast.root.fingerprint(cast.suite.hash())],
        trust_list: None,
        bidders_min: 3,
        lots: vec![lot()],
        committee: Committee {
            specialty: "A032000".to_owned(),
            experts: SEATS as u32,
            alternates: 2,
        },
        chains: Vec::new(),
        documents: Vec::new(),
        particulars: Vec::new(),
    }
}

impl<'c> Tender<'c> {
    /// A log with its board, before the notice.
    pub fn unpublished(cast: &'c Cast, origin: &str) -> Self {
        Self::unpublished_with(cast, origin, std::slice::from_ref(&cast.root))
    }

    /// The same, with these roots in `certs/`: none where a trust list has them.
    pub fn unpublished_with(
        cast: &'c Cast,
        origin: &str,
        roots: &[mifeng::pki::Certificate],
    ) -> Self {
        Self::unpublished_in(cast, origin, roots, Memory::default())
    }

    /// The same, in this store.
    pub fn unpublished_in(
        cast: &'c Cast,
        origin: &str,
        roots: &[mifeng::pki::Certificate],
        store: Memory,
    ) -> Self {
        let mut rng = SeededEntropy::new(origin.as_bytes());
        let host = Host::create(
            store.clone(),
            cast.suite,
            origin,
            keys(cast),
            roots,
            START,
            &mut rng,
        );
        let mut tender = Tender {
            cast,
            host: host.expect("a new log"),
            store,
            rng,
            bids: Vec::new(),
            brand: None,
            lot: LOT,
            order: Vec::new(),
            seen: vec![None; 3],
        };
        let list = cast.ca.revocation_list(&[], START, secs(86_400), 1);
        tender.host.add_crl(&list.expect("a list")).expect("taken");
        for record in &cast.board {
            tender.take(record.clone(), 0).expect("board");
        }
        tender
    }

    /// A tender on a host that has been running.
    pub fn on(cast: &'c Cast, store: Memory, host: Host<Memory>, seed: &[u8]) -> Self {
        Tender {
            cast,
            host,
            store,
            rng: SeededEntropy::new(seed),
            bids: Vec::new(),
            brand: None,
            lot: LOT,
            order: Vec::new(),
            seen: vec![None; 3],
        }
    }

    /// The host's process ends and starts again.
    pub fn reopen(&mut self) {
        self.host = Host::open(self.store.clone(), keys(self.cast)).expect("opens");
    }

    /// A published tender.
    pub fn new(cast: &'c Cast, origin: &str, kind: Kind) -> Self {
        let mut tender = Self::unpublished(cast, origin);
        let notice = notice(cast, tender.host.state(), kind);
        tender.publish(&notice).expect("a lawful notice");
        tender
    }

    /// Publishes under the rule pack in force, if the lots pin none.
    pub fn publish(&mut self, notice: &Notice) -> Result<(), Error> {
        let mut notice = notice.clone();
        notice.pin(secs(1)).expect("a pack in force");
        self.publish_as_it_is(&notice)
    }

    pub fn publish_as_it_is(&mut self, notice: &Notice) -> Result<(), Error> {
        let record = self.signed(&self.cast.agency, "tender.publish", notice, 1);
        self.take(record, 1)
    }

    /// A record of `person`, signed at `at` seconds.
    pub fn signed<T: Serialize>(
        &self,
        person: &Person,
        kind: &str,
        data: &T,
        at: i64,
    ) -> SignedRecord {
        // A salt of its own for every count of every person is all that is needed here.
        let state = self.host.state();
        let actor = person.fingerprint(self.cast.suite);
        let seed = format!(
            "{} {kind} {actor} {}",
            state.origin(),
            state.next_seq(&actor)
        );
        let rng = &mut SeededEntropy::new(seed.as_bytes());
        sign_record(state, kind, data, &person.signer, secs(at), rng).expect("signed")
    }

    /// Hands a record to the host, received at `at` seconds.
    pub fn take(&mut self, record: SignedRecord, at: i64) -> Result<(), Error> {
        self.host.submit(record, None, secs(at))
    }

    /// Signs a record and hands it in.
    pub fn say<T: Serialize>(
        &mut self,
        person: &Person,
        kind: &str,
        data: &T,
        at: i64,
    ) -> Result<(), Error> {
        let record = self.signed(person, kind, data, at);
        self.take(record, at)
    }

    /// Seals a bid of `price` yuan; the record is signed at `at` seconds.
    pub fn seal_by(&mut self, person: &Person, price: u64, at: i64) -> (Vec<u8>, BidSubmit) {
        let words = mifeng::record::amount::format(i128::from(price) * 100);
        let (file, record) = self.seal_content(person, (&words, price), Vec::new(), (false, at));
        (file, bidder::submission(&record))
    }

    /// Seals a first bid, or a final offer, with these words and lines.
    pub fn seal_content(
        &mut self,
        person: &Person,
        (words, price): (&str, u64),
        detail: Vec<DetailLine>,
        (offer, at): (bool, i64),
    ) -> (Vec<u8>, SealRecord) {
        let content = Content {
            lot: self.lot,
            files: vec![Box::new(MemoryFile {
                path: "offer.txt".to_owned(),
                content: format!("offer of {price}").into_bytes(),
            })],
            opening: Opening {
                currency: "CNY".to_owned(),
                fields: Vec::new(),
                price: format!("{price}.00"),
                price_cn: words.to_owned(),
            },
            declarations: Declarations {
                sme: false,
                domestic: true,
                brand: self.brand.clone(),
            },
            detail,
        };
        let encryption = person.enc.as_ref().expect("a bidder").certificate();
        let mut file = Vec::new();
        let seal = if offer {
            bidder::seal_offer
        } else {
            bidder::seal
        };
        let sealed = seal(
            self.host.replay(),
            content,
            &person.signer,
            encryption,
            secs(at),
            &mut self.rng,
            &mut file,
            &mut |_| {},
        )
        .expect("sealed");
        (file, sealed.record)
    }

    /// Seals and signs `bid.submit` of bidder `number`, without handing it in.
    pub fn seal(&mut self, number: usize, price: u64, at: i64) -> Sealed {
        let person = &self.cast.bidders[number];
        let (file, data) = self.seal_by(person, price, at);
        Sealed {
            record: self.signed(person, "bid.submit", &data, at),
            id: self.verified(&file).id(),
            file,
        }
    }

    pub fn verified(&self, file: &[u8]) -> VerifiedSeal {
        let sealed = SealedFile::read(&mut Cursor::new(file)).expect("a sealed file");
        let state = self.host.state();
        state.verify_seal(sealed.record()).expect("a good seal")
    }

    pub fn submit(&mut self, bid: &Sealed, received: Time) -> Result<(), Error> {
        let mut body = Cursor::new(&bid.file);
        self.host
            .submit(bid.record.clone(), Some(&mut body), received)
    }

    pub fn beat(&mut self, at: i64) -> Vec<Receipt> {
        self.host.beat(secs(at), &mut self.rng).expect("a beat")
    }

    /// Bids of the first `count` bidders, all before the deadline.
    pub fn receive(&mut self, count: usize) {
        for number in 0..count {
            let at = 12 + 7 * number as i64;
            let bid = self.seal(number, 900_000 - 10_000 * number as u64, at);
            self.submit(&bid, secs(at)).expect("a bid on time");
            self.beat(at);
            self.bids.push(bid);
        }
    }

    pub fn close(&mut self, now: Time) -> Result<Vec<Receipt>, Error> {
        self.host.close(now, &mut self.rng)
    }

    /// A bundle of what the log holds now.
    pub fn tar(&self, what: Export) -> Vec<u8> {
        let mut out = Vec::new();
        self.host.export(what, &mut out).expect("exported");
        out
    }

    pub fn bundle(&self) -> Bundle {
        let files = Parts::of_tar(&self.tar(Export::Records));
        let replay = Replay::of(&files).expect("replays");
        Bundle { files, replay }
    }

    /// Bidder `number` releases its own leaf.
    pub fn release_leaf(&mut self, number: usize, at: i64) -> Result<(), Error> {
        let person = &self.cast.bidders[number];
        let own = person.fingerprint(self.cast.suite);
        let id = self.host.state().live_bid(&own, LOT).expect("a bid");
        let seal = &self.host.state().bids()[&id].seal;
        let key = person.enc.as_ref().expect("a bidder");
        let data = bidder::release(seal, LeafKey::Key(key)).expect("own leaf");
        self.say(person, "bidder.share", &data, at)
    }

    pub fn close_window(&mut self, at: i64) -> Result<(), Error> {
        self.host.close_window(secs(at), &mut self.rng)
    }

    pub fn secret(&self, number: usize) -> SecretShare {
        trustee::secret_share(self.host.replay(), &self.cast.trustees[number].static_key)
            .expect("own share")
    }

    /// What the program of trustee `number` (from 0) gives out at `at` seconds.
    pub fn shares(&mut self, number: usize, at: i64) -> Result<BoardShares, Error> {
        let Bundle { replay, files } = self.bundle();
        let secret = self.secret(number);
        trustee::release(&replay, &files, &secret, secs(at), &mut self.rng)
    }

    pub fn release(&mut self, number: usize, at: i64) -> Result<(), Error> {
        let data = self.shares(number, at)?;
        self.say(&self.cast.trustees[number].person, "board.share", &data, at)
    }

    pub fn open(&mut self, seal: &Digest, at: i64) -> Result<Opened, Error> {
        self.host
            .open_bid(seal, &mut NoSink, secs(at), &mut self.rng)
    }

    /// Opens everything, makes the opening record and has it signed.
    pub fn open_all(&mut self, at: i64) {
        for seal in self.host.state().to_open() {
            if !self.host.state().outcomes().contains_key(&seal) {
                self.open(&seal, at).expect("an outcome");
            }
        }
        let cast = self.cast;
        let minutes = self.host.state().expected_minutes().expect("every outcome");
        self.say(&cast.agency, "opening.minutes", &minutes, at)
            .expect("minutes");
        let (id, _) = self.host.state().minutes().expect("minutes");
        let data = MinutesSign { minutes: *id };
        for person in [&cast.buyer, &cast.trustees[0].person] {
            self.say(person, "opening.sign", &data, at).expect("signed");
        }
    }

    /// Brings every lot that is still open to its end: as failed where the records say so, else the
    /// agency gives the tender up.
    pub fn end(&mut self, at: i64) {
        let state = self.host.state();
        let open: Vec<String> = state
            .notice()
            .map(|(_, notice)| notice.lots.clone())
            .unwrap_or_default()
            .into_iter()
            .map(|lot| lot.id)
            .filter(|lot| {
                let ended = state.awards().contains_key(lot)
                    || state.listed(lot).is_some()
                    || state.failed(lot).is_some();
                !ended
            })
            .collect();
        for lot in open {
            let failure = self.host.state().expected_failure(&lot).ok();
            let failed = failure.is_some_and(|data| {
                let said = self.say(&self.cast.agency, "lot.fail", &data, at);
                said.is_ok()
            });
            if !failed && !self.host.state().is_cancelled() {
                let data = Halt {
                    reason: "采购任务取消".to_owned(),
                };
                self.say(&self.cast.agency, "tender.cancel", &data, at)
                    .expect("given up");
            }
        }
    }

    /// The dossier; a tender that has no end yet gets one.
    pub fn archive(&mut self, at: i64) -> Vec<u8> {
        self.end(at);
        self.host
            .archive(secs(at), &mut self.rng)
            .expect("archived");
        self.tar(Export::Dossier)
    }

    /// From bids that are in to the last release.
    pub fn close_and_release(&mut self, kind: Kind) {
        self.close_witnessed();
        if kind == Kind::Joint {
            for number in 0..self.bids.len() {
                self.release_leaf(number, DEADLINE + 2).expect("a leaf");
            }
        }
        self.close_window(DEADLINE + 3).expect("window closed");
        for number in 0..2 {
            self.release(number, DEADLINE + 4).expect("released");
        }
    }

    /// Everything after the bids; returns the dossier.
    pub fn finish(&mut self, kind: Kind) -> Vec<u8> {
        self.close_and_release(kind);
        self.open_all(100);
        let seated = self.draw(101);
        assert!(self.evaluate(&seated, 102));
        self.archive(103)
    }
}

/// A file that goes with its test.
pub struct Temporary(PathBuf);

impl Temporary {
    pub fn new(name: &str, content: &[u8]) -> Self {
        let name = format!("mifeng-{}-{name}.tar", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        Temporary(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn open(&self) -> Result<Tar, Error> {
        Tar::open(&self.0)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
