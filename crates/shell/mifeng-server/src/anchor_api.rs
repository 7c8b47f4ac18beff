//! The house's anchor log for everybody: to keep a copy of, and to cosign.

use crate::anchor::Shown;
use crate::api::{Answer, App, Shared, TAR, Witnesses, json, on_a_thread};
use crate::download;
use crate::limits::EVIDENCE_LEN_MAX;
use crate::openapi;
use crate::problem::{Fail, Problem};
use crate::words::Fault;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    openapi::router()
        .routes(routes!(list))
        .routes(routes!(log))
        .routes(routes!(heads))
        .routes(routes!(file))
        .routes(routes!(cosign))
}

/// An anchor log of this host.
#[derive(Serialize, ToSchema)]
struct AnchorListed {
    /// Suite of its tenders.
    suite: &'static str,
    /// Verifier key, as the first record of each tender names it.
    key: String,
    /// Entries that are shown.
    size: u64,
}

/// A head of an anchor log that witnesses cosigned.
#[derive(Serialize, ToSchema)]
struct HeadListed {
    /// Name of its file, below `files/`.
    file: String,
    /// Bytes of it: lines are only added.
    length: u64,
}

async fn of_suite(app: &App, suite: &str) -> Result<Arc<Shown>, Fail> {
    let mut desks = app.house.anchors.iter();
    let desk = desks.find(|desk| desk.suite.id() == suite);
    let desk = desk.ok_or(Fault::NoAnchorLog)?;
    let shown = desk.shown_first().await?;
    shown.ok_or_else(|| Fault::NoAnchorLog.into())
}

/// The anchor logs that this host keeps: one for each suite at most.
#[utoipa::path(get, path = "/v1/anchors", responses((status = 200, body = Vec<AnchorListed>)))]
async fn list(State(app): Shared) -> Answer {
    let listed: Vec<AnchorListed> = app
        .house
        .anchors
        .iter()
        .map(|desk| AnchorListed {
            suite: desk.suite.id(),
            key: desk.key.clone(),
            size: desk.shown().map_or(0, |shown| shown.size),
        })
        .collect();
    Ok(json(StatusCode::OK, &listed))
}

/// The whole anchor log, for anybody to keep (spec/anchor.md).
#[utoipa::path(get, path = "/v1/anchors/{suite}/log",
    params(("suite" = String, Path), ("range" = Option<String>, Header), ("if-range" = Option<String>, Header),
        ("if-none-match" = Option<String>, Header)),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 304, description = "as it was under that mark"),
        (status = 206, description = "the part asked for", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 404, body = Problem), (status = 416, body = Problem), (status = 503, body = Problem)))]
async fn log(State(app): Shared, Path(suite): Path<String>, headers: HeaderMap) -> Answer {
    let shown = of_suite(&app, &suite).await?;
    let path = download::meant(&shown.file, &headers);
    download::send(&path, TAR, &headers).await
}

/// The heads of the anchor log that witnesses cosigned, for whoever has a copy and fetches what is new.
#[utoipa::path(get, path = "/v1/anchors/{suite}/heads", params(("suite" = String, Path)),
    responses((status = 200, body = Vec<HeadListed>), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn heads(State(app): Shared, Path(suite): Path<String>) -> Answer {
    let shown = of_suite(&app, &suite).await?;
    let listed = shown.cosigned.iter().map(|(file, length)| HeadListed {
        file: file.clone(),
        length: *length,
    });
    Ok(json(StatusCode::OK, &listed.collect::<Vec<_>>()))
}

/// One file of the anchor log: its head, tiles, cosigned heads (`log/checkpoint`, `log/tile/…`, `log/heads/…`).
#[utoipa::path(get, path = "/v1/anchors/{suite}/files/{*path}",
    params(("suite" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn file(State(app): Shared, Path((suite, path)): Path<(String, String)>) -> Answer {
    let shown = of_suite(&app, &suite).await?;
    // Only names of its own index are read: no path leads anywhere else.
    let place = shown.index.place(&path).ok_or(Fault::NoRoute)?;
    let file = download::opened(&shown.file).await?;
    download::part(file, place, "application/octet-stream").await
}

/// Takes in a head of the anchor log that this tender names, cosigned by witnesses of its board (spec/checkpoint.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/anchor-cosignatures", params(("tender" = String, Path)),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = Witnesses), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn cosign(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.written(&name)?;
    let held = app.rooms.records.read(body, EVIDENCE_LEN_MAX).await?;
    let anchoring = tender.view().anchoring.clone();
    let anchoring = anchoring.ok_or(Fault::NoAnchorLog)?;
    let mut desks = app.house.anchors.iter();
    let desk = desks.find(|desk| desk.key == anchoring.key);
    let desk = desk.ok_or(Fault::NoAnchorLog)?;
    // What is no head of this log, nobody's lines, and lines that are there, cost the keeper no turn.
    let (note, shown) = (held.bytes().clone(), desk.shown_now());
    let known = move || {
        anchoring.witnesses.under(&note, &anchoring.key)?;
        let known = shown.map(|shown| anchoring.witnesses.known_in(&note, &shown.index));
        Ok(known.transpose()?.flatten())
    };
    let witnesses = match on_a_thread(known).await? {
        Some(known) => known,
        None => desk.cosign(&name, held.bytes().clone()).await?,
    };
    Ok(json(StatusCode::OK, &Witnesses { witnesses }))
}
