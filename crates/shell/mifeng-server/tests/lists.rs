//! Lists that are cut off, put back to an older state or broken while replicas run on them.

mod common;

use common::balanced::*;
use common::replica::*;
use common::statements::*;
use common::*;
use mifeng::crypto::{INTL, Suite};
use mifeng_access::check_journal;
use mifeng_server::{House, ManualClock, Opened};
use mifeng_store::{Entry, Lists, Place};
use mifeng_testkit::servers::Folder;
use serde_json::json;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

fn read(lists: &dyn Lists, list: &str) -> Vec<Entry> {
    lists.read("t1", list, 0).expect("a list")
}

/// Puts the list back to what it was when it had `kept` entries, as a database that is restored does.
fn put_back(lists: &dyn Lists, list: &str, kept: usize) {
    let mut entries = read(lists, list);
    let last = entries.last().expect("an entry").clone();
    entries.truncate(kept);
    let entries: Vec<Vec<u8>> = entries.into_iter().map(|(_, entry)| entry).collect();
    let aside = lists.set_aside("t1", list, &last, &entries);
    assert!(aside.expect("put back").is_some());
}

/// Lists whose answers are lost, or come late.
struct Unsure {
    lists: Arc<dyn Lists>,
    /// The answer to the next lines of a journal is lost.
    loses: AtomicBool,
    /// The journal cannot be read the next time.
    is_away: AtomicBool,
    /// Whoever asks waits until this is over.
    hangs: AtomicBool,
}

impl Unsure {
    fn over(place: &Place) -> Arc<Self> {
        Arc::new(Unsure {
            lists: place.lists().expect("lists"),
            loses: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        })
    }
}

impl Lists for Unsure {
    fn read(&self, tender: &str, list: &str, from: u64) -> io::Result<Vec<Entry>> {
        let begun = Instant::now();
        while self.hangs.load(SeqCst) && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let lost = self.loses.load(SeqCst);
        match list == "journal" && !lost && self.is_away.swap(false, SeqCst) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => self.lists.read(tender, list, from),
        }
    }

    fn add(&self, tender: &str, list: &str, at: u64, entries: &[Vec<u8>]) -> io::Result<bool> {
        let added = self.lists.add(tender, list, at, entries);
        match list == "journal" && self.loses.swap(false, SeqCst) {
            true => Err(io::ErrorKind::ConnectionReset.into()),
            false => added,
        }
    }

    fn cut(&self, tender: &str, list: &str, below: u64) -> io::Result<()> {
        self.lists.cut(tender, list, below)
    }

    fn set_aside(
        &self,
        tender: &str,
        list: &str,
        seen: &Entry,
        first: &[Vec<u8>],
    ) -> io::Result<Option<String>> {
        self.lists.set_aside(tender, list, seen, first)
    }
}

