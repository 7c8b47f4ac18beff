//! What an interrupted sealing or opening leaves behind, so that the next attempt goes on where the
//! last one stood: line by line, the leaf hashes of the rounds that are done.
//!
//! A line is `chain ‖ space ‖ JCS ‖ line feed`, `chain` being `H_tag("journal", chain before, JCS)`
//! and the first one starting from a digest of all that the work depends on. What a crash has torn
//! off, and everything after a line that was altered, does not count. A journal is a file of the
//! machine that works, never sent to anyone; it holds no key.

use crate::{Error, Result};
use mifeng_crypto::{Digest, Suite, jcs};
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Seek, Write};

/// Bytes of the longest journal that is read: 1 TiB of files in rounds of 8 MiB.
pub const JOURNAL_LEN_MAX: usize = 512 << 20;

/// A file that a seal is written to, with a journal beside it.
pub trait Resumable: Read + Write + Seek {
    /// Something is done: what was written so far, and then this line of the journal, may be made
    /// durable. A shell may collect some lines first, unless `now`: then the line is durable when this
    /// returns, because what is written next depends on it. It must never let a line become durable
    /// before the bytes that were written ahead of it. A line may hold hashes of the files: it is for
    /// the sealer's eyes only.
    ///
    /// # Errors
    /// Ends the sealing.
    fn note(&mut self, line: &[u8], now: bool) -> io::Result<()>;
}

/// The manifest's signature, noted before it is encrypted: a token would make another one when
/// asked again, and two must never be encrypted under one secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    /// The signature, hex.
    pub(crate) cms: String,
    /// Hash of the manifest that it signs.
    pub(crate) manifest: Digest,
}

/// The rounds that one line, or a whole journal, tells of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {
    /// Leaf hashes of the body's blocks.
    pub(crate) body: Vec<Digest>,
    /// Leaf hashes of the files' blocks, file after file.
    pub(crate) files: Vec<Digest>,
    /// Rounds of the body that are done, in all.
    pub(crate) rounds: u64,
    /// Files that an opening has met: path and size.
    pub(crate) seen: Vec<(String, u64)>,
    /// The manifest's signature, once a sealing has read all files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<Signed>,
}

/// Writes lines, each bound to those before it.
pub(crate) struct Writer {
    suite: &'static Suite,
    chain: Digest,
    /// What was done since the last line.
    pub(crate) since: Done,
}

impl Writer {
    /// A journal that has its first line to come; `of` is what the work depends on.
    pub(crate) fn new(suite: &'static Suite, of: &Digest) -> Self {
        Writer {
            suite,
            chain: *of,
            since: Done::default(),
        }
    }

    /// Goes on after the valid lines of `journal`; gives what they tell.
    ///
    /// # Errors
    /// [`Error::Journal`] if there are lines and they are of other work.
    pub(crate) fn resume(
        suite: &'static Suite,
        of: &Digest,
        journal: &[u8],
    ) -> Result<(Self, Done)> {
        let mut writer = Writer::new(suite, of);
        let mut all = Done::default();
        let mut any = false;
        for line in journal.split_inclusive(|byte| *byte == b'\n') {
            let Some(done) = writer.read(line) else { break };
            any = true;
            all.body.extend(done.body);
            all.files.extend(done.files);
            all.seen.extend(done.seen);
            all.rounds = done.rounds;
            all.signed = done.signed.or(all.signed);
        }
        if !any && !journal.is_empty() {
            return Err(Error::Journal {
                what: "of other work, or altered",
            });
        }
        Ok((writer, all))
    }

    fn read(&mut self, line: &[u8]) -> Option<Done> {
        let line = line.strip_suffix(b"\n")?;
        let (chain, json) = line.split_at_checked(64)?;
        let json = json.strip_prefix(b" ")?;
        let next = self.suite.h_tag("journal", &[self.chain.as_bytes(), json]);
        if next.to_string().as_bytes() != chain {
            return None;
        }
        let done = jcs::from_slice(json, JOURNAL_LEN_MAX).ok()?;
        self.chain = next;
        Some(done)
    }

    /// The line for everything since the last one.
    pub(crate) fn line(&mut self, rounds: u64) -> Result<Vec<u8>> {
        self.since.rounds = rounds;
        let json = jcs::to_vec(&core::mem::take(&mut self.since))?;
        self.chain = self.suite.h_tag("journal", &[self.chain.as_bytes(), &json]);
        let mut line = self.chain.to_string().into_bytes();
        line.push(b' ');
        line.extend_from_slice(&json);
        line.push(b'\n');
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::GM;

    #[test]
    fn torn_lines_do_not_count_and_other_work_is_refused() -> Result<()> {
        let of = Digest::from_bytes([1; 32]);
        let leaf = Digest::from_bytes([2; 32]);
        let mut writer = Writer::new(&GM, &of);
        let mut journal = writer.line(0)?;
        writer.since.body.push(leaf);
        journal.extend(writer.line(1)?);
        let whole = journal.len();
        writer.since.files.push(leaf);
        journal.extend(writer.line(2)?);
        let read = |bytes: &[u8]| Writer::resume(&GM, &of, bytes).map(|(_, done)| done);
        assert_eq!(read(&journal)?.rounds, 2);
        for end in whole..journal.len() {
            let done = read(&journal[..end])?;
            assert_eq!((done.rounds, done.body.len(), done.files.len()), (1, 1, 0));
        }
        let mut bent = journal.clone();
        bent[whole + 70] ^= 1;
        assert_eq!(read(&bent)?.rounds, 1);
        let other = Digest::from_bytes([3; 32]);
        let found = Writer::resume(&GM, &other, &journal).map(|(_, done)| done);
        assert_eq!(found.map_err(|e| e.code()), Err("envelope.journal"));
        assert_eq!(read(b"")?, Done::default());
        // What goes on after a resume is what would have been written without.
        let (mut again, _) = Writer::resume(&GM, &of, &journal[..whole])?;
        again.since.files.push(leaf);
        assert_eq!(again.line(2)?, journal[whole..]);
        Ok(())
    }
}
