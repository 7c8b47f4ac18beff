//! What the host did not take and shows all the same: bids that came too late or not as required, for the opening
//! record, and false shares, as evidence against their trustee.

use super::Host;
use crate::store::Store;
use crate::{Error, decode_base64, encode_base64};
use mifeng_crypto::{Entropy, Time, jcs};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{BidRefuse, REFUSED_MAX, ShareFalse, Stage, rules};
use serde::{Deserialize, Serialize};

/// Refused records, until they are in the log and after.
const REFUSED: &str = "refused/";
/// One of them is a record of at most 4 MiB in base64.
const KEPT_LEN_MAX: usize = 8 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    body: String,
    received: Time,
    sig: String,
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
        if !self.is_shown(&record, received, code) {
            return Ok(());
        }
        let name = format!("{REFUSED}{}.json", record.commitment());
        let listed = self.store.list(REFUSED);
        let listed = listed.map_err(|e| Error::io(REFUSED, &e))?;
        if listed.len() >= 2 * REFUSED_MAX || listed.iter().any(|(known, _)| *known == name) {
            return Ok(());
        }
        let kept = Kept {
            body: encode_base64(&signed.body),
            received,
            sig: encode_base64(&signed.signature),
        };
        self.put(&name, &jcs::to_vec(&kept)?)
    }

    /// Whether the refusal ends a bid, or convicts a trustee: of a signer that the tender recognises.
    fn is_shown(&self, record: &Record, received: Time, code: &str) -> bool {
        let state = self.state();
        if code == rules::BAD_SHARE.code {
            return matches!(state.convicted(record), Ok(Some(_)));
        }
        let ends = [rules::LATE.code, rules::BAD_SEAL.code, rules::COPIED.code];
        let usage = mifeng_pki::trust::Usage::BidSigning;
        let trust = self.replay.trust();
        let Some(signer) = record.signer() else {
            return false;
        };
        brings_bid(record)
            && record.origin() == state.origin()
            && ends.contains(&code)
            && state
                .organisation(signer, record.chain(), usage, received, &trust)
                .is_ok()
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
