//! Sealing and opening that are stopped anywhere and go on, disks that fill up, and single files read
//! out of a bid.

mod common;

use common::{SIGMA, World, world};
use mifeng_crypto::{Digest, GM, INTL, Suite, Time};
use mifeng_envelope::*;
use mifeng_lock::{Policy, sharing};
use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

/// Three rounds of 8 MiB and some: a small file, an empty one, one of full blocks, a long one.
fn content() -> Vec<(String, Vec<u8>)> {
    let bytes = |len: usize, seed: u8| -> Vec<u8> {
        (0..len).map(|i| (i / 7 % 251) as u8 ^ seed).collect()
    };
    vec![
        ("a.txt".to_owned(), bytes(5, 1)),
        ("b/empty".to_owned(), Vec::new()),
        ("b/full.bin".to_owned(), bytes(3 << 20, 2)),
        (
            format!("{}.bin", "长".repeat(60)),
            bytes((21 << 20) + 777, 3),
        ),
    ]
}

struct Source<'a> {
    path: &'a str,
    content: &'a [u8],
    stamp: u64,
    read: &'a Cell<u64>,
}

struct Counted<'a>(&'a [u8], &'a Cell<u64>);

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(out)?;
        self.1.set(self.1.get() + read as u64);
        Ok(read)
    }
}

impl FileSource for Source<'_> {
    fn path(&self) -> &str {
        self.path
    }
    fn size(&self) -> u64 {
        self.content.len() as u64
    }
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Counted(self.content, self.read)))
    }
    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Counted(
            &self.content[offset as usize..],
            self.read,
        )))
    }
    fn stamp(&self) -> u64 {
        self.stamp
    }
}

/// A disk with so much room, and a journal beside the file.
struct Disk {
    file: Cursor<Vec<u8>>,
    room: usize,
    journal: Vec<u8>,
}

impl Disk {
    fn new(room: usize) -> Self {
        Disk {
            file: Cursor::new(Vec::new()),
            room,
            journal: Vec::new(),
        }
    }
}

impl Read for Disk {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.file.read(out)
    }
}

impl Write for Disk {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let left = self.room - (self.file.position() as usize).min(self.room);
        if left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(&data[..data.len().min(left)])
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Resumable for Disk {
    fn note(&mut self, line: &[u8], _: bool) -> io::Result<()> {
        self.journal.extend_from_slice(line);
        Ok(())
    }
}

struct Job<'a> {
    w: &'a World,
    files: &'a [(String, Vec<u8>)],
    stamp: u64,
    read: &'a Cell<u64>,
}

