//! The same pages in two formats.

mod ofd;
mod outline;
mod pdf;
mod sfnt;
