//! Revocation lists and OCSP answers that come in while a tender runs, and time stamps, which they must not undo.

use super::Host;
use super::export::{assemble, evidence};
use crate::bundle::Assembly;
use crate::store::Store;
use crate::trustee::{stamp, stamps};
use crate::{Error, Replay, encode_base64, layout};
use mifeng_crypto::{Digest, Entropy, Time};
use mifeng_log::Note;
use mifeng_pki::trust::TrustVersion;
use mifeng_pki::{
    ANSWER_CHAIN_MAX, Certificate, OcspAnswer, OcspResponse, OcspStatus, RevocationList, tsp,
};
use mifeng_record::{Record, SignedRecord};
use mifeng_tender::{CrlTake, OcspTake, Refusal, Trust, rules};
use std::collections::BTreeSet;

impl<S: Store> Host<S> {
    /// Adds a revocation list, which is evidence from now on.
    ///
    /// # Errors
    /// [`Error::Pki`] if it is none; [`Error::Failed`] if it is an older issue than one that is held, or would undo a
    /// stored time stamp (then it must come by record); [`Error::Unavailable`] if the store failed.
    pub fn add_crl(&mut self, der: &[u8]) -> Result<(), Error> {
        self.require_not_archived()?;
        let list = RevocationList::parse(der)?;
        self.check_crl(der)?;
        self.put(&layout::crl(&self.suite().hash().digest(der)), der)?;
        self.replay.crls.push(list);
        Ok(())
    }

