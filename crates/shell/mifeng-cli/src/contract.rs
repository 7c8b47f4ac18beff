//! `mifeng contract`: the contract of an awarded lot, stamped, filed and published.

use crate::bundle::Bundle;
use crate::cert::read_certificates;
use crate::identity::Identity;
use crate::stamp::StampSource;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{base64, clock, person, trust};
use mifeng::crypto::{HashAlg, Time};
use mifeng::record::calendar::Calendar;
use mifeng::stamp::{Seal, SignatureDraft};
use mifeng::tender::{Clock, ClockState, ContractFile, ContractPublish, ContractStamp};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum ContractCommand {
    /// 供应商、采购人先后签章；记录交平台时附合同原文（tender accept --document） / supplier, then buyer stamp it; hand the record in with the contract (tender accept --document)
    Stamp(StampArgs),
    /// 备案 / filed with the finance department
    File {
        #[command(flatten)]
        by: ByArgs,
        /// 备案系统 / the system
        #[arg(long)]
        system: String,
        /// 备案回执号 / number of its receipt
        #[arg(long)]
        receipt: String,
    },
    /// 公开 / published
    Publish {
        #[command(flatten)]
        by: ByArgs,
        /// 公开的媒体或网址 / where
        #[arg(long)]
        place: String,
    },
    /// 法定期限：签订、公开、备案 / the clocks of the law: signing, publication, filing
    Clocks {
        /// 项目包或档案 / bundle or dossier
        #[arg(long)]
        tender: PathBuf,
        /// 判断的时间；默认现在 / the instant asked about; default: now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
}

/// Who acts, about which lot.
#[derive(clap::Args, Debug)]
pub(crate) struct ByArgs {
    /// 项目包 / bundle
    #[arg(long)]
    tender: PathBuf,
    /// 标段 / lot
    #[arg(long)]
    lot: String,
    /// 本人身份文件夹 / your identity folder
    #[arg(long)]
    id: PathBuf,
    /// 记录写到此处 / where to write the record
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args, Debug)]
pub(crate) struct StampArgs {
    #[command(flatten)]
    by: ByArgs,
    /// 合同原文（双方签章之前的文件） / the contract, before anybody stamped it
    #[arg(long)]
    document: PathBuf,
    /// 印章；可多次，须有单位公章或合同专用章 / seals; may be repeated; one is a unit or contract seal
    #[arg(long, value_name = "ESL")]
    seal: Vec<PathBuf>,
    /// 签章所用身份，与记录不同时 / who signs with the seals, if another identity
    #[arg(long, value_name = "ID")]
    seal_id: Option<PathBuf>,
    /// 制章者、签章者的中间证书 / certificates between the roots and those of makers and signers
    #[arg(long, value_name = "CERT")]
    chain: Vec<PathBuf>,
    #[command(flatten)]
    stamp: StampSource,
}

pub(crate) fn run(ui: &Ui, command: &ContractCommand, json: bool) -> Outcome {
    match command {
        ContractCommand::Stamp(args) => stamp(ui, args),
        ContractCommand::File {
            by,
            system,
            receipt,
        } => {
            let data = ContractFile {
                lot: by.lot.clone(),
                receipt: receipt.clone(),
                system: system.clone(),
            };
            sign(ui, by, "contract.file", &data)
        }
        ContractCommand::Publish { by, place } => {
            let data = ContractPublish {
                lot: by.lot.clone(),
                place: place.clone(),
            };
            sign(ui, by, "contract.publish", &data)
        }
        ContractCommand::Clocks { tender, at } => {
            let at = at
                .as_deref()
                .map_or_else(|| Ok(clock::now()), trust::time)?;
            clocks(ui, tender, at, json)
        }
    }
}

fn sign<T: serde::Serialize>(ui: &Ui, by: &ByArgs, kind: &str, data: &T) -> Outcome {
    let bundle = Bundle::open(&by.tender)?;
    let identity = Identity::load(ui, &by.id)?;
    person::sign(&bundle.replay, &identity, kind, data, &by.out)
}

fn stamp(ui: &Ui, args: &StampArgs) -> Outcome {
    let bundle = Bundle::open(&args.by.tender)?;
    let state = &bundle.replay.state;
    let award = state.awards().get(&args.by.lot).ok_or_else(|| {
        let mut failure = Failure::refused("record.wrong-stage", "the lot is not awarded");
        failure.zh = Some("该标段尚未定标".to_owned());
        failure
    })?;
    let contract = state.suite().hash().digest(&ui::read(&args.document)?);
    let identity = Identity::load(ui, &args.by.id)?;
    let other = match &args.seal_id {
        Some(id) => Some(Identity::load(ui, id)?),
        None => None,
    };
    let signer = &*other.as_ref().unwrap_or(&identity).signer;
    let mut stamps = Vec::new();
    for path in &args.seal {
        let seal = Seal::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
        let draft = SignatureDraft {
            seal: &seal,
            at: clock::now(),
            data_hash: contract,
            property: "contract",
            extensions: &[],
        };
        let mut signature = draft.sign(signer)?;
        if let Some(token) = args
            .stamp
            .token_by(ui, signature.signature_value(), HashAlg::Sm3)?
        {
            signature = signature.with_time_stamp(&token)?;
        }
        stamps.push(base64(signature.der()));
    }
    let mut certs = Vec::new();
    for path in &args.chain {
        certs.extend(read_certificates(path)?.iter().map(|c| base64(c.der())));
    }
    if let Some(other) = &other {
        certs.extend(other.signer.chain().iter().map(|c| base64(c.der())));
    }
    let data = ContractStamp {
        certs,
        contract,
        lot: args.by.lot.clone(),
        price: award.price.clone(),
        stamps,
    };
    person::sign(
        &bundle.replay,
        &identity,
        "contract.stamp",
        &data,
        &args.by.out,
    )
}

fn clocks(ui: &Ui, tender: &Path, at: Time, json: bool) -> Outcome {
    let bundle = Bundle::open(tender)?;
    let state = &bundle.replay.state;
    let calendar = Calendar::shipped();
    let lots = state.notice().map(|(_, notice)| notice.lots.as_slice());
    let mut all = Vec::new();
    for lot in lots.unwrap_or_default() {
        for one in state.contract_clocks(&lot.id, at, &calendar) {
            if !json {
                say(ui, &lot.id, &one);
            }
            all.push(as_json(&lot.id, &one));
        }
    }
    if json {
        ui.tell(true, &json!({"at": at, "clocks": all}), "", "");
    }
    Ok(())
}

fn say(ui: &Ui, lot: &str, clock: &Clock) {
    let (zh, en) = match clock.state {
        ClockState::InTime => ("按期完成", "done in time"),
        ClockState::Late => ("逾期完成", "done late"),
        ClockState::Running => ("未到期", "running"),
        ClockState::Overdue => ("已逾期", "OVERDUE"),
        ClockState::UnknownYear => (
            "日历缺该年度，无法判断",
            "the calendar does not have the year",
        ),
    };
    let due = clock
        .due
        .map_or_else(|| "-".to_owned(), |day| day.to_string());
    let (step, article) = (&clock.step, clock.step.article);
    ui.say(
        format!("标段 {lot} {}（{article}）：至 {due}，{zh}", step.zh),
        format!("lot {lot} {} ({article}): until {due}, {en}", step.en),
    );
}

fn as_json(lot: &str, clock: &Clock) -> Value {
    json!({
        "lot": lot, "step": clock.step.id, "article": clock.step.article, "from": clock.from,
        "due": clock.due.map(|day| day.to_string()), "done": clock.done, "state": clock.state.code(),
    })
}
