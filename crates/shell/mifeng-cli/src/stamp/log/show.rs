//! `mifeng stamp log show|expiring`.

use super::{Whom, read};
use crate::cert::TrustArgs;
use crate::clock;
use crate::stamp::kind_name;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::crypto::Digest;
use mifeng::registry::Register;
use mifeng::seals::{Alert, Application, Entered, Expiring, Fate, Made, Number};
use mifeng::stamp::SealKind;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub(crate) struct ShowArgs {
    /// 制章者导出的印章登记 / the register, as its maker exports it
    #[arg(long)]
    registry: PathBuf,
    /// 从前导出的登记：此后不得撤回或更改 / one exported earlier: nothing in it may have been taken back
    #[arg(long)]
    earlier: Option<PathBuf>,
    #[command(flatten)]
    whom: TrustArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ExpiringArgs {
    /// 制章者导出的印章登记 / the register, as its maker exports it
    #[arg(long)]
    registry: PathBuf,
    #[command(flatten)]
    whom: TrustArgs,
}

pub(super) fn run(ui: &Ui, args: &ShowArgs, json: bool) -> Outcome {
    let whom = Whom::of(&args.whom, args.whom.at()?)?;
    let register = read(&args.registry, &whom.reader())?;
    if let Some(path) = &args.earlier {
        let earlier = read(path, &whom.reader())?;
        if !register.extends(&earlier) {
            let text = "the earlier register is not a beginning of this one";
            let mut failure = Failure::refused("registry.fork", text);
            failure.zh = Some("从前的登记不是这份登记的开头：有记录被撤回或更改".to_owned());
            return Err(failure.at(&args.registry));
        }
    }
    if json {
        ui.tell(true, &as_json(&register), "", "");
        return Ok(());
    }
    let state = &register.state;
    let (origin, count) = (state.origin(), register.lines.len());
    let root = register.head().checkpoint().root();
    ui.say(
        format!("印章登记 {origin}：{count} 条记录，根 {root}"),
        format!("register {origin}: {count} records, root {root}"),
    );
    for line in &register.lines {
        ui.print(&format!(
            "  {:>4} {} {} {} {}",
            line.index, line.time, line.kind, line.signer, line.commitment
        ));
    }
    for (id, one) in state.applications() {
        say_application(ui, id, one);
    }
    for (name, number) in state.numbers() {
        say_number(ui, name, number, state.seals());
    }
    let mut uses: Vec<(&Digest, &Entered)> = state.uses().iter().collect();
    uses.sort_by_key(|(_, one)| one.nth);
    for (id, one) in uses {
        say_use(ui, id, one);
    }
    Ok(())
}

fn say_application(ui: &Ui, id: &Digest, one: &Application) {
    let (zh, en) = match &one.fate {
        Fate::Pending => ("待制章".to_owned(), "pending".to_owned()),
        Fate::Made(_) => ("已制章".to_owned(), "made".to_owned()),
        Fate::Declined(why) => (format!("不予制章：{why}"), format!("declined: {why}")),
    };
    let (unit, name) = (&one.data.form.unit.name, &one.data.name);
    ui.say(
        format!("申请 {id}\n  {unit}，{name}：{zh}"),
        format!("application {id}\n  {unit}, {name}: {en}"),
    );
}

fn say_number(
    ui: &Ui,
    name: &str,
    number: &Number,
    seals: &std::collections::BTreeMap<Digest, Made>,
) {
    for edition in &number.editions {
        let Some(made) = seals.get(edition) else {
            continue;
        };
        let kind = kind_name(ui, SealKind(made.kind));
        let (from, until, what) = (made.valid_from, made.valid_until, &made.name);
        ui.say(
            format!("印章 {name} {what}\n  类型 {kind}，有效期 {from} 至 {until}\n  SM3 {edition}"),
            format!(
                "seal {name} {what}\n  kind {kind}, in force {from} to {until}\n  SM3 {edition}"
            ),
        );
    }
    if let Some(revoke) = &number.revoked {
        let ((zh, en), from, note) = (revoke.reason.names(), revoke.from, &revoke.note);
        ui.say(
            format!("  自 {from} 起注销：{zh} {note}"),
            format!("  revoked from {from}: {en} {note}"),
        );
    }
}

fn say_use(ui: &Ui, id: &Digest, one: &Entered) {
    let (zh, en) = match (one.dual, one.approved) {
        (false, _) => (String::new(), String::new()),
        (true, None) => ("，待批准".to_owned(), ", waits for consent".to_owned()),
        (true, Some(at)) => (format!("，{at} 批准"), format!(", consented {at}")),
    };
    let (at, number, asked) = (one.at, &one.number, &one.data);
    ui.say(
        format!(
            "用印 {id}\n  {at} {number} {}：{}，{}（{}）{zh}",
            asked.person, asked.reason, asked.title, asked.document
        ),
        format!(
            "use {id}\n  {at} {number} {}: {}, {} ({}){en}",
            asked.person, asked.reason, asked.title, asked.document
        ),
    );
}

fn as_json(register: &Register) -> Value {
    let state = &register.state;
    let applications = state.applications().iter().map(|(id, one)| {
        let (fate, detail) = match &one.fate {
            Fate::Pending => ("pending", None),
            Fate::Made(seal) => ("made", Some(seal.to_string())),
            Fate::Declined(why) => ("declined", Some(why.clone())),
        };
        json!({
            "record": id, "unit": one.data.form.unit.name, "name": one.data.name, "kind": one.data.kind,
            "until": one.data.until, "dual": one.data.dual, "key": one.data.key,
            "at": one.at, "fate": fate, "detail": detail,
        })
    });
    let seals = state.seals().iter().map(|(sm3, made)| {
        let number = state.numbers().get(&made.number);
        let revoked = number.and_then(|number| number.revoked.as_ref());
        json!({
            "sm3": sm3, "number": made.number, "name": made.name, "kind": made.kind,
            "valid_from": made.valid_from, "valid_until": made.valid_until, "dual": made.dual,
            "revoked": revoked.map(|r| json!({"from": r.from, "reason": r.reason, "note": r.note})),
        })
    });
    let uses = state.uses().iter().map(|(id, one)| {
        json!({
            "record": id, "number": one.number, "seal": one.data.seal, "document": one.data.document,
            "title": one.data.title, "person": one.data.person, "reason": one.data.reason,
            "at": one.at, "dual": one.dual, "approved": one.approved,
        })
    });
    let records = register.lines.iter().map(|line| {
        json!({
            "index": line.index, "type": line.kind, "time": line.time, "signer": line.signer,
            "record": line.commitment,
        })
    });
    json!({
        "origin": state.origin(), "size": register.lines.len(),
        "root": register.head().checkpoint().root(),
        "records": records.collect::<Vec<_>>(),
        "applications": applications.collect::<Vec<_>>(),
        "seals": seals.collect::<Vec<_>>(),
        "uses": uses.collect::<Vec<_>>(),
    })
}

pub(super) fn expiring(ui: &Ui, args: &ExpiringArgs, json: bool) -> Outcome {
    let at = args.whom.at()?;
    // Whom to trust is asked as of now; when seals end, as of the instant asked about.
    let whom = Whom::of(&args.whom, clock::now())?;
    let found = read(&args.registry, &whom.reader())?.state.expiring(at);
    if json {
        let one = |e: &Expiring| {
            json!({
                "number": e.number, "name": e.name, "until": e.until, "days": e.days,
                "alert": e.alert.code(), "sm3": e.seal,
            })
        };
        let all: Vec<Value> = found.iter().map(one).collect();
        ui.tell(true, &json!({"at": at, "expiring": all}), "", "");
        return Ok(());
    }
    if found.is_empty() {
        ui.say("60 天内没有印章到期", "no seal ends within 60 days");
    }
    for Expiring {
        number,
        name,
        until,
        days,
        alert,
        ..
    } in &found
    {
        match alert {
            Alert::Ended => ui.warn(
                format!("已到期：{number} {name}，{until}"),
                format!("ended: {number} {name}, {until}"),
            ),
            _ => ui.warn(
                format!("还有 {days} 天到期：{number} {name}，{until}"),
                format!("ends in {days} days: {number} {name}, {until}"),
            ),
        }
    }
    Ok(())
}
