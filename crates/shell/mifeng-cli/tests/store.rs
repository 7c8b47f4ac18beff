//! The backup drill by hand: copy, lose a byte, check, restore.
#![allow(clippy::panic)] // A failed expectation, with what the command said.

use mifeng::Store;
use mifeng::crypto::INTL;
use mifeng_server::{Clock, SystemClock};
use mifeng_store::Directory;
use mifeng_testkit::world::{Cast, Kind, Memory, Tender, notice, secs};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit code, and what was said.
fn mifeng(folder: &Path, args: &[&str]) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .args(["--lang", "en", "store"])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the command");
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.code().expect("an exit code"),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Any command, which must end well; what it said.
fn done(folder: &Path, line: &str) -> String {
    done_in("en", folder, line)
}

fn done_in(lang: &str, folder: &Path, line: &str) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .args(["--lang", lang, "--pin-file", "pin"])
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .expect("the command");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{line}: {said}");
    said
}

#[test]
fn a_tender_that_begins_in_a_database() {
    let path = std::env::temp_dir().join(format!("mifeng-cli-db-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder");
    let folder = Folder(path);
    let run = |line: &str| done(&folder.0, line);
    std::fs::write(folder.0.join("pin"), "1234").expect("written");
    run("ca init --ca ca --suite intl --name Test");
    run("ca issue --ca ca --kind host --name Host --out platform");
    let db = "--db sqlite:records.sqlite";
    run(&format!(
        "tender init --host T1 {db} --id platform --suite intl --origin host.example/t/T1 --trust ca/root.cer"
    ));
    run(&format!(
        "tender crl --host T1 {db} --id platform ca/ca.crl"
    ));
    run(&format!("host backup {db} --tender T1 a.tar"));
    let said = run(&format!("host check {db} --tender T1"));
    assert!(
        said.contains("host.example/t/T1 (running): 1 entries"),
        "{said}"
    );
    run("host restore --host again a.tar");
    run("tender export --host again --id platform --out folder.tar");
    run(&format!(
        "tender export --host T1 {db} --id platform --out database.tar"
    ));
    let read = |name: &str| std::fs::read(folder.0.join(name)).expect("read");
    assert!(read("folder.tar") == read("database.tar"));
}

/// A tender with three bids, in `host` below the folder.
fn host(folder: &Path) {
    made(&Cast::new(&INTL, "store"), folder);
}

fn made<'c>(cast: &'c Cast, folder: &Path) -> Tender<'c> {
    let store: Box<dyn Store> = Box::new(Directory::open(&folder.join("host")).expect("a folder"));
    let roots = std::slice::from_ref(&cast.root);
    let mut tender = Tender::unpublished_in(cast, "host.example/t/cli", roots, Memory::over(store));
    let notice = notice(cast, tender.host.state(), Kind::Board);
    tender.publish(&notice).expect("published");
    tender.receive(3);
    tender.beat(31);
    tender
}

/// Two lines of a journal, as one chain.
fn journal() -> Vec<u8> {
    let mut journal = mifeng_access::Journal::default();
    let at = mifeng::crypto::Time::from_unix_seconds(1);
    for act in ["bid.own", "opened.read"] {
        journal.note(None, act, "access.sign-in", "open", at);
    }
    let (lines, _) = journal.take_due(at, true).lines(Default::default());
    lines.join(&b'\n').into_iter().chain([b'\n']).collect()
}

