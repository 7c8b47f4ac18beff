//! Revocation: complete and delta lists, OCSP, what is kept as evidence, and hostile ones.

use mifeng_crypto::{GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{
    CertificateAuthority, OcspEntry, Places, Profile, Revocation, Subject, Validity,
    delegated_ocsp_response,
};
use mifeng_pki::{
    Anchors, Certificate, EvidenceKind, Material, OcspResponse, OcspStatus, Policy, Purpose,
    RevocationList, RevocationRule, Revoked, SoftwareSigner, Standing, VerifiedPath, judge_path,
    ocsp, pem,
};
use std::process::Command;
use std::slice::from_ref;

const BEGIN: &str = "2026-01-01T00:00:00Z";
const MAY: &str = "2026-05-01T00:00:00Z";
const JUNE: &str = "2026-06-01T00:00:00Z";
const JULY: &str = "2026-07-01T00:00:00Z";
const END: &str = "2027-01-01T00:00:00Z";

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

fn validity() -> Validity {
    Validity {
        not_before: time(BEGIN),
        not_after: time(END),
    }
}

fn key(suite: &Suite, seed: &str) -> PrivateKey {
    let alg = match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    };
    PrivateKey::generate(alg, &mut SeededEntropy::new(seed.as_bytes())).expect("key")
}

fn root(suite: &Suite, name: &str) -> CertificateAuthority {
    CertificateAuthority::new_root(key(suite, name), &Subject::named(name), validity(), &[1])
        .expect("root")
}

fn issue(
    ca: &CertificateAuthority,
    suite: &Suite,
    name: &str,
    profile: Profile,
    serial: u8,
) -> Certificate {
    let public = key(suite, name).public_key().expect("public key");
    ca.issue(
        &Subject::named(name),
        &public,
        profile,
        validity(),
        &[serial],
    )
    .expect("certificate")
}

struct World {
    suite: &'static Suite,
    ca: CertificateAuthority,
    leaf: Certificate,
}

impl World {
    fn new(suite: &'static Suite) -> Self {
        let ca = root(suite, "root");
        let leaf = issue(&ca, suite, "leaf", Profile::BidderSign, 10);
        World { suite, ca, leaf }
    }

    fn judge(
        &self,
        crls: &[RevocationList],
        ocsp: &[OcspResponse],
        at: &str,
        rule: RevocationRule,
    ) -> Result<VerifiedPath, &'static str> {
        let mut policy = Policy::new(Purpose::Signing, self.suite);
        policy.revocation = rule;
        let material = Material {
            intermediates: &[],
            crls,
            ocsp,
            answers: &[],
        };
        let anchors = Anchors::new(vec![self.ca.certificate().clone()]);
        judge_path(&self.leaf, &material, &anchors, time(at), &policy).map_err(|e| e.code())
    }

    fn by_lists(&self, crls: &[RevocationList], at: &str) -> Result<Standing, &'static str> {
        self.judge(crls, &[], at, RevocationRule::Required)
            .map(|path| path.standings()[0].clone())
    }

    fn by_responses(&self, ocsp: &[OcspResponse], at: &str) -> Result<Standing, &'static str> {
        self.judge(&[], ocsp, at, RevocationRule::Required)
            .map(|path| path.standings()[0].clone())
    }

    fn entry(&self, status: OcspStatus) -> OcspEntry {
        OcspEntry {
            serial: self.leaf.serial_raw().to_vec(),
            status,
            this_update: time(JUNE),
            next_update: Some(time(JULY)),
        }
    }

    fn response(&self, status: OcspStatus) -> OcspResponse {
        let der = self
            .ca
            .ocsp_response(&[self.entry(status)], time(JUNE), Some(b"nonce"));
        OcspResponse::parse(&der.expect("response")).expect("our own response")
    }

    fn list(&self, entries: &[Revocation], from: &str, to: &str, number: u64) -> RevocationList {
        let der = self
            .ca
            .revocation_list(entries, time(from), time(to), number);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn delta(
        &self,
        entries: &[Revocation],
        (from, to): (&str, &str),
        number: u64,
        base: u64,
    ) -> RevocationList {
        let der = self
            .ca
            .delta_revocation_list(entries, time(from), time(to), number, base);
        RevocationList::parse(&der.expect("list")).expect("our own list")
    }

    fn line(&self, at: &str, reason: u8) -> Revocation {
        Revocation {
            serial: self.leaf.serial_raw().to_vec(),
            revoked: time(at),
            reason,
            invalid_since: None,
        }
    }
}

