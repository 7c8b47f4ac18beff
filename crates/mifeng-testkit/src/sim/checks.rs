//! The invariants: what holds after every step, and at the end.

use super::Twin;
use super::run::{Lie, Run};
use crate::world::{Memory, Parts, Tender, keys};
use mifeng::crypto::Digest;
use mifeng::tender::Stage;
use mifeng::{Export, Host, Replay, Tar, Trusted, verify};
use std::collections::BTreeSet;

/// Seconds after the start at which the evaluation goes on: after all clocks that were wrong.
const EVALUATION: i64 = 1_000;
/// A panel scores in one run of this many.
const PANEL_EVERY: u64 = 3;

impl Run<'_> {
    /// A host that rewrites its past is not held to it step by step, but convicted at the end.
    fn rewrites(&self) -> bool {
        self.lied && self.lie == Some(Lie::Forget)
    }

    /// After every step.
    pub(super) fn check(&mut self) {
        let Some(host) = &self.host else { return };
        let (replay, state) = (host.replay(), host.state());
        let mut broken = None;
        let logged: BTreeSet<_> = replay.records.iter().map(|r| r.commitment).collect();
        let missing = |letter: &usize| !logged.contains(&self.letters[*letter].commitment);
        if !self.rewrites() && self.promised.iter().any(|(letter, _)| missing(letter)) {
            broken = Some("an acknowledged record is missing");
        }
        let unlogged = |commitment: &Digest| !logged.contains(commitment);
        if !self.rewrites() && self.amended.as_ref().is_some_and(unlogged) {
            broken = Some("an amendment is missing");
        }
        let close = replay
            .records
            .iter()
            .position(|r| r.kind == "submission.close");
        let after = close.map_or(&[][..], |at| &replay.records[at..]);
        if after
            .iter()
            .any(|r| r.kind.starts_with("bid.") && r.in_beat)
        {
            broken = Some("a bid stands after the close");
        }
        let released = self.trustees.iter().filter(|t| t.released).count();
        let quorum = state.board().map_or(1, |b| usize::from(b.threshold()));
        let may_open = state.stage() >= Stage::Opening && released >= quorum;
        if !may_open && state.bids().keys().any(|seal| state.sigma(seal).is_ok()) {
            broken = Some("a bid opens before the close, or below the quorum");
        }
        if let Some(what) = broken {
            self.broken(what);
        }
    }

    /// What the host holds and what anybody makes of its bundle is the same.
    pub(super) fn check_replays(&mut self) {
        let Some(host) = &self.host else { return };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let exported = host
            .export(Export::Records, &mut one)
            .and_then(|()| host.export(Export::Records, &mut two));
        let replayed = exported.and_then(|()| Replay::of(&Parts::of_tar(&one)));
        let broken = match replayed {
            Ok(_) if one != two => Some("two exports differ".to_owned()),
            Ok(again) if !same(&again, host.replay()) => Some("two replays differ".to_owned()),
            Ok(_) => None,
            Err(e) => Some(format!("a bundle does not replay: {e}")),
        };
        if let Some(what) = broken {
            self.broken(what);
        }
    }

    /// The auditor: verifies the dossier, and holds every receipt against it.
    pub(super) fn end(&mut self, over: bool) {
        self.check_witnesses();
        if !over {
            // Trustees that will not release from a liar are as good as a verdict.
            if self.lied && self.lie != Some(Lie::Tamper) {
                self.convicted |= self.lie == Some(Lie::CloseEarly);
                return self.check_convicted(None);
            }
            return self.broken("the tender does not come to an end");
        }
        let Some(dossier) = self.dossier() else {
            return;
        };
        let files = match Tar::of_bytes(dossier) {
            Ok(files) => files,
            // A changed byte may break the bundle itself: as good as a failed check.
            Err(_) if self.lied && self.lie == Some(Lie::Tamper) => {
                self.convicted = true;
                return self.check_convicted(None);
            }
            Err(e) => return self.broken(format!("the dossier is no bundle: {e}")),
        };
        let report = verify(&files, &Trusted::default()).expect("in memory");
        let failure = report
            .failure()
            .map(|f| format!("{} {:?} {}", f.id, f.code, f.saw_en));
        if let Some(failure) = failure {
            if self.lied {
                self.convicted = true;
            } else {
                return self.broken(format!("the dossier of an honest host fails: {failure}"));
            }
        }
        self.check_convicted(Replay::of(&files).ok().as_ref());
    }

    fn check_convicted(&mut self, dossier: Option<&Replay>) {
        if let Some(dossier) = dossier
            && self.twin != Some(Twin::BlindAuditor)
        {
            let held: Vec<bool> = self
                .promised
                .iter()
                .filter_map(|(letter, receipt)| {
                    Some((&self.letters[*letter].record, receipt.as_ref()?))
                })
                .map(|(record, receipt)| receipt.hold_against(record, dossier).is_ok())
                .collect();
            if held.contains(&false) {
                if self.lied {
                    self.convicted = true;
                } else {
                    return self.broken("a receipt of an honest host does not hold");
                }
            }
        }
        // A lie convicts only where somebody honest can have seen it.
        let seen = match self.lie {
            Some(Lie::Forget) => dossier.is_some() && self.forgot,
            Some(Lie::CloseEarly) => self.seen_early,
            _ => true,
        };
        if self.lied && !self.convicted && seen {
            return self.broken(format!(
                "the host lied ({:?}) and is not convicted",
                self.lie
            ));
        }
        self.seen.convicted += u64::from(self.lied && self.convicted);
    }

    /// No witness ever cosigned two heads of which neither extends the other.
    fn check_witnesses(&mut self) {
        let Some(host) = &self.host else { return };
        let tree = &host.replay().tree;
        let foreign = |head: &(u64, _)| foreign_of(tree, head);
        let forked = self.witnesses.iter().any(|witness| {
            let foreign = witness.signed.iter().filter(|head| foreign(head)).count();
            // A head of the abandoned history is no fault, unless one of this history came after it.
            foreign != 0
                && (!self.lied
                    || witness
                        .signed
                        .last()
                        .is_some_and(|head| !foreign_of(tree, head)))
        });
        if forked {
            self.broken("a witness cosigned a fork");
        }
    }

    /// The evaluation on the folder as it is, in some runs with a panel; and the archive.
    fn dossier(&mut self) -> Option<Vec<u8>> {
        let store = Memory::of(self.disk.files());
        let world = self.world;
        let host = match Host::open(store.clone(), keys(&world.cast)) {
            Ok(host) => host,
            Err(e) => {
                self.broken(format!("the folder does not open at the end: {e}"));
                return None;
            }
        };
        let mut tender = Tender::on(&world.cast, store, host, &self.seed.to_be_bytes());
        let bids = tender.host.state().to_open().len();
        if bids > 0 && self.seed.is_multiple_of(PANEL_EVERY) && !self.lied {
            let seated = tender.draw(EVALUATION);
            tender.reopen();
            if tender.evaluate(&seated, EVALUATION + 1) {
                self.seen.awarded += 1;
            }
            tender.reopen();
        }
        let mut dossier = tender.archive(EVALUATION + 2);
        if self.lie == Some(Lie::Tamper) && self.lied {
            let at = self.noise.below(dossier.len());
            dossier[at] ^= 1 << self.noise.below(8);
        }
        Some(dossier)
    }
}

fn foreign_of(tree: &mifeng::log::LogTree, (size, root): &(u64, mifeng::crypto::Digest)) -> bool {
    tree.tree().root_at(*size).ok() != Some(*root)
}

fn same(one: &Replay, two: &Replay) -> bool {
    let facts = |replay: &Replay| -> Vec<_> {
        replay
            .records
            .iter()
            .map(|r| (r.commitment, r.index, r.at))
            .collect()
    };
    // What waits for its beat is not in a bundle; and before the close no beat is disclosed.
    let (entries, hidden) = (one.tree.root() == two.tree.root(), one.hidden_beats != 0);
    entries && (hidden || facts(one) == facts(two)) && one.state.stage() == two.state.stage()
}
