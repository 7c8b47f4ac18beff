//! The dossier as files: what `archive.close` fixes, the public export, and renewals.

mod overlay;
mod personal;
mod renewal;
mod withheld;

pub(crate) use overlay::{Overlay, write_tar};
pub use personal::{PERSONAL, Personal};
pub use renewal::{RenewalMaterial, Renewed, renew, renewal_statement, renewals};
pub use withheld::{LeftOut, public_export};
pub(crate) use withheld::{Withheld, withheld};

use crate::bundle::Files;
use crate::{Error, layout};
use mifeng_crypto::{Digest, HashAlg, Suite};
use std::collections::BTreeMap;
use std::io::Read;

/// Files outside the list of `archive.close`: the log (recomputed whole), its stamps (each
/// verified), the fixed text, what an export says of itself, and renewals, which come later.
fn is_listed(name: &str) -> bool {
    let outside = ["log/", "tsr/", layout::ANCHORS, layout::RENEWALS];
    name != layout::README
        && name != layout::WITHHELD
        && !outside.iter().any(|prefix| name.starts_with(prefix))
}

/// The hash over the list of files: one line `hash size name` each, sorted by name. A file that an
/// export withholds stands in it as the export says.
///
/// `known` gives the hashes of files that were taken already. `but` are the names of `archive.close` itself, which
/// cannot list itself.
///
/// # Errors
/// [`Error::Unavailable`] if a file cannot be read.
pub(crate) fn files_digest(
    suite: &Suite,
    files: &dyn Files,
    withheld: &Withheld,
    known: &dyn Fn(&str) -> Option<Digest>,
    but: &[String],
) -> Result<Digest, Error> {
    let mut names: BTreeMap<&String, Option<&(Digest, u64)>> =
        files.index().keys().map(|name| (name, None)).collect();
    names.extend(withheld.iter().map(|(name, said)| (name, Some(said))));
    let mut list = suite.hash().hasher();
    for (name, said) in names {
        if !is_listed(name) || but.contains(name) {
            continue;
        }
        let (hash, size) = match said {
            Some((hash, size)) => (*hash, *size),
            None => {
                let hash = known(name).map_or_else(|| hash_file(suite.hash(), files, name), Ok)?;
                (hash, files.index()[name])
            }
        };
        list.update(format!("{hash} {size} {name}\n").as_bytes());
    }
    Ok(list.finish())
}

/// Hash of one file of any size.
pub(crate) fn hash_file(alg: HashAlg, files: &dyn Files, name: &str) -> Result<Digest, Error> {
    let mut file = files.open(name)?;
    let mut hasher = alg.hasher();
    // Most files are small, and making this much memory zero takes longer than hashing them.
    let size = files.index().get(name).copied().unwrap_or(0);
    let mut buffer = vec![0; size.clamp(1, 1 << 20) as usize];
    loop {
        let read = file.read(&mut buffer).map_err(|e| Error::io(name, &e))?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
    }
}
