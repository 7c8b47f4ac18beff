//! The last ten minutes: many bidders against a real host on this machine, half of them in the last tenth of the time;
//! the host killed now and then, if asked for. Where bodies may come later, the records come in that time and each body after its
//! record's receipt.
//!
//! The sealed bids are made beforehand and not measured. At the end the log is closed, the tender given up and archived,
//! and every receipt is held against the dossier, which the verifier has passed (or, without one, against the replayed log);
//! every sealed bid in the host's store is held against its seal.

mod bidder;
mod line;
mod report;
mod scene;
mod server;

pub use report::Report;

use crate::random::Noise;
use crate::servers::{Folder, Postgres};
use crate::world::Cast;
use bidder::{Bidder, Told, sleep_until};
use line::Line;
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::log::WitnessState;
use mifeng::pki::tsp;
use mifeng::tender::Halt;
use mifeng::{Replay, Tar, Trusted, check_store, sign_record, trustee};
use mifeng_store::Place;
use scene::{NAME, Outcome, Scene, now};
use server::Server;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// After the deadline: the last receipts come with the beat after it, and who was cut off tries again.
const AFTER_MS: i64 = 30_000;
/// One bidder of so many comes too late on purpose.
const LATE_EVERY: usize = 40;
/// Bytes of stack of a bidder's thread: it holds a block and a record.
const STACK: usize = 512 << 10;
/// Bytes of a bundle.
const BUNDLE_LEN_MAX: u64 = 8 << 30;

/// What to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many bid.
    pub bidders: usize,
    /// Bytes of each bid's content.
    pub body: u64,
    /// From the first bidder to the deadline; half of them come in the last tenth.
    pub seconds: u64,
    /// Seconds after the deadline in which bodies may still come; 0: they come with their records.
    pub grace: u64,
    /// No dossier at the end: it needs as much room as all bids. The log is judged as its bundle has it.
    pub no_dossier: bool,
    /// How often the host is killed meanwhile.
    pub kills: u32,
    /// `--db` and `--blobs` of the host; without, a folder. `postgres` starts a server of its own.
    pub db: Option<String>,
    /// See `db`.
    pub blobs: Option<String>,
    /// The command `mifeng`.
    pub program: PathBuf,
    /// Where everything lies, twice the size of all bids; a folder below the temporary one, if not said.
    pub folder: Option<PathBuf>,
    /// Of the times that are drawn.
    pub seed: u64,
}

/// Plays it.
///
/// # Errors
/// In words, if it could not be played or judged; what the host did wrong stands in the report.
pub fn run(options: &Options) -> Result<Report, String> {
    play(options).map_err(|e| e.to_string())
}

fn play(options: &Options) -> Outcome<Report> {
    let own = Folder::new("rush");
    let folder = options.folder.clone().unwrap_or_else(|| own.0.clone());
    std::fs::create_dir_all(folder.join("house"))?;
    let (mut db, mut blobs) = (options.db.clone(), options.blobs.clone());
    let mut database = None;
    if db.as_deref() == Some("postgres") {
        let server = Postgres::start().ok_or("no PostgreSQL server on this machine")?;
        db = Some(server.url(&server.database()));
        database = Some(server);
    }
    if db.is_some() && blobs.is_none() {
        blobs = Some(folder.join("bodies").display().to_string());
    }
    let house = folder.join("house").display().to_string();
    let place = Place::parse(db.as_deref().unwrap_or(&house), blobs.as_deref())?;
    let scene = Scene::make(options, &place, &folder)?;
    let mut kept = Vec::new();
    for (option, value) in [("--db", db), ("--blobs", blobs)] {
        kept.extend(
            value
                .into_iter()
                .flat_map(|value| [option.to_owned(), value]),
        );
    }
    let server = Server::start(&options.program, &scene, &kept)?;
    let address = server.address;
    let host = Mutex::new(server);
    let (told, kills, memory) = rush(options, &scene, &host)?;
    let ending = end(&scene, address, options.no_dossier)?;
    lock(&host).stop()?;
    let replay = judge(&scene, &place, ending)?;
    drop(database);
    report::made(options, &scene, (&told, &replay), kills, memory)
}

