//! The interface: versioned paths over a house, and the document that describes them.

use crate::guard;
use crate::house::{House, Tender};
use crate::limits::{BLOCK_LEN, EVIDENCE_LEN_MAX, RECORD_LEN_MAX};
use crate::problem::{Fail, Problem};
use crate::upload::Progress;
use crate::view::View;
use crate::words::Fault;
use crate::writer::{Order, Taken};
use crate::{feed, pages};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mifeng::crypto::Digest;
use mifeng::record::SignedRecord;
use mifeng::{Export, Files, Tar};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What every handler has at hand.
pub(crate) struct App {
    pub(crate) house: Arc<House>,
    /// Turns true when the host is told to stop: the feeds end then.
    pub(crate) stopping: watch::Receiver<bool>,
    /// The verification page, one file that sends nothing anywhere; without it, how to verify by command.
    pub(crate) verify_page: Option<PathBuf>,
}

/// Handlers answer with a response or a problem.
pub(crate) type Answer = Result<Response, Fail>;
pub(crate) type Shared = State<Arc<App>>;

impl App {
    pub(crate) fn tender(&self, name: &str) -> Result<&Tender, Fail> {
        self.house
            .tender(name)
            .ok_or_else(|| Fault::NoTender.into())
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Mifeng host",
    version = "1",
    description = "Signed records in, receipts and the log out. Records are signed by those who act (spec/record.md); \
                   the host asks nobody else who they are. Bodies are limited; errors are application/problem+json."
))]
struct Document;

/// The OpenAPI document of the interface.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = interface().split_for_parts();
    // The router's sign for "and whatever follows" is none of OpenAPI's.
    let paths = std::mem::take(&mut document.paths.paths);
    let named = paths.into_iter();
    document.paths.paths = named
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    document
}

fn interface() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(submit))
        .routes(routes!(receipt))
        .routes(routes!(begin_upload))
        .routes(routes!(show_upload, finish_upload))
        .routes(routes!(put_block))
        .routes(routes!(cosign))
        .routes(routes!(stamp))
        .routes(routes!(order))
        .routes(routes!(bundle))
        .routes(routes!(file))
        .routes(routes!(dossier))
        .routes(routes!(feed::events))
        .routes(routes!(describe))
        .routes(routes!(health))
        .routes(routes!(metrics))
}

/// The interface and the pages over a house. `stopping` ends the feeds; `verify_page` is served to auditors.
pub fn app(
    house: Arc<House>,
    stopping: watch::Receiver<bool>,
    verify_page: Option<PathBuf>,
) -> Router {
    let app = Arc::new(App {
        house,
        stopping,
        verify_page,
    });
    let (router, _) = interface().split_for_parts();
    router
        .merge(pages::routes())
        .fallback(|| async { Fail::from(Fault::NoRoute) })
        .with_state(app)
        .layer(axum::middleware::from_fn(guard::guard))
}

/// A tender in the list.
#[derive(Serialize, ToSchema)]
struct Listed {
    name: String,
    tender: String,
    title: crate::view::Words,
    stage: crate::view::Life,
    #[schema(value_type = Option<String>)]
    deadline: Option<mifeng::crypto::Time>,
}

/// What came of a record that has no receipt yet.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// Commitment of the record; its receipt will be at `receipts/{record}`.
    #[schema(value_type = String)]
    record: Digest,
    /// The receipt comes with this beat; nothing is promised before.
    #[schema(value_type = Option<String>)]
    next_beat: Option<mifeng::crypto::Time>,
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

/// Whether the host can do its work.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Every writer can write.
    ok: bool,
}

/// How many witnesses a head has.
#[derive(Serialize, ToSchema)]
struct Witnesses {
    witnesses: usize,
}

pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    match serde_json::to_vec(value) {
        Ok(body) => (status, kind, body).into_response(),
        Err(_) => Fail::from(Fault::Internal).into_response(),
    }
}

fn digest(text: &str, otherwise: Fault) -> Result<Digest, Fail> {
    text.parse().map_err(|_| otherwise.into())
}

