//! The host's commands: take records in, keep the log, close, open, archive.

use crate::identity::{self, Identity};
use crate::trust;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{anchor, cert, clock};
use mifeng::crypto::{Digest, KeyAlg, PrivateKey, Suite, SystemEntropy};
use mifeng::log::Anchored;
use mifeng::record::SignedRecord;
use mifeng::tender::{BidOutcome, Stage, rules};
use mifeng::{Export, Host, HostKeys, Opened, Store};
use mifeng_server::FolderSink;
use mifeng_store::{Directory, Place};
use std::path::{Path, PathBuf};

/// Which tender of which host.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct HostArgs {
    /// 平台存放该项目的文件夹；用 --db 时为项目名 / folder in which the host keeps this tender; with --db the tender's name
    #[arg(long)]
    pub(crate) host: PathBuf,
    #[command(flatten)]
    pub(crate) kept: Kept,
    /// 平台的身份文件夹 / the host's identity folder
    #[arg(long)]
    pub(crate) id: PathBuf,
}

/// The database of a host that does not keep folders (docs/storage.md).
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Kept {
    /// 数据库：sqlite:路径 或 postgres://… / a database: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE")]
    db: Option<String>,
    /// 大文件：文件夹或 s3://… / large bodies: a folder or s3://…
    #[arg(long, requires = "db", value_name = "PLACE")]
    blobs: Option<String>,
}

/// What a tender's name may be, in Chinese and English.
pub(crate) const NAME: (&str, &str) = (
    "项目名称（文件夹名）只能用字母、数字、- 和 _，1 至 64 个，否则没有网址",
    "a tender's name (that of its folder) has letters, digits, - and _ only, 1 to 64 of them: it stands in an address",
);

impl Kept {
    /// Both lines as they were given.
    pub(crate) fn lines(&self) -> Option<(String, Option<String>)> {
        Some((self.db.clone()?, self.blobs.clone()))
    }

    /// Whether hosts on several machines may share it.
    pub(crate) fn is_of_many_machines(&self) -> bool {
        let db = self.db.as_deref().unwrap_or_default();
        db.starts_with("postgres")
    }

    /// Where the tenders are, if not in folders.
    pub(crate) fn place(&self) -> Result<Option<Place>, Failure> {
        let Some(db) = &self.db else {
            return Ok(None);
        };
        let place = Place::parse(db, self.blobs.as_deref());
        place.map(Some).map_err(|e| Failure::store("--db", &e))
    }
}

impl HostArgs {
    /// A tender in a folder.
    pub(crate) fn folder(host: PathBuf, id: PathBuf) -> Self {
        HostArgs {
            host,
            kept: Kept::default(),
            id,
        }
    }

    /// A folder must be there, and nobody else at work in it. Of a database its own opening says so.
    fn require_free(&self) -> Outcome {
        if self.kept.db.is_some() {
            return Ok(());
        }
        require_folder(&self.host)?;
        store(&self.host).map(|_| ())
    }

    /// A tender that could not be served has no name.
    fn require_name(&self) -> Outcome {
        let name = match self.kept.db {
            Some(_) => self.host.to_str().map(str::to_owned),
            // The folder's own, also where it was given as `.`.
            None => std::path::absolute(&self.host)
                .ok()
                .and_then(|path| Some(path.file_name()?.to_str()?.to_owned())),
        };
        if name.is_some_and(|name| mifeng_server::is_name(&name)) {
            return Ok(());
        }
        let shown = self.host.display();
        let mut failure = Failure::usage(format!("--host {shown}: {}", NAME.1));
        failure.zh = Some(format!("--host {shown}：{}", NAME.0));
        Err(failure)
    }

    fn store(&self) -> Result<Box<dyn Store>, Failure> {
        let Some(place) = self.kept.place()? else {
            return Ok(Box::new(store(&self.host)?));
        };
        let name = self.host.to_str().unwrap_or_default();
        place.open(name).map_err(|e| Failure::store(name, &e))
    }
}

/// A tender that this process alone works on, in a folder or a database.
pub(crate) type FolderHost = Host<Box<dyn Store>>;

