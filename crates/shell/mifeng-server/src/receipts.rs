//! Receipts for those who ask again: read without asking the writer, which has other things to do.

use crate::limits::RECEIPTS_KEPT;
use mifeng::crypto::Digest;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The latest receipts of one tender; clones are one box. Older ones are made anew from the log.
#[derive(Clone, Default)]
pub(crate) struct Receipts(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    by_record: BTreeMap<Digest, Vec<u8>>,
    order: VecDeque<Digest>,
}

impl Receipts {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, record: &Digest) -> Option<Vec<u8>> {
        self.kept().by_record.get(record).cloned()
    }

    pub(crate) fn keep(&self, record: Digest, receipt: Vec<u8>) {
        let mut kept = self.kept();
        if kept.by_record.insert(record, receipt).is_none() {
            kept.order.push_back(record);
        }
        while kept.order.len() > RECEIPTS_KEPT {
            if let Some(oldest) = kept.order.pop_front() {
                kept.by_record.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let receipts = Receipts::default();
        let id = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Digest::from_bytes(bytes)
        };
        for number in 0..=RECEIPTS_KEPT {
            receipts.keep(id(number), vec![7]);
            receipts.keep(id(number), vec![8]);
        }
        assert_eq!(receipts.get(&id(0)), None);
        assert_eq!(receipts.get(&id(1)), Some(vec![8]));
        assert_eq!(receipts.get(&id(RECEIPTS_KEPT)), Some(vec![8]));
        assert_eq!(receipts.kept().by_record.len(), RECEIPTS_KEPT);
    }
}
