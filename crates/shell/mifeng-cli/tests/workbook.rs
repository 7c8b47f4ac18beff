//! `mifeng score --xlsx`: every formula of the workbook, computed anew, gives what the engine says;
//! a changed input changes the result; the same case gives the same bytes.

mod recalc;

use recalc::{Book, Value};
use std::path::{Path, PathBuf};
use std::process::Command;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples/score")
}

fn workbook(case: &Path, lang: &str, name: &str) -> Vec<u8> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .args(["--lang", lang, "score"])
        .arg(case)
        .arg("--xlsx")
        .arg(&out)
        .output()
        .expect("the command runs");
    assert!(run.status.success(), "{}: {run:?}", case.display());
    std::fs::read(out).expect("a workbook")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(examples())
        .expect("examples")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 10);
    cases
}

#[test]
fn every_formula_gives_what_the_engine_says() {
    for case in cases() {
        let name = case.file_stem().and_then(|n| n.to_str()).expect("a name");
        let book = Book::open(workbook(&case, "zh", &format!("{name}.xlsx")));
        assert_eq!(book.sheets, ["结果", "推导", "数据"]);
        let mut live = 0;
        for (sheet, address, text, stored) in book.formulas() {
            let place = format!("{name} {sheet}!{address} ={text}");
            match book.value(sheet, address) {
                Value::Number(found) => {
                    let stored: f64 = stored.parse().expect("a stored number");
                    assert!((found - stored).abs() < 1e-6, "{place}: {found}, {stored}");
                }
                Value::Truth(found) => assert_eq!(found, stored == "TRUE", "{place}"),
                // The writer cannot store an empty text; the spreadsheet computes it.
                Value::Text(found) if found.is_empty() => assert_eq!(stored, "0", "{place}"),
                Value::Text(found) => {
                    assert_eq!(found, stored, "{place}");
                    live += usize::from(found == "一致");
                    assert_ne!(found, "不一致", "{place}");
                }
                Value::Nothing => assert!(stored.is_empty() || stored == "0", "{place}"),
                Value::Fault => unreachable!("{place}: a fault"),
            }
        }
        assert!(live >= 3, "{name}: {live} live formulas");
    }
}

/// The address of the cell beside a text.
fn find(book: &Book, sheet: &str, column: char, text: &str) -> u32 {
    (1..400)
        .find(|row| {
            let here = book.value(sheet, &format!("{column}{row}"));
            here == Value::Text(text.to_owned())
        })
        .expect("the text stands there")
}

#[test]
fn a_changed_price_changes_every_result_that_rests_on_it() {
    let mut book = Book::open(workbook(&examples().join("W1.json"), "en", "changed.xlsx"));
    // Bidder 乙 has the lowest evaluated price; all price points are measured by it.
    let first = find(&book, "Derivation", 'A', "乙");
    assert_eq!(
        book.value("Derivation", &format!("C{first}")),
        Value::Text("price".into())
    );
    let total = |book: &Book, id: &str| {
        let first = find(book, "Derivation", 'A', id);
        let row = (first..first + 20).find(|row| {
            book.value("Derivation", &format!("C{row}")) == Value::Text("total".into())
        });
        book.value("Derivation", &format!("F{}", row.expect("a total")))
    };
    let near = |value: Value, expected: f64| {
        assert!(
            matches!(value, Value::Number(v) if (v - expected).abs() < 1e-9),
            "{value:?}"
        );
    };
    near(total(&book, "甲"), 82.08);
    book.set(
        "Derivation",
        &format!("F{first}"),
        Value::Number(1_000_000.0),
    );
    // 650,000 is the new base: 650,000 / 784,000 · 30 = 24.87…, 乙 keeps 30.
    near(total(&book, "甲"), 84.07);
    near(total(&book, "乙"), 83.20);
    let count = book.value("Derivation", "B4");
    assert!(
        matches!(count, Value::Number(n) if n > 3.0),
        "the check notices: {count:?}"
    );
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    let case = examples().join("W4.json");
    let first = workbook(&case, "zh", "first.xlsx");
    assert_eq!(first, workbook(&case, "zh", "second.xlsx"));
    assert_ne!(first, workbook(&case, "en", "english.xlsx"));
}
