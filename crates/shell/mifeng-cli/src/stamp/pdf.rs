//! Seals and signatures on PDF documents.

use super::apply::ApplyArgs;
use crate::cert::{self, read_certificates};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, fetch};
use mifeng::crypto::{HashAlg, KeyAlg, Time};
use mifeng::pki::cms::{self, Profile, SignedData, Strictness};
use mifeng::pki::{OcspResponse, RevocationList, Signer};
use mifeng::stamp::ofd::{Mm, Rect};
use mifeng::stamp::pdf::{
    self, CheckedPdf, Format, Level, RESERVE, Request, Shown, Strip, Validation, add_validation,
};
use mifeng::stamp::{Picture, Seal, SignatureDraft};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What stands in the signature of a PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// PAdES（RSA、ECDSA，通用阅读器可验） / PAdES (RSA, ECDSA): what general readers check
    Pades,
    /// CMS 报文（SM2 也可） / a plain message, SM2 too
    Cms,
    /// GB/T 38540 电子签章（SM2） / a seal signature (SM2)
    Seal,
}

/// One signature to be made.
pub(crate) struct Job<'a> {
    pub(crate) signer: &'a dyn Signer,
    pub(crate) seal: Option<&'a Seal>,
    pub(crate) format: Format,
    pub(crate) shown: Option<Shown<'a>>,
    pub(crate) strips: &'a [Strip],
    pub(crate) certify: Option<Level>,
    pub(crate) reason: &'a str,
    pub(crate) at: Time,
}

/// What asks a time-stamp authority for a token over these bytes; none: without a stamp.
pub(crate) type Tokens<'a> = &'a mut dyn FnMut(&[u8], HashAlg) -> Result<Option<Vec<u8>>, Failure>;

/// Signs a document.
pub(crate) fn sign(bytes: &[u8], job: &Job<'_>, tokens: Tokens<'_>) -> Result<Vec<u8>, Failure> {
    let certificate = job.signer.certificate();
    let name = certificate.subject_name();
    let room = job.seal.map_or(0, |seal| seal.der().len());
    let request = Request {
        format: job.format,
        at: job.at,
        name: &name,
        reason: job.reason,
        location: "",
        shown: job.shown,
        strips: job.strips,
        certify: job.certify,
        reserve: RESERVE + room,
    };
    let prepared = pdf::prepare(bytes, &request)?;
    let content = prepared.content();
    let value = match (job.format, job.seal) {
        (Format::Seal, Some(seal)) => {
            let property = prepared.property();
            let draft = SignatureDraft {
                seal,
                at: job.at,
                data_hash: HashAlg::Sm3.digest(&content),
                property: &property,
                extensions: &[],
            };
            let signature = draft.sign(job.signer)?;
            match tokens(signature.signature_value(), HashAlg::Sm3)? {
                Some(token) => signature.with_time_stamp(&token)?.der().to_vec(),
                None => signature.der().to_vec(),
            }
        }
        (Format::Seal, None) => return Err(Failure::usage("--seal ?")),
        (Format::Message, _) => {
            let form = Profile::Rfc5652;
            let message = cms::sign_detached(job.signer, &content, job.at, form)?;
            stamped(job, message, &content, tokens)?
        }
        _ => {
            let message = cms::sign_without_time(job.signer, &content)?;
            stamped(job, message, &content, tokens)?
        }
    };
    Ok(prepared.finish(&value)?)
}

/// The message with a time stamp over its signature.
fn stamped(
    job: &Job<'_>,
    message: Vec<u8>,
    content: &[u8],
    tokens: Tokens<'_>,
) -> Result<Vec<u8>, Failure> {
    let suite = cert::suite_of(job.signer.certificate());
    let read = SignedData::parse_field(&message)?;
    let signed = read.verify_content(content, suite, Strictness::Field)?;
    Ok(match tokens(&signed.signature, suite.hash())? {
        Some(token) => cms::add_time_stamp(&message, 0, &token)?,
        None => message,
    })
}

/// The form that fits signer and seal, unless one is named.
fn format(form: Option<Form>, signer: &dyn Signer, seal: bool) -> Result<Format, Failure> {
    let sm2 = signer.certificate().public_key().key_alg() == KeyAlg::Sm2;
    match (form, sm2) {
        (None | Some(Form::Seal), true) if seal => Ok(Format::Seal),
        (None | Some(Form::Cms), true) => Ok(Format::Message),
        (None | Some(Form::Pades), false) => Ok(Format::Pades),
        (Some(Form::Cms), false) => Ok(Format::Message),
        (Some(Form::Pades), true) => Err(Failure::usage("--form pades: RSA, ECDSA")),
        (Some(Form::Seal), _) => Err(Failure::usage("--form seal: --seal, SM2")),
    }
}

