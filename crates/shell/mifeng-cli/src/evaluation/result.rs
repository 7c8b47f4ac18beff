//! Draws of lots, failure, report, list, letters.

use super::{bid_of, shown};
use crate::bundle::Bundle;
use crate::identity::Identity;
use crate::person;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::tender::*;
use std::path::Path;

/// The agency freezes what is drawn among.
pub(crate) fn pool(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    (lot, purpose, name): (&str, Purpose, &str),
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.expected_pool(lot, purpose, name)?;
    ui.say(
        format!("标段 {lot} 抽签候选 {} 项已冻结", data.rows.len()),
        format!(
            "lot {lot}: {} rows to draw among are frozen",
            data.rows.len()
        ),
    );
    person::sign(&bundle.replay, identity, "lot.pool", &data, out)
}

/// The agency signs what was drawn.
pub(crate) fn drawn(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    (lot, purpose, name): (&str, Purpose, &str),
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.lot_outcome(lot, purpose, name)?;
    let first = data.order.first().cloned().unwrap_or_default();
    let first = first.parse().map_or(first, |seal| shown(bundle, &seal));
    ui.say(
        format!("标段 {lot} 抽签结果：{first}"),
        format!("lot {lot}: drawn {first}"),
    );
    person::sign(&bundle.replay, identity, "lot.drawn", &data, out)
}

/// The agency signs that a lot has no winner.
pub(crate) fn fail(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.expected_failure(lot)?;
    ui.say(
        format!("标段 {lot} 废标：{}（{}）", data.reason, data.article),
        format!("lot {lot} fails: {} ({})", data.reason, data.article),
    );
    person::sign(&bundle.replay, identity, "lot.fail", &data, out)
}

/// The evaluation report.
pub(crate) fn report(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    stated: Stated,
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.expected_report(lot, stated)?;
    for row in &data.bidders {
        let name = &row.name;
        match row.fate {
            Fate::Ranked => ui.say(format!("  {name}：有效"), format!("  {name}: valid")),
            _ => ui.say(
                format!("  {name}：{}（{}）", row.reason, row.article),
                format!("  {name}: {} ({})", row.reason, row.article),
            ),
        }
    }
    for candidate in &data.candidates {
        let (order, name, price) = (candidate.order, &candidate.name, &candidate.price);
        ui.say(
            format!("  第 {order} 候选：{name}，{price} 元"),
            format!("  candidate {order}: {name}, {price} CNY"),
        );
    }
    person::sign(&bundle.replay, identity, "report", &data, out)
}

/// A member signs the report of a lot.
pub(crate) fn sign_report(
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    dissent: &str,
    out: &Path,
) -> Outcome {
    let (id, _) = bundle
        .replay
        .state
        .report(lot)
        .ok_or_else(|| Failure::refused("report.unsigned", "there is no report yet"))?;
    let data = ReportSign {
        report: *id,
        dissent: dissent.to_owned(),
    };
    person::sign(&bundle.replay, identity, "report.sign", &data, out)
}

/// The buyer signs the list of a framework agreement.
pub(crate) fn list(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    out: &Path,
) -> Outcome {
    let data = bundle.replay.state.expected_list(lot)?;
    for supplier in &data.suppliers {
        let (order, name, price) = (supplier.order, &supplier.name, &supplier.price);
        ui.say(
            format!("  {order}  {name}  {price} 元"),
            format!("  {order}  {name}  {price} CNY"),
        );
    }
    person::sign(&bundle.replay, identity, "framework.list", &data, out)
}

/// The letter to a bidder who did not win: its own score and rank only.
pub(crate) fn letter(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    (lot, bidder): (&str, &str),
    out: &Path,
) -> Outcome {
    let seal = bid_of(bundle, lot, bidder)?;
    let state = &bundle.replay.state;
    let listed = state.listed(lot).map(|list| &list.suppliers);
    let won = state
        .awards()
        .get(lot)
        .is_some_and(|award| award.seal == seal)
        || listed.is_some_and(|all| all.iter().any(|one| one.seal == seal));
    if won {
        let name = shown(bundle, &seal);
        let en =
            format!("{name} won in lot {lot}: the winner gets the award notice, not this letter");
        let mut failure = Failure::refused("letter.winner", en);
        failure.zh = Some(format!(
            "{name} 是标段 {lot} 的中标人（入围供应商）：应发中标（入围）通知书，不发未中标通知"
        ));
        return Err(failure);
    }
    let data = state.expected_letter(lot, &seal)?;
    let name = shown(bundle, &seal);
    match data.fate {
        Fate::Ranked => ui.say(
            format!(
                "{name}：标段 {lot} 未中标，贵方得分 {}，排名第 {}",
                data.total, data.rank
            ),
            format!(
                "{name}: lot {lot} not awarded; own score {}, rank {}",
                data.total, data.rank
            ),
        ),
        _ => ui.say(
            format!(
                "{name}：标段 {lot} 未通过：{}（{}）",
                data.reason, data.article
            ),
            format!("{name}: lot {lot} out: {} ({})", data.reason, data.article),
        ),
    }
    person::sign(&bundle.replay, identity, "letter", &data, out)
}
