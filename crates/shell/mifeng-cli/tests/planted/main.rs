//! Before the opening, what a bidder sealed is nowhere but with the bidder; keys and passphrases are nowhere in clear,
//! then or later. A marker is planted in a bid's files, their names, its price and its further lines; a real host takes
//! the bid in; then everything on its side is searched: folder, memory, arguments, environment, bundle, answers, and all that any command said.
#![allow(clippy::panic)] // A failed expectation, with what was found.

mod search;

use mifeng::pki::keyfile;
use search::Search;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// In file names, files, lines and brand of the bid.
const MARKER: &str = "planted-marker-7Q2zK";
const PRICE: &str = "468913.57";
const PRICE_CN: &str = "肆拾陆万捌仟玖佰壹拾叁元伍角柒分";
const CODE: &str = "91350200776049653A";
const PASSPHRASES: [(&str, &str); 3] = [
    ("house", "planted-passphrase-of-the-house-31"),
    ("bidder", "planted-passphrase-of-the-bidder-47"),
    ("others", "planted-passphrase-of-the-others-59"),
];

/// A folder that goes with its test.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("mifeng-planted-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Room(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    /// Exit code of a command by `who`, whose outputs are kept in `said/WHO`.
    fn run(&self, who: &str, line: &str) -> (Option<i32>, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&self.0)
            .args(["--lang", "en", "--pin-file"])
            .arg(format!("pins/{who}"))
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .output()
            .expect("the command runs");
        let said = [done.stdout, done.stderr].concat();
        let folder = format!("said/{who}");
        let count = std::fs::read_dir(self.path(&folder)).map_or(0, Iterator::count);
        self.write(&format!("{folder}/{count}"), &said);
        (
            done.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    fn done(&self, who: &str, line: &str) -> String {
        let (exit, said) = self.run(who, line);
        assert_eq!(exit, Some(0), "{line}: {said}");
        said
    }

    /// The private keys in these files, each in its 32 bytes.
    fn keys(&self, files: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        let one = |(file, who): &(&str, &str)| {
            let text = std::fs::read_to_string(self.path(file)).expect("a key file");
            let pin = PASSPHRASES
                .iter()
                .find(|(own, _)| own == who)
                .expect("a passphrase")
                .1;
            let key = keyfile::decrypt(&text, pin.as_bytes()).expect("opens");
            let der = key.to_pkcs8_der().expect("encoded");
            // ECPrivateKey: version 1, then the octets of the key (RFC 5915).
            let mark = [2, 1, 1, 4, 32];
            let at = der
                .windows(mark.len())
                .position(|own| own == mark)
                .expect("a key of 32 bytes")
                + mark.len();
            ((*file).to_owned(), der[at..at + 32].to_vec())
        };
        files.iter().map(one).collect()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is found in the files below `folder`, and in their names, but for those in `left_out`.
fn in_folder(search: &Search, folder: &Path, left_out: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(folder)
                .expect("below it")
                .to_string_lossy()
                .into_owned();
            if left_out.contains(&name.as_str()) {
                continue;
            }
            found.extend(
                search
                    .found(name.as_bytes())
                    .iter()
                    .map(|what| format!("{name}: {what}, in its name")),
            );
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = std::fs::read(&path).expect("read");
                found.extend(
                    search
                        .found(&content)
                        .iter()
                        .map(|what| format!("{name}: {what}")),
                );
            }
        }
    }
    found
}

/// All that a process can read of its own memory, with its arguments and environment; none where that is not allowed.
#[cfg(target_os = "linux")]
fn memory(process: u32) -> Option<Vec<Vec<u8>>> {
    use std::os::unix::fs::FileExt;
    let own = PathBuf::from(format!("/proc/{process}"));
    let maps = std::fs::read_to_string(own.join("maps")).ok()?;
    let file = std::fs::File::open(own.join("mem")).ok()?;
    let mut out = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next()?, words.next()?);
        let (from, to) = range.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let to = u64::from_str_radix(to, 16).ok()?;
        // What nobody could write to is the program itself.
        if !rights.starts_with("rw") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(to - from).ok()?];
        // Pages of the kernel, and what was given back meanwhile, cannot be read.
        if let Ok(count) = file.read_at(&mut bytes, from) {
            bytes.truncate(count);
            out.push(bytes);
        }
    }
    Some(out)
}

