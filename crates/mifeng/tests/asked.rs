//! What bidders ask on the spot at the opening is answered before the evaluation begins.

mod common;

use common::*;
use mifeng::crypto::{Digest, GM, INTL};
use mifeng::tender::*;
use mifeng::{Error, Trusted, verify};

const ORIGIN: &str = "host.example/t/asked";

fn question(text: &str) -> OpeningAsk {
    OpeningAsk {
        kind: OpeningMatter::Question,
        text: text.to_owned(),
    }
}

fn ask(tender: &mut Tender<'_>, number: usize, text: &str, at: i64) -> Result<(), Error> {
    let bidder = &tender.cast.bidders[number];
    tender.say(bidder, "opening.ask", &question(text), at)
}

fn last(tender: &Tender<'_>) -> Digest {
    let asked = tender.host.state().opening_questions();
    asked.last().expect("asked").ask
}

fn answer(tender: &mut Tender<'_>, by: &Person, ask: Digest, at: i64) -> Result<(), Error> {
    let data = OpeningAnswer {
        ask,
        text: "已核实，记录无误。".to_owned(),
    };
    tender.say(by, "opening.answer", &data, at)
}

#[test]
fn the_evaluation_waits_for_every_answer() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "asked");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        assert_eq!(
            code(ask(&mut tender, 0, "问", 5)),
            "record.wrong-stage",
            "before the close nobody asks"
        );
        tender.receive(3);
        tender.close_witnessed();
        ask(&mut tender, 0, "截止时间以何处时钟为准？", DEADLINE + 2).expect("in the window");
        let first = last(&tender);
        for number in 0..3 {
            tender
                .release_leaf(number, DEADLINE + 2)
                .expect("nothing waits for the answer but the evaluation");
        }
        tender.close_window(DEADLINE + 3).expect("closed");
        for number in 0..2 {
            tender.release(number, DEADLINE + 4).expect("released");
        }
        answer(&mut tender, &cast.agency, first, DEADLINE + 5).expect("at once");
        tender.open_all(100);
        let recusal = OpeningAsk {
            kind: OpeningMatter::Recusal,
            text: "主持人与二号投标人有利害关系，申请回避。".to_owned(),
        };
        let bidder = &cast.bidders[1];
        tender
            .say(bidder, "opening.ask", &recusal, 101)
            .expect("the record stands, the evaluation has not begun");
        let second = last(&tender);

        let pool = tender.pool();
        let early = tender.say(&cast.agency, "expert.pool", &pool, 102);
        assert_eq!(code(early), "opening.unanswered");
        let check = tender.finding(CheckKind::Qualification, &[]);
        let early = tender.say(&cast.agency, "check", &check, 102);
        assert_eq!(code(early), "opening.unanswered");
        assert!(tender.host.state().takes_opening_questions());
        answer(&mut tender, &cast.buyer, second, 103).expect("the buyer may as well");
        for id in [first, second, Digest::from_bytes([7; 32])] {
            let outcome = answer(&mut tender, &cast.agency, id, 103);
            assert_eq!(code(outcome), "opening.not-asked");
        }

        let seated = tender.draw(104);
        assert_eq!(code(ask(&mut tender, 2, "问", 105)), "opening.over");
        assert!(!tender.host.state().takes_opening_questions());
        assert!(tender.evaluate(&seated, 106));
        let tar = tender.archive(107);
        let files = Parts::of_tar(&tar);
        let report = verify(&files, &Trusted::default()).expect("readable");
        assert!(report.is_valid(), "{:?}", report.failure());
        let seen = report.checks.iter().find(|c| c.id == "V12").expect("V12");
        assert!(
            seen.saw_en
                .ends_with("2 questions at the opening, 2 answered"),
            "{}",
            seen.saw_en
        );
        let replay = mifeng::Replay::of(&files).expect("replays");
        let asked = replay.state.opening_questions();
        assert_eq!(asked, tender.host.state().opening_questions());
        assert_eq!(asked.len(), 2);
        let (one, two) = (&asked[0], &asked[1]);
        let code_of = |n: usize| {
            tender.host.state().bids()[&tender.bids[n].id]
                .seal
                .context()
                .bidder
                .clone()
        };
        assert_eq!((one.ask, one.kind), (first, OpeningMatter::Question));
        assert_eq!((&one.bidder, one.asked), (&code_of(0), secs(DEADLINE + 2)));
        assert_eq!(
            (&two.bidder, two.kind),
            (&code_of(1), OpeningMatter::Recusal)
        );
        assert_eq!(two.text, recusal.text);
        let reply = two.reply.as_ref().expect("answered");
        assert_eq!(reply.by, cast.buyer.fingerprint(suite));
        assert_eq!(reply.answered, secs(103));
    }
}

