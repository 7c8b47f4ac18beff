//! Where the fonts come from: named files, or those of the system.

use crate::ui::{self, Failure};
use mifeng_doc::{Face, Faces};
use std::path::{Path, PathBuf};

/// Where systems keep fonts.
const FOLDERS: [&str; 4] = [
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/Library/Fonts",
    "C:\\Windows\\Fonts",
];
/// Free faces for Chinese (SIL Open Font License) by the names of their files, 宋体 before 黑体.
const TEXT: [&str; 6] = [
    "NotoSerifCJK-Regular.ttc",
    "NotoSerifCJKsc-Regular.otf",
    "SourceHanSerifSC-Regular.otf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "SourceHanSansSC-Regular.otf",
];
const BOLD: [&str; 6] = [
    "NotoSerifCJK-Bold.ttc",
    "NotoSerifCJKsc-Bold.otf",
    "SourceHanSerifSC-Bold.otf",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJKsc-Bold.otf",
    "SourceHanSansSC-Bold.otf",
];
/// Folders inside folders.
const DEPTH_MAX: usize = 6;

#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct FontArgs {
    /// 正文字体文件；默认用系统的思源宋体 / font of the text; default: the system's Noto Serif CJK
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// 标题字体文件 / font of titles
    #[arg(long, value_name = "FILE")]
    font_bold: Option<PathBuf>,
}

/// The faces in use.
pub(crate) struct Fonts {
    pub(crate) faces: Faces,
}

impl FontArgs {
    /// Reads the faces.
    pub(crate) fn load(&self) -> Result<Fonts, Failure> {
        let face = |given: &Option<PathBuf>, names: &[&str]| {
            let path = match given {
                Some(path) => path.clone(),
                None => find(names).ok_or_else(missing)?,
            };
            let name = path.display().to_string();
            Ok::<Face, Failure>(Face::new(&name, ui::read(&path)?)?)
        };
        Ok(Fonts {
            faces: Faces {
                text: face(&self.font, &TEXT)?,
                bold: face(&self.font_bold, &BOLD)?,
            },
        })
    }
}

fn missing() -> Failure {
    let mut failure = Failure::refused(
        "doc.no-font",
        "no font for Chinese is installed: apt-get install fonts-noto-cjk, or --font and --font-bold",
    );
    failure.exit = 4;
    failure.zh = Some(
        "本机没有中文字体：请安装 fonts-noto-cjk（apt-get install fonts-noto-cjk），或用 --font 与 --font-bold 指定"
            .to_owned(),
    );
    failure
}

/// The first of these files that a system folder has.
fn find(names: &[&str]) -> Option<PathBuf> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        walk(Path::new(folder), names, DEPTH_MAX, &mut found);
    }
    let is = |path: &PathBuf, name: &str| path.file_name().is_some_and(|own| own == name);
    let first = |name: &&str| found.iter().find(|path| is(path, name)).cloned();
    names.iter().find_map(first)
}

fn walk(folder: &Path, names: &[&str], depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 0 {
            walk(&path, names, depth - 1, found);
        } else if path
            .file_name()
            .is_some_and(|own| names.iter().any(|name| own == *name))
        {
            found.push(path);
        }
    }
}
