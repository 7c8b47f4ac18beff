//! The round 1 message: `C_i ‖ PoP_i ‖ E_i ‖ be64 len ‖ c_{i,1} ‖ … ‖ be64 len ‖ c_{i,n}`.

use mifeng_crypto::{Point, Scalar};
use zeroize::Zeroizing;

use super::schnorr::{self, SIGNATURE_BYTES};
use super::seal::{Channel, TAG_BYTES};
use super::{Setup, StaticKey, evaluate, index_of};
use crate::{Error, Result};

/// Bytes of a share in the clear.
const SHARE_BYTES: usize = 32;
const POINT_BYTES: usize = 33;

/// Largest encrypted share that is read. Ours have no payload and 48 bytes; the specification's 64 KiB would let
/// one trustee fill the log.
const MAX_CIPHERTEXT_BYTES: usize = 1024;

/// A parsed message whose proof of possession holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) commitment: Vec<Point>,
    pub(super) proof: [u8; SIGNATURE_BYTES],
    pub(super) ephemeral: Point,
    pub(super) shares: Vec<Vec<u8>>,
}

fn proof_message(setup: &Setup, commitment: &[Point], ephemeral: &Point) -> Vec<u8> {
    let mut out = setup.context.as_bytes().to_vec();
    commitment
        .iter()
        .for_each(|point| out.extend_from_slice(&point.to_bytes()));
    out.extend_from_slice(&ephemeral.to_bytes());
    out
}

pub(super) fn write(
    setup: &Setup,
    key: &StaticKey,
    coefficients: &[Scalar],
    ephemeral: &Scalar,
) -> Result<Vec<u8>> {
    let suite = setup.suite;
    let commitment: Vec<Point> = coefficients.iter().map(Point::mul_generator).collect();
    let ephemeral_public = Point::mul_generator(ephemeral);
    let secret = coefficients
        .first()
        .ok_or(Error::Malformed { what: "polynomial" })?;
    let proof = schnorr::sign(
        suite,
        secret,
        &proof_message(setup, &commitment, &ephemeral_public),
    )?;

    let mut out = Vec::new();
    commitment
        .iter()
        .for_each(|point| out.extend_from_slice(&point.to_bytes()));
    out.extend_from_slice(&proof);
    out.extend_from_slice(&ephemeral_public.to_bytes());
    for (position, recipient) in setup.members.iter().enumerate() {
        let share = Zeroizing::new(evaluate(coefficients, index_of(position))?.to_be_bytes());
        let channel = Channel {
            ephemeral_secret: &recipient.mul(ephemeral),
            static_secret: &recipient.mul(&key.secret),
            ephemeral: &ephemeral_public,
            sender: &key.public,
            recipient,
        };
        let sealed = channel.seal(suite, setup.context.as_bytes(), share.as_slice())?;
        out.extend_from_slice(&(sealed.len() as u64).to_be_bytes());
        out.extend_from_slice(&sealed);
    }
    Ok(out)
}

impl Message {
    /// Reads member `index`'s message and checks its proof of possession.
    pub(super) fn parse(setup: &Setup, index: u8, bytes: &[u8]) -> Result<Self> {
        let wrong = |what| Error::DkgMessage {
            culprit: index,
            what,
        };
        let mut rest = bytes;
        let mut take = |length: usize| -> Result<&[u8]> {
            let (head, tail) = rest
                .split_at_checked(length)
                .ok_or(wrong("shorter than its parts"))?;
            rest = tail;
            Ok(head)
        };
        let point = |bytes: &[u8]| {
            Point::from_bytes(setup.suite.curve(), bytes)
                .map_err(|_| wrong("a point is off the curve, the identity, or not compressed"))
        };
        let commitment = (0..setup.threshold)
            .map(|_| point(take(POINT_BYTES)?))
            .collect::<Result<Vec<_>>>()?;
        let mut proof = [0; SIGNATURE_BYTES];
        proof.copy_from_slice(take(SIGNATURE_BYTES)?);
        let ephemeral = point(take(POINT_BYTES)?)?;
        let mut shares = Vec::with_capacity(setup.members.len());
        for _ in &setup.members {
            let mut length = [0; 8];
            length.copy_from_slice(take(8)?);
            let length = usize::try_from(u64::from_be_bytes(length)).unwrap_or(usize::MAX);
            if !(SHARE_BYTES + TAG_BYTES..=MAX_CIPHERTEXT_BYTES).contains(&length) {
                return Err(wrong("length of an encrypted share"));
            }
            shares.push(take(length)?.to_vec());
        }
        if !rest.is_empty() {
            return Err(wrong("longer than its parts"));
        }
        let message = proof_message(setup, &commitment, &ephemeral);
        let holder = commitment.first().ok_or(wrong("no commitment"))?;
        if !schnorr::verify(setup.suite, holder, &message, &proof) {
            return Err(Error::DkgProof { culprit: index });
        }
        Ok(Self {
            commitment,
            proof,
            ephemeral,
            shares,
        })
    }
}

impl Message {
    /// Whether one of the two is a copy of the other, or of a part of it.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        self.commitment[0] == other.commitment[0] || self.ephemeral == other.ephemeral
    }

    /// A dealer deals the share of the key that it holds.
    pub(super) fn require_dealt(&self, dealer: u8, share_key: &Point) -> Result<()> {
        if self.commitment.first() == Some(share_key) {
            return Ok(());
        }
        Err(Error::DkgMessage {
            culprit: dealer,
            what: "deals another secret than its share of the key",
        })
    }
}

/// Opens the share that travelled over `channel` from `sender` and checks it against the sender's commitment.
///
/// `sealed` carries the share and, after it, a payload that this protocol does not use and ignores.
pub(super) fn open_share(
    setup: &Setup,
    sender: u8,
    message: &Message,
    recipient: u8,
    channel: &Channel<'_>,
) -> Result<Scalar> {
    let sealed = message
        .shares
        .get(usize::from(recipient).wrapping_sub(1))
        .ok_or(Error::DkgMessage {
            culprit: sender,
            what: "no share for a member",
        })?;
    let plaintext = channel
        .open(setup.suite, setup.context.as_bytes(), sealed)
        .map_err(|_| Error::DkgDecrypt { culprit: sender })?;
    let wrong = Error::DkgShare { culprit: sender };
    let Some((bytes, _)) = plaintext.split_first_chunk::<SHARE_BYTES>() else {
        return Err(wrong);
    };
    let share = Scalar::from_be_bytes(setup.suite.curve(), bytes).map_err(|_| wrong.clone())?;
    if Point::mul_generator(&share) == super::evaluate_commitment(&message.commitment, recipient)? {
        Ok(share)
    } else {
        Err(wrong)
    }
}
