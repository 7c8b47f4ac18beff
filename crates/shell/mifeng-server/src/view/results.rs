//! How the lots of a tender ended: what a result notice says (87 art. 69; 74 art. 18; 214 art. 29; Reg art. 43).

use super::{Words, method, words};
use mifeng::Logged;
use mifeng::crypto::{Digest, Time};
use mifeng::tender::{Award, Candidate, LotFail, Notice, Procedure, State};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Procedures whose result notices name the members of the committee, with the article. In the others they are not named here.
const NAMED: [(Procedure, (&str, &str)); 5] = [
    (Procedure::Open, ("财政部令第87号第69条", "87 art. 69")),
    (Procedure::Invited, ("财政部令第87号第69条", "87 art. 69")),
    (
        Procedure::Negotiation,
        ("财政部令第74号第18条", "74 art. 18"),
    ),
    (Procedure::Inquiry, ("财政部令第74号第18条", "74 art. 18")),
    (
        Procedure::Consultation,
        ("财库〔2014〕214号第29条", "214 art. 29"),
    ),
];

/// What laws and orders are called where records name their articles.
const LAWS: [(&str, &str); 10] = [
    ("PL", "政府采购法"),
    ("Reg", "政府采购法实施条例"),
    ("TL", "招标投标法"),
    ("TReg", "招标投标法实施条例"),
    ("46", "财库〔2020〕46号"),
    ("74", "财政部令第74号"),
    ("87", "财政部令第87号"),
    ("110", "财政部令第110号"),
    ("198", "财库〔2016〕198号"),
    ("214", "财库〔2014〕214号"),
];

/// Articles as a Chinese page names them; what is not known stays as it is.
fn article_zh(articles: &str) -> String {
    let one = |article: &str| -> Option<String> {
        if article.starts_with("财库") {
            return Some(article.to_owned());
        }
        let (law, numbers) = article.split_once(" art. ")?;
        let (_, zh) = LAWS.iter().find(|(known, _)| *known == law)?;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let numbers: Vec<&str> = numbers.split(", ").collect();
        let plain = numbers.iter().all(|part| is_number(part));
        plain.then(|| format!("{zh}第{}条", numbers.join("、")))
    };
    let known: Option<Vec<String>> = articles.split("; ").map(one).collect();
    known.map_or_else(|| articles.to_owned(), |known| known.join("；"))
}

/// A bidder in its place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Placed {
    /// From 1.
    pub order: u32,
    /// Name.
    pub name: String,
    /// Unified social credit code.
    pub bidder: String,
    /// The price in yuan: of a winner that of the contract.
    pub price: String,
}

/// How one lot ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Ended {
    /// Lot.
    pub lot: String,
    /// What is bought.
    pub title: Words,
    /// How it was evaluated.
    pub method: Words,
    /// `awarded`, `listed` (a framework agreement) or `failed`.
    pub status: &'static str,
    /// Who won, or whom the framework agreement takes in.
    pub winners: Vec<Placed>,
    /// The candidates of the evaluation report, in order.
    pub candidates: Vec<Placed>,
    /// Members of the committee, where the law wants them named; the article in `named_by`.
    pub experts: Vec<String>,
    /// The article that wants them named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_by: Option<Words>,
    /// Why it failed: the code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reason in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_words: Option<Words>,
    /// The article that the reason rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// The article as each language calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article_words: Option<Words>,
    /// When it was signed.
    #[schema(value_type = Option<String>)]
    pub time: Option<Time>,
}

