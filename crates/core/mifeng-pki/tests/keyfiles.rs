//! Key files of OpenSSL, GmSSL, Bouncy Castle and a Chinese CA, and our own, whole and damaged.

#![allow(clippy::panic, reason = "a test says which file")]

use mifeng_crypto::{GM, INTL, PrivateKey, SeededEntropy, Suite};
use mifeng_pki::keyfile::{self, Protection, Writing, delivered, pkcs12};
use mifeng_pki::{Error, pem};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

type Tested = Result<(), Box<dyn std::error::Error>>;

const PASS: &[u8] = "密封-mifeng".as_bytes();

fn vectors() -> PathBuf {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../test-vectors/keys"
    ))
    .to_owned()
}

/// The folder of samples by others, or `None` with a word about it.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data");
    let path = Path::new(root).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn text(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn bytes(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The public key that a file must hold.
fn public(name: &str) -> Vec<u8> {
    let text = text(vectors().join(format!("{name}.pub.pem")));
    pem::decode("PUBLIC KEY", &text)
        .expect("a public key")
        .concat()
}

fn same(key: &PrivateKey, name: &str) {
    let found = key.public_key().expect("a public half");
    assert_eq!(found.spki_der(), public(name), "{name}");
}

fn read(bytes: &[u8], passphrase: &[u8]) -> Result<(PrivateKey, Protection), Error> {
    keyfile::read_any(bytes, || Ok(Zeroizing::new(passphrase.to_vec())))
}

#[test]
fn openssl_pkcs8_opens() -> Tested {
    for (file, name, protection) in [
        ("p256-aes256-sha256.p8.pem", "p256", Protection::Modern),
        ("p256-aes128-sha512.p8.pem", "p256", Protection::Modern),
        ("p256-des3-sha1.p8.pem", "p256", Protection::Legacy),
        ("rsa-aes256-sha256.p8.pem", "rsa", Protection::Modern),
        ("sm2-sm4-sha256.p8.pem", "sm2", Protection::Modern),
    ] {
        let file = bytes(vectors().join(file));
        let (key, found) = read(&file, PASS)?;
        same(&key, name);
        assert_eq!(found, protection);
        assert_eq!(read(&file, b"wrong").err(), Some(Error::Passphrase));
        assert_eq!(read(&file, b"").err(), Some(Error::Passphrase));
    }
    Ok(())
}

#[test]
fn plain_forms_open_in_pem_and_der() -> Tested {
    for (file, label, name) in [
        ("p256.key.pem", "PRIVATE KEY", "p256"),
        ("p256.sec1.pem", "EC PRIVATE KEY", "p256"),
        ("rsa.key.pem", "PRIVATE KEY", "rsa"),
        ("rsa.pkcs1.pem", "RSA PRIVATE KEY", "rsa"),
        ("sm2.key.pem", "PRIVATE KEY", "sm2"),
        ("sm2.sec1.pem", "SM2 PRIVATE KEY", "sm2"),
    ] {
        let never = || Err(Error::Passphrase);
        let text = text(vectors().join(file));
        let (key, protection) = keyfile::read_any(text.as_bytes(), never)?;
        same(&key, name);
        assert_eq!(protection, Protection::Plain);
        let der = pem::decode(label, &text)?.concat();
        let (key, _) = keyfile::read_any(&der, never)?;
        same(&key, name);
        let again = keyfile::plain_pem(&key)?;
        same(&read(again.as_bytes(), b"")?.0, name);
    }
    Ok(())
}

#[test]
fn gmssl_pkcs8_opens() -> Tested {
    let Some(folder) = shared("gm/keys") else {
        return Ok(());
    };
    let file = bytes(folder.join("gmssl-encrypted-pkcs8.pem"));
    let (key, protection) = read(&file, b"1234")?;
    let public = text(folder.join("gmssl-encrypted-pkcs8.pub.pem"));
    let public = pem::decode("PUBLIC KEY", &public)?.concat();
    assert_eq!(key.public_key()?.spki_der(), public);
    assert_eq!(protection, Protection::Modern);
    assert_eq!(read(&file, b"1235").err(), Some(Error::Passphrase));
    Ok(())
}

#[test]
fn openssl_pkcs12_opens() -> Tested {
    for (file, name, label, protection) in [
        ("p256-modern.p12", "p256", Some("签名"), Protection::Modern),
        ("rsa-modern.p12", "rsa", Some("rsa"), Protection::Modern),
        ("sm2-modern.p12", "sm2", Some("sm2"), Protection::Modern),
        ("sm2-sm4.p12", "sm2", Some("sm2"), Protection::Modern),
        ("p256-3des.p12", "p256", None, Protection::Legacy),
        ("p256-rc2-40.p12", "p256", None, Protection::Legacy),
        ("p256-rc2-128.p12", "p256", None, Protection::Legacy),
        ("p256-open.p12", "p256", None, Protection::Modern),
    ] {
        let file = bytes(vectors().join(file));
        let found = pkcs12::read(&file, PASS)?;
        let [entry] = &found.keys[..] else {
            panic!("{name}: one key")
        };
        same(&entry.key, name);
        assert_eq!(entry.name.as_deref(), label);
        assert_eq!(found.protection, protection, "{name}");
        assert_eq!(found.certificates_unread, 0);
        let certificate = found.certificate_of(entry).expect("its certificate");
        let expected = pem::certificates(&text(vectors().join(format!("{name}.cer.pem"))))?;
        assert_eq!(certificate.der(), expected[0].der());
        assert_eq!(pkcs12::read(&file, b"wrong").err(), Some(Error::Passphrase));
    }
    let empty = bytes(vectors().join("p256-empty.p12"));
    same(&pkcs12::read(&empty, b"")?.keys[0].key, "p256");
    let bare = bytes(vectors().join("p256-no-mac.p12"));
    assert!(matches!(
        pkcs12::read(&bare, PASS),
        Err(Error::Malformed { .. })
    ));
    Ok(())
}

/// Written by Bouncy Castle in BER, with three-key DES and RC2 of 40 bits.
#[test]
fn old_java_pkcs12_opens() -> Tested {
    let Some(folder) = shared("gm/ofdrw") else {
        return Ok(());
    };
    for name in ["USER.p12", "SealBuilder.p12"] {
        let file = bytes(folder.join(name));
        let found = pkcs12::read(&file, b"777777")?;
        assert_eq!(found.keys.len(), 1, "{name}");
        assert_eq!(found.protection, Protection::Legacy);
        assert_eq!(found.keys[0].name.as_deref(), Some("private"));
        let certificate = found.certificate_of(&found.keys[0]);
        let certificate = certificate.expect("its certificate");
        let signature = found.keys[0].key.sign(b"message")?;
        certificate.public_key().verify(
            found.keys[0].key.signature_alg(),
            b"message",
            &signature,
        )?;
        assert_eq!(
            pkcs12::read(&file, b"777778").err(),
            Some(Error::Passphrase)
        );
    }
    Ok(())
}

#[test]
fn damaged_pkcs12_never_opens() -> Tested {
    let file = bytes(vectors().join("p256-3des.p12"));
    for at in 0..file.len() {
        let mut bad = file.clone();
        bad[at] ^= 0x10;
        // The name of an algorithm's NULL, or a BER length, may be written in two ways; what comes
        // out is then what went in.
        if let Ok(found) = pkcs12::read(&bad, PASS) {
            same(&found.keys[0].key, "p256");
        }
        assert!(pkcs12::read(&file[..at], PASS).is_err(), "cut at {at}");
    }
    Ok(())
}

#[test]
fn what_is_written_opens_and_only_so() -> Tested {
    let entropy = &mut SeededEntropy::new(b"keyfiles");
    for (suite, name) in [(&GM, "sm2"), (&INTL, "p256"), (&INTL, "rsa")] {
        let (key, _) = read(&bytes(vectors().join(format!("{name}.key.pem"))), b"")?;
        let certificate = pem::certificates(&text(vectors().join(format!("{name}.cer.pem"))))?;
        let writing = Writing {
            suite,
            iterations: 2_000,
        };
        let file = pkcs12::write(
            &[(&key, "投标")],
            &certificate.iter().collect::<Vec<_>>(),
            PASS,
            writing,
            entropy,
        )?;
        let found = pkcs12::read(&file, PASS)?;
        same(&found.keys[0].key, name);
        assert_eq!(found.keys[0].name.as_deref(), Some("投标"));
        assert_eq!(found.protection, Protection::Modern);
        assert_eq!(found.certificates.len(), 1);
        assert_eq!(pkcs12::read(&file, b"x").err(), Some(Error::Passphrase));
        openssl_reads(&file, suite, name);
        let p8 = keyfile::encrypt(&key, PASS, suite, 2_000, entropy)?;
        same(&keyfile::decrypt(&p8, PASS)?, name);
    }
    Ok(())
}

/// A CA's reply as GM/T 0092 has it, with its tags explicit and implicit.
#[test]
fn a_ca_reply_and_its_enveloped_key() -> Tested {
    use mifeng_crypto::sm4::Sm4;
    use mifeng_crypto::{Curve, KeyAlg, Scalar, sm2enc};
    let entropy = &mut SeededEntropy::new(b"reply");
    let signing = PrivateKey::generate(KeyAlg::Sm2, entropy)?;
    let scalar = Scalar::random(Curve::Sm2, entropy)?;
    let delivered_key = PrivateKey::from_scalar(&scalar)?;
    let public = delivered_key.public_key()?;
    let point = signing.public_key()?;
    let wrapped = sm2enc::encrypt(
        point.point().expect("a point"),
        &Scalar::random(Curve::Sm2, entropy)?,
        &[7; 16],
    )?;
    let tlv = |tag: u8, value: &[u8]| {
        let len = u16::try_from(value.len()).expect("short");
        match len {
            0..0x80 => [&[tag, len as u8], value].concat(),
            0x80..0x100 => [&[tag, 0x81, len as u8], value].concat(),
            _ => [&[tag, 0x82, (len >> 8) as u8, len as u8], value].concat(),
        }
    };
    let enveloped = |zeros: usize| {
        let mut blocks = [vec![0; zeros], scalar.to_be_bytes().to_vec()].concat();
        Sm4::new(&[7; 16]).encrypt_blocks(blocks.as_chunks_mut().0);
        // SM4-ECB, 1.2.156.10197.1.104.1.
        let alg = hex::decode("300a06082a811ccf55016801").expect("hex");
        let bits = |bytes: &[u8]| tlv(3, &[&[0], bytes].concat());
        [alg, wrapped.clone(), bits(public.raw()), bits(&blocks)].concat()
    };
    for zeros in [0, 32] {
        let members = enveloped(zeros);
        let key = delivered::EnvelopedKey::parse(&tlv(0x30, &members))?;
        assert_eq!(key.open(&signing)?.public_key()?, public);
        assert!(matches!(key.open(&delivered_key), Err(Error::Crypto(_))));
        let certificate = pem::decode("CERTIFICATE", &text(vectors().join("sm2.cer.pem")))?;
        let certificate = certificate.concat();
        for (sealed, chain) in [
            (tlv(0xa0, &members), tlv(0xa1, &certificate)),
            (
                tlv(0xa0, &tlv(0x30, &members)),
                tlv(0xa1, &tlv(0x31, &certificate)),
            ),
        ] {
            let reply = tlv(0x30, &[tlv(0x31, &certificate), sealed, chain].concat());
            let read = delivered::Reply::parse(&reply)?;
            assert_eq!((read.signing.len(), read.encryption.len()), (1, 1));
            let key = read.key.expect("a key").open(&signing)?;
            assert_eq!(key.public_key()?, public);
            for cut in 0..reply.len() {
                assert!(delivered::Reply::parse(&reply[..cut]).is_err(), "{cut}");
            }
        }
    }
    // A key block that holds another key than it names, and the key n − 1.
    let mut other = enveloped(0);
    let last = other.len() - 1;
    other[last] ^= 1;
    let other = delivered::EnvelopedKey::parse(&tlv(0x30, &other))?;
    assert!(other.open(&signing).is_err());
    Ok(())
}

#[test]
fn two_steps_make_the_same_signature() -> Tested {
    use mifeng_pki::{Signer, SoftwareSigner, cms, two_step};
    let (key, _) = read(&bytes(vectors().join("p256.key.pem")), b"")?;
    let certificate = pem::certificates(&text(vectors().join("p256.cer.pem")))?.remove(0);
    let again = PrivateKey::from_pkcs8_der(&key.to_pkcs8_der()?)?;
    let local = SoftwareSigner::new(again, certificate.clone(), Vec::new())?;
    let time = mifeng_crypto::Time::parse_rfc3339("2026-11-21T00:00:00Z")?;
    let later = mifeng_crypto::Time::parse_rfc3339("2026-11-21T00:00:01Z")?;
    let build = |signer: &dyn Signer, time| {
        cms::sign_detached(signer, b"content", time, cms::Profile::of(&INTL))
    };
    let message = two_step::message(&certificate, &[], |signer| build(signer, time))?;
    let made = two_step::Made::new(certificate, Vec::new(), key.sign(&message)?);
    assert_eq!(build(&made, time)?, build(&local, time)?);
    assert_eq!(
        build(&made, later).map_err(|e| e.code()),
        Err("pki.bad-signature")
    );
    Ok(())
}

/// OpenSSL opens what we write (of the SM suite it has no HMAC-SM3 for PBKDF2 before 3.2: then it
/// must at least find our MAC right).
fn openssl_reads(file: &[u8], suite: &Suite, name: &str) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let path = std::env::temp_dir().join(format!("mifeng-{}-{name}.p12", std::process::id()));
    std::fs::write(&path, file).expect("a temporary file");
    let child = Command::new("openssl")
        .args(["pkcs12", "-in"])
        .arg(&path)
        .args(["-passin", "stdin", "-nodes", "-info"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("skipped: no openssl command");
        return;
    };
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(PASS).expect("a pipe");
    drop(input);
    let out = child.wait_with_output().expect("openssl ends");
    std::fs::remove_file(&path).expect("the temporary file");
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(!told.contains("Mac verify error"), "{told}");
    assert!(told.contains("MAC: sha256"), "{told}");
    if suite.id() == "intl-1" {
        assert!(out.status.success(), "{told}");
        let (key, _) = read(&out.stdout, b"").expect("a key");
        same(&key, name);
    }
}

#[test]
fn round_counts_have_limits() -> Tested {
    let (key, _) = read(&bytes(vectors().join("p256.key.pem")), b"")?;
    let entropy = &mut SeededEntropy::new(b"rounds");
    for wrong in [0, 999, keyfile::ITERATIONS_MAX + 1, u32::MAX] {
        assert!(keyfile::encrypt(&key, PASS, &INTL, wrong, entropy).is_err());
    }
    // 1,000 rounds written as 10,000,001 and as 999: refused before anything is derived.
    let der = keyfile::encrypt_der(&key, PASS, &INTL, 1_000, entropy)?;
    let at = der
        .windows(4)
        .position(|w| w == [2, 2, 3, 0xe8])
        .expect("the count");
    let mut few = der.clone();
    few[at + 3] = 0xe7;
    assert_eq!(
        keyfile::decrypt_der(&few, PASS).err(),
        Some(Error::Malformed {
            what: "iteration count"
        })
    );
    let file = bytes(vectors().join("p256-3des.p12"));
    // 2,048 rounds of the MAC stand at the end; made 0x7fff_ffff they are beyond every budget. Two
    // lengths around them grow by two: the MAC's and the file's, whose last digit is byte 3.
    let end = file.len();
    assert_eq!(file[end - 4..], [2, 2, 8, 0]);
    let mac = (0..end)
        .rev()
        .find(|at| file[*at] == 0x30 && at + 2 + usize::from(file[at + 1]) == end)
        .expect("the MAC's SEQUENCE");
    let mut many = [&file[..end - 4], &[2, 4, 0x7f, 0xff, 0xff, 0xff]].concat();
    many[mac + 1] += 2;
    many[3] += 2;
    assert!(matches!(
        pkcs12::read(&many, PASS),
        Err(Error::TooLarge { .. })
    ));
    Ok(())
}

#[test]
fn a_key_delivered_by_a_ca() -> Tested {
    let Some(folder) = shared("gm/gmsm") else {
        return Ok(());
    };
    let (signing, _) = read(&bytes(folder.join("gmcert-sign.key.pem")), b"")?;
    let (expected, _) = read(&bytes(folder.join("gmcert-enc.key.expected.pem")), b"")?;
    let file = text(folder.join("gmcert-signed-and-enveloped.pem"));
    let label = file
        .split("-----")
        .nth(1)
        .and_then(|l| l.strip_prefix("BEGIN "))
        .expect("a label");
    let der = pem::decode(label, &file)?.concat();
    let (key, signer) = delivered::open_signed_and_enveloped(&der, &signing)?;
    assert_eq!(key.public_key()?, expected.public_key()?);
    let certificate = pem::certificates(&text(folder.join("gmcert-enc.crt.pem")))?;
    assert_eq!(certificate[0].public_key(), &key.public_key()?);
    assert_eq!(signer.subject_raw(), certificate[0].issuer_raw());
    assert!(delivered::open_signed_and_enveloped(&der, &expected).is_err());
    for at in 0..der.len() {
        let mut bad = der.clone();
        bad[at] ^= 1;
        // Names of the recipient and of unused fields are not what vouches for the key.
        if let Ok((found, _)) = delivered::open_signed_and_enveloped(&bad, &signing) {
            assert_eq!(found.public_key()?, expected.public_key()?, "byte {at}");
        }
    }
    Ok(())
}
