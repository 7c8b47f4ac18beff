//! The tender document is clarified or changed before the deadline, in sight of everybody.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, Suite};
use mifeng::log::{Pace, Schedule};
use mifeng::pki::Signer as _;
use mifeng::tender::*;
use mifeng::{Error, Trusted, bidder, verify};

const ORIGIN: &str = "host.example/t/amended";
const LATER: i64 = DEADLINE + 40;
const DAY: i64 = 86_400;

fn document(suite: &Suite, name: &str, content: &[u8]) -> Document {
    Document {
        name: name.to_owned(),
        size: content.len() as u64,
        hash: suite.hash().digest(content),
    }
}

fn words(affects: bool, deadline: Option<i64>) -> Amend {
    Amend {
        affects,
        deadline: deadline.map(secs),
        documents: Vec::new(),
        reason: "答复询问".to_owned(),
        text: "第五章参数以更正后的为准。".to_owned(),
    }
}

fn amend(tender: &mut Tender<'_>, data: &Amend, at: i64) -> Result<(), Error> {
    let agency = &tender.cast.agency;
    tender.say(agency, "tender.amend", data, at)
}

/// A rehearsal whose notice lists two files, of which the host has as many as are told.
fn published<'c>(cast: &'c Cast, at_the_host: &[&[u8]]) -> Tender<'c> {
    let mut tender = Tender::unpublished(cast, ORIGIN);
    let mut notice = notice(cast, tender.host.state(), Kind::Joint);
    let suite = cast.suite;
    notice.documents = vec![
        document(suite, "a.pdf", b"a"),
        document(suite, "b.pdf", b"b"),
    ];
    tender.publish(&notice).expect("a lawful notice");
    for content in at_the_host {
        tender.host.add_document(content).expect("kept");
    }
    tender
}

/// Ends a tender that closes at `end`.
fn finish(tender: &mut Tender<'_>, end: i64) -> Vec<u8> {
    to_the_end(tender, end);
    tender.archive(end + 43)
}

/// Up to the archive.
fn to_the_end(tender: &mut Tender<'_>, end: i64) {
    tender.close(secs(end)).expect("closed");
    tender.witness(end + 1);
    for number in 0..tender.bids.len() {
        tender.release_leaf(number, end + 2).expect("a leaf");
    }
    tender.close_window(end + 3).expect("closed");
    if tender.bids.len() > 2 {
        for number in 0..2 {
            tender.release(number, end + 4).expect("released");
        }
    }
    tender.open_all(end + 40);
}

fn names(documents: &[Document]) -> Vec<(&str, u64)> {
    let all = documents.iter();
    all.map(|one| (one.name.as_str(), one.size)).collect()
}

#[test]
fn files_and_deadline_change_at_once_and_everything_is_kept() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "amended");
        let all: [&[u8]; 4] = [b"a", b"b", b"b, second", b"cc"];
        let mut tender = published(&cast, &all);
        tender.receive(1);
        let own = cast.bidders[3].signer.certificate();
        let own = own.fingerprint(suite.hash());
        let next = |tender: &Tender<'_>, at| {
            let replay = tender.bundle().replay;
            bidder::next_number(&replay, &own, 0, secs(at)).expect("a number")
        };
        let before = next(&tender, 39);
        let first = Amend {
            documents: vec![
                document(suite, "c.pdf", b"cc"),
                document(suite, "b.pdf", b"b, second"),
            ],
            ..words(true, Some(LATER))
        };
        amend(&mut tender, &first, 40).expect("in time");
        amend(&mut tender, &words(false, None), 45).expect("words alone");
        tender.cosign(46);
        assert!(next(&tender, 46) >= before);

        // While nothing of the beats is shown, everybody reads what changed.
        let Bundle { replay, .. } = tender.bundle();
        assert!(replay.hidden_beats > 0);
        let state = &replay.state;
        let (_, notice) = state.notice().expect("published");
        assert_eq!(notice.deadline, secs(LATER));
        assert_eq!(
            names(&notice.documents),
            [("a.pdf", 1), ("c.pdf", 2), ("b.pdf", 9)]
        );
        let amended = state.amendments();
        assert_eq!(amended.len(), 2);
        let (one, two) = (&amended[0], &amended[1]);
        assert_eq!((one.at, one.affects), (secs(40), true));
        assert_eq!(
            (two.deadline, two.text.as_str()),
            (None, &*words(false, None).text)
        );
        assert_eq!(names(&one.replaced), [("b.pdf", 1)]);
        assert!(two.replaced.is_empty());
        assert_eq!(state.documents().count(), 4);
        assert_eq!(state.postponements().len(), 1);
        assert_eq!(state.postponements()[0].record, one.record);
        let sealed = bidder::sealed_against(&replay, bidder::What::Bid, LOT);
        assert_eq!(sealed.expect("open").1, secs(LATER));

        // The old deadline passes. Bids that are in stay, and others come.
        tender.beat(DEADLINE + 2);
        tender.reopen();
        for number in [1, 2] {
            let at = DEADLINE + 5 * number as i64;
            let bid = tender.seal(number, 800_000, at);
            tender.submit(&bid, secs(at)).expect("before the new one");
            tender.bids.push(bid);
        }
        let first = &tender.host.state().bids()[&tender.bids[0].id];
        assert_eq!(first.life, BidLife::Live);
        let tar = finish(&mut tender, LATER);
        let files = Parts::of_tar(&tar);
        let report = verify(&files, &Trusted::default()).expect("readable");
        assert!(report.is_valid(), "{:?}", report.failure());
        let seen = report.checks.iter().find(|c| c.id == "V6").expect("V6");
        assert!(
            seen.saw_en.contains("postponed 1 times") && seen.saw_en.contains("amended 2 times"),
            "{}",
            seen.saw_en
        );
        for content in all {
            let name = format!("docs/{}", suite.hash().digest(content));
            assert_eq!(files.parts[&name], content);
        }
    }
}

