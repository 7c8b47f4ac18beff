//! Those present at an opening: what the opening record says by the tender's own records, and the records that are signed
//! in the hall (spec/events.md): the signature under it, a question on the spot, and the answer to one.

use crate::audit::Problem;
use crate::desk::{Named, in_chinese, replayed};
use crate::earlier::{no, text};
use crate::slices::{Given, ReadAt};
use crate::wallet::Wallet;
use mifeng::crypto::{Digest, Entropy, Time};
use mifeng::pki::{Certificate, Signer};
use mifeng::tender::{
    BidStatus, MinutesRow, MinutesSign, OpeningAnswer, OpeningAsk, OpeningMatter, Refusal, rules,
};
use mifeng::{Error, Replay};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which tender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresentRequest {
    /// The bundle.
    pub tender: Given,
}

/// One row of the opening record.
#[derive(Clone, Debug, Serialize)]
pub struct RowShown {
    /// Lot.
    pub lot: String,
    /// The bidder's name.
    pub name: String,
    /// What became of the bid (spec/events.md, Values).
    pub status: BidStatus,
    /// The price that was read out, in yuan; none where none is.
    pub price: Option<String>,
}

/// What the records prove of an opening.
#[derive(Clone, Debug, Serialize)]
pub struct Present {
    /// The opening record, by its commitment; none before it stands.
    pub minutes: Option<Named>,
    /// Its rows.
    pub rows: Vec<RowShown>,
}

/// The answer of [`present`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct PresentTold {
    /// What was found.
    pub present: Option<Present>,
    /// Why nothing was.
    pub problem: Option<Problem>,
}

/// What somebody present has to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// `opening.sign`.
    Sign {
        /// The opening record that was shown.
        minutes: Digest,
    },
    /// `opening.ask`.
    Ask {
        /// A question, or an application that somebody withdraw.
        kind: OpeningMatter,
        /// In the asker's words.
        text: String,
    },
    /// `opening.answer`.
    Answer {
        /// Commitment of the question's record.
        ask: Digest,
        /// In the agency's or the buyer's words.
        text: String,
    },
}

/// What is signed, by whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SayRequest {
    /// The bundle.
    pub tender: Given,
    /// The log's name, as the page that asks shows it.
    pub origin: String,
    /// Key files and certificates.
    pub identity: Vec<Given>,
    /// The browser's clock.
    pub at: Time,
    /// What is said.
    pub act: Act,
}

