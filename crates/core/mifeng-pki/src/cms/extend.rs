//! What is added to a message after it was signed: time stamps and long-term material.
//!
//! Nothing that is signed changes. The signed attributes, the content and the signatures are
//! copied byte for byte; unsigned attributes and the set of revocation information grow.

use super::unsigned::ocsp_basic;
use super::{FIELD_MESSAGE_LEN_MAX, SignedData, WHAT, ids, rule};
use crate::asn1::{Reader, tag, write};
use crate::oid::Oid;
use crate::{Certificate, Error, RevocationList, tsp};

/// What proves later that a path held: RFC 5126 sections 6.3.3 and 6.3.4.
#[derive(Clone, Copy, Debug, Default)]
pub struct LongTermValues<'a> {
    /// Certificates of the paths that the message does not carry.
    pub certificates: &'a [Certificate],
    /// DER revocation lists.
    pub revocation_lists: &'a [Vec<u8>],
    /// DER OCSP responses, successful ones.
    pub ocsp_responses: &'a [Vec<u8>],
}

/// Puts a time stamp over the signature at `place` (0 for the only one) into the message: CAdES-T,
/// ETSI EN 319 122-1 section 5.3. The token's imprint has to be that of the signature's octets;
/// whose token it is, the verifier judges.
///
/// # Errors
/// [`Error::DigestMismatch`] for a token over something else; [`Error::Message`] if there is no
/// such signature; what reading says.
pub fn add_time_stamp(message: &[u8], place: usize, token: &[u8]) -> Result<Vec<u8>, Error> {
    let read = SignedData::parse_field(message)?;
    let info = read.signers.get(place).ok_or(rule("no such signer"))?;
    tsp::Stamped::read(token)?.check_over(&info.signature)?;
    let added = attribute(ids::SIGNATURE_TIME_STAMP, token);
    Parts::read(message, |parts| parts.add_unsigned(place, vec![added]))
}

/// Puts certificates and revocation information beside the signature at `place`, as the unsigned
/// attributes certificate-values and revocation-values.
///
/// # Errors
/// [`Error::Malformed`] for a list or response that is none; [`Error::Message`] if there is no such
/// signature or the attributes are there already.
pub fn add_long_term_values(
    message: &[u8],
    place: usize,
    values: &LongTermValues<'_>,
) -> Result<Vec<u8>, Error> {
    let read = SignedData::parse_field(message)?;
    let info = read.signers.get(place).ok_or(rule("no such signer"))?;
    let taken = [ids::CERTIFICATE_VALUES, ids::REVOCATION_VALUES];
    if info.unsigned.iter().any(|a| taken.contains(&a.id)) {
        return Err(rule("long-term values are there already"));
    }
    let mut added = Vec::new();
    if !values.certificates.is_empty() {
        let all: Vec<&[u8]> = values.certificates.iter().map(Certificate::der).collect();
        added.push(attribute(ids::CERTIFICATE_VALUES, &write::seq(&all)));
    }
    let mut revocations = Vec::new();
    if !values.revocation_lists.is_empty() {
        for list in values.revocation_lists {
            RevocationList::parse(list)?;
        }
        let all: Vec<&[u8]> = values.revocation_lists.iter().map(Vec::as_slice).collect();
        revocations.extend(write::tlv(tag::context(0), &[&write::seq(&all)]));
    }
    if !values.ocsp_responses.is_empty() {
        let all: Result<Vec<&[u8]>, Error> = values
            .ocsp_responses
            .iter()
            .map(|r| ocsp_basic(r))
            .collect();
        revocations.extend(write::tlv(tag::context(1), &[&write::seq(&all?)]));
    }
    if !revocations.is_empty() {
        added.push(attribute(
            ids::REVOCATION_VALUES,
            &write::seq(&[&revocations]),
        ));
    }
    Parts::read(message, |parts| parts.add_unsigned(place, added))
}

