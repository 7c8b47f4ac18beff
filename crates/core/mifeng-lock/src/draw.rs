//! Drawing lots that anyone can recompute: experts, coefficients, ties, contract samples.
//!
//! The pool is frozen first; then the trustees answer one point each, and the seed is the point that every
//! quorum computes alike and nobody knows before: nobody can choose it by answering last or not at all. The
//! rest is exact integer sampling. Normative text: `spec/draw.md`.

use mifeng_crypto::{Curve, Digest, Entropy, Point, Scalar, Suite, hash_to_point, jcs};
use serde::{Deserialize, Serialize};

use crate::board::{Board, SecretShare};
use crate::share::{self, Share};
use crate::{Error, Result, vrf};

/// Rows of one pool; a national expert library's largest specialty is far below.
pub const MAX_ROWS: usize = 65_536;
/// Bytes of a row's id.
pub const MAX_ID_BYTES: usize = 128;
/// Bytes of a pool in canonical form.
pub const MAX_POOL_BYTES: usize = 16 << 20;
/// Weights are JSON integers (RFC 7493).
pub const MAX_WEIGHT: u64 = (1 << 53) - 1;

/// A candidate under a blind id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Blind id, printable ASCII, unique in the pool.
    pub id: String,
    /// Weight, at least 1.
    pub weight: u64,
}

/// The frozen list for one specialty, sorted by id: `{"rows":[{"id":…,"weight":…}…],"specialty":…,"v":1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    rows: Vec<Row>,
    specialty: String,
    v: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPool {
    rows: Vec<Row>,
    specialty: String,
    v: u8,
}

impl Pool {
    /// Sorts the rows by the bytes of their ids and checks them.
    ///
    /// # Errors
    /// [`Error::Pool`] or [`Error::Limit`].
    pub fn new(specialty: &str, mut rows: Vec<Row>) -> Result<Self> {
        if rows.len() > MAX_ROWS {
            return Err(Error::Limit {
                what: "pool rows",
                limit: MAX_ROWS,
                found: rows.len(),
            });
        }
        rows.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        Self::check(RawPool {
            rows,
            specialty: specialty.to_owned(),
            v: 1,
        })
    }

    /// Reads the canonical form; unsorted rows are refused.
    ///
    /// # Errors
    /// As [`Pool::new`], and for bytes that are not canonical.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::check(jcs::from_slice(bytes, MAX_POOL_BYTES)?)
    }

    fn check(raw: RawPool) -> Result<Self> {
        let RawPool { rows, specialty, v } = raw;
        let printable =
            |text: &str| !text.is_empty() && text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        if v != 1 {
            return Err(Error::Unsupported {
                what: "pool version",
            });
        }
        if rows.len() > MAX_ROWS {
            return Err(Error::Limit {
                what: "pool rows",
                limit: MAX_ROWS,
                found: rows.len(),
            });
        }
        if rows.is_empty() {
            return Err(Error::Pool { what: "no rows" });
        }
        if specialty.len() > MAX_ID_BYTES || !printable(&specialty) {
            return Err(Error::Pool {
                what: "specialty must be 1..=128 printable ASCII characters",
            });
        }
        if rows
            .iter()
            .any(|row| row.id.len() > MAX_ID_BYTES || !printable(&row.id))
        {
            return Err(Error::Pool {
                what: "id must be 1..=128 printable ASCII characters",
            });
        }
        if rows
            .iter()
            .any(|row| row.weight == 0 || row.weight > MAX_WEIGHT)
        {
            return Err(Error::Pool {
                what: "weight must be 1..=2^53-1",
            });
        }
        if rows
            .windows(2)
            .any(|pair| pair[0].id.as_bytes() >= pair[1].id.as_bytes())
        {
            return Err(Error::Pool {
                what: "rows must be sorted by id, without repeats",
            });
        }
        if rows.iter().map(|row| u128::from(row.weight)).sum::<u128>() > 1 << 64 {
            return Err(Error::Pool {
                what: "sum of weights above 2^64",
            });
        }
        Ok(Self { rows, specialty, v })
    }

    /// The rows, sorted.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The specialty.
    pub fn specialty(&self) -> &str {
        &self.specialty
    }

    /// The canonical bytes, which the freezing event carries.
    ///
    /// # Errors
    /// Never for a pool that exists; the signature follows the serialiser.
    pub fn to_jcs(&self) -> Result<Vec<u8>> {
        Ok(jcs::to_vec(self)?)
    }

    /// `H_tag("draw-pool", jcs(pool))`.
    ///
    /// # Errors
    /// As [`Pool::to_jcs`].
    pub fn hash(&self, suite: &Suite) -> Result<Digest> {
        Ok(suite.h_tag("draw-pool", &[&self.to_jcs()?]))
    }
}