fn lock(host: &Mutex<Server>) -> std::sync::MutexGuard<'_, Server> {
    host.lock().unwrap_or_else(PoisonError::into_inner)
}

type Samples = Vec<(f64, u64)>;

/// Everybody sends; the host is killed and looked at meanwhile.
fn rush(
    options: &Options,
    scene: &Scene,
    host: &Mutex<Server>,
) -> Outcome<(Vec<Told>, u32, Samples)> {
    let address = lock(host).address;
    let plans = plans(options, scene.deadline);
    let end = scene.bodies_end.plus_millis(AFTER_MS);
    let (over, kills) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(host, &over));
        let killing = scope.spawn(|| kill(options, scene.deadline, host, &kills));
        let mut bidders = Vec::new();
        for (bid, at) in scene.bids.iter().zip(plans) {
            let run = move || Bidder::new(scene, bid, address).run(at, end);
            let thread = std::thread::Builder::new().stack_size(STACK);
            bidders.push(thread.spawn_scoped(scope, run)?);
        }
        let mut told = Vec::new();
        for bidder in bidders {
            told.push(bidder.join().map_err(|_| "a bidder failed")??);
        }
        killing.join().map_err(|_| "the killer failed")??;
        over.store(true, Ordering::SeqCst);
        let memory = watching.join().map_err(|_| "the watcher failed")?;
        Ok((told, kills.load(Ordering::SeqCst), memory))
    })
}

/// When each begins to send: half in the last tenth of the time, a few after its end.
fn plans(options: &Options, deadline: Time) -> Vec<Time> {
    let mut random = Noise::new(options.seed);
    let whole = i64::try_from(options.seconds).unwrap_or(600) * 1_000;
    let before = |millis: i64| deadline.plus_millis(-millis);
    let plan = |n: usize| {
        let draw = |most: i64, random: &mut Noise| {
            let below = random.below(usize::try_from(most).unwrap_or(1));
            i64::try_from(below).unwrap_or(0)
        };
        if n % LATE_EVERY == LATE_EVERY - 1 {
            return deadline.plus_millis(1 + draw(2_000, &mut random));
        }
        match n % 2 {
            0 => before(draw(whole / 10, &mut random)),
            _ => before(whole / 10 + draw(whole - whole / 10, &mut random)),
        }
    };
    (0..options.bidders).map(plan).collect()
}

