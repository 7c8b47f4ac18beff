//! A whole tender over HTTP, and a host that is killed in the middle of one.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn mifeng() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mifeng"))
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mifeng-serve-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// The demo over HTTP in `keep`. It has a deadline by the clock: a busy machine may need more seconds.
fn demo(keep: &Path, suite: &str, policy: &str, method: &str) {
    for seconds in ["12", "40", "120"] {
        let _ = std::fs::remove_dir_all(keep);
        let run = mifeng()
            .args(["serve", "--demo", "--once", "--pace", "0", "--lang", "en"])
            .args(["--listen", "127.0.0.1:0", "--bidders", "3", "--size", "3"])
            .args([
                "--seconds",
                seconds,
                "--suite",
                suite,
                "--policy",
                policy,
                "--method",
                method,
                "--keep",
            ])
            .arg(keep)
            .output();
        let run = run.expect("the command runs");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        if run.status.success() {
            return;
        }
        assert!(
            said.contains("bid.late"),
            "{said}\n{}",
            String::from_utf8_lossy(&run.stdout)
        );
    }
    unreachable!("too slow for a deadline two minutes ahead");
}

fn verified(dossier: &Path) {
    let run = mifeng()
        .args(["--lang", "en", "verify"])
        .arg(dossier)
        .output();
    let run = run.expect("the command runs");
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stdout)
    );
}

/// A demo over HTTP in `keep` that leaves a bid and a release to somebody else, and the address of its tender.
struct Story {
    child: Child,
    url: String,
    said: Arc<Mutex<String>>,
}

impl Story {
    fn begin(keep: &Path, seconds: &str) -> Self {
        let _ = std::fs::remove_dir_all(keep);
        let child = mifeng()
            .args([
                "serve",
                "--demo",
                "--by-hand",
                "--pace",
                "0",
                "--lang",
                "en",
            ])
            .args(["--listen", "127.0.0.1:0", "--bidders", "3", "--size", "3"])
            .args(["--suite", "intl", "--seconds", seconds, "--keep"])
            .arg(keep)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the command runs");
        let said = Arc::new(Mutex::new(String::new()));
        let pipes: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("piped")),
            Box::new(child.stderr.take().expect("piped")),
        ];
        for pipe in pipes {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    *said.lock().expect("sound") += &format!("{line}\n");
                }
            });
        }
        let mut story = Story {
            child,
            url: String::new(),
            said,
        };
        story.wait_for("/hall").expect("an address");
        let said = story.said();
        let line = said.lines().find(|line| line.ends_with("/hall"));
        let url = line.and_then(|line| line.split_whitespace().last());
        story.url = url
            .expect("an address")
            .trim_end_matches("/hall")
            .to_owned();
        story
    }

    fn said(&self) -> String {
        self.said.lock().expect("sound").clone()
    }

    /// Waits until it says something; none if it ended before, or cannot go on.
    fn wait_for(&mut self, what: &str) -> Option<()> {
        loop {
            let ended = self.child.try_wait().expect("asked").is_some();
            if self.said().contains(what) {
                return Some(());
            }
            if ended || self.said().contains("cannot go on") {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) {
        terminate(&mut self.child);
    }
}

fn terminate(child: &mut Child) {
    let term = Command::new("kill").arg(child.id().to_string()).status();
    assert!(term.expect("kill runs").success());
    child.wait().expect("ended");
}

/// An agent with a folder of its own, so that what the demo does for the same person does not come between.
fn agent(keep: &Path, who: (&str, &str), line: &str) -> Child {
    let (own, copy) = (keep.join(who.0), keep.join(who.1));
    std::fs::create_dir_all(&copy).expect("a folder");
    for entry in std::fs::read_dir(own).expect("there") {
        let entry = entry.expect("an entry");
        if entry.path().is_file() {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("copied");
        }
    }
    again(keep, line)
}

fn again(keep: &Path, line: &str) -> Child {
    let child = mifeng()
        .current_dir(keep)
        .args(["--lang", "en", "--pin-file", "pin"])
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    child.expect("the command runs")
}

fn ended(child: Child) -> (Option<i32>, String) {
    let out = child.wait_with_output().expect("ended");
    let said = [out.stdout, out.stderr].concat();
    (
        out.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// The copies of an anchor log that an agent keeps.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("there").flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("anchors-") && name.ends_with(".tar")
        })
        .collect();
    found.sort();
    found
}

