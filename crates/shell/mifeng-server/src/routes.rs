//! Every address of the host: how its requests are told of in the log and noted in the journal of refusals.
//!
//! Who bids, and how many, nobody is to know before the close, nor to guess from the log. So a request is told of singly at
//! that time only where no bidder's program, page or browser asks: everything else is [`Told::AfterClose`].

use axum::http::Method;

/// When a request has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// At every stage: nobody bids by it.
    Always,
    /// Not while bids or final offers of its tender may come; an address of the whole house, not while any tender's may.
    AfterClose,
}

use Told::{AfterClose, Always};

/// One address with one method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// As in the OpenAPI document, where it stands there.
    pub(crate) path: &'static str,
    /// What a refusal is noted as, if nothing more exact is known.
    pub(crate) act: &'static str,
    pub(crate) told: Told,
}

macro_rules! routes {
    ($($method:ident $path:literal $act:literal $told:ident;)*) => {
        /// All of them.
        pub(crate) const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method), path: $path, act: $act, told: $told,
        },)*];
    };
}

routes! {
    // A bidder's page and program read these before anything is sent.
    GET "/" "read" AfterClose;
    GET "/t/{tender}" "read" AfterClose;
    GET "/t/{tender}/hall" "read" AfterClose;
    GET "/t/{tender}/hall/now" "read" AfterClose;
    GET "/t/{tender}/result" "read" AfterClose;
    GET "/t/{tender}/bid" "read" AfterClose;
    GET "/audit" "read" AfterClose;
    GET "/audit/verify.html" "read" AfterClose;
    GET "/assets/style.css" "read" AfterClose;
    GET "/assets/hall.js" "read" AfterClose;
    GET "/assets/send.js" "read" AfterClose;
    GET "/assets/desk.js" "read" AfterClose;
    GET "/assets/sign.js" "read" AfterClose;
    GET "/assets/seal.js" "read" AfterClose;
    GET "/assets/earlier.js" "read" AfterClose;
    GET "/assets/receipt.js" "read" AfterClose;
    GET "/assets/present.js" "read" AfterClose;
    GET "/assets/desk-worker.js" "read" AfterClose;
    GET "/assets/desk.wasm" "read" AfterClose;
    GET "/v1/tenders" "read" AfterClose;
    GET "/v1/tenders/{tender}" "read" AfterClose;
    GET "/v1/tenders/{tender}/bundle" "read" AfterClose;
    GET "/v1/tenders/{tender}/files/{path}" "read" AfterClose;
    GET "/v1/tenders/{tender}/events" "read" AfterClose;
    GET "/v1/anchors" "read" AfterClose;
    GET "/v1/anchors/{suite}/log" "read" AfterClose;
    GET "/v1/anchors/{suite}/heads" "read" AfterClose;
    GET "/v1/anchors/{suite}/files/{path}" "read" AfterClose;
    // Bidders act by these.
    POST "/v1/tenders/{tender}/records" "record" AfterClose;
    GET "/v1/tenders/{tender}/receipts/{record}" "receipt" AfterClose;
    POST "/v1/tenders/{tender}/uploads" "upload" AfterClose;
    GET "/v1/tenders/{tender}/uploads/{record}" "upload" AfterClose;
    POST "/v1/tenders/{tender}/uploads/{record}" "upload" AfterClose;
    PUT "/v1/tenders/{tender}/uploads/{record}/blocks/{number}" "block" AfterClose;
    POST "/v1/tenders/{tender}/sign-in/challenge" "sign-in" AfterClose;
    POST "/v1/tenders/{tender}/sign-in" "sign-in" AfterClose;
    GET "/v1/tenders/{tender}/sign-in" "sign-in" AfterClose;
    DELETE "/v1/tenders/{tender}/sign-in" "sign-out" AfterClose;
    GET "/v1/tenders/{tender}/own" "bid.own" AfterClose;
    // Whoever signed in at the bidder's desk is shown these as well.
    GET "/v1/tenders/{tender}/opened" "opened.read" AfterClose;
    GET "/v1/tenders/{tender}/opened/{path}" "opened.read" AfterClose;
    // The agency, the operator, trustees, witnesses, experts, authorities.
    GET "/t/{tender}/trustee" "read" Always;
    GET "/t/{tender}/score" "read" Always;
    GET "/assets/sheet.js" "read" Always;
    GET "/v1/tenders/{tender}/sheets" "sheets.read" Always;
    GET "/v1/tenders/{tender}/dossier" "read" Always;
    GET "/v1/tenders/{tender}/dossier/whole" "dossier.read" Always;
    GET "/v1/tenders/{tender}/journal" "journal.read" Always;
    POST "/v1/tenders/{tender}/cosignatures" "cosignature" Always;
    POST "/v1/tenders/{tender}/anchor-cosignatures" "anchor-cosignature" Always;
    POST "/v1/tenders/{tender}/stamps" "stamp" Always;
    POST "/v1/tenders/{tender}/beacons" "beacon" Always;
    POST "/v1/tenders/{tender}/documents" "document" Always;
    PUT "/v1/tenders/{tender}/documents/{hash}" "document" Always;
    POST "/v1/tenders/{tender}/orders" "order" Always;
    POST "/v1/tenders/{tender}/grants" "grant" Always;
    GET "/v1/openapi.json" "read" Always;
    GET "/healthz" "read" Always;
    GET "/metrics" "read" Always;
}

