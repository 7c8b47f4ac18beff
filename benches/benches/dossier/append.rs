//! Bids taken into one beat on a disk, every write durable before it is answered.

use super::world;
use mifeng::Host;
use mifeng::crypto::{SeededEntropy, Suite};
use mifeng_store::Directory;
use mifeng_testkit::world::{Cast, FIRST_BEAT, PERIOD, keys, secs};
use std::fs;
use std::time::Instant;

pub(crate) fn run(suite: &'static Suite, count: usize) {
    let cast = Cast::new(suite, "bench append");
    let mut tender = world::published(&cast);
    let bidders = world::bidders(&cast, count);
    let bids: Vec<_> = bidders
        .iter()
        .enumerate()
        .map(|(number, person)| {
            let (file, data) = tender.seal_by(person, 900_000 - number as u64, 12);
            (file, tender.signed(person, "bid.submit", &data, 12))
        })
        .collect();
    // The same host, moved to a disk. (The folder of the build, as `/tmp` may be memory.)
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("append-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    for (name, content) in tender.store.files().iter() {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        fs::write(path, content).expect("written");
    }
    let open = || Host::open(Directory::open(&folder).expect("a folder"), keys(&cast));
    let mut host = open().expect("opens");

    let start = Instant::now();
    for (file, record) in &bids {
        let taken = host.submit(record.clone(), Some(&mut file.as_slice()), secs(12));
        taken.expect("a bid on time");
    }
    let taken = start.elapsed();
    let start = Instant::now();
    let mut rng = SeededEntropy::new(b"append");
    let receipts = host
        .beat(secs(FIRST_BEAT + PERIOD), &mut rng)
        .expect("a beat");
    let committed = start.elapsed();
    assert_eq!(receipts.len(), count);
    drop(host);
    let again = open().expect("opens");
    let kept = again
        .replay()
        .records
        .iter()
        .filter(|r| r.kind == "bid.submit")
        .count();
    assert_eq!(kept, count, "lost");
    drop(again);

    // Bare: as many bytes into one file, one sync.
    let bytes: usize = bids
        .iter()
        .map(|(file, r)| file.len() + r.body.len() + r.signature.len())
        .sum();
    let start = Instant::now();
    let path = folder.join("bare");
    let mut bare = fs::File::create(&path).expect("a file");
    for (file, record) in &bids {
        for part in [file, &record.body, &record.signature] {
            std::io::Write::write_all(&mut bare, part).expect("written");
        }
    }
    bare.sync_all().expect("synced");
    let bare = start.elapsed();
    let _ = fs::remove_dir_all(&folder);
    println!(
        "{} append, {count} bids, {:.0} MB, none lost: taken in {:.2} s, one beat committed with its receipts in {:.2} s; \
         bare write with one sync {:.2} s",
        suite.id(),
        bytes as f64 / 1e6,
        taken.as_secs_f64(),
        committed.as_secs_f64(),
        bare.as_secs_f64()
    );
}
