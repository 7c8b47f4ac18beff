//! Locks that time opens: encryption to a future round of a drand beacon chain.
//!
//! A chain publishes one BLS12-381 signature per round; the signature over round N is the key to everything
//! sealed to round N (Boneh and Franklin's FullIdent, as in tlock by Gailly, Melissaris and Yadav, ePrint
//! 2023/189). Sealing needs the chain's public key only; opening needs one signature of 48 or 96 bytes that can be
//! carried in by hand and is verified here, offline. The policy linter never lets such a leaf stand alone.
//!
//! Arithmetic is `blst`'s, behind the feature `tlock`; without it a chain can be read and named, and the rest says
//! [`Error::Unsupported`]. Normative text: `spec/tlock.md`.

#[cfg(feature = "tlock")]
mod curve;
mod ibe;
#[cfg(feature = "tlock")]
mod private;

use mifeng_crypto::{Digest, HashAlg, Time};
use serde::{Deserialize, Serialize};

use crate::policy::MAX_ROUND;
use crate::share::decode_hex;
use crate::{Error, Result};

pub use ibe::{BLOCK_BYTES, Block, open, seal};
#[cfg(feature = "tlock")]
pub use ibe::{pairing_hash, recover_sigma};
#[cfg(feature = "tlock")]
pub use private::ChainKey;

/// Seconds between rounds: a day is far above any chain's.
const MAX_PERIOD: u32 = 86_400;
/// Bytes of a beacon id, a name such as `quicknet`.
const MAX_BEACON_ID: usize = 64;
/// Where a round's time still is an exact JSON integer (RFC 7493).
const MAX_GENESIS: i64 = 1 << 40;

/// How a chain signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// Keys in G2, signatures in G1, hashed as RFC 9380 says: quicknet.
    #[serde(rename = "bls-unchained-g1-rfc9380")]
    G1Rfc9380,
    /// The same with the domain tag of G2, by mistake: fastnet, retired.
    #[serde(rename = "bls-unchained-on-g1")]
    G1OldTag,
    /// Keys in G1, signatures in G2.
    #[serde(rename = "pedersen-bls-unchained")]
    G2Unchained,
    /// The same, each round signing the one before: no future round can be sealed to.
    #[serde(rename = "pedersen-bls-chained")]
    G2Chained,
}

impl Scheme {
    /// Whether signatures are in G1 (48 bytes) and keys in G2 (96 bytes).
    pub fn is_short(self) -> bool {
        matches!(self, Self::G1Rfc9380 | Self::G1OldTag)
    }

    /// Bytes of a signature.
    pub fn signature_bytes(self) -> usize {
        if self.is_short() { 48 } else { 96 }
    }

    /// Bytes of the chain's public key.
    pub fn key_bytes(self) -> usize {
        if self.is_short() { 96 } else { 48 }
    }

    #[cfg(feature = "tlock")]
    fn tag(self) -> &'static [u8] {
        match self {
            Self::G1Rfc9380 => b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
            _ => b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_",
        }
    }
}

/// The JSON form of a [`Chain`]:
/// `{"beacon_id":…,"genesis_seed":hex,"genesis_time":s,"period":s,"public_key":hex,"scheme":…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainRecord {
    /// Name of the beacon; not hashed if it is `default`.
    pub beacon_id: String,
    /// 32 bytes that tell chains of one key apart.
    pub genesis_seed: Digest,
    /// Time of round 1, Unix seconds.
    pub genesis_time: i64,
    /// Seconds between rounds.
    pub period: u32,
    /// The key, compressed, lower-case hex.
    pub public_key: String,
    /// How it signs.
    pub scheme: Scheme,
}

/// A beacon chain: its key has been checked to be in the right subgroup and not the identity.
///
/// ```
/// use mifeng_crypto::Time;
/// use mifeng_lock::tlock::Chain;
/// let chain = Chain::quicknet();
/// assert_eq!(chain.hash().to_string(), "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971");
/// let deadline = Time::parse_rfc3339("2026-12-01T10:00:00+08:00")?;
/// let round = chain.round_from(deadline)?;
/// assert!(chain.time_of(round)? >= deadline);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    record: ChainRecord,
    key: Vec<u8>,
    hash: Digest,
}

