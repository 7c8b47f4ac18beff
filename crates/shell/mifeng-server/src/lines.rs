//! Files of lines that only grow. What is torn off is nobody's evidence, and nothing is written behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The whole lines of a file; a last one that was torn off is cut away. No file: no lines.
pub(crate) fn open(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    whole(&mut file)
}

/// The whole lines of a file, and whether a last one was torn off. The file stays as it is: who looks changes no evidence.
pub(crate) fn look(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let mut lines = match std::fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        lines => lines?,
    };
    let end = end_of_whole(&lines);
    let is_torn = end < lines.len();
    lines.truncate(end);
    Ok((lines, is_torn))
}

fn end_of_whole(lines: &[u8]) -> usize {
    let end = lines.iter().rposition(|byte| *byte == b'\n');
    end.map_or(0, |at| at + 1)
}

fn whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut lines)?;
    let end = end_of_whole(&lines);
    if end < lines.len() {
        file.set_len(end as u64)?;
        lines.truncate(end);
    }
    Ok(lines)
}

/// Adds whole lines, durably: all of them, or none.
pub(crate) fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // Who was refused what, and who may what, is for nobody else on this machine.
    options.create(true).read(true).append(true).mode(0o600);
    let mut file = options.open(path)?;
    let mut len = file.metadata()?.len();
    if len == 0 {
        sync_folder(path)?;
    }
    if len > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(len - 1))?;
        file.read_exact(&mut last)?;
        // A former failure could not be cut back.
        if last != *b"\n" {
            len = whole(&mut file)?.len() as u64;
        }
    }
    all_or_none(&mut file, len, |file| {
        file.write_all(lines)?;
        file.sync_data()
    })
}

/// Makes durable that a file was made, or renamed.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn all_or_none(
    file: &mut File,
    len: u64,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    write(file).inspect_err(|_| {
        // What cannot be cut now is cut before the next line, or at the next start.
        let _ = file.set_len(len);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_behind_a_torn_line() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("mifeng-lines-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        assert_eq!(open(&path)?, b"");
        assert_eq!(look(&path)?, (Vec::new(), false));
        append(&path, b"one\n")?;
        assert_eq!(look(&path)?, (b"one\n".to_vec(), false));
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&path)?.permissions().mode() & 0o777,
            0o600
        );
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        file.write_all(b"tw")?;
        append(&path, b"three\n")?;
        assert_eq!(std::fs::read(&path)?, b"one\nthree\n");
        file.write_all(b"fo")?;
        assert_eq!(look(&path)?, (b"one\nthree\n".to_vec(), true));
        assert_eq!(std::fs::read(&path)?, b"one\nthree\nfo");
        assert_eq!(open(&path)?, b"one\nthree\n");
        assert_eq!(std::fs::read(&path)?, b"one\nthree\n");
        // The disk is full in the middle of a line.
        let failed = all_or_none(&mut file, 10, |file| {
            file.write_all(b"fiv")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path)?, b"one\nthree\n");
        append(&path, b"six\n")?;
        assert_eq!(open(&path)?, b"one\nthree\nsix\n");
        std::fs::remove_file(&path)
    }
}
