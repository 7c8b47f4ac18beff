//! One file as a runner sees it, the counts it fills, and how a case ends.

use mifeng_crypto::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// A file with its place.
pub(super) struct Input {
    path: PathBuf,
    bytes: Vec<u8>,
    json: Option<Value>,
}

impl Input {
    pub(super) fn new(path: PathBuf, bytes: Vec<u8>) -> Self {
        let is_json = path.extension().is_some_and(|e| e == "json");
        let json = is_json
            .then(|| serde_json::from_slice(&bytes).ok())
            .flatten();
        Input { path, bytes, json }
    }

    pub(super) fn name(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("")
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The document, if the file is JSON; else null.
    pub(super) fn json(&self) -> &Value {
        self.json.as_ref().unwrap_or(&Value::Null)
    }

    /// Whether some folder above the file has this name.
    pub(super) fn has_folder(&self, name: &str) -> bool {
        self.folder()
            .components()
            .any(|part| part.as_os_str() == name)
    }

    /// Whether the file lies directly in a folder of this name.
    pub(super) fn is_in(&self, name: &str) -> bool {
        self.folder()
            .file_name()
            .is_some_and(|folder| folder == name)
    }

    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// A file at a path relative to this one's folder.
    pub(super) fn beside(&self, path: &str) -> Result<Vec<u8>, Stop> {
        std::fs::read(self.folder().join(path)).map_err(|e| Stop::Fail(format!("{path}: {e}")))
    }
}

/// How a case that did not pass ended.
pub(super) enum Stop {
    /// It disagrees.
    Fail(String),
    /// It is not run, for this reason.
    Skip(&'static str),
}

/// The result of a case.
pub(super) type Case = Result<(), Stop>;

/// Turns any error into a failed case that says what was being done.
pub(super) fn fail<E: Display>(doing: &str) -> impl FnOnce(E) -> Stop {
    move |error| Stop::Fail(format!("{doing}: {error}"))
}

/// A case that holds if `holds`.
pub(super) fn check(holds: bool, otherwise: &str) -> Case {
    if holds {
        Ok(())
    } else {
        Err(Stop::Fail(otherwise.to_owned()))
    }
}

/// A case that holds if both sides are equal.
pub(super) fn same<T: PartialEq>(what: &str, ours: T, expected: T) -> Case {
    check(ours == expected, &format!("{what} differs"))
}

/// Whether something was accepted, against a verdict of Wycheproof's three.
pub(super) fn verdict(result: &Value, accepted: bool) -> Case {
    match (result.as_str(), accepted) {
        (Some("valid"), true) | (Some("invalid"), false) | (Some("acceptable"), _) => Ok(()),
        (Some("valid"), false) => Err(Stop::Fail("valid, but refused".to_owned())),
        (Some("invalid"), true) => Err(Stop::Fail("invalid, but accepted".to_owned())),
        _ => Err(Stop::Fail("no verdict in the vector".to_owned())),
    }
}

/// A member's text.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, Stop> {
    let missing = || Stop::Fail(format!("the vector has no text {name}"));
    value[name].as_str().ok_or_else(missing)
}

/// A member's bytes, in hex.
pub(super) fn bytes(value: &Value, name: &str) -> Result<Vec<u8>, Stop> {
    hex::decode(text(value, name)?).map_err(fail(name))
}

/// A member's bytes, in hex, of a certain number.
pub(super) fn array<const N: usize>(value: &Value, name: &str) -> Result<[u8; N], Stop> {
    let found = bytes(value, name)?;
    let wrong = |_| Stop::Fail(format!("{name} has not {N} bytes"));
    found.try_into().map_err(wrong)
}

/// A member, as any type.
pub(super) fn part<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T, Stop> {
    serde_json::from_value(value[name].clone()).map_err(fail(name))
}

/// A member's elements; none if it is no array.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// A member that is a digest in hex.
pub(super) fn digest(value: &Value, name: &str) -> Result<Digest, Stop> {
    Ok(Digest::from_bytes(array(value, name)?))
}

/// The counts of a file.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// Cases that agreed.
    pub passed: usize,
    /// Each case that did not, with what was found.
    pub failures: Vec<String>,
    /// Cases that were not run, by reason.
    pub skips: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Cases that were not run.
    pub fn skipped(&self) -> usize {
        self.skips.values().sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failures.len() + self.skipped() == 0
    }

    pub(super) fn skip(&mut self, cases: usize, reason: &'static str) {
        *self.skips.entry(reason).or_default() += cases;
    }

    pub(super) fn fail(&mut self, found: &str) {
        self.failures.push(found.to_owned());
    }

    /// Runs one case.
    pub(super) fn case(&mut self, name: impl Display, run: impl FnOnce() -> Case) {
        match run() {
            Ok(()) => self.passed += 1,
            Err(Stop::Fail(found)) => self.failures.push(format!("{name}: {found}")),
            Err(Stop::Skip(reason)) => self.skip(1, reason),
        }
    }
}
