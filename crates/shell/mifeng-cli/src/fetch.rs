//! The only place of the command that goes to the network: revocation lists over http and ldap,
//! stamps over http. Every size and every wait is bounded.

mod ldap;

use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::crypto::HashAlg;
use mifeng::pki::RevocationList;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// For the whole exchange: a list of a million entries over a slow line.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of the largest answer, as large as the largest list that is read.
const ANSWER_LEN_MAX: u64 = 64 << 20;
/// Hops from one address to another.
const REDIRECTS_MAX: u32 = 3;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum CrlCommand {
    /// 从 http 或 ldap 地址取吊销列表 / fetch a revocation list over http or ldap
    Fetch {
        /// 地址 / address
        url: String,
        #[arg(long)]
        out: PathBuf,
    },
    /// 查看吊销列表 / show a revocation list
    Show {
        /// DER 或 PEM 文件 / DER or PEM file
        file: PathBuf,
    },
}

pub(crate) fn run(ui: &Ui, command: &CrlCommand, json: bool) -> Outcome {
    match command {
        CrlCommand::Fetch { url, out } => {
            let bytes = get(ui, url)?;
            // What is written is a list, never an error page of some server.
            let der = pem_or_der(&bytes);
            let list = RevocationList::parse(&der).map_err(|e| {
                let failure = Failure::from(e);
                Failure {
                    text: format!("{url}: {}", failure.text),
                    ..failure
                }
            })?;
            ui::write(out, list.der())?;
            tell(ui, &list, json);
            Ok(())
        }
        CrlCommand::Show { file } => {
            let list = load_crl(file)?;
            tell(ui, &list, json);
            Ok(())
        }
    }
}

/// Reads a list in DER or PEM; its signature is judged with a path.
pub(crate) fn load_crl(path: &std::path::Path) -> Result<RevocationList, Failure> {
    RevocationList::parse(&pem_or_der(&ui::read(path)?)).map_err(|e| Failure::from(e).at(path))
}

/// The DER inside PEM, whatever its label; other bytes as they are.
pub(crate) fn pem_or_der(bytes: &[u8]) -> Vec<u8> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let Ok(text) = core::str::from_utf8(bytes) else {
        return bytes.to_vec();
    };
    let inner = text
        .split_once("-----BEGIN ")
        .and_then(|(_, rest)| rest.split_once("-----"))
        .and_then(|(_, rest)| rest.split_once("-----END "))
        .map(|(inner, _)| inner.split_whitespace().collect::<String>());
    inner
        .and_then(|inner| BASE64_STANDARD.decode(inner).ok())
        .unwrap_or_else(|| bytes.to_vec())
}

fn tell(ui: &Ui, list: &RevocationList, json: bool) {
    let next = list.next_update().map(|t| t.to_string());
    let digest = HashAlg::Sha256.digest(list.der());
    let (count, from) = (list.len(), list.this_update());
    let until = next.clone().unwrap_or_default();
    ui.tell(
        json,
        &json!({"revoked": count, "this_update": from, "next_update": next, "sha256": digest}),
        format!("吊销列表：{count} 个条目，{from} 至 {until}（签名在验证证书时核验）"),
        format!("revocation list: {count} entries, {from} to {until} (its signature is checked with certificates)"),
    );
}

fn unavailable(url: &str, what: impl core::fmt::Display) -> Failure {
    Failure {
        exit: 4,
        code: "net.unavailable".to_owned(),
        clause: None,
        text: format!("{url}: {what}"),
        zh: None,
    }
}

/// Fetches what an address holds.
pub(crate) fn get(ui: &Ui, url: &str) -> Result<Vec<u8>, Failure> {
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("ldap://") {
        return ldap::certificate_revocation_list(url, TIMEOUT, ANSWER_LEN_MAX)
            .map_err(|e| unavailable(url, e));
    }
    check_http(ui, url)?;
    let mut answer = agent().get(url).call().map_err(|e| unavailable(url, e))?;
    let body = answer.body_mut().with_config().limit(ANSWER_LEN_MAX);
    body.read_to_vec().map_err(|e| unavailable(url, e))
}

/// Posts a time-stamp request and returns the answer (RFC 3161 section 3.4).
pub(crate) fn post_stamp(ui: &Ui, url: &str, request: &[u8]) -> Result<Vec<u8>, Failure> {
    check_http(ui, url)?;
    let mut answer = agent()
        .post(url)
        .header("content-type", "application/timestamp-query")
        .send(request)
        .map_err(|e| unavailable(url, e))?;
    let body = answer.body_mut().with_config().limit(1 << 16);
    body.read_to_vec().map_err(|e| unavailable(url, e))
}

/// Lists and stamps prove themselves, so plain http is enough and what this command speaks.
pub(crate) fn check_http(ui: &Ui, url: &str) -> Result<(), Failure> {
    if url.to_ascii_lowercase().starts_with("http://") {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{url}: {}",
        ui.t("只支持 http:// 与 ldap://", "http:// and ldap:// only")
    )))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(REDIRECTS_MAX)
        .build();
    ureq::Agent::new_with_config(config)
}
