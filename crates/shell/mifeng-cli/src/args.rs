//! The arguments, written first: people in a room with a clock ticking read these texts.

mod bid;
mod board;
mod panel;
mod tender;

pub(crate) use bid::{BidCommand, SealArgs};
pub(crate) use board::{BoardCommand, WitnessCommand};
pub(crate) use panel::PanelCommand;
pub(crate) use tender::TenderCommand;

use crate::ca::CaCommand;
use crate::cert::CertCommand;
use crate::demo::DemoArgs;
use crate::fetch::CrlCommand;
use crate::receipt::ReceiptCommand;
use crate::rules::RulesCommand;
use crate::score::ScoreArgs;
use crate::sign::{CheckArgs, SignArgs};
use crate::trust::TrustCommand;
use crate::tsa::TsaCommand;
use crate::ui::Lang;
use mifeng::crypto::{GM, INTL, Suite};
use std::path::PathBuf;

/// 密封投标电子招采引擎 / sealed-bid electronic tendering
///
/// 每个人在自己的文件夹里工作，只交换文件。退出码：0 成功，1 拒绝或验证不通过，2 用法，3 格式错误，4 不可用。
/// Everybody works in an own folder; only files are exchanged. Exit codes: 0 ok, 1 refused or not
/// verified, 2 usage, 3 malformed, 4 unavailable.
#[derive(clap::Parser, Debug)]
#[command(name = "mifeng", version, max_term_width = 100)]
pub(crate) struct Args {
    /// 语言 / language
    #[arg(long, global = true, value_enum, default_value = "zh")]
    pub(crate) lang: Lang,
    /// 以 JSON 输出结果与错误 / print results and errors as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// 口令文件（第一行）；默认在终端询问 / file whose first line is the passphrase; default: ask
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// 从该文件描述符读口令 / read the passphrase from this file descriptor
    #[arg(long, global = true, value_name = "N", conflicts_with = "pin_file")]
    pub(crate) pin_fd: Option<i32>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// 在本机跑完整个招标 / run a whole tender on this machine
    Demo(DemoArgs),
    /// 平台：经 HTTP 接收记录，提供网页 / host: records over HTTP, and pages
    Serve(crate::serve::ServeArgs),
    #[command(flatten)]
    Net(crate::net::NetCommand),
    /// 验证档案，打印 V1–V14 / verify a dossier, printing V1–V14
    Verify(VerifyArgs),
    /// 开发用证书机构 / development certificate authority
    #[command(subcommand)]
    Ca(CaCommand),
    /// 签名（CMS），可附时间戳 / sign a file (CMS), with a time stamp on request
    Sign(SignArgs),
    /// 核验文件的签名 / check a signature over a file
    Check(CheckArgs),
    /// 证书：查看、核验 / certificates: show, check
    #[command(subcommand)]
    Cert(CertCommand),
    /// 吊销列表：获取、查看 / revocation lists: fetch, show
    #[command(subcommand)]
    Crl(CrlCommand),
    /// CA互认名单 / trust lists: mutual recognition of CAs
    #[command(subcommand)]
    Trust(TrustCommand),
    /// 开标委员会受托人：生成密钥、共签、释放份额 / trustees: key generation, cosigning, release
    #[command(subcommand)]
    Board(BoardCommand),
    /// 见证人：共签日志头，证明何时见到某记录 / witnesses: cosign heads, say when a record was shown
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// 平台的锚定日志：整个项目不能无声消失 / the host's anchor log: no tender vanishes unseen
    #[command(subcommand)]
    Anchor(crate::anchor::AnchorCommand),
    /// 平台、代理机构、采购人：公告到定标 / host, agency, buyer: from notice to award
    #[command(subcommand)]
    Tender(TenderCommand),
    /// 开标现场：询问、回避申请与答复 / at the opening: questions, requests for recusal, answers
    #[command(subcommand)]
    Opening(crate::asked::OpeningCommand),
    /// 平台的存储：备份、恢复、检查 / a host's store: back up, restore, check
    #[command(subcommand)]
    Store(crate::store::StoreCommand),
    /// 合同：签章、备案、公开、期限 / contract: stamp, file, publish, clocks
    #[command(subcommand)]
    Contract(crate::contract::ContractCommand),
    /// 投标人：密封、提交、替换、撤回、解密 / bidders: seal, submit, replace, withdraw, release
    #[command(subcommand)]
    Bid(BidCommand),
    /// 回执 / receipts
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// 独立抽取：专家名单、种子、席位，可复核 / draws outside a tender: lists, seeds, seats, rechecked by anyone
    #[command(subcommand)]
    Draw(crate::draw::DrawCommand),
    /// 评审委员会：抽取、审查与评分 / evaluation committee: draw, checks, sheets
    #[command(subcommand)]
    Panel(PanelCommand),
    /// 时间戳机构（开发与内网用） / time-stamp authority (development, closed networks)
    #[command(subcommand)]
    Tsa(TsaCommand),
    /// 电子印章与签章：制章、盖章、核验、查看 / electronic seals: make, apply, verify, show
    #[command(subcommand)]
    Stamp(crate::stamp::StampCommand),
    /// 文书：由档案生成开标记录表、评审报告、通知书等 / papers of a tender in type
    #[command(subcommand)]
    Doc(crate::doc::DocCommand),
    /// OFD 文件：查看、检查 / OFD files: show, check
    #[command(subcommand)]
    Ofd(crate::stamp::OfdCommand),
    /// 密钥文件：生成、查看、转换、导入、改口令 / key files: new, show, convert, import, passwd
    #[command(subcommand)]
    Key(crate::key::KeyCommand),
    /// 密码钥匙（UKey）：列出、试用、签发 / tokens: list, test, enrol
    #[command(subcommand)]
    Token(crate::token::TokenCommand),
    /// 归档：关闭日志并写出档案；公开版、续期、齐全与保存期限 / close the log and write the dossier; export, renew, check
    Archive(crate::archive::ArchiveArgs),
    /// 计算评分并说明依据 / compute scores and say how
    Score(ScoreArgs),
    /// 规则包：列出、查看、比较 / rule packs: list, show, diff
    #[command(subcommand)]
    Rules(RulesCommand),
    /// 看一个文件是什么、说了什么 / show what a file is and what it says
    Inspect {
        /// 任意本系统文件 / any file of this system
        file: PathBuf,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct VerifyArgs {
    /// 档案 / dossier
    pub(crate) dossier: PathBuf,
    /// 我信任的根证书；不给则只按公告所列 / roots that I trust; without: those the notice lists
    #[arg(long, value_name = "CERT")]
    pub(crate) trust: Vec<PathBuf>,
    /// 信任名单不得早于此版本 / the tender pins this version of its trust list or a later one
    #[arg(long, value_name = "N")]
    pub(crate) trust_list_version: Option<u64>,
    /// 较早的档案或记录包：证明其后无改写 / earlier bundle: prove that nothing was rewritten since
    #[arg(long, value_name = "TAR")]
    pub(crate) earlier: Option<PathBuf>,
    /// 用这份回执核对档案 / hold this receipt against the dossier
    #[arg(long)]
    pub(crate) receipt: Option<PathBuf>,
    /// 回执所对应的记录；不给则取自档案 / the record that the receipt is for; without: the dossier's own
    #[arg(long, requires = "receipt")]
    pub(crate) record: Option<PathBuf>,
    /// 另将核验报告写成 PDF / the report as a PDF too
    #[arg(long, value_name = "PDF")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) fonts: crate::doc::FontArgs,
}

/// The two suites by their short names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SuiteName {
    /// 国密：SM2、SM3、SM4-GCM
    Gm,
    /// P-256, SHA-256, AES-256-GCM
    Intl,
}

impl SuiteName {
    pub(crate) fn suite(self) -> &'static Suite {
        match self {
            SuiteName::Gm => &GM,
            SuiteName::Intl => &INTL,
        }
    }
}
