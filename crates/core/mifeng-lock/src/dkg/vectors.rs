//! The published COCKTAIL-DKG v0.2.0 vectors for P-256, read in place.

use mifeng_crypto::INTL;
use serde_json::Value;

use super::*;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../../shared/data/protocol/dkg/cocktail-dkg-p256-sha256.json"
);

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hex text")).expect("hex")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("array")
}

fn key(value: &Value) -> StaticKey {
    StaticKey::from_bytes(&INTL, &bytes(value).try_into().expect("32 bytes")).expect("key")
}

/// The round 1 message as the specification frames it.
fn message(round1: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    list(&round1["vss_commitment"])
        .iter()
        .for_each(|c| out.extend(bytes(c)));
    out.extend(bytes(&round1["pop"]));
    out.extend(bytes(&round1["ephemeral_public_key"]));
    for share in list(&round1["encrypted_shares"]) {
        let share = bytes(share);
        out.extend((share.len() as u64).to_be_bytes());
        out.extend(share);
    }
    out
}

fn check_proofs_of_possession(setup: &Setup, round1: &Value) {
    let steps = &round1["pop_intermediate"];
    let input = bytes(&steps["nonce_input"]);
    let secret: [u8; 32] = input["COCKTAIL-DKG-P256-SHA256-NONCE".len()..][..32]
        .try_into()
        .expect("32 bytes");
    let secret = Scalar::from_be_bytes(INTL.curve(), &secret).expect("scalar");
    let signature = schnorr::sign(setup.suite, &secret, &bytes(&steps["message"])).expect("nonce");
    assert_eq!(signature.as_slice(), bytes(&round1["pop"]));
}

fn check(vector: &Value) {
    let keys: Vec<StaticKey> = list(&vector["config"]["static_secret_keys"])
        .iter()
        .map(key)
        .collect();
    let members: Vec<Point> = keys.iter().map(StaticKey::public).collect();
    for (point, expected) in members
        .iter()
        .zip(list(&vector["config"]["static_public_keys"]))
    {
        assert_eq!(point.to_bytes().as_slice(), bytes(expected));
    }
    let t = u8::try_from(vector["t"].as_u64().expect("t")).expect("small");
    let setup = Setup::new(&INTL, t, members, &bytes(&vector["session_tag"])).expect("setup");
    assert_eq!(
        setup.context().as_bytes().as_slice(),
        bytes(&vector["context"])
    );

    let messages: Vec<Vec<u8>> = list(&vector["round1"]).iter().map(message).collect();
    list(&vector["round1"])
        .iter()
        .for_each(|round1| check_proofs_of_possession(&setup, round1));
    let transcript =
        Transcript::build_with_extension(&setup, &messages, &bytes(&vector["extension"]))
            .expect("round 1");
    assert_eq!(
        transcript.hash().as_bytes().as_slice(),
        bytes(&vector["round3"]["transcript_hash"])
    );
    assert_eq!(
        transcript.board().public().to_bytes().as_slice(),
        bytes(&vector["group_public_key"])
    );

    let mut signatures = Vec::new();
    for ((key, round2), signed) in keys
        .iter()
        .zip(list(&vector["round2"]))
        .zip(list(&vector["round3"]["signatures"]))
    {
        let share = transcript.share(key).expect("round 2");
        assert_eq!(
            share.scalar().to_be_bytes().as_slice(),
            bytes(&round2["secret_share"])
        );
        let verification = transcript.board().share_key(share.index()).expect("member");
        assert_eq!(
            verification.to_bytes().as_slice(),
            bytes(&round2["verification_share"])
        );
        let signature = transcript.sign(key, &share).expect("round 3");
        assert_eq!(signature.as_slice(), bytes(&signed["signature"]));
        signatures.push(signature);
    }
    assert_eq!(
        transcript.finish(&signatures).as_ref(),
        Ok(transcript.board())
    );
    check_sealing(
        &setup,
        &transcript,
        &keys,
        &vector["round1"],
        vector.get("payloads"),
    );
}

/// Encrypting the opened shares again, from the recipient's side, gives the published ciphertexts.
fn check_sealing(
    setup: &Setup,
    transcript: &Transcript,
    keys: &[StaticKey],
    round1: &Value,
    payloads: Option<&Value>,
) {
    for (i, message) in list(round1).iter().enumerate() {
        let (parsed, sender) = transcript.message(index_of(i)).expect("member");
        for (j, key) in keys.iter().enumerate() {
            let channel = seal::Channel {
                ephemeral_secret: &parsed.ephemeral.mul(&key.secret),
                static_secret: &sender.mul(&key.secret),
                ephemeral: &parsed.ephemeral,
                sender,
                recipient: &key.public,
            };
            let context = setup.context.as_bytes();
            let published = bytes(&message["encrypted_shares"][j]);
            let plaintext = channel
                .open(setup.suite, context, &published)
                .expect("opens");
            let payload = payloads.map_or(Vec::new(), |all| bytes(&all[i]));
            assert_eq!(plaintext[32..], payload);
            assert_eq!(
                channel.seal(setup.suite, context, &plaintext),
                Ok(published)
            );
        }
    }
}

#[test]
fn cocktail_dkg_p256_vectors() {
    let Ok(text) = std::fs::read(FILE) else {
        eprintln!("skipped: cocktail-dkg-p256-sha256.json is absent");
        return;
    };
    let file: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(list(&file["vectors"]).len(), 4);
    list(&file["vectors"]).iter().for_each(check);
}
