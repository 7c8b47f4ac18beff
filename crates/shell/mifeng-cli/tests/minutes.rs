//! A trustee's agent and the opening record: its rows are shown, it is signed on its person's word, unasked only where that
//! was said before, and never one that the log's records do not give.

mod fake;
mod real;
mod seat;

use mifeng::crypto::{Digest, INTL, SeededEntropy};
use mifeng::record::SignedRecord;
use mifeng::tender::{MinutesSign, OpeningAnswer, OpeningAsk, OpeningMatter};
use mifeng::{Export, Replay, sign_record};
use mifeng_server::{Clock, SystemClock};
use mifeng_testkit::dossier::misread;
use mifeng_testkit::world::*;
use real::{Real, SEED, cast, opened};
use seat::{Seat, in_stages, said};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

const ASKED: &str = "sign the opening record (3 rows)";
const SIGNED: &str = "handed in, receipt ";

/// An agent at work.
struct Agent {
    child: Child,
    word: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    heard: String,
}

impl Agent {
    fn new(seat: &Seat, line: &str, host: &Real) -> Self {
        let mut command = seat.command("en", line, &host.url);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the command runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Agent {
            word: child.stdin.take().expect("piped"),
            child,
            lines,
            heard: String::new(),
        }
    }

    /// Listens until it says something.
    fn hear(&mut self, what: &str) {
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            self.heard += &format!("{line}\n");
            if line.contains(what) {
                return;
            }
        }
        unreachable!("it ended without {what:?}: {}", self.heard);
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What its log amounts to now.
fn replay(host: &Real, seat: &Seat) -> Replay {
    let fetch = ["bundle", "fetch", "--out", "now.tar", "--host", &host.url];
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .current_dir(&seat.0)
        .args(fetch)
        .output();
    let out = run.expect("the command runs");
    assert!(out.status.success(), "{}", said(&out));
    let tar = std::fs::read(seat.0.join("now.tar")).expect("fetched");
    Replay::of(&Parts::of_tar(&tar)).expect("replays")
}

fn question() -> OpeningAsk {
    OpeningAsk {
        kind: OpeningMatter::Question,
        text: "请确认唱标价格。".to_owned(),
    }
}

/// A bidder asks at the host; the record that does.
fn ask(host: &Real, seat: &Seat, tender: &Tender, cast: &Cast) -> Digest {
    let (state, now) = (tender.host.state(), SystemClock.now());
    let (signer, rng) = (&cast.bidders[0].signer, &mut SeededEntropy::new(b"ask"));
    let record = sign_record(state, "opening.ask", &question(), signer, now, rng);
    sent(host, seat, &record.expect("signed"))
}

/// The agency answers at the host.
fn reply(host: &Real, seat: &Seat, tender: &Tender, cast: &Cast, ask: Digest) {
    let (state, now) = (tender.host.state(), SystemClock.now());
    let answer = OpeningAnswer {
        ask,
        text: "已核对。".to_owned(),
    };
    let (signer, rng) = (&cast.agency.signer, &mut SeededEntropy::new(b"reply"));
    let record = sign_record(state, "opening.answer", &answer, signer, now, rng);
    sent(host, seat, &record.expect("signed"));
}

fn sent(host: &Real, seat: &Seat, record: &SignedRecord) -> Digest {
    let file = record.to_file().expect("a file");
    std::fs::write(seat.0.join("said.rec"), file).expect("written");
    let send = std::process::Command::new(env!("CARGO_BIN_EXE_mifeng"))
        .current_dir(&seat.0)
        .args(["send", "said.rec", "--host", &host.url])
        .output();
    let sent = send.expect("the command runs");
    assert!(sent.status.success(), "{}", said(&sent));
    record.commitment(&INTL)
}

/// Who signed, and what was logged.
fn signs(replay: &Replay, cast: &Cast) -> (bool, Vec<String>) {
    let own = cast.trustees[0].person.fingerprint(&INTL);
    let kinds = replay.records.iter().map(|one| one.kind.clone());
    (
        replay.state.minutes_signed().contains(&own),
        kinds.collect(),
    )
}

#[test]
fn a_trustee_signs_the_opening_record_that_was_shown_on_its_word() {
    let now = SystemClock.now();
    let cast = cast(now);
    let mut tender = opened(&cast);
    let seat = Seat::new("asked", &cast);
    let host = Real::new("asked", &mut tender, now);
    let mut agent = Agent::new(&seat, "trustee serve --yes", &host);
    agent.hear("type sign and Enter");
    let (_, minutes) = tender.host.state().minutes().expect("minutes");
    assert!(agent.heard.contains(ASKED), "{}", agent.heard);
    assert_eq!(minutes.rows.len(), 3);
    for row in &minutes.rows {
        let (name, price) = (&row.name, row.price.as_ref().expect("opened"));
        let (code, seal) = (&row.bidder, &row.seal.to_string()[..8]);
        let shown = format!("lot 1  {name} ({code} {seal}…)  {price} yuan  opened");
        assert!(agent.heard.contains(&shown), "{shown}: {}", agent.heard);
    }
    assert!(!signs(&replay(&host, &seat), &cast).0);
    // A yes is a word for shares, and none for a signature; nor does a signature stand for what came after it was asked for.
    agent.word.write_all(b"yes\n").expect("heard");
    let ask = ask(&host, &seat, &tender, &cast);
    agent.hear("✘ 2. every question at the opening is answered (1, 1 not yet)");
    agent.word.write_all(b"sign\n").expect("heard");
    reply(&host, &seat, &tender, &cast, ask);
    agent.hear("asks: 请确认唱标价格。  answer: 已核对。");
    agent.hear("type sign and Enter");
    assert!(!signs(&replay(&host, &seat), &cast).0);
    agent.word.write_all(b"sign\n").expect("heard");
    agent.hear(SIGNED);
    assert!(signs(&replay(&host, &seat), &cast).0);
    let (id, _) = tender.host.state().minutes().expect("minutes");
    let folder = seat.0.join("agent-T1");
    for kept in ["rec", "receipt"] {
        assert!(folder.join(format!("sign-{id}.{kept}")).is_file(), "{kept}");
    }
}

#[test]
fn unasked_it_signs_when_every_question_at_the_opening_is_answered() {
    let now = SystemClock.now();
    let cast = cast(now);
    let mut tender = opened(&cast);
    let asked = tender.say(&cast.bidders[0], "opening.ask", &question(), 101);
    asked.expect("asked");
    let seat = Seat::new("unasked", &cast);
    let host = Real::new("unasked", &mut tender, now);
    let mut agent = Agent::new(&seat, "trustee serve --yes-sign", &host);
    agent.hear("✘ 2. every question at the opening is answered (1, 1 not yet)");
    let ask = tender.host.state().opening_questions()[0].ask;
    reply(&host, &seat, &tender, &cast, ask);
    agent.hear("✔ 2. every question at the opening is answered (1, 0 not yet)");
    agent.hear(SIGNED);
    let (signed, kinds) = signs(&replay(&host, &seat), &cast);
    let at = |kind: &str| kinds.iter().position(|one| one == kind);
    assert!(signed && at("opening.answer") < at("opening.sign"));
    assert!(!agent.heard.contains("and Enter"), "{}", agent.heard);
}

#[test]
fn nothing_is_signed_that_was_signed_before_or_that_nobody_said() {
    let cast = Cast::new(&INTL, SEED);
    let stages = &["evaluation", "evaluation", "archived"];
    for (before, line, lang, told) in [
        (false, "trustee serve --yes", "en", ASKED),
        (false, "trustee serve", "zh", "…)  900000.00 元  已开标"),
        (true, "trustee serve --yes --yes-sign", "en", ""),
    ] {
        let mut tender = opened(&cast);
        let (id, _) = tender.host.state().minutes().expect("minutes");
        let data = MinutesSign { minutes: *id };
        if before {
            let own = &cast.trustees[0].person;
            let signed = tender.say(own, "opening.sign", &data, 101);
            signed.expect("signed");
        }
        let size = tender.host.replay().tree.size();
        let bundle = (tender.tar(Export::Records), size);
        let seat = Seat::new("unsaid", &cast);
        let host = in_stages(stages, bundle, |_| (200, Vec::new()).into());
        let run = seat.command(lang, line, &host.url).output();
        let out = run.expect("the command runs");
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        assert!(said(&out).contains(told), "{}", said(&out));
        assert_eq!(said(&out).contains(ASKED), told == ASKED, "{}", said(&out));
        assert_eq!(host.count("POST", "/records"), 0, "{line}");
    }
}

#[test]
fn an_opening_record_that_the_log_does_not_give_ends_the_agent_unsigned() {
    let cast = Cast::new(&INTL, SEED);
    let tender = opened(&cast);
    let size = tender.host.replay().tree.size();
    let bundle = (misread(&cast, &tender.tar(Export::Records)), size);
    let seat = Seat::new("misread", &cast);
    let stages = &["evaluation", "evaluation", "archived"];
    let host = in_stages(stages, bundle, |_| (200, Vec::new()).into());
    let out = seat.run("trustee serve --yes --yes-sign", &host);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("result.differs"), "{}", said(&out));
    assert_eq!(host.count("POST", "/records"), 0);
}

#[test]
fn an_agent_that_ends_with_the_opening_has_no_word_on_its_record() {
    let cast = Cast::new(&INTL, SEED);
    let tender = opened(&cast);
    let size = tender.host.replay().tree.size();
    let bundle = (tender.tar(Export::Records), size);
    let seat = Seat::new("once", &cast);
    let host = in_stages(&["evaluation"], bundle, |_| (200, Vec::new()).into());
    let out = seat.run("trustee serve --yes --once", &host);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(!said(&out).contains(ASKED), "{}", said(&out));
    let both = seat.run("trustee serve --yes-sign --once", &host);
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
}
