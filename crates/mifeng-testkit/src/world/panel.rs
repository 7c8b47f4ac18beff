//! The evaluation as its people do it: draw, checks, sheets, ranking, report, award.

use super::{Cast, Kind, LOT, Parts, Person, SEATS, Tender, notice, secs};
use mifeng::crypto::{Digest, Entropy};
use mifeng::lock::draw::Row;
use mifeng::score::{Framework, FrameworkStage, Method};
use mifeng::tender::*;
use mifeng::{Error, Trusted, trustee, verify};
use std::collections::BTreeMap;

type Scores = BTreeMap<String, BTreeMap<String, String>>;

/// A salt of a sheet: any 32 bytes will do.
pub fn salt(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

impl Tender<'_> {
    /// Pool, answers, result: five of seven sit.
    pub fn draw(&mut self, at: i64) -> Vec<usize> {
        let pool = self.pool();
        self.say(&self.cast.agency, "expert.pool", &pool, at)
            .expect("pool");
        self.answer_draw(at);
        let data = self.draw_result();
        self.say(&self.cast.agency, "draw.result", &data, at)
            .expect("result");
        let seats = data.seats.len();
        self.order.iter().take(seats).map(|row| row.2).collect()
    }

    /// The first pool of candidates: every expert under a blind id.
    pub fn pool(&mut self) -> Pool {
        let (cast, suite) = (self.cast, self.cast.suite);
        let mut candidates: Vec<(String, Digest, usize)> = Vec::new();
        for (n, expert) in cast.experts.iter().enumerate() {
            let mut salt = [0; 32];
            self.rng.fill(&mut salt).expect("seeded");
            let salt = Digest::from_bytes(salt);
            let id = blind_id(suite, &salt, &expert.fingerprint(suite));
            candidates.push((id.to_string(), salt, n));
        }
        candidates.sort();
        let row = |(id, _, _): &(String, Digest, usize)| Row {
            id: id.clone(),
            weight: 1,
        };
        let rows = candidates.iter().map(row).collect();
        self.order = candidates;
        Pool {
            specialty: "A032000".to_owned(),
            n: 1,
            reason: String::new(),
            rows,
        }
    }

    /// What the trustees' answers give, nobody declining.
    pub fn draw_result(&mut self) -> DrawResult {
        let drawn = self.host.state().drawn().expect("drawn");
        let place = |id: &String| drawn.order.iter().position(|other| other == id);
        self.order.retain(|(id, _, _)| place(id).is_some());
        self.order.sort_by_key(|(id, _, _)| place(id));
        DrawResult {
            draw: drawn.draw_id,
            seed: drawn.seed,
            seats: (0..self.seats_needed()).map(|n| self.seat(n)).collect(),
            order: drawn.order,
            declined: Vec::new(),
        }
    }

    fn seats_needed(&self) -> usize {
        let notice = self.host.state().notice();
        notice.map_or(SEATS, |(_, n)| n.committee.experts as usize)
    }

    /// The seat of place `n` in the drawn order, from 0.
    pub fn seat(&self, n: usize) -> Seat {
        let (id, salt, expert) = &self.order[n];
        Seat {
            id: id.clone(),
            salt: *salt,
            cert: self.cast.experts[*expert].fingerprint(self.cast.suite),
        }
    }

    /// Two trustees answer the draw that waits.
    pub fn answer_draw(&mut self, at: i64) {
        for number in 0..2 {
            let secret = self.secret(number);
            let data = trustee::draw_share(self.host.replay(), &secret, &mut self.rng);
            let trustee = &self.cast.trustees[number].person;
            self.say(trustee, "draw.share", &data.expect("an answer"), at)
                .expect("draw share");
        }
    }

    /// A finding on every bid that is due; those in `against` fail.
    pub fn finding(&self, kind: CheckKind, against: &[Digest]) -> Check {
        let due = self.host.state().due_in(kind, self.lot).expect("due");
        let row = |seal: &Digest| {
            let pass = !against.contains(seal);
            let text = |text: &str| if pass { String::new() } else { text.to_owned() };
            CheckRow {
                seal: *seal,
                pass,
                reason: text("未提供保证金"),
                article: text("87 art. 63"),
            }
        };
        Check {
            kind,
            lot: self.lot.to_owned(),
            rows: due.iter().map(row).collect(),
        }
    }

    /// Everybody whose word a check needs finds the same.
    pub fn check(
        &mut self,
        kind: CheckKind,
        seated: &[usize],
        against: &[Digest],
        at: i64,
    ) -> Result<(), Error> {
        let cast = self.cast;
        let by: Vec<&Person> = match self.host.state().body_of(kind) {
            Body::Buyer => vec![&cast.agency],
            Body::Committee => seated.iter().map(|n| &cast.experts[*n]).collect(),
        };
        for person in by {
            let data = self.finding(kind, against);
            self.say(person, "check", &data, at)?;
        }
        Ok(())
    }

    /// Qualification and conformity; every bid passes.
    pub fn pass_checks(&mut self, seated: &[usize], at: i64) {
        for kind in [CheckKind::Qualification, CheckKind::Conformity] {
            self.check(kind, seated, &[], at).expect("checked");
        }
    }

    /// The points that expert `n` of the committee gives.
    pub fn points(&self, n: usize) -> Scores {
        let facts = self.host.state().facts(self.lot).expect("facts");
        let items = |at: usize| {
            BTreeMap::from([
                ("spec".to_owned(), format!("{}.50", 30 + n + 3 * at)),
                ("record".to_owned(), format!("{}.00", 10 + at)),
            ])
        };
        let rows = facts.iter().enumerate();
        rows.map(|(at, f)| (f.id.clone(), items(at))).collect()
    }

    pub fn commitment(&self, expert: usize, salt: &Digest, scores: &Scores) -> ScoreCommit {
        let suite = self.cast.suite;
        let cert = self.cast.experts[expert].fingerprint(suite);
        ScoreCommit {
            lot: self.lot.to_owned(),
            commitment: sheet_commitment(suite, self.lot, &cert, salt, scores).expect("made"),
        }
    }

    pub fn commit(&mut self, n: usize, expert: usize, at: i64) -> Result<(), Error> {
        let data = self.commitment(expert, &salt(n as u8), &self.points(n));
        self.say(&self.cast.experts[expert], "score.commit", &data, at)
    }

    pub fn reveal(&mut self, n: usize, expert: usize, at: i64) -> Result<(), Error> {
        let data = Score {
            lot: self.lot.to_owned(),
            salt: salt(n as u8),
            scores: self.points(n),
        };
        self.say(&self.cast.experts[expert], "score", &data, at)
    }

    /// Every expert closes a sheet, then all are revealed.
    pub fn score_all(&mut self, seated: &[usize], at: i64) {
        for (n, expert) in seated.iter().enumerate() {
            self.commit(n, *expert, at).expect("committed");
        }
        for (n, expert) in seated.iter().enumerate() {
            self.reveal(n, *expert, at).expect("revealed");
        }
    }

    pub fn rank(&mut self, at: i64) -> Result<(), Error> {
        let data = Rank {
            lot: self.lot.to_owned(),
            outcome: self.host.state().computed(self.lot)?,
        };
        self.say(&self.cast.agency, "rank", &data, at)
    }

    /// The report, signed by everybody whose word it needs.
    pub fn report(&mut self, seated: &[usize], at: i64) -> Result<(), Error> {
        let cast = self.cast;
        let stated = Stated {
            media: vec!["中国政府采购网".to_owned()],
            place: "第一评标室".to_owned(),
            remarks: String::new(),
        };
        let data = self.host.state().expected_report(LOT, stated)?;
        self.say(&cast.agency, "report", &data, at)?;
        let (id, _) = self.host.state().report(LOT).expect("a report");
        let data = ReportSign {
            report: *id,
            dissent: String::new(),
        };
        match self.host.state().body_of(CheckKind::Conformity) {
            Body::Buyer => self.say(&cast.buyer, "report.sign", &data, at)?,
            Body::Committee => {
                for expert in seated {
                    self.say(&cast.experts[*expert], "report.sign", &data, at)?;
                }
            }
        }
        Ok(())
    }

    pub fn award(&mut self, at: i64) -> Result<(), Error> {
        let data = self.host.state().expected_award(LOT)?;
        self.say(&self.cast.buyer, "award", &data, at)
    }

    /// Letters to everybody who did not win.
    pub fn letters(&mut self, at: i64) -> usize {
        let losers: Vec<Letter> = self
            .host
            .state()
            .bids()
            .keys()
            .filter_map(|seal| self.host.state().expected_letter(LOT, seal).ok())
            .collect();
        for data in &losers {
            self.say(&self.cast.agency, "letter", data, at)
                .expect("a letter");
        }
        losers.len()
    }

    fn fail_lot(&mut self, at: i64) -> bool {
        let Ok(data) = self.host.state().expected_failure(LOT) else {
            return false;
        };
        self.say(&self.cast.agency, "lot.fail", &data, at)
            .expect("failed");
        true
    }

    /// From the checks to the award and the letters; says whether there is an award.
    pub fn evaluate(&mut self, seated: &[usize], at: i64) -> bool {
        for kind in [CheckKind::Qualification, CheckKind::Conformity] {
            if self.fail_lot(at) {
                return false;
            }
            self.check(kind, seated, &[], at).expect("checked");
        }
        self.score_all(seated, at);
        self.rank(at).expect("ranked");
        if self.fail_lot(at) {
            return false;
        }
        self.report(seated, at).expect("reported");
        self.award(at).expect("awarded");
        assert!(self.letters(at) > 0);
        true
    }
}

