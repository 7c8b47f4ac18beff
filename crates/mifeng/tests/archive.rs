//! What happens to evidence later: receipts completed, dossiers shown to the public and renewed.

mod common;

use common::*;
use mifeng::crypto::{GM, HashAlg, INTL, SeededEntropy, Suite};
use mifeng::pki::issue::{OcspEntry, Profile, Subject, delegated_ocsp_response};
use mifeng::pki::{OcspStatus, Revoked, Signer, tsp};
use mifeng::{
    Export, Files, Receipt, RenewalMaterial, Tar, TenderKeys, Trusted, Verdict, public_export,
    renew, renewal_statement, verify,
};
use std::collections::BTreeMap;

const SUITES: [&Suite; 2] = [&GM, &INTL];
const ORIGIN: &str = "host.example/t/archive";
const DAY: i64 = 86_400;

fn failure(parts: BTreeMap<String, Vec<u8>>) -> (String, String) {
    let report = verify(&Parts::new(parts), &Trusted::default()).expect("in memory");
    let failed = report.failure().expect("a failed check").clone();
    (failed.id.to_owned(), failed.code.unwrap_or_default())
}

/// What an authority answers to a statement.
fn stamped(cast: &Cast, alg: HashAlg, text: &[u8], at: i64) -> Vec<u8> {
    let request = tsp::Request::new(alg.digest(text), alg, None);
    let signer = &cast.tsa.signer;
    tsp::respond(signer, "1.3.6.1.4.1.32473.1", 9, secs(at), &request).expect("stamped")
}

#[test]
fn a_receipt_gains_cosignatures_and_a_stamp_and_needs_public_keys_only() {
    for suite in SUITES {
        let cast = Cast::new(suite, "archive");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(2);
        let record = tender.bids[0].record.clone();
        tender.close(secs(DEADLINE)).expect("closed");
        let given = tender.host.receipt_again(&record, secs(DEADLINE));
        let given = given.expect("in the log");
        let early = tender.bundle();
        let keys = TenderKeys::of(&early.replay).expect("keys");
        let keys = TenderKeys::from_file(&keys.to_file().expect("a file")).expect("read again");
        let plain = given.verify_with(&record, &keys).expect("holds");
        assert_eq!(plain.witnessed, None);
        // Nobody has cosigned a head yet.
        assert_eq!(
            code(given.with_evidence(&early.replay, &early.files)),
            "log.quorum"
        );
        tender.witness(DEADLINE + 1);
        let later = tender.bundle();
        let whole = given
            .with_evidence(&later.replay, &later.files)
            .expect("cosigned and stamped");
        let file = whole.to_file().expect("a file");
        let whole = Receipt::from_file(&file).expect("read again");
        let seen = whole.verify_with(&record, &keys).expect("holds").witnessed;
        let seen = seen.expect("evidence");
        assert_eq!((seen.cosigned.len(), seen.stamped.len()), (3, 1));
        assert_eq!(seen.first(), Some(secs(DEADLINE + 1)));
        assert_eq!(seen.size, later.replay.tree.size());
        // Another bidder's record, and every byte of the evidence.
        let other = &tender.bids[1].record;
        assert_eq!(
            code(whole.verify_with(other, &keys)),
            "receipt.other-record"
        );
        let start = "{\"evidence\":".len();
        let text = String::from_utf8(file.clone()).expect("text");
        let end = text.find(",\"receipt\":").expect("the next member");
        for at in (start..end).step_by(7) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let outcome = Receipt::from_file(&changed).and_then(|r| r.verify_with(&record, &keys));
            assert!(outcome.is_err(), "byte {at}");
        }
        tender.close_window(DEADLINE + 3).expect("closed");
        tender.open_all(100);
        let dossier = Parts::of_tar(&tender.archive(103));
        let replay = mifeng::Replay::of(&dossier).expect("replays");
        assert!(whole.hold_against(&record, &replay).is_ok());
        let lying = Tender::new(&cast, ORIGIN, Kind::Board);
        assert_eq!(
            code(whole.hold_against(&record, &lying.bundle().replay)),
            "receipt.breach"
        );
    }
}

