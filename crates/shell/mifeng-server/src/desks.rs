//! The desks of those who take part: what each has to do now, and where its files go. Everybody sees the same; what
//! is secret stays in the browser or in a person's own program.

use crate::api::{Answer, App, Shared};
use crate::download;
use crate::pages::{Frame, asset};
use crate::view::{Hall, Life, View};
use crate::words::Fault;
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::get;
use std::path::PathBuf;
use std::sync::Arc;

const SEND: &str = include_str!("../assets/send.js");
const SHEET: &str = include_str!("../assets/sheet.js");
const DESK: &str = include_str!("../assets/desk.js");
const SIGN: &str = include_str!("../assets/sign.js");
const SEAL: &str = include_str!("../assets/seal.js");
const EARLIER: &str = include_str!("../assets/earlier.js");
const PRESENT: &str = include_str!("../assets/present.js");
const RECEIPT: &str = include_str!("../assets/receipt.js");
const WORKER: &str = include_str!("../assets/desk-worker.js");
/// A worker obeys the policy of its own script's answer.
const WORKER_POLICY: &str =
    "default-src 'none'; script-src 'wasm-unsafe-eval'; frame-ancestors 'none'; base-uri 'none'";
/// The file beside the verification page (crates/shell/mifeng-wasm/build.sh).
const MODULE: &str = "mifeng-desk.wasm";
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
        .route("/assets/desk.js", get(|| asset(JAVASCRIPT, DESK)))
        .route("/assets/sign.js", get(|| asset(JAVASCRIPT, SIGN)))
        .route("/assets/seal.js", get(|| asset(JAVASCRIPT, SEAL)))
        .route("/assets/earlier.js", get(|| asset(JAVASCRIPT, EARLIER)))
        .route("/assets/present.js", get(|| asset(JAVASCRIPT, PRESENT)))
        .route("/assets/receipt.js", get(|| asset(JAVASCRIPT, RECEIPT)))
        .route("/assets/desk-worker.js", get(worker))
        .route("/assets/desk.wasm", get(wasm))
}

#[derive(Template)]
#[template(path = "bid.html")]
struct BidDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
    /// Of the same tender, for programs.
    api: String,
    /// Whether the module that seals is here.
    seals: bool,
}

#[derive(Template)]
#[template(path = "trustee.html")]
struct TrusteeDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
    /// No bid is to be opened.
    nothing: bool,
}

#[derive(Template)]
#[template(path = "score.html")]
struct ScoreDesk<'a> {
    f: &'a Frame,
    v: &'a View,
    url: String,
    /// Whether the module that signs is here.
    seals: bool,
}

/// The address of a tender for commands: as the browser reached it, if that can stand in a command.
pub(crate) fn address(app: &App, v: &View, headers: &HeaderMap) -> String {
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
    let v = &*app.seen(&name)?;
    let url = address(&app, v, &headers);
    let api = url.replace("/t/", "/v1/tenders/");
    let seals = seals(&app).await;
    let desk = BidDesk {
        f,
        v,
        url,
        api,
        seals,
    };
    f.page(&desk)
}

/// The module that seals in the page: the verification page's build makes both, side by side.
fn module(app: &App) -> Option<PathBuf> {
    let page = app.verify_page.as_ref()?;
    Some(page.with_file_name(MODULE))
}

pub(crate) async fn seals(app: &App) -> bool {
    match module(app) {
        Some(path) => tokio::fs::try_exists(path).await.unwrap_or(false),
        None => false,
    }
}

async fn wasm(State(app): Shared, headers: HeaderMap) -> Answer {
    let path = module(&app).ok_or(Fault::NoRoute)?;
    if !tokio::fs::try_exists(&path).await.unwrap_or(false) {
        return Err(Fault::NoRoute.into());
    }
    let mut answer = download::send(&path, "application/wasm", &headers).await?;
    // Megabytes, and the same for everybody.
    let kept = HeaderValue::from_static("max-age=300");
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(answer)
}

/// What handles the key is allowed WebAssembly, and nothing else: no connection, not even to this host.
async fn worker() -> Response {
    let mut answer = asset(JAVASCRIPT, WORKER).await;
    let policy = HeaderValue::from_static(WORKER_POLICY);
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    answer
}

async fn trustee(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.seen(&name)?;
    let url = address(&app, v, &headers);
    let nothing = v.hall.as_ref().is_some_and(Hall::opens_nothing);
    f.page(&TrusteeDesk { f, v, url, nothing })
}

async fn score(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.seen(&name)?;
    let url = address(&app, v, &headers);
    let seals = seals(&app).await;
    let desk = ScoreDesk { f, v, url, seals };
    f.page(&desk)
}
