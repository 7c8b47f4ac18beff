//! SM2 public-key encryption (GB/T 32918.4) in the DER form of GB/T 35276: C1, C3, C2.
//!
//! The scalar `k` is an argument: a bid's header is a function of one secret (PROTOCOL 2.2).

use crate::group::{Times, times, times_vartime};
use crate::{Curve, Error, HashAlg, Point, Scalar};
use der::asn1::{OctetStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The longest plaintext taken: keys and key blocks, never bulk data.
pub const MESSAGE_LEN_MAX: usize = 255;

/// `SM2Cipher` of GB/T 35276.
#[derive(Sequence)]
struct Cipher<'a> {
    x: UintRef<'a>,
    y: UintRef<'a>,
    hash: &'a OctetStringRef,
    text: &'a OctetStringRef,
}

/// Encrypts `message` (1 to 255 bytes) to `key` with the ephemeral scalar `k`.
///
/// # Errors
/// [`Error::Encoding`] if the message is empty or too long, or (with probability 2^-8·len) the
/// key stream is all zero, in which case the standard asks for another `k`.
pub fn encrypt(key: &Point, k: &Scalar, message: &[u8]) -> Result<Vec<u8>, Error> {
    encrypt_by(key, k, message, times)
}

/// The same bytes, made again after the opening: in variable time, so only for a `k` and a `message` that everybody can
/// find from what was released.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_opened(key: &Point, k: &Scalar, message: &[u8]) -> Result<Vec<u8>, Error> {
    encrypt_by(key, k, message, times_vartime)
}

fn encrypt_by(key: &Point, k: &Scalar, message: &[u8], times: Times) -> Result<Vec<u8>, Error> {
    if message.is_empty() || message.len() > MESSAGE_LEN_MAX || k.is_zero() {
        return Err(Error::Encoding {
            what: "SM2 plaintext of 1 to 255 bytes",
        });
    }
    // A2: C1 = kG.  A4: (x2, y2) = kP.
    let (x1, y1) = times(None, k).coordinates();
    let shared = shared(&times(Some(key), k));
    // A5: t = KDF(x2 ‖ y2, len), again if all zero.
    let mut text = Zeroizing::new(vec![0; message.len()]);
    key_stream(&shared, &mut text)?;
    // A6: C2 = M xor t.  A7: C3 = SM3(x2 ‖ M ‖ y2).
    for (t, m) in text.iter_mut().zip(message) {
        *t ^= m;
    }
    let hash = HashAlg::Sm3.digest_parts(&[&shared[..32], message, &shared[32..]]);
    let wrong = |_| Error::Encoding {
        what: "SM2 ciphertext",
    };
    Cipher {
        x: UintRef::new(&x1).map_err(wrong)?,
        y: UintRef::new(&y1).map_err(wrong)?,
        hash: OctetStringRef::new(hash.as_bytes()).map_err(wrong)?,
        text: OctetStringRef::new(&text).map_err(wrong)?,
    }
    .to_der()
    .map_err(wrong)
}

/// Decrypts a DER ciphertext; nothing is released before C3 has been checked.
///
/// # Errors
/// [`Error::Unverified`] whatever the fault.
pub fn decrypt(secret: &Scalar, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let cipher = Cipher::from_der(ciphertext).map_err(|_| Error::Unverified)?;
    let text = cipher.text.as_bytes();
    if text.is_empty() || text.len() > MESSAGE_LEN_MAX {
        return Err(Error::Unverified);
    }
    // B1: C1 on the curve; the order is prime, so B2's small-subgroup check is the identity check
    // that parsing makes.
    let mut c1 = [0; 65];
    c1[0] = 4;
    pad(&mut c1[1..33], cipher.x.as_bytes())?;
    pad(&mut c1[33..], cipher.y.as_bytes())?;
    let c1 = Point::from_uncompressed(Curve::Sm2, &c1).map_err(|_| Error::Unverified)?;
    // B3: (x2, y2) = dC1.  B4, B5: M = C2 xor KDF(x2 ‖ y2, len).
    let shared = shared(&c1.mul(secret));
    let mut message = Zeroizing::new(vec![0; text.len()]);
    key_stream(&shared, &mut message).map_err(|_| Error::Unverified)?;
    for (m, c) in message.iter_mut().zip(text) {
        *m ^= c;
    }
    // B6: C3 = SM3(x2 ‖ M ‖ y2).
    let hash = HashAlg::Sm3.digest_parts(&[&shared[..32], &message, &shared[32..]]);
    if bool::from(hash.as_bytes().ct_eq(cipher.hash.as_bytes())) {
        Ok(message)
    } else {
        Err(Error::Unverified)
    }
}

