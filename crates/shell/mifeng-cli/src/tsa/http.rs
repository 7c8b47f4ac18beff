//! RFC 3161 section 3.4 over HTTP: one request, one answer, one connection, everything bounded.

use super::Authority;
use crate::ui::{Failure, Outcome, Ui};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Requests are some hundred bytes; those with long policies and nonces stay below.
const BODY_LEN_MAX: usize = 16 << 10;
/// Bytes of request line and headers.
const HEAD_LEN_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 32;
/// For reading a request and for writing an answer: nobody holds a worker longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Connections answered at a time.
const WORKERS: usize = 4;

/// Why a request is not answered with a stamp: status and reason.
type Bad = (u16, &'static str);

pub(super) fn serve(
    ui: &Ui,
    authority: &Authority,
    listen: SocketAddr,
    requests: u64,
    json: bool,
) -> Outcome {
    let unavailable = |e: std::io::Error| Failure {
        exit: 4,
        code: "net.unavailable".to_owned(),
        clause: None,
        text: format!("{listen}: {e}"),
        zh: None,
    };
    let listener = TcpListener::bind(listen).map_err(unavailable)?;
    let place = listener.local_addr().map_err(unavailable)?;
    ui.tell(
        json,
        &json!({"listening": format!("http://{place}/")}),
        format!("正在监听 http://{place}/"),
        format!("listening on http://{place}/"),
    );
    let left = AtomicU64::new(if requests == 0 { u64::MAX } else { requests });
    let workers = workers(requests);
    // Each worker takes the next connection itself: at most that many are open.
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while take(&left) {
                    if let Ok((stream, _)) = listener.accept() {
                        // A peer that hangs up is its own affair.
                        let _ = answer(authority, stream);
                    }
                }
            });
        }
    });
    Ok(())
}

/// No more than there are requests to answer; 0 requests: without end.
fn workers(requests: u64) -> usize {
    match usize::try_from(requests) {
        Ok(n) if n > 0 => WORKERS.min(n),
        _ => WORKERS,
    }
}

fn take(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok()
}

fn answer(authority: &Authority, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    let end = Instant::now() + TIMEOUT;
    let answer = read_request(&mut stream, end)
        .and_then(|body| authority.answer(&body).map_err(|_| (500, "no stamp")));
    match answer {
        Ok(response) => reply(
            &mut stream,
            200,
            "OK",
            "application/timestamp-reply",
            &response,
        ),
        Err((status, reason)) => {
            reply(&mut stream, status, reason, "text/plain", reason.as_bytes())
        }
    }
}

fn reply(
    stream: &mut TcpStream,
    status: u16,
    reason: &str,
    kind: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {len}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}

/// Reads a whole POST and returns its body.
fn read_request(stream: &mut TcpStream, end: Instant) -> Result<Vec<u8>, Bad> {
    let mut bytes = Vec::new();
    loop {
        if let Some((start, len)) = head(&bytes)? {
            let whole = start + len;
            if bytes.len() >= whole {
                return Ok(bytes[start..whole].to_vec());
            }
        }
        if bytes.len() > HEAD_LEN_MAX + BODY_LEN_MAX {
            return Err((413, "request too large"));
        }
        let mut piece = [0; 4096];
        let left = end.saturating_duration_since(Instant::now());
        let read = (!left.is_zero()).then(|| {
            stream
                .set_read_timeout(Some(left))
                .and_then(|()| stream.read(&mut piece))
        });
        match read {
            Some(Ok(n)) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return Err((408, "request incomplete")),
        }
    }
}

/// Where the body starts and how long it is, once the head is whole.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, Bad> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let start = match request.parse(bytes) {
        Ok(httparse::Status::Complete(start)) if start <= HEAD_LEN_MAX => start,
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LEN_MAX => return Ok(None),
        Ok(_) => return Err((431, "headers too large")),
        Err(_) => return Err((400, "not HTTP")),
    };
    if request.method != Some("POST") {
        return Err((405, "POST expected"));
    }
    let of = |name: &str| {
        let found = request
            .headers
            .iter()
            .filter(|h| h.name.eq_ignore_ascii_case(name));
        found.map(|h| h.value.trim_ascii()).collect::<Vec<_>>()
    };
    if of("content-type") != [b"application/timestamp-query".as_slice()] {
        return Err((415, "application/timestamp-query expected"));
    }
    let [len] = of("content-length")[..] else {
        return Err((411, "content-length expected"));
    };
    let len = core::str::from_utf8(len)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let len = len.and_then(|text| text.parse::<usize>().ok());
    match len {
        Some(len) if len <= BODY_LEN_MAX => Ok(Some((start, len))),
        Some(_) => Err((413, "request too large")),
        None => Err((400, "content-length")),
    }
}

#[cfg(test)]
mod tests {
    use super::{WORKERS, workers};

    #[test]
    fn an_authority_without_end_has_all_its_workers() {
        assert_eq!(workers(0), WORKERS);
        assert_eq!(workers(1), 1);
        assert_eq!(workers(1_000), WORKERS);
    }
}
