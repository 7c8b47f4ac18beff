//! What the system stops. Each attack is tried for real; one that succeeds fails the command.

use super::DemoArgs;
use super::stages::Tender;
use super::world;
use crate::bidder;
use crate::bundle::Bundle;
use crate::host::{self, HostArgs};
use crate::identity::{Ca, Identity, Kind, init_ca, load_certificate};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, person};
use mifeng::crypto::{Entropy, SystemEntropy};
use mifeng::lock::tdh2;
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BoardShare, BoardShares, Rank, Score};
use mifeng::{Receipt, Tar, Trusted, trustee};
use std::path::{Path, PathBuf};

/// Seconds between notice and deadline: enough for all attacks that come before it.
const SECONDS: u64 = 14;
/// An outsider with a good certificate, who tries things.
const OUTSIDER: usize = 92;

/// Tells what was tried and what stopped it.
struct Log<'a> {
    ui: &'a Ui,
    tried: usize,
    broken: Vec<String>,
}

impl Log<'_> {
    /// Records one attack; `codes` are the refusals that count as stopping it.
    fn tried<T>(&mut self, zh: &str, en: &str, codes: &[&str], outcome: Result<T, Failure>) {
        self.tried += 1;
        match outcome {
            Err(failure) if codes.contains(&failure.code.as_str()) => {
                let (code, text) = (&failure.code, failure.sentence(self.ui.lang));
                let clause = failure
                    .clause
                    .as_ref()
                    .map(|c| format!("（{c}）"))
                    .unwrap_or_default();
                self.ui.say(
                    format!("  ✔ {zh}\n      拦下 [{code}]{clause} {text}"),
                    format!("  ✔ {en}\n      stopped [{code}]{clause} {text}"),
                );
            }
            Err(failure) => {
                let text = format!(
                    "{en}: stopped by [{}] {}, expected {codes:?}",
                    failure.code, failure.text
                );
                self.ui.say(format!("  ✘ {text}"), format!("  ✘ {text}"));
                self.broken.push(text);
            }
            Ok(_) => {
                self.ui.say(
                    format!("  ✘ {zh}：攻击成功！"),
                    format!("  ✘ {en}: THE ATTACK SUCCEEDED"),
                );
                self.broken.push(en.to_owned());
            }
        }
    }
}

pub(crate) fn run(ui: &Ui, args: &DemoArgs, root: &Path) -> Outcome {
    let args = DemoArgs {
        size: 2,
        bidders: 3,
        bids: None,
        ..args.clone()
    };
    let mut tender = Tender::start(ui, &args, root, SECONDS)?;
    let mut evil = dishonest_host(&tender)?;
    let mut log = Log {
        ui,
        tried: 0,
        broken: Vec::new(),
    };
    ui.title("截止之前", "before the deadline");
    submit_all(&mut tender, &mut evil)?;
    outsiders(&mut log, &mut tender)?;
    early(&mut log, &mut tender)?;
    ui.title("截标与释放", "close and release");
    let outsider_bid = tender.path(format!("bidder{OUTSIDER}/own.bid"));
    tender.host.close(&tender.world.ui)?;
    late(&mut log, &mut tender, &outsider_bid)?;
    dropped(&mut log, &tender, &mut evil)?;
    tender.witness(&tender.world.quiet_clone())?;
    shares(&mut log, &mut tender)?;
    ui.title("评审与归档", "evaluation and dossier");
    evaluation(&mut log, &mut tender)?;
    dossier(&mut log, &mut tender)?;
    let (tried, broken) = (log.tried, log.broken.len());
    ui.say(
        format!("\n{tried} 种攻击，{} 种被拦下", tried - broken),
        format!("\n{tried} attacks, {} stopped", tried - broken),
    );
    if log.broken.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(
        "demo.attack-succeeded",
        log.broken.join("; "),
    ))
}

/// The same host with the same keys, keeping a second log that will leave a bid out.
fn dishonest_host(tender: &Tender) -> Result<host::FolderHost, Failure> {
    let world = &tender.world;
    let args = HostArgs::folder(world.path("host-dishonest"), world.path("platform"));
    let trust = [world.ca.join("root.cer")];
    let origin = tender.host.state().origin().to_owned();
    let mut evil = host::init(&world.ui, &args, world.suite, &origin, &trust, None)?;
    for file in world
        .board_files
        .iter()
        .chain([&world.path("agency/publish.rec")])
    {
        host::accept(&world.ui, &mut evil, file, None, None)?;
    }
    Ok(evil)
}

