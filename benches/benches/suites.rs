//! The primitives of both suites beside independent implementations.

use aes_gcm::aead::{AeadInOut, KeyInit, consts::U12};
use aes_gcm::{Aes256Gcm, AesGcm};
use benches::{Outside, Peer, Table, Unit, bytes, done, good, world};
use mifeng_crypto::sm4::gcm::Sm4Gcm;
use mifeng_crypto::{
    ChunkCipher, Curve, GM, HashAlg, INTL, Point, PrivateKey, PublicKey, Scalar, SeededEntropy,
    Signed, Suite, sha2x, sm2enc, sm3x, verify_many,
};
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
    let outside = Outside::all(env!("CARGO_TARGET_TMPDIR").as_ref());
    aead(&mut table, &outside);
    hashes(&mut table, &outside);
    signatures(&mut table, &outside);
    sm2_key(&mut table, &outside);
    table.print();
}

fn aead(table: &mut Table, outside: &[Outside]) {
    let (mut a, mut b) = (bytes(CHUNK), bytes(CHUNK));
    let unit = Unit::Bytes(CHUNK);
    let ours = ChunkCipher::new(&GM, &[1; 16]).expect("key");
    let peer = AesGcm::<sm4::Sm4, U12>::new(&[1; 16].into());
    table.job_beside(
        "SM4-GCM seal, 16 KiB",
        unit,
        &mut || good(ours.seal(&NONCE, &mut a)),
        &mut [("`sm4` + `aes-gcm` crates", &mut || {
            good(peer.encrypt_inout_detached(&NONCE.into(), &[], b.as_mut_slice().into()));
        })],
        outside,
        "sm4-gcm-16k",
    );
    let (mut long, mut again) = (bytes(4 * CHUNK), bytes(4 * CHUNK));
    for name in mifeng_crypto::sm4::kernel_names() {
        let ours = Sm4Gcm::with_kernel(&[1; 16], name).expect("named by itself");
        table.job_beside(
            &format!("SM4-GCM seal, 64 KiB, kernel `{name}`"),
            Unit::Bytes(4 * CHUNK),
            &mut || done(ours.seal(&NONCE, &[], &mut long)),
            &mut [("`sm4` + `aes-gcm` crates", &mut || {
                good(peer.encrypt_inout_detached(&NONCE.into(), &[], again.as_mut_slice().into()));
            })],
            outside,
            "sm4-gcm-64k",
        );
    }
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

fn hashes(table: &mut Table, outside: &[Outside]) {
    let data = bytes(table.size(1 << 20, 1 << 12));
    let unit = Unit::Bytes(data.len());
    table.job_beside(
        "SM3, one stream of 1 MiB",
        unit,
        &mut || done(HashAlg::Sm3.digest(&data)),
        &mut [("`sm3` crate", &mut || {
            done(sm3::Sm3::digest(&data));
        })],
        outside,
        "sm3-1m",
    );
    // Short, so that a turn is over before a busy machine interrupts it.
    let blocks = bytes(table.size(1 << 20, 16 << 10));
    let sixteen: Vec<&[u8]> = blocks.chunks(blocks.len() / 16).collect();
    table.job(
        "SM3, 16 blocks of 64 KiB at once",
        Unit::Bytes(blocks.len()),
        &mut || done(sm3x::digest_many(&sixteen)),
        &mut [("`sm3` crate, one by one", &mut || {
            let one = |message: &&[u8]| sm3::Sm3::digest(message).into();
            let all: Vec<[u8; 32]> = sixteen.iter().map(one).collect();
            done(all);
        })],
    );
    for name in sm3x::kernel_names() {
        table.job(
            &format!("SM3, 16 blocks of 64 KiB at once, kernel `{name}`"),
            Unit::Bytes(blocks.len()),
            &mut || done(sm3x::digest_many_with(name, &sixteen)),
            &mut [],
        );
    }
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
    table.job(
        "SHA-256, 16 blocks of 64 KiB at once",
        Unit::Bytes(blocks.len()),
        &mut || done(sha2x::digest_many_prefixed(&[0], &sixteen)),
        &mut [("`ring`, one by one", &mut || {
            let one = |message: &&[u8]| HashAlg::Sha256.digest_parts(&[&[0], message]);
            done(sixteen.iter().map(one).collect::<Vec<_>>());
        })],
    );
    for name in sha2x::kernel_names() {
        table.job(
            &format!("SHA-256, 16 blocks of 64 KiB at once, kernel `{name}`"),
            Unit::Bytes(blocks.len()),
            &mut || done(sha2x::digest_many_with(name, &sixteen)),
            &mut [],
        );
    }
}

fn signatures(table: &mut Table, outside: &[Outside]) {
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
        outside,
        &GM,
        "SM2",
        [
            ("`sm2` crate", &mut sm2_sign),
            ("`sm2` crate", &mut sm2_verify),
        ],
    );
    bare_key(
        table,
        outside,
        &INTL,
        "P-256",
        [
            ("`p256` crate", &mut p256_sign),
            ("`p256` crate", &mut p256_verify),
        ],
    );
}

