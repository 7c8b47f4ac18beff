//! The bidder's commands.

use crate::args::SealArgs;
use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::person;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::bidder::{Content, LeafKey};
use mifeng::crypto::{Digest, SystemEntropy};
use mifeng::envelope::{
    Declarations, DetailLine, FileSource, Opening, Progress, SealedFile, VerifiedSeal,
};
use mifeng::tender::{BidReplace, BidWithdraw, PriceConfirm};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Files in one bid folder; the envelope has its own limit on top.
const DEPTH_MAX: usize = 8;

/// A file on disk that is sealed under its path relative to the bid folder.
struct DiskFile {
    disk: PathBuf,
    path: String,
    size: u64,
}

impl FileSource for DiskFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.disk)?))
    }
}

fn collect(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<DiskFile>) -> Outcome {
    if depth > DEPTH_MAX {
        return Err(Failure::malformed(format!(
            "{}: > {DEPTH_MAX}",
            folder.display()
        )));
    }
    let entries = std::fs::read_dir(folder).map_err(|e| Failure::io(folder, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Failure::io(folder, &e))?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| Failure::malformed(format!("{}: UTF-8", entry.path().display())))?;
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        // Links are not followed: what is sealed is what lies in the folder.
        let kind = entry
            .file_type()
            .map_err(|e| Failure::io(&entry.path(), &e))?;
        if kind.is_dir() {
            collect(&entry.path(), &path, depth + 1, found)?;
        } else if kind.is_file() {
            let size = entry
                .metadata()
                .map_err(|e| Failure::io(&entry.path(), &e))?
                .len();
            found.push(DiskFile {
                disk: entry.path(),
                path,
                size,
            });
        } else {
            return Err(Failure::malformed(format!(
                "{}: link or device",
                entry.path().display()
            )));
        }
    }
    Ok(())
}

/// What a sealing needs beside keys.
pub(crate) struct Bid<'a> {
    pub(crate) lot: &'a str,
    pub(crate) folder: &'a Path,
    pub(crate) price: &'a str,
    pub(crate) price_cn: &'a str,
    pub(crate) declarations: Declarations,
    pub(crate) detail: Vec<DetailLine>,
}

/// Says what is missing before any passphrase is asked for.
fn check_before(ui: &Ui, bundle: &Bundle, bid: &Bid<'_>) -> Result<Vec<DiskFile>, Failure> {
    let mut files = Vec::new();
    collect(bid.folder, "", 0, &mut files)?;
    if files.is_empty() {
        return Err(Failure::malformed(format!(
            "{}: {}",
            bid.folder.display(),
            ui.t("文件夹里没有文件", "no files in the folder")
        )));
    }
    let digits = mifeng::score::Money::parse(bid.price)
        .map_err(|e| Failure::malformed(format!("--price {:?}: {e}", bid.price)))?;
    let words = mifeng::record::amount::parse(bid.price_cn)
        .map_err(|e| Failure::malformed(format!("--price-cn {:?}: {e}", bid.price_cn)))?;
    if digits.fen() != words.fen() {
        ui.say(
            "注意：大写与数字不一致，开标后以大写为准（87号令 59条）",
            "note: words and digits differ; the words will rule (order 87 art. 59)",
        );
    }
    if let Some((_, notice)) = bundle.replay.state.notice() {
        ui.say(
            format!(
                "项目 {}，标段 {}，截止 {}",
                notice.tender, bid.lot, notice.deadline
            ),
            format!(
                "tender {}, lot {}, deadline {}",
                notice.tender, bid.lot, notice.deadline
            ),
        );
    }
    Ok(files)
}

/// `mifeng bid seal`.
pub(crate) fn seal(ui: &Ui, args: &SealArgs) -> Outcome {
    seal_as(ui, args, What::Bid)
}

/// `mifeng bid seal-offer`.
pub(crate) fn seal_offer(ui: &Ui, args: &SealArgs) -> Outcome {
    seal_as(ui, args, What::Offer)
}

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A bid for the tender.
    Bid,
    /// A final offer for the round of its lot.
    Offer,
}

