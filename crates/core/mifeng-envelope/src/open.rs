//! Opening: from leaf shares to σ, and from σ to the content.

use crate::body::{BodyCipher, CHUNK, PREFIX, SALT, SEALED_CHUNK, plain_len};
use crate::leaf::{Keys, Secrecy, build_header};
use crate::manifest::Manifest;
use crate::stream::{ROUND_PLAIN, ReadFrom, read_body, read_window, round_end};
use crate::tar::{Reader, TarSink, place_of};
use crate::verify::VerifiedSeal;
use crate::{Error, Result, journal};
use mifeng_crypto::{Digest, Suite};
use mifeng_lock::{Board, sharing};
use mifeng_pki::cms;
use std::io::{Read, Seek, SeekFrom};
use zeroize::{Zeroize, Zeroizing};

/// The one secret of a seal, recovered and checked: holding one proves that the header rebuilds
/// from it byte for byte.
pub struct Sigma(pub(crate) [u8; 32]);

impl Sigma {
    /// The bytes, for the restricted annex of the archive.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Sigma {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl VerifiedSeal {
    /// Puts leaf shares together that were released, and rebuilds the header from the result (PROTOCOL 2.2, acceptance).
    /// In variable time: by then everybody can.
    ///
    /// # Errors
    /// [`Error::NotSatisfied`] if shares are missing; [`Error::Opening`], the bidder's fault, if the
    /// header does not rebuild. Board shares must have been verified before: then no one else can
    /// be at fault.
    pub fn recover(
        &self,
        shares: &[(String, Zeroizing<[u8; 32]>)],
        boards: &[&Board],
    ) -> Result<Sigma> {
        let mut plain: Vec<(&str, [u8; 32])> = shares
            .iter()
            .map(|(path, share)| (path.as_str(), **share))
            .collect();
        let sigma = sharing::combine(self.policy(), &plain);
        plain.iter_mut().for_each(|(_, share)| share.zeroize());
        let sigma = *sigma.ok_or(Error::NotSatisfied)?;
        self.rebuild_as(Secrecy::Opened, sigma, boards)
    }

    /// Rebuilds the header from a secret given whole, as its bidder does, who keeps it.
    ///
    /// # Errors
    /// As [`VerifiedSeal::recover`].
    pub fn rebuild(&self, sigma: [u8; 32], boards: &[&Board]) -> Result<Sigma> {
        self.rebuild_as(Secrecy::Secret, sigma, boards)
    }

    fn rebuild_as(&self, secrecy: Secrecy, sigma: [u8; 32], boards: &[&Board]) -> Result<Sigma> {
        let sigma = Sigma(sigma);
        let known = (&sigma.0, secrecy);
        let certificates = self.all_certificates();
        let chains: Vec<_> = self.chains.iter().collect();
        let keys = Keys {
            boards,
            certificates: &certificates,
            chains: &chains,
        };
        let built = build_header(self.suite, known, self.context(), self.policy(), &keys);
        let (header, _) = match built {
            Ok(built) => built,
            Err(e @ Error::UnknownKey { .. }) => return Err(e),
            Err(_) => {
                return Err(Error::Opening {
                    what: "header cannot be rebuilt",
                });
            }
        };
        if header == self.record.header {
            Ok(sigma)
        } else {
            Err(Error::Opening {
                what: "header does not rebuild from the secret",
            })
        }
    }
}

/// The body's cipher for σ and C.
pub(crate) fn body_cipher(suite: &Suite, sigma: &[u8; 32], c: &Digest) -> Result<BodyCipher> {
    let mut key = Zeroizing::new(vec![0; suite.body_key_len()]);
    suite.kdf(sigma, "body", c.as_bytes(), &mut key);
    let mut salt = [0; SALT];
    suite.kdf(sigma, "salt", c.as_bytes(), &mut salt);
    BodyCipher::new(suite, &key, &salt, c.as_bytes())
}

