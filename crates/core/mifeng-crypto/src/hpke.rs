//! HPKE base mode (RFC 9180) with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM,
//! one message per context, with the ephemeral key derived from given key material.

use crate::group::{Times, times, times_vartime};
use crate::{Curve, Error, HashAlg, Point, Scalar, hkdf_expand};
use hmac::{Hmac, KeyInit, Mac};
use ring::aead;
use zeroize::Zeroizing;

/// `"KEM" ‖ I2OSP(0x0010, 2)`: DHKEM(P-256, HKDF-SHA256).
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// `"HPKE" ‖ kem 0x0010 ‖ kdf 0x0001 ‖ aead 0x0002`.
const HPKE_SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";
/// Bytes of the encapsulated key (uncompressed point).
pub const ENC_LEN: usize = 65;

/// Encrypts to `recipient`: returns `enc ‖ ciphertext ‖ tag`.
///
/// `ikm_e` is the key material of RFC 9180 section 7.1.3 `DeriveKeyPair`.
///
/// # Errors
/// [`Error::Encoding`] if no key can be derived from `ikm_e` (probability below 2^-2000).
pub fn seal_derand(
    recipient: &Point,
    info: &[u8],
    ikm_e: &[u8; 32],
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    seal_by(recipient, info, ikm_e, message, times)
}

/// The same bytes, made again after the opening: in variable time, so only for an `ikm_e` and a `message` that everybody
/// can find from what was released.
///
/// # Errors
/// As [`seal_derand`].
pub fn seal_opened(
    recipient: &Point,
    info: &[u8],
    ikm_e: &[u8; 32],
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    seal_by(recipient, info, ikm_e, message, times_vartime)
}

fn seal_by(
    recipient: &Point,
    info: &[u8],
    ikm_e: &[u8; 32],
    message: &[u8],
    times: Times,
) -> Result<Vec<u8>, Error> {
    let ephemeral = derive_key_pair(ikm_e)?;
    let enc = times(None, &ephemeral).to_uncompressed();
    let secret = kem_secret(
        &Zeroizing::new(times(Some(recipient), &ephemeral).coordinates().0),
        &enc,
        &recipient.to_uncompressed(),
    );
    let (key, nonce) = key_schedule(&secret, info)?;
    let mut buffer = message.to_vec();
    key.seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut buffer)
        .map_err(|_| Error::Unverified)?;
    Ok([&enc[..], &buffer].concat())
}

/// Opens what [`seal_derand`] wrote.
///
/// # Errors
/// [`Error::Unverified`] whatever the fault.
pub fn open(secret: &Scalar, info: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    open_with(&Point::mul_generator(secret), info, sealed, |point| {
        Ok(Zeroizing::new(point.mul(secret).coordinates().0))
    })
}

/// As [`open`], with the key held elsewhere: `own` is its public half, `dh` gives the x-coordinate
/// of the private key times the point (ECDH of SP 800-56A, as a token derives it).
///
/// # Errors
/// [`Error::Unverified`] whatever the fault of the ciphertext; those of `dh`.
pub fn open_with<E: From<Error>>(
    own: &Point,
    info: &[u8],
    sealed: &[u8],
    dh: impl FnOnce(&Point) -> Result<Zeroizing<[u8; 32]>, E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    let enc = sealed.get(..ENC_LEN).ok_or(Error::Unverified)?;
    let point = Point::from_uncompressed(Curve::P256, enc).map_err(|_| Error::Unverified)?;
    let x = dh(&point)?;
    let shared = kem_secret(&x, enc, &own.to_uncompressed());
    let (key, nonce) = key_schedule(&shared, info)?;
    let mut buffer = Zeroizing::new(sealed[ENC_LEN..].to_vec());
    let len = key
        .open_in_place(nonce, aead::Aad::empty(), &mut buffer)
        .map_err(|_| Error::Unverified)?
        .len();
    buffer.truncate(len);
    Ok(buffer)
}

