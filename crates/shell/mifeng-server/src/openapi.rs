//! The OpenAPI document of the interface.

use crate::api::{App, interface};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
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
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes() {
        components
            .security_schemes
            .insert(name.to_owned(), scheme.into());
    }
    document
}

/// How a request says who makes it: with a token that a signed challenge got, in one place or the other.
fn schemes() -> [(&'static str, SecurityScheme); 2] {
    let token = "the token that `POST /v1/tenders/{tender}/sign-in` answered to a signed challenge (spec/access.md); \
                 it counts for that tender, for two hours";
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(token));
    let cookie = "the same token as a browser has it; the cookie is named after the tender, `mifeng-` and its name";
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description("mifeng-TENDER", cookie));
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        ("cookie", SecurityScheme::ApiKey(cookie)),
    ]
}

/// What any address may answer: too often, or not to that method.
fn anywhere(mut item: utoipa::openapi::PathItem) -> utoipa::openapi::PathItem {
    let own = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
    ];
    for operation in own.into_iter().flatten() {
        let answers = &mut operation.responses.responses;
        for (status, words) in [
            (
                "405",
                "to any method that does not stand here, with `Allow`",
            ),
            ("429", "too many requests, with `Retry-After`"),
        ] {
            let problem = utoipa::openapi::Ref::from_schema_name("Problem");
            let content = utoipa::openapi::Content::new(Some(problem));
            let answer = utoipa::openapi::ResponseBuilder::new()
                .description(words)
                .content("application/problem+json", content);
            answers.insert(status.to_owned(), answer.build().into());
        }
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
