//! Whose a signature is, and since when: messages, seal signatures, time stamps of the document.

use super::Fault;
use super::check::{CheckedPdfSignature, SignatureForm, fault};
use super::contents::{is_seal, unpadded};
use super::object::Dict;
use crate::check::signing_time;
use crate::report::Outcome;
use crate::{Deviation, Error, Protected, StepId, Trust, check_signature};
use mifeng_crypto::{GM, INTL, Time};
use mifeng_pki::cms::{Signed, SignedData, Strictness};
use mifeng_pki::{Certificate, Error as PkiError, Purpose, RevocationList};

/// What a signature is held against.
pub(super) struct Evidence<'a> {
    /// The signed bytes.
    pub(super) content: &'a [u8],
    /// The earliest instant at which a later time stamp of the document shows them.
    pub(super) proven: Option<Time>,
}

/// Bound to SHA-1, which a second document can be made for.
const WEAK: [&str; 2] = ["adbe.x509.rsa_sha1", "adbe.pkcs7.sha1"];
const KNOWN: [&str; 2] = ["adbe.pkcs7.detached", CADES];
const CADES: &str = "ETSI.CAdES.detached";

/// Judges one signature; the stamped time of a time stamp of the document that holds.
pub(super) fn judge(
    one: &mut CheckedPdfSignature,
    value: &Dict,
    evidence: &Evidence<'_>,
    trust: &Trust<'_>,
) -> Option<Time> {
    let bytes = value.get("Contents").and_then(|v| v.text());
    let der = match bytes.map_or(Err(Fault::Contents("is missing")), |t| unpadded(&t.bytes)) {
        Ok(der) => der,
        Err(found) => {
            one.report.add(StepId::Format, Outcome::Fail(fault(found)));
            return None;
        }
    };
    if WEAK.contains(&one.format.as_str()) {
        let found = fault(Fault::SubFilter(one.format.clone()));
        one.report.add(StepId::Format, Outcome::Fail(found));
        return None;
    }
    if one.format == "ETSI.RFC3161" || value.is("Type", "DocTimeStamp") {
        one.form = Some(SignatureForm::TimeStamp);
        let report = &mut one.report;
        let claimed = ("signing", None);
        let stamp = trust.check_stamp(report, StepId::TimeStamp, der, evidence.content, claimed)?;
        one.signed_at = Some(stamp.gen_time);
        one.signer = Some(stamp.authority);
        return Some(stamp.gen_time);
    }
    if is_seal(der) {
        one.form = Some(SignatureForm::Seal);
        seal(one, der, evidence.content, trust);
        return None;
    }
    if !KNOWN.contains(&one.format.as_str()) {
        one.report.note(Deviation::SubFilter);
    }
    one.form = Some(SignatureForm::Message);
    message(one, der, evidence, trust);
    None
}

/// The steps of GB/T 38540 over the signed bytes.
fn seal(one: &mut CheckedPdfSignature, der: &[u8], content: &[u8], trust: &Trust<'_>) {
    let found = check_signature(der, Protected::Bytes(content), trust);
    one.report.extend(found.report.clone());
    one.signed_at = found.signed_at;
    one.signer = found.signature.as_ref().and_then(|s| s.signer().ok());
    one.seal = Some(found);
}

/// One signer, by either suite.
fn verified(message: &SignedData, content: &[u8]) -> Result<Signed, PkiError> {
    match message.verify_content(content, &GM, Strictness::Field) {
        Err(PkiError::WrongSuite { .. }) => {
            message.verify_content(content, &INTL, Strictness::Field)
        }
        found => found,
    }
}

/// A signature message: signature, stamps, and the signer at the signing time.
fn message(one: &mut CheckedPdfSignature, der: &[u8], evidence: &Evidence<'_>, trust: &Trust<'_>) {
    let report = &mut one.report;
    let read = SignedData::parse_field(der)
        .and_then(|message| verified(&message, evidence.content).map(|signed| (message, signed)));
    let (message, signed) = match read {
        Ok(read) => read,
        Err(error) => {
            report.result(StepId::Signature, Err(error.into()));
            return;
        }
    };
    if one.format == CADES && !signed.binds_certificate {
        report.add(StepId::Signature, Outcome::Fail(fault(Fault::NotBound)));
        return;
    }
    if !signed.deviations.is_empty() {
        report.note(Deviation::Message);
    }
    report.result(StepId::Signature, Ok(()));
    let more: Vec<Certificate> = [trust.material.intermediates, &signed.chain].concat();
    let lists = message.revocation_lists().iter();
    let lists = lists.filter_map(|der| RevocationList::parse(der).ok());
    let crls: Vec<RevocationList> = trust.material.crls.iter().cloned().chain(lists).collect();
    let mut own = *trust;
    own.material.intermediates = &more;
    own.material.crls = &crls;
    let claimed = signed.signing_time.or(one.claimed);
    let mut stamped = evidence.proven;
    for token in &signed.unsigned.time_stamps {
        let claimed = ("signing", claimed);
        let found = own.check_stamp(report, StepId::TimeStamp, token, &signed.signature, claimed);
        stamped = found.map(|s| s.gen_time).into_iter().chain(stamped).min();
    }
    one.signed_at = stamped.or(claimed);
    let at = one.signed_at.unwrap_or(trust.at);
    let time = match one.signed_at {
        Some(at) => signing_time(at, stamped.is_some(), trust),
        // Nothing says when: judged as if it were now.
        None => Outcome::Pass(Some(crate::Finding::new(
            "stamp.time-claimed",
            "未说明签名时间，按核验时间判断",
            "nothing says when it was signed: judged at the instant asked about",
        ))),
    };
    report.add(StepId::SigningTime, time);
    let outcome = own.signer_outcome(&signed.certificate, Purpose::Signing, at, stamped.is_some());
    report.add(StepId::SignerCertificate, outcome);
    one.signer = Some(signed.certificate);
}

impl From<Fault> for Error {
    fn from(found: Fault) -> Self {
        Error::PdfSignature(found)
    }
}