/// Puts revocation lists and OCSP responses into the message's own set of revocation information
/// (SignedData.crls; responses as RFC 5940 writes them).
///
/// # Errors
/// [`Error::Malformed`] for a list or response that is none; [`Error::Message`] for a response in a
/// message of GB/T 35275, which has no place for it.
pub fn add_revocations(
    message: &[u8],
    revocation_lists: &[Vec<u8>],
    ocsp_responses: &[Vec<u8>],
) -> Result<Vec<u8>, Error> {
    let read = SignedData::parse_field(message)?;
    if read.profile == super::Profile::Gbt35275 && !ocsp_responses.is_empty() {
        return Err(rule(
            "messages of GB/T 35275 have no place for OCSP responses",
        ));
    }
    let mut added = Vec::new();
    for list in revocation_lists {
        RevocationList::parse(list)?;
        added.push(list.clone());
    }
    for response in ocsp_responses {
        ocsp_basic(response)?;
        let parts = [&write::oid(ids::OCSP_RESPONSE)[..], response];
        added.push(write::tlv(tag::context(1), &parts));
    }
    let version5 = !ocsp_responses.is_empty();
    Parts::read(message, |parts| {
        for one in added {
            if !parts.revocations.contains(&one) {
                parts.revocations.push(one);
            }
        }
        // RFC 5652 section 5.1: other revocation information makes it version 5.
        if version5 {
            parts.version = write::small(5);
        }
        Ok(())
    })
}

fn attribute(id: Oid, value: &[u8]) -> Vec<u8> {
    write::seq(&[&write::oid(id), &write::tlv(tag::SET, &[value])])
}

/// A message in pieces, as they stand.
struct Parts<'a> {
    content_type: &'a [u8],
    version: Vec<u8>,
    digests: &'a [u8],
    encapsulated: &'a [u8],
    certificates: &'a [u8],
    revocations: Vec<Vec<u8>>,
    signers: Vec<Signer<'a>>,
}

struct Signer<'a> {
    /// Everything up to the signature, which is included.
    signed: &'a [u8],
    unsigned: Vec<Vec<u8>>,
}

impl Parts<'_> {
    /// Takes a message apart, changes it, and puts it together.
    fn read(
        message: &[u8],
        change: impl FnOnce(&mut Parts<'_>) -> Result<(), Error>,
    ) -> Result<Vec<u8>, Error> {
        let der = super::to_der(message, WHAT)?;
        let mut info = Reader::new(&der, WHAT).enter(tag::SEQUENCE)?;
        let content_type = info.whole(tag::OID)?;
        let mut input = info.enter(tag::context(0))?.enter(tag::SEQUENCE)?;
        let mut parts = Parts {
            content_type,
            version: input.whole(tag::INTEGER)?.to_vec(),
            digests: input.whole(tag::SET)?,
            encapsulated: input.whole(tag::SEQUENCE)?,
            certificates: match input.peek() {
                Some(0xa0) => input.whole(0xa0)?,
                _ => &[],
            },
            revocations: match input.optional(tag::context(1))? {
                Some(list) => elements(list)?,
                None => Vec::new(),
            },
            signers: Vec::new(),
        };
        let mut signers = input.enter(tag::SET)?;
        while !signers.is_empty() {
            let all = signers.value(tag::SEQUENCE)?;
            let (mut one, mut signed) = (Reader::new(all, WHAT), all);
            let mut unsigned = Vec::new();
            while !one.is_empty() {
                let before = one.rest().len();
                if one.peek() == Some(0xa1) {
                    signed = &all[..all.len() - before];
                    unsigned = elements(one.enter(0xa1)?)?;
                } else {
                    one.any()?;
                }
            }
            parts.signers.push(Signer { signed, unsigned });
        }
        change(&mut parts)?;
        parts.write()
    }

    fn add_unsigned(&mut self, place: usize, added: Vec<Vec<u8>>) -> Result<(), Error> {
        let signer = self.signers.get_mut(place).ok_or(rule("no such signer"))?;
        signer.unsigned.extend(added);
        Ok(())
    }

    fn write(self) -> Result<Vec<u8>, Error> {
        let set = |tag, list: Vec<Vec<u8>>| match list.is_empty() {
            true => Vec::new(),
            false => write::set_of(tag, list),
        };
        let signers = self.signers.into_iter().map(|signer| {
            let unsigned = set(tag::context(1), signer.unsigned);
            write::seq(&[signer.signed, &unsigned])
        });
        let signed_data = write::seq(&[
            &self.version,
            self.digests,
            self.encapsulated,
            self.certificates,
            &set(tag::context(1), self.revocations),
            &write::set_of(tag::SET, signers.collect()),
        ]);
        let explicit = write::tlv(tag::context(0), &[&signed_data]);
        let message = write::seq(&[self.content_type, &explicit]);
        super::read::limit(&message, FIELD_MESSAGE_LEN_MAX)?;
        Ok(message)
    }
}

fn elements(mut list: Reader<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let mut out = Vec::new();
    while !list.is_empty() {
        out.push(list.any()?.1.to_vec());
    }
    Ok(out)
}
