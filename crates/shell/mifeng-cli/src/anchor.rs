//! The host's anchor log: kept in its identity folder, one for each suite (`spec/anchor.md`).

use crate::args::SuiteName;
use crate::bundle::Bundle;
use crate::host::FolderHost;
use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{KeyAlg, PrivateKey, Suite, SystemEntropy};
use mifeng::{AnchorLog, Anchors, Error, Host, Store, Tar};
use mifeng_store::Directory;
use serde_json::json;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tenders of one host share its anchor log, each command for the instant of one entry: so long one waits for another.
const WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

#[derive(clap::Subcommand, Debug)]
pub(crate) enum AnchorCommand {
    /// 平台：建立锚定日志，此后新项目的日志头都记入其中 / host: begin one; the heads of new tenders go into it
    Init {
        /// 平台的身份文件夹 / the host's identity folder
        #[arg(long)]
        id: PathBuf,
        #[arg(long, value_enum, default_value_t = SuiteName::Gm)]
        suite: SuiteName,
        /// 锚定日志的名称，如 bids.example.com/anchor / its name, as bids.example.com/anchor
        #[arg(long)]
        origin: String,
    },
    /// 平台：显示验证密钥与已签名的日志头 / host: the verifier key and the signed head
    Head {
        #[arg(long)]
        id: PathBuf,
        #[arg(long, value_enum, default_value_t = SuiteName::Gm)]
        suite: SuiteName,
    },
    /// 平台：导出锚定日志，供任何人保存 / host: write the log for anybody to keep
    Export {
        #[arg(long)]
        id: PathBuf,
        #[arg(long, value_enum, default_value_t = SuiteName::Gm)]
        suite: SuiteName,
        #[arg(long)]
        out: PathBuf,
    },
    /// 任何人：列出其中的项目，与旧本、记录包或档案核对 / anyone: the tenders in it, held against an older copy and bundles
    List {
        /// 导出的锚定日志 / an exported anchor log
        file: PathBuf,
        /// 验证密钥 / its verifier key
        #[arg(long)]
        key: String,
        /// 以前保存的副本 / a copy kept from before
        #[arg(long)]
        earlier: Option<PathBuf>,
        /// 各项目的记录包或档案 / bundles or dossiers of its tenders
        #[arg(long)]
        tender: Vec<PathBuf>,
    },
}

fn part(id: &Path, suite: &Suite, end: &str) -> PathBuf {
    id.join(format!("anchor-{}{end}", suite.id()))
}

/// The anchor log of this host in this suite, if it keeps one.
pub(crate) fn open(
    ui: &Ui,
    id: &Path,
    suite: &'static Suite,
) -> Result<Option<AnchorLog<Directory>>, Failure> {
    let key = part(id, suite, ".key");
    if !key.exists() {
        return Ok(None);
    }
    let key = identity::load_key(ui, &key)?;
    let origin = ui::read_text(&part(id, suite, ".origin"))?;
    let folder = part(id, suite, "");
    let begun = Instant::now();
    let store = loop {
        match Directory::open(&folder) {
            Err(e) if e.kind() == ErrorKind::WouldBlock && begun.elapsed() < WAIT => {
                std::thread::sleep(PAUSE);
            }
            opened => break opened.map_err(|e| Failure::io(&folder, &e))?,
        }
    };
    let log = AnchorLog::open(store, suite, origin.trim_end(), key);
    Ok(Some(log.map_err(|e| Failure::from(e).at(&folder))?))
}

/// Anchors the head that counts now, if this tender names the host's anchor log.
pub(crate) fn catch_up<S: Store>(
    ui: &Ui,
    id: &Path,
    host: &Host<S>,
) -> Result<Option<AnchorLog<Directory>>, Failure> {
    let named = host
        .state()
        .host()
        .and_then(|(_, config)| config.anchor.clone());
    let Some(named) = named else { return Ok(None) };
    let Some(mut log) = open(ui, id, host.replay().suite())? else {
        return Err(Failure::from(Error::Unavailable {
            what: id.display().to_string(),
            detail: "the key of the anchor log that this tender names is not there".to_owned(),
        }));
    };
    if log.key()? != named {
        return Err(Failure::malformed(format!(
            "{}: the tender names another anchor log",
            id.display()
        )));
    }
    log.anchor(host.replay())?;
    Ok(Some(log))
}

/// Anchors the head and stores the proof for the dossier.
pub(crate) fn prove(ui: &Ui, id: &Path, host: &mut FolderHost) -> Outcome {
    if let Some(log) = catch_up(ui, id, host)? {
        host.add_anchor(&log.proof(host.state().origin())?)?;
    }
    Ok(())
}

