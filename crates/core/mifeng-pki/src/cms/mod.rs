//! Signature messages: CMS SignedData (RFC 5652) and its GB/T 35275 twin.
//!
//! *Writing*: [`sign_detached`], [`sign_attached`], [`sign_all`]; [`Draft`] where the key signs
//! elsewhere; [`add_time_stamp`], [`add_revocations`] and [`add_long_term_values`] for what is
//! added later.
//! *Reading*: [`verify_detached`] for what this library wrote; [`SignedData::parse_field`] with
//! [`Strictness::Field`] for messages of other products, whose [`Deviation`]s are reported;
//! [`Verifier`] for many at once.
//!
//! A verified signature says which certificate signed. Whose it is at which instant is the next
//! step: [`crate::verify_path`].

mod algorithm;
mod archive;
mod attributes;
mod batch;
mod ber;
mod deviation;
mod extend;
pub(crate) mod ids;
mod memo;
pub(crate) mod read;
mod signer_info;
mod unsigned;
mod verify;
mod write;

pub use algorithm::DigestAlg;
pub use archive::{ArchiveStamp, verify_archive_stamp};
pub use batch::{Detached, Item, Verified, Verifier, verify_each_detached};
pub(crate) use ber::to_der;
pub use deviation::Deviation;
pub(crate) use deviation::note;
pub use extend::{LongTermValues, add_long_term_values, add_revocations, add_time_stamp};
pub use memo::{PutOff, Seen};
pub use read::{FIELD_MESSAGE_LEN_MAX, SignedData};
pub use unsigned::Unsigned;
pub use verify::Signed;
pub(crate) use write::build;
pub use write::{
    Draft, Place, sign_all, sign_attached, sign_detached, sign_detached_digest, sign_without_time,
};

use crate::Error;
use crate::oid::{self, Oid};
use memo::{Forgetful, Putting};
use mifeng_crypto::{Digest, HashAlg, Suite};
use verify::Content;

/// Bytes of the largest message of our own that is read; the sealed-bid format allows 16,384.
pub const MESSAGE_LEN_MAX: usize = 65_536;
const WHAT: &str = "signature message";

/// Which standard's identifiers the message is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// RFC 5652: what general tools read.
    Rfc5652,
    /// GB/T 35275: what Chinese products read.
    Gbt35275,
}

impl Profile {
    /// GB/T 35275 for gm-1, RFC 5652 for intl-1.
    pub fn of(suite: &Suite) -> Self {
        match suite.hash() {
            HashAlg::Sm3 => Profile::Gbt35275,
            HashAlg::Sha256 => Profile::Rfc5652,
        }
    }
    fn signed_data(self) -> Oid {
        match self {
            Profile::Rfc5652 => oid::SIGNED_DATA,
            Profile::Gbt35275 => oid::GM_SIGNED_DATA,
        }
    }
    fn data(self) -> Oid {
        match self {
            Profile::Rfc5652 => oid::DATA,
            Profile::Gbt35275 => oid::GM_DATA,
        }
    }
}

/// How much of the field's variety is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// What this library writes: attributes and signing-certificate-v2 are required.
    Own,
    /// Messages of other products: neither is required.
    Field,
}

/// Reads and verifies a detached message over `content`, with algorithms of `suite` only. The
/// path of the signer's certificate is the next step: [`crate::verify_path`].
///
/// # Errors
/// [`Error::Malformed`], [`Error::Message`], [`Error::WrongSuite`], [`Error::DigestMismatch`],
/// [`Error::BadSignature`].
pub fn verify_detached(der: &[u8], content: &[u8], suite: &'static Suite) -> Result<Signed, Error> {
    let message = SignedData::parse(der)?;
    message.verify_own(Content::Bytes(content), suite, &mut Forgetful)
}

/// As [`verify_detached`], for one of many messages: its certificates are looked up among those that were seen.
///
/// # Errors
/// As [`verify_detached`].
pub fn verify_detached_seen(
    der: &[u8],
    content: &[u8],
    suite: &'static Suite,
    mut seen: &Seen,
) -> Result<Signed, Error> {
    let message = SignedData::parse_with(der, &mut seen)?;
    message.verify_own(Content::Bytes(content), suite, &mut seen)
}

/// As [`verify_detached_seen`] in all but the signature itself, which is put off: **the message is good only if
/// [`PutOff::verify_each`] says so of all that come with it.**
///
/// # Errors
/// As [`verify_detached`], but for the signature.
pub fn verify_detached_later(
    der: &[u8],
    content: &[u8],
    suite: &'static Suite,
    seen: &Seen,
) -> Result<(Signed, Vec<PutOff>), Error> {
    let mut memo = Putting {
        seen,
        off: Vec::new(),
    };
    let message = SignedData::parse_with(der, &mut memo)?;
    let signed = message.verify_own(Content::Bytes(content), suite, &mut memo)?;
    Ok((signed, memo.off))
}

/// As [`verify_detached`] when only the content's digest by the suite's hash is at hand.
///
/// # Errors
/// As [`verify_detached`].
pub fn verify_detached_digest(
    der: &[u8],
    digest: &Digest,
    suite: &'static Suite,
) -> Result<Signed, Error> {
    let message = SignedData::parse(der)?;
    message.verify_own(Content::Digest(suite.hash(), digest), suite, &mut Forgetful)
}

impl SignedData {
    /// A detached message of our own.
    fn verify_own(
        &self,
        content: Content<'_>,
        suite: &'static Suite,
        memo: &mut dyn memo::Memo,
    ) -> Result<Signed, Error> {
        let types = [oid::DATA, oid::GM_DATA];
        if self.content.is_some() || !types.contains(&self.content_type) {
            return Err(rule("content must be detached data"));
        }
        self.verify_one(content, suite, Strictness::Own, memo)
    }
}

fn rule(rule: &'static str) -> Error {
    Error::Message { rule }
}
