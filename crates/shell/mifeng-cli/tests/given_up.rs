//! A key that cannot be finished, as people type it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Tested = Result<(), Box<dyn std::error::Error>>;

struct Desk(PathBuf);

impl Desk {
    fn run(&self, args: &[String]) -> std::io::Result<Output> {
        Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&self.0)
            .args(["--lang", "en", "--pin-file", "pin"])
            .args(args)
            .stdin(std::process::Stdio::null())
            .output()
    }

    fn ok(&self, args: &str, files: &[String]) -> Result<String, Box<dyn std::error::Error>> {
        let args = words(args, files);
        let output = self.run(&args)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn refused(&self, args: &str, files: &[String], code: &str) -> Tested {
        let args = words(args, files);
        let output = self.run(&args)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{args:?}: {errors}");
        assert!(errors.contains(code), "{args:?}: {code} in {errors}");
        Ok(())
    }
}

fn words(args: &str, files: &[String]) -> Vec<String> {
    let words = args.split_whitespace().map(str::to_owned);
    words.chain(files.iter().cloned()).collect()
}

/// Three trustees, whose folders are `t1` to `t3`.
fn desk(name: &str) -> Result<Desk, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if root.exists() {
        std::fs::remove_dir_all(&root)?;
    }
    std::fs::create_dir_all(&root)?;
    std::fs::write(root.join("pin"), "a passphrase\n")?;
    let desk = Desk(root);
    desk.ok("ca init --ca ca --suite intl --name CA", &[])?;
    for i in 1..=3 {
        desk.ok(
            &format!("ca issue --ca ca --kind trustee --name T{i} --out t{i}"),
            &[],
        )?;
    }
    Ok(desk)
}

#[test]
fn a_making_is_given_up_and_a_complaint_must_be_true() -> Tested {
    let desk = desk("given-up")?;
    let mut records = Vec::new();
    for i in 1..=3 {
        let out = format!("join-{i}.rec");
        desk.ok(
            &format!(
                "board join --id t{i} --session s/1 --index {i} --quorum 2 --of 3 --out {out}"
            ),
            &[],
        )?;
        records.push(out);
    }
    let joined = records.clone();
    let early = "board complain --id t1 --against 2 --out c.rec";
    desk.refused(early, &joined, "board.formation")?;
    for i in 1..=3 {
        let out = format!("first-{i}.rec");
        desk.ok(&format!("board round1 --id t{i} --out {out}"), &joined)?;
        records.push(out);
    }
    // Trustee 2 sent what it had to.
    desk.refused(early, &records, "lock.dkg-complaint")?;
    assert!(!desk.0.join("c.rec").exists());
    let told = desk.ok("board status --suite intl", &records)?;
    assert!(told.contains("3 of 3 have joined"), "{told}");

    desk.ok(
        "board abandon --id t3 --reason laptop-lost --out g.rec",
        &records,
    )?;
    records.push("g.rec".to_owned());
    let told = desk.ok("board status --suite intl", &records)?;
    assert!(
        told.contains("given up by trustee 3: laptop-lost") && !told.contains("joined"),
        "{told}"
    );
    let told = desk.ok("--json board status --suite intl", &records)?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    assert_eq!(told["given_up"][0]["by"], 3, "{told}");
    assert_eq!(told["given_up"][0]["culprit"], serde_json::Value::Null);
    // Nothing goes on from here.
    desk.refused(
        "board round2 --id t1 --out r.rec",
        &records,
        "board.not-a-member",
    )
}

/// The host's log in the place of a table: everybody hands records in and takes the log home.
#[test]
fn a_board_forms_through_a_log() -> Tested {
    let desk = desk("through-a-log")?;
    desk.ok(
        "ca issue --ca ca --kind host --name Host --out platform",
        &[],
    )?;
    let host = "--host log --id platform";
    desk.ok(
        &format!(
            "tender init {host} --suite intl --origin host.example/t/board --trust ca/root.cer"
        ),
        &[],
    )?;
    let hand_in = |record: &str| -> Tested {
        desk.ok(&format!("tender accept {host}"), &[record.to_owned()])?;
        desk.ok(&format!("tender export {host} --out log.tar"), &[])?;
        Ok(())
    };
    for i in 1..=3 {
        desk.ok(
            &format!(
                "board join --id t{i} --session s --index {i} --quorum 2 --of 3 --out j{i}.rec"
            ),
            &[],
        )?;
        hand_in(&format!("j{i}.rec"))?;
    }
    for (round, name) in [("round1", "a"), ("round2", "b")] {
        for i in 1..=3 {
            let record = format!("{name}{i}.rec");
            desk.ok(
                &format!("board {round} --id t{i} --out {record} log.tar"),
                &[],
            )?;
            hand_in(&record)?;
        }
    }
    let told = desk.ok("--json board status --suite intl log.tar", &[])?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    assert_eq!(told["members"], 3, "{told}");
    assert!(told["board"].is_string(), "{told}");

    // A fallback board beside it; its first making is given up.
    let join = |session: &str, i: u8| -> Tested {
        let record = format!("{session}-j{i}.rec");
        let seat = format!("--session {session} --index {i} --quorum 2 --of 2");
        desk.ok(
            &format!("board join --id f{session}{i} {seat} --out {record}"),
            &[],
        )?;
        hand_in(&record)
    };
    for session in ["x", "y"] {
        for i in 1..=2 {
            let issue = "ca issue --ca ca --kind trustee --name F";
            desk.ok(&format!("{issue}{session}{i} --out f{session}{i}"), &[])?;
            join(session, i)?;
        }
        for (round, name) in [("round1", "c"), ("round2", "d")] {
            for i in 1..=2 {
                let record = format!("{session}{name}{i}.rec");
                let by = format!("--id f{session}{i} --out {record} log.tar");
                desk.ok(&format!("board {round} {by}"), &[])?;
                hand_in(&record)?;
            }
            if session == "x" {
                let complaint = "board complain --id fx1 --against 2 --out e.rec log.tar";
                desk.refused(complaint, &[], "lock.dkg-complaint")?;
                desk.ok(
                    "board abandon --id fx1 --reason late --out e.rec log.tar",
                    &[],
                )?;
                hand_in("e.rec")?;
                break;
            }
        }
    }
    let told = desk.ok("--json board status --suite intl log.tar", &[])?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    assert_eq!(told["given_up"][0]["session"], "x", "{told}");
    desk.refused("board status --suite gm log.tar", &[], "other suite")
}
