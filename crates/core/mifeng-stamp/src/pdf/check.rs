//! Checking a signed PDF: what each signature covers, whose it is, and what came after it.

use super::change::{Change, Weight};
use super::field::{self, words};
use super::file::File;
use super::judge::{Evidence, judge};
use super::object::{Dict, Object, is_space};
use super::range::{Covered, covered, revision};
use super::{Fault, Level, PDF_SIGNATURES_MAX, compare, store};
use crate::error::limit;
use crate::report::{Finding, Outcome};
use crate::{CheckedSignature, Error, Report, StepId, Trust, Verdict};
use mifeng_crypto::Time;
use mifeng_pki::{Certificate, Material};

/// A PDF with what was found about it.
#[derive(Clone, Debug)]
pub struct CheckedPdf {
    /// The steps of the file as a whole: format and coverage.
    pub report: Report,
    /// Each signature, in the order in which they were made.
    pub signatures: Vec<CheckedPdfSignature>,
    /// What is shown and was not there when one of the signatures was made.
    pub uncovered: Vec<Change>,
    /// Pages.
    pub pages: usize,
    /// Cross-reference sections: how often the file was saved.
    pub revisions: usize,
}

/// What Contents holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureForm {
    /// A signature message (CMS).
    Message,
    /// A seal signature of GB/T 38540.
    Seal,
    /// A time stamp of the document (RFC 3161).
    TimeStamp,
}

impl SignatureForm {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            SignatureForm::Message => "cms",
            SignatureForm::Seal => "ses",
            SignatureForm::TimeStamp => "time-stamp",
        }
    }
}

/// One signature of a PDF.
#[derive(Clone, Debug)]
pub struct CheckedPdfSignature {
    /// The field's name.
    pub field: String,
    /// SubFilter, as it stands.
    pub format: String,
    /// What Contents holds, if it could be read.
    pub form: Option<SignatureForm>,
    /// Every step.
    pub report: Report,
    /// The signer's certificate, if the signature verifies.
    pub signer: Option<Certificate>,
    /// The seal signature.
    pub seal: Option<CheckedSignature>,
    /// When it was made: by a time stamp, or else as claimed.
    pub signed_at: Option<Time>,
    /// When the dictionary says it was made.
    pub claimed: Option<Time>,
    /// Who signs, why and where, as the dictionary says; not checked.
    pub name: String,
    /// As [`Self::name`].
    pub reason: String,
    /// As [`Self::name`].
    pub location: String,
    /// Bytes from the beginning of the file that it covers, its own value left out.
    pub covers: u64,
    /// Whether nothing follows them.
    pub whole: bool,
    /// What it permits later, if it certifies the document.
    pub certifies: Option<Level>,
    /// What later revisions changed.
    pub changes: Vec<Change>,
}

impl CheckedPdf {
    /// The result for the document.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let broken = |step: &crate::Step| {
            step.id != StepId::Coverage && matches!(step.outcome, Outcome::Fail(_))
        };
        if self.report.steps().iter().any(broken) {
            return Verdict::Invalid;
        }
        let each = self.signatures.iter().map(|one| one.report.verdict());
        match each.max() {
            None => Verdict::Unsigned,
            Some(worst) if self.uncovered.is_empty() => worst,
            Some(worst) => worst.max(Verdict::NotCovered),
        }
    }
}

/// Checks every signature of a PDF.
#[must_use]
pub fn check(bytes: &[u8], trust: &Trust<'_>) -> CheckedPdf {
    let mut checked = CheckedPdf {
        report: Report::default(),
        signatures: Vec::new(),
        uncovered: Vec::new(),
        pages: 0,
        revisions: 0,
    };
    if let Err(error) = whole(&mut checked, bytes, trust) {
        checked.report.result(StepId::Format, Err(error));
    }
    checked
}

/// One signature on its way.
struct Part<'a> {
    one: CheckedPdfSignature,
    value: Dict,
    found: Result<(Covered<'a>, File<'a>), Fault>,
    locked: bool,
}

fn whole(checked: &mut CheckedPdf, bytes: &[u8], trust: &Trust<'_>) -> Result<(), Error> {
    let file = File::open(bytes)?;
    checked.revisions = file.xref.sections.len();
    checked.pages = field::pages(&file)?.len();
    let fields = field::fields(&file)?;
    let signed = fields.iter().filter(|f| f.value.is_some()).count();
    limit("signatures of the document", signed, PDF_SIGNATURES_MAX)?;
    let mut parts = Vec::new();
    for field in fields {
        if let Some(value) = field.value {
            parts.push(part(&file, field.name, value)?);
        }
    }
    let stored = store::read(&file)?;
    checked.report.result(StepId::Format, Ok(()));
    // In the order in which they were made; what covers nothing is last.
    parts.sort_by_key(|part| part.found.as_ref().map_or(usize::MAX, |(c, _)| c.end));
    let level = certification(&mut parts);
    let certificates = [trust.material.intermediates, &stored.certificates[..]].concat();
    let crls = [trust.material.crls, &stored.crls[..]].concat();
    let ocsp = [trust.material.ocsp, &stored.ocsp[..]].concat();
    let mut own = *trust;
    own.material = Material {
        intermediates: &certificates,
        crls: &crls,
        ocsp: &ocsp,
        answers: &[],
    };
    // From the last on: a stamp of the document shows everything before it.
    let mut proven: Option<Time> = None;
    for part in parts.iter_mut().rev() {
        let stamped = examine(part, &own, proven);
        proven = stamped.into_iter().chain(proven).min();
    }
    for part in &mut parts {
        changes(part, &file, level)?;
        let open = |change: &&Change| change.kind.weight(level, part.locked) == Weight::Uncovered;
        checked
            .uncovered
            .extend(part.one.changes.iter().filter(open).cloned());
    }
    checked.uncovered.sort();
    checked.uncovered.dedup();
    if !parts.is_empty() {
        let outcome = match checked.uncovered.first() {
            None => Outcome::Pass(None),
            Some(change) => Outcome::Fail(change.finding()),
        };
        checked.report.add(StepId::Coverage, outcome);
    }
    checked.signatures = parts.into_iter().map(|part| part.one).collect();
    Ok(())
}

