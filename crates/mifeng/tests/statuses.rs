//! Every bid that reached the host ends in exactly one status; what was refused is told with its evidence.

mod common;

use common::*;
use mifeng::crypto::{Digest, GM, INTL, Suite};
use mifeng::lock::Policy;
use mifeng::tender::*;
use mifeng::{Error, trustee};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/statuses";

fn commitment(tender: &Tender<'_>, bid: &Sealed) -> Digest {
    bid.record.commitment(tender.cast.suite)
}

/// The bid of `number` without the second half of its file.
fn send_half(tender: &mut Tender<'_>, bid: &Sealed, at: i64) -> Result<(), Error> {
    let half = &bid.file[..bid.file.len() / 2];
    let mut body = Cursor::new(half);
    tender
        .host
        .submit(bid.record.clone(), Some(&mut body), secs(at))
}

fn statuses(tender: &Tender<'_>) -> BTreeMap<Digest, BidStatus> {
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    let rows = minutes.rows.iter().map(|row| (row.seal, row.status));
    let out: BTreeMap<Digest, BidStatus> = rows.collect();
    assert_eq!(out.len(), minutes.rows.len(), "a bid with two statuses");
    out
}

fn refused_logged(tender: &mut Tender<'_>, at: i64) -> usize {
    let logged = tender.host.log_refused(secs(at), &mut tender.rng);
    logged.expect("told")
}

/// One tender in which every status of the issue occurs, for both suites.
#[test]
fn each_bid_ends_in_exactly_one_status() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let (seats, records) = cast.fallback();
        for record in records {
            tender.take(record, 0).expect("the second board");
        }
        let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
        let fallback = tender.host.state().fallback().expect("made").key();
        notice.policy = Policy::joint_with_remedy(notice.board, fallback);
        notice.bidders_min = 3;
        tender.publish(&notice).expect("a lawful notice");

        // Bidder 0 sends half a bid and then the whole of it, replaces it, and opens. Bidder 3 withdraws and bids
        // again. The first of each lives on as its own status.
        let half = tender.seal(0, 890_000, 11);
        assert_eq!(code(send_half(&mut tender, &half, 11)), "bid.malformed");
        tender.submit(&half, secs(11)).expect("the whole of it");
        tender.beat(11);
        let person = &cast.bidders[0];
        let (file, data) = tender.seal_by(person, 880_000, 12);
        let replace = BidReplace {
            old: half.id,
            seal: data.seal,
        };
        let opened = Sealed {
            record: tender.signed(person, "bid.replace", &replace, 12),
            id: tender.verified(&file).id(),
            file,
        };
        tender.submit(&opened, secs(12)).expect("replaced");
        tender.beat(12);
        let mut sealed = Vec::new();
        for number in 1..4 {
            let at = 12 + 7 * number as i64;
            let bid = tender.seal(number, 900_000 - 10_000 * number as u64, at);
            tender.submit(&bid, secs(at)).expect("on time");
            tender.beat(at);
            sealed.push(bid);
        }
        let withdrawn = sealed[2].clone();
        let data = BidWithdraw { seal: withdrawn.id };
        tender
            .say(&cast.bidders[3], "bid.withdraw", &data, 40)
            .expect("withdrawn");
        tender.beat(40);
        // Refused before the deadline, unsealed; and one that is sealed in time and comes late.
        let unsealed = tender.seal(3, 700_000, 45);
        assert_eq!(code(send_half(&mut tender, &unsealed, 45)), "bid.malformed");
        assert_eq!(code(send_half(&mut tender, &unsealed, 46)), "bid.malformed");
        let late = tender.seal(3, 710_000, 46);
        // Until the close the log tells nobody that somebody sent a bid.
        assert_eq!(refused_logged(&mut tender, 47), 0);
        tender.close_witnessed();
        assert_eq!(code(tender.submit(&late, secs(DEADLINE + 1))), "bid.late");

        // Bidder 1 is away and remedied; bidder 2 releases, and too few shares come for it.
        tender.release_leaf(0, DEADLINE + 2).expect("a leaf");
        tender.release_leaf(2, DEADLINE + 2).expect("a leaf");
        tender.close_window(WINDOW_END).expect("the window ends");
        let short = sealed[1].id;
        let first = tender.shares(0, WINDOW_END + 1).expect("released");
        tender
            .say(
                &cast.trustees[0].person,
                "board.share",
                &first,
                WINDOW_END + 1,
            )
            .expect("taken");
        let mut second = tender.shares(1, WINDOW_END + 1).expect("released");
        second.shares.retain(|row| row.seal != short);
        tender
            .say(
                &cast.trustees[1].person,
                "board.share",
                &second,
                WINDOW_END + 1,
            )
            .expect("taken");
        for seat in &seats {
            let bundle = tender.bundle();
            let secret =
                trustee::fallback_share(&bundle.replay, &seat.static_key).expect("own share");
            let (now, rng) = (secs(WINDOW_END + 2), &mut tender.rng);
            let data = trustee::release(&bundle.replay, &bundle.files, &secret, now, rng);
            tender
                .say(
                    &seat.person,
                    "board.share",
                    &data.expect("released"),
                    WINDOW_END + 2,
                )
                .expect("taken");
        }
        let rng = &mut mifeng::crypto::SeededEntropy::new(b"short");
        let fail = tender
            .host
            .fail_bid(&short, secs(121), rng)
            .expect("logged");
        assert_eq!(fail.status, BidStatus::WithdrawnOtherCause);
        assert_eq!(refused_logged(&mut tender, 122), 2);
        assert_eq!(refused_logged(&mut tender, 122), 0);
        tender.open_all(123);

        let expected = BTreeMap::from([
            (half.id, BidStatus::Replaced),
            (opened.id, BidStatus::Opened),
            (sealed[0].id, BidStatus::Remedied),
            (short, BidStatus::WithdrawnOtherCause),
            (withdrawn.id, BidStatus::WithdrawnBeforeDeadline),
            (commitment(&tender, &unsealed), BidStatus::RefusedUnsealed),
            (commitment(&tender, &late), BidStatus::RefusedLate),
        ]);
        assert_eq!(statuses(&tender), expected);
        assert_valid(&tender.archive(125));
    }
}

