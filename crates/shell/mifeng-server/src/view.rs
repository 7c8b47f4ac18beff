//! What anybody may see of a tender: made by its writer after every change, and all that others read.
//!
//! Before the close it is made of the notice, the clock's beats and the log's head alone, never of the bids.

mod changes;
mod hall;
mod results;

pub use changes::Change;
pub use hall::{Answer, Hall, Question, Release, Row, Signer};
pub use results::{Ended, Placed};

use crate::anchor::Anchoring;
use crate::known::Known;
use crate::parties::Parties;
use mifeng::crypto::{Digest, Time};
use mifeng::score::Method;
use mifeng::tender::{Stage, State};
use mifeng::{CloseShown, Host, Logged, Store};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Acts that the hall lists.
const ACTS_SHOWN: usize = 12;

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

fn words(zh: &str, en: &str) -> Words {
    Words {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn both((zh, en): (String, String)) -> Words {
    Words { zh, en }
}

/// Where a tender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// There is no notice yet.
    Setup,
    /// Bids are received.
    Open,
    /// Submission is closed; bidders may release.
    Window,
    /// Trustees release, bids are opened.
    Opening,
    /// The opening record stands.
    Evaluation,
    /// The log is closed.
    Archived,
}

impl Life {
    /// In words.
    pub(crate) fn words(self) -> (&'static str, &'static str) {
        match self {
            Life::Setup => ("尚未公告", "before the notice"),
            Life::Open => ("接收投标", "open for bids"),
            Life::Window => ("已截标，投标人解密", "closed, bidders release"),
            Life::Opening => ("开标中", "opening"),
            Life::Evaluation => ("评审中", "evaluation"),
            Life::Archived => ("已归档", "archived"),
        }
    }
}

/// Whether a process writes a tender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Writes,
    /// Another one does; this one shows what the log holds, and takes over when it can.
    StandsBy,
    /// The store does not answer, or a write failed: it is being opened again.
    Away,
}

/// One lot of the notice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Lot {
    /// Its id.
    pub id: String,
    /// What is bought.
    pub title: Words,
    /// How it is evaluated.
    pub method: Words,
    /// Budget in yuan, if the rules name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// Highest price in yuan, if the rules name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<String>,
    /// Whether it is reserved for small and medium enterprises.
    pub reserved: bool,
    /// What is scored by hand; none where the price decides.
    pub items: Vec<Item>,
}

/// A heading of the public notice and what stands under it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Particular {
    /// Heading.
    pub name: Words,
    /// What stands under it.
    pub text: Words,
}

/// One item of the score sheets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Item {
    /// Its id in the sheets.
    pub id: String,
    /// What is judged.
    pub name: Words,
    /// Most points, decimal.
    pub max: String,
    /// Whether experts may differ.
    pub subjective: bool,
}

/// A round of final offers whose close is not in the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Round {
    /// Lot.
    pub lot: String,
    /// Final offers are received before this instant.
    #[schema(value_type = String)]
    pub deadline: Time,
}

/// One file of the tender document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Paper {
    /// File name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Hash with the suite's algorithm.
    #[schema(value_type = String)]
    pub hash: Digest,
}

/// One act in the log that everybody may know of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Act {
    /// Index of its log entry.
    pub index: u64,
    /// Event type (spec/events.md).
    pub kind: String,
    /// The same in words.
    pub words: Words,
    /// Lot, if it names one.
    pub lot: Option<String>,
    /// When it was signed.
    #[schema(value_type = String)]
    pub time: Time,
}

