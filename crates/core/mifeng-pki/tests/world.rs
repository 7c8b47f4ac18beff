//! A small world of our own making: every refusal, and the tools of others.

use mifeng_crypto::{
    Entropy as _, GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time,
};
use mifeng_pki::cms::{self, Profile as Form};
use mifeng_pki::issue::{CertificateAuthority, Profile, Revocation, Subject, Validity};
use mifeng_pki::{
    Anchors, Certificate, Purpose, RevocationList, Signer as _, SoftwareSigner, keyfile, pem, tsp,
    verify_path,
};
use std::path::PathBuf;
use std::process::Command;

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

fn now() -> Time {
    time("2026-06-01T08:00:00Z")
}

fn validity() -> Validity {
    Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    }
}

struct World {
    suite: &'static Suite,
    entropy: SeededEntropy,
    root: CertificateAuthority,
    sub: CertificateAuthority,
}

impl World {
    fn new(suite: &'static Suite) -> Self {
        let mut entropy = SeededEntropy::new(suite.id().as_bytes());
        let alg = alg(suite);
        let key = PrivateKey::generate(alg, &mut entropy).expect("key");
        let long = Validity {
            not_before: time("2020-01-01T00:00:00Z"),
            not_after: time("2060-01-01T00:00:00Z"),
        };
        let subject = Subject::named("Trial Root");
        let root = CertificateAuthority::new_root(key, &subject, long, &[1]).expect("root");
        let key = PrivateKey::generate(alg, &mut entropy).expect("key");
        let public = key.public_key().expect("public");
        let certificate = root
            .issue_ca(&Subject::named("Trial CA"), &public, Some(0), long, &[2])
            .expect("sub CA");
        let sub = CertificateAuthority::from_parts(key, certificate).expect("pair");
        World {
            suite,
            entropy,
            root,
            sub,
        }
    }

    fn signer(&mut self, profile: Profile, serial: u8) -> SoftwareSigner {
        let key = PrivateKey::generate(alg(self.suite), &mut self.entropy).expect("key");
        let subject = Subject {
            common_name: "投标人甲".to_owned(),
            organisation: Some("投标人甲有限公司".to_owned()),
            uscc: Some("91350100M000100Y43".to_owned()),
            country: Some("CN".to_owned()),
        };
        let public = key.public_key().expect("public");
        let leaf = self
            .sub
            .issue(&subject, &public, profile, validity(), &[serial]);
        let chain = vec![self.sub.certificate().clone()];
        SoftwareSigner::new(key, leaf.expect("leaf"), chain).expect("pair")
    }

    fn anchors(&self) -> Anchors {
        Anchors::new(vec![self.root.certificate().clone()])
    }

    fn check(
        &self,
        leaf: &Certificate,
        crls: &[RevocationList],
        at: Time,
        purpose: Purpose,
    ) -> Result<(), &'static str> {
        let between = [self.sub.certificate().clone()];
        verify_path(
            leaf,
            &between,
            &self.anchors(),
            crls,
            at,
            purpose,
            self.suite,
        )
        .map(|_| ())
        .map_err(|e| e.code())
    }

    fn list(&self, serial: &[u8], reason: u8, since: Option<&str>) -> RevocationList {
        let entry = Revocation {
            serial: serial.to_vec(),
            revoked: time("2026-05-01T00:00:00Z"),
            reason,
            invalid_since: since.map(time),
        };
        let (from, to) = (time("2026-05-02T00:00:00Z"), time("2026-07-01T00:00:00Z"));
        let der = self
            .sub
            .revocation_list(&[entry], from, to, 7)
            .expect("list");
        RevocationList::parse(&der).expect("our own list")
    }
}

fn alg(suite: &Suite) -> KeyAlg {
    match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    }
}

