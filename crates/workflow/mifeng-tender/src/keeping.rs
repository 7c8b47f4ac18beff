//! What the law wants kept of a procurement, what of it a log holds, and for how long.
//!
//! Normative text: `spec/keeping.md`. The law is the dated table `data/keeping.json`. Nothing here
//! refuses a record: what is missing is told.

use crate::notice::day_of;
use crate::procedure::{Procedure, Regime};
use crate::state::State;
use mifeng_crypto::Time;
use mifeng_score::pack::{Date, Sure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const FILE: &str = include_str!("../data/keeping.json");

/// Text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    zh: String,
    en: String,
}

/// A law or notice that items rest on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // read by people, and by the test that no item cites another one
struct Source {
    id: String,
    title: String,
    number: String,
    from: Date,
    sure: Sure,
}

/// How long papers are kept under one body of law.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // as above
struct Keep {
    id: String,
    regime: Line,
    years: i64,
    source: String,
    article: String,
    from: Date,
    sure: Sure,
    text: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Procurement,
    Tendering,
}

/// When an item is due, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Due {
    /// Once.
    Always,
    /// For each lot.
    Lots,
    /// Once, if a bid was opened.
    Opened,
    /// For each lot with a ranking.
    Ranked,
    /// For each lot with a winner or a list.
    Awarded,
    /// For each lot in which the price of a bid was asked about as too low.
    LowPrice,
    /// If there was one: a log does not know.
    IfAny,
}

/// One thing that the law wants kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // as above
struct Item {
    id: String,
    procedures: Vec<Procedure>,
    due: Due,
    /// Record types, one of which is it, or a word with a dot or `bids`; none: no record can be it.
    found: Vec<String>,
    source: String,
    article: String,
    from: Date,
    sure: Sure,
    text: Words,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // as above
struct Law {
    v: u64,
    id: String,
    sources: Vec<Source>,
    periods: Vec<Keep>,
    items: Vec<Item>,
}

fn law() -> &'static Law {
    static LAW: OnceLock<Law> = OnceLock::new();
    LAW.get_or_init(|| {
        serde_json::from_str(FILE).expect("the file is part of the program, and a test reads it")
    })
}

/// Whether something that the law wants kept is in a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is there, as often as it is due.
    Present,
    /// It is left out of a public export, with its hash.
    Withheld,
    /// It is due and not there.
    Absent,
    /// It is not due: what it would be about did not happen.
    NotDue,
    /// It has to be kept if there was one, which a log does not know.
    IfAny,
}

/// One item of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paper {
    /// Its id in the table.
    pub id: String,
    /// In the words of the law.
    pub zh: String,
    /// In English.
    pub en: String,
    /// By which article.
    pub article: String,
    /// How sure the table is of it: `T`, `S` or `?` (spec/rules.md).
    pub sure: Sure,
    /// Whether it is there.
    pub state: Presence,
    /// How often it is due.
    pub due: u64,
    /// How often it is there.
    pub found: u64,
}

/// How long everything has to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Years, at least.
    pub years: i64,
    /// By which article.
    pub article: String,
    /// How sure the table is of it.
    pub sure: Sure,
    /// The last day, at the earliest: an end of the procurement later than that of its log moves it.
    pub until: Date,
}

/// What the law wants kept of this procurement, as far as its log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keeping {
    /// The table.
    pub law: String,
    /// The day on which the log ended, in Beijing.
    pub ended: Date,
    /// How long; none where the table knows no period for the day of the notice.
    pub keep: Option<Term>,
    /// The list of the procedure, as it stood on the day of the notice.
    pub items: Vec<Paper>,
}