fn extract(salt: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac =
        <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(salt).expect("HMAC takes any key length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Zeroizing<[u8; 32]> {
    extract(salt, &[b"HPKE-v1", suite, label, ikm])
}

fn labeled_expand(suite: &[u8], prk: &[u8], label: &[u8], info: &[u8], out: &mut [u8]) {
    let len = u16::try_from(out.len()).expect("outputs here are at most 32 bytes");
    let info = [&len.to_be_bytes()[..], b"HPKE-v1", suite, label, info];
    hkdf_expand(HashAlg::Sha256, prk, &info, out);
}

/// RFC 9180 section 7.1.3 for P-256 (bitmask 0xff).
fn derive_key_pair(ikm: &[u8]) -> Result<Scalar, Error> {
    let prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", ikm);
    for counter in 0..=255_u8 {
        let mut bytes = Zeroizing::new([0; 32]);
        labeled_expand(
            KEM_SUITE,
            &prk[..],
            b"candidate",
            &[counter],
            &mut bytes[..],
        );
        if let Ok(scalar) = Scalar::from_be_bytes(Curve::P256, &bytes)
            && !scalar.is_zero()
        {
            return Ok(scalar);
        }
    }
    Err(Error::Encoding {
        what: "HPKE key material",
    })
}

/// RFC 9180 section 4.1 `ExtractAndExpand`.
fn kem_secret(x: &[u8; 32], enc: &[u8], recipient: &[u8]) -> Zeroizing<[u8; 32]> {
    let prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", &x[..]);
    let context = [enc, recipient].concat();
    let mut out = Zeroizing::new([0; 32]);
    labeled_expand(
        KEM_SUITE,
        &prk[..],
        b"shared_secret",
        &context,
        &mut out[..],
    );
    out
}

/// RFC 9180 section 5.1, base mode, for the first message of the context.
fn key_schedule(secret: &[u8; 32], info: &[u8]) -> Result<(aead::LessSafeKey, aead::Nonce), Error> {
    let psk_id_hash = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"");
    let info_hash = labeled_extract(HPKE_SUITE, b"", b"info_hash", info);
    let context = [&[0][..], &psk_id_hash[..], &info_hash[..]].concat();
    let prk = labeled_extract(HPKE_SUITE, secret, b"secret", b"");
    let mut key = Zeroizing::new([0; 32]);
    labeled_expand(HPKE_SUITE, &prk[..], b"key", &context, &mut key[..]);
    let mut nonce = [0; 12];
    labeled_expand(HPKE_SUITE, &prk[..], b"base_nonce", &context, &mut nonce);
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, &key[..]).map_err(|_| Error::Unverified)?;
    Ok((
        aead::LessSafeKey::new(key),
        aead::Nonce::assume_unique_for_key(nonce),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9180_a_3_1_kem() -> Result<(), Error> {
        // RFC 9180 A.3.1 (same KEM, other AEAD): key derivation and encapsulation.
        let ikm = hex::decode("4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e")
            .expect("hex");
        let ephemeral = derive_key_pair(&ikm)?;
        assert_eq!(
            hex::encode(ephemeral.to_be_bytes()),
            "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
        );
        let ikm_r = hex::decode("668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550")
            .expect("hex");
        let recipient = Point::mul_generator(&derive_key_pair(&ikm_r)?);
        let enc = Point::mul_generator(&ephemeral).to_uncompressed();
        let secret = kem_secret(
            &recipient.mul(&ephemeral).coordinates().0,
            &enc,
            &recipient.to_uncompressed(),
        );
        assert_eq!(
            hex::encode(&secret[..]),
            "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8"
        );
        Ok(())
    }

    #[test]
    fn round_trip_and_every_flip() -> Result<(), Error> {
        let secret = derive_key_pair(b"recipient key material of a test")?;
        let recipient = Point::mul_generator(&secret);
        let sealed = seal_derand(&recipient, b"info", &[7; 32], &[9; 32])?;
        let again = seal_opened(&recipient, b"info", &[7; 32], &[9; 32])?;
        assert_eq!(sealed, again);
        assert_eq!(sealed.len(), 113);
        assert_eq!(&open(&secret, b"info", &sealed)?[..], &[9; 32]);
        assert!(open(&secret, b"other", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(open(&secret, b"info", &bad).err(), Some(Error::Unverified));
        }
        Ok(())
    }
}
