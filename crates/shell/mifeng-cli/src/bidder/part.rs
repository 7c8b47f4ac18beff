//! The unfinished sealed file, its journal, and where the bidder's own copy of the secret is kept.

use crate::ui::{self, Failure};
use mifeng::bidder::OwnCopy;
use mifeng::envelope::Resumable;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

/// Lines of the journal between two that are made durable: 64 MiB of the bid.
const LINES: usize = 8;
/// Bytes that are collected before they are written; what is longer, as the rounds of a body, passes by.
const BUFFER: usize = 64 << 10;

/// Where the own copy stands: beside the bid.
pub(crate) fn own_path(bid: &Path) -> PathBuf {
    bid.with_extension("own")
}

pub(crate) fn load_own(path: &Path) -> Result<OwnCopy, Failure> {
    OwnCopy::from_file(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))
}

pub(crate) fn store_own(own: &OwnCopy, path: &Path) -> Result<(), Failure> {
    ui::write_secret(path, own.to_file()?.as_bytes())
}

/// A sealed file in the making: `.name.part`, with `.name.journal` beside it, for their owner alone:
/// the journal has hashes of what is sealed. They stay when the work is interrupted, so that it can
/// go on.
pub(crate) struct Part {
    file: io::BufWriter<File>,
    part: PathBuf,
    journal: File,
    journal_path: PathBuf,
    lines: Vec<u8>,
    count: usize,
    /// Makes what was written durable while more is encrypted.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

fn names(target: &Path) -> (PathBuf, PathBuf) {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    (
        target.with_file_name(format!(".{name}.part")),
        target.with_file_name(format!(".{name}.journal")),
    )
}

/// The journal of an interrupted sealing, without a line that was torn off.
pub(crate) fn left_over(target: &Path) -> Option<Vec<u8>> {
    let (part, journal) = names(target);
    let mut lines = fs::read(journal).ok()?;
    let end = lines.iter().rposition(|byte| *byte == b'\n')?;
    lines.truncate(end + 1);
    (part.exists() && own_path(target).exists()).then_some(lines)
}

/// Removes what an interrupted sealing left.
pub(crate) fn clear(target: &Path) {
    let (part, journal) = names(target);
    for path in [part, journal, own_path(target)] {
        let _ = fs::remove_file(path);
    }
}

/// Opens a file of the interrupted attempt, or makes it anew, for its owner alone: never what a link
/// points to.
fn open_own(path: &Path, go_on: bool) -> io::Result<File> {
    if !go_on {
        return ui::create_private(path);
    }
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    OpenOptions::new().read(true).write(true).open(path)
}

impl Part {
    /// The unfinished file; with `lines` of the journal, as it was left.
    pub(crate) fn open(target: &Path, lines: &[u8]) -> Result<Self, Failure> {
        let (part, journal) = names(target);
        if let Some(folder) = target.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|e| Failure::io(folder, &e))?;
        }
        let go_on = !lines.is_empty();
        let file = open_own(&part, go_on).map_err(|e| Failure::io(&part, &e))?;
        let mut log = open_own(&journal, go_on).map_err(|e| Failure::io(&journal, &e))?;
        // Cut to the valid lines, never written again: a full disk must not lose them.
        log.set_len(lines.len() as u64)
            .and_then(|()| log.seek(SeekFrom::End(0)))
            .map_err(|e| Failure::io(&journal, &e))?;
        Ok(Part {
            file: io::BufWriter::with_capacity(BUFFER, file),
            part,
            journal: log,
            journal_path: journal,
            lines: Vec::new(),
            count: 0,
            syncing: None,
        })
    }

    /// Where the file stands until it has its name.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// Waits until the lines that were given to be made durable are.
    fn settle(&mut self) -> io::Result<()> {
        match self.syncing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(synced)) => synced,
            Some(Err(_)) => Err(io::Error::other("the thread that syncs died")),
        }
    }

    /// Everything is written: what an earlier, longer attempt left behind it goes.
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        self.settle().map_err(|e| Failure::io(&self.part, &e))?;
        let end = self.file.stream_position();
        end.and_then(|end| self.file.get_ref().set_len(end))
            .and_then(|()| self.file.flush())
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(|e| Failure::io(&self.part, &e))
    }

    /// Everything is complete and checked: gives the file its name.
    pub(crate) fn finish(self, target: &Path) -> Result<(), Failure> {
        fs::rename(&self.part, target).map_err(|e| Failure::io(target, &e))?;
        if let Some(folder) = target.parent().filter(|f| !f.as_os_str().is_empty()) {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|e| Failure::io(folder, &e))?;
        }
        let _ = fs::remove_file(&self.journal_path);
        Ok(())
    }
}