fn submit_all(tender: &mut Tender, evil: &mut host::FolderHost) -> Outcome {
    let bundle = tender.bundle()?;
    for number in 1..=tender.bidders {
        let bid = tender.seal(&bundle, number, 0, 0, "lot1")?;
        tender.submit(&tender.world.quiet_clone(), &bundle, number, &bid, None)?;
        if number != 1 {
            let record = bid.with_extension("rec");
            host::accept(&tender.world.ui, evil, &record, Some(&bid), None)?;
        }
    }
    Ok(())
}

/// Makes a person outside the demo's cast.
fn person_of(tender: &Tender, ca: &Path, number: usize) -> Result<PathBuf, Failure> {
    let world = &tender.world;
    let folder = world.path(format!("bidder{number}"));
    let authority = Ca::load(&world.ui, ca)?;
    let code = world::credit_code(number);
    authority.issue(
        &world.ui,
        Kind::Bidder,
        &world::company(number),
        Some(&code),
        &folder,
        clock::now(),
    )?;
    std::fs::create_dir_all(folder.join("files-1")).map_err(|e| Failure::io(&folder, &e))?;
    ui::write(&folder.join("files-1/technical.txt"), b"outsider")?;
    Ok(folder)
}

fn submit_file(tender: &mut Tender, folder: &Path, bundle: &Bundle, bid: &Path) -> Outcome {
    let identity = Identity::load(&tender.world.ui, folder)?;
    let record = folder.join("attack.rec");
    bidder::submit_with(bundle, &identity, bid, None, &record)?;
    tender
        .host
        .accept(&tender.world.ui, &record, Some(bid), None)
}

fn flip(path: &Path, at: impl FnOnce(usize) -> usize) -> Result<PathBuf, Failure> {
    let mut bytes = ui::read(path)?;
    let at = at(bytes.len());
    bytes[at] ^= 1;
    let out = path.with_extension("flipped");
    ui::write(&out, &bytes)?;
    Ok(out)
}

fn outsiders(log: &mut Log<'_>, tender: &mut Tender) -> Outcome {
    let bundle = tender.bundle()?;
    let ca = tender.world.ca.clone();
    let good = person_of(tender, &ca, OUTSIDER)?;
    let copied = submit_file(tender, &good, &bundle, &tender.path("bidder1/lot1.bid"));
    log.tried(
        "把对手的密封投标复制后以自己名义提交",
        "a competitor's sealed bid copied and submitted as one's own",
        &["bid.bound-elsewhere"],
        copied,
    );
    let own = tender.seal(&bundle, OUTSIDER, 0, 0, "own")?;
    let changed = flip(&own, |len| len - 4_000)?;
    let outcome = submit_file(tender, &good, &bundle, &changed);
    log.tried(
        "密封投标被改动一个字节",
        "one byte of a sealed bid changed",
        &["bid.malformed"],
        outcome,
    );

    let revoked = person_of(tender, &ca, 90)?;
    let bid = tender.seal(&bundle, 90, 0, 0, "own")?;
    Ca::load(&tender.world.ui, &ca)?
        .revoke(&load_certificate(&revoked.join("sign.cer"))?, clock::now())?;
    tender.host.list(&ui::read(&ca.join("ca.crl"))?)?;
    let outcome = submit_file(tender, &revoked, &bundle, &bid);
    log.tried(
        "用已吊销的证书投标",
        "a bid from a revoked certificate",
        &["cert.revoked"],
        outcome,
    );

    let other = tender.path("ca-unlisted");
    init_ca(
        &tender.world.ui,
        &other,
        tender.world.suite,
        "未列入名单的认证中心",
        clock::now(),
    )?;
    let unlisted = person_of(tender, &other, 91)?;
    // The bidder's own program says so before it seals; the host would say the same.
    let outcome = tender
        .seal(&bundle, 91, 0, 0, "own")
        .and_then(|bid| submit_file(tender, &unlisted, &bundle, &bid));
    log.tried(
        "用名单之外CA的证书投标",
        "a bid from an unlisted CA",
        &["cert.unlisted-ca"],
        outcome,
    );

    let receipt = flip(&tender.path("bidder1/lot1.receipt"), |len| len / 2)?;
    let outcome = (|| {
        let given = Receipt::from_file(&ui::read(&receipt)?)?;
        let signed = SignedRecord::from_file(&ui::read(&tender.path("bidder1/lot1.rec"))?)?;
        Ok(given.verify(&signed, &bundle.replay).map(|_| ())?)
    })();
    let codes = [
        "pki.bad-signature",
        "pki.digest-mismatch",
        "pki.malformed",
        "json.not-canonical",
        "file.malformed",
        "pki.message",
    ];
    log.tried(
        "回执被改动一个字节",
        "one byte of a receipt changed",
        &codes,
        outcome,
    );
    Ok(())
}

