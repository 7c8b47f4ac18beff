//! From one secret to every byte of the header.

use crate::context::leaf_label;
use crate::{Context, Error, Result};
use mifeng_crypto::sm4::{self, Sm4, cbc};
use mifeng_crypto::{
    Curve, Digest, KeyAlg, Point, PublicKey, Scalar, Suite, hpke, jcs, oaep, sm2enc,
};
use mifeng_lock::tlock::{self, Chain, VerifiedBeacon};
use mifeng_lock::{Board, Leaf, Policy, sharing, tdh2};
use mifeng_pki::{Certificate, Decrypter};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// One leaf's ciphertext in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedLeaf {
    /// The ciphertext, lower-case hex.
    pub ct: String,
    /// Its path in the policy.
    pub path: String,
}

/// The header of a sealed bid (PROTOCOL 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Commitment to σ.
    pub com: Digest,
    /// What the seal is for.
    pub ctx: Context,
    /// The leaves in the policy's order.
    pub leaves: Vec<SealedLeaf>,
    /// The opening policy, bidder resolved.
    pub policy: Policy,
    /// Format version, 1.
    pub v: u8,
}

/// The public keys that a policy names by digest.
#[derive(Clone, Copy, Default)]
pub struct Keys<'a> {
    /// Board keys.
    pub boards: &'a [&'a Board],
    /// Encryption certificates.
    pub certificates: &'a [&'a Certificate],
    /// Beacon chains; quicknet is known without being here.
    pub chains: &'a [&'a Chain],
}

impl<'a> Keys<'a> {
    pub(crate) fn board(&self, key: &Digest) -> Result<&'a Board> {
        let found = self.boards.iter().find(|board| board.key() == *key);
        found.copied().ok_or(Error::UnknownKey { what: "board" })
    }

    pub(crate) fn chain(&self, hash: &Digest) -> Result<Cow<'a, Chain>> {
        if let Some(chain) = self.chains.iter().find(|chain| chain.hash() == *hash) {
            return Ok(Cow::Borrowed(*chain));
        }
        let quicknet = Chain::quicknet();
        if quicknet.hash() == *hash {
            return Ok(Cow::Owned(quicknet));
        }
        Err(Error::UnknownKey {
            what: "beacon chain",
        })
    }

    fn certificate(&self, suite: &Suite, digest: &Digest) -> Result<&'a Certificate> {
        let found = self
            .certificates
            .iter()
            .find(|c| c.fingerprint(suite.hash()) == *digest);
        found.copied().ok_or(Error::UnknownKey {
            what: "certificate",
        })
    }
}

/// Each leaf's path and share, in the policy's order.
pub(crate) type LeafShares = Vec<(String, sharing::Secret)>;

/// Whether σ is a secret, or what everybody can find from what was released.
#[derive(Clone, Copy)]
pub(crate) enum Secrecy {
    /// Time must not tell anything of it.
    Secret,
    /// It may.
    Opened,
}

impl Secrecy {
    fn hpke_seal(
        self,
        point: &Point,
        label: &[u8],
        first: &[u8; 32],
        share: &[u8; 32],
    ) -> Result<Vec<u8>> {
        Ok(match self {
            Secrecy::Secret => hpke::seal_derand(point, label, first, share)?,
            Secrecy::Opened => hpke::seal_opened(point, label, first, share)?,
        })
    }

    fn sm2_encrypt(self, point: &Point, k: &Scalar, message: &[u8]) -> Result<Vec<u8>> {
        Ok(match self {
            Secrecy::Secret => sm2enc::encrypt(point, k, message)?,
            Secrecy::Opened => sm2enc::encrypt_opened(point, k, message)?,
        })
    }
}

