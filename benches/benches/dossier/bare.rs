//! The work that nobody who verifies a dossier can leave out: each byte hashed once, each bid decrypted
//! once, each signature checked once, on all cores.

use benches::world::key_alg;
use benches::{done, good};
use mifeng::crypto::{ChunkCipher, PrivateKey, PublicKey, SeededEntropy, SignatureAlg, Suite};
use std::ops::Range;
use std::sync::Mutex;

/// The size of a chunk of a bid's body.
const CHUNK: usize = 16 << 10;
/// The least size of a sealed bid's content.
const BID: usize = 1 << 20;
/// For each bid: record, seal and manifest by the bidder; its certificate by the CA; the host's `bid.open`.
const BY_BIDDER: usize = 3;
const BY_OTHERS: usize = 2;

struct Signed {
    key: PublicKey,
    signature: Vec<u8>,
}

pub(crate) struct Bare<'a> {
    suite: &'static Suite,
    dossier: &'a [u8],
    files: Vec<Range<usize>>,
    alg: SignatureAlg,
    bidders: Vec<Signed>,
    other: Signed,
    buffers: Vec<Mutex<Vec<u8>>>,
}

const MESSAGE: &[u8] = b"as long as the signed attributes of a CMS message are, which is about a hundred and fifty bytes: \
                         content type, message digest, signing time";

impl<'a> Bare<'a> {
    pub(crate) fn new(suite: &'static Suite, dossier: &'a [u8], bids: usize) -> Self {
        let mut entropy = SeededEntropy::new(b"bare");
        let mut alg = None;
        let mut signed = || {
            let key = PrivateKey::generate(key_alg(suite), &mut entropy).expect("a key");
            alg = Some(key.signature_alg());
            Signed {
                key: key.public_key().expect("its public half"),
                signature: key.sign(MESSAGE).expect("signs"),
            }
        };
        let (bidders, other) = ((0..bids).map(|_| signed()).collect(), signed());
        Bare {
            suite,
            dossier,
            files: members(dossier),
            bidders,
            other,
            alg: alg.expect("one key at least"),
            buffers: (0..bids).map(|_| Mutex::new(vec![7; BID])).collect(),
        }
    }

    pub(crate) fn all(&self) {
        self.hash();
        self.decrypt();
        self.signatures();
    }

    /// Every file, with one stream of the suite's hash.
    pub(crate) fn hash(&self) {
        spread(&self.files, |file| {
            done(self.suite.hash().digest(&self.dossier[file.clone()]))
        });
    }

    /// Every bid; sealing in place costs what opening does.
    pub(crate) fn decrypt(&self) {
        let key = vec![1; self.suite.body_key_len()];
        let cipher = ChunkCipher::new(self.suite, &key).expect("a key");
        spread(&self.buffers, |buffer| {
            let mut text = buffer.lock().expect("nobody panics with it");
            for (at, chunk) in text.chunks_mut(CHUNK).enumerate() {
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&(at as u64).to_be_bytes());
                good(cipher.seal(&nonce, chunk));
            }
        });
    }

    pub(crate) fn signatures(&self) {
        spread(&self.bidders, |own| {
            for signed in [(own, BY_BIDDER), (&self.other, BY_OTHERS)] {
                for _ in 0..signed.1 {
                    let Signed { key, signature } = signed.0;
                    good(key.verify(self.alg, MESSAGE, signature));
                }
            }
        });
    }
}

/// Where the contents of a tar stand.
fn members(tar: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while tar[at] != 0 {
        let size = std::str::from_utf8(&tar[at + 124..at + 135]).expect("octal");
        let size = usize::from_str_radix(size, 8).expect("octal");
        found.push(at + 512..at + 512 + size);
        at += 512 + size.next_multiple_of(512);
    }
    found
}

/// Does `work` for each on all cores.
fn spread<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let run = || {
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match all.get(at) {
                Some(one) => work(one),
                None => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(run);
        }
    });
}