/// With every key in one hand, before the deadline.
fn early(log: &mut Log<'_>, tender: &mut Tender) -> Outcome {
    let bundle = tender.bundle()?;
    let secret = person::secret(&tender.world.ui, &*tender.world.trustee(1)?, &bundle.replay)?;
    let asked = trustee::release(
        &bundle.replay,
        &bundle.files,
        &secret,
        clock::now(),
        &mut SystemEntropy::new(),
    );
    log.tried(
        "截止之前要求受托人程序释放份额",
        "trustees' programs asked to release before the deadline",
        &["opening.early"],
        asked.map_err(Failure::from),
    );
    // A dishonest trustee takes the rule out of the own program and sends shares for what it saw.
    let board = tender.host.state().board().cloned();
    let seals = tender.host.state().to_open();
    let mut shares = Vec::new();
    for seal in seals {
        for leaf in tender.host.state().bids()[&seal].seal.group_leaves() {
            if let Some(board) = &board {
                let share =
                    tdh2::release(board, &secret, &leaf.ciphertext, &mut SystemEntropy::new())?;
                shares.push(BoardShare {
                    seal,
                    path: leaf.path.clone(),
                    share: share.to_record(),
                });
            }
        }
    }
    let out = tender.path("trustee1/early.rec");
    let data = BoardShares { index: 1, shares };
    person::sign(
        &bundle.replay,
        &*tender.world.trustee(1)?,
        "board.share",
        &data,
        &out,
    )?;
    let outcome = tender.accept(&out);
    log.tried(
        "受托人提前释放份额",
        "a trustee releases early",
        &["opening.early"],
        outcome,
    );
    let outcome = host::close(&tender.world.ui, tender.host.folder()?, false);
    log.tried(
        "平台提前截标",
        "the host closes early",
        &["opening.early"],
        outcome,
    );
    let seal = tender.host.state().to_open().first().copied();
    let opened = seal.map_or(Ok(()), |seal| {
        let (now, entropy) = (clock::now(), &mut SystemEntropy::new());
        let (host, sink) = (tender.host.folder()?, &mut mifeng::envelope::NoSink);
        Ok(host.open_bid(&seal, sink, now, entropy).map(|_| ())?)
    });
    log.tried(
        "截止前开标",
        "a bid opened before the deadline",
        &["board.quorum-short", "record.wrong-stage"],
        opened,
    );
    Ok(())
}

fn late(log: &mut Log<'_>, tender: &mut Tender, bid: &Path) -> Outcome {
    let bundle = tender.bundle()?;
    let folder = tender.path(format!("bidder{OUTSIDER}"));
    let outcome = submit_file(tender, &folder, &bundle, bid);
    log.tried("截止之后提交投标", "a late bid", &["bid.late"], outcome);
    Ok(())
}

/// What somebody says who is shown a log that does not extend the one that they saw.
const FORKED: &[&str] = &["log.fork", "log.rollback", "log.not-proven"];

