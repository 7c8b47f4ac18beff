//! What was refused and stands in the log all the same: bids that came too late or not as required, and shares that
//! convict the trustee who signed them (spec/events.md, Refused records).

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Act, Stage, State};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time};
use mifeng_envelope::VerifiedSeal;
use mifeng_lock::share::ShareRecord;
use mifeng_lock::{Share, tdh2};
use mifeng_pki::Certificate;
use mifeng_pki::trust::Usage;
use mifeng_record::{Record, SignedRecord};

/// Refused records of one kind in one log: late senders must not be able to fill it.
pub const REFUSED_MAX: usize = 1_000;
/// The cause of a bid whose record came in time and whose file never came, or is another.
pub const NO_BODY: &str = "bid.no-body";

/// A trustee's record with a share that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseShare {
    /// Commitment of the refused record.
    pub record: Digest,
    /// The trustee's certificate.
    pub actor: Digest,
    /// Its name.
    pub name: String,
    /// Its index on the board.
    pub index: u8,
    /// What is wrong.
    pub detail: String,
}

fn malformed(detail: impl Into<String>) -> Refusal {
    Refusal::new(&refusal::MALFORMED, detail)
}

/// Evidence is worth nothing without the signature.
fn signer_of(inner: &Record) -> Result<&Certificate, Refusal> {
    let signer = inner.signer();
    signer.ok_or_else(|| malformed("the refused record is without its signature"))
}

