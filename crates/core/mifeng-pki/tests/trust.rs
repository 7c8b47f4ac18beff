//! Trust lists: what is recognised when, for what and for whom; versions that follow, and those
//! that do not.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{
    Entropy as _, GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time,
};
use mifeng_pki::issue::{CertificateAuthority, Profile, Revocation, Subject, Validity};
use mifeng_pki::trust::{
    CaProfile, CertificateKind, CodePart, CodePlace, Presented, SignedTrustList, TrustChain,
    TrustList, TrustVersion, Usage,
};
use mifeng_pki::{Error, RevocationList, Signer as _, SoftwareSigner};

const CODE: &str = "91350100M000100Y43";

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

fn day(n: u8) -> Time {
    time(&format!("2026-06-{n:02}T00:00:00Z"))
}

fn validity() -> Validity {
    Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    }
}

struct Ca {
    suite: &'static Suite,
    authority: CertificateAuthority,
    entropy: SeededEntropy,
}

impl Ca {
    fn new(suite: &'static Suite, name: &str) -> Self {
        let mut entropy = SeededEntropy::new(name.as_bytes());
        let key = PrivateKey::generate(alg(suite), &mut entropy).expect("key");
        let subject = Subject::named(name);
        let authority = CertificateAuthority::new_root(key, &subject, validity(), &[1]);
        Ca {
            suite,
            authority: authority.expect("root"),
            entropy,
        }
    }

    fn issue(&mut self, profile: Profile, subject: &Subject) -> SoftwareSigner {
        let key = PrivateKey::generate(alg(self.suite), &mut self.entropy).expect("key");
        let mut serial = [1; 8];
        self.entropy.fill(&mut serial[1..]).expect("seeded");
        let public = key.public_key().expect("public");
        let leaf = self
            .authority
            .issue(subject, &public, profile, validity(), &serial);
        SoftwareSigner::new(key, leaf.expect("leaf"), Vec::new()).expect("pair")
    }

    fn profile(&self, name: &str, usages: &[Usage]) -> CaProfile {
        CaProfile {
            name: name.to_owned(),
            roots: vec![BASE64_STANDARD.encode(self.authority.certificate().der())],
            from: time("2026-01-01T00:00:00Z"),
            until: None,
            kinds: vec![CertificateKind::Encryption, CertificateKind::Signing],
            usages: usages.to_vec(),
            code: CodePlace::usual(),
        }
    }
}

fn alg(suite: &Suite) -> KeyAlg {
    match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    }
}

fn bidder() -> Subject {
    Subject {
        uscc: Some(CODE.to_owned()),
        ..Subject::named("投标人甲")
    }
}

/// Two CAs, an operator with a certificate of the first, and version 1 with the first alone.
struct World {
    suite: &'static Suite,
    a: Ca,
    b: Ca,
    operator: SoftwareSigner,
    first: TrustList,
}

impl World {
    fn new(suite: &'static Suite) -> Self {
        let mut a = Ca::new(suite, "CA A");
        let b = Ca::new(suite, "CA B");
        let operator = a.issue(Profile::Person, &Subject::named("名单管理机构"));
        let first = TrustList {
            v: 1,
            name: "互认名单".to_owned(),
            suite: suite.id().to_owned(),
            version: 1,
            previous: None,
            effective: day(1),
            operators: vec![operator.certificate().fingerprint(suite.hash())],
            cas: vec![a.profile("A", &Usage::ALL)],
        };
        World {
            suite,
            a,
            b,
            operator,
            first,
        }
    }

    fn sign(&self, list: &TrustList) -> SignedTrustList {
        SignedTrustList::sign(list, &self.operator, day(1)).expect("signed")
    }

    fn chain(&self) -> TrustChain {
        TrustChain::start(&self.sign(&self.first), self.suite, day(1), &[])
            .expect("a first version")
    }

