//! The plaintext's tar: every byte of it follows from the manifest.
//!
//! Entries are POSIX ustar regular files, mode 0644, owner and time zero, in the manifest's order. A
//! path above 100 bytes stands in a pax extended header with that one record. The reader writes the
//! headers that the manifest calls for and compares: what tar could otherwise say cannot be said.

use crate::manifest::{
    FILE_SIZE_MAX, FileEntry, MANIFEST_CMS_NAME, MANIFEST_LEN_MAX, MANIFEST_NAME, Manifest,
};
use crate::{Error, Result, padded_len};
use mifeng_crypto::{HashAlg, Hasher};

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;
/// Bytes of the name field.
const NAME_LEN: usize = 100;
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

/// Bytes of the tar and of the padded plaintext.
pub(crate) fn lengths(manifest: u64, cms: u64, files: &[FileEntry]) -> Option<(u64, u64)> {
    let padded = |size: u64| size.checked_add(gap(size) as u64);
    let mut len = END + 2 * BLOCK as u64 + padded(manifest)? + padded(cms)?;
    for file in files {
        // The header's length depends on the path only.
        let head = if file.path.len() <= NAME_LEN {
            BLOCK
        } else {
            3 * BLOCK
        };
        len = len
            .checked_add(head as u64)?
            .checked_add(padded(file.size)?)?;
    }
    Some((len, padded_len(len)?))
}

/// Where the reader hands things to.
pub(crate) trait TarSink {
    /// The manifest and its signature are complete: check them, and say what must follow.
    fn manifest(&mut self, bytes: &[u8], cms: &[u8]) -> Result<Manifest>;
    fn begin_file(&mut self, path: &str, size: u64) -> Result<()>;
    fn write(&mut self, data: &[u8]) -> Result<()>;
    fn end_file(&mut self) -> Result<()>;
}

fn opening(what: &'static str) -> Error {
    Error::Opening { what }
}

enum Stage {
    /// Collecting the manifest's header, content and gap, then its signature's.
    Head {
        name: &'static str,
        limit: usize,
    },
    /// Comparing header blocks of file `index`.
    Header {
        index: usize,
        expected: Vec<u8>,
        at: usize,
    },
    Content {
        index: usize,
        left: u64,
        hash: Hasher,
    },
    Zeros {
        left: u64,
        then: Option<usize>,
    },
    Done,
}

/// A push reader of the padded plaintext.
pub(crate) struct Reader<'a> {
    alg: HashAlg,
    plain_len: u64,
    stage: Stage,
    held: Vec<u8>,
    heads: Vec<Vec<u8>>,
    manifest: Option<Manifest>,
    sink: &'a mut dyn TarSink,
}

impl<'a> Reader<'a> {
    /// A reader of exactly `plain_len` bytes.
    pub(crate) fn new(alg: HashAlg, plain_len: u64, sink: &'a mut dyn TarSink) -> Self {
        Reader {
            alg,
            plain_len,
            stage: Stage::Head {
                name: MANIFEST_NAME,
                limit: MANIFEST_LEN_MAX,
            },
            held: Vec::new(),
            heads: Vec::new(),
            manifest: None,
            sink,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            let used = self.step(data)?;
            data = &data[used..];
        }
        Ok(())
    }

    /// All bytes were pushed: gives the manifest if everything was there.
    pub(crate) fn finish(self) -> Result<Manifest> {
        match (self.stage, self.manifest) {
            (Stage::Done, Some(manifest)) => Ok(manifest),
            _ => Err(opening("tar ends early")),
        }
    }

    fn file(&self, index: usize) -> Option<&FileEntry> {
        self.manifest.as_ref().and_then(|m| m.files.get(index))
    }

    fn next_file(&mut self, index: usize) -> Result<()> {
        self.stage = match self.file(index) {
            Some(file) => Stage::Header {
                index,
                expected: header(&file.path, file.size, index),
                at: 0,
            },
            None => {
                let files = self.manifest.as_ref().map_or(&[][..], |m| &m.files);
                let len = |i: usize| self.heads.get(i).map_or(0, Vec::len) as u64;
                let (tar, padded) = lengths(len(0), len(1), files)
                    .ok_or_else(|| opening("tar is longer than any bid"))?;
                if padded != self.plain_len {
                    return Err(opening("padded length"));
                }
                Stage::Zeros {
                    left: padded - tar + END,
                    then: None,
                }
            }
        };
        Ok(())
    }

