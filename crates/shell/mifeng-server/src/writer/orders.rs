//! What the host's operator orders: signed, obeyed once.

use super::{Writer, unavailable};
use crate::orders::UsedOrders;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::{SystemEntropy, Time};
use mifeng::pki::Certificate;
use mifeng::record::{Record, SignedRecord};
use mifeng::tender::{Refusal, Stage, rules};
use mifeng::{Error, Store};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Type of the record that orders something of the host; the log never takes it.
pub const ORDER: &str = "host.order";
/// Orders that were obeyed, there too.
const USED_ORDERS: &str = "orders";
/// An order counts so long by either clock.
const ORDER_AGE_MAX: Duration = Duration::from_secs(300);

/// What an operator orders, as the data of a `host.order` record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "order")]
pub enum HostOrder {
    /// Close the log for good.
    Archive {},
    /// Wait no longer for shares that bids and final offers lack.
    GiveUp {},
    /// The host's clock is right, though it jumped or the host was away for long.
    Clock {},
    /// Take in a revocation list, DER in base64.
    List {
        /// The list.
        der: String,
    },
    /// Take in an OCSP response.
    Answer {
        /// CA certificates between what is answered for and its root, DER in base64.
        above: Vec<String>,
        /// The response, DER in base64.
        der: String,
    },
}

impl<S: Store + 'static> Writer<S> {
    /// Obeys the host's operator: a signed order counts once, for this tender, for some minutes.
    pub(super) fn ordered(&mut self, signed: SignedRecord) -> Result<(), Error> {
        let state = self.host.state();
        let record = Record::verify(signed, state.suite())?;
        let now = self.clock.now();
        let own = state
            .host()
            .is_some_and(|(host, _)| *host == record.actor());
        if !own || record.kind() != ORDER {
            return Err(Refusal::by(&rules::NOT_AUTHORISED, "only the host orders").into());
        }
        let age = now.as_unix_nanos() - record.time().as_unix_nanos();
        let fresh =
            record.origin() == state.origin() && age.abs() <= ORDER_AGE_MAX.as_nanos() as i128;
        let order = record.data::<HostOrder>()?;
        if order != (HostOrder::Clock {}) {
            // It is not used up by this.
            self.require_clock()?;
        }
        // Not the commitment: a signature can have two forms.
        let is_new = |orders: &mut UsedOrders| orders.is_new(record.body_digest(), now);
        if !fresh || !is_new(&mut self.ordered).map_err(|e| unavailable("orders", &e))? {
            return Err(
                Refusal::by(&rules::REPLAY, "order: stale, used, or for another tender").into(),
            );
        }
        let entropy = &mut SystemEntropy::new();
        match order {
            HostOrder::Clock {} => {
                self.watch.confirm(&*self.clock);
                self.look_at_the_clock();
                Ok(())
            }
            HostOrder::Archive {} => {
                if self.host.state().stage() != Stage::Archived {
                    self.host.archive(now, entropy)?;
                }
                self.keep_dossier()
            }
            HostOrder::GiveUp {} => self.give_up(now),
            HostOrder::List { der } => {
                let der = decoded("revocation list", &der)?;
                self.host.take_crl(&der, now, entropy).map(|_| ())
            }
            HostOrder::Answer { above, der } => {
                let der = decoded("OCSP response", &der)?;
                let above = above.iter().map(|ca| {
                    let ca = decoded("certificate", ca)?;
                    Ok(Certificate::parse(&ca)?)
                });
                let above = above.collect::<Result<Vec<_>, Error>>()?;
                self.host.take_ocsp(&der, &above, now, entropy).map(|_| ())
            }
        }
    }

    /// Ends the wait for trustees: a bid or final offer that cannot be opened fails with the cause that the records give.
    fn give_up(&mut self, now: Time) -> Result<(), Error> {
        for seal in self.host.state().due_now() {
            if !self.host.state().outcomes().contains_key(&seal) {
                self.host.fail_bid(&seal, now, &mut SystemEntropy::new())?;
            }
        }
        Ok(())
    }
}

fn decoded(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD.decode(text).map_err(|_| Error::Malformed {
        what,
        detail: "not base64".to_owned(),
    })
}

pub(super) fn used_orders(opened: &Path, now: Time) -> Result<UsedOrders, Error> {
    let for_millis = 2 * ORDER_AGE_MAX.as_millis() as i64;
    UsedOrders::open(&opened.with_file_name(USED_ORDERS), now, for_millis)
        .map_err(|e| unavailable("orders", &e))
}
