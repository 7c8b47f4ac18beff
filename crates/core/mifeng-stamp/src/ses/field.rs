//! Parts that seals and seal signatures share.

use super::Version;
use crate::Error;
use crate::deviation::{Deviation, note};
use crate::error::{limit, malformed};
use mifeng_crypto::{Digest, HashAlg, Time};
use mifeng_pki::Certificate;
use mifeng_pki::asn1::{Oid, Reader, tag, write};

/// IA5String.
const IA5_STRING: u8 = 22;
/// Characters of identifiers and names: the longest of the field have about 120 bytes.
pub(super) const TEXT_LEN_MAX: usize = 1_024;
/// Certificates or digests in one seal: a seal for a whole department has some dozens.
pub(super) const SIGNERS_MAX: usize = 1_000;
/// Entries of extDatas; products write up to ten.
pub(super) const EXTENSIONS_MAX: usize = 64;
/// Bytes of one entry of extDatas.
pub(super) const EXTENSION_LEN_MAX: usize = 65_536;

/// The kind of a seal. The standards leave the numbers to the application, so other makers may
/// mean others by them, above all from 3 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealKind(pub u64);

impl SealKind {
    /// The seal of a unit (单位公章).
    pub const UNIT: Self = SealKind(1);
    /// The seal of a person (个人名章).
    pub const PERSON: Self = SealKind(2);
    /// The seal for finance (财务专用章).
    pub const FINANCE: Self = SealKind(3);
    /// The seal for contracts (合同专用章).
    pub const CONTRACT: Self = SealKind(4);
    /// The legal representative's square seal (法定代表人名章).
    pub const LEGAL_REPRESENTATIVE: Self = SealKind(5);
    /// The seal for procurement and bidding (采购/招标专用章).
    pub const PROCUREMENT: Self = SealKind(6);

    /// Every kind that this library names, with its name in Chinese and English.
    pub const NAMED: [(Self, &'static str, &'static str); 6] = [
        (Self::UNIT, "单位公章", "unit seal"),
        (Self::PERSON, "个人名章", "personal seal"),
        (Self::FINANCE, "财务专用章", "finance seal"),
        (Self::CONTRACT, "合同专用章", "contract seal"),
        (
            Self::LEGAL_REPRESENTATIVE,
            "法定代表人名章",
            "legal representative's seal",
        ),
        (Self::PROCUREMENT, "采购专用章", "procurement seal"),
    ];
}

/// Who may sign with a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signers {
    /// The certificates themselves, in DER.
    Certificates(Vec<Vec<u8>>),
    /// Their digests.
    Digests(Vec<CertificateDigest>),
}

/// `CertDigestObj`: the digest of a certificate and a free label of its method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDigest {
    /// A label, usually "SM3".
    pub label: String,
    /// SM3 of the certificate's DER.
    pub value: Vec<u8>,
}

impl Signers {
    /// A list of certificates.
    #[must_use]
    pub fn certificates(all: &[Certificate]) -> Self {
        Signers::Certificates(all.iter().map(|c| c.der().to_vec()).collect())
    }

    /// A list of their SM3 digests.
    #[must_use]
    pub fn digests(all: &[Certificate]) -> Self {
        let digest = |c: &Certificate| CertificateDigest {
            label: HashAlg::Sm3.name().to_ascii_uppercase(),
            value: HashAlg::Sm3.digest(c.der()).as_bytes().to_vec(),
        };
        Signers::Digests(all.iter().map(digest).collect())
    }

    /// Whether this certificate is one of them: equal bytes, or equal digest.
    #[must_use]
    pub fn allows(&self, certificate: &[u8]) -> bool {
        match self {
            Signers::Certificates(all) => all.iter().any(|one| one == certificate),
            Signers::Digests(all) => {
                let digest: Digest = HashAlg::Sm3.digest(certificate);
                all.iter().any(|one| one.value == digest.as_bytes())
            }
        }
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Signers::Certificates(all) => all.len(),
            Signers::Digests(all) => all.len(),
        }
    }

    pub(super) fn to_der(&self) -> Vec<u8> {
        let parts: Vec<Vec<u8>> = match self {
            Signers::Certificates(all) => all.iter().map(|c| write::octets(c)).collect(),
            Signers::Digests(all) => all
                .iter()
                .map(|one| {
                    let label = write::tlv(tag::PRINTABLE_STRING, &[one.label.as_bytes()]);
                    write::seq(&[&label, &write::octets(&one.value)])
                })
                .collect(),
        };
        sequence(&parts)
    }

    pub(super) fn read_certificates(mut list: Reader<'_>) -> Result<Self, Error> {
        let mut all = Vec::new();
        while !list.is_empty() {
            all.push(list.value(tag::OCTET_STRING)?.to_vec());
            limit("certificate list of the seal", all.len(), SIGNERS_MAX)?;
        }
        Ok(Signers::Certificates(all))
    }

    pub(super) fn read_digests(
        mut list: Reader<'_>,
        deviations: &mut Vec<Deviation>,
    ) -> Result<Self, Error> {
        let mut all = Vec::new();
        while !list.is_empty() {
            let mut one = list.enter(tag::SEQUENCE)?;
            let label = text(&mut one, tag::PRINTABLE_STRING, deviations)?;
            let value = one.value(tag::OCTET_STRING)?.to_vec();
            one.finish()?;
            if value.len() != 32 {
                return Err(malformed(
                    "certificate list of the seal",
                    "a digest has not 32 bytes",
                ));
            }
            all.push(CertificateDigest { label, value });
            limit("certificate list of the seal", all.len(), SIGNERS_MAX)?;
        }
        Ok(Signers::Digests(all))
    }
}

