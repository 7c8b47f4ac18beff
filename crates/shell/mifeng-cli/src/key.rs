//! `mifeng key`: private keys in files, and those that a CA delivers.

use crate::identity;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{GM, HashAlg, INTL, KeyAlg, PrivateKey, Suite, SystemEntropy};
use mifeng::pki::keyfile::{self, Protection, Writing, delivered, pkcs12};
use mifeng::pki::{Certificate, pem};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Alg {
    /// SM2
    Sm2,
    /// P-256
    P256,
    /// Ed25519
    Ed25519,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// 加密的PKCS#8，PEM / encrypted PKCS#8, PEM
    P8,
    /// 加密的PKCS#8，DER / encrypted PKCS#8, DER
    P8Der,
    /// PKCS#12
    P12,
    /// 明文PKCS#8，PEM / PKCS#8 in the clear, PEM
    Plain,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// 生成密钥 / make a key
    New {
        #[arg(long, value_enum, default_value = "sm2")]
        alg: Alg,
        /// 密钥文件 / key file
        #[arg(long)]
        out: PathBuf,
    },
    /// 说明密钥文件里有什么 / tell what a key file holds
    Show {
        /// PKCS#8或PKCS#12，PEM或DER / PKCS#8 or PKCS#12, PEM or DER
        file: PathBuf,
    },
    /// 转换格式，口令不变 / convert, under the same passphrase
    Convert {
        /// PKCS#8或PKCS#12，PEM或DER / PKCS#8 or PKCS#12, PEM or DER
        file: PathBuf,
        #[arg(long, value_enum, default_value = "p8")]
        to: Format,
        /// 一并放入PKCS#12的证书 / certificates to put into the PKCS#12 file
        #[arg(long, value_name = "CERT")]
        cert: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 导入CA下发的加密密钥：SM2EnvelopedKey、GM/T 0092应答、SignedAndEnvelopedData / take in an
    /// encryption key that a CA delivered
    Import {
        /// CA下发的文件，PEM或DER / what the CA delivered, PEM or DER
        file: PathBuf,
        /// 本人的签名密钥 / the own signing key
        #[arg(long, value_name = "KEY")]
        sign: PathBuf,
        /// 身份文件夹，写入 enc.key 及应答中的证书 / identity folder: enc.key and the certificates
        #[arg(long)]
        out: PathBuf,
    },
    /// 更改口令 / change the passphrase
    Passwd {
        /// PKCS#8或PKCS#12 / PKCS#8 or PKCS#12
        file: PathBuf,
        /// 新口令文件（默认询问两次） / file with the new passphrase (default: ask twice)
        #[arg(long, value_name = "FILE")]
        new_pin_file: Option<PathBuf>,
    },
}

/// A key file, opened.
struct Loaded {
    keys: Vec<(PrivateKey, String)>,
    certificates: Vec<Certificate>,
    unread: usize,
    protection: Protection,
    pkcs12: bool,
}

fn load(ui: &Ui, path: &Path) -> Result<Loaded, Failure> {
    let bytes = Zeroizing::new(ui::read(path)?);
    let at = |e: Failure| e.at(path);
    if pkcs12::is_pkcs12(&bytes) {
        let found = pkcs12::read(&bytes, &ui.pin(path)?).map_err(|e| at(e.into()))?;
        let named = |entry: pkcs12::KeyEntry| (entry.key, entry.name.unwrap_or_default());
        return Ok(Loaded {
            keys: found.keys.into_iter().map(named).collect(),
            certificates: found.certificates,
            unread: found.certificates_unread,
            protection: found.protection,
            pkcs12: true,
        });
    }
    let (key, protection) =
        keyfile::read_any(&bytes, || ui.pin(path).map_err(Asked::Ui)).map_err(|e| match e {
            Asked::Ui(failure) => failure,
            Asked::Pki(error) => at(error.into()),
        })?;
    Ok(Loaded {
        keys: vec![(key, String::new())],
        certificates: Vec::new(),
        unread: 0,
        protection,
        pkcs12: false,
    })
}

/// What opening a key may end in: the file's fault, or no passphrase to be had.
enum Asked {
    Ui(Failure),
    Pki(mifeng::pki::Error),
}

impl From<mifeng::pki::Error> for Asked {
    fn from(error: mifeng::pki::Error) -> Self {
        Asked::Pki(error)
    }
}

fn suite_of(key: &PrivateKey) -> Result<&'static Suite, Failure> {
    Ok(match key.public_key()?.key_alg() {
        KeyAlg::Sm2 => &GM,
        _ => &INTL,
    })
}

