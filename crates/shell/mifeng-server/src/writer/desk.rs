//! The way to a writer: a bounded queue of orders, in which what nobody signed has few places.

use super::{Answer, Order};
use crate::bodies::Held;
use crate::limits::{STRANGERS_MAX, UNSIGNED_MAX};
use mifeng::Error;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// An order in the queue, and what it takes until it is done, whether anybody still waits for it or not.
pub(super) struct Slip {
    pub(super) order: Order,
    /// The room of the body that it came with.
    _held: Option<Arc<Held>>,
    /// The place of an order that nobody signed, or nobody who is recognised.
    place: Option<OwnedSemaphorePermit>,
}

/// The way to a writer.
#[derive(Clone)]
pub(crate) struct Desk {
    orders: SyncSender<Slip>,
    unsigned: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// Who signed a record, as far as its place in the queue goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The tender recognises the certificate.
    Known,
    /// It does not, as far as the last snapshot tells.
    Stranger,
}

impl Slip {
    /// Whether nobody who is recognised signed it.
    pub(super) fn is_of_a_stranger(&self) -> bool {
        self.place.is_some()
    }
}

impl Desk {
    pub(super) fn new(orders: SyncSender<Slip>) -> Self {
        Desk {
            orders,
            unsigned: Arc::new(Semaphore::new(UNSIGNED_MAX)),
            strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
        }
    }

    /// Hands an order over that brings nothing, and waits for its answer.
    pub(crate) async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, Error> {
        answered(self.put((None, None), order)).await
    }

    /// The same for an order that came as a signed record.
    pub(crate) async fn ask_signed<T>(
        &self,
        came: (&Arc<Held>, Signer),
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<T, Error> {
        answered(self.hand_over(came, order)).await
    }

    /// The same for an order that any stranger may have sent.
    pub(crate) async fn ask_unsigned<T>(
        &self,
        held: Option<&Arc<Held>>,
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<T, Error> {
        let place = place(&self.unsigned)?;
        answered(self.put((held.map(Arc::clone), Some(place)), order)).await
    }

    /// Hands an order over that came as a signed record; its answer comes by what this gives.
    pub(crate) fn hand_over<T>(
        &self,
        (held, signer): (&Arc<Held>, Signer),
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let place = match signer {
            Signer::Known => None,
            Signer::Stranger => Some(place(&self.strangers)?),
        };
        self.put((Some(Arc::clone(held)), place), order)
    }

    fn put<T>(
        &self,
        (held, place): (Option<Arc<Held>>, Option<OwnedSemaphorePermit>),
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let (answer, said) = oneshot::channel();
        let slip = Slip {
            order: order(answer),
            _held: held,
            place,
        };
        self.orders.try_send(slip).map_err(|e| match e {
            TrySendError::Full(_) => busy(),
            TrySendError::Disconnected(_) => stopped(),
        })?;
        Ok(said)
    }

    /// Hands an order of the host's own over; its answer comes by what this gives.
    pub(crate) fn give<T>(
        &self,
        order: impl FnOnce(Answer<T>) -> Order,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        self.put((None, None), order)
    }

    /// Tells that a bid was read. If the queue is full the writer is awake anyway.
    pub(crate) fn nudge(&self) {
        let _ = self.orders.try_send(Slip {
            order: Order::Nudge,
            _held: None,
            place: None,
        });
    }

    /// Ends the thread once the orders before this one are done; waits for room in the queue.
    pub(crate) fn stop(&self) {
        let _ = self.orders.send(Slip {
            order: Order::Stop,
            _held: None,
            place: None,
        });
    }
}

/// What comes of an order that was handed over.
pub(crate) async fn answered<T>(
    said: Result<oneshot::Receiver<Result<T, Error>>, Error>,
) -> Result<T, Error> {
    said?.await.unwrap_or_else(|_| Err(stopped()))
}

fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    Arc::clone(places).try_acquire_owned().map_err(|_| busy())
}

pub(super) fn busy() -> Error {
    Error::Unavailable {
        what: "host".to_owned(),
        detail: "too many orders wait: try again in a moment".to_owned(),
    }
}

pub(super) fn stopped() -> Error {
    Error::Unavailable {
        what: "host".to_owned(),
        detail: "this tender's writer has stopped: the operator must start the host again"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::Rooms;
    use crate::limits::ORDERS_MAX;
    use axum::body::Bytes;
    use futures_util::FutureExt;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn who_goes_away_leaves_the_room_taken_until_the_order_is_done() {
        let (orders, queue) = sync_channel(4);
        let desk = Desk::new(orders);
        let held = Rooms::new().records.hold(1).now_or_never();
        let Some(Ok(held)) = held else { unreachable!() };
        let held = Arc::new(held);
        let seen = Arc::downgrade(&held);
        let stamp = |answer| Order::Stamp(Bytes::new(), answer);
        let came = (&held, Signer::Known);
        assert!(desk.ask_signed(came, stamp).now_or_never().is_none());
        assert!(
            desk.ask_unsigned(Some(&held), stamp)
                .now_or_never()
                .is_none()
        );
        drop(held);
        let slips: Vec<Slip> = queue.try_iter().collect();
        assert_eq!((slips.len(), seen.strong_count()), (2, 2));
        drop(slips);
        assert_eq!(seen.strong_count(), 0);
    }

    #[test]
    fn a_flood_of_strangers_leaves_places_for_bids() {
        let (orders, queue) = sync_channel(ORDERS_MAX);
        let desk = Desk::new(orders);
        let held = Rooms::new().records.hold(1).now_or_never();
        let Some(Ok(held)) = held else { unreachable!() };
        let held = Arc::new(held);
        let ask = |signer| desk.hand_over((&held, signer), Order::Wake);
        // More than the whole queue would take.
        let taken = (0..=ORDERS_MAX).filter(|_| ask(Signer::Stranger).is_ok());
        assert_eq!(taken.count(), STRANGERS_MAX);
        assert!(ask(Signer::Known).is_ok());
        assert!(
            desk.ask_unsigned(None, Order::Wake)
                .now_or_never()
                .is_none()
        );
        // One that is done makes room for one.
        assert_eq!(queue.try_iter().take(1).count(), 1);
        assert!(ask(Signer::Stranger).is_ok() && ask(Signer::Stranger).is_err());
    }

    #[test]
    fn what_nobody_signed_leaves_places_for_the_rest() {
        let (orders, queue) = sync_channel(UNSIGNED_MAX + 1);
        let desk = Desk::new(orders);
        let stamp = |answer| Order::Stamp(Bytes::new(), answer);
        for _ in 0..UNSIGNED_MAX {
            assert!(desk.ask_unsigned(None, stamp).now_or_never().is_none());
        }
        let no = desk.ask_unsigned(None, stamp).now_or_never();
        assert!(matches!(no, Some(Err(Error::Unavailable { .. }))));
        assert!(desk.ask(Order::Wake).now_or_never().is_none());
        assert_eq!(queue.try_iter().take(1).count(), 1);
        assert!(desk.ask_unsigned(None, stamp).now_or_never().is_none());
    }
}