/// `ExtData`: something of a maker's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The identifier, dotted.
    pub id: String,
    /// Whether who does not know it must refuse.
    pub critical: bool,
    /// The value.
    pub value: Vec<u8>,
}

/// `ExtensionDatas`, without any context tag.
pub(super) fn extensions_der(all: &[Extension]) -> Result<Vec<u8>, Error> {
    limit("extDatas", all.len(), EXTENSIONS_MAX)?;
    let mut parts = Vec::new();
    for one in all {
        limit("entry of extDatas", one.value.len(), EXTENSION_LEN_MAX)?;
        let id = Oid::new(&one.id).map_err(|_| Error::Field {
            field: "extDatas",
            rule: "not a dotted object identifier",
        })?;
        let critical: &[u8] = if one.critical {
            &[tag::BOOLEAN, 1, 0xff]
        } else {
            &[]
        };
        parts.push(write::seq(&[
            &write::oid(id),
            critical,
            &write::octets(&one.value),
        ]));
    }
    Ok(sequence(&parts))
}

pub(super) fn read_extensions(
    mut list: Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Extension>, Error> {
    let mut all: Vec<Extension> = Vec::new();
    while !list.is_empty() {
        let mut one = list.enter(tag::SEQUENCE)?;
        let id = one.oid()?.to_string();
        let critical = match one.peek() {
            Some(tag::BOOLEAN) => match one.value(tag::BOOLEAN)? {
                [0xff] => true,
                [0] => {
                    note(deviations, Deviation::ExplicitDefault);
                    false
                }
                _ => return Err(one.wrong().into()),
            },
            _ => false,
        };
        let value = one.value(tag::OCTET_STRING)?.to_vec();
        one.finish()?;
        limit("entry of extDatas", value.len(), EXTENSION_LEN_MAX)?;
        all.push(Extension {
            id,
            critical,
            value,
        });
        limit("extDatas", all.len(), EXTENSIONS_MAX)?;
    }
    Ok(all)
}

/// A SEQUENCE of these elements.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    let refs: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    write::seq(&refs)
}

/// An IA5String.
pub(super) fn ia5(text: &str) -> Vec<u8> {
    write::tlv(IA5_STRING, &[text.as_bytes()])
}

pub(super) fn utf8(text: &str) -> Vec<u8> {
    write::tlv(tag::UTF8_STRING, &[text.as_bytes()])
}

/// A GeneralizedTime of whole seconds.
pub(super) fn generalized(time: Time) -> Vec<u8> {
    write::generalized(Time::from_unix_seconds(time.as_unix_seconds()))
}

/// A string: IA5String where no other type is asked for.
pub(super) fn ia5_text(
    input: &mut Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<String, Error> {
    text(input, IA5_STRING, deviations)
}

/// A string of the standard's type, or of another string type as a deviation.
pub(super) fn text(
    input: &mut Reader<'_>,
    expected: u8,
    deviations: &mut Vec<Deviation>,
) -> Result<String, Error> {
    let (found, _, value) = input.any()?;
    if found != expected {
        let strings = [IA5_STRING, tag::UTF8_STRING, tag::PRINTABLE_STRING];
        if !strings.contains(&found) {
            return Err(input.wrong().into());
        }
        note(deviations, Deviation::StringType);
    }
    limit("text in a seal", value.len(), TEXT_LEN_MAX)?;
    let text = core::str::from_utf8(value).map_err(|_| input.wrong())?;
    if found != tag::UTF8_STRING && !text.is_ascii() {
        // IA5String with Chinese in it is met; the bytes are UTF-8.
        note(deviations, Deviation::StringType);
    }
    Ok(text.to_owned())
}

/// A time in the version's form, or in the other one as a deviation.
pub(super) fn time(
    input: &mut Reader<'_>,
    version: Version,
    deviations: &mut Vec<Deviation>,
) -> Result<Time, Error> {
    let usual = match version {
        Version::V1 => tag::UTC_TIME,
        _ => tag::GENERALIZED_TIME,
    };
    if input.peek() != Some(usual) {
        note(deviations, Deviation::TimeForm);
    }
    Ok(input.time()?)
}

/// `timeStamp`: `[0] EXPLICIT BIT STRING`, or primitive as a deviation.
pub(super) fn time_stamp(
    input: &mut Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Option<Vec<u8>>, Error> {
    if let Some(mut inner) = input.optional(tag::context(0))? {
        let token = inner.bits()?.to_vec();
        inner.finish()?;
        return Ok(Some(token));
    }
    if input.peek() == Some(0x80) {
        note(deviations, Deviation::ImplicitTimeStamp);
        return match input.value(0x80)? {
            [0, token @ ..] => Ok(Some(token.to_vec())),
            _ => Err(input.wrong().into()),
        };
    }
    Ok(None)
}

pub(super) fn time_stamp_der(token: &[u8]) -> Vec<u8> {
    write::tlv(tag::context(0), &[&write::bits(token)])
}