/// Bidders of the opening ask; agency and buyer answer; in words, and so often.
#[test]
fn who_asks_and_how_much() {
    let cast = Cast::new(&INTL, "asked");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    tender.receive(3);
    let data = BidWithdraw {
        seal: tender.bids[2].id,
    };
    tender
        .say(&cast.bidders[2], "bid.withdraw", &data, DEADLINE - 20)
        .expect("withdrawn in time");
    let late = tender.seal(3, 700_000, DEADLINE - 1);
    tender.close_witnessed();
    // Who withdrew is no bidder of this opening, nor is anybody else of those who take part.
    assert_eq!(
        code(ask(&mut tender, 2, "问", DEADLINE + 2)),
        "record.not-authorised"
    );
    let people = [
        &cast.buyer,
        &cast.agency,
        &cast.platform,
        &cast.trustees[0].person,
        &cast.experts[0],
    ];
    for person in people {
        let said = tender.say(person, "opening.ask", &question("问"), DEADLINE + 2);
        assert_eq!(code(said), "record.not-authorised");
    }
    // Whose bid came late becomes one once the host has told it.
    assert_eq!(
        code(ask(&mut tender, 3, "为何拒收？", DEADLINE + 2)),
        "record.not-authorised"
    );
    assert_eq!(code(tender.submit(&late, secs(DEADLINE + 2))), "bid.late");
    tender.close_window(WINDOW_END).expect("closed");
    let told = tender
        .host
        .log_refused(secs(WINDOW_END + 1), &mut tender.rng);
    assert_eq!(told.expect("logged"), 1);
    ask(&mut tender, 3, "为何拒收？", WINDOW_END + 1).expect("it was refused, and is told so");

    let at = WINDOW_END + 2;
    let long = "问".repeat(OPENING_ASK_LEN_MAX / 3) + "?";
    assert_eq!(long.len(), OPENING_ASK_LEN_MAX);
    let odd = [
        "\u{1b}[2J",
        "a\tb",
        "a\r\nb",
        "a\u{85}b",
        "a\u{202e}b",
        "a\u{2066}b",
    ];
    for text in odd {
        assert_eq!(
            code(ask(&mut tender, 0, text, at)),
            "record.data",
            "{text:?}"
        );
    }
    for text in ["", " \u{3000}\n", &format!("{long}?")] {
        assert_eq!(code(ask(&mut tender, 0, text, at)), "record.data", "{text}");
    }
    let other = serde_json::json!({"kind": "complaint", "text": "问"});
    let said = tender.say(&cast.bidders[0], "opening.ask", &other, at);
    assert_eq!(code(said), "record.data");
    ask(&mut tender, 0, &long, at).expect("as long as may be");
    for _ in 1..OPENING_ASKS_MAX {
        ask(&mut tender, 0, "问", at).expect("not too many yet");
    }
    assert_eq!(code(ask(&mut tender, 0, "问", at)), "opening.too-many");
    ask(&mut tender, 1, "问", at).expect("another bidder has its own");

    let id = last(&tender);
    for person in [&cast.bidders[1], &cast.platform, &cast.trustees[0].person] {
        let outcome = answer(&mut tender, person, id, at);
        assert_eq!(code(outcome), "record.not-authorised");
    }
    let unfit = [String::new(), "答".repeat(TEXT_LEN_MAX / 3 + 1)];
    for text in odd.map(str::to_owned).into_iter().chain(unfit) {
        let data = OpeningAnswer { ask: id, text };
        let said = tender.say(&cast.agency, "opening.answer", &data, at);
        assert_eq!(code(said), "record.data");
    }
    answer(&mut tender, &cast.agency, id, at).expect("answered");
    // An answer does not give its bidder a ninth question.
    let id = tender.host.state().opening_questions()[1].ask;
    answer(&mut tender, &cast.agency, id, at).expect("answered");
    assert_eq!(code(ask(&mut tender, 0, "问", at)), "opening.too-many");
}

