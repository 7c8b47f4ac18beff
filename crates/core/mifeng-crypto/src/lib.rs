//! The two algorithm suites and the nouns that every floor shares.
#![forbid(unsafe_code)]
