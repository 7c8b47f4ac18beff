//! Log entries: what is hashed into the tree, in canonical JSON.

use crate::{DEPTH_MAX, Error};
use mifeng_crypto::{Digest, Suite, jcs};
use serde::{Deserialize, Serialize};

/// Longest entry: a record has 151 bytes, a batch less.
pub const ENTRY_LEN_MAX: usize = 256;

/// One entry of a tender's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Until the close: the root of one beat's batch.
    Batch {
        /// Root of the full tree over the batch.
        root: Digest,
        /// The batch has 2^depth leaves.
        depth: u8,
    },
    /// After the close: one record.
    Record {
        /// Hash of the record's body.
        body: Digest,
        /// Hash of the signature over it.
        sig: Digest,
    },
}

/// The members as they are written; one of the two forms.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<Digest>,
    v: u8,
}

impl Entry {
    /// The entry of one beat.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if `depth` is above [`DEPTH_MAX`].
    pub fn batch(root: Digest, depth: u8) -> Result<Self, Error> {
        check_depth(depth)?;
        Ok(Entry::Batch { root, depth })
    }

    /// The entry of one record.
    pub fn record(body: Digest, sig: Digest) -> Self {
        Entry::Record { body, sig }
    }

    /// Reads an entry, in its canonical form only.
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of these members, [`Error::Malformed`],
    /// [`Error::TooLarge`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let entry = Entry::try_from(jcs::from_slice::<EntryJson>(bytes, ENTRY_LEN_MAX)?)?;
        if entry.to_bytes() != bytes {
            return Err(wrong("not in canonical form"));
        }
        Ok(entry)
    }

    /// The bytes that the log hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        jcs::to_vec(&EntryJson::from(*self)).expect("digests and small integers have a JSON form")
    }

    pub(crate) fn form(&self) -> &'static str {
        match self {
            Entry::Batch { .. } => "batch",
            Entry::Record { .. } => "record",
        }
    }
}

impl From<Entry> for EntryJson {
    fn from(entry: Entry) -> Self {
        let (batch, depth, body, sig) = match entry {
            Entry::Batch { root, depth } => (Some(root), Some(depth), None, None),
            Entry::Record { body, sig } => (None, None, Some(body), Some(sig)),
        };
        EntryJson {
            batch,
            body,
            depth,
            sig,
            v: 1,
        }
    }
}

impl TryFrom<EntryJson> for Entry {
    type Error = Error;

    fn try_from(json: EntryJson) -> Result<Self, Error> {
        if json.v != 1 {
            return Err(wrong("version is not 1"));
        }
        match (json.batch, json.depth, json.body, json.sig) {
            (Some(root), Some(depth), None, None) => Entry::batch(root, depth),
            (None, None, Some(body), Some(sig)) => Ok(Entry::record(body, sig)),
            _ => Err(wrong("neither a batch nor a record")),
        }
    }
}

/// The commitment to a record, which stands in a batch: `H_tag("record", jcs{body, sig})`.
pub fn commitment(suite: &Suite, body: &Digest, sig: &Digest) -> Digest {
    #[derive(Serialize)]
    struct Digests<'a> {
        body: &'a Digest,
        sig: &'a Digest,
    }
    let json = jcs::to_vec(&Digests { body, sig }).expect("two digests have a JSON form");
    suite.h_tag("record", &[&json])
}

pub(crate) fn check_depth(depth: u8) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(Error::TooLarge {
            what: "batch depth",
            found: depth.into(),
            max: DEPTH_MAX.into(),
        });
    }
    Ok(())
}

fn wrong(reason: &'static str) -> Error {
    Error::Malformed {
        what: "log entry",
        reason,
    }
}
