//! `mifeng stamp verify`.

use super::apply::{is_package, is_pdf};
use crate::cert::{TrustArgs, read_certificates};
use crate::ui::{self, Failure, Outcome as Done, Ui};
use mifeng::pki::trust::Usage;
use mifeng::pki::{Material, RevocationRule};
use mifeng::stamp::{
    Outcome, Protected, Report, SealSignature, Trust, Verdict, check_seal, check_signature, ofd,
    pdf,
};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args, Debug)]
pub(crate) struct VerifyArgs {
    /// OFD、PDF 文档、印章（.esl），或被盖章的文件 / OFD or PDF document, seal (.esl), or the file beside a signature
    file: PathBuf,
    /// 分离签章 / detached seal signature
    #[arg(long, value_name = "DAT")]
    sig: Option<PathBuf>,
    /// 时间戳可早于签章时间的秒数 / seconds by which a stamp may precede the signing time
    #[arg(long, default_value_t = 0)]
    allowance: u32,
    /// 制章者的印章登记：印章是否在册、是否注销；可多次 / registers of makers: is the seal there, is it revoked; may be repeated
    #[arg(long, value_name = "TAR")]
    registry: Vec<PathBuf>,
    #[command(flatten)]
    whom: TrustArgs,
}

pub(super) fn run(ui: &Ui, args: &VerifyArgs, json: bool) -> Done {
    let at = args.whom.at()?;
    let anchors = |usage| args.whom.anchors(usage, at);
    let (makers, signers) = (anchors(Usage::SealMaking)?, anchors(Usage::SealUse)?);
    let stamps = anchors(Usage::TimeStamping)?;
    let mut between = Vec::new();
    for path in &args.whom.chain {
        between.extend(read_certificates(path)?);
    }
    let (crls, ocsp) = (args.whom.crls()?, args.whom.responses()?);
    let material = Material {
        intermediates: &between,
        crls: &crls,
        ocsp: &ocsp,
        answers: &[],
    };
    let registers = super::log::registers(&args.registry, &args.whom, at)?;
    let trust = Trust {
        makers: &makers,
        signers: &signers,
        stamps: &stamps,
        material,
        revocation: match args.whom.require_revocation {
            true => RevocationRule::Required,
            false => RevocationRule::IfKnown,
        },
        at,
        allowance_seconds: args.allowance,
        registers: &registers,
    };
    let bytes = ui::read(&args.file)?;
    let (verdict, parts, value) = look(args, &bytes, &trust)?;
    if json {
        ui.tell(true, &value, "", "");
    } else {
        for (title, report) in &parts {
            say(ui, title, report);
        }
        let (zh, en) = words(verdict);
        ui.say(format!("结论：{zh}"), format!("verdict: {en}"));
    }
    // What is wrong with a signature is the cause of what it therefore does not cover.
    let causes = parts.iter().skip(1).chain(parts.first());
    let first = causes.into_iter().find_map(|(_, report)| report.failure());
    match (verdict, first) {
        (Verdict::Valid, _) => Ok(()),
        (_, Some((step, finding))) => {
            let mut failure =
                Failure::refused(finding.code, format!("{}: {}", step.en(), finding.en));
            failure.zh = Some(format!("{}：{}", step.zh(), finding.zh));
            Err(failure.at(&args.file))
        }
        (verdict, None) => {
            let (zh, en) = words(verdict);
            let mut failure = Failure::refused(&format!("stamp.{}", verdict.code()), en);
            failure.zh = Some(zh.to_owned());
            Err(failure.at(&args.file))
        }
    }
}

pub(super) type Found = (Verdict, Vec<(String, Report)>, Value);

fn look(args: &VerifyArgs, bytes: &[u8], trust: &Trust<'_>) -> Result<Found, Failure> {
    if let Some(sig) = &args.sig {
        let found = check_signature(&ui::read(sig)?, Protected::Bytes(bytes), trust);
        let mut value = report_json(&found.report);
        value["signature"] = found.signature.as_ref().map_or(Value::Null, signature_json);
        value["signed_at"] = json!(found.signed_at);
        return Ok((
            found.report.verdict(),
            vec![(String::new(), found.report)],
            value,
        ));
    }
    if is_package(&args.file, bytes) {
        return Ok(document(&ofd::check(bytes, trust)));
    }
    let named_pdf = args
        .file
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("pdf"));
    if is_pdf(bytes) || named_pdf {
        return Ok(super::pdf::found(&pdf::check(bytes, trust)));
    }
    let found = check_seal(bytes, trust);
    let mut value = report_json(&found.report);
    value["seal"] = found
        .seal
        .as_ref()
        .map_or(Value::Null, super::show::seal_json);
    Ok((
        found.report.verdict(),
        vec![(String::new(), found.report)],
        value,
    ))
}

