//! Envelopes of GB/T 35275: opened, and bent without an answer that tells anything.

mod common;

use common::der::Node;
use common::{World, code, now};
use mifeng_crypto::sm4::Sm4;
use mifeng_crypto::{Curve, GM, Scalar, sm2enc};
use mifeng_pki::cms::{self, Deviation, Place, Profile as Form, Strictness};
use mifeng_pki::enveloped::Envelope;
use mifeng_pki::issue::Profile;
use mifeng_pki::{Certificate, Decrypter as _, SoftwareDecrypter};

const KEY: [u8; 16] = [7; 16];
const IV: [u8; 16] = [9; 16];
const GM_ARC: [u8; 9] = [0x2a, 0x81, 0x1c, 0xcf, 0x55, 6, 1, 4, 2];

fn gm(n: u8) -> Node {
    Node::bytes(6, &[&GM_ARC[..], &[n]].concat())
}

fn oid(tail: &[u8]) -> Node {
    Node::bytes(6, &[&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1][..], tail].concat())
}

fn cbc(content: &[u8]) -> Vec<u8> {
    let pad = 16 - content.len() % 16;
    raw_cbc(&[content, &vec![pad as u8; pad]].concat())
}

fn raw_cbc(plain: &[u8]) -> Vec<u8> {
    let (cipher, mut before, mut out) = (Sm4::new(&KEY), IV, Vec::new());
    for block in plain.chunks(16) {
        let mut next: [u8; 16] = block.try_into().expect("whole blocks");
        next.iter_mut().zip(before).for_each(|(b, c)| *b ^= c);
        cipher.encrypt_block(&mut next);
        out.extend(next);
        before = next;
    }
    out
}

/// One RecipientInfo for the key under this certificate.
fn recipient(certificate: &Certificate, key: &[u8]) -> Node {
    let point = certificate.public_key().point().expect("SM2");
    let sealed = sm2enc::encrypt(point, &Scalar::from_u64(Curve::Sm2, 0x1234_5678), key);
    let name = vec![
        Node::parse(certificate.issuer_raw()),
        Node::bytes(2, certificate.serial_raw()),
    ];
    Node::nodes(
        0x30,
        vec![
            Node::bytes(2, &[1]),
            Node::nodes(0x30, name),
            Node::nodes(0x30, vec![oid(&[0x82, 0x2d, 3])]),
            Node::bytes(4, &sealed.expect("encrypts")),
        ],
    )
}

fn encrypted(ciphertext: &[u8]) -> Node {
    let sm4_cbc = Node::nodes(0x30, vec![oid(&[0x68, 2]), Node::bytes(4, &IV)]);
    Node::nodes(0x30, vec![gm(1), sm4_cbc, Node::bytes(0x80, ciphertext)])
}

fn envelope(recipients: Vec<Node>, ciphertext: &[u8]) -> Node {
    let inner = vec![
        Node::bytes(2, &[1]),
        Node::nodes(0x31, recipients),
        encrypted(ciphertext),
    ];
    Node::nodes(
        0x30,
        vec![gm(3), Node::nodes(0xa0, vec![Node::nodes(0x30, inner)])],
    )
}

fn keys() -> [SoftwareDecrypter; 2] {
    let mut world = World::new(&GM);
    [10, 11].map(|serial| {
        let key = world.key();
        let certificate = world.certificate(&key, Profile::BidderEncrypt, serial);
        SoftwareDecrypter::new(key, certificate).expect("pair")
    })
}

fn open(der: &[u8], key: &SoftwareDecrypter) -> Result<Vec<u8>, &'static str> {
    let opened = Envelope::parse(der).and_then(|envelope| envelope.open(key));
    opened.map(|o| o.content.to_vec()).map_err(|e| e.code())
}

#[test]
fn every_recipient_opens_it_and_nobody_else() {
    let [a, b] = keys();
    let both = vec![
        recipient(a.certificate(), &KEY),
        recipient(b.certificate(), &KEY),
    ];
    for len in [0, 1, 15, 16, 17, 1_000] {
        let content = vec![0x5a; len];
        let der = envelope(both.clone(), &cbc(&content)).der();
        assert_eq!(open(&der, &a), Ok(content.clone()));
        assert_eq!(open(&der, &b), Ok(content));
        let read = Envelope::parse(&der).expect("reads");
        assert!(read.deviations().is_empty() && !read.is_signed());
        assert_eq!(read.recipient_count(), 2);
        assert_eq!(code(read.open_at(2, &a)), Err("pki.message"));
        // The wrong recipient's place.
        assert_eq!(code(read.open_at(0, &b)), Err("crypto.unverified"));
    }
    let der = envelope(both[..1].to_vec(), &cbc(b"x")).der();
    assert_eq!(open(&der, &b), Err("pki.message"));
}

