//! A trustee's part: one point with its proof, for opening a bid or for a draw.

use mifeng_crypto::{Curve, Entropy, Point, Scalar};
use serde::{Deserialize, Serialize};

use crate::board::{Board, SecretShare};
use crate::dleq::{self, Proof, Statement};
use crate::{Error, Result};

/// Bytes of a share: index 1, D 33, e 32, z 32.
pub const SHARE_BYTES: usize = 98;

/// `D = x_i · base` by trustee `i`, with the proof that the `x_i` is the one of the board.
///
/// In JSON: `{"d":hex,"e":hex,"index":i,"z":hex}`. Parsing needs the suite's curve, so [`Share`] itself is read
/// through [`Share::from_record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The trustee, `1..=n`.
    pub index: u8,
    /// The point.
    pub d: Point,
    /// Its proof.
    pub proof: Proof,
}

/// The JSON form of a [`Share`], for records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareRecord {
    /// The point, compressed, lower-case hex.
    pub d: String,
    /// The challenge, 32 bytes big-endian, lower-case hex.
    pub e: String,
    /// The trustee.
    pub index: u8,
    /// The response, 32 bytes big-endian, lower-case hex.
    pub z: String,
}

impl Share {
    /// The 98 bytes `index ‖ D ‖ e ‖ z`.
    pub fn to_bytes(&self) -> [u8; SHARE_BYTES] {
        let mut out = [0; SHARE_BYTES];
        out[0] = self.index;
        out[1..34].copy_from_slice(&self.d.to_bytes());
        out[34..].copy_from_slice(&self.proof.to_bytes());
        out
    }

    /// Reads the 98 bytes; points off the curve, the identity and scalars not below the order are refused.
    ///
    /// # Errors
    /// [`Error::Length`], or the encoding error of the value that is wrong.
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self> {
        if bytes.len() != SHARE_BYTES {
            return Err(Error::Length {
                what: "share",
                expected: SHARE_BYTES,
                found: bytes.len(),
            });
        }
        Ok(Self {
            index: bytes[0],
            d: Point::from_bytes(curve, &bytes[1..34])?,
            proof: Proof::from_bytes(curve, &bytes[34..])?,
        })
    }

    /// The JSON form.
    pub fn to_record(&self) -> ShareRecord {
        let bytes = self.to_bytes();
        ShareRecord {
            index: self.index,
            d: hex::encode(&bytes[1..34]),
            e: hex::encode(&bytes[34..66]),
            z: hex::encode(&bytes[66..]),
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// As [`Share::from_bytes`]; also for hex that is not lower-case or of another length.
    pub fn from_record(curve: Curve, record: &ShareRecord) -> Result<Self> {
        let mut bytes = [0; SHARE_BYTES];
        bytes[0] = record.index;
        decode_hex(&record.d, &mut bytes[1..34])?;
        decode_hex(&record.e, &mut bytes[34..66])?;
        decode_hex(&record.z, &mut bytes[66..])?;
        Self::from_bytes(curve, &bytes)
    }
}

pub(crate) fn decode_hex(text: &str, out: &mut [u8]) -> Result<()> {
    let lower = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match hex::decode_to_slice(text, out) {
        Ok(()) if lower => Ok(()),
        _ => Err(Error::Malformed {
            what: "lower-case hex",
        }),
    }
}

/// Trustee `secret` answers for `base` under `label`.
pub(crate) fn release(
    board: &Board,
    secret: &SecretShare,
    label: &[u8],
    base: &Point,
    entropy: &mut dyn Entropy,
) -> Result<Share> {
    if !secret.is_of(board) {
        return Err(Error::OtherBoard);
    }
    let d = base.mul(secret.scalar());
    let statement = Statement {
        label,
        index: secret.index(),
        y: board.known_share_key(secret.index())?,
        base,
        d: &d,
    };
    let proof = dleq::prove(board.suite(), &statement, secret.scalar(), entropy)?;
    Ok(Share {
        index: secret.index(),
        proof,
        d,
    })
}

/// Checks one share against the board.
pub(crate) fn verify(board: &Board, label: &[u8], base: &Point, share: &Share) -> Result<()> {
    let mut each = verify_each(board, &[(label, base, share)]).into_iter();
    each.next()
        .unwrap_or(Err(Error::ShareProof { index: share.index }))
}

fn statement<'a>(
    board: &'a Board,
    label: &'a [u8],
    base: &'a Point,
    share: &'a Share,
) -> Result<Statement<'a>> {
    Ok(Statement {
        label,
        index: share.index,
        y: board.known_share_key(share.index)?,
        base,
        d: &share.d,
    })
}

