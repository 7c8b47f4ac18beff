//! OCSP answers that are verified once, when somebody takes them, and known from then on.

use super::rules::{Place, broken, check_one};
use super::search::{Quest, Search};
use super::{Anchors, Material, Policy, Purpose};
use crate::ocsp::{OcspAnswer, OcspStatus};
use crate::{Certificate, Error, OcspResponse, RevocationList};
use mifeng_crypto::{Suite, Time};
use std::sync::Arc;

/// CA certificates above a certificate that is answered for, without the root: a path has eight with both.
pub const ANSWER_CHAIN_MAX: usize = 6;
/// CRLReason certificateHold: the only one that ends (RFC 5280 section 5.3.1).
const HOLD: u8 = 6;

/// What an OCSP response says about one certificate, with its signer judged at the instant at which it was taken.
///
/// A responder's certificate is short-lived. What it said in its time stays said: neither its end nor what becomes of it
/// later makes a revocation be forgotten, or a signer be refused. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifiedAnswer(Arc<Known>);

#[derive(Debug)]
struct Known {
    response: OcspResponse,
    answer: OcspAnswer,
    counts_from: Time,
}

impl VerifiedAnswer {
    /// Verifies a response with one answer, taken at `at`: signed by the issuer of the certificate that it is about, or by
    /// a responder of that, whose certificate comes with it. `chain` leads from that issuer up to one of `anchors`, which
    /// is not in it; it is empty where an anchor is the issuer.
    ///
    /// # Errors
    /// [`Error::Ocsp`] for another number of answers, one that says nothing, or one about no certificate of that issuer;
    /// [`Error::StaleRevocation`] if it says good and had ended; what is wrong with signature, responder or chain.
    pub fn verify(
        response: &OcspResponse,
        chain: &[Certificate],
        anchors: &Anchors,
        crls: &[RevocationList],
        at: Time,
        suite: &'static Suite,
    ) -> Result<Self, Error> {
        let [answer] = response.answers() else {
            return Err(rule("other than one answer"));
        };
        if chain.len() > ANSWER_CHAIN_MAX {
            return Err(Error::TooLarge {
                what: "certificates above",
                found: chain.len(),
                max: ANSWER_CHAIN_MAX,
            });
        }
        let policy = Policy::new(Purpose::CertificateAuthority, suite);
        let material = Material {
            intermediates: chain,
            crls,
            ..Material::default()
        };
        let mut search = Search::new(&material, anchors.certificates(), &policy)?;
        let quest = Quest::new(at, &policy, anchors.certificates(), &[]);
        let issuer = search.says(response, answer, chain, &quest)?;
        match answer.status {
            OcspStatus::Unknown => return Err(rule("the responder does not know the certificate")),
            OcspStatus::Good if !answer.speaks_at(at) => {
                return Err(Error::StaleRevocation {
                    issuer: issuer.subject_name(),
                    next_update: answer.ends(),
                    at,
                });
            }
            _ => {}
        }
        let made = response.produced_at().max(answer.this_update);
        Ok(VerifiedAnswer(Arc::new(Known {
            response: response.clone(),
            answer: answer.clone(),
            counts_from: made.max(at),
        })))
    }

    /// From when on it is consulted: when it was taken, or made, if that is later.
    pub fn counts_from(&self) -> Time {
        self.0.counts_from
    }
    /// What it says.
    pub fn answer(&self) -> &OcspAnswer {
        &self.0.answer
    }
    /// Names the certificate: the CertID in DER. Responders repeat that of the request, so one certificate may have
    /// several, one for each hash.
    pub fn certificate_id(&self) -> Vec<u8> {
        self.0.answer.certificate_id()
    }
    /// Whether it says revoked, and not merely put on hold: nothing ends that.
    pub fn is_final(&self) -> bool {
        matches!(&self.0.answer.status, OcspStatus::Revoked(entry) if entry.reason != HOLD)
    }
    pub(super) fn response(&self) -> &OcspResponse {
        &self.0.response
    }
}

impl Search<'_> {
    /// The issuer of what is answered for, if under one of the anchors the path above it and the response both hold. A
    /// renewed root has the name and the key of the old one: both may hold, and the responder's certificate under one only.
    fn says(
        &mut self,
        response: &OcspResponse,
        answer: &OcspAnswer,
        chain: &[Certificate],
        quest: &Quest<'_>,
    ) -> Result<Certificate, Error> {
        let mut reason = rule("about no certificate of a CA under a root that counts");
        for anchor in quest.anchors {
            let leads_there = |top: &Certificate| top.issuer() == anchor.subject();
            if !answer.is_of(chain.first().unwrap_or(anchor))
                || !chain.last().is_none_or(leads_there)
                || chain.contains(anchor)
            {
                continue;
            }
            let path: Vec<Certificate> = chain.iter().chain([anchor]).cloned().collect();
            match self.says_under(response, &path, quest) {
                Ok(()) => return Ok(path[0].clone()),
                Err(stop @ Error::Budget { .. }) => return Err(stop),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn says_under(
        &mut self,
        response: &OcspResponse,
        path: &[Certificate],
        quest: &Quest<'_>,
    ) -> Result<(), Error> {
        self.issues(path, quest)?;
        match self.response_is_signed(response, None, path, quest, &mut Vec::new())? {
            true => Ok(()),
            false => Err(rule("signed by nobody who can be judged without it")),
        }
    }

    /// Whether `path`, from an issuer to an anchor, holds. Revocation is judged where the answer is used: with the path of
    /// the certificate that it is about.
    fn issues(&mut self, path: &[Certificate], quest: &Quest<'_>) -> Result<(), Error> {
        let issuer = &path[0];
        let place = |at: usize| match at + 1 == path.len() {
            true => Place::Anchor,
            false => Place::Between,
        };
        check_one(issuer, quest.at, place(0), quest.policy)?;
        let usage = issuer.key_usage();
        if !issuer.is_ca() || usage.is_some_and(|usage| !usage.signs_certificates()) {
            return Err(broken(issuer, "may not issue"));
        }
        for (at, pair) in path.windows(2).enumerate() {
            if pair[1].subject() != pair[0].issuer() {
                return Err(broken(&pair[0], "not issued by the next one"));
            }
            self.link(&pair[0], &pair[1], place(at + 1), quest)?;
        }
        super::chain::check_chain(path, quest.policy).map(drop)
    }
}

fn rule(rule: &'static str) -> Error {
    Error::Ocsp { rule }
}
