//! The tables, and how older ones become new.

use super::Database;
use crate::fault::Fault;
use std::io;

/// Each step is run once, in order, and never changed after its release.
const STEPS: &[&str] = &[
    // 1: the tables.
    "CREATE TABLE mifeng_tender (
        tender {name} NOT NULL PRIMARY KEY,
        epoch BIGINT NOT NULL,
        turn BIGINT NOT NULL,
        holder TEXT NOT NULL,
        lease_ms BIGINT NOT NULL
    );
    CREATE TABLE mifeng_file (
        tender {name} NOT NULL REFERENCES mifeng_tender (tender),
        name {name} NOT NULL,
        len BIGINT NOT NULL,
        sha256 {bytes} NOT NULL,
        object TEXT NOT NULL,
        PRIMARY KEY (tender, name)
    );
    CREATE TABLE mifeng_piece (
        tender {name} NOT NULL,
        name {name} NOT NULL,
        start BIGINT NOT NULL,
        content {bytes} NOT NULL,
        PRIMARY KEY (tender, name, start),
        FOREIGN KEY (tender, name) REFERENCES mifeng_file (tender, name)
    );
    CREATE TABLE mifeng_object (
        tender {name} NOT NULL REFERENCES mifeng_tender (tender),
        object TEXT NOT NULL,
        PRIMARY KEY (tender, object)
    );",
    // 2: lists of all replicas, beside the files of the one writer.
    "CREATE TABLE mifeng_list (
        tender {name} NOT NULL,
        list {name} NOT NULL,
        number BIGINT NOT NULL,
        content {bytes} NOT NULL,
        PRIMARY KEY (tender, list, number)
    );",
];

/// Brings the tables up to date. Several programs may do so at the same time: one of them works, the
/// others wait for it and find nothing to do.
pub(super) fn migrate(database: &dyn Database) -> io::Result<()> {
    match migrate_to(database, STEPS) {
        // Of two that make the first table at once, PostgreSQL fails one.
        Err(e) if Fault::of(&e).is_some_and(|f| f.code() == "store.unavailable") => {
            migrate_to(database, STEPS)
        }
        done => done,
    }
}

fn migrate_to(database: &dyn Database, steps: &[&str]) -> io::Result<()> {
    database.transact(&mut |tx| {
        tx.script("CREATE TABLE IF NOT EXISTS mifeng_schema (one BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL)")?;
        tx.run(
            "INSERT INTO mifeng_schema (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING",
            &[],
        )?;
        // The row is locked from here to the end of the transaction.
        tx.run("UPDATE mifeng_schema SET version = version", &[])?;
        let mut rows = tx.rows("SELECT version FROM mifeng_schema", &[])?;
        let found = match rows.pop() {
            Some(mut row) => row.int()?,
            None => 0,
        };
        let known = steps.len() as i64;
        let done = usize::try_from(found).unwrap_or(usize::MAX);
        let Some(missing) = steps.get(done..) else {
            return Err(Fault::Newer { found, known }.into());
        };
        for step in missing {
            let sql = step
                .replace("{name}", database.name_type())
                .replace("{bytes}", database.bytes_type());
            tx.script(&sql)?;
        }
        tx.run("UPDATE mifeng_schema SET version = $1", &[known.into()])?;
        Ok(())
    })
}
