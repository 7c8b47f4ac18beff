//! A dossier renewed a second time, with OCSP responses in place of revocation lists; and what can be wrong with them.

use super::Broken;
use super::broken::tar;
use super::later::{RENEWED, list};
use crate::world::{Cast, Parts, Person, issue, secs};
use mifeng::crypto::{SeededEntropy, Suite};
use mifeng::pki::issue::{OcspEntry, Profile, Subject, delegated_ocsp_response};
use mifeng::pki::{Certificate, OcspStatus, Revoked, Signer, tsp};
use mifeng::{RenewalMaterial, renew, renewal_statement};
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;

/// When it is renewed again, seconds after the start.
const AGAIN: i64 = 2 * RENEWED;
/// OCSPResponse of status tryLater.
pub(super) const TRY_LATER: [u8; 5] = [0x30, 3, 0x0a, 1, 3];

pub(super) struct Made {
    pub(super) tar: Vec<u8>,
    pub(super) broken: Vec<Broken>,
}

/// The people of the second renewal.
struct Scene<'a> {
    cast: Cast,
    /// Another authority stamps than the one before.
    authority: Person,
    responder: Person,
    /// The root's own responder.
    of_root: Person,
    before: &'a [u8],
}

pub(super) fn entry(certificate: &Certificate, status: OcspStatus, made: i64) -> OcspEntry {
    OcspEntry {
        serial: certificate.serial_raw().to_vec(),
        status,
        this_update: secs(made),
        next_update: Some(secs(made + 86_400)),
    }
}

pub(super) fn revoked(at: i64) -> OcspStatus {
    OcspStatus::Revoked(Revoked {
        revoked: secs(at),
        reason: 5,
        invalid_since: None,
    })
}

impl Scene<'_> {
    fn new<'a>(suite: &'static Suite, before: &'a [u8]) -> Scene<'a> {
        let cast = Cast::new(suite, "dossier");
        let rng = &mut SeededEntropy::new(b"ocsp");
        let mut one = |ca, name, profile| {
            let subject = Subject::named(name);
            issue(suite, ca, &subject, profile, secs(-3_600), rng)
        };
        let authority = one(&cast.ca, "时间戳机构二", Profile::TimeStamping);
        let responder = one(&cast.ca, "OCSP", Profile::OcspResponder);
        let of_root = one(&cast.root_ca, "OCSP", Profile::OcspResponder);
        Scene {
            cast,
            authority,
            responder,
            of_root,
            before,
        }
    }

    /// What the CA's responder says about one certificate of the CA.
    fn says(&self, entry: OcspEntry, produced: i64) -> Vec<u8> {
        self.said_by(&self.responder, entry, produced)
    }

    fn said_by(&self, by: &Person, entry: OcspEntry, produced: i64) -> Vec<u8> {
        let (issuer, at) = (self.cast.ca.certificate(), secs(produced));
        delegated_ocsp_response(&by.signer, issuer, &[entry], at, None).expect("a response")
    }

    fn own(&self) -> &Certificate {
        self.authority.signer.certificate()
    }

    /// About the authority that stamps now.
    fn of_own(&self, status: OcspStatus) -> Vec<u8> {
        self.says(entry(self.own(), status, AGAIN - 60), AGAIN - 60)
    }

    /// About the one before, revoked at this instant.
    fn of_former(&self, at: i64) -> Vec<u8> {
        let former = self.cast.tsa.signer.certificate();
        self.says(entry(former, revoked(at), AGAIN - 60), AGAIN - 60)
    }

    /// About the CA, by the root itself.
    fn of_ca(&self) -> Vec<u8> {
        let one = entry(self.cast.ca.certificate(), OcspStatus::Good, AGAIN - 60);
        let response = self
            .cast
            .root_ca
            .ocsp_response(&[one], secs(AGAIN - 60), None);
        response.expect("a response")
    }

    /// All that is needed, about the own authority as given; the former one was revoked after its stamp.
    fn with(&self, of_own: Vec<u8>) -> Vec<Vec<u8>> {
        vec![of_own, self.of_ca(), self.of_former(RENEWED + 86_400)]
    }

    fn statement_and_stamp(&self, material: RenewalMaterial<'_>) -> (Vec<u8>, Vec<u8>) {
        let (files, alg) = (Parts::of_tar(self.before), self.cast.suite.hash());
        let text = renewal_statement(&files, alg, material).expect("a dossier");
        let request = tsp::Request::new(alg.digest(&text), alg, None);
        let (signer, policy) = (&self.authority.signer, "1.3.6.1.4.1.32473.1");
        let token = tsp::respond(signer, policy, 10, secs(AGAIN), &request);
        (text, token.expect("stamped"))
    }

    /// The renewed dossier, as nobody would write it who looks at what comes with it.
    fn forced(&self, ocsp: &[Vec<u8>]) -> Files {
        self.forced_beside(&[], ocsp)
    }

    /// The same with revocation lists, which speak for whatever a response does not.
    fn forced_beside(&self, crls: &[Vec<u8>], ocsp: &[Vec<u8>]) -> Files {
        let root = None;
        let material = RenewalMaterial { root, crls, ocsp };
        let (text, token) = self.statement_and_stamp(material);
        let mut parts = Parts::of_tar(self.before).parts;
        parts.insert("renewal/0002.json".to_owned(), text);
        parts.insert("renewal/0002.tsr".to_owned(), token);
        for (end, all) in [("crl", crls), ("ocsp", ocsp)] {
            for (k, one) in (1..).zip(all) {
                parts.insert(format!("renewal/0002.{k:02}.{end}"), one.clone());
            }
        }
        parts
    }
}

