//! Tiles and entry bundles (C2SP tlog-tiles): a log as a fixed set of files.
//!
//! Paths are relative to the log's folder. The SM3 tree of a `gm-1` log has the same files in a
//! folder of its own; its entry bundles are the same bytes.

use crate::{Error, merkle};
use mifeng_crypto::{Digest, HashAlg};
use std::collections::BTreeMap;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Largest entry: its length is written in two bytes.
const ENTRY_LEN_MAX: usize = u16::MAX as usize;

/// Largest log that is read: a beat every second for a month is 2.6 million entries.
pub const LOG_SIZE_MAX: u64 = 1 << 22;

/// A file of a log: its path and its bytes.
pub type File = (String, Vec<u8>);

/// The hash tiles of a tree at its present size, in order of path level.
pub fn hash_tiles(tree: &merkle::Tree) -> Vec<File> {
    let mut files = Vec::new();
    let mut row: Vec<Digest> = tree.leaves().to_vec();
    for level in 0.. {
        if row.is_empty() {
            return files;
        }
        let width = TILE_WIDTH as usize;
        for (n, tile) in row.chunks(width).enumerate() {
            let bytes = tile.iter().flat_map(|hash| *hash.as_bytes()).collect();
            files.push((tile_path(&level.to_string(), n as u64, tile.len()), bytes));
        }
        // Only full tiles have a hash on the level above.
        row = row
            .chunks_exact(width)
            .map(|tile| merkle::root(tree.alg(), tile))
            .collect();
    }
    files
}

/// The entry bundles of a log.
///
/// # Errors
/// [`Error::TooLarge`] if an entry has more than 65,535 bytes.
pub fn entry_bundles<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for (n, bundle) in entries.chunks(TILE_WIDTH as usize).enumerate() {
        let mut bytes = Vec::new();
        for entry in bundle {
            let entry = entry.as_ref();
            let len = u16::try_from(entry.len()).map_err(|_| Error::TooLarge {
                what: "entry length",
                found: entry.len() as u64,
                max: ENTRY_LEN_MAX as u64,
            })?;
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        files.push((tile_path("entries", n as u64, bundle.len()), bytes));
    }
    Ok(files)
}

/// All files of a log of these entries: hash tiles, then entry bundles.
///
/// # Errors
/// As [`entry_bundles`].
pub fn tiles<E: AsRef<[u8]>>(alg: HashAlg, entries: &[E]) -> Result<Vec<File>, Error> {
    let mut tree = merkle::Tree::new(alg);
    for entry in entries {
        tree.append(merkle::leaf_hash(alg, entry.as_ref()));
    }
    let mut files = hash_tiles(&tree);
    files.extend(entry_bundles(entries)?);
    Ok(files)
}

/// Reads the entries of a log of `size` entries from its files, and recomputes everything: the
/// files must be exactly those of [`tiles`], byte for byte.
///
/// # Errors
/// [`Error::TooLarge`] above [`LOG_SIZE_MAX`]; [`Error::FileMissing`], [`Error::FileUnexpected`],
/// [`Error::FileDiffers`]; [`Error::Malformed`] for a broken bundle.
pub fn read(
    alg: HashAlg,
    size: u64,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Vec<u8>>, Error> {
    let entries = read_entries(size, files)?;
    let expected: BTreeMap<String, Vec<u8>> = tiles(alg, &entries)?.into_iter().collect();
    for (path, bytes) in &expected {
        match files.get(path) {
            Some(found) if found == bytes => {}
            Some(_) => {
                return Err(Error::FileDiffers {
                    path: path.as_str().into(),
                });
            }
            None => return Err(missing(path)),
        }
    }
    match files.keys().find(|path| !expected.contains_key(*path)) {
        Some(path) => Err(Error::FileUnexpected {
            path: path.as_str().into(),
        }),
        None => Ok(entries),
    }
}

/// Reads only the entry bundles of a log of `size` entries; other files are not looked at.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::FileMissing`], [`Error::Malformed`].
pub fn read_entries(size: u64, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
    if size > LOG_SIZE_MAX {
        return Err(Error::TooLarge {
            what: "log size",
            found: size,
            max: LOG_SIZE_MAX,
        });
    }
    let mut entries = Vec::new();
    for n in 0..size.div_ceil(TILE_WIDTH) {
        let width = (size - n * TILE_WIDTH).min(TILE_WIDTH) as usize;
        let path = tile_path("entries", n, width);
        let bundle = files.get(&path).ok_or_else(|| missing(&path))?;
        entries.extend(parse_bundle(bundle, width)?);
    }
    Ok(entries)
}

/// Reads one entry bundle of `width` entries.
///
/// # Errors
/// [`Error::Malformed`] unless it holds exactly that many.
pub fn parse_bundle(mut bytes: &[u8], width: usize) -> Result<Vec<Vec<u8>>, Error> {
    let wrong = |reason| Error::Malformed {
        what: "entry bundle",
        reason,
    };
    let mut entries = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*len)))
            .ok_or_else(|| wrong("entry is cut off"))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    if !bytes.is_empty() {
        return Err(wrong("length is cut off"));
    }
    if entries.len() != width {
        return Err(wrong("number of entries differs from its width"));
    }
    Ok(entries)
}

/// `tile/<level>/<index in groups of three digits>[.p/<width>]`; the level of entry bundles is
/// `entries`.
pub fn tile_path(level: &str, index: u64, width: usize) -> String {
    let mut groups = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        groups = format!("x{:03}/{groups}", rest % 1000);
        rest /= 1000;
    }
    if width as u64 == TILE_WIDTH {
        return format!("tile/{level}/{groups}");
    }
    format!("tile/{level}/{groups}.p/{width}")
}

fn missing(path: &str) -> Error {
    Error::FileMissing { path: path.into() }
}
