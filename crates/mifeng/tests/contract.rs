//! The contract of an awarded lot: seals in order, of two families of tokens under different CAs, filing,
//! publication, and the clocks of the law.

mod common;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::*;
use mifeng::crypto::{Digest, GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite};
use mifeng::pki::Signer as _;
use mifeng::pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng::record::calendar::Calendar;
use mifeng::stamp::{Picture, Seal, SealDraft, SealKind, SignatureDraft, Signers, Version};
use mifeng::tender::{ClockState, ContractFile, ContractPublish, ContractStamp, Halt, Presence};
use mifeng::{Error, Trusted, verify};

const TEXT: &[u8] = b"a contract";
/// A day after the award.
const DAY: i64 = 86_400;

/// A cast whose buyer has a token of another CA than everybody else.
struct World {
    cast: Cast,
    other: mifeng::pki::Certificate,
}

impl World {
    fn new(suite: &'static Suite) -> Self {
        let rng = &mut SeededEntropy::new(b"budget system");
        let alg = match suite.id() {
            "gm-1" => KeyAlg::Sm2,
            _ => KeyAlg::P256,
        };
        let validity = Validity {
            not_before: secs(-3_600),
            not_after: secs(365 * DAY),
        };
        let key = PrivateKey::generate(alg, rng).expect("a key");
        let ca = CertificateAuthority::new_root(key, &Subject::named("预算系统CA"), validity, &[9]);
        let ca = ca.expect("a root");
        let buyer = Subject {
            uscc: Some("11371323004310508G".to_owned()),
            ..Subject::named("采购人")
        };
        let mut cast = Cast::new(suite, "contract");
        cast.buyer = issue(suite, &ca, &buyer, Profile::Person, secs(-3_600), rng);
        World {
            cast,
            other: ca.certificate().clone(),
        }
    }

    /// A tender that is awarded; the winner.
    fn awarded(&self) -> (Tender<'_>, &Person) {
        let roots = [self.cast.root.clone(), self.other.clone()];
        let mut tender = Tender::unpublished_with(&self.cast, "host.example/t/contract", &roots);
        let mut notice = notice(&self.cast, tender.host.state(), Kind::Board);
        notice
            .trust
            .push(self.other.fingerprint(self.cast.suite.hash()));
        notice.trust.sort();
        tender.publish(&notice).expect("published");
        tender.receive(3);
        tender.close_and_release(Kind::Board);
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(tender.evaluate(&seated, 102));
        let list = self
            .cast
            .ca
            .revocation_list(&[], secs(150), secs(100 * DAY), 2);
        tender.host.add_crl(&list.expect("a list")).expect("taken");
        let code = tender.host.state().awards()[LOT].bidder.clone();
        let winner = self
            .cast
            .bidders
            .iter()
            .find(|one| one.signer.certificate().uscc().as_deref() == Some(code.as_str()));
        (tender, winner.expect("a bidder"))
    }

    fn loser(&self, winner: &Person) -> &Person {
        let own = winner.signer.certificate().der();
        let mut bidders = self.cast.bidders.iter();
        let other = bidders.find(|one| one.signer.certificate().der() != own);
        other.expect("another bidder")
    }

    fn seal(&self, of: &Person, kind: SealKind, until: i64) -> Seal {
        let certificate = of.signer.certificate();
        let draft = SealDraft {
            version: Version::V4,
            vendor: "MIFENG".to_owned(),
            id: "1".to_owned(),
            kind,
            name: certificate.subject_name(),
            signers: Signers::certificates(std::slice::from_ref(certificate)),
            created: secs(0),
            valid_from: secs(0),
            valid_until: secs(until),
            picture: Picture::new(mifeng_testkit::registry::picture(), 40, 40).expect("a picture"),
            extensions: Vec::new(),
        };
        draft.sign(&self.cast.platform.signer).expect("a seal")
    }

    /// What a party signs at second `at` with seals of these kinds.
    fn data(
        &self,
        tender: &Tender<'_>,
        of: &Person,
        text: &[u8],
        kinds: &[SealKind],
        at: i64,
    ) -> ContractStamp {
        let contract = self.cast.suite.hash().digest(text);
        let stamps = kinds
            .iter()
            .map(|kind| self.stamp(of, &self.seal(of, *kind, 300 * DAY), contract, at));
        ContractStamp {
            // The maker's CA is not that of the buyer's token.
            certs: vec![BASE64_STANDARD.encode(self.cast.ca.certificate().der())],
            contract,
            lot: LOT.to_owned(),
            price: tender.host.state().awards()[LOT].price.clone(),
            stamps: stamps.collect(),
        }
    }

