//! Sealing: files, prices and declarations into one `*.bid`.

mod resume;

pub use resume::seal_resuming;

use crate::body::BodyCipher;
use crate::journal::Signed;
use crate::leaf::{Keys, LeafShares, Secrecy, build_header};
use crate::manifest::{
    Declarations, DetailLine, FileEntry, MANIFEST_CMS_NAME, MANIFEST_NAME, Manifest, Opening,
};
use crate::open::body_cipher;
use crate::record::{END_MAGIC, MAGIC, SealRecord, Trailer};
use crate::stream::{BodyWriter, Out};
use crate::{BLOCK, Context, Error, Result, body, context_digest, identity, tar};
use mifeng_crypto::{Digest, Entropy, Suite, Time, jcs};
use mifeng_lock::tlock::Chain;
use mifeng_lock::{Board, Policy, sharing};
use mifeng_pki::{Certificate, Signer, cms};
use std::io::{Read, Write};
use zeroize::{Zeroize, Zeroizing};

/// Bytes read from a file at once; progress is told as often.
const READ_LEN: u64 = 1 << 20;

/// A file to be sealed; read once, and what was read is what is hashed and sealed.
pub trait FileSource {
    /// Its path in the bid, as [`crate::check_path`] wants it.
    fn path(&self) -> &str;
    /// Its size in bytes.
    fn size(&self) -> u64;
    /// A reader from its start.
    ///
    /// # Errors
    /// Those of the file system.
    fn open(&self) -> std::io::Result<Box<dyn Read + '_>>;
    /// A reader from `offset` on, for a sealing that goes on.
    ///
    /// # Errors
    /// Those of the file system.
    fn open_at(&self, offset: u64) -> std::io::Result<Box<dyn Read + '_>> {
        let mut reader = self.open()?;
        std::io::copy(&mut (&mut reader).take(offset), &mut std::io::sink())?;
        Ok(reader)
    }
    /// Changes whenever the file does, as its time of change: an interrupted sealing goes on only
    /// over the same files.
    fn stamp(&self) -> u64 {
        0
    }
    /// Whether size and stamp are still what they were; asked when the file was read to its end.
    ///
    /// # Errors
    /// Those of the file system.
    fn unchanged(&self) -> std::io::Result<bool> {
        Ok(true)
    }
}

/// A file in memory.
pub struct MemoryFile {
    /// Its path in the bid.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

impl FileSource for MemoryFile {
    fn path(&self) -> &str {
        &self.path
    }
    fn size(&self) -> u64 {
        self.content.len() as u64
    }
    fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.content[..]))
    }
}

/// What is sealed, for whom and by whom.
pub struct Inputs<'a> {
    /// The notice's suite.
    pub suite: &'static Suite,
    /// What the seal is for; the certificate in it is the signer's.
    pub context: Context,
    /// The notice's policy with the bidder's encryption certificate resolved.
    pub policy: Policy,
    /// The boards that the policy names.
    pub boards: &'a [&'a Board],
    /// The chains that the policy's clocks name, but for quicknet, which is built in.
    pub chains: &'a [&'a Chain],
    /// The certificate that the bidder's leaf is sealed to (the signer's own, if there is one pair).
    pub encryption: &'a Certificate,
    /// The bidder's signing key.
    pub signer: &'a dyn Signer,
    /// The time that both signatures state.
    pub signing_time: Time,
    /// The files, in any order.
    pub files: Vec<Box<dyn FileSource + 'a>>,
    /// The opening list.
    pub opening: Opening,
    /// The declarations.
    pub declarations: Declarations,
    /// The price detail.
    pub detail: Vec<DetailLine>,
    /// Threads; memory is 18 MiB whatever their number.
    pub workers: usize,
}

/// How far sealing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the files that were read.
    pub done: u64,
    /// Bytes of all files.
    pub total: u64,
}

/// What a sealing leaves behind besides the file.
pub struct Sealed {
    /// What the log will keep.
    pub record: SealRecord,
    /// `H_tag("header", header)`.
    pub id: Digest,
    /// The bidder's own leaf shares by path: its backup against a lost token. Useless alone under
    /// `joint`, the whole secret under `bidder`.
    pub backup: Vec<(String, sharing::Secret)>,
    /// The first 8 bytes of the hash of its record, signature and all.
    pub fingerprint: [u8; 8],
}

