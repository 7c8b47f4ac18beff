//! What only some may see: signing in, grants, own bids, opened bids, score sheets, the whole dossier, the journal.

use crate::api::{Answer, App, Shared, TAR, json, made, on_a_thread, recognised};
use crate::at_lists::{at_the_lists, look};
use crate::download;
use crate::house::Tender;
use crate::limits::STATEMENT_LEN_MAX;
use crate::office::away;
use crate::parties::OwnBid;
use crate::problem::{Fail, Problem};
use crate::told::paced;
use crate::view::{Life, Standing, View};
use crate::words::Fault;
use crate::writer::{Order, clock_in_doubt};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use mifeng::Export;
use mifeng::crypto::{Digest, Suite, Time};
use mifeng::record::{Record, SignedRecord};
use mifeng_access::{Action, Basis, Cell, Challenge, SESSION_MILLIS, Session};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Component, PathBuf};
use std::sync::Arc;
use utoipa::ToSchema;

/// Files that one list names.
const FILES_SHOWN: usize = 10_000;

/// What is to be signed, and how.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offered {
    /// Origin of the tender's log: that of the statement.
    origin: String,
    /// The suite to sign with.
    suite: String,
    /// The data of the statement.
    #[schema(value_type = Object)]
    challenge: Challenge,
}

/// A session that began.
#[derive(Serialize, ToSchema)]
pub(crate) struct Begun {
    /// For `Authorization: Bearer`; a browser has it as a cookie.
    token: String,
    #[serde(flatten)]
    who: Who,
}

/// How far an emergency is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Opened {
    /// Persons who signed it, as far as they are needed.
    signed: u8,
    /// Persons who are needed.
    needed: u8,
    /// Whether it counts.
    in_force: bool,
}

impl Opened {
    fn of(in_force: bool) -> Self {
        Opened {
            signed: 1 + u8::from(in_force),
            needed: 2,
            in_force,
        }
    }
}

/// Who somebody is here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Who {
    /// The name in the certificate.
    name: String,
    /// What the tender's records make of them.
    roles: Vec<String>,
    /// Until when the session lasts.
    #[schema(value_type = String)]
    expires: Time,
}

/// A file of an opened bid.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedFile {
    /// `LOT/BIDDER/…`.
    path: String,
    /// Bytes.
    size: u64,
}

fn who(tender: &Tender, session: &Session) -> Who {
    let person = tender.view().parties.person(&session.cert);
    Who {
        name: session.name.clone(),
        roles: person
            .roles
            .iter()
            .map(|role| role.word().to_owned())
            .collect(),
        expires: session.expires,
    }
}

/// The token that came with a request: a program's, or a browser's for this tender.
fn token<'a>(tender: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let own = format!("mifeng-{tender}");
    let cookies = text(header::COOKIE).unwrap_or_default().split(';');
    let mut cookies = cookies.filter_map(|one| one.trim().split_once('='));
    bearer.or_else(|| {
        cookies
            .find(|(name, _)| *name == own)
            .map(|(_, value)| value)
    })
}

/// Who is signed in, as every replica knows it. What is no token of the host's costs no look at the lists.
async fn session(app: &Arc<App>, name: &str, headers: &HeaderMap) -> Result<Option<Session>, Fail> {
    let access = &app.tender(name)?.access;
    let Some(token) = token(name, headers).filter(|token| access.made(token)) else {
        return Ok(None);
    };
    look(app, name).await?;
    Ok(access.session(token, app.house.clock.now()))
}

/// Asks for leave to do something; a "no" is noted.
async fn require(
    (app, name): (&Arc<App>, &str),
    headers: &HeaderMap,
    asked: (Action, bool),
) -> Result<(Basis, Session), Fail> {
    let session = session(app, name, headers).await?;
    require_of((app, name), session, asked)
}

fn require_of(
    (app, name): (&Arc<App>, &str),
    session: Option<Session>,
    asked: (Action, bool),
) -> Result<(Basis, Session), Fail> {
    let tender = app.tender(name)?;
    let (view, now) = (tender.view(), app.house.clock.now());
    require_there(&view)?;
    let basis = tender
        .access
        .require((session.as_ref(), &view), asked, now)?;
    let session = session.ok_or(Fault::Internal)?;
    Ok((basis, session))
}

/// While its store is away nobody is judged by a tender's roles and stage: they are those of when it was last there, however
/// long ago.
fn require_there(view: &View) -> Result<(), Fail> {
    match view.standing {
        Standing::Away => Err(away().into()),
        Standing::Writes | Standing::StandsBy => Ok(()),
    }
}

