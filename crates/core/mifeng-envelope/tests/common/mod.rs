//! A board, a bidder and honest seals with fixed keys, secrets and times; and a sealer that cheats.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "shared by tests and examples, each of which uses a part"
)]

pub(crate) mod cases;

use mifeng_crypto::{Digest, GM, KeyAlg, PrivateKey, SeededEntropy, Suite, Time, jcs};
use mifeng_envelope::body::{BodyCipher, CHUNK, PREFIX, SEALED_CHUNK};
use mifeng_envelope::*;
use mifeng_lock::{Board, Policy, SecretShare, dkg};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Certificate, Signer, SoftwareDecrypter, SoftwareSigner, cms};
use std::io::Cursor;
use zeroize::Zeroizing;

/// The bidder's id.
pub(crate) const USCC: &str = "91350100M000100Y43";
/// The secret of every published seal.
pub(crate) const SIGMA: [u8; 32] = *b"sigma: thirty-two bytes, no more";
/// What both signatures state.
pub(crate) const SIGNING_TIME: &str = "2026-11-21T00:00:00Z";

/// Everyone there is.
pub(crate) struct World {
    pub(crate) suite: &'static Suite,
    pub(crate) board: Board,
    pub(crate) shares: Vec<SecretShare>,
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) cert: Certificate,
    pub(crate) signer: SoftwareSigner,
    pub(crate) decrypter: SoftwareDecrypter,
    /// Another person of the same organisation.
    pub(crate) colleague: SoftwareSigner,
}

/// The same world every time.
pub(crate) fn world(suite: &'static Suite) -> World {
    let mut entropy = SeededEntropy::new(b"envelope vectors");
    let keys: Vec<_> = (0..3)
        .map(|_| dkg::StaticKey::generate(suite, &mut entropy).expect("key"))
        .collect();
    let publics = keys.iter().map(|k| k.public()).collect();
    let setup = dkg::Setup::new(suite, 2, publics, b"tender").expect("setup");
    let messages: Vec<_> = keys
        .iter()
        .map(|k| dkg::round1(&setup, k, &mut entropy).expect("round 1"))
        .collect();
    let transcript = dkg::Transcript::build(&setup, &messages).expect("transcript");
    let shares = keys
        .iter()
        .map(|k| transcript.share(k).expect("share"))
        .collect();
    let alg = if suite == &GM {
        KeyAlg::Sm2
    } else {
        KeyAlg::P256
    };
    let time = |text| Time::parse_rfc3339(text).expect("time");
    let validity = Validity {
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2030-01-01T00:00:00Z"),
    };
    let mut generate = || PrivateKey::generate(alg, &mut entropy).expect("key");
    let ca = CertificateAuthority::new_root(generate(), &Subject::named("Root"), validity, &[1])
        .expect("root");
    let issue = |key: &PrivateKey, serial: u8| {
        let subject = Subject {
            uscc: Some(USCC.to_owned()),
            ..Subject::named("Bidder")
        };
        let public = key.public_key().expect("public");
        ca.issue(&subject, &public, Profile::Single, validity, &[serial])
            .expect("certificate")
    };
    let (key, other) = (generate(), generate());
    let (cert, other_cert) = (issue(&key, 2), issue(&other, 3));
    let der = key.to_pkcs8_der().expect("pkcs8");
    let again = PrivateKey::from_pkcs8_der(&der).expect("key");
    World {
        suite,
        board: transcript.board().clone(),
        shares,
        key: der,
        signer: SoftwareSigner::new(key, cert.clone(), Vec::new()).expect("pair"),
        decrypter: SoftwareDecrypter::new(again, cert.clone()).expect("pair"),
        colleague: SoftwareSigner::new(other, other_cert, Vec::new()).expect("pair"),
        cert,
    }
}

