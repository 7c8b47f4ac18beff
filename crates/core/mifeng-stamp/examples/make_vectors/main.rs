//! Writes `test-vectors/stamp`: `cargo run -p mifeng-stamp --example make_vectors`.
//!
//! Good seals, signatures and documents, and bad ones with one fault each. Everything is made from
//! fixed seeds, so running it again changes nothing.

mod documents;

use mifeng_crypto::{HashAlg, KeyAlg, PrivateKey, SeededEntropy, Time};
use mifeng_pki::asn1::{tag, write};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::tsp::{Imprint, Request, TimeStampAuthority};
use mifeng_pki::{Signer as _, SoftwareSigner, pem};
use mifeng_stamp::{
    Extension, Picture, Seal, SealDraft, SealKind, SealSignature, SignatureDraft, Signers, Version,
};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

type Made<T> = Result<T, Box<dyn Error>>;

const AT: &str = "2026-07-01T00:00:00Z";
const SIGNED: &str = "2026-06-01T08:00:00Z";
const DATA: &[u8] = "中标通知书".as_bytes();

fn main() -> Made<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../test-vectors/stamp");
    for (name, bytes) in vectors()? {
        let path = Path::new(root).join(name);
        std::fs::create_dir_all(root)?;
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

/// Every file with its name.
pub(crate) fn vectors() -> Made<Vec<(String, Vec<u8>)>> {
    let world = World::new()?;
    let mut set = Set::default();
    set.file("data.bin", DATA.to_vec());
    let certificate = pem::encode("CERTIFICATE", world.root.certificate().der());
    set.file("root.pem", certificate.into_bytes());
    set.file("root.crl", world.list()?);
    seals(&world, &mut set)?;
    signatures(&world, &mut set)?;
    documents::documents(&world, &mut set)?;
    let manifest = json!({
        "trust_anchor": "root.pem", "intermediates": [], "crls": ["root.crl"], "cases": set.cases,
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&manifest)?);
    set.file("manifest.json", text.into_bytes());
    Ok(set.files)
}

#[derive(Default)]
struct Set {
    files: Vec<(String, Vec<u8>)>,
    cases: Vec<Value>,
}

impl Set {
    fn file(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.push((name.to_owned(), bytes));
    }

    /// A case whose first failing code, or verdict, is `expect`.
    fn case(&mut self, name: &str, bytes: Vec<u8>, expect: &str, note: &str) {
        let kind = match name.rsplit('.').next() {
            Some("esl") => "seal",
            Some("ofd") => "ofd",
            _ => "signature",
        };
        self.cases.push(json!({
            "file": name, "kind": kind, "data": "data.bin", "at": AT, "expect": expect, "note": note,
        }));
        self.file(name, bytes);
    }
}

struct World {
    root: CertificateAuthority,
    maker: SoftwareSigner,
    buyer: SoftwareSigner,
    other: SoftwareSigner,
    tsa: SoftwareSigner,
}

impl World {
    fn new() -> Made<Self> {
        let mut entropy = SeededEntropy::new(b"vectors of stamps");
        let mut key = || PrivateKey::generate(KeyAlg::Sm2, &mut entropy);
        let validity = Validity {
            not_before: "2026-01-01T00:00:00Z".parse()?,
            not_after: "2036-01-01T00:00:00Z".parse()?,
        };
        let root = Subject::named("Stamp Vector Root");
        let root = CertificateAuthority::new_root(key()?, &root, validity, &[1])?;
        let mut person = |name: &str, profile, serial| -> Made<SoftwareSigner> {
            let own = key()?;
            let public = own.public_key()?;
            let leaf = root.issue(&Subject::named(name), &public, profile, validity, &[serial])?;
            Ok(SoftwareSigner::new(own, leaf, Vec::new())?)
        };
        Ok(World {
            maker: person("制章中心", Profile::BidderSign, 2)?,
            buyer: person("采购人", Profile::BidderSign, 3)?,
            other: person("他人", Profile::BidderSign, 4)?,
            tsa: person("时间戳", Profile::TimeStamping, 5)?,
            root,
        })
    }

    fn list(&self) -> Made<Vec<u8>> {
        let (from, until) = (
            "2026-06-01T00:00:00Z".parse()?,
            "2030-01-01T00:00:00Z".parse()?,
        );
        Ok(self.root.revocation_list(&[], from, until, 1)?)
    }

    fn draft(&self, version: Version) -> Made<SealDraft> {
        Ok(SealDraft {
            version,
            vendor: "MIFENG".to_owned(),
            id: "33010000000001".to_owned(),
            kind: SealKind::PROCUREMENT,
            name: "测试采购人采购专用章".to_owned(),
            signers: Signers::certificates(&[self.buyer.certificate().clone()]),
            created: "2026-02-01T00:00:00Z".parse()?,
            valid_from: "2026-02-01T00:00:00Z".parse()?,
            valid_until: "2028-12-31T23:59:59Z".parse()?,
            picture: Picture::new(png(), 40, 40)?,
            extensions: Vec::new(),
        })
    }

    fn sign(&self, seal: &Seal) -> Made<SealSignature> {
        let draft = SignatureDraft {
            seal,
            at: SIGNED.parse()?,
            data_hash: HashAlg::Sm3.digest(DATA),
            property: "data.bin",
            extensions: &[],
        };
        Ok(draft.sign(&self.buyer)?)
    }

    fn stamp(&self, value: &[u8], at: &str) -> Made<Vec<u8>> {
        let request = Request::for_imprint(Imprint::of(value, HashAlg::Sm3.into()));
        let authority = TimeStampAuthority::new(&self.tsa, "1.3.6.1.4.1.32473.1")?;
        Ok(authority.stamp(&request, 7, at.parse()?)?)
    }

    /// A signature put together by hand.
    fn by_hand(&self, tbs: &Tbs<'_>, signer: &SoftwareSigner) -> Made<Vec<u8>> {
        let tbs = write::seq(&[
            &write::small(tbs.number),
            tbs.seal.der(),
            &write::generalized(tbs.at.parse::<Time>()?),
            &write::bits(HashAlg::Sm3.digest(tbs.data).as_bytes()),
            &write::tlv(22, &[b"data.bin"]),
            tbs.extensions,
        ]);
        Ok(around(&tbs, signer, &signer.sign(&tbs)?))
    }
}

struct Tbs<'a> {
    number: u64,
    seal: &'a Seal,
    at: &'a str,
    data: &'a [u8],
    extensions: &'a [u8],
}

