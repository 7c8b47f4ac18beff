//! Signed attributes: what the signer said about the content and about itself.

use super::read::SignedData;
use super::signer_info::SignerInfo;
use super::{Strictness, WHAT, ids, rule};
use crate::asn1::{Reader, tag};
use crate::oid::{self, Oid};
use crate::{Certificate, Error};
use mifeng_crypto::{HashAlg, Suite, Time};

/// Signed attributes of one signature.
const ATTRIBUTES_MAX: usize = 16;
/// Certificates that one signing-certificate attribute may name.
const BOUND_MAX: usize = 64;

/// The signed attributes that matter.
#[derive(Default)]
pub(crate) struct Attributes<'a> {
    content_type: Option<Oid>,
    message_digest: Option<&'a [u8]>,
    pub(crate) signing_time: Option<Time>,
    /// The certificates that are bound, the signer's first.
    bound: Option<Vec<Bound<'a>>>,
    /// The two algorithm identifiers of RFC 6211, as they stand.
    protection: Option<(&'a [u8], &'a [u8])>,
}

/// One ESSCertID or ESSCertIDv2.
struct Bound<'a> {
    alg: Oid,
    digest: &'a [u8],
    /// Serial number of issuerSerial.
    serial: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// Reads the SET OF that was signed.
    pub(crate) fn read(set: &'a [u8]) -> Result<Self, Error> {
        let mut list = Reader::new(set, WHAT).enter(tag::SET)?;
        let mut out = Attributes::default();
        let (mut last, mut seen): (&[u8], Vec<Oid>) = (&[], Vec::new());
        while !list.is_empty() {
            let whole = list.whole(tag::SEQUENCE)?;
            // DER order, which is what was signed (X.690 section 11.6).
            if whole < last || seen.len() >= ATTRIBUTES_MAX {
                return Err(list.wrong());
            }
            last = whole;
            let mut pair = Reader::new(whole, WHAT).enter(tag::SEQUENCE)?;
            let id = pair.oid()?;
            if seen.contains(&id) {
                return Err(rule("a signed attribute stands twice"));
            }
            seen.push(id);
            let mut values = pair.enter(tag::SET)?;
            pair.finish()?;
            out.take(id, &mut values)?;
        }
        Ok(out)
    }

    fn take(&mut self, id: Oid, values: &mut Reader<'a>) -> Result<(), Error> {
        match id {
            oid::CONTENT_TYPE => self.content_type = Some(values.oid()?),
            oid::MESSAGE_DIGEST => self.message_digest = Some(values.value(tag::OCTET_STRING)?),
            oid::SIGNING_TIME => self.signing_time = Some(values.time()?),
            // The second version counts where both stand, in whatever order.
            oid::SIGNING_CERTIFICATE_V2 => self.bound = Some(bound(values, oid::SHA256)?),
            oid::SIGNING_CERTIFICATE => {
                let first = bound(values, oid::SHA1)?;
                self.bound.get_or_insert(first);
            }
            ids::ALGORITHM_PROTECTION => {
                let mut inner = values.enter(tag::SEQUENCE)?;
                let digest = inner.whole(tag::SEQUENCE)?;
                let signature = inner.value(tag::context(1))?;
                inner.finish()?;
                self.protection = Some((digest, signature));
            }
            _ => return Ok(()),
        }
        values.finish()
    }

    /// Whether a signed attribute names the signer's certificate.
    pub(crate) fn binds_signer(&self) -> bool {
        self.bound.is_some()
    }

    /// Holds them against content and algorithms.
    pub(crate) fn check(
        &self,
        message: &SignedData,
        info: &SignerInfo,
        digest: &[u8],
        strictness: Strictness,
    ) -> Result<(), Error> {
        let data = [Some(oid::DATA), Some(oid::GM_DATA)];
        let same = self.content_type == Some(message.content_type)
            || (strictness == Strictness::Field
                && data.contains(&self.content_type)
                && data.contains(&Some(message.content_type)));
        if !same {
            return Err(rule("contentType attribute disagrees or is missing"));
        }
        let claimed = self.message_digest;
        if claimed.ok_or(rule("messageDigest is missing"))? != digest {
            return Err(Error::DigestMismatch { what: "content" });
        }
        if let Some((digest, signature)) = self.protection
            && (digest != info.digest_raw || signature != info.signature_raw())
        {
            return Err(rule("algorithm protection names other algorithms"));
        }
        Ok(())
    }

    /// Holds the signing-certificate attribute against the certificates of the message.
    pub(crate) fn check_bound(
        &self,
        message: &SignedData,
        signer: &Certificate,
        suite: &Suite,
        strictness: Strictness,
    ) -> Result<(), Error> {
        let Some(bound) = &self.bound else {
            return match strictness {
                Strictness::Own => Err(rule("signing-certificate-v2 is missing")),
                Strictness::Field => Ok(()),
            };
        };
        // The first version knows SHA-1 alone. Our own messages bind by the suite's hash, which
        // the second version names.
        let hash = oid::hash_oid(suite.hash());
        if strictness == Strictness::Own && bound.iter().any(|id| id.alg != hash) {
            return Err(rule(
                "signing-certificate-v2 does not bind by the suite's hash",
            ));
        }
        if !bound.first().is_some_and(|id| id.names(signer)) {
            return Err(rule("signing-certificate-v2 names another certificate"));
        }
        // Own messages bind every certificate they carry.
        let mut all = message.certificates.iter();
        let named = |c: &Certificate| bound.iter().any(|id| id.names(c));
        if strictness == Strictness::Own && !all.all(named) {
            return Err(rule("a certificate is not bound by signing-certificate-v2"));
        }
        Ok(())
    }
    /// True if the contentType attribute uses the data identifier of the other standard.
    pub(crate) fn mixes(&self, content_type: Oid) -> bool {
        self.content_type
            .is_some_and(|claimed| claimed != content_type)
    }
}

