//! Keys, signatures and ciphertexts that must be refused.

use mifeng_crypto::{
    Curve, Error, KeyAlg, Point, PrivateKey, PublicKey, Scalar, SeededEntropy, SignatureAlg, hpke,
    jcs, sm2enc,
};
use serde_json::Value;

const DEFAULT_ID: &str = "31323334353637383132333435363738";

fn file(name: &str) -> Option<Value> {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/reliability/sm2-negative/"
    );
    let Ok(text) = std::fs::read(format!("{folder}{name}")) else {
        eprintln!("skipped: {name} is not there");
        return None;
    };
    Some(serde_json::from_slice(&text).expect("JSON"))
}

fn bytes(of: &Value, name: &str) -> Vec<u8> {
    hex::decode(of[name].as_str().expect("text")).expect("hex")
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().expect("array")
}

#[test]
fn sm2_signatures() -> Result<(), Error> {
    let Some(file) = file("sm2_sm3_verify.json") else {
        return Ok(());
    };
    let (mut taken, mut refused) = (0, 0);
    for group in list(&file, "testGroups") {
        let point = Point::from_uncompressed(Curve::Sm2, &bytes(group, "publicKey"))?;
        let key = PublicKey::from_point(&point);
        for test in list(group, "tests") {
            let expected = match (test["id"] == DEFAULT_ID, test["result"].as_str()) {
                (true, Some(result)) => result == "valid",
                // Right under another signer id: wrong under the only one we know.
                (false, Some("valid")) => false,
                _ => continue,
            };
            let (message, signature) = (bytes(test, "msg"), bytes(test, "sig"));
            let found = key.verify(SignatureAlg::Sm2Sm3, &message, &signature);
            assert_eq!(found.is_ok(), expected, "{}", test["tcId"]);
            if expected {
                taken += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(taken > 20 && refused > 100, "{taken} taken, {refused} not");
    Ok(())
}

#[test]
fn sm2_ciphertexts() -> Result<(), Error> {
    let Some(file) = file("sm2_decrypt.json") else {
        return Ok(());
    };
    let (mut opened, mut refused) = (0, 0);
    for group in list(&file, "testGroups") {
        let secret: [u8; 32] = bytes(group, "privateKey").try_into().expect("32 bytes");
        let key = PrivateKey::from_scalar(&Scalar::from_be_bytes(Curve::Sm2, &secret)?)?;
        for test in list(group, "tests") {
            // Only DER, and only keys and key blocks, are in the profile.
            let message = test["msg"].as_str().map(|_| bytes(test, "msg"));
            let message = message.filter(|m| m.len() <= sm2enc::MESSAGE_LEN_MAX);
            let found = key.sm2_decrypt(&bytes(test, "ct"));
            match message {
                Some(message) if test["format"] == "der" && test["result"] == "valid" => {
                    assert_eq!(found?[..], message[..], "{}", test["tcId"]);
                    opened += 1;
                }
                _ => {
                    assert_eq!(found.err(), Some(Error::Unverified), "{}", test["tcId"]);
                    refused += 1;
                }
            }
        }
    }
    assert!(
        opened >= 8 && refused > 40,
        "{opened} opened, {refused} not"
    );
    Ok(())
}

/// SubjectPublicKeyInfo of an elliptic curve key with the given parameters in DER.
fn spki(parameters: &[u8], point: &[u8]) -> Vec<u8> {
    let tlv = |tag: u8, value: &[u8]| {
        let len = u8::try_from(value.len()).expect("short form");
        assert!(len < 128);
        [&[tag, len], value].concat()
    };
    let ec = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let algorithm = tlv(0x30, &[&ec[..], parameters].concat());
    let bits = tlv(3, &[&[0], point].concat());
    tlv(0x30, &[algorithm, bits].concat())
}

const SM2: [u8; 10] = [6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d];
const P256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

#[test]
fn public_keys() -> Result<(), Error> {
    for (curve, own, other) in [(Curve::Sm2, SM2, P256), (Curve::P256, P256, SM2)] {
        let point = Point::generator(curve).to_uncompressed();
        let right = spki(&own, &point);
        let key = PublicKey::from_spki_der(&right)?;
        assert_eq!(key, PublicKey::from_point(&Point::generator(curve)));
        let mut off = point;
        off[64] ^= 1;
        let (mut hybrid, mut compressed) = (point, point[..33].to_vec());
        hybrid[0] = 6 | (point[64] & 1);
        compressed[0] = 2 | (point[64] & 1);
        let mut zero = [0; 65];
        zero[0] = 4;
        let mut beyond = [0xff; 65];
        beyond[0] = 4;
        for (why, wrong) in [
            ("the other curve", spki(&other, &point)),
            ("no parameters", spki(&[], &point)),
            ("null parameters", spki(&[5, 0], &point)),
            ("parameters spelt out", spki(&[0x30, 3, 2, 1, 1], &point)),
            ("unknown curve", spki(&[6, 3, 0x2a, 3, 4], &point)),
            ("off the curve", spki(&own, &off)),
            ("zero", spki(&own, &zero)),
            ("coordinates beyond p", spki(&own, &beyond)),
            ("identity", spki(&own, &[0])),
            ("hybrid", spki(&own, &hybrid)),
            ("compressed", spki(&own, &compressed)),
            ("short", spki(&own, &point[..64])),
            ("long", spki(&own, &[&point[..], &[0]].concat())),
            ("empty", spki(&own, &[])),
            ("trailing byte", [&right[..], &[0]].concat()),
        ] {
            assert!(PublicKey::from_spki_der(&wrong).is_err(), "{curve:?} {why}");
        }
        for n in 0..right.len() {
            assert!(PublicKey::from_spki_der(&right[..n]).is_err(), "{n} bytes");
        }
    }
    Ok(())
}

#[test]
fn published_bad_public_keys() {
    let Some(file) = file("sm2_sm3_verify.json") else {
        return;
    };
    for key in list(&file, "publicKeys") {
        // Compressed points are a matter of taste there; certificates have none.
        let found = Point::from_uncompressed(Curve::Sm2, &bytes(key, "publicKey"));
        assert_eq!(found.is_ok(), key["result"] == "valid", "{key}");
    }
}

#[test]
fn private_keys_cut_or_of_another_kind() -> Result<(), Error> {
    let mut entropy = SeededEntropy::new(b"negatives");
    for alg in [KeyAlg::Sm2, KeyAlg::P256, KeyAlg::Ed25519] {
        let key = PrivateKey::generate(alg, &mut entropy)?;
        let der = key.to_pkcs8_der()?;
        for n in 0..der.len() {
            assert!(PrivateKey::from_pkcs8_der(&der[..n]).is_err(), "{n} bytes");
        }
        let longer = [&der[..], &[0]].concat();
        assert!(PrivateKey::from_pkcs8_der(&longer).is_err());
        let sm2 = key.sm2_decrypt(b"x").map_err(|e| e.code()).err();
        let hpke = key.hpke_open(b"", b"x").map_err(|e| e.code()).err();
        let code = |own| {
            Some(if alg == own {
                "crypto.unverified"
            } else {
                "crypto.unsupported"
            })
        };
        assert_eq!((sm2, hpke), (code(KeyAlg::Sm2), code(KeyAlg::P256)));
    }
    for curve in [Curve::Sm2, Curve::P256] {
        assert!(PrivateKey::from_scalar(&Scalar::from_u64(curve, 0)).is_err());
        assert!(Scalar::from_be_bytes(curve, &[0xff; 32]).is_err());
    }
    Ok(())
}

#[test]
fn hpke_messages() -> Result<(), Error> {
    let secret = Scalar::from_u64(Curve::P256, 77);
    let sealed = hpke::seal_derand(&Point::mul_generator(&secret), b"i", &[3; 32], b"key")?;
    let refused = |bytes: &[u8]| hpke::open(&secret, b"i", bytes).err();
    for n in 0..sealed.len() {
        assert_eq!(refused(&sealed[..n]), Some(Error::Unverified), "{n} bytes");
    }
    let longer = [&sealed[..], &[0]].concat();
    assert_eq!(refused(&longer), Some(Error::Unverified));
    let other = hpke::open(&Scalar::from_u64(Curve::P256, 78), b"i", &sealed);
    assert_eq!(other.err(), Some(Error::Unverified));
    // An encapsulated key on the other curve.
    let foreign = Point::generator(Curve::Sm2).to_uncompressed();
    let swapped = [&foreign[..], &sealed[hpke::ENC_LEN..]].concat();
    assert_eq!(refused(&swapped), Some(Error::Unverified));
    let empty = hpke::seal_derand(&Point::mul_generator(&secret), b"", &[3; 32], b"")?;
    assert!(hpke::open(&secret, b"", &empty)?.is_empty());
    Ok(())
}

/// What is written is read; whatever else is read writes itself.
#[test]
fn canonical_json_is_a_fixed_point() -> Result<(), Error> {
    let values: [Value; 5] = [
        Value::Null,
        serde_json::json!([]),
        serde_json::json!({"": 0, "a": -1, "A": [true, null]}),
        serde_json::json!({"n": 9_007_199_254_740_991_i64, "m": -9_007_199_254_740_991_i64}),
        serde_json::json!(["\u{0}\u{1f}\u{7f}\u{2028}\u{10ffff}\"\\/"]),
    ];
    for value in &values {
        let text = jcs::to_vec(value)?;
        assert_eq!(&jcs::from_slice::<Value>(&text, text.len())?, value);
        for n in 0..text.len() {
            assert!(jcs::from_slice::<Value>(&text[..n], 1000).is_err(), "{n}");
        }
        assert!(jcs::from_slice::<Value>(&text, text.len() - 1).is_err());
        for at in 0..text.len() * 8 {
            let mut bent = text.clone();
            bent[at / 8] ^= 1 << (at % 8);
            if let Ok(other) = jcs::from_slice::<Value>(&bent, 1000) {
                assert_eq!(jcs::to_vec(&other)?, bent);
            }
        }
    }
    let names = serde_json::json!({"深": 1});
    assert!(jcs::to_vec(&names).is_err(), "names are ASCII");
    for wrong in [
        "\u{feff}1",
        "-0",
        "01",
        "1 ",
        "[1,]",
        r#""\/""#,
        r#""\u001F""#,
        r#""\ud800""#,
    ] {
        let found = jcs::from_slice::<Value>(wrong.as_bytes(), 100);
        assert!(found.is_err(), "{wrong}");
    }
    assert!(jcs::from_slice::<Value>(b"\"\xff\"", 100).is_err());
    Ok(())
}
