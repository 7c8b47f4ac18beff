//! `mifeng serve --demo`: the demo's people hand everything in over HTTP, at a pace that somebody can follow. Whoever
//! looks may join in with the same keys: the play goes on from what the log has then, and the pages stay whatever came
//! of it.

use super::door::{BY_HAND, Door, Manner, Remote};
use super::method::MethodName;
use super::stages::Tender;
use super::stop::{self, Stop, is_stopped};
use super::world::World;
use super::{DemoArgs, Place, PolicyName};
use crate::client::Client;
use crate::host::{FolderHost, Kept};
use crate::pages::Pages;
use crate::reach::Reach;
use crate::serve;
use crate::ui::{self, Failure, Outcome, Ui};
use mifeng_server::{Log, Running};
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
    pub(crate) pages: &'a Pages,
    /// Seconds from the notice to the deadline.
    pub(crate) seconds: u64,
    /// Between two acts of people.
    pub(crate) pace: Duration,
    /// A bid of bidder 1 and the release of trustee 1 are left to somebody at the browser.
    pub(crate) by_hand: bool,
    /// End after the archive instead of going on to serve.
    pub(crate) once: bool,
    pub(crate) log: Log,
}

/// Runs it.
pub(crate) fn run(ui: &Ui, online: &Online<'_>) -> Outcome {
    let mut demo = online.demo.clone();
    demo.count_bidders(ui)?;
    let online = &Online {
        demo: &demo,
        log: online.log.clone(),
        ..*online
    };
    require_playable(ui, online)?;
    // Before everything is made in vain; the host listens there when there is a tender to show.
    drop(serve::listen_on(online.listen)?);
    let (zh, en) = online.pages.words();
    ui.say(zh, en);
    let place = Place::make(demo.keep.as_deref())?;
    let cleared = demo.keep.is_none();
    let root = place.root.clone();
    let stop = Stop::listen(move || {
        if cleared {
            let _ = stop::remove(&root);
        }
    });
    let folder = place.root.display();
    ui.say(
        format!(
            "各方的文件与私钥在 {folder}{}",
            ui.t(
                if cleared {
                    "，结束时删除（--keep 可保留）"
                } else {
                    ""
                },
                ""
            )
        ),
        format!(
            "everybody's files and private keys lie in {folder}{}",
            if cleared {
                "; removed at the end (--keep keeps them)"
            } else {
                ""
            }
        ),
    );
    let ended = play(ui, online, &place, &stop);
    if cleared {
        stop::remove(&place.root).map_err(|e| Failure::io(&place.root, &e))?;
    }
    match ended {
        // Somebody's own wish, unless the play was to be seen to its end.
        Err(no) if is_stopped(&no) && !online.once => Ok(()),
        ended => ended,
    }
}

/// The play, and the pages after it.
fn play(ui: &Ui, online: &Online<'_>, place: &Place, stop: &Stop) -> Outcome {
    let mut running = None;
    let door = |world: &World, host: FolderHost| {
        drop(host);
        let (started, door) = open_door(ui, online, world, stop)?;
        running = Some(started);
        Ok(door)
    };
    let timing = (online.seconds, BEAT_MS);
    let ended = Tender::start_at(ui, online.demo, &place.root, timing, door)
        .and_then(|tender| tender.finish(ui, online.demo));
    let Some(running) = running else {
        return ended;
    };
    if !online.once && !ended.as_ref().is_err_and(is_stopped) {
        tell_end(ui, (place, online.demo.keep.is_some()), &ended);
        stop.wait();
    }
    ui.say("正在停止……", "stopping …");
    running.stop();
    ended
}

fn tell_end(ui: &Ui, (place, is_kept): (&Place, bool), ended: &Outcome) {
    let dossier = place.dossier.display();
    let (zh, en) = match is_kept {
        true => ("", ""),
        false => (
            "（结束时删除，要留请先复制）",
            " (copy it before you end this if you want it)",
        ),
    };
    match ended {
        Ok(()) => ui.say(
            format!("全部完成，档案在 {dossier}{zh}。网页继续可看，按 Ctrl-C 结束。"),
            format!("all done, the dossier is {dossier}{en}. The pages stay; Ctrl-C ends them."),
        ),
        Err(no) => ui.say(
            format!(
                "演示不能继续 [{}] {}。网页继续可看，按 Ctrl-C 结束。",
                no.code,
                no.sentence(ui::Lang::Zh)
            ),
            format!(
                "the play cannot go on [{}] {}. The pages stay; Ctrl-C ends them.",
                no.code,
                no.sentence(ui::Lang::En)
            ),
        ),
    }
}

