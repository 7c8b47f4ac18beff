//! What can be computed of a record before its turn, on any thread.
//!
//! Replaying a large log is mostly curve arithmetic, which needs no order: whether a seal holds, whether a certificate was
//! made by its issuer, what secret the released shares give. [`State::look_ahead`] does that against the state as it is;
//! [`State::apply_ahead`] takes what was found only if what it was found from is still the same, and is [`State::apply`]
//! in everything else. Nothing is decided ahead: every rule is asked in the record's turn.

use crate::events::Event;
use crate::refusal::Refusal;
use crate::state::{State, Trust};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::{Sigma, VerifiedSeal};
use mifeng_record::Record;
use std::sync::Arc;

/// What was found of one record; by default nothing.
#[derive(Default)]
pub struct Ahead {
    /// The seal that a bid brings.
    seal: Option<(SealBasis, Box<VerifiedSeal>)>,
    /// The secret of a bid that is opened, and after how many records that can change it.
    sigma: Option<(u64, Digest, Arc<Sigma>)>,
}

/// All that decides whether a seal holds, beside the seal.
#[derive(PartialEq)]
struct SealBasis {
    /// The notice: lots, policy and chains never change with it.
    notice: Digest,
    boards: Vec<Digest>,
    /// The hash of what the record says of it.
    seal: Digest,
}

impl State {
    /// Computes what it can of a record that was received at `at` and whose turn comes later. What is wrong with it is
    /// found again, and said, in its turn.
    pub fn look_ahead(&self, record: &Record, at: Time, trust: &Trust<'_>) -> Ahead {
        let mut ahead = Ahead::default();
        // Certificates remember who made them.
        let _ = self.check_signer(record, at, at, trust);
        match Event::read(record) {
            Ok(Some(Event::Submit(data))) => ahead.seal = self.seal_ahead(&data.seal, at, trust),
            Ok(Some(Event::Replace(data))) => ahead.seal = self.seal_ahead(&data.seal, at, trust),
            Ok(Some(Event::Open(data))) => {
                let sigma = self.sigma(&data.seal).ok();
                ahead.sigma = sigma.map(|sigma| (self.changes, data.seal, Arc::new(sigma)));
            }
            _ => {}
        }
        ahead
    }

    fn seal_ahead(
        &self,
        seal: &str,
        at: Time,
        trust: &Trust<'_>,
    ) -> Option<(SealBasis, Box<VerifiedSeal>)> {
        let basis = self.seal_basis(seal)?;
        let verified = self.read_seal(seal).ok()?;
        if let Some(encryption) = verified.encryption_certificate() {
            let usage = mifeng_pki::trust::Usage::BidEncryption;
            let _ = self.organisation(encryption, verified.chain(), usage, at, trust);
        }
        Some((basis, Box::new(verified)))
    }

    fn seal_basis(&self, seal: &str) -> Option<SealBasis> {
        let (notice, _) = self.notice.as_ref()?;
        let boards = self.boards();
        Some(SealBasis {
            notice: *notice,
            boards: boards.iter().map(|board| board.key()).collect(),
            seal: self.suite.hash().digest(seal.as_bytes()),
        })
    }

    /// The seal that a record brings: found ahead, or verified now.
    pub(crate) fn verified_seal(&self, seal: &str, ahead: &Ahead) -> Result<VerifiedSeal, Refusal> {
        match &ahead.seal {
            Some((basis, verified)) if self.seal_basis(seal).as_ref() == Some(basis) => {
                Ok((**verified).clone())
            }
            _ => self.read_seal(seal),
        }
    }

    /// The secret of a bid: found ahead, or put together now.
    pub(crate) fn sigma_of(&self, seal: &Digest, ahead: &Ahead) -> Result<Arc<Sigma>, Refusal> {
        match &ahead.sigma {
            Some((changes, of, sigma)) if *changes == self.changes && of == seal => {
                Ok(Arc::clone(sigma))
            }
            _ => self.sigma(seal).map(Arc::new),
        }
    }
}
