//! `mifeng serve`: a host over HTTP.

use crate::demo::{self, DemoArgs};
use crate::host::Kept;
use crate::opening;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng_server::{Notify, Running, SystemClock};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(clap::Args, Debug)]
pub(crate) struct ServeArgs {
    /// 配置文件（TOML，键即选项名）；环境变量 MIFENG_SERVE_… / configuration in TOML, keys are options; also MIFENG_SERVE_… in the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// 各项目一个子文件夹（mifeng tender init 建立）；用 --db 时只放工作文件 / one sub-folder for each tender (made by mifeng tender init); with --db for working files only
    #[arg(long, required_unless_present = "demo", requires = "id")]
    dir: Option<PathBuf>,
    /// 平台的身份文件夹 / the host's identity folder
    #[arg(long)]
    id: Option<PathBuf>,
    #[command(flatten)]
    kept: Kept,
    /// 监听地址 / where to listen
    #[arg(long, default_value = "127.0.0.1:8600", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// 核验页（bash crates/shell/mifeng-wasm/build.sh 生成） / the verification page, as its build.sh makes it
    #[arg(long, value_name = "HTML")]
    verify_page: Option<PathBuf>,
    /// 自行造好一切，在浏览器里看一次完整招标 / make everything and play a whole tender for a browser
    #[arg(long, conflicts_with_all = ["dir", "id", "db"])]
    demo: bool,
    /// 演示：公告到截标的秒数 / demo: seconds from notice to deadline
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3600), requires = "demo")]
    seconds: u64,
    /// 演示：两个动作之间的毫秒数 / demo: milliseconds between two acts of people
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(0..=60_000), requires = "demo")]
    pace: u64,
    /// 演示：归档后结束 / demo: end after the archive
    #[arg(long, requires = "demo")]
    once: bool,
    #[command(flatten)]
    story: DemoArgs,
}

/// `mifeng serve`.
pub(crate) fn run(ui: &Ui, args: &ServeArgs) -> Outcome {
    let (Some(dir), Some(id)) = (&args.dir, &args.id) else {
        return demo::run_online(
            ui,
            &demo::Online {
                demo: &args.story,
                listen: args.listen,
                verify_page: args.verify_page.clone(),
                seconds: args.seconds,
                pace: Duration::from_millis(args.pace),
                once: args.once,
            },
        );
    };
    if let Some(config) = &args.config {
        let shown = config.display();
        ui.say(format!("配置：{shown}"), format!("configuration: {shown}"));
    }
    let place = Place {
        dir,
        id,
        kept: args.kept.clone(),
        listen: args.listen,
        verify_page: args.verify_page.clone(),
    };
    let running = start(ui, &place)?;
    ui.say(
        format!("正在监听 http://{}/", running.address),
        format!("listening on http://{}/", running.address),
    );
    wait(ui)?;
    running.stop();
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
pub(crate) fn wait(ui: &Ui) -> Outcome {
    mifeng_server::wait_for_signal().map_err(|e| Failure::io(Path::new("signal"), &e))?;
    ui.say("正在停止……", "stopping …");
    Ok(())
}

/// What is served, and where.
pub(crate) struct Place<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) id: &'a Path,
    pub(crate) kept: Kept,
    pub(crate) listen: SocketAddr,
    pub(crate) verify_page: Option<PathBuf>,
}

/// Opens the house and listens in the background.
pub(crate) fn start(ui: &Ui, place: &Place<'_>) -> Result<Running, Failure> {
    let clock = Arc::new(SystemClock);
    let house = opening::house(ui, (place.dir, place.id), &place.kept, clock)?;
    for name in house.skipped() {
        ui.say(
            format!("其中没有项目，已略过：{name}"),
            format!("left out, there is no tender in it: {name}"),
        );
    }
    let listener =
        TcpListener::bind(place.listen).map_err(|e| Failure::io(Path::new("listen"), &e))?;
    let lang = ui.lang;
    let notify: Notify = Arc::new(move |zh, en| match lang {
        Lang::Zh => eprintln!("{zh}"),
        Lang::En => eprintln!("{en}"),
    });
    mifeng_server::start(Arc::new(house), listener, place.verify_page.clone(), notify)
        .map_err(|e| Failure::io(Path::new("listen"), &e))
}
