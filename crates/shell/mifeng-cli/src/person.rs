//! Everybody who signs a record over a bundle: agency, buyer, trustees, experts, bidders.

mod board;

pub(crate) use board::{
    Join, board_join, board_key, board_round1, board_round2, board_state, making, own_member,
    scalar_of, sign_board, static_key, static_key_in, witness_name,
};

use crate::bundle::Bundle;
use crate::identity::{self, Alone, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{clock, reshare, tsa};
use mifeng::crypto::{Digest, HashAlg, KeyAlg, Suite, SystemEntropy, Time};
use mifeng::lock::SecretShare;
use mifeng::lock::dkg::StaticKey;
use mifeng::log::{CosignVerifier, WitnessState};
use mifeng::pki::tsp;
use mifeng::tender::*;
use mifeng::{Anchors, Replay, trustee};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Signs one record for the log of a bundle and writes it.
pub(crate) fn sign<T: Serialize + ?Sized>(
    replay: &Replay,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let record = mifeng::sign_record(
        &replay.state,
        kind,
        data,
        &*identity.signer,
        clock::now(),
        &mut SystemEntropy::new(),
    )?;
    ui::write(out, &record.to_file()?)
}

/// As [`sign`], for what the host would refuse by the bundle: then nothing is written. The bundle has the record in it afterwards.
pub(crate) fn sign_due<T: Serialize + ?Sized>(
    bundle: &mut Bundle,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let (now, entropy) = (clock::now(), &mut SystemEntropy::new());
    let replay = &mut bundle.replay;
    let record = mifeng::sign_record(&replay.state, kind, data, &*identity.signer, now, entropy)?;
    replay.would_take(&record, now)?;
    ui::write(out, &record.to_file()?)
}

pub(crate) fn suite_of(identity: &Identity) -> Result<&'static Suite, Failure> {
    let sm2 = identity.signer.certificate().public_key().key_alg() == KeyAlg::Sm2;
    Ok(if sm2 {
        &mifeng::crypto::GM
    } else {
        &mifeng::crypto::INTL
    })
}

/// The trustee's witness says when it was shown a record, whose signature must hold.
pub(crate) fn seen(
    ui: &Ui,
    identity: &Identity,
    bundle: &Bundle,
    record: &Path,
    out: &Path,
) -> Outcome {
    let state = &bundle.replay.state;
    let (index, member) = own_member(state, identity)?;
    let key = identity::load_key(ui, &identity.folder.join("witness.key"))?;
    let commitment = shown_record(state, record)?;
    let name = witness_name(&member.session, index);
    let witness = mifeng::log::Witness::new(&name, &key)?;
    let note = witness.see(state.origin(), &commitment, clock::now())?;
    ui::write(out, note.to_text().as_bytes())
}

/// Checks a witness's word against the board's members.
pub(crate) fn check_seen(ui: &Ui, bundle: &Bundle, record: &Path, seen: &Path) -> Outcome {
    let state = &bundle.replay.state;
    let commitment = shown_record(state, record)?;
    let statement = ui::read(seen)?;
    let mut last = None;
    for (_, member) in state.members().values() {
        let witness = CosignVerifier::parse(&member.witness)?;
        match mifeng::log::verify_seen(&statement, state.origin(), &commitment, &witness) {
            Ok(time) => {
                let name = witness.name();
                ui.say(
                    format!("见证有效：{name} 于 {time} 见到该记录"),
                    format!("statement holds: {name} saw the record at {time}"),
                );
                return Ok(());
            }
            Err(e) => last = Some(e),
        }
    }
    Err(last.map_or_else(
        || Failure::refused("board.missing", "no board"),
        |e| Failure::from(e).at(seen),
    ))
}

/// The commitment of a record of this log, once its signature holds.
fn shown_record(state: &State, path: &Path) -> Result<Digest, Failure> {
    let at = |e: mifeng::record::Error| Failure::from(e).at(path);
    let signed = mifeng::record::SignedRecord::from_file(&ui::read(path)?).map_err(at)?;
    let record = mifeng::record::Record::verify(signed, state.suite()).map_err(at)?;
    if record.origin() != state.origin() {
        let found = format!("{}, {}", record.origin(), state.origin());
        return Err(Failure::refused("record.wrong-origin", found));
    }
    Ok(record.commitment())
}

