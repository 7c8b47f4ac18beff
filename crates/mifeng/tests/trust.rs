//! Mutual recognition in a tender: a trust list is pinned, a second CA comes onto it, and the dossier
//! alone shows that nobody counted before.

mod common;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::*;
use mifeng::crypto::{Digest, GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng::pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng::pki::trust::{
    CaProfile, CertificateKind, CodePlace, SignedTrustList, TrustList, Usage,
};
use mifeng::pki::{Certificate, Signer};
use mifeng::tender::{BidWithdraw, Halt, Notice, TrustListEvent, rules};
use mifeng::{Trusted, Verdict, verify};

fn profile(name: &str, root: &Certificate, usages: &[Usage]) -> CaProfile {
    CaProfile {
        name: name.to_owned(),
        roots: vec![BASE64_STANDARD.encode(root.der())],
        from: secs(-3_600),
        until: None,
        kinds: vec![CertificateKind::Encryption, CertificateKind::Signing],
        usages: usages.to_vec(),
        code: CodePlace::usual(),
    }
}

fn event(signed: &SignedTrustList) -> TrustListEvent {
    let (list, sig) = signed.to_base64();
    TrustListEvent { list, sig }
}

/// A second CA with one bidder, and the list that its buyer operates.
struct World<'c> {
    cast: &'c Cast,
    root: Certificate,
    bidder: Person,
    first: TrustList,
}

impl<'c> World<'c> {
    fn new(cast: &'c Cast) -> Self {
        let suite = cast.suite;
        let rng = &mut SeededEntropy::new(b"second CA");
        let alg = match suite.id() {
            "gm-1" => KeyAlg::Sm2,
            _ => KeyAlg::P256,
        };
        let validity = Validity {
            not_before: secs(-3_600),
            not_after: secs(365 * 86_400),
        };
        let key = PrivateKey::generate(alg, rng).expect("a key");
        let ca = CertificateAuthority::new_root(key, &Subject::named("第二CA"), validity, &[9])
            .expect("a root");
        let subject = bidder_subject(3);
        let bidder = issue(suite, &ca, &subject, Profile::BidderSign, secs(-3_600), rng);
        let operator = cast.buyer.fingerprint(suite);
        World {
            cast,
            root: ca.certificate().clone(),
            bidder,
            first: TrustList {
                v: 1,
                name: "互认名单".to_owned(),
                suite: suite.id().to_owned(),
                version: 1,
                previous: None,
                effective: secs(-600),
                operators: vec![operator],
                cas: vec![profile("A", &cast.root, &Usage::ALL)],
            },
        }
    }

    fn sign(&self, list: &TrustList) -> SignedTrustList {
        SignedTrustList::sign(list, &self.cast.buyer.signer, START).expect("signed")
    }

    /// Version 2, with the second CA, effective from then on.
    fn second(&self, effective: Time) -> TrustList {
        let mut list = self.first.successor(effective).expect("a draft");
        let usages = [Usage::BidEncryption, Usage::BidSigning];
        list.cas.push(profile("B", &self.root, &usages));
        list
    }

    fn notice(&self, tender: &Tender<'_>, kind: Kind, pinned: Digest) -> Notice {
        Notice {
            trust: Vec::new(),
            trust_list: Some(pinned),
            ..notice(self.cast, tender.host.state(), kind)
        }
    }

    fn published(&self, origin: &str, kind: Kind) -> Tender<'c> {
        let mut tender = Tender::unpublished_with(self.cast, origin, &[]);
        let data = event(&self.sign(&self.first));
        tender
            .say(&self.cast.agency, "trust.list", &data, 0)
            .expect("a first version");
        let pinned = self.first.digest().expect("a digest");
        let notice = self.notice(&tender, kind, pinned);
        tender.publish(&notice).expect("a lawful notice");
        tender
    }

    /// What the second CA's bidder hears when it speaks to the host at `at`.
    fn hears(&self, tender: &mut Tender<'_>, at: i64) -> &'static str {
        let seal = Digest::from_bytes([7; 32]);
        code(tender.say(&self.bidder, "bid.withdraw", &BidWithdraw { seal }, at))
    }
}

