//! A host's store: copy it, put it back, look at every byte of it.

use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::{Backup, StoreCheck, back_up, check_store};
use mifeng::{Store, tender::Stage};
use mifeng_store::{Access, Directory, Place};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Where a tender is kept (docs/storage.md).
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// 存放该项目的文件夹 / folder in which the host keeps the tender
    #[arg(long, required_unless_present = "db", conflicts_with_all = ["db", "blobs", "tender"])]
    host: Option<PathBuf>,
    /// 多项目平台：文件夹、sqlite:路径 或 postgres://… / of many tenders: a folder, sqlite:PATH or postgres://…
    #[arg(long, requires = "tender")]
    db: Option<String>,
    /// 大文件：文件夹或 s3://… / large bodies: a folder or s3://…
    #[arg(long)]
    blobs: Option<String>,
    /// 项目 / which tender
    #[arg(long)]
    tender: Option<String>,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum StoreCommand {
    /// 备份为一个文件；数据库可在运行中备份 / copy into one file; databases while the host runs
    Backup {
        #[command(flatten)]
        store: StoreArgs,
        file: PathBuf,
        /// 覆盖已有的文件 / replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// 由备份恢复到空处 / put a backup into an empty place
    Restore {
        #[command(flatten)]
        store: StoreArgs,
        file: PathBuf,
    },
    /// 检查：重放日志，核对每个文件 / replay the log, hold every file against its digest
    Check {
        #[command(flatten)]
        store: StoreArgs,
    },
}

impl StoreArgs {
    fn place(&self) -> Result<Option<(Place, &str)>, Failure> {
        let (Some(db), Some(tender)) = (&self.db, &self.tender) else {
            return Ok(None);
        };
        let place = Place::parse(db, self.blobs.as_deref());
        Ok(Some((
            place.map_err(|e| Failure::store(tender, &e))?,
            tender,
        )))
    }

    fn open(&self, access: Access) -> Result<Box<dyn Store>, Failure> {
        match (self.place()?, &self.host) {
            (Some((place, tender)), _) => place
                .open_as(tender, access)
                .map_err(|e| Failure::store(tender, &e)),
            (None, Some(folder)) if access == Access::Snapshot && !folder.is_dir() => Err(
                Failure::malformed(format!("{}: no folder", folder.display())),
            ),
            (None, Some(folder)) => match Directory::open(folder) {
                Ok(store) => Ok(Box::new(store)),
                Err(e) => Err(Failure::io(folder, &e)),
            },
            (None, None) => Err(Failure::usage("--host, or --db and --tender")),
        }
    }
}

pub(crate) fn run(ui: &Ui, command: &StoreCommand) -> Outcome {
    match command {
        StoreCommand::Backup { store, file, force } => {
            if !force && file.try_exists().map_err(|e| Failure::io(file, &e))? {
                return Err(exists(file));
            }
            let store = store.open(Access::Snapshot)?;
            let mut copied = None;
            ui::write_with(file, |out| {
                copied = Some(back_up(&*store, out)?);
                Ok(())
            })?;
            said(ui, "已备份", "copied", copied);
            ui.say(
                "不含：平台的密钥（身份文件夹）、授权（grants）、拒绝日志（journal）与登录会话；另行备份前三者",
                "not in it: the host's keys (identity folder), grants, the journal of refusals, sessions; back the first three up as well",
            );
            Ok(())
        }
        StoreCommand::Restore { store, file } => {
            let open = std::fs::File::open(file).map_err(|e| Failure::io(file, &e))?;
            let backup = Backup::open(BufReader::with_capacity(1 << 20, open));
            let backup = backup.map_err(|e| Failure::from(e).at(file))?;
            let mut store = store.open(Access::Write)?;
            let copied = backup.restore(&mut *store)?;
            let check = check_store(&*store)?;
            said(ui, "已恢复", "restored", Some(copied));
            show(ui, &check, &[])
        }
        StoreCommand::Check { store } => {
            let examined = store.place()?;
            let examined = examined.map(|(place, tender)| {
                let examined = place.examine(tender);
                examined.map_err(|e| Failure::store(tender, &e))
            });
            let examined = examined.transpose()?.unwrap_or_default();
            if !examined.loose.is_empty() {
                let count = examined.loose.len();
                ui.say(
                    format!("有 {count} 个不属于任何文件的对象，下次写入前清除"),
                    format!(
                        "{count} objects that no file is made of; the next writer removes them"
                    ),
                );
            }
            // A log that does not replay may have its reason here.
            for (name, why) in &examined.damaged {
                ui.print(&format!("{} {name}: {why}", ui.mark(false)));
            }
            show(
                ui,
                &check_store(&*store.open(Access::Snapshot)?)?,
                &examined.damaged,
            )
        }
    }
}

/// The one good copy may be the one that is there.
fn exists(file: &Path) -> Failure {
    let file = file.display();
    let mut failure = Failure::usage(format!("{file}: is there already; --force replaces it"));
    failure.zh = Some(format!("{file}：已存在；--force 可覆盖"));
    failure
}

fn said(ui: &Ui, zh: &str, en: &str, copied: Option<mifeng::Copied>) {
    let (files, bytes) = copied.map_or((0, 0), |copied| (copied.files, copied.bytes));
    ui.say(
        format!("{zh}：{files} 个文件，{bytes} 字节"),
        format!("{en}: {files} files, {bytes} bytes"),
    );
}

fn show(ui: &Ui, check: &StoreCheck, damaged: &[(String, String)]) -> Outcome {
    let StoreCheck {
        origin,
        entries,
        records,
        bids,
        files,
        ..
    } = check;
    let stage = match check.stage {
        Stage::Archived => ui.t("已归档", "archived"),
        _ => ui.t("进行中", "running"),
    };
    ui.say(
        format!("{origin}（{stage}）：{entries} 条日志、{records} 条记录已重放，{bids} 份密封投标、{files} 个文件已核对"),
        format!("{origin} ({stage}): {entries} entries and {records} records replayed; {bids} sealed bids and {files} files held against their digests"),
    );
    for (name, why) in &check.findings {
        ui.print(&format!("{} {name}: {why}", ui.mark(false)));
    }
    let count = check.findings.len() + damaged.len();
    if count == 0 {
        return Ok(());
    }
    let names = check
        .findings
        .iter()
        .chain(damaged)
        .map(|(name, _)| name.as_str());
    let names: Vec<&str> = names.take(8).collect();
    Err(Failure::refused(
        "store.damaged",
        format!("{count} findings: {}", names.join(", ")),
    ))
}
