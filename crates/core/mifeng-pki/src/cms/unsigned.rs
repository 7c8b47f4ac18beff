//! Unsigned attributes: time stamps and long-term material beside a signature.
//!
//! They prove nothing by themselves: everything in here is either verified on its own (time stamps,
//! revocation lists, responses, certificates on a path) or ignored, by name.

use super::{WHAT, ids};
use crate::Error;
use crate::asn1::{Reader, tag, write};
use crate::oid::{self, Oid};

/// Unsigned attributes of one signature. A message renewed every two years for a century has fewer.
const ATTRIBUTES_MAX: usize = 64;
/// Values in them all.
const VALUES_MAX: usize = 256;

/// What stands beside a signature, unsigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsigned {
    /// Signature time stamps: RFC 3161 tokens over the signature's octets.
    pub time_stamps: Vec<Vec<u8>>,
    /// DER certificates of certificate-values.
    pub certificates: Vec<Vec<u8>>,
    /// DER revocation lists of revocation-values.
    pub revocation_lists: Vec<Vec<u8>>,
    /// DER OCSP responses of revocation-values.
    pub ocsp_responses: Vec<Vec<u8>>,
    /// Archive time stamps of ETSI EN 319 122-1: [`super::verify_archive_stamp`] reads them.
    pub archive_time_stamps: Vec<Vec<u8>>,
    /// Counter-signatures, which are ignored: nobody here relies on one.
    pub counter_signatures: usize,
    /// Dotted identifiers of every other attribute, ignored.
    pub ignored: Vec<String>,
}

/// One attribute: its identifier and its values, each as a whole element.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) id: Oid,
    pub(crate) values: Vec<Vec<u8>>,
}

/// Reads `[1] IMPLICIT SET OF Attribute`.
pub(crate) fn read(mut list: Reader<'_>) -> Result<Vec<Attribute>, Error> {
    let (mut out, mut count): (Vec<Attribute>, usize) = (Vec::new(), 0);
    while !list.is_empty() {
        let mut pair = list.enter(tag::SEQUENCE)?;
        let id = pair.oid()?;
        let mut set = pair.enter(tag::SET)?;
        pair.finish()?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.any()?.1.to_vec());
            count += 1;
            if count > VALUES_MAX {
                return Err(too_many(count));
            }
        }
        out.push(Attribute { id, values });
        if out.len() > ATTRIBUTES_MAX {
            return Err(too_many(out.len()));
        }
    }
    Ok(out)
}

fn too_many(found: usize) -> Error {
    Error::TooLarge {
        what: "unsigned attribute set",
        found,
        max: ATTRIBUTES_MAX,
    }
}

/// Sorts them by what they are.
pub(crate) fn sort(attributes: &[Attribute]) -> Result<Unsigned, Error> {
    let mut out = Unsigned::default();
    for attribute in attributes {
        let values = &attribute.values;
        match attribute.id {
            ids::SIGNATURE_TIME_STAMP => out.time_stamps.extend_from_slice(values),
            ids::ARCHIVE_TIME_STAMP_V3 => out.archive_time_stamps.extend_from_slice(values),
            ids::CERTIFICATE_VALUES => {
                for value in values {
                    let mut list = Reader::new(value, WHAT).enter(tag::SEQUENCE)?;
                    while !list.is_empty() {
                        out.certificates.push(list.whole(tag::SEQUENCE)?.to_vec());
                    }
                }
            }
            ids::REVOCATION_VALUES => {
                for value in values {
                    revocation_values(value, &mut out)?;
                }
            }
            ids::COUNTER_SIGNATURE => out.counter_signatures += values.len(),
            // Among them the archive time stamps of RFC 5126 (…16.2.27 and .48), whose imprints are
            // over other bytes, superseded since 2013.
            other => out.ignored.push(other.to_string()),
        }
    }
    Ok(out)
}

/// RevocationValues (RFC 5126 section 6.3.4).
fn revocation_values(value: &[u8], out: &mut Unsigned) -> Result<(), Error> {
    let mut input = Reader::new(value, WHAT).enter(tag::SEQUENCE)?;
    if let Some(mut explicit) = input.optional(tag::context(0))? {
        let mut list = explicit.enter(tag::SEQUENCE)?;
        while !list.is_empty() {
            out.revocation_lists
                .push(list.whole(tag::SEQUENCE)?.to_vec());
        }
    }
    if let Some(mut explicit) = input.optional(tag::context(1))? {
        let mut list = explicit.enter(tag::SEQUENCE)?;
        while !list.is_empty() {
            let basic = list.whole(tag::SEQUENCE)?;
            out.ocsp_responses.push(ocsp_response(basic));
        }
    }
    // [2] other values: nothing we know.
    Ok(())
}

/// OCSPResponse, successful, around a BasicOCSPResponse (RFC 6960 section 4.2.1).
pub(crate) fn ocsp_response(basic: &[u8]) -> Vec<u8> {
    let bytes = write::seq(&[&write::oid(oid::OCSP_BASIC), &write::octets(basic)]);
    let status = [tag::ENUMERATED, 1, 0];
    write::seq(&[&status, &write::tlv(tag::context(0), &[&bytes])])
}

/// The BasicOCSPResponse inside a successful OCSPResponse.
pub(crate) fn ocsp_basic(response: &[u8]) -> Result<&[u8], Error> {
    const RESPONSE: &str = "OCSP response";
    let mut top = Reader::new(response, RESPONSE);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    if input.value(tag::ENUMERATED)? != [0] {
        return Err(input.wrong());
    }
    let mut explicit = input.enter(tag::context(0))?;
    let mut bytes = explicit.enter(tag::SEQUENCE)?;
    if bytes.oid()? != oid::OCSP_BASIC {
        return Err(bytes.wrong());
    }
    bytes.value(tag::OCTET_STRING)
}
