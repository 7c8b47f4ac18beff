//! Downloads that go on where they were cut off, in this run or the next.
//!
//! Beside the file lies what came so far, and the mark that the host gave it: with the mark the host says whether
//! the rest it has is the rest of the same file. Who looks again names the mark, and is told if nothing has changed.

use crate::client::{ANSWER_LEN_MAX, Client, FIRST_WAIT, TRIES, unavailable};
use crate::reach::{Patience, patient};
use crate::ui::{Failure, Outcome};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a mark.
const MARK_LEN_MAX: u64 = 256;
/// Bytes of a bundle or dossier.
const BUNDLE_LEN_MAX: u64 = 1 << 40;
/// Bytes written between two reads.
const PIECE: usize = 1 << 17;

/// A file on its way.
struct Part {
    target: PathBuf,
    part: PathBuf,
    mark: PathBuf,
}

/// What an answer says of the piece that it brings.
struct Piece {
    /// Bytes before it; 0 for the whole.
    from: u64,
    /// Bytes of the whole file, where the host says so.
    size: Option<u64>,
    /// Names the file's content.
    mark: Option<String>,
}

impl Part {
    fn of(target: &Path) -> Self {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Part {
            target: target.to_owned(),
            part: target.with_file_name(format!(".{name}.part")),
            mark: target.with_file_name(format!(".{name}.mark")),
        }
    }

    /// Bytes that are there, and the mark of the file that they belong to.
    fn so_far(&self) -> Option<(u64, String)> {
        let mut mark = String::new();
        let read =
            File::open(&self.mark).and_then(|f| f.take(MARK_LEN_MAX).read_to_string(&mut mark));
        let here = fs::symlink_metadata(&self.part).ok()?;
        (read.is_ok() && here.is_file() && here.len() > 0 && !mark.is_empty())
            .then_some((here.len(), mark))
    }

    /// Takes a piece; whether the file is whole now. `Err` inside tells what the line said, and what came stays.
    fn take(&self, piece: &Piece, body: &mut dyn Read) -> Result<Result<bool, io::Error>, Failure> {
        let at = |e: io::Error| Failure::io(&self.part, &e);
        if let Some(folder) = self.target.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|e| Failure::io(folder, &e))?;
        }
        let mut file = match piece.from {
            0 => {
                self.forget();
                File::create_new(&self.part).map_err(at)?
            }
            from => {
                let file = OpenOptions::new()
                    .append(true)
                    .open(&self.part)
                    .map_err(at)?;
                file.set_len(from).map_err(at)?;
                file
            }
        };
        if let (0, Some(mark)) = (piece.from, &piece.mark) {
            fs::write(&self.mark, mark).map_err(|e| Failure::io(&self.mark, &e))?;
        }
        let (mut came, mut buffer) = (piece.from, vec![0; PIECE]);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => {
                    file.write_all(&buffer[..len]).map_err(at)?;
                    came += len as u64;
                }
                Err(e) => return Ok(Err(e)),
            }
        }
        file.sync_all().map_err(at)?;
        Ok(Ok(piece.size.is_none_or(|size| came == size)))
    }

    /// The whole file gets its name; its mark.
    fn finish(&self) -> Result<Option<String>, Failure> {
        fs::rename(&self.part, &self.target).map_err(|e| Failure::io(&self.target, &e))?;
        let mark = fs::read_to_string(&self.mark).ok();
        let _ = fs::remove_file(&self.mark);
        Ok(mark)
    }

    /// Nothing of a file that has another size than it must have.
    fn require_size(&self, url: &str, expected: Option<u64>, found: Option<u64>) -> Outcome {
        let (Some(expected), Some(found)) = (expected, found) else {
            return Ok(());
        };
        if expected == found {
            return Ok(());
        }
        self.forget();
        let text = format!("{url}: expected {expected} B, the host sends {found}");
        Err(Failure {
            zh: Some(format!("{url}：应为 {expected} B，平台给出 {found} B")),
            ..Failure::refused("file.other-size", text)
        })
    }

    /// Begins anew.
    fn forget(&self) {
        // What cannot be removed fails where it is made.
        let _ = fs::remove_file(&self.part);
        let _ = fs::remove_file(&self.mark);
    }
}

type Answer = ureq::http::Response<ureq::Body>;

/// What came of a look at a file.
pub(crate) enum Renewed {
    /// It is as it was under the known mark; nothing was written.
    Same,
    /// It was fetched; its mark, if the host gives marks.
    Came(Option<String>),
}

/// Fetches what is at `rest` of a tender, and goes on where the line broke as long as something comes.
pub(crate) fn fetch(client: &Client, rest: &str, out: &Path) -> Outcome {
    renew(client, rest, out, None).map(|_| ())
}

/// The same, unless it still has the mark that is known.
pub(crate) fn renew(
    client: &Client,
    rest: &str,
    out: &Path,
    known: Option<&str>,
) -> Result<Renewed, Failure> {
    come(client, rest, out, (known, None))
}

/// Fetches what is so large, and gives it its name only when `holds` has looked at it: what does not hold is removed, and
/// what had the name before stays.
pub(crate) fn fetch_held(
    client: &Client,
    (rest, size): (&str, u64),
    out: &Path,
    holds: &mut dyn FnMut(&Path) -> Outcome,
) -> Outcome {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let new = out.with_file_name(format!(".{name}.new"));
    come(client, rest, &new, (None, Some(size)))?;
    if let Err(no) = holds(&new) {
        let _ = fs::remove_file(&new);
        return Err(no);
    }
    fs::rename(&new, out).map_err(|e| Failure::io(out, &e))
}