/// From the dossier that was renewed once.
pub(super) fn all(suite: &'static Suite, before: &[u8]) -> Made {
    let scene = Scene::new(suite, before);
    let ocsp = scene.with(scene.of_own(OcspStatus::Good));
    let material = RenewalMaterial {
        ocsp: &ocsp,
        ..RenewalMaterial::default()
    };
    let (_, token) = scene.statement_and_stamp(material);
    let mut valid = Vec::new();
    renew(&Parts::of_tar(before), &token, material, &mut valid).expect("renewed");
    assert_eq!(tar(&scene.forced(&ocsp)), valid);
    let mut broken = said_wrong(&scene);
    broken.extend(files_wrong(&scene, &Parts::of_tar(&valid).parts));
    Made { tar: valid, broken }
}

fn said_wrong(scene: &Scene<'_>) -> Vec<Broken> {
    let good = |made: i64| entry(scene.own(), OcspStatus::Good, made);
    let with = |name, check, of_own: Vec<u8>| Broken {
        name,
        check,
        tar: tar(&scene.forced(&scene.with(of_own))),
    };
    let mut ended = good(AGAIN - 120);
    ended.next_update = Some(secs(AGAIN - 1));
    let mut endless = good(AGAIN - 60);
    endless.next_update = None;
    let mut changed = scene.of_own(OcspStatus::Good);
    let at = changed.len() - scene.responder.signer.certificate().der().len() - 20;
    changed[at] ^= 1;
    let stranger = scene.cast.agency.signer.certificate();
    let stranger = entry(stranger, OcspStatus::Good, AGAIN - 60);
    let mut with_a_stranger = scene.with(scene.of_own(OcspStatus::Good));
    with_a_stranger.push(scene.says(stranger, AGAIN - 60));
    let former = |at| {
        let good = scene.of_own(OcspStatus::Good);
        tar(&scene.forced(&[good, scene.of_ca(), scene.of_former(at)]))
    };
    let lists = [&scene.cast.ca, &scene.cast.root_ca].map(|ca| list(ca, AGAIN - 60));
    let beside_lists = |name, of_own: Vec<u8>| Broken {
        name,
        check: "V2",
        tar: tar(&scene.forced_beside(&lists, &scene.with(of_own))),
    };
    let by_another = scene.said_by(&scene.of_root, good(AGAIN - 60), AGAIN - 60);
    vec![
        beside_lists(
            "ocsp-unknown-beside-lists",
            scene.of_own(OcspStatus::Unknown),
        ),
        beside_lists(
            "ocsp-by-a-responder-of-another-ca-beside-lists",
            by_another.clone(),
        ),
        with("ocsp-revoked", "V2", scene.of_own(revoked(AGAIN - 3_600))),
        with(
            "ocsp-revoked-that-instant",
            "V2",
            scene.of_own(revoked(AGAIN)),
        ),
        with("ocsp-unknown", "V2", scene.of_own(OcspStatus::Unknown)),
        with("ocsp-by-a-responder-of-another-ca", "V2", by_another),
        with("ocsp-signature-changed", "V2", changed),
        with(
            "ocsp-produced-after-the-stamp",
            "V2",
            scene.says(good(AGAIN - 60), AGAIN + 1),
        ),
        with(
            "ocsp-known-after-the-stamp",
            "V2",
            scene.says(good(AGAIN + 1), AGAIN - 60),
        ),
        with(
            "ocsp-ended-before-the-stamp",
            "V2",
            scene.says(ended, AGAIN - 120),
        ),
        with("ocsp-without-an-end", "V2", scene.says(endless, AGAIN - 60)),
        with("ocsp-no-answer", "V2", TRY_LATER.to_vec()),
        Broken {
            name: "ocsp-former-authority-revoked-before-its-stamp",
            check: "V2",
            tar: former(RENEWED - 1),
        },
        Broken {
            name: "ocsp-of-a-stranger",
            check: "V1",
            tar: tar(&scene.forced(&with_a_stranger)),
        },
        Broken {
            name: "ocsp-not-about-the-own-authority",
            check: "V2",
            tar: tar(&scene.forced(&scene.with(Vec::new())[1..])),
        },
    ]
}

fn files_wrong(scene: &Scene<'_>, parts: &Files) -> Vec<Broken> {
    let name = |k: u8| format!("renewal/0002.{k:02}.ocsp");
    let case = |name, check, change: &dyn Fn(&mut Files)| {
        let mut parts = parts.clone();
        change(&mut parts);
        Broken {
            name,
            check,
            tar: tar(&parts),
        }
    };
    let other = scene.of_own(revoked(AGAIN + 60));
    vec![
        case("ocsp-missing", "V2", &|parts| drop(parts.remove(&name(3)))),
        case("ocsp-gap", "V1", &|parts| drop(parts.remove(&name(1)))),
        case("ocsp-exchanged", "V2", &|parts| {
            parts.insert(name(1), other.clone());
        }),
        case("ocsp-of-no-renewal", "V1", &|parts| {
            let response = parts[&name(1)].clone();
            parts.insert("renewal/0003.01.ocsp".to_owned(), response);
        }),
        case("ocsp-misnamed", "V1", &|parts| {
            let response = parts[&name(1)].clone();
            parts.insert("renewal/0002.ocsp".to_owned(), response);
        }),
    ]
}
