//! Small bids opened together, from memory: the blocks of all of them share the lanes of the hash.

use crate::body::{PREFIX, SEALED_CHUNK, TAG, plain_len};
use crate::manifest::Manifest;
use crate::open::{Checked, MANIFEST_SIGNATURE, NoSink, Sigma, body_cipher};
use crate::root::{BLOCK, leaf_hashes};
use crate::stream::{PlainReader, ROUND_PLAIN, read_window_in};
use crate::tar::Reader;
use crate::verify::VerifiedSeal;
use crate::{Error, Result};
use mifeng_crypto::{Digest, HashAlg, Wiped};
use mifeng_log::merkle::Frontier;
use mifeng_pki::cms::PutOff;
use std::io::Cursor;

/// A sealed bid in memory with what opens it.
pub struct InMemory<'a> {
    /// The whole `*.bid`.
    pub file: &'a [u8],
    /// Its seal.
    pub seal: &'a VerifiedSeal,
    /// Its secret.
    pub sigma: &'a Sigma,
}

/// Memory for the content of bids, used again for the next ones and wiped at the end.
#[derive(Default)]
pub struct Memory {
    windows: Vec<Wiped>,
    /// One chunk, which is decrypted and read while it is in the nearest cache.
    chunk: Wiped,
}

/// Bytes that are kept for the next bids: the content of a group of sixteen bids of a MiB.
const MEMORY_KEPT_MAX: usize = 20 << 20;

impl Memory {
    fn keep(&mut self, window: Wiped) {
        let kept: usize = self.windows.iter().map(|one| one.capacity()).sum();
        if kept + window.capacity() <= MEMORY_KEPT_MAX {
            self.windows.push(window);
        }
    }
}

/// Opens bids of one suite and checks all of each, as [`crate::open_body`] does, in one thread; keeps none of their
/// content. That one is not to be had this way is not the last word on it: open it by itself.
///
/// # Errors
/// For each bid those of [`crate::open_body`], and [`Error::BodyLength`] for a content of more than 8 MiB.
pub fn check_many(
    alg: HashAlg,
    bids: Vec<InMemory<'_>>,
    memory: &mut Memory,
) -> Vec<Result<(Manifest, Digest)>> {
    let mut sinks: Vec<NoSink> = bids.iter().map(|_| NoSink).collect();
    let of_each = bids.iter().map(|bid| bid.seal).zip(&mut sinks);
    let mut checked: Vec<Checked<'_>> = of_each
        .map(|(seal, sink)| Checked {
            seal,
            sink,
            later: Some(Vec::new()),
        })
        .collect();

    let bodies: Vec<Result<Body<'_>>> = bids.into_iter().map(Body::of).collect();
    let leaves = bodies.iter().map(|body| {
        let bytes = body.as_ref().map_or(&[][..], |body| body.bytes);
        bytes.chunks(BLOCK).collect()
    });
    let hashes = hash_all(alg, leaves.collect());

    let each = bodies.into_iter().zip(hashes).zip(&mut checked);
    let mut readers: Vec<Result<Reader<'_>>> = each
        .map(|((body, leaves), checked)| {
            let window = memory.windows.pop().unwrap_or_default();
            body?.read(alg, &leaves, (checked, window), &mut memory.chunk)
        })
        .collect();
    let leaves = readers.iter_mut().map(|reader| match reader {
        Ok(reader) => reader.window().leaves().collect(),
        Err(_) => Vec::new(),
    });
    let hashes = hash_all(alg, leaves.collect());

    let each = readers.into_iter().zip(hashes);
    let mut found: Vec<Result<(Manifest, Digest)>> = each
        .map(|(reader, leaves)| {
            let mut reader = reader?;
            reader.window().learn(leaves);
            let finished = reader.conclude(1);
            memory.keep(reader.into_memory());
            let (manifest, bytes) = finished?;
            Ok((manifest, alg.digest(&bytes)))
        })
        .collect();
    check_signatures(&checked, &mut found);
    found
}