/// Seals a bid and writes the file to `out`.
///
/// # Errors
/// What is wrong with the inputs; [`Error::FileChanged`]; errors of the signer, of reading and writing.
pub fn seal(
    inputs: &Inputs<'_>,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed> {
    let sigma = draw_sigma(inputs, entropy)?;
    seal_with_sigma(inputs, &sigma, out, progress)
}

/// Draws the secret of a new seal: random and mixed with a signature by the bidder's key, so that a
/// broken random generator alone does not give it away (PROTOCOL 2.4).
///
/// # Errors
/// Those of the signer and of the entropy source.
pub fn draw_sigma(inputs: &Inputs<'_>, entropy: &mut dyn Entropy) -> Result<Zeroizing<[u8; 32]>> {
    let c = context_digest(inputs.suite, &inputs.context, &inputs.policy)?;
    let mut random = Zeroizing::new([0; 32]);
    entropy.fill(&mut random[..])?;
    let message = [b"mifeng/v1/sigma\0", &c.as_bytes()[..]].concat();
    let mut signature = identity::sign(inputs.signer, &message)?;
    let sigma = inputs.suite.h_tag("sigma", &[&random[..], &signature]);
    signature.zeroize();
    Ok(Zeroizing::new(*sigma.as_bytes()))
}