impl Chain {
    /// Reads a chain.
    ///
    /// # Errors
    /// For members outside their limits, and a key that is off the curve, outside the subgroup or the identity.
    pub fn new(record: ChainRecord) -> Result<Self> {
        let wrong = |what| Err(Error::Chain { what });
        if record.period == 0 || record.period > MAX_PERIOD {
            return wrong("period must be 1..=86400 seconds");
        }
        if !(0..=MAX_GENESIS).contains(&record.genesis_time) {
            return wrong("genesis time must be 0..=2^40 seconds");
        }
        let printable = |b: u8| (0x21..=0x7e).contains(&b);
        if record.beacon_id.is_empty()
            || record.beacon_id.len() > MAX_BEACON_ID
            || !record.beacon_id.bytes().all(printable)
        {
            return wrong("beacon id must be 1..=64 printable ASCII characters");
        }
        let expected = record.scheme.key_bytes();
        if record.public_key.len() != 2 * expected {
            return Err(Error::Length {
                what: "public key of the beacon chain",
                expected,
                found: record.public_key.len() / 2,
            });
        }
        let mut key = vec![0; expected];
        decode_hex(&record.public_key, &mut key)?;
        #[cfg(feature = "tlock")]
        curve::check_key(record.scheme, &key)?;
        let id = match record.beacon_id.as_str() {
            "default" => "",
            id => id,
        };
        // drand's common.Info.Hash.
        let hash = HashAlg::Sha256.digest_parts(&[
            &record.period.to_be_bytes(),
            &record.genesis_time.to_be_bytes(),
            &key,
            record.genesis_seed.as_bytes(),
            id.as_bytes(),
        ]);
        Ok(Self { record, key, hash })
    }

    /// The public chain of the League of Entropy with three-second rounds.
    pub fn quicknet() -> Self {
        const KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c\
            8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb\
            5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
        const SEED: [u8; 32] = [
            0xf4, 0x77, 0xd5, 0xc8, 0x9f, 0x21, 0xa1, 0x7c, 0x86, 0x3a, 0x7f, 0x93, 0x7c, 0x6a,
            0x6d, 0x15, 0x85, 0x94, 0x14, 0xd2, 0xbe, 0x09, 0xcd, 0x44, 0x8d, 0x42, 0x79, 0xaf,
            0x33, 0x1c, 0x5d, 0x3e,
        ];
        Self::new(ChainRecord {
            beacon_id: "quicknet".to_owned(),
            genesis_seed: Digest::from_bytes(SEED),
            genesis_time: 1_692_803_367,
            period: 3,
            public_key: KEY.to_owned(),
            scheme: Scheme::G1Rfc9380,
        })
        .expect("constants that the tests read")
    }

    /// The JSON form.
    pub fn record(&self) -> &ChainRecord {
        &self.record
    }

    /// The chain hash, which policies and tlock files name it by.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The instant of a round.
    ///
    /// # Errors
    /// For round 0 and beyond 2^53 - 1.
    pub fn time_of(&self, round: u64) -> Result<Time> {
        check_round(round)?;
        let since = i128::from(round - 1) * i128::from(self.record.period);
        let seconds = i64::try_from(i128::from(self.record.genesis_time) + since);
        Ok(Time::from_unix_seconds(
            seconds.map_err(|_| Error::Malformed { what: "round" })?,
        ))
    }

    /// The first round that is not before `time`.
    ///
    /// # Errors
    /// For a time beyond every round.
    pub fn round_from(&self, time: Time) -> Result<u64> {
        const NANOS: i128 = 1_000_000_000;
        let genesis = i128::from(self.record.genesis_time) * NANOS;
        let period = i128::from(self.record.period) * NANOS;
        let after = (time.as_unix_nanos() - genesis).max(0);
        let round = (after + period - 1) / period + 1;
        let round = u64::try_from(round).map_err(|_| Error::Malformed { what: "round" })?;
        check_round(round)?;
        Ok(round)
    }

