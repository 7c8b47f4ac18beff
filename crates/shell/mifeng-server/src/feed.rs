//! The feed: acts of the log as they come, as server-sent events that go on where a listener left off.

use crate::api::{Answer, Shared};
use crate::limits::FEED_SILENCE;
use crate::problem::Problem;
use crate::view::View;
use crate::words::Fault;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// One listener.
struct Listener {
    seen: watch::Receiver<Arc<View>>,
    stopping: watch::Receiver<bool>,
    /// Acts before this index were sent.
    next: u64,
    /// The size of the log in the head that was sent last.
    head: Option<u64>,
    ready: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

/// Server-sent events: `act` with the index of its log entry as id, `head` when the log has grown. With
/// `Last-Event-ID` the acts after that one; without, all of them. Before the close only the beats are seen.
#[utoipa::path(get, path = "/v1/tenders/{tender}/events",
    params(("tender" = String, Path), ("last-event-id" = Option<u64>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn events(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let place = Arc::clone(&tender.listeners).try_acquire_owned();
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok());
    let last: Option<u64> = last.and_then(|text| text.parse().ok());
    let listener = Listener {
        seen: tender.seen.clone(),
        stopping: app.stopping.clone(),
        next: last.map_or(0, |last| last.saturating_add(1)),
        head: None,
        ready: VecDeque::new(),
        _place: place.map_err(|_| Fault::Crowded)?,
    };
    let stream = futures_util::stream::unfold(listener, Listener::step);
    let silence = KeepAlive::new().interval(FEED_SILENCE).text("");
    Ok(Sse::new(stream).keep_alive(silence).into_response())
}

impl Listener {
    async fn step(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            if self.head.is_some() {
                tokio::select! {
                    changed = self.seen.changed() => changed.ok()?,
                    _ = self.stopping.wait_for(|stop| *stop) => return None,
                }
            }
            let view = Arc::clone(&self.seen.borrow_and_update());
            self.collect(&view);
        }
    }

    fn collect(&mut self, view: &View) {
        for act in view.acts.iter().filter(|act| act.index >= self.next) {
            let event = Event::default().event("act").id(act.index.to_string());
            // Plain data: it always becomes JSON.
            if let Ok(event) = event.json_data(act) {
                self.ready.push_back(event);
            }
        }
        self.next = view
            .acts
            .last()
            .map_or(self.next, |act| self.next.max(act.index + 1));
        if self.head != Some(view.size) {
            let head = serde_json::json!({"size": view.size, "stage": view.stage});
            if let Ok(event) = Event::default().event("head").json_data(head) {
                self.ready.push_back(event);
            }
            self.head = Some(view.size);
        }
    }
}
