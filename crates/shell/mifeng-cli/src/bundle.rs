//! Opening a bundle that somebody sent.

use crate::ui::Failure;
use mifeng::{Replay, Tar};
use std::path::Path;

/// A bundle with its replay.
pub(crate) struct Bundle {
    pub(crate) files: Tar,
    pub(crate) replay: Replay,
}

impl Bundle {
    /// Reads and replays: every signature and every rule is checked before anything is believed.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let files = Tar::open(path).map_err(|e| Failure::from(e).at(path))?;
        let replay = Replay::of(&files).map_err(|e| Failure::from(e).at(path))?;
        Ok(Bundle { files, replay })
    }
}
