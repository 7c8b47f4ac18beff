//! Opening bids: with enough released, anyone can; the host does it and logs what it read.

use crate::host::Host;
use crate::store::Store;
use crate::{Error, Export};
use mifeng_crypto::{Digest, Entropy, Time};
use mifeng_envelope::{
    InMemory, Manifest, Memory, PlainSink, VerifiedSeal, WORKERS, check_many, open_body_resuming,
};
use mifeng_tender::{BidFail, BidOpen, BidStatus, State, rules};
use std::io::{ErrorKind, Read, Seek};

/// How the opening of one bid ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// It opened; what its manifest says.
    Bid(Box<BidOpen>),
    /// It did not, and by whose fault.
    Fault(BidFail),
}

/// Opens one bid from what the log holds; its files go to `sink`, which keeps nothing of a bid that
/// fails.
///
/// # Errors
/// [`Error::Refused`] if too little was released, [`Error::Unavailable`] if the file cannot be read.
pub fn open_bid<R: Read + Seek + ?Sized>(
    state: &State,
    seal: &Digest,
    sealed: &mut R,
    sink: &mut dyn PlainSink,
) -> Result<Opened, Error> {
    open_bid_on(state, seal, sealed, sink, WORKERS)
}

/// The same, on up to so many threads.
pub(crate) fn open_bid_on<R: Read + Seek + ?Sized>(
    state: &State,
    seal: &Digest,
    sealed: &mut R,
    sink: &mut dyn PlainSink,
    workers: usize,
) -> Result<Opened, Error> {
    let revoked = |cause: &str| {
        Opened::Fault(BidFail {
            seal: *seal,
            status: BidStatus::RevokedBidderCause,
            cause: cause.to_owned(),
        })
    };
    let bid = state
        .bids()
        .get(seal)
        .ok_or_else(|| mifeng_tender::Refusal::by(&rules::UNKNOWN_SEAL, format!("seal {seal}")))?;
    if !state.can_open(seal) {
        return Ok(revoked(mifeng_tender::NO_RELEASE));
    }
    let found = match state.opened_with(seal) {
        Some(_) => Ok(None),
        None => state.sigma(seal).map(Some),
    };
    let found = match found {
        Ok(found) => found,
        Err(refusal) if refusal.code() == rules::BAD_SEAL.code => {
            return Ok(revoked(refusal.code()));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let Some(sigma) = found.as_ref().or(state.opened_with(seal)) else {
        return Err(mifeng_tender::Refusal::by(&rules::QUORUM, format!("seal {seal}")).into());
    };
    match open_with(&bid.seal, sigma, sealed, sink, workers) {
        Ok(open) => Ok(Opened::Bid(Box::new(shown(state, open)))),
        Err(e) if e.is_bidder_fault() => Ok(revoked(rules::BAD_SEAL.code)),
        Err(e) => Err(e.into()),
    }
}

/// What the log says of an opened bid: first prices stay out of it where final offers are called for.
fn shown(state: &State, mut open: BidOpen) -> BidOpen {
    if state.withholds_price(&open.seal) {
        open.opening.price.clear();
        open.opening.price_cn.clear();
        open.opening.currency.clear();
        open.detail.clear();
    }
    open
}

fn open_with<R: Read + Seek + ?Sized>(
    seal: &VerifiedSeal,
    sigma: &mifeng_envelope::Sigma,
    sealed: &mut R,
    sink: &mut dyn PlainSink,
    workers: usize,
) -> Result<BidOpen, mifeng_envelope::Error> {
    let (manifest, digest) = read(seal, sigma, sealed, sink, workers)?;
    Ok(said(seal, manifest, digest))
}

fn said(seal: &VerifiedSeal, manifest: Manifest, digest: Digest) -> BidOpen {
    BidOpen {
        seal: seal.id(),
        manifest: digest,
        opening: manifest.opening,
        declarations: manifest.declarations,
        detail: manifest.detail,
    }
}

/// Of bids that are in memory whole, what those open to that the log says opened; nothing of one that does not, or is too
/// large.
pub(crate) fn open_many(
    state: &State,
    files: Vec<(&Digest, &[u8])>,
    memory: &mut Memory,
) -> Vec<(Digest, Opened)> {
    let known = files.into_iter().filter_map(|(id, file)| {
        let (bid, sigma) = (state.bids().get(id)?, state.opened_with(id)?);
        let seal = &bid.seal;
        Some(InMemory { file, seal, sigma })
    });
    let bids: Vec<InMemory<'_>> = known.collect();
    let seals: Vec<&VerifiedSeal> = bids.iter().map(|bid| bid.seal).collect();
    let opened = check_many(state.suite().hash(), bids, memory);
    let opened = seals.into_iter().zip(opened).filter_map(|(seal, opened)| {
        let (manifest, digest) = opened.ok()?;
        let open = shown(state, said(seal, manifest, digest));
        Some((seal.id(), Opened::Bid(Box::new(open))))
    });
    opened.collect()
}

/// Goes on with what an interruption left. Whatever fails then, but reading and writing, is judged
/// from the start: part of the file was not looked at again, and the fault must not be charged to
/// the bidder if it is the storage's.
fn read<R: Read + Seek + ?Sized>(
    seal: &VerifiedSeal,
    sigma: &mifeng_envelope::Sigma,
    sealed: &mut R,
    sink: &mut dyn PlainSink,
    workers: usize,
) -> Result<(Manifest, Digest), mifeng_envelope::Error> {
    let mut open = |sink: &mut dyn PlainSink, journal: &[u8]| {
        open_body_resuming(sealed, seal, sigma, sink, workers, journal)
    };
    let wrong = |e: std::io::Error| mifeng_envelope::Error::Io {
        what: "going on with the content",
        kind: e.kind(),
    };
    let journal = sink.left_over().map_err(wrong)?;
    if !journal.is_empty() {
        match open(sink, &journal) {
            // A file of the attempt before that is missing or too short is no fault of the disk.
            Err(mifeng_envelope::Error::Io { what, kind })
                if !matches!(kind, ErrorKind::NotFound | ErrorKind::InvalidData) =>
            {
                return Err(mifeng_envelope::Error::Io { what, kind });
            }
            Err(_) => sink.start_over().map_err(wrong)?,
            opened => return opened,
        }
    }
    open(sink, b"")
}

impl<S: Store> Host<S> {
    /// Opens one bid and logs the outcome.
    ///
    /// # Errors
    /// [`Error::Refused`] if too little was released.
    pub fn open_bid(
        &mut self,
        seal: &Digest,
        sink: &mut dyn PlainSink,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Opened, Error> {
        let mut sealed = self.sealed(seal)?;
        let opened = open_bid(self.state(), seal, &mut *sealed, sink)?;
        let record = match &opened {
            Opened::Bid(open) => self.draft("bid.open", &**open, now, entropy)?,
            Opened::Fault(fail) => self.draft("bid.fail", fail, now, entropy)?,
        };
        self.submit(record, None, now)?;
        Ok(opened)
    }

    /// Logs that a bid stays shut, with the cause that follows from what was released: for a host that waits for
    /// nobody any more. The others go on.
    ///
    /// # Errors
    /// [`Error::Refused`] with [`rules::NOT_RECOMPUTED`] if enough was released: open it.
    pub fn fail_bid(
        &mut self,
        seal: &Digest,
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<BidFail, Error> {
        let (status, cause) = self.state().unopened(seal).ok_or_else(|| {
            mifeng_tender::Refusal::by(&rules::NOT_RECOMPUTED, format!("seal {seal} can be opened"))
        })?;
        let fail = BidFail {
            seal: *seal,
            status,
            cause: cause.to_owned(),
        };
        let record = self.draft("bid.fail", &fail, now, entropy)?;
        self.submit(record, None, now)?;
        Ok(fail)
    }

    /// The whole dossier, after `archive.close`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub fn dossier(&self, out: &mut dyn std::io::Write) -> Result<(), Error> {
        self.export(Export::Dossier, out)
    }
}
