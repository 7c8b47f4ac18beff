//! Puts new keys and signatures into old certificates and lists.
//!
//! NIST PKITS is signed by 1,024-bit RSA keys with SHA-1, which are refused before any rule that
//! it tests. Here each key is replaced by one of a suite of ours, everywhere, and every document
//! is signed again by the replacement of the key that had signed it; all other bytes stay. A
//! document whose signature did not verify gets one that does not verify either.

use mifeng_crypto::{Error, KeyAlg, PrivateKey, SeededEntropy};
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY as RSA_SHA1, UnparsedPublicKey,
};
use std::collections::BTreeMap;

/// rsaEncryption and sha1WithRSAEncryption, as OID elements.
const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1];
const SHA1_RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 5];
/// AlgorithmIdentifiers of SM2 with SM3 and ECDSA with SHA-256.
const SM2_SM3: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75];
const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 3;
/// The place of SubjectPublicKeyInfo in a TBSCertificate with a version.
const KEY_AT: usize = 6;
/// The place of the AlgorithmIdentifier in a TBSCertificate, and in a TBSCertList with a version.
const CERTIFICATE_ALG_AT: usize = 2;
const LIST_ALG_AT: usize = 1;

/// One DER element: its tag and all its bytes.
type Element<'a> = (u8, &'a [u8]);

/// The elements in `input`; none if it is no DER of definite lengths.
fn elements(mut input: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut out = Vec::new();
    while !input.is_empty() {
        let (header, len) = header(input)?;
        let (whole, rest) = input.split_at_checked(header.checked_add(len)?)?;
        out.push((whole[0], whole));
        input = rest;
    }
    Some(out)
}

fn header(input: &[u8]) -> Option<(usize, usize)> {
    let first = usize::from(*input.get(1)?);
    if first < 0x80 {
        return Some((2, first));
    }
    let digits = input.get(2..2 + (first & 0x7f))?;
    let len = digits.iter().try_fold(0usize, |n, d| {
        n.checked_mul(256)?.checked_add(usize::from(*d))
    });
    Some((2 + digits.len(), len?))
}

fn content(element: &[u8]) -> Option<&[u8]> {
    let (header, len) = header(element)?;
    element.get(header..header.checked_add(len)?)
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let digits: Vec<u8> = len.iter().copied().skip_while(|b| *b == 0).collect();
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A signed document taken apart.
struct Signed<'a> {
    tbs: &'a [u8],
    parts: Vec<Element<'a>>,
    alg: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let outer = elements(content(der)?)?;
        let [(_, tbs), (_, alg), (BIT_STRING, bits)] = outer[..] else {
            return None;
        };
        Some(Signed {
            tbs,
            parts: elements(content(tbs)?)?,
            alg,
            signature: content(bits)?.get(1..)?,
        })
    }

    /// The RSA key of a certificate: its SubjectPublicKeyInfo.
    fn rsa_key(&self) -> Option<&'a [u8]> {
        let (_, spki) = *self.parts.get(KEY_AT)?;
        content(spki)?.get(2..)?.starts_with(RSA).then_some(spki)
    }
}

/// The bits of a SubjectPublicKeyInfo.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let (_, bits) = *elements(content(spki)?)?.get(1)?;
    content(bits)?.get(1..)
}

/// Replacements for the keys of a collection of certificates.
pub(super) struct Transplant {
    alg: KeyAlg,
    /// By old SubjectPublicKeyInfo.
    keys: BTreeMap<Vec<u8>, PrivateKey>,
}

impl Transplant {
    /// Makes a key of `alg` for each RSA key that one of the certificates has.
    pub(super) fn new(certificates: &[Vec<u8>], alg: KeyAlg) -> Result<Self, Error> {
        let mut keys = BTreeMap::new();
        for der in certificates {
            if let Some(spki) = Signed::read(der).and_then(|signed| signed.rsa_key()) {
                let key = PrivateKey::generate(alg, &mut SeededEntropy::new(spki))?;
                keys.insert(spki.to_vec(), key);
            }
        }
        Ok(Transplant { alg, keys })
    }

    /// The certificate with its key and signature replaced; as it is if they are not RSA.
    pub(super) fn certificate(&self, der: &[u8]) -> Result<Vec<u8>, Error> {
        let Some(signed) = Signed::read(der) else {
            return Ok(der.to_vec());
        };
        let Some(key) = signed.rsa_key().and_then(|spki| self.keys.get(spki)) else {
            return Ok(der.to_vec());
        };
        let spki = key.public_key()?.spki_der().to_vec();
        self.sign(&signed, CERTIFICATE_ALG_AT, Some(&spki))
            .unwrap_or_else(|| Ok(der.to_vec()))
    }

    /// The revocation list with its signature replaced; as it is if it is not RSA.
    pub(super) fn list(&self, der: &[u8]) -> Result<Vec<u8>, Error> {
        let signed = Signed::read(der);
        let made = signed.and_then(|signed| self.sign(&signed, LIST_ALG_AT, None));
        made.unwrap_or_else(|| Ok(der.to_vec()))
    }

    /// Nothing if the document was not signed by RSA with SHA-1.
    fn sign(
        &self,
        signed: &Signed<'_>,
        alg_at: usize,
        spki: Option<&[u8]>,
    ) -> Option<Result<Vec<u8>, Error>> {
        if !content(signed.alg)?.starts_with(SHA1_RSA) {
            return None;
        }
        let alg = match self.alg {
            KeyAlg::Sm2 => SM2_SM3,
            _ => ECDSA_SHA256,
        };
        let mut body = Vec::new();
        for (at, (_, part)) in signed.parts.iter().enumerate() {
            match (at, spki) {
                (at, _) if at == alg_at => body.extend_from_slice(alg),
                (KEY_AT, Some(spki)) => body.extend_from_slice(spki),
                _ => body.extend_from_slice(part),
            }
        }
        let tbs = tlv(SEQUENCE, &body);
        let made = |spki: &&Vec<u8>| {
            let bits = key_bits(spki).unwrap_or_default();
            let key = UnparsedPublicKey::new(&RSA_SHA1, bits);
            key.verify(signed.tbs, signed.signature).is_ok()
        };
        let signer = self.keys.keys().find(made);
        // Nobody's signature stays nobody's.
        let key = self.keys.get(signer.or_else(|| self.keys.keys().next())?)?;
        let mut signature = match key.sign(&tbs) {
            Ok(signature) => signature,
            Err(error) => return Some(Err(error)),
        };
        if signer.is_none() {
            *signature.last_mut()? ^= 1;
        }
        let bits = tlv(BIT_STRING, &[&[0], &signature[..]].concat());
        Some(Ok(tlv(SEQUENCE, &[&tbs[..], alg, &bits].concat())))
    }
}
