//! A crowd of strangers: it has the places that are there for it, and nothing that the writers need.
//!
//! One test: it changes the limits of its own process.

mod common;

use common::*;
use mifeng::crypto::INTL;
use nix::sys::resource::{Resource, setrlimit};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Room for twenty connections beside what is kept for one tender.
const LIMIT: u64 = mifeng_server::DESCRIPTORS_KEPT
    + 2 * mifeng_server::BLOCKING_MAX as u64
    + mifeng_server::DESCRIPTORS_OF_TENDER
    + 40;

fn connect(host: &Served) -> TcpStream {
    let stream = TcpStream::connect(host.address).expect("connected");
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("a timeout");
    stream
}

/// Statuses of requests for these paths, all sent at once on one connection.
fn statuses(host: &Served, paths: &[&str]) -> Vec<u16> {
    let mut stream = connect(host);
    let mut sending = stream.try_clone().expect("a second handle");
    let request = |path: &str, end: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\n{end}\r\n");
    let (last, others) = paths.split_last().expect("a path");
    let mut asked: String = others.iter().map(|path| request(path, "")).collect();
    asked += &request(last, "connection: close\r\n");
    let sender = std::thread::spawn(move || {
        let _ = sending.write_all(asked.as_bytes());
    });
    let mut came = Vec::new();
    let _ = stream.read_to_end(&mut came);
    sender.join().expect("sent");
    let text = String::from_utf8_lossy(&came);
    let found = text.match_indices("HTTP/1.1 ");
    found
        .filter_map(|(at, mark)| text.get(at + mark.len()..)?.get(..3)?.parse().ok())
        .collect()
}

#[test]
fn a_crowd_takes_nothing_from_the_writers() {
    setrlimit(Resource::RLIMIT_NOFILE, LIMIT, LIMIT).expect("a lower limit");
    let cast = Cast::new(&INTL, "crowd");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let host = Served::new(&tender, "crowd", "crowd");
    let bid = tender.seal(0, 900_000, 3);
    let waiting = host.send(&bid);
    assert_eq!(waiting.status, 202, "{}", waiting.text());

    // More than there are places: those beyond wait outside, and hold no descriptor of the host.
    let crowd: Vec<TcpStream> = (0..60).map(|_| connect(&host)).collect();
    std::thread::sleep(Duration::from_millis(200));
    let files: Vec<File> = (0..128)
        .map(|_| File::open("/dev/null").expect("a descriptor"))
        .collect();
    host.at(FIRST_BEAT);
    drop(files);
    drop(crowd);
    let receipt = host.receipt(&waiting).expect("a receipt");
    let _ = receipt.verify(&bid.record, &tender.bundle().replay);

    // Whoever asks again and again is told to wait; who waits for a receipt is not.
    let pages = statuses(&host, &["/healthz"; 4_000]);
    assert_eq!(pages.len(), 4_000);
    let waits = pages.iter().filter(|status| **status == 429).count();
    let reserve = mifeng_server::READS_RESERVE as usize;
    assert!(waits > 0 && waits <= 4_000 - reserve, "{waits}");
    assert!(pages.iter().all(|status| [200, 429].contains(status)));
    let zeros = "0".repeat(64);
    let path = format!("/v1/tenders/t1/receipts/{zeros}");
    let receipts = statuses(&host, &vec![&*path; 4_000]);
    assert_eq!(receipts, vec![404; 4_000]);
    assert_eq!(host.get("/healthz").status, 200);
}