    fn stamp(&self, of: &Person, seal: &Seal, contract: Digest, at: i64) -> String {
        let draft = SignatureDraft {
            seal,
            at: secs(at),
            data_hash: contract,
            property: "contract",
            extensions: &[],
        };
        BASE64_STANDARD.encode(draft.sign(&of.signer).expect("signed").der())
    }
}

fn refused(said: Result<(), Error>, code: &str) {
    assert_eq!(said.err().map(|e| e.code()), Some(code));
}

const UNIT: &[SealKind] = &[SealKind::UNIT];

#[test]
fn a_contract_is_stamped_in_order_filed_and_published() {
    let world = World::new(&GM);
    let (mut tender, winner) = world.awarded();
    let buyer = &world.cast.buyer;
    tender.host.add_document(TEXT).expect("kept");
    let at = 200;
    // The buyer cannot come first, and nobody else can come at all.
    let by_buyer = world.data(&tender, buyer, TEXT, &[SealKind::CONTRACT], at);
    refused(
        tender.say(buyer, "contract.stamp", &by_buyer, at),
        "contract.order",
    );
    let loser = world.loser(winner);
    let by_loser = world.data(&tender, loser, TEXT, UNIT, at);
    refused(
        tender.say(loser, "contract.stamp", &by_loser, at),
        "record.not-authorised",
    );
    let filed = ContractFile {
        lot: LOT.to_owned(),
        receipt: "2026-0001".to_owned(),
        system: "预算管理一体化系统".to_owned(),
    };
    refused(
        tender.say(buyer, "contract.file", &filed, at),
        "contract.order",
    );
    // The supplier, with a representative's square seal beside the unit's.
    let both = [SealKind::UNIT, SealKind::LEGAL_REPRESENTATIVE];
    let data = world.data(&tender, winner, TEXT, &both, at);
    tender
        .say(winner, "contract.stamp", &data, at)
        .expect("stamped");
    refused(
        tender.say(buyer, "contract.file", &filed, at),
        "contract.order",
    );
    let late = at + 40 * DAY;
    let clocks = |tender: &Tender<'_>, now: i64| {
        let state = tender.host.state();
        let all = state.contract_clocks(LOT, secs(now), &Calendar::shipped());
        all.into_iter()
            .map(|c| (c.step.id, c.state))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        clocks(&tender, at),
        [("contract-signed", ClockState::Running)]
    );
    assert_eq!(
        clocks(&tender, late),
        [("contract-signed", ClockState::Overdue)]
    );
    // Not while the tender is suspended.
    let agency = &world.cast.agency;
    let why = Halt {
        reason: "监督检查".to_owned(),
    };
    tender
        .say(agency, "tender.suspend", &why, at + 1)
        .expect("suspended");
    refused(
        tender.say(buyer, "contract.stamp", &by_buyer, at + 2),
        "tender.halted",
    );
    tender
        .say(agency, "tender.resume", &why, at + 3)
        .expect("resumed");
    // Then the buyer, with the token of another CA.
    tender
        .say(buyer, "contract.stamp", &by_buyer, at + DAY)
        .expect("signed");
    refused(
        tender.say(winner, "contract.stamp", &data, at + DAY),
        "contract.order",
    );
    let place = ContractPublish {
        lot: LOT.to_owned(),
        place: "中国政府采购网".to_owned(),
    };
    refused(
        tender.say(winner, "contract.publish", &place, at + DAY),
        "record.not-authorised",
    );
    tender
        .say(agency, "contract.publish", &place, at + 2 * DAY)
        .expect("published");
    tender
        .say(buyer, "contract.file", &filed, late)
        .expect("filed late is filed");
    refused(
        tender.say(buyer, "contract.file", &filed, late),
        "bid.duplicate",
    );
    let expected = [
        ("contract-signed", ClockState::InTime),
        ("contract-published", ClockState::InTime),
        ("contract-filed", ClockState::Late),
    ];
    assert_eq!(clocks(&tender, late), expected);
    // The dossier holds and carries the contract.
    let dossier = tender.archive(late + 10);
    assert_valid(&dossier);
    let report = verify(&Parts::of_tar(&dossier), &Trusted::default()).expect("readable");
    let kept = report.keeping.expect("a list");
    let paper = kept.items.iter().find(|paper| paper.id == "contract");
    assert_eq!(paper.map(|paper| paper.state), Some(Presence::Present));
    // For other verifiers to look at.
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/contract.tar");
    std::fs::write(path, &dossier).expect("writable");
    let mut parts = Parts::of_tar(&dossier).parts;
    let name = format!("docs/{}", HashAlg::Sm3.digest(TEXT));
    assert_eq!(parts.remove(&name).as_deref(), Some(TEXT));
    let report = verify(&Parts::new(parts), &Trusted::default()).expect("readable");
    assert!(!report.is_valid());
}

