//! What `panel read` takes from a host: the opened bids that the log names, whole and unchanged, and nothing else.

mod fake;
mod real;
mod seat;

use fake::{Asked, Host};
use mifeng::Export;
use mifeng::crypto::INTL;
use mifeng::tender::Procedure;
use mifeng_server::{Clock, FolderSink, SystemClock};
use mifeng_testkit::world::*;
use real::Real;
use seat::{Seat, said};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};

type Files = BTreeMap<String, Vec<u8>>;

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("mifeng-opened-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Everything below a folder, hidden names too.
fn files_in(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below");
            let content = std::fs::read(&path).expect("read");
            found.insert(name.display().to_string(), content);
        }
    }
    found
}

/// A tender of which three bids are opened: its bundle, and the files as a host has them.
fn opened(cast: &Cast, name: &str) -> (Vec<u8>, Files) {
    opened_of(cast, name, 3)
}

fn opened_of(cast: &Cast, name: &str, bids: usize) -> (Vec<u8>, Files) {
    let mut steps = opening_of(cast, name, bids);
    steps.pop().expect("the last one")
}

/// The same after each bid that was opened.
fn opening_of(cast: &Cast, name: &str, bids: usize) -> Vec<(Vec<u8>, Files)> {
    let mut steps = Vec::new();
    let folder = Folder::new(&format!("{name}-host"));
    let mut tender = Tender::new(cast, "host.example/t/T1", Kind::Board);
    tender.receive(bids);
    tender.close_and_release(Kind::Board);
    for seal in tender.host.state().to_open() {
        let bidder = &tender.host.state().bids()[&seal].seal.context().bidder;
        let sink = FolderSink::new(&folder.0.join(LOT).join(bidder));
        let mut sink = sink.expect("a folder");
        let outcome = tender
            .host
            .open_bid(&seal, &mut sink, secs(100), &mut tender.rng);
        outcome.expect("opened");
        steps.push((tender.tar(Export::Records), files_in(&folder.0)));
    }
    steps
}

/// A host that lists and gives out these files, whatever its log says.
fn host(bundle: &[u8], files: &Files) -> Host {
    growing(&[bundle.to_vec()], files)
}

/// The same, whose log grows each time it is asked for.
fn growing(bundles: &[Vec<u8>], files: &Files) -> Host {
    let (bundles, files) = (bundles.to_vec(), files.clone());
    let address = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&address);
    let host = Host::new(move |asked: &Asked, before| match &*asked.rest {
        "/sign-in/challenge" => {
            let host = own.lock().unwrap_or_else(PoisonError::into_inner);
            let (zeros, suite) = ("0".repeat(64), INTL.id());
            let text = format!(
                r#"{{"origin":"host.example/t/T1","suite":"{suite}","challenge":{{"host":"{host}","nonce":"{zeros}","proof":"{zeros}","expires":"2026-03-01T01:05:00Z"}}}}"#
            );
            (201, text.into_bytes())
        }
        "/sign-in" => {
            let text = r#"{"token":"a1b2","name":"n","roles":[],"expires":"2026-03-01T03:00:00Z"}"#;
            (201, text.as_bytes().to_vec())
        }
        "/bundle" => (200, bundles[before.min(bundles.len() - 1)].clone()),
        "/opened" => {
            let rows = files
                .iter()
                .map(|(path, bytes)| serde_json::json!({ "path": path, "size": bytes.len() }));
            let rows = serde_json::Value::Array(rows.collect());
            (200, rows.to_string().into_bytes())
        }
        rest => {
            let file = files.get(rest.strip_prefix("/opened/").unwrap_or_default());
            let none = br#"{"title":"there is no such file","code":"access.no-file"}"#;
            file.map_or((404, none.to_vec()), |file| (200, file.clone()))
        }
    });
    let name = host.url.trim_start_matches("http://");
    name.trim_end_matches("/t/T1")
        .clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    host
}

fn read(seat: &Seat, lang: &str, url: &str, more: &str) -> Output {
    let line = format!("panel read --out bids {more}");
    let run = seat.command(lang, &line, url).output();
    run.expect("the command runs")
}

/// One lie of a host, and the code and the words that tell of it.
struct Lie {
    name: &'static str,
    files: Files,
    code: &'static str,
    zh: &'static str,
    about: String,
}

