//! Boards, threshold encryption, policies and draws.

use super::Plan;
use super::case::{
    Case, Input, Stop, Tally, array, bytes, check, digest, fail, list, part, same, text,
};
use mifeng_crypto::{Curve, Digest, GM, INTL, Point, Suite, jcs};
use mifeng_lock::dkg::{self, Setup, StaticKey, Transcript};
use mifeng_lock::draw::{Draw, Pool};
use mifeng_lock::panel::PanelRecord;
use mifeng_lock::tdh2::{self, Ciphertext};
use mifeng_lock::{Board, Policy, Share, sharing};
use serde_json::Value;

pub(super) fn plan(input: &Input) -> Option<Plan> {
    let json = input.json();
    Some(Plan::Run(match json["ciphersuite"].as_str() {
        Some("COCKTAIL(SM2, SM3)") => own_key_generation,
        Some(suite) if suite.starts_with("COCKTAIL") => published_key_generation,
        _ if json["ciphertext"].is_string() && json["rho"].is_string() => encryption,
        _ if json["sigma"].is_string() && json["cases"][0]["policy"].is_string() => policies,
        _ if json["draw_id"].is_string() && json["pool"].is_object() => draw,
        _ if json["draws"].is_array() && json["request"].is_object() => panel,
        _ => return other(input),
    }))
}

/// Kinds that are known to have no room in the product yet.
fn other(input: &Input) -> Option<Plan> {
    let json = input.json();
    if json["md5"].is_array() && json["selected"].is_array() {
        return Some(Plan::Skip(
            "RFC 3797 draws with MD5 and without weights; ours is spec/draw.md",
        ));
    }
    None
}

fn suite(json: &Value) -> Result<&'static Suite, Stop> {
    Suite::by_id(text(json, "suite")?).map_err(fail("suite"))
}

fn board(json: &Value) -> Result<Board, Stop> {
    Board::from_record(&part(json, "board")?).map_err(fail("board"))
}

fn shares(json: &Value, curve: Curve) -> Result<Vec<Share>, Stop> {
    let mut shares = Vec::new();
    for record in list(json, "shares") {
        let record = serde_json::from_value(record.clone()).map_err(fail("share"))?;
        shares.push(Share::from_record(curve, &record).map_err(fail("share"))?);
    }
    Ok(shares)
}

fn encryption(input: &Input, tally: &mut Tally) {
    let json = input.json();
    let label = || bytes(json, "label");
    let read = || -> Result<_, Stop> {
        let board = board(json)?;
        let published = bytes(json, "ciphertext")?;
        let ciphertext = Ciphertext::parse_and_check(&board, &label()?, &published);
        Ok((board, ciphertext.map_err(fail("ciphertext"))?))
    };
    tally.case("board key", || {
        same("key", board(json)?.key(), digest(json, "board_key")?)
    });
    tally.case("second generator", || {
        let point = tdh2::second_generator(suite(json)?).to_bytes();
        same("point", point, array(json, "g_bar")?)
    });
    tally.case("encrypt", || {
        let (rho, m) = (array(json, "rho")?, array(json, "m")?);
        let made = tdh2::encrypt(&board(json)?, &label()?, &rho, &m).map_err(fail("encrypt"))?;
        same("ciphertext", &made[..], &bytes(json, "ciphertext")?)
    });
    tally.case("shares and every quorum", || {
        let (board, ciphertext) = read()?;
        let shares = shares(json, board.suite().curve())?;
        for share in &shares {
            tdh2::verify_share(&board, &ciphertext, share).map_err(fail("share"))?;
        }
        let m = array(json, "m")?;
        for quorum in shares.windows(usize::from(board.threshold())) {
            let opened = tdh2::combine(&board, &ciphertext, quorum).map_err(fail("combine"))?;
            same("plaintext", *opened, m)?;
        }
        Ok(())
    });
    tally.case("another label is refused", || {
        let label = [&label()?[..], b"x"].concat();
        let published = bytes(json, "ciphertext")?;
        let read = Ciphertext::parse_and_check(&board(json)?, &label, &published);
        check(read.is_err(), "accepted")
    });
}

