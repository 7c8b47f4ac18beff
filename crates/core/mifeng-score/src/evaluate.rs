//! From rules, bids and sheets to a ranking with its derivation.

use crate::compute::{Entry, compute, invalid};
use crate::outcome::{BidFacts, Outcome, Sheet};
use crate::{Error, ItemKind, Ratio, RuleSet, lint};
use std::collections::{BTreeMap, BTreeSet};

/// Most bids of one lot.
pub(crate) const BIDS_MAX: usize = 20_000;
/// Most judges.
pub(crate) const JUDGES_MAX: usize = 101;

/// Checks one sheet against the rules: every bid, every item, within its band, nothing else.
///
/// # Errors
/// [`Error::Missing`], [`Error::Unknown`], [`Error::Band`], [`Error::Number`].
pub fn check_sheet(rules: &RuleSet, bids: &[String], sheet: &Sheet) -> Result<(), Error> {
    let known: BTreeSet<&String> = bids.iter().collect();
    if let Some(id) = sheet.scores.keys().find(|id| !known.contains(id)) {
        return Err(Error::Unknown {
            what: "bid on a sheet",
            id: id.clone(),
        });
    }
    for bid in known {
        totals(rules, bid, sheet)?;
    }
    Ok(())
}

/// One judge's exact total for a bid.
fn totals(rules: &RuleSet, bid: &str, sheet: &Sheet) -> Result<Ratio, Error> {
    let missing = |what, id: &str| Error::Missing {
        what,
        id: id.to_owned(),
    };
    let empty = BTreeMap::new();
    let points = match sheet.scores.get(bid) {
        Some(points) => points,
        None if rules.items.is_empty() => &empty,
        None => return Err(missing("bid on a sheet", bid)),
    };
    let known = |id: &String| rules.items.iter().any(|item| item.id == *id);
    if let Some(id) = points.keys().find(|id| !known(id)) {
        return Err(Error::Unknown {
            what: "scoring item",
            id: id.clone(),
        });
    }
    let mut sum = Ratio::zero();
    for item in &rules.items {
        let text = points
            .get(&item.id)
            .ok_or_else(|| missing("scoring item", &item.id))?;
        let value = Ratio::parse(text)?;
        if value.is_negative() || value > Ratio::parse(&item.max)? {
            return Err(Error::Band {
                place: format!("{bid}/{}", item.id),
                found: text.chars().take(40).collect(),
                max: item.max.clone(),
            });
        }
        sum = sum.add(&value)?;
    }
    Ok(sum)
}

fn objective(rules: &RuleSet, bid: &str, sheets: &[&Sheet]) -> Result<(), Error> {
    for item in rules
        .items
        .iter()
        .filter(|item| item.kind == ItemKind::Objective)
    {
        let mut first = None;
        for sheet in sheets {
            let text = sheet
                .scores
                .get(bid)
                .and_then(|points| points.get(&item.id));
            let value = text.map(|text| Ratio::parse(text)).transpose()?;
            if *first.get_or_insert(value.clone()) != value {
                return Err(Error::Objective {
                    bid: bid.to_owned(),
                    item: item.id.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Computes the result of a lot. The order of bids and sheets does not matter. A bid over the
/// ceiling is no fault of the lot: it is listed as invalid and takes no part.
///
/// # Errors
/// Every fault of the input; [`Error::Rules`] if the rule set breaks the law.
pub fn evaluate(rules: &RuleSet, bids: &[BidFacts], sheets: &[Sheet]) -> Result<Outcome, Error> {
    if let Some(finding) = lint(rules).into_iter().find(crate::Finding::is_error) {
        return Err(Error::Rules {
            code: finding.code,
            article: finding.article,
        });
    }
    let too_many = |what, found, limit| Error::TooMany { what, found, limit };
    if bids.len() > BIDS_MAX {
        return Err(too_many("bids", bids.len(), BIDS_MAX));
    }
    if sheets.len() > JUDGES_MAX {
        return Err(too_many("judges", sheets.len(), JUDGES_MAX));
    }
    if sheets.is_empty() && !rules.items.is_empty() {
        return Err(Error::Missing {
            what: "sheet of",
            id: "any judge".into(),
        });
    }
    let mut sheets: Vec<&Sheet> = sheets.iter().collect();
    sheets.sort_by(|a, b| a.judge.cmp(&b.judge));
    if let Some(pair) = sheets
        .windows(2)
        .find(|pair| pair[0].judge == pair[1].judge)
    {
        return Err(Error::Duplicate {
            what: "judge",
            id: pair[0].judge.clone(),
        });
    }
    let mut without = BTreeSet::new();
    for bid in bids {
        if invalid(rules, bid)?.is_some() {
            without.insert(bid.id.as_str());
        }
    }
    for sheet in &sheets {
        // Nobody need score an invalid bid, but points that are there must be in their bands.
        let scored = |id: &String| !without.contains(id.as_str()) || sheet.scores.contains_key(id);
        let ids: Vec<String> = bids.iter().map(|bid| bid.id.clone()).collect();
        let ids: Vec<String> = ids.into_iter().filter(scored).collect();
        check_sheet(rules, &ids, sheet)?;
    }
    let mut entries = Vec::with_capacity(bids.len());
    for facts in bids {
        let mut judges = Vec::with_capacity(sheets.len());
        if !without.contains(facts.id.as_str()) {
            objective(rules, &facts.id, &sheets)?;
            for sheet in &sheets {
                judges.push(totals(rules, &facts.id, sheet)?);
            }
        }
        entries.push(Entry { facts, judges });
    }
    compute(rules, entries, None)
}
