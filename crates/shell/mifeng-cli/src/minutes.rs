//! The opening record in words.

use mifeng::tender::{BidStatus, MinutesRow};

/// Digits of a seal by which two bids of one bidder can be told apart.
const SEAL_SHOWN: usize = 8;

/// A row in both languages: lot, bidder with its code and the bid's first digits, the price that was read out, what became of
/// the bid.
pub(crate) fn row(row: &MinutesRow) -> (String, String) {
    let (zh, en) = status(row.status);
    let lot = match row.lot.as_str() {
        "" => "-",
        lot => lot,
    };
    let seal = row.seal.to_string();
    let (code, seal) = (&row.bidder, &seal[..SEAL_SHOWN]);
    let name = format!("{} ({code} {seal}…)", row.name);
    match &row.price {
        Some(price) => (
            format!("标段 {lot}  {name}  {price} 元  {zh}"),
            format!("lot {lot}  {name}  {price} yuan  {en}"),
        ),
        None => (
            format!("标段 {lot}  {name}  {zh}"),
            format!("lot {lot}  {name}  {en}"),
        ),
    }
}

/// A status as the opening record says it.
pub(crate) fn status(status: BidStatus) -> (&'static str, &'static str) {
    match status {
        BidStatus::Opened => ("已开标", "opened"),
        BidStatus::Remedied => ("补救后开标", "opened by the remedy plan"),
        BidStatus::RevokedBidderCause => (
            "视为撤销（投标人原因）",
            "treated as revoked: its own cause",
        ),
        BidStatus::WithdrawnOtherCause => (
            "视为撤回（他方原因）",
            "treated as withdrawn: another's cause",
        ),
        BidStatus::WithdrawnBeforeDeadline => ("截止前撤回", "withdrawn before the deadline"),
        BidStatus::Replaced => ("截止前被替换", "replaced before the deadline"),
        BidStatus::NotOpened => ("不足三家，未开", "too few bids: not opened"),
        BidStatus::RefusedLate => ("逾期送达，拒收", "refused: came after the deadline"),
        BidStatus::RefusedUnsealed => ("未按要求密封，拒收", "refused: not sealed as required"),
    }
}
