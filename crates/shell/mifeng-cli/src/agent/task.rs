//! What a trustee owes, as the records of a bundle tell it: shares for the opening and for final offers, answers for
//! draws, its signature under the opening record.

use super::page::{Asked, Line};
use crate::bundle::Bundle;
use crate::clock;
use crate::minutes;
use crate::ui::Failure;
use mifeng::crypto::Digest;
use mifeng::lock::SecretShare;
use mifeng::tender::{Minutes, Stage, State};
use mifeng::trustee;

/// Something that a trustee owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Its shares for the opening, or of the tender's own key.
    Opening,
    /// Its shares for the final offers of a lot.
    Offers(String),
    /// Its answer for a draw.
    Draw(Digest),
    /// Its signature under the opening record, by the commitment of that.
    Minutes(Digest),
}

impl Task {
    /// Part of the names of its files.
    pub(super) fn name(&self) -> String {
        match self {
            Task::Opening => "release".to_owned(),
            Task::Offers(lot) => format!("release-{}", hex::encode(lot)),
            Task::Draw(id) => format!("draw-{id}"),
            Task::Minutes(id) => format!("sign-{id}"),
        }
    }

    fn words(&self, due: usize) -> (String, String) {
        match self {
            Task::Opening => (
                format!("释放开标所需的解密份额（{due} 份投标）"),
                format!("release the shares for the opening ({due} bids)"),
            ),
            Task::Offers(lot) => (
                format!("释放标段 {lot} 最后报价的解密份额（{due} 份）"),
                format!("release the shares for the final offers of lot {lot} ({due})"),
            ),
            Task::Draw(_) => ("为抽取给出份额".to_owned(), "answer for a draw".to_owned()),
            Task::Minutes(_) => (
                format!("在开标记录上签名（{due} 行）"),
                format!("sign the opening record ({due} rows)"),
            ),
        }
    }

    /// Whether the terminal lists what it is about too; the page always does.
    pub(super) fn shows_rows(&self) -> bool {
        matches!(self, Task::Minutes(_))
    }

    /// What a person says yes to.
    fn consent(&self) -> (&'static str, &'static str) {
        match self {
            Task::Opening | Task::Offers(_) => ("我同意，释放", "I agree: release"),
            Task::Draw(_) => ("我同意，给出份额", "I agree: answer"),
            Task::Minutes(_) => ("我同意，签名", "I agree: sign"),
        }
    }

    fn word(&self) -> (&'static str, &'static str) {
        match self {
            Task::Opening | Task::Offers(_) | Task::Draw(_) => ("是", "yes"),
            Task::Minutes(_) => ("签署", "sign"),
        }
    }
}

/// Why a tender that is closed has nothing to release: too few bids came, and what is not opened waits for no share.
pub(super) fn nothing_to_open(state: &State) -> Option<(String, String)> {
    let (_, notice) = state.notice()?;
    if !matches!(state.stage(), Stage::Window | Stage::Opening) || !state.to_open().is_empty() {
        return None;
    }
    let least = notice.bidders_min;
    Some((
        format!("没有标段达到 {least} 家投标，均不开标：没有份额要您释放。"),
        format!("No lot has {least} bids, so none is opened: there is nothing for you to release."),
    ))
}

/// The opening record that this trustee may sign and has not, by its commitment. Whoever sits in the committee does not
/// attend the opening (spec/access.md): it is not asked.
pub(super) fn unsigned(state: &State, own: &Digest) -> Option<Digest> {
    let (id, _) = state
        .minutes()
        .filter(|_| state.stage() == Stage::Evaluation)?;
    let members = state.members().values();
    let mut members = members.chain(state.fallback_members().values());
    let is_trustee = members.any(|(cert, _)| cert == own);
    let sits = state.seats().iter().any(|seat| seat.cert == *own);
    let signed = state.minutes_signed().contains(own);
    (is_trustee && !sits && !signed).then_some(*id)
}

/// Whether a trustee owes shares: none of its own were given for what has no outcome yet.
pub(super) fn owes(state: &State, secret: &SecretShare, due: &[Digest]) -> bool {
    let mut owed = due
        .iter()
        .filter(|seal| !state.outcomes().contains_key(seal))
        .flat_map(|seal| {
            let leaves = state.leaves_due(seal, &secret.board_key());
            leaves.into_iter().map(|leaf| (*seal, leaf.path.clone()))
        })
        .peekable();
    let given = |place: &(Digest, String)| {
        let shares = state.shares().get(place);
        shares.is_some_and(|shares| shares.contains_key(&secret.index()))
    };
    owed.peek().is_some() && !owed.any(|place| given(&place))
}

