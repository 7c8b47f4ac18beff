//! Seats, checks, questions, prices and sheets.

use super::{bid_of, own, shown};
use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::person;
use crate::pool::Candidates;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Digest, Entropy, SystemEntropy, Time};
use mifeng::tender::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

type Scores = BTreeMap<String, BTreeMap<String, String>>;

/// Why bids do not pass, as people write it: credit code to reason and article.
type Against = BTreeMap<String, Why>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    pub(crate) reason: String,
    pub(crate) article: String,
}

/// A finding on every bid that is due; those in `against` fail, all others pass.
pub(crate) fn check(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    (kind, lot): (CheckKind, &str),
    against: Option<&Path>,
    out: &Path,
) -> Outcome {
    let against: Against = match against {
        None => Against::new(),
        Some(path) => serde_json::from_slice(&ui::read(path)?)
            .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))?,
    };
    let mut failing = BTreeMap::new();
    for (bidder, why) in against {
        failing.insert(bid_of(bundle, lot, &bidder)?, why);
    }
    let due = bundle.replay.state.due_in(kind, lot)?;
    if let Some(seal) = failing.keys().find(|seal| !due.contains(seal)) {
        return Err(Failure::refused(
            "check.invalid",
            format!("{}: 不在应审之列 / not due", shown(bundle, seal)),
        ));
    }
    let rows: Vec<CheckRow> = due
        .into_iter()
        .map(|seal| {
            let why = failing.remove(&seal);
            CheckRow {
                seal,
                pass: why.is_none(),
                reason: why.as_ref().map(|w| w.reason.clone()).unwrap_or_default(),
                article: why.map(|w| w.article).unwrap_or_default(),
            }
        })
        .collect();
    for row in &rows {
        let name = shown(bundle, &row.seal);
        match row.pass {
            true => ui.say(format!("  ✔ {name}"), format!("  ✔ {name}")),
            false => {
                let why = format!("{}（{}）", row.reason, row.article);
                ui.say(format!("  ✘ {name}：{why}"), format!("  ✘ {name}: {why}"));
            }
        }
    }
    let data = Check {
        kind,
        lot: lot.to_owned(),
        rows,
    };
    person::sign(&bundle.replay, identity, "check", &data, out)
}

/// What a question says.
pub(crate) struct Question<'a> {
    pub(crate) lot: &'a str,
    pub(crate) bidder: &'a str,
    pub(crate) matter: Matter,
    pub(crate) text: &'a str,
    pub(crate) minutes: u32,
}

/// A written question; the triggers of a low-price review are computed.
pub(crate) fn ask(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    question: &Question<'_>,
    out: &Path,
) -> Outcome {
    let state = &bundle.replay.state;
    let seal = bid_of(bundle, question.lot, question.bidder)?;
    let triggers = match question.matter {
        Matter::LowPrice => state
            .low_prices(question.lot)?
            .remove(&seal)
            .unwrap_or_else(|| vec!["committee".to_owned()]),
        _ => Vec::new(),
    };
    let data = Ask {
        lot: question.lot.to_owned(),
        seal,
        matter: question.matter,
        triggers,
        text: question.text.to_owned(),
        until: clock::now()
            .plus_millis(i64::from(question.minutes) * 60_000)
            .trunc_millis(),
    };
    ui.say(
        format!("向 {} 提问，{} 前答复", shown(bundle, &seal), data.until),
        format!(
            "question to {}, to be answered before {}",
            shown(bundle, &seal),
            data.until
        ),
    );
    person::sign(&bundle.replay, identity, "clarify.ask", &data, out)
}

/// The bidder's answer to the question of this number, from 1, in the order asked.
pub(crate) fn answer(
    identity: &Identity,
    bundle: &Bundle,
    number: usize,
    text: &str,
    price: Option<&str>,
    out: &Path,
) -> Outcome {
    let asked = bundle.replay.state.questions();
    let (question, _) = number
        .checked_sub(1)
        .and_then(|at| asked.get(at))
        .ok_or_else(|| Failure::usage(format!("--question 1..{}", asked.len())))?;
    let data = Answer {
        question: *question,
        text: text.to_owned(),
        price: price.map(str::to_owned),
    };
    person::sign(&bundle.replay, identity, "clarify.answer", &data, out)
}

/// Shows questions and answers.
pub(crate) fn questions(ui: &Ui, bundle: &Bundle) {
    for (number, (_, question)) in (1..).zip(bundle.replay.state.questions()) {
        let ask = &question.ask;
        let (name, text, until) = (shown(bundle, &ask.seal), &ask.text, ask.until);
        ui.say(
            format!("{number}. {name}（{until} 前答复）：{text}"),
            format!("{number}. {name} (before {until}): {text}"),
        );
        match &question.answer {
            Some(answer) => ui.say(
                format!("   答复：{}", answer.text),
                format!("   answer: {}", answer.text),
            ),
            None => ui.say("   尚未答复", "   no answer yet"),
        }
    }
}

