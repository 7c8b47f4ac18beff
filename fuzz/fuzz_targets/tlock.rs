//! Any bytes as chains, beacons and timelock ciphertexts: refused or accepted, no panic; nothing forged opens.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mifeng_lock::tlock::{self, Beacon, Chain, ChainRecord, VerifiedBeacon};

const ROUND_123: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92";

static WORLD: LazyLock<(Chain, VerifiedBeacon)> = LazyLock::new(|| {
    let chain = Chain::quicknet();
    let signature = hex::decode(ROUND_123).expect("hex");
    let beacon = chain.verify(123, &signature, None).expect("beacon");
    (chain, beacon)
});

fuzz_target!(|data: &[u8]| {
    let (chain, beacon) = &*WORLD;
    if let Ok(m) = tlock::open(chain, beacon, data) {
        // Whoever makes a ciphertext that opens has followed the rules: it can be made again.
        let sigma = tlock::recover_sigma(chain, beacon, data).expect("opened before");
        assert_eq!(tlock::seal(chain, 123, &m, &sigma).as_deref(), Ok(data));
    }
    if let Some((round, signature)) = data.split_first_chunk::<8>() {
        let round = u64::from_be_bytes(*round);
        if chain.verify(round, signature, None).is_ok() {
            assert!(matches!(round, 123 | 12_040_883), "a beacon nobody published");
        }
    }
    if let Ok(record) = serde_json::from_slice::<ChainRecord>(data) {
        let _ = Chain::new(record);
    }
    if let Ok(record) = serde_json::from_slice::<Beacon>(data) {
        let _ = record.verify(chain);
    }
});