    /// Version 2, which adds B from the tenth on, in force from the fifth.
    fn second(&self) -> TrustList {
        let mut list = self.first.successor(day(5)).expect("a draft");
        let mut b = self
            .b
            .profile("B", &[Usage::BidEncryption, Usage::BidSigning]);
        b.from = day(10);
        b.until = Some(day(20));
        list.cas.push(b);
        list
    }
}

fn judge(
    version: &TrustVersion,
    who: &SoftwareSigner,
    usage: Usage,
    at: Time,
) -> Result<Option<String>, &'static str> {
    let presented = Presented {
        leaf: who.certificate(),
        intermediates: who.chain(),
        crls: &[],
        ocsp: &[],
        answers: &[],
        at,
    };
    version
        .recognise(&presented, usage, at)
        .map(|found| found.code)
        .map_err(|e| e.code())
}

#[test]
fn recognised_as_soon_as_listed_and_never_before() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite);
        let of_a = world.a.issue(Profile::BidderSign, &bidder());
        let of_b = world.b.issue(Profile::BidderSign, &bidder());
        let mut chain = world.chain();
        let code = Ok(Some(CODE.to_owned()));
        assert_eq!(judge(chain.last(), &of_a, Usage::BidSigning, day(1)), code);
        assert_eq!(
            judge(chain.last(), &of_b, Usage::BidSigning, day(1)),
            Err("pki.unlisted-ca")
        );

        let second = world.sign(&world.second());
        chain.add(&second, day(2), &[]).expect("version 2");
        assert!(chain.in_force(time("2026-05-31T23:59:59Z")).is_none());
        assert_eq!(chain.in_force(day(4)).map(|v| v.list().version), Some(1));
        let now = chain.in_force(day(5)).expect("in force");
        assert_eq!(now.list().version, 2);
        let not = Err("pki.not-recognised");
        let eve = time("2026-06-09T23:59:59Z");
        assert_eq!(judge(now, &of_b, Usage::BidSigning, eve), not);
        assert_eq!(judge(now, &of_b, Usage::BidSigning, day(10)), code);
        assert_eq!(
            judge(now, &of_b, Usage::BidSigning, day(20)),
            not,
            "the end is open"
        );
        // The old version still judges old acts as it did.
        assert_eq!(
            judge(&chain.versions()[0], &of_a, Usage::BidSigning, day(1)),
            code
        );
        assert_eq!(
            judge(&chain.versions()[0], &of_b, Usage::BidSigning, day(12)),
            Err("pki.unlisted-ca")
        );
    }
}

#[test]
fn usages_kinds_and_purposes() {
    let mut world = World::new(&GM);
    let mut chain = world.chain();
    chain
        .add(&world.sign(&world.second()), day(2), &[])
        .expect("version 2");
    let now = chain.last().clone();
    let sign = world.b.issue(Profile::BidderSign, &bidder());
    let encrypt = world.b.issue(Profile::BidderEncrypt, &bidder());
    let single = world.b.issue(Profile::Single, &bidder());
    let stamp = world.b.issue(Profile::TimeStamping, &bidder());
    let judge = |who: &SoftwareSigner, usage| judge(&now, who, usage, day(12)).map(|_| ());
    assert_eq!(judge(&sign, Usage::BidSigning), Ok(()));
    assert_eq!(judge(&encrypt, Usage::BidEncryption), Ok(()));
    assert_eq!(judge(&sign, Usage::BidEncryption), Err("pki.key-usage"));
    assert_eq!(judge(&encrypt, Usage::BidSigning), Err("pki.key-usage"));
    assert_eq!(
        judge(&single, Usage::BidSigning),
        Err("pki.not-recognised"),
        "kind"
    );
    assert_eq!(
        judge(&sign, Usage::Host),
        Err("pki.not-recognised"),
        "usage"
    );
    assert_eq!(
        judge(&stamp, Usage::TimeStamping),
        Err("pki.not-recognised"),
        "usage"
    );
    assert_eq!(judge(&sign, Usage::TimeStamping), Err("pki.key-usage"));
}

