//! Whose certificates of servers count.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::path::Path;

/// The certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let bad = |detail: String| {
        let text = format!(
            "{}: expected certificates in PEM, found {detail}",
            path.display()
        );
        io::Error::from(crate::fault::Fault::Place(text))
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|e| bad(e.to_string()))?
        .collect();
    let found = found.map_err(|e| bad(e.to_string()))?;
    match found.is_empty() {
        true => Err(bad("none".to_owned())),
        false => Ok(found),
    }
}

/// Those of a file, or those that browsers trust.
#[cfg(feature = "postgres")]
pub(crate) fn roots(path: Option<&Path>) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match path {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(io::Error::other)?;
            }
        }
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    Ok(store)
}
