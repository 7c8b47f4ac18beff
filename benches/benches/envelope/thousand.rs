//! A thousand bids of 1 MB, opened by three of five trustees: where the time goes.

use super::{CHUNK, EVENT};
use benches::bytes;
use benches::world::{People, Trustees, USCC, now};
use mifeng_crypto::{GM, INTL, SeededEntropy, Suite};
use mifeng_envelope::{
    Context, Declarations, FileSource, Inputs, MemoryFile, NoSink, Opening, SealedFile, Tender,
    VerifiedSeal, check_body_with, open_body_with, seal,
};
use mifeng_lock::{Policy, tdh2};
use std::io::Cursor;
use std::time::Instant;

/// Bids that are sealed and opened at a time, so that memory holds them.
const GROUP: usize = 50;

/// Seconds of each step, bid by bid.
#[derive(Default)]
struct Split {
    seal: Vec<f64>,
    record: Vec<f64>,
    root: Vec<f64>,
    release: Vec<f64>,
    combine: Vec<f64>,
    recover: Vec<f64>,
    body: Vec<f64>,
}

fn timed<T>(seconds: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    seconds.push(start.elapsed().as_secs_f64());
    out
}

/// The bid at the end of the best tenth: what others did on the machine does not count.
fn undisturbed(seconds: &[f64]) -> f64 {
    let mut all = seconds.to_vec();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 10).copied().unwrap_or_default()
}

/// Both suites.
pub(crate) fn run() {
    let smoke = !std::env::args().any(|argument| argument == "--bench");
    let (count, len) = if smoke {
        (2, 10_000)
    } else {
        (1000, 1_000_000)
    };
    let lines: Vec<String> = [&GM, &INTL].map(|suite| one(suite, count, len)).into();
    if smoke {
        return;
    }
    println!(
        "\nopen: {count} bids of {len} bytes, board of 3 of 5, policy `joint`, one thread; milliseconds for each bid, at the end of the best tenth\n"
    );
    println!(
        "| suite | seal | record and proofs | body's root | one trustee's share | combine 3, each verified | header rebuilt | body opened | all of opening, s |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    lines.iter().for_each(|line| println!("{line}"));
}

fn one(suite: &'static Suite, count: usize, len: usize) -> String {
    let (people, trustees) = (People::new(suite), Trustees::new(suite));
    let content = bytes(len.next_multiple_of(CHUNK));
    let policy = Policy::joint(trustees.board.key());
    let mut split = Split::default();
    let mut entropy = SeededEntropy::new(b"bench thousand");
    let boards = [&trustees.board];
    let own = people.cert.fingerprint(suite.hash());
    let mut left = count;
    while left > 0 {
        let group = left.min(GROUP);
        left -= group;
        for _ in 0..group {
            let context = Context::new(suite, EVENT, ("1", "all"), (USCC, own), &mut entropy);
            let file = MemoryFile {
                path: "bid.pdf".to_owned(),
                content: content[..len].to_vec(),
            };
            let inputs = Inputs {
                suite,
                context: context.expect("context"),
                policy: policy.resolve(own),
                boards: &boards,
                chains: &[],
                encryption: &people.cert,
                signer: &people.signer,
                signing_time: now(),
                files: vec![Box::new(file) as Box<dyn FileSource>],
                opening: Opening::default(),
                declarations: Declarations::default(),
                detail: Vec::new(),
                workers: 1,
            };
            let mut out = Vec::new();
            timed(&mut split.seal, || {
                seal(&inputs, &mut entropy, &mut out, &mut |_| ()).expect("seals")
            });
            open(&mut split, suite, (&people, &trustees), &policy, &out);
        }
    }
    // Three trustees work side by side, each on its own machine: one's time counts.
    let opening = [
        &split.record,
        &split.root,
        &split.release,
        &split.combine,
        &split.recover,
        &split.body,
    ];
    let opening = opening.map(|seconds| undisturbed(seconds));
    let steps: String = opening
        .iter()
        .map(|seconds| format!(" {:.2} |", seconds * 1e3))
        .collect();
    let all = opening.iter().sum::<f64>() * count as f64;
    let seal = undisturbed(&split.seal) * 1e3;
    format!("| {} | {seal:.2} |{steps} {all:.1} |", suite.id())
}

fn open(
    split: &mut Split,
    suite: &'static Suite,
    (people, trustees): (&People, &Trustees),
    policy: &Policy,
    file: &[u8],
) {
    let boards = [&trustees.board];
    let tender = Tender {
        suite,
        event: EVENT,
        lots: &["1"],
        policy,
        boards: &boards,
    };
    let seal: VerifiedSeal = timed(&mut split.record, || {
        let read = SealedFile::read(&mut Cursor::new(file)).expect("reads");
        read.record().verify(&tender).expect("verifies")
    });
    timed(&mut split.root, || {
        check_body_with(&mut Cursor::new(file), &seal, 1).expect("the root")
    });
    let mut entropy = SeededEntropy::new(b"bench shares");
    let path = seal
        .bidder_leaf_path()
        .expect("joint has the bidder's leaf");
    let share = seal.bidder_leaf_share(&people.decrypter).expect("own leaf");
    let mut leaves = vec![(path, share)];
    for leaf in seal.group_leaves() {
        let ct = &leaf.ciphertext;
        let mut shares = Vec::new();
        for (at, secret) in trustees.shares[..3].iter().enumerate() {
            let mut ignored = Vec::new();
            let seconds = if at == 0 {
                &mut split.release
            } else {
                &mut ignored
            };
            shares.push(timed(seconds, || {
                tdh2::release(boards[0], secret, ct, &mut entropy).expect("share")
            }));
        }
        let share = timed(&mut split.combine, || {
            tdh2::combine(boards[0], ct, &shares).expect("quorum")
        });
        leaves.push((leaf.path.clone(), share));
    }
    let sigma = timed(&mut split.recover, || {
        seal.recover(&leaves, &boards).expect("recovers")
    });
    timed(&mut split.body, || {
        open_body_with(&mut Cursor::new(file), &seal, &sigma, &mut NoSink, 1).expect("opens")
    });
}
