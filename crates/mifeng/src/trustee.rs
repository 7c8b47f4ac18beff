//! The trustee's program: it decides on its own, from the log and its own clock, whether to release
//! (PROTOCOL 1.3). The host cannot make it.

use crate::bundle::Files;
use crate::replay::Head;
use crate::{Error, Replay, layout};
use mifeng_crypto::{Digest, Entropy, PrivateKey, Time};
use mifeng_lock::dkg::StaticKey;
use mifeng_lock::{SecretShare, tdh2};
use mifeng_log::{Checkpoint, Note, NoteVerifier, SignedCheckpoint, Witness, WitnessState, merkle};
use mifeng_pki::tsp::{ClockPolicy, Stamped, TimeStamp};
use mifeng_tender::{
    BoardShare, BoardShares, DrawShare, KeyReveal, Refusal, Stage, State, Trust, rules,
};
use std::collections::BTreeSet;

/// One condition of the release rule, met or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Number in PROTOCOL 1.3.
    pub number: u8,
    /// Whether it is met.
    pub met: bool,
    /// What it asks, in Chinese.
    pub zh: String,
    /// What it asks, in English.
    pub en: String,
}

/// What a release is for: the bids of the opening, or a lot's final offers.
struct Span {
    deadline: Time,
    /// Index of the entry that closed it.
    closed_at: Option<u64>,
    window_closed: bool,
    /// Until when bodies may come, if they may after the close.
    bodies_end: Option<Time>,
    due: Vec<Digest>,
}

impl Span {
    fn of(replay: &Replay, lot: Option<&str>) -> Result<Self, Error> {
        let missing = |what: &str| Error::from(Refusal::by(&rules::WRONG_STAGE, what));
        let state = &replay.state;
        let Some((_, notice)) = state.notice() else {
            return Err(missing("there is no notice yet"));
        };
        let Some(lot) = lot else {
            let close = replay.records.iter().find(|r| r.kind == "submission.close");
            return Ok(Span {
                deadline: notice.deadline,
                closed_at: close.map(|r| r.index),
                window_closed: state.stage() >= Stage::Opening,
                bodies_end: state.bodies_end(),
                due: state.to_open(),
            });
        };
        let round = state
            .round(lot)
            .ok_or_else(|| missing("no final offers were called for"))?;
        Ok(Span {
            deadline: round.deadline,
            closed_at: round_closed_at(replay, lot),
            window_closed: round.window_closed.is_some(),
            bodies_end: None,
            due: state.offers_to_open(lot),
        })
    }
}

/// What condition 2 adds while it lacks nothing but the time stamp: nobody makes one unless it is asked for.
const NO_STAMP: (&str, &str) = (
    "；缺少截止时间之后的时间戳：值守程序加 --tsa 地址，或 mifeng tsa ask/stamp 后用 mifeng send --stamp 送达",
    "; a time stamp from after the deadline is missing: give an agent --tsa URL, or make one (mifeng tsa ask/stamp) and hand it in (mifeng send --stamp)",
);

/// Index of the entry that closed a lot's round of final offers.
pub(crate) fn round_closed_at(replay: &Replay, lot: &str) -> Option<u64> {
    let mut closes = replay.records.iter().filter(|r| r.kind == "round.close");
    closes
        .find(|r| r.lot.as_deref() == Some(lot))
        .map(|r| r.index)
}

/// Judges every condition of the release rule for the bids of the opening.
///
/// # Errors
/// [`Error::Failed`] if the bundle does not hold together at all.
pub fn release_conditions(
    replay: &Replay,
    files: &dyn Files,
    now: Time,
) -> Result<Vec<Condition>, Error> {
    conditions(replay, files, &Span::of(replay, None)?, now)
}

/// The same for the final offers of a lot.
///
/// # Errors
/// As [`release_conditions`].
pub fn round_conditions(
    replay: &Replay,
    files: &dyn Files,
    lot: &str,
    now: Time,
) -> Result<Vec<Condition>, Error> {
    conditions(replay, files, &Span::of(replay, Some(lot))?, now)
}

