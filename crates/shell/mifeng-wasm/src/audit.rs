//! What the page asks and what it is told: the work of `mifeng verify`, without a disk.

use crate::document::{self, Document};
use crate::slices::{Given, ReadAt, Slices};
use mifeng::crypto::Time;
use mifeng::pki::{Certificate, pem};
use mifeng::record::SignedRecord;
use mifeng::{Error, NotChecked, Receipt, Replay, Report, Tar, Trusted, not_checked};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::sync::Arc;

/// Certificates, receipts and records are a few kilobytes; a chain in one file is still small.
pub(crate) const SMALL_LEN_MAX: u64 = 4 << 20;

/// What is to be checked, and what it is held against.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The dossier, or a sealed OFD or PDF document.
    pub dossier: Given,
    /// `--trust`: files of root certificates, PEM or DER.
    pub trust: Vec<Given>,
    /// `--earlier`: an earlier bundle of the same tender.
    pub earlier: Option<Given>,
    /// `--receipt`.
    pub receipt: Option<Given>,
    /// `--record`: what the receipt is for; without it the record is looked for in the dossier.
    pub record: Option<Given>,
    /// The browser's clock: a sealed document is judged at this instant.
    #[serde(default)]
    pub at: Option<Time>,
}

impl Request {
    /// A dossier alone.
    #[must_use]
    pub fn of(dossier: Given) -> Self {
        Request {
            dossier,
            trust: Vec::new(),
            earlier: None,
            receipt: None,
            record: None,
            at: None,
        }
    }
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<(String, String)> for Text {
    fn from((zh, en): (String, String)) -> Self {
        Text { zh, en }
    }
}

/// Whether the host kept the promise of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Whether it did.
    pub holds: bool,
    /// Stable code if it did not.
    pub code: Option<String>,
    /// In words.
    pub text: Text,
}

/// A file that cannot be used: nothing is said about the dossier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// Stable code.
    pub code: String,
    /// In words.
    pub text: Text,
}

impl Problem {
    pub(crate) fn of(file: &Given, error: &Error) -> Self {
        Self::about(&file.name, error)
    }

    /// The same by the name; none if it is of no file.
    pub(crate) fn about(file: &str, error: &Error) -> Self {
        Problem {
            file: file.to_owned(),
            code: error.code().to_owned(),
            text: error.in_words().into(),
        }
    }
}

/// What the page shows.
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Answer {
    /// Every check passed, and so did the receipt if one was given.
    pub valid: bool,
    /// The checks; none if there is a problem.
    pub report: Option<Report>,
    /// What was found in a sealed document.
    pub document: Option<Document>,
    /// What `mifeng verify --json` prints; of a sealed document, its steps.
    pub json: String,
    /// The verdict in one sentence.
    pub conclusion: Option<Text>,
    /// What the law wants kept and for how long, in one sentence.
    pub keeping: Option<Text>,
    /// What a valid report leaves open.
    pub not_checked: Vec<NotChecked>,
    /// How the receipt fared; it is held against valid dossiers only.
    pub receipt: Option<Held>,
    /// Why there is no report.
    pub problem: Option<Problem>,
}

/// Verifies.
pub fn audit(request: &Request, from: &Arc<dyn ReadAt>) -> Answer {
    match audited(request, from) {
        Ok(answer) => answer,
        Err(problem) => Answer {
            valid: false,
            report: None,
            document: None,
            json: String::new(),
            conclusion: None,
            keeping: None,
            not_checked: Vec::new(),
            receipt: None,
            problem: Some(problem),
        },
    }
}

fn audited(request: &Request, from: &Arc<dyn ReadAt>) -> Result<Answer, Problem> {
    if let Some(kind) = head(&request.dossier, from)
        .as_deref()
        .and_then(document::kind_of)
    {
        return sealed(document::check(kind, request, from)?, request);
    }
    let files = match tar(&request.dossier, from) {
        Ok(files) => files,
        Err(e @ Error::Unavailable { .. }) => return Err(Problem::of(&request.dossier, &e)),
        Err(e) => return answer(mifeng::unreadable(&e), Vec::new(), None, request),
    };
    let trusted = trusted(request, &files, from)?;
    let receipt = request.receipt.as_ref();
    let receipt = receipt
        .map(|file| small(file, from, Receipt::from_file))
        .transpose()?;
    let record = request.record.as_ref();
    let record = record
        .map(|file| small(file, from, |bytes| Ok(SignedRecord::from_file(bytes)?)))
        .transpose()?;
    let report = mifeng::verify(&files, &trusted).map_err(|e| Problem::of(&request.dossier, &e))?;
    let open = not_checked(&trusted, receipt.is_some());
    let held = match receipt.filter(|_| report.is_valid()) {
        Some(receipt) => Some(hold(&receipt, record, &files, request)?),
        None => None,
    };
    answer(report, open, held, request)
}