/// Refuses what the play has no part for, or no time.
fn require_playable(ui: &Ui, online: &Online<'_>) -> Outcome {
    let args = online.demo;
    let known = args.policy != PolicyName::JointWithRemedy && !args.policy.has_one_time_key();
    let known = known && matches!(args.method, MethodName::Open | MethodName::Consultation);
    if args.faults || args.attacks || args.cas != 1 || !known {
        return Err(Failure::usage(ui.t(
            "--demo 在网上只演示公开招标与竞争性磋商，策略 board、joint、board-clock、joint-clock；其他请用 mifeng demo",
            "--demo over HTTP shows the open procedure and consultation with the policies board, joint, board-clock and joint-clock; for others use mifeng demo",
        )));
    }
    let needed = seconds_needed(online);
    if online.seconds < needed {
        let (seconds, bidders) = (online.seconds, args.bidders);
        let pace = online.pace.as_millis();
        return Err(Failure::usage(match ui.lang {
            ui::Lang::Zh => format!(
                "--seconds {seconds}：{bidders} 家投标人、每个动作间隔 {pace} 毫秒，截标前至少需要 {needed} 秒；请加大 --seconds，或减小 --pace、--bidders"
            ),
            ui::Lang::En => format!(
                "--seconds {seconds}: {bidders} bidders at {pace} ms between two acts need at least {needed} s until the deadline; give more --seconds, or a smaller --pace or --bidders"
            ),
        }));
    }
    Ok(())
}

/// Seconds from the notice to the deadline that the bids need: each is sealed, waits its turn, and then for its beat.
fn seconds_needed(online: &Online<'_>) -> u64 {
    let args = online.demo;
    // All bids, and with them a replacement and a withdrawal.
    let acts = (args.bidders * args.method.lots().len() + 2) as u64;
    let each = online.pace.as_millis() as u64 + BEAT_MS;
    (acts * each).div_ceil(1_000) + super::stages::sealing_seconds(args)
}

fn open_door(
    ui: &Ui,
    online: &Online<'_>,
    world: &World,
    stop: &Stop,
) -> Result<(Running, Door), Failure> {
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
            verify_page: online.pages.verify.clone(),
            public_names: Vec::new(),
            log: online.log.clone(),
        },
    )?;
    let url = format!("http://{}/t/{NAME}", running.address);
    tell(ui, online, &url);
    let client = Client::new(ui, &Reach::from(&*url))?;
    let paths = (world.path("online.tar"), whole(&house));
    let operator = world.identity("platform")?;
    if online.by_hand {
        tell_by_hand(ui, world, &url)?;
    }
    let manner = Manner {
        pace: online.pace,
        by_hand: online.by_hand,
        strict: online.once,
        stop: stop.clone(),
    };
    let remote = Remote::new(client, operator, paths, manner)?;
    Ok((running, Door::Http(Box::new(remote))))
}

/// Where the host leaves the whole dossier.
fn whole(house: &Path) -> PathBuf {
    house.join(".work").join(NAME).join("dossier.tar")
}

/// What is left to somebody at the browser, and with which command; the bid is told of when it is sealed.
fn tell_by_hand(ui: &Ui, world: &World, url: &str) -> Outcome {
    let pin = world.path("pin");
    ui::write_secret(&pin, &world.ui.pin(&pin)?)?;
    let pin = pin.display();
    let trustee = world.path(format!("trustee{BY_HAND}"));
    let program = program();
    let command = format!(
        "{program} --pin-file {pin} trustee serve --once --host {url} --id {}",
        trustee.display()
    );
    ui.say(
        format!(
            "由您来做：\n  1. 投标人 1 在第 1 标段的投标（密封后在此提示），截标前随时提交\n  2. 受托人 {BY_HAND}，截标前或截标后运行\n     {command}\n"
        ),
        format!(
            "left to you:\n  1. the bid of bidder 1 for lot 1 (told here once it is sealed), at any time before the deadline\n  2. trustee {BY_HAND}: before or after the close run\n     {command}\n"
        ),
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

/// This program, as somebody can type it in another terminal.
pub(super) fn program() -> String {
    let own = std::env::current_exe();
    own.map_or_else(|_| "mifeng".to_owned(), |path| path.display().to_string())
}
