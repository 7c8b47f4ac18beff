//! A copy of a host's store in one tar, and back again (docs/storage.md).
//!
//! The head is read first and everything else after it. Files are added to a store, and the log grows at its
//! end, so what the head stands for is in the copy whatever is written meanwhile; what lies beyond the head was
//! never acknowledged.

use crate::Error;
use crate::journal::HEAD;
use crate::layout;
use crate::store::Store;
use crate::ustar::{self, BLOCK};
use mifeng_crypto::{Digest, HashAlg, jcs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// The last file: names, lengths and digests of all before it.
const LIST: &str = "backup.json";
/// As many files as a bundle may have, at 200 bytes a line.
const LIST_LEN_MAX: u64 = (crate::FILES_MAX as u64) * 256;
/// Two zero blocks end a tar.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    len: u64,
    name: String,
    sha256: Digest,
}

/// The last file of a backup.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    files: Vec<Listed>,
    format: String,
}

const FORMAT: &str = "mifeng-backup-1";

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

fn bad(detail: impl Into<String>) -> Error {
    Error::malformed("backup", detail)
}

/// Counts and hashes what passes.
struct Passing<'a> {
    content: &'a mut dyn Read,
    hash: mifeng_crypto::Hasher,
    len: u64,
}

impl Read for Passing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.content.read(buffer)?;
        self.hash.update(&buffer[..len]);
        self.len += len as u64;
        Ok(len)
    }
}

/// Copies what passes and says what it was.
fn pass(name: &str, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<Listed> {
    let mut passing = Passing {
        content,
        hash: HashAlg::Sha256.hasher(),
        len: 0,
    };
    io::copy(&mut passing, out)?;
    Ok(Listed {
        len: passing.len,
        name: name.to_owned(),
        sha256: passing.hash.finish(),
    })
}

fn add(out: &mut dyn Write, name: &str, len: u64, content: &mut dyn Read) -> Result<Listed, Error> {
    let header =
        ustar::header(name, len).ok_or_else(|| bad(format!("{name} does not fit a tar")))?;
    let mut write = || -> io::Result<Listed> {
        out.write_all(&header)?;
        let listed = pass(name, &mut content.take(len), out)?;
        out.write_all(&[0; BLOCK][..ustar::padding(len)])?;
        Ok(listed)
    };
    let listed = write().map_err(|e| Error::io(name, &e))?;
    if listed.len != len {
        let detail = format!(
            "changed while it was read: expected {len} bytes, found {}",
            listed.len
        );
        return Err(Error::Unavailable {
            what: name.to_owned(),
            detail,
        });
    }
    Ok(listed)
}

/// Writes everything of a store into one tar; the same store gives the same bytes.
///
/// # Errors
/// [`Error::Malformed`] if there is no tender in the store; [`Error::Unavailable`], also for a file that another
/// process changed meanwhile: try again.
pub fn back_up(store: &dyn Store, out: &mut dyn Write) -> Result<Copied, Error> {
    let head = store.read(HEAD).map_err(|e| Error::io(HEAD, &e))?;
    let head = head.ok_or_else(|| Error::malformed("store", "there is no tender in it"))?;
    let mut files = Vec::new();
    for (name, len) in store.list("").map_err(|e| Error::io("store", &e))? {
        // A bid on its way in is nothing yet.
        if name == layout::INCOMING {
            continue;
        }
        files.push(if name == HEAD {
            add(out, HEAD, head.len() as u64, &mut &head[..])?
        } else {
            let mut content = store.open(&name).map_err(|e| Error::io(&*name, &e))?;
            add(out, &name, len, &mut content)?
        });
    }
    let copied = Copied {
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.len).sum(),
    };
    let list = jcs::to_vec(&List {
        files,
        format: FORMAT.to_owned(),
    })?;
    add(out, LIST, list.len() as u64, &mut &list[..])?;
    out.write_all(&END).map_err(|e| Error::io("backup", &e))?;
    Ok(copied)
}

/// A backup whose every byte was held against its list.
pub struct Backup<R> {
    file: R,
    /// With where each begins.
    files: Vec<(u64, Listed)>,
}

