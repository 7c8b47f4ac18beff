//! The stages of the demo's tender, in the order of the law.

use super::act::{Act, Done};
use super::door::Door;
use super::method::MethodName;
use super::world::{self, World};
use super::{DemoArgs, PolicyName, called, faults, plan};
use crate::bundle::Bundle;
use crate::host::FolderHost;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{check, clock, notice, person};
use mifeng::Trusted;
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::lock::tlock::ChainKey;
use mifeng::tender::BidLife;
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
    pub(super) clock: Option<ChainKey>,
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
        super::private_folder(root, true)?;
        ended = run_within(ui, args, root, factor);
    }
    ended
}

fn run_within(ui: &Ui, args: &DemoArgs, root: &Path, patience: u64) -> Outcome {
    let mut tender = Tender::start(ui, args, root, patience * sealing_seconds(args))?;
    tender.patience = patience;
    tender.finish(ui, args)
}

impl Tender {
    /// Everything after the notice, to the verified dossier and its papers.
    pub(crate) fn finish(mut self, ui: &Ui, args: &DemoArgs) -> Outcome {
        let played = self.play(ui, args);
        // Somebody with the agency's key may have cancelled the tender: then it is archived as it is.
        if played.is_err() && self.is_cancelled_by_others()? {
            ui.say(
                "项目已由他人终止：按现状归档",
                "the tender was cancelled by somebody: archived as it is",
            );
        } else {
            played?;
        }
        self.archive(ui)?;
        self.documents(ui, args)
    }

    /// From the bids to the award.
    fn play(&mut self, ui: &Ui, args: &DemoArgs) -> Outcome {
        self.receive_bids(ui, args)?;
        self.close(ui)?;
        self.open(ui)?;
        self.evaluate(ui)?;
        self.award(ui)
    }

    fn is_cancelled_by_others(&mut self) -> Result<bool, Failure> {
        let Some(remote) = self.host.shared() else {
            return Ok(false);
        };
        remote.refresh()?;
        if remote.replay.state.is_cancelled() {
            // A cancelled tender is closed at its deadline all the same.
            remote.wait(|state| state.closed().is_some())?;
        }
        Ok(remote.replay.state.is_cancelled())
    }
}

/// How far ahead the deadline must be so that every bid is in before it: the demo seals one bid
/// after the other on this machine.
pub(super) fn sealing_seconds(args: &DemoArgs) -> u64 {
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
        plan.documents = called::document(&plan, &self.path("agency"))?
            .into_iter()
            .collect();
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
        for document in &plan.documents {
            self.host
                .document(&ui::read(&self.path("agency").join(document))?)?;
        }
        let profile = self.method.procedure().profile();
        let shown = deadline.in_china();
        ui.say(
            format!(
                "《{}》{}（演练）：{}；开标策略 {}，截止 {shown}（北京时间）",
                plan.title.zh,
                profile.zh,
                self.method.shown().0,
                self.policy.name()
            ),
            format!(
                "\"{}\", {} (rehearsal): {}; policy {}, deadline {shown} (Beijing time)",
                plan.title.en,
                profile.en,
                self.method.shown().1,
                self.policy.name()
            ),
        );
        Ok(())
    }

    pub(crate) fn lots(&self) -> &'static [&'static str] {
        self.method.lots()
    }

    pub(super) fn bundle_path(&self) -> PathBuf {
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
        self.wait_for_trustees(ui)?;
        self.host.open_bids(ui, &out, self.world.faults)?;
        let minutes = self.path("agency/minutes.rec");
        let act = Act::new("agency", "opening.minutes", minutes).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            person::minutes(agency, bundle, &act.out)
        })?;
        let mut present = vec!["buyer".to_owned()];
        let trustees = self.world.present().into_iter();
        present.extend(trustees.map(|index| format!("trustee{index}")));
        let faults = self.world.faults;
        let absent = |number: usize| faults && number == faults::ABSENT;
        let state = self.host.state();
        let bid = |number: usize| {
            let code = world::credit_code(number);
            let mut bids = state.bids().values();
            bids.any(|bid| bid.seal.context().bidder == code)
        };
        let bidders = (1..=self.bidders).filter(|n| !absent(*n) && bid(*n));
        present.extend(bidders.map(|number| format!("bidder{number}")));
        let bundle = self.bundle()?;
        let mut signed = 0;
        for who in &present {
            let act = Act::new(who, "opening.sign", self.path(format!("{who}/minutes.rec")));
            let done = self.act(ui, &act, &bundle, |_, signer, bundle| {
                person::sign_minutes(signer, bundle, &act.out)
            })?;
            signed += usize::from(done != Done::Not);
        }
        ui.say(
            format!("开标记录由代理机构与 {signed} 方在场人员签名"),
            format!("opening record signed by the agency and {signed} present"),
        );
        if faults {
            self.show_statuses(ui);
        }
        // The last of those whose bid counts: the first one may be left to somebody at the browser.
        let asker =
            (1..=self.bidders).rfind(|number| !absent(*number) && self.has_live_bid(*number));
        match asker {
            Some(number) => self.ask_at_opening(ui, &format!("bidder{number}")),
            None => self.answer_at_opening(ui),
        }
    }

    fn has_live_bid(&self, number: usize) -> bool {
        let code = world::credit_code(number);
        let mut bids = self.host.state().bids().values();
        bids.any(|bid| bid.life == BidLife::Live && bid.seal.context().bidder == code)
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
