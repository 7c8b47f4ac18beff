//! The examination a vector kernel must pass on this very machine before it is used.
//!
//! Detecting a feature says what a processor claims, not that our kernel for it is right on it; a
//! wrong one would seal bids that nobody can open. So before a kernel is chosen for the first time
//! in a process it answers the published vector and then agrees with the portable expression on
//! messages that reach every batch size, with their edges. That takes a fraction of a millisecond,
//! once.

use super::backend::Backend;
use super::gcm::Sm4Gcm;
use super::{BLOCK, gcm::TAG};

/// What a kernel is examined through.
pub(super) trait Subject {
    /// Encrypts or decrypts blocks.
    fn blocks(&self, decrypt: bool, blocks: &mut [[u8; BLOCK]]);
    /// Seals in place.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8]) -> [u8; TAG];
    /// Opens in place; whether the tag fitted.
    fn open(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8], tag: &[u8; TAG]) -> bool;
}

impl Subject for Sm4Gcm {
    fn blocks(&self, decrypt: bool, blocks: &mut [[u8; BLOCK]]) {
        if decrypt {
            self.cipher().decrypt_blocks(blocks);
        } else {
            self.cipher().encrypt_blocks(blocks);
        }
    }

    fn seal(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
        Sm4Gcm::seal(self, nonce, aad, buf)
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8], tag: &[u8; TAG]) -> bool {
        Sm4Gcm::open(self, nonce, aad, buf, tag).is_ok()
    }
}

/// Key of RFC 8998 appendix A.1.
const KEY: [u8; 16] = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128.to_be_bytes();
/// Another key, so that the first bit of the hash key is once clear and once set.
const OTHER_KEY: [u8; 16] = [0x5a; 16];
const NONCE: [u8; 12] = [0, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xab, 0xcd];
const AAD: [u8; 20] = [
    0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef,
    0xab, 0xad, 0xda, 0xd2,
];
const TAG_EXPECTED: [u8; TAG] = 0x83de_3541_e4c2_b581_77e0_65a9_bf7b_62ec_u128.to_be_bytes();

/// Bytes around each group (64, 128, 256) and each batch (256, 512, 1024) of the three register
/// widths, none, a part of a block, and several of the widest batch with a rest.
const LENGTHS: [usize; 17] = [
    0, 1, 16, 63, 64, 65, 128, 129, 255, 256, 257, 512, 513, 1023, 1024, 1025, LONGEST,
];
const LONGEST: usize = 3 * 1024 + 256 + 7;

/// Whether `backend` computes SM4 and SM4-GCM as the portable expression does.
pub(super) fn passes(backend: Backend) -> bool {
    backend == Backend::Portable || examine(|key| Sm4Gcm::with_backend(key, backend))
}

/// The examination itself, of whatever `make` gives for a key.
pub(super) fn examine<S: Subject>(make: impl Fn(&[u8; 16]) -> S) -> bool {
    published(&make(&KEY))
        && [KEY, OTHER_KEY].iter().all(|key| {
            let oracle = Sm4Gcm::with_backend(key, Backend::Portable);
            let subject = make(key);
            let mut text = [0; LONGEST];
            for (i, byte) in text.iter_mut().enumerate() {
                *byte = ((i * 167) >> 3) as u8;
            }
            same_blocks(&subject, &oracle, &text)
                && LENGTHS
                    .iter()
                    .all(|len| same_message(&subject, &oracle, &text, *len))
        })
}

/// RFC 8998 appendix A.1; the tag covers every byte of the ciphertext.
fn published(subject: &impl Subject) -> bool {
    let mut buf = [0; 64];
    let bytes = [0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xee, 0xaa];
    for (eight, byte) in buf.as_chunks_mut::<8>().0.iter_mut().zip(bytes) {
        *eight = [byte; 8];
    }
    let text = buf;
    let tag = subject.seal(&NONCE, &AAD, &mut buf);
    tag == TAG_EXPECTED && subject.open(&NONCE, &AAD, &mut buf, &tag) && buf == text
}

fn same_blocks(subject: &impl Subject, oracle: &Sm4Gcm, text: &[u8; LONGEST]) -> bool {
    let blocks = text.as_chunks::<BLOCK>().0;
    [false, true].iter().all(|decrypt| {
        [1, 16, 33, 64, blocks.len()].iter().all(|count| {
            let (mut own, mut expected) = (blocks.to_vec(), blocks.to_vec());
            subject.blocks(*decrypt, &mut own[..*count]);
            oracle.blocks(*decrypt, &mut expected[..*count]);
            own == expected
        })
    })
}

