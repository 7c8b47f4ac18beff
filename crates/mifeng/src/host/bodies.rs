//! Sealed bids on their way into the store.

use super::Host;
use crate::store::Store;
use crate::{Error, layout};
use mifeng_crypto::Digest;
use mifeng_envelope::SealRecord;
use mifeng_record::Record;
use mifeng_tender::{BidReplace, BidSubmit, OfferSubmit, Refusal, rules};
use std::io::Read;

impl<S: Store> Host<S> {
    /// Streams the sealed bid into the store; the record decides if it stays.
    pub(super) fn stage_body(&mut self, body: &mut dyn Read) -> Result<String, Error> {
        let name = layout::INCOMING;
        self.store
            .write(name, body)
            .map_err(|e| Error::io("sealed bid", &e))?;
        Ok(name.to_owned())
    }

    /// The sealed bid must be the one that the record's seal names, whole (root and length).
    pub(super) fn check_body(
        &self,
        record: &Record,
        staged: Option<&str>,
    ) -> Result<Option<Digest>, Error> {
        let (seal, lot) = match record.kind() {
            "bid.submit" => (record.data::<BidSubmit>()?.seal, None),
            "bid.replace" => (record.data::<BidReplace>()?.seal, None),
            "offer.submit" => {
                let offer = record.data::<OfferSubmit>()?;
                (offer.seal, Some(offer.lot))
            }
            _ => return Ok(None),
        };
        let bad = |detail: &str| Error::from(Refusal::by(&rules::BAD_SEAL, detail));
        let staged = staged.ok_or_else(|| bad("the sealed bid file is missing"))?;
        let seal = crate::decode_base64("seal record", &seal)?;
        let seal = SealRecord::parse(&seal).map_err(|e| bad(&e.to_string()))?;
        let verified = match lot {
            None => self.replay.state.verify_seal(&seal)?,
            Some(lot) => self.replay.state.verify_offer(&lot, &seal)?,
        };
        let mut file = self.store.open(staged).map_err(|e| Error::io(staged, &e))?;
        let sealed =
            mifeng_envelope::SealedFile::read(&mut *file).map_err(|e| bad(&e.to_string()))?;
        if *sealed.record() != seal {
            return Err(bad("the file holds another seal than the record"));
        }
        mifeng_envelope::check_body(&mut *file, &verified).map_err(|e| bad(&e.to_string()))?;
        Ok(Some(verified.id()))
    }

    pub(super) fn keep_body(&mut self, staged: &str, id: &Digest) -> Result<(), Error> {
        // What was checked, and no copy of it: gigabytes are written once.
        self.store
            .rename(staged, &layout::seal(id))
            .map_err(|e| Error::io("sealed bid", &e))
    }
}
