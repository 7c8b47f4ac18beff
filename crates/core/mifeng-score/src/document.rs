//! The lint of a whole tender document: what must be refused or warned about before it is issued
//! (RULES 2), each by its article from the dated pack.

use crate::evaluate::pack_of;
use crate::number::parse_at;
use crate::pack::Pack;
use crate::rules::{Findings, named};
use crate::{
    Error, Finding, FrameworkStage, ItemKind, Method, Name, Object, Ratio, RuleSet, lint_in,
};
use serde::{Deserialize, Serialize};

/// Most clauses of each kind.
const CLAUSES_MAX: usize = 1_000;

/// A condition or requirement in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Id.
    pub id: String,
    /// What it says.
    pub text: Name,
}

/// What a document says of samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Samples {
    /// How they are made.
    pub making: bool,
    /// How they are judged.
    pub judging: bool,
    /// How they are returned.
    pub returning: bool,
}

/// A correction of the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// Days (working days for negotiation and inquiry) from it to the deadline.
    pub days_before: u32,
    /// Whether it can affect how bids are made.
    pub affects_bids: bool,
    /// Whether the deadline was moved so that the least of the law is kept.
    pub deadline_moved: bool,
}

/// A tender document as far as the lint looks. What is absent is not checked, but for the budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The rules of a lot.
    pub rules: RuleSet,
    /// What the document costs, in yuan.
    #[serde(default)]
    pub document_price: Option<String>,
    /// A price below which bids are refused.
    #[serde(default)]
    pub floor_price: Option<String>,
    /// Working days that the notice runs.
    #[serde(default)]
    pub notice_days: Option<u32>,
    /// Working days that the document can be had.
    #[serde(default)]
    pub available_days: Option<u32>,
    /// Days to the deadline; working days for negotiation and inquiry.
    #[serde(default)]
    pub response_days: Option<u32>,
    /// Corrections.
    #[serde(default)]
    pub amendments: Vec<Amendment>,
    /// Qualification conditions.
    #[serde(default)]
    pub qualifications: Vec<Clause>,
    /// Technical and commercial requirements.
    #[serde(default)]
    pub requirements: Vec<Clause>,
    /// What it says of samples, if it wants any.
    #[serde(default)]
    pub samples: Option<Samples>,
    /// Software that bidders must buy.
    #[serde(default)]
    pub named_software: Option<String>,
    /// Imported goods are wanted.
    #[serde(default)]
    pub imported: bool,
    /// Imported goods were approved.
    #[serde(default)]
    pub import_approved: bool,
    /// How many products.
    #[serde(default)]
    pub products: u32,
    /// The core products, of several.
    #[serde(default)]
    pub core_products: Vec<String>,
    /// Bid bond in yuan.
    #[serde(default)]
    pub bid_bond: Option<String>,
    /// The bond is wanted in cash.
    #[serde(default)]
    pub cash_bond: bool,
    /// Performance bond as a part of one of the contract.
    #[serde(default)]
    pub performance_bond: Option<String>,
    /// Seats of the committee.
    #[serde(default)]
    pub seats: Option<u32>,
    /// Experts among them.
    #[serde(default)]
    pub experts: Option<u32>,
    /// Technically complex, or of wide public effect.
    #[serde(default)]
    pub complex: bool,
    /// Fit for small and medium enterprises (46 art. 7).
    #[serde(default)]
    pub fit_for_small: bool,
}

/// What a document breaks under the pack that its rules pin; the findings of its rule set first.
pub fn lint_document(document: &Document) -> Vec<Finding> {
    match pack_of(&document.rules, None) {
        Ok(pack) => lint_document_in(document, pack),
        Err(_) => crate::lint(&document.rules),
    }
}

/// As [`lint_document`], under a pack that need not be shipped.
pub fn lint_document_in(document: &Document, pack: &Pack) -> Vec<Finding> {
    let mut findings = Findings::new(pack);
    findings.found = lint_in(&document.rules, pack);
    let look = Look {
        document,
        rules: &document.rules,
        pack,
    };
    if let Err(error) = look.all(&mut findings) {
        findings.unread(&error);
    }
    findings.found
}

struct Look<'a> {
    document: &'a Document,
    rules: &'a RuleSet,
    pack: &'a Pack,
}

