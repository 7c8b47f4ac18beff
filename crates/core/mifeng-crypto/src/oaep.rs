//! RSAES-OAEP encryption (RFC 8017 section 7.1.1) with SHA-256, MGF1-SHA-256 and an empty label.
//!
//! The seed is an argument: a bid's header is a function of one secret (PROTOCOL 2.2). There is
//! no RSA private-key operation here: keys that decrypt live in tokens. Many of those know OAEP
//! with SHA-1 only, or no OAEP at all; [`decode`] then undoes the padding of a bare RSA result.

use crate::{Error, HashAlg, KeyAlg, PublicKey};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use der::Decode;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes of SHA-256.
const H_LEN: usize = 32;
/// Bits of the largest modulus encrypted to: larger ones cost a tender's every verifier.
pub const RSA_BITS_MAX: usize = 4_096;

#[derive(der::Sequence)]
struct RsaPublicKey<'a> {
    modulus: der::asn1::UintRef<'a>,
    exponent: der::asn1::UintRef<'a>,
}

/// Encrypts `message` to an RSA key with the given seed.
///
/// # Errors
/// [`Error::Unsupported`] if this is no RSA key of at most [`RSA_BITS_MAX`] bits,
/// [`Error::Encoding`] if the message is too long for it.
pub fn encrypt(key: &PublicKey, message: &[u8], seed: &[u8; H_LEN]) -> Result<Vec<u8>, Error> {
    let bits = match key.key_alg() {
        KeyAlg::Rsa { bits } if bits <= RSA_BITS_MAX => bits,
        _ => {
            return Err(Error::Unsupported {
                what: "RSA encryption to this key",
            });
        }
    };
    let encoded = encode(message, seed, bits.div_ceil(8))?;
    power(key.raw(), &encoded, bits)
}

/// EME-OAEP encoding, steps 1 and 2.
fn encode(message: &[u8], seed: &[u8; H_LEN], len: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let wrong = Error::Encoding {
        what: "OAEP plaintext",
    };
    if message.len() + 2 * H_LEN + 2 > len {
        return Err(wrong);
    }
    // EM = 00 ‖ maskedSeed ‖ maskedDB with DB = lHash ‖ PS ‖ 01 ‖ M.
    let mut out = Zeroizing::new(vec![0; len]);
    let (head, db) = out.split_at_mut(1 + H_LEN);
    db[..H_LEN].copy_from_slice(HashAlg::Sha256.digest(b"").as_bytes());
    let at = db.len() - message.len();
    db[at - 1] = 1;
    db[at..].copy_from_slice(message);
    mgf1_xor(seed, db);
    head[1..].copy_from_slice(seed);
    mgf1_xor(db, &mut head[1..]);
    Ok(out)
}

/// Undoes the padding of what a token's bare RSA operation gave, of the modulus's length (RFC 8017
/// section 7.1.2 step 3); in constant time but for the message's length.
///
/// # Errors
/// [`Error::Unverified`] whatever the fault.
pub fn decode(encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut em = Zeroizing::new(encoded.to_vec());
    if em.len() < 2 * H_LEN + 2 {
        return Err(Error::Unverified);
    }
    let (head, db) = em.split_at_mut(1 + H_LEN);
    mgf1_xor(db, &mut head[1..]);
    mgf1_xor(&head[1..], db);
    let mut good = head[0].ct_eq(&0) & db[..H_LEN].ct_eq(HashAlg::Sha256.digest(b"").as_bytes());
    // Zeros, then one 01, then the message.
    let (mut found, mut at) = (Choice::from(0), 0_u64);
    for (index, byte) in (0_u64..).zip(&db[H_LEN..]) {
        let first_one = byte.ct_eq(&1) & !found;
        at.conditional_assign(&index, first_one);
        good &= found | byte.ct_eq(&0) | first_one;
        found |= first_one;
    }
    if bool::from(good & found) {
        let from = H_LEN + 1 + usize::try_from(at).map_err(|_| Error::Unverified)?;
        Ok(Zeroizing::new(db[from..].to_vec()))
    } else {
        Err(Error::Unverified)
    }
}

/// MGF1 (RFC 8017 appendix B.2.1), xored onto `out`.
fn mgf1_xor(seed: &[u8], out: &mut [u8]) {
    for (counter, block) in (0_u32..).zip(out.chunks_mut(H_LEN)) {
        let mask = HashAlg::Sha256.digest_parts(&[seed, &counter.to_be_bytes()]);
        block
            .iter_mut()
            .zip(mask.as_bytes())
            .for_each(|(b, m)| *b ^= m);
    }
}

/// RSAEP: `message ^ e mod n`, constant in time but for the public exponent.
fn power(key: &[u8], message: &[u8], bits: usize) -> Result<Vec<u8>, Error> {
    let wrong = Error::Encoding {
        what: "RSA public key",
    };
    let key = RsaPublicKey::from_der(key).map_err(|_| wrong.clone())?;
    let precision = u32::try_from(bits).map_err(|_| wrong.clone())?;
    let read = |bytes: &[u8], precision| {
        BoxedUint::from_be_slice(bytes, precision).map_err(|_| Error::Encoding {
            what: "RSA public key",
        })
    };
    let modulus = read(key.modulus.as_bytes(), precision)?;
    let modulus = Option::<Odd<BoxedUint>>::from(Odd::new(modulus)).ok_or(wrong)?;
    let exponent = key.exponent.as_bytes();
    let exponent_bits = exponent.len() as u32 * 8;
    let exponent = read(exponent, exponent_bits)?;
    let params = BoxedMontyParams::new(modulus);
    // EM begins with a zero byte, so it is below the modulus.
    let base = BoxedMontyForm::new(read(message, precision)?, &params);
    let out = base.pow_bounded_exp(&exponent, exponent_bits).retrieve();
    let bytes = out.to_be_bytes();
    let len = bits.div_ceil(8);
    // Precision is rounded up to whole words.
    Ok(bytes[bytes.len() - len..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8017 has no SHA-256 examples: the padding is undone by its definition instead, and the
    /// whole against OpenSSL and SoftHSM2 in `mifeng-token`.
    #[test]
    fn padding_is_undone_by_definition() -> Result<(), Error> {
        let mut em = encode(b"thirty-two bytes of key material", &[7; 32], 384)?;
        assert_eq!(&decode(&em)?[..], b"thirty-two bytes of key material");
        for at in 0..em.len() {
            let mut bad = em.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad).err(), Some(Error::Unverified), "byte {at}");
        }
        assert!(decode(&em[..65]).is_err());
        assert_eq!(em[0], 0);
        let (head, db) = em.split_at_mut(33);
        mgf1_xor(db, &mut head[1..]);
        assert_eq!(&head[1..], &[7; 32]);
        mgf1_xor(&head[1..], db);
        assert_eq!(&db[..32], HashAlg::Sha256.digest(b"").as_bytes());
        let (zeros, rest) = db[32..].split_at(384 - 33 - 32 - 33);
        assert!(zeros.iter().all(|b| *b == 0));
        assert_eq!(rest[0], 1);
        assert_eq!(&rest[1..], b"thirty-two bytes of key material");
        assert!(encode(&[0; 319], &[7; 32], 384).is_err());
        Ok(())
    }
}