#[test]
fn the_code_stands_where_the_profile_says() {
    let mut world = World::new(&INTL);
    // An applicant typed another organisation's code into the name.
    let typed = Subject {
        common_name: format!("甲@{CODE}@1"),
        ..Subject::default()
    };
    let who = world.a.issue(Profile::BidderSign, &typed);
    let mut find = |places: Vec<CodePlace>| {
        world.first.cas[0].code = places;
        let version = world.chain().last().clone();
        judge(&version, &who, Usage::BidSigning, day(2))
    };
    assert_eq!(find(CodePlace::usual()), Ok(None));
    let name = |after: &str| CodePlace {
        part: CodePart::Subject,
        oid: "2.5.4.3".to_owned(),
        after: after.to_owned(),
    };
    assert_eq!(find(vec![name("")]), Ok(Some(CODE.to_owned())));
    assert_eq!(find(vec![name("甲@")]), Ok(Some(CODE.to_owned())));
    assert_eq!(find(vec![name("乙@")]), Ok(None));
    let san = CodePlace {
        part: CodePart::SubjectAltName,
        ..name("")
    };
    assert_eq!(find(vec![san]), Ok(None));
}

#[test]
fn what_does_not_follow_is_refused() {
    let mut world = World::new(&GM);
    let stranger = world.a.issue(Profile::Person, &Subject::named("他人"));
    let outsider = world.b.issue(Profile::Person, &Subject::named("他人"));
    let chain = world.chain();
    let good = world.second();
    let refused = |signed: &SignedTrustList, at, crls: &[RevocationList]| {
        let mut chain = chain.clone();
        let code = chain
            .add(signed, at, crls)
            .map(|_| ())
            .map_err(|e| e.code());
        assert_eq!(chain.versions().len(), if code.is_ok() { 2 } else { 1 });
        code.err().unwrap_or("accepted")
    };
    assert_eq!(refused(&world.sign(&good), day(2), &[]), "accepted");
    let by = |who: &SoftwareSigner, list: &TrustList| {
        SignedTrustList::sign(list, who, day(1)).expect("signed")
    };
    assert_eq!(
        refused(&by(&stranger, &good), day(2), &[]),
        "pki.trust-list"
    );
    // Naming oneself operator does not help: the version before names operators.
    let mut usurped = good.clone();
    usurped.operators = vec![outsider.certificate().fingerprint(GM.hash())];
    assert_eq!(
        refused(&by(&outsider, &usurped), day(2), &[]),
        "pki.trust-list"
    );
    let changed = |change: &dyn Fn(&mut TrustList)| {
        let mut list = good.clone();
        change(&mut list);
        refused(&world.sign(&list), day(2), &[])
    };
    assert_eq!(changed(&|list| list.version = 3), "pki.trust-list");
    assert_eq!(
        changed(&|list| list.previous = Some(GM.hash().digest(b"other"))),
        "pki.trust-list"
    );
    assert_eq!(
        changed(&|list| list.name = "另一名单".to_owned()),
        "pki.trust-list"
    );
    assert_eq!(
        changed(&|list| list.effective = time("2026-05-31T00:00:00Z")),
        "pki.trust-list"
    );
    assert_eq!(
        refused(&world.sign(&world.first), day(2), &[]),
        "pki.trust-list"
    );
    // The operator's certificate has ended, or was revoked before.
    let late = time("2027-06-01T00:00:00Z");
    assert_eq!(refused(&world.sign(&good), late, &[]), "pki.expired");
    let entry = Revocation {
        serial: world.operator.certificate().serial_raw().to_vec(),
        revoked: day(1),
        reason: 1,
        invalid_since: None,
    };
    let crl = world
        .a
        .authority
        .revocation_list(&[entry], day(1), day(28), 1);
    let crl = RevocationList::parse(&crl.expect("list")).expect("our own");
    assert_eq!(refused(&world.sign(&good), day(2), &[crl]), "pki.revoked");
    // One byte of the list changed.
    let mut signed = world.sign(&good);
    let at = signed.body.len() - 20;
    signed.body[at] ^= 1;
    assert_ne!(refused(&signed, day(2), &[]), "accepted");
    let mut signed = world.sign(&good);
    let text = String::from_utf8(signed.body.clone()).expect("text");
    signed.body = text.replace("2026-06-20", "2026-06-21").into_bytes();
    assert_eq!(refused(&signed, day(2), &[]), "pki.digest-mismatch");
}

