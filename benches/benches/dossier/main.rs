//! A dossier of 1,000 bids of a MiB verified, beside the bare work inside; and 2,000 bids taken into one
//! beat on a disk.
//!
//!     cargo bench -p benches --bench dossier               # both
//!     cargo bench -p benches --bench dossier -- verify     # one of: verify append
//!     cargo bench -p benches --bench dossier -- verify gm-1

mod append;
mod bare;
mod world;

use benches::{Table, Unit, good};
use mifeng::crypto::{GM, INTL, Suite};
use mifeng::{Tar, Trusted};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let suites = [&GM, &INTL];
    let of = |suite: &&Suite| asked.iter().any(|word| *word == suite.id());
    let any_suite = !suites.iter().any(of);
    let any_part = asked
        .iter()
        .all(|word| suites.iter().any(|suite| *word == suite.id()));
    let wanted = |part: &str| any_part || asked.iter().any(|word| *word == part);
    let mut table = Table::new("dossier");
    for suite in suites {
        if wanted("verify") && (any_suite || of(&suite)) {
            verify(&mut table, suite);
        }
    }
    let records = table.size(2_000, 20);
    if wanted("append") {
        append::run(&INTL, records);
    }
    table.print();
}

fn verify(table: &mut Table, suite: &'static Suite) {
    let bids = table.size(1_000, 3);
    let dossier = world::dossier(suite, bids);
    let files = Tar::of_bytes(dossier.as_slice()).expect("a dossier");
    let bare = bare::Bare::new(suite, &dossier, bids);
    table.job(
        &format!("{} verify, {bids} bids of 1 MiB", suite.id()),
        Unit::Time,
        &mut || {
            let report = mifeng::verify(&files, &Trusted::default()).expect("in memory");
            assert!(report.is_valid(), "{:?}", report.failure());
        },
        &mut [
            ("bare work, all cores", &mut || bare.all()),
            ("of it: hash", &mut || bare.hash()),
            ("of it: decrypt", &mut || bare.decrypt()),
            ("of it: signatures", &mut || bare.signatures()),
            ("replay alone", &mut || {
                good(mifeng::Replay::of(&files).map(|_| ()))
            }),
        ],
    );
}
