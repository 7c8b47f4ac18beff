//! The crash test on this machine's files: a process that takes a bid in is killed before every system
//! call that changes a file (and so after every one before), fails at each with EIO and ENOSPC, and
//! writes short; then the host is opened again. `strace` does the injecting.
//!
//! A kill cannot show a missing sync, since the system's cache survives the process. So the order of
//! the calls is checked as well: when the answer is written, nothing that was written before may be
//! unsynced, neither a file nor a name in a folder.

mod order;

pub use order::{Call, check_order, parse};

use crate::world::{Cast, Kind, Memory, Sealed, Tender, keys, secs};
use mifeng::crypto::{INTL, SeededEntropy};
use mifeng::record::SignedRecord;
use mifeng::{Export, Host, MeasuredBid, Receipt, Replay, Store, Tar};
use mifeng_store::{Directory, Disk, DiskFile, Local};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The host's folder inside the test's folder.
const HOST: &str = "host";
/// The record and the sealed bid that the process takes in.
const RECORD: &str = "bid.rec";
const BODY: &str = "bid.bid";
/// What the process writes when it acknowledges.
const ANSWER: &str = "ACKNOWLEDGED";
/// Bytes of a write that a trace shows: all, for the order check.
const WHOLE: &str = "16777216";
/// Calls that change files.
const CHANGES: [&str; 12] = [
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "link",
    "linkat",
    "mkdir",
    "unlink",
    "copy_file_range",
];
/// Largest files allowed, in blocks of 1,024 bytes: where the writes of a bid are cut short.
const LIMITS: [u32; 9] = [0, 1, 2, 4, 64, 300, 700, 1_000, 1_024];

fn cast() -> Cast {
    Cast::new(&INTL, "crash")
}

/// How the bid reaches the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Read by the host: `mifeng host submit`.
    Stream,
    /// As a file that was read before, which the store takes as it is: an upload.
    File,
}

impl Way {
    /// Both.
    pub const ALL: [Way; 2] = [Way::Stream, Way::File];

    /// The option of the process under test.
    pub fn option(self) -> &'static str {
        match self {
            Way::Stream => "--stream",
            Way::File => "--file",
        }
    }
}

/// The process under test: opens the host's folder, takes the bid, has its beat, answers.
///
/// # Errors
/// Whatever went wrong, in words.
pub fn child(folder: &Path, way: Way, lie: Option<SyncLie>) -> Result<(), String> {
    let shown = |e: &dyn std::fmt::Display| e.to_string();
    let local = Local::open(&folder.join(HOST)).map_err(|e| shown(&e))?;
    let store: Box<dyn Store> = match lie {
        Some(lie) => Box::new(Directory::on(NoSync(local, lie)).map_err(|e| shown(&e))?),
        None => Box::new(Directory::on(local).map_err(|e| shown(&e))?),
    };
    let mut host = Host::open(store, keys(&cast())).map_err(|e| shown(&e))?;
    let record = std::fs::read(folder.join(RECORD)).map_err(|e| shown(&e))?;
    let record = SignedRecord::from_file(&record).map_err(|e| shown(&e))?;
    match way {
        Way::Stream => {
            let mut body = std::fs::File::open(folder.join(BODY)).map_err(|e| shown(&e))?;
            host.submit(record, Some(&mut body), secs(32))
        }
        Way::File => MeasuredBid::read(&folder.join(BODY), &INTL, 1)
            .and_then(|bid| host.submit_measured(record, &bid, secs(32))),
    }
    .map_err(|e| shown(&e))?;
    let receipts = host
        .beat(secs(40), &mut SeededEntropy::new(b"crash"))
        .map_err(|e| shown(&e))?;
    for _ in receipts {
        let mut out = io::stdout();
        writeln!(out, "{ANSWER}").map_err(|e| shown(&e))?;
        out.flush().map_err(|e| shown(&e))?;
    }
    Ok(())
}

/// What a broken twin of the disk does not sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncLie {
    /// Nothing.
    All,
    /// The journal.
    Journal,
}

impl SyncLie {
    /// Both.
    pub const ALL: [SyncLie; 2] = [SyncLie::All, SyncLie::Journal];

    /// The option of the process under test.
    pub fn option(self) -> &'static str {
        match self {
            SyncLie::All => "--no-sync",
            SyncLie::Journal => "--no-journal-sync",
        }
    }
}

/// A broken twin of the disk.
struct NoSync(Local, SyncLie);

