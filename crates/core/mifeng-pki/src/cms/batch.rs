//! Many messages of few signers: every core, and each certificate and path once.

use super::memo::{Remembering, Seen};
use super::{Content, Signed, SignedData, WHAT};
use crate::{Anchors, Certificate, Error, Material, Policy, VerifiedPath, judge_path};
use mifeng_crypto::{HashAlg, Suite, Time, cores, sha2x, sm3x};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Messages a thread takes at a time: enough that taking costs nothing, few enough that all end
/// together. Their contents are hashed and their signatures verified side by side.
const CHUNK: usize = 32;
/// More threads than this only wait for each other.
const THREADS_MAX: usize = 256;

/// One message of our own making, with its content and the instant its signer is judged at.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The message, detached.
    pub message: &'a [u8],
    /// What it signs.
    pub content: &'a [u8],
    /// When the signer's path has to hold: the instant that counts, not the signer's claim.
    pub at: Time,
}

/// One of our own detached messages, with its content.
#[derive(Clone, Copy, Debug)]
pub struct Detached<'a> {
    /// The message.
    pub message: &'a [u8],
    /// What it signs.
    pub content: &'a [u8],
}

/// As [`super::verify_detached_seen`] for many messages in this thread: their contents are hashed and their signatures
/// verified side by side. The outcome of one does not depend on the others.
#[must_use]
pub fn verify_each_detached(
    messages: &[Detached<'_>],
    suite: &'static Suite,
    seen: &Seen,
) -> Vec<Result<Signed, Error>> {
    signatures(messages, suite, &mut Remembering::new(seen))
}

fn signatures(
    messages: &[Detached<'_>],
    suite: &'static Suite,
    memo: &mut Remembering<'_>,
) -> Vec<Result<Signed, Error>> {
    let contents: Vec<&[u8]> = messages.iter().map(|one| one.content).collect();
    let digests = digests(suite.hash(), &contents);
    let mut read = |(place, (one, digest)): (usize, (&Detached<'_>, [u8; 32]))| {
        memo.at(place);
        let message = SignedData::parse_with(one.message, memo)?;
        let content = Content::Hashed(one.content, suite.hash(), &digest);
        message.verify_own(content, suite, memo)
    };
    let all = messages.iter().zip(digests).enumerate();
    let mut signed: Vec<_> = all.map(&mut read).collect();
    memo.settle(|place| signed[place] = Err(Error::BadSignature { what: WHAT }));
    signed
}

/// A message whose signature and path hold.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What the message says.
    pub signed: Signed,
    /// The signer's path. For a signer of many messages it is that of its earliest or latest one;
    /// it holds at [`Item::at`] just the same.
    pub path: Arc<VerifiedPath>,
}

/// Verifies our own detached messages under one set of rules: one at a time, or thousands.
///
/// Each message is verified in full (structure, digest, signature, binding of its certificates);
/// certificates are parsed once, and a signer's path is judged at the earliest and at the latest
/// instant asked about. Where both come to the same path on the same evidence, so does every
/// instant between them: periods of validity and of lists are intervals, and what was not revoked
/// at the later instant was not at an earlier one. Where they do not, the stretch is halved until
/// they do or one instant is left.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// The CAs that are trusted.
    pub anchors: &'a Anchors,
    /// Certificates beside those of the messages, revocation lists, OCSP responses.
    pub material: Material<'a>,
    /// What is asked of each signer's path, and the suite.
    pub policy: &'a Policy,
}

impl Verifier<'_> {
    /// Verifies one message.
    ///
    /// # Errors
    /// As [`super::verify_detached`] and [`judge_path`].
    pub fn verify(&self, item: &Item<'_>) -> Result<Verified, Error> {
        let signed = super::verify_detached(item.message, item.content, self.policy.suite)?;
        let path = Arc::new(self.path(&signed, item.at)?);
        Ok(Verified { signed, path })
    }

    /// Verifies all of them with `threads` threads (none: as many as the machine runs at once) and
    /// answers in the order of `items`. What an answer is does not depend on the number of threads
    /// nor on the other items.
    #[must_use]
    pub fn verify_all(
        &self,
        items: &[Item<'_>],
        threads: Option<NonZeroUsize>,
    ) -> Vec<Result<Verified, Error>> {
        let threads = threads.or_else(|| std::thread::available_parallelism().ok());
        let threads = threads.map_or(1, NonZeroUsize::get).min(THREADS_MAX);
        let shared = Seen::default();
        let signed = spread(items.len(), threads, || {
            let mut memo = Remembering::new(&shared);
            move |range: Range<usize>| {
                let messages = items[range].iter().map(|item| Detached {
                    message: item.message,
                    content: item.content,
                });
                let messages: Vec<_> = messages.collect();
                signatures(&messages, self.policy.suite, &mut memo)
            }
        });
        let signers = group(items, &signed);
        let judged = spread(signers.len(), threads, || {
            |range: Range<usize>| {
                let judge = |n: usize| {
                    let mut out = Vec::new();
                    self.judge(&signers[n], items, &signed, &mut out);
                    out
                };
                range.map(judge).collect()
            }
        });
        let mut paths: Vec<Option<Result<Arc<VerifiedPath>, Error>>> = vec![None; items.len()];
        for (n, path) in judged.into_iter().flatten() {
            paths[n] = Some(path);
        }
        let join = |(signed, path): (Result<Signed, Error>, _)| {
            let signed = signed?;
            // Every signature that holds has a signer, and every signer's items a path.
            let path: Option<Result<Arc<VerifiedPath>, Error>> = path;
            let path = path.unwrap_or_else(|| Err(super::rule("no signer")))?;
            Ok(Verified { signed, path })
        };
        signed.into_iter().zip(paths).map(join).collect()
    }

    fn path(&self, signed: &Signed, at: Time) -> Result<VerifiedPath, Error> {
        let more = self.material.intermediates;
        let both: Vec<Certificate>;
        let intermediates = match more.is_empty() {
            true => &signed.chain,
            false => {
                both = signed.chain.iter().chain(more).cloned().collect();
                &both
            }
        };
        let material = Material {
            intermediates,
            ..self.material
        };
        judge_path(
            &signed.certificate,
            &material,
            self.anchors,
            at,
            self.policy,
        )
    }

    /// Judges the path at the instants of `items`, places of one signer in the order of time.
    fn judge(
        &self,
        places: &[usize],
        items: &[Item<'_>],
        signed: &[Result<Signed, Error>],
        out: &mut Vec<(usize, Result<Arc<VerifiedPath>, Error>)>,
    ) {
        let ([first, .., last] | [first @ last]) = places else {
            return;
        };
        let Ok(of) = &signed[*first] else { return };
        let path = self.path(of, items[*first].at).map(Arc::new);
        let all = items[*first].at == items[*last].at
            || match (&path, self.path(of, items[*last].at)) {
                (Ok(path), Ok(later)) => same(path, &later),
                _ => false,
            };
        if all || places.len() == 1 {
            out.extend(places.iter().map(|n| (*n, path.clone())));
            return;
        }
        let (early, late) = places.split_at(places.len() / 2);
        self.judge(early, items, signed, out);
        self.judge(late, items, signed, out);
    }
}

/// The same certificates, judged by the same documents to the same end.
fn same(a: &VerifiedPath, b: &VerifiedPath) -> bool {
    a.certificates() == b.certificates()
        && a.standings() == b.standings()
        && a.evidence() == b.evidence()
}

/// The places of each certificate that was sent with the same others, in the order of time.
fn group(items: &[Item<'_>], signed: &[Result<Signed, Error>]) -> Vec<Vec<usize>> {
    let mut known: HashMap<(usize, Vec<usize>), usize> = HashMap::new();
    let mut alike: HashMap<(&[u8], Vec<&[u8]>), usize> = HashMap::new();
    let mut out: Vec<Vec<usize>> = Vec::new();
    for (n, signed) in signed.iter().enumerate() {
        let Ok(signed) = signed else { continue };
        // Certificates of a batch are read once, nearly always: their bytes are looked at only for a new pair
        // of identities.
        let chain = signed.chain.iter().map(Certificate::id).collect();
        let place = *known
            .entry((signed.certificate.id(), chain))
            .or_insert_with(|| {
                let chain = signed.chain.iter().map(Certificate::der).collect();
                *alike
                    .entry((signed.certificate.der(), chain))
                    .or_insert_with(|| {
                        out.push(Vec::new());
                        out.len() - 1
                    })
            });
        out[place].push(n);
    }
    for places in &mut out {
        places.sort_by_key(|n| items[*n].at);
    }
    out
}

/// The digests of the contents, those of like length side by side.
fn digests(hash: HashAlg, contents: &[&[u8]]) -> Vec<[u8; 32]> {
    let mut order: Vec<usize> = (0..contents.len()).collect();
    order.sort_by_key(|place| contents[*place].len());
    let sorted: Vec<&[u8]> = order.iter().map(|place| contents[*place]).collect();
    let digests = match hash {
        HashAlg::Sm3 => sm3x::digest_many_prefixed(&[], &sorted),
        HashAlg::Sha256 => sha2x::digest_many_prefixed(&[], &sorted),
    };
    let mut out = vec![[0; 32]; contents.len()];
    for (place, digest) in order.into_iter().zip(digests) {
        out[place] = digest;
    }
    out
}

/// Runs the work of each thread over the ranges of 0 to `count` and puts the results in order.
fn spread<T: Send, W: FnMut(Range<usize>) -> Vec<T>>(
    count: usize,
    threads: usize,
    worker: impl Fn() -> W + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let all = cores::run(threads.min(count.div_ceil(CHUNK)), || {
        let (mut work, mut done) = (worker(), Vec::new());
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= count {
                return done;
            }
            let to = count.min(from + CHUNK);
            done.push((from, work(from..to)));
        }
    });
    cores::in_order(all).into_iter().flatten().collect()
}
