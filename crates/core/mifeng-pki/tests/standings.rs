//! What is known about a certificate: deltas in any order, holds, and responders that are judged.

mod common;

use common::der::Node;
use common::{SUITES, World, time};
use mifeng_pki::issue::{OcspEntry, Profile, Revocation, delegated_ocsp_response};
use mifeng_pki::{
    Certificate, Material, OcspResponse, OcspStatus, Policy, Purpose, RevocationList,
    RevocationRule, SoftwareSigner, Standing, judge_path, judge_response,
};

const MAY: &str = "2026-05-01T00:00:00Z";
const JUNE: &str = "2026-06-01T00:00:00Z";
const JULY: &str = "2026-07-01T00:00:00Z";
const END: &str = "2027-01-01T00:00:00Z";

/// A CA's lists and one certificate by it.
struct Issuer {
    world: World,
    leaf: Certificate,
}

impl Issuer {
    fn new(suite: &'static mifeng_crypto::Suite) -> Self {
        let mut world = World::new(suite);
        let key = world.key();
        let leaf = world.certificate(&key, Profile::BidderSign, 10);
        Issuer { world, leaf }
    }

    fn line(&self, at: &str, reason: u8) -> Revocation {
        Revocation {
            serial: self.leaf.serial_raw().to_vec(),
            revoked: time(at),
            reason,
            invalid_since: None,
        }
    }

    fn list(&self, lines: &[Revocation], from: &str, to: &str, number: u64) -> RevocationList {
        let sub = &self.world.sub;
        let der = sub.revocation_list(lines, time(from), time(to), number);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn delta(
        &self,
        lines: &[Revocation],
        (from, to): (&str, &str),
        number: u64,
        base: u64,
    ) -> RevocationList {
        let sub = &self.world.sub;
        let der = sub.delta_revocation_list(lines, time(from), time(to), number, base);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn by_lists(&self, crls: &[RevocationList], at: &str) -> Result<Standing, &'static str> {
        let policy = Policy::new(Purpose::Signing, self.world.suite);
        let material = Material {
            intermediates: &[self.world.sub.certificate().clone()],
            crls,
            ocsp: &[],
            answers: &[],
        };
        let anchors = self.world.anchors();
        let path = judge_path(&self.leaf, &material, &anchors, time(at), &policy);
        path.map(|path| path.standings()[0].clone())
            .map_err(|e| e.code())
    }
}

/// Several deltas of one list count in the order of their numbers, however they are handed over.
#[test]
fn deltas_count_in_the_order_of_their_numbers() {
    let early = "2026-06-15T00:00:00Z";
    for suite in SUITES {
        let world = Issuer::new(suite);
        let held = world.list(&[world.line(MAY, 6)], MAY, END, 4);
        let lifted = world.delta(&[world.line(MAY, 8)], (JUNE, END), 5, 4);
        let bad = world.delta(&[world.line(JULY, 1)], (JULY, END), 6, 4);
        let later = Standing::RevokedLater {
            revoked: time(JULY),
            reason: 1,
        };
        let again = world.delta(&[world.line(JULY, 8)], (JULY, END), 256, 4);
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let lists = |all: [&RevocationList; 3]| order.map(|place| all[place].clone());
            let three = lists([&held, &lifted, &bad]);
            let revoked = Err("pki.revoked");
            assert_eq!(world.by_lists(&three, MAY), revoked, "{order:?}");
            let between = world.by_lists(&three, early);
            assert_eq!(between, Ok(later.clone()), "{order:?}");
            assert_eq!(world.by_lists(&three, JULY), revoked, "{order:?}");
            // Revoked first and removed last, by a number of more octets.
            let three = lists([&held, &bad, &again]);
            assert_eq!(world.by_lists(&three, early), revoked, "{order:?}");
            assert_eq!(
                world.by_lists(&three, JULY),
                Ok(Standing::Good),
                "{order:?}"
            );
        }
    }
}

/// A list from before a hold was renewed does not lift it, even if the hold keeps its old date.
#[test]
fn an_older_list_lifts_no_hold() {
    for suite in SUITES {
        let world = Issuer::new(suite);
        let free = world.list(&[], JUNE, END, 4);
        let held = world.list(&[world.line(MAY, 6)], JULY, END, 5);
        let change = world.delta(&[world.line(MAY, 6)], (JULY, END), 5, 4);
        for hold in [held, change] {
            for both in [[free.clone(), hold.clone()], [hold.clone(), free.clone()]] {
                assert_eq!(world.by_lists(&both, JULY), Err("pki.revoked"));
            }
        }
    }
}

/// A responder without ocsp-nocheck.
fn responder(world: &mut World, serial: u8) -> SoftwareSigner {
    let key = world.key();
    let certificate = world.certificate(&key, Profile::OcspResponder, serial);
    let mut tree = Node::parse(certificate.der());
    let tbs = &mut tree.children()[0];
    let extensions = tbs.children().last_mut().expect("extensions");
    let all = extensions.at(&[0]).children();
    let nocheck = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5];
    let before = all.len();
    all.retain(|one| one.clone().at(&[0]).value() != nocheck);
    assert_eq!(all.len(), before - 1);
    let signature = world.sub.key().sign(&tbs.der()).expect("signs");
    tree.children()[2] = Node::bytes(3, &[&[0], &signature[..]].concat());
    let certificate = Certificate::parse(&tree.der()).expect("reads");
    SoftwareSigner::new(key, certificate, vec![]).expect("pair")
}

fn entry(serial: &[u8], status: OcspStatus) -> [OcspEntry; 1] {
    [OcspEntry {
        serial: serial.to_vec(),
        status,
        this_update: time(JUNE),
        next_update: Some(time(JULY)),
    }]
}

