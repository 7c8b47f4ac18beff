//! Does the time of an operation tell anything about the secret it works on? After "Dude, is my
//! code constant time?" (Reparaz, Balasch, Verbauwhede, 2016): time the operation on two classes
//! of secrets in random order and compare the classes by Welch's t-test, on all measurements and
//! on those below several percentiles (what an operating system adds lies above them).
//!
//! Each operation stands beside a twin that leaks on purpose: a check that would not notice the
//! twin says nothing. The bench fails if an operation leaks or if a twin goes unnoticed.
//!
//!     cargo bench -p benches --bench dudect              # all
//!     cargo bench -p benches --bench dudect -- decrypt   # those with this in their name

use mifeng_crypto::{
    ChunkCipher, Curve, Entropy as _, GM, Point, PrivateKey, Scalar, SeededEntropy, hpke, sm2enc,
};
use mifeng_lock::dkg::{self, Setup, StaticKey, Transcript};
use mifeng_lock::tdh2::{self, Ciphertext};
use mifeng_lock::{Board, SecretShare};
use std::hint::black_box;
use std::mem::swap;
use std::time::Instant;

/// A leak for certain, as in the paper.
const LEAK: f64 = 10.0;
/// A leak is seen every time; what the machine does is not: classes that were alike have been told apart (t = 9.7).
const LOOKS: usize = 3;
/// Different secrets of the random class, and copies of the fixed one: both fill the caches alike.
const SECRETS: usize = 128;
/// Shares of the measurements that are looked at, from the fastest on.
const PERCENTILES: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];
/// Measurements at the start that count for nothing.
const WARM_UP: usize = 500;

/// Nanoseconds of the fixed and of the random class.
type Times = [Vec<f64>; 2];

struct Check {
    filter: Option<String>,
    smoke: bool,
    failed: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let mut check = Check {
        filter: arguments.iter().find(|a| !a.starts_with('-')).cloned(),
        smoke: has("--test") || !has("--bench"),
        failed: false,
    };
    println!("largest |t|; above {LEAK} the time depends on the secret\n");
    println!("| operation | classes | measurements | largest t | verdict |");
    println!("|---|---|---:|---:|---|");
    generator(&mut check);
    signing(&mut check);
    decryption(&mut check);
    hpke_opening(&mut check);
    tags(&mut check);
    shares(&mut check);
    assert!(!check.failed, "see the verdicts above");
}

impl Check {
    /// Times `run` on the secrets of two classes and says whether the classes differ; `leaky` is what must come
    /// out.
    fn job<T>(
        &mut self,
        name: &str,
        classes: &str,
        count: usize,
        leaky: bool,
        secrets: &mut [Vec<T>; 2],
        run: &mut dyn FnMut(&T),
    ) {
        if self
            .filter
            .as_ref()
            .is_some_and(|part| !name.contains(part))
        {
            return;
        }
        let count = if self.smoke { 20 } else { count };
        let times = measure(count, secrets, run);
        if self.smoke {
            println!("| {name} | {classes} | {count} | - | not judged |");
            return;
        }
        let mut t = largest_t(&times);
        for _ in 1..LOOKS {
            if t > LEAK {
                t = t.min(largest_t(&measure(count, secrets, run)));
            }
        }
        let found = t > LEAK;
        self.failed |= found != leaky;
        let verdict = match (found, leaky) {
            (false, false) => "no leak seen",
            (true, true) => "leaks, as it should",
            (true, false) => "LEAKS",
            (false, true) => "LEAK NOT NOTICED",
        };
        println!("| {name} | {classes} | {count} | {t:.1} | {verdict} |");
    }
}

/// Every secret is moved to the same place before it is used: where something lies in memory has its own influence
/// on time, which two classes that lie in two places would show as a leak.
fn measure<T>(count: usize, secrets: &mut [Vec<T>; 2], run: &mut dyn FnMut(&T)) -> Times {
    let mut draws = vec![0; (count + WARM_UP) * 2];
    SeededEntropy::new(b"dudect")
        .fill(&mut draws)
        .expect("seeded entropy never ends");
    let mut place = secrets[0].pop().expect("a spare one");
    let mut times = [Vec::new(), Vec::new()];
    for (at, draw) in draws.chunks_exact(2).enumerate() {
        let (class, secret) = (usize::from(draw[0] & 1), usize::from(draw[1]) % SECRETS);
        swap(&mut place, &mut secrets[class][secret]);
        let start = Instant::now();
        run(&place);
        let time = start.elapsed().as_nanos() as f64;
        swap(&mut place, &mut secrets[class][secret]);
        if at >= WARM_UP {
            times[class].push(time);
        }
    }
    secrets[0].push(place);
    times
}

fn largest_t(times: &Times) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    PERCENTILES
        .iter()
        .map(|share| all[((all.len() as f64 * share) as usize).min(all.len()) - 1])
        .map(|limit| welch(times, limit).abs())
        .fold(0.0, f64::max)
}

