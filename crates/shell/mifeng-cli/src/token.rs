//! `mifeng token`: what is plugged in, whether it works for a bid, and identities that live in one.

use crate::clock;
use crate::identity::{self, Ca};
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::{KeyAlg, SystemEntropy};
use mifeng::pki::issue::Profile;
use mifeng::pki::{Certificate, Decrypter, Signer};
use mifeng_token::{Error, TokenInfo, Use, pkcs11, skf, trial};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file of an identity folder that says which token has the keys.
const FILE: &str = "token.json";
/// Bits of the RSA keys made: suites.md asks for 3,072 at least.
const RSA_BITS: usize = 3_072;

/// The interface of a token's library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Interface {
    /// PKCS#11.
    Pkcs11,
    /// GM/T 0016.
    Skf,
}

/// Which library and which token.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct ModuleArgs {
    /// 驱动库（PKCS#11 模块或 SKF 库） / the token's library: PKCS#11 module or SKF library
    #[arg(long, value_name = "LIB")]
    module: PathBuf,
    /// 该库是国密SKF接口（GM/T 0016） / the library is an SKF one (GM/T 0016)
    #[arg(long)]
    skf: bool,
    /// 序列号；插有多个时必填 / serial number; needed when several are plugged in
    #[arg(long)]
    serial: Option<String>,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// 列出已插入的密码钥匙 / list the tokens that are plugged in
    List {
        /// 驱动库 / the token's library
        #[arg(long, value_name = "LIB")]
        module: PathBuf,
        /// 该库是国密SKF接口 / the library is an SKF one
        #[arg(long)]
        skf: bool,
    },
    /// 试用：签名、密封一份小标书并解开其份额 / try it: sign, seal a small bid, open its leaf
    Test {
        #[command(flatten)]
        module: ModuleArgs,
        /// 签名证书；密码钥匙内有多个应用时必填 / signing certificate; needed when several
        /// applications of the token have some
        #[arg(long, value_name = "CER")]
        cert: Option<PathBuf>,
    },
    /// 在PKCS#11密码钥匙内生成密钥，由开发CA签发，写出身份文件夹 / keys born in a PKCS#11 token,
    /// certificates by a development CA, an identity folder that refers to it
    Enrol {
        #[command(flatten)]
        module: ModuleArgs,
        /// 开发CA文件夹 / folder of the development CA
        #[arg(long)]
        ca: PathBuf,
        /// 单位名称 / name of the body
        #[arg(long)]
        name: String,
        /// 统一社会信用代码 / unified social credit code
        #[arg(long)]
        uscc: String,
        /// 用RSA密钥（默认P-256） / RSA keys (default P-256)
        #[arg(long)]
        rsa: bool,
        /// 密码钥匙PIN文件（默认询问） / file with the token's PIN (default: ask)
        #[arg(long, value_name = "FILE")]
        token_pin_file: Option<PathBuf>,
        /// 身份文件夹 / identity folder
        #[arg(long)]
        out: PathBuf,
    },
    /// 把软件身份移入模拟的SKF密码钥匙（演示用） / move a software identity into a simulated SKF
    /// token (for demonstrations)
    Simulate {
        /// 软件身份文件夹 / software identity folder
        #[arg(long)]
        id: PathBuf,
        /// 模拟库 libmifeng_skf_sim / the simulated device's library
        #[arg(long, value_name = "LIB")]
        module: PathBuf,
        /// 设备文件 NAME.skf；所在文件夹由环境变量 MIFENG_SKF_SIM 指定 / device file NAME.skf, in the
        /// folder that MIFENG_SKF_SIM names
        #[arg(long, value_name = "FILE")]
        device: PathBuf,
        /// 新的身份文件夹 / the new identity folder
        #[arg(long)]
        out: PathBuf,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        mifeng::pki::Error::from(error).into()
    }
}

/// A loaded library of either kind.
enum Module {
    Pkcs11(pkcs11::Module),
    Skf(skf::Module),
}

/// A token that is open.
enum Token {
    Pkcs11(pkcs11::Token),
    Skf(skf::Token),
}

