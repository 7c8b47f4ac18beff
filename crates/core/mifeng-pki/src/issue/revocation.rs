//! What the development CA says about revocation: complete and delta lists, OCSP responses.

use super::{CertificateAuthority, authority_key_id, extension};
use crate::asn1::{tag, write};
use crate::{Certificate, Error, OcspStatus, Signer, ocsp, oid};
use mifeng_crypto::{HashAlg, KeyAlg, SignatureAlg, Time};

/// One line of a revocation list.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Content octets of the serial number, as [`Certificate::serial_raw`] gives them.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub revoked: Time,
    /// CRLReason: 0 unspecified, 1 keyCompromise, 4 superseded, 5 cessationOfOperation,
    /// 6 certificateHold, 8 removeFromCRL (in a delta).
    pub reason: u8,
    /// Since when the key is thought to have been bad.
    pub invalid_since: Option<Time>,
}

/// What an OCSP response says about one certificate of the CA.
#[derive(Clone, Debug)]
pub struct OcspEntry {
    /// Content octets of the serial number.
    pub serial: Vec<u8>,
    /// What is said.
    pub status: OcspStatus,
    /// When it was known to be right.
    pub this_update: Time,
    /// When newer knowledge is due.
    pub next_update: Option<Time>,
}

impl CertificateAuthority {
    /// Signs a complete revocation list with this number.
    ///
    /// # Errors
    /// What the key says.
    pub fn revocation_list(
        &self,
        entries: &[Revocation],
        this_update: Time,
        next_update: Time,
        number: u64,
    ) -> Result<Vec<u8>, Error> {
        self.list(entries, this_update, next_update, number, None)
    }

    /// Signs a delta list (RFC 5280 section 5.2.4): what changed since the complete list number
    /// `base`.
    ///
    /// # Errors
    /// What the key says.
    pub fn delta_revocation_list(
        &self,
        changes: &[Revocation],
        this_update: Time,
        next_update: Time,
        number: u64,
        base: u64,
    ) -> Result<Vec<u8>, Error> {
        self.list(changes, this_update, next_update, number, Some(base))
    }

    fn list(
        &self,
        entries: &[Revocation],
        this_update: Time,
        next_update: Time,
        number: u64,
        base: Option<u64>,
    ) -> Result<Vec<u8>, Error> {
        let lines: Vec<Vec<u8>> = entries.iter().map(revocation).collect();
        // An empty list is left out, not written empty (RFC 5280 section 5.1.2.6).
        let list = if lines.is_empty() {
            Vec::new()
        } else {
            write::seq(&[&lines.concat()])
        };
        let authority = authority_key_id(self.certificate.public_key());
        let base = base.map(|base| extension(oid::DELTA_CRL_INDICATOR, true, &write::small(base)));
        let extensions = write::seq(&[
            &extension(oid::AUTHORITY_KEY_ID, false, &authority),
            &extension(oid::CRL_NUMBER, false, &write::small(number)),
            &base.unwrap_or_default(),
        ]);
        let alg = oid::signature_alg_der(self.key.signature_alg())?;
        let tbs = write::seq(&[
            &write::small(1),
            &alg,
            self.certificate.subject_raw(),
            &write::time(this_update),
            &write::time(next_update),
            &list,
            &write::tlv(tag::context(0), &[&extensions]),
        ]);
        let signature = self.key.sign(&tbs)?;
        Ok(write::seq(&[&tbs, &alg, &write::bits(&signature)]))
    }

    /// Signs an OCSP response with the CA's own key. `nonce` is the request's, if it had one.
    ///
    /// # Errors
    /// What the key says.
    pub fn ocsp_response(
        &self,
        entries: &[OcspEntry],
        produced_at: Time,
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let data = response_data(
            &self.certificate,
            &self.certificate,
            entries,
            produced_at,
            nonce,
        );
        let signature = self.key.sign(&data)?;
        response(&data, self.key.signature_alg(), &signature, None)
    }
}

/// Signs an OCSP response about certificates of `issuer` with the key of a delegated responder
/// ([`super::Profile::OcspResponder`]), whose certificate is put in.
///
/// # Errors
/// [`Error::KeyUsage`] if the signer's certificate is not for OCSP; what the signer says.
pub fn delegated_ocsp_response(
    signer: &dyn Signer,
    issuer: &Certificate,
    entries: &[OcspEntry],
    produced_at: Time,
    nonce: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let own = signer.certificate();
    if !own.extended().contains(&oid::OCSP_SIGNING) {
        return Err(Error::KeyUsage {
            subject: own.subject_name(),
            purpose: "OCSP signing",
        });
    }
    let data = response_data(own, issuer, entries, produced_at, nonce);
    let alg = match own.public_key().key_alg() {
        KeyAlg::Sm2 => SignatureAlg::Sm2Sm3,
        KeyAlg::P256 => SignatureAlg::EcdsaP256Sha256,
        _ => SignatureAlg::RsaPkcs1Sha256,
    };
    let signature = signer.sign(&data)?;
    response(&data, alg, &signature, Some(own))
}

