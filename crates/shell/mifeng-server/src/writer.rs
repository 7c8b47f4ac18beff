//! One thread for each tender, the only one that touches its engine.
//!
//! It takes orders from a bounded queue and lets the beats fall when the clock says so. Between two of them
//! it publishes a snapshot, which is all that anybody else reads.

mod admit;
mod again;
mod bundles;
mod desk;
mod documents;
mod kept;
mod orders;
mod queue;
mod rounds;
mod steps;

pub(crate) use admit::Admitted;
pub(crate) use bundles::bundle_name;
pub(crate) use desk::{Desk, Signer, answered};
pub(crate) use documents::Awaited;
pub use orders::{HostOrder, ORDER};

use crate::clock::Clock;
use crate::limits::{ORDERS_MAX, UPLOAD_IDLE};
use crate::office::Office;
use crate::orders::UsedOrders;
use crate::reading::Brought;
use crate::receipts::Receipts;
use crate::seat::{Opening, Seat};
use crate::upload::Uploads;
use crate::view::{Standing, View};
use crate::watch::Watch;
use axum::body::Bytes;
use desk::{Slip, stopped};
use kept::{Outcome, Unkept};
use mifeng::crypto::{Digest, SystemEntropy, Time};
use mifeng::lock::tlock::Beacon;
use mifeng::log::AnchorProof;
use mifeng::record::SignedRecord;
use mifeng::tender::{Stage, rules};
use mifeng::{Error, Export, Host, MeasuredBid, Store};
use orders::used_orders;
use queue::Ended;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// The clock is looked at so often at least: it may be set, and a beat must not wait for an order.
const LOOK: Duration = Duration::from_millis(200);

/// Between two looks for idle uploads.
const SWEEP: Duration = Duration::from_secs(60);

/// Where an answer goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What came of a record.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// It is in the log; the receipt.
    Logged(Vec<u8>),
    /// It waits for its beat; nothing is promised yet.
    Waiting,
}

/// An answer that waits until the snapshot is out.
type Reply = Box<dyn FnOnce()>;

/// Whoever asked may have gone: then the answer goes nowhere, and what was done stays done.
fn later<T: 'static>(answer: Answer<T>, said: Result<T, Error>) -> Reply {
    Box::new(move || {
        let _ = answer.send(said);
    })
}

/// Something for the writer to do.
pub(crate) enum Order {
    /// Take a record in, with the sealed bid that it brings.
    Submit {
        record: SignedRecord,
        bid: Option<Arc<Brought>>,
        received: Time,
        answer: Answer<Taken>,
    },
    /// Judge whether the signer of a bid's record may send its file.
    Admit {
        record: SignedRecord,
        answer: Answer<Admitted>,
    },
    Cosign(Bytes, Answer<usize>),
    Stamp(Bytes, Answer<()>),
    /// Make a bundle; the place is held until it is made, whoever waits for it.
    Bundle(Export, PathBuf, OwnedSemaphorePermit, Answer<()>),
    /// A contract is about to be stamped: its text comes first.
    Announce(SignedRecord, Answer<Digest>),
    /// Whether a document is awaited.
    Awaits(Digest, Answer<Awaited>),
    /// Keep a document under its hash.
    Document(Digest, Bytes, Answer<()>),
    /// Take in a beacon of a clock.
    Beacon(Beacon, Answer<()>),
    /// Which of these records brought a bid whose body has not come.
    Bodies(Vec<Digest>, Answer<BTreeSet<Digest>>),
    /// What the host itself orders, by a record that only its own certificate can have signed.
    Ordered(SignedRecord, Answer<()>),
    /// Keep the proof that the last head is in the anchor log.
    Anchored(AnchorProof, Answer<()>),
    /// Look at the clock.
    Wake(Answer<()>),
    /// A bid was read.
    Nudge,
    /// No more orders.
    Stop,
}

