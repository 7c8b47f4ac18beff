//! The evaluation: committee, checks, questions, prices, final offers, sheets, result.
//!
//! Every step of a lot waits for the one before it, and what follows from the records is computed
//! here and compared with what was signed.

mod checks;
mod committee;
mod draws;
mod failure;
mod offers;
mod prices;
mod questions;
mod report;
mod result;
mod sheets;

pub use committee::{SeatState, blind_id};
pub use draws::LotDraw;
pub use offers::Round;
pub(crate) use offers::seal_refusal;
pub use prices::PriceState;
pub use questions::Question;
pub use report::Stated;
pub(crate) use result::{bids_to_draw, formula_of};
pub use sheets::sheet_commitment;

use crate::contract::Contract;
use crate::events::*;
use crate::notice::{Lot, Notice};
use crate::procedure::{Body, Profile};
use crate::refusal::{self, Refusal};
use crate::state::{BidLife, Outcome, Stage, State};
use mifeng_crypto::{Digest, Time};
use mifeng_record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Longest reason, question, answer or remark, in bytes: some pages of Chinese text.
pub const TEXT_LEN_MAX: usize = 20_000;
/// Questions in one lot; an evaluation of a thousand bids asks some hundreds.
pub const QUESTIONS_MAX: usize = 10_000;

/// What the evaluation of one lot has come to.
#[derive(Default)]
pub(crate) struct LotWork {
    /// Findings by check and judge; the buyer's stand under the agency's certificate.
    pub(crate) checks: BTreeMap<CheckKind, BTreeMap<Digest, Vec<CheckRow>>>,
    /// Readings of ambiguous prices, by bid and judge.
    pub(crate) decisions: BTreeMap<Digest, BTreeMap<Digest, String>>,
    /// The round of final offers.
    pub(crate) round: Option<Round>,
    /// Commitments to sheets by expert.
    pub(crate) commits: BTreeMap<Digest, Digest>,
    /// The members whose findings stand, where one of them was replaced after bids and prices were
    /// frozen.
    pub(crate) judges: Option<Vec<Digest>>,
    /// The members whose findings on qualification and conformity stand, once final offers were
    /// called for: whoever joins later may know prices.
    pub(crate) checked: Option<Vec<Digest>>,
    /// Draws by purpose and name.
    pub(crate) draws: BTreeMap<(Purpose, String), LotDraw>,
    /// Commitment of the `rank` record.
    pub(crate) ranked: Option<Digest>,
    /// The report and its commitment.
    pub(crate) report: Option<(Digest, Report)>,
    /// Who has signed it, with dissents.
    pub(crate) signed: BTreeMap<Digest, String>,
    /// Whether the majority of those who sat had signed it: who leaves afterwards changes nothing.
    pub(crate) carried: bool,
    /// How the lot failed.
    pub(crate) failed: Option<LotFail>,
    /// The list of a framework agreement.
    pub(crate) listed: Option<FrameworkList>,
    /// When it was awarded.
    pub(crate) awarded: Option<Time>,
    /// The contract.
    pub(crate) contract: Option<Contract>,
    /// Letters that are out.
    pub(crate) letters: BTreeMap<Digest, Letter>,
}

/// What the evaluation has come to.
#[derive(Default)]
pub(crate) struct Evaluation {
    pub(crate) session: Option<SessionOpen>,
    pub(crate) seats: Vec<SeatState>,
    pub(crate) replaced: Vec<Digest>,
    /// Who said that a member leaves: the member itself, or others who sit.
    pub(crate) leaving: BTreeMap<Digest, BTreeSet<Digest>>,
    /// Blind ids of those who left, or declined a seat later.
    pub(crate) left: BTreeSet<String>,
    /// Whether the committee was dissolved and no other sits yet.
    pub(crate) dissolved: bool,
    pub(crate) lots: BTreeMap<String, LotWork>,
    /// Questions in the order asked, by commitment.
    pub(crate) questions: Vec<(Digest, Question)>,
}

/// A text that must be there.
pub(crate) fn check_text(what: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() || text.len() > TEXT_LEN_MAX {
        return Err(Refusal::new(
            &refusal::MALFORMED,
            format!(
                "{what}: 1 to {TEXT_LEN_MAX} bytes of text expected, found {}",
                text.len()
            ),
        ));
    }
    Ok(())
}

