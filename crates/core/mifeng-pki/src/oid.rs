//! Object identifiers, and algorithm identifiers as this crate writes and reads them.

use crate::Error;
use crate::asn1::{Reader, tag, write};
pub use der::asn1::ObjectIdentifier as Oid;
use mifeng_crypto::{HashAlg, SignatureAlg, Suite};

macro_rules! oids {
    ($($name:ident = $text:literal;)*) => {
        $(pub(crate) const $name: Oid = Oid::new_unwrap($text);)*
    };
}

oids! {
    SM3 = "1.2.156.10197.1.401";
    SHA1 = "1.3.14.3.2.26";
    SHA256 = "2.16.840.1.101.3.4.2.1";
    SHA384 = "2.16.840.1.101.3.4.2.2";
    SHA512 = "2.16.840.1.101.3.4.2.3";
    SM2_SM3 = "1.2.156.10197.1.501";
    SM2_SIGN = "1.2.156.10197.1.301.1";
    ECDSA_SHA256 = "1.2.840.10045.4.3.2";
    ECDSA_SHA384 = "1.2.840.10045.4.3.3";
    RSA = "1.2.840.113549.1.1.1";
    RSA_PSS = "1.2.840.113549.1.1.10";
    RSA_SHA256 = "1.2.840.113549.1.1.11";
    RSA_SHA384 = "1.2.840.113549.1.1.12";
    RSA_SHA512 = "1.2.840.113549.1.1.13";
    DATA = "1.2.840.113549.1.7.1";
    SIGNED_DATA = "1.2.840.113549.1.7.2";
    GM_DATA = "1.2.156.10197.6.1.4.2.1";
    GM_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2";
    TST_INFO = "1.2.840.113549.1.9.16.1.4";
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    BASIC_CONSTRAINTS = "2.5.29.19";
    KEY_USAGE = "2.5.29.15";
    EXT_KEY_USAGE = "2.5.29.37";
    SUBJECT_KEY_ID = "2.5.29.14";
    AUTHORITY_KEY_ID = "2.5.29.35";
    SUBJECT_ALT_NAME = "2.5.29.17";
    CERTIFICATE_POLICIES = "2.5.29.32";
    NAME_CONSTRAINTS = "2.5.29.30";
    ANY_POLICY = "2.5.29.32.0";
    POLICY_MAPPINGS = "2.5.29.33";
    POLICY_CONSTRAINTS = "2.5.29.36";
    INHIBIT_ANY_POLICY = "2.5.29.54";
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    FRESHEST_CRL = "2.5.29.46";
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    AD_OCSP = "1.3.6.1.5.5.7.48.1";
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5";
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
    CRL_NUMBER = "2.5.29.20";
    DELTA_CRL_INDICATOR = "2.5.29.27";
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    CERTIFICATE_ISSUER = "2.5.29.29";
    EXPIRED_CERTS_ON_CRL = "2.5.29.60";
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
    CRL_REASON = "2.5.29.21";
    INVALIDITY_DATE = "2.5.29.24";
    TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    ORGANISATION_CODE = "1.2.156.10260.4.1.4";
    COUNTRY = "2.5.4.6";
    ORGANISATION = "2.5.4.10";
    UNIT = "2.5.4.11";
    COMMON_NAME = "2.5.4.3";
    SERIAL_NUMBER = "2.5.4.5";
    ORGANISATION_ID = "2.5.4.97";
    PBES2 = "1.2.840.113549.1.5.13";
    PBKDF2 = "1.2.840.113549.1.5.12";
    HMAC_SHA256 = "1.2.840.113549.2.9";
    HMAC_SM3 = "1.2.156.10197.1.401.2";
    HMAC_SM3_ALT = "1.2.156.10197.1.401.3.1";
    SM4_CBC = "1.2.156.10197.1.104.2";
    AES128_CBC = "2.16.840.1.101.3.4.1.2";
    AES192_CBC = "2.16.840.1.101.3.4.1.22";
    AES256_CBC = "2.16.840.1.101.3.4.1.42";
    DES_EDE3_CBC = "1.2.840.113549.3.7";
    PBMAC1 = "1.2.840.113549.1.5.14";
    HMAC_SHA1 = "1.2.840.113549.2.7";
    HMAC_SHA384 = "1.2.840.113549.2.10";
    HMAC_SHA512 = "1.2.840.113549.2.11";
    PBE_SHA1_3DES = "1.2.840.113549.1.12.1.3";
    PBE_SHA1_RC2_128 = "1.2.840.113549.1.12.1.5";
    PBE_SHA1_RC2_40 = "1.2.840.113549.1.12.1.6";
    KEY_BAG = "1.2.840.113549.1.12.10.1.1";
    SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
    CERT_BAG = "1.2.840.113549.1.12.10.1.3";
    X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
    FRIENDLY_NAME = "1.2.840.113549.1.9.20";
    LOCAL_KEY_ID = "1.2.840.113549.1.9.21";
    ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    SM4 = "1.2.156.10197.1.104";
    SM4_ECB = "1.2.156.10197.1.104.1";
    SM2_EXCHANGE = "1.2.156.10197.1.301.2";
    SM2_ENCRYPT = "1.2.156.10197.1.301.3";
    GM_SIGNED_AND_ENVELOPED = "1.2.156.10197.6.1.4.2.4";
}

