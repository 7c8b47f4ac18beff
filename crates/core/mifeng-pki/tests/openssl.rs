//! Messages and time stamps to and from `openssl`: P-256, P-384, RSA with both paddings.

#![allow(clippy::panic)]

mod common;

use common::{World, code, now, time};
use mifeng_crypto::{HashAlg, INTL, SignatureAlg};
use mifeng_pki::cms::{self, Deviation, Place, Profile as Form, SignedData, Strictness};
use mifeng_pki::issue::Profile;
use mifeng_pki::tsp::{Accuracy, Imprint, Request, Response, TimeStampAuthority, TokenCheck};
use mifeng_pki::{Anchors, Certificate, Error, Signer, pem, tsp};
use ring::signature as rs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONTENT: &[u8] = b"content\r\nof two lines\n";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("mifeng-pki-openssl-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("temporary folder");
        std::fs::write(path.join("content"), CONTENT).expect("write");
        Folder(path)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).expect("write");
    }

    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("read")
    }

    /// Whether openssl said yes; none if there is no openssl.
    fn openssl(&self, line: &str) -> Option<bool> {
        let run = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(&self.0)
            .output();
        let output = run.ok()?;
        if !output.status.success() {
            eprintln!("{line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Some(output.status.success())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.0);
    }
}

/// A self-signed key of openssl's making, for every algorithm that messages have.
const KEYS: [(&str, &str, &str, SignatureAlg); 4] = [
    (
        "p256",
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "",
        SignatureAlg::EcdsaP256Sha256,
    ),
    (
        "p384",
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "-md sha384",
        SignatureAlg::EcdsaP384Sha384,
    ),
    (
        "rsa",
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "",
        SignatureAlg::RsaPkcs1Sha256,
    ),
    (
        "pss",
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:-1",
        SignatureAlg::RsaPssSha256,
    ),
];

fn make(folder: &Folder, name: &str, alg: &str) -> Option<Certificate> {
    let subject = format!("-subj /CN={name} -days 30 -x509 -sha256");
    let usage = "-addext keyUsage=critical,digitalSignature";
    let ok = folder.openssl(&format!("genpkey -algorithm {alg} -out {name}.key"))?
        && folder.openssl(&format!(
            "req -new -key {name}.key -out {name}.pem {subject} {usage}"
        ))?;
    assert!(ok);
    let text = String::from_utf8(folder.get(&format!("{name}.pem"))).expect("text");
    Some(pem::certificates(&text).expect("a certificate").remove(0))
}

#[test]
fn messages_of_openssl_are_read() {
    let folder = Folder::new("read");
    for (name, kind, how, alg) in KEYS {
        let Some(certificate) = make(&folder, name, kind) else {
            eprintln!("skipped: no openssl");
            return;
        };
        for (form, bound, deviations) in [
            ("-binary", false, vec![]),
            ("-binary -cades", true, vec![]),
            ("-binary -nodetach", false, vec![]),
            (
                "-binary -nodetach -stream -indef",
                false,
                vec![Deviation::Ber],
            ),
            ("-binary -noattr -nodetach", false, vec![]),
            ("-binary -keyid", false, vec![]),
            ("-binary -nocerts", false, vec![]),
        ] {
            // openssl 3.0 cannot stream a message with PSS.
            if name == "pss" && form.contains("-stream") {
                continue;
            }
            let line = format!(
                "cms -sign -in content -signer {name}.pem -inkey {name}.key -outform DER \
                 -out message {how} {form}"
            );
            assert_eq!(folder.openssl(&line), Some(true), "{line}");
            let verify = |content: &[u8]| {
                let mut message = SignedData::parse_field(&folder.get("message"))?;
                message.add_certificates(std::slice::from_ref(&certificate));
                message.verify_content(content, &INTL, Strictness::Field)
            };
            let signed = verify(CONTENT).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(signed.algorithm, alg, "{line}");
            assert_eq!(signed.binds_certificate, bound, "{line}");
            assert_eq!(signed.deviations, deviations, "{line}");
            assert!(verify(b"other").is_err(), "{line}");
        }
    }
}

/// A key that openssl made, used through ring: what a token or a service does.
struct Elsewhere {
    certificate: Certificate,
    alg: SignatureAlg,
    pkcs8: Vec<u8>,
}

impl Signer for Elsewhere {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &[]
    }
    fn signature_alg(&self) -> Result<SignatureAlg, Error> {
        Ok(self.alg)
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let rng = ring::rand::SystemRandom::new();
        let rsa = |padding: &'static dyn rs::RsaEncoding| {
            let pair = rs::RsaKeyPair::from_pkcs8(&self.pkcs8).expect("RSA");
            let mut out = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &rng, message, &mut out).expect("signs");
            out
        };
        let ecdsa = |alg: &'static rs::EcdsaSigningAlgorithm| {
            let pair = rs::EcdsaKeyPair::from_pkcs8(alg, &self.pkcs8, &rng).expect("ECDSA");
            pair.sign(&rng, message).expect("signs").as_ref().to_vec()
        };
        Ok(match self.alg {
            SignatureAlg::EcdsaP256Sha256 => ecdsa(&rs::ECDSA_P256_SHA256_ASN1_SIGNING),
            SignatureAlg::EcdsaP384Sha384 => ecdsa(&rs::ECDSA_P384_SHA384_ASN1_SIGNING),
            SignatureAlg::RsaPkcs1Sha256 => rsa(&rs::RSA_PKCS1_SHA256),
            SignatureAlg::RsaPkcs1Sha384 => rsa(&rs::RSA_PKCS1_SHA384),
            SignatureAlg::RsaPkcs1Sha512 => rsa(&rs::RSA_PKCS1_SHA512),
            _ => rsa(&rs::RSA_PSS_SHA256),
        })
    }
}

