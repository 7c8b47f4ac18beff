//! Why a record was not taken into the register.

use mifeng_crypto::{Digest, Kind, Time};

/// Errors of the register of seals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record is not of the form that its type asks for.
    #[error("{what}: {rule}")]
    Malformed {
        /// The field or record.
        what: &'static str,
        /// What was expected.
        rule: &'static str,
    },
    /// A type of record that this log does not have.
    #[error("a record of type {found:?} does not belong into a register of seals")]
    UnknownType {
        /// The type, cut to 40 characters.
        found: String,
    },
    /// The record was made for another log.
    #[error("record for {found:?}, this register is {expected:?}")]
    Origin {
        /// This register.
        expected: String,
        /// The record's.
        found: String,
    },
    /// Numbers of one person's records only go up.
    #[error("record number {found}, expected {expected}")]
    Replay {
        /// The next number.
        expected: u64,
        /// The one found.
        found: u64,
    },
    /// A record dated before those that the log already has.
    #[error("signed at {found}, after a record of {latest}")]
    Backdated {
        /// The record's time.
        found: Time,
        /// The latest before it.
        latest: Time,
    },
    /// The log does not begin with its configuration, or has it twice.
    #[error("log.config must be the first record, and the only one of its type")]
    Config,
    /// Somebody else would have to sign this.
    #[error("{kind} must be signed by {expected}")]
    NotAuthorised {
        /// The record's type.
        kind: &'static str,
        /// Who may.
        expected: &'static str,
    },
    /// A credit code that is none, or one whose check characters fail and that no certificate vouches for.
    #[error("credit code {found}: {rule}")]
    CreditCode {
        /// The code, cut to 40 characters.
        found: String,
        /// What is wrong.
        rule: &'static str,
    },
    /// Nothing known by that name.
    #[error("the register has no {what} {name}")]
    Unknown {
        /// Application, seal, number or use.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// It was done before.
    #[error("{what} {name} is there already")]
    Duplicate {
        /// What.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// The seal is not what was applied for.
    #[error("the seal differs from its application: {field}")]
    Differs {
        /// The first field that does.
        field: &'static str,
    },
    /// The seal is revoked.
    #[error("seal {number} is revoked from {from}")]
    Revoked {
        /// Its number.
        number: String,
        /// From when.
        from: Time,
    },
    /// A use without a reason, a person or a title.
    #[error("a use of a seal must say {what}")]
    NoReason {
        /// What is missing.
        what: &'static str,
    },
    /// Dual control: the same person cannot ask and consent.
    #[error("dual control: whoever asks for a use cannot consent to it")]
    SamePerson,
    /// More records than one register takes.
    #[error("the register has {found} records, at most {max} are taken")]
    Full {
        /// How many there are.
        found: u64,
        /// How many are taken.
        max: u64,
    },
    /// The record itself is broken.
    #[error("{0}")]
    Record(#[source] mifeng_record::Error),
    /// The seal or its picture does not hold.
    #[error("{0}")]
    Stamp(#[source] mifeng_stamp::Error),
    /// A certificate does not hold.
    #[error("{who}: {why}")]
    Certificate {
        /// Whose.
        who: String,
        /// Why.
        why: mifeng_pki::Error,
    },
}

impl Error {
    pub(crate) fn malformed(what: &'static str, rule: &'static str) -> Self {
        Error::Malformed { what, rule }
    }

    pub(crate) fn unknown(what: &'static str, digest: &Digest) -> Self {
        Error::Unknown {
            what,
            name: digest.to_string(),
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Malformed { .. } | Error::UnknownType { .. } => "registry.malformed",
            Error::Origin { .. } => "registry.origin",
            Error::Replay { .. } => "registry.replay",
            Error::Backdated { .. } => "registry.backdated",
            Error::Config => "registry.config",
            Error::NotAuthorised { .. } => "registry.not-authorised",
            Error::CreditCode { .. } => "registry.credit-code",
            Error::Unknown { .. } => "registry.unknown",
            Error::Duplicate { .. } => "registry.duplicate",
            Error::Differs { .. } => "registry.differs",
            Error::Revoked { .. } => "registry.revoked",
            Error::NoReason { .. } => "registry.no-reason",
            Error::SamePerson => "registry.same-person",
            Error::Full { .. } => "registry.full",
            Error::Record(inner) => inner.code(),
            Error::Stamp(inner) => inner.code(),
            Error::Certificate { why, .. } => why.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. } | Error::UnknownType { .. } | Error::CreditCode { .. } => {
                Kind::Malformed
            }
            Error::Record(inner) => inner.kind(),
            Error::Stamp(inner) => inner.kind(),
            Error::Certificate { why, .. } => why.kind(),
            _ => Kind::Refused,
        }
    }

    /// The same sentence in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Error::Malformed { what, .. } => format!("{what}不合要求"),
            Error::UnknownType { found } => format!("印章登记中没有“{found}”这种记录"),
            Error::Origin { expected, found } => format!("该记录属于{found}，不属于{expected}"),
            Error::Replay { expected, found } => format!("记录序号为{found}，应为{expected}"),
            Error::Backdated { found, latest } => {
                format!("记录时间{found}早于登记中已有的{latest}")
            }
            Error::Config => "登记的第一条记录应为 log.config，且只有一条".to_owned(),
            Error::NotAuthorised { kind, expected } => {
                format!("{kind} 须由{}签名", role_zh(expected))
            }
            Error::CreditCode { found, .. } => format!("统一社会信用代码{found}有误"),
            Error::Unknown { what, name } => format!("登记中没有这{}：{name}", thing_zh(what)),
            Error::Duplicate { what, name } => format!("{}已在登记中：{name}", thing_zh(what)),
            Error::Differs { field } => format!("所制印章与申请不符：{field}"),
            Error::Revoked { number, from } => format!("印章{number}自{from}起已注销"),
            Error::NoReason { what } => format!("用印须写明{}", what_zh(what)),
            Error::SamePerson => "双人控制：用印人不能自行批准".to_owned(),
            Error::Full { found, max } => format!("登记已有{found}条记录，上限{max}"),
            Error::Record(inner) => inner.to_string(),
            Error::Stamp(inner) => inner.zh(),
            Error::Certificate { who, why } => format!("{who}：{why}"),
        }
    }
}

