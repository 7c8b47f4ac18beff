//! Work at the lists of sessions, grants and refusals, on threads that all tenders share.

use crate::access::Looked;
use crate::api::{App, on_a_thread};
use crate::house::Tender;
use crate::limits::LISTS_WAIT;
use crate::problem::{Fail, Problem};
use mifeng::crypto::Time;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// A tender's turn, and a place for the thread that uses it.
type Turn = (OwnedMutexGuard<Looked>, OwnedSemaphorePermit);

fn no_lists() -> Fail {
    Problem::io("sessions", &std::io::ErrorKind::TimedOut.into())
}

/// A turn at the lists of one tender, on a thread that all tenders share; none if a look that began since `shared` did for
/// this one too. While the lists do not answer nobody's turn comes, and all are told so after the same time: they do not
/// wait one behind the other.
async fn turn(
    places: &Arc<Semaphore>,
    gate: &Arc<Mutex<Looked>>,
    shared: Option<Instant>,
) -> Result<Option<Turn>, Fail> {
    let turn = async {
        // The turn first: many who ask for one tender take no places from the others.
        let gate = Arc::clone(gate).lock_owned().await;
        if let (Some(came), Some((began, well))) = (shared, *gate)
            && began >= came
        {
            return if well { Ok(None) } else { Err(no_lists()) };
        }
        let place = Arc::clone(places).acquire_owned().await;
        Ok(Some((gate, place.map_err(|_| no_lists())?)))
    };
    let turn = tokio::time::timeout(LISTS_WAIT, turn).await;
    turn.unwrap_or_else(|_| Err(no_lists()))
}

/// Works at a tender's lists, in a thread: one at a time, so that a store that does not answer holds no more than that.
pub(crate) async fn at_the_lists<T: Send + 'static>(
    app: &Arc<App>,
    name: &str,
    work: impl FnOnce(&Tender, Time) -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let gate = &app.tender(name)?.access.gate;
    let turn = turn(&app.at_lists, gate, None).await?;
    let (app, name) = (Arc::clone(app), name.to_owned());
    on_a_thread(move || {
        let done = work(app.tender(&name)?, app.house.clock.now());
        // The turn is over here, whoever waited for it.
        drop(turn);
        done
    })
    .await
}

/// Learns what other replicas were told. Everybody who came before a look began shares it, so that the store is asked no
/// oftener than it answers.
pub(crate) async fn look(app: &Arc<App>, name: &str) -> Result<(), Fail> {
    let gate = &app.tender(name)?.access.gate;
    let turn = turn(&app.at_lists, gate, Some(Instant::now())).await?;
    let Some((mut gate, place)) = turn else {
        return Ok(());
    };
    let (app, name) = (Arc::clone(app), name.to_owned());
    on_a_thread(move || {
        // From here on it ends, whoever goes away: nobody shares a look that did not begin.
        let began = Instant::now();
        *gate = Some((began, false));
        let tender = app.tender(&name)?;
        let learned = tender.access.learn(&tender.view(), app.house.clock.now());
        *gate = Some((began, learned.is_ok()));
        drop((gate, place));
        learned.map_err(|e| Problem::io("sessions", &e))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{Instant, LISTS_WAIT, Looked, turn};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::{Mutex, Semaphore};

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_says_no_to_nobody() {
        let gate = Arc::new(Mutex::new(Looked::default()));
        let places = Arc::new(Semaphore::new(0));
        let came = Instant::now();
        let gone = turn(&places, &gate, Some(Instant::now()));
        let gone = tokio::time::timeout(Duration::from_millis(20), gone).await;
        assert!(gone.is_err(), "it waits for a place");
        places.add_permits(1);
        let next = turn(&places, &gate, Some(came)).await;
        assert!(matches!(next, Ok(Some(_))), "nobody looked since");
    }

    #[tokio::test]
    async fn who_came_before_a_look_shares_it() {
        let places = Arc::new(Semaphore::new(1));
        let began = Instant::now();
        let later = began + Duration::from_millis(1);
        let looked = |well| Arc::new(Mutex::new(Some((began, well))));
        let shared = turn(&places, &looked(true), Some(began)).await;
        assert!(matches!(shared, Ok(None)));
        assert!(turn(&places, &looked(false), Some(began)).await.is_err());
        for shared in [Some(later), None] {
            let own = turn(&places, &looked(true), shared).await;
            assert!(matches!(own, Ok(Some(_))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_another_who_waits() {
        let begun = tokio::time::Instant::now();
        let gate = Arc::new(Mutex::new(Looked::default()));
        let none = Arc::new(Semaphore::new(0));
        let asks = || turn(&none, &gate, None);
        let (a, b, c) = tokio::join!(asks(), asks(), asks());
        assert!(a.is_err() && b.is_err() && c.is_err());
        // Behind somebody whose turn does not end.
        let _held = Arc::clone(&gate).lock_owned().await;
        let behind = tokio::time::timeout(LISTS_WAIT * 2, asks()).await;
        assert!(matches!(behind, Ok(Err(_))));
        let (limit, waited) = (LISTS_WAIT * 2, begun.elapsed());
        assert!(waited < limit + LISTS_WAIT / 2, "{waited:?}");
    }
}