#[test]
fn a_seal_must_bind() {
    let world = World::new(&GM);
    let (mut tender, winner) = world.awarded();
    let at = 200;
    let whole = world.data(&tender, winner, TEXT, UNIT, at);
    // The contract comes with its record.
    refused(
        tender.say(winner, "contract.stamp", &whole, at),
        "system.unavailable",
    );
    tender.host.add_document(TEXT).expect("kept");
    let mut say = |data: &ContractStamp, code| {
        refused(tender.say(winner, "contract.stamp", data, at), code);
    };
    let contract = whole.contract;
    let with = |stamps: Vec<String>| ContractStamp {
        stamps,
        ..whole.clone()
    };
    let seal = world.seal(winner, SealKind::UNIT, 300 * DAY);
    // A square seal alone; a procurement seal; none; a seal that has ended; over another text; another's.
    let square = world.seal(winner, SealKind::LEGAL_REPRESENTATIVE, 300 * DAY);
    say(
        &with(vec![world.stamp(winner, &square, contract, at)]),
        "contract.seal",
    );
    let other = world.seal(winner, SealKind::PROCUREMENT, 300 * DAY);
    say(
        &with(vec![world.stamp(winner, &other, contract, at)]),
        "contract.seal",
    );
    say(&with(Vec::new()), "contract.seal");
    let ended = world.seal(winner, SealKind::UNIT, at - 1);
    say(
        &with(vec![world.stamp(winner, &ended, contract, at - 2)]),
        "contract.seal",
    );
    say(
        &with(vec![world.stamp(winner, &seal, Digest::default(), at)]),
        "contract.seal",
    );
    let loser = world.loser(winner);
    let foreign = world.seal(loser, SealKind::UNIT, 300 * DAY);
    say(
        &with(vec![world.stamp(loser, &foreign, contract, at)]),
        "contract.seal",
    );
    // Dated ahead of its record, a byte changed, another price, not base64.
    say(
        &with(vec![world.stamp(winner, &seal, contract, at + 301)]),
        "contract.seal",
    );
    let mut bent = BASE64_STANDARD.decode(&whole.stamps[0]).expect("our own");
    let last = bent.len() - 1;
    bent[last] ^= 1;
    say(&with(vec![BASE64_STANDARD.encode(bent)]), "contract.seal");
    say(&with(vec!["?".to_owned()]), "record.data");
    let dearer = ContractStamp {
        price: "1.00".to_owned(),
        ..whole.clone()
    };
    say(&dearer, "contract.text");
    tender
        .say(winner, "contract.stamp", &whole, at)
        .expect("stamped");
    // The buyer stamps what the supplier stamped.
    tender.host.add_document(b"another contract").expect("kept");
    let buyer = &world.cast.buyer;
    let data = world.data(&tender, buyer, b"another contract", UNIT, at);
    refused(
        tender.say(buyer, "contract.stamp", &data, at),
        "contract.text",
    );
    // Until then the supplier may change its mind.
    let data = world.data(&tender, winner, b"another contract", UNIT, at);
    tender
        .say(winner, "contract.stamp", &data, at)
        .expect("stamped anew");
}

#[test]
fn records_are_the_signatures_in_the_international_suite() {
    let world = World::new(&INTL);
    let (mut tender, winner) = world.awarded();
    let contract = tender.host.add_document(TEXT).expect("kept");
    let plain = ContractStamp {
        certs: Vec::new(),
        contract,
        lot: LOT.to_owned(),
        price: tender.host.state().awards()[LOT].price.clone(),
        stamps: Vec::new(),
    };
    let sealed = ContractStamp {
        stamps: vec![String::new()],
        ..plain.clone()
    };
    refused(
        tender.say(winner, "contract.stamp", &sealed, 200),
        "contract.seal",
    );
    tender
        .say(winner, "contract.stamp", &plain, 200)
        .expect("stamped");
    let buyer = &world.cast.buyer;
    tender
        .say(buyer, "contract.stamp", &plain, 201)
        .expect("signed");
    assert_valid(&tender.archive(300));
}
