//! What holds for every request: whence it may come, how often, what its answer carries, and what is kept of it.

use crate::api::Shared;
use crate::limits::{READS_EVERY, READS_RESERVE};
use crate::pages::Frame;
use crate::problem::{Fail, Problem};
use crate::rates::{Account, Pace};
use crate::told::{Kept, REQUEST_ID};
use crate::words::{Fault, Lang};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Scripts, styles and connections of our own only; no frame anywhere shows these pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

tokio::task_local! {
    static CALLER: Option<IpAddr>;
}

/// The address that the request at hand came from, as the connection tells; a proxy's, if there is one.
pub(crate) fn caller() -> Option<IpAddr> {
    CALLER.try_with(|caller| *caller).ok().flatten()
}

/// Around every request.
pub(crate) async fn guard(State(app): Shared, request: Request, next: Next) -> Response {
    let (kept, request) = Kept::begin(app, request).await;
    let lang = Lang::of(request.headers());
    let page = Frame::of_problem(&request);
    let answer = match refused(&request) {
        Some(fault) => Fail::from(fault).into_response(),
        None => {
            let caller = request.extensions().get::<Reads>().map(|own| own.caller);
            CALLER.scope(caller, next.run(request)).await
        }
    };
    let problem = problem_of(&answer);
    let mut answer = in_words(answer, problem.clone(), (lang, page.as_ref()));
    let id = kept.answered(&answer, problem.as_ref());
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    let headers = answer.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "accept-language"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let missing: [(HeaderName, &'static str); 2] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in missing {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    answer
}

fn refused(request: &Request) -> Option<Fault> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    match changes {
        true => is_cross_site(request.headers()).then_some(Fault::CrossSite),
        false => reads_too_often(request).then_some(Fault::TooOften),
    }
}

/// What one connection has asked for.
#[derive(Clone)]
pub(crate) struct Reads {
    account: Arc<Mutex<Account>>,
    caller: IpAddr,
}

impl Reads {
    pub(crate) fn new(caller: IpAddr) -> Self {
        Reads {
            account: Arc::new(Mutex::new(Account::new(Instant::now()))),
            caller,
        }
    }
}

/// Whether a connection asks too often for what everybody may see. Who waits for a receipt, or asks how far an upload is,
/// is never told to wait.
fn reads_too_often(request: &Request) -> bool {
    const PACE: Pace = Pace {
        every: READS_EVERY,
        reserve: READS_RESERVE,
    };
    let path = request.uri().path();
    let Some(Reads { account, .. }) = request.extensions().get::<Reads>() else {
        return false;
    };
    if is_of_a_bidder(path) {
        return false;
    }
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    account.take(PACE, Instant::now()).is_err()
}

/// Whether a path is `/v1/tenders/{tender}/receipts/{record}`, or the same below `uploads`: names in a bundle can look so
/// further down.
fn is_of_a_bidder(path: &str) -> bool {
    let rest = path.strip_prefix("/v1/tenders/").unwrap_or_default();
    let mut parts = rest.split('/').skip(1);
    let kind = matches!(parts.next(), Some("receipts" | "uploads"));
    kind && parts.next().is_some() && parts.next().is_none()
}

/// A browser that acts for another site says so. What is no browser says nothing, and needs a signature anyway.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return true;
    }
    let host = text("host").unwrap_or_default();
    text("origin").is_some_and(|origin| {
        let own = origin.split_once("://").map(|(_, rest)| rest);
        own != Some(host)
    })
}

/// What is wrong, if something is; what the router refused by itself too.
fn problem_of(answer: &Response) -> Option<Problem> {
    if let Some(problem) = answer.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let fault = match answer.status() {
        StatusCode::METHOD_NOT_ALLOWED => Fault::NoMethod,
        StatusCode::BAD_REQUEST => Fault::BadPath,
        StatusCode::INTERNAL_SERVER_ERROR => Fault::Internal,
        _ => return None,
    };
    Some(*Fail::from(fault))
}

/// Problems in the language asked for, to a browser as a page.
fn in_words(
    answer: Response,
    problem: Option<Problem>,
    (lang, page): (Lang, Option<&Frame>),
) -> Response {
    let Some(problem) = problem else {
        return answer;
    };
    let mut told = match page {
        Some(frame) => frame.problem(problem),
        None => problem.in_lang(lang),
    };
    if let Some(allow) = answer.headers().get(header::ALLOW) {
        told.headers_mut().insert(header::ALLOW, allow.clone());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_receipts_and_uploads_themselves_need_no_account() {
        for path in [
            "/v1/tenders/t1/receipts/00",
            "/v1/tenders/t1/uploads/00",
            "/v1/tenders/receipts/uploads/00",
        ] {
            assert!(is_of_a_bidder(path), "{path}");
        }
        for path in [
            "/v1/tenders/t1/files/x/receipts/y",
            "/v1/tenders/t1/files/uploads/y",
            "/v1/tenders/receipts/00",
            "/v1/tenders/t1/receipts",
            "/v1/tenders/t1/receipts/00/x",
            "/t/receipts/uploads/x",
            "/x/v1/tenders/t1/receipts/00",
            "",
        ] {
            assert!(!is_of_a_bidder(path), "{path}");
        }
    }
}
