//! A whole tender over HTTP, and a host that is killed in the middle of one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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

#[test]
fn a_whole_tender_over_http_verifies() {
    let keep = folder("board");
    demo(&keep, "intl", "board", "open");
    verified(&keep.join("dossier.tar"));
    // What the host kept for itself is the same file.
    let own = keep.join("house/.work/DEMO-2026-001/dossier.tar");
    assert_eq!(
        std::fs::read(own).expect("there"),
        std::fs::read(keep.join("dossier.tar")).expect("there")
    );
    let _ = std::fs::remove_dir_all(&keep);
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
