//! Where the demo's people hand things in: a folder on the same machine, or a host over HTTP.

use crate::bundle::Bundle;
use crate::client::Client;
use crate::evaluation::offers;
use crate::host::{self, FolderHost};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{base64, clock};
use mifeng::crypto::SystemEntropy;
use mifeng::lock::tlock::Beacon;
use mifeng::tender::{Stage, State};
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
    replay: Replay,
    /// The platform's own key, for its orders.
    operator: Rc<Identity>,
    /// Between two acts of people, so that somebody can follow them.
    pace: Duration,
    /// Record of a bid that somebody at the browser hands in; trustee 1 is somebody's too then.
    by_hand: Option<PathBuf>,
    /// Where the host keeps the whole dossier.
    dossier: PathBuf,
}

impl Remote {
    pub(crate) fn new(
        client: Client,
        operator: Rc<Identity>,
        (bundle, dossier): (PathBuf, PathBuf),
        (pace, by_hand): (Duration, Option<PathBuf>),
    ) -> Result<Self, Failure> {
        client.bundle(&bundle)?;
        let replay = Bundle::open(&bundle)?.replay;
        Ok(Remote {
            client,
            bundle,
            replay,
            operator,
            pace,
            by_hand,
            dossier,
        })
    }

    fn refresh(&mut self) -> Outcome {
        self.client.bundle(&self.bundle)?;
        self.replay = Bundle::open(&self.bundle)?.replay;
        Ok(())
    }

    /// Waits until the host has done by itself what the clock or the log made due.
    fn wait(&mut self, done: impl Fn(&State) -> bool) -> Outcome {
        loop {
            self.refresh()?;
            if done(&self.replay.state) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    fn accept(&mut self, record: &Path, bid: Option<&Path>, receipt: Option<&Path>) -> Outcome {
        std::thread::sleep(self.pace);
        let given = match self.by_hand.as_deref() == Some(record) {
            true => self.client.receipt_of_others(record)?,
            false => self.client.submit(record, bid)?,
        };
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
            Door::Http(remote) => remote.wait(|state| state.closed().is_some()),
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
                remote.wait(opened)?;
                let count = remote.replay.state.outcomes().len();
                ui.say(
                    format!("平台开启了 {count} 份投标"),
                    format!("the host opened {count} bids"),
                );
                Ok(())
            }
        }
    }

    /// Whether a trustee's part is done by somebody at the keyboard.
    pub(crate) fn leaves_out(&self, trustee: u8) -> bool {
        match self {
            Door::Folder(_) => false,
            Door::Http(remote) => remote.by_hand.is_some() && trustee == BY_HAND,
        }
    }

    /// Waits until a trustee's shares are in the log.
    pub(crate) fn wait_for_shares(&mut self, trustee: u8) -> Outcome {
        match self {
            Door::Folder(_) => Ok(()),
            Door::Http(remote) => remote.wait(|state| {
                let mut shares = state.shares().values();
                shares.any(|given| given.contains_key(&trustee))
            }),
        }
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
            Door::Http(remote) => remote.wait(|state| {
                let known = |seal| state.outcomes().contains_key(seal);
                state.offers_to_open(lot).iter().all(known)
            }),
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
