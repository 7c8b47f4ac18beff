//! Answers at the edges: roots that share name and key, extensions that are odd, holds that were lifted.

mod common;

use common::der::Node;
use common::{SUITES, World, code, time};
use mifeng_crypto::{INTL, Time};
use mifeng_pki::issue::{
    CertificateAuthority, OcspEntry, Profile, Revocation, Subject, delegated_ocsp_response,
};
use mifeng_pki::{
    Anchors, Certificate, Error, Material, OcspResponse, OcspStatus, Policy, Purpose,
    RevocationList, RevocationRule, Revoked, SoftwareSigner, Standing, VerifiedAnswer, judge_path,
};

const MAY: &str = "2026-05-01T00:00:00Z";
const JUNE: &str = "2026-06-01T00:00:00Z";
const JULY: &str = "2026-07-01T00:00:00Z";
const AUGUST: &str = "2026-08-01T00:00:00Z";
const END: &str = "2027-01-01T00:00:00Z";
/// 2.5.29.14.
const SUBJECT_KEY_ID: [u8; 3] = [0x55, 0x1d, 14];

fn entry(serial: u8, status: OcspStatus) -> OcspEntry {
    OcspEntry {
        serial: vec![serial],
        status,
        this_update: time(JUNE),
        next_update: Some(time(END)),
    }
}

fn revoked(at: &str, reason: u8) -> OcspStatus {
    OcspStatus::Revoked(Revoked {
        revoked: time(at),
        reason,
        invalid_since: None,
    })
}

/// The root again, with the same name, the same key and another subject key identifier.
fn renewed(root: &CertificateAuthority) -> Certificate {
    let mut tree = Node::parse(root.certificate().der());
    let tbs = &mut tree.children()[0];
    let all = tbs.children().last_mut().expect("extensions");
    let mut all = all.at(&[0]).children().iter_mut();
    let one = all.find_map(|one| (one.at(&[0]).value() == SUBJECT_KEY_ID).then_some(one));
    let one = one.expect("a subject key identifier");
    one.children()[1] = Node::bytes(4, &Node::bytes(4, b"another").der());
    let signature = root.key().sign(&tbs.der()).expect("signs");
    tree.children()[2] = Node::bytes(3, &[&[0], &signature[..]].concat());
    Certificate::parse(&tree.der()).expect("reads")
}

/// A responder of the root itself, whose certificate names the old root's key identifier.
#[test]
fn the_root_under_which_all_holds_counts_wherever_it_stands() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let key = world.key();
        let public = key.public_key().expect("public key");
        let validity = common::validity();
        let made = world.root.issue(
            &Subject::named("responder"),
            &public,
            Profile::OcspResponder,
            validity,
            &[7],
        );
        let signer = SoftwareSigner::new(key, made.expect("certificate"), vec![]).expect("pair");
        let old = world.root.certificate().clone();
        let new = renewed(&world.root);
        let entries = [entry(2, OcspStatus::Good)];
        let said = delegated_ocsp_response(&signer, &old, &entries, time(JUNE), None);
        let said = OcspResponse::parse(&said.expect("response")).expect("reads");
        let under = |roots: &[&Certificate]| {
            let anchors = Anchors::new(roots.iter().copied().cloned().collect());
            let at = time(JUNE);
            code(VerifiedAnswer::verify(&said, &[], &anchors, &[], at, suite))
        };
        assert_eq!(under(&[&old]), Ok(()));
        assert_eq!(under(&[&new]), Err("pki.ca-rule"));
        assert_eq!(under(&[&old, &new]), Ok(()));
        assert_eq!(under(&[&new, &old]), Ok(()));
    }
}

/// 1.3.6.1.5.5.7.48.1.6.
const ARCHIVE_CUTOFF: [u8; 9] = [0x2b, 6, 1, 5, 5, 7, 0x30, 1, 6];
/// 2.5.29.24.
const INVALIDITY_DATE: [u8; 3] = [0x55, 0x1d, 24];
const A_TIME: &[u8] = b"\x18\x0f20260401000000Z";

fn extension(id: &[u8], critical: Option<u8>, value: &[u8]) -> Node {
    let critical = critical.map(|flag| Node::bytes(1, &[flag]));
    let mut parts = vec![Node::bytes(6, id)];
    parts.extend(critical);
    parts.push(Node::bytes(4, value));
    Node::nodes(0x30, parts)
}

/// The response with these extensions, of its one answer or of all of it.
fn extended(der: &[u8], of_answer: bool, list: Vec<Node>) -> Result<OcspResponse, Error> {
    let mut tree = Node::parse(der);
    let inside = tree.at(&[1, 0, 1]);
    let mut basic = Node::parse(&inside.value());
    let data = basic.at(&[0]);
    let place = match of_answer {
        true => data.at(&[2, 0]),
        false => data,
    };
    place
        .children()
        .push(Node::nodes(0xa1, vec![Node::nodes(0x30, list)]));
    *inside = Node::bytes(4, &basic.der());
    OcspResponse::parse(&tree.der())
}

