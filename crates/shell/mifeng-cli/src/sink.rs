//! Where an opened bid's files go: under a temporary name until everything has passed.

use crate::ui::Failure;
use mifeng::envelope::{Manifest, PlainSink};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A folder that gets its final name only when the whole bid was checked.
pub(crate) struct FolderSink {
    target: PathBuf,
    part: PathBuf,
    file: Option<io::BufWriter<File>>,
    done: bool,
}

impl FolderSink {
    pub(crate) fn new(target: &Path) -> Result<Self, Failure> {
        let name = target
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let part = target.with_file_name(format!(".{name}.part"));
        let _ = fs::remove_dir_all(&part);
        fs::create_dir_all(&part).map_err(|e| Failure::io(&part, &e))?;
        Ok(FolderSink {
            target: target.to_owned(),
            part,
            file: None,
            done: false,
        })
    }
}

impl PlainSink for FolderSink {
    fn begin_file(&mut self, path: &str, _size: u64) -> io::Result<()> {
        // The envelope has checked the path: relative, no "..", no tricks.
        let path = self.part.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        self.file = Some(io::BufWriter::with_capacity(
            1 << 20,
            File::create_new(path)?,
        ));
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(data),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn end_file(&mut self) -> io::Result<()> {
        match self.file.take() {
            Some(file) => file.into_inner()?.sync_data(),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
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
        self.done = true;
        Ok(())
    }
}

impl Drop for FolderSink {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}
