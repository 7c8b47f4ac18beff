//! From rules, bids and sheets to a ranking with its derivation.

use crate::works::mean;
use crate::{Error, ItemKind, Method, Money, Object, Ratio, RuleSet, Tie, lint, works};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most bids of one lot.
pub(crate) const BIDS_MAX: usize = 20_000;
/// Most judges.
pub(crate) const JUDGES_MAX: usize = 101;

/// What scoring needs to know of a bid that passed the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BidFacts {
    /// Id, unique within the lot.
    pub id: String,
    /// Bid price in yuan, corrected, decimal text.
    pub price: String,
    /// Small or micro enterprise (or prison enterprise, or disabled-welfare unit).
    pub small: bool,
    /// Consortium or subcontract giving small and micro enterprises at least 30 %.
    pub consortium: bool,
    /// Domestic product.
    pub domestic: bool,
    /// Brand of the core product.
    pub brand: Option<String>,
}

/// One judge's points, as decimal text by bid and item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// Who.
    pub judge: String,
    /// Points by bid and item.
    pub scores: BTreeMap<String, BTreeMap<String, String>>,
}

/// One bid of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The bid.
    pub id: String,
    /// Bid price: what the contract would say.
    pub price: String,
    /// Price after policy deductions.
    pub evaluated_price: String,
    /// Points of price.
    pub price_points: String,
    /// Mean of the judges' points.
    pub quality: String,
    /// Sum.
    pub total: String,
    /// Rank from 1; equals share it.
    pub rank: usize,
    /// Not the best of its brand (87 art. 31).
    pub same_brand_excluded: bool,
    /// The derivation, each line with what it rests on.
    pub lines: Vec<String>,
}

/// The result of a lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Rows by rank, then id.
    pub rows: Vec<Row>,
    /// Fewer effective bidders than required.
    pub procedure_fails: bool,
    /// Ids to draw among for the first place.
    pub draw_needed: Vec<String>,
    /// Triggers of the abnormally low review by bid: `mean`, `second`, `ceiling`.
    pub abnormal_low: BTreeMap<String, Vec<String>>,
    /// Bidders, a brand counted once.
    pub effective_bidders: usize,
}

impl Outcome {
    /// The single first, unless the procedure fails or a draw is needed.
    pub fn winner(&self) -> Option<&Row> {
        if self.procedure_fails || !self.draw_needed.is_empty() {
            return None;
        }
        self.rows.iter().find(|row| !row.same_brand_excluded)
    }
}

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

/// What the engine knows of a bid before ranking.
pub(crate) struct Entry<'a> {
    pub(crate) facts: &'a BidFacts,
    pub(crate) judges: Vec<Ratio>,
}

/// Computes the result of a lot. The order of bids and sheets does not matter.
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
    let ids: Vec<String> = bids.iter().map(|bid| bid.id.clone()).collect();
    let mut entries = Vec::with_capacity(bids.len());
    for sheet in &sheets {
        check_sheet(rules, &ids, sheet)?;
    }
    for facts in bids {
        objective(rules, &facts.id, &sheets)?;
        let judges: Result<_, _> = sheets.iter().map(|s| totals(rules, &facts.id, s)).collect();
        entries.push(Entry {
            facts,
            judges: judges?,
        });
    }
    compute(rules, entries)
}

struct Work<'a> {
    facts: &'a BidFacts,
    price: Money,
    eval: Ratio,
    points: Ratio,
    quality: Ratio,
    total: Ratio,
    excluded: bool,
    lines: Vec<String>,
}

fn price_of(rules: &RuleSet, bid: &BidFacts) -> Result<Money, Error> {
    let price = Money::parse(&bid.price)?;
    let ceiling = rules.ceiling.as_deref().map(Money::parse).transpose()?;
    if price.fen() == 0 || ceiling.is_some_and(|ceiling| price > ceiling) {
        return Err(Error::Price {
            bid: bid.id.clone(),
            found: price.to_string(),
            ceiling: ceiling.map_or_else(|| "no ceiling".into(), |c| c.to_string()),
        });
    }
    Ok(price)
}

