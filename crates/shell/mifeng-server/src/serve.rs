//! Listening: connections with limits, and an orderly end.

use crate::anchor::Kept;
use crate::guard::Reads;
use crate::house::House;
use crate::limits::{BLOCKING_MAX, GRACE, HEADER_TIME, JOURNAL_EVERY};
use crate::log::{Event, Level, Log};
use crate::names::Names;
use crate::patience::Patient;
use crate::places::{self, Place, Places};
use crate::tls::Tls;
use crate::view::{Hall, Life, View};
use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// After a failed accept, as when descriptors run out: long enough for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stopping` turns true; then requests have some seconds to end. With `tls`, nothing else is spoken.
async fn serve(
    listener: TcpListener,
    app: Router,
    places: Places,
    tls: Option<Tls>,
    mut stopping: watch::Receiver<bool>,
    log: Log,
) {
    let graceful = GracefulShutdown::new();
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let service =
            TowerToHyperService::new(app.clone().layer(Extension(Reads::new(place.address()))));
        let (builder, watcher, tls) = (builder.clone(), graceful.watcher(), tls.clone());
        tokio::spawn(async move {
            // A connection that breaks, or does not get to speak TLS in time, is its caller's affair.
            match tls {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    let _ = watcher.watch(connection).await;
                }
                Some(tls) => {
                    let hello = tls.acceptor().accept(stream);
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEADER_TIME, hello).await {
                        let connection = builder.serve_connection(TokioIo::new(stream), service);
                        let _ = watcher.watch(connection).await;
                    }
                }
            }
            drop(place);
        });
    }
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        log.tell(Event::new(
            Level::Warn,
            "host.cut-off",
            "仍有未结束的请求，已中断".to_owned(),
            "requests that did not end were cut off".to_owned(),
        ));
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Places,
) -> Option<(Patient<tokio::net::TcpStream>, Place)> {
    loop {
        let permit = places.free().await?;
        let (stream, caller) = listener.accept().await.ok()?;
        // One of too many from its address is closed at once.
        let Some(place) = places.give(caller.ip(), permit) else {
            continue;
        };
        // Receipts are small and awaited.
        let _ = stream.set_nodelay(true);
        return Some((Patient::new(stream), place));
    }
}

/// A host that listens in the background.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Tells it to stop and waits for its end: requests have some seconds, then the writers end.
    pub fn stop(self) {
        self.stop.send_replace(true);
        // A thread that panicked has nothing left to end.
        let _ = self.thread.join();
    }
}

/// Serves a house in the background until told to stop; with `tls` over TLS alone. `names` are the public authorities,
/// `NAME[:PORT]`, that people sign in to; without any, the address that is listened on and this machine's own. `log` is told
/// what happens.
///
/// # Errors
/// What the system says; also if the limit of open files leaves no room for connections.
pub fn start(
    house: Arc<House>,
    listener: std::net::TcpListener,
    tls: Option<Tls>,
    verify_page: Option<PathBuf>,
    names: Vec<String>,
    log: Log,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let names = Names::of(names, address, tls.is_some());
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_MAX)
        .build()?;
    let places = Places::new(places::room(house.tenders().count())?);
    let (stop, stopping) = watch::channel(false);
    for tender in house.tenders() {
        runtime.spawn(tell_of_the_clock(tender.seen.clone(), log.clone()));
        runtime.spawn(tell_of_the_opening(tender.seen.clone(), log.clone()));
    }
    for tender in house.tenders() {
        if let Some(broken) = tender.access.broken() {
            let name = tender.view().name.clone();
            let zh = format!("{name}：拒绝日志已损坏，移至 {broken}，另起新日志；请查明原因");
            let en = format!(
                "{name}: THE JOURNAL OF REFUSALS IS BROKEN. It was set aside as {broken} and a new one begun: find out why"
            );
            log.tell(Event::new(Level::Error, "journal.broken", zh, en).of(&name));
        }
    }
    for desk in &house.anchors {
        runtime.spawn(tell_of_the_anchor_log(
            desk.kept.clone(),
            stopping.clone(),
            log.clone(),
        ));
    }
    for name in house.unanchored() {
        let zh =
            format!("{name}：其锚定日志不在本平台，新的日志头不会被锚定，归档后档案须另补证明");
        let en = format!(
            "{name}: ITS ANCHOR LOG IS NOT KEPT HERE. Its heads are not anchored, and its dossier will lack the proof"
        );
        log.tell(Event::new(Level::Warn, "anchor.elsewhere", zh, en).of(&name));
    }
    runtime.spawn(write_journals(Arc::clone(&house), log.clone()));
    let router = crate::api::app(
        Arc::clone(&house),
        stopping.clone(),
        verify_page,
        (tls.is_some(), names),
        log.clone(),
    );
    let thread = std::thread::Builder::new().name("host".to_owned());
    let say_last = log.clone();
    let thread = thread.spawn(move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => serve(listener, router, places, tls, stopping, log).await,
                Err(e) => {
                    let (zh, en) = (format!("无法监听：{e}"), format!("cannot listen: {e}"));
                    log.tell(Event::new(Level::Error, "host.not-listening", zh, en));
                }
            }
        });
        // The writers first: a bid whose reader is cut off must not look as if it could not be read.
        if !house.stop() {
            say_last.tell(Event::new(
                Level::Warn,
                "anchor.no-answer",
                "锚定日志没有应答；停机不再等待，未记入的日志头下次启动时补记".to_owned(),
                "the anchor log does not answer; the end does not wait for it, and heads that are due go in at the next start".to_owned(),
            ));
        }
        runtime.shutdown_timeout(GRACE);
        say_last.flush();
    })?;
    Ok(Running {
        address,
        stop,
        thread,
    })
}

