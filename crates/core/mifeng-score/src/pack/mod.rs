//! Law as dated data: what a rule says, by which article, from when, where, and how sure we are.
//!
//! Normative text: `spec/rules.md`.

mod date;
mod diff;
mod shipped;

pub use date::Date;
pub use diff::{Change, diff};
pub use shipped::{find, latest, packs, pinned};

use crate::derivation::Basis;
use crate::formula::Formula;
use crate::{Error, Name, Ratio, Severity};
use mifeng_crypto::{Digest, HashAlg, jcs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest pack: the shipped ones are a tenth of it.
pub const PACK_LEN_MAX: usize = 1 << 20;
/// Most entries of a pack.
pub const ENTRIES_MAX: usize = 2_000;
/// Most words of one entry.
pub const WORDS_MAX: usize = 200;

/// The two lines of law, never mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// Government procurement (finance).
    Procurement,
    /// Tendering (development and reform).
    Tendering,
}

/// How sure a pack is of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sure {
    /// The text was read in full.
    T,
    /// From secondary sources that agree.
    S,
    /// A convention, or to be confirmed with the host platform or its regulator.
    #[serde(rename = "?")]
    Q,
}

impl Sure {
    /// `T`, `S` or `?`.
    pub fn mark(self) -> &'static str {
        match self {
            Self::T => "T",
            Self::S => "S",
            Self::Q => "?",
        }
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A number: a least, a most, a rate, a count.
    Value,
    /// A step of a computation and what it rests on.
    Step,
    /// A check of a rule set or tender document.
    Check,
    /// A check by words in a name.
    Words,
    /// A reason for which a bid is invalid.
    Reason,
    /// A reason for which a result may be changed.
    Recheck,
    /// A formula.
    Formula,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Stable id, unique within the pack: `sme.goods.least`.
    pub id: String,
    /// What it is.
    pub kind: EntryKind,
    /// The number of a value: decimal text or a fraction such as `2/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Unit of the value: `points`, `part`, `percent`, `yuan`, `count`, `days`, `minutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How grave a check is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Words of a check by words, lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The formula.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<Formula>,
    /// Id of the source.
    pub source: String,
    /// The article as it is cited: `87 art. 55`.
    pub article: String,
    /// In force from.
    pub from: Date,
    /// In force to this day inclusive; open if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// How sure we are.
    pub sure: Sure,
    /// What it says.
    pub text: Name,
}

/// A law, decree or notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Short id: `87`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Number, if it has one.
    pub number: String,
    /// In force from.
    pub from: Date,
    /// How sure we are of its text.
    pub sure: Sure,
}

/// A pack as its bytes say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    v: u8,
    id: String,
    title: Name,
    regime: Regime,
    regions: Vec<String>,
    from: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Date>,
    sources: Vec<Source>,
    entries: Vec<Entry>,
}

/// A rule pack: the law of one regime and region from one day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    raw: Raw,
    index: BTreeMap<String, usize>,
    sm3: Digest,
    sha256: Digest,
}

/// Which pack binds a lot: its id and the digest of its canonical bytes under either suite's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Id.
    pub id: String,
    /// Digest.
    pub digest: Digest,
}