/// Welch's t of the two classes, of measurements up to `limit`.
fn welch(times: &Times, limit: f64) -> f64 {
    let [(mean_a, error_a), (mean_b, error_b)] = [0, 1].map(|class: usize| {
        let kept: Vec<f64> = times[class]
            .iter()
            .copied()
            .filter(|t| *t <= limit)
            .collect();
        let n = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / n;
        let variance = kept.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n)
    });
    let t = (mean_a - mean_b) / (error_a + error_b).sqrt();
    // Too few measurements, or all the same.
    if t.is_finite() { t } else { 0.0 }
}

/// [`SECRETS`] times a small scalar, with nearly all digits zero, and a spare one; as many random ones.
fn scalars(curve: Curve) -> [Vec<Scalar>; 2] {
    let mut entropy = SeededEntropy::new(b"dudect scalars");
    let mut random = || Scalar::random(curve, &mut entropy).expect("seeded");
    [
        (0..=SECRETS).map(|_| Scalar::from_u64(curve, 3)).collect(),
        (0..SECRETS).map(|_| random()).collect(),
    ]
}

/// `k · G` by doubling and adding: time follows the bits of `k`.
fn leaky_multiple(point: &Point, k: &Scalar) -> Point {
    Point::lincomb_vartime(&[(k, point)])
}

/// Both curves, by the names that the table has for them.
const CURVES: [(Curve, &str); 2] = [(Curve::Sm2, "SM2"), (Curve::P256, "P-256")];

fn generator(check: &mut Check) {
    for (curve, of) in CURVES {
        let mut scalars = scalars(curve);
        let g = Point::generator(curve);
        check.job(
            &format!("{of} generator multiplication"),
            "k = 3, random k",
            100_000,
            false,
            &mut scalars,
            &mut |scalar| {
                black_box(Point::mul_generator(scalar));
            },
        );
        check.job(
            &format!("{of} generator multiplication, twin in variable time"),
            "k = 3, random k",
            20_000,
            true,
            &mut scalars,
            &mut |scalar| {
                black_box(leaky_multiple(&g, scalar));
            },
        );
    }
}

fn signing(check: &mut Check) {
    for (curve, of) in CURVES {
        signing_on(check, curve, of);
    }
}

fn signing_on(check: &mut Check, curve: Curve, of: &str) {
    let keys = |scalars: Vec<Scalar>| -> Vec<(PrivateKey, Scalar)> {
        let key = |scalar| (PrivateKey::from_scalar(&scalar).expect("a key"), scalar);
        scalars.into_iter().map(key).collect()
    };
    let mut secrets = scalars(curve).map(keys);
    let mut number = 0_u64;
    let mut message = || {
        number += 1;
        number.to_be_bytes()
    };
    check.job(
        &format!("{of} signing"),
        "d = 3, random d",
        60_000,
        false,
        &mut secrets,
        &mut |(key, _)| {
            black_box(key.sign(&message()).expect("signs"));
        },
    );
    // What a signer would do who computed s = (k − rd) / (1 + d) digit by digit of d.
    let g = Point::generator(curve);
    check.job(
        &format!("{of} signing, twin in variable time"),
        "d = 3, random d",
        20_000,
        true,
        &mut secrets,
        &mut |(key, scalar)| {
            black_box(key.sign(&message()).expect("signs"));
            black_box(leaky_multiple(&g, scalar));
        },
    );
    // Two classes of one kind: what is found here is the machine's doing.
    let mut alike = [0, 1].map(|_| keys(scalars(curve)[0].split_off(0)));
    check.job(
        &format!("{of} signing, classes alike"),
        "d = 3, d = 3",
        60_000,
        false,
        &mut alike,
        &mut |(key, _)| {
            black_box(key.sign(&message()).expect("signs"));
        },
    );
}

fn decryption(check: &mut Check) {
    let k = Scalar::from_u64(Curve::Sm2, 0x1234_5678_9abc);
    let mut jobs = scalars(Curve::Sm2).map(|scalars| -> Vec<_> {
        let job = |d: Scalar| {
            let public = Point::mul_generator(&d);
            let ciphertext = sm2enc::encrypt(&public, &k, &[7; 32]).expect("encrypts");
            let key = PrivateKey::from_scalar(&d).expect("a key");
            (key, d, public, ciphertext)
        };
        scalars.into_iter().map(job).collect()
    });
    check.job(
        "SM2 decryption",
        "d = 3, random d",
        40_000,
        false,
        &mut jobs,
        &mut |(key, _, _, ciphertext)| {
            black_box(key.sm2_decrypt(ciphertext).expect("decrypts"));
        },
    );
    check.job(
        "SM2 decryption, twin in variable time",
        "d = 3, random d",
        20_000,
        true,
        &mut jobs,
        &mut |(_, d, public, _)| {
            black_box(leaky_multiple(public, d).to_uncompressed());
        },
    );
}