/// The thread's own things.
pub(crate) struct Writer<S: Store> {
    pub(crate) host: Host<Seat<S>>,
    /// Whether it writes, and how it comes to write again.
    pub(crate) office: Office<S>,
    clock: Arc<dyn Clock>,
    /// Where opened bids go.
    opened: PathBuf,
    views: watch::Sender<Arc<View>>,
    receipts: Receipts,
    uploads: Arc<Uploads>,
    /// Records that wait for their beat; their uploads go when they are in the log.
    pub(crate) waiting: BTreeMap<Digest, Handed>,
    /// Those who handed in bodies that are not durable yet.
    unanswered: Vec<(Unkept, Answer<Taken>)>,
    /// Answers that wait for the next snapshot.
    replies: Vec<Reply>,
    /// Orders that came before a beat was due, to be obeyed after it.
    put_off: VecDeque<Slip>,
    /// Bids that are being read, and what has to wait for them, as they came.
    reading: VecDeque<Slip>,
    /// Records that were ever handed in: the places of those that wait.
    turns: usize,
    /// No more orders, beats or steps.
    stopped: bool,
    ordered: UsedOrders,
    watch: Watch,
    /// Whether the clock can be believed, as it was last looked at.
    trusted: bool,
    /// Bids that lack shares though the time for them is over.
    overdue: usize,
    /// When idle uploads were last looked for.
    swept: Instant,
    /// Contracts that were announced, the oldest first.
    awaited: VecDeque<Digest>,
    /// Opened bids whose files are not here; unknown until it writes.
    missing: Option<again::Missing>,
    /// Dossiers of the operator that were begun, and the last of them that was written.
    dossiers: u64,
    dossier: Arc<Mutex<u64>>,
    pub(crate) changed: bool,
    /// Snapshots so far.
    version: u64,
}

/// A record as it was handed in, with the file of its bid.
pub(crate) struct Handed {
    pub(crate) record: SignedRecord,
    pub(crate) bid: Option<Arc<MeasuredBid>>,
    pub(crate) received: Time,
    /// The store failed before its body was kept; whoever handed it in was told so.
    pub(crate) unsure: bool,
    /// Its place among those that wait for the same beat.
    pub(crate) turn: usize,
}

/// What a writer works with beside its engine.
pub(crate) struct Workplace {
    /// Where opened bids go; its other files lie beside.
    pub(crate) opened: PathBuf,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) receipts: Receipts,
}

/// What a house has of a writer.
pub(crate) type Started = (Desk, watch::Receiver<Arc<View>>, JoinHandle<()>);

/// Starts the writer of one tender; the thread ends with [`Desk::stop`].
pub(crate) fn start<S: Store + 'static>(
    name: &str,
    open: Opening<S>,
    clock: Arc<dyn Clock>,
    workplace: Workplace,
) -> Result<Started, Error> {
    let (orders, queue) = sync_channel(ORDERS_MAX);
    let (ready, started) = sync_channel(1);
    let own = name.to_owned();
    let thread = std::thread::Builder::new().name(format!("writer {name}"));
    let run = move || {
        let opened = Office::first(open).and_then(|opened| {
            let ordered = used_orders(&workplace.opened, clock.now())?;
            Ok((opened, ordered))
        });
        let ((host, office), ordered) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                let _ = ready.send(Err(e));
                return;
            }
        };
        let mut watch = Watch::new(&*clock, host.next_beat());
        let trusted = watch.trusts(&*clock, host.next_beat());
        let view = View {
            trusted,
            ..View::of(&own, &host, (0, office.standing()), None)
        };
        let (views, seen) = watch::channel(Arc::new(view));
        let _ = ready.send(Ok(seen));
        let mut writer = Writer {
            host,
            office,
            clock,
            opened: workplace.opened,
            views,
            receipts: workplace.receipts,
            uploads: workplace.uploads,
            waiting: BTreeMap::new(),
            unanswered: Vec::new(),
            replies: Vec::new(),
            put_off: VecDeque::new(),
            reading: VecDeque::new(),
            turns: 0,
            stopped: false,
            ordered,
            watch,
            trusted,
            overdue: 0,
            swept: Instant::now(),
            awaited: VecDeque::new(),
            missing: None,
            dossiers: 0,
            dossier: Arc::default(),
            changed: false,
            version: 0,
        };
        writer.run(&own, &queue);
    };
    let thread = thread.spawn(run).map_err(|e| unavailable("thread", &e))?;
    let seen = started.recv().unwrap_or_else(|_| Err(stopped()))?;
    Ok((Desk::new(orders), seen, thread))
}

