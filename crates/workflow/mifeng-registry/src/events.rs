//! The data of each type of record.

use crate::form::check_text;
use crate::{Error, Form};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng_crypto::{Digest, KeyAlg, Time};
use mifeng_pki::Certificate;
use mifeng_record::Record;
use mifeng_stamp::{Picture, Seal, SealKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Certificates in one application: keys of one seal are few, each more is one more that can be lost.
pub(crate) const SIGNERS_MAX: usize = 16;

/// `log.config`: the first record, by the maker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The suite: `gm-1`, since the standards of seals know SM2 alone.
    pub suite: String,
    /// The key of the SHA-256 tree's heads.
    pub key: String,
    /// The key of the SM3 tree's heads.
    pub key_sm3: Option<String>,
}

/// Which key a seal is bound to (是否复用 UKey).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChoice {
    /// A token that the unit has (复用).
    Reuse,
    /// A new one (新办).
    New,
    /// Something else, as keys at a server (其他).
    Other,
}

/// The picture of a seal, as it was drawn or scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureFile {
    /// The file, in base64.
    pub file: String,
    /// Height on paper, in millimetres.
    pub height_mm: u64,
    /// Width on paper, in millimetres.
    pub width_mm: u64,
}

impl PictureFile {
    /// From a picture.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        PictureFile {
            file: BASE64_STANDARD.encode(&picture.data),
            height_mm: picture.height_mm,
            width_mm: picture.width_mm,
        }
    }

    /// The picture, by the rules for new seals.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Stamp`].
    pub fn import(&self) -> Result<Picture, Error> {
        let data = decode("picture", &self.file)?;
        Ok(Picture::import(data, self.width_mm, self.height_mm)?)
    }
}

/// `seal.apply`: a unit asks for a seal, or for a new edition of one that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// Whether each use needs the consent of the keeper.
    pub dual: bool,
    /// The seal to be followed by a new edition: SM3 of its DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Digest>,
    /// The information form.
    pub form: Form,
    /// Which key it is bound to.
    pub key: KeyChoice,
    /// Kind of seal, as in GB/T 38540.
    pub kind: u64,
    /// What stands on it.
    pub name: String,
    /// The picture.
    pub picture: PictureFile,
    /// Certificates that shall sign with it: DER in base64.
    pub signers: Vec<String>,
    /// Until when it is asked for.
    pub until: Time,
}

impl Apply {
    /// Checks everything that can be seen in the application itself.
    ///
    /// # Errors
    /// [`Error`] with the field.
    pub(crate) fn check(&self, applicant: &Certificate) -> Result<(), Error> {
        self.form.check(applicant.uscc().as_deref())?;
        check_text("印章名称 name", &self.name, true)?;
        if !SealKind::NAMED.iter().any(|(kind, ..)| kind.0 == self.kind) {
            return Err(Error::malformed("印章类型 kind", "expected 1 to 6"));
        }
        self.picture.import()?;
        if self.signers.is_empty() || self.signers.len() > SIGNERS_MAX {
            return Err(Error::malformed("signers", "expected 1 to 16 certificates"));
        }
        let certificates = self.certificates()?;
        let sm2 = |c: &Certificate| c.public_key().key_alg() == KeyAlg::Sm2;
        if !certificates.iter().all(sm2) {
            return Err(Error::malformed("signers", "a seal signs with SM2 keys"));
        }
        if self.dual && self.form.keeper.cert.is_none() {
            return Err(Error::malformed(
                "保管人 keeper",
                "dual control needs the keeper's certificate",
            ));
        }
        Ok(())
    }

    /// The certificates that shall sign.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Certificate`].
    pub fn certificates(&self) -> Result<Vec<Certificate>, Error> {
        let one = |text: &String| {
            Certificate::parse(&decode("signers", text)?).map_err(|why| Error::Certificate {
                who: "signers".to_owned(),
                why,
            })
        };
        self.signers.iter().map(one).collect()
    }
}

/// `seal.make`: the maker hands out what was applied for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// The commitment of the application's record.
    pub application: Digest,
    /// The seal: DER in base64.
    pub seal: String,
}

