//! Notice, bids, opening, evaluation, award: one pure function over records.
#![forbid(unsafe_code)]
