//! `mifeng demo`: a whole tender on this machine, made of the same calls as the single commands.
//!
//! Every person has a folder; only files go from one to the other.

mod act;
mod attacks;
mod bids;
mod called;
mod closing;
mod documents;
mod door;
mod evaluate;
mod faults;
mod method;
mod offers;
mod online;
mod plan;
mod present;
mod recognition;
mod sheets;
mod stages;
mod stop;
mod world;

pub(crate) use online::{Online, run as run_online};

use crate::args::SuiteName;
use crate::ui::{Failure, Lang, Outcome, Ui};
use method::MethodName;
use mifeng::crypto::{Entropy, SystemEntropy};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Fewest bidders: below three a tender is not opened (87 art. 41).
const BIDDERS_MIN: usize = 3;
/// Most bidders of a demo: a batch of one beat has room for them all.
const BIDDERS_MAX: usize = 50;

/// Opening policies that the demo offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PolicyName {
    /// 委员会即可开标 / the board alone opens
    Board,
    /// 投标人与委员会共同开标 / bidder and board open together
    Joint,
    /// 投标人与委员会；投标人缺席时由备用委员会补救 / bidder and board; a fallback board stands in for a bidder who is away
    JointWithRemedy,
    /// 委员会开标，且须信标到达截止后一轮（私有链） / the board, and a beacon chain past the deadline (a private one)
    BoardClock,
    /// 投标人、委员会与信标 / bidder, board and beacon
    JointClock,
    /// 本项目专用密钥，普通公钥加密，开标时公开份额 / a key for this tender alone, plain encryption, its shares revealed at the opening
    OneTimeKey,
    /// 投标人与本项目专用密钥 / bidder and a key for this tender alone
    JointOneTimeKey,
}

impl PolicyName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            PolicyName::Board => "board",
            PolicyName::Joint => "joint",
            PolicyName::JointWithRemedy => "joint-with-remedy",
            PolicyName::BoardClock => "board-clock",
            PolicyName::JointClock => "joint-clock",
            PolicyName::OneTimeKey => "one-time-key",
            PolicyName::JointOneTimeKey => "joint-one-time-key",
        }
    }

    /// Whether bidders release leaves of their own.
    pub(crate) fn asks_bidders(self) -> bool {
        matches!(
            self,
            PolicyName::Joint
                | PolicyName::JointWithRemedy
                | PolicyName::JointClock
                | PolicyName::JointOneTimeKey
        )
    }

    /// Whether a fallback board stands in for absent bidders.
    pub(crate) fn has_remedy(self) -> bool {
        self == PolicyName::JointWithRemedy
    }

    /// Whether a key is made for this tender alone and revealed.
    pub(crate) fn has_one_time_key(self) -> bool {
        matches!(self, PolicyName::OneTimeKey | PolicyName::JointOneTimeKey)
    }

    /// Whether a beacon is waited for.
    pub(crate) fn has_clock(self) -> bool {
        matches!(self, PolicyName::BoardClock | PolicyName::JointClock)
    }
}

#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// 算法套件 / suite
    #[arg(long, value_enum, default_value = "gm")]
    pub(crate) suite: SuiteName,
    /// 开标策略；serve --demo 只有 board、joint、board-clock、joint-clock / opening policy; serve --demo has board, joint, board-clock and joint-clock only
    #[arg(long, value_enum, default_value = "board")]
    pub(crate) policy: PolicyName,
    /// 采购方式与评审方法；serve --demo 只有 open、consultation / procedure and method; serve --demo has open and consultation only
    #[arg(long, value_enum, default_value = "open", conflicts_with = "attacks")]
    pub(crate) method: MethodName,
    /// CA数：2 为两家CA互认，第二家在投标期内载入名单（serve --demo 不支持） / CAs: with 2, the second comes onto the trust list during bidding (not with serve --demo)
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with = "attacks")]
    pub(crate) cas: u8,
    /// 投标人数 / number of bidders
    #[arg(long, default_value_t = 5)]
    pub(crate) bidders: usize,
    /// 每个投标人的文件大小（MB） / megabytes of files for each bidder
    #[arg(long, default_value_t = 6, value_name = "MB")]
    pub(crate) size: usize,
    /// 保留全部文件 / keep all files here
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// 使用真实文件：每个投标人一个子文件夹 / real files: one sub-folder for each bidder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) bids: Option<PathBuf>,
    /// 演示故障：缺席、密封有误、迟到、文件不全的投标，说谎、离线、电脑损坏的受托人（serve --demo 不支持） / faults: bidders absent, late, malformed or incomplete; trustees who lie, are offline or break down (not with serve --demo)
    #[arg(long, conflicts_with_all = ["attacks", "method"])]
    pub(crate) faults: bool,
    /// 演示系统拦下的攻击（serve --demo 不支持） / show the attacks that are stopped (not with serve --demo)
    #[arg(long)]
    pub(crate) attacks: bool,
}

