//! The stages of the demo's tender, in the order of the law.

use super::world::{self, QUORUM, TRUSTEES, World};
use super::{DemoArgs, PolicyName, plan};
use crate::bidder::{self, Bid};
use crate::bundle::Bundle;
use crate::host::{self, FolderHost};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{check, clock, notice, person};
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::envelope::{Declarations, DetailLine};
use mifeng::tender::BidOutcome;
use mifeng::{Export, Trusted};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Milliseconds between beats in the demo; a real notice would say 30 s and 1 s.
pub(crate) const BEAT_MS: u64 = 100;
/// The lots.
pub(crate) const LOTS: [&str; 2] = ["1", "2"];

/// One demo in progress.
pub(crate) struct Tender {
    pub(crate) world: World,
    pub(crate) host: FolderHost,
    pub(crate) bidders: usize,
    pub(crate) policy: PolicyName,
}

/// Runs the whole tender and verifies its dossier. On a machine too slow for the deadline it does so
/// once more with more time: the deadline itself is never moved.
pub(crate) fn run(ui: &Ui, args: &DemoArgs, root: &Path) -> Outcome {
    match run_within(ui, args, root, seconds_needed(args)) {
        Err(late) if late.code == "bid.late" => {
            ui.say(
                "本机较慢，有投标迟到被拒；以更宽的截止时间重来一次",
                "this machine is slow and a bid came late and was refused: once more with more time",
            );
            std::fs::remove_dir_all(root).map_err(|e| Failure::io(root, &e))?;
            run_within(ui, args, root, 4 * seconds_needed(args))
        }
        ended => ended,
    }
}

fn run_within(ui: &Ui, args: &DemoArgs, root: &Path, seconds: u64) -> Outcome {
    let mut tender = Tender::start(ui, args, root, seconds)?;
    tender.receive_bids(ui, args)?;
    tender.close(ui)?;
    tender.open(ui)?;
    tender.evaluate(ui)?;
    tender.award(ui)?;
    tender.archive(ui)
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
    2 + megabytes / rate + args.bidders as u64 / 4
}

