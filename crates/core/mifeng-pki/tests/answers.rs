//! Answers that are verified once: who may say them, and what they say from then on.

use mifeng_crypto::{GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{
    CertificateAuthority, OcspEntry, Profile, Subject, Validity, delegated_ocsp_response,
};
use mifeng_pki::{
    Anchors, Certificate, Error, Material, OcspResponse, OcspStatus, Policy, Purpose,
    RevocationRule, Revoked, SoftwareSigner, Standing, VerifiedAnswer, judge_path, pem,
};
use std::process::Command;

const START: i64 = 1_790_000_000;

fn secs(seconds: i64) -> Time {
    Time::from_unix_seconds(START + seconds)
}

fn validity(until: i64) -> Validity {
    Validity {
        not_before: secs(-1_000),
        not_after: secs(until),
    }
}

fn key(suite: &Suite, seed: &str) -> PrivateKey {
    let alg = match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    };
    PrivateKey::generate(alg, &mut SeededEntropy::new(seed.as_bytes())).expect("key")
}

/// A root, a CA under it, that CA's responder and two people.
struct World {
    suite: &'static Suite,
    root: CertificateAuthority,
    ca: CertificateAuthority,
    responder: SoftwareSigner,
    leaf: Certificate,
    other: Certificate,
}

impl World {
    fn new(suite: &'static Suite, seed: &str) -> Self {
        let far = validity(100_000_000);
        let named = |name: &str| Subject::named(&format!("{seed} {name}"));
        let own = |name: &str| key(suite, &format!("{seed} {name}"));
        let public = |name: &str| own(name).public_key().expect("public key");
        let root = CertificateAuthority::new_root(own("root"), &named("root"), far, &[1]);
        let root = root.expect("root");
        let issue = |by: &CertificateAuthority, name: &str, profile, valid, serial: u8| {
            let made = by.issue(&named(name), &public(name), profile, valid, &[serial]);
            made.expect("certificate")
        };
        let below = root.issue_ca(&named("ca"), &public("ca"), None, far, &[2]);
        let ca = CertificateAuthority::from_parts(own("ca"), below.expect("certificate"));
        let ca = ca.expect("a pair");
        let certificate = issue(&ca, "responder", Profile::OcspResponder, validity(100), 3);
        World {
            leaf: issue(&ca, "leaf", Profile::BidderSign, far, 10),
            other: issue(&ca, "other", Profile::BidderSign, far, 11),
            responder: SoftwareSigner::new(own("responder"), certificate, Vec::new())
                .expect("a pair"),
            suite,
            root,
            ca,
        }
    }

    fn entry(&self, status: OcspStatus, times: (i64, Option<i64>)) -> OcspEntry {
        OcspEntry {
            serial: self.leaf.serial_raw().to_vec(),
            status,
            this_update: secs(times.0),
            next_update: times.1.map(secs),
        }
    }

    fn says(&self, status: OcspStatus, times: (i64, Option<i64>)) -> OcspResponse {
        let (entry, at) = (self.entry(status, times), secs(times.0));
        let der =
            delegated_ocsp_response(&self.responder, self.ca.certificate(), &[entry], at, None);
        OcspResponse::parse(&der.expect("a response")).expect("reads")
    }

    fn anchors(&self) -> Anchors {
        Anchors::new(vec![self.root.certificate().clone()])
    }

    fn verify(&self, response: &OcspResponse, at: i64) -> Result<VerifiedAnswer, Error> {
        let above = [self.ca.certificate().clone()];
        let anchors = self.anchors();
        VerifiedAnswer::verify(response, &above, &anchors, &[], secs(at), self.suite)
    }

    /// Of the leaf, where an answer is required of everybody but the CA.
    fn standing(
        &self,
        answers: &[VerifiedAnswer],
        at: i64,
        revocation: RevocationRule,
    ) -> Result<Standing, &'static str> {
        let mut policy = Policy::new(Purpose::Signing, self.suite);
        policy.revocation = revocation;
        let material = Material {
            answers,
            ..Material::default()
        };
        let anchors = Anchors::new(vec![self.ca.certificate().clone()]);
        let path = judge_path(&self.leaf, &material, &anchors, secs(at), &policy);
        path.map(|path| path.standings()[0].clone())
            .map_err(|e| e.code())
    }
}

