//! The refusals that need hostile certificates or keys that do not belong; key files of every mix.

use mifeng_crypto::{
    Curve, GM, HashAlg, INTL, KeyAlg, PrivateKey, PublicKey, Scalar, SeededEntropy, Suite, Time,
    hpke, sm2enc,
};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{
    Anchors, Certificate, Decrypter as _, Purpose, SoftwareDecrypter, SoftwareSigner, keyfile, pem,
    verify_path,
};
use std::process::Command;
use std::slice::from_ref;

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("RFC 3339")
}

fn validity() -> Validity {
    Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    }
}

fn alg(suite: &Suite) -> KeyAlg {
    match suite.hash() {
        HashAlg::Sm3 => KeyAlg::Sm2,
        HashAlg::Sha256 => KeyAlg::P256,
    }
}

/// A key that depends on the suite and the seed alone.
fn key(suite: &Suite, seed: &str) -> PrivateKey {
    PrivateKey::generate(alg(suite), &mut SeededEntropy::new(seed.as_bytes())).expect("key")
}

fn public(key: &PrivateKey) -> PublicKey {
    key.public_key().expect("public key")
}

fn root(suite: &Suite) -> CertificateAuthority {
    let subject = Subject::named("Root");
    CertificateAuthority::new_root(key(suite, "root"), &subject, validity(), &[1]).expect("root")
}

fn leaf(ca: &CertificateAuthority, key: &PrivateKey, profile: Profile) -> Certificate {
    ca.issue(
        &Subject::named("Bidder"),
        &public(key),
        profile,
        validity(),
        &[2],
    )
    .expect("leaf")
}

fn check(
    leaf: &Certificate,
    between: &[Certificate],
    anchor: &Certificate,
    suite: &'static Suite,
) -> Result<usize, &'static str> {
    let anchors = Anchors::new(vec![anchor.clone()]);
    let at = time("2026-06-01T00:00:00Z");
    verify_path(leaf, between, &anchors, &[], at, Purpose::Signing, suite)
        .map(|path| path.certificates().len())
        .map_err(|e| e.code())
}

/// The certificate with one piece of its signed part exchanged for another of the same length, and
/// signed again.
fn resigned(of: &Certificate, by: &PrivateKey, from: &[u8], to: &[u8]) -> Certificate {
    let mut tbs = of.tbs_der().to_vec();
    let places: Vec<usize> = (0..=tbs.len() - from.len())
        .filter(|at| tbs[*at..].starts_with(from))
        .collect();
    assert_eq!((places.len(), from.len()), (1, to.len()));
    tbs[places[0]..places[0] + to.len()].copy_from_slice(to);
    // A certificate of more than 255 bytes has a head of four.
    let rest = &of.der()[4 + tbs.len()..];
    let algorithm = &rest[..2 + usize::from(rest[1])];
    let bits = tlv(3, &[&[0], &by.sign(&tbs).expect("sign")[..]].concat());
    let der = tlv(0x30, &[&tbs[..], algorithm, &bits].concat());
    Certificate::parse(&der).expect("still a certificate")
}

/// DER of a tag, a length and a value.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).expect("a small value");
    let head = match len {
        0..128 => vec![tag, len as u8],
        128..256 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head[..], value].concat()
}

/// Every CA vouches for every other, and a root that is not the trusted one for all of them.
fn thicket(suite: &Suite, cas: u8) -> (Vec<CertificateAuthority>, Vec<Certificate>) {
    let named = |n: u8| Subject::named(&format!("CA {n}"));
    let own = |n: u8| key(suite, &format!("ca {n}"));
    let made: Vec<CertificateAuthority> = (0..cas)
        .map(|n| CertificateAuthority::new_root(own(n), &named(n), validity(), &[1]).expect("CA"))
        .collect();
    let false_root = CertificateAuthority::new_root(
        key(suite, "false root"),
        &Subject::named("Root"),
        validity(),
        &[1],
    )
    .expect("root");
    let mut between = Vec::new();
    for n in 0..cas {
        let others = made
            .iter()
            .enumerate()
            .filter(|(m, _)| *m != usize::from(n));
        for issuer in others.map(|(_, ca)| ca).chain([&false_root]) {
            let made = issuer.issue_ca(&named(n), &public(&own(n)), None, validity(), &[n + 2]);
            between.push(made.expect("cross certificate"));
        }
    }
    (made, between)
}

