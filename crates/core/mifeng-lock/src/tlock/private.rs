//! A chain of one's own, compatible with drand: for rehearsals, closed networks and tests.
//!
//! One key signs the rounds, so whoever holds it can open early: as a second lock it adds to the policy only what
//! that holder's word is worth. A chain whose key nobody holds alone is the public one.

use mifeng_crypto::{Digest, Entropy, HashAlg, Time};
use zeroize::Zeroizing;

use super::{Chain, ChainRecord, Scheme, VerifiedBeacon, curve};
use crate::{Error, Result};

/// The key of a private chain.
pub struct ChainKey {
    secret: Zeroizing<[u8; 32]>,
    chain: Chain,
}

impl ChainKey {
    /// A new key, and a chain with short signatures that begins at `genesis` (whole seconds).
    ///
    /// # Errors
    /// A failing entropy source; members outside the limits of [`Chain::new`].
    pub fn generate(
        name: &str,
        genesis: Time,
        period: u32,
        entropy: &mut dyn Entropy,
    ) -> Result<Self> {
        let (mut ikm, mut seed) = (Zeroizing::new([0; 32]), [0; 32]);
        entropy.fill(&mut ikm[..])?;
        entropy.fill(&mut seed)?;
        let secret = curve::new_secret(&ikm)?;
        let key = curve::nonce_point(Scheme::G1Rfc9380, &secret)?;
        let chain = Chain::new(ChainRecord {
            beacon_id: name.to_owned(),
            genesis_seed: Digest::from_bytes(*HashAlg::Sha256.digest(&seed).as_bytes()),
            genesis_time: genesis.as_unix_seconds(),
            period,
            public_key: hex::encode(key),
            scheme: Scheme::G1Rfc9380,
        })?;
        Ok(Self { secret, chain })
    }

    /// The public side.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The beacon of a round whose time has come by `now`.
    ///
    /// # Errors
    /// [`Error::Beacon`] before the round's time.
    pub fn sign(&self, round: u64, now: Time) -> Result<VerifiedBeacon> {
        if now < self.chain.time_of(round)? {
            return Err(Error::Beacon {
                round,
                what: "its time has not come",
            });
        }
        let message = super::message(round);
        let signature = curve::sign(Scheme::G1Rfc9380, &self.secret, message.as_bytes())?;
        self.chain.verify(round, &signature, None)
    }
}
