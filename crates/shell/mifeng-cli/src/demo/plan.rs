//! The demo's tender: two lots of a county hospital, with a lawful rule set each.

use crate::notice::Plan;
use crate::ui::Failure;
use mifeng::crypto::Time;
use mifeng::tender::{Committee, Lot, Text};
use std::path::PathBuf;

/// Ceiling prices of the two lots, in yuan.
pub(crate) const CEILING: [u64; 2] = [1_200_000, 800_000];

fn text(zh: &str, en: &str) -> Text {
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn lot(id: &str, title: Text, ceiling: u64) -> Result<Lot, Failure> {
    let item = |id: &str, zh: &str, en: &str, max: &str, kind: &str| serde_json::json!({"id": id, "name": {"zh": zh, "en": en}, "max": max, "kind": kind});
    let rules = serde_json::json!({
        "method": "composite",
        "object": "goods",
        "price_weight": "30",
        "ceiling": format!("{ceiling}.00"),
        "sme_rate": "0.15",
        "domestic_rate": "0.20",
        "items": [
            item("spec", "技术参数响应", "technical parameters", "35", "subjective"),
            item("service", "售后服务方案", "after-sales service", "20", "subjective"),
            item("record", "同类业绩", "similar contracts", "15", "objective"),
        ],
    });
    let rules = serde_json::from_value(rules).map_err(|e| Failure::malformed(e.to_string()))?;
    Ok(Lot {
        id: id.to_owned(),
        title,
        rules,
    })
}

/// The plan, with its deadline.
pub(crate) fn plan(
    policy: &str,
    deadline: Time,
    beat_ms: u64,
    buyer: PathBuf,
) -> Result<Plan, Failure> {
    Ok(Plan {
        tender: "DEMO-2026-001".to_owned(),
        title: text(
            "县人民医院医疗设备采购",
            "Medical equipment for the county hospital",
        ),
        buyer,
        deadline: deadline.to_string(),
        beat_ms,
        beat_depth: 6,
        window_ms: 60_000,
        policy: policy.to_owned(),
        bidders_min: 3,
        committee: Committee {
            specialty: "A032000".to_owned(),
            experts: 5,
            alternates: 2,
        },
        lots: vec![
            lot(
                "1",
                text("第一包：彩色超声诊断系统", "Lot 1: ultrasound system"),
                CEILING[0],
            )?,
            lot(
                "2",
                text("第二包：病床及监护仪", "Lot 2: beds and monitors"),
                CEILING[1],
            )?,
        ],
    })
}
