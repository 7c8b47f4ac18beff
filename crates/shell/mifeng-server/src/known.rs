//! Whose certificates count, as the writer last told: looked at by those who take records in, on no writer's time.
//!
//! It decides nothing but the place in the queue: what came a moment ago may recognise somebody whom this does not know
//! yet, and the writer judges every record itself.

use mifeng::crypto::{Digest, Time};
use mifeng::pki::{Certificate, RevocationList};
use mifeng::record::Record;
use mifeng::tender::{Recogniser, Refusal, Trust, rules};
use mifeng::{Error, Host, Store};
use std::sync::Arc;

/// Roots and revocation lists at hand; they only grow.
#[derive(Debug)]
struct AtHand {
    roots: Vec<Certificate>,
    crls: Vec<RevocationList>,
}

/// Who counts.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    recogniser: Recogniser,
    host: Option<Digest>,
    at_hand: Arc<AtHand>,
}

impl Known {
    /// What an engine knows now; `before` lends what has not changed.
    pub(crate) fn of<S: Store>(host: &Host<S>, before: Option<&Known>) -> Self {
        let (state, replay) = (host.state(), host.replay());
        let sizes = (replay.roots.len(), replay.crls.len());
        let same = |one: &&Known| (one.at_hand.roots.len(), one.at_hand.crls.len()) == sizes;
        let at_hand = match before.filter(same) {
            Some(before) => Arc::clone(&before.at_hand),
            None => Arc::new(AtHand {
                roots: replay.roots.clone(),
                crls: replay.crls.clone(),
            }),
        };
        Known {
            recogniser: state.recogniser(),
            host: state.host().map(|(host, _)| *host),
            at_hand,
        }
    }

    /// Whether a record has a place among those that are known: the host's orders too, whoever recognises its certificate.
    pub(crate) fn knows(&self, record: &Record, at: Time) -> bool {
        self.host == Some(record.actor()) || self.recognises(record, at).is_ok()
    }

    /// Whether the tender recognises the signer of a record.
    ///
    /// # Errors
    /// The refusal of a record that nobody would recognise.
    pub(crate) fn recognises(&self, record: &Record, at: Time) -> Result<(), Error> {
        let signer = record.signer();
        let signer =
            signer.ok_or_else(|| Refusal::by(&rules::NOT_AUTHORISED, "no certificate is known"))?;
        let trust = Trust {
            roots: &self.at_hand.roots,
            crls: &self.at_hand.crls,
            responses: None,
        };
        let chain = record.chain();
        Ok(self.recogniser.recognises(signer, chain, at, &trust)?)
    }
}
