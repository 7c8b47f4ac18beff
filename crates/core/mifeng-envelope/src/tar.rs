//! The plaintext's tar: files first, then what says which files they are.
//!
//! Entries are POSIX ustar regular files, mode 0644, owner and time zero, in the order of their
//! paths. A path above 100 bytes stands in a pax extended header with that one record. The reader
//! computes each header block again from the name and size in it and compares: what tar could
//! otherwise say cannot be said.

use crate::manifest::{
    FILE_SIZE_MAX, FILES_MAX, FileEntry, MANIFEST_CMS_NAME, MANIFEST_LEN_MAX, MANIFEST_NAME,
    Manifest, Places, check_path,
};
use crate::root::Window;
use crate::stream::PlainReader;
use crate::{Error, Result, journal, padded_len};
use mifeng_crypto::{Digest, Wiped};

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
/// Bytes of the name field.
const NAME_LEN: usize = 100;
/// Bytes of the header of a path that does not fit there: pax header, its record, file header.
const LONG_HEADER: usize = 3 * BLOCK;
/// Where a header says what it is a header of.
const KIND_AT: usize = 156;
/// The two zero blocks that end a tar.
const END: u64 = 2 * BLOCK as u64;
/// Bytes of the largest manifest signature: a CMS with a chain.
pub(crate) const CMS_LEN_MAX: usize = 16_384;

fn block(name: &[u8], size: u64, kind: u8) -> [u8; BLOCK] {
    let mut out = [0; BLOCK];
    let len = name.len().min(NAME_LEN);
    out[..len].copy_from_slice(&name[..len]);
    out[100..108].copy_from_slice(b"0000644\0");
    out[108..116].copy_from_slice(b"0000000\0");
    out[116..124].copy_from_slice(b"0000000\0");
    out[124..136].copy_from_slice(format!("{:011o}\0", size & FILE_SIZE_MAX).as_bytes());
    out[136..148].copy_from_slice(b"00000000000\0");
    out[148..156].copy_from_slice(b"        ");
    out[156] = kind;
    out[257..265].copy_from_slice(b"ustar\x0000");
    out[329..337].copy_from_slice(b"0000000\0");
    out[337..345].copy_from_slice(b"0000000\0");
    let sum: u32 = out.iter().map(|b| u32::from(*b)).sum();
    out[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out
}

/// The header blocks of entry `index` (counted from 0 in the manifest's file list).
pub(crate) fn header(path: &str, size: u64, index: usize) -> Vec<u8> {
    if path.len() <= NAME_LEN {
        return block(path.as_bytes(), size, b'0').to_vec();
    }
    // "<length> path=<path>\n", where the length counts itself (three digits for these paths).
    let record = format!("{} path={path}\n", path.len() + 10);
    let mut out = block(format!("pax/{index}").as_bytes(), record.len() as u64, b'x').to_vec();
    out.extend_from_slice(record.as_bytes());
    out.resize(2 * BLOCK, 0);
    out.extend_from_slice(&block(format!("long/{index}").as_bytes(), size, b'0'));
    out
}

/// Zero bytes after a content of `size` bytes.
pub(crate) fn gap(size: u64) -> usize {
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}

/// Bytes of the padded plaintext that holds a manifest of this length and these files.
///
/// The signature counts with its largest size, so that the length is known before it is made.
pub(crate) fn padded(manifest: u64, files: &[FileEntry]) -> Option<u64> {
    let blocks = |size: u64| size.checked_add(gap(size) as u64);
    let mut len = END + 2 * BLOCK as u64 + blocks(manifest)? + CMS_LEN_MAX as u64;
    for file in files {
        // The header's length depends on the path only.
        let head = if file.path.len() <= NAME_LEN {
            BLOCK
        } else {
            LONG_HEADER
        };
        len = len
            .checked_add(head as u64)?
            .checked_add(blocks(file.size)?)?;
    }
    padded_len(len)
}

/// Where the reader hands things to.
pub(crate) trait TarSink {
    fn begin_file(&mut self, path: &str, size: u64) -> Result<()>;
    fn write(&mut self, data: &[u8]) -> Result<()>;
    fn end_file(&mut self) -> Result<()>;
    /// A file that an interrupted opening began goes on at `offset`.
    fn go_on_file(&mut self, path: &str, size: u64, offset: u64) -> Result<()>;
    /// The next line of the journal.
    fn note(&mut self, line: &[u8]) -> Result<()>;
    /// The manifest and its signature are complete: checks them.
    fn manifest(&mut self, bytes: &[u8], cms: &[u8]) -> Result<Manifest>;
}

fn opening(what: &'static str) -> Error {
    Error::Opening { what }
}

enum Stage {
    /// Collecting a header in `held`.
    Header,
    Content {
        left: u64,
    },
    /// Collecting the manifest (`own` 0) or its signature (1) in `held`.
    Own {
        own: usize,
        left: usize,
    },
    /// Zeros up to the next header.
    Gap {
        left: usize,
    },
    /// Zeros up to the end.
    Padding {
        left: u64,
    },
    Done,
}

/// The envelope's own two entries, which end the tar, in order.
const OWN: [(&str, usize); 2] = [
    (MANIFEST_NAME, MANIFEST_LEN_MAX),
    (MANIFEST_CMS_NAME, CMS_LEN_MAX),
];

/// A push reader of the padded plaintext.
pub(crate) struct Reader<'a> {
    plain_len: u64,
    at: u64,
    stage: Stage,
    held: Vec<u8>,
    own: Vec<Vec<u8>>,
    seen: Vec<FileEntry>,
    places: Places,
    window: Window,
    journal: Option<journal::Writer>,
    // Files that the journal knows of.
    noted: usize,
    sink: &'a mut dyn TarSink,
}

