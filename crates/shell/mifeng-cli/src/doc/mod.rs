//! `mifeng doc`: the papers of a tender in type, as PDF/A and as OFD.

mod fonts;
mod papers;
mod seals;

pub(crate) use fonts::{FontArgs, Fonts};
pub(crate) use papers::{Named, of_tender, receipts, verification, verification_of};
pub(crate) use seals::Stamper;

use crate::bundle::Bundle;
use crate::stamp::StampSource;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::Kind;
use mifeng_doc::Error;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum DocCommand {
    /// 由档案生成文书：开标记录表、评审报告、通知书等 / the papers of a tender from its bundle
    Render(RenderArgs),
    /// 绘制印章图像（PNG）；印章本身由 stamp make 签发 / draw the picture of a seal
    SealPicture(PictureArgs),
}

/// Which formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// PDF/A-2u
    Pdf,
    /// OFD（GB/T 33190）
    Ofd,
    /// 两种都要 / both
    Both,
}

#[derive(clap::Args, Debug)]
pub(crate) struct RenderArgs {
    /// 档案或阶段包（tar） / dossier or bundle
    bundle: PathBuf,
    /// 写入此文件夹 / into this folder
    #[arg(long)]
    out: PathBuf,
    /// 格式 / format
    #[arg(long, value_enum, default_value = "both")]
    format: Format,
    /// 另制回执：回执文件，可多次 / receipts too: the receipt's file; may be repeated
    #[arg(long, value_name = "RECEIPT")]
    receipt: Vec<PathBuf>,
    /// 核验档案并出具核验报告 / verify the dossier and print the report
    #[arg(long)]
    verify: bool,
    /// 盖章：印章文件，与 --id 成对 / seal with this, together with --id
    #[arg(long, value_name = "ESL", requires = "id")]
    seal: Option<PathBuf>,
    /// 签章者身份文件夹；只盖在以其名义出具的文书上 / the signer: only papers in its name are sealed
    #[arg(long, requires = "seal")]
    id: Option<PathBuf>,
    #[command(flatten)]
    stamp: StampSource,
    #[command(flatten)]
    fonts: fonts::FontArgs,
}

#[derive(clap::Args, Debug)]
pub(crate) struct PictureArgs {
    /// 单位或个人名称 / name
    #[arg(long)]
    name: String,
    /// 用途，如 采购专用章 / purpose, under the star
    #[arg(long, default_value = "")]
    purpose: String,
    /// 方形个人名章 / a person's square seal
    #[arg(long)]
    square: bool,
    /// PNG
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    fonts: fonts::FontArgs,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let zh = match &error {
            Error::Font { name, .. } => Some(format!("字体 {name} 无法使用")),
            Error::NoGlyph { sign } => Some(format!("所给字体没有“{sign}”字")),
            Error::Stamp(inner) => Some(inner.zh()),
            _ => None,
        };
        Failure {
            exit: match error.kind() {
                Kind::Malformed => 3,
                Kind::Unavailable => 4,
                _ => 1,
            },
            code: error.code().to_owned(),
            clause: None,
            zh,
            text: error.to_string(),
        }
    }
}

pub(crate) fn run(ui: &Ui, command: &DocCommand, json: bool) -> Outcome {
    match command {
        DocCommand::Render(args) => render(ui, args, json),
        DocCommand::SealPicture(args) => picture(ui, args, json),
    }
}

fn render(ui: &Ui, args: &RenderArgs, json: bool) -> Outcome {
    let fonts = args.fonts.load()?;
    let bundle = Bundle::open(&args.bundle)?;
    let mut all = of_tender(&bundle);
    all.extend(receipts(&bundle, &args.receipt)?);
    if args.verify {
        all.push(verification(&bundle, &args.bundle)?);
    }
    let mut stamper = Stamper::stamped_by(args.stamp.clone());
    if let (Some(seal), Some(id)) = (&args.seal, &args.id) {
        stamper.add(ui, seal, id)?;
    }
    let written = write_all(ui, &all, (&fonts, &stamper), (args.format, &args.out))?;
    let shown: Vec<String> = written
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    if json {
        ui.tell(true, &json!({"written": shown}), "", "");
        return Ok(());
    }
    for path in shown {
        ui.say(format!("已写出 {path}"), format!("written: {path}"));
    }
    Ok(())
}

/// Sets, writes and seals the papers.
pub(crate) fn write_all(
    ui: &Ui,
    all: &[Named],
    (fonts, stamper): (&Fonts, &Stamper),
    (format, out): (Format, &Path),
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    let mut put = |name: String, bytes: &[u8]| {
        let path = out.join(name);
        ui::write(&path, bytes)?;
        written.push(path);
        Ok::<(), Failure>(())
    };
    for Named { name, paper } in all {
        let sheets = mifeng_doc::set(paper, &fonts.faces)?;
        if format != Format::Pdf {
            let plain = sheets.ofd(&fonts.faces)?;
            put(format!("{name}.ofd"), &stamper.seal(ui, plain, &sheets)?)?;
        }
        if format != Format::Ofd {
            let plain = sheets.pdf(&fonts.faces)?;
            put(
                format!("{name}.pdf"),
                &stamper.seal_pdf(ui, plain, &sheets)?,
            )?;
        }
    }
    Ok(written)
}

/// Writes one paper as PDF/A into this very file.
pub(crate) fn write_pdf(one: &Named, fonts: &Fonts, out: &Path) -> Outcome {
    let sheets = mifeng_doc::set(&one.paper, &fonts.faces)?;
    ui::write(out, &sheets.pdf(&fonts.faces)?)
}

fn picture(ui: &Ui, args: &PictureArgs, json: bool) -> Outcome {
    let fonts = args.fonts.load()?;
    let look = match args.square {
        true => mifeng_doc::SealLook::Square {
            name: args.name.clone(),
        },
        false => mifeng_doc::SealLook::Round {
            name: args.name.clone(),
            purpose: args.purpose.clone(),
        },
    };
    let png = mifeng_doc::seal_picture(&look, &fonts.faces.bold)?;
    ui::write(&args.out, &png)?;
    let (path, (width, height)) = (args.out.display().to_string(), look.size());
    ui.tell(
        json,
        &json!({"written": path, "width_mm": width, "height_mm": height}),
        format!("已写出 {path}，{width}×{height} 毫米"),
        format!("written: {path}, {width}x{height} mm"),
    );
    Ok(())
}
