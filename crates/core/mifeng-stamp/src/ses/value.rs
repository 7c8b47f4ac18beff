//! Signature values: SM2 with SM3 by the default identity; RSA in version 1 only.

use super::Version;
use crate::Error;
use crate::deviation::{Deviation, note};
use mifeng_crypto::{KeyAlg, SignatureAlg, signature_from_der, signature_to_der};
use mifeng_pki::Certificate;
use mifeng_pki::asn1::Oid;

/// SM2 with SM3 (GB/T 33560), what is written.
pub(crate) const SIGNED_BY_SM2: Oid = Oid::new_unwrap("1.2.156.10197.1.501");
/// The bare SM2 signature, met where SM2 with SM3 is meant.
const BARE_SM2: Oid = Oid::new_unwrap("1.2.156.10197.1.301.1");
/// RSA with SHA-256, which GM/T 0031-2014 still allowed.
const RSA_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.1.1.11");
/// Bytes of r‖s.
const RAW_LEN: usize = 64;

/// Verifies `value` over `octets` with the certificate's key by the stated algorithm.
///
/// # Errors
/// [`Error::Algorithm`] if standard, key and identifier do not fit, [`Error::BadSignature`].
pub(crate) fn verify_value(
    what: &'static str,
    certificate: &Certificate,
    (version, algorithm): (Version, Oid),
    octets: &[u8],
    value: &[u8],
    deviations: &mut Vec<Deviation>,
) -> Result<(), Error> {
    let key = certificate.public_key();
    let alg = match (algorithm, key.key_alg()) {
        (SIGNED_BY_SM2, KeyAlg::Sm2) => SignatureAlg::Sm2Sm3,
        (BARE_SM2, KeyAlg::Sm2) => {
            note(deviations, Deviation::SignatureIdentifier);
            SignatureAlg::Sm2Sm3
        }
        (RSA_SHA256, KeyAlg::Rsa { .. }) if version == Version::V1 => SignatureAlg::RsaPkcs1Sha256,
        _ => {
            return Err(Error::Algorithm {
                what,
                found: algorithm.to_string(),
                expected: "SM2 with SM3 (1.2.156.10197.1.501) and an SM2 certificate",
            });
        }
    };
    let bad = |_| Error::BadSignature { what };
    if alg == SignatureAlg::Sm2Sm3 && signature_from_der(value).is_err() {
        // Raw r‖s as devices give it.
        let raw: &[u8; RAW_LEN] = value.try_into().map_err(|_| Error::BadSignature { what })?;
        let der = signature_to_der(raw).map_err(bad)?;
        key.verify(alg, octets, &der).map_err(bad)?;
        note(deviations, Deviation::RawSignature);
        return Ok(());
    }
    key.verify(alg, octets, value).map_err(bad)
}