/// A tender as anybody may see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct View {
    /// Its name in addresses.
    pub name: String,
    /// Its log.
    pub origin: String,
    /// Its suite.
    pub suite: String,
    /// Its number, as people cite it.
    pub tender: String,
    /// Title.
    pub title: Words,
    /// Procedure.
    pub procedure: Words,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// Whether it is suspended or cancelled.
    pub halted: bool,
    /// Where it stands.
    pub stage: Life,
    /// The buyer's name.
    pub buyer: String,
    /// The agency's name.
    pub agency: String,
    /// Bids are received before this instant.
    #[schema(value_type = Option<String>)]
    pub deadline: Option<Time>,
    /// Until when the body of a bid is taken whose record came before the deadline, where the notice gives time for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub bodies_end: Option<Time>,
    /// The next beat: receipts come with it.
    #[schema(value_type = Option<String>)]
    pub next_beat: Option<Time>,
    /// Trustees who open together, and how many there are.
    pub board: Option<(u8, u8)>,
    /// Who together opens a bid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_by: Option<Words>,
    /// What bidders have to do after the deadline, where the policy needs their leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Words>,
    /// Commitment of the notice's record.
    #[schema(value_type = Option<String>)]
    pub notice: Option<Digest>,
    /// The lots.
    pub lots: Vec<Lot>,
    /// Rounds of final offers that can be given now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// Files of the tender document.
    pub documents: Vec<Paper>,
    /// What else the public notice says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub particulars: Vec<Particular>,
    /// Corrections and later deadlines since the notice, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Entries of the log.
    pub size: u64,
    /// The head, as its host signed it (spec/checkpoint.md).
    pub head: String,
    /// Acts, oldest first.
    pub acts: Vec<Act>,
    /// The opening, after the close.
    pub hall: Option<Hall>,
    /// How lots ended, once they did.
    pub results: Vec<Ended>,
    /// Whether this process writes the tender.
    #[serde(skip)]
    pub standing: Standing,
    /// Who witnessed the close and when it was stamped, while bids wait for their opening; the pages tell it.
    #[serde(skip)]
    pub(crate) close_shown: Option<CloseShown>,
    /// What the keeper of the anchor log needs; nothing of it is shown. None if the tender names no anchor log.
    #[serde(skip)]
    pub(crate) anchoring: Option<Arc<Anchoring>>,
    /// Who is what; nothing of it is shown.
    #[serde(skip)]
    pub(crate) parties: Arc<Parties>,
    /// Whose records come before those of strangers; nothing of it is shown.
    #[serde(skip)]
    pub(crate) known: Arc<Known>,
    /// Whether the host's clock can be believed; while it cannot nothing is taken in, and nothing happens by itself.
    #[serde(skip)]
    pub trusted: bool,
    /// Bids that lack shares though the time for them is over: they wait for the operator's order.
    #[serde(skip)]
    pub overdue: usize,
    /// Counts the snapshots of this run.
    #[serde(skip)]
    pub version: u64,
}

impl View {
    /// Whoever alone may go on with this bid's record where bodies come after the close: everybody has its commitment then.
    pub(crate) fn bound_to(&self, record: &Digest, now: Time) -> Option<Digest> {
        let is_open = matches!(self.stage, Life::Setup | Life::Open);
        // Another replica may have closed it, while this one's store is away.
        let is_over = self.deadline.is_some_and(|deadline| now >= deadline);
        let is_public = self.bodies_end.is_some() && (!is_open || is_over);
        let signer = self.parties.signer(record).filter(|_| is_public);
        signer.copied()
    }

    /// Whether a deadline is over for whoever asks now; while the clock is in doubt none is.
    pub(crate) fn is_over(&self, deadline: Time, now: Time) -> bool {
        self.trusted && now >= deadline
    }

    /// The same as it is told now: a round whose deadline is over takes nothing, though its close is not in the log yet.
    pub(crate) fn now(self: Arc<Self>, now: Time) -> Arc<Self> {
        let over = |round: &Round| self.is_over(round.deadline, now);
        if !self.rounds.iter().any(over) {
            return self;
        }
        let rounds = self.rounds.iter().filter(|round| !over(round));
        Arc::new(View {
            rounds: rounds.cloned().collect(),
            ..View::clone(&self)
        })
    }

    /// What the opening waits for of witnesses and of an authority, if bids are to be opened and something is missing.
    pub(crate) fn waits_for(&self) -> Option<Words> {
        let is_due = matches!(self.stage, Life::Window | Life::Opening)
            && !self.hall.as_ref().is_some_and(Hall::opens_nothing);
        let shown = self.close_shown.filter(|one| is_due && !one.is_whole())?;
        let (found, needed) = (shown.witnesses, shown.needed);
        let cosigned = (
            format!("见证人共签截标记录（{found}/{needed}）"),
            format!("witnesses' cosignatures of the close ({found} of {needed})"),
        );
        let stamped = (
            "截止时间之后的时间戳（尚无）".to_owned(),
            "a time stamp from after the deadline (none yet)".to_owned(),
        );
        let cosigned = Some(cosigned).filter(|_| found < needed);
        let stamped = Some(stamped).filter(|_| shown.stamp.is_none());
        let (zh, en): (Vec<_>, Vec<_>) = cosigned.into_iter().chain(stamped).unzip();
        Some(Words {
            zh: zh.join("；"),
            en: en.join("; "),
        })
    }

