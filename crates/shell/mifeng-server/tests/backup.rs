//! The restore drill with what lies beside a tender: what was granted and ended counts as it did when the copy was made, an end
//! after it is lost and told, and the journal of refusals is the same chain.

mod common;

use common::balanced::*;
use common::replica::*;
use common::statements::*;
use common::*;
use mifeng::crypto::INTL;
use mifeng::{Backup, Error, back_up, back_up_with};
use mifeng_access::check_journal;
use mifeng_server::{Beside, ManualClock, PutBack};
use mifeng_store::{Access, Lists, Place};
use mifeng_testkit::servers::Folder;
use serde_json::json;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

/// What a file that nobody has says to whoever may look, and to whoever may not.
const MAY: &str = "access.no-file";
const MAY_NOT: &str = "access.not-own";

/// A tender at its opened bids, with which grants are made.
fn opened(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::new(cast, "host/t/1", Kind::Board);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    tender.draw(101);
    tender
}

/// What grants are for: the code by which the host answers this person.
fn code(host: &Served, tender: &Tender<'_>, person: &Person, at: i64) -> String {
    let own = token(tender, (host, host), person, at);
    let path = format!("opened/{LOT}/nobody/x");
    ask(host, "GET", &path, Some(&own), b"").code()
}

/// Two grants by one person each, of which one is ended, and an emergency by two; and a refusal.
fn grant_and_refuse(host: &Served, tender: &Tender<'_>) {
    let cast = tender.cast;
    let say = |person: &Person, kind: &str, data: &serde_json::Value, at: i64| {
        let record = signed(tender, person, kind, data, at);
        let given = ask(host, "POST", "grants", None, &file(&record));
        let expected = match kind {
            "access.emergency" => 200,
            _ => 204,
        };
        assert_eq!(given.status, expected, "{}", given.text());
        record
    };
    let delegate = |to: &Person| {
        json!({
            "to": to.fingerprint(&INTL), "actions": ["opened.read"],
            "from": secs(150), "until": secs(4_000),
        })
    };
    say(
        &cast.buyer,
        "access.delegate",
        &delegate(&cast.bidders[0]),
        200,
    );
    let ended = say(
        &cast.buyer,
        "access.delegate",
        &delegate(&cast.bidders[1]),
        200,
    );
    let revoke = json!({"grant": ended.body_digest(INTL.hash())});
    say(&cast.buyer, "access.revoke", &revoke, 201);
    let emergency = json!({
        "action": "opened.read", "to": cast.platform.fingerprint(&INTL),
        "reason": "席位全部断线", "until": secs(3_000),
    });
    for person in [&cast.agency, &cast.buyer] {
        say(person, "access.emergency", &emergency, 202);
    }
    counts(host, tender, 203);
    let own = host.house.tender("t1").expect("a tender");
    own.write_journal(secs(300)).expect("written");
}

/// What was granted, as the host answers: one counts, one is ended, the emergency counts.
fn counts(host: &Served, tender: &Tender<'_>, at: i64) {
    let cast = tender.cast;
    assert_eq!(code(host, tender, &cast.bidders[0], at), MAY);
    assert_eq!(code(host, tender, &cast.bidders[1], at), MAY_NOT);
    assert_eq!(code(host, tender, &cast.platform, at), MAY);
}

fn entries(lists: &dyn Lists, list: &str) -> Vec<Vec<u8>> {
    let entries = lists.read("t1", list, 0).expect("a list").into_iter();
    entries.map(|(_, entry)| entry).collect()
}

fn lines(lists: &dyn Lists) -> Vec<u8> {
    let lines = entries(lists, "journal").into_iter();
    lines
        .flat_map(|line| [line, b"\n".to_vec()].concat())
        .collect()
}

fn restore(tar: &[u8], place: &Place) -> Result<(), Error> {
    let backup = Backup::open(Cursor::new(tar))?;
    let beside = Beside::new(place.lists().expect("lists"), "t1");
    let mut store = place.open("t1").expect("a place");
    let put = &mut |lists: &[(String, Vec<u8>)]| beside.put_back(lists).map(drop);
    backup.restore_with(&mut *store, put).map(drop)
}

