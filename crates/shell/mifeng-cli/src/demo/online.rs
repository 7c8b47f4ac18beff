//! `mifeng serve --demo`: the demo's people hand everything in over HTTP, at a pace that somebody can follow.

use super::door::{BY_HAND, Door, Remote};
use super::method::MethodName;
use super::stages::Tender;
use super::world::World;
use super::{DemoArgs, Place, PolicyName};
use crate::client::Client;
use crate::host::{FolderHost, Kept};
use crate::reach::Reach;
use crate::serve;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng_server::Running;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Milliseconds between beats: the hall shows each.
const BEAT_MS: u64 = 1_000;
/// The tender's name in addresses.
const NAME: &str = "DEMO-2026-001";

/// How the demo goes over HTTP.
pub(crate) struct Online<'a> {
    pub(crate) demo: &'a DemoArgs,
    pub(crate) listen: SocketAddr,
    pub(crate) verify_page: Option<PathBuf>,
    /// Seconds from the notice to the deadline.
    pub(crate) seconds: u64,
    /// Between two acts of people.
    pub(crate) pace: Duration,
    /// A bid of bidder 1 and the release of trustee 1 are left to somebody at the browser.
    pub(crate) by_hand: bool,
    /// End after the archive instead of going on to serve.
    pub(crate) once: bool,
}

/// Runs it.
pub(crate) fn run(ui: &Ui, online: &Online<'_>) -> Outcome {
    let args = online.demo;
    let known = args.policy != PolicyName::JointWithRemedy && !args.policy.has_one_time_key();
    let known = known && matches!(args.method, MethodName::Open | MethodName::Consultation);
    if args.faults || args.attacks || args.cas != 1 || !known {
        return Err(Failure::usage(ui.t(
            "--demo 在网上只演示公开招标与竞争性磋商，策略 board、joint、board-clock、joint-clock；其他请用 mifeng demo",
            "--demo over HTTP shows the open procedure and consultation with the policies board, joint, board-clock and joint-clock; for others use mifeng demo",
        )));
    }
    let place = Place::make(args.keep.as_deref())?;
    let mut running = None;
    let door = |world: &World, host: FolderHost| {
        drop(host);
        let (started, door) = open_door(ui, online, world)?;
        running = Some(started);
        Ok(door)
    };
    let timing = (online.seconds, BEAT_MS);
    let ended = Tender::start_at(ui, args, &place.root, timing, door)
        .and_then(|tender| tender.finish(ui, args));
    let Some(running) = running else {
        return ended;
    };
    if ended.is_ok() && !online.once {
        ui.say(
            format!(
                "全部完成，档案在 {}。网页继续可看，按 Ctrl-C 结束。",
                place.dossier.display()
            ),
            format!(
                "all done, the dossier is {}. The pages stay; Ctrl-C ends them.",
                place.dossier.display()
            ),
        );
        serve::wait(ui, None)?;
    }
    running.stop();
    ended
}

fn open_door(ui: &Ui, online: &Online<'_>, world: &World) -> Result<(Running, Door), Failure> {
    let house = world.path("house");
    let folder = house.join(NAME);
    std::fs::create_dir_all(&house).map_err(|e| Failure::io(&house, &e))?;
    std::fs::rename(world.path("host"), &folder).map_err(|e| Failure::io(&folder, &e))?;
    let running = serve::start(
        &world.quiet_clone(),
        &serve::Place {
            dir: &house,
            id: &world.path("platform"),
            kept: Kept::default(),
            listen: online.listen,
            tls: None,
            verify_page: online.verify_page.clone(),
            public_names: Vec::new(),
        },
    )?;
    let url = format!("http://{}/t/{NAME}", running.address);
    tell(ui, online, &url);
    let client = Client::new(ui, &Reach::from(&*url))?;
    let paths = (world.path("online.tar"), whole(&house));
    let operator = world.identity("platform")?;
    let by_hand = online.by_hand.then(|| world.path("bidder1/lot1.rec"));
    if online.by_hand {
        tell_by_hand(ui, world, &url)?;
    }
    let remote = Remote::new(client, operator, paths, (online.pace, by_hand))?;
    Ok((running, Door::Http(Box::new(remote))))
}

/// Where the host leaves the whole dossier.
fn whole(house: &Path) -> PathBuf {
    house.join(".work").join(NAME).join("dossier.tar")
}

/// What is left to somebody at the browser, and where its files lie.
fn tell_by_hand(ui: &Ui, world: &World, url: &str) -> Outcome {
    let pin = world.path("pin");
    ui::write_secret(&pin, &world.ui.pin(&pin)?)?;
    let (record, bid) = (
        world.path("bidder1/lot1.rec"),
        world.path("bidder1/lot1.bid"),
    );
    let (record, bid, pin) = (record.display(), bid.display(), pin.display());
    let trustee = world.path(format!("trustee{BY_HAND}"));
    let command = format!(
        "mifeng --pin-file {pin} trustee serve --once --host {url} --id {}",
        trustee.display()
    );
    ui.say(
        format!("由您来做：\n  1. 在 {url}/bid 提交 {record} 和 {bid}\n  2. 运行 {command}\n"),
        format!("left to you:\n  1. at {url}/bid send {record} and {bid}\n  2. run {command}\n"),
    );
    Ok(())
}

fn tell(ui: &Ui, online: &Online<'_>, url: &str) {
    let seconds = online.seconds;
    let base = url.split("/t/").next().unwrap_or_default();
    let audit = format!("{base}/audit");
    ui.say(
        format!(
            "\n  在浏览器中打开\n    开标大厅  {url}/hall\n    投标人    {url}/bid\n    受托人    {url}/trustee\n    \
             评审专家  {url}/score\n    结果公告  {url}/result\n    核验档案  {audit}\n"
        ),
        format!(
            "\n  open in a browser\n    opening hall  {url}/hall\n    bidder        {url}/bid\n    trustee       {url}/trustee\n    \
             expert        {url}/score\n    result        {url}/result\n    auditor       {audit}\n"
        ),
    );
    ui.say(
        format!(
            "将要发生的事（都经 HTTP 送达平台）：\n\
             · 代理机构发布公告，{seconds} 秒后截标\n\
             · 投标人各自密封、分块上传，核验回执；大厅里什么也看不到\n\
             · 平台按时截标；见证人共签日志头，时间戳机构盖章\n\
             · 受托人逐条核对后释放份额，平台开标、唱标\n\
             · 代理机构与在场人签开标记录；抽取专家，审查、评分、排序\n\
             · 采购人定标；平台归档；任何人核验\n"
        ),
        format!(
            "what will happen (all of it handed in over HTTP):\n\
             - the agency publishes the notice; submission closes {seconds} s later\n\
             - bidders seal, send block by block and check their receipts; the hall shows nothing of it\n\
             - the host closes in time; witnesses cosign the head, the authority stamps it\n\
             - trustees check and release; the host opens the bids and reads the prices out\n\
             - agency and those present sign the opening record; experts are drawn, check, score, rank\n\
             - the buyer awards; the host archives; anyone verifies\n"
        ),
    );
}
