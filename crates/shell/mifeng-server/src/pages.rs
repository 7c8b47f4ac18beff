//! The pages: made here, readable without scripts; one small script lets the hall live.

use crate::api::{Answer, App, Shared};
use crate::desks;
use crate::problem::Problem;
use crate::view::{Life, View};
use crate::words::{Fault, Lang};
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mifeng::crypto::Time;
use std::sync::Arc;

/// The style of the pages.
pub const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/hall.js");
/// The verification page carries its own policy; as a header it would forbid its own script.
const VERIFY_POLICY: &str = "frame-ancestors 'none'";
/// Where no page is: what is there speaks to programs, and so do its problems.
const NO_PAGES: [&str; 4] = ["/v1", "/assets/", "/healthz", "/metrics"];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home))
        .route("/t/{tender}", get(notice))
        .route("/t/{tender}/hall", get(hall))
        .route("/t/{tender}/hall/now", get(hall_now))
        .route("/t/{tender}/result", get(result))
        .route("/audit", get(audit))
        .route("/audit/verify.html", get(verify_page))
        .route(
            "/assets/style.css",
            get(|| asset("text/css; charset=utf-8", STYLE)),
        )
        .route(
            "/assets/hall.js",
            get(|| asset("text/javascript; charset=utf-8", SCRIPT)),
        )
}

/// What every page has.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    /// The same page in the other language.
    pub(crate) other: String,
    /// The query that ends every link to a page: who chose a language keeps it, without a cookie.
    pub(crate) keep: &'static str,
}

impl Frame {
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut query = uri.query().unwrap_or_default().split('&');
        let chosen = query.find_map(|pair| match pair {
            "lang=en" => Some((Lang::En, "?lang=en")),
            "lang=zh" => Some((Lang::Zh, "?lang=zh")),
            _ => None,
        });
        let (lang, keep) = chosen.unwrap_or_else(|| (Lang::of(headers), ""));
        let other = format!("{}?lang={}", uri.path(), lang.t("en", "zh"));
        Frame { lang, other, keep }
    }

    /// For a problem in the place of a page, if a browser asks for one.
    pub(crate) fn of_problem(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_page = !NO_PAGES.iter().any(|other| path.starts_with(other));
        let accepted = request.headers().get(header::ACCEPT);
        let accepted = accepted.and_then(|kinds| kinds.to_str().ok());
        let mut kinds = accepted.unwrap_or_default().split(',');
        let wants = kinds.any(|kind| kind.trim_start().starts_with("text/html"));
        (reads && is_page && wants).then(|| {
            let mut f = Frame::of(request.uri(), request.headers());
            // A path that leads nowhere stands in no link: `//name` would lead to another host.
            f.other = format!("/?lang={}", f.t("en", "zh"));
            f
        })
    }

    pub(crate) fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        self.lang.t(zh, en)
    }

    /// In the language in use; in Chinese where there is nothing else, which governs.
    pub(crate) fn w<'a>(&self, words: &'a crate::view::Words) -> &'a str {
        match self.lang.t(&words.zh, &words.en) {
            "" => &words.zh,
            text => text,
        }
    }

    pub(crate) fn stage(&self, view: &View) -> &'static str {
        let (zh, en) = view.stage.words();
        match view.halted {
            true => self.lang.t("已暂停或终止", "suspended or cancelled"),
            false => self.lang.t(zh, en),
        }
    }

    /// Every official time of a Chinese tender is China Standard Time.
    pub(crate) fn at(&self, time: &Time) -> String {
        time.in_china().to_string()
    }

    pub(crate) fn deadline(&self, time: &Option<Time>) -> String {
        time.as_ref().map_or_else(String::new, |time| self.at(time))
    }

    /// Yuan with a comma at each three digits, as they are read out.
    pub(crate) fn money(&self, yuan: &str) -> String {
        let (whole, rest) = yuan.split_at(yuan.find('.').unwrap_or(yuan.len()));
        let mut text = String::with_capacity(yuan.len() + whole.len() / 3);
        for (at, digit) in whole.char_indices() {
            let left = whole.len() - at;
            if at > 0 && left % 3 == 0 {
                text.push(',');
            }
            text.push(digit);
        }
        text + rest
    }

    pub(crate) fn millis(&self, time: &Time) -> i128 {
        time.as_unix_nanos() / 1_000_000
    }

    pub(crate) fn page(&self, template: &impl Template) -> Answer {
        let text = template.render().map_err(|_| Fault::Internal)?;
        let kind = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_LANGUAGE, self.lang.tag()),
        ];
        Ok((StatusCode::OK, kind, text).into_response())
    }

    /// A problem in the place of a page: status and code are those that a program gets.
    pub(crate) fn problem(&self, problem: Problem) -> Response {
        let (zh, en) = problem.titles();
        let detail = problem.detail_in(self.lang);
        let page = ProblemPage {
            f: self,
            told: self.t(zh, en),
            detail: &detail,
            code: &problem.code,
            status: problem.status,
        };
        let page = page.render();
        let mut answer = problem.in_lang(self.lang);
        if let Ok(text) = page {
            *answer.body_mut() = Body::from(text);
            let headers = answer.headers_mut();
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, kind);
        }
        answer
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    f: &'a Frame,
    told: &'a str,
    detail: &'a str,
    code: &'a str,
    status: u16,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    f: &'a Frame,
    tenders: Vec<Arc<View>>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    f: &'a Frame,
    v: &'a View,
}

