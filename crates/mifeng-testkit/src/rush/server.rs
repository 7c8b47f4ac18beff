//! The host under test: the real program, started, killed and started again.

use super::line::Line;
use super::scene::{Outcome, Scene};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A start on a busy machine with a long log.
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

pub(super) struct Server {
    arguments: Vec<String>,
    program: PathBuf,
    log: PathBuf,
    pub(super) address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts it, and waits until it answers.
    pub(super) fn start(
        program: &std::path::Path,
        scene: &Scene,
        kept: &[String],
    ) -> Outcome<Self> {
        // The number is free now; the host takes it again after each kill.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let text = |path: PathBuf| path.display().to_string();
        let mut arguments: Vec<String> = ["--lang", "en", "--pin-file"].map(str::to_owned).to_vec();
        arguments.push(text(scene.pin()));
        arguments.push("serve".to_owned());
        for (option, value) in [
            ("--dir", text(scene.house())),
            ("--id", text(scene.identity())),
            ("--listen", address.to_string()),
        ] {
            arguments.extend([option.to_owned(), value]);
        }
        arguments.extend_from_slice(kept);
        let log = scene.folder.join("serve.log");
        let child = spawn(program, &arguments, &log)?;
        let mut server = Server {
            arguments,
            program: program.to_owned(),
            log,
            address,
            child,
        };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Outcome<()> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait()? {
                let said = std::fs::read_to_string(&self.log).unwrap_or_default();
                return Err(format!("the host ended with {status}: {said}").into());
            }
            let answer = Line::to(self.address).ask("GET", "/healthz", b"");
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err("the host does not answer".into())
    }

    /// Kills it as a crash does, and starts it again.
    pub(super) fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(&self.program, &self.arguments, &self.log)?;
        self.wait()
    }

    /// Asks it to end, as the operator does.
    pub(super) fn stop(&mut self) -> Outcome<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let status = self.child.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the host ended with {status}").into()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &std::path::Path, arguments: &[String], log: &std::path::Path) -> Outcome<Child> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn();
    child.map_err(|e| format!("{}: {e}", program.display()).into())
}

/// Resident memory of a process in KiB, as the system counts it.
pub(super) fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().split(' ').next()?.parse().ok()
}
