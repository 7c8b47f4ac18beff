//! The stages of the demo's tender, in the order of the law.

use super::door::Door;
use super::method::{CEILING, MethodName};
use super::world::{self, World};
use super::{DemoArgs, PolicyName, faults, plan};
use crate::bidder::{self, Bid, What};
use crate::bundle::Bundle;
use crate::host::FolderHost;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{check, clock, notice, person};
use mifeng::Trusted;
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::envelope::{Declarations, DetailLine};
use mifeng::lock::tlock::ChainKey;
use std::path::{Path, PathBuf};

/// Milliseconds between beats in the demo; a real notice would say 30 s and 1 s.
pub(crate) const BEAT_MS: u64 = 100;

/// One demo in progress.
pub(crate) struct Tender {
    pub(crate) world: World,
    pub(crate) host: Door,
    pub(crate) bidders: usize,
    pub(crate) policy: PolicyName,
    pub(crate) method: MethodName,
    /// The demo's own beacon chain, where the policy has a clock.
    clock: Option<ChainKey>,
    /// Seconds that this machine was given to seal every bid.
    pub(super) seconds: u64,
    /// How much more time than usual a round of offers has.
    pub(super) patience: u64,
    /// Milliseconds between beats.
    beat_ms: u64,
}

/// How much more time a slow machine gets, try after try.
const PATIENCE: [u64; 3] = [1, 4, 16];

/// Runs the whole tender and verifies its dossier. On a machine too slow for the deadline it does so
/// again with more time: the deadline itself is never moved.
pub(crate) fn run(ui: &Ui, args: &DemoArgs, root: &Path) -> Outcome {
    // Where someone is away the bidders' window is short as well, and ends for all.
    let late = |failure: &Failure| {
        ["bid.late", "offer.late"].contains(&&*failure.code)
            || args.faults && failure.code == "record.wrong-stage"
    };
    let [first, more @ ..] = PATIENCE;
    let mut ended = run_within(ui, args, root, first);
    for factor in more {
        if !ended.as_ref().is_err_and(late) {
            break;
        }
        ui.say(
            "本机较慢，有投标、报价或份额迟到被拒；以更宽的时间重来一次",
            "this machine is slow and a bid, an offer or a share came late and was refused: once more with more time",
        );
        std::fs::remove_dir_all(root).map_err(|e| Failure::io(root, &e))?;
        ended = run_within(ui, args, root, factor);
    }
    ended
}

fn run_within(ui: &Ui, args: &DemoArgs, root: &Path, patience: u64) -> Outcome {
    let mut tender = Tender::start(ui, args, root, patience * seconds_needed(args))?;
    tender.patience = patience;
    tender.finish(ui, args)
}

impl Tender {
    /// Everything after the notice, to the verified dossier and its papers.
    pub(crate) fn finish(mut self, ui: &Ui, args: &DemoArgs) -> Outcome {
        let tender = &mut self;
        tender.receive_bids(ui, args)?;
        tender.close(ui)?;
        tender.open(ui)?;
        tender.evaluate(ui)?;
        tender.award(ui)?;
        tender.archive(ui)?;
        tender.documents(ui, args)
    }
}

/// How far ahead the deadline must be so that every bid is in before it: the demo seals one bid
/// after the other on this machine.
fn seconds_needed(args: &DemoArgs) -> u64 {
    let megabytes = args.size as u64 * args.bidders as u64;
    let rate = if args.suite.suite().id() == "gm-1" {
        25
    } else {
        80
    };
    // The second CA comes onto the list while bids are received.
    let roll_over = 4 * u64::from(args.cas - 1);
    2 + megabytes / rate + args.bidders as u64 / 4 + roll_over
}

/// A beacon chain of the demo's own, a round every second: its key is here, so it proves nothing about anybody.
fn chain_of(policy: PolicyName) -> Result<Option<ChainKey>, Failure> {
    if !policy.has_clock() {
        return Ok(None);
    }
    let entropy = &mut SystemEntropy::new();
    let key = ChainKey::generate("mifeng-demo", clock::now(), 1, entropy)?;
    Ok(Some(key))
}

