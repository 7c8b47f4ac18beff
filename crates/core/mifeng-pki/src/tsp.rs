//! Time stamps: RFC 3161 with either suite.

use crate::asn1::{Reader, tag, write};
use crate::cms::{self, SignedData, Strictness};
use crate::oid::{self, Oid};
use crate::{Anchors, Certificate, Error, Purpose, RevocationList, Signer, verify_path};
use mifeng_crypto::{Digest, HashAlg, Suite, Time};

/// Bytes of the largest request or response read.
const LEN_MAX: usize = 65_536;
/// Bytes of the largest nonce or serial number: RFC 3161 asks for 20 and a sign octet.
const NUMBER_LEN_MAX: usize = 33;
const WHAT: &str = "time stamp";

/// A request for a stamp on a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    digest: Digest,
    alg: HashAlg,
    nonce: Option<u64>,
}

impl Request {
    /// Asks for a stamp on `digest`, with the authority's certificate in the answer.
    pub fn new(digest: Digest, alg: HashAlg, nonce: Option<u64>) -> Self {
        Request { digest, alg, nonce }
    }
    /// The digest to be stamped.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
    /// Its algorithm.
    pub fn alg(&self) -> HashAlg {
        self.alg
    }
    /// The nonce.
    pub fn nonce(&self) -> Option<u64> {
        self.nonce
    }

    /// TimeStampReq in DER, for `application/timestamp-query`.
    pub fn to_der(&self) -> Vec<u8> {
        let nonce = self.nonce.map(write::small).unwrap_or_default();
        let cert_req = [tag::BOOLEAN, 1, 0xff];
        write::seq(&[
            &write::small(1),
            &imprint(&self.digest, self.alg),
            &nonce,
            &cert_req,
        ])
    }

    /// Reads a TimeStampReq; extensions and policy wishes are refused or passed over.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::TimeStamp`] for a hash that is not taken.
    pub fn parse(der: &[u8]) -> Result<Self, Error> {
        let mut top = Reader::new(limit(der)?, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        if input.small()? != 1 {
            return Err(input.wrong());
        }
        let (oid, hashed) = read_imprint(&mut input)?;
        let alg = match oid {
            oid::SM3 => HashAlg::Sm3,
            oid::SHA256 => HashAlg::Sha256,
            _ => return Err(rule("hash of the request is not taken")),
        };
        let digest = hashed.try_into().map_err(|_| input.wrong())?;
        if input.peek() == Some(tag::OID) {
            input.any()?;
        }
        let nonce = match input.peek() {
            Some(tag::INTEGER) => Some(input.small()?),
            _ => None,
        };
        if input.peek() == Some(tag::BOOLEAN) {
            input.any()?;
        }
        input.finish()?;
        Ok(Request {
            digest: Digest::from_bytes(digest),
            alg,
            nonce,
        })
    }
}

fn rule(rule: &'static str) -> Error {
    Error::TimeStamp { rule }
}

fn limit(der: &[u8]) -> Result<&[u8], Error> {
    if der.len() > LEN_MAX {
        return Err(Error::TooLarge {
            what: WHAT,
            found: der.len(),
            max: LEN_MAX,
        });
    }
    Ok(der)
}

fn imprint(digest: &Digest, alg: HashAlg) -> Vec<u8> {
    // RFC 5754 section 2: parameters absent; SM3 the same.
    let alg = oid::algorithm_der(oid::hash_oid(alg), false);
    write::seq(&[&alg, &write::octets(digest.as_bytes())])
}

fn read_imprint<'a>(input: &mut Reader<'a>) -> Result<(Oid, &'a [u8]), Error> {
    let mut inner = input.enter(tag::SEQUENCE)?;
    let alg = oid::algorithm(&mut inner)?;
    let hashed = inner.value(tag::OCTET_STRING)?;
    inner.finish()?;
    if !alg.parameters.is_empty() {
        return Err(input.wrong());
    }
    Ok((alg.oid, hashed))
}