fn lies(honest: &Files) -> Vec<Lie> {
    let first = |end: &str| {
        let found = honest.keys().find(|path| path.ends_with(end));
        found.expect("listed").clone()
    };
    let (offer, manifest) = (first("/offer.txt"), first("/manifest.json"));
    let bid = manifest.trim_end_matches("manifest.json").to_owned();
    let changed = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = honest.clone();
        change(files.get_mut(path).expect("there"));
        files
    };
    let with = |path: &str| {
        let mut files = honest.clone();
        files.insert(path.to_owned(), b"more".to_vec());
        files
    };
    let without = |start: &str| {
        let mut files = honest.clone();
        files.retain(|path, _| !path.starts_with(start));
        files
    };
    let lie = |name, files, (code, zh), about: &str| Lie {
        name,
        files,
        code,
        zh,
        about: about.to_owned(),
    };
    let differs = ("opened.differs", "日志所载清单");
    let surplus = ("opened.surplus", "平台列出");
    let missing = ("opened.missing", "平台没有给出");
    let size = ("file.other-size", "平台给出");
    vec![
        lie(
            "a byte",
            changed(&offer, &|bytes| bytes[0] ^= 1),
            differs,
            &offer,
        ),
        lie(
            "longer",
            changed(&offer, &|bytes| bytes.push(0)),
            size,
            &offer,
        ),
        lie(
            "shorter",
            changed(&offer, &|bytes| bytes.truncate(3)),
            size,
            &offer,
        ),
        lie(
            "a price in the manifest",
            changed(&manifest, &|bytes| {
                let text = String::from_utf8(bytes.clone()).expect("JSON");
                *bytes = text.replacen("0000.00", "0000.01", 1).into_bytes();
            }),
            ("opened.differs", "日志 bid.open 所载清单"),
            &manifest,
        ),
        lie(
            "another's bid whole",
            {
                let mut files = without(&bid);
                let other = first_other(honest, &bid);
                for (path, bytes) in honest.range(other.clone()..) {
                    if let Some(name) = path.strip_prefix(&other) {
                        files.insert(format!("{bid}{name}"), bytes.clone());
                    }
                }
                files
            },
            ("opened.differs", "日志 bid.open 所载清单"),
            &manifest,
        ),
        lie("no file", without(&offer), missing, &offer),
        lie("no bid", without(&bid), missing, &manifest),
        lie(
            "a file",
            with(&format!("{bid}more.txt")),
            surplus,
            "more.txt",
        ),
        lie(
            "a bid",
            with("1/913701027654321005/offer.txt"),
            surplus,
            "1/913701027654321005",
        ),
    ]
}

/// The folder of a bid that is not this one.
fn first_other(honest: &Files, bid: &str) -> String {
    let mut others = honest.keys().filter(|path| !path.starts_with(bid));
    let other = others.find(|path| path.ends_with("/manifest.json"));
    let other = other.expect("another bid");
    other.trim_end_matches("manifest.json").to_owned()
}

#[test]
fn what_a_host_changes_adds_or_leaves_out_is_refused_and_not_kept() {
    let cast = Cast::new(&INTL, "opened");
    let (bundle, honest) = opened(&cast, "lies");
    assert_eq!(honest.len(), 6);
    let seat = Seat::person("opened-lies", &cast, &cast.agency);
    for Lie {
        name,
        files,
        code,
        zh,
        about,
    } in lies(&honest)
    {
        let host = host(&bundle, &files);
        for (lang, words) in [("en", code), ("zh", zh)] {
            let out = read(&seat, lang, &host.url, "");
            assert_eq!(out.status.code(), Some(1), "{name}: {}", said(&out));
            for part in [code, words, &*about] {
                assert!(said(&out).contains(part), "{name}, {part}: {}", said(&out));
            }
            // What is there holds, and a bid that does not is not there as one.
            let bids = seat.0.join("bids");
            for (path, bytes) in files_in(&bids) {
                assert_eq!(honest.get(&path), Some(&bytes), "{name}: {path}");
            }
            assert!(!bids.join(&about).is_file(), "{name}");
            let _ = std::fs::remove_dir_all(&bids);
        }
    }
    let host = host(&bundle, &honest);
    let out = read(&seat, "en", &host.url, "");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert_eq!(host.count("GET", "/opened"), 1);
    assert!(files_in(&seat.0.join("bids")) == honest);
}

