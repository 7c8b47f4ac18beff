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

use mifeng_crypto::{
    Curve, Digest, Entropy, KnownPoint, Point, PointSum, Scalar, Suite, hash_to_point,
};
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

/// A ciphertext as it came, with what its proof is to be checked under.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked<'a> {
    /// The board.
    pub board: &'a Board,
    /// The label.
    pub label: &'a [u8],
    /// The 162 bytes.
    pub bytes: &'a [u8],
}

/// The parts of a ciphertext and its proof.
struct Parsed<'a> {
    of: Unchecked<'a>,
    bytes: [u8; CIPHERTEXT_BYTES],
    c: [u8; 32],
    u: Point,
    u_bar: Point,
    e: Scalar,
    minus_e: Scalar,
    f: Scalar,
    g: Point,
}

impl<'a> Parsed<'a> {
    fn of(of: &Unchecked<'a>) -> Result<Self> {
        let bytes: [u8; CIPHERTEXT_BYTES] = of.bytes.try_into().map_err(|_| Error::Length {
            what: "threshold ciphertext",
            expected: CIPHERTEXT_BYTES,
            found: of.bytes.len(),
        })?;
        let curve = of.board.suite().curve();
        let field = |at: usize| {
            let mut out = [0; 32];
            out.copy_from_slice(&bytes[at..at + 32]);
            out
        };
        let (u, u_bar) = (
            Point::from_bytes(curve, &bytes[32..65])?,
            Point::from_bytes(curve, &bytes[65..98])?,
        );
        let e = Scalar::from_be_bytes(curve, &field(98))?;
        Ok(Parsed {
            of: *of,
            bytes,
            c: field(0),
            u,
            u_bar,
            minus_e: e.neg(),
            e,
            f: Scalar::from_be_bytes(curve, &field(130))?,
            g: Point::generator(curve),
        })
    }

    /// What the commitments have to be: fG − eU and fG' − eU'.
    fn sums(&self) -> [PointSum<'_>; 2] {
        let g_bar = second_generator(self.of.board.suite());
        [
            PointSum {
                known: Vec::new(),
                pairs: vec![(&self.f, &self.g), (&self.minus_e, &self.u)],
            },
            PointSum {
                known: vec![(&self.f, g_bar)],
                pairs: vec![(&self.minus_e, &self.u_bar)],
            },
        ]
    }

    fn checked(self) -> Ciphertext {
        Ciphertext {
            c: self.c,
            u: self.u,
            label: self.of.label.to_vec(),
            board: self.of.board.key(),
            bytes: self.bytes,
        }
    }
}

impl Ciphertext {
    /// Parses the 162 bytes and checks the proof; anyone can, and everyone does before using it.
    ///
    /// # Errors
    /// [`Error::Length`], an encoding error, or [`Error::InvalidCiphertext`].
    pub fn parse_and_check(board: &Board, label: &[u8], bytes: &[u8]) -> Result<Self> {
        let one = Unchecked {
            board,
            label,
            bytes,
        };
        let mut each = Self::parse_and_check_each(&[one]).into_iter();
        each.next().unwrap_or(Err(Error::InvalidCiphertext))
    }

