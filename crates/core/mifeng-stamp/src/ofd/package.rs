//! The package: a ZIP file of which every byte has exactly one meaning.
//!
//! Two readers that disagree about an archive let one show what the other did not check. So this
//! one takes only archives whose entries tile the file from its first byte to the directory, whose
//! two headers agree, and whose names mean one file everywhere.

use super::name::{Names, safe_name};
use crate::Error;
use crate::error::limit;
use mifeng_crypto::{Digest, HashAlg};
use miniz_oxide::inflate::stream::{InflateState, inflate as step};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};
use std::collections::BTreeMap;

/// Bytes of the largest package: 300 scanned pages.
pub const PACKAGE_LEN_MAX: usize = 256 << 20;
/// Entries of a package: a page has one to ten files.
pub const ENTRIES_MAX: usize = 10_000;
/// Bytes of the largest entry: a font for all of GB 18030 has about 20 MiB.
pub const ENTRY_LEN_MAX: u64 = 64 << 20;
/// Bytes of all entries together, inflated.
pub const TOTAL_LEN_MAX: u64 = 512 << 20;
/// The largest ratio of an entry: XML of tables reaches about 40.
const RATIO_MAX: u64 = 200;
/// Entries below this are not judged by their ratio.
const RATIO_FREE: u64 = 1 << 20;
/// Bytes inflated at once.
const CHUNK: usize = 64 << 10;

const END_LEN: usize = 22;
const CENTRAL_LEN: usize = 46;
const LOCAL_LEN: usize = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Level of deflating (bits 1, 2), descriptor after the data (3), name in UTF-8 (11).
const FLAGS_TAKEN: u16 = 1 << 1 | 1 << 2 | FLAG_DESCRIPTOR | FLAG_UTF8;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
pub(super) const FLAG_UTF8: u16 = 1 << 11;
/// Extra fields that change names or sizes: ZIP64, Unicode path, Unicode comment, strong
/// encryption, AES.
const EXTRAS_REFUSED: [u16; 5] = [0x0001, 0x7075, 0x6375, 0x0017, 0x9901];

/// Where an entry lies and what it should be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: usize,
    pub(super) size: u64,
    /// Of the packed data.
    pub(super) at: usize,
}

/// A package, opened; entries are inflated only when they are asked for, each under its limits.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    bytes: &'a [u8],
    files: BTreeMap<String, Entry>,
    /// In the order of the directory, without folders.
    order: Vec<String>,
}

impl<'a> Package<'a> {
    /// Reads the directory and checks it against every local header.
    ///
    /// # Errors
    /// [`Error::Package`] with the rule that is broken; [`Error::TooLarge`].
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        limit("package", bytes.len(), PACKAGE_LEN_MAX)?;
        let (directory, count) = directory(bytes)?;
        let mut package = Package {
            bytes,
            files: BTreeMap::new(),
            order: Vec::new(),
        };
        let mut spans = Vec::with_capacity(count);
        let (mut at, mut total) = (directory, 0u64);
        let end = bytes.len() - END_LEN;
        let mut names = Names::default();
        for _ in 0..count {
            let central = Central::read(&bytes[..end], at)?;
            at = central.next;
            names.add(&central.name)?;
            total = total.saturating_add(central.size);
            if total > TOTAL_LEN_MAX {
                return Err(Error::TooLarge {
                    what: "package, inflated",
                    found: total,
                    max: TOTAL_LEN_MAX,
                });
            }
            let (data, span) = local(&bytes[..directory], &central)?;
            spans.push((central.offset, span, central.name.clone()));
            if !central.name.ends_with('/') {
                let entry = Entry {
                    method: central.method,
                    crc: central.crc,
                    packed: central.packed,
                    size: central.size,
                    at: data,
                };
                package.files.insert(central.name.clone(), entry);
                package.order.push(central.name);
            }
        }
        if at != end {
            return Err(wrong("the directory has another length than it says", ""));
        }
        names.check_folders()?;
        check_tiling(spans, directory)?;
        Ok(package)
    }

    /// The files, in the order of the directory.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// Bytes of a file, inflated, as the directory says.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        self.files.get(name).map(|entry| entry.size)
    }

    /// A file's content, if it has at most `max` bytes.
    ///
    /// # Errors
    /// [`Error::Package`] if it is missing or not what the directory says, [`Error::TooLarge`].
    pub fn read(&self, name: &str, max: usize) -> Result<Vec<u8>, Error> {
        let size = self.size(name).unwrap_or(0);
        limit(
            "file in the package",
            usize::try_from(size).unwrap_or(usize::MAX),
            max,
        )?;
        let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        self.each(name, &mut |chunk| out.extend_from_slice(chunk))?;
        Ok(out)
    }

    /// A file's digest; it is never whole in memory.
    ///
    /// # Errors
    /// [`Error::Package`] if it is missing or not what the directory says.
    pub fn digest(&self, name: &str, alg: HashAlg) -> Result<Digest, Error> {
        let mut hasher = alg.hasher();
        self.each(name, &mut |chunk| hasher.update(chunk))?;
        Ok(hasher.finish())
    }

    /// The entry and its packed bytes.
    pub(super) fn packed(&self, name: &str) -> Option<(Entry, &'a [u8])> {
        let entry = *self.files.get(name)?;
        let data = self.bytes.get(entry.at..entry.at + entry.packed)?;
        Some((entry, data))
    }

    /// Hands the content over in pieces, and checks length and checksum at the end.
    fn each(&self, name: &str, take: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let (entry, data) = self
            .packed(name)
            .ok_or_else(|| wrong("no such file", name))?;
        let mut crc = crc32fast::Hasher::new();
        let mut left = entry.size;
        let mut piece = |chunk: &[u8]| {
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| wrong("an entry is longer than it says", name))?;
            crc.update(chunk);
            take(chunk);
            Ok(())
        };
        match entry.method {
            STORED => piece(data)?,
            _ => inflate(data, name, &mut piece)?,
        }
        if left != 0 {
            return Err(wrong("an entry is shorter than it says", name));
        }
        if crc.finalize() != entry.crc {
            return Err(wrong("checksum does not match", name));
        }
        Ok(())
    }
}