/// Answers a request as a small time-stamping authority: the token.
///
/// `policy` is a dotted object identifier; `serial` must never repeat; `gen_time` is the
/// authority's clock.
///
/// # Errors
/// [`Error::KeyUsage`] if the signer's certificate is not a time-stamping one,
/// [`Error::Malformed`] for a policy that is not an object identifier; what the signer says.
pub fn respond(
    signer: &dyn Signer,
    policy: &str,
    serial: u64,
    gen_time: Time,
    request: &Request,
) -> Result<Vec<u8>, Error> {
    let certificate = signer.certificate();
    if certificate.extended() != [oid::TIME_STAMPING] {
        return Err(Error::KeyUsage {
            subject: certificate.subject_name(),
            purpose: "time stamping",
        });
    }
    let policy = Oid::new(policy).map_err(|_| Error::Malformed { what: "policy" })?;
    let nonce = request.nonce.map(write::small).unwrap_or_default();
    let info = write::seq(&[
        &write::small(1),
        &write::oid(policy),
        &imprint(&request.digest, request.alg),
        &write::small(serial),
        &write::generalized(gen_time),
        &nonce,
    ]);
    let hash = match certificate.public_key().key_alg() {
        mifeng_crypto::KeyAlg::Sm2 => HashAlg::Sm3,
        _ => HashAlg::Sha256,
    };
    let digest = hash.digest(&info);
    // Tokens carry the RFC 5652 identifiers in both suites, as RFC 3161 software expects.
    let profile = cms::Profile::Rfc5652;
    cms::build(
        signer,
        profile,
        oid::TST_INFO,
        Some(&info),
        &digest,
        gen_time,
    )
}

/// TimeStampResp with status granted around a token, for `application/timestamp-reply`.
pub fn wrap_response(token: &[u8]) -> Vec<u8> {
    write::seq(&[&write::seq(&[&write::small(0)]), token])
}

/// The token inside a granted TimeStampResp.
///
/// # Errors
/// [`Error::TimeStamp`] if the stamp was not granted, [`Error::Malformed`].
pub fn unwrap_response(der: &[u8]) -> Result<Vec<u8>, Error> {
    let mut top = Reader::new(limit(der)?, WHAT);
    let mut input = top.enter(tag::SEQUENCE)?;
    top.finish()?;
    let status = input.enter(tag::SEQUENCE)?.small()?;
    // granted or grantedWithMods
    if status > 1 {
        return Err(rule("not granted"));
    }
    let token = input.whole(tag::SEQUENCE)?.to_vec();
    input.finish()?;
    Ok(token)
}

/// A verified time stamp.
#[derive(Clone, Debug)]
pub struct TimeStamp {
    /// When the digest existed, by the authority's clock.
    pub gen_time: Time,
    /// The stamp's number at the authority, in lower-case hex.
    pub serial: String,
    /// The authority's policy, dotted.
    pub policy: String,
    /// The nonce of the request, big-endian without leading zeros.
    pub nonce: Option<Vec<u8>>,
    /// The authority's certificate.
    pub authority: Certificate,
}

/// Verifies a token over `digest`: signature, signing certificate, and the authority's path at
/// the stamped instant for time stamping alone.
///
/// # Errors
/// [`Error::DigestMismatch`] for another digest, [`Error::TimeStamp`], and those of
/// [`cms::verify_detached`] and [`verify_path`].
pub fn verify_token(
    der: &[u8],
    digest: &Digest,
    alg: HashAlg,
    anchors: &Anchors,
    crls: &[RevocationList],
    suite: &'static Suite,
) -> Result<TimeStamp, Error> {
    verify_token_raw(
        der,
        oid::hash_oid(alg),
        digest.as_bytes(),
        anchors,
        crls,
        suite,
    )
}

