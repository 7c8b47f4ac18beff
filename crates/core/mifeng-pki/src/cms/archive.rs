//! Archive time stamps, version 3 (ETSI EN 319 122-1 section 5.5.3): read and held against the
//! message they keep alive.

use super::read::SignedData;
use super::signer_info::SignerInfo;
use super::unsigned::Attribute;
use super::{DigestAlg, WHAT, ids, rule};
use crate::asn1::{Reader, tag, write};
use crate::{Error, tsp};

/// Hashes in one index.
const HASHES_MAX: usize = 4_096;

/// What an archive time stamp covers, verified against the message. The token itself is still to
/// be verified with [`tsp::check_token`] over [`ArchiveStamp::stamped`].
#[derive(Clone, Debug)]
pub struct ArchiveStamp {
    /// The bytes whose hash the token has as its imprint.
    pub stamped: Vec<u8>,
    /// Certificates, revocation information and unsigned attributes that the index covers.
    pub covered: usize,
    /// Those in the message that came later and are not covered by this stamp.
    pub uncovered: usize,
}

/// Reads the archive time stamp `token` of the signature at `place` and checks that what its index
/// lists is in the message and that its imprint is over content, signature and index.
///
/// `content` is that of a detached message.
///
/// # Errors
/// [`Error::Message`] if the index lists something that is not there, or the form is older than
/// version 3; [`Error::DigestMismatch`] for an imprint of something else; what reading says.
pub fn verify_archive_stamp(
    message: &[u8],
    place: usize,
    token: &[u8],
    content: Option<&[u8]>,
) -> Result<ArchiveStamp, Error> {
    let der = super::to_der(message, WHAT)?;
    let read = SignedData::parse_field(&der)?;
    let info = read.signers.get(place).ok_or(rule("no such signer"))?;
    let content = content.or(read.content());
    let content = content.ok_or(rule("content is missing"))?;
    let stamp = tsp::Stamped::read(token)?;
    let alg = stamp.imprint().alg();
    let index = index_of(token)?;
    let found = Found::read(&der, info, alg)?;
    let parsed = Index::read(&index, alg)?;
    let (covered, uncovered) = found.cover(&parsed)?;
    let stamped = stamped(&read, info, alg, content, &index);
    stamp.check_over(&stamped)?;
    Ok(ArchiveStamp {
        stamped,
        covered,
        uncovered,
    })
}

/// What the imprint is over: the content's type, its digest, the signature with what it signs,
/// and the index.
fn stamped(
    message: &SignedData,
    info: &SignerInfo,
    alg: DigestAlg,
    content: &[u8],
    index: &[u8],
) -> Vec<u8> {
    [
        &write::oid(message.content_type)[..],
        &alg.digest(content),
        &info.signed_part,
        index,
    ]
    .concat()
}

/// The value of the one ats-hash-index-v3 attribute, unsigned in the token.
fn index_of(token: &[u8]) -> Result<Vec<u8>, Error> {
    let token = SignedData::parse_field(token)?;
    let mut all = token.signers.iter().flat_map(|info| &info.unsigned);
    let of = |a: &&Attribute| a.id == ids::ATS_HASH_INDEX_V3;
    let mut values = all.by_ref().filter(of).flat_map(|a| a.values.iter());
    match (values.next(), values.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(rule("the archive time stamp is older than version 3")),
        _ => Err(rule("the archive time stamp has two indices")),
    }
}

/// ATSHashIndexV3.
struct Index<'a> {
    certificates: Vec<&'a [u8]>,
    revocations: Vec<&'a [u8]>,
    attributes: Vec<&'a [u8]>,
}

impl<'a> Index<'a> {
    fn read(value: &'a [u8], stamp_alg: DigestAlg) -> Result<Self, Error> {
        let mut top = Reader::new(value, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        let mut ahead = input;
        let mut first = ahead.enter(tag::SEQUENCE)?;
        // hashIndAlgorithm; version 3 always names it, the writers' common default is SHA-256.
        let alg = match first.peek() {
            Some(tag::OID) => {
                first = input.enter(tag::SEQUENCE)?;
                DigestAlg::by_oid(first.oid()?)
            }
            _ => Some(DigestAlg::Sha256),
        };
        if alg != Some(stamp_alg) {
            return Err(rule("index and time stamp have different hashes"));
        }
        let index = Index {
            certificates: hashes(&mut input)?,
            revocations: hashes(&mut input)?,
            attributes: hashes(&mut input)?,
        };
        input.finish()?;
        Ok(index)
    }
}

fn hashes<'a>(input: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Error> {
    let (mut list, mut out) = (input.enter(tag::SEQUENCE)?, Vec::new());
    while !list.is_empty() {
        if out.len() >= HASHES_MAX {
            return Err(list.wrong());
        }
        out.push(list.value(tag::OCTET_STRING)?);
    }
    Ok(out)
}

/// The hashes of what is in the message.
struct Found {
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    attributes: Vec<Vec<u8>>,
}

impl Found {
    fn read(der: &[u8], info: &SignerInfo, alg: DigestAlg) -> Result<Self, Error> {
        let mut outer = Reader::new(der, WHAT).enter(tag::SEQUENCE)?;
        outer.oid()?;
        let mut input = outer.enter(tag::context(0))?.enter(tag::SEQUENCE)?;
        for skip in [tag::INTEGER, tag::SET, tag::SEQUENCE] {
            input.whole(skip)?;
        }
        let mut set = |n: u8| -> Result<Vec<Vec<u8>>, Error> {
            let Some(mut list) = input.optional(tag::context(n))? else {
                return Ok(Vec::new());
            };
            let mut out = Vec::new();
            while !list.is_empty() {
                out.push(alg.digest(list.any()?.1));
            }
            Ok(out)
        };
        let (certificates, revocations) = (set(0)?, set(1)?);
        let each = |a: &Attribute| -> Vec<Vec<u8>> {
            let id = write::oid(a.id);
            a.values
                .iter()
                .map(|v| alg.digest(&[&id, &v[..]].concat()))
                .collect()
        };
        let attributes = info.unsigned.iter().flat_map(each).collect();
        Ok(Found {
            certificates,
            revocations,
            attributes,
        })
    }

    /// How many are listed and how many are not; all that is listed must be there.
    fn cover(&self, index: &Index<'_>) -> Result<(usize, usize), Error> {
        let pairs = [
            (&self.certificates, &index.certificates),
            (&self.revocations, &index.revocations),
            (&self.attributes, &index.attributes),
        ];
        let (mut covered, mut all) = (0, 0);
        for (there, listed) in pairs {
            let known: std::collections::HashSet<&[u8]> = there.iter().map(Vec::as_slice).collect();
            if !listed.iter().all(|hash| known.contains(*hash)) {
                return Err(rule(
                    "the archive time stamp lists what is not in the message",
                ));
            }
            covered += listed.len();
            all += there.len();
        }
        Ok((covered, all.saturating_sub(covered)))
    }
}