fn drill(place: &Place, fresh: &Place) {
    let cast = Cast::new(&INTL, SEED);
    let tender = opened(&cast);
    keep(&tender, place);
    let clock = Arc::new(ManualClock::new(secs(200)));
    let lists = place.lists().expect("lists");
    let tar = {
        let mut host = replica(place, &clock);
        grant_and_refuse(&host.served, &tender);
        // The host runs on meanwhile.
        let store = place.open_as("t1", Access::Snapshot).expect("a state");
        let beside = Beside::new(Arc::clone(&lists), "t1").copy().expect("lines");
        let mut tar = Vec::new();
        let _ = back_up_with(&*store, &beside, &mut tar).expect("copied");
        stop(&mut host);
        tar
    };
    let own = Backup::open(Cursor::new(&tar)).expect("whole");
    assert_eq!(own.lists(), ["grants", "journal"]);
    // Who has no place for the lists loses none of them without a word.
    let none = own.restore(&mut Memory::default());
    assert!(none.is_err());
    // Nothing by which somebody could sign in stands in it.
    let token_lists = ["key", "sessions"].map(|list| entries(&*lists, list));
    for entry in token_lists.iter().flatten() {
        assert!(!tar.windows(entry.len()).any(|part| part == entry));
    }
    assert!(token_lists.iter().all(|list| !list.is_empty()));

    restore(&tar, fresh).expect("restored");
    let (before, after) = (lists, fresh.lists().expect("lists"));
    let journal = lines(&*after);
    assert!(check_journal(&journal).is_ok());
    assert!(lines(&*before).starts_with(&journal));
    let text = String::from_utf8_lossy(&journal).into_owned();
    assert!(text.contains(MAY_NOT) && text.contains("access.emergency-used"));
    assert_eq!(entries(&*after, "grants"), entries(&*before, "grants"));
    let check = Beside::new(Arc::clone(&after), "t1");
    let check = check.check(&INTL, "host/t/1").expect("looked at");
    assert_eq!((check.grants, check.findings), (5, vec![]));
    let other = [("journal".to_owned(), b"another\n".to_vec())];
    let other = Beside::new(Arc::clone(&after), "t1").put_back(&other);
    let refused = other.map_err(|e| e.to_string()).expect_err("refused");
    let place = "table mifeng_list, tender t1, list journal";
    assert!(refused.contains(place), "{refused}");
    let mut host = replica(fresh, &clock);
    counts(&host.served, &tender, 205);
    let own = host.served.house.tender("t1").expect("a tender");
    own.write_journal(secs(400)).expect("written");
    stop(&mut host);
    // It goes on from the copy's last line, as one chain.
    let longer = lines(&*after);
    assert!(longer.len() > journal.len() && longer.starts_with(&journal));
    assert!(check_journal(&longer).is_ok());
}

#[test]
fn what_was_granted_and_refused_survives_a_restore_on_one_machine() {
    on_sqlite("backup-sqlite", &|place| {
        on_sqlite("backup-sqlite-fresh", &|fresh| drill(place, fresh));
    });
}

#[test]
fn what_was_granted_and_refused_survives_a_restore_on_postgres() {
    on_postgres("backup-postgres", &|place| {
        on_postgres("backup-postgres-fresh", &|fresh| drill(place, fresh));
    });
}

