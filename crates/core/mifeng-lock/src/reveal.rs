//! A key of one use: its members reveal their shares of it, and from then on everybody has the whole key
//! (PROTOCOL 1.2, option A′; spec/board.md, Revealing a key).
//!
//! For deployments that may use nothing but the public-key encryption of the suite. What is given up: once the key is
//! revealed it opens everything that was ever sealed to it, also what was withdrawn. A key that witnesses, draws or
//! serves another tender is therefore never revealed.

use mifeng_crypto::{Point, Scalar};
use zeroize::Zeroizing;

use crate::board::{Board, SecretShare};
use crate::share::lagrange;
use crate::{Error, Result};

impl SecretShare {
    /// This member's share of the key itself, 32 bytes big-endian. t of them are the whole key: not to be called
    /// for a board whose key is used for anything else.
    pub fn reveal(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.scalar().to_be_bytes())
    }
}

impl Board {
    /// Reads a revealed share and checks that it is the one of member `index`: `x_i·G = Y_i`.
    ///
    /// # Errors
    /// [`Error::ShareProof`] names the member whose share it is not; [`Error::ShareIndex`] for one who is none.
    pub fn revealed(&self, index: u8, share: &[u8; 32]) -> Result<Scalar> {
        let expected = self.share_key(index)?;
        let wrong = Error::ShareProof { index };
        let x = Scalar::from_be_bytes(self.suite().curve(), share).map_err(|_| wrong.clone())?;
        if x.is_zero() || Point::mul_generator(&x) != *expected {
            return Err(wrong);
        }
        Ok(x)
    }

    /// The whole key from revealed shares that were checked one by one: of the t lowest indices, by interpolation
    /// at 0, and compared with the public key.
    ///
    /// # Errors
    /// [`Error::DuplicateShare`], [`Error::TooFewShares`]; [`Error::Board`] if it is not the private half.
    pub fn whole_key(&self, shares: &[(u8, Scalar)]) -> Result<Scalar> {
        let mut sorted: Vec<&(u8, Scalar)> = shares.iter().collect();
        sorted.sort_by_key(|(index, _)| *index);
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::DuplicateShare { index: pair[0].0 });
        }
        let t = self.threshold();
        if sorted.len() < usize::from(t) {
            return Err(Error::TooFewShares {
                need: t,
                found: sorted.len(),
            });
        }
        sorted.truncate(usize::from(t));
        let indices: Vec<u8> = sorted.iter().map(|(index, _)| *index).collect();
        let curve = self.suite().curve();
        let weights = lagrange(curve, &indices, 0)?;
        let key = weights
            .iter()
            .zip(&sorted)
            .fold(Scalar::from_u64(curve, 0), |sum, (weight, (_, x))| {
                sum.add(&weight.mul(x))
            });
        if Point::mul_generator(&key) != *self.public() {
            return Err(Error::Board {
                what: "revealed shares are not those of its key",
            });
        }
        Ok(key)
    }
}
