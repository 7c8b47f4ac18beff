//! Envelopes of other products (GB/T 35275 EnvelopedData and SignedAndEnvelopedData), opened.
//!
//! *What is it?* What Chinese CAs hand over keys in and office products send files in: an SM4 key
//! encrypted to each recipient with SM2, the content under it in CBC mode. *When do I want it?* To
//! read what others sent. **Never for bids**: these forms authenticate nothing, so whoever can ask
//! for openings and see the answers can change or learn content. Sealed bids have a format of
//! their own (`spec/envelope.md`); nothing here writes an envelope.
//!
//! Every failure that depends on the key or on decrypted bytes (wrong key, wrong padding, wrong
//! length) is the one error `crypto.unverified`, and padding is checked in constant time: the
//! reader is no oracle.

use crate::asn1::{Reader, tag};
use crate::cms::read::{self, Tail};
use crate::cms::{self, Deviation, SignedData, ids, note};
use crate::oid::{self, Oid};
use crate::{Certificate, Decrypter, Error};
use mifeng_crypto::sm4::{BLOCK, Sm4};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::Zeroizing;

/// Recipients of one envelope.
const RECIPIENTS_MAX: usize = 256;
/// Bytes of an SM4 key.
const KEY_LEN: usize = 16;
const WHAT: &str = "enveloped message";

/// An envelope that was read but not opened.
#[derive(Clone, Debug)]
pub struct Envelope {
    recipients: Vec<Recipient>,
    cipher: Cipher,
    ciphertext: Vec<u8>,
    /// The signatures of a signed envelope, read before anything is decrypted.
    signed: Option<SignedData>,
    deviations: Vec<Deviation>,
}

#[derive(Clone, Debug)]
struct Recipient {
    id: RecipientId,
    encrypted_key: Vec<u8>,
}

#[derive(Clone, Debug)]
enum RecipientId {
    IssuerAndSerial {
        issuer: Vec<u8>,
        serial: Vec<u8>,
    },
    /// A serial number with an empty issuer.
    Serial(Vec<u8>),
    KeyId(Vec<u8>),
}