/// The engine that notices and cases share; the rules are taken as they are.
pub(crate) fn compute(rules: &RuleSet, mut entries: Vec<Entry<'_>>) -> Result<Outcome, Error> {
    entries.sort_by(|a, b| a.facts.id.cmp(&b.facts.id));
    if let Some(pair) = entries.windows(2).find(|p| p[0].facts.id == p[1].facts.id) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].facts.id.clone(),
        });
    }
    // The domestic preference needs someone to prefer over (国办发〔2025〕34号).
    let competes =
        entries.iter().any(|e| e.facts.domestic) && entries.iter().any(|e| !e.facts.domestic);
    let rates = Rates {
        sme: Ratio::parse(&rules.sme_rate)?,
        joint: Ratio::parse(&rules.sme_joint_rate)?,
        domestic: if competes {
            Ratio::parse(&rules.domestic_rate)?
        } else {
            Ratio::zero()
        },
    };
    let mut works_rows = Vec::with_capacity(entries.len());
    for entry in &entries {
        works_rows.push(work(rules, entry, &rates)?);
    }
    give_price_points(rules, &mut works_rows)?;
    exclude_brands(rules, &mut works_rows);
    let abnormal_low = abnormal(rules, &works_rows)?;
    let effective_bidders = works_rows.iter().filter(|row| !row.excluded).count();
    works_rows.sort_by(|a, b| order(rules, a, b).then_with(|| a.facts.id.cmp(&b.facts.id)));
    Ok(finish(rules, works_rows, abnormal_low, effective_bidders))
}

struct Rates {
    sme: Ratio,
    joint: Ratio,
    domestic: Ratio,
}

fn work<'a>(rules: &RuleSet, entry: &Entry<'a>, rates: &Rates) -> Result<Work<'a>, Error> {
    let facts = entry.facts;
    let price = price_of(rules, facts)?;
    let mut lines = vec![format!("price {price}")];
    let mut rate = Ratio::zero();
    let sme = if facts.small {
        &rates.sme
    } else if facts.consortium {
        &rates.joint
    } else {
        &Ratio::zero()
    };
    for (name, part, article, on) in [
        ("sme", sme, "46 art. 9", true),
        (
            "domestic",
            &rates.domestic,
            "国办发〔2025〕34号",
            facts.domestic,
        ),
    ] {
        if on && part.is_positive() {
            lines.push(format!(
                "{name} deduction {} of the price ({article})",
                part.to_shortest()
            ));
            rate = rate.add(part)?;
        }
    }
    let eval = price.ratio().mul(&Ratio::from(1).sub(&rate)?)?;
    lines.push(format!("evaluated price {}", eval.to_shortest()));
    let mut quality = Ratio::zero();
    if !entry.judges.is_empty() {
        for total in &entry.judges {
            quality = quality.add(total)?;
        }
        let n = i64::try_from(entry.judges.len()).map_err(|_| Error::Zero { place: "judges" })?;
        quality = quality.div(&Ratio::from(n))?.round_half_up(rules.dp);
        lines.push(format!(
            "quality {} = mean of {n} judges (87 art. 55)",
            quality.to_fixed(rules.dp)
        ));
    }
    Ok(Work {
        facts,
        price,
        eval,
        points: Ratio::zero(),
        total: quality.clone(),
        quality,
        excluded: false,
        lines,
    })
}

