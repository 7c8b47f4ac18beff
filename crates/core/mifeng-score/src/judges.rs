//! How far judges are from their panel: leads for people, never a correction (87 art. 64 畸高畸低).

use crate::number::Fixed;
use crate::sheets::{self, Totals};
use crate::{BidFacts, Error, Ratio, RuleSet, Sheet};
use serde::Serialize;
use std::collections::BTreeSet;

/// From how many median absolute deviations a total stands out.
const MADS: i64 = 3;

/// One judge's total for one bid beside the panel's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lead {
    /// The judge.
    pub judge: String,
    /// The bid.
    pub bid: String,
    /// The judge's total.
    pub total: String,
    /// The panel's median.
    pub median: String,
    /// Total less median.
    pub deviation: String,
    /// Median of the absolute deviations of the panel.
    pub spread: String,
}

/// One judge over all bids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tendency {
    /// The judge.
    pub judge: String,
    /// Mean of total less median: above zero for a generous judge.
    pub mean_deviation: String,
    /// Bids in which the judge stands out.
    pub stands_out: usize,
}

/// Statistics of a lot's sheets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgeStatistics {
    /// By judge.
    pub judges: Vec<Tendency>,
    /// Totals that stand out: more than three spreads and at least the part of the most points
    /// from the median; by judge, then bid.
    pub leads: Vec<Lead>,
}

/// Compares every total with the median of its panel. `part` of one is how far from the median, of
/// the most points of all items, a total must be to stand out: `0.1`.
///
/// # Errors
/// Faults of the sheets, as [`crate::evaluate`] finds them; fewer than three judges.
pub fn judge_statistics(
    rules: &RuleSet,
    bids: &[BidFacts],
    sheets: &[Sheet],
    part: &Ratio,
) -> Result<JudgeStatistics, Error> {
    if sheets.len() < 3 {
        return Err(Error::Missing {
            what: "judges: three are a panel, found",
            id: sheets.len().to_string(),
        });
    }
    let mut bids: Vec<&BidFacts> = bids.iter().collect();
    bids.sort_by(|a, b| a.id.cmp(&b.id));
    let Totals { by_bid, .. } = sheets::check_sheets(rules, &bids, &BTreeSet::new(), sheets)?;
    let mut names: Vec<&str> = sheets.iter().map(|sheet| sheet.judge.as_str()).collect();
    names.sort_unstable();
    let mut full = Ratio::zero();
    for item in &rules.items {
        full = full.add(&Ratio::parse(&item.max)?)?;
    }
    let least = full.mul(part)?;
    let mut sums = vec![Ratio::zero(); names.len()];
    let mut leads = Vec::new();
    for (bid, totals) in bids.iter().zip(&by_bid) {
        let panel = Panel::new(totals)?;
        for (seat, total) in totals.iter().enumerate() {
            let deviation = total.ratio().sub(&panel.median)?;
            sums[seat] = sums[seat].add(&deviation)?;
            let far = deviation.abs() > panel.spread.mul(&Ratio::from(MADS))?;
            if far && deviation.abs() >= least {
                leads.push(Lead {
                    judge: names[seat].to_owned(),
                    bid: bid.id.clone(),
                    total: total.ratio().to_shortest(),
                    median: panel.median.to_shortest(),
                    deviation: deviation.to_shortest(),
                    spread: panel.spread.to_shortest(),
                });
            }
        }
    }
    leads.sort_by(|a, b| (&a.judge, &a.bid).cmp(&(&b.judge, &b.bid)));
    let count = Ratio::from(i64::try_from(bids.len().max(1)).unwrap_or(1));
    let mut judges = Vec::with_capacity(names.len());
    for (name, sum) in names.iter().zip(&sums) {
        judges.push(Tendency {
            judge: (*name).to_owned(),
            mean_deviation: sum.div(&count)?.to_fixed(2),
            stands_out: leads.iter().filter(|lead| lead.judge == *name).count(),
        });
    }
    Ok(JudgeStatistics { judges, leads })
}

struct Panel {
    median: Ratio,
    spread: Ratio,
}

impl Panel {
    fn new(totals: &[Fixed]) -> Result<Self, Error> {
        let median = median(totals.iter().map(|total| total.ratio()).collect())?;
        let mut away = Vec::with_capacity(totals.len());
        for total in totals {
            away.push(total.ratio().sub(&median)?.abs());
        }
        Ok(Self {
            spread: self::median(away)?,
            median,
        })
    }
}

fn median(mut values: Vec<Ratio>) -> Result<Ratio, Error> {
    values.sort_unstable();
    let n = values.len();
    match (values.get(n.saturating_sub(1) / 2), values.get(n / 2)) {
        (Some(low), Some(high)) => low.add(high)?.div(&Ratio::from(2)),
        _ => Err(Error::Zero { place: "median" }),
    }
}
