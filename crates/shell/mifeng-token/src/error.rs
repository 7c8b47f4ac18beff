//! What stops a token, and what its owner can do about it.

use crate::Use;
use mifeng_crypto::Kind;

/// Errors of tokens. Each says what to do, in two languages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token's library cannot be loaded.
    #[error(
        "{path} is not a library of a token that this program can use ({reason}): install the maker's driver, and name its 64-bit library"
    )]
    Library {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// No token is plugged in.
    #[error("no token found: plug it in, wait for its light, and try again")]
    None,
    /// The token wanted is not plugged in.
    #[error("the token with serial number {serial} is not plugged in")]
    NotThere {
        /// Its serial number.
        serial: String,
    },
    /// More than one token, and none named.
    #[error("several tokens are plugged in ({}): unplug the others, or name one with --serial", .serials.join(", "))]
    Several {
        /// Their serial numbers.
        serials: Vec<String>,
    },
    /// No certificate for this use.
    #[error("the token has no certificate for {}: have the CA issue one into it, or take the token it was issued into", .purpose.en())]
    NoCertificate {
        /// What it was wanted for.
        purpose: Use,
    },
    /// More than one certificate for this use, and none named.
    #[error("the token has several certificates for {}: name one with --cert", .purpose.en())]
    SeveralCertificates {
        /// What it was wanted for.
        purpose: Use,
    },
    /// Several applications of a token have certificates, and none was named.
    #[error(
        "several applications of the token have certificates: name the certificate, so that no other application is shown the PIN"
    )]
    SeveralApplications,
    /// The certificate's key is not in the token.
    #[error("the token has the certificate but not its private key: it belongs to another token")]
    NoKey,
    /// Wrong PIN.
    #[error("wrong PIN{}: check the keyboard before you try again; the token locks after too many", tries_en(.left))]
    PinWrong {
        /// Attempts left, where the token tells.
        left: Option<u32>,
    },
    /// The PIN is locked.
    #[error(
        "the PIN is locked after too many wrong attempts: only the CA or the token's maker can unlock it with the administrator's PIN"
    )]
    PinLocked,
    /// The PIN cannot be one of this token, or the token has none yet.
    #[error("the PIN has a length or characters that this token does not take, or was never set")]
    PinForm,
    /// The token went away.
    #[error(
        "the token was removed or does not answer: plug it in again and repeat the command; nothing was written"
    )]
    Removed,
    /// The token cannot do this.
    #[error("the token cannot do this: {what}")]
    Unsupported {
        /// What.
        what: &'static str,
    },
    /// What the token made does not fit its certificate.
    #[error(
        "the key in the token is not that of the certificate beside it: have the CA write the right certificate"
    )]
    Mismatch,
    /// Any other refusal by the device.
    #[error("the token refused {call} with code {code:#010x}: give this code to its maker")]
    Device {
        /// The function that failed.
        call: &'static str,
        /// The device's own code.
        code: u64,
    },
    /// An error of the floor below.
    #[error(transparent)]
    Crypto(#[from] mifeng_crypto::Error),
}

impl Use {
    fn en(self) -> &'static str {
        match self {
            Use::Signing => "signing",
            Use::Decrypting => "decrypting",
        }
    }

    fn zh(self) -> &'static str {
        match self {
            Use::Signing => "签名",
            Use::Decrypting => "解密",
        }
    }
}

fn tries_en(left: &Option<u32>) -> String {
    left.map(|n| format!(", {n} attempts left"))
        .unwrap_or_default()
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Library { .. } => "token.library",
            Error::None => "token.none",
            Error::NotThere { .. } => "token.not-there",
            Error::Several { .. } => "token.several",
            Error::NoCertificate { .. } => "token.no-certificate",
            Error::SeveralCertificates { .. } => "token.several-certificates",
            Error::SeveralApplications => "token.several-applications",
            Error::NoKey => "token.no-key",
            Error::PinWrong { .. } => "token.pin-wrong",
            Error::PinLocked => "token.pin-locked",
            Error::PinForm => "token.pin-form",
            Error::Removed => "token.removed",
            Error::Unsupported { .. } => "token.unsupported",
            Error::Mismatch => "token.mismatch",
            Error::Device { .. } => "token.device",
            Error::Crypto(inner) => inner.code(),
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Library { .. }
            | Error::None
            | Error::NotThere { .. }
            | Error::Removed
            | Error::Device { .. } => Kind::Unavailable,
            Error::Crypto(inner) => inner.kind(),
            _ => Kind::Refused,
        }
    }

    /// The sentence in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Error::Library { path, reason } => format!(
                "{path} 不是本程序可用的密码钥匙驱动库（{reason}）：请安装厂商驱动，并指定其64位库文件"
            ),
            Error::None => "未发现密码钥匙：请插入，待指示灯亮后重试".to_owned(),
            Error::NotThere { serial } => format!("序列号为 {serial} 的密码钥匙未插入"),
            Error::Several { serials } => format!(
                "插有多个密码钥匙（{}）：请拔下其他的，或用 --serial 指定",
                serials.join("、")
            ),
            Error::NoCertificate { purpose } => format!(
                "密码钥匙内没有用于{}的证书：请由CA签发写入，或换用已写入该证书的密码钥匙",
                purpose.zh()
            ),
            Error::SeveralCertificates { purpose } => {
                format!(
                    "密码钥匙内有多张用于{}的证书：请用 --cert 指定",
                    purpose.zh()
                )
            }
            Error::SeveralApplications => {
                "密码钥匙内有多个应用存有证书：请指定证书，以免将PIN交给其他应用".to_owned()
            }
            Error::NoKey => "密码钥匙内有证书而无其私钥：证书属于另一把密码钥匙".to_owned(),
            Error::PinWrong { left } => {
                let left = left.map(|n| format!("，还可尝试{n}次")).unwrap_or_default();
                format!("PIN错误{left}：请检查键盘后再试，多次错误将锁定")
            }
            Error::PinLocked => "PIN因多次输错已锁定：只能由CA或厂商用管理员PIN解锁".to_owned(),
            Error::PinForm => "PIN的长度或字符不被该密码钥匙接受，或尚未设置PIN".to_owned(),
            Error::Removed => {
                "密码钥匙已拔出或无响应：请重新插入并重做本命令，未写出任何文件".to_owned()
            }
            Error::Unsupported { what } => format!("密码钥匙不支持：{what}"),
            Error::Mismatch => "密码钥匙内的密钥与其证书不符：请由CA写入正确的证书".to_owned(),
            Error::Device { call, code } => {
                format!("密码钥匙拒绝 {call}，代码 {code:#010x}：请将代码告知厂商")
            }
            Error::Crypto(inner) => inner.to_string(),
        }
    }
}

impl From<Error> for mifeng_pki::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Crypto(inner) => mifeng_pki::Error::Crypto(inner),
            other => mifeng_pki::Error::KeyHolder {
                code: other.code(),
                kind: other.kind(),
                text: other.to_string(),
                zh: other.zh(),
            },
        }
    }
}
