//! `mifeng stamp make`.

use super::StampSource;
use super::log::{self, KeepArgs, Kept};
use crate::cert::{TrustArgs, read_certificates};
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, trust};
use mifeng::crypto::{Digest, Time};
use mifeng::pki::{Certificate, Signer};
use mifeng::seals::{Make, State};
use mifeng::stamp::{Picture, Seal, SealDraft, SealKind, Signers, Version};
use serde_json::json;
use std::path::PathBuf;

/// Kinds of seal as arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// 单位公章 / unit seal
    Unit,
    /// 个人名章 / personal seal
    Person,
    /// 财务专用章 / finance seal
    Finance,
    /// 合同专用章 / contract seal
    Contract,
    /// 法定代表人名章 / legal representative's seal
    LegalRepresentative,
    /// 采购专用章 / procurement seal
    Procurement,
}

impl Kind {
    pub(super) fn number(self) -> SealKind {
        match self {
            Kind::Unit => SealKind::UNIT,
            Kind::Person => SealKind::PERSON,
            Kind::Finance => SealKind::FINANCE,
            Kind::Contract => SealKind::CONTRACT,
            Kind::LegalRepresentative => SealKind::LEGAL_REPRESENTATIVE,
            Kind::Procurement => SealKind::PROCUREMENT,
        }
    }
}

/// Editions that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Edition {
    /// GB/T 38540-2020
    #[value(name = "4")]
    V4,
    /// GM/T 0031-2025
    #[value(name = "5")]
    V5,
}

#[derive(clap::Args, Debug)]
pub(crate) struct MakeArgs {
    /// 制章者身份文件夹 / the maker's identity folder
    #[arg(long)]
    id: PathBuf,
    /// 按登记中的申请制章并登记：存放登记的文件夹 / make what was applied for and enter it: the register's folder
    #[arg(long, requires = "application")]
    registry: Option<PathBuf>,
    /// 申请的编号（开头几位即可） / the application, or its first characters
    #[arg(long, requires = "registry", conflicts_with_all = ["signer", "picture", "name"])]
    application: Option<String>,
    #[command(flatten)]
    whom: TrustArgs,
    /// 可用此章的签章者证书 / certificates of those who may sign with it
    #[arg(long, required_unless_present = "application", value_name = "CERT")]
    signer: Vec<PathBuf>,
    /// 列入证书杂凑而非证书 / list digests, not certificates
    #[arg(long)]
    digests: bool,
    /// 印章图像：PNG、JPEG、BMP、GIF、OFD / picture
    #[arg(long, required_unless_present = "application")]
    picture: Option<PathBuf>,
    /// 宽x高，毫米 / width x height in mm
    #[arg(long, default_value = "40x40")]
    size: String,
    /// 印章名称 / name on the seal
    #[arg(long, required_unless_present = "application")]
    name: Option<String>,
    /// 印章编号；延期沿用原编号 / number of the seal; a new edition keeps its number
    #[arg(long, required_unless_present = "application")]
    number: Option<String>,
    /// 印章类型 / kind of seal
    #[arg(long, value_enum, default_value = "unit")]
    kind: Kind,
    /// 版本 / edition
    #[arg(long, value_enum, default_value = "4")]
    edition: Edition,
    /// 有效期始；默认现在 / in force from; default: now
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// 有效期止；默认按申请 / in force until; default: as applied for
    #[arg(long, value_name = "TIME", required_unless_present = "application")]
    until: Option<String>,
    #[command(flatten)]
    stamp: StampSource,
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn size(text: &str) -> Result<(u64, u64), Failure> {
    let wrong = || Failure::usage(format!("--size {text}: 40x40"));
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    Ok((side(width)?, side(height)?))
}

/// What a seal is to be, before its version and dates.
struct Wanted {
    number: String,
    kind: SealKind,
    name: String,
    signers: Vec<Certificate>,
    picture: Picture,
    until: Time,
}

impl MakeArgs {
    fn given(&self) -> Result<Wanted, Failure> {
        let missing = || Failure::usage("--picture --name --number --until ?");
        let path = self.picture.as_ref().ok_or_else(missing)?;
        let mut signers = Vec::new();
        for path in &self.signer {
            signers.extend(read_certificates(path)?.into_iter().take(1));
        }
        let (width, height) = size(&self.size)?;
        let picture = Picture::new(ui::read(path)?, width, height);
        Ok(Wanted {
            number: self.number.clone().ok_or_else(missing)?,
            kind: self.kind.number(),
            name: self.name.clone().ok_or_else(missing)?,
            signers,
            picture: picture.map_err(|e| Failure::from(e).at(path))?,
            until: trust::time(self.until.as_deref().ok_or_else(missing)?)?,
        })
    }

