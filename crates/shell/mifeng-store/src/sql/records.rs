//! The store itself: names in a table, small contents in pieces, large ones as objects.

use super::statements::{File, Tender, damaged, sha256};
use super::{Database, holder, schema};
use crate::bodies::{Bodies, fill};
use crate::directory::checked;
use crate::fault::Fault;
use crate::place::Access;
use mifeng::crypto::{Entropy, SystemEntropy};
use mifeng::{ReadSeek, Store, WholeFile, Write};
use sha2::{Digest, Sha256};
use std::io::{self, Cursor, Read};

/// Longer contents become objects: a row of this size is still quick to read and to copy, and what a tender
/// has many of (records, signatures, heads) is far shorter.
pub const INLINE_MAX: usize = 256 << 10;
/// A name of an object: 128 bits that nobody drew before.
const OBJECT_LEN: usize = 16;

/// The place of a writer: who holds another one writes nothing.
struct Place {
    epoch: i64,
    turn: i64,
}

/// What a store may write, and whether it still may.
struct Writer {
    place: Option<Place>,
    /// A transaction failed: whether it is there, only a new look can say.
    broken: bool,
}

/// One tender in a database, with its large files in a folder or an object store.
///
/// PostgreSQL: call it from a thread of its own, never from inside an asynchronous task.
pub struct Records {
    pub(super) database: Box<dyn Database>,
    pub(super) bodies: Box<dyn Bodies>,
    pub(super) tender: String,
    writer: Writer,
}

impl Writer {
    /// One transaction, which counts only while this writer has its place.
    fn commit(
        &mut self,
        database: &dyn Database,
        tender: &str,
        work: &mut dyn FnMut(&mut Tender<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let place = self.place.as_mut().ok_or(Fault::ReadOnly)?;
        if self.broken {
            return Err(Fault::Broken.into());
        }
        let (now, lease) = (database.now_ms(), database.lease_ms());
        // The same turn too: a database that was put back to an older state is not the one that was left.
        let fence = format!(
            "UPDATE mifeng_tender SET turn = turn + 1, lease_ms = {now} + $1
                WHERE tender = $2 AND epoch = $3 AND turn = $4"
        );
        self.broken = true;
        database.transact(&mut |tx| {
            let params = [
                lease.into(),
                tender.into(),
                place.epoch.into(),
                place.turn.into(),
            ];
            if tx.run(&fence, &params)? != 1 {
                return Err(Fault::Lost {
                    tender: tender.to_owned(),
                    epoch: place.epoch,
                    turn: place.turn,
                }
                .into());
            }
            work(&mut Tender { tx, tender })
        })?;
        self.broken = false;
        place.turn += 1;
        Ok(())
    }
}

/// A change that a transaction makes.
enum Change<'a> {
    Small(Write<'a>),
    Object {
        name: &'a str,
        len: u64,
        sha256: &'a [u8],
        object: &'a str,
    },
}

/// Counts and hashes what passes.
pub(super) struct Measured<'a> {
    content: &'a mut dyn Read,
    len: u64,
    hash: Sha256,
}

impl<'a> Measured<'a> {
    pub(super) fn new(content: &'a mut dyn Read) -> Self {
        Measured {
            content,
            len: 0,
            hash: Sha256::new(),
        }
    }

    /// How much passed, and its digest.
    pub(super) fn end(self) -> (u64, Vec<u8>) {
        (self.len, self.hash.finalize().to_vec())
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.content.read(buffer)?;
        self.hash.update(&buffer[..len]);
        self.len += len as u64;
        Ok(len)
    }
}

impl Records {
    pub(crate) fn open(
        database: Box<dyn Database>,
        bodies: Box<dyn Bodies>,
        tender: &str,
        access: Access,
        number: Option<&str>,
    ) -> io::Result<Self> {
        schema::migrate(&*database)?;
        let mut records = Records {
            database,
            bodies,
            tender: tender.to_owned(),
            writer: Writer {
                place: None,
                broken: false,
            },
        };
        match access {
            Access::Read => {}
            Access::Snapshot => records.database.freeze()?,
            Access::Write | Access::TakeOver => {
                records.claim(access, number)?;
                records.sweep()?;
            }
        }
        Ok(records)
    }

