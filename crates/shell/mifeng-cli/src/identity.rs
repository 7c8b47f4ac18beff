//! Identity folders: a person's certificates and passphrase-protected keys.

use crate::token;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{Entropy, KeyAlg, PrivateKey, Suite, SystemEntropy, Time};
use mifeng::pki::issue::{CertificateAuthority, OcspEntry, Profile, Revocation, Subject, Validity};
use mifeng::pki::{
    Certificate, Decrypter, OcspStatus, Revoked, Signer, SoftwareDecrypter, SoftwareSigner,
    keyfile, pem,
};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Rounds of PBKDF2 for key files: about a quarter of a second on an ordinary laptop.
const PIN_ROUNDS: u32 = 100_000;
/// Validity of what the development CA issues.
const DAYS: i64 = 365;

/// Who a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// 投标人（签名与加密双证书） / bidder: a signing and an encryption certificate
    Bidder,
    /// 采购人 / buyer
    Buyer,
    /// 采购代理机构 / agency
    Agency,
    /// 平台 / host
    Host,
    /// 开标委员会受托人 / trustee of the opening board
    Trustee,
    /// 评审专家 / expert
    Expert,
    /// 时间戳机构 / time-stamp authority
    Tsa,
}

pub(crate) fn key_alg(suite: &Suite) -> KeyAlg {
    match suite.id() {
        "gm-1" => KeyAlg::Sm2,
        _ => KeyAlg::P256,
    }
}

/// An identity folder, opened.
pub(crate) struct Identity {
    pub(crate) folder: PathBuf,
    pub(crate) signer: Box<dyn Signer>,
}

/// One program of a person at a time works on what all of them share of an anchor log: the copy, and what the witness saw.
pub(crate) struct Alone(File);

impl Alone {
    /// So long one waits for another, which reads a log and signs once.
    const WAIT: Duration = Duration::from_secs(10);
    const PAUSE: Duration = Duration::from_millis(20);

    /// Waits its turn in this folder.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, Failure> {
        Alone::within(folder, Alone::WAIT)
    }

    fn within(folder: &Path, time: Duration) -> Result<Self, Failure> {
        let path = folder.join("anchors.lock");
        let file = File::create(&path).map_err(|e| Failure::io(&path, &e))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Alone(file)),
                Err(TryLockError::Error(e)) => return Err(Failure::io(&path, &e)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < time => {
                    std::thread::sleep(Alone::PAUSE);
                }
                Err(e) => return Err(Failure::io(&path, &e.into())),
            }
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Closing is not enough: a program that another thread is just starting has the file open too, for a moment.
        let _ = self.0.unlock();
    }
}

pub(crate) fn load_certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let text = ui::read_text(path)?;
    pem::certificates(&text).map_err(|e| Failure::from(e).at(path))
}

pub(crate) fn load_certificate(path: &Path) -> Result<Certificate, Failure> {
    let mut all = load_certificates(path)?;
    match (all.pop(), all.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        _ => Err(Failure::malformed(format!(
            "{}: one certificate expected",
            path.display()
        ))),
    }
}

pub(crate) fn load_key(ui: &Ui, path: &Path) -> Result<PrivateKey, Failure> {
    let text = ui::read_text(path)?;
    let pin = ui.pin(path)?;
    keyfile::decrypt(&text, &pin).map_err(|e| Failure::from(e).at(path))
}

pub(crate) fn store_key(ui: &Ui, path: &Path, key: &PrivateKey, suite: &Suite) -> Outcome {
    let pin = ui.pin(path)?;
    let text = keyfile::encrypt(key, &pin, suite, PIN_ROUNDS, &mut SystemEntropy::new())?;
    ui::write_secret(path, text.as_bytes())
}

pub(crate) fn store_certificates(path: &Path, certificates: &[&Certificate]) -> Outcome {
    let text: String = certificates
        .iter()
        .map(|c| pem::encode("CERTIFICATE", c.der()))
        .collect();
    ui::write(path, text.as_bytes())
}

