//! Files that a caller downloads: piece by piece, and on from where an earlier download was cut off.
//!
//! One range of bytes is understood (RFC 9110 section 14); whatever else is asked gets the whole, as the RFC
//! allows. The mark (`ETag`) of a file is its length and the instant it was made; who names it in `If-None-Match` is told
//! if nothing has changed.

use crate::api::Answer;
use crate::limits::PIECE_LEN;
use crate::problem::{Fail, Problem};
use crate::words::Fault;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// A bundle that was begun can be finished so long after newer ones were made.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// Older bundles of one kind that are kept for that: the log may grow each second, and each has its own.
const KEPT: usize = 3;

/// The mark of a file.
fn mark(about: &std::fs::Metadata) -> String {
    let made = about.modified().unwrap_or(UNIX_EPOCH);
    let made = made.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("\"{:x}-{:x}\"", about.len(), made.as_nanos())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The file whose download a caller goes on with, if it is still there; else `latest`.
pub(crate) fn meant(latest: &Path, headers: &HeaderMap) -> PathBuf {
    let asked = text(headers, &header::IF_RANGE).filter(|_| headers.contains_key(header::RANGE));
    let (Some(asked), Some(folder)) = (asked, latest.parent()) else {
        return latest.to_owned();
    };
    let found = kin(folder, latest).into_iter().find(|path| {
        let about = std::fs::metadata(path);
        about.is_ok_and(|about| mark(&about) == asked)
    });
    found.unwrap_or_else(|| latest.to_owned())
}

/// Bundles of the same kind as `latest`, which is one of them.
fn kin(folder: &Path, latest: &Path) -> Vec<PathBuf> {
    let name = |path: &Path| path.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let kind = name(latest).and_then(|n| n.split_once('-').map(|(kind, _)| format!("{kind}-")));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_kind = |path: &PathBuf| {
        let name = name(path).unwrap_or_default();
        let same = kind.as_ref().is_some_and(|kind| name.starts_with(kind));
        same && name.ends_with(".tar")
    };
    entries.map(|entry| entry.path()).filter(of_kind).collect()
}

/// Removes older bundles of the kind of `latest` that nobody will go on with.
pub(crate) fn sweep(latest: &Path) {
    let Some(folder) = latest.parent() else {
        return;
    };
    let made = |path: &PathBuf| {
        let about = std::fs::metadata(path).and_then(|about| about.modified());
        about.unwrap_or(UNIX_EPOCH)
    };
    let mut older = kin(folder, latest);
    older.retain(|path| path != latest);
    older.sort_by_key(|path| std::cmp::Reverse(made(path)));
    let now = SystemTime::now();
    for (number, old) in older.iter().enumerate() {
        let age = now.duration_since(made(old)).unwrap_or_default();
        if number >= KEPT || age > KEPT_FOR {
            // Who is reading it goes on reading: the name goes, the file stays until closed.
            let _ = std::fs::remove_file(old);
        }
    }
}

/// Whether the caller has the file with this mark already (RFC 9110 section 13.1.2).
fn is_known(headers: &HeaderMap, mark: &str) -> bool {
    let known = text(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    let mut marks = known.split(',').map(str::trim);
    marks.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == mark)
}

/// First and last byte of the range asked for; none if the whole is to be sent.
fn range(headers: &HeaderMap, size: u64, mark: &str) -> Result<Option<(u64, u64)>, Fault> {
    let same = text(headers, &header::IF_RANGE).is_none_or(|asked| asked == mark);
    let asked = text(headers, &header::RANGE).filter(|_| same);
    let Some((from, to)) = asked
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|text| text.split_once('-'))
    else {
        return Ok(None);
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(from) || !digits(to) {
        return Ok(None);
    }
    let Ok(from) = from.parse::<u64>() else {
        return Ok(None);
    };
    let last = match to {
        "" => u64::MAX,
        to => match to.parse::<u64>() {
            Ok(to) if to >= from => to,
            _ => return Ok(None),
        },
    };
    match from < size {
        true => Ok(Some((from, last.min(size - 1)))),
        false => Err(Fault::NoRange),
    }
}

/// A file, to be sent.
pub(crate) async fn opened(path: &Path) -> Result<File, Fail> {
    let file = File::open(path).await;
    file.map_err(|e| Problem::io("download", &e))
}

/// Sends a file, or the part of it that was asked for.
pub(crate) async fn send(path: &Path, kind: &'static str, headers: &HeaderMap) -> Answer {
    let file = opened(path).await?;
    let about = file.metadata().await;
    let about = about.map_err(|e| Problem::io("download", &e))?;
    let (size, mark) = (about.len(), mark(&about));
    if is_known(headers, &mark) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, mark)]).into_response());
    }
    let asked = range(headers, size, &mark)?;
    let (at, len) = asked.map_or((0, size), |(from, to)| (from, to - from + 1));
    let mut answer = part(file, (at, len), kind).await?;
    let mut tell = |name: HeaderName, text: &str| -> Result<(), Fail> {
        let value = HeaderValue::from_str(text).map_err(|_| Fault::Internal)?;
        answer.headers_mut().insert(name, value);
        Ok(())
    };
    tell(header::ACCEPT_RANGES, "bytes")?;
    tell(header::ETAG, &mark)?;
    if let Some((from, to)) = asked {
        tell(header::CONTENT_RANGE, &format!("bytes {from}-{to}/{size}"))?;
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(answer)
}