/// The first bytes; a file that cannot be read is told of by whoever reads it whole.
fn head(file: &Given, from: &Arc<dyn ReadAt>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 8];
    let len = from.read_at(file, 0, &mut bytes).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

fn sealed(found: Document, request: &Request) -> Result<Answer, Problem> {
    let json = serde_json::to_string_pretty(&found).map_err(|e| bug(&e, request))?;
    Ok(Answer {
        valid: found.is_valid(),
        report: None,
        conclusion: Some(found.conclusion()),
        document: Some(found),
        json: json + "\n",
        keeping: None,
        not_checked: Vec::new(),
        receipt: None,
        problem: None,
    })
}

fn bug(e: &serde_json::Error, request: &Request) -> Problem {
    Problem {
        file: request.dossier.name.clone(),
        code: "bug".to_owned(),
        text: (e.to_string(), e.to_string()).into(),
    }
}

fn answer(
    report: Report,
    open: Vec<NotChecked>,
    receipt: Option<Held>,
    request: &Request,
) -> Result<Answer, Problem> {
    let json = serde_json::to_string_pretty(&report).map_err(|e| bug(&e, request))?;
    let sound = report.is_valid();
    Ok(Answer {
        valid: sound && receipt.as_ref().is_none_or(|held| held.holds),
        conclusion: Some(report.conclusion().into()),
        keeping: report.keeping.as_ref().map(|kept| kept.in_words().into()),
        not_checked: if sound { open } else { Vec::new() },
        report: Some(report),
        document: None,
        json: json + "\n",
        receipt,
        problem: None,
    })
}

pub(crate) fn tar(file: &Given, from: &Arc<dyn ReadAt>) -> Result<Tar, Error> {
    Tar::over(&*file.name, Box::new(Slices::new(file, from)))
}

fn trusted(request: &Request, files: &Tar, from: &Arc<dyn ReadAt>) -> Result<Trusted, Problem> {
    let mut trusted = Trusted::default();
    // Roots are compared by the hash of the dossier's own suite.
    let suite = Replay::suite_of(files).ok();
    for file in &request.trust {
        for root in small(file, from, roots)? {
            if let Some(suite) = suite {
                trusted.roots.push(root.fingerprint(suite.hash()));
            }
        }
    }
    if let Some(file) = &request.earlier {
        let earlier = tar(file, from).map_err(|e| Problem::of(file, &e))?;
        trusted.earlier = Some(Box::new(earlier));
    }
    Ok(trusted)
}

fn roots(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    // DER begins with a SEQUENCE, PEM with text.
    if bytes.first() == Some(&0x30) {
        return Ok(vec![Certificate::parse(bytes)?]);
    }
    let text = String::from_utf8_lossy(bytes);
    let found = pem::certificates(&text)?;
    if found.is_empty() {
        return Err(Error::Malformed {
            what: "certificate",
            detail: "none in the file".to_owned(),
        });
    }
    Ok(found)
}

/// Reads a small file whole and makes something of it.
fn small<T>(
    file: &Given,
    from: &Arc<dyn ReadAt>,
    parse: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Problem> {
    small_up_to(file, from, SMALL_LEN_MAX, parse)
}

/// The same for a file of at most `max` bytes.
pub(crate) fn small_up_to<T>(
    file: &Given,
    from: &Arc<dyn ReadAt>,
    max: u64,
    parse: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Problem> {
    let read = || -> Result<Vec<u8>, Error> {
        if file.size > max {
            let detail = format!("{} bytes, at most {max} are allowed", file.size);
            return Err(Error::Malformed {
                what: "file",
                detail,
            });
        }
        let unavailable = |e: std::io::Error| Error::Unavailable {
            what: file.name.clone(),
            detail: e.to_string(),
        };
        let slices = Slices::new(file, from);
        let mut bytes = Vec::new();
        mifeng::Source::open(&slices)
            .map_err(unavailable)?
            .read_to_end(&mut bytes)
            .map_err(unavailable)?;
        Ok(bytes)
    };
    read()
        .and_then(|bytes| parse(&bytes))
        .map_err(|e| Problem::of(file, &e))
}

fn hold(
    receipt: &Receipt,
    record: Option<SignedRecord>,
    files: &Tar,
    request: &Request,
) -> Result<Held, Problem> {
    let file = request.receipt.as_ref().unwrap_or(&request.dossier);
    let held = || -> Result<_, Error> {
        let record = match record {
            Some(record) => record,
            None => receipt
                .record_in(files)?
                .ok_or_else(Receipt::record_missing)?,
        };
        receipt.hold_against(&record, &Replay::of(files)?)
    };
    match held() {
        Ok(received) => Ok(Held {
            holds: true,
            code: None,
            text: received.in_words().into(),
        }),
        Err(e @ Error::Unavailable { .. }) => Err(Problem::of(file, &e)),
        Err(e) => Ok(Held {
            holds: false,
            code: Some(e.code().to_owned()),
            text: e.in_words().into(),
        }),
    }
}
