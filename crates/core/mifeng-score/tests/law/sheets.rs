//! Sheets of the judges, and what may change a result after them.
use super::*;

fn panel(kind: &str, more: Value) -> RuleSet {
    let mut value = json!({"method": "composite", "price_weight": "40", "sme_rate": "0.10",
        "items": [{"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "60", "kind": kind,
            "bands": [["0", "10"], ["20", "30"], ["50", "60"]]}]});
    for (key, entry) in more.as_object().expect("an object") {
        value[key] = entry.clone();
    }
    rules(value)
}

#[test]
fn sheets_are_held_to_bands_and_to_each_other() {
    let facts = bids(json!([{"id": "b0", "price": "100"}, {"id": "b1", "price": "100"}]));
    let run = |rules: &RuleSet, points: &[&[&str]]| {
        evaluate(rules, &facts, &votes(points)).map_err(|e| (e.code(), e.to_string()))
    };
    let subjective = panel("subjective", json!({}));
    assert!(run(&subjective, &[&["10", "55"], &["20", "50"]]).is_ok());
    for wrong in ["10.01", "40", "60.1", "-1"] {
        let (code, text) = run(&subjective, &[&["10", wrong]]).expect_err("outside");
        assert_eq!(code, "score.band", "{wrong}");
        assert!(text.contains("b1/q"), "{text}");
    }
    let (code, text) = run(&subjective, &[&["10", "1e1"]]).expect_err("no number");
    assert_eq!(code, "score.number");
    assert!(text.contains("b1/q"), "{text}");
    let objective = panel("objective", json!({}));
    assert!(run(&objective, &[&["10", "5"], &["10.0", "5"]]).is_ok());
    assert_eq!(
        run(&objective, &[&["10", "5"], &["10", "6"]])
            .expect_err("differ")
            .0,
        "score.objective"
    );
    // The highest and lowest judge go only where the document says so.
    let points: [&[&str]; 5] = [
        &["0", "1"],
        &["10", "1"],
        &["20", "1"],
        &["30", "1"],
        &["60", "1"],
    ];
    let quality = |rules: &RuleSet| {
        run(rules, &points).expect("computes").rows[0]
            .quality
            .clone()
    };
    assert_eq!(quality(&subjective), "24.00");
    let dropping = panel(
        "subjective",
        json!({"drop_judges": {"hi": 1, "lo": 1, "min": 5}}),
    );
    assert_eq!(quality(&dropping), "20.00");
    let more = panel(
        "subjective",
        json!({"drop_judges": {"hi": 1, "lo": 1, "min": 6}}),
    );
    assert_eq!(quality(&more), "24.00");
    assert!(
        lint(&dropping)
            .iter()
            .any(|f| f.code == "rules.drops-judges" && !f.is_error())
    );
}

#[test]
fn a_judge_far_from_the_panel_is_pointed_at() {
    let facts = bids(json!([{"id": "b0", "price": "100"}, {"id": "b1", "price": "100"}]));
    let rules = panel("subjective", json!({}));
    let points: [&[&str]; 5] = [
        &["50", "21"],
        &["51", "20"],
        &["52", "22"],
        &["53", "58"],
        &["52", "23"],
    ];
    let part = Ratio::parse("0.1").expect("a number");
    let found = judge_statistics(&rules, &facts, &votes(&points), &part).expect("a panel");
    assert_eq!(found.leads.len(), 1);
    let lead = &found.leads[0];
    assert_eq!((lead.judge.as_str(), lead.bid.as_str()), ("j3", "b1"));
    assert_eq!(
        (
            lead.median.as_str(),
            lead.deviation.as_str(),
            lead.spread.as_str()
        ),
        ("22", "36", "1")
    );
    assert_eq!(
        (
            found.judges[3].stands_out,
            found.judges[3].mean_deviation.as_str()
        ),
        (1, "18.50")
    );
    assert!(judge_statistics(&rules, &facts, &votes(&points[..2]), &part).is_err());
}

#[test]
fn results_change_only_for_listed_reasons() {
    let pack = latest(Regime::Procurement);
    let of = |method, reason, signed| recheck(pack, method, reason, signed);
    let found = of(Method::Composite, "sum-error", false).expect("listed");
    assert_eq!(
        (found.action, found.basis.article.as_str()),
        (Action::CorrectOnTheSpot, "87 art. 64")
    );
    let again = of(Method::Composite, "abnormal-score", true).expect("listed");
    assert_eq!(again.action, Action::SameCommitteeAgain);
    for (method, reason, article) in [
        (Method::Negotiation, "sum-error", "74 art. 21"),
        (Method::Composite, "second-thoughts", "87 art. 64"),
    ] {
        match of(method, reason, true) {
            Err(Error::Recheck { article: found, .. }) => assert_eq!(found, article),
            other => unreachable!("a refusal expected, found {other:?}"),
        }
    }
    assert!(of(Method::Consultation, "qualification-error", true).is_ok());
    assert_eq!(reasons(pack, Method::Inquiry).count(), 2);
}
