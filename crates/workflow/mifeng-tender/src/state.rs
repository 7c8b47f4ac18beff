//! What the records so far amount to, and the one function that takes the next record.

mod read;

use crate::ahead::Ahead;
use crate::amended::{Amendment, Postponement};
use crate::answers::Answers;
use crate::asked::OpeningQuestion;
use crate::bids::LiveBids;
use crate::evaluation::Evaluation;
use crate::events::*;
use crate::formation::Formation;
use crate::given_up::Past;
use crate::notice::Notice;
use crate::recognition::{EarlySigner, Judged, usages_of};
use crate::refusal::{self, Refusal};
use crate::refused::FalseShare;
use mifeng_crypto::{Digest, Scalar, Suite, Time};
use mifeng_envelope::{Sigma, VerifiedSeal};
use mifeng_lock::Share;
use mifeng_lock::tdh2::CheckedShare;
use mifeng_lock::tlock::VerifiedBeacon;
use mifeng_pki::trust::TrustChain;
use mifeng_pki::{Certificate, RevocationList, cms};
use mifeng_record::Record;
use mifeng_score::{Outcome as RankOutcome, Sheet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Records that one person may put into one log; a trustee of a tender with many draws needs some
/// dozens, a bidder a few per lot.
pub const RECORDS_PER_ACTOR_MAX: u64 = 10_000;

/// The certificates that whoever applies records has at hand: the notice says which roots count.
pub struct Trust<'a> {
    /// Candidate roots; only those whose fingerprints the notice lists are used.
    pub roots: &'a [Certificate],
    /// Revocation lists to be consulted.
    pub crls: &'a [RevocationList],
    /// OCSP responses that a record may take in, DER, by their hash. Without such a record none counts.
    pub responses: Option<&'a BTreeMap<Digest, Vec<u8>>>,
}

/// A record about to be applied.
pub(crate) struct Act<'a> {
    pub(crate) record: &'a Record,
    /// When it was received.
    pub(crate) at: Time,
    /// The earliest instant at which the log can have taken it: `at`, or that of a record before it.
    pub(crate) taken: Time,
    pub(crate) trust: &'a Trust<'a>,
    /// The credit code that its signer's certificate stands for.
    pub(crate) code: Option<String>,
    /// What was computed of it before its turn.
    pub(crate) ahead: &'a Ahead,
}

/// Where the tender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before the notice.
    Setup,
    /// Bids are received.
    Open,
    /// Submission is closed; bidders may release their leaves.
    Window,
    /// Trustees release, bids are opened.
    Opening,
    /// The opening record stands; the committee is drawn and scores.
    Evaluation,
    /// The log is closed.
    Archived,
}

/// Whether a received bid still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BidLife {
    /// It counts.
    Live,
    /// The bidder withdrew it before the deadline.
    Withdrawn,
    /// The bidder replaced it before the deadline.
    Replaced,
    /// Its record came in time, and its body never.
    NoBody,
}

/// A received bid.
#[derive(Clone, Debug)]
pub struct Bid {
    /// The verified seal.
    pub seal: VerifiedSeal,
    /// Commitment of the record that brought it.
    pub record: Digest,
    /// The name in the bidder's certificate.
    pub name: String,
    /// When the log took it: by the trust list of this instant its bidder goes on.
    pub accepted: Time,
    /// Whether it counts.
    pub life: BidLife,
    /// The first bid of the same bidder, if this is a final offer.
    pub offer_for: Option<Digest>,
}

impl Bid {
    /// Whether it is a first bid, not a final offer, and counts.
    pub(crate) fn is_live_first(&self) -> bool {
        self.life == BidLife::Live && self.offer_for.is_none()
    }
}

/// How the opening of a live bid ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was opened; what it says.
    Opened(Box<BidOpen>),
    /// It was not, and by whose fault.
    Failed(BidFail),
}

/// A draw in progress or done.
#[derive(Clone, Debug)]
pub struct DrawState {
    /// The frozen pool.
    pub pool: Pool,
    /// The draw over it.
    pub draw: mifeng_lock::draw::Draw,
    /// Verified answers by trustee index.
    pub shares: BTreeMap<u8, Share>,
    /// The result.
    pub result: Option<DrawResult>,
}

