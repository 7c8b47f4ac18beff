//! What the host did not take and shows all the same: bids that came too late or not as required, for the opening
//! record, and false shares of bids, draws and one-time keys, as evidence against their trustee.

use super::Host;
use crate::store::Store;
use crate::{Error, decode_base64, encode_base64};
use mifeng_crypto::{Digest, Entropy, Time, jcs};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{BidRefuse, REFUSED_MAX, ShareFalse, Stage, rules};
use serde::{Deserialize, Serialize};

/// Refused records, until they are in the log and after.
pub(super) const REFUSED: &str = "refused/";
/// Of one trustee: each of its records may hold a share for every bid, so one convicts as well as many.
const SHARES_PER_TRUSTEE: usize = 16;
/// Of one bidder, beside one for each lot: what was cut off on its way is sent again a few times.
const BIDS_BESIDE_LOTS: usize = 8;
/// One of them is a record of at most 4 MiB in base64.
const KEPT_LEN_MAX: usize = 8 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    body: String,
    received: Time,
    sig: String,
}

/// Body and signature of a refused record, in base64.
pub(super) fn kept(bytes: &[u8]) -> Result<(String, String), Error> {
    let kept: Kept = jcs::from_slice(bytes, KEPT_LEN_MAX)?;
    Ok((kept.body, kept.sig))
}

fn brings_bid(record: &Record) -> bool {
    matches!(record.kind(), "bid.submit" | "bid.replace")
}

impl<S: Store> Host<S> {
    /// Keeps a refused record, if it is one that the log will show. Until the close nobody may learn from the log
    /// that somebody sent a bid.
    pub(super) fn keep_refused(
        &mut self,
        signed: SignedRecord,
        received: Time,
        code: &str,
    ) -> Result<(), Error> {
        let Ok(record) = Record::verify(signed.clone(), self.suite()) else {
            return Ok(());
        };
        // Where the beats are over, what is handed in counts from after the last one.
        let received = match self.state().stage() {
            Stage::Open => self.counted_from(received)?,
            _ => received,
        };
        let Some((sender, most)) = self.shown_for(&record, received, code) else {
            return Ok(());
        };
        // What one sends never takes the place of what another sends, nor bids that of shares.
        let kind = if brings_bid(&record) { "bid" } else { "share" };
        let of_kind = format!("{REFUSED}{kind}-");
        let of_sender = format!("{of_kind}{sender}-");
        let name = format!("{of_sender}{}.json", record.commitment());
        let listed = self.store.list(&of_kind);
        let listed = listed.map_err(|e| Error::io(REFUSED, &e))?;
        let own = listed
            .iter()
            .filter(|(known, _)| known.starts_with(&of_sender));
        if listed.len() >= REFUSED_MAX
            || own.clone().count() >= most
            || own.clone().any(|(known, _)| *known == name)
        {
            return Ok(());
        }
        let kept = Kept {
            body: encode_base64(&signed.body),
            received,
            sig: encode_base64(&signed.signature),
        };
        self.put(&name, &jcs::to_vec(&kept)?)
    }

    /// Whose record it is and how many of that sender are kept, if the refusal ends a bid, or convicts a trustee: of a
    /// signer that the tender recognises.
    fn shown_for(&self, record: &Record, received: Time, code: &str) -> Option<(Digest, usize)> {
        let state = self.state();
        if code == rules::BAD_SHARE.code {
            let convicted = state.convicted(record).ok().flatten();
            return convicted.map(|_| (record.actor(), SHARES_PER_TRUSTEE));
        }
        let ends = [rules::LATE.code, rules::BAD_SEAL.code, rules::COPIED.code];
        if !brings_bid(record) || record.origin() != state.origin() || !ends.contains(&code) {
            return None;
        }
        let usage = mifeng_pki::trust::Usage::BidSigning;
        let trust = self.replay.trust();
        let organisation =
            state.organisation(record.signer()?, record.chain(), usage, received, &trust);
        // By the organisation, however many certificates it has.
        let sender = self.suite().hash().digest(organisation.ok()?.as_bytes());
        let lots = state.notice().map_or(0, |(_, notice)| notice.lots.len());
        Some((sender, lots + BIDS_BESIDE_LOTS))
    }

    /// Logs what was refused and is not shown yet: after the close bids, in the opening and later false shares.
    /// Returns how many records were logged. A bid that was sent again and taken is no refused bid.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn log_refused(&mut self, now: Time, entropy: &mut dyn Entropy) -> Result<usize, Error> {
        let listed = self.store.list(REFUSED);
        let listed = listed.map_err(|e| Error::io(REFUSED, &e))?;
        let mut logged = 0;
        for (name, _) in listed {
            let bytes = self.store.read(&name).map_err(|e| Error::io(&name, &e))?;
            let kept: Kept = jcs::from_slice(&bytes.unwrap_or_default(), KEPT_LEN_MAX)?;
            let signed = SignedRecord {
                body: decode_base64("refused record", &kept.body)?,
                signature: decode_base64("refused record", &kept.sig)?,
            };
            let record = Record::verify(signed, self.suite())?;
            let id = record.commitment();
            let state = self.state();
            let shown = state.refused().contains_key(&id)
                || state.false_shares().iter().any(|known| known.record == id);
            if shown {
                continue;
            }
            let draft = if brings_bid(&record) {
                let Ok((status, cause, _)) = state.why_refused(&record, kept.received) else {
                    continue;
                };
                let data = BidRefuse {
                    body: kept.body,
                    cause: cause.to_owned(),
                    received: kept.received,
                    sig: kept.sig,
                    status,
                };
                self.draft("bid.refuse", &data, now, entropy)?
            } else {
                let data = ShareFalse {
                    body: kept.body,
                    sig: kept.sig,
                };
                self.draft("share.false", &data, now, entropy)?
            };
            match self.submit(draft, None, now) {
                Ok(()) => logged += 1,
                // Out of its stage, or taken in the end.
                Err(Error::Refused(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(logged)
    }
}
