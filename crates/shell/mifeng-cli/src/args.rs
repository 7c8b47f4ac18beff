//! The arguments, written first: people in a room with a clock ticking read these texts.

use crate::ca::CaCommand;
use crate::cert::CertCommand;
use crate::demo::DemoArgs;
use crate::evaluation::args::{BidMore, BoardMore, PanelMore, TenderMore};
use crate::fetch::CrlCommand;
use crate::host::HostArgs;
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

#[derive(clap::Subcommand, Debug)]
pub(crate) enum BoardCommand {
    /// 加入委员会 / join a board
    Join {
        #[arg(long)]
        id: PathBuf,
        /// 委员会名称，全体相同 / name of the board, the same for all
        #[arg(long)]
        session: String,
        /// 第几位 / which member, from 1
        #[arg(long)]
        index: u8,
        /// 几人到场即可开标 / how many can open together
        #[arg(long)]
        quorum: u8,
        /// 共几人 / members
        #[arg(long)]
        of: u8,
        #[arg(long)]
        out: PathBuf,
    },
    /// 第一轮：需要全体的加入记录，或首个委员会所在日志的记录包 / first round: takes all members' join records, or the bundle of the log whose first board this is
    Round1 {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 第二轮：需要以上全部记录，或首个委员会所在日志的记录包 / second round: takes all records so far, or the bundle of the log whose first board this is
    Round2 {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 见证：共签日志头 / witness: cosign the head of the log
    Cosign {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 逐条核对释放条件，然后释放解密份额 / check each release condition, then release shares
    Release {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 为专家抽取给出份额 / answer for the draw
    Draw {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 交接密钥：换人或换新份额，密钥不变 / hand the key on: other trustees or new shares, the same key
    #[command(subcommand)]
    Reshare(crate::reshare::ReshareCommand),
    /// 二维码：文件不经U盘过气隙 / QR codes: a file over the air gap without a stick
    #[command(subcommand)]
    Qr(crate::ceremony::qr::QrCommand),
    /// 密钥仪式：引导一屋子人，可演练、暂停、继续 / key ceremony: guides a room; rehearse, pause, go on
    Ceremony(crate::ceremony::CeremonyArgs),
    #[command(flatten)]
    Trouble(crate::complain::BoardTrouble),
    #[command(flatten)]
    More(BoardMore),
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TenderCommand {
    /// 平台：建立项目日志 / host: start the tender's log
    Init {
        #[command(flatten)]
        host: HostArgs,
        #[arg(long, value_enum, default_value = "gm")]
        suite: SuiteName,
        /// 日志名称，如 host.example/t/2026-001 / name of the log
        #[arg(long)]
        origin: String,
        /// 认可的根证书 / recognised root certificates
        #[arg(long)]
        trust: Vec<PathBuf>,
        /// 或：CA互认名单 / or: a trust list
        #[arg(long, value_name = "TRUST", conflicts_with = "trust")]
        trust_list: Option<PathBuf>,
    },
    /// 平台：收记录；投标期内等到节拍后出回执 / host: take records in; during bidding, wait for the beat
    Accept {
        #[command(flatten)]
        host: HostArgs,
        /// 记录文件 *.rec / record files
        #[arg(required = true)]
        record: Vec<PathBuf>,
        /// 密封投标文件 / sealed bid file
        #[arg(long)]
        bid: Option<PathBuf>,
        /// 随记录存档的文件，如合同原文、更正的招标文件 / files kept with the record, as a contract or an amended tender document
        #[arg(long)]
        document: Vec<PathBuf>,
        /// 回执写到此处 / where to write the receipt
        #[arg(long)]
        receipt: Option<PathBuf>,
    },
    /// 平台：加入吊销列表 / host: add a revocation list
    Crl {
        #[command(flatten)]
        host: HostArgs,
        file: PathBuf,
    },
    /// 平台：收下OCSP应答，自入日志起生效 / host: take an OCSP response in, which counts from its record
    Ocsp {
        #[command(flatten)]
        host: HostArgs,
        /// 应答，响应方原样发出的 DER / the response, DER, as the responder sent it
        file: PathBuf,
        /// 被答证书与其根之间的CA证书 / CA certificates between the one answered for and its root
        #[arg(long, value_name = "CER")]
        above: Vec<PathBuf>,
    },
    /// 平台：截标 / host: close submission
    Close {
        #[command(flatten)]
        host: HostArgs,
        /// 未到时间则等待 / wait for the deadline
        #[arg(long)]
        wait: bool,
    },
    /// 平台：载入信标（时间锁叶子），离线验证 / host: take in the beacon of a clock leaf, verified offline
    Beacon {
        #[command(flatten)]
        host: HostArgs,
        /// 信标 JSON：chain、round、signature / the beacon as JSON
        file: PathBuf,
    },
    /// 平台：结束投标人解密时段 / host: end the bidders' window
    CloseWindow {
        #[command(flatten)]
        host: HostArgs,
    },
    /// 平台：开标，文件写到 --out / host: open the bids into --out
    Open {
        #[command(flatten)]
        host: HostArgs,
        #[arg(long)]
        out: PathBuf,
        /// 受托人释放时段满后不再等待份额：不够的投标按记录推出的原因计为未能开标 / when the trustees' time is over, wait for no more shares: what lacks them is recorded as not opened, with the cause that follows
        #[arg(long)]
        give_up: bool,
    },
    /// 平台：收见证人共签 / host: take in cosignatures
    Cosigned {
        #[command(flatten)]
        host: HostArgs,
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// 平台：收时间戳 / host: take in a time stamp
    Stamp {
        #[command(flatten)]
        host: HostArgs,
        file: PathBuf,
    },
    /// 平台：导出记录包，供各方使用 / host: export the bundle that everybody works on
    Export {
        #[command(flatten)]
        host: HostArgs,
        /// 含已开标的密封文件 / with the sealed bids that were opened
        #[arg(long)]
        full: bool,
        #[arg(long)]
        out: PathBuf,
    },
    /// 代理机构：签发公告 / agency: sign the notice
    Publish {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        /// 公告内容 JSON / the notice as JSON
        #[arg(long)]
        plan: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 代理机构：签发开标记录 / agency: sign the opening record
    Minutes {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 在场各方：在开标记录上签名 / those present: sign the opening record
    Sign {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 代理机构：计算并签发排名 / agency: compute and sign the ranking
    Rank {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 采购人：定标 / buyer: award
    Award {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        out: PathBuf,
    },
    #[command(flatten)]
    Halt(crate::halt::TenderHalt),
    #[command(flatten)]
    More(TenderMore),
}

/// What a bidder seals.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct SealArgs {
    /// 投标人身份文件夹 / the bidder's identity folder
    #[arg(long)]
    pub(crate) id: PathBuf,
    /// 项目记录包 / the tender's bundle
    #[arg(long)]
    pub(crate) tender: PathBuf,
    /// 标段 / lot
    #[arg(long)]
    pub(crate) lot: String,
    /// 投标文件夹 / folder with the bid's files
    #[arg(long)]
    pub(crate) files: PathBuf,
    /// 报价（元，数字） / price in yuan, digits
    #[arg(long)]
    pub(crate) price: Option<String>,
    /// 报价大写 / price in capital Chinese numerals
    #[arg(long)]
    pub(crate) price_cn: Option<String>,
    /// 声明：小微企业 / declare: small or micro enterprise
    #[arg(long)]
    pub(crate) small: bool,
    /// 声明：本国产品 / declare: domestic product
    #[arg(long)]
    pub(crate) domestic: bool,
    /// 声明：品牌 / declare: brand
    #[arg(long)]
    pub(crate) brand: Option<String>,
    /// 开标一览表的其他项 / further lines of the opening list
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) field: Vec<String>,
    /// 分项报价 JSON：item、quantity、unit_price / price detail as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) detail: Option<PathBuf>,
    /// 信任名单的新版本（日志在截标前不显示） / newer versions of the trust list: the log hides them until the close
    #[arg(long, value_name = "TRUST")]
    pub(crate) list: Vec<PathBuf>,
    /// 密封文件写到此处 / where to write the sealed bid
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum BidCommand {
    /// 密封投标文件 / seal a bid
    Seal(SealArgs),
    /// 签提交记录 / sign the submission
    Submit {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        bid: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 以新文件替换旧文件 / replace a submitted bid
    Replace {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        bid: PathBuf,
        /// 旧的密封文件 / the old sealed bid
        #[arg(long)]
        old: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 撤回 / withdraw
    Withdraw {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        bid: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 截标后释放本方解密份额；给出 --host 则等到截标、送达并留回执 / after the close, release the own leaf; with --host it waits, hands in, keeps the receipt
    Release(crate::agent::ReleaseArgs),
    /// 确认按规则修正后的报价 / confirm the price as corrected by the rules
    Confirm {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        lot: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 查看密封文件的公开信息；给出身份文件夹则用密钥查看内容 / show the public facts of a sealed bid; with
    /// the identity folder, its content too
    Check {
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        bid: PathBuf,
        /// 投标人身份文件夹 / the bidder's identity folder
        #[arg(long)]
        id: Option<PathBuf>,
        /// 密封时写下的本方副本（默认在密封文件旁，*.own） / the own copy that sealing wrote (default: beside the bid)
        #[arg(long, requires = "id")]
        own: Option<PathBuf>,
    },
    #[command(flatten)]
    More(BidMore),
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum WitnessCommand {
    /// 核对日志未被改写后共签其日志头 / check that nothing was rewritten, then cosign the head
    Cosign {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 值守一个项目，随日志增长共签并送达 / keep watch over a tender: cosign as its log grows, and hand in
    Serve(crate::agent::WitnessArgs),
    /// 平台不应答时：证明此刻见到投标人的记录 / when the host does not answer: say that a record is seen now
    Seen {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        /// 投标人的记录 / the bidder's record
        #[arg(long)]
        record: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核验见证人的证明 / check a witness's statement
    Check {
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        record: PathBuf,
        /// 见证人的证明 / the statement
        #[arg(long)]
        seen: PathBuf,
    },
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum PanelCommand {
    /// 评审专家：登录平台，下载可查看的已开标文件 / expert: sign in to the host and fetch the opened files that one may read
    Read(crate::opened::ReadArgs),
    /// 代理机构：冻结候选名单 / agency: freeze the pool
    Pool {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        /// 候选专家证书 / candidates' certificates
        #[arg(long, required = true, num_args = 1..)]
        experts: Vec<PathBuf>,
        /// 盲号对照表（保密） / list that opens the blind ids (secret)
        #[arg(long)]
        secret: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 代理机构：由受托人份额得出抽取结果 / agency: the result from the trustees' answers
    Draw {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        secret: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    #[command(flatten)]
    More(PanelMore),
}
