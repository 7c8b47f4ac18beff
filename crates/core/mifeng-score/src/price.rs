//! What a price is: a total, a unit list, a rate, a float-down rate, or parts.

use crate::number::number;
use crate::{BidFacts, Error, Money, Ratio};
use serde::{Deserialize, Serialize};

/// Most lines of a price form; longer bills belong into the bid and its correction.
pub const PRICE_LINES_MAX: usize = 1_000;
/// Most decimals of a price: a real ceiling carried four, and six do for unit prices.
pub const PRICE_DECIMALS_MAX: u32 = 6;

/// The forms met in real notices (RULES 13.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// An amount.
    #[default]
    Total,
    /// Unit prices; compared by their sum over the document's quantities.
    UnitList,
    /// Percent of a standard, such as a fee standard.
    Rate,
    /// Percent off a standard (下浮率): the higher the cheaper.
    FloatDown,
    /// Amounts of parts, summed (设计费 + 建安费).
    Composite,
}

/// One line of a unit list or part of a composite price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceLine {
    /// Id, unique within the form.
    pub id: String,
    /// The document's quantity; 1 for parts.
    #[serde(default = "one")]
    pub quantity: String,
    /// Ceiling of this price alone, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<String>,
}

fn one() -> String {
    "1".into()
}

/// The price form of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PriceForm {
    /// Which.
    pub form: Form,
    /// Lines of a unit list, parts of a composite.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<PriceLine>,
    /// Decimals that a price may carry.
    pub decimals: u32,
}

impl Default for PriceForm {
    fn default() -> Self {
        Self {
            form: Form::Total,
            lines: Vec::new(),
            decimals: 2,
        }
    }
}

impl PriceForm {
    /// Whether it is the plain amount in yuan.
    pub fn is_total(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it has lines.
    pub fn is_list(&self) -> bool {
        matches!(self.form, Form::UnitList | Form::Composite)
    }

    /// The number that bids are compared by, read from one price text.
    pub(crate) fn read(&self, place: &str, text: &str) -> Result<Ratio, Error> {
        let money = !matches!(self.form, Form::Rate | Form::FloatDown);
        if money && self.decimals == 2 {
            let money = Money::parse(text).map_err(|error| error.at(place))?;
            return Ok(money.ratio());
        }
        self.decimals(place, text, self.decimals)?;
        let value = Ratio::parse(text)?;
        if self.form != Form::FloatDown {
            return Ok(value);
        }
        let rest = Ratio::from(100).sub(&value)?;
        if !rest.is_positive() {
            return Err(number(place, text, self.decimals as usize));
        }
        Ok(rest)
    }

    /// A ceiling may carry more decimals than a price.
    pub(crate) fn ceiling(&self, text: &str) -> Result<Ratio, Error> {
        self.decimals("ceiling", text, PRICE_DECIMALS_MAX)?;
        let value = Ratio::parse(text)?;
        match self.form {
            Form::FloatDown => Ratio::from(100).sub(&value),
            _ => Ok(value),
        }
    }

    fn decimals(&self, place: &str, text: &str, most: u32) -> Result<(), Error> {
        let part = text.split_once('.').map_or(0, |(_, part)| part.len());
        let negative = text.starts_with('-');
        if part > most as usize || negative || Ratio::parse(text).is_err() {
            return Err(number(place, text, most as usize));
        }
        Ok(())
    }

    /// The number that a bid is compared by.
    pub(crate) fn of(&self, bid: &BidFacts) -> Result<Ratio, Error> {
        if !self.is_list() {
            if let Some(line) = bid.prices.keys().next() {
                return Err(Error::Unknown {
                    what: "price line",
                    id: format!("{}/{line}", bid.id),
                });
            }
            // The place is spelled out for errors only: there are many bids.
            let read = self.read("", &bid.price);
            return read.map_err(|error| error.at(&format!("price of {}", bid.id)));
        }
        let mut sum = Ratio::zero();
        for line in &self.lines {
            let place = format!("{}/{}", bid.id, line.id);
            let Some(text) = bid.prices.get(&line.id) else {
                return Err(Error::Missing {
                    what: "price line",
                    id: place,
                });
            };
            let unit = self.read(&place, text)?;
            sum = sum.add(&unit.mul(&Ratio::parse(&line.quantity)?)?)?;
        }
        // Every line of the form is there; more are too many.
        let unknown = |id: &&String| !self.lines.iter().any(|line| line.id == **id);
        if bid.prices.len() > self.lines.len()
            && let Some(line) = bid.prices.keys().find(unknown)
        {
            return Err(Error::Unknown {
                what: "price line",
                id: format!("{}/{line}", bid.id),
            });
        }
        Ok(sum)
    }

    /// The text of a price in a result: two decimals for amounts, as short as exact otherwise.
    pub(crate) fn text(&self, bid: &BidFacts, price: &Ratio) -> String {
        match self.form {
            Form::Total if self.decimals == 2 => price.to_fixed(2),
            Form::Rate | Form::FloatDown => bid.price.clone(),
            _ => price.to_exact(),
        }
    }
}
