//! A wrong, cut or random file in the place of any argument: one sentence, the right exit code, no
//! panic, nothing half-written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Exit codes that bad input may end in: refused, usage, malformed, unavailable.
const CODES: [i32; 4] = [1, 2, 3, 4];

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("mifeng-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        fs::write(path.join("pin"), "correct horse\n")?;
        Ok(Folder(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(folder: &Folder, args: &[&str]) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .arg("--lang")
        .arg("en")
        .arg("--pin-file")
        .arg(folder.path("pin"))
        .args(args)
        .current_dir(&folder.0)
        .output()
}

/// Files that are not what any command wants.
fn wrong_files(folder: &Folder) -> std::io::Result<Vec<String>> {
    let random: Vec<u8> = (0..5_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let deep = "[".repeat(100_000);
    let files: [(&str, &[u8]); 8] = [
        ("empty", b""),
        ("random", &random),
        ("zeros", &[0; 4096]),
        ("text", "这不是记录 / not a record\n".as_bytes()),
        ("json", b"{\"v\":1,\"body\":\"AA==\",\"sig\":\"AA==\"}"),
        ("deep", deep.as_bytes()),
        (
            "pem",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
        ("magic", b"MIFENG\x00\x01\xff\xff\xff\xff"),
    ];
    for (name, content) in files {
        fs::write(folder.path(name), content)?;
    }
    fs::create_dir_all(folder.path("folder"))?;
    let mut names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.extend(["folder".to_owned(), "missing".to_owned()]);
    Ok(names)
}

fn check(output: &Output, args: &[&str], out: &Path) {
    let code = output.status.code().unwrap_or(-1);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(CODES.contains(&code), "{args:?}: exit code {code}: {text}");
    assert!(!text.contains("panicked"), "{args:?}: {text}");
    assert!(!text.trim().is_empty(), "{args:?}: no message");
    assert!(!out.exists(), "{args:?}: left {}", out.display());
    let leftovers = out
        .parent()
        .and_then(|folder| fs::read_dir(folder).ok())
        .map(|entries| {
            entries
                .flatten()
                .any(|e| e.file_name().to_string_lossy().ends_with(".part"))
        });
    assert_ne!(leftovers, Some(true), "{args:?}: left a half-written file");
}

#[test]
fn every_argument_of_every_command() -> std::io::Result<()> {
    let folder = Folder::new("bad")?;
    let out = folder.path("out");
    for file in wrong_files(&folder)? {
        let f = file.as_str();
        let commands: Vec<Vec<&str>> = vec![
            vec!["verify", f],
            vec!["inspect", f],
            vec![
                "receipt",
                "verify",
                "--receipt",
                f,
                "--record",
                f,
                "--tender",
                f,
            ],
            vec![
                "ca", "issue", "--ca", f, "--kind", "host", "--name", "x", "--out", "out",
            ],
            vec!["ca", "revoke", "--ca", f, "--cert", f],
            vec![
                "board",
                "join",
                "--id",
                f,
                "--session",
                "s",
                "--index",
                "1",
                "--quorum",
                "1",
                "--of",
                "1",
                "--out",
                "out",
            ],
            vec!["board", "round1", "--id", f, f, "--out", "out"],
            vec!["board", "cosign", "--id", f, "--tender", f, "--out", "out"],
            vec!["board", "release", "--id", f, "--tender", f, "--out", "out"],
            vec![
                "tender", "publish", "--id", f, "--tender", f, "--plan", f, "--out", "out",
            ],
            vec!["tender", "export", "--host", f, "--id", f, "--out", "out"],
            vec![
                "bid",
                "seal",
                "--id",
                f,
                "--tender",
                f,
                "--lot",
                "1",
                "--files",
                f,
                "--price",
                "1",
                "--price-cn",
                "x",
                "--out",
                "out",
            ],
            vec!["bid", "check", "--tender", f, "--bid", f],
            vec![
                "panel", "sheet", "--id", f, "--tender", f, "--lot", "1", "--scores", f, "--out",
                "out",
            ],
            vec!["tsa", "stamp", "--id", f, "--tender", f, "--out", "out"],
            vec!["tsa", "stamp", "--id", f, "--request", f, "--out", "out"],
            vec!["tsa", "check", f, "--data", f, "--trust", f],
            vec!["sign", f, "--id", f, "--out", "out"],
            vec!["check", f, "--trust", f],
            vec!["cert", "show", f],
            vec!["cert", "check", f, "--trust", f],
            vec!["cert", "check", f, "--list", f],
            vec!["crl", "show", f],
            vec!["crl", "fetch", f, "--out", "out"],
            vec!["trust", "list", f],
            vec!["trust", "new", "--after", f, "--out", "out"],
            vec!["trust", "add", "--draft", f, "--name", "x", "--root", f],
            vec!["trust", "sign", "--draft", f, "--id", f, "--out", "out"],
            vec!["trust", "export", "--list", f, "--out", "out"],
            vec!["trust", "export", "--tender", f, "--out", "out"],
            vec![
                "trust", "import", "--id", f, "--tender", f, "--list", f, "--out", "out",
            ],
            vec!["archive", "--host", f, "--id", f, "--out", "out"],
        ];
        for args in &commands {
            check(&run(&folder, args)?, args, &out);
        }
    }
    Ok(())
}

#[test]
fn wrong_passphrase_and_usage() -> std::io::Result<()> {
    let folder = Folder::new("pin")?;
    let made = run(
        &folder,
        &[
            "ca", "init", "--ca", "ca", "--suite", "intl", "--name", "Test CA",
        ],
    )?;
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    fs::write(folder.path("pin"), "wrong horse\n")?;
    let args = [
        "ca", "issue", "--ca", "ca", "--kind", "host", "--name", "x", "--out", "out",
    ];
    let refused = run(&folder, &args)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pki.passphrase"));
    assert!(!folder.path("out").exists());
    assert_eq!(run(&folder, &["tender"])?.status.code(), Some(2));
    assert_eq!(
        run(&folder, &["demo", "--bidders", "1"])?.status.code(),
        Some(2)
    );
    // A missing file is unavailable, a random one malformed.
    assert_eq!(
        run(&folder, &["verify", "nowhere.tar"])?.status.code(),
        Some(4)
    );
    fs::write(folder.path("random.tar"), [7; 2048])?;
    assert_eq!(
        run(&folder, &["verify", "random.tar"])?.status.code(),
        Some(3)
    );
    Ok(())
}

/// Without a terminal a passphrase that is asked for is a usage error, so that any other answer came before it.
#[test]
fn folders_are_looked_at_before_a_passphrase_is_asked_for() -> std::io::Result<()> {
    let folder = Folder::new("before-pin")?;
    for line in [
        "ca init --ca ca --suite intl --name CA",
        "ca issue --ca ca --kind host --name p --out p",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(run(&folder, &words)?.status.success(), "{line}");
    }
    fs::create_dir(folder.path("house"))?;
    for (line, code, named) in [
        ("serve --listen 127.0.0.1:0 --dir none --id p", 4, "none"),
        ("serve --listen 127.0.0.1:0 --dir pin --id p", 4, "pin"),
        (
            "serve --listen 127.0.0.1:0 --dir house --id nobody",
            4,
            "nobody/sign.cer",
        ),
        ("tender close --host none --id p", 4, "none"),
        ("tender export --host pin --id p --out x", 4, "pin"),
        (
            "serve --listen 127.0.0.1:0 --dir house --id p",
            2,
            "passphrase",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_mifeng"))
            .args(["--lang", "en"])
            .args(line.split(' '))
            .current_dir(&folder.0)
            .stdin(std::process::Stdio::null())
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(named), "{line}: {said}");
    }
    assert!(
        !folder.path("none").exists(),
        "nothing is made in a wrong place"
    );
    Ok(())
}
