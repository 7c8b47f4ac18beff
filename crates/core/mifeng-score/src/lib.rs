//! Prices and score sheets into a ranking, in exact arithmetic.
#![forbid(unsafe_code)]
