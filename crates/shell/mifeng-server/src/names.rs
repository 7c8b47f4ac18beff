//! The names by which people address this host: what they sign in to carries one of them.

use std::net::SocketAddr;

/// Public authorities, `NAME[:PORT]`, as they stand in `Host`.
#[derive(Clone, Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// Those that the operator gave; without any, the address that is listened on and this machine's own.
    pub(crate) fn of(given: Vec<String>, address: SocketAddr, tls: bool) -> Self {
        if !given.is_empty() {
            return Names(given);
        }
        let port = address.port();
        let all = [
            address.to_string(),
            format!("localhost:{port}"),
            format!("127.0.0.1:{port}"),
        ];
        // Nobody writes the port that the scheme has anyway.
        let usual = match tls {
            true => ":443",
            false => ":80",
        };
        let short = |name: String| name.strip_suffix(usual).map(str::to_owned).unwrap_or(name);
        Names(all.into_iter().map(short).collect())
    }

    pub(crate) fn contain(&self, host: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_or_the_address() {
        let address = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let given = Names::of(vec!["Host.example:444".to_owned()], address(8600), true);
        assert!(given.contain("host.EXAMPLE:444"));
        for other in ["host.example", "localhost:8600", "10.0.0.1:8600", ""] {
            assert!(!given.contain(other), "{other}");
        }
        let own = Names::of(Vec::new(), address(8600), false);
        for name in ["10.0.0.1:8600", "localhost:8600", "127.0.0.1:8600"] {
            assert!(own.contain(name), "{name}");
        }
        assert!(!own.contain("evil.example") && !own.contain("localhost"));
        assert!(Names::of(Vec::new(), address(443), true).contain("10.0.0.1"));
        assert!(Names::of(Vec::new(), address(80), false).contain("localhost"));
        assert!(!Names::of(Vec::new(), address(443), false).contain("localhost"));
    }
}
