//! What happens in each step: looking at the files on the table, and playing the trustees in a rehearsal.

use super::steps::STEPS;
use super::{Status, Table, Value};
use crate::clock;
use crate::identity::{self, Ca, Identity, Kind};
use crate::person::{self, Join};
use crate::ui::{self, Failure, Lang, Outcome, Pins, Ui};
use mifeng::crypto::{Digest, Entropy, SystemEntropy, jcs};
use mifeng::lock::tdh2;
use mifeng::pki::cms;
use mifeng::tender::State;
use std::cell::RefCell;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Looks at what is on the table, and says what is missing. Files of trustees are judged, never trusted.
pub(super) fn look(table: &Table, step: &str) -> Result<Status, Failure> {
    match step {
        "join" => joined(table),
        "round1" => first_round(table),
        "round2" => second_round(table),
        "trial" => trial(table),
        "minutes" => minutes(table),
        _ => signatures(table),
    }
}

/// The board's records up to a step, applied; or what is missing.
fn state(table: &Table, kinds: &[&str]) -> Result<Result<State, Vec<String>>, Failure> {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for kind in kinds {
        let (there, absent) = table.files(kind, "rec");
        files.extend(there);
        missing.extend(absent);
    }
    if !missing.is_empty() {
        return Ok(Err(missing));
    }
    let state = person::board_state(table.suite, &files)?;
    let it = &table.ceremony;
    for (index, (_, member)) in state.members() {
        if (&member.session, member.t, member.n) != (&it.session, it.quorum, it.of) {
            return Err(Failure::refused(
                "ceremony.other-session",
                format!("in/join-{index}.rec is of another session, quorum or number of members"),
            ));
        }
    }
    Ok(Ok(state))
}

fn joined(table: &Table) -> Result<Status, Failure> {
    let state = match state(table, &["join"])? {
        Ok(state) => state,
        Err(missing) => return Ok(Status::Waiting(missing)),
    };
    let hash = table.suite.hash();
    let mut values: Vec<Value> = state
        .members()
        .iter()
        .map(|(index, (_, member))| {
            let digest = hash.digest(member.static_key.as_bytes());
            Value::new(
                format!("受托人 {index} 的静态密钥"),
                format!("static key of trustee {index}"),
                digest,
            )
        })
        .collect();
    let context = state.board_setup()?.context();
    values.push(Value::new("全体成员与人数", "members and quorum", context));
    Ok(Status::Done(values))
}

fn first_round(table: &Table) -> Result<Status, Failure> {
    Ok(match state(table, &["join", "round1"])? {
        Ok(state) => {
            let hash = state.board_transcript()?.hash();
            Status::Done(vec![Value::new("协议文本", "transcript", hash)])
        }
        Err(missing) => Status::Waiting(missing),
    })
}

fn second_round(table: &Table) -> Result<Status, Failure> {
    Ok(match state(table, &["join", "round1", "round2"])? {
        Ok(state) => Status::Done(vec![Value::new(
            "委员会密钥",
            "board key",
            board_key(&state)?,
        )]),
        Err(missing) => Status::Waiting(missing),
    })
}

fn board_key(state: &State) -> Result<Digest, Failure> {
    let board = state.board().ok_or_else(|| {
        Failure::refused("board.formation", "the board's records are not complete")
    })?;
    Ok(board.key())
}

/// In a rehearsal the keys are here: every quorum's claim is tried out. In a ceremony people do it.
fn trial(table: &Table) -> Result<Status, Failure> {
    if !table.ceremony.rehearsal {
        return Ok(Status::Done(Vec::new()));
    }
    let state = match state(table, &["join", "round1", "round2"])? {
        Ok(state) => state,
        Err(lost) => return Ok(Status::Waiting(lost)),
    };
    let transcript = state.board_transcript()?;
    let board = transcript.board();
    let entropy = &mut SystemEntropy::new();
    let (mut rho, mut message) = (Zeroizing::new([0; 96]), [0; 32]);
    entropy.fill(&mut rho[..])?;
    entropy.fill(&mut message)?;
    let sealed = tdh2::encrypt(board, b"ceremony trial", &rho, &message)?;
    let sealed = tdh2::Ciphertext::parse_and_check(board, b"ceremony trial", &sealed)?;
    let mut shares = Vec::new();
    for index in table.members().rev().take(table.ceremony.quorum.into()) {
        let (ui, identity) = actor(table, index)?;
        // A new machine: nothing but the static key and the records on the table.
        let secret = transcript.share(&person::static_key(&ui, &identity, table.suite)?)?;
        shares.push(tdh2::release(board, &secret, &sealed, entropy)?);
    }
    let opened = tdh2::combine(board, &sealed, &shares)?;
    let few = tdh2::combine(board, &sealed, &shares[1..]);
    if *opened != message || few.is_ok() {
        return Err(Failure::refused(
            "ceremony.trial",
            "the test did not open as it should",
        ));
    }
    let digest = table.suite.hash().digest(&message);
    Ok(Status::Done(vec![Value::new(
        "试开的内容（够人打开；少一人打不开）",
        "what the trial opened (a quorum; one fewer did not)",
        digest,
    )]))
}

