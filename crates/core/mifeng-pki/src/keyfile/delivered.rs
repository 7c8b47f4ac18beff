//! Encryption keys that a CA made and delivers: SM2EnvelopedKey (GB/T 35276), the reply to a
//! double-certificate request that holds it (GM/T 0092), and the older SignedAndEnvelopedData
//! (GB/T 35275).
//!
//! In all of them an SM4 key is encrypted to the subject's *signing* key, and the private key
//! under it. Such a key was made by the CA, which keeps a copy.

use crate::asn1::{Reader, tag};
use crate::{Certificate, Error, oid};
use mifeng_crypto::sm4::{self, Sm4, cbc};
use mifeng_crypto::{Curve, Point, PrivateKey, Scalar, SignatureAlg};
use zeroize::Zeroizing;

/// Bytes of the largest delivery read: some certificates and one key.
const LEN_MAX: usize = 64 << 10;
/// Certificates in one reply: both chains fit.
const CERTIFICATES_MAX: usize = 16;
/// Bytes of the sealed private key: 32 alone, 64 as devices lay it out, 80 with padding.
const SEALED_LEN_MAX: usize = 80;
const WHAT: &str = "delivered key";

/// Wrong key or damaged delivery; said once for all reasons.
const CLOSED: Error = Error::Crypto(mifeng_crypto::Error::Unverified);

/// An SM2EnvelopedKey, not opened yet.
#[derive(Clone, Debug)]
pub struct EnvelopedKey {
    wrapped: Vec<u8>,
    public: Point,
    sealed: Vec<u8>,
}

impl EnvelopedKey {
    /// Reads the structure.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], and those of the point.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        check_len(der)?;
        let mut top = Reader::new(der, WHAT);
        let input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        Self::read(input)
    }

    /// Reads the members of the SEQUENCE.
    fn read(mut input: Reader<'_>) -> Result<Self, Error> {
        let alg = oid::algorithm(&mut input)?;
        let ecb = [oid::SM4_ECB, oid::SM4].contains(&alg.oid) && alg.parameters.is_empty();
        let wrapped = input.whole(tag::SEQUENCE)?.to_vec();
        let public = Point::from_uncompressed(Curve::Sm2, input.bits()?)?;
        let sealed = input.bits()?.to_vec();
        input.finish()?;
        if !ecb || ![32, 64].contains(&sealed.len()) {
            return Err(input.wrong());
        }
        Ok(EnvelopedKey {
            wrapped,
            public,
            sealed,
        })
    }

    /// The public half, as the CA says it.
    pub fn public(&self) -> &Point {
        &self.public
    }

    /// The SM4 key under the subject's signing key (SM2Cipher in DER): for tokens, which open it
    /// themselves.
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }

    /// The private key under the SM4 key.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Opens it with the subject's signing key.
    ///
    /// # Errors
    /// [`Error::Crypto`] without detail if the key is not the one it was made for;
    /// [`Error::KeyMismatch`] if what it holds is not the key that it names.
    pub fn open(&self, signing: &PrivateKey) -> Result<PrivateKey, Error> {
        let key = signing.sm2_decrypt(&self.wrapped).map_err(|_| CLOSED)?;
        let plain = decrypt(&key, None, &self.sealed)?;
        let key = private_key(&plain)?;
        if key.public_key()?.point() == Some(&self.public) {
            Ok(key)
        } else {
            Err(Error::KeyMismatch)
        }
    }
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

/// SM4 without padding: CBC with an IV, ECB without.
fn decrypt(key: &[u8], iv: Option<&[u8]>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let key = Zeroizing::new(<[u8; 16]>::try_from(key).map_err(|_| CLOSED)?);
    let cipher = Sm4::new(&key);
    let mut plain = Zeroizing::new(sealed.to_vec());
    let (blocks, rest) = plain.as_chunks_mut::<{ sm4::BLOCK }>();
    if blocks.is_empty() || !rest.is_empty() {
        return Err(CLOSED);
    }
    match iv {
        Some(iv) => cbc::decrypt(&cipher, iv.try_into().map_err(|_| CLOSED)?, blocks),
        None => cipher.decrypt_blocks(blocks),
    }
    Ok(plain)
}

