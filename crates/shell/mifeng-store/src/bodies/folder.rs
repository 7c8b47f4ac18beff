//! Objects as files of a folder.

use super::Bodies;
use crate::fault::Fault;
use mifeng::{ReadSeek, WholeFile};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// One folder for all tenders of a database, one below it for each.
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the folder, making it if it is not there.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        make_durable(root)?;
        Ok(Folder {
            root: root.to_owned(),
        })
    }

    fn path(&self, object: &str) -> PathBuf {
        self.root.join(object)
    }
}

/// Makes a folder and those above it; a new name is durable only once its folder is.
fn make_durable(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_durable(above)?;
    match fs::create_dir(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync(above)
}

fn sync(folder: &Path) -> io::Result<()> {
    let here = folder.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { folder })?.sync_all()
}

impl Bodies for Folder {
    fn put(&self, object: &str, content: &mut dyn Read) -> io::Result<()> {
        let path = self.path(object);
        let folder = path.parent().unwrap_or(&self.root);
        make_durable(folder)?;
        let mut file = File::create_new(&path)?;
        io::copy(content, &mut file)?;
        file.sync_all()?;
        sync(folder)
    }

    fn adopt(&self, files: &[(&str, &WholeFile)]) -> io::Result<Vec<bool>> {
        let (mut adopted, mut folders) = (Vec::new(), BTreeSet::new());
        for (object, file) in files {
            let path = self.path(object);
            let folder = path.parent().unwrap_or(&self.root);
            make_durable(folder)?;
            adopted.push(crate::disk::link(file.path(), &path)?);
            folders.insert(folder.to_owned());
        }
        // All names with one sync each: then a file's own has only its content to look after, which is there already as a rule.
        folders.iter().try_for_each(|folder| sync(folder))?;
        for ((object, file), _) in files.iter().zip(&adopted).filter(|(_, linked)| **linked) {
            let kept = File::open(self.path(object))?.sync_data();
            kept.inspect_err(|_| file.spoil())?;
        }
        Ok(adopted)
    }

    fn open(&self, object: &str, len: u64) -> io::Result<Box<dyn ReadSeek>> {
        let file = File::open(self.path(object))?;
        let found = file.metadata()?.len();
        if found != len {
            return Err(Fault::Damaged {
                name: object.to_owned(),
                expected: format!("{len} bytes"),
                found: format!("{found}"),
            }
            .into());
        }
        Ok(Box::new(file))
    }

    fn remove(&self, object: &str) -> io::Result<()> {
        match fs::remove_file(self.path(object)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn list(&self, tender: &str) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(self.root.join(tender)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Ok(own) = entry.file_name().into_string() {
                found.push((format!("{tender}/{own}"), entry.metadata()?.len()));
            }
        }
        found.sort();
        Ok(found)
    }
}
