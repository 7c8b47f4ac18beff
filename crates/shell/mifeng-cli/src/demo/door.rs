//! Where the demo's people hand things in: a folder on the same machine, or a host over HTTP.

use super::act::Known;
use super::stop::Stop;
use crate::bundle::Bundle;
use crate::client::Client;
use crate::evaluation::offers;
use crate::host::{self, FolderHost};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{base64, clock};
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::lock::tlock::Beacon;
use mifeng::tender::{BidOutcome, Stage, State};
use mifeng::{Export, Replay};
use mifeng_server::HostOrder;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// Between two looks at the host.
const LOOK: Duration = Duration::from_millis(100);

/// The trustee whose part somebody at the keyboard does, if anybody does.
pub(crate) const BY_HAND: u8 = 1;

/// The host as the demo's people reach it.
pub(crate) enum Door {
    /// The engine itself.
    Folder(Box<FolderHost>),
    /// A host over HTTP.
    Http(Box<Remote>),
}

/// A host over HTTP, and what its last bundle amounts to.
pub(crate) struct Remote {
    client: Client,
    /// Where the bundle goes.
    bundle: PathBuf,
    pub(super) replay: Replay,
    /// What the log has of the demo's acts.
    pub(super) known: Known,
    /// The platform's own key, for its orders.
    operator: Rc<Identity>,
    /// How the play goes.
    manner: Manner,
    /// Record of a bid that somebody at the browser hands in, until it is in the log.
    left: Option<PathBuf>,
    /// Where the host keeps the whole dossier.
    dossier: PathBuf,
}

/// How the play goes over HTTP.
pub(crate) struct Manner {
    /// Between two acts of people, so that somebody can follow them.
    pub(super) pace: Duration,
    /// A bid of bidder 1 and the release of trustee 1 are left to somebody at the browser.
    pub(super) by_hand: bool,
    /// Whatever is refused ends it.
    pub(super) strict: bool,
    pub(super) stop: Stop,
}

impl Remote {
    pub(crate) fn new(
        client: Client,
        operator: Rc<Identity>,
        (bundle, dossier): (PathBuf, PathBuf),
        manner: Manner,
    ) -> Result<Self, Failure> {
        client.bundle(&bundle)?;
        let replay = Bundle::open(&bundle)?.replay;
        Ok(Remote {
            client,
            bundle,
            replay,
            known: Known::default(),
            operator,
            manner,
            left: None,
            dossier,
        })
    }

    pub(super) fn refresh(&mut self) -> Outcome {
        self.client.bundle(&self.bundle)?;
        self.replay = Bundle::open(&self.bundle)?.replay;
        Ok(())
    }

    /// Whether whatever is refused ends the play.
    pub(super) fn is_strict(&self) -> bool {
        self.manner.strict
    }

    /// Another look at the log, after a while; nothing comes any more once the tender is over.
    pub(super) fn look(&mut self) -> Outcome {
        let state = &self.replay.state;
        let cancelled = state.is_cancelled() && state.closed().is_some();
        if cancelled || state.stage() == Stage::Archived {
            let mut failure =
                Failure::refused("demo.over", "somebody cancelled or archived the tender");
            failure.zh = Some("项目已被他人终止或归档".to_owned());
            return Err(failure);
        }
        self.manner.stop.pause(LOOK)?;
        let size = self.client.glance()?.size;
        if size != self.replay.tree.size() {
            self.refresh()?;
        }
        Ok(())
    }

    /// Waits until the host has done by itself what the clock or the log made due.
    pub(super) fn wait(&mut self, done: impl Fn(&State) -> bool) -> Outcome {
        self.wait_until(done, |_| None).map(|_| ())
    }

    /// The same, but no longer than until an instant that the log gives; whether it was done.
    fn wait_until(
        &mut self,
        done: impl Fn(&State) -> bool,
        end: impl Fn(&State) -> Option<Time>,
    ) -> Result<bool, Failure> {
        self.refresh()?;
        while !done(&self.replay.state) {
            if end(&self.replay.state).is_some_and(|end| clock::now() >= end) {
                return Ok(false);
            }
            self.look()?;
        }
        Ok(true)
    }

