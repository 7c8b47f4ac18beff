//! Published answers, Wycheproof, and every backend against independent implementations.

use super::Sm4;
use super::backend::Backend;
use super::gcm::{Sm4Gcm, Unverified};
use aes_gcm::aead::{AeadInOut, KeyInit, consts::U12};
use aes_gcm::aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};

const KEY: u128 = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;

/// Deterministic bytes that repeat nowhere near.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

fn array<const N: usize>(seed: u64) -> [u8; N] {
    bytes(N, seed)
        .try_into()
        .expect("as many bytes as asked for")
}

/// GB/T 32907 appendix A: one encryption, and 1 000 000 in a row where it is fast enough.
#[test]
fn standard_examples() {
    let key = KEY.to_be_bytes();
    let cipher = Sm4::new(&key);
    let mut block = key;
    cipher.encrypt_block(&mut block);
    assert_eq!(
        u128::from_be_bytes(block),
        0x681e_df34_d206_965e_86b3_e94f_536e_4246
    );
    cipher.decrypt_block(&mut block);
    assert_eq!(block, key);
    for _ in 0..1_000_000 {
        cipher.encrypt_block(&mut block);
    }
    assert_eq!(
        u128::from_be_bytes(block),
        0x5952_98c7_c6fd_271f_0402_f804_c33d_3f66
    );
}

#[test]
fn blocks_equal_the_oracle_on_every_backend() {
    let key = array::<16>(1);
    let oracle = <sm4::Sm4 as KeyInit>::new(&key.into());
    for backend in Backend::available() {
        let cipher = Sm4::with_backend(&key, backend);
        for count in [0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 129, 300] {
            let plain: Vec<[u8; 16]> = (0..count).map(|i| array(7 + i)).collect();
            let mut blocks = plain.clone();
            cipher.encrypt_blocks(&mut blocks);
            for (block, plain) in blocks.iter().zip(&plain) {
                let mut expected = (*plain).into();
                oracle.encrypt_block(&mut expected);
                assert_eq!(block[..], expected[..], "{backend:?}, {count} blocks");
                oracle.decrypt_block(&mut expected);
                assert_eq!(plain[..], expected[..]);
            }
            cipher.decrypt_blocks(&mut blocks);
            assert_eq!(blocks, plain, "{backend:?}, {count} blocks");
        }
    }
}

/// RFC 8998 appendix A.1.
#[test]
fn rfc_8998() {
    let nonce = [0, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xab, 0xcd];
    let aad = hex::decode("feedfacedeadbeeffeedfacedeadbeefabaddad2").expect("hex");
    let text: Vec<u8> = [0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa]
        .into_iter()
        .flat_map(|byte| [byte; 8])
        .collect();
    for backend in Backend::available() {
        let cipher = Sm4Gcm::with_backend(&KEY.to_be_bytes(), backend);
        let mut buf = text.clone();
        let tag = cipher.seal(&nonce, &aad, &mut buf);
        assert_eq!(
            hex::encode(&buf),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        );
        assert_eq!(hex::encode(tag), "83de3541e4c2b58177e065a9bf7b62ec");
        cipher.open(&nonce, &aad, &mut buf, &tag).expect("own seal");
        assert_eq!(buf, text);
    }
}

#[test]
fn gcm_equals_the_oracle_on_every_backend() {
    let mut lengths: Vec<usize> = (0..300).collect();
    lengths.extend([511, 512, 513, 1023, 1024, 1025, 1040, 2048, 2049, 3000]);
    lengths.extend([16_383, 16_384, 16_385, 65_536]);
    for len in lengths {
        let key = array::<16>(len as u64 + 11);
        let nonce = array::<12>(len as u64 + 12);
        let aad = bytes(len * 7 % 301, 13);
        let plain = bytes(len, 14);
        let oracle = aes_gcm::AesGcm::<sm4::Sm4, U12>::new(&key.into());
        let mut expected = plain.clone();
        let tag = oracle
            .encrypt_inout_detached(&nonce.into(), &aad, expected.as_mut_slice().into())
            .expect("within the limit");
        for backend in Backend::available() {
            let cipher = Sm4Gcm::with_backend(&key, backend);
            let mut buf = plain.clone();
            let own = cipher.seal(&nonce, &aad, &mut buf);
            assert!(buf == expected, "{backend:?}: ciphertext of {len} bytes");
            assert_eq!(own[..], tag[..], "{backend:?}: tag over {len} bytes");
            let mut wrong = own;
            wrong[len % 16] ^= 1 << (len % 8);
            let refused = cipher.open(&nonce, &aad, &mut buf, &wrong);
            assert_eq!(refused, Err(Unverified));
            assert!(buf == expected, "a refused buffer stays ciphertext");
            assert_eq!(cipher.open(&nonce, &aad, &mut buf, &own), Ok(()));
            assert!(buf == plain, "{backend:?}: plaintext of {len} bytes");
        }
    }
}

/// Project Wycheproof; nonces that are not 12 bytes are outside our profile.
#[test]
fn wycheproof() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../../shared/data/gm/wycheproof/sm4_gcm_test.json"
    );
    let Ok(text) = std::fs::read(path) else {
        eprintln!("skipped: wycheproof sm4_gcm_test.json not present");
        return;
    };
    let file: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let field = |test: &serde_json::Value, name: &str| {
        hex::decode(test[name].as_str().expect("text")).expect("hex")
    };
    let mut tried = 0;
    for group in file["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            let (Ok(key), Ok(nonce), Ok(tag)) = (
                <[u8; 16]>::try_from(field(test, "key")),
                <[u8; 12]>::try_from(field(test, "iv")),
                <[u8; 16]>::try_from(field(test, "tag")),
            ) else {
                continue;
            };
            let valid = test["result"] == "valid";
            for backend in Backend::available() {
                let cipher = Sm4Gcm::with_backend(&key, backend);
                let mut buf = field(test, "ct");
                let opened = cipher.open(&nonce, &field(test, "aad"), &mut buf, &tag);
                assert_eq!(opened.is_ok(), valid, "tcId {}", test["tcId"]);
                assert!(!valid || buf == field(test, "msg"), "tcId {}", test["tcId"]);
            }
            tried += 1;
        }
    }
    assert!(tried > 50, "only {tried} cases fit the profile");
}
