//! The signed record: canonical form, roles, validators, the legal calendar.
#![forbid(unsafe_code)]
