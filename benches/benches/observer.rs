//! Before the close no answer tells how many bid: here, whether the time it takes does. Hosts side by side in one process, whose
//! tenders have no bid, none again, 50 and 500: every address that anybody may ask is asked at all of them in turns, in an
//! order drawn anew each time.
//!
//! For each address: the median beside that of the host without bids, and the chance that a single answer of this host takes
//! longer than one of that (one half, if nothing tells). The second host without bids shows how far chance alone goes. In a
//! run with `--bench` one that tells more than that is an error.

use benches::Table;
use mifeng::crypto::INTL;
use mifeng::log::{Pace, Schedule};
use mifeng_server::{House, Log, ManualClock, Opened, Opening, Running};
use mifeng_store::Directory;
use mifeng_testkit::world::{
    Cast, FIRST_BEAT, PERIOD, Tender, first_bid, keys, one_of_many, published, secs,
};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const SEED: &str = "bench observer";
/// Bids of each host: the first is what the others are held against, the second is the same once more.
const BIDS: [usize; 4] = [0, 0, 50, 500];
/// Requests for each address at each host.
const ROUNDS: usize = 600;
/// A connection may read so often at once; another one is opened before.
const ON_ONE_LINE: usize = 500;
/// Places of a beat, as a power of two: all bids fit into two of them.
const DEPTH: u8 = 9;
/// How much farther from one half the chance may be than it is anywhere between the two hosts without bids: a host has a place in
/// memory, and differs from another one by that as well.
const TELLS: f64 = 0.05;

/// What anybody may ask.
fn paths() -> Vec<String> {
    let zeros = "0".repeat(64);
    let mut paths: Vec<String> = [
        "/",
        "/t/t1",
        "/t/t1/hall",
        "/t/t1/hall/now",
        "/t/t1/result",
        "/t/t1/bid",
        "/t/t1/trustee",
        "/t/t1/score",
        "/audit",
        "/v1/tenders",
        "/v1/tenders/t1",
        "/v1/tenders/t1/bundle",
        "/v1/tenders/t1/files/log/checkpoint",
        "/v1/tenders/t1/dossier",
        "/v1/openapi.json",
        "/healthz",
        "/metrics",
        "/v1/tenders/t1/own",
        "/v1/tenders/t1/opened",
        "/v1/tenders/t1/sheets",
        "/v1/tenders/t1/journal",
        "/v1/tenders/t1/sign-in",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.push(format!("/v1/tenders/t1/receipts/{zeros}"));
    paths.push(format!("/v1/tenders/t1/uploads/{zeros}"));
    paths
}

fn main() {
    let table = Table::new("observer");
    let bids: Vec<usize> = BIDS
        .iter()
        .map(|count| table.size(*count, count.min(&2).to_owned()))
        .collect();
    let rounds = table.size(ROUNDS, 2);
    let cast = Cast::new(&INTL, SEED);
    // In an order of its own in each run, so that a place is not taken for bids.
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let seed = now.map_or(1, |now| now.subsec_nanos()) | 1;
    let starts = Order(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15)).of(bids.len());
    let mut started: Vec<(usize, Served)> = starts
        .iter()
        .map(|number| (*number, Served::new(&cast, *number, bids[*number])))
        .collect();
    started.sort_by_key(|(number, _)| *number);
    let mut hosts: Vec<Served> = started.into_iter().map(|(_, host)| host).collect();
    // While the last of them took in its bids, the lines of the others were closed.
    for host in &mut hosts {
        host.line = Line::to(host.running.address);
    }
    let paths = paths();
    let mut order = Order(0x9e37_79b9_7f4a_7c15);
    let mut times: Vec<Vec<Vec<u64>>> = vec![vec![Vec::new(); hosts.len()]; paths.len()];
    // What is made once, as the bundle, is made before.
    for round in 0..rounds + 2 {
        for (path, times) in paths.iter().zip(&mut times) {
            for host in order.of(hosts.len()) {
                let took = hosts[host].time(path);
                if round >= 2 {
                    times[host].push(took);
                }
            }
        }
    }
    for host in hosts {
        host.end();
    }
    if rounds < ROUNDS {
        return;
    }
    println!("started in the order {starts:?} of the columns, from 0");
    if !print(&paths, &times) {
        std::process::exit(1);
    }
}

/// The table; whether no answer tells.
fn print(paths: &[String], times: &[Vec<Vec<u64>>]) -> bool {
    println!("| address | no bid | again | 50 bids | 500 bids |\n|---|---:|---:|---:|---:|");
    let (mut chance_alone, mut most) = (0.0_f64, 0.0_f64);
    for (path, times) in paths.iter().zip(times) {
        let own = median(&times[0]);
        let path = path.replace(&"0".repeat(64), "…");
        print!("| `{path}` | {:.0} µs", own as f64 / 1e3);
        for (number, others) in times.iter().enumerate().skip(1) {
            let (ratio, chance) = (
                median(others) as f64 / own as f64,
                longer(others, &times[0]),
            );
            print!(" | {ratio:.3}, {chance:.3}");
            let far = match number {
                1 => &mut chance_alone,
                _ => &mut most,
            };
            *far = far.max((chance - 0.5).abs());
        }
        println!(" |");
    }
    println!("farthest from one half: without bids {chance_alone:.3}, with bids {most:.3}");
    most < chance_alone + TELLS
}

