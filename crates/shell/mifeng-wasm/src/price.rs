//! A price in digits, in the capital numerals that rule beside it.

use crate::audit::Problem;
use crate::desk::in_chinese;
use crate::earlier::no;
use mifeng::Error;
use mifeng::record::amount;
use mifeng::score::Money;
use serde::{Deserialize, Serialize};

/// A price in digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRequest {
    /// In CNY, two decimals.
    pub price: String,
    /// What somebody wrote beside it, to be compared.
    #[serde(default)]
    pub words: Option<String>,
}

/// The answer of [`price`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct PriceTold {
    /// The same in capital numerals.
    pub words: Option<String>,
    /// Whether what was written says this amount; `None` if it says none.
    pub same: Option<bool>,
    /// Why there are none.
    pub problem: Option<Problem>,
}

/// Writes a price in capital numerals.
pub fn price(request: &PriceRequest) -> PriceTold {
    match in_words(&request.price) {
        Ok(words) => PriceTold {
            same: request.words.as_deref().and_then(|said| same(&words, said)),
            words: Some(words),
            problem: None,
        },
        Err(e) => PriceTold {
            words: None,
            same: None,
            problem: Some(in_chinese(Problem::about("", &e), "报价不是金额")),
        },
    }
}

/// A final offer is given once, and words rule: nobody seals one whose words say another amount than its digits.
pub(crate) fn one_amount(price: &str, words: &str) -> Result<(), Problem> {
    let digits = Money::parse(price).map(|price| price.fen());
    let words = amount::parse(words).map(amount::Amount::fen);
    match (digits, words) {
        (Ok(digits), Ok(words)) if digits == words => Ok(()),
        _ => Err(no(
            "desk.words",
            "最后报价的大写与数字不是同一金额，请重新填写报价",
            "the words of the final offer are not the amount of its digits: please type the price again",
        )),
    }
}

fn same(words: &str, said: &str) -> Option<bool> {
    let fen = |text| amount::parse(text).map(amount::Amount::fen).ok();
    Some(fen(words)? == fen(said)?)
}

fn in_words(price: &str) -> Result<String, Error> {
    let bad = |detail: String| Error::Malformed {
        what: "price",
        detail,
    };
    let fen = Money::parse(price).map_err(|e| bad(e.to_string()))?.fen();
    let words = amount::format(fen);
    // What is too large has no numerals that are read back.
    match amount::parse(&words).map(amount::Amount::fen) {
        Ok(read) if read == fen => Ok(words),
        _ => Err(bad(format!("{price} has no capital numerals"))),
    }
}
