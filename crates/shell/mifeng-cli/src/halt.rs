//! The agency postpones a deadline, suspends a tender, resumes it, or ends it.

use crate::evaluation::args::By;
use crate::person;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::Time;
use mifeng::tender::{Halt, Postpone};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TenderHalt {
    /// 代理机构：在截止之前推迟投标截止时间 / agency: move the deadline of bids, before it has come
    Postpone {
        #[command(flatten)]
        by: By,
        /// 新的截止时间，RFC 3339，整秒 / the new deadline, RFC 3339, whole seconds
        #[arg(long)]
        deadline: String,
        #[arg(long)]
        reason: String,
    },
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
        TenderHalt::Postpone {
            by,
            deadline,
            reason,
        } => return postpone(ui, by, deadline, reason),
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

fn postpone(ui: &Ui, by: &By, deadline: &str, reason: &str) -> Outcome {
    let to = Time::parse_rfc3339(deadline)
        .map_err(|_| Failure::malformed(format!("deadline {deadline:?}: RFC 3339")))?;
    let (bundle, identity) = by.open(ui)?;
    let data = Postpone {
        deadline: to,
        reason: reason.to_owned(),
    };
    person::sign(&bundle.replay, &identity, "tender.postpone", &data, &by.out)?;
    if let Some((_, notice)) = bundle.replay.state.notice() {
        let from = notice.deadline;
        ui.say(
            format!("投标截止由 {from} 推迟到 {to}；请在原截止时间之前交主机登记"),
            format!("the deadline moves from {from} to {to}; hand the record to the host before the old one"),
        );
    }
    Ok(())
}
