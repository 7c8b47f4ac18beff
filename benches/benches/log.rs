//! The log beside the bare hashing inside.

use benches::{Table, Unit, done, good};
use mifeng_crypto::{Digest, GM, HashAlg, INTL, Suite};
use mifeng_log::{Batch, Entry, LogTree, merkle};

fn main() {
    let mut table = Table::new("log");
    let count = table.size(100_000, 500);
    for suite in [&GM, &INTL] {
        run(&mut table, suite, count);
    }
    table.print();
}

fn run(table: &mut Table, suite: &'static Suite, count: usize) {
    let alg = suite.hash();
    let entries: Vec<Vec<u8>> = (0..count as u64)
        .map(|n| {
            let digest = alg.digest(&n.to_be_bytes());
            Entry::record(digest, digest).to_bytes()
        })
        .collect();
    let build = || LogTree::from_entries(suite, "bids.example.com/t/1", &entries).expect("builds");
    // gm-1 keeps two trees over the same entries, so the bare work is two hashings.
    let algs: &[HashAlg] = match alg {
        HashAlg::Sm3 => &[HashAlg::Sm3, HashAlg::Sha256],
        HashAlg::Sha256 => &[HashAlg::Sha256],
    };
    let id = suite.id();
    table.job(
        &format!("{id} append {count} entries, each"),
        Unit::Each(count),
        &mut || done(build().size()),
        &mut [("bare leaf and node hash", &mut || {
            for alg in algs {
                bare(*alg, &entries);
            }
        })],
    );
    let log = build();
    let (tree, size) = (log.tree(), log.size());
    let index = size / 3;
    let proof = tree.inclusion_proof(index, size).expect("in range");
    let mut path = || {
        let node = Digest::from_bytes([1; 32]);
        for sibling in &proof {
            done(merkle::node_hash(alg, &node, sibling));
        }
    };
    let name = format!("as many bare node hashes: {}", proof.len());
    table.job(
        &format!("{id} inclusion proof"),
        Unit::Time,
        &mut || good(tree.inclusion_proof(index, size)),
        &mut [(&name, &mut path)],
    );
    let leaf = tree.leaves()[index as usize];
    let root = tree.root();
    table.job(
        &format!("{id} inclusion verification"),
        Unit::Time,
        &mut || {
            good(merkle::verify_inclusion(
                alg, leaf, index, size, &proof, root,
            ));
        },
        &mut [(&name, &mut path)],
    );
    let commitments = &tree.leaves()[..100];
    table.job(
        &format!("{id} batch of 2^10 places for 100 records"),
        Unit::Time,
        &mut || good(Batch::build(suite, 10, &[9; 32], commitments)),
        &mut [("bare leaf and node hash", &mut || {
            let leaves: Vec<&[u8]> = (0..1024).map(|_| &root.as_bytes()[..]).collect();
            bare(alg, &leaves);
        })],
    );
}

/// One leaf hash and one node hash for each entry, kept nowhere.
fn bare<E: AsRef<[u8]>>(alg: HashAlg, entries: &[E]) {
    for entry in entries {
        let leaf = merkle::leaf_hash(alg, entry.as_ref());
        done(merkle::node_hash(alg, &leaf, &leaf));
    }
}
