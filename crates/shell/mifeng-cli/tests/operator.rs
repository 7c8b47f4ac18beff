//! What an operator and the people of a tender get wrong at the command line, and what they are told.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Room {
    fn new(name: &str) -> Self {
        let folder = format!("mifeng-operator-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("house")).expect("a folder");
        std::fs::write(folder.join("pin"), "a passphrase\n").expect("written");
        Room(folder)
    }

    /// With a CA and a host's identity.
    fn of_host(name: &str) -> Self {
        let room = Room::new(name);
        room.done("ca init --ca ca --suite intl --name CA");
        room.done("ca issue --ca ca --kind host --name platform --out platform");
        room
    }

    fn command(&self, lang: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mifeng"));
        command
            .current_dir(&self.0)
            .args(["--lang", lang, "--pin-file", "pin"])
            .args(words)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, lang: &str, words: &[&str]) -> Output {
        let run = self.command(lang, words).output();
        run.expect("the command runs")
    }

    fn done(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let out = self.run("zh", &words);
        assert!(out.status.success(), "{line}: {}", said(&out));
        said(&out)
    }

    /// Refused with this exit code, with these words in Chinese and English; nothing is written.
    fn refused(&self, line: &str, exit: i32, zh: &[&str], en: &[&str]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for (lang, told) in [("zh", zh), ("en", en)] {
            let out = self.run(lang, &words);
            let said = said(&out);
            assert_eq!(out.status.code(), Some(exit), "{line}: {said}");
            for word in told {
                assert!(said.contains(word), "{line}: expected {word:?} in {said}");
            }
            assert!(!self.0.join("out.rec").exists(), "{line}");
        }
    }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned()
}

/// The lines of a log up to the one with these words.
fn heard_until(lines: impl std::io::Read, what: &str) -> String {
    let mut heard = String::new();
    for line in BufReader::new(lines).lines().map_while(Result::ok) {
        heard += &format!("{line}\n");
        if line.contains(what) {
            return heard;
        }
    }
    assert!(heard.contains(what), "expected {what:?} in {heard}");
    heard
}

#[test]
fn a_tender_that_could_not_be_served_is_not_begun_and_one_that_is_there_is_told() {
    let room = Room::of_host("names");
    let rest = "--id platform --suite intl --origin h.example/t/T1 --trust ca/root.cer";
    let long = "T".repeat(65);
    for name in [
        "var/T 3",
        "house/T.3",
        "house/标段",
        "..",
        &format!("house/{long}"),
    ] {
        let mut words = vec!["tender", "init", "--host", name];
        words.extend(rest.split_whitespace());
        for (lang, told) in [
            ("zh", "只能用字母、数字"),
            ("en", "letters, digits, - and _"),
        ] {
            let out = room.run(lang, &words);
            assert_eq!(out.status.code(), Some(2), "{name}: {}", said(&out));
            assert!(said(&out).contains(told), "{}", said(&out));
        }
        assert!(name == ".." || !room.0.join(name).exists(), "{name}");
    }
    room.done(&format!("tender init --host house/T-1_a {rest}"));
    // An anchor log that lies beside the tenders is none.
    room.done("anchor init --id platform --suite intl --origin h.example/anchor --db house");
    // One of before, under a name that has no address; and a folder that holds no tender.
    std::fs::rename(room.0.join("house/T-1_a"), room.0.join("house/T 3")).expect("renamed");
    std::fs::create_dir_all(room.0.join("house/lost+found")).expect("a folder");
    std::fs::create_dir_all(room.0.join("house/empty")).expect("a folder");
    let serve = [
        "serve",
        "--dir",
        "house",
        "--id",
        "platform",
        "--listen",
        "127.0.0.1:0",
    ];
    let child = room
        .command("en", &serve)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut child = Running(child.expect("the command runs"));
    let heard = heard_until(child.0.stderr.take().expect("piped"), "listening on");
    assert!(heard.contains("left out: T 3: a tender's name"), "{heard}");
    assert!(
        heard.contains("left out: empty: there is no tender in it"),
        "{heard}"
    );
    assert!(!heard.contains("lost+found"), "{heard}");
    assert!(!heard.contains("left out: anchor."), "{heard}");
}

