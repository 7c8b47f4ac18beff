//! Chains of trust lists with one fault each; the last version is refused for it, none before.

use super::Made;
use super::trust::{Ca, World, file_with, signed_at};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{GM, HashAlg, INTL, Suite, jcs};
use mifeng_pki::cms::{self, Profile as Form};
use mifeng_pki::{Signer as _, SoftwareSigner};
use serde_json::{Value, json};

/// When a version is taken in, if nothing else is said.
const TAKEN: &str = "2026-06-02T00:00:00Z";
const RULE: &str = "pki.trust-list";
const SCHEMA: &str = "json.schema";
const CANONICAL: &str = "json.not-canonical";

/// A chain with its expected refusal.
struct Fault {
    name: &'static str,
    versions: Vec<Value>,
    crls: Vec<String>,
    code: &'static str,
    message: String,
}

/// Every fault with its name.
pub(crate) fn all(world: &World) -> Made<Vec<(String, Value)>> {
    let mut faults = of_lists(world)?;
    faults.extend(of_texts(world)?);
    faults.extend(of_succession(world)?);
    faults.extend(of_signers(world)?);
    faults.extend(of_signatures(world)?);
    faults.extend(of_files(world)?);
    let id = world.suite.id();
    let written = faults.into_iter().map(|fault| {
        let expect = json!({"error": fault.code, "message": fault.message});
        let value = json!({"suite": id, "crls": fault.crls, "versions": fault.versions,
            "expect": expect});
        (fault.name.to_owned(), value)
    });
    Ok(written.collect())
}

fn taken(file: String, taken: &str) -> Value {
    json!({"file": file, "taken": taken})
}

fn alone(name: &'static str, file: String, code: &'static str, message: &str) -> Fault {
    Fault {
        name,
        versions: vec![taken(file, TAKEN)],
        crls: Vec::new(),
        code,
        message: message.to_owned(),
    }
}

fn rule(text: &str) -> String {
    format!("trust list: {text}")
}

type Bend = fn(&mut Value, &World);

/// What a list can break by itself: it is signed as it stands, by its operator.
fn of_lists(world: &World) -> Made<Vec<Fault>> {
    let mut out = Vec::new();
    for (name, text, bend) in LISTS {
        let mut list = world.first();
        bend(&mut list, world);
        let file = world.file(&list, &world.operator)?;
        out.push(alone(name, file, RULE, &rule(text)));
    }
    for (name, code, message, bend) in OTHERWISE {
        let mut list = world.first();
        bend(&mut list, world);
        let file = world.file(&list, &world.operator)?;
        let message = message.replace("SUITE", world.suite.id());
        out.push(alone(name, file, code, &message));
    }
    Ok(out)
}

const OPERATORS: &str = "operators are not sorted, or one stands twice";
const NUMBER: &str = "version 1 has no previous one, every other has";
const NAME: &str = "a name has 1 to 300 bytes and no control characters";
const KINDS: &str = "kinds are missing, not sorted, or one stands twice";
const USAGES: &str = "usages are missing, not sorted, or one stands twice";
const UNTIL: &str = "a CA is recognised until before it is recognised from";
const NO_OID: &str = "a place of the credit code has no OID";

