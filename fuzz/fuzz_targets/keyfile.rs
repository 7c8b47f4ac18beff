//! Spec: spec/keys.md
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_pki::keyfile;
use zeroize::Zeroizing;

// PKCS#8, encrypted or not, and the older plain forms, in PEM or DER: what opens is written and
// opens again.
fuzz_target!(|data: &[u8]| {
    let passphrase = || Ok::<_, mifeng_pki::Error>(Zeroizing::new(b"1234".to_vec()));
    if let Ok((key, _)) = keyfile::read_any(data, passphrase) {
        let text = keyfile::plain_pem(&key).expect("a key that was read is written");
        let again = keyfile::read_any(text.as_bytes(), passphrase);
        let (again, _) = again.expect("a key that was written is read");
        assert_eq!(
            again.public_key().expect("public"),
            key.public_key().expect("public")
        );
    }
});
