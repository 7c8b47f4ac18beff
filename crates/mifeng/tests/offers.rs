//! Procedures and what differs between them: final offers, low prices, ties, readings of a price.

mod common;

use common::*;
use mifeng::crypto::{Digest, INTL};
use mifeng::record::SignedRecord;
use mifeng::score::{Exception, Framework, FrameworkStage, Method, pack};
use mifeng::tender::*;
use mifeng::{Error, Trusted, trustee, verify};

const ORIGIN: &str = "host.example/t/offers";

/// A lawful negotiation in which two may be left.
fn negotiation(notice: &mut Notice) {
    notice.procedure = Procedure::Negotiation;
    notice.ground = "财政部令第74号 27条，财政部门批准".to_owned();
    notice.bidders_min = 2;
    notice.below_threshold = true;
    notice.committee.experts = 3;
    lowest(notice);
    let rules = &mut notice.lots[0].rules;
    rules.method = Method::Negotiation;
    rules.exception = Some(Exception::TwoLeft);
    rules.min_bidders = 2;
}

/// A final offer of a bidder, signed and ready to hand in.
fn offer(tender: &mut Tender<'_>, number: usize, price: u64, at: i64) -> Sealed {
    let person = &tender.cast.bidders[number];
    let words = mifeng::record::amount::format(i128::from(price) * 100);
    let (file, record) = tender.seal_content(person, (&words, price), Vec::new(), (true, at));
    let data = mifeng::bidder::offer(LOT, &record);
    let state = tender.host.state();
    let id = state.verify_offer(LOT, &record).expect("a good seal").id();
    Sealed {
        record: tender.signed(person, "offer.submit", &data, at),
        file,
        id,
    }
}

