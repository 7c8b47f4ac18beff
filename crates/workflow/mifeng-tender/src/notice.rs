//! The notice: the rules of one tender, which every later record must agree with.

use crate::procedure::{Large, Procedure};
use mifeng_crypto::{Digest, HashAlg, Suite, Time};
use mifeng_lock::tlock::{Chain, ChainRecord};
use mifeng_lock::{Leaf, Policy};
use mifeng_log::Schedule;
use mifeng_score::formula::Choice;
use mifeng_score::pack::{Date, Pack, Pin};
use mifeng_score::{FrameworkStage, Method, Money, Ratio, RuleSet};
use serde::{Deserialize, Serialize};

/// Beats until the deadline: `log/beats.json` takes 90 bytes for each, and is read whole up to 16 MiB, of which some
/// 6 MB are left for the records in them. Thirteen days of one in ten seconds fit.
pub const BEATS_MAX: u64 = 120_000;
/// Lots in one tender; larger projects are several tenders.
pub const LOTS_MAX: usize = 64;
/// The longest time that a notice may give for the bodies of bids whose records came before the deadline. Nobody opens
/// anything while it runs; a day carries a sealed bid of 16 GiB over a line of 2 Mbit/s.
pub const BODY_GRACE_MS_MAX: u64 = 86_400_000;
/// What a notice of procurement is asked to say besides its title, lots, rules and times has about a dozen headings
/// (87 art. 13); works have more.
pub const PARTICULARS_MAX: usize = 64;
/// Bytes of one text of them: a page. What is longer is a tender document.
pub const PARTICULAR_LEN_MAX: usize = 8_192;
/// Members of one evaluation committee (87 art. 47 asks for 5 or 7; room for large works).
pub const EXPERTS_MAX: u32 = 31;

/// Folders of opened final offers are those of their lots with this behind.
pub const FINAL_OFFERS: &str = "-final";

/// Ids become names of folders where bids are opened: letters, digits, `-` and `_` only, and no other lot's final offers.
fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        && !id.ends_with(FINAL_OFFERS)
}

/// The whole country (GB/T 2260).
const COUNTRY: &str = "000000";

fn country() -> String {
    COUNTRY.to_owned()
}
fn is_country(region: &str) -> bool {
    region == COUNTRY
}
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The day of an instant in Beijing; none beyond four-digit years.
pub(crate) fn day_of(time: Time) -> Option<Date> {
    let (year, month, day, ..) = time.china_fields();
    Date::parse(&format!("{year:04}-{month:02}-{day:02}"))
}