/// Side of a picture that says nothing about its size, in millimetres: a round seal of a unit.
const SIDE_MM: u64 = 42;

/// `stamp apply` on a PDF.
pub(super) fn apply(
    ui: &Ui,
    args: &ApplyArgs,
    bytes: &[u8],
    seal: Option<&Seal>,
) -> Result<Vec<u8>, Failure> {
    if args.pages.is_some() || args.page.len() > 1 {
        return Err(Failure::usage("PDF: --pages, --page … --page: OFD"));
    }
    let identity = Identity::load(ui, &args.id)?;
    let certificate = identity.signer.certificate();
    if let Some(seal) = seal
        && !seal.signers().allows(certificate.der())
    {
        return Err(mifeng::stamp::Error::NotListed {
            subject: certificate.subject_name(),
        }
        .into());
    }
    let drawn = match (&args.picture, seal) {
        (Some(path), _) => {
            let side = args.side.unwrap_or(SIDE_MM);
            let picture = Picture::new(ui::read(path)?, side, side);
            Some(picture.map_err(|e| Failure::from(e).at(path))?)
        }
        (None, Some(seal)) => Some(seal.picture().clone()),
        (None, None) => None,
    };
    let mut strips = match (args.straddle, &drawn) {
        (Some(top), Some(picture)) => straddled(bytes, picture, top)?,
        (Some(_), None) => return Err(Failure::usage("--straddle: --seal, --picture ?")),
        (None, _) => Vec::new(),
    };
    let shown = match &drawn {
        Some(picture) if !strips.is_empty() => Some(first(strips.remove(0), picture)),
        Some(picture) => Some(place(args, bytes, picture)?),
        None => None,
    };
    let certify = match (args.close, args.certify) {
        (true, None | Some(1)) => Some(Level::NoChanges),
        (true, Some(_)) => return Err(Failure::usage("--close --certify")),
        (false, Some(1)) => Some(Level::NoChanges),
        (false, Some(2)) => Some(Level::Forms),
        (false, Some(3)) => Some(Level::Annotations),
        (false, Some(_)) => return Err(Failure::usage("--certify 1-3")),
        (false, None) => None,
    };
    let job = Job {
        signer: &identity.signer,
        seal,
        format: format(args.form, &identity.signer, seal.is_some())?,
        shown,
        strips: &strips,
        certify,
        reason: args.reason.as_deref().unwrap_or_default(),
        at: clock::now(),
    };
    sign(bytes, &job, &mut |value, hash| {
        args.stamp.token_by(ui, value, hash)
    })
}

/// The strips of a straddle seal over every page.
fn straddled(bytes: &[u8], picture: &Picture, top: i64) -> Result<Vec<Strip>, Failure> {
    let widths: Vec<Mm> = pdf::facts(bytes)?.pages.iter().map(|page| page.0).collect();
    let side = |mm: u64| Mm::new(i64::try_from(mm).unwrap_or(40).max(1));
    let (width, height) = (side(picture.width_mm), side(picture.height_mm));
    Ok(pdf::straddle(&widths, width, height, Mm::new(top))?)
}

/// The first strip is the signature's own place.
fn first(strip: Strip, picture: &Picture) -> Shown<'_> {
    Shown {
        page: strip.page,
        place: strip.place,
        clip: Some(strip.clip),
        picture,
    }
}

fn place<'a>(args: &ApplyArgs, bytes: &[u8], picture: &'a Picture) -> Result<Shown<'a>, Failure> {
    let facts = pdf::facts(bytes)?;
    let count = facts.pages.len();
    let page = args.page.first().copied().unwrap_or(count);
    let size = page.checked_sub(1).and_then(|at| facts.pages.get(at));
    let (across, down) =
        *size.ok_or_else(|| Failure::usage(format!("--page {page}: 1-{count}")))?;
    let side = |mm: u64| Mm::new(i64::try_from(mm).unwrap_or(40).max(1));
    let (width, height) = (side(picture.width_mm), side(picture.height_mm));
    let margin = Mm::new(super::apply::MARGIN_MM).0;
    let (x, y) = match &args.corner {
        Some(text) => super::apply::corner(text)?,
        None => (
            Mm(across.0 - width.0 - margin),
            Mm(down.0 - height.0 - margin),
        ),
    };
    Ok(Shown {
        page,
        place: Rect {
            x,
            y,
            width,
            height,
        },
        clip: None,
        picture,
    })
}