impl Tender {
    /// Certificates, board, log, notice.
    pub(crate) fn start(
        ui: &Ui,
        args: &DemoArgs,
        root: &Path,
        seconds: u64,
    ) -> Result<Self, Failure> {
        let pass = |_: &World, host| Ok(Door::Folder(Box::new(host)));
        Tender::start_at(ui, args, root, (seconds, BEAT_MS), pass)
    }

    /// The same where `door` takes the log of the new tender and says how the people reach it.
    pub(crate) fn start_at(
        ui: &Ui,
        args: &DemoArgs,
        root: &Path,
        (seconds, beat_ms): (u64, u64),
        door: impl FnOnce(&World, FolderHost) -> Result<Door, Failure>,
    ) -> Result<Self, Failure> {
        let world = World::make(ui, args, root)?;
        ui.title("3. 公告", "3. notice");
        let host = door(&world, world.start_host()?)?;
        let mut tender = Tender {
            world,
            host,
            bidders: args.bidders,
            policy: args.policy,
            method: args.method,
            clock: chain_of(args.policy)?,
            seconds,
            patience: 1,
            beat_ms,
        };
        tender.prepare_files(ui, args)?;
        let deadline = Time::from_unix_seconds(
            clock::now().as_unix_seconds() + 1 + i64::try_from(seconds).unwrap_or(10),
        );
        tender.publish(ui, deadline)?;
        Ok(tender)
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.world.path(name)
    }

    /// A bundle of what the log holds now, as everybody downloads it.
    pub(crate) fn bundle(&self) -> Result<Bundle, Failure> {
        let path = self.path("tender.tar");
        self.host.bundle(&path)?;
        Bundle::open(&path)
    }

    pub(crate) fn accept(&mut self, record: &Path) -> Outcome {
        self.host.accept(&self.world.ui, record, None, None)
    }

    fn publish(&mut self, ui: &Ui, deadline: Time) -> Outcome {
        let mut plan = plan::plan(
            self.method,
            self.policy.name(),
            deadline,
            (self.beat_ms, self.window_ms()),
            PathBuf::from("../buyer/sign.cer"),
        )?;
        plan.chain = self.clock.as_ref().map(|key| key.chain().record().clone());
        let path = self.path("agency/plan.json");
        let json =
            serde_json::to_vec_pretty(&plan).map_err(|e| Failure::malformed(e.to_string()))?;
        ui::write(&path, &json)?;
        let out = self.path("agency/publish.rec");
        notice::publish(
            ui,
            &*self.world.identity("agency")?,
            &self.bundle()?,
            &path,
            &out,
        )?;
        self.accept(&out)?;
        let profile = self.method.procedure().profile();
        ui.say(
            format!(
                "《{}》{}（演练）：{}；开标策略 {}，截止 {deadline}",
                plan.title.zh,
                profile.zh,
                self.method.shown().0,
                self.policy.name()
            ),
            format!(
                "\"{}\", {} (rehearsal): {}; policy {}, deadline {deadline}",
                plan.title.en,
                profile.en,
                self.method.shown().1,
                self.policy.name()
            ),
        );
        Ok(())
    }

    /// The bidders' files: given, or made by the test kit.
    fn prepare_files(&self, ui: &Ui, args: &DemoArgs) -> Result<(), Failure> {
        let given = args.bids.as_deref().map(world::sub_folders).transpose()?;
        for number in 1..=self.bidders {
            for lot in self.lots() {
                let folder = self.path(format!("bidder{number}/files-{lot}"));
                match &given {
                    Some(folders) => copy_folder(&folders[number - 1], &folder)?,
                    None => mifeng_testkit::bids::write_bid_folder(
                        &folder,
                        u32::try_from(number).unwrap_or(0),
                        lot,
                        args.size * 1_000_000 / self.lots().len(),
                    )
                    .map_err(|e| Failure::io(&folder, &e))?,
                }
            }
        }
        let kind = if given.is_some() {
            ("给定的文件", "given files")
        } else {
            ("测试套件生成的真实PDF", "real PDFs made by the test kit")
        };
        ui.say(
            format!("投标文件：{}，每家约 {} MB", kind.0, args.size),
            format!("bid files: {}, about {} MB each", kind.1, args.size),
        );
        Ok(())
    }