const LISTS: &[(&str, &str, Bend)] = &[
    ("format-2", "format version is not 1", |l, _| {
        l["v"] = json!(2)
    }),
    ("name-empty", NAME, |l, _| l["name"] = json!("")),
    ("name-too-long", NAME, |l, _| {
        l["name"] = json!("名".repeat(101))
    }),
    ("name-control-character", NAME, |l, _| {
        l["name"] = json!("a\nb")
    }),
    ("version-0", NUMBER, |l, _| l["version"] = json!(0)),
    ("version-2-of-nothing", NUMBER, |l, _| {
        l["version"] = json!(2)
    }),
    ("version-1-with-previous", NUMBER, |l, w| {
        l["previous"] = json!(w.digest(b""))
    }),
    ("no-operator", "1 to 8 operators", |l, _| {
        l["operators"] = json!([])
    }),
    ("nine-operators", "1 to 8 operators", |l, _| {
        l["operators"] = (1..10).map(|n| json!(format!("{n:064x}"))).collect();
    }),
    ("operator-twice", OPERATORS, |l, _| {
        let operator = l["operators"][0].clone();
        l["operators"] = json!([operator, operator]);
    }),
    ("operators-not-sorted", OPERATORS, |l, _| {
        l["operators"] = json!(["f".repeat(64), l["operators"][0]]);
    }),
    ("no-ca", "1 to 256 CAs", |l, _| l["cas"] = json!([])),
    (
        "ca-twice",
        "CAs are not sorted by name, or one stands twice",
        |l, w| {
            let mut again = l["cas"][0].clone();
            again["roots"] = json!([w.b.root()]);
            l["cas"] = json!([l["cas"][0], again]);
        },
    ),
    (
        "cas-not-sorted",
        "CAs are not sorted by name, or one stands twice",
        |l, w| {
            let mut other = l["cas"][0].clone();
            (other["name"], other["roots"]) = (json!("B"), json!([w.b.root()]));
            l["cas"] = json!([other, l["cas"][0]]);
        },
    ),
    ("ca-without-name", NAME, |l, _| {
        l["cas"][0]["name"] = json!("")
    }),
    ("ca-without-root", "1 to 8 roots for a CA", |l, _| {
        l["cas"][0]["roots"] = json!([])
    }),
    ("root-twice", "a root stands twice", |l, w| {
        l["cas"][0]["roots"] = json!([w.a.root(), w.a.root()]);
    }),
    ("root-twice-in-two-cas", "a root stands twice", |l, _| {
        let mut other = l["cas"][0].clone();
        other["name"] = json!("B");
        l["cas"] = json!([l["cas"][0], other]);
    }),
    ("root-not-a-ca", "a root is not a CA certificate", |l, w| {
        let leaf = BASE64_STANDARD.encode(w.operator.certificate().der());
        l["cas"][0]["roots"] = json!([w.a.root(), leaf]);
    }),
    ("root-not-base64", "a root is not base64", |l, _| {
        l["cas"][0]["roots"] = json!(["MIIB…"])
    }),
    ("until-equal-from", UNTIL, |l, _| {
        l["cas"][0]["until"] = l["cas"][0]["from"].clone()
    }),
    ("no-kinds", KINDS, |l, _| l["cas"][0]["kinds"] = json!([])),
    ("kinds-not-sorted", KINDS, |l, _| {
        l["cas"][0]["kinds"] = json!(["signing", "encryption"])
    }),
    ("no-usages", USAGES, |l, _| {
        l["cas"][0]["usages"] = json!([])
    }),
    ("usage-twice", USAGES, |l, _| {
        l["cas"][0]["usages"] = json!(["trust-list", "trust-list"])
    }),
    (
        "no-place-of-code",
        "a CA of bidders needs a place for the credit code",
        |l, _| {
            l["cas"][0]["code"] = json!([]);
        },
    ),
    (
        "nine-places-of-code",
        "at most 8 places for the credit code",
        |l, _| {
            let place = l["cas"][0]["code"][0].clone();
            l["cas"][0]["code"] = json!([
                place, place, place, place, place, place, place, place, place
            ]);
        },
    ),
    ("place-oid-unfinished", NO_OID, |l, _| {
        l["cas"][0]["code"][0]["oid"] = json!("1.2.")
    }),
    ("place-oid-leading-zero", NO_OID, |l, _| {
        l["cas"][0]["code"][0]["oid"] = json!("1.2.03")
    }),
    (
        "place-after-too-long",
        "text before a credit code: at most 32 bytes",
        |l, _| {
            l["cas"][0]["code"][0]["after"] = json!("a".repeat(33));
        },
    ),
];