    /// Takes the writer's place. From here on every older writer of this tender is locked out: its number
    /// is not the row's any more.
    fn claim(&mut self, access: Access, number: Option<&str>) -> io::Result<()> {
        let own = holder::holder(number);
        let (now, lease) = (self.database.now_ms(), self.database.lease_ms());
        let mut claimed = None;
        let tender = self.tender.as_str();
        self.database.transact(&mut |tx| {
            let sql = "INSERT INTO mifeng_tender (tender, epoch, turn, holder, lease_ms)
                VALUES ($1, 0, 0, '', 0) ON CONFLICT DO NOTHING";
            tx.run(sql, &[tender.into()])?;
            // Locks the row: of two who claim at once, one sees what the other did.
            let sql = "UPDATE mifeng_tender SET epoch = epoch + 1 WHERE tender = $1";
            tx.run(sql, &[tender.into()])?;
            let sql = format!(
                "SELECT epoch, turn, holder, lease_ms - {now} FROM mifeng_tender WHERE tender = $1"
            );
            let row = tx.rows(&sql, &[tender.into()])?.pop();
            let mut row = row.ok_or(io::ErrorKind::NotFound)?;
            let (epoch, turn, holder, left_ms) = (row.int()?, row.int()?, row.text()?, row.int()?);
            let again = number.is_some() && holder == own;
            let free = left_ms <= 0 || again || holder::is_gone(&holder);
            if !free && access == Access::Write {
                return Err(Fault::Held {
                    tender: tender.to_owned(),
                    holder,
                    left_ms,
                }
                .into());
            }
            let sql = format!(
                "UPDATE mifeng_tender SET holder = $1, lease_ms = {now} + $2 WHERE tender = $3"
            );
            tx.run(&sql, &[own.as_str().into(), lease.into(), tender.into()])?;
            claimed = Some(Place { epoch, turn });
            Ok(())
        })?;
        if let Some(Place { epoch, .. }) = claimed {
            self.database.keep(&self.tender, epoch);
        }
        self.writer.place = claimed;
        Ok(())
    }

    /// Removes objects that no file is made of: uploads that broke off, and contents that were replaced.
    fn sweep(&mut self) -> io::Result<()> {
        // Read as the writer that it is: one that has lost its place would remove what the next one just put there.
        let mut staged = Vec::new();
        self.commit(&mut |tender| {
            staged = tender.staged()?;
            Ok(())
        })?;
        if staged.is_empty() {
            return Ok(());
        }
        for object in &staged {
            self.bodies.remove(object)?;
        }
        self.commit(&mut |tender| staged.iter().try_for_each(|object| tender.forget(object)))
    }

