//! Every row of the shared cases, and the worked examples of the corrections.
use mifeng_score::{Detail, case, correct};

#[test]
fn shared_cases() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/domain/scoring-shared.jsonl"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: scoring-shared.jsonl is absent");
        return;
    };
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let answer = case::run(line).expect("a shared case computes");
        if answer.agrees != Some(true) {
            wrong.push(format!("{answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
}

fn detail(a: &str, b: &str) -> Vec<Detail> {
    [("10", a), ("5", b)]
        .map(|(q, u)| Detail {
            quantity: q.into(),
            unit_price: u.into(),
        })
        .into()
}

#[test]
fn corrections_c1_to_c3() {
    let run = |a, b| correct("1286000.00", 128_500_000, &detail(a, b));
    assert_eq!(run("52000.00", "15300.00").as_deref(), Ok("1285000.00"));
    assert_eq!(run("52000.00", "152000.00").as_deref(), Ok("1280000.00"));
    assert_eq!(
        run("5200.00", "1530.00").map_err(|e| e.code()),
        Err("score.ambiguous")
    );
}