impl State {
    /// `bid.refuse`: the host shows a bid that it did not take, as it came.
    pub(crate) fn bid_refuse(&mut self, data: &BidRefuse, act: &Act<'_>) -> Result<(), Refusal> {
        if self.stage != Stage::Opening {
            self.require(Stage::Window)?;
        }
        self.require_host(act.record)?;
        if data.received > act.record.time() {
            return Err(malformed("received after the record was signed"));
        }
        let row = self.refused_row(data, act)?;
        if self.refused.len() >= REFUSED_MAX {
            return Err(malformed(format!("more than {REFUSED_MAX} refused bids")));
        }
        if self.refused.insert(row.seal, row.clone()).is_some() {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("refused record {}", row.seal),
            ));
        }
        Ok(())
    }

    /// What the opening record will say of a refused bid.
    fn refused_row(&self, data: &BidRefuse, act: &Act<'_>) -> Result<MinutesRow, Refusal> {
        let inner = self.inner(&data.body, &data.sig)?;
        let (status, cause, seal) = self.why_refused(&inner, data.received)?;
        if (data.status, data.cause.as_str()) != (status, cause) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("{status:?} for {cause} follows from the record"),
            ));
        }
        if self.refused.contains_key(&inner.commitment()) {
            return Err(Refusal::new(&refusal::DUPLICATE, "refused and told before"));
        }
        if let Some(id) = seal.as_ref().map(VerifiedSeal::id)
            && self.bids.contains_key(&id)
        {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("seal {id} was taken"),
            ));
        }
        let of = (signer_of(&inner)?, inner.chain());
        let on = (data.received, data.received);
        let bidder = self.organisation_on(of, Usage::BidSigning, on, act.trust)?;
        Ok(MinutesRow {
            lot: seal.map_or_else(String::new, |seal| seal.context().lot.clone()),
            seal: inner.commitment(),
            bidder,
            name: inner.signer_name(),
            status,
            price: None,
        })
    }

    /// Status and cause of a bid that the host did not take, and its seal if that holds.
    ///
    /// # Errors
    /// [`refusal::MALFORMED`] for a record that brings no bid; [`refusal::NOT_RECOMPUTED`] where it should have been taken.
    pub fn why_refused(
        &self,
        record: &Record,
        received: Time,
    ) -> Result<(BidStatus, &'static str, Option<VerifiedSeal>), Refusal> {
        let notice = self.notice.as_ref().map(|(_, notice)| notice);
        let notice = notice.ok_or_else(|| malformed("there is no notice yet"))?;
        let unread = |e: mifeng_record::Error| malformed(e.to_string());
        let seal = match record.kind() {
            "bid.submit" => record.data::<BidSubmit>().map_err(unread)?.seal,
            "bid.replace" => record.data::<BidReplace>().map_err(unread)?.seal,
            other => return Err(malformed(format!("{other} brings no bid"))),
        };
        let seal = self.seal_of(&seal, record);
        if received >= notice.deadline {
            return Ok((BidStatus::RefusedLate, refusal::LATE.code, seal.ok()));
        }
        Ok(match seal {
            Err(no) => (BidStatus::RefusedUnsealed, no.code(), None),
            // There the record alone is a bid: a host that did not take it has no reason.
            Ok(_) if notice.body_grace_ms > 0 => {
                return Err(Refusal::new(
                    &refusal::NOT_RECOMPUTED,
                    "the seal holds, and its file may come later",
                ));
            }
            Ok(seal) => (BidStatus::RefusedUnsealed, NO_BODY, Some(seal)),
        })
    }

    fn seal_of(&self, text: &str, record: &Record) -> Result<VerifiedSeal, Refusal> {
        let seal = self.read_seal(text)?;
        if seal.context().bidder_cert != record.actor() {
            return Err(Refusal::new(
                &refusal::COPIED,
                "bound to another certificate",
            ));
        }
        Ok(seal)
    }

    /// `share.false`: the host shows a trustee's record with a share whose proof does not hold.
    pub(crate) fn share_false(&mut self, data: &ShareFalse, act: &Act<'_>) -> Result<(), Refusal> {
        if self.stage < Stage::Opening {
            self.require(Stage::Opening)?;
        }
        self.require_host(act.record)?;
        let inner = self.inner(&data.body, &data.sig)?;
        if inner.time() > act.record.time() {
            return Err(malformed("signed after the record that shows it"));
        }
        let recognition = self.recognition(act.trust);
        let recognition = recognition.ok_or_else(|| malformed("there is no notice yet"))?;
        let signer = (signer_of(&inner)?, inner.chain());
        recognition.judge(signer, &[Usage::Trustee], inner.time(), inner.time())?;
        let (index, detail) = self.convicted(&inner)?.ok_or_else(|| {
            Refusal::new(&refusal::NOT_RECOMPUTED, "every share in the record holds")
        })?;
        let known = |other: &FalseShare| other.record == inner.commitment();
        if self.false_shares.iter().any(known) {
            return Err(Refusal::new(&refusal::DUPLICATE, "shown before"));
        }
        if self.false_shares.len() >= REFUSED_MAX {
            return Err(malformed(format!("more than {REFUSED_MAX} false shares")));
        }
        self.false_shares.push(FalseShare {
            record: inner.commitment(),
            actor: inner.actor(),
            name: inner.signer_name(),
            index,
            detail,
        });
        Ok(())
    }

    /// The index of the trustee whom a record convicts, and of what: a share of a known bid or draw whose proof does
    /// not hold, or a revealed share of the one-time key that is not the member's. A record that was refused for another reason convicts nobody.
    ///
    /// # Errors
    /// [`refusal::MALFORMED`] for a record that brings no shares; [`refusal::NOT_AUTHORISED`] if its signer is not
    /// the trustee of its index.
    pub fn convicted(&self, record: &Record) -> Result<Option<(u8, String)>, Refusal> {
        let unread = |e: mifeng_record::Error| malformed(e.to_string());
        let curve = self.suite.curve();
        let read = |index: u8, share: &ShareRecord| {
            let share = Share::from_record(curve, share).map_err(|e| e.to_string())?;
            match share.index == index {
                true => Ok(share),
                false => Err(format!("a share of trustee {}", share.index)),
            }
        };
        match record.kind() {
            "board.share" => {
                let data: BoardShares = record.data().map_err(unread)?;
                let board = self.board_of(record, data.index)?;
                for row in &data.shares {
                    let bid = self.bids.get(&row.seal);
                    let leaf = bid.and_then(|bid| bid.seal.group_leaf(&row.path));
                    let Some(leaf) = leaf.filter(|leaf| leaf.key == board.key()) else {
                        continue;
                    };
                    let holds = read(data.index, &row.share).and_then(|share| {
                        tdh2::verify_share(board, &leaf.ciphertext, &share)
                            .map_err(|e| e.to_string())
                    });
                    if let Err(detail) = holds {
                        return Ok(Some((data.index, format!("seal {}: {detail}", row.seal))));
                    }
                }
                Ok(None)
            }
            "draw.share" => {
                let data: DrawShare = record.data().map_err(unread)?;
                let index = data.share.index;
                self.require_trustee(record, index)?;
                let (Some(draw), Some(board)) = (self.known_draw(&data.draw), self.board()) else {
                    return Ok(None);
                };
                let holds = read(index, &data.share)
                    .and_then(|share| draw.verify_share(board, &share).map_err(|e| e.to_string()));
                Ok(holds
                    .err()
                    .map(|detail| (index, format!("draw {}: {detail}", data.draw))))
            }
            "key.reveal" => {
                let data: KeyReveal = record.data().map_err(unread)?;
                self.require_member(record, data.index)?;
                let Some(board) = self.one_time_board() else {
                    return Ok(None);
                };
                let holds = board.revealed(data.index, data.share.as_bytes());
                Ok(holds
                    .err()
                    .map(|e| (data.index, format!("one-time key: {e}"))))
            }
            other => Err(malformed(format!("{other} brings no shares"))),
        }
    }

    /// A record inside a record: whole, signed, and made for this log.
    fn inner(&self, body: &str, sig: &str) -> Result<Record, Refusal> {
        let decode = |text: &str| {
            BASE64_STANDARD
                .decode(text)
                .map_err(|_| malformed("the refused record is not base64"))
        };
        let signed = SignedRecord {
            body: decode(body)?,
            signature: decode(sig)?,
        };
        let inner =
            Record::verify(signed, self.suite).map_err(|e| malformed(format!("inside: {e}")))?;
        if inner.origin() != self.origin {
            return Err(Refusal::new(
                &refusal::WRONG_ORIGIN,
                format!("the refused record is for {}", inner.origin()),
            ));
        }
        Ok(inner)
    }

    /// Bids that were not taken, by the commitment of their record.
    pub fn refused(&self) -> &std::collections::BTreeMap<Digest, MinutesRow> {
        &self.refused
    }

    /// The false shares that the log shows.
    pub fn false_shares(&self) -> &[FalseShare] {
        &self.false_shares
    }
}
