//! The dossier after the tender: written, shown to the public, renewed, and checked for what must be kept.

use crate::host::{self, HostArgs};
use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use clap::{Args, Subcommand};
use mifeng::Tar;
use mifeng::pki::tsp;
use std::path::{Path, PathBuf};

/// `mifeng archive`: without a word after it the dossier is written.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    command: Option<ArchiveCommand>,
    #[command(flatten)]
    write: Option<WriteArgs>,
}

#[derive(Args, Debug)]
struct WriteArgs {
    #[command(flatten)]
    host: HostArgs,
    /// 档案文件 / dossier file
    #[arg(long)]
    out: PathBuf,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ArchiveCommand {
    /// 公开版：不含密封投标，只留其摘要 / public export: without the sealed bids, whose hashes stay
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
        /// 续期后的档案 / the renewed dossier
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(ui: &Ui, args: &ArchiveArgs, _json: bool) -> Outcome {
    match (&args.command, &args.write) {
        (Some(ArchiveCommand::Public { dossier, out }), _) => public(ui, dossier, out),
        (
            Some(ArchiveCommand::Renew {
                dossier,
                statement,
                suite,
                stamp,
                root,
                out,
            }),
            _,
        ) => match (statement, stamp, out) {
            (Some(path), ..) => {
                let alg = suite.suite().hash();
                let root = root
                    .as_deref()
                    .map(identity::load_certificate)
                    .transpose()?;
                let text = mifeng::renewal_statement(&tar(dossier)?, alg, root.as_ref())?;
                ui::write(path, &text)
            }
            (None, Some(stamp), Some(out)) => renew(ui, dossier, stamp, root.as_deref(), out),
            _ => Err(Failure::usage("--statement, or --stamp and --out")),
        },
        (None, Some(write)) => host::archive(ui, &mut host::open(ui, &write.host)?, &write.out),
        (None, None) => Err(Failure::usage("--host, --out")),
    }
}

fn tar(path: &Path) -> Result<Tar, Failure> {
    Tar::open(path).map_err(|e| Failure::from(e).at(path))
}

fn public(ui: &Ui, dossier: &Path, out: &Path) -> Outcome {
    let files = tar(dossier)?;
    let mut left_out = 0;
    ui::write_with(out, |file| {
        left_out = mifeng::public_export(&files, file)?;
        Ok(())
    })?;
    ui.say(
        format!("公开版已写出：{left_out} 份密封投标未收入，摘要仍在"),
        format!("public export written: {left_out} sealed bids left out, their hashes kept"),
    );
    Ok(())
}

fn renew(ui: &Ui, dossier: &Path, stamp: &Path, root: Option<&Path>, out: &Path) -> Outcome {
    let files = tar(dossier)?;
    let bytes = ui::read(stamp)?;
    let token = tsp::unwrap_response(&bytes).unwrap_or(bytes);
    let root = root.map(identity::load_certificate).transpose()?;
    let mut done = None;
    ui::write_with(out, |file| {
        done = Some(mifeng::renew(&files, &token, root.as_ref(), file)?);
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