/// The conditions of a task, and whether all hold. A draw has one: that its pool is frozen.
pub(super) fn conditions(bundle: &Bundle, task: &Task) -> Result<(Vec<Line>, bool), Failure> {
    let now = clock::now();
    let (all, lot) = match task {
        Task::Opening => (
            trustee::release_conditions(&bundle.replay, &bundle.files, now)?,
            None,
        ),
        Task::Offers(lot) => (
            trustee::round_conditions(&bundle.replay, &bundle.files, lot, now)?,
            Some(&**lot),
        ),
        Task::Draw(_) => return Ok((Vec::new(), true)),
        Task::Minutes(_) => {
            let lines = before_signing(&bundle.replay.state);
            let ready = lines.iter().all(|line| line.met);
            return Ok((lines.into(), ready));
        }
    };
    let ready = trustee::require_met(&bundle.replay, lot, &all, now).is_ok();
    let line = |c: trustee::Condition| Line {
        met: c.met,
        zh: format!("{}. {}", c.number, c.zh),
        en: format!("{}. {}", c.number, c.en),
    };
    Ok((all.into_iter().map(line).collect(), ready))
}

/// What holds before the opening record is signed. Another one than the records give is no part of a log that replays:
/// that the bundle was opened is the first line.
fn before_signing(state: &State) -> [Line; 2] {
    let asked = state.opening_questions();
    let open = asked.iter().filter(|one| one.reply.is_none()).count();
    [
        Line {
            met: true,
            zh: "1. 日志逐条重放，签名与规则全部成立；开标记录与其各条记录推出的一致".to_owned(),
            en: "1. the log was replayed, every signature and rule holds, and the opening record is what its records give".to_owned(),
        },
        Line {
            met: open == 0,
            zh: format!("2. 现场询问与回避申请均已答复（{} 件，{open} 件未答复）", asked.len()),
            en: format!("2. every question at the opening is answered ({}, {open} not yet)", asked.len()),
        },
    ]
}

/// What the opening record and what was asked about it say.
fn signed(state: &State, record: &Minutes) -> Vec<(String, String)> {
    let deadline = record.deadline;
    let first = (
        format!("投标截止 {}（北京时间）", deadline.in_china()),
        format!("deadline {deadline}"),
    );
    let asked = state.opening_questions().iter().map(|one| {
        let (name, text) = (&one.name, &one.text);
        let none = ("尚未答复", "no answer yet");
        let reply = one.reply.as_ref().map(|reply| &*reply.text);
        (
            format!("{name} 提出：{text}  答复：{}", reply.unwrap_or(none.0)),
            format!("{name} asks: {text}  answer: {}", reply.unwrap_or(none.1)),
        )
    });
    let rows = record.rows.iter().map(minutes::row);
    std::iter::once(first).chain(rows).chain(asked).collect()
}

/// What is asked and which conditions hold, with a name that changes when anything of that does: a word for one is none for
/// another.
pub(super) fn asked(bundle: &Bundle, task: &Task, lines: &[Line]) -> Asked {
    let state = &bundle.replay.state;
    let due = match task {
        Task::Opening => state.to_open(),
        Task::Offers(lot) => state.offers_to_open(lot),
        Task::Draw(_) | Task::Minutes(_) => Vec::new(),
    };
    let due: Vec<Digest> = due
        .into_iter()
        .filter(|seal| !state.outcomes().contains_key(seal))
        .collect();
    // As the hall lists them.
    let mut listed = due.clone();
    listed.sort_by_key(|seal| {
        let bid = &state.bids()[seal];
        (&bid.seal.context().lot, &bid.name, *seal)
    });
    let bid = |seal: &Digest| {
        let bid = &state.bids()[seal];
        let lot = &bid.seal.context().lot;
        let text = format!("{lot} · {} · {}…", bid.name, &seal.to_string()[..16]);
        (format!("标段 {text}"), format!("lot {text}"))
    };
    let rows: Vec<(String, String)> = match (task, state.minutes()) {
        (Task::Minutes(_), Some((_, record))) => signed(state, record),
        _ => listed.iter().map(bid).collect(),
    };
    let (zh, en) = match (task, state.minutes()) {
        (Task::Minutes(_), Some((_, record))) => task.words(record.rows.len()),
        _ => task.words(rows.len()),
    };
    let seals: String = due.iter().map(Digest::to_string).collect();
    let held = lines.iter().map(|line| if line.met { '1' } else { '0' });
    let shown: String = held
        .chain(rows.iter().flat_map(|(_, en)| en.chars()))
        .collect();
    let about = format!("{}\n{}\n{seals}\n{shown}", state.origin(), task.name());
    Asked {
        id: bundle.replay.suite().hash().digest(about.as_bytes()),
        zh,
        en,
        rows,
        consent: task.consent(),
        words: task.word(),
        ready: false,
    }
}
