//! SignedData as it stands in the bytes: read, not verified.

use super::deviation::{Deviation, note};
use super::memo::{Forgetful, Memo};
use super::signer_info::{self, SignerInfo};
use super::{MESSAGE_LEN_MAX, Profile, WHAT, ber, ids, rule};
use crate::asn1::{Reader, tag};
use crate::oid::{self, Algorithm, Oid};
use crate::{Certificate, Error};
use zeroize::Zeroizing;

/// Bytes of the largest message of another product: with revocation lists inside they are large.
/// The reader below takes lengths of three octets.
pub const FIELD_MESSAGE_LEN_MAX: usize = 0xff_ffff;
/// Certificates in one message of our own.
const CERTIFICATES_MAX: usize = 8;
/// Certificates in one message of another product.
const FIELD_CERTIFICATES_MAX: usize = 64;
/// Signers of one message of another product: each costs a signature check.
const SIGNERS_MAX: usize = 64;
/// Digest algorithms one message may announce.
const DIGESTS_MAX: usize = 16;
/// Revocation lists and responses in one message.
const REVOCATIONS_MAX: usize = 256;

/// Octets that are wiped when they go away.
type Octets = Zeroizing<Vec<u8>>;

/// A message that was read but not verified.
#[derive(Clone, Debug)]
pub struct SignedData {
    pub(crate) profile: Profile,
    pub(crate) content_type: Oid,
    /// Wiped when it goes away: it may come from an envelope.
    pub(crate) content: Option<Octets>,
    pub(crate) certificates: Vec<Certificate>,
    revocation_lists: Vec<Vec<u8>>,
    ocsp_responses: Vec<Vec<u8>>,
    pub(crate) signers: Vec<SignerInfo>,
    pub(crate) deviations: Vec<Deviation>,
}

/// Whose messages are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Own,
    Field,
}

