//! The committee: drawn, scoring, ranking; the award.

use crate::events::*;
use crate::refusal::{self, Refusal};
use crate::state::{DrawState, Outcome, Stage, State};
use mifeng_crypto::Digest;
use mifeng_lock::Share;
use mifeng_lock::draw::{self, Draw};
use mifeng_record::Record;
use mifeng_score::{BidFacts, Detail, Outcome as RankOutcome, Sheet};
use std::collections::BTreeMap;

impl State {
    pub(crate) fn pool(&mut self, data: &Pool, record: &Record) -> Result<(), Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        self.require_agency(record)?;
        if data.specialty != notice.committee.specialty {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "another specialty than the notice's",
            ));
        }
        // One draw per (specialty, n); a repeat needs n+1 and a signed reason (PROTOCOL 5).
        let expected = self.draw.as_ref().map_or(1, |draw| draw.pool.n + 1);
        let scored = self.sheets.values().any(|sheets| !sheets.is_empty());
        if data.n != expected || (expected > 1 && data.reason.is_empty()) || scored {
            return Err(Refusal::new(
                &refusal::REPLAY,
                format!("draw number {expected} expected, found {}", data.n),
            ));
        }
        let draw = self.draw_of(data)?;
        if draw.pool().rows() != data.rows {
            return Err(Refusal::new(
                &refusal::MALFORMED,
                "rows are not sorted by id",
            ));
        }
        self.draw = Some(DrawState {
            draw,
            pool: data.clone(),
            shares: BTreeMap::new(),
            result: None,
        });
        Ok(())
    }

    fn draw_of(&self, data: &Pool) -> Result<Draw, Refusal> {
        let malformed = |e: mifeng_lock::Error| Refusal::new(&refusal::MALFORMED, e.to_string());
        let (event, _) = self
            .notice
            .as_ref()
            .ok_or_else(|| Refusal::new(&refusal::WRONG_STAGE, "there is no notice"))?;
        let pool = draw::Pool::new(&data.specialty, data.rows.clone()).map_err(malformed)?;
        Draw::new(self.suite, event, pool, data.n).map_err(malformed)
    }

    pub(crate) fn draw_share(&mut self, data: &DrawShare, record: &Record) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        let index = data.share.index;
        self.require_trustee(record, index)?;
        let bad = |e: mifeng_lock::Error| {
            Refusal::new(&refusal::BAD_SHARE, format!("trustee {index}: {e}"))
        };
        let (suite, board) = (self.suite, self.board.as_ref());
        let (Some(drawing), Some(board)) = (self.draw.as_mut(), board) else {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no pool is frozen"));
        };
        if drawing.draw.id() != data.draw || drawing.result.is_some() {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "another draw"));
        }
        if drawing.shares.contains_key(&index) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("trustee {index}"),
            ));
        }
        let share = Share::from_record(suite.curve(), &data.share).map_err(bad)?;
        drawing.draw.verify_share(board, &share).map_err(bad)?;
        drawing.shares.insert(index, share);
        Ok(())
    }

    /// The seed and order of the current draw, once t trustees have answered.
    ///
    /// # Errors
    /// [`refusal::QUORUM`] before that.
    pub fn drawn(&self) -> Result<draw::Outcome, Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let (Some(drawing), Some(board)) = (&self.draw, &self.board) else {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "no pool is frozen"));
        };
        let shares: Vec<Share> = drawing.shares.values().cloned().collect();
        let places = (notice.committee.experts + notice.committee.alternates) as usize;
        drawing
            .draw
            .combine(board, &shares, places)
            .map_err(|e| Refusal::new(&refusal::QUORUM, e.to_string()))
    }

    pub(crate) fn draw_result(
        &mut self,
        data: &DrawResult,
        record: &Record,
    ) -> Result<(), Refusal> {
        let experts = self.require(Stage::Evaluation)?.committee.experts as usize;
        self.require_agency(record)?;
        let differs = |detail: &str| Refusal::new(&refusal::NOT_RECOMPUTED, detail);
        let draw::Outcome { seed, order, .. } = self.drawn()?;
        if data.seed != seed || data.order != order {
            return Err(differs("seed or order of the draw"));
        }
        // Whoever declines is followed by the next in the drawn order, never by a new seed.
        let seated: Vec<&String> = order
            .iter()
            .filter(|id| !data.declined.contains(id))
            .take(experts)
            .collect();
        let named: Vec<&String> = data.seats.iter().map(|seat| &seat.id).collect();
        if seated.len() < experts || named != seated {
            return Err(differs(
                "the seats are not the drawn order without those who declined",
            ));
        }
        let mut certs = std::collections::BTreeSet::new();
        for seat in &data.seats {
            // One person, one seat, and no part in the tender besides (回避; 87 art. 40, 47).
            if !certs.insert(seat.cert) || self.is_party(&seat.cert) {
                return Err(differs("an expert sits twice, or is a party to the tender"));
            }
            if blind_id(self.suite, &seat.salt, &seat.cert).to_string() != seat.id {
                return Err(differs("a seat does not open to its blind id"));
            }
        }
        let Some(drawing) = self
            .draw
            .as_mut()
            .filter(|d| d.result.is_none() && d.draw.id() == data.draw)
        else {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "another draw, or drawn already",
            ));
        };
        drawing.result = Some(data.clone());
        Ok(())
    }

    /// Whether a certificate has another part in this tender.
    fn is_party(&self, cert: &Digest) -> bool {
        let named = self
            .notice
            .as_ref()
            .is_some_and(|(_, notice)| notice.buyer.cert == *cert || notice.agency.cert == *cert);
        named
            || self.host.as_ref().is_some_and(|(host, _)| host == cert)
            || self.members.values().any(|(member, _)| member == cert)
            || self
                .bids
                .values()
                .any(|bid| bid.seal.context().bidder_cert == *cert)
    }

    pub(crate) fn price_confirm(
        &mut self,
        data: &PriceConfirm,
        record: &Record,
    ) -> Result<(), Refusal> {
        self.require(Stage::Evaluation)?;
        let bidder = self
            .bids
            .get(&data.seal)
            .map(|bid| bid.seal.context().bidder_cert);
        self.require_actor(record, bidder, "bidder")?;
        // The experts score a fixed set of bids.
        let lot = &self.bids[&data.seal].seal.context().lot;
        if self
            .sheets
            .get(lot)
            .is_some_and(|sheets| !sheets.is_empty())
        {
            return Err(Refusal::new(
                &refusal::WRONG_STAGE,
                "scoring of the lot has begun",
            ));
        }
        let corrected = self.correction(&data.seal)?;
        if corrected.as_deref() != Some(data.price.as_str()) {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                "the corrected price",
            ));
        }
        self.confirmed.insert(data.seal, data.price.clone());
        Ok(())
    }

    pub(crate) fn score(&mut self, data: &Score, record: &Record) -> Result<(), Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let seated = self
            .draw
            .as_ref()
            .and_then(|draw| draw.result.as_ref())
            .is_some_and(|result| result.seats.iter().any(|seat| seat.cert == record.actor()));
        if !seated {
            return Err(Refusal::new(
                &refusal::NOT_DRAWN,
                record.signer().subject_name(),
            ));
        }
        let lot = notice
            .lot(&data.lot)
            .ok_or_else(|| Refusal::new(&refusal::BAD_SHEET, format!("no lot {}", data.lot)))?;
        let sheet = data.sheet(&record.actor());
        let bids: Vec<String> = self.facts(&data.lot)?.into_iter().map(|f| f.id).collect();
        mifeng_score::check_sheet(&lot.rules, &bids, &sheet)
            .map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))?;
        if self.ranks.contains_key(&data.lot) {
            return Err(Refusal::new(&refusal::WRONG_STAGE, "the lot is ranked"));
        }
        let sheets = self.sheets.entry(data.lot.clone()).or_default();
        if sheets.contains_key(&record.actor()) {
            return Err(Refusal::new(
                &refusal::BAD_SHEET,
                "a second sheet for the lot",
            ));
        }
        sheets.insert(record.actor(), sheet);
        Ok(())
    }

    /// The price of an opened bid as the rules correct it, if that is another than read out.
    ///
    /// # Errors
    /// [`refusal::UNKNOWN_SEAL`] if the bid was not opened, [`refusal::MALFORMED`] if only the
    /// committee can decide what the bid says.
    pub fn correction(&self, seal: &Digest) -> Result<Option<String>, Refusal> {
        match self.outcomes.get(seal) {
            Some(Outcome::Opened(open)) => corrected_price(open),
            _ => Err(Refusal::new(&refusal::UNKNOWN_SEAL, format!("seal {seal}"))),
        }
    }

    /// The facts that scoring takes, for each opened bid of a lot.
    ///
    /// # Errors
    /// [`refusal::MALFORMED`] if a price cannot be read or corrected.
    pub fn facts(&self, lot: &str) -> Result<Vec<BidFacts>, Refusal> {
        let mut facts = Vec::new();
        for (id, outcome) in &self.outcomes {
            let Outcome::Opened(open) = outcome else {
                continue;
            };
            if self.bids[id].seal.context().lot != lot {
                continue;
            }
            // A price that cannot be read is that bid's affair alone: it is not responsive.
            let Ok(corrected) = corrected_price(open) else {
                continue;
            };
            let price = match corrected {
                None => open.opening.price.clone(),
                // A corrected price binds once the bidder has confirmed it (87 art. 59).
                Some(corrected) if self.confirmed.get(id) == Some(&corrected) => corrected,
                Some(_) => continue,
            };
            facts.push(BidFacts {
                id: id.to_string(),
                price,
                small: open.declarations.sme,
                domestic: open.declarations.domestic,
                brand: open.declarations.brand.clone(),
                ..BidFacts::default()
            });
        }
        Ok(facts)
    }

    /// The result of a lot, computed from the opened bids and the sheets.
    ///
    /// # Errors
    /// [`refusal::BAD_SHEET`] while sheets are missing.
    pub fn computed(&self, lot: &str) -> Result<RankOutcome, Refusal> {
        let notice = self.require(Stage::Evaluation)?;
        let rules = &notice
            .lot(lot)
            .ok_or_else(|| Refusal::new(&refusal::MALFORMED, format!("no lot {lot}")))?
            .rules;
        let sheets: Vec<Sheet> = self
            .sheets
            .get(lot)
            .map(|sheets| sheets.values().cloned().collect())
            .unwrap_or_default();
        if sheets.len() != notice.committee.experts as usize {
            return Err(Refusal::new(
                &refusal::BAD_SHEET,
                format!(
                    "{} sheets of {} experts",
                    sheets.len(),
                    notice.committee.experts
                ),
            ));
        }
        mifeng_score::evaluate(rules, &self.facts(lot)?, &sheets)
            .map_err(|e| Refusal::new(&refusal::BAD_SHEET, e.to_string()))
    }

    pub(crate) fn rank(&mut self, data: &Rank, record: &Record) -> Result<(), Refusal> {
        self.require_agency(record)?;
        if self.ranks.contains_key(&data.lot) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("lot {} is ranked", data.lot),
            ));
        }
        if self.computed(&data.lot)? != data.outcome {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("ranking of lot {}", data.lot),
            ));
        }
        self.ranks.insert(data.lot.clone(), data.outcome.clone());
        Ok(())
    }

    /// The award that follows from a ranked lot.
    ///
    /// # Errors
    /// [`refusal::NOT_RECOMPUTED`] if there is no single first.
    pub fn expected_award(&self, lot: &str) -> Result<Award, Refusal> {
        let none =
            |detail: &str| Refusal::new(&refusal::NOT_RECOMPUTED, format!("lot {lot}: {detail}"));
        let outcome = self.ranks.get(lot).ok_or_else(|| none("not ranked"))?;
        let winner = outcome.winner().ok_or_else(|| none("no single first"))?;
        let seal: Digest = winner.id.parse().map_err(|_| none("row without a seal"))?;
        let bid = self
            .bids
            .get(&seal)
            .ok_or_else(|| none("row without a bid"))?;
        Ok(Award {
            lot: lot.to_owned(),
            seal,
            bidder: bid.seal.context().bidder.clone(),
            name: bid.name.clone(),
            price: winner.price.clone(),
        })
    }

    pub(crate) fn award(&mut self, data: &Award, record: &Record) -> Result<(), Refusal> {
        let buyer = self.require(Stage::Evaluation)?.buyer.cert;
        self.require_actor(record, Some(buyer), "buyer")?;
        self.require_not_halted()?;
        if self.awards.contains_key(&data.lot) {
            return Err(Refusal::new(
                &refusal::DUPLICATE,
                format!("lot {} is awarded", data.lot),
            ));
        }
        if self.expected_award(&data.lot)? != *data {
            return Err(Refusal::new(
                &refusal::NOT_RECOMPUTED,
                format!("award of lot {}", data.lot),
            ));
        }
        self.awards.insert(data.lot.clone(), data.clone());
        Ok(())
    }
}

/// The blind id of an expert in a pool.
pub fn blind_id(suite: &mifeng_crypto::Suite, salt: &Digest, cert: &Digest) -> Digest {
    suite.h_tag("expert", &[salt.as_bytes(), cert.as_bytes()])
}

/// The price after the fixed order of corrections (87 art. 59), if it is another than read out.
fn corrected_price(open: &BidOpen) -> Result<Option<String>, Refusal> {
    let malformed = |detail: String| Refusal::new(&refusal::MALFORMED, detail);
    let opening = &open.opening;
    let words = mifeng_record::amount::parse(&opening.price_cn)
        .map_err(|e| malformed(format!("price in words: {e}")))?;
    let detail: Vec<Detail> = open
        .detail
        .iter()
        .map(|line| Detail {
            quantity: line.quantity.clone(),
            unit_price: line.unit_price.clone(),
        })
        .collect();
    let corrected = mifeng_score::correct(&opening.price, words.fen(), &detail)
        .map_err(|e| malformed(e.to_string()))?;
    // Compared as money: `1285000` and `1285000.00` are one price.
    let read_out =
        mifeng_score::Money::parse(&opening.price).map_err(|e| malformed(e.to_string()))?;
    Ok((corrected != read_out.to_string()).then_some(corrected))
}