    /// As [`Host::add_crl`] where the list undoes nothing that was accepted; else takes it in by a record of its
    /// own, from which on it counts. The instant from which it counts, if a record says so.
    ///
    /// # Errors
    /// As [`Host::add_crl`]; [`Error::Unavailable`] before the notice, if the list would undo something.
    pub fn take_crl(
        &mut self,
        der: &[u8],
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Time>, Error> {
        let refused = match self.add_crl(der) {
            Ok(()) => return Ok(None),
            Err(e @ (Error::Failed { .. } | Error::Unavailable { .. })) => e,
            Err(e) => return Err(e),
        };
        if self.replay.state.notice().is_none() {
            return Err(refused);
        }
        let list = RevocationList::parse(der)?;
        self.check_stamps_with(&list, now)?;
        let hash = self.suite().hash().digest(der);
        let record = self.draft("crl.take", &CrlTake { list: hash }, now, entropy)?;
        // The file before the record that names it; without one it counts for nothing.
        self.put(&layout::crl_taken(&hash), der)?;
        self.replay.expect_list(hash, list);
        self.submit(record, None, now)?;
        Ok(self.replay.state.crls_taken().get(&hash).copied())
    }

    /// Takes in what an OCSP responder said about one certificate, by a record from which on it counts; the instant.
    ///
    /// `above`: CA certificates among which are those between that certificate and its root. The host's own need not be
    /// given.
    ///
    /// # Errors
    /// [`Error::Pki`] if it is no response; [`Error::Refused`] before the notice, where spec/events.md refuses it, and if it
    /// revokes the host's own certificate;
    /// [`Error::Unavailable`] if it could undo a time stamp of a clock that is ahead, or the store failed.
    pub fn take_ocsp(
        &mut self,
        der: &[u8],
        above: &[Certificate],
        now: Time,
        entropy: &mut dyn Entropy,
    ) -> Result<Time, Error> {
        self.require_not_archived()?;
        if self.replay.state.notice().is_none() {
            let detail = "an OCSP answer is recorded between the notice and the archive";
            return Err(Refusal::by(&rules::WRONG_STAGE, detail).into());
        }
        let response = OcspResponse::parse(der)?;
        let chain = self.chain_above(&response, above)?;
        self.check_not_own(&response, &chain)?;
        self.check_stamps_ahead(&response, now)?;
        let hash = self.suite().hash().digest(der);
        let data = OcspTake {
            above: chain.iter().map(|ca| encode_base64(ca.der())).collect(),
            response: hash,
        };
        let record = self.draft("ocsp.take", &data, now, entropy)?;
        self.replay.expect_response(hash, Some(der));
        let taken = self.log_answer(record, (&hash, der), now);
        self.replay.expect_response(hash, None);
        taken?;
        let from = self.replay.state.answers_taken().get(&hash);
        Ok(from.copied().unwrap_or(now))
    }

    fn log_answer(
        &mut self,
        record: SignedRecord,
        (hash, der): (&Digest, &[u8]),
        now: Time,
    ) -> Result<(), Error> {
        // Nothing removes a file of the store: what is refused is not put there.
        let verified = Record::verify(record.clone(), self.suite())?;
        let trust = self.replay.trust_with_due();
        self.replay.state.check_answer(&verified, now, &trust)?;
        // The file before the record that names it; without one it counts for nothing.
        self.put(&layout::answer_taken(hash), der)?;
        self.submit(record, None, now)
    }

    /// After it no record of this host would be logged: nothing closes, opens or archives the tender any more.
    fn check_not_own(&self, response: &OcspResponse, chain: &[Certificate]) -> Result<(), Refusal> {
        let own = self.keys.signer.certificate();
        let is_own = |answer: &OcspAnswer| {
            let above = chain.iter().chain(&self.replay.roots);
            above.into_iter().any(|issuer| answer.is_about(own, issuer))
        };
        let revokes = |answer: &OcspAnswer| matches!(answer.status, OcspStatus::Revoked(_));
        match response
            .answers()
            .iter()
            .any(|one| revokes(one) && is_own(one))
        {
            true => {
                let detail =
                    "it revokes this host's own certificate: the tender could not be ended";
                Err(Refusal::by(&rules::BAD_ANSWER, detail))
            }
            false => Ok(()),
        }
    }

    /// The certificates between what is answered for and a root of this tender, by their names; the state verifies them.
    fn chain_above(
        &self,
        response: &OcspResponse,
        given: &[Certificate],
    ) -> Result<Vec<Certificate>, Error> {
        let versions = self.replay.state.trust_lists().into_iter();
        let listed = versions.flat_map(|lists| lists.versions());
        let listed = listed.flat_map(TrustVersion::roots).cloned();
        let roots: Vec<Certificate> = self.replay.roots.iter().cloned().chain(listed).collect();
        let given = [given, self.keys.signer.chain()].concat();
        let found = response.answers().first();
        let found = found.and_then(|answer| climb(answer, &given, &roots));
        found.ok_or_else(|| {
            let detail = "give the certificates of the CA that issued what is answered for";
            Refusal::by(&rules::BAD_ANSWER, detail).into()
        })
    }

    /// A time stamp by the certificate that is answered for, from a clock that is ahead: the answer would count for it.
    fn check_stamps_ahead(&self, response: &OcspResponse, now: Time) -> Result<(), Error> {
        let about = |one: &Certificate| {
            let mut answers = response.answers().iter();
            answers.any(|answer| answer.serial_raw() == one.serial_raw())
        };
        let stored = self.store.list("tsr/").map_err(|e| Error::io("tsr/", &e))?;
        for (name, _) in stored {
            let token = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let stamp = tsp::Stamped::read(&token.unwrap_or_default())?;
            if stamp.gen_time() >= now && stamp.message().certificates().iter().any(about) {
                return Err(Error::Unavailable {
                    what: "OCSP response".to_owned(),
                    detail: format!("{name} is of {}: try again after that", stamp.gen_time()),
                });
            }
        }
        Ok(())
    }

    /// A list that would undo what was accepted, records or time stamps, comes too late to be taken: all of it
    /// must hold with the list too. The next one, issued after those, will be taken.
    fn check_crl(&self, der: &[u8]) -> Result<(), Error> {
        if !self.pending.is_empty() {
            return Err(Error::Unavailable {
                what: "revocation list".to_owned(),
                detail: "records wait for their beat: try again after it".to_owned(),
            });
        }
        let mut assembly = Assembly::new(&self.store);
        let head = self.head()?;
        assemble(
            &mut assembly,
            &self.store,
            &self.replay.entries,
            &self.beats,
            &head,
            true,
            None,
            &evidence(&self.store)?,
        )?;
        assembly.add(layout::crl(&self.suite().hash().digest(der)), der.to_vec());
        stamps(&Replay::of(&assembly)?, &assembly).map(|_| ())
    }

    /// A record is for ever: the stored time stamps must hold with a list that counts from `now`. They do, but for
    /// one whose authority's clock is ahead.
    fn check_stamps_with(&self, list: &RevocationList, now: Time) -> Result<(), Error> {
        let mut crls = self.replay.crls.clone();
        crls.push(list.clone().counting_from(now));
        let trust = Trust {
            crls: &crls,
            ..self.replay.trust()
        };
        let heads = self.head_texts()?;
        let stored = self.store.list("tsr/").map_err(|e| Error::io("tsr/", &e))?;
        for (name, _) in stored {
            let token = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let token = token.unwrap_or_default();
            if let Err(e) = stamp(&token, &heads, &self.replay.state, &trust) {
                return Err(Error::Unavailable {
                    what: "revocation list".to_owned(),
                    detail: format!(
                        "with it {name} would not hold ({e}): try again in a few minutes"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The hashes of the texts of all stored heads: what time stamps are over.
    pub(super) fn head_texts(&self) -> Result<BTreeSet<Digest>, Error> {
        let stored = self.store.list(layout::HEADS);
        let stored = stored.map_err(|e| Error::io(layout::HEADS, &e))?;
        let text = |(name, _): (String, u64)| {
            let note = self.store.read(&name).map_err(|e| Error::io(&*name, &e))?;
            let note = Note::parse(&note.unwrap_or_default())?;
            Ok(self.suite().hash().digest(note.text().as_bytes()))
        };
        stored.into_iter().map(text).collect()
    }
}

/// From the issuer of what is answered for up to below one of `roots`; none where a root is the issuer.
fn climb(
    answer: &OcspAnswer,
    given: &[Certificate],
    roots: &[Certificate],
) -> Option<Vec<Certificate>> {
    if roots.iter().any(|root| answer.is_of(root)) {
        return Some(Vec::new());
    }
    let mut last = given.iter().find(|ca| answer.is_of(ca))?;
    let mut chain = vec![last.clone()];
    while !roots
        .iter()
        .any(|root| root.subject_raw() == last.issuer_raw())
    {
        let above = |ca: &&Certificate| ca.subject_raw() == last.issuer_raw();
        last = given.iter().find(above)?;
        if chain.len() >= ANSWER_CHAIN_MAX {
            return None;
        }
        chain.push(last.clone());
    }
    Some(chain)
}
