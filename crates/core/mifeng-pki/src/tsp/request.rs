//! TimeStampReq: what an authority is asked (RFC 3161 section 2.4.1).

use super::{Imprint, NUMBER_LEN_MAX, WHAT, limit, number, rule};
use crate::Error;
use crate::asn1::{Reader, tag, write};
use crate::oid::Oid;
use mifeng_crypto::{Digest, HashAlg};

/// A request for a stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    imprint: Imprint,
    policy: Option<Oid>,
    /// Content octets of the INTEGER.
    nonce: Option<Vec<u8>>,
    wants_certificate: bool,
}

/// Why a request cannot be answered, in the words of PKIFailureInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// badAlg: a hash that is not taken.
    BadAlgorithm = 0,
    /// badRequest: the request is not one.
    BadRequest = 2,
    /// badDataFormat: the bytes are not DER of a request.
    BadDataFormat = 5,
    /// timeNotAvailable: the clock cannot be trusted now.
    TimeNotAvailable = 14,
    /// unacceptedPolicy: another policy was asked for.
    UnacceptedPolicy = 15,
    /// unacceptedExtension: extensions are not taken.
    UnacceptedExtension = 16,
    /// addInfoNotAvailable.
    AddInfoNotAvailable = 17,
    /// systemFailure: the key holder failed.
    SystemFailure = 25,
}

impl Failure {
    pub(super) const ALL: [Failure; 8] = [
        Failure::BadAlgorithm,
        Failure::BadRequest,
        Failure::BadDataFormat,
        Failure::TimeNotAvailable,
        Failure::UnacceptedPolicy,
        Failure::UnacceptedExtension,
        Failure::AddInfoNotAvailable,
        Failure::SystemFailure,
    ];

    /// The rule in words.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Failure::BadAlgorithm => "hash of the request is not taken",
            Failure::BadRequest => "request is not permitted",
            Failure::BadDataFormat => "request is not a TimeStampReq in DER",
            Failure::TimeNotAvailable => "no trusted time at the authority",
            Failure::UnacceptedPolicy => "policy of the request is not offered",
            Failure::UnacceptedExtension => "extensions of the request are not taken",
            Failure::AddInfoNotAvailable => "additional information is not available",
            Failure::SystemFailure => "authority has failed",
        }
    }
}

impl Request {
    /// Asks for a stamp on `digest`, with the authority's certificate in the answer.
    #[must_use]
    pub fn new(digest: Digest, alg: HashAlg, nonce: Option<u64>) -> Self {
        let octets = |n: u64| write::small(n)[2..].to_vec();
        Request {
            imprint: Imprint::new(digest, alg),
            policy: None,
            nonce: nonce.map(octets),
            wants_certificate: true,
        }
    }

    /// Asks for a stamp on any imprint, with the authority's certificate in the answer.
    #[must_use]
    pub fn for_imprint(imprint: Imprint) -> Self {
        Request {
            imprint,
            policy: None,
            nonce: None,
            wants_certificate: true,
        }
    }

    /// The same, with a nonce of up to 32 bytes: an unsigned number, big-endian.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn with_nonce(mut self, nonce: &[u8]) -> Result<Self, Error> {
        if nonce.len() >= NUMBER_LEN_MAX {
            return Err(Error::TooLarge {
                what: "nonce",
                found: nonce.len(),
                max: NUMBER_LEN_MAX - 1,
            });
        }
        self.nonce = Some(write::integer(nonce)[2..].to_vec());
        Ok(self)
    }

    /// The same, under this policy, a dotted object identifier.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is none.
    pub fn with_policy(mut self, policy: &str) -> Result<Self, Error> {
        self.policy = Some(Oid::new(policy).map_err(|_| Error::Malformed { what: "policy" })?);
        Ok(self)
    }

    /// The same, without the authority's certificate in the answer.
    #[must_use]
    pub fn without_certificate(mut self) -> Self {
        self.wants_certificate = false;
        self
    }

    /// What is to be stamped.
    #[must_use]
    pub fn imprint(&self) -> &Imprint {
        &self.imprint
    }
    /// The policy asked for, dotted.
    #[must_use]
    pub fn policy(&self) -> Option<String> {
        self.policy.map(|policy| policy.to_string())
    }
    /// The nonce: content octets of the INTEGER, big-endian with a sign octet where needed.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }
    /// Whether the answer is to carry the authority's certificate.
    #[must_use]
    pub fn wants_certificate(&self) -> bool {
        self.wants_certificate
    }
    pub(super) fn policy_oid(&self) -> Option<Oid> {
        self.policy
    }

    /// TimeStampReq in DER, for `application/timestamp-query`.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let flag: &[u8] = match self.wants_certificate {
            true => &[tag::BOOLEAN, 1, 0xff],
            // FALSE is the DEFAULT, so DER leaves it out.
            false => &[],
        };
        let nonce = self.nonce.as_ref().map(|n| write::tlv(tag::INTEGER, &[n]));
        write::seq(&[
            &write::small(1),
            &self.imprint.to_der(),
            &self.policy.map(write::oid).unwrap_or_default(),
            &nonce.unwrap_or_default(),
            flag,
        ])
    }

    /// Reads a TimeStampReq. Extensions are refused: an authority that does not know them must
    /// (RFC 3161 section 2.4.1).
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::TimeStamp`] for a hash that is not taken
    /// or for extensions.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        Self::read(der).map_err(|(_, error)| error)
    }

    /// As [`Request::parse`], with the failure to answer.
    pub(super) fn read(der: &[u8]) -> Result<Self, (Failure, Error)> {
        let format = |error| (Failure::BadDataFormat, error);
        let refused = |failure: Failure| (failure, rule(failure.rule()));
        let mut top = Reader::new(limit(der).map_err(format)?, WHAT);
        let mut input = top.enter(tag::SEQUENCE).map_err(format)?;
        top.finish().map_err(format)?;
        if input.small().map_err(format)? != 1 {
            return Err(refused(Failure::BadRequest));
        }
        let imprint = Imprint::read(&mut input).map_err(format)?;
        let imprint = imprint.ok_or(refused(Failure::BadAlgorithm))?;
        let policy = match input.peek() {
            Some(tag::OID) => Some(input.oid().map_err(format)?),
            _ => None,
        };
        let nonce = match input.peek() {
            Some(tag::INTEGER) => Some(number(&mut input).map_err(format)?.to_vec()),
            _ => None,
        };
        let wants_certificate = match input.peek() {
            Some(tag::BOOLEAN) => match input.value(tag::BOOLEAN).map_err(format)? {
                [0xff] => true,
                // Explicit FALSE is not DER but is met.
                [0] => false,
                _ => return Err(format(input.wrong())),
            },
            _ => false,
        };
        if input.peek() == Some(0xa0) {
            return Err(refused(Failure::UnacceptedExtension));
        }
        input.finish().map_err(format)?;
        Ok(Request {
            imprint,
            policy,
            nonce,
            wants_certificate,
        })
    }
}
