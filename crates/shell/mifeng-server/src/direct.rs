//! Files that are written once and read once: past the system's memory of files, where it can be helped.
//!
//! A rush brings gigabytes that nobody reads again before the opening. Kept in that memory they push out what the database
//! needs, and each byte is copied there and back by a core that has better things to do. A disk that cannot be written to
//! so (or a part that does not fit its blocks) is written to in the usual way: the bytes are the same, whoever reads them.

use mifeng::ReadSeek;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Places, lengths and memory are multiples of this: no disk has larger blocks.
const ALIGN: usize = 4 << 10;
/// Bytes that are read at a time: a disk with much to do answers each request late.
const READ_LEN: usize = 4 << 20;

/// Memory that begins at a multiple of [`ALIGN`].
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(len: usize) -> Self {
        let bytes = vec![0; len + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN);
        Aligned { bytes, start, len }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

/// Whether what is written and read by this file goes past the memory of files from now on.
fn past_memory(file: &File, yes: bool) -> bool {
    let flags = if yes { OFlag::O_DIRECT } else { OFlag::empty() };
    fcntl(file, FcntlArg::F_SETFL(flags)).is_ok()
}

/// The file system cannot do it so after all.
fn is_not_so(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

/// Writes all of `block`.
pub(crate) fn write_all_at(file: &File, block: &[u8], at: u64) -> io::Result<()> {
    let fits = block.len().is_multiple_of(ALIGN) && at.is_multiple_of(ALIGN as u64);
    if fits && past_memory(file, true) {
        let mut aligned = Aligned::new(block.len());
        aligned.bytes_mut().copy_from_slice(block);
        let written = file.write_all_at(aligned.bytes(), at);
        past_memory(file, false);
        match written {
            Err(e) if is_not_so(&e) => {}
            written => return written,
        }
    }
    file.write_all_at(block, at)
}

/// Opens a file that is to be read from its start to its end.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn ReadSeek>> {
    let file = File::open(path)?;
    Ok(match past_memory(&file, true) {
        false => Box::new(file),
        true => Box::new(Direct {
            file,
            at: 0,
            piece: Aligned::new(READ_LEN),
            piece_at: 0,
            piece_len: 0,
        }),
    })
}

/// A reader of whole pieces of a file.
struct Direct {
    file: File,
    at: u64,
    piece: Aligned,
    /// Where what is in the piece stands in the file, and how much that is.
    piece_at: u64,
    piece_len: usize,
}

impl Direct {
    /// Reads the piece in which `at` is; at the end of the file it is shorter.
    fn fill(&mut self) -> io::Result<()> {
        let at = self.at - self.at % ALIGN as u64;
        // Nothing, whatever a failed read leaves there.
        self.piece_len = 0;
        let len = self.file.metadata()?.len();
        let mut read = self.file.read_at(self.piece.bytes_mut(), at);
        let serves = match &read {
            Ok(read) => at + *read as u64 > self.at || self.at >= len,
            Err(e) => !is_not_so(e),
        };
        if !serves && past_memory(&self.file, false) {
            read = self.file.read_at(self.piece.bytes_mut(), at);
        }
        (self.piece_at, self.piece_len) = (at, read?);
        Ok(())
    }

    /// What is in the piece from where the reader stands.
    fn ready(&self) -> &[u8] {
        let from = self.at.checked_sub(self.piece_at);
        let from = from.and_then(|from| usize::try_from(from).ok());
        let found = from.and_then(|from| self.piece.bytes()[..self.piece_len].get(from..));
        found.unwrap_or_default()
    }
}

impl Read for Direct {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready().is_empty() {
            self.fill()?;
        }
        let ready = self.ready();
        let len = ready.len().min(buffer.len());
        buffer[..len].copy_from_slice(&ready[..len]);
        self.at += len as u64;
        Ok(len)
    }
}

impl Seek for Direct {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let from = |base: u64, by: i64| {
            base.checked_add_signed(by)
                .ok_or(io::ErrorKind::InvalidInput)
        };
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => from(self.at, by)?,
            SeekFrom::End(by) => from(self.file.metadata()?.len(), by)?,
        };
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn what_is_written_is_read_also_from_the_middle() -> io::Result<()> {
        let name = format!("mifeng-direct-{}", std::process::id());
        // Where direct writing works as a rule, and where it does not.
        for folder in [std::env::temp_dir(), "/dev/shm".into()] {
            let path = folder.join(&name);
            let content = noise(3 * READ_LEN + 4_321);
            let file = File::create(&path)?;
            file.set_len(content.len() as u64)?;
            for number in [3, 1, 0, 2] {
                let at = number * READ_LEN;
                let block = &content[at..content.len().min(at + READ_LEN)];
                write_all_at(&file, block, at as u64)?;
            }
            assert_eq!(std::fs::read(&path)?, content);
            let mut file = open(&path)?;
            for at in [
                0,
                5,
                READ_LEN - 1,
                READ_LEN,
                2 * READ_LEN + 77,
                content.len(),
                content.len() + 9,
            ] {
                let mut found = Vec::new();
                file.seek(SeekFrom::Start(at as u64))?;
                file.read_to_end(&mut found)?;
                assert!(found == content[at.min(content.len())..], "{at}");
            }
            assert_eq!(file.seek(SeekFrom::End(-4))?, content.len() as u64 - 4);
            assert_eq!(file.seek(SeekFrom::Current(1))?, content.len() as u64 - 3);
            let mut last = [0; 3];
            file.read_exact(&mut last)?;
            assert_eq!(last, content[content.len() - 3..]);
            assert!(file.seek(SeekFrom::Current(i64::MIN)).is_err());
            std::fs::remove_file(&path)?;
        }
        assert_eq!(
            open(Path::new("/nowhere/x")).err().map(|e| e.kind()),
            Some(io::ErrorKind::NotFound)
        );
        Ok(())
    }
}
