//! The bidder's commands.

mod part;
mod seal;
mod show;

pub(crate) use mifeng::bidder::What;
pub(crate) use seal::{seal, seal_folder, seal_offer};
pub(crate) use show::{Asked, check};

use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::bidder::{self, LeafKey};
use mifeng::crypto::{Digest, SystemEntropy, Time};
use mifeng::envelope::{Declarations, DetailLine, Field, FileSource, SealedFile, VerifiedSeal};
use mifeng::record::Record;
use mifeng::tender::{BidReplace, BidWithdraw, PriceConfirm};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Files in one bid folder; the envelope has its own limit on top.
const DEPTH_MAX: usize = 8;

/// A file on disk that is sealed under its path relative to the bid folder.
struct DiskFile {
    disk: PathBuf,
    path: String,
    size: u64,
    /// Its time of change.
    stamp: u64,
}

impl FileSource for &DiskFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(&self.disk)?))
    }

    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut file = File::open(&self.disk)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }

    fn stamp(&self) -> u64 {
        self.stamp
    }

    fn unchanged(&self) -> io::Result<bool> {
        let facts = std::fs::symlink_metadata(&self.disk)?;
        Ok(facts.len() == self.size && changed(&facts) == self.stamp)
    }
}

/// The time of change. Nanoseconds since 1970 fit until 2554; cut or missing, they only say less.
fn changed(facts: &std::fs::Metadata) -> u64 {
    let at = facts.modified().ok();
    let since = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as u64)
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
            let facts = entry
                .metadata()
                .map_err(|e| Failure::io(&entry.path(), &e))?;
            found.push(DiskFile {
                disk: entry.path(),
                path,
                size: facts.len(),
                stamp: changed(&facts),
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
    /// Further lines of the opening list.
    pub(crate) fields: Vec<Field>,
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
    let now = clock::now();
    let when = (next_seq(bundle, identity, old, now)?, now);
    match old {
        None => sign_at(bundle, identity, when, "bid.submit", &data, out),
        Some(old) => {
            let old = load_seal(bundle, old)?.id();
            sign_at(
                bundle,
                identity,
                when,
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
    let now = clock::now();
    let when = (next_seq(bundle, identity, Some(bid), now)?, now);
    sign_at(
        bundle,
        identity,
        when,
        "bid.withdraw",
        &BidWithdraw { seal },
        out,
    )
}

/// The bidder's next number: the identity folder's count, the record beside a sealed bid if there is one, as the bidder's
/// desk saves them, the log, and time.
fn next_seq(
    bundle: &Bundle,
    identity: &Identity,
    bid: Option<&Path>,
    now: Time,
) -> Result<u64, Failure> {
    let tender = &bundle.replay;
    let own = identity.signer.certificate();
    let own = own.fingerprint(tender.suite().hash());
    let path = seq_path(bundle, identity);
    let kept: u64 = match path.exists() {
        false => 0,
        true => ui::read_text(&path)?
            .trim()
            .parse()
            .map_err(|_| Failure::malformed(format!("{}: number", path.display())))?,
    };
    let beside = bid
        .and_then(|bid| crate::check::load_record(&bid.with_extension("rec")).ok())
        .and_then(|record| Record::verify(record, tender.suite()).ok())
        .and_then(|record| bidder::after(tender, &own, &record));
    let known = kept.max(beside.unwrap_or(0));
    bidder::next_number(tender, &own, known, now).map_err(|e| Failure::from(e).at(&path))
}

fn seq_path(bundle: &Bundle, identity: &Identity) -> PathBuf {
    identity.folder.join(bidder::count_file(&bundle.replay))
}

/// Signs under the bidder's own count.
pub(crate) fn sign_counted<T: serde::Serialize>(
    bundle: &Bundle,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let now = clock::now();
    let seq = next_seq(bundle, identity, None, now)?;
    sign_at(bundle, identity, (seq, now), kind, data, out)
}

fn sign_at<T: serde::Serialize>(
    bundle: &Bundle,
    identity: &Identity,
    when: (u64, Time),
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let (state, entropy) = (&bundle.replay.state, &mut SystemEntropy::new());
    let record = mifeng::sign_numbered(state, kind, data, &*identity.signer, when, entropy)?;
    ui::write(out, &record.to_file()?)?;
    ui::write(
        &seq_path(bundle, identity),
        format!("{}\n", when.0 + 1).as_bytes(),
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
