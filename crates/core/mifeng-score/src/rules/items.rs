//! Scoring items: ids, most points, bands, and that all weights make a hundred.

use super::lint::Findings;
use super::{ITEMS_MAX, Method, RuleSet};
use crate::number::parse_at;
use crate::{Error, Ratio};
use std::collections::BTreeSet;

/// Most bands of one item.
const BANDS_MAX: usize = 64;

pub(super) fn check(rules: &RuleSet, findings: &mut Findings<'_>) -> Result<(), Error> {
    if rules.items.len() > ITEMS_MAX {
        return Err(Error::TooMany {
            what: "scoring items",
            found: rules.items.len(),
            limit: ITEMS_MAX,
        });
    }
    let mut sum = parse_at("price_weight", &rules.price_weight)?;
    let mut ids = BTreeSet::new();
    for item in &rules.items {
        let place = format!("items/{}", item.id);
        let max = parse_at(&place, &item.max)?;
        if !max.is_positive() {
            findings.add("rules.item-max", &place);
        }
        if item.id.is_empty() || item.id.len() > 64 || !ids.insert(&item.id) {
            findings.add("rules.item-id", &place);
        }
        bands(&item.bands, &max, findings, &place)?;
        sum = sum.add(&max)?;
    }
    let scored = matches!(rules.method, Method::Composite | Method::Consultation);
    if scored && sum != Ratio::from(100) {
        findings.add("rules.weights-sum", "items");
    }
    let consulted = rules.method == Method::Consultation && !rules.items.is_empty();
    if consulted && !rules.technical_first() {
        findings.add("rules.technical-none", "items");
    }
    let drops = rules.drop_judges;
    if let Some(drop) = drops {
        findings.add("rules.drops-judges", "drop_judges");
        if drop
            .hi
            .checked_add(drop.lo)
            .is_none_or(|sum| sum >= drop.min)
        {
            findings.add("rules.drop-judges-all", "drop_judges");
        }
    }
    Ok(())
}

fn bands(
    bands: &[[String; 2]],
    max: &Ratio,
    findings: &mut Findings<'_>,
    place: &str,
) -> Result<(), Error> {
    if bands.len() > BANDS_MAX {
        return Err(Error::TooMany {
            what: "bands of an item",
            found: bands.len(),
            limit: BANDS_MAX,
        });
    }
    for [least, most] in bands {
        let (least, most) = (parse_at(place, least)?, parse_at(place, most)?);
        if least.is_negative() || least > most || most > *max {
            findings.add("rules.item-band", place);
        }
    }
    Ok(())
}
