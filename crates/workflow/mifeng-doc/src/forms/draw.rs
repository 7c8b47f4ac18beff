//! 评审专家抽取记录.

use super::{Source, closing, words};
use crate::{Block, Cell, Paper, Table};

/// The transcript of the committee's draw.
#[must_use]
pub fn draw(source: &Source<'_>) -> Option<Paper> {
    let notice = source.notice()?;
    let drawn = source.state.draw()?;
    let result = drawn.result.as_ref()?;
    let line = source.line("draw.result", None)?;
    let mut paper = source.paper("评审专家抽取记录", line)?;
    let trustees: Vec<String> = drawn.shares.keys().map(u8::to_string).collect();
    paper.blocks.push(Block::Table(Table::form(&[
        ("采购人", notice.buyer.name.clone()),
        ("代理机构", notice.agency.name.clone()),
        ("专业类别", drawn.pool.specialty.clone()),
        ("抽取时间", words::instant(line.time)),
        ("候选人数", drawn.pool.rows.len().to_string()),
        ("抽取次数", format!("第{}次", drawn.pool.n)),
        ("入选人数", result.seats.len().to_string()),
        (
            "随机数来源",
            format!(
                "开标委员会受托人{}共同产生，事先任何一方都不能预知或选择",
                trustees.join("、")
            ),
        ),
        ("随机种子", result.seed.to_string()),
    ])));
    paper.blocks.push(Block::Heading("抽取顺序".to_owned()));
    let rows = result.order.iter().zip(1..).map(|(id, n)| {
        let seat = result.seats.iter().find(|seat| seat.id == *id);
        let fate = match seat {
            Some(_) => "入选",
            None if result.declined.contains(id) => "回避或不能参加",
            None => "候补",
        };
        let name = seat.and_then(|seat| source.name(&seat.cert)).unwrap_or("—");
        vec![
            Cell::centre(n.to_string()),
            Cell::left(id.chars().take(24).collect::<String>()),
            Cell::centre(name),
            Cell::centre(fate),
        ]
    });
    paper.blocks.push(Block::Table(Table {
        widths: vec![16, 74, 36, 30],
        head: ["顺序", "候选人代号（前24位）", "姓名", "结果"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }));
    paper.blocks.push(Block::Small(
        "候选人以代号参加抽取，名单在抽取前已冻结并记入日志；姓名在评审委员会就座后才与代号对应。种子和顺序任何人可以从档案重新算出。".to_owned(),
    ));
    paper.blocks.push(closing(&notice.agency.name, line.time));
    Some(paper)
}
