//! `mifeng key` and `mifeng token`, as a person at a desk uses them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Tested = Result<(), Box<dyn std::error::Error>>;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/keys");
const PIN: &str = "correct horse";

struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("usb"))?;
        fs::write(path.join("pin"), format!("{PIN}\n"))?;
        fs::write(path.join("other"), "battery staple\n")?;
        fs::write(path.join("vectors"), "密封-mifeng\n")?;
        Ok(Desk(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs the command with the passphrase of this file.
    fn with(&self, pin: &str, args: &[&str]) -> std::io::Result<Output> {
        Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(["--lang", "en", "--pin-file", pin])
            .args(args)
            .current_dir(&self.0)
            .env("MIFENG_SKF_SIM", self.path("usb"))
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
    }

    fn ok(&self, pin: &str, args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
        let out = self.with(pin, args)?;
        let (told, error) = (
            String::from_utf8(out.stdout)?,
            String::from_utf8(out.stderr)?,
        );
        assert!(out.status.success(), "{args:?}: {told}{error}");
        Ok(told)
    }

    /// Runs a command that must be refused; gives its code.
    fn refused(&self, pin: &str, args: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
        let out = self.with(pin, &[&["--json"], args].concat())?;
        assert!(!out.status.success(), "{args:?} was done");
        let told: serde_json::Value = serde_json::from_slice(&out.stderr)?;
        Ok(told["code"].as_str().unwrap_or("none").to_owned())
    }
}

fn vector(name: &str) -> String {
    format!("{VECTORS}/{name}")
}

fn json(text: &str) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_str(text)
}

#[test]
fn key_files() -> Tested {
    let desk = Desk::new("key-files")?;
    for alg in ["sm2", "p256", "ed25519"] {
        let file = format!("{alg}.key");
        let made = json(&desk.ok(
            "pin",
            &["--json", "key", "new", "--alg", alg, "--out", &file],
        )?)?;
        let shown = json(&desk.ok("pin", &["--json", "key", "show", &file])?)?;
        assert_eq!(shown["keys"][0]["public_sha256"], made["public_sha256"]);
        assert_eq!(shown["protection"], "modern");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(desk.path(&file))?.permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file} is for its owner alone");
        }
        assert_eq!(
            desk.refused("other", &["key", "show", &file])?,
            "pki.passphrase"
        );
        // Never over a key that is there.
        let again = desk.refused("pin", &["key", "new", "--alg", alg, "--out", &file])?;
        assert_eq!(again, "usage");
    }
    desk.ok(
        "pin",
        &["key", "passwd", "sm2.key", "--new-pin-file", "other"],
    )?;
    assert_eq!(
        desk.refused("pin", &["key", "show", "sm2.key"])?,
        "pki.passphrase"
    );
    desk.ok("other", &["key", "show", "sm2.key"])?;
    Ok(())
}