/// Leave to go on with a record: once the commitments of bids are public and their bodies still come, whoever signed it has
/// to be signed in. Any other record is known to those alone who hold it.
pub(crate) async fn require_signer(
    app: &Arc<App>,
    name: &str,
    record: &Digest,
    headers: &HeaderMap,
) -> Result<(), Fail> {
    let now = app.house.clock.now();
    let Some(signer) = app.tender(name)?.view().bound_to(record, now) else {
        return Ok(());
    };
    let session = session(app, name, headers).await?;
    let is_own = session.as_ref().is_some_and(|one| one.cert == signer);
    let (_, session) = require_of((app, name), session, (Action::BidOwn, is_own))?;
    match session.cert == signer {
        true => Ok(()),
        false => {
            let rule = &mifeng_access::rules::NOT_OWN;
            let (tender, who) = (app.tender(name)?, Some(session.cert));
            let (act, view) = (Action::BidOwn.word(), tender.view());
            tender.access.refused(who, act, rule.code, &view, now);
            Err(Problem::denied(rule, false).noted())
        }
    }
}

/// A cookie that no script reads and no other site sends; over plain HTTP on this machine only.
fn cookie(name: &str, value: &str, age: i64, headers: &HeaderMap) -> Result<HeaderValue, Fail> {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = host.unwrap_or_default();
    let local = ["localhost", "127.0.0.1", "[::1]"];
    let secure = match local
        .iter()
        .any(|own| host == *own || host.starts_with(&format!("{own}:")))
    {
        true => "",
        false => "; Secure",
    };
    let text =
        format!("mifeng-{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).map_err(|_| Fault::Internal.into())
}

/// Reads a statement and checks its signature, on no writer's time.
async fn statement(app: &App, tender: &Tender, body: Body) -> Result<(SignedRecord, Record), Fail> {
    let held = app.rooms.records.read(body, STATEMENT_LEN_MAX).await?;
    let suite = Suite::by_id(&tender.view().suite).map_err(mifeng::Error::from)?;
    let (view, now) = (tender.view(), app.house.clock.now());
    let (signed, record, is_known) = on_a_thread(move || {
        let signed = SignedRecord::from_file(held.bytes()).map_err(mifeng::Error::from)?;
        let record = Record::verify(signed.clone(), suite).map_err(mifeng::Error::from)?;
        let is_known = view.known.knows(&record, now);
        Ok((signed, record, is_known))
    })
    .await?;
    paced(tender, (&record, is_known), now)?;
    Ok((signed, record))
}

/// Notes what a rule said no to; what is not available now is nobody's refusal.
fn note_refused(tender: &Tender, record: (&Record, bool), no: Fail, now: Time) -> Fail {
    if no.status >= 500 {
        return no;
    }
    let view = tender.view();
    tender.access.refused_record(record, &no.code, &view, now);
    no.noted()
}

/// Gives a challenge to whoever wants to sign in (spec/access.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/sign-in/challenge", params(("tender" = String, Path)),
    responses((status = 201, body = Offered), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn challenge(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let view = tender.view();
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = host.unwrap_or_default();
    // What is signed for another name could be passed on to here.
    if !app.names.contain(host) {
        return Err(Fault::OtherHost.into());
    }
    let now = app.house.clock.now();
    let challenge = tender.access.challenge(host, now)?;
    let offered = Offered {
        origin: view.origin.clone(),
        suite: view.suite.clone(),
        challenge,
    };
    Ok(json(StatusCode::CREATED, &offered))
}

/// Signs in with a statement (`access.sign-in`) over a challenge.
#[utoipa::path(post, path = "/v1/tenders/{tender}/sign-in", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 201, body = Begun), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn sign_in(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let tender = app.tender(&name)?;
    // A challenge of yesterday would be good again, and sessions that go on would be over.
    let view = tender.view();
    if !view.trusted {
        return Err(clock_in_doubt().into());
    }
    require_there(&view)?;
    let (_, record) = statement(&app, tender, body).await?;
    let now = app.house.clock.now();
    let known = recognised(tender, &record, now).await;
    let is_known = known.is_ok();
    let (asked, again) = (record.clone(), Arc::clone(&app));
    let sign_in = move |tender: &Tender, now| tender.access.sign_in(&asked, &again.names, now);
    let begun = match known {
        Ok(()) => at_the_lists(&app, &name, sign_in).await,
        Err(no) => Err(no),
    };
    let (token, session) =
        begun.map_err(|no| note_refused(tender, (&record, is_known), no, now))?;
    let begun = Begun {
        token: token.reveal(),
        who: who(tender, &session),
    };
    let cookie = cookie(&name, &begun.token, SESSION_MILLIS / 1_000, &headers)?;
    let mut answer = json(StatusCode::CREATED, &begun);
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(answer)
}

/// Signs out: the token is worth nothing any more.
#[utoipa::path(delete, path = "/v1/tenders/{tender}/sign-in", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn sign_out(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let access = &app.tender(&name)?.access;
    let token = token(&name, &headers).filter(|token| access.made(token));
    let ended = match token.map(str::to_owned) {
        Some(token) => {
            let sign_out = move |tender: &Tender, now| tender.access.sign_out(&token, now);
            at_the_lists(&app, &name, sign_out).await?
        }
        None => false,
    };
    if !ended {
        return Err(Problem::denied(&mifeng_access::rules::SIGN_IN, true));
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let cookie = cookie(&name, "", 0, &headers)?;
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(answer)
}

/// Who is signed in.
#[utoipa::path(get, path = "/v1/tenders/{tender}/sign-in", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Who), (status = 401, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn show_sign_in(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let session = session(&app, &name, &headers).await?;
    require_there(&tender.view())?;
    // Asking who one is asks for nothing: a "nobody" is no refusal.
    let nobody = || Problem::denied(&mifeng_access::rules::SIGN_IN, true).noted();
    let session = session.ok_or_else(nobody)?;
    Ok(json(StatusCode::OK, &who(tender, &session)))
}