#[test]
fn the_public_export_withholds_bids_and_says_what_it_did_not_check() {
    for suite in SUITES {
        let cast = Cast::new(suite, "archive");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(3);
        let open = tender.tar(Export::Records);
        let mut out = Vec::new();
        let early = public_export(&Parts::of_tar(&open), &mut out);
        assert_eq!(code(early), "dossier.open");
        let dossier = tender.finish(Kind::Board);
        let whole = Parts::of_tar(&dossier);
        let mut out = Vec::new();
        assert_eq!(public_export(&whole, &mut out).expect("written").bids, 3);
        let public = Tar::of_bytes(out.as_slice()).expect("a bundle");
        assert!(out.len() * 3 < dossier.len());
        assert!(!public.index().keys().any(|name| name.starts_with("seal/")));
        let report = verify(&public, &Trusted::default()).expect("in memory");
        assert!(report.is_valid(), "{:?}", report.failure());
        assert_eq!(report.in_part(), ["V3", "V4", "V7", "V10", "V14"]);
        assert!(report.conclusion().1.contains("as far as it is public"));
        // An export of an export is the same export.
        let mut again = Vec::new();
        assert_eq!(public_export(&public, &mut again).expect("written").bids, 3);
        assert_eq!(again, out);

        let parts = Parts::of_tar(&out).parts;
        let list = String::from_utf8(parts["withheld.txt"].clone()).expect("text");
        let with = |text: &str| {
            let mut other = parts.clone();
            other.insert("withheld.txt".to_owned(), text.as_bytes().to_vec());
            failure(other)
        };
        let v1 = |code: &str| ("V1".to_owned(), code.to_owned());
        let (first, rest) = list.split_once('\n').expect("lines");
        assert_eq!(with(rest), v1("dossier.files"));
        assert_eq!(with(&format!("{rest}{first}\n")), v1("file.withheld"));
        assert_eq!(with(list.trim_end()), v1("file.withheld"));
        assert_eq!(with(""), v1("file.withheld"));
        assert_eq!(
            with(&list.replacen("seal/", "body/", 1)),
            v1("file.withheld")
        );
        let flipped = if first.starts_with('0') { "1" } else { "0" };
        assert_eq!(
            with(&format!("{flipped}{}", &list[1..])),
            v1("dossier.files")
        );
        let stranger = format!("{} 1 seal/{}.bid\n", "0".repeat(64), "0".repeat(64));
        assert_eq!(with(&format!("{stranger}{list}")), v1("dossier.files"));
        let mut both = parts.clone();
        let sealed = whole
            .parts
            .iter()
            .find(|(name, _)| name.starts_with("seal/"));
        let (name, bytes) = sealed.expect("a bid");
        both.insert(name.clone(), bytes.clone());
        assert_eq!(failure(both), v1("file.withheld"));
        let mut without = whole.parts.clone();
        without.retain(|name, _| !name.starts_with("seal/"));
        let (check, _) = failure(without);
        assert_eq!(check, "V1");
    }
}