fn role_zh(role: &str) -> &str {
    match role {
        AUTHORITY => "制章者",
        APPLICANT => "原申请单位",
        SIGNER => "印章所列的签章者",
        KEEPER => "印章保管人",
        ANY_OF_THEM => "制章者、原申请单位或印章保管人",
        other => other,
    }
}

fn thing_zh(what: &str) -> &str {
    match what {
        "application" => "项申请",
        "seal" => "枚印章",
        "number" => "个印章编号",
        "use" => "次用印",
        "consent" => "次用印的批准",
        other => other,
    }
}

fn what_zh(what: &str) -> &str {
    match what {
        "why" => "事由",
        "who" => "用印人",
        _ => "文件名称",
    }
}

/// The maker who keeps the register.
pub(crate) const AUTHORITY: &str = "the maker who keeps the register";
/// The unit that applied.
pub(crate) const APPLICANT: &str = "the unit that applied";
/// One whom the seal allows to sign.
pub(crate) const SIGNER: &str = "one whom the seal allows to sign";
/// The keeper that the form names.
pub(crate) const KEEPER: &str = "the keeper of the seal";
/// Who may revoke.
pub(crate) const ANY_OF_THEM: &str = "the maker, the unit that applied or the keeper of the seal";

impl From<mifeng_record::Error> for Error {
    fn from(e: mifeng_record::Error) -> Self {
        Error::Record(e)
    }
}

impl From<mifeng_stamp::Error> for Error {
    fn from(e: mifeng_stamp::Error) -> Self {
        Error::Stamp(e)
    }
}
