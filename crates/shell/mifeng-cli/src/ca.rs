//! `mifeng ca`: a development certificate authority. Real tenders use licensed CAs.

use crate::args::SuiteName;
use crate::cert;
use crate::clock;
use crate::identity::{self, Kind};
use crate::ui::{self, Outcome, Ui};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum CaCommand {
    /// 建立根与签发CA / make a root and an issuing CA
    Init {
        /// CA文件夹 / folder of the CA
        #[arg(long)]
        ca: PathBuf,
        #[arg(long, value_enum, default_value = "gm")]
        suite: SuiteName,
        /// CA名称 / name of the CA
        #[arg(long)]
        name: String,
    },
    /// 签发一人的证书与密钥 / issue one person's certificates and keys
    Issue {
        #[arg(long)]
        ca: PathBuf,
        #[arg(long, value_enum)]
        kind: Kind,
        /// 姓名或单位名称 / name of the person or body
        #[arg(long)]
        name: String,
        /// 统一社会信用代码 / unified social credit code
        #[arg(long)]
        uscc: Option<String>,
        /// 身份文件夹 / identity folder
        #[arg(long)]
        out: PathBuf,
    },
    /// 签发双证书（签名与加密） / issue a signing and an encryption certificate
    Dual {
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        name: String,
        #[arg(long)]
        uscc: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 吊销证书，更新 ca.crl / revoke a certificate and renew ca.crl
    Revoke {
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        cert: PathBuf,
    },
    /// 签发OCSP响应文件 / sign an OCSP response file about certificates of this CA
    Ocsp {
        #[arg(long)]
        ca: PathBuf,
        /// 证书 / certificates
        #[arg(long, required = true)]
        cert: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 重新签发吊销列表 ca.crl 与 root.crl / sign ca.crl and root.crl anew
    Crl {
        #[arg(long)]
        ca: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &CaCommand, json: bool) -> Outcome {
    match command {
        CaCommand::Init { ca, suite, name } => {
            identity::init_ca(ui, ca, suite.suite(), name, clock::now())?;
            ui.tell(
                json,
                &json!({"ca": ca.display().to_string(), "suite": suite.suite().id()}),
                format!("CA已建立：{}", ca.display()),
                format!("CA made: {}", ca.display()),
            );
            Ok(())
        }
        CaCommand::Issue {
            ca,
            kind,
            name,
            uscc,
            out,
        } => {
            let authority = identity::Ca::load(ui, ca)?;
            authority.issue(ui, *kind, name, uscc.as_deref(), out, clock::now())?;
            issued(ui, name, out, json)
        }
        CaCommand::Dual {
            ca,
            name,
            uscc,
            out,
        } => {
            let authority = identity::Ca::load(ui, ca)?;
            authority.issue(ui, Kind::Bidder, name, Some(uscc), out, clock::now())?;
            issued(ui, name, out, json)
        }
        CaCommand::Revoke { ca, cert } => {
            let authority = identity::Ca::load(ui, ca)?;
            let certificate = cert::one(cert)?;
            authority.revoke(&certificate, clock::now())?;
            let serial = certificate.serial_hex();
            ui.tell(
                json,
                &json!({"revoked": serial}),
                format!("已吊销：{serial}"),
                format!("revoked: {serial}"),
            );
            Ok(())
        }
        CaCommand::Ocsp { ca, cert, out } => {
            let authority = identity::Ca::load(ui, ca)?;
            let certificates = cert.iter().map(|path| cert::one(path));
            let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
            let response = authority.ocsp(&certificates, clock::now())?;
            ui::write(out, &response)?;
            let shown = out.display().to_string();
            ui.tell(
                json,
                &json!({"written": shown, "certificates": certificates.len()}),
                format!("OCSP响应：{shown}"),
                format!("OCSP response: {shown}"),
            );
            Ok(())
        }
        CaCommand::Crl { ca } => {
            let authority = identity::Ca::load(ui, ca)?;
            let count = authority.renew_crl(ui, clock::now())?;
            ui.tell(
                json,
                &json!({"revoked": count}),
                format!("吊销列表已更新：{count} 个条目"),
                format!("revocation list renewed: {count} entries"),
            );
            Ok(())
        }
    }
}

fn issued(ui: &Ui, name: &str, out: &std::path::Path, json: bool) -> Outcome {
    let certificate = cert::one(&out.join("sign.cer"))?;
    ui.tell(
        json,
        &json!({"sign": cert::as_json(&certificate), "folder": out.display().to_string()}),
        format!("已签发：{name}"),
        format!("issued: {name}"),
    );
    Ok(())
}
