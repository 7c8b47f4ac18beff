//! Before the close nobody learns who bids, how many, or when: what is public has the same names, the
//! same sizes, and outside the log the same bytes, whether there are no bidders, one or fifty.

mod common;

use common::*;
use mifeng::Export;
use mifeng::crypto::{GM, INTL, SeededEntropy, Suite};
use mifeng::log::{Pace, Schedule};
use mifeng::pki::issue::{Profile, Subject};
use mifeng::record::uscc::{Uscc, Verdict};
use std::collections::BTreeMap;

const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Room for fifty in one beat.
const DEPTH: u8 = 6;

/// The credit code of bidder `number`, with its check characters.
fn credit_code(number: usize) -> String {
    let start = format!("91371000{:08}", 70_000_000 + number);
    let last_two = CHARACTERS
        .chars()
        .flat_map(|a| CHARACTERS.chars().map(move |b| (a, b)));
    let mut codes = last_two.map(|(a, b)| format!("{start}{a}{b}"));
    let good = |code: &String| Uscc::parse(code).is_ok_and(|c| c.verdict() == Verdict::Ok);
    codes.find(good).expect("check characters")
}

/// The files of the public bundle: names and sizes, and the content of those outside the log.
type Shape = BTreeMap<String, (usize, Option<Vec<u8>>)>;

fn shape(tender: &Tender<'_>) -> Shape {
    let all = Parts::of_tar(&tender.tar(Export::Records)).parts;
    all.into_iter()
        .map(|(name, bytes)| {
            let kept = (!name.starts_with("log/")).then(|| bytes.clone());
            (name, (bytes.len(), kept))
        })
        .collect()
}

/// What bidders send before the close, in a tender in which bodies may come later.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Together,
    RecordAlone,
    BodyLater,
}

/// What an observer gets after every beat, with these bidders coming in the second one.
fn public(cast: &Cast, bidders: usize, grace: u64, sent: Sent) -> Vec<Shape> {
    let suite = cast.suite;
    let mut tender = published(cast, |notice| {
        let pace = Pace {
            from: secs(FIRST_BEAT),
            period_ms: PERIOD as u64 * 1_000,
        };
        notice.beats = Schedule::new(DEPTH, vec![pace]).expect("a schedule");
        notice.body_grace_ms = grace;
    });
    let mut shapes = vec![shape(&tender)];
    tender.beat(FIRST_BEAT);
    for number in 0..bidders {
        let subject = Subject {
            common_name: format!("投标人{number}"),
            organisation: Some(format!("投标人{number}")),
            uscc: Some(credit_code(number)),
            country: Some("CN".to_owned()),
        };
        let rng = &mut SeededEntropy::new(subject.common_name.as_bytes());
        let from = secs(-3_600);
        let person = issue(suite, &cast.ca, &subject, Profile::BidderSign, from, rng);
        let (file, data) = tender.seal_by(&person, 900_000 - number as u64, 12);
        let bid = Sealed {
            record: tender.signed(&person, "bid.submit", &data, 12),
            id: tender.verified(&file).id(),
            file,
        };
        match sent {
            Sent::Together => tender.submit(&bid, secs(12)),
            Sent::RecordAlone | Sent::BodyLater => tender.take(bid.record.clone(), 12),
        }
        .expect("a bid on time");
        if sent == Sent::BodyLater {
            tender.bids.push(bid);
        }
        // Waiting for its beat, it is not to be seen either.
        assert_eq!(tender.host.state().bids().len(), number + 1);
    }
    shapes.push(shape(&tender));
    for at in [20, 30, 40, 50] {
        assert_eq!(tender.beat(at).len(), if at == 20 { bidders } else { 0 });
        for bid in std::mem::take(&mut tender.bids) {
            tender.submit(&bid, secs(at)).expect("its body");
        }
        shapes.push(shape(&tender));
    }
    shapes
}

fn looks_the_same(suite: &'static Suite, exactly: bool) {
    let cast = Cast::new(suite, "observer");
    compare(
        &cast,
        0,
        exactly,
        &[(1, Sent::Together), (50, Sent::Together)],
    );
}

/// The same bytes whether nobody bids or these do, in this way.
fn compare(cast: &Cast, grace: u64, exactly: bool, kinds: &[(usize, Sent)]) {
    let nobody = public(cast, 0, grace, Sent::Together);
    for (bidders, sent) in kinds.iter().copied() {
        let found = public(cast, bidders, grace, sent);
        for (beat, (one, other)) in nobody.iter().zip(&found).enumerate() {
            assert!(
                one.keys().eq(other.keys()),
                "{bidders} bidders, beat {beat}"
            );
            for (name, (size, content)) in one {
                let (found, bytes) = &other[name];
                let what = format!("{name}, {bidders} bidders, beat {beat}");
                assert!(content == bytes, "{what}");
                // An SM2 signature in DER is a byte or two longer or shorter, by its own chance.
                let slack = if exactly { 0 } else { 8 };
                assert!(size.abs_diff(*found) <= slack, "{what}: {size}, {found}");
            }
        }
        // And the notice, the board and the host's own records are in it: it is not empty.
        assert!(nobody[0].keys().any(|name| name.starts_with("body/")));
    }
}

#[test]
fn nobody_or_bidders_whose_bodies_come_later_or_never() {
    let cast = Cast::new(&INTL, "observer");
    let kinds = [
        (1, Sent::Together),
        (3, Sent::RecordAlone),
        (3, Sent::BodyLater),
    ];
    compare(&cast, 600_000, true, &kinds);
}

#[test]
fn nobody_one_or_fifty_intl() {
    looks_the_same(&INTL, true);
}

#[test]
fn nobody_one_or_fifty_gm() {
    looks_the_same(&GM, false);
}