/// Suspended nobody asks; cancelled nothing waits.
#[test]
fn a_cancelled_tender_waits_for_no_answer() {
    let cast = Cast::new(&INTL, "asked");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
    tender.receive(3);
    tender.close_and_release(Kind::Joint);
    ask(&mut tender, 0, "问", DEADLINE + 5).expect("in the opening");
    let id = last(&tender);
    let halt = |reason: &str| Halt {
        reason: reason.to_owned(),
    };
    let at = DEADLINE + 6;
    tender
        .say(&cast.agency, "tender.suspend", &halt("投诉"), at)
        .expect("suspended");
    assert_eq!(code(ask(&mut tender, 1, "问", at)), "tender.halted");
    let outcome = answer(&mut tender, &cast.agency, id, at);
    assert_eq!(code(outcome), "tender.halted");
    assert!(!tender.host.state().takes_opening_questions());
    tender
        .say(&cast.agency, "tender.resume", &halt("驳回"), at)
        .expect("resumed");
    tender.open_all(100);
    let pool = tender.pool();
    let early = tender.say(&cast.agency, "expert.pool", &pool, 101);
    assert_eq!(code(early), "opening.unanswered");
    tender
        .say(&cast.agency, "tender.cancel", &halt("采购任务取消"), 102)
        .expect("cancelled");
    let tar = tender.archive(103);
    let report = verify(&Parts::of_tar(&tar), &Trusted::default()).expect("readable");
    assert!(report.is_valid(), "{:?}", report.failure());
    let seen = report.checks.iter().find(|c| c.id == "V12").expect("V12");
    assert!(
        seen.saw_en
            .ends_with("1 questions at the opening, 0 answered")
    );
}

#[test]
fn a_bidder_signs_the_opening_record_once_with_whatever_certificate() {
    use mifeng::crypto::SeededEntropy;
    use mifeng::pki::issue::Profile;
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "asked");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(3);
        tender.close_and_release(Kind::Board);
        tender.open_all(100);
        let (minutes, _) = tender.host.state().minutes().expect("an opening record");
        let data = MinutesSign { minutes: *minutes };
        let rng = &mut SeededEntropy::new(b"renewed");
        let mut renewed = |number| {
            let subject = bidder_subject(number);
            issue(
                suite,
                &cast.ca,
                &subject,
                Profile::BidderSign,
                secs(-60),
                rng,
            )
        };
        let other = renewed(0);
        tender
            .say(&other, "opening.sign", &data, 101)
            .expect("its organisation bid");
        let again = tender.say(&cast.bidders[0], "opening.sign", &data, 102);
        assert_eq!(code(again), "record.not-authorised", "once each");
        tender
            .say(&cast.bidders[1], "opening.sign", &data, 103)
            .expect("another bidder");
        let again = tender.say(&renewed(1), "opening.sign", &data, 104);
        assert_eq!(code(again), "record.not-authorised", "once each");
        // Who did not bid was not there.
        let stranger = tender.say(&renewed(3), "opening.sign", &data, 105);
        assert_eq!(code(stranger), "record.not-authorised");
    }
}
