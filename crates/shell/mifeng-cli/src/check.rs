//! Commands that trust nobody: verify, inspect.

use crate::args::VerifyArgs;
use crate::bundle::Bundle;
use crate::doc;
use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::envelope::SealedFile;
use mifeng::pki::Certificate;
use mifeng::record::{Record, SignedRecord};
use mifeng::{Files, Receipt, Report, Tar, Trusted, Verdict};
use std::path::Path;

/// `mifeng verify`.
pub(crate) fn verify(ui: &Ui, args: &VerifyArgs, json: bool) -> Outcome {
    let files = Tar::open(&args.dossier).map_err(|e| {
        let mut failure = Failure::from(e).at(&args.dossier);
        // A dossier whose very form is broken fails the first check.
        failure.text = format!("V1: {}", failure.text);
        failure
    })?;
    let mut trusted = Trusted::default();
    // Roots are compared by the hash of the dossier's own suite.
    let suite = mifeng::Replay::suite_of(&files).ok();
    for path in &args.trust {
        let root = identity::load_certificate(path)?;
        if let Some(alg) = suite.map(mifeng::crypto::Suite::hash) {
            trusted.roots.push(root.fingerprint(alg));
        }
    }
    trusted.trust_list_least = args.trust_list_version;
    if let Some(path) = &args.earlier {
        trusted.earlier = Some(Box::new(
            Tar::open(path).map_err(|e| Failure::from(e).at(path))?,
        ));
    }
    let report = mifeng::verify(&files, &trusted)?;
    if let Some(out) = &args.report {
        let open = mifeng::not_checked(&trusted, args.receipt.is_some());
        let replay = mifeng::Replay::of(&files).ok();
        let paper = doc::verification_of(&report, &open, replay.as_ref(), &args.dossier)?;
        doc::write_pdf(&paper, &args.fonts.load()?, out)?;
    }
    if json {
        let text =
            serde_json::to_string_pretty(&report).map_err(|_| Failure::malformed("report"))?;
        ui.say(&text, &text);
    } else {
        show(ui, &report);
    }
    if let Some(failure) = report.failure() {
        let code = failure.code.clone().unwrap_or_default();
        let text = format!("{}: {}", failure.id, ui.t(&failure.saw_zh, &failure.saw_en));
        return Err(Failure::refused(&code, text));
    }
    if !json {
        for open in mifeng::not_checked(&trusted, args.receipt.is_some()) {
            ui.say(open.zh, open.en);
        }
    }
    match &args.receipt {
        Some(receipt) => hold(ui, receipt, args.record.as_deref(), &args.dossier),
        None => Ok(()),
    }
}

/// Prints the report.
pub(crate) fn show(ui: &Ui, report: &Report) {
    let tender = report.tender.clone().unwrap_or_default();
    let suite = report.suite.unwrap_or("-");
    ui.say(
        format!("档案验证  项目 {tender}  算法 {suite}"),
        format!("verification  tender {tender}  suite {suite}"),
    );
    for check in &report.checks {
        let mark = match check.verdict {
            Verdict::Pass => "✔",
            Verdict::Part => "◐",
            Verdict::Fail => "✘",
            Verdict::NotRun => "·",
        };
        ui.say(
            format!("  {mark} {:<4}{}：{}", check.id, check.zh, check.saw_zh),
            format!("  {mark} {:<4}{}: {}", check.id, check.en, check.saw_en),
        );
    }
    if let Some(keeping) = &report.keeping {
        let (zh, en) = keeping.in_words();
        ui.say(format!("  {zh}"), format!("  {en}"));
    }
    let (zh, en) = report.conclusion();
    ui.say(zh, en);
}

fn hold(ui: &Ui, receipt: &Path, record: Option<&Path>, dossier: &Path) -> Outcome {
    let bundle = Bundle::open(dossier)?;
    let given =
        Receipt::from_file(&ui::read(receipt)?).map_err(|e| Failure::from(e).at(receipt))?;
    let record = match record {
        Some(path) => load_record(path)?,
        None => given
            .record_in(&bundle.files)?
            .ok_or_else(Receipt::record_missing)
            .map_err(|e| Failure::from(e).at(receipt))?,
    };
    let (zh, en) = given.hold_against(&record, &bundle.replay)?.in_words();
    ui.say(zh, en);
    Ok(())
}

pub(crate) fn load_record(path: &Path) -> Result<SignedRecord, Failure> {
    SignedRecord::from_file(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))
}

