//! Checking a sealed document: every signature, and what none of them covers.

use super::{Document, Entry, EntryKind, Package, SIGNATURES_MAX, SignatureFile};
use crate::check::signing_time;
use crate::error::limit;
use crate::report::{Finding, Outcome};
use crate::{
    CheckedSignature, Deviation, Error, Protected, Report, SIGNATURE_LEN_MAX, StepId, Trust,
    Verdict, check_signature,
};
use mifeng_crypto::{Digest, GM, HashAlg, Time};
use mifeng_pki::cms::{SignedData, Strictness};
use mifeng_pki::tsp::{Imprint, TokenCheck, signature_stamps};
use mifeng_pki::{Certificate, Purpose};
use std::collections::{BTreeMap, BTreeSet};

/// A document with what was found about it.
#[derive(Clone, Debug)]
pub struct CheckedDocument {
    /// The steps of the package as a whole: format and coverage.
    pub report: Report,
    /// Each signature, in the order of the list.
    pub signatures: Vec<CheckedEntry>,
    /// Files that no good signature covers, and content that one of the good signatures does not:
    /// who signed earlier did not sign what was added since.
    pub uncovered: Vec<String>,
    /// Pages of the document.
    pub pages: usize,
}

/// One signature of a document.
#[derive(Clone, Debug)]
pub struct CheckedEntry {
    /// The line of the list.
    pub entry: Entry,
    /// Every step, those of the seal signature included.
    pub report: Report,
    /// What Signature.xml says, if it could be read.
    pub file: Option<SignatureFile>,
    /// The seal signature (`Seal`).
    pub seal: Option<CheckedSignature>,
    /// The signer of a signature without a seal (`Sign`).
    pub signer: Option<Certificate>,
    /// When it was made.
    pub signed_at: Option<Time>,
    /// Files of the package that this signature does not cover, but for its own and the list.
    pub beyond: Vec<String>,
}

impl CheckedDocument {
    /// The result for the document.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self
            .report
            .failures()
            .iter()
            .any(|code| *code != NOT_COVERED)
        {
            return Verdict::Invalid;
        }
        let each = self.signatures.iter().map(|one| one.report.verdict());
        let Some(worst) = each.max() else {
            return Verdict::Unsigned;
        };
        if self.uncovered.is_empty() {
            worst
        } else {
            worst.max(Verdict::NotCovered)
        }
    }
}

/// Bytes of all signature values of a document: 200 of 80 KiB.
const VALUES_LEN_MAX: usize = 16 << 20;

const NOT_COVERED: &str = "ofd.not-covered";

/// Checks every signature of a package and the coverage of its content.
#[must_use]
pub fn check(bytes: &[u8], trust: &Trust<'_>) -> CheckedDocument {
    let mut checked = CheckedDocument {
        report: Report::default(),
        signatures: Vec::new(),
        uncovered: Vec::new(),
        pages: 0,
    };
    let opened = Package::open(bytes).and_then(|package| {
        let document = Document::read(&package)?;
        let entries = Entry::list(&package, &document)?;
        Ok((package, document, entries))
    });
    let (package, document, entries) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            checked.report.result(StepId::Format, Err(error));
            return checked;
        }
    };
    checked.pages = document.pages.len();
    if let Err(error) = check_values(&package, &entries) {
        checked.report.result(StepId::Format, Err(error));
        return checked;
    }
    if document.older {
        checked.report.note(Deviation::Namespace);
    }
    checked.report.result(StepId::Format, Ok(()));
    let mut digests = Digests::new(&package);
    for entry in entries {
        let one = check_entry(&mut digests, &document, entry, trust);
        checked.signatures.push(one);
    }
    if !checked.signatures.is_empty() {
        coverage(&mut checked, &package, &document);
    }
    checked
}

/// All values together: each is kept, read, with its seal, picture and certificates.
fn check_values(package: &Package<'_>, entries: &[Entry]) -> Result<(), Error> {
    let mut total = 0;
    for entry in entries {
        // What cannot be read is told of its own signature.
        if let Ok((_, file)) = entry.read(package) {
            let size = package.size(&file.value).unwrap_or(0);
            total += usize::try_from(size).unwrap_or(usize::MAX / SIGNATURES_MAX);
        }
    }
    limit("signature values of the document", total, VALUES_LEN_MAX)
}

/// Every file is inflated and hashed once, however many signatures name it.
struct Digests<'p> {
    package: &'p Package<'p>,
    known: BTreeMap<String, Result<Digest, Error>>,
}

impl<'p> Digests<'p> {
    fn new(package: &'p Package<'p>) -> Self {
        Digests {
            package,
            known: BTreeMap::new(),
        }
    }

