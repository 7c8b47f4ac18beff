//! The packs that come with the program.

use super::{Date, Pack, Pin, Regime};
use crate::Error;
use std::sync::OnceLock;

/// Their bytes, oldest first.
const FILES: [&str; 5] = [
    include_str!("../../packs/cn-gov-2022-07.json"),
    include_str!("../../packs/cn-gov-2026-01.json"),
    include_str!("../../packs/cn-gov-2026-02.json"),
    include_str!("../../packs/cn-gov-2026-10.json"),
    include_str!("../../packs/cn-tender-2022-07.json"),
];

/// The shipped packs, procurement before tendering, oldest first.
pub fn packs() -> &'static [Pack] {
    static PACKS: OnceLock<Vec<Pack>> = OnceLock::new();
    PACKS.get_or_init(|| {
        let read = |text: &&str| Pack::parse(text.as_bytes());
        let packs: Result<Vec<Pack>, Error> = FILES.iter().map(read).collect();
        packs.expect("the files are part of the program, and a test reads them")
    })
}

/// The newest shipped pack of a regime.
pub fn latest(regime: Regime) -> &'static Pack {
    let mine = packs().iter().rev().find(|pack| pack.regime() == regime);
    mine.expect("a pack of each regime is shipped, and a test says so")
}

/// The shipped pack of a regime that holds in a region (GB/T 2260) on a day; the narrowest region,
/// then the newest.
///
/// # Errors
/// [`Error::NoPack`] for a day or region that no pack covers: nothing is assumed.
pub fn find(regime: Regime, region: &str, day: &Date) -> Result<&'static Pack, Error> {
    let whole = |pack: &Pack| pack.regions().iter().any(|code| code == "000000");
    let holds = |pack: &&Pack| pack.regime() == regime && pack.applies(region, day);
    let narrow_and_new = |pack: &&Pack| (!whole(pack), pack.from().clone());
    let best = packs().iter().filter(holds).max_by_key(narrow_and_new);
    best.ok_or_else(|| Error::NoPack {
        what: format!("{region} on {day}"),
    })
}

/// The shipped pack that a notice pins.
///
/// # Errors
/// [`Error::NoPack`] if none has that id and digest.
pub fn pinned(pin: &Pin) -> Result<&'static Pack, Error> {
    packs()
        .iter()
        .find(|pack| pack.is(pin))
        .ok_or_else(|| Error::NoPack {
            what: format!("{} with digest {}", pin.id, pin.digest),
        })
}
