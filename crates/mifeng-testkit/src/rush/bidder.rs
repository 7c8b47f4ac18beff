//! One bidder's program: sends its bid until it has a receipt or a refusal, whatever becomes of the host.

use super::line::{Answer, Line};
use super::scene::{NAME, ORIGIN, Outcome, Prepared, Scene, now};
use mifeng::crypto::{Entropy, SystemEntropy, Time};
use mifeng::pki::Signer;
use mifeng::record::{Draft, Facts};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::time::Duration;

/// Between two tries, and between two looks for a receipt.
const PAUSE: Duration = Duration::from_millis(100);
/// After the beat that a bid waited for: then it is handed in again.
const PATIENCE_MS: i64 = 3_000;

/// What a bidder was told.
#[derive(Default)]
pub(super) struct Told {
    /// When the bid was whole (where its body may come later: its record) and handed in first, and when the host said so.
    pub(super) sent: Option<Time>,
    pub(super) taken: Option<Time>,
    /// The receipt, and when it came.
    pub(super) receipt: Option<(Vec<u8>, Time)>,
    /// Where its body may come later: the receipt that answers the whole upload, and when it came.
    pub(super) whole: Option<(Vec<u8>, Time)>,
    /// The code of a refusal.
    pub(super) refused: Option<String>,
    /// Answers that were no "no": the host was away, or said "try again".
    pub(super) again: u32,
    /// The code of the last of them.
    pub(super) last: String,
}

/// What to do next.
enum Next {
    Again,
    /// The record is in the log; its body is the next.
    Body,
    Done,
}

pub(super) struct Bidder<'a> {
    scene: &'a Scene,
    bid: &'a Prepared,
    line: Line,
    told: Told,
}

impl<'a> Bidder<'a> {
    pub(super) fn new(scene: &'a Scene, bid: &'a Prepared, host: SocketAddr) -> Self {
        Bidder {
            scene,
            bid,
            line: Line::to(host),
            told: Told::default(),
        }
    }

    /// Sends it at `at`, and goes on until `end`.
    pub(super) fn run(mut self, at: Time, end: Time) -> Outcome<Told> {
        sleep_until(at);
        while now() < end {
            match self.once()? {
                Next::Done => break,
                Next::Body => {}
                Next::Again => {
                    self.told.again += 1;
                    std::thread::sleep(PAUSE);
                }
            }
        }
        // It has its answer; its room is for the host.
        std::fs::remove_file(&self.bid.file)?;
        Ok(self.told)
    }

    fn ask(&mut self, method: &str, rest: &str, body: &[u8]) -> Option<Answer> {
        let path = format!("/v1/tenders/{NAME}{rest}");
        // A host that is away is asked again.
        match self.line.ask(method, &path, body) {
            Ok(answer) => Some(answer),
            Err(e) => {
                self.told.last = e.kind().to_string();
                None
            }
        }
    }

    fn once(&mut self) -> Outcome<Next> {
        let record = self.bid.record.to_file()?;
        if self.comes_first() && self.told.receipt.is_none() {
            return self.hand_in("/records", &record);
        }
        // It may be in the log, with the receipt lost.
        if !self.comes_first()
            && self.told.taken.is_some()
            && let Some(answer) = self.ask("POST", "/records", &record)
            && answer.status == 201
        {
            return Ok(self.received(answer.body));
        }
        let Some(begun) = self.ask("POST", "/uploads", &record) else {
            return Ok(Next::Again);
        };
        if begun.status != 201 {
            return self.refused(&begun);
        }
        let missing = begun.json()["missing"].as_array().cloned();
        if !self.blocks(&missing.unwrap_or_default())? {
            return Ok(Next::Again);
        }
        let name = self.bid.commitment;
        self.hand_in(&format!("/uploads/{name}"), b"")
    }