/// Writes what is due of the journals of refusals, now and then.
async fn write_journals(house: Arc<House>, log: Log) {
    loop {
        tokio::time::sleep(JOURNAL_EVERY).await;
        let (house, log) = (Arc::clone(&house), log.clone());
        let written = tokio::task::spawn_blocking(move || {
            for tender in house.tenders() {
                if let Err(e) = tender.access.write_down(house.clock.now(), false) {
                    let name = tender.view().name.clone();
                    let zh = format!("{name}：拒绝日志无法写入：{e}");
                    let en = format!("{name}: the journal of refusals cannot be written: {e}");
                    log.tell(Event::new(Level::Error, "journal.not-written", zh, en).of(&name));
                }
            }
        });
        // The runtime ends: so does this.
        if written.await.is_err() {
            return;
        }
    }
}

/// Tells the operator when heads cannot be anchored, and when they can again; and when nobody is left to do it.
async fn tell_of_the_anchor_log(
    mut kept: watch::Receiver<Kept>,
    stopping: watch::Receiver<bool>,
    log: Log,
) {
    let mut told = None;
    loop {
        let fault = kept.borrow_and_update().fault.clone();
        if fault != told {
            log.tell(match &fault {
                Some(why) => Event::new(
                    Level::Error,
                    "anchor.down",
                    format!("日志头无法锚定，将继续重试（项目照常进行）：{why}"),
                    format!("heads cannot be anchored, trying again (the tenders go on): {why}"),
                ),
                None => Event::new(
                    Level::Info,
                    "anchor.up",
                    "日志头已恢复锚定".to_owned(),
                    "heads are anchored again".to_owned(),
                ),
            });
            told = fault;
        }
        if kept.changed().await.is_err() {
            if !*stopping.borrow() {
                log.tell(Event::new(
                    Level::Error,
                    "anchor.ended",
                    "锚定日志的线程已意外终止，日志头不再锚定：请重启平台".to_owned(),
                    "THE KEEPER OF THE ANCHOR LOG HAS ENDED, and heads are anchored no more: restart the host".to_owned(),
                ));
            }
            return;
        }
    }
}