fn document(found: &ofd::CheckedDocument) -> Found {
    let mut value = report_json(&found.report);
    value["verdict"] = json!(found.verdict().code());
    value["uncovered"] = json!(found.uncovered);
    value["pages"] = json!(found.pages);
    let mut parts = vec![(String::new(), found.report.clone())];
    let mut all = Vec::new();
    for one in &found.signatures {
        let mut part = report_json(&one.report);
        part["id"] = json!(one.entry.id);
        part["file"] = json!(one.entry.file);
        part["signed_at"] = json!(one.signed_at);
        part["beyond"] = json!(one.beyond);
        let seal = one.seal.as_ref().and_then(|s| s.signature.as_ref());
        part["signature"] = seal.map_or(Value::Null, signature_json);
        let name = seal.map(|s| s.seal().name().to_owned()).unwrap_or_default();
        parts.push((format!("[{}] {name}", one.entry.id), one.report.clone()));
        all.push(part);
    }
    value["signatures"] = json!(all);
    (found.verdict(), parts, value)
}

pub(super) fn signature_json(signature: &SealSignature) -> Value {
    json!({
        "version": signature.number(),
        "property": signature.property(),
        "data_hash": signature.data_hash(),
        "time_stamp": signature.time_stamp().is_some(),
        "signer": signature.signer().ok().as_ref().map(crate::cert::as_json),
        "seal": super::show::seal_json(signature.seal()),
    })
}

pub(super) fn report_json(report: &Report) -> Value {
    let steps = report.steps().iter().map(|step| {
        let (outcome, finding) = match &step.outcome {
            Outcome::Pass(finding) => ("pass", finding.as_ref()),
            Outcome::Unknown(finding) => ("unknown", Some(finding)),
            Outcome::Fail(finding) => ("fail", Some(finding)),
            _ => ("not-run", None),
        };
        json!({
            "step": step.id.code(), "zh": step.id.zh(), "en": step.id.en(), "outcome": outcome,
            "code": finding.map(|f| f.code),
            "finding_zh": finding.map(|f| f.zh.as_str()),
            "finding_en": finding.map(|f| f.en.as_str()),
        })
    });
    json!({
        "verdict": report.verdict().code(),
        "steps": steps.collect::<Vec<_>>(),
        "deviations": report.deviations().iter().map(|d| d.code()).collect::<Vec<_>>(),
    })
}

fn say(ui: &Ui, title: &str, report: &Report) {
    if !title.is_empty() {
        ui.say(format!("签章 {title}"), format!("signature {title}"));
    }
    for step in report.steps() {
        let (mark, finding) = match &step.outcome {
            Outcome::Pass(finding) => ("✔", finding.as_ref()),
            Outcome::Unknown(finding) => ("?", Some(finding)),
            Outcome::Fail(finding) => ("✘", Some(finding)),
            _ => ("·", None),
        };
        let zh = finding.map(|f| format!("：{} [{}]", f.zh, f.code));
        let en = finding.map(|f| format!(": {} [{}]", f.en, f.code));
        ui.say(
            format!("  {mark} {}{}", step.id.zh(), zh.unwrap_or_default()),
            format!("  {mark} {}{}", step.id.en(), en.unwrap_or_default()),
        );
    }
    if !report.deviations().is_empty() {
        let all: Vec<&str> = report.deviations().iter().map(|d| d.code()).collect();
        let all = all.join(" ");
        ui.say(
            format!("  与标准不符之处：{all}"),
            format!("  departs from the standard: {all}"),
        );
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Valid => ("有效", "valid"),
        Verdict::Undetermined => (
            "签名正确，但证书状态或时间无法确认",
            "cryptographically good, but a certificate's status or a time is not known",
        ),
        Verdict::NotCovered => (
            "签名正确，但有内容不在签名保护之内",
            "the signatures hold, but content is not covered",
        ),
        Verdict::Unsigned => ("未签章", "unsigned"),
        _ => ("无效", "NOT valid"),
    }
}