fn revoked(at: &str, reason: u8, since: Option<&str>) -> OcspStatus {
    OcspStatus::Revoked(Revoked {
        revoked: time(at),
        reason,
        invalid_since: since.map(time),
    })
}

#[test]
fn ocsp_says_good_revoked_before_and_after() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite);
        let good = world.response(OcspStatus::Good);
        assert_eq!(good.nonce(), Some(&b"nonce"[..]));
        assert_eq!(
            world.by_responses(from_ref(&good), JUNE),
            Ok(Standing::Good)
        );
        // Made later than the instant: what was revoked before would be known by then.
        assert_eq!(
            world.by_responses(from_ref(&good), BEGIN),
            Ok(Standing::Good)
        );
        assert_eq!(
            world.by_responses(from_ref(&good), JULY),
            Ok(Standing::Good)
        );
        let after = "2026-07-01T00:00:01Z";
        assert_eq!(
            world.by_responses(from_ref(&good), after),
            Err("pki.stale-revocation")
        );

        let bad = world.response(revoked(MAY, 4, None));
        assert_eq!(world.by_responses(from_ref(&bad), MAY), Err("pki.revoked"));
        let later = Standing::RevokedLater {
            revoked: time(MAY),
            reason: 4,
        };
        let before = "2026-04-30T23:59:59Z";
        assert_eq!(world.by_responses(from_ref(&bad), before), Ok(later));
        // A stale answer that it is revoked stays true.
        assert_eq!(
            world.by_responses(from_ref(&bad), after),
            Err("pki.revoked")
        );

        // The key was bad before.
        let worse = world.response(revoked(MAY, 1, Some("2026-02-01T00:00:00Z")));
        assert_eq!(
            world.by_responses(from_ref(&worse), before),
            Err("pki.revoked")
        );
        assert!(world.by_responses(&[worse], "2026-01-31T23:59:59Z").is_ok());

        let unknown = world.response(OcspStatus::Unknown);
        let found = world.by_responses(from_ref(&unknown), JUNE);
        assert_eq!(found, Err("pki.revocation-unknown"));
        // Nobody said anything, and nobody asked.
        let path = world
            .judge(&[], &[unknown], JUNE, RevocationRule::IfKnown)
            .expect("path");
        assert_eq!(path.standings(), [Standing::Unknown, Standing::Anchor]);
        assert!(!path.revocation_known());
        let path = world
            .judge(&[], &[], JUNE, RevocationRule::Ignored)
            .expect("path");
        assert_eq!(path.standings()[0], Standing::Unknown);
    }
}

#[test]
fn responders_are_those_the_issuer_named() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite);
        let entries = [world.entry(OcspStatus::Good)];
        let sign = |ca: &CertificateAuthority, profile, serial| {
            let certificate = issue(ca, suite, "responder", profile, serial);
            let signer = SoftwareSigner::new(key(suite, "responder"), certificate, vec![]);
            delegated_ocsp_response(
                &signer.expect("signer"),
                world.ca.certificate(),
                &entries,
                time(JUNE),
                None,
            )
        };
        let der = sign(&world.ca, Profile::OcspResponder, 20).expect("response");
        let good = OcspResponse::parse(&der).expect("ours");
        let path = world.judge(&[], from_ref(&good), JUNE, RevocationRule::Required);
        let path = path.expect("path");
        let kinds: Vec<EvidenceKind> = path.evidence().iter().map(|e| e.kind()).collect();
        use EvidenceKind::{Certificate as Cert, OcspResponse as Ocsp};
        assert_eq!(kinds, [Cert, Cert, Cert, Ocsp]);
        assert_eq!(path.evidence()[3].der(), good.der());
        let digest = path.evidence()[3].digest(suite.hash());
        assert_eq!(digest, suite.hash().digest(good.der()));

        // Not for OCSP; of another CA of the same name; not there at all.
        assert!(sign(&world.ca, Profile::Person, 21).is_err());
        let other = CertificateAuthority::new_root(
            key(suite, "other"),
            &Subject::named("root"),
            validity(),
            &[1],
        );
        let der = sign(&other.expect("root"), Profile::OcspResponder, 22).expect("response");
        let found = OcspResponse::parse(&der).expect("ours");
        assert_eq!(world.by_responses(&[found], JUNE), Err("pki.ca-rule"));

        // Another certificate's answer says nothing about this one, another issuer's neither.
        let mut entry = world.entry(OcspStatus::Good);
        entry.serial = vec![11];
        let der = world
            .ca
            .ocsp_response(&[entry], time(JUNE), None)
            .expect("response");
        let found = OcspResponse::parse(&der).expect("ours");
        assert_eq!(
            world.by_responses(&[found], JUNE),
            Err("pki.revocation-unknown")
        );
        let stranger = root(suite, "stranger");
        let der = stranger
            .ocsp_response(&entries, time(JUNE), None)
            .expect("response");
        let found = OcspResponse::parse(&der).expect("ours");
        assert_eq!(
            world.by_responses(&[found], JUNE),
            Err("pki.revocation-unknown")
        );
    }
}

