//! When a board's key cannot be finished: complaints, giving up, and what the records say so far.

use crate::identity::Identity;
use crate::person;
use crate::reshare;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng::crypto::SystemEntropy;
use mifeng::lock::Error as LockError;
use mifeng::tender::{BoardAbandon, BoardComplain, State};
use mifeng::words;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum BoardTrouble {
    /// 投诉：证明某人发来的份额是错的；本次制作（交接）作废 / prove that somebody sent a wrong share; the making ends
    Complain {
        #[arg(long)]
        id: PathBuf,
        /// 第几位的份额是错的 / whose share is wrong
        #[arg(long)]
        against: u8,
        /// 委员会至今的全部记录 / all records of the board so far
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 放弃做不完的密钥制作或交接，并说明原因 / give a making or a handing on up that cannot be finished
    Abandon {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        reason: String,
        /// 委员会至今的全部记录 / all records of the board so far
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核对记录：谁已加入，密钥是否已成，投诉是否成立 / check records: who joined, the key, whether a complaint holds
    Status {
        #[arg(long, value_enum, default_value = "gm")]
        suite: crate::args::SuiteName,
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn run(ui: &Ui, command: &BoardTrouble, json: bool) -> Outcome {
    match command {
        BoardTrouble::Complain {
            id,
            against,
            files,
            out,
        } => complain(ui, &Identity::load(ui, id)?, *against, files, out),
        BoardTrouble::Abandon {
            id,
            reason,
            files,
            out,
        } => abandon(&Identity::load(ui, id)?, reason, files, out),
        BoardTrouble::Status { suite, files } => {
            status(ui, &person::board_state(suite.suite(), files)?, json);
            Ok(())
        }
    }
}

/// Tells a trustee whose share of somebody is wrong what to do next.
pub(crate) fn advise(ui: &Ui, error: LockError) -> Failure {
    if let (LockError::DkgDecrypt { .. } | LockError::DkgShare { .. }, Some(culprit)) =
        (&error, error.culprit())
    {
        ui.warn(
            format!("请用同样的记录运行 mifeng board complain --against {culprit}，把得到的文件交给所有人：任何人都能核对"),
            format!("run mifeng board complain --against {culprit} over the same records and give everybody the file: anyone can check it"),
        );
    }
    error.into()
}

/// Where somebody sits: the number of the handing on (0 for the making of the key), and the index there.
fn seat(state: &State, identity: &Identity) -> Result<(u32, u8), Failure> {
    let own = identity
        .signer
        .certificate()
        .fingerprint(state.suite().hash());
    let (round, joined) = state.reshare_joined();
    let here = joined.iter().find(|(_, (cert, _))| *cert == own);
    match here {
        Some((index, _)) => Ok((round, *index)),
        None => Ok((0, person::making(state, identity)?.index)),
    }
}

fn complain(ui: &Ui, identity: &Identity, against: u8, files: &[PathBuf], out: &Path) -> Outcome {
    let suite = person::suite_of(identity)?;
    let state = person::board_state(suite, files)?;
    let (round, index) = seat(&state, identity)?;
    let (transcript, key) = if round == 0 {
        let key = person::static_key(ui, identity, suite)?;
        (person::making(&state, identity)?.transcript()?, key)
    } else {
        let path = reshare::new_key_file(identity, round);
        let key = person::static_key_in(ui, &path, suite)?;
        (state.reshare_transcript()?, key)
    };
    let complaint = transcript.complain(&key, against, &mut SystemEntropy::new())?;
    let data = BoardComplain {
        index,
        accused: against,
        round,
        complaint: hex::encode(complaint.to_bytes()),
    };
    write(&state, round, identity, ("board.complain", &data), out)
}

fn abandon(identity: &Identity, reason: &str, files: &[PathBuf], out: &Path) -> Outcome {
    let state = person::board_state(person::suite_of(identity)?, files)?;
    let (next, joined) = state.reshare_joined();
    let round = if joined.is_empty() { 0 } else { next };
    let index = match round {
        0 => person::making(&state, identity)?.index,
        _ => person::own_member(&state, identity)?.0,
    };
    let data = BoardAbandon {
        index,
        round,
        reason: reason.to_owned(),
    };
    write(&state, round, identity, ("board.abandon", &data), out)
}

fn write<T: serde::Serialize>(
    state: &State,
    round: u32,
    identity: &Identity,
    (kind, data): (&str, &T),
    out: &Path,
) -> Outcome {
    let certificate = identity.signer.certificate();
    let own = certificate.fingerprint(state.suite().hash());
    // A handing on is the first board's, also for who only joins it.
    let (session, seq) = match state.members().values().next() {
        Some((_, member)) if round > 0 => (&member.session, state.board_records_of(&own)),
        _ => {
            let making = person::making(state, identity)?;
            (&making.member.session, making.signed)
        }
    };
    person::sign_board(state.suite(), session, seq, identity, kind, data, out)
}

/// What is done after a making (round 0) or a handing on was given up.
fn next(round: u32) -> (String, String) {
    match round {
        0 => (
            "请换新的委员会名称重做；各人先移走旧的 static.key 与 witness.key".to_owned(),
            "begin again under another name; everybody moves static.key and witness.key away first"
                .to_owned(),
        ),
        _ => {
            let after = round.saturating_add(1);
            (
                format!("现任受托人不变，下一次交接是第 {after} 次"),
                format!("the present trustees stay, the next handing on is number {after}"),
            )
        }
    }
}

fn status(ui: &Ui, state: &State, json: bool) {
    let key = state.board().map(|board| board.key());
    let said = key.map(|key| words::fingerprint(&key, ui.lang == Lang::Zh));
    if json {
        let given_up: Vec<_> = state
            .given_up()
            .iter()
            .map(|g| {
                serde_json::json!({"session": g.session, "round": g.round, "by": g.by, "culprit": g.culprit, "why": g.why})
            })
            .collect();
        let value = serde_json::json!({
            "members": state.members().len(), "board": key.map(|key| key.to_string()), "words": said,
            "given_up": given_up,
        });
        ui.tell(true, &value, "", "");
        return;
    }
    for past in state.given_up() {
        let (mark, by, why) = (ui.mark(false), past.by, &past.why);
        let (next_zh, next_en) = next(past.round);
        let (zh, en) = match past.culprit {
            Some(culprit) => (
                format!(
                    "{mark} 作废：第 {by} 位投诉成立，责任人是第 {culprit} 位（{why}）；{next_zh}"
                ),
                format!(
                    "{mark} void: the complaint of trustee {by} holds, trustee {culprit} is at fault ({why}); {next_en}"
                ),
            ),
            None => (
                format!("{mark} 第 {by} 位放弃：{why}；{next_zh}"),
                format!("{mark} given up by trustee {by}: {why}; {next_en}"),
            ),
        };
        ui.say(zh, en);
    }
    if let Some((_, first)) = state.members().values().next() {
        let (joined, n, t, session) = (state.members().len(), first.n, first.t, &first.session);
        ui.say(
            format!("{session}：{joined}/{n} 人已加入，{t} 人到场即可开标"),
            format!("{session}: {joined} of {n} have joined, {t} can open together"),
        );
    }
    if let Some(said) = said {
        let mark = ui.mark(true);
        ui.say(
            format!("{mark} 委员会密钥 {said}"),
            format!("{mark} board key {said}"),
        );
    }
}