#[test]
fn a_host_without_a_tender_opens_its_keys_at_the_start() {
    let room = Room::of_host("keys");
    let serve = "serve --dir house --id platform --listen 127.0.0.1:0";
    std::fs::write(room.0.join("pin"), "another one\n").expect("written");
    room.refused(
        serve,
        1,
        &["口令不正确"],
        &["cannot be opened with this passphrase"],
    );
    std::fs::write(room.0.join("pin"), "a passphrase\n").expect("written");
    room.done("anchor init --id platform --suite intl --origin h.example/anchor");
    // The anchor log's key has its own passphrase.
    let key = room.0.join("platform/anchor-intl-1.key");
    let good = std::fs::read(&key).expect("there");
    std::fs::write(&key, "no key").expect("written");
    let out = room.run("en", &serve.split(' ').collect::<Vec<_>>());
    assert!(
        !out.status.success() && said(&out).contains("anchor-intl-1.key"),
        "{}",
        said(&out)
    );
    std::fs::write(&key, good).expect("written");
    std::fs::remove_file(room.0.join("platform/sign.key")).expect("there");
    room.refused(serve, 4, &["sign.key", "没有这个文件"], &["sign.key"]);
}

#[test]
fn people_read_in_chinese_what_is_wrong() {
    let room = Room::of_host("words");
    let issue = "ca issue --ca ca --kind bidder --name b --out b --uscc";
    room.refused(
        &format!("{issue} 91350100M000100Y44"),
        3,
        &["校验码（末位）4 不对，按前 17 位应为 3"],
        &["the check sign (the last one) 4 is wrong", "3 is expected"],
    );
    room.refused(
        &format!("{issue} 9135010OM000100Y4"),
        3,
        &["须为 18 位"],
        &["expected 18 digits"],
    );
    std::fs::create_dir_all(room.0.join("nothing")).expect("a folder");
    room.refused(
        "host check --host nothing",
        3,
        &["nothing: 其中没有项目"],
        &["nothing: ", "there is no tender in it"],
    );
    // Nobody listens on port 1.
    room.refused(
        "bundle fetch --host http://127.0.0.1:1/t/T --out out.rec",
        4,
        &["没有程序在此地址监听"],
        &["nobody listens there"],
    );
    room.refused(
        "send --host http://127.0.0.1:1/t/T a.rec b.rec",
        2,
        &["多余的参数 b.rec：只能有一个文件"],
        &["one file only"],
    );
    for line in ["help --lang zh", "help verify --lang en"] {
        let out = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(line.split(' '))
            .output();
        let out = out.expect("the command runs");
        assert_eq!(out.status.code(), Some(0), "{line}: {}", said(&out));
    }
    let held = room.0.join("house/T1");
    let rest = "--id platform --suite intl --origin h.example/t/T1 --trust ca/root.cer";
    room.done(&format!("tender init --host house/T1 {rest}"));
    let store = mifeng_store::Directory::open(&held).expect("opened");
    room.refused(
        "tender export --host house/T1 --id platform --out out.rec",
        4,
        &["正被另一个进程使用"],
        &["another process"],
    );
    drop(store);
}

fn in_seconds(seconds: u64) -> mifeng::crypto::Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs() + seconds;
    mifeng::crypto::Time::from_unix_seconds(i64::try_from(now).expect("a time"))
}