#[test]
fn no_byte_of_a_response_can_be_changed() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite);
        let good = world.response(OcspStatus::Good);
        for at in 0..good.der().len() {
            let mut bytes = good.der().to_vec();
            bytes[at] ^= 1;
            let Ok(bent) = OcspResponse::parse(&bytes) else {
                continue;
            };
            let found = world.by_responses(&[bent], JUNE);
            assert!(found.is_err(), "{} byte {at}", suite.id());
        }
        for len in 0..good.der().len() {
            assert!(OcspResponse::parse(&good.der()[..len]).is_err());
        }
    }
}

#[test]
fn deltas_bring_a_list_up_to_date() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite);
        let base = world.list(&[], BEGIN, MAY, 3);
        // Stale alone, fresh with a delta that goes on from it.
        let alone = world.by_lists(from_ref(&base), JUNE);
        assert_eq!(alone, Err("pki.stale-revocation"));
        let empty = world.delta(&[], (MAY, JULY), 4, 3);
        assert!(empty.is_delta() && !base.is_delta());
        let both = [base.clone(), empty.clone()];
        let path = world
            .judge(&both, &[], JUNE, RevocationRule::Required)
            .expect("path");
        let kinds: Vec<EvidenceKind> = path.evidence()[2..].iter().map(|e| e.kind()).collect();
        let expected = [
            EvidenceKind::RevocationList,
            EvidenceKind::DeltaRevocationList,
        ];
        assert_eq!(kinds, expected);
        // A delta alone says nothing, and neither does one from a later base.
        assert_eq!(
            world.by_lists(&[empty], JUNE),
            Err("pki.revocation-unknown")
        );
        let gap = world.delta(&[], (MAY, JULY), 6, 5);
        assert_eq!(
            world.by_lists(&[base.clone(), gap], JUNE),
            Err("pki.stale-revocation")
        );
        // What a delta revokes is revoked.
        let change = world.delta(&[world.line(MAY, 4)], (MAY, JULY), 4, 3);
        let both = [base, change];
        assert_eq!(world.by_lists(&both, MAY), Err("pki.revoked"));
        let later = Standing::RevokedLater {
            revoked: time(MAY),
            reason: 4,
        };
        assert_eq!(world.by_lists(&both, "2026-04-30T00:00:00Z"), Ok(later));
    }
}

#[test]
fn a_hold_counts_until_it_is_lifted() {
    for suite in [&GM, &INTL] {
        let world = World::new(suite);
        let held = world.list(&[world.line(MAY, 6)], MAY, END, 3);
        assert_eq!(world.by_lists(from_ref(&held), JUNE), Err("pki.revoked"));
        // Lifted by a delta, by a newer list, and not before.
        let lifted = world.delta(&[world.line(MAY, 8)], (JUNE, END), 4, 3);
        let free = world.list(&[], JUNE, END, 4);
        let ever = world.list(&[world.line(MAY, 4)], MAY, END, 3);
        for newer in [lifted, free.clone()] {
            let both = [held.clone(), newer];
            assert_eq!(world.by_lists(&both, JUNE), Ok(Standing::Good));
            let before = world.by_lists(&both, "2026-05-31T23:59:59Z");
            assert_eq!(before, Err("pki.revoked"));
        }
        // Other reasons are for ever.
        assert_eq!(world.by_lists(&[ever, free], JUNE), Err("pki.revoked"));
    }
}