fn give_price_points(rules: &RuleSet, rows: &mut [Work<'_>]) -> Result<(), Error> {
    let weight = Ratio::parse(&rules.price_weight)?;
    let Some(lowest) = rows.iter().map(|row| &row.eval).min().cloned() else {
        return Ok(());
    };
    if rules.method == Method::Composite {
        for row in &mut *rows {
            row.points = lowest.div(&row.eval)?.mul(&weight)?.round_half_up(rules.dp);
            row.lines.push(format!(
                "price points {} = {} / {} x {} (87 art. 55)",
                row.points.to_fixed(rules.dp),
                lowest.to_shortest(),
                row.eval.to_shortest(),
                weight.to_shortest(),
            ));
        }
    }
    if let (Method::WorksDeviation, Some(family)) = (rules.method, &rules.works) {
        let prices: Vec<(&str, Money)> = rows
            .iter()
            .map(|r| (r.facts.id.as_str(), r.price))
            .collect();
        let result = works(family, &prices)?;
        // Both sides are sorted by id here.
        for (row, scored) in rows.iter_mut().zip(&result.rows) {
            row.points = Ratio::parse(&scored.score)?;
            row.lines.push(format!(
                "price points {}: {} % from the benchmark {} (RULES 5.8)",
                scored.score, scored.deviation_pct, result.benchmark
            ));
        }
    }
    for row in rows {
        row.total = row.points.add(&row.quality)?;
        row.lines
            .push(format!("total {}", row.total.to_fixed(rules.dp)));
    }
    Ok(())
}

fn order(rules: &RuleSet, a: &Work<'_>, b: &Work<'_>) -> std::cmp::Ordering {
    let by_law = match rules.method {
        Method::Lowest => a.eval.cmp(&b.eval),
        _ => b.total.cmp(&a.total).then_with(|| a.price.cmp(&b.price)),
    };
    match rules.tie {
        Tie::Draw => by_law,
        Tie::Quality => by_law.then_with(|| b.quality.cmp(&a.quality)),
    }
}

/// Among bids of one brand only the first takes part (87 art. 31). Bids equal to it stay in: the
/// draw decides among them.
fn exclude_brands(rules: &RuleSet, rows: &mut [Work<'_>]) {
    if rules.object == Object::Works {
        return;
    }
    let mut best: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..rows.len() {
        let Some(brand) = rows[at].facts.brand.clone() else {
            continue;
        };
        let first = best.entry(brand).or_insert(at);
        if order(rules, &rows[at], &rows[*first]).is_lt() {
            *first = at;
        }
    }
    for at in 0..rows.len() {
        let first = rows[at]
            .facts
            .brand
            .as_ref()
            .and_then(|brand| best.get(brand));
        if first.is_some_and(|&first| first != at) {
            rows[at].excluded = true;
            rows[at]
                .lines
                .push("not the best of its brand (87 art. 31)".to_owned());
        }
    }
}

fn abnormal(rules: &RuleSet, rows: &[Work<'_>]) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let mut found = BTreeMap::new();
    let mut prices: Vec<Money> = rows.iter().map(|row| row.price).collect();
    prices.sort_unstable();
    if prices.is_empty() {
        return Ok(found);
    }
    let rate = Ratio::parse(&rules.low_mean_rate)?;
    let by_mean = mean(&prices)?.mul(&rate)?;
    let by_second = prices
        .get(1)
        .map(|second| second.ratio().mul(&rate))
        .transpose()?;
    let ceiling = rules.ceiling.as_deref().map(Money::parse).transpose()?;
    let by_ceiling = ceiling
        .map(|c| c.ratio().mul(&Ratio::parse(&rules.low_ceiling_rate)?))
        .transpose()?;
    for row in rows {
        let price = row.price.ratio();
        let lowest = row.price == prices[0];
        let triggers: Vec<String> = [
            ("mean", price < by_mean),
            (
                "second",
                lowest && by_second.as_ref().is_some_and(|limit| price < *limit),
            ),
            (
                "ceiling",
                by_ceiling.as_ref().is_some_and(|limit| price < *limit),
            ),
        ]
        .into_iter()
        .filter_map(|(name, on)| on.then(|| name.to_owned()))
        .collect();
        if !triggers.is_empty() {
            found.insert(row.facts.id.clone(), triggers);
        }
    }
    Ok(found)
}

fn finish(
    rules: &RuleSet,
    sorted: Vec<Work<'_>>,
    abnormal_low: BTreeMap<String, Vec<String>>,
    effective_bidders: usize,
) -> Outcome {
    let mut rank = 1;
    let mut ranks = Vec::with_capacity(sorted.len());
    for at in 0..sorted.len() {
        if at > 0 && order(rules, &sorted[at - 1], &sorted[at]).is_ne() {
            rank = at + 1;
        }
        ranks.push(rank);
    }
    let best = sorted.iter().find(|row| !row.excluded);
    let mut draw_needed: Vec<String> = sorted
        .iter()
        .filter(|row| !row.excluded && best.is_some_and(|best| order(rules, best, row).is_eq()))
        .map(|row| row.facts.id.clone())
        .collect();
    if draw_needed.len() < 2 {
        draw_needed.clear();
    }
    let rows = sorted.into_iter().zip(ranks).map(|(work, rank)| Row {
        id: work.facts.id.clone(),
        price: work.price.to_string(),
        evaluated_price: work.eval.to_shortest(),
        price_points: work.points.to_fixed(rules.dp),
        quality: work.quality.to_fixed(rules.dp),
        total: work.total.to_fixed(rules.dp),
        rank,
        same_brand_excluded: work.excluded,
        lines: work.lines,
    });
    Outcome {
        rows: rows.collect(),
        procedure_fails: effective_bidders < rules.min_bidders,
        draw_needed,
        abnormal_low,
        effective_bidders,
    }
}
