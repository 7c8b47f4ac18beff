//! The worked examples W1 to W9, to the cent.
use mifeng_score::{
    BidFacts, Error, Money, Outcome, Ratio, RuleSet, Sheet, TrimRow, Works, evaluate, works,
};
use serde_json::json;
use std::collections::BTreeMap;

fn rules(value: serde_json::Value) -> RuleSet {
    serde_json::from_value(value).expect("rules")
}

fn bid(id: &str, price: &str) -> BidFacts {
    BidFacts {
        id: id.into(),
        price: price.into(),
        ..BidFacts::default()
    }
}

/// One sheet per judge; `points[bid][judge]` for the single item `q`.
fn sheets(points: &[(&str, &[&str])]) -> Vec<Sheet> {
    let judges = points.first().map_or(0, |(_, p)| p.len());
    let of = |judge: usize| {
        let row = |(id, p): &(&str, &[&str])| {
            let item = BTreeMap::from([("q".to_owned(), p[judge].to_owned())]);
            ((*id).to_owned(), item)
        };
        Sheet {
            judge: format!("j{judge}"),
            scores: points.iter().map(row).collect(),
        }
    };
    (0..judges).map(of).collect()
}

fn composite(weight: u32, more: serde_json::Value) -> RuleSet {
    let mut value = json!({
        "method": "composite", "price_weight": weight.to_string(),
        "items": [{"id": "q", "name": {"zh": "技术", "en": "technical"},
            "max": (100 - weight).to_string(), "kind": "subjective"}],
    });
    for (key, entry) in more.as_object().expect("an object") {
        value[key] = entry.clone();
    }
    rules(value)
}

type Short<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, usize);

fn short(outcome: &Outcome) -> Vec<Short<'_>> {
    let rows = outcome.rows.iter();
    rows.map(|r| {
        (
            r.id.as_str(),
            r.evaluated_price.as_str(),
            r.price_points.as_str(),
            r.quality.as_str(),
            r.total.as_str(),
            r.rank,
        )
    })
    .collect()
}

#[test]
fn w1_goods() {
    let mut bids = vec![
        bid("甲", "980000.00"),
        bid("乙", "920000.00"),
        bid("丙", "760000.00"),
        bid("丁", "1050000.00"),
    ];
    bids[0].domestic = true;
    (bids[1].domestic, bids[1].small) = (true, true);
    bids[3].small = true;
    let sheets = sheets(&[
        ("甲", &["58.50", "60.00", "57.00", "61.50", "59.00"]),
        ("乙", &["52.00", "54.50", "53.00", "55.00", "51.50"]),
        ("丙", &["50.00", "49.00", "52.50", "51.00", "48.50"]),
        ("丁", &["62.00", "60.50", "63.00", "61.00", "62.50"]),
    ]);
    let policy = json!({"sme_rate": "0.15", "domestic_rate": "0.20"});
    let outcome = evaluate(&composite(30, policy), &bids, &sheets).expect("computes");
    assert_eq!(
        short(&outcome),
        [
            ("乙", "598000", "30.00", "53.20", "83.20", 1),
            ("甲", "784000", "22.88", "59.20", "82.08", 2),
            ("丁", "892500", "20.10", "61.80", "81.90", 3),
            ("丙", "760000", "23.61", "50.20", "73.81", 4),
        ]
    );
    assert_eq!(
        outcome.winner().map(|row| row.price.as_str()),
        Some("920000.00")
    );
    let plain = evaluate(&composite(30, json!({})), &bids, &sheets).expect("computes");
    let order: Vec<_> = plain
        .rows
        .iter()
        .map(|r| (r.id.as_str(), r.total.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            ("丁", "83.51"),
            ("甲", "82.47"),
            ("丙", "80.20"),
            ("乙", "77.98")
        ]
    );
}

#[test]
fn w2_consultation() {
    let mut bids = vec![bid("A", "388000"), bid("B", "365000"), bid("C", "402000")];
    bids[0].small = true;
    bids[2].consortium = true;
    let more = json!({"object": "services", "sme_rate": "0.10", "sme_joint_rate": "0.04"});
    let zero = sheets(&[("A", &["0"]), ("B", &["0"]), ("C", &["0"])]);
    let outcome = evaluate(&composite(20, more), &bids, &zero).expect("computes");
    let points: Vec<_> = short(&outcome).iter().map(|r| (r.0, r.1, r.2)).collect();
    assert_eq!(
        points,
        [
            ("A", "349200", "20.00"),
            ("B", "365000", "19.13"),
            ("C", "385920", "18.10")
        ]
    );
}

