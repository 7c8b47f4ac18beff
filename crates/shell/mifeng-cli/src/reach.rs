//! How a host over HTTP is reached: its address, whose certificates of servers count, how long one waits.

use crate::ui::{Failure, Ui};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// For a connection to stand.
const CONNECT: Duration = Duration::from_secs(10);
/// Silence of the other side while an answer of ordinary size comes.
const SILENCE: Duration = Duration::from_secs(60);
/// For a whole ordinary exchange: a block of 1 MiB at 4 kB/s.
const WHOLE: Duration = Duration::from_secs(300);
/// Silence where the host has to work before it speaks: it hashes a bid of 16 GiB, or makes a large bundle.
const WORK: Duration = Duration::from_secs(600);
/// Where systems keep the roots that they trust: Debian and Alpine, Fedora, SUSE, BSD.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Bytes of a file of roots: the systems' own have a quarter of this.
const ROOTS_LEN_MAX: u64 = 1 << 20;

/// A tender on a host, and how to reach it.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Reach {
    /// 项目在平台上的地址 / address of the tender, https://host/t/TENDER
    #[arg(long, value_name = "URL")]
    pub(crate) host: String,
    /// 只信任这些服务器根证书，PEM；不给则用系统的 / trust servers under these roots only, PEM; without: the system's
    #[arg(long, value_name = "PEM")]
    pub(crate) tls_ca: Option<PathBuf>,
}

impl From<&str> for Reach {
    fn from(url: &str) -> Self {
        Reach {
            host: url.to_owned(),
            tls_ca: None,
        }
    }
}

impl Reach {
    /// Address of the host, and the name of the tender there.
    pub(crate) fn parts(&self, ui: &Ui) -> Result<(String, String), Failure> {
        let url = &self.host;
        let shown = || {
            Failure::usage(format!(
                "{url}: {}",
                ui.t(
                    "应为 https://平台:端口/t/项目（或 http://）",
                    "expected https://host:port/t/TENDER (or http://)"
                )
            ))
        };
        let (base, tender) = url
            .trim_end_matches('/')
            .split_once("/t/")
            .ok_or_else(shown)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        let web = base.starts_with("http://") || base.starts_with("https://");
        if !web || tender.is_empty() || !tender.bytes().all(plain) {
            return Err(shown());
        }
        if is_seen_by_others(base) {
            ui.warn(
                format!("{base}：明文 HTTP，沿途的人能看到谁在何时发送了多少"),
                format!(
                    "{base}: plain HTTP, whoever is on the way sees who sends when, and how much"
                ),
            );
        }
        Ok((base.to_owned(), tender.to_owned()))
    }

    /// Whoever carries the requests.
    pub(crate) fn agent(&self) -> Result<ureq::Agent, Failure> {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .timeout_global(Some(WHOLE))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(self.roots()?).build())
            .build();
        Ok(ureq::Agent::new_with_config(config))
    }

    fn roots(&self) -> Result<RootCerts, Failure> {
        if let Some(path) = &self.tls_ca {
            return certificates(path);
        }
        // None are read where none are needed.
        if self.host.starts_with("http://") {
            return Ok(RootCerts::WebPki);
        }
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let usual = SYSTEM_ROOTS.iter().map(PathBuf::from);
        let found = named.into_iter().chain(usual).find(|path| path.is_file());
        found.map_or(Ok(RootCerts::WebPki), |path| certificates(&path))
    }
}

/// What a request may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// An answer of ordinary size.
    Usual,
    /// The host works first, or the answer is large: no bound on the whole, one on silence.
    Long,
}

/// The request with its patience.
pub(crate) fn patient<S: ureq::AsSendBody>(
    agent: &ureq::Agent,
    request: ureq::http::Request<S>,
    patience: Patience,
) -> ureq::http::Request<S> {
    let request = agent.configure_request(request);
    match patience {
        Patience::Usual => request.build(),
        Patience::Long => request
            .timeout_global(None)
            .timeout_per_read(Some(WORK))
            .build(),
    }
}

fn certificates(path: &Path) -> Result<RootCerts, Failure> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(ROOTS_LEN_MAX).read_to_end(&mut bytes))
        .map_err(|e| Failure::io(path, &e))?;
    let items = parse_pem(&bytes).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = items.collect();
    match found.is_empty() {
        true => Err(Failure::malformed(format!(
            "{}: expected certificates in PEM, found none",
            path.display()
        ))),
        false => Ok(found.into()),
    }
}

/// Plain HTTP to another machine.
fn is_seen_by_others(base: &str) -> bool {
    let Some(rest) = base.strip_prefix("http://") else {
        return false;
    };
    let name = match rest.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => rest.split(':').next().unwrap_or_default(),
    };
    let address: Option<std::net::IpAddr> = name.parse().ok();
    name != "localhost" && !address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_clear_without_a_word() {
        for own in [
            "http://127.0.0.1:8600",
            "http://[::1]:8600",
            "http://localhost",
            "https://a.example",
        ] {
            assert!(!is_seen_by_others(own), "{own}");
        }
        for other in [
            "http://a.example",
            "http://10.0.0.1:8600",
            "http://127.0.0.1.a.example",
            "http://[::2]:80",
        ] {
            assert!(is_seen_by_others(other), "{other}");
        }
    }
}
