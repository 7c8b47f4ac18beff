//! 档案核验报告.

use super::words;
use crate::{Block, Cell, Paper, Table};
use mifeng_crypto::{Digest, Time};

/// One check as it is printed.
#[derive(Clone, Debug)]
pub struct Check {
    /// `V1` …
    pub id: String,
    /// What it checks.
    pub title: String,
    /// Whether it passed; none if it was not reached.
    pub passed: Option<bool>,
    /// What was seen.
    pub saw: String,
}

/// A verifier's answer.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The tender.
    pub tender: String,
    /// Its title, if the notice could be read.
    pub title: String,
    /// The log's origin.
    pub origin: String,
    /// The head of the log.
    pub root: Option<Digest>,
    /// The digest of the dossier's file, in hex.
    pub dossier: String,
    /// When it was verified.
    pub at: Time,
    /// Who verified; empty leaves a line to be filled in.
    pub by: String,
    /// The checks.
    pub checks: Vec<Check>,
    /// The conclusion.
    pub conclusion: String,
    /// What the law wants kept and for how long, in one sentence; none for a dossier that is not valid.
    pub keeping: Option<String>,
    /// What was not looked at.
    pub open: Vec<String>,
}

/// The report in type.
#[must_use]
pub fn verification(found: &Verification) -> Paper {
    let mut paper = Paper {
        title: vec![found.title.clone(), "档案核验报告".to_owned()],
        number: format!("项目编号：{}", found.tender),
        record: found.root,
        origin: found.origin.clone(),
        made: found.at,
        blocks: Vec::new(),
    };
    paper.title.retain(|line| !line.is_empty());
    let root = found
        .root
        .map_or_else(|| "—".to_owned(), |root| root.to_string());
    paper.blocks.push(Block::Table(Table::form(&[
        ("核验时间", words::instant(found.at)),
        ("日志", found.origin.clone()),
        ("日志根", root),
        ("档案文件摘要", found.dossier.clone()),
        ("结论", found.conclusion.clone()),
    ])));
    let rows = found.checks.iter().map(|check| {
        let verdict = match check.passed {
            Some(true) => "通过",
            Some(false) => "不通过",
            None => "未执行",
        };
        vec![
            Cell::centre(check.id.clone()),
            Cell::left(check.title.clone()),
            Cell::centre(verdict),
            Cell::left(check.saw.clone()),
        ]
    });
    paper.blocks.push(Block::Table(Table {
        widths: vec![14, 46, 18, 78],
        head: ["编号", "核验内容", "结果", "所见"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }));
    if let Some(keeping) = &found.keeping {
        paper.blocks.push(Block::Small(keeping.clone()));
    }
    for open in &found.open {
        paper.blocks.push(Block::Small(format!("未核验：{open}")));
    }
    let by = if found.by.is_empty() {
        "核验人："
    } else {
        &found.by
    };
    paper.blocks.push(Block::Closing(crate::Closing {
        party: by.to_owned(),
        date: words::date(found.at),
        seal: !found.by.is_empty(),
    }));
    paper
}
