//! After the close hall and trustee's desk tell what the opening waits for: cosignatures of the close, and a time stamp.

mod common;

use common::*;
use mifeng::Store;
use mifeng::crypto::INTL;

/// What hall and desk say, in this language.
fn pages(host: &Served, lang: &str) -> [String; 2] {
    ["hall/now", "trustee"].map(|page| host.get(&format!("/t/t1/{page}?lang={lang}")).text())
}

#[test]
fn after_the_close_the_pages_tell_what_the_opening_waits_for() {
    let cast = Cast::new(&INTL, "waits");
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(3);
    let host = Served::new(&tender, "waits", "waits");
    for text in pages(&host, "en") {
        assert!(!text.contains("The opening waits for"), "{text}");
        assert!(!text.contains("<strong>time stamp</strong>"), "{text}");
    }
    tender.close(secs(DEADLINE)).expect("closed");
    let mut host = Served::new(&tender, "waits", "waits");
    host.at(DEADLINE + 1);
    let [hall, desk] = pages(&host, "en");
    let both = "The opening waits for: witnesses&#39; cosignatures of the close (0 of 2); a time stamp from after the deadline (none yet)";
    assert!(hall.contains(both), "{hall}");
    assert!(
        desk.contains("none yet: without it nobody may release"),
        "{desk}"
    );
    assert!(desk.contains("--tsa http://AUTHORITY"), "{desk}");
    let [hall, desk] = pages(&host, "zh");
    assert!(
        hall.contains("开标等待：见证人共签截标记录（0/2）；截止时间之后的时间戳（尚无）"),
        "{hall}"
    );
    assert!(desk.contains("尚无：没有它不能释放"), "{desk}");

    // Two are enough.
    for (number, waits) in [
        (0, "（1/2）"),
        (1, "开标等待：截止时间之后的时间戳（尚无）"),
    ] {
        tender.cosign_by(number, DEADLINE + 1);
        let heads = tender.store.list("log/heads/").expect("in memory");
        let note = tender
            .store
            .read(&heads[0].0)
            .expect("in memory")
            .expect("a note");
        let taken = host.post("/v1/tenders/t1/cosignatures", &note);
        assert!(taken.status < 300, "{}", taken.text());
        let [hall, _] = pages(&host, "zh");
        assert!(hall.contains(waits), "{hall}");
    }
    // A stamp of before the deadline is one over this head all the same.
    for (at, waits) in [(DEADLINE - 1, true), (DEADLINE + 1, false)] {
        let taken = host.post("/v1/tenders/t1/stamps", &tender.stamped(at));
        assert!(taken.status < 300, "{}", taken.text());
        let [hall, desk] = pages(&host, "zh");
        assert_eq!(hall.contains("开标等待"), waits, "{hall}");
        assert_eq!(desk.contains("尚无：没有它不能释放"), waits, "{desk}");
    }
    // What it knows does not go with the process.
    host.restart();
    host.at(DEADLINE + 3);
    let [hall, desk] = pages(&host, "en");
    assert!(!hall.contains("The opening waits for"), "{hall}");
    assert!(
        desk.contains("<strong>cosignatures</strong> 2 of 2"),
        "{desk}"
    );
}
