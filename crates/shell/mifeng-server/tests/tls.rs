//! TLS with real certificates: what is spoken, to whom, and what is refused at the start.

mod common;

use common::*;
use mifeng_server::{House, ManualClock, Running, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mifeng-tls-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("house")).expect("a folder");
        Place(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        std::fs::write(self.path(name), text).expect("written");
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(name), mode).expect("set");
    }

    fn load(&self) -> Result<Tls, mifeng::Error> {
        Tls::load(&self.path("host.pem"), &self.path("host.key"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut root = CertificateParams::new(Vec::new()).expect("names");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(root, key).expect("a root")
}

/// A chain and a key in PEM for 127.0.0.1.
fn issued(root: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("names");
    let key = KeyPair::generate().expect("a key");
    let certificate = own.signed_by(&key, root).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

fn start(place: &Path, tls: Tls) -> Running {
    let clock = Arc::new(ManualClock::new(secs(2)));
    let mut none = |_: &Path| -> mifeng_server::Opening<Memory> { unreachable!("no tender") };
    let house = House::open(place, clock, &mut none).expect("a house");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let notify = mifeng_server::Log::off();
    mifeng_server::start(
        Arc::new(house),
        listener,
        Some(tls),
        None,
        Vec::new(),
        notify,
    )
    .expect("listening")
}

type Spoken = Result<(String, Vec<u8>), std::io::Error>;

/// The answer to `GET /healthz`, and the certificate that was shown.
fn ask(to: SocketAddr, root: &str, version: &'static SupportedProtocolVersion) -> Spoken {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root.as_bytes()).expect("a certificate");
    roots.add(root).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(client, TcpStream::connect(to)?);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    let shown = stream.conn.peer_certificates().and_then(<[_]>::first);
    Ok((said, shown.map(|c| c.to_vec()).unwrap_or_default()))
}

#[test]
fn both_versions_are_spoken_and_a_renewed_certificate_is_shown() {
    let place = Place::new("spoken");
    let root = authority();
    let (chain, key) = issued(&root);
    place.write("host.pem", &chain, 0o644);
    place.write("host.key", &key, 0o600);
    let tls = place.load().expect("a certificate");
    let running = start(&place.path("house"), tls.clone());
    let (said, first) = ask(running.address, &root.pem(), &rustls::version::TLS13).expect("1.3");
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.ends_with("{\"ok\":true,\"anchored\":null}"),
        "{said}"
    );
    let (said, same) = ask(running.address, &root.pem(), &rustls::version::TLS12).expect("1.2");
    assert!(said.starts_with("HTTP/1.1 200 ") && same == first, "{said}");
    // Whoever trusts another root does not speak to this host; plain HTTP is not answered.
    assert!(ask(running.address, &authority().pem(), &rustls::version::TLS13).is_err());
    let mut plain = TcpStream::connect(running.address).expect("connected");
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .expect("sent");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    // A renewal: files that do not belong together change nothing.
    let (chain, _) = issued(&root);
    place.write("host.pem", &chain, 0o644);
    assert!(tls.reload().is_err());
    let (_, still) = ask(running.address, &root.pem(), &rustls::version::TLS13).expect("1.3");
    assert_eq!(still, first);
    let (chain, key) = issued(&root);
    place.write("host.pem", &chain, 0o644);
    place.write("host.key", &key, 0o600);
    tls.reload().expect("a certificate");
    let (_, renewed) = ask(running.address, &root.pem(), &rustls::version::TLS13).expect("1.3");
    assert_ne!(renewed, first);
    running.stop();
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let place = Place::new("refused");
    let root = authority();
    let (chain, key) = issued(&root);
    place.write("host.pem", &chain, 0o644);
    for mode in [0o640, 0o604, 0o660, 0o620] {
        place.write("host.key", &key, mode);
        let said = place.load().err().map(|e| (e.code(), e.to_string()));
        let (code, said) = said.expect("refused");
        assert_eq!(code, "system.unavailable", "{said}");
        assert!(said.contains("600"), "{said}");
    }
    place.write("host.key", &key, 0o400);
    assert!(place.load().is_ok());
    place.write("host.pem", "", 0o644);
    assert!(place.load().is_err());
    place.write("host.pem", &chain, 0o644);
    place.write("other.key", &issued(&root).1, 0o600);
    assert!(Tls::load(&place.path("host.pem"), &place.path("other.key")).is_err());
    assert!(Tls::load(&place.path("host.pem"), &place.path("none.key")).is_err());
}
