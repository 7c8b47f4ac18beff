//! The making of a board's key, as its members' programs do it: join, first and second message.

use super::suite_of;
use crate::bundle::Bundle;
use crate::clock;
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Curve, Digest, KeyAlg, PrivateKey, Scalar, Suite, SystemEntropy};
use mifeng::lock::dkg::{self, StaticKey};
use mifeng::log::CosignVerifier;
use mifeng::record::{Draft, Facts, Record, SignedRecord};
use mifeng::tender::*;
use serde::Serialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A board's own records: they have the board's origin and exist before any tender.
pub(crate) fn sign_board<T: Serialize>(
    suite: &'static Suite,
    session: &str,
    seq: u64,
    identity: &Identity,
    kind: &str,
    data: &T,
    out: &Path,
) -> Outcome {
    let mut salt = [0; 32];
    mifeng::crypto::Entropy::fill(&mut SystemEntropy::new(), &mut salt)?;
    let origin = format!("board/{session}");
    let facts = Facts {
        kind,
        origin: &origin,
        seq,
        time: clock::now(),
        salt,
        data,
    };
    let draft = Draft::new(&facts, identity.signer.certificate(), suite)?;
    ui::write(out, &draft.sign(&*identity.signer, suite)?.to_file()?)
}

/// What a trustee says when joining a board.
pub(crate) struct Join<'a> {
    pub(crate) session: &'a str,
    pub(crate) index: u8,
    pub(crate) t: u8,
    pub(crate) n: u8,
}

/// A trustee joins a board: makes its static key and its witness key and endorses both.
pub(crate) fn board_join(ui: &Ui, identity: &Identity, join: &Join<'_>, out: &Path) -> Outcome {
    let suite = suite_of(identity)?;
    let entropy = &mut SystemEntropy::new();
    let folder = &identity.folder;
    let static_path = folder.join("static.key");
    if static_path.exists() {
        return Err(Failure::usage(format!(
            "{}: {}",
            static_path.display(),
            ui.t(
                "已是某委员会成员，不覆盖。同一批受托人的下一个项目：把已有的委员会记录送到该项目即可",
                "belongs to a board already; not overwritten. For another tender of the same trustees send that board's records to it"
            )
        )));
    }
    let key = StaticKey::generate(suite, entropy)?;
    let scalar = mifeng::crypto::Scalar::from_be_bytes(suite.curve(), &key.to_bytes())?;
    identity::store_key(ui, &static_path, &PrivateKey::from_scalar(&scalar)?, suite)?;
    let alg = if suite.id() == "gm-1" {
        KeyAlg::Sm2
    } else {
        KeyAlg::Ed25519
    };
    let witness = PrivateKey::generate(alg, entropy)?;
    identity::store_key(ui, &folder.join("witness.key"), &witness, suite)?;
    let name = witness_name(join.session, join.index);
    let data = BoardCert {
        session: join.session.to_owned(),
        index: join.index,
        t: join.t,
        n: join.n,
        static_key: hex::encode(key.public().to_bytes()),
        witness: CosignVerifier::new(&name, witness.public_key()?)?
            .key()
            .to_string(),
    };
    sign_board(suite, join.session, 0, identity, "board.cert", &data, out)
}

pub(crate) fn witness_name(session: &str, index: u8) -> String {
    format!("{session}/witness/{index}")
}

/// The static key that a trustee made for joining a board.
pub(crate) fn static_key(
    ui: &Ui,
    identity: &Identity,
    suite: &'static Suite,
) -> Result<StaticKey, Failure> {
    static_key_in(ui, &identity.folder.join("static.key"), suite)
}

/// A static key in a file.
pub(crate) fn static_key_in(
    ui: &Ui,
    path: &Path,
    suite: &'static Suite,
) -> Result<StaticKey, Failure> {
    let path = path.to_owned();
    let scalar = scalar_of(&identity::load_key(ui, &path)?, &path, suite.curve())?;
    Ok(StaticKey::from_bytes(
        suite,
        &Zeroizing::new(scalar.to_be_bytes()),
    )?)
}

/// The number of an elliptic-curve key of this curve.
pub(crate) fn scalar_of(key: &PrivateKey, path: &Path, curve: Curve) -> Result<Scalar, Failure> {
    let expected = match curve {
        Curve::Sm2 => KeyAlg::Sm2,
        Curve::P256 => KeyAlg::P256,
    };
    let found = key.public_key()?.key_alg();
    if found != expected {
        return Err(Failure::malformed(format!(
            "{}: expected a key of {expected:?}, found {found:?}",
            path.display()
        )));
    }
    let pkcs8 = key.to_pkcs8_der()?;
    // The scalar is the 32-byte octet string of ECPrivateKey (RFC 5915), inside the PKCS#8 document.
    let at = pkcs8
        .windows(2)
        .position(|pair| pair == [4, 32])
        .ok_or_else(|| Failure::malformed(path.display().to_string()))?;
    let bytes = Zeroizing::new(
        <[u8; 32]>::try_from(&pkcs8[at + 2..at + 34])
            .map_err(|_| Failure::malformed(path.display().to_string()))?,
    );
    Ok(Scalar::from_be_bytes(curve, &bytes)?)
}