impl Tender {
    /// Certificates, board, log, notice.
    pub(crate) fn start(
        ui: &Ui,
        args: &DemoArgs,
        root: &Path,
        seconds: u64,
    ) -> Result<Self, Failure> {
        let world = World::make(ui, args, root)?;
        ui.title("3. 公告", "3. notice");
        let host = world.start_host()?;
        let mut tender = Tender {
            world,
            host,
            bidders: args.bidders,
            policy: args.policy,
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
        host::export(&self.host, Export::Records, &path)?;
        Bundle::open(&path)
    }

    pub(crate) fn accept(&mut self, record: &Path) -> Outcome {
        host::accept(&self.world.ui, &mut self.host, record, None, None)
    }

    fn publish(&mut self, ui: &Ui, deadline: Time) -> Outcome {
        let plan = plan::plan(
            self.policy.name(),
            deadline,
            BEAT_MS,
            PathBuf::from("../buyer/sign.cer"),
        )?;
        let path = self.path("agency/plan.json");
        let json =
            serde_json::to_vec_pretty(&plan).map_err(|e| Failure::malformed(e.to_string()))?;
        ui::write(&path, &json)?;
        let out = self.path("agency/publish.rec");
        notice::publish(
            &*self.world.identity("agency")?,
            &self.bundle()?,
            &path,
            &out,
        )?;
        self.accept(&out)?;
        ui.say(
            format!("《{}》两个标段，综合评分法，价格分 30，小微扣除 15%，本国产品扣除 20%，开标策略 {}，截止 {deadline}", plan.title.zh, self.policy.name()),
            format!("\"{}\": two lots, composite score, price 30, SME 15 %, domestic 20 %, policy {}, deadline {deadline}", plan.title.en, self.policy.name()),
        );
        Ok(())
    }

    /// The bidders' files: given, or made by the test kit.
    fn prepare_files(&self, ui: &Ui, args: &DemoArgs) -> Result<(), Failure> {
        let given = args.bids.as_deref().map(world::sub_folders).transpose()?;
        for number in 1..=self.bidders {
            for lot in LOTS {
                let folder = self.path(format!("bidder{number}/files-{lot}"));
                match &given {
                    Some(folders) => copy_folder(&folders[number - 1], &folder)?,
                    None => mifeng_testkit::bids::write_bid_folder(
                        &folder,
                        u32::try_from(number).unwrap_or(0),
                        lot,
                        args.size * 1_000_000 / LOTS.len(),
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

    pub(crate) fn price(&self, number: usize, lot: usize) -> u64 {
        let steps = [93, 88, 80, 76, 84, 90, 82, 86, 79, 91];
        plan::CEILING[lot] / 100 * steps[(number + lot * 3) % steps.len()]
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
        let identity = self.world.identity(&format!("bidder{number}"))?;
        let price = self.price(number, lot) - discount;
        // Bidder 3 makes a slip in the digits of lot 1: the words will rule (87 art. 59).
        let slip = if number == 3 && lot == 0 { 1_000 } else { 0 };
        let out = self.path(format!("bidder{number}/{name}.bid"));
        let words = mifeng::record::amount::format(i128::from(price) * 100);
        let digits = format!("{}.00", price + slip);
        let bid = Bid {
            lot: LOTS[lot],
            folder: &self.path(format!("bidder{number}/files-{}", LOTS[lot])),
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
        };
        bidder::seal_folder(&self.world.ui, bundle, &identity, bid, &out)?;
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
        host::accept(
            &self.world.ui,
            &mut self.host,
            &record,
            Some(bid),
            Some(&receipt),
        )?;
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
        let bundle = self.bundle()?;
        for number in 1..=args.bidders {
            for (lot, id) in LOTS.iter().enumerate() {
                let bid = self.seal(&bundle, number, lot, 0, &format!("lot{id}"))?;
                self.submit(&bundle, number, &bid, None)?;
            }
            ui.say(
                format!(
                    "  {}：两个标段已密封提交，回执已核验",
                    world::company(number)
                ),
                format!("  bidder {number}: both lots sealed and submitted, receipts verified"),
            );
        }
        let old = self.path("bidder2/lot1.bid");
        let new = self.seal(&bundle, 2, 0, 5_000, "lot1-new")?;
        self.submit(&bundle, 2, &new, Some(&old))?;
        ui.say(
            "  投标人 2 替换了第 1 标段的投标",
            "  bidder 2 replaced its bid for lot 1",
        );
        if args.bidders > 3 {
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
        host::close(ui, &mut self.host, true)?;
        self.witness(ui)?;
        if self.policy == PolicyName::Joint {
            self.release_bidders(ui)?;
        }
        self.host
            .close_window(clock::now(), &mut SystemEntropy::new())?;
        let bundle = self.bundle()?;
        ui.say(
            "受托人自己的程序逐条核对：",
            "the trustees' own programs check:",
        );
        person::show_conditions(ui, &bundle)?;
        for index in 1..=QUORUM {
            let out = self.path(format!("trustee{index}/shares.rec"));
            person::release(&self.world.ui, &*self.world.trustee(index)?, &bundle, &out)?;
            self.accept(&out)?;
            ui.say(
                format!("  受托人 {index} 释放了解密份额"),
                format!("  trustee {index} released its shares"),
            );
        }
        Ok(())
    }

    /// The trustees' witnesses cosign the head with the close; the authority stamps it.
    pub(crate) fn witness(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        for index in 1..=TRUSTEES {
            let out = self.path(format!("trustee{index}/close.note"));
            person::cosign(&self.world.ui, &*self.world.trustee(index)?, &bundle, &out)?;
            self.host.add_cosignature(&ui::read(&out)?)?;
        }
        let token = self.path("tsa/close.tsr");
        person::stamp(&*self.world.identity("tsa")?, &bundle, &token)?;
        self.host.add_stamp(&ui::read(&token)?)?;
        ui.say(
            "3 名受托人见证人共签截标日志头，时间戳已加盖",
            "the close is cosigned by 3 witnesses and time-stamped",
        );
        Ok(())
    }

    pub(crate) fn release_bidders(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        let mut count = 0;
        for seal in bundle.replay.state.to_open() {
            let number = self.bidder_of(&bundle, &seal);
            let lot = bundle.replay.state.bids()[&seal].seal.context().lot.clone();
            let mut bid = self.path(format!("bidder{number}/lot{lot}-new.bid"));
            if !bid.exists() {
                bid = self.path(format!("bidder{number}/lot{lot}.bid"));
            }
            let out = self.path(format!("bidder{number}/leaf-{lot}.rec"));
            let folder = self.path(format!("bidder{number}"));
            let fresh = self.bundle_path();
            host::export(&self.host, Export::Records, &fresh)?;
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
        host::open_bids(ui, &mut self.host, &out)?;
        let minutes = self.path("agency/minutes.rec");
        person::minutes(&*self.world.identity("agency")?, &self.bundle()?, &minutes)?;
        self.accept(&minutes)?;
        let mut present = vec!["buyer".to_owned()];
        present.extend((1..=TRUSTEES).map(|index| format!("trustee{index}")));
        present.extend((1..=self.bidders).map(|number| format!("bidder{number}")));
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
        self.confirm_prices(ui)
    }

    fn confirm_prices(&mut self, ui: &Ui) -> Outcome {
        let bundle = self.bundle()?;
        let state = &bundle.replay.state;
        for (seal, outcome) in state.outcomes() {
            if !matches!(outcome, BidOutcome::Opened(_)) || state.correction(seal)?.is_none() {
                continue;
            }
            let number = self.bidder_of(&bundle, seal);
            let lot = state.bids()[seal].seal.context().lot.clone();
            let out = self.path(format!("bidder{number}/confirm-{lot}.rec"));
            let identity = self.world.identity(&format!("bidder{number}"))?;
            bidder::confirm_with(ui, &bundle, &identity, &lot, &out)?;
            self.accept(&out)?;
        }
        Ok(())
    }

    /// The committee is drawn, every expert signs an own sheet, the lots are ranked.
    pub(crate) fn evaluate(&mut self, ui: &Ui) -> Outcome {
        ui.title("7. 抽取专家、评分、排名", "7. draw, scores, ranking");
        self.draw(ui)?;
        for lot in LOTS {
            let bundle = self.bundle()?;
            for expert in self.seated()? {
                self.score(&bundle, &expert, lot)?;
            }
            let out = self.path(format!("agency/rank-{lot}.rec"));
            person::rank(&*self.world.identity("agency")?, &self.bundle()?, lot, &out)?;
            self.accept(&out)?;
            self.show_ranking(ui, lot);
        }
        Ok(())
    }

    pub(crate) fn draw(&mut self, ui: &Ui) -> Outcome {
        let candidates: Vec<PathBuf> = (1..=world::CANDIDATES)
            .map(|n| self.path(format!("expert{n}/sign.cer")))
            .collect();
        let secret = self.path("agency/candidates.json");
        let pool = self.path("agency/pool.rec");
        let agency = self.world.identity("agency")?;
        person::pool(&agency, &self.bundle()?, &candidates, &secret, &pool)?;
        self.accept(&pool)?;
        for index in 1..=QUORUM {
            let out = self.path(format!("trustee{index}/draw.rec"));
            person::draw_share(
                &self.world.ui,
                &*self.world.trustee(index)?,
                &self.bundle()?,
                &out,
            )?;
            self.accept(&out)?;
        }
        let result = self.path("agency/drawn.rec");
        person::drawn(&agency, &self.bundle()?, &secret, &result)?;
        self.accept(&result)?;
        let seats = self.seated()?.len();
        ui.say(
            format!(
                "候选 {} 人冻结后由受托人份额产生种子，抽取 {seats} 人",
                world::CANDIDATES
            ),
            format!(
                "pool of {} frozen, seed from the trustees' answers, {seats} drawn",
                world::CANDIDATES
            ),
        );
        Ok(())
    }

    /// The folders of the experts who sit.
    pub(crate) fn seated(&self) -> Result<Vec<String>, Failure> {
        let state = self.host.state();
        let seats = state
            .draw()
            .and_then(|draw| draw.result.as_ref())
            .map(|r| r.seats.clone())
            .unwrap_or_default();
        let mut folders = Vec::new();
        for n in 1..=world::CANDIDATES {
            let folder = format!("expert{n}");
            let cert = crate::identity::load_certificate(&self.path(format!("{folder}/sign.cer")))?;
            let fingerprint = cert.fingerprint(state.suite().hash());
            if seats.iter().any(|seat| seat.cert == fingerprint) {
                folders.push(folder);
            }
        }
        Ok(folders)
    }

    /// One expert's sheet for a lot: subjective items differ between experts, objective ones agree.
    pub(crate) fn score(&mut self, bundle: &Bundle, expert: &str, lot: &str) -> Outcome {
        let n: usize = expert.trim_start_matches("expert").parse().unwrap_or(1);
        let mut scores: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for fact in bundle.replay.state.facts(lot)? {
            let seal = fact.id.parse()?;
            let number = self.bidder_of(bundle, &seal);
            let items = [
                (
                    "spec",
                    format!("{}.{}0", 24 + (number * 3 + n) % 10, (number + n) % 10),
                ),
                ("service", format!("{}.50", 12 + (number * 5 + n * 2) % 7)),
                ("record", format!("{}.00", 6 + number % 9)),
            ];
            let items = items
                .into_iter()
                .map(|(item, points)| (item.to_owned(), points))
                .collect();
            scores.insert(world::credit_code(number), items);
        }
        let path = self.path(format!("{expert}/scores-{lot}.json"));
        let json =
            serde_json::to_vec_pretty(&scores).map_err(|e| Failure::malformed(e.to_string()))?;
        ui::write(&path, &json)?;
        let out = self.path(format!("{expert}/sheet-{lot}.rec"));
        person::sheet(&*self.world.identity(expert)?, bundle, lot, &path, &out)?;
        self.accept(&out)
    }

    fn show_ranking(&self, ui: &Ui, lot: &str) {
        let Some(outcome) = self.host.state().ranks().get(lot) else {
            return;
        };
        ui.say(
            format!("标段 {lot} 排名："),
            format!("ranking of lot {lot}:"),
        );
        let mut rows = outcome.rows.clone();
        rows.sort_by_key(|row| row.rank);
        for row in &rows {
            let seal = row.id.parse().ok();
            let bid = seal.and_then(|seal| self.host.state().bids().get(&seal));
            let name = bid.map(|bid| bid.name.clone()).unwrap_or_default();
            ui.say(
                format!(
                    "  {}  {name}  报价 {}  评审价 {}  价格分 {}  技术商务 {}  总分 {}",
                    row.rank,
                    row.price,
                    row.evaluated_price,
                    row.price_points,
                    row.quality,
                    row.total
                ),
                format!(
                    "  {}  {name}  price {}  evaluated {}  price points {}  quality {}  total {}",
                    row.rank,
                    row.price,
                    row.evaluated_price,
                    row.price_points,
                    row.quality,
                    row.total
                ),
            );
        }
    }

    pub(crate) fn award(&mut self, ui: &Ui) -> Outcome {
        ui.title("8. 定标", "8. award");
        for lot in LOTS {
            let out = self.path(format!("buyer/award-{lot}.rec"));
            person::award(&*self.world.identity("buyer")?, &self.bundle()?, lot, &out)?;
            self.accept(&out)?;
            if let Some(award) = self.host.state().awards().get(lot) {
                let (letter_zh, letter_en) = letter(lot, award);
                ui::write(
                    &self.path(format!("buyer/award-letter-{lot}.txt")),
                    format!("{letter_zh}\n{letter_en}\n").as_bytes(),
                )?;
                ui.say(letter_zh, letter_en);
            }
        }
        Ok(())
    }

    fn archive(&mut self, ui: &Ui) -> Outcome {
        ui.title("9. 归档与验证", "9. dossier and verification");
        let dossier = self.path("dossier.tar");
        host::archive(ui, &mut self.host, &dossier)?;
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

/// The award letter's text; the signed `award` record is what counts.
fn letter(lot: &str, award: &mifeng::tender::Award) -> (String, String) {
    (
        format!(
            "中标通知书  标段 {lot}：{}（{}），成交价 {} 元",
            award.name, award.bidder, award.price
        ),
        format!(
            "award letter  lot {lot}: {} ({}), contract price {} CNY",
            award.name, award.bidder, award.price
        ),
    )
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
