//! A bidder whose keys are in files, and one run of the module.

use mifeng::crypto::{Digest, Entropy, KeyAlg, PrivateKey, SeededEntropy, Suite};
use mifeng::envelope::Declarations;
use mifeng::pki::issue::{Profile, Validity};
use mifeng::pki::keyfile::{self, pkcs12};
use mifeng::pki::{Certificate, SoftwareDecrypter, SoftwareSigner, pem};
use mifeng_testkit::world::{Cast, LOT, bidder_subject, secs};
use mifeng_wasm::{Done, Given, LookRequest, ReadAt, SealRequest, look, seal};
use std::io;
use std::sync::Arc;

pub(crate) const PIN: &[u8] = b"correct horse";
/// When the bid is sealed, in seconds after the start.
pub(crate) const AT: i64 = 30;

pub(crate) struct Held(pub(crate) Vec<Vec<u8>>);

impl ReadAt for Held {
    fn read_at(&self, file: &Given, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.get(file.id as usize);
        let bytes = bytes.ok_or(io::ErrorKind::NotFound)?;
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let len = out.len().min(bytes.len() - at);
        out[..len].copy_from_slice(&bytes[at..at + len]);
        Ok(len)
    }
}

/// A bidder whose keys are in files.
pub(crate) struct Bidder {
    pub(crate) sign: (PrivateKey, Certificate),
    pub(crate) enc: (PrivateKey, Certificate),
    chain: Certificate,
    suite: &'static Suite,
}

fn again(key: &PrivateKey) -> PrivateKey {
    PrivateKey::from_pkcs8_der(&key.to_pkcs8_der().expect("encoded")).expect("a key")
}

impl Bidder {
    pub(crate) fn new(cast: &Cast, until: i64) -> Self {
        Self::numbered(cast, until, 3)
    }

    /// Another organisation for each number.
    pub(crate) fn numbered(cast: &Cast, until: i64, number: usize) -> Self {
        let rng = &mut SeededEntropy::new(b"a bidder of the desk");
        let alg = match cast.suite.id() {
            "gm-1" => KeyAlg::Sm2,
            _ => KeyAlg::P256,
        };
        let validity = Validity {
            not_before: secs(-3_600),
            not_after: secs(until),
        };
        let mut made = |profile, serial: u8| {
            let key = PrivateKey::generate(alg, rng).expect("a key");
            let public = key.public_key().expect("public");
            let (subject, serial) = (bidder_subject(number), [serial; 16]);
            let certificate = cast.ca.issue(&subject, &public, profile, validity, &serial);
            (key, certificate.expect("issued"))
        };
        Bidder {
            sign: made(Profile::BidderSign, 0x41),
            enc: made(Profile::BidderEncrypt, 0x42),
            chain: cast.ca.certificate().clone(),
            suite: cast.suite,
        }
    }

    pub(crate) fn signer(&self) -> SoftwareSigner {
        let chain = vec![self.chain.clone()];
        SoftwareSigner::new(again(&self.sign.0), self.sign.1.clone(), chain).expect("a pair")
    }

    pub(crate) fn decrypter(&self) -> SoftwareDecrypter {
        SoftwareDecrypter::new(again(&self.enc.0), self.enc.1.clone()).expect("a pair")
    }

    /// The folder as `mifeng` writes it.
    pub(crate) fn folder(&self) -> Vec<(&'static str, Vec<u8>)> {
        let rng = &mut SeededEntropy::new(b"salts");
        let mut key = |key: &PrivateKey| {
            let text = keyfile::encrypt(key, PIN, self.suite, keyfile::ITERATIONS_MIN, rng);
            text.expect("encrypted").into_bytes()
        };
        let cer = |one: &Certificate| pem::encode("CERTIFICATE", one.der()).into_bytes();
        vec![
            ("chain.cer", cer(&self.chain)),
            ("enc.cer", cer(&self.enc.1)),
            ("enc.key", key(&self.enc.0)),
            ("sign.cer", cer(&self.sign.1)),
            ("sign.key", key(&self.sign.0)),
        ]
    }

