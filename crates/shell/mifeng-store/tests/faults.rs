//! Databases that break, and writers that lose their place: clear errors, nothing acknowledged lost, nothing half there.
#![allow(clippy::panic)] // A failed expectation, with the store it is about.

mod common;

use common::{Folder, Kept, Postgres, code, large, places};
use mifeng::{Store, Write};
use mifeng_store::{Access, INLINE_MAX, Place};
use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn databases() -> impl Iterator<Item = Kept> {
    places().into_iter().filter(Kept::is_database)
}

#[test]
fn who_is_taken_over_writes_nothing() {
    for kept in databases().filter(Kept::is_postgres) {
        let mut old = kept.open("t");
        old.write("x", &mut &b"old"[..]).expect("written");
        let mut new = kept.open_as("t", Access::TakeOver);
        let body = large(1);
        assert_eq!(
            code(old.write("x", &mut &b"lost"[..])),
            "store.lost",
            "{}",
            kept.name
        );
        assert_eq!(code(old.append("log", 0, b"lost")), "store.broken");
        assert_eq!(code(old.write("y", &mut &body[..])), "store.broken");
        new.write("z", &mut &b"new"[..]).expect("written");
        assert_eq!(new.read("x").expect("read").as_deref(), Some(&b"old"[..]));
        let names: Vec<String> = new
            .list("")
            .expect("listed")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, ["x", "z"], "{}", kept.name);
        // The one that was taken over goes away: the new one keeps its place all the same.
        drop(old);
        assert_eq!(code(kept.place.open("t")), "store.held");
        new.write("z", &mut &b"newer"[..]).expect("written");
    }
}

#[test]
fn an_upload_that_ends_after_the_place_is_lost_is_nothing() {
    for kept in databases().filter(Kept::is_postgres) {
        let mut old = kept.open("t");
        let body = large(2);
        let place = &kept.place;
        let mut taken = None;
        let said = old.write(
            "x",
            &mut Between(&body, 0, &mut || {
                taken.get_or_insert_with(|| {
                    place.open_as("t", Access::TakeOver).expect("taken over")
                });
            }),
        );
        assert_eq!(code(said), "store.lost", "{}", kept.name);
        let new = taken.expect("asked for");
        assert_eq!(new.read("x").expect("read"), None, "{}", kept.name);
        // The new writer swept before the object came: the old one takes it away.
        let loose = kept.place.examine("t").expect("examined").loose;
        assert!(loose.is_empty(), "{}: {loose:?}", kept.name);
    }
}

#[test]
fn a_writer_that_comes_back_waits_for_no_lease_of_its_own() {
    for kept in databases().filter(Kept::is_postgres) {
        let place = kept.place.clone().for_one_writer().expect("a number");
        let mut first = place.open("t").expect("open");
        first.write("x", &mut &b"1"[..]).expect("written");
        let mut second = place.clone().open("t").expect("the same writer");
        second.write("x", &mut &b"2"[..]).expect("written");
        assert_eq!(code(first.write("x", &mut &b"3"[..])), "store.lost");
        // Another one waits.
        let other = kept.place.clone().for_one_writer().expect("a number");
        assert_eq!(code(other.open("t")), "store.held");
        assert_eq!(code(kept.place.open("t")), "store.held");
    }
}

#[test]
fn a_state_that_is_looked_at_stays_while_others_write() {
    for kept in databases() {
        let mut writer = kept.open("t");
        writer.append("log", 0, b"one").expect("added");
        let state = kept.open_as("t", Access::Snapshot);
        writer.append("log", 3, b"two").expect("added");
        writer.write("later", &mut &b"x"[..]).expect("written");
        let log = state.read("log").expect("read");
        assert_eq!(log.as_deref(), Some(&b"one"[..]), "{}", kept.name);
        assert_eq!(state.list("").expect("listed").len(), 1, "{}", kept.name);
        assert_eq!(kept.place.tenders().expect("listed"), [""; 0]);
        writer.write("head.json", &mut &b"x"[..]).expect("written");
        assert_eq!(kept.place.tenders().expect("listed"), ["t"]);
    }
}

#[test]
fn a_server_that_keeps_its_connection_and_is_silent_ends_the_wait() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: postgres");
        return;
    };
    let (database, folder) = (server.database(), Folder::new("silent"));
    let bodies = folder.join("bodies");
    // A parameter with a space and a plus reaches the server as it is.
    let url = format!(
        "{}&options=-c%20timezone%3DEtc/GMT%2B3",
        server.url(&database)
    );
    let place = Place::parse(&url, Some(&bodies)).expect("a place");
    let mut writer = place.open("t").expect("open");
    writer.append("log", 0, b"one").expect("added");
    let sql = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}'");
    let pid = server.query("postgres", &sql);
    let kill = |signal: &str| {
        let done = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(done.expect("kill").success());
    };
    kill("-STOP");
    let said = writer.append("log", 3, b"two").expect_err("no answer");
    kill("-CONT");
    assert_eq!(said.kind(), io::ErrorKind::TimedOut, "{said}");
    // An answer that comes now is nobody's.
    assert_eq!(code(writer.append("log", 3, b"two")), "store.broken");
    drop(writer);
    let mut again = place.open_as("t", Access::TakeOver).expect("open");
    let log = again.read("log").expect("read").expect("there");
    assert!([&b"one"[..], b"onetwo"].contains(&&log[..]), "{log:?}");
    again.append("log", 3, b"two").expect("added");
}