#[test]
fn a_thicket_of_cas_costs_a_bounded_number_of_checks() {
    for suite in [&GM, &INTL] {
        let trusted = root(suite);
        for (cas, expected) in [(2, "pki.ca-rule"), (7, "pki.budget")] {
            let (made, mut between) = thicket(suite, cas);
            let of = leaf(&made[0], &key(suite, "leaf"), Profile::BidderSign);
            let code = check(&of, &between, trusted.certificate(), suite);
            assert_eq!(code, Err(expected), "{} {cas}", suite.id());
            // Without any certificate that names the trusted root, nothing is searched at all.
            let aside = Subject::named("Aside");
            let other = CertificateAuthority::new_root(key(suite, "x"), &aside, validity(), &[1]);
            let code = check(&of, &between, other.expect("root").certificate(), suite);
            assert_eq!(code, Err("pki.unlisted-ca"));
            // A way out of a thicket is found.
            let way = trusted.issue_ca(
                &Subject::named("CA 0"),
                &public(&key(suite, "ca 0")),
                None,
                validity(),
                &[9],
            );
            between.insert(0, way.expect("CA"));
            assert_eq!(check(&of, &between, trusted.certificate(), suite), Ok(3));
        }
    }
}

#[test]
fn unknown_critical_extensions_are_refused_wherever_they_stand() {
    // keyUsage, critical, becomes an extension that nobody knows.
    let from = [6, 3, 0x55, 0x1d, 0x0f, 1, 1, 0xff];
    let to = [6, 3, 0x55, 0x1d, 0x7f, 1, 1, 0xff];
    for suite in [&GM, &INTL] {
        let root = root(suite);
        let (sub_key, leaf_key) = (key(suite, "sub"), key(suite, "leaf"));
        let subject = Subject::named("Sub");
        let sub = root
            .issue_ca(&subject, &public(&sub_key), None, validity(), &[3])
            .expect("sub CA");
        let bent_sub = resigned(&sub, root.key(), &from, &to);
        let sub_ca = CertificateAuthority::from_parts(sub_key, sub.clone()).expect("pair");
        let right = leaf(&sub_ca, &leaf_key, Profile::BidderSign);
        let bent = resigned(&right, sub_ca.key(), &from, &to);
        let anchor = root.certificate();
        assert_eq!(check(&right, from_ref(&sub), anchor, suite), Ok(3));
        let critical = Err("pki.critical-extension");
        assert_eq!(check(&bent, from_ref(&sub), anchor, suite), critical);
        assert_eq!(check(&right, from_ref(&bent_sub), anchor, suite), critical);
        // The sound twin of a bad CA is still found.
        assert_eq!(check(&right, &[bent_sub, sub], anchor, suite), Ok(3));
        // Signing again changed nothing but the one extension.
        let same = resigned(&right, sub_ca.key(), &from, &from);
        assert_eq!(same.tbs_der(), right.tbs_der());
    }
}

#[test]
fn keys_must_match_their_certificates() {
    for (suite, other) in [(&GM, &INTL), (&INTL, &GM)] {
        let root = root(suite);
        let own = key(suite, "own");
        let certificate = leaf(&root, &own, Profile::Single);
        let mismatch = Some("pki.key-mismatch");
        for wrong in [key(suite, "wrong"), key(other, "own")] {
            let bytes = wrong.to_pkcs8_der().expect("DER");
            let again = || PrivateKey::from_pkcs8_der(&bytes).expect("our own DER");
            let signer = SoftwareSigner::new(again(), certificate.clone(), Vec::new());
            assert_eq!(signer.err().map(|e| e.code()), mismatch);
            let decrypter = SoftwareDecrypter::new(again(), certificate.clone());
            assert_eq!(decrypter.err().map(|e| e.code()), mismatch);
            let ca = CertificateAuthority::from_parts(again(), root.certificate().clone());
            assert_eq!(ca.err().map(|e| e.code()), mismatch);
        }
        let not_ca = CertificateAuthority::from_parts(own, certificate);
        assert_eq!(not_ca.err().map(|e| e.code()), Some("pki.key-usage"));
    }
}

