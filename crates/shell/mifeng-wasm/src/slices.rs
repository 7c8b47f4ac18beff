//! A file that is read slice by slice, through somebody who can reach it.

use mifeng::envelope::FileSource;
use mifeng::{ReadSeek, Source};
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

/// Small reads are served from blocks of this size: a bundle has a header and a few small files
/// every few kilobytes, and a call out of the module costs as much as this.
const BLOCK: usize = 64 << 10;
/// Blocks that are kept: 16 MiB.
const BLOCKS_MAX: usize = 256;
/// Bytes of one call out of the module: a browser copies large pieces slowly.
const CALL_LEN_MAX: usize = 1 << 20;

/// A file that the page holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The page's number for it.
    pub id: u32,
    /// What the person calls it.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Reads any part of the files that the page holds.
pub trait ReadAt: Send + Sync {
    /// Reads bytes of `file` from `at` on; 0 only at its end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, file: &Given, at: u64, out: &mut [u8]) -> io::Result<usize>;
}

#[derive(Default)]
struct Cache {
    blocks: BTreeMap<u64, Vec<u8>>,
    /// Oldest first.
    order: VecDeque<u64>,
}

/// One file.
pub(crate) struct Slices {
    file: Given,
    from: Arc<dyn ReadAt>,
    cache: Mutex<Cache>,
}

impl Slices {
    pub(crate) fn new(file: &Given, from: &Arc<dyn ReadAt>) -> Self {
        Slices {
            file: file.clone(),
            from: Arc::clone(from),
            cache: Mutex::new(Cache::default()),
        }
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let len = out.len().min(left).min(CALL_LEN_MAX);
        if len == 0 {
            return Ok(0);
        }
        if len >= BLOCK {
            return self.fetch(at, &mut out[..len]);
        }
        let number = at / BLOCK as u64;
        let within = usize::try_from(at % BLOCK as u64).unwrap_or(0);
        let died = |_| io::Error::other("a reader died");
        let mut cache = self.cache.lock().map_err(died)?;
        if !cache.blocks.contains_key(&number) {
            let block = self.block(number)?;
            if cache.order.len() >= BLOCKS_MAX
                && let Some(oldest) = cache.order.pop_front()
            {
                cache.blocks.remove(&oldest);
            }
            cache.order.push_back(number);
            cache.blocks.insert(number, block);
        }
        let held = cache.blocks.get(&number).map_or(&[][..], Vec::as_slice);
        let part = held.get(within..).unwrap_or_default();
        let len = len.min(part.len());
        out[..len].copy_from_slice(&part[..len]);
        Ok(len)
    }

    /// A whole block, or what the file has of it.
    fn block(&self, number: u64) -> io::Result<Vec<u8>> {
        let start = number * BLOCK as u64;
        let len = usize::try_from(self.file.size.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut block = vec![0; len.min(BLOCK)];
        let mut done = 0;
        while done < block.len() {
            match self.fetch(start + done as u64, &mut block[done..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(block)
    }

    fn fetch(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read_at(&self.file, at, out)?;
        if read > out.len() {
            return Err(io::Error::other("more bytes than asked for"));
        }
        Ok(read)
    }
}

impl Source for Slices {
    fn size(&self) -> io::Result<u64> {
        Ok(self.file.size)
    }

    fn open(&self) -> io::Result<Box<dyn ReadSeek + '_>> {
        Ok(Box::new(Reader {
            slices: self,
            position: 0,
        }))
    }
}

struct Reader<'a> {
    slices: &'a Slices,
    position: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.slices.read_at(self.position, out)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.slices.file.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// A file that goes into a bid.
pub(crate) struct PageFile(Slices);

impl PageFile {
    pub(crate) fn new(file: &Given, from: &Arc<dyn ReadAt>) -> Self {
        PageFile(Slices::new(file, from))
    }
}

impl FileSource for &PageFile {
    fn path(&self) -> &str {
        &self.0.file.name
    }

    fn size(&self) -> u64 {
        self.0.file.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.open()?))
    }

    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader = self.0.open()?;
        reader.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(reader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most 7,777 bytes a call.
    struct Halting(Vec<u8>);

    impl ReadAt for Halting {
        fn read_at(&self, _: &Given, at: u64, out: &mut [u8]) -> io::Result<usize> {
            let at = usize::try_from(at).expect("small");
            let len = out.len().min(7_777).min(self.0.len() - at);
            out[..len].copy_from_slice(&self.0[at..at + len]);
            Ok(len)
        }
    }

    fn over(bytes: &[u8], size: u64) -> Slices {
        let file = Given {
            id: 0,
            name: "f".to_owned(),
            size,
        };
        Slices::new(
            &file,
            &(Arc::new(Halting(bytes.to_vec())) as Arc<dyn ReadAt>),
        )
    }

    #[test]
    fn every_place_and_length_reads_what_is_there() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 123)
            .map(|n| u8::try_from(n % 251).expect("below 251"))
            .collect();
        let slices = over(&bytes, bytes.len() as u64);
        let mut reader = slices.open().expect("opens");
        for at in [
            0,
            1,
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            3 * BLOCK - 5,
            bytes.len(),
        ] {
            for len in [0, 1, 512, BLOCK - 1, BLOCK, 2 * BLOCK] {
                let end = bytes.len().min(at + len);
                let mut found = Vec::new();
                reader.seek(SeekFrom::Start(at as u64)).expect("seeks");
                (&mut reader)
                    .take(len as u64)
                    .read_to_end(&mut found)
                    .expect("reads");
                assert!(found == bytes[at..end], "{len} bytes at {at}");
            }
        }
        assert_eq!(
            reader.seek(SeekFrom::End(-5)).ok(),
            Some(bytes.len() as u64 - 5)
        );
        assert!(reader.seek(SeekFrom::Current(i64::MIN)).is_err());
    }

    #[test]
    fn old_blocks_make_room() {
        let bytes = vec![7; BLOCK * (BLOCKS_MAX + 3)];
        let slices = over(&bytes, bytes.len() as u64);
        for number in 0..BLOCKS_MAX + 3 {
            let mut one = [0];
            let read = slices.read_at((number * BLOCK) as u64, &mut one);
            assert_eq!((read.ok(), one), (Some(1), [7]));
        }
        let cache = slices.cache.lock().expect("alone");
        assert_eq!(cache.blocks.len(), BLOCKS_MAX);
        assert_eq!(cache.order.len(), BLOCKS_MAX);
        assert!(!cache.blocks.contains_key(&0));
    }

    #[test]
    fn a_file_that_shrank_is_an_error() {
        let slices = over(&[1; 100], 200);
        let mut out = [0; 150];
        let mut reader = slices.open().expect("opens");
        assert!(reader.read_exact(&mut out).is_err());
    }
}
