//! `mifeng cert`: what a certificate says, and whether it counts.

use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, fetch, identity, trust};
use mifeng::crypto::{GM, HashAlg, INTL, KeyAlg, Suite, Time};
use mifeng::pki::trust::{CertificateKind, Presented, Usage};
use mifeng::pki::{
    Anchors, Certificate, Error, Material, OcspResponse, Policy, RevocationList, RevocationRule,
    VerifiedPath, judge_path, pem, tsp,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum CertCommand {
    /// 查看证书：主体、信用代码、类别、用途、有效期 / show certificates: subject, code, kind, usages, validity
    Show {
        /// PEM 或 DER 文件 / PEM or DER file
        file: PathBuf,
    },
    /// 核验证书：证书链、吊销、用途 / check a certificate: path, revocation, use
    Check(CheckArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct CheckArgs {
    /// 证书 / certificate
    file: PathBuf,
    #[command(flatten)]
    pub(crate) whom: TrustArgs,
    /// 用途 / use
    #[arg(long, default_value = "record-signing")]
    usage: String,
}

/// Whom to trust, and with what at hand: shared by every command that judges a certificate.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct TrustArgs {
    /// 信任的根证书 / trusted roots
    #[arg(long, value_name = "CERT")]
    pub(crate) trust: Vec<PathBuf>,
    /// 信任名单各版本，旧版在前 / versions of a trust list, oldest first
    #[arg(long, value_name = "TRUST", conflicts_with = "trust")]
    pub(crate) list: Vec<PathBuf>,
    /// 中间证书 / certificates in between
    #[arg(long, value_name = "CERT")]
    pub(crate) chain: Vec<PathBuf>,
    /// 吊销列表 / revocation lists
    #[arg(long, value_name = "CRL")]
    pub(crate) crl: Vec<PathBuf>,
    /// OCSP响应 / OCSP responses
    #[arg(long, value_name = "OCSP")]
    pub(crate) ocsp: Vec<PathBuf>,
    /// 必须有吊销信息 / revocation must be known
    #[arg(long)]
    pub(crate) require_revocation: bool,
    /// 判断的时间；默认现在 / the instant asked about; default: now
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

/// A certificate that counts.
pub(crate) struct Found {
    pub(crate) path: VerifiedPath,
    pub(crate) code: Option<String>,
    pub(crate) ca: Option<String>,
}

pub(crate) fn run(ui: &Ui, command: &CertCommand, json: bool) -> Outcome {
    match command {
        CertCommand::Show { file } => {
            let all = read_certificates(file)?;
            if json {
                let all: Vec<Value> = all.iter().map(as_json).collect();
                ui.tell(true, &json!({"certificates": all}), "", "");
            } else {
                all.iter().for_each(|certificate| show(ui, certificate));
            }
            Ok(())
        }
        CertCommand::Check(args) => check(ui, args, json),
    }
}

/// Certificates in PEM, or one in DER.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let bytes = ui::read(path)?;
    let failed = |e: mifeng::pki::Error| Failure::from(e).at(path);
    if bytes.starts_with(&[0x30]) {
        return Ok(vec![Certificate::parse(&bytes).map_err(failed)?]);
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::malformed(format!("{}: PEM or DER expected", path.display())))?;
    let all = pem::certificates(&text).map_err(failed)?;
    if all.is_empty() {
        return Err(Failure::malformed(format!(
            "{}: no certificate in it",
            path.display()
        )));
    }
    Ok(all)
}

/// All certificates of these files.
pub(crate) fn read_each(paths: &[PathBuf]) -> Result<Vec<Certificate>, Failure> {
    let each = paths.iter().map(|path| read_certificates(path));
    Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
}

pub(crate) fn suite_of(certificate: &Certificate) -> &'static Suite {
    match certificate.public_key().key_alg() {
        KeyAlg::Sm2 => &GM,
        _ => &INTL,
    }
}

fn usages(certificate: &Certificate) -> Vec<&'static str> {
    let Some(usage) = certificate.key_usage() else {
        return Vec::new();
    };
    let all = [
        (usage.signs(), "sign"),
        (usage.encrypts(), "encrypt"),
        (usage.signs_certificates(), "sign-certificates"),
        (usage.signs_revocations(), "sign-revocations"),
    ];
    all.into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, n)| n)
        .collect()
}

fn key_name(certificate: &Certificate) -> String {
    match certificate.public_key().key_alg() {
        KeyAlg::Rsa { bits } => format!("RSA-{bits}"),
        other => format!("{other:?}"),
    }
}

