//! Chains made by the openssl command with every algorithm of intl-1, judged by us; and ours by it.

use mifeng_crypto::{INTL, KeyAlg, PrivateKey, SeededEntropy, SignatureAlg, Time};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{
    Anchors, Certificate, Material, Policy, Purpose, RevocationList, RevocationRule, judge_path,
    pem,
};
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("folder");
    folder
}

/// What the command says, if it is there; `None` if not.
fn openssl(folder: &Path, arguments: &str) -> Option<String> {
    let arguments = arguments.split_whitespace();
    let run = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .ok()?;
    let said = [run.stdout, run.stderr].concat();
    Some(String::from_utf8_lossy(&said).into_owned())
}

fn certificate(folder: &Path, name: &str, said: &str) -> Certificate {
    let text = std::fs::read_to_string(folder.join(name)).expect(said);
    pem::certificates(&text).expect("certificates")[0].clone()
}

#[test]
fn chains_of_openssl_with_every_algorithm() {
    let folder = folder("openssl-chains");
    if openssl(&folder, "version").is_none() {
        eprintln!("skipped: chains_of_openssl_with_every_algorithm: openssl not there");
        return;
    }
    let rsa = |bits: usize| format!("RSA -pkeyopt rsa_keygen_bits:{bits}");
    let curve = |name: &str| format!("EC -pkeyopt ec_paramgen_curve:{name}");
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    use SignatureAlg as Alg;
    let table = [
        (
            rsa(2048),
            "-sha256".to_owned(),
            Some(Alg::RsaPkcs1Sha256),
            Ok(()),
        ),
        (
            rsa(4096),
            "-sha384".to_owned(),
            Some(Alg::RsaPkcs1Sha384),
            Ok(()),
        ),
        (
            rsa(2048),
            "-sha512".to_owned(),
            Some(Alg::RsaPkcs1Sha512),
            Ok(()),
        ),
        (
            rsa(2048),
            format!("-sha256 {pss}"),
            Some(Alg::RsaPssSha256),
            Ok(()),
        ),
        (
            rsa(2048),
            format!("-sha384 {pss}"),
            Some(Alg::RsaPssSha384),
            Ok(()),
        ),
        (
            rsa(2048),
            format!("-sha512 {pss}"),
            Some(Alg::RsaPssSha512),
            Ok(()),
        ),
        (
            curve("P-256"),
            "-sha256".to_owned(),
            Some(Alg::EcdsaP256Sha256),
            Ok(()),
        ),
        (
            curve("P-384"),
            "-sha384".to_owned(),
            Some(Alg::EcdsaP384Sha384),
            Ok(()),
        ),
        // A salt of another length, and a hash that is broken.
        (
            rsa(2048),
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20".to_owned(),
            None,
            Err("pki.wrong-suite"),
        ),
        (rsa(2048), "-sha1".to_owned(), None, Err("pki.wrong-suite")),
    ];
    std::fs::write(
        folder.join("leaf.ext"),
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n",
    )
    .expect("file");
    let at = Time::from_unix_seconds(openssl_now());
    for (kind, hash, alg, expected) in table {
        let run = |arguments: String| openssl(&folder, &arguments).expect("it was there");
        run(format!("genpkey -algorithm {kind} -out ca.key"));
        run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out leaf.key".to_owned());
        let ca = run(format!(
            "req -x509 -new -key ca.key {hash} -subj /CN=Root -days 30 -out ca.pem \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ));
        run("req -new -key leaf.key -subj /CN=Leaf -out leaf.csr".to_owned());
        let said = run(format!(
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial {hash} -days 20 \
             -extfile leaf.ext -out leaf.pem"
        ));
        let leaf = certificate(&folder, "leaf.pem", &said);
        assert_eq!(leaf.signature_alg(), alg, "{kind} {hash}");
        let anchors = Anchors::new(vec![certificate(&folder, "ca.pem", &ca)]);
        let policy = Policy::new(Purpose::Signing, &INTL);
        let found = judge_path(&leaf, &Material::default(), &anchors, at, &policy);
        let found = found.map(drop).map_err(|e| e.code());
        assert_eq!(found, expected, "{kind} {hash}");
    }
}

/// An hour from now, by the clock that openssl dates its certificates with.
fn openssl_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_secs() as i64 + 3_600
}

#[test]
fn openssl_verifies_our_chain_and_our_list() {
    let folder = folder("our-chain");
    if openssl(&folder, "version").is_none() {
        eprintln!("skipped: openssl_verifies_our_chain_and_our_list: openssl not there");
        return;
    }
    let time = |text| Time::parse_rfc3339(text).expect("a time");
    let validity = Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
    };
    let key = |seed: &str| {
        PrivateKey::generate(KeyAlg::P256, &mut SeededEntropy::new(seed.as_bytes())).expect("key")
    };
    let root = CertificateAuthority::new_root(key("root"), &Subject::named("Root"), validity, &[1]);
    let root = root.expect("root");
    let public = key("leaf").public_key().expect("public key");
    let (subject, profile) = (Subject::named("Leaf"), Profile::BidderSign);
    let leaf = root
        .issue(&subject, &public, profile, validity, &[9])
        .expect("leaf");
    let at = time("2026-06-01T00:00:00Z");
    for revoked in [false, true] {
        let lines: Vec<_> = revoked
            .then(|| mifeng_pki::issue::Revocation {
                serial: vec![9],
                revoked: time("2026-05-01T00:00:00Z"),
                reason: 1,
                invalid_since: Some(time("2026-04-01T00:00:00Z")),
            })
            .into_iter()
            .collect();
        let (from, to) = (validity.not_before, validity.not_after);
        let list = root.revocation_list(&lines, from, to, 5).expect("list");
        let file = |name: &str, label: &str, der: &[u8]| {
            std::fs::write(folder.join(name), pem::encode(label, der)).expect("file");
        };
        file("root.pem", "CERTIFICATE", root.certificate().der());
        file("leaf.pem", "CERTIFICATE", leaf.der());
        file("list.pem", "X509 CRL", &list);
        let seconds = at.as_unix_seconds();
        let said = openssl(
            &folder,
            &format!(
                "verify -x509_strict -crl_check -attime {seconds} -CAfile root.pem \
                 -CRLfile list.pem leaf.pem"
            ),
        )
        .expect("it was there");
        assert_eq!(said.contains("leaf.pem: OK"), !revoked, "{said}");
        assert_eq!(said.contains("certificate revoked"), revoked, "{said}");
        let lists = [RevocationList::parse(&list).expect("our own list")];
        let material = Material {
            crls: &lists,
            ..Material::default()
        };
        let mut policy = Policy::new(Purpose::Signing, &INTL);
        policy.revocation = RevocationRule::Required;
        let anchors = Anchors::new(vec![root.certificate().clone()]);
        assert_eq!(
            judge_path(&leaf, &material, &anchors, at, &policy).is_err(),
            revoked
        );
    }
}