#[test]
fn what_was_refused_is_in_the_copy() {
    let path = std::env::temp_dir().join(format!("mifeng-cli-beside-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder");
    let folder = Folder(path);
    let run = |args: &[&str]| mifeng(&folder.0, args);
    let good = |args: &[&str]| {
        let (exit, said) = run(args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    };
    let own = |name: &str| folder.0.join(name);
    host(&folder.0);
    std::fs::create_dir_all(own(".work/host")).expect("a folder");
    std::fs::write(own(".work/host/journal"), journal()).expect("written");
    let lines = "0 records of grants, 2 lines in the journal of refusals";
    assert!(good(&["check", "--host", "host"]).contains(lines));
    good(&["backup", "--host", "host", "a.tar"]);
    // Into another folder, a database and a folder of many tenders; each gives the same copy again.
    let places: [&[&str]; 3] = [
        &["--host", "new"],
        &["--db", "sqlite:records.sqlite", "--tender", "one"],
        &["--db", "house", "--tender", "one"],
    ];
    for (turn, place) in places.into_iter().enumerate() {
        let said = good(&[&["restore"], place, &["a.tar"]].concat());
        assert!(said.contains(lines), "{said}");
        assert!(good(&[&["check"], place].concat()).contains(lines));
        let copy = format!("{turn}.tar");
        good(&[&["backup"], place, &[&*copy]].concat());
        let read = |name: &str| std::fs::read(own(name)).expect("read");
        assert!(read("a.tar") == read(&copy), "{place:?}");
    }
    for kept in [".work/new/journal", "house/.work/one/journal"] {
        assert_eq!(std::fs::read(own(kept)).expect("a journal"), journal());
    }
    // A byte of it is found out, in the folder and in the copy.
    let mut bytes = journal();
    bytes[20] ^= 1;
    std::fs::write(own(".work/new/journal"), &bytes).expect("written");
    let (exit, said) = run(&["check", "--host", "new"]);
    assert!(exit == 1 && said.contains("journal, line"), "{exit} {said}");
    let mut tar = std::fs::read(own("a.tar")).expect("read");
    let part = &journal()[..60];
    let at = tar.windows(60).position(|bytes| bytes == part);
    tar[at.expect("it is in it") + 20] ^= 1;
    std::fs::write(own("bad.tar"), &tar).expect("written");
    let (exit, said) = run(&["restore", "--host", "other", "bad.tar"]);
    assert!(
        exit == 3 && said.contains("beside/journal"),
        "{exit} {said}"
    );
    assert!(!own("other").exists() && !own(".work/other").exists());

    // A copy of an older version has none of it, is restored, and the command says so.
    let store = Directory::open(&own("host")).expect("a folder");
    let mut old = std::fs::File::create(own("old.tar")).expect("a file");
    mifeng::back_up(&store, &mut old).expect("copied");
    drop(store);
    let said = good(&["restore", "--host", "older", "old.tar"]);
    assert!(said.contains("without grants and journal"), "{said}");
    assert!(!own(".work/older").exists());
}

/// An entry of the list of grants.
fn granted(tender: &Tender<'_>, kind: &str, data: &serde_json::Value) -> (String, Vec<u8>) {
    let record = tender.signed(&tender.cast.buyer, kind, data, 40);
    let id = record.body_digest(INTL.hash()).to_string();
    let mut line = format!("{} ", secs(40).as_unix_nanos()).into_bytes();
    line.extend(record.to_file().expect("a file"));
    line.push(b'\n');
    (id, line)
}

#[test]
fn grants_that_were_ended_after_the_copy_are_told() {
    let path = std::env::temp_dir().join(format!("mifeng-cli-granted-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder");
    let folder = Folder(path);
    let own = |name: &str| folder.0.join(name);
    let good = |args: &[&str]| {
        let (exit, said) = mifeng(&folder.0, args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    };
    let cast = Cast::new(&INTL, "store");
    let now = SystemClock.now();
    let until = now.plus_millis(86_400_000);
    let to = cast.bidders[0].fingerprint(&INTL);
    let (id, line, end) = {
        let tender = made(&cast, &folder.0);
        let given =
            serde_json::json!({"to": to, "actions": ["opened.read"], "from": now, "until": until});
        let (id, line) = granted(&tender, "access.delegate", &given);
        let end = serde_json::json!({ "grant": id });
        (id, line, granted(&tender, "access.revoke", &end).1)
    };
    std::fs::create_dir_all(own(".work/host")).expect("a folder");
    std::fs::write(own(".work/host/grants"), &line).expect("written");
    let torn = [&journal()[..], b"{\"half"].concat();
    std::fs::write(own(".work/host/journal"), &torn).expect("written");
    // A line that is cut off is found, and stays for whoever looks into it.
    let (exit, said) = mifeng(&folder.0, &["check", "--host", "host"]);
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains("its last line is cut off"), "{said}");
    good(&["backup", "--host", "host", "a.tar"]);
    assert!(std::fs::read(own(".work/host/journal")).expect("read") == torn);
    use std::os::unix::fs::PermissionsExt;
    let mode = |name: &str| {
        let found = std::fs::metadata(own(name)).expect("there");
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("a.tar"), 0o600);

    // The end came after the copy, and all of it is lost but the copy.
    let said = good(&["restore", "--host", "new", "a.tar"]);
    let command =
        format!("mifeng grant revoke --host URL --origin host.example/t/cli --id FOLDER {id}");
    for part in [
        "ended since count again",
        &command,
        &to.to_string(),
        &until.to_string(),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let zh = done_in("zh", &folder.0, "store restore --host other a.tar");
    assert!(
        zh.contains("此后撤销的授权重新有效") && zh.contains(&command),
        "{zh}"
    );
    assert_eq!(mode(".work/new/grants"), 0o600);
    // Where the end is there it counts, and a restore has nothing to tell.
    std::fs::create_dir_all(own(".work/kept")).expect("a folder");
    std::fs::write(own(".work/kept/grants"), [line, end].concat()).expect("written");
    let said = good(&["restore", "--host", "kept", "a.tar"]);
    assert!(
        !said.contains("count again") && !said.contains(&id),
        "{said}"
    );
    assert!(!good(&["check", "--host", "new"]).contains("count again"));
}

#[test]
fn backup_restore_and_check() {
    let path = std::env::temp_dir().join(format!("mifeng-cli-store-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder");
    let folder = Folder(path);
    let run = |args: &[&str]| mifeng(&folder.0, args);
    let good = |args: &[&str]| {
        let (exit, said) = run(args);
        assert_eq!(exit, 0, "{args:?}: {said}");
        said
    };
    host(&folder.0);
    let said = good(&["check", "--host", "host"]);
    assert!(said.contains("3 sealed bids"), "{said}");
    good(&["backup", "--host", "host", "a.tar"]);
    let said = good(&["backup", "--host", "host", "b.tar"]);
    assert!(
        said.contains("not in it: the host's keys") && said.contains("sessions"),
        "{said}"
    );
    // The one good copy may be the one that is there.
    std::fs::write(folder.0.join("kept.tar"), "kept").expect("written");
    let (exit, said) = run(&["backup", "--host", "host", "kept.tar"]);
    assert!(exit == 2 && said.contains("--force"), "{exit} {said}");
    let kept = || std::fs::read(folder.0.join("kept.tar")).expect("read");
    assert_eq!(kept(), b"kept");
    good(&["backup", "--host", "host", "--force", "kept.tar"]);
    assert_ne!(kept(), b"kept");
    let tar = std::fs::read(folder.0.join("a.tar")).expect("read");
    assert!(std::fs::read(folder.0.join("b.tar")).expect("read") == tar);

    let sqlite = ["--db", "sqlite:here/records.sqlite", "--tender", "one"];
    let with = |first: &'static str, last: &[&'static str]| [&[first], &sqlite[..], last].concat();
    let said = good(&with("restore", &["a.tar"]));
    assert!(
        said.contains("restored") && said.contains("3 sealed bids"),
        "{said}"
    );
    let (exit, said) = run(&with("restore", &["a.tar"]));
    assert!(
        exit == 3 && said.contains("nothing was changed"),
        "{exit} {said}"
    );
    good(&with("check", &[]));
    good(&with("backup", &["c.tar"]));
    assert!(std::fs::read(folder.0.join("c.tar")).expect("read") == tar);

    // A byte of a copy, and one of a store.
    let mut bad = tar.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(folder.0.join("bad.tar"), &bad).expect("written");
    let (exit, said) = run(&["restore", "--host", "new", "bad.tar"]);
    assert_eq!(exit, 3, "{said}");
    assert!(!folder.0.join("new").exists(), "nothing was begun");
    let seals = std::fs::read_dir(folder.0.join("host/seal")).expect("bids");
    let seal = seals.map(|entry| entry.expect("an entry").path()).next();
    let seal = seal.expect("a bid");
    let mut bytes = std::fs::read(&seal).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&seal, bytes).expect("written");
    let (exit, said) = run(&["check", "--host", "host"]);
    let name = seal
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(exit == 1 && said.contains(&name), "{exit} {said}");

    let (exit, said) = run(&["check", "--host", "none"]);
    assert!(exit != 0 && !folder.0.join("none").exists(), "{said}");
    let (exit, said) = run(&["check", "--db", "mysql://x", "--tender", "one"]);
    assert!(exit == 2 && said.contains("expected"), "{exit} {said}");
    let secret = "postgres://me:secret@127.0.0.1/x";
    let (exit, said) = run(&["check", "--db", secret, "--blobs", "b", "--tender", "one"]);
    assert!(exit == 2 && said.contains("password-file"), "{exit} {said}");
    let (exit, said) = run(&[
        "check",
        "--db",
        "postgres://me@127.0.0.1:1/x",
        "--blobs",
        "b",
        "--tender",
        "one",
    ]);
    assert!(exit == 4 && said.contains("PostgreSQL"), "{exit} {said}");
}
