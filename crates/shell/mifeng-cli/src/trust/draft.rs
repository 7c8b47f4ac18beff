//! Drafts of trust lists: begun, CAs put in and taken out, signed.

use super::{load, time, written};
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{args::SuiteName, base64, clock};
use mifeng::crypto::{Suite, Time};
use mifeng::pki::Signer as _;
use mifeng::pki::trust::{
    CaProfile, CertificateKind, CodePart, CodePlace, SignedTrustList, TrustList, Usage,
};
use serde_json::json;
use std::path::{Path, PathBuf};

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

fn write_draft(path: &Path, list: &TrustList) -> Outcome {
    let text = serde_json::to_vec_pretty(list).map_err(|e| Failure::malformed(e.to_string()))?;
    ui::write(path, &text)
}

fn read_draft(path: &Path) -> Result<TrustList, Failure> {
    serde_json::from_slice(&ui::read(path)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))
}

pub(super) fn new(ui: &Ui, args: &NewArgs, json: bool) -> Outcome {
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
fn profile(args: &AddArgs, effective: Time) -> Result<CaProfile, Failure> {
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

pub(super) fn add(ui: &Ui, args: &AddArgs, json: bool) -> Outcome {
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

/// Takes a CA out: from this version on none of its certificates counts; what older versions said
/// of earlier instants stays.
pub(super) fn remove(ui: &Ui, draft: &Path, name: &str, json: bool) -> Outcome {
    let mut list = read_draft(draft)?;
    let before = list.cas.len();
    list.cas.retain(|ca| ca.name != name);
    if list.cas.len() == before {
        let there: Vec<&str> = list.cas.iter().map(|ca| ca.name.as_str()).collect();
        let zh = format!("草案中没有名为“{name}”的CA，现有：{}", there.join("、"));
        let en = format!(
            "no CA named \"{name}\" in the draft; it has {}",
            there.join(", ")
        );
        return Err(Failure {
            zh: Some(zh),
            ..Failure::usage(en)
        });
    }
    list.to_bytes().map_err(|e| Failure::from(e).at(draft))?;
    write_draft(draft, &list)?;
    let names: Vec<&str> = list.cas.iter().map(|ca| ca.name.as_str()).collect();
    // Who signs the version after this one is judged by this one.
    let mut left = list.cas.iter();
    let continued = left.any(|ca| ca.usages.contains(&Usage::TrustList));
    let shown = draft.display().to_string();
    ui.tell(
        json,
        &json!({"written": shown, "removed": name, "cas": names, "can_be_continued": continued}),
        format!("已去掉“{name}”，写出 {shown}；旧版仍按其时认可"),
        format!("\"{name}\" taken out, written: {shown}; older versions count it as before"),
    );
    if !continued {
        ui.warn(
            "注意：余下的CA无一可用于 trust-list，本版之后不能再有下一版",
            "note: no CA that is left is for trust-list: no version can follow this one",
        );
    }
    Ok(())
}

pub(super) fn sign(ui: &Ui, draft: &Path, id: &Path, out: &Path, json: bool) -> Outcome {
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