fn median(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// The chance that one of `these` is longer than one of `those`, ties counted as a half (Mann and Whitney's U over all pairs).
fn longer(these: &[u64], those: &[u64]) -> f64 {
    let mut sorted = those.to_vec();
    sorted.sort_unstable();
    let twice: usize = these
        .iter()
        .map(|one| {
            sorted.partition_point(|other| other < one)
                + sorted.partition_point(|other| other <= one)
        })
        .sum();
    twice as f64 / (2 * these.len() * those.len()) as f64
}

/// Orders drawn anew (xorshift: nothing here is secret).
struct Order(u64);

impl Order {
    fn of(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            order.swap(at, (self.0 % (at as u64 + 1)) as usize);
        }
        order
    }
}

/// A host on a disk, in whose tender bids are received.
struct Served {
    running: Running,
    folder: PathBuf,
    line: Line,
}

impl Served {
    /// Half of the bids are in the log, the others wait for the next beat.
    fn new(cast: &Cast, number: usize, bids: usize) -> Self {
        let mut tender = published(cast, |notice| {
            let pace = Pace {
                from: secs(FIRST_BEAT),
                period_ms: PERIOD as u64 * 1_000,
            };
            notice.beats = Schedule::new(DEPTH, vec![pace]).expect("a schedule");
        });
        let name = format!("observer-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        for (name, content) in tender.store.files().iter() {
            let path = folder.join("t1").join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
            fs::write(path, content).expect("written");
        }
        let mut opening = |path: &Path| -> Opening<Directory> {
            let path = path.to_owned();
            Box::new(move |_| {
                let store = Directory::open(&path).expect("a folder");
                Ok(Opened::Ready(store, keys(&Cast::new(&INTL, SEED))))
            })
        };
        let clock = Arc::new(ManualClock::new(secs(2)));
        let house = Arc::new(House::open(&folder, clock.clone(), &mut opening).expect("a house"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let running = mifeng_server::start(
            Arc::clone(&house),
            listener,
            None,
            None,
            Vec::new(),
            Log::off(),
        );
        let running = running.expect("listening");
        let line = Line::to(running.address);
        let turn = |at: i64| {
            clock.set(secs(at));
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let done = runtime.expect("a runtime").block_on(house.wake());
            done.expect("writers that work");
        };
        let mut host = Served {
            running,
            folder,
            line,
        };
        turn(FIRST_BEAT);
        turn(FIRST_BEAT + 1);
        for number in 0..bids {
            if number == bids / 2 {
                turn(FIRST_BEAT + PERIOD);
            }
            host.send(&mut tender, number);
        }
        if bids == 0 {
            turn(FIRST_BEAT + PERIOD);
        }
        host
    }

    fn send(&mut self, tender: &mut Tender<'_>, number: usize) {
        let person = one_of_many(tender.cast, number);
        let bid = first_bid(tender, &person, 900_000 - number as u64);
        let record = bid.record.to_file().expect("a file");
        let uploads = "/v1/tenders/t1/uploads";
        assert_eq!(self.line.ask("POST", uploads, &record), 201);
        let upload = format!("{uploads}/{}", bid.record.commitment(&INTL));
        for (number, block) in bid.file.chunks(1 << 20).enumerate() {
            let path = format!("{upload}/blocks/{number}");
            assert_eq!(self.line.ask("PUT", &path, block), 204);
        }
        assert_eq!(self.line.ask("POST", &upload, b""), 202);
    }

    /// Nanoseconds from the request to the last byte of the answer.
    fn time(&mut self, path: &str) -> u64 {
        if self.line.asked >= ON_ONE_LINE {
            self.line = Line::to(self.running.address);
        }
        let start = Instant::now();
        let status = self.line.ask("GET", path, b"");
        let took = start.elapsed().as_nanos();
        assert!([200, 401, 404].contains(&status), "{path}: {status}");
        u64::try_from(took).expect("in range")
    }

    fn end(self) {
        self.running.stop();
        fs::remove_dir_all(&self.folder).expect("removed");
    }
}

/// One connection that stays.
struct Line {
    out: TcpStream,
    back: BufReader<TcpStream>,
    asked: usize,
}

impl Line {
    fn to(address: SocketAddr) -> Self {
        let out = TcpStream::connect(address).expect("connected");
        out.set_nodelay(true).expect("a stream");
        let back = BufReader::new(out.try_clone().expect("a stream"));
        Line {
            out,
            back,
            asked: 0,
        }
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> u16 {
        self.asked += 1;
        let len = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len}\r\n\r\n");
        self.out
            .write_all(&[head.as_bytes(), body].concat())
            .expect("sent");
        let (mut status, mut len) = (0, 0);
        loop {
            let mut line = String::new();
            self.back.read_line(&mut line).expect("an answer");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().expect("a status");
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                len = rest.parse().expect("a length");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut said = vec![0; len];
        self.back.read_exact(&mut said).expect("an answer");
        status
    }
}
