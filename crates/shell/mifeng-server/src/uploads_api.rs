//! Uploads over the interface: begun with the record that brings a bid, sent in blocks, handed in.
//!
//! Before the close only who holds the record knows the name of its upload. After it everybody does, for what is in the log:
//! then whoever signed the record has to be signed in, where bodies are still awaited.

use crate::access_api::require_signer;
use crate::api::{
    Answer, App, Shared, Waiting, digest, hand_over, json, noted, on_a_thread, receipt_file,
    record_of,
};
use crate::limits::BLOCK_LEN;
use crate::problem::{Fail, Problem};
use crate::reading::brought;
use crate::upload::{Arrival, Progress};
use crate::words::Fault;
use crate::writer::{Order, Signer, clock_in_doubt};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use mifeng::crypto::{Digest, Suite};
use mifeng::record::Record;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(begin_upload))
        .routes(routes!(show_upload, finish_upload))
        .routes(routes!(put_block))
}

/// An upload of a sealed bid.
#[derive(Serialize, ToSchema)]
struct Upload {
    /// Commitment of the record that brings the bid; it names the upload.
    #[schema(value_type = String)]
    record: Digest,
    /// Bytes of the file.
    size: u64,
    /// Bytes of a block; the last one is shorter.
    block: u64,
    /// Blocks that are missing, the first 1,024 of them.
    missing: Vec<u64>,
}

fn upload(status: StatusCode, record: Digest, progress: Progress) -> Response {
    let upload = Upload {
        record,
        size: progress.size,
        block: BLOCK_LEN,
        missing: progress.missing,
    };
    json(status, &upload)
}

/// Begins the upload of a sealed bid with the record that brings it, or says how far it is.
#[utoipa::path(post, path = "/v1/tenders/{tender}/uploads", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 201, body = Upload), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn begin_upload(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let tender = app.written(&name)?;
    let came = record_of(&app, tender, body).await?;
    require_signer(&app, &name, &came.commitment(), &headers).await?;
    let noting = came.noting();
    let record = came.record.clone();
    let admit = |answer| Order::Admit { record, answer };
    let admitted = tender.desk.ask_signed(came.place(), admit);
    let admitted = admitted.await.map_err(Fail::from);
    let admitted = noted(tender, &noting, admitted).await?;
    let progress = tender.uploads.begin(&admitted, came.held.bytes())?;
    Ok(upload(StatusCode::CREATED, admitted.commitment, progress))
}

/// How far an upload is.
#[utoipa::path(get, path = "/v1/tenders/{tender}/uploads/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 200, body = Upload), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn show_upload(
    State(app): Shared,
    Path((name, record)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let record = digest(&record, Fault::NoUpload)?;
    require_signer(&app, &name, &record, &headers).await?;
    let progress = app.written(&name)?.uploads.progress(&record)?;
    Ok(upload(StatusCode::OK, record, progress))
}

/// Puts one block of 1 MiB; the last one is shorter. The same block again changes nothing.
#[utoipa::path(put, path = "/v1/tenders/{tender}/uploads/{record}/blocks/{number}",
    params(("tender" = String, Path), ("record" = String, Path), ("number" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem),
        (status = 503, body = Problem)))]
