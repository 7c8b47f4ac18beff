//! What we read in others' certificates and lists, beside what `x509-parser` reads.

use mifeng_pki::{Certificate, RevocationList, pem};
use std::path::{Path, PathBuf};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data");
const FOLDERS: [&str; 5] = [
    "gm",
    "reliability/nist-pkits",
    "reliability/x509-misc",
    "reliability/fuzz-seeds/cert_corpus",
    "reliability/fuzz-seeds/parse_certificate_fuzzer_corpus",
];

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// The bytes of a file, and of the PEM blocks in it.
fn documents() -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        files(&Path::new(DATA).join(folder), &mut paths);
    }
    let mut out = Vec::new();
    for path in paths {
        let bytes = std::fs::read(&path).expect("readable");
        if let Ok(text) = std::str::from_utf8(&bytes) {
            for label in ["CERTIFICATE", "X509 CRL"] {
                let blocks = pem::decode(label, text).unwrap_or_default();
                out.extend(blocks.into_iter().map(|der| (path.clone(), der)));
            }
        }
        out.push((path, bytes));
    }
    out
}

fn same_certificate(path: &Path, ours: &Certificate, theirs: &X509Certificate<'_>) {
    let tbs = &theirs.tbs_certificate;
    assert_eq!(ours.serial_raw(), tbs.raw_serial(), "{path:?}");
    assert_eq!(ours.issuer_raw(), tbs.issuer().as_raw(), "{path:?}");
    assert_eq!(ours.subject_raw(), tbs.subject().as_raw(), "{path:?}");
    assert_eq!(ours.tbs_der(), tbs.as_ref(), "{path:?}");
    assert_eq!(
        ours.public_key().spki_der(),
        tbs.public_key().raw,
        "{path:?}"
    );
    let times = (ours.not_before(), ours.not_after());
    let seconds = (times.0.as_unix_seconds(), times.1.as_unix_seconds());
    let validity = tbs.validity();
    let expected = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    assert_eq!(seconds, expected, "{path:?}");
    for extension in tbs.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(basic) => {
                assert_eq!(ours.is_ca(), basic.ca, "{path:?}");
            }
            ParsedExtension::KeyUsage(usage) => {
                let found = ours.key_usage().map(|own| {
                    (
                        own.signs_digitally(),
                        own.signs_certificates(),
                        own.signs_revocations(),
                        own.encrypts(),
                    )
                });
                let encrypts =
                    usage.key_encipherment() || usage.data_encipherment() || usage.key_agreement();
                let expected = (
                    usage.digital_signature(),
                    usage.key_cert_sign(),
                    usage.crl_sign(),
                    encrypts,
                );
                assert!(found.is_none_or(|found| found == expected), "{path:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn two_parsers_read_the_same_in_certificates() {
    let (mut read, mut refused) = (0, 0);
    for (path, der) in documents() {
        let theirs = X509Certificate::from_der(&der).ok();
        let theirs = theirs.and_then(|(rest, theirs)| rest.is_empty().then_some(theirs));
        match (Certificate::parse(&der), theirs) {
            (Ok(ours), theirs) => {
                let theirs = theirs.expect("both read what we read");
                same_certificate(&path, &ours, &theirs);
                read += 1;
            }
            (Err(_), Some(_)) => refused += 1,
            _ => {}
        }
    }
    if read + refused == 0 {
        eprintln!("skipped: two_parsers_read_the_same_in_certificates: sample data not there");
        return;
    }
    eprintln!("{read} read by both, {refused} refused by us alone");
    assert!(read > 100, "{read}");
}

#[test]
fn two_parsers_read_the_same_in_lists() {
    let mut read = 0;
    for (path, der) in documents() {
        let Ok(ours) = RevocationList::parse(&der) else {
            continue;
        };
        let (rest, theirs) = CertificateRevocationList::from_der(&der).expect("read by both");
        assert!(rest.is_empty(), "{path:?}");
        assert_eq!(ours.issuer_raw(), theirs.issuer().as_raw(), "{path:?}");
        assert_eq!(
            ours.this_update().as_unix_seconds(),
            theirs.last_update().timestamp()
        );
        let next = ours.next_update().map(|next| next.as_unix_seconds());
        assert_eq!(
            next,
            theirs.next_update().map(|next| next.timestamp()),
            "{path:?}"
        );
        let entries: Vec<_> = theirs.iter_revoked_certificates().collect();
        assert_eq!(ours.len(), entries.len(), "{path:?}");
        for entry in entries.iter().filter(|_| !ours.is_indirect()) {
            let found = ours.find(entry.raw_serial()).expect("listed");
            let code = entry.reason_code().map_or(0, |(_, code)| code.0);
            let expected = (entry.revocation_date.timestamp(), code);
            assert_eq!(
                (found.revoked.as_unix_seconds(), found.reason),
                expected,
                "{path:?}"
            );
        }
        read += 1;
    }
    assert!(read == 0 || read > 100, "{read}");
}
