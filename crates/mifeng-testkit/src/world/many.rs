//! Bidders, as many as a test needs.

use super::{Cast, Person, Sealed, Tender, issue, secs};
use mifeng::crypto::SeededEntropy;
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

/// Somebody whose certificate allows to bid.
pub fn one_of_many(cast: &Cast, number: usize) -> Person {
    let subject = Subject {
        common_name: format!("投标人{number}"),
        organisation: Some(format!("投标人{number}")),
        uscc: Some(credit_code(number)),
        country: Some("CN".to_owned()),
    };
    let rng = &mut SeededEntropy::new(subject.common_name.as_bytes());
    let from = secs(-3_600);
    issue(
        cast.suite,
        &cast.ca,
        &subject,
        Profile::BidderSign,
        from,
        rng,
    )
}

/// Their first bid, at this price.
pub fn first_bid(tender: &mut Tender<'_>, person: &Person, price: u64) -> Sealed {
    let (file, data) = tender.seal_by(person, price, 11);
    Sealed {
        record: tender.signed(person, "bid.submit", &data, 11),
        id: tender.verified(&file).id(),
        file,
    }
}
