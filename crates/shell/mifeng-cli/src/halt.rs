//! The agency suspends a tender, resumes it, or ends it.

use crate::evaluation::args::By;
use crate::person;
use crate::ui::{Outcome, Ui};
use mifeng::tender::Halt;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TenderHalt {
    /// 代理机构：暂停项目 / agency: suspend the tender
    Suspend {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        reason: String,
    },
    /// 代理机构：恢复项目 / agency: resume the tender
    Resume {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        reason: String,
    },
    /// 代理机构：终止项目，此后不开标、不定标 / agency: cancel the tender; nothing is opened or awarded any more
    Cancel {
        #[command(flatten)]
        by: By,
        #[arg(long)]
        reason: String,
    },
}

pub(crate) fn run(ui: &Ui, command: &TenderHalt) -> Outcome {
    let (by, kind, reason) = match command {
        TenderHalt::Suspend { by, reason } => (by, "tender.suspend", reason),
        TenderHalt::Resume { by, reason } => (by, "tender.resume", reason),
        TenderHalt::Cancel { by, reason } => (by, "tender.cancel", reason),
    };
    let (bundle, identity) = by.open(ui)?;
    let data = Halt {
        reason: reason.clone(),
    };
    person::sign(&bundle.replay, &identity, kind, &data, &by.out)
}