/// When a round of final offers ends, in seconds.
pub const ROUND_END: i64 = 200;

/// Fails with the check that says no.
pub fn assert_valid(tar: &[u8]) {
    let report = verify(&Parts::of_tar(tar), &Trusted::default()).expect("readable");
    assert!(report.is_valid(), "{:?}", report.failure());
}

/// The lowest price wins, nothing is scored.
pub fn lowest(notice: &mut Notice) {
    let rules = serde_json::json!({
        "method": "lowest", "price_weight": "100", "ceiling": "1000000.00", "sme_rate": "0.15",
    });
    notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
}

/// A published tender whose notice was changed before.
pub fn published<'c>(cast: &'c Cast, change: impl Fn(&mut Notice)) -> Tender<'c> {
    let mut tender = Tender::unpublished(cast, "host.example/t/evaluation");
    let mut notice = notice(cast, tender.host.state(), Kind::Board);
    change(&mut notice);
    tender.publish(&notice).expect("lawful");
    tender
}

/// Three bids opened, a committee drawn, nothing judged yet.
pub fn drawn(cast: &Cast) -> (Tender<'_>, Vec<usize>) {
    drawn_with(cast, |_| {})
}

/// The same under a notice that was changed before.
pub fn drawn_with<'c>(cast: &'c Cast, change: impl Fn(&mut Notice)) -> (Tender<'c>, Vec<usize>) {
    let mut tender = published(cast, change);
    tender.receive(3);
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    (tender, seated)
}