fn around(tbs: &[u8], signer: &SoftwareSigner, value: &[u8]) -> Vec<u8> {
    write::seq(&[
        tbs,
        &write::octets(signer.certificate().der()),
        &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75],
        &write::bits(value),
    ])
}

/// An element's content.
fn inside(der: &[u8]) -> Made<&[u8]> {
    let mut reader = mifeng_pki::asn1::Reader::new(der, "vector");
    Ok(reader.enter(tag::SEQUENCE)?.rest())
}

/// An element with a time stamp after its last field.
fn stamped(der: &[u8], token: &[u8]) -> Made<Vec<u8>> {
    let tagged = write::tlv(tag::context(0), &[&write::bits(token)]);
    Ok(write::seq(&[inside(der)?, &tagged]))
}

fn seals(world: &World, set: &mut Set) -> Made<()> {
    let draft = world.draft(Version::V4)?;
    let good = draft.sign(&world.maker)?;
    set.case("v4.esl", good.der().to_vec(), "valid", "version 4");
    let v5 = world.draft(Version::V5)?.sign(&world.maker)?;
    set.case("v5.esl", v5.der().to_vec(), "valid", "version 5");
    let token = world.stamp(v5.signature_value(), "2026-02-01T00:00:05Z")?;
    let with = v5.with_time_stamp(&token)?;
    set.case(
        "v5-stamped.esl",
        with.der().to_vec(),
        "valid",
        "version 5 with a time stamp",
    );
    let early = world.stamp(v5.signature_value(), "2026-01-31T23:59:59Z")?;
    let early = stamped(v5.der(), &early)?;
    set.case(
        "v5-stamped-early.esl",
        early,
        "stamp.time-order",
        "stamp before the making",
    );
    let old = stamped(good.der(), &token)?;
    set.case(
        "v4-stamped.esl",
        old,
        "stamp.malformed",
        "version 4 has no time stamp",
    );
    let mut bent = draft.clone();
    bent.signers = Signers::digests(&[world.buyer.certificate().clone()]);
    let digests = bent.sign(&world.maker)?;
    set.case(
        "v4-digests.esl",
        digests.der().to_vec(),
        "valid",
        "digests of certificates",
    );
    let mut bent = draft.clone();
    bent.valid_until = "2026-06-30T23:59:59Z".parse()?;
    let ended = bent.sign(&world.maker)?;
    set.case(
        "v4-ended.esl",
        ended.der().to_vec(),
        "stamp.not-in-force",
        "not in force any more",
    );
    let mut bent = draft.clone();
    bent.extensions = vec![extension(true)];
    let critical = bent.sign(&world.maker)?;
    set.case(
        "v4-critical.esl",
        critical.der().to_vec(),
        "stamp.critical-extension",
        "unknown critical extension",
    );
    bent.extensions = vec![extension(false)];
    let plain = bent.sign(&world.maker)?;
    set.case(
        "v4-extension.esl",
        plain.der().to_vec(),
        "valid",
        "unknown extension, not critical",
    );
    let mut tail = good.der().to_vec();
    tail.push(0);
    set.case(
        "v4-tail.esl",
        tail,
        "stamp.malformed",
        "a byte after the DER",
    );
    let mut other = good.der().to_vec();
    let name = "采购专用章".as_bytes();
    let at = other
        .windows(name.len())
        .position(|w| w == name)
        .ok_or("no name")?;
    other[at + name.len() - 1] ^= 1;
    set.case(
        "v4-name.esl",
        other,
        "stamp.bad-signature",
        "another name on it",
    );
    Ok(())
}

