//! Whose certificate counts for what, at which instant: fixed roots, dates written back, and what
//! the verifier says where nothing is known about revocation.

mod common;

use common::*;
use mifeng::crypto::{GM, INTL, SeededEntropy, Time};
use mifeng::pki::issue::Revocation;
use mifeng::pki::{Certificate, Signer};
use mifeng::tender::{Halt, rules};
use mifeng::{Host, Store, Trusted, Verdict, verify};
use std::collections::BTreeMap;

const ORIGIN: &str = "host.example/t/signers";

fn revocation(certificate: &Certificate, at: i64) -> Revocation {
    Revocation {
        serial: certificate.serial_raw().to_vec(),
        revoked: secs(at),
        reason: 4,
        invalid_since: None,
    }
}

/// A list of `ca` that revokes trustee `number` from second `at` on, made at that second.
fn list_revoking(cast: &Cast, number: usize, at: i64) -> Vec<u8> {
    let signer = &cast.trustees[number].person.signer;
    let revoked = revocation(signer.certificate(), at);
    let list = cast
        .ca
        .revocation_list(&[revoked], secs(at), secs(86_400), 2);
    list.expect("a list")
}

#[test]
fn fixed_roots_judge_each_certificate_by_its_use() {
    let publish = |change: &dyn Fn(&mut Cast)| {
        let mut cast = Cast::new(&INTL, "uses");
        change(&mut cast);
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        let notice = notice(&cast, tender.host.state(), Kind::Board);
        code(tender.publish(&notice))
    };
    assert_eq!(publish(&|_| {}), "accepted");
    // Signing with a machine's certificate needs digitalSignature, not commitment alone.
    let host = publish(&|cast| cast.platform.committing_only(&cast.ca_key));
    assert_eq!(host, rules::BAD_CERTIFICATE.code);
    let trustee = publish(&|cast| {
        let key = cast.ca_key.clone();
        cast.trustees[1].person.committing_only(&key);
        cast.remake_board();
    });
    assert_eq!(trustee, rules::BAD_CERTIFICATE.code);
    // A person commits.
    let agency = publish(&|cast| cast.agency.committing_only(&cast.ca_key));
    assert_eq!(agency, "accepted");
}

/// Up to the window's end, one trustee's shares in, and a record of second 80.
fn shared_once(cast: &Cast) -> Tender<'_> {
    let mut tender = Tender::new(cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close_witnessed();
    tender.close_window(DEADLINE + 3).expect("window closed");
    tender.release(0, DEADLINE + 4).expect("released");
    tender
}

fn pause(tender: &mut Tender<'_>, at: i64) {
    let data = Halt {
        reason: "test".to_owned(),
    };
    let agency = &tender.cast.agency;
    tender
        .say(agency, "tender.suspend", &data, at)
        .expect("paused");
    tender
        .say(agency, "tender.resume", &data, at)
        .expect("resumed");
}

#[test]
fn an_early_date_does_not_help_a_revoked_trustee() {
    let cast = Cast::new(&GM, "back");
    let mut tender = shared_once(&cast);
    let shares = tender.shares(2, DEADLINE + 5).expect("its program");
    let person = &cast.trustees[2].person;
    let dated_back = tender.signed(person, "board.share", &shares, DEADLINE + 5);
    tender
        .host
        .add_crl(&list_revoking(&cast, 2, 70))
        .expect("taken");
    // The log goes on after the revocation; then the record comes with its early date.
    pause(&mut tender, 80);
    assert_eq!(
        code(tender.take(dated_back, 81)),
        rules::REVOKED.code,
        "by the host"
    );
    // The others open the bids.
    tender.release(1, 82).expect("not revoked");
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    assert_valid(&tender.archive(103));
}

