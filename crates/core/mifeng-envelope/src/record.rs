//! The bytes of a sealed bid, and the part of it that is logged.

use crate::body::plain_len;
use crate::{Error, Header, Result, padded_len};
use mifeng_crypto::{Digest, HashAlg, Suite, jcs};
use serde::{Deserialize, Serialize};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// How a sealed bid starts.
pub(crate) const MAGIC: &[u8; 8] = b"MIFENG\x00\x01";
/// How a sealed bid ends.
pub(crate) const END_MAGIC: &[u8; 8] = b"MIFENG\x00\x02";
/// Header bytes: 32 leaves with room.
pub(crate) const HEADER_LEN_MAX: usize = 32_768;
/// Trailer bytes: a dozen members.
pub(crate) const TRAILER_LEN_MAX: usize = 4_096;
/// Bytes of the outer signature: a CMS with a chain.
pub(crate) const CMS_LEN_MAX: usize = 16_384;

/// What the outer signature is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    /// Bytes of one block of the root's tree, 1,048,576.
    pub block: u64,
    /// Bytes of the body.
    pub body_len: u64,
    /// `H_tag("header", header)`: the seal's id.
    pub header: Digest,
    /// RFC 6962 root over the body's blocks, suite hash.
    pub root: Digest,
    /// Format version, 1.
    pub v: u8,
}

/// Header, trailer and outer signature: all of a sealed bid but its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRecord {
    pub(crate) header: Vec<u8>,
    pub(crate) trailer: Vec<u8>,
    pub(crate) cms: Vec<u8>,
}

/// Bytes before the body: magic, header with its length, the body's length.
pub(crate) const START_LEN_MAX: u64 = 20 + HEADER_LEN_MAX as u64;

const PARTS: [(&str, usize); 3] = [
    ("header", HEADER_LEN_MAX),
    ("trailer", TRAILER_LEN_MAX),
    ("outer signature", CMS_LEN_MAX),
];

fn check_len(part: usize, found: usize) -> Result<()> {
    let (what, limit) = PARTS[part];
    if found == 0 {
        return Err(Error::Malformed { what });
    }
    if found > limit {
        return Err(Error::Limit {
            what,
            limit: limit as u64,
            found: found as u64,
        });
    }
    Ok(())
}

/// Whether a padded plaintext can have given a body of this length: told without any key.
pub(crate) fn check_body_len(found: u64) -> Result<u64> {
    match plain_len(found) {
        Some(plain) if padded_len(plain) == Some(plain) => Ok(plain),
        _ => Err(Error::BodyLength { found }),
    }
}

impl SealRecord {
    /// Puts the parts together; only their lengths are checked.
    ///
    /// # Errors
    /// [`Error::Limit`] or an empty part.
    pub fn new(header: Vec<u8>, trailer: Vec<u8>, cms: Vec<u8>) -> Result<Self> {
        for (part, bytes) in [&header, &trailer, &cms].into_iter().enumerate() {
            check_len(part, bytes.len())?;
        }
        Ok(SealRecord {
            header,
            trailer,
            cms,
        })
    }

    /// `be32 h ‖ header ‖ be32 t ‖ trailer ‖ be32 s ‖ CMS`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for part in [&self.header, &self.trailer, &self.cms] {
            // The limits keep every part far below 2^32.
            out.extend_from_slice(&(part.len() as u32).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }

    /// Reads the bytes that [`SealRecord::to_bytes`] writes.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Limit`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let cut = || Error::Malformed {
            what: "seal record: cut short",
        };
        let mut rest = bytes;
        let mut part = |index| {
            let (len, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let len = u32::from_be_bytes(*len) as usize;
            check_len(index, len)?;
            let (bytes, after) = after.split_at_checked(len).ok_or_else(cut)?;
            rest = after;
            Ok::<_, Error>(bytes.to_vec())
        };
        let record = SealRecord {
            header: part(0)?,
            trailer: part(1)?,
            cms: part(2)?,
        };
        if !rest.is_empty() {
            return Err(Error::Malformed {
                what: "seal record: bytes after its end",
            });
        }
        Ok(record)
    }

    /// The header's bytes.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The trailer's bytes.
    pub fn trailer(&self) -> &[u8] {
        &self.trailer
    }

    /// The outer signature, DER.
    pub fn cms(&self) -> &[u8] {
        &self.cms
    }

    /// `H_tag("header", header)`.
    pub fn id(&self, suite: &Suite) -> Digest {
        suite.h_tag("header", &[&self.header])
    }

    /// The first 8 bytes of the record's hash. What people compare are the words of [`SealRecord::id`].
    pub fn fingerprint(&self, alg: HashAlg) -> [u8; 8] {
        let digest = alg.digest(&self.to_bytes());
        let mut out = [0; 8];
        out.copy_from_slice(&digest.as_bytes()[..8]);
        out
    }

    /// Whether this is the record that `seal` was verified from, byte for byte.
    pub fn is_of(&self, seal: &crate::VerifiedSeal) -> bool {
        seal.record() == self
    }

    pub(crate) fn parse_header(&self) -> Result<Header> {
        Ok(jcs::from_slice(&self.header, HEADER_LEN_MAX)?)
    }

    pub(crate) fn parse_trailer(&self) -> Result<Trailer> {
        Ok(jcs::from_slice(&self.trailer, TRAILER_LEN_MAX)?)
    }

    /// Where the body starts in the file.
    pub(crate) fn body_offset(&self) -> u64 {
        20 + self.header.len() as u64
    }

    /// Bytes of the whole file with a body of `body_len`.
    pub(crate) fn total_len(&self, body_len: u64) -> u64 {
        let parts = self.header.len() + self.trailer.len() + self.cms.len();
        // magic, three be32, be64 body length, be64 total, magic
        body_len + parts as u64 + 8 + 12 + 8 + 8 + 8
    }
}

