//! TimeStampResp: what an authority answers (RFC 3161 section 2.4.2).

use super::{Failure, TOKEN_LEN_MAX, WHAT, rule};
use crate::Error;
use crate::asn1::{Reader, tag, write};

/// Lines of statusString that are kept.
const TEXTS_MAX: usize = 8;

/// An answer as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u64,
    texts: Vec<String>,
    failure: Option<Failure>,
    token: Option<Vec<u8>>,
}

impl Response {
    /// A granted stamp.
    #[must_use]
    pub fn granted(token: Vec<u8>) -> Self {
        Response {
            status: 0,
            texts: Vec::new(),
            failure: None,
            token: Some(token),
        }
    }

    /// A refusal.
    #[must_use]
    pub fn refused(failure: Failure) -> Self {
        Response {
            status: 2,
            texts: vec![failure.rule().to_owned()],
            failure: Some(failure),
            token: None,
        }
    }

    /// Whether a token was granted, with or without modifications.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.status <= 1
    }
    /// PKIStatus: 0 granted, 1 with modifications, 2 rejection, 3 waiting, 4 and 5 revocation.
    #[must_use]
    pub fn status(&self) -> u64 {
        self.status
    }
    /// Why not, if one of the reasons that this library knows is given.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }
    /// The authority's own words, for display only.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
    /// The token.
    #[must_use]
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// TimeStampResp in DER, for `application/timestamp-reply`.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let texts: Vec<Vec<u8>> = self
            .texts
            .iter()
            .map(|text| write::tlv(tag::UTF8_STRING, &[text.as_bytes()]))
            .collect();
        let refs: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let texts = match refs.is_empty() {
            true => Vec::new(),
            false => write::seq(&refs),
        };
        let failure = self.failure.map(|f| fail_info(f as u8));
        let status = write::seq(&[
            &write::small(self.status),
            &texts,
            &failure.unwrap_or_default(),
        ]);
        write::seq(&[&status, self.token.as_deref().unwrap_or_default()])
    }

    /// Reads a TimeStampResp. A granted one has a token, any other has none.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::TimeStamp`] if status and token disagree.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        if der.len() > TOKEN_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: der.len(),
                max: TOKEN_LEN_MAX,
            });
        }
        let mut top = Reader::new(der, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let mut info = input.enter(tag::SEQUENCE)?;
        let status = info.small()?;
        let mut texts = Vec::new();
        if let Some(mut list) = info.optional(tag::SEQUENCE)? {
            while !list.is_empty() {
                let text = list.value(tag::UTF8_STRING)?;
                if texts.len() < TEXTS_MAX {
                    texts.push(String::from_utf8_lossy(text).into_owned());
                }
            }
        }
        let failure = match info.peek() {
            Some(tag::BIT_STRING) => failure(info.value(tag::BIT_STRING)?),
            _ => None,
        };
        info.finish()?;
        let token = match input.peek() {
            // As it stands: a token may be BER inside.
            Some(tag::SEQUENCE) => Some(input.rest().to_vec()),
            Some(_) => return Err(input.wrong()),
            None => None,
        };
        if token.is_some() != (status <= 1) {
            return Err(rule("status and token of the answer disagree"));
        }
        Ok(Response {
            status,
            texts,
            failure,
            token,
        })
    }

    /// The token.
    ///
    /// # Errors
    /// [`Error::TimeStamp`] if the stamp was not granted, with the authority's reason.
    pub fn into_token(self) -> Result<Vec<u8>, Error> {
        let reason = self.failure.map_or("not granted", Failure::rule);
        self.token.ok_or(rule(reason))
    }
}

/// PKIFailureInfo with one bit, without the zero bits after it (X.690 section 11.2.2).
fn fail_info(bit: u8) -> Vec<u8> {
    let mut value = vec![0; 2 + usize::from(bit / 8)];
    value[0] = 7 - bit % 8;
    if let Some(last) = value.last_mut() {
        *last = 0x80 >> (bit % 8);
    }
    write::tlv(tag::BIT_STRING, &[&value])
}

/// The first known bit.
fn failure(bits: &[u8]) -> Option<Failure> {
    let bytes = bits.get(1..)?;
    let set = |f: &Failure| {
        let bit = *f as usize;
        bytes
            .get(bit / 8)
            .is_some_and(|b| b & (0x80 >> (bit % 8)) != 0)
    };
    Failure::ALL.into_iter().find(set)
}

/// TimeStampResp with status granted around a token, for `application/timestamp-reply`.
#[must_use]
pub fn wrap_response(token: &[u8]) -> Vec<u8> {
    Response::granted(token.to_vec()).to_der()
}

/// The token inside a granted TimeStampResp.
///
/// # Errors
/// [`Error::TimeStamp`] if the stamp was not granted, [`Error::Malformed`].
pub fn unwrap_response(der: &[u8]) -> Result<Vec<u8>, Error> {
    Response::parse(der)?.into_token()
}
