//! Threshold encryption to a board: TDH2 of Shoup and Gennaro (Journal of Cryptology 15, 2002), labelled.
//!
//! A ciphertext is 162 bytes `c 32 ‖ U 33 ‖ U' 33 ‖ e 32 ‖ f 32` and carries a public proof that whoever made it
//! knew its randomness for exactly this label, so a copied leaf cannot be opened under another bid. Encryption
//! is a function of its inputs (`rho`), which lets the seal be rebuilt after opening. Normative text:
//! `spec/tdh2.md`.
//!
//! ```
//! use mifeng_crypto::{GM, SeededEntropy};
//! use mifeng_lock::{dkg, tdh2};
//! # fn main() -> mifeng_lock::Result<()> {
//! let mut entropy = SeededEntropy::new(b"example");
//! let keys: Vec<_> = (0..3).map(|_| dkg::StaticKey::generate(&GM, &mut entropy)).collect::<Result<_, _>>()?;
//! let setup = dkg::Setup::new(&GM, 2, keys.iter().map(|k| k.public()).collect(), b"tender 7")?;
//! let messages: Vec<_> = keys.iter().map(|k| dkg::round1(&setup, k, &mut entropy)).collect::<Result<_, _>>()?;
//! let transcript = dkg::Transcript::build(&setup, &messages)?;
//! let board = transcript.board();
//!
//! let sealed = tdh2::encrypt(board, b"label", &[1; 96], &[42; 32])?;
//! let sealed = tdh2::Ciphertext::parse_and_check(board, b"label", &sealed)?;
//! let shares: Vec<_> = keys[1..]
//!     .iter()
//!     .map(|key| tdh2::release(board, &transcript.share(key)?, &sealed, &mut entropy))
//!     .collect::<Result<_, _>>()?;
//! assert_eq!(*tdh2::combine(board, &sealed, &shares)?, [42; 32]);
//! # Ok(())
//! # }
//! ```

use mifeng_crypto::{Curve, Digest, Entropy, KnownPoint, Point, Scalar, Suite, hash_to_point};
use std::sync::OnceLock;
use zeroize::Zeroizing;

use crate::board::{Board, SecretShare};
use crate::share::{self, Share};
use crate::{Error, Result};

/// Bytes of a ciphertext.
pub const CIPHERTEXT_BYTES: usize = 162;
/// Bytes of the derived randomness of one encryption.
pub const RHO_BYTES: usize = 96;

/// A ciphertext whose public proof has been checked under a label and a board, which it remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    c: [u8; 32],
    u: Point,
    label: Vec<u8>,
    board: Digest,
    bytes: [u8; CIPHERTEXT_BYTES],
}

impl Ciphertext {
    /// Parses the 162 bytes and checks the proof; anyone can, and everyone does before using it.
    ///
    /// # Errors
    /// [`Error::Length`], an encoding error, or [`Error::InvalidCiphertext`].
    pub fn parse_and_check(board: &Board, label: &[u8], bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; CIPHERTEXT_BYTES] = bytes.try_into().map_err(|_| Error::Length {
            what: "threshold ciphertext",
            expected: CIPHERTEXT_BYTES,
            found: bytes.len(),
        })?;
        let suite = board.suite();
        let curve = suite.curve();
        let field = |at: usize| {
            let mut out = [0; 32];
            out.copy_from_slice(&bytes[at..at + 32]);
            out
        };
        let c = field(0);
        let u = Point::from_bytes(curve, &bytes[32..65])?;
        let u_bar = Point::from_bytes(curve, &bytes[65..98])?;
        let e = Scalar::from_be_bytes(curve, &field(98))?;
        let f = Scalar::from_be_bytes(curve, &field(130))?;
        let minus_e = e.neg();
        let w = Point::lincomb_vartime(&[(&f, &Point::generator(curve)), (&minus_e, &u)]);
        let w_bar =
            Point::lincomb_known_vartime(&[(&f, second_generator(suite))], &[(&minus_e, &u_bar)]);
        let expected = challenge(board, label, &c, [&u, &u_bar, &w, &w_bar]);
        if w.is_identity() || w_bar.is_identity() || expected != e {
            return Err(Error::InvalidCiphertext);
        }
        Ok(Self {
            c,
            u,
            label: label.to_vec(),
            board: board.key(),
            bytes,
        })
    }

    /// The 162 bytes.
    pub fn to_bytes(&self) -> [u8; CIPHERTEXT_BYTES] {
        self.bytes
    }

    fn belongs_to(&self, board: &Board) -> Result<()> {
        if self.board == board.key() {
            Ok(())
        } else {
            Err(Error::OtherBoard)
        }
    }
}

