//! The page of refusals says what the code says, in the same order.

use mifeng::tender::rules::RULES;

#[test]
fn page_and_rules_agree() {
    let page = include_str!("../../../spec/refusals.md");
    let expected: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {} | {} | {} |",
                rule.code, rule.clause, rule.zh, rule.en
            )
        })
        .collect();
    let found: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(found, expected);
}