#[test]
fn extensions_of_responses_are_read_to_their_end_and_stand_once() {
    let world = World::new(&INTL);
    let said = |status| {
        let made = world
            .sub
            .ocsp_response(&[entry(9, status)], time(JUNE), None);
        made.expect("response")
    };
    let bad = Err("pki.malformed");
    let more = [A_TIME, &[5, 0]].concat();
    let revoked = said(revoked(MAY, 1));
    for id in [&ARCHIVE_CUTOFF[..], &INVALIDITY_DATE] {
        let with = |list| code(extended(&revoked, true, list));
        for critical in [None, Some(0), Some(0xff)] {
            assert_eq!(with(vec![extension(id, critical, A_TIME)]), Ok(()));
            assert_eq!(with(vec![extension(id, critical, &more)]), bad);
        }
        assert_eq!(with(vec![extension(id, Some(1), A_TIME)]), bad);
        let one = extension(id, None, A_TIME);
        assert_eq!(with(vec![one.clone(), one]), bad);
    }
    let read = extended(
        &revoked,
        true,
        vec![extension(&INVALIDITY_DATE, None, A_TIME)],
    );
    let from = match &read.expect("reads").answers()[0].status {
        OcspStatus::Revoked(of) => Some(of.from()),
        _ => None,
    };
    assert_eq!(from, Some(time("2026-04-01T00:00:00Z")));
    let good = said(OcspStatus::Good);
    for of_answer in [true, false] {
        let many = |count: u8| (0..count).map(|n| extension(&[0x55, 0x1e, n], None, &[]));
        let with = |list| code(extended(&good, of_answer, list));
        assert_eq!(with(many(32).collect()), Ok(()));
        assert_eq!(with(many(33).collect()), bad);
        assert_eq!(with(many(3).chain(many(1)).collect()), bad);
    }
}

/// A CA that puts a certificate on hold by OCSP, or revokes it, and says by lists whether that is over.
struct Held {
    world: World,
    leaf: Certificate,
}

impl Held {
    fn response(&self, reason: u8) -> OcspResponse {
        let entries = [entry(10, revoked(MAY, reason))];
        let made = self.world.sub.ocsp_response(&entries, time(JUNE), None);
        OcspResponse::parse(&made.expect("response")).expect("reads")
    }

    fn list(&self, serials: &[u8], made: Time) -> RevocationList {
        let line = |serial: &u8| Revocation {
            serial: vec![*serial],
            revoked: time(MAY),
            reason: 6,
            invalid_since: None,
        };
        let lines: Vec<Revocation> = serials.iter().map(line).collect();
        let der = self
            .world
            .sub
            .revocation_list(&lines, made, time(END), 1)
            .expect("list");
        RevocationList::parse(&der).expect("reads")
    }

    /// By an answer that was taken, and by the same response at hand.
    fn both(
        &self,
        reason: u8,
        crls: &[RevocationList],
        at: &str,
    ) -> [Result<Standing, &'static str>; 2] {
        let World { suite, sub, .. } = &self.world;
        let (response, above) = ([self.response(reason)], [sub.certificate().clone()]);
        let anchors = self.world.anchors();
        let taken = VerifiedAnswer::verify(&response[0], &above, &anchors, &[], time(JUNE), suite);
        let taken = [taken.expect("verified")];
        let judged = |answers, ocsp| {
            let material = Material {
                intermediates: &above,
                crls,
                ocsp,
                answers,
            };
            let mut policy = Policy::new(Purpose::Signing, suite);
            policy.revocation = RevocationRule::IfKnown;
            let path = judge_path(&self.leaf, &material, &anchors, time(at), &policy);
            path.map(|path| path.standings()[0].clone())
                .map_err(|e| e.code())
        };
        [judged(&taken, &[]), judged(&[], &response)]
    }
}

#[test]
fn a_newer_list_ends_a_hold_that_an_answer_says() {
    for suite in SUITES {
        let mut world = World::new(suite);
        let key = world.key();
        let leaf = world.certificate(&key, Profile::BidderSign, 10);
        let held = Held { world, leaf };
        let revoked = [Err("pki.revoked"), Err("pki.revoked")];
        let good = [Ok(Standing::Good), Ok(Standing::Good)];
        let lifted = [held.list(&[11], time(JULY))];
        assert_eq!(held.both(6, &[], JULY), revoked);
        assert_eq!(held.both(6, &lifted, JULY), good);
        assert_eq!(held.both(6, &lifted, AUGUST), good);
        // The list was not made yet, is as old as the answer, or says the same.
        assert_eq!(held.both(6, &lifted, JUNE), revoked);
        assert_eq!(held.both(6, &[held.list(&[], time(JUNE))], JULY), revoked);
        assert_eq!(held.both(6, &[held.list(&[10], time(JULY))], JULY), revoked);
        // Not by the issuer.
        let by_root = held
            .world
            .root
            .revocation_list(&[], time(JULY), time(END), 1);
        let by_root = RevocationList::parse(&by_root.expect("list")).expect("reads");
        assert_eq!(held.both(6, &[by_root], JULY), revoked);
        // What is no hold never ends.
        for reason in [0, 1, 4] {
            assert_eq!(held.both(reason, &lifted, AUGUST), revoked);
        }
    }
}
