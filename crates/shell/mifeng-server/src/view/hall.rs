//! The opening hall, after the close: the roll, the releases as they come, the opening record, and what was asked on the spot.

use super::{Words, words};
use mifeng::Logged;
use mifeng::crypto::{Digest, Time};
use mifeng::tender::{
    BidLife, BidOutcome, BidStatus, OpeningMatter, OpeningQuestion, Stage, State,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Characters of a question in a list to choose from: one line.
const SHORT_CHARS: usize = 40;

/// One bid on the roll.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Row {
    /// Lot.
    pub lot: String,
    /// Name in the bidder's certificate.
    pub name: String,
    /// The bidder's unified social credit code.
    pub bidder: String,
    /// Id of the seal.
    #[schema(value_type = String)]
    pub seal: Digest,
    /// Its status: `sealed` until the opening, then that of the opening record.
    pub status: String,
    /// The status in words.
    pub words: Words,
    /// What a sealed bid waits for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Words>,
    /// The price read out, in yuan.
    pub price: Option<String>,
}

impl Row {
    /// Whether the bid was opened: then it may be scored.
    pub(crate) fn is_open(&self) -> bool {
        matches!(&*self.status, "opened" | "remedied")
    }
}

/// A share that was released.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Release {
    /// Name in the certificate.
    pub name: String,
    /// Whether a trustee released it, or the bidder.
    pub trustee: bool,
    /// When its signer signed.
    #[schema(value_type = String)]
    pub time: Time,
}

/// The opening hall, after the close.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hall {
    /// The bids.
    pub roll: Vec<Row>,
    /// Shares released so far.
    pub releases: Vec<Release>,
    /// Until when bidders may release.
    #[schema(value_type = String)]
    pub window_end: Time,
    /// Bids whose bidder has not released yet, where the policy asks for it.
    pub missing: usize,
    /// Bids that are due to be opened; none where too few came.
    pub due: usize,
    /// Until when a bid that lacks shares waits for them in any case; after that the host's operator may order it to wait no
    /// longer. None where no bid waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub waits_until: Option<Time>,
    /// Commitment of the opening record; none before it stands.
    #[schema(value_type = Option<String>)]
    pub minutes: Option<Digest>,
    /// Those present who signed it, in order.
    pub signers: Vec<Signer>,
    /// What was asked on the spot, in order.
    pub questions: Vec<Question>,
}

/// What a bidder asked at the opening (87 art. 42).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Question {
    /// Commitment of its record.
    #[schema(value_type = String)]
    pub ask: Digest,
    /// Name of the bidder.
    pub name: String,
    /// A question, or a request that somebody stand back, in words.
    pub words: Words,
    /// What was asked.
    pub text: String,
    /// When it was signed.
    #[schema(value_type = String)]
    pub time: Time,
    /// What was answered; none while it waits.
    pub answer: Option<Answer>,
}

impl Question {
    /// Its beginning, for a list to choose from.
    pub(crate) fn short(&self) -> String {
        self.text.chars().take(SHORT_CHARS).collect()
    }
}

/// What a bidder was answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// Who answered: buyer or agency, in words.
    pub words: Words,
    /// What was answered.
    pub text: String,
    /// When it was signed.
    #[schema(value_type = String)]
    pub time: Time,
}

/// Somebody present who signed the opening record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Signer {
    /// Name in the certificate.
    pub name: String,
    /// `buyer`, `trustee` or `bidder`.
    pub role: &'static str,
    /// The role in words.
    pub words: Words,
    /// When it was signed.
    #[schema(value_type = String)]
    pub time: Time,
}

impl Hall {
    /// Different trustees who released.
    pub(crate) fn trustees(&self) -> usize {
        let own = self.releases.iter().filter(|one| one.trustee);
        let names: std::collections::BTreeSet<&str> = own.map(|one| &*one.name).collect();
        names.len()
    }

    /// Bids that were not taken back before the deadline.
    fn standing(&self) -> impl Iterator<Item = &Row> {
        let gone = |row: &&Row| !matches!(&*row.status, "withdrawn_before_deadline" | "replaced");
        self.roll.iter().filter(gone)
    }

    /// How many those are.
    pub(crate) fn bids(&self) -> usize {
        self.standing().count()
    }

