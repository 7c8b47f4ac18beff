//! The keeper of the house's anchor log (spec/anchor.md): one thread, which reads what the writers publish.
//!
//! A snapshot is published once its head is durable. The keeper finds the heads that are due in the snapshots, appends
//! them, and shows the log as far as it is durable. No writer waits for it, and it needs no memory of its own: what it
//! could not do it finds again at its next look, after a crash at the next start. Which heads are due is the engine's
//! rule; while beats run it is the one before them. It opens the log for each turn anew, as the commands of a host do: they
//! share it. What it read is not read again unless another one wrote to the log.

use crate::download;
use crate::house::Tender;
use crate::limits::{
    ANCHOR_FIRST_LOOK, ANCHOR_FRESH, ANCHOR_HELD_MAX, ANCHOR_LOOK, ANCHOR_ORDERS_MAX, ANCHOR_RETRY,
    ANCHOR_SPACING, ANCHOR_STOP_LOOK, ANCHOR_STOP_MAX,
};
use crate::view::{Life, Standing, View};
use crate::writer::{Answer, Desk, Order as Writers};
use axum::body::Bytes;
use mifeng::crypto::Suite;
use mifeng::log::Anchored;
use mifeng::{AnchorLog, AnchorMemory, AnchorWitnesses, Error, Host, Store, Tar};
use mifeng_store::Access;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{oneshot, watch};

/// The anchor log while it is worked on.
type Log = AnchorLog<Box<dyn Store>>;

/// Opens the anchor log, in the keeper's thread, for each turn again, and takes what it remembers of it; `None` while
/// another process has it.
pub type AnchorOpening =
    Box<dyn FnMut(Access, &mut Option<AnchorMemory>) -> Result<Option<Log>, Error> + Send>;

/// What the keeper needs of a tender that names an anchor log. Part of its snapshot.
#[derive(Debug)]
pub(crate) struct Anchoring {
    /// Verifier key of the log that it names.
    pub(crate) key: String,
    /// The head that is due, as the engine says; while beats run that of before them.
    pub(crate) due: Result<Anchored, Error>,
    /// The dossier lacks its proof.
    pub(crate) owes_proof: bool,
    pub(crate) witnesses: AnchorWitnesses,
}

impl Anchoring {
    pub(crate) fn of<S: Store>(host: &Host<S>) -> Option<Self> {
        let replay = host.replay();
        Some(Anchoring {
            key: replay.anchor_key()?.to_owned(),
            due: replay.head_to_anchor(),
            // A store that does not answer is told of elsewhere, and the snapshot after it says more.
            owes_proof: host.owes_anchor().unwrap_or(true),
            witnesses: AnchorWitnesses::of(replay).unwrap_or_default(),
        })
    }
}

/// The log as it is shown: an export, made when its head was durable.
pub(crate) struct Shown {
    pub(crate) size: u64,
    /// Names and lengths of its cosigned heads.
    pub(crate) cosigned: Vec<(String, u64)>,
    pub(crate) file: PathBuf,
    /// Its files by name.
    pub(crate) index: Tar,
}

/// Where the keeper stands.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    /// Whether it has looked at the log at all.
    looked: bool,
    /// None before the first entry.
    pub(crate) shown: Option<Arc<Shown>>,
    /// What keeps heads that are due from being anchored.
    pub(crate) fault: Option<String>,
}

enum Order {
    /// Take a cosigned head in, for the tender of this number.
    Cosign(Bytes, usize, Answer<usize>),
    /// Do what is due.
    Look(Answer<()>),
    Stop,
}

