//! The data of each event type (spec/events.md).

use crate::notice::{Document, Notice};
use mifeng_crypto::{Digest, Time};
use mifeng_lock::draw::Row;
use mifeng_lock::share::ShareRecord;
use mifeng_lock::tlock::Beacon;
use mifeng_score::Outcome;
use serde::{Deserialize, Serialize};

macro_rules! event_data {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* })*
    };
}

mod contract;
mod evaluation;
mod round;

pub use contract::*;
pub use evaluation::*;
pub use round::*;

event_data! {
    /// `log.config`: the host opens the log.
    LogConfig {
        /// The suite of the tender.
        suite: String,
        /// Verifier key of the checkpoints over the SHA-256 tree.
        key: String,
        /// Verifier key of the checkpoints over the SM3 tree; only in gm-1.
        key_sm3: Option<String>,
        /// Verifier key of the anchor log in which this log's heads are entries (authoritative tree).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor: Option<String>,
    }
    /// `board.cert`: a trustee joins a board and endorses its static key and witness key.
    BoardCert {
        /// Name of the board's session; every member names the same.
        session: String,
        /// 1 to n.
        index: u8,
        /// Shares needed.
        t: u8,
        /// Members.
        n: u8,
        /// Static public key, compressed point in hex.
        static_key: String,
        /// Verifier key of the trustee's witness.
        witness: String,
    }
    /// `board.dkg1`: first message of key generation.
    BoardDkg1 {
        /// 1 to n.
        index: u8,
        /// The message, base64.
        message: String,
    }
    /// `board.dkg2`: the trustee has checked everything and signs the transcript.
    BoardDkg2 {
        /// 1 to n.
        index: u8,
        /// Hash of the transcript that the trustee checked.
        transcript: Digest,
        /// Signature by the static key over the transcript, hex.
        signature: String,
    }
    /// `board.complain`: a trustee proves that another sent it a wrong share; the making or the handing on of the key
    /// is given up (spec/board.md).
    BoardComplain {
        /// 1 to n: who complains.
        index: u8,
        /// 1 to n: whose share is wrong.
        accused: u8,
        /// Which handing on; 0 while the key is made.
        round: u32,
        /// The proof, hex.
        complaint: String,
    }
    /// `board.abandon`: a trustee ends the making or the handing on of a key that cannot be finished.
    BoardAbandon {
        /// 1 to n: who ends it.
        index: u8,
        /// Which handing on; 0 while the key is made.
        round: u32,
        /// Why, in words.
        reason: String,
    }
    /// `board.reshare`: a new trustee joins a handing on of the board's key (spec/board.md).
    BoardReshare {
        /// Name of the board's session.
        session: String,
        /// Which handing on, from 1.
        round: u32,
        /// 1 to n, among the new members.
        index: u8,
        /// Shares needed afterwards.
        t: u8,
        /// Members afterwards.
        n: u8,
        /// Present trustees who deal, in order.
        dealers: Vec<u8>,
        /// Static public key, compressed point in hex; a new one, even of a present trustee.
        static_key: String,
        /// Verifier key of the trustee's witness.
        witness: String,
    }
    /// `board.reshare1`: a dealer's message.
    BoardReshareDeal {
        /// Which handing on.
        round: u32,
        /// The present trustee.
        dealer: u8,
        /// The message, base64.
        message: String,
    }
    /// `board.reshare2`: a new trustee has checked everything and signs the transcript.
    BoardReshareSign {
        /// Which handing on.
        round: u32,
        /// The new member.
        index: u8,
        /// Hash of the transcript that the trustee checked.
        transcript: Digest,
        /// Signature by the new static key over the transcript, hex.
        signature: String,
    }
    /// `trust.list`: a version of the trust list (spec/trust.md).
    TrustListEvent {
        /// The canonical list, base64.
        list: String,
        /// The operator's signature, base64.
        sig: String,
    }
    /// `crl.take`: a revocation list that counts from this record on.
    CrlTake {
        /// Hash of its DER.
        list: Digest,
    }
    /// `ocsp.take`: an OCSP answer that counts from this record on.
    OcspTake {
        /// CA certificates in base64: the issuer of the certificate that is answered for, then who issued the one before,
        /// without the root; none where a root issued it.
        above: Vec<String>,
        /// Hash of the OCSPResponse in DER.
        response: Digest,
    }
    /// `tender.postpone`: bids are received until a later instant.
    Postpone {
        /// The new deadline.
        deadline: Time,
        /// Why.
        reason: String,
    }
    /// `tender.amend`: the tender document is clarified or changed; lots, rules and policy are not.
    Amend {
        /// Whether it may affect how bids are made (可能影响投标文件编制).
        affects: bool,
        /// The new deadline, if it moves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Time>,
        /// Files that are added, or that take the place of those of their names.
        documents: Vec<Document>,
        /// Why.
        reason: String,
        /// What is clarified or changed.
        text: String,
    }
    /// `tender.suspend`, `tender.resume`, `tender.cancel`.
    Halt {
        /// Why.
        reason: String,
    }
    /// `bid.submit`: one sealed bid for one lot.
    BidSubmit {
        /// The seal record, base64.
        seal: String,
    }
    /// `bid.replace`: a new sealed bid in place of one.
    BidReplace {
        /// The seal that is replaced.
        old: Digest,
        /// The seal record, base64.
        seal: String,
    }
    /// `bid.withdraw`.
    BidWithdraw {
        /// The seal that is withdrawn.
        seal: Digest,
    }
    /// `submission.close`.
    Close {
        /// The deadline that has passed.
        deadline: Time,
        /// Number of beats in the log.
        beats: u64,
        /// Hash of what is revealed of them, `log/beats.json`.
        revealed: Digest,
    }
    /// `bidder.share`: a bidder releases its own leaf.
    BidderShare {
        /// The seal.
        seal: Digest,
        /// Leaf path.
        path: String,
        /// The leaf share, 32 bytes in hex.
        share: Digest,
    }
    /// `bidder-window.close`: the bidders' time is over.
    WindowClose {
        /// Seals whose bidder released nothing.
        missing: Vec<Digest>,
        /// Seals whose body never came, where the notice gives time for it after the close.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        no_body: Vec<Digest>,
    }
    /// `board.share`: a trustee's shares for every bid that is to be opened.
    BoardShares {
        /// 1 to n.
        index: u8,
        /// One row for each bid and group leaf.
        shares: Vec<BoardShare>,
    }
    /// One row of `board.share`.
    BoardShare {
        /// The seal.
        seal: Digest,
        /// Leaf path.
        path: String,
        /// The decryption share with its proof.
        share: ShareRecord,
    }
    /// `bid.open`: what a bid says, as read out.
    BidOpen {
        /// The seal.
        seal: Digest,
        /// Hash of manifest.json.
        manifest: Digest,
        /// The opening list of the manifest.
        opening: mifeng_envelope::Opening,
        /// The declarations of the manifest.
        declarations: mifeng_envelope::Declarations,
        /// The detail lines of the manifest.
        detail: Vec<mifeng_envelope::DetailLine>,
    }
    /// `price.confirm`: a bidder confirms its price as corrected by the rules (87 art. 59).
    PriceConfirm {
        /// The seal.
        seal: Digest,
        /// The corrected price.
        price: String,
    }
    /// `bid.fail`: a bid that could not be opened, and by whose fault.
    BidFail {
        /// The seal.
        seal: Digest,
        /// Its one final status.
        status: BidStatus,
        /// Code of the cause.
        cause: String,
    }
    /// `bid.refuse`: a bid that the host did not take, as it came (应当拒收).
    BidRefuse {
        /// The body of the refused record, base64.
        body: String,
        /// Code of the cause.
        cause: String,
        /// The instant at which its last byte had arrived, by the host's clock.
        received: Time,
        /// Its signature, base64.
        sig: String,
        /// `refused_late` or `refused_unsealed`.
        status: BidStatus,
    }
    /// `share.false`: a trustee's refused record with a share whose proof does not hold, as evidence.
    ShareFalse {
        /// The body of the refused record, base64.
        body: String,
        /// Its signature, base64.
        sig: String,
    }
    /// `key.reveal`: a member's share of a one-time key.
    KeyReveal {
        /// 1 to n, on the second board.
        index: u8,
        /// The share, 32 bytes in hex.
        share: Digest,
    }
    /// `opening.minutes`: the opening record (开标记录).
    Minutes {
        /// The deadline.
        deadline: Time,
        /// One row for each bid that was ever received, by lot and seal.
        rows: Vec<MinutesRow>,
    }
    /// One row of the opening record.
    MinutesRow {
        /// Lot; empty for a refused bid that does not say it in due form.
        lot: String,
        /// The seal; of a refused bid the commitment of its record.
        seal: Digest,
        /// Credit code of the bidder.
        bidder: String,
        /// Name of the bidder, from its certificate.
        name: String,
        /// Its one status.
        status: BidStatus,
        /// The price read out, if it was opened.
        price: Option<String>,
    }
    /// `opening.sign`: one who was present signs the opening record.
    MinutesSign {
        /// Commitment of the `opening.minutes` record.
        minutes: Digest,
    }
    /// `opening.ask`: a bidder has a question about the opening, or asks that somebody stand back (87 art. 42).
    OpeningAsk {
        /// What is wanted.
        kind: OpeningMatter,
        /// In words.
        text: String,
    }
    /// `opening.answer`: agency or buyer answers it.
    OpeningAnswer {
        /// Commitment of the `opening.ask` record.
        ask: Digest,
        /// In words.
        text: String,
    }
    /// `expert.pool`: the pool is frozen.
    Pool {
        /// Specialty code.
        specialty: String,
        /// Which draw over this specialty this is, from 1; a repeat needs a reason.
        n: u32,
        /// Why there is a repeat; empty for the first.
        reason: String,
        /// The rows, sorted by blind id: H_tag("expert", salt, certificate fingerprint) in hex.
        rows: Vec<Row>,
    }
    /// `draw.share`: a trustee answers for the draw.
    DrawShare {
        /// The draw.
        draw: Digest,
        /// The answer with its proof.
        share: ShareRecord,
    }
    /// `draw.result`: who was drawn, in order, and who they are.
    DrawResult {
        /// The draw.
        draw: Digest,
        /// Seed, as recomputed by anyone.
        seed: Digest,
        /// The drawn ids in order: first the chosen, then the alternates.
        order: Vec<String>,
        /// Who sits: the chosen, or alternates in order for those who declined.
        seats: Vec<Seat>,
        /// Ids of the drawn who declined.
        declined: Vec<String>,
    }
    /// One seat of the committee.
    Seat {
        /// Blind id.
        id: String,
        /// Salt of the blind id.
        salt: Digest,
        /// The expert's certificate fingerprint.
        cert: Digest,
    }
    /// `rank`: the computed result of a lot.
    Rank {
        /// Lot.
        lot: String,
        /// The computation, line by line.
        outcome: Outcome,
    }
    /// `award`: the buyer fixes the winner.
    Award {
        /// Lot.
        lot: String,
        /// The winning seal.
        seal: Digest,
        /// Credit code of the winner.
        bidder: String,
        /// Name of the winner.
        name: String,
        /// The contract price: the price as bid and corrected, never the evaluated one.
        price: String,
    }
    /// `archive.close`: the host closes the log and fixes every file of the dossier but itself.
    Archive {
        /// Hash over the list of files (spec/dossier.md).
        files: Digest,
    }
}

