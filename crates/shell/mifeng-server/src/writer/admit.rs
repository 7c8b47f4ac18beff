//! Before the file of a bid is sent: what could never be handed in is refused before gigabytes come.

use super::Writer;
use super::desk::stopped;
use mifeng::crypto::{Digest, Time};
use mifeng::pki::trust::Usage;
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BidLife, BidReplace, RECORDS_PER_ACTOR_MAX, Refusal, Stage, State, rules};
use mifeng::{Error, Store};

/// A bid that may be sent.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) commitment: Digest,
    /// Whoever signed it.
    pub(crate) actor: Digest,
    /// Bytes of the whole sealed file.
    pub(crate) size: u64,
    /// Lots of the tender.
    pub(crate) lots: usize,
}

impl<S: Store + 'static> Writer<S> {
    /// Judges whether the signer of a bid's record may send its file.
    pub(super) fn admit(&self, record: SignedRecord) -> Result<Admitted, Error> {
        let state = self.host.state();
        let now = self.clock.now();
        let size = crate::sealed::sealed_size(&record, state.suite())?;
        let signed = record.clone();
        let record = Record::verify(record, state.suite())?;
        let usage = Usage::BidSigning;
        let signer = record.signer().ok_or_else(stopped)?;
        let trust = self.host.replay().trust();
        let _ = state.organisation(signer, record.chain(), usage, now, &trust)?;
        // Before gigabytes are sent that could not be handed in; what is in already may ask for its receipt.
        let (number, next) = (record.seq(), state.next_seq(&record.actor()));
        let waits = self.waiting.contains_key(&record.commitment());
        if self.host.awaits_body(&record.commitment()) {
            self.host.body_due(now)?;
            // Nobody opens what was withdrawn or replaced.
            if state.stage() > Stage::Open && !is_live(state, &record.commitment()) {
                let detail = format!("record {}", record.commitment());
                return Err(Refusal::by(&rules::UNKNOWN_SEAL, detail).into());
            }
        } else if !waits {
            if number >= next && number < RECORDS_PER_ACTOR_MAX {
                require_replaced(state, &record, now)?;
            } else if self.host.receipt_again(&signed, now).is_err() {
                let detail = format!("expected number {next}, found {number}");
                return Err(Refusal::by(&rules::REPLAY, detail).into());
            }
        }
        Ok(Admitted {
            commitment: record.commitment(),
            actor: record.actor(),
            size,
            lots: state.notice().map_or(0, |(_, notice)| notice.lots.len()),
        })
    }
}

/// Whether a record brought a bid that still counts.
fn is_live(state: &State, record: &Digest) -> bool {
    let mut bids = state.bids().values();
    bids.any(|bid| bid.record == *record && bid.life == BidLife::Live)
}

/// A bid replaces one of its own signer's that still counts. Whoever asks about anybody else's is told the same, whether it
/// is there or not. The new seal is judged when the bid is handed in, as that of a first bid: what is refused then is told.
fn require_replaced(state: &State, record: &Record, now: Time) -> Result<(), Error> {
    let is_open = state.notice().is_some_and(|(_, n)| now < n.deadline);
    // What is late is told so when it is handed in.
    if record.kind() != "bid.replace" || state.stage() != Stage::Open || !is_open {
        return Ok(());
    }
    let old = record.data::<BidReplace>()?.old;
    let own = state.bids().get(&old).filter(|bid| {
        bid.life == BidLife::Live && bid.seal.context().bidder_cert == record.actor()
    });
    match own {
        Some(_) => Ok(()),
        None => Err(Refusal::by(&rules::UNKNOWN_SEAL, format!("seal {old}")).into()),
    }
}
