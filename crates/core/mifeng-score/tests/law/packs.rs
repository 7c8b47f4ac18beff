//! Packs: found, pinned, compared, refused.
use super::*;

#[test]
fn packs_are_found_by_day_and_pinned_by_digest() {
    let id = |regime, text| find(regime, "371300", &day(text)).map(|pack| pack.id().to_owned());
    let gov = |text| id(Regime::Procurement, text);
    assert_eq!(gov("2025-12-31").as_deref(), Ok("cn-gov-2022-07"));
    assert_eq!(gov("2026-01-01").as_deref(), Ok("cn-gov-2026-01"));
    assert_eq!(gov("2026-02-01").as_deref(), Ok("cn-gov-2026-02"));
    assert_eq!(gov("2027-06-01").as_deref(), Ok("cn-gov-2026-10"));
    assert_eq!(
        gov("2022-06-30").map_err(|e| e.code()),
        Err("score.no-pack")
    );
    assert_eq!(
        id(Regime::Tendering, "2024-01-01").as_deref(),
        Ok("cn-tender-2022-07")
    );
    for pack in packs() {
        assert_eq!(pinned(&pack.pin(HashAlg::Sm3)).map(Pack::id), Ok(pack.id()));
        assert_eq!(
            pinned(&pack.pin(HashAlg::Sha256)).map(Pack::id),
            Ok(pack.id())
        );
        let again = Pack::parse(&pack.to_jcs().expect("bytes")).expect("reads back");
        assert_eq!(&again, pack);
        let text = String::from_utf8(pack.to_jcs().expect("bytes")).expect("text");
        let other = Pack::parse(text.replacen("30", "31", 1).as_bytes());
        assert_ne!(
            other.map(|p| p.digest(HashAlg::Sm3)),
            Ok(pack.digest(HashAlg::Sm3))
        );
    }
    let mut pin = packs()[0].pin(HashAlg::Sm3);
    pin.id = packs()[1].id().to_owned();
    assert_eq!(pinned(&pin).map_err(|e| e.code()), Err("score.no-pack"));
}

#[test]
fn a_pack_holds_in_its_region_and_what_lies_under_it() {
    let text = String::from_utf8(packs()[0].to_jcs().expect("bytes")).expect("text");
    let of = |region: &str| {
        let text = text.replacen("\"000000\"", &format!("\"{region}\""), 1);
        Pack::parse(text.as_bytes()).expect("a pack")
    };
    let holds = |pack: &str, region| of(pack).applies(region, &day("2023-01-01"));
    // A province, a prefecture whose code ends in one nought, a county.
    for (pack, inside, outside) in [
        ("370000", ["370000", "371000", "371323"], "380000"),
        ("371000", ["371000", "371002", "371081"], "371300"),
        ("371323", ["371323", "371323", "371323"], "371300"),
        ("000000", ["000000", "371323", "150100"], ""),
    ] {
        assert!(inside.iter().all(|region| holds(pack, region)), "{pack}");
        assert!(outside.is_empty() || !holds(pack, outside), "{pack}");
        assert!(pack == "000000" || !holds(pack, "000000"), "{pack}");
    }
}

#[test]
fn a_diff_shows_what_came_into_force() {
    let by = |id: &str| {
        packs()
            .iter()
            .find(|pack| pack.id() == id)
            .expect("shipped")
    };
    let ids = |a, b| -> Vec<String> {
        let changes = diff(by(a), by(b));
        changes.iter().map(|change| change.id.to_owned()).collect()
    };
    let domestic = ids("cn-gov-2022-07", "cn-gov-2026-01");
    assert!(domestic.contains(&"domestic.rate".to_owned()));
    assert!(!domestic.iter().any(|id| id.starts_with("low.")));
    let low = ids("cn-gov-2026-01", "cn-gov-2026-02");
    assert!(low.contains(&"low.mean.least".to_owned()));
    assert!(
        ids("cn-gov-2026-02", "cn-gov-2026-10").contains(&"bidders.least.emergency".to_owned())
    );
    assert!(diff(by("cn-gov-2026-02"), by("cn-gov-2026-02")).is_empty());
}