impl Keeping {
    /// The list for a tender whose notice was issued at `issued` and whose log ended at `ended`, with the
    /// types of its records and the lots that they name; `withheld`: sealed bids are left out of the file
    /// at hand. None without a notice.
    pub fn of<'a>(
        state: &'a State,
        records: impl Iterator<Item = (&'a str, Option<&'a str>)>,
        (issued, ended): (Time, Time),
        withheld: bool,
    ) -> Option<Self> {
        let (_, notice) = state.notice()?;
        let (issued, ended) = (day_of(issued)?, day_of(ended)?);
        let profile = notice.procedure.profile();
        let regime = match profile.regime {
            Regime::Procurement => Line::Procurement,
            Regime::Tendering => Line::Tendering,
        };
        let found = Found::new(state, records);
        let keep = law()
            .periods
            .iter()
            .rfind(|keep| keep.regime == regime && keep.from <= issued);
        let items = law()
            .items
            .iter()
            .filter(|item| item.procedures.contains(&notice.procedure) && item.from <= issued);
        Some(Keeping {
            law: law().id.clone(),
            keep: keep.and_then(|keep| {
                Some(Term {
                    years: keep.years,
                    article: keep.article.clone(),
                    sure: keep.sure,
                    until: years_after(&ended, keep.years)?,
                })
            }),
            ended,
            items: items.map(|item| found.paper(item, withheld)).collect(),
        })
    }

    /// Items in this state.
    pub fn in_state(&self, state: Presence) -> impl Iterator<Item = &Paper> {
        self.items.iter().filter(move |paper| paper.state == state)
    }

    /// The list in one sentence, in Chinese and in English.
    pub fn in_words(&self) -> (String, String) {
        let here =
            self.in_state(Presence::Present).count() + self.in_state(Presence::Withheld).count();
        let (mut zh, mut en) = (
            format!("依法应保存的采购文件：在档 {here} 项"),
            format!("papers that the law wants kept: {here} are here"),
        );
        for (state, no_zh, no_en) in [
            (
                Presence::Absent,
                "不在档案中，须另行保存",
                "not in the dossier, to be kept beside it",
            ),
            (
                Presence::IfAny,
                "如有，须一并保存",
                "to be kept as well if there are any",
            ),
        ] {
            let papers: Vec<&Paper> = self.in_state(state).collect();
            if papers.is_empty() {
                continue;
            }
            let named = |name: fn(&Paper) -> &String, open: &str, close: &str, sep: &str| {
                let one = |paper: &&Paper| format!("{}{open}{}{close}", name(paper), paper.article);
                papers.iter().map(one).collect::<Vec<_>>().join(sep)
            };
            zh += &format!("；{no_zh}：{}", named(|p| &p.zh, "（", "）", "、"));
            en += &format!("; {no_en}: {}", named(|p| &p.en, " (", ")", ", "));
        }
        let ended = &self.ended;
        match &self.keep {
            Some(Term {
                years,
                article,
                until,
                sure,
            }) => {
                let (note_zh, note_en) = match sure {
                    Sure::Q => ("，未核", ", not confirmed"),
                    Sure::T | Sure::S => ("", ""),
                };
                zh += &format!(
                    "。日志于 {ended} 结束，全部至少保存至 {until}（{years} 年，{article}{note_zh}），采购结束更晚的顺延"
                );
                en += &format!(
                    ". The log ended on {ended}: keep everything until {until} at least ({years} years, {article}{note_en}), longer if the procurement ended later"
                );
            }
            None => {
                zh += "。该日未知保存期限";
                en += ". No period is known for that day";
            }
        }
        (zh, en)
    }
}

/// What a log holds, by lot.
struct Found<'a> {
    state: &'a State,
    /// Record types, and the lots that records of each name.
    kinds: BTreeMap<&'a str, BTreeSet<&'a str>>,
    low: BTreeSet<&'a str>,
}