impl DemoArgs {
    /// How many bidders there are, which must be a number that the tender can go on with.
    fn count_bidders(&mut self, ui: &Ui) -> Outcome {
        if let Some(folder) = &self.bids {
            self.bidders = world::sub_folders(folder)?.len();
        }
        self.bidders = self.method.bidders(self.bidders);
        if self.faults {
            self.bidders = self.bidders.max(faults::BIDDERS_MIN);
        }
        let single = self.method == MethodName::SingleSource;
        if self.cas == 2 && self.bidders < 2 {
            return Err(Failure::usage("--cas 2: --bidders 2.."));
        }
        if single || (BIDDERS_MIN..=BIDDERS_MAX).contains(&self.bidders) {
            return Ok(());
        }
        let found = self.bidders;
        Err(Failure::usage(match ui.lang {
            Lang::Zh => format!(
                "--bidders {found}：应为 {BIDDERS_MIN} 至 {BIDDERS_MAX} 家；不足 {BIDDERS_MIN} 家不得开标（财政部令第87号 41条）"
            ),
            Lang::En => format!(
                "--bidders {found}: expected {BIDDERS_MIN} to {BIDDERS_MAX}; with fewer than {BIDDERS_MIN} bids a lot is not opened (order 87 art. 41)"
            ),
        }))
    }
}

/// Runs the demo, or the attacks.
pub(crate) fn run(ui: &Ui, args: &DemoArgs) -> Outcome {
    let mut args = args.clone();
    args.count_bidders(ui)?;
    let started = Instant::now();
    let place = Place::make(args.keep.as_deref())?;
    let ended = if args.attacks {
        attacks::run(ui, &args, &place.root)
    } else {
        stages::run(ui, &args, &place.root)
    };
    ended?;
    let seconds = format!("{:.1}", started.elapsed().as_secs_f32());
    ui.say(format!("用时 {seconds} 秒"), format!("took {seconds} s"));
    if args.attacks {
        return Ok(());
    }
    let dossier = place.dossier.display().to_string();
    ui.say(
        format!("全部文件在 {}", place.root.display()),
        format!("everything lies in {}", place.root.display()),
    );
    ui.say(
        format!("审计人员输入：mifeng verify {dossier}"),
        format!("an auditor would type: mifeng verify {dossier} --lang en"),
    );
    Ok(())
}

/// Where the demo lies. What it made lies there afterwards, so that an auditor can look at it.
struct Place {
    root: PathBuf,
    dossier: PathBuf,
}

impl Place {
    fn make(keep: Option<&Path>) -> Result<Self, Failure> {
        let (root, named) = match keep {
            Some(folder) => (folder.to_owned(), true),
            None => (std::env::temp_dir().join(unguessed()?), false),
        };
        // As somebody names it in another terminal.
        let root = std::path::absolute(&root).map_err(|e| Failure::io(&root, &e))?;
        if named
            && root.exists()
            && std::fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some())
        {
            return Err(Failure::usage(format!(
                "{}: 文件夹不为空 / folder is not empty",
                root.display()
            )));
        }
        private_folder(&root, named)?;
        let dossier = root.join("dossier.tar");
        Ok(Place { root, dossier })
    }
}

/// A name that nobody else has made a folder of before.
fn unguessed() -> Result<String, Failure> {
    let mut drawn = [0; 8];
    SystemEntropy::new().fill(&mut drawn)?;
    Ok(format!("mifeng-demo-{:016x}", u64::from_be_bytes(drawn)))
}

/// A folder for this user alone: everybody's private keys go into it. One that somebody `named` may be there already, and
/// stays as its owner made it.
fn private_folder(folder: &Path, named: bool) -> Outcome {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new()
        .recursive(named)
        .mode(0o700)
        .create(folder);
    made.map_err(|e| Failure::io(folder, &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(folder: &Path) -> u32 {
        let meta = std::fs::metadata(folder).expect("there");
        meta.permissions().mode() & 0o777
    }

    #[test]
    fn a_demo_lies_where_nobody_guesses_for_its_owner_alone() -> Outcome {
        let (one, other) = (Place::make(None)?, Place::make(None)?);
        assert_ne!(one.root, other.root);
        for place in [&one, &other] {
            let name = place.root.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let drawn = name.strip_prefix("mifeng-demo-").unwrap_or_default();
            let is_hex = drawn.len() == 16 && drawn.chars().all(|c| c.is_ascii_hexdigit());
            assert!(is_hex, "{name}");
            assert_eq!(mode(&place.root), 0o700);
            // One that is there already is somebody's, whoever made it.
            let no = private_folder(&place.root, false);
            assert!(no.is_err_and(|no| no.exit == 4));
        }
        let named = one.root.join("kept");
        let kept = Place::make(Some(&named))?;
        assert_eq!((&kept.root, mode(&named)), (&named, 0o700));
        std::fs::write(named.join("file"), "").expect("written");
        assert!(Place::make(Some(&named)).is_err_and(|no| no.exit == 2));
        for place in [one, other] {
            stop::remove(&place.root).expect("removed");
        }
        Ok(())
    }
}
