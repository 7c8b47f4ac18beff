//! Making seals and seal signatures, versions 4 and 5.

use super::field::{self, TEXT_LEN_MAX};
use super::{Extension, SIGNED_BY_SM2, Seal, SealKind, SealSignature, Signers, Version};
use crate::error::limit;
use crate::{Error, Picture};
use mifeng_crypto::{Digest, KeyAlg, SignatureAlg, Time};
use mifeng_pki::Signer;
use mifeng_pki::asn1::write;

/// A seal to be made. The maker's authority to make it is the caller's to know.
#[derive(Clone, Debug)]
pub struct SealDraft {
    /// Version 4 or 5.
    pub version: Version,
    /// Who wrote the software (Vid): ASCII.
    pub vendor: String,
    /// The unique number of the seal (esID): ASCII.
    pub id: String,
    /// The kind of seal.
    pub kind: SealKind,
    /// The name on it, as filed with the police where it is filed.
    pub name: String,
    /// Who may sign with it.
    pub signers: Signers,
    /// When it is made.
    pub created: Time,
    /// From when it is in force.
    pub valid_from: Time,
    /// The last second in which it is.
    pub valid_until: Time,
    /// The picture.
    pub picture: Picture,
    /// Whatever else; critical entries would make every checker that does not know them refuse.
    pub extensions: Vec<Extension>,
}

impl SealDraft {
    /// Signs the seal with the maker's key. A function of its inputs: see
    /// [`mifeng_pki::two_step`] for keys elsewhere.
    ///
    /// # Errors
    /// [`Error::Field`], [`Error::Picture`], [`Error::TooLarge`], [`Error::Algorithm`] for a key
    /// that is not SM2; what the signer says.
    pub fn sign(&self, maker: &dyn Signer) -> Result<Seal, Error> {
        self.check()?;
        check_key("seal", maker)?;
        let certificate = maker.certificate();
        if self.created < certificate.not_before() || self.created > certificate.not_after() {
            return Err(Error::Field {
                field: "createDate",
                rule: "outside the validity of the maker's certificate",
            });
        }
        let info = self.info()?;
        let value = maker.sign(&info)?;
        Seal::parse(&write::seq(&[
            &info,
            &write::octets(certificate.der()),
            &write::oid(SIGNED_BY_SM2),
            &write::bits(&value),
        ]))
    }

    fn check(&self) -> Result<(), Error> {
        let field = |field, rule| Err(Error::Field { field, rule });
        if self.version == Version::V1 {
            return field("version", "version 1 is read, not written");
        }
        for (name, text) in [("Vid", &self.vendor), ("esID", &self.id)] {
            if text.is_empty() || !text.is_ascii() || text.len() > TEXT_LEN_MAX {
                return field(name, "must be 1 to 1,024 ASCII characters");
            }
        }
        if self.name.is_empty() || self.name.len() > TEXT_LEN_MAX {
            return field("name", "must have 1 to 1,024 bytes");
        }
        if self.signers.count() == 0 {
            return field("certList", "nobody could sign with this seal");
        }
        limit(
            "certificate list of the seal",
            self.signers.count(),
            field::SIGNERS_MAX,
        )?;
        if self.valid_from > self.valid_until {
            return field("validEnd", "before validStart");
        }
        let facts = self.picture.facts()?;
        if facts.tail || crate::PictureKind::stated(&self.picture.kind) != Some(facts.kind) {
            return Err(Error::Picture {
                rule: "kind and bytes do not fit",
            });
        }
        Ok(())
    }