fn part<'a>(file: &File<'a>, field: String, value: Dict) -> Result<Part<'a>, Error> {
    let found = covered(file.bytes, &value).and_then(|covered| {
        let old = revision(file, &covered, &value)?;
        Ok((covered, old))
    });
    let text = |key: &str| {
        Ok::<String, Error>(match file.value(&value, key)? {
            Object::Text(text) => words(&text.bytes),
            Object::Name(name) => words(&name),
            _ => String::new(),
        })
    };
    let (certifies, locked) = transforms(file, &value)?;
    let end = found.as_ref().map_or(0, |(covered, _)| covered.end);
    let rest = file.bytes.get(end..).unwrap_or_default();
    let one = CheckedPdfSignature {
        field,
        format: text("SubFilter")?,
        form: None,
        report: Report::default(),
        signer: None,
        seal: None,
        signed_at: None,
        claimed: super::write::read_date(&text("M")?),
        name: text("Name")?,
        reason: text("Reason")?,
        location: text("Location")?,
        covers: end as u64,
        whole: rest.iter().all(|b| is_space(*b)),
        certifies,
        changes: Vec::new(),
    };
    Ok(Part {
        one,
        value,
        found,
        locked,
    })
}

/// What a signature permits, and whether it locks fields.
pub(super) fn transforms(file: &File<'_>, value: &Dict) -> Result<(Option<Level>, bool), Error> {
    let (mut level, mut locked) = (None, false);
    let Object::Array(list) = file.value(value, "Reference")? else {
        return Ok((None, false));
    };
    for one in &list {
        let Object::Dict(one) = file.resolve(one)? else {
            continue;
        };
        match file.value(&one, "TransformMethod")?.name() {
            Some(b"DocMDP") => {
                let number = match file.value(&one, "TransformParams")? {
                    Object::Dict(parameters) => file.value(&parameters, "P")?.int(),
                    _ => None,
                };
                // Table 257: 2 is the default. What is not known permits nothing.
                level = Some(match number {
                    None | Some(2) => Level::Forms,
                    Some(3) => Level::Annotations,
                    _ => Level::NoChanges,
                });
            }
            // Which fields is not worth knowing here: filling any of them is held against it.
            Some(b"FieldMDP") => locked = true,
            _ => {}
        }
    }
    Ok((level, locked))
}

/// The certification, which must be the first signature and the only one.
fn certification(parts: &mut [Part<'_>]) -> Option<Level> {
    let mut level = None;
    for (place, part) in parts.iter_mut().enumerate() {
        let Some(own) = part.one.certifies else {
            continue;
        };
        if place > 0 {
            let fault = Fault::Certification("is not by the first signature");
            let error = Err(Error::PdfSignature(fault));
            part.one.report.result(StepId::Certification, error);
            continue;
        }
        level = Some(own);
        part.one.report.result(StepId::Certification, Ok(()));
    }
    level
}

/// The range, then the keys; the stamped time of a time stamp of the document.
fn examine(part: &mut Part<'_>, trust: &Trust<'_>, proven: Option<Time>) -> Option<Time> {
    let report = &mut part.one.report;
    let covered = match &part.found {
        Ok((covered, _)) => covered,
        Err(fault) => {
            report.result(StepId::ByteRange, Err(Error::PdfSignature(fault.clone())));
            return None;
        }
    };
    report.result(StepId::ByteRange, Ok(()));
    let evidence = Evidence {
        content: &covered.content(),
        proven,
    };
    judge(&mut part.one, &part.value, &evidence, trust)
}

fn changes(part: &mut Part<'_>, file: &File<'_>, level: Option<Level>) -> Result<(), Error> {
    let Ok((_, old)) = &part.found else {
        return Ok(());
    };
    if !part.one.whole {
        part.one.changes = compare::compare(old, file)?;
    }
    let weighed = part.one.changes.iter().map(|change| {
        // What this signature's own level is counts from it on; an earlier one's all the same.
        (change.kind.weight(level, part.locked), change)
    });
    let worst = weighed.max_by_key(|(weight, _)| *weight);
    let outcome = match worst {
        None | Some((Weight::Silent, _)) => Outcome::Pass(None),
        // Told for the document as a whole, as content that is not covered.
        Some((Weight::Told | Weight::Uncovered, change)) => Outcome::Pass(Some(change.finding())),
        Some((Weight::Forbidden, change)) => Outcome::Fail(change.finding()),
    };
    part.one.report.add(StepId::Changes, outcome);
    Ok(())
}

/// A finding for what the structure of a signature breaks.
pub(super) fn fault(fault: Fault) -> Finding {
    Finding::from(&Error::PdfSignature(fault))
}
