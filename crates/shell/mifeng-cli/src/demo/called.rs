//! The demo's tender document (招标文件): a PDF that the notice names and bidders fetch with it.

use crate::clock;
use crate::doc::FontArgs;
use crate::notice::Plan;
use crate::ui::{self, Failure};
use mifeng_doc::{Block, Cell, Paper, Table};
use std::path::{Path, PathBuf};

/// Its file beside the plan.
const NAME: &str = "招标文件.pdf";

/// Writes it into `folder`; nothing where this machine has no font for Chinese.
pub(super) fn document(plan: &Plan, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let Ok(fonts) = FontArgs::default().load() else {
        return Ok(None);
    };
    let pdf = mifeng_doc::set(&paper(plan), &fonts.faces)?.pdf(&fonts.faces)?;
    ui::write(&folder.join(NAME), &pdf)?;
    Ok(Some(PathBuf::from(NAME)))
}

fn paper(plan: &Plan) -> Paper {
    let mut blocks = vec![
        Block::Heading("一、采购内容".to_owned()),
        Block::Table(lots(plan)),
    ];
    for (number, one) in ["二", "三", "四", "五", "六"].iter().zip(&plan.particulars) {
        blocks.push(Block::Heading(format!("{number}、{}", one.name.zh)));
        blocks.extend(one.text.zh.lines().map(|line| Block::Text(line.to_owned())));
    }
    blocks.push(Block::Heading("投标文件的密封与提交".to_owned()));
    blocks.push(Block::Text(format!(
        "投标文件在投标人本机签名、密封，于 {} 之前经平台提交；开标前任何人不能开启。",
        plan.deadline
    )));
    Paper {
        title: vec![plan.title.zh.clone(), "招标文件".to_owned()],
        number: plan.tender.clone(),
        record: None,
        origin: String::new(),
        made: clock::now(),
        blocks,
    }
}

fn lots(plan: &Plan) -> Table {
    let yuan = |given: &Option<String>| given.clone().unwrap_or_else(|| "—".to_owned());
    let row = |lot: &mifeng::tender::Lot| {
        vec![
            Cell::centre(lot.id.clone()),
            Cell::left(lot.title.zh.clone()),
            Cell::right(yuan(&lot.rules.budget)),
            Cell::right(yuan(&lot.rules.ceiling)),
        ]
    };
    Table {
        widths: vec![16, 76, 32, 32],
        head: ["标段", "内容", "预算（元）", "最高限价（元）"]
            .map(str::to_owned)
            .to_vec(),
        rows: plan.lots.iter().map(row).collect(),
    }
}