    /// The last acts, newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().rev().take(ACTS_SHOWN)
    }

    /// Those before them, newest first.
    pub(crate) fn older(&self) -> impl Iterator<Item = &Act> {
        self.acts.iter().rev().skip(ACTS_SHOWN)
    }

    /// What may be seen now.
    pub(crate) fn of<S: Store>(
        name: &str,
        host: &Host<S>,
        (version, standing): (u64, Standing),
        before: Option<&View>,
    ) -> Self {
        let (state, replay) = (host.state(), host.replay());
        let closed = state.closed().is_some();
        let notice = state.notice().map(|(_, notice)| notice);
        let profile = notice.map(|notice| notice.procedure.profile());
        let text = |text: &mifeng::tender::Text| words(&text.zh, &text.en);
        let head = replay.checkpoint().map(|head| head.note().to_text());
        View {
            name: name.to_owned(),
            origin: state.origin().to_owned(),
            suite: state.suite().id().to_owned(),
            tender: notice.map_or_else(|| name.to_owned(), |notice| notice.tender.clone()),
            title: notice.map_or_else(|| words(name, name), |notice| text(&notice.title)),
            procedure: profile.map_or_else(|| words("", ""), |p| words(p.zh, p.en)),
            rehearsal: notice.is_some_and(|notice| notice.rehearsal),
            halted: state.is_halted(),
            stage: life(state.stage()),
            buyer: notice.map_or_else(String::new, |n| n.buyer.name.clone()),
            agency: notice.map_or_else(String::new, |n| n.agency.name.clone()),
            deadline: notice.map(|notice| notice.deadline),
            bodies_end: state.bodies_end(),
            next_beat: host.next_beat(),
            board: state.board().map(|b| (b.threshold(), b.members())),
            opened_by: notice.map(|notice| both(notice.opened_by())),
            asked: notice.and_then(|notice| notice.asks_of_bidders().map(both)),
            notice: state.notice().map(|(record, _)| *record),
            lots: notice.map_or_else(Vec::new, |notice| {
                let lots = notice.lots.iter();
                lots.map(|lot| Lot {
                    id: lot.id.clone(),
                    title: text(&lot.title),
                    method: method(lot.rules.method),
                    budget: lot.rules.budget.clone(),
                    ceiling: lot.rules.ceiling.clone(),
                    reserved: lot.rules.reserved,
                    items: lot.rules.items.iter().map(item).collect(),
                })
                .collect()
            }),
            rounds: notice.map_or_else(Vec::new, |notice| {
                let lots = notice.lots.iter().map(|lot| &*lot.id);
                lots.filter_map(|lot| round(state, lot)).collect()
            }),
            documents: notice.map_or_else(Vec::new, |notice| {
                let files = notice.documents.iter();
                files
                    .map(|file| Paper {
                        name: file.name.clone(),
                        size: file.size,
                        hash: file.hash,
                    })
                    .collect()
            }),
            particulars: notice.map_or_else(Vec::new, |notice| {
                let told = notice.particulars.iter();
                told.map(|one| Particular {
                    name: text(&one.name),
                    text: text(&one.text),
                })
                .collect()
            }),
            changes: changes::changes(state, &replay.records),
            size: replay.tree.size(),
            head: head.unwrap_or_default(),
            // Records of beats are never acts: before the close nobody may know of them, and after it the roll tells.
            acts: replay.records.iter().filter_map(act).collect(),
            hall: closed.then(|| hall::hall(state, &replay.records)),
            results: results::results(state, &replay.records),
            standing,
            close_shown: close_shown(host, before),
            anchoring: Anchoring::of(host).map(Arc::new),
            parties: Arc::new(Parties::of(state)),
            known: Arc::new(Known::of(host, before.map(|view| &*view.known))),
            trusted: true,
            overdue: 0,
            version,
        }
    }
}

