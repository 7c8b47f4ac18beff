//! What units and persons sign: applications, uses, consents, revocations.

use super::keep::{Kept, entered};
use super::{KeepArgs, Whom, read};
use crate::cert::{TrustArgs, read_certificates};
use crate::identity::Identity;
use crate::stamp::make::{self, Kind};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{base64, clock, trust};
use mifeng::crypto::{HashAlg, SystemEntropy};
use mifeng::registry::Register;
use mifeng::seals::{Apply, Approve, Form, KeyChoice, PictureFile, Reason, Revoke, Use};
use mifeng::stamp::{Picture, Seal};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Who signs a record for a register, and where it goes.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ActArgs {
    /// 制章者导出的印章登记 / the register, as its maker exports it
    #[arg(long)]
    registry: PathBuf,
    /// 本人身份文件夹 / your identity folder
    #[arg(long)]
    id: PathBuf,
    #[command(flatten)]
    whom: TrustArgs,
    /// 记录写到此处，交给制章者 / where to write the record, which goes to the maker
    #[arg(long)]
    out: PathBuf,
}

impl ActArgs {
    fn register(&self) -> Result<Register, Failure> {
        read(
            &self.registry,
            &Whom::of(&self.whom, self.whom.at()?)?.reader(),
        )
    }

    /// Signs a record and writes it.
    fn write<T: Serialize>(
        &self,
        ui: &Ui,
        register: &Register,
        (kind, data): (&str, &T),
        json: bool,
    ) -> Outcome {
        let identity = Identity::load(ui, &self.id)?;
        let entropy = &mut SystemEntropy::new();
        let record = register.draft(kind, data, &*identity.signer, clock::now(), entropy)?;
        ui::write(&self.out, &record.to_file()?)?;
        let commitment = record.commitment(&mifeng::crypto::GM).to_string();
        super::super::written(ui, json, json!({"record": commitment}), &self.out);
        Ok(())
    }
}

/// Whether a token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Key {
    /// 复用已有 UKey / a token that the unit has
    Reuse,
    /// 新办 / a new one
    New,
    /// 其他 / something else
    Other,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ApplyForArgs {
    #[command(flatten)]
    act: ActArgs,
    /// 电子印章信息采集表（JSON，见 spec/registry.md） / the information form
    #[arg(long)]
    form: PathBuf,
    /// 印模图像：透明 PNG 或 GIF / picture: a transparent PNG or GIF
    #[arg(long)]
    picture: PathBuf,
    /// 宽x高，毫米 / width x height in mm
    #[arg(long, default_value = "40x40")]
    size: String,
    /// 印章名称 / name on the seal
    #[arg(long)]
    name: String,
    /// 印章类型 / kind of seal
    #[arg(long, value_enum, default_value = "unit")]
    kind: Kind,
    /// 可用此章的签章者证书 / certificates of those who may sign with it
    #[arg(long, required = true, value_name = "CERT")]
    signer: Vec<PathBuf>,
    /// 是否复用 UKey / which token
    #[arg(long, value_enum, default_value = "reuse")]
    key: Key,
    /// 申请有效期止 / until when it is asked for
    #[arg(long, value_name = "TIME")]
    until: String,
    /// 每次用印须保管人批准 / each use needs the keeper's consent
    #[arg(long)]
    dual: bool,
    /// 延期：现有印章 / extension: the seal as it is now
    #[arg(long, value_name = "ESL")]
    extends: Option<PathBuf>,
}

