//! Prices: corrected in the fixed order, decided where the rules do not, confirmed by the bidder.

use super::check_text;
use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{Outcome, State};
use mifeng_crypto::Digest;
use mifeng_record::Record;
use mifeng_score::{BidFacts, Detail, Money, Reading, Review};
use std::collections::BTreeMap;

/// Where the price of a bid stands (87 art. 59).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceState {
    /// It stands, as read out or as corrected and confirmed.
    Fixed(String),
    /// It was corrected to this, and binds when the bidder confirms it.
    Unconfirmed(String),
    /// Several readings are possible; the committee has not decided.
    Undecided(Vec<Reading>),
    /// It cannot be read.
    Unreadable,
    /// There is no final offer.
    NoOffer,
}

/// What the rules alone say of an opened bid's price.
enum Corrected {
    Price(String),
    Readings(Vec<Reading>),
    Unreadable,
}

impl State {
    /// What a bid's price is read from: its final offer where the procedure has one.
    pub(crate) fn price_source(&self, seal: &Digest) -> Option<&BidOpen> {
        let source = if self.profile().final_offers {
            let lot = &self.bids.get(seal)?.seal.context().lot;
            *self.round(lot)?.offers.get(seal)?
        } else {
            *seal
        };
        match self.outcomes.get(&source)? {
            Outcome::Opened(open) => Some(open),
            Outcome::Failed(_) => None,
        }
    }

    /// Where the price of a bid stands.
    pub fn price_state(&self, seal: &Digest) -> PriceState {
        let Some(open) = self.price_source(seal) else {
            return PriceState::NoOffer;
        };
        let price = match corrected(open) {
            Corrected::Unreadable => return PriceState::Unreadable,
            Corrected::Price(price) => price,
            Corrected::Readings(readings) => match self.decided_price(seal) {
                None => return PriceState::Undecided(readings),
                Some(price) if price.is_empty() => return PriceState::Unreadable,
                Some(price) => price,
            },
        };
        // Compared as money: `1285000` and `1285000.00` are one price.
        let read_out = Money::parse(&open.opening.price).map(|money| money.to_string());
        if read_out.is_ok_and(|read_out| read_out == price) {
            return PriceState::Fixed(open.opening.price.clone());
        }
        if self.confirmed.get(seal) == Some(&price) {
            PriceState::Fixed(price)
        } else {
            PriceState::Unconfirmed(price)
        }
    }

    /// The reading that the majority of the committee chose, once all have decided.
    fn decided_price(&self, seal: &Digest) -> Option<String> {
        let lot = &self.bids.get(seal)?.seal.context().lot;
        let votes = self.work(lot)?.decisions.get(seal)?;
        let voices = self.judges(self.judging_body(), lot);
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for voice in &voices {
            *counts.entry(votes.get(voice)?).or_default() += 1;
        }
        // No majority for one reading: the price cannot be read.
        let most = counts.into_iter().find(|(_, n)| n * 2 > voices.len());
        Some(most.map_or_else(String::new, |(price, _)| price.clone()))
    }

    /// Whether a bidder who names this price in an answer names the price that it bid.
    pub(crate) fn is_standing_price(&self, seal: &Digest, price: &str) -> bool {
        let Ok(named) = Money::parse(price) else {
            return false;
        };
        let same = |text: &str| Money::parse(text).is_ok_and(|money| money == named);
        match self.price_state(seal) {
            PriceState::Fixed(price) | PriceState::Unconfirmed(price) => same(&price),
            PriceState::Undecided(readings) => readings.iter().any(|r| same(&r.price)),
            PriceState::Unreadable | PriceState::NoOffer => false,
        }
    }

