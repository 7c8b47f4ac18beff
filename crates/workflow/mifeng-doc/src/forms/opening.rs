//! 开标议程 and 开标记录表.

use super::{Source, closing, words};
use crate::{Block, Cell, Paper, Table};
use mifeng_tender::{MinutesRow, OpeningMatter, OpeningQuestion};

/// The script of the opening: who does what, in which order, and how it is seen.
#[must_use]
pub fn ceremony(source: &Source<'_>) -> Option<Paper> {
    let notice = source.notice()?;
    let line = source.line("tender.publish", None)?;
    let bid = source.bid_word();
    let profile = notice.procedure.profile();
    let title = match source.is_tendering() {
        true => "开标会议程",
        false => "响应文件开启议程",
    };
    let mut paper = source.paper(title, line)?;
    // Prices are read out in tendering only.
    let read = match profile.read_out {
        true => "逐家解密，宣布名称、报价和招标文件规定的其他内容",
        false => "逐家解密，宣布名称；报价不公开宣读",
    };
    let members = source.state.members().len();
    let quorum = source
        .state
        .members()
        .values()
        .next()
        .map_or(0, |(_, cert)| cert.t);
    paper.blocks.push(Block::Table(Table::form(&[
        ("采购人", notice.buyer.name.clone()),
        ("代理机构", notice.agency.name.clone()),
        ("采购方式", profile.zh.to_owned()),
        (
            &format!("截止及{}时间", source.open_word()),
            words::instant(notice.deadline),
        ),
        (
            &format!("{}委员会", source.open_word()),
            format!("受托人{members}名，{quorum}名同时在场方可解密"),
        ),
        (
            "评审委员会",
            format!(
                "{}名，候补{}名",
                notice.committee.experts, notice.committee.alternates
            ),
        ),
    ])));
    let window = notice.window_ms / 60_000;
    let steps: [(&str, String, &str); 8] = [
        (
            "宣布开标纪律，确认到场人员",
            "不提前、不推迟".to_owned(),
            "主持人",
        ),
        (
            "截止",
            format!("到达截止时间，平台停止接收{bid}并公布日志头；此后到达的一律拒收"),
            "平台",
        ),
        (
            "见证",
            "受托人的值守程序各自核对并共签日志头；其中指定了时间戳机构的，由它取得时间戳并送达平台".to_owned(),
            "受托人",
        ),
        (
            "投标人解密",
            format!("需要投标人解密的，在{window}分钟内释放自己的份额"),
            "投标人",
        ),
        (
            "受托人核对并释放",
            "每名受托人用自己的程序逐条核对截止、日志与在场人数，相符才释放份额".to_owned(),
            "受托人",
        ),
        (
            if profile.read_out {
                "解密、唱标"
            } else {
                "解密"
            },
            read.to_owned(),
            "代理机构",
        ),
        (
            "异议",
            "对开标有异议的，当场提出，当场答复，一并记录".to_owned(),
            "投标人",
        ),
        (
            "确认开标记录",
            "代理机构编制开标记录，到场各方电子签名确认".to_owned(),
            "全体",
        ),
    ];
    // In the words of the procedure.
    let said = |text: &str| {
        text.replace("投标", bid)
            .replace("开标", source.open_word())
    };
    let rows = steps.into_iter().zip(1..).map(|((what, how, who), n)| {
        vec![
            Cell::centre(n.to_string()),
            Cell::left(said(what)),
            Cell::left(said(&how)),
            Cell::centre(said(who)),
            Cell::default(),
        ]
    });
    paper.blocks.push(Block::Table(Table {
        widths: vec![12, 34, 70, 20, 20],
        head: ["序号", "步骤", "做法", "由谁", "签认"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }));
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}

/// The opening record, once it stands.
#[must_use]
pub fn opening(source: &Source<'_>) -> Option<Paper> {
    let notice = source.notice()?;
    let (_, minutes) = source.state.minutes()?;
    let line = source.line("opening.minutes", None)?;
    let bid = source.bid_word();
    let title = if source.is_tendering() {
        "开标记录表"
    } else {
        "响应文件开启记录表"
    };
    let mut paper = source.paper(title, line)?;
    let received = minutes.rows.len();
    paper.blocks.push(Block::Table(Table::form(&[
        ("采购人", notice.buyer.name.clone()),
        ("代理机构", notice.agency.name.clone()),
        ("截止时间", words::instant(minutes.deadline)),
        ("记录时间", words::instant(line.time)),
        (
            &format!("收到{bid}"),
            format!("{received}份（含已撤回、已替换、拒收）"),
        ),
    ])));
    let signed: Vec<&str> = source
        .of_kind("opening.sign")
        .map(|l| l.signer.as_str())
        .collect();
    // Where prices are not read out they are not in the record.
    let priced = minutes.rows.iter().any(|row| row.price.is_some());
    let rows = by_name(&minutes.rows);
    for lot in &notice.lots {
        let of_lot = rows.iter().copied().filter(|row| row.lot == lot.id);
        paper.blocks.push(Block::Heading(source.lot_title(&lot.id)));
        paper.blocks.push(rows_of(of_lot, source, &signed, priced));
    }
    let unread = rows.iter().copied().filter(|row| row.lot.is_empty());
    let mut unread = unread.peekable();
    if unread.peek().is_some() {
        let heading = "未能读出标段的".to_owned() + bid;
        paper.blocks.push(Block::Heading(heading));
        paper.blocks.push(rows_of(unread, source, &signed, priced));
    }
    let asked = source.state.opening_questions();
    if !asked.is_empty() {
        let heading = "现场询问、回避申请与答复".to_owned();
        paper.blocks.push(Block::Heading(heading));
        paper.blocks.push(asked_rows(asked, bid));
        let text = "询问、申请和答复的全文见日志中的相应记录。";
        paper.blocks.push(Block::Text(text.to_owned()));
    }
    let others = source
        .of_kind("opening.sign")
        .filter(|line| !minutes.rows.iter().any(|row| row.name == line.signer));
    let names: Vec<&str> = others.map(|line| line.signer.as_str()).collect();
    let about = match priced {
        true => "报价以电子投标文件为准，大小写不一致的以大写为准。",
        false => "报价不公开宣读，以电子投标文件和最后报价为准。",
    };
    let present = match names.is_empty() {
        true => "各投标人".to_owned(),
        false => format!("{}，以及表中注明“已签名”的各投标人", names.join("、")),
    };
    let text = format!("到场并以电子签名确认本记录的有：{present}。{about}");
    paper.blocks.push(Block::Text(text.replace("投标", bid)));
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}

/// Who asked what kind of thing, when, and when it was answered. The words stay in the log: a bidder may write signs that no
/// font at hand has, and must not keep the paper from being set.
fn asked_rows(asked: &[OpeningQuestion], bid: &str) -> Block {
    let rows = asked.iter().zip(1..).map(|(one, n)| {
        let kind = match one.kind {
            OpeningMatter::Question => "询问",
            OpeningMatter::Recusal => "回避申请",
        };
        let answered = match &one.reply {
            Some(reply) => words::instant(reply.answered),
            None => "—".to_owned(),
        };
        vec![
            Cell::centre(n.to_string()),
            Cell::left(format!("{}\n{}", one.name, one.bidder)),
            Cell::centre(kind),
            Cell::centre(words::instant(one.asked)),
            Cell::centre(answered),
        ]
    });
    let rows = rows.collect();
    let head = ["序号", "投标人及统一社会信用代码", "事项", "提出", "答复"]
        .map(|text| text.replace("投标", bid))
        .to_vec();
    Block::Table(Table {
        widths: vec![12, 62, 20, 31, 31],
        head,
        rows,
    })
}

/// The record's rows go by seal; people look for names, here and in the hall.
fn by_name(rows: &[MinutesRow]) -> Vec<&MinutesRow> {
    let mut rows: Vec<&MinutesRow> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.name, &a.seal).cmp(&(&b.name, &b.seal)));
    rows
}

