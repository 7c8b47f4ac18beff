//! Lists beside a tender's files, to which every replica of a host adds: who signed in, what was granted, what was
//! refused. The tender's one writer has no part in them.

use std::io;

/// Broken lists of one kind that are kept.
pub const ASIDE_MAX: u32 = 1_000;

/// An entry of a list, and its number.
pub type Entry = (u64, Vec<u8>);

/// Lists of entries that are numbered in the order in which they came, each of one tender. Of several who add at the
/// same place one does, and the others learn what it added: so all read the same list.
pub trait Lists: Send + Sync {
    /// The entries from a number on. The first may have a greater one: what came before it was cut off.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, tender: &str, list: &str, from: u64) -> io::Result<Vec<Entry>>;

    /// Adds entries behind number `at - 1`, durably, all or none; `false` if that is not the last one.
    ///
    /// # Errors
    /// What the system says; then they may be there or not.
    fn add(&self, tender: &str, list: &str, at: u64, entries: &[Vec<u8>]) -> io::Result<bool>;

    /// Forgets the entries before a number, but never the last one: numbers are not given twice.
    ///
    /// # Errors
    /// What the system says.
    fn cut(&self, tender: &str, list: &str, below: u64) -> io::Result<()>;

    /// Puts all entries away under another name, and says where; the list begins again with `first`. `None` if it does not
    /// hold `seen` any more: somebody else did so.
    ///
    /// # Errors
    /// What the system says.
    fn set_aside(
        &self,
        tender: &str,
        list: &str,
        seen: &Entry,
        first: &[Vec<u8>],
    ) -> io::Result<Option<String>>;
}
