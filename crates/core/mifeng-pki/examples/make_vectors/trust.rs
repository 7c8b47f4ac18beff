//! Trust lists: a chain of four versions with what each says of certificates, and its material for
//! the chains with one fault.

use super::{Made, faults};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{
    Digest, Entropy as _, HashAlg, KeyAlg, PrivateKey, SeededEntropy, Suite, Time, jcs,
};
use mifeng_pki::cms::{self, Profile as Form};
use mifeng_pki::issue::{CertificateAuthority, Profile, Revocation, Subject, Validity};
use mifeng_pki::{Signer as _, SoftwareSigner};
use serde_json::{Value, json};

/// The organisation of both bidders.
const CODE: &str = "91350100M000100Y43";

/// Files of one suite, each with its place below `test-vectors`.
pub(crate) fn vectors(suite: &'static Suite) -> Made<Vec<(String, Value)>> {
    let world = World::new(suite)?;
    let mut out = vec![(format!("trust/{}.json", suite.id()), chain(&world)?)];
    for (name, value) in faults::all(&world)? {
        out.push((format!("trust/negative-{}-{name}.json", suite.id()), value));
    }
    Ok(out)
}

/// A CA that issues in this suite.
pub(crate) struct Ca {
    authority: CertificateAuthority,
    alg: KeyAlg,
    entropy: SeededEntropy,
    issued: u8,
}

impl Ca {
    pub(crate) fn new(suite: &Suite, name: &str) -> Made<Self> {
        let seed = format!("trust list of {}, {name}", suite.id());
        let mut entropy = SeededEntropy::new(seed.as_bytes());
        let alg = match suite.hash() {
            HashAlg::Sm3 => KeyAlg::Sm2,
            HashAlg::Sha256 => KeyAlg::P256,
        };
        let key = PrivateKey::generate(alg, &mut entropy)?;
        let valid = valid_until("2036-01-01T00:00:00Z")?;
        let authority = CertificateAuthority::new_root(key, &Subject::named(name), valid, &[1])?;
        Ok(Ca {
            authority,
            alg,
            entropy,
            issued: 1,
        })
    }

    fn issue(&mut self, profile: Profile, subject: &Subject) -> Made<SoftwareSigner> {
        let key = PrivateKey::generate(self.alg, &mut self.entropy)?;
        self.issued += 1;
        let mut serial = [self.issued; 9];
        self.entropy.fill(&mut serial[1..])?;
        let (public, valid) = (key.public_key()?, valid_until("2028-01-01T00:00:00Z")?);
        let leaf = self
            .authority
            .issue(subject, &public, profile, valid, &serial)?;
        Ok(SoftwareSigner::new(key, leaf, Vec::new())?)
    }

    pub(crate) fn person(&mut self, name: &str) -> Made<SoftwareSigner> {
        self.issue(Profile::Person, &Subject::named(name))
    }

    pub(crate) fn root(&self) -> String {
        BASE64_STANDARD.encode(self.authority.certificate().der())
    }

    /// Its revocation list, in hex, that names this certificate as revoked at `at`.
    pub(crate) fn revoked(&self, who: &SoftwareSigner, at: &str) -> Made<String> {
        let entry = Revocation {
            serial: who.certificate().serial_raw().to_vec(),
            revoked: at.parse()?,
            reason: 1,
            invalid_since: None,
        };
        let (from, until) = (at.parse()?, "2026-12-01T00:00:00Z".parse()?);
        Ok(hex::encode(self.authority.revocation_list(
            &[entry],
            from,
            until,
            1,
        )?))
    }
}

fn valid_until(end: &str) -> Made<Validity> {
    Ok(Validity {
        not_before: "2026-01-01T00:00:00Z".parse()?,
        not_after: end.parse()?,
    })
}

/// Two CAs of the list and one that is not on it; who signs, and whose certificates are judged.
pub(crate) struct World {
    pub(crate) suite: &'static Suite,
    pub(crate) a: Ca,
    pub(crate) b: Ca,
    /// Signs versions 1 to 3.
    pub(crate) operator: SoftwareSigner,
    /// Holds a certificate of b; named by version 3, signs version 4.
    heir: SoftwareSigner,
    /// Holds a certificate of a, and is named by no version.
    pub(crate) stranger: SoftwareSigner,
    /// Holds a certificate of a CA that is on no list.
    pub(crate) outsider: SoftwareSigner,
    /// Holds an encryption certificate of a.
    pub(crate) receiver: SoftwareSigner,
    bidder_a: SoftwareSigner,
    bidder_b: SoftwareSigner,
    typed: SoftwareSigner,
}

