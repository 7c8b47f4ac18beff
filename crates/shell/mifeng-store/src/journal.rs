//! The journal of a directory (`spec/store.md`): batches in one file, one after another, each durable by one sync.
//!
//! What a batch holds is chosen by strangers. So nothing in it can pass for a frame: frames are authenticated
//! with a random key that only the journal's header has. An end that a crash tore off is told apart from damage
//! by that: behind a torn end no frame authenticates.

use crate::disk::{Disk, DiskFile, write_all};
use mifeng::crypto::{Entropy, SystemEntropy};
use mifeng::{ReadSeek, Write};
use ring::hmac;
use std::io::{self, Read, Seek, SeekFrom};

/// The journal, and a new one until it is whole.
const NAME: &str = ".journal";
const NEW: &str = ".journal.new";
/// Header and frames start at multiples of this: so a scan for frames is one short computation in each.
pub(crate) const BLOCK: u64 = 4096;
const MAGIC: &[u8; 16] = b"mifeng journal 1";
const FRAME: &[u8; 8] = b"mf-frame";
/// What the header's authenticator is over: magic and key.
const HEADER_LEN: usize = 48;
/// What a frame's authenticator is over: magic, number, place, length, authenticator of the content.
const FRAME_LEN: usize = 64;
const MAC_LEN: usize = 32;
/// A frame's content comes after so much.
const CONTENT_AT: u64 = (FRAME_LEN + MAC_LEN) as u64;
/// Content of one batch: twice the records that a host lets wait for one beat. It is held in memory.
pub(crate) const BATCH_LEN_MAX: u64 = 256 << 20;
/// Bytes of a journal that are copied at a time.
const COPY_LEN: u64 = 1 << 20;
/// What the authenticators are for.
const OF_HEADER: &[u8] = b"mifeng/v1/journal-header";
const OF_FRAME: &[u8] = b"mifeng/v1/journal-frame";
const OF_CONTENT: &[u8] = b"mifeng/v1/journal-content";

pub(crate) struct Journal {
    file: Box<dyn DiskFile>,
    key: hmac::Key,
    /// Where the next frame comes.
    end: u64,
    /// Frames so far.
    count: u64,
}

impl Journal {
    /// A new journal in place of the one that was there: whole and durable before it has its name.
    pub(crate) fn start(disk: &mut impl Disk) -> io::Result<Self> {
        let mut key = [0; MAC_LEN];
        SystemEntropy::new()
            .fill(&mut key)
            .map_err(io::Error::other)?;
        let mut header = vec![0; BLOCK as usize];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..HEADER_LEN].copy_from_slice(&key);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let tag = mac(&key, OF_HEADER, &[&header[..HEADER_LEN]]);
        header[HEADER_LEN..HEADER_LEN + MAC_LEN].copy_from_slice(tag.as_ref());
        disk.remove(NEW)?;
        let mut file = disk.create(NEW)?;
        write_all(&mut *file, 0, &header)?;
        file.sync()?;
        disk.rename(NEW, NAME)?;
        disk.sync_folder("")?;
        Ok(Journal {
            file,
            key,
            end: BLOCK,
            count: 0,
        })
    }

    /// Bytes in use.
    pub(crate) fn len(&self) -> u64 {
        self.end
    }

    /// Adds a batch: durable when this returns. After an error nothing more may be added: what is there of the
    /// frame must stay the last.
    pub(crate) fn add(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        let mut frame = vec![0; CONTENT_AT as usize];
        for write in writes {
            encode(write, &mut frame)?;
        }
        let len = frame.len() as u64 - CONTENT_AT;
        if len > BATCH_LEN_MAX {
            return Err(invalid_input("a batch is too large"));
        }
        let (head, content) = frame.split_at_mut(CONTENT_AT as usize);
        head[..8].copy_from_slice(FRAME);
        head[8..16].copy_from_slice(&self.count.to_be_bytes());
        head[16..24].copy_from_slice(&self.end.to_be_bytes());
        head[24..32].copy_from_slice(&len.to_be_bytes());
        let tag = mac(&self.key, OF_CONTENT, &[&head[..32], content]);
        head[32..FRAME_LEN].copy_from_slice(tag.as_ref());
        let tag = mac(&self.key, OF_FRAME, &[&head[..FRAME_LEN]]);
        head[FRAME_LEN..].copy_from_slice(tag.as_ref());
        frame.resize(frame.len().next_multiple_of(BLOCK as usize), 0);
        let end = write_all(&mut *self.file, self.end, &frame)?;
        self.file.sync()?;
        self.end = end;
        self.count += 1;
        Ok(())
    }
}