const PRICES: [(&str, &str); 7] = [
    ("1", "9876543.21"),
    ("2", "9650000.00"),
    ("3", "9412000.00"),
    ("4", "9288888.88"),
    ("5", "9105000.00"),
    ("6", "8990000.00"),
    ("7", "8600000.00"),
];

fn family() -> Works {
    Works {
        full: "60".into(),
        e_hi: "1.0".into(),
        e_lo: "0.5".into(),
        k: "0".into(),
        trim: vec![TrimRow {
            min_n: 7,
            hi: 1,
            lo: 1,
        }],
        base_dp: 2,
        dev_dp: 2,
        floor: "0".into(),
        ceiling_weight: None,
        second_mean: false,
    }
}

fn scored(family: &Works) -> (String, Vec<(String, String)>) {
    let prices = PRICES.map(|(id, price)| (id, Money::parse(price).expect("a price")));
    let outcome = works(family, &prices).expect("computes");
    let rows = outcome.rows.into_iter();
    (
        outcome.benchmark,
        rows.map(|row| (row.deviation_pct, row.score)).collect(),
    )
}

#[test]
fn w3_trimmed_mean() {
    let (base, rows) = scored(&family());
    assert_eq!(base, "9289177.78");
    let expected = [
        ("6.32", "53.68"),
        ("3.88", "56.12"),
        ("1.32", "58.68"),
        ("0.00", "60.00"),
        ("-1.98", "59.01"),
        ("-3.22", "58.39"),
        ("-7.42", "56.29"),
    ];
    assert_eq!(rows, expected.map(|(b, s)| (b.to_owned(), s.to_owned())));
}

#[test]
fn w4_weighted_with_ceiling() {
    let run = |w: &str, k: &str| {
        let (base, rows) = scored(&Works {
            ceiling_weight: Some(("10000000".into(), w.into())),
            k: k.into(),
            ..family()
        });
        (base, rows.into_iter().map(|row| row.1).collect::<Vec<_>>())
    };
    let (base, points) = run("0.35", "0.02");
    assert_eq!(base, "9347206.24");
    let expected = [
        "54.34", "56.76", "59.31", "59.69", "58.71", "58.09", "56.01",
    ];
    assert_eq!(points, expected);
    let (base, points) = run("0.50", "0");
    assert_eq!(base, "9644588.89");
    let expected = [
        "57.59", "59.94", "58.80", "58.16", "57.21", "56.61", "54.59",
    ];
    assert_eq!(points, expected);
}

#[test]
fn w5_second_mean() {
    let (base, _) = scored(&Works {
        trim: Vec::new(),
        second_mean: true,
        ..family()
    });
    assert_eq!(base, "8898333.33");
}

fn low(ceiling: &str, prices: &[&str]) -> Outcome {
    let rules = rules(json!({"method": "lowest", "price_weight": "0", "ceiling": ceiling}));
    let ids = ["a", "b", "c", "d"];
    let bids: Vec<_> = ids.iter().zip(prices).map(|(i, p)| bid(i, p)).collect();
    evaluate(&rules, &bids, &[]).expect("computes")
}

