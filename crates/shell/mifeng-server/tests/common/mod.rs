//! A house on loopback over a made world, and a caller that says exactly what it is told to.
#![allow(dead_code, unused_imports, unreachable_pub)] // Each test uses its part.

use mifeng::Receipt;
pub mod anchored;
pub mod balanced;
pub mod replica;
pub mod statements;

use anchored::AnchorPlace;

use mifeng::crypto::{Suite, Time};
use mifeng_server::{House, Log, ManualClock, Running};
pub use mifeng_testkit::world::*;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A published tender, the house that serves a copy of it as `t1`, and its clock.
pub struct Served {
    pub suite: &'static Suite,
    pub seed: &'static str,
    pub store: Memory,
    pub folder: PathBuf,
    pub clock: Arc<ManualClock>,
    pub house: Arc<House>,
    pub running: Option<Running>,
    pub address: SocketAddr,
    /// The anchor log, where the cast's tenders name one.
    pub anchors: Option<AnchorPlace>,
    pub log: Log,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }
}

impl Served {
    pub fn new(tender: &Tender<'_>, seed: &'static str, name: &str) -> Self {
        Served::logged((tender, seed), name, Log::off())
    }

    /// One that says what it does.
    pub fn logged((tender, seed): (&Tender<'_>, &'static str), name: &str, log: Log) -> Self {
        let folder =
            std::env::temp_dir().join(format!("mifeng-http-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("t1")).expect("a folder");
        let clock = Arc::new(ManualClock::new(secs(2)));
        let (suite, store) = (tender.cast.suite, tender.store.copied());
        let anchors = tender.cast.is_anchored.then(AnchorPlace::default);
        let places = (&*folder, anchors.as_ref());
        let (house, running) = start((suite, seed), &store, places, &clock, &log);
        Served {
            anchors,
            suite,
            seed,
            store,
            folder,
            clock,
            house,
            address: running.address,
            running: Some(running),
            log,
        }
    }

    /// The process ends and starts again over the same files.
    pub fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let (house, running) = start(
            (self.suite, self.seed),
            &self.store,
            (&self.folder, self.anchors.as_ref()),
            &self.clock,
            &self.log,
        );
        (self.house, self.address) = (house, running.address);
        self.running = Some(running);
    }

    /// Turns the clock to `at` seconds, and waits until what is due is done.
    pub fn at(&self, at: i64) {
        self.turn(secs(at));
    }

    pub fn turn(&self, time: Time) {
        self.clock.set(time);
        self.wake();
    }

    /// Waits until what is due is done.
    pub fn wake(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let done = runtime.expect("a runtime").block_on(self.house.wake());
        done.expect("writers that work");
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, &[], body)
    }

    /// From another address of this machine.
    pub fn post_from(&self, from: [u8; 4], path: &str, body: &[u8]) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let connect = async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((from, 0)))?;
            socket.connect(self.address).await?.into_std()
        };
        let stream = runtime.and_then(|own| own.block_on(connect));
        let stream = stream.expect("connected");
        stream.set_nonblocking(false).expect("a stream");
        let (host, length) = (self.address, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        exchange(stream, &[head.as_bytes(), body].concat(), false)
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = body.len();
        head += &format!("content-length: {length}\r\nconnection: close\r\n\r\n");
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// These bytes, and whatever comes back until the end.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        self.spoken(bytes, false)
    }

    /// These bytes and no more, though more was announced.
    pub fn cut(&self, bytes: &[u8]) -> Answer {
        self.spoken(bytes, true)
    }

    fn spoken(&self, bytes: &[u8], end: bool) -> Answer {
        let stream = TcpStream::connect(self.address).expect("connected");
        exchange(stream, bytes, end)
    }

    /// Sends a sealed bid: record, blocks, the end. The answer to the end.
    pub fn send(&self, bid: &Sealed) -> Answer {
        let begun = self.begin(bid);
        assert_eq!(begun.status, 201, "{}", begun.text());
        let record = begun.json()["record"].as_str().expect("a name").to_owned();
        for (number, block) in bid.file.chunks(1 << 20).enumerate() {
            let path = format!("/v1/tenders/t1/uploads/{record}/blocks/{number}");
            assert_eq!(self.ask("PUT", &path, &[], block).status, 204);
        }
        self.post(&format!("/v1/tenders/t1/uploads/{record}"), b"")
    }

    pub fn begin(&self, bid: &Sealed) -> Answer {
        let record = bid.record.to_file().expect("a file");
        self.post("/v1/tenders/t1/uploads", &record)
    }

    /// The receipt of a record that waited.
    pub fn receipt(&self, waiting: &Answer) -> Option<Receipt> {
        let record = waiting.json()["record"].as_str()?.to_owned();
        let answer = self.get(&format!("/v1/tenders/t1/receipts/{record}"));
        Receipt::from_file(&answer.body).ok()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn exchange(mut stream: TcpStream, bytes: &[u8], end: bool) -> Answer {
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("a timeout");
    // A host that refuses early stops reading.
    let _ = stream.write_all(bytes);
    if end {
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut came = Vec::new();
    let _ = stream.read_to_end(&mut came);
    parse(&came)
}

fn start(
    (suite, seed): (&'static Suite, &'static str),
    store: &Memory,
    (folder, anchors): (&std::path::Path, Option<&AnchorPlace>),
    clock: &Arc<ManualClock>,
    log: &Log,
) -> (Arc<House>, Running) {
    let mut opening = |_: &std::path::Path| -> mifeng_server::Opening<Memory> {
        let store = store.clone();
        Box::new(move |_| {
            let keys = keys(&Cast::new(suite, seed));
            Ok(mifeng_server::Opened::Ready(store.clone(), keys))
        })
    };
    let mut house = House::open(folder, clock.clone(), &mut opening).expect("a house");
    if let Some(anchors) = anchors {
        anchors.keep(&mut house, suite);
    }
    let house = Arc::new(house);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let log = log.clone();
    let running = mifeng_server::start(Arc::clone(&house), listener, None, None, Vec::new(), log);
    (house, running.expect("listening"))
}

fn parse(came: &[u8]) -> Answer {
    let end = came.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Answer {
            status: 0,
            headers: Vec::new(),
            body: came.to_vec(),
        };
    };
    let head = String::from_utf8_lossy(&came[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut body = came[end + 4..].to_vec();
    if headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked")
    {
        body = unchunked(&body);
    }
    Answer {
        status: status.and_then(|text| text.parse().ok()).unwrap_or(0),
        headers,
        body,
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(line) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..line]).unwrap_or("0");
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let from = line + 2;
        if size == 0 || bytes.len() < from + size + 2 {
            break;
        }
        out.extend_from_slice(&bytes[from..from + size]);
        bytes = &bytes[from + size + 2..];
    }
    out
}

/// Where a log is written that a test reads.
#[derive(Clone, Default)]
pub struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    pub fn log(&self) -> Log {
        let out = Box::new(self.clone());
        Log::start(mifeng_server::Form::Json, out).expect("a log")
    }

    /// All that was written, each line an object.
    pub fn all(&self) -> Vec<serde_json::Value> {
        let bytes = self.0.lock().expect("sound").clone();
        let text = String::from_utf8(bytes).expect("text");
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("objects")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("sound").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