impl RecipientId {
    fn names(&self, certificate: &Certificate) -> bool {
        match self {
            RecipientId::IssuerAndSerial { issuer, serial } => {
                certificate.issuer_raw() == issuer && certificate.serial_raw() == serial
            }
            RecipientId::Serial(serial) => certificate.serial_raw() == serial,
            RecipientId::KeyId(id) => certificate.subject_key_id() == Some(id),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Cipher {
    Cbc([u8; BLOCK]),
    Ecb,
}

/// What was inside an envelope. The content is wiped when it goes away.
pub struct Opened {
    /// The content; of an envelope in ECB mode with its padding, if it has any.
    pub content: Zeroizing<Vec<u8>>,
    /// Of a signed envelope: the signatures over the content, still to be verified with
    /// [`SignedData::verify_each`] and [`cms::Strictness::Field`].
    pub signed: Option<SignedData>,
}

impl Envelope {
    /// Reads an EnvelopedData or a SignedAndEnvelopedData of GB/T 35275; BER of indefinite length
    /// is taken.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`]; [`Error::Message`] for another content type or
    /// algorithm.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        read::limit(bytes, cms::FIELD_MESSAGE_LEN_MAX)?;
        let der = cms::to_der(bytes, WHAT)?;
        let mut top = Reader::new(&der, WHAT);
        let mut info = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let signed = match info.oid()? {
            ids::GM_ENVELOPED => false,
            ids::GM_SIGNED_AND_ENVELOPED => true,
            _ => return Err(rule("content type is not an envelope of GB/T 35275")),
        };
        let mut explicit = info.enter(tag::context(0))?;
        info.finish()?;
        let mut input = explicit.enter(tag::SEQUENCE)?;
        explicit.finish()?;
        let mut deviations = Vec::new();
        if matches!(der, std::borrow::Cow::Owned(_)) {
            note(&mut deviations, Deviation::Ber);
        }
        version(&mut input, &mut deviations)?;
        let recipients = recipients(input.enter(tag::SET)?, &mut deviations)?;
        let announced = match signed {
            true => Some(read::digest_set(&mut input, &mut deviations)?),
            false => None,
        };
        let (content_type, cipher, ciphertext) =
            encrypted(input.enter(tag::SEQUENCE)?, &mut deviations)?;
        let signed = match announced {
            Some(announced) => {
                let rest = Reader::new(input.rest(), WHAT);
                let tail = Tail { announced, rest };
                Some(SignedData::of_envelope(content_type, tail)?)
            }
            None => {
                input.finish()?;
                None
            }
        };
        Ok(Envelope {
            recipients,
            cipher,
            ciphertext,
            signed,
            deviations,
        })
    }

    /// Recipients of the envelope.
    pub fn recipient_count(&self) -> usize {
        self.recipients.len()
    }
    /// Whether the content is signed, too (SignedAndEnvelopedData).
    pub fn is_signed(&self) -> bool {
        self.signed.is_some()
    }
    /// What departs from the standard.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Opens the envelope with the key of one recipient.
    ///
    /// # Errors
    /// [`Error::Message`] if the key's certificate is not a recipient; [`Error::Unavailable`] if
    /// the key holder is not there; else [`Error::Crypto`] (`crypto.unverified`) without any
    /// detail.
    pub fn open(&self, key: &dyn Decrypter) -> Result<Opened, Error> {
        let certificate = key.certificate();
        let mut all = self.recipients.iter();
        let at = all.position(|r| r.id.names(certificate));
        self.open_at(at.ok_or(rule("no recipient has this certificate"))?, key)
    }

    /// Opens the envelope with the key of the recipient at a place, whatever its name: a CA that
    /// hands over an encryption key names the certificate of *that* key and encrypts to the
    /// signing key.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn open_at(&self, place: usize, key: &dyn Decrypter) -> Result<Opened, Error> {
        let recipient = self.recipients.get(place);
        let recipient = recipient.ok_or(rule("the envelope has fewer recipients"))?;
        let secret = match key.unwrap_key(&recipient.encrypted_key) {
            Ok(secret) => secret,
            Err(gone @ Error::Unavailable { .. }) => return Err(gone),
            Err(_) => return Err(closed()),
        };
        let secret = <&[u8; KEY_LEN]>::try_from(&secret[..]).map_err(|_| closed())?;
        let content = self.decrypt(&Sm4::new(secret))?;
        let signed = self.signed.clone().map(|mut signed| {
            signed.content = Some(content.clone());
            signed
        });
        Ok(Opened { content, signed })
    }

    fn decrypt(&self, cipher: &Sm4) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (blocks, rest) = self.ciphertext.as_chunks::<BLOCK>();
        if blocks.is_empty() || !rest.is_empty() {
            return Err(closed());
        }
        let mut plain = Zeroizing::new(blocks.to_vec());
        cipher.decrypt_blocks(&mut plain);
        if let Cipher::Cbc(iv) = self.cipher {
            let before = std::iter::once(&iv).chain(blocks);
            for (block, before) in plain.iter_mut().zip(before) {
                block.iter_mut().zip(before).for_each(|(b, c)| *b ^= c);
            }
        }
        let mut out = Zeroizing::new(plain.as_flattened().to_vec());
        // What is met in ECB is key material of whole blocks, without padding.
        if matches!(self.cipher, Cipher::Ecb) {
            return Ok(out);
        }
        let keep = unpadded(&out).ok_or(closed())?;
        out.truncate(keep);
        Ok(out)
    }
}

fn rule(rule: &'static str) -> Error {
    Error::Message { rule }
}

/// The one answer to everything that a key or decrypted bytes decide.
fn closed() -> Error {
    Error::Crypto(mifeng_crypto::Error::Unverified)
}

/// Bytes left without the padding of PKCS#7 (RFC 5652 section 6.3). The time depends on nothing
/// in the last block: every byte of it is looked at, whatever the others are.
fn unpadded(plain: &[u8]) -> Option<usize> {
    let last: &[u8; BLOCK] = plain.last_chunk()?;
    let pad = last[BLOCK - 1];
    let mut good = !pad.ct_eq(&0) & pad.ct_lt(&(BLOCK as u8 + 1));
    for (from_end, byte) in (1u8..).zip(last.iter().rev()) {
        let in_padding = !pad.ct_lt(&from_end);
        good &= !in_padding | byte.ct_eq(&pad);
    }
    let taken = u8::conditional_select(&0, &pad, good);
    let keep = plain.len() - usize::from(taken);
    bool::from(good & Choice::from(1)).then_some(keep)
}

fn version(input: &mut Reader<'_>, deviations: &mut Vec<Deviation>) -> Result<(), Error> {
    match input.small()? {
        1 => {}
        2 => note(deviations, Deviation::Version),
        _ => return Err(input.wrong()),
    }
    Ok(())
}