/// Tells the operator when a tender's clock comes into doubt, and when it is out of it.
async fn tell_of_the_clock(mut seen: watch::Receiver<Arc<View>>, log: Log) {
    let mut trusted = true;
    loop {
        let view = Arc::clone(&seen.borrow_and_update());
        if view.trusted != trusted {
            trusted = view.trusted;
            let name = &view.name;
            let told = match trusted {
                true => Event::new(
                    Level::Info,
                    "clock.believed",
                    format!("{name}：时钟恢复可信，自动步骤继续"),
                    format!("{name}: the clock is believed again; the host goes on"),
                ),
                false => Event::new(
                    Level::Error,
                    "clock.in-doubt",
                    format!(
                        "{name}：时钟突然前移，或平台停机过久；已停止接收和自动步骤。核对时间后用 mifeng host order clock 确认"
                    ),
                    format!(
                        "{name}: the clock jumped ahead, or the host was away for long: nothing is taken in and nothing \
                         happens by itself. Look at the time, then confirm it: mifeng host order clock"
                    ),
                ),
            };
            log.tell(told.of(name));
        }
        if seen.changed().await.is_err() {
            return;
        }
    }
}

/// Tells the operator what the opening waits for, and until when; which bids nobody can open; and when only an order ends
/// the wait.
async fn tell_of_the_opening(mut seen: watch::Receiver<Arc<View>>, log: Log) {
    let (mut until, mut revoked, mut overdue) = (None, 0, 0);
    loop {
        let view = Arc::clone(&seen.borrow_and_update());
        let name = &view.name;
        let hall = view.hall.as_ref();
        let now = (
            hall.and_then(|hall| hall.waits_until),
            hall.map_or(0, Hall::revoked),
            view.overdue,
        );
        // What was known before the start was told then.
        if now.1 > revoked && view.stage == Life::Opening {
            let count = now.1;
            let zh = format!(
                "{name}：{count} 份投标因投标人原因未能开启，已按撤销其投标文件记录（20号令31条），其他投标继续开标"
            );
            let en = format!(
                "{name}: {count} bids stay shut by their bidder's cause and are recorded as revoked (20 art. 31); the others go on"
            );
            log.tell(Event::new(Level::Warn, "opening.revoked", zh, en).of(name));
        }
        if let Some(end) = now.0.filter(|_| now.0 != until) {
            let zh = format!("{name}：有投标等待受托人份额，受托人可释放至 {end}");
            let en =
                format!("{name}: bids wait for trustees' shares; they may release until {end}");
            log.tell(Event::new(Level::Info, "opening.waits", zh, en).of(name));
        }
        if now.2 > 0 && overdue == 0 {
            let count = now.2;
            let zh = format!(
                "{name}：受托人时段已过，{count} 份投标仍缺份额，平台继续等待；可下令不再等待：mifeng host order give-up"
            );
            let en = format!(
                "{name}: THE TRUSTEES' TIME IS OVER and {count} bids lack shares. The host waits on; to end that: mifeng host \
                 order give-up"
            );
            log.tell(Event::new(Level::Warn, "opening.overdue", zh, en).of(name));
        }
        (until, revoked, overdue) = now;
        if seen.changed().await.is_err() {
            return;
        }
    }
}

/// Waits for the signal to stop: SIGTERM, or Ctrl-C. At each SIGHUP `again` is called, to read certificates anew.
///
/// # Errors
/// What the system says.
pub fn wait_for_signal(again: &mut dyn FnMut()) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut term, mut int, mut hangup) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        );
        loop {
            tokio::select! {
                _ = term.recv() => return Ok(()),
                _ = int.recv() => return Ok(()),
                _ = hangup.recv() => again(),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Form;

    #[tokio::test]
    async fn an_anchor_log_that_nobody_keeps_is_told_of_unless_the_host_ends() {
        for (stops, times) in [(false, 1), (true, 0)] {
            let (state, kept) = watch::channel(Kept::default());
            let (_stop, stopping) = watch::channel(stops);
            let (told, said) = std::sync::mpsc::channel();
            let log = Log::start(Form::Json, Box::new(Lines(told)));
            let log = log.unwrap_or_else(|e| unreachable!("{e}"));
            drop(state);
            tell_of_the_anchor_log(kept, stopping, log.clone()).await;
            log.flush();
            let said = said.try_iter().collect::<Vec<_>>().concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            let ended = said.matches("\"event\":\"anchor.ended\"").count();
            assert_eq!((ended, said.lines().count()), (times, times), "{said}");
        }
    }

    struct Lines(std::sync::mpsc::Sender<Vec<u8>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