/// What a lot's rules ask for that the records of a tender cannot give: a notice with it could never
/// be ranked, or would promise what nobody applies.
fn lot_fault(lot: &Lot) -> Option<String> {
    let rules = &lot.rules;
    if rules.pack.is_none() {
        return Some("the rules pin no rule pack".to_owned());
    }
    if !rules.price_form.is_total() {
        return Some("the price of a sealed bid is one amount in yuan and fen".to_owned());
    }
    let stage = rules.framework.as_ref().map(|framework| framework.stage);
    if stage == Some(FrameworkStage::SecondCompetition) {
        return Some("a second competition is a procedure of its own".to_owned());
    }
    let formula = crate::evaluation::formula_of(rules).unwrap_or_default();
    let one = |choice: &Choice| matches!(choice, Choice::Values { values } if values.len() < 2);
    if let Some((name, _)) = formula.drawn.iter().find(|(_, choice)| one(choice)) {
        return Some(format!(
            "coefficient {name}: there is nothing to draw among"
        ));
    }
    let unknown = [
        ("sme_joint_rate", &rules.sme_joint_rate),
        ("green_rate", &rules.green_rate),
        ("sme_joint_bonus_rate", &rules.sme_joint_bonus_rate),
    ];
    let nought = |rate: &str| Ratio::parse(rate).is_ok_and(|rate| rate == Ratio::zero());
    let asked = unknown.into_iter().find(|(_, rate)| !nought(rate));
    asked.map(|(name, rate)| {
        format!("{name} {rate}: a bid cannot declare what this would be granted for")
    })
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese, which governs.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The data of `tender.publish` (spec/notice.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Number of the tender, as people cite it.
    pub tender: String,
    /// Its title.
    pub title: Text,
    /// Which procedure it follows.
    pub procedure: Procedure,
    /// Whether it is a rehearsal (演练): then the least time for answers is not kept, and everything
    /// that shows the tender says so.
    #[serde(default)]
    pub rehearsal: bool,
    /// The ground on which fewer bidders than usual are enough, where the law knows one.
    #[serde(default)]
    pub ground: String,
    /// Whether the budget is below the threshold of its region above which tenders are public
    /// (公开招标数额标准): the agency states it, and a smaller group is enough (74 art. 7).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub below_threshold: bool,
    /// Where the buyer is: code of six digits (GB/T 2260), `000000` for the whole country. Packs of
    /// this region or one above it can be pinned.
    #[serde(default = "country", skip_serializing_if = "is_country")]
    pub region: String,
    /// The suite, named here once.
    pub suite: String,
    /// Who buys.
    pub buyer: Party,
    /// Who runs the procedure.
    pub agency: Party,
    /// Digest of the board key that holds the bids shut.
    pub board: Digest,
    /// Who can open a bid; the bidder's leaf is the word `bidder`.
    pub policy: Policy,
    /// Beacon chains of clock leaves in the policy, other than quicknet, which every program knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<ChainRecord>,
    /// Bids are received before this instant.
    pub deadline: Time,
    /// Milliseconds that bidders have to release their own leaf after the close.
    pub window_ms: u64,
    /// Milliseconds after the close in which the body of a bid is still taken whose record came before the deadline; 0
    /// where record and body come together.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub body_grace_ms: u64,
    /// When the log grows before the close.
    pub beats: Schedule,
    /// Fingerprints of the root certificates that are recognised; empty with a trust list.
    pub trust: Vec<Digest>,
    /// Digest of the trust list in force at the publication (spec/trust.md), in place of `trust`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_list: Option<Digest>,
    /// Fewer live bids than this in a lot, and it is not opened.
    pub bidders_min: u32,
    /// The lots.
    pub lots: Vec<Lot>,
    /// How the evaluation committee is drawn.
    pub committee: Committee,
    /// Files of the tender document.
    pub documents: Vec<Document>,
    /// What else the public notice says, under headings: qualification, contact, where the opening is held (87 art. 13).
    /// For people: no rule reads it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub particulars: Vec<Particular>,
}

/// One heading of the public notice and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Particular {
    /// Heading.
    pub name: Text,
    /// What stands under it.
    pub text: Text,
}

/// A person or body named in the notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Name as filed.
    pub name: String,
    /// Fingerprint of the signing certificate.
    pub cert: Digest,
}

/// One lot (标段/包).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    /// Id, as `1`.
    pub id: String,
    /// What is bought.
    pub title: Text,
    /// The scoring rules.
    pub rules: RuleSet,
}

/// The draw of the evaluation committee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committee {
    /// Specialty code of the pool.
    pub specialty: String,
    /// Experts to be drawn.
    pub experts: u32,
    /// Alternates drawn with them, in order.
    pub alternates: u32,
}

/// A file of the tender document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// File name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Hash with the suite's algorithm.
    pub hash: Digest,
}

/// A pace in milliseconds, in whole seconds, at which few enough beats fall into so many nanoseconds.
fn enough_beat_ms(span: i128) -> i128 {
    // One beat falls at the beginning, one closes.
    let most = i128::from(BEATS_MAX) - 2;
    (span / (most * 1_000_000_000) + 1) * 1_000
}

impl Notice {
    /// The chains that the policy's clock leaves are on.
    ///
    /// # Errors
    /// What is wrong with a chain, or that one is missing.
    pub fn clock_chains(&self) -> Result<Vec<Chain>, String> {
        let leaves = self.policy.leaves();
        let has_clock = |(_, leaf): &(_, Leaf)| matches!(leaf, Leaf::Tlock { .. });
        if self.chains.is_empty() && !leaves.iter().any(has_clock) {
            // Reading a chain's key takes as long as some signatures.
            return Ok(Vec::new());
        }
        let mut known = vec![Chain::quicknet()];
        for record in &self.chains {
            known.push(Chain::new(record.clone()).map_err(|e| e.to_string())?);
        }
        let mut used: Vec<Chain> = Vec::new();
        for (_, leaf) in leaves {
            let Leaf::Tlock { chain: hash, .. } = leaf else {
                continue;
            };
            let mut found = known.iter().filter(|chain| chain.hash() == hash);
            let chain = found
                .next()
                .ok_or_else(|| format!("no beacon chain {hash}"))?;
            if !used.contains(chain) {
                used.push(chain.clone());
            }
        }
        Ok(used)
    }

