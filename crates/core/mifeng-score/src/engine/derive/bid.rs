//! What is said of one bid: price, points, place.

use super::super::result::deduction_key;
use super::super::{Table, Work};
use super::{Draft, input, list, name};
use crate::Ratio;
use crate::derivation::{BidSteps, Step};
use crate::formula::Value;
use crate::price::Form;

impl Table<'_> {
    pub(super) fn bid(&self, work: &Work<'_>) -> BidSteps {
        let mut steps = vec![self.price(work)];
        steps.extend(self.evaluated(work));
        if let Some(priced) = &self.priced {
            let own = |n: &str| match n {
                "p" => Some(Value::Number(work.eval.clone())),
                _ => {
                    let own = priced.own(&work.facts.id, n).cloned();
                    own.or_else(|| priced.computed.lot.get(n).cloned())
                }
            };
            let lines = priced.program.lines.iter().filter(|line| line.each);
            steps.extend(lines.map(|line| self.line(line, &own)));
        }
        steps.extend(self.points(work));
        steps.extend(self.placing(work));
        BidSteps {
            id: work.facts.id.clone(),
            rank: Some(work.rank),
            steps,
        }
    }

    fn price(&self, work: &Work<'_>) -> Step {
        let form = &self.ground.rules.price_form;
        let mut formula = String::new();
        let mut inputs = Vec::new();
        match form.form {
            Form::FloatDown => {
                formula = "100 - float_down".to_owned();
                inputs.push(input("float_down", work.facts.price.clone()));
            }
            Form::UnitList | Form::Composite => {
                let part = |at: usize| format!("q{at} * u{at}");
                let parts: Vec<String> = (1..=form.lines.len()).map(part).collect();
                formula = parts.join(" + ");
                for (at, line) in (1..).zip(&form.lines) {
                    let unit = work.facts.prices.get(&line.id).cloned().unwrap_or_default();
                    inputs.push(input(&format!("q{at}"), line.quantity.clone()));
                    inputs.push(input(&format!("u{at}"), unit));
                }
            }
            Form::Total | Form::Rate => {}
        }
        let label = if self.ground.rules.method.final_offers() {
            name("最后报价", "final offer")
        } else {
            name("投标报价", "bid price")
        };
        let value = match form.form {
            Form::FloatDown => work.price.to_exact(),
            _ => form.text(work.facts, &work.price),
        };
        self.step(Draft {
            quantity: "price",
            name: label,
            formula,
            inputs,
            value,
            key: "step.price",
        })
    }

    /// Each deduction on the original price, then the price without them.
    fn evaluated(&self, work: &Work<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut formula = "price".to_owned();
        let mut inputs = vec![input("price", work.price.to_exact())];
        for (key, rate) in &work.deductions {
            let label = match *key {
                "sme" => name("小微企业价格扣除", "small enterprise deduction"),
                "joint" => name(
                    "联合体或分包价格扣除",
                    "consortium or subcontract deduction",
                ),
                "domestic" => name("本国产品价格扣除", "domestic product deduction"),
                _ => name("节能环保产品价格扣除", "energy and environment deduction"),
            };
            let value = work.price.mul(rate).map_or(String::new(), |v| v.to_exact());
            steps.push(self.step(Draft {
                quantity: key,
                name: label,
                formula: format!("price * {key}_rate"),
                inputs: vec![
                    input("price", work.price.to_exact()),
                    input(&format!("{key}_rate"), rate.to_shortest()),
                ],
                value: value.clone(),
                key: deduction_key(key),
            }));
            formula.push_str(&format!(" - {key}"));
            inputs.push(input(key, value));
        }
        steps.push(self.step(Draft {
            quantity: "evaluated",
            name: name("评审价格", "evaluated price"),
            formula,
            inputs,
            value: work.eval.to_exact(),
            key: "step.evaluated",
        }));
        steps
    }

    fn points(&self, work: &Work<'_>) -> Vec<Step> {
        let rules = self.ground.rules;
        let dp = rules.dp.to_string();
        let mut steps = Vec::new();
        if let (Some(best), None, true, false) = (
            &self.best,
            &self.priced,
            rules.method.scored(),
            rules.fixed_price,
        ) {
            let formula = match rules.highest_wins {
                true => format!("round(evaluated / best * weight, {dp})"),
                false => format!("round(best / evaluated * weight, {dp})"),
            };
            steps.push(self.step(Draft {
                quantity: if work.bonus.is_some() {
                    "base_points"
                } else {
                    "price_points"
                },
                name: name("价格分", "price points"),
                formula,
                inputs: vec![
                    input("best", best.to_exact()),
                    input("evaluated", work.eval.to_exact()),
                    input("weight", self.weight.to_exact()),
                ],
                value: work.base_points.to_fixed(rules.dp),
                key: self.points_key(),
            }));
        }
        if self.priced.is_some() {
            let quantity = if work.bonus.is_some() {
                "base_points"
            } else {
                "price_points"
            };
            let points = self
                .priced
                .as_ref()
                .and_then(|p| p.own(&work.facts.id, "points"));
            let points = points.map_or(String::new(), |value| value.to_string());
            steps.push(self.step(Draft {
                quantity,
                name: name("价格分", "price points"),
                formula: format!("round(points, {dp})"),
                inputs: vec![input("points", points)],
                value: work.base_points.to_fixed(rules.dp),
                key: self.points_key(),
            }));
        }
        if let (Some((key, rate)), true) = (&work.bonus, rules.method.scored()) {
            steps.push(self.bonus(work, key, rate, &dp));
        }
        if !work.judges.is_empty() {
            steps.push(self.quality(work, &dp));
        }
        if rules.technical_first() {
            steps.push(self.technical(work, &dp));
        }
        if rules.method.scored() {
            steps.push(self.step(Draft {
                quantity: "total",
                name: name("总分", "total"),
                formula: "price_points + quality".to_owned(),
                inputs: vec![
                    input("price_points", work.points.to_fixed(rules.dp)),
                    input("quality", work.quality.to_fixed(rules.dp)),
                ],
                value: work.total.to_fixed(rules.dp),
                key: "step.total",
            }));
        }
        steps
    }

    fn bonus(&self, work: &Work<'_>, key: &str, rate: &Ratio, dp: &str) -> Step {
        let rules = self.ground.rules;
        let mut formula = format!("round(base_points * (1 + {key}_rate), {dp})");
        let mut inputs = vec![
            input("base_points", work.base_points.to_fixed(rules.dp)),
            input(&format!("{key}_rate"), rate.to_shortest()),
        ];
        if let Some(cap) = &rules.bonus_cap {
            formula = format!("min({formula}, cap)");
            inputs.push(input("cap", cap.clone()));
        }
        self.step(Draft {
            quantity: "price_points",
            name: name("价格分（加成后）", "price points with the bonus"),
            formula,
            inputs,
            value: work.points.to_fixed(rules.dp),
            key: "step.bonus",
        })
    }

    fn quality(&self, work: &Work<'_>, dp: &str) -> Step {
        let rules = self.ground.rules;
        let judges = list(work.judges.iter().map(|total| total.ratio().to_shortest()));
        let dropped = rules
            .drop_judges
            .filter(|drop| work.judges.len() >= drop.min);
        let formula = match dropped {
            Some(drop) => format!("round(mean(drop(judges, {}, {})), {dp})", drop.lo, drop.hi),
            None => format!("round(mean(judges), {dp})"),
        };
        self.step(Draft {
            quantity: "quality",
            name: name("评委评分平均", "mean of the judges"),
            formula,
            inputs: vec![input("judges", judges)],
            value: work.quality.to_fixed(rules.dp),
            key: "step.quality",
        })
    }

    /// The technical part, which decides between equal scores and offers (214 art. 25).
    fn technical(&self, work: &Work<'_>, dp: &str) -> Step {
        let judges = list(
            work.technical
                .iter()
                .map(|total| total.ratio().to_shortest()),
        );
        self.step(Draft {
            quantity: "technical",
            name: name("技术部分得分平均", "mean of the technical part"),
            formula: format!("round(mean(technical_judges), {dp})"),
            inputs: vec![input("technical_judges", judges)],
            value: work.technical_part.to_fixed(self.ground.rules.dp),
            key: self.order_key(),
        })
    }

    /// Triggers, brand, elimination and rank.
    fn placing(&self, work: &Work<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut say = |quantity, label, value: String, key| {
            steps.push(self.step(Draft {
                quantity,
                name: label,
                formula: String::new(),
                inputs: Vec::new(),
                value,
                key,
            }));
        };
        if let Some(triggers) = self.low.found.get(&work.facts.id) {
            let label = name("启动异常低价审查", "starts the abnormally low review");
            say(
                "abnormal_low",
                label,
                triggers.join(", "),
                "step.abnormal-low",
            );
        }
        if work.excluded {
            let label = name(
                "非同品牌中最优，不作为候选人",
                "not the best of its brand: no candidate",
            );
            say(
                "same_brand",
                label,
                "excluded".to_owned(),
                "step.same-brand",
            );
        }
        if work.eliminated {
            let label = name("淘汰", "eliminated");
            say("eliminated", label, "true".to_owned(), self.order_key());
        }
        say(
            "rank",
            name("排名", "rank"),
            work.rank.to_string(),
            self.order_key(),
        );
        steps
    }
}
