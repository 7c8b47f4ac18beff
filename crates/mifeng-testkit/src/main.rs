//! `mifeng-testkit`: runs test vectors and makes bid folders.
#![forbid(unsafe_code)]

mod commands;

use mifeng_testkit::vectors::{self, FileReport};
use mifeng_testkit::{bids, seals};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
Usage:
  mifeng-testkit vectors FOLDER... [--json]   run every test vector below the folders
  mifeng-testkit bids FOLDER [--bidders N] [--megabytes N]
                                              make folders of bid documents, one per bidder
  mifeng-testkit dossier OUT [--small] [--gm]
                                              make the dossier of a whole tender; --small: of one
                                              that failed, without sealed bids
  mifeng-testkit simulate [--seeds N] [--first N] [--twin NAME] [--json]
                                              run whole tenders under seeds; --twin: with a fault
                                              built in, which the invariants must find
  mifeng-testkit broken-dossiers FOLDER       write the vectors of test-vectors/dossier
  mifeng-testkit registry-vectors FOLDER      write the vectors of test-vectors/registry
  mifeng-testkit crash [--json]               kill a submission at every system call, in a folder of
                                              its own below the temporary one; needs strace
  mifeng-testkit flip-every-byte DOSSIER [--step N] [--python] [--json]
                                              flip every byte (or every Nth), one at a time: the
                                              verifier must notice; --python: the second one too
  mifeng-testkit rush [--bidders N] [--body BYTES] [--seconds N] [--grace N] [--db DATABASE|postgres]
                     [--blobs PLACE] [--folder FOLDER] [--mifeng PROGRAM] [--seed N] [--no-dossier] [--json]
                                              the time before a deadline against a real host: half of
                                              the bids in its last tenth; --grace: records first, each body
                                              after its receipt, until N seconds after the deadline;
                                              --no-dossier: none at the end, it is as large as all bids;
                                              `postgres`: a server of its own
  mifeng-testkit kill --times N […]           the same with the host killed so often meanwhile
  mifeng-testkit seal gm|intl FOLDER [CERT]   seal some files under the policy `bidder` (to CERT)
  mifeng-testkit body seal|open KEY CONTEXT   Cobblestone-256, hex arguments, stdin to stdout
  mifeng-testkit sm2 encrypt|decrypt KEY      SM2 encryption, a PEM file, stdin to stdout

Exit codes: 0 as it should be, 1 a case, a flip or an invariant failed, 2 usage, 4 unavailable.";

/// Bytes read from standard input: tests are small.
const INPUT_LEN_MAX: u64 = 64 << 20;
/// Exit code for a wrong command line.
const USAGE: u8 = 2;
/// Exit code for folders that cannot be read or written.
const UNAVAILABLE: u8 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["vectors", rest @ ..] => run_vectors(rest),
        ["bids", folder, options @ ..] => make_bids(folder, options),
        ["dossier", out, options @ ..] => commands::dossier(out, options),
        ["simulate", options @ ..] => commands::simulate(options),
        ["crash", options @ ..] => commands::crash(options),
        ["crash-child", folder, options @ ..] => commands::crash_child(folder, options),
        ["rush", options @ ..] => commands::rush(options, false),
        ["kill", options @ ..] => commands::rush(options, true),
        ["broken-dossiers", folder] => commands::broken_dossiers(folder),
        ["registry-vectors", folder] => commands::registry_vectors(folder),
        ["flip-every-byte", dossier, options @ ..] => commands::flip_every_byte(dossier, options),
        ["seal", name, folder] => ended(write_seal(name, folder, None)),
        ["seal", name, folder, to] => ended(write_seal(name, folder, Some(to))),
        ["body", way @ ("seal" | "open"), key, context] => tool(|input| {
            let (key, context) = (hex::decode(key)?, hex::decode(context)?);
            match *way {
                "seal" => seals::seal_body(&key, &context, input),
                _ => seals::open_body(&key, &context, input),
            }
        }),
        ["sm2", way @ ("encrypt" | "decrypt"), key] => tool(|input| {
            let key = std::fs::read_to_string(key)?;
            match *way {
                "encrypt" => seals::sm2_encrypt(&key, input),
                _ => seals::sm2_decrypt(&key, input),
            }
        }),
        ["help" | "--help" | "-h"] => {
            say(HELP);
            ExitCode::SUCCESS
        }
        _ => usage(
            "expected `vectors`, `bids`, `dossier`, `simulate`, `crash`, `rush`, `kill`, `flip-every-byte`, `seal`, \
             `body` or `sm2`",
        ),
    }
}