#[test]
fn what_lies_there_is_overwritten_only_when_told_to_and_only_by_what_holds() {
    let cast = Cast::new(&INTL, "opened");
    let (bundle, honest) = opened(&cast, "force");
    let seat = Seat::person("opened-force", &cast, &cast.agency);
    let offer = honest.keys().find(|path| path.ends_with("/offer.txt"));
    let offer = offer.expect("listed");
    let own = seat.0.join("bids").join(offer);
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("made");
    std::fs::write(&own, "my notes").expect("written");
    let true_host = host(&bundle, &honest);
    let out = read(&seat, "en", &true_host.url, "");
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    assert!(said(&out).contains("--force"), "{}", said(&out));
    assert_eq!(std::fs::read(&own).expect("there"), b"my notes");
    let mut files = honest.clone();
    files.get_mut(offer).expect("there")[0] ^= 1;
    let out = read(&seat, "en", &host(&bundle, &files).url, "--force");
    assert!(said(&out).contains("opened.differs"), "{}", said(&out));
    assert_eq!(std::fs::read(&own).expect("there"), b"my notes");
    let out = read(&seat, "en", &true_host.url, "--force");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(files_in(&seat.0.join("bids")) == honest);
}

#[test]
fn a_bidder_gets_its_own_bid_and_is_told_when_that_is_not_there() {
    let cast = Cast::new(&INTL, "opened");
    let (bundle, honest) = opened(&cast, "own");
    let seat = Seat::person("opened-own", &cast, &cast.bidders[0]);
    let code = bidder_subject(0).uscc.expect("a bidder");
    let of = |own: bool| -> Files {
        let path = |path: &String| path.contains(&code) == own;
        let files = honest.clone().into_iter();
        files.filter(|(name, _)| path(name)).collect()
    };
    let out = read(&seat, "en", &host(&bundle, &of(true)).url, "");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(files_in(&seat.0.join("bids")) == of(true));
    let without = host(&bundle, &of(false));
    let out = read(&seat, "en", &without.url, "--force");
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("opened.missing"), "{}", said(&out));
    // Who asks for what is not listed is in the host's journal of refusals.
    for path in honest.keys() {
        assert_eq!(without.count("GET", &format!("/opened/{path}")), 0);
    }
}

#[test]
fn a_bid_that_is_opened_while_somebody_asks_is_no_surplus() {
    let cast = Cast::new(&INTL, "opened");
    let steps = opening_of(&cast, "growing", 3);
    let [(first, _), (second, two), (third, three)] = &steps[..] else {
        unreachable!("three bids")
    };
    let seat = Seat::person("opened-growing", &cast, &cast.agency);
    // The log has one bid, then the list has two, then the log has three: two are there to be fetched.
    let host = growing(&[first.clone(), third.clone()], two);
    let out = read(&seat, "en", &host.url, "");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(files_in(&seat.0.join("bids")) == *two);
    assert_eq!(host.count("GET", "/bundle"), 2);
    // What the log has not the second time either is too much, what it had before the list is missing from that.
    for (logs, listed, code) in [
        ([second, second], three, "opened.surplus"),
        ([third, third], two, "opened.missing"),
    ] {
        let seat = Seat::person("opened-grown", &cast, &cast.agency);
        let host = growing(&logs.map(Vec::clone), listed);
        let out = read(&seat, "en", &host.url, "");
        assert!(said(&out).contains(code), "{}", said(&out));
    }
}