    /// Those of them whose outcome is known.
    pub(crate) fn decided(&self) -> usize {
        self.standing().filter(|row| row.status != "sealed").count()
    }

    /// Those who signed the opening record, the agency that made it among them, as the verifier counts.
    pub(crate) fn signed(&self) -> usize {
        usize::from(self.minutes.is_some()) + self.signers.len()
    }

    /// Bids that stay shut by their bidder's cause.
    pub(crate) fn revoked(&self) -> usize {
        let revoked = self.roll.iter();
        revoked
            .filter(|row| row.status == "revoked_bidder_cause")
            .count()
    }

    /// Whether every bid has its outcome and none was to be opened: then nobody releases anything.
    pub(crate) fn opens_nothing(&self) -> bool {
        self.due == 0 && self.decided() == self.bids()
    }
}

pub(super) fn hall(state: &State, records: &[Logged]) -> Hall {
    let deadline = state.notice().map(|(_, notice)| notice.deadline);
    let releases = records.iter().filter_map(|logged| {
        let trustee = match logged.kind.as_str() {
            "board.share" | "key.reveal" => true,
            "bidder.share" => false,
            _ => return None,
        };
        Some(Release {
            name: logged.signer.clone(),
            trustee,
            time: logged.time,
        })
    });
    Hall {
        roll: roll(state),
        releases: releases.collect(),
        window_end: state.window_end(deadline.unwrap_or(Time::from_unix_seconds(0))),
        missing: match state.stage() {
            Stage::Window => state.missing_leaves().len(),
            _ => 0,
        },
        due: state.to_open().len(),
        waits_until: waits_until(state),
        minutes: state.minutes().map(|(record, _)| *record),
        signers: signers(state, records),
        questions: state
            .opening_questions()
            .iter()
            .map(|one| question(state, one))
            .collect(),
    }
}

fn waits_until(state: &State) -> Option<Time> {
    let due = state.to_open().into_iter();
    let open = due.filter(|seal| !state.outcomes().contains_key(seal));
    open.filter_map(|seal| state.waits_until(&seal)).max()
}

/// What a live bid without an outcome waits for.
fn waits(state: &State, seal: &Digest) -> Option<Words> {
    let silent = state.is_silent(seal);
    let told = match state.stage() {
        Stage::Window if silent => words("投标人未解密", "its bidder has not released"),
        Stage::Opening if silent && state.can_open(seal) => words(
            "投标人未解密，待补救",
            "its bidder did not release; waits for the remedy",
        ),
        Stage::Opening if silent => words("投标人未解密", "its bidder did not release"),
        Stage::Opening if state.has_enough(seal) => return None,
        Stage::Opening if state.missing_beacons().is_empty() => {
            words("待受托人释放", "waits for trustees")
        }
        Stage::Opening => words("待受托人释放或信标", "waits for trustees or the beacon"),
        _ => return None,
    };
    Some(told)
}

fn question(state: &State, one: &OpeningQuestion) -> Question {
    let kind = match one.kind {
        OpeningMatter::Question => words("询问", "question"),
        OpeningMatter::Recusal => words("回避申请", "request for recusal"),
    };
    let buyer = state.notice().map(|(_, notice)| notice.buyer.cert);
    let answer = one.reply.as_ref().map(|reply| Answer {
        words: match buyer == Some(reply.by) {
            true => words("采购人", "buyer"),
            false => words("代理机构", "agency"),
        },
        text: reply.text.clone(),
        time: reply.answered,
    });
    Question {
        ask: one.ask,
        name: one.name.clone(),
        words: kind,
        text: one.text.clone(),
        time: one.asked,
        answer,
    }
}

fn signers(state: &State, records: &[Logged]) -> Vec<Signer> {
    let buyer = state.notice().map(|(_, notice)| notice.buyer.cert);
    let seated = |actor: &Digest| {
        let members = state.members().values();
        let mut all = members.chain(state.fallback_members().values());
        all.any(|(cert, _)| cert == actor)
    };
    let signed = records.iter().filter(|one| one.kind == "opening.sign");
    let signed = signed.map(|logged| {
        let (role, zh, en) = match () {
            () if buyer == Some(logged.actor) => ("buyer", "采购人", "buyer"),
            () if seated(&logged.actor) => ("trustee", "受托人", "trustee"),
            () => ("bidder", "投标人", "bidder"),
        };
        Signer {
            name: logged.signer.clone(),
            role,
            words: words(zh, en),
            time: logged.time,
        }
    });
    signed.collect()
}

