//! What was checked, step by step, in the standard's order.

use crate::{Deviation, Error};

/// One step of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum StepId {
    /// The structure is read strictly.
    Format,
    /// Version numbers of seal and signature agree.
    Version,
    /// The signature value verifies with the signer's certificate.
    Signature,
    /// The signer's certificate is one that the seal allows.
    SignerListed,
    /// The maker's signature over the seal verifies.
    SealSignature,
    /// No unknown critical extension in seal or signature.
    Extensions,
    /// The picture is what it says and within limits.
    Picture,
    /// The instant at which the seal was made fits the maker's certificate.
    SealCreated,
    /// The maker's certificate: path, use, revocation.
    SealMaker,
    /// The seal's own time stamp.
    SealTimeStamp,
    /// The seal is in force.
    SealValidity,
    /// What the register of the seal's maker says about it.
    SealRegister,
    /// The time stamp over the signature value.
    TimeStamp,
    /// The signer's certificate: path, use, revocation at the signing time.
    SignerCertificate,
    /// What shows the signing time.
    SigningTime,
    /// The protected data has the signed digest.
    Data,
    /// Every referenced file is there and has its digest.
    References,
    /// The seal file beside the signature is the seal inside it.
    SealFile,
    /// The places where the seal is shown exist.
    Stamps,
    /// The signed bytes are a whole revision of the document but for the value.
    ByteRange,
    /// The certification of a document keeps its rules.
    Certification,
    /// What later revisions changed is permitted.
    Changes,
    /// Everything that is shown is covered.
    Coverage,
}

impl StepId {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.names().0
    }
    /// The name in Chinese.
    #[must_use]
    pub fn zh(self) -> &'static str {
        self.names().1
    }
    /// The name in English.
    #[must_use]
    pub fn en(self) -> &'static str {
        self.names().2
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            StepId::Format => ("format", "数据格式", "format"),
            StepId::Version => ("version", "版本一致", "versions agree"),
            StepId::Signature => ("signature", "签章签名值", "signature value"),
            StepId::SignerListed => (
                "signer-listed",
                "签章者证书与印章匹配",
                "signer allowed by seal",
            ),
            StepId::SealSignature => (
                "seal.signature",
                "印章签名值",
                "maker's signature on the seal",
            ),
            StepId::Extensions => ("extensions", "自定义扩展", "extensions"),
            StepId::Picture => ("seal.picture", "印章图像", "picture of the seal"),
            StepId::SealCreated => ("seal.created", "制章时间", "seal's making time"),
            StepId::SealMaker => ("seal.maker", "制章者证书", "maker's certificate"),
            StepId::SealTimeStamp => ("seal.time-stamp", "印章时间戳", "seal's time stamp"),
            StepId::SealValidity => ("seal.validity", "印章有效期", "seal in force"),
            StepId::SealRegister => (
                "seal.register",
                "印章登记状态",
                "seal in its maker's register",
            ),
            StepId::TimeStamp => ("time-stamp", "签章时间戳", "time stamp"),
            StepId::SignerCertificate => ("signer", "签章者证书", "signer's certificate"),
            StepId::SigningTime => ("signing-time", "签章时间", "signing time"),
            StepId::Data => ("data", "原文杂凑", "digest of the data"),
            StepId::References => ("references", "受保护文件", "referenced files"),
            StepId::SealFile => ("seal-file", "印章文件", "seal file"),
            StepId::Stamps => ("stamps", "印章外观位置", "places of the seal"),
            StepId::ByteRange => ("byte-range", "签名范围", "signed bytes"),
            StepId::Certification => ("certification", "文档认证", "certification"),
            StepId::Changes => ("changes", "签名后的变动", "changes after signing"),
            StepId::Coverage => ("coverage", "保护范围", "coverage"),
        }
    }
}

/// What a step found: a stable code and a sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code.
    pub code: &'static str,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Finding {
            code,
            zh: zh.into(),
            en: en.into(),
        }
    }
}

impl From<&Error> for Finding {
    fn from(error: &Error) -> Self {
        Finding::new(error.code(), error.zh(), error.to_string())
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It holds; sometimes with something a reader should know.
    Pass(Option<Finding>),
    /// It can be neither confirmed nor denied with what is at hand.
    Unknown(Finding),
    /// It does not hold.
    Fail(Finding),
    /// It was not reached, or there is nothing to check.
    NotRun,
}

/// A step with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// How it ended.
    pub outcome: Outcome,
}

/// The result of all steps together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// Every step holds.
    Valid,
    /// Cryptographically good; something about a certificate or a time is not known.
    Undetermined,
    /// Every signature holds, but not all of the content is under one.
    NotCovered,
    /// There is no signature.
    Unsigned,
    /// Some step does not hold.
    Invalid,
}

impl Verdict {
    /// A stable name for machines.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::NotCovered => "not-covered",
            Verdict::Undetermined => "undetermined",
            Verdict::Unsigned => "unsigned",
            Verdict::Invalid => "invalid",
        }
    }
}

/// All steps of one check, all failures, not only the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    steps: Vec<Step>,
    deviations: Vec<Deviation>,
}

impl Report {
    /// The steps, in the order in which they were made.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
    /// What departs from the standard and was read all the same.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }
    /// How one step ended.
    #[must_use]
    pub fn outcome(&self, id: StepId) -> Option<&Outcome> {
        self.steps.iter().find(|s| s.id == id).map(|s| &s.outcome)
    }
    /// The first failure.
    #[must_use]
    pub fn failure(&self) -> Option<(StepId, &Finding)> {
        self.steps.iter().find_map(|step| match &step.outcome {
            Outcome::Fail(finding) => Some((step.id, finding)),
            _ => None,
        })
    }
    /// Every failure's code.
    #[must_use]
    pub fn failures(&self) -> Vec<&'static str> {
        let code = |step: &Step| match &step.outcome {
            Outcome::Fail(finding) => Some(finding.code),
            _ => None,
        };
        self.steps.iter().filter_map(code).collect()
    }
    /// The result of all steps.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let is = |want: fn(&Outcome) -> bool| self.steps.iter().any(|s| want(&s.outcome));
        if self.steps.is_empty() || is(|o| matches!(o, Outcome::Fail(_))) {
            return Verdict::Invalid;
        }
        if is(|o| matches!(o, Outcome::Unknown(_))) {
            return Verdict::Undetermined;
        }
        Verdict::Valid
    }

    pub(crate) fn add(&mut self, id: StepId, outcome: Outcome) {
        self.steps.push(Step { id, outcome });
    }
    /// Adds a step that holds or fails; whether it holds.
    pub(crate) fn result(&mut self, id: StepId, result: Result<(), Error>) -> bool {
        let held = result.is_ok();
        self.add(
            id,
            match result {
                Ok(()) => Outcome::Pass(None),
                Err(error) => Outcome::Fail(Finding::from(&error)),
            },
        );
        held
    }
    pub(crate) fn note(&mut self, found: Deviation) {
        crate::deviation::note(&mut self.deviations, found);
    }
    pub(crate) fn notes(&mut self, found: &[Deviation]) {
        found.iter().for_each(|one| self.note(*one));
    }
    pub(crate) fn extend(&mut self, other: Report) {
        self.steps.extend(other.steps);
        other.deviations.into_iter().for_each(|d| self.note(d));
    }
}
