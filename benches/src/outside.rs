//! Peers outside Rust: child processes that run a job as often as they are told and say how long
//! it took, so that they take turns like every other peer.
//!
//! The programs for OpenSSL and libgcrypt lie in `peers/` and are built with the system's `cc` at
//! the start of a bench; where that fails (no compiler, no headers) the peer is absent; GmSSL takes
//! part where `python3` has `gmssl_pyx`. Any other
//! program that speaks the protocol of one line each way can be named in the environment variable
//! `MIFENG_PEER`.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running peer.
pub struct Outside {
    name: String,
    inner: RefCell<Pipes>,
}

struct Pipes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Outside {
    /// The peers that are present, each with a line printed about it; programs are built in
    /// `folder`.
    pub fn all(folder: &Path) -> Vec<Outside> {
        let built = [
            ("OpenSSL 3", "openssl.c", "-lcrypto"),
            ("libgcrypt", "libgcrypt.c", "-lgcrypt"),
        ];
        let mut out = Vec::new();
        for (name, source, library) in built {
            let program = folder.join(name.replace(' ', "-"));
            let source = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("peers")
                .join(source);
            let done = Command::new("cc")
                .args(["-O2", "-o"])
                .args([&program, &source])
                .arg(library)
                .stderr(Stdio::null())
                .status();
            match done.is_ok_and(|status| status.success()) {
                true => out.extend(Outside::start(name, Command::new(program))),
                false => println!("peer {name}: absent (cc and {library} are needed)"),
            }
        }
        // GmSSL, where the Python package is there.
        let gmssl = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/gmssl.py");
        let mut there = Command::new("python3");
        there.args(["-c", "import gmssl_pyx"]).stderr(Stdio::null());
        if there.status().is_ok_and(|status| status.success()) {
            let mut command = Command::new("python3");
            command.arg(gmssl);
            out.extend(Outside::start("GmSSL", command));
        } else {
            println!("peer GmSSL: absent (PyPI gmssl-pyx is needed)");
        }
        if let Ok(line) = std::env::var("MIFENG_PEER") {
            let mut words = line.split_whitespace();
            if let Some(program) = words.next() {
                let mut command = Command::new(program);
                command.args(words);
                out.extend(Outside::start("MIFENG_PEER", command));
            }
        }
        out
    }

    fn start(name: &str, mut command: Command) -> Option<Outside> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            println!("peer {name}: does not start");
            return None;
        };
        println!("peer {name}: present");
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Outside {
            name: name.to_owned(),
            inner: RefCell::new(Pipes {
                child,
                input,
                output,
            }),
        })
    }

    /// The name for the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seconds of one of `count` runs, or nothing if the peer does not have this job.
    pub fn time(&self, job: &str, count: u32) -> Option<f64> {
        let mut pipes = self.inner.borrow_mut();
        writeln!(pipes.input, "{job} {count}").ok()?;
        pipes.input.flush().ok()?;
        let mut line = String::new();
        pipes.output.read_line(&mut line).ok()?;
        let nanoseconds: f64 = line.trim().parse().ok()?;
        Some(nanoseconds * 1e-9 / f64::from(count))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // It ends with its input; the kill is for one that hangs.
        let pipes = self.inner.get_mut();
        let _ = pipes.child.kill();
        let _ = pipes.child.wait();
    }
}
