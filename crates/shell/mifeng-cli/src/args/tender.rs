//! `mifeng tender`: what host, agency and buyer do, from the notice to the award.

use super::SuiteName;
use crate::evaluation::args::TenderMore;
use crate::host::HostArgs;
use std::path::PathBuf;

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
