//! `mifeng score`: computes cases, shows how, writes workbooks. Files only; it trusts nothing in them.

mod table;
mod xlsx;

use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::crypto::Kind;
use mifeng::score::case::{self, Answer};
use mifeng::score::{Error, explain};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Standard input, as an argument.
const STDIN: &str = "-";
/// Most bytes of all cases of one call: as of any small file (see `ui::read`).
const INPUT_LEN_MAX: u64 = 64 << 20;

#[derive(clap::Args, Debug)]
pub(crate) struct ScoreArgs {
    /// 案例：JSON 或 JSON Lines 文件，- 为标准输入 / cases: JSON or JSON Lines, - for standard input
    #[arg(required = true, value_name = "CASE")]
    cases: Vec<PathBuf>,
    /// 逐行打印推导及依据 / print the derivation line by line with its articles
    #[arg(long)]
    explain: bool,
    /// 写出可复算的工作簿（单个案例） / write a workbook with live formulas (one case)
    #[arg(long, value_name = "FILE")]
    xlsx: Option<PathBuf>,
}

/// One case as it was read.
struct Text {
    /// File and line, for messages.
    place: String,
    text: String,
}

pub(crate) fn run(ui: &Ui, args: &ScoreArgs, json: bool) -> Outcome {
    let mut texts = Vec::new();
    for path in &args.cases {
        texts.extend(read(path)?);
    }
    if args.xlsx.is_some() && texts.len() != 1 {
        return Err(Failure::usage(
            ui.t("--xlsx 一次只写一个案例", "--xlsx takes exactly one case"),
        ));
    }
    let many = texts.len() > 1;
    let mut first = None;
    for text in &texts {
        if let Err(failure) = one(ui, text, args, json) {
            // Every other case is still computed; the first failure decides the exit code.
            if json && many {
                let line = serde_json::json!({"error": failure.sentence(ui.lang),
                    "code": failure.code, "clause": failure.clause});
                ui.say(line.to_string(), line.to_string());
            } else if many {
                let line = format!("[{}] {}", failure.code, failure.sentence(ui.lang));
                ui.say(&line, &line);
            }
            first.get_or_insert(failure);
        }
    }
    first.map_or(Ok(()), Err)
}

fn one(ui: &Ui, text: &Text, args: &ScoreArgs, json: bool) -> Outcome {
    let fault = |e: Error| failure(&e, &text.place);
    let (answer, derivation) = if args.explain || args.xlsx.is_some() {
        let (answer, derivation) = case::explain(&text.text).map_err(fault)?;
        (answer, Some(derivation))
    } else {
        (case::run(&text.text).map_err(fault)?, None)
    };
    let shown = derivation.as_ref().filter(|_| args.explain);
    if json {
        let result = match shown {
            Some(derivation) => serde_json::to_string(&serde_json::json!({
                "id": answer.id, "result": answer.computed, "derivation": derivation})),
            None => serde_json::to_string(&answer.computed),
        };
        let line = result.map_err(|_| Failure::malformed(&text.place))?;
        ui.say(&line, &line);
    } else {
        print(ui, &answer)?;
        if let Some(derivation) = shown {
            for line in explain::explain(derivation, language(ui.lang)) {
                ui.say(&line, &line);
            }
        }
    }
    if let (Some(path), Some(derivation)) = (&args.xlsx, &derivation) {
        ui::write(path, &xlsx::workbook(derivation, &answer.id, ui.lang)?)?;
    }
    agrees(ui, &answer, &text.place)
}

/// A case that says what is expected holds only if that is what was computed.
fn agrees(ui: &Ui, answer: &Answer, place: &str) -> Outcome {
    if answer.agrees != Some(false) {
        return Ok(());
    }
    let found = ui.t(
        "计算结果与 expected 不同",
        "the result is not what `expected` says",
    );
    Err(Failure::refused(
        "score.differs",
        format!("{place}: {found}"),
    ))
}

fn print(ui: &Ui, answer: &Answer) -> Outcome {
    let value = serde_json::to_value(&answer.computed);
    let value = value.map_err(|_| Failure::malformed(&answer.id))?;
    ui.title(&answer.id, &answer.id);
    for line in table::lines(&value, ui.lang) {
        ui.say(&line, &line);
    }
    if answer.agrees == Some(true) {
        ui.say("✔ 与 expected 一致", "✔ equals `expected`");
    }
    Ok(())
}

fn language(lang: Lang) -> explain::Lang {
    match lang {
        Lang::Zh => explain::Lang::Zh,
        Lang::En => explain::Lang::En,
    }
}

/// An error of scoring with its place and the article it rests on.
pub(crate) fn failure(error: &Error, place: &str) -> Failure {
    Failure {
        exit: match error.kind() {
            Kind::Refused => 1,
            Kind::Malformed => 3,
            Kind::Unavailable => 4,
            _ => 101,
        },
        code: error.code().to_owned(),
        clause: Some(error.article().to_owned()),
        text: format!("{place}: {error}"),
        zh: Some(format!("{place}：{}（{error}）", chinese(error.code()))),
    }
}

/// What a code says, in Chinese; the place and the values follow in the words of the format.
fn chinese(code: &str) -> &'static str {
    match code {
        "score.number" => "数字须为十进制文本，位数与范围不符",
        "score.not-text" => "类型不符：金额与分数须写成文本，不得写成 JSON 数字",
        "score.unknown-field" => "有未定义的字段",
        "score.missing-field" => "缺少字段",
        "score.json" => "不是本格式的 JSON",
        "score.duplicate" => "重复",
        "score.missing" => "缺少内容",
        "score.unknown" => "有规则未列出的内容",
        "score.band" => "分数超出评分区间",
        "score.objective" => "客观项各评委评分不一致",
        "score.rules" => "规则违反法律规定",
        "score.no-pack" => "没有对应的规则包，不作推定",
        "score.pack" => "规则包无法读取",
        "score.recheck" => "不属于可以更改结果的情形",
        "score.ambiguous" => "明细有多种读法，由评标委员会决定",
        "score.too-many" => "数量超过上限",
        _ if code.starts_with("formula.") => "公式无法读取或计算",
        _ => "无法计算",
    }
}

/// The cases of a file: JSON Lines if its first line is a whole JSON value, else one case.
fn read(path: &Path) -> Result<Vec<Text>, Failure> {
    let place = path.display().to_string();
    let bytes = if path == Path::new(STDIN) {
        let mut bytes = Vec::new();
        let mut input = std::io::stdin().lock().take(INPUT_LEN_MAX + 1);
        input
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::io(path, &e))?;
        if bytes.len() as u64 > INPUT_LEN_MAX {
            return Err(Failure::malformed(format!(
                "{place}: > {INPUT_LEN_MAX} bytes"
            )));
        }
        bytes
    } else {
        ui::read(path)?
    };
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::malformed(format!("{place}: UTF-8")))?;
    let whole = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let lines: Vec<(usize, &str)> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let Some((_, first)) = lines.first() else {
        return Err(Failure::malformed(format!("{place}: no case")));
    };
    if lines.len() == 1 || !whole(first) {
        return Ok(vec![Text { place, text }]);
    }
    let case = |(number, line): &(usize, &str)| Text {
        place: format!("{place}:{number}"),
        text: (*line).to_owned(),
    };
    Ok(lines.iter().map(case).collect())
}