impl Read for Part {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.file.flush()?;
        self.file.get_mut().read(out)
    }
}

impl Write for Part {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Resumable for Part {
    fn note(&mut self, line: &[u8], now: bool) -> io::Result<()> {
        self.lines.extend_from_slice(line);
        self.count += 1;
        if !now && self.count < LINES {
            return Ok(());
        }
        self.count = 0;
        self.file.flush()?;
        self.settle()?;
        let (file, mut journal) = (self.file.get_ref().try_clone()?, self.journal.try_clone()?);
        let lines = std::mem::take(&mut self.lines);
        // The file first: a line that is durable tells of bytes that are.
        let mut sync = move || {
            file.sync_data()?;
            journal.write_all(&lines)?;
            journal.sync_data()
        };
        if now {
            return sync();
        }
        self.syncing = Some(std::thread::spawn(sync));
        Ok(())
    }
}

impl Drop for Part {
    /// After a failure the journal must not grow under the next attempt.
    fn drop(&mut self) {
        let _ = self.settle();
    }
}

/// A progress line with rate and time left, on a terminal only.
pub(crate) struct Bar {
    shown: bool,
    started: std::time::Instant,
    last: Option<std::time::Instant>,
    first: Option<u64>,
}

/// Characters of the bar.
const BAR: u64 = 24;

impl Bar {
    pub(crate) fn new(shown: bool) -> Self {
        Bar {
            shown: shown && io::IsTerminal::is_terminal(&io::stderr()),
            started: std::time::Instant::now(),
            last: None,
            first: None,
        }
    }

    pub(crate) fn show(&mut self, done: u64, total: u64) {
        let due = self
            .last
            .is_none_or(|last| last.elapsed().as_millis() > 200);
        if !self.shown || !(due || done == total) || total == 0 {
            return;
        }
        self.last = Some(std::time::Instant::now());
        let millis = u64::try_from(self.started.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        // What an interrupted run had done does not count for the rate.
        let first = *self.first.get_or_insert(done);
        eprint!("\r{}", line(done, total, done - first, millis));
        let _ = io::stderr().flush();
    }

    pub(crate) fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}

fn line(done: u64, total: u64, now: u64, millis: u64) -> String {
    let part =
        |of: u64| u64::try_from(u128::from(of) * u128::from(done) / u128::from(total.max(1)));
    let full = part(BAR).unwrap_or(BAR).min(BAR) as usize;
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR as usize - full));
    let rate = now / millis;
    let left = match rate {
        0 => "--:--".to_owned(),
        rate => {
            let seconds = (total - done) / 1000 / rate;
            format!("{:02}:{:02}", seconds / 60, seconds % 60)
        }
    };
    format!(
        "{bar} {:>3} %  {} MB/s  {left}   ",
        part(100).unwrap_or(100),
        rate / 1000,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_rate_and_time_left() {
        let half = line(500_000_000, 1_000_000_000, 500_000_000, 5_000);
        assert!(
            half.starts_with("████████████░░░░░░░░░░░░  50 %  100 MB/s  00:05"),
            "{half}"
        );
        assert!(line(0, 9, 0, 1).contains("--:--"));
        assert!(line(9, 9, 9, 1).contains("100 %"));
    }
}