#[test]
fn an_operator_hands_over() {
    let mut world = World::new(&INTL);
    let heir = world.a.issue(Profile::Person, &Subject::named("新机构"));
    let mut chain = world.chain();
    let mut second = world.first.successor(day(5)).expect("a draft");
    second.operators = vec![heir.certificate().fingerprint(INTL.hash())];
    let second = world.sign(&second);
    chain
        .add(&second, day(2), &[])
        .expect("the old operator names the new");
    let third = chain.last().list().successor(day(6)).expect("a draft");
    let by_old = world.sign(&third);
    assert_eq!(
        chain
            .add(&by_old, day(3), &[])
            .map(|_| ())
            .map_err(|e| e.code()),
        Err("pki.trust-list")
    );
    let by_new = SignedTrustList::sign(&third, &heir, day(3)).expect("signed");
    chain.add(&by_new, day(3), &[]).expect("the new operator");
    let pinned = chain.versions()[1].digest();
    chain.pin(&pinned).expect("a known digest");
    assert_eq!(chain.versions().len(), 2);
    assert!(chain.pin(&INTL.hash().digest(b"none")).is_err());
}

#[test]
fn rules_of_a_list() {
    let world = World::new(&GM);
    let intl = Ca::new(&INTL, "P-256");
    type Change<'a> = &'a dyn Fn(&mut TrustList);
    let broken: [(&str, Change<'_>); 16] = [
        ("format", &|l| l.v = 2),
        ("suite", &|l| l.suite = "gm-2".to_owned()),
        ("no name", &|l| l.name.clear()),
        ("control character", &|l| l.name.push('\n')),
        ("version 0", &|l| l.version = 0),
        ("version 2 of nothing", &|l| l.version = 2),
        ("no operator", &|l| l.operators.clear()),
        ("operator twice", &|l| l.operators.push(l.operators[0])),
        ("no CA", &|l| l.cas.clear()),
        ("CA twice", &|l| l.cas.push(l.cas[0].clone())),
        ("root twice", &|l| {
            let again = l.cas[0].roots[0].clone();
            l.cas[0].roots.push(again);
        }),
        ("no root", &|l| l.cas[0].roots.clear()),
        ("ends before it begins", &|l| {
            l.cas[0].until = Some(l.cas[0].from)
        }),
        ("usages out of order", &|l| l.cas[0].usages.reverse()),
        ("no place of the code", &|l| l.cas[0].code.clear()),
        ("place without OID", &|l| {
            l.cas[0].code[0].oid = "1.2.3.".to_owned()
        }),
    ];
    assert!(world.first.to_bytes().is_ok());
    for (what, change) in broken {
        let mut list = world.first.clone();
        change(&mut list);
        assert!(list.to_bytes().is_err(), "{what}");
    }
    let mut list = world.first.clone();
    list.cas[0].roots = intl.profile("x", &Usage::ALL).roots;
    assert!(matches!(list.to_bytes(), Err(Error::WrongSuite { .. })));
    list.cas[0].roots = vec![BASE64_STANDARD.encode(world.operator.certificate().der())];
    assert!(
        matches!(list.to_bytes(), Err(Error::TrustList { .. })),
        "a leaf is no root"
    );
    // The file comes back the same, and only the same.
    let signed = world.sign(&world.first);
    let file = signed.to_file().expect("a file");
    assert_eq!(SignedTrustList::from_file(&file).expect("read"), signed);
    let mut spaced = file.clone();
    spaced.push(b' ');
    assert!(SignedTrustList::from_file(&spaced).is_err());
    assert_eq!(
        signed.digest().expect("digest"),
        world.first.digest().expect("digest")
    );
}