/// The file in which this person's program keeps the last head that it was shown of a log, and that head, or what is given
/// if it saw none. One state per log: a program that forgets could sign two histories, or answer for two.
fn last_head(
    identity: &Identity,
    unseen: WitnessState,
    alg: HashAlg,
) -> Result<(PathBuf, WitnessState), Failure> {
    let file = format!("witness-{}.json", alg.digest(unseen.origin().as_bytes()));
    let path = identity.folder.join(file);
    if !path.exists() {
        return Ok((path, unseen));
    }
    let seen = serde_json::from_slice(&ui::read(&path)?)
        .map_err(|_| Failure::malformed(format!("{}: witness state", path.display())))?;
    Ok((path, seen))
}

/// The last head of a tender's log.
fn last_of(identity: &Identity, replay: &Replay) -> Result<(PathBuf, WitnessState), Failure> {
    let origin = replay.checkpoint()?.checkpoint().origin().to_owned();
    let alg = replay.suite().hash();
    last_head(identity, WitnessState::new(&origin, alg), alg)
}

fn keep(path: &Path, state: &WitnessState) -> Outcome {
    let bytes = serde_json::to_vec(state).map_err(|_| Failure::malformed("witness state"))?;
    ui::write(path, &bytes)
}

/// Answers go only to a log that extends what this person was shown before: a host that shows two histories, or two
/// pools, gets one answer. The head is kept before the answer is made.
pub(crate) fn keep_head(identity: &Identity, replay: &Replay) -> Outcome {
    let (path, seen) = last_of(identity, replay)?;
    keep(&path, &trustee::extends(replay, &seen, clock::now())?)
}

/// The trustee's witness cosigns the head of a bundle.
pub(crate) fn cosign(ui: &Ui, identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let replay = &bundle.replay;
    let (index, member) = own_member(&replay.state, identity)?;
    let key = identity::load_key(ui, &identity.folder.join("witness.key"))?;
    let (path, seen) = last_of(identity, replay)?;
    let name = witness_name(&member.session, index);
    let (note, state) = trustee::cosign(replay, &name, &key, &seen, clock::now())?;
    keep(&path, &state)?;
    ui::write(out, note.to_text().as_bytes())
}

/// The trustee's witness cosigns the head of the anchor log that the log of this bundle names, and that holds its heads.
/// Tenders share what was seen of it: two programs at once, shown two histories, would cosign both.
pub(crate) fn cosign_anchors(
    ui: &Ui,
    (identity, _): (&Identity, &Alone),
    bundle: &Bundle,
    anchors: &Anchors,
    out: &Path,
) -> Outcome {
    let replay = &bundle.replay;
    let (index, member) = own_member(&replay.state, identity)?;
    let (held, _) = anchors.hold_against(replay)?;
    // An older bundle than was seen before is refused, as for every answer.
    keep_head(identity, replay)?;
    let key = identity::load_key(ui, &identity.folder.join("witness.key"))?;
    let (path, seen) = last_head(identity, anchors.unseen(), replay.suite().hash())?;
    let name = witness_name(&member.session, index);
    let (note, state) = anchors.cosign(&name, &key, &seen, clock::now())?;
    keep(&path, &state)?;
    ui::write(out, note.to_text().as_bytes())?;
    let size = state.size();
    ui.say(
        format!("已共签锚定日志头（{size} 条），本项目有 {held} 个日志头在其中"),
        format!("head of {size} entries cosigned; {held} heads of this tender are in the log"),
    );
    Ok(())
}

/// Shows each condition of the release rule as a green or red line, and refuses if one is red.
pub(crate) fn show_conditions(ui: &Ui, bundle: &Bundle, json: bool) -> Outcome {
    let now = clock::now();
    let all = trustee::release_conditions(&bundle.replay, &bundle.files, now)?;
    say_conditions(ui, &all, json);
    require_met(&bundle.replay, None, &all, now)
}

