//! 评分汇总表 and 评审报告.

use super::{Source, closing, words};
use crate::{Block, Cell, Paper, Table};
use mifeng_score::Method;
use mifeng_tender::{CheckKind, Fate};

/// The summary of scores of a lot.
#[must_use]
pub fn scores(source: &Source<'_>, lot: &str) -> Option<Paper> {
    let notice = source.notice()?;
    let line = source.line("rank", Some(lot))?;
    let outcome = source.state.ranks().get(lot)?;
    let by = notice.lot(lot)?.rules.method;
    let totals = outcome.rows.iter().map(|row| row.total.as_str());
    let scored = words::has_points(by) && some_points(totals);
    let title = match (scored, by) {
        (true, _) => "评分汇总表",
        (false, Method::Negotiation) => "最后报价汇总表",
        (false, _) => "报价汇总表",
    };
    let mut paper = source.paper(title, line)?;
    paper.blocks.push(Block::Table(Table::form(&[
        ("标段", source.lot_title(lot)),
        ("评审方法", words::method(by).to_owned()),
        ("汇总时间", words::instant(line.time)),
    ])));
    let rows = outcome.rows.iter().map(|row| {
        let mut cells = vec![
            Cell::centre(if row.rank == 0 {
                "—".to_owned()
            } else {
                row.rank.to_string()
            }),
            Cell::left(name_of(source, &row.id)),
            Cell::right(words::figures(&row.price)),
            Cell::right(words::figures(&row.evaluated_price)),
        ];
        if scored {
            let points = [&row.price_points, &row.quality, &row.total];
            cells.extend(points.map(|text| Cell::right(text.clone())));
        }
        cells
    });
    let mut head = vec!["排名", "投标人", "报价（元）", "评审价（元）"];
    if by == Method::Negotiation {
        head[2] = "最后报价（元）";
    }
    if scored {
        head.extend(["价格分", "技术商务分", "总分"]);
    }
    paper.blocks.push(Block::Table(Table {
        widths: match scored {
            true => vec![12, 33, 30, 30, 15, 22, 14],
            false => vec![14, 68, 37, 37],
        },
        head: head
            .into_iter()
            .map(|text| text.replace("投标", source.bid_word()))
            .collect(),
        rows: rows.collect(),
    }));
    if !outcome.invalid.is_empty() {
        paper.blocks.push(Block::Heading("不参加排名的".to_owned()));
        let rows = outcome.invalid.iter().map(|one| {
            vec![
                Cell::left(name_of(source, &one.id)),
                Cell::left(one.reason.clone()),
                Cell::left(one.article.clone()),
            ]
        });
        paper.blocks.push(Block::Table(Table {
            widths: vec![50, 66, 40],
            head: ["投标人", "原因", "依据"]
                .map(|text| text.replace("投标", source.bid_word()))
                .to_vec(),
            rows: rows.collect(),
        }));
    }
    if let Some(table) = sheets(source, lot) {
        paper
            .blocks
            .push(Block::Heading("评委评分（技术商务部分合计）".to_owned()));
        paper.blocks.push(Block::Table(table));
    }
    let what = if scored {
        "各分"
    } else {
        "评审价和排名"
    };
    paper.blocks.push(Block::Small(format!(
        "评审价为按政策扣除后参加评审的价格。{what}由程序依公布的规则计算，任何人可以从档案重新算出。评审规则版本：{}。",
        outcome.pack.id
    )));
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}

/// The name of a bid by the id that scoring uses, its seal.
fn name_of(source: &Source<'_>, id: &str) -> String {
    let bids = source.state.bids();
    let found = bids.iter().find(|(seal, _)| seal.to_string() == id);
    found.map_or_else(|| id.to_owned(), |(_, bid)| bid.name.clone())
}

/// Who gave how many items: the sheets themselves are in the dossier.
fn sheets(source: &Source<'_>, lot: &str) -> Option<Table> {
    let sheets = source
        .state
        .sheets()
        .get(lot)
        .filter(|all| !all.is_empty())?;
    let outcome = source.state.ranks().get(lot)?;
    let bids: Vec<&str> = outcome
        .rows
        .iter()
        .map(|row| row.id.as_str())
        .take(6)
        .collect();
    let mut head = vec!["评委".to_owned()];
    head.extend(bids.iter().map(|id| name_of(source, id)));
    let mut widths = vec![28];
    widths.extend(
        bids.iter()
            .map(|_| 128 / u32::try_from(bids.len()).unwrap_or(1).max(1)),
    );
    let rows = sheets.iter().map(|(judge, sheet)| {
        let mut row = vec![Cell::centre(source.name(judge).unwrap_or("评委"))];
        row.extend(bids.iter().map(|id| {
            let items = sheet.scores.get(*id);
            Cell::right(items.and_then(sum).unwrap_or_else(|| "—".to_owned()))
        }));
        row
    });
    Some(Table {
        widths,
        head,
        rows: rows.collect(),
    })
}

/// The sum of decimal points, exact.
fn sum(items: &std::collections::BTreeMap<String, String>) -> Option<String> {
    const DIGITS: usize = 6;
    let mut total: i128 = 0;
    for value in items.values() {
        let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
        if rest.len() > DIGITS || value.starts_with('-') {
            return None;
        }
        let digits = format!("{whole}{rest:0<DIGITS$}");
        total = total.checked_add(digits.parse::<i128>().ok()?)?;
    }
    let unit = 10i128.pow(6);
    let text = format!("{}.{:06}", total / unit, total % unit);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    Some(text.to_owned())
}

