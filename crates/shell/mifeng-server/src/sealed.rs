//! What a record says of the sealed bid that it brings.

use crate::limits::{BID_LEN_MAX, BLOCK_LEN};
use mifeng::Error;
use mifeng::crypto::Suite;
use mifeng::envelope::{SealRecord, Trailer};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BidReplace, BidSubmit, OfferSubmit};

/// Bytes of a sealed file beside its parts: magics, lengths (spec/envelope.md).
const FRAME_LEN: u64 = 44;

/// The seal that a record brings, if it is one that brings a bid.
fn seal_of(record: &Record) -> Result<String, Error> {
    Ok(match record.kind() {
        "bid.submit" => record.data::<BidSubmit>()?.seal,
        "bid.replace" => record.data::<BidReplace>()?.seal,
        "offer.submit" => record.data::<OfferSubmit>()?.seal,
        _ => return Err(malformed("record", "it brings no sealed bid")),
    })
}

fn malformed(what: &'static str, detail: &str) -> Error {
    Error::Malformed {
        what,
        detail: detail.to_owned(),
    }
}

fn seal_bytes(record: &Record) -> Result<Vec<u8>, Error> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let bytes = BASE64_STANDARD.decode(seal_of(record)?);
    bytes.map_err(|_| malformed("seal record", "not base64"))
}

/// Bytes of the whole sealed file that a record speaks of.
pub(crate) fn sealed_size(signed: &SignedRecord, suite: &'static Suite) -> Result<u64, Error> {
    let record = Record::verify(signed.clone(), suite)?;
    let bytes = seal_bytes(&record)?;
    let seal = SealRecord::parse(&bytes)?;
    // A record is `4 + h + 4 + t + 4 + s`; the file has the same parts and its own frame.
    let parts = bytes.len() as u64 - 12;
    let trailer: Trailer = mifeng::crypto::jcs::from_slice(seal.trailer(), BLOCK_LEN as usize)?;
    let size = trailer
        .body_len
        .checked_add(parts + FRAME_LEN)
        .filter(|size| *size <= BID_LEN_MAX);
    size.ok_or_else(|| {
        malformed(
            "seal record",
            "the sealed bid is larger than this host takes",
        )
    })
}
