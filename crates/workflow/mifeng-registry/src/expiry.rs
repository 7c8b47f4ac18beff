//! Seals that end soon (requirement: confirm the extension in time).

use crate::Made;
use mifeng_crypto::{Digest, Time};

/// How near the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    /// It has ended.
    Ended,
    /// Within 7 days.
    Days7,
    /// Within 30 days.
    Days30,
    /// Within 60 days.
    Days60,
}

impl Alert {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Alert::Ended => "ended",
            Alert::Days7 => "7-days",
            Alert::Days30 => "30-days",
            Alert::Days60 => "60-days",
        }
    }
}

/// A seal that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// SM3 of its DER.
    pub seal: Digest,
    /// Its number.
    pub number: String,
    /// What stands on it.
    pub name: String,
    /// Its last second.
    pub until: Time,
    /// Whole days left, rounded down; 0 where it has ended.
    pub days: i64,
    /// How near.
    pub alert: Alert,
}

impl Expiring {
    pub(crate) fn of(seal: Digest, made: &Made, at: Time) -> Option<Self> {
        let left = made.valid_until.as_unix_seconds() - at.as_unix_seconds();
        let day = 86_400;
        let alert = match left {
            ..0 => Alert::Ended,
            left if left <= 7 * day => Alert::Days7,
            left if left <= 30 * day => Alert::Days30,
            left if left <= 60 * day => Alert::Days60,
            _ => return None,
        };
        Some(Expiring {
            seal,
            number: made.number.clone(),
            name: made.name.clone(),
            until: made.valid_until,
            days: (left / day).max(0),
            alert,
        })
    }
}