/// The evaluation report of a lot.
#[must_use]
pub fn report(source: &Source<'_>, lot: &str) -> Option<Paper> {
    let notice = source.notice()?;
    let (_, report) = source.state.report(lot)?;
    let line = source.line("report", Some(lot))?;
    let bid = source.bid_word();
    let mut paper = source.paper("评审报告", line)?;
    let media = report.media.join("、");
    paper.blocks.push(Block::Heading("一、项目概况".to_owned()));
    paper.blocks.push(Block::Table(Table::form(&[
        ("采购人", notice.buyer.name.clone()),
        ("代理机构", notice.agency.name.clone()),
        ("标段", source.lot_title(lot)),
        ("采购方式", notice.procedure.profile().zh.to_owned()),
        ("评审方法", words::method(report.method).to_owned()),
        ("公告媒体", media),
        (
            &format!("{}时间", source.open_word()),
            words::instant(notice.deadline),
        ),
        ("评审地点", report.place.clone()),
    ])));
    paper
        .blocks
        .push(Block::Heading(format!("二、{bid}及审查情况")));
    let rows = report.bidders.iter().zip(1..).map(|(one, n)| {
        let why = match (one.fate, one.article.is_empty()) {
            (Fate::Ranked, _) => "—".to_owned(),
            (_, true) => one.reason.clone(),
            _ => format!("{}（{}）", one.reason, one.article),
        };
        vec![
            Cell::centre(n.to_string()),
            Cell::left(format!("{}\n{}", one.name, one.bidder)),
            Cell::centre(
                words::fate(one.fate)
                    .replace("开标", source.open_word())
                    .replace("中标", candidate_word(source)),
            ),
            Cell::left(why),
        ]
    });
    paper.blocks.push(Block::Table(Table {
        widths: vec![12, 58, 34, 52],
        head: ["序号", "投标人及统一社会信用代码", "结果", "原因及依据"]
            .map(|text| text.replace("投标", bid))
            .to_vec(),
        rows: rows.collect(),
    }));
    let passed = |kind| source.state.check_progress(kind, lot);
    let (done, due) = passed(CheckKind::Conformity);
    paper.blocks.push(Block::Text(format!(
        "{}记录摘要{}。提出书面澄清{}次。符合性审查意见{done}/{due}份。",
        source.open_word(),
        words::short(&report.minutes),
        report.questions.len()
    )));
    paper.blocks.push(Block::Heading(
        "三、中标候选人".replace("中标", candidate_word(source)),
    ));
    let totals = report.candidates.iter().map(|one| one.total.as_str());
    let scored = words::has_points(report.method) && some_points(totals);
    let rows = report.candidates.iter().map(|one| {
        let mut cells = vec![
            Cell::centre(one.order.to_string()),
            Cell::left(format!("{}\n{}", one.name, one.bidder)),
            Cell::left(format!(
                "{}\n{}",
                words::figures(&one.price),
                words::in_words(&one.price)
            )),
        ];
        if scored {
            cells.push(Cell::right(one.total.clone()));
        }
        cells
    });
    let mut head = vec!["排序", "候选人及统一社会信用代码", "合同价（元）及大写"];
    if scored {
        head.push("总分");
    }
    paper.blocks.push(Block::Table(Table {
        widths: match scored {
            true => vec![14, 62, 60, 20],
            false => vec![14, 72, 70],
        },
        head: head.into_iter().map(str::to_owned).collect(),
        rows: rows.collect(),
    }));
    if !report.remarks.is_empty() {
        paper.blocks.push(Block::Heading("四、其他说明".to_owned()));
        paper.blocks.push(Block::Text(report.remarks.clone()));
    }
    members(source, lot, &report.committee, &mut paper);
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}

/// Where price alone decides (a framework agreement by price first) every total is nought.
fn some_points<'a>(mut totals: impl Iterator<Item = &'a str>) -> bool {
    totals.any(|total| total.bytes().any(|digit| (b'1'..=b'9').contains(&digit)))
}

fn candidate_word(source: &Source<'_>) -> &'static str {
    if source.state.profile().listed {
        "入围"
    } else if source.is_tendering() {
        "中标"
    } else {
        "成交"
    }
}

fn members(source: &Source<'_>, lot: &str, all: &[mifeng_crypto::Digest], paper: &mut Paper) {
    if all.is_empty() {
        return;
    }
    let signed = source.state.report_signed(lot);
    let rows = all.iter().zip(1..).map(|(cert, n)| {
        let dissent = signed.and_then(|signed| signed.get(cert));
        let said = match dissent {
            None => "未签名".to_owned(),
            Some(text) if text.is_empty() => "已电子签名，同意".to_owned(),
            Some(text) => format!("已电子签名，不同意见：{text}"),
        };
        vec![
            Cell::centre(n.to_string()),
            Cell::centre(source.name(cert).unwrap_or("—")),
            Cell::left(words::short(cert)),
            Cell::left(said),
        ]
    });
    paper
        .blocks
        .push(Block::Heading("评审委员会成员签名".to_owned()));
    paper.blocks.push(Block::Table(Table {
        widths: vec![12, 34, 44, 66],
        head: ["序号", "成员", "证书摘要", "签名及意见"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }));
}