#[test]
fn purposes_and_validity() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite);
        let sign = world.signer(Profile::BidderSign, 10).certificate().clone();
        let encrypt = world
            .signer(Profile::BidderEncrypt, 11)
            .certificate()
            .clone();
        let single = world.signer(Profile::Single, 12).certificate().clone();
        let tsa = world
            .signer(Profile::TimeStamping, 13)
            .certificate()
            .clone();
        assert_eq!(sign.uscc().as_deref(), Some("91350100M000100Y43"));
        assert_eq!(sign.organisation().as_deref(), Some("投标人甲有限公司"));
        use Purpose::{BidEncryption, CertificateAuthority as Ca, Signing, TimeStamping};
        let usage = Err("pki.key-usage");
        for (leaf, purpose, expected) in [
            (&sign, Signing, Ok(())),
            (&sign, BidEncryption, usage),
            (&sign, TimeStamping, usage),
            (&sign, Ca, usage),
            (&encrypt, Signing, usage),
            (&encrypt, BidEncryption, Ok(())),
            (&single, Signing, Ok(())),
            (&single, BidEncryption, Ok(())),
            (&tsa, TimeStamping, Ok(())),
            (&tsa, Signing, usage),
            (world.sub.certificate(), Ca, Ok(())),
            (world.sub.certificate(), Signing, usage),
        ] {
            assert_eq!(
                world.check(leaf, &[], now(), purpose),
                expected,
                "{leaf:?} {purpose:?}"
            );
        }
        let ends = validity();
        assert_eq!(world.check(&sign, &[], ends.not_after, Signing), Ok(()));
        let late = ends.not_after.plus_millis(1000);
        assert_eq!(world.check(&sign, &[], late, Signing), Err("pki.expired"));
        let early = ends.not_before.plus_millis(-1);
        assert_eq!(
            world.check(&sign, &[], early, Signing),
            Err("pki.not-yet-valid")
        );
        let other = World::new(if suite.id() == "gm-1" { &INTL } else { &GM });
        assert_eq!(
            other.check(&sign, &[], now(), Signing),
            Err("pki.wrong-suite")
        );
    }
}

#[test]
fn unlisted_forged_and_too_deep() {
    let mut world = World::new(&GM);
    let leaf = world.signer(Profile::BidderSign, 10).certificate().clone();
    let nobody = Anchors::default();
    let found = verify_path(&leaf, &[], &nobody, &[], now(), Purpose::Signing, &GM);
    assert_eq!(
        found.map(|_| ()).map_err(|e| e.code()),
        Err("pki.unlisted-ca")
    );
    // A root of the same name with another key.
    let mut forger = World::new(&GM);
    let key = PrivateKey::generate(KeyAlg::Sm2, &mut SeededEntropy::new(b"forger")).expect("key");
    let ca = CertificateAuthority::new_root(key, &Subject::named("Trial CA"), validity(), &[9]);
    forger.sub = ca.expect("root");
    let forged = forger.signer(Profile::BidderSign, 10).certificate().clone();
    let code = world.check(&forged, &[], now(), Purpose::Signing);
    // The forger's key identifier gives it away before its signature does.
    assert_eq!(code, Err("pki.ca-rule"));
    // The signature bits of a right certificate, changed.
    let mut bytes = leaf.der().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let bent = Certificate::parse(&bytes).expect("still a certificate");
    assert_eq!(
        world.check(&bent, &[], now(), Purpose::Signing),
        Err("pki.bad-signature")
    );
    // pathLen 0: a CA below the subordinate CA.
    let key = PrivateKey::generate(KeyAlg::Sm2, &mut world.entropy).expect("key");
    let public = key.public_key().expect("public");
    let deep = world
        .sub
        .issue_ca(&Subject::named("Deep"), &public, None, validity(), &[44])
        .expect("deep CA");
    let deep_ca = CertificateAuthority::from_parts(key, deep.clone()).expect("pair");
    let below = deep_ca
        .issue(
            &Subject::named("x"),
            &public,
            Profile::Person,
            validity(),
            &[45],
        )
        .expect("leaf");
    let between = [world.sub.certificate().clone(), deep];
    let found = verify_path(
        &below,
        &between,
        &world.anchors(),
        &[],
        now(),
        Purpose::Signing,
        &GM,
    );
    assert_eq!(found.map(|_| ()).map_err(|e| e.code()), Err("pki.ca-rule"));
}

