//! `mifeng serve`: a host over HTTP.

use crate::anchor::is_anchor_log;
use crate::demo::{self, DemoArgs};
use crate::host::{self, Kept};
use crate::identity::load_certificate;
use crate::opening;
use crate::pages::Pages;
use crate::ui::{Failure, Lang, Outcome, Ui};
use mifeng_server::{Event, Form, Level, Log, Running, SystemClock, Tls};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How a host tells what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    /// 文本 / text
    Text,
    /// 每行一个 JSON 对象 / one JSON object a line
    Json,
    /// 只有事件，没有请求；文本 / events alone and no requests, as text
    Off,
}

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
    /// TLS 证书链，PEM，本机证书在前；SIGHUP 时与密钥一并重读 / TLS certificates in PEM, the host's own first; read again with the key at SIGHUP
    #[arg(long, value_name = "PEM", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// TLS 密钥，PEM，仅所有者可读 / its key in PEM, readable by its owner alone
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// 前面有做 TLS 的代理，可在非本机地址上明文监听 / a proxy in front speaks TLS: plain HTTP beyond loopback is allowed
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// 对外名称，如 host.example[:8443]，登录声明只对这些名称有效；可重复或以逗号分隔；不给则为监听地址和本机 / names that people sign in to, as host.example[:8443]; repeatable, or with commas; without: the address that is listened on and localhost
    #[arg(long, value_name = "NAME[:PORT]", value_delimiter = ',')]
    public_name: Vec<String>,
    /// 核验页，其旁的 mifeng-desk.wasm 供网页内密封与登录（bash crates/shell/mifeng-wasm/build.sh 生成）；不给则在程序旁查找 / the verification page, as its build.sh makes it, and beside it mifeng-desk.wasm for sealing and signing in in the page; without: looked for beside the program
    #[arg(long, value_name = "HTML")]
    verify_page: Option<PathBuf>,
    /// 运行日志的格式，写到标准错误；不给则为 text，有 --json 时为 json，--demo 时为 off / form of the log on standard error; without: text, json with --json, off with --demo
    #[arg(long, value_enum, value_name = "FORM")]
    log: Option<LogForm>,
    /// 自行造好一切，在浏览器里看一次完整招标 / make everything and play a whole tender for a browser
    #[arg(long, conflicts_with_all = ["dir", "id", "db", "tls_cert"])]
    demo: bool,
    /// 演示：公告到截标的秒数；不给则为 60，有 --by-hand 时为 180 / demo: seconds from notice to deadline; without: 60, 180 with --by-hand
    #[arg(long, value_parser = clap::value_parser!(u64).range(5..=3600), requires = "demo")]
    seconds: Option<u64>,
    /// 演示：两个动作之间的毫秒数 / demo: milliseconds between two acts of people
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u64).range(0..=60_000), requires = "demo")]
    pace: u64,
    /// 演示：投标人 1 的一份投标、受托人 1 的释放由您来做 / demo: one bid of bidder 1 and the release of trustee 1 are left to you
    #[arg(long, requires = "demo")]
    by_hand: bool,
    /// 演示：归档后结束 / demo: end after the archive
    #[arg(long, requires = "demo")]
    once: bool,
    #[command(flatten)]
    story: DemoArgs,
}

/// `mifeng serve`.
pub(crate) fn run(ui: &Ui, args: &ServeArgs, json: bool) -> Outcome {
    let form = args.log.unwrap_or(match (json, args.demo) {
        (true, _) => LogForm::Json,
        (false, true) => LogForm::Off,
        (false, false) => LogForm::Text,
    });
    let log = log(ui, form)?;
    let ended = serve(ui, args, &log);
    log.flush();
    ended
}

/// The log on standard error, which journald and containers read.
fn log(ui: &Ui, form: LogForm) -> Result<Log, Failure> {
    let lang = match ui.lang {
        Lang::Zh => mifeng_server::Lang::Zh,
        Lang::En => mifeng_server::Lang::En,
    };
    let form = match form {
        LogForm::Text => Form::Text(lang),
        LogForm::Json => Form::Json,
        LogForm::Off => Form::Events(lang),
    };
    let started = Log::start(form, Box::new(std::io::stderr()));
    started.map_err(|e| Failure::io(Path::new("log"), &e))
}

