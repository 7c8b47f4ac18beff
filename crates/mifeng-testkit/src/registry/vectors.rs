//! Vectors of `test-vectors/registry`: a register, records that it must refuse, the register broken, and
//! documents sealed before and after a revocation.

use super::refused::{THEN, refused};
use super::{By, DAY, LETTER, RECORDS, REVOKED_DAY, Story, story};
use crate::dossier::{Splice, splices, tar};
use crate::world::{Parts, secs};
use mifeng::crypto::{Digest, Time};
use mifeng::pki::pem;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// `manifest.json` of `test-vectors/registry`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The valid register.
    pub register: String,
    /// How many records it has.
    pub records: u64,
    /// Its authoritative root.
    pub root: Digest,
    /// The instant asked about.
    pub at: Time,
    /// Records that it must not take in.
    pub refused: Vec<Refused>,
    /// The register, broken in one way each.
    pub broken: Vec<Broken>,
    /// Documents sealed with its seals.
    pub documents: Vec<Document>,
}

/// A record that must not be taken in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Its file, without `.rec`: what is wrong.
    pub name: String,
    /// By this code.
    pub code: String,
}

/// The register with other bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// What is wrong.
    pub name: String,
    /// The code.
    pub code: String,
    /// How it is made of the valid one.
    pub splices: Vec<Splice>,
}

/// A seal signature over `letter.txt`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its file, without `.dat`.
    pub name: String,
    /// The verdict with the register at hand.
    pub verdict: String,
    /// What the step `seal.register` finds, if anything.
    pub code: Option<String>,
}

pub(super) fn named(name: &str, code: &str) -> Refused {
    Refused {
        name: name.to_owned(),
        code: code.to_owned(),
    }
}

/// The register's files, changed.
fn broken(story: &Story) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let parts = || Parts::of_tar(&story.tar).parts;
    let first_of = |prefix: &str| {
        let all = parts();
        let mut names = all.keys();
        let found = names.find(|name| name.starts_with(prefix));
        found.expect("there is one").clone()
    };
    let change = |prefix: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut all = parts();
        let bytes = all.get_mut(&first_of(prefix)).expect("there is one");
        change(bytes);
        tar(&all)
    };
    let flip = |prefix: &str, from_end: usize| {
        change(prefix, &|bytes| {
            let at = bytes.len() - from_end;
            bytes[at] ^= 1;
        })
    };
    let without = |name: String| {
        let mut all = parts();
        all.remove(&name);
        tar(&all)
    };
    let mut more = parts();
    more.insert("docs/letter".to_owned(), LETTER.to_vec());
    vec![
        ("body-changed", "file.hash", flip("body/", 20)),
        ("signature-changed", "file.hash", flip("sig/", 20)),
        ("body-missing", "file.missing", without(first_of("body/"))),
        (
            "head-missing",
            "file.missing",
            without("log/checkpoint".to_owned()),
        ),
        (
            "head-signature",
            "log.bad-signature",
            flip("log/sm3/checkpoint", 10),
        ),
        ("tile-changed", "log.file-differs", flip("log/tile/0", 3)),
        ("file-too-many", "file.unexpected", tar(&more)),
    ]
}

fn documents(story: &Story) -> Vec<(Document, Vec<u8>)> {
    let (before, after) = ((REVOKED_DAY - 5) * DAY, (REVOKED_DAY + 1) * DAY);
    let sealed = |seal, at, stamped| story.world.sealed(seal, LETTER, at, stamped).der().to_vec();
    let asked = story.world.application("投标人0有限公司", 300);
    let unknown = story.world.seal(By::Maker, &asked, "99990001", 100);
    let foreign = story.world.seal(By::Stranger, &asked, "99990001", 100);
    let document = |name: &str, verdict: &str, code: Option<&str>| Document {
        name: name.to_owned(),
        verdict: verdict.to_owned(),
        code: code.map(str::to_owned),
    };
    vec![
        (
            document("before-stamped", "valid", Some("stamp.seal-revoked-later")),
            sealed(&story.first, before, Some(before + 1)),
        ),
        (
            document(
                "before-unstamped",
                "undetermined",
                Some("stamp.time-unproven"),
            ),
            sealed(&story.first, before, None),
        ),
        (
            document(
                "dated-before-stamped-after",
                "invalid",
                Some("stamp.seal-revoked"),
            ),
            sealed(&story.first, before, Some(after)),
        ),
        (
            document("after", "invalid", Some("stamp.seal-revoked")),
            sealed(&story.first, after, Some(after + 1)),
        ),
        (
            document("edition", "valid", None),
            sealed(&story.edition, 30 * DAY + 120, Some(30 * DAY + 121)),
        ),
        (
            document("later-than-register", "valid", Some("stamp.register-older")),
            sealed(&story.edition, 39 * DAY, Some(39 * DAY + 1)),
        ),
        (
            document("not-registered", "invalid", Some("stamp.not-registered")),
            sealed(&unknown, before, Some(before + 1)),
        ),
        (
            document("another-maker", "undetermined", Some("stamp.no-register")),
            sealed(&foreign, before, Some(before + 1)),
        ),
    ]
}

/// Writes the vectors and tells how many cases they are. Nothing is checked here: the runner does that.
///
/// # Errors
/// What the system says.
pub fn write_vectors(folder: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut story = story();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes);
    put("register.tar", &story.tar)?;
    put("letter.txt", LETTER)?;
    put(
        "root.pem",
        pem::encode("CERTIFICATE", story.world.root().der()).as_bytes(),
    )?;
    let issuing = story.world.cast.ca.certificate().der();
    put("ca.pem", pem::encode("CERTIFICATE", issuing).as_bytes())?;
    for (name, der) in ["root.crl", "ca.crl"]
        .into_iter()
        .zip(&story.world.crls_der)
    {
        put(name, der)?;
    }
    let refused = refused(&mut story);
    for (case, record) in &refused {
        let file = record
            .to_file()
            .map_err(|e| io::Error::other(e.to_string()))?;
        put(&format!("{}.rec", case.name), &file)?;
    }
    let documents = documents(&story);
    for (case, der) in &documents {
        put(&format!("{}.dat", case.name), der)?;
    }
    let broken = broken(&story)
        .into_iter()
        .map(|(name, code, bytes)| Broken {
            name: name.to_owned(),
            code: code.to_owned(),
            splices: splices(&story.tar, &bytes),
        });
    let manifest = Manifest {
        register: "register.tar".to_owned(),
        records: RECORDS,
        root: root_of(&story)?,
        at: secs(THEN),
        refused: refused.into_iter().map(|(case, _)| case).collect(),
        broken: broken.collect(),
        documents: documents.into_iter().map(|(case, _)| case).collect(),
    };
    let mut text = serde_json::to_string_pretty(&manifest).map_err(io::Error::other)?;
    text.push('\n');
    put("manifest.json", text.as_bytes())?;
    Ok(1 + manifest.refused.len() + manifest.broken.len() + manifest.documents.len())
}

fn root_of(story: &Story) -> io::Result<Digest> {
    let files = Parts::of_tar(&story.tar);
    let register = mifeng::registry::Register::read(&files, &story.world.trust());
    let register = register.map_err(|e| io::Error::other(e.to_string()))?;
    Ok(register.head().checkpoint().root())
}