    /// `SES_SealInfo`: what is signed.
    fn info(&self) -> Result<Vec<u8>, Error> {
        let list_type = match self.signers {
            Signers::Certificates(_) => 1,
            Signers::Digests(_) => 2,
        };
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => field::extensions_der(&self.extensions)?,
        };
        Ok(write::seq(&[
            &write::seq(&[
                &field::ia5("ES"),
                &write::small(self.version.number()),
                &field::ia5(&self.vendor),
            ]),
            &field::ia5(&self.id),
            &write::seq(&[
                &write::small(self.kind.0),
                &field::utf8(&self.name),
                &write::small(list_type),
                &self.signers.to_der(),
                &field::generalized(self.created),
                &field::generalized(self.valid_from),
                &field::generalized(self.valid_until),
            ]),
            &write::seq(&[
                &field::ia5(&self.picture.kind),
                &write::octets(&self.picture.data),
                &write::small(self.picture.width_mm),
                &write::small(self.picture.height_mm),
            ]),
            &extensions,
        ]))
    }
}

/// A seal signature to be made over data with this digest.
#[derive(Clone, Debug)]
pub struct SignatureDraft<'a> {
    /// The seal; its version is the signature's.
    pub seal: &'a Seal,
    /// The signer's clock.
    pub at: Time,
    /// SM3 of the protected data.
    pub data_hash: Digest,
    /// What is protected: ASCII. In OFD the absolute path of Signature.xml.
    pub property: &'a str,
    /// Whatever else.
    pub extensions: &'a [Extension],
}

impl SignatureDraft<'_> {
    /// Signs with the key of a certificate that the seal allows, while the seal is in force. Whose
    /// the certificates are is [`crate::check_before_signing`]'s to say.
    ///
    /// # Errors
    /// [`Error::NotListed`], [`Error::NotInForce`], [`Error::CriticalExtension`] in the seal,
    /// [`Error::BadSignature`] of the seal, [`Error::Version`] for a version 1 seal,
    /// [`Error::Field`], [`Error::Algorithm`]; what the signer says.
    pub fn sign(&self, signer: &dyn Signer) -> Result<SealSignature, Error> {
        let certificate = signer.certificate();
        check_key("seal signature", signer)?;
        if self.seal.version == Version::V1 {
            return Err(Error::Version {
                what: "seal",
                found: self.seal.number,
                expected: "4 or 5: version 1 is read, not written",
            });
        }
        if !self.property.is_ascii() || self.property.len() > TEXT_LEN_MAX {
            return Err(Error::Field {
                field: "propertyInfo",
                rule: "must be at most 1,024 ASCII characters",
            });
        }
        if !self.seal.signers.allows(certificate.der()) {
            return Err(Error::NotListed {
                subject: certificate.subject_name(),
            });
        }
        self.seal.verify(&mut Vec::new())?;
        self.seal.check_extensions()?;
        self.seal.check_in_force(self.at)?;
        let tbs = self.tbs()?;
        let value = signer.sign(&tbs)?;
        SealSignature::parse(&write::seq(&[
            &tbs,
            &write::octets(certificate.der()),
            &write::oid(SIGNED_BY_SM2),
            &write::bits(&value),
        ]))
    }

    /// `TBS_Sign`: what is signed.
    fn tbs(&self) -> Result<Vec<u8>, Error> {
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => {
                let list = field::extensions_der(self.extensions)?;
                write::tlv(mifeng_pki::asn1::tag::context(0), &[&list])
            }
        };
        Ok(write::seq(&[
            &write::small(self.seal.version.number()),
            self.seal.der(),
            &field::generalized(self.at),
            &write::bits(self.data_hash.as_bytes()),
            &field::ia5(self.property),
            &extensions,
        ]))
    }
}

fn check_key(what: &'static str, signer: &dyn Signer) -> Result<(), Error> {
    let certificate = signer.certificate();
    let fits = certificate.public_key().key_alg() == KeyAlg::Sm2
        && signer.signature_alg()? == SignatureAlg::Sm2Sm3;
    if fits {
        return Ok(());
    }
    Err(Error::Algorithm {
        what,
        found: format!("{:?}", certificate.public_key().key_alg()),
        expected: "an SM2 key",
    })
}
