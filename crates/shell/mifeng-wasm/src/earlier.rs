//! A bid that was handed in before: what its record shows of it, and the record that withdraws it.
//!
//! Bids are hidden until the close, so the log does not show them: the bid's own record does, under the bidder's signature.
//! What is signed here is `bid.withdraw`, and of that very bid alone which such a record of the signer's own certificate
//! brought into this log, and which the bidder was shown.

use crate::audit::{Problem, Text, small_up_to};
use crate::desk::{LotShown, Named, in_chinese, replayed};
use crate::number::Known;
use crate::slices::{Given, ReadAt};
use crate::wallet::Wallet;
use mifeng::bidder::{self, What};
use mifeng::crypto::{Digest, Entropy, Time};
use mifeng::envelope::VerifiedSeal;
use mifeng::pki::trust::Usage;
use mifeng::pki::{Certificate, Signer};
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{BidWithdraw, Refusal, rules};
use mifeng::{Error, Replay};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a record's file: a bid's has some kilobytes.
const RECORD_LEN_MAX: u64 = 2 << 20;

/// Which bid, in which tender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierRequest {
    /// The bundle.
    pub tender: Given,
    /// The record that brought the bid.
    pub record: Given,
}

/// What the record of a bid shows.
#[derive(Clone, Debug, Serialize)]
pub struct Earlier {
    /// The log's name.
    pub origin: String,
    /// Its lot.
    pub lot: LotShown,
    /// Id of its seal.
    pub seal: Named,
    /// What stands for the record in the log: its receipt has this name at the host.
    pub commitment: Digest,
    /// Who signed it.
    pub signer: String,
}

/// The answer of [`earlier`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct EarlierTold {
    /// What was found.
    pub bid: Option<Earlier>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

/// A bid that the bidder was shown, as [`earlier`] told it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldBid {
    /// The record that brought it.
    pub record: Given,
    /// Id of its seal.
    pub seal: Digest,
}

/// What is withdrawn, by whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// The bundle.
    pub tender: Given,
    /// Key files and certificates.
    pub identity: Vec<Given>,
    /// The browser's clock.
    pub at: Time,
    /// The bid.
    pub bid: OldBid,
    /// The least number of the record in the bidder's own count: the page's memory.
    pub number: u64,
}

/// The signed withdrawal.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawal {
    /// The signed record.
    pub record: String,
    /// The file of the identity folder that keeps the count, and what it must say now.
    pub count: (String, String),
    /// The next number.
    pub next: u64,
}

/// The answer of [`withdraw`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Withdrawn {
    /// What was signed.
    pub kept: Option<Withdrawal>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

/// Reads the record of a bid, and checks it and the seal that it brings against the tender's records.
pub fn earlier(request: &EarlierRequest, from: &Arc<dyn ReadAt>) -> EarlierTold {
    match told(request, from) {
        Ok(bid) => EarlierTold {
            bid: Some(bid),
            problem: None,
        },
        Err(problem) => EarlierTold {
            bid: None,
            problem: Some(in_chinese(problem, "不是本项目的投标记录")),
        },
    }
}

fn told(request: &EarlierRequest, from: &Arc<dyn ReadAt>) -> Result<Earlier, Problem> {
    let of_tender = |e: Error| Problem::of(&request.tender, &e);
    let replay = replayed(&request.tender, from).map_err(of_tender)?;
    let old = Old::read(&replay, &request.record, from)?;
    let lot = &old.seal.context().lot;
    let notice = replay.state.notice();
    let lot = notice.and_then(|(_, notice)| notice.lot(lot));
    // A seal that was verified is for a lot of the notice.
    let lot = lot.ok_or_else(|| of_tender(Refusal::by(&rules::MALFORMED, "lot").into()))?;
    Ok(Earlier {
        origin: replay.state.origin().to_owned(),
        lot: LotShown::of(lot),
        seal: Named::new(lot.id.clone(), old.seal.id()),
        commitment: old.record.commitment(),
        signer: old.record.signer_name(),
    })
}

