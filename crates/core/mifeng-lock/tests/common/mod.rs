//! A board of trustees under a fixed seed.
#![allow(dead_code, reason = "each test binary uses its own part")]

use mifeng_crypto::{SeededEntropy, Suite};
use mifeng_lock::dkg::{self, Setup, StaticKey, Transcript};
use mifeng_lock::{Board, SecretShare};

pub(crate) struct World {
    pub(crate) entropy: SeededEntropy,
    pub(crate) keys: Vec<StaticKey>,
    pub(crate) setup: Setup,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) transcript: Transcript,
    pub(crate) shares: Vec<SecretShare>,
}

impl World {
    pub(crate) fn new(suite: &'static Suite, t: u8, n: u8, seed: &str) -> Self {
        let mut entropy = SeededEntropy::new(seed.as_bytes());
        let keys: Vec<_> = (0..n)
            .map(|_| StaticKey::generate(suite, &mut entropy).expect("entropy"))
            .collect();
        let members = keys.iter().map(StaticKey::public).collect();
        let setup = Setup::new(suite, t, members, seed.as_bytes()).expect("setup");
        let messages: Vec<_> = keys
            .iter()
            .map(|key| dkg::round1(&setup, key, &mut entropy).expect("round 1"))
            .collect();
        let transcript = Transcript::build(&setup, &messages).expect("transcript");
        let shares = keys
            .iter()
            .map(|key| transcript.share(key).expect("share"))
            .collect();
        Self {
            entropy,
            keys,
            setup,
            messages,
            transcript,
            shares,
        }
    }

    pub(crate) fn board(&self) -> &Board {
        self.transcript.board()
    }
}