/// Refuses at the first condition that is not met, and says in both languages which.
pub(crate) fn require_met(
    replay: &Replay,
    lot: Option<&str>,
    all: &[trustee::Condition],
    now: Time,
) -> Outcome {
    let Err(no) = trustee::require_met(replay, lot, all, now) else {
        return Ok(());
    };
    let unmet = all.iter().find(|condition| !condition.met);
    let zh = no.refusal().zip(unmet).map(|(no, unmet)| {
        let (rule, number, what) = (no.zh(), unmet.number, &unmet.zh);
        format!("{rule}：条件 {number}：{what}")
    });
    let failure = Failure::from(no);
    Err(Failure {
        zh: zh.or(failure.zh),
        ..failure
    })
}

/// The lines of a release screen.
pub(crate) fn say_conditions(ui: &Ui, all: &[trustee::Condition], json: bool) {
    if json {
        let row = |c: &trustee::Condition| serde_json::json!({"number": c.number, "met": c.met, "zh": c.zh, "en": c.en});
        let rows: Vec<_> = all.iter().map(row).collect();
        ui.tell(true, &serde_json::json!({"conditions": rows}), "", "");
        return;
    }
    for condition in all {
        let mark = ui.mark(condition.met);
        ui.say(
            format!("  {mark} {}. {}", condition.number, condition.zh),
            format!("  {mark} {}. {}", condition.number, condition.en),
        );
    }
}

/// The trustee's share of the board's key.
pub(crate) fn secret(
    ui: &Ui,
    identity: &Identity,
    replay: &Replay,
) -> Result<SecretShare, Failure> {
    let own = identity
        .signer
        .certificate()
        .fingerprint(replay.suite().hash());
    let mut fallback = replay.state.fallback_members().values();
    let (member, share): (_, fn(&Replay, &StaticKey) -> _) =
        match fallback.find(|(cert, _)| *cert == own && replay.state.one_time_board().is_none()) {
            Some((_, member)) => (member, trustee::fallback_share),
            None => (
                own_member(&replay.state, identity)?.1,
                trustee::secret_share,
            ),
        };
    let path = reshare::key_file(ui, identity, &member.static_key, replay.suite())?;
    let key = static_key_in(ui, &path, replay.suite())?;
    Ok(share(replay, &key)?)
}

/// Whether the static key in this folder is that of a member of the board whose key is to be revealed.
pub(crate) fn keeps_one_time_key(ui: &Ui, identity: &Identity, replay: &Replay) -> bool {
    let own = identity
        .signer
        .certificate()
        .fingerprint(replay.suite().hash());
    let mut members = replay.state.fallback_members().values();
    let member = members.find(|(cert, _)| *cert == own);
    replay.state.one_time_board().is_some()
        && member.is_some_and(|(_, member)| {
            reshare::key_file(ui, identity, &member.static_key, replay.suite()).is_ok()
        })
}

/// A member's share of the one-time key, from the static key in its folder.
pub(crate) fn reveal(ui: &Ui, identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let replay = &bundle.replay;
    for note in replay
        .state
        .notice()
        .map(|(_, n)| n.policy.notes())
        .unwrap_or_default()
    {
        ui.say(format!("  ! {}", note.zh()), format!("  ! {}", note.en()));
    }
    let suite = replay.suite();
    let own = identity.signer.certificate().fingerprint(suite.hash());
    let mut members = replay.state.fallback_members().values();
    let (_, member) = members
        .find(|(cert, _)| *cert == own)
        .ok_or_else(|| Failure::refused("board.not-a-member", "not a member of this board"))?;
    let path = reshare::key_file(ui, identity, &member.static_key, suite)?;
    let key = static_key_in(ui, &path, suite)?;
    let secret = trustee::fallback_share(replay, &key)?;
    let data = trustee::reveal(replay, &bundle.files, &secret, clock::now())?;
    keep_head(identity, replay)?;
    sign(replay, identity, "key.reveal", &data, out)
}

