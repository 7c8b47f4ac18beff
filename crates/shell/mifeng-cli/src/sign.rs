//! `mifeng sign` and `mifeng check`: CMS signatures over any file.

use crate::cert::{self, TrustArgs};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, fetch, tsa};
use mifeng::crypto::{Suite, Time};
use mifeng::pki::Signer as _;
use mifeng::pki::cms::{self, Deviation, Profile, Signed, SignedData, Strictness};
use mifeng::pki::trust::Usage;
use mifeng::pki::tsp::{self, TimeStamp};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Which standard's identifiers a message is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// 通用工具可读 / what general tools read
    Rfc5652,
    /// 国内产品可读（仅SM2） / what Chinese products read (SM2 only)
    Gbt35275,
}

#[derive(clap::Args, Debug)]
pub(crate) struct SignArgs {
    /// 待签文件 / file to be signed
    file: PathBuf,
    /// 签名人身份文件夹 / the signer's identity folder
    #[arg(long)]
    id: PathBuf,
    /// 签名写到此处；默认 FILE.p7s，附原文时 FILE.p7m / default: FILE.p7s, FILE.p7m if attached
    #[arg(long)]
    out: Option<PathBuf>,
    /// 把原文放进签名 / put the content into the message
    #[arg(long)]
    attached: bool,
    /// 报文格式；默认按证书算法 / form of the message; default: that of the certificate's suite
    #[arg(long, value_enum)]
    form: Option<Form>,
    /// 时间戳服务地址（http） / address of a time-stamp authority (http)
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// 或：本机时间戳机构的身份文件夹 / or: identity folder of a development authority
    #[arg(long, value_name = "ID", conflicts_with = "tsa")]
    tsa_id: Option<PathBuf>,
}

#[derive(clap::Args, Debug)]
pub(crate) struct CheckArgs {
    /// 被签文件，或附原文的签名 / the signed file, or a message with its content
    file: PathBuf,
    /// 签名；默认 FILE.p7s / signature; default: FILE.p7s
    #[arg(long, value_name = "P7S")]
    sig: Option<PathBuf>,
    #[command(flatten)]
    whom: TrustArgs,
    /// 原文写到此处 / where to write the content
    #[arg(long)]
    out: Option<PathBuf>,
}

fn form(wanted: Option<Form>, suite: &Suite) -> Result<Profile, Failure> {
    match wanted {
        None => Ok(Profile::of(suite)),
        Some(Form::Rfc5652) => Ok(Profile::Rfc5652),
        Some(Form::Gbt35275) if suite.id() == "gm-1" => Ok(Profile::Gbt35275),
        Some(Form::Gbt35275) => Err(Failure::usage("--form gbt35275: SM2")),
    }
}

/// The path with one more ending.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

pub(crate) fn sign(ui: &Ui, args: &SignArgs, json: bool) -> Outcome {
    let content = ui::read(&args.file)?;
    let identity = Identity::load(ui, &args.id)?;
    let suite = cert::suite_of(identity.signer.certificate());
    let form = form(args.form, suite)?;
    let now = clock::now();
    let mut message = if args.attached {
        cms::sign_attached(&identity.signer, &content, now, form)?
    } else {
        cms::sign_detached(&identity.signer, &content, now, form)?
    };
    if args.tsa.is_some() || args.tsa_id.is_some() {
        message = stamp(ui, args, &message, &content, suite)?;
    }
    let ending = if args.attached { ".p7m" } else { ".p7s" };
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| with_ending(&args.file, ending));
    ui::write(&out, &message)?;
    let (shown, by) = (
        out.display().to_string(),
        identity.signer.certificate().subject_name(),
    );
    ui.tell(
        json,
        &json!({"written": shown, "signer": by, "attached": args.attached, "bytes": message.len()}),
        format!("{by} 已签名：{shown}"),
        format!("signed by {by}: {shown}"),
    );
    Ok(())
}

/// Adds a time stamp over the signature (CAdES-T). The signature is new, so the token needs no
/// nonce to be new too; its imprint is checked when it is put in.
fn stamp(
    ui: &Ui,
    args: &SignArgs,
    message: &[u8],
    content: &[u8],
    suite: &'static Suite,
) -> Result<Vec<u8>, Failure> {
    let read = SignedData::parse_field(message)?;
    let signed = read.verify_content(content, suite, Strictness::Field)?;
    let imprint = suite.hash().digest(&signed.signature);
    let request = tsp::Request::new(imprint, suite.hash(), None).to_der();
    let response = match (&args.tsa, &args.tsa_id) {
        (Some(url), _) => fetch::post_stamp(ui, url, &request)?,
        (None, Some(id)) => tsa::Authority::open(ui, id)?.answer(&request)?,
        (None, None) => return Ok(message.to_vec()),
    };
    let token = tsp::unwrap_response(&response)?;
    Ok(cms::add_time_stamp(message, 0, &token)?)
}