/// The same, where another rule than one of lists says no.
const OTHERWISE: &[(&str, &str, &str, Bend)] = &[
    (
        "unknown-suite",
        "crypto.unsupported",
        "unsupported suite id",
        |l, _| l["suite"] = json!("gm-2"),
    ),
    ("unknown-member", SCHEMA, "", |l, _| l["remark"] = json!("")),
    ("unknown-member-of-ca", SCHEMA, "", |l, _| {
        l["cas"][0]["trusted"] = json!(true)
    }),
    ("unknown-member-of-place", SCHEMA, "", |l, _| {
        l["cas"][0]["code"][0]["before"] = json!("")
    }),
    ("unknown-kind", SCHEMA, "", |l, _| {
        l["cas"][0]["kinds"] = json!(["both"])
    }),
    ("unknown-usage", SCHEMA, "", |l, _| {
        l["cas"][0]["usages"] = json!(["all"])
    }),
    ("unknown-place", SCHEMA, "", |l, _| {
        l["cas"][0]["code"][0]["in"] = json!("issuer")
    }),
    ("missing-operators", SCHEMA, "", |l, _| {
        l.as_object_mut().map(|members| members.remove("operators"));
    }),
    ("operator-not-a-digest", SCHEMA, "", |l, _| {
        l["operators"] = json!(["00"])
    }),
    ("until-without-offset", SCHEMA, "", |l, _| {
        l["cas"][0]["until"] = json!("2026-12-01T00:00:00");
    }),
    ("effective-not-utc", SCHEMA, "", |l, _| {
        l["effective"] = json!("2026-06-01T08:00:00+08:00");
    }),
    (
        "root-of-other-suite",
        "pki.wrong-suite",
        "root of the trust list does not belong to suite SUITE",
        |l, w| {
            // What cannot be made shows no fault; the runner then finds none, and fails.
            if let Ok(other) = Ca::new(other(w.suite), "CA O") {
                l["cas"][0]["roots"] = json!([w.a.root(), other.root()]);
            }
        },
    ),
    (
        "root-cut-short",
        "pki.malformed",
        "malformed certificate",
        |l, w| {
            // Whole groups of base64, so that only the DER is short.
            let root = w.a.root();
            l["cas"][0]["roots"] = json!([root[..root.len() - 8]]);
        },
    ),
];

fn other(suite: &Suite) -> &'static Suite {
    match suite.hash() {
        HashAlg::Sm3 => &INTL,
        HashAlg::Sha256 => &GM,
    }
}

/// The same, where the text is what is wrong.
fn of_texts(world: &World) -> Made<Vec<Fault>> {
    let text = String::from_utf8(jcs::to_vec(&world.first())?)?;
    let texts = [
        ("space-in-list", text.replacen(":", ": ", 1)),
        (
            "member-twice",
            text.replacen("\"v\":1,", "\"v\":1,\"v\":1,", 1),
        ),
        ("members-not-sorted", {
            let rest = text.replacen("\"v\":1,", "", 1);
            rest.replacen('{', "{\"v\":1,", 1)
        }),
        ("list-cut-short", text[..text.len() - 1].to_owned()),
        ("byte-after-list", format!("{text}\n")),
    ];
    let mut out = Vec::new();
    for (name, bent) in texts {
        let file = world.file_of(bent.as_bytes(), &world.operator)?;
        out.push(alone(name, file, CANONICAL, ""));
    }
    Ok(out)
}

const FOLLOWS: &str = "does not follow the last version by number and digest";

/// Version 2 breaks a rule of succession.
const SUCCESSION: &[(&str, &str, Bend)] = &[
    ("version-skipped", FOLLOWS, |l, _| l["version"] = json!(3)),
    ("version-repeated", FOLLOWS, |l, w| *l = w.first()),
    ("previous-of-another", FOLLOWS, |l, w| {
        l["previous"] = json!(w.digest(b"{}"))
    }),
    (
        "another-name",
        "another list than the one in use",
        |l, _| l["name"] = json!("另一名单"),
    ),
    (
        "effective-before-last",
        "in force before the version it follows",
        |l, _| {
            l["effective"] = json!("2026-05-31T23:59:59.999Z");
        },
    ),
];