fn triggers(outcome: &Outcome) -> Vec<(&str, Vec<&str>)> {
    let found = outcome.abnormal_low.iter();
    found
        .map(|(id, t)| (id.as_str(), t.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn w6_abnormally_low() {
    let outcome = low("1050000", &["1000000", "960000", "940000", "455000"]);
    assert_eq!(triggers(&outcome), [("d", vec!["second", "ceiling"])]);
    // A review never rejects by itself.
    assert_eq!(outcome.winner().map(|row| row.id.as_str()), Some("d"));
    assert_eq!(outcome.reviews_open(), ["d"]);
    let outcome = low("1050000", &["1000000", "960000", "480000", "470000"]);
    assert_eq!(triggers(&outcome), [("d", vec!["ceiling"])]);
    // The first is over the ceiling: invalid before the test.
    let outcome = low("930000", &["1000000", "900000", "418000"]);
    assert_eq!(triggers(&outcome), [("c", vec!["second", "ceiling"])]);
    let invalid = &outcome.invalid[0];
    assert_eq!(
        (invalid.id.as_str(), invalid.article.as_str()),
        ("a", "87 art. 63")
    );
    assert!(outcome.procedure_fails);
    // Equal to a limit is neither over the ceiling nor below a part of it.
    let outcome = low("1000000", &["1000000", "900000", "450000"]);
    assert!(outcome.invalid.is_empty() && outcome.abnormal_low.is_empty());
}

#[test]
fn w7_rank_is_never_inferred_from_price() {
    for lot in [
        [
            ("4618800.00", "94.72"),
            ("4576292.80", "94.60"),
            ("4314949.53", "94.16"),
        ],
        [
            ("1988000.00", "94.03"),
            ("2074000.00", "77.12"),
            ("2050800.00", "65.45"),
        ],
    ] {
        let lowest = lot.iter().map(|(p, _)| Money::parse(p).expect("p").ratio());
        let lowest = lowest.min().expect("three prices");
        let ids = ["a", "b", "c"];
        let bids: Vec<_> = ids.iter().zip(&lot).map(|(i, (p, _))| bid(i, p)).collect();
        // The published totals at 10 points of price.
        let quality: Vec<String> = lot
            .iter()
            .map(|(price, total)| {
                let price = Money::parse(price).expect("a price").ratio();
                let points = lowest.div(&price).and_then(|r| r.mul(&Ratio::from(10)));
                let points = points.expect("points").round_half_up(2);
                let total = Ratio::parse(total).expect("a total");
                total.sub(&points).expect("in range").to_fixed(2)
            })
            .collect();
        let points: Vec<[&str; 1]> = quality.iter().map(|q| [q.as_str()]).collect();
        let points: Vec<(&str, &[&str])> =
            ids.iter().zip(&points).map(|(i, p)| (*i, &p[..])).collect();
        let rules = composite(10, json!({"object": "services"}));
        let outcome = evaluate(&rules, &bids, &sheets(&points)).expect("computes");
        let found: Vec<_> = short(&outcome).iter().map(|r| (r.0, r.4, r.5)).collect();
        let expected: Vec<_> = ids
            .iter()
            .zip(&lot)
            .zip(1..)
            .map(|((i, (_, t)), n)| (*i, *t, n))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn w8_judges_mean() {
    for (points, expected) in [
        (["96.0", "97.0", "98.5"], "97.17"),
        (["85.14", "86.14", "90.64"], "87.31"),
        (["92.52", "94.52", "97.52"], "94.85"),
        (["91.46", "91.46", "96.46"], "93.13"),
        (["71.43", "76.43", "80.43"], "76.10"),
    ] {
        let line = json!({
            "id": "w8", "method": "law87_composite",
            "params": {"price_weight": "0", "sme_rate": "0", "sme_joint_rate": "0",
                "domestic_rate": "0", "domestic_competes": false, "ceiling": null},
            "bids": [{"id": "a", "price": "1", "sme": false, "sme_joint": false,
                "domestic": false, "brand": null, "judges": points}],
        });
        let answer = mifeng_score::case::run(&line.to_string()).expect("computes");
        let value = serde_json::to_value(&answer.computed).expect("serialises");
        assert_eq!(value["rows"][0]["quality"], expected);
    }
}

#[test]
fn w9_other_formulas() -> Result<(), Error> {
    let n = |text: &str| Ratio::parse(text);
    for (price, points) in [("100000", "35"), ("125000", "28"), ("150000", "23.3")] {
        let found = n("100000")?.mul(&n("35")?)?.div(&n(price)?)?;
        assert_eq!(found.round_half_up(1).to_shortest(), points);
    }
    for (price, points) in [("50000", "300"), ("55000", "272.7")] {
        let found = n("50000")?.div(&n(price)?)?.mul(&n("300")?)?;
        assert_eq!(found.round_half_up(1).to_shortest(), points);
    }
    for (price, points) in [
        ("120", "10.000"),
        ("130", "9.166"),
        ("135", "8.750"),
        ("150", "7.500"),
    ] {
        let part = n(price)?.div(&n("120")?)?.mul(&n("10")?)?;
        assert_eq!(n("20")?.sub(&part)?.truncate(3).to_fixed(3), points);
    }
    for (price, points) in [("1.0", "80"), ("1.1", "72"), ("1.2", "64")] {
        let part = n(price)?.sub(&n("1.0")?)?.div(&n("1.0")?)?;
        let found = n("80")?.mul(&n("1")?.sub(&part)?)?;
        assert_eq!(found.to_shortest(), points);
    }
    Ok(())
}
