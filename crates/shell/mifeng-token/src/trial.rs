//! A trial of a token: a small bid is signed and sealed with it, and its leaf opened by it.

use mifeng_crypto::{Digest, Entropy, GM, INTL, KeyAlg, Suite, Time};
use mifeng_envelope::{
    Context, Declarations, Error, FileSource, Inputs, MemoryFile, Opening, SealRecord, Tender,
};
use mifeng_lock::Policy;
use mifeng_pki::{Certificate, Decrypter, Signer};

/// The lot of the trial's bid.
const LOT: &str = "trial";

/// The suite that a certificate's key belongs to.
pub fn suite_of(certificate: &Certificate) -> &'static Suite {
    match certificate.public_key().key_alg() {
        KeyAlg::Sm2 => &GM,
        _ => &INTL,
    }
}

/// A bid sealed to nobody but the token, and the share that its leaf must open to.
pub struct Trial {
    record: SealRecord,
    suite: &'static Suite,
    policy: Policy,
    share: [u8; 32],
}

/// Seals a bid of one small file: the token signs three times (for the secret, the manifest and
/// the seal).
///
/// # Errors
/// Those of the token as [`Error::Pki`]; [`Error::Mismatch`] and [`Error::Unsupported`] if the
/// certificates cannot be a bidder's.
pub fn seal(
    signer: &dyn Signer,
    encryption: &Certificate,
    time: Time,
    entropy: &mut dyn Entropy,
) -> Result<Trial, Error> {
    let own = signer.certificate();
    let suite = suite_of(own);
    let alg = suite.hash();
    let policy = Policy::bidder();
    let file = MemoryFile {
        path: "trial.txt".to_owned(),
        content: b"trial".to_vec(),
    };
    let mut nonce = [0; 32];
    entropy.fill(&mut nonce)?;
    let inputs = Inputs {
        suite,
        context: Context {
            bidder: own.uscc().ok_or(Error::Mismatch {
                what: "signer's organisation (a unified social credit code in the certificate)",
            })?,
            bidder_cert: own.fingerprint(alg),
            envelope: "all".to_owned(),
            lot: LOT.to_owned(),
            nonce: Digest::from_bytes(nonce),
            suite: suite.id().to_owned(),
            tender_event: Digest::default(),
        },
        policy: policy.resolve(encryption.fingerprint(alg)),
        boards: &[],
        chains: &[],
        encryption,
        signer,
        signing_time: time,
        files: vec![Box::new(file) as Box<dyn FileSource>],
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: "1.00".to_owned(),
            price_cn: "壹元整".to_owned(),
        },
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: 1,
    };
    let sealed = mifeng_envelope::seal(&inputs, entropy, &mut std::io::sink(), &mut |_| ())?;
    let share = sealed.backup.first().ok_or(Error::NotOurLeaf)?;
    Ok(Trial {
        record: sealed.record,
        suite,
        policy,
        share: *share.1,
    })
}

impl Trial {
    /// Verifies the seal as a host does, opens its leaf with the token, and compares.
    ///
    /// # Errors
    /// Those of the token as [`Error::Pki`]; [`Error::NotOurLeaf`] if it opens to anything else.
    pub fn open(&self, decrypter: &dyn Decrypter) -> Result<(), Error> {
        let seal = self.record.verify(&Tender {
            suite: self.suite,
            event: Digest::default(),
            lots: &[LOT],
            policy: &self.policy,
            boards: &[],
        })?;
        if *seal.bidder_leaf_share(decrypter)? == self.share {
            Ok(())
        } else {
            Err(Error::NotOurLeaf)
        }
    }
}