/// A bidder's leaf of P-256: the secret multiplies the point of who sealed it.
fn hpke_opening(check: &mut Check) {
    let mut jobs = scalars(Curve::P256).map(|scalars| -> Vec<_> {
        let job = |d: Scalar| {
            let public = Point::mul_generator(&d);
            let sealed = hpke::seal_derand(&public, b"dudect", &[5; 32], &[7; 32]).expect("seals");
            (d, public, sealed)
        };
        scalars.into_iter().map(job).collect()
    });
    check.job(
        "P-256 HPKE opening",
        "d = 3, random d",
        20_000,
        false,
        &mut jobs,
        &mut |(d, _, sealed)| {
            black_box(hpke::open(d, b"dudect", sealed).expect("opens"));
        },
    );
    check.job(
        "P-256 HPKE opening, twin in variable time",
        "d = 3, random d",
        20_000,
        true,
        &mut jobs,
        &mut |(d, public, _)| {
            black_box(leaky_multiple(public, d).to_uncompressed());
        },
    );
}

/// Compares byte by byte and stops at the first difference.
fn leaky_equal(a: &[u8], b: &[u8]) -> bool {
    for (a, b) in a.iter().zip(b) {
        if black_box(a != b) {
            return false;
        }
    }
    true
}

fn tags(check: &mut Check) {
    let cipher = ChunkCipher::new(&GM, &[1; 16]).expect("key");
    let nonce = [2; 12];
    let mut sealed = [5; 16];
    let tag = cipher.seal(&nonce, &mut sealed).expect("seals");
    // Wrong in the first byte, wrong in the last one.
    let mut wrong = [0, tag.len() - 1].map(|at| {
        let mut chunk = [0; 32];
        chunk[..16].copy_from_slice(&sealed);
        chunk[16..].copy_from_slice(&tag);
        chunk[16 + at] ^= 0x55;
        vec![chunk; SECRETS + 1]
    });
    check.job(
        "SM4-GCM tag comparison",
        "first byte wrong, last byte wrong",
        400_000,
        false,
        &mut wrong,
        &mut |chunk| {
            let mut chunk = *chunk;
            black_box(cipher.open(&nonce, &mut chunk).is_err());
        },
    );
    check.job(
        "SM4-GCM tag comparison, twin that stops early",
        "first byte wrong, last byte wrong",
        400_000,
        true,
        &mut wrong,
        &mut |chunk| {
            black_box(leaky_equal(black_box(&tag), &chunk[16..]));
        },
    );
}

/// Always the same number, whatever is drawn.
struct Always([u8; 32]);

impl mifeng_crypto::Entropy for Always {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), mifeng_crypto::Error> {
        out.fill(0);
        let from = out.len().min(32);
        let at = out.len() - from;
        out[at..].copy_from_slice(&self.0[32 - from..]);
        Ok(())
    }
}

/// A board of one whose key share is `x`, with a ciphertext for it.
fn holder(x: &Scalar, entropy: &mut SeededEntropy) -> (Board, SecretShare, Ciphertext) {
    let key = StaticKey::generate(&GM, entropy).expect("key");
    let setup = Setup::new(&GM, 1, vec![key.public()], b"dudect").expect("setup");
    let message = dkg::round1(&setup, &key, &mut Always(x.to_be_bytes())).expect("message");
    let transcript = Transcript::build(&setup, &[message]).expect("transcript");
    let share = transcript.share(&key).expect("share");
    let board = transcript.board().clone();
    assert_eq!(*board.public(), Point::mul_generator(x), "the share is x");
    let bytes = tdh2::encrypt(&board, b"dudect", &[9; 96], &[7; 32]).expect("encrypts");
    let sealed = Ciphertext::parse_and_check(&board, b"dudect", &bytes).expect("valid");
    (board, share, sealed)
}

/// A trustee's answer: `D = xU` and its proof.
fn shares(check: &mut Check) {
    let mut entropy = SeededEntropy::new(b"dudect boards");
    let mut holders = scalars(Curve::Sm2).map(|scalars| -> Vec<_> {
        let all = scalars.into_iter();
        all.map(|x| (holder(&x, &mut entropy), x)).collect()
    });
    let mut fresh = SeededEntropy::new(b"dudect proofs");
    check.job(
        "share of a trustee",
        "x = 3, random x",
        20_000,
        false,
        &mut holders,
        &mut |((board, secret, sealed), _)| {
            black_box(tdh2::release(board, secret, sealed, &mut fresh).expect("share"));
        },
    );
    let base = Point::mul_generator(&Scalar::from_u64(Curve::Sm2, 12_345));
    check.job(
        "share of a trustee, twin in variable time",
        "x = 3, random x",
        20_000,
        true,
        &mut holders,
        &mut |((board, secret, sealed), x)| {
            black_box(tdh2::release(board, secret, sealed, &mut fresh).expect("share"));
            black_box(leaky_multiple(&base, x));
        },
    );
}
