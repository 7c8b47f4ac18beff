//! `mifeng panel read`: the opened files that this person may read, fetched from a host into a folder.

use crate::access::{self, Signing};
use crate::client::Client;
use crate::download;
use crate::ui::{Failure, Lang, Outcome, Ui};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A lot, a bidder, a file.
const PARTS_MIN: usize = 3;

/// A file of an opened bid, as the host lists it.
#[derive(Deserialize)]
pub(crate) struct OpenedFile {
    /// `LOT/BIDDER/…`.
    path: String,
    /// Bytes.
    size: u64,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    by: Signing,
    /// 文件写入此文件夹：标段/投标人/文件 / the files go below this folder: LOT/BIDDER/FILE
    #[arg(long)]
    out: PathBuf,
    /// 覆盖已有的文件 / overwrite files that are there
    #[arg(long)]
    force: bool,
}

/// Signs in, and fetches every file that the host lists for whoever did.
pub(crate) fn read(ui: &Ui, args: &ReadArgs) -> Outcome {
    let (reach, id) = args.by.parts();
    let mut client = Client::new(ui, reach)?;
    let token = access::token(ui, (&client, &reach.host), id)?;
    client.sign_in_with(token);
    let files = client.opened()?;
    for (at, file) in files.iter().enumerate() {
        let path = below(&args.out, &file.path).ok_or_else(|| {
            Failure::malformed(format!(
                "the host lists {:?}: no LOT/BIDDER/FILE",
                file.path
            ))
        })?;
        require_new(ui, &path, args.force)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| Failure::io(folder, &e))?;
        }
        ui.say(
            format!(
                "{}/{} {}（{} B）",
                at + 1,
                files.len(),
                file.path,
                file.size
            ),
            format!("{}/{} {} ({} B)", at + 1, files.len(), file.path, file.size),
        );
        download::fetch(&client, &format!("/opened/{}", escaped(&file.path)), &path)?;
        let found = std::fs::metadata(&path).map_err(|e| Failure::io(&path, &e))?;
        if found.len() != file.size {
            let (path, came, said) = (path.display(), found.len(), file.size);
            return Err(Failure::malformed(format!(
                "{path}: {came} B came, the host listed {said}"
            )));
        }
    }
    let (count, out) = (files.len(), args.out.display());
    ui.say(
        format!("共 {count} 个文件，在 {out}"),
        format!("{count} files below {out}"),
    );
    Ok(())
}

/// What lies there already may be somebody's work.
fn require_new(ui: &Ui, path: &Path, force: bool) -> Outcome {
    if force || !path.exists() {
        return Ok(());
    }
    let shown = path.display();
    Err(Failure::usage(match ui.lang {
        Lang::Zh => format!("{shown} 已存在；请换一个文件夹，或以 --force 覆盖"),
        Lang::En => {
            format!("{shown} is there already: name another folder, or overwrite by --force")
        }
    }))
}

/// Where a listed file goes: below the folder of its lot and bidder, under plain names. So nothing is written beside the folder,
/// and nothing that a shell or a program reads by itself.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |name: &&str| {
        !name.is_empty()
            && !name.starts_with('.')
            && !name.contains(['\\', '\0'])
            && !name.chars().any(char::is_control)
    };
    let deep = parts.len() >= PARTS_MIN && parts.iter().all(plain);
    deep.then(|| folder.join(path))
}

/// A path as an address has it (RFC 3986 section 2.3): what is not unreserved, and no slash, is escaped.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_beside_the_folder() {
        let out = Path::new("out");
        assert_eq!(
            below(out, "1/9135/报价.pdf"),
            Some(out.join("1/9135/报价.pdf"))
        );
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "1/../../x",
            "1/9135/../../../x",
            "1/9135/.bashrc",
            "notes.txt",
            "1/notes.txt",
            "1//x",
            "1/9135/a\u{1b}[2J",
        ] {
            assert_eq!(below(out, path), None, "{path}");
        }
    }

    #[test]
    fn names_are_escaped_for_an_address() {
        assert_eq!(escaped("1/a b?#%.pdf"), "1/a%20b%3F%23%25.pdf");
        assert_eq!(escaped("价"), "%E4%BB%B7");
    }
}