fn extension(critical: bool) -> Extension {
    Extension {
        id: "1.3.6.1.4.1.32473.9".to_owned(),
        critical,
        value: vec![5, 0],
    }
}

fn signatures(world: &World, set: &mut Set) -> Made<()> {
    let seal = world.draft(Version::V4)?.sign(&world.maker)?;
    let newer = world.draft(Version::V5)?.sign(&world.maker)?;
    let good = world.sign(&seal)?;
    set.case("v4.dat", good.der().to_vec(), "valid", "version 4");
    set.case(
        "v5.dat",
        world.sign(&newer)?.der().to_vec(),
        "valid",
        "version 5",
    );
    let token = world.stamp(good.signature_value(), "2026-06-01T08:00:00.5Z")?;
    let with = good.with_time_stamp(&token)?;
    set.case(
        "v4-stamped.dat",
        with.der().to_vec(),
        "valid",
        "with a time stamp",
    );
    let early = world.stamp(good.signature_value(), "2026-06-01T07:59:59Z")?;
    let early = stamped(good.der(), &early)?;
    set.case(
        "v4-stamped-early.dat",
        early,
        "stamp.time-order",
        "stamp before the signing time",
    );
    let other = world.stamp(b"another", SIGNED)?;
    let other = stamped(good.der(), &other)?;
    set.case(
        "v4-stamp-of-another.dat",
        other,
        "pki.digest-mismatch",
        "stamp over other bytes",
    );
    let tbs = Tbs {
        number: 4,
        seal: &seal,
        at: SIGNED,
        data: DATA,
        extensions: &[],
    };
    let mut hand = |name: &str, tbs: Tbs<'_>, signer, expect: &str, note: &str| -> Made<()> {
        set.case(name, world.by_hand(&tbs, signer)?, expect, note);
        Ok(())
    };
    let buyer = &world.buyer;
    hand(
        "v4-seal-v5.dat",
        Tbs {
            seal: &newer,
            ..tbs
        },
        buyer,
        "stamp.version",
        "version 5 seal in a version 4 signature",
    )?;
    hand(
        "v5-seal-v4.dat",
        Tbs { number: 5, ..tbs },
        buyer,
        "stamp.version",
        "version 4 seal in a version 5 signature",
    )?;
    hand(
        "v4-not-listed.dat",
        Tbs { ..tbs },
        &world.other,
        "stamp.not-listed",
        "signed by another's certificate",
    )?;
    hand(
        "v4-other-data.dat",
        Tbs {
            data: b"another",
            ..tbs
        },
        buyer,
        "stamp.digest",
        "dataHash of other data",
    )?;
    hand(
        "v4-future.dat",
        Tbs {
            at: "2026-07-01T00:00:01Z",
            ..tbs
        },
        buyer,
        "stamp.time-order",
        "signed after the instant asked about",
    )?;
    hand(
        "v4-before-seal.dat",
        Tbs {
            at: "2026-01-31T23:59:59Z",
            ..tbs
        },
        buyer,
        "stamp.time-order",
        "signed before the seal was made",
    )?;
    let id = write::tlv(tag::OID, &[&[0x2b, 6, 1, 4, 1, 0x81, 0xfd, 0x59, 9]]);
    let list = write::seq(&[&write::seq(&[&id, &[1, 1, 0xff], &write::octets(&[5, 0])])]);
    let critical = write::tlv(tag::context(0), &[&list]);
    hand(
        "v4-critical.dat",
        Tbs {
            extensions: &critical,
            ..tbs
        },
        buyer,
        "stamp.critical-extension",
        "unknown critical extension",
    )?;
    let raw = mifeng_crypto::signature_from_der(good.signature_value())?;
    let body = inside(good.der())?;
    let mut reader = mifeng_pki::asn1::Reader::new(body, "vector");
    let octets = reader.whole(tag::SEQUENCE)?;
    set.case(
        "v4-raw.dat",
        around(octets, buyer, &raw),
        "valid",
        "raw r and s: told as a deviation",
    );
    let mut bad = raw;
    bad[63] ^= 1;
    set.case(
        "v4-raw-bad.dat",
        around(octets, buyer, &bad),
        "stamp.bad-signature",
        "raw r and s, one bit off",
    );
    Ok(())
}

/// One pixel with an alpha channel.
fn png() -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0];
    let data = [
        0x78, 0x01, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff,
    ];
    for (name, body) in [(b"IHDR", &header[..]), (b"IDAT", &data), (b"IEND", &[])] {
        out.extend_from_slice(&(body.len() as u32).to_be_bytes());
        out.extend_from_slice(name);
        out.extend_from_slice(body);
        out.extend_from_slice(&[0; 4]);
    }
    out
}