/// Signs that would make a reader's screen do something, or show the text in another order than it has: control characters
/// (general category Cc), and those of the explicit directions (UAX #9 section 2). A line may end.
fn is_odd(sign: char) -> bool {
    let turns = matches!(sign, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    turns || sign.is_control() && sign != '\n'
}

/// A text that must be there and be what it looks like: it is read at terminals, in pages and on paper.
pub(crate) fn check_plain(what: &str, text: &str) -> Result<(), Refusal> {
    check_text(what, text)?;
    match text.chars().find(|sign| is_odd(*sign)) {
        None => Ok(()),
        Some(sign) => Err(Refusal::new(
            &refusal::MALFORMED,
            format!("{what}: U+{:04X} is no sign of a text", u32::from(sign)),
        )),
    }
}

/// A text that may be empty.
pub(crate) fn check_len(what: &str, text: &str) -> Result<(), Refusal> {
    if text.is_empty() {
        return Ok(());
    }
    check_text(what, text)
}

impl State {
    /// What the law says of this tender's procedure; that of an open tender before the notice.
    pub fn profile(&self) -> &'static Profile {
        let procedure = self.notice.as_ref().map(|(_, notice)| notice.procedure);
        procedure
            .unwrap_or(crate::procedure::Procedure::Open)
            .profile()
    }

    pub(crate) fn work(&self, lot: &str) -> Option<&LotWork> {
        self.evaluation.lots.get(lot)
    }

    pub(crate) fn work_mut(&mut self, lot: &str) -> &mut LotWork {
        self.evaluation.lots.entry(lot.to_owned()).or_default()
    }

    /// The lot, while the tender is in evaluation.
    pub(crate) fn evaluating(&self, lot: &str) -> Result<(&Notice, &Lot), Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let found = notice
            .lot(lot)
            .ok_or_else(|| Refusal::new(&refusal::MALFORMED, format!("no lot {lot:?}")))?;
        Ok((notice, found))
    }

    /// The lot, before anybody has begun to score or rank it: its bids and prices are still open.
    pub(crate) fn unscored(&self, lot: &str) -> Result<(&Notice, &Lot), Refusal> {
        let found = self.evaluating(lot)?;
        if self.is_frozen(lot) {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("scoring of lot {lot} has begun"),
            ));
        }
        Ok(found)
    }

    /// Who makes the findings of a check under this procedure.
    pub fn body_of(&self, kind: CheckKind) -> Body {
        let profile = self.profile();
        match kind {
            _ if profile.panel.is_none() => Body::Buyer,
            CheckKind::Qualification => profile.qualifies.0,
            CheckKind::Conformity | CheckKind::LowPrice => Body::Committee,
        }
    }

    /// The body that judges prices and asks questions.
    pub(crate) fn judging_body(&self) -> Body {
        self.body_of(CheckKind::Conformity)
    }

    /// The signer speaks for a body; gives the key under which its finding stands.
    pub(crate) fn require_body(&self, body: Body, record: &Record) -> Result<Digest, Refusal> {
        if body == Body::Committee {
            self.require_seat(record)?;
            return Ok(record.actor());
        }
        let (_, notice) = self
            .notice
            .as_ref()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no notice"))?;
        let named = [notice.buyer.cert, notice.agency.cert];
        if named.contains(&record.actor()) {
            return Ok(notice.agency.cert);
        }
        self.require_actor(record, None, "buyer or agency")?;
        Ok(record.actor())
    }

    /// The keys of everybody whose word a finding of a body needs.
    pub(crate) fn voices(&self, body: Body) -> Vec<Digest> {
        match (body, &self.notice) {
            (Body::Committee, _) => self.seats().iter().map(|seat| seat.cert).collect(),
            (Body::Buyer, Some((_, notice))) => vec![notice.agency.cert],
            (Body::Buyer, None) => Vec::new(),
        }
    }

    /// The opened first bids of a lot, by seal.
    pub fn opened_in(&self, lot: &str) -> Vec<Digest> {
        self.bids
            .iter()
            .filter(|(id, bid)| {
                bid.offer_for.is_none()
                    && bid.seal.context().lot == lot
                    && matches!(self.outcomes.get(*id), Some(Outcome::Opened(_)))
            })
            .map(|(id, _)| *id)
            .collect()
    }

    /// How many bidders these bids count as: bids of one brand are one where the rules of their lot
    /// say so (87 art. 31), as in the ranking.
    pub(crate) fn counted(&self, seals: &[Digest]) -> usize {
        let mut brands = BTreeSet::new();
        let mut count = 0;
        for seal in seals {
            let brand = match self.outcomes.get(seal) {
                Some(Outcome::Opened(open)) if self.brands_once(seal) => {
                    open.declarations.brand.as_ref()
                }
                _ => None,
            };
            if brand.is_none_or(|brand| brands.insert(brand.clone())) {
                count += 1;
            }
        }
        count
    }

    fn brands_once(&self, seal: &Digest) -> bool {
        let lot = self.bids.get(seal).map(|bid| &bid.seal.context().lot);
        let notice = self.notice.as_ref().map(|(_, notice)| notice);
        let lot = notice.zip(lot).and_then(|(notice, id)| notice.lot(id));
        lot.is_some_and(|lot| lot.rules.counts_brands_once())
    }

    pub(crate) fn require_enough(
        &self,
        lot: &str,
        seals: &[Digest],
        what: &str,
    ) -> Result<(), Refusal> {
        self.require_heads(lot, self.counted(seals), what)
    }

    fn require_heads(&self, lot: &str, count: usize, what: &str) -> Result<(), Refusal> {
        let min = self
            .notice
            .as_ref()
            .map_or(u32::MAX, |(_, n)| n.bidders_min);
        if count < min as usize {
            return Err(Refusal::new(
                &refusal::TOO_FEW_LEFT,
                format!("lot {lot}: {count} bidders {what}, {min} are needed"),
            ));
        }
        Ok(())
    }

    /// Every live first bid of a lot, by seal.
    pub(crate) fn live_in(&self, lot: &str) -> Vec<Digest> {
        self.bids
            .iter()
            .filter(|(_, bid)| {
                bid.offer_for.is_none()
                    && bid.life == BidLife::Live
                    && bid.seal.context().lot == lot
            })
            .map(|(id, _)| *id)
            .collect()
    }
}