/// RSASSA-PSS-params of SHA-256.
pub(crate) const PSS_SHA256: &str = "3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120";
/// RSASSA-PSS-params (RFC 4055) with one hash for message and MGF1 and a salt as long as it, the
/// only forms taken.
const PSS: [(SignatureAlg, &str); 3] = [
    (SignatureAlg::RsaPssSha256, PSS_SHA256),
    (
        SignatureAlg::RsaPssSha384,
        "3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
    ),
    (
        SignatureAlg::RsaPssSha512,
        "3034a00f300d06096086480165030402030500a11c301a06092a864886f70d010108300d06096086480165030402030500a203020140",
    ),
];

/// An AlgorithmIdentifier: its OID and the DER of its parameters, NULL read as absent.
pub(crate) struct Algorithm<'a> {
    pub(crate) oid: Oid,
    pub(crate) parameters: &'a [u8],
}

pub(crate) fn algorithm<'a>(input: &mut Reader<'a>) -> Result<Algorithm<'a>, Error> {
    let mut inner = input.enter(tag::SEQUENCE)?;
    let oid = inner.oid()?;
    let rest = inner.rest();
    if !rest.is_empty() {
        // Exactly one element.
        let mut one = Reader::new(rest, inner.what());
        one.any()?;
        one.finish()?;
    }
    let parameters = if rest == [5, 0] { &[][..] } else { rest };
    Ok(Algorithm { oid, parameters })
}

pub(crate) fn signature_alg(id: &Algorithm<'_>) -> Option<SignatureAlg> {
    if id.oid == RSA_PSS {
        let found = hex::encode(id.parameters);
        let known = PSS.iter().find(|(_, parameters)| *parameters == found);
        return known.map(|(alg, _)| *alg);
    }
    if !id.parameters.is_empty() {
        return None;
    }
    Some(match id.oid {
        SM2_SM3 => SignatureAlg::Sm2Sm3,
        ECDSA_SHA256 => SignatureAlg::EcdsaP256Sha256,
        ECDSA_SHA384 => SignatureAlg::EcdsaP384Sha384,
        RSA_SHA256 => SignatureAlg::RsaPkcs1Sha256,
        RSA_SHA384 => SignatureAlg::RsaPkcs1Sha384,
        RSA_SHA512 => SignatureAlg::RsaPkcs1Sha512,
        _ => return None,
    })
}

/// The AlgorithmIdentifier of a signature made by our keys.
pub(crate) fn signature_alg_der(alg: SignatureAlg) -> Result<Vec<u8>, Error> {
    let (oid, null) = match alg {
        SignatureAlg::Sm2Sm3 => (SM2_SM3, false),
        SignatureAlg::EcdsaP256Sha256 => (ECDSA_SHA256, false),
        SignatureAlg::RsaPkcs1Sha256 => (RSA_SHA256, true),
        _ => {
            return Err(Error::Message {
                rule: "no writer for this signature algorithm",
            });
        }
    };
    Ok(algorithm_der(oid, null))
}

pub(crate) fn algorithm_der(oid: Oid, null: bool) -> Vec<u8> {
    let parameters: &[u8] = if null { &[5, 0] } else { &[] };
    write::seq(&[&write::oid(oid), parameters])
}

pub(crate) fn hash_oid(alg: HashAlg) -> Oid {
    match alg {
        HashAlg::Sha256 => SHA256,
        HashAlg::Sm3 => SM3,
    }
}

/// Whether signatures of this algorithm may appear in the suite at all.
pub(crate) fn belongs(alg: SignatureAlg, suite: &Suite) -> bool {
    match alg {
        SignatureAlg::Sm2Sm3 => suite.hash() == HashAlg::Sm3,
        SignatureAlg::Ed25519 => false,
        _ => suite.hash() == HashAlg::Sha256,
    }
}

/// The digest of `data` by any hash a foreign signing-certificate attribute may name.
pub(crate) fn digest_by_oid(oid: Oid, data: &[u8]) -> Option<Vec<u8>> {
    let alg = match oid {
        SM3 => return Some(HashAlg::Sm3.digest(data).as_bytes().to_vec()),
        SHA1 => &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
        SHA256 => &ring::digest::SHA256,
        SHA384 => &ring::digest::SHA384,
        SHA512 => &ring::digest::SHA512,
        _ => return None,
    };
    Some(ring::digest::digest(alg, data).as_ref().to_vec())
}