/// `mifeng inspect`: says what a file is, from its content alone.
pub(crate) fn inspect(ui: &Ui, path: &Path) -> Outcome {
    if let Ok(files) = Tar::open(path) {
        return inspect_bundle(ui, path, &files);
    }
    if let Ok(mut file) = std::fs::File::open(path)
        && let Ok(sealed) = SealedFile::read(&mut file)
    {
        return inspect_sealed(ui, &sealed);
    }
    let bytes = ui::read(path)?;
    if let Ok(signed) = SignedRecord::from_file(&bytes) {
        return inspect_record(ui, &signed);
    }
    if Receipt::from_file(&bytes).is_ok() {
        ui.say(
            "回执（用 receipt verify 验证）",
            "receipt (verify it with: receipt verify)",
        );
        return Ok(());
    }
    if let Ok(note) = mifeng::log::Note::parse(&bytes) {
        ui.say(
            format!("日志头\n{}", note.to_text()),
            format!("log head\n{}", note.to_text()),
        );
        return Ok(());
    }
    if let Ok(certificates) = identity::load_certificates(path) {
        for certificate in certificates {
            show_certificate(ui, &certificate);
        }
        return Ok(());
    }
    Err(Failure::malformed(format!(
        "{}: {}",
        path.display(),
        ui.t(
            "不是记录包、密封投标、记录、回执、日志头或证书",
            "not a bundle, sealed bid, record, receipt, log head or certificate"
        )
    )))
}

/// What a sealed bid shows without any key.
fn inspect_sealed(ui: &Ui, sealed: &SealedFile) -> Outcome {
    let header = sealed.record().header();
    let header: mifeng::envelope::Header = mifeng::crypto::jcs::from_slice(header, header.len())?;
    let (context, len) = (&header.ctx, sealed.body_len());
    ui.say(
        format!("密封投标：算法 {}，标段 {}，投标人 {}，密文 {len} 字节（公告见 bid check）", context.suite, context.lot, context.bidder),
        format!("sealed bid: suite {}, lot {}, bidder {}, {len} bytes of ciphertext (check it with: bid check)", context.suite, context.lot, context.bidder),
    );
    Ok(())
}

fn inspect_bundle(ui: &Ui, path: &Path, files: &Tar) -> Outcome {
    let count = files.index().len();
    ui.say(
        format!("记录包，{count} 个文件"),
        format!("bundle of {count} files"),
    );
    let bundle = Bundle::open(path)?;
    for record in &bundle.replay.records {
        let line = format!(
            "  {:>4}  {}  {:<18} {}",
            record.index, record.time, record.kind, record.signer
        );
        ui.say(&line, &line);
    }
    let stage = format!("{:?}", bundle.replay.state.stage());
    let zh = mifeng_server::words_in_chinese(&stage);
    ui.say(
        format!("阶段：{}", zh.as_deref().unwrap_or(&stage)),
        format!("stage: {stage}"),
    );
    Ok(())
}

fn inspect_record(ui: &Ui, signed: &SignedRecord) -> Outcome {
    let body = String::from_utf8_lossy(&signed.body).into_owned();
    let verified = [&mifeng::crypto::GM, &mifeng::crypto::INTL]
        .into_iter()
        .find_map(|suite| Record::verify(signed.clone(), suite).ok());
    match verified {
        Some(record) => {
            let (kind, signer) = (record.kind().to_owned(), record.signer_name());
            ui.say(
                format!(
                    "记录 {kind}，{signer} 于 {} 签名，签名有效\n{body}",
                    record.time()
                ),
                format!(
                    "record {kind}, signed by {signer} at {}, signature holds\n{body}",
                    record.time()
                ),
            );
            Ok(())
        }
        None => Err(Failure::refused("record.signature", body)),
    }
}

fn show_certificate(ui: &Ui, certificate: &Certificate) {
    let uscc = certificate.uscc().unwrap_or_default();
    ui.say(
        format!(
            "证书 {} {uscc}\n  签发 {}\n  有效期 {} 至 {}",
            certificate.subject_name(),
            certificate.issuer_name(),
            certificate.not_before(),
            certificate.not_after()
        ),
        format!(
            "certificate {} {uscc}\n  issuer {}\n  valid {} to {}",
            certificate.subject_name(),
            certificate.issuer_name(),
            certificate.not_before(),
            certificate.not_after()
        ),
    );
}
