//! Whether a database and what lies beside it still hold what was put there.

use super::records::{Measured, Records};
use super::statements::{File, damaged};
use crate::examined::Examined;
use crate::place::INCOMING;
use std::collections::BTreeSet;
use std::io;

impl Records {
    /// Reads every file and holds it against its digest, and every object against the files: one that no
    /// file is made of costs room and nothing else.
    pub(crate) fn examine(&self) -> io::Result<Examined> {
        let mut found = Examined::default();
        let mut files = Vec::new();
        self.look(&mut |tender| {
            files = tender.list("")?;
            for (name, file) in files.iter().filter(|(_, file)| file.object.is_empty()) {
                found.note(name, file.len, tender.content(name, file).map(|_| ()))?;
            }
            Ok(())
        })?;
        let mut named = BTreeSet::new();
        for (name, file) in files.iter().filter(|(_, file)| !file.object.is_empty()) {
            if name != INCOMING {
                found.note(name, file.len, self.hold(name, file))?;
            }
            named.insert(file.object.as_str());
        }
        let objects = self.bodies.list(&self.tender)?.into_iter();
        let loose = objects.filter(|(object, _)| !named.contains(object.as_str()));
        found.loose = loose.map(|(object, _)| object).collect();
        Ok(found)
    }

    fn hold(&self, name: &str, file: &File) -> io::Result<()> {
        let mut reader = self.bodies.open(&file.object, file.len)?;
        let mut measured = Measured::new(&mut reader);
        io::copy(&mut measured, &mut io::sink())?;
        let (_, hash) = measured.end();
        match hash == file.sha256 {
            true => Ok(()),
            false => Err(damaged(name, hex::encode(&file.sha256), hex::encode(hash))),
        }
    }
}
