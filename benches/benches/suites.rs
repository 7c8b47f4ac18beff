//! The primitives of both suites beside independent implementations.

use aes_gcm::aead::{AeadInOut, KeyInit, consts::U12};
use aes_gcm::{Aes256Gcm, AesGcm};
use benches::{Peer, Table, Unit, bytes, done, good, world};
use mifeng_crypto::{ChunkCipher, GM, HashAlg, INTL, PrivateKey, SeededEntropy, Suite, sm3x};
use sha2::Digest as _;
use signature::{Signer as _, Verifier as _};

/// The size of a chunk of a bid's body.
const CHUNK: usize = 16 << 10;
/// Short, as the attributes that a CMS signature covers.
const MESSAGE: &[u8] = b"a trailer or a record body is hashed first and signed once";
const NONCE: [u8; 12] = [7; 12];

fn main() {
    let mut table = Table::new("suites");
    println!("SM4 kernel: {}", mifeng_crypto::sm4::kernel_name());
    aead(&mut table);
    hashes(&mut table);
    signatures(&mut table);
    table.print();
}

fn aead(table: &mut Table) {
    let (mut a, mut b) = (bytes(CHUNK), bytes(CHUNK));
    let unit = Unit::Bytes(CHUNK);
    let ours = ChunkCipher::new(&GM, &[1; 16]).expect("key");
    let peer = AesGcm::<sm4::Sm4, U12>::new(&[1; 16].into());
    table.job(
        "SM4-GCM seal, 16 KiB",
        unit,
        &mut || good(ours.seal(&NONCE, &mut a)),
        &mut [("`sm4` + `aes-gcm` crates", &mut || {
            good(peer.encrypt_inout_detached(&NONCE.into(), &[], b.as_mut_slice().into()));
        })],
    );
    let ours = ChunkCipher::new(&INTL, &[1; 32]).expect("key");
    let peer = Aes256Gcm::new(&[1; 32].into());
    table.job(
        "AES-256-GCM seal, 16 KiB",
        unit,
        &mut || good(ours.seal(&NONCE, &mut a)),
        &mut [("`aes-gcm` crate", &mut || {
            good(peer.encrypt_inout_detached(&NONCE.into(), &[], b.as_mut_slice().into()));
        })],
    );
}

fn hashes(table: &mut Table) {
    let data = bytes(table.size(1 << 20, 1 << 12));
    let unit = Unit::Bytes(data.len());
    table.job(
        "SM3, one stream of 1 MiB",
        unit,
        &mut || done(HashAlg::Sm3.digest(&data)),
        &mut [("`sm3` crate", &mut || {
            done(sm3::Sm3::digest(&data));
        })],
    );
    for len in [64, 1024] {
        let many: Vec<&[u8]> = data.chunks(len).collect();
        table.job(
            &format!("SM3, many messages of {len} B"),
            unit,
            &mut || done(sm3x::digest_many(&many)),
            &mut [("`sm3` crate, one by one", &mut || {
                let one = |message: &&[u8]| sm3::Sm3::digest(message).into();
                let all: Vec<[u8; 32]> = many.iter().map(one).collect();
                done(all);
            })],
        );
    }
    table.job(
        "SHA-256, one stream of 1 MiB",
        unit,
        &mut || done(HashAlg::Sha256.digest(&data)),
        &mut [("`sha2` crate", &mut || {
            done(sha2::Sha256::digest(&data));
        })],
    );
}

fn signatures(table: &mut Table) {
    let secret = [0x42; 32];
    let sm2_key = sm2::dsa::SigningKey::from_slice("1234567812345678", &secret).expect("key");
    let p256_key = p256::ecdsa::SigningKey::from_slice(&secret).expect("key");
    let mut sm2_sign = || good(sm2_key.try_sign(MESSAGE));
    let mut p256_sign = || {
        let signed: Result<p256::ecdsa::Signature, _> = p256_key.try_sign(MESSAGE);
        good(signed);
    };
    let sm2_signature: sm2::dsa::Signature = sm2_key.try_sign(MESSAGE).expect("signs");
    let p256_signature: p256::ecdsa::Signature = p256_key.try_sign(MESSAGE).expect("signs");
    let sm2_public = sm2_key.as_ref();
    let p256_public = p256_key.verifying_key();
    let mut sm2_verify = || good(sm2_public.verify(MESSAGE, &sm2_signature));
    let mut p256_verify = || good(p256_public.verify(MESSAGE, &p256_signature));
    bare_key(
        table,
        &GM,
        "SM2",
        [
            ("`sm2` crate", &mut sm2_sign),
            ("`sm2` crate", &mut sm2_verify),
        ],
    );
    bare_key(
        table,
        &INTL,
        "P-256",
        [
            ("`p256` crate", &mut p256_sign),
            ("`p256` crate", &mut p256_verify),
        ],
    );
}

/// Our key of a suite beside a peer that signs and a peer that verifies.
fn bare_key(table: &mut Table, suite: &Suite, name: &str, [sign, verify]: [Peer<'_>; 2]) {
    let mut entropy = SeededEntropy::new(b"bench signatures");
    let key = PrivateKey::generate(world::key_alg(suite), &mut entropy).expect("key");
    let public = key.public_key().expect("public");
    let (alg, signature) = (key.signature_alg(), key.sign(MESSAGE).expect("signs"));
    table.job(
        &format!("{name} sign"),
        Unit::Time,
        &mut || good(key.sign(MESSAGE)),
        &mut [sign],
    );
    table.job(
        &format!("{name} verify"),
        Unit::Time,
        &mut || good(public.verify(alg, MESSAGE, &signature)),
        &mut [verify],
    );
}
