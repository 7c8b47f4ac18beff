//! Listening: connections with limits, and an orderly end.

use crate::anchor::Kept;
use crate::guard::Reads;
use crate::house::{House, Notify};
use crate::limits::{BLOCKING_MAX, GRACE, HEADER_TIME, JOURNAL_EVERY};
use crate::names::Names;
use crate::patience::Patient;
use crate::places::{self, Place, Places};
use crate::tls::Tls;
use crate::view::View;
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
    notify: Notify,
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
        notify(
            "仍有未结束的请求，已中断",
            "requests that did not end were cut off",
        );
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
/// `NAME[:PORT]`, that people sign in to; without any, the address that is listened on and this machine's own.
///
/// # Errors
/// What the system says; also if the limit of open files leaves no room for connections.
pub fn start(
    house: Arc<House>,
    listener: std::net::TcpListener,
    tls: Option<Tls>,
    verify_page: Option<PathBuf>,
    names: Vec<String>,
    notify: Notify,
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
        runtime.spawn(tell_of_the_clock(tender.seen.clone(), Arc::clone(&notify)));
    }
    for tender in house.tenders() {
        if let Some(broken) = tender.access.broken() {
            let name = tender.view().name.clone();
            notify(
                &format!("{name}：拒绝日志已损坏，移至 {broken}，另起新日志；请查明原因"),
                &format!(
                    "{name}: THE JOURNAL OF REFUSALS IS BROKEN. It was set aside as {broken} and a new one begun: find out why"
                ),
            );
        }
    }
    for desk in &house.anchors {
        runtime.spawn(tell_of_the_anchor_log(
            desk.kept.clone(),
            stopping.clone(),
            Arc::clone(&notify),
        ));
    }
    for name in house.unanchored() {
        notify(
            &format!("{name}：其锚定日志不在本平台，新的日志头不会被锚定，归档后档案须另补证明"),
            &format!(
                "{name}: ITS ANCHOR LOG IS NOT KEPT HERE. Its heads are not anchored, and its dossier will lack the proof"
            ),
        );
    }
    runtime.spawn(write_journals(Arc::clone(&house), Arc::clone(&notify)));
    let router = crate::api::app(
        Arc::clone(&house),
        stopping.clone(),
        verify_page,
        (tls.is_some(), names),
    );
    let thread = std::thread::Builder::new().name("host".to_owned());
    let say_last = Arc::clone(&notify);
    let thread = thread.spawn(move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => serve(listener, router, places, tls, stopping, notify).await,
                Err(e) => notify(&format!("无法监听：{e}"), &format!("cannot listen: {e}")),
            }
        });
        // The writers first: a bid whose reader is cut off must not look as if it could not be read.
        if !house.stop() {
            say_last(
                "锚定日志没有应答；停机不再等待，未记入的日志头下次启动时补记",
                "the anchor log does not answer; the end does not wait for it, and heads that are due go in at the next start",
            );
        }
        runtime.shutdown_timeout(GRACE);
    })?;
    Ok(Running {
        address,
        stop,
        thread,
    })
}

/// Writes what is due of the journals of refusals, now and then.
async fn write_journals(house: Arc<House>, notify: Notify) {
    loop {
        tokio::time::sleep(JOURNAL_EVERY).await;
        let (house, notify) = (Arc::clone(&house), Arc::clone(&notify));
        let written = tokio::task::spawn_blocking(move || {
            for tender in house.tenders() {
                if let Err(e) = tender.access.write_down(house.clock.now(), false) {
                    let name = tender.view().name.clone();
                    notify(
                        &format!("{name}：拒绝日志无法写入：{e}"),
                        &format!("{name}: the journal of refusals cannot be written: {e}"),
                    );
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
    notify: Notify,
) {
    let mut told = None;
    loop {
        let fault = kept.borrow_and_update().fault.clone();
        if fault != told {
            match &fault {
                Some(why) => notify(
                    &format!("日志头无法锚定，将继续重试（项目照常进行）：{why}"),
                    &format!("heads cannot be anchored, trying again (the tenders go on): {why}"),
                ),
                None => notify("日志头已恢复锚定", "heads are anchored again"),
            }
            told = fault;
        }
        if kept.changed().await.is_err() {
            if !*stopping.borrow() {
                notify(
                    "锚定日志的线程已意外终止，日志头不再锚定：请重启平台",
                    "THE KEEPER OF THE ANCHOR LOG HAS ENDED, and heads are anchored no more: restart the host",
                );
            }
            return;
        }
    }
}

/// Tells the operator when a tender's clock comes into doubt, and when it is out of it.
async fn tell_of_the_clock(mut seen: watch::Receiver<Arc<View>>, notify: Notify) {
    let mut trusted = true;
    loop {
        let view = Arc::clone(&seen.borrow_and_update());
        if view.trusted != trusted {
            trusted = view.trusted;
            let name = &view.name;
            match trusted {
                true => notify(
                    &format!("{name}：时钟恢复可信，自动步骤继续"),
                    &format!("{name}: the clock is believed again; the host goes on"),
                ),
                false => notify(
                    &format!(
                        "{name}：时钟突然前移，或平台停机过久；已停止接收和自动步骤。核对时间后用 mifeng host order clock 确认"
                    ),
                    &format!(
                        "{name}: the clock jumped ahead, or the host was away for long: nothing is taken in and nothing \
                         happens by itself. Look at the time, then confirm it: mifeng host order clock"
                    ),
                ),
            }
        }
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn an_anchor_log_that_nobody_keeps_is_told_of_unless_the_host_ends() {
        for (stops, times) in [(false, 1), (true, 0)] {
            let (state, kept) = watch::channel(Kept::default());
            let (_stop, stopping) = watch::channel(stops);
            let told = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&told);
            let notify: Notify = Arc::new(move |_, en| {
                assert!(en.contains("HAS ENDED"), "{en}");
                count.fetch_add(1, Ordering::Relaxed);
            });
            drop(state);
            tell_of_the_anchor_log(kept, stopping, notify).await;
            assert_eq!(told.load(Ordering::Relaxed), times);
        }
    }
}
