//! The demo over HTTP with other hands at it, what it refuses to play, and what it leaves behind; and where `serve`
//! finds the parts of the pages that a browser runs.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn mifeng() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mifeng"))
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = format!("mifeng-demo-test-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned()
}

/// A demo in progress, and what it has said so far.
struct Demo {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Demo {
    fn begin(line: &str) -> Self {
        let child = mifeng()
            .args(["--lang", "en", "serve", "--demo", "--listen", "127.0.0.1:0"])
            .args(["--suite", "intl", "--size", "1", "--bidders", "3"])
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("the command runs");
        let said = Arc::new(Mutex::new(String::new()));
        let (out, heard) = (child.stdout.take().expect("piped"), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                *heard.lock().expect("sound") += &format!("{line}\n");
            }
        });
        Demo { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().expect("sound").clone()
    }

    /// Waits until it has said this; the line.
    fn hear(&mut self, what: &str) -> String {
        loop {
            let ended = self.child.try_wait().expect("asked");
            let said = self.said();
            if let Some(line) = said.lines().find(|line| line.contains(what)) {
                return line.to_owned();
            }
            let over =
                ended.is_some() || said.contains("cannot go on") || said.contains("all done");
            assert!(!over, "it came to its end before {what:?}: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its folder and the address of its tender.
    fn place(&mut self) -> (PathBuf, String) {
        let folder = self.hear("private keys lie in ");
        let folder = folder.split("private keys lie in ").nth(1);
        let folder = folder.and_then(|rest| rest.split(';').next());
        let hall = self.hear("/hall");
        let hall = hall.split_whitespace().last().expect("an address");
        (
            PathBuf::from(folder.expect("a folder")),
            hall.trim_end_matches("/hall").to_owned(),
        )
    }

    /// Tells it to end; its exit code.
    fn end(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(kill.expect("kill runs").success());
        self.child.wait().expect("ended").code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of somebody who has the keys of the demo's people.
fn other(folder: &Path, line: &str) -> Output {
    let run = mifeng()
        .current_dir(folder)
        .args(["--lang", "en", "--pin-file", "pin"])
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output();
    run.expect("the command runs")
}

/// A bid of bidder 3 for lot 2, sealed and handed in by somebody else before the demo's own.
fn bid_for_another(folder: &Path, url: &str) {
    let fetch = format!("bundle fetch --host {url} --out b.tar");
    let seal = "bid seal --id bidder3 --tender b.tar --lot 2 --files bidder3/files-2 --price 700000.00 --price-cn 柒拾万元整 --out mine.bid";
    let sign = "bid submit --id bidder3 --tender b.tar --bid mine.bid --out mine.rec";
    let send = format!("send --host {url} mine.rec --bid mine.bid");
    for line in [&fetch, seal, sign, &send] {
        let out = other(folder, line);
        assert!(out.status.success(), "{line}: {}", said(&out));
    }
}

#[test]
fn a_demo_goes_on_from_what_others_did_and_clears_up() {
    let mut demo = Demo::begin("--by-hand --pace 900 --seconds 30");
    let (folder, url) = demo.place();
    let mode = std::fs::metadata(&folder).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
    demo.hear("left to you: at");
    bid_for_another(&folder, &url);
    // Nobody hands in the bid that is left to somebody; its trustee has an agent, which answers the draw as well.
    let trustee = format!("trustee serve --yes --host {url} --id trustee1");
    let agent = mifeng()
        .current_dir(&folder)
        .args(["--lang", "en", "--pin-file", "pin"])
        .args(trustee.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut agent = agent.expect("the command runs");
    demo.hear("bid.submit of bidder3 was refused");
    demo.hear("the bid that was left to you did not come before the deadline");
    demo.hear("lot 1 has fewer than 3 bids");
    demo.hear("lot 1 fails: too-few-bids");
    demo.hear("all done");
    assert!(
        demo.said().contains("award letter  lot 2"),
        "{}",
        demo.said()
    );
    let dossier = other(&folder, "verify dossier.tar");
    assert!(dossier.status.success(), "{}", said(&dossier));
    // It serves until told to end.
    let fetched = other(
        &folder,
        &format!("bundle fetch --host {url} --out after.tar"),
    );
    assert!(fetched.status.success(), "{}", said(&fetched));
    let _ = agent.kill();
    let _ = agent.wait();
    assert_eq!(demo.end("TERM"), Some(0));
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn a_demo_that_cannot_go_on_says_why_and_keeps_its_pages() {
    let mut demo = Demo::begin("--by-hand --pace 0 --seconds 12");
    let (folder, url) = demo.place();
    demo.hear("left to you: at");
    // Somebody archives the tender under it: after a cancellation that is lawful once it is closed.
    let fetch = format!("bundle fetch --host {url} --out b.tar");
    for line in [
        &fetch,
        "tender cancel --id agency --tender b.tar --reason x --out cancel.rec",
        &format!("send --host {url} cancel.rec"),
    ] {
        let out = other(&folder, line);
        assert!(out.status.success(), "{line}: {}", said(&out));
    }
    demo.hear("cancelled by somebody");
    demo.hear("The pages stay");
    let fetched = other(&folder, &fetch);
    assert!(fetched.status.success(), "{}", said(&fetched));
    demo.end("INT");
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn a_demo_that_is_told_to_end_before_it_is_over_leaves_nothing() {
    // Whoever closes the terminal sends the last one.
    for signal in ["INT", "TERM", "HUP"] {
        let mut demo = Demo::begin("--pace 1000 --seconds 60");
        let (folder, _) = demo.place();
        demo.hear("bidder 2: sealed");
        assert!(folder.join("ca/issuing.key").exists());
        assert_eq!(demo.end(signal), Some(0), "{}", demo.said());
        assert!(!folder.exists(), "{}", folder.display());
    }
}

#[test]
fn what_cannot_be_played_is_refused_in_both_languages() {
    for (line, zh, en) in [
        ("--bidders 2", "不足 3 家不得开标", "fewer than 3 bids"),
        (
            "--bidders 2 --by-hand",
            "不足 3 家不得开标",
            "fewer than 3 bids",
        ),
        ("--bidders 51", "3 至 50 家", "expected 3 to 50"),
        ("--seconds 33", "至少需要 34 秒", "need at least 34 s"),
        (
            "--bidders 3 --pace 10000",
            "至少需要 90 秒",
            "need at least 90 s",
        ),
        (
            "--method works",
            "只演示公开招标",
            "shows the open procedure",
        ),
    ] {
        for (lang, told) in [("zh", zh), ("en", en)] {
            let run = mifeng()
                .args(["--lang", lang, "serve", "--demo", "--once"])
                .args(["--listen", "127.0.0.1:0"])
                .args(line.split_whitespace())
                .output();
            let run = run.expect("the command runs");
            assert_eq!(run.status.code(), Some(2), "{line}");
            assert!(said(&run).contains(told), "{line}: {}", said(&run));
            assert!(run.stdout.is_empty(), "{line}: nothing was begun");
        }
    }
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let at = taken.local_addr().expect("its port").to_string();
    for (lang, told) in [("zh", "地址已被另一个程序占用"), ("en", "in use")] {
        let run = mifeng()
            .args(["--lang", lang, "serve", "--demo", "--once", "--listen", &at])
            .output();
        let run = run.expect("the command runs");
        assert_eq!(run.status.code(), Some(4), "{}", said(&run));
        let line = format!("--listen {at}");
        let said = said(&run);
        assert!(said.contains(told) && said.contains(&line), "{said}");
        assert!(!said.contains("mifeng-demo-"), "nothing was begun: {said}");
    }
}

/// A program in a folder of its own, with a host's folders beside it, and what its `serve` says first.
fn installed(folder: &Folder, place: &str) -> Vec<String> {
    let bin = folder.0.join(place);
    std::fs::create_dir_all(&bin).expect("a folder");
    let program = bin.join("mifeng");
    let _ = std::fs::remove_file(&program);
    let whole = env!("CARGO_BIN_EXE_mifeng");
    std::fs::hard_link(whole, &program)
        .or_else(|_| std::fs::copy(whole, &program).map(|_| ()))
        .expect("a program");
    let run = Command::new(program)
        .current_dir(&folder.0)
        .args(["--lang", "en", "--pin-file", "pin"])
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--dir",
            "house",
            "--id",
            "platform",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut run = run.expect("the command runs");
    let out = BufReader::new(run.stdout.take().expect("piped"));
    let lines = out.lines().map_while(Result::ok).take(2).collect();
    run.kill().expect("killed");
    run.wait().expect("ended");
    lines
}

fn mode(path: &Path, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("permissions");
}

#[test]
fn serve_finds_the_pages_beside_the_program_and_says_when_there_are_none() {
    let folder = Folder::new("pages");
    std::fs::create_dir_all(folder.0.join("house")).expect("a folder");
    std::fs::write(folder.0.join("pin"), "a passphrase\n").expect("written");
    for line in [
        "ca init --ca ca --suite intl --name CA",
        "ca issue --ca ca --kind host --name platform --out platform",
    ] {
        let out = other(&folder.0, line);
        assert!(out.status.success(), "{}", said(&out));
    }
    for (place, pages) in [
        ("bin", "share/mifeng"),
        ("built/release", "built/verify-page"),
    ] {
        let lines = installed(&folder, place);
        assert!(lines[0].starts_with("listening on "), "{lines:?}");
        assert!(
            lines[1].contains("no verification page") && lines[1].contains("build.sh"),
            "{lines:?}"
        );
        let pages = folder.0.join(pages);
        std::fs::create_dir_all(&pages).expect("a folder");
        let page = pages.join("mifeng-verify.html");
        std::fs::write(&page, "<!doctype html>").expect("written");
        // Whatever umask the test was started with.
        for own in page
            .ancestors()
            .take_while(|own| own.starts_with(&folder.0))
        {
            mode(own, 0o755);
        }
        let lines = installed(&folder, place);
        assert!(
            lines[1].contains(page.to_str().expect("UTF-8")),
            "{lines:?}"
        );
        assert!(lines[1].contains("without mifeng-desk.wasm"), "{lines:?}");
        std::fs::write(pages.join("mifeng-desk.wasm"), "").expect("written");
        mode(&pages.join("mifeng-desk.wasm"), 0o644);
        let lines = installed(&folder, place);
        assert!(lines[1].contains("sealing in the page: "), "{lines:?}");
        if place != "bin" {
            continue;
        }
        // Where others write, on the way or at its end, nothing is taken by itself.
        let module = pages.join("mifeng-desk.wasm");
        for (own, kept) in [
            (&page, 0o644),
            (&module, 0o644),
            (&pages, 0o755),
            (&folder.0, 0o755),
        ] {
            let told = format!("others may write {} or", own.display());
            let refused = |lines: &[String]| {
                let refused = lines[1].contains("is not taken");
                assert_eq!(refused, lines[1].contains(&told), "{lines:?}");
                refused
            };
            mode(own, kept | 0o002);
            assert!(refused(&installed(&folder, place)));
            // The owner's own group is nobody else; another one is.
            mode(own, kept | 0o020);
            let found = std::fs::metadata(own).expect("there");
            let private = found.uid() == found.gid();
            assert_eq!(refused(&installed(&folder, place)), !private);
            let other = Some(found.uid() + 1);
            if std::os::unix::fs::chown(own, None, other).is_ok() {
                assert!(refused(&installed(&folder, place)));
                std::os::unix::fs::chown(own, None, Some(found.gid())).expect("put back");
            }
            // A file with this bit is written to all the same.
            mode(own, kept | 0o1_002);
            let lines = installed(&folder, place);
            assert_eq!(
                lines[1].contains("is not taken"),
                own.is_file(),
                "{lines:?}"
            );
            mode(own, kept);
        }
        // A link to what others write.
        let elsewhere = folder.0.join(format!("open-{}", place.replace('/', "-")));
        std::fs::create_dir_all(&elsewhere).expect("a folder");
        std::fs::rename(&page, elsewhere.join("page")).expect("moved");
        std::os::unix::fs::symlink(elsewhere.join("page"), &page).expect("a link");
        mode(&elsewhere, 0o777);
        let lines = installed(&folder, place);
        assert!(lines[1].contains("is not taken"), "{lines:?}");
        mode(&elsewhere, 0o755);
        let lines = installed(&folder, place);
        assert!(lines[1].contains("sealing in the page: "), "{lines:?}");
    }
    // Nowhere else: a page there is anybody's.
    std::fs::write(folder.0.join("mifeng-verify.html"), "").expect("written");
    let lines = installed(&folder, "elsewhere");
    assert!(lines[1].contains("no verification page"), "{lines:?}");
    let line = "serve --dir house --id platform --verify-page none.html";
    let out = other(&folder.0, line);
    assert!(
        out.status.code() == Some(4) && said(&out).contains("none.html"),
        "{}",
        said(&out)
    );
}