/// The way to the keeper of one anchor log.
pub(crate) struct AnchorDesk {
    pub(crate) suite: &'static Suite,
    /// Verifier key of the log.
    pub(crate) key: String,
    pub(crate) kept: watch::Receiver<Kept>,
    orders: SyncSender<Order>,
    /// Somebody fetched the log since it was last opened.
    asked: Arc<AtomicBool>,
    names: Vec<String>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl AnchorDesk {
    /// Starts the keeper of the log with this key, over these tenders; its working files go into `folder`.
    pub(crate) fn start<'t>(
        (suite, key): (&'static Suite, String),
        folder: PathBuf,
        tenders: impl Iterator<Item = (&'t String, &'t Tender)>,
        open: AnchorOpening,
    ) -> Result<Self, Error> {
        let wrong = |e: std::io::Error| unavailable(e.to_string());
        // Exports are made anew after a start.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).map_err(wrong)?;
        let (orders, queue) = sync_channel(ANCHOR_ORDERS_MAX);
        let (state, kept) = watch::channel(Kept::default());
        let asked = Arc::new(AtomicBool::new(true));
        let (names, watched): (Vec<String>, Vec<Watched>) = tenders
            .map(|(name, tender)| (name.clone(), Watched::of(name, tender)))
            .unzip();
        let mut keeper = Keeper {
            key: key.clone(),
            open,
            memory: None,
            folder,
            tenders: watched,
            state,
            asked: Arc::clone(&asked),
            version: 0,
            opened: None,
            failed: None,
            held: None,
        };
        let thread = std::thread::Builder::new().name(format!("anchor log {}", suite.id()));
        let thread = thread.spawn(move || keeper.run(&queue)).map_err(wrong)?;
        Ok(AnchorDesk {
            suite,
            key,
            kept,
            orders,
            asked,
            names,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The log as it is shown, if it has an entry; for who keeps a copy it is soon looked at again.
    pub(crate) fn shown(&self) -> Option<Arc<Shown>> {
        self.asked.store(true, Ordering::Relaxed);
        self.shown_now()
    }

    /// The same for who asks just after the start: what is not read yet is not absent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while nobody knows what is in it.
    pub(crate) async fn shown_first(&self) -> Result<Option<Arc<Shown>>, Error> {
        let mut kept = self.kept.clone();
        let looked = kept.wait_for(|kept| kept.looked);
        let looked = tokio::time::timeout(ANCHOR_FIRST_LOOK, looked).await;
        if !matches!(looked, Ok(Ok(_))) {
            return Err(unavailable("it is being read: try again in a moment"));
        }
        let shown = self.shown();
        match (&shown, &self.kept.borrow().fault) {
            (None, Some(fault)) => Err(unavailable(fault.clone())),
            _ => Ok(shown),
        }
    }

    /// The same, for who does not fetch it.
    pub(crate) fn shown_now(&self) -> Option<Arc<Shown>> {
        self.kept.borrow().shown.clone()
    }

    /// Whether nothing keeps heads from being anchored.
    pub(crate) fn is_sound(&self) -> bool {
        self.kept.has_changed().is_ok() && self.kept.borrow().fault.is_none()
    }

    /// Does what is due now.
    pub(crate) async fn look(&self) -> Result<(), Error> {
        self.ask(Order::Look).await
    }

    /// Takes in a head that witnesses of a tender cosigned; how many of them stand under it.
    pub(crate) async fn cosign(&self, tender: &str, note: Bytes) -> Result<usize, Error> {
        let number = self.names.iter().position(|name| name == tender);
        let number = number.ok_or_else(stopped)?;
        self.ask(|answer| Order::Cosign(note, number, answer)).await
    }

    async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, Error> {
        let (answer, said) = oneshot::channel();
        let sent = self.orders.try_send(order(answer));
        sent.map_err(|e| match e {
            TrySendError::Full(_) => unavailable("too many orders wait: try again in a moment"),
            TrySendError::Disconnected(_) => stopped(),
        })?;
        said.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Ends the keeper after a last look: the writers have ended before. Whether it has ended.
    pub(crate) fn stop(&self) -> bool {
        let end = Instant::now() + ANCHOR_STOP_MAX;
        // Behind a full queue there is room once it goes on.
        while let Err(TrySendError::Full(_)) = self.orders.try_send(Order::Stop) {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(ANCHOR_STOP_LOOK);
        }
        let thread = self.thread.lock();
        let Some(thread) = thread.unwrap_or_else(PoisonError::into_inner).take() else {
            return true;
        };
        while !thread.is_finished() && Instant::now() < end {
            std::thread::sleep(ANCHOR_STOP_LOOK);
        }
        let ended = thread.is_finished();
        if ended {
            // One that panicked has nothing left to end.
            let _ = thread.join();
        }
        ended
    }
}

/// A tender, as the keeper sees it.
struct Watched {
    name: String,
    seen: watch::Receiver<Arc<View>>,
    desk: Desk,
    /// Entries under its head that is known to be anchored.
    anchored: u64,
    /// A proof that its writer has not taken yet.
    given: Option<oneshot::Receiver<Result<(), Error>>>,
    /// More witnesses cosigned, or the writer could not keep the proof, or this process has just begun, and the one before
    /// may have taken in what came into no proof: it is made again.
    again: bool,
    /// Why the writer could not keep it.
    unkept: Option<String>,
}

/// A tender of this log that this process writes, as it was published.
struct Published {
    view: Arc<View>,
    anchoring: Arc<Anchoring>,
}

impl Watched {
    fn of(name: &str, tender: &Tender) -> Self {
        Watched {
            name: name.to_owned(),
            seen: tender.seen.clone(),
            desk: tender.desk.clone(),
            anchored: 0,
            given: None,
            again: true,
            unkept: None,
        }
    }

    fn published(&self, key: &str) -> Option<Published> {
        let view = Arc::clone(&self.seen.borrow());
        let anchoring = view.anchoring.clone()?;
        let own = anchoring.key == key && view.standing == Standing::Writes;
        own.then_some(Published { view, anchoring })
    }

    /// Whether something of it is to be done in the log.
    fn is_due(&self, now: &Published) -> bool {
        let head = match &now.anchoring.due {
            Ok(head) => head.size() > self.anchored,
            // Told as a fault.
            Err(_) => true,
        };
        head || self.owes_proof(now)
    }

    fn owes_proof(&self, now: &Published) -> bool {
        let wanted = now.anchoring.owes_proof || self.again;
        wanted && now.view.stage == Life::Archived && self.given.is_none()
    }

    /// Looks whether the writer has taken the proof; one that it could not keep it gets again.
    fn settle(&mut self) -> Result<(), Error> {
        let said = self.given.as_mut().map(oneshot::Receiver::try_recv);
        match said {
            None | Some(Err(oneshot::error::TryRecvError::Empty)) => {}
            // It found no thread for its dossier; with a writer that has ended this thread ends as well.
            Some(Err(oneshot::error::TryRecvError::Closed)) => {
                self.given = None;
                self.again = true;
            }
            Some(Ok(kept)) => {
                self.given = None;
                self.again |= kept.is_err();
                self.unkept = kept.err().map(|e| format!("{}: {e}", self.name));
            }
        }
        self.unkept
            .clone()
            .map_or(Ok(()), |why| Err(unavailable(why)))
    }
}

/// The thread's own things.
struct Keeper {
    key: String,
    open: AnchorOpening,
    /// The log as it was left by the last turn.
    memory: Option<AnchorMemory>,
    folder: PathBuf,
    tenders: Vec<Watched>,
    state: watch::Sender<Kept>,
    asked: Arc<AtomicBool>,
    /// Exports so far.
    version: u64,
    opened: Option<Instant>,
    failed: Option<Instant>,
    /// Since when another process has the log.
    held: Option<Instant>,
}

impl Keeper {
    fn run(&mut self, queue: &Receiver<Order>) {
        self.turn(Vec::new(), false);
        loop {
            let first = match queue.recv_timeout(ANCHOR_LOOK) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut orders: Vec<Order> = first.into_iter().chain(queue.try_iter()).collect();
            let before = orders.len();
            orders.retain(|order| !matches!(order, Order::Stop));
            let stops = orders.len() < before;
            self.turn(orders, stops);
            if stops {
                return;
            }
        }
    }

    /// One look, and what it finds to do; whoever ordered something has an answer. After a failure it waits for a while,
    /// but for orders and for its last look.
    fn turn(&mut self, orders: Vec<Order>, is_last: bool) {
        let elapsed = |since: Option<Instant>| since.map(|since| since.elapsed());
        let waits = elapsed(self.failed).is_some_and(|since| since < ANCHOR_RETRY);
        if waits && orders.is_empty() && !is_last {
            return;
        }
        let mut done = self.settle();
        let is_due = |one: &Watched| one.published(&self.key).is_some_and(|now| one.is_due(&now));
        let cosigned = orders
            .iter()
            .any(|order| matches!(order, Order::Cosign(..)));
        let writes = cosigned || self.tenders.iter().any(is_due);
        let stale = elapsed(self.opened).is_none_or(|since| since >= ANCHOR_FRESH);
        let asked = stale && self.asked.swap(false, Ordering::Relaxed);
        // A failure is over when the log was opened well, and not before.
        let reads = asked || self.failed.is_some();
        let mut counts = Vec::new();
        if writes || reads {
            if let Some(rest) =
                elapsed(self.opened).and_then(|since| ANCHOR_SPACING.checked_sub(since))
            {
                std::thread::sleep(rest);
            }
            let access = if writes { Access::Write } else { Access::Read };
            let worked = self.work(access, &orders, &mut counts);
            self.opened = Some(Instant::now());
            done = done.and(worked);
        } else if done.is_ok() {
            answer(orders, counts, Ok(()));
            return;
        }
        self.tell(&done);
        answer(orders, counts, done);
    }

    fn settle(&mut self) -> Result<(), Error> {
        let settled = self.tenders.iter_mut().map(Watched::settle);
        settled.fold(Ok(()), Result::and)
    }

    /// Opens the log and brings it up to date; `counts` has what came of each cosigned head.
    fn work(
        &mut self,
        access: Access,
        orders: &[Order],
        counts: &mut Vec<Result<usize, Error>>,
    ) -> Result<(), Error> {
        let Some(mut log) = (self.open)(access, &mut self.memory)? else {
            self.held.get_or_insert_with(Instant::now);
            return Err(unavailable("another process has it: try again in a moment"));
        };
        self.held = None;
        let done = self.work_on(&mut log, access, orders, counts);
        self.memory = log.leave();
        done
    }

    fn work_on(
        &mut self,
        log: &mut Log,
        access: Access,
        orders: &[Order],
        counts: &mut Vec<Result<usize, Error>>,
    ) -> Result<(), Error> {
        self.require_nothing_lost(log.heads().len())?;
        log.look_at_cosigned()?;
        // One tender's fault is none of another's.
        let appended = match access {
            Access::Write => self.append(log),
            _ => Ok(()),
        };
        for order in orders {
            if let Order::Cosign(note, number, _) = order {
                counts.push(self.cosign(log, note, *number));
            }
        }
        // Only what is durable is shown; a failed write is found out by opening the log again.
        self.show(log)?;
        appended.and(self.prove(log))
    }

    /// A log that lost entries, as on a disk that is not there, gets no others: that would be a second history.
    fn require_nothing_lost(&self, found: usize) -> Result<(), Error> {
        let shown = self.state.borrow().shown.as_ref().map(|shown| shown.size);
        let shown = shown.unwrap_or(0);
        match found as u64 >= shown {
            true => Ok(()),
            false => Err(Error::Failed {
                check: "V2",
                code: "log.rollback",
                detail: format!("anchor log: {shown} entries were shown, {found} are there"),
            }),
        }
    }

    /// Appends every head that is due.
    fn append(&mut self, log: &mut Log) -> Result<(), Error> {
        let mut fault = Ok(());
        for one in &mut self.tenders {
            let Some(Published { anchoring, .. }) = one.published(&self.key) else {
                continue;
            };
            let head = match &anchoring.due {
                Ok(head) => head,
                Err(e) => {
                    fault = Err(unavailable(format!("{}: {e}", one.name)));
                    continue;
                }
            };
            let size = head.size();
            if size <= one.anchored {
                continue;
            }
            let known = log.latest(head.origin());
            let known = known.filter(|k| k.size() > size || (k.size() == size && k != &head));
            if let Some(known) = known {
                // As after an old copy of a tender was put back: what was in its log is lost.
                let detail = format!(
                    "{}: a head of {} entries is anchored, which is none of its log of {size}",
                    one.name,
                    known.size()
                );
                fault = Err(Error::Failed {
                    check: "V2",
                    code: "log.fork",
                    detail,
                });
                continue;
            }
            log.append(head.clone())?;
            one.anchored = size;
        }
        fault
    }

    fn cosign(&mut self, log: &mut Log, note: &[u8], number: usize) -> Result<usize, Error> {
        let one = self.tenders.get_mut(number).ok_or_else(stopped)?;
        let now = one.published(&self.key).ok_or_else(stopped)?;
        let (count, is_new) = log.add_cosignature_of(note, &now.anchoring.witnesses)?;
        one.again |= is_new && now.view.stage == Life::Archived;
        Ok(count)
    }

    /// Makes the export, unless the one that is shown has the same entries and what witnesses put under their heads,
    /// whoever took that in.
    fn show(&mut self, log: &Log) -> Result<(), Error> {
        let Some(head) = log.head() else {
            return Ok(());
        };
        let size = head.checkpoint().size();
        let cosigned = log.cosigned().map(|(name, len)| (name.to_owned(), len));
        let cosigned: Vec<(String, u64)> = cosigned.collect();
        let shown = self.state.borrow().shown.clone();
        if shown.is_some_and(|shown| shown.size == size && shown.cosigned == cosigned) {
            return Ok(());
        }
        self.version += 1;
        let file = self.folder.join(format!("log-{}.tar", self.version));
        export(log, &file)?;
        download::sweep(&file);
        let shown = Shown {
            size,
            cosigned,
            index: Tar::open(&file)?,
            file,
        };
        let shown = Some(Arc::new(shown));
        self.state.send_modify(|kept| kept.shown = shown);
        Ok(())
    }

    /// Gives the writers of archived tenders the proofs of their dossiers.
    fn prove(&mut self, log: &Log) -> Result<(), Error> {
        for one in &mut self.tenders {
            let Some(now) = one.published(&self.key) else {
                continue;
            };
            let Ok(head) = &now.anchoring.due else {
                continue;
            };
            let is_anchored = log.latest(head.origin()) == Some(head);
            if !is_anchored || !one.owes_proof(&now) {
                continue;
            }
            let proof = log.proof_of(head.origin(), &now.anchoring.witnesses)?;
            // A full queue has room at the next look.
            one.given = one
                .desk
                .give(|answer| Writers::Anchored(proof, answer))
                .ok();
            one.again &= one.given.is_none();
        }
        Ok(())
    }

    /// What is wrong, or no more, goes to whoever watches.
    fn tell(&mut self, done: &Result<(), Error>) {
        self.failed = done.is_err().then(Instant::now);
        let shortly = self
            .held
            .is_some_and(|since| since.elapsed() < ANCHOR_HELD_MAX);
        let fault = done.as_ref().err().map(ToString::to_string);
        if fault.is_some() && shortly {
            return;
        }
        self.state.send_if_modified(|kept| {
            let changed = kept.fault != fault || !kept.looked;
            kept.looked = true;
            kept.fault = fault;
            changed
        });
    }
}

/// Whoever ordered has gone, or has an answer.
fn answer(orders: Vec<Order>, counts: Vec<Result<usize, Error>>, done: Result<(), Error>) {
    let failed = |done: &Result<(), Error>| match done {
        Ok(()) => stopped(),
        Err(e) => unavailable(e.to_string()),
    };
    let mut counts = counts.into_iter();
    for order in orders {
        match order {
            Order::Cosign(_, _, answer) => {
                let count = counts.next().unwrap_or_else(|| Err(failed(&done)));
                let _ = answer.send(count);
            }
            Order::Look(answer) => {
                let said = match &done {
                    Ok(()) => Ok(()),
                    no => Err(failed(no)),
                };
                let _ = answer.send(said);
            }
            Order::Stop => {}
        }
    }
}

fn export(log: &Log, out: &Path) -> Result<(), Error> {
    let wrong = |e: std::io::Error| unavailable(e.to_string());
    let part = out.with_extension("part");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&part).map_err(wrong)?);
    log.export(&mut file)?;
    std::io::Write::flush(&mut file).map_err(wrong)?;
    std::fs::rename(&part, out).map_err(wrong)
}

fn unavailable(detail: impl Into<String>) -> Error {
    Error::Unavailable {
        what: "anchor log".to_owned(),
        detail: detail.into(),
    }
}

fn stopped() -> Error {
    unavailable("its keeper has stopped, or this tender is not written here")
}