/// Takes the content of a bid as it is decrypted. Nothing of it is final before `finish`: whoever
/// writes files writes them under temporary names until then, and drops them on any error.
pub trait PlainSink {
    /// A file starts; `path` has passed [`crate::check_path`].
    ///
    /// # Errors
    /// Ends the opening.
    fn begin_file(&mut self, path: &str, size: u64) -> std::io::Result<()>;
    /// The file's next bytes.
    ///
    /// # Errors
    /// Ends the opening.
    fn write(&mut self, data: &[u8]) -> std::io::Result<()>;
    /// The file is complete; whether it is the manifest's is known at `finish`.
    ///
    /// # Errors
    /// Ends the opening.
    fn end_file(&mut self) -> std::io::Result<()>;
    /// A file that an interrupted opening began goes on at `offset`; what was written behind that is
    /// dropped, the files before it are complete.
    ///
    /// # Errors
    /// Ends the opening; a sink that keeps no journal has nothing to go on with.
    fn resume_file(&mut self, path: &str, size: u64, offset: u64) -> std::io::Result<()> {
        let _ = (path, size, offset);
        Err(std::io::ErrorKind::Unsupported.into())
    }
    /// A round is done: what was written so far, and then this line of the journal, may be made
    /// durable, in that order. Sinks that keep no journal ignore it.
    ///
    /// # Errors
    /// Ends the opening.
    fn note(&mut self, line: &[u8]) -> std::io::Result<()> {
        let _ = line;
        Ok(())
    }
    /// The lines that an interrupted opening left ([`PlainSink::note`]), for
    /// [`open_body_resuming`]; sinks that keep no journal have none.
    ///
    /// # Errors
    /// Ends the opening.
    fn left_over(&mut self) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
    /// What was left over is of no use: drops it, all files included.
    ///
    /// # Errors
    /// Ends the opening.
    fn start_over(&mut self) -> std::io::Result<()> {
        Ok(())
    }
    /// Everything passed: final chunk, padding, root, manifest signature, hashes.
    ///
    /// # Errors
    /// Ends the opening.
    fn finish(&mut self, manifest: &Manifest) -> std::io::Result<()>;
}

/// Takes nothing: for those who only verify.
pub struct NoSink;

impl PlainSink for NoSink {
    fn begin_file(&mut self, _: &str, _: u64) -> std::io::Result<()> {
        Ok(())
    }
    fn write(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn end_file(&mut self) -> std::io::Result<()> {
        Ok(())
    }
    fn finish(&mut self, _: &Manifest) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Checked<'a> {
    pub(crate) seal: &'a VerifiedSeal,
    pub(crate) sink: &'a mut dyn PlainSink,
    /// Where the manifest's signature is put off to, by who verifies it before the bid counts as opened.
    pub(crate) later: Option<Vec<cms::PutOff>>,
}

/// What is said of a manifest whose signature is wrong.
pub(crate) const MANIFEST_SIGNATURE: &str = "manifest signature does not verify";

impl TarSink for Checked<'_> {
    fn manifest(&mut self, bytes: &[u8], signature: &[u8]) -> Result<Manifest> {
        let bad = |what| Error::Opening { what };
        let suite = self.seal.suite;
        // Its certificates are those of the seal, nearly always.
        let seen = self.seal.all_certificates().into_iter().collect();
        let signed = match &mut self.later {
            None => cms::verify_detached_seen(signature, bytes, suite, &seen),
            Some(later) => {
                let read = cms::verify_detached_later(signature, bytes, suite, &seen);
                read.map(|(signed, off)| {
                    later.extend(off);
                    signed
                })
            }
        };
        let signed = signed.map_err(|_| bad(MANIFEST_SIGNATURE))?;
        if signed.certificate.fingerprint(suite.hash()) != self.seal.context().bidder_cert {
            return Err(bad("manifest is signed by another certificate"));
        }
        let manifest =
            Manifest::parse(bytes).map_err(|_| bad("manifest is not in the one form"))?;
        if manifest.context != self.seal.c {
            return Err(bad("manifest is of another context"));
        }
        Ok(manifest)
    }
    fn begin_file(&mut self, path: &str, size: u64) -> Result<()> {
        self.sink
            .begin_file(path, size)
            .map_err(Error::io("writing the content"))
    }
    fn write(&mut self, data: &[u8]) -> Result<()> {
        self.sink
            .write(data)
            .map_err(Error::io("writing the content"))
    }
    fn end_file(&mut self) -> Result<()> {
        self.sink
            .end_file()
            .map_err(Error::io("writing the content"))
    }
    fn go_on_file(&mut self, path: &str, size: u64, offset: u64) -> Result<()> {
        self.sink
            .resume_file(path, size, offset)
            .map_err(Error::io("going on with the content"))
    }
    fn note(&mut self, line: &[u8]) -> Result<()> {
        self.sink
            .note(line)
            .map_err(Error::io("writing the journal of the opening"))
    }
}

/// Decrypts the body in `file` (the whole `*.bid`) to `sink` and checks all of it; returns the
/// manifest and the suite hash of its bytes.
///
/// # Errors
/// [`Error::BodyRoot`] if the body is not the signed one (checked over the whole body first, so that
/// storage faults are not charged to the bidder); [`Error::Opening`] if it is, and opens to something
/// malformed; reading and writing errors.
pub fn open_body<R: Read + Seek + ?Sized>(
    file: &mut R,
    seal: &VerifiedSeal,
    sigma: &Sigma,
    sink: &mut dyn PlainSink,
) -> Result<(Manifest, Digest)> {
    open_body_with(file, seal, sigma, sink, crate::WORKERS)
}

/// As [`open_body`], on up to `workers` threads; takes 30 MiB of memory, whatever the sizes.
///
/// # Errors
/// As [`open_body`].
pub fn open_body_with<R: Read + Seek + ?Sized>(
    file: &mut R,
    seal: &VerifiedSeal,
    sigma: &Sigma,
    sink: &mut dyn PlainSink,
    workers: usize,
) -> Result<(Manifest, Digest)> {
    open(file, seal, sigma, sink, workers, None)
}