#[test]
fn revocation_is_judged_at_the_instant() {
    let mut world = World::new(&GM);
    let leaf = world.signer(Profile::BidderSign, 10).certificate().clone();
    let serial = leaf.serial_raw().to_vec();
    let before = time("2026-04-15T00:00:00Z");
    let check = |list: RevocationList, at| world.check(&leaf, &[list], at, Purpose::Signing);
    let plain = || world.list(&serial, 4, None);
    assert_eq!(check(plain(), now()), Err("pki.revoked"));
    assert_eq!(check(plain(), before), Ok(()));
    let instant = time("2026-05-01T00:00:00Z");
    assert_eq!(check(plain(), instant), Err("pki.revoked"));
    assert_eq!(check(plain(), instant.plus_millis(-1)), Ok(()));
    let bad = world.list(&serial, 1, Some("2026-04-01T00:00:00Z"));
    assert_eq!(check(bad, before), Err("pki.revoked"));
    let not_key = world.list(&serial, 4, Some("2026-04-01T00:00:00Z"));
    assert_eq!(check(not_key, before), Ok(()));
    let other = world.list(&[99], 1, None);
    assert_eq!(check(other.clone(), now()), Ok(()));
    assert_eq!(
        check(other, time("2026-08-01T00:00:00Z")),
        Err("pki.stale-revocation")
    );
    let mut der = plain().der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let bent = RevocationList::parse(&der).expect("still a list");
    assert_eq!(check(bent, now()), Err("pki.bad-signature"));
}

#[test]
fn truncations_never_panic() {
    let mut world = World::new(&GM);
    let signer = world.signer(Profile::BidderSign, 10);
    let leaf = signer.certificate().der();
    let list = world.list(&[5], 1, Some("2026-04-01T00:00:00Z"));
    let message = cms::sign_detached(&signer, b"x", now(), Form::Gbt35275).expect("sign");
    for n in 0..leaf.len() {
        assert!(Certificate::parse(&leaf[..n]).is_err());
    }
    for n in 0..list.der().len() {
        assert!(RevocationList::parse(&list.der()[..n]).is_err());
    }
    for n in 0..message.len() {
        assert!(cms::verify_detached(&message[..n], b"x", &GM).is_err());
    }
    let mut longer = message.clone();
    longer.push(0);
    assert!(cms::verify_detached(&longer, b"x", &GM).is_err());
}

#[test]
fn every_flip_of_a_message_is_refused() {
    for (suite, form) in [
        (&GM, Form::Gbt35275),
        (&GM, Form::Rfc5652),
        (&INTL, Form::Rfc5652),
    ] {
        let mut world = World::new(suite);
        let signer = world.signer(Profile::BidderSign, 10);
        let message = cms::sign_detached(&signer, b"bid", now(), form).expect("sign");
        let again = cms::sign_detached(&signer, b"bid", now(), form).expect("sign");
        assert_eq!(message, again, "one message for one content and time");
        let signed = cms::verify_detached(&message, b"bid", suite).expect("verifies");
        assert_eq!(signed.certificate, *signer.certificate());
        assert_eq!(signed.chain, signer.chain());
        assert_eq!(signed.signing_time, Some(now()));
        // What was seen changes nothing, whether it comes from this message or from bent ones.
        let seen = cms::Seen::default();
        let again = cms::verify_detached_seen(&message, b"bid", suite, &seen).expect("verifies");
        assert_eq!(
            (&again.certificate, &again.chain),
            (&signed.certificate, &signed.chain)
        );
        let code = |found: Result<cms::Signed, mifeng_pki::Error>| found.err().map(|e| e.code());
        let other = cms::verify_detached(&message, b"bad", suite).map(|_| ());
        assert_eq!(other.map_err(|e| e.code()), Err("pki.digest-mismatch"));
        for at in 0..message.len() {
            for mask in [1, 0x80] {
                let mut bent = message.clone();
                bent[at] ^= mask;
                let refused = code(cms::verify_detached(&bent, b"bid", suite));
                assert!(refused.is_some(), "byte {at} {mask}");
                let again = cms::verify_detached_seen(&bent, b"bid", suite, &seen);
                assert_eq!(code(again), refused, "byte {at} {mask}");
            }
        }
        let wrong = if suite.id() == "gm-1" { &INTL } else { &GM };
        assert_eq!(
            cms::verify_detached(&message, b"bid", wrong)
                .map(|_| ())
                .map_err(|e| e.code()),
            Err("pki.wrong-suite")
        );
    }
}

