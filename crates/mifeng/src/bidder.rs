//! The bidder's side: seal, submit, release the own leaf.

mod before;
mod count;

pub use before::{Certificates, Line, Mark, NO_PRICE, NO_WORDS, look};
pub use count::{after, count_file, next_number};

use crate::{Error, Replay, decode_base64, encode_base64};
use mifeng_crypto::{Digest, Entropy, Suite, Time};
use mifeng_envelope::{
    Context, Declarations, DetailLine, FileSource, Inputs, Opening, Progress, SealRecord, Sealed,
    VerifiedSeal, context_digest, open_own_copy, seal_own_copy,
};
use mifeng_pki::trust::Usage;
use mifeng_pki::{Certificate, Decrypter, Signer};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{BidReplace, BidSubmit, BidderShare, OfferSubmit, Refusal, rules};
use serde::{Deserialize, Serialize};
use std::io::Write;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

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

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A bid for the tender.
    Bid,
    /// A final offer for the round of its lot.
    Offer,
}

/// The bidder's keys, as far as sealing needs them.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// The signing key.
    pub signer: &'a dyn Signer,
    /// The certificate that the bidder's leaf is sealed to.
    pub encryption: &'a Certificate,
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
    let nonce = nonce(entropy)?;
    let keys = Keys { signer, encryption };
    with_inputs(tender, What::Bid, content, keys, now, nonce, |inputs| {
        Ok(mifeng_envelope::seal(inputs, entropy, out, progress)?)
    })
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
    let nonce = nonce(entropy)?;
    let keys = Keys { signer, encryption };
    with_inputs(tender, What::Offer, content, keys, now, nonce, |inputs| {
        Ok(mifeng_envelope::seal(inputs, entropy, out, progress)?)
    })
}

/// The nonce of a new seal.
///
/// # Errors
/// Those of the entropy source.
pub fn nonce(entropy: &mut dyn Entropy) -> Result<Digest, Error> {
    let mut nonce = [0; 32];
    entropy.fill(&mut nonce)?;
    Ok(Digest::from_bytes(nonce))
}

/// The event that a lot's bid or final offer is sealed against, and its deadline.
///
/// # Errors
/// [`Error::Refused`] before the notice, before a round of offers, or for a lot that there is not.
pub fn sealed_against(tender: &Replay, what: What, lot: &str) -> Result<(Digest, Time), Error> {
    let (event, notice) = tender
        .state
        .notice()
        .ok_or_else(|| Refusal::by(&rules::WRONG_STAGE, "there is no notice yet"))?;
    if notice.lot(lot).is_none() {
        let detail = format!("the notice has no lot {lot:?}");
        return Err(Refusal::by(&rules::MALFORMED, detail).into());
    }
    match what {
        What::Bid => Ok((*event, notice.deadline)),
        What::Offer => {
            let none = || Refusal::by(&rules::WRONG_STAGE, "no final offers were called for");
            let round = tender.state.round(lot).ok_or_else(none)?;
            Ok((round.event, round.deadline))
        }
    }
}

/// Everything that sealing for a tender takes, handed to `then`: for those who seal with a journal
/// ([`mifeng_envelope::seal_resuming`]). A nonce must never be used for two contents.
///
/// # Errors
/// As [`seal`] and [`seal_offer`], and those of `then`.
pub fn with_inputs<T>(
    tender: &Replay,
    what: What,
    content: Content<'_>,
    keys: Keys<'_>,
    now: Time,
    nonce: Digest,
    then: impl FnOnce(&mut Inputs<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (event, deadline) = sealed_against(tender, what, content.lot)?;
    let (envelope, late) = match what {
        What::Bid => (WHOLE, &rules::LATE),
        What::Offer => (FINAL, &rules::OFFER_LATE),
    };
    if now >= deadline {
        return Err(Refusal::by(late, format!("deadline {deadline}")).into());
    }
    let (Some((_, notice)), Some(_)) = (tender.state.notice(), tender.state.board()) else {
        return Err(Refusal::by(&rules::WRONG_STAGE, "there is no notice or no board yet").into());
    };
    let suite = tender.suite();
    let certificate = keys.signer.certificate();
    // As the host will read it: who is not recognised now learns it before the work of sealing.
    let bidder = tender.state.organisation(
        certificate,
        keys.signer.chain(),
        Usage::BidSigning,
        now,
        &tender.trust(),
    )?;
    let context = Context {
        bidder,
        bidder_cert: certificate.fingerprint(suite.hash()),
        envelope: envelope.to_owned(),
        lot: content.lot.to_owned(),
        nonce,
        suite: suite.id().to_owned(),
        tender_event: event,
    };
    context.check()?;
    let boards = tender.state.boards();
    let chains = notice
        .clock_chains()
        .map_err(|fault| Refusal::by(&rules::BAD_NOTICE, fault))?;
    let chains: Vec<_> = chains.iter().collect();
    let mut inputs = Inputs {
        suite,
        context,
        policy: notice
            .policy
            .resolve(keys.encryption.fingerprint(suite.hash())),
        boards: &boards,
        chains: &chains,
        encryption: keys.encryption,
        signer: keys.signer,
        signing_time: now,
        files: content.files,
        opening: content.opening,
        declarations: content.declarations,
        detail: content.detail,
        workers: mifeng_crypto::cores::count(),
    };
    then(&mut inputs)
}

/// What the bidder keeps beside a sealed bid, `*.own`: the secret, sealed to its own encryption certificate, and what else
/// a sealing that goes on must find unchanged.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCopy {
    /// Digest of the context.
    pub context: Digest,
    /// The sealed secret, hex.
    pub copy: String,
    /// The seal's nonce.
    pub nonce: Digest,
    /// The time that both signatures state.
    pub time: Time,
    /// Version, 1.
    pub v: u8,
}