fn course(suite: &'static Suite, kind: Kind) {
    let cast = Cast::new(suite, "trust");
    let world = World::new(&cast);
    let mut tender = world.published("host.example/t/trust", kind);
    assert_eq!(world.hears(&mut tender, 11), rules::UNLISTED_CA.code);
    tender.receive(2);
    // Version 2 is logged, and in force only from second 30 on.
    let second = world.sign(&world.second(secs(30)));
    tender
        .say(&cast.agency, "trust.list", &event(&second), 24)
        .expect("the next version");
    assert_eq!(world.hears(&mut tender, 29), rules::UNLISTED_CA.code);
    tender.beat(30);
    assert_eq!(world.hears(&mut tender, 31), rules::UNKNOWN_SEAL.code);
    let (file, data) = tender.seal_by(&world.bidder, 870_000, 32);
    let bid = Sealed {
        record: tender.signed(&world.bidder, "bid.submit", &data, 32),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&bid, secs(32)).expect("recognised now");
    tender.beat(40);
    // The second CA is good for bids only.
    let seal = Digest::from_bytes([7; 32]);
    let refused = tender.say(&world.bidder, "expert.pool", &BidWithdraw { seal }, 41);
    assert_ne!(code(refused), "accepted");
    tender.close_witnessed();
    if kind == Kind::Joint {
        for number in 0..2 {
            tender.release_leaf(number, DEADLINE + 2).expect("a leaf");
        }
        let own = world.bidder.fingerprint(suite);
        let id = tender.host.state().live_bid(&own, LOT).expect("a bid");
        let key = world.bidder.enc.as_ref().expect("a bidder");
        let leaf = mifeng::bidder::release(
            &tender.host.state().bids()[&id].seal,
            mifeng::bidder::LeafKey::Key(key),
        );
        let leaf = leaf.expect("own leaf");
        tender
            .say(&world.bidder, "bidder.share", &leaf, DEADLINE + 2)
            .expect("a leaf");
    }
    tender.close_window(DEADLINE + 3).expect("window closed");
    for number in 0..2 {
        tender.release(number, DEADLINE + 4).expect("released");
    }
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    check_dossier(&world, &tender.archive(103));
}

/// The dossier by itself, and with what an auditor trusts.
fn check_dossier(world: &World<'_>, tar: &[u8]) {
    let files = Parts::of_tar(tar);
    let alg = world.cast.suite.hash();
    let told_from = |roots: Vec<Digest>, trust_list_least| {
        let trusted = Trusted {
            roots,
            trust_list_least,
            earlier: None,
        };
        let report = verify(&files, &trusted).expect("readable");
        report.failure().and_then(|check| check.code.clone())
    };
    let told = |roots| told_from(roots, None);
    assert_eq!(told(Vec::new()), None);
    // Whoever knows of a newer version does not take a tender that pins the old one.
    assert_eq!(told_from(Vec::new(), Some(1)), None);
    let old = told_from(Vec::new(), Some(2));
    assert_eq!(old.as_deref(), Some("trust.list-old"));
    let [a, b] = [&world.cast.root, &world.root].map(|root| root.fingerprint(alg));
    assert_eq!(told(vec![a, b]), None);
    assert_eq!(told(vec![a]).as_deref(), Some("cert.untrusted-root"));
    let operator = world.cast.buyer.signer.certificate().fingerprint(alg);
    assert_eq!(
        told(vec![operator]),
        None,
        "the operator vouches for every root"
    );
    let report = verify(&files, &Trusted::default()).expect("readable");
    assert!(report.checks.iter().all(|c| c.verdict == Verdict::Pass));
    let certificates = &report.checks[2];
    assert!(
        certificates.saw_en.contains("versions 1 to 2"),
        "{certificates:?}"
    );
}

#[test]
fn second_ca_from_the_list_on_gm() {
    course(&GM, Kind::Joint);
}

#[test]
fn second_ca_from_the_list_on_intl() {
    course(&INTL, Kind::Board);
}

