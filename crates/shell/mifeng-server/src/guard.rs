//! What holds for every request: whence it may come, what its answer carries, how long its body may take.

use crate::limits::BODY_TIME;
use crate::problem::{Fail, Problem};
use crate::words::{Fault, Lang};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Scripts, styles and connections of our own only; no frame anywhere shows these pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Around every request.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let lang = Lang::of(request.headers());
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let answer = match changes && is_cross_site(request.headers()) {
        true => Fail::from(Fault::CrossSite).into_response(),
        false => next.run(request).await,
    };
    let mut answer = in_words(answer, lang);
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

/// Problems in the language asked for; what the router refused by itself as a problem too.
fn in_words(answer: Response, lang: Lang) -> Response {
    if let Some(problem) = answer.extensions().get::<Problem>() {
        return problem.clone().in_lang(lang);
    }
    let fault = match answer.status() {
        StatusCode::METHOD_NOT_ALLOWED => Fault::NoMethod,
        StatusCode::BAD_REQUEST => Fault::BadPath,
        StatusCode::INTERNAL_SERVER_ERROR => Fault::Internal,
        _ => return answer,
    };
    let mut told = Fail::from(fault).in_lang(lang);
    if let Some(allow) = answer.headers().get(header::ALLOW) {
        told.headers_mut().insert(header::ALLOW, allow.clone());
    }
    told
}

/// Reads a body within its limits of size and time.
pub(crate) async fn read(body: Body, len_max: usize) -> Result<Bytes, Fail> {
    use http_body_util::{BodyExt, LengthLimitError, Limited};
    let whole = Limited::new(body, len_max).collect();
    match tokio::time::timeout(BODY_TIME, whole).await {
        Err(_) => Err(Fault::TooSlow.into()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(Fault::TooLarge.into()),
        Ok(Err(_)) => Err(Fault::Cut.into()),
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
    }
}