async fn record_of(body: Body) -> Result<(SignedRecord, Bytes), Fail> {
    let bytes = guard::read(body, RECORD_LEN_MAX).await?;
    let record = SignedRecord::from_file(&bytes).map_err(mifeng::Error::from)?;
    Ok((record, bytes))
}

/// The tenders of this host.
#[utoipa::path(get, path = "/v1/tenders", responses((status = 200, body = Vec<Listed>)))]
async fn list(State(app): Shared) -> Answer {
    let listed: Vec<Listed> = app
        .house
        .tenders()
        .map(|tender| {
            let view = tender.view();
            Listed {
                name: view.name.clone(),
                tender: view.tender.clone(),
                title: view.title.clone(),
                stage: view.stage,
                deadline: view.deadline,
            }
        })
        .collect();
    Ok(json(StatusCode::OK, &listed))
}

/// One tender: notice, head, acts; after the close the roll, the releases, the results.
#[utoipa::path(get, path = "/v1/tenders/{tender}", params(("tender" = String, Path)),
    responses((status = 200, body = View), (status = 404, body = Problem)))]
async fn show(State(app): Shared, Path(name): Path<String>) -> Answer {
    Ok(json(StatusCode::OK, &*app.tender(&name)?.view()))
}

/// Submits a signed record (`*.rec`). The same one again gives the same receipt.
#[utoipa::path(post, path = "/v1/tenders/{tender}/records", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 201, description = "in the log; the receipt", body = String),
        (status = 202, description = "waits for its beat", body = Waiting),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, description = "a rule said no", body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn submit(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let (record, _) = record_of(body).await?;
    hand_in(&app, tender, record, None).await
}

async fn hand_in(app: &App, tender: &Tender, record: SignedRecord, bid: Option<PathBuf>) -> Answer {
    // The last byte has come.
    let received = app.house.clock.now();
    let view = tender.view();
    let suite = mifeng::crypto::Suite::by_id(&view.suite).map_err(mifeng::Error::from)?;
    let commitment = record.commitment(suite);
    let taken = tender.desk.ask(|answer| Order::Submit {
        record,
        bid,
        received,
        answer,
    });
    match taken.await? {
        Taken::Logged(receipt) => Ok(receipt_file(StatusCode::CREATED, receipt)),
        Taken::Waiting => {
            let waiting = Waiting {
                record: commitment,
                next_beat: view.next_beat,
            };
            Ok(json(StatusCode::ACCEPTED, &waiting))
        }
    }
}

fn receipt_file(status: StatusCode, receipt: Vec<u8>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, receipt).into_response()
}

/// The receipt of a record, once its beat has come. Who lost the record's name submits the record again.
#[utoipa::path(get, path = "/v1/tenders/{tender}/receipts/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    responses((status = 200, description = "the receipt (spec/receipt.md)", body = String),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn receipt(State(app): Shared, Path((name, record)): Path<(String, String)>) -> Answer {
    let record = digest(&record, Fault::NoReceipt)?;
    let tender = app.tender(&name)?;
    let found = tender.desk.ask(|answer| Order::Receipt(record, answer));
    let receipt = found.await?.ok_or(Fault::NoReceipt)?;
    // It may be the one that a bid waited for.
    tender.uploads.forget(&record);
    Ok(receipt_file(StatusCode::OK, receipt))
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
    responses((status = 201, body = Upload), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn begin_upload(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let (record, bytes) = record_of(body).await?;
    let admitted = tender.desk.ask(|answer| Order::Admit { record, answer });
    let admitted = admitted.await?;
    let progress = tender.uploads.begin(&admitted, &bytes)?;
    Ok(upload(StatusCode::CREATED, admitted.commitment, progress))
}

/// How far an upload is.
#[utoipa::path(get, path = "/v1/tenders/{tender}/uploads/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    responses((status = 200, body = Upload), (status = 404, body = Problem)))]
async fn show_upload(State(app): Shared, Path((name, record)): Path<(String, String)>) -> Answer {
    let record = digest(&record, Fault::NoUpload)?;
    let progress = app.tender(&name)?.uploads.progress(&record)?;
    Ok(upload(StatusCode::OK, record, progress))
}

/// Puts one block of 1 MiB; the last one is shorter. The same block again changes nothing.
#[utoipa::path(put, path = "/v1/tenders/{tender}/uploads/{record}/blocks/{number}",
    params(("tender" = String, Path), ("record" = String, Path), ("number" = u64, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 413, body = Problem),
        (status = 503, body = Problem)))]