/// Looked at while it matters, and no more once nothing is missing; a store that does not answer tells nothing.
fn close_shown<S: Store>(host: &Host<S>, before: Option<&View>) -> Option<CloseShown> {
    let known = before.and_then(|view| view.close_shown);
    let waits = matches!(host.state().stage(), Stage::Window | Stage::Opening);
    match known.filter(CloseShown::is_whole) {
        None if waits => host.close_shown().ok().flatten(),
        known => known,
    }
}

fn item(item: &mifeng::score::Item) -> Item {
    Item {
        id: item.id.clone(),
        name: words(&item.name.zh, &item.name.en),
        max: item.max.clone(),
        subjective: item.kind == mifeng::score::ItemKind::Subjective,
    }
}

fn method(method: Method) -> Words {
    match method {
        Method::Composite => words("综合评分法", "composite score"),
        Method::Lowest => words("最低评标价法", "lowest evaluated price"),
        Method::Negotiation => words(
            "竞争性谈判（最低最后报价）",
            "negotiation: the lowest final offer",
        ),
        Method::Inquiry => words("询价（最低报价）", "inquiry: the lowest price"),
        Method::Consultation => words(
            "竞争性磋商（综合评分）",
            "consultation: composite score over final offers",
        ),
        Method::SingleSource => words("单一来源协商", "single source: a negotiated price"),
        Method::Framework => words("框架协议入围", "admission to a framework agreement"),
        Method::WorksDeviation => words("评标基准价法", "deviation from a benchmark price"),
    }
}

fn round(state: &State, lot: &str) -> Option<Round> {
    let round = state.round(lot).filter(|round| !round.closed)?;
    Some(Round {
        lot: lot.to_owned(),
        deadline: round.deadline,
    })
}

fn life(stage: Stage) -> Life {
    match stage {
        Stage::Setup => Life::Setup,
        Stage::Open => Life::Open,
        Stage::Window => Life::Window,
        Stage::Opening => Life::Opening,
        Stage::Evaluation => Life::Evaluation,
        Stage::Archived => Life::Archived,
    }
}

/// The acts that are told, in words. What experts do is not: who scored when is nobody's business.
fn act(logged: &Logged) -> Option<Act> {
    let (zh, en) = match logged.kind.as_str() {
        _ if logged.in_beat => return None,
        "log.config" => ("日志建立", "log started"),
        "tender.publish" => ("发布公告", "notice published"),
        "tender.suspend" => ("暂停", "suspended"),
        "tender.resume" => ("恢复", "resumed"),
        "tender.cancel" => ("终止", "cancelled"),
        "submission.close" => ("截标", "submission closed"),
        "bidder.share" => ("投标人解密", "a bidder released its leaf"),
        "bidder-window.close" => ("投标人解密时段结束", "bidders' window closed"),
        "beacon" => ("信标载入", "beacon taken in"),
        "board.share" => ("受托人释放份额", "a trustee released its shares"),
        "key.reveal" => (
            "受托人公开专用密钥份额",
            "a trustee revealed its share of the key",
        ),
        "bid.open" => ("开启一份投标", "a bid was opened"),
        "bid.fail" => ("一份投标未能开启", "a bid was not opened"),
        "bid.refuse" => ("一份投标被拒收", "a bid was refused"),
        "share.false" => ("一份份额不实", "a share was false"),
        "opening.minutes" => ("开标记录", "opening record"),
        "opening.sign" => ("在场人签署开标记录", "opening record signed by one present"),
        "opening.ask" => ("投标人当场询问", "a bidder asked on the spot"),
        "opening.answer" => ("询问已答复", "a question was answered"),
        "tender.postpone" => ("延期", "deadline postponed"),
        "tender.amend" => ("澄清或更正", "tender document clarified or changed"),
        "expert.pool" => ("专家名单冻结", "pool of experts frozen"),
        "draw.result" => ("评审委员会抽取完成", "committee drawn"),
        "lot.fail" => ("标段未产生中标（成交）人", "a lot ended without a winner"),
        "award" => ("定标", "award"),
        "contract.publish" => ("合同公开", "contract published"),
        "archive.close" => ("归档", "archived"),
        _ => return None,
    };
    Some(Act {
        index: logged.index,
        kind: logged.kind.clone(),
        words: words(zh, en),
        lot: logged.lot.clone(),
        time: logged.time,
    })
}
