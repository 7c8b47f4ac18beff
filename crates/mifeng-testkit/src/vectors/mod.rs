//! Runs test vectors: walks folders, knows each file's kind by name, folder or shape, counts cases.
//!
//! A file is `passed`, `failed` or `skipped` case by case; a file of no known kind is one skipped case
//! with its reason. A panic of the code under test is a failed case.

mod age;
mod beacons;
mod case;
mod crypto;
mod domain;
mod dossier;
mod envelope;
mod gm;
mod json;
mod keys;
mod later;
mod lock;
mod log;
mod messages;
mod pki;
mod registry;
mod revocation;
mod seals;
mod signatures;
mod stamps;
mod trust;

use case::Input;
pub use case::Tally;
use serde::Serialize;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Bytes of the largest file that is read; `limbo.json` has less than 2 MiB.
const FILE_LEN_MAX: u64 = 64 << 20;
/// Folders deeper than this are not entered: a loop of links ends here.
const DEPTH_MAX: usize = 24;

/// What becomes of a file.
enum Plan {
    /// Its cases are run.
    Run(fn(&Input, &mut Tally)),
    /// Nothing is run, for this reason.
    Skip(&'static str),
}

/// Each area's recogniser; the first that knows the file decides.
const AREAS: &[fn(&Input) -> Option<Plan>] = &[
    about,
    dossier::plan,
    registry::plan,
    revocation::plan,
    signatures::plan,
    crypto::plan,
    gm::plan,
    json::plan,
    beacons::plan,
    lock::plan,
    log::plan,
    envelope::plan,
    messages::plan,
    stamps::plan,
    trust::plan,
    seals::plan,
    keys::plan,
    pki::plan,
    later::plan,
    domain::plan,
];

/// The result of one file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// As found below the folder that was named.
    pub path: PathBuf,
    /// The counts.
    #[serde(flatten)]
    pub tally: Tally,
}

/// The results of all files.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Every file, in the order of its path.
    pub files: Vec<FileReport>,
    /// Cases that agreed.
    pub passed: usize,
    /// Cases that did not.
    pub failed: usize,
    /// Cases that were not run.
    pub skipped: usize,
}

/// Runs every file below `folders`.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn run<P: AsRef<Path>>(folders: &[P]) -> io::Result<Report> {
    run_with(folders, &mut |_| {})
}

/// As [`run`]; hands each file's result over as soon as it is known.
///
/// # Errors
/// As [`run`].
pub fn run_with<P: AsRef<Path>>(
    folders: &[P],
    each: &mut dyn FnMut(&FileReport),
) -> io::Result<Report> {
    let mut report = Report::default();
    for folder in folders {
        for path in files_below(folder.as_ref())? {
            let tally = run_file(&path).map_err(at(&path))?;
            report.passed += tally.passed;
            report.failed += tally.failures.len();
            report.skipped += tally.skipped();
            let file = FileReport { path, tally };
            each(&file);
            report.files.push(file);
        }
    }
    Ok(report)
}

fn run_file(path: &Path) -> io::Result<Tally> {
    let mut tally = Tally::default();
    if std::fs::metadata(path)?.len() > FILE_LEN_MAX {
        tally.skip(1, "larger than 64 MiB");
        return Ok(tally);
    }
    let input = Input::new(path.to_owned(), std::fs::read(path)?);
    let run = AssertUnwindSafe(|| match AREAS.iter().find_map(|area| area(&input)) {
        Some(Plan::Run(run)) => run(&input, &mut tally),
        Some(Plan::Skip(reason)) => tally.skip(1, reason),
        None => tally.skip(1, "no runner for this kind"),
    });
    if catch_unwind(run).is_err() {
        tally.fail("the code under test panicked");
    }
    if tally.is_empty() {
        tally.fail("of a known kind, yet without a case");
    }
    Ok(tally)
}

/// Files that tell about vectors and are none.
fn about(input: &Input) -> Option<Plan> {
    let name = input.name();
    let told = name.starts_with("README")
        || name.starts_with("LICENSE")
        || name.ends_with(".md")
        || name == "SHA256SUMS"
        || input.has_folder("schemas");
    told.then_some(Plan::Skip("not a vector"))
}

/// All files below `folder`, sorted; a file named directly is itself. Links to folders are not
/// followed.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        if !path.is_dir() {
            found.push(path);
        } else if depth < DEPTH_MAX && (depth == 0 || !path.is_symlink()) {
            for entry in std::fs::read_dir(&path).map_err(at(&path))? {
                open.push((entry.map_err(at(&path))?.path(), depth + 1));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Adds the path to an error.
fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