/// A file that an amendment lists belongs to the dossier, and so does the one that it replaced.
#[test]
fn every_file_that_was_listed_must_be_there() {
    let cast = Cast::new(&INTL, "amended");
    let all: [&[u8]; 3] = [b"a", b"b", b"b, second"];
    let missing = |number: usize| {
        let kept: Vec<&[u8]> = all
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != number)
            .map(|(_, c)| *c)
            .collect();
        let mut tender = published(&cast, &kept);
        let data = Amend {
            documents: vec![document(&INTL, "b.pdf", b"b, second")],
            ..words(true, None)
        };
        amend(&mut tender, &data, 20).expect("in time");
        let checked = mifeng::check_store(&tender.store).expect("read");
        to_the_end(&mut tender, DEADLINE);
        tender.end(DEADLINE + 42);
        // A host without it makes no dossier that nobody could verify (vectors `amended-file-*`).
        let archived = tender.host.archive(secs(DEADLINE + 43), &mut tender.rng);
        (checked.findings.len(), archived.map_err(|e| e.code()))
    };
    for number in 0..3 {
        assert_eq!(missing(number), (1, Err("system.unavailable")), "{number}");
    }
    assert_eq!(missing(3), (0, Ok(())));
}

#[test]
fn only_the_agency_before_the_deadline_in_words() {
    let cast = Cast::new(&INTL, "amended");
    let mut tender = published(&cast, &[]);
    let said = tender.say(&cast.buyer, "tender.amend", &words(false, None), 20);
    assert_eq!(code(said), "record.not-authorised");
    let one = document(&INTL, "c.pdf", b"cc");
    let long = "x".repeat(TEXT_LEN_MAX + 1);
    let text = |text: &str| Amend {
        text: text.to_owned(),
        ..words(false, None)
    };
    let reason = |reason: &str| Amend {
        reason: reason.to_owned(),
        ..words(false, None)
    };
    let files = |documents: Vec<Document>| Amend {
        documents,
        ..words(false, None)
    };
    let nameless = Document {
        name: " ".to_owned(),
        ..one.clone()
    };
    let many = |count: usize| {
        let name = |n| format!("{n}.pdf");
        let all = (0..count).map(|n| document(&INTL, &name(n), b"x"));
        files(all.collect())
    };
    let odd = [
        "\u{1b}[2J",
        "a\tb",
        "a\r\nb",
        "a\u{85}b",
        "a\u{202e}b",
        "a\u{2066}b",
    ];
    let named = |name: &str| {
        let name = name.to_owned();
        files(vec![Document {
            name,
            ..one.clone()
        }])
    };
    for sign in odd {
        for data in [text(sign), reason(sign), named(sign)] {
            let outcome = amend(&mut tender, &data, 20);
            assert_eq!(code(outcome), "record.data", "{data:?}");
        }
    }
    let malformed = [
        named("a\nb"),
        named(&long),
        text(""),
        text("\u{3000}\n"),
        text(&long),
        reason(" "),
        reason(&long),
        files(vec![nameless]),
        files(vec![one.clone(), one.clone()]),
        many(DOCUMENTS_MAX - 1),
    ];
    for data in &malformed {
        assert_eq!(code(amend(&mut tender, data, 20)), "record.data");
    }
    let with = |name: &str, value: serde_json::Value| {
        let mut data = serde_json::to_value(words(false, None)).expect("data");
        data[name] = value;
        data
    };
    for data in [
        with("lots", serde_json::json!([])),
        with("policy", serde_json::json!({})),
        with("affects", serde_json::json!("no")),
    ] {
        let said = tender.say(&cast.agency, "tender.amend", &data, 20);
        assert_eq!(code(said), "record.data", "{data}");
    }
    // With a deadline everything holds that a postponement holds to.
    for until in [DEADLINE - 1, DEADLINE] {
        let outcome = amend(&mut tender, &words(false, Some(until)), 20);
        assert_eq!(code(outcome), "tender.postponed-late", "{until}");
    }
    let far = amend(&mut tender, &words(false, Some(DEADLINE + 42 * DAY)), 20);
    assert_eq!(code(far), "notice.unlawful");
    // By its own time, by the host's clock, and not by an old date.
    let late = amend(&mut tender, &words(false, Some(LATER)), DEADLINE);
    assert_eq!(code(late), "tender.amend-late");
    let early = tender.signed(
        &cast.agency,
        "tender.amend",
        &words(false, None),
        DEADLINE - 1,
    );
    let late = tender.take(early.clone(), DEADLINE + 1);
    assert_eq!(code(late), "tender.amend-late");
    let ahead = tender.signed(&cast.agency, "tender.amend", &words(false, None), DEADLINE);
    assert_eq!(code(tender.take(ahead, DEADLINE - 1)), "tender.amend-late");
    let backdated = tender.take(early, DEADLINE + 400);
    assert_eq!(code(backdated), "record.backdated");
    assert!(tender.host.state().amendments().is_empty());
    let (_, notice) = tender.host.state().notice().expect("published");
    assert_eq!(
        (notice.deadline, notice.documents.len()),
        (secs(DEADLINE), 2)
    );

    // A line may end, in words.
    let whole = "x".repeat(TEXT_LEN_MAX - 2) + "\n。";
    assert_eq!(code(amend(&mut tender, &text(&whole), 29)), "record.data");
    let whole = "x".repeat(TEXT_LEN_MAX - 2) + "\nx";
    amend(&mut tender, &text(&whole), 29).expect("as long as may be");
    amend(&mut tender, &many(DOCUMENTS_MAX - 2), 30).expect("as many as may be");
    let more = amend(&mut tender, &files(vec![one]), 31);
    assert_eq!(code(more), "record.data");
    amend(&mut tender, &words(false, None), DEADLINE - 1).expect("before the deadline");
    tender.close_witnessed();
    let after = amend(&mut tender, &words(false, None), DEADLINE + 3);
    assert_eq!(code(after), "tender.amend-late");
}

