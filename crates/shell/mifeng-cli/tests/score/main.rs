//! `mifeng score`: the worked examples to the cent, with every number that they print; bad input,
//! one coded sentence each.
mod refused;

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/score");
    folder.join(format!("{name}.json"))
}

fn run(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = command.stdin.take().expect("a pipe");
    // A command that refuses its arguments does not read.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    command.wait_with_output().expect("the command ends")
}

fn explained(name: &str, lang: &str) -> String {
    let path = example(name);
    let path = path.to_str().expect("UTF-8");
    let output = run(&["--lang", lang, "score", "--explain", path], "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Every number that the worked example prints, by example.
const NUMBERS: &[(&str, &str)] = &[
    (
        "W1",
        "980000.00 920000.00 760000.00 1050000.00 784000 598000 892500 22.88 30.00 23.61 20.10 \
         59.20 53.20 50.20 61.80 82.08 83.20 73.81 81.90 0.15 0.2",
    ),
    (
        "W2",
        "388000.00 349200 20.00 365000 19.13 402000.00 385920 18.10 0.1 0.04",
    ),
    (
        "W3",
        "9876543.21 9650000 9412000 9288888.88 9105000 8990000 8600000 9289177.776 9289177.78 \
         6.32 53.68 3.88 56.12 1.32 58.68 60.00 -1.98 59.01 -3.22 58.39 -7.42 56.29",
    ),
    (
        "W4",
        "10000000 0.35 0.02 9289177.776 9347206.24 54.34 56.76 59.31 59.69 58.71 58.09 56.01",
    ),
    (
        "W4b",
        "9644588.89 57.59 59.94 58.80 58.16 57.21 56.61 54.59",
    ),
    ("W5", "9105000 8990000 8600000 9274633.155714 8898333.33"),
    ("W6a", "1050000 455000 838750 419375 940000 470000 472500"),
    ("W6b", "363750 240000 470000 472500"),
    ("W6c", "329500 450000 418000 418500"),
    ("W7a", "4618800.00 94.72 4576292.80 94.60 4314949.53 94.16"),
    ("W7b", "1988000.00 94.03 2074000.00 77.12 2050800.00 65.45"),
    (
        "W8",
        "97.17 87.31 94.85 93.13 76.10 98.5 85.14 92.52 91.46 71.43",
    ),
    ("W9a", "100000 125000 150000 35 28 23.3"),
    ("W9b", "50000 55000 300 272.7"),
    ("W9c", "120 130 135 150 10 9.166 8.75 7.5"),
    ("W9d", "1000000 1100000 1200000 80 72 64"),
    (
        "C1",
        "1286000.00 1285000.00 52000.00 15300.00 596500 520000 765000 153000",
    ),
    (
        "C2",
        "1286000.00 1285000.00 152000.00 520000 760000 1280000.00",
    ),
    (
        "C3",
        "5200.00 1530.00 1285000.00 527650.00 59650.00 817000.00",
    ),
    ("formula", "0.01 [[0, 1], [3, 2]]"),
];

/// The numbers of a text as they stand there.
fn numbers(text: &str) -> Vec<&str> {
    let sign = |c: char| !(c.is_ascii_digit() || c == '.' || c == '-');
    text.split(sign)
        .map(|word| word.trim_end_matches('.'))
        .collect()
}

#[test]
fn worked_examples_show_every_number() {
    for (name, expected) in NUMBERS {
        for lang in ["zh", "en"] {
            let text = explained(name, lang);
            let found = numbers(&text);
            for number in expected
                .split_whitespace()
                .filter(|n| !n.contains(['[', ']']))
            {
                // Integers may be printed as such or with their decimals.
                let whole = format!("{number}.00");
                let there = found.iter().any(|n| n == &number || **n == *whole);
                assert!(there, "{name} {lang}: {number} is missing in\n{text}");
            }
            let agrees = if lang == "zh" {
                "与 expected 一致"
            } else {
                "equals `expected`"
            };
            assert!(text.contains(agrees), "{name}: {text}");
        }
    }
}

#[test]
fn every_example_is_in_the_table() {
    let folder = example("W1");
    let folder = folder.parent().expect("a folder");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("examples")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let mut known: Vec<String> = NUMBERS
        .iter()
        .map(|(name, _)| format!("{name}.json"))
        .collect();
    known.sort();
    assert_eq!(names, known);
}

#[test]
fn every_line_of_an_explanation_cites_an_article_and_a_pack() {
    let text = explained("W1", "en");
    let values = text
        .lines()
        .filter(|line| line.contains(" = ") && line.contains('〔'));
    for line in values.clone() {
        assert!(line.contains("cn-gov-") && line.ends_with("〕"), "{line}");
    }
    assert!(values.count() > 20);
    let zh = explained("W1", "zh");
    assert!(
        zh.contains("〔87 第55条 · cn-gov-") && zh.contains("财政部令第87号"),
        "{zh}"
    );
}

#[test]
fn json_is_what_a_case_expects_to_the_byte_of_its_values() {
    for name in ["W1", "W3", "W6a"] {
        let path = example(name);
        let output = run(&["--json", "score", path.to_str().expect("UTF-8")], "");
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let text = std::fs::read_to_string(&path).expect("an example");
        let case: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found, case["expected"], "{name}");
    }
}

fn case() -> Value {
    let text = std::fs::read_to_string(example("W1")).expect("an example");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn json_lines_are_answered_line_by_line_and_the_first_failure_decides() {
    let good = case().to_string();
    let mut bad = case();
    bad["bids"][0]["price"] = json!("NaN");
    let mut other = case();
    other["expected"]["effective_bidders"] = json!(3);
    let input = format!("{good}\n{bad}\n\n{other}\n{good}\n");
    let output = run(&["--json", "score", "-"], &input);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    // The third is computed, then found to differ from what it expects.
    let codes: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["code"].as_str())
        .collect();
    assert_eq!(codes, ["score.number", "score.differs"]);
    assert_eq!(
        lines.iter().filter(|line| line["rows"].is_array()).count(),
        3
    );
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        error.contains("-:2") && error.contains("score.number"),
        "{error}"
    );
}