    /// A clock that ends before the deadline adds nothing, and one that ends after the bidders' window holds
    /// everybody up.
    fn clock_fault(&self) -> Option<String> {
        let chains = match self.clock_chains() {
            Ok(chains) => chains,
            Err(fault) => return Some(fault),
        };
        let window = i64::try_from(self.window_ms).unwrap_or(i64::MAX);
        let latest = self.deadline.plus_millis(window);
        self.policy.leaves().into_iter().find_map(|(path, leaf)| {
            let Leaf::Tlock { chain, round } = leaf else {
                return None;
            };
            let chain = chains.iter().find(|known| known.hash() == chain)?;
            match chain.time_of(round) {
                Ok(time) if time >= self.deadline && time <= latest => None,
                Ok(time) => Some(format!(
                    "clock leaf {path}: round {round} is at {time}, expected from the deadline {} to the end of the window {latest}",
                    self.deadline
                )),
                Err(e) => Some(e.to_string()),
            }
        })
    }

    /// What is wrong with the time for bodies. Who saw a price before it sends its own body could keep that back: while
    /// bodies may come nothing opens without a board, which waits.
    fn grace_fault(&self) -> Option<String> {
        if self.body_grace_ms > BODY_GRACE_MS_MAX {
            return Some(format!(
                "body_grace_ms {}, at most {BODY_GRACE_MS_MAX} are allowed",
                self.body_grace_ms
            ));
        }
        let leaves = self.policy.leaves().into_iter();
        let without_board = leaves.filter(|(_, leaf)| match leaf {
            Leaf::Bidder | Leaf::Cert(_) | Leaf::Tlock { .. } => true,
            Leaf::Group(_) | Leaf::Reveal(_) => false,
        });
        let paths: Vec<String> = without_board.map(|(path, _)| path).collect();
        let opens = self.body_grace_ms > 0 && self.policy.is_satisfied_by(&paths);
        opens.then(|| {
            "body_grace_ms: the opening policy has a way without a board, which could show a price before every body is there"
                .to_owned()
        })
    }