#[derive(clap::Args, Debug)]
pub(crate) struct ExtendArgs {
    /// 已签名的 PDF / signed PDF
    file: PathBuf,
    /// 证书（PEM 或 DER），可多次 / certificates; may be repeated
    #[arg(long, value_name = "CER")]
    chain: Vec<PathBuf>,
    /// 吊销列表，可多次 / revocation lists; may be repeated
    #[arg(long, value_name = "CRL")]
    crl: Vec<PathBuf>,
    /// OCSP 响应，可多次 / OCSP responses; may be repeated
    #[arg(long, value_name = "OCSP")]
    ocsp: Vec<PathBuf>,
    #[command(flatten)]
    stamp: super::StampSource,
    /// 时间戳摘要用 SHA-256，不用 SM3 / SHA-256 instead of SM3 under the time stamp
    #[arg(long)]
    sha256: bool,
    /// 结果 / the result
    #[arg(long)]
    out: PathBuf,
}

/// `stamp extend`: long-term material, then a time stamp over everything.
pub(super) fn extend(ui: &Ui, args: &ExtendArgs, json: bool) -> Outcome {
    let mut bytes = ui::read(&args.file)?;
    let mut added = Validation::default();
    for path in &args.chain {
        added.certificates.extend(read_certificates(path)?);
    }
    for path in &args.crl {
        let der = fetch::pem_or_der(&ui::read(path)?);
        let list = RevocationList::parse(&der).map_err(|e| Failure::from(e).at(path))?;
        added.crls.push(list);
    }
    for path in &args.ocsp {
        let read = OcspResponse::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
        added.ocsp.push(read);
    }
    let pieces = added.certificates.len() + added.crls.len() + added.ocsp.len();
    if pieces > 0 {
        bytes = add_validation(&bytes, &added).map_err(|e| Failure::from(e).at(&args.file))?;
    }
    let hash = match args.sha256 {
        true => HashAlg::Sha256,
        false => HashAlg::Sm3,
    };
    let request = Request {
        format: Format::TimeStamp,
        at: clock::now(),
        name: "",
        reason: "",
        location: "",
        shown: None,
        strips: &[],
        certify: None,
        reserve: RESERVE,
    };
    let prepared = pdf::prepare(&bytes, &request).map_err(|e| Failure::from(e).at(&args.file))?;
    let token = args.stamp.token_by(ui, &prepared.content(), hash)?;
    let stamped = token.is_some();
    if let Some(token) = token {
        bytes = prepared.finish(&token)?;
    } else if pieces == 0 {
        return Err(Failure::usage("--crl, --chain, --ocsp, --tsa ?"));
    }
    super::write(&args.out, &bytes)?;
    let value = json!({"pieces": pieces, "time_stamp": stamped, "bytes": bytes.len()});
    super::written(ui, json, value, &args.out);
    Ok(())
}

/// What `stamp verify` tells of a PDF: title and report of each signature, and the JSON.
pub(super) fn found(found: &CheckedPdf) -> super::verify::Found {
    let mut value = super::verify::report_json(&found.report);
    value["verdict"] = json!(found.verdict().code());
    value["pages"] = json!(found.pages);
    value["revisions"] = json!(found.revisions);
    value["uncovered"] = changes(&found.uncovered);
    let mut parts = vec![(String::new(), found.report.clone())];
    let mut all = Vec::new();
    for one in &found.signatures {
        let mut part = super::verify::report_json(&one.report);
        part["field"] = json!(one.field);
        part["format"] = json!(one.format);
        part["form"] = json!(one.form.map(pdf::SignatureForm::code));
        part["signer"] = json!(one.signer.as_ref().map(cert::as_json));
        part["signed_at"] = json!(one.signed_at);
        part["claimed"] = json!(one.claimed);
        part["name"] = json!(one.name);
        part["reason"] = json!(one.reason);
        part["covers"] = json!(one.covers);
        part["whole"] = json!(one.whole);
        part["certifies"] = json!(one.certifies.map(Level::number));
        part["changes"] = changes(&one.changes);
        let seal = one.seal.as_ref().and_then(|s| s.signature.as_ref());
        part["signature"] = seal.map_or(Value::Null, super::verify::signature_json);
        let who = one.signer.as_ref().map(|c| c.subject_name());
        let title = format!("[{}] {}", one.field, who.unwrap_or_default());
        parts.push((title, one.report.clone()));
        all.push(part);
    }
    value["signatures"] = json!(all);
    (found.verdict(), parts, value)
}

fn changes(all: &[pdf::Change]) -> Value {
    let one = |change: &pdf::Change| {
        json!({
            "code": change.kind.code(), "place": change.place,
            "zh": change.kind.zh(), "en": change.kind.en(),
        })
    };
    all.iter().map(one).collect()
}