/// A whole tender with agents at it, in `keep`; none if the machine was too slow for its deadline.
fn watched(keep: &Path, seconds: &str) -> Option<Story> {
    let mut story = Story::begin(keep, seconds);
    story.wait_for("left to you")?;
    let url = story.url.clone();
    let witness = format!("witness serve --host {url} --id agent2 --every 10");
    let witness = agent(keep, ("trustee2", "agent2"), &witness);
    let trustee = format!("trustee serve --yes --once --host {url} --id agent1");
    let trustee = agent(keep, ("trustee1", "agent1"), &trustee);
    let bid = format!("send --host {url} bidder1/lot1.rec --bid bidder1/lot1.bid");
    while ended(again(keep, &bid)).0 != Some(0) {
        if story.child.try_wait().expect("asked").is_some() || story.said().contains("bid.late") {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    if story.wait_for("all done").is_none() {
        assert!(story.said().contains("bid.late"), "{}", story.said());
        let mut agents = [witness, trustee];
        agents
            .iter_mut()
            .for_each(|agent| agent.kill().expect("killed"));
        agents.iter_mut().for_each(|agent| drop(agent.wait()));
        // It keeps its pages.
        story.end();
        return None;
    }
    for agent in [trustee, witness] {
        let (code, said) = ended(agent);
        assert_eq!(code, Some(0), "{said}");
    }
    Some(story)
}

#[test]
fn a_whole_tender_over_http_verifies_and_its_agents_keep_the_anchor_log() {
    let keep = folder("board");
    let stories = ["20", "60", "180"].into_iter();
    let story = stories.filter_map(|seconds| watched(&keep, seconds)).next();
    let story = story.expect("fast enough for a deadline three minutes ahead");
    verified(&keep.join("dossier.tar"));
    // The host's own dossier has what the witness put under the proof since then.
    let own = keep.join("house/.work/DEMO-2026-001/dossier.tar");
    verified(&own);
    let url = story.url.clone();
    // The commands share the log with the host that runs.
    let head = "--json anchor head --id platform --suite intl";
    let (code, said) = ended(again(&keep, head));
    assert_eq!(code, Some(0), "{said}");
    let shown: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let key = shown["key"].as_str().expect("a key").to_owned();
    let fetch = format!("anchor fetch --host {url} --suite intl --key {key} --out mine.tar");
    let (code, said) = ended(again(&keep, &fetch));
    assert_eq!(code, Some(0), "{said}");
    let list = |copy: &str, more: &str| {
        let line = format!("--json anchor list {copy} --key {key} {more}");
        let (code, said) = ended(again(&keep, &line));
        assert_eq!(code, Some(0), "{said}");
        let rows: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        rows[0].clone()
    };
    let row = list("mine.tar", "--tender dossier.tar");
    assert!(
        row["beyond"].is_null() && row["held"].as_u64() > Some(10),
        "{row}"
    );
    // The witness; the trustee too, if its agent was still there when the last head came.
    let cosigned = row["witnessed"]["witnesses"].as_array().map(Vec::len);
    assert!(matches!(cosigned, Some(1 | 2)), "{row}");
    let lines = row["witnessed"]["witnesses"].as_array();
    let mut names = lines.into_iter().flatten().map(|line| line[0].as_str());
    let is_witness = |name: Option<&str>| name.is_some_and(|name| name.ends_with("/witness/2"));
    assert!(names.any(is_witness), "{row}");
    for who in ["agent1", "agent2"] {
        let [copy] = &copies(&keep.join(who))[..] else {
            unreachable!("one copy each")
        };
        let copy = copy.display();
        list("mine.tar", &format!("--earlier {copy}"));
    }
    story.end();

    // A host that shows what its witnesses cosigned no more: a copy that has it keeps it.
    let log = keep.join("platform/anchor-intl-1");
    std::fs::remove_dir_all(log.join("log/heads")).expect("removed");
    let mut host = serve(&keep);
    let url = host.url.replace("/T1", "/DEMO-2026-001");
    let fetch_again = fetch.replace(&story_address(&fetch), &url);
    for (copy, count) in [("mine.tar", cosigned), ("bare.tar", None)] {
        let line = fetch_again.replace("mine.tar", copy);
        let (code, said) = ended(again(&keep, &line));
        assert_eq!(code, Some(0), "{said}");
        let row = list(copy, "--tender dossier.tar");
        let witnesses = row["witnessed"]["witnesses"].as_array().map(Vec::len);
        assert_eq!(witnesses, count, "{row}");
    }
    terminate(&mut host.child);

    // A host whose disk with the log is not there begins no other one.
    std::fs::rename(&log, keep.join("true-log")).expect("renamed");
    let (code, said) = ended(again(&keep, head));
    assert!(code == Some(4) && said.contains("no anchor log"), "{said}");
    // One that wants to: it signs another history of its tenders with the same key.
    std::fs::copy(keep.join("true-log/begun"), log.join("begun")).expect("copied");
    let mut host = serve(&keep);
    let url = host.url.replace("/T1", "/DEMO-2026-001");
    let witness = format!("witness serve --host {url} --id agent2");
    let (code, said) = ended(again(&keep, &witness));
    assert!(
        code == Some(1) && said.contains("log.fork") && said.contains("TWO ANCHOR LOGS"),
        "{said}"
    );
    let both = copies(&keep.join("agent2"));
    assert!(
        both.len() == 2 && both[0].to_string_lossy().ends_with(".forked.tar"),
        "{both:?}"
    );
    let (code, said) = ended(again(&keep, &fetch.replace(&story_address(&fetch), &url)));
    assert!(code == Some(1) && said.contains("log.fork"), "{said}");
    terminate(&mut host.child);

    // A host that lost the tender, though its anchor log is the true one again.
    std::fs::remove_dir_all(&log).expect("removed");
    std::fs::rename(keep.join("true-log"), &log).expect("renamed");
    std::fs::rename(keep.join("house"), keep.join("lost")).expect("renamed");
    std::fs::create_dir_all(keep.join("house")).expect("a folder");
    let mut host = serve(&keep);
    let url = host.url.replace("/T1", "/DEMO-2026-001");
    let (code, said) = ended(again(
        &keep,
        &format!("witness serve --host {url} --id agent2"),
    ));
    assert!(code == Some(1) && said.contains("NO MORE"), "{said}");
    terminate(&mut host.child);
    let _ = std::fs::remove_dir_all(&keep);
}

fn story_address(line: &str) -> String {
    let mut words = line.split_whitespace();
    let url = words.find(|word| word.starts_with("http://"));
    url.expect("an address").to_owned()
}

#[test]
fn a_whole_tender_with_bidders_keys_in_gm() {
    let keep = folder("joint");
    demo(&keep, "gm", "joint", "open");
    verified(&keep.join("dossier.tar"));
    let _ = std::fs::remove_dir_all(&keep);
}

#[test]
fn final_offers_and_beacons_over_http() {
    let keep = folder("offers");
    demo(&keep, "intl", "joint-clock", "consultation");
    verified(&keep.join("dossier.tar"));
    let _ = std::fs::remove_dir_all(&keep);
}

/// A host on a folder, and the address that it prints.
struct Running {
    child: Child,
    url: String,
}

fn serve(root: &Path) -> Running {
    let mut child = mifeng()
        .args(["--lang", "en", "--pin-file"])
        .arg(root.join("pin"))
        .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(root.join("house"))
        .arg("--id")
        .arg(root.join("platform"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    out.read_line(&mut line).expect("a line");
    let url = line.split_whitespace().last().expect("an address");
    Running {
        url: format!("{url}t/T1"),
        child,
    }
}

fn run(root: &Path, line: &str) -> std::process::Output {
    let run = mifeng()
        .current_dir(root)
        .args(["--lang", "en", "--pin-file", "pin"])
        .args(line.split_whitespace())
        .output();
    run.expect("the command runs")
}

fn done(root: &Path, line: &str) {
    let out = run(root, line);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{line}: {said}");
}

#[test]
fn a_killed_host_goes_on_where_it_was() {
    let root = folder("killed");
    std::fs::create_dir_all(root.join("house")).expect("a folder");
    std::fs::write(root.join("pin"), "a passphrase\n").expect("written");
    done(&root, "ca init --ca ca --suite intl --name CA");
    for (kind, name) in [("host", "platform"), ("trustee", "t1"), ("trustee", "t2")] {
        let line = format!("ca issue --ca ca --kind {kind} --name {name} --out {name}");
        done(&root, &line);
    }
    let init = "tender init --host house/T1 --id platform --suite intl --origin h.example/t/T1";
    done(&root, &format!("{init} --trust ca/root.cer"));
    for who in ["t1", "t2"] {
        let index = &who[1..];
        let line = format!(
            "board join --id {who} --session s --index {index} --quorum 2 --of 2 --out {who}.rec"
        );
        done(&root, &line);
    }
    let mut host = serve(&root);
    done(
        &root,
        &format!("send --host {} t1.rec --receipt t1.receipt", host.url),
    );
    let first = std::fs::read(root.join("t1.receipt")).expect("a receipt");
    // No grace at all.
    host.child.kill().expect("killed");
    host.child.wait().expect("ended");
    let out = run(&root, &format!("send --host {} t2.rec", host.url));
    assert_eq!(out.status.code(), Some(4));
    let mut host = serve(&root);
    done(
        &root,
        &format!("send --host {} t1.rec --receipt again.receipt", host.url),
    );
    done(
        &root,
        &format!("send --host {} t2.rec --receipt t2.receipt", host.url),
    );
    done(
        &root,
        &format!("bundle fetch --host {} --out now.tar", host.url),
    );
    std::fs::write(root.join("first.receipt"), first).expect("written");
    for (receipt, record) in [("first", "t1"), ("again", "t1"), ("t2", "t2")] {
        let line = format!(
            "receipt verify --receipt {receipt}.receipt --record {record}.rec --tender now.tar"
        );
        done(&root, &line);
    }
    // An order of somebody else is refused; so is the folder while it is served.
    let out = run(
        &root,
        &format!("host order archive --host {} --id t1", host.url),
    );
    assert_eq!(out.status.code(), Some(1));
    let out = run(&root, "tender close --host house/T1 --id platform");
    assert_eq!(out.status.code(), Some(4));
    // SIGTERM ends it in order.
    let term = Command::new("kill")
        .arg(host.child.id().to_string())
        .status();
    assert!(term.expect("kill runs").success());
    assert!(host.child.wait().expect("ended").success());
    let _ = std::fs::remove_dir_all(&root);
}