impl Bound<'_> {
    fn names(&self, certificate: &Certificate) -> bool {
        if self
            .serial
            .is_some_and(|serial| serial != certificate.serial_raw())
        {
            return false;
        }
        let known = [HashAlg::Sm3, HashAlg::Sha256];
        match known
            .into_iter()
            .find(|alg| oid::hash_oid(*alg) == self.alg)
        {
            Some(alg) => certificate.fingerprint(alg).as_bytes() == self.digest,
            None => {
                let digest = oid::digest_by_oid(self.alg, certificate.der());
                digest.as_deref() == Some(self.digest)
            }
        }
    }
}

/// The certificates of SigningCertificate (RFC 2634) or SigningCertificateV2 (RFC 5035).
fn bound<'a>(values: &mut Reader<'a>, default: Oid) -> Result<Vec<Bound<'a>>, Error> {
    let mut outer = values.enter(tag::SEQUENCE)?;
    let mut list = outer.enter(tag::SEQUENCE)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        if out.len() >= BOUND_MAX {
            return Err(list.wrong());
        }
        let mut id = list.enter(tag::SEQUENCE)?;
        let alg = match id.peek() {
            Some(tag::SEQUENCE) => super::read::hash_id(&mut id)?,
            _ => default,
        };
        let digest = id.value(tag::OCTET_STRING)?;
        let serial = match id.optional(tag::SEQUENCE)? {
            Some(both) => Some(serial_of(both)?),
            None => None,
        };
        id.finish()?;
        out.push(Bound {
            alg,
            digest,
            serial,
        });
    }
    Ok(out)
}

/// The serial number of an IssuerSerial. The issuer's name is read over: writers repeat it in
/// other string types, and the hash beside it binds the certificate with its name.
fn serial_of<'a>(mut both: Reader<'a>) -> Result<&'a [u8], Error> {
    both.whole(tag::SEQUENCE)?;
    both.integer()
}
