//! Experts' sheets: every bid, every item, within its band, nothing else; objective items agree.

use crate::number::Fixed;
use crate::outcome::{BidFacts, Sheet};
use crate::{Error, Item, ItemKind, RuleSet};
use std::collections::{BTreeMap, BTreeSet};

type Points = BTreeMap<String, String>;

/// Exact totals by bid, each in the order of the judges' names.
pub(crate) struct Totals {
    pub(crate) by_bid: Vec<Vec<Fixed>>,
    /// Of the technical items alone; empty where they decide nothing.
    pub(crate) technical: Vec<Vec<Fixed>>,
}

/// An item whose limits were read once.
struct Band<'a> {
    item: &'a Item,
    max: Fixed,
    bands: Vec<(Fixed, Fixed)>,
    objective: bool,
}

/// The items of a rule set, by id.
struct Bands<'a>(Vec<Band<'a>>);

impl<'a> Bands<'a> {
    fn new(rules: &'a RuleSet) -> Result<Self, Error> {
        let mut bands = Vec::with_capacity(rules.items.len());
        for item in &rules.items {
            let read =
                |[least, most]: &[String; 2]| Ok((Fixed::parse(least)?, Fixed::parse(most)?));
            bands.push(Band {
                item,
                max: Fixed::parse(&item.max)?,
                bands: item.bands.iter().map(read).collect::<Result<_, Error>>()?,
                objective: item.kind == ItemKind::Objective,
            });
        }
        bands.sort_by(|a, b| a.item.id.cmp(&b.item.id));
        Ok(Self(bands))
    }

    /// One judge's points for a bid, item by item; both sides are sorted by id.
    fn points(
        &self,
        bid: &str,
        points: &Points,
        mut each: impl FnMut(usize, &Band<'_>, Fixed) -> Result<(), Error>,
    ) -> Result<Fixed, Error> {
        let mut sum = Fixed::default();
        let mut given = points.iter();
        for (at, band) in self.0.iter().enumerate() {
            let (id, text) = given.next().ok_or_else(|| missing(bid, &band.item.id))?;
            if *id != band.item.id {
                let known = self.0.iter().any(|band| band.item.id == *id);
                return Err(if known {
                    missing(bid, &band.item.id)
                } else {
                    unknown(bid, id)
                });
            }
            let value = Fixed::parse(text).map_err(|e| e.at(&format!("{bid}/{}", band.item.id)))?;
            band.check(bid, text, value)?;
            each(at, band, value)?;
            sum = sum.add(value)?;
        }
        match given.next() {
            Some((id, _)) => Err(unknown(bid, id)),
            None => Ok(sum),
        }
    }
}

impl Band<'_> {
    fn check(&self, bid: &str, text: &str, value: Fixed) -> Result<(), Error> {
        let inside = |(least, most): &(Fixed, Fixed)| (*least..=*most).contains(&value);
        let in_band = self.bands.is_empty() || self.bands.iter().any(inside);
        if !value.is_negative() && value <= self.max && in_band {
            return Ok(());
        }
        let bands = self
            .item
            .bands
            .iter()
            .map(|[least, most]| format!("{least}..{most}"));
        let allowed = match self.bands.is_empty() {
            true => self.item.max.clone(),
            false => bands.collect::<Vec<_>>().join(", "),
        };
        Err(Error::Band {
            place: format!("{bid}/{}", self.item.id),
            found: text.chars().take(40).collect(),
            max: allowed,
        })
    }
}

fn missing(bid: &str, item: &str) -> Error {
    Error::Missing {
        what: "scoring item",
        id: format!("{bid}/{item}"),
    }
}

fn unknown(bid: &str, item: &str) -> Error {
    Error::Unknown {
        what: "scoring item",
        id: format!("{bid}/{item}"),
    }
}

fn strange(id: &str) -> Error {
    Error::Unknown {
        what: "bid on a sheet",
        id: id.to_owned(),
    }
}

/// Checks one sheet against the rules: every bid, every item, within its band, nothing else.
///
/// # Errors
/// [`Error::Missing`], [`Error::Unknown`], [`Error::Band`], [`Error::Number`].
pub fn check_sheet(rules: &RuleSet, bids: &[String], sheet: &Sheet) -> Result<(), Error> {
    let bands = Bands::new(rules)?;
    let known: BTreeSet<&String> = bids.iter().collect();
    if let Some(id) = sheet.scores.keys().find(|id| !known.contains(id)) {
        return Err(strange(id));
    }
    for bid in known {
        match sheet.scores.get(bid) {
            Some(points) => {
                bands.points(bid, points, |_, _, _| Ok(()))?;
            }
            None if rules.items.is_empty() => {}
            None => return Err(no_bid(bid)),
        }
    }
    Ok(())
}

fn no_bid(bid: &str) -> Error {
    Error::Missing {
        what: "bid on a sheet",
        id: bid.to_owned(),
    }
}

/// Checks all sheets at once, bids sorted by id, and adds them up. Nobody need score a bid that is
/// invalid (`without`), but points that are there must be in their bands.
pub(crate) fn check_sheets(
    rules: &RuleSet,
    bids: &[&BidFacts],
    without: &BTreeSet<&str>,
    sheets: &[Sheet],
) -> Result<Totals, Error> {
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
    let bands = Bands::new(rules)?;
    let mut by_bid: Vec<Vec<Fixed>> = vec![Vec::with_capacity(sheets.len()); bids.len()];
    let technical_first = rules.technical_first();
    let mut technical = match technical_first {
        true => by_bid.clone(),
        false => Vec::new(),
    };
    // The first judge's points of objective items, which the others must repeat.
    let width = bands.0.len();
    let mut first: Vec<Option<Fixed>> = vec![None; bids.len() * width];
    for sheet in sheets {
        let mut given = sheet.scores.iter().peekable();
        for (at, bid) in bids.iter().enumerate() {
            if let Some((id, _)) = given.peek()
                && **id < bid.id
            {
                return Err(strange(id));
            }
            let points = given
                .next_if(|(id, _)| **id == bid.id)
                .map(|(_, points)| points);
            let scored = !without.contains(bid.id.as_str());
            let mut part = Fixed::default();
            let sum = match points {
                Some(points) => bands.points(&bid.id, points, |item, band, value| {
                    if technical_first && band.item.technical {
                        part = part.add(value)?;
                    }
                    let slot = &mut first[at * width + item];
                    let same = !scored || !band.objective || *slot.get_or_insert(value) == value;
                    same.then_some(()).ok_or_else(|| Error::Objective {
                        bid: bid.id.clone(),
                        item: band.item.id.clone(),
                    })
                })?,
                None if rules.items.is_empty() => Fixed::default(),
                None if !scored => continue,
                None => return Err(no_bid(&bid.id)),
            };
            if scored {
                by_bid[at].push(sum);
                if technical_first {
                    technical[at].push(part);
                }
            }
        }
        if let Some((id, _)) = given.next() {
            return Err(strange(id));
        }
    }
    Ok(Totals { by_bid, technical })
}
