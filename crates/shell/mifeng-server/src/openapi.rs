//! The OpenAPI document of the interface.

use crate::api::{App, interface};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(info(
    title = "Mifeng host",
    version = "1",
    description = "Signed records in, receipts and the log out. Records are signed by those who act (spec/record.md); \
                   what is public needs no sign-in, what only some may see does (spec/access.md). \
                   Bodies are limited; errors are application/problem+json."
))]
struct Document;

/// A router whose paths go into the document.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
}

/// The OpenAPI document of the interface.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = interface().split_for_parts();
    // The router's sign for "and whatever follows" is none of OpenAPI's.
    let paths = std::mem::take(&mut document.paths.paths);
    let named = paths.into_iter();
    document.paths.paths = named
        .map(|(path, item)| (path.replace("{*", "{"), anywhere(item)))
        .collect();
    document
}

/// What any address may answer: too often, or no room.
fn anywhere(mut item: utoipa::openapi::PathItem) -> utoipa::openapi::PathItem {
    let own = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
    ];
    for operation in own.into_iter().flatten() {
        let words = "too many requests, with `Retry-After`";
        let problem = utoipa::openapi::Ref::from_schema_name("Problem");
        let content = utoipa::openapi::Content::new(Some(problem));
        let answer = utoipa::openapi::ResponseBuilder::new()
            .description(words)
            .content("application/problem+json", content);
        let answers = &mut operation.responses.responses;
        answers.insert("429".to_owned(), answer.build().into());
        answers.values_mut().for_each(as_problem);
    }
    item
}

/// A problem has a media type of its own (RFC 9457), which the macro's short form cannot say.
fn as_problem(answer: &mut utoipa::openapi::RefOr<utoipa::openapi::Response>) {
    use utoipa::openapi::RefOr;
    let RefOr::T(answer) = answer else {
        return;
    };
    let is_problem = |content: &utoipa::openapi::Content| match &content.schema {
        Some(RefOr::Ref(schema)) => schema.ref_location.ends_with("/Problem"),
        _ => false,
    };
    let json = answer.content.get("application/json").cloned();
    if let Some(RefOr::T(content)) = json
        && is_problem(&content)
    {
        answer.content.clear();
        let kind = "application/problem+json".to_owned();
        answer.content.insert(kind, content.into());
    }
}