/// The answer of [`say`].
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct Said {
    /// The signed record.
    pub record: Option<String>,
    /// Who signed.
    pub signer: Option<String>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

/// Tells what the opening record says, for whoever is to sign it.
pub fn present(request: &PresentRequest, from: &Arc<dyn ReadAt>) -> PresentTold {
    match replayed(&request.tender, from) {
        Ok(replay) => PresentTold {
            present: Some(told(&replay)),
            problem: None,
        },
        Err(e) => PresentTold {
            present: None,
            problem: Some(in_chinese(
                Problem::of(&request.tender, &e),
                "日志未通过核对",
            )),
        },
    }
}

fn told(replay: &Replay) -> Present {
    let Some((record, minutes)) = replay.state.minutes() else {
        return Present {
            minutes: None,
            rows: Vec::new(),
        };
    };
    let row = |row: &MinutesRow| RowShown {
        lot: row.lot.clone(),
        name: row.name.clone(),
        status: row.status,
        price: row.price.clone(),
    };
    Present {
        minutes: Some(Named::new("opening.minutes".to_owned(), *record)),
        rows: minutes.rows.iter().map(row).collect(),
    }
}

/// Signs what somebody present has to say.
pub fn say(
    request: &SayRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> Said {
    match signed(request, pin, from, entropy) {
        Ok((record, signer)) => Said {
            record: Some(record),
            signer: Some(signer),
            problem: None,
        },
        Err(problem) => Said {
            record: None,
            signer: None,
            problem: Some(in_chinese(problem, "未能签署")),
        },
    }
}

fn signed(
    request: &SayRequest,
    pin: &[u8],
    from: &Arc<dyn ReadAt>,
    entropy: &mut dyn Entropy,
) -> Result<(String, String), Problem> {
    let about = |e: Error| Problem::about("", &e);
    let replay = replayed(&request.tender, from).map_err(|e| Problem::of(&request.tender, &e))?;
    if replay.state.origin() != request.origin {
        let (own, other) = (&request.origin, replay.state.origin());
        return Err(no(
            "desk.other-log",
            &format!("下载的记录包属于日志 {other}，不是本页的 {own}，未签署"),
            &format!(
                "the bundle is of the log {other}, not of this page's {own}: nothing was signed"
            ),
        ));
    }
    request.act.fits(&replay)?;
    let wallet = Wallet::open(&request.identity, pin, from)?;
    let knows = |one: &Certificate, _: &[Certificate]| has_part(&replay, one);
    let signer = wallet.signer(&knows).map_err(about)?;
    drop(wallet);
    let name = signer.certificate().subject_name();
    if !has_part(&replay, signer.certificate()) {
        return Err(no(
            "desk.no-part",
            &format!("所选证书（{name}）在本项目中不是投标人、受托人、采购人或代理机构，未签署"),
            &format!(
                "the certificate chosen ({name}) is no bidder's, trustee's, buyer's or agency's in this tender: nothing was signed"
            ),
        ));
    }
    // After the close nothing waits unseen: the log shows which number is the next.
    let state = &replay.state;
    let made = match &request.act {
        Act::Sign { minutes } => {
            let data = MinutesSign { minutes: *minutes };
            mifeng::sign_record(state, "opening.sign", &data, &signer, request.at, entropy)
        }
        Act::Ask { kind, text } => {
            let data = OpeningAsk {
                kind: *kind,
                text: text.clone(),
            };
            mifeng::sign_record(state, "opening.ask", &data, &signer, request.at, entropy)
        }
        Act::Answer { ask, text } => {
            let data = OpeningAnswer {
                ask: *ask,
                text: text.clone(),
            };
            mifeng::sign_record(state, "opening.answer", &data, &signer, request.at, entropy)
        }
    };
    let record = made.and_then(|made| text(&made)).map_err(about)?;
    Ok((record, name))
}

impl Act {
    /// What is signed is what was shown: the opening record of this log, and no other.
    fn fits(&self, replay: &Replay) -> Result<(), Problem> {
        let about = |refusal: Refusal| Problem::about("", &refusal.into());
        if replay.state.closed().is_none() {
            let stage = "before the close nothing is signed in the hall";
            return Err(about(Refusal::by(&rules::WRONG_STAGE, stage)));
        }
        let Act::Sign { minutes } = self else {
            return Ok(());
        };
        match replay.state.minutes() {
            Some((record, _)) if record == minutes => Ok(()),
            Some(_) => Err(no(
                "desk.other-minutes",
                "日志中的开标记录与所显示的不同，未签署：请重新核对",
                "the opening record in the log is not the one that was shown, and nothing was signed: look again",
            )),
            None => Err(about(Refusal::by(
                &rules::WRONG_STAGE,
                "there is no opening record yet",
            ))),
        }
    }
}

/// Whether a certificate is one of those who may be present: the host asks for more, and says so.
fn has_part(replay: &Replay, one: &Certificate) -> bool {
    let state = &replay.state;
    let own = one.fingerprint(replay.suite().hash());
    let in_notice = state
        .notice()
        .is_some_and(|(_, notice)| own == notice.buyer.cert || own == notice.agency.cert);
    let members = state.members().values();
    let mut members = members.chain(state.fallback_members().values());
    // A bidder is its organisation, whichever of its certificates signs; who was refused may ask.
    let code = one.uscc();
    let is_bidder = |code: &String| {
        let mut bids = state.bids().values();
        let mut refused = state.refused().values();
        bids.any(|bid| bid.seal.context().bidder == *code) || refused.any(|row| row.bidder == *code)
    };
    in_notice || members.any(|(cert, _)| *cert == own) || code.as_ref().is_some_and(is_bidder)
}