#[derive(Template)]
#[template(path = "hall.html")]
struct HallPage<'a> {
    f: &'a Frame,
    v: &'a View,
    now: Time,
    /// For commands.
    url: String,
    /// Whether the module that signs is here.
    seals: bool,
}

#[derive(Template)]
#[template(path = "hall_now.html")]
struct HallNow<'a> {
    f: &'a Frame,
    v: &'a View,
    now: Time,
}

#[derive(Template)]
#[template(path = "result.html")]
struct ResultPage<'a> {
    f: &'a Frame,
    v: &'a View,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit<'a> {
    f: &'a Frame,
    archived: Vec<Arc<View>>,
    under_way: Vec<Arc<View>>,
    has_page: bool,
}

async fn home(State(app): Shared, uri: Uri, headers: HeaderMap) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let tenders = app.house.tenders().map(|tender| tender.view()).collect();
    f.page(&Home { f, tenders })
}

async fn notice(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    f.page(&NoticePage { f, v })
}

async fn hall(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    let now = app.house.clock.now();
    let url = desks::address(&app, v, &headers);
    let seals = desks::seals(&app).await;
    let page = HallPage {
        f,
        v,
        now,
        url,
        seals,
    };
    f.page(&page)
}

/// The part of the hall that changes, for the script.
async fn hall_now(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    let now = app.house.clock.now();
    f.page(&HallNow { f, v, now })
}

async fn result(
    State(app): Shared,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let v = &*app.tender(&name)?.view();
    f.page(&ResultPage { f, v })
}

async fn audit(State(app): Shared, uri: Uri, headers: HeaderMap) -> Answer {
    let f = &Frame::of(&uri, &headers);
    let tenders = app.house.tenders().map(|tender| tender.view());
    let (archived, under_way): (Vec<_>, Vec<_>) =
        tenders.partition(|view| view.stage == Life::Archived);
    let has_page = app.verify_page.is_some();
    f.page(&Audit {
        f,
        archived,
        under_way,
        has_page,
    })
}

/// The verification page as the operator gave it.
async fn verify_page(State(app): Shared) -> Answer {
    let path = app.verify_page.as_ref().ok_or(Fault::NoRoute)?;
    let text = tokio::fs::read(path).await;
    let text = text.map_err(|e| Problem::io("verification page", &e))?;
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut answer = (StatusCode::OK, kind, text).into_response();
    let policy = HeaderValue::from_static(VERIFY_POLICY);
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

pub(crate) async fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (StatusCode::OK, headers, text).into_response()
}
