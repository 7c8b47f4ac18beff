//! One SignerInfo as it stands in the bytes.

use super::deviation::{Deviation, note};
use super::read::{Source, ahead, algorithm};
use super::unsigned::{self, Attribute};
use super::{WHAT, rule};
use crate::asn1::{Reader, tag};
use crate::oid::{Algorithm, Oid};
use crate::{Certificate, Error};

/// How a signer is named.
#[derive(Clone, Debug)]
pub(crate) enum SignerId {
    IssuerAndSerial { issuer: Vec<u8>, serial: Vec<u8> },
    KeyId(Vec<u8>),
}

impl SignerId {
    pub(crate) fn names(&self, certificate: &Certificate) -> bool {
        match self {
            SignerId::IssuerAndSerial { issuer, serial } => {
                certificate.issuer_raw() == issuer && certificate.serial_raw() == serial
            }
            SignerId::KeyId(id) => certificate.subject_key_id() == Some(id),
        }
    }
}

/// One signature with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct SignerInfo {
    pub(crate) id: SignerId,
    pub(crate) digest_alg: Oid,
    /// digestAlgorithm as it stands.
    pub(crate) digest_raw: Vec<u8>,
    /// The signed attributes as the SET OF that is signed.
    pub(crate) attributes: Option<Vec<u8>>,
    pub(crate) signature_alg: Oid,
    pub(crate) signature_parameters: Vec<u8>,
    /// signatureAlgorithm as it stands.
    signature_alg_raw: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) unsigned: Vec<Attribute>,
    /// Everything before the unsigned attributes, as it stands.
    pub(crate) signed_part: Vec<u8>,
}

impl SignerInfo {
    pub(crate) fn algorithm(&self) -> Algorithm<'_> {
        Algorithm {
            oid: self.signature_alg,
            parameters: &self.signature_parameters,
        }
    }
    /// The content of signatureAlgorithm, as RFC 6211 repeats it under another tag.
    pub(crate) fn signature_raw(&self) -> &[u8] {
        let mut reader = Reader::new(&self.signature_alg_raw, WHAT);
        reader.value(tag::SEQUENCE).unwrap_or_default()
    }
}

/// Reads one SignerInfo.
pub(super) fn read(
    whole: &[u8],
    source: Source,
    deviations: &mut Vec<Deviation>,
) -> Result<SignerInfo, Error> {
    let mut signer = Reader::new(whole, WHAT).enter(tag::SEQUENCE)?;
    let all = signer.rest();
    let id = match (signer.small()?, signer.peek()) {
        (version, Some(tag::SEQUENCE)) => {
            if version != 1 && source == Source::Own {
                return Err(rule("signer is not named by issuer and serial number"));
            }
            if version != 1 {
                note(deviations, Deviation::Version);
            }
            let mut name = signer.enter(tag::SEQUENCE)?;
            let issuer = name.whole(tag::SEQUENCE)?.to_vec();
            let serial = name.integer()?.to_vec();
            name.finish()?;
            SignerId::IssuerAndSerial { issuer, serial }
        }
        (version, Some(0x80)) if source == Source::Field => {
            if version != 3 {
                note(deviations, Deviation::Version);
            }
            SignerId::KeyId(signer.value(0x80)?.to_vec())
        }
        _ => return Err(rule("signer is not named by issuer and serial number")),
    };
    let digest_raw = ahead(&signer).whole(tag::SEQUENCE)?.to_vec();
    let digest = algorithm(&mut signer, deviations)?;
    if !digest.parameters.is_empty() {
        return Err(signer.wrong());
    }
    let attributes = match signer.peek() {
        Some(0xa0) => {
            let mut set = signer.whole(0xa0)?.to_vec();
            set[0] = tag::SET;
            Some(set)
        }
        _ => None,
    };
    let signature_alg_raw = ahead(&signer).whole(tag::SEQUENCE)?.to_vec();
    let alg = algorithm(&mut signer, deviations)?;
    let signature = signer.value(tag::OCTET_STRING)?.to_vec();
    let signed_part = all[..all.len() - signer.rest().len()].to_vec();
    let unsigned = match signer.optional(tag::context(1))? {
        Some(list) => unsigned::read(list)?,
        None => Vec::new(),
    };
    signer.finish()?;
    Ok(SignerInfo {
        id,
        digest_alg: digest.oid,
        digest_raw,
        attributes,
        signature_alg: alg.oid,
        signature_parameters: alg.parameters.to_vec(),
        signature_alg_raw,
        signature,
        unsigned,
        signed_part,
    })
}
