//! The workbook itself. The only place of the project where a number becomes binary floating point:
//! a spreadsheet knows nothing else. The engine's value stands beside it, as it was computed.

use super::sheet::{Cell, address};
use super::{FIRST, LIVE, Plan, plan};
use crate::ui::{Failure, Lang};
use mifeng::score::derivation::{Derivation, Step};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Formula, Workbook, Worksheet, XlsxError,
};
use std::collections::BTreeMap;

/// Digits that a spreadsheet keeps; longer numbers are written as text.
const DIGITS_MAX: usize = 15;
/// Most bytes of a formula in a spreadsheet.
const FORMULA_LEN_MAX: usize = 8_000;

/// Texts in one language.
struct Words {
    result: &'static str,
    derivation: &'static str,
    inputs: &'static str,
    lot: &'static str,
    bid: &'static str,
    rank: &'static str,
    agrees: &'static str,
    differs: &'static str,
    note: &'static str,
    count: &'static str,
    heads: [&'static str; 12],
}

const ZH: Words = Words {
    result: "结果",
    derivation: "推导",
    inputs: "数据",
    lot: "标段",
    bid: "投标人",
    rank: "名次",
    agrees: "一致",
    differs: "不一致",
    note: "“复算”列为活公式，由本表重新计算；“引擎值”为精确计算结果。改动任一数据，公式随之变化。",
    count: "不一致的行数",
    heads: [
        "范围",
        "名称",
        "符号",
        "公式",
        "代入",
        "复算",
        "表格公式",
        "引擎值",
        "核对",
        "依据",
        "规则包",
        "确定度",
    ],
};

const EN: Words = Words {
    result: "Result",
    derivation: "Derivation",
    inputs: "Inputs",
    lot: "lot",
    bid: "bidder",
    rank: "rank",
    agrees: "agrees",
    differs: "differs",
    note: "Column `recomputed` holds live formulas that this workbook computes anew; `engine` is the \
           exact result. Change any input and the formulas follow.",
    count: "lines that differ",
    heads: [
        "scope",
        "name",
        "symbol",
        "formula",
        "with",
        "recomputed",
        "sheet formula",
        "engine",
        "check",
        "article",
        "rule pack",
        "certainty",
    ],
};

/// A derivation as the bytes of a workbook: the same bytes for the same derivation.
pub(in crate::score) fn workbook(
    derivation: &Derivation,
    title: &str,
    lang: Lang,
) -> Result<Vec<u8>, Failure> {
    let words = match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    };
    let plan = plan(derivation, words.derivation, words.inputs);
    let fault = |e: XlsxError| Failure::malformed(format!("xlsx: {e}"));
    write(derivation, &plan, title, lang, words).map_err(fault)
}

struct Formats {
    head: Format,
    title: Format,
}

fn write(
    derivation: &Derivation,
    plan: &Plan,
    title: &str,
    lang: Lang,
    words: &Words,
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // A fixed date: the workbook says nothing about when it was made.
    let created = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&created));
    let formats = Formats {
        head: Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top),
        title: Format::new().set_bold().set_font_size(14),
    };
    result(
        book.add_worksheet(),
        derivation,
        plan,
        title,
        lang,
        words,
        &formats,
    )?;
    steps(
        book.add_worksheet(),
        derivation,
        plan,
        title,
        lang,
        words,
        &formats,
    )?;
    inputs(book.add_worksheet(), plan, words, &formats)?;
    book.save_to_buffer()
}

/// The name of a step in one language.
fn name(step: &Step, lang: Lang) -> &str {
    match lang {
        Lang::Zh => &step.name.zh,
        Lang::En => &step.name.en,
    }
}

