//! Certificate paths beside `rustls-webpki` and `openssl verify`; long revocation lists.
//!
//! Ours and webpki parse and verify leaf, intermediate and root from DER each time. `openssl verify`
//! is one process that verifies all leaves; reading the files is part of it, and so is the start of
//! the process, which the many leaves make small.

use benches::world::{key_alg, now};
use benches::{Table, Unit, done, good};
use mifeng_crypto::{GM, INTL, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Revocation, Subject, Validity};
use mifeng_pki::{Anchors, Certificate, Purpose, RevocationList, pem, verify_path};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Root, issuing CA and leaf.
struct Chain {
    root: Certificate,
    sub: Certificate,
    leaf: Certificate,
    ca: CertificateAuthority,
}

fn main() {
    let mut table = Table::new("paths");
    let count = table.size(200, 2);
    let mut seed = SeededEntropy::new(b"bench paths");
    let curve = |suite: &Suite, seed: &mut SeededEntropy| {
        [0; 3].map(|_| PrivateKey::generate(key_alg(suite), seed).expect("key"))
    };
    let p256 = chain(curve(&INTL, &mut seed));
    beside_others(&mut table, "P-256", &p256, count);
    match rsa_keys() {
        Some(keys) => beside_others(&mut table, "RSA-3072", &chain(keys), count),
        None => eprintln!("skipped: RSA-3072: openssl makes no keys here"),
    }
    let sm2 = chain(curve(&GM, &mut seed));
    beside_signatures(&mut table, &sm2, count);
    long_list(&mut table, &p256);
    table.print();
}

fn validity() -> Validity {
    let day = |text| Time::parse_rfc3339(text).expect("a time");
    Validity {
        not_before: day("2026-01-01T00:00:00Z"),
        not_after: day("2030-01-01T00:00:00Z"),
    }
}

fn chain([root_key, sub_key, leaf_key]: [PrivateKey; 3]) -> Chain {
    let named = Subject::named;
    let public = |key: &PrivateKey| key.public_key().expect("public");
    let root = CertificateAuthority::new_root(root_key, &named("Root"), validity(), &[1]);
    let root = root.expect("root");
    let sub = root.issue_ca(&named("CA"), &public(&sub_key), Some(0), validity(), &[2]);
    let ca = CertificateAuthority::from_parts(sub_key, sub.expect("CA")).expect("pair");
    let (leaf, profile) = (public(&leaf_key), Profile::BidderSign);
    let leaf = ca.issue(&named("Bidder"), &leaf, profile, validity(), &[3]);
    Chain {
        root: root.certificate().clone(),
        sub: ca.certificate().clone(),
        leaf: leaf.expect("leaf"),
        ca,
    }
}

/// Three RSA keys of 3,072 bits, made by the openssl command.
fn rsa_keys() -> Option<[PrivateKey; 3]> {
    let make = || {
        let arguments = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072";
        let run = Command::new("openssl")
            .args(arguments.split(' '))
            .stderr(Stdio::null())
            .output();
        let text = String::from_utf8(run.ok()?.stdout).ok()?;
        let der = pem::decode("PRIVATE KEY", &text).ok()?;
        PrivateKey::from_pkcs8_der(der.first()?).ok()
    };
    Some([make()?, make()?, make()?])
}

fn ours(chain: &Chain, suite: &'static Suite) {
    let parse = |one: &Certificate| Certificate::parse(one.der()).expect("a certificate");
    let anchors = Anchors::new(vec![parse(&chain.root)]);
    let (leaf, sub) = (parse(&chain.leaf), [parse(&chain.sub)]);
    let purpose = Purpose::Signing;
    good(verify_path(
        &leaf,
        &sub,
        &anchors,
        &[],
        now(),
        purpose,
        suite,
    ));
}

fn theirs(chain: &Chain) {
    let der = |one: &Certificate| CertificateDer::from(one.der().to_vec());
    let (root, leaf, sub) = (der(&chain.root), der(&chain.leaf), [der(&chain.sub)]);
    let anchors = [webpki::anchor_from_trusted_cert(&root).expect("anchor")];
    let leaf = webpki::EndEntityCert::try_from(&leaf).expect("leaf");
    let seconds = now().as_unix_seconds().unsigned_abs();
    let path = leaf.verify_for_usage(
        &[
            webpki::ring::ECDSA_P256_SHA256,
            webpki::ring::RSA_PKCS1_2048_8192_SHA256,
        ],
        &anchors,
        &sub,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        webpki::KeyUsage::client_auth(),
        None,
        None,
    );
    done(path.expect("webpki accepts"));
}