#[test]
fn notice_and_list_agree() {
    let cast = Cast::new(&GM, "trust");
    let world = World::new(&cast);
    let pinned = world.first.digest().expect("a digest");
    let attempt = |lists: &[SignedTrustList], change: &dyn Fn(&mut Notice)| {
        let mut tender = Tender::unpublished_with(&cast, "host.example/t/pin", &[]);
        for signed in lists {
            let said = tender.say(&cast.agency, "trust.list", &event(signed), 0);
            if said.is_err() {
                return code(said);
            }
        }
        let mut notice = world.notice(&tender, Kind::Board, pinned);
        change(&mut notice);
        code(tender.publish(&notice))
    };
    let unlawful = rules::BAD_NOTICE.code;
    let invalid = rules::BAD_TRUST_LIST.code;
    let first = world.sign(&world.first);
    let second = |effective| world.sign(&world.second(effective));
    let one = std::slice::from_ref(&first);
    assert_eq!(attempt(one, &|_| {}), "accepted");
    assert_eq!(attempt(&[], &|_| {}), unlawful, "no list in the log");
    let fingerprint = cast.root.fingerprint(GM.hash());
    assert_eq!(
        attempt(one, &|n| n.trust.push(fingerprint)),
        unlawful,
        "both"
    );
    assert_eq!(attempt(one, &|n| n.trust_list = None), unlawful, "neither");
    let other = Some(Digest::from_bytes([1; 32]));
    assert_eq!(attempt(one, &|n| n.trust_list = other), unlawful, "another");
    // A newer version that is in force must be the one pinned; a future one need not.
    assert_eq!(
        attempt(&[first.clone(), second(secs(0))], &|_| {}),
        unlawful
    );
    assert_eq!(
        attempt(&[first.clone(), second(secs(50))], &|_| {}),
        "accepted"
    );
    assert_eq!(attempt(&[first.clone(), first.clone()], &|_| {}), invalid);
    let mut future = world.first.clone();
    future.effective = secs(50);
    let pinned_future = future.digest().expect("a digest");
    let future = world.sign(&future);
    assert_eq!(
        attempt(&[future], &|n| n.trust_list = Some(pinned_future)),
        unlawful
    );
    // Trustees, host and agency are judged by the pinned list.
    let mut narrow = world.first.clone();
    narrow.cas[0]
        .usages
        .retain(|usage| *usage != Usage::Trustee);
    let digest = narrow.digest().expect("a digest");
    let narrow = world.sign(&narrow);
    assert_eq!(
        attempt(&[narrow], &|n| n.trust_list = Some(digest)),
        rules::NOT_RECOGNISED.code
    );
}

#[test]
fn after_the_notice() {
    let cast = Cast::new(&INTL, "trust");
    let world = World::new(&cast);
    let mut tender = world.published("host.example/t/after", Kind::Board);
    let second = event(&world.sign(&world.second(secs(5))));
    // Only host or agency bring a version, whoever signed it.
    let by_bidder = tender.say(&cast.bidders[0], "trust.list", &second, 12);
    assert_eq!(code(by_bidder), rules::NOT_AUTHORISED.code);
    let by_expert = tender.say(&cast.experts[0], "trust.list", &second, 12);
    assert_eq!(code(by_expert), rules::NOT_AUTHORISED.code);
    let mut broken = second.clone();
    broken.sig = second.list.clone();
    let refused = tender.say(&cast.agency, "trust.list", &broken, 12);
    assert_eq!(code(refused), rules::BAD_TRUST_LIST.code);
    assert_eq!(world.hears(&mut tender, 12), rules::UNLISTED_CA.code);
    // Logged at second 13 with an effect from second 5 on: it counts from when it is there.
    tender
        .say(&cast.platform, "trust.list", &second, 13)
        .expect("the host's word");
    assert_eq!(world.hears(&mut tender, 14), rules::UNKNOWN_SEAL.code);
    // No version changes what was right before it was there, whatever day it names.
    tender.close_witnessed();
    let third = {
        let mut list = world.second(secs(5)).successor(secs(6)).expect("a draft");
        list.cas[1].usages.push(Usage::RecordSigning);
        event(&world.sign(&list))
    };
    tender
        .say(&cast.agency, "trust.list", &third, 70)
        .expect("the next version");
    let reason = |at| {
        let data = Halt {
            reason: String::new(),
        };
        tender.signed(&world.bidder, "tender.suspend", &data, at)
    };
    let (dated_back, dated) = (reason(69), reason(70));
    assert_eq!(
        code(tender.take(dated_back, 71)),
        rules::NOT_RECOGNISED.code
    );
    assert_eq!(code(tender.take(dated, 71)), rules::NOT_AUTHORISED.code);
    // A tender with fixed roots takes no list.
    let mut fixed = Tender::new(&cast, "host.example/t/fixed", Kind::Board);
    let first = event(&world.sign(&world.first));
    let refused = fixed.say(&cast.agency, "trust.list", &first, 12);
    assert_eq!(code(refused), rules::WRONG_STAGE.code);
}

