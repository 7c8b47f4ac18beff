//! The lint of a tender document.
use super::*;

fn document(more: Value) -> Vec<(String, String)> {
    let mut value = json!({"rules": {"method": "composite", "price_weight": "40", "budget": "3000000",
        "sme_rate": "0.10", "items": [{"id": "q", "name": {"zh": "技术方案", "en": "technical plan"},
        "max": "60", "kind": "subjective", "bands": [["0", "60"]]}]}});
    for (key, entry) in more.as_object().expect("an object") {
        match (key.as_str(), entry.as_object()) {
            ("rules", Some(own)) => {
                own.iter()
                    .for_each(|(key, entry)| value["rules"][key] = entry.clone());
            }
            _ => value[key] = entry.clone(),
        }
    }
    let document: Document = serde_json::from_value(value).expect("a document");
    let found = lint_document(&document).into_iter();
    found
        .map(|f| {
            assert!(!f.article.is_empty());
            (f.code, f.place)
        })
        .collect()
}

#[test]
fn the_lint_catches_each_planted_fault_and_nothing_in_a_clean_document() {
    let clause = |zh: &str| json!([{"id": "1", "text": {"zh": zh, "en": ""}}]);
    let clean = json!({"document_price": "0", "notice_days": 5, "available_days": 5,
        "response_days": 20, "qualifications": clause("具有独立承担民事责任的能力"),
        "samples": {"making": true, "judging": true, "returning": true}, "products": 2,
        "core_products": ["服务器"], "bid_bond": "60000", "performance_bond": "0.10", "seats": 5,
        "experts": 4, "amendments": [{"days_before": 15, "affects_bids": true, "deadline_moved": false},
        {"days_before": 3, "affects_bids": true, "deadline_moved": true}]});
    assert_eq!(document(clean), []);
    for (more, code) in [
        (json!({"document_price": "0.01"}), "document.price"),
        (json!({"floor_price": "1"}), "document.floor-price"),
        (json!({"rules": {"budget": null}}), "document.no-budget"),
        (json!({"notice_days": 4}), "document.notice-days"),
        (json!({"available_days": 4}), "document.available-days"),
        (json!({"response_days": 19}), "document.response-days"),
        (
            json!({"amendments": [{"days_before": 14, "affects_bids": true, "deadline_moved": false}]}),
            "document.corrections",
        ),
        (
            json!({"qualifications": clause("注册资本不低于500万元")}),
            "document.qualification-size",
        ),
        (
            json!({"qualifications": clause("提供制造商授权")}),
            "document.qualification-authorisation",
        ),
        (
            json!({"qualifications": clause("在本市设有分支机构")}),
            "document.qualification-region",
        ),
        (
            json!({"qualifications": clause("国有企业")}),
            "document.qualification-ownership",
        ),
        (
            json!({"qualifications": clause("限定品牌")}),
            "document.qualification-brand",
        ),
        (
            json!({"qualifications": [{"id": "1", "text": {"zh": "技术方案", "en": "technical plan"}}]}),
            "document.scored-qualification",
        ),
        (
            json!({"requirements": clause("限定品牌甲")}),
            "document.requirement-brand",
        ),
        (
            json!({"named_software": "某软件"}),
            "document.named-software",
        ),
        (json!({"imported": true}), "document.import"),
        (json!({"samples": {"making": true}}), "document.samples"),
        (json!({"products": 2}), "document.no-core-product"),
        (json!({"bid_bond": "60000.01"}), "document.bond"),
        (json!({"cash_bond": true}), "document.cash-bond"),
        (
            json!({"performance_bond": "0.11"}),
            "document.performance-bond",
        ),
        (json!({"seats": 4}), "rules.committee"),
        (json!({"seats": 5, "experts": 3}), "rules.committee-experts"),
        (json!({"seats": 5, "complex": true}), "rules.committee"),
        (
            json!({"rules": {"budget": "10000000"}, "seats": 5}),
            "rules.committee",
        ),
        (
            json!({"rules": {"budget": "2000000"}, "fit_for_small": true}),
            "document.reserve",
        ),
        (
            json!({"rules": {"price_weight": "29", "items": [{"id": "q", "max": "71", "kind": "objective",
            "name": {"zh": "甲", "en": "a"}}]}}),
            "rules.price-weight-low",
        ),
        (
            json!({"rules": {"drop_price_extremes": true}}),
            "rules.drops-extremes",
        ),
        (
            json!({"rules": {"price_weight": "41"}}),
            "rules.weights-sum",
        ),
        (json!({"rules": {"min_bidders": 2}}), "rules.min-bidders"),
        (
            json!({"rules": {"min_bidders": 2, "exception": "two-left"}}),
            "rules.exception",
        ),
        (
            json!({"rules": {"ceiling": "3000000.01"}}),
            "rules.ceiling-over-budget",
        ),
        (
            json!({"rules": {"reserved": true}}),
            "rules.reserved-deduction",
        ),
        (
            json!({"rules": {"sme_bonus_rate": "0.03"}}),
            "rules.sme-bonus",
        ),
        (
            json!({"rules": {"formula": {"family": "mean"}}}),
            "rules.works",
        ),
        (
            json!({"rules": {"framework": {"stage": "price-first"}}}),
            "rules.framework",
        ),
        (
            json!({"rules": {"low_mean_rate": "0.66"}}),
            "rules.abnormal-low-rate",
        ),
        (
            json!({"rules": {"items": [{"id": "q", "max": "60", "kind": "subjective",
            "name": {"zh": "甲", "en": "a"}}]}}),
            "document.not-quantified",
        ),
    ] {
        let found = document(more);
        assert!(found.iter().any(|(c, _)| c == code), "{code}: {found:?}");
    }
    let imported = json!({"imported": true, "import_approved": true,
        "qualifications": clause("提供制造商授权")});
    assert_eq!(document(imported), []);
    let small = json!({"rules": {"method": "inquiry", "price_weight": "0", "items": []},
        "response_days": 2, "seats": 3, "experts": 2});
    assert_eq!(
        document(small),
        [(
            "document.response-days".to_owned(),
            "response_days".to_owned()
        )]
    );
}
