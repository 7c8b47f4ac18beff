//! A GiB from file to file in memory, by CPU time, by the clock and by peak memory, beside other
//! people's programs; and eight GiB, to see that memory stays flat.

use super::child;
use benches::bytes;
use mifeng_crypto::{GM, INTL};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Rounds of which the better counts, for each of CPU time, clock and memory.
const ROUNDS: usize = 2;
/// Peers slower than this run once.
const SLOW_SECONDS: f64 = 15.0;
const MIB: usize = 1 << 20;

/// What one run took.
#[derive(Clone, Copy)]
struct Cost {
    clock: f64,
    cpu: f64,
    peak_mib: f64,
}

impl Cost {
    fn better(self, other: Cost) -> Cost {
        Cost {
            clock: self.clock.min(other.clock),
            cpu: self.cpu.min(other.cpu),
            peak_mib: self.peak_mib.min(other.peak_mib),
        }
    }
}

struct Place {
    folder: PathBuf,
}

impl Place {
    /// Memory-backed where there is such a place.
    fn new() -> Self {
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() {
            shm.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = parent.join(format!("mifeng-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the files");
        Place { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a command under GNU time; nothing if it is not there or fails.
fn measure(place: &Place, command: &Command) -> Option<Cost> {
    let report = place.at("time");
    let status = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&report)
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return None;
    }
    let text = fs::read_to_string(report).ok()?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|n| n.parse().ok())
        .collect();
    let [clock, user, system, kib] = numbers[..] else {
        return None;
    };
    Some(Cost {
        clock: clock.max(0.01),
        cpu: (user + system).max(0.01),
        peak_mib: kib / 1024.0,
    })
}

fn words(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Everyone who takes part, by name.
fn peers(place: &Place, source: &str, out: &str, cores: usize) -> Vec<(String, Command)> {
    let files = [PathBuf::from(source)];
    let mut all = Vec::new();
    for suite in [&GM, &INTL] {
        for threads in [1, cores] {
            let name = format!("ours, {}, threads: {threads}", suite.id());
            all.push((name, child::command(suite, threads, out, &files)));
        }
    }
    if cores == 1 {
        all.dedup_by(|a, b| a.0 == b.0);
    }
    all.push(("cp".to_owned(), words("cp", &[source, out])));
    let key = place.at("age.key");
    let (key, cert) = (
        key.display().to_string(),
        place.at("cert.pem").display().to_string(),
    );
    let made = Command::new("age-keygen")
        .args(["-o", &key])
        .stderr(Stdio::piped())
        .output();
    let public = made.ok().and_then(|made| {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        said.split_whitespace()
            .find(|word| word.starts_with("age1"))
            .map(str::to_owned)
    });
    if let Some(public) = public {
        for program in ["age", "rage"] {
            all.push((
                program.to_owned(),
                words(program, &["-r", &public, "-o", out, source]),
            ));
        }
    }
    let (hex, iv) = (
        "0123456789abcdef0123456789abcdef",
        "00000000000000000000000000000000",
    );
    let enc = [
        "enc", "-sm4-ctr", "-K", hex, "-iv", iv, "-in", source, "-out", out,
    ];
    all.push((
        "openssl enc sm4-ctr (not authenticated)".to_owned(),
        words("openssl", &enc),
    ));
    let request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:3072",
        "-nodes",
        "-subj",
        "/CN=bench",
        "-keyout",
        "/dev/null",
        "-out",
        &cert,
    ];
    let made = words("openssl", &request).stderr(Stdio::null()).status();
    if made.is_ok_and(|status| status.success()) {
        let cms = [
            "cms",
            "-encrypt",
            "-binary",
            "-stream",
            "-aes-256-gcm",
            "-outform",
            "DER",
            "-in",
            source,
            "-out",
            out,
            &cert,
        ];
        all.push((
            "openssl cms aes-256-gcm -stream".to_owned(),
            words("openssl", &cms),
        ));
    }
    // GmSSL's program where it is installed, or by its path.
    let gmssl = std::env::var("MIFENG_GMSSL").unwrap_or_else(|_| "gmssl".to_owned());
    let gcm = [
        "sm4_gcm",
        "-encrypt",
        "-key",
        hex,
        "-iv",
        "000000000000000000000000",
        "-in",
        source,
        "-out",
        out,
    ];
    all.push(("gmssl sm4_gcm".to_owned(), words(&gmssl, &gcm)));
    all
}

/// The parts that are asked for.
pub(crate) fn run(table: bool, peak: bool) {
    let smoke = !std::env::args().any(|argument| argument == "--bench");
    let len = if smoke { 3 * MIB } else { 1 << 30 };
    let place = Place::new();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    if smoke {
        let source = place.at("source");
        fs::write(&source, bytes(len)).expect("a file");
        let out = place.at("out").display().to_string();
        let done = child::command(&GM, 2, &out, &[source]).status();
        assert!(done.is_ok_and(|status| status.success()), "the child seals");
        return;
    }
    if measure(&place, &words("true", &[])).is_none() {
        println!("\nfiles and peak: absent, /usr/bin/time is needed (Debian: time)");
        return;
    }
    if table {
        files(&place, len, cores);
    }
    if peak {
        flat(&place, cores);
    }
}

fn files(place: &Place, len: usize, cores: usize) {
    let source = place.at("source");
    let mut file = File::create(&source).expect("a file");
    let block = bytes(64 * MIB);
    for _ in 0..len / block.len() {
        file.write_all(&block).expect("room in memory");
    }
    drop(file);
    let (source, out) = (
        source.display().to_string(),
        place.at("out").display().to_string(),
    );
    let all = peers(place, &source, &out, cores);
    let mut best: Vec<Option<Cost>> = vec![None; all.len()];
    for _ in 0..ROUNDS {
        for ((_, command), best) in all.iter().zip(&mut best) {
            if best.is_some_and(|best| best.clock > SLOW_SECONDS) {
                continue;
            }
            let found = measure(place, command);
            *best = match (*best, found) {
                (Some(a), Some(b)) => Some(a.better(b)),
                (a, b) => a.or(b),
            };
            let _ = fs::remove_file(&out);
        }
    }
    println!(
        "\nfiles: {} MiB from file to file in memory, better of {ROUNDS}\n",
        len / MIB
    );
    println!("| program | MB/s by CPU time | MB/s by the clock | peak MiB |\n|---|---:|---:|---:|");
    for ((name, _), cost) in all.iter().zip(best) {
        match cost {
            Some(cost) => println!(
                "| {name} | {:.0} | {:.0} | {:.0} |",
                len as f64 / cost.cpu / 1e6,
                len as f64 / cost.clock / 1e6,
                cost.peak_mib
            ),
            None => println!("| {name} | absent | | |"),
        }
    }
    let _ = fs::remove_file(source);
}

/// One and eight GiB of holes, to nowhere: only memory counts.
fn flat(place: &Place, cores: usize) {
    println!("\npeak: sealing with all cores, files of 1 GiB\n");
    println!(
        "| suite | 1 GiB: peak MiB | 8 GiB: peak MiB | 8 GiB: seconds |\n|---|---:|---:|---:|"
    );
    let holes: Vec<PathBuf> = (0..8).map(|at| place.at(&format!("hole{at}"))).collect();
    for hole in &holes {
        let file = File::create(hole).expect("a file");
        file.set_len(1 << 30).expect("a hole");
    }
    for suite in [&GM, &INTL] {
        let run = |count: usize| {
            let command = child::command(suite, cores, "/dev/null", &holes[..count]);
            measure(place, &command).expect("seals")
        };
        let (one, eight) = (run(1), run(8));
        println!(
            "| {} | {:.0} | {:.0} | {:.1} |",
            suite.id(),
            one.peak_mib,
            eight.peak_mib,
            eight.clock
        );
    }
}
