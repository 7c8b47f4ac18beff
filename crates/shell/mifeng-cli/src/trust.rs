//! `mifeng trust`: lists of recognised CAs, drafted, signed, followed from version to version.

mod draft;

use crate::bundle::Bundle;
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, fetch, person};
use mifeng::crypto::Time;
use mifeng::pki::trust::{CaProfile, SignedTrustList, TrustChain, TrustVersion};
use mifeng::pki::{Certificate, Error, RevocationList, pem};
use mifeng::tender::TrustListEvent;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TrustCommand {
    /// 查看名单：各版本、CA、是否接续 / show lists: versions, CAs, whether they follow one another
    List {
        /// 名单文件，旧版在前 / list files, oldest first
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// 吊销列表：已吊销的管理机构不得签发 / revocation lists: a revoked operator signs nothing
        #[arg(long, value_name = "CRL")]
        crl: Vec<PathBuf>,
    },
    /// 起草第一版，或由现行版起草下一版 / draft the first version, or the next one after another
    New(draft::NewArgs),
    /// 把一家CA写入草案 / put a CA into a draft
    Add(draft::AddArgs),
    /// 从草案中去掉一家CA：旧版仍认其旧证书 / take a CA out of a draft: older versions still count it
    Remove {
        #[arg(long)]
        draft: PathBuf,
        /// CA名称 / name of the CA
        #[arg(long)]
        name: String,
    },
    /// 名单管理机构签发草案 / the operator signs a draft
    Sign {
        #[arg(long)]
        draft: PathBuf,
        /// 名单管理机构的身份文件夹 / the operator's identity folder
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 导出：名单正文、签名与根证书；或取出项目所用各版本 / export body, signature and roots; or the versions a tender used
    Export {
        /// 名单文件 / list file
        #[arg(long, required_unless_present = "tender", conflicts_with = "tender")]
        list: Option<PathBuf>,
        /// 记录包或档案 / bundle or dossier
        #[arg(long)]
        tender: Option<PathBuf>,
        /// 输出文件夹 / output folder
        #[arg(long)]
        out: PathBuf,
    },
    /// 把名单的一个版本签成项目记录 / sign a record that brings a version into a tender's log
    Import {
        /// 平台或代理机构的身份文件夹 / identity folder of host or agency
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        list: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &TrustCommand, json: bool) -> Outcome {
    match command {
        TrustCommand::List { files, crl } => list(ui, files, crl, json),
        TrustCommand::New(args) => draft::new(ui, args, json),
        TrustCommand::Add(args) => draft::add(ui, args, json),
        TrustCommand::Remove { draft, name } => draft::remove(ui, draft, name, json),
        TrustCommand::Sign { draft, id, out } => draft::sign(ui, draft, id, out, json),
        TrustCommand::Export { list, tender, out } => match (list, tender) {
            (Some(list), _) => export_list(ui, &load(list)?, out, json),
            (None, Some(tender)) => export_tender(ui, tender, out, json),
            (None, None) => Err(Failure::usage("--list / --tender")),
        },
        TrustCommand::Import {
            id,
            tender,
            list,
            out,
        } => {
            let identity = Identity::load(ui, id)?;
            let (list, sig) = load(list)?.to_base64();
            let data = TrustListEvent { list, sig };
            let bundle = Bundle::open(tender)?;
            person::sign(&bundle.replay, &identity, "trust.list", &data, out)?;
            written(ui, out, json);
            Ok(())
        }
    }
}

pub(crate) fn load(path: &Path) -> Result<SignedTrustList, Failure> {
    SignedTrustList::from_file(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))
}

/// The versions in these files, each checked against the one before.
///
/// A signer is judged now; where now does not tell (the certificate has expired, the lists at
/// hand are of another day) at `at`, the instant asked about, and, for a version that has a
/// successor already, at the day from which it counted. Whoever is known to be revoked at any of
/// these signs nothing.
pub(crate) fn load_chain(
    files: &[PathBuf],
    crls: &[RevocationList],
    at: Time,
) -> Result<TrustChain, Failure> {
    let mut chain: Option<TrustChain> = None;
    for (number, path) in files.iter().enumerate() {
        let signed = load(path)?;
        let failed = |e: Error| Failure::from(e).at(path);
        let list = signed.list().map_err(failed)?;
        let mut instants = vec![clock::now(), at];
        if number + 1 < files.len() {
            instants.push(list.effective);
        }
        let taken = first_that_tells(&instants, |at| match &chain {
            Some(known) => {
                let mut longer = known.clone();
                longer.add(&signed, at, crls)?;
                Ok(longer)
            }
            None => TrustChain::start(&signed, list.suite()?, at, crls),
        });
        chain = Some(taken.map_err(failed)?);
    }
    chain.ok_or_else(|| Failure::usage("--list"))
}

/// The first outcome that is good; a revocation ends the search, and the first error is told.
fn first_that_tells(
    instants: &[Time],
    judge: impl Fn(Time) -> Result<TrustChain, Error>,
) -> Result<TrustChain, Error> {
    let mut first = None;
    for at in instants {
        match judge(*at) {
            Ok(chain) => return Ok(chain),
            Err(e @ Error::Revoked { .. }) => return Err(e),
            Err(e) => {
                first.get_or_insert(e);
            }
        }
    }
    Err(first.unwrap_or(Error::TrustList {
        rule: "judged at no instant",
    }))
}

pub(crate) fn time(text: &str) -> Result<Time, Failure> {
    Time::parse_rfc3339(text).map_err(|_| {
        Failure::usage(format!(
            "{text:?}: RFC 3339, 如 / as 2026-01-01T00:00:00+08:00"
        ))
    })
}

fn version_json(version: &TrustVersion) -> Value {
    let list = version.list();
    json!({
        "name": list.name, "version": list.version, "suite": list.suite,
        "digest": version.digest(), "previous": list.previous, "effective": list.effective,
        "operator": version.operator().subject_name(),
        "cas": list.cas.iter().map(|ca| json!({
            "name": ca.name, "roots": ca.roots.len(), "from": ca.from, "until": ca.until,
            "kinds": ca.kinds, "usages": ca.usages, "code": ca.code,
        })).collect::<Vec<_>>(),
    })
}

fn list(ui: &Ui, files: &[PathBuf], crls: &[PathBuf], json: bool) -> Outcome {
    let crls = crls.iter().map(|path| fetch::load_crl(path));
    let crls = crls.collect::<Result<Vec<_>, _>>()?;
    let chain = load_chain(files, &crls, clock::now())?;
    let versions = chain.versions();
    if json {
        let value = json!({"versions": versions.iter().map(version_json).collect::<Vec<_>>()});
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    for version in versions {
        let list = version.list();
        let (name, number, effective) = (&list.name, list.version, list.effective);
        let (digest, by) = (version.digest(), version.operator().subject_name());
        ui.say(
            format!("《{name}》第 {number} 版，{effective} 起生效，{by} 签发\n  摘要 {digest}"),
            format!("\"{name}\" version {number}, in force from {effective}, signed by {by}\n  digest {digest}"),
        );
        for ca in &list.cas {
            say_ca(ui, ca);
        }
    }
    ui.say(
        "签名有效，各版本依次接续",
        "signatures hold, each version follows the one before",
    );
    Ok(())
}

fn say_ca(ui: &Ui, ca: &CaProfile) {
    let names: Vec<&str> = ca.usages.iter().map(|usage| usage.name()).collect();
    let kinds: Vec<&str> = ca.kinds.iter().map(|kind| kind.name()).collect();
    let until = ca.until.map(|t| t.to_string()).unwrap_or_default();
    let (roots, usages, kinds) = (ca.roots.len(), names.join(" "), kinds.join(" "));
    ui.say(
        format!(
            "  {}：{roots} 个根，{} 起至 {until}；证书 {kinds}；用途 {usages}",
            ca.name, ca.from
        ),
        format!(
            "  {}: {roots} roots, from {} until {until}; certificates {kinds}; for {usages}",
            ca.name, ca.from
        ),
    );
}

fn written(ui: &Ui, path: &Path, json: bool) {
    let shown = path.display().to_string();
    ui.tell(
        json,
        &json!({"written": shown}),
        format!("已写出 {shown}"),
        format!("written: {shown}"),
    );
}

fn export_list(ui: &Ui, signed: &SignedTrustList, out: &Path, json: bool) -> Outcome {
    let list = signed.list()?;
    ui::write(&out.join("list.json"), &signed.body)?;
    ui::write(&out.join("list.p7s"), &signed.signature)?;
    let roots: Vec<Certificate> = list.roots()?.into_iter().map(|(_, root)| root).collect();
    let text: String = roots
        .iter()
        .map(|root| pem::encode("CERTIFICATE", root.der()))
        .collect();
    ui::write(&out.join("roots.pem"), text.as_bytes())?;
    written(ui, out, json);
    Ok(())
}

/// The versions that a tender's log holds, as files.
fn export_tender(ui: &Ui, tender: &Path, out: &Path, json: bool) -> Outcome {
    use mifeng::Files as _;
    let bundle = Bundle::open(tender)?;
    let files = mifeng::Tar::open(tender).map_err(|e| Failure::from(e).at(tender))?;
    let mut count = 0;
    for record in bundle
        .replay
        .records
        .iter()
        .filter(|r| r.kind == "trust.list")
    {
        let body = files.read(&format!("body/{}.json", record.body))?;
        let body: Value =
            serde_json::from_slice(&body).map_err(|e| Failure::malformed(e.to_string()))?;
        let part = |name: &str| {
            body.pointer(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let signed = SignedTrustList::from_base64(part("/data/list"), part("/data/sig"))?;
        let name = format!("list-{}.trust", signed.list()?.version);
        ui::write(&out.join(name), &signed.to_file()?)?;
        count += 1;
    }
    ui.tell(
        json,
        &json!({"written": out.display().to_string(), "versions": count}),
        format!("取出 {count} 个版本"),
        format!("{count} versions written"),
    );
    Ok(())
}