#[test]
fn wrong_calls_are_told_apart() {
    let path = example("W1");
    let path = path.to_str().expect("UTF-8");
    assert_eq!(run(&["score"], "").status.code(), Some(2));
    assert_eq!(
        run(&["score", "no-such-file.json"], "").status.code(),
        Some(4)
    );
    assert_eq!(run(&["score", "-"], "").status.code(), Some(3));
    let two = run(&["score", path, path, "--xlsx", "never.xlsx"], "");
    assert_eq!(two.status.code(), Some(2));
    assert!(!Path::new("never.xlsx").exists());
}

#[test]
fn rules_are_listed_shown_and_compared() {
    let text = |args: &[&str]| {
        let output = run(args, "");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let all = text(&["--lang", "en", "rules", "list"]);
    assert!(
        all.contains("cn-gov-2026-02") && all.contains("cn-tender-"),
        "{all}"
    );
    let then = text(&["--json", "rules", "list", "--day", "2026-01-15"]);
    let ids: Vec<Value> = then
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone())
        .collect();
    assert_eq!(ids[0], "cn-gov-2026-01");
    let entry = text(&[
        "--json",
        "rules",
        "show",
        "cn-gov-2026-02",
        "--entry",
        "price-weight.goods.least",
    ]);
    let entry: Value = serde_json::from_str(&entry).expect("JSON");
    assert_eq!(
        (&entry["value"], &entry["article"]),
        (&json!("30"), &json!("87 art. 55"))
    );
    let change = text(&[
        "--json",
        "rules",
        "diff",
        "cn-gov-2022-07",
        "cn-gov-2026-01",
    ]);
    assert!(change.contains("domestic"), "{change}");
    let same = text(&[
        "--lang",
        "en",
        "rules",
        "diff",
        "cn-gov-2026-01",
        "cn-gov-2026-01",
    ]);
    assert_eq!(same.trim(), "no difference");
    assert_eq!(
        run(&["rules", "list", "--day", "soon"], "").status.code(),
        Some(2)
    );
    let early = run(&["rules", "list", "--day", "1990-01-01"], "");
    assert_eq!(early.status.code(), Some(1));
    assert_eq!(
        run(&["rules", "show", "no-such-pack"], "").status.code(),
        Some(4)
    );
}