fn recipients(
    mut list: Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Recipient>, Error> {
    let mut out = Vec::new();
    while !list.is_empty() {
        if out.len() >= RECIPIENTS_MAX {
            return Err(Error::TooLarge {
                what: "set of recipients",
                found: out.len() + 1,
                max: RECIPIENTS_MAX,
            });
        }
        let mut one = list.enter(tag::SEQUENCE)?;
        version(&mut one, deviations)?;
        let id = match one.peek() {
            Some(0x80) => {
                note(deviations, Deviation::RecipientByKeyId);
                RecipientId::KeyId(one.value(0x80)?.to_vec())
            }
            _ => by_serial(one.enter(tag::SEQUENCE)?, deviations)?,
        };
        let alg = read::algorithm(&mut one, deviations)?;
        match alg.oid {
            ids::SM2_ENCRYPT => {}
            ids::SM2_EXCHANGE => note(deviations, Deviation::EncryptionIdentifier),
            _ => return Err(rule("the key is not encrypted with SM2")),
        }
        if !alg.parameters.is_empty() {
            return Err(one.wrong());
        }
        let encrypted_key = one.value(tag::OCTET_STRING)?.to_vec();
        one.finish()?;
        out.push(Recipient { id, encrypted_key });
    }
    Ok(out)
}

fn by_serial(mut name: Reader<'_>, deviations: &mut Vec<Deviation>) -> Result<RecipientId, Error> {
    // An empty issuer is met as an empty SEQUENCE and as the two bytes 00 00.
    let empty = [&[0, 0][..], &[tag::SEQUENCE, 0]];
    let rest = name.rest();
    if let Some(after) = empty.iter().find_map(|none| rest.strip_prefix(*none)) {
        note(deviations, Deviation::EmptyIssuer);
        let mut after = Reader::new(after, WHAT);
        let serial = after.integer()?.to_vec();
        after.finish()?;
        return Ok(RecipientId::Serial(serial));
    }
    let issuer = name.whole(tag::SEQUENCE)?.to_vec();
    let serial = name.integer()?.to_vec();
    name.finish()?;
    Ok(RecipientId::IssuerAndSerial { issuer, serial })
}

/// EncryptedContentInfo.
fn encrypted(
    mut input: Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<(Oid, Cipher, Vec<u8>), Error> {
    let content_type = input.oid()?;
    if ![oid::GM_DATA, oid::DATA].contains(&content_type) {
        return Err(rule("the enveloped content is not data"));
    }
    if content_type == oid::DATA {
        note(deviations, Deviation::MixedDataTypes);
    }
    let alg = read::algorithm(&mut input, deviations)?;
    let iv = match alg.parameters {
        [] => None,
        parameters => {
            let mut inner = Reader::new(parameters, WHAT);
            let iv = inner.value(tag::OCTET_STRING)?;
            inner.finish()?;
            Some(<[u8; BLOCK]>::try_from(iv).map_err(|_| input.wrong())?)
        }
    };
    let cipher = match (alg.oid, iv) {
        (oid::SM4_CBC, Some(iv)) => Cipher::Cbc(iv),
        (ids::SM4, Some(iv)) => {
            note(deviations, Deviation::BareSm4Cbc);
            Cipher::Cbc(iv)
        }
        (ids::SM4 | ids::SM4_ECB, None) => {
            note(deviations, Deviation::Sm4Ecb);
            Cipher::Ecb
        }
        _ => return Err(rule("the content is not encrypted with SM4-CBC")),
    };
    let ciphertext = match input.any()? {
        (0x80, _, bytes) => bytes.to_vec(),
        // In pieces, which BER allows.
        (0xa0, _, pieces) => {
            let (mut pieces, mut out) = (Reader::new(pieces, WHAT), Vec::new());
            while !pieces.is_empty() {
                out.extend_from_slice(pieces.value(tag::OCTET_STRING)?);
            }
            out
        }
        _ => return Err(input.wrong()),
    };
    // sharedInfo1 and sharedInfo2 belong to key agreement, which is not taken.
    input.finish()?;
    Ok((content_type, cipher, ciphertext))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_has_one_form() {
        for pad in 1..=16u8 {
            let mut block = vec![0xee; 32];
            block[32 - usize::from(pad)..].fill(pad);
            assert_eq!(unpadded(&block), Some(32 - usize::from(pad)));
            for at in 32 - usize::from(pad)..32 {
                let mut bent = block.clone();
                bent[at] ^= 0x80;
                assert_eq!(unpadded(&bent), None, "{pad} bytes, byte {at}");
            }
        }
        for bad in [0u8, 17, 32, 255] {
            assert_eq!(unpadded(&[bad; 32]), None);
        }
        assert_eq!(unpadded(&[]), None);
    }
}