pub(crate) fn run(ui: &Ui, command: &AnchorCommand, as_json: bool) -> Outcome {
    match command {
        AnchorCommand::Init { id, suite, origin } => {
            let key = begin(ui, id, suite.suite(), origin)?;
            ui.tell(as_json, &json!({ "key": key }), &key, &key);
            Ok(())
        }
        AnchorCommand::Head { id, suite } => head(ui, &there(ui, id, *suite)?, as_json),
        AnchorCommand::Export { id, suite, out } => {
            let log = there(ui, id, *suite)?;
            ui::write_with(out, |file| log.export(file).map_err(Failure::from))
        }
        AnchorCommand::List {
            file,
            key,
            earlier,
            tender,
        } => list(ui, (file, key), earlier.as_deref(), tender, as_json),
    }
}

fn there(ui: &Ui, id: &Path, suite: SuiteName) -> Result<AnchorLog<Directory>, Failure> {
    open(ui, id, suite.suite())?.ok_or_else(|| {
        Failure::usage(ui.t(
            "该身份没有此套件的锚定日志：先用 anchor init",
            "this identity keeps no anchor log of this suite: `anchor init` first",
        ))
    })
}

/// Begins the anchor log of a host; returns its verifier key.
pub(crate) fn begin(
    ui: &Ui,
    id: &Path,
    suite: &'static Suite,
    origin: &str,
) -> Result<String, Failure> {
    let path = part(id, suite, ".key");
    if path.exists() {
        return Err(Failure::usage(
            ui.t("锚定日志已存在", "there is one already"),
        ));
    }
    mifeng::log::LogTree::new(suite, origin).map_err(Error::from)?;
    let alg = match suite.id() {
        "gm-1" => KeyAlg::Sm2,
        _ => KeyAlg::Ed25519,
    };
    let key = PrivateKey::generate(alg, &mut SystemEntropy::new())?;
    // The key last: with it the log is there.
    ui::write(
        &part(id, suite, ".origin"),
        format!("{origin}\n").as_bytes(),
    )?;
    identity::store_key(ui, &path, &key, suite)?;
    let log = open(ui, id, suite)?;
    Ok(log.map(|log| log.key()).transpose()?.unwrap_or_default())
}

fn head<S: Store>(ui: &Ui, log: &AnchorLog<S>, as_json: bool) -> Outcome {
    let key = log.key()?;
    let note = log.head().map(|head| head.note().to_text());
    let shown = format!("{key}\n\n{}", note.as_deref().unwrap_or_default());
    let value = json!({ "head": note, "heads": log.heads().len(), "key": key });
    ui.tell(as_json, &value, &shown, &shown);
    Ok(())
}

fn read(file: &Path, key: &str) -> Result<Anchors, Failure> {
    let tar = Tar::open(file).map_err(|e| Failure::from(e).at(file))?;
    Anchors::read(&tar, key).map_err(|e| Failure::from(e).at(file))
}

fn list(
    ui: &Ui,
    (file, key): (&Path, &str),
    earlier: Option<&Path>,
    tenders: &[PathBuf],
    as_json: bool,
) -> Outcome {
    let log = read(file, key)?;
    if let Some(earlier) = earlier
        && !log.extends(&read(earlier, key)?)
    {
        let text = ui.t(
            "锚定日志被改写：不是以前副本的延续",
            "the anchor log was rewritten: it does not go on from the earlier copy",
        );
        return Err(Failure::refused("log.fork", text));
    }
    let mut held = std::collections::BTreeMap::new();
    for path in tenders {
        let bundle = Bundle::open(path)?;
        let count = log
            .hold_against(&bundle.replay)
            .map_err(|e| Failure::from(e).at(path))?;
        held.insert(bundle.replay.state.origin().to_owned(), count);
    }
    let rows: Vec<_> = log
        .tenders()
        .into_iter()
        .map(|(origin, head)| {
            let (size, root) = (head.size(), head.root());
            let held = held.get(origin);
            json!({ "beyond": held.and_then(|(_, beyond)| *beyond), "held": held.map(|(count, _)| count), "origin": origin, "root": root, "size": size })
        })
        .collect();
    if as_json {
        ui.print(&json!(rows).to_string());
        return Ok(());
    }
    for (origin, head) in log.tenders() {
        let (zh, en) = match held.get(origin) {
            Some((count, Some(beyond))) => (
                format!(
                    "，{count} 个锚定的日志头与所给文件一致；所给文件较旧，锚定已到 {beyond} 条"
                ),
                format!(
                    ", {count} anchored heads are heads of the file given, which is older: {beyond} entries are anchored"
                ),
            ),
            Some((count, None)) => (
                format!("，{count} 个锚定的日志头与所给文件一致"),
                format!(", {count} anchored heads are heads of the file given"),
            ),
            None => (String::new(), String::new()),
        };
        let size = head.size();
        ui.say(
            format!("{origin}  {size} 条{zh}"),
            format!("{origin}  {size} entries{en}"),
        );
    }
    Ok(())
}