/// The lines of some bids, each with its one status.
fn rows_of<'a>(
    rows: impl Iterator<Item = &'a MinutesRow>,
    source: &Source<'_>,
    signed: &[&str],
    priced: bool,
) -> Block {
    let rows = rows.zip(1..).map(|(row, n)| {
        let price = match &row.price {
            Some(price) => format!("{}\n{}", words::figures(price), words::in_words(price)),
            None => "—".to_owned(),
        };
        let confirmed = match signed.contains(&row.name.as_str()) {
            true => "已签名",
            false => "—",
        };
        let status = words::status(row.status).replace("开标", source.open_word());
        let mut cells = vec![
            Cell::centre(n.to_string()),
            Cell::left(format!("{}\n{}", row.name, row.bidder)),
            Cell::left(price),
            Cell::centre(status),
            Cell::centre(confirmed),
        ];
        if !priced {
            cells.remove(2);
        }
        cells
    });
    let rows = rows.collect();
    let mut head = [
        "序号",
        "投标人及统一社会信用代码",
        "报价（元）及大写",
        "结果",
        "确认",
    ]
    .map(|text| text.replace("投标", source.bid_word()))
    .to_vec();
    let mut widths = vec![12, 52, 53, 23, 16];
    if !priced {
        head.remove(2);
        widths = vec![12, 92, 30, 22];
    }
    Block::Table(Table { widths, head, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::Digest;
    use mifeng_tender::BidStatus;

    #[test]
    fn bidders_stand_by_name_whatever_their_seals_are() {
        let row = |name: &str, seal: u8| MinutesRow {
            lot: "1".to_owned(),
            seal: Digest::from_bytes([seal; 32]),
            bidder: "91371000700079190A".to_owned(),
            name: name.to_owned(),
            status: BidStatus::Opened,
            price: None,
        };
        let rows = [row("乙", 1), row("丙", 2), row("乙", 0), row("丁", 3)];
        let names = by_name(&rows);
        let found: Vec<(&str, &Digest)> = names.iter().map(|row| (&*row.name, &row.seal)).collect();
        let wanted = [&rows[3], &rows[1], &rows[2], &rows[0]];
        let wanted: Vec<(&str, &Digest)> =
            wanted.iter().map(|row| (&*row.name, &row.seal)).collect();
        assert_eq!(found, wanted);
    }
}
