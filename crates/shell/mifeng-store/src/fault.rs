//! What a store says when it fails: a stable code, what was expected and what was found.

use std::io;

/// Why a store refuses or fails; carried inside the [`io::Error`] that the engine sees.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Another writer has the tender.
    #[error("tender {tender} has a writer: {holder}, for {left_ms} ms more unless it renews")]
    Held {
        /// Which tender.
        tender: String,
        /// Who has it.
        holder: String,
        /// Milliseconds until its lease ends.
        left_ms: i64,
    },
    /// This writer was replaced by another one; it has written nothing since.
    #[error(
        "this writer has lost tender {tender}: it was writer {epoch} at turn {turn}, and is not any more"
    )]
    Lost {
        /// Which tender.
        tender: String,
        /// The number that this writer was given.
        epoch: i64,
        /// Transactions that it knows of.
        turn: i64,
    },
    /// A write failed before, and nobody knows whether it is there.
    #[error("a write failed before: open the store again")]
    Broken,
    /// A store that was opened for reading was written to.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// What is stored is not what was put there.
    #[error("{name}: expected {expected}, found {found}")]
    Damaged {
        /// Which file.
        name: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The tables were made by a later version of this program.
    #[error("the tables are of version {found}, this program knows up to {known}")]
    Newer {
        /// Version of the tables.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The server is set up so that it would acknowledge what it may lose.
    #[error("the database is not durable: {0}")]
    NotDurable(String),
    /// A database or an object store does not answer as it should.
    #[error("{what}: {detail}")]
    Unavailable {
        /// Which of the two, and what it was asked.
        what: &'static str,
        /// What it said.
        detail: String,
    },
    /// A place that cannot be understood.
    #[error("{0}")]
    Place(String),
}

impl Fault {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Held { .. } => "store.held",
            Fault::Lost { .. } => "store.lost",
            Fault::Broken => "store.broken",
            Fault::ReadOnly => "store.read-only",
            Fault::Damaged { .. } => "store.damaged",
            Fault::Newer { .. } => "store.newer",
            Fault::NotDurable(_) => "store.not-durable",
            Fault::Unavailable { .. } => "store.unavailable",
            Fault::Place(_) => "store.place",
        }
    }

    /// The fault inside an error of a store, if it is one of these.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// As an error of this kind.
    #[cfg(feature = "sqlite")]
    pub(crate) fn kind(self, kind: io::ErrorKind) -> io::Error {
        io::Error::new(kind, self)
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        use io::ErrorKind as Kind;
        let kind = match fault {
            Fault::Held { .. } => Kind::WouldBlock,
            Fault::Lost { .. } | Fault::ReadOnly => Kind::PermissionDenied,
            Fault::Damaged { .. } => Kind::InvalidData,
            Fault::Newer { .. } | Fault::NotDurable(_) => Kind::Unsupported,
            Fault::Place(_) => Kind::InvalidInput,
            Fault::Broken | Fault::Unavailable { .. } => Kind::Other,
        };
        io::Error::new(kind, fault)
    }
}