    /// Waits for the close, and meanwhile for the bid that somebody at the browser hands in.
    fn close(&mut self, ui: &Ui) -> Outcome {
        while matches!(&*self.client.glance()?.stage, "setup" | "open") {
            self.look_for_left(ui)?;
            self.manner.stop.pause(LOOK)?;
        }
        // It may have come in the last beat.
        self.look_for_left(ui)?;
        self.refresh()
    }

    /// The receipt of the bid that is left to somebody, once it is in the log.
    fn look_for_left(&mut self, ui: &Ui) -> Outcome {
        let Some(record) = &self.left else {
            return Ok(());
        };
        let Some(receipt) = self.client.receipt_if_any(record)? else {
            return Ok(());
        };
        let path = record.with_extension("receipt");
        ui::write(&path, &receipt.to_file()?)?;
        ui.say(
            format!("您的投标已入日志，回执 {}", path.display()),
            format!("your bid is in the log, receipt {}", path.display()),
        );
        self.left = None;
        Ok(())
    }

    fn accept(&mut self, record: &Path, bid: Option<&Path>, receipt: Option<&Path>) -> Outcome {
        self.manner.stop.pause(self.manner.pace)?;
        let given = self.client.submit(record, bid)?;
        if let Some(out) = receipt {
            ui::write(out, &given.to_file()?)?;
        }
        self.refresh()
    }

    fn order(&mut self, order: &HostOrder) -> Outcome {
        let signed = crate::net::signed_order(&self.replay, &self.operator, order)?;
        self.client.order(&signed)?;
        self.refresh()
    }
}

impl Door {
    /// What the log amounts to, as far as one may know it here.
    pub(crate) fn state(&self) -> &State {
        match self {
            Door::Folder(host) => host.state(),
            Door::Http(remote) => &remote.replay.state,
        }
    }

    /// The host over HTTP, where others may do what the demo's people do.
    pub(super) fn shared(&mut self) -> Option<&mut Remote> {
        match self {
            Door::Folder(_) => None,
            Door::Http(remote) => Some(remote),
        }
    }