#[test]
fn a_late_list_counts_from_its_record() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "late");
        let mut tender = shared_once(&cast);
        let shares = tender.shares(2, DEADLINE + 5).expect("its program");
        tender.release(2, DEADLINE + 6).expect("not revoked yet");
        let list = list_revoking(&cast, 2, 2);
        let undone = tender.host.add_crl(&list);
        assert_eq!(code(undone), rules::REVOKED.code, "it would undo the share");
        let rng = &mut SeededEntropy::new(b"late list");
        let (from, later) = (secs(DEADLINE + 20), secs(DEADLINE + 21));
        let taken = tender.host.take_crl(&list, from, rng).expect("recorded");
        assert_eq!(taken, Some(from));
        let again = tender.host.take_crl(&list, later, rng).map(|_| ());
        assert_eq!(code(again), rules::REPLAY.code);
        // From here on it counts, after a restart too; the share stands.
        tender.reopen();
        let person = &cast.trustees[2].person;
        let late = tender.signed(person, "board.share", &shares, DEADLINE + 22);
        assert_eq!(code(tender.take(late, DEADLINE + 22)), rules::REVOKED.code);
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        let dossier = tender.archive(103);
        assert_valid(&dossier);
        // The verifier needs the list where the record is, and takes none that no record names.
        let mut parts = Parts::of_tar(&dossier).parts;
        let name = |list: &[u8]| format!("crl-taken/{}.crl", suite.hash().digest(list));
        let der = parts.remove(&name(&list)).expect("in the dossier");
        assert_eq!(failing(&parts), Some(("V1", "file.missing".to_owned())));
        parts.insert(name(&list), der);
        assert_eq!(failing(&parts), None);
        let other = list_revoking(&cast, 1, 2);
        parts.insert(name(&other), other);
        assert_eq!(failing(&parts).map(|(check, _)| check), Some("V1"));
    }
}

#[test]
fn a_late_list_undoes_no_stamp() {
    for suite in [&GM, &INTL] {
        let cast = Cast::new(suite, "late stamp");
        let mut tender = shared_once(&cast);
        tender.witness(DEADLINE + 5);
        // Out before the stamp was made, and come after it.
        let revoked = revocation(cast.tsa.signer.certificate(), DEADLINE + 4);
        let list = cast
            .ca
            .revocation_list(&[revoked], secs(DEADLINE + 4), secs(86_400), 2)
            .expect("a list");
        let undone = tender.host.add_crl(&list);
        assert_eq!(code(undone), "stamp.invalid");
        let rng = &mut SeededEntropy::new(b"late stamp");
        let from = secs(DEADLINE + 20);
        let taken = tender.host.take_crl(&list, from, rng).expect("recorded");
        assert_eq!(taken, Some(from));
        // The stamp stands; one that the authority makes after it is refused, and stored nowhere.
        let stored = tender.store.list("tsr/").expect("in memory");
        tender.cosign(DEADLINE + 21);
        let late = tender.stamped(DEADLINE + 21);
        assert_eq!(code(tender.host.add_stamp(&late)), "stamp.invalid");
        assert_eq!(tender.store.list("tsr/").expect("in memory"), stored);
        tender.release(1, DEADLINE + 22).expect("by the stamp");
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        assert_valid(&tender.archive(103));
    }
}

fn failing(parts: &BTreeMap<String, Vec<u8>>) -> Option<(&'static str, String)> {
    let report = verify(&Parts::new(parts.clone()), &Trusted::default()).expect("readable");
    let failure = report.failure()?;
    Some((failure.id, failure.code.clone().unwrap_or_default()))
}

#[test]
fn the_verifier_sees_the_early_date() {
    let cast = Cast::new(&INTL, "back");
    let course = |paused_at: i64| {
        let mut tender = shared_once(&cast);
        let shares = tender.shares(2, DEADLINE + 5).expect("its program");
        let person = &cast.trustees[2].person;
        let dated = tender.signed(person, "board.share", &shares, DEADLINE + 5);
        pause(&mut tender, paused_at);
        tender.take(dated, 91).expect("the host ignores the list");
        tender.release(1, 92).expect("not revoked");
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        // A host that helps the trustee has had the list all along.
        let list = list_revoking(&cast, 2, 70);
        let name = format!("crl/{}.crl", INTL.hash().digest(&list));
        tender
            .store
            .write(&name, &mut &list[..])
            .expect("in memory");
        let report = verify(&Parts::of_tar(&tender.archive(103)), &Trusted::default());
        report
            .expect("readable")
            .failure()
            .map(|check| (check.id, check.code.clone().unwrap_or_default()))
    };
    assert_eq!(course(80), Some(("V3", rules::REVOKED.code.to_owned())));
    // Where the log does not show that the list was out, the record stands.
    assert_eq!(course(DEADLINE + 6), None);
}