#[test]
fn final_offers_from_call_to_award() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], negotiation);
    // First prices stay out of log and opening record.
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    assert!(minutes.rows.iter().all(|row| row.price.is_none()));
    let early = tender.host.state().due_in(CheckKind::Conformity, LOT);
    assert!(early.is_err());
    tender
        .check(CheckKind::Qualification, &seated, &[], 102)
        .expect("the committee's");
    let out = [tender.bids[2].id];
    tender
        .check(CheckKind::Conformity, &seated, &out, 102)
        .expect("checked");
    let (agency, platform) = (&cast.agency, &cast.platform);
    let good = call(&tender);
    assert_eq!(good.invited.len(), 2);
    let all: Vec<Digest> = tender.host.state().opened_in(LOT);
    for (data, expected) in [
        (
            RoundOpen {
                invited: all,
                ..good.clone()
            },
            "result.differs",
        ),
        (
            RoundOpen {
                deadline: secs(102),
                ..good.clone()
            },
            "record.data",
        ),
        (
            RoundOpen {
                deadline: plus_nanos(secs(ROUND_END), 1_000_000),
                ..good.clone()
            },
            "record.data",
        ),
    ] {
        assert_eq!(code(tender.say(agency, "round.open", &data, 103)), expected);
    }
    assert_eq!(
        code(tender.say(&cast.buyer, "round.open", &good, 103)),
        "record.not-authorised"
    );
    assert!(tender.rank(103).is_err());
    tender
        .say(agency, "round.open", &good, 103)
        .expect("called");
    assert_eq!(
        code(tender.say(agency, "round.open", &good, 103)),
        "bid.duplicate"
    );
    let first = offer(&mut tender, 0, 850_000, 110);
    let uninvited = offer(&mut tender, 2, 800_000, 110);
    assert_eq!(
        code(tender.submit(&uninvited, secs(110))),
        "offer.not-invited"
    );
    // A first bid is bound to the notice and does not pass for a final offer; nor does another's.
    let again = |tender: &Tender<'_>, file: &[u8], number: usize| -> SignedRecord {
        let sealed = mifeng::envelope::SealedFile::read(&mut std::io::Cursor::new(file));
        let data = mifeng::bidder::offer(LOT, sealed.expect("a file").record());
        tender.signed(&cast.bidders[number], "offer.submit", &data, 111)
    };
    let old = tender.bids[0].clone();
    let moved = Sealed {
        record: again(&tender, &old.file, 0),
        ..old
    };
    assert_eq!(
        code(tender.submit(&moved, secs(111))),
        "bid.bound-elsewhere"
    );
    let copied = Sealed {
        record: again(&tender, &first.file, 1),
        ..first.clone()
    };
    assert_eq!(
        code(tender.submit(&copied, secs(111))),
        "bid.bound-elsewhere"
    );
    // Half-open, by both clocks.
    let late = offer(&mut tender, 1, 840_000, ROUND_END - 1);
    assert_eq!(code(tender.submit(&late, secs(ROUND_END))), "offer.late");
    tender.submit(&first, secs(112)).expect("on time");
    let second = offer(&mut tender, 0, 830_000, 113);
    assert_eq!(code(tender.submit(&second, secs(113))), "bid.second");
    let leave = OfferExit {
        lot: LOT.to_owned(),
    };
    assert_eq!(
        code(tender.say(&cast.bidders[0], "offer.exit", &leave, 113)),
        "bid.second"
    );
    tender.submit(&late, secs(ROUND_END - 1)).expect("on time");
    let close = |deadline| RoundClose {
        lot: LOT.to_owned(),
        deadline,
    };
    let (end, other) = (close(secs(ROUND_END)), close(secs(ROUND_END - 1)));
    assert_eq!(
        code(tender.host.close_round(LOT, secs(199), &mut tender.rng)),
        "opening.early"
    );
    assert_eq!(
        code(tender.say(platform, "round.close", &end, ROUND_END - 1)),
        "opening.early"
    );
    assert_eq!(
        code(tender.say(platform, "round.close", &other, ROUND_END)),
        "record.data"
    );
    assert_eq!(
        code(tender.say(agency, "round.close", &end, ROUND_END)),
        "record.not-authorised"
    );
    // Nothing is released or opened before the close is witnessed and the window is over.
    assert_ne!(code(tender.open(&first.id, ROUND_END)), "accepted");
    tender
        .say(platform, "round.close", &end, ROUND_END)
        .expect("closed");
    let released =
        |tender: &mut Tender<'_>, number: usize, at: i64| -> Result<BoardShares, Error> {
            let Bundle { replay, files } = tender.bundle();
            let secret = tender.secret(number);
            trustee::release_offers(&replay, &files, LOT, &secret, secs(at), &mut tender.rng)
        };
    assert_eq!(
        code(released(&mut tender, 0, ROUND_END + 1)),
        "board.share-early"
    );
    tender.witness(ROUND_END + 1);
    assert_eq!(
        code(released(&mut tender, 0, ROUND_END + 2)),
        "board.share-early"
    );
    tender
        .host
        .close_round_window(LOT, secs(ROUND_END + 2), &mut tender.rng)
        .expect("nobody is waited for");
    assert_eq!(
        code(released(&mut tender, 0, ROUND_END - 2)),
        "opening.early"
    );
    for number in 0..2 {
        let data = released(&mut tender, number, ROUND_END + 3).expect("released");
        let person = &cast.trustees[number].person;
        tender
            .say(person, "board.share", &data, ROUND_END + 3)
            .expect("taken");
    }
    assert!(tender.host.state().expected_round_minutes(LOT).is_err());
    for seal in [first.id, late.id] {
        tender.open(&seal, ROUND_END + 4).expect("opened");
    }
    let record = tender
        .host
        .state()
        .expected_round_minutes(LOT)
        .expect("all opened");
    let mut false_record = record.clone();
    false_record.rows[0].price = Some("1.00".to_owned());
    assert_eq!(
        code(tender.say(agency, "round.minutes", &false_record, ROUND_END + 5)),
        "result.differs"
    );
    tender
        .say(agency, "round.minutes", &record, ROUND_END + 5)
        .expect("recorded");
    assert_eq!(
        code(tender.say(agency, "round.minutes", &record, ROUND_END + 5)),
        "bid.duplicate"
    );
    tender.rank(ROUND_END + 6).expect("ranked");
    tender.report(&seated, ROUND_END + 7).expect("signed");
    tender.award(ROUND_END + 8).expect("awarded");
    let award = &tender.host.state().awards()[LOT];
    assert_eq!(
        (award.seal, award.price.as_str()),
        (tender.bids[1].id, "840000.00")
    );
    let letter = tender
        .host
        .state()
        .expected_letter(LOT, &tender.bids[2].id)
        .expect("out");
    assert_eq!((letter.fate, letter.rank), (Fate::NotConforming, 0));
    let tar = tender.archive(ROUND_END + 9);
    assert_valid(&tar);
    // Without the cosigned close of the round the dossier does not hold.
    let mut parts = Parts::of_tar(&tar).parts;
    let last = parts
        .keys()
        .rfind(|name| name.starts_with("log/heads/"))
        .cloned();
    parts.remove(&last.expect("a head"));
    parts.retain(|name, _| !name.starts_with("tsr/"));
    let report = verify(&Parts::new(parts), &Trusted::default()).expect("readable");
    assert_eq!(report.failure().map(|check| check.id), Some("V6"));
}