fn conditions(
    replay: &Replay,
    files: &dyn Files,
    span: &Span,
    now: Time,
) -> Result<Vec<Condition>, Error> {
    let deadline = span.deadline;
    let needed = replay
        .state
        .board()
        .map_or(usize::MAX, |board| board.threshold().into());
    let witnesses = span
        .closed_at
        .map_or(0, |index| witnesses(replay, index, |at| at >= deadline));
    let stamp = stamped_between(replay, files, deadline, now)?;
    let lacks = span.closed_at.is_some() && now >= deadline && stamp.is_none();
    let (lacks_zh, lacks_en) = if lacks { NO_STAMP } else { ("", "") };
    let condition = |number, met, zh: String, en: String| Condition {
        number,
        met,
        zh,
        en,
    };
    let due = span.due.len();
    Ok(vec![
        condition(
            1,
            witnesses >= needed,
            format!("截标记录已由 {witnesses} 名见证人在截止时间之后共签（需 {needed}）"),
            format!(
                "close of submission cosigned after the deadline by {witnesses} witnesses ({needed} needed)"
            ),
        ),
        condition(
            2,
            now >= deadline && stamp.is_some(),
            format!(
                "本机时间 {:.3} 与时间戳 {} 均不早于截止时间 {}（北京时间）{lacks_zh}",
                now.in_china(),
                stamp.map_or_else(|| "-".to_owned(), |at| format!("{:.3}", at.in_china())),
                deadline.in_china()
            ),
            format!(
                "own clock {now} and time stamp {} are not before the deadline {deadline}{lacks_en}",
                shown(stamp)
            ),
        ),
        condition(
            3,
            !replay.state.is_halted(),
            "项目未暂停、未终止".to_owned(),
            "the tender is neither suspended nor cancelled".to_owned(),
        ),
        condition(
            4,
            replay.hidden_beats == 0 && span.closed_at.is_some(),
            format!("截标名单完整：{due} 份有效投标待开"),
            format!("the closed list is complete: {due} live bids to open"),
        ),
        match span.bodies_end {
            None => condition(
                5,
                span.window_closed,
                "投标人解密时段已结束".to_owned(),
                "the bidders' window is closed".to_owned(),
            ),
            Some(end) => condition(
                5,
                span.window_closed && now >= end,
                format!(
                    "投标人解密时段已结束，本机时间 {:.3} 不早于正文接收截止 {}（北京时间）",
                    now.in_china(),
                    end.in_china()
                ),
                format!(
                    "the bidders' window is closed, and by the own clock {now} no body may come any more (until {end})"
                ),
            ),
        },
    ])
}

/// Refuses at the first condition that is not met: what [`release`] (`lot` none) and [`release_offers`] do, for a
/// program that wants to stop before it asks for a passphrase.
///
/// # Errors
/// [`Error::Refused`] with [`rules::EARLY`] before the deadline, else [`rules::SHARE_EARLY`].
pub fn require_met(
    replay: &Replay,
    lot: Option<&str>,
    conditions: &[Condition],
    now: Time,
) -> Result<(), Error> {
    all_met(&Span::of(replay, lot)?, conditions, now)
}

fn all_met(span: &Span, conditions: &[Condition], now: Time) -> Result<(), Error> {
    let Some(unmet) = conditions.iter().find(|condition| !condition.met) else {
        return Ok(());
    };
    let rule = if now < span.deadline {
        &rules::EARLY
    } else {
        &rules::SHARE_EARLY
    };
    Err(Refusal::by(rule, format!("condition {}: {}", unmet.number, unmet.en)).into())
}

