//! The arguments of the evaluation's commands, and what they call.

use super::{committee, offers, result};
use crate::bidder;
use crate::bundle::Bundle;
use crate::host::{self, HostArgs};
use crate::identity::Identity;
use crate::ui::{Outcome, Ui};
use mifeng::tender::{CheckKind, Matter, Purpose, Stated};
use std::path::PathBuf;

/// Who signs, over which bundle, where to.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct By {
    /// 身份文件夹 / identity folder
    #[arg(long)]
    id: PathBuf,
    /// 项目记录包 / the tender's bundle
    #[arg(long)]
    tender: PathBuf,
    /// 记录文件写到此处 / where to write the record
    #[arg(long)]
    pub(crate) out: PathBuf,
}

impl By {
    pub(crate) fn open(&self, ui: &Ui) -> Result<(Bundle, Identity), crate::ui::Failure> {
        let bundle = Bundle::open(&self.tender)?;
        Ok((bundle, Identity::load(ui, &self.id)?))
    }
}

/// Which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KindName {
    /// 资格审查
    Qualification,
    /// 符合性审查
    Conformity,
    /// 异常低价审查
    LowPrice,
}

impl KindName {
    fn kind(self) -> CheckKind {
        match self {
            KindName::Qualification => CheckKind::Qualification,
            KindName::Conformity => CheckKind::Conformity,
            KindName::LowPrice => CheckKind::LowPrice,
        }
    }
}

/// What makes it lawful to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MatterName {
    /// 含义不明确
    Ambiguity,
    /// 同类问题表述不一致
    Inconsistency,
    /// 明显文字或计算错误
    Slip,
    /// 修正后的报价，请投标人确认
    Price,
    /// 报价明显偏低
    LowPrice,
}

impl MatterName {
    fn matter(self) -> Matter {
        match self {
            MatterName::Ambiguity => Matter::Ambiguity,
            MatterName::Inconsistency => Matter::Inconsistency,
            MatterName::Slip => Matter::Slip,
            MatterName::Price => Matter::Price,
            MatterName::LowPrice => Matter::LowPrice,
        }
    }
}

fn purpose(name: &str) -> Purpose {
    match name {
        "" => Purpose::Tie,
        _ => Purpose::Coefficient,
    }
}

