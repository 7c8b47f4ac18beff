//! Writing a package: deterministic, each entry once, no extras.

use super::Package;
use super::package::{Entry, FLAG_UTF8, wrong};
use crate::Error;
use mifeng_crypto::Time;
use miniz_oxide::deflate::compress_to_vec;

/// Method of entries that are written.
const DEFLATED: u16 = 8;
/// The usual level of deflating.
const LEVEL: u8 = 6;
/// Version of the format that knows deflate.
const VERSION: u16 = 20;
/// The first year of the format's calendar.
const YEAR_FIRST: i64 = 1980;

/// A package being written: entries in the order they are added, all of one date.
pub struct Writer {
    out: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
    stamp: [u8; 4],
}

impl Writer {
    /// Every entry gets this date.
    #[must_use]
    pub fn new(at: Time) -> Self {
        let (year, month, day, hour, minute, second) = at.utc_fields();
        let year = u16::try_from((year - YEAR_FIRST).clamp(0, 127)).unwrap_or(0);
        let wide = u16::from;
        let time = wide(hour) << 11 | wide(minute) << 5 | wide(second / 2);
        let date = year << 9 | wide(month) << 5 | wide(day);
        let (time, date) = (time.to_le_bytes(), date.to_le_bytes());
        Writer {
            out: Vec::new(),
            directory: Vec::new(),
            count: 0,
            stamp: [time[0], time[1], date[0], date[1]],
        }
    }

    /// Takes a file over as it is packed.
    pub(super) fn copy(&mut self, package: &Package<'_>, name: &str) -> Result<(), Error> {
        let (entry, data) = package
            .packed(name)
            .ok_or_else(|| wrong("no such file", name))?;
        self.entry(name, entry, data)
    }

    /// Packs a file. A name is added once: this is not looked at, [`Package::open`] refuses two.
    ///
    /// # Errors
    /// [`Error::Package`] if the package is full.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let packed = compress_to_vec(content, LEVEL);
        let entry = Entry {
            method: DEFLATED,
            crc: crc32fast::hash(content),
            packed: packed.len(),
            size: content.len() as u64,
            at: 0,
        };
        self.entry(name, entry, &packed)
    }

    fn entry(&mut self, name: &str, entry: Entry, data: &[u8]) -> Result<(), Error> {
        let full = || wrong("the package is full", name);
        let word = |n: u64| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| full());
        let (packed, size) = (word(data.len() as u64)?, word(entry.size)?);
        let offset = word(self.out.len() as u64)?;
        let name_len = u16::try_from(name.len()).map_err(|_| full())?.to_le_bytes();
        let flags = if name.is_ascii() { 0 } else { FLAG_UTF8 };
        // What both headers have in common.
        let mut common = Vec::new();
        common.extend_from_slice(&VERSION.to_le_bytes());
        common.extend_from_slice(&flags.to_le_bytes());
        common.extend_from_slice(&entry.method.to_le_bytes());
        common.extend_from_slice(&self.stamp);
        common.extend_from_slice(&entry.crc.to_le_bytes());
        common.extend_from_slice(&packed);
        common.extend_from_slice(&size);
        common.extend_from_slice(&name_len);

        self.out.extend_from_slice(b"PK\x03\x04");
        self.out.extend_from_slice(&common);
        self.out.extend_from_slice(&[0; 2]);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(data);

        self.directory.extend_from_slice(b"PK\x01\x02");
        self.directory.extend_from_slice(&VERSION.to_le_bytes());
        self.directory.extend_from_slice(&common);
        // No extras, no comment, first volume, no attributes.
        self.directory.extend_from_slice(&[0; 12]);
        self.directory.extend_from_slice(&offset);
        self.directory.extend_from_slice(name.as_bytes());
        self.count = self.count.checked_add(1).ok_or_else(full)?;
        Ok(())
    }

    /// The package.
    ///
    /// # Errors
    /// [`Error::Package`] if it is too large.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        let full = |_| wrong("the package is full", "");
        let offset = u32::try_from(self.out.len()).map_err(full)?;
        let size = u32::try_from(self.directory.len()).map_err(full)?;
        let count = self.count.to_le_bytes();
        self.out.append(&mut self.directory);
        self.out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        self.out.extend_from_slice(&count);
        self.out.extend_from_slice(&count);
        self.out.extend_from_slice(&size.to_le_bytes());
        self.out.extend_from_slice(&offset.to_le_bytes());
        self.out.extend_from_slice(&[0; 2]);
        Ok(self.out)
    }
}
