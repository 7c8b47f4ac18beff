//! `mifeng tsa`: a small RFC 3161 authority for development and closed networks.

mod http;

use crate::bundle::Bundle;
use crate::identity::Identity;
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{cert, clock, person};
use mifeng::crypto::Digest;
use mifeng::pki::{Signer as _, tsp};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Policy of the development authority: an arc for documentation (RFC 7299 keeps none of ours).
pub(crate) const POLICY: &str = "1.3.6.1.4.1.32473.1";

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TsaCommand {
    /// 给日志头或请求文件加盖时间戳 / stamp the head of the log, or answer a request file
    Stamp {
        /// 时间戳机构的身份文件夹 / the authority's identity folder
        #[arg(long)]
        id: PathBuf,
        /// 记录包 / bundle
        #[arg(long, required_unless_present = "request", conflicts_with = "request")]
        tender: Option<PathBuf>,
        /// RFC 3161 请求（DER） / RFC 3161 request (DER); the output is the response
        #[arg(long)]
        request: Option<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 以 HTTP 提供时间戳（开发与内网用） / answer RFC 3161 requests over HTTP (development, closed networks)
    Serve {
        #[arg(long)]
        id: PathBuf,
        /// 监听地址；默认只限本机 / address to listen on; default: this machine only
        #[arg(long, default_value = "127.0.0.1:3161")]
        listen: SocketAddr,
        /// 回答这么多请求后结束；0 为一直运行 / end after this many requests; 0: never
        #[arg(long, default_value_t = 0)]
        requests: u64,
    },
}

pub(crate) fn run(ui: &Ui, command: &TsaCommand, json: bool) -> Outcome {
    match command {
        TsaCommand::Stamp {
            id,
            tender: Some(tender),
            out,
            ..
        } => person::stamp(&Identity::load(ui, id)?, &Bundle::open(tender)?, out),
        TsaCommand::Stamp {
            id, request, out, ..
        } => {
            let Some(request) = request else {
                return Err(Failure::usage("--tender / --request"));
            };
            let authority = Authority::open(ui, id)?;
            answer_file(ui, &authority, request, out, json)
        }
        TsaCommand::Serve {
            id,
            listen,
            requests,
        } => {
            let authority = Authority::open(ui, id)?;
            http::serve(ui, &authority, *listen, *requests, json)
        }
    }
}

/// The authority with its counter.
pub(crate) struct Authority {
    identity: Identity,
    /// The last serial number given: microseconds of the clock, and one more when it stands still.
    last: AtomicU64,
}

impl Authority {
    fn open(ui: &Ui, id: &Path) -> Result<Self, Failure> {
        let identity = Identity::load(ui, id)?;
        let certificate = identity.signer.certificate();
        // Said when it starts, not with the first request.
        let probe = tsp::Request::new(
            Digest::from_bytes([0; 32]),
            cert::suite_of(certificate).hash(),
            None,
        );
        tsp::respond(&identity.signer, POLICY, 1, clock::now(), &probe)
            .map_err(|e| Failure::from(e).at(id))?;
        let name = certificate.subject_name();
        ui.say(
            format!("时间戳机构 {name}"),
            format!("time-stamp authority {name}"),
        );
        Ok(Authority {
            identity,
            last: AtomicU64::new(0),
        })
    }

    /// The DER answer to a DER request; refusals are answers too.
    fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let now = clock::now();
        let wanted = u64::try_from(now.as_unix_nanos() / 1_000).unwrap_or(1);
        let next = |last: u64| Some(wanted.max(last.saturating_add(1)));
        let last = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .unwrap_or(0);
        let serial = wanted.max(last.saturating_add(1));
        let request = tsp::Request::parse(request)?;
        let token = tsp::respond(&self.identity.signer, POLICY, serial, now, &request)?;
        Ok(tsp::wrap_response(&token))
    }
}

fn answer_file(ui: &Ui, authority: &Authority, request: &Path, out: &Path, json: bool) -> Outcome {
    let response = authority.answer(&ui::read(request)?)?;
    // A refusal is no file: whoever asked reads why.
    tsp::unwrap_response(&response).map_err(|e| Failure::from(e).at(request))?;
    ui::write(out, &response)?;
    let shown = out.display().to_string();
    ui.tell(
        json,
        &json!({"written": shown}),
        format!("已写出 {shown}"),
        format!("written: {shown}"),
    );
    Ok(())
}
