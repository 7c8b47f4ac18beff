//! Seals, bodies and SM2 ciphertexts for other people's tools to open, and theirs for us.

use mifeng_crypto::{
    Curve, Entropy, GM, INTL, KeyAlg, PrivateKey, Scalar, Suite, SystemEntropy, Time, jcs, sm2enc,
};
use mifeng_envelope::body::{BodyCipher, CHUNK, PREFIX, SALT, SEALED_CHUNK, plain_len};
use mifeng_envelope::{
    Context, Declarations, FileSource, Header, Inputs, MemoryFile, Opening, SealRecord, SealedFile,
    Trailer,
};
use mifeng_lock::Policy;
use mifeng_pki::issue::{CertificateAuthority, Profile, Subject, Validity};
use mifeng_pki::{Certificate, SoftwareSigner, cms, pem};
use std::error::Error;
use std::io::Cursor;
use std::path::Path;

/// What can go wrong in a tool for tests: anything.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The made bidder's code.
const USCC: &str = "91350100M000100Y43";

/// The suite of a short name, `gm` or `intl`.
///
/// # Errors
/// Another name.
pub fn suite(name: &str) -> Outcome<&'static Suite> {
    match name {
        "gm" => Ok(&GM),
        "intl" => Ok(&INTL),
        other => Err(format!("suite {other}: gm or intl").into()),
    }
}

/// Seals some files under the policy `bidder`, where the one leaf opens to the secret itself, and
/// writes `bid.bid`, `enc.pem` (the key of the leaf, unless `to` is another's certificate), and the
/// files below `files` into `folder`.
///
/// # Errors
/// Those of making keys, sealing and writing.
pub fn write_seal(suite: &'static Suite, to: Option<&Path>, folder: &Path) -> Outcome<()> {
    let mut entropy = SystemEntropy::new();
    let alg = match suite.curve() {
        Curve::Sm2 => KeyAlg::Sm2,
        Curve::P256 => KeyAlg::P256,
    };
    let validity = Validity {
        not_before: Time::parse_rfc3339("2026-01-01T00:00:00Z")?,
        not_after: Time::parse_rfc3339("2036-01-01T00:00:00Z")?,
    };
    let root = PrivateKey::generate(alg, &mut entropy)?;
    let ca = CertificateAuthority::new_root(root, &Subject::named("Root"), validity, &[1])?;
    let subject = Subject {
        uscc: Some(USCC.to_owned()),
        ..Subject::named("Bidder")
    };
    let key = PrivateKey::generate(alg, &mut entropy)?;
    let cert = ca.issue(
        &subject,
        &key.public_key()?,
        Profile::Single,
        validity,
        &[2],
    )?;
    let der = key.to_pkcs8_der()?;
    let encryption = match to {
        None => cert.clone(),
        Some(path) => {
            let mut all = pem::certificates(&std::fs::read_to_string(path)?)?;
            all.pop().ok_or("no certificate")?
        }
    };
    let content = vec![
        ("a.txt".to_owned(), b"hello".to_vec()),
        ("b/empty".to_owned(), Vec::new()),
        (format!("{}.bin", "长".repeat(40)), vec![7; 1_300_000]),
    ];
    for (path, bytes) in &content {
        let path = folder.join("files").join(path);
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        std::fs::write(path, bytes)?;
    }
    std::fs::write(folder.join("enc.pem"), pem::encode("PRIVATE KEY", &der))?;
    let signer = SoftwareSigner::new(key, cert, Vec::new())?;
    let bid = seal(suite, content, &signer, &encryption, &mut entropy)?;
    std::fs::write(folder.join("bid.bid"), bid)?;
    Ok(())
}

fn seal(
    suite: &'static Suite,
    content: Vec<(String, Vec<u8>)>,
    signer: &SoftwareSigner,
    encryption: &Certificate,
    entropy: &mut dyn Entropy,
) -> Outcome<Vec<u8>> {
    use mifeng_pki::Signer as _;
    let own = signer.certificate().fingerprint(suite.hash());
    let event = suite.hash().digest(b"a notice");
    let context = Context::new(suite, event, ("1", "whole"), (USCC, own), entropy)?;
    let file = |(path, content)| Box::new(MemoryFile { path, content }) as Box<dyn FileSource>;
    let inputs = Inputs {
        suite,
        context,
        policy: Policy::bidder().resolve(encryption.fingerprint(suite.hash())),
        boards: &[],
        chains: &[],
        encryption,
        signer,
        signing_time: Time::parse_rfc3339("2026-11-21T00:00:00Z")?,
        files: content.into_iter().map(file).collect(),
        opening: Opening {
            currency: "CNY".to_owned(),
            fields: Vec::new(),
            price: "980000.00".to_owned(),
            price_cn: "玖拾捌万元整".to_owned(),
        },
        declarations: Declarations::default(),
        detail: Vec::new(),
        workers: 1,
    };
    let mut out = Vec::new();
    mifeng_envelope::seal(&inputs, entropy, &mut out, &mut |_| ())?;
    Ok(out)
}

