//! A bundle: the files of a tender at some stage, as one deterministic tar or as a host's store.
//! The last bundle, made after `archive.close`, is the dossier.

use crate::store::{ReadSeek, Store};
use crate::{Error, ustar};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

/// Files in one bundle: a tender of 10,000 bids has about 80,000.
pub const FILES_MAX: usize = 1 << 20;
/// Bytes of the largest file that is read whole; sealed bids are streamed.
pub const SMALL_FILE_MAX: u64 = 16 << 20;

/// Read access to the files of a bundle.
pub trait Files {
    /// Names and sizes.
    fn index(&self) -> &BTreeMap<String, u64>;

    /// A reader over one file.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Malformed`] if it is not there.
    fn open(&self, name: &str) -> Result<Box<dyn ReadSeek + '_>, Error>;

    /// The bytes of one file, if they are in memory anyway.
    fn in_memory(&self, name: &str) -> Option<&[u8]> {
        let _ = name;
        None
    }

    /// One small file, whole.
    ///
    /// # Errors
    /// As [`Files::open`], and [`Error::Malformed`] above [`SMALL_FILE_MAX`].
    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let size = self
            .index()
            .get(name)
            .copied()
            .ok_or_else(|| Error::Malformed {
                what: "bundle",
                detail: format!("{name} is missing"),
            })?;
        if size > SMALL_FILE_MAX {
            return Err(Error::malformed(
                "bundle",
                format!("{name} has {size} bytes, at most {SMALL_FILE_MAX} are allowed"),
            ));
        }
        if let Some(bytes) = self.in_memory(name) {
            return Ok(bytes.to_vec());
        }
        let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        self.open(name)?
            .take(size)
            .read_to_end(&mut out)
            .map_err(|e| Error::io(name, &e))?;
        Ok(out)
    }

    /// The files under a prefix, whole, with the prefix cut off.
    ///
    /// # Errors
    /// As [`Files::read`].
    fn read_all(&self, prefix: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let names: Vec<String> = self
            .index()
            .range(prefix.to_owned()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(prefix))
            .cloned()
            .collect();
        names
            .into_iter()
            .map(|name| Ok((name[prefix.len()..].to_owned(), self.read(&name)?)))
            .collect()
    }
}

/// Bytes that lie somewhere and can be read at any place: a file on a disk, a file that a browser
/// was given, a buffer.
pub trait Source: Send + Sync {
    /// Number of bytes.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> std::io::Result<u64>;

    /// A reader of its own over them, at the first byte.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self) -> std::io::Result<Box<dyn ReadSeek + '_>>;

    /// All of them, if they are in memory anyway.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

impl Source for std::path::PathBuf {
    fn size(&self) -> std::io::Result<u64> {
        Ok(std::fs::metadata(self)?.len())
    }

    fn open(&self) -> std::io::Result<Box<dyn ReadSeek + '_>> {
        Ok(Box::new(std::fs::File::open(self)?))
    }
}

impl Source for Arc<[u8]> {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn open(&self) -> std::io::Result<Box<dyn ReadSeek + '_>> {
        Ok(Box::new(std::io::Cursor::new(&**self)))
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self)
    }
}

/// A bundle in a tar, read in place.
pub struct Tar {
    shown: String,
    source: Box<dyn Source>,
    index: BTreeMap<String, u64>,
    offsets: BTreeMap<String, u64>,
}

impl Tar {
    /// Reads the index of a bundle; every header must be in the one allowed form.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the file cannot be read, [`Error::Malformed`] if it is not a bundle.
    pub fn open(path: &std::path::Path) -> Result<Self, Error> {
        Self::over(path.display().to_string(), Box::new(path.to_owned()))
    }

    /// The same over bytes in memory.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is not a bundle.
    pub fn of_bytes(bytes: impl Into<Arc<[u8]>>) -> Result<Self, Error> {
        Self::over("bundle", Box::new(bytes.into()))
    }

    /// The same over bytes that lie elsewhere; `shown` is what messages call them.
    ///
    /// # Errors
    /// As [`Tar::open`].
    pub fn over(shown: impl Into<String>, source: Box<dyn Source>) -> Result<Self, Error> {
        let shown = shown.into();
        let (index, offsets) = {
            let mut file = source.open().map_err(|e| Error::io(&*shown, &e))?;
            let total = source.size().map_err(|e| Error::io(&*shown, &e))?;
            scan(&mut file, total)?
        };
        Ok(Tar {
            shown,
            source,
            index,
            offsets,
        })
    }

    /// Where the content of a file stands: its first byte, and how many there are.
    pub fn place(&self, name: &str) -> Option<(u64, u64)> {
        Some((*self.offsets.get(name)?, *self.index.get(name)?))
    }
}

type Index = (BTreeMap<String, u64>, BTreeMap<String, u64>);

