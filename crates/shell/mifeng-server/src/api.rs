//! The interface: versioned paths over a house.

use crate::bodies::{Held, Rooms};
use crate::guard;
use crate::house::{House, Tender};
use crate::limits::{EVIDENCE_LEN_MAX, LISTS_AT_ONCE, RECORD_LEN_MAX};
use crate::log::Log;
use crate::names::Names;
use crate::problem::{Fail, Problem};
use crate::reading::Brought;
use crate::told::{Teller, paced};
use crate::view::{Life, Standing, View};
use crate::words::Fault;
use crate::writer::{Order, Signer, Taken, answered, bundle_name};
use crate::{
    access_api, anchor_api, desks, documents, download, feed, openapi, pages, uploads_api,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mifeng::crypto::{Digest, Suite, Time};
use mifeng::record::{Record, SignedRecord};
use mifeng::{Export, Tar};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) const TAR: &str = "application/x-tar";

/// What every handler has at hand.
pub(crate) struct App {
    pub(crate) house: Arc<House>,
    /// Turns true when the host is told to stop: the feeds end then.
    pub(crate) stopping: watch::Receiver<bool>,
    /// The verification page, one file that sends nothing anywhere; without it, how to verify by command.
    pub(crate) verify_page: Option<PathBuf>,
    /// As addresses in commands begin.
    pub(crate) tls: bool,
    /// What people sign in to.
    pub(crate) names: Names,
    /// Room for what is being sent.
    pub(crate) rooms: Rooms,
    /// Places at the lists of all tenders.
    pub(crate) at_lists: Arc<Semaphore>,
    pub(crate) teller: Teller,
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

    /// The same for what only its writer can do; uploads and receipts are there too.
    pub(crate) fn written(&self, name: &str) -> Result<&Tender, Fail> {
        let tender = self.tender(name)?;
        match tender.view().standing {
            Standing::StandsBy => Err(Fault::NotWriter.into()),
            Standing::Writes | Standing::Away => Ok(tender),
        }
    }

    /// What anybody may see of a tender now.
    pub(crate) fn seen(&self, name: &str) -> Result<Arc<View>, Fail> {
        Ok(self.tender(name)?.view().now(self.house.clock.now()))
    }
}

/// The paths under which there is no page.
pub(crate) fn interface() -> OpenApiRouter<Arc<App>> {
    openapi::router()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(submit))
        .routes(routes!(receipt))
        .routes(routes!(cosign))
        .routes(routes!(stamp))
        .routes(routes!(order))
        .routes(routes!(bundle))
        .routes(routes!(file))
        .routes(routes!(dossier))
        .routes(routes!(feed::events))
        .routes(routes!(access_api::challenge))
        .routes(routes!(
            access_api::sign_in,
            access_api::show_sign_in,
            access_api::sign_out
        ))
        .routes(routes!(access_api::grant))
        .routes(routes!(access_api::own))
        .routes(routes!(access_api::opened))
        .routes(routes!(access_api::opened_file))
        .routes(routes!(access_api::sheets))
        .routes(routes!(access_api::whole))
        .routes(routes!(access_api::journal))
        .merge(anchor_api::routes())
        .merge(uploads_api::routes())
        .merge(documents::routes())
        .routes(routes!(describe))
        .routes(routes!(health))
        .routes(routes!(metrics))
}

/// The interface and the pages over a house. `stopping` ends the feeds; `verify_page` is served to auditors; `tls` says
/// whether the host itself speaks TLS; `log` is told of each answer.
pub(crate) fn app(
    house: Arc<House>,
    stopping: watch::Receiver<bool>,
    verify_page: Option<PathBuf>,
    (tls, names): (bool, Names),
    log: Log,
) -> Router {
    let app = Arc::new(App {
        house,
        stopping,
        verify_page,
        tls,
        names,
        rooms: Rooms::new(),
        at_lists: Arc::new(Semaphore::new(LISTS_AT_ONCE)),
        teller: Teller::new(log),
    });
    let (router, _) = interface().split_for_parts();
    router
        .merge(pages::routes())
        .merge(desks::routes())
        .fallback(|| async { Fail::from(Fault::NoRoute) })
        .with_state(Arc::clone(&app))
        .layer(axum::middleware::from_fn_with_state(app, guard::guard))
}

/// A tender in the list.
#[derive(Serialize, ToSchema)]
struct Listed {
    name: String,
    tender: String,
    title: crate::view::Words,
    stage: Life,
    #[schema(value_type = Option<String>)]
    deadline: Option<mifeng::crypto::Time>,
}

