//! The issuing side: a small time-stamping authority, for development and closed networks.

use super::{Accuracy, Failure, Request, Response, rule};
use crate::asn1::{tag, write};
use crate::cms::{self, DigestAlg};
use crate::oid::{self, Oid};
use crate::{Error, Signer};
use mifeng_crypto::{HashAlg, KeyAlg, Suite, Time};

/// An authority: a key with a time-stamping certificate, and what it promises.
///
/// It has no clock and no counter: each answer is given its instant and its serial number. The
/// number MUST never repeat (a stored counter, or random with the time in front), also not after
/// a restart.
pub struct TimeStampAuthority<'a> {
    signer: &'a dyn Signer,
    hash: HashAlg,
    policy: Oid,
    accuracy: Option<Accuracy>,
    ordering: bool,
}

/// An answer to be sent, and what to write into the journal.
#[derive(Clone, Debug)]
pub struct Answer {
    /// TimeStampResp in DER, also if the request was refused.
    pub der: Vec<u8>,
    /// What was granted, or why not.
    pub outcome: Result<Request, Error>,
}

impl<'a> TimeStampAuthority<'a> {
    /// An authority that stamps under `policy`, a dotted object identifier.
    ///
    /// # Errors
    /// [`Error::KeyUsage`] unless the certificate is for time stamping alone (RFC 3161 section
    /// 2.3); [`Error::Malformed`] for a policy that is not an object identifier;
    /// [`Error::Message`] for a key without a writer.
    pub fn new(signer: &'a dyn Signer, policy: &str) -> Result<Self, Error> {
        let certificate = signer.certificate();
        let alone = certificate.extended() == [oid::TIME_STAMPING];
        if !alone || !certificate.extended_is_critical() {
            return Err(Error::KeyUsage {
                subject: certificate.subject_name(),
                purpose: "time stamping",
            });
        }
        let hash = match certificate.public_key().key_alg() {
            KeyAlg::Sm2 => HashAlg::Sm3,
            KeyAlg::P256 | KeyAlg::Rsa { .. } => HashAlg::Sha256,
            _ => {
                return Err(Error::Message {
                    rule: "no writer for this signature algorithm",
                });
            }
        };
        Ok(TimeStampAuthority {
            signer,
            hash,
            policy: Oid::new(policy).map_err(|_| Error::Malformed { what: "policy" })?,
            accuracy: None,
            ordering: false,
        })
    }

    /// The same, with a stated accuracy of its clock.
    #[must_use]
    pub fn with_accuracy(mut self, accuracy: Accuracy) -> Self {
        self.accuracy = Some(accuracy);
        self
    }

    /// The same, with the promise that a later stamp never has an earlier or equal instant. The
    /// caller has to keep it.
    #[must_use]
    pub fn with_ordering(mut self) -> Self {
        self.ordering = true;
        self
    }

    /// Answers the bytes of a request: always with a TimeStampResp.
    ///
    /// # Errors
    /// Inside [`Answer::outcome`]: what the request breaks, or what the key holder says.
    #[must_use]
    pub fn answer(&self, request: &[u8], serial: u64, gen_time: Time) -> Answer {
        let stamped = Request::read(request).and_then(|request| {
            let token = self.check(&request).and_then(|()| {
                let token = self.token(&request, serial, gen_time);
                token.map_err(|error| (Failure::SystemFailure, error))
            })?;
            Ok((request, token))
        });
        match stamped {
            Ok((request, token)) => Answer {
                der: Response::granted(token).to_der(),
                outcome: Ok(request),
            },
            Err((failure, error)) => Answer {
                der: Response::refused(failure).to_der(),
                outcome: Err(error),
            },
        }
    }

    /// The token for a request.
    ///
    /// # Errors
    /// [`Error::TimeStamp`] for a hash of the other suite or another policy; what the signer says.
    pub fn stamp(&self, request: &Request, serial: u64, gen_time: Time) -> Result<Vec<u8>, Error> {
        self.check(request).map_err(|(_, error)| error)?;
        self.token(request, serial, gen_time)
    }

    fn check(&self, request: &Request) -> Result<(), (Failure, Error)> {
        let refused = |failure: Failure| Err((failure, rule(failure.rule())));
        let gm = request.imprint().alg() == DigestAlg::Sm3;
        if gm != (self.hash == HashAlg::Sm3) {
            return refused(Failure::BadAlgorithm);
        }
        if request
            .policy_oid()
            .is_some_and(|wanted| wanted != self.policy)
        {
            return refused(Failure::UnacceptedPolicy);
        }
        Ok(())
    }

    fn token(&self, request: &Request, serial: u64, gen_time: Time) -> Result<Vec<u8>, Error> {
        let accuracy = self.accuracy.map(Accuracy::to_der).unwrap_or_default();
        let ordering: &[u8] = match self.ordering {
            true => &[tag::BOOLEAN, 1, 0xff],
            false => &[],
        };
        let nonce = request.nonce().map(|n| write::tlv(tag::INTEGER, &[n]));
        let info = write::seq(&[
            &write::small(1),
            &write::oid(self.policy),
            &request.imprint().to_der(),
            &write::small(serial),
            &write::generalized(gen_time),
            &accuracy,
            ordering,
            &nonce.unwrap_or_default(),
        ]);
        // Tokens carry the RFC 5652 identifiers in both suites, as RFC 3161 software expects.
        let profile = cms::Profile::Rfc5652;
        cms::build(
            self.signer,
            profile,
            oid::TST_INFO,
            &info,
            gen_time,
            request.wants_certificate(),
        )
    }
}

/// Answers a request as a small time-stamping authority: the token.
///
/// `policy` is a dotted object identifier; `serial` must never repeat; `gen_time` is the
/// authority's clock.
///
/// # Errors
/// As [`TimeStampAuthority::new`] and [`TimeStampAuthority::stamp`].
pub fn respond(
    signer: &dyn Signer,
    policy: &str,
    serial: u64,
    gen_time: Time,
    request: &Request,
) -> Result<Vec<u8>, Error> {
    TimeStampAuthority::new(signer, policy)?.stamp(request, serial, gen_time)
}

/// Which suite the stamps of a hash belong to.
#[must_use]
pub fn suite_of(alg: DigestAlg) -> &'static Suite {
    match alg {
        DigestAlg::Sm3 => &mifeng_crypto::GM,
        _ => &mifeng_crypto::INTL,
    }
}
