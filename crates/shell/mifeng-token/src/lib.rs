//! Keys in tokens, as the [`Signer`](mifeng_pki::Signer) and [`Decrypter`](mifeng_pki::Decrypter)
//! that everything above takes.
//!
//! *What is it?* [`pkcs11`] speaks to tokens and machines through their PKCS#11 module (RSA and
//! P-256), [`skf`] to Chinese tokens through their SKF library (SM2; GM/T 0016). *When do I want
//! it?* In a program at a person's desk; the core never sees a device.
//!
//! A token's library is loaded into the process and can do there what it likes: load only what you
//! would run. PINs are arguments and never come from the environment.
#![deny(unsafe_code)]

mod error;
pub mod pkcs11;
pub mod skf;
pub mod trial;

pub use error::Error;
use mifeng_pki::Certificate;

/// What a token says of itself before anybody has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The label that its owner gave it.
    pub label: String,
    /// Its serial number: what tells two tokens apart.
    pub serial: String,
    /// Who made it.
    pub maker: String,
    /// Attempts left to give the right PIN, where the token tells.
    pub pin_tries: Option<u32>,
    /// Whether the PIN is locked.
    pub pin_locked: bool,
}

/// What a certificate is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Signing.
    Signing,
    /// Opening what was encrypted to it.
    Decrypting,
}

impl Use {
    /// Whether the certificate's key usage allows it; a certificate that says nothing allows all.
    fn suits(self, certificate: &Certificate) -> bool {
        certificate.key_usage().is_none_or(|usage| match self {
            Use::Signing => usage.signs(),
            Use::Decrypting => usage.encrypts(),
        })
    }
}

/// The one token wanted of those that are plugged in, by its place.
///
/// # Errors
/// [`Error::None`], [`Error::NotThere`], [`Error::Several`].
pub fn choose(found: &[TokenInfo], serial: Option<&str>) -> Result<usize, Error> {
    if let Some(serial) = serial {
        let at = found.iter().position(|token| token.serial == serial);
        return at.ok_or_else(|| Error::NotThere {
            serial: serial.to_owned(),
        });
    }
    match found {
        [] => Err(Error::None),
        [_] => Ok(0),
        several => Err(Error::Several {
            serials: several.iter().map(|t| t.serial.clone()).collect(),
        }),
    }
}

/// The certificate wanted of those in a token: this one, or the only one that suits.
fn choose_certificate<'a>(
    found: impl Iterator<Item = &'a Certificate>,
    purpose: Use,
    wanted: Option<&Certificate>,
) -> Result<usize, Error> {
    let mut fitting = found
        .enumerate()
        .filter(|(_, c)| purpose.suits(c) && wanted.is_none_or(|w| w.der() == c.der()));
    match (fitting.next(), fitting.next()) {
        (None, _) => Err(Error::NoCertificate { purpose }),
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(Error::SeveralCertificates { purpose }),
    }
}