/// The same in a house of folders, with the name by which balancers call it.
#[test]
fn what_was_granted_and_refused_survives_a_restore_in_folders() {
    let cast = Cast::new(&INTL, "backup folders");
    let tender = opened(&cast);
    let mut host = Served::new(&tender, "backup folders", "backup-folders");
    host.clock.set(secs(200));
    let person = |host: &Served, person: &Person, at: i64| {
        let own = bearer(host, &tender, person, at);
        let path = format!("{TENDER}/opened/{LOT}/nobody/x");
        host.ask("GET", &path, &[("authorization", &own)], b"")
            .code()
    };
    let delegate = json!({
        "to": cast.bidders[0].fingerprint(&INTL), "actions": ["opened.read"],
        "from": secs(150), "until": secs(4_000),
    });
    let record = signed(&tender, &cast.buyer, "access.delegate", &delegate, 200);
    let given = host.post(&format!("{TENDER}/grants"), &file(&record));
    assert_eq!(given.status, 204, "{}", given.text());
    assert_eq!(person(&host, &cast.bidders[0], 201), MAY);
    assert_eq!(person(&host, &cast.bidders[1], 201), MAY_NOT);
    host.running.take().expect("it runs").stop();
    let beside = Beside::of_house(&host.folder, "t1").copy().expect("lines");
    let mut tar = Vec::new();
    let _ = back_up_with(&tender.store, &beside, &mut tar).expect("copied");
    let journal = beside.iter().find(|(name, _)| *name == "journal");
    let journal = journal.expect("a journal").1.clone();
    assert!(!journal.is_empty() && check_journal(&journal).is_ok());

    // It is ended after the copy.
    host.restart();
    host.clock.set(secs(202));
    let end = json!({"grant": record.body_digest(INTL.hash())});
    let ended = signed(&tender, &cast.buyer, "access.revoke", &end, 202);
    let taken = host.post(&format!("{TENDER}/grants"), &file(&ended));
    assert_eq!(taken.status, 204, "{}", taken.text());
    assert_eq!(person(&host, &cast.bidders[0], 202), MAY_NOT);
    host.running.take().expect("it runs").stop();
    let running = |house: &Path, at: i64| {
        let beside = Beside::of_house(house, "t1");
        let running = beside.running((&INTL, "host/t/1"), secs(at));
        running.expect("read")
    };
    assert_eq!(running(&host.folder, 203), []);

    // A place in which no host was before.
    let fresh = Folder::new("backup-folders-fresh");
    let house = fresh.0.join("house");
    let put = |tar: &[u8]| {
        let beside = Beside::of_house(&house, "t1");
        let backup = Backup::open(Cursor::new(tar)).expect("whole");
        let mut done = PutBack::default();
        let put = &mut |lists: &[(String, Vec<u8>)]| {
            done = beside.put_back(lists)?;
            Ok(())
        };
        let restored = backup.restore_with(&mut Memory::default(), put);
        restored.map(|_| done)
    };
    assert!(put(&tar).expect("restored").older_grants);
    // Its end came after the copy: it runs again, until it is over.
    let again = running(&house, 203);
    assert_eq!(again.len(), 1);
    let (id, to) = (
        record.body_digest(INTL.hash()),
        cast.bidders[0].fingerprint(&INTL),
    );
    let by = cast.buyer.fingerprint(&INTL);
    assert_eq!((again[0].id, again[0].to, again[0].by), (id, to, by));
    assert_eq!(running(&house, 3_999).len(), 1);
    assert_eq!(running(&house, 4_000), []);
    let own = house.join(".work/t1/journal");
    assert_eq!(std::fs::read(&own).expect("a journal"), journal);
    for (name, own) in [
        (".work", 0o700),
        (".work/t1", 0o700),
        (".work/t1/journal", 0o600),
        (".work/t1/grants", 0o600),
    ] {
        assert_eq!(mode(&house.join(name)), own, "{name}");
    }
    // Lists that go on from the copy's stay as they are: what was ended stays ended.
    let kept = fresh.0.join("kept");
    std::fs::create_dir_all(kept.join(".work/t1")).expect("made");
    for list in ["grants", "journal"] {
        let own = format!(".work/t1/{list}");
        std::fs::copy(host.folder.join(&own), kept.join(&own)).expect("copied");
    }
    let beside = Beside::of_house(&kept, "t1");
    let mut done = PutBack { older_grants: true };
    let put_kept = &mut |lists: &[(String, Vec<u8>)]| {
        done = beside.put_back(lists)?;
        Ok(())
    };
    let backup = Backup::open(Cursor::new(&tar)).expect("whole");
    let restored = backup.restore_with(&mut Memory::default(), put_kept);
    restored.expect("restored");
    assert_eq!((done, running(&kept, 203)), (PutBack::default(), vec![]));

    // A restore that broke off between two lines is done again; what went on after the copy stays.
    let first = journal
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a line")
        + 1;
    for content in [&journal[..first], &[&journal[..], b"more\n"].concat()] {
        std::fs::write(&own, content).expect("written");
        put(&tar).expect("restored");
        let wanted = match content.len() > journal.len() {
            true => content,
            false => &journal[..],
        };
        assert_eq!(std::fs::read(&own).expect("a journal"), wanted);
    }
    // Another one is not written over.
    std::fs::write(&own, b"another\n").expect("written");
    let refused = put(&tar).map_err(|e| e.to_string()).expect_err("refused");
    assert!(
        refused.contains("journal: another one is there"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&own).expect("a journal"), b"another\n");
    std::fs::write(&own, &journal).expect("written");

    // A host over the restored lists: it knows whom to let in.
    let mut again = Served::new(&tender, "backup folders", "backup-folders-again");
    again.running.take().expect("it runs").stop();
    let work = again.folder.join(".work/t1");
    std::fs::remove_dir_all(&work).expect("removed");
    std::fs::create_dir_all(&work).expect("made");
    for list in ["grants", "journal"] {
        std::fs::copy(house.join(".work/t1").join(list), work.join(list)).expect("copied");
    }
    again.clock.set(secs(202));
    again.restart();
    assert_eq!(person(&again, &cast.bidders[0], 202), MAY);
    assert_eq!(person(&again, &cast.bidders[1], 202), MAY_NOT);
}