    /// The suite.
    ///
    /// # Errors
    /// If the id is none of the two.
    pub fn suite(&self) -> Result<&'static Suite, mifeng_crypto::Error> {
        Suite::by_id(&self.suite)
    }

    /// The lot with this id.
    pub fn lot(&self, id: &str) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.id == id)
    }

    /// What the notice breaks, as one sentence; `None` if nothing.
    pub fn fault(&self) -> Option<String> {
        if self.lots.is_empty() || self.lots.len() > LOTS_MAX {
            return Some(format!(
                "{} lots, 1 to {LOTS_MAX} are allowed",
                self.lots.len()
            ));
        }
        for (at, lot) in self.lots.iter().enumerate() {
            if !is_id(&lot.id) || self.lots[..at].iter().any(|other| other.id == lot.id) {
                return Some(format!(
                    "lot id {:?} is used twice, or not 1 to 32 letters, digits, - and _, or ends in {FINAL_OFFERS}",
                    lot.id
                ));
            }
            if let Some(finding) = mifeng_score::lint(&lot.rules)
                .into_iter()
                .find(mifeng_score::Finding::is_error)
            {
                return Some(format!(
                    "lot {}: {} ({})",
                    lot.id, finding.code, finding.article
                ));
            }
        }
        if let Some(finding) = self.policy.lint().first() {
            return Some(format!("opening policy: {}", finding.code()));
        }
        if let Some(fault) = self.particulars_fault() {
            return Some(fault);
        }
        if let Some(fault) = self.clock_fault().or_else(|| self.grace_fault()) {
            return Some(fault);
        }
        // Witnesses' times have whole seconds; a deadline between two could not be told from them.
        if self.deadline.as_unix_nanos() % 1_000_000_000 != 0 {
            return Some(format!("deadline {} is not a whole second", self.deadline));
        }
        if self.beats.start() >= self.deadline {
            return Some("the first beat is not before the deadline".to_owned());
        }
        let beats = self.beats.beats_before(self.deadline).saturating_add(1);
        if beats > BEATS_MAX {
            let span = self.deadline.as_unix_nanos() - self.beats.start().as_unix_nanos();
            let pace = enough_beat_ms(span);
            return Some(format!(
                "{beats} beats until the deadline, expected at most {BEATS_MAX}: set beat_ms to {pace} or more"
            ));
        }
        if self.region.len() != 6 || !self.region.bytes().all(|b| b.is_ascii_digit()) {
            return Some(format!(
                "region {:?} is not a code of six digits",
                self.region
            ));
        }
        if let Some(fault) = self.procedure_fault() {
            return Some(fault);
        }
        match (self.trust.is_empty(), self.trust_list) {
            (true, None) => return Some("no recognised root certificate".to_owned()),
            (false, Some(_)) => {
                return Some("recognised roots and a trust list: one of them".to_owned());
            }
            _ => {}
        }
        None
    }

    /// What is wrong with what people are told besides.
    fn particulars_fault(&self) -> Option<String> {
        let count = self.particulars.len();
        if count > PARTICULARS_MAX {
            return Some(format!(
                "{count} particulars, at most {PARTICULARS_MAX} are allowed"
            ));
        }
        self.particulars.iter().enumerate().find_map(|(at, one)| {
            let texts = [&one.name.zh, &one.name.en, &one.text.zh, &one.text.en];
            let empty = one.name.zh.is_empty() || one.text.zh.is_empty();
            let long = texts.iter().any(|text| text.len() > PARTICULAR_LEN_MAX);
            (empty || long).then(|| {
                format!(
                    "particular {}: expected Chinese of 1 to {PARTICULAR_LEN_MAX} bytes under a heading",
                    at + 1
                )
            })
        })
    }

    /// What the notice breaks of its procedure's profile.
    fn procedure_fault(&self) -> Option<String> {
        let profile = self.procedure.profile();
        for lot in &self.lots {
            if !profile.methods.contains(&lot.rules.method) {
                return Some(format!(
                    "lot {}: {:?} is no method of {}",
                    lot.id, lot.rules.method, profile.en
                ));
            }
        }
        for lot in &self.lots {
            if let Some(fault) = lot_fault(lot) {
                return Some(format!("lot {}: {fault}", lot.id));
            }
        }
        if let Some(fault) = self.bidders_fault() {
            return Some(fault);
        }
        let members = self.committee.experts;
        let Some(panel) = profile.panel else {
            let empty = members == 0 && self.committee.alternates == 0;
            return (!empty).then(|| format!("{} has no committee", profile.en));
        };
        let large = self.is_large(panel.large);
        let least = self.packs().map(|pack| match large {
            true => panel.members_large.under(pack),
            false => panel.members.under(pack),
        });
        let least = least.max().unwrap_or(panel.members_large.number);
        if members < least
            || members.is_multiple_of(2)
            || members.saturating_add(self.committee.alternates) > EXPERTS_MAX
        {
            return Some(format!(
                "a committee of {members} experts, an odd number from {least} on is required, {EXPERTS_MAX} with alternates at most ({})",
                panel.article
            ));
        }
        None
    }

    /// What is wrong with `bidders_min`: it follows from the rules and their exception.
    fn bidders_fault(&self) -> Option<String> {
        let profile = self.procedure.profile();
        let grounded = !self.ground.trim().is_empty();
        for lot in &self.lots {
            let (least, article) = match lot.rules.exception {
                None => profile.bidders,
                Some(_) => profile.bidders_excused,
            };
            if self.bidders_min < least {
                return Some(format!(
                    "lot {}: {} bidders are enough for nothing here, at least {least} are needed ({article})",
                    lot.id, self.bidders_min
                ));
            }
            if lot.rules.exception.is_some() && !grounded {
                return Some(format!(
                    "lot {}: the rules name an exception, the notice no ground for it ({article})",
                    lot.id
                ));
            }
            let drawn = crate::evaluation::bids_to_draw(&lot.rules);
            if drawn > self.bidders_min as usize {
                return Some(format!(
                    "lot {}: its formula draws among {drawn} bids, {} are enough to go on",
                    lot.id, self.bidders_min
                ));
            }
            // The engine of scores counts against the same number, except where the method has its own.
            let own = matches!(lot.rules.method, Method::SingleSource | Method::Framework);
            if !own && lot.rules.min_bidders != self.bidders_min as usize {
                return Some(format!(
                    "lot {}: {} bidders are needed by its rules, {} by the notice",
                    lot.id, lot.rules.min_bidders, self.bidders_min
                ));
            }
        }
        None
    }

    /// The packs that the lots pin.
    fn packs(&self) -> impl Iterator<Item = &'static Pack> {
        let pins = self.lots.iter().filter_map(|lot| lot.rules.pack.as_ref());
        pins.filter_map(|pin| mifeng_score::pack::pinned(pin).ok())
    }

    /// Whether the budgets together, or the ceilings where there is no budget, make a large purchase
    /// (87 art. 47: 采购预算; 74 art. 7: 公开招标数额标准).
    fn is_large(&self, large: Large) -> bool {
        let budget = |lot: &&Lot| lot.rules.budget.clone().or(lot.rules.ceiling.clone());
        let texts = self.lots.iter().filter_map(|lot| budget(&lot));
        let sum = texts
            .filter_map(|text| Money::parse(&text).ok())
            .map(Money::fen)
            .fold(0_i128, i128::saturating_add);
        let reaches = |yuan: u32| sum >= i128::from(yuan) * 100;
        match large {
            Large::Never => false,
            Large::Yuan(line) => {
                let least = self.packs().map(|pack| line.under(pack)).min();
                reaches(least.unwrap_or(line.number))
            }
            Large::Threshold(key) => {
                let known = |pack: &Pack| pack.number(key)?.whole();
                let lines = self.packs().filter_map(known);
                let least = lines.filter_map(|n| u32::try_from(n).ok()).min();
                least.map_or(!self.below_threshold, reaches)
            }
        }
    }

    /// Pins the rule pack in force on the day of `issued` in every lot that pins none.
    ///
    /// # Errors
    /// [`mifeng_score::Error::NoPack`] for a day that no shipped pack covers.
    pub fn pin(&mut self, issued: Time) -> Result<(), mifeng_score::Error> {
        let alg = match self.suite() {
            Ok(suite) => suite.hash(),
            Err(_) => HashAlg::Sm3,
        };
        let day = day_of(issued);
        for lot in &mut self.lots {
            if lot.rules.pack.is_none() {
                let day = day.as_ref().ok_or_else(|| mifeng_score::Error::NoPack {
                    what: issued.to_string(),
                })?;
                let pack = mifeng_score::pack::find(lot.rules.method.regime(), &self.region, day)?;
                lot.rules.pack = Some(pack.pin(alg));
            }
        }
        Ok(())
    }

    /// Which lot pins a pack that is not in force on the day of `issued`, if one does: the law that
    /// binds a tender is that of the day of its notice.
    pub fn pack_fault(&self, issued: Time) -> Option<String> {
        self.pack_fault_among(issued, |pin| mifeng_score::pack::pinned(pin).ok())
    }

    fn pack_fault_among<'p>(
        &self,
        issued: Time,
        known: impl Fn(&Pin) -> Option<&'p Pack>,
    ) -> Option<String> {
        let day = day_of(issued);
        for lot in &self.lots {
            let pack = lot.rules.pack.as_ref().and_then(&known);
            let holds = |pack: &&Pack| day.as_ref().is_some_and(|d| pack.applies(&self.region, d));
            if pack.filter(holds).is_none() {
                return Some(format!(
                    "lot {}: the rules pin {}, which is not in force in {} on {}",
                    lot.id,
                    pack.map_or("no rule pack", Pack::id),
                    self.region,
                    day.as_ref().map_or("that day", |day| day.as_str())
                ));
            }
        }
        None
    }
}
