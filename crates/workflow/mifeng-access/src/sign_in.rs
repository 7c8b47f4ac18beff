//! Signing in: the host gives a challenge, the person signs a statement with their certificate (spec/access.md).
//!
//! Challenges are not kept: whoever asks for many fills nothing. One is used up when somebody has signed in with it.

use mifeng_crypto::{Digest, Entropy, Suite, Time};
use mifeng_record::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Type of the record that signs in; no log takes it.
pub const SIGN_IN: &str = "access.sign-in";
/// A challenge can be answered so long: finding the token and its PIN takes a minute or two.
pub const CHALLENGE_MILLIS: i64 = 5 * 60_000;
/// Challenges that were used and have not expired: each took a signature of a recognised certificate.
const USED_MAX: usize = 65_536;
/// Bytes of a host's name.
const HOST_LEN_MAX: usize = 255;

/// What the host asks to be signed, as the data of an `access.sign-in` record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// The host as the person addresses it: whoever signs compares.
    pub host: String,
    /// Made by the host, for one use.
    pub nonce: Digest,
    /// What only the host can have made, over all others and the tender's origin.
    pub proof: Digest,
    /// Until when it can be answered.
    pub expires: Time,
}

/// The data of `access.sign-in`: the challenge as it was given.
pub type SignIn = Challenge;

/// Why somebody is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// It is no statement for signing in here.
    #[error("expected a statement for signing in to this tender")]
    Statement,
    /// It names a host that this one is not: somebody may pass challenges on.
    #[error("the statement names another host")]
    Host,
    /// It is not this host's, or it was changed.
    #[error("the challenge is not this host's")]
    Challenge,
    /// It came too late, or was used before.
    #[error("the challenge is over or was used: ask for another one")]
    Used,
}

impl SignInError {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            SignInError::Statement => "access.statement",
            SignInError::Host => "access.other-host",
            SignInError::Challenge => "access.challenge",
            SignInError::Used => "access.challenge-used",
        }
    }
}

/// Gives challenges and judges the answers, for one tender.
pub struct Challenger {
    suite: &'static Suite,
    origin: String,
    key: Zeroizing<[u8; 32]>,
    used: BTreeMap<Digest, Time>,
}

impl Challenger {
    /// With a key of its own: challenges from before a restart are nobody's.
    ///
    /// # Errors
    /// The entropy's.
    pub fn new(
        suite: &'static Suite,
        origin: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, mifeng_crypto::Error> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *key)?;
        Ok(Challenger {
            suite,
            origin: origin.to_owned(),
            key,
            used: BTreeMap::new(),
        })
    }

    fn proof(&self, host: &str, nonce: &Digest, expires: Time) -> Digest {
        let expires = expires.as_unix_nanos().to_be_bytes();
        let context = self.suite.h_tag(
            SIGN_IN,
            &[
                self.origin.as_bytes(),
                host.as_bytes(),
                nonce.as_bytes(),
                &expires,
            ],
        );
        let mut proof = [0; 32];
        self.suite.kdf(
            &self.key[..],
            "access challenge",
            context.as_bytes(),
            &mut proof,
        );
        Digest::from_bytes(proof)
    }

    /// A challenge for whoever addresses the host by this name, which the caller has found to be its own.
    ///
    /// # Errors
    /// The entropy's.
    pub fn challenge(
        &self,
        host: &str,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Challenge, mifeng_crypto::Error> {
        let mut nonce = [0; 32];
        entropy.fill(&mut nonce)?;
        let host: String = host.chars().take(HOST_LEN_MAX).collect();
        let nonce = Digest::from_bytes(nonce);
        let expires = now.trunc_millis().plus_millis(CHALLENGE_MILLIS);
        Ok(Challenge {
            proof: self.proof(&host, &nonce, expires),
            host,
            nonce,
            expires,
        })
    }

    /// Judges a statement whose signature was verified; `is_own` knows the host's public names. Whether its signer is
    /// anybody here is the next question.
    ///
    /// # Errors
    /// [`SignInError`].
    pub fn judge(
        &mut self,
        record: &Record,
        is_own: &dyn Fn(&str) -> bool,
        now: Time,
    ) -> Result<(), SignInError> {
        if record.kind() != SIGN_IN || record.origin() != self.origin {
            return Err(SignInError::Statement);
        }
        let said: SignIn = record.data().map_err(|_| SignInError::Statement)?;
        if !is_own(&said.host) {
            return Err(SignInError::Host);
        }
        let proof = self.proof(&said.host, &said.nonce, said.expires);
        // How long it takes must not tell how much of a guess is right.
        if !bool::from(proof.as_bytes().ct_eq(said.proof.as_bytes())) {
            return Err(SignInError::Challenge);
        }
        self.used.retain(|_, expires| now < *expires);
        let is_used = self.used.contains_key(&said.nonce) || self.used.len() >= USED_MAX;
        if now >= said.expires || is_used {
            return Err(SignInError::Used);
        }
        self.used.insert(said.nonce, said.expires);
        Ok(())
    }
}