/// Where the content of the file last met stood after some rounds.
pub(crate) struct Place {
    /// Bytes of that file that came before.
    pub(crate) offset: u64,
    /// Leaves of each file before it.
    leaves: Vec<usize>,
}

/// Finds the place after `plain` bytes of plaintext, all files met being `seen`.
pub(crate) fn place_of(seen: &[(String, u64)], plain: u64) -> Option<Place> {
    let mut at = 0u64;
    let (last, ended) = seen.split_last()?;
    for (index, (path, size)) in ended.iter().enumerate() {
        let head = header(path, *size, index).len() as u64;
        at = at
            .checked_add(head)?
            .checked_add(*size)?
            .checked_add(gap(*size) as u64)?;
    }
    at = at.checked_add(header(&last.0, last.1, ended.len()).len() as u64)?;
    let offset = plain.checked_sub(at).filter(|offset| *offset < last.1)?;
    let leaves = |(_, size): &(String, u64)| size.div_ceil(crate::BLOCK as u64) as usize;
    Some(Place {
        offset,
        leaves: ended.iter().map(leaves).collect(),
    })
}

impl<'a> Reader<'a> {
    /// A reader of exactly `plain_len` bytes; `window` hashes the files.
    pub(crate) fn new(plain_len: u64, window: Window, sink: &'a mut dyn TarSink) -> Self {
        Reader {
            plain_len,
            at: 0,
            stage: Stage::Header,
            held: Vec::new(),
            own: Vec::new(),
            seen: Vec::new(),
            places: Places::default(),
            window,
            journal: None,
            noted: 0,
            sink,
        }
    }

    /// From now on a journal is kept.
    pub(crate) fn keep(&mut self, journal: journal::Writer) {
        self.journal = Some(journal);
    }

    /// Hands a line of the journal over.
    pub(crate) fn note_line(&mut self, line: &[u8]) -> Result<()> {
        self.sink.note(line)
    }

    /// Goes on inside the last file of `seen`: `leaves` are the hashes of all that is hashed, `tail`
    /// what follows them up to the place.
    pub(crate) fn go_on(
        &mut self,
        seen: &[(String, u64)],
        place: &Place,
        leaves: &[Digest],
        tail: &[u8],
    ) -> Result<()> {
        let wrong = || Error::Journal {
            what: "files and leaves",
        };
        let mut rest = leaves;
        let mut ended = Vec::with_capacity(place.leaves.len());
        for count in &place.leaves {
            let (file, after) = rest.split_at_checked(*count).ok_or_else(wrong)?;
            ended.push(file.to_vec());
            rest = after;
        }
        let block = crate::BLOCK as u64;
        let fits =
            rest.len() as u64 == place.offset / block && tail.len() as u64 == place.offset % block;
        if !fits {
            return Err(wrong());
        }
        self.window.restore(ended, rest, tail);
        for (path, size) in seen {
            check_path(path).and_then(|()| self.places.insert(path))?;
            self.seen.push(FileEntry {
                hash: Digest::from_bytes([0; 32]),
                path: path.clone(),
                size: *size,
            });
        }
        let (path, size) = seen.last().ok_or_else(wrong)?;
        self.noted = seen.len();
        // Every entry fills whole blocks, and the place is inside the last one.
        self.at = (0u64..)
            .zip(&self.seen)
            .map(|(index, file)| {
                let head = header(&file.path, file.size, index as usize).len() as u64;
                match index as usize + 1 == seen.len() {
                    true => head + place.offset,
                    false => head + file.size + gap(file.size) as u64,
                }
            })
            .sum();
        self.stage = Stage::Content {
            left: size - place.offset,
        };
        self.sink.go_on_file(path, *size, place.offset)
    }