impl SignedData {
    /// Reads one message of our own making: strict DER, exactly one signer named by issuer and
    /// serial number, its certificate inside, nothing after it.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TooLarge`], [`Error::Message`].
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        Self::parse_with(der, &mut Forgetful)
    }

    pub(crate) fn parse_with(der: &[u8], memo: &mut dyn Memo) -> Result<Self, Error> {
        limit(der, MESSAGE_LEN_MAX)?;
        read(der, Source::Own, memo)
    }

    /// Reads a message of another product: up to 16 MiB; BER of indefinite length; no signer,
    /// or many; certificates missing, repeated or unreadable. What departs from the standard is in
    /// [`SignedData::deviations`]. Verify with [`super::Strictness::Field`].
    ///
    /// # Errors
    /// As [`SignedData::parse`].
    pub fn parse_field(bytes: &[u8]) -> Result<Self, Error> {
        limit(bytes, FIELD_MESSAGE_LEN_MAX)?;
        let der = ber::to_der(bytes, WHAT)?;
        let mut message = read(&der, Source::Field, &mut Forgetful)?;
        if matches!(der, std::borrow::Cow::Owned(_)) {
            note(&mut message.deviations, Deviation::Ber);
        }
        Ok(message)
    }

    /// The content, if the message carries it.
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_ref().map(|content| &content[..])
    }
    /// The content type, dotted.
    pub fn content_type_name(&self) -> String {
        self.content_type.to_string()
    }
    /// The certificates the message carries.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
    /// Adds certificates to search the signers and their issuers in, for messages that leave them
    /// out.
    pub fn add_certificates(&mut self, more: &[Certificate]) {
        for certificate in more {
            if !self.certificates.contains(certificate) {
                self.certificates.push(certificate.clone());
            }
        }
    }
    /// Which identifiers the message uses.
    pub fn profile(&self) -> Profile {
        self.profile
    }
    /// Signatures in the message.
    pub fn signer_count(&self) -> usize {
        self.signers.len()
    }
    /// DER revocation lists in the message: evidence, to be checked where it is used.
    pub fn revocation_lists(&self) -> &[Vec<u8>] {
        &self.revocation_lists
    }
    /// DER OCSP responses in the message (RFC 5940).
    pub fn ocsp_responses(&self) -> &[Vec<u8>] {
        &self.ocsp_responses
    }
    /// What departs from the standard in the structure; a signature's own are in
    /// [`super::Signed::deviations`].
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The signatures of an envelope (GB/T 35275 SignedAndEnvelopedData), whose content comes when
    /// it is decrypted.
    pub(crate) fn of_envelope(content_type: Oid, input: Tail<'_>) -> Result<Self, Error> {
        let mut message = SignedData {
            profile: Profile::Gbt35275,
            content_type,
            content: None,
            certificates: Vec::new(),
            revocation_lists: Vec::new(),
            ocsp_responses: Vec::new(),
            signers: Vec::new(),
            deviations: Vec::new(),
        };
        let mut rest = input.rest;
        message.tail(&mut rest, &input.announced, Source::Field, &mut Forgetful)?;
        Ok(message)
    }

    /// certificates, crls and signerInfos: the end of SignedData and of its enveloped twin.
    fn tail(
        &mut self,
        input: &mut Reader<'_>,
        announced: &[Oid],
        source: Source,
        memo: &mut dyn Memo,
    ) -> Result<(), Error> {
        match input.optional(tag::context(0))? {
            Some(list) => self.read_certificates(list, source, memo)?,
            None if source == Source::Own => {
                return Err(rule("the signer's certificate is missing"));
            }
            None => {}
        }
        // Revocation lists inside a message are evidence for others; ours come as arguments.
        if let Some(list) = input.optional(tag::context(1))?
            && source == Source::Field
        {
            self.read_revocations(list)?;
        }
        let mut signers = input.enter(tag::SET)?;
        input.finish()?;
        let max = if source == Source::Own {
            1
        } else {
            SIGNERS_MAX
        };
        while !signers.is_empty() {
            if self.signers.len() >= max {
                return Err(match source {
                    Source::Own => rule("more than one signer"),
                    Source::Field => Error::TooLarge {
                        what: "set of signers",
                        found: max + 1,
                        max,
                    },
                });
            }
            let whole = signers.whole(tag::SEQUENCE)?;
            let info = signer_info::read(whole, source, &mut self.deviations)?;
            if !announced.contains(&info.digest_alg) {
                return Err(rule("digest algorithms disagree"));
            }
            self.signers.push(info);
        }
        if self.signers.is_empty() && source == Source::Own {
            return Err(rule("no signer"));
        }
        Ok(())
    }

    fn read_certificates(
        &mut self,
        mut list: Reader<'_>,
        source: Source,
        memo: &mut dyn Memo,
    ) -> Result<(), Error> {
        let max = match source {
            Source::Own => CERTIFICATES_MAX,
            Source::Field => FIELD_CERTIFICATES_MAX,
        };
        let mut count = 0;
        while !list.is_empty() {
            count += 1;
            if count > max {
                return Err(Error::TooLarge {
                    what: "certificate set",
                    found: count,
                    max,
                });
            }
            if source == Source::Own {
                let certificate = memo.certificate(list.whole(tag::SEQUENCE)?)?;
                if self.certificates.contains(&certificate) {
                    return Err(rule("a certificate stands twice"));
                }
                self.certificates.push(certificate);
                continue;
            }
            // Attribute certificates and other choices say nothing about keys.
            let (kind, whole, _) = list.any()?;
            match memo.certificate(whole) {
                Ok(known) if self.certificates.contains(&known) => {
                    note(&mut self.deviations, Deviation::RepeatedCertificate);
                }
                Ok(certificate) => self.certificates.push(certificate),
                Err(_) if kind != tag::SEQUENCE => {}
                Err(_) => note(&mut self.deviations, Deviation::UnreadCertificate),
            }
        }
        Ok(())
    }

    /// RevocationInfoChoices: lists, and OCSP responses as RFC 5940 puts them.
    fn read_revocations(&mut self, mut list: Reader<'_>) -> Result<(), Error> {
        let mut count = 0;
        while !list.is_empty() {
            count += 1;
            if count > REVOCATIONS_MAX {
                return Err(Error::TooLarge {
                    what: "revocation set",
                    found: count,
                    max: REVOCATIONS_MAX,
                });
            }
            match list.any()? {
                (tag::SEQUENCE, whole, _) => self.revocation_lists.push(whole.to_vec()),
                (0xa1, _, value) => {
                    let mut other = Reader::new(value, WHAT);
                    if other.oid()? == ids::OCSP_RESPONSE {
                        let response = other.whole(tag::SEQUENCE)?;
                        self.ocsp_responses.push(response.to_vec());
                    }
                }
                _ => return Err(list.wrong()),
            }
        }
        Ok(())
    }
}

/// The end of a SignedAndEnvelopedData and the digests announced before it.
pub(crate) struct Tail<'a> {
    pub(crate) announced: Vec<Oid>,
    pub(crate) rest: Reader<'a>,
}

