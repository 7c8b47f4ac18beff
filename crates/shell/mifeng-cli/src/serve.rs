//! `mifeng serve`: a host over HTTP.

use crate::demo::{self, DemoArgs};
use crate::host;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng::{Error, Host};
use mifeng_server::{House, Notify, Opening, Running, SystemClock};
use mifeng_store::Directory;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(clap::Args, Debug)]
pub(crate) struct ServeArgs {
    /// 各项目一个子文件夹（mifeng tender init 建立） / one sub-folder for each tender (made by mifeng tender init)
    #[arg(long, required_unless_present = "demo", requires = "id")]
    dir: Option<PathBuf>,
    /// 平台的身份文件夹 / the host's identity folder
    #[arg(long)]
    id: Option<PathBuf>,
    /// 监听地址 / where to listen
    #[arg(long, default_value = "127.0.0.1:8600", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// 核验页（bash crates/shell/mifeng-wasm/build.sh 生成） / the verification page, as its build.sh makes it
    #[arg(long, value_name = "HTML")]
    verify_page: Option<PathBuf>,
    /// 自行造好一切，在浏览器里看一次完整招标 / make everything and play a whole tender for a browser
    #[arg(long, conflicts_with_all = ["dir", "id"])]
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
    let place = Place {
        dir,
        id,
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
    pub(crate) listen: SocketAddr,
    pub(crate) verify_page: Option<PathBuf>,
}

/// Opens the house and listens in the background.
pub(crate) fn start(ui: &Ui, place: &Place<'_>) -> Result<Running, Failure> {
    // Asked for here, once: the writers open the keys in their own threads.
    let _ = ui.pin(&place.id.join("sign.key"))?;
    let mut opening = |folder: &Path| -> Opening<Directory> {
        let (ui, id, folder) = (ui.copy(), place.id.to_owned(), folder.to_owned());
        Box::new(move || {
            let failed = |failure: Failure| Error::Unavailable {
                what: folder.display().to_string(),
                detail: format!("[{}] {}", failure.code, failure.text),
            };
            let keys = host::keys(&ui, &id).map_err(failed)?;
            Host::open(host::store(&folder).map_err(failed)?, keys)
        })
    };
    let house = House::open(place.dir, Arc::new(SystemClock), &mut opening)?;
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
