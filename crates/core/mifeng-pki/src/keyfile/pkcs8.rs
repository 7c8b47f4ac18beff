//! PKCS#8: PrivateKeyInfo (RFC 5958) and EncryptedPrivateKeyInfo; the older plain forms of RFC 5915
//! and RFC 8017 are read.

use super::pbe::{Password, Scheme};
use super::{Budget, ITERATIONS_MIN, Protection, pbe};
use crate::asn1::{Reader, tag, write};
use crate::oid::{self, Oid};
use crate::{Error, pem};
use mifeng_crypto::{Entropy, PrivateKey, Suite};
use zeroize::Zeroizing;

/// Bytes of the largest key file read.
const LEN_MAX: usize = 16_384;
pub(super) const LABEL: &str = "ENCRYPTED PRIVATE KEY";
const LABEL_PLAIN: &str = "PRIVATE KEY";
const WHAT: &str = "key file";

/// How a key is written: whose algorithms, and how many rounds (normally [`super::ITERATIONS`]).
#[derive(Clone, Copy)]
pub struct Writing {
    /// SM3 with SM4, or SHA-256 with AES-256.
    pub suite: &'static Suite,
    /// Rounds of PBKDF2.
    pub iterations: u32,
}

/// Encrypts `key` as the suite does: PBKDF2-HMAC-SM3 and SM4-CBC, or PBKDF2-HMAC-SHA-256 and
/// AES-256-CBC; `iterations` is normally [`super::ITERATIONS`]. Gives PEM.
///
/// # Errors
/// [`Error::TooLarge`] for iterations out of their limits; those of the key and the entropy.
pub fn encrypt(
    key: &PrivateKey,
    passphrase: &[u8],
    suite: &Suite,
    iterations: u32,
    entropy: &mut dyn Entropy,
) -> Result<String, Error> {
    let der = encrypt_der(key, passphrase, suite, iterations, entropy)?;
    Ok(pem::encode(LABEL, &der))
}

/// As [`encrypt`], in DER.
///
/// # Errors
/// As [`encrypt`].
pub fn encrypt_der(
    key: &PrivateKey,
    passphrase: &[u8],
    suite: &Suite,
    iterations: u32,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, Error> {
    let plain = key.to_pkcs8_der()?;
    let (scheme, data) = pbe::seal(suite, passphrase, iterations, &plain, entropy)?;
    Ok(write::seq(&[&scheme, &write::octets(&data)]))
}

/// Opens a PEM key file.
///
/// # Errors
/// [`Error::Passphrase`] for a wrong passphrase or damaged content, [`Error::Malformed`] and
/// [`Error::TooLarge`] for a file that is not one or asks for too few or too many rounds.
pub fn decrypt(text: &str, passphrase: &[u8]) -> Result<PrivateKey, Error> {
    let blocks = pem::decode(LABEL, text)?;
    match blocks.as_slice() {
        [der] => decrypt_der(der, passphrase),
        _ => Err(Error::Malformed { what: WHAT }),
    }
}

/// As [`decrypt`], from DER.
///
/// # Errors
/// As [`decrypt`].
pub fn decrypt_der(der: &[u8], passphrase: &[u8]) -> Result<PrivateKey, Error> {
    let mut budget = Budget::new();
    let (scheme, data) = parts(der, &mut budget, ITERATIONS_MIN)?;
    open(&scheme, data, &Password::new(passphrase))
}

/// The scheme and the ciphertext of an EncryptedPrivateKeyInfo.
pub(super) fn parts<'a>(
    der: &'a [u8],
    budget: &mut Budget,
    min: u32,
) -> Result<(Scheme<'a>, &'a [u8]), Error> {
    check_len(der)?;
    let mut top = Reader::new(der, WHAT);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let scheme = Scheme::read(&mut input, budget, min)?;
    let data = input.value(tag::OCTET_STRING)?;
    input.finish()?;
    Ok((scheme, data))
}

pub(super) fn open(
    scheme: &Scheme<'_>,
    data: &[u8],
    password: &Password<'_>,
) -> Result<PrivateKey, Error> {
    // One answer for bad padding and for bad content.
    let plain = scheme.open(password, data)?;
    PrivateKey::from_pkcs8_der(&plain).map_err(|_| Error::Passphrase)
}

fn check_len(der: &[u8]) -> Result<(), Error> {
    if der.len() > LEN_MAX {
        return Err(Error::TooLarge {
            what: WHAT,
            found: der.len(),
            max: LEN_MAX,
        });
    }
    Ok(())
}

/// Reads a key file in whatever form it has: PEM or DER, encrypted or not. The passphrase is asked
/// for only if it is needed.
///
/// # Errors
/// As [`decrypt`], those of `passphrase`, and of the key.
pub fn read_any<E: From<Error>>(
    bytes: &[u8],
    passphrase: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(PrivateKey, Protection), E> {
    // Comments around PEM blocks may be in any encoding.
    let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
    let (label, der) = match pem::first_key(&text) {
        Some((label, der)) => (Some(label), Zeroizing::new(der.map_err(E::from)?)),
        None => (None, Zeroizing::new(bytes.to_vec())),
    };
    let encrypted = match label {
        Some(label) => label == LABEL,
        // EncryptedPrivateKeyInfo begins with a SEQUENCE, all plain forms with a version.
        None => Reader::new(&der, WHAT)
            .enter(tag::SEQUENCE)
            .is_ok_and(|inner| inner.peek() == Some(tag::SEQUENCE)),
    };
    if !encrypted {
        return Ok((read_plain(&der)?, Protection::Plain));
    }
    let mut budget = Budget::new();
    let (scheme, data) = parts(&der, &mut budget, ITERATIONS_MIN)?;
    let passphrase = passphrase()?;
    let key = open(&scheme, data, &Password::new(&passphrase))?;
    Ok((key, scheme.protection()))
}

/// Reads a key in the clear: PKCS#8, ECPrivateKey (RFC 5915) with its curve, RSAPrivateKey
/// (RFC 8017).
///
/// # Errors
/// [`Error::Malformed`], [`Error::TooLarge`], and those of the key.
pub fn read_plain(der: &[u8]) -> Result<PrivateKey, Error> {
    check_len(der)?;
    let wrong = Error::Malformed {
        what: "private key",
    };
    let mut top = Reader::new(der, WHAT);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let version = input.small()?;
    match (version, input.peek()) {
        (_, Some(tag::SEQUENCE)) => Ok(PrivateKey::from_pkcs8_der(der)?),
        (1, Some(tag::OCTET_STRING)) => {
            input.value(tag::OCTET_STRING)?;
            let mut curve = input.enter(tag::context(0))?;
            wrap(oid::EC_PUBLIC_KEY, curve.whole(tag::OID)?, der)
        }
        (0, Some(tag::INTEGER)) => wrap(oid::RSA, &[5, 0], der),
        _ => Err(wrong),
    }
}

fn wrap(algorithm: Oid, parameters: &[u8], key: &[u8]) -> Result<PrivateKey, Error> {
    let info = Zeroizing::new(write::seq(&[
        &write::small(0),
        &write::seq(&[&write::oid(algorithm), parameters]),
        &write::octets(key),
    ]));
    Ok(PrivateKey::from_pkcs8_der(&info)?)
}

/// The key in the clear, as PEM: for tests and machines that protect files otherwise.
///
/// # Errors
/// Those of the key.
pub fn plain_pem(key: &PrivateKey) -> Result<Zeroizing<String>, Error> {
    Ok(Zeroizing::new(pem::encode(
        LABEL_PLAIN,
        &key.to_pkcs8_der()?,
    )))
}
