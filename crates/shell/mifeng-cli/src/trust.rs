//! `mifeng trust`: lists of recognised CAs, drafted, signed, followed from version to version.

use crate::bundle::Bundle;
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{args::SuiteName, base64, clock, fetch, person};
use mifeng::crypto::{Suite, Time};
use mifeng::pki::trust::{
    CaProfile, CertificateKind, CodePart, CodePlace, SignedTrustList, TrustChain, TrustList,
    TrustVersion, Usage,
};
use mifeng::pki::{Certificate, Error, RevocationList, Signer as _, pem};
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
    New(NewArgs),
    /// 把一家CA写入草案 / put a CA into a draft
    Add(AddArgs),
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

#[derive(clap::Args, Debug)]
pub(crate) struct NewArgs {
    /// 名单名称 / name of the list
    #[arg(long, required_unless_present = "after")]
    name: Option<String>,
    #[arg(long, value_enum, default_value = "gm")]
    suite: SuiteName,
    /// 由这一版起草下一版 / draft the version after this one
    #[arg(long, value_name = "TRUST", conflicts_with = "name")]
    after: Option<PathBuf>,
    /// 生效时间（RFC 3339）；默认现在 / in force from (RFC 3339); default: now
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,
    /// 可签发下一版的证书 / certificates that may sign the next version
    #[arg(long, value_name = "CERT", required_unless_present = "after")]
    operator: Vec<PathBuf>,
    /// 草案（JSON，可手工修改） / draft (JSON that people may edit)
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args, Debug)]
pub(crate) struct AddArgs {
    #[arg(long)]
    draft: PathBuf,
    /// CA名称 / name of the CA
    #[arg(long)]
    name: String,
    /// 根证书 / root certificates
    #[arg(long, value_name = "CERT", required = true)]
    root: Vec<PathBuf>,
    /// 自何时起认可；默认草案生效时 / recognised from; default: when the draft is in force
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// 到何时为止 / recognised until
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// 证书类别 / kinds of certificates
    #[arg(long, value_enum, default_value = "dual")]
    kind: KindName,
    /// 用途，如 bid-signing；默认全部 / usages, as bid-signing; default: all
    #[arg(long = "usage", value_name = "USAGE")]
    usages: Vec<String>,
    /// 统一社会信用代码的位置：extension:OID、subject:OID、subject-alt-name:OID，可加 :前缀
    /// / where the credit code stands, optionally with the text before it
    #[arg(long = "code", value_name = "PLACE:OID[:AFTER]")]
    places: Vec<String>,
}

/// The kinds of certificates a CA issues, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KindName {
    /// 双证书 / a signing and an encryption certificate
    Dual,
    /// 单证书 / one certificate for both
    Single,
    /// 双证书与单证书 / both systems
    Any,
    /// 仅签名 / signing only
    Signing,
}

impl KindName {
    fn kinds(self) -> Vec<CertificateKind> {
        use CertificateKind::{Encryption, Signing, Single};
        match self {
            KindName::Dual => vec![Encryption, Signing],
            KindName::Single => vec![Single],
            KindName::Any => vec![Encryption, Signing, Single],
            KindName::Signing => vec![Signing],
        }
    }
}

pub(crate) fn run(ui: &Ui, command: &TrustCommand, json: bool) -> Outcome {
    match command {
        TrustCommand::List { files, crl } => list(ui, files, crl, json),
        TrustCommand::New(args) => new(ui, args, json),
        TrustCommand::Add(args) => add(ui, args, json),
        TrustCommand::Sign { draft, id, out } => sign(ui, draft, id, out, json),
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

fn write_draft(path: &Path, list: &TrustList) -> Outcome {
    let text = serde_json::to_vec_pretty(list).map_err(|e| Failure::malformed(e.to_string()))?;
    ui::write(path, &text)
}

fn read_draft(path: &Path) -> Result<TrustList, Failure> {
    serde_json::from_slice(&ui::read(path)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))
}

fn new(ui: &Ui, args: &NewArgs, json: bool) -> Outcome {
    let effective = match &args.effective {
        Some(text) => time(text)?,
        None => clock::now().trunc_millis(),
    };
    let mut list = match &args.after {
        Some(path) => load(path)?.list()?.successor(effective)?,
        None => TrustList {
            v: 1,
            name: args.name.clone().unwrap_or_default(),
            suite: args.suite.suite().id().to_owned(),
            version: 1,
            previous: None,
            effective,
            operators: Vec::new(),
            cas: Vec::new(),
        },
    };
    let alg = Suite::by_id(&list.suite)?.hash();
    if !args.operator.is_empty() {
        list.operators = Vec::new();
    }
    for path in &args.operator {
        let operator = identity::load_certificate(path)?;
        list.operators.push(operator.fingerprint(alg));
    }
    list.operators.sort();
    list.operators.dedup();
    write_draft(&args.out, &list)?;
    written(ui, &args.out, json);
    Ok(())
}

fn usage(name: &str) -> Result<Usage, Failure> {
    let found = Usage::ALL.into_iter().find(|usage| usage.name() == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = Usage::ALL.iter().map(|usage| usage.name()).collect();
        Failure::usage(format!("--usage {name}: {}", names.join(", ")))
    })
}