#[test]
fn software_decrypters_open_what_was_encrypted_to_the_certificate() {
    for suite in [&GM, &INTL] {
        let make = |seed| {
            let key = key(suite, seed);
            let certificate = leaf(&root(suite), &key, Profile::BidderEncrypt);
            SoftwareDecrypter::new(key, certificate).expect("pair")
        };
        let (own, other) = (make("own"), make("other"));
        let spki = own.certificate().public_key();
        let point = spki.point().expect("a point of the suite's curve");
        let secret = [0x5e; 32];
        let (found, elsewhere, misused, bent) = if suite.hash() == HashAlg::Sm3 {
            let k = Scalar::from_u64(Curve::Sm2, 0x1234_5678_9abc);
            let mut sealed = sm2enc::encrypt(point, &k, &secret).expect("encrypt");
            let (found, elsewhere) = (own.unwrap_key(&sealed), other.unwrap_key(&sealed));
            let misused = own.hpke_open(b"info", &sealed);
            *sealed.last_mut().expect("not empty") ^= 1;
            (found, elsewhere, misused, own.unwrap_key(&sealed))
        } else {
            let mut sealed = hpke::seal_derand(point, b"info", &[9; 32], &secret).expect("seal");
            let found = own.hpke_open(b"info", &sealed);
            assert!(own.hpke_open(b"other", &sealed).is_err());
            let elsewhere = other.hpke_open(b"info", &sealed);
            let misused = own.unwrap_key(&sealed);
            *sealed.last_mut().expect("not empty") ^= 1;
            (found, elsewhere, misused, own.hpke_open(b"info", &sealed))
        };
        assert_eq!(found.expect("opens")[..], secret);
        let code = |result: Result<_, mifeng_pki::Error>| result.map(|_| ()).map_err(|e| e.code());
        assert_eq!(code(elsewhere), Err("crypto.unverified"));
        assert_eq!(code(bent), Err("crypto.unverified"));
        assert_eq!(code(misused), Err("crypto.unsupported"));
    }
}

#[test]
fn key_files_of_every_kind_of_key_in_every_suite() {
    let mut entropy = SeededEntropy::new(b"mix");
    for suite in [&GM, &INTL] {
        for alg in [KeyAlg::Sm2, KeyAlg::P256, KeyAlg::Ed25519] {
            let key = PrivateKey::generate(alg, &mut entropy).expect("key");
            let few = keyfile::ITERATIONS_MIN;
            let text = keyfile::encrypt(&key, b"", suite, few, &mut entropy).expect("encrypt");
            let back = keyfile::decrypt(&text, b"").expect("opens");
            assert_eq!(back.to_pkcs8_der(), key.to_pkcs8_der());
            let again = keyfile::encrypt(&key, b"", suite, few, &mut entropy).expect("encrypt");
            assert_ne!(text, again, "another salt and vector each time");
            let der = pem::decode("ENCRYPTED PRIVATE KEY", &text)
                .expect("PEM")
                .remove(0);
            for n in 0..der.len() {
                assert!(keyfile::decrypt_der(&der[..n], b"").is_err(), "{n} bytes");
            }
        }
    }
}

#[test]
fn damaged_key_files_have_one_answer() {
    let mut entropy = SeededEntropy::new(b"damage");
    for suite in [&GM, &INTL] {
        let key = key(suite, "damage");
        let few = keyfile::ITERATIONS_MIN;
        let text = keyfile::encrypt(&key, b"pass", suite, few, &mut entropy).expect("encrypt");
        let der = pem::decode("ENCRYPTED PRIVATE KEY", &text)
            .expect("PEM")
            .remove(0);
        // The last two ciphertext blocks decide the padding.
        for from_end in [1, 16, 17, 32] {
            let mut bent = der.clone();
            bent[der.len() - from_end] ^= 0x40;
            let code = keyfile::decrypt_der(&bent, b"pass").err().map(|e| e.code());
            assert_eq!(code, Some("pki.passphrase"), "{from_end} from the end");
        }
    }
}

/// Ciphers and PBKDF2 functions in the mixes that `encrypt` does not write but others do.
#[test]
fn key_files_of_openssl() {
    let mut entropy = SeededEntropy::new(b"openssl");
    let folder = temporary_folder();
    let plain = folder.join("plain.pem");
    let key = PrivateKey::generate(KeyAlg::P256, &mut entropy).expect("key");
    let text = pem::encode("PRIVATE KEY", &key.to_pkcs8_der().expect("DER"));
    std::fs::write(&plain, text).expect("write");
    for cipher in ["sm4-cbc", "aes-256-cbc"] {
        for function in ["hmacWithSHA256", "hmacWithSM3"] {
            let output = Command::new("openssl")
                .args(["pkcs8", "-topk8", "-passout", "pass:pass", "-iter", "1000"])
                .args(["-v2", cipher, "-v2prf", function, "-in"])
                .arg(&plain)
                .output();
            match output {
                Ok(output) if output.status.success() => {
                    let text = String::from_utf8(output.stdout).expect("PEM is text");
                    let back = keyfile::decrypt(&text, b"pass").expect("opens");
                    assert_eq!(back.public_key(), key.public_key(), "{cipher} {function}");
                }
                _ => eprintln!("skipped: this openssl has no {cipher} with {function}"),
            }
        }
    }
    std::fs::remove_dir_all(&folder).expect("clean up");
}

fn temporary_folder() -> std::path::PathBuf {
    let folder = format!("mifeng-pki-refusals-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    std::fs::create_dir_all(&folder).expect("temporary folder");
    folder
}
