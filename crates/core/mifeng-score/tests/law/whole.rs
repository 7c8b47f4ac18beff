//! What holds for every method and every source file.
use super::*;

#[test]
fn the_order_of_the_bids_never_changes_a_derivation_of_any_method() {
    let item = json!([{"id": "q", "name": {"zh": "技术", "en": "technical"}, "max": "60",
        "kind": "subjective"}]);
    let sets = [
        json!({"method": "composite", "price_weight": "40", "sme_rate": "0.10", "items": item}),
        json!({"method": "consultation", "price_weight": "40", "sme_rate": "0.10", "items": item}),
        json!({"method": "lowest", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "negotiation", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "inquiry", "price_weight": "0", "sme_rate": "0.10"}),
        json!({"method": "framework", "price_weight": "0", "framework": {"stage": "price-first"}}),
        json!({"method": "framework", "price_weight": "0", "framework": {"stage": "quality-first"},
            "items": item}),
        json!({"method": "works-deviation", "price_weight": "40", "items": item,
            "formula": {"family": "second-mean", "params": {"full": "40"}}}),
    ];
    let mut facts: Vec<BidFacts> = (0..12u32)
        .map(|at| BidFacts {
            id: format!("b{at}"),
            price: (100 + at * 7 % 5).to_string(),
            small: at % 3 == 0,
            domestic: at % 2 == 0,
            brand: (at % 4 == 0).then(|| "X".to_owned()),
            ..BidFacts::default()
        })
        .collect();
    let own = |judge: usize| -> Vec<String> {
        (0..12)
            .map(|bid| (judge * 13 + bid % 4 * 9).to_string())
            .collect()
    };
    let points: Vec<Vec<String>> = (0..3).map(own).collect();
    let points: Vec<Vec<&str>> = points
        .iter()
        .map(|p| p.iter().map(String::as_str).collect())
        .collect();
    let points: Vec<&[&str]> = points.iter().map(Vec::as_slice).collect();
    let mut sheets = votes(&points);
    let sets: Vec<RuleSet> = sets.into_iter().map(rules).collect();
    let results = |facts: &[BidFacts], sheets: &[Sheet]| -> Vec<_> {
        let sheets_of = |set: &RuleSet| if set.items.is_empty() { &[] } else { sheets };
        let one = |set: &RuleSet| derive(&Lot::new(set, facts, sheets_of(set))).expect("computes");
        sets.iter().map(one).collect()
    };
    let first = results(&facts, &sheets);
    for turn in 1..12 {
        facts.rotate_left(turn);
        sheets.rotate_left(1);
        assert!(results(&facts, &sheets) == first, "turn {turn}");
    }
}

/// A float would decide a contract by how a machine rounds.
#[test]
fn there_is_no_float_in_the_sources() {
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).expect("a source file");
            // A reader of JSON must name floats to pass over them.
            let float = |line: &&str| {
                !line.contains("fn visit_f64") && (line.contains("f32") || line.contains("f64"))
            };
            let found = text.lines().find(float);
            assert_eq!(found, None, "{}", path.display());
        }
    }
    assert!(files > 30, "{files} files");
}
