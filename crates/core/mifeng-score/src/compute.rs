//! The engine: entries into ranked rows.

use crate::outcome::{BidFacts, Invalid, Line, Outcome, Row};
use crate::works::mean;
use crate::{Error, Method, Money, Object, Ratio, RuleSet, Tie, works};
use std::collections::BTreeMap;

/// What the engine knows of a bid before ranking.
pub(crate) struct Entry<'a> {
    pub(crate) facts: &'a BidFacts,
    pub(crate) judges: Vec<Ratio>,
}

struct Work<'a> {
    facts: &'a BidFacts,
    price: Money,
    eval: Ratio,
    points: Ratio,
    quality: Ratio,
    total: Ratio,
    excluded: bool,
    lines: Vec<Line>,
}

/// Why a bid takes no part, if it does not. A price equal to the ceiling is valid.
pub(crate) fn invalid(rules: &RuleSet, bid: &BidFacts) -> Result<Option<Invalid>, Error> {
    let price = Money::parse(&bid.price)?;
    let ceiling = rules.ceiling.as_deref().map(Money::parse).transpose()?;
    let (reason, article) = match ceiling {
        // Procurement is acquisition for a consideration.
        _ if price.fen() == 0 => ("price-zero", "PL art. 2"),
        Some(ceiling) if price > ceiling => (
            "price-over-ceiling",
            match rules.method {
                Method::WorksDeviation => "TReg art. 51",
                _ => "87 art. 63",
            },
        ),
        _ => return Ok(None),
    };
    Ok(Some(Invalid {
        id: bid.id.clone(),
        reason: reason.to_owned(),
        article: article.to_owned(),
    }))
}

/// The engine that notices and cases share; the rules are taken as they are. `competes` says
/// whether domestic and other products compete; without it the bids tell.
pub(crate) fn compute(
    rules: &RuleSet,
    mut entries: Vec<Entry<'_>>,
    competes: Option<bool>,
) -> Result<Outcome, Error> {
    entries.sort_by(|a, b| a.facts.id.cmp(&b.facts.id));
    if let Some(pair) = entries.windows(2).find(|p| p[0].facts.id == p[1].facts.id) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].facts.id.clone(),
        });
    }
    let mut without = Vec::new();
    let mut valid = Vec::with_capacity(entries.len());
    for entry in entries {
        match invalid(rules, entry.facts)? {
            Some(reason) => without.push(reason),
            None => valid.push(entry),
        }
    }
    // The domestic preference needs someone to prefer over (国办发〔2025〕34号).
    let has = |domestic| valid.iter().any(|e| e.facts.domestic == domestic);
    let rates = Rates {
        sme: Ratio::parse(&rules.sme_rate)?,
        joint: Ratio::parse(&rules.sme_joint_rate)?,
        domestic: if competes.unwrap_or_else(|| has(true) && has(false)) {
            Ratio::parse(&rules.domestic_rate)?
        } else {
            Ratio::zero()
        },
    };
    let mut rows = Vec::with_capacity(valid.len());
    for entry in &valid {
        rows.push(work(rules, entry, &rates)?);
    }
    give_price_points(rules, &mut rows)?;
    let brand_draws = exclude_brands(rules, &mut rows);
    let abnormal_low = abnormal(rules, &rows)?;
    // Equal bests of a brand count once as well.
    let spare: usize = brand_draws.iter().map(|group| group.len() - 1).sum();
    let effective_bidders = rows.iter().filter(|row| !row.excluded).count() - spare;
    rows.sort_by(|a, b| order(rules, a, b).then_with(|| a.facts.id.cmp(&b.facts.id)));
    let (rows, draw_needed) = finish(rules, rows);
    Ok(Outcome {
        rows,
        invalid: without,
        procedure_fails: effective_bidders < rules.min_bidders,
        draw_needed,
        brand_draws,
        abnormal_low,
        effective_bidders,
    })
}

struct Rates {
    sme: Ratio,
    joint: Ratio,
    domestic: Ratio,
}