    pub(crate) fn price_decide(
        &mut self,
        data: &PriceDecide,
        record: &Record,
    ) -> Result<(), Refusal> {
        let lot = self.lot_of(&data.seal)?;
        self.unscored(&lot)?;
        let key = self.require_body(self.judging_body(), record)?;
        check_text("reason", &data.reason)?;
        let readings = match self.price_source(&data.seal).map(corrected) {
            Some(Corrected::Readings(readings)) => readings,
            _ => {
                return Err(Refusal::new(
                    &refusal::NOT_RECOMPUTED,
                    "the rules leave nothing to decide about this price",
                ));
            }
        };
        if !data.price.is_empty() && !readings.iter().any(|r| r.price == data.price) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("{} is none of the {} readings", data.price, readings.len()),
            ));
        }
        let decisions = self.work_mut(&lot).decisions.entry(data.seal).or_default();
        if decisions.contains_key(&key) {
            return Err(Refusal::new(&refusal::DUPLICATE, "decided already"));
        }
        decisions.insert(key, data.price.clone());
        Ok(())
    }

    pub(crate) fn price_confirm(
        &mut self,
        data: &PriceConfirm,
        record: &Record,
    ) -> Result<(), Refusal> {
        let lot = self.lot_of(&data.seal)?;
        // The experts score a fixed set of bids, and judge low prices over fixed prices.
        self.unscored(&lot)?;
        if self.check_begun(CheckKind::LowPrice, &lot) {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                format!("the low prices of lot {lot} are being decided on"),
            ));
        }
        let bidder = self.bids[&data.seal].seal.context().bidder_cert;
        self.require_actor(record, Some(bidder), "bidder")?;
        if self.price_state(&data.seal) != PriceState::Unconfirmed(data.price.clone()) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the corrected price",
            ));
        }
        self.confirmed.insert(data.seal, data.price.clone());
        Ok(())
    }

    fn lot_of(&self, seal: &Digest) -> Result<String, Refusal> {
        let first = self.bids.get(seal).filter(|bid| bid.offer_for.is_none());
        first
            .map(|bid| bid.seal.context().lot.clone())
            .ok_or_else(|| Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}")))
    }

    /// The price of an opened bid as the rules correct it, if that is another than read out and not
    /// yet confirmed.
    ///
    /// # Errors
    /// [`refusal::UNKNOWN_SEAL`] if there is no price, [`refusal::MALFORMED`] if it cannot be read
    /// or only the committee can decide what it says.
    pub fn correction(&self, seal: &Digest) -> Result<Option<String>, Refusal> {
        match self.price_state(seal) {
            PriceState::Fixed(_) => Ok(None),
            PriceState::Unconfirmed(price) => Ok(Some(price)),
            PriceState::NoOffer => {
                Err(Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}")))
            }
            PriceState::Unreadable => Err(Refusal::new(
                &refusal::MALFORMED,
                format!("the price of seal {seal} cannot be read"),
            )),
            PriceState::Undecided(readings) => Err(Refusal::new(
                &refusal::MALFORMED,
                format!(
                    "{} readings of the price of seal {seal}: the committee decides",
                    readings.len()
                ),
            )),
        }
    }

    /// The facts of every conforming bid whose price stands, before the review of low prices.
    pub(crate) fn priced(&self, lot: &str) -> Result<Vec<BidFacts>, Refusal> {
        let conforming = self.conforming(lot)?;
        self.require_round_done(lot)?;
        let mut facts = Vec::with_capacity(conforming.len());
        for seal in conforming {
            // A price that cannot be read is that bid's affair alone: it is not responsive.
            let PriceState::Fixed(price) = self.price_state(&seal) else {
                continue;
            };
            let Some(Outcome::Opened(open)) = self.outcomes.get(&seal) else {
                continue;
            };
            facts.push(BidFacts {
                id: seal.to_string(),
                price,
                small: open.declarations.sme,
                domestic: open.declarations.domestic,
                brand: open.declarations.brand.clone(),
                ..BidFacts::default()
            });
        }
        Ok(facts)
    }

    /// The facts that scoring takes: of each bid that passed the checks, whose price stands and was
    /// not found too low.
    ///
    /// # Errors
    /// [`refusal::WRONG_STAGE`] while the checks or the round of final offers are not finished.
    pub fn facts(&self, lot: &str) -> Result<Vec<BidFacts>, Refusal> {
        let mut facts = self.judged(lot)?;
        facts.retain(|fact| fact.review != Some(Review::NotShown));
        Ok(facts)
    }

    /// The facts of every conforming bid whose price stands, with what the review of low prices
    /// found: a price found too low still counts in the mean that started the review.
    pub(crate) fn judged(&self, lot: &str) -> Result<Vec<BidFacts>, Refusal> {
        let mut facts = self.priced(lot)?;
        let reviews = self.findings(CheckKind::LowPrice, lot).unwrap_or_default();
        for fact in &mut facts {
            let seal = fact.id.parse().ok();
            let finding = seal.and_then(|seal: Digest| reviews.get(&seal));
            fact.review = finding.map(|finding| match finding.pass {
                true => Review::Reasonable,
                false => Review::NotShown,
            });
        }
        Ok(facts)
    }

    /// Nobody scores while a price is open to the committee.
    pub(crate) fn require_decided(&self, lot: &str) -> Result<(), Refusal> {
        for seal in self.conforming(lot)? {
            if matches!(self.price_state(&seal), PriceState::Undecided(_)) {
                return Err(Refusal::new(
                    &refusal::PRICE_UNDECIDED,
                    format!("seal {seal}"),
                ));
            }
        }
        Ok(())
    }
}

/// The price after the fixed order of corrections (87 art. 59).
fn corrected(open: &BidOpen) -> Corrected {
    let opening = &open.opening;
    let Ok(words) = mifeng_record::amount::parse(&opening.price_cn) else {
        return Corrected::Unreadable;
    };
    let detail: Vec<Detail> = open
        .detail
        .iter()
        .map(|line| Detail {
            quantity: line.quantity.clone(),
            unit_price: line.unit_price.clone(),
        })
        .collect();
    match mifeng_score::correct(&opening.price, words.fen(), &detail) {
        Ok(price) => Corrected::Price(price),
        Err(mifeng_score::Error::Ambiguous { readings }) => Corrected::Readings(readings),
        Err(_) => Corrected::Unreadable,
    }
}