/// Version 1 as it should be, and this one after it.
fn second(
    world: &World,
    name: &'static str,
    file: String,
    code: &'static str,
    message: &str,
) -> Made<Fault> {
    let first = world.file(&world.first(), &world.operator)?;
    let mut fault = alone(name, file, code, message);
    fault.versions.insert(0, taken(first, TAKEN));
    Ok(fault)
}

fn of_succession(world: &World) -> Made<Vec<Fault>> {
    let mut out = Vec::new();
    for (name, text, bend) in SUCCESSION {
        let mut list = world.second()?;
        bend(&mut list, world);
        let file = world.file(&list, &world.operator)?;
        out.push(second(world, name, file, RULE, &rule(text))?);
    }
    Ok(out)
}

const NO_OPERATOR: &str = "signed by somebody who is not an operator of the list";

/// Version 2 keeps every rule, but not everybody may sign it then.
fn of_signers(world: &World) -> Made<Vec<Fault>> {
    let mut out = Vec::new();
    let list = world.second()?;
    let names = |list: &Value, who: &SoftwareSigner| {
        let mut bent = list.clone();
        bent["operators"] = json!([world.fingerprint(who)]);
        bent
    };
    let not_operator = rule(NO_OPERATOR);
    let mut refused = |name, list: &Value, by, code, message: &str| -> Made<()> {
        out.push(second(world, name, world.file(list, by)?, code, message)?);
        Ok(())
    };
    refused(
        "signer-not-an-operator",
        &list,
        &world.stranger,
        RULE,
        &not_operator,
    )?;
    let own = names(&list, &world.stranger);
    refused(
        "signer-names-itself",
        &own,
        &world.stranger,
        RULE,
        &not_operator,
    )?;
    // Version 1 itself: who signs must be among its own.
    let first = world.file(&world.first(), &world.stranger)?;
    out.push(alone(
        "first-signer-not-an-operator",
        first,
        RULE,
        &not_operator,
    ));
    let unlisted = "no path from Outsider (issued by CA C) to a listed CA";
    let first = names(&world.first(), &world.outsider);
    let first = world.file(&first, &world.outsider)?;
    out.push(alone(
        "operator-of-unlisted-ca",
        first,
        "pki.unlisted-ca",
        unlisted,
    ));
    let first = names(&world.first(), &world.receiver);
    let first = world.file(&first, &world.receiver)?;
    let encrypts = "certificate of 投标人甲 is not for signing";
    out.push(alone(
        "operator-who-encrypts",
        first,
        "pki.key-usage",
        encrypts,
    ));
    let mut first = world.first();
    first["cas"][0]["usages"] = json!(["bid-encryption", "bid-signing"]);
    let first = world.file(&first, &world.operator)?;
    let not = "A is on the trust list, but not recognised for trust-list";
    out.push(alone(
        "operators-ca-not-for-lists",
        first,
        "pki.not-recognised",
        not,
    ));
    out.extend(at_an_instant(world)?);
    Ok(out)
}

/// Version 2 is right, but taken in when its operator no longer counts.
fn at_an_instant(world: &World) -> Made<Vec<Fault>> {
    let file = world.file(&world.second()?, &world.operator)?;
    let ended =
        "certificate of Operator ended 2028-01-01T00:00:00Z, asked about 2028-01-01T00:00:01Z";
    let begins =
        "certificate of Operator begins 2026-01-01T00:00:00Z, asked about 2025-12-31T23:59:59Z";
    let revoked = "certificate of Operator was revoked at 2026-06-01T12:00:00Z, asked about 2026-06-02T00:00:00Z";
    let mut expired = second(
        world,
        "operator-expired",
        file.clone(),
        "pki.expired",
        ended,
    )?;
    expired.versions[1]["taken"] = json!("2028-01-01T00:00:01Z");
    let mut early = second(
        world,
        "operator-not-yet-valid",
        file.clone(),
        "pki.not-yet-valid",
        begins,
    )?;
    early.versions[1]["taken"] = json!("2025-12-31T23:59:59Z");
    let mut late = second(world, "operator-revoked", file, "pki.revoked", revoked)?;
    late.versions[0]["taken"] = json!("2026-06-01T00:00:00Z");
    late.crls = vec![world.a.revoked(&world.operator, "2026-06-01T12:00:00Z")?];
    Ok(vec![expired, early, late])
}