async fn put_block(
    State(app): Shared,
    Path((name, record, number)): Path<(String, String, String)>,
    body: Body,
) -> Answer {
    let record = digest(&record, Fault::NoUpload)?;
    app.tender(&name)?.uploads.progress(&record)?;
    let number: u64 = number.parse().map_err(|_| Fault::NoBlock)?;
    let block = guard::read(body, BLOCK_LEN as usize).await?;
    on_a_thread(move || app.tender(&name)?.uploads.put(&record, number, &block)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Hands a complete upload in: its record and file become a bid at this instant. Again, it gives the receipt.
#[utoipa::path(post, path = "/v1/tenders/{tender}/uploads/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    responses((status = 201, description = "in the log; the receipt", body = String),
        (status = 202, description = "waits for its beat", body = Waiting),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "blocks are missing, or a rule said no", body = Problem),
        (status = 503, body = Problem)))]
async fn finish_upload(State(app): Shared, Path((name, record)): Path<(String, String)>) -> Answer {
    let id = digest(&record, Fault::NoUpload)?;
    let tender = app.tender(&name)?;
    let found = tender.desk.ask(|answer| Order::Receipt(id, answer));
    if let Some(receipt) = found.await? {
        tender.uploads.forget(&id);
        return Ok(receipt_file(StatusCode::CREATED, receipt));
    }
    let (again, own) = (Arc::clone(&app), name.clone());
    let (signed, path) = on_a_thread(move || again.tender(&own)?.uploads.complete(&id)).await?;
    let answer = hand_in(&app, tender, signed, Some(path)).await;
    // What is in the log needs no upload; nor does what came too late or is not sealed as it must be.
    let over = match &answer {
        Ok(answer) => answer.status() == StatusCode::CREATED,
        Err(no) => no.status == 409 && no.code.starts_with("bid."),
    };
    if over {
        tender.uploads.forget(&id);
    }
    answer
}

/// Takes in a witness's cosigned head (spec/checkpoint.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/cosignatures", params(("tender" = String, Path)),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = Witnesses), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn cosign(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let note = guard::read(body, EVIDENCE_LEN_MAX).await?.to_vec();
    let witnesses = tender
        .desk
        .ask(|answer| Order::Cosign(note, answer))
        .await?;
    Ok(json(StatusCode::OK, &Witnesses { witnesses }))
}

/// Takes in a time stamp over a head (spec/timestamp.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/stamps", params(("tender" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn stamp(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let token = guard::read(body, EVIDENCE_LEN_MAX).await?.to_vec();
    tender
        .desk
        .ask(|answer| Order::Stamp(token, answer))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Obeys the operator: a `host.order` record, signed with the host's own certificate.
#[utoipa::path(post, path = "/v1/tenders/{tender}/orders", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn order(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.tender(&name)?;
    let (record, _) = record_of(body).await?;
    tender
        .desk
        .ask(|answer| Order::Ordered(record, answer))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The bundle of what the log holds now (spec/dossier.md): what everybody's own program works on.
#[utoipa::path(get, path = "/v1/tenders/{tender}/bundle", params(("tender" = String, Path)),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn bundle(State(app): Shared, Path(name): Path<String>) -> Answer {
    let path = made(app.tender(&name)?, Export::Records).await?;
    send(&path).await
}

