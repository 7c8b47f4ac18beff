//! `mifeng panel read`: the opened files that this person may read, fetched from a host into a folder.

use crate::access::{self, Signing};
use crate::client::Client;
use crate::download;
use crate::ui::{Failure, Outcome, Ui};
use serde::Deserialize;
use std::path::{Component, Path, PathBuf};

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
            Failure::malformed(format!("the host lists {:?}: no plain path", file.path))
        })?;
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
    }
    let (count, out) = (files.len(), args.out.display());
    ui.say(
        format!("共 {count} 个文件，在 {out}"),
        format!("{count} files below {out}"),
    );
    Ok(())
}

/// Where a listed file goes: plain names only, so that nothing is written beside the folder.
fn below(folder: &Path, path: &str) -> Option<PathBuf> {
    let parts = Path::new(path).components();
    let plain = parts.map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let path: PathBuf = plain.collect::<Option<PathBuf>>()?;
    (!path.as_os_str().is_empty()).then(|| folder.join(path))
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
        for path in ["", "/etc/passwd", "../x", "1/../../x", "1/9135/../../../x"] {
            assert_eq!(below(out, path), None, "{path}");
        }
    }

    #[test]
    fn names_are_escaped_for_an_address() {
        assert_eq!(escaped("1/a b?#%.pdf"), "1/a%20b%3F%23%25.pdf");
        assert_eq!(escaped("价"), "%E4%BB%B7");
    }
}