/// One line per bid, one column per quantity, each pointing at its live cell.
fn result(
    sheet: &mut Worksheet,
    derivation: &Derivation,
    plan: &Plan,
    title: &str,
    lang: Lang,
    words: &Words,
    formats: &Formats,
) -> Result<(), XlsxError> {
    sheet.set_name(words.result)?;
    sheet.write_string_with_format(0, 0, title, &formats.title)?;
    let pack = format!("{} {}", derivation.pack.id, derivation.pack.digest);
    sheet.write_string(1, 0, pack)?;
    sheet.write_string_with_format(3, 0, words.rank, &formats.head)?;
    sheet.write_string_with_format(3, 1, words.bid, &formats.head)?;
    let mut columns: BTreeMap<&str, u16> = BTreeMap::new();
    let mut rows: BTreeMap<&str, u32> = BTreeMap::new();
    for (row, bid) in (4u32..).zip(&derivation.bids) {
        rows.insert(&bid.id, row);
        if let Some(rank) = bid.rank {
            cell(sheet, row, 0, &Cell::Number(rank.to_string()))?;
        }
        sheet.write_string(row, 1, &bid.id)?;
    }
    for (at, line) in (FIRST..).zip(&plan.lines) {
        let Some(row) = line.bid.and_then(|bid| rows.get(bid)) else {
            continue;
        };
        let next = 2 + u16::try_from(columns.len()).unwrap_or(u16::MAX - 2);
        let column = *columns.entry(&line.step.quantity).or_insert(next);
        let head = name(line.step, lang);
        sheet.write_string_with_format(3, column, head, &formats.head)?;
        let link = address(words.derivation, at, LIVE);
        cell(
            sheet,
            *row,
            column,
            &Cell::Formula(link, line.step.value.clone()),
        )?;
    }
    sheet.set_column_width(1, 24)?;
    sheet.set_freeze_panes(4, 2)?;
    Ok(())
}