#[test]
fn renewals_form_a_chain() {
    for (suite, other) in [(&GM, &INTL), (&INTL, &GM)] {
        let none = RenewalMaterial::default();
        let cast = Cast::new(suite, "archive");
        let stranger = Cast::new(other, "another authority");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(1);
        tender.close_witnessed();
        tender.close_window(DEADLINE + 3).expect("closed");
        tender.open_all(100);
        let dossier = tender.archive(103);
        let files = Parts::of_tar(&dossier);

        // By an authority that the tender recognises.
        let text = renewal_statement(&files, suite.hash(), none).expect("a dossier");
        let token = stamped(&cast, suite.hash(), &text, DAY);
        let mut once = Vec::new();
        let done = renew(&files, &token, none, &mut once).expect("renewed");
        assert_eq!(
            (done.n, done.at, done.root_is_carried),
            (1, secs(DAY), false)
        );
        let first = Parts::of_tar(&once);

        // With the other hash, by an authority of another world that brings its root.
        let text = renewal_statement(&first, other.hash(), none).expect("a dossier");
        let token = stamped(&stranger, other.hash(), &text, 2 * DAY);
        let unknown = renew(&first, &token, none, &mut Vec::new());
        assert_eq!(code(unknown), "renewal.invalid");
        let own = RenewalMaterial {
            root: Some(&stranger.root),
            ..none
        };
        let text = renewal_statement(&first, other.hash(), own).expect("a dossier");
        let token = stamped(&stranger, other.hash(), &text, 2 * DAY);
        let mut twice = Vec::new();
        let done = renew(&first, &token, own, &mut twice).expect("renewed");
        assert_eq!((done.n, done.root_is_carried), (2, true));
        let second = Parts::of_tar(&twice);
        let report = verify(&second, &Trusted::default()).expect("in memory");
        assert!(report.is_valid(), "{:?}", report.failure());
        assert!(report.checks[1].saw_en.contains("renewed 2 times"));
        assert!(report.checks.iter().all(|c| c.verdict == Verdict::Pass));

        // An auditor who names roots names that one too.
        let root = |cast: &Cast| cast.root.fingerprint(suite.hash());
        let mut trusted = Trusted {
            roots: vec![root(&cast)],
            ..Trusted::default()
        };
        let report = verify(&second, &trusted).expect("in memory");
        let code_of = |r: &mifeng::Report| r.failure().and_then(|c| c.code.clone());
        assert_eq!(code_of(&report).as_deref(), Some("cert.untrusted-root"));
        trusted.roots.push(root(&stranger));
        assert!(verify(&second, &trusted).expect("in memory").is_valid());

        // Backwards in time, over other files, one missing, one too many.
        let text = renewal_statement(&first, suite.hash(), none).expect("a dossier");
        let back = stamped(&cast, suite.hash(), &text, DAY - 1);
        let outcome = renew(&first, &back, none, &mut Vec::new());
        assert_eq!(code(outcome), "renewal.invalid");
        let wrong = stamped(&cast, suite.hash(), b"something else", 3 * DAY);
        let outcome = renew(&first, &wrong, none, &mut Vec::new());
        assert_eq!(code(outcome), "renewal.invalid");
        let v = |check: &str, code: &str| (check.to_owned(), code.to_owned());
        let mut parts = second.parts.clone();
        parts.remove("renewal/0001.tsr");
        assert_eq!(failure(parts), v("V2", "renewal.invalid"));
        let mut parts = second.parts.clone();
        parts.insert("renewal/0003.tsr".to_owned(), token.clone());
        assert_eq!(failure(parts), v("V1", "file.unexpected"));
        let mut parts = first.parts.clone();
        parts.insert("renewal/0001.cer".to_owned(), stranger.root.der().to_vec());
        assert_eq!(failure(parts), v("V2", "renewal.invalid"));
        for name in ["json", "tsr", "cer"].map(|end| format!("renewal/0002.{end}")) {
            for at in [
                0,
                second.parts[&name].len() / 2,
                second.parts[&name].len() - 1,
            ] {
                let mut parts = second.parts.clone();
                parts.get_mut(&name).expect("there")[at] ^= 1;
                let (check, _) = failure(parts);
                assert_eq!(check, "V2", "{name} byte {at}");
            }
        }
        // The public export leaves renewals out: they are over what it withholds.
        let mut out = Vec::new();
        public_export(&second, &mut out).expect("written");
        let public = Parts::of_tar(&out);
        assert!(!public.parts.keys().any(|name| name.starts_with("renewal/")));
        assert!(
            verify(&public, &Trusted::default())
                .expect("in memory")
                .is_valid()
        );
        // What is open is not renewed.
        let bundle = Tender::new(&cast, ORIGIN, Kind::Board).tar(Export::Records);
        let outcome = renewal_statement(&Parts::of_tar(&bundle), suite.hash(), none);
        assert_eq!(code(outcome), "renewal.invalid");
    }
}