/// Bids of these prices, opened, with a committee.
pub fn opened<'c, const N: usize>(
    cast: &'c Cast,
    prices: [u64; N],
    change: impl Fn(&mut Notice),
) -> (Tender<'c>, Vec<usize>) {
    opened_of(cast, &prices.map(|price| (price, None)), change)
}

/// The same with brands.
pub fn opened_of<'c>(
    cast: &'c Cast,
    bids: &[(u64, Option<&str>)],
    change: impl Fn(&mut Notice),
) -> (Tender<'c>, Vec<usize>) {
    let mut tender = published(cast, change);
    for (number, (price, brand)) in bids.iter().copied().enumerate() {
        let at = 12 + 7 * number as i64;
        tender.brand = brand.map(str::to_owned);
        let bid = tender.seal(number, price, at);
        tender.submit(&bid, secs(at)).expect("on time");
        tender.beat(at);
        tender.bids.push(bid);
    }
    tender.close_and_release(Kind::Board);
    tender.open_all(100);
    let seated = tender.draw(101);
    (tender, seated)
}

/// The call for final offers of everybody who passed the checks.
pub fn call(tender: &Tender<'_>) -> RoundOpen {
    RoundOpen {
        lot: LOT.to_owned(),
        deadline: secs(ROUND_END),
        invited: tender.host.state().conforming(LOT).expect("checked"),
    }
}

/// A lawful notice of a procedure, for as few bidders as it allows.
pub fn lawful(notice: &mut Notice, procedure: Procedure) {
    notice.procedure = procedure;
    notice.bidders_min = procedure.profile().bidders.0;
    match procedure {
        Procedure::Open | Procedure::Invited => return,
        Procedure::Consultation => {
            notice.lots[0].rules.method = Method::Consultation;
            return;
        }
        Procedure::Works => {
            let rules = serde_json::json!({"method": "works-deviation", "object": "works", "price_weight": "100",
                "ceiling": "1000000.00", "formula": {"family": "random-mean"}});
            notice.lots[0].rules = serde_json::from_value(rules).expect("rules");
            return;
        }
        _ => lowest(notice),
    }
    let rules = &mut notice.lots[0].rules;
    match procedure {
        Procedure::Negotiation => rules.method = Method::Negotiation,
        Procedure::Inquiry => rules.method = Method::Inquiry,
        Procedure::Framework => {
            rules.method = Method::Framework;
            rules.framework = Some(Framework {
                stage: FrameworkStage::PriceFirst,
                laboratory: false,
                eliminate: None,
            });
        }
        _ => {
            let alone = serde_json::json!({"method": "single-source", "price_weight": "0", "min_bidders": 1,
                "budget": "1000000.00"});
            *rules = serde_json::from_value(alone).expect("rules");
            notice.committee.experts = 0;
            notice.committee.alternates = 0;
        }
    }
}