/// A method in words of our own; whoever asks may say anything.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        // Answered as GET is.
        Method::GET | Method::HEAD => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// The route that the router found for a request, by the router's own name for it; none where the address does not take
/// that method, or is none.
pub(crate) fn route(method: &str, matched: &str) -> Option<&'static Route> {
    // The router's sign for "and whatever follows" is none of OpenAPI's.
    let is_same = |own: &str| match matched.split_once("{*") {
        Some((before, after)) => own
            .strip_prefix(before)
            .is_some_and(|rest| rest.strip_prefix('{') == Some(after)),
        None => own == matched,
    };
    let mut all = ROUTES.iter();
    all.find(|route| route.method == method && is_same(route.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The addresses of pages, as their routers are written.
    fn pages() -> Vec<String> {
        let written = [include_str!("pages.rs"), include_str!("desks.rs")];
        let mut paths = Vec::new();
        for text in written {
            for rest in text.split(".route(").skip(1) {
                let path = rest.trim_start().strip_prefix('"').unwrap_or_default();
                paths.push(path.split('"').next().unwrap_or_default().to_owned());
            }
        }
        paths
    }

    #[test]
    fn every_route_is_in_the_table_and_nothing_else() {
        let mut routed: BTreeSet<(String, String)> = BTreeSet::new();
        for (path, item) in crate::openapi::document().paths.paths {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("DELETE", item.delete.is_some()),
                ("PATCH", item.patch.is_some()),
            ];
            for (method, _) in methods.into_iter().filter(|(_, is)| *is) {
                routed.insert((method.to_owned(), path.clone()));
            }
        }
        assert!(routed.len() > 35, "{routed:?}");
        let pages = pages();
        assert!(pages.len() > 17, "{pages:?}");
        routed.extend(pages.into_iter().map(|path| ("GET".to_owned(), path)));
        let own = |route: &Route| (route.method.to_owned(), route.path.to_owned());
        let table: BTreeSet<(String, String)> = ROUTES.iter().map(own).collect();
        assert_eq!(table.len(), ROUTES.len());
        assert_eq!(table, routed);
        for route in ROUTES {
            let found = route_of(route).map(|found| found.path);
            assert_eq!(found, Some(route.path));
        }
    }

    fn route_of(own: &Route) -> Option<&'static Route> {
        super::route(own.method, &own.path.replace("{path}", "{*path}"))
    }

    #[test]
    fn what_bidders_ask_for_is_not_told_of_before_the_close() {
        let words = [
            "records", "receipts", "uploads", "sign-in", "own", "bid", "bundle",
        ];
        for route in ROUTES {
            let is_bidders = route.path.split('/').any(|part| words.contains(&part));
            assert!(!is_bidders || route.told == AfterClose, "{}", route.path);
        }
        // Nor what nobody thought of.
        assert!(route("GET", "/v1/tenders/{tender}/new").is_none());
        assert!(route("other", "/v1/tenders/{tender}/stamps").is_none());
        assert!(route("GET", "/v1/tenders/{tender}/files/{*path}x").is_none());
    }
}