/// What a journal holds that was there when the folder was opened.
pub(crate) struct Found {
    file: Box<dyn ReadSeek>,
    key: hmac::Key,
    len: u64,
    /// Place and length of each whole frame.
    frames: Vec<(u64, u64)>,
}

/// Reads the journal, if there is one.
///
/// # Errors
/// `InvalidData` if it is damaged; else what the disk says.
pub(crate) fn find(disk: &impl Disk) -> io::Result<Option<Found>> {
    let mut file = match disk.open(NAME) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let len = file.seek(SeekFrom::End(0))?;
    let key = read_header(&mut *file, len)?;
    let mut found = Found {
        file,
        key,
        len,
        frames: Vec::new(),
    };
    let mut at = BLOCK;
    while let Some(content_len) = found.whole(at)? {
        found.frames.push((at, content_len));
        at = (at + CONTENT_AT + content_len).next_multiple_of(BLOCK);
    }
    found.require_nothing_behind(at)?;
    Ok(Some(found))
}

impl Found {
    /// Nothing but the header.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == BLOCK
    }

    /// The journal to go on with, once its frames are done and a new one is begun, or at once if it has none.
    pub(crate) fn journal(&self, disk: &mut impl Disk) -> io::Result<Journal> {
        Ok(Journal {
            file: disk.edit(NAME)?,
            key: self.key.clone(),
            end: BLOCK,
            count: 0,
        })
    }

    /// Writes what is whole of it anew, in its place. After a failed sync what is read here may be in the system's memory
    /// alone; a batch must be durable before it reaches its files.
    pub(crate) fn write_anew(&mut self, disk: &mut impl Disk) -> io::Result<()> {
        let (last, len) = self.frames.last().copied().unwrap_or((0, 0));
        let end = (last + CONTENT_AT + len).max(BLOCK);
        disk.remove(NEW)?;
        let mut file = disk.create(NEW)?;
        let mut at = 0;
        while at < end {
            let piece = self.read(at, COPY_LEN.min(end - at))?;
            at = write_all(&mut *file, at, &piece)?;
        }
        file.sync()?;
        disk.rename(NEW, NAME)?;
        disk.sync_folder("")
    }

    /// Hands over every batch, in order.
    pub(crate) fn replay(
        &mut self,
        mut apply: impl FnMut(&[Write<'_>]) -> io::Result<()>,
    ) -> io::Result<()> {
        for (at, len) in self.frames.clone() {
            let content = self.read(at + CONTENT_AT, len)?;
            apply(&decode(&content).ok_or_else(|| damaged(at))?)?;
        }
        Ok(())
    }

    /// The frame behind the last whole one was whole once.
    pub(crate) fn damaged_behind(&self) -> io::Error {
        let (at, len) = self.frames.last().copied().unwrap_or_default();
        damaged((at + CONTENT_AT + len).next_multiple_of(BLOCK))
    }

    fn read(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(at))?;
        // At most BATCH_LEN_MAX, and no more than there is.
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The head of the frame at this place, if one is there that is ours.
    fn head(&mut self, at: u64) -> io::Result<Option<Vec<u8>>> {
        if at.saturating_add(CONTENT_AT) > self.len {
            return Ok(None);
        }
        let head = self.read(at, CONTENT_AT)?;
        let (said, tag) = head.split_at(FRAME_LEN);
        let ours = said[..8] == *FRAME
            && be64(&said[16..]) == at
            && holds(&self.key, OF_FRAME, &[said], tag);
        Ok(ours.then_some(head))
    }

    /// The length of the content of the next frame, if it is whole.
    fn whole(&mut self, at: u64) -> io::Result<Option<u64>> {
        let Some(head) = self.head(at)? else {
            return Ok(None);
        };
        let len = be64(&head[24..]);
        if be64(&head[8..]) != self.frames.len() as u64 || len > BATCH_LEN_MAX {
            return Err(damaged(at));
        }
        if at + CONTENT_AT + len > self.len {
            return Ok(None);
        }
        let content = self.read(at + CONTENT_AT, len)?;
        let said = [&head[..32], &content];
        Ok(holds(&self.key, OF_CONTENT, &said, &head[32..FRAME_LEN]).then_some(len))
    }

    /// A frame is written only after the one before it was synced. So a crash tears the last one only, and a
    /// frame behind one that is not whole shows that something else broke it.
    fn require_nothing_behind(&mut self, torn: u64) -> io::Result<()> {
        let mut at = torn + BLOCK;
        while at < self.len {
            if self.head(at)?.is_some() {
                return Err(damaged(torn));
            }
            at += BLOCK;
        }
        Ok(())
    }
}

/// The key. The header was durable before it had its name: no crash tears it.
fn read_header(file: &mut dyn ReadSeek, len: u64) -> io::Result<hmac::Key> {
    let mut header = vec![0; BLOCK as usize];
    if len < BLOCK {
        return Err(damaged(0));
    }
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    let (said, rest) = header.split_at(HEADER_LEN);
    let (tag, rest) = rest.split_at(MAC_LEN);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &said[MAGIC.len()..]);
    let ours = said.starts_with(MAGIC) && rest.iter().all(|b| *b == 0);
    if ours && holds(&key, OF_HEADER, &[said], tag) {
        Ok(key)
    } else {
        Err(damaged(0))
    }
}