/// The host left bidder 1 out; its receipt convicts the host.
fn dropped(log: &mut Log<'_>, tender: &Tender, evil: &mut host::FolderHost) -> Outcome {
    host::close(&tender.world.ui, evil, true)?;
    let path = tender.path("dishonest.tar");
    host::export(evil, mifeng::Export::Records, &path)?;
    let bundle = Bundle::open(&path)?;
    let receipt = Receipt::from_file(&ui::read(&tender.path("bidder1/lot1.receipt"))?)?;
    let record = SignedRecord::from_file(&ui::read(&tender.path("bidder1/lot1.rec"))?)?;
    let outcome = receipt
        .hold_against(&record, &bundle.replay)
        .map(|_| ())
        .map_err(Failure::from);
    log.tried(
        "平台另造一份漏掉某投标的日志：该投标人的回执即为证据",
        "the host keeps another log without a bid: its bidder's receipt convicts the host",
        &["receipt.breach"],
        outcome,
    );
    let state = person::cosign(
        &tender.world.ui,
        &*tender.world.trustee(1)?,
        &tender.bundle()?,
        &tender.path("trustee1/a.note"),
    );
    state?;
    let outcome = person::cosign(
        &tender.world.ui,
        &*tender.world.trustee(1)?,
        &bundle,
        &tender.path("trustee1/b.note"),
    );
    log.tried(
        "请见证人共签分叉的日志",
        "a witness asked to cosign the fork",
        FORKED,
        outcome,
    );
    let outcome = person::draw_share(
        &tender.world.ui,
        &*tender.world.trustee(1)?,
        &bundle,
        &tender.path("trustee1/b.rec"),
    );
    log.tried(
        "请见过真日志的受托人应答分叉日志上的抽取",
        "a trustee who saw the log asked to answer for a draw of the fork",
        FORKED,
        outcome,
    );
    Ok(())
}

fn shares(log: &mut Log<'_>, tender: &mut Tender) -> Outcome {
    if tender.policy.asks_bidders() {
        tender.release_bidders(&tender.world.quiet_clone())?;
    }
    tender.host.close_window()?;
    let bundle = tender.bundle()?;
    let first = tender.world.trustee(1)?;
    let secret = person::secret(&tender.world.ui, &first, &bundle.replay)?;
    let honest = trustee::release(
        &bundle.replay,
        &bundle.files,
        &secret,
        clock::now(),
        &mut SystemEntropy::new(),
    )?;
    let forged = {
        let mut shares = honest.clone();
        // A share for one bid presented for another.
        let other = shares.shares[1].share.clone();
        shares.shares[0].share = other;
        shares
    };
    let out = tender.path("trustee1/forged.rec");
    person::sign(&bundle.replay, &first, "board.share", &forged, &out)?;
    let outcome = tender.accept(&out);
    log.tried(
        "伪造受托人份额",
        "a forged trustee share",
        &["board.share-invalid"],
        outcome,
    );
    let flipped = {
        let mut shares = honest;
        let z = shares.shares[0].share.z.clone();
        let last = if z.ends_with('0') { '1' } else { '0' };
        shares.shares[0].share.z = format!("{}{last}", &z[..z.len() - 1]);
        shares
    };
    person::sign(&bundle.replay, &first, "board.share", &flipped, &out)?;
    let outcome = tender.accept(&out);
    log.tried(
        "份额被改动一位",
        "one digit of a share changed",
        &["board.share-invalid"],
        outcome,
    );
    for index in 1..tender.world.trustees {
        let out = tender.path(format!("trustee{index}/shares.rec"));
        person::release(
            &tender.world.ui,
            &*tender.world.trustee(index)?,
            &bundle,
            &out,
        )?;
        tender.accept(&out)?;
    }
    Ok(())
}

/// The lot whose evaluation is attacked.
const LOT: &str = "1";