#[test]
fn a_ca_that_leaves_the_list_takes_no_bid_away() {
    let cast = Cast::new(&INTL, "trust");
    let world = World::new(&cast);
    let mut tender = world.published("host.example/t/leaves", Kind::Joint);
    let second = world.second(secs(5));
    tender
        .say(&cast.agency, "trust.list", &event(&world.sign(&second)), 13)
        .expect("the next version");
    tender.receive(2);
    let (file, data) = tender.seal_by(&world.bidder, 870_000, 32);
    let bid = Sealed {
        record: tender.signed(&world.bidder, "bid.submit", &data, 32),
        id: tender.verified(&file).id(),
        file,
    };
    tender.submit(&bid, secs(32)).expect("recognised");
    tender.beat(40);
    tender.close_witnessed();
    let mut third = second.successor(secs(61)).expect("a draft");
    third.cas.truncate(1);
    tender
        .say(
            &cast.agency,
            "trust.list",
            &event(&world.sign(&third)),
            DEADLINE + 2,
        )
        .expect("without the second CA");
    // It is recognised for nothing new.
    let heard = world.hears(&mut tender, DEADLINE + 3);
    assert_eq!(heard, rules::UNLISTED_CA.code);
    for number in 0..2 {
        tender.release_leaf(number, DEADLINE + 3).expect("a leaf");
    }
    let key = world.bidder.enc.as_ref().expect("a bidder");
    let leaf = mifeng::bidder::release(
        &tender.host.state().bids()[&bid.id].seal,
        mifeng::bidder::LeafKey::Key(key),
    );
    tender
        .say(
            &world.bidder,
            "bidder.share",
            &leaf.expect("own leaf"),
            DEADLINE + 3,
        )
        .expect("by the list that accepted the bid");
    tender.close_window(DEADLINE + 4).expect("window closed");
    for number in 0..2 {
        tender.release(number, DEADLINE + 5).expect("released");
    }
    tender.open_all(100);
    let seated = tender.draw(101);
    assert!(tender.evaluate(&seated, 102));
    assert_valid(&tender.archive(103));
}

#[test]
fn an_operator_in_the_gap_between_two_lists_is_cleared_by_the_later_one() {
    let cast = Cast::new(&INTL, "gap");
    let world = World::new(&cast);
    let mut tender = world.published("host.example/t/gap", Kind::Board);
    // The world's own list lasts too long.
    tender
        .store
        .files()
        .retain(|name, _| !name.starts_with("crl/"));
    tender.reopen();
    let data = event(&world.sign(&world.second(secs(90))));
    let add = |tender: &mut Tender<'_>, (made, ends): (i64, i64), number| {
        let list = cast.ca.revocation_list(&[], secs(made), secs(ends), number);
        tender.host.add_crl(&list.expect("a list")).expect("taken");
    };
    add(&mut tender, (5, 30), 2);
    let in_gap = tender.say(&cast.agency, "trust.list", &data, 40);
    assert_eq!(code(in_gap), rules::BAD_CERTIFICATE.code);
    // The next one is of later, and is there.
    add(&mut tender, (45, 9_000), 3);
    tender
        .say(&cast.agency, "trust.list", &data, 41)
        .expect("it clears the agency and the operator");
    let versions = tender
        .host
        .state()
        .trust_lists()
        .map(|l| l.versions().len());
    assert_eq!(versions, Some(2));
}