/// What the records so far amount to.
pub struct State {
    pub(crate) suite: &'static Suite,
    pub(crate) origin: String,
    pub(crate) stage: Stage,
    pub(crate) host: Option<(Digest, LogConfig)>,
    /// The board, which also witnesses and draws.
    pub(crate) main: Formation,
    /// The fallback board of a remedy plan.
    pub(crate) second: Formation,
    /// What boards were before.
    pub(crate) past: Past,
    pub(crate) notice: Option<(Digest, Notice)>,
    /// Postponements of the deadline, in order; the notice above says what they came to.
    pub(crate) postponed: Vec<Postponement>,
    /// Clarifications and changes of the tender document, in order; the notice above has its files as they are now.
    pub(crate) amended: Vec<Amendment>,
    pub(crate) halted: bool,
    pub(crate) cancelled: bool,
    /// When the log took the last `tender.resume`.
    pub(crate) resumed: Option<Time>,
    pub(crate) signers: Vec<EarlySigner>,
    pub(crate) lists: Option<TrustChain>,
    pub(crate) bids: BTreeMap<Digest, Bid>,
    /// Which of these are first bids that count.
    pub(crate) live: LiveBids,
    pub(crate) leaf_digests: BTreeMap<Digest, Digest>,
    pub(crate) closed: Option<Close>,
    /// When the log took `bidder-window.close`.
    pub(crate) window_closed: Option<Time>,
    /// Until when bodies could come, once the window is closed.
    pub(crate) bodies_ended: Option<Time>,
    pub(crate) bidder_shares: BTreeMap<(Digest, String), [u8; 32]>,
    pub(crate) board_shares: BTreeMap<(Digest, String), BTreeMap<u8, CheckedShare>>,
    pub(crate) beacons: BTreeMap<(Digest, u64), VerifiedBeacon>,
    pub(crate) outcomes: BTreeMap<Digest, Outcome>,
    /// The secrets of bids that were opened: with them anybody can read those bids, as with this log.
    pub(crate) sigmas: BTreeMap<Digest, Arc<Sigma>>,
    /// Records that may change what was released: all but outcomes.
    pub(crate) changes: u64,
    /// Rows of the opening record for bids that were not taken, by the commitment of their record.
    pub(crate) refused: BTreeMap<Digest, MinutesRow>,
    pub(crate) false_shares: Vec<FalseShare>,
    /// Revealed shares of the one-time key, by member.
    pub(crate) revealed: BTreeMap<u8, Scalar>,
    pub(crate) minutes: Option<(Digest, Minutes)>,
    pub(crate) minutes_signed: Vec<Digest>,
    /// Bidders, by credit code, for whom somebody signed it.
    pub(crate) minutes_signed_for: BTreeSet<String>,
    /// Texts of contracts that were ever stamped.
    pub(crate) contract_texts: BTreeSet<Digest>,
    /// What was asked at the opening, in order.
    pub(crate) asked: Vec<OpeningQuestion>,
    /// Whether a record of the evaluation was taken: nobody asks at the opening any more.
    pub(crate) evaluation_begun: bool,
    pub(crate) draw: Option<DrawState>,
    pub(crate) confirmed: BTreeMap<Digest, String>,
    pub(crate) sheets: BTreeMap<String, BTreeMap<Digest, Sheet>>,
    pub(crate) ranks: BTreeMap<String, RankOutcome>,
    pub(crate) awards: BTreeMap<String, Award>,
    pub(crate) evaluation: Evaluation,
    seqs: BTreeMap<Digest, u64>,
    /// The latest instant that the records so far prove.
    latest: Option<Time>,
    /// Signers of whose revocation nothing was known at one of their records.
    pub(crate) unknown: BTreeSet<Digest>,
    /// Revocation lists that were recorded, and from when on each counts.
    pub(crate) crls_taken: BTreeMap<Digest, Time>,
    /// OCSP answers that were recorded.
    pub(crate) answers: Arc<Answers>,
    /// Records of each actor under a board's own origin.
    board_seqs: BTreeMap<(String, Digest), u64>,
    /// Certificates that records and seals brought.
    pub(crate) seen: cms::Seen,
}

