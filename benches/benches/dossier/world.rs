//! A tender with as many bidders as asked.

use mifeng::crypto::{SeededEntropy, Suite};
use mifeng::log::{Pace, Schedule};
use mifeng::pki::issue::{Profile, Subject};
use mifeng_testkit::world::{
    Cast, DEADLINE, FIRST_BEAT, Kind, PERIOD, Person, Tender, issue, notice, secs,
};

/// Room for 2,048 bids in one beat.
const DEPTH: u8 = 11;

/// A valid unified social credit code for each number (GB 32100, GB 11714).
fn uscc(number: usize) -> String {
    const SIGNS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let body = format!("70{number:06}");
    let weighed = body.bytes().zip([3, 7, 9, 10, 5, 8, 4, 2]);
    let sum: u32 = weighed.map(|(b, w)| u32::from(b - b'0') * w).sum();
    let own = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).expect("a digit"),
    };
    let code = format!("91371000{body}{own}");
    let weights = [
        1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28,
    ];
    let value = |b: u8| {
        SIGNS
            .iter()
            .position(|s| *s == b)
            .expect("a sign of the code")
    };
    let sum: usize = code.bytes().zip(weights).map(|(b, w)| value(b) * w).sum();
    format!("{code}{}", char::from(SIGNS[(31 - sum % 31) % 31]))
}

/// Bidders of the cast's CA.
pub(crate) fn bidders(cast: &Cast, count: usize) -> Vec<Person> {
    let rng = &mut SeededEntropy::new(b"bench bidders");
    let bidder = |number: usize| {
        let subject = Subject {
            common_name: format!("投标人{number}有限公司"),
            organisation: Some(format!("投标人{number}有限公司")),
            uscc: Some(uscc(number)),
            country: Some("CN".to_owned()),
        };
        let (profile, from) = (Profile::BidderSign, secs(-3_600));
        issue(cast.suite, &cast.ca, &subject, profile, from, rng)
    };
    (0..count).map(bidder).collect()
}

/// A tender that waits for bids.
pub(crate) fn published(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::unpublished(cast, "host.example/t/bench");
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    let pace = Pace {
        from: secs(FIRST_BEAT),
        period_ms: PERIOD as u64 * 1_000,
    };
    notice.beats = Schedule::new(DEPTH, vec![pace]).expect("a schedule");
    tender.publish(&notice).expect("a lawful notice");
    tender
}

/// The dossier of a tender in which so many bids of a MiB were opened, and which was given up then.
pub(crate) fn dossier(suite: &'static Suite, bids: usize) -> Vec<u8> {
    let cast = Cast::new(suite, "bench dossier");
    let mut tender = published(&cast);
    for (number, person) in bidders(&cast, bids).iter().enumerate() {
        let (file, data) = tender.seal_by(person, 900_000 - number as u64, 12);
        let record = tender.signed(person, "bid.submit", &data, 12);
        let taken = tender
            .host
            .submit(record, Some(&mut file.as_slice()), secs(12));
        taken.expect("a bid on time");
    }
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("closed");
    for number in 0..2 {
        tender.release(number, DEADLINE + 4).expect("released");
    }
    tender.open_all(100);
    tender.archive(103)
}