impl OwnCopy {
    /// Seals the secret of a seal to be.
    ///
    /// # Errors
    /// [`Error::Envelope`] for a certificate that nothing can be sealed to; those of the entropy source.
    pub fn new(
        inputs: &Inputs<'_>,
        sigma: &[u8; 32],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Error> {
        let context = context_digest(inputs.suite, &inputs.context, &inputs.policy)?;
        let copy = seal_own_copy(inputs.suite, &context, inputs.encryption, sigma, entropy)?;
        Ok(OwnCopy {
            context,
            copy: hex::encode(copy),
            nonce: inputs.context.nonce,
            time: inputs.signing_time,
            v: 1,
        })
    }

    /// The file.
    ///
    /// # Errors
    /// Never in practice: plain data becomes JSON.
    pub fn to_file(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|e| Error::malformed("own copy", e.to_string()))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| Error::malformed("own copy", e.to_string()))
    }

    /// The secret.
    ///
    /// # Errors
    /// [`Error::Envelope`] if the key does not open it.
    pub fn open(
        &self,
        suite: &Suite,
        decrypter: &dyn Decrypter,
    ) -> Result<Zeroizing<[u8; 32]>, Error> {
        let copy = hex::decode(&self.copy).map_err(|_| Error::malformed("own copy", "hex"))?;
        Ok(open_own_copy(suite, &self.context, &copy, decrypter)?)
    }
}

/// The file `*.leaf`: the bidder's own leaves, in case the key is lost; useless without the board under the policy `joint`.
/// None if the policy has no leaf of the bidder.
pub fn backup_file(sealed: &Sealed) -> Option<Zeroizing<String>> {
    // Room for all of it: a text that grows leaves parts of itself behind.
    let len = sealed.backup.iter().map(|(path, _)| path.len() + 66).sum();
    let mut text = Zeroizing::new(String::with_capacity(len));
    for (path, share) in &sealed.backup {
        let share = Zeroizing::new(hex::encode(&share[..]));
        text.push_str(path);
        text.push(' ');
        text.push_str(&share);
        text.push('\n');
    }
    (!text.is_empty()).then_some(text)
}

/// A trial decryption of the own leaf: a key that does not work is found now, not at the opening. Whether there is such a
/// leaf is told.
///
/// # Errors
/// [`Error::Envelope`] if the key opens it to nothing, or to something else than was sealed.
pub fn try_own_leaf(
    seal: &VerifiedSeal,
    sealed: &Sealed,
    decrypter: &dyn Decrypter,
) -> Result<bool, Error> {
    let Some(path) = seal.bidder_leaf_path() else {
        return Ok(false);
    };
    let opened = seal.bidder_leaf_share(decrypter)?;
    let mut own = sealed.backup.iter();
    match own.any(|(at, share)| *at == path && bool::from(share[..].ct_eq(&opened[..]))) {
        true => Ok(true),
        false => Err(mifeng_envelope::Error::NotOurLeaf.into()),
    }
}

/// The id of the seal that a record brings, which is what the bidder was told as eight words; `None` for other records.
pub fn seal_in(record: &SignedRecord, suite: &Suite) -> Option<Digest> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "type")]
        kind: String,
        data: Seal,
    }
    #[derive(Deserialize)]
    struct Seal {
        seal: String,
    }
    let body: Body = serde_json::from_slice(&record.body).ok()?;
    if !matches!(&*body.kind, "bid.submit" | "bid.replace" | "offer.submit") {
        return None;
    }
    let bytes = decode_base64("seal record", &body.data.seal).ok()?;
    Some(SealRecord::parse(&bytes).ok()?.id(suite))
}

/// The seal of the bid that a record brought into this tender's log, checked against the notice. Bids are hidden until the
/// close, so the log may not show it.
///
/// # Errors
/// [`Error::Refused`] for a record of another log, a seal that is not for this tender, or one of another certificate than
/// the record's; [`Error::Malformed`] for a record that brings no bid.
pub fn bid_in(tender: &Replay, record: &Record) -> Result<VerifiedSeal, Error> {
    if record.origin() != tender.state.origin() {
        return Err(Refusal::by(&rules::WRONG_ORIGIN, record.origin()).into());
    }
    let seal = match record.kind() {
        "bid.submit" => record.data::<BidSubmit>()?.seal,
        "bid.replace" => record.data::<BidReplace>()?.seal,
        other => {
            let detail = format!("{other:?} brings no bid");
            return Err(Error::malformed("record of a bid", detail));
        }
    };
    let seal = SealRecord::parse(&decode_base64("seal record", &seal)?)?;
    let seal = tender.state.verify_seal(&seal)?;
    match seal.context().bidder_cert == record.actor() {
        true => Ok(seal),
        false => Err(Refusal::by(&rules::COPIED, record.signer_name()).into()),
    }
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