impl Identity {
    /// Opens the folder and asks for the passphrase.
    pub(crate) fn load(ui: &Ui, folder: &Path) -> Result<Self, Failure> {
        let certificate = load_certificate(&folder.join("sign.cer"))?;
        let chain = load_certificates(&folder.join("chain.cer"))?;
        let signer = match token::Reference::of(folder)? {
            Some(token) => token.signer(ui, &certificate, chain)?,
            None => {
                let key = load_key(ui, &folder.join("sign.key"))?;
                Box::new(SoftwareSigner::new(key, certificate, chain)?)
            }
        };
        Ok(Identity {
            folder: folder.to_owned(),
            signer,
        })
    }
}

/// The signer of a folder whose key is in a file: for programs of several threads.
pub(crate) fn load_software(ui: &Ui, folder: &Path) -> Result<SoftwareSigner, Failure> {
    let certificate = load_certificate(&folder.join("sign.cer"))?;
    let chain = load_certificates(&folder.join("chain.cer"))?;
    let key = load_key(ui, &folder.join("sign.key"))?;
    Ok(SoftwareSigner::new(key, certificate, chain)?)
}

/// Opens a bidder's decryption key, in a file or in a token.
pub(crate) fn load_decrypter(ui: &Ui, folder: &Path) -> Result<Box<dyn Decrypter>, Failure> {
    let certificate = load_certificate(&folder.join("enc.cer"))?;
    if let Some(token) = token::Reference::of(folder)? {
        return token.decrypter(ui, &certificate);
    }
    let key = load_key(ui, &folder.join("enc.key"))?;
    Ok(Box::new(SoftwareDecrypter::new(key, certificate)?))
}

pub(crate) fn serial() -> Result<[u8; 16], Failure> {
    let mut serial = [0; 16];
    SystemEntropy::new().fill(&mut serial)?;
    // Positive and of constant length (RFC 5280 section 4.1.2.2).
    serial[0] = (serial[0] & 0x3f) | 0x40;
    Ok(serial)
}

fn validity(now: Time) -> Validity {
    let start = now.as_unix_seconds() - 3_600;
    Validity {
        not_before: Time::from_unix_seconds(start),
        not_after: Time::from_unix_seconds(start + DAYS * 86_400),
    }
}

/// What is wrong with a credit code: its last sign checks the others.
fn no_uscc(code: &str) -> Failure {
    let (last, others) = code
        .chars()
        .last()
        .zip(code.len().checked_sub(1))
        .map_or((' ', ""), |(last, end)| {
            (last, code.get(..end).unwrap_or_default())
        });
    let right = ('0'..='9')
        .chain('A'..='Z')
        .find(|sign| mifeng::pki::is_uscc(&format!("{others}{sign}")));
    let (zh, en) = match right {
        Some(right) => (
            format!("校验码（末位）{last} 不对，按前 17 位应为 {right}：请核对整个代码"),
            format!(
                "the check sign (the last one) {last} is wrong, by the 17 before it {right} is expected: look at the whole code"
            ),
        ),
        None => (
            "统一社会信用代码须为 18 位数字和大写字母（不用 I、O、S、V、Z）".to_owned(),
            "expected 18 digits and capital letters without I, O, S, V, Z".to_owned(),
        ),
    };
    let mut failure = Failure::malformed(format!("--uscc {code}: {en} (GB 32100)"));
    failure.zh = Some(format!("--uscc {code}：{zh}（GB 32100）"));
    failure
}

/// A bidder's name in its certificates.
pub(crate) fn bidder(name: &str, uscc: &str) -> Result<Subject, Failure> {
    if !mifeng::pki::is_uscc(uscc) {
        return Err(no_uscc(uscc));
    }
    Ok(Subject {
        common_name: name.to_owned(),
        organisation: Some(name.to_owned()),
        uscc: Some(uscc.to_owned()),
        country: Some("CN".to_owned()),
    })
}

