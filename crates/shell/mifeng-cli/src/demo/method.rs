//! What the demo can show: one whole tender for each procedure and method.

use crate::ui::Failure;
use mifeng::tender::{Lot, Procedure, Text};
use serde_json::{Value, json};

/// Ceiling prices of the two lots, in yuan.
pub(crate) const CEILING: [u64; 2] = [1_200_000, 800_000];

/// The methods that the demo offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MethodName {
    /// 公开招标，综合评分法 / open tender, composite score
    Open,
    /// 公开招标，最低评标价法 / open tender, lowest evaluated price
    Lowest,
    /// 竞争性谈判 / competitive negotiation
    Negotiation,
    /// 竞争性磋商 / competitive consultation
    Consultation,
    /// 询价 / inquiry
    Inquiry,
    /// 单一来源 / single source
    SingleSource,
    /// 框架协议 / framework agreement
    Framework,
    /// 工程招标，抽取系数 / construction tender with a drawn coefficient
    Works,
}

fn text(zh: &str, en: &str) -> Text {
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn items(weights: [&str; 3]) -> Value {
    let item = |id: &str, zh: &str, en: &str, max: &str, kind: &str| json!({"id": id, "name": {"zh": zh, "en": en}, "max": max, "kind": kind});
    let [spec, service, record] = weights;
    json!([
        item(
            "spec",
            "技术参数响应",
            "technical parameters",
            spec,
            "subjective"
        ),
        item(
            "service",
            "售后服务方案",
            "after-sales service",
            service,
            "subjective"
        ),
        item(
            "record",
            "同类业绩",
            "similar contracts",
            record,
            "objective"
        ),
    ])
}

impl MethodName {
    /// The procedure.
    pub(crate) fn procedure(self) -> Procedure {
        match self {
            MethodName::Open | MethodName::Lowest => Procedure::Open,
            MethodName::Negotiation => Procedure::Negotiation,
            MethodName::Consultation => Procedure::Consultation,
            MethodName::Inquiry => Procedure::Inquiry,
            MethodName::SingleSource => Procedure::SingleSource,
            MethodName::Framework => Procedure::Framework,
            MethodName::Works => Procedure::Works,
        }
    }

    /// How many bidders the demo has, of so many asked for.
    pub(crate) fn bidders(self, asked: usize) -> usize {
        match self {
            MethodName::SingleSource => 1,
            _ => asked,
        }
    }

    /// The ids of the lots: two where the whole range of bids is shown, else one.
    pub(crate) fn lots(self) -> &'static [&'static str] {
        match self {
            MethodName::Open => &["1", "2"],
            _ => &["1"],
        }
    }

    fn rules(self, ceiling: u64) -> Value {
        let ceiling = format!("{ceiling}.00");
        match self {
            MethodName::Open | MethodName::Consultation => json!({
                "method": if self == MethodName::Open { "composite" } else { "consultation" }, "object": "goods", "price_weight": "30", "ceiling": ceiling,
                "sme_rate": "0.15", "domestic_rate": "0.20", "items": items(["35", "20", "15"]),
            }),
            MethodName::Works => json!({
                "method": "works-deviation", "object": "works", "price_weight": "60",
                "ceiling": ceiling, "items": items(["20", "12", "8"]),
                // The weight of the ceiling and the float-down are drawn by the board.
                "formula": {"family": "ceiling-weighted"},
            }),
            MethodName::SingleSource => json!({
                "method": "single-source", "object": "goods", "price_weight": "100",
                "ceiling": ceiling, "min_bidders": 1,
            }),
            MethodName::Framework => json!({
                "method": "framework", "object": "goods", "price_weight": "100",
                "ceiling": ceiling, "sme_rate": "0.15", "domestic_rate": "0.20",
                "framework": {"stage": "price-first"},
            }),
            _ => json!({
                "method": match self {
                    MethodName::Negotiation => "negotiation",
                    MethodName::Inquiry => "inquiry",
                    _ => "lowest",
                }, "object": "goods", "price_weight": "100", "ceiling": ceiling,
                "sme_rate": "0.15", "domestic_rate": "0.20",
            }),
        }
    }

    /// The lots with their rules.
    pub(crate) fn plan_lots(self) -> Result<Vec<Lot>, Failure> {
        let titles = match self {
            MethodName::Works => [
                text("第一标段：门诊楼改造", "Lot 1: outpatient building"),
                text("第二标段", "Lot 2"),
            ],
            _ => [
                text("第一包：彩色超声诊断系统", "Lot 1: ultrasound system"),
                text("第二包：病床及监护仪", "Lot 2: beds and monitors"),
            ],
        };
        let lots = self.lots().iter().zip(titles).zip(CEILING);
        lots.map(|((id, title), ceiling)| {
            let rules = serde_json::from_value(self.rules(ceiling))
                .map_err(|e| Failure::malformed(e.to_string()))?;
            Ok(Lot {
                id: (*id).to_owned(),
                title,
                rules,
            })
        })
        .collect()
    }

    /// One line on what is shown.
    pub(crate) fn shown(self) -> (&'static str, &'static str) {
        match self {
            MethodName::Open => (
                "两个标段，综合评分法，价格分 30，小微扣除 15%，本国产品扣除 20%",
                "two lots, composite score, price 30, SME 15 %, domestic 20 %",
            ),
            MethodName::Lowest => ("最低评标价法", "lowest evaluated price"),
            MethodName::Negotiation => (
                "首次报价不公开，密封提交最后报价，最低价成交",
                "first prices unpublished, sealed final offers, the lowest wins",
            ),
            MethodName::Consultation => (
                "首次报价不公开，密封提交最后报价，综合评分",
                "first prices unpublished, sealed final offers, composite score",
            ),
            MethodName::Inquiry => (
                "一次报价不得更改，最低价成交",
                "one price, not to be changed, the lowest wins",
            ),
            MethodName::SingleSource => (
                "与唯一供应商商定价格，密封提交最终报价",
                "a price agreed with the one supplier, sealed",
            ),
            MethodName::Framework => (
                "入围淘汰至少 20%，至少一家",
                "at least one in five, and at least one, is eliminated",
            ),
            MethodName::Works => (
                "限价与平均价加权为基准价，权重与下浮系数由受托人份额抽取",
                "benchmark of ceiling and mean; its weight and float-down are drawn by the board",
            ),
        }
    }
}
