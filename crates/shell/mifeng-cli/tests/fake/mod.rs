//! A host that says what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// What the host is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The path behind `/v1/tenders/T1`, or the whole one if it is no part of that tender.
    pub(crate) rest: String,
    /// The token that came with it.
    pub(crate) token: Option<String>,
    /// The mark of what the asker has (`If-None-Match`).
    pub(crate) known: Option<String>,
}

/// What it says.
pub(crate) struct Said {
    pub(crate) status: u16,
    /// The mark of what it sends.
    pub(crate) mark: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl From<(u16, Vec<u8>)> for Said {
    fn from((status, body): (u16, Vec<u8>)) -> Self {
        let mark = None;
        Said { status, mark, body }
    }
}

/// It serves the tender T1, one request after the other.
pub(crate) struct Host {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Host {
    /// `says` is given the request, and how many like it came before.
    pub(crate) fn new<S: Into<Said>>(says: impl Fn(&Asked, usize) -> S + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/t/T1", listener.local_addr().expect("bound"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let one = read(&stream);
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                let before = seen.iter().filter(|old| **old == one).count();
                let said = says(&one, before).into();
                seen.push(one);
                answer(&stream, &said);
            }
        });
        Host { url, asked }
    }

    /// How often something was asked.
    pub(crate) fn count(&self, method: &str, rest: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |one: &&Asked| one.method == method && one.rest == rest;
        asked.iter().filter(of).count()
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).expect("a line");
    let (mut len, mut asked) = (0, Asked::default());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match &*name.to_lowercase() {
            "content-length" => len = value.parse().expect("a length"),
            "authorization" => asked.token = value.strip_prefix("Bearer ").map(str::to_owned),
            "if-none-match" => asked.known = Some(value.to_owned()),
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(len), &mut std::io::sink()).expect("a body");
    let mut words = first.split(' ').map(str::to_owned);
    asked.method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let rest = path.strip_prefix("/v1/tenders/T1").unwrap_or(&path);
    rest.clone_into(&mut asked.rest);
    asked
}

fn answer(mut stream: &TcpStream, said: &Said) {
    let mark = said.mark.iter().map(|mark| format!("etag: {mark}\r\n"));
    let head = format!(
        "HTTP/1.1 {} said\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n",
        said.status,
        said.body.len(),
        mark.collect::<String>()
    );
    let sent = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&said.body));
    sent.expect("sent");
}