/// The trustee's own decision, then its shares.
pub(crate) fn release(ui: &Ui, identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let replay = &bundle.replay;
    if keeps_one_time_key(ui, identity, replay) {
        return reveal(ui, identity, bundle, out);
    }
    let secret = secret(ui, identity, replay)?;
    let data = trustee::release(
        replay,
        &bundle.files,
        &secret,
        clock::now(),
        &mut SystemEntropy::new(),
    )?;
    if data.shares.is_empty() {
        let rule = match replay.state.is_any_undecided() {
            true => &rules::SHARE_EARLY,
            false => &rules::DECIDED,
        };
        let detail = "no bid waits for a share of this board";
        return Err(mifeng::Error::from(Refusal::by(rule, detail)).into());
    }
    keep_head(identity, replay)?;
    sign(replay, identity, "board.share", &data, out)
}

/// The trustee's answer for a draw.
pub(crate) fn draw_share(ui: &Ui, identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let secret = secret(ui, identity, &bundle.replay)?;
    keep_head(identity, &bundle.replay)?;
    let data = trustee::draw_share(&bundle.replay, &secret, &mut SystemEntropy::new())?;
    sign(&bundle.replay, identity, "draw.share", &data, out)
}

/// What a time stamp for this log has to cover, so that its host takes it.
pub(crate) fn stored_imprint(replay: &Replay) -> Result<Digest, Failure> {
    trustee::stored_imprint(replay).ok_or_else(|| {
        let (zh, en) = match trustee::last_close(replay) {
            Some(_) => ("截标之后的日志头", "over the last close"),
            None => ("日志头", "of this log"),
        };
        Failure {
            zh: Some(format!(
                "记录包中还没有经共签的{zh}，平台不收未共签日志头的时间戳：先由受托人或见证人的值守程序共签（或 mifeng board cosign 后用 mifeng send --cosigned 送达），再取一次记录包"
            )),
            ..Failure::refused(
                "stamp.no-head",
                format!(
                    "the bundle has no cosigned head {en}, and a host takes no time stamp over another one: a trustee's or a witness's agent cosigns it (or mifeng board cosign, then mifeng send --cosigned); then fetch the bundle again"
                ),
            )
        }
    })
}

/// A time stamp over the newest stored head of a bundle.
pub(crate) fn stamp(identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let imprint = stored_imprint(&bundle.replay)?;
    let now = clock::now();
    let request = tsp::Request::new(imprint, bundle.replay.suite().hash(), None);
    let serial = u64::try_from(now.as_unix_nanos() / 1000).unwrap_or(0);
    let token = tsp::respond(&identity.signer, tsa::POLICY, serial, now, &request)?;
    ui::write(out, &token)
}

/// The opening record, computed from the log and signed by the agency.
pub(crate) fn minutes(identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let data = bundle.replay.state.expected_minutes()?;
    sign(&bundle.replay, identity, "opening.minutes", &data, out)
}

/// One who was present signs the opening record.
pub(crate) fn sign_minutes(identity: &Identity, bundle: &Bundle, out: &Path) -> Outcome {
    let (id, _) =
        bundle.replay.state.minutes().ok_or_else(|| {
            Failure::refused("record.wrong-stage", "there is no opening record yet")
        })?;
    sign(
        &bundle.replay,
        identity,
        "opening.sign",
        &MinutesSign { minutes: *id },
        out,
    )
}

/// The computed ranking of a lot.
pub(crate) fn rank(identity: &Identity, bundle: &Bundle, lot: &str, out: &Path) -> Outcome {
    let outcome = bundle.replay.state.computed(lot)?;
    sign(
        &bundle.replay,
        identity,
        "rank",
        &Rank {
            lot: lot.to_owned(),
            outcome,
        },
        out,
    )
}

/// The buyer's award, which must follow from the ranking.
pub(crate) fn award(identity: &Identity, bundle: &Bundle, lot: &str, out: &Path) -> Outcome {
    let award = bundle.replay.state.expected_award(lot)?;
    sign(&bundle.replay, identity, "award", &award, out)
}