/// One draw: the `n`-th of a specialty in a tender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    suite: &'static Suite,
    pool: Pool,
    id: Digest,
    base: Point,
}

/// What a draw gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The draw.
    pub draw_id: Digest,
    /// The ids in the order drawn: the first `k` are chosen, the rest are alternates in this order.
    pub order: Vec<String>,
    /// The seed.
    pub seed: Digest,
}

impl Draw {
    /// Draw number `n` from `pool`, under the rules published or last amended by `tender_event`.
    ///
    /// # Errors
    /// As [`Pool::to_jcs`].
    pub fn new(suite: &'static Suite, tender_event: &Digest, pool: Pool, n: u32) -> Result<Self> {
        let pool_hash = pool.hash(suite)?;
        let id = suite.h_tag(
            "draw-id",
            &[
                tender_event.as_bytes(),
                pool_hash.as_bytes(),
                pool.specialty.as_bytes(),
                &n.to_be_bytes(),
            ],
        );
        let base = hash_to_point(suite, "draw-point", id.as_bytes());
        Ok(Self {
            suite,
            pool,
            id,
            base,
        })
    }

    /// `draw_id`.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// The point P whose multiples the trustees answer.
    pub fn point(&self) -> &Point {
        &self.base
    }

    /// The frozen pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A trustee's share. To be released only after the pool is frozen in a cosigned log.
    ///
    /// # Errors
    /// [`Error::OtherBoard`] or a failing entropy source.
    pub fn release(
        &self,
        board: &Board,
        secret: &SecretShare,
        entropy: &mut dyn Entropy,
    ) -> Result<Share> {
        self.same_suite(board)?;
        share::release(board, secret, &self.label(), &self.base, entropy)
    }

    /// Checks one share.
    ///
    /// # Errors
    /// [`Error::ShareProof`] names the trustee.
    pub fn verify_share(&self, board: &Board, share: &Share) -> Result<()> {
        self.same_suite(board)?;
        share::verify(board, &self.label(), &self.base, share)
    }

    /// The point `V = x·P`, the same for every quorum and unknown to fewer.
    ///
    /// # Errors
    /// As [`crate::tdh2::combine`].
    pub fn value(&self, board: &Board, shares: &[Share]) -> Result<Point> {
        self.same_suite(board)?;
        share::combine(board, &self.label(), &self.base, shares)
    }

    /// The outcome, the same for every quorum; at most `places` rows are drawn (all, when there are fewer).
    ///
    /// # Errors
    /// As [`crate::tdh2::combine`].
    pub fn combine(&self, board: &Board, shares: &[Share], places: usize) -> Result<Outcome> {
        let point = self.value(board, shares)?;
        Ok(self.outcome(&point.to_bytes(), places))
    }

    /// The answer of a single authority, in place of a board's: the RFC 9381 proof over the draw's id. Only for
    /// `intl-1`, whose algorithms it uses; with national algorithms a board of one member is the small case.
    ///
    /// # Errors
    /// [`Error::OtherBoard`] for another suite or key.
    pub fn answer_alone(&self, secret: &Scalar) -> Result<[u8; vrf::PROOF_BYTES]> {
        self.alone()?;
        vrf::prove(secret, self.id.as_bytes())
    }

    /// The outcome of a single authority's answer, its proof checked.
    ///
    /// # Errors
    /// [`Error::VrfProof`], encoding errors, and [`Error::OtherBoard`] for another suite.
    pub fn outcome_alone(&self, public: &Point, proof: &[u8], places: usize) -> Result<Outcome> {
        self.alone()?;
        let beta = vrf::verify(public, self.id.as_bytes(), proof)?;
        Ok(self.outcome(beta.as_bytes(), places))
    }

    fn alone(&self) -> Result<()> {
        if self.suite.curve() == Curve::P256 {
            Ok(())
        } else {
            Err(Error::OtherBoard)
        }
    }

