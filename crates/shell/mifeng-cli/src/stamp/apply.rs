//! `mifeng stamp apply`.

use super::pdf::{self, Form};
use super::{StampSource, log};
use crate::cert::TrustArgs;
use crate::clock;
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::HashAlg;
use mifeng::stamp::ofd::{self, Document, Mm, Package, Place, Rect, Request, Scope};
use mifeng::stamp::{Seal, SealSignature, SignatureDraft};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Debug)]
pub(crate) struct ApplyArgs {
    /// OFD、PDF 文档，或任何文件 / OFD or PDF document, or any file
    file: PathBuf,
    /// 签章者身份文件夹 / the signer's identity folder
    #[arg(long)]
    pub(super) id: PathBuf,
    /// 电子印章；PDF 可不用 / the seal; a PDF can do without
    #[arg(long)]
    seal: Option<PathBuf>,
    /// 盖在第几页，从1起；可多次 / page to show it on, from 1; may be repeated
    #[arg(long, value_name = "N")]
    pub(super) page: Vec<usize>,
    /// 左上角 x,y（毫米）；默认页面右下角 / upper left corner in mm; default: lower right of the page
    #[arg(long, value_name = "X,Y")]
    pub(super) corner: Option<String>,
    /// 骑缝章，上沿距页顶（毫米） / a straddle seal over all pages, its top edge in mm
    #[arg(long, value_name = "MM", conflicts_with_all = ["page", "corner"])]
    pub(super) straddle: Option<i64>,
    /// 只保护这些页，如 1-3 / protect these pages only, as 1-3
    #[arg(long, value_name = "A-B")]
    pub(super) pages: Option<String>,
    /// 锁定文档，不许再加签 / close the document: nobody can sign after this
    #[arg(long)]
    pub(super) close: bool,
    /// PDF：签名里放什么；默认按证书和印章 / PDF: what the signature is; default: by certificate and seal
    #[arg(long, value_enum)]
    pub(super) form: Option<Form>,
    /// PDF：无印章时显示的图像（PNG、JPEG） / PDF: a picture shown without a seal
    #[arg(long, value_name = "PNG", conflicts_with = "seal")]
    pub(super) picture: Option<PathBuf>,
    /// PDF：该图像的边长（毫米） / PDF: the side of that picture in mm
    #[arg(long, value_name = "MM", requires = "picture")]
    pub(super) side: Option<u64>,
    /// PDF：认证文档，1 不许改动，2 可填表，3 可批注 / PDF: certify; 1 no changes, 2 forms, 3 annotations
    #[arg(long, value_name = "1-3")]
    pub(super) certify: Option<u8>,
    /// PDF：签名理由 / PDF: the reason
    #[arg(long)]
    pub(super) reason: Option<String>,
    /// 分离签章：不改动文件，另写签章 / detached: leave the file, write the signature beside it
    #[arg(long)]
    detached: bool,
    /// 印章登记：只盖已登记、已批准的用印 / the register: only a use that is entered and consented to is sealed
    #[arg(long, value_name = "TAR", requires = "seal")]
    registry: Option<PathBuf>,
    #[command(flatten)]
    whom: TrustArgs,
    #[command(flatten)]
    pub(super) stamp: StampSource,
    /// 结果 / the result
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn run(ui: &Ui, args: &ApplyArgs, json: bool) -> Outcome {
    let bytes = ui::read(&args.file)?;
    let seal = match &args.seal {
        Some(path) => {
            let read = Seal::parse(&ui::read(path)?);
            Some(read.map_err(|e| Failure::from(e).at(path))?)
        }
        None => None,
    };
    if let (Some(path), Some(seal)) = (&args.registry, &seal) {
        require_entered(args, path, seal, &bytes)?;
    }
    let result = if !args.detached && is_pdf(&bytes) {
        pdf::apply(ui, args, &bytes, seal.as_ref()).map_err(|e| e.at(&args.file))?
    } else {
        let seal = seal.as_ref().ok_or_else(|| Failure::usage("--seal ?"))?;
        with_seal(ui, args, &bytes, seal)?
    };
    super::write(&args.out, &result)?;
    let value = json!({
        "seal": seal.as_ref().map(Seal::id), "name": seal.as_ref().map(Seal::name),
        "bytes": result.len(),
    });
    super::written(ui, json, value, &args.out);
    Ok(())
}

/// The use of the seal on this document is in the register, free to be made.
fn require_entered(args: &ApplyArgs, path: &Path, seal: &Seal, bytes: &[u8]) -> Outcome {
    let at = args.whom.at()?;
    let register = log::read(path, &log::Whom::of(&args.whom, at)?.reader())?;
    let (seal, document) = (HashAlg::Sm3.digest(seal.der()), HashAlg::Sm3.digest(bytes));
    let uses = register.state.uses_of(&seal, &document);
    let (code, zh, en) = match uses.as_slice() {
        [] => (
            "registry.not-entered",
            "这份文件的用印没有登记",
            "no use of the seal on this document is entered",
        ),
        all if !all.iter().any(|one| one.is_free()) => (
            "registry.not-approved",
            "这份文件的用印尚未批准",
            "the use of the seal on this document waits for consent",
        ),
        _ => return Ok(()),
    };
    let mut failure = Failure::refused(code, en);
    failure.zh = Some(zh.to_owned());
    Err(failure.at(&args.file))
}

/// An OFD document, or a signature beside any file.
fn with_seal(ui: &Ui, args: &ApplyArgs, bytes: &[u8], seal: &Seal) -> Result<Vec<u8>, Failure> {
    if !args.detached && bytes.starts_with(b"PK") {
        return document(ui, args, bytes, seal).map_err(|e| e.at(&args.file));
    }
    if !args.detached {
        return Err(Failure::usage(format!(
            "{}: --detached ?",
            args.file.display()
        )));
    }
    let draft = SignatureDraft {
        seal,
        at: clock::now(),
        data_hash: HashAlg::Sm3.digest(bytes),
        property: "detached",
        extensions: &[],
    };
    Ok(sign(ui, args, &draft)?.der().to_vec())
}

fn sign(ui: &Ui, args: &ApplyArgs, draft: &SignatureDraft<'_>) -> Result<SealSignature, Failure> {
    let identity = Identity::load(ui, &args.id)?;
    let signature = draft.sign(&identity.signer)?;
    match args.stamp.token(ui, signature.signature_value())? {
        Some(token) => Ok(signature.with_time_stamp(&token)?),
        None => Ok(signature),
    }
}

fn document(ui: &Ui, args: &ApplyArgs, bytes: &[u8], seal: &Seal) -> Result<Vec<u8>, Failure> {
    let places = places(args, bytes, seal)?;
    let request = Request {
        seal,
        at: clock::now(),
        places: &places,
        scope: scope(args.pages.as_deref())?,
        close: args.close,
        provider: "mifeng",
    };
    let prepared = ofd::prepare(bytes, &request)?;
    let signature = sign(ui, args, &prepared.draft(seal))?;
    Ok(prepared.finish(&signature)?)
}

/// Millimetres between the seal and the lower right corner of an A4 page's text.
pub(super) const MARGIN_MM: i64 = 25;

fn places(args: &ApplyArgs, bytes: &[u8], seal: &Seal) -> Result<Vec<Place>, Failure> {
    let package = Package::open(bytes)?;
    let document = Document::read(&package)?;
    let side = |mm: u64| Mm::new(i64::try_from(mm).unwrap_or(40).max(1));
    let (width, height) = (
        side(seal.picture().width_mm),
        side(seal.picture().height_mm),
    );
    if let Some(top) = args.straddle {
        let mut pages = Vec::new();
        for page in &document.pages {
            let area = document.page_box_of(&package, page)?.unwrap_or_default();
            pages.push((page.id.clone(), area.width));
        }
        return Ok(ofd::straddle(&pages, width, height, Mm::new(top))?);
    }
    let numbers = match args.page.is_empty() {
        true => vec![document.pages.len()],
        false => args.page.clone(),
    };
    let mut out = Vec::new();
    for number in numbers {
        let page = number.checked_sub(1).and_then(|at| document.pages.get(at));
        let page = page.ok_or_else(|| {
            Failure::usage(format!("--page {number}: 1-{}", document.pages.len()))
        })?;
        let area = document.page_box_of(&package, page)?.unwrap_or_default();
        let (x, y) = match &args.corner {
            Some(text) => corner(text)?,
            None => (
                Mm(area.width.0 - width.0 - Mm::new(MARGIN_MM).0),
                Mm(area.height.0 - height.0 - Mm::new(MARGIN_MM).0),
            ),
        };
        out.push(Place {
            page: page.id.clone(),
            boundary: Rect {
                x,
                y,
                width,
                height,
            },
            clip: None,
        });
    }
    Ok(out)
}

pub(super) fn corner(text: &str) -> Result<(Mm, Mm), Failure> {
    let boxed = Rect::parse(&format!("{} 1 1", text.replace(',', " ")));
    let boxed = boxed.ok_or_else(|| Failure::usage(format!("--corner {text}: 120,200")))?;
    Ok((boxed.x, boxed.y))
}

fn scope(text: Option<&str>) -> Result<Scope, Failure> {
    let Some(text) = text else {
        return Ok(Scope::Document);
    };
    let wrong = || Failure::usage(format!("--pages {text}: 1-3"));
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong());
    Ok(Scope::Pages(number(from)?..=number(to)?))
}

/// Whether a file is a package.
pub(super) fn is_package(path: &Path, bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
        || path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("ofd"))
}

/// Whether a file is a PDF.
pub(super) fn is_pdf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"%PDF-")
}
