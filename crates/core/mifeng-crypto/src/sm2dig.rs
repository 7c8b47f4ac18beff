//! What an SM2 signature is made over (GB/T 32918.2 sections 5.5 and 6.1), for keys that sign
//! digests only: tokens and machines.

use crate::{Curve, Digest, Error, HashAlg, Point};
use der::asn1::UintRef;
use der::{Decode, Encode};

/// The curve's a, b, xG, yG (GB/T 32918.5), as they enter ZA.
const CURVE: [u128; 8] = [
    0xfffffffe_ffffffff_ffffffff_ffffffff,
    0xffffffff_00000000_ffffffff_fffffffc,
    0x28e9fa9e_9d9f5e34_4d5a9e4b_cf6509a7,
    0xf39789f5_15ab8f92_ddbcbd41_4d940e93,
    0x32c4ae2c_1f198119_5f990446_6a39c994,
    0x8fe30bbf_f2660be1_715a4589_334c74c7,
    0xbc3736a2_f4f6779c_59bdcee3_6b692153,
    0xd0a9877c_c62a4740_02df32e5_2139f0a0,
];
/// The signer id of GB/T 35276 with its length in bits in front.
const ENTL_ID: &[u8] = b"\x00\x801234567812345678";

/// `e = SM3(ZA ‖ message)` for the signer id 1234567812345678.
///
/// # Errors
/// [`Error::Unsupported`] if the point is not on the SM2 curve.
pub fn sm2_digest(public: &Point, message: &[u8]) -> Result<Digest, Error> {
    if public.curve() != Curve::Sm2 {
        return Err(Error::Unsupported {
            what: "SM2 digest under this key",
        });
    }
    let curve: Vec<u8> = CURVE.iter().flat_map(|half| half.to_be_bytes()).collect();
    let point = public.to_uncompressed();
    let za = HashAlg::Sm3.digest_parts(&[ENTL_ID, &curve, &point[1..]]);
    Ok(HashAlg::Sm3.digest_parts(&[za.as_bytes(), message]))
}

/// `SEQUENCE { r INTEGER, s INTEGER }` of SM2 and of ECDSA.
#[derive(der::Sequence)]
struct Signature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// A signature `r ‖ s` of 32 bytes each, as tokens give it, in DER.
///
/// # Errors
/// [`Error::Encoding`] never in practice: 32 bytes always encode.
pub fn signature_to_der(raw: &[u8; 64]) -> Result<Vec<u8>, Error> {
    let wrong = |_| Error::Encoding { what: "signature" };
    Signature {
        r: UintRef::new(&raw[..32]).map_err(wrong)?,
        s: UintRef::new(&raw[32..]).map_err(wrong)?,
    }
    .to_der()
    .map_err(wrong)
}

/// A DER signature as `r ‖ s` of 32 bytes each.
///
/// # Errors
/// [`Error::Encoding`] for other bytes and for numbers that are longer.
pub fn signature_from_der(der: &[u8]) -> Result<[u8; 64], Error> {
    let wrong = Error::Encoding { what: "signature" };
    let found = Signature::from_der(der).map_err(|_| wrong.clone())?;
    let mut out = [0; 64];
    for (half, number) in out.chunks_mut(32).zip([found.r, found.s]) {
        let bytes = number.as_bytes();
        let at = half.len().checked_sub(bytes.len()).ok_or(wrong.clone())?;
        half[at..].copy_from_slice(bytes);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gbt_32918_5_example() -> Result<(), Error> {
        let point = hex::decode(
            "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
             CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13",
        )
        .expect("hex");
        let point = Point::from_uncompressed(Curve::Sm2, &point)?;
        assert_eq!(
            sm2_digest(&point, b"message digest")?.to_string(),
            "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
        );
        assert!(sm2_digest(&Point::generator(Curve::P256), b"").is_err());
        Ok(())
    }

    #[test]
    fn raw_signatures_both_ways() -> Result<(), Error> {
        let mut raw = [0; 64];
        raw[31] = 0x80;
        raw[32] = 0xff;
        let der = signature_to_der(&raw)?;
        assert_eq!(
            hex::encode(&der),
            format!("302702020080022100ff{}", "00".repeat(31))
        );
        assert_eq!(signature_from_der(&der)?, raw);
        assert!(signature_from_der(&der[..der.len() - 1]).is_err());
        Ok(())
    }
}
