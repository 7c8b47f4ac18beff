//! The desks of those who take part: what each has to do now, and where its files go. Everybody sees the same; what
//! is secret stays in the browser or in a person's own program.

use crate::api::{Answer, App, Shared};
use crate::pages::{Frame, asset};
use crate::view::{Life, View};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::routing::get;
use std::sync::Arc;

const SEND: &str = include_str!("../assets/send.js");
const SHEET: &str = include_str!("../assets/sheet.js");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// Bytes of a host's name and port in the commands that are shown.
const HOST_LEN_MAX: usize = 255;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/t/{tender}/bid", get(bid))
        .route("/t/{tender}/trustee", get(trustee))
        .route("/t/{tender}/score", get(score))
        .route("/assets/send.js", get(|| asset(JAVASCRIPT, SEND)))
        .route("/assets/sheet.js", get(|| asset(JAVASCRIPT, SHEET)))
}

#[derive(Template)]
#[template(path = "bid.html")]
struct BidDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
    /// Of the same tender, for programs.
    api: String,
}

#[derive(Template)]
#[template(path = "trustee.html")]
struct TrusteeDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
}

#[derive(Template)]
#[template(path = "score.html")]
struct ScoreDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
    /// Of the same tender, for programs.
    api: String,
}

/// The address of a tender for commands: as the browser reached it, if that can stand in a command.
fn address(app: &App, v: &View, headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let host = host.filter(|host| host.len() <= HOST_LEN_MAX && host.bytes().all(plain));
    let host = host.unwrap_or("HOST");
    let own = ["127.", "localhost", "[::1]"].iter();
    let own = own.into_iter().any(|own| host.starts_with(own));
    // Beyond this machine there is a proxy that speaks TLS, if the host does not.
    let scheme = if app.tls || !own { "https" } else { "http" };
    format!("{scheme}://{host}/t/{}", v.name)
}

async fn bid(State(app): Shared, Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    let url = address(&app, v, &headers);
    let api = url.replace("/t/", "/v1/tenders/");
    f.page(&BidDesk { f, v, url, api })
}

async fn trustee(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    let url = address(&app, v, &headers);
    f.page(&TrusteeDesk { f, v, url })
}

async fn score(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    let url = address(&app, v, &headers);
    let api = url.replace("/t/", "/v1/tenders/");
    f.page(&ScoreDesk { f, v, url, api })
}