fn revoked(at: i64, reason: u8) -> OcspStatus {
    OcspStatus::Revoked(Revoked {
        revoked: secs(at),
        reason,
        invalid_since: None,
    })
}

#[test]
fn good_until_it_ends_and_then_as_if_nobody_had_asked() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite, "a");
        let said = world.verify(&world.says(OcspStatus::Good, (10, Some(20))), 15);
        let said = [said.expect("verified")];
        assert_eq!(said[0].counts_from(), secs(15));
        let standing = |at, rule| world.standing(&said, at, rule);
        let unknown = Err("pki.revocation-unknown");
        assert_eq!(world.standing(&[], 16, RevocationRule::Required), unknown);
        assert_eq!(standing(16, RevocationRule::Required), Ok(Standing::Good));
        assert_eq!(standing(20, RevocationRule::Required), Ok(Standing::Good));
        assert_eq!(standing(21, RevocationRule::Required), unknown);
        assert_eq!(standing(21, RevocationRule::IfKnown), Ok(Standing::Unknown));
    }
}

#[test]
fn revoked_for_ever_also_when_the_responder_is_no_more() {
    let world = World::new(&INTL, "a");
    let answer = world.verify(&world.says(revoked(5, 4), (10, Some(20))), 15);
    let said = [answer.expect("verified")];
    assert!(said[0].is_final());
    // Its certificate ended at 100.
    for at in [5, 16, 21, 10_000] {
        let found = world.standing(&said, at, RevocationRule::IfKnown);
        assert_eq!(found, Err("pki.revoked"), "{at}");
    }
    let before = world.standing(&said, 4, RevocationRule::IfKnown);
    let later = Standing::RevokedLater {
        revoked: secs(5),
        reason: 4,
    };
    assert_eq!(before, Ok(later));
    let on_hold = world.verify(&world.says(revoked(5, 6), (10, Some(20))), 15);
    assert!(!on_hold.expect("verified").is_final());
    // Nobody who comes with its response then is believed.
    let late = world.verify(&world.says(revoked(5, 4), (90, Some(200))), 101);
    assert_eq!(late.map(drop).map_err(|e| e.code()), Err("pki.expired"));
}

#[test]
fn it_says_nothing_about_others() {
    let mut world = World::new(&INTL, "a");
    let said = world.verify(&world.says(revoked(5, 4), (10, Some(20))), 15);
    let said = [said.expect("verified")];
    world.leaf = world.other.clone();
    let standing = world.standing(&said, 16, RevocationRule::IfKnown);
    assert_eq!(standing, Ok(Standing::Unknown));
    // Another CA's certificate of the same number.
    let elsewhere = World::new(&INTL, "b");
    let standing = elsewhere.standing(&said, 16, RevocationRule::IfKnown);
    assert_eq!(standing, Ok(Standing::Unknown));
}

#[test]
fn who_may_say_it_and_how() {
    let world = World::new(&INTL, "a");
    let code = |found: Result<VerifiedAnswer, Error>| found.map(drop).map_err(|e| e.code());
    let good = |times| world.says(OcspStatus::Good, times);
    let whole = good((10, Some(20)));
    assert_eq!(code(world.verify(&whole, 20)), Ok(()));
    let stale = Err("pki.stale-revocation");
    assert_eq!(code(world.verify(&whole, 21)), stale);
    assert_eq!(code(world.verify(&good((10, None)), 11)), stale);
    let unknown = world.says(OcspStatus::Unknown, (10, Some(20)));
    assert_eq!(code(world.verify(&unknown, 15)), Err("pki.ocsp"));
    // From the future: it counts from then.
    let early = world.verify(&good((50, Some(60))), 15).expect("verified");
    assert_eq!(early.counts_from(), secs(50));
    let (ca, root) = (world.ca.certificate(), world.root.certificate());
    let under = |above: &[&Certificate], anchor: &Certificate| {
        let above: Vec<Certificate> = above.iter().copied().cloned().collect();
        let anchors = Anchors::new(vec![anchor.clone()]);
        code(VerifiedAnswer::verify(
            &whole,
            &above,
            &anchors,
            &[],
            secs(15),
            &INTL,
        ))
    };
    assert_eq!(under(&[ca], root), Ok(()));
    assert_eq!(under(&[], ca), Ok(()));
    assert_eq!(under(&[], root), Err("pki.ocsp"));
    assert_eq!(under(&[ca, root], root), Err("pki.ocsp"));
    assert_eq!(under(&[&world.leaf], ca), Err("pki.ocsp"));
    assert_eq!(under(&[ca; 7], root), Err("pki.too-large"));
    let stranger = World::new(&INTL, "b");
    assert_eq!(under(&[ca], stranger.root.certificate()), Err("pki.ocsp"));
    let strange = stranger.says(OcspStatus::Good, (10, Some(20)));
    assert_eq!(code(world.verify(&strange, 15)), Err("pki.ocsp"));
    let gm = World::new(&GM, "a");
    let entry = world.entry(OcspStatus::Good, (10, Some(20)));
    let foreign = delegated_ocsp_response(&gm.responder, ca, &[entry], secs(10), None);
    let foreign = OcspResponse::parse(&foreign.expect("said")).expect("reads");
    assert_eq!(code(world.verify(&foreign, 15)), Err("pki.wrong-suite"));
    let two = [
        world.entry(OcspStatus::Good, (10, Some(20))),
        world.entry(OcspStatus::Good, (10, Some(20))),
    ];
    let both = delegated_ocsp_response(&world.responder, ca, &two, secs(10), None);
    let both = OcspResponse::parse(&both.expect("said")).expect("reads");
    assert_eq!(code(world.verify(&both, 15)), Err("pki.ocsp"));
}

