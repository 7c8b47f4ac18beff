//! `mifeng stamp make`.

use super::StampSource;
use crate::cert::read_certificates;
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, trust};
use mifeng::crypto::Time;
use mifeng::stamp::{Picture, SealDraft, SealKind, Signers, Version};
use serde_json::json;
use std::path::PathBuf;

/// Kinds of seal as arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
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
    fn number(self) -> SealKind {
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
    /// 可用此章的签章者证书 / certificates of those who may sign with it
    #[arg(long, required = true, value_name = "CERT")]
    signer: Vec<PathBuf>,
    /// 列入证书杂凑而非证书 / list digests, not certificates
    #[arg(long)]
    digests: bool,
    /// 印章图像：PNG、JPEG、BMP、GIF、OFD / picture
    #[arg(long)]
    picture: PathBuf,
    /// 宽x高，毫米 / width x height in mm
    #[arg(long, default_value = "40x40")]
    size: String,
    /// 印章名称 / name on the seal
    #[arg(long)]
    name: String,
    /// 印章编号 / number of the seal
    #[arg(long)]
    number: String,
    /// 印章类型 / kind of seal
    #[arg(long, value_enum, default_value = "unit")]
    kind: Kind,
    /// 版本 / edition
    #[arg(long, value_enum, default_value = "4")]
    edition: Edition,
    /// 有效期始；默认现在 / in force from; default: now
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// 有效期止 / in force until
    #[arg(long, value_name = "TIME")]
    until: String,
    #[command(flatten)]
    stamp: StampSource,
    #[arg(long)]
    out: PathBuf,
}

fn size(text: &str) -> Result<(u64, u64), Failure> {
    let wrong = || Failure::usage(format!("--size {text}: 40x40"));
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    Ok((side(width)?, side(height)?))
}

pub(super) fn run(ui: &Ui, args: &MakeArgs, json: bool) -> Outcome {
    let now: Time = clock::now();
    let mut signers = Vec::new();
    for path in &args.signer {
        signers.extend(read_certificates(path)?.into_iter().take(1));
    }
    let (width, height) = size(&args.size)?;
    let picture = Picture::new(ui::read(&args.picture)?, width, height);
    let draft = SealDraft {
        version: match args.edition {
            Edition::V4 => Version::V4,
            Edition::V5 => Version::V5,
        },
        vendor: "MIFENG".to_owned(),
        id: args.number.clone(),
        kind: args.kind.number(),
        name: args.name.clone(),
        signers: match args.digests {
            true => Signers::digests(&signers),
            false => Signers::certificates(&signers),
        },
        created: now,
        valid_from: args.from.as_deref().map_or(Ok(now), trust::time)?,
        valid_until: trust::time(&args.until)?,
        picture: picture.map_err(|e| Failure::from(e).at(&args.picture))?,
        extensions: Vec::new(),
    };
    let maker = Identity::load(ui, &args.id)?;
    let mut seal = draft.sign(&maker.signer)?;
    if let Some(token) = args.stamp.token(ui, seal.signature_value())? {
        seal = seal.with_time_stamp(&token)?;
    }
    super::write(&args.out, seal.der())?;
    let value = json!({
        "number": seal.id(), "name": seal.name(), "kind": seal.kind().0,
        "version": seal.number(), "bytes": seal.der().len(),
    });
    super::written(ui, json, value, &args.out);
    Ok(())
}