/// The header for `sigma`, as canonical bytes, and each leaf's share in the policy's order.
pub(crate) fn build_header(
    suite: &Suite,
    (sigma, secrecy): (&[u8; 32], Secrecy),
    ctx: &Context,
    policy: &Policy,
    keys: &Keys<'_>,
) -> Result<(Vec<u8>, LeafShares)> {
    let c = crate::context_digest(suite, ctx, policy)?;
    let shares = sharing::deal(policy, sigma, &c, suite);
    let mut leaves = Vec::with_capacity(shares.len());
    for ((path, share), (_, leaf)) in shares.iter().zip(policy.leaves()) {
        let label = leaf_label(&c, path, leaf)?;
        let mut rho = Zeroizing::new([0; 96]);
        let info = [&c.as_bytes()[..], path.as_bytes()].concat();
        suite.kdf(sigma, "leaf", &info, &mut rho[..]);
        let ct = match (leaf, secrecy) {
            (Leaf::Group(key), Secrecy::Opened) => {
                tdh2::encrypt_opened(keys.board(&key)?, &label, &rho, share)?.to_vec()
            }
            _ => seal_leaf(suite, secrecy, leaf, &label, &rho, share, keys)?,
        };
        leaves.push(SealedLeaf {
            ct: hex::encode(ct),
            path: path.clone(),
        });
    }
    let mut com = [0; 32];
    suite.kdf(sigma, "commit", c.as_bytes(), &mut com);
    let header = Header {
        com: Digest::from_bytes(com),
        ctx: ctx.clone(),
        leaves,
        policy: policy.clone(),
        v: 1,
    };
    Ok((jcs::to_vec(&header)?, shares))
}

fn seal_leaf(
    suite: &Suite,
    secrecy: Secrecy,
    leaf: Leaf,
    label: &[u8],
    rho: &[u8; 96],
    share: &[u8; 32],
    keys: &Keys<'_>,
) -> Result<Vec<u8>> {
    match leaf {
        Leaf::Group(key) => Ok(tdh2::encrypt(keys.board(&key)?, label, rho, share)?.to_vec()),
        Leaf::Cert(digest) => {
            let certificate = keys.certificate(suite, &digest)?;
            seal_cert_leaf(suite, secrecy, certificate, label, rho, share)
        }
        Leaf::Reveal(key) => {
            let key = keys.board(&key)?.public();
            seal_key_leaf(suite, secrecy, key, label, rho, share)
        }
        Leaf::Tlock { chain, round } => {
            seal_clock_leaf(suite, &*keys.chain(&chain)?, round, label, rho, share)
        }
        Leaf::Bidder => Err(Error::Malformed {
            what: "policy: bidder not resolved",
        }),
    }
}

/// Bits of the smallest RSA modulus a leaf is sealed to (suites.md).
const RSA_BITS_MIN: usize = 3_072;
/// Bytes of the check value in an SM2 leaf's key block: one block of SM4.
const CHECK_LEN: usize = sm4::BLOCK;
/// Bytes of the key block: kappa and its check value.
const KEY_BLOCK_LEN: usize = 32 + CHECK_LEN;

/// What a certificate leaf is sealed to.
pub(crate) enum LeafKey<'a> {
    /// SM2 encryption, in two steps (GM-FACTS 2.5).
    Sm2(&'a Point),
    /// HPKE.
    P256(&'a Point),
    /// RSAES-OAEP.
    Rsa(&'a PublicKey),
}

/// The key that a certificate leaf is sealed to.
pub(crate) fn leaf_key<'a>(suite: &Suite, certificate: &'a Certificate) -> Result<LeafKey<'a>> {
    let key = certificate.public_key();
    let found = match (key.key_alg(), key.point()) {
        (KeyAlg::Sm2, Some(point)) => (Curve::Sm2, LeafKey::Sm2(point)),
        (KeyAlg::P256, Some(point)) => (Curve::P256, LeafKey::P256(point)),
        (KeyAlg::Rsa { bits }, _) if (RSA_BITS_MIN..=oaep::RSA_BITS_MAX).contains(&bits) => {
            (Curve::P256, LeafKey::Rsa(key))
        }
        (KeyAlg::Rsa { .. }, _) => {
            return Err(Error::Unsupported {
                what: "RSA leaf outside 3,072 to 4,096 bits",
            });
        }
        _ => {
            return Err(Error::Unsupported {
                what: "leaf for this kind of key",
            });
        }
    };
    if found.0 != suite.curve() {
        return Err(Error::Mismatch {
            what: "suite of the encryption certificate",
        });
    }
    Ok(found.1)
}

