//! A host over any store, with working files of its own.

use super::*;
use mifeng::crypto::INTL;
use mifeng::{AnchorMemory, Backup, Error, Store, back_up};
use mifeng_server::{Opened, Opening};
use mifeng_store::{Access, Fault, Lists, Place};
use mifeng_testkit::servers::Folder;
use std::io::Cursor;
use std::time::Instant;

pub const SEED: &str = "replicas";
pub const TENDER: &str = "/v1/tenders/t1";
/// How people address all replicas.
pub const PUBLIC: &str = "host.example";
/// A crashed writer's lease ends after 15 seconds; a busy machine needs longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host over a database, with working files of its own.
pub struct Replica {
    pub served: Served,
    pub _work: Folder,
}

/// The opening that the command has, with the cast's keys.
fn opening(place: &Place) -> Opening<Box<dyn Store>> {
    let place = place.clone().for_one_writer().expect("a number");
    Box::new(move |access| match place.open_as("t1", access) {
        Ok(store) => Ok(Opened::Ready(store, keys(&Cast::new(&INTL, SEED)))),
        Err(e) if matches!(Fault::of(&e), Some(Fault::Held { .. })) => Ok(Opened::Held),
        Err(e) => Err(Error::Unavailable {
            what: "t1".to_owned(),
            detail: e.to_string(),
        }),
    })
}

pub fn replica(place: &Place, clock: &Arc<ManualClock>) -> Replica {
    assert_eq!(place.tenders().expect("tenders"), ["t1"]);
    // A folder has none: then they are the replica's own.
    replica_of(clock, place.lists().ok(), &mut |_| opening(place))
}

/// The same over whatever is opened, with lists of its own unless some are shared.
pub fn replica_of<S: Store + 'static>(
    clock: &Arc<ManualClock>,
    lists: Option<Arc<dyn Lists>>,
    opening: &mut dyn FnMut(&str) -> Opening<S>,
) -> Replica {
    let work = Folder::new("replica");
    let house = house_of(&work, clock, lists, opening);
    serve(house, clock, work)
}

fn house_of<S: Store + 'static>(
    work: &Folder,
    clock: &Arc<ManualClock>,
    lists: Option<Arc<dyn Lists>>,
    opening: &mut dyn FnMut(&str) -> Opening<S>,
) -> House {
    let own = || {
        let db = format!("sqlite:{}", work.join("lists"));
        Place::parse(&db, None).and_then(|place| place.lists())
    };
    let lists = lists.unwrap_or_else(|| own().expect("lists"));
    let house = House::of(&work.0, &["t1".to_owned()], lists, clock.clone(), opening);
    house.expect("a house")
}

/// One whose anchor log is in the database too.
pub fn anchored_replica(place: &Place, clock: &Arc<ManualClock>) -> Replica {
    let work = Folder::new("replica");
    let lists = place.lists().expect("lists");
    let mut house = house_of(&work, clock, Some(lists), &mut |_| opening(place));
    let cast = anchored::anchored(&INTL, SEED);
    let (key, place) = (cast.anchor().expect("named"), place.clone());
    let place = place.for_one_writer().expect("a number");
    let opening = move |access, before: &mut Option<AnchorMemory>| match place
        .open_as("anchor.intl-1", access)
    {
        Ok(store) => {
            let key = cast.anchor_key();
            let log = match (access, before.take()) {
                (Access::Write, None) => {
                    mifeng::AnchorLog::begin(store, &INTL, anchored::ORIGIN, key)
                }
                (_, before) => {
                    let own: (&'static Suite, &str) = (&INTL, anchored::ORIGIN);
                    mifeng::AnchorLog::open_again(store, own, key, before)
                }
            };
            log.map(Some)
        }
        Err(e) if matches!(Fault::of(&e), Some(Fault::Held { .. })) => Ok(None),
        Err(e) => Err(Error::Unavailable {
            what: "anchor log".to_owned(),
            detail: e.to_string(),
        }),
    };
    let kept = house.keep_anchors(&INTL, key, Box::new(opening));
    kept.expect("a keeper");
    serve(house, clock, work)
}

fn serve(house: House, clock: &Arc<ManualClock>, work: Folder) -> Replica {
    let house = Arc::new(house);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let notify = mifeng_server::Log::off();
    // Its own address, and the name of the balancer before all of them.
    let address = listener.local_addr().expect("an address");
    let names = vec![address.to_string(), PUBLIC.to_owned()];
    let running: Running = mifeng_server::start(
        Arc::clone(&house),
        listener,
        None,
        None,
        names,
        notify.clone(),
    )
    .expect("listening");
    let served = Served {
        log: notify.clone(),
        suite: &INTL,
        seed: SEED,
        store: Memory::default(),
        folder: work.0.join("none"),
        clock: Arc::clone(clock),
        house,
        address: running.address,
        running: Some(running),
        anchors: None,
    };
    Replica {
        served,
        _work: work,
    }
}

/// A published tender, copied into the database.
pub fn keep(tender: &Tender<'_>, place: &Place) {
    let mut tar = Vec::new();
    back_up(&tender.store, &mut tar).expect("copied");
    let backup = Backup::open(Cursor::new(tar)).expect("a backup");
    let mut store = place.open("t1").expect("a place");
    backup.restore(&mut *store).expect("restored");
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn writes(host: &Served) -> bool {
    let up = "mifeng_writer_up{tender=\"t1\"} 1";
    host.get("/metrics").text().contains(up)
}