/// As [`seal`] with a given secret: for test vectors, and for a secret from [`draw_sigma`].
///
/// # Errors
/// As [`seal`].
pub fn seal_with_sigma(
    inputs: &Inputs<'_>,
    sigma: &[u8; 32],
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed> {
    let plan = Plan::new(inputs, sigma)?;
    let mut out = Out::Plain(out);
    out.write(&plan.front())?;
    let mut body = plan.writer(inputs, out);
    body.start()?;
    plan.seal(inputs, body, (0, None), progress)
}

/// All that is known before the first byte is encrypted.
struct Plan<'a> {
    c: Digest,
    header: Vec<u8>,
    shares: LeafShares,
    cipher: BodyCipher,
    /// The files in the order of their paths, each with its place in the caller's list.
    files: Vec<(usize, &'a dyn FileSource)>,
    /// The files' hashes still to come.
    manifest: Manifest,
    /// Bytes of all files.
    size: u64,
    /// Bytes of the plaintext.
    padded: u64,
    body_len: u64,
}

impl<'a> Plan<'a> {
    fn new(inputs: &'a Inputs<'_>, sigma: &[u8; 32]) -> Result<Self> {
        let (suite, alg) = (inputs.suite, inputs.suite.hash());
        inputs.context.check()?;
        let own = inputs.signer.certificate();
        if own.fingerprint(alg) != inputs.context.bidder_cert {
            return Err(Error::Mismatch {
                what: "signer's certificate",
            });
        }
        let c = context_digest(suite, &inputs.context, &inputs.policy)?;
        let certificates = [inputs.encryption, own];
        let keys = Keys {
            boards: inputs.boards,
            certificates: &certificates,
            chains: inputs.chains,
        };
        let (header, shares) = build_header(
            suite,
            (sigma, Secrecy::Secret),
            &inputs.context,
            &inputs.policy,
            &keys,
        )?;
        let mut files: Vec<(usize, &dyn FileSource)> = inputs
            .files
            .iter()
            .map(|file| &**file as &dyn FileSource)
            .enumerate()
            .collect();
        files.sort_by(|a, b| a.1.path().as_bytes().cmp(b.1.path().as_bytes()));
        // Saturating: a sum that large is refused below as a bid too big.
        let size = files
            .iter()
            .fold(0u64, |sum, (_, file)| sum.saturating_add(file.size()));
        let too_big = || Error::Limit {
            what: "bid size",
            limit: body::PLAIN_LEN_MAX,
            found: size,
        };
        if size > body::PLAIN_LEN_MAX {
            return Err(too_big());
        }
        let manifest = manifest(inputs, &c, &files)?;
        // A digest has one length whatever it is, so the manifest's length is known by now.
        let padded = tar::padded(manifest.to_bytes()?.len() as u64, &manifest.files)
            .filter(|padded| *padded <= body::PLAIN_LEN_MAX)
            .ok_or_else(too_big)?;
        let body_len = body::sealed_len(padded).ok_or_else(too_big)?;
        Ok(Plan {
            cipher: body_cipher(suite, sigma, &c)?,
            c,
            header,
            shares,
            files,
            manifest,
            size,
            padded,
            body_len,
        })
    }

    /// What stands before the body.
    fn front(&self) -> Vec<u8> {
        let len = self.body_len.to_be_bytes();
        [MAGIC, &len32(&self.header)[..], &self.header, &len].concat()
    }

    /// Where the ciphertext ends in the file.
    fn end(&self) -> u64 {
        self.front().len() as u64 + self.body_len
    }

    fn writer<'w>(&'w self, inputs: &Inputs<'_>, out: Out<'w>) -> BodyWriter<'w> {
        let alg = inputs.suite.hash();
        BodyWriter::new(&self.cipher, alg, out, inputs.workers, self.padded)
    }

    /// Everything after the first `done` bytes of plaintext, which `body` has behind it; `signed` is
    /// the manifest's signature if an earlier attempt made it.
    fn seal(
        &self,
        inputs: &Inputs<'_>,
        mut body: BodyWriter<'_>,
        (done, signed): (u64, Option<Signed>),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Sealed> {
        let suite = inputs.suite;
        let mut report = Progress {
            done: 0,
            total: self.size,
        };
        let mut at = 0;
        for (place, (index, file)) in self.files.iter().enumerate() {
            let header = tar::header(file.path(), file.size(), place);
            let begin = at + header.len() as u64;
            let end = begin + file.size();
            // A header has at most 1,536 bytes, so the conversion cannot cut.
            if let Some(rest) = header.get(done.saturating_sub(at).min(begin - at) as usize..) {
                body.write(rest)?;
            }
            let offset = done.saturating_sub(begin).min(file.size());
            report.done += offset;
            if done <= end {
                read_file(&mut body, (*index, *file), offset, &mut |read| {
                    report.done += read as u64;
                    progress(report);
                })?;
            }
            at = end + tar::gap(file.size()) as u64;
            zeros(&mut body, at.saturating_sub(done.max(end)))?;
        }
        let mut manifest = self.manifest.clone();
        for (entry, root) in manifest.files.iter_mut().zip(body.file_roots()?) {
            entry.hash = root;
        }
        let manifest = manifest.to_bytes()?;
        let (inner, new) = inner_signature(inputs, &manifest, signed)?;
        let mut body = body.end_files(new)?;
        for (name, content) in [(MANIFEST_NAME, &manifest), (MANIFEST_CMS_NAME, &inner)] {
            let len = content.len() as u64;
            let (header, gap) = (tar::header(name, len, 0), tar::gap(len) as u64);
            body.write(&header)?;
            body.write(content)?;
            zeros(&mut body, gap)?;
            at += header.len() as u64 + len + gap;
        }
        // The two zero blocks that end the tar are zeros like the padding; `padded` has room for both.
        zeros(&mut body, self.padded.saturating_sub(at))?;
        let (mut out, root) = body.finish()?;
        let id = suite.h_tag("header", &[&self.header]);
        let trailer = Trailer {
            block: BLOCK as u64,
            body_len: self.body_len,
            header: id,
            root,
            v: 1,
        };
        let trailer = jcs::to_vec(&trailer)?;
        let signer = identity::Carrying::new(inputs.signer, Some(inputs.encryption));
        let outer = sign(&signer, inputs, &trailer)?;
        let record = SealRecord::new(self.header.clone(), trailer, outer)?;
        for part in [record.trailer(), record.cms()] {
            out.write(&len32(part))?;
            out.write(part)?;
        }
        out.write(&record.total_len(self.body_len).to_be_bytes())?;
        out.write(END_MAGIC)?;
        out.flush()?;
        let fingerprint = record.fingerprint(suite.hash());
        Ok(Sealed {
            record,
            id,
            backup: self.backup(inputs),
            fingerprint,
        })
    }

    /// The shares of the leaves that are sealed to the bidder itself.
    fn backup(&self, inputs: &Inputs<'_>) -> LeafShares {
        let own = inputs.encryption.fingerprint(inputs.suite.hash());
        let own = mifeng_lock::Leaf::Cert(own);
        let leaves = inputs.policy.leaves();
        self.shares
            .iter()
            .zip(leaves)
            .filter(|(_, (_, leaf))| *leaf == own)
            .map(|((path, share), _)| (path.clone(), share.clone()))
            .collect()
    }
}