/// 32 bytes, or 64 with zeros in front (the layout of devices), perhaps with PKCS#7 padding.
fn private_key(plain: &[u8]) -> Result<PrivateKey, Error> {
    let padded = |len: usize| plain.len() == len + 16 && plain[len..] == [16; 16];
    let body = match plain.len() {
        48 if padded(32) => &plain[..32],
        80 if padded(64) => &plain[..64],
        32 | 64 => plain,
        _ => return Err(CLOSED),
    };
    let (zeros, scalar) = body.split_at(body.len() - 32);
    let scalar = <&[u8; 32]>::try_from(scalar).map_err(|_| CLOSED)?;
    if zeros.iter().any(|b| *b != 0) {
        return Err(CLOSED);
    }
    let scalar = Scalar::from_be_bytes(Curve::Sm2, scalar).map_err(|_| CLOSED)?;
    PrivateKey::from_scalar(&scalar).map_err(|_| CLOSED)
}

/// A CA's reply to a double-certificate request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The signing certificate, and perhaps its chain.
    pub signing: Vec<Certificate>,
    /// The encryption key.
    pub key: Option<EnvelopedKey>,
    /// The encryption certificate, and perhaps its chain.
    pub encryption: Vec<Certificate>,
}

impl Reply {
    /// Reads `SEQUENCE { SET OF Certificate, [0] SM2EnvelopedKey OPTIONAL, [1] SET OF Certificate
    /// OPTIONAL }` (GM/T 0092-2020), the tags explicit or implicit: products differ.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], and those of the certificates.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        check_len(der)?;
        let mut top = Reader::new(der, "CA reply");
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let signing = certificates(input.enter(tag::SET)?)?;
        let key = match input.optional(tag::context(0))? {
            None => None,
            Some(inner) => {
                let mut one = inner;
                let explicit = one.enter(tag::SEQUENCE)?;
                let members = if one.is_empty() { explicit } else { inner };
                Some(EnvelopedKey::read(members)?)
            }
        };
        let encryption = match input.optional(tag::context(1))? {
            None => Vec::new(),
            Some(mut inner) => match inner.optional(tag::SET)? {
                Some(set) => {
                    inner.finish()?;
                    certificates(set)?
                }
                None => certificates(inner)?,
            },
        };
        input.finish()?;
        Ok(Reply {
            signing,
            key,
            encryption,
        })
    }
}

fn certificates(mut list: Reader<'_>) -> Result<Vec<Certificate>, Error> {
    let mut found = Vec::new();
    while !list.is_empty() {
        if found.len() == CERTIFICATES_MAX {
            return Err(Error::TooLarge {
                what: "certificates of a CA reply",
                found: found.len() + 1,
                max: CERTIFICATES_MAX,
            });
        }
        found.push(Certificate::parse(list.whole(tag::SEQUENCE)?)?);
    }
    if found.is_empty() {
        return Err(list.wrong());
    }
    Ok(found)
}

