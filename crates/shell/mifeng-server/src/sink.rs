//! Where an opened bid's files go: under a temporary name until everything has passed.

use mifeng::envelope::{Manifest, PlainSink};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Lines of the journal between two that are made durable: 64 MiB of the bid.
const LINES: usize = 8;

/// A folder that gets its final name only when the whole bid was checked. What an interruption
/// leaves, the folder under its temporary name and a journal beside it, serves the next attempt; a
/// bid that does not open leaves nothing.
pub struct FolderSink {
    target: PathBuf,
    part: PathBuf,
    journal: PathBuf,
    file: Option<io::BufWriter<File>>,
    /// Lines that are not durable yet, and how many there were in all.
    lines: Vec<u8>,
    count: usize,
    /// Files may be there from the attempt before.
    going_on: bool,
    keep: bool,
}

impl FolderSink {
    /// A sink for the folder `target`; nothing is there under that name before the whole bid was checked.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(target: &Path) -> io::Result<Self> {
        let name = target
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let part = target.with_file_name(format!(".{name}.part"));
        let journal = target.with_file_name(format!(".{name}.journal"));
        let mut sink = FolderSink {
            target: target.to_owned(),
            part,
            journal,
            file: None,
            lines: Vec::new(),
            count: 0,
            going_on: false,
            keep: false,
        };
        if !(sink.part.is_dir() && sink.journal.is_file()) {
            sink.start_over()?;
        }
        Ok(sink)
    }

    /// Opens a file under its path; the envelope has checked that: relative, no "..", no tricks.
    fn create(&self, path: &str) -> io::Result<File> {
        let path = self.part.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match self.going_on {
            // The attempt before may have come further than its last durable line tells.
            true => File::create(path),
            false => File::create_new(path),
        }
    }

    /// Where the file stood when the durable lines were written.
    fn cut(&self, path: &str, offset: u64) -> io::Result<File> {
        let mut file = OpenOptions::new().write(true).open(self.part.join(path))?;
        if file.metadata()?.len() < offset {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    fn store_lines(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush()?;
            file.get_ref().sync_data()?;
        }
        let mut options = OpenOptions::new();
        let mut journal = options.append(true).create(true).open(&self.journal)?;
        journal.write_all(&self.lines)?;
        journal.sync_data()?;
        self.lines.clear();
        Ok(())
    }

    /// After a fault of the disk, what is done stays for the next attempt.
    fn noticing<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        self.keep |= outcome.is_err();
        outcome
    }
}

fn buffered(file: File) -> io::BufWriter<File> {
    io::BufWriter::with_capacity(1 << 20, file)
}

impl PlainSink for FolderSink {
    fn begin_file(&mut self, path: &str, _size: u64) -> io::Result<()> {
        let file = self.create(path);
        self.file = Some(buffered(self.noticing(file)?));
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let written = match &mut self.file {
            Some(file) => file.write_all(data),
            None => Err(io::ErrorKind::InvalidInput.into()),
        };
        self.noticing(written)
    }