/// Further commands of the committee and whoever serves it.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum PanelMore {
    /// 资格、符合性、低价审查：除 --against 所列外均通过 / a check: all pass but those in --against
    Check {
        #[command(flatten)]
        by: By,
        #[arg(long, value_enum)]
        kind: KindName,
        #[arg(long)]
        lot: String,
        /// 不通过者 JSON：信用代码 → {reason, article} / those who fail, as JSON
        #[arg(long)]
        against: Option<PathBuf>,
    },
    /// 书面提问 / a written question
    Ask {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        /// 信用代码 / credit code
        #[arg(long)]
        bidder: String,
        #[arg(long, value_enum)]
        matter: MatterName,
        #[arg(long)]
        text: String,
        /// 答复时间（分钟） / minutes for the answer
        #[arg(long, default_value_t = 30)]
        minutes: u32,
    },
    /// 看提问与答复 / show questions and answers
    Questions {
        #[arg(long)]
        tender: PathBuf,
    },
    /// 裁定多种读法的报价；--price 为空表示无法认定 / decide an ambiguous price; empty: unreadable
    Decide {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        bidder: String,
        #[arg(long)]
        price: String,
        #[arg(long)]
        reason: String,
    },
    /// 封存评分表：日志只记承诺值 / close a sheet: the log holds its hash only
    Commit {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        /// 分数 JSON：信用代码 → 评分项 → 分 / scores as JSON: credit code → item → points
        #[arg(long)]
        scores: PathBuf,
        /// 封存的评分表（揭示前保密） / the closed sheet (secret until revealed)
        #[arg(long)]
        secret: PathBuf,
    },
    /// 全体封存后揭示评分表 / reveal the sheet once all are closed
    Reveal {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        secret: PathBuf,
    },
    /// 客观项不一致时更正 / put right objective items on which experts differ
    Correct {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        scores: PathBuf,
        #[arg(long)]
        reason: String,
    },
    /// 代理机构：开启多地评审 / agency: open a session over several sites
    Session {
        #[command(flatten)]
        by: By,
        /// 场所 JSON / sites as JSON
        #[arg(long)]
        plan: PathBuf,
    },
    /// 专家：入席 / expert: open the own seat
    Sit {
        #[command(flatten)]
        by: By,
    },
    /// 监督人：核验身份后共签席位 / supervisor: cosign a seat
    Cosign {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        expert: PathBuf,
    },
    /// 监督人：连线中断，冻结该席位 / supervisor: freeze a seat whose link is lost
    Freeze {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        expert: PathBuf,
        #[arg(long)]
        reason: String,
    },
    /// 监督人：恢复席位 / supervisor: resume a seat
    Resume {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        expert: PathBuf,
        #[arg(long)]
        reason: String,
    },
    /// 成员：本人退出，或认为他人应当退出 / member: leave, or say that another member has to
    Leave {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        expert: PathBuf,
        #[arg(long)]
        reason: String,
    },
    /// 代理机构：由下一名候补替换成员 / agency: replace a member by the next of the drawn
    Replace {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        expert: PathBuf,
        #[arg(long)]
        reason: String,
        /// 谢绝或回避的候补；无人可补则解散 / alternates who decline or avoid; none left: dissolved
        #[arg(long)]
        declined: Vec<PathBuf>,
        #[arg(long)]
        secret: PathBuf,
    },
    /// 成员：签署评审报告，可附不同意见 / member: sign the report, with dissent if any
    SignReport {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long, default_value = "")]
        dissent: String,
    },
}

/// Runs one.
pub(crate) fn panel(ui: &Ui, command: &PanelMore) -> Outcome {
    use committee as c;
    match command {
        PanelMore::Check {
            by,
            kind,
            lot,
            against,
        } => {
            let (bundle, id) = by.open(ui)?;
            let what = (kind.kind(), lot.as_str());
            c::check(ui, &id, &bundle, what, against.as_deref(), &by.out)
        }
        PanelMore::Ask {
            by,
            lot,
            bidder,
            matter,
            text,
            minutes,
        } => {
            let (bundle, id) = by.open(ui)?;
            let question = c::Question {
                lot,
                bidder,
                matter: matter.matter(),
                text,
                minutes: *minutes,
            };
            c::ask(ui, &id, &bundle, &question, &by.out)
        }
        PanelMore::Questions { tender } => {
            c::questions(ui, &Bundle::open(tender)?);
            Ok(())
        }
        PanelMore::Decide {
            by,
            lot,
            bidder,
            price,
            reason,
        } => {
            let (bundle, id) = by.open(ui)?;
            c::decide(&id, &bundle, (lot, bidder), price, reason, &by.out)
        }
        PanelMore::Commit {
            by,
            lot,
            scores,
            secret,
        } => {
            let (bundle, id) = by.open(ui)?;
            c::commit(ui, &id, &bundle, lot, (scores, secret), &by.out)
        }
        PanelMore::Reveal { by, secret } => {
            let (bundle, id) = by.open(ui)?;
            c::reveal(&id, &bundle, secret, &by.out)
        }
        PanelMore::Correct {
            by,
            lot,
            scores,
            reason,
        } => {
            let (bundle, id) = by.open(ui)?;
            c::correct(&id, &bundle, lot, (scores, reason), &by.out)
        }
        other => seats(ui, other),
    }
}

