//! The order in which orders are obeyed: as they came. A bid that is being read keeps its place without keeping others up:
//! what overtakes it are bids of others, which it cannot make late nor be made late by.

use super::desk::{Slip, busy};
use super::{Order, Writer};
use crate::limits::{BEHIND_MAX, ORDERS_MAX};
use crate::reading::Brought;
use crate::view::Standing;
use mifeng::Store;
use mifeng::crypto::{Digest, Time};
use mifeng::tender::Stage;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// While the last beat waits for bids that are being read, it is looked so often whether they are.
const READ_LOOK: Duration = Duration::from_millis(20);

/// From when a record came until it is in the queue: its signature is checked meanwhile.
const ENTER_TIME: Duration = Duration::from_secs(2);

/// Nobody can send orders any more.
pub(super) struct Ended;

fn bid_of(order: &Order) -> Option<&Brought> {
    match order {
        Order::Submit { bid, .. } => bid.as_deref(),
        _ => None,
    }
}

/// Whether it is a record that came at `end` or before.
fn came_by(order: &Order, end: Time) -> bool {
    matches!(order, Order::Submit { received, .. } if *received <= end)
}

impl<S: Store + 'static> Writer<S> {
    /// The next order that may be obeyed; none if there is none for a while.
    pub(super) fn next(&mut self, queue: &Receiver<Slip>) -> Result<Option<Slip>, Ended> {
        if self.keeps_waiting() && self.keep_bodies() {
            return Ok(None);
        }
        // What came while the clock was believed, and the store there, waits until they are again.
        let waits = self.office.standing() == Standing::Away || !self.trusted;
        if !waits && let Some(slip) = self.read_by_now(None) {
            return Ok(Some(slip));
        }
        let may_go = |slip: &Slip| !waits || !matches!(slip.order, Order::Submit { .. });
        let place = self.put_off.iter().position(may_go);
        let put_off = place.and_then(|place| self.put_off.remove(place));
        let slip = match put_off {
            Some(slip) => slip,
            None => match self.from(queue)? {
                Some(slip) => slip,
                None => return Ok(None),
            },
        };
        Ok(self.in_turn(slip))
    }

    /// The first in the queue; when there is none it is time to make durable what was taken.
    fn from(&mut self, queue: &Receiver<Slip>) -> Result<Option<Slip>, Ended> {
        if let Ok(slip) = queue.try_recv() {
            return Ok(Some(slip));
        }
        if self.keep_bodies() {
            return Ok(None);
        }
        match queue.recv_timeout(self.pause()) {
            Ok(slip) => Ok(Some(slip)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Ended),
        }
    }

    /// The first of those that wait for reading and need not any more: a bid that was read, if none of its signer and
    /// nothing but bids came before it; or anything else, if nothing came before it.
    /// With `due` only what came by then.
    fn read_by_now(&mut self, due: Option<Time>) -> Option<Slip> {
        let mut signers: BTreeSet<Digest> = BTreeSet::new();
        let mut found = None;
        for (place, slip) in self.reading.iter().enumerate() {
            match bid_of(&slip.order) {
                Some(bid) if bid.is_read() && !signers.contains(&bid.actor) => found = Some(place),
                Some(bid) => {
                    signers.insert(bid.actor);
                    continue;
                }
                None if place == 0 => found = Some(0),
                None => {}
            }
            break;
        }
        let is_due = |place: &usize| {
            let order = self.reading.get(*place).map(|slip| &slip.order);
            due.is_none_or(|due| order.is_some_and(|order| came_by(order, due)))
        };
        let found = found.filter(is_due);
        found.and_then(|place| self.reading.remove(place))
    }

    /// Gives an order back if its turn has come; else it waits with those that are being read.
    fn in_turn(&mut self, slip: Slip) -> Option<Slip> {
        let waits = match &slip.order {
            Order::Submit { bid: Some(bid), .. } => {
                let before = |one: &Slip| bid_of(&one.order).is_none_or(|b| b.actor == bid.actor);
                !bid.is_read() || self.reading.iter().any(before)
            }
            // Numbers of one signer only go up; what halts or ends the tender halts no bid that came before. What strangers
            // send is refused at once.
            Order::Submit { bid: None, .. } => !self.reading.is_empty() && !slip.is_of_a_stranger(),
            // These count when they are obeyed: not between the deadline and a bid that came before it.
            Order::Ordered(..) | Order::Beacon(..) => {
                let deadline = self.deadline();
                let is_over = deadline.is_some_and(|deadline| self.clock.now() >= deadline);
                is_over && self.trusted && !self.reading.is_empty()
            }
            _ => false,
        };
        if !waits {
            return Some(slip);
        }
        let is_bid = |slip: &Slip| bid_of(&slip.order).is_some();
        let others = self.reading.iter().filter(|one| !is_bid(one)).count();
        // Whoever sends records while a bid is read takes no place from a bid.
        let has_place = match is_bid(&slip) {
            true => self.reading.len() - others < ORDERS_MAX,
            false => others < BEHIND_MAX,
        };
        match has_place {
            true => self.reading.push_back(slip),
            false => self.refuse(slip.order, busy())(),
        }
        None
    }

    fn put_off(&mut self, slip: Slip) {
        if self.put_off.len() < ORDERS_MAX || matches!(slip.order, Order::Stop) {
            self.put_off.push_back(slip);
        } else {
            self.refuse(slip.order, busy())();
        }
    }

    /// Before a beat that is due whatever arrived before it is taken in: nobody is late because the host was busy. What
    /// arrived later, and all other orders, come after the beat. Before the last beat, the end of the time for bodies, and
    /// that of a round of offers, bids that came in time are read to their end: at any other beat they are in the next one.
    pub(super) fn obey_what_came_in_time(&mut self, queue: &Receiver<Slip>, now: Time) {
        let beat = self.host.next_beat().filter(|next| *next <= now);
        let end = self.end_of_bids(beat).max(self.end_of_offers(now));
        let end = end.max(self.end_of_bodies(now));
        let Some(due) = beat.max(end) else {
            return;
        };
        let put_off = std::mem::take(&mut self.put_off).into_iter();
        // As many as there are now: those who come meanwhile are late for this beat.
        let came: Vec<Slip> = put_off.chain(queue.try_iter().take(ORDERS_MAX)).collect();
        for slip in came {
            self.obey_in_time(slip, due);
        }
        self.obey_read(due);
        let Some(end) = end else { return };
        let begun = Instant::now();
        while self.is_well() && self.reading.iter().any(|one| came_by(&one.order, end)) {
            // What comes meanwhile leaves the queue: it keeps room.
            match queue.recv_timeout(READ_LOOK) {
                Ok(Slip {
                    order: Order::Stop, ..
                })
                | Err(RecvTimeoutError::Disconnected) => self.stopped = true,
                // Whatever the clock said when it came: it may have been set back.
                Ok(slip) if begun.elapsed() > ENTER_TIME => self.put_off(slip),
                Ok(slip) => self.obey_in_time(slip, due),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look_at_the_clock();
            if self.stopped || !self.trusted {
                return;
            }
            self.obey_read(due);
        }
    }

    /// After a store's failure nothing more is tried: the rest came in time also for the store that is opened next.
    fn obey_in_time(&mut self, slip: Slip, due: Time) {
        if !came_by(&slip.order, due) || !self.is_well() {
            self.put_off(slip);
        } else if let Some(slip) = self.in_turn(slip) {
            self.obey(slip.order)();
        }
    }

    fn obey_read(&mut self, due: Time) {
        while self.is_well()
            && let Some(slip) = self.read_by_now(Some(due))
        {
            self.obey(slip.order)();
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.host
            .state()
            .notice()
            .map(|(_, notice)| notice.deadline)
    }

    /// The end of the time for bodies, if it is over and the bidders' window is to be closed now.
    fn end_of_bodies(&self, now: Time) -> Option<Time> {
        let state = self.host.state();
        let closes = state.stage() == Stage::Window && !state.is_halted();
        let end = state.bodies_end().filter(|_| closes);
        end.filter(|_| self.window_is_over(now))
    }

    /// The deadline, if this beat is the one after it: the last one.
    fn end_of_bids(&self, beat: Option<Time>) -> Option<Time> {
        let deadline = self.deadline()?;
        beat.filter(|beat| *beat >= deadline).map(|_| deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bodies::{Held, Rooms};
    use crate::clock::ManualClock;
    use crate::reading::{Reading, brought};
    use crate::receipts::Receipts;
    use crate::seat::Opened;
    use crate::upload::Uploads;
    use crate::writer::{self, Desk, Signer, Taken, Workplace};
    use futures_util::FutureExt;
    use mifeng::crypto::INTL;
    use mifeng::record::SignedRecord;
    use mifeng::tender::{BidLife, Halt};
    use mifeng::{Error, MeasuredBid};
    use mifeng_testkit::world::*;
    use std::path::PathBuf;
    use std::sync::Arc;
    use tokio::sync::oneshot;

    type Said<T> = oneshot::Receiver<Result<T, Error>>;

    /// A writer of a published tender, whose readers are the test.
    struct Run {
        desk: Desk,
        clock: Arc<ManualClock>,
        folder: PathBuf,
        held: Arc<Held>,
        store: Memory,
        seed: &'static str,
        thread: Option<std::thread::JoinHandle<()>>,
    }

    impl Run {
        fn new(tender: &Tender<'_>, seed: &'static str) -> Self {
            let name = seed.replace(' ', "-");
            let name = format!("mifeng-queue-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = std::fs::remove_dir_all(&folder);
            let uploads = Uploads::open(&folder.join("uploads")).expect("a folder");
            let workplace = Workplace {
                opened: folder.join("opened"),
                uploads: Arc::new(uploads),
                receipts: Receipts::default(),
            };
            let kept = tender.store.copied();
            let store = kept.clone();
            let open = move |_| Ok(Opened::Ready(store.clone(), keys(&Cast::new(&INTL, seed))));
            let clock = Arc::new(ManualClock::new(secs(2)));
            let started = writer::start("t1", Box::new(open), clock.clone(), workplace);
            let (desk, _, thread) = started.expect("a writer");
            let held = Rooms::new().records.hold(1).now_or_never();
            let Some(Ok(held)) = held else { unreachable!() };
            Run {
                desk,
                clock,
                folder,
                held: Arc::new(held),
                store: kept,
                seed,
                thread: Some(thread),
            }
        }

        fn submit(&self, record: &SignedRecord, bid: Option<Arc<Brought>>, at: i64) -> Said<Taken> {
            let said = self
                .desk
                .hand_over((&self.held, Signer::Known), |answer| Order::Submit {
                    record: record.clone(),
                    bid,
                    received: secs(at),
                    answer,
                });
            said.expect("in the queue")
        }

        /// Hands in a bid that is not read yet.
        fn hand_in(&self, bid: &Sealed, number: u8, at: i64) -> (Said<Taken>, Unread) {
            let path = self.folder.join(format!("{number}.bid"));
            std::fs::write(&path, &bid.file).expect("a file");
            let (order, reading) = brought(Digest::from_bytes([number; 32]));
            let said = self.submit(&bid.record, Some(order), at);
            (said, Unread { path, reading })
        }

        fn wake(&self) -> Said<()> {
            let said = self
                .desk
                .hand_over((&self.held, Signer::Known), Order::Wake);
            said.expect("in the queue")
        }

        fn at(&self, at: i64) {
            self.clock.set(secs(at));
            self.wake()
                .blocking_recv()
                .expect("an answer")
                .expect("done");
        }
    }

    impl Drop for Run {
        fn drop(&mut self) {
            self.desk.stop();
            let _ = self.thread.take().map(std::thread::JoinHandle::join);
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    struct Unread {
        path: PathBuf,
        reading: Reading,
    }

    impl Unread {
        fn read(self, run: &Run) {
            let found = MeasuredBid::read(&self.path, &INTL, 1);
            self.reading.done(found.map(Arc::new));
            run.desk.nudge();
        }
    }

    /// Nothing is said for long enough to have been said.
    fn is_silent<T>(said: &mut Said<T>) -> bool {
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(150) {
            if !matches!(said.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    fn waits_for_its_beat(said: Said<Taken>) -> bool {
        matches!(said.blocking_recv(), Ok(Ok(Taken::Waiting)))
    }

    #[test]
    fn others_overtake_a_bid_that_is_read_and_the_last_beat_does_not() {
        let cast = Cast::new(&INTL, "queue");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let run = Run::new(&tender, "queue");
        for at in [20, 30, 40, 50] {
            run.at(at);
        }
        let large = tender.seal(0, 900_000, 3);
        let small = tender.seal(1, 800_000, 3);
        run.clock.set(secs(DEADLINE - 2));
        let (said, unread) = run.hand_in(&large, 0, DEADLINE - 2);
        let (other, at_once) = run.hand_in(&small, 1, DEADLINE - 1);
        at_once.read(&run);
        assert!(waits_for_its_beat(other));
        run.clock.set(secs(DEADLINE + 1));
        let mut woken = run.wake();
        assert!(is_silent(&mut woken));
        unread.read(&run);
        // Its beat falls first.
        assert!(matches!(said.blocking_recv(), Ok(Ok(Taken::Logged(_)))));
        assert!(matches!(woken.blocking_recv(), Ok(Ok(()))));
        run.at(DEADLINE + 2);
        for bid in [&large, &small] {
            let again = run.submit(&bid.record, None, DEADLINE + 2).blocking_recv();
            assert!(matches!(again, Ok(Ok(Taken::Logged(_)))));
        }
    }

    #[test]
    fn a_body_that_cannot_be_kept_makes_nobody_else_late() {
        let cast = Cast::new(&INTL, "kept apart");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let run = Run::new(&tender, "kept apart");
        for at in [20, 30, 40, 50] {
            run.at(at);
        }
        let (good, bad) = (tender.seal(0, 900_000, 3), tender.seal(1, 800_000, 3));
        run.clock.set(secs(DEADLINE - 2));
        let (said, first) = run.hand_in(&good, 0, DEADLINE - 2);
        let (other, second) = run.hand_in(&bad, 1, DEADLINE - 1);
        run.clock.set(secs(DEADLINE + 1));
        let mut woken = run.wake();
        assert!(is_silent(&mut woken));
        // Both are taken together; one of the files is gone when they are to be kept.
        let found = MeasuredBid::read(&second.path, &INTL, 1);
        std::fs::remove_file(&second.path).expect("removed");
        second.reading.done(found.map(Arc::new));
        first.read(&run);
        for said in [said, other] {
            let no = said.blocking_recv().expect("an answer");
            assert!(matches!(no, Err(Error::Unavailable { .. })));
        }
        // The store is opened anew, and the last beat falls with the other one.
        let begun = std::time::Instant::now();
        let again = |bid: &Sealed| run.submit(&bid.record, None, DEADLINE + 2).blocking_recv();
        while !matches!(again(&good), Ok(Ok(Taken::Logged(_)))) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        assert!(matches!(again(&bad), Ok(Err(Error::Refused(_)))));
    }

    #[test]
    fn a_host_that_is_far_behind_makes_nobody_late() {
        let cast = Cast::new(&INTL, "far behind");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let run = Run::new(&tender, "far behind");
        let bid = tender.seal(0, 900_000, 3);
        let (said, unread) = run.hand_in(&bid, 0, DEADLINE - 1);
        // All beats are due at once.
        run.clock.set(secs(DEADLINE + 5));
        let mut woken = run.wake();
        assert!(is_silent(&mut woken));
        unread.read(&run);
        // Its beat falls first.
        assert!(matches!(said.blocking_recv(), Ok(Ok(Taken::Logged(_)))));
        assert!(matches!(woken.blocking_recv(), Ok(Ok(()))));
        let again = run.submit(&bid.record, None, DEADLINE + 6).blocking_recv();
        assert!(matches!(again, Ok(Ok(Taken::Logged(_)))));
    }

    #[test]
    fn the_end_of_the_time_for_bodies_waits_for_one_that_is_read() {
        let cast = Cast::new(&INTL, "the bodies of bids");
        let mut tender = published(&cast, |notice| notice.body_grace_ms = 20_000);
        let run = Run::new(&tender, "the bodies of bids");
        let bid = tender.seal(0, 900_000, 3);
        let never = tender.seal(1, 800_000, 3);
        for bid in [&bid, &never] {
            assert!(waits_for_its_beat(run.submit(&bid.record, None, 4)));
        }
        for at in [10, 20, 30, 40, 50, DEADLINE, DEADLINE + 1] {
            run.at(at);
        }
        let end = DEADLINE + 20;
        run.clock.set(secs(end - 1));
        let (said, unread) = run.hand_in(&bid, 0, end - 1);
        run.clock.set(secs(end + 1));
        let mut woken = run.wake();
        assert!(is_silent(&mut woken));
        unread.read(&run);
        assert!(matches!(said.blocking_recv(), Ok(Ok(Taken::Logged(_)))));
        assert!(matches!(woken.blocking_recv(), Ok(Ok(()))));
        let again = mifeng::Host::open(run.store.clone(), keys(&Cast::new(&INTL, run.seed)));
        let host = again.expect("a host");
        assert_eq!(host.state().stage(), Stage::Opening);
        let life = |bid: &Sealed| host.state().bids()[&bid.id].life;
        assert_eq!((life(&bid), life(&never)), (BidLife::Live, BidLife::NoBody));
    }

    #[test]
    fn what_came_after_a_bid_waits_until_it_is_read() {
        let cast = Cast::new(&INTL, "comes after");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let run = Run::new(&tender, "comes after");
        let bid = tender.seal(0, 900_000, 3);
        let why = Halt {
            reason: "a question of principle".to_owned(),
        };
        let halt = tender.signed(&cast.agency, "tender.suspend", &why, 5);
        let (said, unread) = run.hand_in(&bid, 0, 4);
        let mut halted = run.submit(&halt, None, 5);
        // One of the same signer that was read first keeps its place too.
        let (mut own, read) = run.hand_in(&bid, 0, 6);
        read.read(&run);
        assert!(is_silent(&mut halted) && is_silent(&mut own));
        unread.read(&run);
        assert!(waits_for_its_beat(said));
        assert!(matches!(halted.blocking_recv(), Ok(Ok(_))));
        assert!(waits_for_its_beat(own));
    }

    #[test]
    fn who_sends_records_while_a_bid_is_read_takes_no_place_from_a_bid() {
        let cast = Cast::new(&INTL, "behind a bid");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let run = Run::new(&tender, "behind a bid");
        let (bid, other) = (tender.seal(0, 900_000, 3), tender.seal(1, 800_000, 3));
        let why = Halt {
            reason: "again and again".to_owned(),
        };
        let halt = tender.signed(&cast.agency, "tender.suspend", &why, 5);
        let (mut said, unread) = run.hand_in(&bid, 0, 4);
        let mut behind: Vec<_> = (0..=BEHIND_MAX)
            .map(|_| run.submit(&halt, None, 5))
            .collect();
        let last = behind.pop().map(oneshot::Receiver::blocking_recv);
        assert!(matches!(last, Some(Ok(Err(Error::Unavailable { .. })))));
        let (mut later, unread_too) = run.hand_in(&other, 1, 6);
        assert!(is_silent(&mut later) && is_silent(&mut said));
        unread.read(&run);
        assert!(waits_for_its_beat(said));
        unread_too.read(&run);
        // It came after the suspension, and that is what is said.
        assert!(matches!(later.blocking_recv(), Ok(Err(Error::Refused(_)))));
    }

    #[test]
    fn a_host_that_is_stopped_while_the_last_beat_waits_closes_nothing() {
        let cast = Cast::new(&INTL, "stopped while it waits");
        let mut tender = Tender::new(&cast, "host/t/1", Kind::Board);
        let mut run = Run::new(&tender, "stopped while it waits");
        for at in [20, 30, 40, 50] {
            run.at(at);
        }
        let bid = tender.seal(0, 900_000, 3);
        run.clock.set(secs(DEADLINE - 1));
        let (_said, unread) = run.hand_in(&bid, 0, DEADLINE - 1);
        run.clock.set(secs(DEADLINE + 1));
        let mut woken = run.wake();
        assert!(is_silent(&mut woken));
        run.desk.stop();
        let ended = run.thread.take().map(std::thread::JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))));
        drop(unread);
        let again = mifeng::Host::open(run.store.clone(), keys(&Cast::new(&INTL, run.seed)));
        let next = again.map(|host| host.next_beat());
        assert_eq!(next.expect("a host"), Some(secs(DEADLINE)));
    }
}