/// The manifest's signature: the one that was noted, or a new one to be noted before it is encrypted.
fn inner_signature(
    inputs: &Inputs<'_>,
    manifest: &[u8],
    noted: Option<Signed>,
) -> Result<(Vec<u8>, Option<Signed>)> {
    let wrong = || Error::Journal {
        what: "signature of another manifest",
    };
    let hash = inputs.suite.hash().digest(manifest);
    if let Some(noted) = noted {
        if noted.manifest != hash {
            return Err(wrong());
        }
        return Ok((hex::decode(&noted.cms).map_err(|_| wrong())?, None));
    }
    let inner = sign(inputs.signer, inputs, manifest)?;
    if inner.len() > tar::CMS_LEN_MAX {
        return Err(Error::Limit {
            what: "manifest signature",
            limit: tar::CMS_LEN_MAX as u64,
            found: inner.len() as u64,
        });
    }
    let signed = Signed {
        cms: hex::encode(&inner),
        manifest: hash,
    };
    Ok((inner, Some(signed)))
}

fn sign(signer: &dyn Signer, inputs: &Inputs<'_>, content: &[u8]) -> Result<Vec<u8>> {
    let profile = cms::Profile::of(inputs.suite);
    Ok(cms::sign_detached(
        signer,
        content,
        inputs.signing_time,
        profile,
    )?)
}

fn len32(part: &[u8]) -> [u8; 4] {
    // The limits of `SealRecord::new` keep every part far below 2^32.
    (part.len() as u32).to_be_bytes()
}

fn zeros(body: &mut BodyWriter<'_>, mut len: u64) -> Result<()> {
    const ZEROS: [u8; 16_384] = [0; 16_384];
    while len > 0 {
        // At most the constant's length, so the conversion cannot cut.
        let take = len.min(ZEROS.len() as u64) as usize;
        body.write(&ZEROS[..take])?;
        len -= take as u64;
    }
    Ok(())
}

/// The manifest, its files' hashes still to come.
fn manifest(
    inputs: &Inputs<'_>,
    c: &Digest,
    files: &[(usize, &dyn FileSource)],
) -> Result<Manifest> {
    let entry = |(_, file): &(usize, &dyn FileSource)| FileEntry {
        hash: Digest::from_bytes([0; 32]),
        path: file.path().to_owned(),
        size: file.size(),
    };
    let manifest = Manifest {
        context: *c,
        declarations: inputs.declarations.clone(),
        detail: inputs.detail.clone(),
        files: files.iter().map(entry).collect(),
        opening: inputs.opening.clone(),
        v: 1,
    };
    manifest.check()?;
    Ok(manifest)
}

/// Reads exactly the stated size from `offset` on, encrypting and hashing what is read; anything else is a changed file.
fn read_file(
    body: &mut BodyWriter<'_>,
    (index, file): (usize, &dyn FileSource),
    offset: u64,
    progress: &mut dyn FnMut(usize),
) -> Result<()> {
    let changed = Error::FileChanged { index };
    let mut reader = match offset {
        0 => file.open(),
        _ => file.open_at(offset),
    }
    .map_err(Error::io("reading a file of the bid"))?;
    let mut left = file.size() - offset;
    while left > 0 {
        let read = body.read(&mut *reader, left.min(READ_LEN))?;
        if read == 0 {
            return Err(changed);
        }
        left -= read as u64;
        progress(read);
    }
    let end = reader
        .read(&mut [0])
        .map_err(Error::io("reading a file of the bid"))?;
    let unchanged = file.unchanged();
    if end != 0 || !unchanged.map_err(Error::io("reading a file of the bid"))? {
        return Err(changed);
    }
    body.end_file();
    Ok(())
}