/// Takes a signed grant: `access.delegate` of the buyer, `access.emergency` of one of two persons, `access.revoke`.
#[utoipa::path(post, path = "/v1/tenders/{tender}/grants", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = Opened, description = "an emergency"), (status = 204), (status = 400, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn grant(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let (signed, record) = statement(&app, tender, body).await?;
    let asked = record.clone();
    let known = recognised(tender, &record, app.house.clock.now()).await;
    let is_known = known.is_ok();
    let grant = move |tender: &Tender, now| {
        let view = tender.view();
        require_there(&view)?;
        tender.access.grant((&signed, &record), &view, now)
    };
    let taken = match known {
        Ok(()) => at_the_lists(&app, &name, grant).await,
        Err(no) => Err(no),
    };
    let now = app.house.clock.now();
    let taken = taken.map_err(|no| note_refused(tender, (&asked, is_known), no, now))?;
    Ok(match taken {
        Some(in_force) => json(StatusCode::OK, &Opened::of(in_force)),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// How one's own bids stand.
#[utoipa::path(get, path = "/v1/tenders/{tender}/own", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Vec<OwnBid>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn own(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let asked = (Action::BidOwn, true);
    let (_, session) = require((&app, &name), &headers, asked).await?;
    let view = tender.view();
    let mut bids = view.parties.bids(&session.cert).to_vec();
    let now = app.house.clock.now();
    for bid in &mut bids {
        bid.offer_until = bid.offer_until.filter(|until| !view.is_over(*until, now));
    }
    if let Some(until) = view.bodies_end {
        // Beside the log, so that no snapshot tells it: only its writer knows.
        let live = bids.iter_mut().filter(|bid| bid.is_live());
        let mut live: Vec<&mut OwnBid> = live.collect();
        let records = live.iter().map(|bid| bid.record).collect();
        let awaited = |answer| Order::Bodies(records, answer);
        let awaited = match live.is_empty() {
            true => BTreeSet::new(),
            false => tender.desk.ask_unsigned(None, awaited).await?,
        };
        live.retain(|bid| awaited.contains(&bid.record));
        live.into_iter().for_each(|bid| bid.misses_body(until));
    }
    Ok(json(StatusCode::OK, &bids))
}

/// The files of opened bids: all of them, or a bidder's own.
#[utoipa::path(get, path = "/v1/tenders/{tender}/opened", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Vec<OpenedFile>), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn opened(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    // Opened bids lie with whoever opened them.
    let tender = app.written(&name)?;
    let asked = (Action::OpenedRead, true);
    let (basis, session) = require((&app, &name), &headers, asked).await?;
    let (root, view) = (tender.opened.clone(), tender.view());
    let files = on_a_thread(move || {
        // Part of them is not the whole: after another writer, or on a new disk, they are opened again.
        if view
            .parties
            .opened()
            .iter()
            .any(|folder| !root.join(folder).is_dir())
        {
            return Err(Fault::BeingOpened.into());
        }
        let mut files = Vec::new();
        // A bidder's own are not left out because others have many files.
        let own_only = matches!(basis, Basis::Role(_, Cell::Own));
        let is_shown = |folder: &&PathBuf| !own_only || view.parties.is_own(&session.cert, folder);
        for folder in view.parties.opened().iter().filter(is_shown) {
            let listed = list(&root.join(folder), &folder.to_string_lossy(), &mut files);
            listed.map_err(|e| Problem::io("opened bids", &e))?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    })
    .await?;
    Ok(json(StatusCode::OK, &files))
}

/// The folder of an opened bid that a path leads into: its first two parts.
fn folder_of(path: &str) -> PathBuf {
    path.split('/').take(2).collect()
}

/// What is not finished has a name with a dot in front.
fn list(folder: &std::path::Path, under: &str, files: &mut Vec<OpenedFile>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if name.starts_with('.') || files.len() >= FILES_SHOWN {
            continue;
        }
        let path = format!("{under}/{name}");
        if kind.is_dir() {
            list(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            let size = entry.metadata()?.len();
            files.push(OpenedFile { path, size });
        }
    }
    Ok(())
}

/// A path below the opened bids: plain names only, none with a dot in front.
fn plain(path: &str) -> Option<PathBuf> {
    let parts = std::path::Path::new(path).components();
    let plain = parts.map(|part| match part {
        Component::Normal(name) => {
            let text = name.to_str()?;
            (!text.starts_with('.')).then_some(text)
        }
        _ => None,
    });
    plain.collect()
}

/// One file of an opened bid.
#[utoipa::path(get, path = "/v1/tenders/{tender}/opened/{*path}",
    params(("tender" = String, Path), ("path" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn opened_file(
    State(app): Shared,
    Path((name, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.written(&name)?;
    let folder = folder_of(&path);
    let session = session(&app, &name, &headers).await?;
    let cert = session.as_ref().map(|session| session.cert);
    let is_own = cert.is_some_and(|cert| tender.view().parties.is_own(&cert, &folder));
    let asked = (Action::OpenedRead, is_own);
    // First who asks, then what is there: a "no" tells nothing of it.
    let _ = require_of((&app, &name), session, asked)?;
    let path = plain(&path).ok_or(Fault::NoFile)?;
    let is_in = |folder: &&PathBuf| path.starts_with(folder);
    let of = tender.view().parties.opened().iter().find(is_in).cloned();
    if let Some(folder) = of
        && !tender.opened.join(folder).is_dir()
    {
        return Err(Fault::BeingOpened.into());
    }
    let file = tokio::fs::File::open(tender.opened.join(path)).await;
    let file = file.map_err(|_| Fault::NoFile)?;
    let meta = file.metadata().await.map_err(|_| Fault::NoFile)?;
    if !meta.is_file() {
        return Err(Fault::NoFile.into());
    }
    let mut answer = download::part(file, (0, meta.len()), "application/octet-stream").await?;
    // Whatever a bidder put into it, it is saved and never shown as a page of ours.
    let save = HeaderValue::from_static("attachment");
    answer
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, save);
    Ok(answer)
}

/// Score sheets that were revealed, by lot and expert: all, or the expert's own.
#[utoipa::path(get, path = "/v1/tenders/{tender}/sheets", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Object), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn sheets(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let asked = (Action::SheetsRead, true);
    let (basis, session) = require((&app, &name), &headers, asked).await?;
    let of = matches!(basis, Basis::Role(_, Cell::Own)).then_some(&session.cert);
    Ok(json(StatusCode::OK, &tender.view().parties.sheets(of)))
}

/// The whole dossier, after the archive.
#[utoipa::path(get, path = "/v1/tenders/{tender}/dossier/whole",
    params(("tender" = String, Path), ("if-none-match" = Option<String>, Header)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 206, body = Vec<u8>, content_type = "application/x-tar"),
        (status = 304, description = "as it was under that mark"), (status = 416, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem)))]
pub(crate) async fn whole(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let tender = app.tender(&name)?;
    let asked = (Action::DossierRead, false);
    let _ = require((&app, &name), &headers, asked).await?;
    if tender.view().stage != Life::Archived {
        return Err(Fault::NotYet.into());
    }
    download::send(&made(tender, Export::Dossier).await?, TAR, &headers).await
}

/// The journal of refusals, one JSON line each in a chain of hashes.
#[utoipa::path(get, path = "/v1/tenders/{tender}/journal", params(("tender" = String, Path)),
    security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = String, content_type = "application/x-ndjson"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn journal(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let asked = (Action::JournalRead, false);
    let _ = require((&app, &name), &headers, asked).await?;
    let lines = at_the_lists(&app, &name, |tender, now| {
        let lines = tender.access.journal(now);
        lines.map_err(|e| Problem::io("journal", &e))
    })
    .await?;
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, kind, lines).into_response())
}
