//! The rules of a lot as its notice carries them, and what the law says about them.

use crate::{Error, Ratio, Works};
use serde::{Deserialize, Serialize};

/// How the winner is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// 综合评分法 (87 art. 55).
    Composite,
    /// 最低评标价法 (87 art. 54).
    Lowest,
    /// Benchmark and deviation of construction tendering (RULES 5.8).
    WorksDeviation,
}

/// What is bought; decides the least price weight.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Objective or subjective.
    pub kind: ItemKind,
}

/// What decides between equal firsts after total and bid price (87 art. 57, 68).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// A random draw.
    #[default]
    Draw,
    /// The higher quality points, then a draw.
    Quality,
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
    /// Points of price, of 100.
    pub price_weight: String,
    /// Ceiling price in yuan, if any.
    #[serde(default)]
    pub ceiling: Option<String>,
    /// Deduction for small and micro enterprises (46 art. 9).
    #[serde(default = "nought")]
    pub sme_rate: String,
    /// Deduction for consortia giving them at least 30 % (46 art. 9).
    #[serde(default = "nought")]
    pub sme_joint_rate: String,
    /// Deduction for domestic products, if others compete (国办发〔2025〕34号).
    #[serde(default = "nought")]
    pub domestic_rate: String,
    /// Whether the lot is reserved for small and medium enterprises: then no price deduction.
    #[serde(default)]
    pub reserved: bool,
    /// Decimals of points.
    #[serde(default = "two")]
    pub dp: u32,
    /// Scoring items besides price.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Tie rule.
    #[serde(default)]
    pub tie: Tie,
    /// Fewest effective bidders.
    #[serde(default = "three")]
    pub min_bidders: usize,
    /// Abnormally low: part of the mean and of the second lowest price (财库〔2026〕2号).
    #[serde(default = "half")]
    pub low_mean_rate: String,
    /// Abnormally low: part of the ceiling.
    #[serde(default = "low_ceiling")]
    pub low_ceiling_rate: String,
    /// Whether highest and lowest prices are dropped: unlawful in government procurement.
    #[serde(default)]
    pub drop_price_extremes: bool,
    /// Parameters of [`Method::WorksDeviation`].
    #[serde(default)]
    pub works: Option<Works>,
}

fn nought() -> String {
    "0".into()
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

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The notice must not be issued so.
    Error,
    /// Somebody should look.
    Warning,
}

/// What the lint found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code.
    pub code: &'static str,
    /// The article it rests on.
    pub article: &'static str,
    /// How grave.
    pub severity: Severity,
}

impl Finding {
    /// Whether the notice must not be issued so.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Most scoring items of one lot.
pub(crate) const ITEMS_MAX: usize = 256;

/// Everything in which a rule set breaks the law or itself (errors), and what somebody should look
/// at (warnings). Empty for a sound rule set.
pub fn lint(rules: &RuleSet) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |severity, code, article| {
        found.push(Finding {
            code,
            article,
            severity,
        });
    };
    let mut error = |code, article| add(Severity::Error, code, article);
    if check(rules, &mut error).is_err() {
        error("rules.number", "RULES 5.7");
    }
    warn(rules, &mut |code, article| {
        add(Severity::Warning, code, article);
    });
    found
}

/// What a scoring item must not reward, by words in its name. A word can be innocent, so a person
/// looks: code, article, words.
const WORDS: [(&str, &str, &[&str]); 8] = [
    (
        "rules.item-size",
        "87 art. 17; 46 art. 5",
        &[
            "注册资本",
            "注册资金",
            "资产总额",
            "营业收入",
            "从业人员",
            "利润",
            "纳税额",
            "registered capital",
            "turnover",
            "revenue",
            "profit",
            "headcount",
        ],
    ),
    (
        "rules.item-authorisation",
        "87 art. 17",
        &[
            "厂家授权",
            "厂商授权",
            "制造商授权",
            "manufacturer authorisation",
        ],
    ),
    (
        "rules.item-region",
        "Reg art. 20",
        &[
            "本省",
            "本市",
            "本地",
            "省级奖",
            "市级奖",
            "行业奖",
            "行业业绩",
            "local award",
            "local office",
        ],
    ),
    (
        "rules.item-ownership",
        "Reg art. 20",
        &["所有制", "股权结构", "国有企业", "ownership"],
    ),
    (
        "rules.item-brand",
        "Reg art. 20",
        &["品牌", "商标", "专利", "brand", "trademark", "patent"],
    ),
    ("rules.item-sample", "87 art. 22", &["样品", "sample"]),
    (
        "rules.item-qualification",
        "87 art. 55",
        &[
            "资格条件",
            "营业执照",
            "qualification condition",
            "business licence",
        ],
    ),
    (
        "rules.item-software",
        "财库〔2019〕38号 1 (5)",
        &["软件版本", "计价软件", "software version"],
    ),
];

