//! From one secret to every byte of the header.

use crate::context::leaf_label;
use crate::identity::{encryption_point, is_rsa};
use crate::{Context, Error, Result};
use mifeng_crypto::{Curve, Digest, Point, Scalar, Suite, hpke, jcs, sm2enc};
use mifeng_lock::{Board, Leaf, Policy, sharing, tdh2};
use mifeng_pki::{Certificate, Decrypter};
use serde::{Deserialize, Serialize};
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
}

impl<'a> Keys<'a> {
    pub(crate) fn board(&self, key: &Digest) -> Result<&'a Board> {
        let found = self.boards.iter().find(|board| board.key() == *key);
        found.copied().ok_or(Error::UnknownKey { what: "board" })
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

/// The header for `sigma`, as canonical bytes, and each leaf's share in the policy's order.
pub(crate) fn build_header(
    suite: &Suite,
    sigma: &[u8; 32],
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
        let ct = seal_leaf(suite, leaf, &label, &rho, share, keys)?;
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
    leaf: Leaf,
    label: &[u8],
    rho: &[u8; 96],
    share: &[u8; 32],
    keys: &Keys<'_>,
) -> Result<Vec<u8>> {
    match leaf {
        Leaf::Group(key) => Ok(tdh2::encrypt(keys.board(&key)?, label, rho, share)?.to_vec()),
        Leaf::Cert(digest) => {
            let point = leaf_point(suite, keys.certificate(suite, &digest)?)?;
            let mut first = Zeroizing::new([0; 32]);
            first.copy_from_slice(&rho[..32]);
            if point.curve() == Curve::P256 {
                return Ok(hpke::seal_derand(&point, label, &first, share)?);
            }
            let mut wide = Zeroizing::new([0; 48]);
            wide.copy_from_slice(&rho[..48]);
            let k = Scalar::reduce(Curve::Sm2, &wide);
            let mut ct = sm2enc::encrypt(&point, &k, &rho[64..])?;
            ct.extend_from_slice(&wrap(suite, &rho[64..], label, share)[..]);
            Ok(ct)
        }
        Leaf::Tlock { .. } => Err(Error::Unsupported {
            what: "timelock leaf",
        }),
        Leaf::Bidder => Err(Error::Malformed {
            what: "policy: bidder not resolved",
        }),
    }
}

/// The point that a certificate leaf is sealed to.
pub(crate) fn leaf_point(suite: &Suite, certificate: &Certificate) -> Result<Point> {
    let Some(point) = encryption_point(certificate) else {
        return Err(Error::Unsupported {
            what: if is_rsa(certificate) {
                "RSA leaf"
            } else {
                "leaf for this kind of key"
            },
        });
    };
    if point.curve() != suite.curve() {
        return Err(Error::Mismatch {
            what: "suite of the encryption certificate",
        });
    }
    Ok(point)
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
    let fail = |_| Error::NotOurLeaf;
    let share = match suite.curve() {
        Curve::P256 => crate::identity::hpke_open(decrypter, label, ct).map_err(fail)?,
        Curve::Sm2 => {
            let at = ct.len().checked_sub(32).ok_or(Error::NotOurLeaf)?;
            let kappa = crate::identity::sm2_decrypt(decrypter, &ct[..at]).map_err(fail)?;
            if kappa.len() != 32 {
                return Err(Error::NotOurLeaf);
            }
            let mut m = [0; 32];
            m.copy_from_slice(&ct[at..]);
            return Ok(wrap(suite, &kappa, label, &m));
        }
    };
    let mut out = Zeroizing::new([0; 32]);
    if share.len() != out.len() {
        return Err(Error::NotOurLeaf);
    }
    out.copy_from_slice(&share);
    Ok(out)
}