/// One line per step.
fn steps(
    sheet: &mut Worksheet,
    derivation: &Derivation,
    plan: &Plan,
    title: &str,
    lang: Lang,
    words: &Words,
    formats: &Formats,
) -> Result<(), XlsxError> {
    sheet.set_name(words.derivation)?;
    sheet.write_string_with_format(0, 0, title, &formats.title)?;
    let pack = format!("{} {}", derivation.pack.id, derivation.pack.digest);
    sheet.write_string(1, 0, pack)?;
    sheet.write_string(2, 0, words.note)?;
    sheet.write_string(3, 0, words.count)?;
    let last = FIRST as usize + plan.lines.len().max(1);
    let count = format!("COUNTIF(I{}:I{last},\"{}\")", FIRST + 1, words.differs);
    cell(sheet, 3, 1, &Cell::Formula(count, "0".to_owned()))?;
    for (column, head) in (0u16..).zip(words.heads) {
        sheet.write_string_with_format(FIRST - 1, column, head, &formats.head)?;
    }
    for (row, line) in (FIRST..).zip(&plan.lines) {
        let step = line.step;
        let inputs: Vec<String> = step
            .inputs
            .iter()
            .map(|input| format!("{} = {}", input.name, input.value))
            .collect();
        sheet.write_string(row, 0, line.bid.unwrap_or(words.lot))?;
        sheet.write_string(row, 1, name(step, lang))?;
        sheet.write_string(row, 2, &step.quantity)?;
        sheet.write_string(row, 3, &step.formula)?;
        sheet.write_string(row, 4, short(&inputs.join("; ")))?;
        cell(sheet, row, 5, &line.live)?;
        if let Cell::Formula(text, _) = &line.live {
            sheet.write_string(row, 6, short(&format!("={text}")))?;
            cell(sheet, row, 8, &check(row, step, words))?;
        }
        engine(sheet, row, &step.value)?;
        sheet.write_string(row, 9, &step.basis.article)?;
        sheet.write_string(row, 10, &step.basis.pack)?;
        sheet.write_string(row, 11, &step.basis.sure)?;
    }
    for (column, width) in [
        (0, 14),
        (1, 26),
        (2, 14),
        (3, 34),
        (4, 34),
        (5, 16),
        (6, 34),
        (7, 16),
        (9, 24),
        (10, 18),
    ] {
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(FIRST, 3)?;
    Ok(())
}

/// A cell holds at most 32,767 characters; longer texts are cut with a mark.
fn short(text: &str) -> String {
    const MOST: usize = 2_000;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// The value of the engine: a number where a spreadsheet can hold it, else as text.
fn engine(sheet: &mut Worksheet, row: u32, value: &str) -> Result<(), XlsxError> {
    match value {
        "true" | "false" => cell(
            sheet,
            row,
            7,
            &Cell::Formula(value.to_uppercase(), value.to_uppercase()),
        ),
        _ if is_number(value) => cell(sheet, row, 7, &Cell::Number(value.to_owned())),
        _ => cell(sheet, row, 7, &Cell::Text(value.to_owned())),
    }
}

/// Whether the live value is that of the engine, to the decimals that the engine gives.
fn check(row: u32, step: &Step, words: &Words) -> Cell {
    let decimals = step.value.split_once('.').map_or(0, |(_, part)| part.len());
    let decimals = if step.value.contains('/') {
        9
    } else {
        decimals
    };
    let row = row + 1;
    let same = match step.value.as_str() {
        "true" | "false" => format!("F{row}=H{row}"),
        // Of a list the live cell holds the length; its elements stand on the input sheet.
        list if list.starts_with('[') => format!("F{row}={}", length(list)),
        _ => format!("ROUND(F{row},{decimals})=ROUND(H{row},{decimals})"),
    };
    let formula = format!("IF({same},\"{}\",\"{}\")", words.agrees, words.differs);
    Cell::Formula(formula, words.agrees.to_owned())
}

fn length(list: &str) -> usize {
    match list {
        "[]" => 0,
        _ => list.matches(", ").count() + 1,
    }
}

fn inputs(
    sheet: &mut Worksheet,
    plan: &Plan,
    words: &Words,
    formats: &Formats,
) -> Result<(), XlsxError> {
    sheet.set_name(words.inputs)?;
    sheet.write_string_with_format(0, 0, words.inputs, &formats.title)?;
    for (row, column, content) in &plan.cells.cells {
        let column = u16::try_from(*column).unwrap_or(u16::MAX);
        cell(sheet, *row, column, content)?;
    }
    sheet.set_column_width(0, 20)?;
    sheet.set_column_width(1, 18)?;
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn is_number(text: &str) -> bool {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    let only = plain
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'/');
    digits > 0 && digits <= DIGITS_MAX && only
}

/// Writes one cell; a fraction is a formula, so that it stays exact as long as the sheet can be.
fn cell(sheet: &mut Worksheet, row: u32, column: u16, content: &Cell) -> Result<(), XlsxError> {
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, part)| part.len());
    match content {
        Cell::Text(text) => {
            sheet.write_string(row, column, short(text))?;
        }
        Cell::Number(text) if text.contains('/') => {
            let value = decimal(text);
            let formula = Formula::new(format!("={text}")).set_result(value);
            sheet.write_formula(row, column, formula)?;
        }
        Cell::Number(text) => match text.parse::<f64>() {
            Ok(value) if is_number(text) => {
                sheet.write_number_with_format(row, column, value, &places(decimals(text)))?;
            }
            _ => {
                sheet.write_string(row, column, text)?;
            }
        },
        Cell::Formula(text, value) if text.len() <= FORMULA_LEN_MAX => {
            let shown = if value.contains('/') {
                decimal(value)
            } else {
                value.clone()
            };
            let formula = Formula::new(format!("={text}")).set_result(shown);
            sheet.write_formula_with_format(row, column, formula, &places(decimals(value)))?;
        }
        Cell::Formula(_, value) => {
            return cell(sheet, row, column, &Cell::Number(value.clone()));
        }
    }
    Ok(())
}

/// A fraction as decimal text, for viewers that do not compute.
fn decimal(fraction: &str) -> String {
    let parsed = mifeng::score::formula::Value::parse(fraction);
    let number = parsed.as_ref().and_then(|value| value.number());
    number.map_or_else(|| fraction.to_owned(), |number| number.to_fixed(12))
}

fn places(decimals: usize) -> Format {
    match decimals {
        0 => Format::new(),
        _ => Format::new().set_num_format(format!("0.{}", "0".repeat(decimals.min(12)))),
    }
}
