//! Checks that the replay has made: what it saw, and what must not be missing.

use super::Saw;
use crate::Error;
use crate::replay::Replay;
use mifeng_tender::BidOutcome;

pub(super) fn events(replay: &Replay) -> Saw {
    let count = replay.records.len() as u64;
    let in_beats = replay.records.iter().filter(|r| r.in_beat).count();
    (
        count,
        format!("{count} 条签名记录格式规范、顺序合规，其中 {in_beats} 条在节拍内"),
        format!(
            "{count} signed records canonical and in lawful order, {in_beats} of them inside beats"
        ),
    )
}

pub(super) fn board(replay: &Replay) -> Result<Saw, Error> {
    let board = replay.state.board().ok_or_else(|| Error::Failed {
        check: "V5",
        code: "board.missing",
        detail: "no board".to_owned(),
    })?;
    let (t, n) = (board.threshold(), board.members());
    let (mut zh, mut en) = (String::new(), String::new());
    if let Some(key) = replay.state.one_time_board() {
        let (t, n) = (key.threshold(), key.members());
        zh = format!("；另有本项目专用密钥（{t}/{n}），开标时公开份额");
        en = format!("; a key for this tender alone ({t} of {n}), revealed at the opening");
    } else if let Some(fallback) = replay.state.fallback() {
        let all = fallback.members();
        zh = format!("；备用委员会 {all} 人缺一不可");
        en = format!("; a fallback board of {all}, all needed");
    }
    for past in replay.state.given_up() {
        let (session, why) = (&past.session, &past.why);
        let (what_zh, what_en) = match past.round {
            0 => ("制作", "making"),
            _ => ("交接", "handing on"),
        };
        match past.culprit {
            Some(culprit) => {
                zh.push_str(&format!(
                    "；{session} 的一次{what_zh}因受托人 {culprit} 的过错作废（{why}）"
                ));
                en.push_str(&format!(
                    "; a {what_en} in {session} was given up by the fault of trustee {culprit} ({why})"
                ));
            }
            None => {
                zh.push_str(&format!("；{session} 的一次{what_zh}被放弃（{why}）"));
                en.push_str(&format!("; a {what_en} in {session} was given up ({why})"));
            }
        }
    }
    Ok((
        u64::from(n),
        format!("{n} 名受托人共同生成密钥（{t}/{n}），记录重算一致{zh}"),
        format!(
            "key made by {n} trustees together ({t} of {n}), recomputed from the transcript{en}"
        ),
    ))
}

pub(super) fn bidder_shares(replay: &Replay) -> Saw {
    let count = replay.state.released_leaves().len() as u64;
    let missing = replay.state.missing_leaves().len();
    (
        count,
        format!("{count} 份投标人份额在时段内释放，{missing} 份缺席"),
        format!("{count} bidder shares released in the window, {missing} missing"),
    )
}

pub(super) fn board_shares(replay: &Replay) -> Result<Saw, Error> {
    let state = &replay.state;
    let (mut count, mut shut) = (0, 0);
    for ((seal, _), shares) in state.shares() {
        let shares = shares.len() as u64;
        count += shares;
        if !matches!(state.outcomes().get(seal), Some(BidOutcome::Opened(_))) {
            shut += shares;
        }
    }
    for (id, outcome) in state.outcomes() {
        if matches!(outcome, BidOutcome::Opened(_)) && !state.has_enough(id) {
            return Err(Error::Failed {
                check: "V9",
                code: "board.quorum-short",
                detail: format!("seal {id}"),
            });
        }
    }
    let (mut zh, mut en) = (String::new(), String::new());
    if let Some(board) = replay.state.one_time_board() {
        let (revealed, t) = (replay.state.revealed_count(), board.threshold());
        zh.push_str(&format!(
            "；一次性密钥的份额公开 {revealed} 份（需 {t}），均与公钥相符"
        ));
        en.push_str(&format!(
            "; {revealed} shares of the one-time key revealed ({t} needed), each its member's"
        ));
    }
    for convicted in replay.state.false_shares() {
        let (name, index) = (&convicted.name, convicted.index);
        zh.push_str(&format!("；受托人 {index} {name} 曾签发假份额，证据在档"));
        en.push_str(&format!(
            "; trustee {index} {name} signed a false share, the evidence is in the log"
        ));
    }
    Ok((
        count,
        format!("{count} 份解密份额的证明全部成立，其中未开启的投标 {shut} 份{zh}"),
        format!("the proofs of {count} shares hold, {shut} of them for bids that did not open{en}"),
    ))
}