fn mode(path: &Path) -> u32 {
    let found = std::fs::metadata(path).expect("there");
    found.permissions().mode() & 0o777
}

#[test]
fn all_lists_are_looked_at_before_one_is_put_and_looking_changes_nothing() {
    let folder = Folder::new("backup-looked");
    let beside = Beside::of_house(&folder.0, "t1");
    let work = folder.0.join(".work/t1");
    std::fs::create_dir_all(&work).expect("made");
    // Somebody's own, before any host was here.
    let all = folder.0.join(".work");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&all, open).expect("set");
    let copy = |grants: &str, journal: &str| {
        [("grants", grants), ("journal", journal)]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    };
    let (grants, journal) = (work.join("grants"), work.join("journal"));
    std::fs::write(&journal, "another\n").expect("written");
    // Another one, and one of which an empty copy tells nothing.
    for lines in ["one\n", ""] {
        let refused = beside.put_back(&copy("first\n", lines));
        let refused = refused.map_err(|e| e.to_string()).expect_err("refused");
        assert!(refused.contains("nothing was changed"), "{refused}");
        assert!(
            refused.contains(&journal.display().to_string()),
            "{refused}"
        );
        assert!(!grants.exists());
        assert_eq!(std::fs::read(&journal).expect("there"), b"another\n");
    }
    std::fs::write(&journal, "one\ntw").expect("written");
    let lists = beside.copy().expect("read");
    assert_eq!(lists, [("grants", vec![]), ("journal", b"one\n".to_vec())]);
    let check = beside.check(&INTL, "host/t/1").expect("looked at");
    let is_cut = |(name, why): &(String, String)| name == "journal" && why.contains("cut off");
    assert!(check.findings.iter().any(is_cut), "{:?}", check.findings);
    assert_eq!(std::fs::read(&journal).expect("there"), b"one\ntw");
    // What a restore left that broke off is made whole.
    let put = beside.put_back(&copy("first\n", "one\ntwo\n"));
    assert!(put.expect("put").older_grants);
    assert_eq!(std::fs::read(&journal).expect("there"), b"one\ntwo\n");
    assert_eq!(std::fs::read(&grants).expect("there"), b"first\n");
    assert_eq!((mode(&all), mode(&grants)), (0o755, 0o600));
}