/// What was checked of one message.
struct Checked {
    signed: Signed,
    found: cert::Found,
    stamps: Vec<TimeStamp>,
    at: Time,
}

pub(crate) fn check(ui: &Ui, args: &CheckArgs, json: bool) -> Outcome {
    let beside = args
        .sig
        .clone()
        .unwrap_or_else(|| with_ending(&args.file, ".p7s"));
    let detached = args.sig.is_some() || beside.exists();
    let place = if detached { &beside } else { &args.file };
    let message = SignedData::parse_field(&fetch::pem_or_der(&ui::read(place)?))
        .map_err(|e| Failure::from(e).at(place))?;
    let content = match (detached, message.content()) {
        (false, Some(content)) => content.to_vec(),
        (true, None) => ui::read(&args.file)?,
        (true, Some(inside)) => {
            // Both at hand: they must be one.
            let given = ui::read(&args.file)?;
            if given != inside {
                return Err(Failure::refused(
                    "pki.digest-mismatch",
                    format!("{}: not the content of the message", args.file.display()),
                ));
            }
            given
        }
        (false, None) => {
            let text = format!("{}: {} ?", args.file.display(), beside.display());
            return Err(Failure::malformed(text));
        }
    };
    let checked = judge(args, &message, &content).map_err(|e| e.at(place))?;
    if let Some(out) = &args.out {
        ui::write(out, &content)?;
    }
    tell(ui, &checked, json);
    Ok(())
}

fn judge(args: &CheckArgs, message: &SignedData, content: &[u8]) -> Result<Checked, Failure> {
    let mut signed = None;
    for suite in [&mifeng::crypto::GM, &mifeng::crypto::INTL] {
        match message.verify_content(content, suite, Strictness::Field) {
            Ok(found) => signed = Some((found, suite)),
            // The other suite decides.
            Err(mifeng::pki::Error::WrongSuite { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let Some((signed, suite)) = signed else {
        return Err(Failure::refused(
            "pki.wrong-suite",
            "algorithms of neither suite, or of both",
        ));
    };
    let stamps = stamps(args, &signed, suite)?;
    // The earliest stamp shows that the signature existed then; the signer's own time is a claim.
    let at = match (&args.whom.at, stamps.first()) {
        (None, Some(stamp)) => stamp.gen_time,
        _ => args.whom.at()?,
    };
    let usage = Usage::RecordSigning;
    let found = args
        .whom
        .judge(&signed.certificate, &signed.chain, usage, at)?;
    Ok(Checked {
        signed,
        found,
        stamps,
        at,
    })
}

fn stamps(
    args: &CheckArgs,
    signed: &Signed,
    suite: &'static Suite,
) -> Result<Vec<TimeStamp>, Failure> {
    let trust = args.whom.stamp_trust()?;
    let mut stamps = Vec::new();
    for token in &signed.unsigned.time_stamps {
        let alg = tsp::Stamped::read(token)?.imprint().alg();
        let imprint = tsp::Imprint::of(&signed.signature, alg);
        stamps.push(trust.check(token, &imprint, suite)?);
    }
    stamps.sort_by_key(|stamp| stamp.gen_time);
    Ok(stamps)
}

fn tell(ui: &Ui, checked: &Checked, json: bool) {
    let signed = &checked.signed;
    let by = signed.certificate.subject_name();
    let deviations: Vec<&str> = signed
        .deviations
        .iter()
        .map(|d: &Deviation| d.code())
        .collect();
    let stamp = checked.stamps.first().map(|stamp| stamp.gen_time);
    if json {
        let value = json!({
            "valid": true, "signer": cert::as_json(&signed.certificate),
            "form": match signed.profile { Profile::Rfc5652 => "rfc5652", Profile::Gbt35275 => "gbt35275" },
            "signing_time": signed.signing_time, "stamped": stamp, "judged_at": checked.at,
            "binds_certificate": signed.binds_certificate, "deviations": deviations,
            "check": cert::found_json(&checked.found),
        });
        ui.tell(true, &value, "", "");
        return;
    }
    let claimed = signed
        .signing_time
        .map(|t| t.to_string())
        .unwrap_or_default();
    let (stamped_zh, stamped_en) = match stamp {
        Some(at) => (format!("时间戳 {at}"), format!("time stamp {at}")),
        None => (
            format!("自称时间 {claimed}，无时间戳"),
            format!("says {claimed}, no time stamp"),
        ),
    };
    ui.say(
        format!("签名有效：{by}；{stamped_zh}"),
        format!("signature holds: {by}; {stamped_en}"),
    );
    cert::say_found(ui, &checked.found);
    if !deviations.is_empty() {
        let list = deviations.join(" ");
        ui.say(
            format!("  与标准不符之处：{list}"),
            format!("  departs from the standard: {list}"),
        );
    }
}
