#![no_main]
//! A host's folder whose journal is any bytes, or a true one with pieces of it overwritten: it opens with the first
//! whole batches, or says that it is damaged and changes nothing; and after it opened, it opens again the same.
use libfuzzer_sys::fuzz_target;
use mifeng::{ReadSeek, Store, Write};
use mifeng_store::{Directory, Disk, DiskFile};
use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::sync::{Arc, Mutex};

const JOURNAL: &str = ".journal";

/// A disk without faults.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct Open(Memory, String);

impl Memory {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        act(&mut self.0.lock().expect("one thread"))
    }
}

impl Disk for Memory {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let found = self.with(|files| files.get(name).cloned());
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(Cursor::new(self.read(name)?)))
    }
    fn create(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.with(|files| files.insert(name.to_owned(), Vec::new()));
        Ok(Box::new(Open(self.clone(), name.to_owned())))
    }
    fn edit(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.with(|files| files.entry(name.to_owned()).or_default().len());
        Ok(Box::new(Open(self.clone(), name.to_owned())))
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.with(|files| files.remove(name));
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.with(|files| {
            let content = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
            files.insert(to.to_owned(), content);
            Ok(())
        })
    }
    fn is_folder(&self, _: &str) -> io::Result<bool> {
        Ok(true)
    }
    fn make_folder(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn sync_folder(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }
    fn list(&self, _: &str) -> io::Result<Vec<(String, Option<u64>)>> {
        let sizes = |(name, content): (&String, &Vec<u8>)| (name.clone(), Some(content.len() as u64));
        Ok(self.with(|files| files.iter().map(sizes).collect()))
    }
}

impl DiskFile for Open {
    fn len(&self) -> io::Result<u64> {
        self.0.read(&self.1).map(|content| content.len() as u64)
    }
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.with(|files| files.entry(self.1.clone()).or_default().resize(len as usize, 0));
        Ok(())
    }
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.with(|files| {
            let content = files.entry(self.1.clone()).or_default();
            let (at, end) = (at as usize, at as usize + bytes.len());
            content.resize(content.len().max(end), 0);
            content[at..end].copy_from_slice(bytes);
        });
        Ok(bytes.len())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A journal of three batches, the second with the fuzzer's bytes, and its files after each.
fn journal(data: &[u8]) -> (Vec<u8>, Vec<BTreeMap<String, Vec<u8>>>) {
    let disk = Memory::default();
    let mut store = Directory::on(disk.clone()).expect("opens");
    let plain = |disk: &Memory| disk.with(|files| {
        files.iter().filter(|(name, _)| !name.starts_with('.')).map(|(n, c)| (n.clone(), c.clone())).collect()
    });
    let mut states = vec![plain(&disk)];
    let mut at = 0;
    for content in [&b"first"[..], data, &b"third"[..]] {
        let batch = [
            Write::Put { name: "head", content },
            Write::Append { name: "entries", at, content },
        ];
        store.batch(&batch).expect("done");
        at += content.len() as u64;
        states.push(plain(&disk));
    }
    (disk.read(JOURNAL).expect("there"), states)
}

fn open(journal: Vec<u8>) -> (io::Result<BTreeMap<String, Vec<u8>>>, Memory) {
    let disk = Memory::default();
    disk.with(|files| files.insert(JOURNAL.to_owned(), journal));
    let opened = Directory::on(disk.clone()).map(|store| {
        let names = store.list("").expect("listed").into_iter();
        names.map(|(name, _)| (name.clone(), store.read(&name).expect("read").expect("there"))).collect()
    });
    (opened, disk)
}

fuzz_target!(|data: &[u8]| {
    // Nobody can make a header's authenticator by chance.
    let (opened, disk) = open(data.to_vec());
    assert!(opened.is_err() && disk.with(|files| files.len()) == 1);

    let (whole, states) = journal(data);
    let (opened, _) = open(whole.clone());
    assert_eq!(opened.expect("opens"), states[3]);
    // Pieces: four bytes of place, one of length, then so many bytes.
    let (mut broken, mut rest) = (whole.clone(), data);
    while let Some((head, after)) = rest.split_at_checked(5) {
        let at = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize % (whole.len() + 1);
        let piece = &after[..after.len().min(head[4].into())];
        for (old, new) in broken[at..].iter_mut().zip(piece) {
            *old = *new;
        }
        rest = &after[piece.len()..];
    }
    let kept = data.first().map_or(whole.len(), |cut| whole.len() - usize::from(*cut) * 17 % whole.len());
    broken.truncate(kept);
    let (opened, disk) = open(broken.clone());
    match opened {
        Ok(files) => {
            assert!(states.contains(&files));
            let again = Directory::on(disk.clone()).expect("opens again");
            assert_eq!(again.read("head").expect("read").as_ref(), files.get("head"));
        }
        Err(e) => {
            assert_eq!(e.kind(), io::ErrorKind::InvalidData);
            assert!(disk.with(|files| files.len() == 1 && files[JOURNAL] == broken));
        }
    }
});