#[test]
fn each_byte_of_the_lists_counts() {
    let cast = Cast::new(&INTL, "backup bytes");
    let tender = Tender::new(&cast, "host/t/1", Kind::Board);
    let mut host = Served::new(&tender, "backup bytes", "backup-bytes");
    let delegate = json!({
        "to": cast.bidders[0].fingerprint(&INTL), "actions": ["opened.read"],
        "from": secs(0), "until": secs(4_000),
    });
    let record = signed(&tender, &cast.buyer, "access.delegate", &delegate, 2);
    let given = host.post(&format!("{TENDER}/grants"), &file(&record));
    assert_eq!(given.status, 204, "{}", given.text());
    for path in ["own", "sheets"] {
        assert_eq!(host.get(&format!("{TENDER}/{path}")).status, 401);
    }
    host.running.take().expect("it runs").stop();
    let beside = Beside::of_house(&host.folder, "t1");
    // Each time as a command does it: whoever has the lists at hand knows the last line.
    let findings = || {
        let beside = Beside::of_house(&host.folder, "t1");
        beside.check(&INTL, "host/t/1").expect("read").findings
    };
    assert_eq!(findings(), []);
    let work = host.folder.join(".work/t1");
    let flip = |list: &str, step: usize, from: usize| {
        let path = work.join(list);
        let whole = std::fs::read(&path).expect("a list");
        // The last line's own bytes are named by none after it.
        let end = match list {
            "journal" => {
                let lines = whole[..whole.len() - 1].iter();
                lines
                    .rev()
                    .position(|byte| *byte == b'\n')
                    .map(|at| whole.len() - 1 - at)
            }
            _ => Some(whole.len()),
        };
        for at in (from..end.expect("two lines")).step_by(step) {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).expect("written");
            let found = findings();
            assert!(
                found.iter().any(|(name, _)| name.starts_with(list)),
                "{list}: byte {at} went unseen"
            );
        }
        std::fs::write(&path, &whole).expect("written");
    };
    flip("journal", 1, 0);
    // The time at which the host took it is the host's own word, and nobody's signature.
    let grants = std::fs::read(work.join("grants")).expect("grants");
    let blank = grants
        .iter()
        .position(|byte| *byte == b' ')
        .expect("a blank");
    flip("grants", 97, blank + 1);
    assert_eq!(findings(), []);

    // And in the backup: each byte of a list is held against its digest before anything is put anywhere.
    let mut tar = Vec::new();
    let lists = beside.copy().expect("lines");
    let _ = back_up_with(&tender.store, &lists, &mut tar).expect("copied");
    let journal = &lists
        .iter()
        .find(|(name, _)| *name == "journal")
        .expect("it")
        .1;
    let at = tar
        .windows(journal.len())
        .position(|part| part == &journal[..]);
    let at = at.expect("it is in it");
    for at in (at..at + journal.len()).step_by(13) {
        tar[at] ^= 1;
        assert!(
            Backup::open(Cursor::new(&tar)).is_err(),
            "byte {at} went unseen"
        );
        tar[at] ^= 1;
    }
    // Lists that nobody knows, or that end in half a line.
    for (name, content) in [
        ("sessions", &b"x\n"[..]),
        ("journal", b"half"),
        ("../x", b"x\n"),
    ] {
        let lists = [(name.to_owned(), content.to_vec())];
        assert!(beside.put_back(&lists).is_err(), "{name}");
    }
    // One of an older version has none, and is restored all the same.
    let mut old = Vec::new();
    let _ = back_up(&tender.store, &mut old).expect("copied");
    let text = String::from_utf8_lossy(&old).into_owned();
    assert!(text.contains("mifeng-backup-1") && !text.contains("beside/"));
    let old = Backup::open(Cursor::new(old)).expect("whole");
    assert_eq!(old.lists(), Vec::<&str>::new());
    old.restore(&mut Memory::default()).expect("restored");
    assert!(String::from_utf8_lossy(&tar).contains("mifeng-backup-2"));
}
