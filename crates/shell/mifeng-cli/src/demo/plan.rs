//! The demo's tender: a county hospital buys, with a lawful rule set for each lot.

use super::method::MethodName;
use crate::notice::Plan;
use crate::ui::Failure;
use mifeng::crypto::Time;
use mifeng::tender::{Committee, Large, Particular, Text};
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
        documents: Vec::new(),
        particulars: particulars(),
    })
}

/// What else a public notice says (87 art. 13), for people.
fn particulars() -> Vec<Particular> {
    let told = [
        (
            ("投标人资格要求", "Who may bid"),
            (
                "符合政府采购法第二十二条；具有医疗器械经营许可证或备案凭证；不接受联合体。",
                "Those who meet article 22 of the Government Procurement Law and hold a licence or filing for medical devices; no consortia.",
            ),
        ),
        (
            ("获取招标文件", "Tender documents"),
            (
                "自公告之日起在本平台免费下载。",
                "On this host, free of charge, from the day of the notice.",
            ),
        ),
        (
            ("开标地点", "Place of the opening"),
            (
                "本平台网上开标大厅；县公共资源交易中心第一开标室同步显示。",
                "The opening hall of this host; shown in opening room 1 of the county's trading centre as well.",
            ),
        ),
        (
            ("联系方式", "Contact"),
            (
                "采购人：设备科，0000-0000001\n代理机构：项目一部，0000-0000002",
                "Buyer: equipment office, 0000-0000001\nAgency: project team 1, 0000-0000002",
            ),
        ),
    ];
    let text = |(zh, en): (&str, &str)| Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let one = |(name, told)| Particular {
        name: text(name),
        text: text(told),
    };
    told.map(one).into()
}
