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
use mifeng_pki::Certificate;
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
    /// Computes what it can of records that were received at an instant each and whose turn comes later, in this thread and
    /// side by side. What is wrong with one is found again, and said, in its turn.
    pub fn look_ahead(&self, records: &[(&Record, Time)], trust: &Trust<'_>) -> Vec<Ahead> {
        find_makers(records, trust);
        let mut all: Vec<Ahead> = records.iter().map(|_| Ahead::default()).collect();
        let mut bids = Vec::new();
        for (ahead, (record, at)) in all.iter_mut().zip(records) {
            // Certificates remember who made them.
            let _ = self.check_signer(record, *at, *at, trust);
            match Event::read(record) {
                Ok(Some(Event::Submit(data))) => bids.push((ahead, data.seal, *at)),
                Ok(Some(Event::Replace(data))) => bids.push((ahead, data.seal, *at)),
                Ok(Some(Event::Open(data))) => {
                    let sigma = self.sigma(&data.seal).ok();
                    ahead.sigma = sigma.map(|sigma| (self.changes, data.seal, Arc::new(sigma)));
                }
                _ => {}
            }
        }
        let seals: Vec<&str> = bids.iter().map(|(_, seal, _)| seal.as_str()).collect();
        let verified = self.read_seals(&seals);
        for ((ahead, seal, at), verified) in bids.iter_mut().zip(verified) {
            ahead.seal = self.seal_ahead(seal, verified, *at, trust);
        }
        all
    }

    /// The same for a bid that is opened, again: once its turn is near, all shares are known that were released before it.
    pub fn open_ahead(&self, record: &Record) -> Ahead {
        let seal = record.text_member("seal").and_then(|id| id.parse().ok());
        let sigma = seal.and_then(|seal| Some((seal, self.sigma(&seal).ok()?)));
        Ahead {
            sigma: sigma.map(|(seal, sigma)| (self.changes, seal, Arc::new(sigma))),
            ..Ahead::default()
        }
    }

    fn seal_ahead(
        &self,
        seal: &str,
        verified: Option<VerifiedSeal>,
        at: Time,
        trust: &Trust<'_>,
    ) -> Option<(SealBasis, Box<VerifiedSeal>)> {
        let (basis, verified) = (self.seal_basis(seal)?, verified?);
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

/// Finds out side by side whether the signers' certificates were made by those whom they name.
fn find_makers(records: &[(&Record, Time)], trust: &Trust<'_>) {
    let pair = |(record, _): &(&'_ Record, Time)| {
        let signer = record.signer()?;
        let mut issuers = record.chain().iter().chain(trust.roots);
        Some((
            signer.clone(),
            issuers
                .find(|issuer| issuer.subject_raw() == signer.issuer_raw())?
                .clone(),
        ))
    };
    let mut pairs: Vec<(Certificate, Certificate)> = records.iter().filter_map(pair).collect();
    // Neighbours are often of one signer.
    pairs.dedup_by(|a, b| a.0 == b.0);
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(child, issuer)| (child, issuer))
        .collect();
    Certificate::find_makers(&pairs);
}
