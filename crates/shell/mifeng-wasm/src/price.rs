//! A price in digits, in the capital numerals that rule beside it.

use crate::audit::Problem;
use crate::desk::in_chinese;
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
}

/// The answer of [`price`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct PriceTold {
    /// The same in capital numerals.
    pub words: Option<String>,
    /// Why there are none.
    pub problem: Option<Problem>,
}

/// Writes a price in capital numerals.
pub fn price(request: &PriceRequest) -> PriceTold {
    match in_words(&request.price) {
        Ok(words) => PriceTold {
            words: Some(words),
            problem: None,
        },
        Err(e) => PriceTold {
            words: None,
            problem: Some(in_chinese(Problem::about("", &e), "报价不是金额")),
        },
    }
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
