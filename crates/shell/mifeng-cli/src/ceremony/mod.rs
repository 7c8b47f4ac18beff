//! `mifeng board ceremony`: guides a room of people through the making of a board's key.
//!
//! The folder remembers where they are: the same command goes on after a break, a dead laptop or a lost file. The
//! program on the table never holds a secret; every trustee types on an own machine, and only files come here. In a
//! rehearsal this program plays all trustees with throw-away keys.

mod acts;
mod paper;
pub(crate) mod qr;
mod script;
mod steps;

use crate::args::SuiteName;
use crate::clock;
use crate::ui::{self, Failure, Lang, Outcome, Ui};
use mifeng::crypto::{Digest, Suite};
use mifeng::words;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use steps::{STEPS, Step};

#[derive(clap::Args, Clone, Debug)]
pub(crate) struct CeremonyArgs {
    /// 仪式文件夹；同一命令可从中断处继续 / folder of the ceremony; the same command goes on where it stopped
    #[arg(
        long,
        default_value = "ceremony",
        default_value_if("rehearse", "true", "rehearsal")
    )]
    folder: PathBuf,
    /// 演练：本程序扮演全部受托人，密钥作废 / rehearsal: this program plays all trustees, with throw-away keys
    #[arg(long)]
    rehearse: bool,
    /// 委员会名称 / name of the board
    #[arg(long, default_value = "rehearsal")]
    session: String,
    #[arg(long, value_enum, default_value = "gm")]
    suite: SuiteName,
    /// 几人到场即可开标 / how many can open together
    #[arg(long, default_value_t = 2)]
    quorum: u8,
    /// 共几人 / members
    #[arg(long, default_value_t = 3)]
    of: u8,
    /// 不等待回车 / do not wait for Enter
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    fonts: crate::doc::FontArgs,
}

/// What the folder remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ceremony {
    v: u8,
    session: String,
    suite: String,
    quorum: u8,
    of: u8,
    rehearsal: bool,
    done: Vec<Done>,
}

/// A step that was finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    step: String,
    at: String,
    values: Vec<Value>,
}

/// A value that people compare aloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    zh: String,
    en: String,
    digest: Digest,
    words_zh: String,
    words_en: String,
}

impl Value {
    fn new(zh: impl Into<String>, en: impl Into<String>, digest: Digest) -> Self {
        Value {
            zh: zh.into(),
            en: en.into(),
            digest,
            words_zh: words::fingerprint(&digest, true),
            words_en: words::fingerprint(&digest, false),
        }
    }
}

/// How a step stands.
enum Status {
    Done(Vec<Value>),
    /// What is still missing, as names of files.
    Waiting(Vec<String>),
}

/// Where everything lies.
struct Table {
    folder: PathBuf,
    suite: &'static Suite,
    ceremony: Ceremony,
}

impl Table {
    fn state_file(folder: &Path) -> PathBuf {
        folder.join("ceremony.json")
    }

    /// Goes on, or begins.
    fn sit(args: &CeremonyArgs) -> Result<Self, Failure> {
        let path = Self::state_file(&args.folder);
        let ceremony: Ceremony = if path.exists() {
            serde_json::from_slice(&ui::read(&path)?)
                .map_err(|e| Failure::malformed(format!("{}: {e}", path.display())))?
        } else {
            let fits = (1..=mifeng::lock::MAX_MEMBERS).contains(&args.of);
            if !fits || args.quorum == 0 || args.quorum > args.of || args.session.is_empty() {
                return Err(Failure::usage(
                    "--quorum 1..=N --of N, N = 1..=15, --session NAME",
                ));
            }
            Ceremony {
                v: 1,
                session: args.session.clone(),
                suite: args.suite.suite().id().to_owned(),
                quorum: args.quorum,
                of: args.of,
                rehearsal: args.rehearse,
                done: Vec::new(),
            }
        };
        if ceremony.rehearsal != args.rehearse {
            return Err(Failure::usage(
                "这个文件夹的演练与正式仪式不同 / rehearsal and ceremony do not share a folder",
            ));
        }
        let table = Table {
            folder: args.folder.clone(),
            suite: Suite::by_id(&ceremony.suite)?,
            ceremony,
        };
        std::fs::create_dir_all(table.inbox()).map_err(|e| Failure::io(&table.folder, &e))?;
        table.remember()?;
        Ok(table)
    }

