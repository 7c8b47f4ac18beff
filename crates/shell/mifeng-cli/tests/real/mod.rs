//! A real host over loopback, in this process, that goes on today with a tender of the made world.
#![allow(dead_code)] // Each test uses its part.

use mifeng::crypto::{INTL, Time};
use mifeng_server::{House, Log, Opened, Opening, Running, SystemClock};
use mifeng_testkit::world::*;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const SEED: &str = "agent";
const DAY_MS: i64 = 86_400_000;

/// A cast whose certificates hold when a tender of the made world is opened, and a day from `now`.
pub(crate) fn cast(now: Time) -> Cast {
    let mut making = Making::at(START, 4);
    making.validity.not_after = now.plus_millis(DAY_MS);
    Cast::made(&INTL, SEED, &making)
}

/// A tender with its opening record, which nobody else has signed yet.
pub(crate) fn opened(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::new(cast, "host.example/t/T1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    for seal in tender.host.state().to_open() {
        tender.open(&seal, 100).expect("an outcome");
    }
    let minutes = tender.host.state().expected_minutes();
    let minutes = minutes.expect("every outcome");
    let said = tender.say(&cast.agency, "opening.minutes", &minutes, 100);
    said.expect("minutes");
    tender
}

/// A host in this process that goes on with a tender today.
pub(crate) struct Real {
    running: Option<Running>,
    folder: PathBuf,
    pub(crate) url: String,
}

impl Real {
    pub(crate) fn new(name: &str, tender: &mut Tender<'_>, now: Time) -> Self {
        let hour_ago = now.plus_millis(-DAY_MS / 24);
        let list = tender
            .cast
            .ca
            .revocation_list(&[], hour_ago, now.plus_millis(DAY_MS), 2);
        let list = list.expect("a list");
        tender.host.add_crl(&list).expect("taken");
        let folder =
            std::env::temp_dir().join(format!("mifeng-minutes-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("T1")).expect("a folder");
        let store = tender.store.copied();
        let mut opening = |_: &Path| -> Opening<Memory> {
            let store = store.clone();
            Box::new(move |_| Ok(Opened::Ready(store.clone(), keys(&cast(now)))))
        };
        let clock = Arc::new(SystemClock);
        let house = House::open(&folder, clock, &mut opening).expect("a house");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let running = mifeng_server::start(
            Arc::new(house),
            listener,
            None,
            None,
            Vec::new(),
            Log::off(),
        );
        let running = running.expect("listening");
        Real {
            url: format!("http://{}/t/T1", running.address),
            running: Some(running),
            folder,
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
