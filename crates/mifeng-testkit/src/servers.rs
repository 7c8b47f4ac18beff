//! PostgreSQL and an S3 test server, on this machine only.
//!
//! A server lives as long as the program that started it: a shell waits for the end of a pipe that only the
//! program holds. What the machine does not have is `None`.
#![allow(missing_docs)] // Made for tests: the names say what things are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with its test.
pub struct Folder(pub PathBuf);

static FOLDERS: AtomicU32 = AtomicU32::new(0);

impl Folder {
    pub fn new(name: &str) -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let name = format!("mifeng-store-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("text").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Numbers for names that are used once.
static NEXT: AtomicU32 = AtomicU32::new(1);

fn next(name: &str) -> String {
    format!("{name}{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// A script that ends when this program does: its input is a pipe from here.
struct Guard(Child);

fn guarded(script: &str, args: &[&str]) -> Guard {
    let child = Command::new("sh")
        .args(["-c", script, "sh"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Guard(child.expect("a shell"))
}

/// A server of its own, with its files in a folder that goes with it.
pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    _guard: Guard,
}

/// Waits in the folder until the pipe ends, then stops the server and takes the folder away.
const POSTGRES_GUARD: &str = r#"cat >/dev/null
pid=$(head -1 "$1/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && kill -QUIT "$pid"
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
rm -rf "$1""#;

impl Postgres {
    /// One for all tests of a program.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(Postgres::start).as_ref()
    }

    /// A new server, if the machine has the programs.
    pub fn start() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let bin = versions
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())?;
        let mut folder = Folder::new("server");
        // The server's folder is taken away by its guard, which outlives this program.
        let path = std::mem::take(&mut folder.0);
        let server = Postgres {
            _guard: guarded(POSTGRES_GUARD, &[path.to_str()?]),
            bin,
            folder: path,
        };
        if is_root() {
            let owner = Command::new("chown")
                .arg("postgres")
                .arg(&server.folder)
                .status();
            if !owner.is_ok_and(|done| done.success()) {
                return None;
            }
        }
        let data = server.data();
        let made = server.run(
            "initdb",
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
        );
        assert!(made, "initdb failed");
        server.up();
        Some(server)
    }

    fn data(&self) -> String {
        self.folder.join("data").to_str().expect("text").to_owned()
    }

    /// Runs a program of the server; PostgreSQL refuses to be run by root.
    fn run(&self, program: &str, args: &[&str]) -> bool {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let done = command
            .args(args)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|done| done.success())
    }

    /// Starts the server, on a socket in its folder only, and waits until it answers.
    pub fn up(&self) {
        let options = format!(
            "-k {} -c listen_addresses= -c max_connections=50",
            self.folder.display()
        );
        let log = self.folder.join("log").display().to_string();
        let args = [
            "-D",
            &self.data(),
            "-w",
            "-t",
            "60",
            "-l",
            &log,
            "-o",
            &options,
            "start",
        ];
        assert!(self.run("pg_ctl", &args), "the server did not start");
    }

    /// Stops it at once, as a crash does.
    pub fn crash(&self) {
        let args = ["-D", &self.data(), "-m", "immediate", "-w", "stop"];
        assert!(self.run("pg_ctl", &args), "the server did not stop");
    }

    /// A new database.
    pub fn database(&self) -> String {
        let name = next("test");
        self.query("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// A statement, by the server's own client.
    pub fn query(&self, database: &str, sql: &str) -> String {
        let host = self.folder.to_str().expect("text");
        let args = ["-h", host, "-U", "postgres", "-d", database, "-Atqc", sql];
        let said = Command::new(self.bin.join("psql")).args(args).output();
        let said = said.expect("psql");
        assert!(
            said.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    pub fn url(&self, database: &str) -> String {
        let host = self.folder.display();
        format!("postgres:///{database}?user=postgres&host={host}")
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// An S3 test server.
pub struct ObjectStore {
    address: String,
    folder: Folder,
    _guard: Guard,
}

/// Starts the server behind the pipe's end.
const OBJECTS_GUARD: &str = r#"exec 3<&0
"$1" -H 127.0.0.1 -p 0 </dev/null &
pid=$!
cat <&3 >/dev/null
kill "$pid""#;

impl ObjectStore {
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<ObjectStore>> = OnceLock::new();
        SHARED.get_or_init(ObjectStore::start).as_ref()
    }

    /// `./test` puts it below target/.
    fn start() -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let mut above = program
            .ancestors()
            .map(|folder| folder.join("moto/bin/moto_server"));
        let program = above.find(|path| path.is_file())?;
        let mut guard = guarded(OBJECTS_GUARD, &[program.to_str()?]);
        let mut said = BufReader::new(guard.0.stderr.take()?);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if said.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((_, address)) = line.split_once("http://") {
                break address.trim().to_owned();
            }
        };
        // It logs every request: somebody has to read that.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let folder = Folder::new("objects");
        let credentials = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";
        std::fs::write(folder.0.join("credentials"), credentials).ok()?;
        Some(ObjectStore {
            address,
            folder,
            _guard: guard,
        })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// A new bucket.
    pub fn bucket(&self) -> String {
        let name = next("bucket");
        assert!(self.say("PUT", &format!("/{name}")).contains("200"));
        name
    }

    /// A plain request; the test server asks for no signature.
    pub fn say(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the test server");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).expect("an answer");
        String::from_utf8_lossy(&said).into_owned()
    }

    pub fn url(&self, bucket: &str) -> String {
        self.url_at(bucket, &self.address, 30)
    }

    /// Through another address, with a time limit in seconds.
    pub fn url_at(&self, bucket: &str, address: &str, timeout: u32) -> String {
        let credentials = self.folder.join("credentials");
        format!(
            "s3://{bucket}/some/prefix?endpoint=http://{address}&credentials={credentials}&timeout={timeout}"
        )
    }
}

/// Whether a path has files below it.
pub fn files_below(path: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(path) else {
        return 0;
    };
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}