#[test]
fn old_files_are_converted() -> Tested {
    let desk = Desk::new("converted")?;
    let old = vector("p256-rc2-40.p12");
    let before = json(&desk.ok("vectors", &["--json", "key", "show", &old])?)?;
    assert_eq!(before["protection"], "legacy");
    assert_eq!(before["certificates"].as_array().map(Vec::len), Some(1));
    for (to, file) in [("p12", "new.p12"), ("p8", "new.pem"), ("p8-der", "new.der")] {
        desk.ok(
            "vectors",
            &["key", "convert", &old, "--to", to, "--out", file],
        )?;
        let after = json(&desk.ok("vectors", &["--json", "key", "show", file])?)?;
        assert_eq!(after["protection"], "modern", "{to}");
        assert_eq!(
            after["keys"][0]["public_sha256"],
            before["keys"][0]["public_sha256"]
        );
    }
    desk.ok(
        "vectors",
        &[
            "key",
            "convert",
            "new.p12",
            "--to",
            "plain",
            "--out",
            "plain.pem",
        ],
    )?;
    let plain = json(&desk.ok("pin", &["--json", "key", "show", "plain.pem"])?)?;
    assert_eq!(plain["protection"], "plain");
    let (certificate, key) = (vector("sm2.cer.pem"), vector("sm2.key.pem"));
    let args = [
        "key",
        "convert",
        &key,
        "--to",
        "p12",
        "--cert",
        &certificate,
    ];
    desk.ok("pin", &[&args[..], &["--out", "sm2.p12"]].concat())?;
    let made = json(&desk.ok("pin", &["--json", "key", "show", "sm2.p12"])?)?;
    assert_eq!(made["keys"][0]["alg"], "SM2");
    assert_eq!(made["certificates"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn a_delivered_key_is_taken_in() -> Tested {
    let root = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/gm/gmsm"
    );
    if !Path::new(root).is_dir() {
        println!("skipped: {root} is not there");
        return Ok(());
    }
    let desk = Desk::new("delivered")?;
    let file = format!("{root}/gmcert-signed-and-enveloped.pem");
    let (sign, enc) = (
        format!("{root}/gmcert-sign.key.pem"),
        format!("{root}/gmcert-enc.key.expected.pem"),
    );
    let args = ["key", "import", &file, "--sign"];
    desk.ok("pin", &[&args[..], &[&sign, "--out", "id"]].concat())?;
    let taken = json(&desk.ok("pin", &["--json", "key", "show", "id/enc.key"])?)?;
    let expected = json(&desk.ok("pin", &["--json", "key", "show", &enc])?)?;
    assert_eq!(
        taken["keys"][0]["public_sha256"],
        expected["keys"][0]["public_sha256"]
    );
    let wrong = desk.refused("pin", &[&args[..], &[&enc, "--out", "other-id"]].concat())?;
    assert_eq!(wrong, "crypto.unverified");
    assert!(!desk.path("other-id").exists());
    Ok(())
}

/// The simulated device's library, which cargo builds as a dependency of the command.
fn skf_library() -> PathBuf {
    let own = std::env::current_exe().expect("this test has a path");
    let name = format!(
        "{}mifeng_skf_sim{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    own.with_file_name(name)
}

fn bidder(desk: &Desk, suite: &str) -> Tested {
    let ca = ["ca", "init", "--ca", "ca", "--suite", suite, "--name", "CA"];
    desk.ok("pin", &ca)?;
    Ok(())
}

#[test]
fn an_skf_token() -> Tested {
    let desk = Desk::new("skf-token")?;
    bidder(&desk, "gm")?;
    let name = [
        "--name",
        "Bidder",
        "--uscc",
        "91350200776049653A",
        "--out",
        "soft",
    ];
    desk.ok(
        "pin",
        &[
            &["ca", "issue", "--ca", "ca", "--kind", "bidder"],
            &name[..],
        ]
        .concat(),
    )?;
    let library = skf_library();
    let library = library.to_str().ok_or("a path")?;
    let module = ["--skf", "--module", library];
    assert_eq!(
        desk.refused("pin", &[&["token", "test"], &module[..]].concat())?,
        "token.none"
    );
    let simulate = ["token", "simulate", "--id", "soft", "--module", library];
    let device = ["--device", "usb/a.skf", "--out", "id"];
    desk.ok("pin", &[&simulate[..], &device].concat())?;
    let told = desk.ok("pin", &[&["--json", "token", "list"], &module[..]].concat())?;
    assert_eq!(json(&told)?["tokens"][0]["pin_tries"], 10);
    let told = desk.ok("pin", &[&["token", "test"], &module[..]].concat())?;
    assert!(
        told.contains("7. the token opened the bid's own leaf"),
        "{told}"
    );
    let told = json(&desk.ok("pin", &[&["--json", "token", "test"], &module[..]].concat())?)?;
    assert_eq!(told["steps"].as_array().map(Vec::len), Some(7));
    // Wrong PIN, and a second token plugged in.
    let test = [&["token", "test"], &module[..]].concat();
    assert_eq!(desk.refused("other", &test)?, "token.pin-wrong");
    fs::copy(desk.path("usb/a.skf"), desk.path("copy"))?;
    let device = ["--device", "usb/b.skf", "--out", "id-b"];
    desk.ok("pin", &[&simulate[..], &device].concat())?;
    assert_eq!(desk.refused("pin", &test)?, "token.several");
    // The identity folder names its token; keys are nowhere else.
    assert!(!desk.path("id/sign.key").exists() && !desk.path("id/enc.key").exists());
    let board = [
        "board",
        "join",
        "--id",
        "id",
        "--session",
        "s",
        "--index",
        "1",
    ];
    let board = [
        &board[..],
        &["--quorum", "2", "--of", "3", "--out", "join.rec"],
    ]
    .concat();
    desk.ok("pin", &board)?;
    assert!(desk.path("join.rec").exists());
    fs::remove_file(desk.path("usb/a.skf"))?;
    fs::remove_file(desk.path("join.rec"))?;
    assert_eq!(desk.refused("pin", &board)?, "token.not-there");
    assert!(!desk.path("join.rec").exists());
    // No key of this kind goes through PKCS#11.
    let list = ["token", "list", "--module", library];
    assert_eq!(desk.refused("pin", &list)?, "token.library");
    Ok(())
}

#[test]
fn a_pkcs11_token() -> Tested {
    let library = "/usr/lib/softhsm/libsofthsm2.so";
    let desk = Desk::new("pkcs11-token")?;
    fs::write(
        desk.path("softhsm2.conf"),
        format!("directories.tokendir = {}\n", desk.path("usb").display()),
    )?;
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "desk"])
        .args(["--pin", PIN, "--so-pin", "87654321"])
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .output();
    if !Path::new(library).exists() || !made.is_ok_and(|out| out.status.success()) {
        println!("skipped: SoftHSM2 is not installed");
        return Ok(());
    }
    bidder(&desk, "intl")?;
    let test = ["token", "test", "--module", library];
    assert_eq!(desk.refused("pin", &test)?, "token.no-certificate");
    let enrol = [
        "token", "enrol", "--module", library, "--ca", "ca", "--name", "Bidder",
    ];
    let who = [
        "--uscc",
        "91350200776049653A",
        "--out",
        "id",
        "--token-pin-file",
        "pin",
    ];
    desk.ok("pin", &[&enrol[..], &who].concat())?;
    let told = desk.ok("pin", &test)?;
    assert!(
        told.contains("7. the token opened the bid's own leaf"),
        "{told}"
    );
    assert!(told.contains("intl-1"), "{told}");
    assert_eq!(desk.refused("other", &test)?, "token.pin-wrong");
    assert!(desk.path("id/token.json").exists() && desk.path("id/enc.cer").exists());
    Ok(())
}
