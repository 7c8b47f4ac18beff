//! Talking to a host over HTTP: what is sent is signed, and what comes back is checked, so plain HTTP is
//! enough for honesty; only over TLS (https) nobody sees that somebody bids.

use crate::bundle::Bundle;
use crate::clock;
use crate::download::{self, Renewed};
use crate::opened::OpenedFile;
use crate::reach::{Patience, Reach, patient};
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Digest, Entropy, Suite, SystemEntropy, Time};
use mifeng::record::SignedRecord;
use mifeng::{Receipt, Replay};
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Bytes of an answer that is not a file.
pub(crate) const ANSWER_LEN_MAX: u64 = 16 << 20;
/// Tries of one request when the host is away or busy; the wait doubles up to the last one.
pub(crate) const TRIES: u32 = 8;
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Between two looks for a receipt.
const LOOK: Duration = Duration::from_millis(100);
/// After the beat that a record waited for: then it is handed in again.
const PATIENCE_MS: i64 = 15_000;

/// A tender on a host: `https://host:port/t/NAME`.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    tender: String,
    /// What requests are about: the tender, or the whole host.
    scope: String,
    pub(crate) agent: ureq::Agent,
    lang: &'static str,
    /// Of a session, once somebody signed in.
    token: Option<Zeroizing<String>>,
}

/// What the host says of an upload.
#[derive(Deserialize)]
struct Upload {
    record: Digest,
    size: u64,
    block: u64,
    missing: Vec<u64>,
}

/// What an agent looks at often: where a tender stands.
#[derive(Deserialize)]
pub(crate) struct Glance {
    suite: String,
    pub(crate) tender: String,
    pub(crate) title: Title,
    pub(crate) stage: String,
    /// Entries of the log.
    pub(crate) size: u64,
}

/// A title in both languages.
#[derive(Deserialize)]
pub(crate) struct Title {
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// A head of the anchor log that witnesses cosigned, as the host lists it.
#[derive(Deserialize)]
pub(crate) struct CosignedHead {
    /// Name of its file in the log.
    pub(crate) file: String,
    /// Bytes of that.
    pub(crate) length: u64,
}

#[derive(Deserialize)]
struct Waiting {
    record: Digest,
    next_beat: Option<Time>,
}

#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
    code: String,
    #[serde(default)]
    clause: Option<String>,
}

enum Body<'a> {
    None,
    Bytes(&'static str, &'a [u8]),
}

impl Client {
    pub(crate) fn new(ui: &Ui, reach: &Reach) -> Result<Self, Failure> {
        let (base, tender) = reach.parts(ui)?;
        Ok(Client {
            scope: format!("/v1/tenders/{tender}"),
            base,
            tender,
            agent: reach.agent()?,
            lang: ui.t("zh", "en"),
            token: None,
        })
    }

    /// Asks as whoever holds this token from now on; it goes nowhere else, redirects are not followed.
    pub(crate) fn sign_in_with(&mut self, token: Zeroizing<String>) {
        self.token = Some(token);
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("{}{}{rest}", self.base, self.scope)
    }

    /// The same host, for what is of no tender.
    fn house(&self) -> Client {
        Client {
            scope: "/v1".to_owned(),
            ..self.clone()
        }
    }

    /// One request, again while the host is away or says "try again"; every request of ours may be repeated.
    fn ask(
        &self,
        method: &str,
        rest: &str,
        body: &Body<'_>,
    ) -> Result<ureq::http::Response<ureq::Body>, Failure> {
        let url = self.url(rest);
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let said = self.once(method, rest, body);
            let busy = said
                .as_ref()
                .map_or(true, |answer| matches!(answer.status().as_u16(), 429 | 503));
            if !busy || attempt >= TRIES {
                return said.map_err(|e| unavailable(&url, &e));
            }
            std::thread::sleep(wait);
            wait *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    fn once(
        &self,
        method: &str,
        rest: &str,
        body: &Body<'_>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        // The end of an upload has its file hashed.
        let patience = match (method, body) {
            ("POST", Body::None) => Patience::Long,
            _ => Patience::Usual,
        };
        let request = self.request(method, rest);
        match body {
            Body::Bytes(kind, bytes) => {
                let request = request.header("content-type", *kind).body(*bytes)?;
                self.agent.run(patient(&self.agent, request, patience))
            }
            Body::None if method == "POST" => {
                let request = request.body(&[] as &[u8])?;
                self.agent.run(patient(&self.agent, request, patience))
            }
            Body::None => {
                let request = request.body(())?;
                self.agent.run(patient(&self.agent, request, patience))
            }
        }
    }

    /// A request for what follows the scope.
    pub(crate) fn request(&self, method: &str, rest: &str) -> ureq::http::request::Builder {
        let request = ureq::http::Request::builder();
        let request = request.method(method).uri(self.url(rest));
        let request = request.header("accept-language", self.lang);
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {}", **token)),
            None => request,
        }
    }