impl Module {
    fn load(path: &Path, interface: Interface) -> Result<Self, Error> {
        Ok(match interface {
            Interface::Pkcs11 => Module::Pkcs11(pkcs11::Module::load(path)?),
            Interface::Skf => Module::Skf(skf::Module::load(path)?),
        })
    }

    fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        match self {
            Module::Pkcs11(module) => module.tokens(),
            Module::Skf(module) => module.tokens(),
        }
    }

    fn open(
        &self,
        serial: Option<&str>,
        wanted: Option<&Certificate>,
        pin: &[u8],
    ) -> Result<Token, Error> {
        Ok(match self {
            Module::Pkcs11(module) => Token::Pkcs11(module.open(serial, pin)?),
            Module::Skf(module) => Token::Skf(module.open(serial, wanted, pin)?),
        })
    }
}

impl Token {
    fn info(&self) -> &TokenInfo {
        match self {
            Token::Pkcs11(token) => token.info(),
            Token::Skf(token) => token.info(),
        }
    }

    fn signer(
        &self,
        wanted: Option<&Certificate>,
        chain: Vec<Certificate>,
    ) -> Result<Box<dyn Signer>, Error> {
        Ok(match self {
            Token::Pkcs11(token) => Box::new(token.signer(wanted, chain)?),
            Token::Skf(token) => Box::new(token.signer(wanted, chain)?),
        })
    }

    fn decrypter(&self, wanted: Option<&Certificate>) -> Result<Box<dyn Decrypter>, Error> {
        Ok(match self {
            Token::Pkcs11(token) => Box::new(token.decrypter(wanted)?),
            Token::Skf(token) => Box::new(token.decrypter(wanted)?),
        })
    }
}

/// Where an identity's keys are, if not in its folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    kind: Interface,
    module: PathBuf,
    serial: String,
    v: u8,
}

impl Reference {
    /// What the folder says, or nothing if it has its keys in files.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let bad = |what: String| Failure::malformed(format!("{}: {what}", path.display()));
        let found: Reference =
            serde_json::from_slice(&ui::read(&path)?).map_err(|e| bad(e.to_string()))?;
        match found.v {
            1 => Ok(Some(found)),
            other => Err(bad(format!("v: expected 1, found {other}"))),
        }
    }

    fn store(&self, folder: &Path) -> Outcome {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Failure::malformed(format!("{FILE}: {e}")))?;
        ui::write_secret(&folder.join(FILE), format!("{text}\n").as_bytes())
    }

    fn open(&self, ui: &Ui, wanted: &Certificate) -> Result<Token, Failure> {
        let module = Module::load(&self.module, self.kind)?;
        let pin = ui.pin(Path::new(&self.serial))?;
        Ok(module.open(Some(&self.serial), Some(wanted), &pin)?)
    }

    /// The signer of the folder's signing certificate.
    pub(crate) fn signer(
        &self,
        ui: &Ui,
        certificate: &Certificate,
        chain: Vec<Certificate>,
    ) -> Result<Box<dyn Signer>, Failure> {
        Ok(self
            .open(ui, certificate)?
            .signer(Some(certificate), chain)?)
    }

    /// The decrypter of the folder's encryption certificate.
    pub(crate) fn decrypter(
        &self,
        ui: &Ui,
        certificate: &Certificate,
    ) -> Result<Box<dyn Decrypter>, Failure> {
        Ok(self.open(ui, certificate)?.decrypter(Some(certificate))?)
    }
}

/// Runs the command.
pub(crate) fn run(ui: &Ui, command: &TokenCommand, json: bool) -> Outcome {
    match command {
        TokenCommand::List { module, skf } => list(ui, module, interface(*skf), json),
        TokenCommand::Test { module, cert } => test(ui, module, cert.as_deref(), json),
        TokenCommand::Enrol {
            module,
            ca,
            name,
            uscc,
            rsa,
            token_pin_file,
            out,
        } => {
            let alg = if *rsa {
                KeyAlg::Rsa { bits: RSA_BITS }
            } else {
                KeyAlg::P256
            };
            let who = identity::bidder(name, uscc)?;
            let ca = Ca::load(ui, ca)?;
            let pin = match token_pin_file {
                Some(path) => ui::pin_in(path)?,
                None => ui.ask_pin(&module.module)?,
            };
            enrol(ui, module, &ca, &who, alg, &pin, out)
        }
        TokenCommand::Simulate {
            id,
            module,
            device,
            out,
        } => simulate(ui, id, module, device, out),
    }
}

