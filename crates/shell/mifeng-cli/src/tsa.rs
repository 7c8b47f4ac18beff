//! `mifeng tsa`: a small RFC 3161 authority for development and closed networks.

mod http;

use crate::args::SuiteName;
use crate::bundle::Bundle;
use crate::cert::TrustArgs;
use crate::identity::{self, Identity};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{cert, clock, fetch, person};
use mifeng::crypto::{Digest, Entropy as _, HashAlg, SystemEntropy, Time};
use mifeng::pki::{Anchors, Error, SoftwareSigner, tsp};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Policy of the development authority: an arc for documentation (RFC 7299 keeps none of ours).
pub(crate) const POLICY: &str = "1.3.6.1.4.1.32473.1";

/// Bytes of the nonce in a request: never twice, and within what RFC 3161 asks authorities to take.
const NONCE_LEN: usize = 8;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TsaCommand {
    /// 给最新的已共签日志头或请求文件加盖时间戳 / stamp the newest cosigned head of the log, or answer a request file
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
    /// 向时间戳机构（http）取文件或日志头的时间戳 / ask an authority (http) for a stamp over a file, or over the head of a log
    Ask {
        /// 文件 / file
        #[arg(required_unless_present = "tender", conflicts_with = "tender")]
        file: Option<PathBuf>,
        /// 记录包：给最新的已共签日志头加盖，以 send --stamp 送达 / bundle: over its newest cosigned head, to hand in by send --stamp
        #[arg(long)]
        tender: Option<PathBuf>,
        /// 时间戳服务地址 / address of the authority
        #[arg(long)]
        url: String,
        /// 文件摘要的算法；记录包自有其算法 / whose hash is asked for of a file; a bundle has its own
        #[arg(long, value_enum, default_value = "gm", conflicts_with = "tender")]
        suite: SuiteName,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核验文件的时间戳 / check a time stamp over a file
    Check {
        /// 时间戳：响应或令牌 / response or token
        stamp: PathBuf,
        /// 被盖时间戳的文件 / the stamped file
        #[arg(long)]
        data: PathBuf,
        #[command(flatten)]
        whom: TrustArgs,
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
        TsaCommand::Ask {
            tender: Some(tender),
            url,
            out,
            ..
        } => {
            let replay = Bundle::open(tender)?.replay;
            let over = person::stored_imprint(&replay)?;
            let answer = ask(ui, over, replay.suite().hash(), url)?;
            written(ui, out, &answer.token, json)
        }
        TsaCommand::Ask {
            file,
            url,
            suite,
            out,
            ..
        } => {
            let Some(file) = file else {
                return Err(Failure::usage("FILE / --tender"));
            };
            let alg = suite.suite().hash();
            let answer = ask(ui, alg.digest(&ui::read(file)?), alg, url)?;
            written(ui, out, &answer.response, json)
        }
        TsaCommand::Check { stamp, data, whom } => check(ui, stamp, data, whom, json),
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

/// What an authority answered.
pub(crate) struct Answered {
    response: Vec<u8>,
    pub(crate) token: Vec<u8>,
    pub(crate) gen_time: Time,
}

/// The token in what may be a whole response: tools write the one or the other.
pub(crate) fn token_in(bytes: Vec<u8>) -> Vec<u8> {
    tsp::unwrap_response(&bytes).unwrap_or(bytes)
}

/// Asks for a stamp over what has this digest, and takes only an answer to this request: over it, with
/// the nonce that was sent, by a signature that holds, not from the future. Whether the authority
/// counts is asked when the stamp is checked against somebody's trust.
pub(crate) fn ask(ui: &Ui, over: Digest, alg: HashAlg, url: &str) -> Result<Answered, Failure> {
    let mut nonce = [0; NONCE_LEN];
    SystemEntropy::new().fill(&mut nonce)?;
    let request = tsp::Request::new(over, alg, None).with_nonce(&nonce)?;
    let response = fetch::post_stamp(ui, url, &request.to_der())?;
    let token = tsp::unwrap_response(&response)?;
    let anchors = Anchors::default();
    let mut check = tsp::TokenCheck::new(request.imprint(), &anchors, tsp::suite_of(alg.into()));
    check.nonce = request.nonce();
    match tsp::check_token(&token, &check) {
        // All else was found in order before the path was asked about: nobody is trusted here.
        Ok(_) | Err(Error::UnlistedCa { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    let gen_time = tsp::Stamped::read(&token)?.gen_time();
    let slack = i128::from(tsp::ClockPolicy::default().skew_max_millis) * 1_000_000;
    if gen_time.as_unix_nanos() > clock::now().as_unix_nanos() + slack {
        let rule = "lies in the future";
        return Err(Error::TimeStamp { rule }.into());
    }
    Ok(Answered {
        response,
        token,
        gen_time,
    })
}

/// The authority with its counter.
pub(crate) struct Authority {
    // In a file: a token serves one thread, and an unattended one would sit there without its PIN.
    signer: SoftwareSigner,
    /// The last serial number given: microseconds of the clock, and one more when it stands still.
    last: AtomicU64,
}

impl Authority {
    pub(crate) fn open(ui: &Ui, id: &Path) -> Result<Self, Failure> {
        let signer = identity::load_software(ui, id)?;
        // Said when it starts, not with the first request.
        tsp::TimeStampAuthority::new(&signer, POLICY).map_err(|e| Failure::from(e).at(id))?;
        Ok(Authority {
            signer,
            last: AtomicU64::new(0),
        })
    }

    /// The DER answer to a DER request; refusals are answers too.
    pub(crate) fn answer(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let now = clock::now();
        let wanted = u64::try_from(now.as_unix_nanos() / 1_000).unwrap_or(1);
        let next = |last: u64| Some(wanted.max(last.saturating_add(1)));
        let last = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
            .unwrap_or(0);
        let serial = wanted.max(last.saturating_add(1));
        let authority = tsp::TimeStampAuthority::new(&self.signer, POLICY)?;
        Ok(authority.answer(request, serial, now).der)
    }
}

fn answer_file(ui: &Ui, authority: &Authority, request: &Path, out: &Path, json: bool) -> Outcome {
    let response = authority.answer(&ui::read(request)?)?;
    // A refusal is no file: whoever asked reads why.
    tsp::unwrap_response(&response).map_err(|e| Failure::from(e).at(request))?;
    written(ui, out, &response, json)
}

fn written(ui: &Ui, out: &Path, bytes: &[u8], json: bool) -> Outcome {
    ui::write(out, bytes)?;
    let shown = out.display().to_string();
    ui.tell(
        json,
        &json!({"written": shown}),
        format!("已写出 {shown}"),
        format!("written: {shown}"),
    );
    Ok(())
}

/// Holds a stamp against a file; the authority's path is judged at the stamped instant.
fn check(ui: &Ui, stamp: &Path, data: &Path, whom: &TrustArgs, json: bool) -> Outcome {
    let token = token_in(ui::read(stamp)?);
    let content = ui::read(data)?;
    let alg = tsp::Stamped::read(&token)
        .map_err(|e| Failure::from(e).at(stamp))?
        .imprint()
        .alg();
    let imprint = tsp::Imprint::of(&content, alg);
    let found = whom
        .stamp_trust()?
        .check(&token, &imprint, tsp::suite_of(alg))
        .map_err(|e| e.at(stamp))?;
    let (at, by) = (found.gen_time, found.authority.subject_name());
    ui.tell(
        json,
        &json!({
            "gen_time": at, "serial": found.serial, "policy": found.policy,
            "authority": cert::as_json(&found.authority),
        }),
        format!("时间戳有效：{by} 证明该文件在 {at} 已存在"),
        format!("time stamp holds: {by} shows that the file existed at {at}"),
    );
    Ok(())
}