    fn of(&mut self, name: &str) -> Result<Digest, Error> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let found = self.package.digest(name, HashAlg::Sm3);
        self.known.insert(name.to_owned(), found.clone());
        found
    }
}

fn check_entry(
    digests: &mut Digests<'_>,
    document: &Document,
    entry: Entry,
    trust: &Trust<'_>,
) -> CheckedEntry {
    let package = digests.package;
    let mut checked = CheckedEntry {
        entry,
        report: Report::default(),
        file: None,
        seal: None,
        signer: None,
        signed_at: None,
        beyond: Vec::new(),
    };
    let read = checked.entry.read(package).and_then(|(bytes, file)| {
        let value = package.read(&file.value, SIGNATURE_LEN_MAX)?;
        Ok((bytes, file, value))
    });
    let (bytes, file, value) = match read {
        Ok(read) => read,
        Err(error) => {
            checked.report.result(StepId::Format, Err(error));
            return checked;
        }
    };
    checked.report.notes(&file.deviations);
    match checked.entry.kind {
        EntryKind::Seal => sealed(&mut checked, &bytes, &value, trust),
        EntryKind::Sign => signed(&mut checked, &bytes, &value, trust),
    }
    let held = references(digests, &file);
    checked.report.result(StepId::References, held);
    if let Some(held) = seal_file(package, &file, checked.seal.as_ref()) {
        checked.report.result(StepId::SealFile, held);
    }
    let shown = places(&file, document, &checked.entry);
    checked.report.result(StepId::Stamps, shown);
    checked.beyond = beyond(package, document, &checked.entry, &file);
    checked.file = Some(file);
    checked
}

/// With a seal: the steps of GB/T 38540 over the bytes of Signature.xml.
fn sealed(checked: &mut CheckedEntry, bytes: &[u8], value: &[u8], trust: &Trust<'_>) {
    let found = check_signature(value, Protected::Bytes(bytes), trust);
    checked.report.extend(found.report.clone());
    let property = format!("/{}", checked.entry.file);
    if found
        .signature
        .as_ref()
        .is_some_and(|s| s.property() != property)
    {
        checked.report.note(Deviation::Property);
    }
    checked.signed_at = found.signed_at;
    checked.seal = Some(found);
}

/// Without a seal: GB/T 35275 over the digest of Signature.xml, or detached over its bytes.
fn signed(checked: &mut CheckedEntry, bytes: &[u8], value: &[u8], trust: &Trust<'_>) {
    let digest: Digest = HashAlg::Sm3.digest(bytes);
    let read = SignedData::parse_field(value).and_then(|message| {
        let content: &[u8] = match message.content() {
            Some(inside) if inside == digest.as_bytes() => inside,
            Some(_) => {
                return Err(mifeng_pki::Error::DigestMismatch {
                    what: "Signature.xml",
                });
            }
            None => bytes,
        };
        message.verify_content(content, &GM, Strictness::Field)
    });
    let signed = match read {
        Ok(signed) => signed,
        Err(error) => {
            checked.report.result(StepId::Signature, Err(error.into()));
            return;
        }
    };
    if !signed.deviations.is_empty() {
        checked.report.note(Deviation::Message);
    }
    checked.report.result(StepId::Signature, Ok(()));
    let unused = Imprint::of(&[], HashAlg::Sm3.into());
    let mut against = TokenCheck::new(&unused, trust.stamps, &GM);
    against.material = trust.material;
    against.path.revocation = trust.revocation;
    against.now = Some(trust.at);
    let stamped = match signature_stamps(&signed, &against) {
        Ok(stamps) => stamps.first().map(|stamp| stamp.gen_time),
        Err(error) => {
            checked.report.result(StepId::TimeStamp, Err(error.into()));
            None
        }
    };
    let at = stamped.or(signed.signing_time).unwrap_or(trust.at);
    checked.signed_at = stamped.or(signed.signing_time);
    let mut own = *trust;
    let more: Vec<Certificate> = [trust.material.intermediates, &signed.chain].concat();
    own.material.intermediates = &more;
    let time = signing_time(at, stamped.is_some(), trust);
    checked.report.add(StepId::SigningTime, time);
    let outcome = own.signer_outcome(&signed.certificate, Purpose::Signing, at, stamped.is_some());
    checked.report.add(StepId::SignerCertificate, outcome);
    checked.signer = Some(signed.certificate);
}

/// Every referenced file is there with its digest; the first that is not is named.
fn references(digests: &mut Digests<'_>, file: &SignatureFile) -> Result<(), Error> {
    for reference in &file.references {
        let found = digests.of(&reference.file)?;
        if found.as_bytes().as_slice() != reference.digest {
            return Err(Error::Digest {
                what: reference.file.clone(),
            });
        }
    }
    Ok(())
}

