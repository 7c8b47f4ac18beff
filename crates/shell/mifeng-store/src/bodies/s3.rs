//! Objects in an S3-compatible store: requests signed by rusty-s3, carried by ureq.
//!
//! Nothing here relies on conditional requests: some stores refuse or ignore them. An object's name is
//! drawn anew for each upload, so writing it again after a lost answer changes nothing.

use super::{Bodies, fill};
use crate::fault::Fault;
use mifeng::ReadSeek;
use rusty_s3::actions::{CreateMultipartUpload, ListObjectsV2, S3Action};
use rusty_s3::{Bucket, Credentials};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// Bytes that one request carries: what is kept in memory, and sent again after a failure. Stores take parts
/// from 5 MiB, and 10,000 of them: 78 GiB, far above the largest sealed bid.
const PART_LEN: usize = 8 << 20;
/// A signed request is good for so long: a slow part, sent anew.
const SIGNED_FOR: Duration = Duration::from_secs(600);
/// How often a request is sent before its failure counts, and the pause after the first failure; each
/// further one is three times as long.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);
/// Answers that carry no object are short documents: a thousand names with their sizes at most.
const ANSWER_MAX: u64 = 4 << 20;
/// What a bad answer is quoted with.
const QUOTE_LEN: usize = 200;

/// Where the bodies are.
#[derive(Clone)]
pub(crate) struct S3Place {
    pub(crate) bucket: Bucket,
    /// Before every name; empty or with a slash at its end.
    pub(crate) prefix: String,
    pub(crate) credentials: Credentials,
    /// For one request, from connecting to the last byte.
    pub(crate) timeout: Duration,
    /// Certificates of a private store.
    pub(crate) root: Option<PathBuf>,
}

/// A bucket, and a client for it.
#[derive(Clone)]
pub(crate) struct S3 {
    place: Arc<S3Place>,
    agent: Agent,
}

/// A request: what is sent, and which part of an object is asked for.
struct Ask<'a> {
    method: &'static str,
    body: &'a [u8],
    range: Option<(u64, u64)>,
}

impl<'a> Ask<'a> {
    fn with(method: &'static str, body: &'a [u8]) -> Self {
        Ask {
            method,
            body,
            range: None,
        }
    }
}

fn unavailable(detail: String, kind: io::ErrorKind) -> io::Error {
    Fault::Unavailable {
        what: "object store",
        detail,
    }
    .kind(kind)
}

fn lost(error: &ureq::Error) -> io::Error {
    let kind = match error {
        ureq::Error::Timeout(_) => io::ErrorKind::TimedOut,
        ureq::Error::Io(e) => e.kind(),
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => io::ErrorKind::NotConnected,
        _ => io::ErrorKind::Other,
    };
    unavailable(error.to_string(), kind)
}

/// Errors of the moment: busy, broken, throttled.
fn passes(status: StatusCode) -> bool {
    status.is_server_error() || [408, 429].contains(&status.as_u16())
}