fn write_seal(name: &str, folder: &str, to: Option<&str>) -> seals::Outcome<()> {
    std::fs::create_dir_all(folder)?;
    seals::write_seal(seals::suite(name)?, to.map(Path::new), Path::new(folder))
}

/// Standard input through `work` to standard output; exit code 1 if it fails.
fn tool(work: impl FnOnce(&[u8]) -> seals::Outcome<Vec<u8>>) -> ExitCode {
    let mut input = Vec::new();
    let done = std::io::stdin()
        .take(INPUT_LEN_MAX)
        .read_to_end(&mut input)
        .map_err(Into::into)
        .and_then(|_| work(&input))
        .and_then(|output| Ok(std::io::stdout().write_all(&output)?));
    ended(done)
}

fn ended(done: seals::Outcome<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

fn usage(fault: &str) -> ExitCode {
    eprintln!("{fault}\n\n{HELP}");
    ExitCode::from(USAGE)
}

/// Prints a line; a reader that went away is no fault of ours.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn run_vectors(words: &[&str]) -> ExitCode {
    let json = words.contains(&"--json");
    let folders: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| *word != "--json")
        .collect();
    if folders.is_empty() || folders.iter().any(|word| word.starts_with('-')) {
        return usage("`vectors` takes one folder or more, and --json");
    }
    // Panics of the code under test are counted as failures, not printed.
    std::panic::set_hook(Box::new(|_| {}));
    let report = vectors::run_with(&folders, &mut |file| {
        if !json && (file.tally.passed > 0 || !file.tally.failures.is_empty()) {
            say(&line(file));
        }
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            eprintln!("cannot read the vectors: {error}");
            return ExitCode::from(UNAVAILABLE);
        }
    };
    if json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => say(&text),
            Err(error) => eprintln!("cannot write the report: {error}"),
        }
    } else {
        for left_out in left_out(&report.files) {
            say(&left_out);
        }
        let (passed, failed, skipped) = (report.passed, report.failed, report.skipped);
        say(&format!(
            "{passed} passed, {failed} failed, {skipped} skipped"
        ));
    }
    ExitCode::from(u8::from(report.failed > 0))
}

/// The files of which no case ran: one line for each folder and reason, so that the results stay readable.
fn left_out(files: &[FileReport]) -> Vec<String> {
    let mut groups: BTreeMap<(&Path, &str), (usize, usize)> = BTreeMap::new();
    let none_ran = |file: &&FileReport| file.tally.passed == 0 && file.tally.failures.is_empty();
    for file in files.iter().filter(none_ran) {
        let folder = file.path.parent().unwrap_or(&file.path);
        for (reason, cases) in &file.tally.skips {
            let group = groups.entry((folder, reason)).or_default();
            *group = (group.0 + 1, group.1 + cases);
        }
    }
    groups
        .iter()
        .map(|((folder, reason), (files, cases))| {
            let folder = folder.display();
            format!("{folder}: {files} files, {cases} skipped ({reason})")
        })
        .collect()
}

/// One file's line: counts, reasons for skipping, and what failed first.
fn line(file: &FileReport) -> String {
    let tally = &file.tally;
    let (passed, failed, skipped) = (tally.passed, tally.failures.len(), tally.skipped());
    let mut line = format!(
        "{}: {passed} passed, {failed} failed, {skipped} skipped",
        file.path.display()
    );
    let reasons: Vec<String> = tally
        .skips
        .iter()
        .map(|(reason, cases)| {
            if *cases == skipped {
                (*reason).to_owned()
            } else {
                format!("{cases}: {reason}")
            }
        })
        .collect();
    if !reasons.is_empty() {
        line.push_str(&format!(" ({})", reasons.join("; ")));
    }
    if let Some(first) = tally.failures.first() {
        line.push_str(&format!(" FAILED: {first}"));
    }
    line
}

fn make_bids(folder: &str, options: &[&str]) -> ExitCode {
    let (mut bidders, mut megabytes) = (5, 20);
    for pair in options.chunks(2) {
        let number = pair.get(1).and_then(|value| value.parse::<u32>().ok());
        match (pair[0], number) {
            ("--bidders", Some(value)) => bidders = value,
            ("--megabytes", Some(value)) => megabytes = value,
            _ => return usage("`bids` takes --bidders N and --megabytes N"),
        }
    }
    let folder = Path::new(folder);
    for bidder in 1..=bidders {
        let path: PathBuf = folder.join(format!("bidder-{bidder}"));
        let bytes = megabytes as usize * 1_000_000;
        if let Err(error) = bids::write_bid_folder(&path, bidder, "lot-1", bytes) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::from(UNAVAILABLE);
        }
        say(&path.display().to_string());
    }
    ExitCode::SUCCESS
}
