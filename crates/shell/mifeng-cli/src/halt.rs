//! The agency postpones a deadline, amends the tender document, suspends a tender, resumes it, or ends it.

use crate::evaluation::args::By;
use crate::person;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::Time;
use mifeng::tender::{Amend, Document, Halt, Postpone};
use std::path::{Path, PathBuf};

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
    /// 代理机构：澄清或者修改招标文件，可顺延截止时间；标段、评分规则和开标策略不变 / agency: clarify or change the tender document, and move the deadline if need be; lots, scoring rules and policy stay
    Amend {
        #[command(flatten)]
        by: By,
        /// 澄清或修改的内容 / what is clarified or changed
        #[arg(long)]
        text: String,
        #[arg(long)]
        reason: String,
        /// 可能影响投标文件编制：须留足法定时间，不足的用 --deadline 顺延 / it may affect how bids are made: leaves the time that the law gives, or moves the deadline
        #[arg(long)]
        affects: bool,
        /// 新的截止时间，RFC 3339，整秒；不顺延则不写 / the new deadline, RFC 3339, whole seconds; none if it stays
        #[arg(long)]
        deadline: Option<String>,
        /// 新增的文件，或替换同名文件；随后送交平台 / files that are added, or replace those of their names; hand them to the host afterwards
        #[arg(long)]
        document: Vec<PathBuf>,
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
        TenderHalt::Amend {
            by,
            text,
            reason,
            affects,
            deadline,
            document,
        } => {
            let words = (text.as_str(), reason.as_str());
            return amend(ui, by, words, (*affects, deadline.as_deref()), document);
        }
        TenderHalt::Suspend { by, reason } => (by, "tender.suspend", reason),
        TenderHalt::Resume { by, reason } => (by, "tender.resume", reason),
        TenderHalt::Cancel { by, reason } => (by, "tender.cancel", reason),
    };
    let (mut bundle, identity) = by.open(ui)?;
    let data = Halt {
        reason: reason.clone(),
    };
    person::sign_due(&mut bundle, &identity, kind, &data, &by.out)
}

fn instant(deadline: &str) -> Result<Time, Failure> {
    Time::parse_rfc3339(deadline).map_err(|_| Failure::no_time("--deadline ", deadline))
}

/// The name that a file of the tender document is listed under: that of the file.
fn listed_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::malformed(format!("{}: its name", path.display())))?;
    Ok(name.to_owned())
}

fn amend(
    ui: &Ui,
    by: &By,
    (text, reason): (&str, &str),
    (affects, deadline): (bool, Option<&str>),
    files: &[PathBuf],
) -> Outcome {
    let deadline = deadline.map(instant).transpose()?;
    let (mut bundle, identity) = by.open(ui)?;
    let before = bundle.replay.state.notice();
    let before = before.map(|(_, notice)| (notice.deadline, notice.documents.clone()));
    let mut documents = Vec::new();
    for path in files {
        let content = ui::read(path)?;
        documents.push(Document {
            name: listed_name(path)?,
            size: content.len() as u64,
            hash: bundle.replay.suite().hash().digest(&content),
        });
    }
    let data = Amend {
        affects,
        deadline,
        documents,
        reason: reason.to_owned(),
        text: text.to_owned(),
    };
    person::sign_due(&mut bundle, &identity, "tender.amend", &data, &by.out)?;
    let Some((from, listed)) = before else {
        return Ok(());
    };
    let replaces = |one: &&Document| listed.iter().any(|old| old.name == one.name);
    let replaced = data.documents.iter().filter(replaces).count();
    let added = data.documents.len() - replaced;
    let to = deadline.unwrap_or(from);
    ui.say(
        format!("澄清或者修改：新增文件 {added} 件，替换 {replaced} 件（原文件仍存档），截止时间 {to}；标段、评分规则、开标策略不变。请在 {from} 之前交平台登记，再送交文件"),
        format!("clarification or change: {added} files added, {replaced} replaced (the old ones stay in the dossier), deadline {to}; lots, scoring rules and policy stay. Hand the record to the host before {from}, then the files"),
    );
    Ok(())
}

fn postpone(ui: &Ui, by: &By, deadline: &str, reason: &str) -> Outcome {
    let to = instant(deadline)?;
    let (mut bundle, identity) = by.open(ui)?;
    let before = bundle.replay.state.notice();
    let before = before.map(|(_, notice)| notice.deadline);
    let data = Postpone {
        deadline: to,
        reason: reason.to_owned(),
    };
    person::sign_due(&mut bundle, &identity, "tender.postpone", &data, &by.out)?;
    if let Some(from) = before {
        ui.say(
            format!("投标截止由 {from} 推迟到 {to}；请在原截止时间之前交平台登记"),
            format!("the deadline moves from {from} to {to}; hand the record to the host before the old one"),
        );
    }
    Ok(())
}
