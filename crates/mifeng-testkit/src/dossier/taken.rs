//! A tender whose log took OCSP answers about its signers; and what can be wrong with them.

use super::Broken;
use super::answered::{TRY_LATER, entry, revoked};
use super::broken::tar;
use super::forge::Forge;
use crate::world::{
    Cast, DEADLINE, Kind, LOT, Memory, Parts, Person, START, Tender, issue, keys, notice, secs,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::Host;
use mifeng::crypto::{GM, INTL, SeededEntropy, Suite, jcs};
use mifeng::pki::issue::{OcspEntry, Profile, Subject, delegated_ocsp_response};
use mifeng::pki::{Certificate, OcspStatus, Signer};
use mifeng::tender::BidWithdraw;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

/// When the answer about the buyer is taken, seconds after the start: it has signed by then.
const LAST: i64 = 101;
/// When the CA's list ends: who signs after it is known by answers alone.
const LIST_ENDS: i64 = LAST + 3;

pub(super) struct Made {
    pub(super) tar: Vec<u8>,
    pub(super) broken: Vec<Broken>,
}

/// A CA with its responder.
struct Scene {
    cast: Cast,
    responder: Person,
    /// The root's own responder.
    of_root: Person,
}

impl Scene {
    fn new(suite: &'static Suite, seed: &str) -> Self {
        let cast = Cast::new(suite, seed);
        let rng = &mut SeededEntropy::new(b"ocsp taken");
        let mut one = |ca| {
            let subject = Subject::named("OCSP");
            let profile = Profile::OcspResponder;
            issue(suite, ca, &subject, profile, secs(-3_600), rng)
        };
        let (responder, of_root) = (one(&cast.ca), one(&cast.root_ca));
        Scene {
            cast,
            responder,
            of_root,
        }
    }

    fn said_by(&self, by: &Person, entries: &[OcspEntry], at: i64) -> Vec<u8> {
        let issuer = self.cast.ca.certificate();
        delegated_ocsp_response(&by.signer, issuer, entries, secs(at), None).expect("a response")
    }

    /// What the CA's responder says about one of its certificates.
    fn says(&self, about: &Certificate, status: OcspStatus, at: i64) -> Vec<u8> {
        self.said_by(&self.responder, &[entry(about, status, at)], at)
    }

    fn buyer(&self) -> &Certificate {
        self.cast.buyer.signer.certificate()
    }

    fn bidder(&self) -> &Certificate {
        self.cast.bidders[0].signer.certificate()
    }

    /// About the CA, by the root itself.
    fn of_ca(&self) -> Vec<u8> {
        let one = entry(self.cast.ca.certificate(), OcspStatus::Good, 5);
        let response = self.cast.root_ca.ocsp_response(&[one], secs(5), None);
        response.expect("a response")
    }

    /// A published tender whose CA is late with its next list.
    fn begun(&self) -> Tender<'_> {
        let (cast, store) = (&self.cast, Memory::default());
        let rng = &mut SeededEntropy::new(b"ocsp taken");
        let (origin, roots) = ("host.example/t/dossier", std::slice::from_ref(&cast.root));
        let host = Host::create(
            store.clone(),
            cast.suite,
            origin,
            keys(cast),
            roots,
            START,
            rng,
        );
        let mut tender = Tender::on(cast, store, host.expect("a new log"), b"ocsp taken");
        let list = cast.ca.revocation_list(&[], START, secs(LIST_ENDS), 1);
        tender.host.add_crl(&list.expect("a list")).expect("taken");
        for record in &cast.board {
            tender.take(record.clone(), 0).expect("board");
        }
        let notice = notice(cast, tender.host.state(), Kind::Joint);
        tender.publish(&notice).expect("a lawful notice");
        tender
    }

    /// One bid, withdrawn. Answers about the CA and the bidder come in beats; one that the buyer had been revoked all along
    /// when it has signed the opening record; by those about host and agency the last records stand.
    fn told(&self) -> Vec<u8> {
        let cast = &self.cast;
        let mut tender = self.begun();
        let above = [cast.ca.certificate().clone()];
        let rng = &mut SeededEntropy::new(b"answers");
        let mut take = |host: &mut Host<_>, der: &[u8], above: &[Certificate], at| {
            let taken = host.take_ocsp(der, above, secs(at), rng);
            assert_eq!(taken.expect("taken"), secs(at));
        };
        take(&mut tender.host, &self.of_ca(), &[], 11);
        tender.receive(1);
        let good = self.says(self.bidder(), OcspStatus::Good, 20);
        take(&mut tender.host, &good, &above, 25);
        let data = BidWithdraw {
            seal: tender.bids[0].id,
        };
        let said = tender.say(&cast.bidders[0], "bid.withdraw", &data, DEADLINE - 20);
        said.expect("withdrawn in time");
        tender.close_witnessed();
        tender.close_window(DEADLINE + 3).expect("closed");
        tender.open_all(LAST - 1);
        let no_more = self.says(self.buyer(), revoked(2), LAST);
        take(&mut tender.host, &no_more, &above, LAST);
        for (who, at) in [(&cast.platform, LAST + 1), (&cast.agency, LAST + 2)] {
            let good = self.says(who.signer.certificate(), OcspStatus::Good, at);
            take(&mut tender.host, &good, &above, at);
        }
        let failure = tender.host.state().expected_failure(LOT);
        let failure = failure.expect("too few bids");
        let said = tender.say(&cast.agency, "lot.fail", &failure, LIST_ENDS + 4);
        said.expect("failed");
        tender.archive(LIST_ENDS + 6)
    }
}