/// Encrypts the 32-byte share `m` to the board under `label`, with the randomness `rho`.
///
/// # Errors
/// Only for randomness that reduces to zero, which a derivation gives with probability below 2^-250.
pub fn encrypt(
    board: &Board,
    label: &[u8],
    rho: &[u8; RHO_BYTES],
    m: &[u8; 32],
) -> Result<[u8; CIPHERTEXT_BYTES]> {
    encrypt_by(board, label, rho, m, |point, k| match point {
        None => Point::mul_generator(k),
        Some(point) => point.mul(k),
    })
}

/// The same bytes, made again after the opening: in variable time, so only for a `rho` and an `m` that everybody can find
/// from what was released.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_opened(
    board: &Board,
    label: &[u8],
    rho: &[u8; RHO_BYTES],
    m: &[u8; 32],
) -> Result<[u8; CIPHERTEXT_BYTES]> {
    let curve = board.suite().curve();
    encrypt_by(board, label, rho, m, |point, k| match point {
        None => Point::lincomb_vartime(&[(k, &Point::generator(curve))]),
        Some(point) => Point::lincomb_known_vartime(&[(k, point)], &[]),
    })
}

/// `times` multiplies a point, or the generator.
fn encrypt_by(
    board: &Board,
    label: &[u8],
    rho: &[u8; RHO_BYTES],
    m: &[u8; 32],
    times: impl Fn(Option<&KnownPoint>, &Scalar) -> Point,
) -> Result<[u8; CIPHERTEXT_BYTES]> {
    let suite = board.suite();
    let scalar = |at: usize| {
        let mut wide = Zeroizing::new([0; 48]);
        wide.copy_from_slice(&rho[at..at + 48]);
        let scalar = Scalar::reduce(suite.curve(), &wide);
        if scalar.is_zero() {
            Err(Error::Malformed {
                what: "encryption randomness",
            })
        } else {
            Ok(scalar)
        }
    };
    let (r, w) = (scalar(0)?, scalar(48)?);
    let g_bar = Some(second_generator(suite));
    let (u, u_bar) = (times(None, &r), times(g_bar, &r));
    let (w_g, w_bar) = (times(None, &w), times(g_bar, &w));
    let c = mask(board, &u, &times(Some(board.known_public()), &r), m);
    let e = challenge(board, label, &c, [&u, &u_bar, &w_g, &w_bar]);
    let f = w.add(&r.mul(&e));
    let mut out = [0; CIPHERTEXT_BYTES];
    out[..32].copy_from_slice(c.as_slice());
    let [u, u_bar] = Point::all_to_bytes([&u, &u_bar]);
    out[32..65].copy_from_slice(&u);
    out[65..98].copy_from_slice(&u_bar);
    out[98..130].copy_from_slice(&e.to_be_bytes());
    out[130..].copy_from_slice(&f.to_be_bytes());
    Ok(out)
}

/// A trustee's share for one checked ciphertext.
///
/// Whether it may be released at all (deadline, withdrawal) is decided before; see PROTOCOL section 1.3.
///
/// # Errors
/// [`Error::OtherBoard`] or a failing entropy source.
pub fn release(
    board: &Board,
    secret: &SecretShare,
    ciphertext: &Ciphertext,
    entropy: &mut dyn Entropy,
) -> Result<Share> {
    ciphertext.belongs_to(board)?;
    share::release(board, secret, &ciphertext.label, &ciphertext.u, entropy)
}

/// Checks one share of one ciphertext.
///
/// # Errors
/// [`Error::ShareProof`] names the trustee.
pub fn verify_share(board: &Board, ciphertext: &Ciphertext, share: &Share) -> Result<()> {
    ciphertext.belongs_to(board)?;
    share::verify(board, &ciphertext.label, &ciphertext.u, share)
}

/// A share whose proof held, with what it was held against; as [`check_share`] alone makes one, nobody checks it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedShare {
    share: Share,
    /// Of the ciphertext.
    base: Point,
    /// Of the trustee: another one after a reshare.
    key: Point,
}

impl CheckedShare {
    /// The share.
    pub fn share(&self) -> &Share {
        &self.share
    }
}

/// Checks one share of one ciphertext, once for all.
///
/// # Errors
/// As [`verify_share`].
pub fn check_share(board: &Board, ciphertext: &Ciphertext, share: Share) -> Result<CheckedShare> {
    verify_share(board, ciphertext, &share)?;
    Ok(CheckedShare {
        base: ciphertext.u.clone(),
        key: board.share_key(share.index)?.clone(),
        share,
    })
}