/// A tender after its window with a bid refused as unsealed and one refused as late: the two records as logged.
fn refusals(tender: &mut Tender<'_>) -> (BidRefuse, BidRefuse) {
    tender.receive(3);
    let late = tender.seal(3, 700_000, 40);
    let unsealed = tender.seal(3, 710_000, 41);
    assert_eq!(code(send_half(tender, &unsealed, 41)), "bid.malformed");
    tender.close_witnessed();
    assert_eq!(code(tender.submit(&late, secs(DEADLINE + 1))), "bid.late");
    let shown = |bid: &Sealed, received: i64, status, cause: &str| BidRefuse {
        body: base64(&bid.record.body),
        cause: cause.to_owned(),
        received: secs(received),
        sig: base64(&bid.record.signature),
        status,
    };
    (
        shown(&unsealed, 41, BidStatus::RefusedUnsealed, NO_BODY),
        shown(&late, DEADLINE + 1, BidStatus::RefusedLate, "bid.late"),
    )
}

fn base64(bytes: &[u8]) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.encode(bytes)
}

#[test]
fn a_refusal_follows_from_what_it_shows() {
    let cast = Cast::new(&INTL, "edges");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    let (unsealed, late) = refusals(&mut tender);
    let at = DEADLINE + 3;
    let host = &cast.platform;
    let said =
        |tender: &mut Tender<'_>, data: &BidRefuse| code(tender.say(host, "bid.refuse", data, at));

    // Another status, cause or time than what follows; a record of another kind, for another log, or changed.
    let altered = |change: &dyn Fn(&mut BidRefuse)| {
        let mut data = unsealed.clone();
        change(&mut data);
        data
    };
    for (data, expected) in [
        (
            altered(&|d| d.status = BidStatus::RefusedLate),
            "result.differs",
        ),
        (
            altered(&|d| d.cause = "bid.malformed".to_owned()),
            "result.differs",
        ),
        (altered(&|d| d.received = secs(DEADLINE)), "result.differs"),
        (altered(&|d| d.received = secs(at + 1)), "record.data"),
        (altered(&|d| d.sig = late.sig.clone()), "record.data"),
        (altered(&|d| d.body = "?".to_owned()), "record.data"),
    ] {
        assert_eq!(said(&mut tender, &data), expected);
    }
    let other = BidWithdraw {
        seal: tender.bids[0].id,
    };
    let other = tender.signed(&cast.bidders[0], "bid.withdraw", &other, at);
    let mut data = unsealed.clone();
    (data.body, data.sig) = (base64(&other.body), base64(&other.signature));
    assert_eq!(said(&mut tender, &data), "record.data");
    // A bid that was taken is no refused one, and none is told twice; nobody but the host tells.
    let taken = tender.bids[0].record.clone();
    (data.body, data.sig) = (base64(&taken.body), base64(&taken.signature));
    assert_eq!(said(&mut tender, &data), "bid.duplicate");
    let refused = code(tender.say(&cast.agency, "bid.refuse", &late, at));
    assert_eq!(refused, "record.not-authorised");
    assert_eq!(said(&mut tender, &late), "accepted");
    assert_eq!(said(&mut tender, &late), "bid.duplicate");
    assert_eq!(said(&mut tender, &unsealed), "accepted");
    let rows: BTreeSet<&str> = {
        let state = tender.host.state();
        state
            .refused()
            .values()
            .map(|row| row.bidder.as_str())
            .collect()
    };
    assert_eq!(rows.len(), 1, "both are bidder 3's");
}

