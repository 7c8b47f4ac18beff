//! `mifeng stamp show`, `mifeng ofd show`, `mifeng ofd check`.

use super::verify::signature_json;
use crate::cert;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::HashAlg;
use mifeng::pki::Certificate;
use mifeng::stamp::ofd::{Document, ENTRY_LEN_MAX, Entry, EntryKind, Package};
use mifeng::stamp::{Seal, SealSignature, Signers};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
pub(crate) struct ShowArgs {
    /// 印章（.esl）或签章（.dat） / seal or seal signature
    file: PathBuf,
    /// 图像写到此处 / where to write the picture
    #[arg(long)]
    picture: Option<PathBuf>,
}

pub(super) fn run(ui: &Ui, args: &ShowArgs, json: bool) -> Outcome {
    let bytes = ui::read(&args.file)?;
    let signature = SealSignature::parse(&bytes).ok();
    let seal = match &signature {
        Some(signature) => signature.seal().clone(),
        None => Seal::parse(&bytes).map_err(|e| Failure::from(e).at(&args.file))?,
    };
    if let Some(out) = &args.picture {
        // Only what was looked at: a picture that can carry scripts is not written.
        seal.picture().facts()?;
        super::write(out, &seal.picture().data)?;
    }
    if json {
        let value = signature
            .as_ref()
            .map_or_else(|| seal_json(&seal), signature_json);
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    if let Some(signature) = &signature {
        let (property, hash) = (signature.property(), signature.data_hash());
        let time = match signature.time() {
            mifeng::stamp::SignedTime::Claimed(time) => time.to_string(),
            _ => "-".to_owned(),
        };
        ui.say(
            format!(
                "签章 版本{}\n  时间 {time}\n  原文属性 {property}\n  原文杂凑 {hash}",
                signature.number()
            ),
            format!(
                "seal signature, version {}\n  time {time}\n  property {property}\n  digest {hash}",
                signature.number()
            ),
        );
    }
    say_seal(ui, &seal);
    Ok(())
}

fn say_seal(ui: &Ui, seal: &Seal) {
    let kind = super::kind_name(ui, seal.kind());
    let picture = seal.picture();
    let size = format!(
        "{} {}x{} mm",
        picture.kind, picture.width_mm, picture.height_mm
    );
    let maker = name_of(seal.maker_der());
    let (standard, id, name) = (seal.version().standard(), seal.id(), seal.name());
    let (from, to, count) = (
        seal.valid_from(),
        seal.valid_until(),
        seal.signers().count(),
    );
    ui.say(
        format!("印章 {name}\n  编号 {id}，类型 {kind}，{standard}\n  制章者 {maker}\n  制章 {}，有效期 {from} 至 {to}\n  图像 {size}，可用证书 {count} 张", seal.created()),
        format!("seal {name}\n  number {id}, kind {kind}, {standard}\n  maker {maker}\n  made {}, in force {from} to {to}\n  picture {size}, {count} certificates may use it", seal.created()),
    );
}

fn name_of(der: &[u8]) -> String {
    Certificate::parse(der).map_or_else(|_| "?".to_owned(), |c| c.subject_name())
}

pub(super) fn seal_json(seal: &Seal) -> Value {
    let signers = match seal.signers() {
        Signers::Certificates(all) => json!({
            "type": "certificates",
            "names": all.iter().map(|der| name_of(der)).collect::<Vec<_>>(),
            "sm3": all.iter().map(|der| HashAlg::Sm3.digest(der)).collect::<Vec<_>>(),
        }),
        Signers::Digests(all) => json!({
            "type": "digests",
            "labels": all.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(),
            "sm3": all.iter().map(|one| hex::encode(&one.value)).collect::<Vec<_>>(),
        }),
        _ => Value::Null,
    };
    let picture = seal.picture();
    json!({
        "standard": seal.version().standard(), "version": seal.number(), "vendor": seal.vendor(),
        "number": seal.id(), "kind": seal.kind().0, "name": seal.name(),
        "created": seal.created(), "valid_from": seal.valid_from(), "valid_until": seal.valid_until(),
        "signers": signers,
        "maker": seal.maker().ok().as_ref().map(cert::as_json),
        "picture": {
            "type": picture.kind, "bytes": picture.data.len(),
            "width_mm": picture.width_mm, "height_mm": picture.height_mm,
        },
        "extensions": seal.extensions().iter()
            .map(|e| json!({"id": e.id, "critical": e.critical, "value": hex::encode(&e.value)}))
            .collect::<Vec<_>>(),
        "time_stamp": seal.time_stamp().is_some(),
        "sm3": HashAlg::Sm3.digest(seal.der()),
        "deviations": seal.deviations().iter().map(|d| d.code()).collect::<Vec<_>>(),
    })
}

pub(super) fn ofd(ui: &Ui, file: &Path, json: bool) -> Outcome {
    let bytes = ui::read(file)?;
    let at = |e| Failure::from(e).at(file);
    let package = Package::open(&bytes).map_err(at)?;
    let document = Document::read(&package).map_err(at)?;
    let entries = Entry::list(&package, &document).map_err(at)?;
    let kind = |entry: &Entry| match entry.kind {
        EntryKind::Seal => "Seal",
        EntryKind::Sign => "Sign",
    };
    if json {
        let files = package
            .names()
            .map(|name| json!({"name": name, "bytes": package.size(name)}));
        let pages = document
            .pages
            .iter()
            .map(|p| json!({"id": p.id, "file": p.file}));
        let signatures = entries
            .iter()
            .map(|e| json!({"id": e.id, "type": kind(e), "file": e.file}));
        let value = json!({
            "title": document.title, "root": document.root,
            "pages": pages.collect::<Vec<_>>(),
            "signatures": signatures.collect::<Vec<_>>(),
            "files": files.collect::<Vec<_>>(),
        });
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    let title = document.title.clone().unwrap_or_default();
    let (pages, count) = (document.pages.len(), entries.len());
    ui.say(
        format!("OFD {title}\n  {pages} 页，{count} 个签章"),
        format!("OFD {title}\n  {pages} pages, {count} signatures"),
    );
    for entry in &entries {
        ui.print(&format!("  [{}] {} {}", entry.id, kind(entry), entry.file));
    }
    for name in package.names() {
        ui.print(&format!("  {name} {}", package.size(name).unwrap_or(0)));
    }
    Ok(())
}

pub(super) fn check(ui: &Ui, file: &Path, json: bool) -> Outcome {
    let bytes = ui::read(file)?;
    let at = |e| Failure::from(e).at(file);
    let package = Package::open(&bytes).map_err(at)?;
    let (mut files, mut size) = (0u64, 0u64);
    for name in package.names() {
        package.digest(name, HashAlg::Sm3).map_err(at)?;
        files += 1;
        size += package.size(name).unwrap_or(0).min(ENTRY_LEN_MAX);
    }
    let document = Document::read(&package).map_err(at)?;
    let entries = Entry::list(&package, &document).map_err(at)?;
    for entry in &entries {
        entry.read(&package).map_err(at)?;
    }
    for page in &document.pages {
        document.page_box_of(&package, page).map_err(at)?;
    }
    let pages = document.pages.len();
    ui.tell(
        json,
        &json!({"files": files, "bytes": size, "pages": pages, "signatures": entries.len()}),
        format!("文件包安全、结构完整：{files} 个文件，{pages} 页"),
        format!("a safe and whole package: {files} files, {pages} pages"),
    );
    Ok(())
}
