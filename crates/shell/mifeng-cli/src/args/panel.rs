//! `mifeng panel`: experts, from the pool of candidates on.

use crate::evaluation::args::PanelMore;
use std::path::PathBuf;

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