fn interface(skf: bool) -> Interface {
    if skf {
        Interface::Skf
    } else {
        Interface::Pkcs11
    }
}

fn list(ui: &Ui, module: &Path, interface: Interface, json: bool) -> Outcome {
    let tokens = Module::load(module, interface)?.tokens()?;
    if json {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|t| {
                serde_json::json!({
                    "label": t.label, "serial": t.serial, "maker": t.maker,
                    "pin_tries": t.pin_tries, "pin_locked": t.pin_locked,
                })
            })
            .collect();
        ui.print(&serde_json::json!({ "tokens": tokens }).to_string());
        return Ok(());
    }
    if tokens.is_empty() {
        return Err(Error::None.into());
    }
    for token in tokens {
        let (zh, en) = match (token.pin_locked, token.pin_tries) {
            (true, _) => ("，PIN已锁定".to_owned(), ", PIN locked".to_owned()),
            (false, Some(n)) => (
                format!("，PIN还可尝试{n}次"),
                format!(", {n} PIN attempts left"),
            ),
            (false, None) => Default::default(),
        };
        let (serial, label, maker) = (token.serial, token.label, token.maker);
        ui.say(
            format!("{serial}  {label}（{maker}）{zh}"),
            format!("{serial}  {label} ({maker}){en}"),
        );
    }
    Ok(())
}

/// The steps of a trial as they are done; as JSON they are printed at the end.
struct Steps<'a> {
    ui: &'a Ui,
    json: bool,
    done: Vec<serde_json::Value>,
}

impl Steps<'_> {
    fn step(&mut self, name: &str, zh: String, en: String) {
        if self.json {
            let text = self.ui.t(&zh, &en).to_owned();
            self.done
                .push(serde_json::json!({ "step": name, "ok": true, "text": text }));
        } else {
            let number = self.done.len() + 1;
            self.ui
                .say(format!("{number}. {zh}"), format!("{number}. {en}"));
            self.done.push(serde_json::Value::Null);
        }
    }
}

fn test(ui: &Ui, args: &ModuleArgs, cert: Option<&Path>, json: bool) -> Outcome {
    let wanted = cert.map(identity::load_certificate).transpose()?;
    let mut steps = Steps {
        ui,
        json,
        done: Vec::new(),
    };
    let module = Module::load(&args.module, interface(args.skf))?;
    let path = args.module.display();
    steps.step(
        "library",
        format!("驱动库已加载：{path}"),
        format!("library loaded: {path}"),
    );
    // Missing and double tokens are told before a PIN is asked for.
    let tokens = module.tokens()?;
    mifeng_token::choose(&tokens, args.serial.as_deref())?;
    let token = module.open(
        args.serial.as_deref(),
        wanted.as_ref(),
        &ui.pin(&args.module)?,
    )?;
    let (label, serial) = (&token.info().label, &token.info().serial);
    steps.step(
        "pin",
        format!("PIN正确：{label}，序列号 {serial}"),
        format!("PIN accepted: {label}, serial number {serial}"),
    );
    let signer = token.signer(wanted.as_ref(), Vec::new())?;
    let decrypter = token.decrypter(None)?;
    for (name, zh, en, certificate) in [
        (
            "signing-certificate",
            "签名证书",
            "signing certificate",
            signer.certificate(),
        ),
        (
            "encryption-certificate",
            "加密证书",
            "encryption certificate",
            decrypter.certificate(),
        ),
    ] {
        let (subject, until) = (certificate.subject_name(), certificate.not_after());
        steps.step(
            name,
            format!("{zh}：{subject}，有效期至 {until}"),
            format!("{en}: {subject}, valid until {until}"),
        );
    }
    // The token's wrapper checks what it made; a wrong signature does not come back.
    let signature = signer.sign(b"mifeng token test")?;
    let len = signature.len();
    steps.step(
        "sign",
        format!("签名并验证通过（{len}字节）"),
        format!("signed, and the signature verifies ({len} bytes)"),
    );
    let entropy = &mut SystemEntropy::new();
    let sealed = trial::seal(&*signer, decrypter.certificate(), clock::now(), entropy)?;
    let suite = trial::suite_of(signer.certificate()).id();
    steps.step(
        "seal",
        format!("已密封一份试验标书（{suite}）"),
        format!("sealed a trial bid ({suite})"),
    );
    sealed.open(&*decrypter)?;
    steps.step(
        "open-leaf",
        "密码钥匙解开了标书的本方份额，与密封时一致".to_owned(),
        "the token opened the bid's own leaf; it is the share that was sealed".to_owned(),
    );
    if json {
        ui.print(&serde_json::json!({ "ok": true, "steps": steps.done }).to_string());
    } else {
        ui.say("密码钥匙可用于投标", "the token works for bidding");
    }
    Ok(())
}

