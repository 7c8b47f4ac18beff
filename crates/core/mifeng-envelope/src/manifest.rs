//! The manifest: what a bid says, in a form that can be read aloud.

use crate::{Error, Result};
use mifeng_crypto::{Digest, jcs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bytes of the largest manifest; it is parsed in memory.
pub const MANIFEST_LEN_MAX: usize = 2 << 20;
/// Files of one bid: a construction bid has hundreds.
pub const FILES_MAX: usize = 4_096;
/// Lines of the price detail, and fields of the opening list.
pub const LINES_MAX: usize = 8_192;
/// Bytes of a path: fits the file systems that auditors use, with room for their own folder.
pub const PATH_LEN_MAX: usize = 200;
/// Bytes of one text of the manifest.
const TEXT_LEN_MAX: usize = 2_000;
/// Digits of an amount, with its point.
const DECIMAL_LEN_MAX: usize = 30;
/// Largest file, 8 GiB − 1: the size field of ustar.
pub const FILE_SIZE_MAX: u64 = 0o77_777_777_777;
/// The manifest's own name in the tar, and its signature's.
pub(crate) const MANIFEST_NAME: &str = "manifest.json";
/// The name of the manifest's signature in the tar.
pub(crate) const MANIFEST_CMS_NAME: &str = "manifest.json.p7s";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// C: binds the content to its context.
    pub context: Digest,
    /// Statements that the law or the notice asks for.
    pub declarations: Declarations,
    /// Unit prices.
    pub detail: Vec<DetailLine>,
    /// The files, sorted by the bytes of their paths.
    pub files: Vec<FileEntry>,
    /// The opening list (开标一览表).
    pub opening: Opening,
    /// Format version, 1.
    pub v: u8,
}

/// The opening list: what is read out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// ISO 4217 code; empty in an envelope without a price.
    pub currency: String,
    /// Further lines that the notice asks for.
    pub fields: Vec<Field>,
    /// Price as a decimal string; empty in an envelope without a price.
    pub price: String,
    /// The same in capital Chinese numerals (大写); whether it agrees is for the tender's rules.
    pub price_cn: String,
}

/// One line of the opening list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// As the notice calls it.
    pub name: String,
    /// The bidder's answer.
    pub value: String,
}

/// Statements.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declarations {
    /// The brand offered, where the notice counts brands.
    pub brand: Option<String>,
    /// Domestic product (本国产品).
    pub domestic: bool,
    /// Small or micro enterprise (小型、微型企业), whose price is deducted from (财库〔2020〕46号 art. 9);
    /// a medium-sized one is not.
    pub sme: bool,
}

/// One line of the price detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailLine {
    /// What it is.
    pub item: String,
    /// How many, decimal.
    pub quantity: String,
    /// Price of one, decimal.
    pub unit_price: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// RFC 6962 tree hash (suite hash) over the content's blocks of 1 MiB: [`crate::RootHasher`].
    pub hash: Digest,
    /// Relative path with `/`.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

impl Manifest {
    /// The canonical bytes, after every check.
    ///
    /// # Errors
    /// As [`Manifest::check`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let bytes = jcs::to_vec(self)?;
        limit("manifest bytes", bytes.len(), MANIFEST_LEN_MAX)?;
        Ok(bytes)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// JSON errors, and those of [`Manifest::check`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let manifest: Manifest = jcs::from_slice(bytes, MANIFEST_LEN_MAX)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks versions, limits, texts, amounts, paths and their order.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Limit`] names the rule.
    pub fn check(&self) -> Result<()> {
        if self.v != 1 {
            return Err(Error::Unsupported {
                what: "manifest version",
            });
        }
        limit("files", self.files.len(), FILES_MAX)?;
        limit("detail lines", self.detail.len(), LINES_MAX)?;
        limit("opening fields", self.opening.fields.len(), LINES_MAX)?;
        self.opening.check()?;
        if let Some(brand) = &self.declarations.brand {
            text("brand", brand)?;
        }
        for line in &self.detail {
            text("detail item", &line.item)?;
            decimal("detail quantity", &line.quantity)?;
            decimal("detail unit price", &line.unit_price)?;
        }
        for file in &self.files {
            check_path(&file.path)?;
            if file.size > FILE_SIZE_MAX {
                return Err(Error::Limit {
                    what: "file size",
                    limit: FILE_SIZE_MAX,
                    found: file.size,
                });
            }
        }
        if !self
            .files
            .is_sorted_by(|a, b| a.path.as_bytes() < b.path.as_bytes())
        {
            return Err(Error::Malformed {
                what: "file list: not sorted or a path twice",
            });
        }
        self.check_places()
    }

    /// No path may be another in other letter case, or the folder of another: such a bid could not
    /// be written to every disk, and nobody would be at fault.
    fn check_places(&self) -> Result<()> {
        let mut places = Places::default();
        self.files
            .iter()
            .try_for_each(|file| places.insert(&file.path))
    }
}

/// Paths that one disk can hold together.
#[derive(Default)]
pub(crate) struct Places {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
}

impl Places {
    /// Adds a path that has passed [`check_path`].
    pub(crate) fn insert(&mut self, path: &str) -> Result<()> {
        let clash = |what| Err(Error::Malformed { what });
        let path = path.to_ascii_lowercase();
        for (at, _) in path.match_indices('/') {
            if self.files.contains(&path[..at]) {
                return clash("file list: a path is the folder of another");
            }
            self.folders.insert(path[..at].to_owned());
        }
        if self.folders.contains(&path) {
            return clash("file list: a path is the folder of another");
        }
        if !self.files.insert(path) {
            return clash("file list: two paths differ in letter case only");
        }
        Ok(())
    }
}