fn context(key: &hmac::Key, label: &[u8], parts: &[&[u8]]) -> hmac::Context {
    let mut context = hmac::Context::with_key(key);
    for part in std::iter::once(&label).chain(parts) {
        context.update(part);
    }
    context
}

fn mac(key: &hmac::Key, label: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    context(key, label, parts).sign()
}

/// In any time: whoever can try authenticators has the key beside them.
fn holds(key: &hmac::Key, label: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    mac(key, label, parts).as_ref() == tag
}

fn encode(write: &Write<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let (kind, name, content) = match write {
        Write::Put { name, content } => (1, name, content),
        Write::Append { name, content, .. } => (2, name, content),
    };
    let name_len = u16::try_from(name.len()).map_err(|_| invalid_input("a name is too long"))?;
    out.push(kind);
    out.extend(name_len.to_be_bytes());
    out.extend(name.as_bytes());
    if let Write::Append { at, .. } = write {
        out.extend(at.to_be_bytes());
    }
    out.extend((content.len() as u64).to_be_bytes());
    out.extend(*content);
    Ok(())
}

fn decode(mut content: &[u8]) -> Option<Vec<Write<'_>>> {
    let mut writes = Vec::new();
    let rest = &mut content;
    while !rest.is_empty() {
        let kind = take(rest, 1)?[0];
        let name_len = take(rest, 2)?;
        let name_len = u16::from_be_bytes([name_len[0], name_len[1]]);
        let name = std::str::from_utf8(take(rest, name_len.into())?).ok()?;
        let at = match kind {
            1 => None,
            2 => Some(be64(take(rest, 8)?)),
            _ => return None,
        };
        let len = usize::try_from(be64(take(rest, 8)?)).ok()?;
        let content = take(rest, len)?;
        writes.push(match at {
            None => Write::Put { name, content },
            Some(at) => Write::Append { name, at, content },
        });
    }
    Some(writes)
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// The first eight bytes of at least eight.
fn be64(bytes: &[u8]) -> u64 {
    bytes[..8].iter().fold(0, |sum, b| sum << 8 | u64::from(*b))
}

fn damaged(at: u64) -> io::Error {
    let what = format!("the journal is damaged at byte {at}: nothing was changed");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn invalid_input(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