fn judged(
    issuer: &Issuer,
    ocsp: &[OcspResponse],
    rule: RevocationRule,
) -> Result<Standing, &'static str> {
    let World { suite, root, .. } = &issuer.world;
    let above = root.revocation_list(&[], time(MAY), time(END), 1);
    let above = [RevocationList::parse(&above.expect("list")).expect("ours")];
    let mut policy = Policy::new(Purpose::Signing, suite);
    policy.revocation = rule;
    let material = Material {
        intermediates: &[issuer.world.sub.certificate().clone()],
        crls: &above,
        ocsp,
        answers: &[],
    };
    let anchors = issuer.world.anchors();
    let path = judge_path(&issuer.leaf, &material, &anchors, time(JUNE), &policy);
    path.map(|path| path.standings()[0].clone())
        .map_err(|e| e.code())
}

fn by_responder(issuer: &Issuer, signer: &SoftwareSigner, serial: &[u8]) -> OcspResponse {
    let entries = entry(serial, OcspStatus::Good);
    let ca = issuer.world.sub.certificate();
    let der = delegated_ocsp_response(signer, ca, &entries, time(JUNE), None);
    OcspResponse::parse(&der.expect("response")).expect("ours")
}

/// Where revocation must be known, that of a responder must be, too.
#[test]
fn responders_are_judged_by_the_same_rule() {
    use mifeng_pki::Signer as _;
    for suite in SUITES {
        let mut issuer = Issuer::new(suite);
        let signer = responder(&mut issuer.world, 20);
        let answer = by_responder(&issuer, &signer, issuer.leaf.serial_raw());
        let alone = [answer.clone()];
        let unknown = Err("pki.revocation-unknown");
        assert_eq!(judged(&issuer, &alone, RevocationRule::Required), unknown);
        let if_known = judged(&issuer, &alone, RevocationRule::IfKnown);
        assert_eq!(if_known, Ok(Standing::Good));
        let about = |status| {
            let entries = entry(signer.certificate().serial_raw(), status);
            let der = issuer.world.sub.ocsp_response(&entries, time(JUNE), None);
            let about = OcspResponse::parse(&der.expect("response")).expect("ours");
            let both = [answer.clone(), about];
            judged(&issuer, &both, RevocationRule::Required)
        };
        assert_eq!(about(OcspStatus::Good), Ok(Standing::Good));
        let revoked = OcspStatus::Revoked(mifeng_pki::Revoked {
            revoked: time(MAY),
            reason: 1,
            invalid_since: None,
        });
        assert_eq!(about(revoked), Err("pki.revoked"));
    }
}

/// Responders that vouch for responders: none is taken unjudged.
#[test]
fn nested_responders_end_in_an_error() {
    use mifeng_pki::Signer as _;
    for suite in SUITES {
        let mut issuer = Issuer::new(suite);
        let all: Vec<_> = (20..24)
            .map(|serial| responder(&mut issuer.world, serial))
            .collect();
        let mut about = issuer.leaf.serial_raw().to_vec();
        let mut answers = Vec::new();
        for (signer, expected) in all.iter().zip([
            Ok(Standing::Good),
            Ok(Standing::Good),
            Err("pki.budget"),
            Err("pki.budget"),
        ]) {
            answers.push(by_responder(&issuer, signer, &about));
            about = signer.certificate().serial_raw().to_vec();
            let found = judged(&issuer, &answers, RevocationRule::IfKnown);
            assert_eq!(found, expected, "{} answers", answers.len());
        }
    }
}

/// What is kept for later readers must be worth something by itself.
#[test]
fn one_response_alone() {
    for suite in SUITES {
        let mut issuer = Issuer::new(suite);
        let signer = responder(&mut issuer.world, 20);
        let serial = issuer.leaf.serial_raw().to_vec();
        let ca = issuer.world.sub.certificate();
        let asked = |response: &OcspResponse, by: &Certificate, at: &str| {
            let said = judge_response(response, (&issuer.leaf, by), time(at), suite);
            said.map_err(|e| e.code())
        };
        let says = |status| {
            let entries = entry(&serial, status);
            let der = issuer.world.sub.ocsp_response(&entries, time(JUNE), None);
            OcspResponse::parse(&der.expect("response")).expect("ours")
        };
        let good = says(OcspStatus::Good);
        for at in [MAY, JUNE, JULY] {
            assert_eq!(asked(&good, ca, at), Ok(Standing::Good));
        }
        assert_eq!(asked(&good, ca, END), Err("pki.stale-revocation"));
        assert_eq!(
            asked(&says(OcspStatus::Unknown), ca, JUNE),
            Ok(Standing::Unknown)
        );
        let revoked = says(OcspStatus::Revoked(mifeng_pki::Revoked {
            revoked: time(JUNE),
            reason: 4,
            invalid_since: None,
        }));
        assert_eq!(asked(&revoked, ca, JUNE), Err("pki.revoked"));
        let later = asked(&revoked, ca, MAY).expect("revoked since");
        assert!(matches!(later, Standing::RevokedLater { reason: 4, .. }));
        // Of another certificate, or under another issuer, it says nothing.
        let other = by_responder(&issuer, &signer, &[99]);
        assert_eq!(asked(&other, ca, JUNE), Ok(Standing::Unknown));
        let root = issuer.world.root.certificate();
        assert_eq!(asked(&good, root, JUNE), Ok(Standing::Unknown));
        // A responder that the issuer named.
        let delegated = by_responder(&issuer, &signer, &serial);
        assert_eq!(asked(&delegated, ca, JUNE), Ok(Standing::Good));
    }
}
