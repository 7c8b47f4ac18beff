//! Whose key is this, at that time, under this policy; CMS signatures; time stamps.
#![forbid(unsafe_code)]
