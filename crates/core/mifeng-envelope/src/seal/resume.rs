//! Sealing that goes on where it was interrupted, as its journal tells.

use super::{Inputs, Plan, Progress, Sealed};
use crate::journal::{self, Resumable};
use crate::root::Window;
use crate::stream::{Guarded, Out, ROUND_PLAIN, round_end};
use crate::{BLOCK, Error, Result, tar};
use mifeng_crypto::{Digest, jcs};
use std::io::SeekFrom;
use zeroize::Zeroizing;

/// As [`seal_with_sigma`](super::seal_with_sigma), with a journal: `out` is given its lines ([`Resumable::note`]), and after
/// an interruption `journal` is what of them was kept. The rounds that it tells of are neither read
/// nor encrypted again. Everything must be as it was: the inputs, the secret, the signing time, and
/// the files by their [`FileSource::stamp`](super::FileSource::stamp). What stands in `out` behind the last line is made again,
/// and must come out the same.
///
/// # Errors
/// As [`seal`](fn@super::seal); [`Error::Journal`] if something is not as it was: begin anew, with a new nonce and
/// a new secret, since two contents must never be encrypted under one. Nothing is overwritten then.
pub fn seal_resuming(
    inputs: &Inputs<'_>,
    sigma: &[u8; 32],
    out: &mut dyn Resumable,
    journal: &[u8],
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed> {
    let plan = Plan::new(inputs, sigma)?;
    let what = plan.digest(inputs)?;
    let (mut writer, done) = journal::Writer::resume(inputs.suite, &what, journal)?;
    if done.rounds > 0 {
        let pending = plan.read_back(out, &done)?;
        let at = plan.front().len() as u64 + round_end(done.rounds);
        let out = Guarded::new(out, at, plan.end())?;
        let mut body = plan.writer(inputs, Out::Journal(out, writer));
        body.go_on(done.rounds, &done.body, &pending)?;
        plan.restore(body.window(), &done)?;
        let behind = (done.rounds * ROUND_PLAIN, done.signed);
        return plan.seal(inputs, body, behind, progress);
    }
    if journal.is_empty() {
        let line = writer.line(0)?;
        out.note(&line, true)
            .map_err(Error::io("writing the journal of the sealing"))?;
    }
    let mut out = Out::Journal(Guarded::new(out, 0, plan.end())?, writer);
    out.write(&plan.front())?;
    let mut body = plan.writer(inputs, out);
    body.start()?;
    plan.seal(inputs, body, (0, done.signed), progress)
}

impl Plan<'_> {
    /// All that the bytes of the files' part depend on, beside sigma, which the header shows.
    fn digest(&self, inputs: &Inputs<'_>) -> Result<Digest> {
        let manifest = jcs::to_vec(&self.manifest)?;
        let mut stamps = Vec::new();
        for (_, file) in &self.files {
            stamps.extend_from_slice(&file.stamp().to_be_bytes());
        }
        let time = jcs::to_vec(&inputs.signing_time)?;
        let parts = [self.c.as_bytes(), &manifest[..], &stamps, &time];
        Ok(inputs.suite.h_tag("journal", &parts))
    }

    /// What of an interrupted file is not hashed yet, after checking that it begins as it must: the
    /// header is a function of sigma.
    fn read_back(&self, out: &mut dyn Resumable, done: &journal::Done) -> Result<Vec<u8>> {
        let wrong = |what| Error::Journal { what };
        let cut = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => wrong("the unfinished file is too short"),
            _ => Error::io("reading back the sealed file")(e),
        };
        let front = [&self.front()[..], self.cipher.prefix()].concat();
        let mut found = vec![0; front.len()];
        out.seek(SeekFrom::Start(0)).map_err(cut)?;
        out.read_exact(&mut found).map_err(cut)?;
        if found != front {
            return Err(wrong("the unfinished file is of another secret"));
        }
        let (hashed, end) = (
            done.body.len() as u64 * BLOCK as u64,
            round_end(done.rounds),
        );
        let len = end
            .checked_sub(hashed)
            .filter(|len| *len < BLOCK as u64 && end <= self.body_len)
            .ok_or(wrong("rounds and leaves"))?;
        let at = self.front().len() as u64 + hashed;
        let mut pending = vec![0; len as usize];
        out.seek(SeekFrom::Start(at)).map_err(cut)?;
        out.read_exact(&mut pending).map_err(cut)?;
        Ok(pending)
    }

    /// Puts the hashing of the files where it stood.
    fn restore(&self, window: &mut Window, done: &journal::Done) -> Result<()> {
        let wrong = || Error::Journal {
            what: "files and leaves",
        };
        let (plain, block) = (done.rounds * ROUND_PLAIN, BLOCK as u64);
        let (mut at, mut leaves) = (0, &done.files[..]);
        let mut ended = Vec::new();
        let mut tail = Zeroizing::new(Vec::new());
        for (place, (index, file)) in self.files.iter().enumerate() {
            let begin = at + tar::header(file.path(), file.size(), place).len() as u64;
            at = begin + file.size() + tar::gap(file.size()) as u64;
            if plain > begin + file.size() {
                let count = file.size().div_ceil(block) as usize;
                let (hashed, rest) = leaves.split_at_checked(count).ok_or_else(wrong)?;
                ended.push(hashed.to_vec());
                leaves = rest;
            } else if plain >= begin {
                // This is the file that was being read: its open block is read again.
                let offset = plain - begin;
                if leaves.len() as u64 != offset / block {
                    return Err(wrong());
                }
                tail.resize((offset % block) as usize, 0);
                let reading = Error::io("reading a file of the bid");
                let mut reader = file.open_at(offset - offset % block).map_err(&reading)?;
                match reader.read_exact(&mut tail) {
                    Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                        return Err(Error::FileChanged { index: *index });
                    }
                    read => read.map_err(&reading)?,
                }
                window.restore(ended, leaves, &tail);
                return Ok(());
            }
        }
        if !leaves.is_empty() {
            return Err(wrong());
        }
        window.restore(ended, &[], &[]);
        Ok(())
    }
}