#[test]
fn time_stamps_round_trip() {
    for suite in [&GM, &INTL] {
        let mut world = World::new(suite);
        let tsa = world.signer(Profile::TimeStamping, 20);
        let digest = suite.hash().digest(b"head of the log");
        let request = tsp::Request::new(digest, suite.hash(), Some(42));
        let at = now().plus_millis(250);
        let token = tsp::respond(&tsa, "1.2.3.4", 1, at, &request).expect("stamp");
        let verify = |token: &[u8], digest| {
            tsp::verify_token(token, digest, suite.hash(), &world.anchors(), &[], suite)
        };
        let stamp = verify(&token, &digest).expect("verifies");
        assert_eq!(stamp.gen_time, at);
        assert_eq!(stamp.nonce.as_deref(), Some(&[42][..]));
        let response = tsp::wrap_response(&token);
        assert_eq!(tsp::unwrap_response(&response).as_deref(), Ok(&token[..]));
        let other = suite.hash().digest(b"other");
        assert_eq!(
            verify(&token, &other).map(|_| ()).map_err(|e| e.code()),
            Err("pki.digest-mismatch")
        );
        for at in (0..token.len()).step_by(7) {
            let mut bent = token.clone();
            bent[at] ^= 1;
            // The chain certificate is the one part a time stamp does not bind by itself.
            if let Ok(found) = verify(&bent, &digest) {
                assert_eq!(found.gen_time, stamp.gen_time, "byte {at}");
            }
        }
        let not_tsa = world.signer(Profile::BidderSign, 21);
        let refused = tsp::respond(&not_tsa, "1.2.3.4", 2, at, &request);
        assert_eq!(refused.map_err(|e| e.code()), Err("pki.key-usage"));
    }
}

#[test]
fn key_files_round_trip() {
    for suite in [&GM, &INTL] {
        let mut entropy = SeededEntropy::new(b"key file");
        let key = PrivateKey::generate(alg(suite), &mut entropy).expect("key");
        let few = keyfile::ITERATIONS_MIN;
        let text = keyfile::encrypt(&key, b"pass", suite, few, &mut entropy).expect("encrypt");
        let back = keyfile::decrypt(&text, b"pass").expect("opens");
        assert_eq!(back.to_pkcs8_der(), key.to_pkcs8_der());
        let wrong = keyfile::decrypt(&text, b"word").err().map(|e| e.code());
        assert_eq!(wrong, Some("pki.passphrase"));
        let refused = keyfile::encrypt(&key, b"pass", suite, few - 1, &mut entropy);
        assert_eq!(refused.map_err(|e| e.code()), Err("pki.malformed"));
    }
}

fn openssl(args: &[&str]) -> Option<bool> {
    match Command::new("openssl").args(args).output() {
        Ok(output) => {
            if !output.status.success() {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            }
            Some(output.status.success())
        }
        Err(_) => {
            eprintln!("skipped: openssl is not there");
            None
        }
    }
}

