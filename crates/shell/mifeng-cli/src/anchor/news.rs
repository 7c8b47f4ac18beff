//! What is new of an anchor log since a copy was made: its head, the entry bundles from the copy's end on (C2SP tlog-tiles),
//! and cosigned heads. What proves that the log goes on from the copy are the copy's own entries: with the new ones they have
//! the root that the host signed.

use super::read;
use crate::client::{Client, CosignedHead};
use crate::ui::{self, Failure, Outcome};
use mifeng::{AnchorFiles, Anchors, Files, Tar};
use std::path::Path;

/// Files that are asked for one by one, of entries and of heads: who lacks more is sooner served with the whole log.
const BUNDLES_MAX: usize = 16;
const HEADS_MAX: usize = 64;

/// Fetches the log of this suite to `new`: what is new, if it goes on from the copy; else the whole, which says how not.
pub(crate) fn fetch_news(
    client: &Client,
    suite: &str,
    (new, copy): (&Path, &Path),
    key: &str,
) -> Outcome {
    match updated(client, suite, (new, copy), key) {
        Ok(true) => Ok(()),
        // A host that is away is asked for nothing more.
        Err(no) if no.exit == 4 || no.code == "anchor.none" => Err(no),
        _ => client.anchor_log(suite, new),
    }
}

/// Makes the whole of the copy and what is new; false if they are not one log, or too much is new.
fn updated(
    client: &Client,
    suite: &str,
    (new, copy): (&Path, &Path),
    key: &str,
) -> Result<bool, Failure> {
    if !copy.exists() {
        return Ok(false);
    }
    let files = Tar::open(copy).map_err(|e| Failure::from(e).at(copy))?;
    let own = Anchors::read(&files, key).map_err(|e| Failure::from(e).at(copy))?;
    let mut came = AnchorFiles::new();
    let mut fetch = |name: &str| -> Result<Vec<u8>, Failure> {
        let bytes = client.anchor_file(suite, name)?;
        came.insert(name.to_owned(), bytes.clone());
        Ok(bytes)
    };
    // Cosigned heads first: none of them is beyond the head that is fetched after them.
    let listed = client.anchor_heads(suite)?;
    // Lines are only added: a longer file has more of them. What the copy joined may be longer still.
    let is_new = |head: &&CosignedHead| {
        let kept = files.index().get(&head.file);
        kept.is_none_or(|kept| *kept < head.length)
    };
    let heads: Vec<_> = listed.iter().filter(is_new).collect();
    if heads.len() > HEADS_MAX {
        return Ok(false);
    }
    for head in heads {
        fetch(&head.file)?;
    }
    let mut head = Vec::new();
    for name in own.head_files() {
        head = fetch(name)?;
    }
    let Some(bundles) = own.bundles_to(&head)?.filter(|b| b.len() <= BUNDLES_MAX) else {
        return Ok(false);
    };
    for name in &bundles {
        fetch(name)?;
    }
    ui::write_with(new, |out| Ok(own.update(&files, came, out)?))?;
    // The root tells whether they are one log.
    Ok(read(new, key).is_ok())
}
