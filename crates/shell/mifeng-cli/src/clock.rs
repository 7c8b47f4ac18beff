//! The machine's clock, read here and nowhere else.

use mifeng::crypto::Time;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now.
pub(crate) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_unix_nanos(i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
}

/// Waits until `time`, by the machine's clock.
pub(crate) fn wait_until(time: Time) {
    loop {
        let left = time.as_unix_nanos() - now().as_unix_nanos();
        let Ok(left) = u64::try_from(left) else {
            return;
        };
        if left == 0 {
            return;
        }
        std::thread::sleep(Duration::from_nanos(left));
    }
}