impl<R: Read + Seek> Backup<R> {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`Error::Malformed`] with what was expected and found; [`Error::Unavailable`].
    pub fn open(mut file: R) -> Result<Self, Error> {
        let io = |e: io::Error| match e.kind() {
            io::ErrorKind::UnexpectedEof => bad("it ends too early"),
            _ => Error::io("backup", &e),
        };
        let mut files: Vec<(u64, Listed)> = Vec::new();
        let mut at = 0;
        let list = loop {
            let mut block = [0; BLOCK];
            file.read_exact(&mut block).map_err(io)?;
            at += BLOCK as u64;
            let (name, len) = ustar::parse(&block)
                .ok_or_else(|| bad(format!("no header at byte {}", at - 512)))?;
            if name == LIST && len > LIST_LEN_MAX || files.len() >= crate::FILES_MAX {
                return Err(bad("too many files"));
            }
            let mut kept = Vec::new();
            let mut content = file.by_ref().take(len);
            let listed = match name == LIST {
                true => pass(&name, &mut content, &mut kept),
                false => pass(&name, &mut content, &mut io::sink()),
            };
            let listed = listed.map_err(io)?;
            let mut padding = [0; BLOCK];
            let padding = &mut padding[..ustar::padding(len)];
            file.read_exact(padding).map_err(io)?;
            if listed.len != len || padding.iter().any(|byte| *byte != 0) {
                return Err(bad(format!("{name} is cut off")));
            }
            if name == LIST {
                break jcs::from_slice::<List>(&kept, kept.len())?;
            }
            if files
                .last()
                .is_some_and(|(_, before)| before.name >= listed.name)
            {
                return Err(bad(format!("{} is not in order", listed.name)));
            }
            files.push((at, listed));
            at += len + padding.len() as u64;
        };
        let mut end = Vec::new();
        file.by_ref()
            .take(END.len() as u64 + 1)
            .read_to_end(&mut end)
            .map_err(io)?;
        if end != END {
            return Err(bad("something else than the end follows the list"));
        }
        if list.format != FORMAT {
            return Err(bad(format!("expected {FORMAT}, found {}", list.format)));
        }
        let mut wanted = list.files.iter();
        for (_, found) in &files {
            match wanted.next() {
                Some(wanted) if wanted == found => {}
                wanted => {
                    let wanted =
                        wanted.map_or("nothing".to_owned(), |w| format!("{} {}", w.name, w.sha256));
                    return Err(bad(format!(
                        "expected {wanted}, found {} {}",
                        found.name, found.sha256
                    )));
                }
            }
        }
        match wanted.next() {
            Some(missing) => Err(bad(format!("{} is missing", missing.name))),
            None => Ok(Backup { file, files }),
        }
    }

    /// Puts everything into a store in which no tender is. The head comes last: a restore that breaks off leaves
    /// no tender, and can be done again, from the same backup.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is a tender in the store, or what another copy left, which stays as it is;
    /// [`Error::Unavailable`].
    pub fn restore(mut self, store: &mut dyn Store) -> Result<Copied, Error> {
        if store.read(HEAD).map_err(|e| Error::io(HEAD, &e))?.is_some() {
            return Err(Error::malformed(
                "store",
                "there is a tender in it already; nothing was changed",
            ));
        }
        // What another backup left there would become part of this tender.
        let known: BTreeSet<&str> = self.files.iter().map(|(_, file)| &*file.name).collect();
        let there = store.list("").map_err(|e| Error::io("store", &e))?;
        let foreign =
            |(name, _): &&(String, u64)| name != layout::INCOMING && !known.contains(name.as_str());
        if let Some((name, _)) = there.iter().find(foreign) {
            let detail = format!(
                "{name} is in it and not in this backup: another restore broke off there; expected an empty place"
            );
            return Err(Error::malformed("store", detail));
        }
        let last = |(_, file): &(u64, Listed)| file.name == HEAD;
        let (heads, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.files).into_iter().partition(last);
        if heads.len() != 1 {
            return Err(bad("there is no head in it"));
        }
        let mut copied = Copied { files: 0, bytes: 0 };
        for (at, file) in others.into_iter().chain(heads) {
            let name = file.name.as_str();
            let io = |e: io::Error| Error::io(name, &e);
            self.file.seek(SeekFrom::Start(at)).map_err(io)?;
            let mut content = self.file.by_ref().take(file.len);
            let mut passing = Passing {
                content: &mut content,
                hash: HashAlg::Sha256.hasher(),
                len: 0,
            };
            store.write(name, &mut passing).map_err(io)?;
            // It was whole before: somebody writes to it.
            if passing.hash.finish() != file.sha256 {
                return Err(bad(format!("{name} changed while it was read")));
            }
            copied.files += 1;
            copied.bytes += file.len;
        }
        Ok(copied)
    }
}