#[test]
fn a_bidder_gets_its_own_final_offer_from_a_real_host() {
    let now = SystemClock.now();
    let cast = real::cast(now);
    let mut tender = final_offers(&cast);
    let seat = Seat::person("opened-final", &cast, &cast.bidders[0]);
    let host = Real::new("opened-final", &mut tender, now);
    let out = read(&seat, "en", &host.url, "");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let read = files_in(&seat.0.join("bids"));
    let code = bidder_subject(0).uscc.expect("a bidder");
    let offer = |folder: &str| {
        let offer = read.get(&format!("{folder}/{code}/offer.txt"));
        offer.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    assert_eq!(read.len(), 4, "{:?}", read.keys());
    assert_eq!(offer(LOT).as_deref(), Some("offer of 900000"));
    let last = offer(&format!("{LOT}-final"));
    assert_eq!(last.as_deref(), Some("offer of 850000"));
}

/// A consultation, whose three final offers are opened.
fn final_offers(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::unpublished(cast, "host.example/t/T1");
    let mut said = notice(cast, tender.host.state(), Kind::Board);
    lawful(&mut said, Procedure::Consultation);
    tender.publish(&said).expect("lawful");
    for (number, price) in [900_000, 880_000, 860_000].into_iter().enumerate() {
        let at = 12 + 7 * number as i64;
        let bid = tender.seal(number, price, at);
        tender.submit(&bid, secs(at)).expect("on time");
        tender.beat(at);
        tender.bids.push(bid);
    }
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    tender.pass_checks(&seated, 102);
    let round = call(&tender);
    let called = tender.say(&cast.agency, "round.open", &round, 103);
    called.expect("called");
    for (number, price) in [850_000, 840_000, 830_000].into_iter().enumerate() {
        let offer = final_offer(&mut tender, number, price);
        tender.submit(&offer, secs(110)).expect("on time");
    }
    let rng = &mut tender.rng;
    let closed = tender.host.close_round(LOT, secs(ROUND_END), rng);
    closed.expect("closed");
    let over = tender
        .host
        .close_round_window(LOT, secs(ROUND_END + 1), rng);
    over.expect("over");
    tender.witness(ROUND_END + 1);
    for (number, trustee) in cast.trustees.iter().take(2).enumerate() {
        let Bundle { replay, files } = tender.bundle();
        let (secret, at) = (tender.secret(number), ROUND_END + 2);
        let rng = &mut tender.rng;
        let share = mifeng::trustee::release_offers(&replay, &files, LOT, &secret, secs(at), rng);
        let share = share.expect("released");
        let taken = tender.say(&trustee.person, "board.share", &share, at);
        taken.expect("taken");
    }
    for seal in tender.host.state().offers_to_open(LOT) {
        tender.open(&seal, ROUND_END + 3).expect("opened");
    }
    tender
}

/// A final offer of a bidder, signed and ready to hand in.
fn final_offer(tender: &mut Tender<'_>, number: usize, price: u64) -> Sealed {
    let person = &tender.cast.bidders[number];
    let words = mifeng::record::amount::format(i128::from(price) * 100);
    let (file, record) = tender.seal_content(person, (&words, price), Vec::new(), (true, 110));
    let data = mifeng::bidder::offer(LOT, &record);
    let seal = tender.host.state().verify_offer(LOT, &record);
    let id = seal.expect("a good seal").id();
    Sealed {
        record: tender.signed(person, "offer.submit", &data, 110),
        file,
        id,
    }
}

#[test]
fn a_log_that_does_not_extend_the_one_that_was_shown_before_tells_nothing_of_bids() {
    let cast = Cast::new(&INTL, "opened");
    let seat = Seat::person("opened-fork", &cast, &cast.agency);
    for (bids, code, exit) in [(3, "", 0), (4, "log.not-proven", 1)] {
        let (bundle, files) = opened_of(&cast, "fork", bids);
        let out = read(&seat, "en", &host(&bundle, &files).url, "--force");
        assert_eq!(out.status.code(), Some(exit), "{}", said(&out));
        assert!(said(&out).contains(code), "{}", said(&out));
        assert_eq!(files_in(&seat.0.join("bids")).len(), 6);
    }
}

#[test]
fn a_host_that_is_honest_gives_what_the_log_names() {
    let now = SystemClock.now();
    let cast = real::cast(now);
    let mut tender = real::opened(&cast);
    let seat = Seat::person("opened-real", &cast, &cast.agency);
    let host = Real::new("opened", &mut tender, now);
    let out = read(&seat, "en", &host.url, "");
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let (_, honest) = opened(&cast, "real");
    let offers = |files: &Files| -> Vec<Vec<u8>> {
        let offers = files.iter().filter(|(path, _)| path.ends_with("offer.txt"));
        offers.map(|(_, bytes)| bytes.clone()).collect()
    };
    let read = files_in(&seat.0.join("bids"));
    assert_eq!((read.len(), offers(&read)), (6, offers(&honest)));
}