fn refused(status: StatusCode, said: &str) -> io::Error {
    let kind = match status.as_u16() {
        404 => io::ErrorKind::NotFound,
        401 | 403 => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    let said: String = said.chars().take(QUOTE_LEN).collect();
    unavailable(format!("{status}: {said}"), kind)
}

impl S3 {
    pub(crate) fn open(place: &S3Place) -> io::Result<Self> {
        let mut tls = ureq::tls::TlsConfig::builder();
        if let Some(root) = &place.root {
            let roots = crate::roots::certificates(root)?;
            let roots = roots
                .iter()
                .map(|der| ureq::tls::Certificate::from_der(der).to_owned());
            tls = tls.root_certs(roots.into());
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls.build())
            .timeout_global(Some(place.timeout))
            .build();
        Ok(S3 {
            place: Arc::new(place.clone()),
            agent: Agent::new_with_config(config),
        })
    }

    fn key(&self, object: &str) -> String {
        format!("{}{object}", self.place.prefix)
    }

    fn once(&self, ask: &Ask<'_>, url: &str) -> Result<Response<Body>, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(ask.method).uri(url);
        if let Some((from, to)) = ask.range {
            request = request.header("Range", format!("bytes={from}-{}", to - 1));
        }
        match ask.method {
            "PUT" | "POST" => self.agent.run(request.body(ask.body)?),
            _ => self.agent.run(request.body(())?),
        }
    }

    /// Sends a request until it is answered, with pauses, some times at most; the answer is read whole.
    fn ask(
        &self,
        ask: &Ask<'_>,
        limit: u64,
        action: &dyn Fn() -> url::Url,
    ) -> io::Result<(Response<()>, Vec<u8>)> {
        let mut pause = PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.once(ask, action().as_str()).and_then(|answer| {
                let (head, mut body) = answer.into_parts();
                let body = body.with_config().limit(limit).read_to_vec()?;
                Ok((head, body))
            });
            let failure = match answer {
                Ok((head, body)) if head.status.is_success() => {
                    return Ok((Response::from_parts(head, ()), body));
                }
                Ok((head, body)) => {
                    let failure = refused(head.status, &String::from_utf8_lossy(&body));
                    if !passes(head.status) {
                        return Err(failure);
                    }
                    failure
                }
                Err(e) => lost(&e),
            };
            if tries == TRIES {
                return Err(failure);
            }
            std::thread::sleep(pause);
            pause *= 3;
        }
    }

    fn sign<'a>(&self, action: impl S3Action<'a>) -> url::Url {
        action.sign(SIGNED_FOR)
    }

    /// A body of one part.
    fn put_whole(&self, key: &str, content: &[u8]) -> io::Result<()> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        self.ask(&Ask::with("PUT", content), ANSWER_MAX, &|| {
            self.sign(bucket.put_object(Some(credentials), key))
        })?;
        Ok(())
    }

    /// A body of several parts, of which the first one is read already.
    fn put_parts(&self, key: &str, first: Vec<u8>, content: &mut dyn Read) -> io::Result<()> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let (_, said) = self.ask(&Ask::with("POST", &[]), ANSWER_MAX, &|| {
            self.sign(bucket.create_multipart_upload(Some(credentials), key))
        })?;
        let said = String::from_utf8_lossy(&said);
        let upload = CreateMultipartUpload::parse_response(&said)
            .map_err(|e| unavailable(format!("upload: {e}"), io::ErrorKind::InvalidData))?;
        let id = upload.upload_id();
        let done = self
            .send_parts(key, id, first, content)
            .and_then(|tags| self.join_parts(key, id, &tags));
        if done.is_err() {
            // Parts that nobody joins cost room. A store that does not answer now has a rule for them.
            let url = self.sign(bucket.abort_multipart_upload(Some(credentials), key, id));
            let _ = self.once(&Ask::with("DELETE", &[]), url.as_str());
        }
        done
    }

    fn send_parts(
        &self,
        key: &str,
        id: &str,
        mut part: Vec<u8>,
        content: &mut dyn Read,
    ) -> io::Result<Vec<String>> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let mut tags = Vec::new();
        loop {
            let number = u16::try_from(tags.len() + 1).map_err(io::Error::other)?;
            let (answer, _) = self.ask(&Ask::with("PUT", &part), ANSWER_MAX, &|| {
                self.sign(bucket.upload_part(Some(credentials), key, number, id))
            })?;
            let tag = answer
                .headers()
                .get("etag")
                .and_then(|tag| tag.to_str().ok());
            let tag = tag.ok_or_else(|| {
                unavailable("a part without ETag".to_owned(), io::ErrorKind::InvalidData)
            })?;
            tags.push(tag.to_owned());
            if part.len() < PART_LEN {
                return Ok(tags);
            }
            let len = fill(content, &mut part)?;
            part.truncate(len);
            if part.is_empty() {
                return Ok(tags);
            }
        }
    }

    fn join_parts(&self, key: &str, id: &str, tags: &[String]) -> io::Result<()> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let join = || {
            let tags = tags.iter().map(String::as_str);
            bucket.complete_multipart_upload(Some(credentials), key, id, tags)
        };
        let body = join().body();
        let joined = self.ask(&Ask::with("POST", body.as_bytes()), ANSWER_MAX, &|| {
            self.sign(join())
        });
        let said = match joined {
            // Sent again after a lost answer: only joined parts have made an object of this name.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return self.len(key).map(|_| ()),
            joined => joined?.1,
        };
        // An answer of 200 may still carry an error: the store begins it before it is done.
        let said = String::from_utf8_lossy(&said);
        if said.contains("<Error>") || !said.contains("CompleteMultipartUploadResult") {
            let said: String = said.chars().take(QUOTE_LEN).collect();
            return Err(unavailable(
                format!("joining parts: {said}"),
                io::ErrorKind::Other,
            ));
        }
        Ok(())
    }

    fn len(&self, key: &str) -> io::Result<u64> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let (answer, _) = self.ask(&Ask::with("HEAD", &[]), ANSWER_MAX, &|| {
            self.sign(bucket.head_object(Some(credentials), key))
        })?;
        let len = answer.headers().get("content-length");
        let len = len.and_then(|len| len.to_str().ok()?.parse().ok());
        len.ok_or_else(|| unavailable("no length".to_owned(), io::ErrorKind::InvalidData))
    }

    fn part(&self, key: &str, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let ask = Ask {
            method: "GET",
            body: &[],
            range: Some((from, to)),
        };
        // The client takes an answer as long as its limit for one that is longer.
        let (answer, bytes) = self.ask(&ask, to - from + 1, &|| {
            self.sign(bucket.get_object(Some(credentials), key))
        })?;
        if answer.status() != StatusCode::PARTIAL_CONTENT || bytes.len() as u64 != to - from {
            let found = format!("{}, {} bytes", answer.status(), bytes.len());
            return Err(Fault::Damaged {
                name: key.to_owned(),
                expected: format!("bytes {from} to {to}"),
                found,
            }
            .into());
        }
        Ok(bytes)
    }
}