fn evaluation(log: &mut Log<'_>, tender: &mut Tender) -> Outcome {
    let quiet = tender.world.quiet_clone();
    tender.open(&quiet)?;
    tender.draw(&quiet)?;
    tender.check_lot(&quiet, LOT)?;
    tender.settle_prices(&quiet, LOT)?;
    let seated = tender.seated()?;
    let bundle = tender.bundle()?;
    for expert in &seated {
        tender.commit_sheet(&quiet, &bundle, expert, LOT)?;
    }
    other_sheet(log, tender, &seated[0])?;
    let bundle = tender.bundle()?;
    for expert in &seated {
        tender.reveal_sheet(&quiet, &bundle, expert, LOT)?;
    }
    // One digit of a signed sheet changed.
    let path = tender.path(format!("{}/sheet-1.rec", seated[0]));
    let mut record = SignedRecord::from_file(&ui::read(&path)?)?;
    let body = String::from_utf8_lossy(&record.body).replacen(".50\"", ".60\"", 1);
    record.body = body.into_bytes();
    let outcome = Record::verify(record, tender.world.suite)
        .map(|_| ())
        .map_err(Failure::from);
    log.tried(
        "签名后的评分被修改",
        "a score changed after signing",
        &["record.signature"],
        outcome,
    );

    let outsider = (1..=world::CANDIDATES)
        .map(|n| format!("expert{n}"))
        .find(|e| !seated.contains(e));
    if let Some(outsider) = outsider {
        let out = tender.path(format!("{outsider}/sheet.rec"));
        let data = Score {
            lot: LOT.to_owned(),
            salt: mifeng::crypto::Digest::from_bytes([0; 32]),
            scores: Default::default(),
        };
        person::sign(
            &tender.bundle()?.replay,
            &*tender.world.identity(&outsider)?,
            "score",
            &data,
            &out,
        )?;
        let outcome = tender.accept(&out);
        log.tried(
            "未被抽中的专家评分",
            "a sheet by an expert who was not drawn",
            &["expert.not-drawn"],
            outcome,
        );
    }
    let bundle = tender.bundle()?;
    let mut outcome = bundle.replay.state.computed(LOT)?;
    if let Some(row) = outcome.rows.first_mut() {
        row.total = "99.99".to_owned();
    }
    let out = tender.path("agency/false-rank.rec");
    let agency = tender.world.identity("agency")?;
    person::sign(
        &bundle.replay,
        &agency,
        "rank",
        &Rank {
            lot: LOT.to_owned(),
            outcome,
        },
        &out,
    )?;
    let refused = tender.accept(&out);
    log.tried(
        "代理机构篡改排名",
        "the agency signs a false ranking",
        &["result.differs"],
        refused,
    );
    let out = tender.path("agency/rank-1.rec");
    person::rank(&agency, &tender.bundle()?, LOT, &out)?;
    tender.accept(&out)
}

/// An expert who has seen how the others scored cannot come with another sheet.
fn other_sheet(log: &mut Log<'_>, tender: &mut Tender, expert: &str) -> Outcome {
    let closed = tender.path(format!("{expert}/closed-{LOT}.json"));
    let text = ui::read_text(&closed)?.replacen(".50\"", ".51\"", 1);
    let path = tender.path(format!("{expert}/other.json"));
    ui::write(&path, text.as_bytes())?;
    let out = tender.path(format!("{expert}/other.rec"));
    let identity = tender.world.identity(expert)?;
    crate::evaluation::committee::reveal(&identity, &tender.bundle()?, &path, &out)?;
    let outcome = tender.accept(&out);
    log.tried(
        "专家揭示的评分表与封存的不同",
        "an expert reveals another sheet than the one closed",
        &["score.commitment-differs"],
        outcome,
    );
    Ok(())
}

fn dossier(log: &mut Log<'_>, tender: &mut Tender) -> Outcome {
    // The attacks stop short of an award, and only a tender that has an end is archived.
    let cancel = tender.path("agency/cancel.rec");
    let data = mifeng::tender::Halt {
        reason: "采购任务取消".to_owned(),
    };
    let agency = tender.world.identity("agency")?;
    let bundle = tender.bundle()?;
    person::sign(&bundle.replay, &agency, "tender.cancel", &data, &cancel)?;
    tender.accept(&cancel)?;
    let path = tender.path("dossier.tar");
    let (own, platform) = (&tender.world.ui, tender.world.path("platform"));
    tender.host.archive(own, (own, &platform), &path)?;
    verdict(&path)?;
    let mut place = [0; 8];
    for _ in 0..5 {
        SystemEntropy::new().fill(&mut place)?;
        let at = u64::from_be_bytes(place);
        let changed = flip(&path, |len| usize::try_from(at % len as u64).unwrap_or(0))?;
        let outcome = verdict(&changed);
        let (zh, en) = ("档案被改动一个字节", "one byte of the dossier changed");
        log.tried(zh, en, &["demo.says-no"], outcome);
    }
    Ok(())
}

/// `Err` with `demo.says-no` if the verifier says no, naming the check.
fn verdict(path: &Path) -> Outcome {
    let refused = |text: String| Err(Failure::refused("demo.says-no", text));
    let files = match Tar::open(path) {
        Ok(files) => files,
        Err(e) => return refused(format!("V1: {e}")),
    };
    match mifeng::verify(&files, &Trusted::default())?.failure() {
        Some(check) => refused(format!("{}: {}", check.id, check.saw_en)),
        None => Ok(()),
    }
}