/// What came of a record that has no receipt yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// Commitment of the record; its receipt will be at `receipts/{record}`.
    #[schema(value_type = String)]
    record: Digest,
    /// The receipt comes with this beat; nothing is promised before.
    #[schema(value_type = Option<String>)]
    next_beat: Option<mifeng::crypto::Time>,
}

/// Whether the host can do its work.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Every writer can write.
    ok: bool,
    /// Nothing keeps heads from the anchor log that their tenders name; null where there is no anchor log.
    anchored: Option<bool>,
}

/// How many witnesses a head has.
#[derive(Serialize, ToSchema)]
pub(crate) struct Witnesses {
    pub(crate) witnesses: usize,
}

pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    match serde_json::to_vec(value) {
        Ok(body) => (status, kind, body).into_response(),
        Err(_) => Fail::from(Fault::Internal).into_response(),
    }
}

pub(crate) fn digest(text: &str, otherwise: Fault) -> Result<Digest, Fail> {
    text.parse().map_err(|_| otherwise.into())
}

/// A record that came, its form and signature checked; and the room that it takes.
pub(crate) struct Came {
    pub(crate) record: SignedRecord,
    pub(crate) held: Arc<Held>,
    /// The last byte had come.
    received: Time,
    /// Who signed, and what.
    verified: Record,
    signer: Signer,
}

/// Reads a record. Its signature is checked here, on no writer's time, and how often its signer comes.
pub(crate) async fn record_of(app: &App, tender: &Tender, body: Body) -> Result<Came, Fail> {
    let held = app.rooms.records.read(body, RECORD_LEN_MAX).await?;
    let received = app.house.clock.now();
    let view = tender.view();
    let suite = Suite::by_id(&view.suite).map_err(mifeng::Error::from)?;
    let check = move || {
        let record = SignedRecord::from_file(held.bytes()).map_err(mifeng::Error::from)?;
        let verified = Record::verify(record.clone(), suite).map_err(mifeng::Error::from)?;
        let signer = match view.known.knows(&verified, received) {
            true => Signer::Known,
            false => Signer::Stranger,
        };
        Ok(Came {
            signer,
            record,
            held: Arc::new(held),
            received,
            verified,
        })
    };
    let came = on_a_thread(check).await;
    let noted = |no: Fail| {
        let access = &tender.access;
        access.refused(None, "record", &no.code, &tender.view(), received);
        no.noted()
    };
    let came = came.map_err(noted)?;
    let is_known = came.signer == Signer::Known;
    paced(tender, (&came.verified, is_known), received)?;
    let view = tender.view();
    tender.access.require_duty(
        &came.verified.actor(),
        came.verified.kind(),
        &view,
        received,
    )?;
    Ok(came)
}

impl Came {
    /// What goes into the queue with an order.
    pub(crate) fn place(&self) -> (&Arc<Held>, Signer) {
        (&self.held, self.signer)
    }

    /// What stands for the record in the log.
    pub(crate) fn commitment(&self) -> Digest {
        self.verified.commitment()
    }

    /// What a rule, or the door, said no to is noted.
    pub(crate) fn noting(&self) -> (Record, Time) {
        (self.verified.clone(), self.received)
    }
}

/// Passes an answer on; what a rule said no to is noted, under the name of a certificate that counts here alone.
pub(crate) async fn noted<T>(
    tender: &Tender,
    (record, at): &(Record, Time),
    answer: Result<T, Fail>,
) -> Result<T, Fail> {
    match answer {
        // What is not available now is nobody's refusal.
        Err(no) if no.status < 500 => {
            let is_known = recognised(tender, record, *at).await.is_ok();
            let view = tender.view();
            tender
                .access
                .refused_record((record, is_known), &no.code, &view, *at);
            Err(no.noted())
        }
        answer => answer,
    }
}

/// Whether the tender recognises the certificate of a record now.
pub(crate) async fn recognised(tender: &Tender, record: &Record, at: Time) -> Result<(), Fail> {
    let (view, record) = (tender.view(), record.clone());
    on_a_thread(move || Ok(view.known.recognises(&record, at)?)).await
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
    Ok(json(StatusCode::OK, &*app.seen(&name)?))
}