fn seal_as(ui: &Ui, args: &SealArgs, what: What) -> Outcome {
    let mut bundle = Bundle::open(&args.tender)?;
    for path in &args.list {
        let signed = crate::trust::load(path)?;
        let foreseen = bundle.replay.foresee(&signed);
        foreseen.map_err(|e| Failure::from(e).at(path))?;
    }
    let bid = Bid {
        lot: &args.lot,
        folder: &args.files,
        price: &args.price,
        price_cn: &args.price_cn,
        declarations: Declarations {
            sme: args.small,
            domestic: args.domestic,
            brand: None,
        },
        detail: Vec::new(),
    };
    let files = check_before(ui, &bundle, &bid)?;
    let identity = Identity::load(ui, &args.id)?;
    seal_files(ui, &bundle, &identity, bid, files, (what, &args.out), true)
}

/// Seals a folder with keys at hand: the command above, and the demo.
pub(crate) fn seal_folder(
    ui: &Ui,
    bundle: &Bundle,
    identity: &Identity,
    bid: Bid<'_>,
    (what, out): (What, &Path),
) -> Outcome {
    let mut files = Vec::new();
    collect(bid.folder, "", 0, &mut files)?;
    seal_files(ui, bundle, identity, bid, files, (what, out), false)
}

fn seal_files(
    ui: &Ui,
    bundle: &Bundle,
    identity: &Identity,
    bid: Bid<'_>,
    files: Vec<DiskFile>,
    (what, out): (What, &Path),
    shown: bool,
) -> Outcome {
    let encryption = identity::load_certificate(&identity.folder.join("enc.cer"))?;
    let content = Content {
        lot: bid.lot,
        files: files
            .into_iter()
            .map(|file| Box::new(file) as Box<dyn FileSource>)
            .collect(),
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: bid.price.to_owned(),
            price_cn: bid.price_cn.to_owned(),
        },
        declarations: bid.declarations,
        detail: bid.detail,
    };
    let mut sealed = None;
    let mut bar = Bar::new(shown);
    ui::write_with(out, |file| {
        let seal = match what {
            What::Bid => mifeng::bidder::seal,
            What::Offer => mifeng::bidder::seal_offer,
        };
        sealed = Some(seal(
            &bundle.replay,
            content,
            &*identity.signer,
            &encryption,
            clock::now(),
            &mut SystemEntropy::new(),
            file,
            &mut |progress| bar.show(progress),
        )?);
        Ok(())
    })?;
    bar.end();
    let Some(sealed) = sealed else { return Ok(()) };
    for (path, share) in &sealed.backup {
        // The own leaf, in case the key is lost; useless without the board under the policy `joint`.
        let text = zeroize::Zeroizing::new(format!("{path} {}\n", hex::encode(&share[..])));
        ui::write_secret(&out.with_extension("leaf"), text.as_bytes())?;
    }
    if shown {
        trial(ui, bundle, identity, (what, bid.lot, out))?;
        let words = mifeng::words::fingerprint(&sealed.id, ui.lang == Lang::Zh);
        ui.say(
            format!("已密封：{}\n指纹：{words}", out.display()),
            format!("sealed: {}\nfingerprint: {words}", out.display()),
        );
    }
    Ok(())
}

/// A trial decryption of the own leaf: a key that does not work is found now, not at the opening.
fn trial(
    ui: &Ui,
    bundle: &Bundle,
    identity: &Identity,
    (what, lot, path): (What, &str, &Path),
) -> Outcome {
    let seal = match what {
        What::Bid => load_seal(bundle, path)?,
        What::Offer => load_offer(bundle, lot, path)?,
    };
    if seal.bidder_leaf_path().is_some() {
        let decrypter = identity::load_decrypter(ui, &identity.folder)?;
        mifeng::bidder::release(&seal, LeafKey::Key(&*decrypter))?;
        ui.say(
            "试解密本方份额：成功",
            "trial decryption of the own leaf: works",
        );
    }
    Ok(())
}

/// The seal of a file, checked against the tender.
pub(crate) fn load_seal(bundle: &Bundle, path: &Path) -> Result<VerifiedSeal, Failure> {
    let mut file = File::open(path).map_err(|e| Failure::io(path, &e))?;
    let sealed = SealedFile::read(&mut file).map_err(|e| Failure::from(e).at(path))?;
    let seal = bundle
        .replay
        .state
        .verify_seal(sealed.record())
        .map_err(|e| Failure::from(e).at(path))?;
    Ok(seal)
}

