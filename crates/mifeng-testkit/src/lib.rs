//! Vectors, made worlds and test documents.
#![forbid(unsafe_code)]