#[cfg(not(target_os = "linux"))]
fn memory(_process: u32) -> Option<Vec<Vec<u8>>> {
    None
}

/// A host on `house/`.
struct Serving {
    child: Child,
    out: BufReader<ChildStdout>,
    url: String,
}

impl Serving {
    fn start(room: &Room) -> Self {
        let errors = std::fs::File::create(room.path("said/serve-errors")).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&room.0)
            .args(["--lang", "en", "--pin-file", "pins/house", "serve"])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--dir",
                "house",
                "--id",
                "platform",
                "--log",
                "json",
            ])
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("the command runs");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let address = line.split_whitespace().last().expect("an address");
        Serving {
            url: format!("{address}t/T1"),
            child,
            out,
        }
    }

    /// Ends it; what it said after its address.
    fn end(&mut self) -> Vec<u8> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let mut said = Vec::new();
        self.out.read_to_end(&mut said).expect("read");
        said
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

/// A deadline in ten minutes: the test ends long before it.
fn plan() -> String {
    let now = mifeng::crypto::Time::from_unix_seconds(
        i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .expect("after 1970")
                .as_secs(),
        )
        .expect("in range")
            + 600,
    );
    serde_json::json!({
        "tender": "T1", "title": {"zh": "试", "en": "test"}, "procedure": "open", "rehearsal": true,
        "buyer": "buyer/sign.cer", "deadline": now.to_string(), "beat_ms": 500, "beat_depth": 4,
        "window_ms": 60_000, "policy": "joint", "bidders_min": 3,
        "committee": {"specialty": "A0320", "experts": 5, "alternates": 2},
        "lots": [{"id": "1", "title": {"zh": "包", "en": "lot"}, "rules": {
            "method": "lowest", "object": "goods", "price_weight": "100", "ceiling": "500000.00", "sme_rate": "0.15",
        }}],
    })
    .to_string()
}

/// Certificates, the board, the notice: a tender that waits for bids on a running host.
fn tender(room: &Room) -> Serving {
    for (who, passphrase) in PASSPHRASES {
        room.write(&format!("pins/{who}"), format!("{passphrase}\n").as_bytes());
    }
    room.done("others", "ca init --ca ca --suite gm --name CA");
    for (kind, name) in [
        ("buyer", "buyer"),
        ("agency", "agency"),
        ("trustee", "t1"),
        ("trustee", "t2"),
    ] {
        room.done(
            "others",
            &format!("ca issue --ca ca --kind {kind} --name {name} --out {name}"),
        );
    }
    std::fs::create_dir(room.path("house")).expect("a folder");
    // Each with an own passphrase: the authority's key is opened by its own, the new ones are written under theirs.
    for (who, kind, name, more) in [
        ("house", "host", "platform", String::new()),
        ("bidder", "bidder", "bidder", format!("--uscc {CODE}")),
    ] {
        let line = format!("ca issue --ca ca --kind {kind} --name {name} --out {name} {more}");
        room.done("others", &line);
        rekey(room, name, who);
    }
    room.done("house", "tender init --host house/T1 --id platform --suite gm --origin h.example/t/T1 --trust ca/root.cer");
    for list in ["root", "ca"] {
        room.done(
            "house",
            &format!("tender crl --host house/T1 --id platform ca/{list}.crl"),
        );
    }
    for i in [1, 2] {
        let line = format!(
            "board join --id t{i} --session s --index {i} --quorum 2 --of 2 --out a{i}.rec"
        );
        room.done("others", &line);
    }
    for i in [1, 2] {
        room.done(
            "others",
            &format!("board round1 --id t{i} a1.rec a2.rec --out b{i}.rec"),
        );
    }
    for i in [1, 2] {
        room.done(
            "others",
            &format!("board round2 --id t{i} a1.rec a2.rec b1.rec b2.rec --out c{i}.rec"),
        );
    }
    let serving = Serving::start(room);
    for record in ["a1", "a2", "b1", "b2", "c1", "c2"] {
        room.done(
            "others",
            &format!("send --host {} {record}.rec", serving.url),
        );
    }
    fetch(room, &serving);
    room.write("plan.json", plan().as_bytes());
    room.done(
        "others",
        "tender publish --id agency --tender now.tar --plan plan.json --out notice.rec",
    );
    room.done("others", &format!("send --host {} notice.rec", serving.url));
    fetch(room, &serving);
    serving
}

