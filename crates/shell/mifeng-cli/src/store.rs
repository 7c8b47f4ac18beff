//! A host's store: copy it, put it back, look at every byte of it.

use crate::clock;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::{Backup, StoreCheck, back_up_with, check_store};
use mifeng::{Store, tender::Stage};
use mifeng_server::{Beside, PutBack, RunningGrant};
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
    /// The tender as it was named.
    fn named(&self) -> &Path {
        let tender = self.tender.as_deref().map(Path::new);
        self.host.as_deref().or(tender).unwrap_or(Path::new(""))
    }

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

    /// What lies beside the tender: of a folder in the working folder of its house, which is the folder above.
    fn beside(&self) -> Result<Beside, Failure> {
        match (self.place()?, &self.host) {
            (Some((place, tender)), _) => match place.folder() {
                Some(house) => Ok(Beside::of_house(house, tender)),
                None => match place.lists() {
                    Ok(lists) => Ok(Beside::new(lists, tender)),
                    Err(e) => Err(Failure::store(tender, &e)),
                },
            },
            (None, Some(folder)) => {
                let full = std::path::absolute(folder).map_err(|e| Failure::io(folder, &e))?;
                let name = full.file_name().and_then(|name| name.to_str());
                match (full.parent(), name) {
                    (Some(house), Some(name)) => Ok(Beside::of_house(house, name)),
                    _ => Err(Failure::usage("--host: expected a folder with a name")),
                }
            }
            (None, None) => Err(Failure::usage("--host, or --db and --tender")),
        }
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
        StoreCommand::Backup { store, file, force } => back_up(ui, store, (file, *force)),
        StoreCommand::Restore { store, file } => restore(ui, store, file),
        StoreCommand::Check { store } => check(ui, store),
    }
}

fn back_up(ui: &Ui, args: &StoreArgs, (file, force): (&Path, bool)) -> Outcome {
    if !force && file.try_exists().map_err(|e| Failure::io(file, &e))? {
        return Err(exists(file));
    }
    let store = args.open(Access::Snapshot)?;
    // After the tender's state: what was ended by then is ended in the copy.
    let beside = args.beside()?.copy()?;
    let mut copied = None;
    // The journal says who was refused what, the seeds of beats who bid: for this user alone.
    ui::write_secret_with(file, |out| {
        let done = back_up_with(&*store, &beside, out);
        copied = Some(done.map_err(|e| Failure::from(e).at(args.named()))?);
        Ok(())
    })?;
    said(ui, "已备份", "copied", copied);
    ui.say(
        "含授权（grants）与拒绝日志（journal）。不含：平台的密钥（身份文件夹，须另行备份）、登录会话及其密钥",
        "grants and the journal of refusals are in it; not in it: the host's keys (identity folder: back it up as well), sessions and their key",
    );
    Ok(())
}

fn restore(ui: &Ui, args: &StoreArgs, file: &Path) -> Outcome {
    let open = std::fs::File::open(file).map_err(|e| Failure::io(file, &e))?;
    let backup = Backup::open(BufReader::with_capacity(1 << 20, open));
    let backup = backup.map_err(|e| Failure::from(e).at(file))?;
    let mut store = args.open(Access::Write)?;
    let beside = args.beside()?;
    let is_old = backup.lists().is_empty();
    let mut put = PutBack::default();
    let copied = backup.restore_with(&mut *store, &mut |lists| {
        put = beside.put_back(lists)?;
        Ok(())
    })?;
    said(ui, "已恢复", "restored", Some(copied));
    if is_old {
        ui.warn(
            "此备份由旧版本制作，不含授权与拒绝日志：应急授权须重新作出",
            "this backup is of an older version, without grants and journal of refusals: emergencies have to be granted again",
        );
    } else if let Some(folder) = beside.folder() {
        let folder = folder.display();
        ui.say(
            format!("授权与拒绝日志在：{folder}"),
            format!("grants and journal of refusals are in {folder}"),
        );
    }
    if put.older_grants {
        ui.warn(
            "授权恢复到制作备份之时：此后撤销的授权重新有效，须由签署人再次撤销。尚未到期的授权见下",
            "grants are back as they were when the copy was made: those that were ended since count again, and their signers must end them again. Those that run are below",
        );
    }
    look(ui, args, &*store, (&[], put.older_grants))
}

/// Grants that run, and the command that ends each.
fn show_running(ui: &Ui, beside: &Beside, check: &StoreCheck) -> Outcome {
    let running = beside.running((check.suite, &check.origin), clock::now())?;
    if running.is_empty() {
        ui.warn("没有尚未到期的授权", "no grant runs");
    }
    for one in running {
        let RunningGrant {
            id,
            name,
            to,
            until,
            ..
        } = one;
        let actions: Vec<&str> = one.actions.iter().map(|action| action.word()).collect();
        let actions = actions.join(", ");
        let end = format!(
            "mifeng grant revoke --host URL --origin {} --id FOLDER {id}",
            check.origin
        );
        ui.warn(
            format!("授权 {id}：{name:?} 准许 {to} {actions}，至 {until}；签署人撤销：{end}"),
            format!(
                "grant {id}: {name:?} lets {to} {actions} until {until}; its signer ends it: {end}"
            ),
        );
    }
    Ok(())
}

fn check(ui: &Ui, args: &StoreArgs) -> Outcome {
    let examined = args.place()?;
    let examined = examined.map(|(place, tender)| {
        let examined = place.examine(tender);
        examined.map_err(|e| Failure::store(tender, &e))
    });
    let examined = examined.transpose()?.unwrap_or_default();
    if !examined.loose.is_empty() {
        let count = examined.loose.len();
        ui.say(
            format!("有 {count} 个不属于任何文件的对象，下次写入前清除"),
            format!("{count} objects that no file is made of; the next writer removes them"),
        );
    }
    // A log that does not replay may have its reason here.
    for (name, why) in &examined.damaged {
        ui.print(&format!("{} {name}: {why}", ui.mark(false)));
    }
    let store = args.open(Access::Snapshot)?;
    look(ui, args, &*store, (&examined.damaged, false))
}

/// Replays the log, and holds what lies beside it against its chain and signatures.
fn look(
    ui: &Ui,
    args: &StoreArgs,
    store: &dyn Store,
    (damaged, with_running): (&[(String, String)], bool),
) -> Outcome {
    let mut check = check_store(store).map_err(|e| Failure::from(e).at(args.named()))?;
    let lists = args.beside()?;
    if with_running {
        show_running(ui, &lists, &check)?;
    }
    let beside = lists.check(check.suite, &check.origin)?;
    let (grants, refusals) = (beside.grants, beside.refusals);
    ui.say(
        format!("授权记录 {grants} 条，拒绝日志 {refusals} 行"),
        format!("{grants} records of grants, {refusals} lines in the journal of refusals"),
    );
    check.findings.extend(beside.findings);
    show(ui, &check, damaged)
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
