//! `mifeng stamp` and `mifeng ofd`: electronic seals and sealed documents.

mod apply;
mod log;
mod make;
pub(crate) mod pdf;
mod show;
mod verify;

use crate::ui::{self, Failure, Outcome, Ui};
use crate::{fetch, tsa};
use mifeng::crypto::{HashAlg, Kind};
use mifeng::pki::tsp;
use mifeng::stamp::{Error, SealKind};
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum StampCommand {
    /// 申请印章：单位填写信息采集表并签名 / apply for a seal: the unit signs the information form
    ApplyFor(log::ApplyForArgs),
    /// 制章：制章者签发电子印章 / make a seal: the maker signs it
    Make(make::MakeArgs),
    /// 用印登记：何人、何事由、何文件 / enter a use: who, why, which document
    Use(log::UseArgs),
    /// 双人控制：保管人批准一次用印 / dual control: the keeper consents to one use
    Approve(log::ApproveArgs),
    /// 盖章：OFD、PDF 文档，或任何文件的分离签章 / put a seal on an OFD or PDF document, or beside any file
    Apply(apply::ApplyArgs),
    /// 为已签 PDF 加长期验证信息与文档时间戳 / add long-term material and a time stamp to a signed PDF
    Extend(pdf::ExtendArgs),
    /// 逐步核验印章、签章或已盖章文档 / check a seal, a seal signature or a sealed document, step by step
    Verify(verify::VerifyArgs),
    /// 查看印章或签章的各个字段 / show the fields of a seal or seal signature
    Show(show::ShowArgs),
    /// 注销印章 / revoke a seal
    Revoke(log::RevokeArgs),
    /// 印章登记：制章者的日志 / the register of seals: the maker's log
    #[command(subcommand)]
    Log(log::LogCommand),
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum OfdCommand {
    /// 查看 OFD：页、文件、签章 / show an OFD: pages, files, signatures
    Show {
        /// OFD 文件 / OFD file
        file: PathBuf,
    },
    /// 检查 OFD 文件包是否安全、结构是否完整 / check that an OFD is a safe, whole package
    Check {
        /// OFD 文件 / OFD file
        file: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &StampCommand, json: bool) -> Outcome {
    match command {
        StampCommand::ApplyFor(args) => log::apply_for(ui, args, json),
        StampCommand::Make(args) => make::run(ui, args, json),
        StampCommand::Use(args) => log::use_seal(ui, args, json),
        StampCommand::Approve(args) => log::approve(ui, args, json),
        StampCommand::Apply(args) => apply::run(ui, args, json),
        StampCommand::Extend(args) => pdf::extend(ui, args, json),
        StampCommand::Verify(args) => verify::run(ui, args, json),
        StampCommand::Show(args) => show::run(ui, args, json),
        StampCommand::Revoke(args) => log::revoke(ui, args, json),
        StampCommand::Log(command) => log::run(ui, command, json),
    }
}

pub(crate) fn run_ofd(ui: &Ui, command: &OfdCommand, json: bool) -> Outcome {
    match command {
        OfdCommand::Show { file } => show::ofd(ui, file, json),
        OfdCommand::Check { file } => show::check(ui, file, json),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Pki(inner) = error {
            return inner.into();
        }
        Failure {
            exit: match error.kind() {
                Kind::Malformed => 3,
                Kind::Unavailable => 4,
                _ => 1,
            },
            code: error.code().to_owned(),
            clause: None,
            zh: Some(error.zh()),
            text: error.to_string(),
        }
    }
}

/// Where time stamps come from.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct StampSource {
    /// 时间戳服务地址（http） / address of a time-stamp authority (http)
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// 或：本机时间戳机构的身份文件夹 / or: identity folder of a development authority
    #[arg(long, value_name = "ID", conflicts_with = "tsa")]
    tsa_id: Option<PathBuf>,
}

impl StampSource {
    /// A token over these bytes, if a source is named. The signature is new, so its stamp is too.
    pub(crate) fn token(&self, ui: &Ui, value: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.token_by(ui, value, HashAlg::Sm3)
    }

    /// As [`Self::token`], by this hash.
    pub(crate) fn token_by(
        &self,
        ui: &Ui,
        value: &[u8],
        hash: HashAlg,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let request = tsp::Request::new(hash.digest(value), hash, None).to_der();
        let response = match (&self.tsa, &self.tsa_id) {
            (Some(url), _) => fetch::post_stamp(ui, url, &request)?,
            (None, Some(id)) => tsa::Authority::open(ui, id)?.answer(&request)?,
            (None, None) => return Ok(None),
        };
        Ok(Some(tsp::unwrap_response(&response)?))
    }
}

/// The name of a kind of seal in the language in use; others by their number.
fn kind_name(ui: &Ui, kind: SealKind) -> String {
    let named = SealKind::NAMED.iter().find(|(one, _, _)| *one == kind);
    match named {
        Some((_, zh, en)) => format!("{} {}", kind.0, ui.t(zh, en)),
        None => kind.0.to_string(),
    }
}

fn written(ui: &Ui, json: bool, mut value: serde_json::Value, out: &std::path::Path) {
    let shown = out.display().to_string();
    value["written"] = serde_json::json!(shown);
    ui.tell(
        json,
        &value,
        format!("已写出 {shown}"),
        format!("written: {shown}"),
    );
}

fn write(out: &std::path::Path, bytes: &[u8]) -> Outcome {
    ui::write(out, bytes)
}