impl<'a> Job<'a> {
    fn source(&self, (path, content): &'a (String, Vec<u8>)) -> Box<dyn FileSource + 'a> {
        Box::new(Source {
            path,
            content,
            stamp: self.stamp,
            read: self.read,
        })
    }

    fn with<T>(&self, then: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let context = common::context(self.w);
        let boards = [&self.w.board];
        let inputs = Inputs {
            suite: self.w.suite,
            policy: Policy::joint(self.w.board.key()).resolve(context.bidder_cert),
            context,
            boards: &boards,
            chains: &[],
            encryption: &self.w.cert,
            signer: &self.w.signer,
            signing_time: Time::parse_rfc3339(common::SIGNING_TIME).expect("time"),
            files: self.files.iter().map(|file| self.source(file)).collect(),
            opening: Opening::default(),
            declarations: Declarations::default(),
            detail: Vec::new(),
            workers: 2,
        };
        then(&inputs)
    }

    fn whole(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.with(|inputs| seal_with_sigma(inputs, &SIGMA, &mut out, &mut |_| ()))
            .expect("seals");
        out
    }

    fn go_on(&self, disk: &mut Disk, sigma: &[u8; 32]) -> Result<Sealed> {
        let journal = disk.journal.clone();
        self.with(|inputs| seal_resuming(inputs, sigma, disk, &journal, &mut |_| ()))
    }
}

fn run(suite: &'static Suite) {
    let w = world(suite);
    let (files, read) = (content(), Cell::new(0));
    let job = Job {
        w: &w,
        files: &files,
        stamp: 7,
        read: &read,
    };
    let whole = job.whole();
    let total = read.replace(0);
    // The disk fills up after so many bytes: in the header, in each round, in the trailer.
    let mib = 1 << 20;
    for room in [100, 9 * mib, 24 * mib, whole.len() - 1] {
        let mut disk = Disk::new(room);
        let stopped = job.go_on(&mut disk, &SIGMA).map(|_| ());
        assert_eq!(stopped.map_err(|e| e.code()), Err("envelope.io"), "{room}");
        let rounds = disk
            .journal
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            .max(1)
            - 1;
        disk.room = usize::MAX;
        read.set(0);
        job.go_on(&mut disk, &SIGMA).expect("goes on");
        assert!(disk.file.get_ref() == &whole, "{room}: another file");
        // No round that was done is read again, but for the open block.
        let again = total - (rounds as u64 * 8 * mib as u64).min(total) + 2 * mib as u64;
        assert!(
            read.get() <= again,
            "{room}: {} of {total} read",
            read.get()
        );
        if room >= 9 * mib {
            assert!(rounds >= room / (9 * mib), "{room}: {rounds} rounds noted");
        }
    }
    // What does not fit is refused: other files, another secret, a file that lost its end.
    let mut disk = Disk::new(20 * mib);
    assert!(job.go_on(&mut disk, &SIGMA).is_err());
    disk.room = usize::MAX;
    let code = |found: Result<Sealed>| found.map(|_| ()).map_err(|e| e.code());
    let changed = Job { stamp: 8, ..job };
    assert_eq!(
        code(changed.go_on(&mut disk, &SIGMA)),
        Err("envelope.journal")
    );
    assert_eq!(
        code(job.go_on(&mut disk, &[9; 32])),
        Err("envelope.journal")
    );
    disk.file.get_mut().truncate(mib);
    assert_eq!(code(job.go_on(&mut disk, &SIGMA)), Err("envelope.journal"));
}

#[test]
fn a_stopped_sealing_goes_on_to_the_same_bytes_gm() {
    run(&GM);
}

#[test]
fn a_stopped_sealing_goes_on_to_the_same_bytes_intl() {
    run(&INTL);
}

/// Files in memory that take so many bytes, with a journal.
struct Folder {
    files: Vec<(String, Vec<u8>)>,
    room: usize,
    journal: Vec<u8>,
    finished: bool,
    written: usize,
}

impl PlainSink for Folder {
    fn begin_file(&mut self, path: &str, _: u64) -> io::Result<()> {
        self.files.push((path.to_owned(), Vec::new()));
        Ok(())
    }
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        if self.written + data.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.written += data.len();
        let (_, content) = self.files.last_mut().ok_or(io::ErrorKind::Other)?;
        content.extend_from_slice(data);
        Ok(())
    }
    fn end_file(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn resume_file(&mut self, path: &str, _: u64, offset: u64) -> io::Result<()> {
        let at = self.files.iter().position(|(known, _)| known == path);
        self.files.truncate(at.ok_or(io::ErrorKind::NotFound)? + 1);
        if let Some((_, content)) = self.files.last_mut() {
            assert!(content.len() as u64 >= offset);
            content.truncate(offset as usize);
        }
        Ok(())
    }
    fn note(&mut self, line: &[u8]) -> io::Result<()> {
        self.journal.extend_from_slice(line);
        Ok(())
    }
    fn finish(&mut self, _: &Manifest) -> io::Result<()> {
        self.finished = true;
        Ok(())
    }
}

#[test]
fn a_stopped_opening_goes_on_and_single_files_are_read() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let (files, read) = (content(), Cell::new(0));
        let job = Job {
            w: &w,
            files: &files,
            stamp: 0,
            read: &read,
        };
        let whole = job.whole();
        let policy = Policy::joint(w.board.key());
        let boards = [&w.board];
        let tender = Tender {
            suite,
            event: Digest::from_bytes([5; 32]),
            lots: &["1"],
            policy: &policy,
            boards: &boards,
        };
        let sealed = SealedFile::read(&mut Cursor::new(&whole)).expect("sizes");
        let seal = sealed.record().verify(&tender).expect("verifies");
        let shares = sharing::deal(seal.policy(), &SIGMA, &seal.context_digest(), suite);
        let sigma = seal.recover(&shares, &boards).expect("recovers");
        let total: usize = files.iter().map(|(_, content)| content.len()).sum();
        for room in [5, 12 << 20, total - 1] {
            let mut folder = Folder {
                files: Vec::new(),
                room,
                journal: Vec::new(),
                finished: false,
                written: 0,
            };
            let mut file = Cursor::new(&whole);
            let stopped = open_body_resuming(&mut file, &seal, &sigma, &mut folder, 2, b"");
            assert_eq!(
                stopped.map(|_| ()).map_err(|e| e.code()),
                Err("envelope.io")
            );
            let rounds = folder.journal.split(|b| *b == b'\n').count().max(2) - 2;
            assert!(!folder.finished);
            if rounds == 0 {
                folder.files.clear();
            }
            (folder.room, folder.written) = (usize::MAX, 0);
            // The last line was torn off as the power failed.
            let journal = folder.journal.clone();
            open_body_resuming(&mut file, &seal, &sigma, &mut folder, 2, &journal).expect("opens");
            assert!(folder.finished && folder.files == files, "{room}");
            let again = (total - ((rounds * 8) << 20).min(total)) + (1 << 20);
            assert!(
                folder.written <= again,
                "{room}: {} written",
                folder.written
            );
        }
        let mut folder = Folder {
            files: Vec::new(),
            room: usize::MAX,
            journal: Vec::new(),
            finished: false,
            written: 0,
        };
        let other = b"no journal of this seal\n";
        let found = open_body_resuming(
            &mut Cursor::new(&whole),
            &seal,
            &sigma,
            &mut folder,
            1,
            other,
        );
        assert_eq!(
            found.map(|_| ()).map_err(|e| e.code()),
            Err("envelope.journal")
        );