/// Signs the withdrawal of a bid.
pub fn withdraw(
    request: &WithdrawRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> Withdrawn {
    match signed(request, pin, from, entropy) {
        Ok(kept) => Withdrawn {
            kept: Some(kept),
            problem: None,
        },
        Err(problem) => Withdrawn {
            kept: None,
            problem: Some(in_chinese(problem, "未能签署撤回")),
        },
    }
}

fn signed(
    request: &WithdrawRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> Result<Withdrawal, Problem> {
    let about = |e: Error| Problem::about("", &e);
    let replay = replayed(&request.tender, from).map_err(|e| Problem::of(&request.tender, &e))?;
    let old = Old::shown(&replay, &request.bid, from)?;
    old.in_time(&replay, request.at)?;
    let wallet = Wallet::open(&request.identity, pin, from)?;
    let of_record = |one: &Certificate, _: &[Certificate]| old.is_of(&replay, one);
    let signer = wallet.signer(&of_record).map_err(about)?;
    drop(wallet);
    old.own(&replay, signer.certificate())?;
    let (state, trust) = (&replay.state, &replay.trust());
    let (certificate, usage) = (signer.certificate(), Usage::BidSigning);
    // As the host will read it.
    let known = state.organisation(certificate, signer.chain(), usage, request.at, trust);
    known.map_err(|no| about(no.into()))?;
    let known = Known {
        identity: &request.identity,
        page: request.number,
        earlier: Some(&old.record),
        at: request.at,
    };
    let number = known.next(&replay, &signer, from)?;
    let data = BidWithdraw {
        seal: old.seal.id(),
    };
    let when = (number, request.at);
    let made = mifeng::sign_numbered(state, "bid.withdraw", &data, &signer, when, entropy);
    let record = made.and_then(|made| text(&made)).map_err(about)?;
    Ok(Withdrawal {
        record,
        count: (bidder::count_file(&replay), format!("{}\n", number + 1)),
        next: number + 1,
    })
}

/// A signed record as its file has it.
pub(crate) fn text(record: &SignedRecord) -> Result<String, Error> {
    String::from_utf8(record.to_file()?).map_err(|e| Error::Malformed {
        what: "record",
        detail: e.to_string(),
    })
}

/// A bid that a record brought.
pub(crate) struct Old {
    pub(crate) record: Record,
    pub(crate) seal: VerifiedSeal,
}

impl Old {
    fn read(replay: &Replay, file: &Given, from: &Arc<dyn ReadAt>) -> Result<Self, Problem> {
        small_up_to(file, from, RECORD_LEN_MAX, |bytes| {
            let record = Record::verify(SignedRecord::from_file(bytes)?, replay.suite())?;
            let seal = bidder::bid_in(replay, &record)?;
            Ok(Old { record, seal })
        })
    }

    /// The bid that was shown, and no other.
    pub(crate) fn shown(
        replay: &Replay,
        bid: &OldBid,
        from: &Arc<dyn ReadAt>,
    ) -> Result<Self, Problem> {
        let old = Self::read(replay, &bid.record, from)?;
        match old.seal.id() == bid.seal {
            true => Ok(old),
            false => Err(no(
                "desk.other-bid",
                "记录所载的投标与核对时不同，请重新核对",
                "the record is of another bid than the one that was looked at: look again",
            )),
        }
    }

    /// Half-open, as the host reads it: before the deadline.
    fn in_time(&self, replay: &Replay, at: Time) -> Result<(), Problem> {
        let lot = &self.seal.context().lot;
        let about = |e: Error| Problem::about("", &e);
        let (_, deadline) = bidder::sealed_against(replay, What::Bid, lot).map_err(about)?;
        if replay.state.closed().is_some() {
            let late = Refusal::by(&rules::LATE, format!("deadline {deadline}"));
            return Err(about(late.into()));
        }
        // The log is open: it is this clock alone that says so, and it may be wrong.
        if at >= deadline {
            return Err(no(
                "desk.late",
                &format!(
                    "按本机时钟（{}）投标截止时间（{}，均为北京时间）已过，未签署：请核对本机时钟，或改用命令",
                    at.in_china(),
                    deadline.in_china()
                ),
                &format!(
                    "by this machine's clock ({at}) the deadline ({deadline}) has passed, and nothing was signed: set the clock right, or use the command"
                ),
            ));
        }
        Ok(())
    }

    /// Whether this certificate signed its record.
    pub(crate) fn is_of(&self, replay: &Replay, certificate: &Certificate) -> bool {
        self.record.actor() == certificate.fingerprint(replay.suite().hash())
    }

    /// Nobody ends the bid of another; the host would refuse it.
    pub(crate) fn own(&self, replay: &Replay, certificate: &Certificate) -> Result<(), Problem> {
        if self.is_of(replay, certificate) {
            return Ok(());
        }
        let (other, own) = (self.record.signer_name(), certificate.subject_name());
        Err(no(
            "desk.not-own",
            &format!(
                "该投标由另一证书签署（{other}），所选证书属于 {own}：只能撤回或替换本方的投标"
            ),
            &format!(
                "the bid was signed with another certificate ({other}), the one chosen is of {own}: only an own bid can be withdrawn or replaced"
            ),
        ))
    }

    /// A bid is replaced within its lot.
    pub(crate) fn in_lot(&self, lot: &str) -> Result<(), Problem> {
        let old = &self.seal.context().lot;
        if old == lot {
            return Ok(());
        }
        Err(no(
            "desk.other-lot",
            &format!("要替换的投标属于标段 {old}，不是标段 {lot}"),
            &format!("the bid to replace is for lot {old}, not for lot {lot}"),
        ))
    }
}

/// What the desk itself says no to.
pub(crate) fn no(code: &str, zh: &str, en: &str) -> Problem {
    Problem {
        file: String::new(),
        code: code.to_owned(),
        text: Text {
            zh: zh.to_owned(),
            en: en.to_owned(),
        },
    }
}