    /// The folder with another's signing key and certificate in it: theirs first, then the own first.
    pub(crate) fn folders_with(&self, other: &Self) -> [Vec<(&'static str, Vec<u8>)>; 2] {
        let theirs = other
            .folder()
            .into_iter()
            .filter_map(|(name, bytes)| match name {
                "sign.cer" => Some(("theirs.cer", bytes)),
                "sign.key" => Some(("theirs.key", bytes)),
                _ => None,
            });
        let theirs: Vec<_> = theirs.collect();
        let own = self.folder();
        [
            [theirs.clone(), own.clone()].concat(),
            [own, theirs].concat(),
        ]
    }

    pub(crate) fn pkcs12(&self) -> Vec<u8> {
        let writing = keyfile::Writing {
            suite: self.suite,
            iterations: keyfile::ITERATIONS_MIN,
        };
        let keys = [(&self.sign.0, "sign"), (&self.enc.0, "enc")];
        let certificates = [&self.sign.1, &self.enc.1, &self.chain];
        let rng = &mut SeededEntropy::new(b"salts");
        pkcs12::write(&keys, &certificates, PIN, writing, rng).expect("written")
    }
}

pub(crate) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let large = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    vec![
        ("技术/方案.pdf", large),
        ("empty.txt", Vec::new()),
        ("价格.txt", "报价 880000 元".into()),
    ]
}

/// One run of the module.
pub(crate) struct Run {
    pub(crate) held: Vec<Vec<u8>>,
    pub(crate) request: SealRequest,
}

impl Run {
    pub(crate) fn new(
        bundle: &[u8],
        identity: &[(&str, Vec<u8>)],
        files: &[(&str, Vec<u8>)],
    ) -> Self {
        let mut held = Vec::new();
        let mut give = |name: &str, bytes: &[u8]| {
            held.push(bytes.to_vec());
            Given {
                id: held.len() as u32 - 1,
                name: name.to_owned(),
                size: bytes.len() as u64,
            }
        };
        let mut given = |all: &[(&str, Vec<u8>)]| -> Vec<Given> {
            all.iter().map(|(name, bytes)| give(name, bytes)).collect()
        };
        let tender = given(&[("TEST-1.tar", bundle.to_vec())]).remove(0);
        let (identity, files) = (given(identity), given(files));
        let request = SealRequest {
            tender,
            notice: Digest::from_bytes([0; 32]),
            identity,
            at: secs(AT),
            lot: LOT.to_owned(),
            files,
            price: "880000.00".to_owned(),
            price_cn: "捌拾捌万元整".to_owned(),
            declarations: Declarations {
                sme: true,
                domestic: true,
                brand: None,
            },
            fields: Vec::new(),
            detail: None,
            offer: false,
            old: None,
            number: 0,
        };
        let mut run = Run { held, request };
        let looked = look(
            &LookRequest {
                tender: run.request.tender.clone(),
            },
            &run.from(),
        );
        if let Some(tender) = looked.tender {
            run.request.notice = tender.notice.digest;
        }
        run
    }

    /// One more file.
    pub(crate) fn give(&mut self, name: &str, bytes: &[u8]) -> Given {
        self.held.push(bytes.to_vec());
        Given {
            id: self.held.len() as u32 - 1,
            name: name.to_owned(),
            size: bytes.len() as u64,
        }
    }

    pub(crate) fn from(&self) -> Arc<dyn ReadAt> {
        Arc::new(Held(self.held.clone()))
    }

    pub(crate) fn go(&self) -> (Done, Vec<u8>) {
        self.with(PIN, &mut SeededEntropy::new(b"the browser's"))
    }

    pub(crate) fn with(&self, pin: &[u8], entropy: &mut dyn Entropy) -> (Done, Vec<u8>) {
        let mut out = Vec::new();
        let mut last = 0;
        let progress = &mut |at: mifeng::envelope::Progress| {
            assert!(at.done >= last && at.done <= at.total);
            last = at.done;
        };
        let done = seal(
            &self.request,
            pin,
            &self.from(),
            entropy,
            &mut out,
            progress,
        );
        (done, out)
    }

    pub(crate) fn code(&self) -> String {
        let (done, _) = self.go();
        assert!(done.kept.is_none(), "it was sealed");
        done.problem.expect("a problem").code
    }
}

pub(crate) fn year() -> i64 {
    365 * 86_400
}