/// The files of every published seal, sorted.
pub(crate) fn content() -> Vec<(String, Vec<u8>)> {
    vec![
        ("a/empty".to_owned(), Vec::new()),
        ("b.txt".to_owned(), b"hello".to_vec()),
        ("full.bin".to_owned(), vec![7; 1024]),
        (
            format!("技术/{}.pdf", "图".repeat(50)),
            (0..2_000u32).map(|i| (i % 251) as u8).collect(),
        ),
    ]
}

pub(crate) fn context(w: &World) -> Context {
    Context {
        bidder: USCC.to_owned(),
        bidder_cert: w.cert.fingerprint(w.suite.hash()),
        envelope: "all".to_owned(),
        lot: "1".to_owned(),
        nonce: Digest::from_bytes([0x6e; 32]),
        suite: w.suite.id().to_owned(),
        tender_event: Digest::from_bytes([5; 32]),
    }
}

/// Seals the content for `context` with `sigma`.
pub(crate) fn seal_for(
    w: &World,
    policy: &Policy,
    context: Context,
    sigma: &[u8; 32],
) -> (Vec<u8>, Sealed) {
    let boards = [&w.board];
    let inputs = Inputs {
        suite: w.suite,
        policy: policy.resolve(context.bidder_cert),
        context,
        boards: &boards,
        chains: &[],
        encryption: &w.cert,
        signer: &w.signer,
        signing_time: Time::parse_rfc3339(SIGNING_TIME).expect("time"),
        files: content()
            .into_iter()
            .map(|(path, content)| Box::new(MemoryFile { path, content }) as Box<dyn FileSource>)
            .collect(),
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: vec![Field {
                name: "工期".to_owned(),
                value: "90 天".to_owned(),
            }],
            price: "980000.00".to_owned(),
            price_cn: "玖拾捌万元整".to_owned(),
        },
        declarations: Declarations {
            domestic: true,
            ..Declarations::default()
        },
        detail: vec![DetailLine {
            item: "主机".to_owned(),
            quantity: "2".to_owned(),
            unit_price: "490000.00".to_owned(),
        }],
        workers: 2,
    };
    let mut out = Vec::new();
    let sealed = seal_with_sigma(&inputs, sigma, &mut out, &mut |_| ()).expect("seals");
    (out, sealed)
}

/// An honest seal, and its insides.
pub(crate) struct Base {
    pub(crate) policy: Policy,
    pub(crate) file: Vec<u8>,
    pub(crate) record: SealRecord,
    pub(crate) c: Digest,
    pub(crate) plain: Vec<u8>,
}

pub(crate) fn base(w: &World, policy: Policy) -> Base {
    let (file, sealed) = seal_for(w, &policy, context(w), &SIGMA);
    let resolved = policy.resolve(w.cert.fingerprint(w.suite.hash()));
    let c = context_digest(w.suite, &context(w), &resolved).expect("suite");
    let mut chunks = body_of(&file)[PREFIX..].to_vec();
    cipher(w.suite, &SIGMA, &c)
        .open_chunks(0, &mut chunks)
        .expect("authentic");
    let plain = chunks
        .chunks(SEALED_CHUNK)
        .flat_map(|chunk| chunk[..chunk.len() - (SEALED_CHUNK - CHUNK)].to_vec())
        .collect();
    Base {
        policy,
        file,
        record: sealed.record,
        c,
        plain,
    }
}

/// The body's bytes in a sealed file.
pub(crate) fn body_of(file: &[u8]) -> &[u8] {
    let sealed = SealedFile::read(&mut Cursor::new(file)).expect("sizes");
    let at = sealed.body_offset() as usize;
    &file[at..at + sealed.body_len() as usize]
}

/// The body's key, salt and cipher, as the specification derives them.
pub(crate) fn body_secrets(suite: &Suite, sigma: &[u8; 32], c: &Digest) -> (Vec<u8>, [u8; 24]) {
    let mut key = vec![0; suite.body_key_len()];
    suite.kdf(sigma, "body", c.as_bytes(), &mut key);
    let mut salt = [0; 24];
    suite.kdf(sigma, "salt", c.as_bytes(), &mut salt);
    (key, salt)
}