impl Opening {
    fn check(&self) -> Result<()> {
        for field in &self.fields {
            text("opening field name", &field.name)?;
            text("opening field value", &field.value)?;
        }
        if self.price.is_empty() && self.price_cn.is_empty() && self.currency.is_empty() {
            return Ok(());
        }
        decimal("price", &self.price)?;
        text("price in words", &self.price_cn)?;
        let code = self.currency.as_bytes();
        if code.len() != 3 || !code.iter().all(u8::is_ascii_uppercase) {
            return Err(Error::Malformed {
                what: "currency code",
            });
        }
        Ok(())
    }
}

/// Checks a path: relative, `/` between non-empty parts, at most [`PATH_LEN_MAX`] bytes, not a name of
/// the envelope's own, and writable on every disk: no part is `.` or `..`, ends with a point or space,
/// or is a device name of Windows; no control character, none of `\\ : * ? " < > |`, and no character
/// that makes two spellings of one name (`spec/manifest.md` lists them).
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Limit`].
pub fn check_path(path: &str) -> Result<()> {
    limit("path bytes", path.len(), PATH_LEN_MAX)?;
    let part_fits =
        |part: &str| !part.is_empty() && !part.ends_with(['.', ' ']) && !is_device(part);
    let refused = |c: char| {
        c.is_control()
            || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
            || is_combining(c)
    };
    if !path.split('/').all(part_fits) || path.chars().any(refused) {
        return Err(Error::Malformed { what: "path" });
    }
    let own = |name: &&str| path.eq_ignore_ascii_case(name);
    if [MANIFEST_NAME, MANIFEST_CMS_NAME].iter().any(own) {
        return Err(Error::Malformed {
            what: "path: a name of the envelope itself",
        });
    }
    Ok(())
}

/// Device names that Windows reserves in every folder, with any extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ');
    let named = |name: &&str| stem.eq_ignore_ascii_case(name);
    if ["con", "prn", "aux", "nul"].iter().any(named) {
        return true;
    }
    let Some((kind, number)) = stem.split_at_checked(3) else {
        return false;
    };
    ["com", "lpt"]
        .iter()
        .any(|name| kind.eq_ignore_ascii_case(name))
        && matches!(number.as_bytes(), [b'0'..=b'9'])
}

/// Characters that make two spellings of one name: combining marks, bidirectional controls,
/// zero-width characters and the compatibility ideographs that NFC replaces.
fn is_combining(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f
        | 0x3099 | 0x309a | 0x1100..=0x11ff
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xf900..=0xfaff | 0x2f800..=0x2fa1f)
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<()> {
    if found > limit {
        return Err(Error::Limit {
            what,
            limit: limit as u64,
            found: found as u64,
        });
    }
    Ok(())
}

fn text(what: &'static str, value: &str) -> Result<()> {
    limit(what, value.len(), TEXT_LEN_MAX)?;
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(Error::Malformed { what });
    }
    Ok(())
}

/// `0` or digits without a leading zero, then optionally a point and at least one digit.
fn decimal(what: &'static str, value: &str) -> Result<()> {
    limit(what, value.len(), DECIMAL_LEN_MAX)?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        return Err(Error::Malformed { what });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in [
            "a",
            "技术/方案.pdf",
            "a/b/c.d",
            "..a",
            "a b",
            "console",
            "com10",
            "com",
            "价格？.pdf",
        ] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "./a",
            "a/..",
            "..",
            "a\\b",
            "C:x",
            "a\0",
            "a\u{7f}",
            "e\u{301}",
            "manifest.json",
            "manifest.json.p7s",
            "a\u{202e}b",
            "a.",
            "b /c",
            "what?",
            "NUL",
            "x/com1.txt",
            "Manifest.JSON",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert!(check_path(&"a".repeat(200)).is_ok() && check_path(&"a".repeat(201)).is_err());
    }

    #[test]
    fn paths_that_one_disk_cannot_hold_together() {
        let manifest = |paths: &[&str]| Manifest {
            context: Digest::from_bytes([0; 32]),
            declarations: Declarations::default(),
            detail: Vec::new(),
            files: paths
                .iter()
                .map(|path| FileEntry {
                    hash: Digest::from_bytes([0; 32]),
                    path: (*path).to_owned(),
                    size: 0,
                })
                .collect(),
            opening: Opening::default(),
            v: 1,
        };
        for good in [&["a", "ab"][..], &["a!", "a.b", "a/b"]] {
            assert_eq!(manifest(good).check(), Ok(()), "{good:?}");
        }
        for bad in [
            &["a", "a!", "a/b"][..],
            &["A", "a"],
            &["A/x", "a/X"],
            &["A", "a/b"],
            &["b", "a"],
            &["a", "a"],
        ] {
            assert_eq!(
                manifest(bad).check().expect_err("clash").code(),
                "envelope.malformed",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn decimals() {
        for good in ["0", "980000.00", "0.5", "12"] {
            assert_eq!(decimal("x", good), Ok(()), "{good}");
        }
        for bad in [
            "", "00", "01", ".5", "5.", "-1", "+1", "1e3", "1,000", "１", "1.2.3",
        ] {
            assert!(decimal("x", bad).is_err(), "{bad}");
        }
    }
}