impl Look<'_> {
    fn all(&self, findings: &mut Findings<'_>) -> Result<(), Error> {
        let document = self.document;
        for (what, clauses) in [
            ("qualifications", &document.qualifications),
            ("requirements", &document.requirements),
        ] {
            if clauses.len() > CLAUSES_MAX {
                return Err(Error::TooMany {
                    what,
                    found: clauses.len(),
                    limit: CLAUSES_MAX,
                });
            }
        }
        self.conditions(findings);
        self.factors(findings);
        self.times(findings);
        self.committee(findings)?;
        self.money(findings)
    }

    /// Qualification conditions and requirements, by their words.
    fn conditions(&self, findings: &mut Findings<'_>) {
        let document = self.document;
        for clause in &document.qualifications {
            let place = format!("qualifications/{}", clause.id);
            let before = findings.found.len();
            named(findings, "document.qualification-", &place, &clause.text);
            if document.imported {
                // Imported goods may need their maker's authorisation (87 art. 17).
                let late = findings.found.split_off(before);
                let kept = |f: &Finding| f.code != "document.qualification-authorisation";
                findings.found.extend(late.into_iter().filter(kept));
            }
            let scored = self.rules.items.iter().any(|item| item.name == clause.text);
            if scored {
                findings.add("document.scored-qualification", &place);
            }
        }
        for clause in &document.requirements {
            let place = format!("requirements/{}", clause.id);
            named(findings, "document.requirement-", &place, &clause.text);
        }
        if document.named_software.is_some() {
            findings.add("document.named-software", "named_software");
        }
        if document.imported && !document.import_approved {
            findings.add("document.import", "imported");
        }
        let samples = document.samples.as_ref();
        if samples.is_some_and(|s| !(s.making && s.judging && s.returning)) {
            findings.add("document.samples", "samples");
        }
        if document.products > 1 && document.core_products.is_empty() {
            findings.add("document.no-core-product", "core_products");
        }
    }

    /// Factors are quantified to bands.
    fn factors(&self, findings: &mut Findings<'_>) {
        for item in &self.rules.items {
            if item.kind == ItemKind::Subjective && item.bands.is_empty() {
                findings.add("document.not-quantified", &format!("items/{}", item.id));
            }
        }
    }

    /// The row of the time limits that holds for the method.
    fn group(&self) -> Option<&'static str> {
        match self.rules.method {
            Method::Composite | Method::Lowest | Method::WorksDeviation => Some("tender"),
            Method::Framework => {
                let stage = self.rules.framework.as_ref().map(|f| f.stage);
                (stage != Some(FrameworkStage::SecondCompetition)).then_some("tender")
            }
            Method::Consultation => Some("consultation"),
            Method::Negotiation | Method::Inquiry => Some("group"),
            Method::SingleSource => None,
        }
    }

    fn short(&self, key: &str, days: Option<u32>) -> bool {
        let least = self.pack.number(key);
        let days = days.map(|days| Ratio::from(i64::from(days)));
        days.zip(least).is_some_and(|(days, least)| days < least)
    }

    fn times(&self, findings: &mut Findings<'_>) {
        let document = self.document;
        if self.short("document.notice-days.least", document.notice_days) {
            findings.add("document.notice-days", "notice_days");
        }
        if self.short("document.available-days.least", document.available_days) {
            findings.add("document.available-days", "available_days");
        }
        let Some(group) = self.group() else { return };
        let key = format!("document.response-days.{group}.least");
        if self.short(&key, document.response_days) {
            findings.add("document.response-days", "response_days");
        }
        let key = format!("document.corrections.{group}.least");
        for (at, amendment) in document.amendments.iter().enumerate() {
            let late = self.short(&key, Some(amendment.days_before));
            if late && amendment.affects_bids && !amendment.deadline_moved {
                findings.add("document.corrections", &format!("amendments/{at}"));
            }
        }
    }

    fn committee(&self, findings: &mut Findings<'_>) -> Result<(), Error> {
        let Some(seats) = self.document.seats else {
            return Ok(());
        };
        if self.rules.method == Method::SingleSource {
            return Ok(());
        }
        let budget = self
            .rules
            .budget
            .as_deref()
            .or(self.rules.ceiling.as_deref());
        let budget = budget.map(|text| parse_at("budget", text)).transpose()?;
        let large = self.pack.number("committee.large.budget");
        let large = budget
            .zip(large)
            .is_some_and(|(budget, large)| budget >= large);
        let small_group = self.group() == Some("group") || self.group() == Some("consultation");
        let key = match () {
            () if small_group => "committee.group.seats.least",
            () if large || self.document.complex => "committee.seats.large.least",
            () => "committee.seats.least",
        };
        if seats % 2 == 0 || self.short(key, Some(seats)) {
            findings.add("rules.committee", "seats");
        }
        let part = self.pack.number("committee.experts.least");
        if let (Some(experts), Some(part)) = (self.document.experts, part) {
            let least = part.mul(&Ratio::from(i64::from(seats)))?;
            if Ratio::from(i64::from(experts)) < least || experts > seats {
                findings.add("rules.committee-experts", "experts");
            }
        }
        Ok(())
    }

    fn money(&self, findings: &mut Findings<'_>) -> Result<(), Error> {
        let document = self.document;
        let read = |place: &str, text: &Option<String>| {
            text.as_deref().map(|t| parse_at(place, t)).transpose()
        };
        if read("document_price", &document.document_price)?.is_some_and(|p| p.is_positive()) {
            findings.add("document.price", "document_price");
        }
        if read("floor_price", &document.floor_price)?.is_some() {
            findings.add("document.floor-price", "floor_price");
        }
        let budget = read("budget", &self.rules.budget)?;
        if budget.is_none() && !self.rules.highest_wins {
            findings.add("document.no-budget", "budget");
        }
        let base = budget.clone().or(read("ceiling", &self.rules.ceiling)?);
        let most = self.pack.number("document.bond.most");
        if let (Some(bond), Some(base), Some(most)) =
            (read("bid_bond", &document.bid_bond)?, base, most)
            && bond > base.mul(&most)?
        {
            findings.add("document.bond", "bid_bond");
        }
        if document.cash_bond {
            findings.add("document.cash-bond", "cash_bond");
        }
        let most = self.pack.number("document.performance-bond.most");
        let part = read("performance_bond", &document.performance_bond)?;
        if part.zip(most).is_some_and(|(part, most)| part > most) {
            findings.add("document.performance-bond", "performance_bond");
        }
        let key = match self.rules.object {
            Object::Works => "document.reserve.works",
            _ => "document.reserve.goods",
        };
        let below = budget
            .zip(self.pack.number(key))
            .is_some_and(|(b, limit)| b <= limit);
        if below && document.fit_for_small && !self.rules.reserved {
            findings.add("document.reserve", "reserved");
        }
        Ok(())
    }
}
