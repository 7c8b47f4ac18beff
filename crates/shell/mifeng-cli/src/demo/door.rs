//! Where the demo's people hand things in: a folder on the same machine, or a host over HTTP.

use crate::bundle::Bundle;
use crate::client::{self, Client};
use crate::host::{self, FolderHost};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{base64, clock};
use mifeng::crypto::SystemEntropy;
use mifeng::tender::{Stage, State};
use mifeng::{Export, Replay};
use mifeng_server::HostOrder;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// Between two looks at the host.
const LOOK: Duration = Duration::from_millis(100);

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
    /// Where the host keeps the whole dossier.
    dossier: PathBuf,
}

impl Remote {
    pub(crate) fn new(
        client: Client,
        operator: Rc<Identity>,
        (bundle, dossier): (PathBuf, PathBuf),
        pace: Duration,
    ) -> Result<Self, Failure> {
        client.bundle(&bundle)?;
        let replay = Bundle::open(&bundle)?.replay;
        Ok(Remote {
            client,
            bundle,
            replay,
            operator,
            pace,
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
        let given = self.client.submit(record, bid)?;
        if let Some(out) = receipt {
            ui::write(out, &given.to_file()?)?;
        }
        self.refresh()
    }

    fn order(&mut self, order: &HostOrder) -> Outcome {
        let signed = client::signed_order(&self.replay, &self.operator, order)?;
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

    /// Closes the log and leaves the whole dossier at `out`; `keys` opens those of the host's folder.
    pub(crate) fn archive(&mut self, ui: &Ui, keys: (&Ui, &Path), out: &Path) -> Outcome {
        match self {
            Door::Folder(host) => host::archive(ui, host, keys, out),
            Door::Http(remote) => {
                remote.order(&HostOrder::Archive {})?;
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