/// As [`combine`], with shares that were checked before for this ciphertext.
///
/// # Errors
/// As [`combine`]; [`Error::ShareProof`] for a share of another point, or one that was checked before a reshare.
pub fn combine_checked(
    board: &Board,
    ciphertext: &Ciphertext,
    shares: &[CheckedShare],
) -> Result<Zeroizing<[u8; 32]>> {
    ciphertext.belongs_to(board)?;
    for CheckedShare { share, base, key } in shares {
        if *base != ciphertext.u || board.share_key(share.index)? != key {
            let index = share.index;
            return Err(Error::ShareProof { index });
        }
    }
    let sorted = share::in_order(shares.iter().map(CheckedShare::share).collect())?;
    let point = share::interpolate(board, sorted)?;
    Ok(mask(board, &ciphertext.u, &point, &ciphertext.c))
}

/// Opens a ciphertext with at least `t` shares of distinct trustees, each verified here.
///
/// # Errors
/// Names the duplicate or wrong share, or says how many are missing.
pub fn combine(
    board: &Board,
    ciphertext: &Ciphertext,
    shares: &[Share],
) -> Result<Zeroizing<[u8; 32]>> {
    ciphertext.belongs_to(board)?;
    let point = share::combine(board, &ciphertext.label, &ciphertext.u, shares)?;
    Ok(mask(board, &ciphertext.u, &point, &ciphertext.c))
}

/// `G'`: nobody knows its logarithm.
pub fn second_generator(suite: &Suite) -> &'static KnownPoint {
    static OF_SM2: OnceLock<KnownPoint> = OnceLock::new();
    static OF_P256: OnceLock<KnownPoint> = OnceLock::new();
    let known = match suite.curve() {
        Curve::Sm2 => &OF_SM2,
        Curve::P256 => &OF_P256,
    };
    let label = || format!("tdh2-gbar/{}", suite.curve().name());
    known.get_or_init(|| KnownPoint::new(hash_to_point(suite, &label(), &[])))
}

fn mask(board: &Board, u: &Point, point: &Point, text: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let [y, u] = Point::all_to_bytes([board.public(), u]);
    // By itself: what an inversion of several leaves in memory is not wiped, and this point is the secret.
    let point = Zeroizing::new(point.to_bytes());
    let pad = board.suite().h_tag("tdh2-1", &[&y, &u, &*point]);
    let mut out = Zeroizing::new(*text);
    for (byte, pad) in out.iter_mut().zip(pad.as_bytes()) {
        *byte ^= pad;
    }
    out
}

fn challenge(board: &Board, label: &[u8], c: &[u8; 32], points: [&Point; 4]) -> Scalar {
    let [u, u_bar, w, w_bar] = points;
    let encoded = Point::all_to_bytes([board.public(), u, u_bar, w, w_bar]);
    let [y, u, u_bar, w, w_bar] = &encoded;
    let parts: [&[u8]; 7] = [label, y, c, u, u_bar, w, w_bar];
    board.suite().h_q("tdh2-2", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng_crypto::{GM, INTL};

    /// Made with the nonce zero its proof has the identity for both commitments, and would hold.
    #[test]
    fn a_ciphertext_without_a_nonce_is_refused() {
        for suite in [&GM, &INTL] {
            let curve = suite.curve();
            let number = |n| Scalar::from_u64(curve, n);
            let public = Point::mul_generator(&number(5));
            let board = Board::new(suite, 1, public.clone(), vec![public]).expect("a board");
            let (r, zero) = (number(7), number(0));
            let (g, g_bar) = (Point::generator(curve), second_generator(suite));
            let made = |w: &Scalar| {
                let [u, u_bar] = [g.mul(&r), g_bar.mul(&r)];
                let c = [9; 32];
                let e = challenge(&board, b"l", &c, [&u, &u_bar, &g.mul(w), &g_bar.mul(w)]);
                let f = w.add(&r.mul(&e));
                let numbers = [e.to_be_bytes(), f.to_be_bytes()].concat();
                [&c[..], &u.to_bytes(), &u_bar.to_bytes(), &numbers].concat()
            };
            let read = |bytes: &[u8]| Ciphertext::parse_and_check(&board, b"l", bytes).map(|_| ());
            assert_eq!(read(&made(&number(3))), Ok(()));
            assert_eq!(read(&made(&zero)), Err(Error::InvalidCiphertext));
        }
    }
}