    /// The body of a good answer and its status.
    fn read(&self, method: &str, rest: &str, body: &Body<'_>) -> Result<(u16, Vec<u8>), Failure> {
        let mut answer = self.ask(method, rest, body)?;
        let status = answer.status().as_u16();
        let bytes = answer.body_mut().with_config().limit(ANSWER_LEN_MAX);
        let bytes = bytes
            .read_to_vec()
            .map_err(|e| unavailable(&self.url(rest), &e))?;
        match status {
            200..300 => Ok((status, bytes)),
            _ => Err(self.problem(rest, status, &bytes)),
        }
    }

    /// Hands something in and has what is said to it.
    pub(crate) fn post(&self, rest: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        let body = Body::Bytes("application/json", bytes);
        self.read("POST", rest, &body).map(|(_, said)| said)
    }

    /// A refusal as the host tells it.
    pub(crate) fn problem(&self, rest: &str, status: u16, bytes: &[u8]) -> Failure {
        let exit = match status {
            400 | 408 | 413 => 3,
            500..=599 => 4,
            _ => 1,
        };
        match serde_json::from_slice::<Problem>(bytes) {
            Ok(told) => Failure {
                exit,
                code: told.code,
                clause: told.clause,
                zh: None,
                text: match told.detail.is_empty() {
                    true => told.title,
                    false => format!("{}: {}", told.title, told.detail),
                },
            },
            Err(_) => unavailable(&self.url(rest), &format!("HTTP {status}")),
        }
    }

    /// Name of the tender in addresses.
    pub(crate) fn tender(&self) -> &str {
        &self.tender
    }

    /// Where a browser finds the tender.
    pub(crate) fn page(&self) -> String {
        format!("{}/t/{}", self.base, self.tender)
    }

    /// Where the tender stands.
    pub(crate) fn glance(&self) -> Result<Glance, Failure> {
        let (_, said) = self.read("GET", "", &Body::None)?;
        parse(&said)
    }