impl State {
    /// The state of an empty log.
    pub fn new(suite: &'static Suite, origin: &str) -> Self {
        State {
            suite,
            origin: origin.to_owned(),
            stage: Stage::Setup,
            host: None,
            main: Formation::default(),
            second: Formation::default(),
            past: Past::default(),
            notice: None,
            postponed: Vec::new(),
            amended: Vec::new(),
            halted: false,
            cancelled: false,
            resumed: None,
            signers: Vec::new(),
            lists: None,
            bids: BTreeMap::new(),
            live: LiveBids::default(),
            leaf_digests: BTreeMap::new(),
            closed: None,
            window_closed: None,
            bodies_ended: None,
            bidder_shares: BTreeMap::new(),
            board_shares: BTreeMap::new(),
            beacons: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            sigmas: BTreeMap::new(),
            changes: 0,
            refused: BTreeMap::new(),
            false_shares: Vec::new(),
            revealed: BTreeMap::new(),
            minutes: None,
            minutes_signed: Vec::new(),
            minutes_signed_for: BTreeSet::new(),
            contract_texts: BTreeSet::new(),
            asked: Vec::new(),
            evaluation_begun: false,
            draw: None,
            confirmed: BTreeMap::new(),
            sheets: BTreeMap::new(),
            ranks: BTreeMap::new(),
            awards: BTreeMap::new(),
            evaluation: Evaluation::default(),
            seqs: BTreeMap::new(),
            latest: None,
            unknown: BTreeSet::new(),
            crls_taken: BTreeMap::new(),
            answers: Arc::default(),
            board_seqs: BTreeMap::new(),
            seen: cms::Seen::default(),
        }
    }

    /// Takes the next record, received at `at`; on refusal the state is as before.
    ///
    /// In a replay `at` is the earliest time at which the log allows the record to have come in.
    ///
    /// # Errors
    /// The [`Refusal`] of the first rule that says no.
    pub fn apply(&mut self, record: &Record, at: Time, trust: &Trust<'_>) -> Result<(), Refusal> {
        self.apply_ahead(record, at, trust, &Ahead::default())
    }

    /// The same, with what was computed of the record before ([`State::look_ahead`]): the outcome is the same.
    ///
    /// # Errors
    /// As [`State::apply`].
    pub fn apply_ahead(
        &mut self,
        record: &Record,
        at: Time,
        trust: &Trust<'_>,
        ahead: &Ahead,
    ) -> Result<(), Refusal> {
        let event = Event::read(record)
            .map_err(|e| Refusal::new(&refusal::MALFORMED, e.to_string()))?
            .ok_or_else(|| {
                Refusal::new(
                    &refusal::MALFORMED,
                    format!("unknown type {:?}", record.kind()),
                )
            })?;
        self.check_origin(record)?;
        let next = self.check_seq(record)?;
        self.check_halted(&event)?;
        let taken = self.latest.map_or(at, |latest| latest.max(at));
        let judged = self.check_signer(record, at, taken, trust)?;
        self.check_asked(&event)?;
        let act = Act {
            record,
            at,
            taken,
            trust,
            code: judged.as_ref().and_then(|judged| judged.code.clone()),
            ahead,
        };
        self.dispatch(&event, &act)?;
        self.begin_evaluation(&event);
        if !matches!(event, Event::Open(_) | Event::Fail(_)) {
            self.changes += 1;
        }
        // Bids that came before a record of its own may stand in a beat after it: it proves no instant to them.
        if self.stage != Stage::Open || !Self::is_logged_at_once(record.kind()) {
            self.latest = Some(taken);
        }
        if judged.is_some_and(|judged| !judged.revocation_known) {
            self.unknown.insert(record.actor());
        }
        self.seqs.insert(record.actor(), next);
        if record.origin() != self.origin {
            let key = (record.origin().to_owned(), record.actor());
            *self.board_seqs.entry(key).or_default() += 1;
        }
        if let Some(certificate) = record.signer().filter(|_| self.notice.is_none()) {
            self.signers.push(EarlySigner {
                certificate: certificate.clone(),
                chain: record.chain().to_vec(),
                time: record.time(),
                usages: usages_of(record.kind(), self.is_host(record)),
                of_board: record.origin() != self.origin,
            });
        }
        Ok(())
    }

    /// While a tender is suspended or cancelled only these go on. A time in which bidders may act
    /// ends only where they could, or where nothing will be opened any more.
    fn check_halted(&self, event: &Event) -> Result<(), Refusal> {
        let goes_on = match event {
            Event::Resume(_)
            | Event::Cancel(_)
            | Event::Close(_)
            | Event::Archive(_)
            | Event::CrlTake(_)
            | Event::OcspTake(_) => true,
            Event::Postpone(_) | Event::Amend(_) => !self.cancelled,
            Event::WindowClose(_) | Event::RoundClose(_) => self.cancelled,
            _ => false,
        };
        if goes_on {
            Ok(())
        } else {
            self.require_not_halted()
        }
    }