pub(crate) fn as_json(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject_name(),
        "organisation": certificate.organisation(),
        "uscc": certificate.uscc(),
        "issuer": certificate.issuer_name(),
        "serial": certificate.serial_hex(),
        "key": key_name(certificate),
        "kind": CertificateKind::of(certificate).map(CertificateKind::name),
        "ca": certificate.is_ca(),
        "usages": usages(certificate),
        "extended_usages": certificate.extended_key_usages(),
        "not_before": certificate.not_before(),
        "not_after": certificate.not_after(),
        "sha256": certificate.fingerprint(HashAlg::Sha256),
        "sm3": certificate.fingerprint(HashAlg::Sm3),
    })
}

/// Says what one certificate says.
pub(crate) fn show(ui: &Ui, certificate: &Certificate) {
    let (name, issuer) = (certificate.subject_name(), certificate.issuer_name());
    let code = certificate.uscc().unwrap_or_else(|| "-".to_owned());
    let (key, serial) = (key_name(certificate), certificate.serial_hex());
    let uses = usages(certificate).join(" ");
    let kind = match (certificate.is_ca(), CertificateKind::of(certificate)) {
        (true, _) => ("CA证书", "CA certificate"),
        (_, Some(CertificateKind::Signing)) => ("签名证书", "signing certificate"),
        (_, Some(CertificateKind::Encryption)) => ("加密证书", "encryption certificate"),
        (_, Some(CertificateKind::Single)) => ("单证书", "single certificate"),
        (_, None) => ("证书", "certificate"),
    };
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let print = certificate.fingerprint(suite_of(certificate).hash());
    ui.say(
        format!("{} {name}\n  统一社会信用代码 {code}\n  签发 {issuer}，序列号 {serial}\n  密钥 {key}，用途 {uses}\n  有效期 {from} 至 {to}\n  指纹 {print}", kind.0),
        format!("{} {name}\n  credit code {code}\n  issuer {issuer}, serial {serial}\n  key {key}, uses {uses}\n  valid {from} to {to}\n  fingerprint {print}", kind.1),
    );
}

fn usage(name: &str) -> Result<Usage, Failure> {
    let found = Usage::ALL.into_iter().find(|usage| usage.name() == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = Usage::ALL.iter().map(|usage| usage.name()).collect();
        Failure::usage(format!("--usage {name}: {}", names.join(", ")))
    })
}

impl TrustArgs {
    /// The instant asked about.
    pub(crate) fn at(&self) -> Result<Time, Failure> {
        self.at
            .as_deref()
            .map_or_else(|| Ok(clock::now()), trust::time)
    }

    pub(crate) fn crls(&self) -> Result<Vec<RevocationList>, Failure> {
        self.crl.iter().map(|path| fetch::load_crl(path)).collect()
    }

    pub(crate) fn responses(&self) -> Result<Vec<OcspResponse>, Failure> {
        let read = |path: &PathBuf| {
            OcspResponse::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))
        };
        self.ocsp.iter().map(read).collect()
    }

    /// The roots trusted at `at` for `usage`: those given, or those of the list in force.
    pub(crate) fn anchors(&self, usage: Usage, at: Time) -> Result<Anchors, Failure> {
        if !self.list.is_empty() {
            return self.version(at, |version| Ok(version.anchors(usage, at)));
        }
        let mut roots = Vec::new();
        for path in &self.trust {
            roots.extend(read_certificates(path)?);
        }
        if roots.is_empty() {
            return Err(Failure::usage("--trust CERT / --list TRUST"));
        }
        Ok(Anchors::new(roots))
    }

    /// What stamps are held against, read once.
    pub(crate) fn stamp_trust(&self) -> Result<StampTrust<'_>, Failure> {
        let mut between = Vec::new();
        for path in &self.chain {
            between.extend(read_certificates(path)?);
        }
        Ok(StampTrust {
            whom: self,
            between,
            crls: self.crls()?,
            ocsp: self.responses()?,
        })
    }

    fn version<T>(
        &self,
        at: Time,
        ask: impl FnOnce(&mifeng::pki::trust::TrustVersion) -> Result<T, mifeng::pki::Error>,
    ) -> Result<T, Failure> {
        let chain = trust::load_chain(&self.list, &self.crls()?, at)?;
        let version = chain.in_force(at).ok_or_else(|| {
            let text = format!("no version of the list is in force at {at}");
            Failure::refused("pki.trust-list", text)
        })?;
        Ok(ask(version)?)
    }

    /// Judges a certificate; `more` came along with it.
    pub(crate) fn judge(
        &self,
        leaf: &Certificate,
        more: &[Certificate],
        usage: Usage,
        at: Time,
    ) -> Result<Found, Failure> {
        let mut between = more.to_vec();
        for path in &self.chain {
            between.extend(read_certificates(path)?);
        }
        let (crls, ocsp) = (self.crls()?, self.responses()?);
        if !self.list.is_empty() {
            let presented = Presented {
                leaf,
                intermediates: &between,
                crls: &crls,
                ocsp: &ocsp,
                answers: &[],
                at,
            };
            let found = self.version(at, |version| version.recognise(&presented, usage, at))?;
            if self.require_revocation && !found.path.revocation_known() {
                return Err(Error::RevocationUnknown {
                    subject: leaf.subject_name(),
                    issuer: leaf.issuer_name(),
                    at,
                }
                .into());
            }
            return Ok(Found {
                path: found.path,
                code: found.code,
                ca: Some(found.ca),
            });
        }
        let anchors = self.anchors(usage, at)?;
        let material = Material {
            intermediates: &between,
            crls: &crls,
            ocsp: &ocsp,
            answers: &[],
        };
        let mut policy = Policy::new(usage.purpose(), suite_of(leaf));
        if self.require_revocation {
            policy.revocation = RevocationRule::Required;
        }
        Ok(Found {
            path: judge_path(leaf, &material, &anchors, at, &policy)?,
            code: leaf.uscc(),
            ca: None,
        })
    }
}

