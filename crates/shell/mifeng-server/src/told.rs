//! What is kept of a request: its line in the log, and its refusal in the tender's journal.

use crate::api::App;
use crate::guard;
use crate::house::Tender;
use crate::limits::LOG_FAULT_EVERY;
use crate::log::{Asked, Event, Level, Log};
use crate::problem::{Fail, Problem};
use crate::routes::{Route, Told, method, route};
use crate::view::{Life, View};
use crate::words::Fault;
use axum::body::HttpBody;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use mifeng::crypto::{Entropy, SystemEntropy, Time};
use mifeng::record::Record;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Whoever asks for help with an answer names its line by this.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The log of a host, and what it may say of requests of which it tells nothing.
pub(crate) struct Teller {
    pub(crate) log: Log,
    fault: Mutex<Option<Instant>>,
}

impl Teller {
    pub(crate) fn new(log: Log) -> Self {
        Teller {
            log,
            fault: Mutex::new(None),
        }
    }

    /// That there was an internal error: not when each was, where, or how often.
    fn tell_fault(&self) {
        let mut last = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < LOG_FAULT_EVERY) {
            return;
        }
        *last = Some(Instant::now());
        self.log.tell(Event::new(
            Level::Error,
            "request.fault",
            "截标前不逐条记录的请求中有程序内部错误，每分钟至多告知一次；请报告".to_owned(),
            "among the requests that are not told of before the close one met an internal error (told once a minute at most): please report it".to_owned(),
        ));
    }
}

/// Whether somebody may bid now, or give a final offer: as far as the last snapshot tells, which follows the close.
fn takes_bids(view: &View) -> bool {
    matches!(view.stage, Life::Setup | Life::Open) || !view.rounds.is_empty()
}

/// One request, from its header on.
pub(crate) struct Kept {
    app: Arc<App>,
    method: &'static str,
    changes: bool,
    route: Option<&'static Route>,
    /// Of the address: there may be no such tender.
    tender: Option<String>,
    came: Option<u64>,
    began: Instant,
    /// Somebody might bid when it came.
    was_quiet: bool,
    is_answered: bool,
}

impl Kept {
    pub(crate) async fn begin(app: Arc<App>, request: Request) -> (Self, Request) {
        let (mut parts, body) = request.into_parts();
        let method = method(&parts.method);
        let matched = parts.extensions.get::<MatchedPath>();
        let route = matched.and_then(|matched| route(method, matched.as_str()));
        // As the handlers read it: what is written otherwise in the address is the same tender.
        let params = RawPathParams::from_request_parts(&mut parts, &()).await;
        let tender = params.ok().and_then(|params| {
            let mut params = params.iter();
            let named = params.find(|(name, _)| *name == "tender");
            named.map(|(_, value)| value.to_owned())
        });
        let mut kept = Kept {
            method,
            changes: !matches!(parts.method, Method::GET | Method::HEAD),
            route,
            tender: tender.filter(|name| app.house.tender(name).is_some()),
            came: length(&parts.headers),
            began: Instant::now(),
            was_quiet: false,
            is_answered: false,
            app,
        };
        kept.was_quiet = kept.is_quiet();
        (kept, Request::from_parts(parts, body))
    }

    /// Whether a line of it could tell that somebody bids.
    fn is_quiet(&self) -> bool {
        if self.route.is_some_and(|route| route.told == Told::Always) {
            return false;
        }
        let house = &self.app.house;
        match self.tender.as_deref().and_then(|name| house.tender(name)) {
            Some(tender) => takes_bids(&tender.view()),
            None => house.tenders().any(|tender| takes_bids(&tender.view())),
        }
    }

    /// Keeps what is to be kept of it; the id by which its caller may name it.
    pub(crate) fn answered(mut self, answer: &Response, problem: Option<&Problem>) -> String {
        self.is_answered = true;
        if let Some(problem) = problem {
            self.note(problem);
        }
        let id = random_id();
        let code = problem.map(|problem| problem.code.clone());
        let went = length(answer.headers()).or_else(|| answer.body().size_hint().exact());
        self.tell(&id, Some(answer.status()), code, went);
        id
    }

    fn tell(&self, id: &str, status: Option<StatusCode>, code: Option<String>, went: Option<u64>) {
        if !self.app.teller.log.has_requests() {
            return;
        }
        // What came before the close and is answered after it tells as much.
        if self.was_quiet || self.is_quiet() {
            if status == Some(StatusCode::INTERNAL_SERVER_ERROR) {
                self.app.teller.tell_fault();
            }
            return;
        }
        self.app.teller.log.asked(Asked {
            id: id.to_owned(),
            method: self.method,
            route: self.route.map(|route| route.path),
            tender: self.tender.clone(),
            status: status.map(|status| status.as_u16()),
            code,
            ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            came: self.came,
            went,
        });
    }

    /// Notes a refusal that nobody noted, as that of a stranger: what is asked for in vain is no refusal, nor what is not
    /// available now.
    fn note(&self, problem: &Problem) {
        let found = self
            .tender
            .as_deref()
            .and_then(|name| self.app.house.tender(name));
        let (Some(tender), false) = (found, problem.is_noted) else {
            return;
        };
        let is_there = self.changes || !matches!(problem.status, 404 | 416);
        if (400..500).contains(&problem.status) && is_there {
            let act = self.route.map_or("request", |route| route.act);
            let (view, now) = (tender.view(), self.app.house.clock.now());
            let code = &problem.code;
            tender.access.refused(None, act, code, &view, now);
        }
    }
}

/// Takes one from the account of who signed a record; who has none left is noted.
pub(crate) fn paced(tender: &Tender, record: (&Record, bool), at: Time) -> Result<(), Fail> {
    let who = (record.0.actor(), guard::caller());
    let pace = tender.signers.take(who, Instant::now());
    pace.map_err(|_| {
        let (no, view) = (Fail::from(Fault::TooOften), tender.view());
        tender.access.refused_record(record, &no.code, &view, at);
        no.noted()
    })
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.is_answered {
            self.tell(&random_id(), None, None, None);
        }
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// Nothing can be counted by it.
fn random_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness nothing here works; a line can do without.
    let _ = SystemEntropy::new().fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}
