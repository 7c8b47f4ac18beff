//! Orders that were obeyed: one counts once, and a restart forgets none while it could still be used.

use crate::lines;
use mifeng::crypto::{Digest, Time};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Orders of the last minutes, by the hash of their body; one line each in a file.
pub(crate) struct UsedOrders {
    path: PathBuf,
    known: BTreeMap<Digest, Time>,
    /// An order is remembered so long by the host's clock.
    for_millis: i64,
}

impl UsedOrders {
    /// Takes up what the last run left.
    ///
    /// # Errors
    /// What the system says: without its memory the host obeys nothing.
    pub(crate) fn open(path: &Path, now: Time, for_millis: i64) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut orders = UsedOrders {
            path: path.to_owned(),
            known: text.lines().filter_map(line).collect(),
            for_millis,
        };
        orders.forget_old(now);
        let lines = orders.known.iter();
        let lines: String = lines.map(|(id, at)| written(id, *at)).collect();
        if lines != text {
            let part = path.with_extension("part");
            fs::write(&part, lines)?;
            fs::rename(&part, path)?;
        }
        Ok(orders)
    }

    fn forget_old(&mut self, now: Time) {
        let millis = self.for_millis;
        self.known.retain(|_, at| now < at.plus_millis(millis));
    }

    /// Notes an order, durably before it is obeyed; whether it is new.
    ///
    /// # Errors
    /// What the system says: then it must not be obeyed.
    pub(crate) fn is_new(&mut self, id: Digest, now: Time) -> io::Result<bool> {
        self.forget_old(now);
        if self.known.contains_key(&id) {
            return Ok(false);
        }
        lines::append(&self.path, written(&id, now).as_bytes())?;
        self.known.insert(id, now);
        Ok(true)
    }
}

fn written(id: &Digest, at: Time) -> String {
    format!("{id} {}\n", at.as_unix_nanos())
}

/// One that was torn off names no order.
fn line(text: &str) -> Option<(Digest, Time)> {
    let (id, at) = text.split_once(' ')?;
    Some((id.parse().ok()?, Time::from_unix_nanos(at.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;

    #[test]
    fn once_also_after_a_restart() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("mifeng-orders-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let at = |seconds| Time::from_unix_seconds(seconds);
        let [one, two, three] = [1, 2, 3].map(|number| Digest::from_bytes([number; 32]));
        let mut orders = UsedOrders::open(&path, at(0), 600_000)?;
        assert!(orders.is_new(one, at(0))?);
        assert!(!orders.is_new(one, at(1))?);
        // The next line is torn off in the middle.
        let mut file = OpenOptions::new().append(true).open(&path)?;
        file.write_all(&written(&two, at(2)).as_bytes()[..40])?;
        // A failed write that could not be cut back, and one that was there at the start.
        assert!(orders.is_new(three, at(2))?);
        file.write_all(&written(&two, at(2)).as_bytes()[..40])?;
        let mut orders = UsedOrders::open(&path, at(599), 600_000)?;
        assert!(!orders.is_new(three, at(599))?);
        assert!(!orders.is_new(one, at(599))?);
        assert!(orders.is_new(two, at(599))?);
        let mut orders = UsedOrders::open(&path, at(600), 600_000)?;
        assert!(orders.is_new(one, at(600))?);
        assert!(!orders.is_new(two, at(601))?);
        fs::remove_file(&path)
    }
}