    pub(crate) fn lots(&self) -> &'static [&'static str] {
        self.method.lots()
    }

    pub(crate) fn price(&self, number: usize, lot: usize) -> u64 {
        let steps = [93, 88, 80, 76, 84, 90, 82, 86, 79, 91];
        CEILING[lot] / 100 * steps[(number + lot * 3) % steps.len()]
    }

    /// Seals one bid of a bidder for a lot.
    pub(crate) fn seal(
        &self,
        bundle: &Bundle,
        number: usize,
        lot: usize,
        discount: u64,
        name: &str,
    ) -> Result<PathBuf, Failure> {
        self.seal_as(bundle, (number, lot), discount, (What::Bid, name))
    }

    /// Seals a bid or a final offer.
    pub(crate) fn seal_as(
        &self,
        bundle: &Bundle,
        (number, lot): (usize, usize),
        discount: u64,
        (what, name): (What, &str),
    ) -> Result<PathBuf, Failure> {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let price = self.price(number, lot) - discount;
        // Bidder 3 makes a slip in the digits of lot 1: the words will rule (87 art. 59).
        let slip = if number == 3 && lot == 0 { 1_000 } else { 0 };
        let out = self.path(format!("bidder{number}/{name}.bid"));
        let words = mifeng::record::amount::format(i128::from(price) * 100);
        let digits = format!("{}.00", price + slip);
        let bid = Bid {
            lot: self.lots()[lot],
            folder: &self.path(format!("bidder{number}/files-{}", self.lots()[lot])),
            price: &digits,
            price_cn: &words,
            declarations: Declarations {
                sme: number.is_multiple_of(2),
                domestic: !number.is_multiple_of(3),
                brand: None,
            },
            detail: vec![DetailLine {
                item: "设备".to_owned(),
                quantity: "1".to_owned(),
                unit_price: format!("{price}.00"),
            }],
            fields: Vec::new(),
        };
        bidder::seal_folder(bundle, &identity, bid, (what, &out))?;
        Ok(out)
    }

    /// Submits a sealed bid and verifies the receipt, as the bidder does.
    pub(crate) fn submit(
        &mut self,
        bundle: &Bundle,
        number: usize,
        bid: &Path,
        old: Option<&Path>,
    ) -> Outcome {
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let record = bid.with_extension(if old.is_some() { "replace.rec" } else { "rec" });
        bidder::submit_with(bundle, &identity, bid, old, &record)?;
        let receipt = bid.with_extension("receipt");
        self.host
            .accept(&self.world.ui, &record, Some(bid), Some(&receipt))?;
        let given = mifeng::Receipt::from_file(&ui::read(&receipt)?)?;
        let signed = mifeng::record::SignedRecord::from_file(&ui::read(&record)?)?;
        let _ = given.verify(&signed, &bundle.replay)?;
        Ok(())
    }

    pub(crate) fn receive_bids(&mut self, ui: &Ui, args: &DemoArgs) -> Outcome {
        ui.title(
            "4. 投标：签名、密封、提交、回执",
            "4. bids: sign, seal, submit, receipt",
        );
        let mut bundle = self.bundle()?;
        if self.world.second.is_some() {
            self.roll_over(ui, &mut bundle)?;
        }
        for number in 1..=args.bidders {
            for (lot, id) in self.lots().iter().enumerate() {
                let bid = self.seal(&bundle, number, lot, 0, &format!("lot{id}"))?;
                if self.world.faults && number == faults::MALFORMED {
                    self.spoil(number, &bid)?;
                }
                if self.is_refused(number) {
                    self.prepare_refused(ui, &bundle, (number, lot), &bid)?;
                } else {
                    self.submit(&bundle, number, &bid, None)?;
                }
            }
            if self.is_refused(number) {
                continue;
            }
            ui.say(
                format!("  {}：已密封提交，回执已核验", world::company(number)),
                format!("  bidder {number}: sealed and submitted, receipts verified"),
            );
        }
        if self.bidders < 2 {
            return Ok(());
        }
        let old = self.path("bidder2/lot1.bid");
        let new = self.seal(&bundle, 2, 0, 5_000, "lot1-new")?;
        self.submit(&bundle, 2, &new, Some(&old))?;
        ui.say(
            "  投标人 2 替换了第 1 标段的投标",
            "  bidder 2 replaced its bid for lot 1",
        );
        if args.bidders > 3 && self.lots().len() > 1 {
            let last = args.bidders;
            let identity = self.world.identity(&format!("bidder{last}"))?;
            let out = self.path(format!("bidder{last}/withdraw.rec"));
            bidder::withdraw_with(
                &bundle,
                &identity,
                &self.path(format!("bidder{last}/lot2.bid")),
                &out,
            )?;
            self.accept(&out)?;
            ui.say(
                format!("  投标人 {last} 撤回了第 2 标段的投标"),
                format!("  bidder {last} withdrew its bid for lot 2"),
            );
        }
        Ok(())
    }

    /// Close, witnesses, time stamp, bidders' window, trustees' release.
    pub(crate) fn close(&mut self, ui: &Ui) -> Outcome {
        ui.title("5. 截标与释放", "5. close and release");
        ui.say("等待截止时间……", "waiting for the deadline …");
        self.host.close(ui)?;
        self.send_late(ui)?;
        self.witness(ui)?;
        if self.policy.asks_bidders() {
            self.release_bidders(ui)?;
        }
        self.bring_beacons(ui)?;
        self.wait_for_window(ui)?;
        self.host.close_window()?;
        let bundle = self.bundle()?;
        ui.say(
            "受托人自己的程序逐条核对：",
            "the trustees' own programs check:",
        );
        person::show_conditions(ui, &bundle, false)?;
        if self.policy.has_one_time_key() {
            return self.reveal(ui, &bundle);
        }
        if self.world.faults {
            self.lie(ui, &bundle)?;
        }
        for index in self.world.ready() {
            if self.host.leaves_out(index) {
                ui.say(
                    "等待受托人 1 由您释放……",
                    "waiting for you to release as trustee 1 …",
                );
                self.host.wait_for_shares(index)?;
                continue;
            }
            let out = self.path(format!("trustee{index}/shares.rec"));
            if self.breaks_down(index) {
                self.release_in_part(ui, &bundle, index, &out)?;
                continue;
            }
            person::release(&self.world.ui, &*self.world.trustee(index)?, &bundle, &out)?;
            self.accept(&out)?;
            ui.say(
                format!("  受托人 {index} 释放了解密份额"),
                format!("  trustee {index} released its shares"),
            );
        }
        self.remedy(ui, &bundle)
    }

    /// The trustees reveal their shares of the tender's own key.
    fn reveal(&mut self, ui: &Ui, bundle: &Bundle) -> Outcome {
        for index in self.world.ready() {
            let out = self.path(format!("keeper{index}/reveal.rec"));
            let identity = self.world.identity(&format!("keeper{index}"))?;
            person::reveal(&self.world.ui, &identity, bundle, &out)?;
            self.accept(&out)?;
            ui.say(
                format!("  受托人 {index} 公开了专用密钥的份额"),
                format!("  trustee {index} revealed its share of the tender's own key"),
            );
        }
        Ok(())
    }

    /// Carries the chain's beacons in, once their rounds have come.
    fn bring_beacons(&mut self, ui: &Ui) -> Outcome {
        let Some(key) = &self.clock else {
            return Ok(());
        };
        for (_, round) in self.bundle()?.replay.state.missing_beacons() {
            let due = key.chain().time_of(round)?;
            while clock::now() < due {
                std::thread::sleep(std::time::Duration::from_millis(BEAT_MS));
            }
            let beacon = key.sign(round, clock::now())?.to_record();
            self.host.beacon(&beacon)?;
            ui.say(
                format!("信标第 {round} 轮（{due}）已验证并载入"),
                format!("beacon of round {round} ({due}) verified and logged"),
            );
        }
        Ok(())
    }

    /// The trustees' witnesses cosign the head with the close; the authority stamps it.
    pub(crate) fn witness(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        for index in self.world.present() {
            if self.host.leaves_out(index) {
                continue;
            }
            let out = self.path(format!("trustee{index}/close.note"));
            person::cosign(&self.world.ui, &*self.world.trustee(index)?, &bundle, &out)?;
            self.host.cosign(&ui::read(&out)?)?;
        }
        let token = self.path("tsa/close.tsr");
        person::stamp(&*self.world.identity("tsa")?, &bundle, &token)?;
        self.host.stamp(&ui::read(&token)?)?;
        ui.say(
            format!(
                "{} 名受托人见证人共签截标日志头，时间戳已加盖",
                self.world.present().len()
            ),
            format!(
                "the close is cosigned by {} witnesses and time-stamped",
                self.world.present().len()
            ),
        );
        Ok(())
    }

    pub(crate) fn release_bidders(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        let mut count = 0;
        for seal in bundle.replay.state.to_open() {
            let number = self.bidder_of(&bundle, &seal);
            if self.world.faults && number == faults::ABSENT {
                continue;
            }
            let lot = bundle.replay.state.bids()[&seal].seal.context().lot.clone();
            let mut bid = self.path(format!("bidder{number}/lot{lot}-new.bid"));
            if !bid.exists() {
                bid = self.path(format!("bidder{number}/lot{lot}.bid"));
            }
            let out = self.path(format!("bidder{number}/leaf-{lot}.rec"));
            let folder = self.path(format!("bidder{number}"));
            let fresh = self.bundle_path();
            self.host.bundle(&fresh)?;
            bidder::release(&self.world.ui, &folder, &fresh, &bid, None, &out)?;
            self.accept(&out)?;
            count += 1;
        }
        ui.say(
            format!("投标人释放了 {count} 份自己的份额"),
            format!("bidders released {count} leaves of their own"),
        );
        Ok(())
    }

    fn bundle_path(&self) -> PathBuf {
        self.path("tender.tar")
    }

    pub(crate) fn bidder_of(&self, bundle: &Bundle, seal: &mifeng::crypto::Digest) -> usize {
        let code = &bundle.replay.state.bids()[seal].seal.context().bidder;
        (1..=self.bidders)
            .find(|number| world::credit_code(*number) == *code)
            .unwrap_or(0)
    }

    /// Bids opened, opening record signed by those present, corrected prices confirmed.
    pub(crate) fn open(&mut self, ui: &Ui) -> Outcome {
        ui.title("6. 开标", "6. opening");
        let out = self.path("opened");
        self.wait_for_trustees(ui);
        self.host.open_bids(ui, &out, self.world.faults)?;
        let minutes = self.path("agency/minutes.rec");
        person::minutes(&*self.world.identity("agency")?, &self.bundle()?, &minutes)?;
        self.accept(&minutes)?;
        let mut present = vec!["buyer".to_owned()];
        let trustees = self.world.present().into_iter();
        present.extend(trustees.map(|index| format!("trustee{index}")));
        let absent = |number: usize| self.world.faults && number == faults::ABSENT;
        let bidders = (1..=self.bidders).filter(|n| !absent(*n) && !self.is_refused(*n));
        present.extend(bidders.map(|number| format!("bidder{number}")));
        let bundle = self.bundle()?;
        for who in &present {
            let out = self.path(format!("{who}/minutes.rec"));
            person::sign_minutes(&*self.world.identity(who)?, &bundle, &out)?;
            self.accept(&out)?;
        }
        ui.say(
            format!("开标记录由代理机构与 {} 方在场人员签名", present.len()),
            format!(
                "opening record signed by the agency and {} present",
                present.len()
            ),
        );
        if self.world.faults {
            self.show_statuses(ui);
        }
        Ok(())
    }

    fn archive(&mut self, ui: &Ui) -> Outcome {
        ui.title("9. 归档与验证", "9. dossier and verification");
        let dossier = self.path("dossier.tar");
        let platform = self.world.path("platform");
        self.host
            .archive(ui, (&self.world.ui, &platform), &dossier)?;
        let files = mifeng::Tar::open(&dossier)?;
        let report = mifeng::verify(&files, &Trusted::default())?;
        check::show(ui, &report);
        if report.is_valid() {
            return Ok(());
        }
        let failure = report
            .failure()
            .map(|f| f.saw_en.clone())
            .unwrap_or_default();
        Err(Failure::refused("demo.not-verified", failure))
    }
}

fn copy_folder(from: &Path, to: &Path) -> Outcome {
    std::fs::create_dir_all(to).map_err(|e| Failure::io(to, &e))?;
    let entries = std::fs::read_dir(from).map_err(|e| Failure::io(from, &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Failure::io(from, &e))?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(|e| Failure::io(&entry.path(), &e))?;
        }
    }
    Ok(())
}
