//! Time stamps: RFC 3161 with either suite.
//!
//! *Asking*: [`Request`], [`Response`]. *Checking*: [`check_token`] with a [`TokenCheck`], or
//! [`verify_token`] for the plain case; [`signature_stamps`] for stamps beside a signature;
//! [`ClockPolicy`] says what is asked of the authority's clock. *Answering*:
//! [`TimeStampAuthority`].

mod authority;
mod clock;
mod imprint;
mod info;
mod request;
mod response;
mod token;

pub use authority::{Answer, TimeStampAuthority, respond, suite_of};
pub use clock::ClockPolicy;
pub use imprint::Imprint;
pub use info::{Accuracy, Stamped};
pub use request::{Failure, Request};
pub use response::{Response, unwrap_response, wrap_response};
pub use token::{TimeStamp, TokenCheck, check_token, signature_stamps, verify_token};

use crate::Error;
use crate::asn1::Reader;

/// Bytes of the largest request read; real ones have about a hundred.
const LEN_MAX: usize = 65_536;
/// Bytes of the largest response or token read: renewed ones carry revocation lists.
const TOKEN_LEN_MAX: usize = 1 << 20;
/// Bytes of the largest nonce or serial number: RFC 3161 asks for 20 and a sign octet.
const NUMBER_LEN_MAX: usize = 33;
const WHAT: &str = "time stamp";

fn rule(rule: &'static str) -> Error {
    Error::TimeStamp { rule }
}

fn limit(der: &[u8]) -> Result<&[u8], Error> {
    if der.len() > LEN_MAX {
        return Err(Error::TooLarge {
            what: WHAT,
            found: der.len(),
            max: LEN_MAX,
        });
    }
    Ok(der)
}

fn number<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let value = input.integer()?;
    if value.len() > NUMBER_LEN_MAX {
        return Err(input.wrong());
    }
    Ok(value)
}