/// Does something in the middle of what it reads.
struct Between<'a>(&'a [u8], usize, &'a mut dyn FnMut());

impl io::Read for Between<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1 > INLINE_MAX {
            (self.2)();
        }
        let rest = &self.0[self.1..];
        let len = buffer
            .len()
            .min(rest.len())
            .min(INLINE_MAX + 1 - self.1.min(INLINE_MAX));
        buffer[..len].copy_from_slice(&rest[..len]);
        self.1 += len;
        Ok(len)
    }
}

#[test]
fn who_only_reads_sees_what_is_written_and_writes_nothing() {
    for kept in databases() {
        let mut writer = kept.open("t");
        let mut reader = kept.open_as("t", Access::Read);
        writer.write("x", &mut &b"1"[..]).expect("written");
        let body = large(3);
        writer.write("y", &mut &body[..]).expect("written");
        assert_eq!(
            reader.read("x").expect("read").as_deref(),
            Some(&b"1"[..]),
            "{}",
            kept.name
        );
        assert!(
            reader.read("y").expect("read").as_ref() == Some(&body),
            "{}",
            kept.name
        );
        assert_eq!(code(reader.write("x", &mut &b"2"[..])), "store.read-only");
        assert_eq!(code(reader.append("log", 0, b"2")), "store.read-only");
        writer
            .write("x", &mut &b"3"[..])
            .expect("the writer goes on");
    }
}

#[test]
fn a_silent_writer_may_be_replaced_once_its_lease_is_over() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: postgres");
        return;
    };
    let (database, folder) = (server.database(), Folder::new("lease"));
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url(&database), Some(&bodies)).expect("a place");
    let mut silent = place.open("t").expect("open");
    assert_eq!(code(place.open("t")), "store.held");
    server.query(&database, "UPDATE mifeng_tender SET lease_ms = 1");
    let _new = place.open("t").expect("its lease is over");
    assert_eq!(code(silent.write("x", &mut &b"1"[..])), "store.lost");
}

#[test]
fn a_database_that_went_back_is_not_written_to() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: postgres");
        return;
    };
    let (database, folder) = (server.database(), Folder::new("back"));
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url(&database), Some(&bodies)).expect("a place");
    let mut writer = place.open("t").expect("open");
    writer.write("x", &mut &b"1"[..]).expect("written");
    server.query(&database, "UPDATE mifeng_tender SET turn = turn - 1");
    assert_eq!(code(writer.write("x", &mut &b"2"[..])), "store.lost");
    assert_eq!(writer.read("x").expect("read").as_deref(), Some(&b"1"[..]));
}

#[test]
fn tables_of_a_later_version_are_left_alone() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: postgres");
        return;
    };
    let (database, folder) = (server.database(), Folder::new("later"));
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url(&database), Some(&bodies)).expect("a place");
    // Many at once make the tables once.
    std::thread::scope(|scope| {
        for n in 0..6 {
            let place = &place;
            scope.spawn(move || place.open(&format!("t{n}")).map(|_| ()).expect("opened"));
        }
    });
    assert_eq!(
        server.query(&database, "SELECT version FROM mifeng_schema"),
        "2"
    );
    server.query(&database, "UPDATE mifeng_schema SET version = 3");
    assert_eq!(code(place.open("t1")), "store.newer");
}

#[test]
fn a_server_that_may_lose_what_it_acknowledged_is_refused() {
    let Some(server) = Postgres::start() else {
        println!("skipped: postgres");
        return;
    };
    let folder = Folder::new("fsync");
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url("postgres"), Some(&bodies)).expect("a place");
    server.query("postgres", "ALTER SYSTEM SET fsync = off");
    server.query("postgres", "SELECT pg_reload_conf()");
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.query("postgres", "SHOW fsync") != "off" && Instant::now() < deadline {}
    assert_eq!(code(place.open("t")), "store.not-durable");
}

#[test]
fn a_connection_that_is_cut_costs_one_answer_and_no_record() {
    let Some(server) = Postgres::shared() else {
        println!("skipped: postgres");
        return;
    };
    let (database, folder) = (server.database(), Folder::new("cut"));
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url(&database), Some(&bodies)).expect("a place");
    let mut writer = place.open("t").expect("open");
    writer.append("log", 0, b"one").expect("added");
    server.query(
        "postgres",
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        ),
    );
    let said = writer.append("log", 3, b"two").expect_err("cut");
    assert_eq!(said.kind(), io::ErrorKind::ConnectionAborted, "{said}");
    assert_eq!(code(writer.append("log", 3, b"two")), "store.broken");
    assert!(writer.read("log").is_err());
    drop(writer);
    // The lease of the cut writer is still running: its replica comes back by taking over.
    let mut again = place.open_as("t", Access::TakeOver).expect("open");
    assert_eq!(
        again.read("log").expect("read").as_deref(),
        Some(&b"one"[..])
    );
    again.append("log", 3, b"two").expect("added");
}