/// A board's records applied to an empty state, as every tender's log will apply them; or the state of the log in whose
/// bundle they come.
pub(crate) fn board_state(suite: &'static Suite, files: &[PathBuf]) -> Result<State, Failure> {
    if let [bundle] = files
        && bundle.extension().is_some_and(|kind| kind == "tar")
    {
        let state = Bundle::open(bundle)?.replay.state;
        if state.suite() != suite {
            let found = format!("{}: a log of the other suite", bundle.display());
            return Err(Failure::malformed(found));
        }
        return Ok(state);
    }
    let mut state = State::new(suite, "board-formation");
    let mut records = files
        .iter()
        .map(|path| {
            let signed =
                SignedRecord::from_file(&ui::read(path)?).map_err(|e| Failure::from(e).at(path))?;
            let record = Record::verify(signed, suite).map_err(|e| Failure::from(e).at(path))?;
            Ok((path, record))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    records.sort_by_cached_key(|(_, record)| phase(record));
    let trust = Trust {
        roots: &[],
        crls: &[],
        responses: None,
    };
    for (path, record) in &records {
        let taken = state.apply(record, record.time(), &trust);
        taken.map_err(|e| Failure::from(e).at(path))?;
    }
    Ok(state)
}

/// Board records come in phases, and each handing on has more; what ends one comes last in it.
fn phase(record: &Record) -> (u32, u64) {
    let data = record.data::<serde_json::Value>().unwrap_or_default();
    let round = data["round"].as_u64().and_then(|n| u32::try_from(n).ok());
    let later = |kind: u32| round.unwrap_or(0).saturating_mul(4).saturating_add(kind);
    let phase = match record.kind() {
        "board.cert" => 0,
        "board.dkg1" => 1,
        "board.dkg2" => 2,
        "board.reshare" => later(0),
        "board.reshare1" => later(1),
        "board.complain" | "board.abandon" => later(3),
        _ => later(2),
    };
    (phase, record.seq())
}

pub(crate) fn own_member<'s>(
    state: &'s State,
    identity: &Identity,
) -> Result<(u8, &'s BoardCert), Failure> {
    let own = identity
        .signer
        .certificate()
        .fingerprint(state.suite().hash());
    state
        .members()
        .iter()
        .find(|(_, (cert, _))| *cert == own)
        .map(|(index, (_, member))| (*index, member))
        .ok_or_else(|| Failure::refused("board.not-a-member", "not a member of this board"))
}

/// The own part in the making of a key.
pub(crate) fn making<'s>(state: &'s State, identity: &Identity) -> Result<Making<'s>, Failure> {
    let certificate = identity.signer.certificate();
    let own = certificate.fingerprint(state.suite().hash());
    let none = || Failure::refused("board.not-a-member", "not a member of this board");
    state.making_of(&own).ok_or_else(none)
}

/// First message of key generation.
pub(crate) fn board_round1(ui: &Ui, identity: &Identity, files: &[PathBuf], out: &Path) -> Outcome {
    let suite = suite_of(identity)?;
    let state = board_state(suite, files)?;
    let making = making(&state, identity)?;
    let key = static_key(ui, identity, suite)?;
    let message = dkg::round1(&making.setup()?, &key, &mut SystemEntropy::new())?;
    let data = BoardDkg1 {
        index: making.index,
        message: crate::base64(&message),
    };
    sign_board(
        suite,
        &making.member.session,
        1,
        identity,
        "board.dkg1",
        &data,
        out,
    )
}

/// Second message: everything was checked.
pub(crate) fn board_round2(ui: &Ui, identity: &Identity, files: &[PathBuf], out: &Path) -> Outcome {
    let suite = suite_of(identity)?;
    let state = board_state(suite, files)?;
    let making = making(&state, identity)?;
    let key = static_key(ui, identity, suite)?;
    let transcript = making.transcript()?;
    let advise = |e| crate::complain::advise(ui, e);
    let share = transcript.share(&key).map_err(advise)?;
    let data = BoardDkg2 {
        index: making.index,
        transcript: transcript.hash(),
        signature: hex::encode(transcript.sign(&key, &share)?),
    };
    let board = transcript.board().key();
    let words = mifeng::words::fingerprint(&board, ui.lang == crate::ui::Lang::Zh);
    ui.say(format!("委员会密钥 {words}"), format!("board key {words}"));
    sign_board(
        suite,
        &making.member.session,
        2,
        identity,
        "board.dkg2",
        &data,
        out,
    )
}

/// The key that a complete set of board records makes.
pub(crate) fn board_key(suite: &'static Suite, files: &[PathBuf]) -> Result<Digest, Failure> {
    let state = board_state(suite, files)?;
    let board = state.board().ok_or_else(|| {
        Failure::refused("board.formation", "the board's records are not complete")
    })?;
    Ok(board.key())
}