#[test]
fn the_pinned_pack_decides_not_the_newest() {
    let of = |id: &str, domestic: &str| {
        let pack = packs()
            .iter()
            .find(|pack| pack.id() == id)
            .expect("shipped");
        rules(
            json!({"method": "lowest", "price_weight": "0", "ceiling": "1000",
            "sme_rate": "0.10", "domestic_rate": domestic, "pack": pack.pin(HashAlg::Sm3)}),
        )
    };
    let facts = bids(
        json!([{"id": "a", "price": "1000"}, {"id": "b", "price": "900"},
        {"id": "c", "price": "300"}]),
    );
    let old = run(&of("cn-gov-2026-01", "0.20"), &facts);
    assert!(
        old.abnormal_low.is_empty(),
        "the triggers were not in force"
    );
    assert_eq!(old.pack.id, "cn-gov-2026-01");
    let new = run(&of("cn-gov-2026-02", "0.20"), &facts);
    assert_eq!(new.abnormal_low.len(), 1);
    assert_eq!(new.basis["rank"].pack, "cn-gov-2026-02");
    let codes = |rules: &RuleSet| -> Vec<String> {
        lint(rules)
            .into_iter()
            .filter(|f| f.is_error())
            .map(|f| f.code)
            .collect()
    };
    let early = of("cn-gov-2022-07", "0.20");
    assert_eq!(codes(&early), ["rules.domestic-not-in-force"]);
    let mut lost = of("cn-gov-2026-01", "0");
    lost.pack = Some(packs()[0].pin(HashAlg::Sm3));
    lost.pack.as_mut().expect("a pin").id = "elsewhere".into();
    assert_eq!(codes(&lost), ["rules.pack"]);
    // A pack of one's own: read, pinned and given.
    let mut own: Value =
        serde_json::from_slice(&packs()[2].to_jcs().expect("bytes")).expect("JSON");
    own["id"] = "sd-2026".into();
    own["regions"] = json!(["370000"]);
    let own = Pack::parse(own.to_string().as_bytes()).expect("a pack");
    assert!(
        own.applies("371300", &day("2026-03-01")) && !own.applies("110000", &day("2026-03-01"))
    );
    let mut mine = of("cn-gov-2026-02", "0");
    mine.pack = Some(own.pin(HashAlg::Sha256));
    let lot = Lot {
        pack: Some(&own),
        ..Lot::new(&mine, &facts, &[])
    };
    assert_eq!(derive(&lot).expect("computes").0.pack.id, "sd-2026");
    assert_eq!(
        evaluate(&mine, &facts, &[]).map_err(|e| e.code()),
        Err("score.no-pack")
    );
}
#[test]
fn bad_packs_are_refused_with_the_entry() {
    let good: Value = serde_json::from_slice(&packs()[0].to_jcs().expect("bytes")).expect("JSON");
    let code = |change: &dyn Fn(&mut Value)| {
        let mut pack = good.clone();
        change(&mut pack);
        Pack::parse(pack.to_string().as_bytes())
            .map(|_| ())
            .map_err(|e| e.code())
    };
    assert_eq!(code(&|_| ()), Ok(()));
    assert_eq!(code(&|p| p["v"] = 2.into()), Err("score.pack"));
    assert_eq!(
        code(&|p| p["entries"][0]["value"] = "1e3".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][1]["id"] = p["entries"][0]["id"].clone()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["source"] = "hearsay".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["from"] = "2030-01-01".into()),
        Err("score.pack")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["article"] = "".into()),
        Err("score.pack")
    );
    assert_eq!(code(&|p| p["regions"] = json!([])), Err("score.pack"));
    assert_eq!(
        code(&|p| p["entries"][0]["more"] = 1.into()),
        Err("score.unknown-field")
    );
    assert_eq!(
        code(&|p| p["entries"][0]["value"] = json!(0.5)),
        Err("score.not-text")
    );
    assert_eq!(
        code(&|p| p["from"] = "2026-02-30".into()),
        Err("score.json")
    );
}