fn seats(ui: &Ui, command: &PanelMore) -> Outcome {
    use committee as c;
    match command {
        PanelMore::Session { by, plan } => {
            let (bundle, id) = by.open(ui)?;
            c::session(&id, &bundle, plan, &by.out)
        }
        PanelMore::Sit { by } => {
            let (bundle, id) = by.open(ui)?;
            c::sit(&id, &bundle, &by.out)
        }
        PanelMore::Cosign { by, expert } => {
            let (bundle, id) = by.open(ui)?;
            c::cosign(&id, &bundle, expert, &by.out)
        }
        PanelMore::Freeze { by, expert, reason } => {
            let (bundle, id) = by.open(ui)?;
            c::freeze(&id, &bundle, (expert, reason), false, &by.out)
        }
        PanelMore::Resume { by, expert, reason } => {
            let (bundle, id) = by.open(ui)?;
            c::freeze(&id, &bundle, (expert, reason), true, &by.out)
        }
        PanelMore::Leave { by, expert, reason } => {
            let (bundle, id) = by.open(ui)?;
            c::leave(&id, &bundle, (expert, reason), &by.out)
        }
        PanelMore::Replace {
            by,
            expert,
            reason,
            declined,
            secret,
        } => {
            let (bundle, id) = by.open(ui)?;
            c::replace(&id, &bundle, (expert, reason), declined, secret, &by.out)
        }
        PanelMore::SignReport { by, lot, dissent } => {
            let (bundle, id) = by.open(ui)?;
            result::sign_report(&id, &bundle, lot, dissent, &by.out)
        }
        // The others were taken before.
        _ => Ok(()),
    }
}

/// Further commands of host, agency and buyer.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum TenderMore {
    /// 代理机构：要求提交最后报价 / agency: call for final offers
    Round {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        /// 截止时间，RFC 3339，整秒 / deadline, whole seconds
        #[arg(long)]
        deadline: String,
    },
    /// 平台：最后报价截止 / host: close a round of final offers
    CloseRound {
        #[command(flatten)]
        host: HostArgs,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        wait: bool,
    },
    /// 平台：结束最后报价的解密时段 / host: end the window of a round
    CloseRoundWindow {
        #[command(flatten)]
        host: HostArgs,
        #[arg(long)]
        lot: String,
    },
    /// 平台：开启最后报价 / host: open the final offers
    OpenOffers {
        #[command(flatten)]
        host: HostArgs,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 代理机构：最后报价记录 / agency: the record of the final offers
    RoundMinutes {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
    },
    /// 代理机构：冻结抽签候选（并列，或以 --name 指明系数） / agency: freeze a lot's draw
    LotPool {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long, default_value = "")]
        name: String,
    },
    /// 代理机构：抽签结果 / agency: the result of a lot's draw
    LotDrawn {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long, default_value = "")]
        name: String,
    },
    /// 代理机构：标段废标 / agency: a lot ends without a winner
    Fail {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
    },
    /// 代理机构：评审报告 / agency: the evaluation report
    Report {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        /// 公告发布媒体 / where the notice was published
        #[arg(long)]
        media: Vec<String>,
        /// 评审地点 / place of the evaluation
        #[arg(long, default_value = "")]
        place: String,
        #[arg(long, default_value = "")]
        remarks: String,
    },
    /// 采购人：框架协议入围名单 / buyer: the suppliers that a framework agreement takes in
    List {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
    },
    /// 代理机构：未中标通知，仅含其本人得分与排名 / agency: letter with the bidder's own score and rank
    Letter {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        bidder: String,
    },
}

