//! What all members must agree on, and what follows from it.

use mifeng_crypto::{Digest, Point, Scalar};

use super::message::{Message, open_share};
use super::schnorr::{self, SIGNATURE_BYTES};
use super::seal::{Channel, names};
use super::{Complaint, Setup, StaticKey, evaluate_commitment, index_of};
use crate::board::{Board, SecretShare};
use crate::{Error, Result};

/// The public outcome of round 1: every message parsed, every proof of possession checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    setup: Setup,
    dealers: Vec<Dealer>,
    messages: Vec<Message>,
    bytes: Vec<u8>,
    board: Board,
}

/// One whose message carries shares: every member when a key is made, t old holders when it is handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dealer {
    pub(super) index: u8,
    /// Its static key.
    pub(super) public: Point,
    /// What its polynomial counts: 1, or its Lagrange weight.
    pub(super) weight: Scalar,
}

impl Transcript {
    /// Checks the messages of all members, in order, and derives the board.
    ///
    /// The transcript's extension binds the whole messages, encrypted shares included, so that a share can be
    /// recomputed years later from exactly the bytes that were agreed on.
    ///
    /// # Errors
    /// Names the first member whose message is wrong.
    pub fn build<M: AsRef<[u8]>>(setup: &Setup, messages: &[M]) -> Result<Self> {
        let parts: Vec<&[u8]> = messages.iter().map(AsRef::as_ref).collect();
        let extension = setup.suite.h_tag("dkg-messages", &parts);
        Self::build_with_extension(setup, messages, extension.as_bytes())
    }

    pub(crate) fn build_with_extension<M: AsRef<[u8]>>(
        setup: &Setup,
        messages: &[M],
        extension: &[u8],
    ) -> Result<Self> {
        if messages.len() != setup.members.len() {
            return Err(Error::Board {
                what: "one message of every member is needed",
            });
        }
        let one = Scalar::from_u64(setup.suite.curve(), 1);
        let member = |(position, public): (usize, &Point)| Dealer {
            index: index_of(position),
            public: public.clone(),
            weight: one.clone(),
        };
        let dealers: Vec<Dealer> = setup.members.iter().enumerate().map(member).collect();
        let messages = parse(setup, &dealers, messages)?;
        refuse_copies(&dealers, &messages)?;
        let (public, share_keys) = derive(setup, &dealers, &messages)?;
        let board = Board::new(setup.suite, setup.threshold, public, share_keys)?;
        let bytes = encode(setup, &messages, extension);
        Ok(Self {
            setup: setup.clone(),
            dealers,
            messages,
            bytes,
            board,
        })
    }

    /// The messages by which t holders hand `old`'s key on; see [`super::Reshare`].
    pub(super) fn handing_on<M: AsRef<[u8]>>(
        old: &Board,
        setup: &Setup,
        dealers: Vec<Dealer>,
        messages: &[M],
    ) -> Result<Self> {
        if messages.len() != dealers.len() {
            return Err(Error::Board {
                what: "one message of every dealer is needed",
            });
        }
        let holding = old.holding();
        let mut parts: Vec<&[u8]> = vec![holding.as_bytes()];
        parts.extend(messages.iter().map(AsRef::as_ref));
        let extension = setup.suite.h_tag("dkg-handed-on", &parts);
        let messages = parse(setup, &dealers, messages)?;
        for (dealer, message) in dealers.iter().zip(&messages) {
            message.require_dealt(dealer.index, old.share_key(dealer.index)?)?;
        }
        refuse_copies(&dealers, &messages)?;
        let (_, share_keys) = derive(setup, &dealers, &messages)?;
        // Refuses share keys that do not belong to the old public key.
        let board = old.handed_on(setup.threshold, share_keys)?;
        let bytes = encode(setup, &messages, extension.as_bytes());
        Ok(Self {
            setup: setup.clone(),
            dealers,
            messages,
            bytes,
            board,
        })
    }

    /// The board this transcript makes. Trust it only with the signatures of all members ([`Transcript::finish`]).
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// What was agreed on before.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The canonical transcript T that members sign.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of T, which each member's CA signing certificate signs.
    pub fn hash(&self) -> Digest {
        self.setup.suite.hash().digest(&self.bytes)
    }

    /// Round 2, and recovery at any later time: this member's secret share, every part of it checked.
    ///
    /// # Errors
    /// Names the member who sent a wrong part; [`Transcript::complain`] proves it to others.
    pub fn share(&self, key: &StaticKey) -> Result<SecretShare> {
        let index = self.setup.index_of(key)?;
        let mut sum = Scalar::from_u64(self.setup.suite.curve(), 0);
        for (dealer, message) in self.dealers.iter().zip(&self.messages) {
            let part = self.part_from(dealer, message, key, index)?;
            sum = sum.add(&part.mul(&dealer.weight));
        }
        SecretShare::new(&self.board, index, sum)
    }

    fn part_from(
        &self,
        dealer: &Dealer,
        message: &Message,
        key: &StaticKey,
        index: u8,
    ) -> Result<Scalar> {
        let channel = Channel {
            ephemeral_secret: &message.ephemeral.mul(&key.secret),
            static_secret: &dealer.public.mul(&key.secret),
            ephemeral: &message.ephemeral,
            sender: &dealer.public,
            recipient: &key.public,
        };
        open_share(&self.setup, dealer.index, message, index, &channel)
    }