pub(crate) fn seal_cert_leaf(
    suite: &Suite,
    secrecy: Secrecy,
    certificate: &Certificate,
    label: &[u8],
    rho: &[u8; 96],
    share: &[u8; 32],
) -> Result<Vec<u8>> {
    let (first, kappa) = (Zeroizing::new(part::<32>(rho, 0)), &rho[64..]);
    let mut ct = match leaf_key(suite, certificate)? {
        LeafKey::P256(point) => return secrecy.hpke_seal(point, label, &first, share),
        LeafKey::Rsa(key) => oaep::encrypt(key, kappa, &first)?,
        LeafKey::Sm2(point) => {
            let k = Scalar::reduce(Curve::Sm2, &Zeroizing::new(part::<48>(rho, 0)));
            let block_key = Zeroizing::new(part::<16>(rho, 48));
            let mut ct = secrecy.sm2_encrypt(point, &k, &block_key[..])?;
            ct.extend_from_slice(&key_block(suite, &block_key, kappa, label)[..]);
            ct
        }
    };
    ct.extend_from_slice(&wrap(suite, kappa, label, share)[..]);
    Ok(ct)
}

/// Bytes of a leaf sealed to a one-time key on P-256: `enc 65 ‖ ct 48`.
const KEY_LEAF_LEN_P256: usize = 113;
/// The same on SM2: the DER form of 32 bytes has 100 to 150, and the wrapped share follows.
const KEY_LEAF_LEN_SM2: core::ops::RangeInclusive<usize> = 132..=182;

/// Whether a ciphertext can be one sealed to a one-time key.
pub(crate) fn is_key_leaf_len(suite: &Suite, len: usize) -> bool {
    match suite.curve() {
        Curve::P256 => len == KEY_LEAF_LEN_P256,
        Curve::Sm2 => KEY_LEAF_LEN_SM2.contains(&len),
    }
}

/// Plain public-key encryption of the suite, to a key that is revealed at the opening (PROTOCOL 1.2, option A′).
fn seal_key_leaf(
    suite: &Suite,
    secrecy: Secrecy,
    point: &Point,
    label: &[u8],
    rho: &[u8; 96],
    share: &[u8; 32],
) -> Result<Vec<u8>> {
    let kappa = &rho[64..];
    if suite.curve() == Curve::P256 {
        let first = Zeroizing::new(part::<32>(rho, 0));
        return secrecy.hpke_seal(point, label, &first, share);
    }
    let k = Scalar::reduce(Curve::Sm2, &Zeroizing::new(part::<48>(rho, 0)));
    let mut ct = secrecy.sm2_encrypt(point, &k, kappa)?;
    ct.extend_from_slice(&wrap(suite, kappa, label, share)[..]);
    Ok(ct)
}

/// The share in a leaf sealed to a one-time key, with the revealed key.
pub(crate) fn open_key_leaf(
    suite: &Suite,
    key: &Scalar,
    label: &[u8],
    ct: &[u8],
) -> Result<sharing::Secret> {
    if suite.curve() == Curve::P256 {
        let share = hpke::open(key, label, ct).map_err(|_| Error::NotOurLeaf)?;
        return share_of(&share);
    }
    let (sealed, masked) = ct
        .split_at_checked(ct.len().saturating_sub(32))
        .ok_or(Error::NotOurLeaf)?;
    let masked = <&[u8; 32]>::try_from(masked).map_err(|_| Error::NotOurLeaf)?;
    let kappa = sm2enc::decrypt(key, sealed).map_err(|_| Error::NotOurLeaf)?;
    Ok(wrap(suite, &share_of(&kappa)?[..], label, masked))
}

/// Bytes of a clock leaf: the timelock ciphertext of the key block, then the wrapped share.
pub(crate) fn clock_leaf_len(chain: &Chain) -> usize {
    chain.record().scheme.key_bytes() + 2 * tlock::BLOCK_BYTES + 32
}

fn seal_clock_leaf(
    suite: &Suite,
    chain: &Chain,
    round: u64,
    label: &[u8],
    rho: &[u8; 96],
    share: &[u8; 32],
) -> Result<Vec<u8>> {
    let sigma = Zeroizing::new(part::<{ tlock::BLOCK_BYTES }>(rho, 0));
    let kappa = Zeroizing::new(part::<{ tlock::BLOCK_BYTES }>(rho, 64));
    let mut ct = tlock::seal(chain, round, &kappa, &sigma)?;
    ct.extend_from_slice(&wrap(suite, &clock_key(suite, &kappa)[..], label, share)[..]);
    Ok(ct)
}

