//! What the maker does who keeps the register.

use super::{Whom, said, show};
use crate::cert::TrustArgs;
use crate::clock;
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::HostKeys;
use mifeng::crypto::{GM, KeyAlg, PrivateKey, SystemEntropy};
use mifeng::record::SignedRecord;
use mifeng::registry::Registry;
use mifeng::seals::Decline;
use mifeng_store::Directory;
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum LogCommand {
    /// 制章者开始一份印章登记 / the maker begins a register
    Start {
        #[command(flatten)]
        keep: KeepArgs,
        /// 登记的名称，如 seals.example.cn / the log's name
        #[arg(long)]
        origin: String,
    },
    /// 收下一条记录：申请、用印、批准、注销 / take a record in: application, use, consent, revocation
    Add {
        #[command(flatten)]
        keep: KeepArgs,
        /// 记录文件 / the record
        record: PathBuf,
    },
    /// 不予制章 / say no to an application
    Decline {
        #[command(flatten)]
        keep: KeepArgs,
        /// 申请的编号（开头几位即可） / the application, or its first characters
        #[arg(long)]
        application: String,
        /// 原因 / why
        #[arg(long)]
        reason: String,
    },
    /// 导出登记，任何人可核验 / write the register as one file that anybody can check
    Export {
        #[command(flatten)]
        keep: KeepArgs,
        /// 结果 / the result
        #[arg(long)]
        out: PathBuf,
    },
    /// 核验并查看登记：申请、印章、用印、注销 / check a register and show what is in it
    Show(show::ShowArgs),
    /// 即将到期的印章（60、30、7 天） / seals that end soon (60, 30, 7 days)
    Expiring(show::ExpiringArgs),
}

/// The register of a maker.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct KeepArgs {
    /// 存放登记的文件夹 / folder in which the register is kept
    #[arg(long)]
    pub(crate) registry: PathBuf,
    /// 制章者身份文件夹 / the maker's identity folder
    #[arg(long)]
    pub(crate) id: PathBuf,
    #[command(flatten)]
    pub(crate) whom: TrustArgs,
}

/// A register, opened by its maker.
pub(crate) struct Kept {
    pub(crate) registry: Registry<Directory>,
    whom: Whom,
}

/// The file of the log's key in the maker's identity folder.
const LOG_KEY: &str = "log.key";

impl Kept {
    pub(crate) fn open(ui: &Ui, args: &KeepArgs) -> Result<Self, Failure> {
        let whom = Whom::of(&args.whom, args.whom.at()?)?;
        let keys = keys(ui, args)?;
        let registry = Registry::open(store(args)?, keys, &whom.reader());
        Ok(Kept {
            registry: registry.map_err(|e| said(e).at(&args.registry))?,
            whom,
        })
    }

    /// Signs a record of the maker and takes it in.
    pub(crate) fn enter<T: Serialize>(&mut self, kind: &str, data: &T) -> Result<String, Failure> {
        let entropy = &mut SystemEntropy::new();
        let record = self.registry.draft(kind, data, clock::now(), entropy)?;
        self.take(&record)
    }

    fn take(&mut self, record: &SignedRecord) -> Result<String, Failure> {
        let taken = self
            .registry
            .submit(record, &self.whom.trust(), clock::now());
        Ok(taken.map_err(said)?.to_string())
    }
}

fn store(args: &KeepArgs) -> Result<Directory, Failure> {
    Directory::open(&args.registry).map_err(|e| Failure::io(&args.registry, &e))
}

fn keys(ui: &Ui, args: &KeepArgs) -> Result<HostKeys, Failure> {
    Ok(HostKeys {
        signer: Identity::load(ui, &args.id)?.signer,
        log_key: identity::load_key(ui, &args.id.join(LOG_KEY))?,
        anchor: None,
    })
}

pub(crate) fn run(ui: &Ui, command: &LogCommand, json: bool) -> Outcome {
    match command {
        LogCommand::Start { keep, origin } => start(ui, keep, origin, json),
        LogCommand::Add { keep, record } => {
            let signed = SignedRecord::from_file(&ui::read(record)?)
                .map_err(|e| Failure::from(e).at(record))?;
            let mut kept = Kept::open(ui, keep)?;
            let taken = kept.take(&signed).map_err(|e| e.at(record))?;
            entered(ui, json, &taken);
            Ok(())
        }
        LogCommand::Decline {
            keep,
            application,
            reason,
        } => {
            let mut kept = Kept::open(ui, keep)?;
            let known = kept.registry.register().state.applications().keys();
            let application = super::find(
                ui,
                ("没有这项申请", "no such application"),
                application,
                known,
            )?;
            let data = Decline {
                application,
                reason: reason.clone(),
            };
            let taken = kept.enter("seal.decline", &data)?;
            entered(ui, json, &taken);
            Ok(())
        }
        LogCommand::Export { keep, out } => {
            let kept = Kept::open(ui, keep)?;
            ui::write_with(out, |to| Ok(kept.registry.export(to)?))?;
            let records = kept.registry.register().lines.len();
            super::super::written(ui, json, json!({"records": records}), out);
            Ok(())
        }
        LogCommand::Show(args) => show::run(ui, args, json),
        LogCommand::Expiring(args) => show::expiring(ui, args, json),
    }
}

fn start(ui: &Ui, args: &KeepArgs, origin: &str, json: bool) -> Outcome {
    let path = args.id.join(LOG_KEY);
    if !path.exists() {
        let key = PrivateKey::generate(KeyAlg::Sm2, &mut SystemEntropy::new())?;
        identity::store_key(ui, &path, &key, &GM)?;
    }
    let whom = Whom::of(&args.whom, args.whom.at()?)?;
    let keys = keys(ui, args)?;
    let entropy = &mut SystemEntropy::new();
    Registry::create(
        store(args)?,
        origin,
        keys,
        &whom.trust(),
        clock::now(),
        entropy,
    )
    .map_err(|e| said(e).at(&args.registry))?;
    ui.tell(
        json,
        &json!({"origin": origin}),
        format!("印章登记已建立：{origin}"),
        format!("register of seals begun: {origin}"),
    );
    Ok(())
}

/// Says by which digest others name a record that was taken in.
pub(super) fn entered(ui: &Ui, json: bool, taken: &str) {
    ui.tell(
        json,
        &json!({"record": taken}),
        format!("已登记：{taken}"),
        format!("entered: {taken}"),
    );
}
