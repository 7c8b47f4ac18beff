//! Names of entries that mean one file on every system.

use super::package::wrong;
use crate::Error;
use std::collections::BTreeSet;

/// Bytes and parts of the longest name: real ones have 60 bytes and 5 parts.
const NAME_LEN_MAX: usize = 240;
const NAME_DEPTH_MAX: usize = 16;
/// Names as every file system would see them.
#[derive(Default)]
pub(super) struct Names {
    folded: BTreeSet<String>,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) -> Result<(), Error> {
        let folded = name.trim_end_matches('/').to_lowercase();
        if !self.folded.insert(folded.clone()) {
            return Err(wrong("two entries of one name", name));
        }
        for (at, _) in folded.match_indices('/') {
            self.folders.insert(folded[..at].to_owned());
        }
        if name.ends_with('/') {
            self.folders.insert(folded);
        } else {
            self.files.insert(folded);
        }
        Ok(())
    }

    pub(super) fn check_folders(&self) -> Result<(), Error> {
        match self.files.intersection(&self.folders).next() {
            Some(name) => Err(wrong("a name is file and folder", name)),
            None => Ok(()),
        }
    }
}

/// A name that means the same file on every system; ends with `/` for a folder.
pub(super) fn safe_name(raw: &[u8]) -> Result<String, Error> {
    let shown = String::from_utf8_lossy(raw);
    let refused = |rule| Err(wrong(rule, &shown));
    let Ok(name) = core::str::from_utf8(raw) else {
        return refused("a name is not UTF-8");
    };
    let parts: Vec<&str> = name.strip_suffix('/').unwrap_or(name).split('/').collect();
    if name.len() > NAME_LEN_MAX || parts.len() > NAME_DEPTH_MAX {
        return refused("a name is too long or too deep");
    }
    // Accents that combine could spell one name in two ways.
    let strange = |c: char| {
        c.is_control() || "\\:*?\"<>|".contains(c) || ('\u{300}'..='\u{36f}').contains(&c)
    };
    if name.chars().any(strange) {
        return refused("a name has a character that is not safe");
    }
    if parts.iter().any(|part| !is_safe_part(part)) {
        return refused("a name is absolute, leaves the package or is reserved");
    }
    Ok(name.to_owned())
}

fn is_safe_part(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or("").to_ascii_uppercase();
    let numbered = |prefix| {
        let digit = stem.strip_prefix(prefix).unwrap_or("");
        digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit())
    };
    let reserved =
        ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT");
    !part.is_empty() && !part.ends_with(['.', ' ']) && !reserved
}