    /// What an application asks for; a new edition keeps the number that it has.
    fn applied_for(&self, state: &State, application: &Digest) -> Result<Wanted, Failure> {
        let found = state.applications().get(application);
        let asked = &found.ok_or_else(|| Failure::usage("--application ?"))?.data;
        let former = asked.extends.and_then(|seal| state.seals().get(&seal));
        let number = match (&self.number, former) {
            (_, Some(former)) => former.number.clone(),
            (Some(number), None) => number.clone(),
            (None, None) => return Err(Failure::usage("--number ?")),
        };
        Ok(Wanted {
            number,
            kind: SealKind(asked.kind),
            name: asked.name.clone(),
            signers: asked.certificates()?,
            picture: asked.picture.import()?,
            until: self.until.as_deref().map_or(Ok(asked.until), trust::time)?,
        })
    }

    fn draft(&self, wanted: Wanted) -> Result<SealDraft, Failure> {
        let now: Time = clock::now();
        Ok(SealDraft {
            version: match self.edition {
                Edition::V4 => Version::V4,
                Edition::V5 => Version::V5,
            },
            vendor: "MIFENG".to_owned(),
            id: wanted.number,
            kind: wanted.kind,
            name: wanted.name,
            signers: match self.digests {
                true => Signers::digests(&wanted.signers),
                false => Signers::certificates(&wanted.signers),
            },
            created: now,
            valid_from: self.from.as_deref().map_or(Ok(now), trust::time)?,
            valid_until: wanted.until,
            picture: wanted.picture,
            extensions: Vec::new(),
        })
    }

    fn sign(&self, ui: &Ui, wanted: Wanted, maker: &dyn Signer) -> Result<Seal, Failure> {
        let seal = self.draft(wanted)?.sign(maker)?;
        Ok(match self.stamp.token(ui, seal.signature_value())? {
            Some(token) => seal.with_time_stamp(&token)?,
            None => seal,
        })
    }
}

pub(super) fn run(ui: &Ui, args: &MakeArgs, json: bool) -> Outcome {
    let (seal, record) = match (&args.registry, &args.application) {
        (Some(registry), Some(application)) => registered(ui, args, registry, application)?,
        _ => {
            let wanted = args.given()?;
            let maker = Identity::load(ui, &args.id)?;
            (args.sign(ui, wanted, &*maker.signer)?, None)
        }
    };
    super::write(&args.out, seal.der())?;
    let value = json!({
        "number": seal.id(), "name": seal.name(), "kind": seal.kind().0,
        "version": seal.number(), "bytes": seal.der().len(), "record": record,
    });
    super::written(ui, json, value, &args.out);
    Ok(())
}

/// Makes what was applied for; the seal is in the register before anybody has it.
fn registered(
    ui: &Ui,
    args: &MakeArgs,
    registry: &std::path::Path,
    application: &str,
) -> Result<(Seal, Option<String>), Failure> {
    let mut kept = Kept::open(
        ui,
        &KeepArgs {
            registry: registry.to_owned(),
            id: args.id.clone(),
            whom: args.whom.clone(),
        },
    )?;
    let state = &kept.registry.register().state;
    let known = state.applications().keys();
    let application = log::find(
        ui,
        ("没有这项申请", "no such application"),
        application,
        known,
    )?;
    let wanted = args.applied_for(state, &application)?;
    let seal = args.sign(ui, wanted, kept.registry.maker())?;
    let record = kept.enter("seal.make", &Make::new(application, &seal))?;
    Ok((seal, Some(record)))
}
