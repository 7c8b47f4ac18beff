//! The verification page and what seals in the pages: found beside the program, if only whoever made the program could put it there.

use crate::ui::Failure;
use mifeng_server::Level;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What seals and signs in in the pages, beside the verification page: its build makes both.
const MODULE: &str = "mifeng-desk.wasm";
const MAKE: &str = "bash crates/shell/mifeng-wasm/build.sh";
/// Write for the group and for others.
const OTHERS_WRITE: u32 = 0o022;
/// The same without the group.
const ANYBODY_WRITES: u32 = 0o002;
/// In a folder with it nobody renames or removes what is another's.
const STICKY: u32 = 0o1000;

/// The verification page, where it was found.
pub(crate) struct Pages {
    pub(crate) verify: Option<PathBuf>,
    /// One that lies beside the program and is not taken, and the file or folder because of which it is not.
    left: Option<(PathBuf, PathBuf)>,
}

impl Pages {
    /// The file that was named, which must be there; without a name the one that belongs to this program.
    pub(crate) fn of(named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = named {
            std::fs::metadata(path).map_err(|e| Failure::io(path, &e))?;
            let verify = Some(path.to_owned());
            return Ok(Pages { verify, left: None });
        }
        let program = std::env::current_exe().ok();
        Ok(program.as_deref().map_or_else(Pages::none, Pages::beside))
    }

    fn none() -> Self {
        Pages {
            verify: None,
            left: None,
        }
    }

    /// The page of an installed program, `bin/mifeng` and `share/mifeng`, or of one in the folder where it was built. Nowhere
    /// else, and not where others write: what is served as the verification page has to come from whoever made the program.
    fn beside(program: &Path) -> Self {
        let Some(page) = place(program).filter(|page| page.is_file()) else {
            return Pages::none();
        };
        match foreign(program, &page) {
            None => Pages {
                verify: Some(page),
                left: None,
            },
            Some(because) => Pages {
                verify: None,
                left: Some((page, because)),
            },
        }
    }

    /// A page that lies there and is not taken is to be looked at.
    pub(crate) fn level(&self) -> Level {
        match self.left {
            Some(_) => Level::Warn,
            None => Level::Info,
        }
    }

    /// Which parts of the pages are there that a browser runs, in Chinese and English.
    pub(crate) fn words(&self) -> (String, String) {
        if let Some((page, because)) = &self.left {
            let (page, because) = (page.display(), because.display());
            return (
                format!(
                    "没有核验页和网页内密封、登录：程序旁的 {page} 未采用，因 {because} 可由他人改动；--verify-page 可指定"
                ),
                format!(
                    "no verification page, and no sealing or signing in in the page: {page} beside the program is not taken, others may write {because} or own it; --verify-page names one"
                ),
            );
        }
        let Some(page) = &self.verify else {
            return (
                format!(
                    "没有核验页和网页内密封、登录：未在程序旁找到，{MAKE} 可生成，--verify-page 可指定"
                ),
                format!(
                    "no verification page, and no sealing or signing in in the page: none lies beside the program; {MAKE} makes them, --verify-page names them"
                ),
            );
        };
        let shown = page.display();
        match page.with_file_name(MODULE).exists() {
            true => (
                format!("核验页与网页内密封：{shown}"),
                format!("verification page, and sealing in the page: {shown}"),
            ),
            false => (
                format!("核验页：{shown}；其旁没有 {MODULE}，网页内不能密封与登录"),
                format!(
                    "verification page: {shown}; without {MODULE} beside it nobody seals or signs in in the page"
                ),
            ),
        }
    }
}

fn place(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let pages = match folder.file_name()?.to_str()? {
        "bin" => "share/mifeng",
        "release" | "debug" => "verify-page",
        _ => return None,
    };
    Some(folder.parent()?.join(pages).join("mifeng-verify.html"))
}

/// The first file or folder on the way to the page, or to what seals beside it, that is somebody's who made no program, or that
/// such a one may write to. Where it cannot be seen, it is that too.
fn foreign(program: &Path, page: &Path) -> Option<PathBuf> {
    let Ok(maker) = std::fs::metadata(program).map(|own| own.uid()) else {
        return Some(program.to_owned());
    };
    let module = page.with_file_name(MODULE);
    // A link is looked at where it lies, and where it leads to.
    let files = [page, &module].into_iter().filter(|file| file.exists());
    let real = |file: &Path| file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let ways: Vec<PathBuf> = files
        .flat_map(|file| [file.to_owned(), real(file)])
        .collect();
    let all = ways.iter().flat_map(|way| way.ancestors());
    let mut all = all.filter(|path| !path.as_os_str().is_empty());
    all.find(|path| !std::fs::metadata(path).is_ok_and(|found| is_own(&found, maker)))
        .map(Path::to_owned)
}

fn is_own(found: &Metadata, maker: u32) -> bool {
    let owned = found.uid() == 0 || found.uid() == maker;
    // A group of its owner's own number has that one member, as most systems make it; its users' masks are 002.
    let private = found.uid() == found.gid();
    let open = if private {
        ANYBODY_WRITES
    } else {
        OTHERS_WRITE
    };
    let closed = found.mode() & open == 0;
    owned && (closed || found.is_dir() && found.mode() & STICKY != 0)
}
