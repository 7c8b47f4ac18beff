//! The bidder's side: seal, submit, release the own leaf.

use crate::{Error, Replay, encode_base64};
use mifeng_crypto::{Digest, Entropy, Time};
use mifeng_envelope::{
    Context, Declarations, DetailLine, FileSource, Inputs, Opening, Progress, SealRecord, Sealed,
    VerifiedSeal,
};
use mifeng_pki::trust::Usage;
use mifeng_pki::{Certificate, Decrypter, Signer};
use mifeng_tender::{BidSubmit, BidderShare, OfferSubmit, Refusal, rules};
use std::io::Write;

/// The one envelope of a lot, unless the notice asks for several.
pub const WHOLE: &str = "whole";

/// The envelope of a final offer.
pub const FINAL: &str = "final";

/// What a bidder puts into one sealed bid.
pub struct Content<'a> {
    /// The lot.
    pub lot: &'a str,
    /// The files.
    pub files: Vec<Box<dyn FileSource + 'a>>,
    /// The opening list: the price in digits and in words.
    pub opening: Opening,
    /// Declarations.
    pub declarations: Declarations,
    /// Unit prices.
    pub detail: Vec<DetailLine>,
}

/// Seals a bid for the tender of a bundle and writes the file to `out`.
///
/// # Errors
/// [`Error::Refused`] if the notice has no such lot, the deadline has passed, or the certificate
/// names no credit code; [`Error::Envelope`] for what is wrong with the content.
#[allow(clippy::too_many_arguments)] // One verb, each argument another party's.
pub fn seal(
    tender: &Replay,
    content: Content<'_>,
    signer: &dyn Signer,
    encryption: &Certificate,
    now: Time,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed, Error> {
    let (event, notice) = tender
        .state
        .notice()
        .ok_or_else(|| Refusal::by(&rules::WRONG_STAGE, "there is no notice yet"))?;
    if now >= notice.deadline {
        return Err(Refusal::by(&rules::LATE, format!("deadline {}", notice.deadline)).into());
    }
    if notice.lot(content.lot).is_none() {
        return Err(Refusal::by(
            &rules::MALFORMED,
            format!("the notice has no lot {:?}", content.lot),
        )
        .into());
    }
    let keys = (signer, encryption);
    seal_for(
        tender,
        (*event, WHOLE),
        content,
        keys,
        now,
        entropy,
        out,
        progress,
    )
}

/// Seals a final offer for the round of a lot, as [`seal`] does a first bid.
///
/// # Errors
/// As [`seal`]; [`rules::OFFER_LATE`] after the round's deadline.
#[allow(clippy::too_many_arguments)] // One verb, each argument another party's.
pub fn seal_offer(
    tender: &Replay,
    content: Content<'_>,
    signer: &dyn Signer,
    encryption: &Certificate,
    now: Time,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed, Error> {
    let round = tender
        .state
        .round(content.lot)
        .ok_or_else(|| Refusal::by(&rules::WRONG_STAGE, "no final offers were called for"))?;
    if now >= round.deadline {
        let detail = format!("deadline {}", round.deadline);
        return Err(Refusal::by(&rules::OFFER_LATE, detail).into());
    }
    let keys = (signer, encryption);
    seal_for(
        tender,
        (round.event, FINAL),
        content,
        keys,
        now,
        entropy,
        out,
        progress,
    )
}

#[allow(clippy::too_many_arguments)] // The two functions above, without their checks.
fn seal_for(
    tender: &Replay,
    (event, envelope): (Digest, &str),
    content: Content<'_>,
    (signer, encryption): (&dyn Signer, &Certificate),
    now: Time,
    entropy: &mut dyn Entropy,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Sealed, Error> {
    let (Some((_, notice)), Some(board)) = (tender.state.notice(), tender.state.board()) else {
        return Err(Refusal::by(&rules::WRONG_STAGE, "there is no notice or no board yet").into());
    };
    let suite = tender.suite();
    let certificate = signer.certificate();
    // As the host will read it: who is not recognised now learns it before the work of sealing.
    let bidder = tender.state.organisation(
        certificate,
        signer.chain(),
        Usage::BidSigning,
        now,
        &tender.trust(),
    )?;
    let context = Context::new(
        suite,
        event,
        (content.lot, envelope),
        (&bidder, certificate.fingerprint(suite.hash())),
        entropy,
    )?;
    let inputs = Inputs {
        suite,
        context,
        policy: notice.policy.resolve(encryption.fingerprint(suite.hash())),
        boards: &[board],
        encryption,
        signer,
        signing_time: now,
        files: content.files,
        opening: content.opening,
        declarations: content.declarations,
        detail: content.detail,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    };
    Ok(mifeng_envelope::seal(&inputs, entropy, out, progress)?)
}

/// The data of `bid.submit`.
pub fn submission(seal: &SealRecord) -> BidSubmit {
    BidSubmit {
        seal: encode_base64(&seal.to_bytes()),
    }
}

/// The data of `offer.submit`.
pub fn offer(lot: &str, seal: &SealRecord) -> OfferSubmit {
    OfferSubmit {
        lot: lot.to_owned(),
        seal: encode_base64(&seal.to_bytes()),
    }
}

/// The data of `bidder.share`, with the key or with the backup that was written when sealing.
///
/// # Errors
/// [`Error::Refused`] if the policy has no leaf of the bidder; [`Error::Envelope`] if the key does
/// not open it.
pub fn release(seal: &VerifiedSeal, key: LeafKey<'_>) -> Result<BidderShare, Error> {
    let path = seal
        .bidder_leaf_path()
        .ok_or_else(|| Refusal::by(&rules::BAD_SHARE, "the policy has no leaf of the bidder"))?;
    let share = match key {
        LeafKey::Key(decrypter) => *seal.bidder_leaf_share(decrypter)?,
        LeafKey::Backup(share) => *share,
    };
    Ok(BidderShare {
        seal: seal.id(),
        path,
        share: Digest::from_bytes(share),
    })
}

/// What opens the bidder's own leaf.
#[derive(Clone, Copy)]
pub enum LeafKey<'a> {
    /// The encryption key.
    Key(&'a dyn Decrypter),
    /// The backup.
    Backup(&'a [u8; 32]),
}