#[test]
fn who_signed_before_the_notice_is_judged_at_the_notice_too() {
    let cast = Cast::new(&INTL, "early");
    let attempt = |publish_at: i64| {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        tender
            .host
            .add_crl(&list_revoking(&cast, 2, 2))
            .expect("taken");
        let mut notice = notice(&cast, tender.host.state(), Kind::Board);
        notice.pin(secs(1)).expect("a pack in force");
        let record = tender.signed(&cast.agency, "tender.publish", &notice, publish_at);
        code(tender.take(record, publish_at))
    };
    assert_eq!(attempt(1), "accepted");
    assert_eq!(attempt(3), rules::REVOKED.code);
}

#[test]
fn a_stamp_from_the_future_releases_nothing() {
    let cast = Cast::new(&INTL, "future");
    let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
    tender.receive(3);
    tender.close(secs(DEADLINE)).expect("closed");
    tender.cosign(DEADLINE + 1);
    tender.close_window(DEADLINE + 3).expect("window closed");
    tender.cosign(DEADLINE + 4);
    // Five minutes of skew are allowed between the authority's clock and the trustee's.
    tender.stamp(DEADLINE + 10_000);
    let early = tender.shares(0, DEADLINE + 9_698).map(|_| ());
    assert_eq!(code(early), rules::SHARE_EARLY.code);
    tender.shares(0, DEADLINE + 9_700).expect("within the skew");
}

#[test]
fn the_verifier_counts_whom_no_list_covers() {
    let cast = Cast::new(&INTL, "known");
    let seen = |root_list: Option<Time>| {
        let mut tender = Tender::unpublished(&cast, ORIGIN);
        if let Some(made) = root_list {
            let list = cast.root_ca.revocation_list(&[], made, secs(86_400), 1);
            tender.host.add_crl(&list.expect("a list")).expect("taken");
        }
        let notice = notice(&cast, tender.host.state(), Kind::Board);
        tender.publish(&notice).expect("a lawful notice");
        tender.receive(3);
        let dossier = Parts::of_tar(&tender.finish(Kind::Board));
        let report = verify(&dossier, &Trusted::default()).expect("readable");
        assert!(report.is_valid());
        let mut checks = report.checks;
        assert!(checks.iter().all(|check| check.verdict == Verdict::Pass));
        checks.swap_remove(2)
    };
    // The issuing CA's own standing is the root's to say.
    let none = seen(None);
    assert_eq!(none.revocation_unknown, Some(none.count));
    let told = format!("for {} of them revocation was unknown", none.count);
    assert!(none.saw_en.contains(&told), "{}", none.saw_en);
    let all = seen(Some(START));
    assert_eq!(all.revocation_unknown, Some(0));
    assert!(!all.saw_en.contains("unknown"), "{}", all.saw_en);
    assert!(all.count > 10, "signers are told apart by certificate");
    // A list from second 50 on covers who signs later only.
    let late = seen(Some(secs(50))).revocation_unknown;
    assert!(late > Some(0) && late < Some(all.count), "{late:?}");
}

#[test]
fn a_gap_between_two_lists_is_cleared_by_the_later() {
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
    let list = |from: i64, until: i64, number: u64| {
        let list = cast
            .ca
            .revocation_list(&[], secs(from), secs(until), number);
        list.expect("a list")
    };
    tender.host.add_crl(&list(0, 104, 1)).expect("taken");
    for record in &cast.board {
        tender.take(record.clone(), 0).expect("board");
    }
    let notice = notice(&cast, tender.host.state(), Kind::Board);
    tender.publish(&notice).expect("lawful");
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    // The CA is late with its next list, and the agency signs in between.
    let data = Halt {
        reason: "test".to_owned(),
    };
    let record = tender.signed(&cast.agency, "tender.suspend", &data, 107);
    let outcome = tender.take(record.clone(), 107);
    assert_eq!(code(outcome), rules::BAD_CERTIFICATE.code);
    tender.host.add_crl(&list(110, 86_400, 2)).expect("taken");
    tender.take(record, 111).expect("the later list clears it");
    assert_valid(&tender.archive(120));
}