fn enrol(
    ui: &Ui,
    args: &ModuleArgs,
    ca: &Ca,
    who: &mifeng::pki::issue::Subject,
    alg: KeyAlg,
    pin: &Zeroizing<Vec<u8>>,
    out: &Path,
) -> Outcome {
    if args.skf || ca.suite.id() != "intl-1" {
        return Err(Failure::usage(ui.t(
            "PKCS#11没有标准的SM2：请用 --suite intl 的CA；国密请用 token simulate 或厂商工具",
            "PKCS#11 has no standard SM2: use a CA of --suite intl; for SM2 use token simulate or the maker's tool",
        )));
    }
    let module = pkcs11::Module::load(&args.module)?;
    let mut token = module.open(args.serial.as_deref(), pin)?;
    for (purpose, profile, file) in [
        (Use::Signing, Profile::BidderSign, "sign.cer"),
        (Use::Decrypting, Profile::BidderEncrypt, "enc.cer"),
    ] {
        let id = identity::serial()?;
        let public = token.generate(alg, &id, purpose)?;
        let certificate = ca.certify(who, &public, profile, clock::now())?;
        token.store(&certificate, &id)?;
        identity::store_certificates(&out.join(file), &[&certificate])?;
    }
    ca.store_chain(out)?;
    let serial = token.info().serial.clone();
    Reference {
        kind: Interface::Pkcs11,
        module: args.module.clone(),
        serial: serial.clone(),
        v: 1,
    }
    .store(out)?;
    ui.say(
        format!("密钥已在密码钥匙 {serial} 内生成，身份：{}", out.display()),
        format!("keys made in token {serial}; identity: {}", out.display()),
    );
    Ok(())
}

fn simulate(ui: &Ui, id: &Path, module: &Path, device: &Path, out: &Path) -> Outcome {
    if device.exists() {
        return Err(Failure::usage(format!(
            "{}: {}",
            device.display(),
            ui.t("已存在", "there is one already")
        )));
    }
    let io = |e: std::io::Error| Failure::io(device, &e);
    let pin = ui.pin(&id.join("sign.key"))?;
    let mut pairs = Vec::new();
    for name in ["sign", "enc"] {
        let key = identity::load_key(ui, &id.join(format!("{name}.key")))?;
        let certificate = identity::load_certificate(&id.join(format!("{name}.cer")))?;
        pairs.push((key, certificate));
    }
    let label = device.file_stem().map(|n| n.to_string_lossy().into_owned());
    let mut made = mifeng_skf_sim::Device::new(&label.unwrap_or_default(), &pin).map_err(io)?;
    let pair = |at: usize| pairs.get(at).map(|(key, certificate)| (key, certificate));
    made.add("mifeng", &pin, pair(0), pair(1)).map_err(io)?;
    made.save(device).map_err(io)?;
    for name in ["sign.cer", "enc.cer", "chain.cer", "root.cer"] {
        ui::write(&out.join(name), &ui::read(&id.join(name))?)?;
    }
    Reference {
        kind: Interface::Skf,
        module: module.to_owned(),
        serial: made.serial().to_owned(),
        v: 1,
    }
    .store(out)?;
    ui.say(
        format!(
            "模拟密码钥匙：{}，身份：{}",
            device.display(),
            out.display()
        ),
        format!(
            "simulated token: {}; identity: {}",
            device.display(),
            out.display()
        ),
    );
    Ok(())
}
