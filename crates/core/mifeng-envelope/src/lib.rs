//! The sealed bid.
#![forbid(unsafe_code)]