fn house_over(lists: &Arc<Unsure>, names: &[&str], work: &Folder, store: &Memory) -> Served {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let clock = Arc::new(ManualClock::new(secs(2)));
    let mut opening = |_: &str| -> mifeng_server::Opening<Memory> {
        let store = store.copied();
        Box::new(move |_| Ok(Opened::Ready(store.clone(), keys(&Cast::new(&INTL, SEED)))))
    };
    let lists: Arc<dyn Lists> = lists.clone();
    let house = House::of(&work.0, &names, lists, clock.clone(), &mut opening);
    let house = Arc::new(house.expect("a house"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let quiet = mifeng_server::Log::off();
    let running = mifeng_server::start(Arc::clone(&house), listener, None, None, Vec::new(), quiet);
    let running = running.expect("listening");
    Served {
        suite: &INTL,
        seed: SEED,
        store: Memory::default(),
        folder: work.0.join("none"),
        clock,
        house,
        address: running.address,
        running: Some(running),
        anchors: None,
        log: mifeng_server::Log::off(),
    }
}

/// A database that restarts loses the answer, and the question that follows it.
#[test]
fn lines_whose_answer_was_lost_are_written_once() {
    for is_away in [false, true] {
        let folder = Folder::new("lists-unsure");
        let db = format!("sqlite:{}", folder.join("lists"));
        let lists = Unsure::over(&Place::parse(&db, None).expect("a place"));
        let cast = Cast::new(&INTL, SEED);
        let tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let host = house_over(&lists, &["t1"], &folder, &tender.store);
        let own = host.house.tender("t1").expect("a tender");
        let refused = || assert_eq!(host.get(&format!("{TENDER}/own")).status, 401);
        refused();
        lists.is_away.store(is_away, SeqCst);
        lists.loses.store(true, SeqCst);
        assert_eq!(own.write_journal(secs(100)).is_err(), is_away);
        assert!(!lists.loses.load(SeqCst) && !lists.is_away.load(SeqCst));
        own.write_journal(secs(200)).expect("nothing more");
        let of_own = || {
            let lines = read(&*lists, "journal").into_iter();
            let lines = lines.map(|(_, line)| String::from_utf8_lossy(&line).into_owned());
            let is_own =
                |line: &String| line.contains("bid.own") && line.contains("access.sign-in");
            lines.filter(is_own).collect::<Vec<_>>()
        };
        assert_eq!(of_own().len(), 1, "{:?}", of_own());
        // The next ones follow.
        refused();
        own.write_journal(secs(300)).expect("written");
        assert_eq!(of_own().len(), 2, "{:?}", of_own());
        let lines = read(&*lists, "journal").into_iter().map(|(_, line)| line);
        let text = [lines.collect::<Vec<_>>().join(&b'\n'), b"\n".to_vec()].concat();
        assert!(check_journal(&text).is_ok());
    }
}

#[test]
fn lists_that_do_not_answer_leave_threads_for_the_rest() {
    const TENDERS: usize = 12;
    let folder = Folder::new("lists-hang");
    let db = format!("sqlite:{}", folder.join("lists"));
    let lists = Unsure::over(&Place::parse(&db, None).expect("a place"));
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let names: Vec<String> = (0..TENDERS).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let host = house_over(&lists, &names, &folder, &tender.store);
    let signed_in = |name: &&str| {
        let path = format!("/v1/tenders/{name}/sign-in");
        let given = host.post(&format!("{path}/challenge"), b"");
        let data = given.json()["challenge"].clone();
        let said = file(&signed(&tender, &cast.agency, "access.sign-in", &data, 2));
        let begun = host.post(&path, &said).json();
        format!("Bearer {}", begun["token"].as_str().expect("a token"))
    };
    let tokens: Vec<String> = names.iter().map(signed_in).collect();
    let who = |number: usize| {
        let path = format!("/v1/tenders/{}/sign-in", names[number]);
        let headers = [("authorization", &*tokens[number])];
        host.ask("GET", &path, &headers, b"").status
    };
    assert!((0..TENDERS).all(|number| who(number) == 200));
    lists.hangs.store(true, SeqCst);
    let said = std::thread::scope(|threads| {
        let (tell, told) = std::sync::mpsc::channel();
        for number in 0..TENDERS {
            let (tell, who) = (tell.clone(), &who);
            threads.spawn(move || tell.send(who(number)));
        }
        // Those who found no place are told so while the others wait.
        let refused: Vec<u16> = (0..TENDERS - 8)
            .filter_map(|_| told.recv_timeout(Duration::from_secs(20)).ok())
            .collect();
        lists.hangs.store(false, SeqCst);
        let rest: Vec<u16> = (0..8).filter_map(|_| told.recv().ok()).collect();
        (refused, rest)
    });
    assert_eq!(said, (vec![503; TENDERS - 8], vec![200; 8]));
    assert!((0..TENDERS).all(|number| who(number) == 200));
}

fn cut_off(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, place);
    // Each replica has its own clock, and they differ by a little.
    let clocks = [2, 3].map(|at| Arc::new(ManualClock::new(secs(at))));
    let [a, b] = [0, 1].map(|number: usize| replica(place, &clocks[number]));
    let (first, second) = (&a.served, &b.served);
    let at = |seconds: i64| {
        clocks[0].set(secs(seconds));
        clocks[1].set(secs(seconds + 1));
    };
    let over = token(&tender, (first, second), &cast.buyer, 2);
    at(6_000);
    // Signed out long before it would be over.
    let ended = token(&tender, (first, second), &cast.agency, 6_000);
    assert_eq!((status(second, &ended), status(second, &over)), (200, 200));
    // From here on the second one looks at nothing, while the first one has so many that the list is cut.
    let goodbye = ask(first, "DELETE", "sign-in", Some(&ended), b"").status;
    assert_eq!(goodbye, 204);
    let mut live = String::new();
    for turn in 0..70 {
        at(2 + 7_000 + turn * 10);
        let person = &cast.bidders[usize::try_from(turn).expect("small") % cast.bidders.len()];
        live = token(&tender, (first, first), person, 7_002 + turn * 10);
    }
    let lists = place.lists().expect("lists");
    let left = read(&*lists, "sessions");
    assert!(left.len() < 70 && left[0].0 > 1, "{} left", left.len());
    let seen = [&ended, &over, &live].map(|token| status(second, token));
    assert_eq!(seen, [401, 401, 200]);
    assert_eq!(status(first, &live), 200);
}

/// A database that fails over to an older copy of itself.
fn rolled_back(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    tender.draw(101);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(200)));
    let (a, b) = (replica(place, &clock), replica(place, &clock));
    let both = [&a.served, &b.served];
    let lists = place.lists().expect("lists");
    let tokens: Vec<String> = (0..3)
        .map(|_| token(&tender, (both[0], both[1]), &cast.agency, 200))
        .collect();
    let seen = |token: &str| both.map(|host| status(host, token));
    for token in &tokens {
        assert_eq!(seen(token), [200, 200]);
    }
    put_back(&*lists, "sessions", 2);
    // Something else stands at the number that both had read.
    let other = token(&tender, (both[1], both[0]), &cast.buyer, 200);
    assert_eq!(seen(&tokens[2]), [401, 401]);
    for token in [&tokens[0], &tokens[1], &other] {
        assert_eq!(seen(token), [200, 200]);
    }
    // A grant that the list has no more is none.
    let helper = token(&tender, (both[0], both[1]), &cast.bidders[2], 200);
    let delegate = |from: i64| {
        let to = cast.bidders[2].fingerprint(Suite::by_id("intl-1").expect("a suite"));
        json!({
            "to": to, "actions": ["opened.read"], "from": secs(from), "until": secs(4_000),
        })
    };
    let path = format!("opened/{LOT}/nobody/x");
    let may = || ask(both[0], "GET", &path, Some(&helper), b"").code();
    assert_eq!(may(), "access.not-own");
    for from in [150, 190] {
        let word = signed(
            &tender,
            &cast.buyer,
            "access.delegate",
            &delegate(from),
            200,
        );
        let given = ask(both[0], "POST", "grants", None, &file(&word));
        assert_eq!(given.status, 204, "{}", given.text());
    }
    assert_eq!(may(), "access.no-file");
    put_back(&*lists, "grants", 0);
    assert_eq!(may(), "access.not-own");
}

