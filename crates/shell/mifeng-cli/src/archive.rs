//! The dossier after the tender: written, shown to the public, renewed, and checked for what must be kept.

use crate::host::{self, HostArgs};
use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use clap::{Args, Subcommand};
use mifeng::pki::{OcspResponse, RevocationList, tsp};
use mifeng::{LeftOut, RenewalMaterial, Tar};
use std::path::{Path, PathBuf};

/// `mifeng archive`: without a word after it the dossier is written.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    command: Option<ArchiveCommand>,
    /// 平台存放该项目的文件夹 / folder in which the host keeps this tender
    #[arg(long, requires = "id", requires = "out")]
    host: Option<PathBuf>,
    /// 平台的身份文件夹 / the host's identity folder
    #[arg(long, requires = "host")]
    id: Option<PathBuf>,
    /// 档案文件 / dossier file
    #[arg(long, requires = "host")]
    out: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ArchiveCommand {
    /// 公开版：不含密封投标与评审专家签名，只留其摘要 / public export: without the sealed bids and the experts' signatures, whose hashes stay
    Public {
        /// 档案 / dossier
        dossier: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 续期：写出待盖时间戳的声明，或装入时间戳 / renew: write what is to be stamped, or put the time stamp in
    Renew {
        /// 档案 / dossier
        dossier: PathBuf,
        /// 写出声明，交时间戳机构（见 tsa ask） / write the statement for an authority (see tsa ask)
        #[arg(long, required_unless_present = "stamp", conflicts_with = "stamp")]
        statement: Option<PathBuf>,
        /// 摘要算法；须与时间戳机构一致 / hash; that of the authority
        #[arg(long, value_enum, default_value = "gm")]
        suite: crate::args::SuiteName,
        /// 声明的时间戳：响应或令牌 / stamp over the statement: response or token
        #[arg(long, requires = "out")]
        stamp: Option<PathBuf>,
        /// 时间戳机构的根证书，如项目未认可 / root of the authority, if the tender does not recognise it
        #[arg(long)]
        root: Option<PathBuf>,
        /// 现行吊销列表：本次与上次时间戳机构之上各CA的，随档保存 / revocation lists of today, kept inside: of the CAs above this authority and the last one
        #[arg(long, num_args = 1..)]
        crl: Vec<PathBuf>,
        /// 当日OCSP响应：本次与上次时间戳机构及其上各CA证书的，随档保存 / OCSP responses of today, kept inside: about the certificates of this authority, the last one and the CAs above them
        #[arg(long, num_args = 1..)]
        ocsp: Vec<PathBuf>,
        /// 续期后的档案 / the renewed dossier
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(ui: &Ui, args: &ArchiveArgs, json: bool) -> Outcome {
    let write = args
        .host
        .clone()
        .zip(args.id.clone())
        .zip(args.out.as_ref());
    match (&args.command, write) {
        (Some(ArchiveCommand::Public { dossier, out }), _) => public(ui, dossier, out, json),
        (
            Some(ArchiveCommand::Renew {
                dossier,
                statement,
                suite,
                stamp,
                root,
                crl,
                ocsp,
                out,
            }),
            _,
        ) => {
            let root = root
                .as_deref()
                .map(identity::load_certificate)
                .transpose()?;
            let material = RenewalMaterial {
                root: root.as_ref(),
                crls: &each(crl, der)?,
                ocsp: &each(ocsp, response)?,
            };
            match (statement, stamp, out) {
                (Some(path), ..) => {
                    let alg = suite.suite().hash();
                    let text = mifeng::renewal_statement(&tar(dossier)?, alg, material)?;
                    ui::write(path, &text)
                }
                (None, Some(stamp), Some(out)) => renew(ui, dossier, stamp, material, out),
                _ => Err(Failure::usage("--statement, or --stamp and --out")),
            }
        }
        (None, Some(((host, id), out))) => {
            let args = HostArgs::folder(host, id);
            host::archive(ui, &mut host::open(ui, &args)?, (ui, &args.id), out)
        }
        (None, None) => Err(Failure::usage("--host, --id, --out")),
    }
}

fn tar(path: &Path) -> Result<Tar, Failure> {
    Tar::open(path).map_err(|e| Failure::from(e).at(path))
}

fn public(ui: &Ui, dossier: &Path, out: &Path, json: bool) -> Outcome {
    let files = tar(dossier)?;
    let mut left = LeftOut::default();
    ui::write_with(out, |file| {
        left = mifeng::public_export(&files, file)?;
        Ok(())
    })?;
    let LeftOut { bids, signatures } = left;
    if json {
        let list = |withheld: bool| -> Vec<_> {
            let rows = mifeng::PERSONAL
                .iter()
                .filter(|one| one.withheld == withheld);
            rows.map(|one| serde_json::json!({"place": one.place, "zh": one.zh, "en": one.en}))
                .collect()
        };
        let text = serde_json::json!({
            "bids": bids, "signatures": signatures, "withheld": list(true), "stays": list(false),
        });
        ui.say(text.to_string(), text.to_string());
        return Ok(());
    }
    ui.say(
        format!("公开版已写出：{bids} 份密封投标、{signatures} 份评审专家签名未收入，摘要仍在"),
        format!(
            "public export written: {bids} sealed bids and {signatures} signatures of experts left out, their hashes kept"
        ),
    );
    for one in mifeng::PERSONAL {
        let (mark_zh, mark_en) = match one.withheld {
            true => ("未收入", "left out"),
            false => ("保留", "stays"),
        };
        let place = one.place;
        ui.say(
            format!("  {mark_zh}  {place}：{}", one.zh),
            format!("  {mark_en}  {place}: {}", one.en),
        );
    }
    Ok(())
}

fn each(
    paths: &[PathBuf],
    read: fn(&Path) -> Result<Vec<u8>, Failure>,
) -> Result<Vec<Vec<u8>>, Failure> {
    paths.iter().map(|path| read(path)).collect()
}

/// An OCSP response as it came from the responder.
fn response(path: &Path) -> Result<Vec<u8>, Failure> {
    let response = OcspResponse::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
    Ok(response.der().to_vec())
}

/// A revocation list in the form that a dossier keeps.
fn der(path: &Path) -> Result<Vec<u8>, Failure> {
    let list = RevocationList::parse(&crate::fetch::pem_or_der(&ui::read(path)?))
        .map_err(|e| Failure::from(e).at(path))?;
    Ok(list.der().to_vec())
}

fn renew(
    ui: &Ui,
    dossier: &Path,
    stamp: &Path,
    material: RenewalMaterial<'_>,
    out: &Path,
) -> Outcome {
    let files = tar(dossier)?;
    let bytes = ui::read(stamp)?;
    let token = tsp::unwrap_response(&bytes).unwrap_or(bytes);
    let mut done = None;
    ui::write_with(out, |file| {
        done = Some(mifeng::renew(&files, &token, material, file)?);
        Ok(())
    })?;
    if let Some(done) = done {
        let (n, at, by, until) = (done.n, done.at, &done.authority, done.until);
        ui.say(
            format!("第 {n} 次续期：{at} 由 {by} 盖时间戳，须在 {until} 前再次续期"),
            format!("renewal {n}: stamped {at} by {by}; renew again before {until}"),
        );
    }
    Ok(())
}