/// Sends a part of a file piece by piece: where it begins, and how long it is.
pub(crate) async fn part(mut file: File, (at, len): (u64, u64), kind: &'static str) -> Answer {
    let found = file.seek(SeekFrom::Start(at)).await;
    found.map_err(|e| Problem::io("download", &e))?;
    let pieces = futures_util::stream::try_unfold(file.take(len), |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE_LEN);
        let more = file.read_buf(&mut piece).await? > 0;
        Ok::<_, std::io::Error>(more.then(|| (Bytes::from(piece), file)))
    });
    let told = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, len.to_string()),
    ];
    Ok((StatusCode::OK, told, Body::from_stream(pieces)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, mark: Option<&str>) -> Result<Option<(u64, u64)>, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().expect("a value"));
        if let Some(mark) = mark {
            headers.insert(header::IF_RANGE, mark.parse().expect("a value"));
        }
        super::range(&headers, 100, "\"m\"")
    }

    #[test]
    fn one_range_is_understood() {
        assert_eq!(asked("bytes=0-", None), Ok(Some((0, 99))));
        assert_eq!(asked("bytes=99-", Some("\"m\"")), Ok(Some((99, 99))));
        assert_eq!(asked("bytes=10-19", None), Ok(Some((10, 19))));
        assert_eq!(asked("bytes=10-1000", None), Ok(Some((10, 99))));
        assert_eq!(asked("bytes=100-", None), Err(Fault::NoRange));
        // Another file's rest is no rest of this one.
        assert_eq!(asked("bytes=10-", Some("\"n\"")), Ok(None));
        for whole in [
            "bytes=-5",
            "bytes=5-4",
            "bytes=1-2,4-5",
            "items=1-2",
            "bytes=+1-",
            "bytes=1-99999999999999999999",
            "bytes",
        ] {
            assert_eq!(asked(whole, None), Ok(None), "{whole}");
        }
        assert_eq!(super::range(&HeaderMap::new(), 100, "\"m\""), Ok(None));
    }

    #[test]
    fn what_is_known_is_told_by_its_mark() {
        let known = |marks: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, marks.parse().expect("a value"));
            is_known(&headers, "\"m\"")
        };
        for marks in ["\"m\"", "W/\"m\"", "\"n\", \"m\"", "*"] {
            assert!(known(marks), "{marks}");
        }
        for marks in ["\"n\"", "m", "\"m", "", ",", "W/"] {
            assert!(!known(marks), "{marks}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"m\""));
    }
}