/// One file of the bundle: heads and tiles of the log (`log/checkpoint`, `log/tile/…`), records, documents.
#[utoipa::path(get, path = "/v1/tenders/{tender}/files/{*path}",
    params(("tender" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn file(State(app): Shared, Path((name, path)): Path<(String, String)>) -> Answer {
    let bundle = made(app.tender(&name)?, Export::Records).await?;
    let bytes = on_a_thread(move || {
        let tar = Tar::open(&bundle)?;
        // Only names of the bundle's own index are read: no path leads anywhere else.
        if !tar.index().contains_key(&path) {
            return Err(Fault::NoRoute.into());
        }
        Ok(tar.read(&path)?)
    })
    .await?;
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((StatusCode::OK, kind, bytes).into_response())
}

/// The public export of the dossier, after the archive: without the sealed bids and the experts' signatures.
#[utoipa::path(get, path = "/v1/tenders/{tender}/dossier", params(("tender" = String, Path)),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn dossier(State(app): Shared, Path(name): Path<String>) -> Answer {
    let tender = app.tender(&name)?;
    if tender.view().stage != crate::view::Life::Archived {
        return Err(Fault::NotYet.into());
    }
    let whole = made(tender, Export::Dossier).await?;
    let _one = tender.making.acquire().await.map_err(|_| Fault::Internal)?;
    let public = whole.with_file_name("public.tar");
    let out = public.clone();
    on_a_thread(move || {
        if out.exists() {
            return Ok(());
        }
        let part = out.with_extension("part");
        let file = std::fs::File::create(&part).map_err(|e| Problem::io("dossier", &e))?;
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        mifeng::public_export(&Tar::open(&whole)?, &mut file)?;
        std::io::Write::flush(&mut file).map_err(|e| Problem::io("dossier", &e))?;
        std::fs::rename(&part, &out).map_err(|e| Problem::io("dossier", &e))
    })
    .await?;
    send(&public).await
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, body = String)))]
async fn describe() -> Answer {
    Ok(json(StatusCode::OK, &document()))
}

/// Whether the host can do its work.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): Shared) -> Answer {
    let ok = app.house.tenders().all(Tender::is_sound);
    let status = match ok {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(json(status, &Health { ok }))
}

/// Figures for the operator (text of Prometheus): nothing that tells who or how many.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(app): Shared) -> Answer {
    let mut text = String::from("# TYPE mifeng_log_entries gauge\n# TYPE mifeng_writer_up gauge\n");
    for tender in app.house.tenders() {
        let view = tender.view();
        let (name, size, up) = (&view.name, view.size, u8::from(tender.is_sound()));
        text += &format!("mifeng_log_entries{{tender=\"{name}\"}} {size}\n");
        text += &format!("mifeng_writer_up{{tender=\"{name}\"}} {up}\n");
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((StatusCode::OK, kind, text).into_response())
}

/// A bundle of the latest snapshot, made if nobody asked for it yet; older ones go.
async fn made(tender: &Tender, what: Export) -> Result<PathBuf, Fail> {
    let _one = tender.making.acquire().await.map_err(|_| Fault::Internal)?;
    let kind = match what {
        Export::Records => "bundle",
        Export::Dossier => "dossier",
    };
    let version = tender.view().version;
    let path = tender.made.join(format!("{kind}-{version}.tar"));
    if path.exists() {
        return Ok(path);
    }
    let out = path.clone();
    let done = tender.desk.ask(|answer| Order::Bundle(what, out, answer));
    done.await?;
    let entries = std::fs::read_dir(&tender.made).map_err(|e| Problem::io("bundle", &e))?;
    for old in entries.flatten().map(|entry| entry.path()) {
        let name = old.file_name().and_then(|name| name.to_str());
        if old != path && name.is_some_and(|name| name.starts_with(kind)) {
            // Who is reading it goes on reading: the name goes, the file stays until closed.
            let _ = std::fs::remove_file(old);
        }
    }
    Ok(path)
}

/// Sends a file piece by piece.
async fn send(path: &std::path::Path) -> Answer {
    let wrong = |e: std::io::Error| Problem::io("bundle", &e);
    let file = tokio::fs::File::open(path).await.map_err(wrong)?;
    let size = file.metadata().await.map_err(wrong)?.len();
    let pieces = futures_util::stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; 1 << 17];
        let len = tokio::io::AsyncReadExt::read(&mut file, &mut piece).await?;
        piece.truncate(len);
        let more = (len > 0).then(|| (Bytes::from(piece), file));
        Ok::<_, std::io::Error>(more)
    });
    let kind = [
        (header::CONTENT_TYPE, "application/x-tar".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
    ];
    Ok((StatusCode::OK, kind, Body::from_stream(pieces)).into_response())
}

/// Runs what blocks where it may block.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Fault::Internal.into()))
}
