//! Who writes a tender, and how a writer comes back after its store was away.
//!
//! Of several replicas over one database one writes a tender; the others stand by: they show what the log holds,
//! refuse what would change it (`not.writer`), and try to take over. The store decides who writes: its lock or its
//! lease, never this program's clock.

use crate::seat::{Opened, Opening, Seat};
use crate::view::Standing;
use crate::words::Fault;
use crate::writer::{Handed, Writer};
use mifeng::crypto::Digest;
use mifeng::{Error, Host, MeasuredBid, Store};
use mifeng_store::Access;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two tries to write. A crashed replica's lease ends after 15 seconds; a database that is started anew
/// answers after some.
const RETRY: Duration = Duration::from_secs(1);

/// Between two looks at a store to which nothing is written: as often as a lease is renewed, so that a store that is away is
/// known where no beats run.
const PROBE: Duration = Duration::from_secs(5);

/// The writer's place.
pub(crate) struct Office<S: Store> {
    open: Opening<S>,
    seat: Seat<S>,
    standing: Standing,
    /// When it was tried to come to write.
    tried: Instant,
    /// When the store was last asked for the head.
    probed: Instant,
}

/// An engine, and the seat that it writes from.
type Seated<S> = (Host<Seat<S>>, Seat<S>);

/// An engine on a store that was just opened.
fn engine<S: Store>(opened: Opened<S>) -> Result<Option<Seated<S>>, Error> {
    match opened {
        Opened::Held => Ok(None),
        Opened::Ready(store, keys) => {
            let seat = Seat::new(store);
            Ok(Some((Host::open(seat.clone(), keys)?, seat)))
        }
    }
}

impl<S: Store> Office<S> {
    /// Opens the tender for the first time: what is wrong then is told to whoever starts the host.
    pub(crate) fn first(mut open: Opening<S>) -> Result<(Host<Seat<S>>, Self), Error> {
        let (opened, standing) = match engine(open(Access::Write)?)? {
            Some(opened) => (opened, Standing::Writes),
            None => {
                let reading = engine(open(Access::Read)?)?;
                (reading.ok_or_else(away)?, Standing::StandsBy)
            }
        };
        let (host, seat) = opened;
        let office = Office {
            open,
            seat,
            standing,
            tried: Instant::now(),
            probed: Instant::now(),
        };
        Ok((host, office))
    }

    /// Another hand on the store.
    pub(crate) fn seat(&self) -> Seat<S> {
        self.seat.clone()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing
    }

    /// What is said to whoever wants something written, if it cannot be now.
    pub(crate) fn refusal(&self) -> Option<Error> {
        match self.standing {
            Standing::Writes => None,
            Standing::StandsBy => Some(Error::Unavailable {
                what: "tender".to_owned(),
                detail: Fault::NotWriter.facts().3.to_owned(),
            }),
            Standing::Away => Some(away()),
        }
    }
}

impl<S: Store + 'static> Writer<S> {
    /// Whether nothing failed since it came to write.
    pub(crate) fn is_well(&self) -> bool {
        self.host.is_sound() && self.office.seat.is_taken()
    }

    /// Whether the store answers with the head that this writer left there, asked now and then.
    fn is_answered(&mut self) -> bool {
        if self.office.probed.elapsed() < PROBE {
            return true;
        }
        let current = self.host.is_current();
        self.office.probed = Instant::now();
        matches!(current, Ok(true))
    }

    /// Whether this writer writes; if not, it tries to, now and then.
    pub(crate) fn holds_office(&mut self) -> bool {
        if self.office.standing == Standing::Writes {
            if self.is_well() && self.is_answered() {
                return true;
            }
            self.leave_office();
        }
        if self.office.tried.elapsed() >= RETRY {
            let before = self.office.standing;
            // What is wrong is told by who opens; here it means "not yet".
            if self.seek_office().is_err() {
                self.office.seat.leave();
                self.office.standing = Standing::Away;
            }
            self.changed |= self.office.standing != before;
            self.office.tried = Instant::now();
        }
        self.office.standing == Standing::Writes
    }

    /// After a failed write: only what is stored counts, and only opening it anew tells what that is.
    pub(crate) fn leave_office(&mut self) {
        self.put_unanswered_back();
        self.office.seat.leave();
        self.office.standing = Standing::Away;
        self.changed = true;
    }

    fn seek_office(&mut self) -> Result<(), Error> {
        if let Some(opened) = engine((self.office.open)(Access::Write)?)? {
            self.sit(opened, Standing::Writes);
            self.hand_in_again();
            return Ok(());
        }
        // Somebody else writes: what waited here was promised nothing, and its senders hand it in there.
        self.waiting.clear();
        let current = self.office.seat.is_taken() && self.host.is_current()?;
        if !current && let Some(opened) = engine((self.office.open)(Access::Read)?)? {
            self.sit(opened, Standing::StandsBy);
        }
        self.office.standing = Standing::StandsBy;
        Ok(())
    }

    fn sit(&mut self, (host, seat): Seated<S>, standing: Standing) {
        (self.host, self.office.seat) = (host, seat);
        self.office.standing = standing;
        self.changed = true;
    }

    /// What waited for a beat when the store failed waits again: as long as this process lives nobody has to
    /// send it twice. What the failed write did put into the log has its receipt now.
    fn hand_in_again(&mut self) {
        let comes = |bid: &Arc<MeasuredBid>| bid.path().exists() && !bid.is_spoiled();
        let may_come_later = self.host.state().bodies_end().is_some();
        let mut again: Vec<(Digest, Handed)> = std::mem::take(&mut self.waiting)
            .into_iter()
            // A file that was swept meanwhile cannot come again, nor one that the disk did not keep; its record can, where
            // it may come first.
            .filter_map(|(commitment, mut handed)| {
                let brought = handed.bid.is_some();
                handed.bid = handed.bid.filter(comes);
                let stays = !brought || handed.bid.is_some() || may_come_later;
                stays.then_some((commitment, handed))
            })
            .collect();
        // In any other order one could have to wait for another.
        again.sort_by_key(|(_, handed)| handed.turn);
        let mut again = again.into_iter();
        while let Some((commitment, handed)) = again.next() {
            let (record, bid) = (handed.record.clone(), handed.bid.clone());
            let brought = bid.is_some();
            // Nothing was promised: what is refused now is told when its sender asks again.
            let taken = self.submit(record, bid, handed.received);
            // Each by itself: then it is known whose body it is that cannot be kept.
            let taken = taken.and_then(|_| self.host.keep_bodies());
            if matches!(taken, Err(Error::Unavailable { .. })) {
                // The store failed once more: the rest waits on, and this one unless it is known to have failed with it alone.
                // Without a beat to come there is nothing to wait for, but for bodies, and the close must not be held up.
                let waits = self.host.next_beat().is_some();
                if waits && !handed.unsure {
                    self.waiting.insert(commitment, handed);
                }
                let rest = again.filter(|(_, handed)| waits || handed.unsure);
                self.waiting.extend(rest);
                self.leave_office();
                return;
            }
            if brought && taken.is_ok() && !self.waiting.contains_key(&commitment) {
                // It is in the log, and its body is there now.
                let _ = self.receipt_now(commitment, &handed.record);
            }
        }
    }
}

/// What is said while nobody knows what the store holds.
pub(crate) fn away() -> Error {
    Error::Unavailable {
        what: "store".to_owned(),
        detail: "it does not answer or a write failed; the host tries to open it again".to_owned(),
    }
}