/// The article of a step: construction tendering leaves the steps to the document.
fn article(rules: &RuleSet, government: &'static str) -> &'static str {
    match rules.method {
        Method::WorksDeviation => "TReg art. 49",
        _ => government,
    }
}

/// Price after deductions, each a part of the original price, and the mean of the judges.
fn work<'a>(rules: &RuleSet, entry: &Entry<'a>, rates: &Rates) -> Result<Work<'a>, Error> {
    let facts = entry.facts;
    let price = Money::parse(&facts.price)?;
    let (zh, en) = (format!("投标报价 {price}"), format!("bid price {price}"));
    let mut lines = vec![Line::new(article(rules, "87 art. 59"), zh, en)];
    let mut rate = Ratio::zero();
    let none = Ratio::zero();
    let (sme, zh, en) = match (facts.small, facts.consortium) {
        (true, _) => (&rates.sme, "小微企业扣除", "small enterprise deduction"),
        (_, true) => (&rates.joint, "联合体或分包扣除", "consortium deduction"),
        _ => (&none, "", ""),
    };
    let domestic = if facts.domestic {
        &rates.domestic
    } else {
        &none
    };
    let steps = [
        (sme, "46 art. 9", zh, en),
        (
            domestic,
            "国办发〔2025〕34号",
            "本国产品扣除",
            "domestic product deduction",
        ),
    ];
    for (part, article, zh, en) in steps.into_iter().filter(|step| step.0.is_positive()) {
        let text = part.to_shortest();
        let (zh, en) = (format!("{zh} {text}"), format!("{en} {text}"));
        lines.push(Line::new(article, zh, en));
        rate = rate.add(part)?;
    }
    let eval = price.ratio().mul(&Ratio::from(1).sub(&rate)?)?;
    let text = eval.to_shortest();
    let (zh, en) = (format!("评标价 {text}"), format!("evaluated price {text}"));
    lines.push(Line::new(article(rules, "87 art. 54, 55"), zh, en));
    let mut quality = Ratio::zero();
    if !entry.judges.is_empty() {
        for total in &entry.judges {
            quality = quality.add(total)?;
        }
        let n = i64::try_from(entry.judges.len()).map_err(|_| Error::Zero { place: "judges" })?;
        quality = quality.div(&Ratio::from(n))?.round_half_up(rules.dp);
        let text = quality.to_fixed(rules.dp);
        lines.push(Line::new(
            article(rules, "87 art. 55"),
            format!("{n} 名评委平均 {text}"),
            format!("mean of {n} judges {text}"),
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
            let sum = format!(
                "{} = {} / {} x {}",
                row.points.to_fixed(rules.dp),
                lowest.to_shortest(),
                row.eval.to_shortest(),
                weight.to_shortest(),
            );
            let (zh, en) = (format!("价格分 {sum}"), format!("price points {sum}"));
            row.lines.push(Line::new("87 art. 55", zh, en));
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
            let (score, off, base) = (&scored.score, &scored.deviation_pct, &result.benchmark);
            row.lines.push(Line::new(
                "TReg art. 49",
                format!("价格分 {score}:偏离基准价 {base} 的 {off} %"),
                format!("price points {score}: {off} % from the benchmark {base}"),
            ));
        }
    }
    for row in rows {
        row.total = row.points.add(&row.quality)?;
        let total = row.total.to_fixed(rules.dp);
        let (zh, en) = (format!("总分 {total}"), format!("total {total}"));
        row.lines
            .push(Line::new(article(rules, "87 art. 57"), zh, en));
    }
    Ok(())
}

fn order(rules: &RuleSet, a: &Work<'_>, b: &Work<'_>) -> std::cmp::Ordering {
    // With the lowest price the others of a brand are invalid: no rank before those who take part.
    let out = |row: &Work<'_>| rules.method == Method::Lowest && row.excluded;
    let by_law = match rules.method {
        Method::Lowest => a.eval.cmp(&b.eval),
        _ => b.total.cmp(&a.total).then_with(|| a.price.cmp(&b.price)),
    };
    let by_law = out(a).cmp(&out(b)).then(by_law);
    match rules.tie {
        Tie::Draw => by_law,
        Tie::Quality => by_law.then_with(|| b.quality.cmp(&a.quality)),
    }
}

/// Among bids of one brand only the best takes part (87 art. 31). Bids equal to it stay in, and the
/// groups of them are returned: the document's rule is in the order already, so a draw decides.
fn exclude_brands(rules: &RuleSet, rows: &mut [Work<'_>]) -> Vec<Vec<String>> {
    if rules.object == Object::Works {
        return Vec::new();
    }
    let mut brands: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(brand) = &row.facts.brand {
            brands.entry(brand.clone()).or_default().push(at);
        }
    }
    let mut draws = Vec::new();
    for members in brands.values() {
        let Some(&best) = members
            .iter()
            .min_by(|a, b| order(rules, &rows[**a], &rows[**b]))
        else {
            continue;
        };
        let (equal, worse): (Vec<usize>, Vec<usize>) = members
            .iter()
            .partition(|at| order(rules, &rows[best], &rows[**at]).is_eq());
        if equal.len() > 1 {
            let ids = equal.iter().map(|at| rows[*at].facts.id.clone());
            draws.push(ids.collect());
        }
        for at in worse {
            rows[at].excluded = true;
            rows[at].lines.push(Line::new(
                "87 art. 31",
                "非同品牌中最优,不作为中标候选人".to_owned(),
                "not the best of its brand: no candidate".to_owned(),
            ));
        }
    }
    draws.sort();
    draws
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
        .filter(|(_, on)| *on)
        .map(|(name, _)| name.to_owned())
        .collect();
        if !triggers.is_empty() {
            found.insert(row.facts.id.clone(), triggers);
        }
    }
    Ok(found)
}

/// Rows with their ranks, and the ids to draw among for the first place.
fn finish(rules: &RuleSet, sorted: Vec<Work<'_>>) -> (Vec<Row>, Vec<String>) {
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
    (rows.collect(), draw_needed)
}
