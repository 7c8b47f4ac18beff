//! `mifeng serve --demo`: the demo's people hand everything in over HTTP, at a pace that somebody can follow.

use super::door::{Door, Remote};
use super::method::MethodName;
use super::stages::Tender;
use super::world::World;
use super::{DemoArgs, Place, PolicyName};
use crate::client::Client;
use crate::host::{FolderHost, Kept};
use crate::reach::Reach;
use crate::serve;
use crate::ui::{Failure, Outcome, Ui};
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
    /// End after the archive instead of going on to serve.
    pub(crate) once: bool,
}

/// Runs it.
pub(crate) fn run(ui: &Ui, online: &Online<'_>) -> Outcome {
    let args = online.demo;
    let plain = matches!(args.policy, PolicyName::Board | PolicyName::Joint);
    if args.method != MethodName::Open || args.faults || args.attacks || args.cas != 1 || !plain {
        return Err(Failure::usage(ui.t(
            "--demo 在网上只演示公开招标，策略 board 或 joint；其他请用 mifeng demo",
            "--demo over HTTP shows the open procedure with the policy board or joint; for others use mifeng demo",
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
    // The host over HTTP keeps no anchor log yet.
    let timing = (online.seconds, BEAT_MS, false);
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
        },
    )?;
    let url = format!("http://{}/t/{NAME}", running.address);
    tell(ui, online, &url);
    let client = Client::new(ui, &Reach::from(&*url))?;
    let paths = (world.path("online.tar"), whole(&house));
    let operator = world.identity("platform")?;
    let remote = Remote::new(client, operator, paths, online.pace)?;
    Ok((running, Door::Http(Box::new(remote))))
}

/// Where the host leaves the whole dossier.
fn whole(house: &Path) -> PathBuf {
    house.join(".work").join(NAME).join("dossier.tar")
}

fn tell(ui: &Ui, online: &Online<'_>, url: &str) {
    let seconds = online.seconds;
    ui.say(
        format!("\n  在浏览器中打开  {url}/hall\n"),
        format!("\n  open in a browser  {url}/hall\n"),
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
