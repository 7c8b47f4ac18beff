//! Who sits on a panel: from a list of candidates to frozen pools, and from drawn orders to seats.
//!
//! Avoidance (回避), specialties, the two thirds of experts, alternates and declines around [`crate::draw`], as
//! pure functions: whoever has the candidates, the request and the drawn orders computes the same seats. Rules:
//! 87号令 art. 47 and 招标投标法 art. 37 (number and share of experts), 财库〔2016〕198号 art. 16 and 19 (avoidance,
//! alternates). Normative text: `spec/draw.md`.

mod record;

pub use record::{
    Authority, DrawRecord, Frozen, MAX_BYTES, PanelRecord, PoolRecord, Seated, request_digest,
};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::draw::{Pool, Row};
use crate::{Error, Result};

/// Members of one panel; the largest committees have some dozens.
pub const MAX_MEMBERS: u32 = 63;
/// Specialties of one request.
pub const MAX_SPECIALTIES: usize = 16;
/// Alternates of one specialty.
pub const MAX_ALTERNATES: u32 = 64;
/// Fewest members of an evaluation committee (87号令 art. 47).
const EVALUATION_MIN: u32 = 5;

/// What the panel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Arguing the need before the tender (论证).
    #[serde(alias = "论证")]
    Need,
    /// Evaluating bids (评审).
    #[serde(alias = "评审")]
    Evaluation,
    /// Accepting what was delivered (验收).
    #[serde(alias = "验收")]
    Acceptance,
}

impl Purpose {
    /// Its Chinese name.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Need => "论证",
            Self::Evaluation => "评审",
            Self::Acceptance => "验收",
        }
    }

    /// Reads either name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "need" | "论证" => Some(Self::Need),
            "evaluation" | "评审" => Some(Self::Evaluation),
            "acceptance" | "验收" => Some(Self::Acceptance),
            _ => None,
        }
    }
}

/// One on the list that is drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Blind id, as in [`Row::id`].
    pub id: String,
    /// Where the candidate works, or worked within the last three years (198号 art. 16).
    pub employers: Vec<String>,
    /// Specialty codes.
    pub specialties: Vec<String>,
    /// Weight, at least 1; the same for all unless the list says otherwise.
    pub weight: u64,
}

/// Seats of one specialty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seats {
    /// Drawn after the chosen, in order, for those who decline.
    pub alternates: u32,
    /// How many sit.
    pub seats: u32,
    /// Specialty code.
    pub specialty: String,
}

/// Why a candidate may not sit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Avoided {
    /// The candidate.
    pub id: String,
    /// The ground, as people read it.
    pub reason: String,
}

/// A request for a panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Employers whose people avoid: the buyer, the agency, the bidders.
    pub avoid_employers: Vec<String>,
    /// Candidates who avoid for a ground of their own.
    pub avoid_ids: Vec<Avoided>,
    /// Which draw this is, from 1; a repeat needs a reason.
    pub n: u32,
    /// Who sat in an earlier panel of this project and its purpose: whoever argued the need does not evaluate.
    pub earlier: Vec<Earlier>,
    /// Panel of the project and its purpose.
    pub project: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Why there is a repeat; empty for the first draw.
    pub reason: String,
    /// Members who are not drawn: the buyer's representatives.
    pub representatives: u32,
    /// The drawn seats, one row for each specialty.
    pub seats: Vec<Seats>,
}

/// One who sat in an earlier panel of the same project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The candidate.
    pub id: String,
    /// That panel's purpose.
    pub purpose: Purpose,
}

/// The pools of a request with everyone who was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// One pool for each row of [`Request::seats`], in its order.
    pub pools: Vec<Pool>,
    /// Candidates left out, sorted by id.
    pub avoided: Vec<Avoided>,
}

impl Request {
    /// The rules that the request must keep by itself.
    ///
    /// # Errors
    /// [`Error::Panel`] or [`Error::Limit`].
    pub fn check(&self) -> Result<()> {
        let wrong = |what| Err(Error::Panel { what });
        if self.seats.is_empty() || self.seats.iter().any(|row| row.seats == 0) {
            return wrong("every specialty needs at least one seat");
        }
        limit("specialties of a panel", MAX_SPECIALTIES, self.seats.len())?;
        for row in &self.seats {
            limit(
                "alternates of a specialty",
                MAX_ALTERNATES as usize,
                row.alternates as usize,
            )?;
            limit(
                "members of a panel",
                MAX_MEMBERS as usize,
                row.seats as usize,
            )?;
        }
        limit(
            "members of a panel",
            MAX_MEMBERS as usize,
            self.representatives as usize,
        )?;
        let names: BTreeSet<&str> = self
            .seats
            .iter()
            .map(|row| row.specialty.as_str())
            .collect();
        if names.len() != self.seats.len() {
            return wrong("one specialty is named twice");
        }
        if self.n == 0 || (self.n > 1) == self.reason.is_empty() {
            return wrong("draws count from 1, and a repeat, and only a repeat, has a reason");
        }
        // At most 17 terms below 2^32 each fit.
        let experts: u64 = self.seats.iter().map(|row| u64::from(row.seats)).sum();
        let members = experts + u64::from(self.representatives);
        limit("members of a panel", MAX_MEMBERS as usize, members as usize)?;
        if self.purpose == Purpose::Evaluation {
            if members < u64::from(EVALUATION_MIN) || members.is_multiple_of(2) {
                return wrong("an evaluation committee has an odd number of members, five or more");
            }
            if experts * 3 < members * 2 {
                return wrong("experts must be two thirds of an evaluation committee");
            }
        }
        Ok(())
    }