    /// The tenders of a database that have the file `name`.
    pub(crate) fn tenders(database: &dyn Database, name: &str) -> io::Result<Vec<String>> {
        schema::migrate(database)?;
        let mut found = Vec::new();
        database.snapshot(&mut |tx| {
            let sql = "SELECT tender FROM mifeng_file WHERE name = $1 ORDER BY tender";
            for mut row in tx.rows(sql, &[name.into()])? {
                found.push(row.text()?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn look(
        &self,
        work: &mut dyn FnMut(&mut Tender<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.database.snapshot(&mut |tx| {
            work(&mut Tender {
                tx,
                tender: &self.tender,
            })
        })
    }

    fn commit(
        &mut self,
        work: &mut dyn FnMut(&mut Tender<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.writer.commit(&*self.database, &self.tender, work)
    }

    /// Makes the changes durable, all or none.
    fn make(&mut self, changes: &[Change<'_>]) -> io::Result<()> {
        for change in changes {
            let (Change::Small(Write::Put { name, .. } | Write::Append { name, .. })
            | Change::Object { name, .. }) = change;
            checked(name)?;
        }
        let bodies = &*self.bodies;
        let mut replaced = Vec::new();
        self.writer
            .commit(&*self.database, &self.tender, &mut |tender| {
                replaced.clear();
                changes
                    .iter()
                    .try_for_each(|change| one(tender, bodies, change, &mut replaced))
            })?;
        // What this leaves behind is noted, and removed by the next writer.
        for object in replaced.iter().filter(|object| !object.is_empty()) {
            let _ = self.bodies.remove(object);
        }
        Ok(())
    }

    fn file(&self, name: &str) -> io::Result<Option<File>> {
        let mut found = None;
        self.look(&mut |tender| {
            found = tender.file(name)?;
            Ok(())
        })?;
        Ok(found)
    }

    /// Puts a large content: the object first, durable, then the row that names it.
    fn put_object(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        let object = self.new_objects(1)?.remove(0);
        let mut measured = Measured::new(content);
        let made = self.bodies.put(&object, &mut measured);
        let (len, sha256) = made
            .inspect_err(|_| self.abandon(&object))
            .map(|()| measured.end())?;
        self.make_objects(&[Change::Object {
            name,
            len,
            sha256: &sha256,
            object: &object,
        }])?;
        Ok(len)
    }

    /// The same for files of this machine, which become objects where they can. Elsewhere they are copied: to another disk,
    /// or to an object store, which no file can be moved into.
    fn adopt_objects(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        // Nothing is begun with what is not there, or not what was measured.
        for (_, file) in files {
            drop(file.open()?);
        }
        let objects = self.new_objects(files.len())?;
        let made = self.fill_objects(files, &objects);
        made.inspect_err(|_| objects.iter().for_each(|object| self.abandon(object)))?;
        let rows = files
            .iter()
            .zip(&objects)
            .map(|((name, file), object)| Change::Object {
                name,
                len: file.len(),
                sha256: file.sha256().as_bytes(),
                object,
            });
        self.make_objects(&rows.collect::<Vec<_>>())
    }

    fn fill_objects(&self, files: &[(&str, &WholeFile)], objects: &[String]) -> io::Result<()> {
        let named = objects
            .iter()
            .zip(files)
            .map(|(object, (_, file))| (&**object, *file));
        let named: Vec<(&str, &WholeFile)> = named.collect();
        let adopted = self.bodies.adopt(&named)?;
        for ((object, file), adopted) in named.into_iter().zip(adopted) {
            if !adopted {
                self.bodies.put(object, &mut file.copying()?)?;
            }
        }
        Ok(())
    }

    /// Names of new objects; until a row names one, the next writer would remove it.
    fn new_objects(&mut self, count: usize) -> io::Result<Vec<String>> {
        let mut objects = Vec::with_capacity(count);
        for _ in 0..count {
            let mut number = [0; OBJECT_LEN];
            let drawn = SystemEntropy::new().fill(&mut number);
            drawn.map_err(io::Error::other)?;
            objects.push(format!("{}/{}", self.tender, hex::encode(number)));
        }
        self.commit(&mut |tender| objects.iter().try_for_each(|object| tender.stage(object)))?;
        Ok(objects)
    }

    /// Nothing names it: if it cannot be removed now, the next writer does it.
    fn abandon(&self, object: &str) {
        let _ = self.bodies.remove(object);
    }

    /// The rows of objects that are there.
    fn make_objects(&mut self, rows: &[Change<'_>]) -> io::Result<()> {
        let made = self.make(rows);
        // Whoever has the place now may have swept before these came, and would never look for them again. It is
        // certain that nothing names them; after any other fault it is not.
        if let Err(e) = &made
            && matches!(Fault::of(e), Some(Fault::Lost { .. }))
        {
            for row in rows {
                if let Change::Object { object, .. } = row {
                    self.abandon(object);
                }
            }
        }
        made
    }
}

/// Makes one change, and notes the object that its name had before.
fn one(
    tender: &mut Tender<'_>,
    bodies: &dyn Bodies,
    change: &Change<'_>,
    replaced: &mut Vec<String>,
) -> io::Result<()> {
    match *change {
        Change::Small(Write::Put { name, content }) => {
            replaced.push(tender.put(name, content)?);
        }
        Change::Small(Write::Append { name, at, content }) => {
            // A file that grows from now on though it was put as an object comes into the table first.
            if let Some(file) = tender.file(name)?.filter(|file| !file.object.is_empty()) {
                let content = body(bodies, name, &file)?;
                replaced.push(tender.put(name, &content)?);
            }
            tender.append(name, at, content)?;
        }
        Change::Object {
            name,
            len,
            sha256,
            object,
        } => replaced.push(tender.set(name, len, sha256, object)?),
    }
    Ok(())
}

/// The content of an object, held against its digest.
fn body(bodies: &dyn Bodies, name: &str, file: &File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    bodies
        .open(&file.object, file.len)?
        .read_to_end(&mut content)?;
    if sha256(&content) != file.sha256 {
        let found = hex::encode(sha256(&content));
        return Err(damaged(name, hex::encode(&file.sha256), found));
    }
    Ok(content)
}

impl Store for Records {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        checked(name)?;
        let mut found = None;
        self.look(&mut |tender| {
            let Some(file) = tender.file(name)? else {
                return Ok(());
            };
            let content = match file.object.is_empty() {
                true => tender.content(name, &file)?,
                false => Vec::new(),
            };
            found = Some((file, content));
            Ok(())
        })?;
        match found {
            Some((file, _)) if !file.object.is_empty() => {
                body(&*self.bodies, name, &file).map(Some)
            }
            found => Ok(found.map(|(_, content)| content)),
        }
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadSeek>> {
        match self.file(checked(name)?)? {
            Some(file) if !file.object.is_empty() => self.bodies.open(&file.object, file.len),
            _ => {
                let content = self.read(name)?;
                Ok(Box::new(Cursor::new(
                    content.ok_or(io::ErrorKind::NotFound)?,
                )))
            }
        }
    }

    fn write(&mut self, name: &str, content: &mut dyn Read) -> io::Result<u64> {
        checked(name)?;
        let mut head = vec![0; INLINE_MAX + 1];
        let len = fill(content, &mut head)?;
        head.truncate(len);
        if len > INLINE_MAX {
            return self.put_object(name, &mut (&head[..]).chain(content));
        }
        let content = &head[..];
        self.make(&[Change::Small(Write::Put { name, content })])?;
        Ok(len as u64)
    }

    fn adopt(&mut self, files: &[(&str, &WholeFile)]) -> io::Result<()> {
        for (name, _) in files {
            checked(name)?;
        }
        let is_large = |file: &&(&str, &WholeFile)| file.1.len() > INLINE_MAX as u64;
        let (large, small): (Vec<_>, Vec<_>) = files.iter().partition(is_large);
        if !large.is_empty() {
            self.adopt_objects(&large)?;
        }
        for (name, file) in small {
            self.write(name, &mut file.copying()?)?;
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        checked(to)?;
        // Nothing is begun with what is not there.
        let file = self.file(checked(from)?)?;
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        if from == to {
            return Ok(());
        }
        let mut replaced = String::new();
        self.commit(&mut |tender| {
            replaced = match file.object.is_empty() {
                true => {
                    let content = tender.content(from, &file)?;
                    tender.put(to, &content)?
                }
                false => tender.set(to, file.len, &file.sha256, &file.object)?,
            };
            tender.forget_name(from)
        })?;
        if !replaced.is_empty() {
            // What this leaves behind is noted, and removed by the next writer.
            let _ = self.bodies.remove(&replaced);
        }
        Ok(())
    }

    fn batch(&mut self, writes: &[Write<'_>]) -> io::Result<()> {
        let changes: Vec<Change<'_>> = writes.iter().map(|write| Change::Small(*write)).collect();
        self.make(&changes)
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<(String, u64)>> {
        if let Some((folder, _)) = prefix.rsplit_once('/') {
            checked(folder)?;
        }
        let mut found = Vec::new();
        self.look(&mut |tender| {
            found = tender.list(prefix)?;
            Ok(())
        })?;
        Ok(found
            .into_iter()
            .map(|(name, file)| (name, file.len))
            .collect())
    }
}