pub(crate) fn apply_for(ui: &Ui, args: &ApplyForArgs, json: bool) -> Outcome {
    let form: Form = serde_json::from_slice(&ui::read(&args.form)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", args.form.display())))?;
    let (width, height) = make::size(&args.size)?;
    let picture = Picture::import(ui::read(&args.picture)?, width, height)
        .map_err(|e| Failure::from(e).at(&args.picture))?;
    let mut signers = Vec::new();
    for path in &args.signer {
        let first = read_certificates(path)?.into_iter().take(1);
        signers.extend(first.map(|certificate| base64(certificate.der())));
    }
    let extends = match &args.extends {
        Some(path) => Some(seal_digest(path)?),
        None => None,
    };
    let data = Apply {
        dual: args.dual,
        extends,
        form,
        key: match args.key {
            Key::Reuse => KeyChoice::Reuse,
            Key::New => KeyChoice::New,
            Key::Other => KeyChoice::Other,
        },
        kind: args.kind.number().0,
        name: args.name.clone(),
        picture: PictureFile::of(&picture),
        signers,
        until: trust::time(&args.until)?,
    };
    // What the maker would refuse is told here already.
    let identity = Identity::load(ui, &args.act.id)?;
    let vouched = identity.signer.certificate().uscc();
    data.form
        .check(vouched.as_deref())
        .map_err(|e| Failure::from(e).at(&args.form))?;
    let register = args.act.register()?;
    args.act.write(ui, &register, ("seal.apply", &data), json)
}

/// SM3 of a seal, by which the register knows it.
fn seal_digest(path: &Path) -> Result<mifeng::crypto::Digest, Failure> {
    let seal = Seal::parse(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
    Ok(HashAlg::Sm3.digest(seal.der()))
}

#[derive(clap::Args, Debug)]
pub(crate) struct UseArgs {
    #[command(flatten)]
    act: ActArgs,
    /// 要盖章的文件 / the document to be sealed
    file: PathBuf,
    /// 印章 / the seal
    #[arg(long)]
    seal: PathBuf,
    /// 用印人 / who asks for it
    #[arg(long)]
    person: String,
    /// 事由 / why
    #[arg(long)]
    reason: String,
    /// 文件名称；默认取文件名 / what the document is called; default: its file name
    #[arg(long)]
    title: Option<String>,
}

pub(crate) fn use_seal(ui: &Ui, args: &UseArgs, json: bool) -> Outcome {
    let name = || {
        let name = args.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let data = Use {
        document: HashAlg::Sm3.digest(&ui::read(&args.file)?),
        person: args.person.clone(),
        reason: args.reason.clone(),
        seal: seal_digest(&args.seal)?,
        title: args.title.clone().unwrap_or_else(name),
    };
    let register = args.act.register()?;
    args.act.write(ui, &register, ("seal.use", &data), json)
}

#[derive(clap::Args, Debug)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    act: ActArgs,
    /// 用印记录的编号（开头几位即可） / the record of the use, or its first characters
    #[arg(long = "use", value_name = "RECORD")]
    using: String,
}

pub(crate) fn approve(ui: &Ui, args: &ApproveArgs, json: bool) -> Outcome {
    let register = args.act.register()?;
    let known = register.state.uses().keys();
    let using = super::find(ui, ("没有这次用印", "no such use"), &args.using, known)?;
    // What is consented to is said before a key is asked for.
    if let Some(entered) = register.state.uses().get(&using) {
        let asked = &entered.data;
        let (number, document) = (&entered.number, asked.document);
        ui.warn(
            format!(
                "批准用印：{}，事由 {}，文件 {}（{document}），印章 {number}",
                asked.person, asked.reason, asked.title
            ),
            format!(
                "consent to: {}, reason {}, document {} ({document}), seal {number}",
                asked.person, asked.reason, asked.title
            ),
        );
    }
    args.act
        .write(ui, &register, ("seal.approve", &Approve { using }), json)
}

/// Why, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Why {
    /// 单位撤销 / the unit was dissolved
    UnitDissolved,
    /// 单位合并或分立 / the unit was merged or split
    UnitMerged,
    /// 单位更名 / the unit was renamed
    UnitRenamed,
    /// 实物印章失效 / the seal in wood or rubber ended
    PhysicalSealInvalid,
    /// 密钥丢失或泄露 / a key was lost or leaked
    KeyCompromised,
    /// 换发新章 / another seal takes its place
    Replaced,
    /// 其他 / other
    Other,
}

impl Why {
    fn reason(self) -> Reason {
        match self {
            Why::UnitDissolved => Reason::UnitDissolved,
            Why::UnitMerged => Reason::UnitMerged,
            Why::UnitRenamed => Reason::UnitRenamed,
            Why::PhysicalSealInvalid => Reason::PhysicalSealInvalid,
            Why::KeyCompromised => Reason::KeyCompromised,
            Why::Replaced => Reason::Replaced,
            Why::Other => Reason::Other,
        }
    }
}

#[derive(clap::Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    keep: KeepArgs,
    /// 印章编号 / number of the seal
    #[arg(long)]
    number: String,
    /// 原因 / why
    #[arg(long, value_enum)]
    reason: Why,
    /// 自何时起失效；默认现在 / from when nothing sealed with it holds; default: now
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// 说明 / what else there is to say
    #[arg(long, default_value = "")]
    note: String,
    /// 由单位提出：写成记录交给制章者（--registry 为导出的登记） / by the unit: write a record for the maker (--registry is the exported register)
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn revoke(ui: &Ui, args: &RevokeArgs, json: bool) -> Outcome {
    let from = args.from.as_deref();
    let data = Revoke {
        from: from
            .map_or_else(|| Ok(clock::now()), trust::time)?
            .trunc_millis(),
        note: args.note.clone(),
        number: args.number.clone(),
        reason: args.reason.reason(),
    };
    if let Some(out) = &args.out {
        let act = ActArgs {
            registry: args.keep.registry.clone(),
            id: args.keep.id.clone(),
            whom: args.keep.whom.clone(),
            out: out.clone(),
        };
        let register = act.register()?;
        return act.write(ui, &register, ("seal.revoke", &data), json);
    }
    let mut kept = Kept::open(ui, &args.keep)?;
    let taken = kept.enter("seal.revoke", &data)?;
    entered(ui, json, &taken);
    Ok(())
}