#[test]
fn a_suspended_tender_is_amended_and_a_cancelled_one_is_not() {
    let cast = Cast::new(&INTL, "amended");
    let mut tender = published(&cast, &[b"a", b"b"]);
    let halt = Halt {
        reason: "投诉".to_owned(),
    };
    // A record of the agency that waits for its beat would stand behind it.
    tender
        .say(&cast.agency, "tender.suspend", &halt, 15)
        .expect("suspended");
    let outcome = amend(&mut tender, &words(true, None), 16);
    assert!(matches!(outcome, Err(Error::Unavailable { .. })));
    tender.beat(20);
    amend(&mut tender, &words(true, Some(LATER)), 21).expect("suspended, not ended");
    tender
        .say(&cast.agency, "tender.cancel", &halt, 22)
        .expect("cancelled");
    tender.beat(30);
    let outcome = amend(&mut tender, &words(true, None), 31);
    assert_eq!(code(outcome), "tender.halted");
    tender.close(secs(LATER)).expect("closed");
    tender.witness(LATER + 1);
    let tar = tender.archive(LATER + 2);
    assert_valid(&tar);
}

/// Seconds after the start of an instant.
fn at(text: &str) -> i64 {
    let time = mifeng::crypto::Time::parse_rfc3339(text).expect("a time");
    time.as_unix_seconds() - START.as_unix_seconds()
}