/// Makes a development CA: a root and an issuing CA below it.
pub(crate) fn init_ca(
    ui: &Ui,
    folder: &Path,
    suite: &'static Suite,
    name: &str,
    now: Time,
) -> Outcome {
    if folder.join("root.cer").exists() {
        return Err(Failure::usage(format!(
            "{}: {}",
            folder.display(),
            ui.t("已有CA", "there is a CA already")
        )));
    }
    let entropy = &mut SystemEntropy::new();
    let subject = |suffix: &str| Subject {
        common_name: format!("{name}{suffix}"),
        organisation: Some(name.to_owned()),
        country: Some("CN".to_owned()),
        ..Subject::default()
    };
    let root_key = PrivateKey::generate(key_alg(suite), entropy)?;
    let root =
        CertificateAuthority::new_root(root_key, &subject(" Root"), validity(now), &serial()?)?;
    let key = PrivateKey::generate(key_alg(suite), entropy)?;
    let issuing = root.issue_ca(
        &subject(" CA"),
        &key.public_key()?,
        Some(0),
        validity(now),
        &serial()?,
    )?;
    ui::write(&folder.join("suite"), suite.id().as_bytes())?;
    store_key(ui, &folder.join("root.key"), root.key(), suite)?;
    store_key(ui, &folder.join("issuing.key"), &key, suite)?;
    store_certificates(&folder.join("issuing.cer"), &[&issuing])?;
    let authority = CertificateAuthority::from_parts(key, issuing)?;
    store_crl(&folder.join("ca.crl"), &authority, &[], now)?;
    store_crl(&folder.join("root.crl"), &root, &[], now)?;
    // Last, so that its presence means that the folder is whole.
    store_certificates(&folder.join("root.cer"), &[root.certificate()])
}

/// A CA folder, opened for issuing.
pub(crate) struct Ca {
    folder: PathBuf,
    pub(crate) suite: &'static Suite,
    authority: CertificateAuthority,
    root: Certificate,
}

impl Ca {
    pub(crate) fn load(ui: &Ui, folder: &Path) -> Result<Self, Failure> {
        let root = load_certificate(&folder.join("root.cer"))?;
        let issuing = load_certificate(&folder.join("issuing.cer"))?;
        let suite = Suite::by_id(ui::read_text(&folder.join("suite"))?.trim())?;
        let key = load_key(ui, &folder.join("issuing.key"))?;
        let authority = CertificateAuthority::from_parts(key, issuing)?;
        Ok(Ca {
            folder: folder.to_owned(),
            suite,
            authority,
            root,
        })
    }

    /// A certificate for a key that was made elsewhere.
    pub(crate) fn certify(
        &self,
        subject: &Subject,
        public: &mifeng::crypto::PublicKey,
        profile: Profile,
        now: Time,
    ) -> Result<Certificate, Failure> {
        let issued = self
            .authority
            .issue(subject, public, profile, validity(now), &serial()?)?;
        Ok(issued)
    }

    /// Writes what stands above its certificates into an identity folder.
    pub(crate) fn store_chain(&self, out: &Path) -> Outcome {
        store_certificates(&out.join("chain.cer"), &[self.authority.certificate()])?;
        store_certificates(&out.join("root.cer"), &[&self.root])
    }

    /// Issues the certificates of one person or body into an identity folder.
    pub(crate) fn issue(
        &self,
        ui: &Ui,
        kind: Kind,
        name: &str,
        uscc: Option<&str>,
        out: &Path,
        now: Time,
    ) -> Outcome {
        if kind == Kind::Bidder && uscc.is_none() {
            return Err(Failure::usage(ui.t(
                "投标人证书需要 --uscc 统一社会信用代码",
                "a bidder's certificate needs --uscc, the unified social credit code",
            )));
        }
        if let Some(code) = uscc.filter(|code| !mifeng::pki::is_uscc(code)) {
            return Err(no_uscc(code));
        }
        let subject = Subject {
            common_name: name.to_owned(),
            organisation: (kind != Kind::Expert).then(|| name.to_owned()),
            uscc: uscc.map(str::to_owned),
            country: Some("CN".to_owned()),
        };
        let profile = match kind {
            Kind::Bidder => Profile::BidderSign,
            Kind::Tsa => Profile::TimeStamping,
            _ => Profile::Person,
        };
        let entropy = &mut SystemEntropy::new();
        let make = |profile, entropy: &mut SystemEntropy| -> Result<_, Failure> {
            let key = PrivateKey::generate(key_alg(self.suite), entropy)?;
            let public = key.public_key()?;
            let certificate =
                self.authority
                    .issue(&subject, &public, profile, validity(now), &serial()?)?;
            Ok((key, certificate))
        };
        if kind == Kind::Bidder {
            let (key, certificate) = make(Profile::BidderEncrypt, entropy)?;
            store_key(ui, &out.join("enc.key"), &key, self.suite)?;
            store_certificates(&out.join("enc.cer"), &[&certificate])?;
        }
        let (key, certificate) = make(profile, entropy)?;
        store_key(ui, &out.join("sign.key"), &key, self.suite)?;
        store_certificates(&out.join("chain.cer"), &[self.authority.certificate()])?;
        store_certificates(&out.join("root.cer"), &[&self.root])?;
        store_certificates(&out.join("sign.cer"), &[&certificate])
    }