fn place(text: &str) -> Result<CodePlace, Failure> {
    let mut parts = text.splitn(3, ':');
    let part = match parts.next() {
        Some("subject") => CodePart::Subject,
        Some("extension") => CodePart::Extension,
        Some("subject-alt-name") => CodePart::SubjectAltName,
        _ => {
            return Err(Failure::usage(format!(
                "--code {text}: extension:OID, subject:OID, subject-alt-name:OID"
            )));
        }
    };
    Ok(CodePlace {
        part,
        oid: parts.next().unwrap_or_default().to_owned(),
        after: parts.next().unwrap_or_default().to_owned(),
    })
}

/// Builds the profile of a CA.
pub(crate) fn profile(args: &AddArgs, effective: Time) -> Result<CaProfile, Failure> {
    let mut usages = args
        .usages
        .iter()
        .map(|name| usage(name))
        .collect::<Result<Vec<_>, _>>()?;
    usages.sort();
    usages.dedup();
    if usages.is_empty() {
        usages = Usage::ALL.to_vec();
    }
    let places = args.places.iter().map(|text| place(text));
    let mut code = places.collect::<Result<Vec<_>, _>>()?;
    if code.is_empty() {
        code = CodePlace::usual();
    }
    let roots = args.root.iter().map(|path| {
        let root = identity::load_certificate(path)?;
        Ok::<_, Failure>(base64(root.der()))
    });
    Ok(CaProfile {
        name: args.name.clone(),
        roots: roots.collect::<Result<Vec<_>, _>>()?,
        from: args.from.as_deref().map_or(Ok(effective), time)?,
        until: args.until.as_deref().map(time).transpose()?,
        kinds: args.kind.kinds(),
        usages,
        code,
    })
}

fn add(ui: &Ui, args: &AddArgs, json: bool) -> Outcome {
    let mut list = read_draft(&args.draft)?;
    let ca = profile(args, list.effective)?;
    list.cas.retain(|other| other.name != ca.name);
    list.cas.push(ca);
    list.cas.sort_by(|a, b| a.name.cmp(&b.name));
    // A mistake is said now, not to the operator who signs.
    list.to_bytes()
        .map_err(|e| Failure::from(e).at(&args.draft))?;
    write_draft(&args.draft, &list)?;
    written(ui, &args.draft, json);
    Ok(())
}

fn sign(ui: &Ui, draft: &Path, id: &Path, out: &Path, json: bool) -> Outcome {
    let list = read_draft(draft)?;
    let identity = Identity::load(ui, id)?;
    let signed = SignedTrustList::sign(&list, &identity.signer, clock::now())
        .map_err(|e| Failure::from(e).at(draft))?;
    ui::write(out, &signed.to_file()?)?;
    let (digest, version) = (signed.digest()?, list.version);
    let own = identity
        .signer
        .certificate()
        .fingerprint(list.suite()?.hash());
    ui.tell(
        json,
        &json!({"written": out.display().to_string(), "digest": digest, "version": version}),
        format!("已签发第 {version} 版，摘要 {digest}"),
        format!("version {version} signed, digest {digest}"),
    );
    if list.version == 1 && !list.operators.contains(&own) {
        return Err(Failure::refused(
            "pki.trust-list",
            ui.t(
                "签发人不在草案的 operators 之中",
                "the signer is not among the operators of the draft",
            ),
        ));
    }
    Ok(())
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
