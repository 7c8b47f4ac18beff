//! The rules of a lot as its notice carries them.

mod bands;
mod items;
mod lint;
mod words;

pub(crate) use lint::Findings;
pub use lint::{Finding, Severity, lint, lint_in};
pub(crate) use words::named;

use crate::formula::Formula;
use crate::pack::{Pin, Regime};
use crate::{Works, price::PriceForm};
use serde::{Deserialize, Serialize};

/// How the winner is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// 综合评分法 (87 art. 55).
    Composite,
    /// 最低评标价法 (87 art. 54).
    Lowest,
    /// 竞争性谈判: the lowest final offer among those that meet everything (74 art. 35, 36).
    Negotiation,
    /// 询价: one price, the lowest (74 art. 48, 49).
    Inquiry,
    /// 竞争性磋商: composite score over final offers (214 art. 23 to 25).
    Consultation,
    /// 单一来源: one supplier, a negotiated price within the budget (PL art. 39; 74 art. 41).
    SingleSource,
    /// 框架协议: admission with elimination, or the second competition (110 art. 25 to 34).
    Framework,
    /// Benchmark and deviation of construction tendering, or any other formula (RULES 5.8).
    WorksDeviation,
}

impl Method {
    /// All of them, in the order of the documents.
    pub const ALL: [Self; 8] = [
        Self::Composite,
        Self::Lowest,
        Self::Negotiation,
        Self::Inquiry,
        Self::Consultation,
        Self::SingleSource,
        Self::Framework,
        Self::WorksDeviation,
    ];

    /// The word of the formats, such as `single-source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Composite => "composite",
            Self::Lowest => "lowest",
            Self::Negotiation => "negotiation",
            Self::Inquiry => "inquiry",
            Self::Consultation => "consultation",
            Self::SingleSource => "single-source",
            Self::Framework => "framework",
            Self::WorksDeviation => "works-deviation",
        }
    }

    /// The line of law it belongs to: government procurement or tendering.
    pub fn regime(self) -> Regime {
        match self {
            Self::WorksDeviation => Regime::Tendering,
            _ => Regime::Procurement,
        }
    }

    /// Whether points of price and of judges are added up.
    pub fn scored(self) -> bool {
        matches!(
            self,
            Self::Composite | Self::Consultation | Self::WorksDeviation
        )
    }

    /// Whether prices are final offers, given after talks (74 art. 33; 214 art. 21).
    pub fn final_offers(self) -> bool {
        matches!(self, Self::Negotiation | Self::Consultation)
    }
}

/// What is bought; decides the bands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    /// 货物.
    #[default]
    Goods,
    /// 服务.
    Services,
    /// 工程.
    Works,
}

impl Object {
    /// The word of the formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Services => "services",
            Self::Works => "works",
        }
    }
}

/// Whether judges may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// All judges must agree (87 art. 55, 64).
    Objective,
    /// Each judge alone.
    Subjective,
}

/// A name in two languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One scoring item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Id, unique within the rule set.
    pub id: String,
    /// Name.
    pub name: Name,
    /// Most points, decimal text.
    pub max: String,
    /// Whether judges may differ.
    pub kind: ItemKind,
    /// Whether it is part of the technical side (技术指标), which decides between equal scores and
    /// offers of a consultation (214 art. 25).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub technical: bool,
    /// Bands that a score must lie in, each `[least, most]` in points (87 art. 55: factors are
    /// quantified to bands). None: anything from 0 to `max`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<[String; 2]>,
}

/// What decides between equal bids after the law's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// A random draw.
    #[default]
    Draw,
    /// The higher quality points, then a draw; in a consultation after the technical part.
    Quality,
}

/// Why fewer than three suppliers may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exception {
    /// Two were left of an open tender and negotiation was approved (74 art. 27).
    TwoLeft,
    /// Market-supported research, commercialised results (214 art. 3 item 4, art. 21).
    Research,
    /// Service purchases, two left during consultation (财库〔2015〕124号).
    ServicesTwo,
    /// Emergency procurement (财库〔2026〕12号).
    Emergency,
}

impl Exception {
    /// The word of the formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoLeft => "two-left",
            Self::Research => "research",
            Self::ServicesTwo => "services-two",
            Self::Emergency => "emergency",
        }
    }
}

/// Rules of a framework agreement (110).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Admission or second competition.
    pub stage: FrameworkStage,
    /// Testing and laboratory instruments under quality first (110 art. 27).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub laboratory: bool,
    /// Part of the bidders to eliminate, if above the least of the law; a part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eliminate: Option<String>,
}

/// Stage of a framework agreement and what it sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameworkStage {
    /// 价格优先: the lowest evaluated prices are admitted.
    PriceFirst,
    /// 质量优先: the highest quality points are admitted.
    QualityFirst,
    /// 二次竞价: the lowest offer, none above the supplier's agreed price.
    SecondCompetition,
}