    /// Asks for a receipt; a first time is when it was sent.
    fn hand_in(&mut self, rest: &str, body: &[u8]) -> Outcome<Next> {
        let sent = now();
        self.told.sent.get_or_insert(sent);
        let Some(answer) = self.ask("POST", rest, body) else {
            return Ok(Next::Again);
        };
        match answer.status {
            201 => Ok(self.received(answer.body)),
            202 => {
                self.told.taken.get_or_insert_with(now);
                Ok(self.wait(&answer))
            }
            _ => self.refused(&answer),
        }
    }

    /// Whether records come before their bodies.
    fn comes_first(&self) -> bool {
        self.scene.bodies_end > self.scene.deadline
    }

    /// A session of whoever signed the bid: after the close nobody else may send its body.
    fn sign_in(&mut self) -> Outcome<()> {
        let Some(given) = self.ask("POST", "/sign-in/challenge", b"") else {
            return Ok(());
        };
        let suite = self.scene.cast.suite;
        let signer = &self.scene.cast.bidders[self.bid.bidder].signer;
        let mut salt = [0; 32];
        SystemEntropy::new().fill(&mut salt)?;
        let facts = Facts {
            kind: mifeng_access::SIGN_IN,
            origin: ORIGIN,
            seq: 0,
            time: now(),
            salt,
            data: &given.json()["challenge"],
        };
        let statement = Draft::new(&facts, signer.certificate(), suite)?.sign(signer, suite)?;
        if let Some(begun) = self.ask("POST", "/sign-in", &statement.to_file()?)
            && let Some(token) = begun.json()["token"].as_str()
        {
            self.line.sign_in_with(token);
        }
        Ok(())
    }

    /// Sends the blocks that the host does not have.
    fn blocks(&mut self, missing: &[serde_json::Value]) -> Outcome<bool> {
        let mut file = File::open(&self.bid.file)?;
        let mut block = Vec::new();
        for number in missing.iter().filter_map(serde_json::Value::as_u64) {
            let at = number << 20;
            file.seek(SeekFrom::Start(at))?;
            block.clear();
            let len = (1 << 20).min(self.bid.size.saturating_sub(at));
            (&mut file).take(len).read_to_end(&mut block)?;
            let name = self.bid.commitment;
            let path = format!("/uploads/{name}/blocks/{number}");
            match self.ask("PUT", &path, &block) {
                Some(answer) if answer.status == 204 => {}
                Some(answer) => {
                    self.told.last = answer.code();
                    return Ok(false);
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Looks for the receipt until some time after its beat; a host that went away has forgotten what waited.
    fn wait(&mut self, waiting: &Answer) -> Next {
        let beat = waiting.json()["next_beat"].as_str().map(str::parse::<Time>);
        let beat = beat.and_then(Result::ok).unwrap_or_else(now);
        sleep_until(beat);
        let end = beat.plus_millis(PATIENCE_MS);
        let path = format!("/receipts/{}", self.bid.commitment);
        while now() < end {
            match self.ask("GET", &path, b"") {
                Some(answer) if answer.status == 200 => return self.received(answer.body),
                Some(_) => std::thread::sleep(PAUSE / 2),
                None => return Next::Again,
            }
        }
        Next::Again
    }

    fn received(&mut self, receipt: Vec<u8>) -> Next {
        let got = Some((receipt, now()));
        match (self.comes_first(), self.told.receipt.is_some()) {
            (true, false) => {
                self.told.receipt = got;
                return Next::Body;
            }
            (true, true) => self.told.whole = got,
            (false, _) => self.told.receipt = got,
        }
        Next::Done
    }

    /// A rule's "no" is the end; anything else is tried again.
    fn refused(&mut self, answer: &Answer) -> Outcome<Next> {
        let code = answer.code();
        if code == mifeng_access::SIGN_IN {
            self.sign_in()?;
        }
        if answer.status != 409 || code == "upload.incomplete" {
            self.told.last = code;
            return Ok(Next::Again);
        }
        self.told.refused = Some(code);
        Ok(Next::Done)
    }
}

pub(super) fn sleep_until(time: Time) {
    let left = time.as_unix_nanos() - now().as_unix_nanos();
    if let Ok(nanos) = u64::try_from(left) {
        std::thread::sleep(Duration::from_nanos(nanos));
    }
}
