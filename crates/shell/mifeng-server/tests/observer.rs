//! Before the close no answer tells nobody from one or from fifty bidders: not in size, not in shape.

mod common;

use common::anchored::{anchored, shown};
use common::*;
use mifeng::crypto::{INTL, SeededEntropy};
use mifeng::log::{Pace, Schedule};
use mifeng::pki::issue::{Profile, Subject};
use mifeng::record::uscc::{Uscc, Verdict};

const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

fn credit_code(number: usize) -> String {
    let start = format!("91371000{:08}", 70_000_000 + number);
    let last_two = CHARACTERS
        .chars()
        .flat_map(|a| CHARACTERS.chars().map(move |b| (a, b)));
    let mut codes = last_two.map(|(a, b)| format!("{start}{a}{b}"));
    let good = |code: &String| Uscc::parse(code).is_ok_and(|c| c.verdict() == Verdict::Ok);
    codes.find(good).expect("check characters")
}

/// Path, status, headers without the date and the mark of a download (the instant it was made), and length of every
/// public answer.
type Look = Vec<(String, u16, Vec<(String, String)>, usize)>;

fn seen(host: &Served) -> Look {
    let zeros = "0".repeat(64);
    let receipts = format!("/v1/tenders/t1/receipts/{zeros}");
    let uploads = format!("/v1/tenders/t1/uploads/{zeros}");
    let paths = [
        "/",
        "/t/t1",
        "/t/t1/hall",
        "/t/t1/hall/now",
        "/t/t1/result",
        "/t/t1/bid",
        "/t/t1/trustee",
        "/t/t1/score",
        "/assets/earlier.js",
        "/assets/receipt.js",
        "/assets/send.js",
        "/assets/sheet.js",
        "/audit",
        "/v1/tenders",
        "/v1/tenders/t1",
        "/v1/tenders/t1/bundle",
        "/v1/tenders/t1/files/log/checkpoint",
        "/v1/tenders/t1/dossier",
        "/v1/openapi.json",
        "/v1/anchors",
        "/v1/anchors/intl-1/log",
        "/v1/anchors/intl-1/files/log/checkpoint",
        "/healthz",
        "/metrics",
        "/v1/tenders/t1/own",
        "/v1/tenders/t1/opened",
        "/v1/tenders/t1/sheets",
        "/v1/tenders/t1/dossier/whole",
        "/v1/tenders/t1/journal",
        "/v1/tenders/t1/sign-in",
        &receipts,
        &uploads,
    ];
    let answers = paths.iter().map(|path| {
        let mut answer = host.get(path);
        let told = |name: &str| name != "date" && name != "etag";
        answer.headers.retain(|(name, _)| told(name));
        (
            (*path).to_owned(),
            answer.status,
            answer.headers,
            answer.body.len(),
        )
    });
    answers.collect()
}

/// What bidders send before the close, in a tender in which bodies may come later.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Together,
    RecordAlone,
    BodyLater,
}

/// What an observer sees before, between and after beats, with these bidders in the second one.
fn public(bidders: usize, grace: u64, sent: Sent) -> Vec<Look> {
    let cast = anchored(&INTL, "http observer");
    let mut tender = published(&cast, |notice| {
        let pace = Pace {
            from: secs(FIRST_BEAT),
            period_ms: PERIOD as u64 * 1_000,
        };
        notice.beats = Schedule::new(6, vec![pace]).expect("a schedule");
        notice.body_grace_ms = grace;
    });
    let name = format!("observer-{bidders}-{sent:?}-{grace}");
    let mut later = Vec::new();
    let host = Served::new(&tender, "http observer", &name);
    host.wake();
    let mut all = vec![seen(&host)];
    let before = shown(&host).0;
    host.at(FIRST_BEAT);
    host.at(12);
    for number in 0..bidders {
        let subject = Subject {
            common_name: format!("投标人{number}"),
            organisation: Some(format!("投标人{number}")),
            uscc: Some(credit_code(number)),
            country: Some("CN".to_owned()),
        };
        let rng = &mut SeededEntropy::new(subject.common_name.as_bytes());
        let person = issue(
            &INTL,
            &cast.ca,
            &subject,
            Profile::BidderSign,
            secs(-3_600),
            rng,
        );
        let (file, data) = tender.seal_by(&person, 900_000 - number as u64, 11);
        let bid = Sealed {
            record: tender.signed(&person, "bid.submit", &data, 11),
            id: tender.verified(&file).id(),
            file,
        };
        let record = bid.record.to_file().expect("a file");
        let answer = match sent {
            Sent::Together => host.send(&bid),
            Sent::RecordAlone | Sent::BodyLater => host.post("/v1/tenders/t1/records", &record),
        };
        assert_eq!(answer.status, 202, "{}", answer.text());
        if sent == Sent::BodyLater {
            later.push(bid);
        }
    }
    all.push(seen(&host));
    for at in [20, 30] {
        host.at(at);
        for bid in std::mem::take(&mut later) {
            assert_eq!(host.send(&bid).status, 201);
        }
        all.push(seen(&host));
    }
    // No byte of the anchor log tells of a bid before the close.
    assert_eq!(shown(&host).0, before);
    // After the close the roll is public: the bids were really there.
    for at in [40, 50, 60, 61] {
        host.at(at);
    }
    let view = host.get("/v1/tenders/t1").json();
    assert_eq!(view["hall"]["roll"].as_array().map(Vec::len), Some(bidders));
    all
}

#[test]
fn nobody_one_or_fifty() {
    compare(0, &[(1, Sent::Together), (50, Sent::Together)]);
}

#[test]
fn nobody_or_bidders_whose_bodies_come_later_or_never() {
    let kinds = [(3, Sent::RecordAlone), (3, Sent::BodyLater)];
    compare(600_000, &kinds);
}

fn compare(grace: u64, kinds: &[(usize, Sent)]) {
    let nobody = public(0, grace, Sent::Together);
    assert!(
        nobody[0]
            .iter()
            .all(|(_, status, ..)| [200, 401, 404].contains(status))
    );
    for (bidders, sent) in kinds.iter().copied() {
        let some = public(bidders, grace, sent);
        for (when, (one, other)) in nobody.iter().zip(some).enumerate() {
            for (expected, found) in one.iter().zip(other) {
                assert_eq!(*expected, found, "{bidders} bidders, {sent:?}, look {when}");
            }
        }
    }
}
