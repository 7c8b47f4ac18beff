//! Handing a board's key on: new shares, the same key.
//!
//! Verifiable secret redistribution of Wong, Wang and Wing (*Verifiable Secret Redistribution for Archive Systems*,
//! IEEE Security in Storage Workshop 2002) over Desmedt and Jajodia's redistribution: exactly t old holders each
//! deal their own share with a new polynomial whose first commitment must be their old share key; a new share is
//! the Lagrange-weighted sum of what was dealt. Messages, proofs of possession, encryption, signatures and
//! complaints are those of key generation.
//!
//! *Replacement*: the new members are others. *Refresh* (Herzberg, Jarecki, Krawczyk and Yung, CRYPTO 1995): they
//! are the same people with **new static keys**, and the old static keys are destroyed; a static key opens what was
//! sent to it for ever, so a refresh that kept it would refresh nothing. Old shares remain good for whoever has t
//! of them: that the old static keys are gone is the old holders' word. Normative text: `spec/board.md`.

use mifeng_crypto::{Entropy, Point, Scalar};

use super::transcript::Dealer;
use super::{Setup, StaticKey, Transcript, message, transcript};
use crate::board::{Board, SecretShare};
use crate::share::lagrange;
use crate::{Error, Result};

/// Who hands a key on to whom: agreed on before the first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshare {
    old: Board,
    dealers: Vec<Dealer>,
    setup: Setup,
}

impl Reshare {
    /// `dealers` are exactly t old holders with their old static keys, by index; `members` the new holders' static
    /// keys, of whom `threshold` will open. `session` must never be used for two.
    ///
    /// # Errors
    /// [`Error::TooFewShares`] or [`Error::Board`] for another number of dealers, [`Error::DuplicateShare`],
    /// [`Error::ShareIndex`]; those of [`Setup::new`].
    pub fn new(
        old: &Board,
        dealers: &[(u8, Point)],
        threshold: u8,
        members: Vec<Point>,
        session: &[u8],
    ) -> Result<Self> {
        let t = usize::from(old.threshold());
        if dealers.len() < t {
            return Err(Error::TooFewShares {
                need: old.threshold(),
                found: dealers.len(),
            });
        }
        if dealers.len() > t {
            return Err(Error::Board {
                what: "exactly as many dealers as the threshold",
            });
        }
        let mut dealers = dealers.to_vec();
        dealers.sort_by_key(|(index, _)| *index);
        if let Some(pair) = dealers.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::DuplicateShare { index: pair[0].0 });
        }
        for (index, _) in &dealers {
            old.share_key(*index)?;
        }
        let suite = old.suite();
        let indices: Vec<u8> = dealers.iter().map(|(index, _)| *index).collect();
        let weights = lagrange(suite.curve(), &indices, 0)?;
        // The plain session would let messages of one resharing serve in another of the same name.
        let keys: Vec<[u8; 33]> = dealers.iter().map(|(_, key)| key.to_bytes()).collect();
        let holding = old.holding();
        let mut parts: Vec<&[u8]> = vec![holding.as_bytes(), session, &indices];
        parts.extend(keys.iter().map(<[u8; 33]>::as_slice));
        let bound = suite.h_tag("dkg-reshare", &parts);
        if session.is_empty() {
            return Err(Error::Malformed {
                what: "session name",
            });
        }
        let setup = Setup::new(suite, threshold, members, bound.as_bytes())?;
        let dealers = dealers
            .into_iter()
            .zip(weights)
            .map(|((index, public), weight)| Dealer {
                index,
                public,
                weight,
            })
            .collect();
        Ok(Self {
            old: old.clone(),
            dealers,
            setup,
        })
    }

    /// What the new members agree on.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A dealer's message for the log, from its static key and its share as the key is held now.
    ///
    /// # Errors
    /// [`Error::NotAMember`] for one who does not deal, [`Error::OtherBoard`] for a share of another holding, or a
    /// failing entropy source.
    pub fn deal(
        &self,
        key: &StaticKey,
        share: &SecretShare,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>> {
        if !share.is_of(&self.old) {
            return Err(Error::OtherBoard);
        }
        let mut dealers = self.dealers.iter();
        if !dealers.any(|d| d.index == share.index() && d.public == key.public) {
            return Err(Error::NotAMember);
        }
        let curve = self.old.suite().curve();
        let mut coefficients = vec![share.scalar().clone()];
        for _ in 1..self.setup.threshold {
            coefficients.push(Scalar::random(curve, entropy)?);
        }
        let ephemeral = Scalar::random(curve, entropy)?;
        message::write(&self.setup, key, &coefficients, &ephemeral)
    }

    /// Checks one dealer's message beside those of dealers that came before it, so that a wrong one never stands in
    /// the log.
    ///
    /// # Errors
    /// Names the dealer; [`Error::DkgCopied`] names both.
    pub fn check<M: AsRef<[u8]>>(
        &self,
        dealer: u8,
        message: &[u8],
        earlier: &[(u8, M)],
    ) -> Result<()> {
        let read = message::Message::parse(&self.setup, dealer, message)?;
        // A copy of another dealer's message is known by this already.
        read.require_dealt(dealer, self.old.share_key(dealer)?)?;
        transcript::admit(&self.setup, dealer, message, earlier)
    }

    /// Checks the dealers' messages, in the order of their indices, and derives the board in its new hands: its key
    /// and name are the old ones. New members go on as after key generation: [`Transcript::share`],
    /// [`Transcript::sign`], [`Transcript::finish`], or [`Transcript::complain`].
    ///
    /// # Errors
    /// Names the first dealer whose message is wrong.
    pub fn transcript<M: AsRef<[u8]>>(&self, messages: &[M]) -> Result<Transcript> {
        Transcript::handing_on(&self.old, &self.setup, self.dealers.clone(), messages)
    }
}