/// Opens a key delivered as SignedAndEnvelopedData; gives the key and the certificate of who signed
/// it, whose path is still to be verified.
///
/// # Errors
/// [`Error::Malformed`] for another structure, [`Error::Crypto`] without detail if `signing` does
/// not open it, [`Error::BadSignature`] if the signature over the key does not hold.
pub fn open_signed_and_enveloped(
    der: &[u8],
    signing: &PrivateKey,
) -> Result<(PrivateKey, Certificate), Error> {
    check_len(der)?;
    let mut top = Reader::new(der, WHAT);
    let mut info = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let wrong = info.wrong();
    if info.oid()? != oid::GM_SIGNED_AND_ENVELOPED {
        return Err(wrong);
    }
    let mut data = info.enter(tag::context(0))?.enter(tag::SEQUENCE)?;
    data.small()?;
    let wrapped = recipient(data.enter(tag::SET)?)?;
    data.whole(tag::SET)?;
    let (iv, sealed) = encrypted_content(data.enter(tag::SEQUENCE)?)?;
    let listed = certificates(data.enter(tag::context(0))?)?;
    data.optional(tag::context(1))?;
    let signer = SignerInfo::read(data.enter(tag::SET)?)?;
    data.finish()?;
    let key = signing.sm2_decrypt(wrapped).map_err(|_| CLOSED)?;
    let plain = decrypt(&key, iv, sealed)?;
    let of_signer =
        |c: &&Certificate| c.issuer_raw() == signer.issuer && c.serial_raw() == signer.serial;
    let certificate = listed.iter().find(of_signer).ok_or(wrong)?;
    certificate
        .public_key()
        .verify(SignatureAlg::Sm2Sm3, &plain, signer.signature)
        .map_err(|_| Error::BadSignature {
            what: "delivered key",
        })?;
    Ok((private_key(&plain)?, certificate.clone()))
}

/// The wrapped SM4 key of the one recipient. Who it is named as is not looked at: CAs name the
/// certificate that they are just about to issue, or nobody; the key opens it or does not.
fn recipient(mut set: Reader<'_>) -> Result<&[u8], Error> {
    let wrong = set.wrong();
    let mut one = set.enter(tag::SEQUENCE)?;
    set.finish()?;
    one.small()?;
    one.any()?;
    let alg = oid::algorithm(&mut one)?;
    let wrapped = one.value(tag::OCTET_STRING)?;
    one.finish()?;
    if ![oid::SM2_ENCRYPT, oid::SM2_EXCHANGE].contains(&alg.oid) {
        return Err(wrong);
    }
    Ok(wrapped)
}

/// The IV, if there is one, and the sealed private key.
fn encrypted_content(mut input: Reader<'_>) -> Result<(Option<&[u8]>, &[u8]), Error> {
    let wrong = input.wrong();
    if input.oid()? != oid::GM_DATA {
        return Err(wrong);
    }
    let alg = oid::algorithm(&mut input)?;
    let sealed = input.value(0x80)?;
    input.finish()?;
    if sealed.len() > SEALED_LEN_MAX {
        return Err(wrong);
    }
    let iv = match (alg.oid, alg.parameters) {
        (oid::SM4 | oid::SM4_ECB, []) => None,
        (oid::SM4 | oid::SM4_CBC, iv) => Some(Reader::new(iv, WHAT).value(tag::OCTET_STRING)?),
        _ => return Err(wrong),
    };
    Ok((iv, sealed))
}

struct SignerInfo<'a> {
    issuer: &'a [u8],
    serial: &'a [u8],
    signature: &'a [u8],
}

impl<'a> SignerInfo<'a> {
    fn read(mut set: Reader<'a>) -> Result<Self, Error> {
        let wrong = set.wrong();
        let mut one = set.enter(tag::SEQUENCE)?;
        set.finish()?;
        one.small()?;
        let mut name = one.enter(tag::SEQUENCE)?;
        let (issuer, serial) = (name.whole(tag::SEQUENCE)?, name.integer()?);
        name.finish()?;
        let digest = oid::algorithm(&mut one)?;
        let alg = oid::algorithm(&mut one)?;
        let signature = one.value(tag::OCTET_STRING)?;
        one.finish()?;
        let known = [oid::SM2_SIGN, oid::SM2_SM3].contains(&alg.oid) && digest.oid == oid::SM3;
        known
            .then_some(SignerInfo {
                issuer,
                serial,
                signature,
            })
            .ok_or(wrong)
    }
}
