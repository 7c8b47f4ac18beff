//! What a bidder is told of a bid whose body may come after its record: no success without a receipt that says it is there,
//! and a sign-in where the host asks for one; and a notice, which goes with the files that it lists.

mod fake;

use fake::Host;
use mifeng::crypto::INTL;
use mifeng::tender::Document;
use mifeng::{Export, Receipt};
use mifeng_testkit::world::*;
use std::io::Cursor;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};

/// A bid of a tender in which bodies may come later: its files, and its receipts without and with the body.
struct Bid {
    root: PathBuf,
    name: String,
    upload: Vec<u8>,
    alone: Vec<u8>,
    whole: Vec<u8>,
}

impl Bid {
    fn new(name: &str) -> Self {
        let cast = Cast::new(&INTL, "send");
        let mut tender = Tender::unpublished(&cast, "host.example/t/T1");
        let mut notice = notice(&cast, tender.host.state(), Kind::Board);
        notice.body_grace_ms = 20_000;
        tender.publish(&notice).expect("a lawful notice");
        let bid = tender.seal(0, 900_000, 12);
        let record = bid.record.clone();
        tender.take(record.clone(), 12).expect("on time");
        let alone = tender.beat(20).remove(0);
        let mut body = Cursor::new(&bid.file);
        let taken = tender
            .host
            .submit(record.clone(), Some(&mut body), secs(21));
        taken.expect("its body");
        let whole = tender
            .host
            .receipt_again(&record, secs(22))
            .expect("logged");
        let root = std::env::temp_dir().join(format!("mifeng-send-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(&root).expect("a folder");
        let file = |name: &str, bytes: &[u8]| {
            std::fs::write(root.join(name), bytes).expect("written");
        };
        file("my.rec", &record.to_file().expect("a file"));
        file("my.bid", &bid.file);
        file("now.tar", &tender.tar(Export::Records));
        file("pin", b"a passphrase\n");
        let commitment = record.commitment(&INTL);
        let size = bid.file.len();
        let upload =
            format!(r#"{{"record":"{commitment}","size":{size},"block":1048576,"missing":[]}}"#);
        let bytes = |receipt: &Receipt| receipt.to_file().expect("a file");
        Bid {
            root,
            name: commitment.to_string(),
            upload: upload.into_bytes(),
            alone: bytes(&alone),
            whole: bytes(&whole),
        }
    }

    fn run(&self, line: &str) -> Output {
        let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&self.root)
            .args(["--lang", "en", "--pin-file", "pin"])
            .args(line.split_whitespace())
            .output();
        run.expect("the command runs")
    }

    fn send(&self, host: &Host, more: &str) -> Output {
        let url = &host.url;
        self.run(&format!(
            "send --host {url} my.rec --bid my.bid --tender now.tar --receipt my.receipt {more}"
        ))
    }

    fn kept(&self) -> Vec<u8> {
        std::fs::read(self.root.join("my.receipt")).expect("a receipt")
    }

    fn uploads(&self) -> String {
        format!("/uploads/{}", self.name)
    }
}

impl Drop for Bid {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_receipt_without_the_body_is_no_success() {
    let bid = Bid::new("lying");
    let (upload, alone) = (bid.upload.clone(), bid.alone.clone());
    let host = Host::new(move |asked, _| match &*asked.rest {
        "/uploads" => (201, upload.clone()),
        _ => (201, alone.clone()),
    });
    for (more, finished) in [("", 3), ("--record-first", 6)] {
        let out = bid.send(&host, more);
        assert_eq!(out.status.code(), Some(1), "{}", said(&out));
        assert!(said(&out).contains("receipt.no-body"), "{}", said(&out));
        // It was handed in again each time, and what came is kept: it shows what the host did not say.
        assert_eq!(host.count("POST", &bid.uploads()), finished);
        assert_eq!(bid.kept(), bid.alone);
    }
}

#[test]
fn what_a_host_lost_is_sent_again_until_it_is_there() {
    let bid = Bid::new("lost");
    let (upload, alone, whole) = (bid.upload.clone(), bid.alone.clone(), bid.whole.clone());
    let host = Host::new(move |asked, before| match &*asked.rest {
        "/uploads" => (201, upload.clone()),
        _ if before == 0 => (201, alone.clone()),
        _ => (201, whole.clone()),
    });
    let out = bid.send(&host, "");
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(host.count("POST", "/uploads"), 2);
    assert_eq!(bid.kept(), bid.whole);
    // The record's receipt says by now that all is there: nothing is sent once more.
    let asked = host.count("POST", "/uploads");
    let first = bid.run(&format!("send --host {} my.rec --tender now.tar", host.url));
    assert!(first.status.success(), "{}", said(&first));
    let out = bid.send(&host, "--record-first");
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(host.count("POST", "/uploads"), asked);
}

#[test]
fn it_signs_in_where_the_host_asks_for_that() {
    let bid = Bid::new("sign-in");
    for line in [
        "ca init --ca ca --suite intl --name CA",
        "ca issue --ca ca --kind trustee --name bidder --out bidder",
    ] {
        let out = bid.run(line);
        assert!(out.status.success(), "{line}: {}", said(&out));
    }
    let (upload, alone, whole) = (bid.upload.clone(), bid.alone.clone(), bid.whole.clone());
    let refusal = br#"{"title":"sign in first","code":"access.sign-in"}"#.to_vec();
    let address = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&address);
    let busy = br#"{"title":"not available now","code":"system.unavailable"}"#.to_vec();
    let host = Host::new(move |asked, before| {
        let host = own.lock().unwrap_or_else(PoisonError::into_inner);
        let (zeros, suite) = ("0".repeat(64), INTL.id());
        match (&*asked.rest, asked.token.as_deref()) {
            ("/sign-in/challenge", _) => {
                let text = format!(
                    r#"{{"origin":"host.example/t/T1","suite":"{suite}","challenge":{{"host":"{host}","nonce":"{zeros}","proof":"{zeros}","expires":"2026-03-01T01:05:00Z"}}}}"#
                );
                (201, text.into_bytes())
            }
            // Its lists do not answer at first: the same statement is sent again.
            ("/sign-in", _) if before == 0 => (503, busy.clone()),
            ("/sign-in", _) => {
                let text = r#"{"token":"a1b2","name":"bidder","roles":["bidder"],"expires":"2026-03-01T03:00:00Z"}"#;
                (201, text.as_bytes().to_vec())
            }
            (_, None | Some("stale")) => (401, refusal.clone()),
            ("/uploads", Some("a1b2")) => (201, upload.clone()),
            ("/records", Some("a1b2")) => (201, alone.clone()),
            (_, Some("a1b2")) => (201, whole.clone()),
            _ => (
                403,
                br#"{"title":"another's","code":"access.not-own"}"#.to_vec(),
            ),
        }
    });
    let name = host.url.trim_start_matches("http://");
    name.trim_end_matches("/t/T1")
        .clone_into(&mut address.lock().unwrap_or_else(PoisonError::into_inner));
    std::fs::write(bid.root.join("stale"), "stale\n").expect("written");
    std::fs::write(bid.root.join("good"), "a1b2\n").expect("written");
    std::fs::write(bid.root.join("other"), "c3d4\n").expect("written");
    // Who gives nothing to sign in with is told what to do.
    for more in ["", "--token stale"] {
        let out = bid.send(&host, more);
        assert_eq!(out.status.code(), Some(1));
        let said = said(&out);
        assert!(
            said.contains("access.sign-in") && said.contains("--id FOLDER"),
            "{said}"
        );
    }
    assert_eq!(host.count("POST", "/sign-in"), 0);
    let out = bid.send(&host, "--token other");
    assert!(said(&out).contains("access.not-own"), "{}", said(&out));
    for (more, sign_ins) in [("--token good", 0), ("--id bidder", 2)] {
        let out = bid.send(&host, more);
        assert!(out.status.success(), "{more}: {}", said(&out));
        assert_eq!(host.count("POST", "/sign-in"), sign_ins);
        assert_eq!(bid.kept(), bid.whole);
    }
}

#[test]
fn a_notice_goes_with_the_files_that_it_lists_or_not_at_all() {
    let cast = Cast::new(&INTL, "send");
    let mut tender = Tender::unpublished(&cast, "host.example/t/T1");
    let file = |name: &str, content: &[u8]| Document {
        name: name.to_owned(),
        hash: INTL.hash().digest(content),
        size: content.len() as u64,
    };
    let documents = vec![
        file("招标文件.pdf", b"the document"),
        file("图纸.zip", b"drawings"),
    ];
    let mut lawful = notice(&cast, tender.host.state(), Kind::Board);
    lawful.documents.clone_from(&documents);
    lawful.pin(secs(1)).expect("a pack in force");
    let publish = tender.signed(&cast.agency, "tender.publish", &lawful, 1);
    let amend = serde_json::json!({ "documents": documents });
    let amend = tender.signed(&cast.agency, "tender.amend", &amend, 1);
    tender.take(publish.clone(), 1).expect("a lawful notice");
    let receipt = tender.host.receipt_again(&publish, secs(2));
    let receipt = receipt.expect("logged").to_file().expect("a file");
    let root = std::env::temp_dir().join(format!("mifeng-send-listed-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(&root).expect("a folder");
    for (name, bytes) in [
        ("publish.rec", publish.to_file().expect("a file")),
        ("amend.rec", amend.to_file().expect("a file")),
        ("now.tar", tender.tar(Export::Records)),
        ("a.pdf", b"the document".to_vec()),
        ("b.zip", b"drawings".to_vec()),
        ("other.zip", b"other drawings".to_vec()),
    ] {
        std::fs::write(root.join(name), bytes).expect("written");
    }
    let host = Host::new(move |asked, _| match (&*asked.method, &*asked.rest) {
        ("GET", "") => {
            let text = format!(
                r#"{{"suite":"{}","tender":"T1","title":{{"zh":"t","en":"t"}},"stage":"setup","size":9}}"#,
                INTL.id()
            );
            (200, text.into_bytes())
        }
        ("POST", "/records") => (201, receipt.clone()),
        _ => (204, Vec::new()),
    });
    let send = |lang: &str, line: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .current_dir(&root)
            .args(["--lang", lang, "send", "--host", &host.url])
            .args(line.split_whitespace())
            .output();
        run.expect("the command runs")
    };
    for record in ["publish.rec", "amend.rec"] {
        for (given, named, not) in [
            ("", "招标文件.pdf, 图纸.zip", "none"),
            ("--document a.pdf", "图纸.zip", "招标文件.pdf"),
            (
                "--document a.pdf --document other.zip",
                "图纸.zip",
                "招标文件.pdf",
            ),
        ] {
            for (lang, words) in [("zh", "文件未随附"), ("en", "files that are not given")] {
                let out = send(lang, &format!("{record} {given}"));
                assert_eq!(out.status.code(), Some(2), "{}", said(&out));
                let said = said(&out);
                assert!(said.contains(named) && said.contains(words), "{said}");
                assert!(!said.contains(not), "{said}");
            }
        }
    }
    // Nothing of it went out.
    assert_eq!(host.count("POST", "/records"), 0);
    let line = "publish.rec --tender now.tar --document b.zip --document a.pdf";
    let out = send("en", line);
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(host.count("POST", "/records"), 1);
    for one in &documents {
        assert_eq!(host.count("PUT", &format!("/documents/{}", one.hash)), 1);
    }
    let _ = std::fs::remove_dir_all(&root);
}