/// The seal of a final offer, checked against its round.
pub(crate) fn load_offer(bundle: &Bundle, lot: &str, path: &Path) -> Result<VerifiedSeal, Failure> {
    let mut file = File::open(path).map_err(|e| Failure::io(path, &e))?;
    let sealed = SealedFile::read(&mut file).map_err(|e| Failure::from(e).at(path))?;
    let state = &bundle.replay.state;
    state
        .verify_offer(lot, sealed.record())
        .map_err(|e| Failure::from(e).at(path))
}

/// A first bid, or else a final offer of whichever lot it is for.
fn load_any(bundle: &Bundle, path: &Path) -> Result<VerifiedSeal, Failure> {
    let first = load_seal(bundle, path);
    let Err(wrong) = first else { return first };
    let (_, notice) = bundle.replay.state.notice().unzip();
    let lots = notice
        .map(|notice| notice.lots.as_slice())
        .unwrap_or_default();
    let offer = lots
        .iter()
        .find_map(|lot| load_offer(bundle, &lot.id, path).ok());
    offer.ok_or(wrong)
}

/// `mifeng bid submit` and `replace`.
pub(crate) fn submit(
    ui: &Ui,
    id: &Path,
    tender: &Path,
    bid: &Path,
    old: Option<&Path>,
    out: &Path,
) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let identity = Identity::load(ui, id)?;
    submit_with(&bundle, &identity, bid, old, out)
}

pub(crate) fn submit_with(
    bundle: &Bundle,
    identity: &Identity,
    bid: &Path,
    old: Option<&Path>,
    out: &Path,
) -> Outcome {
    let seal = load_seal(bundle, bid)?;
    let data = mifeng::bidder::submission(seal.record());
    let next = next_seq(bundle, identity)?;
    match old {
        None => sign_at(bundle, identity, next, "bid.submit", &data, out),
        Some(old) => {
            let old = load_seal(bundle, old)?.id();
            sign_at(
                bundle,
                identity,
                next,
                "bid.replace",
                &BidReplace {
                    old,
                    seal: data.seal,
                },
                out,
            )
        }
    }
}

/// `mifeng bid withdraw`.
pub(crate) fn withdraw(ui: &Ui, id: &Path, tender: &Path, bid: &Path, out: &Path) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let identity = Identity::load(ui, id)?;
    withdraw_with(&bundle, &identity, bid, out)
}

pub(crate) fn withdraw_with(
    bundle: &Bundle,
    identity: &Identity,
    bid: &Path,
    out: &Path,
) -> Outcome {
    let seal = load_seal(bundle, bid)?.id();
    let next = next_seq(bundle, identity)?;
    sign_at(
        bundle,
        identity,
        next,
        "bid.withdraw",
        &BidWithdraw { seal },
        out,
    )
}

/// The bidder's own count: bids are hidden in the bundle until the close, so it is kept in the
/// identity folder, one number for each log.
fn next_seq(bundle: &Bundle, identity: &Identity) -> Result<u64, Failure> {
    let path = seq_path(bundle, identity);
    if !path.exists() {
        return Ok(0);
    }
    ui::read_text(&path)?
        .trim()
        .parse()
        .map_err(|_| Failure::malformed(format!("{}: number", path.display())))
}

fn seq_path(bundle: &Bundle, identity: &Identity) -> PathBuf {
    let origin = bundle
        .replay
        .suite()
        .hash()
        .digest(bundle.replay.state.origin().as_bytes());
    identity.folder.join(format!("count-{origin}"))
}

/// Signs under the bidder's own count.
pub(crate) fn sign_counted<T: serde::Serialize>(
    bundle: &Bundle,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let own = identity
        .signer
        .certificate()
        .fingerprint(bundle.replay.suite().hash());
    // After the close the log shows the count; the folder's is never behind it.
    let seq = next_seq(bundle, identity)?.max(bundle.replay.state.next_seq(&own));
    sign_at(bundle, identity, seq, kind, data, out)
}

fn sign_at<T: serde::Serialize>(
    bundle: &Bundle,
    identity: &Identity,
    seq: u64,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let mut salt = [0; 32];
    mifeng::crypto::Entropy::fill(&mut SystemEntropy::new(), &mut salt)?;
    let facts = mifeng::record::Facts {
        kind,
        origin: bundle.replay.state.origin(),
        seq,
        time: clock::now(),
        salt,
        data,
    };
    let suite = bundle.replay.suite();
    let draft = mifeng::record::Draft::new(&facts, identity.signer.certificate(), suite)?;
    let record = draft.sign(&*identity.signer, suite)?;
    ui::write(out, &record.to_file()?)?;
    ui::write(
        &seq_path(bundle, identity),
        format!("{}\n", seq + 1).as_bytes(),
    )
}

