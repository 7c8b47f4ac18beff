//! The statements of a store, and what each of them takes care of.

use super::{Row, Statements, Value};
use crate::fault::Fault;
use sha2::{Digest, Sha256};
use std::io;

/// Appends go into the last piece while it is shorter than this: a log of a million entries is not a
/// million rows, and no append rewrites more than a page or two.
const PIECE_LEN: usize = 4_096;

/// A file as the table has it.
pub(super) struct File {
    pub(super) len: u64,
    /// Of the whole content; empty for files that grow.
    pub(super) sha256: Vec<u8>,
    /// The object that holds the content; empty if pieces do.
    pub(super) object: String,
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(super) fn damaged(name: &str, expected: String, found: impl Into<String>) -> io::Error {
    Fault::Damaged {
        name: name.to_owned(),
        expected,
        found: found.into(),
    }
    .into()
}

/// Statements about one tender.
pub(super) struct Tender<'a> {
    pub(super) tx: &'a mut dyn Statements,
    pub(super) tender: &'a str,
}

impl Tender<'_> {
    fn named(&self, name: &str) -> [Value; 2] {
        [self.tender.into(), name.into()]
    }

    pub(super) fn file(&mut self, name: &str) -> io::Result<Option<File>> {
        let sql = "SELECT len, sha256, object FROM mifeng_file WHERE tender = $1 AND name = $2";
        let mut rows = self.tx.rows(sql, &self.named(name))?;
        rows.pop().map(|row| file_of(name, row)).transpose()
    }

    /// The content of a file that is in pieces, whole and as long as its row says.
    pub(super) fn content(&mut self, name: &str, file: &File) -> io::Result<Vec<u8>> {
        let sql = "SELECT start, content FROM mifeng_piece WHERE tender = $1 AND name = $2 ORDER BY start";
        let mut content = Vec::new();
        for mut row in self.tx.rows(sql, &self.named(name))? {
            let (start, piece) = (row.int()?, row.bytes()?);
            if usize::try_from(start) != Ok(content.len()) {
                let expected = format!("a piece at {}", content.len());
                return Err(damaged(name, expected, format!("one at {start}")));
            }
            content.extend(piece);
        }
        if content.len() as u64 != file.len {
            let found = format!("{}", content.len());
            return Err(damaged(name, format!("{} bytes", file.len), found));
        }
        if !file.sha256.is_empty() && sha256(&content) != file.sha256 {
            let found = hex::encode(sha256(&content));
            return Err(damaged(name, hex::encode(&file.sha256), found));
        }
        Ok(content)
    }

    /// Puts the content in place of whatever the name had; says which object it had.
    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> io::Result<String> {
        let before = self.set(name, content.len() as u64, &sha256(content), "")?;
        self.add_piece(name, 0, content)?;
        Ok(before)
    }

    /// Makes an object the content of a name; says which object it had.
    pub(super) fn set(
        &mut self,
        name: &str,
        len: u64,
        sha256: &[u8],
        object: &str,
    ) -> io::Result<String> {
        let before = self.file(name)?;
        let before = before.map(|file| file.object).unwrap_or_default();
        let sql = "DELETE FROM mifeng_piece WHERE tender = $1 AND name = $2";
        self.tx.run(sql, &self.named(name))?;
        self.set_row(name, len, sha256, object)?;
        if !object.is_empty() {
            let sql = "DELETE FROM mifeng_object WHERE tender = $1 AND object = $2";
            self.tx.run(sql, &self.named(object))?;
        }
        if !before.is_empty() {
            self.stage(&before)?;
        }
        Ok(before)
    }

    /// A name that nothing has any more; what it had has another one.
    pub(super) fn forget_name(&mut self, name: &str) -> io::Result<()> {
        for table in ["mifeng_piece", "mifeng_file"] {
            let sql = format!("DELETE FROM {table} WHERE tender = $1 AND name = $2");
            self.tx.run(&sql, &self.named(name))?;
        }
        Ok(())
    }

    fn set_row(&mut self, name: &str, len: u64, sha256: &[u8], object: &str) -> io::Result<()> {
        let len = i64::try_from(len).map_err(io::Error::other)?;
        let sql = "INSERT INTO mifeng_file (tender, name, len, sha256, object) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tender, name) DO UPDATE SET len = excluded.len, sha256 = excluded.sha256, object = excluded.object";
        let [tender, name] = self.named(name);
        let params = [tender, name, len.into(), sha256.into(), object.into()];
        self.tx.run(sql, &params).map(|_| ())
    }

    fn add_piece(&mut self, name: &str, start: u64, content: &[u8]) -> io::Result<()> {
        let start = i64::try_from(start).map_err(io::Error::other)?;
        let sql = "INSERT INTO mifeng_piece (tender, name, start, content) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tender, name, start) DO UPDATE SET content = excluded.content";
        let [tender, name] = self.named(name);
        let params = [tender, name, start.into(), content.into()];
        self.tx.run(sql, &params).map(|_| ())
    }

    /// Adds to a file that is `at` bytes long, cutting off first what stands beyond.
    pub(super) fn append(&mut self, name: &str, at: u64, content: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        let len = file.as_ref().map_or(0, |file| file.len);
        if len < at {
            return Err(damaged(
                name,
                format!("at least {at} bytes"),
                format!("{len}"),
            ));
        }
        let from = i64::try_from(at).map_err(io::Error::other)?;
        let [tender, own] = self.named(name);
        let sql = "DELETE FROM mifeng_piece WHERE tender = $1 AND name = $2 AND start >= $3";
        self.tx.run(sql, &[tender, own, from.into()])?;
        let sql = "SELECT start, content FROM mifeng_piece WHERE tender = $1 AND name = $2 ORDER BY start DESC LIMIT 1";
        let last = self.tx.rows(sql, &self.named(name))?.pop();
        self.set_row(name, at + content.len() as u64, &[], "")?;
        if let Some(mut row) = last {
            let (start, mut piece) = (row.int()?, row.bytes()?);
            let kept = usize::try_from(from - start).map_err(io::Error::other)?;
            if kept > piece.len() {
                let expected = format!("a piece up to {at}");
                return Err(damaged(
                    name,
                    expected,
                    format!("one up to {}", start + piece.len() as i64),
                ));
            }
            if kept < piece.len() || piece.len() < PIECE_LEN {
                piece.truncate(kept);
                piece.extend_from_slice(content);
                return self.add_piece(name, start.unsigned_abs(), &piece);
            }
        }
        self.add_piece(name, at, content)
    }

    /// Notes an object that no file is made of: about to be put, or given up.
    pub(super) fn stage(&mut self, object: &str) -> io::Result<()> {
        let sql =
            "INSERT INTO mifeng_object (tender, object) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.tx.run(sql, &self.named(object)).map(|_| ())
    }

    /// Forgets such objects once they are gone.
    pub(super) fn forget(&mut self, object: &str) -> io::Result<()> {
        let sql = "DELETE FROM mifeng_object WHERE tender = $1 AND object = $2";
        self.tx.run(sql, &self.named(object)).map(|_| ())
    }

    pub(super) fn staged(&mut self) -> io::Result<Vec<String>> {
        let sql = "SELECT object FROM mifeng_object WHERE tender = $1 ORDER BY object";
        let rows = self.tx.rows(sql, &[self.tender.into()])?;
        rows.into_iter().map(|mut row| row.text()).collect()
    }

    /// Files whose names start with `prefix`, sorted by the bytes of their names.
    pub(super) fn list(&mut self, prefix: &str) -> io::Result<Vec<(String, File)>> {
        // Names are of ASCII below this character.
        let end = format!("{prefix}\u{7f}");
        let sql = "SELECT name, len, sha256, object FROM mifeng_file
            WHERE tender = $1 AND name >= $2 AND name < $3 ORDER BY name";
        let params = [self.tender.into(), prefix.into(), end.as_str().into()];
        let rows = self.tx.rows(sql, &params)?;
        rows.into_iter()
            .map(|mut row| {
                let name = row.text()?;
                let file = file_of(&name, row)?;
                Ok((name, file))
            })
            .collect()
    }
}

fn file_of(name: &str, mut row: Row) -> io::Result<File> {
    let (len, sha256, object) = (row.int()?, row.bytes()?, row.text()?);
    Ok(File {
        len: u64::try_from(len)
            .map_err(|_| damaged(name, "a length".to_owned(), format!("{len}")))?,
        sha256,
        object,
    })
}