fn scan(file: &mut (impl Read + Seek), total: u64) -> Result<Index, Error> {
    let bad = |at: u64, detail: &str| Error::malformed("bundle", format!("{detail} at byte {at}"));
    let cut = |at: u64| {
        move |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => bad(at, "file ends too early"),
            _ => Error::io("bundle", &e),
        }
    };
    let (mut index, mut offsets) = (BTreeMap::new(), BTreeMap::new());
    let mut at = 0_u64;
    let mut last = String::new();
    let mut block = [0; ustar::BLOCK];
    loop {
        file.read_exact(&mut block).map_err(cut(at))?;
        if block == [0; ustar::BLOCK] {
            break;
        }
        let (name, size) =
            ustar::parse(&block).ok_or_else(|| bad(at, "not a header of the one allowed form"))?;
        if !index.is_empty() && name <= last {
            return Err(bad(at, "names are not in order, or one stands twice"));
        }
        if !is_plain_name(&name) || index.len() >= FILES_MAX {
            return Err(bad(at, "name or number of files out of bounds"));
        }
        at += ustar::BLOCK as u64;
        offsets.insert(name.clone(), at);
        index.insert(name.clone(), size);
        let padding = ustar::padding(size);
        let end = at
            .checked_add(size)
            .filter(|end| *end <= total)
            .ok_or_else(|| bad(at, "file longer than the bundle"))?;
        file.seek(SeekFrom::Start(end)).map_err(cut(at))?;
        file.read_exact(&mut block[..padding]).map_err(cut(end))?;
        if block[..padding].iter().any(|byte| *byte != 0) {
            return Err(bad(end, "padding is not zero"));
        }
        at = end + padding as u64;
        last = name;
    }
    file.read_exact(&mut block).map_err(cut(at))?;
    if block != [0; ustar::BLOCK] || total != at + 2 * ustar::BLOCK as u64 {
        return Err(bad(at, "trailing data"));
    }
    Ok((index, offsets))
}

/// Relative, lower case, no dots alone: names that can never leave a folder.
fn is_plain_name(name: &str) -> bool {
    name.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    })
}

impl Files for Tar {
    fn index(&self) -> &BTreeMap<String, u64> {
        &self.index
    }

    fn open(&self, name: &str) -> Result<Box<dyn ReadSeek + '_>, Error> {
        let (Some(at), Some(size)) = (self.offsets.get(name), self.index.get(name)) else {
            return Err(Error::malformed("bundle", format!("{name} is missing")));
        };
        let file = self
            .source
            .open()
            .map_err(|e| Error::io(&*self.shown, &e))?;
        Ok(Box::new(Part {
            file,
            at: *at,
            size: *size,
            position: 0,
        }))
    }

    fn in_memory(&self, name: &str) -> Option<&[u8]> {
        let (at, size) = self.place(name)?;
        let all = self.source.in_memory()?;
        let at = usize::try_from(at).ok()?;
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        all.get(at..end)
    }
}

/// A part of a file as a file of its own.
struct Part<'a> {
    file: Box<dyn ReadSeek + 'a>,
    at: u64,
    size: u64,
    position: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let len = out.len().min(left);
        if len == 0 {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.at + self.position))?;
        let read = self.file.read(&mut out[..len])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position =
            target.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// Files given in memory or in a store: what a bundle is written from.
pub(crate) struct Assembly<'a> {
    store: &'a dyn Store,
    index: BTreeMap<String, u64>,
    made: BTreeMap<String, Vec<u8>>,
    stored: BTreeMap<String, String>,
}

impl<'a> Assembly<'a> {
    /// No files yet.
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        Assembly {
            store,
            index: BTreeMap::new(),
            made: BTreeMap::new(),
            stored: BTreeMap::new(),
        }
    }

    /// Adds a file made now.
    pub(crate) fn add(&mut self, name: String, content: Vec<u8>) {
        self.index.insert(name.clone(), content.len() as u64);
        self.made.insert(name, content);
    }

    /// Adds a file that the store holds under `stored`.
    pub(crate) fn link(&mut self, name: String, stored: String, size: u64) {
        self.index.insert(name.clone(), size);
        self.stored.insert(name, stored);
    }

    /// Writes the bundle.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a file cannot be read or the output not written.
    pub(crate) fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        crate::dossier::write_tar(self, out)
    }
}

impl Files for Assembly<'_> {
    fn index(&self) -> &BTreeMap<String, u64> {
        &self.index
    }

    fn open(&self, name: &str) -> Result<Box<dyn ReadSeek + '_>, Error> {
        if let Some(content) = self.made.get(name) {
            return Ok(Box::new(std::io::Cursor::new(content.as_slice())));
        }
        let stored = self
            .stored
            .get(name)
            .ok_or_else(|| Error::malformed("bundle", format!("{name} is missing")))?;
        self.store.open(stored).map_err(|e| Error::io(name, &e))
    }
}
