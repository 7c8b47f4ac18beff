//! TSTInfo: what an authority says in a token (RFC 3161 section 2.4.2), read, not verified.

use super::{Imprint, TOKEN_LEN_MAX, WHAT, number, rule};
use crate::asn1::{Reader, tag, write};
use crate::cms::SignedData;
use crate::oid::{self, Oid};
use crate::{Error, certificate};
use mifeng_crypto::Time;

/// How far the authority's clock may be off, to either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accuracy {
    micros: u64,
}

impl Accuracy {
    /// An accuracy in microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Accuracy { micros }
    }
    /// An accuracy in milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Accuracy {
            micros: millis as u64 * 1_000,
        }
    }
    /// In microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    pub(super) fn to_der(self) -> Vec<u8> {
        let part = |tag: u8, n: u64| match n {
            0 => Vec::new(),
            n => {
                let mut der = write::small(n);
                der[0] = tag;
                der
            }
        };
        write::seq(&[
            &part(tag::INTEGER, self.micros / 1_000_000),
            &part(0x80, self.micros / 1_000 % 1_000),
            &part(0x81, self.micros % 1_000),
        ])
    }

    fn read(mut input: Reader<'_>) -> Result<Self, Error> {
        let mut micros = 0u64;
        // seconds, then milliseconds and microseconds of 1 to 999
        for (tag, scale, max) in [
            (tag::INTEGER, 1_000_000, u64::from(u32::MAX)),
            (0x80, 1_000, 999),
            (0x81, 1, 999),
        ] {
            if input.peek() != Some(tag) {
                continue;
            }
            let value = input.value(tag)?;
            if value.is_empty() || value.len() > 5 || value[0] & 0x80 != 0 {
                return Err(input.wrong());
            }
            let n = value.iter().fold(0, |n, b| n << 8 | u64::from(*b));
            if n > max {
                return Err(input.wrong());
            }
            micros += n * scale;
        }
        input.finish()?;
        Ok(Accuracy { micros })
    }
}

/// What a token says, before anything in it is believed.
#[derive(Clone, Debug)]
pub struct Stamped {
    pub(super) message: SignedData,
    pub(super) policy: Oid,
    pub(super) imprint: Imprint,
    pub(super) serial: Vec<u8>,
    pub(super) gen_time: Time,
    pub(super) accuracy: Option<Accuracy>,
    pub(super) ordering: bool,
    pub(super) nonce: Option<Vec<u8>>,
    /// The name of the authority, if it is a directory name.
    pub(super) authority: Option<Vec<u8>>,
}

impl Stamped {
    /// Reads a token without verifying it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::Message`]; [`Error::TimeStamp`] for
    /// content that is no TSTInfo or a hash that is not taken.
    pub fn read(token: &[u8]) -> Result<Self, Error> {
        if token.len() > TOKEN_LEN_MAX {
            return Err(Error::TooLarge {
                what: WHAT,
                found: token.len(),
                max: TOKEN_LEN_MAX,
            });
        }
        let message = SignedData::parse_field(token)?;
        if message.content_type != oid::TST_INFO {
            return Err(rule("content is not TSTInfo"));
        }
        let content = message.content().ok_or(rule("content is missing"))?;
        let mut top = Reader::new(content, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        // GB/T 20520-2025 is said to write 2.
        if !matches!(input.small()?, 1 | 2) {
            return Err(rule("unknown version"));
        }
        let policy = input.oid()?;
        let imprint = Imprint::read(&mut input)?;
        let imprint = imprint.ok_or(rule("hash of the stamp is not taken"))?;
        let serial = number(&mut input)?.to_vec();
        if input.peek() != Some(tag::GENERALIZED_TIME) {
            return Err(input.wrong());
        }
        let gen_time = input.time()?;
        let accuracy = match input.optional(tag::SEQUENCE)? {
            Some(inner) => Some(Accuracy::read(inner)?),
            None => None,
        };
        let ordering = match input.peek() {
            Some(tag::BOOLEAN) => match input.value(tag::BOOLEAN)? {
                [0xff] => true,
                // An explicit FALSE is not DER but is met.
                [0] => false,
                _ => return Err(input.wrong()),
            },
            _ => false,
        };
        let nonce = match input.peek() {
            Some(tag::INTEGER) => Some(number(&mut input)?.to_vec()),
            _ => None,
        };
        let authority = match input.optional(tag::context(0))? {
            Some(mut name) => match name.any()? {
                (0xa4, _, name) => Some(name.to_vec()),
                _ => None,
            },
            None => None,
        };
        if let Some(mut list) = input.optional(tag::context(1))? {
            while !list.is_empty() {
                let (id, critical, _) = certificate::extension(&mut list)?;
                if critical {
                    return Err(Error::CriticalExtension {
                        oid: id.to_string(),
                    });
                }
            }
        }
        input.finish()?;
        Ok(Stamped {
            policy,
            imprint,
            serial,
            gen_time,
            accuracy,
            ordering,
            nonce,
            authority,
            message,
        })
    }

    /// What was stamped.
    #[must_use]
    pub fn imprint(&self) -> &Imprint {
        &self.imprint
    }
    /// When, by the token's word.
    #[must_use]
    pub fn gen_time(&self) -> Time {
        self.gen_time
    }
    /// The token's own message.
    #[must_use]
    pub fn message(&self) -> &SignedData {
        &self.message
    }

    /// Checks that the imprint is that of these bytes.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`].
    pub fn check_over(&self, bytes: &[u8]) -> Result<(), Error> {
        if self.imprint == Imprint::of(bytes, self.imprint.alg()) {
            return Ok(());
        }
        Err(Error::DigestMismatch {
            what: "stamped data",
        })
    }
}
