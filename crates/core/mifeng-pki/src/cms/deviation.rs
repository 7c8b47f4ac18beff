//! What other products do against their standard, and we take all the same.

use core::fmt;

/// A departure from the standard that was met in the field, taken on request and reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Deviation {
    /// BER of indefinite length or in pieces, where RFC 5652 allows it and DER does not.
    Ber,
    /// NULL parameters beside an SM2 or SM3 identifier, where the standard has none.
    NullParameters,
    /// SM2-with-SM3 (…501) in GB/T 35275, or the bare SM2 signature (…301.1) in RFC 5652.
    SignatureIdentifier,
    /// An SM2 signature as the 64 bytes r‖s instead of its DER.
    RawSignature,
    /// One data identifier outside and the other standard's inside.
    MixedDataTypes,
    /// An identifier or a version number of the structure that does not fit what is in it.
    Version,
    /// A certificate in the message that cannot be read; it is not the signer's.
    UnreadCertificate,
    /// One certificate carried twice.
    RepeatedCertificate,
    /// A recipient of GB/T 35275 named by its key identifier.
    RecipientByKeyId,
    /// A recipient named by a serial number alone, with an empty issuer.
    EmptyIssuer,
    /// SM2 key exchange (…301.2) where SM2 encryption (…301.3) is meant.
    EncryptionIdentifier,
    /// Bare SM4 (…104) with an initial vector, for CBC.
    BareSm4Cbc,
    /// Bare SM4 (…104) or SM4-ECB, without an initial vector: ECB hides no patterns.
    Sm4Ecb,
}

impl Deviation {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Deviation::Ber => "ber",
            Deviation::NullParameters => "null-parameters",
            Deviation::SignatureIdentifier => "signature-identifier",
            Deviation::RawSignature => "raw-signature",
            Deviation::MixedDataTypes => "mixed-data-types",
            Deviation::Version => "version",
            Deviation::UnreadCertificate => "unread-certificate",
            Deviation::RepeatedCertificate => "repeated-certificate",
            Deviation::RecipientByKeyId => "recipient-by-key-id",
            Deviation::EmptyIssuer => "empty-issuer",
            Deviation::EncryptionIdentifier => "encryption-identifier",
            Deviation::BareSm4Cbc => "bare-sm4-cbc",
            Deviation::Sm4Ecb => "sm4-ecb",
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Deviation::Ber => "BER of indefinite length where DER is asked for",
            Deviation::NullParameters => "NULL parameters of an SM2 or SM3 identifier",
            Deviation::SignatureIdentifier => "SM2 signature identifier of the other standard",
            Deviation::RawSignature => "SM2 signature as 64 bare bytes",
            Deviation::MixedDataTypes => "data identifiers of two standards in one message",
            Deviation::Version => "version number that does not fit the content",
            Deviation::UnreadCertificate => "a carried certificate cannot be read",
            Deviation::RepeatedCertificate => "a certificate is carried twice",
            Deviation::RecipientByKeyId => "recipient named by key identifier",
            Deviation::EmptyIssuer => "recipient named by serial number with an empty issuer",
            Deviation::EncryptionIdentifier => "SM2 exchange named where encryption is meant",
            Deviation::BareSm4Cbc => "bare SM4 identifier where SM4-CBC is meant",
            Deviation::Sm4Ecb => "SM4 in ECB mode",
        })
    }
}

/// Notes a deviation once.
pub(crate) fn note(list: &mut Vec<Deviation>, found: Deviation) {
    if !list.contains(&found) {
        list.push(found);
    }
}