/// `mifeng bid release`.
pub(crate) fn release(
    ui: &Ui,
    id: &Path,
    tender: &Path,
    bid: &Path,
    backup: Option<&Path>,
    out: &Path,
) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let identity = Identity::load(ui, id)?;
    let seal = load_any(&bundle, bid)?;
    let data = match backup {
        None => mifeng::bidder::release(&seal, LeafKey::Key(&*identity::load_decrypter(ui, id)?))?,
        Some(path) => {
            let text = ui::read_text(path)?;
            let bad = || Failure::malformed(format!("{}: path hex", path.display()));
            let share = text.split_whitespace().nth(1).ok_or_else(bad)?;
            let share: Digest = share.parse().map_err(|_| bad())?;
            mifeng::bidder::release(&seal, LeafKey::Backup(share.as_bytes()))?
        }
    };
    person::sign(&bundle.replay, &identity, "bidder.share", &data, out)
}

/// `mifeng bid confirm`.
pub(crate) fn confirm(ui: &Ui, id: &Path, tender: &Path, lot: &str, out: &Path) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let identity = Identity::load(ui, id)?;
    confirm_with(ui, &bundle, &identity, lot, out)
}

pub(crate) fn confirm_with(
    ui: &Ui,
    bundle: &Bundle,
    identity: &Identity,
    lot: &str,
    out: &Path,
) -> Outcome {
    let state = &bundle.replay.state;
    let own = identity
        .signer
        .certificate()
        .fingerprint(state.suite().hash());
    let seal = state.live_bid(&own, lot).ok_or_else(|| {
        Failure::refused(
            "bid.unknown",
            ui.t(
                "本方在该标段没有有效投标",
                "no live bid of yours in that lot",
            ),
        )
    })?;
    let price = state.correction(&seal)?.ok_or_else(|| {
        Failure::refused(
            "price.unchanged",
            ui.t("报价无需修正", "the price needs no correction"),
        )
    })?;
    ui.say(
        format!("确认修正后报价 {price} 元"),
        format!("corrected price confirmed: {price} CNY"),
    );
    person::sign(
        &bundle.replay,
        identity,
        "price.confirm",
        &PriceConfirm { seal, price },
        out,
    )
}

/// `mifeng bid check`.
pub(crate) fn check(ui: &Ui, tender: &Path, bid: &Path) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let seal = load_any(&bundle, bid)?;
    let mut file = File::open(bid).map_err(|e| Failure::io(bid, &e))?;
    mifeng::envelope::check_body(&mut file, &seal).map_err(|e| Failure::from(e).at(bid))?;
    let context = seal.context();
    let words = mifeng::words::fingerprint(&seal.id(), ui.lang == Lang::Zh);
    ui.say(
        format!(
            "密封完好：投标人 {}，标段 {}，密文 {} 字节，指纹 {words}",
            context.bidder,
            context.lot,
            seal.body_len()
        ),
        format!(
            "seal intact: bidder {}, lot {}, {} bytes of ciphertext, fingerprint {words}",
            context.bidder,
            context.lot,
            seal.body_len()
        ),
    );
    Ok(())
}

/// A progress line with rate and time left, on a terminal only.
struct Bar {
    shown: bool,
    started: std::time::Instant,
    last: Option<std::time::Instant>,
}

impl Bar {
    fn new(shown: bool) -> Self {
        let shown = shown && io::IsTerminal::is_terminal(&io::stderr());
        Bar {
            shown,
            started: std::time::Instant::now(),
            last: None,
        }
    }

    fn show(&mut self, progress: Progress) {
        let due = self
            .last
            .is_none_or(|last| last.elapsed().as_millis() > 200);
        if !self.shown || !due || progress.total == 0 {
            return;
        }
        self.last = Some(std::time::Instant::now());
        let millis = u64::try_from(self.started.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let rate = progress.done / 1000 / millis;
        let left = (progress.total - progress.done) / progress.done.max(1) * millis / 1000;
        let percent = progress.done.saturating_mul(100) / progress.total;
        eprint!("\r{percent:>3} %  {rate} MB/s  {left} s   ");
        let _ = io::stderr().flush();
    }

    fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
