//! Work at the lists of sessions, grants and refusals, on threads that all tenders share.

use crate::api::{App, on_a_thread};
use crate::house::Tender;
use crate::limits::LISTS_WAIT;
use crate::problem::{Fail, Problem};
use mifeng::crypto::Time;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

fn no_lists() -> Fail {
    Problem::io("sessions", &std::io::ErrorKind::TimedOut.into())
}

/// A place for a thread that works at the lists of any tender. While they do not answer, all of them are taken soon, and
/// whoever comes then is told so.
async fn place(app: &App) -> Result<OwnedSemaphorePermit, Fail> {
    let place = Arc::clone(&app.at_lists).acquire_owned();
    let place = tokio::time::timeout(LISTS_WAIT, place).await;
    place.ok().and_then(Result::ok).ok_or_else(no_lists)
}

/// Works at a tender's lists, in a thread: one at a time, so that a store that does not answer holds no more than that.
pub(crate) async fn at_the_lists<T: Send + 'static>(
    app: &Arc<App>,
    name: &str,
    work: impl FnOnce(&Tender, Time) -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let gate = Arc::clone(&app.tender(name)?.access.gate)
        .lock_owned()
        .await;
    let place = place(app).await?;
    let (app, name) = (Arc::clone(app), name.to_owned());
    on_a_thread(move || {
        let done = work(app.tender(&name)?, app.house.clock.now());
        // The turn is over here, whoever waited for it.
        drop((gate, place));
        done
    })
    .await
}

/// Learns what other replicas were told. Everybody who came before a look began shares it, so that the store is asked no
/// oftener than it answers.
pub(crate) async fn look(app: &Arc<App>, name: &str) -> Result<(), Fail> {
    let came = Instant::now();
    let mut gate = Arc::clone(&app.tender(name)?.access.gate)
        .lock_owned()
        .await;
    match *gate {
        Some((began, true)) if began >= came => return Ok(()),
        Some((began, false)) if began >= came => {
            return Err(no_lists());
        }
        // Unless it goes well.
        _ => *gate = Some((Instant::now(), false)),
    }
    let place = place(app).await?;
    let (app, name) = (Arc::clone(app), name.to_owned());
    on_a_thread(move || {
        let tender = app.tender(&name)?;
        let learned = tender.access.learn(&tender.view(), app.house.clock.now());
        *gate = gate.map(|(began, _)| (began, learned.is_ok()));
        drop((gate, place));
        learned.map_err(|e| Problem::io("sessions", &e))
    })
    .await
}
