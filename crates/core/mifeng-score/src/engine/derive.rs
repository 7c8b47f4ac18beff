//! The table as a derivation, line by line.

use super::formula::Priced;
use super::result::deduction_key;
use super::{Table, Work};
use crate::derivation::{BidSteps, Derivation, Input, Step};
use crate::formula::{Line, Value};
use crate::price::Form;
use crate::{Method, Name, Ratio};
use std::collections::{BTreeMap, BTreeSet};

fn name(zh: &str, en: &str) -> Name {
    Name {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn input(name: &str, value: impl Into<String>) -> Input {
    Input {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// A list as the formula language writes it, in the order given.
fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

/// One step before it has its basis.
struct Draft {
    quantity: &'static str,
    name: Name,
    formula: String,
    inputs: Vec<Input>,
    value: String,
    key: &'static str,
}

impl Table<'_> {
    /// The derivation of everything in the outcome.
    pub(crate) fn derivation(&self) -> Derivation {
        let mut bids: Vec<BidSteps> = self.works.iter().map(|work| self.bid(work)).collect();
        let mut without: BTreeMap<&str, Vec<Step>> = BTreeMap::new();
        for invalid in &self.invalid {
            let mut step = self.step(Draft {
                quantity: "invalid",
                name: name("无效投标", "invalid bid"),
                formula: String::new(),
                inputs: Vec::new(),
                value: invalid.reason.clone(),
                key: "step.price",
            });
            step.basis = self
                .ground
                .pack
                .basis(&format!("reason.{}", invalid.reason));
            without.entry(&invalid.id).or_default().push(step);
        }
        bids.extend(without.into_iter().map(|(id, steps)| BidSteps {
            id: id.to_owned(),
            rank: None,
            steps,
        }));
        Derivation {
            pack: self.pin(),
            lot: self.lot(),
            bids,
            result: self.result(),
        }
    }

    fn step(&self, draft: Draft) -> Step {
        Step {
            quantity: draft.quantity.to_owned(),
            name: draft.name,
            formula: draft.formula,
            inputs: draft.inputs,
            value: draft.value,
            basis: self.ground.pack.basis(draft.key),
        }
    }

    fn lot(&self) -> Vec<Step> {
        let rules = self.ground.rules;
        let mut steps = Vec::new();
        if let (Some(best), true) = (&self.best, rules.method.scored())
            && self.priced.is_none()
            && !rules.fixed_price
        {
            let evals = list(self.works.iter().map(|work| work.eval.to_exact()));
            let (formula, label) = if rules.highest_wins {
                (
                    "max(all_evaluated)",
                    name("最高评审报价", "highest evaluated price"),
                )
            } else {
                (
                    "min(all_evaluated)",
                    name("评标基准价", "base price: lowest evaluated"),
                )
            };
            steps.push(self.step(Draft {
                quantity: "best",
                name: label,
                formula: formula.to_owned(),
                inputs: vec![input("all_evaluated", evals)],
                value: best.to_exact(),
                key: self.points_key(),
            }));
        }
        if let Some(priced) = &self.priced {
            let lines = priced.program.lines.iter().filter(|line| !line.each);
            let known = |n: &str| priced.computed.lot.get(n).cloned();
            steps.extend(self.given_lists(priced));
            steps.extend(lines.map(|line| self.line(line, &known)));
        }
        steps.extend(self.low_limits());
        steps
    }

    /// Lists and tables that the lines of the bids name and no line computes: said once, so that a
    /// derivation grows with the bids and not with their square.
    fn given_lists(&self, priced: &Priced) -> Vec<Step> {
        let lines = &priced.program.lines;
        let each = lines.iter().filter(|line| line.each);
        let mut names: BTreeSet<&str> = each.flat_map(|line| line.expr.names()).collect();
        for line in lines {
            names.remove(line.name.as_str());
        }
        let steps = names.into_iter().filter_map(|n| {
            let value = priced.computed.lot.get(n);
            let value = value.filter(|v| matches!(v, Value::List(_) | Value::Table(_)))?;
            let label = match n {
                "x" => name("全部报价", "all prices"),
                _ => name(n, n),
            };
            Some(Step {
                quantity: n.to_owned(),
                name: label,
                formula: String::new(),
                inputs: Vec::new(),
                value: value.to_string(),
                basis: self.ground.pack.basis(self.points_key()),
            })
        });
        steps.collect()
    }

    /// A line of a formula as a step.
    fn line(&self, line: &Line, known: &dyn Fn(&str) -> Option<Value>) -> Step {
        let label = self
            .priced
            .as_ref()
            .and_then(|p| p.formula.labels.get(&line.name));
        let names = line.expr.names().into_iter();
        let inputs = names.map(|n| match known(n) {
            Some(Value::List(_) | Value::Table(_)) if line.each => input(n, n),
            value => input(n, value.map_or(String::new(), |v| v.to_string())),
        });
        Step {
            quantity: line.name.clone(),
            name: label
                .cloned()
                .unwrap_or_else(|| name(&line.name, &line.name)),
            formula: line.text.clone(),
            inputs: inputs.collect(),
            value: known(&line.name).map_or(String::new(), |v| v.to_string()),
            basis: self.ground.pack.basis(self.points_key()),
        }
    }

    /// The limits of the abnormally low review.
    fn low_limits(&self) -> Vec<Step> {
        let rules = self.ground.rules;
        let limit = |quantity, label, from, value: &(Ratio, Ratio), rate: &str| {
            self.step(Draft {
                quantity,
                name: label,
                formula: format!("{from} * rate"),
                inputs: vec![input(from, value.0.to_exact()), input("rate", rate)],
                value: value.1.to_exact(),
                key: "step.abnormal-low",
            })
        };
        // What the limits are parts of, from the prices of all bids that passed conformity.
        let of_all = |quantity, label, formula: &str, value: &(Ratio, Ratio)| {
            let prices = list(self.low.prices.iter().map(Ratio::to_exact));
            self.step(Draft {
                quantity,
                name: label,
                formula: formula.to_owned(),
                inputs: vec![input("prices", prices)],
                value: value.0.to_exact(),
                key: "step.abnormal-low",
            })
        };
        let mut steps = Vec::new();
        if let Some(value) = &self.low.mean {
            let label = name("报价平均值", "mean of the prices");
            steps.push(of_all("mean_price", label, "mean(prices)", value));
            let label = name("异常低价线：平均价", "low price limit: mean");
            steps.push(limit(
                "low_mean",
                label,
                "mean_price",
                value,
                &rules.low_mean_rate,
            ));
        }
        if let Some(value) = &self.low.second {
            let label = name("次低报价", "second lowest price");
            steps.push(of_all("second_price", label, "nth(prices, 2)", value));
            let label = name("异常低价线：次低价", "low price limit: second lowest");
            steps.push(limit(
                "low_second",
                label,
                "second_price",
                value,
                &rules.low_mean_rate,
            ));
        }
        if let Some(value) = &self.low.ceiling {
            let label = name("异常低价线：最高限价", "low price limit: ceiling");
            steps.push(limit(
                "low_ceiling",
                label,
                "ceiling",
                value,
                &rules.low_ceiling_rate,
            ));
        }
        steps
    }

    fn bid(&self, work: &Work<'_>) -> BidSteps {
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

    fn result(&self) -> Vec<Step> {
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
        let effective = self.effective.to_string();
        let label = name("有效供应商数量", "effective bidders");
        say("effective_bidders", label, effective, "step.bidders");
        if self.effective < self.required {
            let label = name(
                "供应商不足，程序终止",
                "too few bidders: the procedure fails",
            );
            let value = format!("{} < {}", self.effective, self.required);
            say("procedure_fails", label, value, "step.bidders");
        }
        if self.ground.rules.method == Method::Framework {
            let label = name("淘汰数量", "number to eliminate");
            say(
                "eliminate",
                label,
                self.eliminated().to_string(),
                self.order_key(),
            );
        }
        for group in &self.brand_draws {
            let label = name("同品牌并列，随机抽取", "equal within a brand: draw");
            say("brand_draw", label, group.join(", "), "step.same-brand");
        }
        if !self.draw_needed.is_empty() {
            let label = name("并列，随机抽取", "equal: draw");
            say(
                "draw_needed",
                label,
                self.draw_needed.join(", "),
                "step.draw",
            );
        }
        steps
    }
}
