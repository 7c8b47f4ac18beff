//! How a log lies in a store: entries in one file, and the signed head that counts.
//!
//! One way for every log: the files that an entry names, the entry and the head in one batch. What lies
//! beyond the head was never acknowledged.

use crate::store::{Store, Write};
use crate::{Error, layout};
use mifeng_crypto::{HashAlg, PrivateKey, Suite, jcs};
use mifeng_log::{
    Checkpoint, CosignVerifier, LogTree, Note, NoteSigner, Signature, SignedCheckpoint, tiles,
};

/// Entries of the log, each behind its length in two bytes.
const ENTRIES: &str = "entries";
/// The head that counts: entries beyond it were never acknowledged.
pub(crate) const HEAD: &str = "head.json";

/// The head as it is stored.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) entries_len: u64,
    pub(crate) checkpoint: String,
    pub(crate) checkpoint_sha256: Option<String>,
}

impl Head {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Ok(jcs::from_slice(bytes, 1 << 20)?)
    }
}

/// The head that counts as it is stored, if there is a log in a store.
pub(crate) fn stored_head(store: &dyn Store) -> Result<Option<Vec<u8>>, Error> {
    store.read(HEAD).map_err(|e| Error::io(HEAD, &e))
}

/// Whether there is a log in a store.
pub(crate) fn is_there(store: &dyn Store) -> Result<bool, Error> {
    Ok(stored_head(store)?.is_some())
}

/// The head that counts.
pub(crate) fn head(store: &dyn Store) -> Result<Head, Error> {
    Head::parse(&stored_head(store)?.unwrap_or_default())
}

/// The entries under a head; what a crash left beyond it is cut off.
pub(crate) fn committed(store: &dyn Store, head: &Head) -> Result<Vec<Vec<u8>>, Error> {
    let all = store
        .read(ENTRIES)
        .map_err(|e| Error::io(ENTRIES, &e))?
        .unwrap_or_default();
    let len = usize::try_from(head.entries_len).unwrap_or(usize::MAX);
    let committed = all
        .get(..len)
        .ok_or_else(|| Error::malformed("host folder", "entries are shorter than the head says"))?;
    let size = usize::try_from(head.size).unwrap_or(0);
    Ok(tiles::parse_bundle(committed, size)?)
}

/// A log in memory, as far as appending to it goes.
pub(crate) struct Journal<'a> {
    pub(crate) tree: &'a mut LogTree,
    pub(crate) entries: &'a mut Vec<Vec<u8>>,
    pub(crate) entries_len: &'a mut u64,
    pub(crate) key: &'a PrivateKey,
}

impl Journal<'_> {
    /// Appends one entry, with the `files` that it names, in one batch. Only the head that this returns may be
    /// shown to anybody: a witness that cosigned one which a crash takes back would make the host a liar.
    pub(crate) fn append(
        &mut self,
        store: &mut dyn Store,
        files: &[(String, &[u8])],
        bytes: Vec<u8>,
    ) -> Result<SignedCheckpoint, Error> {
        let len = u16::try_from(bytes.len()).map_err(|_| Error::malformed("entry", "too long"))?;
        let framed = [&len.to_be_bytes()[..], &bytes].concat();
        let at = *self.entries_len;
        *self.entries_len += framed.len() as u64;
        self.tree.append(&bytes)?;
        self.entries.push(bytes);
        let (head, signed) = self.sign_head()?;
        let head = jcs::to_vec(&head)?;
        let mut writes: Vec<Write<'_>> = files
            .iter()
            .map(|(name, content)| Write::Put { name, content })
            .collect();
        // In a store that is read while it is written to: what is named before what names it.
        writes.push(Write::Append {
            name: ENTRIES,
            at,
            content: &framed,
        });
        writes.push(Write::Put {
            name: HEAD,
            content: &head,
        });
        store.batch(&writes).map_err(|e| Error::io("log", &e))?;
        Ok(signed)
    }

    fn sign_head(&self) -> Result<(Head, SignedCheckpoint), Error> {
        let sign = |checkpoint: Checkpoint| -> Result<Note, Error> {
            let signer = NoteSigner::new(checkpoint.origin(), self.key)?;
            Ok(checkpoint.sign(&signer)?)
        };
        let note = sign(self.tree.checkpoint())?;
        let sha256 = match self.tree.suite().hash() {
            HashAlg::Sha256 => None,
            HashAlg::Sm3 => Some(sign(self.tree.sha256_checkpoint())?.to_text()),
        };
        let signer = NoteSigner::new(self.tree.checkpoint().origin(), self.key)?;
        let signed = SignedCheckpoint::verify(note.to_text().as_bytes(), signer.verifier())?;
        let head = Head {
            size: self.tree.size(),
            entries_len: *self.entries_len,
            checkpoint: note.to_text(),
            checkpoint_sha256: sha256,
        };
        Ok((head, signed))
    }
}

/// A head of a log with what witnesses put under it.
pub(crate) struct Cosigned {
    /// Where it is stored.
    pub(crate) name: String,
    /// The stored lines and the new ones.
    pub(crate) note: Note,
    /// Whether a line is new. Whoever sends what is known, or nobody's line, has nothing written.
    pub(crate) is_new: bool,
}

/// Reads a cosigned head of this log that somebody sent; of its lines count those of these witnesses, which must hold.
pub(crate) fn cosigned(
    store: &dyn Store,
    key: &PrivateKey,
    tree: &LogTree,
    witnesses: &[CosignVerifier],
    sent: &[u8],
) -> Result<Cosigned, Error> {
    let given = Note::parse(sent)?;
    let checkpoint = Checkpoint::parse(given.text())?;
    let is_own = tree.tree().has(checkpoint.size(), &checkpoint.root());
    if !is_own || checkpoint.origin() != tree.checkpoint().origin() {
        return Err(Error::malformed("cosigned head", "not a head of this log"));
    }
    let name = layout::head(checkpoint.size());
    let mut note = match store.read(&name).map_err(|e| Error::io(&*name, &e))? {
        Some(bytes) => Note::parse(&bytes)?,
        None => checkpoint.sign(&NoteSigner::new(checkpoint.origin(), key)?)?,
    };
    let mut is_new = false;
    for witness in witnesses {
        let key = witness.key();
        let own = |s: &&Signature| s.name() == key.name() && s.key_id() == key.id();
        let known = note.signatures().iter().any(|s| own(&s));
        if let Some(line) = given.signatures().iter().find(own).filter(|_| !known) {
            let mut single = checkpoint.to_note();
            single.add(line.clone())?;
            witness.verify(&single)?;
            note.add(line.clone())?;
            is_new = true;
        }
    }
    Ok(Cosigned { name, note, is_new })
}

/// The verifier keys of a log with this origin: of its SHA-256 tree, and in gm-1 of its SM3 tree.
pub(crate) fn vkeys(
    suite: &Suite,
    origin: &str,
    key: &PrivateKey,
) -> Result<(String, Option<String>), Error> {
    let vkey = |name: &str| -> Result<String, Error> {
        Ok(NoteSigner::new(name, key)?.verifier().key().to_string())
    };
    Ok(match suite.hash() {
        HashAlg::Sha256 => (vkey(origin)?, None),
        HashAlg::Sm3 => (
            vkey(origin)?,
            Some(vkey(&LogTree::authoritative_origin(suite, origin))?),
        ),
    })
}
