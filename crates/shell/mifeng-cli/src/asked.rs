//! `mifeng opening`: what bidders ask on the spot at the opening, and what they are told.

use crate::bundle::Bundle;
use crate::evaluation::args::By;
use crate::person;
use crate::ui::{Failure, Outcome, Ui};
use mifeng::tender::{OpeningAnswer, OpeningAsk, OpeningMatter};
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum OpeningCommand {
    /// 投标人：当场询问，或申请回避；评审开始前必有答复 / bidder: ask on the spot, or that somebody stand back; answered before the evaluation begins
    Ask {
        #[command(flatten)]
        by: By,
        /// 回避申请，不是询问 / a request for recusal, not a question
        #[arg(long)]
        recusal: bool,
        #[arg(long)]
        text: String,
    },
    /// 代理机构或采购人：当场答复 / agency or buyer: answer it
    Answer {
        #[command(flatten)]
        by: By,
        /// 第几个，从1起，见 opening questions / its number, from 1, as `opening questions` lists them
        #[arg(long)]
        question: usize,
        #[arg(long)]
        text: String,
    },
    /// 列出询问、回避申请与答复 / list questions, requests and answers
    Questions {
        /// 项目记录包 / the tender's bundle
        #[arg(long)]
        tender: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &OpeningCommand, json: bool) -> Outcome {
    match command {
        OpeningCommand::Ask { by, recusal, text } => ask(ui, by, *recusal, text),
        OpeningCommand::Answer { by, question, text } => answer(ui, by, *question, text),
        OpeningCommand::Questions { tender } => {
            list(ui, &Bundle::open(tender)?, json);
            Ok(())
        }
    }
}

fn ask(ui: &Ui, by: &By, recusal: bool, text: &str) -> Outcome {
    let (bundle, identity) = by.open(ui)?;
    let kind = match recusal {
        true => OpeningMatter::Recusal,
        false => OpeningMatter::Question,
    };
    let data = OpeningAsk {
        kind,
        text: text.to_owned(),
    };
    person::sign(&bundle.replay, &identity, "opening.ask", &data, &by.out)?;
    if !bundle.replay.state.takes_opening_questions() {
        ui.warn(
            "按此记录包，现在不在受理询问的时段（截标后、评审开始前），平台将拒绝",
            "by this bundle nobody asks at the opening now (after the close, before the evaluation): the host will refuse it",
        );
    }
    Ok(())
}

fn answer(ui: &Ui, by: &By, number: usize, text: &str) -> Outcome {
    let (mut bundle, identity) = by.open(ui)?;
    let asked = bundle.replay.state.opening_questions();
    let question = number.checked_sub(1).and_then(|at| asked.get(at));
    let question =
        question.ok_or_else(|| Failure::usage(format!("--question 1..{}", asked.len())))?;
    ui.say(
        format!("答复 {}：{}", question.name, question.text),
        format!("answer to {}: {}", question.name, question.text),
    );
    let data = OpeningAnswer {
        ask: question.ask,
        text: text.to_owned(),
    };
    person::sign_due(&mut bundle, &identity, "opening.answer", &data, &by.out)
}

fn list(ui: &Ui, bundle: &Bundle, json: bool) {
    let asked = bundle.replay.state.opening_questions();
    if json {
        let rows = asked.iter().map(|one| {
            let reply = one.reply.as_ref();
            let reply = reply
                .map(|r| serde_json::json!({"answered": r.answered, "by": r.by, "text": r.text}));
            serde_json::json!({
                "ask": one.ask, "asked": one.asked, "bidder": one.bidder, "kind": one.kind,
                "name": one.name, "reply": reply, "text": one.text,
            })
        });
        let rows: Vec<serde_json::Value> = rows.collect();
        ui.tell(true, &serde_json::json!({ "questions": rows }), "", "");
        return;
    }
    for (number, one) in (1..).zip(asked) {
        let (zh, en) = match one.kind {
            OpeningMatter::Question => ("询问", "question"),
            OpeningMatter::Recusal => ("回避申请", "recusal"),
        };
        let (name, at, text) = (&one.name, one.asked, &one.text);
        ui.say(
            format!("{number}. {zh}，{name}，{at}：{text}"),
            format!("{number}. {en}, {name}, {at}: {text}"),
        );
        match &one.reply {
            Some(reply) => ui.say(
                format!("   答复，{}：{}", reply.answered, reply.text),
                format!("   answer, {}: {}", reply.answered, reply.text),
            ),
            None => ui.say("   尚未答复", "   no answer yet"),
        }
    }
}