#[test]
fn openssl_takes_messages_stamps_and_keys() {
    if openssl(&["version"]).is_none() {
        return;
    }
    let mut random = [0; 8];
    mifeng_crypto::SystemEntropy::new()
        .fill(&mut random)
        .expect("entropy");
    let folder = format!("mifeng-pki-{}", u64::from_be_bytes(random));
    let folder: PathBuf = std::env::temp_dir().join(folder);
    std::fs::create_dir_all(&folder).expect("temporary folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("write");
        path.to_string_lossy().into_owned()
    };
    let mut world = World::new(&INTL);
    let signer = world.signer(Profile::BidderSign, 10);
    let message = cms::sign_detached(&signer, b"content\n", now(), Form::Rfc5652).expect("sign");
    let ca = put(
        "ca.pem",
        pem::encode("CERTIFICATE", world.root.certificate().der()).as_bytes(),
    );
    let content = put("content", b"content\n");
    let cms = put("cms", &message);
    let at = now().as_unix_seconds().to_string();
    let common = [
        "-inform", "DER", "-content", &content, "-in", &cms, "-CAfile", &ca,
    ];
    let mut args = vec![
        "cms", "-verify", "-binary", "-purpose", "any", "-attime", &at,
    ];
    args.extend(common);
    assert_eq!(openssl(&args), Some(true), "cms");
    let tsa = world.signer(Profile::TimeStamping, 11);
    let digest = HashAlg::Sha256.digest(b"content\n");
    let request = tsp::Request::new(digest, HashAlg::Sha256, Some(7));
    let token = tsp::respond(&tsa, "1.2.3.4", 1, now(), &request).expect("stamp");
    let query = put("query", &request.to_der());
    let reply = put("reply", &tsp::wrap_response(&token));
    let args = [
        "ts",
        "-verify",
        "-queryfile",
        &query,
        "-in",
        &reply,
        "-CAfile",
        &ca,
        "-attime",
        &at,
    ];
    assert_eq!(openssl(&args), Some(true), "ts");
    let mut entropy = SeededEntropy::new(b"openssl");
    let key = PrivateKey::generate(KeyAlg::P256, &mut entropy).expect("key");
    let text = keyfile::encrypt(&key, b"pass", &INTL, 1000, &mut entropy).expect("encrypt");
    let path = put("key.pem", text.as_bytes());
    assert_eq!(
        openssl(&["pkey", "-in", &path, "-passin", "pass:pass", "-noout"]),
        Some(true)
    );
    // SM2 certificates link by link, with the default signer id.
    let gm = World::new(&GM);
    let encode = |c: &Certificate| pem::encode("CERTIFICATE", c.der());
    let root = put("gm-root.pem", encode(gm.root.certificate()).as_bytes());
    let sub = put("gm-sub.pem", encode(gm.sub.certificate()).as_bytes());
    let id = "distid:1234567812345678";
    let args = [
        "verify",
        "-partial_chain",
        "-vfyopt",
        id,
        "-attime",
        &at,
        "-trusted",
        &root,
        &sub,
    ];
    assert_eq!(openssl(&args), Some(true), "SM2 certificate");
    std::fs::remove_dir_all(&folder).expect("clean up");
}

/// A third parser reads what we issue.
#[test]
fn x509_cert_reads_what_we_issue() {
    use x509_cert::der::{Decode as _, Encode as _};
    let mut world = World::new(&GM);
    let signer = world.signer(Profile::BidderSign, 10);
    for certificate in [world.root.certificate(), signer.certificate()] {
        let other =
            x509_cert::Certificate::from_der(certificate.der()).expect("x509-cert reads it");
        assert_eq!(other.to_der().expect("encodes"), certificate.der());
    }
    let list = world.list(&[5], 1, Some("2026-04-01T00:00:00Z"));
    assert!(
        x509_cert::crl::CertificateList::<x509_cert::certificate::Rfc5280>::from_der(list.der())
            .is_ok()
    );
}
