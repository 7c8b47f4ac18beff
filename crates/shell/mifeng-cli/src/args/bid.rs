//! `mifeng bid`: what a bidder does.

use crate::evaluation::args::BidMore;
use std::path::PathBuf;

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
    /// 报价大写与数字不一致，或超过最高限价，仍要密封 / seal it though the price's words and digits differ, or it is above the ceiling
    #[arg(long)]
    pub(crate) anyway: bool,
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