#[test]
fn openssl_reads_messages_of_every_algorithm() {
    let folder = Folder::new("write");
    for (name, kind, _, alg) in KEYS {
        let Some(certificate) = make(&folder, name, kind) else {
            eprintln!("skipped: no openssl");
            return;
        };
        let key = String::from_utf8(folder.get(&format!("{name}.key"))).expect("text");
        let pkcs8 = pem::decode("PRIVATE KEY", &key).expect("PKCS#8").concat();
        let algs = match alg {
            SignatureAlg::RsaPkcs1Sha256 => {
                vec![
                    alg,
                    SignatureAlg::RsaPkcs1Sha384,
                    SignatureAlg::RsaPkcs1Sha512,
                ]
            }
            _ => vec![alg],
        };
        for alg in algs {
            let signer = Elsewhere {
                certificate: certificate.clone(),
                alg,
                pkcs8: pkcs8.clone(),
            };
            let form = Form::Rfc5652;
            let now = time("2026-11-21T00:00:00Z");
            let message = cms::sign_detached(&signer, CONTENT, now, form).expect("signs");
            let signed = cms::verify_detached(&message, CONTENT, &INTL).expect("our own");
            assert_eq!(signed.algorithm, alg);
            folder.put("message", &message);
            let line = format!(
                "cms -verify -binary -inform DER -in message -content content -out out \
                 -CAfile {name}.pem -purpose any -no_check_time -cades"
            );
            assert_eq!(folder.openssl(&line), Some(true), "{alg:?}");
            let inside = cms::sign_all(&[&signer], CONTENT, Place::Attached, now, form);
            folder.put("message", &inside.expect("signs"));
            let line = line.replace("-content content", "");
            assert_eq!(folder.openssl(&line), Some(true), "{alg:?}, attached");
            assert_eq!(folder.get("out"), CONTENT);
        }
        // An algorithm that is not the key's.
        let other = match alg {
            SignatureAlg::EcdsaP256Sha256 => SignatureAlg::EcdsaP384Sha384,
            _ => SignatureAlg::EcdsaP256Sha256,
        };
        let signer = Elsewhere {
            certificate,
            alg: other,
            pkcs8,
        };
        let refused = cms::sign_detached(&signer, CONTENT, now(), Form::Rfc5652);
        assert_eq!(code(refused), Err("pki.message"));
    }
}

