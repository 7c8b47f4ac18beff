//! The host's anchor log: kept in its identity folder, one for each suite (`spec/anchor.md`).

use crate::args::SuiteName;
use crate::bundle::Bundle;
use crate::host::{self, FolderHost, HostArgs};
use crate::identity::{self, Identity};
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{KeyAlg, PrivateKey, Suite, SystemEntropy};
use mifeng::tender::State;
use mifeng::{AnchorLog, AnchorWitnessed, Anchors, Error, Host, Replay, Store, Tar};
use mifeng_store::Directory;
use serde_json::json;
use std::collections::BTreeMap;
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
    /// 见证人：核对其延续以前所见、与本项目一致后，共签锚定日志头 / witnesses: cosign its head, once it goes on from what was seen before and holds this tender
    Cosign {
        /// 见证人的身份文件夹 / the witness's identity folder
        #[arg(long)]
        id: PathBuf,
        /// 记录包：见证人所在委员会的项目，其中指明锚定日志 / bundle of a tender on whose board the witness is; it names the anchor log
        #[arg(long)]
        tender: PathBuf,
        /// 导出的锚定日志 / an exported anchor log
        file: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 平台：收某项目见证人对锚定日志头的共签 / host: take in cosigned heads from a tender's witnesses
    Cosigned {
        #[command(flatten)]
        host: HostArgs,
        #[arg(required = true)]
        files: Vec<PathBuf>,
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

/// The key of the anchor log that a tender names, if it names one.
fn named(tender: &State) -> Option<String> {
    tender.host().and_then(|(_, config)| config.anchor.clone())
}

fn names_none(ui: &Ui, tender: &Path) -> Failure {
    let (shown, none) = (
        tender.display(),
        ui.t("该项目未指明锚定日志", "this tender names no anchor log"),
    );
    Failure::usage(format!("{shown}: {none}"))
}

/// Anchors the head that counts now, if this tender names the host's anchor log.
pub(crate) fn catch_up<S: Store>(
    ui: &Ui,
    id: &Path,
    host: &Host<S>,
) -> Result<Option<AnchorLog<Directory>>, Failure> {
    let Some(named) = named(host.state()) else {
        return Ok(None);
    };
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

/// Anchors the head and stores the proof for the dossier, under the head that most of its witnesses cosigned.
pub(crate) fn prove(ui: &Ui, id: &Path, host: &mut FolderHost) -> Outcome {
    if let Some(log) = catch_up(ui, id, host)? {
        host.add_anchor(&log.proof_for(host.replay())?)?;
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
        AnchorCommand::Cosign {
            id,
            tender,
            file,
            out,
        } => {
            let bundle = Bundle::open(tender)?;
            let key = named(&bundle.replay.state).ok_or_else(|| names_none(ui, tender))?;
            let log = read(file, &key)?;
            person::cosign_anchors(ui, &Identity::load(ui, id)?, &bundle, &log, out)
        }
        AnchorCommand::Cosigned { host, files } => cosigned(ui, host, files),
        AnchorCommand::List {
            file,
            key,
            earlier,
            tender,
        } => list(ui, (file, key), earlier.as_deref(), tender, as_json),
    }
}

/// Takes the cosigned heads of a tender's witnesses in.
fn cosigned(ui: &Ui, args: &HostArgs, files: &[PathBuf]) -> Outcome {
    let host = host::open(ui, args)?;
    let mut log = catch_up(ui, &args.id, &host)?.ok_or_else(|| names_none(ui, &args.host))?;
    for file in files {
        let count = log
            .add_cosignature(&ui::read(file)?, host.replay())
            .map_err(|e| Failure::from(e).at(file))?;
        ui.say(
            format!("该锚定日志头已有本项目 {count} 名见证人"),
            format!("{count} witnesses of this tender on that head of the anchor log"),
        );
    }
    Ok(())
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
    let mut held = BTreeMap::new();
    for path in tenders {
        let replay = Bundle::open(path)?.replay;
        let looked_at = Held::of(&log, &replay).map_err(|e| Failure::from(e).at(path))?;
        held.insert(replay.state.origin().to_owned(), looked_at);
    }
    let tenders = log.tenders();
    if as_json {
        let rows = tenders.iter().map(|(origin, head)| {
            let held = held.get(*origin);
            let witnessed = held.and_then(|held| held.witnessed.as_ref());
            let witnessed = witnessed.map(|w| json!({ "size": w.size, "witnesses": w.cosigned }));
            json!({
                "beyond": held.and_then(|held| held.beyond), "held": held.map(|held| held.count),
                "origin": origin, "root": head.root(), "size": head.size(), "witnessed": witnessed,
            })
        });
        ui.print(&json!(rows.collect::<Vec<_>>()).to_string());
        return Ok(());
    }
    for (origin, head) in tenders {
        let (zh, en) = held.get(origin).map(Held::in_words).unwrap_or_default();
        let size = head.size();
        ui.say(
            format!("{origin}  {size} 条{zh}"),
            format!("{origin}  {size} entries{en}"),
        );
    }
    Ok(())
}

/// What a bundle of a tender says to the heads that are anchored of it.
struct Held {
    /// Anchored heads that are heads of it.
    count: usize,
    /// Entries under the last anchored head, if the bundle is older.
    beyond: Option<u64>,
    witnessed: Option<AnchorWitnessed>,
}

impl Held {
    fn of(log: &Anchors, replay: &Replay) -> Result<Self, Error> {
        let (count, beyond) = log.hold_against(replay)?;
        let witnessed = log.witnessed(replay)?;
        Ok(Held {
            count,
            beyond,
            witnessed,
        })
    }

    fn in_words(&self) -> (String, String) {
        let count = self.count;
        let mut zh = format!("，{count} 个锚定的日志头与所给文件一致");
        let mut en = format!(", {count} anchored heads are heads of the file given");
        if let Some(beyond) = self.beyond {
            zh += &format!("；所给文件较旧，锚定已到 {beyond} 条");
            en += &format!(", which is older: {beyond} entries are anchored");
        }
        if let Some(witnessed) = &self.witnessed {
            let (count, at) = (
                witnessed.cosigned.len(),
                witnessed.cosigned.iter().map(|(_, at)| *at).max(),
            );
            let at = at.map(|at| at.to_string()).unwrap_or_default();
            zh += &format!("；{count} 名见证人已共签，至 {at}");
            en += &format!("; cosigned by {count} witnesses, by {at}");
        }
        (zh, en)
    }
}