fn name_of(alg: KeyAlg) -> String {
    match alg {
        KeyAlg::Sm2 => "SM2".to_owned(),
        KeyAlg::P256 => "P-256".to_owned(),
        KeyAlg::Ed25519 => "Ed25519".to_owned(),
        KeyAlg::Rsa { bits } => format!("RSA-{bits}"),
        other => format!("{other:?}"),
    }
}

/// Runs the command.
pub(crate) fn run(ui: &Ui, command: &KeyCommand, json: bool) -> Outcome {
    match command {
        KeyCommand::New { alg, out } => new(ui, *alg, out, json),
        KeyCommand::Show { file } => show(ui, file, json),
        KeyCommand::Convert {
            file,
            to,
            cert,
            out,
        } => convert(ui, file, *to, cert, out, json),
        KeyCommand::Import { file, sign, out } => import(ui, file, sign, out, json),
        KeyCommand::Passwd { file, new_pin_file } => {
            passwd(ui, file, new_pin_file.as_deref(), json)
        }
    }
}

/// Never over an existing file: it may be the only copy of a key.
fn refuse_existing(ui: &Ui, out: &Path) -> Outcome {
    if out.exists() {
        return Err(Failure::usage(format!(
            "{}: {}",
            out.display(),
            ui.t(
                "已存在，不覆盖密钥",
                "exists already; keys are not overwritten"
            )
        )));
    }
    Ok(())
}

fn done(ui: &Ui, json: bool, out: &Path, key: &PrivateKey) -> Outcome {
    let public = key.public_key()?;
    let alg = name_of(public.key_alg());
    let print = HashAlg::Sha256.digest(public.spki_der()).to_string();
    if json {
        let told = serde_json::json!({ "file": out, "alg": alg, "public_sha256": print });
        ui.print(&told.to_string());
        return Ok(());
    }
    let file = out.display();
    ui.say(
        format!("已写出 {file}：{alg}，公钥SHA-256 {print}"),
        format!("written {file}: {alg}, public key SHA-256 {print}"),
    );
    Ok(())
}

fn new(ui: &Ui, alg: Alg, out: &Path, json: bool) -> Outcome {
    refuse_existing(ui, out)?;
    let alg = match alg {
        Alg::Sm2 => KeyAlg::Sm2,
        Alg::P256 => KeyAlg::P256,
        Alg::Ed25519 => KeyAlg::Ed25519,
    };
    let key = PrivateKey::generate(alg, &mut SystemEntropy::new())?;
    write_p8(&key, &ui.pin(out)?, out)?;
    done(ui, json, out, &key)
}

fn write_p8(key: &PrivateKey, pin: &[u8], out: &Path) -> Outcome {
    let (suite, rounds) = (suite_of(key)?, keyfile::ITERATIONS);
    let text = keyfile::encrypt(key, pin, suite, rounds, &mut SystemEntropy::new())?;
    ui::write_secret(out, text.as_bytes())
}

fn write_p12(
    keys: &[(&PrivateKey, &str)],
    certificates: &[Certificate],
    pin: &[u8],
    out: &Path,
) -> Outcome {
    let suite = match keys.first() {
        Some((key, _)) => suite_of(key)?,
        None => &INTL,
    };
    let writing = Writing {
        suite,
        iterations: keyfile::ITERATIONS,
    };
    let certificates: Vec<&Certificate> = certificates.iter().collect();
    let entropy = &mut SystemEntropy::new();
    ui::write_secret(
        out,
        &pkcs12::write(keys, &certificates, pin, writing, entropy)?,
    )
}