/// Keys that were issued under the passphrase of `others`, put under that of `who`.
fn rekey(room: &Room, name: &str, who: &str) {
    for key in ["sign.key", "enc.key"] {
        let file = format!("{name}/{key}");
        if room.path(&file).exists() {
            room.done(
                "others",
                &format!("key passwd {file} --new-pin-file pins/{who}"),
            );
        }
    }
}

fn fetch(room: &Room, serving: &Serving) {
    room.done(
        "others",
        &format!("bundle fetch --host {} --out now.tar", serving.url),
    );
}

#[test]
fn the_search_finds_what_is_planted() {
    search::finds_what_is_planted(&Room::new("search").0);
}

#[test]
fn nothing_of_a_bid_no_key_and_no_passphrase_is_in_clear_before_the_opening() {
    let room = Room::new("tender");
    let mut serving = tender(&room);

    // The bid: the marker everywhere, twelve thousand times in a file that compresses well.
    let line = format!("{MARKER} is what this bid offers\n");
    room.write(
        &format!("bidder/files/{MARKER}.txt"),
        line.repeat(12_000).as_bytes(),
    );
    room.write(
        "bidder/detail.json",
        br#"[{"item":"bed","quantity":"1","unit_price":"468913.57"}]"#,
    );
    let seal = format!(
        "bid seal --id bidder --tender now.tar --lot 1 --files bidder/files --price {PRICE} --price-cn {PRICE_CN} \
         --brand {MARKER} --field term={MARKER} --detail bidder/detail.json --out bidder/bid.bid"
    );
    room.done("bidder", &seal);
    room.done(
        "bidder",
        "bid submit --id bidder --tender now.tar --bid bidder/bid.bid --out bid.rec",
    );
    room.done(
        "bidder",
        &format!(
            "send --host {} bid.rec --bid bidder/bid.bid --receipt bid.receipt",
            serving.url
        ),
    );
    fetch(&room, &serving);
    room.done("others", "bid check --tender now.tar --bid bidder/bid.bid");
    room.done("others", "inspect now.tar");
    // What fails says no more than what succeeds.
    for (who, line) in [
        (
            "others",
            "bid submit --id bidder --tender now.tar --bid bidder/bid.bid --out x.rec",
        ),
        (
            "house",
            "board join --id t1 --session x --index 1 --quorum 2 --of 2 --out x.rec",
        ),
        (
            "bidder",
            "bid check --id t1 --tender now.tar --bid bidder/bid.bid",
        ),
        (
            "bidder",
            "bid submit --id bidder --tender now.tar --bid bidder/detail.json --out x.rec",
        ),
        (
            "bidder",
            "tender export --host house/T1 --id bidder --out x.tar",
        ),
    ] {
        let (exit, said) = room.run(who, line);
        assert!(exit.is_some_and(|code| code != 0), "{line}: {said}");
    }

    let mut content = Search::new();
    for (name, secret) in [
        ("marker", MARKER),
        ("price", PRICE),
        ("price in words", PRICE_CN),
    ] {
        content.plant(name, secret.as_bytes());
    }
    let mut secrets = Search::new();
    for (who, passphrase) in PASSPHRASES {
        secrets.plant(&format!("passphrase of {who}"), passphrase.as_bytes());
    }
    let keys = room.keys(&[
        ("bidder/sign.key", "bidder"),
        ("bidder/enc.key", "bidder"),
        ("platform/sign.key", "house"),
        ("t1/sign.key", "others"),
        ("t1/static.key", "others"),
        ("t1/witness.key", "others"),
        ("agency/sign.key", "others"),
        ("ca/issuing.key", "others"),
    ]);
    for (file, key) in &keys {
        secrets.plant(file, key);
    }

    // The disk: everybody's folders and files, the host's, the bundle, and what was said.
    // On its own machine a bidder sees what it seals.
    let own = ["bidder/files", "bidder/detail.json", "said/bidder"];
    assert_eq!(in_folder(&content, &room.0, &own), Vec::<String>::new());
    assert_eq!(
        in_folder(&secrets, &room.0, &["pins"]),
        Vec::<String>::new()
    );
    // The bundle does not even say who bid.
    let mut bidder = Search::new();
    bidder.plant("credit code", CODE.as_bytes());
    let bundle = std::fs::read(room.path("now.tar")).expect("read");
    assert_eq!(bidder.found(&bundle), Vec::<String>::new());
    // Nor the host's log, which tells of it what happened, and of requests those that no bidder makes.
    let log = std::fs::read(room.path("said/serve-errors")).expect("read");
    assert_eq!(bidder.found(&log), Vec::<String>::new());
    let log = String::from_utf8(log).expect("text");
    let lines = log.lines().map(serde_json::from_str::<serde_json::Value>);
    let lines: Vec<_> = lines.collect::<Result<_, _>>().expect("objects");
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((of("host.listening"), of("request")), (1, 0), "{log}");
    assert!(!in_folder(&bidder, &room.path("house/T1"), &[]).is_empty());
    // It was looked at: the host has the bid, and the bidder what is left out.
    assert!(
        room.path("house/T1/seal")
            .read_dir()
            .is_ok_and(|mut bids| bids.next().is_some())
    );
    assert!(!in_folder(&content, &room.0, &own[1..]).is_empty());
    assert_eq!(
        in_folder(&secrets, &room.path("pins"), &[]).len(),
        PASSPHRASES.len()
    );

    // The host's memory: its own keys and passphrase are in use there, nobody else's are, and nothing of the bid.
    let mut elsewhere = Search::new();
    for (file, key) in keys
        .iter()
        .filter(|(file, _)| !file.starts_with("platform"))
    {
        elsewhere.plant(file, key);
    }
    for (who, passphrase) in PASSPHRASES.iter().filter(|(who, _)| *who != "house") {
        elsewhere.plant(&format!("passphrase of {who}"), passphrase.as_bytes());
    }
    match memory(serving.child.id()) {
        None => eprintln!("skipped: the memory of the host cannot be read here"),
        Some(memory) => {
            let mut known = Search::new();
            known.plant("origin", b"h.example/t/T1");
            assert!(
                memory.iter().any(|bytes| !known.found(bytes).is_empty()),
                "not the host's memory"
            );
            for bytes in &memory {
                assert_eq!(content.found(bytes), Vec::<String>::new());
                assert_eq!(elsewhere.found(bytes), Vec::<String>::new());
            }
        }
    }

    let said = serving.end();
    assert_eq!(
        [content.found(&said), secrets.found(&said)],
        [Vec::<String>::new(), Vec::new()]
    );

    // The marker was in the bid: its bidder, and nobody else, sees it.
    let shown = room.done(
        "bidder",
        "bid check --id bidder --tender now.tar --bid bidder/bid.bid",
    );
    for planted in [MARKER, PRICE, PRICE_CN] {
        assert!(shown.contains(planted), "{planted} in {shown}");
    }
}