impl Bodies for S3 {
    fn put(&self, object: &str, content: &mut dyn Read) -> io::Result<()> {
        let key = self.key(object);
        let mut first = vec![0; PART_LEN];
        let len = fill(content, &mut first)?;
        first.truncate(len);
        if len < PART_LEN {
            return self.put_whole(&key, &first);
        }
        self.put_parts(&key, first, content)
    }

    fn open(&self, object: &str, len: u64) -> io::Result<Box<dyn ReadSeek>> {
        let key = self.key(object);
        let found = self.len(&key)?;
        if found != len {
            return Err(Fault::Damaged {
                name: key,
                expected: format!("{len} bytes"),
                found: format!("{found}"),
            }
            .into());
        }
        Ok(Box::new(Reader {
            s3: self.clone(),
            key,
            len,
            at: 0,
            start: 0,
            part: Vec::new(),
        }))
    }

    fn remove(&self, object: &str) -> io::Result<()> {
        let key = self.key(object);
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let removed = self.ask(&Ask::with("DELETE", &[]), ANSWER_MAX, &|| {
            self.sign(bucket.delete_object(Some(credentials), &key))
        });
        match removed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn list(&self, tender: &str) -> io::Result<Vec<(String, u64)>> {
        let S3Place {
            bucket,
            credentials,
            ..
        } = &*self.place;
        let (prefix, mut next) = (self.key(&format!("{tender}/")), None::<String>);
        let mut found = Vec::new();
        loop {
            let (_, said) = self.ask(&Ask::with("GET", &[]), ANSWER_MAX, &|| {
                let mut list = bucket.list_objects_v2(Some(credentials));
                list.with_prefix(prefix.as_str());
                if let Some(next) = &next {
                    list.with_continuation_token(next.as_str());
                }
                self.sign(list)
            })?;
            let said = ListObjectsV2::parse_response(&String::from_utf8_lossy(&said))
                .map_err(|e| unavailable(format!("list: {e}"), io::ErrorKind::InvalidData))?;
            for content in said.contents {
                if let Some(object) = content.key.strip_prefix(&self.place.prefix) {
                    found.push((object.to_owned(), content.size.unwrap_or(0)));
                }
            }
            next = said.next_continuation_token;
            if next.is_none() {
                found.sort();
                return Ok(found);
            }
        }
    }
}

/// Reads an object part by part, one in memory at a time.
struct Reader {
    s3: S3,
    key: String,
    len: u64,
    at: u64,
    /// Where the part in memory begins.
    start: u64,
    part: Vec<u8>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.len || buffer.is_empty() {
            return Ok(0);
        }
        let end = self.start + self.part.len() as u64;
        if self.at < self.start || self.at >= end {
            let to = self.len.min(self.at + PART_LEN as u64);
            self.part = self.s3.part(&self.key, self.at, to)?;
            self.start = self.at;
        }
        let from = usize::try_from(self.at - self.start).map_err(io::Error::other)?;
        let len = buffer.len().min(self.part.len() - from);
        buffer[..len].copy_from_slice(&self.part[from..from + len]);
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