    pub(crate) fn suite(&self) -> Result<&'static Suite, Failure> {
        Ok(Suite::by_id(&self.glance()?.suite)?)
    }

    /// Fetches the bundle of now.
    pub(crate) fn bundle(&self, out: &Path) -> Outcome {
        download::fetch(self, "/bundle", out)
    }

    /// The same, unless it still has the mark that is known.
    pub(crate) fn newer_bundle(&self, out: &Path, known: Option<&str>) -> Result<Renewed, Failure> {
        download::renew(self, "/bundle", out, known)
    }

    /// Fetches the public export of the dossier.
    pub(crate) fn dossier(&self, out: &Path) -> Outcome {
        download::fetch(self, "/dossier", out)
    }

    /// Fetches the host's anchor log of a suite.
    pub(crate) fn anchor_log(&self, suite: &str, out: &Path) -> Outcome {
        download::fetch(&self.house(), &format!("/anchors/{suite}/log"), out)
    }

    /// One file of the host's anchor log of a suite.
    pub(crate) fn anchor_file(&self, suite: &str, name: &str) -> Result<Vec<u8>, Failure> {
        let rest = format!("/anchors/{suite}/files/{name}");
        let (_, bytes) = self.house().read("GET", &rest, &Body::None)?;
        Ok(bytes)
    }

    /// The heads of that log that witnesses cosigned.
    pub(crate) fn anchor_heads(&self, suite: &str) -> Result<Vec<CosignedHead>, Failure> {
        let rest = format!("/anchors/{suite}/heads");
        let (_, said) = self.house().read("GET", &rest, &Body::None)?;
        parse(&said)
    }

    /// Hands a cosigned head of the anchor log in, for the witnesses of this tender.
    pub(crate) fn cosign_anchors(&self, note: &[u8]) -> Outcome {
        let body = Body::Bytes("text/plain", note);
        self.read("POST", "/anchor-cosignatures", &body).map(|_| ())
    }

    /// Hands a witness's cosigned head in.
    pub(crate) fn cosign(&self, note: &[u8]) -> Outcome {
        let body = Body::Bytes("text/plain", note);
        self.read("POST", "/cosignatures", &body).map(|_| ())
    }

    /// Hands a time stamp in.
    pub(crate) fn stamp(&self, token: &[u8]) -> Outcome {
        let body = Body::Bytes("application/octet-stream", token);
        self.read("POST", "/stamps", &body).map(|_| ())
    }

    /// The files of opened bids that whoever is signed in may read.
    pub(crate) fn opened(&self) -> Result<Vec<OpenedFile>, Failure> {
        let (_, bytes) = self.read("GET", "/opened", &Body::None)?;
        parse(&bytes)
    }

    /// A small file of an opened bid: its manifest.
    pub(crate) fn opened_file(&self, rest: &str) -> Result<Vec<u8>, Failure> {
        self.read("GET", rest, &Body::None).map(|(_, bytes)| bytes)
    }

    /// Hands in documents that a record names: a contract's text before its record, whose commitment needs it.
    pub(crate) fn announce(&self, record: &[u8]) -> Outcome {
        let body = Body::Bytes("application/json", record);
        self.read("POST", "/documents", &body).map(|_| ())
    }

    /// Hands a document in, under its hash.
    pub(crate) fn document(&self, hash: &Digest, content: &[u8]) -> Outcome {
        let body = Body::Bytes("application/octet-stream", content);
        self.read("PUT", &format!("/documents/{hash}"), &body)
            .map(|_| ())
    }

    /// Hands a beacon in.
    pub(crate) fn beacon(&self, beacon: &[u8]) -> Outcome {
        let body = Body::Bytes("application/json", beacon);
        self.read("POST", "/beacons", &body).map(|_| ())
    }

    /// Hands an order of the host's operator in.
    pub(crate) fn order(&self, record: &[u8]) -> Outcome {
        let body = Body::Bytes("application/json", record);
        self.read("POST", "/orders", &body).map(|_| ())
    }

    /// Submits a record, with the sealed bid that it brings, and waits for the receipt.
    pub(crate) fn submit(&self, record: &Path, bid: Option<&Path>) -> Result<Receipt, Failure> {
        let bytes = ui::read(record)?;
        let id = match bid {
            Some(bid) => Some(self.upload(&bytes, bid)?),
            None => None,
        };
        loop {
            let (status, said) = match id {
                Some(id) => self.finish(&bytes, id, bid)?,
                None => self.read("POST", "/records", &Body::Bytes("application/json", &bytes))?,
            };
            if status == 201 {
                return Ok(Receipt::from_file(&said)?);
            }
            let waiting: Waiting = parse(&said)?;
            if let Some(receipt) = self.wait(&waiting)? {
                return Ok(receipt);
            }
            // The host was started anew before the beat: what was not in the log is handed in again.
        }
    }

    /// The receipt of a record that somebody else may have handed in, if it is in the log.
    pub(crate) fn receipt_if_any(&self, record: &Path) -> Result<Option<Receipt>, Failure> {
        let signed = SignedRecord::from_file(&ui::read(record)?)?;
        let rest = format!("/receipts/{}", signed.commitment(self.suite()?));
        match self.read("GET", &rest, &Body::None) {
            Ok((_, bytes)) => Ok(Some(Receipt::from_file(&bytes)?)),
            Err(no) if no.code == "receipt.unknown" => Ok(None),
            Err(no) => Err(no),
        }
    }

    /// Looks for the receipt until some time after its beat.
    fn wait(&self, waiting: &Waiting) -> Result<Option<Receipt>, Failure> {
        let beat = waiting.next_beat.unwrap_or_else(clock::now);
        clock::wait_until(beat);
        let end = beat.plus_millis(PATIENCE_MS);
        let rest = format!("/receipts/{}", waiting.record);
        while clock::now() < end {
            match self.read("GET", &rest, &Body::None) {
                Ok((_, bytes)) => return Ok(Some(Receipt::from_file(&bytes)?)),
                Err(no) if no.code == "receipt.unknown" => std::thread::sleep(LOOK),
                Err(no) => return Err(no),
            }
        }
        Ok(None)
    }

    /// Sends the blocks that the host does not have yet.
    fn upload(&self, record: &[u8], bid: &Path) -> Result<Digest, Failure> {
        let begin = Body::Bytes("application/json", record);
        let mut file = File::open(bid).map_err(|e| Failure::io(bid, &e))?;
        let size = file.metadata().map_err(|e| Failure::io(bid, &e))?.len();
        loop {
            let (_, said) = self.read("POST", "/uploads", &begin)?;
            let upload: Upload = parse(&said)?;
            if upload.size != size {
                return Err(Failure::refused(
                    "upload.size",
                    format!(
                        "{}: {size} B, the record says {}",
                        bid.display(),
                        upload.size
                    ),
                ));
            }
            if upload.missing.is_empty() {
                return Ok(upload.record);
            }
            for number in &upload.missing {
                let at = number.saturating_mul(upload.block);
                let mut block = Vec::new();
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| (&mut file).take(upload.block).read_to_end(&mut block))
                    .map_err(|e| Failure::io(bid, &e))?;
                let rest = format!("/uploads/{}/blocks/{number}", upload.record);
                self.read(
                    "PUT",
                    &rest,
                    &Body::Bytes("application/octet-stream", &block),
                )?;
            }
        }
    }

    /// Hands the upload in; where the host lost it, its blocks are sent again first.
    fn finish(
        &self,
        record: &[u8],
        id: Digest,
        bid: Option<&Path>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let rest = format!("/uploads/{id}");
        match (self.read("POST", &rest, &Body::None), bid) {
            (Err(no), Some(bid))
                if no.code == "upload.unknown" || no.code == "upload.incomplete" =>
            {
                self.upload(record, bid)?;
                self.read("POST", &rest, &Body::None)
            }
            (said, _) => said,
        }
    }
}

pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|e| Failure::malformed(e.to_string()))
}

/// What somebody can do about an error of the connection, in Chinese and English.
fn hint(text: &str) -> Option<(&'static str, &'static str)> {
    let hints = [
        (
            "UnknownIssuer",
            "平台的 TLS 证书不是由本机信任的机构签发；若平台用自己的 CA，用 --tls-ca 给出其根证书",
            "nobody who is trusted here issued the host's TLS certificate; if the host has a CA of its own, name its root with --tls-ca",
        ),
        (
            "NotValidForName",
            "平台的 TLS 证书不是为此名称签发的",
            "the host's TLS certificate is for another name",
        ),
        (
            "Expired",
            "平台的 TLS 证书已过有效期",
            "the host's TLS certificate has expired",
        ),
        (
            "Connection refused",
            "没有程序在此地址监听",
            "nobody listens there",
        ),
    ];
    let known = hints.iter().find(|(sign, ..)| text.contains(sign));
    known.map(|(_, zh, en)| (*zh, *en))
}

pub(crate) fn unavailable(url: &str, what: &dyn core::fmt::Display) -> Failure {
    let mut text = format!("{url}: {what}");
    let hint = hint(&text);
    if let Some((_, en)) = hint {
        text = format!("{text}: {en}");
    }
    Failure {
        exit: 4,
        code: "net.unavailable".to_owned(),
        clause: None,
        zh: hint.map(|(zh, _)| format!("{url}：{zh}（{what}）")),
        text,
    }
}

/// What a bundle of now amounts to; the file is not kept.
pub(crate) fn fetched(client: &Client) -> Result<Replay, Failure> {
    use std::os::unix::fs::DirBuilderExt;
    // Nobody else can name it beforehand or look into it: a random name, made anew, for this user alone.
    let mut name = [0; 16];
    SystemEntropy::new().fill(&mut name)?;
    let name = format!("mifeng-bundle-{}", hex::encode(name));
    let folder = std::env::temp_dir().join(name);
    let made = std::fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|e| Failure::io(&folder, &e))?;
    let path = folder.join("bundle.tar");
    let bundle = client.bundle(&path).and_then(|()| Bundle::open(&path));
    // If it stays behind, the system sweeps it.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(bundle?.replay)
}