struct NoSyncFile(Box<dyn DiskFile>);

impl NoSync {
    fn file(&self, name: &str, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        if self.1 == SyncLie::All || name.starts_with(".journal") {
            Box::new(NoSyncFile(file))
        } else {
            file
        }
    }
}

impl Disk for NoSync {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn mifeng::ReadSeek>> {
        self.0.open(name)
    }
    fn create(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.create(name)?;
        Ok(self.file(name, file))
    }
    fn edit(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.edit(name)?;
        Ok(self.file(name, file))
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn link(&mut self, from: &Path, name: &str) -> io::Result<bool> {
        self.0.link(from, name)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn is_folder(&self, name: &str) -> io::Result<bool> {
        self.0.is_folder(name)
    }
    fn make_folder(&mut self, name: &str) -> io::Result<()> {
        self.0.make_folder(name)
    }
    fn sync_folder(&mut self, name: &str) -> io::Result<()> {
        match self.1 {
            SyncLie::All => Ok(()),
            SyncLie::Journal => self.0.sync_folder(name),
        }
    }
    fn list(&self, name: &str) -> io::Result<Vec<(String, Option<u64>)>> {
        self.0.list(name)
    }
}

impl DiskFile for NoSyncFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(at, bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the test came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Crashes {
    /// Calls of one submission that change a file.
    pub calls: usize,
    /// Runs that were killed, failed or cut short.
    pub runs: usize,
    /// Runs in which the answer was out before the end.
    pub answered: usize,
    /// Runs after which the bid was in the log.
    pub logged: usize,
    /// What did not hold.
    pub violations: Vec<String>,
}

/// The bids that were acknowledged before, and the one that comes now.
struct World {
    cast: Cast,
    /// The host's folder as it is before each run.
    files: Memory,
    promised: Vec<(Sealed, Receipt)>,
    bid: Sealed,
}

impl World {
    fn new() -> Self {
        let cast = cast();
        let (files, promised, bid) = {
            let mut tender = Tender::new(&cast, "host.example/t/crash", Kind::Joint);
            tender.receive(2);
            tender.beat(30);
            let promised: Vec<(Sealed, Receipt)> = tender
                .bids
                .iter()
                .map(|bid| {
                    let receipt = tender.host.receipt_again(&bid.record, secs(30));
                    (bid.clone(), receipt.expect("in the log"))
                })
                .collect();
            let bid = tender.seal(2, 880_000, 31);
            (tender.store.copied(), promised, bid)
        };
        World {
            cast,
            files,
            promised,
            bid,
        }
    }

    /// A folder of its own for one run.
    fn lay_out(&self, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        for (name, bytes) in self.files.files().iter() {
            let path = folder.join(HOST).join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, bytes)?;
        }
        let record = self.bid.record.to_file().map_err(io::Error::other)?;
        std::fs::write(folder.join(RECORD), record)?;
        std::fs::write(folder.join(BODY), &self.bid.file)
    }

    /// Opens what is left; whether the bid is in the log.
    fn recover(&self, folder: &Path, answered: bool) -> Result<bool, String> {
        let store = Directory::open(&folder.join(HOST)).map_err(|e| e.to_string())?;
        let mut host =
            Host::open(store, keys(&self.cast)).map_err(|e| format!("does not open again: {e}"))?;
        for (bid, receipt) in &self.promised {
            let held = receipt.hold_against(&bid.record, host.replay());
            let _ = held.map_err(|e| format!("an older receipt does not hold: {e}"))?;
        }
        let logged = host.state().bids().contains_key(&self.bid.id);
        if answered && !logged {
            return Err("the bid was acknowledged and is not in the log".to_owned());
        }
        if !logged {
            let mut body = io::Cursor::new(&self.bid.file);
            host.submit(self.bid.record.clone(), Some(&mut body), secs(42))
                .map_err(|e| format!("the bid is not taken again: {e}"))?;
        }
        let rng = &mut SeededEntropy::new(b"after");
        host.close(secs(60), rng)
            .map_err(|e| format!("no close: {e}"))?;
        let mut tar = Vec::new();
        host.export(Export::Records, &mut tar)
            .map_err(|e| format!("no bundle: {e}"))?;
        let replay = Tar::of_bytes(tar).and_then(|files| Replay::of(&files));
        let replay = replay.map_err(|e| format!("the bundle does not replay: {e}"))?;
        match replay.state.bids().len() {
            3 => Ok(logged),
            other => Err(format!("{other} bids in the log")),
        }
    }
}

/// The commands that start the process under test.
struct Runner {
    program: PathBuf,
    folder: PathBuf,
    way: Way,
}

impl Runner {
    fn strace(&self, shown: &str, arguments: &[&str], lie: Option<SyncLie>) -> io::Result<Output> {
        Command::new("strace")
            .args(["-f", "-y", "-s", shown, "-o"])
            .arg(self.trace())
            .args(arguments)
            .arg(&self.program)
            .arg("crash-child")
            .arg(&self.folder)
            .arg(self.way.option())
            .args(lie.map(SyncLie::option))
            .output()
    }

    fn trace(&self) -> PathBuf {
        self.folder.with_extension("trace")
    }

    fn calls(&self) -> io::Result<Vec<Call>> {
        Ok(parse(&std::fs::read_to_string(self.trace())?))
    }
}

/// Whether the injecting tool is there.
pub fn has_strace() -> bool {
    Command::new("strace").arg("-V").output().is_ok()
}

/// Runs all of it in `folder`, with `program` as the process under test.
///
/// # Errors
/// If the tool or the folder cannot be used.
pub fn run(program: &Path, folder: &Path) -> io::Result<Crashes> {
    let world = World::new();
    let mut found = Crashes::default();
    for way in Way::ALL {
        let runner = Runner {
            program: program.to_owned(),
            folder: folder.to_owned(),
            way,
        };
        run_way(&world, &runner, &mut found)?;
    }
    Ok(found)
}

fn run_way(world: &World, runner: &Runner, found: &mut Crashes) -> io::Result<()> {
    let folder = runner.folder.as_path();
    let host = folder.join(HOST).display().to_string();

    world.lay_out(folder)?;
    let trace = format!("trace={}", CHANGES.join(","));
    let output = runner.strace(WHOLE, &["-e", &trace], None)?;
    let calls = runner.calls()?;
    if !answered(&output) {
        return Err(io::Error::other(format!(
            "the process under test does not work: {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    found.violations.extend(check_order(&calls, &host, ANSWER));
    check_twins(world, runner, &host, found)?;

    let mut counts = std::collections::BTreeMap::new();
    let main = calls.first().map_or(0, |call| call.process);
    for call in calls.iter().filter(|call| call.process == main) {
        let number = counts.entry(call.name.clone()).or_insert(0);
        *number += 1;
        if !call.changes(&host) && !call.says(ANSWER) {
            continue;
        }
        found.calls += 1;
        for fault in ["signal=KILL", "error=EIO", "error=ENOSPC"] {
            let inject = format!("inject={}:{fault}:when={number}", call.name);
            world.lay_out(folder)?;
            let output = runner.strace(
                "0",
                &["-e", &format!("trace={}", call.name), "-e", &inject],
                None,
            )?;
            record(world, folder, &inject, answered(&output), found);
        }
    }
    for limit in LIMITS {
        world.lay_out(folder)?;
        // A real short write: the file may not grow beyond the limit, and the signal is ignored.
        let script = format!(
            "trap '' XFSZ; ulimit -f {limit}; exec \"$0\" crash-child \"$1\" {}",
            runner.way.option()
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .arg(&runner.program)
            .arg(folder)
            .output()?;
        let what = format!("files of at most {limit} KiB");
        record(world, folder, &what, answered(&output), found);
    }
    std::fs::remove_dir_all(folder)?;
    std::fs::remove_file(runner.trace())
}

fn answered(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(ANSWER)
}

fn record(world: &World, folder: &Path, what: &str, answered: bool, found: &mut Crashes) {
    found.runs += 1;
    found.answered += usize::from(answered);
    match world.recover(folder, answered) {
        Ok(logged) => found.logged += usize::from(logged),
        Err(e) => found.violations.push(format!("{what}: {e}")),
    }
}

/// The order check must notice a store that does not sync, or not its journal.
fn check_twins(world: &World, runner: &Runner, host: &str, found: &mut Crashes) -> io::Result<()> {
    let trace = format!("trace={}", CHANGES.join(","));
    for lie in SyncLie::ALL {
        world.lay_out(&runner.folder)?;
        runner.strace(WHOLE, &["-e", &trace], Some(lie))?;
        if check_order(&runner.calls()?, host, ANSWER).is_empty() {
            let what = format!("a store with {} passes the order check", lie.option());
            found.violations.push(what);
        }
    }
    Ok(())
}
