//! The commands about whole dossiers.

use crate::{UNAVAILABLE, say, usage};
use mifeng_crypto::{GM, INTL};
use mifeng_testkit::crash::{self, SyncLie, Way};
use mifeng_testkit::dossier::{self, Story};
use mifeng_testkit::sim::{self, Twin};
use mifeng_testkit::{flip, rush};
use std::path::Path;
use std::process::{Command, ExitCode};

/// The second verifier, from the root of the project.
const PYTHON_VERIFIER: &str = "verifier-py/verify.py";
/// Runs of a simulation, unless another number is asked for.
const SEEDS: u64 = 100;
/// Undetected flips that are shown one by one.
const SHOWN: usize = 20;

pub(crate) fn dossier(out: &str, options: &[&str]) -> ExitCode {
    let (mut suite, mut story) = (&INTL, Story::Awarded);
    for option in options {
        match *option {
            "--small" => story = Story::Failed,
            "--gm" => suite = &GM,
            _ => return usage("`dossier` takes OUT, --small and --gm"),
        }
    }
    match dossier::write(Path::new(out), suite, story) {
        Ok(len) => {
            say(&format!("{out}: {len} bytes"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write {out}: {error}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

pub(crate) fn broken_dossiers(folder: &str) -> ExitCode {
    match dossier::write_vectors(Path::new(folder)) {
        Ok(manifest) => {
            let (valid, broken) = (manifest.valid.len(), manifest.cases.len());
            say(&format!(
                "{folder}: {valid} valid dossiers, {broken} broken ones"
            ));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

pub(crate) fn registry_vectors(folder: &str) -> ExitCode {
    match mifeng_testkit::registry::write_vectors(Path::new(folder)) {
        Ok(count) => {
            say(&format!("{folder}: {count} cases"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

pub(crate) fn simulate(options: &[&str]) -> ExitCode {
    const USE: &str = "`simulate` takes --seeds N, --first N, --twin NAME and --json";
    let (mut seeds, mut first, mut twin, mut json) = (SEEDS, 0, None, false);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().unwrap_or_default();
        match *word {
            "--json" => json = true,
            "--twin" => {
                let name = value();
                twin = Twin::ALL.into_iter().find(|twin| twin.name() == name);
                if twin.is_none() {
                    return usage(&format!("no twin {name:?}: {}", twin_names()));
                }
            }
            "--seeds" | "--first" => match (value().parse(), *word) {
                (Ok(number), "--seeds") => seeds = number,
                (Ok(number), _) => first = number,
                (Err(_), _) => return usage(USE),
            },
            _ => return usage(USE),
        }
    }
    // A panic of the engine is a violation, printed with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let summary = sim::simulate(first, seeds, twin);
    if json {
        match serde_json::to_string_pretty(&summary) {
            Ok(text) => say(&text),
            Err(error) => eprintln!("cannot write the summary: {error}"),
        }
    } else {
        for violation in &summary.violations {
            say(&format!("seed {}: {}", violation.seed, violation.what));
        }
        say(&format!("{:?}", summary.seen));
        let broken = summary.violations.len();
        say(&format!("{seeds} seeds from {first}, {broken} violations"));
    }
    ExitCode::from(u8::from(!summary.violations.is_empty()))
}

pub(crate) fn crash(options: &[&str]) -> ExitCode {
    let json = match options {
        [] => false,
        ["--json"] => true,
        _ => return usage("`crash` takes --json"),
    };
    if !crash::has_strace() {
        say("skipped: crash (no strace)");
        return ExitCode::SUCCESS;
    }
    let folder = std::env::temp_dir().join(format!("mifeng-crash-{}", std::process::id()));
    let outcome = std::env::current_exe().and_then(|own| crash::run(&own, &folder));
    let found = match outcome {
        Ok(found) => found,
        Err(error) => {
            eprintln!("cannot run the crash test: {error}");
            return ExitCode::from(UNAVAILABLE);
        }
    };
    for violation in &found.violations {
        say(violation);
    }
    if json {
        match serde_json::to_string(&found) {
            Ok(text) => say(&text),
            Err(error) => eprintln!("cannot write the report: {error}"),
        }
    } else {
        say(&format!(
            "{} calls change a file; {} runs killed, failed or cut short: {} had answered, {} had the bid; {} violations",
            found.calls,
            found.runs,
            found.answered,
            found.logged,
            found.violations.len()
        ));
    }
    ExitCode::from(u8::from(!found.violations.is_empty()))
}

/// The process that `crash` kills.
pub(crate) fn crash_child(folder: &str, options: &[&str]) -> ExitCode {
    let lie = SyncLie::ALL
        .into_iter()
        .find(|lie| options.contains(&lie.option()));
    let ways = &mut Way::ALL.into_iter();
    let Some(way) = ways.find(|way| options.contains(&way.option())) else {
        return usage("`crash-child` takes --stream or --file");
    };
    match crash::child(Path::new(folder), way, lie) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(UNAVAILABLE)
        }
    }
}

fn twin_names() -> String {
    let names: Vec<&str> = Twin::ALL.into_iter().map(Twin::name).collect();
    names.join(", ")
}

pub(crate) fn flip_every_byte(path: &str, options: &[&str]) -> ExitCode {
    let (mut step, mut python, mut json) = (1, false, false);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match (*word, words.as_slice().first().map(|n| n.parse::<usize>())) {
            ("--python", _) => python = true,
            ("--json", _) => json = true,
            ("--step", Some(Ok(number))) if number > 0 => {
                step = number;
                words.next();
            }
            _ => return usage("`flip-every-byte` takes DOSSIER, --step N, --python and --json"),
        }
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("cannot read {path}: {error}");
            return ExitCode::from(UNAVAILABLE);
        }
    };
    if let Some((check, code)) = flip::failed_check(bytes.as_slice()) {
        eprintln!("{path} is not valid as it is: {check} {code}");
        return ExitCode::from(1);
    }
    // A verifier that panics is counted as one that noticed nothing.
    std::panic::set_hook(Box::new(|_| {}));
    let flips = flip::flip_every_byte(&bytes, step);
    show(path, &bytes, &flips, json);
    let mut good = flips.undetected.is_empty();
    if python {
        match run_python(path, step) {
            Ok(noticed) => good &= noticed,
            Err(error) => {
                eprintln!("cannot run {PYTHON_VERIFIER}: {error}");
                return ExitCode::from(UNAVAILABLE);
            }
        }
    }
    ExitCode::from(u8::from(!good))
}

fn show(path: &str, bytes: &[u8], flips: &flip::Flips, json: bool) {
    if json {
        let failed: Vec<_> = flips
            .failed
            .iter()
            .map(|((check, code), count)| {
                serde_json::json!({"check": check, "code": code, "count": count})
            })
            .collect();
        let report = serde_json::json!({
            "flipped": flips.flipped, "failed": failed, "undetected": flips.undetected,
        });
        say(&report.to_string());
        return;
    }
    for ((check, code), count) in &flips.failed {
        say(&format!("{count:>8}  {check:<4} {code}"));
    }
    for at in flips.undetected.iter().take(SHOWN) {
        say(&format!("UNDETECTED  {}", flip::place(bytes, *at)));
    }
    let (flipped, missed) = (flips.flipped, flips.undetected.len());
    say(&format!(
        "{path}: {flipped} of {} bytes flipped, {missed} undetected",
        bytes.len()
    ));
}

/// The second verifier flips by itself: one process, not one for each byte.
fn run_python(path: &str, step: usize) -> std::io::Result<bool> {
    if !Path::new(PYTHON_VERIFIER).exists() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    let status = Command::new("python3")
        .args([PYTHON_VERIFIER, "--flips", path, "--step"])
        .arg(step.to_string())
        .status()?;
    Ok(status.success())
}

/// Bidders of a rush, bytes of each bid and seconds, unless others are asked for: the last ten minutes, compressed.
const RUSH: (usize, u64, u64) = (200, 1_000_000, 60);

pub(crate) fn rush(options: &[&str], killing: bool) -> ExitCode {
    const USE: &str = "`rush` takes --bidders N, --body BYTES, --seconds N, --grace N, --db DATABASE, --blobs PLACE, \
        --folder FOLDER, --mifeng PROGRAM, --seed N, --no-dossier and --json; `kill` takes --times N too";
    // The command is built beside this program.
    let program = std::env::current_exe().map(|own| own.with_file_name("mifeng"));
    let mut asked = rush::Options {
        bidders: RUSH.0,
        body: RUSH.1,
        seconds: RUSH.2,
        grace: 0,
        no_dossier: false,
        kills: 0,
        db: None,
        blobs: None,
        program: program.unwrap_or_else(|_| "mifeng".into()),
        folder: None,
        seed: 1,
    };
    let mut json = false;
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let flag = match *word {
            "--json" => Some(&mut json),
            "--no-dossier" => Some(&mut asked.no_dossier),
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = true;
            continue;
        }
        let value = words.next().copied().unwrap_or_default();
        let number = value.parse::<u32>();
        match (*word, number) {
            ("--bidders", Ok(number @ 1..)) => asked.bidders = number as usize,
            ("--body", Ok(number)) => asked.body = u64::from(number),
            ("--seconds", Ok(number @ 2..)) => asked.seconds = u64::from(number),
            ("--grace", Ok(number)) => asked.grace = u64::from(number),
            ("--seed", Ok(number)) => asked.seed = u64::from(number),
            ("--times", Ok(number @ 1..)) if killing => asked.kills = number,
            ("--db", _) if !value.is_empty() => asked.db = Some(value.to_owned()),
            ("--blobs", _) if !value.is_empty() => asked.blobs = Some(value.to_owned()),
            ("--folder", _) if !value.is_empty() => asked.folder = Some(value.into()),
            ("--mifeng", _) if !value.is_empty() => asked.program = value.into(),
            _ => return usage(USE),
        }
    }
    if killing && asked.kills == 0 {
        return usage("`kill` takes --times N");
    }
    let report = match rush::run(&asked) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(1);
        }
    };
    match serde_json::to_string_pretty(&report) {
        Ok(text) if json => say(&text),
        Err(error) => eprintln!("cannot write the report: {error}"),
        Ok(_) => say(&report.to_string()),
    }
    ExitCode::from(u8::from(!report.is_good()))
}
