//! Private keys under a passphrase: PKCS#8 EncryptedPrivateKeyInfo with PBES2 (RFC 8018).

use crate::asn1::{Reader, tag, write};
use crate::oid;
use crate::{Error, pem};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use mifeng_crypto::sm4::Sm4;
use mifeng_crypto::{Entropy, HashAlg, PrivateKey, Suite};
use zeroize::Zeroizing;

/// PBKDF2 rounds written: OWASP's figure for HMAC-SHA-256.
pub const ITERATIONS: u32 = 600_000;
/// Fewer rounds than this protect nothing; RFC 8018 asks for 1,000 at least.
pub const ITERATIONS_MIN: u32 = 1_000;
/// More rounds than this would let a file keep its reader busy for minutes.
pub const ITERATIONS_MAX: u32 = 10_000_000;
/// Bytes of the largest key file read.
const LEN_MAX: usize = 16_384;
const BLOCK: usize = 16;
const LABEL: &str = "ENCRYPTED PRIVATE KEY";
const WHAT: &str = "key file";

#[derive(Clone, Copy)]
enum CipherAlg {
    Sm4,
    Aes256,
}

impl CipherAlg {
    fn key_len(self) -> usize {
        match self {
            CipherAlg::Sm4 => 16,
            CipherAlg::Aes256 => 32,
        }
    }
}

/// Encrypts `key` as the suite does: PBKDF2-HMAC-SM3 and SM4-CBC, or PBKDF2-HMAC-SHA-256 and
/// AES-256-CBC; `iterations` is normally [`ITERATIONS`].
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
    check_iterations(u64::from(iterations))?;
    let (mut salt, mut iv) = ([0; 16], [0; BLOCK]);
    entropy.fill(&mut salt)?;
    entropy.fill(&mut iv)?;
    let (prf, prf_oid, alg, alg_oid) = match suite.hash() {
        HashAlg::Sm3 => (HashAlg::Sm3, oid::HMAC_SM3, CipherAlg::Sm4, oid::SM4_CBC),
        HashAlg::Sha256 => (
            HashAlg::Sha256,
            oid::HMAC_SHA256,
            CipherAlg::Aes256,
            oid::AES256_CBC,
        ),
    };
    let derived = derive(prf, passphrase, &salt, iterations, alg.key_len());
    let plain = key.to_pkcs8_der()?;
    let mut data = Zeroizing::new(plain.to_vec());
    let pad = BLOCK - data.len() % BLOCK;
    data.extend(std::iter::repeat_n(pad as u8, pad));
    cbc_encrypt(alg, &derived, iv, &mut data);
    let kdf = write::seq(&[
        &write::octets(&salt),
        &write::small(u64::from(iterations)),
        &write::small(alg.key_len() as u64),
        &oid::algorithm_der(prf_oid, true),
    ]);
    let parameters = write::seq(&[
        &write::seq(&[&write::oid(oid::PBKDF2), &kdf]),
        &write::seq(&[&write::oid(alg_oid), &write::octets(&iv)]),
    ]);
    let scheme = write::seq(&[&write::oid(oid::PBES2), &parameters]);
    Ok(pem::encode(
        LABEL,
        &write::seq(&[&scheme, &write::octets(&data)]),
    ))
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
    if der.len() > LEN_MAX {
        return Err(Error::TooLarge {
            what: WHAT,
            found: der.len(),
            max: LEN_MAX,
        });
    }
    let mut top = Reader::new(der, WHAT);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let wrong = input.wrong();
    let mut scheme = input.enter(tag::SEQUENCE)?;
    let mut data = Zeroizing::new(input.value(tag::OCTET_STRING)?.to_vec());
    input.finish()?;
    if scheme.oid()? != oid::PBES2 || data.is_empty() || !data.len().is_multiple_of(BLOCK) {
        return Err(wrong);
    }
    let mut parameters = scheme.enter(tag::SEQUENCE)?;
    scheme.finish()?;
    let mut kdf = parameters.enter(tag::SEQUENCE)?;
    let mut encryption = parameters.enter(tag::SEQUENCE)?;
    parameters.finish()?;
    let alg = match encryption.oid()? {
        oid::SM4_CBC => CipherAlg::Sm4,
        oid::AES256_CBC => CipherAlg::Aes256,
        _ => return Err(wrong),
    };
    let iv = encryption
        .value(tag::OCTET_STRING)?
        .try_into()
        .map_err(|_| wrong.clone())?;
    encryption.finish()?;
    if kdf.oid()? != oid::PBKDF2 {
        return Err(wrong);
    }
    let (prf, salt, iterations) = read_kdf(kdf.enter(tag::SEQUENCE)?, alg)?;
    kdf.finish()?;
    let derived = derive(prf, passphrase, salt, iterations, alg.key_len());
    cbc_decrypt(alg, &derived, iv, &mut data);
    // One answer for bad padding and bad content; a file has no oracle to ask twice anyway.
    let pad = usize::from(data.last().copied().unwrap_or(0));
    let body = data
        .len()
        .checked_sub(pad)
        .filter(|_| (1..=BLOCK).contains(&pad));
    let body = body.ok_or(Error::Passphrase)?;
    if data[body..].iter().any(|b| usize::from(*b) != pad) {
        return Err(Error::Passphrase);
    }
    PrivateKey::from_pkcs8_der(&data[..body]).map_err(|_| Error::Passphrase)
}

