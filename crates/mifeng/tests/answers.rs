//! OCSP answers in the log (`ocsp.take`): whom they refuse, from when on, and what they undo: nothing.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, KeyAlg, PrivateKey, SeededEntropy};
use mifeng::pki::issue::{OcspEntry, Profile, Subject, Validity, delegated_ocsp_response};
use mifeng::pki::{Certificate, OcspStatus, Revoked, Signer, SoftwareSigner};
use mifeng::tender::{ANSWERS_MAX, BidLife, BidOutcome, BidWithdraw, Halt, rules};
use mifeng::{Error, Export, Host, Trusted, check_store, verify};
use std::collections::BTreeMap;

const ORIGIN: &str = "host.example/t/answers";

fn good() -> OcspStatus {
    OcspStatus::Good
}

fn revoked(at: i64, reason: u8) -> OcspStatus {
    OcspStatus::Revoked(Revoked {
        revoked: secs(at),
        reason,
        invalid_since: None,
    })
}

/// What is said at second `made`, until second `ends`.
fn entry(about: &Certificate, status: OcspStatus, (made, ends): (i64, i64)) -> OcspEntry {
    OcspEntry {
        serial: about.serial_raw().to_vec(),
        status,
        this_update: secs(made),
        next_update: Some(secs(ends)),
    }
}

/// What the CA itself says.
fn says(cast: &Cast, about: &Person, status: OcspStatus, times: (i64, i64)) -> Vec<u8> {
    let one = entry(about.signer.certificate(), status, times);
    let response = cast.ca.ocsp_response(&[one], secs(times.0), None);
    response.expect("a response")
}

fn take(tender: &mut Tender<'_>, der: &[u8], at: i64) -> Result<i64, Error> {
    let above = [tender.cast.ca.certificate().clone()];
    let rng = &mut SeededEntropy::new(&at.to_be_bytes());
    let from = tender.host.take_ocsp(der, &above, secs(at), rng)?;
    Ok(from.as_unix_seconds() - START.as_unix_seconds())
}

fn pause(tender: &mut Tender<'_>, at: i64) -> Result<(), Error> {
    let data = Halt {
        reason: "test".to_owned(),
    };
    let agency = &tender.cast.agency;
    tender.say(agency, "tender.suspend", &data, at)?;
    tender.say(agency, "tender.resume", &data, at)
}

/// Whether whoever fetches the records of now sees what somebody's CA answers.
fn shows_answers(tender: &Tender<'_>) -> bool {
    let parts = Parts::of_tar(&tender.tar(Export::Records)).parts;
    parts.keys().any(|name| name.starts_with("ocsp-taken/"))
}

fn failing(parts: &BTreeMap<String, Vec<u8>>) -> Option<(&'static str, String)> {
    let report = verify(&Parts::new(parts.clone()), &Trusted::default()).expect("readable");
    let failure = report.failure()?;
    Some((failure.id, failure.code.clone().unwrap_or_default()))
}

#[test]
fn a_revoked_bidder_is_refused_from_the_record_on_and_its_bid_stays() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "answers");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Joint);
        tender.receive(4);
        // Revoked before everything; the log hears of it now.
        let der = says(&cast, &cast.bidders[3], revoked(2, 1), (40, 41));
        assert_eq!(take(&mut tender, &der, 41).expect("taken"), 41);
        assert!(!shows_answers(&tender), "before its beat");
        let id = tender.bids[3].id;
        let withdraw = BidWithdraw { seal: id };
        let late = tender.say(&cast.bidders[3], "bid.withdraw", &withdraw, 42);
        assert_eq!(code(late), rules::REVOKED.code);
        // One that was signed before and comes after.
        let dated = tender.signed(&cast.bidders[3], "bid.withdraw", &withdraw, 39);
        assert_eq!(code(tender.take(dated, 43)), rules::REVOKED.code);
        assert_eq!(tender.host.state().bids()[&id].life, BidLife::Live);
        tender.beat(50);
        assert!(!shows_answers(&tender), "it would tell who bids");
        tender.close_witnessed();
        assert!(shows_answers(&tender));
        tender.reopen();
        let released = tender.release_leaf(3, DEADLINE + 2);
        assert_eq!(code(released), rules::REVOKED.code);
        for number in 0..3 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        tender.close_window(WINDOW_END).expect("window closed");
        for number in 0..2 {
            tender.release(number, WINDOW_END + 1).expect("released");
        }
        tender.open_all(WINDOW_END + 40);
        let opened = |id| matches!(tender.host.state().outcomes()[&id], BidOutcome::Opened(_));
        assert!(!opened(id), "nobody released its leaf");
        assert!(opened(tender.bids[0].id));
        let seated = tender.draw(WINDOW_END + 41);
        assert!(tender.evaluate(&seated, WINDOW_END + 42));
        let dossier = tender.archive(WINDOW_END + 43);
        assert_valid(&dossier);
        // The verifier needs the response where the record is.
        let mut parts = Parts::of_tar(&dossier).parts;
        let name = format!("ocsp-taken/{}.ocsp", suite.hash().digest(&der));
        parts.remove(&name).expect("in the dossier");
        assert_eq!(failing(&parts), Some(("V1", "file.missing".to_owned())));
    }
}