pub(super) fn minutes(replay: &Replay) -> Result<Saw, Error> {
    let Some((_, minutes)) = replay.state.minutes() else {
        if replay.state.is_halted() {
            return Ok((
                0,
                "项目已终止，无开标记录".to_owned(),
                "cancelled: no opening record".to_owned(),
            ));
        }
        return Err(Error::Failed {
            check: "V12",
            code: "minutes.missing",
            detail: "no opening record".to_owned(),
        });
    };
    let (rows, signed) = (
        minutes.rows.len() as u64,
        replay.state.minutes_signed().len() + 1,
    );
    let asked = replay.state.opening_questions();
    let answered = asked.iter().filter(|one| one.reply.is_some()).count();
    let (asked_zh, asked_en) = match asked.len() {
        0 => Default::default(),
        n => (
            format!("；现场询问或回避申请 {n} 件，{answered} 件有答复"),
            format!("; {n} questions at the opening, {answered} answered"),
        ),
    };
    Ok((
        rows,
        format!("开标记录 {rows} 行与所开标书一致，{signed} 方签名{asked_zh}"),
        format!(
            "opening record of {rows} rows equals the opened manifests, signed by {signed}{asked_en}"
        ),
    ))
}

pub(super) fn draw(replay: &Replay) -> Result<Saw, Error> {
    let fail = |code, detail: &str| Error::Failed {
        check: "V13",
        code,
        detail: detail.to_owned(),
    };
    let state = &replay.state;
    let lots = state
        .notice()
        .map(|(_, n)| n.lots.as_slice())
        .unwrap_or_default();
    let drawn: usize = lots
        .iter()
        .map(|lot| {
            state
                .lot_draws(&lot.id)
                .filter(|d| d.result.is_some())
                .count()
        })
        .sum();
    let (also_zh, also_en) = match drawn {
        0 => (String::new(), String::new()),
        n => (
            format!("；标段内抽签 {n} 次"),
            format!("; {n} draws of lots"),
        ),
    };
    let result = state
        .draw()
        .and_then(|draw| draw.result.as_ref().map(|r| (draw, r)));
    let Some((drawing, result)) = result else {
        if state.ranks().is_empty() || state.profile().panel.is_none() {
            return Ok((
                drawn as u64,
                format!("未抽取专家{also_zh}"),
                format!("no committee was drawn{also_en}"),
            ));
        }
        return Err(fail("draw.missing", "scores without a draw"));
    };
    let (pool, seats) = (drawing.pool.rows.len(), result.seats.len() as u64);
    Ok((
        seats,
        format!(
            "从 {pool} 名候选中抽取 {seats} 名，种子与次序重算一致（第 {} 次抽取）{also_zh}",
            drawing.pool.n
        ),
        format!(
            "{seats} experts drawn of {pool}; seed and order recomputed (draw number {}){also_en}",
            drawing.pool.n
        ),
    ))
}

pub(super) fn scores(replay: &Replay) -> Result<Saw, Error> {
    let fail = |code, detail: String| Error::Failed {
        check: "V14",
        code,
        detail,
    };
    let state = &replay.state;
    let lots = state
        .notice()
        .map(|(_, n)| n.lots.as_slice())
        .unwrap_or_default();
    let listed = lots
        .iter()
        .filter(|lot| state.listed(&lot.id).is_some())
        .count();
    let (ranked, awarded) = (state.ranks().len(), state.awards().len() + listed);
    let sheets: usize = state
        .sheets()
        .values()
        .map(std::collections::BTreeMap::len)
        .sum();
    if ranked < awarded {
        return Err(fail(
            "award.unranked",
            "an award without a ranking".to_owned(),
        ));
    }
    let reports = lots
        .iter()
        .filter(|lot| state.report(&lot.id).is_some())
        .count();
    let failed = lots
        .iter()
        .filter(|lot| state.failed(&lot.id).is_some())
        .count();
    let (checks, questions) = (
        replay.records.iter().filter(|r| r.kind == "check").count(),
        state.questions().len(),
    );
    let lots = lots.len();
    Ok((
        ranked as u64,
        format!(
            "{checks} 份审查意见，{questions} 项书面澄清，{sheets} 张评分表，{ranked}/{lots} 个标段逐分重算一致，{reports} 份评审报告，{awarded} 个定标，{failed} 个废标"
        ),
        format!(
            "{checks} findings, {questions} written questions, {sheets} sheets; {ranked} of {lots} lots recomputed to the cent, {reports} reports, {awarded} awarded, {failed} failed"
        ),
    ))
}
