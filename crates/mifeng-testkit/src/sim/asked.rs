//! What the agency does beside the opening record: it clarifies the tender document, answers who asks at the opening, and
//! tries to go on without.

use super::run::{Run, SECOND};
use crate::world::{DEADLINE, Person, secs};
use mifeng::crypto::Time;
use mifeng::sign_record;
use mifeng::tender::{Amend, OpeningAnswer, OpeningAsk, OpeningMatter, Pool, Stage};
use serde::Serialize;

/// From then on the agency amends, in half of the runs: bids are in by then.
const AMENDS: i64 = 20 * SECOND;

impl Run<'_> {
    /// Words alone, before the deadline: an entry of its own between two beats.
    pub(super) fn amend(&mut self, now: Time) {
        let due = self.now >= AMENDS && (self.seed / 2).is_multiple_of(2) && self.amended.is_none();
        let (Some(host), true) = (&self.host, due && now < secs(DEADLINE)) else {
            return;
        };
        let data = Amend {
            affects: false,
            deadline: None,
            documents: Vec::new(),
            reason: "答复询问".to_owned(),
            text: "开标地点的楼层写错，应为三层。".to_owned(),
        };
        let (suite, rng) = (self.world.cast.suite, &mut self.rng);
        let agency = &self.world.cast.agency.signer;
        let record = sign_record(host.state(), "tender.amend", &data, agency, now, rng);
        let record = match record {
            Ok(record) => record,
            Err(e) => return self.broken(format!("no amendment: {e}")),
        };
        let commitment = record.commitment(suite);
        match self.with_host(|host, _| host.submit(record, None, now)) {
            Some(Ok(())) => {
                self.amended = Some(commitment);
                self.seen.amended += 1;
            }
            Some(Err(e)) => self.broken(format!("refused: {e}")),
            None => {}
        }
    }

    /// One step, if there is one now. Seeds differ in how often is asked: not at all, in the window, and once more when
    /// the opening record stands.
    pub(super) fn at_the_opening(&mut self, now: Time) -> bool {
        let Some(host) = &self.host else { return false };
        let state = host.state();
        let (asked, evaluation) = (
            state.opening_questions(),
            state.stage() == Stage::Evaluation,
        );
        let open = asked.iter().find(|one| one.reply.is_none());
        let open = open.map(|one| one.ask);
        let cast = &self.world.cast;
        if let Some(ask) = open {
            // In the window the answer may wait.
            if evaluation {
                self.try_to_go_on(now);
                let text = "已核实，记录无误。".to_owned();
                let data = OpeningAnswer { ask, text };
                return self.told(&cast.agency, "opening.answer", &data, now);
            }
            return false;
        }
        let wanted = self.seed / 2 % 3;
        let due = wanted.min(1 + u64::from(evaluation));
        if asked.len() as u64 >= due {
            return false;
        }
        let present = cast.bidders.iter().find(|person| {
            let own = person.fingerprint(cast.suite);
            let of = |id| state.bids()[id].seal.context().bidder_cert == own;
            state.to_open().iter().any(of)
        });
        let Some(bidder) = present else { return false };
        let data = OpeningAsk {
            kind: OpeningMatter::Question,
            text: "截止时间以何处时钟为准？".to_owned(),
        };
        self.seen.asked += 1;
        self.told(bidder, "opening.ask", &data, now)
    }

    /// Logs a record that must be right.
    fn told<T: Serialize>(&mut self, by: &Person, kind: &str, data: &T, now: Time) -> bool {
        if let Some(host) = &self.host {
            let record = sign_record(host.state(), kind, data, &by.signer, now, &mut self.rng);
            self.log(record, now);
        }
        true
    }

    /// Nobody is passed over: no pool while a question is open.
    fn try_to_go_on(&mut self, now: Time) {
        let Some(host) = &self.host else { return };
        let data = Pool {
            specialty: "A032000".to_owned(),
            n: 1,
            reason: String::new(),
            rows: Vec::new(),
        };
        let agency = &self.world.cast.agency.signer;
        let rng = &mut self.rng;
        let record = sign_record(host.state(), "expert.pool", &data, agency, now, rng);
        let Ok(record) = record else { return };
        match self.with_host(|host, _| host.submit(record, None, now)) {
            Some(Err(e)) if e.code() == "opening.unanswered" => {}
            None => {}
            Some(other) => self.broken(format!("an evaluation begins over a question: {other:?}")),
        }
    }
}
