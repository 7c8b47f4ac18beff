//! The same pages in two formats.

mod ofd;
mod outline;
mod pdf;
mod sfnt;

use mifeng_crypto::Time;

/// Year, month, day, hour, minute, second in Beijing.
pub(crate) fn beijing(time: Time) -> (i64, u8, u8, u8, u8, u8) {
    time.plus_millis(8 * 3_600_000).utc_fields()
}
