//! A correction step by step: every line, every sum, what ruled.

use super::correction::{Bid, CorrectionRow, CorrectionStep};
use crate::derivation::{Input, Step};
use crate::pack::Pack;
use crate::{Error, Money, Name, Ratio};

/// The steps of one bid.
pub(super) fn steps(bid: &Bid, row: &CorrectionRow, pack: &Pack) -> Result<Vec<Step>, Error> {
    let words = bid.words()?;
    let mut draft = Draft {
        pack,
        clause: "87 art. 59",
        steps: Vec::new(),
    };
    let digits = Money::parse(&bid.digits)?.to_string();
    draft.given(
        "digits",
        ["开标一览表（数字）", "opening list, digits"],
        digits,
    );
    let label = ["开标一览表（大写）", "opening list, words"];
    draft.given("words", label, words.to_string());
    let parts = lines(bid, &mut draft)?;
    for step in &row.steps {
        draft.clause = &step.clause;
        let after = step.after.clone();
        match step.clause.as_str() {
            "87 art. 59 (2)" => {
                let label = [
                    "大写与数字不符，以大写为准",
                    "the words rule over the digits",
                ];
                draft.step(
                    "words_rule",
                    label,
                    "words",
                    &[("words", after.clone())],
                    after,
                );
            }
            "87 art. 59 (3)" => unit(bid, step, words, &parts, &mut draft)?,
            _ => {
                let label = [
                    "与单价汇总不符，以单价汇总为准",
                    "the sum of the lines rules",
                ];
                let inputs = [("detail_sum", sum(&parts)?.to_exact())];
                draft.step("sum_rules", label, "detail_sum", &inputs, after);
            }
        }
    }
    draft.clause = "87 art. 59";
    end(row, &mut draft);
    Ok(draft.steps)
}

/// Each line of the detail list and their sum.
fn lines(bid: &Bid, draft: &mut Draft<'_>) -> Result<Vec<Ratio>, Error> {
    let mut parts = Vec::with_capacity(bid.lines.len());
    for (at, line) in (1..).zip(&bid.lines) {
        let unit = Money::parse(&line.unit_price)?.ratio();
        let value = Ratio::parse(&line.quantity)?.mul(&unit)?;
        let label = [format!("明细第 {at} 项"), format!("detail line {at}")];
        let inputs = [
            ("quantity", line.quantity.clone()),
            ("unit_price", line.unit_price.clone()),
        ];
        let label = [label[0].as_str(), label[1].as_str()];
        let formula = "quantity * unit_price";
        draft.step(
            &format!("line_{at}"),
            label,
            formula,
            &inputs,
            value.to_exact(),
        );
        parts.push(value);
    }
    if !parts.is_empty() {
        let value = sum(&parts)?.to_exact();
        let label = ["单价汇总", "sum of the lines"];
        draft.step(
            "detail_sum",
            label,
            "sum(values)",
            &[("values", list(&parts))],
            value,
        );
    }
    Ok(parts)
}

/// The one unit price that is corrected, and that the lines then have the total as their sum.
fn unit(
    bid: &Bid,
    step: &CorrectionStep,
    words: Money,
    parts: &[Ratio],
    draft: &mut Draft<'_>,
) -> Result<(), Error> {
    let before = Ratio::parse(&step.before)?;
    let factor = Ratio::parse(&step.after)?.div(&before)?;
    let gap = words.ratio().sub(&sum(parts)?)?;
    let mut moved = parts.to_vec();
    for (at, line) in bid.lines.iter().enumerate() {
        let same = Money::parse(&line.unit_price)?.ratio() == before;
        let Some(value) = moved.get(at).filter(|_| same).cloned() else {
            continue;
        };
        let other = value.mul(&factor)?;
        if other.sub(&value)? != gap {
            continue;
        }
        let at_zh = format!("明细第 {} 项单价小数点明显错位，修正单价", at + 1);
        let at_en = format!("unit price of line {}: a misplaced point", at + 1);
        let inputs = [
            ("unit_price", step.before.clone()),
            ("factor", factor.to_exact()),
        ];
        let formula = "unit_price * factor";
        draft.step(
            "corrected_unit",
            [&at_zh, &at_en],
            formula,
            &inputs,
            step.after.clone(),
        );
        let inputs = [
            ("quantity", line.quantity.clone()),
            ("corrected_unit", step.after.clone()),
        ];
        let label = [
            format!("明细第 {} 项（修正后）", at + 1),
            format!("detail line {}, corrected", at + 1),
        ];
        let label = [label[0].as_str(), label[1].as_str()];
        let formula = "quantity * corrected_unit";
        draft.step("corrected_line", label, formula, &inputs, other.to_exact());
        moved[at] = other;
        break;
    }
    let label = ["修正后单价汇总", "sum of the lines, corrected"];
    let value = sum(&moved)?.to_exact();
    draft.step(
        "corrected_sum",
        label,
        "sum(values)",
        &[("values", list(&moved))],
        value,
    );
    Ok(())
}

fn end(row: &CorrectionRow, draft: &mut Draft<'_>) {
    if let Some(price) = &row.price {
        let label = match row.confirm {
            true => [
                "修正后的报价，须投标人确认，不确认则投标无效",
                "price after correction; the bidder confirms it or the bid is invalid",
            ],
            false => ["报价无须修正", "price, nothing to correct"],
        };
        draft.given("price", label, price.clone());
    }
    for (at, price) in (1..).zip(&row.readings) {
        let zh = format!("可能读法 {at}，由评标委员会决定");
        let en = format!("reading {at}: the committee decides");
        draft.given(&format!("reading_{at}"), [&zh, &en], price.clone());
    }
}

fn sum(parts: &[Ratio]) -> Result<Ratio, Error> {
    parts
        .iter()
        .try_fold(Ratio::zero(), |sum, part| sum.add(part))
}

fn list(parts: &[Ratio]) -> String {
    let texts: Vec<String> = parts.iter().map(Ratio::to_exact).collect();
    format!("[{}]", texts.join(", "))
}

/// Steps as they are written.
struct Draft<'a> {
    pack: &'a Pack,
    clause: &'a str,
    steps: Vec<Step>,
}

impl Draft<'_> {
    fn given(&mut self, quantity: &str, label: [&str; 2], value: String) {
        self.step(quantity, label, "", &[], value);
    }

    fn step(
        &mut self,
        quantity: &str,
        [zh, en]: [&str; 2],
        formula: &str,
        inputs: &[(&str, String)],
        value: String,
    ) {
        let mut basis = self.pack.basis("step.price");
        basis.article = self.clause.to_owned();
        let input = |(name, value): &(&str, String)| Input {
            name: (*name).to_owned(),
            value: value.clone(),
        };
        self.steps.push(Step {
            quantity: quantity.to_owned(),
            name: Name {
                zh: zh.to_owned(),
                en: en.to_owned(),
            },
            formula: formula.to_owned(),
            inputs: inputs.iter().map(input).collect(),
            value,
            basis,
        });
    }
}