/// As [`open_body_with`], with a journal: `sink` is given its lines ([`PlainSink::note`]), and after
/// an interruption `journal` is what of them was kept. The rounds that it tells of are neither read
/// nor decrypted again; that their files are what was written then is the sink's to keep.
///
/// # Errors
/// As [`open_body`]; [`Error::Journal`] if the journal is of another seal: begin anew, without it.
pub fn open_body_resuming<R: Read + Seek + ?Sized>(
    file: &mut R,
    seal: &VerifiedSeal,
    sigma: &Sigma,
    sink: &mut dyn PlainSink,
    workers: usize,
    journal: &[u8],
) -> Result<(Manifest, Digest)> {
    open(file, seal, sigma, sink, workers, Some(journal))
}

fn open<R: Read + Seek + ?Sized>(
    mut file: &mut R,
    seal: &VerifiedSeal,
    sigma: &Sigma,
    sink: &mut dyn PlainSink,
    workers: usize,
    journal: Option<&[u8]>,
) -> Result<(Manifest, Digest)> {
    let body_at = seal.seek_body(file)?;
    let cipher = body_cipher(seal.suite, &sigma.0, &seal.c)?;
    let alg = seal.suite.hash();
    let len = seal.body_len();
    let plain = plain_len(len).ok_or(Error::BodyLength { found: len })?;
    let mut checked = Checked {
        seal,
        sink,
        later: None,
    };
    let mut reader = Reader::new(plain, read_window(alg, plain), &mut checked);
    let mut from = ReadFrom::default();
    if let Some(journal) = journal {
        let what = seal
            .suite
            .h_tag("journal", &[seal.id().as_bytes(), seal.root().as_bytes()]);
        let (mut writer, done) = journal::Writer::resume(seal.suite, &what, journal)?;
        if done.rounds > 0 {
            from = go_on((&mut *file, body_at), &cipher, &done, &mut reader)?;
            file.seek(SeekFrom::Start(body_at + round_end(from.rounds)))
                .map_err(Error::io("reading the body"))?;
        } else if journal.is_empty() {
            let line = writer.line(0)?;
            reader.note_line(&line)?;
        }
        reader.keep(writer);
    }
    let (root, outcome) = read_body(&mut file, len, &cipher, alg, workers, &mut reader, &from)?;
    if root != seal.root() {
        return Err(Error::BodyRoot);
    }
    outcome?;
    let (manifest, bytes) = reader.finish(workers)?;
    checked
        .sink
        .finish(&manifest)
        .map_err(Error::io("writing the content"))?;
    Ok((manifest, alg.digest(&bytes)))
}

/// Puts the reader where an interrupted opening stood; says where the body goes on.
fn go_on<R: Read + Seek + ?Sized>(
    (file, body_at): (&mut R, u64),
    cipher: &BodyCipher,
    done: &journal::Done,
    reader: &mut Reader<'_>,
) -> Result<ReadFrom> {
    let wrong = || Error::Journal { what: "rounds" };
    let reading = Error::io("reading the body");
    let plain_at = done.rounds.checked_mul(ROUND_PLAIN).ok_or_else(wrong)?;
    let place = place_of(&done.seen, plain_at).ok_or_else(wrong)?;
    // The open block of the file is decrypted once more: its beginning was written, not hashed.
    let open = place.offset % crate::BLOCK as u64;
    let first = (plain_at - open) / CHUNK as u64;
    let chunks = plain_at / CHUNK as u64 - first;
    file.seek(SeekFrom::Start(
        body_at + PREFIX as u64 + first * SEALED_CHUNK as u64,
    ))
    .map_err(&reading)?;
    // At most a block and a chunk.
    let mut sealed = Zeroizing::new(vec![0; chunks as usize * SEALED_CHUNK]);
    file.read_exact(&mut sealed).map_err(&reading)?;
    cipher.open_chunks(first, &mut sealed)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(chunks as usize * CHUNK));
    for chunk in sealed.chunks(SEALED_CHUNK) {
        plain.extend_from_slice(&chunk[..CHUNK]);
    }
    let tail = &plain[plain.len() - open as usize..];
    reader.go_on(&done.seen, &place, &done.files, tail)?;
    let hashed = done.body.len() as u64 * crate::BLOCK as u64;
    let pending = round_end(done.rounds)
        .checked_sub(hashed)
        .filter(|len| *len < crate::BLOCK as u64)
        .ok_or_else(wrong)?;
    let mut tail = vec![0; pending as usize];
    file.seek(SeekFrom::Start(body_at + hashed))
        .map_err(&reading)?;
    file.read_exact(&mut tail).map_err(&reading)?;
    Ok(ReadFrom {
        rounds: done.rounds,
        leaves: done.body.clone(),
        tail,
    })
}
