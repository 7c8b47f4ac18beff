//! FullIdent of Boneh and Franklin (SIAM J. Computing 32, 2003, section 4.2) over sixteen bytes, as drand's tlock
//! has it: `U = r·P`, `V = σ xor H2(e(H(round), key)^r)`, `W = m xor H4(σ)` with `r = H3(σ, m)`.

use zeroize::Zeroizing;

#[cfg(feature = "tlock")]
use super::curve;
use super::{Chain, VerifiedBeacon};
#[cfg(feature = "tlock")]
use crate::Error;
use crate::Result;
#[cfg(feature = "tlock")]
use mifeng_crypto::HashAlg;
#[cfg(feature = "tlock")]
use subtle::ConstantTimeEq;

/// Bytes that are sealed: the file key of an age file, or half a key of ours.
pub const BLOCK_BYTES: usize = 16;

/// Sixteen bytes that are wiped.
pub type Block = Zeroizing<[u8; BLOCK_BYTES]>;

/// Seals `m` to a round with the randomness `sigma`: `U ‖ V ‖ W`, 128 bytes for a chain with short signatures.
///
/// # Errors
/// For a round out of range or a chained scheme; [`crate::Error::Unsupported`] without the feature `tlock`.
#[cfg(feature = "tlock")]
pub fn seal(
    chain: &Chain,
    round: u64,
    m: &[u8; BLOCK_BYTES],
    sigma: &[u8; BLOCK_BYTES],
) -> Result<Vec<u8>> {
    super::check_round(round)?;
    refuse_chained(chain)?;
    let r = h3(sigma, m)?;
    let message = super::message(round);
    let (mut out, pair) =
        curve::encapsulate(chain.record.scheme, &chain.key, message.as_bytes(), &r)?;
    out.extend_from_slice(&xor(sigma, &h2(&pair[..]))[..]);
    out.extend_from_slice(&xor(m, &h4(sigma))[..]);
    Ok(out)
}

/// Opens `U ‖ V ‖ W` with the beacon of its round, and checks that `U` follows from what came out.
///
/// # Errors
/// [`crate::Error::Beacon`] for a beacon of another chain; [`crate::Error::TimelockCiphertext`] for a ciphertext that
/// was not made by the rules or for another round; encoding errors.
#[cfg(feature = "tlock")]
pub fn open(chain: &Chain, beacon: &VerifiedBeacon, sealed: &[u8]) -> Result<Block> {
    Ok(open_both(chain, beacon, sealed)?.0)
}

/// As [`open()`], for a reader that makes the ciphertext again: the randomness σ.
///
/// # Errors
/// As [`open()`].
#[cfg(feature = "tlock")]
pub fn recover_sigma(chain: &Chain, beacon: &VerifiedBeacon, sealed: &[u8]) -> Result<Block> {
    Ok(open_both(chain, beacon, sealed)?.1)
}

#[cfg(feature = "tlock")]
fn open_both(chain: &Chain, beacon: &VerifiedBeacon, sealed: &[u8]) -> Result<(Block, Block)> {
    refuse_chained(chain)?;
    if beacon.chain != chain.hash {
        return Err(Error::Beacon {
            round: beacon.round,
            what: "it is of another chain",
        });
    }
    let scheme = chain.record.scheme;
    let expected = scheme.key_bytes() + 2 * BLOCK_BYTES;
    if sealed.len() != expected {
        return Err(Error::Length {
            what: "timelock ciphertext",
            expected,
            found: sealed.len(),
        });
    }
    let (u, blocks) = sealed.split_at(scheme.key_bytes());
    let (mut v, mut w) = ([0; BLOCK_BYTES], [0; BLOCK_BYTES]);
    v.copy_from_slice(&blocks[..BLOCK_BYTES]);
    w.copy_from_slice(&blocks[BLOCK_BYTES..]);
    let pair = curve::decapsulate(scheme, &beacon.signature, u)?;
    let sigma = xor(&v, &h2(&pair[..]));
    let m = xor(&w, &h4(&sigma));
    let again = curve::nonce_point(scheme, &*h3(&sigma, &m)?)?;
    if bool::from(again.ct_eq(u)) {
        Ok((m, sigma))
    } else {
        Err(Error::TimelockCiphertext)
    }
}

/// The serialised pairing of the generators and its H2: what tests compare with other makers' values.
///
/// # Errors
/// Never; the signature follows the arithmetic.
#[cfg(feature = "tlock")]
pub fn pairing_hash() -> Result<(Vec<u8>, [u8; BLOCK_BYTES])> {
    let pair = curve::generators()?;
    Ok((pair.to_vec(), *h2(&pair[..])))
}

#[cfg(feature = "tlock")]
fn refuse_chained(chain: &Chain) -> Result<()> {
    if chain.record.scheme == super::Scheme::G2Chained {
        return Err(Error::Chain {
            what: "chained rounds cannot be sealed to",
        });
    }
    Ok(())
}

#[cfg(feature = "tlock")]
fn first(digest: mifeng_crypto::Digest) -> Block {
    let mut out = Block::default();
    out.copy_from_slice(&digest.as_bytes()[..BLOCK_BYTES]);
    out
}

#[cfg(feature = "tlock")]
fn h2(pair: &[u8]) -> Block {
    first(HashAlg::Sha256.digest_parts(&[b"IBE-H2", pair]))
}

#[cfg(feature = "tlock")]
fn h4(sigma: &[u8; BLOCK_BYTES]) -> Block {
    first(HashAlg::Sha256.digest_parts(&[b"IBE-H4", sigma]))
}

/// The group order of BLS12-381, big-endian.
#[cfg(feature = "tlock")]
const ORDER: [u8; 32] = [
    0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08, 0x09, 0xa1, 0xd8, 0x05,
    0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
];

// Each try succeeds with probability above 9/10; whether it does says nothing about what is sealed.
#[cfg(feature = "tlock")]
fn h3(sigma: &[u8; BLOCK_BYTES], m: &[u8; BLOCK_BYTES]) -> Result<Zeroizing<[u8; 32]>> {
    let seed = HashAlg::Sha256.digest_parts(&[b"IBE-H3", sigma, m]);
    let seed = Zeroizing::new(*seed.as_bytes());
    for i in 1..u16::MAX {
        let try_ = HashAlg::Sha256.digest_parts(&[&i.to_le_bytes(), &seed[..]]);
        let mut r = Zeroizing::new(*try_.as_bytes());
        r[0] >>= 1;
        if *r < ORDER && *r != [0; 32] {
            return Ok(r);
        }
    }
    Err(Error::Malformed {
        what: "timelock randomness",
    })
}

#[cfg(feature = "tlock")]
fn xor(a: &[u8; BLOCK_BYTES], b: &[u8; BLOCK_BYTES]) -> Block {
    let mut out = Zeroizing::new(*a);
    out.iter_mut().zip(b).for_each(|(out, b)| *out ^= b);
    out
}

/// See the version with the feature `tlock`.
///
/// # Errors
/// Always [`crate::Error::Unsupported`].
#[cfg(not(feature = "tlock"))]
pub fn seal(_: &Chain, _: u64, _: &[u8; BLOCK_BYTES], _: &[u8; BLOCK_BYTES]) -> Result<Vec<u8>> {
    Err(super::NOT_BUILT)
}

/// See the version with the feature `tlock`.
///
/// # Errors
/// Always [`crate::Error::Unsupported`].
#[cfg(not(feature = "tlock"))]
pub fn open(_: &Chain, _: &VerifiedBeacon, _: &[u8]) -> Result<Block> {
    Err(super::NOT_BUILT)
}