/// The dossier, and broken ones.
///
/// # Panics
/// If the engine refuses a step of the story: a bug.
pub(super) fn all(suite: &'static Suite) -> Made {
    let scene = Scene::new(suite, "dossier");
    let tar = scene.told();
    let parts = Parts::of_tar(&tar).parts;
    let forge = Forge::new(&scene.cast, parts.clone());
    let mut broken = files_wrong(&scene, &parts, &forge);
    broken.extend(said_wrong(&scene, &forge));
    broken.extend(records_wrong(&scene, &forge));
    Made { tar, broken }
}

fn case(name: &'static str, check: &'static str, tar: Vec<u8>) -> Broken {
    Broken { name, check, tar }
}

fn name_of(suite: &Suite, der: &[u8]) -> String {
    format!("ocsp-taken/{}.ocsp", suite.hash().digest(der))
}

fn files_wrong(scene: &Scene, parts: &Files, forge: &Forge<'_>) -> Vec<Broken> {
    let suite = scene.cast.suite;
    let name = name_of(suite, &scene.says(scene.buyer(), revoked(2), LAST));
    let without = {
        let mut parts = parts.clone();
        parts.remove(&name).expect("in the dossier");
        tar(&parts)
    };
    let changed = {
        let mut parts = parts.clone();
        *parts
            .get_mut(&name)
            .and_then(|der| der.last_mut())
            .expect("its last byte") ^= 1;
        tar(&parts)
    };
    let mut more = forge.clone();
    let trustee = scene.cast.trustees[0].person.signer.certificate();
    let stray = scene.says(trustee, OcspStatus::Good, LAST);
    more.parts.insert(name_of(suite, &stray), stray);
    vec![
        case("ocsp-taken-missing", "V1", without),
        case("ocsp-taken-changed", "V1", changed),
        case("ocsp-taken-by-no-record", "V1", more.dossier()),
    ]
}

