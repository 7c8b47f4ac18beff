//! `mifeng rules`: the law as dated data — what is shipped, what it says, what changed.

use crate::score::failure;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::crypto::HashAlg;
use mifeng::score::Name;
use mifeng::score::pack::{Date, Entry, EntryKind, Pack, Regime, diff, find, packs};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum RulesCommand {
    /// 随程序发布的规则包；给出日期则只列当日有效者 / packs shipped; with a day those in force then
    List {
        /// 日期 YYYY-MM-DD / day
        #[arg(long)]
        day: Option<String>,
        /// 行政区划代码（GB/T 2260） / region code
        #[arg(long, default_value = "000000", requires = "day")]
        region: String,
    },
    /// 一个规则包的条目，每条有条文、生效日与确定度 / the entries of a pack with article, date, certainty
    Show {
        /// 规则包编号或文件 / id of a pack, or a file
        pack: PathBuf,
        /// 只看编号以此开头的条目 / only entries whose id begins so
        #[arg(long, default_value = "")]
        entry: String,
    },
    /// 两个规则包之间变了什么 / what changed between two packs
    Diff {
        /// 旧 / before
        before: PathBuf,
        /// 新 / after
        after: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &RulesCommand, json: bool) -> Outcome {
    match command {
        RulesCommand::List { day, region } => list(ui, day.as_deref(), region, json),
        RulesCommand::Show { pack, entry } => show(ui, load(pack)?.as_ref(), entry, json),
        RulesCommand::Diff { before, after } => {
            changes(ui, load(before)?.as_ref(), load(after)?.as_ref(), json)
        }
    }
}

/// A shipped pack by id, or a file.
fn load(name: &Path) -> Result<Cow<'static, Pack>, Failure> {
    let shipped = packs().iter().find(|pack| Path::new(pack.id()) == name);
    if let Some(pack) = shipped {
        return Ok(Cow::Borrowed(pack));
    }
    let place = name.display().to_string();
    let bytes = ui::read(name)?;
    let pack = Pack::parse(&bytes).map_err(|e| failure(&e, &place))?;
    Ok(Cow::Owned(pack))
}

fn pick<'a>(ui: &Ui, name: &'a Name) -> &'a str {
    match ui.lang {
        Lang::Zh => &name.zh,
        Lang::En => &name.en,
    }
}

fn json_line(ui: &Ui, value: &impl serde::Serialize) -> Outcome {
    let line = serde_json::to_string(value).map_err(|_| Failure::malformed("rules"))?;
    ui.say(&line, &line);
    Ok(())
}

fn list(ui: &Ui, day: Option<&str>, region: &str, json: bool) -> Outcome {
    let shown: Vec<&Pack> = match day {
        None => packs().iter().collect(),
        Some(text) => {
            let none = || Failure::usage(format!("--day {text:?}: YYYY-MM-DD"));
            let day = Date::parse(text).ok_or_else(none)?;
            let both = [Regime::Procurement, Regime::Tendering];
            let found = both.map(|regime| find(regime, region, &day));
            let found: Result<Vec<&Pack>, _> = found.into_iter().collect();
            found.map_err(|e| failure(&e, "--day"))?
        }
    };
    for pack in shown {
        let (sm3, sha256) = (pack.digest(HashAlg::Sm3), pack.digest(HashAlg::Sha256));
        if json {
            json_line(
                ui,
                &serde_json::json!({"id": pack.id(), "title": pack.title(),
                "regime": pack.regime(), "regions": pack.regions(), "from": pack.from(),
                "to": pack.to(), "entries": pack.entries().len(), "sm3": sm3, "sha256": sha256}),
            )?;
            continue;
        }
        let to = pack.to().map_or("…", Date::as_str);
        let line = format!(
            "{}  {} – {to}  {}\n  sm3 {sm3}\n  sha256 {sha256}",
            pack.id(),
            pack.from().as_str(),
            pick(ui, pack.title())
        );
        ui.say(&line, &line);
    }
    Ok(())
}

/// What an entry says in one line: number, words or text.
fn said(ui: &Ui, entry: &Entry) -> String {
    let mut line = pick(ui, &entry.text).to_owned();
    if let Some(value) = &entry.value {
        let unit = entry.unit.as_deref().unwrap_or_default();
        line = format!("{value} {unit}  {line}");
    }
    if !entry.words.is_empty() {
        line = format!("{line}: {}", entry.words.join("、"));
    }
    if let Some(formula) = &entry.formula {
        line = format!("{line}: {}", formula.text.join("; "));
    }
    line
}

fn kind(kind: EntryKind) -> (&'static str, &'static str) {
    match kind {
        EntryKind::Value => ("数值", "value"),
        EntryKind::Step => ("步骤", "step"),
        EntryKind::Check => ("检查", "check"),
        EntryKind::Words => ("用语检查", "words"),
        EntryKind::Reason => ("无效投标理由", "reason"),
        EntryKind::Recheck => ("复评理由", "recheck"),
        EntryKind::Formula => ("公式", "formula"),
    }
}

fn show(ui: &Ui, pack: &Pack, prefix: &str, json: bool) -> Outcome {
    let entries: Vec<&Entry> = pack
        .entries()
        .iter()
        .filter(|entry| entry.id.starts_with(prefix))
        .collect();
    if entries.is_empty() {
        let text = format!("{}: {prefix:?}", ui.t("没有这样的条目", "no such entry"));
        return Err(Failure::refused("rules.no-entry", text));
    }
    if !json {
        let line = format!("{}  {}", pack.id(), pick(ui, pack.title()));
        ui.say(&line, &line);
    }
    for entry in entries {
        if json {
            json_line(ui, entry)?;
            continue;
        }
        let (zh, en) = kind(entry.kind);
        let until = entry.to.as_ref().map_or("", Date::as_str);
        let line = format!(
            "  {}  [{}]  {}\n    {}  {} –{until}  {}",
            entry.id,
            ui.t(zh, en),
            said(ui, entry),
            entry.article,
            entry.from.as_str(),
            entry.sure.mark()
        );
        ui.say(&line, &line);
    }
    Ok(())
}

fn changes(ui: &Ui, before: &Pack, after: &Pack, json: bool) -> Outcome {
    let found = diff(before, after);
    for change in &found {
        if json {
            json_line(ui, change)?;
            continue;
        }
        for (sign, entry) in [("-", change.before), ("+", change.after)] {
            if let Some(entry) = entry {
                let line = format!(
                    "{sign} {}  {}  〔{}〕",
                    change.id,
                    said(ui, entry),
                    entry.article
                );
                ui.say(&line, &line);
            }
        }
    }
    if found.is_empty() && !json {
        ui.say("两者相同", "no difference");
    }
    Ok(())
}
