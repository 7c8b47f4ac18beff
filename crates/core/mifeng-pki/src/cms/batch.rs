//! Many messages of few signers: every core, and each certificate and path once.

use super::memo::Remembering;
use super::{Content, Signed, SignedData};
use crate::{Anchors, Certificate, Error, Purpose, RevocationList, VerifiedPath, verify_path};
use mifeng_crypto::{Suite, Time};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Messages a thread takes at a time: enough that taking costs nothing, few enough that all end
/// together.
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
/// certificates are parsed once, and a signer's path is verified at the earliest and at the latest
/// instant asked about. Where both hold along the same certificates, so does every instant between
/// them: periods of validity and of lists are intervals, and what was not revoked at the later
/// instant was not at an earlier one. Where they do not, each instant is judged by itself.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// The CAs that are trusted.
    pub anchors: &'a Anchors,
    /// Revocation lists.
    pub crls: &'a [RevocationList],
    /// What the certificates must be for.
    pub purpose: Purpose,
    /// The suite in force.
    pub suite: &'static Suite,
}

impl Verifier<'_> {
    /// Verifies one message.
    ///
    /// # Errors
    /// As [`super::verify_detached`] and [`verify_path`].
    pub fn verify(&self, item: &Item<'_>) -> Result<Verified, Error> {
        let signed = super::verify_detached(item.message, item.content, self.suite)?;
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
        let signed = spread(items.len(), threads, |memo, n| {
            self.signature(&items[n], memo)
        });
        let signers = group(items, &signed);
        let ends = spread(signers.len(), threads, |_, n| {
            self.ends(&signers[n], items, &signed)
        });
        let mut paths: Vec<Option<Result<Arc<VerifiedPath>, Error>>> = vec![None; items.len()];
        let mut left = Vec::new();
        for (signer, path) in signers.iter().zip(ends) {
            for n in &signer.items {
                match &path {
                    Some(path) => paths[*n] = Some(Ok(path.clone())),
                    None => left.push(*n),
                }
            }
        }
        let single = spread(left.len(), threads, |_, n| {
            let (item, signed) = (&items[left[n]], &signed[left[n]]);
            let signed = signed.as_ref().map_err(Clone::clone)?;
            self.path(signed, item.at).map(Arc::new)
        });
        for (n, path) in left.iter().zip(single) {
            paths[*n] = Some(path);
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

    fn signature(&self, item: &Item<'_>, memo: &mut Remembering) -> Result<Signed, Error> {
        let message = SignedData::parse_with(item.message, memo)?;
        message.verify_own(Content::Bytes(item.content), self.suite, memo)
    }

    fn path(&self, signed: &Signed, at: Time) -> Result<VerifiedPath, Error> {
        verify_path(
            &signed.certificate,
            &signed.chain,
            self.anchors,
            self.crls,
            at,
            self.purpose,
            self.suite,
        )
    }

    /// The one path that holds at the signer's first and last instant.
    fn ends(
        &self,
        signer: &OneSigner,
        items: &[Item<'_>],
        signed: &[Result<Signed, Error>],
    ) -> Option<Arc<VerifiedPath>> {
        let signed = signed[signer.items[0]].as_ref().ok()?;
        let instants = signer.items.iter().map(|n| items[*n].at);
        let (first, last) = (instants.clone().min()?, instants.max()?);
        let path = self.path(signed, first).ok()?;
        if first != last {
            let later = self.path(signed, last).ok()?;
            let same = later.certificates() == path.certificates()
                && later.revocation_known() == path.revocation_known();
            if !same {
                return None;
            }
        }
        Some(Arc::new(path))
    }
}

/// The items of one certificate that was sent with the same others.
struct OneSigner {
    items: Vec<usize>,
}

fn group(items: &[Item<'_>], signed: &[Result<Signed, Error>]) -> Vec<OneSigner> {
    let mut places: HashMap<(&[u8], Vec<&[u8]>), usize> = HashMap::new();
    let mut out: Vec<OneSigner> = Vec::new();
    for n in 0..items.len() {
        let Ok(signed) = &signed[n] else { continue };
        let chain = signed.chain.iter().map(Certificate::der).collect();
        let place = *places
            .entry((signed.certificate.der(), chain))
            .or_insert_with(|| {
                out.push(OneSigner { items: Vec::new() });
                out.len() - 1
            });
        out[place].items.push(n);
    }
    out
}

/// Runs `work` for 0 to `count` on `threads` threads and puts the results in order.
fn spread<T: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(&mut Remembering, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let run = || {
        let (mut memo, mut done) = (Remembering::default(), Vec::new());
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= count {
                return done;
            }
            for n in from..count.min(from + CHUNK) {
                done.push((n, work(&mut memo, n)));
            }
        }
    };
    let helpers = threads.min(count.div_ceil(CHUNK)).saturating_sub(1);
    let mut all = std::thread::scope(|scope| {
        let others: Vec<_> = (0..helpers).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                // A panic is a bug of ours and goes on where it can be seen.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(n, _)| *n);
    all.into_iter().map(|(_, result)| result).collect()
}