fn read_kdf<'a>(mut input: Reader<'a>, alg: CipherAlg) -> Result<(HashAlg, &'a [u8], u32), Error> {
    let salt = input.value(tag::OCTET_STRING)?;
    let iterations = check_iterations(input.small()?)?;
    if input.peek() == Some(tag::INTEGER) && input.small()? != alg.key_len() as u64 {
        return Err(input.wrong());
    }
    let prf = oid::algorithm(&mut input)?;
    input.finish()?;
    let known = match prf.oid {
        oid::HMAC_SM3 | oid::HMAC_SM3_ALT => HashAlg::Sm3,
        oid::HMAC_SHA256 => HashAlg::Sha256,
        _ => return Err(input.wrong()),
    };
    if !prf.parameters.is_empty() || salt.is_empty() {
        return Err(input.wrong());
    }
    Ok((known, salt, iterations))
}

fn check_iterations(found: u64) -> Result<u32, Error> {
    let wide = u32::try_from(found).unwrap_or(u32::MAX);
    if wide < ITERATIONS_MIN {
        return Err(Error::Malformed {
            what: "iteration count",
        });
    }
    if wide > ITERATIONS_MAX {
        return Err(Error::TooLarge {
            what: "iteration count",
            found: wide as usize,
            max: ITERATIONS_MAX as usize,
        });
    }
    Ok(wide)
}

/// PBKDF2 (RFC 8018 section 5.2) of at most one block of output.
fn derive(
    prf: HashAlg,
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new([0; 32]);
    match prf {
        HashAlg::Sha256 => {
            let rounds = std::num::NonZeroU32::new(iterations).unwrap_or(std::num::NonZeroU32::MIN);
            ring::pbkdf2::derive(
                ring::pbkdf2::PBKDF2_HMAC_SHA256,
                rounds,
                salt,
                passphrase,
                &mut out[..],
            );
        }
        HashAlg::Sm3 => {
            let keyed = <Hmac<sm3::Sm3> as KeyInit>::new_from_slice(passphrase)
                .expect("HMAC takes keys of every length");
            let mut first = keyed.clone();
            first.update(salt);
            first.update(&1u32.to_be_bytes());
            let mut block = first.finalize().into_bytes();
            out.copy_from_slice(&block);
            for _ in 1..iterations {
                let mut next = keyed.clone();
                next.update(&block);
                block = next.finalize().into_bytes();
                out.iter_mut().zip(block.iter()).for_each(|(o, b)| *o ^= b);
            }
        }
    }
    Zeroizing::new(out[..len].to_vec())
}

enum Keyed {
    Sm4(Box<Sm4>),
    Aes(Box<aes::Aes256>),
}

impl Keyed {
    fn new(alg: CipherAlg, key: &[u8]) -> Self {
        match alg {
            CipherAlg::Sm4 => {
                let key = <&[u8; 16]>::try_from(key).expect("derive gave key_len bytes");
                Keyed::Sm4(Box::new(Sm4::new(key)))
            }
            CipherAlg::Aes256 => {
                let key = aes::Aes256::new_from_slice(key).expect("derive gave key_len bytes");
                Keyed::Aes(Box::new(key))
            }
        }
    }
    fn encrypt(&self, block: &mut [u8; BLOCK]) {
        match self {
            Keyed::Sm4(key) => key.encrypt_block(block),
            Keyed::Aes(key) => key.encrypt_block(block.into()),
        }
    }
    fn decrypt(&self, block: &mut [u8; BLOCK]) {
        match self {
            Keyed::Sm4(key) => key.decrypt_block(block),
            Keyed::Aes(key) => key.decrypt_block(block.into()),
        }
    }
}

fn cbc_encrypt(alg: CipherAlg, key: &[u8], iv: [u8; BLOCK], data: &mut [u8]) {
    let (keyed, mut last) = (Keyed::new(alg, key), iv);
    for block in data.as_chunks_mut::<BLOCK>().0 {
        block.iter_mut().zip(last).for_each(|(b, l)| *b ^= l);
        keyed.encrypt(block);
        last = *block;
    }
}

fn cbc_decrypt(alg: CipherAlg, key: &[u8], iv: [u8; BLOCK], data: &mut [u8]) {
    let (keyed, mut last) = (Keyed::new(alg, key), iv);
    for block in data.as_chunks_mut::<BLOCK>().0 {
        let sealed = *block;
        keyed.decrypt(block);
        block.iter_mut().zip(last).for_each(|(b, l)| *b ^= l);
        last = sealed;
    }
}