/// One message of `len` bytes with other data of a length that differs.
fn same_message(subject: &impl Subject, oracle: &Sm4Gcm, text: &[u8; LONGEST], len: usize) -> bool {
    let (text, aad) = (&text[..len], &text[len / 2..len]);
    let (mut own, mut expected) = (text.to_vec(), text.to_vec());
    let tag = subject.seal(&NONCE, aad, &mut own);
    let expected_tag = oracle.seal(&NONCE, aad, &mut expected);
    if own != expected || tag != expected_tag {
        return false;
    }
    let mut wrong = tag;
    wrong[len % TAG] ^= 1;
    if subject.open(&NONCE, aad, &mut own, &wrong) || own != expected {
        return false;
    }
    subject.open(&NONCE, aad, &mut own, &tag) && own == text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel with one fault that shows from `from` bytes or blocks on.
    #[derive(Clone, Copy)]
    struct Fault {
        what: What,
        from: usize,
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum What {
        Encrypt,
        Decrypt,
        Text,
        Tag,
        Accepts,
        Refuses,
        Opened,
        None,
    }

    struct Faulty {
        right: Sm4Gcm,
        fault: Fault,
    }

    impl Faulty {
        fn shows(&self, what: What, len: usize) -> bool {
            self.fault.what == what && len >= self.fault.from
        }
    }

    impl Subject for Faulty {
        fn blocks(&self, decrypt: bool, blocks: &mut [[u8; BLOCK]]) {
            self.right.blocks(decrypt, blocks);
            let what = if decrypt {
                What::Decrypt
            } else {
                What::Encrypt
            };
            if self.shows(what, blocks.len())
                && let Some(last) = blocks.last_mut()
            {
                last[15] ^= 1;
            }
        }
        fn seal(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8]) -> [u8; TAG] {
            let mut tag = self.right.seal(nonce, aad, buf);
            if self.shows(What::Text, buf.len())
                && let Some(last) = buf.last_mut()
            {
                *last ^= 0x80;
            }
            tag[0] ^= u8::from(self.shows(What::Tag, buf.len()));
            tag
        }
        fn open(&self, nonce: &[u8; 12], aad: &[u8], buf: &mut [u8], tag: &[u8; TAG]) -> bool {
            let fits = self.right.open(nonce, aad, buf, tag).is_ok();
            if self.shows(What::Opened, buf.len())
                && let Some(first) = buf.first_mut()
            {
                *first ^= 1;
            }
            fits && !self.shows(What::Refuses, buf.len()) || self.shows(What::Accepts, buf.len())
        }
    }

    fn verdict(what: What, from: usize) -> bool {
        examine(|key| Faulty {
            right: Sm4Gcm::with_backend(key, Backend::Portable),
            fault: Fault { what, from },
        })
    }

    #[test]
    fn every_fault_is_found() {
        assert!(verdict(What::None, 0), "a right kernel passes");
        for from in [1, 64] {
            assert!(!verdict(What::Encrypt, from), "from {from} blocks");
            assert!(!verdict(What::Decrypt, from), "from {from} blocks");
        }
        for what in [
            What::Text,
            What::Tag,
            What::Accepts,
            What::Refuses,
            What::Opened,
        ] {
            // A fault that only the widest batch has, too.
            for from in [1, 257, 1_024, LONGEST] {
                assert!(!verdict(what, from), "{what:?} from {from} bytes");
            }
        }
    }

    #[test]
    fn a_kernel_that_fails_is_passed_over() {
        let all: Vec<Backend> = Backend::available().collect();
        for refused in 0..all.len() {
            let chosen = Backend::choose(all.iter().copied(), |b| !all[..refused].contains(&b));
            assert_eq!(chosen, all[refused]);
        }
        let nothing = Backend::choose(all.iter().copied(), |_| false);
        assert_eq!(nothing, Backend::Portable);
        let asked = std::cell::Cell::new(0);
        Backend::choose(all.iter().copied(), |_| {
            asked.set(asked.get() + 1);
            true
        });
        assert_eq!(asked.get(), 1, "the first that passes ends the search");
    }

    #[test]
    fn this_machine_passes() {
        for backend in Backend::available() {
            assert!(passes(backend), "{backend:?}");
        }
        assert_eq!(Some(Backend::best()), Backend::available().next());
    }
}