    /// All bytes were pushed: gives the manifest and its bytes if everything was there and agrees.
    pub(crate) fn finish(mut self, workers: usize) -> Result<(Manifest, Vec<u8>)> {
        self.conclude(workers)
    }

    /// The window's memory, for the next reader.
    pub(crate) fn into_memory(self) -> Wiped {
        self.window.into_memory()
    }

    /// What [`Reader::finish`] does; the reader is of no use then, but for its memory.
    pub(crate) fn conclude(&mut self, workers: usize) -> Result<(Manifest, Vec<u8>)> {
        let (Stage::Done, [manifest, cms]) = (&self.stage, &self.own[..]) else {
            return Err(opening("tar ends early"));
        };
        for (file, root) in self.seen.iter_mut().zip(self.window.roots(workers)?) {
            file.hash = root;
        }
        let parsed = self.sink.manifest(manifest, cms)?;
        if parsed.files != self.seen {
            return Err(opening("files are not those of the manifest"));
        }
        if padded(manifest.len() as u64, &self.seen) != Some(self.plain_len) {
            return Err(opening("padded length"));
        }
        Ok((parsed, self.own.swap_remove(0)))
    }

    /// Works on the front of `data` (not empty) and says how much of it was used (at least 1, but
    /// for an entry without content).
    fn step(&mut self, data: &[u8]) -> Result<usize> {
        match &mut self.stage {
            Stage::Header => self.header(data),
            Stage::Content { left } => {
                // The smaller of the two fits a usize.
                let take = (*left).min(data.len() as u64) as usize;
                *left -= take as u64;
                let end = *left == 0;
                if self.window.push(&data[..take]) < take {
                    // Rounds are hashed in time, so there is room for each.
                    return Err(opening("file is longer than a round"));
                }
                self.sink.write(&data[..take])?;
                if end {
                    self.end_file()?;
                }
                Ok(take)
            }
            Stage::Own { own, left } => {
                let (own, take) = (*own, data.len().min(*left));
                *left -= take;
                let end = *left == 0;
                self.held.extend_from_slice(&data[..take]);
                if end {
                    self.end_own(own);
                }
                Ok(take)
            }
            Stage::Gap { left } => {
                let take = data.len().min(*left);
                zeros(&data[..take])?;
                *left -= take;
                if *left == 0 {
                    self.next();
                }
                Ok(take)
            }
            Stage::Padding { left } => {
                let take = (*left).min(data.len() as u64) as usize;
                zeros(&data[..take])?;
                *left -= take as u64;
                if *left == 0 {
                    self.stage = Stage::Done;
                }
                Ok(take)
            }
            Stage::Done => Err(opening("bytes after the padding")),
        }
    }

    /// Collects one header: a block, or three for a long path.
    fn header(&mut self, data: &[u8]) -> Result<usize> {
        let long = self.held.len() >= BLOCK && self.held[KIND_AT] == b'x';
        let wanted = if long { LONG_HEADER } else { BLOCK };
        let take = data.len().min(wanted - self.held.len());
        self.held.extend_from_slice(&data[..take]);
        let complete = self.held.len() == wanted && (long || self.held[KIND_AT] != b'x');
        if complete {
            let held = core::mem::take(&mut self.held);
            self.begin(&held)?;
        }
        Ok(take)
    }

