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
/// Lists that a host keeps beside the tender's files stand below this name.
const BESIDE: &str = "beside/";
/// Bytes of one of them: a journal of refusals takes 64 MiB at full speed, and then a line a minute (mifeng-server).
const BESIDE_LEN_MAX: u64 = 256 << 20;
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

/// A tender alone.
const FORMAT_ALONE: &str = "mifeng-backup-1";
/// A tender, and lists beside it: a program that does not know them must not lose them.
const FORMAT: &str = "mifeng-backup-2";

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

fn too_long(name: &str, len: u64) -> Error {
    bad(format!(
        "{name}: expected {BESIDE_LEN_MAX} bytes at most, found {len}"
    ))
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
    back_up_with(store, &[], out)
}

/// The same with lists that a host keeps beside the tender's files, each with its name.
///
/// # Errors
/// As [`back_up`]; [`Error::Malformed`] for a list that is too long.
pub fn back_up_with(
    store: &dyn Store,
    beside: &[(&str, Vec<u8>)],
    out: &mut dyn Write,
) -> Result<Copied, Error> {
    let head = store.read(HEAD).map_err(|e| Error::io(HEAD, &e))?;
    let head = head.ok_or_else(|| Error::malformed("store", "there is no tender in it"))?;
    let lists = beside.iter().map(|(name, content)| {
        let len = content.len() as u64;
        (format!("{BESIDE}{name}"), len, Some(content))
    });
    let own = store.list("").map_err(|e| Error::io("store", &e))?;
    // A bid on its way in is nothing yet.
    let own = own.into_iter().filter(|(name, _)| name != layout::INCOMING);
    let mut all: Vec<_> = own.map(|(name, len)| (name, len, None)).collect();
    if let Some((name, ..)) = all.iter().find(|(name, ..)| name.starts_with(BESIDE)) {
        return Err(bad(format!("{name} is no file of a tender")));
    }
    all.extend(lists);
    all.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let mut files = Vec::new();
    for (name, len, list) in all {
        files.push(match list {
            Some(_) if len > BESIDE_LEN_MAX => return Err(too_long(&name, len)),
            Some(content) => add(out, &name, len, &mut &content[..])?,
            None if name == HEAD => add(out, HEAD, head.len() as u64, &mut &head[..])?,
            None => {
                let mut content = store.open(&name).map_err(|e| Error::io(&*name, &e))?;
                add(out, &name, len, &mut content)?
            }
        });
    }
    let format = match beside {
        [] => FORMAT_ALONE,
        _ => FORMAT,
    };
    let copied = Copied {
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.len).sum(),
    };
    let list = jcs::to_vec(&List {
        files,
        format: format.to_owned(),
    })?;
    add(out, LIST, list.len() as u64, &mut &list[..])?;
    out.write_all(&END).map_err(|e| Error::io("backup", &e))?;
    Ok(copied)
}

fn is_list(file: &Listed) -> bool {
    file.name.starts_with(BESIDE)
}