/// Up to the window's end.
fn released(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::new(cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("window closed");
    tender
}

#[test]
fn what_was_good_sets_no_term_and_a_hold_ends_with_a_newer_word() {
    let cast = Cast::new(&INTL, "answers");
    let mut tender = released(&cast);
    let agency = &cast.agency;
    let say = |tender: &mut Tender<'_>, status, times, at| {
        take(tender, &says(&cast, agency, status, times), at).map(|_| ())
    };
    say(&mut tender, good(), (63, 65), 64).expect("taken");
    pause(&mut tender, 70).expect("an answer that ended bars nobody");
    say(&mut tender, revoked(71, 6), (72, 73), 73).expect("taken");
    assert_eq!(code(pause(&mut tender, 74)), rules::REVOKED.code);
    // A word from before the hold does not end it, though it has not ended itself.
    let back = say(&mut tender, good(), (71, 500), 75);
    assert_eq!(code(back), rules::BAD_ANSWER.code);
    assert_eq!(code(pause(&mut tender, 75)), rules::REVOKED.code);
    say(&mut tender, good(), (76, 78), 77).expect("taken");
    pause(&mut tender, 79).expect("the hold is over");
    say(&mut tender, revoked(2, 4), (80, 81), 80).expect("taken");
    assert_eq!(code(pause(&mut tender, 81)), rules::REVOKED.code);
    let back = say(&mut tender, good(), (82, 500), 83);
    assert_eq!(code(back), rules::BAD_ANSWER.code, "revoked for good");
    tender.reopen();
    assert_eq!(code(pause(&mut tender, 84)), rules::REVOKED.code);
}

#[test]
fn an_answer_counts_from_when_it_was_made_if_that_is_later() {
    let cast = Cast::new(&INTL, "answers");
    let mut tender = released(&cast);
    // The responder's clock is ahead.
    let der = says(&cast, &cast.agency, revoked(2, 4), (90, 500));
    assert_eq!(take(&mut tender, &der, 70).expect("taken"), 90);
    pause(&mut tender, 89).expect("not yet");
    assert_eq!(code(pause(&mut tender, 90)), rules::REVOKED.code);
}

#[test]
fn a_revocation_outlives_the_responder_that_said_it() {
    let cast = Cast::new(&INTL, "answers");
    let rng = &mut SeededEntropy::new(b"responder");
    let key = PrivateKey::generate(KeyAlg::P256, rng).expect("a key");
    let validity = Validity {
        not_before: START,
        not_after: secs(75),
    };
    let (subject, public) = (Subject::named("OCSP"), key.public_key().expect("a key"));
    let certificate = cast
        .ca
        .issue(
            &subject,
            &public,
            Profile::OcspResponder,
            validity,
            &[7; 16],
        )
        .expect("issued");
    let responder = SoftwareSigner::new(key, certificate, Vec::new()).expect("a pair");
    let mut tender = released(&cast);
    let said = |about: &Person, status, times: (i64, i64)| {
        let one = entry(about.signer.certificate(), status, times);
        let issuer = cast.ca.certificate();
        delegated_ocsp_response(&responder, issuer, &[one], secs(times.0), None).expect("said")
    };
    let der = said(&cast.agency, revoked(2, 4), (70, 71));
    take(&mut tender, &der, 72).expect("taken");
    let der = said(&cast.buyer, good(), (70, 500));
    take(&mut tender, &der, 73).expect("taken");
    // Signed in its time, and brought when that is over.
    let der = said(&cast.platform, good(), (70, 500));
    assert_eq!(code(take(&mut tender, &der, 77)), rules::BAD_ANSWER.code);
    assert_eq!(code(pause(&mut tender, 80)), rules::REVOKED.code);
    // The list of the CA says good of everybody, and so does nobody's end make trouble for others.
    for number in 0..2 {
        tender.release(number, WINDOW_END).expect("released");
    }
    for seal in tender.host.state().to_open() {
        tender.open(&seal, WINDOW_END + 1).expect("opened");
    }
}

