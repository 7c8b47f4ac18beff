//! The same pages in two formats.

mod ofd;
mod outline;
mod pdf;
mod sfnt;

use mifeng_crypto::Time;

/// A picture shown at the place of a seal in the copy as PDF.
#[derive(Clone, Copy, Debug)]
pub struct SealImage<'a> {
    /// Which of [`crate::Sheets::places`], from 0.
    pub spot: usize,
    /// PNG.
    pub png: &'a [u8],
    /// Its size in millimetres.
    pub size: (u32, u32),
}

/// Year, month, day, hour, minute, second in Beijing.
pub(crate) fn beijing(time: Time) -> (i64, u8, u8, u8, u8, u8) {
    time.plus_millis(8 * 3_600_000).utc_fields()
}