/// Submits a signed record (`*.rec`). The same one again gives the same receipt.
#[utoipa::path(post, path = "/v1/tenders/{tender}/records", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 201, description = "in the log; the receipt", body = String),
        (status = 202, description = "waits for its beat", body = Waiting),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem), (status = 409, description = "a rule said no", body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn submit(
    State(app): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let tender = app.written(&name)?;
    let came = record_of(&app, tender, body).await?;
    require_receipt(&app, &name, &came.commitment(), &headers).await?;
    let noting = came.noting();
    let record = (came.record.clone(), came.received);
    let handed = hand_over(tender, record, None, came.place())?;
    noted(tender, &noting, handed.answer(tender).await).await
}

/// A record in the queue.
pub(crate) struct InQueue {
    record: Digest,
    said: tokio::sync::oneshot::Receiver<Result<Taken, mifeng::Error>>,
}

/// Puts a record into the queue, with the bid that it brings.
pub(crate) fn hand_over(
    tender: &Tender,
    (record, received): (SignedRecord, Time),
    bid: Option<Arc<Brought>>,
    place: (&Arc<Held>, Signer),
) -> Result<InQueue, Fail> {
    let view = tender.view();
    let suite = Suite::by_id(&view.suite).map_err(mifeng::Error::from)?;
    let commitment = record.commitment(suite);
    let said = tender.desk.hand_over(place, |answer| Order::Submit {
        record,
        bid,
        received,
        answer,
    })?;
    Ok(InQueue {
        record: commitment,
        said,
    })
}

impl InQueue {
    /// Waits for what comes of it.
    pub(crate) async fn answer(self, tender: &Tender) -> Answer {
        match answered(Ok(self.said)).await? {
            Taken::Logged(receipt) => Ok(receipt_file(StatusCode::CREATED, receipt)),
            Taken::Waiting => {
                let waiting = Waiting {
                    record: self.record,
                    next_beat: tender.view().next_beat,
                };
                Ok(json(StatusCode::ACCEPTED, &waiting))
            }
        }
    }
}

pub(crate) fn receipt_file(status: StatusCode, receipt: Vec<u8>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, receipt).into_response()
}

/// Leave to see a receipt: while bodies still come it says which bids have theirs, which is nobody else's business.
async fn require_receipt(
    app: &Arc<App>,
    name: &str,
    record: &Digest,
    headers: &HeaderMap,
) -> Result<(), Fail> {
    match app.tender(name)?.view().stage {
        Life::Window => access_api::require_signer(app, name, record, headers).await,
        _ => Ok(()),
    }
}

/// The receipt of a record, once its beat has come. Who lost the record's name submits the record again.
#[utoipa::path(get, path = "/v1/tenders/{tender}/receipts/{record}",
    params(("tender" = String, Path), ("record" = String, Path)),
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "the receipt (spec/receipt.md)", body = String),
        (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn receipt(
    State(app): Shared,
    Path((name, record)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let record = digest(&record, Fault::NoReceipt)?;
    let tender = app.written(&name)?;
    require_receipt(&app, &name, &record, &headers).await?;
    let receipt = tender.receipts.get(&record).ok_or(Fault::NoReceipt)?;
    Ok(receipt_file(StatusCode::OK, receipt))
}

/// Takes in a witness's cosigned head (spec/checkpoint.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/cosignatures", params(("tender" = String, Path)),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = Witnesses), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn cosign(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.written(&name)?;
    let held = Arc::new(app.rooms.records.read(body, EVIDENCE_LEN_MAX).await?);
    let cosign = |answer| Order::Cosign(held.bytes().clone(), answer);
    let witnesses = tender.desk.ask_unsigned(Some(&held), cosign).await?;
    Ok(json(StatusCode::OK, &Witnesses { witnesses }))
}

/// Takes in a time stamp over a head (spec/timestamp.md).
#[utoipa::path(post, path = "/v1/tenders/{tender}/stamps", params(("tender" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn stamp(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.written(&name)?;
    let held = Arc::new(app.rooms.records.read(body, EVIDENCE_LEN_MAX).await?);
    let stamp = |answer| Order::Stamp(held.bytes().clone(), answer);
    tender.desk.ask_unsigned(Some(&held), stamp).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Obeys the operator: a `host.order` record, signed with the host's own certificate.
#[utoipa::path(post, path = "/v1/tenders/{tender}/orders", params(("tender" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 204), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem)))]
async fn order(State(app): Shared, Path(name): Path<String>, body: Body) -> Answer {
    let tender = app.written(&name)?;
    let came = record_of(&app, tender, body).await?;
    let (noting, record) = (came.noting(), came.record.clone());
    let obeyed = |answer| Order::Ordered(record, answer);
    let done = tender.desk.ask_signed(came.place(), obeyed);
    let done = done.await.map_err(Fail::from);
    noted(tender, &noting, done).await?;
    // It is obeyed and used up: what comes later, as the proof of the anchor log, is the dossier's matter.
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The bundle of what the log holds now (spec/dossier.md): what everybody's own program works on.
#[utoipa::path(get, path = "/v1/tenders/{tender}/bundle",
    params(("tender" = String, Path), ("range" = Option<String>, Header), ("if-range" = Option<String>, Header),
        ("if-none-match" = Option<String>, Header)),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 304, description = "as it was under that mark"),
        (status = 206, description = "the part asked for", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 404, body = Problem), (status = 416, body = Problem), (status = 503, body = Problem)))]
