//! Making a board key without a dealer: C2SP COCKTAIL-DKG v0.2.
//!
//! For `intl-1` this is the ciphersuite `COCKTAIL(P-256, SHA-256)` byte for byte; for `gm-1` its twin
//! `COCKTAIL(SM2, SM3)` with SM4-GCM. Three rounds over a log that everyone reads:
//!
//! 1. every trustee publishes [`round1`]: commitments, a proof of possession, encrypted shares;
//! 2. everyone builds the same [`Transcript`] from the messages, each trustee opens and checks its own share
//!    ([`Transcript::share`]) and publishes a signature ([`Transcript::sign`]);
//! 3. anyone accepts the [`Board`] once all signatures verify ([`Transcript::finish`], [`verify`]).
//!
//! [`Reshare`] hands a key on, to the same trustees with new static keys (refresh) or to others (replacement), and
//! the public key stays. Nothing needs backing up but the static key: the share is recomputed from the transcript. An error names the
//! trustee at fault; a share that only its recipient can see to be wrong is proven wrong to everyone by a
//! [`Complaint`]. Normative text: `spec/board.md`.

mod complaint;
mod message;
mod reshare;
mod schnorr;
mod seal;
mod transcript;
#[cfg(test)]
mod vectors;

use mifeng_crypto::{Digest, Entropy, Point, Scalar, Suite};
use zeroize::Zeroizing;

use crate::board::{Board, MAX_MEMBERS};
use crate::{Error, Result};

pub use complaint::{COMPLAINT_BYTES, Complaint};
pub use reshare::Reshare;
pub use schnorr::SIGNATURE_BYTES;
pub use transcript::Transcript;

/// Bytes of a session name; enough for a tender number and a random part.
pub const MAX_SESSION_BYTES: usize = 256;

/// A trustee's long-term secret key `d_i`, endorsed by its signing certificate.
pub struct StaticKey {
    secret: Scalar,
    public: Point,
}

impl StaticKey {
    /// A new key.
    ///
    /// # Errors
    /// When the entropy source fails.
    pub fn generate(suite: &Suite, entropy: &mut dyn Entropy) -> Result<Self> {
        Ok(Self::from_scalar(Scalar::random(suite.curve(), entropy)?))
    }

    /// Reads 32 big-endian bytes, `1..q`.
    ///
    /// # Errors
    /// For zero and for values not below the group order.
    pub fn from_bytes(suite: &Suite, bytes: &[u8; 32]) -> Result<Self> {
        let secret = Scalar::from_be_bytes(suite.curve(), bytes)?;
        if secret.is_zero() {
            Err(Error::Malformed { what: "static key" })
        } else {
            Ok(Self::from_scalar(secret))
        }
    }

    /// The 32 big-endian bytes, for a wrapped store.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_be_bytes())
    }

    /// The public key `P_i`.
    pub fn public(&self) -> Point {
        self.public.clone()
    }

    fn from_scalar(secret: Scalar) -> Self {
        Self {
            public: Point::mul_generator(&secret),
            secret,
        }
    }
}

/// What all members agree on before the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    suite: &'static Suite,
    threshold: u8,
    members: Vec<Point>,
    context: Digest,
}

impl Setup {
    /// Members are numbered `1..=n` in this order. `session` must never be used for two key generations.
    ///
    /// # Errors
    /// For a threshold outside `1..=n`, more than [`MAX_MEMBERS`], equal keys, or a session name that is empty or
    /// too long.
    pub fn new(
        suite: &'static Suite,
        threshold: u8,
        members: Vec<Point>,
        session: &[u8],
    ) -> Result<Self> {
        let n = members.len();
        if n > usize::from(MAX_MEMBERS) {
            return Err(Error::Limit {
                what: "board members",
                limit: MAX_MEMBERS.into(),
                found: n,
            });
        }
        if threshold == 0 || usize::from(threshold) > n {
            return Err(Error::Board {
                what: "threshold must be 1..=n",
            });
        }
        if session.is_empty() {
            return Err(Error::Malformed {
                what: "session name",
            });
        }
        if session.len() > MAX_SESSION_BYTES {
            return Err(Error::Limit {
                what: "session name",
                limit: MAX_SESSION_BYTES,
                found: session.len(),
            });
        }
        if members
            .iter()
            .any(|p| p.curve() != suite.curve() || p.is_identity())
        {
            return Err(Error::Board {
                what: "points must be on the suite's curve and not the identity",
            });
        }
        for (later, key) in members.iter().enumerate() {
            if let Some(earlier) = members[..later].iter().position(|other| other == key) {
                return Err(Error::DuplicateMember {
                    first: index_of(earlier),
                    second: index_of(later),
                });
            }
        }
        let context = context(suite, &members, session);
        Ok(Self {
            suite,
            threshold,
            members,
            context,
        })
    }

    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// `t`.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The members' static public keys in order.
    pub fn members(&self) -> &[Point] {
        &self.members
    }