fn show(ui: &Ui, file: &Path, json: bool) -> Outcome {
    let loaded = load(ui, file)?;
    let (zh, en, code) = match loaded.protection {
        Protection::Plain => ("未加密", "not encrypted", "plain"),
        Protection::Legacy => (
            "旧算法，请转换（mifeng key convert）",
            "old algorithms: convert it (mifeng key convert)",
            "legacy",
        ),
        Protection::Modern => ("良好", "good", "modern"),
    };
    let format = if loaded.pkcs12 { "PKCS#12" } else { "PKCS#8" };
    let mut keys = Vec::new();
    ui_line(
        ui,
        json,
        format!("{format}，保护：{zh}"),
        format!("{format}, protection: {en}"),
    );
    for (key, name) in &loaded.keys {
        let public = key.public_key()?;
        let alg = name_of(public.key_alg());
        let print = HashAlg::Sha256.digest(public.spki_der()).to_string();
        ui_line(
            ui,
            json,
            format!("密钥 {alg} {name}，公钥SHA-256 {print}"),
            format!("key {alg} {name}, public key SHA-256 {print}"),
        );
        keys.push(serde_json::json!({ "alg": alg, "name": name, "public_sha256": print }));
    }
    for certificate in &loaded.certificates {
        let (subject, until) = (certificate.subject_name(), certificate.not_after());
        ui_line(
            ui,
            json,
            format!("证书 {subject}，有效期至 {until}"),
            format!("certificate {subject}, valid until {until}"),
        );
    }
    if loaded.unread > 0 {
        let n = loaded.unread;
        ui_line(
            ui,
            json,
            format!("另有 {n} 张证书不被接受"),
            format!("{n} more certificates that are not accepted"),
        );
    }
    if json {
        let subjects: Vec<String> = loaded
            .certificates
            .iter()
            .map(Certificate::subject_name)
            .collect();
        let told = serde_json::json!({
            "format": format, "protection": code, "keys": keys,
            "certificates": subjects, "certificates_unread": loaded.unread,
        });
        ui.print(&told.to_string());
    }
    Ok(())
}

fn ui_line(ui: &Ui, json: bool, zh: String, en: String) {
    if !json {
        ui.say(zh, en);
    }
}

fn convert(ui: &Ui, file: &Path, to: Format, cert: &[PathBuf], out: &Path, json: bool) -> Outcome {
    refuse_existing(ui, out)?;
    let mut loaded = load(ui, file)?;
    for path in cert {
        loaded
            .certificates
            .extend(identity::load_certificates(path)?);
    }
    if to != Format::P12 && loaded.keys.len() != 1 {
        return Err(Failure::usage(format!(
            "{}: {} {}",
            file.display(),
            loaded.keys.len(),
            ui.t(
                "个密钥，只有PKCS#12能装多个",
                "keys: only PKCS#12 holds several"
            )
        )));
    }
    let Some((key, _)) = loaded.keys.first() else {
        return Err(Failure::malformed(format!(
            "{}: {}",
            file.display(),
            ui.t("没有密钥", "no key")
        )));
    };
    match to {
        Format::Plain => {
            ui.warn(
                "注意：写出的密钥没有任何保护",
                "note: the key is written without any protection",
            );
            ui::write_secret(out, keyfile::plain_pem(key)?.as_bytes())?;
        }
        Format::P8 => write_p8(key, &ui.pin(out)?, out)?,
        Format::P8Der => {
            let entropy = &mut SystemEntropy::new();
            let (suite, rounds) = (suite_of(key)?, keyfile::ITERATIONS);
            ui::write_secret(
                out,
                &keyfile::encrypt_der(key, &ui.pin(out)?, suite, rounds, entropy)?,
            )?;
        }
        Format::P12 => {
            let keys: Vec<_> = loaded.keys.iter().map(|(k, n)| (k, n.as_str())).collect();
            write_p12(&keys, &loaded.certificates, &ui.pin(out)?, out)?;
        }
    }
    done(ui, json, out, key)
}

