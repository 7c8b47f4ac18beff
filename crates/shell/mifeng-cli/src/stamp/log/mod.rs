//! `mifeng stamp log` and the commands of a seal's life: `apply-for`, `use`, `approve`, `revoke`.

mod acts;
mod keep;
mod show;

pub(crate) use acts::{ApplyForArgs, ApproveArgs, RevokeArgs, UseArgs};
pub(super) use acts::{apply_for, approve, revoke, use_seal};
pub(crate) use keep::{KeepArgs, LogCommand};
pub(super) use keep::{Kept, run};

use crate::cert::{TrustArgs, read_certificates};
use crate::ui::{Failure, Ui};
use mifeng::crypto::{Digest, Time};
use mifeng::pki::trust::Usage;
use mifeng::pki::{Anchors, Certificate, Material, OcspResponse, RevocationList, RevocationRule};
use mifeng::registry::Register;
use mifeng::{Error, Tar, seals};
use std::path::{Path, PathBuf};

impl From<seals::Error> for Failure {
    fn from(error: seals::Error) -> Self {
        let zh = error.zh();
        let mut failure = Failure::from(Error::from(error));
        failure.zh = Some(zh);
        failure
    }
}

/// An error of the log, in the reader's language where a rule of the register said no.
pub(super) fn said(error: Error) -> Failure {
    match error {
        Error::Registry(inner) => inner.into(),
        other => other.into(),
    }
}

/// Whom to trust as makers of seals, and as units and persons.
pub(super) struct Whom {
    makers: Anchors,
    people: Anchors,
    between: Vec<Certificate>,
    crls: Vec<RevocationList>,
    ocsp: Vec<OcspResponse>,
    revocation: RevocationRule,
}

impl Whom {
    pub(super) fn of(args: &TrustArgs, at: Time) -> Result<Self, Failure> {
        let mut between = Vec::new();
        for path in &args.chain {
            between.extend(read_certificates(path)?);
        }
        Ok(Whom {
            makers: args.anchors(Usage::SealMaking, at)?,
            people: args.anchors(Usage::SealUse, at)?,
            between,
            crls: args.crls()?,
            ocsp: args.responses()?,
            revocation: match args.require_revocation {
                true => RevocationRule::Required,
                false => RevocationRule::IfKnown,
            },
        })
    }

    /// For the maker, who takes records in.
    pub(super) fn trust(&self) -> seals::Trust<'_> {
        seals::Trust {
            people: Some(&self.people),
            ..self.reader()
        }
    }

    /// For whoever reads a register.
    pub(super) fn reader(&self) -> seals::Trust<'_> {
        seals::Trust {
            makers: &self.makers,
            people: None,
            material: Material {
                intermediates: &self.between,
                crls: &self.crls,
                ocsp: &self.ocsp,
                answers: &[],
            },
            revocation: self.revocation,
        }
    }
}

/// Reads an exported register.
pub(super) fn read(path: &Path, trust: &seals::Trust<'_>) -> Result<Register, Failure> {
    let at = |e: Error| said(e).at(path);
    Register::read(&Tar::open(path).map_err(at)?, trust).map_err(at)
}

/// Registers as a checker of documents wants them.
pub(super) fn registers(
    paths: &[PathBuf],
    args: &TrustArgs,
    at: Time,
) -> Result<Vec<mifeng::stamp::Register>, Failure> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let whom = Whom::of(args, at)?;
    let one = |path: &PathBuf| Ok(read(path, &whom.reader())?.state.register());
    paths.iter().map(one).collect()
}

/// A digest as it is printed; its first characters will do where they name one thing.
pub(super) fn find<'a>(
    ui: &Ui,
    what: (&str, &str),
    text: &str,
    all: impl Iterator<Item = &'a Digest>,
) -> Result<Digest, Failure> {
    let short = text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let mut found = all.filter(|one| short && one.to_string().starts_with(text));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(*one),
        _ => Err(Failure::usage(format!("{text}: {}", ui.t(what.0, what.1)))),
    }
}
