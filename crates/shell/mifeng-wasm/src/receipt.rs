//! Checking a receipt in the bidder's desk, as `mifeng receipt verify` does.

use crate::audit::{Problem, Text, small_up_to};
use crate::desk::{Named, in_chinese, replayed};
use crate::slices::{Given, ReadAt};
use mifeng::crypto::Time;
use mifeng::record::SignedRecord;
use mifeng::{Error, Receipt};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a record's or a receipt's file: a bid's record has some kilobytes.
const FILE_LEN_MAX: u64 = 2 << 20;

/// Which receipt, of which record, in which tender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRequest {
    /// The bundle: it names the keys.
    pub tender: Given,
    /// The receipt.
    pub receipt: Given,
    /// The record that it is for.
    pub record: Given,
}

/// What a receipt proves.
#[derive(Clone, Debug, Serialize)]
pub struct Proved {
    /// In words.
    pub said: Text,
    /// When the host had the record, by its clock.
    pub received: Time,
    /// The seal that the record brings, or else the record, in the words that `mifeng receipt verify` prints.
    pub named: Named,
}

/// The answer of [`receipt`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct ReceiptChecked {
    /// What was proved.
    pub proved: Option<Proved>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

/// Checks the host's signature and the log's proof.
pub fn receipt(request: &ReceiptRequest, from: &Arc<dyn ReadAt>) -> ReceiptChecked {
    match checked(request, from) {
        Ok(proved) => ReceiptChecked {
            proved: Some(proved),
            problem: None,
        },
        Err(problem) => ReceiptChecked {
            proved: None,
            problem: Some(in_chinese(problem, "回执未通过核验")),
        },
    }
}

fn checked(request: &ReceiptRequest, from: &Arc<dyn ReadAt>) -> Result<Proved, Problem> {
    let replay = replayed(&request.tender, from).map_err(|e| Problem::of(&request.tender, &e))?;
    let record = small_up_to(&request.record, from, FILE_LEN_MAX, |bytes| {
        Ok(SignedRecord::from_file(bytes)?)
    })?;
    small_up_to(&request.receipt, from, FILE_LEN_MAX, |bytes| {
        let received = Receipt::from_file(bytes)?.verify(&record, &replay)?;
        let named = received.seal.unwrap_or(received.commitment);
        Ok::<_, Error>(Proved {
            said: received.in_words().into(),
            received: received.at,
            named: Named::new(String::new(), named),
        })
    })
}