async fn put_block(
    State(app): Shared,
    Path((name, record, number)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let record = digest(&record, Fault::NoUpload)?;
    require_signer(&app, &name, &record, &headers).await?;
    app.written(&name)?.uploads.progress(&record)?;
    let number: u64 = number.parse().map_err(|_| Fault::NoBlock)?;
    let held = app.rooms.blocks.read(body, BLOCK_LEN as usize).await?;
    let (putting, tender) = (Arc::clone(&app), name.clone());
    let put = move || {
        let tender = putting.tender(&tender)?;
        tender.uploads.put(&record, number, held.bytes())
    };
    on_a_thread(put).await?;
    read_ahead(&app, &name, &record);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads what came while the rest comes, if there is a place for it: whoever hands in a large bid waits less then.
fn read_ahead(app: &App, name: &str, record: &Digest) {
    if let Ok(tender) = app.tender(name)
        && let Ok(suite) = Suite::by_id(&tender.view().suite)
        && let Some(reader) = app.rooms.readers.spare()
        && let Some(ahead) = tender.uploads.ahead(record, suite)
    {
        let (uploads, record) = (Arc::clone(&tender.uploads), *record);
        // Nobody waits for it. Nobody believes those blocks after a restart either.
        tokio::task::spawn_blocking(move || {
            if ahead.read(&reader) {
                uploads.forget(&record);
            }
        });
    }
}

/// Hands a complete upload in: its record and file become a bid at this instant. Again, it gives the receipt. Where the
/// notice gives time for bodies after the close and the record was submitted before, the file is what comes at this instant.
#[utoipa::path(post, path = "/v1/tenders/{tender}/uploads/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 201, description = "in the log; the receipt", body = String),
        (status = 202, description = "waits for its beat", body = Waiting),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "blocks are missing, or a rule said no", body = Problem),
        (status = 503, body = Problem)))]
async fn finish_upload(
    State(app): Shared,
    Path((name, record)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let arrival = Arrival::now(&*app.house.clock);
    let id = digest(&record, Fault::NoUpload)?;
    let tender = app.written(&name)?;
    require_signer(&app, &name, &id, &headers).await?;
    // A record that came first has its receipt while its file is on its way.
    let may_come_later = tender.view().bodies_end.is_some();
    let is_under_way = may_come_later && tender.uploads.progress(&id).is_ok();
    if let Some(receipt) = tender.receipts.get(&id).filter(|_| !is_under_way) {
        return Ok(receipt_file(StatusCode::CREATED, receipt));
    }
    // It came: whoever goes away now has handed it in all the same.
    let own = Arc::clone(&app);
    let tender_name = name.clone();
    let work = tokio::spawn(async move { finish(&own, &tender_name, id, arrival).await });
    let said = work.await.unwrap_or_else(|_| Err(Fault::Internal.into()));
    match (said, app.written(&name)?.receipts.get(&id)) {
        // Its beat came between the two looks.
        (Err(no), Some(receipt)) if no.code == Fault::NoUpload.facts().0 => {
            Ok(receipt_file(StatusCode::CREATED, receipt))
        }
        (said, _) => said,
    }
}

/// Its order takes its place in the queue at once; the file is read while it waits there.
async fn finish(app: &App, name: &str, id: Digest, arrival: Arrival) -> Answer {
    let tender = app.tender(name)?;
    let suite = Suite::by_id(&tender.view().suite).map_err(mifeng::Error::from)?;
    // What comes while the clock is in doubt has no instant at which it came.
    if !tender.view().trusted {
        return Err(clock_in_doubt().into());
    }
    let held = app.rooms.records.hold(tender.uploads.record_len(&id)?);
    let held = Arc::new(held.await?);
    let mut whole = tender.uploads.whole(&id, arrival, &*app.house.clock)?;
    let received = whole.received;
    let (bid, reading) = brought(whole.actor);
    // Who began it was recognised.
    let record = (whole.record.clone(), received);
    let handed = hand_over(tender, record, Some(bid), (&held, Signer::Known))?;
    let reader = app.rooms.readers.place(whole.size).await;
    let desk = tender.desk.clone();
    let read = move || {
        reading.done(whole.measure(suite, &reader));
        desk.nudge();
        let record = Record::verify(whole.record.clone(), suite).map_err(mifeng::Error::from)?;
        Ok((record, whole))
    };
    let (record, whole) = on_a_thread(read).await?;
    let answer = noted(tender, &(record, received), handed.answer(tender).await).await;
    // What can never be taken in needs no upload; nor what nobody can vouch for. Who is recognised, and whether a tender
    // goes on, may change.
    let is_over = |no: &Fail| {
        let kinds = ["bid.", "offer.", "record."];
        no.status == 409 && kinds.iter().any(|kind| no.code.starts_with(kind))
    };
    if whole.is_spoiled() || answer.as_ref().is_err_and(is_over) {
        tender.uploads.forget(&id);
    }
    answer
}
