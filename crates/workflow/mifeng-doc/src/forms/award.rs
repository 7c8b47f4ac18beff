//! 中标（成交）通知书, and what the others are told.

use super::{Source, closing, words};
use crate::{Block, Paper, Table};
use mifeng_tender::{Fate, Letter};

/// The award letter of a lot.
#[must_use]
pub fn award(source: &Source<'_>, lot: &str) -> Option<Paper> {
    let notice = source.notice()?;
    let line = source.line("award", Some(lot))?;
    let award = source.state.awards().get(lot)?;
    let won = won(source);
    let mut paper = source.paper(&format!("{won}通知书"), line)?;
    let place = notice.procedure.profile().zh;
    paper
        .blocks
        .push(Block::Address(format!("{}：", award.name)));
    paper.blocks.push(Block::Text(format!(
        "{}的{}（项目编号：{}），采用{place}方式采购。{}经评审委员会评审并由采购人确定，贵单位为{}的{won}人。",
        notice.buyer.name, notice.title.zh, notice.tender,
        match source.is_tendering() {
            true => format!("于{}开标，", words::date(notice.deadline)),
            false => String::new(),
        },
        source.lot_title(lot)
    )));
    paper.blocks.push(Block::Table(Table::form(&[
        (&format!("{won}人"), award.name.clone()),
        ("统一社会信用代码", award.bidder.clone()),
        ("标段", source.lot_title(lot)),
        (
            &format!("{won}金额"),
            format!("{}元", words::figures(&award.price)),
        ),
        ("金额大写", words::in_words(&award.price)),
    ])));
    paper.blocks.push(Block::Text(format!(
        "请贵单位自本通知书发出之日起三十日内，按照采购文件和贵单位{}文件的内容与采购人签订书面合同。所签合同不得对采购文件和{}文件作实质性修改。本通知书对采购人和{won}人均具有法律效力。",
        source.bid_word(), source.bid_word()
    )));
    paper.blocks.push(closing(&notice.buyer.name, line.time));
    Some(paper)
}

fn won(source: &Source<'_>) -> &'static str {
    if source.is_tendering() {
        "中标"
    } else {
        "成交"
    }
}

/// What each bidder who did not win is told: its own result and nobody else's. With credit codes.
#[must_use]
pub fn losers(source: &Source<'_>, lot: &str) -> Vec<(String, Paper)> {
    let letters = source.state.letters(lot).into_iter().flatten();
    let each =
        letters.filter_map(|(_, letter)| Some((letter.bidder.clone(), loser(source, letter)?)));
    each.collect()
}

fn loser(source: &Source<'_>, letter: &Letter) -> Option<Paper> {
    let notice = source.notice()?;
    let its = |line: &&super::Line| {
        line.seal == Some(letter.seal) && line.lot.as_ref() == Some(&letter.lot)
    };
    let line = source.of_kind("letter").find(its)?;
    let won = won(source);
    let mut paper = source.paper(&format!("未{won}结果通知书"), line)?;
    let name = source.state.bids().get(&letter.seal).map(|bid| &bid.name);
    paper.blocks.push(Block::Address(format!(
        "{}：",
        name.unwrap_or(&letter.bidder)
    )));
    paper.blocks.push(Block::Text(format!(
        "{}的{}（项目编号：{}）评审已经结束。感谢贵单位参加{}的{}，现将贵单位的评审结果告知如下。",
        notice.buyer.name,
        notice.title.zh,
        notice.tender,
        source.lot_title(&letter.lot),
        source.bid_word()
    )));
    let mut pairs = vec![
        ("统一社会信用代码", letter.bidder.clone()),
        ("标段", source.lot_title(&letter.lot)),
        ("结果", words::fate(letter.fate).to_owned()),
    ];
    if letter.fate == Fate::Ranked {
        pairs.push(("评审得分", letter.total.clone()));
        pairs.push(("排名", format!("第{}名", letter.rank)));
    } else {
        pairs.push(("原因", letter.reason.clone()));
        pairs.push(("依据", letter.article.clone()));
    }
    paper.blocks.push(Block::Table(Table::form(&pairs)));
    // PL art. 52 and Reg art. 53; TReg art. 60.
    let remedy = match source.is_works() {
        false => {
            "贵单位认为采购文件、采购过程或者结果使自己的权益受到损害的，可以在知道或者应知其权益受到损害之日起七个工作日内，以书面形式向采购人提出质疑。"
        }
        true => {
            "贵单位认为招标投标活动不符合法律、行政法规规定的，可以自知道或者应当知道之日起十日内向有关行政监督部门投诉。"
        }
    };
    paper.blocks.push(Block::Text(remedy.to_owned()));
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}