/// The responder of OpenSSL, with this CA's key and with that of its responder.
#[test]
fn openssl_answers() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl_answers: openssl not there");
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("answers");
    std::fs::create_dir_all(&folder).expect("folder");
    let world = World::new(&INTL, "a");
    let file = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("file");
    let certificate = |c: &Certificate| pem::encode("CERTIFICATE", c.der());
    file("ca.pem", certificate(world.ca.certificate()));
    file("leaf.pem", certificate(&world.leaf));
    for name in ["ca", "responder"] {
        let pkcs8 = key(&INTL, &format!("a {name}")).to_pkcs8_der();
        let pkcs8 = pkcs8.expect("key");
        file(&format!("{name}.key"), pem::encode("PRIVATE KEY", &pkcs8));
    }
    // Whenever this runs, the responder's certificate has not ended.
    let public = key(&INTL, "a responder").public_key().expect("public key");
    let subject = Subject::named("a responder");
    let far = Validity {
        not_before: Time::from_unix_seconds(0),
        not_after: Time::from_unix_seconds(4_000_000_000),
    };
    let long = world
        .ca
        .issue(&subject, &public, Profile::OcspResponder, far, &[3]);
    file("responder.pem", certificate(&long.expect("certificate")));
    let lines = [
        ("V\t360101000000Z\t\t0A\tunknown\t/CN=leaf", false),
        (
            "R\t360101000000Z\t260501000000Z,superseded\t0A\tunknown\t/CN=leaf",
            true,
        ),
    ];
    for (line, is_revoked) in lines {
        file("index.txt", format!("{line}\n"));
        for by in ["ca", "responder"] {
            let arguments = format!(
                "ocsp -index index.txt -CA ca.pem -rsigner {by}.pem -rkey {by}.key -rmd sha256 -issuer ca.pem -cert leaf.pem -ndays 9999 -respout said.der"
            );
            let run = Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(&folder)
                .output();
            let run = run.expect("openssl runs");
            let text = String::from_utf8_lossy(&run.stderr).into_owned();
            let der = std::fs::read(folder.join("said.der")).expect(&text);
            std::fs::remove_file(folder.join("said.der")).expect("removed");
            let said = OcspResponse::parse(&der).expect("response of openssl");
            let answer = world.verify(&said, 15).expect("verified");
            assert_eq!(answer.counts_from(), said.produced_at().max(secs(15)));
            assert_eq!(answer.is_final(), is_revoked);
            let at = answer.counts_from().as_unix_seconds() - START;
            let found = world.standing(&[answer], at, RevocationRule::Required);
            let expected = match is_revoked {
                true => Err("pki.revoked"),
                false => Ok(Standing::Good),
            };
            assert_eq!(found, expected, "{by}");
            let mut changed = der.clone();
            changed[60] ^= 1;
            if let Ok(changed) = OcspResponse::parse(&changed) {
                assert!(world.verify(&changed, 15).is_err(), "{by}");
            }
        }
    }
}