fn warn(rules: &RuleSet, warning: &mut dyn FnMut(&'static str, &'static str)) {
    for (code, article, words) in WORDS {
        let named = |item: &Item| {
            let en = item.name.en.to_lowercase();
            let hit = |word: &&str| item.name.zh.contains(*word) || en.contains(*word);
            words.iter().any(hit)
        };
        if rules.items.iter().take(ITEMS_MAX).any(named) {
            warning(code, article);
        }
    }
    let nothing = |text: &str| Ratio::parse(text).is_ok_and(|rate| rate == Ratio::zero());
    if rules.method != Method::WorksDeviation && !rules.reserved && nothing(&rules.sme_rate) {
        warning("rules.sme-none", "46 art. 9");
    }
}

fn check(rules: &RuleSet, error: &mut dyn FnMut(&'static str, &'static str)) -> Result<(), Error> {
    let government = rules.method != Method::WorksDeviation;
    if let Some(ceiling) = &rules.ceiling
        && crate::Money::parse(ceiling)?.fen() == 0
    {
        error("rules.ceiling-zero", "87 art. 12");
    }
    if rules.items.len() > ITEMS_MAX {
        error("rules.too-many-items", "RULES 5.2");
        return Ok(());
    }
    let one = Ratio::from(1);
    let mut sum = Ratio::parse(&rules.price_weight)?;
    let weight = sum.clone();
    if weight.is_negative() || weight > Ratio::from(100) {
        error("rules.price-weight", "87 art. 55");
    }
    let mut ids = std::collections::BTreeSet::new();
    for item in &rules.items {
        let max = Ratio::parse(&item.max)?;
        if !max.is_positive() {
            error("rules.item-max", "87 art. 55");
        }
        if item.id.is_empty() || !ids.insert(&item.id) {
            error("rules.item-id", "87 art. 55");
        }
        sum = sum.add(&max)?;
    }
    if rules.method == Method::Composite {
        let least = match rules.object {
            Object::Goods => 30,
            Object::Services => 10,
            Object::Works => 0,
        };
        if weight < Ratio::from(least) {
            error("rules.price-weight-low", "87 art. 55");
        }
        if sum != Ratio::from(100) {
            error("rules.weights-sum", "87 art. 55");
        }
    }
    if government && rules.drop_price_extremes {
        error("rules.drops-extremes", "87 art. 55");
    }
    let sme = Ratio::parse(&rules.sme_rate)?;
    let joint = Ratio::parse(&rules.sme_joint_rate)?;
    let domestic = Ratio::parse(&rules.domestic_rate)?;
    // Zero is no deduction at all; whether that is lawful is for `warn`.
    let within = |rate: &Ratio, least: &str, most: &str| {
        let band = Ratio::parse(least)?..=Ratio::parse(most)?;
        Ok::<_, Error>(*rate == Ratio::zero() || band.contains(rate))
    };
    let (small, together) = match rules.object {
        Object::Works => (("0.03", "0.05"), ("0.01", "0.02")),
        _ => (("0.10", "0.20"), ("0.04", "0.06")),
    };
    if !within(&sme, small.0, small.1)? {
        error("rules.sme-rate", "46 art. 9; 财库〔2022〕19号");
    }
    if !within(&joint, together.0, together.1)? {
        error("rules.sme-joint-rate", "46 art. 9; 财库〔2022〕19号");
    }
    if !within(&domestic, "0.20", "0.20")? {
        error("rules.domestic-rate", "国办发〔2025〕34号");
    }
    if rules.object == Object::Works && domestic.is_positive() {
        error("rules.domestic-works", "国办发〔2025〕34号");
    }
    if sme.add(&joint)?.add(&domestic)? >= one {
        error("rules.deductions", "财库〔2025〕30号");
    }
    if rules.reserved && (sme.is_positive() || joint.is_positive()) {
        error("rules.reserved-deduction", "46 art. 9");
    }
    for (rate, least) in [
        (&rules.low_mean_rate, "0.50"),
        (&rules.low_ceiling_rate, "0.45"),
    ] {
        let rate = Ratio::parse(rate)?;
        if rate < Ratio::parse(least)? || rate > Ratio::parse("0.65")? {
            error("rules.abnormal-low-rate", "财库〔2026〕2号");
        }
    }
    if government && rules.min_bidders < 3 {
        error("rules.min-bidders", "87 art. 43");
    }
    if rules.dp > 6 {
        error("rules.decimals", "RULES 5.7");
    }
    if government == rules.works.is_some() {
        error("rules.works", "RULES 5.8");
    }
    if let Some(works) = &rules.works {
        works.check()?;
    }
    Ok(())
}
