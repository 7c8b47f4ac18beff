//! Proof, from public data, that a member sent a wrong encrypted share.
//!
//! Only the recipient can open a share, so without more nobody could tell a lying dealer from a lying accuser.
//! The accuser reveals the two Diffie–Hellman points of that one message with proofs that they are right;
//! everyone then opens the message and sees. The key generation is abandoned in any case, so revealing the
//! share costs nothing; the static keys stay secret.

use mifeng_crypto::{Entropy, KnownPoint, Point};

use super::message::open_share;
use super::seal::Channel;
use super::{StaticKey, Transcript};
use crate::dleq::{self, PROOF_BYTES, Proof, Statement};
use crate::{Error, Result};

/// Bytes of a complaint: accuser 1, accused 1, two points 33, two proofs 64.
pub const COMPLAINT_BYTES: usize = 196;

const LABEL: &[u8] = b"dkg-complaint";

/// An accusation that anyone can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    accuser: u8,
    accused: u8,
    ephemeral_secret: Point,
    static_secret: Point,
    proofs: [Proof; 2],
}

impl Complaint {
    pub(super) fn make(
        transcript: &Transcript,
        key: &StaticKey,
        accused: u8,
        entropy: &mut dyn Entropy,
    ) -> Result<Self> {
        let accuser = transcript.setup().index_of(key)?;
        let (message, sender) = transcript.message(accused)?;
        let suite = transcript.setup().suite();
        let label = label(transcript, accused);
        let mut prove = |base: &Point, d: &Point| {
            let statement = Statement {
                label: &label,
                index: accuser,
                y: &KnownPoint::new(key.public.clone()),
                base,
                d,
            };
            dleq::prove(suite, &statement, &key.secret, entropy)
        };
        let (first, second) = (message.ephemeral.mul(&key.secret), sender.mul(&key.secret));
        let proofs = [prove(&message.ephemeral, &first)?, prove(sender, &second)?];
        let complaint = Self {
            accuser,
            accused,
            ephemeral_secret: first,
            static_secret: second,
            proofs,
        };
        complaint.judge(transcript)?;
        Ok(complaint)
    }

    /// Who complains.
    pub fn accuser(&self) -> u8 {
        self.accuser
    }

    /// Whose share is said to be wrong.
    pub fn accused(&self) -> u8 {
        self.accused
    }

    /// The error that names the accused, if the complaint is justified.
    ///
    /// # Errors
    /// [`Error::DkgComplaint`] names the accuser when it is not.
    pub fn judge(&self, transcript: &Transcript) -> Result<Error> {
        let setup = transcript.setup();
        let unjustified = Error::DkgComplaint {
            accuser: self.accuser,
        };
        let (message, sender) = transcript.message(self.accused)?;
        let recipient = transcript.recipient(self.accuser)?;
        let label = label(transcript, self.accused);
        let holds = |base: &Point, d: &Point, proof: &Proof| {
            let statement = Statement {
                label: &label,
                index: self.accuser,
                y: &KnownPoint::new(recipient.clone()),
                base,
                d,
            };
            dleq::verify(setup.suite(), &statement, proof)
        };
        if !holds(&message.ephemeral, &self.ephemeral_secret, &self.proofs[0])
            || !holds(sender, &self.static_secret, &self.proofs[1])
        {
            return Err(unjustified);
        }
        let channel = Channel {
            ephemeral_secret: &self.ephemeral_secret,
            static_secret: &self.static_secret,
            ephemeral: &message.ephemeral,
            sender,
            recipient,
        };
        match open_share(setup, self.accused, message, self.accuser, &channel) {
            Ok(_) => Err(unjustified),
            Err(fault) => Ok(fault),
        }
    }

    /// `accuser ‖ accused ‖ S_e ‖ S_d ‖ proof ‖ proof`.
    pub fn to_bytes(&self) -> [u8; COMPLAINT_BYTES] {
        let mut out = [0; COMPLAINT_BYTES];
        out[0] = self.accuser;
        out[1] = self.accused;
        out[2..35].copy_from_slice(&self.ephemeral_secret.to_bytes());
        out[35..68].copy_from_slice(&self.static_secret.to_bytes());
        out[68..132].copy_from_slice(&self.proofs[0].to_bytes());
        out[132..].copy_from_slice(&self.proofs[1].to_bytes());
        out
    }

    /// Reads the 196 bytes.
    ///
    /// # Errors
    /// [`Error::Length`] or an encoding error.
    pub fn from_bytes(suite: &mifeng_crypto::Suite, bytes: &[u8]) -> Result<Self> {
        if bytes.len() != COMPLAINT_BYTES {
            return Err(Error::Length {
                what: "complaint",
                expected: COMPLAINT_BYTES,
                found: bytes.len(),
            });
        }
        let curve = suite.curve();
        let proof = |at: usize| Proof::from_bytes(curve, &bytes[at..at + PROOF_BYTES]);
        Ok(Self {
            accuser: bytes[0],
            accused: bytes[1],
            ephemeral_secret: Point::from_bytes(curve, &bytes[2..35])?,
            static_secret: Point::from_bytes(curve, &bytes[35..68])?,
            proofs: [proof(68)?, proof(132)?],
        })
    }
}

// Bound to this key generation and to the accused, so a complaint serves nowhere else.
fn label(transcript: &Transcript, accused: u8) -> Vec<u8> {
    let mut out = LABEL.to_vec();
    out.push(0);
    out.extend_from_slice(transcript.hash().as_bytes());
    out.push(accused);
    out
}