pub(crate) fn keys(ui: &Ui, id: &Path) -> Result<HostKeys, Failure> {
    let identity = Identity::load(ui, id)?;
    let log_key = identity::load_key(ui, &id.join("log.key"))?;
    Ok(HostKeys {
        signer: identity.signer,
        log_key,
        anchor: None,
    })
}

/// Nothing is made in the place of a folder that was misspelt.
pub(crate) fn require_folder(folder: &Path) -> Outcome {
    let what = std::fs::metadata(folder).map_err(|e| Failure::io(folder, &e))?;
    match what.is_dir() {
        true => Ok(()),
        false => Err(Failure::io(
            folder,
            &std::io::ErrorKind::NotADirectory.into(),
        )),
    }
}

pub(crate) fn store(folder: &Path) -> Result<Directory, Failure> {
    Directory::open(folder).map_err(|e| Failure::io(folder, &e))
}

pub(crate) fn open(ui: &Ui, args: &HostArgs) -> Result<FolderHost, Failure> {
    // Before somebody types a passphrase for nothing.
    args.require_free()?;
    let keys = keys(ui, &args.id)?;
    let host = Host::open(args.store()?, keys).map_err(|e| Failure::from(e).at(&args.host))?;
    // Whatever head the command before left.
    anchor::catch_up(ui, &args.id, &host)?;
    Ok(host)
}

/// Opens a tender to work on it, and anchors the head that is left behind, even where the work was refused half-way.
pub(crate) fn work<T>(
    ui: &Ui,
    args: &HostArgs,
    work: impl FnOnce(&mut FolderHost) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut host = open(ui, args)?;
    let done = work(&mut host);
    let anchored = anchor::catch_up(ui, &args.id, &host);
    let done = done?;
    anchored.map(|_| done)
}

pub(crate) fn init(
    ui: &Ui,
    args: &HostArgs,
    suite: &'static Suite,
    origin: &str,
    trust: &[PathBuf],
    trust_list: Option<&Path>,
) -> Result<FolderHost, Failure> {
    args.require_name()?;
    let log_key = args.id.join("log.key");
    if !log_key.exists() {
        let alg = if suite.id() == "gm-1" {
            KeyAlg::Sm2
        } else {
            KeyAlg::Ed25519
        };
        let key = PrivateKey::generate(alg, &mut SystemEntropy::new())?;
        identity::store_key(ui, &log_key, &key, suite)?;
    }
    let roots = trust
        .iter()
        .map(|path| identity::load_certificate(path))
        .collect::<Result<Vec<_>, _>>()?;
    if roots.is_empty() == trust_list.is_none() {
        return Err(Failure::usage(ui.t(
            "需要 --trust 根证书或 --trust-list 名单，二者取一",
            "--trust root certificates or a --trust-list are needed, one of the two",
        )));
    }
    let mut keys = keys(ui, &args.id)?;
    let anchors = anchor::open(ui, &args.id, suite)?;
    keys.anchor = anchors.map(|log| log.key()).transpose()?;
    if keys.anchor.is_some() {
        Anchored::new(origin, 0, Digest::default()).map_err(mifeng::Error::from)?;
    }
    let now = clock::now();
    let mut host = Host::create(
        args.store()?,
        suite,
        origin,
        keys,
        &roots,
        now,
        &mut SystemEntropy::new(),
    )?;
    if let Some(path) = trust_list {
        let (list, sig) = trust::load(path)?.to_base64();
        let data = mifeng::tender::TrustListEvent { list, sig };
        let entropy = &mut SystemEntropy::new();
        let record = host.draft("trust.list", &data, clock::now(), entropy)?;
        host.submit(record, None, clock::now())
            .map_err(|e| Failure::from(e).at(path))?;
    }
    anchor::catch_up(ui, &args.id, &host)?;
    ui.say(
        format!("日志已建立：{origin}"),
        format!("log started: {origin}"),
    );
    Ok(host)
}