#[test]
fn answers_fill_the_gap_between_two_lists() {
    let cast = Cast::new(&INTL, "gap");
    let store = Memory::default();
    let rng = &mut SeededEntropy::new(b"gap");
    let roots = std::slice::from_ref(&cast.root);
    let host = Host::create(
        store.clone(),
        cast.suite,
        ORIGIN,
        keys(&cast),
        roots,
        START,
        rng,
    );
    let mut tender = Tender::on(&cast, store, host.expect("a new log"), b"gap");
    let list = cast.ca.revocation_list(&[], START, secs(104), 1);
    tender.host.add_crl(&list.expect("a list")).expect("taken");
    for record in &cast.board {
        tender.take(record.clone(), 0).expect("board");
    }
    let notice = notice(&cast, tender.host.state(), Kind::Board);
    tender.publish(&notice).expect("lawful");
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    // The host itself needs an answer before the list ends.
    let der = says(&cast, &cast.platform, good(), (101, 500));
    take(&mut tender, &der, 102).expect("taken");
    let data = Halt {
        reason: "test".to_owned(),
    };
    let early = tender.signed(&cast.agency, "tender.suspend", &data, 107);
    let outcome = tender.take(early.clone(), 107);
    assert_eq!(code(outcome), rules::BAD_CERTIFICATE.code);
    let der = says(&cast, &cast.agency, good(), (108, 500));
    take(&mut tender, &der, 109).expect("taken");
    // It was made later, and clears what was signed in the gap.
    tender.take(early, 110).expect("cleared");
    // What was signed before a revocation was heard of, and comes after it, is refused.
    let resume = tender.signed(&cast.agency, "tender.resume", &data, 111);
    let der = says(&cast, &cast.agency, revoked(2, 4), (112, 500));
    take(&mut tender, &der, 113).expect("taken");
    assert_eq!(code(tender.take(resume, 114)), rules::REVOKED.code);
}

#[test]
fn an_answer_tells_what_no_list_does() {
    let cast = Cast::new(&INTL, "known");
    let seen = |at: Option<i64>| {
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        if let Some(at) = at {
            // About the CA, by its root: the CA's own list says the rest.
            let one = entry(cast.ca.certificate(), good(), (1, 86_400));
            let der = cast.root_ca.ocsp_response(&[one], secs(1), None);
            let rng = &mut SeededEntropy::new(b"known");
            let der = der.expect("a response");
            tender
                .host
                .take_ocsp(&der, &[], secs(at), rng)
                .expect("taken");
        }
        tender.receive(3);
        let dossier = Parts::of_tar(&tender.finish(Kind::Board));
        let report = verify(&dossier, &Trusted::default()).expect("readable");
        assert!(report.is_valid());
        let mut checks = report.checks;
        checks.swap_remove(2)
    };
    let (none, all) = (seen(None), seen(Some(2)));
    assert_eq!(none.revocation_unknown, Some(none.count));
    // Unknown stay those alone who signed before: host, board and agency.
    let left = all.revocation_unknown.expect("counted");
    assert!(left < none.count && left >= 5, "{left} of {}", none.count);
    assert!(all.saw_en.contains(", 1 OCSP answers"), "{}", all.saw_en);
    assert!(!none.saw_en.contains("OCSP"), "{}", none.saw_en);
}

#[test]
fn a_late_answer_undoes_no_stamp() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "stamp");
        let mut tender = released(&cast);
        tender.witness(DEADLINE + 5);
        let status = || revoked(DEADLINE + 4, 4);
        let der = says(&cast, &cast.tsa, status(), (DEADLINE + 6, DEADLINE + 7));
        // A stamp of an authority whose clock is ahead, and an answer that would count for it.
        let unavailable = take(&mut tender, &der, DEADLINE + 5).map(|_| ());
        assert_eq!(code(unavailable), "system.unavailable");
        let from = take(&mut tender, &der, DEADLINE + 20).expect("taken");
        assert_eq!(from, DEADLINE + 20);
        tender.cosign(DEADLINE + 21);
        let late = tender.stamped(DEADLINE + 21);
        assert_eq!(code(tender.host.add_stamp(&late)), "stamp.invalid");
        for number in 0..2 {
            tender.release(number, DEADLINE + 22).expect("by the stamp");
        }
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        assert_valid(&tender.archive(103));
    }
}