#[test]
fn too_few_final_offers_stay_shut() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], negotiation);
    tender.pass_checks(&seated, 102);
    let data = call(&tender);
    tender
        .say(&cast.agency, "round.open", &data, 103)
        .expect("called");
    let leave = OfferExit {
        lot: LOT.to_owned(),
    };
    tender
        .say(&cast.bidders[0], "offer.exit", &leave, 104)
        .expect("left");
    let gone = offer(&mut tender, 0, 850_000, 105);
    assert_eq!(code(tender.submit(&gone, secs(105))), "offer.not-invited");
    let only = offer(&mut tender, 1, 850_000, 105);
    tender.submit(&only, secs(105)).expect("on time");
    let rng = &mut tender.rng;
    tender
        .host
        .close_round(LOT, secs(ROUND_END), rng)
        .expect("closed");
    tender
        .host
        .close_round_window(LOT, secs(ROUND_END + 1), rng)
        .expect("over");
    tender.witness(ROUND_END + 1);
    assert!(tender.host.state().offers_to_open(LOT).is_empty());
    assert_ne!(code(tender.open(&only.id, ROUND_END + 2)), "accepted");
    let record = tender
        .host
        .state()
        .expected_round_minutes(LOT)
        .expect("nothing to open");
    let found: Vec<OfferStatus> = record.rows.iter().map(|row| row.status).collect();
    for status in [
        OfferStatus::Exited,
        OfferStatus::None,
        OfferStatus::NotOpened,
    ] {
        assert!(found.contains(&status), "{found:?}");
    }
    tender
        .say(&cast.agency, "round.minutes", &record, ROUND_END + 3)
        .expect("recorded");
    let data = tender.host.state().expected_failure(LOT).expect("failed");
    assert_eq!(data.reason, "too-few-offers");
    tender
        .say(&cast.agency, "lot.fail", &data, ROUND_END + 4)
        .expect("failed");
    assert_eq!(tender.letters(ROUND_END + 4), 3);
    let letters = tender.host.state().letters(LOT).expect("letters");
    let fates = [0, 1, 2].map(|n| letters[&tender.bids[n].id].fate);
    // The one who gave an offer is not told that it gave none.
    let none = Fate::NoFinalOffer;
    assert_eq!(fates, [none, Fate::LotFailed, none]);
    let tar = tender.archive(ROUND_END + 5);
    assert_valid(&tar);
    let sealed = format!("seal/{}.bid", only.id);
    assert!(!Parts::of_tar(&tar).parts.contains_key(&sealed));
}

#[test]
fn a_group_of_five_needs_no_statement() {
    let cast = Cast::new(&INTL, "offers");
    let tender = published(&cast, |notice| {
        negotiation(notice);
        notice.below_threshold = false;
        notice.committee.experts = 5;
    });
    assert_eq!(tender.host.state().stage(), Stage::Open);
}