    fn end_file(&mut self) -> io::Result<()> {
        let ended = match self.file.take() {
            Some(file) => file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_data()),
            None => Err(io::ErrorKind::InvalidInput.into()),
        };
        self.noticing(ended)
    }

    fn resume_file(&mut self, path: &str, _size: u64, offset: u64) -> io::Result<()> {
        self.file = Some(buffered(self.cut(path, offset)?));
        Ok(())
    }

    fn note(&mut self, line: &[u8]) -> io::Result<()> {
        self.lines.extend_from_slice(line);
        self.count += 1;
        // The first line says what the work is; after that, some at a time.
        if self.count % LINES != 1 {
            return Ok(());
        }
        let stored = self.store_lines();
        self.noticing(stored)
    }

    fn left_over(&mut self) -> io::Result<Vec<u8>> {
        let mut lines = match fs::read(&self.journal) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            lines => lines?,
        };
        // A line that was torn off does not count, and new ones must not stand behind it.
        let end = lines.iter().rposition(|byte| *byte == b'\n');
        lines.truncate(end.map_or(0, |end| end + 1));
        if lines.is_empty() {
            self.start_over()?;
        } else {
            fs::write(&self.journal, &lines)?;
            self.going_on = true;
        }
        Ok(lines)
    }

    fn start_over(&mut self) -> io::Result<()> {
        self.file = None;
        self.lines.clear();
        (self.count, self.going_on, self.keep) = (0, false, false);
        let _ = fs::remove_file(&self.journal);
        let _ = fs::remove_dir_all(&self.part);
        fs::create_dir_all(&self.part)
    }

    fn finish(&mut self, manifest: &Manifest) -> io::Result<()> {
        let bytes = manifest
            .to_bytes()
            .map_err(|e| io::Error::other(e.to_string()))?;
        fs::write(self.part.join("manifest.json"), bytes)?;
        if self.target.exists() {
            fs::remove_dir_all(&self.target)?;
        }
        fs::rename(&self.part, &self.target)?;
        let _ = fs::remove_file(&self.journal);
        Ok(())
    }
}

impl Drop for FolderSink {
    fn drop(&mut self) {
        // After `finish` neither is there.
        if !self.keep {
            let _ = fs::remove_dir_all(&self.part);
            let _ = fs::remove_file(&self.journal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        let name = format!("mifeng-sink-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn sink(target: &Path) -> FolderSink {
        FolderSink::new(target).unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn what_a_full_disk_leaves_serves_the_next_attempt() -> io::Result<()> {
        let folder = place("full");
        let target = folder.join("bid");
        let mut first = sink(&target);
        assert_eq!(first.left_over()?, b"");
        first.note(b"line 0\n")?;
        first.begin_file("a/one", 3)?;
        first.write(b"one")?;
        first.end_file()?;
        first.begin_file("two", 6)?;
        first.write(b"two")?;
        for line in 1..=LINES {
            first.note(format!("line {line}\n").as_bytes())?;
        }
        first.write(b"lost")?;
        // A fault of the disk, as `write` gives it when the disk is full.
        let full = first.noticing::<()>(Err(io::ErrorKind::StorageFull.into()));
        assert!(full.is_err());
        drop(first);
        assert!(!target.exists());

        // The machine tore the journal's last line off in the middle.
        let journal = folder.join(".bid.journal");
        let kept = fs::read(&journal)?;
        fs::write(&journal, [&kept[..], b"li"].concat())?;
        let mut second = sink(&target);
        assert_eq!(second.left_over()?, kept);
        assert_eq!(fs::read(&journal)?, kept);
        assert!(second.resume_file("two", 6, 30).is_err());
        second.resume_file("two", 6, 3)?;
        second.write(b"2!")?;
        second.end_file()?;
        second.begin_file("a/one", 1)?;
        second.write(b"1")?;
        second.end_file()?;
        second.finish(&Manifest {
            context: mifeng::crypto::Digest::from_bytes([0; 32]),
            declarations: mifeng::envelope::Declarations::default(),
            detail: Vec::new(),
            files: Vec::new(),
            opening: mifeng::envelope::Opening::default(),
            v: 1,
        })?;
        drop(second);
        assert_eq!(fs::read(target.join("two"))?, b"two2!");
        assert_eq!(fs::read(target.join("a/one"))?, b"1");
        assert_eq!(fs::read_dir(&folder)?.count(), 1);
        fs::remove_dir_all(&folder)
    }

    #[test]
    fn a_bid_that_does_not_open_leaves_nothing() -> io::Result<()> {
        let folder = place("nothing");
        let mut bad = sink(&folder.join("bid"));
        bad.note(b"line 0\n")?;
        bad.begin_file("one", 3)?;
        bad.write(b"secret")?;
        drop(bad);
        assert_eq!(fs::read_dir(&folder)?.count(), 0);
        fs::remove_dir_all(&folder)
    }
}
