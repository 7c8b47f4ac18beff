//! Sealing: files, prices and declarations into one `*.bid`.

use crate::leaf::{Keys, build_header};
use crate::manifest::{
    Declarations, DetailLine, FileEntry, MANIFEST_CMS_NAME, MANIFEST_NAME, Manifest, Opening,
};
use crate::open::body_cipher;
use crate::record::{END_MAGIC, MAGIC, SealRecord, Trailer};
use crate::stream::BodyWriter;
use crate::{BLOCK, Context, Error, Result, body, context_digest, identity, tar};
use mifeng_crypto::{Digest, Entropy, Suite, Time, jcs};
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
    /// Threads; memory is 30 MiB whatever their number.
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
    /// What the receipt must show, as eight words.
    pub fingerprint: [u8; 8],
}

/// Seals a bid and writes the file to `out`.
///
/// σ is random and mixed with a signature by the bidder's key, so that a broken random generator
/// alone does not give it away (PROTOCOL 2.4).
///
/// # Errors
/// What is wrong with the inputs; [`Error::FileChanged`]; errors of the signer, of reading and writing.
pub fn seal(
    inputs: &Inputs<'_>,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed> {
    let c = context_digest(inputs.suite, &inputs.context, &inputs.policy)?;
    let mut random = Zeroizing::new([0; 32]);
    entropy.fill(&mut random[..])?;
    let message = [b"mifeng/v1/sigma\0", &c.as_bytes()[..]].concat();
    let mut signature = identity::sign(inputs.signer, &message)?;
    let sigma = inputs.suite.h_tag("sigma", &[&random[..], &signature]);
    signature.zeroize();
    seal_with_sigma(inputs, &Zeroizing::new(*sigma.as_bytes()), out, progress)
}

/// As [`seal`] with a given secret: for test vectors only.
///
/// # Errors
/// As [`seal`].
pub fn seal_with_sigma(
    inputs: &Inputs<'_>,
    sigma: &[u8; 32],
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed> {
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
    };
    let (header, shares) = build_header(suite, sigma, &inputs.context, &inputs.policy, &keys)?;

    let mut files: Vec<(usize, &dyn FileSource)> = inputs
        .files
        .iter()
        .map(|file| &**file)
        .enumerate()
        .collect();
    files.sort_by(|a, b| a.1.path().as_bytes().cmp(b.1.path().as_bytes()));
    // Saturating: a sum that large is refused below as a bid too big.
    let size = files
        .iter()
        .fold(0u64, |sum, (_, file)| sum.saturating_add(file.size()));
    if size > body::PLAIN_LEN_MAX {
        return Err(Error::Limit {
            what: "bid size",
            limit: body::PLAIN_LEN_MAX,
            found: size,
        });
    }
    let mut manifest = manifest(inputs, &c, &files)?;
    // A digest has one length whatever it is, so the manifest's length is known by now.
    let padded = tar::padded(manifest.to_bytes()?.len() as u64, &manifest.files)
        .filter(|padded| *padded <= body::PLAIN_LEN_MAX)
        .ok_or(Error::Limit {
            what: "bid size",
            limit: body::PLAIN_LEN_MAX,
            found: size,
        })?;
    let body_len = body::sealed_len(padded).ok_or(Error::Limit {
        what: "bid size",
        limit: body::PLAIN_LEN_MAX,
        found: size,
    })?;

    let io = Error::io("writing the sealed file");
    put(
        out,
        &[MAGIC, &len32(&header), &header, &body_len.to_be_bytes()],
    )
    .map_err(&io)?;
    let cipher = body_cipher(suite, sigma, &c)?;
    let mut body = BodyWriter::new(&cipher, alg, out, inputs.workers, padded)?;
    let mut report = Progress {
        done: 0,
        total: size,
    };
    let mut written = 0;
    for (at, (index, file)) in files.iter().enumerate() {
        let header = tar::header(file.path(), file.size(), at);
        body.write(&header)?;
        read_file(&mut body, *file, *index, &mut |read| {
            report.done += read as u64;
            progress(report);
        })?;
        let gap = tar::gap(file.size()) as u64;
        zeros(&mut body, gap)?;
        written += header.len() as u64 + file.size() + gap;
    }
    for (entry, root) in manifest.files.iter_mut().zip(body.file_roots()?) {
        entry.hash = root;
    }
    let manifest = manifest.to_bytes()?;
    let inner = cms::sign_detached(
        inputs.signer,
        &manifest,
        inputs.signing_time,
        cms::Profile::of(suite),
    )?;
    if inner.len() > tar::CMS_LEN_MAX {
        return Err(Error::Limit {
            what: "manifest signature",
            limit: tar::CMS_LEN_MAX as u64,
            found: inner.len() as u64,
        });
    }
    for (name, content) in [(MANIFEST_NAME, &manifest), (MANIFEST_CMS_NAME, &inner)] {
        let (header, gap) = (
            tar::header(name, content.len() as u64, 0),
            tar::gap(content.len() as u64) as u64,
        );
        body.write(&header)?;
        body.write(content)?;
        zeros(&mut body, gap)?;
        written += header.len() as u64 + content.len() as u64 + gap;
    }
    // The two zero blocks that end the tar are zeros like the padding; `padded` has room for both.
    zeros(&mut body, padded.saturating_sub(written))?;
    let root = body.finish()?;

    let id = suite.h_tag("header", &[&header]);
    let trailer = Trailer {
        block: BLOCK as u64,
        body_len,
        header: id,
        root,
        v: 1,
    };
    let trailer = jcs::to_vec(&trailer)?;
    let signer = identity::Carrying::new(inputs.signer, Some(inputs.encryption));
    let outer = cms::sign_detached(
        &signer,
        &trailer,
        inputs.signing_time,
        cms::Profile::of(suite),
    )?;
    let record = SealRecord::new(header, trailer, outer)?;
    let (trailer, outer) = (record.trailer(), record.cms());
    put(out, &[&len32(trailer), trailer, &len32(outer), outer]).map_err(&io)?;
    put(out, &[&record.total_len(body_len).to_be_bytes(), END_MAGIC]).map_err(&io)?;
    out.flush().map_err(&io)?;

    let encryption = mifeng_lock::Leaf::Cert(inputs.encryption.fingerprint(alg));
    let own_paths = inputs.policy.leaves();
    let backup = shares
        .into_iter()
        .zip(own_paths)
        .filter_map(|(share, (_, leaf))| (leaf == encryption).then_some(share))
        .collect();
    let fingerprint = record.fingerprint(alg);
    Ok(Sealed {
        record,
        id,
        backup,
        fingerprint,
    })
}

fn len32(part: &[u8]) -> [u8; 4] {
    // The limits of `SealRecord::new` keep every part far below 2^32.
    (part.len() as u32).to_be_bytes()
}

fn put(out: &mut dyn Write, parts: &[&[u8]]) -> std::io::Result<()> {
    parts.iter().try_for_each(|part| out.write_all(part))
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

/// Reads exactly the stated size, encrypting and hashing what is read; anything else is a changed file.
fn read_file(
    body: &mut BodyWriter<'_>,
    file: &dyn FileSource,
    index: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<()> {
    let changed = Error::FileChanged { index };
    let mut reader = file
        .open()
        .map_err(Error::io("reading a file of the bid"))?;
    let mut left = file.size();
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
    if end != 0 {
        return Err(changed);
    }
    body.end_file();
    Ok(())
}