/// Runs one.
pub(crate) fn tender(ui: &Ui, command: &TenderMore) -> Outcome {
    let entropy = &mut mifeng::crypto::SystemEntropy::new();
    match command {
        TenderMore::CloseRound { host, lot, wait } => {
            host::work(ui, host, |host| offers::close_round(ui, host, lot, *wait))
        }
        TenderMore::CloseRoundWindow { host, lot } => host::work(ui, host, |host| {
            Ok(host.close_round_window(lot, crate::clock::now(), entropy)?)
        }),
        TenderMore::OpenOffers { host, lot, out } => {
            host::work(ui, host, |host| offers::open_offers(ui, host, lot, out))
        }
        TenderMore::Round { by, lot, deadline } => {
            let (bundle, id) = by.open(ui)?;
            offers::open_round(ui, &id, &bundle, (lot, deadline), &by.out)
        }
        TenderMore::RoundMinutes { by, lot } => {
            let (bundle, id) = by.open(ui)?;
            offers::minutes(ui, &id, &bundle, lot, &by.out)
        }
        TenderMore::LotPool { by, lot, name } => {
            let (bundle, id) = by.open(ui)?;
            result::pool(ui, &id, &bundle, (lot, purpose(name), name), &by.out)
        }
        TenderMore::LotDrawn { by, lot, name } => {
            let (bundle, id) = by.open(ui)?;
            result::drawn(ui, &id, &bundle, (lot, purpose(name), name), &by.out)
        }
        TenderMore::Fail { by, lot } => {
            let (bundle, id) = by.open(ui)?;
            result::fail(ui, &id, &bundle, lot, &by.out)
        }
        TenderMore::Report {
            by,
            lot,
            media,
            place,
            remarks,
        } => {
            let (bundle, id) = by.open(ui)?;
            let stated = Stated {
                media: media.clone(),
                place: place.clone(),
                remarks: remarks.clone(),
            };
            result::report(ui, &id, &bundle, lot, stated, &by.out)
        }
        TenderMore::List { by, lot } => {
            let (bundle, id) = by.open(ui)?;
            result::list(ui, &id, &bundle, lot, &by.out)
        }
        TenderMore::Letter { by, lot, bidder } => {
            let (bundle, id) = by.open(ui)?;
            result::letter(ui, &id, &bundle, (lot, bidder), &by.out)
        }
    }
}

/// Further commands of bidders and trustees.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum BidMore {
    /// 密封最后报价 / seal a final offer
    SealOffer(crate::args::SealArgs),
    /// 签最后报价提交记录 / sign the submission of a final offer
    Offer {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        bid: PathBuf,
    },
    /// 提交最后报价前退出 / leave before a final offer
    Exit {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
    },
    /// 书面答复评委提问 / answer a question
    Answer {
        #[command(flatten)]
        by: By,
        /// 第几问，见 mifeng panel questions / number of the question
        #[arg(long)]
        question: usize,
        #[arg(long)]
        text: String,
        /// 答复中提及的报价，只能是原报价 / the price, if named: only as bid
        #[arg(long)]
        price: Option<String>,
    },
}

/// Runs one.
pub(crate) fn bid(ui: &Ui, command: &BidMore, json: bool) -> Outcome {
    match command {
        BidMore::SealOffer(args) => bidder::seal_offer(ui, args, json),
        BidMore::Offer { by, lot, bid } => {
            let (bundle, id) = by.open(ui)?;
            offers::submit(&id, &bundle, lot, bid, &by.out)
        }
        BidMore::Exit { by, lot } => {
            let (bundle, id) = by.open(ui)?;
            offers::exit(&id, &bundle, lot, &by.out)
        }
        BidMore::Answer {
            by,
            question,
            text,
            price,
        } => {
            let (bundle, id) = by.open(ui)?;
            committee::answer(&id, &bundle, *question, text, price.as_deref(), &by.out)
        }
    }
}

/// Further commands of trustees.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum BoardMore {
    /// 逐条核对后释放最后报价的解密份额 / check, then release shares for final offers
    ReleaseOffers {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        lot: String,
    },
}

/// Runs one.
pub(crate) fn board(ui: &Ui, command: &BoardMore) -> Outcome {
    let BoardMore::ReleaseOffers { by, lot } = command;
    let bundle = Bundle::open(&by.tender)?;
    offers::show_conditions(ui, &bundle, lot)?;
    offers::release(ui, &Identity::load(ui, &by.id)?, &bundle, lot, &by.out)
}