/// Judges dropped at each end of a bid's totals, only where the document says so (RULES 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropJudges {
    /// Highest totals dropped.
    pub hi: usize,
    /// Lowest totals dropped.
    pub lo: usize,
    /// Fewest judges for which anything is dropped.
    pub min: usize,
}

/// The rules of one lot. Numbers are decimal text; rates are fractions of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// Method.
    pub method: Method,
    /// What is bought.
    #[serde(default)]
    pub object: Object,
    /// The rule pack that binds the lot; fixed when the notice is issued. None: the newest shipped
    /// pack of the method's regime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<Pin>,
    /// Points of price, of 100.
    pub price_weight: String,
    /// Whether finance approved a price weight outside the bands of consultation (214 art. 24).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub weight_approved: bool,
    /// No price factor: the state fixes the price (87 art. 55).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixed_price: bool,
    /// What a price is.
    #[serde(default, skip_serializing_if = "PriceForm::is_total")]
    pub price_form: PriceForm,
    /// Whether the highest price wins: income from a concession.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub highest_wins: bool,
    /// Ceiling price, if any, in the unit of the price form.
    #[serde(default)]
    pub ceiling: Option<String>,
    /// Budget; stands in for a missing ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// Deduction for small and micro enterprises (46 art. 9).
    #[serde(default = "nought")]
    pub sme_rate: String,
    /// Deduction for consortia giving them at least 30 % (46 art. 9).
    #[serde(default = "nought")]
    pub sme_joint_rate: String,
    /// Deduction for domestic products, if others compete (国办发〔2025〕34号).
    #[serde(default = "nought")]
    pub domestic_rate: String,
    /// Deduction for products on the energy and environment priority lists (财库〔2019〕9号).
    #[serde(default = "nought", skip_serializing_if = "is_nought")]
    pub green_rate: String,
    /// Works, not lowest price first: price points × (1 + rate) for small ones (46 art. 9).
    #[serde(default = "nought", skip_serializing_if = "is_nought")]
    pub sme_bonus_rate: String,
    /// The same for consortia.
    #[serde(default = "nought", skip_serializing_if = "is_nought")]
    pub sme_joint_bonus_rate: String,
    /// Most price points with the bonus; None: the price weight or the formula's full points times
    /// the bonus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bonus_cap: Option<String>,
    /// Whether the lot is reserved for small and medium enterprises: then no price deduction.
    #[serde(default)]
    pub reserved: bool,
    /// Decimals of points.
    #[serde(default = "two")]
    pub dp: u32,
    /// Scoring items besides price.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Judges dropped at both ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop_judges: Option<DropJudges>,
    /// Tie rule.
    #[serde(default)]
    pub tie: Tie,
    /// Fewest effective bidders.
    #[serde(default = "three")]
    pub min_bidders: usize,
    /// Why fewer than three will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// Abnormally low: part of the mean and of the second lowest price (财库〔2026〕2号).
    #[serde(default = "half")]
    pub low_mean_rate: String,
    /// Abnormally low: part of the ceiling.
    #[serde(default = "low_ceiling")]
    pub low_ceiling_rate: String,
    /// Whether bids of one brand count once (87 art. 31). None: as the law of the method says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_brand: Option<bool>,
    /// Whether highest and lowest prices are dropped: unlawful in government procurement.
    #[serde(default)]
    pub drop_price_extremes: bool,
    /// Rules of [`Method::Framework`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<Framework>,
    /// Parameters of [`Method::WorksDeviation`]; short for the formula `mean-deviation`.
    #[serde(default)]
    pub works: Option<Works>,
    /// The formula of [`Method::WorksDeviation`] where `works` does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<Formula>,
}

fn nought() -> String {
    "0".into()
}
fn is_nought(text: &str) -> bool {
    text == "0"
}
fn two() -> u32 {
    2
}
fn three() -> usize {
    3
}
fn half() -> String {
    "0.50".into()
}
fn low_ceiling() -> String {
    "0.45".into()
}

/// Most scoring items of one lot.
pub(crate) const ITEMS_MAX: usize = 256;

impl RuleSet {
    /// Whether bids of one brand count once: by the document, else for open and invited tendering
    /// of goods and services only (87 art. 31).
    pub fn counts_brands_once(&self) -> bool {
        let by_law = matches!(self.method, Method::Composite | Method::Lowest);
        self.same_brand.unwrap_or(by_law) && self.object != Object::Works
    }

    /// Whether the technical part of the sheets comes before every other rule for equal bids.
    pub(crate) fn technical_first(&self) -> bool {
        self.method == Method::Consultation && self.items.iter().any(|item| item.technical)
    }

    /// The number above which a price is invalid: the ceiling, else the budget.
    pub fn limit(&self) -> Option<&str> {
        self.ceiling.as_deref().or(self.budget.as_deref())
    }
}