/// A tender that is open, a bundle of it, and its address.
fn open_tender(room: &Room) -> (Running, String) {
    let play = "serve --demo --by-hand --pace 0 --seconds 300 --listen 127.0.0.1:0 --suite intl --bidders 3 --size 3 --keep play";
    let words: Vec<&str> = play.split(' ').collect();
    let child = room
        .command("en", &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Running(child.expect("the command runs"));
    let heard = heard_until(child.0.stdout.take().expect("piped"), "left to you: at");
    let hall = heard.lines().find(|line| line.ends_with("/hall"));
    let url = hall.and_then(|line| line.split_whitespace().last());
    let url = url
        .expect("an address")
        .trim_end_matches("/hall")
        .to_owned();
    std::fs::copy(room.0.join("play/pin"), room.0.join("pin")).expect("copied");
    room.done(&format!("bundle fetch --host {url} --out b.tar"));
    (child, url)
}

#[test]
fn nothing_is_sealed_or_signed_that_the_host_would_refuse() {
    let room = Room::new("open");
    let (_child, url) = open_tender(&room);
    let stage = room.done("inspect b.tar");
    assert!(stage.contains("阶段：投标"), "{stage}");

    let seal = "bid seal --id play/bidder3 --tender b.tar --lot 2 --files play/bidder3/files-2 --out out.rec";
    room.refused(
        &format!("{seal} --price 700000.00 --price-cn 柒万元整"),
        1,
        &["数字 700000.00 元，大写 70000.00 元", "--anyway"],
        &["700000.00 CNY in digits, 70000.00 CNY in words", "--anyway"],
    );
    room.refused(
        &format!("{seal} --price 99000000.00 --price-cn 玖仟玖佰万元整"),
        1,
        &["报价 99000000.00 元超过最高限价", "--anyway"],
        &[
            "the price of 99000000.00 CNY is above the ceiling of",
            "--anyway",
        ],
    );
    room.done(&format!(
        "{seal} --price 700000.00 --price-cn 柒万元整 --anyway"
    ));
    std::fs::remove_file(room.0.join("out.rec")).expect("sealed");

    let past = "--deadline 2026-01-01T00:00:00+08:00 --reason x --out out.rec";
    room.refused(
        &format!("tender postpone --id play/agency --tender b.tar {past}"),
        1,
        &["tender.postponed-late", "新截止时间须晚于原截止时间"],
        &["to a later one"],
    );
    let later = format!("--deadline {} --reason x --out out.rec", in_seconds(3_600));
    room.refused(
        &format!("tender postpone --id play/bidder1 --tender b.tar {later}"),
        1,
        &["record.not-authorised", "签名人无权办理此事项"],
        &["may not do this"],
    );
    room.refused(
        "tender amend --id play/buyer --tender b.tar --text y --reason x --out out.rec",
        1,
        &["record.not-authorised"],
        &["record.not-authorised"],
    );
    room.refused(
        "tender postpone --id play/agency --tender b.tar --deadline tomorrow --reason x --out out.rec",
        3,
        &["--deadline \"tomorrow\"：应为 RFC 3339 时间，如"],
        &["expected RFC 3339, as"],
    );
    let told = room.done(&format!(
        "tender postpone --id play/agency --tender b.tar {later}"
    ));
    assert!(
        told.contains("交平台登记") && !told.contains("主机"),
        "{told}"
    );
    std::fs::remove_file(room.0.join("out.rec")).expect("signed");

    let signed = room.done(&format!(
        "sign-in --host {url} --id play/agency --out token"
    ));
    assert!(signed.contains("（代理机构）"), "{signed}");
    let origin = "host.example/t/DEMO-2026-001";
    let grant = format!(
        "grant emergency --host {url} --origin {origin} --to play/expert1/sign.cer --action opened.read --reason r"
    );
    let soon = in_seconds(600);
    let first = room.done(&format!("{grant} --until {soon} --id play/agency"));
    assert!(first.contains("2 人中已有 1 人签署：尚未生效"), "{first}");
    assert!(first.contains("还须另一个人"), "{first}");
    let second = room.done(&format!("{grant} --until {soon} --id play/buyer"));
    assert!(second.contains("2 人中已有 2 人签署：已生效"), "{second}");
    assert!(!second.contains("还须另一个人"), "{second}");
}

#[test]
fn the_winner_gets_the_award_notice() {
    let room = Room::new("letter");
    room.done("demo --suite intl --bidders 3 --size 3 --keep play");
    room.done("ca init --ca ca --suite intl --name CA");
    room.done("ca issue --ca ca --kind agency --name agency --out agency");
    let files = mifeng::Tar::open(&room.0.join("play/dossier.tar")).expect("a bundle");
    let replay = mifeng::Replay::of(&files).expect("sound");
    let (lot, award) = replay.state.awards().iter().next().expect("an award");
    let bidder = &replay.state.bids()[&award.seal].seal.context().bidder;
    room.refused(
        &format!("tender letter --id agency --tender play/dossier.tar --lot {lot} --bidder {bidder} --out out.rec"),
        1,
        &["letter.winner", "应发中标（入围）通知书"],
        &["the winner gets the award notice"],
    );
}