pub(crate) fn cipher(suite: &Suite, sigma: &[u8; 32], c: &Digest) -> BodyCipher {
    let (key, salt) = body_secrets(suite, sigma, c);
    BodyCipher::new(suite, &key, &salt, c.as_bytes()).expect("key length")
}

/// The body that holds `plain`, whatever it is.
pub(crate) fn encrypt(suite: &Suite, sigma: &[u8; 32], c: &Digest, plain: &[u8]) -> Vec<u8> {
    let cipher = cipher(suite, sigma, c);
    let mut chunks = Vec::new();
    for index in 0..=plain.len() / CHUNK {
        let end = plain.len().min((index + 1) * CHUNK);
        chunks.extend_from_slice(&plain[index * CHUNK..end]);
        chunks.extend_from_slice(&[0; SEALED_CHUNK - CHUNK]);
    }
    cipher.seal_chunks(0, &mut chunks).expect("room");
    [&cipher.prefix()[..], &chunks].concat()
}

pub(crate) fn sign(signer: &dyn Signer, suite: &Suite, content: &[u8]) -> Vec<u8> {
    let time = Time::parse_rfc3339(SIGNING_TIME).expect("time");
    cms::sign_detached(signer, content, time, cms::Profile::of(suite)).expect("signs")
}

/// A signed record over any header and body.
pub(crate) fn forge(
    w: &World,
    header: &[u8],
    body: &[u8],
    edit: impl FnOnce(&mut Trailer),
) -> SealRecord {
    let mut root = RootHasher::new(w.suite.hash(), 1);
    root.update(body).expect("threads live");
    let mut trailer = Trailer {
        block: BLOCK as u64,
        body_len: body.len() as u64,
        header: w.suite.h_tag("header", &[header]),
        root: root.finish().expect("threads live"),
        v: 1,
    };
    edit(&mut trailer);
    let trailer = jcs::to_vec(&trailer).expect("encodes");
    let cms = sign(&w.signer, w.suite, &trailer);
    SealRecord::new(header.to_vec(), trailer, cms).expect("sizes")
}

/// Record and body as one file.
pub(crate) fn assemble(record: &SealRecord, body: &[u8]) -> Vec<u8> {
    let len = |part: &[u8]| (part.len() as u32).to_be_bytes();
    let (h, t, s) = (record.header(), record.trailer(), record.cms());
    let total = (44 + h.len() + body.len() + t.len() + s.len()) as u64;
    [
        b"MIFENG\x00\x01",
        &len(h)[..],
        h,
        &(body.len() as u64).to_be_bytes(),
        body,
        &len(t),
        t,
        &len(s),
        s,
        &total.to_be_bytes(),
        b"MIFENG\x00\x02",
    ]
    .concat()
}

/// The steps of an opening, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Finding the parts of the file.
    File,
    /// Verifying the seal record against the tender.
    Record,
    /// From leaf shares to the secret.
    Recover,
    /// Decrypting and reading.
    Open,
}

/// Runs all steps with the given leaf shares.
pub(crate) fn open_all(
    w: &World,
    policy: &Policy,
    file: &[u8],
    shares: &[(String, Zeroizing<[u8; 32]>)],
) -> core::result::Result<Manifest, (Stage, Error)> {
    let boards = [&w.board];
    let tender = Tender {
        suite: w.suite,
        event: Digest::from_bytes([5; 32]),
        lots: &["1", "2"],
        policy,
        boards: &boards,
    };
    let read = SealedFile::read(&mut Cursor::new(file)).map_err(|e| (Stage::File, e))?;
    let seal = read
        .record()
        .verify(&tender)
        .map_err(|e| (Stage::Record, e))?;
    let sigma = seal
        .recover(shares, &boards)
        .map_err(|e| (Stage::Recover, e))?;
    open_body(&mut Cursor::new(file), &seal, &sigma, &mut NoSink)
        .map(|(manifest, _)| manifest)
        .map_err(|e| (Stage::Open, e))
}
