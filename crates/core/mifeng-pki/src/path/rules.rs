//! What one certificate must satisfy, wherever it stands and as an issuer.

use super::{Conformance, Policy};
use crate::{Certificate, Error, oid};
use mifeng_crypto::{HashAlg, KeyAlg, SignatureAlg, Time};

/// Bits of the smallest RSA key of a CA.
const RSA_CA_BITS_MIN: usize = 2_048;
/// Bits of the largest RSA key: verifying with larger ones only costs time.
const RSA_BITS_MAX: usize = 4_096;

/// Where a certificate stands in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first, and an RSA key is held to the size for leaves.
    End,
    /// Between, or a signer of lists and responses.
    Between,
    /// The trusted one.
    Anchor,
}

/// Checks a certificate on its own, at `at`.
pub(super) fn check_one(
    certificate: &Certificate,
    at: Time,
    place: Place,
    policy: &Policy,
) -> Result<(), Error> {
    check_algorithms(certificate, place == Place::End, policy)?;
    if let Some(id) = certificate.unknown_critical() {
        return Err(Error::CriticalExtension {
            oid: id.to_string(),
        });
    }
    if certificate.broken_extension().is_some() {
        return Err(broken(certificate, "an extension that cannot be read"));
    }
    check_validity(certificate, at)?;
    check_form(certificate)?;
    if policy.conformance == Conformance::Strict {
        check_strictly(certificate, place == Place::Anchor)?;
    }
    Ok(())
}

pub(super) fn check_suite(
    alg: Option<SignatureAlg>,
    policy: &Policy,
    what: &'static str,
) -> Result<SignatureAlg, Error> {
    let fitting = alg.filter(|alg| oid::belongs(*alg, policy.suite));
    fitting.ok_or(foreign(policy, what))
}

fn foreign(policy: &Policy, what: &'static str) -> Error {
    Error::WrongSuite {
        what,
        suite: policy.suite.id(),
    }
}

fn check_algorithms(certificate: &Certificate, end: bool, policy: &Policy) -> Result<(), Error> {
    let gm = policy.suite.hash() == HashAlg::Sm3;
    let rsa_min = if end {
        policy.rsa_leaf_bits_min.max(RSA_CA_BITS_MIN)
    } else {
        RSA_CA_BITS_MIN
    };
    let fits = match certificate.public_key().key_alg() {
        KeyAlg::Sm2 => gm,
        KeyAlg::P256 | KeyAlg::P384 => !gm,
        KeyAlg::Rsa { bits } => !gm && bits % 8 == 0 && (rsa_min..=RSA_BITS_MAX).contains(&bits),
        _ => false,
    };
    if !fits {
        return Err(foreign(policy, "public key"));
    }
    check_suite(certificate.signature_alg(), policy, "certificate signature").map(drop)
}

fn check_validity(certificate: &Certificate, at: Time) -> Result<(), Error> {
    if at < certificate.not_before() {
        return Err(Error::NotYetValid {
            subject: certificate.subject_name(),
            not_before: certificate.not_before(),
            at,
        });
    }
    // notAfter names a whole second, all of which is included.
    if at.as_unix_seconds() > certificate.not_after().as_unix_seconds() {
        return Err(Error::Expired {
            subject: certificate.subject_name(),
            not_after: certificate.not_after(),
            at,
        });
    }
    Ok(())
}

/// Contradictions that no CA we know of writes.
fn check_form(certificate: &Certificate) -> Result<(), Error> {
    let critical = |id| certificate.extension_criticality(id);
    let usage = certificate.key_usage();
    let signs_certificates = usage.is_some_and(|usage| usage.signs_certificates());
    let table = [
        (certificate.issuer().is_empty(), "an issuer without a name"),
        (
            certificate.is_ca() && certificate.subject().is_empty(),
            "a CA without a name",
        ),
        (
            certificate.subject().is_empty() && critical(oid::SUBJECT_ALT_NAME) != Some(true),
            "no name at all",
        ),
        (
            critical(oid::AUTHORITY_KEY_ID) == Some(true),
            "a critical authority key identifier",
        ),
        (
            critical(oid::SUBJECT_KEY_ID) == Some(true),
            "a critical subject key identifier",
        ),
        (
            signs_certificates && !certificate.is_ca(),
            "keyCertSign without being a CA",
        ),
        (
            certificate.path_len().is_some()
                && !(certificate.is_ca() && (usage.is_none() || signs_certificates)),
            "pathLenConstraint without keyCertSign",
        ),
        (
            critical(oid::NAME_CONSTRAINTS).is_some() && !certificate.is_ca(),
            "nameConstraints without being a CA",
        ),
    ];
    refuse_any(certificate, &table)
}

/// What RFC 5280 asks of CAs and some leave out.
fn check_strictly(certificate: &Certificate, anchor: bool) -> Result<(), Error> {
    let critical = |id| certificate.extension_criticality(id);
    let (own, authority) = (certificate.subject_key_id(), certificate.authority_key_id());
    let self_issued = certificate.is_self_issued();
    let dns_names = certificate
        .alternative_names()
        .iter()
        .filter_map(|name| match name {
            crate::name::GeneralName::Dns(text) => Some(text),
            _ => None,
        });
    let table = [
        (
            authority.is_none() && (!self_issued || critical(oid::AUTHORITY_KEY_ID).is_some()),
            "no authority key identifier",
        ),
        (
            anchor && self_issued && certificate.authority_key_id_is_long(),
            "an authority key identifier with issuer and serial number",
        ),
        (
            anchor && self_issued && authority.is_some() && authority != own,
            "a root whose key identifiers differ",
        ),
        (
            certificate.is_ca() && own.is_none(),
            "a CA without subject key identifier",
        ),
        (
            certificate.is_ca() && critical(oid::BASIC_CONSTRAINTS) == Some(false),
            "basicConstraints not critical",
        ),
        (
            critical(oid::NAME_CONSTRAINTS) == Some(false),
            "nameConstraints not critical",
        ),
        (
            critical(oid::POLICY_CONSTRAINTS) == Some(false),
            "policyConstraints not critical",
        ),
        (
            !anchor && (certificate.serial_raw() == [0] || certificate.serial_raw().len() > 20),
            "a serial number of zero or of more than 20 octets",
        ),
        (
            certificate.odd_extension().is_some(),
            "an extension that cannot be read",
        ),
        (
            dns_names
                .into_iter()
                .any(|name| !crate::constraints::is_dns_name(name)),
            "a domain name of no form",
        ),
    ];
    refuse_any(certificate, &table)
}

fn refuse_any(certificate: &Certificate, table: &[(bool, &'static str)]) -> Result<(), Error> {
    let first = table.iter().find(|(holds, _)| *holds);
    first.map_or(Ok(()), |(_, rule)| Err(broken(certificate, rule)))
}

pub(super) fn broken(certificate: &Certificate, rule: &'static str) -> Error {
    Error::CaRule {
        subject: certificate.subject_name(),
        rule,
    }
}

/// What a certificate must satisfy to have issued `child` (RFC 5280 section 6.1.4 (k) and (n)).
pub(super) fn check_issuer(issuer: &Certificate, child: &Certificate) -> Result<(), Error> {
    if !issuer.is_ca() {
        return Err(broken(issuer, "basicConstraints"));
    }
    if issuer
        .key_usage()
        .is_some_and(|usage| !usage.signs_certificates())
    {
        return Err(broken(issuer, "keyCertSign"));
    }
    if let (Some(a), Some(b)) = (child.authority_key_id(), issuer.subject_key_id())
        && a != b
    {
        return Err(broken(issuer, "key identifiers"));
    }
    Ok(())
}