fn import(ui: &Ui, file: &Path, sign: &Path, out: &Path, json: bool) -> Outcome {
    let target = out.join("enc.key");
    refuse_existing(ui, &target)?;
    let bytes = ui::read(file)?;
    let der = pem::any(&bytes).map_err(|e| Failure::from(e).at(file))?;
    let signing = load(ui, sign)?;
    let Some((signing, _)) = signing.keys.first() else {
        return Err(Failure::malformed(format!("{}: 0", sign.display())));
    };
    let at = |e: mifeng::pki::Error| Failure::from(e).at(file);
    let store = |name: &str, found: &[Certificate]| -> Outcome {
        match found.first() {
            Some(first) => identity::store_certificates(&out.join(name), &[first]),
            None => Ok(()),
        }
    };
    let key = if let Ok(reply) = delivered::Reply::parse(&der) {
        let Some(enveloped) = &reply.key else {
            return Err(Failure::malformed(format!(
                "{}: {}",
                file.display(),
                ui.t("应答中没有加密密钥", "the reply holds no encryption key")
            )));
        };
        let key = enveloped.open(signing).map_err(at)?;
        same_key(&reply.signing, signing).map_err(at)?;
        same_key(&reply.encryption, &key).map_err(at)?;
        keep_other(ui, &out.join("sign.cer"), &reply.signing)?;
        keep_other(ui, &out.join("enc.cer"), &reply.encryption)?;
        ui.warn(
            "应答未经签名：请核对它确由CA送达",
            "the reply is not signed: check that it came from your CA",
        );
        store("sign.cer", &reply.signing)?;
        store("enc.cer", &reply.encryption)?;
        key
    } else if let Ok(enveloped) = delivered::EnvelopedKey::parse(&der) {
        enveloped.open(signing).map_err(at)?
    } else {
        let (key, signer) = delivered::open_signed_and_enveloped(&der, signing).map_err(at)?;
        let name = signer.subject_name();
        ui.warn(
            format!("由 {name} 签名下发：请核对该CA是否受信任"),
            format!("signed by {name}: check that this CA is one you trust"),
        );
        key
    };
    write_p8(&key, &ui.pin(&target)?, &target)?;
    done(ui, json, &target, &key)
}

/// The certificate that comes first, if any does, is that of this key.
fn same_key(found: &[Certificate], key: &PrivateKey) -> Result<(), mifeng::pki::Error> {
    let own = key.public_key()?;
    match found.first() {
        Some(first) if first.public_key().spki_der() != own.spki_der() => {
            Err(mifeng::pki::Error::KeyMismatch)
        }
        _ => Ok(()),
    }
}

/// What stands in the folder stays, unless it is the same certificate.
fn keep_other(ui: &Ui, path: &Path, found: &[Certificate]) -> Outcome {
    let Some(first) = found.first() else {
        return Ok(());
    };
    if !path.exists() || identity::load_certificate(path)?.der() == first.der() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{}: {}",
        path.display(),
        ui.t(
            "已有另一张证书，不覆盖",
            "holds another certificate, which is not overwritten"
        )
    )))
}

fn passwd(ui: &Ui, file: &Path, new_pin_file: Option<&Path>, json: bool) -> Outcome {
    let loaded = load(ui, file)?;
    let Some((key, _)) = loaded.keys.first() else {
        return Err(Failure::malformed(format!("{}: 0", file.display())));
    };
    let pin = match new_pin_file {
        Some(path) => ui::pin_in(path)?,
        None => ui.new_pin(file)?,
    };
    if pin.is_empty() {
        return Err(Failure::usage(
            ui.t("新口令为空", "the new passphrase is empty"),
        ));
    }
    if loaded.pkcs12 {
        let keys: Vec<_> = loaded.keys.iter().map(|(k, n)| (k, n.as_str())).collect();
        if loaded.unread > 0 {
            return Err(Failure::usage(ui.t(
                "文件含有不被接受的证书，改写会丢失它们",
                "the file has certificates that are not accepted; rewriting it would lose them",
            )));
        }
        write_p12(&keys, &loaded.certificates, &pin, file)?;
    } else {
        write_p8(key, &pin, file)?;
    }
    done(ui, json, file, key)
}

#[cfg(test)]
mod tests {
    use super::same_key;
    use mifeng::pki::{Error, keyfile, pem};
    use zeroize::Zeroizing;

    const SM2: (&str, &str) = (
        include_str!("../../../../test-vectors/keys/sm2.cer.pem"),
        include_str!("../../../../test-vectors/keys/sm2.key.pem"),
    );
    const P256: &str = include_str!("../../../../test-vectors/keys/p256.cer.pem");

    #[test]
    fn a_certificate_of_another_key_is_not_taken_in() -> Result<(), Error> {
        let no_pin = || Ok::<_, Error>(Zeroizing::new(Vec::new()));
        let (key, _) = keyfile::read_any(SM2.1.as_bytes(), no_pin)?;
        assert!(same_key(&pem::certificates(SM2.0)?, &key).is_ok());
        assert!(same_key(&[], &key).is_ok());
        let other = same_key(&pem::certificates(P256)?, &key);
        assert!(matches!(other, Err(Error::KeyMismatch)));
        Ok(())
    }
}