fn seal_file(
    package: &Package<'_>,
    file: &SignatureFile,
    seal: Option<&CheckedSignature>,
) -> Option<Result<(), Error>> {
    let name = file.seal.as_ref()?;
    let inside = seal?.signature.as_ref()?.seal();
    Some(package.read(name, crate::SEAL_LEN_MAX).and_then(|beside| {
        if beside == inside.der() {
            return Ok(());
        }
        Err(Error::Document {
            file: name.clone(),
            rule: "not the seal inside the signature",
        })
    }))
}

/// A seal that is shown, is shown on pages of this document, and by a signature that has one: the
/// picture of a seal beside a signature without seal would only look like it.
fn places(file: &SignatureFile, document: &Document, entry: &Entry) -> Result<(), Error> {
    let exists = |page: &str| document.pages.iter().any(|one| one.id == page);
    let rule = if entry.kind == EntryKind::Sign && (file.seal.is_some() || !file.places.is_empty())
    {
        "a seal shown by a signature without one"
    } else if !file.places.iter().all(|place| exists(&place.page)) {
        "a seal on a page that the document does not have"
    } else {
        return Ok(());
    };
    Err(Error::Document {
        file: entry.file.clone(),
        rule,
    })
}

/// The files of one signature that it cannot cover itself.
fn own_files(entry: &Entry, file: &SignatureFile) -> Vec<String> {
    vec![entry.file.clone(), file.value.clone()]
}

fn beyond(
    package: &Package<'_>,
    document: &Document,
    entry: &Entry,
    file: &SignatureFile,
) -> Vec<String> {
    let own = own_files(entry, file);
    let covered: BTreeSet<&str> = file.references.iter().map(|r| r.file.as_str()).collect();
    let free = |name: &&str| {
        !covered.contains(name)
            && !own.iter().any(|o| o == name)
            && document.signatures.as_deref() != Some(*name)
    };
    package.names().filter(free).map(str::to_owned).collect()
}

/// What is left when the references of all good signatures are taken away, their own files, the
/// list, and seals that were found equal to those inside; and what one of them leaves out.
fn coverage(checked: &mut CheckedDocument, package: &Package<'_>, document: &Document) {
    let mut covered: BTreeSet<String> = document.signatures.iter().cloned().collect();
    let good = |one: &&CheckedEntry| one.report.verdict() != Verdict::Invalid;
    let mut of_signatures = covered.clone();
    for one in checked.signatures.iter().filter(good) {
        let Some(file) = &one.file else { continue };
        of_signatures.extend(own_files(&one.entry, file));
        of_signatures.extend(file.seal.iter().cloned());
        covered.extend(own_files(&one.entry, file));
        covered.extend(file.seal.iter().cloned());
        covered.extend(file.references.iter().map(|r| r.file.clone()));
    }
    let mut open: BTreeSet<&str> = package.names().filter(|n| !covered.contains(*n)).collect();
    for one in checked.signatures.iter().filter(good) {
        let left = left_out(document, one);
        let content = |name: &&str| !of_signatures.contains(*name) && !left.is_free(name);
        open.extend(one.beyond.iter().map(String::as_str).filter(content));
    }
    checked.uncovered = open.into_iter().map(str::to_owned).collect();
    let outcome = match checked.uncovered.first() {
        None => Outcome::Pass(None),
        Some(file) => Outcome::Fail(Finding::from(&Error::NotCovered {
            file: file.clone(),
            count: checked.uncovered.len(),
        })),
    };
    checked.report.add(StepId::Coverage, outcome);
}

/// The pages that a signature may leave out: those that do not show its seal.
struct LeftOut<'d>(Vec<&'d str>);

impl LeftOut<'_> {
    fn is_free(&self, name: &str) -> bool {
        let own = |home: &&str| name == *home || home.ends_with('/') && name.starts_with(*home);
        self.0.iter().any(own)
    }
}

fn left_out<'d>(document: &'d Document, one: &CheckedEntry) -> LeftOut<'d> {
    let shown = |page: &super::Page| {
        let places = one.file.iter().flat_map(|file| &file.places);
        places.into_iter().any(|place| place.page == page.id)
    };
    // Without a seal nothing tells a reader which pages are meant: all are.
    let pages = document.pages.iter().filter(|page| !shown(page));
    match one.entry.kind {
        EntryKind::Seal => LeftOut(pages.map(|page| document.own_of(page)).collect()),
        EntryKind::Sign => LeftOut(Vec::new()),
    }
}
