//! The bidder's own copy of a seal's secret, sealed to its encryption certificate: with it the bidder
//! sees the content before submission, and an interrupted sealing goes on. It is a file of the
//! bidder's machine, beside the plaintext that it guards no better than, and is never sent to anyone.

use crate::leaf::{Secrecy, open_cert_leaf, seal_cert_leaf};
use crate::{Error, Result};
use mifeng_crypto::{Digest, Entropy, Suite};
use mifeng_pki::{Certificate, Decrypter};
use zeroize::Zeroizing;

fn label(c: &Digest) -> Vec<u8> {
    [b"own\0", &c.as_bytes()[..]].concat()
}

/// Seals `sigma` of the context with digest `c` as a certificate leaf is sealed, with L = "own" ‖ 00
/// ‖ C and ρ drawn from `entropy`.
///
/// # Errors
/// A certificate whose key no leaf can be sealed to; those of the entropy source.
pub fn seal_own_copy(
    suite: &Suite,
    c: &Digest,
    certificate: &Certificate,
    sigma: &[u8; 32],
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>> {
    let mut rho = Zeroizing::new([0; 96]);
    entropy.fill(&mut rho[..])?;
    seal_cert_leaf(suite, Secrecy::Secret, certificate, &label(c), &rho, sigma)
}

/// Opens what [`seal_own_copy`] made. Whether it is the secret of a seal shows only when the header
/// is rebuilt from it ([`crate::VerifiedSeal::rebuild`]).
///
/// # Errors
/// [`Error::NotOurLeaf`], whatever the reason; what stopped a token comes as [`Error::Pki`].
pub fn open_own_copy(
    suite: &Suite,
    c: &Digest,
    copy: &[u8],
    decrypter: &dyn Decrypter,
) -> Result<Zeroizing<[u8; 32]>> {
    match open_cert_leaf(suite, &label(c), copy, decrypter) {
        Err(Error::Crypto(_)) => Err(Error::NotOurLeaf),
        opened => opened,
    }
}