#[test]
fn stamps_travel_both_ways() {
    let folder = Folder::new("stamps");
    let mut world = World::new(&INTL);
    let signer = world.signer(Profile::TimeStamping, 10);
    let root = pem::encode("CERTIFICATE", world.root.certificate().der());
    let sub = pem::encode("CERTIFICATE", world.sub.certificate().der());
    folder.put("root.pem", root.as_bytes());
    folder.put("sub.pem", sub.as_bytes());
    let authority = TimeStampAuthority::new(&signer, "1.2.3.4").expect("authority");
    let authority = authority.with_accuracy(Accuracy::from_millis(1_500));
    for hash in ["sha256", "sha384", "sha512"] {
        for more in ["-cert", "-cert -tspolicy 1.2.3.4", "-cert -no_nonce"] {
            let line = format!("ts -query -data content -{hash} {more} -out query");
            match folder.openssl(&line) {
                None => {
                    eprintln!("skipped: no openssl");
                    return;
                }
                Some(ok) => assert!(ok, "{line}"),
            }
            let query = folder.get("query");
            let request = Request::parse(&query).expect("a request");
            assert_eq!(request.imprint().alg().name(), hash);
            let answer = authority.answer(&query, 7, now());
            assert!(answer.outcome.is_ok(), "{line}: {:?}", answer.outcome);
            folder.put("reply", &answer.der);
            // openssl knows "now" only: the certificates hold long enough or are not asked.
            let line = "ts -verify -queryfile query -in reply -CAfile root.pem -untrusted sub.pem \
                        -attime 1780300800";
            assert_eq!(folder.openssl(line), Some(true), "{hash} {more}");
        }
    }
    assert_eq!(
        folder.openssl("ts -query -data content -sha256 -tspolicy 1.2.3 -out q"),
        Some(true)
    );
    let answer = authority.answer(&folder.get("q"), 8, now());
    folder.put("reply", &answer.der);
    assert_eq!(
        folder.openssl("ts -reply -in reply -text"),
        Some(true),
        "a refusal is read"
    );
    // And openssl as the authority.
    let ca = "req -x509 -new -key tsa.key -subj /CN=tsa -days 30 -sha256 -out tsa.pem \
              -addext extendedKeyUsage=critical,timeStamping \
              -addext keyUsage=critical,digitalSignature \
              -addext basicConstraints=critical,CA:FALSE";
    let key = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tsa.key";
    assert!(folder.openssl(key) == Some(true) && folder.openssl(ca) == Some(true));
    let settings = "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_digest=sha256\n\
                    default_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:1,millisecs:500\n\
                    ordering=yes\ness_cert_id_alg=sha256\n";
    folder.put("tsa.cnf", settings.as_bytes());
    let imprint = Imprint::new(HashAlg::Sha256.digest(CONTENT), HashAlg::Sha256);
    let request = Request::for_imprint(imprint.clone())
        .with_nonce(&[0xab; 8])
        .expect("nonce");
    folder.put("query", &request.to_der());
    let line = "ts -reply -config tsa.cnf -queryfile query -signer tsa.pem -inkey tsa.key \
                -out reply";
    assert_eq!(folder.openssl(line), Some(true));
    let response = Response::parse(&folder.get("reply")).expect("an answer");
    let token = response.into_token().expect("granted");
    let text = String::from_utf8(folder.get("tsa.pem")).expect("text");
    let anchors = Anchors::new(pem::certificates(&text).expect("certificate"));
    let mut check = TokenCheck::new(&imprint, &anchors, &INTL);
    check.nonce = request.nonce();
    let stamp = tsp::check_token(&token, &check).expect("holds");
    assert_eq!(stamp.accuracy, Some(Accuracy::from_millis(1_500)));
    assert!(stamp.ordering);
}