/// Takes the lists of a backup, each with its name: all at once, so that all can be looked at before one is put.
pub type PutLists<'a> = dyn FnMut(&[(String, Vec<u8>)]) -> Result<(), Error> + 'a;

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
        let lists = files.iter().filter(|(_, file)| is_list(file));
        match &*list.format {
            FORMAT => {}
            // As it was before lists had a place in it.
            FORMAT_ALONE if lists.clone().next().is_none() => {}
            found => {
                let found =
                    format!("expected {FORMAT} or, without lists, {FORMAT_ALONE}; found {found}");
                return Err(bad(found));
            }
        }
        for (_, file) in lists {
            if file.len > BESIDE_LEN_MAX {
                return Err(too_long(&file.name, file.len));
            }
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

    /// Names of the lists beside the tender's files; none in a backup from before lists had a place in it.
    pub fn lists(&self) -> Vec<&str> {
        let names = self.files.iter().map(|(_, file)| &*file.name);
        names.filter_map(|name| name.strip_prefix(BESIDE)).collect()
    }

    /// Puts everything into a store in which no tender is. The head comes last: a restore that breaks off leaves
    /// no tender, and can be done again, from the same backup.
    ///
    /// # Errors
    /// [`Error::Malformed`] if there is a tender in the store, or what another copy left, which stays as it is, or if the
    /// backup has lists; [`Error::Unavailable`].
    pub fn restore(self, store: &mut dyn Store) -> Result<Copied, Error> {
        self.restore_with(store, &mut |lists| {
            let names: Vec<&str> = lists.iter().map(|(name, _)| &**name).collect();
            let names = names.join(", ");
            Err(bad(format!("{names}: expected a place for these lists")))
        })
    }

    /// The same; `put` takes the lists, if there are any, before anything else is put anywhere.
    ///
    /// # Errors
    /// As [`Backup::restore`], and those of `put`.
    pub fn restore_with(
        mut self,
        store: &mut dyn Store,
        put: &mut PutLists<'_>,
    ) -> Result<Copied, Error> {
        let (lists, files): (Vec<_>, Vec<_>) = std::mem::take(&mut self.files)
            .into_iter()
            .partition(|(_, file)| is_list(file));
        require_empty(store, &files)?;
        let (heads, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(_, file)| file.name == HEAD);
        if heads.len() != 1 {
            return Err(bad("there is no head in it"));
        }
        let mut copied = Copied { files: 0, bytes: 0 };
        let mut beside = Vec::with_capacity(lists.len());
        for (at, file) in &lists {
            let mut content = Vec::new();
            self.take(*at, file, &mut |passing| {
                passing.read_to_end(&mut content).map(drop)
            })?;
            let name = file.name.strip_prefix(BESIDE).unwrap_or(&file.name);
            beside.push((name.to_owned(), content));
        }
        if !beside.is_empty() {
            put(&beside)?;
        }
        for (at, file) in others.iter().chain(&heads) {
            self.take(*at, file, &mut |passing| {
                store.write(&file.name, passing).map(drop)
            })?;
        }
        for (_, file) in lists.iter().chain(&others).chain(&heads) {
            copied.files += 1;
            copied.bytes += file.len;
        }
        Ok(copied)
    }

    /// Hands out a file's content. It was whole before: who changed it meanwhile writes to the backup.
    fn take(
        &mut self,
        at: u64,
        file: &Listed,
        work: &mut dyn FnMut(&mut dyn Read) -> io::Result<()>,
    ) -> Result<(), Error> {
        let name = file.name.as_str();
        let io = |e: io::Error| Error::io(name, &e);
        self.file.seek(SeekFrom::Start(at)).map_err(io)?;
        let mut content = self.file.by_ref().take(file.len);
        let mut passing = Passing {
            content: &mut content,
            hash: HashAlg::Sha256.hasher(),
            len: 0,
        };
        work(&mut passing).map_err(io)?;
        match passing.hash.finish() == file.sha256 {
            true => Ok(()),
            false => Err(bad(format!("{name} changed while it was read"))),
        }
    }
}

/// No tender, and nothing that another backup left: it would become part of this one.
fn require_empty(store: &dyn Store, files: &[(u64, Listed)]) -> Result<(), Error> {
    if store.read(HEAD).map_err(|e| Error::io(HEAD, &e))?.is_some() {
        return Err(Error::malformed(
            "store",
            "there is a tender in it already; nothing was changed",
        ));
    }
    let known: BTreeSet<&str> = files.iter().map(|(_, file)| &*file.name).collect();
    let there = store.list("").map_err(|e| Error::io("store", &e))?;
    let foreign =
        |(name, _): &&(String, u64)| name != layout::INCOMING && !known.contains(name.as_str());
    match there.iter().find(foreign) {
        None => Ok(()),
        Some((name, _)) => {
            let detail = format!(
                "{name} is in it and not in this backup: another restore broke off there; expected an empty place"
            );
            Err(Error::malformed("store", detail))
        }
    }
}