impl<'a> Found<'a> {
    fn new(state: &'a State, records: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (kind, lot) in records {
            kinds.entry(kind).or_default().extend(lot);
        }
        let asked = state.questions().iter().map(|(_, question)| &question.ask);
        let low = asked.filter(|ask| ask.matter == crate::Matter::LowPrice);
        Self {
            low: low.map(|ask| ask.lot.as_str()).collect(),
            state,
            kinds,
        }
    }

    fn paper(&self, item: &Item, withheld: bool) -> Paper {
        let lots = |of: &dyn Fn(&str) -> bool| -> Vec<&str> {
            let lots = self.state.notice().map(|(_, n)| n.lots.as_slice());
            let ids = lots.unwrap_or_default().iter().map(|lot| lot.id.as_str());
            ids.filter(|lot| of(lot)).collect()
        };
        let kind_of =
            |kind: &str, lot: &str| self.kinds.get(kind).is_some_and(|lots| lots.contains(lot));
        let places: Option<Vec<&str>> = match item.due {
            Due::Always | Due::IfAny => None,
            Due::Opened if self.kinds.contains_key("bid.open") => None,
            Due::Opened => Some(Vec::new()),
            Due::Lots => Some(lots(&|_| true)),
            Due::Ranked => Some(lots(&|lot| kind_of("rank", lot))),
            Due::Awarded => Some(lots(&|lot| {
                kind_of("award", lot) || kind_of("framework.list", lot)
            })),
            Due::LowPrice => Some(lots(&|lot| self.low.contains(lot))),
        };
        let (due, found) = match &places {
            None => (1, u64::from(self.holds(item, None))),
            Some(lots) => {
                let found = lots.iter().filter(|lot| self.holds(item, Some(lot)));
                (lots.len() as u64, found.count() as u64)
            }
        };
        let bids = item.found.iter().any(|what| what == BIDS);
        let state = match (item.due, due, found == due) {
            (Due::IfAny, ..) => Presence::IfAny,
            (_, 0, _) => Presence::NotDue,
            (_, _, true) if bids && withheld => Presence::Withheld,
            (_, _, true) => Presence::Present,
            _ => Presence::Absent,
        };
        Paper {
            id: item.id.clone(),
            zh: item.text.zh.clone(),
            en: item.text.en.clone(),
            article: item.article.clone(),
            sure: item.sure,
            state,
            due,
            found,
        }
    }

    /// Whether one of the things that are this item is there, for the lot if one is given.
    fn holds(&self, item: &Item, lot: Option<&&str>) -> bool {
        let Some((_, notice)) = self.state.notice() else {
            return false;
        };
        item.found.iter().any(|what| match what.as_str() {
            // V1 and V10 see to it that every opened bid is there or withheld with its hash.
            BIDS => self.kinds.contains_key("bid.open"),
            "notice.documents" => !notice.documents.is_empty(),
            "notice.rules" => true,
            // Stamped by both; V14 sees to it that its text is there.
            "contract.complete" => {
                let contract = lot.and_then(|lot| self.state.contract(lot));
                contract.is_some_and(|contract| contract.buyer.is_some())
            }
            "notice.budget" => {
                let own = notice.lots.iter().find(|own| Some(&own.id.as_str()) == lot);
                own.is_some_and(|own| own.rules.budget.is_some())
            }
            kind => match (self.kinds.get(kind), lot) {
                (Some(lots), Some(lot)) => lots.contains(lot),
                (found, _) => found.is_some(),
            },
        })
    }
}

const BIDS: &str = "bids";

/// The day so many years later; the last day of the month where it has no such day.
fn years_after(day: &Date, years: i64) -> Option<Date> {
    let text = day.as_str();
    let year: i64 = text.get(..4)?.parse().ok()?;
    let rest = text.get(4..)?;
    let later = |rest: &str| Date::parse(&format!("{:04}{rest}", year + years));
    later(rest).or_else(|| later("-02-28"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let law = law();
        assert_eq!(law.v, 1);
        let known: BTreeMap<&str, &Source> =
            law.sources.iter().map(|s| (s.id.as_str(), s)).collect();
        let ids: BTreeSet<&str> = law.items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids.len(), law.items.len(), "an id stands twice");
        for item in &law.items {
            let source = known.get(item.source.as_str()).expect("a known source");
            assert!(source.from <= item.from, "{} before its source", item.id);
            assert!(!item.article.is_empty() && !item.procedures.is_empty());
            let word = |w: &String| {
                w == BIDS || w.contains('.') || ["report", "award", "check"].contains(&w.as_str())
            };
            assert!(item.found.iter().all(word), "{}", item.id);
        }
        for keep in &law.periods {
            assert!(known.contains_key(keep.source.as_str()), "{}", keep.id);
        }
        // Every procedure has a report and a contract among what is kept.
        for profile in &crate::PROFILES {
            let of = |prefix: &str| {
                let mine = law
                    .items
                    .iter()
                    .filter(|i| i.procedures.contains(&profile.procedure));
                mine.filter(|i| i.id.split('.').next() == Some(prefix))
                    .count()
            };
            assert_eq!((of("report"), of("contract")), (1, 1), "{}", profile.en);
        }
    }

    #[test]
    fn years_end_on_a_day_that_there_is() {
        let after =
            |day: &str| years_after(&Date::parse(day).expect("a day"), 15).map(String::from);
        assert_eq!(after("2026-03-05").as_deref(), Some("2041-03-05"));
        assert_eq!(after("2028-02-29").as_deref(), Some("2043-02-28"));
        assert_eq!(after("9990-01-01"), None);
    }
}