/// Kills the host until it was killed often enough; the time between is drawn.
fn kill(options: &Options, deadline: Time, host: &Mutex<Server>, kills: &AtomicU32) -> Outcome<()> {
    let mut random = Noise::new(options.seed ^ 0x6b69_6c6c);
    let between = usize::try_from(options.seconds)? * 1_000 / options.kills.max(1) as usize;
    sleep_until(deadline.plus_millis(-1_000 * i64::try_from(options.seconds)?));
    for _ in 0..options.kills {
        std::thread::sleep(Duration::from_millis(random.below(between) as u64));
        lock(host).kill()?;
        kills.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// The host's memory, every half second.
fn watch(host: &Mutex<Server>, over: &AtomicBool) -> Samples {
    let (start, mut seen) = (std::time::Instant::now(), Samples::new());
    while !over.load(Ordering::SeqCst) {
        let pid = lock(host).pid();
        if let Some(kib) = server::resident(pid) {
            seen.push((start.elapsed().as_secs_f64(), kib));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    seen
}

/// What the log is judged by.
enum Ending {
    /// The folder's file, made by the host.
    Dossier(PathBuf),
    Bundle(Box<Replay>),
}

/// After the close witnesses cosign, the authority stamps, the agency gives the tender up, and the host archives it if it may.
fn end(scene: &Scene, host: std::net::SocketAddr, no_dossier: bool) -> Outcome<Ending> {
    let mut line = Line::to(host);
    let tender = format!("/v1/tenders/{NAME}");
    let last = scene.bodies_end.plus_millis(2 * AFTER_MS);
    loop {
        let stage = line.ask("GET", &tender, b"")?.json()["stage"].clone();
        if stage == "opening" {
            break;
        }
        if now() > last {
            return Err(format!("the host does not close: {stage}").into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let suite = scene.cast.suite;
    for (n, seat) in (1..).zip(&scene.cast.trustees) {
        let replay = bundle(scene, &mut line)?;
        let origin = replay.checkpoint()?.checkpoint().origin().to_owned();
        let seen = WitnessState::new(&origin, suite.hash());
        let name = Cast::witness_name(n);
        let (note, _) = trustee::cosign(&replay, &name, &seat.witness, &seen, now())?;
        said(&mut line, "/cosignatures", note.to_text().as_bytes())?;
    }
    let replay = bundle(scene, &mut line)?;
    let request = tsp::Request::new(trustee::stamp_imprint(&replay)?, suite.hash(), None);
    let stamp = tsp::respond(
        &scene.cast.tsa.signer,
        "1.3.6.1.4.1.32473.1",
        7,
        now(),
        &request,
    )?;
    said(&mut line, "/stamps", &stamp)?;
    let rng = &mut SystemEntropy::new();
    let data = Halt {
        reason: "采购任务取消".to_owned(),
    };
    let agency = &scene.cast.agency.signer;
    let record = sign_record(&replay.state, "tender.cancel", &data, agency, now(), rng)?;
    said(&mut line, "/records", &record.to_file()?)?;
    let replay = bundle(scene, &mut line)?;
    if no_dossier {
        return Ok(Ending::Bundle(Box::new(replay)));
    }
    let data = serde_json::json!({"order": "archive"});
    let platform = &scene.cast.platform.signer;
    let order = sign_record(&replay.state, "host.order", &data, platform, now(), rng)?;
    said(&mut line, "/orders", &order.to_file()?)?;
    let dossier = scene.house().join(".work").join(NAME).join("dossier.tar");
    Ok(Ending::Dossier(dossier))
}

fn said(line: &mut Line, rest: &str, body: &[u8]) -> Outcome<()> {
    let answer = line.ask("POST", &format!("/v1/tenders/{NAME}{rest}"), body)?;
    match answer.status {
        200..300 => Ok(()),
        status => Err(format!("{rest}: {status} {}", String::from_utf8_lossy(&answer.body)).into()),
    }
}

fn bundle(scene: &Scene, line: &mut Line) -> Outcome<Replay> {
    let path = scene.folder.join("bundle.tar");
    let mut file = std::fs::File::create(&path)?;
    let rest = format!("/v1/tenders/{NAME}/bundle");
    let status = line.ask_into("GET", &rest, b"", (&mut file, BUNDLE_LEN_MAX))?;
    if status != 200 {
        return Err(format!("bundle: {status}").into());
    }
    Ok(Replay::of(&Tar::open(&path)?)?)
}

/// The verifier passes the dossier, if there is one, and the store holds every bid that the log names. What the log amounts to.
fn judge(scene: &Scene, place: &Place, ending: Ending) -> Outcome<Replay> {
    let replay = match ending {
        Ending::Dossier(path) => verified(scene, &Tar::open(&path)?)?,
        Ending::Bundle(replay) => *replay,
    };
    let check = check_store(&*place.open(NAME)?)?;
    match check.findings.first() {
        Some((name, why)) => Err(format!("the store: {name}: {why}").into()),
        None => Ok(replay),
    }
}

fn verified(scene: &Scene, dossier: &Tar) -> Outcome<Replay> {
    let trusted = Trusted {
        roots: vec![scene.cast.root.fingerprint(scene.cast.suite.hash())],
        ..Trusted::default()
    };
    let report = mifeng::verify(dossier, &trusted)?;
    match report.failure() {
        Some(failed) => Err(format!("the dossier: {} {}", failed.id, failed.saw_en).into()),
        None => Ok(Replay::of(dossier)?),
    }
}