fn beside_others(table: &mut Table, name: &str, chain: &Chain, count: usize) {
    let folder = written(name, chain);
    let has_openssl = Command::new("openssl").arg("version").output().is_ok();
    let mut webpki = || (0..count).for_each(|_| theirs(chain));
    let mut openssl = || openssl_verify(&folder, count);
    let mut peers: Vec<benches::Peer<'_>> = vec![("rustls-webpki", &mut webpki)];
    if has_openssl {
        peers.push(("openssl verify, one process", &mut openssl));
    }
    table.job(
        &format!("{name}: leaf, CA, root from DER"),
        Unit::Each(count),
        &mut || (0..count).for_each(|_| ours(chain, &INTL)),
        &mut peers,
    );
}

fn beside_signatures(table: &mut Table, chain: &Chain, count: usize) {
    let check = |child: &Certificate, issuer: &Certificate| {
        let alg = child.signature_alg().expect("known");
        // The signature is the last field; its bytes do not matter to the time of a check.
        let signature = chain.ca.key().sign(child.tbs_der()).expect("signs");
        let key = issuer.public_key().clone();
        move || done(key.verify(alg, b"the same time for any message", &signature))
    };
    let (one, two) = (
        check(&chain.leaf, &chain.sub),
        check(&chain.sub, &chain.root),
    );
    table.job(
        "SM2: leaf, CA, root from DER",
        Unit::Each(count),
        &mut || (0..count).for_each(|_| ours(chain, &GM)),
        &mut [("2 bare signature checks", &mut || {
            (0..count).for_each(|_| {
                one();
                two();
            });
        })],
    );
}

fn written(name: &str, chain: &Chain) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("paths-{name}"));
    std::fs::create_dir_all(&folder).expect("folder");
    let parts = [
        ("root", &chain.root),
        ("sub", &chain.sub),
        ("leaf", &chain.leaf),
    ];
    for (file, certificate) in parts {
        let text = pem::encode("CERTIFICATE", certificate.der());
        std::fs::write(folder.join(format!("{file}.pem")), text).expect("file");
    }
    folder
}

fn openssl_verify(folder: &Path, count: usize) {
    let at = now().as_unix_seconds().to_string();
    let run = Command::new("openssl")
        .current_dir(folder)
        .args([
            "verify",
            "-attime",
            &at,
            "-CAfile",
            "root.pem",
            "-untrusted",
            "sub.pem",
        ])
        .args(vec!["leaf.pem"; count])
        .stdout(Stdio::null())
        .status();
    assert!(run.expect("openssl runs").success());
}

/// Reading a list once, and looking a certificate up in it.
fn long_list(table: &mut Table, chain: &Chain) {
    let entries = table.size(1_000_000, 1_000);
    let entry = |n: u32| Revocation {
        serial: [&[0x40][..], &n.reverse_bits().to_be_bytes(), &[0xab; 12]].concat(),
        revoked: now(),
        reason: 0,
        invalid_since: None,
    };
    let lines: Vec<Revocation> = (0..entries as u32).map(entry).collect();
    let (from, to) = (validity().not_before, validity().not_after);
    let der = chain.ca.revocation_list(&lines, from, to, 1).expect("list");
    drop(lines);
    let size = der.len();
    table.job(
        &format!("reading a list of {entries} entries"),
        Unit::Bytes(size),
        &mut || good(RevocationList::parse(&der)),
        &mut [("hashing its bytes with SHA-256", &mut || {
            done(INTL.hash().digest(&der))
        })],
    );
    let list = RevocationList::parse(&der).expect("a list");
    let (there, not) = (entry(77).serial, entry(u32::MAX).serial);
    table.job(
        &format!("looking up one of {entries} entries"),
        Unit::Each(2),
        &mut || {
            done(list.find(&there).expect("listed"));
            done(list.find(&not));
        },
        &mut [],
    );
}