/// What a bidder wants at the opening (87 art. 42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpeningMatter {
    /// An answer to a doubt about the opening or its record (询问).
    Question,
    /// That somebody of the buyer or agency stand back (回避申请).
    Recusal,
}

/// The one status that each received bid ends in (RULES 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BidStatus {
    /// Opened and read out.
    Opened,
    /// Opened and read out by the remedy plan (补救方案): its bidder released nothing, the fallback board did.
    Remedied,
    /// Treated as revoked: the bidder's own cause (撤销).
    RevokedBidderCause,
    /// Treated as withdrawn: another's cause (撤回).
    WithdrawnOtherCause,
    /// Withdrawn by the bidder before the deadline.
    WithdrawnBeforeDeadline,
    /// Replaced by the bidder before the deadline.
    Replaced,
    /// Left sealed because the lot had too few bids.
    NotOpened,
    /// Refused: it came at or after the deadline (逾期送达).
    RefusedLate,
    /// Refused: it came in time and was not sealed as required, or its file never came (未按要求密封).
    RefusedUnsealed,
}

/// One event, its data read.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // Each variant is named by its data type above.
pub enum Event {
    LogConfig(LogConfig),
    BoardCert(BoardCert),
    BoardDkg1(BoardDkg1),
    BoardDkg2(BoardDkg2),
    BoardComplain(BoardComplain),
    BoardAbandon(BoardAbandon),
    BoardReshare(BoardReshare),
    BoardReshareDeal(BoardReshareDeal),
    BoardReshareSign(BoardReshareSign),
    TrustList(TrustListEvent),
    CrlTake(CrlTake),
    OcspTake(OcspTake),
    Publish(Box<Notice>),
    Postpone(Postpone),
    Amend(Amend),
    Suspend(Halt),
    Resume(Halt),
    Cancel(Halt),
    Submit(BidSubmit),
    Replace(BidReplace),
    Withdraw(BidWithdraw),
    Close(Close),
    BidderShare(BidderShare),
    WindowClose(WindowClose),
    Beacon(Beacon),
    BoardShares(BoardShares),
    Open(BidOpen),
    Fail(BidFail),
    BidRefuse(BidRefuse),
    ShareFalse(ShareFalse),
    KeyReveal(KeyReveal),
    Minutes(Minutes),
    MinutesSign(MinutesSign),
    OpeningAsk(OpeningAsk),
    OpeningAnswer(OpeningAnswer),
    Pool(Pool),
    DrawShare(DrawShare),
    DrawResult(DrawResult),
    PriceConfirm(PriceConfirm),
    SessionOpen(SessionOpen),
    SeatOpen(SeatOpen),
    SeatCosign(SeatCosign),
    SeatFreeze(SeatFreeze),
    SeatResume(SeatFreeze),
    SeatLeave(SeatLeave),
    SeatReplace(SeatReplace),
    Check(Check),
    Ask(Ask),
    Answer(Answer),
    PriceDecide(PriceDecide),
    RoundOpen(RoundOpen),
    OfferSubmit(OfferSubmit),
    OfferExit(OfferExit),
    RoundClose(RoundClose),
    RoundWindow(RoundWindow),
    RoundMinutes(RoundMinutes),
    ScoreCommit(ScoreCommit),
    Score(Score),
    ScoreCorrect(ScoreCorrect),
    LotPool(LotPool),
    LotDrawn(LotDrawn),
    LotFail(LotFail),
    Rank(Rank),
    Report(Box<Report>),
    ReportSign(ReportSign),
    Award(Award),
    FrameworkList(FrameworkList),
    Letter(Letter),
    ContractStamp(ContractStamp),
    ContractFile(ContractFile),
    ContractPublish(ContractPublish),
    Archive(Archive),
}

