//! The evaluation of the demo: committee, checks, questions, sheets, ranking, report, award.

use super::act::{self, Act, Done};
use super::sheets::Closed;
use super::stages::Tender;
use super::world;
use crate::evaluation::{committee, result};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{bidder, person, pool};
use mifeng::crypto::Digest;
use mifeng::tender::{Body, CheckKind, Matter, PriceState, Purpose, Stated};
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Tender {
    /// From the draw of the committee to the signed report of every lot.
    pub(crate) fn evaluate(&mut self, ui: &Ui) -> Outcome {
        ui.title("7. 评审", "7. evaluation");
        let state = self.host.state();
        let goes_on = self.lots().iter().any(|lot| state.failure(lot).is_none());
        if goes_on && self.method.procedure().profile().panel.is_some() {
            self.draw(ui)?;
        }
        let mut judged = Vec::new();
        for lot in self.lots() {
            ui.say(format!("标段 {lot}"), format!("lot {lot}"));
            if let Some(closed) = self.judge_lot(ui, lot)? {
                judged.push((lot, closed));
            }
        }
        // No sheet of any lot is shown before the last one of all lots is closed.
        for (lot, closed) in judged {
            ui.say(format!("标段 {lot} 结果"), format!("lot {lot}, the result"));
            self.show_sheets(ui, lot, closed)?;
            self.rank_lot(ui, lot)?;
            if !self.ends_without_winner(ui, lot, true)? {
                self.report_lot(ui, lot)?;
            }
        }
        Ok(())
    }

    /// One lot, to its closed sheets; none if it ends without a winner.
    fn judge_lot(&mut self, ui: &Ui, lot: &str) -> Result<Option<Closed>, Failure> {
        if self.ends_without_winner(ui, lot, false)? {
            return Ok(None);
        }
        self.check_lot(ui, lot)?;
        if self.ends_without_winner(ui, lot, false)? {
            return Ok(None);
        }
        if self.method.procedure().profile().final_offers {
            self.final_offers(ui, lot)?;
            if self.ends_without_winner(ui, lot, false)? {
                return Ok(None);
            }
        }
        self.settle_prices(ui, lot)?;
        if self.ends_without_winner(ui, lot, true)? {
            return Ok(None);
        }
        self.draw_coefficients(ui, lot)?;
        self.close_sheets(ui, lot).map(Some)
    }

    /// The folders of those whose word a body needs.
    fn body(&self, body: Body) -> Result<Vec<String>, Failure> {
        match body {
            Body::Buyer => Ok(vec!["agency".to_owned()]),
            Body::Committee => self.seated(),
        }
    }

    /// Qualification and conformity; with many bidders the last one fails, and bidder 1 is asked.
    pub(crate) fn check_lot(&mut self, ui: &Ui, lot: &str) -> Outcome {
        for kind in [CheckKind::Qualification, CheckKind::Conformity] {
            let against = self.path(format!("agency/against-{lot}.json"));
            let last = world::credit_code(self.bidders);
            let state = self.host.state();
            if state.failure(lot).is_some() {
                return Ok(());
            }
            let due = state.due_in(kind, lot)?;
            let mut due = due
                .iter()
                .map(|seal| &state.bids()[seal].seal.context().bidder);
            let fails = kind == CheckKind::Conformity
                && lot == "1"
                && self.bidders > 4
                && due.any(|bidder| *bidder == last);
            if fails {
                let why = committee::Why {
                    reason: "投标有效期少于招标文件要求".to_owned(),
                    article: "财政部令第87号 63条".to_owned(),
                };
                let against_json = BTreeMap::from([(last, why)]);
                let json = serde_json::to_vec_pretty(&against_json)
                    .map_err(|e| Failure::malformed(e.to_string()))?;
                ui::write(&against, &json)?;
            }
            let body = self.host.state().body_of(kind);
            let bundle = self.bundle()?;
            for who in self.body(body)? {
                let out = self.path(format!("{who}/{kind:?}-{lot}.rec"));
                let act = Act::new(&who, "check", out).in_lot(lot);
                let against = fails.then_some(against.as_path());
                self.act(ui, &act, &bundle, |world, member, bundle| {
                    committee::check(&world.ui, member, bundle, (kind, lot), against, &act.out)
                })?;
            }
            self.say_check(ui, kind, lot)?;
        }
        if lot == "1" {
            self.clarify(ui)?;
        }
        Ok(())
    }

    fn say_check(&self, ui: &Ui, kind: CheckKind, lot: &str) -> Outcome {
        let state = self.host.state();
        let (passed, name) = match kind {
            CheckKind::Qualification => (state.qualified(lot)?, ("资格审查", "qualification")),
            _ => (state.conforming(lot)?, ("符合性审查", "conformity")),
        };
        let by = match state.body_of(kind) {
            Body::Buyer => ("采购人或代理机构", "buyer or agency"),
            Body::Committee => ("评审委员会过半数", "majority of the committee"),
        };
        ui.say(
            format!("  {}（{}）：{} 家通过", name.0, by.0, passed.len()),
            format!("  {} ({}): {} pass", name.1, by.1, passed.len()),
        );
        Ok(())
    }

    /// A written question to the first bidder who is left, and its signed answer.
    fn clarify(&mut self, ui: &Ui) -> Outcome {
        let asker = self.body(self.host.state().body_of(CheckKind::Conformity))?;
        let bundle = self.bundle()?;
        let left = self.host.state().conforming("1")?;
        let left = left.iter().map(|seal| self.bidder_of(&bundle, seal));
        let (Some(asker), Some(number)) = (asker.first(), left.min()) else {
            return Ok(());
        };
        let question = committee::Question {
            lot: "1",
            bidder: &world::credit_code(number),
            matter: Matter::Ambiguity,
            text: "技术方案第3页质保期表述不一致，请说明以何处为准。",
            minutes: 30,
        };
        self.ask_and_answer(
            ui,
            asker,
            &question,
            number,
            "以第3页表格所列三年为准，不改变投标报价。",
        )?;
        ui.say(
            format!("  书面澄清一次，投标人 {number} 签名答复"),
            format!("  one written question, answered by bidder {number} over its signature"),
        );
        Ok(())
    }

    fn ask_and_answer(
        &mut self,
        ui: &Ui,
        asker: &str,
        question: &committee::Question<'_>,
        number: usize,
        text: &str,
    ) -> Outcome {
        let count = self.host.state().questions().len() + 1;
        let out = self.path(format!("{asker}/question-{count}.rec"));
        let act = Act::new(asker, "clarify.ask", out);
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |world, asker, bundle| {
            committee::ask(&world.ui, asker, bundle, question, &act.out)
        })?;
        let who = format!("bidder{number}");
        let out = self.path(format!("{who}/answer-{count}.rec"));
        let act = Act::new(&who, "clarify.answer", out);
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, bidder, bundle| {
            committee::answer(bidder, bundle, count, text, None, &act.out)
        })
        .map(|_| ())
    }

    /// Corrected prices confirmed, low prices explained and decided.
    pub(crate) fn settle_prices(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let bundle = self.bundle()?;
        let state = &bundle.replay.state;
        for seal in state.conforming(lot)? {
            if let PriceState::Unconfirmed(_) = state.price_state(&seal) {
                let number = self.bidder_of(&bundle, &seal);
                let who = format!("bidder{number}");
                let out = self.path(format!("{who}/confirm-{lot}.rec"));
                let act = Act::new(&who, "price.confirm", out).in_lot(lot);
                self.act(ui, &act, &bundle, |_, bidder, bundle| {
                    bidder::confirm_with(ui, bundle, bidder, lot, &act.out)
                })?;
            }
        }
        let low: Vec<Digest> = self.host.state().low_prices(lot)?.into_keys().collect();
        let body = self.body(self.host.state().body_of(CheckKind::LowPrice))?;
        let (Some(asker), false) = (body.first(), low.is_empty()) else {
            return Ok(());
        };
        for seal in &low {
            let number = self.bidder_of(&bundle, seal);
            let question = committee::Question {
                lot,
                bidder: &world::credit_code(number),
                matter: Matter::LowPrice,
                text: "报价明显偏低，请提供成本测算说明其合理性。",
                minutes: 31,
            };
            self.ask_and_answer(
                ui,
                asker,
                &question,
                number,
                "附成本构成表：自有产线，运费由总部承担。",
            )?;
        }
        let bundle = self.bundle()?;
        for who in &body {
            let out = self.path(format!("{who}/low-{lot}.rec"));
            let act = Act::new(who, "check", out).in_lot(lot);
            let what = (CheckKind::LowPrice, lot);
            self.act(ui, &act, &bundle, |world, member, bundle| {
                committee::check(&world.ui, member, bundle, what, None, &act.out)
            })?;
        }
        ui.say(
            format!("  异常低价审查 {} 家：书面说明后认定合理", low.len()),
            format!(
                "  {} abnormally low prices reviewed, explained in writing, accepted",
                low.len()
            ),
        );
        Ok(())
    }

    /// The coefficients of a benchmark, drawn as the committee was: from the trustees' answers.
    fn draw_coefficients(&mut self, ui: &Ui, lot: &str) -> Outcome {
        for name in self.host.state().coefficients(lot) {
            self.draw_lot(ui, lot, Purpose::Coefficient, &name)?;
        }
        Ok(())
    }

    fn draw_lot(&mut self, ui: &Ui, lot: &str, purpose: Purpose, name: &str) -> Outcome {
        let out = self.path(format!("agency/lot-pool-{lot}-{name}.rec"));
        let what = (lot, purpose, name);
        let act = Act::new("agency", "lot.pool", out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            result::pool(ui, agency, bundle, what, &act.out)
        })?;
        self.answer_draw(ui, &format!("lot-draw-{lot}-{name}"))?;
        let out = self.path(format!("agency/lot-drawn-{lot}-{name}.rec"));
        let act = Act::new("agency", "lot.drawn", out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            result::drawn(ui, agency, bundle, what, &act.out)
        })
        .map(|_| ())
    }

    /// Enough trustees answer for the draw that waits.
    fn answer_draw(&mut self, ui: &Ui, name: &str) -> Outcome {
        let bundle = self.bundle()?;
        for index in self.world.ready() {
            let who = format!("trustee{index}");
            let out = self.path(format!("{who}/{name}.rec"));
            let act = Act::new(&who, "draw.share", out).unless(act::is_drawn);
            self.act(ui, &act, &bundle, |world, trustee, bundle| {
                person::draw_share(&world.ui, trustee, bundle, &act.out)
            })?;
        }
        Ok(())
    }

    fn rank_lot(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let out = self.path(format!("agency/rank-{lot}.rec"));
        let act = Act::new("agency", "rank", out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            person::rank(agency, bundle, lot, &act.out)
        })?;
        self.show_ranking(ui, lot);
        if self
            .host
            .state()
            .expected_pool(lot, Purpose::Tie, "")
            .is_ok()
        {
            self.draw_lot(ui, lot, Purpose::Tie, "")?;
        }
        Ok(())
    }

    /// The report with its legal contents, signed by every member.
    fn report_lot(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let out = self.path(format!("agency/report-{lot}.rec"));
        let act = Act::new("agency", "report", out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |world, agency, bundle| {
            let stated = Stated {
                media: vec!["中国政府采购网".to_owned()],
                place: "公共资源交易中心第一评标室".to_owned(),
                remarks: String::new(),
            };
            result::report(&world.ui, agency, bundle, lot, stated, &act.out)
        })?;
        let bundle = self.bundle()?;
        let members = self.body(self.host.state().body_of(CheckKind::Conformity))?;
        for who in &members {
            let out = self.path(format!("{who}/report-sign-{lot}.rec"));
            let act = Act::new(who, "report.sign", out);
            self.act(ui, &act, &bundle, |_, member, bundle| {
                result::sign_report(member, bundle, lot, "", &act.out)
            })?;
        }
        ui.say(
            format!("  评审报告由 {} 人签署", members.len()),
            format!("  the report is signed by {}", members.len()),
        );
        Ok(())
    }

    pub(crate) fn draw(&mut self, ui: &Ui) -> Outcome {
        let candidates: Vec<PathBuf> = (1..=world::CANDIDATES)
            .map(|n| self.path(format!("expert{n}/sign.cer")))
            .collect();
        let secret = self.path("agency/candidates.json");
        let pool = self.path("agency/pool.rec");
        let act = Act::new("agency", "expert.pool", pool).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            pool::freeze(agency, bundle, &candidates, &secret, &act.out)
        })?;
        self.answer_draw(ui, "draw")?;
        let result = self.path("agency/drawn.rec");
        let act = Act::new("agency", "draw.result", result).needed();
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, agency, bundle| {
            pool::drawn(agency, bundle, &secret, &act.out)
        })?;
        let seats = self.seated()?.len();
        ui.say(
            format!(
                "候选 {} 人冻结后由受托人份额产生种子，抽取 {seats} 人",
                world::CANDIDATES
            ),
            format!(
                "pool of {} frozen, seed from the trustees' answers, {seats} drawn",
                world::CANDIDATES
            ),
        );
        Ok(())
    }

    /// The folders of the experts who sit.
    pub(crate) fn seated(&self) -> Result<Vec<String>, Failure> {
        let state = self.host.state();
        let seats = state
            .draw()
            .and_then(|draw| draw.result.as_ref())
            .map(|r| r.seats.clone())
            .unwrap_or_default();
        let mut folders = Vec::new();
        for n in 1..=world::CANDIDATES {
            let folder = format!("expert{n}");
            let cert = crate::identity::load_certificate(&self.path(format!("{folder}/sign.cer")))?;
            let fingerprint = cert.fingerprint(state.suite().hash());
            if seats.iter().any(|seat| seat.cert == fingerprint) {
                folders.push(folder);
            }
        }
        Ok(folders)
    }

    fn show_ranking(&self, ui: &Ui, lot: &str) {
        let Some(outcome) = self.host.state().ranks().get(lot) else {
            return;
        };
        ui.say(
            format!("标段 {lot} 排名："),
            format!("ranking of lot {lot}:"),
        );
        let mut rows = outcome.rows.clone();
        rows.sort_by_key(|row| row.rank);
        for row in &rows {
            let seal = row.id.parse().ok();
            let bid = seal.and_then(|seal| self.host.state().bids().get(&seal));
            let name = bid.map(|bid| bid.name.clone()).unwrap_or_default();
            if row.quality.trim_matches(['0', '.']).is_empty() {
                let (rank, price, evaluated) = (row.rank, &row.price, &row.evaluated_price);
                ui.say(
                    format!("  {rank}  {name}  报价 {price}  评审价 {evaluated}"),
                    format!("  {rank}  {name}  price {price}  evaluated {evaluated}"),
                );
                continue;
            }
            ui.say(
                format!(
                    "  {}  {name}  报价 {}  评审价 {}  价格分 {}  技术商务 {}  总分 {}",
                    row.rank,
                    row.price,
                    row.evaluated_price,
                    row.price_points,
                    row.quality,
                    row.total
                ),
                format!(
                    "  {}  {name}  price {}  evaluated {}  price points {}  quality {}  total {}",
                    row.rank,
                    row.price,
                    row.evaluated_price,
                    row.price_points,
                    row.quality,
                    row.total
                ),
            );
        }
    }

    pub(crate) fn award(&mut self, ui: &Ui) -> Outcome {
        ui.title("8. 定标", "8. award");
        for lot in self.lots() {
            if self.host.state().failed(lot).is_none() {
                self.award_lot(ui, lot)?;
            }
            if let Some(award) = self.host.state().awards().get(*lot) {
                let (letter_zh, letter_en) = letter(lot, award);
                ui::write(
                    &self.path(format!("buyer/award-letter-{lot}.txt")),
                    format!("{letter_zh}\n{letter_en}\n").as_bytes(),
                )?;
                ui.say(letter_zh, letter_en);
            }
            self.tell_losers(ui, lot)?;
        }
        Ok(())
    }

    fn award_lot(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let listed = self.method.procedure().profile().listed;
        let kind = if listed { "framework.list" } else { "award" };
        let name = if listed { "list" } else { "award" };
        let out = self.path(format!("buyer/{name}-{lot}.rec"));
        let act = Act::new("buyer", kind, out).in_lot(lot).needed();
        let bundle = self.bundle()?;
        if listed {
            ui.say("入围供应商：", "suppliers taken in:");
        }
        self.act(ui, &act, &bundle, |_, buyer, bundle| match listed {
            true => result::list(ui, buyer, bundle, lot, &act.out),
            false => person::award(buyer, bundle, lot, &act.out),
        })
        .map(|_| ())
    }

    /// Each of the others is told its own score and rank, and nobody else's.
    fn tell_losers(&mut self, ui: &Ui, lot: &str) -> Outcome {
        let mut told = 0;
        let agency = self.world.identity("agency")?;
        for number in 1..=self.bidders {
            let code = world::credit_code(number);
            let out = self.path(format!("agency/letter-{lot}-{number}.rec"));
            let bundle = self.bundle()?;
            let what = (lot, code.as_str());
            // The winner gets none, nor does who has no bid in this lot.
            if result::letter(&self.world.ui, &agency, &bundle, what, &out).is_err() {
                continue;
            }
            let act = Act::new("agency", "letter", out).in_lot(lot);
            let done = self.act(ui, &act, &bundle, |world, agency, bundle| {
                result::letter(&world.ui, agency, bundle, what, &act.out)
            })?;
            told += usize::from(done != Done::Not);
        }
        ui.say(
            format!("未中标通知 {told} 份，各自只载本人得分与排名"),
            format!("{told} letters to the others, each with its own score and rank only"),
        );
        Ok(())
    }
}

/// The award letter's text; the signed `award` record is what counts.
fn letter(lot: &str, award: &mifeng::tender::Award) -> (String, String) {
    (
        format!(
            "中标通知书  标段 {lot}：{}（{}），成交价 {} 元",
            award.name, award.bidder, award.price
        ),
        format!(
            "award letter  lot {lot}: {} ({}), contract price {} CNY",
            award.name, award.bidder, award.price
        ),
    )
}