fn verify_token_raw(
    der: &[u8],
    alg: Oid,
    hashed: &[u8],
    anchors: &Anchors,
    crls: &[RevocationList],
    suite: &'static Suite,
) -> Result<TimeStamp, Error> {
    let message = SignedData::parse(der)?;
    if message.content_type() != oid::TST_INFO {
        return Err(rule("content is not TSTInfo"));
    }
    let content = message.content().ok_or(rule("content is missing"))?;
    let info = Info::read(content)?;
    if info.alg != alg || info.hashed != hashed {
        return Err(Error::DigestMismatch {
            what: "stamped data",
        });
    }
    let signed = message.verify_attached(suite, Strictness::Field)?;
    if !message.binds_signer() {
        return Err(rule("signing certificate attribute is missing"));
    }
    let (at, purpose) = (info.gen_time, Purpose::TimeStamping);
    verify_path(
        &signed.certificate,
        &signed.chain,
        anchors,
        crls,
        at,
        purpose,
        suite,
    )?;
    Ok(TimeStamp {
        gen_time: info.gen_time,
        serial: hex::encode(info.serial),
        policy: info.policy.to_string(),
        nonce: info.nonce.map(<[u8]>::to_vec),
        authority: signed.certificate,
    })
}

struct Info<'a> {
    policy: Oid,
    alg: Oid,
    hashed: &'a [u8],
    serial: &'a [u8],
    gen_time: Time,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Error> {
        let mut top = Reader::new(content, WHAT);
        let mut input = top.enter(tag::SEQUENCE)?;
        top.finish()?;
        // GB/T 20520-2025 is said to write 2.
        if !matches!(input.small()?, 1 | 2) {
            return Err(rule("unknown version"));
        }
        let policy = input.oid()?;
        let (alg, hashed) = read_imprint(&mut input)?;
        let serial = number(&mut input)?;
        if input.peek() != Some(tag::GENERALIZED_TIME) {
            return Err(input.wrong());
        }
        let gen_time = input.time()?;
        // accuracy, ordering
        for skip in [tag::SEQUENCE, tag::BOOLEAN] {
            if input.peek() == Some(skip) {
                input.any()?;
            }
        }
        let nonce = match input.peek() {
            Some(tag::INTEGER) => Some(number(&mut input)?),
            _ => None,
        };
        input.optional(tag::context(0))?;
        if let Some(mut list) = input.optional(tag::context(1))? {
            while !list.is_empty() {
                let (id, critical, _) = crate::certificate::extension(&mut list)?;
                if critical {
                    return Err(Error::CriticalExtension {
                        oid: id.to_string(),
                    });
                }
            }
        }
        input.finish()?;
        Ok(Info {
            policy,
            alg,
            hashed,
            serial,
            gen_time,
            nonce,
        })
    }
}

fn number<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let value = input.integer()?;
    if value.len() > NUMBER_LEN_MAX {
        return Err(input.wrong());
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_round_trip() {
        let digest = HashAlg::Sm3.digest(b"x");
        for nonce in [None, Some(0), Some(200), Some(u64::MAX >> 1)] {
            let request = Request::new(digest, HashAlg::Sm3, nonce);
            assert_eq!(Request::parse(&request.to_der()), Ok(request));
        }
    }

    /// The SHA-512 imprint of another product's token: read beside the public interface, which
    /// stamps 32-byte digests only.
    #[test]
    fn foreign_sha512_token() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../../shared/data/protocol/rfc3161/test_tsa/"
        );
        let read = |name: &str| std::fs::read(format!("{folder}{name}"));
        let (Ok(response), Ok(chain)) = (read("response.tsr"), read("ts_chain.pem")) else {
            eprintln!("skipped: foreign_sha512_token: sample data not there");
            return;
        };
        let token = unwrap_response(&response).expect("granted");
        let chain = String::from_utf8(chain).expect("text");
        let mut anchors = crate::pem::certificates(&chain).expect("certificates");
        // The token leaves the intermediate CA out, so that is listed, too.
        anchors.retain(Certificate::is_ca);
        let hashed = ring::digest::digest(&ring::digest::SHA512, b"hello");
        let check = |hashed: &[u8]| {
            let anchors = Anchors::new(anchors.clone());
            verify_token_raw(
                &token,
                oid::SHA512,
                hashed,
                &anchors,
                &[],
                &mifeng_crypto::INTL,
            )
        };
        let stamp = check(hashed.as_ref()).expect("verifies");
        assert_eq!(stamp.gen_time.to_string(), "2024-10-08T15:40:32Z");
        assert_eq!(
            check(&[0; 64]).map(|_| ()).map_err(|e| e.code()),
            Err("pki.digest-mismatch")
        );
    }
}
