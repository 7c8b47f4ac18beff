//! Every SM4 kernel of this machine against its twin, the portable one: the same ciphertext and tag
//! for any key, nonce, associated data and message; each opens what the other sealed, and neither
//! opens it with a bit changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mifeng_crypto::sm4::{gcm::Sm4Gcm, kernel_names};

fuzz_target!(|data: &[u8]| {
    let Some((head, rest)) = data.split_first_chunk::<30>() else {
        return;
    };
    let key = <&[u8; 16]>::try_from(&head[..16]).expect("16 bytes");
    let nonce = <&[u8; 12]>::try_from(&head[16..28]).expect("12 bytes");
    let (aad, text) = rest.split_at(usize::from(head[28]).min(rest.len()));
    // Long messages are the fast path's: the input is repeated up to 255 times.
    let text = text.repeat(usize::from(head[29]).max(1));
    let twin = Sm4Gcm::with_kernel(key, "portable").expect("always there");
    let mut expected = text.clone();
    let tag = twin.seal(nonce, aad, &mut expected);
    for name in kernel_names() {
        let kernel = Sm4Gcm::with_kernel(key, name).expect("named by itself");
        let mut sealed = text.clone();
        assert_eq!(kernel.seal(nonce, aad, &mut sealed), tag, "{name}");
        assert!(sealed == expected, "{name}");
        let mut bent = tag;
        bent[usize::from(head[28] % 16)] ^= 1 << (head[29] % 8);
        assert!(kernel.open(nonce, aad, &mut sealed, &bent).is_err());
        assert!(sealed == expected, "{name}: left as it was");
        assert!(kernel.open(nonce, aad, &mut sealed, &tag).is_ok());
        assert!(sealed == text, "{name}");
    }
});
