//! 投标回执.

use super::{Source, closing, words};
use crate::{Block, Paper, Table};
use mifeng_crypto::{Digest, Time};

/// What a verified receipt says, with the bid it is for.
#[derive(Clone, Debug)]
pub struct Received {
    /// The bidder's name.
    pub bidder: String,
    /// Its credit code.
    pub code: String,
    /// The lot.
    pub lot: String,
    /// Whether it takes the place of an earlier bid.
    pub replaces: bool,
    /// When its last byte had arrived, by the host's clock.
    pub at: Time,
    /// Index of the log entry.
    pub index: u64,
    /// The bid's seal.
    pub seal: Digest,
    /// What stands for the record in the log.
    pub record: Digest,
    /// The host.
    pub host: String,
}

/// The receipt in type.
#[must_use]
pub fn receipt(source: &Source<'_>, received: &Received) -> Option<Paper> {
    let notice = source.notice()?;
    let bid = source.bid_word();
    let rehearsal = if notice.rehearsal { "（演练）" } else { "" };
    let kind = if received.replaces {
        "替换原投标"
    } else {
        "首次提交"
    };
    let mut paper = Paper {
        title: vec![
            format!("{}{rehearsal}", notice.title.zh),
            format!("{bid}回执"),
        ],
        number: format!("项目编号：{}", notice.tender),
        record: Some(received.record),
        origin: source.state.origin().to_owned(),
        made: received.at,
        blocks: vec![Block::Address(format!("{}：", received.bidder))],
    };
    paper.blocks.push(Block::Text(format!(
        "贵单位提交的电子{bid}文件已由本平台完整接收并记入日志，现予回执。本平台收到的是密封件，在截止时间之前无法查看其内容。"
    )));
    paper.blocks.push(Block::Table(Table::form(&[
        ("统一社会信用代码", received.code.clone()),
        ("标段", source.lot_title(&received.lot)),
        ("提交类型", kind.replace("投标", bid)),
        ("接收时间", words::instant(received.at)),
        ("截止时间", words::instant(notice.deadline)),
        ("密封件摘要", received.seal.to_string()),
        (
            "日志",
            format!("{}，第{}条", source.state.origin(), received.index),
        ),
    ])));
    paper.blocks.push(Block::Text(format!(
        "本回执对应平台签名的电子回执文件（.receipt），可随时用“mifeng receipt”命令核验；日志中若缺少该条记录，电子回执即为平台违约的证据。截止时间前可以补充、修改或者撤回{bid}。"
    )));
    paper.blocks.push(closing(&received.host, received.at));
    Some(paper)
}