/// Inflates exactly all of `data`.
fn inflate(
    mut data: &[u8],
    name: &str,
    piece: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    let mut buffer = vec![0; CHUNK];
    loop {
        let done = step(&mut state, data, &mut buffer, MZFlush::None);
        data = &data[done.bytes_consumed..];
        piece(&buffer[..done.bytes_written])?;
        match done.status {
            Ok(MZStatus::StreamEnd) if data.is_empty() => return Ok(()),
            Ok(MZStatus::StreamEnd) => return Err(wrong("bytes follow the deflated data", name)),
            Ok(_) if done.bytes_consumed + done.bytes_written > 0 => {}
            // Broken, or it ends too early.
            _ => return Err(wrong("deflated data is broken", name)),
        }
    }
}

/// The place of the directory and the number of its entries, from the last 22 bytes.
fn directory(bytes: &[u8]) -> Result<(usize, usize), Error> {
    let broken = || wrong("no end record in the last 22 bytes", "");
    let at = bytes.len().checked_sub(END_LEN).ok_or_else(broken)?;
    let end = &bytes[at..];
    if u32_at(end, 0) != 0x0605_4b50 || u16_at(end, 20) != 0 {
        return Err(broken());
    }
    let (count, here) = (u16_at(end, 10), u16_at(end, 8));
    if u16_at(end, 4) != 0 || u16_at(end, 6) != 0 || count != here {
        return Err(wrong("in several volumes", ""));
    }
    let (size, offset) = (u32_at(end, 12) as usize, u32_at(end, 16) as usize);
    if offset.checked_add(size) != Some(at) {
        return Err(wrong("the directory is not where the end record says", ""));
    }
    limit("entries of the package", usize::from(count), ENTRIES_MAX)?;
    if count == 0 {
        return Err(wrong("no entries", ""));
    }
    Ok((offset, usize::from(count)))
}

/// An entry of the directory.
struct Central {
    flags: u16,
    method: u16,
    crc: u32,
    packed: usize,
    size: u64,
    offset: usize,
    name: String,
    next: usize,
}

impl Central {
    fn read(bytes: &[u8], at: usize) -> Result<Self, Error> {
        let cut = || wrong("the directory is cut", "");
        let head = at
            .checked_add(CENTRAL_LEN)
            .and_then(|end| bytes.get(at..end));
        let head = head.ok_or_else(cut)?;
        if u32_at(head, 0) != 0x0201_4b50 {
            return Err(wrong("the directory is broken", ""));
        }
        let (name_len, extra_len) = (usize::from(u16_at(head, 28)), usize::from(u16_at(head, 30)));
        let name_end = at + CENTRAL_LEN + name_len;
        let raw = bytes.get(at + CENTRAL_LEN..name_end).ok_or_else(cut)?;
        let extra = bytes.get(name_end..name_end + extra_len).ok_or_else(cut)?;
        let name = safe_name(raw)?;
        let entry = Central {
            flags: u16_at(head, 8),
            method: u16_at(head, 10),
            crc: u32_at(head, 16),
            packed: u32_at(head, 20) as usize,
            size: u64::from(u32_at(head, 24)),
            offset: u32_at(head, 42) as usize,
            next: name_end + extra_len,
            name,
        };
        entry.check(head, extra)?;
        Ok(entry)
    }

