//! The public keys that a receipt is checked with, apart from any bundle.

use crate::{Error, Replay, decode_base64, encode_base64};
use mifeng_crypto::{Digest, Suite, jcs};
use mifeng_log::{CosignVerifier, NoteVerifier, Quorum};
use mifeng_pki::{Anchors, Certificate, RevocationList};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A key file holds at most fifteen witnesses and a few roots.
const KEYS_LEN_MAX: usize = 1 << 20;
/// A board has at most fifteen members (board.md).
const WITNESSES_MAX: usize = 15;
/// Roots of time-stamping authorities: a trust list has fewer CAs than that.
const ROOTS_MAX: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u64,
    suite: String,
    origin: String,
    /// Fingerprint of the host's certificate.
    host: Digest,
    /// Verifier key of the authoritative tree.
    log: String,
    quorum: u64,
    witnesses: Vec<String>,
    /// Base64 of the root certificates that are believed for time stamps.
    roots: Vec<String>,
}

/// Public keys of one tender: of its host, its log and its witnesses, and roots for time stamps.
///
/// A bidder takes them from a bundle while there is no dispute, or gets them from whom it trusts.
#[derive(Clone, Debug)]
pub struct TenderKeys {
    suite: &'static Suite,
    origin: String,
    host: Digest,
    log: NoteVerifier,
    quorum: Quorum,
    roots: Vec<Certificate>,
    crls: Vec<RevocationList>,
}

impl TenderKeys {
    /// Those that a bundle names.
    ///
    /// # Errors
    /// [`Error::Failed`] if its log has no configuration.
    pub fn of(replay: &Replay) -> Result<Self, Error> {
        let (host, _) = replay.state.host().ok_or_else(|| Error::Failed {
            check: "receipt",
            code: "log.config",
            detail: "no log.config record".to_owned(),
        })?;
        // Before there is a board nobody cosigns.
        let quorum = match replay.state.board() {
            Some(board) => replay.quorum(board.threshold().into())?,
            None => Quorum::none(),
        };
        let recognised = replay.state.recognised_roots();
        let alg = replay.suite().hash();
        let listed = replay.state.trust_lists().into_iter();
        let listed = listed
            .flat_map(|lists| lists.versions())
            .flat_map(|v| v.roots());
        let roots: BTreeMap<Digest, &Certificate> = replay
            .roots
            .iter()
            .chain(listed)
            .map(|root| (root.fingerprint(alg), root))
            .filter(|(fingerprint, _)| recognised.contains(fingerprint))
            .collect();
        Ok(TenderKeys {
            suite: replay.suite(),
            origin: replay.state.origin().to_owned(),
            host: *host,
            log: replay.log_verifier()?,
            quorum,
            roots: roots.into_values().cloned().collect(),
            crls: replay.crls.clone(),
        })
    }

    /// Reads a key file. Revocation lists are not in it: they belong to a bundle.
    ///
    /// # Errors
    /// [`Error::Crypto`] or [`Error::Malformed`] for what is no such file, [`Error::Log`] and
    /// [`Error::Pki`] for a key in it that is none.
    pub fn from_file(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |detail: String| Error::malformed("public keys", detail);
        let file: File = jcs::from_slice(bytes, KEYS_LEN_MAX)?;
        if file.v != 1 {
            return Err(bad(format!("version {}, expected 1", file.v)));
        }
        if file.witnesses.len() > WITNESSES_MAX || file.roots.len() > ROOTS_MAX {
            return Err(bad("more witnesses or roots than a tender has".to_owned()));
        }
        let suite = Suite::by_id(&file.suite)?;
        let witnesses = file.witnesses.iter();
        let witnesses: Vec<CosignVerifier> = witnesses
            .map(|key| CosignVerifier::parse(key))
            .collect::<Result<_, _>>()?;
        let needed = usize::try_from(file.quorum).unwrap_or(usize::MAX);
        let roots = file.roots.iter().map(|root| {
            let der = decode_base64("root certificate", root)?;
            Ok(Certificate::parse(&der)?)
        });
        Ok(TenderKeys {
            suite,
            origin: file.origin,
            host: file.host,
            log: NoteVerifier::parse(&file.log)?,
            quorum: Quorum::new(witnesses, needed)?,
            roots: roots.collect::<Result<_, Error>>()?,
            crls: Vec::new(),
        })
    }

    /// Writes a key file.
    ///
    /// # Errors
    /// [`Error::Crypto`] never in practice.
    pub fn to_file(&self) -> Result<Vec<u8>, Error> {
        let witnesses = self.quorum.witnesses().iter();
        let roots = self.roots.iter();
        Ok(jcs::to_vec(&File {
            v: 1,
            suite: self.suite.id().to_owned(),
            origin: self.origin.clone(),
            host: self.host,
            log: self.log.key().to_string(),
            quorum: self.quorum.needed() as u64,
            witnesses: witnesses.map(|witness| witness.key().to_string()).collect(),
            roots: roots.map(|root| encode_base64(root.der())).collect(),
        })?)
    }

    /// The suite.
    pub fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Fingerprint of the host's certificate.
    pub(crate) fn host(&self) -> &Digest {
        &self.host
    }

    pub(crate) fn log(&self) -> &NoteVerifier {
        &self.log
    }

    pub(crate) fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::new(self.roots.clone())
    }

    pub(crate) fn crls(&self) -> &[RevocationList] {
        &self.crls
    }
}
