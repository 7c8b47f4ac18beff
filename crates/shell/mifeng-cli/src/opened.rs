//! `mifeng panel read`: the opened files that this person may read, fetched from a host into a folder, and each held
//! against the manifest that the log's `bid.open` names.

mod due;
mod held;

use crate::access::{self, Signing};
use crate::client::{self, Client};
use crate::download;
use crate::identity::Identity;
use crate::person;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use due::DueBid;
use held::{Held, Listed, MANIFEST};
use mifeng::Replay;
use mifeng::crypto::HashAlg;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A lot, a bidder, a file.
const PARTS_MIN: usize = 3;

/// A file of an opened bid, as the host lists it. Its size is told by the manifest, which the log has.
#[derive(Deserialize)]
pub(crate) struct OpenedFile {
    /// `LOT/BIDDER/…`.
    path: String,
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

/// Signs in, and fetches every file of the opened bids that whoever did may read.
pub(crate) fn read(ui: &Ui, args: &ReadArgs) -> Outcome {
    let (reach, id) = args.by.parts();
    let mut client = Client::new(ui, reach)?;
    let token = access::token(ui, (&client, &reach.host), id)?;
    client.sign_in_with(token);
    let identity = Identity::load(ui, id)?;
    let replay = told(&client, &identity)?;
    let alg = replay.suite().hash();
    let listed = Listed::of(client.opened()?)?;
    let own = identity.signer.certificate().fingerprint(alg);
    let mut due = due::bids(&replay.state, &own, &listed);
    if listed.require_none_beside(&due).is_err() {
        // Between the log and the list a bid may have been opened. One that was opened after the list is not due yet.
        let later = told(&client, &identity)?;
        let before = due;
        due = due::bids(&later.state, &own, &listed);
        due.bids
            .retain(|bid| listed.has(&bid.folder) || before.has(&bid.folder));
        listed.require_none_beside(&due)?;
    }
    listed.require_all(&due)?;
    let task = Reading {
        ui,
        args,
        client: &client,
        alg,
    };
    let mut count = 0;
    for bid in &due.bids {
        count += task.fetch(bid, &listed)?;
    }
    let (bids, out) = (due.bids.len(), args.out.display());
    ui.say(
        format!("{bids} 份投标，共 {count} 个文件，均与日志所载清单一致，在 {out}"),
        format!("{bids} bids, {count} files below {out}, each as the log has it"),
    );
    Ok(())
}

/// What the host tells of its log. One that shows this person another log has no say in what was opened.
fn told(client: &Client, identity: &Identity) -> Result<Replay, Failure> {
    let replay = client::fetched(client)?;
    person::keep_head(identity, &replay)?;
    Ok(replay)
}

/// What every bid is fetched with.
struct Reading<'a> {
    ui: &'a Ui,
    args: &'a ReadArgs,
    client: &'a Client,
    alg: HashAlg,
}

impl Reading<'_> {
    /// Fetches a bid whole; how many files it has.
    fn fetch(&self, bid: &DueBid, listed: &Listed) -> Result<usize, Failure> {
        let held = self.manifest(bid)?;
        listed.require(&held)?;
        for (path, content) in held.files() {
            let target = self.place(path)?;
            self.ui.say(
                format!("{path}（{} B）", content.size),
                format!("{path} ({} B)", content.size),
            );
            download::fetch_held(
                self.client,
                (&route(path), content.size),
                &target,
                &mut |came| content.require(self.alg, path, came),
            )
            .map_err(|no| held::missing(path, no))?;
        }
        let path = held.path_of(MANIFEST);
        ui::write(&self.place(&path)?, held.manifest())?;
        for path in held.unserved() {
            self.ui.warn(
                format!("{path}：平台不提供以点开头的文件名，未下载"),
                format!(
                    "{path}: hosts give out no name that begins with a dot, it was not fetched"
                ),
            );
        }
        Ok(held.files().count() + 1)
    }

    /// The manifest that the log names, and nothing of another one.
    fn manifest(&self, bid: &DueBid) -> Result<Held, Failure> {
        let path = format!("{}/{MANIFEST}", bid.folder);
        let bytes = self.client.opened_file(&route(&path));
        let bytes = bytes.map_err(|no| held::missing(&path, no))?;
        Held::parse(self.alg, bid, bytes)
    }

    /// Where a file goes, if nothing is lost by that.
    fn place(&self, path: &str) -> Result<PathBuf, Failure> {
        let place = below(&self.args.out, path).ok_or_else(|| no_place(path))?;
        require_new(self.ui, &place, self.args.force)?;
        Ok(place)
    }
}

fn route(path: &str) -> String {
    format!("/opened/{}", escaped(path))
}

fn no_place(path: &str) -> Failure {
    Failure::malformed(format!("the host lists {path:?}: no LOT/BIDDER/FILE"))
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
