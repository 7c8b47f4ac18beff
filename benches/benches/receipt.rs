//! Receipts beside the bare signature checks inside: one of the log, two of witnesses.

use benches::world::{key_alg, now};
use benches::{Table, Unit, good};
use mifeng_crypto::{Digest, GM, INTL, KeyAlg, PrivateKey, SeededEntropy, Suite};
use mifeng_log::{
    Batch, BatchPlace, Entry, LogTree, NoteSigner, Quorum, ReceiptProof, Witness, WitnessState,
    commitment,
};

const ORIGIN: &str = "bids.example.com/t/42";

fn main() {
    let mut table = Table::new("receipt");
    let size = table.size(10_000, 100);
    run(&mut table, &GM, KeyAlg::Sm2, size);
    // In intl-1 witnesses sign with Ed25519, as those of other logs do.
    run(&mut table, &INTL, KeyAlg::Ed25519, size);
    table.print();
}

fn run(table: &mut Table, suite: &'static Suite, witness_alg: KeyAlg, size: usize) {
    let mut entropy = SeededEntropy::new(b"bench receipt");
    let mut key = |alg| PrivateKey::generate(alg, &mut entropy).expect("key");
    let (log_key, witness_keys) = (key(key_alg(suite)), [key(witness_alg), key(witness_alg)]);
    let (body, sig) = (suite.hash().digest(b"body"), suite.hash().digest(b"sig"));
    let record = commitment(suite, &body, &sig);
    let batch = Batch::build(suite, 10, &[9; 32], &[Digest::default(), record]).expect("fits");
    let position = batch.positions()[1];
    let place = BatchPlace {
        path: batch.path(position).expect("in range"),
        position,
    };
    let mut tree = LogTree::new(suite, ORIGIN).expect("an origin");
    for n in 0..size as u64 {
        let digest = suite.hash().digest(&n.to_be_bytes());
        tree.append(&Entry::record(digest, body).to_bytes())
            .expect("small");
    }
    let index = tree.append(&batch.entry().to_bytes()).expect("small");
    let origin = LogTree::authoritative_origin(suite, ORIGIN);
    let signer = NoteSigner::new(&origin, &log_key).expect("a name");
    let checkpoint = tree.checkpoint();
    let mut note = checkpoint.sign(&signer).expect("signed");
    let head = note.to_text();
    let state = WitnessState::new(&origin, suite.hash());
    let witness = |name, key| Witness::new(name, key).expect("a name");
    let witnesses = [
        witness("w1.example", &witness_keys[0]),
        witness("w2.example", &witness_keys[1]),
    ];
    let cosign = |witness: &Witness<'_>| {
        let (alg, log) = (suite.hash(), signer.verifier());
        witness.cosign(&state, alg, log, head.as_bytes(), &[], now())
    };
    for witness in &witnesses {
        note.add(cosign(witness).expect("cosigned").0).expect("new");
    }
    let verifiers = witnesses.iter().map(|w| w.verifier().clone()).collect();
    let quorum = Quorum::new(verifiers, 2).expect("two");
    let proof = tree.tree().inclusion_proof(index, tree.size());
    let receipt = ReceiptProof {
        entry: batch.entry(),
        index,
        batch: Some(place),
        proof: proof.expect("in range"),
        checkpoint: note,
    };
    let bytes = receipt.to_bytes().expect("small numbers");

    let check = |key: &PrivateKey| {
        let (alg, public) = (key.signature_alg(), key.public_key().expect("public"));
        let (message, signature) = (&bytes, key.sign(&bytes).expect("signs"));
        move || good(public.verify(alg, message, &signature))
    };
    let (log_check, witness_check) = (check(&log_key), check(&witness_keys[0]));
    let id = suite.id();
    table.job(
        &format!("{id} sign a checkpoint"),
        Unit::Time,
        &mut || good(checkpoint.sign(&signer)),
        &mut [("bare signature", &mut || good(log_key.sign(&bytes)))],
    );
    table.job(
        &format!("{id} witness cosigns"),
        Unit::Time,
        &mut || good(cosign(&witnesses[0])),
        &mut [("bare check and signature", &mut || {
            log_check();
            good(witness_keys[0].sign(&bytes));
        })],
    );
    table.job(
        &format!("{id} receipt parse, {} bytes", bytes.len()),
        Unit::Time,
        &mut || good(ReceiptProof::parse(&bytes)),
        &mut [("bare check of the log", &mut || log_check())],
    );
    table.job(
        &format!("{id} receipt verify"),
        Unit::Time,
        &mut || good(receipt.verify(suite, signer.verifier(), &quorum, &record)),
        &mut [("3 bare checks", &mut || {
            log_check();
            witness_check();
            witness_check();
        })],
    );
}
