//! TLS of the host itself: rustls on ring, versions 1.3 and 1.2, one certificate, which may change while it runs.

use mifeng::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// Bytes of a file of certificates or of a key: a chain has a few kilobytes.
const PEM_LEN_MAX: u64 = 1 << 20;
/// Bits that nobody but the owner of a key file may have.
const OTHERS: u32 = 0o077;

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

/// A certificate with its key, from two files in PEM.
#[derive(Clone)]
pub struct Tls {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the chain (the host's own certificate first) and the key, which must be one another's.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a file cannot be read, or others than its owner may read the key;
    /// [`Error::Malformed`] if a file is not what it must be.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = RwLock::new(Arc::new(read(chain, key, &provider)?));
        let current = Arc::new(Current(current));
        let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|e| malformed("TLS versions", &e))?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls {
            chain: chain.to_owned(),
            key: key.to_owned(),
            provider,
            current,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Reads both files again, as after a renewal. Connections that stand go on; if the files are not good, so do
    /// the certificate and key that were in use.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub fn reload(&self) -> Result<(), Error> {
        let fresh = Arc::new(read(&self.chain, &self.key, &self.provider)?);
        let mut current = self
            .current
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = fresh;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

fn read(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let chain = content(chain, false)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.map_err(|e| malformed("TLS certificate", &e))?;
    if chain.is_empty() {
        return Err(malformed(
            "TLS certificate",
            &"expected certificates in PEM, found none",
        ));
    }
    let key = content(key, true)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| malformed("TLS key", &e))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|e| malformed("TLS certificate", &e))
}

fn content(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, Error> {
    let wrong = |detail: String| Error::Unavailable {
        what: path.display().to_string(),
        detail,
    };
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    let about = file.metadata().map_err(|e| wrong(e.to_string()))?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
    if secret && mode & OTHERS != 0 {
        let found = mode & 0o777;
        return Err(wrong(format!(
            "others than its owner may use this key: expected mode 600, found {found:o}"
        )));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(PEM_LEN_MAX).read_to_end(&mut bytes);
    read.map_err(|e| wrong(e.to_string()))?;
    Ok(bytes)
}

fn malformed(what: &'static str, detail: &dyn core::fmt::Display) -> Error {
    Error::Malformed {
        what,
        detail: detail.to_string(),
    }
}
