//! Why a seal, a seal signature or a document was not taken.

use mifeng_crypto::{Kind, Time};
use mifeng_pki as pki;

/// Errors of seals, seal signatures and sealed documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes are not the structure they should be.
    #[error("malformed {what}: {rule}")]
    Malformed {
        /// The structure that was expected.
        what: &'static str,
        /// What of it is broken.
        rule: &'static str,
    },
    /// Input larger than its limit.
    #[error("{what} has {found} units, at most {max} are allowed")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Size found.
        found: u64,
        /// Size allowed.
        max: u64,
    },
    /// A version number that does not fit.
    #[error("{what} has version {found}, expected {expected}")]
    Version {
        /// What has the number.
        what: &'static str,
        /// The number.
        found: u64,
        /// What would fit.
        expected: &'static str,
    },
    /// The picture of a seal breaks a rule.
    #[error("picture of the seal: {rule}")]
    Picture {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// An entry of extDatas is critical and not known here: what it demands cannot be kept.
    #[error("unknown critical extension {oid} in the {place}")]
    CriticalExtension {
        /// Its object identifier.
        oid: String,
        /// Seal or seal signature.
        place: &'static str,
    },
    /// An algorithm that the standard or the key does not allow.
    #[error("{what} names algorithm {found}, expected {expected}")]
    Algorithm {
        /// What names it.
        what: &'static str,
        /// The identifier found.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A signature does not verify.
    #[error("signature of the {what} does not verify")]
    BadSignature {
        /// What was signed.
        what: &'static str,
    },
    /// The signer's certificate is not among those the seal allows.
    #[error(
        "certificate of {subject} is not one that the seal allows; a renewed certificate needs a renewed seal"
    )]
    NotListed {
        /// Whose certificate.
        subject: String,
    },
    /// The seal is not in force.
    #[error("seal holds from {from} until {until}, asked about {at}")]
    NotInForce {
        /// First instant.
        from: Time,
        /// Last instant.
        until: Time,
        /// The instant asked about.
        at: Time,
    },
    /// An instant that contradicts another.
    #[error("{earlier_what} {earlier} is after {later_what} {later}")]
    Order {
        /// What should be the earlier.
        earlier_what: &'static str,
        /// Its instant.
        earlier: Time,
        /// What should be the later.
        later_what: &'static str,
        /// Its instant.
        later: Time,
    },
    /// The protected data is not what was signed.
    #[error("digest of {what} does not match")]
    Digest {
        /// What was digested.
        what: String,
    },
    /// A field of a draft is outside what the standard or this library allows.
    #[error("{field}: {rule}")]
    Field {
        /// The field.
        field: &'static str,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// A package that a careful reader must not open.
    #[error("package: {rule}: {name}")]
    Package {
        /// The rule that is broken.
        rule: &'static str,
        /// The entry, shortened and without control characters.
        name: String,
    },
    /// A part of a document is broken, missing or out of place.
    #[error("{file}: {rule}")]
    Document {
        /// The file inside the package.
        file: String,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// Content that no signature covers.
    #[error("content not covered by any signature: {file}, {count} in all")]
    NotCovered {
        /// The first of them.
        file: String,
        /// How many.
        count: usize,
    },
    /// A PDF that cannot be read in one way only.
    #[error("PDF, byte {at}: {rule}")]
    Pdf {
        /// Where, or 0 where no place says it.
        at: u64,
        /// What is broken.
        rule: &'static str,
    },
    /// An encrypted PDF: what it shows cannot be checked.
    #[error("the PDF is encrypted")]
    PdfEncrypted,
    /// A signature in a PDF breaks a rule before any key is looked at.
    #[error("{0}")]
    PdfSignature(crate::pdf::Fault),
    /// An earlier signature covers the list of signatures: one more would break it.
    #[error("an earlier signature closed the document")]
    Closed,
    /// An error of certificates, paths or time stamps.
    #[error(transparent)]
    Pki(pki::Error),
}

impl From<pki::Error> for Error {
    fn from(error: pki::Error) -> Self {
        match error {
            pki::Error::Malformed { what } => Error::Malformed {
                what,
                rule: "not the DER that the standard asks for",
            },
            other => Error::Pki(other),
        }
    }
}

impl From<mifeng_crypto::Error> for Error {
    fn from(error: mifeng_crypto::Error) -> Self {
        Error::Pki(error.into())
    }
}

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Malformed { .. } => "stamp.malformed",
            Error::TooLarge { .. } => "stamp.too-large",
            Error::Version { .. } => "stamp.version",
            Error::Picture { .. } => "stamp.picture",
            Error::CriticalExtension { .. } => "stamp.critical-extension",
            Error::Algorithm { .. } => "stamp.algorithm",
            Error::BadSignature { .. } => "stamp.bad-signature",
            Error::NotListed { .. } => "stamp.not-listed",
            Error::NotInForce { .. } => "stamp.not-in-force",
            Error::Order { .. } => "stamp.time-order",
            Error::Digest { .. } => "stamp.digest",
            Error::Field { .. } => "stamp.field",
            Error::Package { .. } => "ofd.package",
            Error::Document { .. } => "ofd.document",
            Error::NotCovered { .. } => "ofd.not-covered",
            Error::Pdf { .. } => "pdf.malformed",
            Error::PdfEncrypted => "pdf.encrypted",
            Error::PdfSignature(fault) => fault.code(),
            Error::Closed => "ofd.closed",
            Error::Pki(inner) => inner.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Malformed { .. }
            | Error::TooLarge { .. }
            | Error::Package { .. }
            | Error::Pdf { .. }
            | Error::Document { .. } => Kind::Malformed,
            Error::Pki(inner) => inner.kind(),
            _ => Kind::Refused,
        }
    }

    /// The same sentence in Chinese, where this crate has one; errors of certificates are said by
    /// their own words.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Error::Malformed { what, .. } => format!("{what}的编码不符合标准"),
            Error::TooLarge { what, found, max } => format!("{what}过大：{found}，上限{max}"),
            Error::Version {
                what,
                found,
                expected,
            } => format!("{what}的版本号为{found}，应为{expected}"),
            Error::Picture { rule } => format!("印章图像不合要求：{rule}"),
            Error::CriticalExtension { oid, .. } => format!("含有不认识的关键扩展{oid}"),
            Error::Algorithm { found, .. } => format!("算法{found}与标准或证书不符"),
            Error::BadSignature { .. } => "签名值验证不通过".to_owned(),
            Error::NotListed { subject } => {
                format!("{subject}的证书不在印章的签章者证书列表内；证书更换后须重新制章")
            }
            Error::NotInForce { from, until, at } => {
                format!("印章有效期{from}至{until}，所查时间{at}不在其内")
            }
            Error::Order { earlier, later, .. } => {
                format!("时间先后矛盾：{earlier}晚于{later}")
            }
            Error::Digest { what } => format!("{what}的杂凑值不符"),
            Error::Field { field, .. } => format!("{field}的内容不合要求"),
            Error::Package { name, .. } => format!("文件包不安全或已损坏：{name}"),
            Error::Document { file, .. } => format!("{file}：结构不合要求"),
            Error::NotCovered { file, count } => {
                format!("有{count}个文件不在任何签名保护之内，如{file}")
            }
            Error::Pdf { at, .. } => format!("PDF 结构不合要求或有歧义（第{at}字节）"),
            Error::PdfEncrypted => "PDF 已加密，无法核验".to_owned(),
            Error::PdfSignature(fault) => fault.zh(),
            Error::Closed => "已有签名保护签名列表，文档已锁定，不能再加签".to_owned(),
            Error::Pki(inner) => inner.to_string(),
        }
    }
}

/// A [`Error::Malformed`].
pub(crate) fn malformed(what: &'static str, rule: &'static str) -> Error {
    Error::Malformed { what, rule }
}

/// Refuses what has more units than its limit.
pub(crate) fn limit(what: &'static str, found: usize, max: usize) -> Result<(), Error> {
    if found > max {
        return Err(Error::TooLarge {
            what,
            found: found as u64,
            max: max as u64,
        });
    }
    Ok(())
}