/// The record about the buyer, or one so many behind it, with another response and other certificates above.
fn with(
    scene: &Scene,
    forge: &Forge<'_>,
    behind: usize,
    (der, above): (&[u8], &[&Certificate]),
) -> Vec<u8> {
    let mut other = forge.clone();
    let at = other.tail_of("ocsp.take") + behind;
    let suite = scene.cast.suite;
    let mut body: Value = serde_json::from_slice(&other.tail[at].body).expect("a record");
    let old = body["data"]["response"].as_str().expect("a hash");
    other.parts.remove(&format!("ocsp-taken/{old}.ocsp"));
    other.parts.insert(name_of(suite, der), der.to_vec());
    body["data"] = data_of(suite, der, above);
    let bytes = jcs::to_vec(&body).expect("canonical");
    other.sign_as(at, &scene.cast.platform.signer, &bytes);
    other.dossier()
}

fn data_of(suite: &Suite, der: &[u8], above: &[&Certificate]) -> Value {
    let above: Vec<String> = above
        .iter()
        .map(|ca| BASE64_STANDARD.encode(ca.der()))
        .collect();
    json!({"above": above, "response": suite.hash().digest(der)})
}

fn said_wrong(scene: &Scene, forge: &Forge<'_>) -> Vec<Broken> {
    let suite = scene.cast.suite;
    let ca = scene.cast.ca.certificate();
    let of_buyer = |status| entry(scene.buyer(), status, LAST);
    let by = |by: &Person, entries: &[OcspEntry]| scene.said_by(by, entries, LAST);
    let good = scene.says(scene.buyer(), OcspStatus::Good, LAST);
    let mut ended = of_buyer(OcspStatus::Good);
    (ended.this_update, ended.next_update) = (secs(LAST - 60), Some(secs(LAST - 1)));
    let mut endless = of_buyer(OcspStatus::Good);
    (endless.this_update, endless.next_update) = (secs(LAST - 60), None);
    let mut changed = good.clone();
    let at = changed.len() - scene.responder.signer.certificate().der().len() - 20;
    changed[at] ^= 1;
    let two = [
        of_buyer(OcspStatus::Good),
        entry(
            scene.cast.agency.signer.certificate(),
            OcspStatus::Good,
            LAST,
        ),
    ];
    // Another CA, which the tender does not recognise, about a certificate of its own.
    let stranger = Scene::new(suite, "stranger");
    let strange = stranger.says(stranger.buyer(), OcspStatus::Good, LAST);
    let its_ca = stranger.cast.ca.certificate();
    let other_suite = if suite.id() == GM.id() { &INTL } else { &GM };
    let foreign = Scene::new(other_suite, "dossier");
    let all: Vec<(&'static str, Vec<u8>, Vec<&Certificate>)> = vec![
        (
            "ocsp-taken-unknown",
            by(&scene.responder, &[of_buyer(OcspStatus::Unknown)]),
            vec![ca],
        ),
        ("ocsp-taken-ended", by(&scene.responder, &[ended]), vec![ca]),
        (
            "ocsp-taken-without-an-end",
            by(&scene.responder, &[endless]),
            vec![ca],
        ),
        (
            "ocsp-taken-two-answers",
            by(&scene.responder, &two),
            vec![ca],
        ),
        ("ocsp-taken-no-answer", TRY_LATER.to_vec(), vec![ca]),
        ("ocsp-taken-signature-changed", changed, vec![ca]),
        (
            "ocsp-taken-by-a-responder-of-another-ca",
            by(&scene.of_root, &[of_buyer(OcspStatus::Good)]),
            vec![ca],
        ),
        (
            "ocsp-taken-of-another-suite",
            by(&foreign.responder, &[of_buyer(OcspStatus::Good)]),
            vec![ca],
        ),
        (
            "ocsp-taken-of-an-unlisted-ca",
            strange.clone(),
            vec![its_ca],
        ),
        (
            "ocsp-taken-of-an-unlisted-ca-below-ours",
            strange,
            vec![its_ca, ca],
        ),
        ("ocsp-taken-without-its-issuer", good.clone(), vec![]),
        (
            "ocsp-taken-under-another-issuer",
            good.clone(),
            vec![scene.buyer()],
        ),
        ("ocsp-taken-under-seven", good.clone(), vec![ca; 7]),
        (
            "ocsp-taken-too-long",
            vec![0; mifeng::pki::OCSP_LEN_MAX + 1],
            vec![ca],
        ),
    ];
    all.into_iter()
        .map(|(name, der, above)| case(name, "V3", with(scene, forge, 0, (&der, &above))))
        .collect()
}

