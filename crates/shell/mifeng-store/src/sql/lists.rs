//! Lists in a database, for all replicas.

use super::{Database, Statements, schema};
use crate::fault::Fault;
use crate::lists::{ASIDE_MAX, Entry, Lists};
use crate::place::Place;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Adds one behind the last one. Of two who add at the same place the second one waits for the first and then changes
/// nothing; neither a place that was cut off nor one behind a gap is one to add at.
const ADD: &str = "INSERT INTO mifeng_list (tender, list, number, content) SELECT $1, $2, $3, $4
    WHERE NOT EXISTS (SELECT 1 FROM mifeng_list WHERE tender = $1 AND list = $2 AND number >= $3)
    AND ($3 = 0 OR EXISTS (SELECT 1 FROM mifeng_list WHERE tender = $1 AND list = $2 AND number = $3 - 1))
    ON CONFLICT DO NOTHING";
/// Puts a list that holds this entry under another name.
const ASIDE: &str = "UPDATE mifeng_list SET list = $1 WHERE tender = $2 AND list = $3 AND EXISTS
    (SELECT 1 FROM mifeng_list AS own WHERE own.tender = $2 AND own.list = $3 AND own.number = $4 AND own.content = $5)";

/// One connection for the lists of all tenders; a new one after an error.
pub(crate) struct SharedLists {
    place: Place,
    connection: Mutex<Option<Box<dyn Database>>>,
}

fn number(at: u64) -> io::Result<i64> {
    i64::try_from(at).map_err(io::Error::other)
}

impl SharedLists {
    pub(crate) fn open(place: &Place) -> io::Result<Self> {
        let database = place.database(None)?;
        schema::migrate(&*database)?;
        Ok(SharedLists {
            place: place.clone(),
            connection: Mutex::new(Some(database)),
        })
    }

    /// A connection that was idle may be gone: what changes nothing is asked once more on a new one.
    fn with<T>(
        &self,
        is_read: bool,
        work: &mut dyn FnMut(&dyn Database) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut held = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*held {
            match work(&**database) {
                Ok(done) => return Ok(done),
                Err(e) => {
                    *held = None;
                    if !is_read {
                        return Err(e);
                    }
                }
            }
        }
        let database = self.place.database(None)?;
        let done = work(&*database)?;
        *held = Some(database);
        Ok(done)
    }
}

impl Drop for SharedLists {
    /// The last one who has it may be an asynchronous task, in which no connection can be closed.
    fn drop(&mut self) {
        let held = self
            .connection
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = held.take() {
            let _ = std::thread::Builder::new().spawn(move || drop(database));
        }
    }
}

impl Lists for SharedLists {
    fn read(&self, tender: &str, list: &str, from: u64) -> io::Result<Vec<Entry>> {
        let from = number(from)?;
        self.with(true, &mut |database| {
            let mut found = Vec::new();
            database.snapshot(&mut |tx| {
                found.clear();
                let sql = "SELECT number, content FROM mifeng_list
                    WHERE tender = $1 AND list = $2 AND number >= $3 ORDER BY number";
                for mut row in tx.rows(sql, &[tender.into(), list.into(), from.into()])? {
                    let number = u64::try_from(row.int()?).map_err(io::Error::other)?;
                    found.push((number, row.bytes()?));
                }
                Ok(())
            })?;
            Ok(found)
        })
    }

    fn add(&self, tender: &str, list: &str, at: u64, entries: &[Vec<u8>]) -> io::Result<bool> {
        self.with(false, &mut |database| {
            let mut is_added = false;
            database.transact(&mut |tx| {
                is_added = append(tx, (tender, list), at, entries)?;
                Ok(())
            })?;
            Ok(is_added)
        })
    }

    fn cut(&self, tender: &str, list: &str, below: u64) -> io::Result<()> {
        let sql = "DELETE FROM mifeng_list WHERE tender = $1 AND list = $2 AND number < $3
            AND number < (SELECT max(number) FROM mifeng_list WHERE tender = $1 AND list = $2)";
        let params = [tender.into(), list.into(), number(below)?.into()];
        self.with(false, &mut |database| {
            database.transact(&mut |tx| tx.run(sql, &params).map(|_| ()))
        })
    }

    fn set_aside(
        &self,
        tender: &str,
        list: &str,
        seen: &Entry,
        first: &[Vec<u8>],
    ) -> io::Result<Option<String>> {
        let at = number(seen.0)?;
        self.with(false, &mut |database| {
            let mut aside = None;
            database.transact(&mut |tx| {
                aside = None;
                let name = free_name(tx, tender, list)?;
                // Of two who do so at once the second one finds what the first one began, and moves nothing.
                let params = [
                    (&*name).into(),
                    tender.into(),
                    list.into(),
                    at.into(),
                    (&*seen.1).into(),
                ];
                if tx.run(ASIDE, &params)? == 0 {
                    return Ok(());
                }
                if !append(tx, (tender, list), 0, first)? {
                    return Err(Fault::Broken.into());
                }
                aside = Some(name);
                Ok(())
            })?;
            Ok(aside.map(|name| format!("mifeng_list, {tender}, {name}")))
        })
    }
}

/// A name under which a broken list has room.
fn free_name(tx: &mut dyn Statements, tender: &str, list: &str) -> io::Result<String> {
    let taken = "SELECT 1 FROM mifeng_list WHERE tender = $1 AND list = $2 LIMIT 1";
    for turn in 1..=ASIDE_MAX {
        let name = format!("{list}.broken-{turn}");
        if tx
            .rows(taken, &[tender.into(), (&*name).into()])?
            .is_empty()
        {
            return Ok(name);
        }
    }
    Err(io::Error::other("broken too often"))
}

/// All of them, or `false` and none: the first one keeps everybody else out.
fn append(
    tx: &mut dyn Statements,
    (tender, list): (&str, &str),
    at: u64,
    entries: &[Vec<u8>],
) -> io::Result<bool> {
    for (turn, entry) in (0..).zip(entries) {
        let params = [
            tender.into(),
            list.into(),
            number(at + turn)?.into(),
            entry.as_slice().into(),
        ];
        match tx.run(ADD, &params)? {
            1 => {}
            _ if turn == 0 => return Ok(false),
            _ => return Err(Fault::Broken.into()),
        }
    }
    Ok(true)
}
