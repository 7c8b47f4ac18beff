//! The script and the minutes in type: to print, to tick, to sign.

use super::steps::{ROLES, STEPS};
use super::{Table, Value};
use crate::clock;
use crate::doc::FontArgs;
use crate::ui::{self, Outcome, Ui};
use mifeng_doc::{Block, Cell, Code, Paper, Table as Grid};

/// Writes `script.pdf`, if it is not there and this machine has fonts.
pub(super) fn script(ui: &Ui, table: &Table, fonts: &FontArgs) -> Outcome {
    let out = table.folder.join("script.pdf");
    if out.exists() {
        return Ok(());
    }
    print(ui, &out, &script_paper(table), fonts)
}

/// Writes `minutes.pdf`: what was compared, and where people sign by hand.
pub(super) fn minutes(ui: &Ui, table: &Table, fonts: &FontArgs) -> Outcome {
    let out = table.folder.join("minutes.pdf");
    if out.exists() {
        return Ok(());
    }
    print(ui, &out, &minutes_paper(table), fonts)
}

fn print(ui: &Ui, out: &std::path::Path, paper: &Paper, fonts: &FontArgs) -> Outcome {
    let fonts = match fonts.load() {
        Ok(fonts) => fonts,
        Err(missing) => {
            // The ceremony goes on: the script is there as HTML and text too.
            ui.say(
                format!(
                    "  未生成 {}：{}",
                    out.display(),
                    missing.zh.as_ref().unwrap_or(&missing.text)
                ),
                format!("  no {}: {}", out.display(), missing.text),
            );
            return Ok(());
        }
    };
    let pdf = mifeng_doc::set(paper, &fonts.faces)?.pdf(&fonts.faces)?;
    ui::write(out, &pdf)
}

fn paper(table: &Table, (zh, en): (&str, &str)) -> Paper {
    let it = &table.ceremony;
    let kind = match it.rehearsal {
        true => format!("{zh}（演练）"),
        false => zh.to_owned(),
    };
    Paper {
        title: vec![kind, en.to_owned()],
        number: format!("{} · {} / {} · {}", it.session, it.quorum, it.of, it.suite),
        record: None,
        origin: format!("board/{}", it.session),
        made: clock::now(),
        blocks: Vec::new(),
    }
}

fn both((zh, en): (&str, &str)) -> String {
    format!("{zh}\n{en}")
}

fn script_paper(table: &Table) -> Paper {
    let it = &table.ceremony;
    let mut paper = paper(table, ("密钥仪式脚本", "Key ceremony"));
    let roles = ROLES.iter().map(|role| {
        vec![
            Cell::centre(both((role.zh.0, role.en.0))),
            Cell::left(both((role.zh.1, role.en.1))),
            Cell::left(format!("□ {}\n{}", role.zh.2, role.en.2)),
            Cell::default(),
        ]
    });
    paper.blocks.push(Block::Table(Grid {
        widths: vec![24, 50, 54, 28],
        head: ["角色 role", "职责 duty", "核对 checks", "姓名 name"]
            .map(str::to_owned)
            .to_vec(),
        rows: roles.collect(),
    }));
    for (number, step) in (1..).zip(STEPS) {
        paper
            .blocks
            .push(Block::Heading(format!("{number}. {}", step.title.0)));
        paper.blocks.push(Block::Small(step.title.1.to_owned()));
        paper
            .blocks
            .push(Block::Small(format!("{}：{}", step.who.0, step.what.0)));
        paper
            .blocks
            .push(Block::Small(format!("{}: {}", step.who.1, step.what.1)));
        for line in step.commands(it) {
            paper.blocks.push(Block::Code(Code {
                text: line.clone(),
                beside: vec!["输入 type（扫码枪可直接键入 or scan）".to_owned(), line],
            }));
        }
        paper
            .blocks
            .push(Block::Small(format!("□ 看到 {}", step.expect.0)));
        paper
            .blocks
            .push(Block::Small(format!("   see {}", step.expect.1)));
        for (zh, en) in step.trouble {
            paper.blocks.push(Block::Small(format!("若 {zh}")));
            paper.blocks.push(Block::Small(format!("if {en}")));
        }
        paper.blocks.push(boxes(it.of));
    }
    paper
        .blocks
        .push(Block::Heading("签名 Signatures".to_owned()));
    paper.blocks.push(signatures(it.of));
    paper
}

/// For each trustee: the eight words as heard, a box, the time.
fn boxes(of: u8) -> Block {
    let rows = (1..=of).map(|index| {
        vec![
            Cell::centre(index.to_string()),
            Cell::left(" \n "),
            Cell::centre("□"),
            Cell::default(),
        ]
    });
    Block::Table(Grid {
        widths: vec![22, 94, 16, 24],
        head: [
            "受托人 trustee",
            "听到的八词 eight words heard",
            "相同 same",
            "时间 time",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows.collect(),
    })
}

fn signatures(of: u8) -> Block {
    let people = ["主持人 chair", "监督人 observer", "技术员 technician"].map(str::to_owned);
    let trustees = (1..=of).map(|index| format!("受托人 {index} trustee {index}"));
    let rows = people.into_iter().chain(trustees).map(|who| {
        vec![
            Cell::label(who),
            Cell::left(" \n \n "),
            Cell::default(),
            Cell::default(),
        ]
    });
    Block::Table(Grid {
        widths: vec![44, 40, 48, 24],
        head: ["", "姓名 name", "签名 signature", "时间 time"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    })
}

fn minutes_paper(table: &Table) -> Paper {
    let it = &table.ceremony;
    let mut paper = paper(table, ("密钥仪式记录", "Minutes of a key ceremony"));
    for (number, (done, step)) in (1..).zip(it.done.iter().zip(STEPS)) {
        paper
            .blocks
            .push(Block::Heading(format!("{number}. {}", step.title.0)));
        paper.blocks.push(Block::Small(step.title.1.to_owned()));
        paper.blocks.push(Block::Small(format!("□ {}", done.at)));
        paper.blocks.extend(done.values.iter().map(value));
    }
    paper
        .blocks
        .push(Block::Heading("偏离 Deviations".to_owned()));
    let empty = vec![Cell::left(" \n \n \n \n ")];
    paper.blocks.push(Block::Table(Grid {
        widths: vec![156],
        head: Vec::new(),
        rows: vec![empty],
    }));
    paper
        .blocks
        .push(Block::Heading("签名 Signatures".to_owned()));
    paper.blocks.push(signatures(it.of));
    paper
}

fn value(value: &Value) -> Block {
    Block::Code(Code {
        text: format!("mifeng:{}", value.digest),
        beside: vec![
            format!("□ {} {}", value.zh, value.en),
            value.words_zh.clone(),
            value.words_en.clone(),
            value.digest.to_string(),
        ],
    })
}
