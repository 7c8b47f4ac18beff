//! A copy of an anchor log that is brought up to date: the entries that it lacks, and what came with them, make the same
//! files as an export has. Whether the copy was a beginning of the log is seen when they are read ([`Anchors::read`]): the
//! root of its own entries and the new ones is that of the signed head, or the host shows another history.

use super::Anchors;
use crate::bundle::Files;
use crate::dossier::{Overlay, write_tar};
use crate::{Error, layout};
use mifeng_crypto::HashAlg;
use mifeng_log::tiles::{self, LOG_SIZE_MAX, TILE_WIDTH};
use mifeng_log::{Checkpoint, Note, SignedCheckpoint};
use std::collections::BTreeMap;

/// Files of an anchor log by name, as its host shows them.
pub type AnchorFiles = BTreeMap<String, Vec<u8>>;

impl Anchors {
    /// Names of the files with the head of the log; the last one is that of the authoritative tree.
    pub fn head_files(&self) -> &'static [&'static str] {
        match self.tree.suite().hash() {
            HashAlg::Sha256 => &[layout::CHECKPOINT],
            HashAlg::Sm3 => &[layout::CHECKPOINT, layout::CHECKPOINT_SM3],
        }
    }

    /// Names of the entry bundles that bring this copy up to a head of the log (C2SP tlog-tiles); none if it has more entries
    /// itself.
    ///
    /// # Errors
    /// [`Error::Log`] if it is no head that the log's key signed, or too large.
    pub fn bundles_to(&self, head: &[u8]) -> Result<Option<Vec<String>>, Error> {
        let head = SignedCheckpoint::verify(head, &self.key)?;
        let (own, size) = (self.entries.len() as u64, head.checkpoint().size());
        if size > LOG_SIZE_MAX {
            return Err(Error::Log(mifeng_log::Error::TooLarge {
                what: "log size",
                found: size,
                max: LOG_SIZE_MAX,
            }));
        }
        let bundle = |n: u64| {
            let width = (size - n * TILE_WIDTH).min(TILE_WIDTH) as usize;
            let path = tiles::tile_path("entries", n, width);
            format!("{}{path}", layout::TILES)
        };
        Ok(match size {
            _ if size < own => None,
            _ if size == own => Some(Vec::new()),
            _ => {
                let wanted = own / TILE_WIDTH..size.div_ceil(TILE_WIDTH);
                Some(wanted.map(bundle).collect())
            }
        })
    }

    /// Writes this copy, which `files` are, with the heads, entry bundles and cosigned heads that came.
    ///
    /// # Errors
    /// [`Error::Log`] or [`Error::Malformed`] if they are none, or not those that were asked for; [`Error::Unavailable`].
    pub fn update(
        &self,
        files: &dyn Files,
        mut came: AnchorFiles,
        out: &mut dyn std::io::Write,
    ) -> Result<(), Error> {
        let [.., name] = self.head_files() else {
            return Ok(());
        };
        let missing = |name: &str| Error::malformed("anchor log", format!("{name} did not come"));
        let head = came.get(*name).ok_or_else(|| missing(name))?;
        let size = Checkpoint::parse(Note::parse(head)?.text())?.size();
        let bundles = self.bundles_to(head)?.ok_or_else(|| missing(name))?;
        // The bundle in which the own entries end comes whole.
        let mut entries = self.entries.clone();
        if !bundles.is_empty() {
            entries.truncate(entries.len() - entries.len() % TILE_WIDTH as usize);
        }
        for name in &bundles {
            let bundle = came.remove(name).ok_or_else(|| missing(name))?;
            let width = (size - entries.len() as u64).min(TILE_WIDTH) as usize;
            entries.extend(tiles::parse_bundle(&bundle, width)?);
        }
        let mut updated = Overlay::over(files);
        let is_tile = |name: &&String| {
            let folders = [layout::TILES, layout::TILES_SM3];
            let mut folders = folders.iter().map(|folder| format!("{folder}tile/"));
            folders.any(|folder| name.starts_with(&folder))
        };
        for tile in files.index().keys().filter(is_tile) {
            updated.without(tile);
        }
        let mut put = |alg, folder: &str| -> Result<(), Error> {
            for (tile, bytes) in tiles::tiles(alg, &entries)? {
                updated.with(&format!("{folder}{tile}"), bytes);
            }
            Ok(())
        };
        put(HashAlg::Sha256, layout::TILES)?;
        if self.tree.suite().hash() == HashAlg::Sm3 {
            put(HashAlg::Sm3, layout::TILES_SM3)?;
        }
        for (name, bytes) in came {
            updated.with(&name, bytes);
        }
        write_tar(&updated, out)
    }
}
