//! 政府采购合同: the frame that the records give, for both parties' seals.

use super::{Source, words};
use crate::{Block, Closing, Paper, Table};

/// The contract of an awarded lot: what notice, bid and award say. Its terms are the papers it names.
#[must_use]
pub fn contract(source: &Source<'_>, lot: &str) -> Option<Paper> {
    let notice = source.notice()?;
    let line = source.line("award", Some(lot))?;
    let award = source.state.awards().get(lot)?;
    let works = source.is_works();
    let title = if works {
        "合同协议书"
    } else {
        "政府采购合同"
    };
    let law = if works {
        "《中华人民共和国招标投标法》"
    } else {
        "《中华人民共和国政府采购法》"
    };
    // Reg art. 50 and PL art. 47 are of government procurement.
    let after = if works {
        ""
    } else {
        "甲方自合同签订之日起二个工作日内公开（涉及国家秘密、商业秘密的内容除外），七个工作日内备案。"
    };
    let mut paper = source.paper(title, line)?;
    let won = match source.is_tendering() {
        true => "中标",
        false => "成交",
    };
    paper.blocks.push(Block::Table(Table::form(&[
        ("甲方（采购人）", notice.buyer.name.clone()),
        ("乙方（供应商）", award.name.clone()),
        ("统一社会信用代码", award.bidder.clone()),
        ("采购代理机构", notice.agency.name.clone()),
        ("项目名称", notice.title.zh.clone()),
        ("项目编号", notice.tender.clone()),
        ("标段", source.lot_title(lot)),
        ("合同金额", format!("{}元", words::figures(&award.price))),
        ("金额大写", words::in_words(&award.price)),
    ])));
    let bid = source.bid_word();
    for (title, text) in [
        (
            "一、合同依据",
            format!("甲方以{}方式采购{}，经评审确定乙方为{won}人。双方依据{law}《中华人民共和国民法典》，按照采购文件和乙方{bid}文件订立本合同。", notice.procedure.profile().zh, source.lot_title(lot)),
        ),
        (
            "二、合同文件",
            format!("下列文件是本合同的组成部分：{won}通知书；乙方{bid}文件；采购文件及其更正、澄清；评审中乙方的书面澄清。各文件的杂凑值见项目档案（编号 {}）。", notice.tender),
        ),
        (
            "三、标的、质量与履行",
            format!("标的的名称、数量、质量、履行期限、地点和方式，以采购文件和乙方{bid}文件为准，双方不得另行订立背离合同实质性内容的其他协议。"),
        ),
        (
            "四、价款与支付",
            format!("合同总价为人民币{}（{}元）。甲方自收到发票后三十日内支付，采购文件另有约定的从其约定。", words::in_words(&award.price), words::figures(&award.price)),
        ),
        (
            "五、验收与违约",
            "甲方按照采购文件和本合同组织履约验收，并出具验收书。一方不履行义务或者履行不符合约定的，依法承担违约责任。".to_owned(),
        ),
        (
            "六、生效、公开与备案",
            format!("本合同由乙方先行签章，甲方加盖单位公章或合同专用章后生效。{after}"),
        ),
    ] {
        paper.blocks.push(Block::Heading(title.to_owned()));
        paper.blocks.push(Block::Text(text));
    }
    let signed = source.state.contract(lot);
    let date = |at: Option<mifeng_crypto::Time>| match at {
        Some(at) => words::date(at),
        None => "　　年　月　日".to_owned(),
    };
    let supplier = date(signed.map(|contract| contract.supplier.at));
    let buyer = date(signed.and_then(|contract| Some(contract.buyer.as_ref()?.at)));
    for (party, date) in [(&award.name, supplier), (&notice.buyer.name, buyer)] {
        paper.blocks.push(Block::Closing(Closing {
            party: party.clone(),
            date,
            seal: true,
        }));
    }
    Some(paper)
}
