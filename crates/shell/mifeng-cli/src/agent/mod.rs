//! Agents: they watch a tender on a host over HTTP and do a person's part there. The keys stay on this machine;
//! what leaves it are signed records, and each is made from a bundle that was checked here.

mod anchors;
mod idle;
mod page;
mod stamper;
mod task;
mod trustee;
mod watch;
mod witness;

use crate::bidder;
use crate::bundle::Bundle;
use crate::client::Client;
use crate::clock;
use crate::identity::Identity;
use crate::person;
use crate::reach::Reach;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng::record::SignedRecord;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at the host.
const LOOK: Duration = Duration::from_secs(2);

#[derive(clap::Subcommand, Debug)]
pub(crate) enum TrusteeCommand {
    /// 值守一个项目：核对日志、共签截标、经本人同意释放份额、应答抽取、在开标记录上签名 / watch a tender: check its log, cosign the close; release, answer draws and sign the opening record when told to
    Serve(TrusteeArgs),
}

#[derive(clap::Args, Debug)]
pub(crate) struct TrusteeArgs {
    #[command(flatten)]
    reach: Reach,
    /// 受托人的身份文件夹；记录与回执存入其中 agent-项目 / the trustee's identity folder; records and receipts go into agent-TENDER there
    #[arg(long)]
    id: PathBuf,
    /// 条件全部满足即释放，不再询问 / release without asking once every condition is met
    #[arg(long)]
    yes: bool,
    /// 开标记录与日志推出的一致且现场询问均已答复即签名，不再询问 / sign the opening record without asking once it is what the log gives and every question at the opening is answered
    #[arg(long, conflicts_with = "once")]
    yes_sign: bool,
    /// 本机页面的地址，只能在本机 / where the own page listens, on this machine only
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    page: SocketAddr,
    /// 归档前不值守：开标所需份额送达后即结束，不等开标记录 / do not stay until the archive: end when the shares of the opening are handed in, before there is an opening record
    #[arg(long)]
    once: bool,
    /// 截标后尚无时间戳时，向此地址的时间戳机构（http）取一个并送达：没有时间戳，谁也不能释放 / ask the authority at this address (http) for the time stamp after a close, where there is none yet, and hand it in: without one nobody may release
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
}

#[derive(clap::Args, Debug)]
pub(crate) struct WitnessArgs {
    #[command(flatten)]
    reach: Reach,
    /// 见证人的身份文件夹 / the witness's identity folder
    #[arg(long)]
    id: PathBuf,
    /// 日志增长时每隔多少秒共签一次；阶段变化时总会共签 / seconds between cosigned heads while the log grows; a change of stage is cosigned always
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    every: u64,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ReleaseArgs {
    #[arg(long)]
    id: PathBuf,
    /// 记录包；给出 --host 时自行下载 / bundle; fetched where --host is given
    #[arg(long, required_unless_present = "host", conflicts_with = "host")]
    tender: Option<PathBuf>,
    #[arg(long)]
    bid: PathBuf,
    /// UKey 丢失时用密封时留下的备份 / the backup written when sealing, if the key is lost
    #[arg(long)]
    backup: Option<PathBuf>,
    /// 记录写到这里；给出 --host 时默认在投标文件旁 / the record; with --host beside the bid unless told
    #[arg(long, required_unless_present = "host")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reach: Option<Reach>,
}

/// `mifeng bid release`: one record, made and, with a host, waited for, handed in and its receipt kept.
pub(crate) fn release_bid(ui: &Ui, args: &ReleaseArgs) -> Outcome {
    let backup = args.backup.as_deref();
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| args.bid.with_extension("release.rec"));
    let Some(reach) = &args.reach else {
        let tender = args.tender.as_deref().unwrap_or_else(|| Path::new(""));
        return bidder::release(ui, &args.id, tender, &args.bid, backup, &out);
    };
    let client = Client::new(ui, reach)?;
    let identity = Identity::load(ui, &args.id)?;
    wait_for_close(ui, &client)?;
    let folder = folder_of(&args.id, &client)?;
    let bundle = folder.join("bundle.tar");
    client.bundle(&bundle)?;
    // A host that shows two histories gets one answer.
    person::keep_head(&identity, &Bundle::open(&bundle)?.replay)?;
    bidder::release(ui, &args.id, &bundle, &args.bid, backup, &out)?;
    let receipt = hand_in(ui, &client, &out)?;
    ui.say(
        format!("本方份额已送达，回执：{}", receipt.display()),
        format!("the own leaf is handed in; receipt: {}", receipt.display()),
    );
    Ok(())
}

