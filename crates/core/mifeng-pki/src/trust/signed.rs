//! A list with its signature, as it travels and is stored.

use super::TrustList;
use super::list::{LIST_LEN_MAX, broken, digest_of};
use crate::{Error, Signer, cms};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, Time, jcs};
use serde::{Deserialize, Serialize};

/// Bytes of the largest signature: a CMS with a chain of four certificates has about 8 KB.
const SIGNATURE_LEN_MAX: usize = cms::MESSAGE_LEN_MAX;
/// Bytes of the largest file: both parts in base64.
const FILE_LEN_MAX: usize = (LIST_LEN_MAX + SIGNATURE_LEN_MAX) / 3 * 4 + 1_024;

/// A canonical list and the operator's detached CMS over it; nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTrustList {
    /// The canonical bytes of the list.
    pub body: Vec<u8>,
    /// The detached CMS SignedData over them.
    pub signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    v: u64,
    list: String,
    sig: String,
}

impl SignedTrustList {
    /// Signs a list that keeps its rules; the form of the CMS is that of the list's suite.
    ///
    /// # Errors
    /// [`Error::TrustList`], or what the signer says.
    pub fn sign(list: &TrustList, signer: &dyn Signer, at: Time) -> Result<Self, Error> {
        let body = list.to_bytes()?;
        let profile = cms::Profile::of(list.suite()?);
        let signature = cms::sign_detached(signer, &body, at, profile)?;
        Ok(SignedTrustList { body, signature })
    }

    /// Reads a file (`*.trust`).
    ///
    /// # Errors
    /// [`Error::Crypto`] if it is not canonical JSON of this form, [`Error::TrustList`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, Error> {
        let file: File = jcs::from_slice(bytes, FILE_LEN_MAX)?;
        if file.v != 1 {
            return Err(broken("file version is not 1"));
        }
        Self::from_base64(&file.list, &file.sig)
    }

    /// Puts together the two parts that a file or a record carries in base64.
    ///
    /// # Errors
    /// [`Error::TrustList`] if a part is not base64, [`Error::TooLarge`].
    pub fn from_base64(list: &str, signature: &str) -> Result<Self, Error> {
        let decode = |what: &'static str, text: &str, max: usize| {
            let bytes = BASE64_STANDARD
                .decode(text)
                .map_err(|_| broken("list and signature are base64"))?;
            if bytes.len() > max {
                return Err(Error::TooLarge {
                    what,
                    found: bytes.len(),
                    max,
                });
            }
            Ok(bytes)
        };
        Ok(SignedTrustList {
            body: decode("trust list", list, LIST_LEN_MAX)?,
            signature: decode("signature of the trust list", signature, SIGNATURE_LEN_MAX)?,
        })
    }

    /// The two parts in base64.
    pub fn to_base64(&self) -> (String, String) {
        (
            BASE64_STANDARD.encode(&self.body),
            BASE64_STANDARD.encode(&self.signature),
        )
    }

    /// Writes a file.
    ///
    /// # Errors
    /// [`Error::Crypto`] never in practice: the parts are text.
    pub fn to_file(&self) -> Result<Vec<u8>, Error> {
        let (list, sig) = self.to_base64();
        Ok(jcs::to_vec(&File { v: 1, list, sig })?)
    }

    /// What the list says; whether its signature counts is [`super::TrustChain`]'s question.
    ///
    /// # Errors
    /// As [`TrustList::parse`].
    pub fn list(&self) -> Result<TrustList, Error> {
        TrustList::parse(&self.body)
    }

    /// The digest that names this version.
    ///
    /// # Errors
    /// As [`TrustList::parse`].
    pub fn digest(&self) -> Result<Digest, Error> {
        Ok(digest_of(self.list()?.suite()?, &self.body))
    }
}
