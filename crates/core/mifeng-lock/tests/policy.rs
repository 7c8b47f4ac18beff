//! Opening policies: one text per policy, the linter, and dealing a secret over them.

use mifeng_crypto::{Digest, GM, INTL};
use mifeng_lock::policy::{Finding, Leaf, Node};
use mifeng_lock::{Error, Policy, sharing};

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn group(byte: u8) -> Node {
    Node::Leaf(Leaf::Group(digest(byte)))
}

fn cert(byte: u8) -> Node {
    Node::Leaf(Leaf::Cert(digest(byte)))
}

fn clock() -> Node {
    Node::Leaf(Leaf::Tlock {
        chain: digest(0xcc),
        round: 1000,
    })
}

fn codes(node: Node) -> Vec<&'static str> {
    Policy::new(node)
        .expect("grammar")
        .lint()
        .iter()
        .map(Finding::code)
        .collect()
}

#[test]
fn named_policies_have_one_text() {
    let b = "bb".repeat(32);
    let f = "ff".repeat(32);
    let cases = [
        (
            Policy::board(digest(0xbb)),
            "board",
            format!(r#"{{"key":"{b}","leaf":"group"}}"#),
        ),
        (
            Policy::joint(digest(0xbb)),
            "joint",
            format!(
                r#"{{"k":2,"of":[{{"cert":"bidder","leaf":"cert"}},{{"key":"{b}","leaf":"group"}}]}}"#
            ),
        ),
        (
            Policy::joint_with_remedy(digest(0xbb), digest(0xff)),
            "joint-with-remedy",
            format!(
                r#"{{"k":2,"of":[{{"k":1,"of":[{{"cert":"bidder","leaf":"cert"}},{{"key":"{f}","leaf":"group"}}]}},{{"key":"{b}","leaf":"group"}}]}}"#
            ),
        ),
        (
            Policy::bidder(),
            "bidder",
            r#"{"cert":"bidder","leaf":"cert"}"#.to_owned(),
        ),
    ];
    for (policy, name, text) in cases {
        assert_eq!(policy.name(), Some(name));
        assert_eq!(policy.to_jcs().expect("serialises"), text.as_bytes());
        assert_eq!(Policy::parse(text.as_bytes()), Ok(policy.clone()));
        assert!(policy.lint().is_empty(), "{name}");
        let resolved = policy.resolve(digest(1));
        assert_eq!(resolved.name(), Some(name));
        assert!(!resolved.has_bidder_placeholder());
        assert!(
            resolved
                .lint_with(Some(digest(1)), &[(digest(0xbb), 3), (digest(0xff), 2)])
                .is_empty()
        );
    }
}

#[test]
fn texts_outside_the_grammar_are_refused() {
    let h = "aa".repeat(32);
    let leaf = format!(r#"{{"key":"{h}","leaf":"group"}}"#);
    let bad = [
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"leaf":"group"}"#.to_owned(),
        format!(r#"{{"key":"{h}","leaf":"cert"}}"#),
        format!(r#"{{"cert":"{h}","leaf":"group"}}"#),
        format!(r#"{{"cert":"{h}","key":"{h}","leaf":"cert"}}"#),
        format!(r#"{{"cert":null,"key":"{h}","leaf":"group"}}"#),
        format!(r#"{{"key":"{h}","leaf":"group","x":1}}"#),
        format!(r#"{{"key":"{}","leaf":"group"}}"#, "AA".repeat(32)),
        format!(r#"{{"key":"{}","leaf":"group"}}"#, "aa".repeat(31)),
        format!(r#"{{"k":0,"of":[{leaf}]}}"#),
        format!(r#"{{"k":2,"of":[{leaf}]}}"#),
        format!(r#"{{"k":-1,"of":[{leaf}]}}"#),
        format!(r#"{{"k":257,"of":[{leaf}]}}"#),
        r#"{"k":1,"of":[]}"#.to_owned(),
        format!(r#"{{"k":1,"leaf":"group","of":[{leaf}]}}"#),
        format!(r#"{{"chain":"{h}","leaf":"tlock","round":0}}"#),
        format!(r#"{{"chain":"{h}","leaf":"tlock","round":9007199254740992}}"#),
        format!(r#"{{"chain":"{h}","leaf":"tlock"}}"#),
        format!(r#"{{"leaf":"group","key":"{h}"}}"#),
        format!(r#" {leaf}"#),
    ];
    for text in bad {
        assert!(Policy::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Policy::parse(&[b' '; 8193]).is_err());
    let tlock = format!(r#"{{"chain":"{h}","leaf":"tlock","round":7}}"#);
    assert!(Policy::parse(tlock.as_bytes()).is_ok());
}

#[test]
fn limits() {
    let mut node = group(1);
    for _ in 0..3 {
        node = Node::any(vec![node]);
    }
    assert!(Policy::new(node.clone()).is_ok());
    assert!(matches!(
        Policy::new(Node::any(vec![node])),
        Err(Error::Limit {
            what: "policy depth",
            ..
        })
    ));
    assert!(Policy::new(Node::any(vec![group(1); 16])).is_ok());
    assert!(matches!(
        Policy::new(Node::any(vec![group(1); 17])),
        Err(Error::Limit {
            what: "policy fan-out",
            ..
        })
    ));
    let sixteen = Node::any(vec![group(1); 16]);
    assert!(Policy::new(Node::any(vec![sixteen.clone(), sixteen.clone()])).is_ok());
    assert!(matches!(
        Policy::new(Node::any(vec![sixteen.clone(), sixteen, group(1)])),
        Err(Error::Limit {
            what: "policy leaves",
            ..
        })
    ));
    let deep = r#"{"k":1,"of":["#.repeat(500) + &"]}".repeat(500);
    assert!(Policy::parse(deep.as_bytes()).is_err());
}

#[test]
fn linter() {
    assert_eq!(
        codes(clock()),
        ["lock.lint-clock-not-under-all", "lock.lint-clock-alone"]
    );
    assert_eq!(
        codes(Node::any(vec![clock(), group(1)])),
        ["lock.lint-clock-not-under-all", "lock.lint-clock-alone"]
    );
    assert_eq!(
        codes(Node::all(vec![clock(), clock()])),
        [
            "lock.lint-clock-not-under-all",
            "lock.lint-clock-not-under-all",
            "lock.lint-clock-alone",
            "lock.lint-repeated-leaf"
        ]
    );
    assert!(codes(Node::all(vec![clock(), group(1)])).is_empty());
    assert_eq!(
        codes(cert(1)),
        ["lock.lint-one-party", "lock.lint-other-cert-required"]
    );
    assert_eq!(
        codes(Node::any(vec![cert(1), group(1)])),
        ["lock.lint-one-party"]
    );
    assert_eq!(
        codes(Node::all(vec![cert(1), group(1)])),
        ["lock.lint-other-cert-required"]
    );
    assert_eq!(
        codes(Node::all(vec![clock(), cert(1)])),
        ["lock.lint-one-party", "lock.lint-other-cert-required"]
    );
    assert!(
        codes(Node::any(vec![
            group(2),
            Node::all(vec![cert(1), group(1)])
        ]))
        .is_empty()
    );
    // A quorum that one board makes up alone, and a remedy that is no second party.
    assert_eq!(
        codes(Node::all(vec![group(1), group(1)])),
        ["lock.lint-repeated-leaf"]
    );
    let remedy = Policy::joint_with_remedy(digest(1), digest(1));
    let found: Vec<_> = remedy.lint().iter().map(Finding::code).collect();
    assert_eq!(found, ["lock.lint-idle-leaf"]);
    assert_eq!(
        codes(Node::any(vec![
            group(1),
            Node::all(vec![group(1), group(2)])
        ])),
        ["lock.lint-idle-leaf"]
    );
    // The same board on two ways is no fault where both ways need it.
    let two_ways = |a, b| {
        Node::any(vec![
            Node::all(vec![a, group(1)]),
            Node::all(vec![b, group(1)]),
        ])
    };
    assert!(codes(two_ways(group(2), group(3))).is_empty());
    // A board that nobody holds.
    let unknown = Policy::board(digest(9)).lint_with(None, &[(digest(1), 2)]);
    let unknown: Vec<_> = unknown.iter().map(Finding::code).collect();
    assert_eq!(unknown, ["lock.lint-unknown-board"]);
    let board = Policy::board(digest(1));
    assert_eq!(board.lint_with(None, &[(digest(1), 1)]).len(), 1);
    assert!(board.lint_with(None, &[(digest(1), 2)]).is_empty());
}

#[test]
fn secrets_are_dealt_and_combined_for_exactly_the_satisfying_sets() {
    let gate = |k, of| Node::Gate { k, of };
    let policy = Policy::new(gate(
        2,
        vec![
            gate(2, vec![group(1), group(2), group(3)]),
            cert(4),
            gate(1, vec![group(5), cert(6)]),
        ],
    ))
    .expect("grammar");
    let (sigma, context) = ([0x77; 32], digest(9));
    for suite in [&GM, &INTL] {
        let dealt = sharing::deal(&policy, &sigma, &context, suite);
        let paths: Vec<&str> = dealt.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["r.1.1", "r.1.2", "r.1.3", "r.2", "r.3.1", "r.3.2"]);
        assert_eq!(
            paths,
            policy
                .leaves()
                .iter()
                .map(|(path, _)| path.as_str())
                .collect::<Vec<_>>()
        );
        for subset in 0u32..64 {
            let shares: Vec<(&str, [u8; 32])> = (0..6)
                .filter(|i| subset >> i & 1 == 1)
                .map(|i| (paths[i], *dealt[i].1))
                .collect();
            let chosen: Vec<&str> = shares.iter().map(|(path, _)| *path).collect();
            let opened = sharing::combine(&policy, &shares).map(|secret| *secret);
            assert_eq!(
                opened,
                policy.is_satisfied_by(&chosen).then_some(sigma),
                "{chosen:?}"
            );
        }
        let again = sharing::deal(&policy, &sigma, &context, suite);
        assert!(dealt.iter().zip(&again).all(|(a, b)| a == b));
        assert_ne!(
            dealt[0].1,
            sharing::deal(&policy, &sigma, &digest(8), suite)[0].1
        );
        let other: [u8; 32] = *dealt[3].1;
        assert!(dealt.iter().filter(|(_, share)| **share == other).count() == 1);
    }
}

#[test]
fn unknown_and_repeated_paths_do_not_confuse() {
    let policy = Policy::joint(digest(1)).resolve(digest(2));
    let dealt = sharing::deal(&policy, &[1; 32], &digest(3), &GM);
    let shares = [
        ("r.9", [0; 32]),
        ("r.1", *dealt[0].1),
        ("r.1", [9; 32]),
        ("r", [4; 32]),
        ("r.2", *dealt[1].1),
    ];
    assert_eq!(
        sharing::combine(&policy, &shares).map(|s| *s),
        Some([1; 32])
    );
    assert!(sharing::combine(&policy, &shares[..4]).is_none());
    assert!(!policy.is_satisfied_by(&["r", "r.1"]));
}
