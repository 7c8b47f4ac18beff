//! Signing in: the host gives a challenge, the person signs a statement with their certificate (spec/access.md).
//!
//! Challenges are not kept: whoever asks for many fills nothing. One is used up when somebody has signed in with it, which
//! the list of sessions tells ([`crate::Sessions`]).

use crate::key::{Key, same};
use crate::session::{Token, hashed};
use mifeng_crypto::{Digest, Entropy, Suite, Time};
use mifeng_record::Record;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Type of the record that signs in; no log takes it.
pub const SIGN_IN: &str = "access.sign-in";
/// A challenge can be answered so long: finding the token and its PIN takes a minute or two.
pub const CHALLENGE_MILLIS: i64 = 5 * 60_000;
/// So far the clock of the replica that made a challenge may be ahead of the one that judges it, in milliseconds.
const CLOCKS_APART_MILLIS: i64 = 60_000;
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

/// Makes challenges and tokens for one tender, and knows its own: every replica that has the key does.
pub struct Mint {
    suite: &'static Suite,
    origin: String,
    key: Key,
}

impl Mint {
    /// With the key of this tender's host.
    pub fn new(suite: &'static Suite, origin: &str, key: Key) -> Self {
        Mint {
            suite,
            origin: origin.to_owned(),
            key,
        }
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
        self.key.mark(self.suite, "access challenge", &context)
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
    /// anybody here is the next question, and whether somebody signed in with it another one.
    ///
    /// # Errors
    /// [`SignInError`].
    pub fn judge(
        &self,
        record: &Record,
        is_own: &dyn Fn(&str) -> bool,
        now: Time,
    ) -> Result<SignIn, SignInError> {
        if record.kind() != SIGN_IN || record.origin() != self.origin {
            return Err(SignInError::Statement);
        }
        let said: SignIn = record.data().map_err(|_| SignInError::Statement)?;
        if !is_own(&said.host) {
            return Err(SignInError::Host);
        }
        let proof = self.proof(&said.host, &said.nonce, said.expires);
        // One that lasts longer is not ours, though somebody who has the key made it.
        let latest = now.plus_millis(CHALLENGE_MILLIS + CLOCKS_APART_MILLIS);
        if !same(&proof, &said.proof) || said.expires > latest {
            return Err(SignInError::Challenge);
        }
        match now < said.expires {
            true => Ok(said),
            false => Err(SignInError::Used),
        }
    }

    fn mark(&self, session: &Digest) -> Digest {
        let parts = [self.origin.as_bytes(), session.as_bytes()];
        let context = self.suite.h_tag("access.session", &parts);
        self.key.mark(self.suite, "access token", &context)
    }

    /// A token for a session that begins.
    ///
    /// # Errors
    /// The entropy's.
    pub fn token(&self, entropy: &mut dyn Entropy) -> Result<Token, mifeng_crypto::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(&mut *secret)?;
        let mark = self.mark(&hashed(&secret));
        Ok(Token { secret, mark })
    }

    /// Name of the session that a token stands for, if the host made it: a guess costs no look into the list. Whether
    /// the session lasts is what the list says.
    pub fn session(&self, token: &str) -> Option<Digest> {
        let (secret, mark) = token.split_at_checked(64)?;
        let (secret, mark): (Digest, Digest) = (secret.parse().ok()?, mark.parse().ok()?);
        let session = hashed(secret.as_bytes());
        same(&self.mark(&session), &mark).then_some(session)
    }
}