fn policies(input: &Input, tally: &mut Tally) {
    let json = input.json();
    for (at, case) in list(json, "cases").iter().enumerate() {
        tally.case(at, || {
            let published = text(case, "policy")?;
            let policy = Policy::parse(published.as_bytes()).map_err(fail("policy"))?;
            let written = policy.to_jcs().map_err(fail("policy"))?;
            same("canonical text", &written[..], published.as_bytes())?;
            let (sigma, context) = (array(json, "sigma")?, digest(json, "context")?);
            let dealt = sharing::deal(&policy, &sigma, &context, suite(json)?);
            let mut expected = Vec::new();
            for share in list(case, "shares") {
                expected.push((text(share, "path")?.to_owned(), bytes(share, "share")?));
            }
            let dealt: Vec<_> = dealt
                .iter()
                .map(|(path, share)| (path.to_string(), share.to_vec()))
                .collect();
            same("shares", dealt, expected)
        });
    }
}

fn draw(input: &Input, tally: &mut Tally) {
    let json = input.json();
    let made = || -> Result<Draw, Stop> {
        let pool = jcs::to_vec(&json["pool"]).map_err(fail("pool"))?;
        let pool = Pool::parse(&pool).map_err(fail("pool"))?;
        let (event, n) = (digest(json, "tender_event")?, part(json, "n")?);
        Draw::new(suite(json)?, &event, pool, n).map_err(fail("draw"))
    };
    tally.case("pool hash", || {
        let hash = made()?.pool().hash(suite(json)?).map_err(fail("hash"))?;
        same("hash", hash, digest(json, "pool_hash")?)
    });
    tally.case("id and point", || {
        let draw = made()?;
        same("id", draw.id(), digest(json, "draw_id")?)?;
        same("point", draw.point().to_bytes(), array(json, "point")?)
    });
    tally.case("value and order", || {
        let (draw, board) = (made()?, board(json)?);
        let shares = shares(json, board.suite().curve())?;
        for share in &shares {
            draw.verify_share(&board, share).map_err(fail("share"))?;
        }
        let order: Vec<String> = part(json, "order")?;
        for quorum in shares.windows(usize::from(board.threshold())) {
            let value = draw.value(&board, quorum).map_err(fail("value"))?;
            same("value", value.to_bytes(), array(json, "value")?)?;
            let outcome = draw
                .combine(&board, quorum, order.len())
                .map_err(fail("combine"))?;
            same("seed", outcome.seed, digest(json, "seed")?)?;
            same("order", &outcome.order, &order)?;
        }
        Ok(())
    });
}

/// A record of `mifeng draw run`.
fn panel(input: &Input, tally: &mut Tally) {
    tally.case("everything follows from request, list and answers", || {
        let text = jcs::to_vec(input.json()).map_err(fail("record"))?;
        let record = PanelRecord::parse(&text).map_err(fail("record"))?;
        record.check().map_err(fail("check"))
    });
    tally.case("another seat is refused", || {
        let mut record: PanelRecord =
            serde_json::from_value(input.json().clone()).map_err(fail("record"))?;
        if let Some(seated) = record.seats.first_mut() {
            seated.ids.reverse();
        }
        check(record.check().is_err(), "accepted")
    });
}

fn static_keys(suite: &'static Suite, secrets: &[Value]) -> Result<Vec<StaticKey>, Stop> {
    let mut keys = Vec::new();
    for secret in secrets {
        let mut out = [0; 32];
        hex::decode_to_slice(secret.as_str().unwrap_or(""), &mut out).map_err(fail("key"))?;
        keys.push(StaticKey::from_bytes(suite, &out).map_err(fail("key"))?);
    }
    Ok(keys)
}

fn public_keys(keys: &[StaticKey], published: &[Value]) -> Result<Vec<Point>, Stop> {
    let members: Vec<Point> = keys.iter().map(StaticKey::public).collect();
    let ours: Vec<_> = members
        .iter()
        .map(|point| hex::encode(point.to_bytes()))
        .collect();
    let same = ours
        .iter()
        .map(String::as_str)
        .eq(published.iter().filter_map(Value::as_str));
    check(same, "static public keys differ").map(|()| members)
}

fn hex_list(json: &Value, name: &str) -> Result<Vec<Vec<u8>>, Stop> {
    let decode = |item: &Value| hex::decode(item.as_str().unwrap_or("?")).map_err(fail(name));
    list(json, name).iter().map(decode).collect()
}

