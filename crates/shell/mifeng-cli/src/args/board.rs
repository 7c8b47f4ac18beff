//! `mifeng board` and `mifeng witness`: what a trustee does with its key and as a witness.

use crate::evaluation::args::BoardMore;
use std::path::PathBuf;

#[derive(clap::Subcommand, Debug)]
pub(crate) enum BoardCommand {
    /// 加入委员会 / join a board
    Join {
        #[arg(long)]
        id: PathBuf,
        /// 委员会名称，全体相同 / name of the board, the same for all
        #[arg(long)]
        session: String,
        /// 第几位 / which member, from 1
        #[arg(long)]
        index: u8,
        /// 几人到场即可开标 / how many can open together
        #[arg(long)]
        quorum: u8,
        /// 共几人 / members
        #[arg(long)]
        of: u8,
        #[arg(long)]
        out: PathBuf,
    },
    /// 第一轮：需要全体的加入记录，或首个委员会所在日志的记录包 / first round: takes all members' join records, or the bundle of the log whose first board this is
    Round1 {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 第二轮：需要以上全部记录，或首个委员会所在日志的记录包 / second round: takes all records so far, or the bundle of the log whose first board this is
    Round2 {
        #[arg(long)]
        id: PathBuf,
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// 见证：共签日志头 / witness: cosign the head of the log
    Cosign {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 逐条核对释放条件，然后释放解密份额 / check each release condition, then release shares
    Release {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 为专家抽取给出份额 / answer for the draw
    Draw {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 交接密钥：换人或换新份额，密钥不变 / hand the key on: other trustees or new shares, the same key
    #[command(subcommand)]
    Reshare(crate::reshare::ReshareCommand),
    /// 二维码：文件不经U盘过气隙 / QR codes: a file over the air gap without a stick
    #[command(subcommand)]
    Qr(crate::ceremony::qr::QrCommand),
    /// 密钥仪式：引导一屋子人，可演练、暂停、继续 / key ceremony: guides a room; rehearse, pause, go on
    Ceremony(crate::ceremony::CeremonyArgs),
    #[command(flatten)]
    Trouble(crate::complain::BoardTrouble),
    #[command(flatten)]
    More(BoardMore),
}

#[derive(clap::Subcommand, Debug)]
pub(crate) enum WitnessCommand {
    /// 核对日志未被改写后共签其日志头 / check that nothing was rewritten, then cosign the head
    Cosign {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 值守一个项目，随日志增长共签并送达 / keep watch over a tender: cosign as its log grows, and hand in
    Serve(crate::agent::WitnessArgs),
    /// 平台不应答时：证明此刻见到投标人的记录 / when the host does not answer: say that a record is seen now
    Seen {
        #[arg(long)]
        id: PathBuf,
        #[arg(long)]
        tender: PathBuf,
        /// 投标人的记录 / the bidder's record
        #[arg(long)]
        record: PathBuf,
        #[arg(long)]
        out: PathBuf,
    },
    /// 核验见证人的证明 / check a witness's statement
    Check {
        #[arg(long)]
        tender: PathBuf,
        #[arg(long)]
        record: PathBuf,
        /// 见证人的证明 / the statement
        #[arg(long)]
        seen: PathBuf,
    },
}
