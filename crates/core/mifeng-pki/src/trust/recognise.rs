//! Whether a certificate counts under a version, and for which organisation.

use super::{CaProfile, CertificateKind, TrustVersion, Usage, code};
use crate::{
    Anchors, Certificate, Error, Material, OcspResponse, Policy, Purpose, RevocationList,
    VerifiedAnswer, VerifiedPath, judge_path,
};
use mifeng_crypto::Time;

/// A certificate as it is shown, with what came along.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The certificate.
    pub leaf: &'a Certificate,
    /// Certificates that may stand above it.
    pub intermediates: &'a [Certificate],
    /// Revocation lists known at that instant.
    pub crls: &'a [RevocationList],
    /// OCSP responses known at that instant.
    pub ocsp: &'a [OcspResponse],
    /// OCSP answers that were verified before that instant.
    pub answers: &'a [VerifiedAnswer],
    /// The instant at which its path is judged.
    pub at: Time,
}

/// A certificate that counts.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The path to the root on the list.
    pub path: VerifiedPath,
    /// Name of the CA on the list.
    pub ca: String,
    /// The credit code, from the place where this CA writes it.
    pub code: Option<String>,
}

impl Usage {
    /// What the certificate's own usages must allow.
    pub fn purpose(self) -> Purpose {
        match self {
            Usage::BidEncryption => Purpose::BidEncryption,
            Usage::TimeStamping => Purpose::TimeStamping,
            Usage::Host => Purpose::Host,
            Usage::Trustee => Purpose::Trustee,
            Usage::SealMaking => Purpose::SealMaking,
            Usage::SealUse => Purpose::SealUse,
            Usage::BidSigning | Usage::RecordSigning | Usage::TrustList => Purpose::Signing,
        }
    }
}

impl TrustVersion {
    /// The roots of the CAs that are recognised for `usage` on the day `on`.
    pub fn anchors(&self, usage: Usage, on: Time) -> Anchors {
        self.anchors_of(|ca| ca.usages.contains(&usage) && ca.holds_at(on))
    }

    fn anchors_of(&self, wanted: impl Fn(&CaProfile) -> bool) -> Anchors {
        let roots = self.roots.iter();
        let roots = roots.filter(|(ca, _)| wanted(&self.list.cas[*ca]));
        Anchors::new(roots.map(|(_, root)| root.clone()).collect())
    }

    /// Judges a certificate: its path at [`Presented::at`], its CA as recognised on the day `on`.
    /// The two are the same instant except where an act from before the list is judged by it.
    ///
    /// # Errors
    /// [`Error::UnlistedCa`] if no CA on the list issued it; [`Error::NotRecognised`] if one did
    /// that does not count for this; otherwise those of [`judge_path`].
    pub fn recognise(
        &self,
        presented: &Presented<'_>,
        usage: Usage,
        on: Time,
    ) -> Result<Recognised, Error> {
        let path = self
            .path(presented, usage, &self.anchors(usage, on))
            .map_err(|e| match e {
                Error::UnlistedCa { .. } => self.closer(presented, usage, on).unwrap_or(e),
                other => other,
            })?;
        let ca = self.ca_of(&path).ok_or_else(|| unlisted(presented.leaf))?;
        let kind = CertificateKind::of(presented.leaf);
        if !kind.is_some_and(|kind| ca.kinds.contains(&kind)) {
            return Err(not(
                ca,
                format!(
                    "{} certificates",
                    kind.map_or("such", CertificateKind::name)
                ),
            ));
        }
        Ok(Recognised {
            code: code::find(&ca.code, presented.leaf)?,
            ca: ca.name.clone(),
            path,
        })
    }

    fn path(
        &self,
        presented: &Presented<'_>,
        usage: Usage,
        anchors: &Anchors,
    ) -> Result<VerifiedPath, Error> {
        let material = Material {
            intermediates: presented.intermediates,
            crls: presented.crls,
            ocsp: presented.ocsp,
            answers: presented.answers,
        };
        // Kinds of certificates, single ones too, are the CA's profile: judged when it is found.
        let policy = Policy::new(usage.purpose(), self.suite);
        judge_path(presented.leaf, &material, anchors, presented.at, &policy)
    }

    fn ca_of(&self, path: &VerifiedPath) -> Option<&CaProfile> {
        let found = self.roots.iter().find(|(_, root)| root == path.anchor());
        found.map(|(ca, _)| &self.list.cas[*ca])
    }

    /// Why a CA that is on the list does not count here.
    fn closer(&self, presented: &Presented<'_>, usage: Usage, on: Time) -> Option<Error> {
        let path = self
            .path(presented, usage, &self.anchors_of(|_| true))
            .ok()?;
        let ca = self.ca_of(&path)?;
        Some(not(
            ca,
            match ca.until {
                _ if !ca.usages.contains(&usage) => usage.name().to_owned(),
                _ if on < ca.from => format!("anything before {}, asked about {on}", ca.from),
                Some(until) => format!("anything from {until} on, asked about {on}"),
                None => usage.name().to_owned(),
            },
        ))
    }
}

fn not(ca: &CaProfile, what: String) -> Error {
    Error::NotRecognised {
        ca: ca.name.clone(),
        what,
    }
}

fn unlisted(leaf: &Certificate) -> Error {
    Error::UnlistedCa {
        subject: leaf.subject_name(),
        issuer: leaf.issuer_name(),
    }
}