    fn begin(&mut self, held: &[u8]) -> Result<()> {
        let wrong = || opening("tar header is not of the one form");
        let size = size_of(held).ok_or_else(wrong)?;
        let own = self.own.len();
        // After the manifest there is only its signature.
        if own > 0 || name_of(held) == MANIFEST_NAME.as_bytes() {
            let (name, limit) = OWN[own];
            if held != block(name.as_bytes(), size, b'0') {
                return Err(wrong());
            }
            if size == 0 || size > limit as u64 {
                return Err(opening("size of the manifest or its signature"));
            }
            let left = size as usize;
            self.stage = Stage::Own { own, left };
            return Ok(());
        }
        let path = path_of(held)
            .and_then(|path| core::str::from_utf8(path).ok())
            .ok_or_else(wrong)?;
        let index = self.seen.len();
        if index == FILES_MAX || held != header(path, size, index) {
            return Err(wrong());
        }
        let before = self.seen.last().map_or("", |file| &file.path);
        let fits = path.as_bytes() > before.as_bytes()
            && check_path(path).is_ok()
            && self.places.insert(path).is_ok();
        if !fits {
            return Err(opening("path, or order of paths"));
        }
        self.seen.push(FileEntry {
            hash: Digest::from_bytes([0; 32]),
            path: path.to_owned(),
            size,
        });
        self.sink.begin_file(path, size)?;
        self.stage = Stage::Content { left: size };
        if size == 0 {
            self.end_file()?;
        }
        Ok(())
    }

    fn end_file(&mut self) -> Result<()> {
        self.window.end();
        self.sink.end_file()?;
        let size = self.seen.last().map_or(0, |file| file.size);
        self.stage = Stage::Gap { left: gap(size) };
        if gap(size) == 0 {
            self.next();
        }
        Ok(())
    }

    fn end_own(&mut self, own: usize) {
        let content = core::mem::take(&mut self.held);
        let left = gap(content.len() as u64);
        self.own.push(content);
        self.stage = Stage::Gap { left };
        if left == 0 {
            self.next();
        }
        debug_assert_eq!(self.own.len(), own + 1);
    }

    /// What follows an entry and its gap; the bytes of both are counted in `at` only after the step
    /// that ends them, so padding is set up by [`Reader::push`].
    fn next(&mut self) {
        self.stage = if self.own.len() == OWN.len() {
            Stage::Padding { left: 0 }
        } else {
            Stage::Header
        };
    }
}

impl PlainReader for Reader<'_> {
    fn push(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let used = self.step(data)?;
            data = &data[used..];
            self.at += used as u64;
            if let Stage::Padding { left: 0 } = self.stage {
                let left = self.plain_len.saturating_sub(self.at);
                if left < END {
                    return Err(opening("tar ends early"));
                }
                self.stage = Stage::Padding { left };
            }
        }
        Ok(())
    }

    fn window(&mut self) -> &mut Window {
        &mut self.window
    }

    /// Inside a file only: anywhere else the state is more than a place, and the next round comes
    /// soon.
    fn note(&mut self, rounds: u64, body: &[Digest], files: &[Digest]) -> Result<()> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        journal.since.body.extend_from_slice(body);
        journal.since.files.extend_from_slice(files);
        if !matches!(self.stage, Stage::Content { .. }) {
            return Ok(());
        }
        let new = &self.seen[self.noted..];
        let seen = new.iter().map(|file| (file.path.clone(), file.size));
        journal.since.seen.extend(seen);
        self.noted = self.seen.len();
        let line = journal.line(rounds)?;
        self.sink.note(&line)
    }
}

fn zeros(data: &[u8]) -> Result<()> {
    // All of it, without a way out between: several bytes at a time.
    if data.iter().fold(0, |sum, b| sum | b) != 0 {
        return Err(opening("padding is not zero"));
    }
    Ok(())
}

/// The name field up to its first zero.
fn name_of(held: &[u8]) -> &[u8] {
    let name = &held[..NAME_LEN];
    let end = name.iter().position(|b| *b == 0).unwrap_or(NAME_LEN);
    &name[..end]
}

/// The path that a header of one or three blocks is for.
fn path_of(held: &[u8]) -> Option<&[u8]> {
    if held.len() == BLOCK {
        return Some(name_of(held));
    }
    let end = held[BLOCK..2 * BLOCK].iter().position(|b| *b == b'\n')?;
    // "<three digits> path=": the caller compares all of it.
    held[BLOCK..BLOCK + end].get(9..)
}

/// The size in the last block of a header.
fn size_of(held: &[u8]) -> Option<u64> {
    let at = held.len().checked_sub(BLOCK)? + 124;
    held.get(at..at + 11)?
        .iter()
        .try_fold(0u64, |size, digit| match digit {
            b'0'..=b'7' => Some(size << 3 | u64::from(digit - b'0')),
            _ => None,
        })
}
