//! From rules, bids and sheets to a ranking and its derivation.

use crate::derivation::Derivation;
use crate::engine::{Entry, Ground, Table, compute};
use crate::formula::Drawn;
use crate::outcome::{BidFacts, Outcome, Sheet};
use crate::pack::{Pack, latest, pinned};
use crate::sheets::{Totals, check_sheets};
use crate::{Error, RuleSet, lint_in};
use std::collections::{BTreeMap, BTreeSet};

/// Most bids of one lot.
pub(crate) const BIDS_MAX: usize = 20_000;
/// Most judges.
pub(crate) const JUDGES_MAX: usize = 101;

/// Everything that a result is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Lot<'a> {
    /// The rules of the notice.
    pub rules: &'a RuleSet,
    /// Valid bids and what is known of them.
    pub bids: &'a [BidFacts],
    /// The judges' sheets.
    pub sheets: &'a [Sheet],
    /// What was drawn for the formula, by coefficient.
    pub drawn: Option<&'a BTreeMap<String, Drawn>>,
    /// A rule pack that is not shipped; it must be the one that the rules pin, if they pin one.
    pub pack: Option<&'a Pack>,
}

impl<'a> Lot<'a> {
    /// A lot without drawn coefficients, under a shipped pack.
    pub fn new(rules: &'a RuleSet, bids: &'a [BidFacts], sheets: &'a [Sheet]) -> Self {
        Self {
            rules,
            bids,
            sheets,
            drawn: None,
            pack: None,
        }
    }

    /// The rule pack that binds: the one given, the shipped one that the rules pin, or the newest
    /// shipped one of the regime.
    ///
    /// # Errors
    /// [`Error::NoPack`] if the pinned pack is neither given nor shipped.
    pub fn pack(&self) -> Result<&'a Pack, Error> {
        pack_of(self.rules, self.pack)
    }
}

/// See [`Lot::pack`].
pub(crate) fn pack_of<'a>(rules: &RuleSet, given: Option<&'a Pack>) -> Result<&'a Pack, Error> {
    match (given, &rules.pack) {
        (Some(pack), Some(pin)) if !pack.is(pin) => Err(Error::NoPack {
            what: format!("{} with digest {}", pin.id, pin.digest),
        }),
        (Some(pack), _) => Ok(pack),
        (None, Some(pin)) => pinned(pin),
        (None, None) => Ok(latest(rules.method.regime())),
    }
}

/// Computes the result of a lot. The order of bids and sheets does not matter. A bid over the
/// ceiling is no fault of the lot: it is listed as invalid and takes no part.
///
/// # Errors
/// Every fault of the input; [`Error::Rules`] if the rule set breaks the law.
pub fn evaluate(rules: &RuleSet, bids: &[BidFacts], sheets: &[Sheet]) -> Result<Outcome, Error> {
    evaluate_lot(&Lot::new(rules, bids, sheets))
}

/// As [`evaluate`], with drawn coefficients or a pack that is not shipped.
///
/// # Errors
/// As [`evaluate`]; [`Error::NoPack`], [`Error::Formula`].
pub fn evaluate_lot(lot: &Lot<'_>) -> Result<Outcome, Error> {
    Ok(table(lot)?.outcome())
}

/// The result with its derivation, from one computation.
///
/// # Errors
/// As [`evaluate_lot`].
pub fn derive(lot: &Lot<'_>) -> Result<(Outcome, Derivation), Error> {
    let table = table(lot)?;
    Ok((table.outcome(), table.derivation()))
}

/// The ids of the bids that take part in a lot, sorted: a bid over the ceiling, or found too low,
/// does not.
///
/// # Errors
/// A price that cannot be read, an unknown reason, or [`Error::NoPack`].
pub fn taking_part(rules: &RuleSet, bids: &[BidFacts]) -> Result<Vec<String>, Error> {
    static NOTHING: BTreeMap<String, Drawn> = BTreeMap::new();
    let ground = Ground {
        rules,
        pack: pack_of(rules, None)?,
        drawn: &NOTHING,
        competes: None,
    };
    let bids: Vec<&BidFacts> = bids.iter().collect();
    let without = crate::engine::without(&ground, &bids)?;
    let mut ids: Vec<String> = bids.iter().map(|bid| bid.id.clone()).collect();
    ids.retain(|id| !without.contains(id.as_str()));
    ids.sort_unstable();
    Ok(ids)
}

/// Whether the prices of a lot give a result by themselves, before any sheet: a formula may need more
/// bids than take part, or divide by what is nought. Sheets are not looked at.
///
/// # Errors
/// What the computation of prices and points of price says.
pub fn check_prices(lot: &Lot<'_>) -> Result<(), Error> {
    let ground = ground(lot)?;
    let entry = |facts| Entry {
        facts,
        judges: Vec::new(),
        technical: Vec::new(),
    };
    compute(ground, lot.bids.iter().map(entry).collect()).map(|_| ())
}

fn table<'a>(lot: &Lot<'a>) -> Result<Table<'a>, Error> {
    let ground = ground(lot)?;
    let entries = entries(&ground, lot)?;
    compute(ground, entries)
}

/// What a lot is computed on, if its rules are sound.
fn ground<'a>(lot: &Lot<'a>) -> Result<Ground<'a>, Error> {
    static NOTHING: BTreeMap<String, Drawn> = BTreeMap::new();
    let (rules, pack) = (lot.rules, lot.pack()?);
    let findings = lint_in(rules, pack);
    if let Some(finding) = findings.into_iter().find(crate::Finding::is_error) {
        return Err(Error::Rules {
            code: finding.code,
            place: finding.place,
            article: finding.article,
        });
    }
    Ok(Ground {
        rules,
        pack,
        drawn: lot.drawn.unwrap_or(&NOTHING),
        competes: None,
    })
}

/// Bids with the totals of their judges.
fn entries<'a>(ground: &Ground<'_>, lot: &Lot<'a>) -> Result<Vec<Entry<'a>>, Error> {
    let too_many = |what, found, limit| Error::TooMany { what, found, limit };
    if lot.bids.len() > BIDS_MAX {
        return Err(too_many("bids", lot.bids.len(), BIDS_MAX));
    }
    if lot.sheets.len() > JUDGES_MAX {
        return Err(too_many("judges", lot.sheets.len(), JUDGES_MAX));
    }
    if lot.sheets.is_empty() && !ground.rules.items.is_empty() {
        return Err(Error::Missing {
            what: "sheet of",
            id: "any judge".into(),
        });
    }
    let mut bids: Vec<&BidFacts> = lot.bids.iter().collect();
    bids.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    if let Some(pair) = bids.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(Error::Duplicate {
            what: "bid",
            id: pair[0].id.clone(),
        });
    }
    let without: BTreeSet<&str> = crate::engine::without(ground, &bids)?;
    let totals: Totals = check_sheets(ground.rules, &bids, &without, lot.sheets)?;
    let mut technical = totals.technical.into_iter();
    let entries = bids.into_iter().zip(totals.by_bid);
    Ok(entries
        .map(|(facts, judges)| Entry {
            facts,
            judges,
            technical: technical.next().unwrap_or_default(),
        })
        .collect())
}