#[test]
fn a_good_source_outweighs_bad_ones_but_not_a_revocation() {
    let world = World::new(&INTL);
    let stranger = World {
        ca: CertificateAuthority::new_root(
            key(&INTL, "stranger"),
            &Subject::named("root"),
            validity(),
            &[1],
        )
        .expect("root"),
        ..World::new(&INTL)
    };
    let good = world.list(&[], JUNE, JULY, 1);
    let forged = stranger.list(&[stranger.line(BEGIN, 4)], JUNE, JULY, 1);
    // Its key identifier is another's: it is about nobody here.
    assert_eq!(
        world.by_lists(from_ref(&forged), JUNE),
        Err("pki.bad-signature")
    );
    assert_eq!(
        world.by_lists(&[forged, good.clone()], JUNE),
        Ok(Standing::Good)
    );
    let bad = world.response(revoked(BEGIN, 4, None));
    let found = world.judge(&[good], &[bad], JUNE, RevocationRule::IfKnown);
    assert_eq!(found.map(drop), Err("pki.revoked"));
}

/// Lists made after a certificate expired need not name it any more.
#[test]
fn a_list_from_after_the_end_says_nothing_good() {
    let world = World::new(&INTL);
    let list = world.list(&[], "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z", 1);
    assert_eq!(
        world.by_lists(from_ref(&list), JUNE),
        Err("pki.revocation-unknown")
    );
    let list = world.list(
        &[world.line(MAY, 4)],
        "2027-02-01T00:00:00Z",
        "2027-03-01T00:00:00Z",
        1,
    );
    assert_eq!(world.by_lists(from_ref(&list), JUNE), Err("pki.revoked"));
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len() as u32;
    let mut out = vec![tag];
    match len {
        0..=0x7f => out.push(len as u8),
        _ => {
            let digits = len.to_be_bytes();
            let skip = digits.iter().take_while(|b| **b == 0).count();
            out.push(0x80 | (4 - skip) as u8);
            out.extend_from_slice(&digits[skip..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A list signed by `world`'s CA with these lines in place of its own.
fn with_lines(world: &World, like: &RevocationList, lines: &[u8]) -> Vec<u8> {
    // tbs { version, algorithm, issuer, two times, lines, extensions }
    let whole = like.der();
    let inner = |der: &[u8]| {
        let mut parts = Vec::new();
        let mut left = der;
        while let [_, first, ..] = *left {
            let header = if first < 0x80 {
                2
            } else {
                2 + usize::from(first & 0x7f)
            };
            let len = left[2..header]
                .iter()
                .fold(0, |n, b| n << 8 | usize::from(*b));
            let end = header
                + if first < 0x80 {
                    usize::from(first)
                } else {
                    len
                };
            parts.push((left[..end].to_vec(), left[header..end].to_vec()));
            left = &left[end..];
        }
        parts
    };
    let outer = inner(&inner(whole)[0].1);
    let mut parts: Vec<Vec<u8>> = inner(&outer[0].1).into_iter().map(|(all, _)| all).collect();
    parts[5] = tlv(0x30, lines);
    let tbs = tlv(0x30, &parts.concat());
    let signature = world.ca.key().sign(&tbs).expect("signature");
    let bits = tlv(3, &[&[0], &signature[..]].concat());
    tlv(0x30, &[&tbs[..], &outer[1].0, &bits].concat())
}

#[test]
fn a_million_entries_are_found_at_once() {
    let world = World::new(&INTL);
    let serial = |n: u32| [&[0x40][..], &n.reverse_bits().to_be_bytes(), &[0xab; 12]].concat();
    // Not in order, as real lists are.
    let mut lines = Vec::new();
    for n in 0..1_000_000 {
        lines.extend_from_slice(&[0x30, 34, 2, 17]);
        lines.extend_from_slice(&serial(n));
        lines.extend_from_slice(b"\x17\x0d260501000000Z");
    }
    lines.extend_from_slice(b"\x30\x12\x02\x01\x0a\x17\x0d260501000000Z");
    let der = with_lines(
        &world,
        &world.list(&[world.line(MAY, 1)], MAY, END, 7),
        &lines,
    );
    let list = RevocationList::parse(&der).expect("a long list");
    assert_eq!(list.len(), 1_000_001);
    for n in [0, 1, 77, 999_999] {
        let found = list.find(&serial(n)).expect("listed");
        assert_eq!((found.reason, found.revoked), (0, time(MAY)));
    }
    assert_eq!(list.find(&[9]), None);
    assert_eq!(list.find(&serial(1_000_001)), None);
    assert_eq!(world.by_lists(from_ref(&list), JUNE), Err("pki.revoked"));
    // Beyond the limit nothing is read.
    let large = vec![0x30; mifeng_pki::CRL_LEN_MAX + 1];
    let code = RevocationList::parse(&large)
        .map(drop)
        .map_err(|e| e.code());
    assert_eq!(code, Err("pki.too-large"));
}

#[test]
fn places_are_written_and_read() {
    let mut world = World::new(&GM);
    let places = Places {
        revocation_lists: vec![
            "http://crl.example/root.crl".into(),
            "ldap://127.0.0.1/cn=root?certificateRevocationList".into(),
        ],
        ocsp: vec!["http://ocsp.example/".into()],
    };
    world.ca.set_places(places.clone());
    let leaf = issue(&world.ca, &GM, "leaf", Profile::BidderSign, 12);
    assert_eq!(leaf.revocation_list_urls(), places.revocation_lists);
    assert_eq!(leaf.ocsp_urls(), places.ocsp);
    world.leaf = leaf;
    let list = world.list(&[], JUNE, JULY, 1);
    assert_eq!(world.by_lists(&[list], JUNE), Ok(Standing::Good));
}

/// OpenSSL reads our requests and responses, and we read its responses.
#[test]
fn openssl_agrees_about_ocsp() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl_agrees_about_ocsp: openssl not there");
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ocsp");
    std::fs::create_dir_all(&folder).expect("folder");
    let world = World::new(&INTL);
    let file = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("file");
    let certificate = |c: &Certificate| pem::encode("CERTIFICATE", c.der());
    let responder = issue(&world.ca, &INTL, "responder", Profile::OcspResponder, 20);
    file("root.pem", certificate(world.ca.certificate()));
    file("leaf.pem", certificate(&world.leaf));
    file("responder.pem", certificate(&responder));
    let pkcs8 = key(&INTL, "responder").to_pkcs8_der().expect("key");
    file("responder.key", pem::encode("PRIVATE KEY", &pkcs8));
    let request = ocsp::request(
        &world.leaf,
        world.ca.certificate(),
        HashAlg::Sha256,
        Some(&[7; 16]),
    );
    std::fs::write(folder.join("request.der"), request).expect("file");
    let run = |arguments: &str| {
        let run = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&folder)
            .output();
        let run = run.expect("openssl runs");
        String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
    };

    let ours = world.response(revoked(MAY, 4, None));
    std::fs::write(folder.join("ours.der"), ours.der()).expect("file");
    let at = time(JUNE).as_unix_seconds();
    let said = run(&format!(
        "ocsp -no_nonce -respin ours.der -issuer root.pem -sha256 -cert leaf.pem -CAfile root.pem -attime {at} -validity_period 400000000"
    ));
    assert!(said.contains("Response verify OK"), "{said}");
    assert!(
        said.contains("leaf.pem: revoked") && said.contains("superseded"),
        "{said}"
    );

    for (line, expected) in [
        (
            "V\t270101000000Z\t\t0A\tunknown\t/CN=leaf",
            Ok(Standing::Good),
        ),
        (
            "R\t270101000000Z\t260501000000Z,superseded\t0A\tunknown\t/CN=leaf",
            Err("pki.revoked"),
        ),
    ] {
        file("index.txt", format!("{line}\n"));
        let said = run(
            "ocsp -index index.txt -CA root.pem -rsigner responder.pem -rkey responder.key -reqin request.der -respout theirs.der -ndays 365",
        );
        let der = std::fs::read(folder.join("theirs.der")).expect(&said);
        let theirs = OcspResponse::parse(&der).expect("response of openssl");
        assert_eq!(theirs.nonce(), Some(&[7; 16][..]));
        assert_eq!(world.by_responses(&[theirs], JUNE), expected);
    }
}