/// The lots that have ended, in the order of the notice.
pub(super) fn results(state: &State, records: &[Logged]) -> Vec<Ended> {
    let Some((_, notice)) = state.notice() else {
        return Vec::new();
    };
    let lots = notice.lots.iter();
    let endings: Vec<(&mifeng::tender::Lot, Ending<'_>)> = lots
        .filter_map(|lot| Some((lot, ending(state, &lot.id)?)))
        .collect();
    if endings.is_empty() {
        return Vec::new();
    }
    // While another lot is evaluated nobody learns who sits (87 art. 66).
    let all = endings.len() == notice.lots.len();
    let people = People::of(notice, records, all);
    let ended = endings.into_iter().map(|(lot, ending)| {
        let report = state.report(&lot.id).map(|(_, report)| report);
        let members = report.map_or(&[][..], |report| &*report.committee);
        let (winners, fail) = match ending {
            Ending::Award(award) => (vec![won(award)], None),
            Ending::List(suppliers) => (suppliers.iter().map(placed).collect(), None),
            Ending::Fail(fail) => (Vec::new(), Some(fail)),
        };
        Ended {
            lot: lot.id.clone(),
            title: words(&lot.title.zh, &lot.title.en),
            method: method(lot.rules.method),
            status: ending.status(),
            winners,
            candidates: report.map_or_else(Vec::new, |report| {
                report.candidates.iter().map(placed).collect()
            }),
            experts: people.named(members),
            named_by: people
                .article
                .filter(|_| !members.is_empty())
                .map(|(zh, en)| words(zh, en)),
            reason: fail.map(|fail| fail.reason.clone()),
            reason_words: fail.map(|fail| reason(&fail.reason)),
            article: fail.map(|fail| fail.article.clone()),
            article_words: fail.map(|fail| words(&article_zh(&fail.article), &fail.article)),
            time: people.ended.get(&*lot.id).copied(),
        }
    });
    ended.collect()
}

#[derive(Clone, Copy)]
enum Ending<'a> {
    Award(&'a Award),
    List(&'a [Candidate]),
    Fail(&'a LotFail),
}

impl Ending<'_> {
    fn status(self) -> &'static str {
        match self {
            Ending::Award(_) => "awarded",
            Ending::List(_) => "listed",
            Ending::Fail(_) => "failed",
        }
    }
}

fn ending<'a>(state: &'a State, lot: &str) -> Option<Ending<'a>> {
    let award = state.awards().get(lot).map(Ending::Award);
    let list = || Some(Ending::List(&state.listed(lot)?.suppliers));
    award
        .or_else(list)
        .or_else(|| state.failed(lot).map(Ending::Fail))
}

/// What the records say of those who acted.
struct People<'a> {
    article: Option<(&'static str, &'static str)>,
    /// Names of members, by certificate.
    names: BTreeMap<Digest, &'a str>,
    /// When each lot ended.
    ended: BTreeMap<&'a str, Time>,
}

impl<'a> People<'a> {
    fn of(notice: &Notice, records: &'a [Logged], all: bool) -> Self {
        let mut named = NAMED.iter();
        let named = named.find(|(one, _)| all && *one == notice.procedure);
        let seated = records.iter().filter(|one| one.seated && one.signed);
        let ends = records.iter().filter_map(|one| {
            let ends = matches!(&*one.kind, "award" | "framework.list" | "lot.fail");
            Some((one.lot.as_deref().filter(|_| ends)?, one.time))
        });
        People {
            article: named.map(|(_, article)| *article),
            names: seated.map(|one| (one.actor, &*one.signer)).collect(),
            ended: ends.collect(),
        }
    }

