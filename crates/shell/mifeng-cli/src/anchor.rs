//! The host's anchor log: one for each suite, whose key is in its identity folder (`spec/anchor.md`).

mod copy;
mod kept;
mod news;

pub(crate) use copy::{Came, keep_copy, read};
pub(crate) use kept::{KeptLog, is_anchor_log};
use kept::{part, put_into};
pub(crate) use news::fetch_news;

use crate::args::SuiteName;
use crate::bundle::Bundle;
use crate::client::Client;
use crate::host::{self, FolderHost, HostArgs, Kept};
use crate::identity::{self, Alone, Identity};
use crate::person;
use crate::reach::Reach;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{KeyAlg, PrivateKey, Suite, SystemEntropy};
use mifeng::{AnchorLog, AnchorWitnessed, AnchorWitnesses, Anchors, Error, Host, Replay, Store};
use mifeng_store::Access;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tenders of one host share its anchor log, each command for the instant of one entry: so long one waits for another.
const WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

#[derive(clap::Subcommand, Debug)]
pub(crate) enum AnchorCommand {
    /// 平台：建立锚定日志，此后新项目的日志头都记入其中；用 --db 放在别处（文件夹亦可） / host: begin one; the heads of new tenders go into it; with --db it lies elsewhere, in a folder too
    Init {
        /// 平台的身份文件夹 / the host's identity folder
        #[arg(long)]
        id: PathBuf,
        #[arg(long, value_enum, default_value_t = SuiteName::Gm)]
        suite: SuiteName,
        /// 锚定日志的名称，如 bids.example.com/anchor / its name, as bids.example.com/anchor
        #[arg(long)]
        origin: String,
        #[command(flatten)]
        kept: Kept,
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
    /// 任何人：从平台下载锚定日志，须延续已有副本 / anyone: fetch it from a host over HTTP; it must go on from the copy that is there
    Fetch {
        #[command(flatten)]
        reach: Reach,
        #[arg(long, value_enum, default_value_t = SuiteName::Gm)]
        suite: SuiteName,
        /// 验证密钥 / its verifier key
        #[arg(long)]
        key: String,
        /// 副本；已有时须是其延续 / the copy; one that is there must be a beginning of what comes
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

/// An anchor log that this process has to itself until it is dropped.
type OwnLog = AnchorLog<Box<dyn Store>>;

/// The anchor log of this host in this suite, if it keeps one.
pub(crate) fn open(ui: &Ui, id: &Path, suite: &'static Suite) -> Result<Option<OwnLog>, Failure> {
    let Some(kept) = KeptLog::of(ui, id, suite)? else {
        return Ok(None);
    };
    let begun = Instant::now();
    loop {
        match kept.open(Access::Write)? {
            Some(log) => return Ok(Some(log)),
            None if begun.elapsed() < WAIT => std::thread::sleep(PAUSE),
            None => {
                return Err(Failure::from(Error::Unavailable {
                    what: kept.origin().to_owned(),
                    detail: "another process has this anchor log".to_owned(),
                }));
            }
        }
    }
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
) -> Result<Option<OwnLog>, Failure> {
    let Some(named) = host.replay().anchor_key() else {
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
        AnchorCommand::Init {
            id,
            suite,
            origin,
            kept,
        } => {
            let key = begin(ui, (id, kept), suite.suite(), origin)?;
            ui.tell(as_json, &json!({ "key": key }), &key, &key);
            Ok(())
        }
        AnchorCommand::Head { id, suite } => head(ui, &there(ui, id, *suite)?, as_json),
        AnchorCommand::Export { id, suite, out } => {
            let log = there(ui, id, *suite)?;
            ui::write_with(out, |file| log.export(file).map_err(Failure::from))
        }
        AnchorCommand::Fetch {
            reach,
            suite,
            key,
            out,
        } => fetch(ui, (reach, suite.suite()), key, out),
        AnchorCommand::Cosign {
            id,
            tender,
            file,
            out,
        } => {
            let bundle = Bundle::open(tender)?;
            let key = bundle.replay.anchor_key();
            let log = read(file, key.ok_or_else(|| names_none(ui, tender))?)?;
            let alone = Alone::in_folder(id)?;
            person::cosign_anchors(ui, (&Identity::load(ui, id)?, &alone), &bundle, &log, out)
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

fn there(ui: &Ui, id: &Path, suite: SuiteName) -> Result<OwnLog, Failure> {
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
    (id, kept): (&Path, &Kept),
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
    put_into(id, suite, kept)?;
    ui::write(
        &part(id, suite, ".origin"),
        format!("{origin}\n").as_bytes(),
    )?;
    let log = KeptLog::with_key(id, suite, key)?;
    log.begin()?;
    // The key last: with it the log is there.
    identity::store_key(ui, &path, log.key(), suite)?;
    log.vkey()
}

fn head<S: Store>(ui: &Ui, log: &AnchorLog<S>, as_json: bool) -> Outcome {
    let key = log.key()?;
    let note = log.head().map(|head| head.note().to_text());
    let shown = format!("{key}\n\n{}", note.as_deref().unwrap_or_default());
    let value = json!({ "head": note, "heads": log.heads().len(), "key": key });
    ui.tell(as_json, &value, &shown, &shown);
    Ok(())
}

/// `mifeng anchor fetch`.
fn fetch(ui: &Ui, (reach, suite): (&Reach, &Suite), key: &str, out: &Path) -> Outcome {
    let new = out.with_extension("new.tar");
    Client::new(ui, reach)?.anchor_log(suite.id(), &new)?;
    // Of no tender: nobody's lines can be judged.
    let known = AnchorWitnesses::default();
    match keep_copy(ui, (&new, out), key, &known)? {
        Came::GoesOn(log) => {
            let (count, shown) = (log.tenders().len(), out.display());
            ui.say(
                format!("锚定日志（{count} 个项目）：{shown}"),
                format!("anchor log ({count} tenders): {shown}"),
            );
            Ok(())
        }
        Came::Older => Err(Failure::refused(
            "log.rollback",
            ui.t(
                "平台给出的锚定日志比已有副本短",
                "the host gives less of the anchor log than the copy has",
            ),
        )),
    }
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