/// What time stamps are held against: the same rules as for any other certificate.
pub(crate) struct StampTrust<'a> {
    whom: &'a TrustArgs,
    between: Vec<Certificate>,
    crls: Vec<RevocationList>,
    ocsp: Vec<OcspResponse>,
}

impl StampTrust<'_> {
    /// Checks one token: its authority as recognised at the instant that this token shows.
    pub(crate) fn check(
        &self,
        token: &[u8],
        imprint: &tsp::Imprint,
        suite: &'static Suite,
    ) -> Result<tsp::TimeStamp, Failure> {
        let on = tsp::Stamped::read(token)?.gen_time();
        let anchors = self.whom.anchors(Usage::TimeStamping, on)?;
        let mut check = tsp::TokenCheck::new(imprint, &anchors, suite);
        check.material = Material {
            intermediates: &self.between,
            crls: &self.crls,
            ocsp: &self.ocsp,
            answers: &[],
        };
        if self.whom.require_revocation {
            check.path.revocation = RevocationRule::Required;
        }
        check.now = Some(clock::now());
        Ok(tsp::check_token(token, &check)?)
    }
}

pub(crate) fn found_json(found: &Found) -> Value {
    let path = found.path.certificates();
    json!({
        "path": path.iter().map(Certificate::subject_name).collect::<Vec<_>>(),
        "revocation_known": found.path.revocation_known(),
        "evidence": found.path.evidence().iter()
            .map(|one| json!({"kind": format!("{:?}", one.kind()), "sha256": one.digest(HashAlg::Sha256)}))
            .collect::<Vec<_>>(),
        "uscc": found.code,
        "recognised_ca": found.ca,
    })
}

/// Says how a certificate came to count.
pub(crate) fn say_found(ui: &Ui, found: &Found) {
    let path = found.path.certificates().iter();
    let path: Vec<String> = path.map(Certificate::subject_name).collect();
    let path = path.join(" ← ");
    let code = found.code.clone().unwrap_or_else(|| "-".to_owned());
    let (zh, en) = if found.path.revocation_known() {
        ("未被吊销", "not revoked")
    } else {
        (
            "无吊销信息，未核验吊销",
            "no revocation list at hand: revocation was not checked",
        )
    };
    ui.say(
        format!("  证书链 {path}\n  信用代码 {code}；{zh}"),
        format!("  path {path}\n  credit code {code}; {en}"),
    );
}

fn check(ui: &Ui, args: &CheckArgs, json: bool) -> Outcome {
    let usage = usage(&args.usage)?;
    let mut all = read_certificates(&args.file)?;
    let leaf = all.remove(0);
    let at = args.whom.at()?;
    let found = args
        .whom
        .judge(&leaf, &all, usage, at)
        .map_err(|e| e.at(&args.file))?;
    if json {
        let mut value = as_json(&leaf);
        value["check"] = found_json(&found);
        value["check"]["at"] = json!(at);
        value["check"]["usage"] = json!(usage.name());
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    show(ui, &leaf);
    ui.say(
        format!("证书有效：{at}，用途 {}", usage.name()),
        format!("certificate is good at {at} for {}", usage.name()),
    );
    say_found(ui, &found);
    Ok(())
}

/// One certificate of an identity or file, in PEM or DER.
pub(crate) fn one(path: &Path) -> Result<Certificate, Failure> {
    read_certificates(path)?
        .into_iter()
        .next()
        .map_or_else(|| identity::load_certificate(path), Ok)
}
