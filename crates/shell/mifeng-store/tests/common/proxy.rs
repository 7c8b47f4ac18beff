//! Something between a store and its server that breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Goes through.
    Pass,
    /// So many requests are answered with 500, those after them go through.
    Fails(u32),
    /// So many requests reach the server, but their answers are lost; those after them go through.
    Loses(u32),
    /// Never answered.
    Stalls,
    /// Closed at once.
    Gone,
}

struct Inner {
    mode: Mode,
    open: Vec<TcpStream>,
    requests: u32,
}

/// Listens on an address of its own, one request for each connection.
pub(crate) struct Proxy {
    address: String,
    inner: Arc<Mutex<Inner>>,
}

impl Proxy {
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let inner = Arc::new(Mutex::new(Inner {
            mode: Mode::Pass,
            open: Vec::new(),
            requests: 0,
        }));
        let (server, shared) = (server.to_owned(), Arc::clone(&inner));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, inner) = (server.clone(), Arc::clone(&shared));
                let stream = stream.expect("a connection");
                std::thread::spawn(move || serve(stream, &server, &inner));
            }
        });
        Proxy { address, inner }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on, for connections that are open too.
    pub(crate) fn set(&self, mode: Mode) {
        let mut inner = self.inner.lock().expect("the proxy");
        inner.mode = mode;
        for stream in inner.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// The answer to the next request is lost.
    pub(crate) fn lose_next(&self) {
        self.inner.lock().expect("the proxy").mode = Mode::Loses(1);
    }

    pub(crate) fn requests(&self) -> u32 {
        self.inner.lock().expect("the proxy").requests
    }
}

/// What is left of a number of requests to spoil.
fn less(count: u32, mode: impl Fn(u32) -> Mode) -> Mode {
    match count {
        0 | 1 => Mode::Pass,
        count => mode(count - 1),
    }
}

fn serve(mut client: TcpStream, server: &str, inner: &Mutex<Inner>) {
    let Some(request) = message(&mut client) else {
        return;
    };
    let mode = {
        let mut inner = inner.lock().expect("the proxy");
        let mode = inner.mode;
        inner.requests += 1;
        inner.mode = match mode {
            Mode::Fails(count) => less(count, Mode::Fails),
            Mode::Loses(count) => less(count, Mode::Loses),
            other => other,
        };
        if let Ok(copy) = client.try_clone() {
            inner.open.push(copy);
        }
        mode
    };
    match mode {
        Mode::Gone => {}
        Mode::Stalls => {
            // Until the client gives up.
            let _ = client.read(&mut [0]);
        }
        Mode::Fails(_) => {
            let said = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry";
            let _ = client.write_all(said.as_bytes());
        }
        Mode::Pass | Mode::Loses(_) => {
            let Ok(mut upstream) = TcpStream::connect(server) else {
                return;
            };
            let _ = upstream.write_all(&request);
            let mut said = Vec::new();
            let _ = upstream.read_to_end(&mut said);
            if mode == Mode::Pass {
                let _ = client.write_all(&said);
            }
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// One request with its body, told to close the connection after it.
fn message(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65_536];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(len) => bytes.extend_from_slice(&buffer[..len]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let len = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, len)| len.trim().parse().expect("a length"));
    while bytes.len() < end + len {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(len) => bytes.extend_from_slice(&buffer[..len]),
        }
    }
    let kept = head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:") && !line.is_empty());
    let mut request: String = kept.map(|line| format!("{line}\r\n")).collect();
    request.push_str("Connection: close\r\n\r\n");
    Some([request.as_bytes(), &bytes[end..]].concat())
}
