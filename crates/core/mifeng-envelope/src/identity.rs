//! The few things this crate asks of certificates and keys.

use mifeng_crypto::SignatureAlg;
use mifeng_pki::{Certificate, Error, Signer};

/// Whether the certificate names this organisation at all. Which of the places that name one
/// counts is the CA's profile, and the next question (mifeng-tender).
pub(crate) fn is_of(certificate: &Certificate, uscc: &str) -> bool {
    certificate.names(uscc)
}

pub(crate) fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, Error> {
    signer.sign(message)
}

/// A signer whose messages also carry the bidder's encryption certificate.
pub(crate) struct Carrying<'a> {
    signer: &'a dyn Signer,
    chain: Vec<Certificate>,
}

impl<'a> Carrying<'a> {
    pub(crate) fn new(signer: &'a dyn Signer, encryption: Option<&Certificate>) -> Self {
        let own = signer.certificate().der();
        let extra = encryption.filter(|c| {
            c.der() != own && signer.chain().iter().all(|known| known.der() != c.der())
        });
        let chain = signer.chain().iter().chain(extra).cloned().collect();
        Carrying { signer, chain }
    }
}

impl Signer for Carrying<'_> {
    fn certificate(&self) -> &Certificate {
        self.signer.certificate()
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn signature_alg(&self) -> Result<SignatureAlg, Error> {
        self.signer.signature_alg()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signer.sign(message)
    }
}