    fn named(&self, members: &[Digest]) -> Vec<String> {
        let known = members.iter().filter_map(|cert| self.names.get(cert));
        let names: BTreeSet<&str> = known.filter(|_| self.article.is_some()).copied().collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

fn won(award: &Award) -> Placed {
    Placed {
        order: 1,
        name: award.name.clone(),
        bidder: award.bidder.clone(),
        price: award.price.clone(),
    }
}

fn placed(one: &Candidate) -> Placed {
    Placed {
        order: one.order,
        name: one.name.clone(),
        bidder: one.bidder.clone(),
        price: one.price.clone(),
    }
}

/// The reasons of `lot.fail` (spec/evaluation.md).
fn reason(code: &str) -> Words {
    let (zh, en) = match code {
        "too-few-bids" => ("投标人不足", "too few bids"),
        "too-few-opened" => ("能够开启的投标不足", "too few bids could be opened"),
        "too-few-qualified" => ("通过资格审查的不足", "too few are qualified"),
        "too-few-conforming" => ("通过符合性审查的不足", "too few conform"),
        "too-few-offers" => ("提交最后报价的不足", "too few gave a final offer"),
        "too-few-left" | "too-few-effective" => ("有效投标不足", "too few bids are left"),
        "more-than-one-supplier" => ("供应商不止一家", "more than one supplier came"),
        "too-few-to-draw" => ("参与抽取的投标不足", "too few bids to draw among"),
        "formula-without-result" => ("评标公式无法得出结果", "the formula gives no result"),
        other => (other, other),
    };
    words(zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mifeng::crypto::INTL;
    use mifeng_testkit::world::{Cast, Kind, LOT, Tender, notice};

    fn told(tender: &Tender<'_>) -> Vec<Ended> {
        results(tender.host.state(), &tender.host.replay().records)
    }

    #[test]
    fn articles_of_failed_lots_have_chinese_names() {
        let sources = [
            include_str!("../../../../workflow/mifeng-tender/src/procedure.rs"),
            include_str!("../../../../workflow/mifeng-tender/src/evaluation/failure.rs"),
        ];
        let texts = sources
            .iter()
            .flat_map(|source| source.split('"').skip(1).step_by(2));
        let articles: BTreeSet<&str> = texts.filter(|text| text.contains(" art. ")).collect();
        assert!(articles.len() > 20, "{articles:?}");
        for article in articles {
            let zh = article_zh(article);
            assert!(
                !zh.contains("art.") && zh.ends_with(['条', '号']),
                "{article}: {zh}"
            );
        }
        assert_eq!(
            article_zh("TL art. 40, 42; TReg art. 49"),
            "招标投标法第40、42条；招标投标法实施条例第49条"
        );
        for other in ["", "X art. 1", "87 art. ", "87 art. 59 (2)", "87 art. 1; x"] {
            assert_eq!(article_zh(other), other);
        }
    }

    #[test]
    fn the_committee_is_named_once_every_lot_has_ended() {
        let cast = Cast::new(&INTL, "results");
        let mut tender = Tender::unpublished(&cast, "test.example/results");
        let mut two = notice(&cast, tender.host.state(), Kind::Board);
        let mut other = two.lots[0].clone();
        // Nobody bids for it.
        other.id = "other".to_owned();
        two.lots.push(other);
        tender.publish(&two).expect("a lawful notice");
        tender.receive(3);
        tender.close_and_release(Kind::Board);
        tender.open_all(100);
        let seated = tender.draw(101);
        assert!(told(&tender).is_empty());
        assert!(tender.evaluate(&seated, 102));

        let first = told(&tender);
        let award = &tender.host.state().awards()[LOT];
        assert_eq!(first.len(), 1);
        assert_eq!((&*first[0].lot, first[0].status), (LOT, "awarded"));
        let won = &first[0].winners[0];
        assert_eq!(
            (&won.name, &won.bidder, &won.price),
            (&award.name, &award.bidder, &award.price)
        );
        assert_eq!(first[0].candidates.len(), 3);
        assert!(first[0].experts.is_empty() && first[0].named_by.is_none());

        tender.end(103);
        let all = told(&tender);
        assert_eq!(all.len(), 2);
        let names: BTreeSet<String> = all[0].experts.iter().cloned().collect();
        let seats = seated.iter().map(|number| &cast.experts[*number]);
        let expected =
            seats.map(|one| mifeng::pki::Signer::certificate(&one.signer).subject_name());
        assert_eq!(names, expected.collect());
        assert!(all[0].named_by.is_some());
        let failed = &all[1];
        assert_eq!(
            (failed.status, failed.reason.as_deref()),
            ("failed", Some("too-few-bids"))
        );
        assert!(failed.winners.is_empty() && failed.article.is_some() && failed.time.is_some());
        let both = failed
            .article_words
            .as_ref()
            .map(|own| (&*own.zh, &*own.en));
        let zh = "财政部令第87号第41、43条";
        assert_eq!(both, Some((zh, "87 art. 41, 43")));
    }
}
