//! Single DER values with verdicts (`data/reliability/der-strict`), each read as what it is.

use super::{Reader, tag};
use crate::Error;
use crate::certificate::flag;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../../shared/data/reliability/der-strict"
);
/// How deep this test looks; the readers of this crate look nowhere deeper than their structure.
const DEPTH_MAX: usize = 64;
/// Read leniently or checked elsewhere, each for its reason.
const OTHERWISE: [(&str, &str); 16] = [
    ("utf8-bad.der", "texts of names may be of any type"),
    ("utf8-surrogate.der", "texts of names may be of any type"),
    ("printable-bad.der", "texts of names may be of any type"),
    ("printable-nul.der", "texts of names may be of any type"),
    ("bmp-odd.der", "texts of names may be of any type"),
    (
        "set-unsorted.der",
        "the order of a SET is checked where one is signed",
    ),
    (
        "set-dup.der",
        "the order of a SET is checked where one is signed",
    ),
    ("ext-default-false.der", "written by real CAs"),
    ("ext-dup.der", "checked by the reader of extensions"),
    ("attrs-dup-md.der", "checked by the reader of messages"),
    ("attrs-md-two.der", "checked by the reader of messages"),
    ("sig-3.der", "checked when a signature is verified"),
    ("sig-neg.der", "checked when a signature is verified"),
    ("sig-zero.der", "checked when a signature is verified"),
    (
        "null-1.der",
        "NULL is compared by its bytes where it may stand",
    ),
    (
        "utctime-2050.der",
        "GeneralizedTime before 2050 is written by real CAs",
    ),
];

fn read(mut input: Reader<'_>, depth: usize) -> Result<(), Error> {
    if depth > DEPTH_MAX {
        return Err(input.wrong());
    }
    while !input.is_empty() {
        match input.peek() {
            Some(tag::BOOLEAN) => drop(flag(&mut input, tag::BOOLEAN)?),
            Some(tag::INTEGER) => {
                // Nothing in this crate takes a number of more than 4 KiB.
                if input.integer()?.len() > 4_096 {
                    return Err(input.wrong());
                }
            }
            Some(tag::BIT_STRING) => drop(input.bits()?),
            Some(tag::OCTET_STRING) => drop(input.value(tag::OCTET_STRING)?),
            Some(tag::OID) => drop(input.oid()?),
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => drop(input.time()?),
            Some(kind @ (tag::SEQUENCE | tag::SET)) => read(input.enter(kind)?, depth + 1)?,
            // No structure here has these as constructed.
            Some(0x23 | 0x24) => return Err(input.wrong()),
            _ => drop(input.any()?),
        }
    }
    Ok(())
}

#[test]
fn single_values_are_read_or_refused_as_der() {
    let Ok(manifest) = std::fs::read_to_string(format!("{FOLDER}/manifest.json")) else {
        eprintln!("skipped: single_values_are_read_or_refused_as_der: sample data not there");
        return;
    };
    let mut counted = 0;
    let member = |object: &str, name: &str| {
        let after = object.split(&format!("\"{name}\":")).nth(1)?;
        after.split('"').nth(1).map(str::to_owned)
    };
    for object in manifest.split('{').skip(1) {
        let file = member(object, "file").expect("a file");
        let expected = member(object, "expect").expect("a verdict");
        if OTHERWISE.iter().any(|(name, _)| *name == file) || expected == "accept-or-limit" {
            continue;
        }
        let bytes = std::fs::read(format!("{FOLDER}/{file}")).expect("listed");
        // One value, and nothing after it.
        let mut top = Reader::new(&bytes, "value");
        let one = top.any().map(|(_, whole, _)| whole);
        let found = one.and_then(|whole| {
            top.finish()?;
            read(Reader::new(whole, "value"), 0)
        });
        assert_eq!(found.is_ok(), expected == "accept", "{file}: {found:?}");
        counted += 1;
    }
    assert!(counted > 45, "{counted}");
}