/// Takes one record in; while bids are received, waits for the beat and returns the receipt.
pub(crate) fn accept(
    ui: &Ui,
    host: &mut FolderHost,
    record: &Path,
    bid: Option<&Path>,
    receipt: Option<&Path>,
) -> Outcome {
    let signed =
        SignedRecord::from_file(&ui::read(record)?).map_err(|e| Failure::from(e).at(record))?;
    let mut body = bid
        .map(|path| std::fs::File::open(path).map_err(|e| Failure::io(path, &e)))
        .transpose()?;
    let (before, waited) = (host.state().stage(), host.waiting());
    let now = clock::now();
    let stream = body.as_mut().map(|file| file as &mut dyn std::io::Read);
    let Err(no) = host.submit(signed.clone(), stream, now) else {
        return logged(ui, host, (&signed, record), receipt);
    };
    // The file was refused, and may come later: its record is in.
    let mut after = match host.waiting() > waited {
        true => logged(ui, host, (&signed, record), receipt),
        false => Ok(()),
    };
    // What ends a bid, or convicts a trustee, is told in the log, once nothing has to be kept back any more.
    if before >= Stage::Window {
        let told = host.log_refused(clock::now(), &mut SystemEntropy::new());
        after = after.and(told.map(|_| ()).map_err(Failure::from));
    }
    // The refusal is the answer, whatever else went wrong.
    if let Err(e) = after {
        ui.warn(e.sentence(ui::Lang::Zh), e.sentence(ui::Lang::En));
    }
    Err(Failure::from(no).at(record))
}

/// A record that was taken in, in the log; and its receipt.
fn logged(
    ui: &Ui,
    host: &mut FolderHost,
    (signed, record): (&SignedRecord, &Path),
    receipt: Option<&Path>,
) -> Outcome {
    wait_for_beat(host)?;
    if let Some(path) = receipt {
        let receipt = host.receipt_again(signed, clock::now())?;
        ui::write(path, &receipt.to_file()?)?;
    }
    ui.say(
        format!("已入日志：{}", record.display()),
        format!("logged: {}", record.display()),
    );
    Ok(())
}

/// What waits for a beat is in the log after it.
fn wait_for_beat(host: &mut FolderHost) -> Outcome {
    while let Some(next) = host.next_beat().filter(|_| host.waiting() > 0) {
        clock::wait_until(next);
        host.beat(clock::now(), &mut SystemEntropy::new())?;
    }
    Ok(())
}

/// Takes a revocation list in; while bids are received, waits for the beat where it needs a record.
pub(crate) fn take_crl(ui: &Ui, host: &mut FolderHost, file: &Path) -> Outcome {
    let der = ui::read(file)?;
    let entropy = &mut SystemEntropy::new();
    let taken = host
        .take_crl(&der, clock::now(), entropy)
        .map_err(|e| Failure::from(e).at(file))?;
    let name = file.display();
    let Some(from) = taken else {
        ui.say(
            format!("吊销列表已加入，自签发时间起生效：{name}"),
            format!("revocation list added, it counts from its date: {name}"),
        );
        return Ok(());
    };
    wait_for_beat(host)?;
    ui.say(
        format!("吊销列表晚于其所涉记录，已入日志，自 {from} 起生效：{name}"),
        format!("revocation list would undo earlier records; it is logged and counts from {from}: {name}"),
    );
    Ok(())
}

/// Takes an OCSP response in; while bids are received, waits for the beat of its record.
pub(crate) fn take_ocsp(ui: &Ui, host: &mut FolderHost, file: &Path, above: &[PathBuf]) -> Outcome {
    let (der, above) = (ui::read(file)?, cert::read_each(above)?);
    let from = host
        .take_ocsp(&der, &above, clock::now(), &mut SystemEntropy::new())
        .map_err(|e| Failure::from(e).at(file))?;
    wait_for_beat(host)?;
    let name = file.display();
    ui.say(
        format!("OCSP应答已入日志，自 {from} 起生效：{name}"),
        format!("OCSP response logged, it counts from {from}: {name}"),
    );
    Ok(())
}

/// Takes the cosigned heads of witnesses in.
pub(crate) fn cosigned(ui: &Ui, host: &mut FolderHost, files: &[PathBuf]) -> Outcome {
    for file in files {
        let count = host
            .add_cosignature(&ui::read(file)?)
            .map_err(|e| Failure::from(e).at(file))?;
        ui.say(
            format!("该日志头已有 {count} 名见证人"),
            format!("{count} witnesses on that head"),
        );
    }
    Ok(())
}