    /// The pools that the candidates give after avoidance.
    ///
    /// # Errors
    /// [`Error::Panel`] for repeated candidates and too few of a specialty; those of [`Pool::new`].
    pub fn pools(&self, candidates: &[Candidate]) -> Result<Pools> {
        self.check()?;
        let ids: BTreeSet<&str> = candidates.iter().map(|c| c.id.as_str()).collect();
        if ids.len() != candidates.len() {
            return Err(Error::Panel {
                what: "one candidate is listed twice",
            });
        }
        if self
            .avoid_ids
            .iter()
            .any(|row| !ids.contains(row.id.as_str()))
        {
            return Err(Error::Panel {
                what: "who avoids is not on the list of candidates",
            });
        }
        let mut avoided = Vec::new();
        let mut free = Vec::new();
        for candidate in candidates {
            match self.ground(candidate) {
                Some(reason) => avoided.push(Avoided {
                    id: candidate.id.clone(),
                    reason,
                }),
                None => free.push(candidate),
            }
        }
        avoided.sort_by(|a, b| a.id.cmp(&b.id));
        let pools = self.seats.iter().map(|row| pool(row, &free));
        Ok(Pools {
            pools: pools.collect::<Result<_>>()?,
            avoided,
        })
    }

    /// Why this candidate may not sit, if so.
    fn ground(&self, candidate: &Candidate) -> Option<String> {
        let own = self.avoid_ids.iter().find(|row| row.id == candidate.id);
        if let Some(own) = own {
            return Some(own.reason.clone());
        }
        let mut employers = candidate.employers.iter();
        if let Some(employer) = employers.find(|e| self.avoid_employers.contains(e)) {
            return Some(format!("employer {employer}"));
        }
        // Whoever argued the need does not evaluate, and the other way round.
        let apart = |a, b| {
            matches!(
                (a, b),
                (Purpose::Need, Purpose::Evaluation) | (Purpose::Evaluation, Purpose::Need)
            )
        };
        let mut earlier = self.earlier.iter().filter(|row| row.id == candidate.id);
        earlier
            .find(|row| apart(row.purpose, self.purpose))
            .map(|row| format!("sat in the panel of {}", row.purpose.zh()))
    }
}

fn limit(what: &'static str, limit: usize, found: usize) -> Result<()> {
    if found > limit {
        return Err(Error::Limit { what, limit, found });
    }
    Ok(())
}

fn pool(row: &Seats, free: &[&Candidate]) -> Result<Pool> {
    let fits = free
        .iter()
        .filter(|c| c.specialties.contains(&row.specialty));
    let rows: Vec<Row> = fits
        .map(|c| Row {
            id: c.id.clone(),
            weight: c.weight,
        })
        .collect();
    if rows.len() < row.seats as usize {
        return Err(Error::Panel {
            what: "fewer candidates of a specialty than its seats, after avoidance",
        });
    }
    Pool::new(&row.specialty, rows)
}

/// One who was drawn and declined, or did not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declined {
    /// The candidate.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Who sits for each specialty, from the drawn orders and the declines: the first of each order who neither declined
/// nor sits already.
///
/// # Errors
/// [`Error::Panel`] for a decline of one who was not reached, and where the alternates are used up: then a new draw
/// with a reason is needed.
pub fn seats(
    request: &Request,
    orders: &[Vec<String>],
    declined: &[Declined],
) -> Result<Vec<Vec<String>>> {
    let wrong = |what| Error::Panel { what };
    if orders.len() != request.seats.len() {
        return Err(wrong("one drawn order for each specialty"));
    }
    let reasons: BTreeMap<&str, &str> = declined
        .iter()
        .map(|row| (row.id.as_str(), row.reason.as_str()))
        .collect();
    if reasons.len() != declined.len() || reasons.values().any(|reason| reason.is_empty()) {
        return Err(wrong("a decline is recorded once, with its reason"));
    }
    let (mut seated, mut reached) = (BTreeSet::new(), BTreeSet::new());
    let mut out = Vec::new();
    for (row, order) in request.seats.iter().zip(orders) {
        let mut sits = Vec::new();
        for id in order {
            if sits.len() == row.seats as usize {
                break;
            }
            reached.insert(id.as_str());
            if !reasons.contains_key(id.as_str()) && seated.insert(id.as_str()) {
                sits.push(id.clone());
            }
        }
        if sits.len() < row.seats as usize {
            return Err(wrong(
                "the alternates are used up: draw again, with a reason",
            ));
        }
        out.push(sits);
    }
    if reasons.keys().any(|id| !reached.contains(id)) {
        return Err(wrong("who declined was not invited"));
    }
    Ok(out)
}