    fn check(&self, head: &[u8], extra: &[u8]) -> Result<(), Error> {
        let refused = |rule| Err(wrong(rule, &self.name));
        if self.flags & !FLAGS_TAKEN != 0 {
            return refused("encrypted, or a feature that is not taken");
        }
        if self.method != STORED && self.method != DEFLATED {
            return refused("neither stored nor deflated");
        }
        if self.method == STORED && self.packed as u64 != self.size {
            return refused("stored with two different lengths");
        }
        if u16_at(head, 32) != 0 {
            return refused("an entry has a comment");
        }
        if u16_at(head, 34) != 0 {
            return refused("in several volumes");
        }
        check_extra(extra, &self.name)?;
        // Made on Unix: the file type is in the upper half of the attributes.
        let kind = u32_at(head, 38) >> 28;
        let folder = self.name.ends_with('/');
        if head[5] == 3 && !(kind == 0 || kind == 8 && !folder || kind == 4 && folder) {
            return refused("a link or device");
        }
        if folder && (self.size != 0 || self.packed > 2) {
            return refused("a folder with content");
        }
        if self.size > ENTRY_LEN_MAX {
            return Err(Error::TooLarge {
                what: "entry of the package",
                found: self.size,
                max: ENTRY_LEN_MAX,
            });
        }
        if self.size > RATIO_FREE && self.size / RATIO_MAX > self.packed as u64 {
            return refused("inflates to more than 200 times its length");
        }
        Ok(())
    }
}

/// Extra fields must be whole and must not rename or resize.
fn check_extra(mut extra: &[u8], name: &str) -> Result<(), Error> {
    while !extra.is_empty() {
        let broken = || wrong("an extra field is broken", name);
        if extra.len() < 4 {
            return Err(broken());
        }
        if EXTRAS_REFUSED.contains(&u16_at(extra, 0)) {
            return Err(wrong("an extra field that renames or resizes", name));
        }
        let len = usize::from(u16_at(extra, 2));
        extra = extra.get(4 + len..).ok_or_else(broken)?;
    }
    Ok(())
}

/// Checks the local header against the directory: where the data begins, and where the entry ends
/// but for a descriptor.
fn local(bytes: &[u8], central: &Central) -> Result<(usize, Span), Error> {
    let refused = |rule| wrong(rule, &central.name);
    let outside = || refused("an entry lies outside the file");
    let at = central.offset;
    let head = at.checked_add(LOCAL_LEN).and_then(|end| bytes.get(at..end));
    let head = head.ok_or_else(outside)?;
    if u32_at(head, 0) != 0x0403_4b50 {
        return Err(refused("no entry where the directory says"));
    }
    let descriptor = central.flags & FLAG_DESCRIPTOR != 0;
    let told = (
        u32_at(head, 14),
        u32_at(head, 18) as usize,
        u64::from(u32_at(head, 22)),
    );
    let same = told == (central.crc, central.packed, central.size);
    if u16_at(head, 6) != central.flags
        || u16_at(head, 8) != central.method
        || !(same || descriptor && told == (0, 0, 0))
    {
        return Err(refused("the two headers of an entry differ"));
    }
    let name_end = at + LOCAL_LEN + usize::from(u16_at(head, 26));
    let name = bytes.get(at + LOCAL_LEN..name_end).ok_or_else(outside)?;
    if name != central.name.as_bytes() {
        return Err(refused("the two names of an entry differ"));
    }
    let data = name_end + usize::from(u16_at(head, 28));
    check_extra(
        bytes.get(name_end..data).ok_or_else(outside)?,
        &central.name,
    )?;
    let end = data
        .checked_add(central.packed)
        .filter(|end| *end <= bytes.len());
    let end = end.ok_or_else(outside)?;
    if !descriptor {
        return Ok((data, Span { end, other: None }));
    }
    // With or without its own signature; which of the two, the next entry's place will tell.
    let record = |from: usize| {
        let found = bytes.get(from..from + 12)?;
        let told = (
            u32_at(found, 0),
            u32_at(found, 4) as usize,
            u64::from(u32_at(found, 8)),
        );
        (told == (central.crc, central.packed, central.size)).then_some(from + 12)
    };
    let marked = bytes
        .get(end..end + 4)
        .is_some_and(|m| u32_at(m, 0) == 0x0807_4b50);
    let with = if marked { record(end + 4) } else { None };
    match (with, record(end)) {
        (Some(end), other) => Ok((data, Span { end, other })),
        (None, Some(end)) => Ok((data, Span { end, other: None })),
        (None, None) => Err(refused("no descriptor after the data")),
    }
}

/// Where an entry may end.
struct Span {
    end: usize,
    other: Option<usize>,
}

/// The entries lie side by side, from the first byte to the directory.
fn check_tiling(mut spans: Vec<(usize, Span, String)>, directory: usize) -> Result<(), Error> {
    spans.sort_by_key(|(from, _, _)| *from);
    let mut next = 0;
    let starts: Vec<usize> = spans.iter().map(|(from, _, _)| *from).collect();
    for (n, (from, span, name)) in spans.iter().enumerate() {
        if *from != next {
            return Err(wrong("entries overlap, or bytes between them", name));
        }
        let follows = starts.get(n + 1).copied().unwrap_or(directory);
        next = match span.other {
            Some(other) if other == follows => other,
            _ => span.end,
        };
    }
    if next != directory {
        return Err(wrong("bytes before the directory belong to no entry", ""));
    }
    Ok(())
}

/// A [`Error::Package`] that shows a name shortened and without control characters.
pub(super) fn wrong(rule: &'static str, name: &str) -> Error {
    let name: String = name.chars().filter(|c| !c.is_control()).take(120).collect();
    Error::Package { rule, name }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