fn own_key_generation(input: &Input, tally: &mut Tally) {
    let json = input.json();
    tally.case("setup, transcript, shares, signatures and board", || {
        let keys = static_keys(&GM, list(json, "static_secret_keys"))?;
        let members = public_keys(&keys, list(json, "static_public_keys"))?;
        let setup = Setup::new(&GM, part(json, "t")?, members, &bytes(json, "session")?)
            .map_err(fail("setup"))?;
        same("context", setup.context(), digest(json, "context")?)?;
        let messages = hex_list(json, "round1")?;
        let transcript = Transcript::build(&setup, &messages).map_err(fail("transcript"))?;
        same(
            "transcript",
            transcript.hash(),
            digest(json, "transcript_hash")?,
        )?;
        let signatures = hex_list(json, "signatures")?;
        for (key, signature) in keys.iter().zip(&signatures) {
            let share = transcript.share(key).map_err(fail("share"))?;
            let made = transcript.sign(key, &share).map_err(fail("sign"))?;
            same("signature", &made[..], &signature[..])?;
        }
        let board = dkg::verify(&setup, &messages, &signatures).map_err(fail("verify"))?;
        same("board", board.key(), digest(json, "board_key")?)
    });
}

/// COCKTAIL-DKG of other makers. The product fixes the transcript's extension to its own, so the
/// published transcript hash and signatures are for the crate's own tests.
fn published_key_generation(input: &Input, tally: &mut Tally) {
    if input.json()["ciphersuite"] != "COCKTAIL(P-256, SHA-256)" {
        return tally.skip(
            list(input.json(), "vectors").len(),
            "ciphersuite of no suite",
        );
    }
    for (at, vector) in list(input.json(), "vectors").iter().enumerate() {
        let keys = static_keys(&INTL, list(&vector["config"], "static_secret_keys"));
        let setup = keys.and_then(|keys| Ok((published_setup(vector, &keys)?, keys)));
        let (setup, keys) = match setup {
            Ok(made) => made,
            Err(stop) => {
                tally.case(format_args!("{at} setup"), || Err(stop));
                continue;
            }
        };
        tally.case(format_args!("{at} context"), || {
            same("context", setup.context(), digest(vector, "context")?)
        });
        tally.case(
            format_args!("{at} group key and verification shares"),
            || group_key(&setup, vector),
        );
        tally.case(format_args!("{at} secret shares"), || {
            secret_shares(&setup, vector, &keys)
        });
        tally.skip(1, "transcript hash: the product fixes its own extension");
    }
}

fn published_setup(vector: &Value, keys: &[StaticKey]) -> Result<Setup, Stop> {
    let members = public_keys(keys, list(&vector["config"], "static_public_keys"))?;
    let (t, session) = (part(vector, "t")?, bytes(vector, "session_tag")?);
    Setup::new(&INTL, t, members, &session).map_err(fail("setup"))
}

/// The round 1 messages as our wire format has them.
fn transcript(setup: &Setup, vector: &Value) -> Result<Transcript, Stop> {
    let mut messages = Vec::new();
    for round1 in list(vector, "round1") {
        let mut message = hex_list(round1, "vss_commitment")?.concat();
        message.extend(bytes(round1, "pop")?);
        message.extend(bytes(round1, "ephemeral_public_key")?);
        for share in hex_list(round1, "encrypted_shares")? {
            message.extend((share.len() as u64).to_be_bytes());
            message.extend(share);
        }
        messages.push(message);
    }
    Transcript::build(setup, &messages).map_err(fail("round 1"))
}

fn group_key(setup: &Setup, vector: &Value) -> Case {
    let transcript = transcript(setup, vector)?;
    let board = transcript.board();
    same(
        "group key",
        &board.public().to_bytes()[..],
        &bytes(vector, "group_public_key")?[..],
    )?;
    for (index, round2) in (1..).zip(list(vector, "round2")) {
        let key = board.share_key(index).map_err(fail("member"))?;
        let expected = bytes(round2, "verification_share")?;
        same("verification share", &key.to_bytes()[..], &expected[..])?;
    }
    Ok(())
}

/// Opens the published encrypted shares, and compares the sums by their verification shares.
fn secret_shares(setup: &Setup, vector: &Value, keys: &[StaticKey]) -> Case {
    if vector["payloads"].is_array() {
        return Err(Stop::Skip(
            "payloads beside the shares, which our messages have not",
        ));
    }
    let transcript = transcript(setup, vector)?;
    // A known difference, written down in spec/board.md: the published ciphertexts open under no
    // reading of the published text. If they open one day, the page has to be changed.
    if keys.iter().any(|member| transcript.share(member).is_err()) {
        return Err(Stop::Skip(
            "known difference of the encrypted shares, see spec/board.md",
        ));
    }
    let key: Digest = transcript.board().key();
    for member in keys {
        let share = transcript.share(member).map_err(fail("encrypted shares"))?;
        same("board of the share", share.board_key(), key)?;
    }
    Ok(())
}