/// Offers of these bidders; the round is closed, and `trustees` of the board answer.
fn run_round(tender: &mut Tender<'_>, prices: &[(usize, u64)], trustees: usize) -> Vec<Digest> {
    let (cast, mut ids) = (tender.cast, Vec::new());
    for (number, price) in prices {
        let sealed = offer(tender, *number, *price, 110);
        tender.submit(&sealed, secs(110)).expect("on time");
        ids.push(sealed.id);
    }
    let rng = &mut tender.rng;
    tender
        .host
        .close_round(LOT, secs(ROUND_END), rng)
        .expect("closed");
    tender
        .host
        .close_round_window(LOT, secs(ROUND_END + 1), rng)
        .expect("over");
    tender.witness(ROUND_END + 1);
    for number in 0..trustees {
        let Bundle { replay, files } = tender.bundle();
        let (secret, at) = (tender.secret(number), secs(ROUND_END + 2));
        let rng = &mut tender.rng;
        let data = trustee::release_offers(&replay, &files, LOT, &secret, at, rng);
        let person = &cast.trustees[number].person;
        tender
            .say(
                person,
                "board.share",
                &data.expect("released"),
                ROUND_END + 2,
            )
            .expect("taken");
    }
    ids
}

fn record_round(tender: &mut Tender<'_>) {
    let state = tender.host.state();
    let record = state.expected_round_minutes(LOT).expect("complete");
    let agency = &tender.cast.agency;
    tender
        .say(agency, "round.minutes", &record, ROUND_END + 4)
        .expect("recorded");
}

#[test]
fn who_joins_after_the_call_judges_no_bids() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, mut seated) = opened(&cast, [900_000, 880_000, 860_000], negotiation);
    tender
        .check(CheckKind::Qualification, &seated, &[], 102)
        .expect("checked");
    let out = [tender.bids[2].id];
    let finding = tender.finding(CheckKind::Conformity, &out);
    for member in &seated {
        let person = &cast.experts[*member];
        tender.say(person, "check", &finding, 102).expect("taken");
    }
    let data = call(&tender);
    tender
        .say(&cast.agency, "round.open", &data, 103)
        .expect("called");
    let offers = run_round(&mut tender, &[(0, 850_000), (1, 840_000)], 2);
    for seal in &offers {
        tender.open(seal, ROUND_END + 3).expect("opened");
    }
    record_round(&mut tender);
    // The prices are known; a member leaves.
    let replace = SeatReplace {
        cert: cast.experts[seated[1]].fingerprint(cast.suite),
        reason: "突发疾病".to_owned(),
        declined: Vec::new(),
        seat: Some(tender.seat(3)),
    };
    tender
        .say(&cast.agency, "seat.replace", &replace, ROUND_END + 5)
        .expect("replaced");
    seated[1] = tender.order[3].2;
    let conforming = tender.host.state().conforming(LOT).expect("stands");
    assert_eq!(conforming, data.invited);
    let new = &cast.experts[seated[1]];
    for kind in [CheckKind::Qualification, CheckKind::Conformity] {
        let again = Check {
            kind,
            ..finding.clone()
        };
        let outcome = tender.say(new, "check", &again, ROUND_END + 6);
        assert_eq!(code(outcome), "record.wrong-stage");
    }
    tender.rank(ROUND_END + 7).expect("ranked");
    tender.report(&seated, ROUND_END + 8).expect("signed");
    tender.award(ROUND_END + 9).expect("awarded");
    assert_valid(&tender.archive(ROUND_END + 10));
}

#[test]
fn letters_say_what_became_of_an_offer() {
    let cast = Cast::new(&INTL, "offers");
    let (mut tender, seated) = opened(&cast, [900_000, 880_000, 860_000], negotiation);
    tender.pass_checks(&seated, 102);
    let data = call(&tender);
    tender
        .say(&cast.agency, "round.open", &data, 103)
        .expect("called");
    let offers = run_round(&mut tender, &[(0, 850_000), (1, 840_000)], 1);
    // The board does not answer: two offers are lost by no fault of their suppliers.
    for seal in offers {
        let data = BidFail {
            seal,
            status: BidStatus::WithdrawnOtherCause,
            cause: "board.quorum-short".to_owned(),
        };
        tender
            .say(&cast.platform, "bid.fail", &data, ROUND_END + 3)
            .expect_err("the board may still release");
        tender
            .say(&cast.platform, "bid.fail", &data, ROUND_END + 33)
            .expect("lost");
    }
    record_round(&mut tender);
    let data = tender.host.state().expected_failure(LOT).expect("failed");
    tender
        .say(&cast.agency, "lot.fail", &data, ROUND_END + 5)
        .expect("failed");
    assert_eq!(tender.letters(ROUND_END + 6), 3);
    let letters = tender.host.state().letters(LOT).expect("letters");
    let told = |n: usize| {
        let letter = &letters[&tender.bids[n].id];
        let reason = letter.reason.as_str();
        (letter.fate, reason, letter.article.as_str())
    };
    let lost = (Fate::NotOpened, "board.quorum-short", "20 art. 31");
    assert_eq!([told(0), told(1)], [lost; 2]);
    let none = (Fate::NoFinalOffer, "no-final-offer", "74 art. 33, 37");
    assert_eq!(told(2), none);
    assert_valid(&tender.archive(ROUND_END + 7));
}

