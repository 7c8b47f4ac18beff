//! The trees of one tender's log.

use crate::{Checkpoint, ENTRY_LEN_MAX, Error, merkle, vkey};
use mifeng_crypto::{Digest, HashAlg, Suite};

/// What is added to the origin for the SM3 tree of a `gm-1` log.
const SM3_SUFFIX: &str = "/sm3";

/// The trees of a tender's log: SHA-256 always, so that outside tools and witnesses work, and in
/// `gm-1` also SM3, which is authoritative there.
#[derive(Clone, Debug)]
pub struct LogTree {
    suite: &'static Suite,
    origin: String,
    sha256: merkle::Tree,
    sm3: Option<merkle::Tree>,
}

impl LogTree {
    /// An empty log; `origin` is `<host>/t/<tender>`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the origin could not be a key name.
    pub fn new(suite: &'static Suite, origin: &str) -> Result<Self, Error> {
        // The longer of the two origins must be a key name too.
        vkey::check_name(&format!("{origin}{SM3_SUFFIX}"))?;
        let sm3 = (suite.hash() == HashAlg::Sm3).then(|| merkle::Tree::new(HashAlg::Sm3));
        Ok(LogTree {
            suite,
            origin: origin.to_owned(),
            sha256: merkle::Tree::new(HashAlg::Sha256),
            sm3,
        })
    }

    /// A log of these entries.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`append`](Self::append).
    pub fn from_entries<E: AsRef<[u8]>>(
        suite: &'static Suite,
        origin: &str,
        entries: &[E],
    ) -> Result<Self, Error> {
        let mut log = LogTree::new(suite, origin)?;
        for entry in entries {
            log.append(entry.as_ref())?;
        }
        Ok(log)
    }

    /// The name of the authoritative tree of a log with this origin: the origin, in `gm-1`
    /// followed by `/sm3`.
    pub fn authoritative_origin(suite: &Suite, origin: &str) -> String {
        match suite.hash() {
            HashAlg::Sha256 => origin.to_owned(),
            HashAlg::Sm3 => format!("{origin}{SM3_SUFFIX}"),
        }
    }

    /// Adds an entry and tells its index.
    ///
    /// # Errors
    /// [`Error::TooLarge`] above [`ENTRY_LEN_MAX`] bytes.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64, Error> {
        if entry.len() > ENTRY_LEN_MAX {
            return Err(Error::TooLarge {
                what: "entry length",
                found: entry.len() as u64,
                max: ENTRY_LEN_MAX as u64,
            });
        }
        let index = self.size();
        for tree in [Some(&mut self.sha256), self.sm3.as_mut()]
            .into_iter()
            .flatten()
        {
            tree.append(merkle::leaf_hash(tree.alg(), entry));
        }
        Ok(index)
    }

    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The origin of the SHA-256 tree.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.sha256.size()
    }

    /// The root of the authoritative tree.
    pub fn root(&self) -> Digest {
        self.tree().root()
    }

    /// The authoritative tree: of the suite's own hash. Receipts and dossiers prove in it.
    pub fn tree(&self) -> &merkle::Tree {
        self.sm3.as_ref().unwrap_or(&self.sha256)
    }

    /// The SHA-256 tree; in `intl-1` the authoritative one.
    pub fn sha256_tree(&self) -> &merkle::Tree {
        &self.sha256
    }

    /// The head of the authoritative tree.
    pub fn checkpoint(&self) -> Checkpoint {
        let origin = LogTree::authoritative_origin(self.suite, &self.origin);
        Checkpoint::new(&origin, self.size(), self.root())
            .expect("the origin was checked when the log was made")
    }

    /// The head of the SHA-256 tree; in `intl-1` the same as [`checkpoint`](Self::checkpoint).
    pub fn sha256_checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.origin, self.size(), self.sha256.root())
            .expect("the origin was checked when the log was made")
    }
}