    fn remember(&self) -> Outcome {
        let bytes = serde_json::to_vec_pretty(&self.ceremony)
            .map_err(|_| Failure::malformed("ceremony.json"))?;
        ui::write(&Self::state_file(&self.folder), &bytes)
    }

    /// Where the trustees' files are put.
    fn inbox(&self) -> PathBuf {
        self.folder.join("in")
    }

    fn members(&self) -> std::ops::RangeInclusive<u8> {
        1..=self.ceremony.of
    }

    /// The files of one kind, or the names of those that are missing.
    fn files(&self, kind: &str, ending: &str) -> (Vec<PathBuf>, Vec<String>) {
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for index in self.members() {
            let name = format!("{kind}-{index}.{ending}");
            let path = self.inbox().join(&name);
            if path.is_file() {
                there.push(path);
            } else {
                missing.push(format!("in/{name}"));
            }
        }
        (there, missing)
    }
}

pub(crate) fn run(ui: &Ui, args: &CeremonyArgs, json: bool) -> Outcome {
    let mut table = Table::sit(args)?;
    script::write(&table)?;
    paper::script(ui, &table, &args.fonts)?;
    if !json {
        open(ui, &table);
    }
    let first = table.ceremony.done.len();
    for step in STEPS.iter().skip(first) {
        if !json {
            card(ui, &table, step);
        }
        if !args.yes && !pause(ui)? {
            return paused(ui);
        }
        if table.ceremony.rehearsal {
            acts::play(&table, step.key)?;
        }
        let values = loop {
            match acts::look(&table, step.key)? {
                Status::Done(values) => break values,
                Status::Waiting(missing) if args.yes => {
                    return Err(Failure::refused(
                        "ceremony.waiting",
                        format!("{}: {}", step.key, missing.join(", ")),
                    ));
                }
                Status::Waiting(missing) => {
                    ui.say(
                        format!("  还缺：{}（放好后回车；输入 p 暂停）", missing.join("、")),
                        format!(
                            "  missing: {} (Enter to look again, p to pause)",
                            missing.join(", ")
                        ),
                    );
                    if !pause(ui)? {
                        return paused(ui);
                    }
                }
            }
        };
        if !json {
            compare(ui, &values);
        }
        table.ceremony.done.push(Done {
            step: step.key.to_owned(),
            at: clock::now().trunc_millis().to_string(),
            values,
        });
        table.remember()?;
    }
    paper::minutes(ui, &table, &args.fonts)?;
    if json {
        let value = serde_json::to_value(&table.ceremony).unwrap_or_default();
        ui.tell(true, &value, "", "");
        return Ok(());
    }
    end(ui, &table);
    Ok(())
}