fn minutes_file(table: &Table) -> PathBuf {
    table.folder.join("minutes.json")
}

fn minutes(table: &Table) -> Result<Status, Failure> {
    let path = minutes_file(table);
    // Once signed it stays: the same bytes after every interruption.
    if !path.exists() {
        ui::write(&path, &jcs::to_vec(&table.ceremony)?)?;
    }
    let digest = table.suite.hash().digest(&ui::read(&path)?);
    Ok(Status::Done(vec![Value::new("记录", "minutes", digest)]))
}

fn signatures(table: &Table) -> Result<Status, Failure> {
    let (files, missing) = table.files("minutes", "p7s");
    if !missing.is_empty() {
        return Ok(Status::Waiting(missing));
    }
    let state = match state(table, &["join"])? {
        Ok(state) => state,
        Err(lost) => return Ok(Status::Waiting(lost)),
    };
    let content = ui::read(&minutes_file(table))?;
    for (path, (index, (member, _))) in files.iter().zip(state.members()) {
        let signature = ui::read(path)?;
        let signed = cms::verify_detached(&signature, &content, table.suite)
            .map_err(|e| Failure::from(e).at(path))?;
        if signed.certificate.fingerprint(table.suite.hash()) != *member {
            return Err(Failure::refused(
                "ceremony.signer",
                format!("{}: not signed by trustee {index}", path.display()),
            ));
        }
    }
    Ok(Status::Done(Vec::new()))
}

/// Where a rehearsal keeps the trustees.
fn stage(table: &Table) -> PathBuf {
    table.folder.join("rehearsal")
}

/// A rehearsal's passphrase protects nothing: the keys are thrown away.
fn hands() -> Ui {
    Ui {
        quiet: true,
        lang: Lang::Zh,
        pin_file: None,
        pin_fd: None,
        pin_given: RefCell::new(Pins::for_all(b"rehearsal".to_vec())),
    }
}

fn actor(table: &Table, index: u8) -> Result<(Ui, Identity), Failure> {
    let ui = hands();
    let identity = Identity::load(&ui, &stage(table).join(format!("trustee-{index}")))?;
    Ok((ui, identity))
}

/// In a rehearsal: does what the trustees would do up to a step. What is done stays done, on the trustees' own
/// machines: what is lost on the table is brought again.
pub(super) fn play(table: &Table, step: &str) -> Outcome {
    for earlier in STEPS {
        play_step(table, earlier.key)?;
        if earlier.key == step {
            break;
        }
    }
    Ok(())
}

fn play_step(table: &Table, step: &str) -> Outcome {
    if matches!(step, "trial" | "minutes") {
        return Ok(());
    }
    if step == "join" {
        cast(table)?;
    }
    let ending = if step == "sign" { "p7s" } else { "rec" };
    let kind = if step == "sign" { "minutes" } else { step };
    for index in table.members() {
        let name = format!("{kind}-{index}.{ending}");
        let on_table = table.inbox().join(&name);
        if on_table.exists() {
            continue;
        }
        let out = stage(table).join(format!("trustee-{index}")).join(&name);
        if out.exists() {
            ui::write(&on_table, &ui::read(&out)?)?;
            continue;
        }
        let (ui, identity) = actor(table, index)?;
        let joins = || table.files("join", "rec").0;
        match step {
            "join" => {
                let join = Join {
                    session: &table.ceremony.session,
                    index,
                    t: table.ceremony.quorum,
                    n: table.ceremony.of,
                };
                person::board_join(&ui, &identity, &join, &out)?;
            }
            "round1" => person::board_round1(&ui, &identity, &joins(), &out)?,
            "round2" => {
                let files = [joins(), table.files("round1", "rec").0].concat();
                person::board_round2(&ui, &identity, &files, &out)?;
            }
            _ => {
                let content = ui::read(&minutes_file(table))?;
                let profile = cms::Profile::of(table.suite);
                let signature =
                    cms::sign_detached(&*identity.signer, &content, clock::now(), profile)?;
                ui::write(&out, &signature)?;
            }
        }
        ui::write(&on_table, &ui::read(&out)?)?;
    }
    Ok(())
}

/// Makes the rehearsal's certificates.
fn cast(table: &Table) -> Outcome {
    let stage = stage(table);
    if stage.exists() {
        return Ok(());
    }
    let ui = hands();
    let ca = stage.join("ca");
    identity::init_ca(&ui, &ca, table.suite, "演练CA Rehearsal CA", clock::now())?;
    let ca = Ca::load(&ui, &ca)?;
    for index in table.members() {
        let name = format!("演练受托人 {index}");
        let folder = stage.join(format!("trustee-{index}"));
        ca.issue(&ui, Kind::Trustee, &name, None, &folder, clock::now())?;
    }
    Ok(())
}
