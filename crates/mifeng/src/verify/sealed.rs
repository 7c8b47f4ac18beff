//! V7, V10 and V11: the sealed bids themselves.

use super::{Run, Saw};
use crate::dossier::LeftOut;
use crate::opening::Opened;
use crate::replay::Replay;
use crate::{Error, layout};
use mifeng_crypto::Digest;
use mifeng_tender::{BidLife, BidOutcome};

impl Run<'_> {
    pub(super) fn bids(&mut self, replay: &Replay) -> Result<Saw, Error> {
        for id in replay.state.outcomes().keys() {
            if self.withheld.contains_key(&layout::seal(id)) {
                continue;
            }
            let found = self.sealed.get_mut(id).ok_or_else(|| missing(id))?;
            found.fault.take().map_or(Ok(()), Err)?;
        }
        let bids = replay.state.bids();
        let (all, live) = (
            bids.len() as u64,
            bids.values().filter(|b| b.life == BidLife::Live).count(),
        );
        Ok((
            all,
            format!("收到 {all} 份密封投标，有效 {live} 份，均在截止前、绑定本项目、无重复"),
            format!(
                "{all} sealed bids received, {live} live; all on time, bound to this tender, none twice"
            ),
        ))
    }

    pub(super) fn openings(&mut self, replay: &Replay) -> Result<(Saw, Saw), Error> {
        let (mut opened, mut failed) = (0_u64, 0_u64);
        for (id, outcome) in replay.state.outcomes() {
            let name = layout::seal(id);
            if self.withheld.contains_key(&name) {
                continue;
            }
            let found = self.sealed.remove(id).ok_or_else(|| missing(id))?;
            let Some(again) = found.opened.transpose()? else {
                failed += 1;
                continue;
            };
            let (check, same) = match (outcome, &again) {
                (BidOutcome::Opened(logged), Opened::Bid(found)) => ("V10", logged == found),
                (BidOutcome::Opened(_), Opened::Fault(_)) => ("V10", false),
                (BidOutcome::Failed(logged), Opened::Fault(found)) => ("V11", logged == found),
                (BidOutcome::Failed(_), Opened::Bid(_)) => ("V11", false),
            };
            if !same {
                return Err(Error::Failed {
                    check,
                    code: "result.differs",
                    detail: format!("{name} opens to something else than the log says"),
                });
            }
            match again {
                Opened::Bid(_) => opened += 1,
                Opened::Fault(_) => failed += 1,
            }
        }
        let due = (replay.state.to_open().len() + replay.state.offers_due().len()) as u64;
        let ended = opened + failed + LeftOut::of(&self.withheld).bids as u64;
        if ended != due && !replay.state.is_halted() {
            return Err(Error::Failed {
                check: "V10",
                code: "opening.incomplete",
                detail: format!("{due} bids are to be opened, {ended} have an outcome"),
            });
        }
        Ok((
            (
                opened,
                format!("{opened} 份投标由份额重新解密，封头逐字节一致，内外签名与文件摘要相符"),
                format!(
                    "{opened} bids decrypted again from the shares; headers byte-equal, inner signatures and file hashes hold"
                ),
            ),
            (
                failed,
                format!("{failed} 份未能开标，原因均由记录推出"),
                format!("{failed} bids could not be opened, each cause follows from the records"),
            ),
        ))
    }
}

fn missing(id: &Digest) -> Error {
    Error::Failed {
        check: "V1",
        code: "file.missing",
        detail: format!("{} is missing", layout::seal(id)),
    }
}
