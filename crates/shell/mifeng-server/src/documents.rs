//! What comes beside records: tender documents and contracts, and beacons of clocks.

use crate::api::{Answer, App, Shared, digest, json, noted, on_a_thread, record_of};
use crate::limits::{DOCUMENT_LEN_MAX, EVIDENCE_LEN_MAX};
use crate::problem::{Fail, Problem};
use crate::words::Fault;
use crate::writer::{Awaited, Order};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use mifeng::crypto::{Digest, Suite};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(announce))
        .routes(routes!(put_document))
        .routes(routes!(beacon))
}

/// A document that may be sent now.
#[derive(Serialize, ToSchema)]
struct Announced {
    /// Its hash.
    #[schema(value_type = String)]
    document: Digest,
}

/// Announces a contract by the signed `contract.stamp` record that names it: its text comes first, then the record.
#[utoipa::path(post, path = "/v1/tenders/{tender}/documents", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = Announced), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn announce(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let came = record_of(&app, tender, body).await?;
    let (noting, record) = (came.noting(), came.record.clone());
    let announce = |answer| Order::Announce(record, answer);
    let document = tender.desk.ask_signed(came.place(), announce).await;
    let document = noted(tender, &noting, document.map_err(Fail::from)).await?;
    Ok(json(StatusCode::OK, &Announced { document }))
}

/// Puts a document under its hash, with the suite's algorithm: one that the notice or an amendment lists, or an announced contract.
/// Who sends it does not matter. The same one again changes nothing.
#[utoipa::path(put, path = "/v1/tenders/{tender}/documents/{hash}",
    params(("tender" = String, Path), ("hash" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "no record names it", body = Problem), (status = 408, body = Problem),
        (status = 409, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn put_document(
    State(app): Shared,
    Path((name, hash)): Path<(String, String)>,
    body: Body,
) -> Answer {
    let hash = digest(&hash, Fault::NoDocument)?;
    let tender = app.tender(&name)?;
    let awaits = |answer| Order::Awaits(hash, answer);
    match tender.desk.ask_unsigned(None, awaits).await? {
        Awaited::No => return Err(Fault::NoDocument.into()),
        Awaited::Here => return Ok(StatusCode::NO_CONTENT.into_response()),
        Awaited::Yes(_) => {}
    }
    let held = Arc::new(app.rooms.records.read(body, DOCUMENT_LEN_MAX).await?);
    let suite = Suite::by_id(&tender.view().suite).map_err(mifeng::Error::from)?;
    // Hashed on no writer's time first: what a stranger sends goes no further.
    let hashed = Arc::clone(&held);
    let found = on_a_thread(move || Ok(suite.hash().digest(hashed.bytes()))).await?;
    if found != hash {
        return Err(Fault::OtherDocument.into());
    }
    let document = |answer| Order::Document(hash, held.bytes().clone(), answer);
    tender.desk.ask_unsigned(Some(&held), document).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes in a beacon that clock leaves wait for (spec/tlock.md); anybody may carry it, its chain signed it.
#[utoipa::path(post, path = "/v1/tenders/{tender}/beacons", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn beacon(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let held = Arc::new(app.rooms.records.read(body, EVIDENCE_LEN_MAX).await?);
    let beacon = serde_json::from_slice(held.bytes()).map_err(|e| mifeng::Error::Malformed {
        what: "beacon",
        detail: e.to_string(),
    })?;
    let take = |answer| Order::Beacon(beacon, answer);
    tender.desk.ask_unsigned(Some(&held), take).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