    fn dispatch(&mut self, event: &Event, act: &Act<'_>) -> Result<(), Refusal> {
        let Act { record, at, .. } = *act;
        match event {
            Event::LogConfig(data) => self.log_config(data, record),
            Event::BoardCert(data) => self.board_cert(data, record),
            Event::BoardDkg1(data) => self.board_dkg1(data, record),
            Event::BoardDkg2(data) => self.board_dkg2(data, record),
            Event::BoardComplain(data) => self.complain(data, record),
            Event::BoardAbandon(data) => self.abandon(data, record),
            Event::BoardReshare(data) => self.reshare(data, record),
            Event::BoardReshareDeal(data) => self.reshare_deal(data, record),
            Event::BoardReshareSign(data) => self.reshare_sign(data, record),
            Event::TrustList(data) => self.trust_list(data, act),
            Event::CrlTake(data) => self.crl_take(data, act),
            Event::OcspTake(data) => self.ocsp_take(data, act),
            Event::Publish(data) => self.publish(data, act),
            Event::Postpone(data) => self.postpone(data, act),
            Event::Amend(data) => self.amend(data, act),
            Event::Suspend(_) => self.halt(act, true),
            Event::Resume(_) => self.halt(act, false),
            Event::Cancel(_) => self.cancel(record),
            Event::Submit(data) => self.submit(&data.seal, act),
            Event::Replace(data) => self.replace(data, act),
            Event::Withdraw(data) => self.withdraw(data, record, at),
            Event::OfferSubmit(data) => self.offer_submit(data, act),
            Event::Close(data) => self.close(data, record, at),
            Event::BidderShare(data) => self.bidder_share(data, record),
            Event::WindowClose(data) => self.window_close(data, act),
            Event::Beacon(data) => self.beacon(data, record),
            Event::BoardShares(data) => self.board_shares(data, record, at),
            Event::Open(data) => self.bid_open(data, act),
            Event::Fail(data) => self.bid_fail(data, record, at),
            Event::BidRefuse(data) => self.bid_refuse(data, act),
            Event::ShareFalse(data) => self.share_false(data, act),
            Event::KeyReveal(data) => self.key_reveal(data, record),
            Event::Minutes(data) => self.record_minutes(data, record),
            Event::MinutesSign(data) => self.sign_minutes(data, act),
            Event::OpeningAsk(data) => self.opening_ask(data, act),
            Event::OpeningAnswer(data) => self.opening_answer(data, act),
            Event::Pool(data) => self.pool(data, record),
            Event::DrawShare(data) => self.draw_share(data, record),
            Event::DrawResult(data) => self.draw_result(data, record),
            Event::ContractStamp(data) => self.contract_stamp(data, act),
            Event::ContractFile(data) => self.contract_file(data, act),
            Event::ContractPublish(data) => self.contract_publish(data, act),
            Event::Archive(_) => self.archive(record),
            other => self.evaluate(other, act),
        }
    }

    /// The events of the evaluation; all others were dispatched before.
    fn evaluate(&mut self, event: &Event, act: &Act<'_>) -> Result<(), Refusal> {
        let Act { record, at, .. } = *act;
        match event {
            Event::SessionOpen(data) => self.session_open(data, record),
            Event::SeatOpen(data) => self.seat_open(data, record),
            Event::SeatCosign(data) => self.seat_cosign(data, record),
            Event::SeatFreeze(data) => self.seat_freeze(data, record, true),
            Event::SeatResume(data) => self.seat_freeze(data, record, false),
            Event::SeatLeave(data) => self.seat_leave(data, record),
            Event::SeatReplace(data) => self.seat_replace(data, record),
            Event::Check(data) => self.check(data, record, at),
            Event::Ask(data) => self.ask(data, record, at),
            Event::Answer(data) => self.answer(data, record, at),
            Event::PriceDecide(data) => self.price_decide(data, record),
            Event::PriceConfirm(data) => self.price_confirm(data, record),
            Event::RoundOpen(data) => self.round_open(data, record, at),
            Event::OfferExit(data) => self.offer_exit(data, record, at),
            Event::RoundClose(data) => self.round_close(data, record, at),
            Event::RoundWindow(data) => self.round_window(data, act),
            Event::RoundMinutes(data) => self.round_minutes(data, record),
            Event::ScoreCommit(data) => self.score_commit(data, record, at),
            Event::Score(data) => self.score(data, record),
            Event::ScoreCorrect(data) => self.score_correct(data, record),
            Event::LotPool(data) => self.lot_pool(data, record, at),
            Event::LotDrawn(data) => self.lot_drawn(data, record),
            Event::LotFail(data) => self.lot_fail(data, record, at),
            Event::Rank(data) => self.rank(data, record, at),
            Event::Report(data) => self.make_report(data, record),
            Event::ReportSign(data) => self.sign_report(data, record),
            Event::Award(data) => self.award(data, record),
            Event::FrameworkList(data) => self.framework_list(data, record),
            Event::Letter(data) => self.letter(data, record),
            _ => Err(Refusal::new(&refusal::MALFORMED, record.kind())),
        }
    }