        let (manifest, _) =
            open_body(&mut Cursor::new(&whole), &seal, &sigma, &mut NoSink).expect("opens");
        let mut file = Cursor::new(&whole);
        for (path, content) in &files {
            let mut one = open_file(&mut file, &seal, &sigma, &manifest, path).expect("there");
            let mut copy = Vec::new();
            one.copy_to(&mut copy).expect("its hash");
            assert!(&copy == content, "{path}");
            for at in [0, content.len() / 2, content.len().saturating_sub(3)] {
                let mut some = [0; 9];
                one.seek(SeekFrom::Start(at as u64)).expect("inside");
                let len = one.read(&mut some).expect("reads");
                assert_eq!(some[..len], content[at..at + len]);
                assert_eq!(len == 0, at == content.len());
            }
            assert_eq!(one.seek(SeekFrom::End(0)).ok(), Some(content.len() as u64));
        }
        let none = open_file(&mut file, &seal, &sigma, &manifest, "b").err();
        assert_eq!(none.map(|e| e.code()), Some("envelope.unknown-file"));
        let mut other = manifest.clone();
        other.files[0].size += 512;
        let lie = open_file(&mut file, &seal, &sigma, &other, "b/full.bin").err();
        assert_eq!(lie.map(|e| e.code()), Some("envelope.opening"));
        // A byte of one file is bent: that file is refused, the others are still read.
        let mut bent = whole.clone();
        let at = bent.len() - (10 << 20);
        bent[at] ^= 1;
        let mut file = Cursor::new(&bent);
        let path = &files[3].0;
        let mut one = open_file(&mut file, &seal, &sigma, &manifest, path).expect("header");
        assert!(one.copy_to(&mut io::sink()).is_err());
        let mut one = open_file(&mut file, &seal, &sigma, &manifest, "a.txt").expect("header");
        assert!(one.copy_to(&mut io::sink()).is_ok());
    }
}

/// A token: each of its signatures is another one.
struct Token<'a> {
    key: &'a mifeng_pki::SoftwareSigner,
    asked: &'a Cell<u8>,
}