    fn outcome(&self, value: &[u8], places: usize) -> Outcome {
        let seed = self.suite.h_tag("draw-seed", &[value, self.id.as_bytes()]);
        Outcome {
            draw_id: self.id,
            order: sample(self.suite, &self.pool, &seed, places),
            seed,
        }
    }

    /// What an auditor does (check V13): the published outcome must follow from the pool and the shares.
    ///
    /// # Errors
    /// [`Error::DrawMismatch`] names the value that differs; share errors name the trustee.
    pub fn recompute(&self, board: &Board, shares: &[Share], published: &Outcome) -> Result<()> {
        let outcome = self.combine(board, shares, published.order.len())?;
        let what = if outcome.draw_id != published.draw_id {
            "draw id"
        } else if outcome.seed != published.seed {
            "seed"
        } else if outcome.order != published.order {
            "order"
        } else {
            return Ok(());
        };
        Err(Error::DrawMismatch { what })
    }

    fn same_suite(&self, board: &Board) -> Result<()> {
        if board.suite() == self.suite {
            Ok(())
        } else {
            Err(Error::OtherBoard)
        }
    }

    fn label(&self) -> Vec<u8> {
        [b"beacon\0".as_slice(), self.id.as_bytes()].concat()
    }
}

/// Draws up to `places` rows without replacement, each with probability exactly proportional to its weight.
///
/// A row costs one pass over what remains. Public: a seed from another beacon gives a draw just as well.
pub fn sample(suite: &Suite, pool: &Pool, seed: &Digest, places: usize) -> Vec<String> {
    let mut remaining: Vec<&Row> = pool.rows.iter().collect();
    let mut total: u128 = remaining.iter().map(|row| u128::from(row.weight)).sum();
    let mut counter: u64 = 0;
    let mut order = Vec::with_capacity(places.min(remaining.len()));
    while order.len() < places && total > 0 {
        let target = loop {
            let x = suite.h_tag("draw", &[seed.as_bytes(), &counter.to_be_bytes()]);
            // Rejected with probability below 2^-192.
            counter += 1;
            if let Some(u) = exact_remainder(x.as_bytes(), total) {
                break u;
            }
        };
        let mut sum = 0;
        let position = remaining.iter().position(|row| {
            sum += u128::from(row.weight);
            sum > target
        });
        // The target is below the total, so a row is always found.
        let Some(position) = position else { break };
        let row = remaining.remove(position);
        total -= u128::from(row.weight);
        order.push(row.id.clone());
    }
    order
}

/// `x mod w` if `x < floor(2^256 / w) · w`, for `1 ≤ w ≤ 2^64`: then every remainder is equally likely.
fn exact_remainder(x: &[u8; 32], w: u128) -> Option<u128> {
    let limb = |i: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&x[i * 8..i * 8 + 8]);
        u64::from_be_bytes(bytes)
    };
    let limbs = [limb(0), limb(1), limb(2), limb(3)];
    let divide = |limbs: [u64; 4], start: u128| {
        limbs
            .iter()
            .fold(start, |r, l| ((r << 64) | u128::from(*l)) % w)
    };
    // floor(2^256/w)·w = 2^256 - (2^256 mod w), so x passes when adding that remainder does not overflow.
    let excess = divide([0; 4], 1 % w);
    let overflows = limbs[..3].iter().all(|l| *l == u64::MAX)
        && u128::from(limbs[3]) + excess > u128::from(u64::MAX);
    (!overflows).then(|| divide(limbs, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainder_is_exact_at_the_edges() {
        let max = [0xff; 32];
        // 2^256 mod 3 = 1: only the largest value is rejected.
        assert_eq!(exact_remainder(&max, 3), None);
        let mut below = max;
        below[31] = 0xfe;
        assert_eq!(exact_remainder(&below, 3), Some(2));
        // A power of two rejects nothing.
        assert_eq!(exact_remainder(&max, 1 << 64), Some(u128::from(u64::MAX)));
        assert_eq!(exact_remainder(&max, 1), Some(0));
        assert_eq!(exact_remainder(&[0; 32], 7), Some(0));
        // 2^256 mod 10 = 6: 2^256 - 6 … 2^256 - 1 are rejected, 2^256 - 7 is not.
        for last in 0xf9..=0xffu8 {
            let mut x = max;
            x[31] = last;
            assert_eq!(
                exact_remainder(&x, 10),
                (last == 0xf9).then_some(9),
                "{last:x}"
            );
        }
    }
}
