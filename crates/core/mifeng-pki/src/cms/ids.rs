//! Object identifiers of messages beyond those that the whole crate shares.

use crate::oid::Oid;

macro_rules! ids {
    ($($name:ident = $text:literal;)*) => {
        $(pub(crate) const $name: Oid = Oid::new_unwrap($text);)*
    };
}

ids! {
    GM_ENVELOPED = "1.2.156.10197.6.1.4.2.3";
    GM_SIGNED_AND_ENVELOPED = "1.2.156.10197.6.1.4.2.4";
    SM2_EXCHANGE = "1.2.156.10197.1.301.2";
    SM2_ENCRYPT = "1.2.156.10197.1.301.3";
    SM4 = "1.2.156.10197.1.104";
    SM4_ECB = "1.2.156.10197.1.104.1";
    // RFC 5652 section 11.4, RFC 6211, RFC 5126 section 6, RFC 5940
    COUNTER_SIGNATURE = "1.2.840.113549.1.9.6";
    ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52";
    SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14";
    CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23";
    REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24";
    OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2";
    // ETSI EN 319 122-1 section 5.5
    ARCHIVE_TIME_STAMP_V3 = "0.4.0.1733.2.4";
    ATS_HASH_INDEX_V3 = "0.4.0.19122.1.5";
}