fn roll(state: &State) -> Vec<Row> {
    let due = state.to_open();
    let too_few = state.stage() >= Stage::Opening;
    let bids = state.bids().iter().filter(|(_, b)| b.offer_for.is_none());
    let mut rows: Vec<Row> = bids
        .map(|(id, bid)| {
            let context = bid.seal.context();
            let (status, price) = match (bid.life, state.outcomes().get(id)) {
                (BidLife::Withdrawn, _) => (Some(BidStatus::WithdrawnBeforeDeadline), None),
                (BidLife::Replaced, _) => (Some(BidStatus::Replaced), None),
                (BidLife::NoBody, _) => (Some(BidStatus::RefusedUnsealed), None),
                (BidLife::Live, Some(BidOutcome::Opened(open))) => {
                    let price = Some(open.opening.price.clone());
                    let remedied = state.is_remedied(id);
                    let status = match remedied {
                        true => BidStatus::Remedied,
                        false => BidStatus::Opened,
                    };
                    (Some(status), price.filter(|_| state.profile().read_out))
                }
                (BidLife::Live, Some(BidOutcome::Failed(fail))) => (Some(fail.status), None),
                (BidLife::Live, None) if too_few && !due.contains(id) => {
                    (Some(BidStatus::NotOpened), None)
                }
                (BidLife::Live, None) => (None, None),
            };
            let row = row(
                context.lot.clone(),
                (*id, bid.name.clone(), context.bidder.clone()),
                status,
                price,
            );
            let waits = waits(state, id).filter(|_| status.is_none());
            Row { waits, ..row }
        })
        .collect();
    rows.extend(state.refused().values().map(|no| {
        let who = (no.seal, no.name.clone(), no.bidder.clone());
        row(no.lot.clone(), who, Some(no.status), None)
    }));
    // As in the opening record on paper: lots as the notice has them, bidders by name.
    let lots = state.notice().map_or(&[][..], |(_, notice)| &notice.lots);
    let place = |lot: &str| lots.iter().position(|one| one.id == lot);
    let place = |lot: &str| place(lot).unwrap_or(lots.len());
    rows.sort_by(|a, b| {
        let (first, second) = (place(&a.lot), place(&b.lot));
        (first, &a.name, &a.seal).cmp(&(second, &b.name, &b.seal))
    });
    rows
}

fn row(
    lot: String,
    (seal, name, bidder): (Digest, String, String),
    status: Option<BidStatus>,
    price: Option<String>,
) -> Row {
    let (code, zh, en) = status.map_or(("sealed", "密封中", "sealed"), status_words);
    Row {
        lot,
        name,
        bidder,
        seal,
        status: code.to_owned(),
        words: words(zh, en),
        waits: None,
        price: price.filter(|price| !price.is_empty()),
    }
}

fn status_words(status: BidStatus) -> (&'static str, &'static str, &'static str) {
    match status {
        BidStatus::Opened => ("opened", "已开标", "opened"),
        BidStatus::Remedied => ("remedied", "补救后开标", "opened by the remedy plan"),
        BidStatus::RevokedBidderCause => (
            "revoked_bidder_cause",
            "视为撤销（投标人原因）",
            "treated as revoked (the bidder's cause)",
        ),
        BidStatus::WithdrawnOtherCause => (
            "withdrawn_other_cause",
            "视为撤回（非投标人原因）",
            "treated as withdrawn (another's cause)",
        ),
        BidStatus::WithdrawnBeforeDeadline => (
            "withdrawn_before_deadline",
            "截止前撤回",
            "withdrawn before the deadline",
        ),
        BidStatus::Replaced => ("replaced", "截止前被替换", "replaced before the deadline"),
        BidStatus::NotOpened => ("not_opened", "投标不足，未开", "too few bids: not opened"),
        BidStatus::RefusedLate => ("refused_late", "逾期送达，拒收", "refused: came too late"),
        BidStatus::RefusedUnsealed => (
            "refused_unsealed",
            "未按要求密封，拒收",
            "refused: not sealed as required",
        ),
    }
}
