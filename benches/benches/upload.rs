//! A large sealed bid sent to a real host over HTTP on loopback, from its first block until it waits for its beat: read,
//! hashed, durable. Beside it: the same bytes written to a file on the same disk, hashed with the suite's hash as the seal
//! does it, and synced, on one thread.

use benches::{Table, Unit};
use mifeng::crypto::{GM, INTL, Suite};
use mifeng::envelope::{BLOCK, RootHasher};
use mifeng_server::{House, ManualClock, Opened, Opening, Running};
use mifeng_store::Directory;
use mifeng_testkit::world::{Cast, Kind, Sealed, Tender, keys, large, secs};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const SEED: &str = "bench upload";
const TENDER: &str = "/v1/tenders/t1";
/// Turns of which the best counts: each has a host of its own.
const TURNS: usize = 5;

fn main() {
    let mut table = Table::new("upload");
    let (size, turns) = (table.size(256 << 20, 3 << 20), table.size(TURNS, 1));
    for suite in [&GM, &INTL] {
        run(&mut table, suite, size, turns);
    }
    table.print();
}

fn run(table: &mut Table, suite: &'static Suite, size: usize, turns: usize) {
    let cast = Cast::new(suite, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let bid = large(&mut tender, 0, size);
    // The folder of the build, as `/tmp` may be memory.
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("upload-{}", std::process::id()));
    let (mut ours, mut bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..turns {
        let host = Served::new(&tender, suite, &folder);
        ours = ours.min(host.time(&bid, suite));
        host.end();
        bare = bare.min(written(suite, &folder, &bid.file));
        fs::remove_dir_all(&folder).expect("removed");
    }
    table.timed(
        &format!("{}, {} MB", suite.id(), bid.file.len() / 1_000_000),
        Unit::Bytes(bid.file.len()),
        ours,
        &[("written, hashed, synced", bare)],
    );
}

/// Seconds of the bare work.
fn written(suite: &Suite, folder: &Path, bytes: &[u8]) -> f64 {
    let start = Instant::now();
    let mut file = fs::File::create(folder.join("bare")).expect("a file");
    let mut hasher = RootHasher::new(suite.hash(), 1);
    for block in bytes.chunks(BLOCK) {
        hasher.update(block).expect("hashed");
        file.write_all(block).expect("written");
    }
    benches::good(hasher.finish());
    file.sync_data().expect("synced");
    start.elapsed().as_secs_f64()
}

/// A host over a copy of a tender, on a disk.
struct Served {
    running: Running,
    folder: PathBuf,
}

impl Served {
    fn new(tender: &Tender<'_>, suite: &'static Suite, folder: &Path) -> Self {
        let _ = fs::remove_dir_all(folder);
        for (name, content) in tender.store.files().iter() {
            let path = folder.join("t1").join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
            fs::write(path, content).expect("written");
        }
        let mut opening = |path: &Path| -> Opening<Directory> {
            let path = path.to_owned();
            Box::new(move |_| {
                let store = Directory::open(&path).expect("a folder");
                Ok(Opened::Ready(store, keys(&Cast::new(suite, SEED))))
            })
        };
        let clock = Arc::new(ManualClock::new(secs(3)));
        let house = House::open(folder, clock, &mut opening).expect("a house");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let log = mifeng_server::Log::off();
        let running = mifeng_server::start(Arc::new(house), listener, None, None, Vec::new(), log);
        Served {
            running: running.expect("listening"),
            folder: folder.to_owned(),
        }
    }

    /// Seconds until the bid waits for its beat; the host has it then under its name in the store.
    fn time(&self, bid: &Sealed, suite: &Suite) -> f64 {
        let mut line = Line::to(&self.running);
        let record = bid.record.to_file().expect("a file");
        let (status, _) = line.ask("POST", &format!("{TENDER}/uploads"), &record);
        assert_eq!(status, 201);
        let upload = format!("{TENDER}/uploads/{}", bid.record.commitment(suite));
        let start = Instant::now();
        for (number, block) in bid.file.chunks(BLOCK).enumerate() {
            let (status, _) = line.ask("PUT", &format!("{upload}/blocks/{number}"), block);
            assert_eq!(status, 204);
        }
        let (status, said) = line.ask("POST", &upload, b"");
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(status, 202, "{}", String::from_utf8_lossy(&said));
        let kept = self.folder.join(format!("t1/seal/{}.bid", bid.id));
        assert_eq!(
            fs::metadata(kept).expect("kept").len(),
            bid.file.len() as u64
        );
        seconds
    }

    fn end(self) {
        self.running.stop();
    }
}

/// One connection that stays.
struct Line {
    out: TcpStream,
    back: BufReader<TcpStream>,
}

impl Line {
    fn to(running: &Running) -> Self {
        let out = TcpStream::connect(running.address).expect("connected");
        out.set_nodelay(true).expect("a stream");
        let back = BufReader::new(out.try_clone().expect("a stream"));
        Line { out, back }
    }

    fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.out.write_all(head.as_bytes()).expect("sent");
        self.out.write_all(body).expect("sent");
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
        (status, said)
    }
}