fn open(ui: &Ui, table: &Table) {
    let it = &table.ceremony;
    ui.title(
        &format!(
            "密钥仪式：{}（{} 人中 {} 人开标）",
            it.session, it.of, it.quorum
        ),
        &format!("key ceremony: {} ({} of {})", it.session, it.quorum, it.of),
    );
    if it.rehearsal {
        ui.say(
            "※ 演练：所有密钥作废，不得用于真实项目",
            "※ rehearsal: every key is thrown away",
        );
    }
    if it.done.is_empty() {
        for role in steps::ROLES {
            ui.say(
                format!("  [{}] {}\n      核对：{}", role.zh.0, role.zh.1, role.zh.2),
                format!(
                    "  [{}] {}\n      checks: {}",
                    role.en.0, role.en.1, role.en.2
                ),
            );
        }
        let script = table.folder.join("script.pdf");
        let script = match script.exists() {
            true => script,
            false => table.folder.join("script.html"),
        };
        let script = script.display().to_string();
        ui.say(
            format!("  可打印的脚本：{script}"),
            format!("  the script to print: {script}"),
        );
        ui.say(
            "  命令中 FOLDER 是受托人自己的证书文件夹，NUMBER 是其序号",
            "  in commands FOLDER is the trustee's own folder with its certificate, NUMBER its index",
        );
        ui.say(
            "  不插U盘时用二维码：mifeng board qr show 文件；桌上的电脑接扫码枪：mifeng board qr read --out in/文件",
            "  without a stick, by QR codes: mifeng board qr show FILE; with a hand scanner on the table: mifeng board qr read --out in/FILE",
        );
        if it.rehearsal {
            ui.say(
                "  演练中各步的命令由本程序代为执行，回车即可",
                "  in a rehearsal this program does what the commands would: just press Enter",
            );
        }
    } else if it.done.len() < STEPS.len() {
        ui.say(
            format!("从第 {} 步继续", it.done.len() + 1),
            format!("going on at step {}", it.done.len() + 1),
        );
    }
}

fn card(ui: &Ui, table: &Table, step: &Step) {
    let number = table.ceremony.done.len() + 1;
    let all = STEPS.len();
    ui.title(
        &format!("第 {number}/{all} 步  {}", step.title.0),
        &format!("step {number} of {all}: {}", step.title.1),
    );
    ui.say(
        format!("  谁：{}", step.who.0),
        format!("  who: {}", step.who.1),
    );
    ui.say(
        format!("  做：{}", step.what.0),
        format!("  do:  {}", step.what.1),
    );
    for line in step.commands(&table.ceremony) {
        ui.print(&format!("      {line}"));
    }
    ui.say(
        format!("  看到：{}", step.expect.0),
        format!("  see: {}", step.expect.1),
    );
    for (zh, en) in step.trouble {
        ui.say(format!("  若 {zh}"), format!("  if {en}"));
    }
}

/// Every value in the words of both languages: people in one room may read different ones.
fn compare(ui: &Ui, values: &[Value]) {
    for value in values {
        let (name, first, second) = match ui.lang {
            Lang::Zh => (&value.zh, &value.words_zh, &value.words_en),
            Lang::En => (&value.en, &value.words_en, &value.words_zh),
        };
        ui.print(&format!("  □ {name}\n      {first}\n      {second}"));
    }
    ui.say("  ✔ 本步完成", "  ✔ done");
}

fn end(ui: &Ui, table: &Table) {
    let minutes = table.folder.join("minutes.json").display().to_string();
    ui.say(
        format!("\n仪式结束。记录 {minutes} 已由全体受托人签名；in/ 中的 *.rec 交平台载入项目日志。"),
        format!("\nthe ceremony is over. {minutes} is signed by every trustee; the *.rec files in in/ go to the host."),
    );
    if table.ceremony.rehearsal {
        ui.say(
            "※ 这是演练：请删除该文件夹",
            "※ this was a rehearsal: delete the folder",
        );
    }
}

/// Waits for Enter; false if they want a break, or nobody is there.
fn pause(ui: &Ui) -> Result<bool, Failure> {
    print!(
        "{}",
        ui.t("  ［回车继续，p 暂停］", "  [Enter to go on, p to pause] ")
    );
    let failed = |e| Failure::io(Path::new("stdin"), &e);
    std::io::stdout().flush().map_err(failed)?;
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    Ok(read > 0 && line.trim() != "p")
}

fn paused(ui: &Ui) -> Outcome {
    ui.say(
        "\n已暂停。再次运行同一命令即从这一步继续。",
        "\npaused. The same command goes on at this step.",
    );
    Ok(())
}
