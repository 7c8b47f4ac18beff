//! What is said of the lot before its bids and after them.

use super::super::formula::Priced;
use super::{Draft, Table, input, list, name};
use crate::derivation::Step;
use crate::formula::Value;
use crate::{Method, Ratio};
use std::collections::BTreeSet;

impl Table<'_> {
    pub(super) fn lot(&self) -> Vec<Step> {
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

    pub(super) fn result(&self) -> Vec<Step> {
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
