//! Writes `test-vectors/cms`, `test-vectors/timestamp` and `test-vectors/trust`:
//! `cargo run -p mifeng-pki --example make-pki-vectors`.
//!
//! Everything is made from fixed seeds, so running it again changes nothing.

mod faults;
mod trust;

use mifeng_crypto::{GM, HashAlg, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite, Time};
use mifeng_pki::cms::{self, DigestAlg, Profile as Form};
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::tsp::{Accuracy, Imprint, Request, TimeStampAuthority};
use mifeng_pki::{Signer as _, SoftwareSigner};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

const AT: &str = "2026-06-01T08:00:00Z";
const CONTENT: &[u8] = "{\"seq\":1,\"price\":\"980000.00\",\"投标人\":\"甲\"}".as_bytes();

type Made<T> = Result<T, Box<dyn Error>>;

fn main() -> Made<()> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../test-vectors"
    ));
    for (name, value) in vectors()? {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(root))?;
        std::fs::write(path, text(&value)?)?;
    }
    Ok(())
}

pub(crate) fn text(value: &Value) -> Made<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Every file with its place below `test-vectors`.
pub(crate) fn vectors() -> Made<Vec<(String, Value)>> {
    let mut out = Vec::new();
    for suite in [&GM, &INTL] {
        let world = World::new(suite)?;
        let forms: &[(&str, Form)] = match suite.hash() {
            HashAlg::Sm3 => &[("rfc5652", Form::Rfc5652), ("gbt35275", Form::Gbt35275)],
            HashAlg::Sha256 => &[("rfc5652", Form::Rfc5652)],
        };
        for (name, form) in forms {
            let file = format!("cms/{}-{name}.json", suite.id());
            out.push((file, messages(&world, name, *form)?));
        }
        out.push((format!("timestamp/{}.json", suite.id()), stamps(&world)?));
        out.extend(trust::vectors(suite)?);
    }
    Ok(out)
}

struct World {
    suite: &'static Suite,
    root: CertificateAuthority,
    bidder: SoftwareSigner,
    receiver: SoftwareSigner,
    tsa: SoftwareSigner,
}

impl World {
    fn new(suite: &'static Suite) -> Made<Self> {
        let mut entropy = SeededEntropy::new(format!("vectors of {}", suite.id()).as_bytes());
        let alg = match suite.hash() {
            HashAlg::Sm3 => KeyAlg::Sm2,
            HashAlg::Sha256 => KeyAlg::P256,
        };
        let mut key = || PrivateKey::generate(alg, &mut entropy);
        let validity = Validity {
            not_before: "2026-01-01T00:00:00Z".parse()?,
            not_after: "2036-01-01T00:00:00Z".parse()?,
        };
        let root = Subject::named("Vector Root");
        let root = CertificateAuthority::new_root(key()?, &root, validity, &[1])?;
        let mut person = |name: &str, profile, serial| -> Made<SoftwareSigner> {
            let own = key()?;
            let public = own.public_key()?;
            let leaf = root.issue(&Subject::named(name), &public, profile, validity, &[serial])?;
            Ok(SoftwareSigner::new(own, leaf, Vec::new())?)
        };
        Ok(World {
            suite,
            bidder: person("投标人甲", Profile::BidderSign, 2)?,
            receiver: person("投标人甲", Profile::BidderEncrypt, 3)?,
            tsa: person("Vector TSA", Profile::TimeStamping, 4)?,
            root,
        })
    }

    fn anchor(&self) -> String {
        hex::encode(self.root.certificate().der())
    }
}

fn at() -> Made<Time> {
    Ok(AT.parse()?)
}