    /// The context that all messages are bound to: session, suite and members.
    pub fn context(&self) -> Digest {
        self.context
    }

    /// The index `1..=n` of the holder of `key`.
    ///
    /// # Errors
    /// [`Error::NotAMember`].
    pub fn index_of(&self, key: &StaticKey) -> Result<u8> {
        self.members
            .iter()
            .position(|p| *p == key.public)
            .map(index_of)
            .ok_or(Error::NotAMember)
    }
}

/// The index of the member at this position; positions are below [`MAX_MEMBERS`].
fn index_of(position: usize) -> u8 {
    u8::try_from(position + 1).unwrap_or(u8::MAX)
}

// The construction recommended in the specification's "Setup".
fn context(suite: &Suite, members: &[Point], session: &[u8]) -> Digest {
    let id = seal::names(suite).id.as_bytes();
    let mut hasher = suite.hash().hasher();
    hasher.update(b"COCKTAIL-DKG-CONTEXT");
    hasher.update(&(session.len() as u64).to_be_bytes());
    hasher.update(session);
    hasher.update(&(id.len() as u64).to_be_bytes());
    hasher.update(id);
    hasher.update(&(members.len() as u32).to_le_bytes());
    members.iter().for_each(|p| hasher.update(&p.to_bytes()));
    hasher.finish()
}

/// Round 1: this member's message for the log. Nothing has to be remembered.
///
/// # Errors
/// [`Error::NotAMember`], or a failing entropy source.
pub fn round1(setup: &Setup, key: &StaticKey, entropy: &mut dyn Entropy) -> Result<Vec<u8>> {
    setup.index_of(key)?;
    let curve = setup.suite.curve();
    let coefficients = (0..setup.threshold)
        .map(|_| Ok(Scalar::random(curve, entropy)?))
        .collect::<Result<Vec<_>>>()?;
    let ephemeral = Scalar::random(curve, entropy)?;
    message::write(setup, key, &coefficients, &ephemeral)
}

/// Checks member `index`'s round 1 message beside those that came before it, so that a wrong one never stands in the
/// log and its sender can send another.
///
/// # Errors
/// Names the member; [`Error::DkgCopied`] names both.
pub fn check_round1<M: AsRef<[u8]>>(
    setup: &Setup,
    index: u8,
    message: &[u8],
    earlier: &[(u8, M)],
) -> Result<()> {
    transcript::admit(setup, index, message, earlier)
}

/// Everything an auditor does (check V5): messages, signatures, and the board that follows from them.
///
/// # Errors
/// Names the member whose message or signature is wrong.
pub fn verify<M: AsRef<[u8]>, S: AsRef<[u8]>>(
    setup: &Setup,
    messages: &[M],
    signatures: &[S],
) -> Result<Board> {
    Transcript::build(setup, messages)?.finish(signatures)
}

/// The value of a polynomial at `x`.
fn evaluate(coefficients: &[Scalar], x: u8) -> Result<Scalar> {
    let (last, rest) = coefficients
        .split_last()
        .ok_or(Error::Malformed { what: "polynomial" })?;
    let x = Scalar::from_u64(last.curve(), u64::from(x));
    Ok(rest.iter().rev().fold(last.clone(), |sum, coefficient| {
        sum.mul(&x).add(coefficient)
    }))
}

/// `Σ x^k · C_k`, the commitment to the polynomial's value at `x`.
fn evaluate_commitment(commitment: &[Point], x: u8) -> Result<Point> {
    let first = commitment
        .first()
        .ok_or(Error::Malformed { what: "commitment" })?;
    let x = Scalar::from_u64(first.curve(), u64::from(x));
    let mut power = Scalar::from_u64(first.curve(), 1);
    let mut powers = Vec::with_capacity(commitment.len());
    for _ in commitment {
        powers.push(power.clone());
        power = power.mul(&x);
    }
    let terms: Vec<(&Scalar, &Point)> = powers.iter().zip(commitment).collect();
    Ok(Point::lincomb_vartime(&terms))
}
