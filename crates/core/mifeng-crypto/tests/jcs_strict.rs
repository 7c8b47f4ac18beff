//! A struct is an object of its members: a list of them, which serde's derived code takes too, is refused.

use mifeng_crypto::jcs;
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    a: u64,
    b: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Plain,
    With(Inner),
    Named { a: u64 },
    Pair(u8, u8),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    inner: Inner,
    kinds: Vec<Kind>,
    pair: (i64, bool),
}

fn read(text: &str) -> Result<Outer, mifeng_crypto::Error> {
    jcs::from_slice(text.as_bytes(), 1_000)
}

#[test]
fn every_shape_is_read() {
    let text = r#"{"inner":{"a":1,"b":"x"},"kinds":["plain",{"with":{"a":2,"b":null}},{"named":{"a":3}},{"pair":[4,5]}],"pair":[-6,true]}"#;
    let inner = |a, b: Option<&str>| Inner {
        a,
        b: b.map(str::to_owned),
    };
    let expected = Outer {
        inner: inner(1, Some("x")),
        kinds: vec![
            Kind::Plain,
            Kind::With(inner(2, None)),
            Kind::Named { a: 3 },
            Kind::Pair(4, 5),
        ],
        pair: (-6, true),
    };
    assert_eq!(read(text).expect("as written"), expected);
}

#[test]
fn a_list_is_no_object() {
    let good = r#"{"inner":{"a":1},"kinds":[{"with":{"a":2}},{"named":{"a":3}}],"pair":[6,true]}"#;
    read(good).expect("as written");
    let lists = [
        (r#"{"a":1}"#, "[1,null]"),
        (r#"{"a":2}"#, "[2,null]"),
        (r#"{"named":{"a":3}}"#, r#"{"named":[3]}"#),
        ("[6,true]", "[6,true,1]"),
        ("[6,true]", "[6]"),
        (
            r#"{"named":{"a":3}}"#,
            r#"{"named":{"a":3},"with":{"a":3}}"#,
        ),
        (r#"{"named":{"a":3}}"#, r#""named""#),
        (r#"{"named":{"a":3}}"#, r#"{"plain":null}"#),
        (r#"{"a":1}"#, r#"{"a":1,"c":1}"#),
    ];
    for (object, list) in lists {
        let text = good.replace(object, list);
        assert_ne!(text, good);
        let code = read(&text).map_err(|e| e.code());
        assert_eq!(code.map(drop), Err("json.schema"), "{text}");
    }
    let whole = r#"[{"a":1},[],[6,true]]"#;
    assert!(read(whole).is_err());
}