/// Encrypts a body of `intl-1`: Cobblestone-256 with a fresh salt.
///
/// # Errors
/// A key of another length; no randomness.
pub fn seal_body(key: &[u8], context: &[u8], plain: &[u8]) -> Outcome<Vec<u8>> {
    let mut salt = [0; SALT];
    SystemEntropy::new().fill(&mut salt)?;
    let cipher = BodyCipher::new(&INTL, key, &salt, context)?;
    let mut chunks = Vec::new();
    for index in 0..=plain.len() / CHUNK {
        let end = plain.len().min((index + 1) * CHUNK);
        chunks.extend_from_slice(&plain[index * CHUNK..end]);
        chunks.extend_from_slice(&[0; SEALED_CHUNK - CHUNK]);
    }
    cipher.seal_chunks(0, &mut chunks)?;
    Ok([&cipher.prefix()[..], &chunks].concat())
}

/// Decrypts a body of `intl-1`.
///
/// # Errors
/// Whatever does not fit.
pub fn open_body(key: &[u8], context: &[u8], sealed: &[u8]) -> Outcome<Vec<u8>> {
    plain_len(sealed.len() as u64).ok_or("a length that no body has")?;
    let (prefix, chunks) = sealed.split_first_chunk::<PREFIX>().ok_or("too short")?;
    let (salt, _) = prefix.split_first_chunk::<SALT>().ok_or("too short")?;
    let cipher = BodyCipher::new(&INTL, key, salt, context)?;
    if !cipher.owns(prefix) {
        return Err("another key or context".into());
    }
    let mut chunks = chunks.to_vec();
    cipher.open_chunks(0, &mut chunks)?;
    let text = |chunk: &[u8]| chunk[..chunk.len() - (SEALED_CHUNK - CHUNK)].to_vec();
    Ok(chunks.chunks(SEALED_CHUNK).flat_map(text).collect())
}

/// Encrypts to an SM2 key: `key` is a private key, PKCS#8 in PEM, whose public half is meant.
///
/// # Errors
/// A key that is none; no randomness.
pub fn sm2_encrypt(key: &str, plain: &[u8]) -> Outcome<Vec<u8>> {
    let public = read_key(key)?.public_key()?;
    let point = public.point().ok_or("no SM2 key")?;
    let k = Scalar::random(Curve::Sm2, &mut SystemEntropy::new())?;
    Ok(sm2enc::encrypt(point, &k, plain)?)
}

/// Decrypts with an SM2 key, PKCS#8 in PEM.
///
/// # Errors
/// A key that is none; a ciphertext that does not open.
pub fn sm2_decrypt(key: &str, sealed: &[u8]) -> Outcome<Vec<u8>> {
    Ok(read_key(key)?.sm2_decrypt(sealed)?.to_vec())
}

fn read_key(text: &str) -> Outcome<PrivateKey> {
    let all = pem::decode("PRIVATE KEY", text)?;
    let der = all.first().ok_or("no private key")?;
    Ok(PrivateKey::from_pkcs8_der(der)?)
}

/// A sealed bid with another commitment, signed again: it passes every check that needs no secret, and what opens it
/// shows the fault.
///
/// # Errors
/// A file that is no sealed bid; those of the signer.
pub fn with_false_commitment(
    suite: &'static Suite,
    sealed: &[u8],
    signer: &dyn mifeng_pki::Signer,
    time: Time,
) -> Outcome<Vec<u8>> {
    let read = SealedFile::read(&mut Cursor::new(sealed))?;
    let old = read.record();
    let mut header: Header = jcs::from_slice(old.header(), old.header().len())?;
    header.com = suite.hash().digest(header.com.as_bytes());
    let header = jcs::to_vec(&header)?;
    let mut trailer: Trailer = jcs::from_slice(old.trailer(), old.trailer().len())?;
    trailer.header = suite.h_tag("header", &[&header]);
    let trailer = jcs::to_vec(&trailer)?;
    let carrying = Carrying {
        signer,
        chain: cms::verify_detached(old.cms(), old.trailer(), suite)?.chain,
    };
    let cms = cms::sign_detached(&carrying, &trailer, time, cms::Profile::of(suite))?;
    let new = SealRecord::new(header, trailer, cms)?;
    // The file: mark, header, body, trailer and signature each with its length, whole length, mark.
    let front = 12 + old.header().len();
    let body = &sealed[front..sealed.len() - 24 - old.trailer().len() - old.cms().len()];
    let len = |part: &[u8]| u32::try_from(part.len()).map(u32::to_be_bytes);
    let (h, t, s) = (new.header(), new.trailer(), new.cms());
    let total = 36 + h.len() + body.len() + t.len() + s.len();
    let parts: [&[u8]; 10] = [
        &sealed[..8],
        &len(h)?,
        h,
        body,
        &len(t)?,
        t,
        &len(s)?,
        s,
        &(total as u64).to_be_bytes(),
        &sealed[sealed.len() - 8..],
    ];
    Ok(parts.concat())
}

/// A signer whose messages carry the certificates of an earlier one.
struct Carrying<'a> {
    signer: &'a dyn mifeng_pki::Signer,
    chain: Vec<Certificate>,
}

impl mifeng_pki::Signer for Carrying<'_> {
    fn certificate(&self) -> &Certificate {
        self.signer.certificate()
    }
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
    fn signature_alg(&self) -> Result<mifeng_crypto::SignatureAlg, mifeng_pki::Error> {
        self.signer.signature_alg()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, mifeng_pki::Error> {
        self.signer.sign(message)
    }
}