/// A ciphertext in its parts, as tokens and machines take it (GM/T 0016 ECCCIPHERBLOB).
pub struct Parts {
    /// C1's x-coordinate.
    pub x: [u8; 32],
    /// C1's y-coordinate.
    pub y: [u8; 32],
    /// C3.
    pub hash: [u8; 32],
    /// C2.
    pub text: Vec<u8>,
}

impl Parts {
    /// The parts of a DER ciphertext; the point is not checked.
    ///
    /// # Errors
    /// [`Error::Unverified`] if it is none.
    pub fn from_der(ciphertext: &[u8]) -> Result<Self, Error> {
        let cipher = Cipher::from_der(ciphertext).map_err(|_| Error::Unverified)?;
        let hash = cipher.hash.as_bytes().try_into();
        let mut parts = Parts {
            x: [0; 32],
            y: [0; 32],
            hash: hash.map_err(|_| Error::Unverified)?,
            text: cipher.text.as_bytes().to_vec(),
        };
        pad(&mut parts.x, cipher.x.as_bytes())?;
        pad(&mut parts.y, cipher.y.as_bytes())?;
        Ok(parts)
    }

    /// The ciphertext in DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] if the text is longer than DER's lengths allow.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        let wrong = |_| Error::Encoding {
            what: "SM2 ciphertext",
        };
        Cipher {
            x: UintRef::new(&self.x).map_err(wrong)?,
            y: UintRef::new(&self.y).map_err(wrong)?,
            hash: OctetStringRef::new(&self.hash).map_err(wrong)?,
            text: OctetStringRef::new(&self.text).map_err(wrong)?,
        }
        .to_der()
        .map_err(wrong)
    }
}

fn shared(point: &Point) -> Zeroizing<[u8; 64]> {
    let full = Zeroizing::new(point.to_uncompressed());
    let mut out = Zeroizing::new([0; 64]);
    out.copy_from_slice(&full[1..]);
    out
}

fn pad(out: &mut [u8], value: &[u8]) -> Result<(), Error> {
    let at = out
        .len()
        .checked_sub(value.len())
        .ok_or(Error::Unverified)?;
    out[at..].copy_from_slice(value);
    Ok(())
}

/// GB/T 32918.4 section 5.4.3; refuses the all-zero stream.
fn key_stream(shared: &[u8; 64], out: &mut [u8]) -> Result<(), Error> {
    for (counter, block) in (1_u32..).zip(out.chunks_mut(32)) {
        let digest = HashAlg::Sm3.digest_parts(&[shared, &counter.to_be_bytes()]);
        block.copy_from_slice(&digest.as_bytes()[..block.len()]);
    }
    let any = out.iter().fold(0, |acc, byte| acc | byte);
    if bool::from(any.ct_eq(&0)) {
        return Err(Error::Encoding {
            what: "SM2 key stream",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Scalar {
        let bytes: [u8; 32] = hex::decode(text)
            .expect("hex")
            .try_into()
            .expect("32 bytes");
        Scalar::from_be_bytes(Curve::Sm2, &bytes).expect("below the order")
    }

    #[test]
    fn gbt_32918_5_example() -> Result<(), Error> {
        let d = scalar("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
        let k = scalar("59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21");
        let ciphertext = encrypt(&Point::mul_generator(&d), &k, b"encryption standard")?;
        let expected = "307C022004EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73\
             022100E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0\
             042059983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766\
             041321886CA989CA9C7D58087307CA93092D651EFA";
        assert_eq!(hex::encode_upper(&ciphertext), expected);
        let again = encrypt_opened(&Point::mul_generator(&d), &k, b"encryption standard")?;
        assert_eq!(again, ciphertext);
        assert_eq!(&decrypt(&d, &ciphertext)?[..], b"encryption standard");
        assert_eq!(Parts::from_der(&ciphertext)?.to_der()?, ciphertext);
        for at in 0..ciphertext.len() {
            let mut bad = ciphertext.clone();
            bad[at] ^= 1;
            assert_eq!(
                decrypt(&d, &bad).err(),
                Some(Error::Unverified),
                "byte {at}"
            );
        }
        Ok(())
    }
}