fn messages(world: &World, name: &str, form: Form) -> Made<Value> {
    let sign = |signer: &SoftwareSigner| {
        cms::sign_detached(signer, CONTENT, at()?, form).map_err(Box::<dyn Error>::from)
    };
    let (message, by_receiver) = (sign(&world.bidder)?, sign(&world.receiver)?);
    let id = world.suite.id();
    let other = match world.suite.hash() {
        HashAlg::Sm3 => INTL.id(),
        HashAlg::Sha256 => GM.id(),
    };
    let case = |name: &str, suite: &str, message: &[u8], content: &[u8], expect: &str| {
        json!({"name": name, "suite": suite, "message": hex::encode(message),
            "content": hex::encode(content), "expect": expect})
    };
    let changed = |from_end: usize| {
        let mut bent = message.clone();
        let place = bent.len() - from_end;
        bent[place] ^= 1;
        bent
    };
    let inside = cms::sign_attached(&world.bidder, CONTENT, at()?, form)?;
    let longer = [&message[..], &[0]].concat();
    let cases = [
        case("a record", id, &message, CONTENT, "valid"),
        case("other content", id, &message, b"{}", "pki.digest-mismatch"),
        case(
            "last bit of the signature",
            id,
            &changed(1),
            CONTENT,
            "pki.bad-signature",
        ),
        case("one byte more", id, &longer, CONTENT, "pki.malformed"),
        case(
            "one byte less",
            id,
            &message[..message.len() - 1],
            CONTENT,
            "pki.malformed",
        ),
        case("content inside", id, &inside, CONTENT, "pki.message"),
        case(
            "by an encryption certificate",
            id,
            &by_receiver,
            CONTENT,
            "pki.key-usage",
        ),
        case(
            "under the other suite",
            other,
            &message,
            CONTENT,
            "pki.wrong-suite",
        ),
    ];
    Ok(json!({"anchor": world.anchor(), "at": AT, "cases": cases, "form": name}))
}

fn stamps(world: &World) -> Made<Value> {
    let suite = world.suite;
    let imprint = |bytes| Imprint::of(bytes, DigestAlg::from(suite.hash()));
    let plain = TimeStampAuthority::new(&world.tsa, "1.3.6.1.4.1.32473.1")?;
    let precise = TimeStampAuthority::new(&world.tsa, "1.3.6.1.4.1.32473.1")?
        .with_accuracy(Accuracy::from_micros(1_002_003))
        .with_ordering();
    let ask = Request::for_imprint(imprint(CONTENT)).with_nonce(&[0xab; 8])?;
    let another = Request::for_imprint(imprint(b"another")).with_nonce(&[0xab; 8])?;
    let policy = ask.clone().with_policy("1.2.3.4")?;
    let case = |name: &str, request: &Request, response: &[u8], expect: &str| {
        json!({"name": name, "request": hex::encode(request.to_der()),
            "response": hex::encode(response), "expect": expect})
    };
    let answer = |tsa: &TimeStampAuthority<'_>, request: &Request, at: Time| {
        tsa.answer(&request.to_der(), 7, at).der
    };
    let granted = answer(&plain, &ask, at()?);
    let mut bent = granted.clone();
    if let Some(last) = bent.last_mut() {
        *last ^= 1;
    }
    let early = at()?.plus_millis(-200 * 86_400_000);
    let late = at()?.plus_millis(86_400_000);
    let part = at()?.plus_millis(250);
    let refused = "pki.time-stamp";
    let cases = [
        case("granted", &ask, &granted, AT),
        case(
            "with accuracy and order",
            &ask,
            &answer(&precise, &ask, part),
            "2026-06-01T08:00:00.25Z",
        ),
        case(
            "another nonce asked",
            &ask.clone().with_nonce(&[1])?,
            &granted,
            refused,
        ),
        case(
            "another imprint",
            &another,
            &answer(&plain, &another, at()?),
            "pki.digest-mismatch",
        ),
        case(
            "policy not offered",
            &policy,
            &answer(&plain, &policy, at()?),
            refused,
        ),
        case(
            "last bit of the signature",
            &ask,
            &bent,
            "pki.bad-signature",
        ),
        case(
            "before the certificate",
            &ask,
            &answer(&plain, &ask, early),
            "pki.not-yet-valid",
        ),
        case("in the future", &ask, &answer(&plain, &ask, late), refused),
    ];
    Ok(
        json!({"anchor": world.anchor(), "authority": world.tsa.certificate().serial_hex(),
        "cases": cases, "now": AT, "stamped": hex::encode(CONTENT), "suite": suite.id()}),
    )
}