fn shown(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

/// How many witnesses of the board cosigned a head over entry `index` at such a time. Each of these heads is one of this
/// log, so that each of them holds the entry: it need not be the same head, as the log may grow between two witnesses.
pub(crate) fn witnesses(replay: &Replay, index: u64, when: impl Fn(Time) -> bool) -> usize {
    let over = replay.heads.iter().filter(|head| head.size > index);
    let lines = over.flat_map(|head| &head.cosigned);
    let names = lines.filter(|(_, at)| when(*at)).map(|(name, _)| name);
    names.collect::<BTreeSet<_>>().len()
}

/// The earliest valid time stamp over a stored head that is not before `deadline`, nor ahead of
/// the clock `now` by more than the usual clock policy allows.
pub(crate) fn stamped_between(
    replay: &Replay,
    files: &dyn Files,
    deadline: Time,
    now: Time,
) -> Result<Option<Time>, Error> {
    let clock = ClockPolicy::default();
    Ok(stamps(replay, files)?
        .into_iter()
        .filter(|stamp| stamp.gen_time >= deadline && clock.check(stamp, Some(now)).is_ok())
        .map(|stamp| stamp.gen_time)
        .min())
}

/// Every time stamp of the bundle, verified: each is over a stored head.
pub(crate) fn stamps(replay: &Replay, files: &dyn Files) -> Result<Vec<TimeStamp>, Error> {
    let alg = replay.suite().hash();
    let text = |head: &Head| alg.digest(head.note.text().as_bytes());
    let heads: BTreeSet<Digest> = replay.heads.iter().map(text).collect();
    let stamp = |(name, token): (String, Vec<u8>)| {
        if layout::stamp(&alg.digest(&token)) != format!("tsr/{name}") {
            return Err(Error::Failed {
                check: "V1",
                code: "file.hash",
                detail: format!("tsr/{name} does not have the hash in its name"),
            });
        }
        stamp(&token, &heads, &replay.state, &replay.trust()).map_err(|e| of_file(&name, e))
    };
    files.read_all("tsr/")?.into_iter().map(stamp).collect()
}

/// A fault of a time stamp, with the name of its file.
fn of_file(name: &str, error: Error) -> Error {
    match error {
        Error::Failed {
            check,
            code,
            detail,
        } => Error::Failed {
            check,
            code,
            detail: format!("tsr/{name}: {detail}"),
        },
        other => other,
    }
}

/// A time stamp, verified: it is over one of the heads, whose texts have these hashes.
pub(crate) fn stamp(
    token: &[u8],
    heads: &BTreeSet<Digest>,
    state: &State,
    trust: &Trust<'_>,
) -> Result<TimeStamp, Error> {
    let invalid = |why: &str| Error::Failed {
        check: "V2",
        code: "stamp.invalid",
        detail: format!("time stamp: {why}"),
    };
    let read = Stamped::read(token).map_err(|e| invalid(&e.to_string()))?;
    let over = read
        .imprint()
        .digest()
        .filter(|digest| heads.contains(digest))
        .ok_or_else(|| {
            invalid(
                "not over a stored head of this log (a head is stored with its first cosignature)",
            )
        })?;
    let verified = state.verify_stamp(token, &over, trust);
    verified.map_err(|e| invalid(&e.to_string()))
}

/// The deadline that no time stamp from between it and `now` shows yet: the last one of what is closed, the rounds of
/// final offers too. One over any stored head serves for every deadline before it. None while nothing is to be stamped.
///
/// # Errors
/// As [`release_conditions`].
pub fn awaits_stamp(replay: &Replay, files: &dyn Files, now: Time) -> Result<Option<Time>, Error> {
    let state = &replay.state;
    let Some((_, notice)) = state.notice().filter(|_| state.closed().is_some()) else {
        return Ok(None);
    };
    if state.stage() == Stage::Archived {
        return Ok(None);
    }
    let rounds = notice.lots.iter().filter_map(|lot| state.round(&lot.id));
    let closed = rounds.filter(|round| round.closed);
    let deadlines = closed.map(|round| round.deadline);
    let last = deadlines.fold(notice.deadline, Time::max);
    if now < last || stamped_between(replay, files, last, now)?.is_some() {
        return Ok(None);
    }
    Ok(Some(last))
}

/// What a time stamp has to cover so that a host takes it: the text of the newest stored head. None while no head is
/// stored, or none over the last close: a head is stored with its first cosignature.
pub fn stored_imprint(replay: &Replay) -> Option<Digest> {
    let newest = replay.heads.iter().max_by_key(|head| head.size)?;
    let is_over = last_close(replay).is_none_or(|index| newest.size > index);
    let alg = replay.suite().hash();
    is_over.then(|| alg.digest(newest.note.text().as_bytes()))
}

/// Index of the entry that last closed something: submission, or a round of final offers.
pub fn last_close(replay: &Replay) -> Option<u64> {
    let closes = replay.records.iter();
    let closes = closes.filter(|r| matches!(&*r.kind, "submission.close" | "round.close"));
    closes.map(|r| r.index).max()
}

/// What a time stamp of the last head covers: the text of its note. A host takes none before that head is stored: what
/// it takes, [`stored_imprint`] says.
pub fn stamp_imprint(replay: &Replay) -> Result<Digest, Error> {
    let text = replay.checkpoint()?.note().text().to_owned();
    Ok(replay.suite().hash().digest(text.as_bytes()))
}

/// The trustee's share of the board's key, recomputed from the log and the static key.
///
/// # Errors
/// [`Error::Lock`] naming the member whose part is wrong, or if the key is not of this board.
pub fn secret_share(replay: &Replay, key: &StaticKey) -> Result<SecretShare, Error> {
    Ok(replay.state.board_transcript()?.share(key)?)
}

/// The same for a member of the fallback board.
///
/// # Errors
/// As [`secret_share`].
pub fn fallback_share(replay: &Replay, key: &StaticKey) -> Result<SecretShare, Error> {
    Ok(replay.state.fallback_transcript()?.share(key)?)
}

/// The data of `board.share`: a share for every bid that can be opened. Withdrawn, replaced and late bids are never
/// in it, nor, without a remedy in the policy, those whose bidder released nothing; a member of the fallback board
/// answers for these alone. Bids that have their outcome are left out.
///
/// # Errors
/// [`Error::Refused`] with [`rules::SHARE_EARLY`] or [`rules::EARLY`] if a condition is not met.
pub fn release(
    replay: &Replay,
    files: &dyn Files,
    secret: &SecretShare,
    now: Time,
    entropy: &mut dyn Entropy,
) -> Result<BoardShares, Error> {
    release_span(
        replay,
        files,
        &Span::of(replay, None)?,
        secret,
        now,
        entropy,
    )
}

/// The data of `key.reveal`: the member's share of the one-time key, under the same conditions. From then on every
/// copy of every bid opens that was sealed to the key, those that were withdrawn too.
///
/// # Errors
/// As [`release`]; [`rules::WRONG_STAGE`] if the secret is not a share of a key that is to be revealed;
/// [`rules::DECIDED`] if every bid has its outcome.
pub fn reveal(
    replay: &Replay,
    files: &dyn Files,
    secret: &SecretShare,
    now: Time,
) -> Result<KeyReveal, Error> {
    let span = Span::of(replay, None)?;
    all_met(&span, &conditions(replay, files, &span, now)?, now)?;
    let board = replay.state.one_time_board();
    if board.is_none_or(|board| board.key() != secret.board_key()) {
        let detail = "the policy reveals no key that this is a share of";
        return Err(Refusal::by(&rules::WRONG_STAGE, detail).into());
    }
    // Nothing more opens by it, and it would open every copy of every bid.
    if !replay.state.is_any_undecided() {
        return Err(Refusal::by(&rules::DECIDED, "no bid waits for the key").into());
    }
    Ok(KeyReveal {
        index: secret.index(),
        share: Digest::from_bytes(*secret.reveal()),
    })
}

/// The same for the final offers of a lot.
///
/// # Errors
/// As [`release`].
pub fn release_offers(
    replay: &Replay,
    files: &dyn Files,
    lot: &str,
    secret: &SecretShare,
    now: Time,
    entropy: &mut dyn Entropy,
) -> Result<BoardShares, Error> {
    let span = Span::of(replay, Some(lot))?;
    release_span(replay, files, &span, secret, now, entropy)
}

fn release_span(
    replay: &Replay,
    files: &dyn Files,
    span: &Span,
    secret: &SecretShare,
    now: Time,
    entropy: &mut dyn Entropy,
) -> Result<BoardShares, Error> {
    all_met(span, &conditions(replay, files, span, now)?, now)?;
    let boards = replay.state.boards();
    let mut boards = boards.into_iter();
    let board = boards
        .find(|board| board.key() == secret.board_key())
        .ok_or_else(|| Refusal::by(&rules::WRONG_STAGE, "no board"))?;
    let mut shares = Vec::new();
    let outcomes = replay.state.outcomes();
    let undecided = span.due.iter().filter(|seal| !outcomes.contains_key(seal));
    for seal in undecided.copied() {
        for leaf in replay.state.leaves_due(&seal, &board.key()) {
            let share = tdh2::release(board, secret, &leaf.ciphertext, entropy)?;
            shares.push(BoardShare {
                seal,
                path: leaf.path.clone(),
                share: share.to_record(),
            });
        }
    }
    Ok(BoardShares {
        index: secret.index(),
        shares,
    })
}

/// The data of `draw.share`: the trustee's answer for the frozen pool that waits for it, the
/// committee's before those of lots.
///
/// # Errors
/// [`Error::Refused`] if no pool is frozen.
pub fn draw_share(
    replay: &Replay,
    secret: &SecretShare,
    entropy: &mut dyn Entropy,
) -> Result<DrawShare, Error> {
    let waiting = replay.state.waiting_draws();
    let (Some(draw), Some(board)) = (waiting.first(), replay.state.board()) else {
        return Err(Refusal::by(&rules::WRONG_STAGE, "no pool is frozen, or all are drawn").into());
    };
    let share = draw.release(board, secret, entropy)?;
    Ok(DrawShare {
        draw: draw.id(),
        share: share.to_record(),
    })
}

/// The proof that this head of a log with these leaves extends what was seen. After a failed write there may be leaves
/// that no head is over.
fn proof_from(
    tree: &merkle::Tree,
    head: &Checkpoint,
    seen: &WitnessState,
) -> Result<Vec<Digest>, Error> {
    // A head smaller than what was seen has no proof, and is refused as a rollback.
    if seen.size() == 0 || seen.size() > head.size() {
        return Ok(Vec::new());
    }
    Ok(tree.consistency_proof(seen.size(), head.size())?)
}

/// What to remember of a bundle, whose log must extend what was seen before. Store it before an answer leaves.
///
/// # Errors
/// [`Error::Log`] for a fork, a rollback or a clock that went back.
pub fn extends(replay: &Replay, seen: &WitnessState, now: Time) -> Result<WitnessState, Error> {
    let head = replay.checkpoint()?.checkpoint();
    let proof = proof_from(replay.tree.tree(), head, seen)?;
    Ok(seen.advance(replay.suite().hash(), head, &proof, now)?)
}

/// Cosigns the head of a bundle as the witness named in the board's records, after checking that it
/// extends what this witness saw before. Store the new state before the note leaves.
///
/// # Errors
/// [`Error::Log`] for a fork, a rollback or a clock that went back.
pub fn cosign(
    replay: &Replay,
    name: &str,
    key: &PrivateKey,
    seen: &WitnessState,
    now: Time,
) -> Result<(Note, WitnessState), Error> {
    let (log, head) = (replay.log_verifier()?, replay.checkpoint()?);
    let witness = Witness::new(name, key)?;
    cosign_head((replay.tree.tree(), head), &log, &witness, seen, now)
}

/// Cosigns the head of a log with these leaves; store the new state before the note leaves.
pub(crate) fn cosign_head(
    (tree, head): (&merkle::Tree, &SignedCheckpoint),
    log: &NoteVerifier,
    witness: &Witness<'_>,
    seen: &WitnessState,
    now: Time,
) -> Result<(Note, WitnessState), Error> {
    let proof = proof_from(tree, head.checkpoint(), seen)?;
    let mut note = head.note().clone();
    let text = note.to_text();
    let (line, state) = witness.cosign(seen, tree.alg(), log, text.as_bytes(), &proof, now)?;
    note.add(line)?;
    Ok((note, state))
}
