//! Questions on the spot at the demo's opening (87 art. 42): a bidder asks, the agency answers whoever asked.

use super::act::Act;
use super::stages::Tender;
use crate::person;
use crate::ui::{Outcome, Ui};
use mifeng::crypto::Digest;
use mifeng::tender::{OpeningAnswer, OpeningAsk, OpeningMatter};

const QUESTION: &str = "请确认本标段唱标价格与开标一览表一致。";
const ANSWER: &str = "已当场核对，与日志中的开标记录一致。";

impl Tender {
    /// A bidder asks, and is answered.
    pub(super) fn ask_at_opening(&mut self, ui: &Ui, asker: &str) -> Outcome {
        let out = self.path(format!("{asker}/ask.rec"));
        let act = Act::new(asker, "opening.ask", out);
        let data = OpeningAsk {
            kind: OpeningMatter::Question,
            text: QUESTION.to_owned(),
        };
        let bundle = self.bundle()?;
        self.act(ui, &act, &bundle, |_, bidder, bundle| {
            person::sign(&bundle.replay, bidder, "opening.ask", &data, &act.out)
        })?;
        self.answer_at_opening(ui)
    }

    /// Answers what waits, whoever asked it: nothing of the evaluation is taken before.
    pub(super) fn answer_at_opening(&mut self, ui: &Ui) -> Outcome {
        let asked = self.host.state().opening_questions();
        let waiting = asked.iter().filter(|one| one.reply.is_none());
        let waiting: Vec<(Digest, String)> =
            waiting.map(|one| (one.ask, one.name.clone())).collect();
        for (ask, name) in waiting {
            let out = self.path(format!("agency/answer-{ask}.rec"));
            let act = Act::new("agency", "opening.answer", out);
            let data = OpeningAnswer {
                ask,
                text: ANSWER.to_owned(),
            };
            let bundle = self.bundle()?;
            self.act(ui, &act, &bundle, |_, agency, bundle| {
                person::sign(&bundle.replay, agency, "opening.answer", &data, &act.out)
            })?;
            ui.say(
                format!("{name}当场询问，代理机构已答复"),
                format!("{name} asked on the spot; the agency answered"),
            );
        }
        Ok(())
    }
}