impl Pack {
    /// Reads a pack; whitespace and order of members are free, the digest is of the canonical form.
    ///
    /// # Errors
    /// [`Error::Pack`] with the entry at fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let fault = |place: &str, what: String| Error::Pack {
            place: place.to_owned(),
            what,
        };
        if bytes.len() > PACK_LEN_MAX {
            return Err(Error::TooMany {
                what: "bytes of a rule pack",
                found: bytes.len(),
                limit: PACK_LEN_MAX,
            });
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(|e| Error::json(&e))?;
        if raw.v != 1 {
            return Err(fault("v", format!("version 1 expected, found {}", raw.v)));
        }
        if raw.entries.len() > ENTRIES_MAX {
            return Err(Error::TooMany {
                what: "entries of a rule pack",
                found: raw.entries.len(),
                limit: ENTRIES_MAX,
            });
        }
        let region = |code: &String| code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
        if raw.regions.is_empty() || !raw.regions.iter().all(region) {
            return Err(fault("regions", "codes of six digits expected".to_owned()));
        }
        let mut index = BTreeMap::new();
        for (at, entry) in raw.entries.iter().enumerate() {
            entry.check(&raw).map_err(|what| fault(&entry.id, what))?;
            if index.insert(entry.id.clone(), at).is_some() {
                return Err(fault(&entry.id, "the id occurs twice".to_owned()));
            }
        }
        let bytes = jcs::to_vec(&raw).map_err(|e| fault("pack", e.to_string()))?;
        Ok(Self {
            sm3: HashAlg::Sm3.digest(&bytes),
            sha256: HashAlg::Sha256.digest(&bytes),
            raw,
            index,
        })
    }

    /// The canonical bytes (RFC 8785).
    ///
    /// # Errors
    /// Never for a pack that was read; the signature follows the serialiser.
    pub fn to_jcs(&self) -> Result<Vec<u8>, Error> {
        jcs::to_vec(&self.raw).map_err(|e| Error::Pack {
            place: self.raw.id.clone(),
            what: e.to_string(),
        })
    }

    /// Digest of the canonical bytes.
    pub fn digest(&self, alg: HashAlg) -> Digest {
        match alg {
            HashAlg::Sm3 => self.sm3,
            HashAlg::Sha256 => self.sha256,
        }
    }

    /// What a notice of a suite with this hash carries.
    pub fn pin(&self, alg: HashAlg) -> Pin {
        Pin {
            id: self.raw.id.clone(),
            digest: self.digest(alg),
        }
    }

    /// Whether a pin means this pack, under either hash.
    pub fn is(&self, pin: &Pin) -> bool {
        self.raw.id == pin.id && (pin.digest == self.sm3 || pin.digest == self.sha256)
    }

    /// Id.
    pub fn id(&self) -> &str {
        &self.raw.id
    }

    /// Title.
    pub fn title(&self) -> &Name {
        &self.raw.title
    }

    /// The line of law.
    pub fn regime(&self) -> Regime {
        self.raw.regime
    }

    /// GB/T 2260 codes of the regions; `000000` is the whole country.
    pub fn regions(&self) -> &[String] {
        &self.raw.regions
    }

    /// First day in force.
    pub fn from(&self) -> &Date {
        &self.raw.from
    }

    /// Last day in force, if known.
    pub fn to(&self) -> Option<&Date> {
        self.raw.to.as_ref()
    }

    /// The sources.
    pub fn sources(&self) -> &[Source] {
        &self.raw.sources
    }

    /// The entries in the order of the pack.
    pub fn entries(&self) -> &[Entry] {
        &self.raw.entries
    }

    /// Whether the pack holds in a region on a day.
    pub fn applies(&self, region: &str, day: &Date) -> bool {
        let begun = self.raw.from <= *day;
        let ended = self.raw.to.as_ref().is_some_and(|to| to < day);
        // Pairs of digits name province, prefecture and county; a pair of noughts is all of them.
        let inside = |code: &String| {
            let own = code.trim_end_matches("00");
            !own.is_empty() && region.starts_with(own)
        };
        begun
            && !ended
            && self
                .raw
                .regions
                .iter()
                .any(|code| code == "000000" || inside(code))
    }

    /// An entry by id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.index.get(id).and_then(|at| self.raw.entries.get(*at))
    }

    /// The number of an entry; `None` if the pack does not know it.
    pub fn number(&self, id: &str) -> Option<Ratio> {
        let text = self.entry(id)?.value.as_ref()?;
        // Every value was read when the pack was.
        parse_value(text).ok()
    }

    /// What a step or value rests on. A pack that does not know the step says so in the article.
    pub fn basis(&self, id: &str) -> Basis {
        let entry = self.entry(id);
        Basis {
            article: entry.map_or_else(|| format!("({id})"), |e| e.article.clone()),
            pack: self.raw.id.clone(),
            sure: entry.map_or("?", |e| e.sure.mark()).to_owned(),
        }
    }

    /// Formulas by id.
    pub fn formulas(&self) -> impl Iterator<Item = (&str, &Formula)> {
        let formula = |entry: &'_ Entry| entry.formula.is_some();
        let entries = self.raw.entries.iter().filter(move |e| formula(e));
        entries.filter_map(|e| Some((e.id.as_str(), e.formula.as_ref()?)))
    }

    /// Reasons for which a bid is invalid.
    pub fn reasons(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.raw.entries.iter();
        entries.filter(|entry| entry.kind == EntryKind::Reason)
    }
}

/// Decimal text, or a fraction of two.
fn parse_value(text: &str) -> Result<Ratio, Error> {
    match text.split_once('/') {
        Some((num, den)) => Ratio::parse(num)?.div(&Ratio::parse(den)?),
        None => Ratio::parse(text),
    }
}

impl Entry {
    fn check(&self, raw: &Raw) -> Result<(), String> {
        let sign = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(sign) {
            return Err("an id has 1 to 64 of a-z, 0-9, - and .".to_owned());
        }
        if !raw.sources.iter().any(|source| source.id == self.source) {
            return Err(format!("no source {:?}", self.source));
        }
        if self.article.is_empty() {
            return Err("no article".to_owned());
        }
        let ended = |to: &Date| raw.from > *to || self.from > *to;
        if self.from > raw.from || self.to.as_ref().is_some_and(ended) {
            return Err("not in force when the pack begins".to_owned());
        }
        if let Some(value) = &self.value {
            parse_value(value).map_err(|e| e.to_string())?;
        }
        if self.words.len() > WORDS_MAX || self.words.iter().any(String::is_empty) {
            return Err(format!("up to {WORDS_MAX} words, none empty"));
        }
        let whole = match self.kind {
            EntryKind::Value => self.value.is_some(),
            EntryKind::Words => !self.words.is_empty() && self.severity.is_some(),
            EntryKind::Check => self.severity.is_some(),
            EntryKind::Formula => self.formula.is_some(),
            EntryKind::Step | EntryKind::Reason | EntryKind::Recheck => true,
        };
        if !whole {
            return Err("a member that its kind needs is missing".to_owned());
        }
        if let Some(formula) = &self.formula {
            formula.compile().map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}
