//! The commands that reach a host over HTTP, and what its operator orders.

use crate::access::{self, GrantCommand, SignInArgs};
use crate::client::{Client, fetched};
use crate::identity::Identity;
use crate::reach::Reach;
use crate::send::{self, SendArgs};
use crate::ui::{self, Failure, Outcome, Ui};
use crate::{agent, base64, clock};
use mifeng::crypto::SystemEntropy;
use mifeng::{Replay, sign_record};
use mifeng_server::{HostOrder, ORDER};
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum BundleCommand {
    /// 下载记录包；归档后可下载公开版档案 / fetch the bundle; after the archive the public dossier
    Fetch {
        #[command(flatten)]
        reach: Reach,
        /// 公开版档案 / the public export of the dossier
        #[arg(long)]
        dossier: bool,
        /// 写到这里 / goes here
        #[arg(long)]
        out: PathBuf,
    },
}

/// `mifeng bundle`.
fn bundle(ui: &Ui, command: &BundleCommand) -> Outcome {
    let BundleCommand::Fetch {
        reach,
        dossier,
        out,
    } = command;
    let client = Client::new(ui, reach)?;
    match dossier {
        true => client.dossier(out)?,
        false => client.bundle(out)?,
    }
    ui.say(
        format!("已下载：{}", out.display()),
        format!("fetched: {}", out.display()),
    );
    Ok(())
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum HostCommand {
    /// 向运行中的平台下达指令，用平台自己的证书签名 / order something of a running host, signed with its own certificate
    #[command(subcommand)]
    Order(OrderCommand),
    #[command(flatten)]
    Store(crate::store::StoreCommand),
}

/// Which tender, and who orders.
#[derive(clap::Args, Debug)]
pub(crate) struct Ordering {
    #[command(flatten)]
    reach: Reach,
    /// 平台的身份文件夹 / the host's identity folder
    #[arg(long)]
    id: PathBuf,
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum OrderCommand {
    /// 归档 / close the log for good
    Archive(Ordering),
    /// 受托人时段已过，不再等待投标或最后报价所缺的份额（投标人未解密且无人可代的，平台自动认定） / the trustees' time is over: wait no longer for shares that bids or final offers lack (a bid whose bidder released nothing, and that nobody else can open, the host ends by itself)
    GiveUp(Ordering),
    /// 平台时钟无误（时钟曾突然前移，或平台停机过久） / the host's clock is right, though it jumped or the host was away for long
    Clock(Ordering),
    /// 载入吊销列表 / take in a revocation list
    Crl {
        /// 吊销列表 / the list, DER or PEM
        file: PathBuf,
        #[command(flatten)]
        to: Ordering,
    },
    /// 收下OCSP应答，自入日志起生效 / take an OCSP response in, which counts from its record
    Ocsp {
        /// 应答，响应方原样发出的 DER / the response, DER, as the responder sent it
        file: PathBuf,
        /// 被答证书与其根之间的CA证书 / CA certificates between the one answered for and its root
        #[arg(long, value_name = "CER")]
        above: Vec<PathBuf>,
        #[command(flatten)]
        to: Ordering,
    },
}

/// `mifeng host`.
fn host(ui: &Ui, command: &HostCommand) -> Outcome {
    let order = match command {
        HostCommand::Order(order) => order,
        HostCommand::Store(command) => return crate::store::run(ui, command),
    };
    let (to, order) = match order {
        OrderCommand::Archive(to) => (to, HostOrder::Archive {}),
        OrderCommand::GiveUp(to) => (to, HostOrder::GiveUp {}),
        OrderCommand::Clock(to) => (to, HostOrder::Clock {}),
        OrderCommand::Crl { file, to } => {
            let der = base64(&crate::fetch::pem_or_der(&ui::read(file)?));
            (to, HostOrder::List { der })
        }
        OrderCommand::Ocsp { file, above, to } => {
            let above = crate::cert::read_each(above)?;
            let order = HostOrder::Answer {
                above: above.iter().map(|ca| base64(ca.der())).collect(),
                der: base64(&ui::read(file)?),
            };
            (to, order)
        }
    };
    let client = Client::new(ui, &to.reach)?;
    let replay = fetched(&client)?;
    let identity = Identity::load(ui, &to.id)?;
    client.order(&signed_order(&replay, &identity, &order)?)?;
    ui.say("平台已照办", "the host has done it");
    Ok(())
}

/// An order as the host takes it: a record that the log never does.
pub(crate) fn signed_order(
    replay: &Replay,
    identity: &Identity,
    order: &HostOrder,
) -> Result<Vec<u8>, Failure> {
    let entropy = &mut SystemEntropy::new();
    let signer = &*identity.signer;
    let record = sign_record(&replay.state, ORDER, order, signer, clock::now(), entropy)?;
    Ok(record.to_file()?)
}

/// What reaches a host over HTTP.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum NetCommand {
    /// 运行中的平台：下达指令 / a running host: orders
    #[command(subcommand)]
    Host(HostCommand),
    /// 用数字证书登录平台，取得令牌 / sign in to a host with one's certificate, for a token
    SignIn(SignInArgs),
    /// 授权、紧急放行、撤销 / let somebody see something: delegations, emergencies, their end
    #[command(subcommand)]
    Grant(GrantCommand),
    /// 把记录、密封投标、共签送到平台 / hand a record, a sealed bid or a cosigned head in to a host
    Send(SendArgs),
    /// 受托人的值守程序 / the trustee's agent
    #[command(subcommand)]
    Trustee(agent::TrusteeCommand),
    /// 从平台下载记录包 / fetch a bundle from a host
    #[command(subcommand)]
    Bundle(BundleCommand),
}

/// Runs one of them.
pub(crate) fn run(ui: &Ui, command: &NetCommand) -> Outcome {
    match command {
        NetCommand::Host(command) => host(ui, command),
        NetCommand::SignIn(args) => access::sign_in(ui, args),
        NetCommand::Grant(command) => access::grant(ui, command),
        NetCommand::Send(args) => send::run(ui, args),
        NetCommand::Trustee(command) => agent::trustee(ui, command),
        NetCommand::Bundle(command) => bundle(ui, command),
    }
}