async fn bundle(State(app): Shared, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let path = made(app.tender(&name)?, Export::Records).await?;
    let path = download::meant(&path, &headers);
    download::send(&path, TAR, &headers).await
}

/// One file of the bundle: heads and tiles of the log (`log/checkpoint`, `log/tile/…`), records, documents.
#[utoipa::path(get, path = "/v1/tenders/{tender}/files/{*path}",
    params(("tender" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
async fn file(State(app): Shared, Path((name, path)): Path<(String, String)>) -> Answer {
    let tender = app.tender(&name)?;
    let bundle = made(tender, Export::Records).await?;
    // Opened before its index is looked at: it stays readable when a newer one takes its place.
    let file = download::opened(&bundle).await?;
    let index = tender.index(&bundle).await?;
    // Only names of the bundle's own index are read: no path leads anywhere else.
    let place = index.place(&path).ok_or(Fault::NoRoute)?;
    download::part(file, place, "application/octet-stream").await
}

/// The public export of the dossier, after the archive: without the sealed bids and the experts' signatures.
#[utoipa::path(get, path = "/v1/tenders/{tender}/dossier",
    params(("tender" = String, Path), ("range" = Option<String>, Header), ("if-range" = Option<String>, Header),
        ("if-none-match" = Option<String>, Header)),
    responses((status = 200, description = "a tar", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 304, description = "as it was under that mark"),
        (status = 206, description = "the part asked for", body = Vec<u8>, content_type = "application/x-tar"),
        (status = 404, body = Problem), (status = 416, body = Problem), (status = 503, body = Problem)))]
async fn dossier(State(app): Shared, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let tender = app.tender(&name)?;
    if tender.view().stage != Life::Archived {
        return Err(Fault::NotYet.into());
    }
    let whole = made(tender, Export::Dossier).await?;
    let _one = tender.making.acquire().await.map_err(|_| Fault::Internal)?;
    // The whole one changes when witnesses cosign its proof.
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let public = whole.with_file_name(name.replace("dossier", "public"));
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
    download::sweep(&public);
    download::send(&download::meant(&public, &headers), TAR, &headers).await
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, body = String)))]
async fn describe() -> Answer {
    Ok(json(StatusCode::OK, &openapi::document()))
}

/// Whether the host can do its work.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): Shared) -> Answer {
    let ok = app.house.tenders().all(Tender::is_sound);
    let status = match ok {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let anchored = app.house.is_anchored();
    Ok(json(status, &Health { ok, anchored }))
}

/// Figures for the operator (text of Prometheus): nothing that tells who or how many.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(app): Shared) -> Answer {
    let mut text = String::from("# TYPE mifeng_log_entries gauge\n# TYPE mifeng_writer_up gauge\n");
    for tender in app.house.tenders() {
        let view = tender.view();
        let (name, size, up) = (&view.name, view.size, u8::from(tender.is_written()));
        text += &format!("mifeng_log_entries{{tender=\"{name}\"}} {size}\n");
        text += &format!("mifeng_writer_up{{tender=\"{name}\"}} {up}\n");
    }
    if !app.house.anchors.is_empty() {
        text += "# TYPE mifeng_anchor_entries gauge\n# TYPE mifeng_anchor_up gauge\n";
    }
    for desk in &app.house.anchors {
        let (suite, up) = (desk.suite.id(), u8::from(desk.is_sound()));
        let size = desk.shown_now().map_or(0, |shown| shown.size);
        text += &format!("mifeng_anchor_entries{{suite=\"{suite}\"}} {size}\n");
        text += &format!("mifeng_anchor_up{{suite=\"{suite}\"}} {up}\n");
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((StatusCode::OK, kind, text).into_response())
}

/// A bundle of the latest snapshot, made if nobody asked for it yet; older ones go.
pub(crate) async fn made(tender: &Tender, what: Export) -> Result<PathBuf, Fail> {
    let place = Arc::clone(&tender.making).acquire_owned().await;
    let place = place.map_err(|_| Fault::Internal)?;
    let view = tender.view();
    let path = tender.made.join(bundle_name(what, view.version));
    // Who stands by learns a little late what was written: its thread says whether this is still the newest.
    if path.exists() && view.standing != Standing::StandsBy {
        return Ok(path);
    }
    let out = path.clone();
    let done = tender
        .desk
        .ask(|answer| Order::Bundle(what, out, place, answer));
    done.await?;
    download::sweep(&path);
    Ok(path)
}

/// Runs what blocks where it may block.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fail> + Send + 'static,
) -> Result<T, Fail> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Fault::Internal.into()))
}