/// Version 1 with a signature that is not one over it.
fn of_signatures(world: &World) -> Made<Vec<Fault>> {
    let list = jcs::to_vec(&world.first())?;
    let form = Form::of(world.suite);
    let sign = |content: &[u8]| {
        cms::sign_detached(&world.operator, content, signed_at()?, form)
            .map_err(Box::<dyn std::error::Error>::from)
    };
    let good = sign(&list)?;
    let mut bent = good.clone();
    if let Some(last) = bent.last_mut() {
        *last ^= 1;
    }
    let other = jcs::to_vec(&world.second()?)?;
    let inside = cms::sign_attached(&world.operator, &list, signed_at()?, form)?;
    let longer = [&good[..], &[0]].concat();
    let digest = "digest of the content does not match";
    let files = [
        ("signature-bit", bent, "pki.bad-signature", ""),
        (
            "signature-of-another-version",
            sign(&other)?,
            "pki.digest-mismatch",
            digest,
        ),
        ("list-inside-signature", inside, "pki.message", ""),
        ("byte-after-signature", longer, "pki.malformed", ""),
        ("no-signature", Vec::new(), "pki.malformed", ""),
        (
            "signature-of-other-suite",
            foreign(world, &list)?,
            "pki.wrong-suite",
            "",
        ),
    ];
    let mut out = Vec::new();
    for (name, sig, code, message) in files {
        out.push(alone(name, file_with(&list, &sig)?, code, message));
    }
    Ok(out)
}

/// A good signature over the list, by a CA's certificate of the other suite.
fn foreign(world: &World, list: &[u8]) -> Made<Vec<u8>> {
    let suite = other(world.suite);
    let who = Ca::new(suite, "CA O")?.person("Operator")?;
    Ok(cms::sign_detached(
        &who,
        list,
        signed_at()?,
        Form::of(suite),
    )?)
}

/// The file around a good list and signature.
fn of_files(world: &World) -> Made<Vec<Fault>> {
    let good = world.file(&world.first(), &world.operator)?;
    let not_base64 = rule("list and signature are base64");
    let texts = [
        (
            "file-2",
            good.replacen("\"v\":1}", "\"v\":2}", 1),
            RULE,
            rule("file version is not 1"),
        ),
        (
            "file-unknown-member",
            good.replacen("\"v\":1}", "\"v\":1,\"w\":1}", 1),
            SCHEMA,
            String::new(),
        ),
        ("file-space", format!("{good} "), CANONICAL, String::new()),
        (
            "file-list-not-base64",
            good.replacen("\"list\":\"", "\"list\":\"*", 1),
            RULE,
            not_base64,
        ),
    ];
    let texts = texts.into_iter();
    let mut out: Vec<Fault> = texts
        .map(|(name, text, code, message)| alone(name, text, code, &message))
        .collect();
    // The largest list that is read, and one byte more: spaces, too many to be stored here.
    let lens = [
        ("list-of-spaces", 2_097_152, 0, CANONICAL, ""),
        (
            "list-too-large",
            2_097_153,
            0,
            "pki.too-large",
            "trust list has 2097153 units, at most 2097152 are allowed",
        ),
        (
            "signature-too-large",
            1,
            65_537,
            "pki.too-large",
            "signature of the trust list has 65537 units, at most 65536 are allowed",
        ),
    ];
    for (name, spaces, zeros, code, message) in lens {
        let mut fault = alone(name, String::new(), code, message);
        fault.versions = vec![json!({"list_spaces": spaces, "sig_zeros": zeros, "taken": TAKEN})];
        out.push(fault);
    }
    Ok(out)
}