/// The share in a clock leaf, with the beacon of its round.
pub(crate) fn open_clock_leaf(
    suite: &Suite,
    chain: &Chain,
    beacon: &VerifiedBeacon,
    label: &[u8],
    ct: &[u8],
) -> Result<sharing::Secret> {
    let (sealed, masked) = ct
        .split_at_checked(ct.len().saturating_sub(32))
        .ok_or(Error::NotOurLeaf)?;
    let masked = <&[u8; 32]>::try_from(masked).map_err(|_| Error::NotOurLeaf)?;
    let kappa = tlock::open(chain, beacon, sealed)?;
    Ok(wrap(suite, &clock_key(suite, &kappa)[..], label, masked))
}

/// A timelock carries sixteen bytes; the wrapping key has thirty-two.
fn clock_key(suite: &Suite, kappa: &[u8; tlock::BLOCK_BYTES]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(*suite.h_tag("k16", &[kappa]).as_bytes())
}

fn part<const N: usize>(rho: &[u8; 96], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&rho[at..at + N]);
    out
}

/// SM4-CBC of kappa and its check value under a key of one use, so the IV is zero.
fn key_block(
    suite: &Suite,
    key: &[u8; 16],
    kappa: &[u8],
    label: &[u8],
) -> Zeroizing<[u8; KEY_BLOCK_LEN]> {
    let mut block = Zeroizing::new([0; KEY_BLOCK_LEN]);
    block[..32].copy_from_slice(kappa);
    suite.kdf(kappa, "check", label, &mut block[32..]);
    cbc::encrypt(
        &Sm4::new(key),
        &[0; sm4::BLOCK],
        block.as_chunks_mut::<{ sm4::BLOCK }>().0,
    );
    block
}

/// `m xor KDF(kappa, "wrap", L, 32)`; its own inverse.
fn wrap(suite: &Suite, kappa: &[u8], label: &[u8], m: &[u8; 32]) -> sharing::Secret {
    let mut out = Zeroizing::new([0; 32]);
    suite.kdf(kappa, "wrap", label, &mut out[..]);
    out.iter_mut().zip(m).for_each(|(o, m)| *o ^= m);
    out
}

/// The share in a certificate leaf, with the key that it was sealed to.
pub(crate) fn open_cert_leaf(
    suite: &Suite,
    label: &[u8],
    ct: &[u8],
    decrypter: &dyn Decrypter,
) -> Result<sharing::Secret> {
    // A key holder that is gone says so; what a key says about a ciphertext is one answer.
    let fail = |error| match error {
        mifeng_pki::Error::Crypto(_) => Error::NotOurLeaf,
        other => Error::Pki(other),
    };
    if let LeafKey::P256(_) = leaf_key(suite, decrypter.certificate())? {
        let share = decrypter.hpke_open(label, ct).map_err(fail)?;
        return share_of(&share);
    }
    let (sealed, masked) = ct
        .split_at_checked(ct.len().saturating_sub(32))
        .ok_or(Error::NotOurLeaf)?;
    let masked = <&[u8; 32]>::try_from(masked).map_err(|_| Error::NotOurLeaf)?;
    let kappa = match leaf_key(suite, decrypter.certificate())? {
        LeafKey::Rsa(_) => share_of(&decrypter.unwrap_key(sealed).map_err(fail)?)?,
        _ => open_key_block(suite, label, sealed, decrypter, fail)?,
    };
    Ok(wrap(suite, &kappa[..], label, masked))
}

fn open_key_block(
    suite: &Suite,
    label: &[u8],
    sealed: &[u8],
    decrypter: &dyn Decrypter,
    fail: impl FnOnce(mifeng_pki::Error) -> Error,
) -> Result<sharing::Secret> {
    let at = sealed.len().checked_sub(KEY_BLOCK_LEN);
    let (wrapped, block) = sealed.split_at(at.ok_or(Error::NotOurLeaf)?);
    let opened = decrypter.open_key_block(wrapped, block).map_err(fail)?;
    let (kappa, check) = opened.split_at_checked(32).ok_or(Error::NotOurLeaf)?;
    let mut expected = [0; CHECK_LEN];
    suite.kdf(kappa, "check", label, &mut expected);
    if bool::from(check.ct_eq(&expected)) {
        share_of(kappa)
    } else {
        Err(Error::NotOurLeaf)
    }
}

fn share_of(bytes: &[u8]) -> Result<sharing::Secret> {
    let mut out = Zeroizing::new([0; 32]);
    if bytes.len() != out.len() {
        return Err(Error::NotOurLeaf);
    }
    out.copy_from_slice(bytes);
    Ok(out)
}