/// Checks shares for a label and a base each; the outcome of one does not depend on the others.
pub(crate) fn verify_each(board: &Board, shares: &[(&[u8], &Point, &Share)]) -> Vec<Result<()>> {
    let statements: Vec<Result<Statement<'_>>> = shares
        .iter()
        .map(|(label, base, share)| statement(board, label, base, share))
        .collect();
    let known = statements.iter().zip(shares);
    let items: Vec<_> = known
        .filter_map(|(statement, (_, _, share))| Some((*statement.as_ref().ok()?, &share.proof)))
        .collect();
    let mut holds = dleq::verify_each(board.suite(), &items).into_iter();
    let each = statements.iter().zip(shares);
    each.map(|(statement, (_, _, share))| match statement {
        Err(e) => Err(e.clone()),
        Ok(_) if holds.next() == Some(true) => Ok(()),
        Ok(_) => Err(Error::ShareProof { index: share.index }),
    })
    .collect()
}

/// Verifies all shares and interpolates `x · base` from the first `t` by index: the same point for every quorum.
pub(crate) fn combine(
    board: &Board,
    label: &[u8],
    base: &Point,
    shares: &[Share],
) -> Result<Point> {
    let sorted = in_order(shares.iter().collect())?;
    sorted
        .iter()
        .try_for_each(|share| verify(board, label, base, share))?;
    interpolate(board, sorted)
}

/// By index, none twice.
pub(crate) fn in_order(mut sorted: Vec<&Share>) -> Result<Vec<&Share>> {
    sorted.sort_by_key(|share| share.index);
    if let Some(pair) = sorted
        .windows(2)
        .find(|pair| pair[0].index == pair[1].index)
    {
        return Err(Error::DuplicateShare {
            index: pair[0].index,
        });
    }
    Ok(sorted)
}

/// `x · base` from the first `t` of shares that hold, in order.
pub(crate) fn interpolate(board: &Board, mut sorted: Vec<&Share>) -> Result<Point> {
    let t = board.threshold();
    if sorted.len() < usize::from(t) {
        return Err(Error::TooFewShares {
            need: t,
            found: sorted.len(),
        });
    }
    sorted.truncate(usize::from(t));
    let indices: Vec<u8> = sorted.iter().map(|share| share.index).collect();
    let weights = lagrange(board.suite().curve(), &indices, 0)?;
    let terms: Vec<(&Scalar, &Point)> = weights
        .iter()
        .zip(&sorted)
        .map(|(w, share)| (w, &share.d))
        .collect();
    Ok(Point::lincomb_vartime(&terms))
}

/// Lagrange weights of the distinct points `indices` at `at`.
pub(crate) fn lagrange(curve: Curve, indices: &[u8], at: u8) -> Result<Vec<Scalar>> {
    let scalar = |x: u8| Scalar::from_u64(curve, u64::from(x));
    indices
        .iter()
        .map(|&i| {
            let (mut top, mut bottom) = (scalar(1), scalar(1));
            for &j in indices.iter().filter(|&&j| j != i) {
                top = top.mul(&scalar(at).sub(&scalar(j)));
                bottom = bottom.mul(&scalar(i).sub(&scalar(j)));
            }
            let inverse = bottom.invert().ok_or(Error::Malformed {
                what: "interpolation points",
            })?;
            Ok(top.mul(&inverse))
        })
        .collect()
}