/// A time-stamp authority and a responder of the cast's CA.
fn served(cast: &Cast) -> (Person, Person) {
    let rng = &mut SeededEntropy::new(b"served");
    let mut one = |name, profile| {
        let subject = Subject::named(name);
        issue(cast.suite, &cast.ca, &subject, profile, secs(-60), rng)
    };
    let authority = one("时间戳机构二", Profile::TimeStamping);
    (authority, one("OCSP", Profile::OcspResponder))
}

/// A first renewal of a dossier with stamped heads, by another authority of the same CA; its responder says this about the
/// authority that stamped the heads.
fn renewed_with(
    cast: &Cast,
    files: &Parts,
    status: OcspStatus,
    until: i64,
) -> Result<Vec<u8>, mifeng::Error> {
    let (authority, responder) = served(cast);
    let entry = OcspEntry {
        serial: cast.tsa.signer.certificate().serial_raw().to_vec(),
        status,
        this_update: secs(DAY - 60),
        next_update: Some(secs(until)),
    };
    let (at, issuer) = (secs(DAY - 60), cast.ca.certificate());
    let response = delegated_ocsp_response(&responder.signer, issuer, &[entry], at, None);
    let material = RenewalMaterial {
        ocsp: &[response.expect("a response")],
        ..RenewalMaterial::default()
    };
    let alg = cast.suite.hash();
    let text = renewal_statement(files, alg, material)?;
    let request = tsp::Request::new(alg.digest(&text), alg, None);
    let token = tsp::respond(
        &authority.signer,
        "1.3.6.1.4.1.32473.1",
        9,
        secs(DAY),
        &request,
    );
    let mut out = Vec::new();
    renew(files, &token.expect("stamped"), material, &mut out)?;
    Ok(out)
}

#[test]
fn a_first_renewal_asks_who_stamped_the_heads() {
    for suite in SUITES {
        let cast = Cast::new(suite, "archive");
        let mut tender = Tender::new(&cast, ORIGIN, Kind::Board);
        tender.receive(1);
        tender.close_witnessed();
        tender.close_window(DEADLINE + 3).expect("closed");
        tender.open_all(100);
        let files = Parts::of_tar(&tender.archive(103));
        let tokens = files
            .parts
            .iter()
            .filter(|(name, _)| name.starts_with("tsr/"));
        let times = tokens.map(|(_, token)| tsp::Stamped::read(token).expect("a token").gen_time());
        let last = times.max().expect("a stamped head");
        let revoked = |revoked| {
            OcspStatus::Revoked(Revoked {
                revoked,
                reason: 1,
                invalid_since: None,
            })
        };
        let day_after = 2 * DAY;
        let good = renewed_with(&cast, &files, OcspStatus::Good, day_after).expect("renewed");
        let report = verify(&Parts::of_tar(&good), &Trusted::default()).expect("in memory");
        assert!(report.is_valid(), "{:?}", report.failure());
        // Revoked since: it was not when it stamped.
        let later = revoked(plus_nanos(last, 1_000_000_000));
        let later = renewed_with(&cast, &files, later, day_after).expect("renewed");
        let report = verify(&Parts::of_tar(&later), &Trusted::default()).expect("in memory");
        assert!(report.is_valid(), "{:?}", report.failure());
        for refused in [revoked(last), OcspStatus::Unknown] {
            let outcome = renewed_with(&cast, &files, refused, day_after);
            assert_eq!(code(outcome), "renewal.invalid");
        }
        // What ended before the renewal still speaks for the stamps before.
        assert!(renewed_with(&cast, &files, OcspStatus::Good, DAY - 1).is_ok());
    }
}
