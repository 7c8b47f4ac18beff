//! Incremental updates (ISO 32000-2 section 7.5.6): the old bytes stay, what changes follows.

use super::file::File;
use super::object::{Dict, Id, Object, is_space};
use super::write::{self, Stream};
use crate::Error;
use mifeng_crypto::HashAlg;
use std::collections::BTreeMap;

/// An update in the making.
pub(super) struct Update<'f, 'a> {
    file: &'f File<'a>,
    bodies: BTreeMap<u32, (u16, Vec<u8>)>,
    next: u32,
}

impl<'f, 'a> Update<'f, 'a> {
    pub(super) fn new(file: &'f File<'a>) -> Result<Self, Error> {
        Ok(Update {
            next: file.free_number()?,
            file,
            bodies: BTreeMap::new(),
        })
    }

    /// A number that is not in use.
    pub(super) fn reserve(&mut self) -> Id {
        let id = Id {
            number: self.next,
            generation: 0,
        };
        self.next += 1;
        id
    }

    pub(super) fn put(&mut self, id: Id, value: Object) {
        let mut body = Vec::new();
        write::object(&mut body, &value);
        self.put_raw(id, body);
    }

    pub(super) fn put_raw(&mut self, id: Id, body: Vec<u8>) {
        self.bodies.insert(id.number, (id.generation, body));
    }

    pub(super) fn stream(&mut self, stream: Stream) -> Result<Id, Error> {
        crate::error::limit(
            "bytes of a stream",
            stream.data.len(),
            super::DECODED_LEN_MAX,
        )?;
        let id = self.reserve();
        let mut body = Vec::new();
        stream.write(&mut body);
        self.put_raw(id, body);
        Ok(id)
    }

    /// The updated file, and where the body of each new object begins.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, BTreeMap<u32, usize>), Error> {
        let old = self.file.bytes;
        let more: usize = self.bodies.values().map(|(_, body)| body.len() + 64).sum();
        let mut out = Vec::with_capacity(old.len() + more + 1_024);
        out.extend_from_slice(old);
        if !old.last().is_some_and(|b| is_space(*b)) {
            out.push(b'\n');
        }
        let (mut places, mut offsets) = (BTreeMap::new(), BTreeMap::new());
        for (number, (generation, body)) in &self.bodies {
            offsets.insert(*number, (out.len(), *generation));
            out.extend_from_slice(format!("{number} {generation} obj\n").as_bytes());
            places.insert(*number, out.len());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        let digest = HashAlg::Sha256.digest(&out[old.len()..]);
        let at = out.len();
        if self.file.xref.table {
            table(&mut out, &offsets);
            out.extend_from_slice(b"trailer\n");
            write::dict(&mut out, &self.trailer(digest.as_bytes()));
        } else {
            let own = self.reserve();
            offsets.insert(own.number, (at, 0));
            let (index, data) = entries(&offsets);
            let mut dict = self.trailer(digest.as_bytes());
            dict.set("Type", Object::named("XRef"));
            dict.set("W", Object::Array([1, 8, 2].map(Object::Int).to_vec()));
            dict.set("Index", index);
            out.extend_from_slice(format!("{} 0 obj\n", own.number).as_bytes());
            Stream::plain(dict, data).write(&mut out);
            out.extend_from_slice(b"\nendobj");
        }
        out.extend_from_slice(format!("\nstartxref\n{at}\n%%EOF\n").as_bytes());
        crate::error::limit("bytes of the PDF", out.len(), super::PDF_LEN_MAX)?;
        Ok((out, places))
    }

    fn trailer(&self, digest: &[u8]) -> Dict {
        let old = &self.file.xref.trailer;
        let mut new = Dict::default();
        new.set("Size", Object::Int(i64::from(self.next)));
        for key in ["Root", "Info"] {
            if let Some(value) = old.get(key) {
                new.set(key, value.clone());
            }
        }
        // Section 14.4: the first part stays, the second changes with the file.
        if let Some([first, _]) = old.get("ID").and_then(Object::array) {
            let second = Object::string(digest.get(..16).unwrap_or_default());
            new.set("ID", Object::Array(vec![first.clone(), second]));
        }
        let prev = i64::try_from(self.file.newest()).unwrap_or(0);
        new.set("Prev", Object::Int(prev));
        new
    }
}

type Offsets = BTreeMap<u32, (usize, u16)>;

/// Runs of numbers that follow each other.
fn runs(offsets: &Offsets) -> Vec<(u32, Vec<(usize, u16)>)> {
    let mut out: Vec<(u32, Vec<(usize, u16)>)> = Vec::new();
    for (number, place) in offsets {
        match out.last_mut() {
            Some((first, list)) if *first as usize + list.len() == *number as usize => {
                list.push(*place);
            }
            _ => out.push((*number, vec![*place])),
        }
    }
    out
}

fn table(out: &mut Vec<u8>, offsets: &Offsets) {
    out.extend_from_slice(b"xref\n");
    for (first, list) in runs(offsets) {
        out.extend_from_slice(format!("{first} {}\n", list.len()).as_bytes());
        for (offset, generation) in list {
            out.extend_from_slice(format!("{offset:010} {generation:05} n \n").as_bytes());
        }
    }
}

fn entries(offsets: &Offsets) -> (Object, Vec<u8>) {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (first, list) in runs(offsets) {
        index.push(Object::Int(i64::from(first)));
        index.push(Object::Int(i64::try_from(list.len()).unwrap_or(0)));
        for (offset, generation) in list {
            data.push(1);
            data.extend_from_slice(&(offset as u64).to_be_bytes());
            data.extend_from_slice(&generation.to_be_bytes());
        }
    }
    (Object::Array(index), data)
}