/// What may affect bids leaves the time of its procedure, to the second; what does not may come later.
#[test]
fn bidders_have_the_time_that_the_law_gives() {
    let cast = Cast::new(&INTL, "amended");
    // The deadline, and the last second for what may affect bids; National Day lies between.
    let (days, working) = ("2026-10-20T10:00:00+08:00", "2026-10-09T10:00:00+08:00");
    let cases = [
        (Procedure::Open, days, Some("2026-10-05T10:00:00+08:00")),
        (Procedure::Invited, days, Some("2026-10-05T10:00:00+08:00")),
        (
            Procedure::Negotiation,
            working,
            Some("2026-09-29T10:00:00+08:00"),
        ),
        (
            Procedure::Inquiry,
            working,
            Some("2026-09-29T10:00:00+08:00"),
        ),
        (
            Procedure::Consultation,
            days,
            Some("2026-10-15T10:00:00+08:00"),
        ),
        (
            Procedure::Framework,
            days,
            Some("2026-10-05T10:00:00+08:00"),
        ),
        (Procedure::Works, days, Some("2026-10-05T10:00:00+08:00")),
        (Procedure::SingleSource, working, None),
    ];
    for (procedure, deadline, last) in cases {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let list = cast.ca.revocation_list(&[], secs(0), secs(100 * DAY), 2);
        tender.host.add_crl(&list.expect("a list")).expect("taken");
        let mut notice = notice(&cast, tender.host.state(), Kind::Joint);
        lawful(&mut notice, procedure);
        notice.rehearsal = false;
        let until = at(deadline);
        notice.deadline = secs(until);
        let pace = Pace {
            from: secs(until - 50),
            period_ms: 10_000,
        };
        notice.beats = Schedule::new(3, vec![pace]).expect("a schedule");
        tender.publish(&notice).expect("a lawful notice");
        let Some(last) = last.map(at) else {
            amend(&mut tender, &words(true, None), until - 60).expect("the law names no time");
            continue;
        };
        amend(&mut tender, &words(true, None), last).expect("to the second");
        let late = amend(&mut tender, &words(true, None), last + 1);
        assert_eq!(code(late), "tender.amend-late", "{procedure:?}");
        amend(&mut tender, &words(false, None), last + 1).expect("it affects no bid");
        // Moved, the deadline that results is what counts.
        let short = amend(&mut tender, &words(true, Some(until + 1)), last + 2);
        assert_eq!(code(short), "tender.amend-late", "{procedure:?}");
        amend(&mut tender, &words(true, Some(until + 2)), last + 2).expect("moved as far");
        let moved = tender.host.state().postponements();
        assert_eq!(moved.len(), 1, "{procedure:?}");
    }
}

/// A list of what a bidder's program says before it seals has a line about amendments.
#[test]
fn a_bidder_is_told_before_it_seals() {
    let cast = Cast::new(&INTL, "amended");
    let mut tender = published(&cast, &[]);
    let told = |tender: &Tender<'_>| {
        let content = bidder::Content {
            lot: LOT,
            files: Vec::new(),
            opening: Default::default(),
            declarations: Default::default(),
            detail: Vec::new(),
        };
        let none = || Err((String::new(), String::new()));
        let certificates = bidder::Certificates {
            signing: none(),
            encryption: none(),
            chain: &[],
        };
        let replay = tender.bundle().replay;
        let lines = bidder::look(
            &replay,
            bidder::What::Bid,
            &content,
            &certificates,
            secs(30),
        );
        let said = |line: &&bidder::Line| line.en.contains("clarified or changed");
        lines.iter().find(said).map(|line| line.en.clone())
    };
    assert_eq!(told(&tender), None);
    amend(&mut tender, &words(false, None), 20).expect("in time");
    let plain = told(&tender).expect("told");
    assert!(plain.contains("changed 1 times, last"), "{plain}");
    amend(&mut tender, &words(true, None), 25).expect("in time");
    let serious = told(&tender).expect("told");
    assert!(serious.contains("changed 2 times, in ways"), "{serious}");
}