/// A member's reading of an ambiguous price; empty means that it cannot be read.
pub(crate) fn decide(
    identity: &Identity,
    bundle: &Bundle,
    (lot, bidder): (&str, &str),
    price: &str,
    reason: &str,
    out: &Path,
) -> Outcome {
    let data = PriceDecide {
        seal: bid_of(bundle, lot, bidder)?,
        price: price.to_owned(),
        reason: reason.to_owned(),
    };
    person::sign(&bundle.replay, identity, "price.decide", &data, out)
}

/// A closed sheet, as the expert keeps it until all are revealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosedSheet {
    lot: String,
    salt: Digest,
    scores: Scores,
}

/// Points by bidder (credit code) and item, checked and closed: the record holds their hash only.
pub(crate) fn commit(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    (scores, secret): (&Path, &Path),
    out: &Path,
) -> Outcome {
    let state = &bundle.replay.state;
    let given: Scores = serde_json::from_slice(&ui::read(scores)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", scores.display())))?;
    let mut by_seal = Scores::new();
    for (bidder, items) in given {
        by_seal.insert(bid_of(bundle, lot, &bidder)?.to_string(), items);
    }
    let mut salt = [0; 32];
    SystemEntropy::new().fill(&mut salt)?;
    let closed = ClosedSheet {
        lot: lot.to_owned(),
        salt: Digest::from_bytes(salt),
        scores: by_seal,
    };
    let cert = own(identity, bundle);
    check_sheet(bundle, &closed, &cert)?;
    let commitment = sheet_commitment(state.suite(), lot, &cert, &closed.salt, &closed.scores)?;
    let bytes = serde_json::to_vec_pretty(&closed).map_err(|_| Failure::malformed("sheet"))?;
    ui::write_secret(secret, &bytes)?;
    ui.say(
        format!("评分表已封存，揭示前请保密：{}", secret.display()),
        format!(
            "sheet closed; keep it to yourself until all are revealed: {}",
            secret.display()
        ),
    );
    let data = ScoreCommit {
        lot: lot.to_owned(),
        commitment,
    };
    person::sign(&bundle.replay, identity, "score.commit", &data, out)
}

/// A sheet that could not be revealed later is found now.
fn check_sheet(bundle: &Bundle, closed: &ClosedSheet, cert: &Digest) -> Outcome {
    let state = &bundle.replay.state;
    let (_, notice) = state
        .notice()
        .ok_or_else(|| Failure::refused("record.wrong-stage", "there is no notice"))?;
    let lot = notice
        .lot(&closed.lot)
        .ok_or_else(|| Failure::malformed(format!("lot {}", closed.lot)))?;
    let bids: Vec<String> = state
        .facts(&closed.lot)?
        .into_iter()
        .map(|f| f.id)
        .collect();
    let sheet = mifeng::score::Sheet {
        judge: cert.to_string(),
        scores: closed.scores.clone(),
    };
    mifeng::score::check_sheet(&lot.rules, &bids, &sheet)
        .map_err(|e| Failure::refused("score.invalid", e.to_string()))
}

/// Reveals a closed sheet.
pub(crate) fn reveal(identity: &Identity, bundle: &Bundle, secret: &Path, out: &Path) -> Outcome {
    let closed: ClosedSheet = serde_json::from_slice(&ui::read(secret)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", secret.display())))?;
    let data = Score {
        lot: closed.lot,
        salt: closed.salt,
        scores: closed.scores,
    };
    person::sign(&bundle.replay, identity, "score", &data, out)
}

/// Objective items on which the experts differ, put right.
pub(crate) fn correct(
    identity: &Identity,
    bundle: &Bundle,
    lot: &str,
    (scores, reason): (&Path, &str),
    out: &Path,
) -> Outcome {
    let given: Scores = serde_json::from_slice(&ui::read(scores)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", scores.display())))?;
    let mut by_seal = Scores::new();
    for (bidder, items) in given {
        by_seal.insert(bid_of(bundle, lot, &bidder)?.to_string(), items);
    }
    let data = ScoreCorrect {
        lot: lot.to_owned(),
        reason: reason.to_owned(),
        scores: by_seal,
    };
    person::sign(&bundle.replay, identity, "score.correct", &data, out)
}

/// Rooms and seats as the agency writes them: certificate files relative to the plan.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionPlan {
    pub(crate) sites: Vec<SitePlan>,
}

/// One room.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SitePlan {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) supervisor: PathBuf,
    pub(crate) experts: Vec<PathBuf>,
}

/// The agency opens a session over several sites.
pub(crate) fn session(identity: &Identity, bundle: &Bundle, plan: &Path, out: &Path) -> Outcome {
    let alg = bundle.replay.suite().hash();
    let given: SessionPlan = serde_json::from_slice(&ui::read(plan)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", plan.display())))?;
    let folder = plan.parent().unwrap_or(Path::new("."));
    let print = |path: &PathBuf| -> Result<Digest, Failure> {
        Ok(identity::load_certificate(&folder.join(path))?.fingerprint(alg))
    };
    let (mut sites, mut seats) = (Vec::new(), Vec::new());
    for site in &given.sites {
        sites.push(Site {
            id: site.id.clone(),
            name: site.name.clone(),
            supervisor: print(&site.supervisor)?,
        });
        for expert in &site.experts {
            seats.push(SeatSite {
                cert: print(expert)?,
                site: site.id.clone(),
            });
        }
    }
    seats.sort_by_key(|seat| seat.cert);
    let data = SessionOpen { sites, seats };
    person::sign(&bundle.replay, identity, "session.open", &data, out)
}

/// An expert opens its seat.
pub(crate) fn sit(identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let (event, _) = bundle
        .replay
        .state
        .notice()
        .ok_or_else(|| Failure::refused("record.wrong-stage", "there is no notice"))?;
    let data = SeatOpen { notice: *event };
    person::sign(&bundle.replay, identity, "seat.open", &data, out)
}

fn print_of(bundle: &Bundle, expert: &Path) -> Result<Digest, Failure> {
    Ok(identity::load_certificate(expert)?.fingerprint(bundle.replay.suite().hash()))
}

/// The supervisor cosigns a seat after looking at who sits there.
pub(crate) fn cosign(identity: &Identity, bundle: &Bundle, expert: &Path, out: &Path) -> Outcome {
    let cert = print_of(bundle, expert)?;
    let seats = bundle.replay.state.seats();
    let seat = seats.iter().find(|seat| seat.cert == cert);
    let seat = seat
        .and_then(|seat| seat.opened)
        .ok_or_else(|| Failure::refused("seat.not-open", "the expert has not opened a seat"))?;
    let data = SeatCosign { cert, seat };
    person::sign(&bundle.replay, identity, "seat.cosign", &data, out)
}

/// The supervisor freezes a seat whose link is lost, or resumes it.
pub(crate) fn freeze(
    identity: &Identity,
    bundle: &Bundle,
    (expert, reason): (&Path, &str),
    back: bool,
    out: &Path,
) -> Outcome {
    let data = SeatFreeze {
        cert: print_of(bundle, expert)?,
        reason: reason.to_owned(),
    };
    let kind = if back { "seat.resume" } else { "seat.freeze" };
    person::sign(&bundle.replay, identity, kind, &data, out)
}

/// A member says that it leaves, or that another one has to: once sheets are shown, the agency replaces
/// nobody without it.
pub(crate) fn leave(
    identity: &Identity,
    bundle: &Bundle,
    (expert, reason): (&Path, &str),
    out: &Path,
) -> Outcome {
    let data = SeatLeave {
        cert: print_of(bundle, expert)?,
        reason: reason.to_owned(),
    };
    person::sign(&bundle.replay, identity, "seat.leave", &data, out)
}

/// The agency replaces a member by the next of the drawn, or says that nobody is left. `declined` are
/// the certificates of those before the one who takes the seat.
pub(crate) fn replace(
    identity: &Identity,
    bundle: &Bundle,
    (expert, reason): (&Path, &str),
    declined: &[PathBuf],
    secret: &Path,
    out: &Path,
) -> Outcome {
    let state = &bundle.replay.state;
    let known: Candidates = serde_json::from_slice(&ui::read(secret)?)
        .map_err(|e| Failure::malformed(format!("{}: {e}", secret.display())))?;
    let row_of = |id: &String| {
        let rows = known.rows.iter();
        let mut own =
            rows.filter(|row| blind_id(state.suite(), &row.salt, &row.cert).to_string() == *id);
        own.next()
            .ok_or_else(|| Failure::malformed(format!("{}: {id}", secret.display())))
    };
    let away = declined.iter().map(|path| print_of(bundle, path));
    let away = away.collect::<Result<Vec<_>, _>>()?;
    let mut passed = Vec::new();
    let mut seat = None;
    for id in state.alternates() {
        let row = row_of(id)?;
        if !away.contains(&row.cert) {
            seat = Some(Seat {
                id: id.clone(),
                salt: row.salt,
                cert: row.cert,
            });
            break;
        }
        passed.push(id.clone());
    }
    let data = SeatReplace {
        cert: print_of(bundle, expert)?,
        reason: reason.to_owned(),
        declined: passed,
        seat,
    };
    person::sign(&bundle.replay, identity, "seat.replace", &data, out)
}

/// RFC 3339, whole seconds or finer.
pub(crate) fn time(text: &str) -> Result<Time, Failure> {
    Time::parse_rfc3339(text).map_err(|_| Failure::no_time("", text))
}