#[test]
fn notices_that_break_their_procedure() {
    let cast = Cast::new(&INTL, "offers");
    let changes: [fn(&mut Notice); 25] = [
        |notice| notice.bidders_min = 2,
        |notice| notice.committee.experts = 3,
        |notice| notice.committee.experts = 6,
        |notice| notice.committee.alternates = 30,
        |notice| notice.rehearsal = false,
        // A committee of five is too small from a budget of 10 million on, whatever the ceiling.
        |notice| notice.lots[0].rules.ceiling = Some("10000000.00".to_owned()),
        |notice| notice.lots[0].rules.budget = Some("10000000.00".to_owned()),
        // A method belongs to its procedure, with its bands and its brand rule.
        |notice| notice.procedure = Procedure::Negotiation,
        |notice| {
            negotiation(notice);
            notice.lots[0].rules.method = Method::Lowest;
        },
        |notice| {
            notice.procedure = Procedure::Consultation;
            notice.lots[0].rules.price_weight = "80".to_owned();
        },
        |notice| {
            notice.procedure = Procedure::Consultation;
            notice.lots[0].rules.method = Method::Consultation;
            notice.lots[0].rules.price_weight = "80".to_owned();
            notice.lots[0].rules.items.clear();
        },
        |notice| {
            notice.procedure = Procedure::Inquiry;
            lowest(notice);
        },
        |notice| notice.procedure = Procedure::Works,
        |notice| notice.procedure = Procedure::Framework,
        |notice| {
            notice.procedure = Procedure::SingleSource;
            lowest(notice);
        },
        // Fewer bidders only with an exception of the rules, and its ground.
        |notice| {
            negotiation(notice);
            notice.ground = String::new();
        },
        |notice| {
            negotiation(notice);
            notice.lots[0].rules.exception = None;
            notice.lots[0].rules.min_bidders = 3;
        },
        // A group of three is for purchases that are stated to be below the threshold.
        |notice| {
            negotiation(notice);
            notice.below_threshold = false;
        },
        |notice| notice.lots[0].rules.min_bidders = 4,
        // What the records of a tender cannot give.
        |notice| notice.lots[0].rules.price_form.decimals = 4,
        |notice| {
            lowest(notice);
            notice.procedure = Procedure::Framework;
            notice.lots[0].rules.method = Method::Framework;
            notice.lots[0].rules.framework = Some(Framework {
                stage: FrameworkStage::SecondCompetition,
                laboratory: false,
                eliminate: None,
            });
        },
        |notice| notice.lots[0].rules.sme_joint_rate = "0.05".to_owned(),
        |notice| notice.lots[0].rules.green_rate = "0.05".to_owned(),
        // The law of another year, and of the other regime.
        |notice| {
            notice.lots[0].rules.domestic_rate = "0".to_owned();
            pin(notice, "cn-gov-2022-07");
        },
        |notice| pin(notice, "cn-tender-2022-07"),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let mut notice = notice(&cast, tender.host.state(), Kind::Board);
        change(&mut notice);
        assert_eq!(code(tender.publish(&notice)), "notice.unlawful", "{n}");
    }
    // Without a pack nobody could say which law a result was computed under.
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let notice = notice(&cast, tender.host.state(), Kind::Board);
    assert_eq!(code(tender.publish_as_it_is(&notice)), "notice.unlawful");
    tender.publish(&notice).expect("pinned");
}

/// Pins a shipped pack in the first lot.
fn pin(notice: &mut Notice, id: &str) {
    let found = pack::packs().iter().find(|pack| pack.id() == id);
    let pin = found.expect("shipped").pin(INTL.hash());
    notice.lots[0].rules.pack = Some(pin);
}
