//! Sealed documents on the same page: the steps of `mifeng stamp verify`.

use crate::audit::{Problem, Request, Text, small_up_to};
use crate::slices::{Given, ReadAt};
use mifeng::Error;
use mifeng::crypto::Time;
use mifeng::pki::{Anchors, Certificate, Material, RevocationList, pem};
use mifeng::stamp::{Outcome, Report, Trust, Verdict, ofd, pdf};
use serde::Serialize;
use std::sync::Arc;

/// Documents are held in memory: what the readers of OFD and PDF take at most.
const DOCUMENT_LEN_MAX: u64 = 256 << 20;

/// One step of one signature, or of the document.
#[derive(Clone, Debug, Serialize)]
pub struct StepShown {
    /// Which signature, as `1`; `0` is the document itself.
    pub id: String,
    /// Its name in Chinese.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// `pass`, `unknown`, `fail` or `notrun`.
    pub verdict: &'static str,
    /// What was found, in Chinese; may be empty.
    pub saw_zh: String,
    /// The same in English.
    pub saw_en: String,
    /// Stable code of the finding.
    pub code: Option<&'static str>,
}

/// What the page shows of a sealed document.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// `OFD` or `PDF`.
    pub kind: &'static str,
    /// Stable code of the verdict.
    pub verdict: &'static str,
    /// How many signatures it has.
    pub signatures: usize,
    /// Who signed, in the order of the signatures.
    pub signers: Vec<String>,
    /// The instant asked about.
    pub at: Time,
    /// Every step.
    pub checks: Vec<StepShown>,
}

/// Which kind of document begins like this.
pub(crate) fn kind_of(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'K', 3, 4, ..] => Some("OFD"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("PDF"),
        _ => None,
    }
}

/// Checks a document; whom to trust and what is revoked is in the files given beside it.
pub(crate) fn check(
    kind: &'static str,
    request: &Request,
    from: &Arc<dyn ReadAt>,
) -> Result<Document, Problem> {
    let bytes = small_up_to(&request.dossier, from, DOCUMENT_LEN_MAX, |b| Ok(b.to_vec()))?;
    let beside = Beside::read(&request.trust, from)?;
    let anchors = Anchors::new(beside.roots);
    let material = Material {
        intermediates: &beside.between,
        crls: &beside.crls,
        ..Material::default()
    };
    let at = request.at.unwrap_or(Time::from_unix_seconds(0));
    let trust = Trust::new(&anchors, material, at);
    let mut shown = Document {
        kind,
        verdict: "",
        signatures: 0,
        signers: Vec::new(),
        at,
        checks: Vec::new(),
    };
    let verdict = match kind {
        "OFD" => {
            let found = ofd::check(&bytes, &trust);
            shown.add(0, &found.report);
            for (nth, one) in (1..).zip(&found.signatures) {
                let seal = one.seal.as_ref().and_then(|s| s.signature.as_ref());
                let signer = seal.and_then(|s| s.signer().ok());
                shown.signer(signer.as_ref(), seal.map(|s| s.seal().name()));
                shown.add(nth, &one.report);
            }
            found.verdict()
        }
        _ => {
            let found = pdf::check(&bytes, &trust);
            shown.add(0, &found.report);
            for (nth, one) in (1..).zip(&found.signatures) {
                let seal = one.seal.as_ref().and_then(|s| s.signature.as_ref());
                shown.signer(one.signer.as_ref(), seal.map(|s| s.seal().name()));
                shown.add(nth, &one.report);
            }
            found.verdict()
        }
    };
    shown.verdict = verdict.code();
    Ok(shown)
}

impl Document {
    fn signer(&mut self, certificate: Option<&Certificate>, seal: Option<&str>) {
        let name = certificate.map_or_else(|| "?".to_owned(), Certificate::subject_name);
        self.signers.push(match seal {
            Some(seal) => format!("{name}（{seal}）"),
            None => name,
        });
        self.signatures += 1;
    }

    fn add(&mut self, nth: usize, report: &Report) {
        for step in report.steps() {
            let (verdict, finding) = match &step.outcome {
                Outcome::Pass(finding) => ("pass", finding.as_ref()),
                Outcome::Unknown(finding) => ("unknown", Some(finding)),
                Outcome::Fail(finding) => ("fail", Some(finding)),
                _ => ("notrun", None),
            };
            self.checks.push(StepShown {
                id: nth.to_string(),
                zh: step.id.zh(),
                en: step.id.en(),
                verdict,
                saw_zh: finding.map_or_else(String::new, |f| f.zh.clone()),
                saw_en: finding.map_or_else(String::new, |f| f.en.clone()),
                code: finding.map(|f| f.code),
            });
        }
    }

    /// Whether everything holds.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.verdict == Verdict::Valid.code()
    }

    /// The verdict in one sentence.
    pub(crate) fn conclusion(&self) -> Text {
        let (zh, en) = match self.verdict {
            "valid" => (
                "签章有效，内容未变",
                "every seal holds, and nothing was changed",
            ),
            "undetermined" => (
                "签名正确，但证书状态或时间无法确认",
                "the signatures are good, but a certificate's status or a time is not known",
            ),
            "not-covered" => (
                "签名正确，但有内容不在签名保护之内",
                "the signatures hold, but content is not covered",
            ),
            "unsigned" => ("没有签章", "there is no signature"),
            _ => ("签章无效", "the seals do NOT hold"),
        };
        let names = self.signers.join("、");
        let colon = if names.is_empty() { "" } else { "：" };
        Text {
            zh: format!("{zh}{colon}{names}"),
            en: match names.is_empty() {
                true => en.to_owned(),
                false => format!("{en}: {}", self.signers.join(", ")),
            },
        }
    }
}

/// Certificates and revocation lists that a person gave.
struct Beside {
    roots: Vec<Certificate>,
    between: Vec<Certificate>,
    crls: Vec<RevocationList>,
}

impl Beside {
    fn read(files: &[Given], from: &Arc<dyn ReadAt>) -> Result<Self, Problem> {
        let mut found = Beside {
            roots: Vec::new(),
            between: Vec::new(),
            crls: Vec::new(),
        };
        for file in files {
            small_up_to(file, from, crate::audit::SMALL_LEN_MAX, |bytes| {
                found.take(bytes)
            })?;
        }
        Ok(found)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.first() == Some(&0x30) {
            if let Ok(list) = RevocationList::parse(bytes) {
                self.crls.push(list);
                return Ok(());
            }
            self.certificate(Certificate::parse(bytes)?);
            return Ok(());
        }
        let text = String::from_utf8_lossy(bytes);
        let lists = text.contains("-----BEGIN X509 CRL-----");
        if lists {
            for der in pem::decode("X509 CRL", &text)? {
                self.crls.push(RevocationList::parse(&der)?);
            }
        }
        // A file with neither is none that helps: the same error as for certificates.
        if !lists || text.contains("-----BEGIN CERTIFICATE-----") {
            for certificate in pem::certificates(&text)? {
                self.certificate(certificate);
            }
        }
        Ok(())
    }

    /// What a CA signed for itself is trusted; the rest only leads there.
    fn certificate(&mut self, certificate: Certificate) {
        match certificate.subject_raw() == certificate.issuer_raw() {
            true => self.roots.push(certificate),
            false => self.between.push(certificate),
        }
    }
}
