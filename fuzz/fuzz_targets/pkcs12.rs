//! Spec: spec/keys.md
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_pki::keyfile::pkcs12;

// Files of PKCS#12 under passphrases that seeds have; whatever opens is used.
fuzz_target!(|data: &[u8]| {
    for passphrase in [&b""[..], b"foo", b"password"] {
        if let Ok(found) = pkcs12::read(data, passphrase) {
            for entry in &found.keys {
                if let Some(certificate) = found.certificate_of(entry) {
                    found.chain_of(certificate);
                }
            }
        }
    }
});