    /// Numbers of one actor's records only go up: a record is taken once, and an older one never
    /// after a newer one. A number may be skipped, as when the host refused the record that bore it.
    /// Board records count under the board's own origin, without gaps.
    fn check_seq(&self, record: &Record) -> Result<u64, Refusal> {
        let own = self.seqs.get(&record.actor()).copied().unwrap_or(0);
        let of_board = record.origin() != self.origin;
        let (expected, fits) = if of_board {
            let expected = self.board_records(record.origin(), &record.actor());
            (expected, record.seq() == expected)
        } else {
            (own, record.seq() >= own)
        };
        if !fits || record.seq() >= RECORDS_PER_ACTOR_MAX {
            return Err(Refusal::new(
                &refusal::REPLAY,
                format!("expected number {expected}, found {}", record.seq()),
            ));
        }
        Ok(if of_board { own } else { record.seq() + 1 })
    }

    /// How many records of an actor under the board's own origin were taken: the number of the next one.
    pub fn board_records_of(&self, actor: &Digest) -> u64 {
        let origin = self.main.origin();
        origin.map_or(0, |origin| self.board_records(&origin, actor))
    }

    pub(crate) fn board_records(&self, origin: &str, actor: &Digest) -> u64 {
        let key = (origin.to_owned(), *actor);
        self.board_seqs.get(&key).copied().unwrap_or(0)
    }

    /// The signer's path to a recognised CA, valid for signing such a record at `at` and when the
    /// log took it. Before the notice nobody is judged yet, and where the signature is left out of a
    /// public export nobody can be.
    pub(crate) fn check_signer(
        &self,
        record: &Record,
        at: Time,
        taken: Time,
        trust: &Trust<'_>,
    ) -> Result<Option<Judged>, Refusal> {
        let (Some(recognition), Some(signer)) = (self.recognition(trust), record.signer()) else {
            return Ok(None);
        };
        let usages = usages_of(record.kind(), self.is_host(record));
        let signer = (signer, record.chain());
        let on = self.accepted_on(record);
        recognition
            .judge_taken(signer, usages, (at, taken), on)
            .map(Some)
    }

    fn is_host(&self, record: &Record) -> bool {
        self.host
            .as_ref()
            .is_some_and(|(cert, _)| *cert == record.actor())
    }

    pub(crate) fn require(&self, stage: Stage) -> Result<&Notice, Refusal> {
        match &self.notice {
            Some((_, notice)) if self.stage == stage => Ok(notice),
            _ => Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("expected {stage:?}, the tender is in {:?}", self.stage),
            )),
        }
    }

    pub(crate) fn require_not_halted(&self) -> Result<(), Refusal> {
        if self.is_halted() {
            return Err(Refusal::new(&refusal::HALTED, ""));
        }
        Ok(())
    }

    pub(crate) fn require_actor(
        &self,
        record: &Record,
        who: Option<Digest>,
        role: &str,
    ) -> Result<(), Refusal> {
        if who == Some(record.actor()) {
            Ok(())
        } else {
            Err(Refusal::new(
                &refusal::NOT_AUTHORISED,
                format!("{} must be signed by the {role}", record.kind()),
            ))
        }
    }

    pub(crate) fn require_host(&self, record: &Record) -> Result<(), Refusal> {
        self.require_actor(record, self.host.as_ref().map(|(cert, _)| *cert), "host")
    }

    pub(crate) fn require_agency(&self, record: &Record) -> Result<(), Refusal> {
        let agency = self.notice.as_ref().map(|(_, notice)| notice.agency.cert);
        self.require_actor(record, agency, "agency")
    }

    /// Index of the trustee who signed.
    pub(crate) fn require_trustee(&self, record: &Record, index: u8) -> Result<(), Refusal> {
        let cert = self.main.members.get(&index).map(|(cert, _)| *cert);
        self.require_actor(record, cert, "trustee of that index")
    }
}

/// The origin of a board's own records.
pub(crate) fn board_origin(session: &str) -> String {
    format!("board/{session}")
}