    /// Whether others may do what the demo's people do.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Door::Http(_))
    }

    /// How long somebody who hands in waits first.
    pub(super) fn pace(&self) -> Duration {
        match self {
            Door::Folder(_) => Duration::ZERO,
            Door::Http(remote) => remote.manner.pace,
        }
    }

    /// Sleeps until then.
    pub(super) fn sleep_until(&self, end: Time) -> Outcome {
        while clock::now() < end {
            match self {
                Door::Folder(_) => std::thread::sleep(LOOK),
                Door::Http(remote) => remote.manner.stop.pause(LOOK)?,
            }
        }
        Ok(())
    }

    /// The engine itself, for parts that need it.
    pub(crate) fn folder(&mut self) -> Result<&mut FolderHost, Failure> {
        match self {
            Door::Folder(host) => Ok(host),
            Door::Http(_) => Err(Failure::usage(
                "this part of the demo runs on a folder only / 演示的这一部分只支持文件夹",
            )),
        }
    }

    pub(crate) fn accept(
        &mut self,
        ui: &Ui,
        record: &Path,
        bid: Option<&Path>,
        receipt: Option<&Path>,
    ) -> Outcome {
        match self {
            Door::Folder(host) => host::accept(ui, host, record, bid, receipt),
            Door::Http(remote) => remote.accept(record, bid, receipt),
        }
    }

    /// A file of the tender document, once the notice names it.
    pub(crate) fn document(&mut self, content: &[u8]) -> Outcome {
        match self {
            Door::Folder(host) => host
                .add_document(content)
                .map(|_| ())
                .map_err(Failure::from),
            Door::Http(remote) => {
                let hash = remote.replay.suite().hash().digest(content);
                remote.client.document(&hash, content)?;
                remote.refresh()
            }
        }
    }

    /// A bundle of what the log holds now.
    pub(crate) fn bundle(&self, out: &Path) -> Outcome {
        match self {
            Door::Folder(host) => host::export(host, Export::Records, out),
            Door::Http(remote) => remote.client.bundle(out),
        }
    }

    pub(crate) fn cosign(&mut self, note: &[u8]) -> Outcome {
        match self {
            Door::Folder(host) => host
                .add_cosignature(note)
                .map(|_| ())
                .map_err(Failure::from),
            Door::Http(remote) => remote.client.cosign(note),
        }
    }

    pub(crate) fn stamp(&mut self, token: &[u8]) -> Outcome {
        match self {
            Door::Folder(host) => Ok(host.add_stamp(token)?),
            Door::Http(remote) => remote.client.stamp(token),
        }
    }

    /// Waits for the close.
    pub(crate) fn close(&mut self, ui: &Ui) -> Outcome {
        match self {
            Door::Folder(host) => host::close(ui, host, true),
            Door::Http(remote) => remote.close(ui),
        }
    }

    pub(crate) fn close_window(&mut self) -> Outcome {
        match self {
            Door::Folder(host) => Ok(host.close_window(clock::now(), &mut SystemEntropy::new())?),
            Door::Http(remote) => remote.wait(|state| state.stage() >= Stage::Opening),
        }
    }

    /// Opens what can be opened; over HTTP the host does so by itself.
    pub(crate) fn open_bids(&mut self, ui: &Ui, out: &Path, give_up: bool) -> Outcome {
        match self {
            Door::Folder(host) => host::open_bids(ui, host, out, give_up),
            Door::Http(remote) => {
                let opened = |state: &State| {
                    let known = |seal| state.outcomes().contains_key(seal);
                    state.to_open().iter().all(known)
                };
                if !remote.wait_until(opened, shares_end)? {
                    if awaits_shares(&remote.replay.state) {
                        ui.say(
                            "受托人释放份额的时间已过，仍有投标缺少份额：平台放弃开启",
                            "the trustees' time is over and bids lack shares: the host gives them up",
                        );
                        remote.order(&HostOrder::GiveUp {})?;
                    } else {
                        ui.say(
                            "有投标的投标人没有释放，别人不能代替：平台自行认定",
                            "bids whose bidder released nothing, for whom nobody stands in: the host ends them",
                        );
                    }
                    remote.wait(opened)?;
                }
                let outcomes = remote.replay.state.outcomes().values();
                let count = outcomes
                    .filter(|o| matches!(o, BidOutcome::Opened(_)))
                    .count();
                ui.say(
                    format!("平台开启了 {count} 份投标"),
                    format!("the host opened {count} bids"),
                );
                Ok(())
            }
        }
    }

    /// Whether a part is left to somebody at the keyboard.
    pub(super) fn is_by_hand(&self) -> bool {
        match self {
            Door::Folder(_) => false,
            Door::Http(remote) => remote.manner.by_hand,
        }
    }

    /// Whether a trustee's part is.
    pub(crate) fn leaves_out(&self, trustee: u8) -> bool {
        self.is_by_hand() && trustee == BY_HAND
    }

    /// Leaves a bid to somebody at the browser: its record.
    pub(super) fn leave(&mut self, ui: &Ui, record: &Path, bid: &Path) {
        let Door::Http(remote) = self else {
            return;
        };
        remote.left = Some(record.to_owned());
        let (url, program) = (remote.client.page(), super::online::program());
        let (record, bid) = (record.display(), bid.display());
        ui.say(
            format!(
                "由您来做：在 {url}/bid 提交\n    {record}\n    {bid}\n  \
                 或运行 {program} send --host {url} {record} --bid {bid}"
            ),
            format!(
                "left to you: at {url}/bid send\n    {record}\n    {bid}\n  \
                 or run {program} send --host {url} {record} --bid {bid}"
            ),
        );
    }

    /// Whether the bid that was left to somebody never came.
    pub(super) fn is_bid_missing(&self) -> bool {
        match self {
            Door::Folder(_) => false,
            Door::Http(remote) => remote.left.is_some(),
        }
    }

    /// Waits until a trustee's shares are in the log, or nothing waits for them; not, if the time for them is over.
    pub(crate) fn wait_for_shares(&mut self, trustee: u8) -> Result<bool, Failure> {
        let Door::Http(remote) = self else {
            return Ok(true);
        };
        let given = |state: &State| {
            let mut shares = state.shares().values();
            shares.any(|given| given.contains_key(&trustee)) || !awaits_shares(state)
        };
        remote.wait_until(given, shares_end)
    }

    /// Takes a beacon in.
    pub(crate) fn beacon(&mut self, beacon: &Beacon) -> Outcome {
        match self {
            Door::Folder(host) => {
                Ok(host.add_beacon(beacon, clock::now(), &mut SystemEntropy::new())?)
            }
            Door::Http(remote) => {
                let bytes = serde_json::to_vec(beacon);
                let bytes = bytes.map_err(|e| Failure::malformed(e.to_string()))?;
                remote.client.beacon(&bytes)?;
                remote.refresh()
            }
        }
    }

    /// Waits for the close of a round of final offers; over HTTP the host closes it by itself.
    pub(crate) fn close_round(&mut self, ui: &Ui, lot: &str) -> Outcome {
        match self {
            Door::Folder(host) => offers::close_round(ui, host, lot, true),
            Door::Http(remote) => {
                remote.wait(|state| state.round(lot).is_some_and(|round| round.closed))
            }
        }
    }

    pub(crate) fn close_round_window(&mut self, lot: &str) -> Outcome {
        match self {
            Door::Folder(host) => {
                Ok(host.close_round_window(lot, clock::now(), &mut SystemEntropy::new())?)
            }
            Door::Http(remote) => remote.wait(|state| {
                let round = state.round(lot);
                round.is_some_and(|round| round.window_closed.is_some())
            }),
        }
    }

    /// Opens the final offers of a lot; over HTTP the host does so by itself.
    pub(crate) fn open_offers(&mut self, ui: &Ui, lot: &str, out: &Path) -> Outcome {
        match self {
            Door::Folder(host) => offers::open_offers(ui, host, lot, out),
            Door::Http(remote) => {
                let opened = |state: &State| {
                    let known = |seal| state.outcomes().contains_key(seal);
                    state.offers_to_open(lot).iter().all(known)
                };
                match remote.wait_until(opened, shares_end)? {
                    true => Ok(()),
                    false => Err(offers_short()),
                }
            }
        }
    }

    /// Closes the log and leaves the whole dossier at `out`; `keys` opens those of the host's folder.
    pub(crate) fn archive(&mut self, ui: &Ui, keys: (&Ui, &Path), out: &Path) -> Outcome {
        match self {
            Door::Folder(host) => host::archive(ui, host, keys, out),
            Door::Http(remote) => {
                remote.order(&HostOrder::Archive {})?;
                // The host offers the public one once the proof of the anchor log is in the whole one.
                remote.client.dossier(out)?;
                std::fs::copy(&remote.dossier, out).map_err(|e| Failure::io(out, &e))?;
                Ok(())
            }
        }
    }

    /// Takes in a revocation list that counts from its own date.
    pub(crate) fn list(&mut self, der: &[u8]) -> Outcome {
        match self {
            Door::Folder(host) => Ok(host.add_crl(der)?),
            Door::Http(remote) => remote.order(&HostOrder::List { der: base64(der) }),
        }
    }
}

/// The end of the time in which trustees may release for the bids that have no outcome, as the engine counts it; long ago
/// where no share of theirs opens one.
fn shares_end(state: &State) -> Option<Time> {
    let due = state.due_now().into_iter();
    let open = due.filter(|seal| !state.outcomes().contains_key(seal));
    let end = open.map(|seal| state.waits_until(&seal)).max()?;
    Some(end.unwrap_or(Time::from_unix_seconds(0)))
}

/// Whether shares of trustees could still open a bid.
pub(super) fn awaits_shares(state: &State) -> bool {
    let due = state.due_now();
    let mut open = due
        .iter()
        .filter(|seal| !state.outcomes().contains_key(seal));
    open.any(|seal| state.can_open(seal))
}

fn offers_short() -> Failure {
    let mut failure = Failure::refused(
        "demo.offers-short",
        "final offers lack shares, and the time for releasing them is over",
    );
    failure.zh = Some("最后报价缺少份额，释放时间已过".to_owned());
    failure
}