#[test]
fn a_false_share_convicts_its_trustee_and_nobody_else() {
    for suite in SUITES {
        let cast = Cast::new(suite, "edges");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(3);
        tender.close_witnessed();
        tender
            .close_window(DEADLINE + 2)
            .expect("nobody is waited for");
        let good = tender.shares(0, DEADLINE + 3).expect("released");
        let person = &cast.trustees[0].person;
        let mut lie = good.clone();
        lie.shares[0].share = good.shares[1].share.clone();
        let false_record = tender.signed(person, "board.share", &lie, DEADLINE + 3);
        let refused = tender.take(false_record.clone(), DEADLINE + 3);
        assert_eq!(code(refused), "board.share-invalid");
        assert_eq!(refused_logged(&mut tender, DEADLINE + 4), 1);
        assert_eq!(refused_logged(&mut tender, DEADLINE + 4), 0);
        let shown = tender.host.state().false_shares().to_vec();
        assert_eq!(shown.len(), 1);
        assert_eq!(
            (shown[0].index, shown[0].actor),
            (1, person.fingerprint(suite))
        );
        assert_eq!(shown[0].record, false_record.commitment(suite));

        // A record that holds convicts nobody, nor does one that was only out of its stage, nor one with a byte
        // changed, which its trustee never signed.
        let honest = tender.signed(person, "board.share", &good, DEADLINE + 5);
        let show = |record: &mifeng::record::SignedRecord| ShareFalse {
            body: base64(&record.body),
            sig: base64(&record.signature),
        };
        let host = &cast.platform;
        let said = tender.say(host, "share.false", &show(&honest), DEADLINE + 5);
        assert_eq!(code(said), "result.differs");
        let mut forged = honest.clone();
        let at = forged.body.len() / 2;
        forged.body[at] ^= 1;
        let said = tender.say(host, "share.false", &show(&forged), DEADLINE + 5);
        assert_eq!(code(said), "record.data");
        let mut unknown = good.clone();
        unknown.shares[0].seal = Digest::from_bytes([7; 32]);
        let stray = tender.signed(person, "board.share", &unknown, DEADLINE + 5);
        let said = tender.say(host, "share.false", &show(&stray), DEADLINE + 5);
        assert_eq!(code(said), "result.differs");
        let said = tender.say(person, "share.false", &show(&false_record), DEADLINE + 5);
        assert_eq!(code(said), "record.not-authorised");
        let said = tender.say(host, "share.false", &show(&false_record), DEADLINE + 5);
        assert_eq!(code(said), "bid.duplicate");

        tender.take(honest, DEADLINE + 6).expect("the true shares");
        tender.release(1, DEADLINE + 6).expect("released");
        tender.open_all(100);
        let dossier = tender.archive(103);
        assert_valid(&dossier);
    }
}

/// Fewer than t trustees open nothing: every set of t - 1, together with every bidder's leaf.
#[test]
fn no_set_of_fewer_than_the_quorum_opens() {
    let cast = Cast::new(&INTL, "edges");
    for alone in 0..3 {
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(3);
        tender.close_witnessed();
        for number in 0..3 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        tender.close_window(DEADLINE + 3).expect("closed");
        tender.release(alone, DEADLINE + 4).expect("released");
        for id in tender.host.state().to_open() {
            assert_eq!(code(tender.open(&id, 98)), "board.quorum-short");
            assert!(tender.host.state().sigma(&id).is_err());
        }
    }
}
