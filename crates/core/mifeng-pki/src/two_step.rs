//! Signing in two steps: for keys that are reached by carrying files, or by asking a service.
//!
//! Whatever is signed here is a function of its inputs, times included, so it can be built twice:
//! first to learn the bytes to be signed ([`message`]), then with the signature made elsewhere
//! ([`Made`]).

use crate::{Certificate, Error, Signer};
use std::cell::RefCell;

/// A signer that signs nothing and remembers what it was asked to.
struct Asking {
    certificate: Certificate,
    chain: Vec<Certificate>,
    asked: RefCell<Option<Vec<u8>>>,
}

impl Signer for Asking {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        *self.asked.borrow_mut() = Some(message.to_vec());
        Err(Error::Unavailable {
            what: "the signature, which is made elsewhere",
        })
    }
}

/// First step: the bytes that `build` wants signed by the key of `certificate`.
///
/// # Errors
/// The error of `build` if it fails before it asks for a signature; [`Error::Message`] if it asks
/// for none.
pub fn message<T, E: From<Error>>(
    certificate: &Certificate,
    chain: &[Certificate],
    build: impl FnOnce(&dyn Signer) -> Result<T, E>,
) -> Result<Vec<u8>, E> {
    let asking = Asking {
        certificate: certificate.clone(),
        chain: chain.to_vec(),
        asked: RefCell::new(None),
    };
    let built = build(&asking);
    match (asking.asked.into_inner(), built) {
        (Some(message), _) => Ok(message),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Err(E::from(Error::Message {
            rule: "nothing is signed here",
        })),
    }
}

/// Second step: a signer that has the signature already.
pub struct Made {
    certificate: Certificate,
    chain: Vec<Certificate>,
    signature: Vec<u8>,
}

impl Made {
    /// Takes the signature made elsewhere.
    pub fn new(certificate: Certificate, chain: Vec<Certificate>, signature: Vec<u8>) -> Self {
        Made {
            certificate,
            chain,
            signature,
        }
    }
}

impl Signer for Made {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Gives the signature if it is one over `message`; a signature over anything else, an earlier
    /// time for instance, is refused with [`Error::BadSignature`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let alg = self.signature_alg()?;
        self.certificate
            .public_key()
            .verify(alg, message, &self.signature)
            .map_err(|_| Error::BadSignature {
                what: "the message it was asked for",
            })?;
        Ok(self.signature.clone())
    }
}
