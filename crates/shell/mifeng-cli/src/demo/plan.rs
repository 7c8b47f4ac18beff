//! The demo's tender: a county hospital buys, with a lawful rule set for each lot.

use super::method::MethodName;
use crate::notice::Plan;
use crate::ui::Failure;
use mifeng::crypto::Time;
use mifeng::tender::{Committee, Large, Text};
use std::path::PathBuf;

/// The plan, with its deadline.
pub(crate) fn plan(
    method: MethodName,
    policy: &str,
    deadline: Time,
    (beat_ms, window_ms): (u64, u64),
    buyer: PathBuf,
) -> Result<Plan, Failure> {
    let procedure = method.procedure();
    let profile = procedure.profile();
    let committee = match profile.panel {
        Some(panel) => (panel.members.number, 2),
        None => (0, 0),
    };
    Ok(Plan {
        tender: "DEMO-2026-001".to_owned(),
        title: Text {
            zh: "县人民医院医疗设备采购".to_owned(),
            en: "Medical equipment for the county hospital".to_owned(),
        },
        procedure,
        rehearsal: true,
        ground: String::new(),
        // The demo's group is the small one.
        below_threshold: profile
            .panel
            .is_some_and(|panel| matches!(panel.large, Large::Threshold(_))),
        region: "000000".to_owned(),
        buyer,
        deadline: deadline.to_string(),
        beat_ms,
        beat_depth: 6,
        window_ms,
        body_grace_ms: 0,
        policy: policy.to_owned(),
        chain: None,
        bidders_min: profile.bidders.0,
        committee: Committee {
            specialty: "A032000".to_owned(),
            experts: committee.0,
            alternates: committee.1,
        },
        lots: method.plan_lots()?,
    })
}