/// Our key of a suite beside a peer that signs and a peer that verifies.
fn bare_key(
    table: &mut Table,
    outside: &[Outside],
    suite: &Suite,
    name: &str,
    [sign, verify]: [Peer<'_>; 2],
) {
    let mut entropy = SeededEntropy::new(b"bench signatures");
    let key = PrivateKey::generate(world::key_alg(suite), &mut entropy).expect("key");
    let public = key.public_key().expect("public");
    let (alg, signature) = (key.signature_alg(), key.sign(MESSAGE).expect("signs"));
    let job = |what: &str| format!("{}-{what}", name.to_lowercase());
    table.job_beside(
        &format!("{name} sign"),
        Unit::Time,
        &mut || good(key.sign(MESSAGE)),
        &mut [sign],
        outside,
        &job("sign"),
    );
    table.job_beside(
        &format!("{name} verify, a key seen before"),
        Unit::Time,
        &mut || good(public.verify(alg, MESSAGE, &signature)),
        &mut [verify],
        outside,
        &job("verify"),
    );
}

/// SM2 with a key that was just read, and encryption of a content key.
fn sm2_key(table: &mut Table, outside: &[Outside]) {
    let mut entropy = SeededEntropy::new(b"bench encryption");
    let key = PrivateKey::generate(world::key_alg(&GM), &mut entropy).expect("key");
    let public = key.public_key().expect("public");
    let point = public.point().expect("an SM2 key").clone();
    let (alg, signature) = (key.signature_alg(), key.sign(MESSAGE).expect("signs"));
    let raw = point.to_uncompressed();
    let peer_key =
        sm2::dsa::VerifyingKey::from_sec1_bytes("1234567812345678", &raw).expect("a key");
    let peer_signature = sm2::dsa::Signature::from_der(&signature).expect("a signature");
    table.job_beside(
        "SM2 verify, a new key",
        Unit::Time,
        &mut || good(PublicKey::from_point(&point).verify(alg, MESSAGE, &signature)),
        &mut [("`sm2` crate", &mut || {
            good(peer_key.verify(MESSAGE, &peer_signature));
        })],
        outside,
        "sm2-verify",
    );
    many(table);
    let content_key = [7; 32];
    let k = Scalar::random(Curve::Sm2, &mut entropy).expect("entropy");
    let ciphertext = sm2enc::encrypt(&point, &k, &content_key).expect("encrypts");
    table.job_beside(
        "SM2 encrypt 32 bytes",
        Unit::Time,
        &mut || good(sm2enc::encrypt(&point, &k, &content_key)),
        &mut [],
        outside,
        "sm2-encrypt",
    );
    table.job_beside(
        "SM2 decrypt 32 bytes",
        Unit::Time,
        &mut || good(key.sm2_decrypt(&ciphertext)),
        &mut [],
        outside,
        "sm2-decrypt",
    );
    let peer_k = sm2::NonZeroScalar::try_from(&k.to_be_bytes()[..]).expect("a scalar");
    let peer_point = sm2::PublicKey::from_sec1_bytes(&raw).expect("a point");
    table.job(
        "SM2 point multiplication",
        Unit::Time,
        &mut || done(point.mul(&k)),
        &mut [("`sm2` crate", &mut || {
            done(peer_point.to_projective() * *peer_k);
        })],
    );
    table.job(
        "SM2 generator multiplication",
        Unit::Time,
        &mut || done(Point::mul_generator(&k)),
        &mut [("`sm2` crate", &mut || {
            done(sm2::PublicKey::from_secret_scalar(&peer_k));
        })],
    );
}

/// Signatures of as many keys, all new, beside the same one by one.
fn many(table: &mut Table) {
    let mut entropy = SeededEntropy::new(b"bench many");
    let rows: Vec<_> = (0..table.size(16, 4))
        .map(|_| {
            let key = PrivateKey::generate(world::key_alg(&GM), &mut entropy).expect("key");
            let point = key
                .public_key()
                .expect("public")
                .point()
                .expect("SM2")
                .clone();
            (
                point,
                key.signature_alg(),
                key.sign(MESSAGE).expect("signs"),
            )
        })
        .collect();
    let fresh = || -> Vec<PublicKey> {
        rows.iter()
            .map(|(point, ..)| PublicKey::from_point(point))
            .collect()
    };
    table.job(
        "SM2 verify_many, 16 new keys",
        Unit::Each(rows.len()),
        &mut || {
            let keys = fresh();
            let mut all = Vec::with_capacity(rows.len());
            for (key, (_, alg, signature)) in keys.iter().zip(&rows) {
                let (alg, message) = (*alg, MESSAGE);
                all.push(Signed {
                    key,
                    alg,
                    message,
                    signature,
                });
            }
            verify_many(&all).into_iter().for_each(good);
        },
        &mut [("one by one", &mut || {
            for (key, (_, alg, signature)) in fresh().iter().zip(&rows) {
                good(key.verify(*alg, MESSAGE, signature));
            }
        })],
    );
}