fn serve(ui: &Ui, args: &ServeArgs, log: &Log) -> Outcome {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(Tls::load(cert, key).map_err(tls_failure)?),
        _ => None,
    };
    if tls.is_none() && !args.behind_proxy && !args.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "{}: {}",
            args.listen,
            ui.t(
                "非本机地址须用 TLS（--tls-cert、--tls-key），或声明前面有代理（--behind-proxy）",
                "beyond loopback TLS is needed (--tls-cert, --tls-key), or a proxy in front (--behind-proxy)",
            )
        )));
    }
    let pages = Pages::of(args.verify_page.as_deref())?;
    let (Some(dir), Some(id)) = (&args.dir, &args.id) else {
        return demo::run_online(
            ui,
            &demo::Online {
                demo: &args.story,
                listen: args.listen,
                pages: &pages,
                seconds: args.seconds.unwrap_or(match args.by_hand {
                    true => SECONDS_BY_HAND,
                    false => SECONDS,
                }),
                pace: Duration::from_millis(args.pace),
                by_hand: args.by_hand,
                once: args.once,
                log: log.clone(),
            },
        );
    };
    if let Some(config) = &args.config {
        let shown = config.display();
        let (zh, en) = (format!("配置：{shown}"), format!("configuration: {shown}"));
        log.tell(Event::new(Level::Info, "host.configured", zh, en));
    }
    let place = Place {
        dir,
        id,
        kept: args.kept.clone(),
        listen: args.listen,
        tls: tls.clone(),
        verify_page: pages.verify.clone(),
        public_names: args.public_name.clone(),
        log: log.clone(),
    };
    let running = start(ui, &place)?;
    let scheme = tls.as_ref().map_or("http", |_| "https");
    let zh = format!("正在监听 {scheme}://{}/", running.address);
    let en = format!("listening on {scheme}://{}/", running.address);
    // Whoever started it with port 0 reads the address where commands answer.
    ui.say(&zh, &en);
    log.tell(Event::new(Level::Info, "host.listening", zh, en));
    let (zh, en) = pages.words();
    ui.say(&zh, &en);
    log.tell(Event::new(pages.level(), "host.pages", zh, en));
    wait(log, tls.as_ref())?;
    running.stop();
    let (zh, en) = ("已停止".to_owned(), "stopped".to_owned());
    log.tell(Event::new(Level::Info, "host.stopped", zh, en));
    Ok(())
}

/// The usual mistake in words.
fn tls_failure(error: mifeng::Error) -> Failure {
    let mut failure = Failure::from(error);
    if failure.text.contains("KeyMismatch") {
        failure.zh = Some(format!("TLS 证书与密钥不是一对（{}）", failure.text));
        failure
            .text
            .push_str(": certificate and key are not one another's");
    }
    failure
}

/// From notice to deadline in the demo: long enough to look around.
const SECONDS: u64 = 60;
/// The same where a person opens a browser, finds the files and sends a bid.
const SECONDS_BY_HAND: u64 = 180;

/// Waits for SIGTERM or Ctrl-C; SIGHUP reads the certificate and key of TLS again.
pub(crate) fn wait(log: &Log, tls: Option<&Tls>) -> Outcome {
    let mut again = || match tls.map(Tls::reload) {
        Some(Ok(())) => log.tell(Event::new(
            Level::Info,
            "tls.read-again",
            "TLS 证书已重读".to_owned(),
            "TLS certificate read again".to_owned(),
        )),
        Some(Err(e)) => {
            let failure = tls_failure(e);
            let [zh, en] = [Lang::Zh, Lang::En].map(|lang| failure.sentence(lang).to_owned());
            log.tell(Event::new(
                Level::Error,
                "tls.not-changed",
                format!("TLS 证书未换，仍用原来的：{zh}"),
                format!("TLS certificate not changed, the old one stays: {en}"),
            ));
        }
        None => {}
    };
    mifeng_server::wait_for_signal(&mut again).map_err(|e| Failure::io(Path::new("signal"), &e))?;
    let (zh, en) = ("正在停止……".to_owned(), "stopping …".to_owned());
    log.tell(Event::new(Level::Info, "host.stopping", zh, en));
    Ok(())
}

/// What is served, and where.
pub(crate) struct Place<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) id: &'a Path,
    pub(crate) kept: Kept,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) verify_page: Option<PathBuf>,
    pub(crate) public_names: Vec<String>,
    pub(crate) log: Log,
}

/// Opens the house and listens in the background.
pub(crate) fn start(ui: &Ui, place: &Place<'_>) -> Result<Running, Failure> {
    // Before somebody types a passphrase for nothing.
    if place.kept.lines().is_none() {
        host::require_folder(place.dir)?;
    }
    load_certificate(&place.id.join("sign.cer"))?;
    let clock = Arc::new(SystemClock);
    let log = &place.log;
    let house = opening::house((ui, log), (place.dir, place.id), &place.kept, clock)?;
    // An anchor log may lie beside the tenders (`anchor init --db`).
    for name in house.skipped().iter().filter(|name| !is_anchor_log(name)) {
        let (zh, en) = match mifeng_server::is_name(name) {
            true => ("其中没有项目", "there is no tender in it"),
            // It is there and would be missed: whoever made it has to rename it.
            false => (host::NAME.0, host::NAME.1),
        };
        let (zh, en) = (
            format!("已略过 {name}：{zh}"),
            format!("left out: {name}: {en}"),
        );
        log.tell(Event::new(Level::Warn, "host.left-out", zh, en));
    }
    let listener = listen_on(place.listen)?;
    let (house, tls) = (Arc::new(house), place.tls.clone());
    let (page, names) = (place.verify_page.clone(), place.public_names.clone());
    mifeng_server::start(house, listener, tls, page, names, log.clone())
        .map_err(|e| not_listening(place.listen, &e))
}

/// The address that is listened on, from now on.
pub(crate) fn listen_on(at: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).map_err(|e| not_listening(at, &e))
}

fn not_listening(at: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::io(Path::new(&format!("--listen {at}")), error)
}