impl<S: Store + 'static> Writer<S> {
    fn run(&mut self, name: &str, queue: &Receiver<Slip>) {
        loop {
            self.sweep();
            // After an error it has left its office, and tries to come back.
            let _ = self.do_what_is_due(queue);
            self.publish(name);
            if self.stopped {
                return;
            }
            self.open_again();
            let next = match self.next(queue) {
                Ok(Some(slip)) => slip,
                Ok(None) => continue,
                Err(Ended) => return,
            };
            match next.order {
                Order::Stop => return,
                Order::Wake(answer) => {
                    let done = self.do_what_is_due(queue);
                    self.publish(name);
                    let _ = answer.send(done);
                }
                order => {
                    let reply = self.obey(order);
                    // Who has an answer finds what it says in the snapshot.
                    self.publish(name);
                    reply();
                }
            }
        }
    }

    /// What came in time, and then what is due, if this writer writes: one beat after the other.
    fn do_what_is_due(&mut self, queue: &Receiver<Slip>) -> Result<(), Error> {
        self.look_at_the_clock();
        // One reading of the clock: nothing falls between two.
        let now = self.clock.now();
        while self.holds_office() && self.trusted {
            self.obey_what_came_in_time(queue, now);
            // That may have taken long.
            self.look_at_the_clock();
            if !self.is_well() || !self.trusted || self.stopped {
                break;
            }
            let went_on = self.advance(now);
            if !went_on.inspect_err(|_| self.leave_office())? {
                break;
            }
        }
        Ok(())
    }

    fn look_at_the_clock(&mut self) {
        let trusted = self.watch.trusts(&*self.clock, self.host.next_beat());
        self.changed |= trusted != self.trusted;
        self.trusted = trusted;
    }

    /// Uploads that nobody goes on with make room.
    fn sweep(&mut self) {
        if self.swept.elapsed() >= SWEEP {
            self.swept = Instant::now();
            let waiting = &self.waiting;
            self.uploads
                .expire(UPLOAD_IDLE, |id| waiting.contains_key(id));
        }
    }

    /// What comes while the clock is in doubt has no instant at which it came.
    fn require_clock(&self) -> Result<(), Error> {
        match self.trusted {
            true => Ok(()),
            false => Err(clock_in_doubt()),
        }
    }

    fn publish(&mut self, name: &str) {
        if self.changed {
            self.version += 1;
            let standing = self.office.standing();
            let view = match standing {
                // What the engine holds after a failed write may be in no log: nothing of it is shown.
                Standing::Away => View {
                    version: self.version,
                    standing,
                    ..View::clone(&self.views.borrow())
                },
                _ => {
                    let before = Arc::clone(&self.views.borrow());
                    View::of(name, &self.host, (self.version, standing), Some(&before))
                }
            };
            let view = View {
                trusted: self.trusted,
                overdue: self.overdue,
                ..view
            };
            self.views.send_replace(Arc::new(view));
            self.changed = false;
        }
        for reply in std::mem::take(&mut self.replies) {
            reply();
        }
    }

    /// How long nothing is due.
    fn pause(&self) -> Duration {
        if self.office.standing() != Standing::Writes || !self.trusted {
            return LOOK;
        }
        let now = self.clock.now().as_unix_nanos();
        let next = self.host.next_beat().map(|next| next.as_unix_nanos() - now);
        let next = next.and_then(|nanos| u64::try_from(nanos.max(1)).ok());
        next.map_or(LOOK, Duration::from_nanos).min(LOOK)
    }

    fn obey(&mut self, order: Order) -> Reply {
        if let Some(no) = self.office.refusal() {
            return self.refuse(order, no);
        }
        match order {
            Order::Submit {
                record,
                bid,
                received,
                answer,
            } => {
                let ready = self.require_clock();
                let bid = ready.and_then(|()| bid.map(|bid| bid.take()).transpose());
                let outcome = bid.and_then(|bid| self.submit(record, bid, received));
                self.answer_later(answer, outcome)
            }
            Order::Admit { record, answer } => {
                let ready = self.require_clock();
                later(answer, ready.and_then(|()| self.admit(record)))
            }
            Order::Cosign(note, answer) => {
                let known = self.host.evidence_taken();
                let taken = self.host.add_cosignature(&note);
                self.changed |= self.host.evidence_taken() != known;
                later(answer, taken)
            }
            Order::Stamp(token, answer) => {
                let known = self.host.evidence_taken();
                let taken = self.host.add_stamp(&token);
                self.changed |= self.host.evidence_taken() != known;
                later(answer, taken)
            }
            Order::Bundle(what, out, place, answer) => {
                self.bundle_elsewhere(what, (out, place), answer)
            }
            Order::Announce(record, answer) => later(answer, self.announce(record)),
            Order::Awaits(hash, answer) => later(answer, self.awaits(&hash)),
            Order::Bodies(records, answer) => {
                let awaited = records.into_iter().filter(|one| self.host.awaits_body(one));
                later(answer, Ok(awaited.collect()))
            }
            Order::Document(hash, content, answer) => {
                later(answer, self.keep_document(&hash, &content))
            }
            Order::Beacon(beacon, answer) => {
                let ready = self.require_clock();
                later(answer, ready.and_then(|()| self.beacon(&beacon)))
            }
            Order::Ordered(record, answer) => {
                let done = self.ordered(record);
                self.changed |= done.is_ok();
                later(answer, done)
            }
            Order::Anchored(proof, answer) => self.keep_proof(&proof, answer),
            // Done where the queue is at hand.
            Order::Wake(answer) => later(answer, Ok(())),
            Order::Nudge | Order::Stop => Box::new(|| {}),
        }
    }

    /// While it does not write: bundles of what is known are made, anything else is told to come again.
    fn refuse(&self, order: Order, no: Error) -> Reply {
        match order {
            Order::Submit { answer, .. } => later(answer, Err(no)),
            Order::Admit { answer, .. } => later(answer, Err(no)),
            Order::Cosign(_, answer) => later(answer, Err(no)),
            Order::Stamp(_, answer) => later(answer, Err(no)),
            Order::Bundle(what, out, place, answer) => {
                self.bundle_elsewhere(what, (out, place), answer)
            }
            Order::Announce(_, answer) => later(answer, Err(no)),
            Order::Awaits(_, answer) => later(answer, Err(no)),
            Order::Bodies(_, answer) => later(answer, Err(no)),
            Order::Document(_, _, answer) | Order::Beacon(_, answer) => later(answer, Err(no)),
            Order::Ordered(_, answer) | Order::Anchored(_, answer) => later(answer, Err(no)),
            Order::Wake(answer) => later(answer, Ok(())),
            Order::Nudge | Order::Stop => Box::new(|| {}),
        }
    }

    pub(crate) fn submit(
        &mut self,
        record: SignedRecord,
        bid: Option<Arc<MeasuredBid>>,
        received: Time,
    ) -> Result<Outcome, Error> {
        let commitment = record.commitment(self.host.state().suite());
        if let Some(bid) = bid.as_ref().filter(|_| self.host.awaits_body(&commitment)) {
            return self.take_body(commitment, record, bid, received);
        }
        if self.waiting.contains_key(&commitment) {
            return Ok(self.waits(&commitment));
        }
        if let Some(receipt) = self.receipts.get(&commitment) {
            return Ok(Outcome::Taken(Taken::Logged(receipt)));
        }
        // A bid's record alone is a question for its receipt, lost or from before a restart.
        let suite = self.host.state().suite();
        if bid.is_none()
            && crate::sealed::sealed_size(&record, suite).is_ok()
            && let Ok(taken) = self.receipt_now(commitment, &record)
        {
            return Ok(Outcome::Taken(taken));
        }
        let waited = self.host.waiting();
        let taken = match &bid {
            Some(bid) => self.host.submit_measured(record.clone(), bid, received),
            None => self.host.submit(record.clone(), None, received),
        };
        match taken {
            Ok(()) => {}
            // What was in the log already gets its receipt again, whoever lost it.
            Err(Error::Refused(no)) if no.code() == rules::REPLAY.code => {
                let receipt = self.receipt_now(commitment, &record);
                return receipt.map(Outcome::Taken).map_err(|_| Error::Refused(no));
            }
            Err(no) => {
                // Its file was refused; the record is a bid by itself, where its file may come later.
                if self.host.waiting() > waited {
                    self.wait_for_beat(commitment, (record, None), received);
                }
                self.after_refusal()?;
                return Err(no);
            }
        }
        if self.host.waiting() > waited {
            self.wait_for_beat(commitment, (record.clone(), bid.clone()), received);
            return Ok(match bid {
                None => Outcome::Taken(Taken::Waiting),
                Some(bid) => Unkept::outcome((commitment, record), bid, received, false),
            });
        }
        self.changed = true;
        self.receipt_now(commitment, &record).map(Outcome::Taken)
    }

    fn wait_for_beat(
        &mut self,
        commitment: Digest,
        (record, bid): (SignedRecord, Option<Arc<MeasuredBid>>),
        received: Time,
    ) {
        self.turns += 1;
        let handed = Handed {
            record,
            bid,
            received,
            unsure: false,
            turn: self.turns,
        };
        self.waiting.insert(commitment, handed);
    }

    /// The body of a bid whose record came first; whatever becomes of it, the record stays.
    fn take_body(
        &mut self,
        commitment: Digest,
        record: SignedRecord,
        bid: &Arc<MeasuredBid>,
        received: Time,
    ) -> Result<Outcome, Error> {
        self.host.submit_measured(record.clone(), bid, received)?;
        if let Some(handed) = self.waiting.get_mut(&commitment) {
            handed.bid = Some(Arc::clone(bid));
        }
        let bid = Arc::clone(bid);
        Ok(Unkept::outcome((commitment, record), bid, received, true))
    }

    /// What ends a bid, or convicts a trustee, is told in the log, once nothing has to be kept back any more.
    fn after_refusal(&mut self) -> Result<(), Error> {
        if self.host.state().stage() >= Stage::Window {
            let (now, entropy) = (self.clock.now(), &mut SystemEntropy::new());
            self.changed |= self.host.log_refused(now, entropy)? > 0;
        }
        Ok(())
    }

    /// It is in the log: its upload, if it brought one, has done its part, unless the body is still on its way.
    fn keep(&mut self, commitment: Digest, receipt: &[u8]) {
        self.receipts.keep(commitment, receipt.to_vec());
        if !self.host.awaits_body(&commitment) {
            self.uploads.forget(&commitment);
        }
    }
}

/// What is said to whoever comes while the clock cannot be believed.
pub(crate) fn clock_in_doubt() -> Error {
    Error::Unavailable {
        what: "clock".to_owned(),
        detail: "it jumped, or the host was away for long: its operator must confirm it first"
            .to_owned(),
    }
}

fn unavailable(what: &str, error: &std::io::Error) -> Error {
    Error::Unavailable {
        what: what.to_owned(),
        detail: error.to_string(),
    }
}