/// ResponseData (RFC 6960 section 4.2.1), the responder named by its name.
fn response_data(
    responder: &Certificate,
    issuer: &Certificate,
    entries: &[OcspEntry],
    produced_at: Time,
    nonce: Option<&[u8]>,
) -> Vec<u8> {
    let hash = match issuer.public_key().key_alg() {
        KeyAlg::Sm2 => HashAlg::Sm3,
        _ => HashAlg::Sha256,
    };
    let answers: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| answer(entry, issuer, hash))
        .collect();
    let extensions = nonce.map(|nonce| {
        let list = write::seq(&[&ocsp::nonce_extension(nonce)]);
        write::tlv(tag::context(1), &[&list])
    });
    write::seq(&[
        &write::tlv(tag::context(1), &[responder.subject_raw()]),
        &whole_seconds(produced_at),
        &write::seq(&[&answers.concat()]),
        &extensions.unwrap_or_default(),
    ])
}

fn answer(entry: &OcspEntry, issuer: &Certificate, hash: HashAlg) -> Vec<u8> {
    let mut extensions = Vec::new();
    let status = match &entry.status {
        OcspStatus::Good => write::tlv(0x80, &[]),
        OcspStatus::Unknown => write::tlv(0x82, &[]),
        OcspStatus::Revoked(revoked) => {
            if let Some(since) = revoked.invalid_since {
                let value = whole_seconds(since);
                extensions = extension(oid::INVALIDITY_DATE, false, &value);
            }
            let reason = [tag::ENUMERATED, 1, revoked.reason];
            let reason = write::tlv(tag::context(0), &[&reason]);
            // Unspecified is left out (RFC 5280 section 5.3.1).
            let reason: &[u8] = if revoked.reason == 0 { &[] } else { &reason };
            write::tlv(tag::context(1), &[&whole_seconds(revoked.revoked), reason])
        }
    };
    let next = entry
        .next_update
        .map(|next| write::tlv(tag::context(0), &[&whole_seconds(next)]));
    if !extensions.is_empty() {
        extensions = write::tlv(tag::context(1), &[&write::seq(&[&extensions])]);
    }
    write::seq(&[
        &ocsp::certificate_id(&entry.serial, issuer, hash),
        &status,
        &whole_seconds(entry.this_update),
        &next.unwrap_or_default(),
        &extensions,
    ])
}

/// OCSPResponse, successful.
fn response(
    data: &[u8],
    alg: SignatureAlg,
    signature: &[u8],
    certificate: Option<&Certificate>,
) -> Result<Vec<u8>, Error> {
    let certificates = certificate.map(|one| {
        let list = write::seq(&[one.der()]);
        write::tlv(tag::context(0), &[&list])
    });
    let basic = write::seq(&[
        data,
        &oid::signature_alg_der(alg)?,
        &write::bits(signature),
        &certificates.unwrap_or_default(),
    ]);
    let bytes = write::seq(&[&write::oid(oid::OCSP_BASIC), &write::octets(&basic)]);
    Ok(write::seq(&[
        &[tag::ENUMERATED, 1, 0],
        &write::tlv(tag::context(0), &[&bytes]),
    ]))
}

/// GeneralizedTime without a fraction.
fn whole_seconds(time: Time) -> Vec<u8> {
    write::generalized(Time::from_unix_seconds(time.as_unix_seconds()))
}

fn revocation(entry: &Revocation) -> Vec<u8> {
    let mut extensions = Vec::new();
    if entry.reason != 0 {
        let reason = [tag::ENUMERATED, 1, entry.reason];
        extensions.extend(extension(oid::CRL_REASON, false, &reason));
    }
    if let Some(since) = entry.invalid_since {
        let value = whole_seconds(since);
        extensions.extend(extension(oid::INVALIDITY_DATE, false, &value));
    }
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        write::seq(&[&extensions])
    };
    let serial = write::tlv(tag::INTEGER, &[&entry.serial]);
    write::seq(&[&serial, &write::time(entry.revoked), &extensions])
}