fn come(
    client: &Client,
    rest: &str,
    out: &Path,
    (known, size): (Option<&str>, Option<u64>),
) -> Result<Renewed, Failure> {
    let part = Part::of(out);
    let (mut left, mut wait) = (TRIES, FIRST_WAIT);
    loop {
        let before = part.so_far().map_or(0, |(len, _)| len);
        let lost: Box<dyn core::fmt::Display> = match ask(client, rest, &part, known) {
            Ok(answer) if answer.status() == 304 && known.is_some() => return Ok(Renewed::Same),
            Ok(answer) if answer.status() == 503 => Box::new("HTTP 503"),
            Ok(answer) if answer.status() == 416 => {
                // What came before is no part of what the host has now.
                part.forget();
                Box::new("HTTP 416")
            }
            Ok(mut answer) => {
                let piece = told(client, rest, before, &mut answer)?;
                part.require_size(&client.url(rest), size, piece.size)?;
                // A host that does not say how much comes sends a byte too many at most.
                let most = size.map_or(BUNDLE_LEN_MAX, |size| size.saturating_add(1));
                let body = answer.body_mut().with_config().limit(most);
                match part.take(&piece, &mut body.reader())? {
                    Ok(true) => return part.finish().map(Renewed::Came),
                    Ok(false) => Box::new("cut off"),
                    Err(e) => Box::new(e),
                }
            }
            Err(e) => Box::new(e),
        };
        left -= 1;
        let here = part.so_far().map(|(len, _)| len);
        if size.is_some_and(|size| here > Some(size)) {
            part.require_size(&client.url(rest), size, here)?;
        }
        if part.so_far().is_some_and(|(len, _)| len > before) {
            (left, wait) = (TRIES, FIRST_WAIT);
        }
        if left == 0 {
            return Err(unavailable(&client.url(rest), &lost));
        }
        std::thread::sleep(wait);
        wait *= 2;
    }
}

/// Asks for what is missing.
fn ask(
    client: &Client,
    rest: &str,
    part: &Part,
    known: Option<&str>,
) -> Result<Answer, ureq::Error> {
    let mut request = client.request("GET", rest);
    if let Some((len, mark)) = part.so_far() {
        request = request.header("range", format!("bytes={len}-"));
        request = request.header("if-range", mark);
    } else if let Some(mark) = known {
        request = request.header("if-none-match", mark);
    }
    let request = patient(&client.agent, request.body(())?, Patience::Long);
    client.agent.run(request)
}

type Headers = ureq::http::HeaderMap;

fn text<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The whole file, as its headers tell. A mark that is too long to be kept beside it is none.
fn whole(headers: &Headers) -> Piece {
    let mark = text(headers, "etag").filter(|mark| mark.len() as u64 <= MARK_LEN_MAX);
    Piece {
        from: 0,
        size: text(headers, "content-length").and_then(|text| text.parse().ok()),
        mark: mark.map(str::to_owned),
    }
}

/// What the host says of the piece that it sends; a problem if it sends none.
fn told(client: &Client, rest: &str, before: u64, answer: &mut Answer) -> Result<Piece, Failure> {
    let status = answer.status().as_u16();
    if status == 200 {
        return Ok(whole(answer.headers()));
    }
    if status == 206 {
        let range =
            text(answer.headers(), "content-range").and_then(|text| text.strip_prefix("bytes "));
        let (range, size) = range.and_then(|r| r.split_once('/')).unwrap_or_default();
        let from = range
            .split_once('-')
            .and_then(|(from, _)| from.parse().ok());
        if let (Some(from), Ok(size)) = (from, size.parse())
            && from == before
            && from > 0
        {
            let size = Some(size);
            return Ok(Piece {
                from,
                size,
                mark: None,
            });
        }
        let found = format!("{}: content-range", client.url(rest));
        return Err(Failure::malformed(found));
    }
    let bytes = answer.body_mut().with_config().limit(ANSWER_LEN_MAX);
    let bytes = bytes.read_to_vec().unwrap_or_default();
    Err(client.problem(rest, status, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_serves_the_next_attempt() -> Result<(), Failure> {
        let name = format!("mifeng-download-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        let target = folder.join("a.tar");
        let part = Part::of(&target);
        assert_eq!(part.so_far(), None);
        let piece = |from, mark: Option<&str>| Piece {
            from,
            size: Some(10),
            mark: mark.map(str::to_owned),
        };
        let short = part.take(&piece(0, Some("\"m\"")), &mut &b"01234"[..])?;
        assert!(matches!(short, Ok(false)));
        // The next run finds it.
        let part = Part::of(&target);
        assert_eq!(part.so_far(), Some((5, "\"m\"".to_owned())));
        let whole = part.take(&piece(5, None), &mut &b"56789"[..])?;
        assert!(matches!(whole, Ok(true)) && !target.exists());
        assert_eq!(part.finish()?.as_deref(), Some("\"m\""));
        let read = fs::read(&target).map_err(|e| Failure::io(&target, &e))?;
        assert_eq!(read, b"0123456789");
        assert_eq!(fs::read_dir(&folder).map_or(0, Iterator::count), 1);
        // Without a mark nobody can say what the rest belongs to.
        let _ = part.take(&piece(0, None), &mut &b"01"[..])?;
        assert_eq!(part.so_far(), None);
        let _ = fs::remove_dir_all(&folder);
        Ok(())
    }

    #[test]
    fn a_mark_that_cannot_be_kept_whole_is_none() {
        let told = |len: usize| {
            let mut headers = Headers::new();
            headers.insert("content-length", "10".parse().expect("a value"));
            headers.insert("etag", "m".repeat(len).parse().expect("a value"));
            let piece = whole(&headers);
            assert_eq!((piece.from, piece.size), (0, Some(10)));
            piece.mark.map(|mark| mark.len())
        };
        assert_eq!((told(1), told(256), told(257)), (Some(1), Some(256), None));
    }
}
