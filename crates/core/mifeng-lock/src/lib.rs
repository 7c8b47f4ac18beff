//! Board keys, shares, opening policies and the verifiable draw.
#![forbid(unsafe_code)]
