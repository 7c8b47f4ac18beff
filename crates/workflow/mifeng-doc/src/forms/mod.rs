//! The papers of a tender, from its records.
//!
//! Each shows one record, names its digest, and says nothing that the records do not say: what a
//! clerk would type from memory is taken from the replayed log.

mod award;
mod contract;
mod draw;
mod evaluation;
mod opening;
mod receipt;
mod verification;
mod words;

pub use award::{award, losers};
pub use contract::contract;
pub use draw::draw;
pub use evaluation::{report, scores};
pub use opening::{ceremony, opening};
pub use receipt::{Received, receipt};
pub use verification::{Check, Verification, verification};

use crate::{Closing, Paper};
use mifeng_crypto::{Digest, Time};
use mifeng_tender::{Notice, Procedure, Regime, State};

/// A record of the log, as the papers need it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its kind, as `opening.minutes`.
    pub kind: String,
    /// The lot that it names.
    pub lot: Option<String>,
    /// The bid that it names.
    pub seal: Option<Digest>,
    /// The name in the signer's certificate.
    pub signer: String,
    /// The certificate's fingerprint.
    pub actor: Digest,
    /// The signer's clock.
    pub time: Time,
    /// What stands for it in the log.
    pub commitment: Digest,
}

/// A replayed tender.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// What the records amount to.
    pub state: &'a State,
    /// The records in their order.
    pub lines: &'a [Line],
}

impl<'a> Source<'a> {
    fn notice(&self) -> Option<&'a Notice> {
        self.state.notice().map(|(_, notice)| notice)
    }

    /// The last record of a kind, of this lot if one is named.
    fn line(&self, kind: &str, lot: Option<&str>) -> Option<&'a Line> {
        let fits =
            |line: &&Line| line.kind == kind && (lot.is_none() || line.lot.as_deref() == lot);
        self.lines.iter().rev().find(fits)
    }

    fn of_kind(&self, kind: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.kind == kind)
    }

    /// The name of whoever holds this certificate, if it signed anything.
    fn name(&self, cert: &Digest) -> Option<&'a str> {
        let line = self.lines.iter().find(|line| line.actor == *cert)?;
        Some(&line.signer)
    }

    /// 开标 in tendering; elsewhere what arrived is opened without a ceremony of that name.
    fn open_word(&self) -> &'static str {
        match self.is_tendering() {
            true => "开标",
            false => "开启",
        }
    }

    /// 投标 in tendering, 响应 in the other procedures.
    fn bid_word(&self) -> &'static str {
        match self.is_tendering() {
            true => "投标",
            false => "响应",
        }
    }

    fn is_tendering(&self) -> bool {
        let tendering = [Procedure::Open, Procedure::Invited, Procedure::Works];
        self.notice()
            .is_some_and(|n| tendering.contains(&n.procedure))
    }

    /// Whether it is under the law of tendering, not of government procurement.
    fn is_works(&self) -> bool {
        self.notice()
            .is_some_and(|n| n.procedure.profile().regime == Regime::Tendering)
    }

    /// A paper about one record.
    fn paper(&self, title: &str, line: &Line) -> Option<Paper> {
        let notice = self.notice()?;
        let rehearsal = if notice.rehearsal { "（演练）" } else { "" };
        Some(Paper {
            title: vec![format!("{}{rehearsal}", notice.title.zh), title.to_owned()],
            number: format!("项目编号：{}", notice.tender),
            record: Some(line.commitment),
            origin: self.state.origin().to_owned(),
            made: line.time,
            blocks: Vec::new(),
        })
    }

    fn lot_title(&self, lot: &str) -> String {
        let title = self.notice().and_then(|notice| notice.lot(lot));
        title.map_or_else(String::new, |lot| {
            format!("标段{} {}", lot.id, lot.title.zh)
        })
    }
}

fn closing(party: &str, time: Time) -> crate::Block {
    crate::Block::Closing(Closing {
        party: party.to_owned(),
        date: words::date(time),
        seal: true,
    })
}
