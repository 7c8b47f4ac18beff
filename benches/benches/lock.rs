//! Threshold encryption and the key ceremony, counted in point multiplications.

use benches::world::Trustees;
use benches::{Table, Unit, done, good};
use mifeng_crypto::{GM, INTL, KnownPoint, Point, PointSum, Scalar, SeededEntropy, Suite};
use mifeng_lock::Share;
use mifeng_lock::dkg::{self, Transcript};
use mifeng_lock::tdh2::{self, Ciphertext};

const LABEL: &[u8] = b"leaf\0a bid's context";
const PEER: &str = "1 point multiplication";

/// Bids of a large tender.
const BIDS: usize = 1_000;
/// Cores that the figures are promised for.
const CORES: usize = 2;

fn main() {
    let mut table = Table::new("lock");
    for suite in [&GM, &INTL] {
        run(&mut table, suite);
        side_by_side(&mut table, suite);
    }
    table.print();
    let smoke = std::env::args().all(|a| a != "--bench") || std::env::args().any(|a| a == "--test");
    println!("\nwhole openings, wall clock, board of 3 of 5\n");
    println!("| suite | bids | job | cores | seconds |\n|---|---:|---|---:|---:|");
    for suite in [&GM, &INTL] {
        whole(suite, if smoke { 4 } else { BIDS });
    }
}

/// One bid's leaf, with every trustee's answer once they are made.
struct Leaf {
    label: Vec<u8>,
    bytes: [u8; 162],
    shares: Vec<Share>,
}

fn clock<T>(suite: &Suite, bids: usize, job: &str, cores: usize, run: impl FnOnce() -> T) -> T {
    let start = std::time::Instant::now();
    let out = run();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "| {} | {bids} | {job} | {cores} | {seconds:.2} |",
        suite.id()
    );
    out
}

/// Runs a job over the leaves on a number of threads.
fn spread(leaves: &mut [Leaf], cores: usize, job: &(dyn Fn(&mut Leaf) + Sync)) {
    let part = leaves.len().div_ceil(cores);
    std::thread::scope(|scope| {
        for part in leaves.chunks_mut(part) {
            scope.spawn(move || part.iter_mut().for_each(job));
        }
    });
}

/// What the day of the opening costs: all shares of a trustee; then everybody's shares verified and every leaf
/// opened and sealed again, as the rebuild check does.
fn whole(suite: &'static Suite, bids: usize) {
    let world = Trustees::new(suite);
    let board = &world.board;
    let leaf = |at: usize| {
        let label = format!("leaf of bid {at}").into_bytes();
        let mut rho = [1; 96];
        rho[..8].copy_from_slice(&(at as u64).to_be_bytes());
        rho[48..56].copy_from_slice(&(at as u64).to_be_bytes());
        let bytes = tdh2::encrypt(board, &label, &rho, &[2; 32]).expect("encrypts");
        Leaf {
            label,
            bytes,
            shares: Vec::new(),
        }
    };
    let mut leaves: Vec<Leaf> = (0..bids).map(leaf).collect();
    let secrets = &world.shares;
    let release = |trustee: usize| {
        move |leaf: &mut Leaf| {
            let mut entropy = SeededEntropy::new(&leaf.bytes);
            let sealed =
                Ciphertext::parse_and_check(board, &leaf.label, &leaf.bytes).expect("valid");
            let secret = &secrets[trustee];
            leaf.shares
                .push(tdh2::release(board, secret, &sealed, &mut entropy).expect("share"));
        }
    };
    let first = release(0);
    clock(
        suite,
        bids,
        "one trustee: check every seal, make every share",
        CORES,
        || {
            spread(&mut leaves, CORES, &first);
        },
    );
    for trustee in 1..5 {
        spread(&mut leaves, CORES, &release(trustee));
    }
    let verify = |leaf: &mut Leaf| {
        let sealed = Ciphertext::parse_and_check(board, &leaf.label, &leaf.bytes).expect("valid");
        for share in &leaf.shares {
            tdh2::verify_share(board, &sealed, share).expect("right");
        }
    };
    let open = |leaf: &mut Leaf| {
        let sealed = Ciphertext::parse_and_check(board, &leaf.label, &leaf.bytes).expect("valid");
        let opened = tdh2::combine(board, &sealed, &leaf.shares[..3]).expect("opens");
        good(tdh2::encrypt(board, &leaf.label, &[1; 96], &opened));
    };
    for cores in [1, CORES] {
        clock(
            suite,
            bids,
            "verify all 5 shares of each bid, one by one",
            cores,
            || {
                spread(&mut leaves, cores, &verify);
            },
        );
        clock(
            suite,
            bids,
            "open every leaf from 3 shares, verified again, and rebuild it",
            cores,
            || {
                spread(&mut leaves, cores, &open);
            },
        );
    }
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

/// Sums that fill the lanes of the widest kernel.
const LANES: usize = 8;

/// Sums of public points, where the machine has lanes for them, beside the same one by one.
fn side_by_side(table: &mut Table, suite: &'static Suite) {
    let mut entropy = SeededEntropy::new(b"bench lanes");
    let mut random = || Scalar::random(suite.curve(), &mut entropy).expect("entropy");
    let numbers: Vec<Scalar> = (0..2 * LANES).map(|_| random()).collect();
    let points: Vec<Point> = (0..LANES)
        .map(|_| Point::mul_generator(&random()))
        .collect();
    let known = KnownPoint::new(points[0].clone());
    let generator = Point::generator(suite.curve());
    let (ks, ls) = numbers.split_at(LANES);
    let mut job = |name: &str, sums: Vec<PointSum<'_>>| {
        let one_by_one = || {
            for sum in &sums {
                done(Point::lincomb_known_vartime(&sum.known, &sum.pairs));
            }
        };
        // A point that comes again and again has its tables by then.
        (0..LANES * LANES).for_each(|_| done(Point::sums_vartime(&sums)));
        table.job(
            &format!("{} {LANES} sums {name}, side by side", suite.id()),
            Unit::Time,
            &mut || done(Point::sums_vartime(&sums)),
            &mut [("one by one", &mut { one_by_one })],
        );
    };
    let each = || ks.iter().zip(ls).zip(&points);
    let sums = each().map(|((k, _), point)| PointSum {
        known: Vec::new(),
        pairs: vec![(k, point)],
    });
    job("kP", sums.collect());
    let sums = each().map(|((k, l), point)| PointSum {
        known: Vec::new(),
        pairs: vec![(k, &generator), (l, point)],
    });
    job("kG + lP", sums.collect());
    let sums = each().map(|((k, l), _)| PointSum {
        known: vec![(l, &known)],
        pairs: vec![(k, &generator)],
    });
    job("kG + lK of a known K", sums.collect());
}