pub(crate) fn limit(bytes: &[u8], max: usize) -> Result<(), Error> {
    if bytes.len() > max {
        return Err(Error::TooLarge {
            what: WHAT,
            found: bytes.len(),
            max,
        });
    }
    Ok(())
}

fn read(der: &[u8], source: Source, memo: &mut dyn Memo) -> Result<SignedData, Error> {
    let mut top = Reader::new(der, WHAT);
    let mut info = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let profile = match info.oid()? {
        oid::SIGNED_DATA => Profile::Rfc5652,
        oid::GM_SIGNED_DATA => Profile::Gbt35275,
        _ => return Err(rule("content type is not signed data")),
    };
    let mut explicit = info.enter(tag::context(0))?;
    info.finish()?;
    let mut input = explicit.enter(tag::SEQUENCE)?;
    explicit.finish()?;
    let version = input.small()?;
    let mut deviations = Vec::new();
    let announced = digest_set(&mut input, &mut deviations)?;
    if source == Source::Own && announced.len() != 1 {
        return Err(rule("digest algorithms disagree"));
    }
    let (content_type, content) = encapsulated(input.enter(tag::SEQUENCE)?)?;
    let data = [oid::DATA, oid::GM_DATA];
    match (source, version, data.contains(&content_type)) {
        // Version 5 where responses were added (RFC 5652 section 5.1).
        (Source::Own, 1 | 5, _) | (Source::Own, 3, false) => {}
        (Source::Own, _, _) => return Err(rule("version does not fit the content type")),
        (Source::Field, 1, true) | (Source::Field, 3..=5, _) => {}
        (Source::Field, _, _) => note(&mut deviations, Deviation::Version),
    }
    if data.contains(&content_type)
        && (content_type == oid::GM_DATA) != (profile == Profile::Gbt35275)
    {
        note(&mut deviations, Deviation::MixedDataTypes);
    }
    let mut message = SignedData {
        profile,
        content_type,
        content,
        certificates: Vec::new(),
        revocation_lists: Vec::new(),
        ocsp_responses: Vec::new(),
        signers: Vec::new(),
        deviations,
    };
    message.tail(&mut input, &announced, source, memo)?;
    Ok(message)
}

/// The same place, to look without going.
pub(super) fn ahead<'a>(input: &Reader<'a>) -> Reader<'a> {
    *input
}

/// digestAlgorithms.
pub(crate) fn digest_set(
    input: &mut Reader<'_>,
    deviations: &mut Vec<Deviation>,
) -> Result<Vec<Oid>, Error> {
    let (mut list, mut out) = (input.enter(tag::SET)?, Vec::new());
    while !list.is_empty() {
        if out.len() >= DIGESTS_MAX {
            return Err(list.wrong());
        }
        let id = algorithm(&mut list, deviations)?;
        if !id.parameters.is_empty() {
            return Err(list.wrong());
        }
        out.push(id.oid);
    }
    Ok(out)
}

/// An AlgorithmIdentifier; NULL beside an identifier of the SM family is noted.
pub(crate) fn algorithm<'a>(
    input: &mut Reader<'a>,
    deviations: &mut Vec<Deviation>,
) -> Result<Algorithm<'a>, Error> {
    let whole = ahead(input).whole(tag::SEQUENCE)?;
    let id = oid::algorithm(input)?;
    let sm = [
        oid::SM3,
        oid::SM2_SM3,
        oid::SM2_SIGN,
        ids::SM2_ENCRYPT,
        ids::SM2_EXCHANGE,
        ids::SM4,
        ids::SM4_ECB,
    ];
    if sm.contains(&id.oid) && whole.ends_with(&[5, 0]) && id.parameters.is_empty() {
        note(deviations, Deviation::NullParameters);
    }
    Ok(id)
}

/// A hash identifier without parameters.
pub(crate) fn hash_id(input: &mut Reader<'_>) -> Result<Oid, Error> {
    let id = oid::algorithm(input)?;
    if id.parameters.is_empty() {
        return Ok(id.oid);
    }
    Err(input.wrong())
}

fn encapsulated(mut input: Reader<'_>) -> Result<(Oid, Option<Octets>), Error> {
    let content_type = input.oid()?;
    let content = match input.optional(tag::context(0))? {
        Some(mut inner) => {
            let value = inner.value(tag::OCTET_STRING)?.to_vec();
            inner.finish()?;
            Some(Zeroizing::new(value))
        }
        None => None,
    };
    input.finish()?;
    Ok((content_type, content))
}
