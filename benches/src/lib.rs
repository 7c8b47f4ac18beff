//! What the benches share: timing side by side, the table, and a small world of keys.
//!
//! Every job runs in turns with its peers, so that whatever else the machine does hits all of them
//! alike; the table shows the best of [`RUNS`] short turns (of [`RUNS_LONG`] for long jobs): on a busy
//! machine the one that was disturbed least. Without `--bench` among the arguments (as
//! under `cargo test`), or with `--test`, every job runs once on a small input and nothing is timed.
#![forbid(unsafe_code)]

pub mod outside;
pub mod world;

pub use outside::Outside;

use std::time::{Duration, Instant};

/// Turns of which the best counts.
pub const RUNS: usize = 41;
/// The same for jobs that take longer than `LONG`.
pub const RUNS_LONG: usize = 9;
const LONG: Duration = Duration::from_millis(30);
/// Short jobs repeat until a turn takes about this long: far above the clock's grain, and below the
/// time that a scheduler leaves a process alone.
const TURN: Duration = Duration::from_millis(2);

/// How a time is shown.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Time of one job.
    Time,
    /// The job handles this many bytes: MB/s (10^6).
    Bytes(usize),
    /// The job handles this many items: time of each.
    Each(usize),
}

/// A named way to do the same job, or the bare work inside it.
pub type Peer<'a> = (&'a str, &'a mut dyn FnMut());

/// The table of one bench.
pub struct Table {
    title: &'static str,
    smoke: bool,
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A table, timed or in smoke mode as the arguments say.
    pub fn new(title: &'static str) -> Self {
        let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
        Table {
            title,
            smoke: has("--test") || !has("--bench"),
            rows: Vec::new(),
        }
    }

    /// `full` when timing, `small` when only looking for smoke.
    pub fn size(&self, full: usize, small: usize) -> usize {
        if self.smoke { small } else { full }
    }

    /// Times `ours` and every peer in turns; one row for each peer.
    pub fn job(&mut self, job: &str, unit: Unit, ours: &mut dyn FnMut(), peers: &mut [Peer<'_>]) {
        self.job_beside(job, unit, ours, peers, &[], "");
    }

    /// As [`Table::job`], also beside those of the processes `outside` that know the job under
    /// `name`.
    pub fn job_beside(
        &mut self,
        job: &str,
        unit: Unit,
        ours: &mut dyn FnMut(),
        peers: &mut [Peer<'_>],
        outside: &[Outside],
        name: &str,
    ) {
        if self.smoke {
            ours();
            peers.iter_mut().for_each(|(_, peer)| peer());
            return;
        }
        let mut names = Vec::new();
        let mut all: Vec<Box<dyn FnMut(u32) -> f64 + '_>> = vec![Box::new(|n| time(ours, n))];
        for (name, peer) in peers {
            names.push(*name);
            all.push(Box::new(|n| time(*peer, n)));
        }
        for peer in outside.iter().filter(|peer| peer.time(name, 1).is_some()) {
            names.push(peer.name());
            all.push(Box::new(|n| peer.time(name, n).unwrap_or(f64::NAN)));
        }
        let times = best(&mut all);
        let shown = show(times[0], unit);
        let peers: Vec<(&str, f64)> = names
            .iter()
            .copied()
            .zip(times[1..].iter().copied())
            .collect();
        self.timed(job, unit, times[0], &peers);
        if names.is_empty() {
            self.rows
                .push([job.to_owned(), shown, "-".to_owned(), "-".to_owned()]);
        }
    }

    /// A row for each peer of a job that was timed elsewhere: least seconds of ours and of the peers'.
    pub fn timed(&mut self, job: &str, unit: Unit, ours: f64, peers: &[(&str, f64)]) {
        for (name, time) in peers {
            self.rows.push([
                job.to_owned(),
                show(ours, unit),
                format!("{} ({name})", show(*time, unit)),
                format!("{:.2}", ours / time),
            ]);
        }
    }

    /// Prints the table as Markdown.
    pub fn print(self) {
        if self.smoke {
            println!("{}: every job ran once, nothing was timed", self.title);
            return;
        }
        println!(
            "\n{}: best of {RUNS} turns; ratio = our time / peer's time\n",
            self.title
        );
        println!("| job | ours | peer | ratio |\n|---|---:|---:|---:|");
        for row in self.rows {
            println!("| {} |", row.join(" | "));
        }
    }
}

/// Least seconds of each job, taken in turns.
fn best(jobs: &mut [Box<dyn FnMut(u32) -> f64 + '_>]) -> Vec<f64> {
    let mut longest = 0.0_f64;
    let counts: Vec<u32> = jobs
        .iter_mut()
        .map(|job| {
            job(2); // warms caches and tables
            let once = job(1).min(job(1)).max(1e-9);
            longest = longest.max(once);
            // At most 10^7 as a job takes a nanosecond or more, so the conversion cannot cut.
            (TURN.as_secs_f64() / once).ceil() as u32
        })
        .collect();
    let long = longest > LONG.as_secs_f64();
    let mut times = vec![f64::INFINITY; jobs.len()];
    for _ in 0..if long { RUNS_LONG } else { RUNS } {
        for ((job, count), time) in jobs.iter_mut().zip(&counts).zip(&mut times) {
            // Also what a peer that answers nothing gives: NaN, which `min` passes over.
            *time = time.min(job(*count));
        }
    }
    times
}

/// Seconds of one of `count` repetitions.
fn time(job: &mut dyn FnMut(), count: u32) -> f64 {
    let start = Instant::now();
    (0..count).for_each(|_| job());
    start.elapsed().as_secs_f64() / f64::from(count)
}

fn show(seconds: f64, unit: Unit) -> String {
    match unit {
        Unit::Bytes(bytes) => format!("{:.0} MB/s", bytes as f64 / seconds / 1e6),
        Unit::Each(items) => clock(seconds / items as f64),
        Unit::Time => clock(seconds),
    }
}

fn clock(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// Keeps the compiler from leaving out the work behind `value`.
pub fn done<T>(value: T) {
    std::hint::black_box(value);
}

/// As [`done`] for work that must succeed: a failure would be fast.
///
/// # Panics
/// If it did not.
pub fn good<T, E: std::fmt::Debug>(outcome: Result<T, E>) {
    done(outcome.expect("the job succeeds"));
}

/// Bytes without a pattern that a compressor or a branch predictor could use.
pub fn bytes(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
