//! The mifeng command.
#![forbid(unsafe_code)]
fn main() {}
