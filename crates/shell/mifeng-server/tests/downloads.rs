//! Downloads that were cut off go on, and only as the rest of the same file.

mod common;

use common::*;
use mifeng::crypto::INTL;

#[test]
fn a_download_goes_on_though_the_log_has_grown() {
    let cast = Cast::new(&INTL, "downloads");
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        "downloads",
        "downloads",
    );
    let path = "/v1/tenders/t1/bundle";
    let whole = host.get(path);
    assert_eq!(
        (whole.status, whole.header("accept-ranges")),
        (200, "bytes")
    );
    let (mark, size) = (whole.header("etag").to_owned(), whole.body.len());
    let first = host.ask("GET", path, &[("range", "bytes=0-999")], b"");
    assert_eq!(first.status, 206);
    assert_eq!(first.header("content-range"), format!("bytes 0-999/{size}"));
    assert_eq!(first.body, &whole.body[..1000]);
    // A beat later there is another bundle; the rest is still that of the first.
    host.at(10);
    let rest = [("range", "bytes=1000-"), ("if-range", &*mark)];
    let rest = host.ask("GET", path, &rest, b"");
    assert_eq!((rest.status, rest.header("etag")), (206, &*mark));
    assert_eq!(rest.body, &whole.body[1000..]);
    let fresh = host.get(path);
    assert_ne!(fresh.header("etag"), mark);
    assert_ne!(fresh.body, whole.body);
    // Who has it already is told so, until there is another.
    let again = host.ask("GET", path, &[("if-none-match", fresh.header("etag"))], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), fresh.header("etag"));
    // Nothing new came: whoever sends what everybody has makes no other one.
    let head = host.get("/v1/tenders/t1/files/log/checkpoint").body;
    let told = host.ask("POST", "/v1/tenders/t1/cosignatures", &[], &head);
    assert_eq!(told.status, 200, "{}", told.text());
    let again = host.ask("GET", path, &[("if-none-match", fresh.header("etag"))], b"");
    assert_eq!(again.status, 304);
    let older = host.ask("GET", path, &[("if-none-match", &mark)], b"");
    assert_eq!((older.status, older.body == fresh.body), (200, true));
    // Of a file that is gone there is no rest: the whole of the new one.
    let other = [("range", "bytes=1000-"), ("if-range", "\"0-0\"")];
    let other = host.ask("GET", path, &other, b"");
    assert_eq!((other.status, other.body == fresh.body), (200, true));
    let beyond = host.ask("GET", path, &[("range", "bytes=99999999-")], b"");
    assert_eq!((beyond.status, &*beyond.code()), (416, "http.no-range"));
}

#[test]
fn old_bundles_do_not_pile_up() {
    let cast = Cast::new(&INTL, "piles");
    let host = Served::new(
        &Tender::new(&cast, "host/t/1", Kind::Board),
        "piles",
        "piles",
    );
    for at in [10, 20, 30, 40, 50, 60] {
        host.at(at);
        assert_eq!(host.get("/v1/tenders/t1/bundle").status, 200);
    }
    let made = host.folder.join(".work/t1/made");
    let count = std::fs::read_dir(made).expect("there").count();
    assert_eq!(count, 4, "the latest and three before it");
}
