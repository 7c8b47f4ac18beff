//! A bundle with some files left out and others put in: what exports and renewals are written from.

use crate::bundle::Files;
use crate::store::ReadSeek;
use crate::{Error, ustar};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

pub(crate) struct Overlay<'a> {
    base: &'a dyn Files,
    index: BTreeMap<String, u64>,
    made: BTreeMap<String, Vec<u8>>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn over(base: &'a dyn Files) -> Self {
        Overlay {
            base,
            index: base.index().clone(),
            made: BTreeMap::new(),
        }
    }

    pub(crate) fn without(&mut self, name: &str) {
        self.index.remove(name);
        self.made.remove(name);
    }

    pub(crate) fn with(&mut self, name: &str, content: Vec<u8>) {
        self.index.insert(name.to_owned(), content.len() as u64);
        self.made.insert(name.to_owned(), content);
    }
}

impl Files for Overlay<'_> {
    fn index(&self) -> &BTreeMap<String, u64> {
        &self.index
    }

    fn open(&self, name: &str) -> Result<Box<dyn ReadSeek + '_>, Error> {
        if let Some(content) = self.made.get(name) {
            return Ok(Box::new(Cursor::new(content.as_slice())));
        }
        if !self.index.contains_key(name) {
            return Err(Error::malformed("bundle", format!("{name} is missing")));
        }
        self.base.open(name)
    }
}

/// Writes files as the one deterministic tar of spec/dossier.md.
pub(crate) fn write_tar(files: &dyn Files, out: &mut dyn Write) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::io("bundle", &e);
    for (name, size) in files.index() {
        let header = ustar::header(name, *size)
            .ok_or_else(|| Error::malformed("bundle", format!("name or size of {name}")))?;
        out.write_all(&header).map_err(failed)?;
        let mut file = files.open(name)?;
        let copied = std::io::copy(&mut (&mut file).take(*size), out).map_err(failed)?;
        let more = std::io::copy(&mut file.take(1), &mut std::io::sink()).map_err(failed)?;
        if copied != *size || more > 0 {
            return Err(Error::malformed(
                "bundle",
                format!("{name} changed while it was read"),
            ));
        }
        out.write_all(&[0; ustar::BLOCK][..ustar::padding(*size)])
            .map_err(failed)?;
    }
    out.write_all(&[0; 2 * ustar::BLOCK]).map_err(failed)
}