    /// Round 3: this member's signature over T. Holding `share` shows that round 2 succeeded.
    ///
    /// # Errors
    /// When the share is not this member's share of this board.
    pub fn sign(&self, key: &StaticKey, share: &SecretShare) -> Result<[u8; SIGNATURE_BYTES]> {
        if !share.is_of(&self.board) || share.index() != self.setup.index_of(key)? {
            return Err(Error::OtherBoard);
        }
        schnorr::sign(self.setup.suite, &key.secret, &self.bytes)
    }

    /// The board, once every member has signed.
    ///
    /// # Errors
    /// [`Error::DkgSignature`] names the first member whose signature does not verify.
    pub fn finish<S: AsRef<[u8]>>(&self, signatures: &[S]) -> Result<Board> {
        if signatures.len() != self.setup.members.len() {
            return Err(Error::Board {
                what: "one signature of every member is needed",
            });
        }
        for (position, (public, signature)) in self.setup.members.iter().zip(signatures).enumerate()
        {
            if !schnorr::verify(self.setup.suite, public, &self.bytes, signature.as_ref()) {
                return Err(Error::DkgSignature {
                    culprit: index_of(position),
                });
            }
        }
        Ok(self.board.clone())
    }

    /// Proof for everyone that `sender` sent this member a wrong share; see [`Complaint`].
    ///
    /// # Errors
    /// [`Error::DkgComplaint`] when the share is right.
    pub fn complain(
        &self,
        key: &StaticKey,
        sender: u8,
        entropy: &mut dyn mifeng_crypto::Entropy,
    ) -> Result<Complaint> {
        Complaint::make(self, key, sender, entropy)
    }

    /// What a dealer sent, and its static key.
    pub(super) fn message(&self, sender: u8) -> Result<(&Message, &Point)> {
        let mut sent = self.dealers.iter().zip(&self.messages);
        sent.find(|(dealer, _)| dealer.index == sender)
            .map(|(dealer, message)| (message, &dealer.public))
            .ok_or(Error::ShareIndex {
                index: sender,
                n: self.board.members(),
            })
    }

    /// The static key of a member who receives shares.
    pub(super) fn recipient(&self, index: u8) -> Result<&Point> {
        let position = usize::from(index).wrapping_sub(1);
        self.setup.members.get(position).ok_or(Error::ShareIndex {
            index,
            n: self.board.members(),
        })
    }
}

fn parse<M: AsRef<[u8]>>(
    setup: &Setup,
    dealers: &[Dealer],
    messages: &[M],
) -> Result<Vec<Message>> {
    dealers
        .iter()
        .zip(messages)
        .map(|(dealer, bytes)| Message::parse(setup, dealer.index, bytes.as_ref()))
        .collect()
}

// A proof of possession does not say whose it is, so a copied one would pass. Which of two is the copy nobody can see
// here: it is the one whose shares do not open.
fn refuse_copies(dealers: &[Dealer], messages: &[Message]) -> Result<()> {
    for (later, message) in messages.iter().enumerate() {
        let mut earlier = messages[..later].iter();
        if let Some(first) = earlier.position(|earlier| earlier.shares_with(message)) {
            return Err(Error::DkgCopied {
                first: dealers[first].index,
                second: dealers[later].index,
            });
        }
    }
    Ok(())
}

/// Checks a message by itself and beside those of others that came before it.
pub(super) fn admit<M: AsRef<[u8]>>(
    setup: &Setup,
    index: u8,
    message: &[u8],
    earlier: &[(u8, M)],
) -> Result<()> {
    let message = Message::parse(setup, index, message)?;
    for (first, other) in earlier {
        if Message::parse(setup, *first, other.as_ref())?.shares_with(&message) {
            return Err(Error::DkgCopied {
                first: *first,
                second: index,
            });
        }
    }
    Ok(())
}

/// The public key and the share keys of the weighted sum of the dealers' polynomials.
fn derive(setup: &Setup, dealers: &[Dealer], messages: &[Message]) -> Result<(Point, Vec<Point>)> {
    let sums: Vec<Point> = (0..usize::from(setup.threshold))
        .map(|k| {
            let terms: Vec<(&Scalar, &Point)> = dealers
                .iter()
                .zip(messages)
                .map(|(dealer, m)| (&dealer.weight, &m.commitment[k]))
                .collect();
            Point::lincomb_vartime(&terms)
        })
        .collect();
    let share_keys = (0..setup.members.len())
        .map(|position| evaluate_commitment(&sums, index_of(position)))
        .collect::<Result<Vec<_>>>()?;
    let public = sums
        .into_iter()
        .next()
        .ok_or(Error::Malformed { what: "commitment" })?;
    Ok((public, share_keys))
}

// "Round 3: Certification", step 1 of the specification.
fn encode(setup: &Setup, messages: &[Message], extension: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let framed = |out: &mut Vec<u8>, bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    framed(&mut out, names(setup.suite).id.as_bytes());
    framed(&mut out, setup.context.as_bytes());
    out.extend_from_slice(&(setup.members.len() as u32).to_le_bytes());
    out.extend_from_slice(&u32::from(setup.threshold).to_le_bytes());
    setup
        .members
        .iter()
        .for_each(|p| out.extend_from_slice(&p.to_bytes()));
    messages
        .iter()
        .flat_map(|m| &m.commitment)
        .for_each(|p| out.extend_from_slice(&p.to_bytes()));
    messages
        .iter()
        .for_each(|m| out.extend_from_slice(&m.proof));
    messages
        .iter()
        .for_each(|m| out.extend_from_slice(&m.ephemeral.to_bytes()));
    framed(&mut out, extension);
    out
}