    /// Works on the front of `data` (not empty) and says how much of it was used (at least 1).
    fn step(&mut self, data: &[u8]) -> Result<usize> {
        match &mut self.stage {
            Stage::Head { name, limit } => {
                let (name, limit) = (*name, *limit);
                self.head(name, limit, data)
            }
            Stage::Header {
                index,
                expected,
                at,
            } => {
                let (index, take) = (*index, data.len().min(expected.len() - *at));
                if expected[*at..*at + take] != data[..take] {
                    return Err(opening("tar header is not the one the manifest calls for"));
                }
                *at += take;
                if *at == expected.len() {
                    self.begin(index)?;
                }
                Ok(take)
            }
            Stage::Content { index, left, hash } => {
                // The smaller of the two fits a usize.
                let take = (*left).min(data.len() as u64) as usize;
                hash.update(&data[..take]);
                *left -= take as u64;
                let (index, end) = (*index, *left == 0);
                self.sink.write(&data[..take])?;
                if end {
                    self.end(index)?;
                }
                Ok(take)
            }
            Stage::Zeros { left, then } => {
                let take = (*left).min(data.len() as u64) as usize;
                if data[..take].iter().any(|b| *b != 0) {
                    return Err(opening("padding is not zero"));
                }
                *left -= take as u64;
                if *left == 0 {
                    match *then {
                        Some(next) => self.next_file(next)?,
                        None => self.stage = Stage::Done,
                    }
                }
                Ok(take)
            }
            Stage::Done => Err(opening("bytes after the padding")),
        }
    }

    /// Collects one of the two leading entries whole.
    fn head(&mut self, name: &'static str, limit: usize, data: &[u8]) -> Result<usize> {
        let wanted = if self.held.len() < BLOCK {
            BLOCK
        } else {
            let size = parse_size(&self.held, name)?;
            if size == 0 || size > limit as u64 {
                return Err(opening("size of the manifest or its signature"));
            }
            BLOCK + size as usize + gap(size)
        };
        let take = data.len().min(wanted - self.held.len());
        self.held.extend_from_slice(&data[..take]);
        if self.held.len() == wanted && wanted > BLOCK {
            let size = parse_size(&self.held, name)? as usize;
            if self.held[BLOCK + size..].iter().any(|b| *b != 0) {
                return Err(opening("padding is not zero"));
            }
            let content = self.held[BLOCK..BLOCK + size].to_vec();
            self.held.clear();
            self.heads.push(content);
            if let [manifest, cms] = &self.heads[..] {
                self.manifest = Some(self.sink.manifest(manifest, cms)?);
                self.next_file(0)?;
            } else {
                self.stage = Stage::Head {
                    name: MANIFEST_CMS_NAME,
                    limit: CMS_LEN_MAX,
                };
            }
        }
        Ok(take)
    }

    fn begin(&mut self, index: usize) -> Result<()> {
        let Some((path, left)) = self.file(index).map(|f| (f.path.clone(), f.size)) else {
            return Err(opening("tar entry"));
        };
        self.sink.begin_file(&path, left)?;
        self.stage = Stage::Content {
            index,
            left,
            hash: self.alg.hasher(),
        };
        if left == 0 {
            self.end(index)?;
        }
        Ok(())
    }

    fn end(&mut self, index: usize) -> Result<()> {
        let Some((size, expected)) = self.file(index).map(|f| (f.size, f.hash)) else {
            return Err(opening("tar entry"));
        };
        if let Stage::Content { hash, .. } = core::mem::replace(&mut self.stage, Stage::Done)
            && hash.finish() != expected
        {
            return Err(opening("file does not have the manifest's hash"));
        }
        self.sink.end_file()?;
        match gap(size) {
            0 => self.next_file(index + 1)?,
            left => {
                self.stage = Stage::Zeros {
                    left: left as u64,
                    then: Some(index + 1),
                }
            }
        }
        Ok(())
    }
}

/// The size in a header block, which must be the very block for that name and size.
fn parse_size(held: &[u8], name: &str) -> Result<u64> {
    let wrong = || opening("tar header of the manifest or its signature");
    let digits = held.get(124..135).ok_or_else(wrong)?;
    let size = digits.iter().try_fold(0u64, |size, digit| match digit {
        b'0'..=b'7' => Ok(size << 3 | u64::from(digit - b'0')),
        _ => Err(wrong()),
    })?;
    if held[..BLOCK] != block(name.as_bytes(), size, b'0') {
        return Err(wrong());
    }
    Ok(size)
}