impl mifeng_pki::Signer for Token<'_> {
    fn certificate(&self) -> &mifeng_pki::Certificate {
        self.key.certificate()
    }
    fn chain(&self) -> &[mifeng_pki::Certificate] {
        self.key.chain()
    }
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, mifeng_pki::Error> {
        let mut signature = self.key.sign(message)?;
        if let Some(last) = signature.last_mut() {
            *last ^= self.asked.get();
        }
        self.asked.set(self.asked.get() + 1);
        Ok(signature)
    }
}

#[test]
fn a_token_that_signs_anew_changes_no_ciphertext() {
    for suite in [&GM, &INTL] {
        let w = world(suite);
        let read = Cell::new(0);
        let big = content();
        for files in [&big[..1], &big[..]] {
            let job = Job {
                w: &w,
                files,
                stamp: 7,
                read: &read,
            };
            let whole = job.whole();
            let sealed = SealedFile::read(&mut Cursor::new(&whole)).expect("sizes");
            let body_end = (sealed.body_offset() + sealed.body_len()) as usize;
            // In the padding behind the first signature, and in the trailer.
            for room in [body_end - 100, body_end + 30] {
                let asked = Cell::new(0);
                let token = Token {
                    key: &w.signer,
                    asked: &asked,
                };
                let mut disk = Disk::new(room);
                let attempt = |disk: &mut Disk| {
                    let journal = disk.journal.clone();
                    job.with(|inputs| {
                        let inputs = Inputs {
                            context: inputs.context.clone(),
                            policy: inputs.policy.clone(),
                            files: files.iter().map(|file| job.source(file)).collect(),
                            opening: Opening::default(),
                            declarations: Declarations::default(),
                            detail: Vec::new(),
                            signer: &token,
                            ..*inputs
                        };
                        seal_resuming(&inputs, &SIGMA, disk, &journal, &mut |_| ()).map(|_| ())
                    })
                };
                let stopped = attempt(&mut disk).map_err(|e| e.code());
                assert_eq!(stopped, Err("envelope.io"));
                let before = disk.file.get_ref().len().min(body_end);
                disk.room = usize::MAX;
                attempt(&mut disk).expect("goes on");
                // The signature inside is the first one, whatever the token said later.
                assert!(asked.get() >= 2, "the outer signature is another");
                assert!(before > body_end - 200);
                assert!(disk.file.get_ref()[..body_end] == whole[..body_end]);
                assert!(disk.file.get_ref()[body_end..] != whole[body_end..]);
            }
        }
    }
}

#[test]
fn what_was_encrypted_is_never_encrypted_differently() {
    let w = world(&GM);
    let (files, read) = (content(), Cell::new(0));
    let job = Job {
        w: &w,
        files: &files,
        stamp: 7,
        read: &read,
    };
    let whole = job.whole();
    let mib = 1 << 20;
    let mut disk = Disk::new(20 * mib);
    assert!(job.go_on(&mut disk, &SIGMA).is_err());
    // The machine died before the line of the second round was durable.
    let lines = disk.journal.split_inclusive(|byte| *byte == b'\n');
    disk.journal = lines.take(2).flatten().copied().collect();
    disk.room = usize::MAX;
    let left = (disk.file.get_ref().clone(), disk.journal.clone());
    // A file was changed meanwhile, with its size and time of change kept.
    let mut other = files.clone();
    other[3].1[12 * mib] ^= 1;
    let changed = Job {
        files: &other,
        ..job
    };
    let found = changed.go_on(&mut disk, &SIGMA).map(|_| ());
    assert_eq!(found.map_err(|e| e.code()), Err("envelope.journal"));
    assert!(disk.file.get_ref()[..16 * mib] == left.0[..16 * mib]);
    // What never reached the disk is zero, and is written now.
    let mut disk = Disk {
        file: Cursor::new(left.0),
        room: usize::MAX,
        journal: left.1,
    };
    disk.file.get_mut()[12 * mib..13 * mib].fill(0);
    disk.file.get_mut().truncate(14 * mib + 77);
    job.go_on(&mut disk, &SIGMA).expect("goes on");
    assert!(disk.file.get_ref() == &whole);
}