impl World {
    fn new(suite: &'static Suite) -> Made<Self> {
        let (mut a, mut b) = (Ca::new(suite, "CA A")?, Ca::new(suite, "CA B")?);
        let with_code = Subject {
            uscc: Some(CODE.to_owned()),
            ..Subject::named("投标人甲")
        };
        // Where CA B writes the code; for CA A this is a name that the applicant typed.
        let in_name = Subject::named(&format!("投标人甲@{CODE}@1"));
        Ok(World {
            suite,
            operator: a.person("Operator")?,
            heir: b.person("Heir")?,
            stranger: a.person("Stranger")?,
            outsider: Ca::new(suite, "CA C")?.person("Outsider")?,
            receiver: a.issue(Profile::BidderEncrypt, &with_code)?,
            bidder_a: a.issue(Profile::BidderSign, &with_code)?,
            bidder_b: b.issue(Profile::BidderSign, &in_name)?,
            typed: a.issue(Profile::BidderSign, &in_name)?,
            a,
            b,
        })
    }

    pub(crate) fn fingerprint(&self, who: &SoftwareSigner) -> String {
        who.certificate().fingerprint(self.suite.hash()).to_string()
    }

    pub(crate) fn digest(&self, body: &[u8]) -> Digest {
        self.suite.h_tag("trust-list", &[body])
    }

    /// Version 1: CA A for everything.
    pub(crate) fn first(&self) -> Value {
        json!({
            "v": 1, "name": "互认名单", "suite": self.suite.id(), "version": 1, "previous": null,
            "effective": "2026-06-01T00:00:00Z",
            "operators": [self.fingerprint(&self.operator)],
            "cas": [{
                "name": "A", "roots": [self.a.root()],
                "from": "2026-01-01T00:00:00Z", "until": null,
                "kinds": ["encryption", "signing"],
                "usages": ["bid-encryption", "bid-signing", "host", "record-signing",
                    "time-stamping", "trust-list", "trustee"],
                "code": [{"in": "extension", "oid": "1.2.156.10260.4.1.4", "after": ""}],
            }],
        })
    }

    /// Version 2: CA B too, from the tenth to the thirtieth of June, for bids and this list.
    pub(crate) fn second(&self) -> Made<Value> {
        let mut list = next(self, &self.first(), "2026-06-05T00:00:00Z")?;
        let b = json!({
            "name": "B", "roots": [self.b.root()],
            "from": "2026-06-10T00:00:00Z", "until": "2026-06-30T00:00:00Z",
            "kinds": ["signing"],
            "usages": ["bid-signing", "trust-list"],
            "code": [{"in": "subject", "oid": "2.5.4.3", "after": "甲@"}],
        });
        list["cas"].as_array_mut().ok_or("no CAs")?.push(b);
        Ok(list)
    }

    /// A file with this list, signed whether or not it keeps its rules.
    pub(crate) fn file(&self, list: &Value, by: &SoftwareSigner) -> Made<String> {
        self.file_of(&jcs::to_vec(list)?, by)
    }

    pub(crate) fn file_of(&self, body: &[u8], by: &SoftwareSigner) -> Made<String> {
        let sig = cms::sign_detached(by, body, signed_at()?, Form::of(self.suite))?;
        file_with(body, &sig)
    }
}

pub(crate) fn signed_at() -> Made<Time> {
    Ok("2026-05-20T08:00:00Z".parse()?)
}

pub(crate) fn file_with(body: &[u8], sig: &[u8]) -> Made<String> {
    let (list, sig) = (BASE64_STANDARD.encode(body), BASE64_STANDARD.encode(sig));
    Ok(String::from_utf8(jcs::to_vec(
        &json!({"list": list, "sig": sig, "v": 1}),
    )?)?)
}