/// The parts of a `*.bid`, found and measured; nothing is parsed or verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    record: SealRecord,
    body_len: u64,
}

impl SealedFile {
    /// Reads the parts of a file from its start; every size must be exact.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Length`], [`Error::Limit`], [`Error::BodyLength`]; reading errors.
    pub fn read<R: Read + Seek + ?Sized>(file: &mut R) -> Result<Self> {
        let io = Error::io("reading the sealed file");
        let found = file.seek(SeekFrom::End(0)).map_err(&io)?;
        let mut left = found;
        let (header, body_len) = start(file, &mut left)?;
        file.seek(SeekFrom::Start(20 + header.len() as u64 + body_len))
            .map_err(&io)?;
        let trailer = part(file, &mut left, 1)?;
        let cms = part(file, &mut left, 2)?;
        let record = SealRecord {
            header,
            trailer,
            cms,
        };
        let total = u64::from_be_bytes(fixed(file, &mut left)?);
        let end: [u8; 8] = fixed(file, &mut left)?;
        if end != *END_MAGIC {
            return Err(Error::Malformed {
                what: "sealed file: last eight bytes",
            });
        }
        for expected in [record.total_len(body_len), total] {
            if expected != found {
                return Err(Error::Length {
                    what: "sealed file",
                    expected,
                    found,
                });
            }
        }
        Ok(SealedFile { record, body_len })
    }

    /// Where the body lies in a file of full length of which the start is there.
    pub(crate) fn find_body<R: Read + Seek + ?Sized>(file: &mut R) -> Result<Range<u64>> {
        let io = Error::io("reading the sealed file");
        let mut left = file.seek(SeekFrom::End(0)).map_err(&io)?;
        let (header, body_len) = start(file, &mut left)?;
        let offset = 20 + header.len() as u64;
        Ok(offset..offset + body_len)
    }

    /// Header, trailer and signature.
    pub fn record(&self) -> &SealRecord {
        &self.record
    }

    /// Where the body starts, in bytes from the file's start.
    pub fn body_offset(&self) -> u64 {
        self.record.body_offset()
    }

    /// Bytes of the body.
    pub fn body_len(&self) -> u64 {
        self.body_len
    }
}

/// Header and length of the body; `left` is what the file has behind that.
fn start<R: Read + Seek + ?Sized>(file: &mut R, left: &mut u64) -> Result<(Vec<u8>, u64)> {
    file.seek(SeekFrom::Start(0))
        .map_err(Error::io("reading the sealed file"))?;
    let magic: [u8; 8] = fixed(file, left)?;
    if magic != *MAGIC {
        return Err(Error::Malformed {
            what: "sealed file: first eight bytes",
        });
    }
    let header = part(file, left, 0)?;
    let body_len = u64::from_be_bytes(fixed(file, left)?);
    check_body_len(body_len)?;
    *left = left.checked_sub(body_len).ok_or(Error::Length {
        what: "body",
        expected: body_len,
        found: *left,
    })?;
    Ok((header, body_len))
}

fn fixed<const N: usize, R: Read + ?Sized>(file: &mut R, left: &mut u64) -> Result<[u8; N]> {
    let cut = Error::Length {
        what: "sealed file",
        expected: N as u64,
        found: *left,
    };
    *left = left.checked_sub(N as u64).ok_or(cut)?;
    let mut out = [0; N];
    file.read_exact(&mut out)
        .map_err(Error::io("reading the sealed file"))?;
    Ok(out)
}

fn part<R: Read + ?Sized>(file: &mut R, left: &mut u64, index: usize) -> Result<Vec<u8>> {
    let len = u32::from_be_bytes(fixed(file, left)?) as usize;
    check_len(index, len)?;
    let cut = Error::Length {
        what: PARTS[index].0,
        expected: len as u64,
        found: *left,
    };
    *left = left.checked_sub(len as u64).ok_or(cut)?;
    let mut out = vec![0; len];
    file.read_exact(&mut out)
        .map_err(Error::io("reading the sealed file"))?;
    Ok(out)
}
