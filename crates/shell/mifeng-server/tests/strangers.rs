//! Certificates that anybody makes for himself: their records wait in a few places of their own, and bids do not.

mod common;

use common::replica::*;
use common::*;
use mifeng::crypto::INTL;
use mifeng::{ReadSeek, Store, Write};
use mifeng_server::{ManualClock, Opened, STRANGERS_MAX};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

/// More than the lane takes.
const FLOOD: usize = STRANGERS_MAX + 16;

/// A store whose batches wait while somebody holds its gate.
#[derive(Clone)]
struct Gated {
    store: Memory,
    gate: Arc<Mutex<()>>,
    batches: Arc<AtomicUsize>,
}

impl Store for Gated {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.store.read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        self.store.open(name)
    }

    fn write(&mut self, name: &str, content: &mut dyn io::Read) -> io::Result<u64> {
        self.store.write(name, content)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.store.rename(from, to)
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.batch(writes)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        self.store.list(prefix)
    }
}

#[test]
fn a_flood_of_self_made_certificates_keeps_no_bid_out() {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let (gate, batches) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
    let clock = Arc::new(ManualClock::new(secs(2)));
    let Replica {
        served: host,
        _work,
    } = replica_of(&clock, None, &mut |_| {
        let store = Gated {
            store: tender.store.copied(),
            gate: gate.clone(),
            batches: batches.clone(),
        };
        Box::new(move |_| {
            let keys = keys(&Cast::new(&INTL, SEED));
            Ok(Opened::Ready(store.clone(), keys))
        })
    });
    let bid = large(&mut tender, 0, 1_000);
    let begun = host.begin(&bid).json();
    let upload = format!(
        "{TENDER}/uploads/{}",
        begun["record"].as_str().expect("a name")
    );
    for (number, block) in bid.file.chunks(1 << 20).enumerate() {
        let put = host.ask("PUT", &format!("{upload}/blocks/{number}"), &[], block);
        assert_eq!(put.status, 204);
    }
    let stranger = Cast::new(&INTL, "stranger");
    let flood: Vec<Vec<u8>> = (0..FLOOD)
        .map(|n| {
            let data = serde_json::json!({ "number": n });
            let record = tender.signed(&stranger.agency, "bid.withdraw", &data, 2);
            record.to_file().expect("a file")
        })
        .collect();

    let held = gate.lock().expect("nobody panics with it");
    let before = batches.load(Ordering::SeqCst);
    // The writer is busy with the beat; what comes now waits.
    clock.set(secs(FIRST_BEAT));
    until("the beat has begun", || {
        batches.load(Ordering::SeqCst) > before
    });
    let records = format!("{TENDER}/records");
    let (answers, come) = channel();
    std::thread::scope(|scope| {
        for record in &flood {
            let (host, records, answers) = (&host, &records, answers.clone());
            scope.spawn(move || answers.send(host.post(records, record).code()));
        }
        for _ in 0..FLOOD - STRANGERS_MAX {
            let told = come.recv_timeout(std::time::Duration::from_secs(30));
            assert_eq!(told.as_deref(), Ok("system.unavailable"));
        }
        let (host, upload) = (&host, &upload);
        let handing_in = scope.spawn(move || host.post(upload, b""));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!handing_in.is_finished(), "it is in the queue");
        drop(held);
        let waiting = handing_in.join().expect("an answer");
        assert_eq!(waiting.status, 202, "{}", waiting.text());
        host.at(20);
        assert!(host.receipt(&waiting).is_some());
    });
    // Those who had a place were judged.
    drop(answers);
    let judged: Vec<String> = come.iter().collect();
    assert_eq!(judged.len(), STRANGERS_MAX);
    assert!(judged.iter().all(|code| code != "system.unavailable"));
}