    /// Checks a beacon of this chain, offline. `previous` is the signature before it, for chained schemes only.
    ///
    /// # Errors
    /// [`Error::Beacon`] for a signature that is not the chain's over this round, [`Error::Length`].
    pub fn verify(
        &self,
        round: u64,
        signature: &[u8],
        previous: Option<&[u8]>,
    ) -> Result<VerifiedBeacon> {
        check_round(round)?;
        let expected = self.record.scheme.signature_bytes();
        if signature.len() != expected {
            return Err(Error::Length {
                what: "signature of the beacon",
                expected,
                found: signature.len(),
            });
        }
        let message = match (self.record.scheme, previous) {
            (Scheme::G2Chained, Some(previous)) => {
                HashAlg::Sha256.digest_parts(&[previous, &round.to_be_bytes()])
            }
            (Scheme::G2Chained, None) | (_, Some(_)) => {
                return Err(Error::Beacon {
                    round,
                    what: "the signature before belongs to chained rounds, and to all of them",
                });
            }
            (_, None) => message(round),
        };
        self.verify_message(round, signature, &message)?;
        Ok(VerifiedBeacon {
            chain: self.hash,
            round,
            signature: signature.to_vec(),
        })
    }

    #[cfg(feature = "tlock")]
    fn verify_message(&self, round: u64, signature: &[u8], message: &Digest) -> Result<()> {
        if curve::verify(self.record.scheme, &self.key, signature, message.as_bytes())? {
            return Ok(());
        }
        Err(Error::Beacon {
            round,
            what: "the signature is not the chain's over this round",
        })
    }

    #[cfg(not(feature = "tlock"))]
    fn verify_message(&self, _: u64, _: &[u8], _: &Digest) -> Result<()> {
        Err(NOT_BUILT)
    }
}

#[cfg(not(feature = "tlock"))]
const NOT_BUILT: Error = Error::Unsupported {
    what: "timelock leaf: built without the feature tlock",
};

fn check_round(round: u64) -> Result<()> {
    if (1..=MAX_ROUND).contains(&round) {
        return Ok(());
    }
    Err(Error::PolicySyntax {
        what: "round must be 1..=2^53-1",
    })
}

/// What an unchained round signs.
fn message(round: u64) -> Digest {
    HashAlg::Sha256.digest(&round.to_be_bytes())
}

/// The JSON form of a beacon: `{"chain":H,"round":N,"signature":hex}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// Chain hash.
    pub chain: Digest,
    /// Round.
    pub round: u64,
    /// The signature, lower-case hex.
    pub signature: String,
}

impl Beacon {
    /// Checks it against its chain.
    ///
    /// # Errors
    /// As [`Chain::verify`]; also if it names another chain.
    pub fn verify(&self, chain: &Chain) -> Result<VerifiedBeacon> {
        if self.chain != chain.hash() {
            return Err(Error::Beacon {
                round: self.round,
                what: "it is of another chain",
            });
        }
        let expected = chain.record.scheme.signature_bytes();
        if self.signature.len() != 2 * expected {
            return Err(Error::Length {
                what: "signature of the beacon",
                expected,
                found: self.signature.len() / 2,
            });
        }
        let mut signature = vec![0; expected];
        decode_hex(&self.signature, &mut signature)?;
        chain.verify(self.round, &signature, None)
    }
}

/// A beacon whose signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBeacon {
    chain: Digest,
    round: u64,
    signature: Vec<u8>,
}

impl VerifiedBeacon {
    /// Its chain.
    pub fn chain(&self) -> Digest {
        self.chain
    }

    /// Its round.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// The JSON form.
    pub fn to_record(&self) -> Beacon {
        Beacon {
            chain: self.chain,
            round: self.round,
            signature: hex::encode(&self.signature),
        }
    }

    /// The public random value of the round: SHA-256 of its signature.
    pub fn randomness(&self) -> Digest {
        HashAlg::Sha256.digest(&self.signature)
    }
}
