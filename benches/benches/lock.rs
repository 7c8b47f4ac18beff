//! Threshold encryption and the key ceremony, counted in point multiplications.

use benches::world::Trustees;
use benches::{Table, Unit, done, good};
use mifeng_crypto::{GM, INTL, Point, Scalar, SeededEntropy, Suite};
use mifeng_lock::dkg::{self, Transcript};
use mifeng_lock::tdh2::{self, Ciphertext};

const LABEL: &[u8] = b"leaf\0a bid's context";
const PEER: &str = "1 point multiplication";

fn main() {
    let mut table = Table::new("lock");
    for suite in [&GM, &INTL] {
        run(&mut table, suite);
    }
    table.print();
}

fn run(table: &mut Table, suite: &'static Suite) {
    let world = Trustees::new(suite);
    let board = &world.board;
    let mut entropy = SeededEntropy::new(b"bench lock");
    let scalar = Scalar::random(suite.curve(), &mut entropy).expect("entropy");
    let base = Point::generator(suite.curve());
    let mut multiply = || done(base.mul(&scalar));
    let bytes = tdh2::encrypt(board, LABEL, &[1; 96], &[2; 32]).expect("encrypts");
    let ciphertext = Ciphertext::parse_and_check(board, LABEL, &bytes).expect("valid");
    let shares: Vec<_> = world.shares[..3]
        .iter()
        .map(|secret| tdh2::release(board, secret, &ciphertext, &mut entropy).expect("share"))
        .collect();
    let mut job = |name: &str, ours: &mut dyn FnMut()| {
        let name = format!("{} {name}", suite.id());
        table.job(&name, Unit::Time, ours, &mut [(PEER, &mut multiply)]);
    };
    job("encrypt to a board", &mut || {
        good(tdh2::encrypt(board, LABEL, &[1; 96], &[2; 32]));
    });
    job("check a ciphertext", &mut || {
        good(Ciphertext::parse_and_check(board, LABEL, &bytes));
    });
    job("release a share", &mut || {
        let secret = &world.shares[0];
        good(tdh2::release(board, secret, &ciphertext, &mut entropy));
    });
    job("verify_share", &mut || {
        good(tdh2::verify_share(board, &ciphertext, &shares[0]));
    });
    job("combine 3 shares, verifying each", &mut || {
        good(tdh2::combine(board, &ciphertext, &shares));
    });
    let mut entropy = SeededEntropy::new(b"bench ceremony");
    job("ceremony 3 of 5: a member's message", &mut || {
        good(dkg::round1(&world.setup, &world.keys[0], &mut entropy));
    });
    job("ceremony 3 of 5: check all messages", &mut || {
        good(Transcript::build(&world.setup, &world.messages));
    });
    let transcript = Transcript::build(&world.setup, &world.messages).expect("transcript");
    job("ceremony 3 of 5: a member's share", &mut || {
        good(transcript.share(&world.keys[0]));
    });
}