#[test]
fn it_is_for_the_host_between_notice_and_archive_and_for_cas_that_count() {
    let cast = Cast::new(&INTL, "door");
    let mut tender = Tender::unpublished(&cast, ORIGIN);
    let der = says(&cast, &cast.agency, good(), (1, 500));
    assert_eq!(code(take(&mut tender, &der, 1)), rules::WRONG_STAGE.code);
    let notice = notice(&cast, tender.host.state(), Kind::Board);
    tender.publish(&notice).expect("lawful");
    assert_eq!(code(take(&mut tender, b"no response", 2)), "pki.malformed");
    // The host knows its own CA: nothing need be given.
    let rng = &mut SeededEntropy::new(b"door");
    tender
        .host
        .take_ocsp(&der, &[], secs(2), rng)
        .expect("taken");
    assert_eq!(code(take(&mut tender, &der, 3)), rules::REPLAY.code);
    let stranger = Cast::new(&INTL, "stranger");
    let der = says(&stranger, &stranger.agency, good(), (1, 500));
    let above = [
        stranger.ca.certificate().clone(),
        cast.ca.certificate().clone(),
    ];
    for given in [&above[..1], &above] {
        let refused = tender.host.take_ocsp(&der, given, secs(4), rng);
        assert_eq!(code(refused), rules::BAD_ANSWER.code);
    }
    assert_eq!(tender.host.state().answers_taken().len(), 1);
}

#[test]
fn a_log_takes_so_many_and_no_more() {
    let cast = Cast::new(&INTL, "many");
    let mut tender = released(&cast);
    let said = |number: usize| {
        let [.., high, low] = number.to_be_bytes();
        let one = OcspEntry {
            serial: vec![1, high, low],
            status: good(),
            this_update: secs(69),
            next_update: Some(secs(500)),
        };
        let response = cast.ca.ocsp_response(&[one], secs(69), None);
        response.expect("a response")
    };
    for number in 0..ANSWERS_MAX {
        take(&mut tender, &said(number), 70).expect("one of them");
    }
    let more = take(&mut tender, &said(ANSWERS_MAX), 70);
    assert_eq!(code(more), rules::BAD_ANSWER.code);
    pause(&mut tender, 71).expect("they bar nobody");
}

#[test]
fn what_is_refused_leaves_no_file_and_a_host_does_not_end_itself() {
    let cast = Cast::new(&INTL, "leftovers");
    let mut tender = released(&cast);
    let at = WINDOW_END + 2;
    let kept = |tender: &Tender<'_>| {
        let files = tender.store.files();
        files
            .keys()
            .filter(|name| name.starts_with("ocsp-taken/"))
            .count()
    };
    // It ended before.
    let der = says(&cast, &cast.agency, good(), (at - 9, at - 5));
    assert!(matches!(
        take(&mut tender, &der, at),
        Err(Error::Refused(_))
    ));
    let own = entry(
        cast.platform.signer.certificate(),
        revoked(at - 3, 4),
        (at - 2, at + 9),
    );
    let own = cast
        .ca
        .ocsp_response(&[own], secs(at - 2), None)
        .expect("a response");
    assert_eq!(code(take(&mut tender, &own, at)), rules::BAD_ANSWER.code);
    assert_eq!(kept(&tender), 0);
    let der = says(&cast, &cast.agency, good(), (at, at + 9));
    take(&mut tender, &der, at).expect("taken");
    assert_eq!(kept(&tender), 1);
    let checked = check_store(&tender.store).expect("replays");
    assert!(checked.findings.is_empty());
    let name = format!("ocsp-taken/{}.ocsp", INTL.hash().digest(b"other"));
    tender
        .store
        .files()
        .insert(name.clone(), b"another".to_vec());
    let checked = check_store(&tender.store).expect("replays");
    let found: Vec<String> = checked.findings.into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, [name]);
}
