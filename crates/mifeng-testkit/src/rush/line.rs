//! A caller of a host: plain HTTP/1.1 over one connection, which is made again when it broke.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A host that answers nothing for so long has failed: the bundle of thousands of bids takes its time.
const SILENCE: Duration = Duration::from_secs(300);
/// A host closes a connection that is idle for ten seconds: one that was idle for half of it is not used again.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes of an answer that is no file.
const ANSWER_LEN_MAX: u64 = 16 << 20;
/// Bytes of one line of a header.
const HEADER_LEN_MAX: u64 = 16 << 10;

pub(super) struct Line {
    address: SocketAddr,
    open: Option<(BufReader<TcpStream>, Instant)>,
    /// Of a session.
    token: Option<String>,
}

/// An answer as far as one needs it here.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a problem.
    pub(super) fn code(&self) -> String {
        let json = self.json();
        json["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Line {
    pub(super) fn to(address: SocketAddr) -> Self {
        Line {
            address,
            open: None,
            token: None,
        }
    }

    /// From now on every request says whose it is.
    pub(super) fn sign_in_with(&mut self, token: &str) {
        self.token = Some(format!("authorization: Bearer {token}\r\n"));
    }

    pub(super) fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let mut got = Vec::new();
        let status = self.ask_into(method, path, body, (&mut got, ANSWER_LEN_MAX))?;
        Ok(Answer { status, body: got })
    }

    /// The same with the body of the answer written to `out`, at most so many bytes.
    pub(super) fn ask_into(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        out: (&mut dyn Write, u64),
    ) -> io::Result<u16> {
        let mut stream = match self.open.take() {
            Some((stream, used)) if used.elapsed() < IDLE => stream,
            _ => {
                let stream = TcpStream::connect_timeout(&self.address, SILENCE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SILENCE))?;
                stream.set_write_timeout(Some(SILENCE))?;
                BufReader::new(stream)
            }
        };
        let (address, len) = (self.address, body.len());
        let token = self.token.as_deref().unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{token}content-length: {len}\r\n\r\n"
        );
        stream.get_mut().write_all(head.as_bytes())?;
        stream.get_mut().write_all(body)?;
        let (status, kept) = answer(&mut stream, out)?;
        if kept {
            self.open = Some((stream, Instant::now()));
        }
        Ok(status)
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    stream.take(HEADER_LEN_MAX).read_line(&mut text)?;
    match text.ends_with('\n') {
        true => Ok(text.trim_end().to_owned()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The status, and whether the connection stays open. The host says a length with everything but its feed.
fn answer(stream: &mut impl BufRead, out: (&mut dyn Write, u64)) -> io::Result<(u16, bool)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status: u16 = status.ok_or_else(|| bad("no status"))?;
    let (mut len, mut kept) = (0_u64, true);
    loop {
        let header = line(stream)?.to_ascii_lowercase();
        match header
            .split_once(':')
            .map(|(name, value)| (name, value.trim()))
        {
            None if header.is_empty() => break,
            Some(("content-length", value)) => {
                len = value.parse().map_err(|_| bad("no length"))?;
            }
            Some(("transfer-encoding", _)) => return Err(bad("expected a length")),
            Some(("connection", "close")) => kept = false,
            _ => {}
        }
    }
    let (out, most) = out;
    if len > most {
        return Err(bad("the answer is too large"));
    }
    let came = io::copy(&mut stream.take(len), out)?;
    match came == len {
        true => Ok((status, kept)),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
