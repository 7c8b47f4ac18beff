//! PEM (RFC 7468), small and strict.

use crate::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of the largest text read.
const TEXT_LEN_MAX: usize = 1024 * 1024;
/// Characters of a line of base64.
const LINE: usize = 64;

/// Writes `der` under `label` (`CERTIFICATE`, `ENCRYPTED PRIVATE KEY`, …).
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(LINE) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// Every block of this label, in order; text between blocks is read over.
///
/// # Errors
/// [`Error::Malformed`] for a block that does not end or is not base64, and if there is none.
pub fn decode(label: &str, text: &str) -> Result<Vec<Vec<u8>>, Error> {
    let wrong = Error::Malformed { what: "PEM text" };
    if text.len() > TEXT_LEN_MAX {
        return Err(Error::TooLarge {
            what: "PEM text",
            found: text.len(),
            max: TEXT_LEN_MAX,
        });
    }
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let (mut out, mut left) = (Vec::new(), text);
    while let Some((_, after)) = left.split_once(&begin) {
        let (body, rest) = after.split_once(&end).ok_or(wrong.clone())?;
        let body: String = body.split_ascii_whitespace().collect();
        out.push(STANDARD.decode(body).map_err(|_| wrong.clone())?);
        left = rest;
    }
    if out.is_empty() {
        return Err(wrong);
    }
    Ok(out)
}

/// The bytes of a file that is DER, or PEM under whatever label: then its first block.
///
/// # Errors
/// As [`decode`].
pub fn any(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let Some((_, after)) = text.split_once("-----BEGIN ") else {
        return Ok(bytes.to_vec());
    };
    let wrong = Error::Malformed { what: "PEM text" };
    let (label, _) = after.split_once("-----").ok_or(wrong.clone())?;
    decode(label, &text)?.into_iter().next().ok_or(wrong)
}

/// Every certificate in the text.
///
/// # Errors
/// As [`decode`] and [`crate::Certificate::parse`].
pub fn certificates(text: &str) -> Result<Vec<crate::Certificate>, Error> {
    let blocks = decode("CERTIFICATE", text)?;
    blocks
        .iter()
        .map(|der| crate::Certificate::parse(der))
        .collect()
}

/// The first private key of any label in the text: its label and its bytes.
pub(crate) fn first_key(text: &str) -> Option<(&'static str, Result<Vec<u8>, Error>)> {
    const LABELS: [&str; 5] = [
        "ENCRYPTED PRIVATE KEY",
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "RSA PRIVATE KEY",
        // OpenSSL's name for an ECPrivateKey on this curve.
        "SM2 PRIVATE KEY",
    ];
    let at = |label: &&str| text.find(&format!("-----BEGIN {label}-----"));
    let label = LABELS
        .into_iter()
        .filter(|l| at(l).is_some())
        .min_by_key(at)?;
    let first = decode(label, text).and_then(|mut blocks| {
        blocks.truncate(1);
        blocks.pop().ok_or(Error::Malformed { what: "PEM text" })
    });
    Some((label, first))
}
