//! What `archive.close` fixes: every file of the dossier but the log and the time stamps, which
//! prove themselves.

use crate::bundle::Files;
use crate::{Error, layout};
use mifeng_crypto::{Digest, Suite};
use std::io::Read;

/// Files outside the list: the log (recomputed whole), its stamps (each verified), and the fixed text.
fn is_listed(name: &str) -> bool {
    !(name.starts_with("log/") || name.starts_with("tsr/") || name == layout::README)
}

/// The hash over the list of files: one line `hash size name` each, sorted by name.
///
/// `but` are the names of `archive.close` itself, which cannot list itself.
///
/// # Errors
/// [`Error::Unavailable`] if a file cannot be read.
pub(crate) fn files_digest(
    suite: &Suite,
    files: &dyn Files,
    but: &[String],
) -> Result<Digest, Error> {
    let mut list = suite.hash().hasher();
    for (name, size) in files.index() {
        if !is_listed(name) || but.contains(name) {
            continue;
        }
        let hash = hash_file(suite, files, name)?;
        list.update(format!("{hash} {size} {name}\n").as_bytes());
    }
    Ok(list.finish())
}

fn hash_file(suite: &Suite, files: &dyn Files, name: &str) -> Result<Digest, Error> {
    let mut file = files.open(name)?;
    let mut hasher = suite.hash().hasher();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(|e| Error::io(name, &e))?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
    }
}
