//! Where records and bodies are kept: a directory.
#![forbid(unsafe_code)]