#[test]
fn keys_paddings_and_lengths_have_one_answer() {
    let [a, _] = keys();
    let one = |key: &[u8]| vec![recipient(a.certificate(), key)];
    let unverified = Err("crypto.unverified");
    // Wrong key, keys of other lengths.
    for key in [&[8; 16][..], &[7; 15], &[7; 17], &[7; 32], &[7]] {
        let der = envelope(one(key), &cbc(b"content")).der();
        assert_eq!(open(&der, &a), unverified);
    }
    // Every kind of wrong padding.
    for last in [0u8, 17, 128, 255] {
        let mut block = [last; 16];
        let der = envelope(one(&KEY), &raw_cbc(&block)).der();
        assert_eq!(open(&der, &a), unverified, "{last}");
        block = [1; 16];
        block[15] = 2;
        let der = envelope(one(&KEY), &raw_cbc(&block)).der();
        assert_eq!(open(&der, &a), unverified);
    }
    // No block, half a block.
    for len in [0, 1, 15, 17] {
        let der = envelope(one(&KEY), &vec![0; len]).der();
        assert_eq!(open(&der, &a), unverified, "{len} bytes");
    }
    // A bent SM2 ciphertext.
    let mut bent = one(&KEY);
    let mut sealed = bent[0].at(&[3]).value();
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    *bent[0].at(&[3]) = Node::bytes(4, &sealed);
    assert_eq!(
        open(&envelope(bent, &cbc(b"content")).der(), &a),
        unverified
    );
}

#[test]
fn variants_are_reported_and_others_refused() {
    let [a, _] = keys();
    let base = envelope(vec![recipient(a.certificate(), &KEY)], &cbc(b"content"));
    let bent = |bend: &dyn Fn(&mut Node)| {
        let mut tree = base.clone();
        bend(&mut tree);
        let der = tree.der();
        (
            open(&der, &a),
            Envelope::parse(&der).map(|e| e.deviations().to_vec()),
        )
    };
    let taken = |bend: &dyn Fn(&mut Node), deviation| {
        let found = bent(bend);
        assert_eq!(found.0, Ok(b"content".to_vec()), "{deviation:?}");
        assert_eq!(found.1, Ok(vec![deviation]));
    };
    let (info, content) = ([1, 0, 1, 0], [1, 0, 2]);
    let at = |base: &[usize], more: &[usize]| [base, more].concat();
    taken(
        &|t| *t.at(&at(&info, &[2, 0])) = oid(&[0x82, 0x2d, 2]),
        Deviation::EncryptionIdentifier,
    );
    taken(
        &|t| *t.at(&at(&content, &[1, 0])) = oid(&[0x68]),
        Deviation::BareSm4Cbc,
    );
    taken(
        &|t| t.at(&at(&info, &[2])).children().push(Node::bytes(5, &[])),
        Deviation::NullParameters,
    );
    taken(
        &|t| *t.at(&[1, 0, 0]) = Node::bytes(2, &[2]),
        Deviation::Version,
    );
    taken(
        &|t| *t.at(&at(&info, &[1, 0])) = Node::nodes(0x30, vec![]),
        Deviation::EmptyIssuer,
    );
    let ber = base.ber();
    assert_eq!(open(&ber, &a), Ok(b"content".to_vec()));
    assert_eq!(
        Envelope::parse(&ber).map(|e| e.deviations().to_vec()),
        Ok(vec![Deviation::Ber])
    );
    // SM4-GCM and SM4 in another mode, other content, other types, RSA.
    for (place, node) in [
        (at(&content, &[1, 0]), oid(&[0x68, 8])),
        (at(&content, &[1, 0]), oid(&[0x68, 3])),
        (at(&content, &[0]), gm(2)),
        (vec![0], gm(2)),
        (vec![0], gm(5)),
        (
            at(&info, &[2, 0]),
            Node::bytes(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]),
        ),
    ] {
        let found = bent(&|t| *t.at(&place) = node.clone());
        assert_eq!(found.0, Err("pki.message"));
    }
    let found = bent(&|t| *t.at(&at(&content, &[1, 1])) = Node::bytes(4, &IV[..15]));
    assert_eq!(found.0, Err("pki.malformed"));
    let der = base.der();
    for n in 0..der.len() {
        assert!(Envelope::parse(&der[..n]).is_err(), "{n} bytes");
    }
    let crowd = vec![recipient(a.certificate(), &KEY); 257];
    let crowd = envelope(crowd, &cbc(b"x")).der();
    assert_eq!(code(Envelope::parse(&crowd)), Err("pki.too-large"));
}

#[test]
fn a_signed_envelope_gives_its_signatures() {
    let [a, _] = keys();
    let signer = World::new(&GM).signer(Profile::BidderSign, 20);
    let message = cms::sign_all(
        &[&signer],
        b"content",
        Place::Attached,
        now(),
        Form::Gbt35275,
    );
    let mut message = Node::parse(&message.expect("signs"));
    let signed = message.at(&[1, 0]).children();
    let (digests, certificates, signers) =
        (signed[1].clone(), signed[3].clone(), signed[4].clone());
    let made = |content: &[u8]| {
        let inner = vec![
            Node::bytes(2, &[1]),
            Node::nodes(0x31, vec![recipient(a.certificate(), &KEY)]),
            digests.clone(),
            encrypted(&cbc(content)),
            certificates.clone(),
            signers.clone(),
        ];
        Node::nodes(
            0x30,
            vec![gm(4), Node::nodes(0xa0, vec![Node::nodes(0x30, inner)])],
        )
        .der()
    };
    let verify = |content: &[u8]| {
        let envelope = Envelope::parse(&made(content)).expect("reads");
        assert!(envelope.is_signed());
        let opened = envelope.open(&a).expect("opens");
        let signed = opened.signed.expect("signed");
        code(signed.verify_attached(&GM, Strictness::Field))
    };
    assert_eq!(verify(b"content"), Ok(()));
    assert_eq!(verify(b"another"), Err("pki.digest-mismatch"));
}