/// What was acknowledged is there, and nothing but what was sent, in order.
fn check_log(store: &dyn Store, acknowledged: usize, name: &str) -> usize {
    let log = store.read("log").expect("read").unwrap_or_default();
    assert_eq!(log.len() % 8, 0, "{name}: a torn record");
    for (n, record) in log.chunks_exact(8).enumerate() {
        assert_eq!(record, (n as u64).to_be_bytes(), "{name}: record {n}");
    }
    let count = log.len() / 8;
    assert!(
        count >= acknowledged,
        "{name}: {acknowledged} acknowledged, {count} there"
    );
    let files = store.list("f/").expect("listed").len();
    assert_eq!(files, count, "{name}: files and log are one batch");
    count
}

fn add(store: &mut dyn Store, n: usize) -> io::Result<()> {
    let record = (n as u64).to_be_bytes();
    let name = format!("f/{n:06}");
    store.batch(&[
        Write::Put {
            name: &name,
            content: &record,
        },
        Write::Append {
            name: "log",
            at: 8 * n as u64,
            content: &record,
        },
    ])
}

#[test]
fn a_server_that_crashes_keeps_what_it_acknowledged() {
    let Some(server) = Postgres::start() else {
        println!("skipped: postgres");
        return;
    };
    let folder = Folder::new("crash");
    let bodies = folder.join("bodies");
    let place = Place::parse(&server.url("postgres"), Some(&bodies)).expect("a place");
    let mut count = 0;
    for round in 0..4_usize {
        let mut store = place.open_as("t", Access::TakeOver).expect("open");
        count = check_log(&*store, count, "postgres");
        let failed = std::thread::scope(|scope| {
            let server = &server;
            let crash = scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(40 + 30 * round as u64));
                server.crash();
            });
            let failed = loop {
                match add(&mut *store, count) {
                    Ok(()) => count += 1,
                    Err(e) => break e,
                }
            };
            crash.join().expect("crashed");
            failed
        });
        let known = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::NotConnected,
        ];
        assert!(known.contains(&failed.kind()), "{failed}");
        assert_eq!(code(Err::<(), _>(failed)), "store.unavailable");
        assert_eq!(code(place.open("t")), "store.unavailable");
        server.up();
    }
    let store = place.open_as("t", Access::TakeOver).expect("open");
    assert!(check_log(&*store, count, "postgres") > 0);
}

/// Run by the next test as a process of its own.
#[test]
fn child_that_is_killed() {
    let Ok(db) = std::env::var("MIFENG_STORE_CHILD") else {
        return;
    };
    let blobs = std::env::var("MIFENG_STORE_BLOBS").ok();
    let place = Place::parse(&db, blobs.as_deref()).expect("a place");
    let mut store = place.open_as("t", Access::TakeOver).expect("open");
    let mut n = check_log(&*store, 0, "child");
    loop {
        add(&mut *store, n).expect("made");
        n += 1;
        println!("acknowledged {n}");
        let body = large(n as u64);
        store
            .write("incoming.bid", &mut &body[..])
            .expect("written");
    }
}

#[test]
fn a_killed_process_leaves_what_it_acknowledged() {
    for kept in places() {
        let mut count = 0;
        for round in 0..6 {
            let program = std::env::current_exe().expect("this program");
            let mut command = Command::new(program);
            command
                .args(["child_that_is_killed", "--exact", "--nocapture"])
                .env("MIFENG_STORE_CHILD", &kept.db)
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            if let Some(blobs) = &kept.blobs {
                command.env("MIFENG_STORE_BLOBS", blobs);
            }
            let mut child = command.spawn().expect("a process");
            let mut lines = BufReader::new(child.stdout.take().expect("its answers")).lines();
            let enough = count + 2 + round;
            for line in lines.by_ref() {
                let line = line.expect("text");
                if let Some((_, n)) = line.split_once("acknowledged ") {
                    count = n.parse().expect("a number");
                    if count >= enough {
                        break;
                    }
                }
            }
            child.kill().expect("killed");
            child.wait().expect("gone");
            for line in lines.map_while(Result::ok) {
                if let Some((_, n)) = line.split_once("acknowledged ") {
                    count = n.parse().expect("a number");
                }
            }
            assert!(count >= enough, "{}: {count}", kept.name);
            let store = kept.open_as("t", Access::TakeOver);
            count = check_log(&*store, count, kept.name);
            if let Some(body) = store.read("incoming.bid").expect("read") {
                let sent = |n: usize| large(n as u64) == body;
                assert!(sent(count) || sent(count - 1), "{}: a torn body", kept.name);
            }
        }
    }
}