/// The signatures of the manifests, which were put off: one that is wrong was found before all that came after it.
fn check_signatures(checked: &[Checked<'_>], found: &mut [Result<(Manifest, Digest)>]) {
    let of_each = checked.iter().map(|one| one.later.as_deref());
    let (mut places, mut all) = (Vec::new(), Vec::new());
    for (place, off) in of_each.enumerate() {
        for one in off.unwrap_or_default() {
            places.push(place);
            all.push(one);
        }
    }
    let mut verified = PutOff::verify_each(&all).into_iter();
    for place in places {
        if !matches!(verified.next(), Some(Ok(()))) {
            found[place] = Err(Error::Opening {
                what: MANIFEST_SIGNATURE,
            });
        }
    }
}

/// The hashes of the leaves of each.
fn hash_all(alg: HashAlg, leaves: Vec<Vec<&[u8]>>) -> Vec<Vec<Digest>> {
    let all = leaves.concat();
    // Neighbours share lanes if they are about as long.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|place| all[*place].len());
    let sorted: Vec<&[u8]> = order.iter().map(|place| all[*place]).collect();
    let mut hashes = vec![Digest::default(); all.len()];
    for (place, hash) in order.into_iter().zip(leaf_hashes(alg, &sorted)) {
        hashes[place] = hash;
    }
    let mut rest = hashes.into_iter();
    let own = |leaves: &Vec<_>| rest.by_ref().take(leaves.len()).collect();
    leaves.iter().map(own).collect()
}

struct Body<'a> {
    bytes: &'a [u8],
    seal: &'a VerifiedSeal,
    sigma: &'a Sigma,
    plain: u64,
}

impl<'a> Body<'a> {
    fn of(bid: InMemory<'a>) -> Result<Self> {
        let InMemory { file, seal, sigma } = bid;
        let found = seal.body_len();
        let plain = plain_len(found).filter(|plain| *plain <= ROUND_PLAIN);
        let plain = plain.ok_or(Error::BodyLength { found })?;
        let from = seal.seek_body(&mut Cursor::new(file))?;
        // Both fit: `seek_body` measured the file against them.
        let (from, len) = (from as usize, found as usize);
        let bytes = file.get(from..from + len);
        Ok(Body {
            bytes: bytes.ok_or(Error::BodyLength { found })?,
            seal,
            sigma,
            plain,
        })
    }

    /// Checks the root from the hashes of the blocks, then decrypts and reads the content.
    fn read<'r>(
        self,
        alg: HashAlg,
        leaves: &[Digest],
        (checked, window): (&'r mut Checked<'_>, Wiped),
        buffer: &mut Wiped,
    ) -> Result<Reader<'r>> {
        let mut tree = Frontier::new(alg);
        leaves.iter().for_each(|leaf| tree.append(*leaf));
        if tree.root() != self.seal.root() {
            return Err(Error::BodyRoot);
        }
        let cipher = body_cipher(
            self.seal.suite(),
            &self.sigma.0,
            &self.seal.context_digest(),
        )?;
        let wrong = Error::Opening {
            what: "salt or key commitment of the body",
        };
        let Some((prefix, chunks)) = self.bytes.split_first_chunk::<PREFIX>() else {
            return Err(wrong);
        };
        if !cipher.owns(prefix) {
            return Err(wrong);
        }
        let window = read_window_in(alg, self.plain, window);
        let mut reader = Reader::new(self.plain, window, checked);
        if buffer.is_empty() {
            *buffer = Wiped::zeros(SEALED_CHUNK);
        }
        for (number, chunk) in (0..).zip(chunks.chunks(SEALED_CHUNK)) {
            let place = &mut buffer[..chunk.len()];
            place.copy_from_slice(chunk);
            cipher.open_chunks(number, place)?;
            reader.push(&place[..chunk.len().saturating_sub(TAG)])?;
        }
        Ok(reader)
    }
}