    /// Revokes a certificate: adds it to the list kept in the CA's folder.
    pub(crate) fn revoke(&self, certificate: &Certificate, now: Time) -> Outcome {
        let path = self.folder.join("revoked.txt");
        let mut text = self.revoked_text()?;
        text.push_str(&format!(
            "{} {}\n",
            certificate.serial_hex(),
            now.as_unix_seconds()
        ));
        let entries = self.revoked(&text)?;
        store_crl(&self.folder.join("ca.crl"), &self.authority, &entries, now)?;
        ui::write(&path, text.as_bytes())
    }

    /// What an OCSP responder would answer about these certificates, as a file.
    pub(crate) fn ocsp(&self, certificates: &[Certificate], now: Time) -> Result<Vec<u8>, Failure> {
        let revoked = self.revoked(&self.revoked_text()?)?;
        let entry = |certificate: &Certificate| {
            let found = revoked
                .iter()
                .find(|entry| entry.serial == certificate.serial_raw());
            let status = match found {
                _ if certificate.issuer_raw() != self.authority.certificate().subject_raw() => {
                    OcspStatus::Unknown
                }
                Some(entry) => OcspStatus::Revoked(Revoked {
                    revoked: entry.revoked,
                    reason: entry.reason,
                    invalid_since: entry.invalid_since,
                }),
                None => OcspStatus::Good,
            };
            OcspEntry {
                serial: certificate.serial_raw().to_vec(),
                status,
                this_update: now,
                next_update: Some(list_end(now)),
            }
        };
        let entries: Vec<OcspEntry> = certificates.iter().map(entry).collect();
        Ok(self.authority.ocsp_response(&entries, now, None)?)
    }

    /// Signs the lists of root and CA anew; returns how many certificates the CA's names.
    pub(crate) fn renew_crl(&self, ui: &Ui, now: Time) -> Result<usize, Failure> {
        let entries = self.revoked(&self.revoked_text()?)?;
        let root_key = load_key(ui, &self.folder.join("root.key"))?;
        let root = CertificateAuthority::from_parts(root_key, self.root.clone())?;
        store_crl(&self.folder.join("root.crl"), &root, &[], now)?;
        store_crl(&self.folder.join("ca.crl"), &self.authority, &entries, now)?;
        Ok(entries.len())
    }

    fn revoked_text(&self) -> Result<String, Failure> {
        let path = self.folder.join("revoked.txt");
        if path.exists() {
            return ui::read_text(&path);
        }
        Ok(String::new())
    }

    fn revoked(&self, text: &str) -> Result<Vec<Revocation>, Failure> {
        let path = self.folder.join("revoked.txt");
        text.lines()
            .map(|line| {
                let bad = || Failure::malformed(format!("{}: serial seconds", path.display()));
                let (serial, seconds) = line.split_once(' ').ok_or_else(bad)?;
                Ok(Revocation {
                    serial: hex::decode(serial).map_err(|_| bad())?,
                    revoked: Time::from_unix_seconds(seconds.parse().map_err(|_| bad())?),
                    reason: 1,
                    invalid_since: None,
                })
            })
            .collect()
    }
}

/// Lists and responses of the development CA hold for thirty days.
fn list_end(now: Time) -> Time {
    Time::from_unix_seconds(now.as_unix_seconds() + 30 * 86_400)
}

fn store_crl(
    path: &Path,
    authority: &CertificateAuthority,
    entries: &[Revocation],
    now: Time,
) -> Outcome {
    let number = u64::try_from(now.as_unix_seconds()).unwrap_or(0);
    let list = authority.revocation_list(entries, now, list_end(now), number)?;
    ui::write(path, &list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_of_a_person_has_the_anchor_log_at_a_time() {
        let folder = std::env::temp_dir().join(format!("mifeng-alone-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let one = Alone::in_folder(&folder).expect("free");
        let two = || Alone::within(&folder, Duration::ZERO);
        assert!(two().is_err());
        drop(one);
        assert!(two().is_ok());
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