fn records_wrong(scene: &Scene, forge: &Forge<'_>) -> Vec<Broken> {
    let (cast, suite) = (&scene.cast, scene.cast.suite);
    let ca = cast.ca.certificate();
    let at = forge.tail_of("ocsp.take");
    let taken: Value = serde_json::from_slice(&forge.tail[at].body).expect("a record");
    // One more record of the host behind the last one.
    let then = |data: Value, file: Option<Vec<u8>>| {
        let mut other = forge.clone();
        if let Some(der) = file {
            other.parts.insert(name_of(suite, &der), der);
        }
        let mut body = taken.clone();
        body["data"] = data;
        other.insert(at + 1, &cast.platform.signer, body);
        other.dossier()
    };
    let then_said = |about: &Certificate, status, when| {
        let der = scene.says(about, status, when);
        then(data_of(suite, &der, &[ca]), Some(der))
    };
    let mut revoked_signs = forge.clone();
    let sign = revoked_signs.tail_of("opening.sign");
    let record = revoked_signs.tail.remove(sign);
    revoked_signs.tail.insert(at, record);
    let mut by_the_agency = forge.clone();
    let agency = cast.agency.fingerprint(suite);
    let mut body = taken.clone();
    (body["actor"], body["seq"]) = (json!(agency), json!(900));
    let bytes = jcs::to_vec(&body).expect("canonical");
    by_the_agency.resign(at, &bytes);
    let mut words = taken["data"].clone();
    words["above"] = json!("");
    let entry_of = |kind: &str| {
        let wanted = format!("\"type\":\"{kind}\"");
        let found = forge
            .entries
            .iter()
            .position(|e| match mifeng::log::Entry::parse(e) {
                Ok(mifeng::log::Entry::Record { body, .. }) => {
                    forge.text(&format!("body/{body}.json")).contains(&wanted)
                }
                _ => false,
            });
        found.expect("an entry of its own")
    };
    let (from, to) = (entry_of("ocsp.take"), entry_of("tender.publish"));
    // Nothing is known of the agency when it signs.
    let trustee = cast.trustees[0].person.signer.certificate();
    let of_another = scene.says(trustee, OcspStatus::Good, LAST + 2);
    let in_the_gap = with(scene, forge, 2, (&of_another, &[ca]));
    let early = forge.clone().moved(from, to, DEADLINE + 1);
    vec![
        case("ocsp-taken-before-the-notice", "V3", early),
        case("ocsp-taken-about-another-in-a-gap", "V3", in_the_gap),
        case("ocsp-taken-twice", "V3", then(taken["data"].clone(), None)),
        case(
            "ocsp-taken-older",
            "V3",
            then_said(scene.bidder(), OcspStatus::Good, 19),
        ),
        case("ocsp-taken-as-old", "V3", {
            let mut same = entry(scene.bidder(), OcspStatus::Good, 20);
            same.next_update = Some(secs(90_000));
            let der = scene.said_by(&scene.responder, &[same], LAST);
            then(data_of(suite, &der, &[ca]), Some(der))
        }),
        case(
            "ocsp-taken-back",
            "V3",
            then_said(scene.buyer(), OcspStatus::Good, LAST + 1),
        ),
        case("ocsp-taken-by-the-agency", "V3", by_the_agency.dossier()),
        case("ocsp-taken-without-a-list-above", "V3", then(words, None)),
        case(
            "ocsp-taken-and-the-revoked-signs",
            "V3",
            revoked_signs.dossier(),
        ),
    ]
}