/// The version after `list`, in force from `effective`, otherwise the same.
fn next(world: &World, list: &Value, effective: &str) -> Made<Value> {
    let mut new = list.clone();
    new["version"] = json!(list["version"].as_u64().ok_or("no version")? + 1);
    new["previous"] = json!(world.digest(&jcs::to_vec(list)?));
    new["effective"] = json!(effective);
    Ok(new)
}

/// Four versions, and certificates judged under the one in force at an instant.
fn chain(world: &World) -> Made<Value> {
    let (first, second) = (world.first(), world.second()?);
    let mut third = next(world, &second, "2026-06-20T00:00:00Z")?;
    third["cas"].as_array_mut().ok_or("no CAs")?.remove(0);
    third["operators"] = json!([world.fingerprint(&world.heir)]);
    let mut fourth = next(world, &third, "2026-06-25T00:00:00Z")?;
    fourth["cas"][0]["until"] = json!(null);
    let steps = [
        (&first, &world.operator, "2026-05-21T00:00:00Z"),
        (&second, &world.operator, "2026-06-02T00:00:00Z"),
        (&third, &world.operator, "2026-06-15T00:00:00Z"),
        (&fourth, &world.heir, "2026-06-21T00:00:00Z"),
    ];
    let mut versions = Vec::new();
    for (list, by, taken) in steps {
        let digest = world.digest(&jcs::to_vec(list)?);
        versions.push(json!({"digest": digest, "file": world.file(list, by)?, "taken": taken}));
    }
    Ok(
        json!({"suite": world.suite.id(), "crls": [], "versions": versions,
        "judged": judged(world)}),
    )
}

fn judged(world: &World) -> Vec<Value> {
    let case = |name: &str, who: &SoftwareSigner, usage: &str, at: &str, expect: Value| {
        json!({"name": name, "leaf": hex::encode(who.certificate().der()), "usage": usage,
            "at": at, "expect": expect})
    };
    let good = |version: u8, ca: &str, code: Option<&str>| json!({"version": version, "ca": ca, "code": code});
    let bad = |version: u8, error: &str| json!({"version": version, "error": error});
    let (a, b, bid) = (&world.bidder_a, &world.bidder_b, "bid-signing");
    let (code, none) = (Some(CODE), "2026-06-01T00:00:00Z");
    let (unlisted, not) = ("pki.unlisted-ca", "pki.not-recognised");
    vec![
        case("listed", a, bid, none, good(1, "A", code)),
        case(
            "second CA before its list",
            b,
            bid,
            "2026-06-04T23:59:59.999Z",
            bad(1, unlisted),
        ),
        case(
            "second CA listed, not yet recognised",
            b,
            bid,
            "2026-06-09T23:59:59.999Z",
            bad(2, not),
        ),
        case(
            "second CA from its day",
            b,
            bid,
            "2026-06-10T00:00:00Z",
            good(2, "B", code),
        ),
        case(
            "second CA for another usage",
            b,
            "host",
            "2026-06-10T00:00:00Z",
            bad(2, not),
        ),
        case(
            "first CA's last instant",
            a,
            bid,
            "2026-06-19T23:59:59.999Z",
            good(2, "A", code),
        ),
        case(
            "first CA removed",
            a,
            bid,
            "2026-06-20T00:00:00Z",
            bad(3, unlisted),
        ),
        case(
            "second CA stays",
            b,
            bid,
            "2026-06-20T00:00:00Z",
            good(3, "B", code),
        ),
        case(
            "end of recognition lifted",
            b,
            bid,
            "2026-06-30T00:00:00Z",
            good(4, "B", code),
        ),
        case(
            "encrypting with a signing certificate",
            a,
            "bid-encryption",
            none,
            bad(1, "pki.key-usage"),
        ),
        case(
            "signing with an encryption certificate",
            &world.receiver,
            bid,
            none,
            bad(1, "pki.key-usage"),
        ),
        case(
            "encryption certificate",
            &world.receiver,
            "bid-encryption",
            none,
            good(1, "A", code),
        ),
        case(
            "a code that the applicant typed",
            &world.typed,
            bid,
            none,
            good(1, "A", None),
        ),
        case(
            "CA on no list",
            &world.outsider,
            "record-signing",
            none,
            bad(1, unlisted),
        ),
        case(
            "stamping time with a bidder's certificate",
            a,
            "time-stamping",
            none,
            bad(1, "pki.key-usage"),
        ),
    ]
}