/// Closes submission at the deadline, waiting for it if it is near.
pub(crate) fn close(ui: &Ui, host: &mut FolderHost, wait: bool) -> Outcome {
    if wait {
        // The last beat falls at or after the deadline; the close comes right after it.
        while let Some(next) = host.next_beat() {
            clock::wait_until(next);
            host.beat(clock::now(), &mut SystemEntropy::new())?;
        }
    }
    host.close(clock::now(), &mut SystemEntropy::new())?;
    let live = host.state().to_open().len();
    ui.say(
        format!("已截标：{live} 份有效投标待开"),
        format!("submission closed: {live} live bids to open"),
    );
    Ok(())
}

pub(crate) fn export(host: &FolderHost, what: Export, out: &Path) -> Outcome {
    ui::write_with(out, |file| host.export(what, file).map_err(Failure::from))
}

/// Opens every bid that has no outcome yet; its files go to `out/<lot>/<bidder>/`.
pub(crate) fn open_bids(ui: &Ui, host: &mut FolderHost, out: &Path, give_up: bool) -> Outcome {
    host.log_refused(clock::now(), &mut SystemEntropy::new())?;
    let due = host.state().to_open();
    // One that cannot be opened yet holds up no other.
    let mut waiting = None;
    for seal in due {
        if host.state().outcomes().contains_key(&seal) {
            continue;
        }
        let bid = &host.state().bids()[&seal];
        let (lot, bidder, name) = (
            bid.seal.context().lot.clone(),
            bid.seal.context().bidder.clone(),
            bid.name.clone(),
        );
        let mut sink =
            FolderSink::new(&out.join(&lot).join(&bidder)).map_err(|e| Failure::io(out, &e))?;
        let (now, entropy) = (clock::now(), &mut SystemEntropy::new());
        let opened = match host.open_bid(&seal, &mut sink, now, entropy) {
            Err(mifeng::Error::Refused(short)) if give_up && short.code() == rules::QUORUM.code => {
                let failed = host.fail_bid(&seal, now, entropy);
                failed.map(Opened::Fault)
            }
            opened => opened,
        };
        let opened = match opened {
            Err(mifeng::Error::Refused(no))
                if no.code() == rules::QUORUM.code || no.code() == rules::GIVEN_UP_EARLY.code =>
            {
                waiting.get_or_insert(mifeng::Error::Refused(no));
                continue;
            }
            opened => opened?,
        };
        match opened {
            Opened::Bid(open) if open.opening.price.is_empty() => ui.say(
                format!("标段 {lot}  {name}  已开启，首次报价不公开"),
                format!("lot {lot}  {name}  opened; the first price is not published"),
            ),
            Opened::Bid(open) => ui.say(
                format!(
                    "标段 {lot}  {name}  {} 元（{}）",
                    open.opening.price, open.opening.price_cn
                ),
                format!("lot {lot}  {name}  {} CNY", open.opening.price),
            ),
            Opened::Fault(fail) => ui.say(
                format!("标段 {lot}  {name}  未能开标：{}", fail.cause),
                format!("lot {lot}  {name}  not opened: {}", fail.cause),
            ),
        }
    }
    let opened = host
        .state()
        .outcomes()
        .values()
        .filter(|o| matches!(o, BidOutcome::Opened(_)))
        .count();
    ui.say(
        format!("共开启 {opened} 份投标"),
        format!("{opened} bids opened"),
    );
    waiting.map_or(Ok(()), |no| Err(no.into()))
}

/// Closes the log for good and writes the dossier; `keys` opens the keys in the identity folder.
pub(crate) fn archive(
    ui: &Ui,
    host: &mut FolderHost,
    (keys, id): (&Ui, &Path),
    out: &Path,
) -> Outcome {
    if host.state().stage() != Stage::Archived {
        host.archive(clock::now(), &mut SystemEntropy::new())?;
    }
    anchor::prove(keys, id, host)?;
    export(host, Export::Dossier, out)?;
    ui.say(
        format!("档案：{}", out.display()),
        format!("dossier: {}", out.display()),
    );
    if let Some(keeping) = host.replay().keeping(false) {
        let (zh, en) = keeping.in_words();
        ui.say(zh, en);
    }
    Ok(())
}