    /// The same for many, the sums of their proofs side by side. The outcome of one does not depend on the others.
    pub fn parse_and_check_each(all: &[Unchecked<'_>]) -> Vec<Result<Self>> {
        let parsed: Vec<Result<Parsed<'_>>> = all.iter().map(Parsed::of).collect();
        let on = |curve| {
            let good = parsed.iter().flatten();
            let good: Vec<_> = good.filter(|one| one.u.curve() == curve).collect();
            Self::hold(&good).into_iter()
        };
        let (mut on_sm2, mut on_p256) = (on(Curve::Sm2), on(Curve::P256));
        let each = parsed.into_iter();
        each.map(|parsed| {
            let parsed = parsed?;
            let holds = match parsed.u.curve() {
                Curve::Sm2 => on_sm2.next(),
                Curve::P256 => on_p256.next(),
            };
            match holds {
                Some(true) => Ok(parsed.checked()),
                _ => Err(Error::InvalidCiphertext),
            }
        })
        .collect()
    }

    /// Whether the proof of each holds; all are on one curve.
    fn hold(good: &[&Parsed<'_>]) -> Vec<bool> {
        let sums: Vec<PointSum<'_>> = good.iter().flat_map(|one| one.sums()).collect();
        let commitments = Point::sums_vartime(&sums);
        drop(sums);
        let commitments = commitments.as_chunks::<2>().0;
        let mut points = Vec::with_capacity(5 * good.len());
        for (one, [w, w_bar]) in good.iter().zip(commitments) {
            points.extend([one.of.board.public(), &one.u, &one.u_bar, w, w_bar]);
        }
        let encoded = Point::each_to_bytes(&points);
        let each = good.iter().zip(commitments).zip(encoded.as_chunks().0);
        each.map(|((one, [w, w_bar]), encoded)| {
            let expected = challenge_of(one.of.board, one.of.label, &one.c, encoded);
            expected == one.e && !w.is_identity() && !w_bar.is_identity()
        })
        .collect()
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
    encrypt_by(board, label, rho, m, |[r, w], g_bar, public| {
        [
            Point::mul_generator(r),
            g_bar.mul(r),
            Point::mul_generator(w),
            g_bar.mul(w),
            public.mul(r),
        ]
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
    let g = Point::generator(board.suite().curve());
    encrypt_by(board, label, rho, m, |[r, w], g_bar, public| {
        let of_g = |k| (Vec::new(), vec![(k, &g)]);
        let of = |k, point| (vec![(k, point)], Vec::new());
        let sums = [of_g(r), of(r, g_bar), of_g(w), of(w, g_bar), of(r, public)];
        let sums = sums.map(|(known, pairs)| PointSum { known, pairs });
        let mut all = Point::sums_vartime(&sums).into_iter();
        sums.map(|_| all.next().expect("a point for each sum"))
    })
}

/// `multiples` gives rG, rG', wG, wG' and rY, for r and w, G' and Y.
fn encrypt_by(
    board: &Board,
    label: &[u8],
    rho: &[u8; RHO_BYTES],
    m: &[u8; 32],
    multiples: impl Fn([&Scalar; 2], &KnownPoint, &KnownPoint) -> [Point; 5],
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
    let g_bar = second_generator(suite);
    let [u, u_bar, w_g, w_bar, secret] = multiples([&r, &w], g_bar, board.known_public());
    let c = mask(board, &u, &secret, m);
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

/// A share whose proof held, with what it was held against; as [`check_share`] and [`check_shares`] alone make one, nobody checks it again.
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
    checked(board, ciphertext, share)
}

/// As [`check_share`] for shares of a ciphertext each, side by side; the outcome of one does not depend on the others.
pub fn check_shares(board: &Board, shares: Vec<(&Ciphertext, Share)>) -> Vec<Result<CheckedShare>> {
    let ours: Vec<Result<()>> = shares
        .iter()
        .map(|(ciphertext, _)| ciphertext.belongs_to(board))
        .collect();
    let of_board = shares.iter().zip(&ours).filter(|(_, ours)| ours.is_ok());
    let items: Vec<(&[u8], &Point, &Share)> = of_board
        .map(|((ciphertext, share), _)| (&ciphertext.label[..], &ciphertext.u, share))
        .collect();
    let mut verified = share::verify_each(board, &items).into_iter();
    let verdicts: Vec<Result<()>> = ours
        .into_iter()
        .map(|ours| ours.and_then(|()| verified.next().unwrap_or(Err(Error::OtherBoard))))
        .collect();
    let each = shares.into_iter().zip(verdicts);
    each.map(|((ciphertext, share), verdict)| {
        verdict?;
        checked(board, ciphertext, share)
    })
    .collect()
}

fn checked(board: &Board, ciphertext: &Ciphertext, share: Share) -> Result<CheckedShare> {
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
    let points = [board.public(), u, u_bar, w, w_bar];
    challenge_of(board, label, c, &Point::all_to_bytes(points))
}

fn challenge_of(board: &Board, label: &[u8], c: &[u8; 32], points: &[[u8; 33]; 5]) -> Scalar {
    let [y, u, u_bar, w, w_bar] = points;
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