impl Event {
    /// Reads the event of a record; `None` for a type that this version does not know.
    ///
    /// # Errors
    /// If the data does not fit the type.
    pub fn read(record: &mifeng_record::Record) -> Result<Option<Self>, mifeng_record::Error> {
        Ok(Some(match record.kind() {
            "log.config" => Event::LogConfig(record.data()?),
            "board.cert" => Event::BoardCert(record.data()?),
            "board.dkg1" => Event::BoardDkg1(record.data()?),
            "board.dkg2" => Event::BoardDkg2(record.data()?),
            "board.complain" => Event::BoardComplain(record.data()?),
            "board.abandon" => Event::BoardAbandon(record.data()?),
            "board.reshare" => Event::BoardReshare(record.data()?),
            "board.reshare1" => Event::BoardReshareDeal(record.data()?),
            "board.reshare2" => Event::BoardReshareSign(record.data()?),
            "trust.list" => Event::TrustList(record.data()?),
            "crl.take" => Event::CrlTake(record.data()?),
            "ocsp.take" => Event::OcspTake(record.data()?),
            "tender.publish" => Event::Publish(Box::new(record.data()?)),
            "tender.postpone" => Event::Postpone(record.data()?),
            "tender.amend" => Event::Amend(record.data()?),
            "tender.suspend" => Event::Suspend(record.data()?),
            "tender.resume" => Event::Resume(record.data()?),
            "tender.cancel" => Event::Cancel(record.data()?),
            "bid.submit" => Event::Submit(record.data()?),
            "bid.replace" => Event::Replace(record.data()?),
            "bid.withdraw" => Event::Withdraw(record.data()?),
            "submission.close" => Event::Close(record.data()?),
            "bidder.share" => Event::BidderShare(record.data()?),
            "beacon" => Event::Beacon(record.data()?),
            "bidder-window.close" => Event::WindowClose(record.data()?),
            "board.share" => Event::BoardShares(record.data()?),
            "bid.open" => Event::Open(record.data()?),
            "bid.fail" => Event::Fail(record.data()?),
            "bid.refuse" => Event::BidRefuse(record.data()?),
            "share.false" => Event::ShareFalse(record.data()?),
            "key.reveal" => Event::KeyReveal(record.data()?),
            "opening.minutes" => Event::Minutes(record.data()?),
            "opening.sign" => Event::MinutesSign(record.data()?),
            "opening.ask" => Event::OpeningAsk(record.data()?),
            "opening.answer" => Event::OpeningAnswer(record.data()?),
            "expert.pool" => Event::Pool(record.data()?),
            "draw.share" => Event::DrawShare(record.data()?),
            "draw.result" => Event::DrawResult(record.data()?),
            "price.confirm" => Event::PriceConfirm(record.data()?),
            "session.open" => Event::SessionOpen(record.data()?),
            "seat.open" => Event::SeatOpen(record.data()?),
            "seat.cosign" => Event::SeatCosign(record.data()?),
            "seat.freeze" => Event::SeatFreeze(record.data()?),
            "seat.resume" => Event::SeatResume(record.data()?),
            "seat.leave" => Event::SeatLeave(record.data()?),
            "seat.replace" => Event::SeatReplace(record.data()?),
            "check" => Event::Check(record.data()?),
            "clarify.ask" => Event::Ask(record.data()?),
            "clarify.answer" => Event::Answer(record.data()?),
            "price.decide" => Event::PriceDecide(record.data()?),
            "round.open" => Event::RoundOpen(record.data()?),
            "offer.submit" => Event::OfferSubmit(record.data()?),
            "offer.exit" => Event::OfferExit(record.data()?),
            "round.close" => Event::RoundClose(record.data()?),
            "round-window.close" => Event::RoundWindow(record.data()?),
            "round.minutes" => Event::RoundMinutes(record.data()?),
            "score.commit" => Event::ScoreCommit(record.data()?),
            "score" => Event::Score(record.data()?),
            "score.correct" => Event::ScoreCorrect(record.data()?),
            "lot.pool" => Event::LotPool(record.data()?),
            "lot.drawn" => Event::LotDrawn(record.data()?),
            "lot.fail" => Event::LotFail(record.data()?),
            "report" => Event::Report(Box::new(record.data()?)),
            "report.sign" => Event::ReportSign(record.data()?),
            "framework.list" => Event::FrameworkList(record.data()?),
            "letter" => Event::Letter(record.data()?),
            "rank" => Event::Rank(record.data()?),
            "award" => Event::Award(record.data()?),
            "contract.stamp" => Event::ContractStamp(record.data()?),
            "contract.file" => Event::ContractFile(record.data()?),
            "contract.publish" => Event::ContractPublish(record.data()?),
            "archive.close" => Event::Archive(record.data()?),
            _ => return Ok(None),
        }))
    }
}