fn wait_for_close(ui: &Ui, client: &Client) -> Outcome {
    let mut told = false;
    loop {
        let glance = client.glance()?;
        if !matches!(&*glance.stage, "setup" | "open") {
            return Ok(());
        }
        if !told {
            ui.say("等待截标……", "waiting for the close of submission …");
            told = true;
        }
        clock::wait_until(clock::now().plus_millis(LOOK.as_millis() as i64));
    }
}

/// Where an agent keeps what it fetches, signs and gets for a tender.
fn folder_of(id: &Path, client: &Client) -> Result<PathBuf, Failure> {
    let folder = id.join(format!("agent-{}", client.tender()));
    std::fs::create_dir_all(&folder).map_err(|e| Failure::io(&folder, &e))?;
    Ok(folder)
}

/// Hands a record in; its receipt is checked against a bundle of now and kept beside the record.
fn hand_in(ui: &Ui, client: &Client, record: &Path) -> Result<PathBuf, Failure> {
    let receipt = client.submit(record, None)?;
    let path = record.with_extension("receipt");
    // Written first: even one that does not hold is evidence.
    ui::write(&path, &receipt.to_file()?)?;
    let bundle = record.with_extension("tar");
    client.bundle(&bundle)?;
    let replay = Bundle::open(&bundle)?.replay;
    let _ = std::fs::remove_file(&bundle);
    let signed = SignedRecord::from_file(&ui::read(record)?)?;
    let (zh, en) = receipt.verify(&signed, &replay)?.in_words();
    ui.say(zh, en);
    Ok(path)
}

/// `mifeng trustee`.
pub(crate) fn trustee(ui: &Ui, command: &TrusteeCommand) -> Outcome {
    let TrusteeCommand::Serve(args) = command;
    if !args.page.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "--page {}: {}",
            args.page,
            ui.t("只能在本机", "on this machine only")
        )));
    }
    if let Some(url) = &args.tsa {
        crate::fetch::check_http(ui, url)?;
    }
    let client = Client::new(ui, &args.reach)?;
    let identity = Identity::load(ui, &args.id)?;
    let folder = folder_of(&args.id, &client)?;
    let screen = page::Screen::new(&args.reach.host);
    let url = page::serve(args.page, screen.clone(), ui.lang)?;
    ui.say(
        format!("本机页面（地址含密钥，勿外传）：{url}"),
        format!("the own page (its address is a secret): {url}"),
    );
    let mut watch = watch::Watch::new(ui, client, identity, folder, screen);
    watch.stamper = stamper::Stamper::new(args.tsa.clone());
    watch.trustee(&trustee::Told {
        release: args.yes,
        sign: args.yes_sign,
        once: args.once,
    })
}

/// `mifeng witness serve`.
pub(crate) fn witness(ui: &Ui, args: &WitnessArgs) -> Outcome {
    let client = Client::new(ui, &args.reach)?;
    let identity = Identity::load(ui, &args.id)?;
    let folder = folder_of(&args.id, &client)?;
    let screen = page::Screen::new(&args.reach.host);
    let mut watch = watch::Watch::new(ui, client, identity, folder, screen);
    watch.witness(Duration::from_secs(args.every))
}