fn broken(place: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(2)));
    let (mut a, b) = (replica(place, &clock), replica(place, &clock));
    let lists = place.lists().expect("lists");
    let refused = |host: &Served| assert_eq!(ask(host, "GET", "sheets", None, b"").status, 401);
    let write = |replica: &Replica| {
        let tender = replica.served.house.tender("t1").expect("a tender");
        tender.write_journal(secs(2)).expect("written");
    };
    let lines = || -> Vec<u8> {
        let lines = read(&*lists, "journal").into_iter();
        lines
            .flat_map(|(_, line)| [line, b"\n".to_vec()].concat())
            .collect()
    };
    for replica in [&a, &b] {
        refused(&replica.served);
        write(replica);
    }
    assert_eq!(read(&*lists, "journal").len(), 2);
    check_journal(&lines()).expect("one chain");
    // A line that is none of theirs; the first replica starts anew and sets all of it aside.
    assert!(
        lists
            .add("t1", "journal", 2, &[b"{}".to_vec()])
            .expect("added")
    );
    assert!(check_journal(&lines()).is_err());
    stop(&mut a);
    drop(a);
    let a = replica(place, &clock);
    let first = String::from_utf8(lines()).expect("text");
    assert!(first.contains("access.journal-broken") && read(&*lists, "journal").len() == 1);
    assert_eq!(read(&*lists, "journal.broken-1").len(), 3);
    // The other one, which had read the broken one, goes on with the new one.
    for replica in [&b, &a, &b] {
        refused(&replica.served);
        write(replica);
    }
    assert_eq!(read(&*lists, "journal").len(), 4);
    check_journal(&lines()).expect("one chain");
    assert!(
        lists
            .read("t1", "journal.broken-2", 0)
            .expect("a list")
            .is_empty()
    );
}

#[test]
fn what_was_cut_off_is_over_for_who_did_not_look() {
    on_sqlite("lists-cut", &cut_off);
}

#[test]
fn what_a_list_says_no_more_counts_nowhere() {
    on_sqlite("lists-back", &rolled_back);
    on_postgres("lists-back-postgres", &rolled_back);
}

#[test]
fn a_broken_journal_is_set_aside_under_a_running_replica() {
    on_sqlite("lists-broken", &broken);
    on_postgres("lists-broken-postgres", &broken);
}

#[test]
fn nobody_signs_in_while_the_clock_is_in_doubt_or_without_end() {
    on_sqlite("lists-doubt", &|place| {
        let cast = Cast::new(&INTL, SEED);
        let tender = Tender::new(&cast, "host/t/1", Kind::Board);
        keep(&tender, place);
        let clock = Arc::new(ManualClock::new(secs(3)));
        let one = replica(place, &clock);
        let host = &one.served;
        for _ in 0..64 {
            let _ = token(&tender, (host, host), &cast.bidders[0], 3);
        }
        let statement = |person: &Person| {
            let said = signed(&tender, person, "access.sign-in", &challenge(host), 3);
            file(&said)
        };
        let hasty = sign_in(host, &statement(&cast.bidders[0]));
        assert_eq!(
            (hasty.status, hasty.code()),
            (429, "http.too-often".to_owned())
        );
        // Nobody else is kept out by that.
        let other = statement(&cast.bidders[1]);
        assert_eq!(sign_in(host, &other).status, 201);
        // The same statement, after the clock went back.
        clock.jump(secs(-3_600));
        until("the clock is in doubt", || {
            let no = sign_in(host, &other);
            (no.status, no.code()) == (503, "system.unavailable".to_owned())
        });
        clock.jump(secs(3));
        until("it is trusted again", || {
            sign_in(host, &other).code() == "access.challenge-used"
        });
    });
}