impl Make {
    /// Of a seal.
    #[must_use]
    pub fn new(application: Digest, seal: &Seal) -> Self {
        Make {
            application,
            seal: BASE64_STANDARD.encode(seal.der()),
        }
    }

    pub(crate) fn seal(&self) -> Result<Seal, Error> {
        Ok(Seal::parse(&decode("seal", &self.seal)?)?)
    }
}

/// `seal.decline`: the maker says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    /// The commitment of the application's record.
    pub application: Digest,
    /// Why.
    pub reason: String,
}

/// `seal.use`: before a document is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// SM3 of the document before it is sealed.
    pub document: Digest,
    /// Who asks for it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// SM3 of the seal's DER.
    pub seal: Digest,
    /// What the document is called.
    pub title: String,
}

/// `seal.approve`: under dual control the keeper consents to one use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The commitment of the `seal.use` record.
    pub using: Digest,
}

/// Why a seal is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// 单位撤销.
    UnitDissolved,
    /// 单位合并或分立.
    UnitMerged,
    /// 单位更名.
    UnitRenamed,
    /// 实物印章失效.
    PhysicalSealInvalid,
    /// 密钥丢失或泄露.
    KeyCompromised,
    /// 换发新章.
    Replaced,
    /// 其他.
    Other,
}

impl Reason {
    /// Every reason with its name in Chinese and English.
    pub const NAMED: [(Self, &'static str, &'static str); 7] = [
        (Self::UnitDissolved, "单位撤销", "the unit was dissolved"),
        (
            Self::UnitMerged,
            "单位合并或分立",
            "the unit was merged or split",
        ),
        (Self::UnitRenamed, "单位更名", "the unit was renamed"),
        (
            Self::PhysicalSealInvalid,
            "实物印章失效",
            "the seal in wood or rubber ended",
        ),
        (
            Self::KeyCompromised,
            "密钥丢失或泄露",
            "a key was lost or leaked",
        ),
        (Self::Replaced, "换发新章", "another seal takes its place"),
        (Self::Other, "其他", "other"),
    ];

    /// Its name in Chinese and English.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        let found = Self::NAMED.iter().find(|(one, ..)| *one == self);
        found.map_or(("其他", "other"), |(_, zh, en)| (zh, en))
    }
}

/// `seal.revoke`: the seal, in all its editions, ends before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// From when on nothing sealed with it holds; may be earlier than the record, as when a token was
    /// lost a week ago.
    pub from: Time,
    /// What else there is to say; may be empty.
    pub note: String,
    /// The seal's number.
    pub number: String,
    /// Why.
    pub reason: Reason,
}

/// A record's data by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// `log.config`.
    Config(Config),
    /// `seal.apply`.
    Apply(Box<Apply>),
    /// `seal.make`.
    Make(Make),
    /// `seal.decline`.
    Decline(Decline),
    /// `seal.use`.
    Use(Use),
    /// `seal.approve`.
    Approve(Approve),
    /// `seal.revoke`.
    Revoke(Revoke),
}

impl Event {
    /// Reads the data of a record.
    ///
    /// # Errors
    /// [`Error::UnknownType`], [`Error::Record`].
    pub fn read(record: &Record) -> Result<Self, Error> {
        fn data<T: DeserializeOwned>(record: &Record) -> Result<T, Error> {
            Ok(record.data()?)
        }
        Ok(match record.kind() {
            "log.config" => Event::Config(data(record)?),
            "seal.apply" => Event::Apply(Box::new(data(record)?)),
            "seal.make" => Event::Make(data(record)?),
            "seal.decline" => Event::Decline(data(record)?),
            "seal.use" => Event::Use(data(record)?),
            "seal.approve" => Event::Approve(data(record)?),
            "seal.revoke" => Event::Revoke(data(record)?),
            other => {
                return Err(Error::UnknownType {
                    found: other.chars().take(40).collect(),
                });
            }
        })
    }
}

fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    BASE64_STANDARD
        .decode(text)
        .map_err(|_| Error::malformed(what, "not base64"))
}
